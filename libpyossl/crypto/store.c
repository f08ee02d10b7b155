/* Trusted certificates: what a store holds, and what it asks of a chain. */
#include "lookup.h"

#include <openssl/pem.h>
#include <time.h>

static void store_destroy(pyossl_store *store)
{
    X509_STORE_free(store->store);
    OPENSSL_free(store);
}

OSL_DEFINE_REFS(store, store_destroy)

pyossl_status osl_store_wrap(pyossl_store **out, X509_STORE *store)
{
    pyossl_store *made;

    OSL_TRY(osl_init());
    made = osl_new(pyossl_store);
    if (made == NULL)
        return osl_fail_nomem();
    if (X509_STORE_up_ref(store) != 1) {
        OPENSSL_free(made);
        return osl_fail(PYOSSL_E_OPENSSL);
    }
    osl_object_init(&made->base);
    made->store = store;
    *out = made;
    return PYOSSL_OK;
}

pyossl_status osl_store_make(X509_STORE **out)
{
    osl_auto(X509_STORE) *store = X509_STORE_new();

    if (store == NULL)
        return osl_fail(PYOSSL_E_NOMEM);
    /* Now, because lookups cannot be attached while a chain is judged. */
    OSL_TRY(osl_lookup_attach(store));
    OSL_TRY(osl_trust_attach(store));
    *out = osl_steal(store);
    return PYOSSL_OK;
}

pyossl_status pyossl_store_new(pyossl_store **out)
{
    OSL_API_ENTER;
    OSL_NEED(out != NULL);
    osl_auto(X509_STORE) *store = NULL;

    OSL_TRY(osl_init());
    OSL_TRY(osl_store_make(&store));
    return osl_store_wrap(out, store);
}

/* ---- what it holds ---- */

pyossl_status pyossl_store_add_cert(pyossl_store *store, pyossl_x509 *cert)
{
    OSL_API_ENTER;
    OSL_NEED(store != NULL && cert != NULL);
    X509 *x509 = osl_x509_full(cert);

    if (x509 == NULL)
        return osl_recorded();
    OSL_TRUST_CHANGES(store->store);
    if (!osl_lookup_add_cert(store->store, x509))
        return osl_fail(PYOSSL_E_OPENSSL);
    return osl_trust_cert(store->store, x509) ? PYOSSL_OK : osl_fail_nomem();
}

