/* Whom a context trusts, whom it asks for, and who the peer must be. */
#include "../crypto/lookup.h"
#include "ctx_change.h"

#include <stdlib.h>

/* ---- the store ---- */

pyossl_status pyossl_ctx_load_verify_locations(pyossl_ctx *ctx, const char *file, const char *dir)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL);
    OSL_TRY(osl_ctx_changeable(ctx));
    /* OpenSSL locks stores, so this one may grow while it is used. */
    return osl_store_load(ctx->store, file, dir);
}

/* A program that runs with more rights than its user does not let that user say whom to trust. */
static const char *trusted_getenv(const char *name)
{
#if defined(__GLIBC__)
    return secure_getenv(name);
#else
    return getenv(name);
#endif
}

/* A place that cannot be read adds nothing, as with OpenSSL; only a lack of memory counts. */
static pyossl_status load_default(X509_STORE *store, const char *file, const char *dir)
{
    const pyossl_status status = osl_store_load(store, file, dir);

    if (status == PYOSSL_E_NOMEM)
        return status;
    ERR_clear_error();
    return PYOSSL_OK;
}

pyossl_status pyossl_ctx_set_default_verify_paths(pyossl_ctx *ctx)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL);
    const char *file = trusted_getenv(X509_get_default_cert_file_env());
    const char *dir = trusted_getenv(X509_get_default_cert_dir_env());

    OSL_TRY(osl_ctx_changeable(ctx));
    if (dir == NULL)
        dir = X509_get_default_cert_dir();
    OSL_TRY(load_default(ctx->store, file != NULL ? file : X509_get_default_cert_file(), NULL));
    OSL_TRY(load_default(ctx->store, NULL, dir));
    OSL_TRUST_CHANGES(ctx->store);
    OSL_TRY(osl_lookup_add_uri(ctx->store, dir));
    return osl_trust_word(ctx->store, "default", dir, false) ? PYOSSL_OK : osl_fail_nomem();
}

pyossl_status pyossl_ctx_store(pyossl_ctx *ctx, pyossl_store **out)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL && out != NULL);
    return osl_store_wrap(out, ctx->store);
}

/* ---- how chains are judged ---- */

static pyossl_status apply_verify_depth(osl_generation *generation, const osl_setting *setting)
{
    SSL_CTX_set_verify_depth(generation->ssl_ctx, (int)setting->number);
    return PYOSSL_OK;
}

pyossl_status pyossl_ctx_set_verify_depth(pyossl_ctx *ctx, int depth)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL);
    return osl_ctx_change_number(ctx, OSL_SET_VERIFY_DEPTH, apply_verify_depth, depth);
}

int pyossl_ctx_verify_depth(const pyossl_ctx *ctx)
{
    OSL_NEED_OR(0, ctx != NULL);
    const int depth = SSL_CTX_get_verify_depth(osl_ctx_read_begin(ctx)->ssl_ctx);

    osl_ctx_read_end(ctx);
    return depth;
}

static pyossl_status apply_max_cert_list(osl_generation *generation, const osl_setting *setting)
{
    SSL_CTX_set_max_cert_list(generation->ssl_ctx, (long)setting->number);
    return PYOSSL_OK;
}

pyossl_status pyossl_ctx_set_max_cert_list(pyossl_ctx *ctx, long bytes)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL);
    if (bytes < 0)
        return osl_fail_number(PYOSSL_E_ARGUMENT, "a negative size", bytes);
    return osl_ctx_change_number(ctx, OSL_SET_MAX_CERT_LIST, apply_max_cert_list, bytes);
}

long pyossl_ctx_max_cert_list(const pyossl_ctx *ctx)
{
    OSL_NEED_OR(0, ctx != NULL);
    const long bytes = SSL_CTX_get_max_cert_list(osl_ctx_read_begin(ctx)->ssl_ctx);

    osl_ctx_read_end(ctx);
    return bytes;
}

static pyossl_status apply_identity(osl_generation *generation, const osl_setting *setting)
{
    osl_identity *old = generation->identity;

    /* Each connection hands it to its own SSL. */
    generation->identity = osl_identity_ref(setting->data);
    osl_identity_unref(old);
    return PYOSSL_OK;
}

static void release_identity(void *identity)
{
    osl_identity_unref(identity);
}

/* @identity is taken over, also on failure; NULL for anybody. */
static pyossl_status change_identity(pyossl_ctx *ctx, osl_identity *identity)
{
    osl_setting *setting = osl_setting_new(OSL_SET_IDENTITY, apply_identity);

    if (setting == NULL) {
        osl_identity_unref(identity);
        return PYOSSL_E_NOMEM;
    }
    setting->data = identity;
    setting->release = release_identity;
    return osl_ctx_change(ctx, setting);
}

pyossl_status pyossl_ctx_set_verify_hostname(pyossl_ctx *ctx, const char *name, size_t len,
                                             unsigned flags)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL && osl_fits(name, name != NULL ? len : 0));
    osl_identity *identity = NULL;

    if (name != NULL)
        OSL_TRY(osl_identity_hostname(&identity, name, len, flags));
    return change_identity(ctx, identity);
}

pyossl_status pyossl_ctx_set_verify_ip(pyossl_ctx *ctx, const char *address, size_t len)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL && osl_fits(address, address != NULL ? len : 0));
    osl_identity *identity = NULL;

    if (address != NULL)
        OSL_TRY(osl_identity_ip(&identity, address, len));
    return change_identity(ctx, identity);
}

/* ---- authorities whose certificates are welcome ---- */

static void free_names(void *names)
{
    sk_X509_NAME_pop_free((STACK_OF(X509_NAME) *)names, X509_NAME_free);
}

