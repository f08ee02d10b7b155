/* Who a context says it is: certificates, keys and chains. */
#include "ctx_change.h"

/*
 * What a context has for one type of key. Each part may be NULL; a chain without
 * certificates says that there is none to send.
 */
typedef struct credential {
    X509 *cert;
    EVP_PKEY *key;
    STACK_OF(X509) *chain;
} credential;

/* Which parts a setting brings itself. */
enum { GIVEN_CERT = 1, GIVEN_KEY = 2, GIVEN_CHAIN = 4 };

static void free_chain(STACK_OF(X509) *chain)
{
    sk_X509_pop_free(chain, X509_free);
}

static void credential_free(void *data)
{
    credential *parts = data;

    X509_free(parts->cert);
    EVP_PKEY_free(parts->key);
    free_chain(parts->chain);
    OPENSSL_free(parts);
}

static bool belong_together(const X509 *cert, const EVP_PKEY *key)
{
    bool fits;

    ERR_set_mark();
    fits = X509_check_private_key(cert, key) == 1;
    ERR_pop_to_mark();
    return fits;
}

/*
 * Take over from what was there before the parts that are not replaced; but not a
 * key that does not belong to the certificate, which OpenSSL forgets too.
 */
static pyossl_status credential_merge(osl_setting *setting, const osl_setting *before)
{
    credential *parts = setting->data;
    const credential *old = before->data;

    if (parts->cert == NULL && old->cert != NULL) {
        if (X509_up_ref(old->cert) != 1)
            return osl_fail(PYOSSL_E_OPENSSL);
        parts->cert = old->cert;
    }
    if (parts->chain == NULL && old->chain != NULL) {
        parts->chain = X509_chain_up_ref(old->chain);
        if (parts->chain == NULL)
            return osl_fail(PYOSSL_E_NOMEM);
    }
    if (parts->key == NULL && old->key != NULL && belong_together(parts->cert, old->key)) {
        if (EVP_PKEY_up_ref(old->key) != 1)
            return osl_fail(PYOSSL_E_OPENSSL);
        parts->key = old->key;
    }
    return PYOSSL_OK;
}