pyossl_status pyossl_store_add_crl(pyossl_store *store, pyossl_crl *crl)
{
    OSL_API_ENTER;
    OSL_NEED(store != NULL && crl != NULL);
    /*
     * A copy: OpenSSL works out a list's extensions and fingerprint when it
     * decodes one, and not again when it changes; and it sorts the entries of
     * lists in a store while others may be reading them.
     */
    osl_auto(X509_CRL) *copy = NULL;

    /* Of one that cannot be encoded OpenSSL says that there is no memory to copy it. */
    if (i2d_X509_CRL(crl->crl, NULL) <= 0)
        return osl_fail(PYOSSL_E_STATE);
    copy = X509_CRL_dup(crl->crl);
    if (copy == NULL)
        return osl_fail(PYOSSL_E_OPENSSL);
    OSL_TRUST_CHANGES(store->store);
    if (X509_STORE_add_crl(store->store, copy) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    return osl_trust_crl(store->store, copy) ? PYOSSL_OK : osl_fail_nomem();
}

/* Keys may be in a file of certificates too; nobody is asked to decrypt them. */
int osl_no_passphrase(char *buf, int size, int confirm, void *userdata)
{
    (void)buf;
    (void)size;
    (void)confirm;
    (void)userdata;
    return 0;
}

/* Add the certificates and lists of PEM text. False, with OpenSSL's queue telling why. */
static bool add_pem(X509_STORE *store, const void *text, size_t len, size_t *added)
{
    osl_auto(BIO) *bio = osl_text_bio(text, len);
    STACK_OF(X509_INFO) *infos = NULL;
    bool ok;

    /* All is decoded before any of it is trusted: one bad entry spoils the file. */
    if (bio != NULL)
        infos = PEM_X509_INFO_read_bio_ex(bio, NULL, osl_no_passphrase, NULL,
                                          osl_lookup_home(store), NULL);
    ok = infos != NULL;
    if (bio != NULL && !ok)
        ERR_raise(ERR_LIB_X509, ERR_R_PEM_LIB); /* as X509_load_cert_crl_file() adds */
    *added = 0;
    for (int i = 0; ok && i < sk_X509_INFO_num(infos); i++) {
        const X509_INFO *info = sk_X509_INFO_value(infos, i);

        if (info->x509 != NULL && ++*added)
            ok = osl_lookup_add_cert(store, info->x509) && osl_trust_cert(store, info->x509);
        if (ok && info->crl != NULL && ++*added)
            ok = X509_STORE_add_crl(store, info->crl) == 1 && osl_trust_crl(store, info->crl);
    }
    sk_X509_INFO_pop_free(infos, X509_INFO_free);
    return ok;
}

static pyossl_status load_file(X509_STORE *store, const char *path)
{
    osl_auto_buf text = PYOSSL_BUF_INIT;
    osl_bundle *bundle = osl_lookup_is_open(store) ? NULL : osl_bundle_open(path);
    size_t added;

    if (bundle != NULL) {
        pyossl_status status = osl_lookup_add_bundle(store, bundle);

        if (status == PYOSSL_OK && !osl_trust_bundle(store, bundle))
            status = osl_fail_nomem();
        osl_bundle_unref(bundle);
        return status;
    }
    OSL_TRY(osl_file_read(path, OSL_FILE_MAX, &text));
    if (!add_pem(store, text.data, text.len, &added))
        return osl_in_file(osl_fail(PYOSSL_E_FORMAT), path);
    if (added == 0) {
        ERR_raise_data(ERR_LIB_X509, X509_R_NO_CERTIFICATE_OR_CRL_FOUND, "%s", path);
        return osl_fail(PYOSSL_E_FORMAT);
    }
    return PYOSSL_OK;
}

static pyossl_status load_directories(X509_STORE *store, const char *list)
{
    if (list[strspn(list, OSL_LIST_SEPARATOR)] == '\0') {
        ERR_raise(ERR_LIB_X509, X509_R_INVALID_DIRECTORY);
        return osl_fail(PYOSSL_E_ARGUMENT);
    }
    OSL_TRY(osl_lookup_add_directories(store, list));
    return osl_trust_word(store, "directory", list, false) ? PYOSSL_OK : osl_fail_nomem();
}

pyossl_status osl_store_load(X509_STORE *store, const char *file, const char *dir)
{
    if (file == NULL && dir == NULL)
        return osl_fail_text(PYOSSL_E_ARGUMENT, "neither a file nor a directory");
    OSL_TRUST_CHANGES(store);
    if (file != NULL)
        OSL_TRY(load_file(store, file));
    return dir != NULL ? load_directories(store, dir) : PYOSSL_OK;
}

pyossl_status pyossl_store_load_locations(pyossl_store *store, const char *file, const char *dir)
{
    OSL_API_ENTER;
    OSL_NEED(store != NULL);
    return osl_store_load(store->store, file, dir);
}

STACK_OF(X509_OBJECT) *osl_store_open(X509_STORE *store)
{
#ifdef OSL_STORE_IS_NO_LIST
    return X509_STORE_get1_objects(store);
#else
    return X509_STORE_lock(store) == 1 ? X509_STORE_get0_objects(store) : NULL;
#endif
}

void osl_store_close(X509_STORE *store, STACK_OF(X509_OBJECT) *objects)
{
#ifdef OSL_STORE_IS_NO_LIST
    (void)store;
    sk_X509_OBJECT_pop_free(objects, X509_OBJECT_free);
#else
    (void)objects;
    X509_STORE_unlock(store);
#endif
}

STACK_OF(X509) *osl_store_get1_certs(X509_STORE *store)
{
    STACK_OF(X509) *certs = sk_X509_new_null();
    STACK_OF(X509_OBJECT) *objects;
    bool ok = true;

    if (certs == NULL || (objects = osl_store_open(store)) == NULL) {
        sk_X509_free(certs);
        return NULL;
    }
    for (int i = 0; ok && i < sk_X509_OBJECT_num(objects); i++) {
        X509 *x509 = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));

        if (x509 != NULL)
            ok = X509_add_cert(certs, x509, X509_ADD_FLAG_UP_REF) == 1;
    }
    osl_store_close(store, objects);
    if (!ok) {
        sk_X509_pop_free(certs, X509_free);
        return NULL;
    }
    return certs;
}