/* Copies @name. */
static pyossl_status push_name(STACK_OF(X509_NAME) *names, const X509_NAME *name)
{
    X509_NAME *copy = X509_NAME_dup(name);

    if (copy == NULL)
        return osl_fail(PYOSSL_E_OPENSSL);
    if (sk_X509_NAME_push(names, copy) <= 0) {
        X509_NAME_free(copy);
        return osl_fail(PYOSSL_E_NOMEM);
    }
    return PYOSSL_OK;
}

static pyossl_status count_name(size_t *total, const X509_NAME *name)
{
    const int len = i2d_X509_NAME(name, NULL);

    if (len < 0)
        return osl_fail(PYOSSL_E_OPENSSL);
    *total += (size_t)len + 2;
    return PYOSSL_OK;
}

/*
 * TLS counts the bytes of the list in two bytes: a longer one would make every handshake fail.
 * @more comes after @names, or is NULL.
 */
static pyossl_status check_names(const STACK_OF(X509_NAME) *names, const X509_NAME *more)
{
    size_t total = 0;

    for (int i = 0; i < sk_X509_NAME_num(names); i++)
        OSL_TRY(count_name(&total, sk_X509_NAME_value(names, i)));
    if (more != NULL)
        OSL_TRY(count_name(&total, more));
    if (total > UINT16_MAX)
        return osl_fail_text(PYOSSL_E_ARGUMENT,
                             "the names of the client authorities take more than "
                             "the 65535 bytes that TLS has for them");
    return PYOSSL_OK;
}

static pyossl_status apply_client_cas(osl_generation *generation, const osl_setting *setting)
{
    STACK_OF(X509_NAME) *copy;

    OSL_TRY(check_names(setting->data, NULL));
    copy = SSL_dup_CA_list(setting->data);
    if (copy == NULL)
        return osl_fail(PYOSSL_E_NOMEM);
    SSL_CTX_set_client_CA_list(generation->ssl_ctx, copy);
    return PYOSSL_OK;
}

/* A setting with an empty list. */
static osl_setting *client_cas_new(void)
{
    osl_auto(osl_setting) *setting = osl_setting_new(OSL_SET_CLIENT_CAS, apply_client_cas);

    if (setting == NULL)
        return NULL;
    setting->release = free_names;
    setting->data = sk_X509_NAME_new_null();
    if (setting->data == NULL) {
        (void)!osl_fail(PYOSSL_E_NOMEM);
        return NULL;
    }
    return osl_steal(setting);
}

pyossl_status pyossl_ctx_set_client_ca_list(pyossl_ctx *ctx, pyossl_name *const *names,
                                            size_t count)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL && osl_are_there(names, count));
    osl_auto(osl_setting) *setting = NULL;

    OSL_TRY(osl_ctx_changeable(ctx));
    setting = client_cas_new();
    if (setting == NULL)
        return PYOSSL_E_NOMEM;
    for (size_t i = 0; i < count; i++) {
        const X509_NAME *name = osl_name_read(names[i]);

        if (name == NULL)
            return osl_recorded();
        OSL_TRY(push_name(setting->data, name));
    }
    return osl_ctx_change(ctx, osl_steal(setting));
}

static bool has_name(const STACK_OF(X509_NAME) *names, const X509_NAME *name)
{
    for (int i = 0; i < sk_X509_NAME_num(names); i++)
        if (X509_NAME_cmp(sk_X509_NAME_value(names, i), name) == 0)
            return true;
    return false;
}

pyossl_status pyossl_ctx_load_client_ca(pyossl_ctx *ctx, const char *path)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL && path != NULL);
    osl_auto_x509_list certs = PYOSSL_X509_LIST_INIT;
    osl_auto_buf bytes = PYOSSL_BUF_INIT;
    osl_auto(osl_setting) *setting = NULL;

    OSL_TRY(osl_ctx_changeable(ctx));
    OSL_TRY(osl_file_read(path, OSL_FILE_MAX, &bytes));
    OSL_TRY(osl_in_file(pyossl_x509_load_all(&certs, bytes.data, bytes.len), path));
    setting = client_cas_new();
    if (setting == NULL)
        return PYOSSL_E_NOMEM;
    for (size_t i = 0; i < certs.count; i++) {
        const X509_NAME *name = X509_get_subject_name(osl_x509_read(certs.items[i]));

        if (!has_name(setting->data, name))
            OSL_TRY(push_name(setting->data, name));
    }
    return osl_in_file(osl_ctx_change(ctx, osl_steal(setting)), path);
}

static void release_cert(void *cert)
{
    X509_free(cert);
}

static pyossl_status apply_add_client_ca(osl_generation *generation, const osl_setting *setting)
{
    SSL_CTX *ssl_ctx = generation->ssl_ctx;

    OSL_TRY(check_names(SSL_CTX_get_client_CA_list(ssl_ctx), X509_get_subject_name(setting->data)));
    if (SSL_CTX_add_client_CA(ssl_ctx, setting->data) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    return PYOSSL_OK;
}

pyossl_status pyossl_ctx_add_client_ca(pyossl_ctx *ctx, pyossl_x509 *cert)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL && cert != NULL);
    osl_auto(osl_setting) *setting = NULL;
    X509 *bearer;

    OSL_TRY(osl_ctx_changeable(ctx));
    setting = osl_setting_new(OSL_SET_ADD_CLIENT_CA, apply_add_client_ca);
    if (setting == NULL)
        return PYOSSL_E_NOMEM;
    /* OpenSSL wants a certificate, of which it reads the subject alone. */
    bearer = X509_new();
    setting->data = bearer;
    setting->release = release_cert;
    if (bearer == NULL ||
        X509_set_subject_name(bearer, X509_get_subject_name(osl_x509_read(cert))) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    return osl_ctx_change(ctx, osl_steal(setting));
}