static pyossl_status apply_credential(osl_generation *generation, const osl_setting *setting)
{
    const credential *parts = setting->data;
    SSL_CTX *ssl_ctx = generation->ssl_ctx;
    /* What was merged in is there already where the setting before is in force. */
    const uint64_t wanted = setting->before != NULL ? setting->set : UINT64_MAX;

    if (setting->number == OSL_WHOLE_IDENTITY)
        SSL_CTX_clear_extra_chain_certs(ssl_ctx);
    if (parts->cert != NULL && (wanted & GIVEN_CERT) != 0 &&
        SSL_CTX_use_certificate(ssl_ctx, parts->cert) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    if (parts->key != NULL && (wanted & GIVEN_KEY) != 0 &&
        SSL_CTX_use_PrivateKey(ssl_ctx, parts->key) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    if (parts->chain == NULL || (wanted & GIVEN_CHAIN) == 0)
        return PYOSSL_OK;
    if (sk_X509_num(parts->chain) == 0)
        SSL_CTX_clear_chain_certs(ssl_ctx);
    else if (SSL_CTX_set1_chain(ssl_ctx, parts->chain) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    return PYOSSL_OK;
}

/* A setting for the slot of @key's type. The parts are taken over, also on failure. */
static pyossl_status change_credential(pyossl_ctx *ctx, X509 *cert, EVP_PKEY *key,
                                       STACK_OF(X509) *chain, int64_t number)
{
    osl_auto(osl_setting) *setting = osl_setting_new(OSL_SET_CREDENTIAL, apply_credential);
    const credential given = { cert, key, chain };
    credential *parts = osl_memdup(&given, sizeof given);

    if (setting == NULL || parts == NULL) {
        X509_free(cert);
        EVP_PKEY_free(key);
        free_chain(chain);
        OPENSSL_free(parts);
        return osl_fail_nomem();
    }
    setting->data = parts;
    setting->release = credential_free;
    setting->merge = credential_merge;
    setting->number = number;
    setting->set = (cert != NULL ? GIVEN_CERT : 0u) | (key != NULL ? GIVEN_KEY : 0u) |
                   (chain != NULL ? GIVEN_CHAIN : 0u);
    setting->stepwise = cert != NULL && (key != NULL || sk_X509_num(chain) > 0);
    if (cert != NULL)
        key = X509_get0_pubkey(cert);
    if (key == NULL)
        return osl_fail(PYOSSL_E_OPENSSL);
    setting->slot = EVP_PKEY_get_base_id(key);
    return osl_ctx_change(ctx, osl_steal(setting));
}

/* ---- what is handed in ---- */

/* A reference to what a change of @cert will not change. NULL and recorded. */
static X509 *share_cert(const pyossl_x509 *cert)
{
    X509 *full = osl_x509_full(cert);

    if (full != NULL && X509_up_ref(full) != 1) {
        (void)!osl_fail(PYOSSL_E_OPENSSL);
        return NULL;
    }
    return full;
}

/* NULL and recorded for what cannot sign. */
static EVP_PKEY *share_key(const pyossl_pkey *pkey)
{
    if (pkey->key == NULL || !pkey->is_private) {
        (void)!osl_fail_text(PYOSSL_E_STATE, "not a private key");
        return NULL;
    }
    if (EVP_PKEY_up_ref(pkey->key) != 1) {
        (void)!osl_fail(PYOSSL_E_OPENSSL);
        return NULL;
    }
    return pkey->key;
}

static pyossl_status check_format(int format)
{
    if (format == PYOSSL_PEM || format == PYOSSL_DER)
        return PYOSSL_OK;
    ERR_raise_data(ERR_LIB_SSL, SSL_R_BAD_SSL_FILETYPE, "%d; " OSL_FORMATS, format);
    return osl_fail(PYOSSL_E_ARGUMENT);
}

/* ---- certificates ---- */

pyossl_status pyossl_ctx_use_certificate(pyossl_ctx *ctx, pyossl_x509 *cert)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL && cert != NULL);
    X509 *shared;

    OSL_TRY(osl_ctx_changeable(ctx));
    shared = share_cert(cert);
    return shared != NULL ? change_credential(ctx, shared, NULL, NULL, 0) : osl_recorded();
}

pyossl_status pyossl_ctx_use_certificate_file(pyossl_ctx *ctx, const char *path, int format)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL && path != NULL);
    osl_auto(pyossl_x509) *cert = NULL;
    osl_auto_buf bytes = PYOSSL_BUF_INIT;

    OSL_TRY(osl_ctx_changeable(ctx));
    OSL_TRY(check_format(format));
    OSL_TRY(osl_file_read(path, OSL_FILE_MAX, &bytes));
    OSL_TRY(
        osl_in_file(pyossl_x509_load(&cert, (pyossl_format)format, bytes.data, bytes.len), path));
    return osl_in_file(pyossl_ctx_use_certificate(ctx, cert), path);
}

pyossl_status pyossl_ctx_use_certificate_chain_file(pyossl_ctx *ctx, const char *path)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL && path != NULL);
    osl_auto_x509_list certs = PYOSSL_X509_LIST_INIT;
    osl_auto_buf bytes = PYOSSL_BUF_INIT;
    osl_auto(X509) *leaf = NULL;
    STACK_OF(X509) *chain;

    OSL_TRY(osl_ctx_changeable(ctx));
    OSL_TRY(osl_file_read(path, OSL_FILE_MAX, &bytes));
    OSL_TRY(osl_in_file(osl_x509_load_chain(&certs, bytes.data, bytes.len), path));
    leaf = share_cert(certs.items[0]);
    if (leaf == NULL)
        return osl_recorded();
    chain = osl_x509_stack(certs.items + 1, certs.count - 1);
    if (chain == NULL)
        return osl_recorded();
    return osl_in_file(change_credential(ctx, osl_steal(leaf), NULL, chain, 0), path);
}