pyossl_status pyossl_store_certs(const pyossl_store *store, pyossl_x509_list *out)
{
    OSL_API_ENTER;
    OSL_NEED(store != NULL && out != NULL);
    STACK_OF(X509) *certs = NULL;
    pyossl_status status;

    if (osl_lookup_settle(store->store))
        certs = osl_store_get1_certs(store->store);
    if (certs == NULL)
        return osl_fail(PYOSSL_E_NOMEM);
    status = osl_x509_wrap_stack(out, certs);
    sk_X509_pop_free(certs, X509_free);
    return status;
}

/* ---- what it asks: recorded, and given to each judgement when it begins (osl_trust_ask()) ---- */

/* What the store asks, to be changed; NULL and recorded. */
static X509_VERIFY_PARAM *open_param(const pyossl_store *store)
{
    X509_VERIFY_PARAM *param = osl_trust_open(store->store);

    if (param == NULL)
        (void)!osl_fail(PYOSSL_E_OPENSSL);
    return param;
}

static pyossl_status close_param(const pyossl_store *store, bool changed)
{
    osl_trust_close(store->store);
    return changed ? PYOSSL_OK : osl_fail(PYOSSL_E_OPENSSL);
}

pyossl_status pyossl_store_set_flags(pyossl_store *store, unsigned long flags)
{
    OSL_API_ENTER;
    OSL_NEED(store != NULL);
    OSL_TRUST_CHANGES(store->store);
    X509_VERIFY_PARAM *param = open_param(store);

    if (param == NULL)
        return PYOSSL_E_OPENSSL;
    return close_param(store, X509_VERIFY_PARAM_set_flags(param, flags) == 1);
}

unsigned long pyossl_store_get_flags(const pyossl_store *store)
{
    OSL_NEED_OR(0, store != NULL);
    return osl_trust_flags(store->store);
}

pyossl_status pyossl_store_set_time(pyossl_store *store, int64_t when)
{
    OSL_API_ENTER;
    OSL_NEED(store != NULL);
    const time_t seconds = (time_t)when;
    X509_VERIFY_PARAM *param;

    if ((int64_t)seconds != when)
        return osl_fail_number(PYOSSL_E_ARGUMENT, "a time that this system cannot express", when);
    OSL_TRUST_CHANGES(store->store);
    param = open_param(store);
    if (param == NULL)
        return PYOSSL_E_OPENSSL;
    X509_VERIFY_PARAM_set_time(param, seconds);
    return close_param(store, true);
}

pyossl_status pyossl_store_set_depth(pyossl_store *store, int depth)
{
    OSL_API_ENTER;
    OSL_NEED(store != NULL);
    X509_VERIFY_PARAM *param;

    if (depth < -1)
        return osl_fail_number(PYOSSL_E_ARGUMENT, "a negative depth", depth);
    OSL_TRUST_CHANGES(store->store);
    param = open_param(store);
    if (param == NULL)
        return PYOSSL_E_OPENSSL;
    X509_VERIFY_PARAM_set_depth(param, depth);
    return close_param(store, true);
}

pyossl_status pyossl_store_set_purpose(pyossl_store *store, const char *purpose)
{
    OSL_API_ENTER;
    OSL_NEED(store != NULL && purpose != NULL);
    int index = X509_PURPOSE_get_by_sname(purpose);

    if (index < 0)
        return osl_fail_detail(PYOSSL_E_ARGUMENT, "no such purpose", purpose);
    OSL_TRUST_CHANGES(store->store);
    if (!osl_trust_word(store->store, "purpose", purpose, true))
        return osl_fail_nomem();
    return osl_trust_purpose(store->store, X509_PURPOSE_get0(index)) ? PYOSSL_OK
                                                                     : osl_fail(PYOSSL_E_OPENSSL);
}

pyossl_status pyossl_store_add_policy(pyossl_store *store, const char *oid)
{
    OSL_API_ENTER;
    OSL_NEED(store != NULL && oid != NULL);
    osl_auto(ASN1_OBJECT) *policy = OBJ_txt2obj(oid, 1);
    X509_VERIFY_PARAM *param;
    bool added;

    if (policy == NULL)
        return osl_fail_detail(PYOSSL_E_ARGUMENT, "not a dotted number", oid);
    OSL_TRUST_CHANGES(store->store);
    if (!osl_trust_word(store->store, "policy", oid, false))
        return osl_fail_nomem();
    param = open_param(store);
    if (param == NULL)
        return PYOSSL_E_OPENSSL;
    added = X509_VERIFY_PARAM_add0_policy(param, policy) == 1;
    if (added)
        policy = NULL; /* the store's now */
    return close_param(store, added);
}