static pyossl_status apply_extra_chain(osl_generation *generation, const osl_setting *setting)
{
    X509 *cert = setting->data;

    /* OpenSSL takes a reference over, but only when it succeeds. */
    if (X509_up_ref(cert) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    if (SSL_CTX_add_extra_chain_cert(generation->ssl_ctx, cert) != 1) {
        X509_free(cert);
        return osl_fail(PYOSSL_E_OPENSSL);
    }
    return PYOSSL_OK;
}

static void release_cert(void *cert)
{
    X509_free(cert);
}

pyossl_status pyossl_ctx_add_extra_chain_cert(pyossl_ctx *ctx, pyossl_x509 *cert)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL && cert != NULL);
    osl_auto(osl_setting) *setting = NULL;

    OSL_TRY(osl_ctx_changeable(ctx));
    setting = osl_setting_new(OSL_SET_ADD_EXTRA_CHAIN, apply_extra_chain);
    if (setting == NULL)
        return PYOSSL_E_NOMEM;
    setting->release = release_cert;
    setting->data = share_cert(cert);
    if (setting->data == NULL)
        return osl_recorded();
    return osl_ctx_change(ctx, osl_steal(setting));
}

/* ---- keys ---- */

pyossl_status pyossl_ctx_use_pkey(pyossl_ctx *ctx, pyossl_pkey *pkey)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL && pkey != NULL);
    EVP_PKEY *key;

    OSL_TRY(osl_ctx_changeable(ctx));
    key = share_key(pkey);
    return key != NULL ? change_credential(ctx, NULL, key, NULL, 0) : osl_recorded();
}

/* The passphrase callback of the moment, or NULL. */
static osl_closure *passphrase_closure(const pyossl_ctx *ctx)
{
    osl_generation *generation = osl_ctx_read_begin(ctx);
    osl_closure *closure = osl_closure_ref(generation->callbacks[OSL_CB_PASSPHRASE]);

    osl_ctx_read_end(ctx);
    return closure;
}

pyossl_status pyossl_ctx_use_pkey_file(pyossl_ctx *ctx, const char *path, int format)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL && path != NULL);
    osl_auto(osl_closure) *closure = NULL;
    osl_auto(pyossl_pkey) *pkey = NULL;
    osl_auto_buf bytes = PYOSSL_BUF_INIT;
    pyossl_passphrase passphrase = { NULL, 0, NULL, NULL };

    OSL_TRY(osl_ctx_changeable(ctx));
    OSL_TRY(check_format(format));
    OSL_TRY(osl_file_read(path, OSL_FILE_MAX, &bytes));
    closure = passphrase_closure(ctx);
    if (closure != NULL) {
        passphrase.callback = (pyossl_passphrase_cb)closure->call;
        passphrase.userdata = closure->userdata;
    }
    OSL_TRY(osl_in_file(pyossl_pkey_load_private(&pkey, (pyossl_format)format, bytes.data,
                                                 bytes.len, closure != NULL ? &passphrase : NULL),
                        path));
    return osl_in_file(pyossl_ctx_use_pkey(ctx, pkey), path);
}

pyossl_status pyossl_ctx_check_pkey(pyossl_ctx *ctx)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL);
    const int result = SSL_CTX_check_private_key(osl_ctx_read_begin(ctx)->ssl_ctx);

    osl_ctx_read_end(ctx);
    return result == 1 ? PYOSSL_OK : osl_fail(PYOSSL_E_OPENSSL);
}

/* ---- all together ---- */

pyossl_status pyossl_ctx_use_identity(pyossl_ctx *ctx, pyossl_x509 *cert, pyossl_pkey *pkey,
                                      pyossl_x509 *const *chain, size_t count)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL && cert != NULL && pkey != NULL && osl_are_there(chain, count));
    osl_auto(X509) *leaf = NULL;
    osl_auto(EVP_PKEY) *key = NULL;
    STACK_OF(X509) *rest;

    OSL_TRY(osl_ctx_changeable(ctx));
    leaf = share_cert(cert);
    if (leaf == NULL)
        return osl_recorded();
    key = share_key(pkey);
    if (key == NULL)
        return osl_recorded();
    if (X509_check_private_key(leaf, key) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    rest = osl_x509_stack(chain, count);
    if (rest == NULL)
        return osl_recorded();
    return change_credential(ctx, osl_steal(leaf), osl_steal(key), rest, OSL_WHOLE_IDENTITY);
}
