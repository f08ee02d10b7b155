/* From handles to OpenSSL's pointers and back (pyossl/openssl.h). */
#include "../crypto/lookup.h"
#include "ctx_change.h"

#include <openssl/core_names.h>
#include <openssl/provider.h>

#include "pyossl/openssl.h"

X509 *pyossl_openssl_x509(pyossl_x509 *cert)
{
    OSL_API_ENTER; /* it may have to be decoded */
    OSL_NEED_OR(NULL, cert != NULL);

    return osl_x509_full(cert);
}

pyossl_status pyossl_openssl_wrap_x509(pyossl_x509 **out, X509 *x509)
{
    OSL_API_ENTER;
    OSL_NEED(out != NULL && x509 != NULL);
    if (X509_up_ref(x509) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    return osl_x509_wrap(out, x509);
}

EVP_PKEY *pyossl_openssl_pkey(pyossl_pkey *pkey)
{
    OSL_NEED_OR(NULL, pkey != NULL);
    return pkey->key;
}

/* Whether an engine or a method of the program's works with the key: no provider does then. */
static bool is_foreign(EVP_PKEY *pkey)
{
    osl_auto(EVP_PKEY_CTX) *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);

    return ctx != NULL && EVP_PKEY_verify_init(ctx) == 1 && EVP_PKEY_CTX_get0_provider(ctx) == NULL;
}

/* Whether a key may have a private half that it does not show, as a key in a token does. */
static bool is_kept_elsewhere(EVP_PKEY *pkey)
{
    static const char *const own[] = { "default", "fips", "base", "legacy" };
    const OSSL_PROVIDER *provider = EVP_PKEY_get0_provider(pkey);

    if (provider == NULL)
        return is_foreign(pkey);
    for (size_t i = 0; i < OSL_COUNT_OF(own); i++)
        if (strcmp(OSSL_PROVIDER_get0_name(provider), own[i]) == 0)
            return false;
    return true;
}

/* OpenSSL does not say whether a key has a private half; its parameters do. */
static bool has_private_half(EVP_PKEY *pkey)
{
    static const char *const numbers[] = { OSSL_PKEY_PARAM_RSA_D, OSSL_PKEY_PARAM_PRIV_KEY };
    BIGNUM *number = NULL;
    size_t len;

    for (size_t i = 0; i < OSL_COUNT_OF(numbers); i++)
        if (EVP_PKEY_get_bn_param(pkey, numbers[i], &number) == 1) {
            BN_clear_free(number);
            return true;
        }
    /* X25519 and its like have bytes instead of a number. */
    if (EVP_PKEY_get_raw_private_key(pkey, NULL, &len) == 1)
        return true;
    /* A token shows no private half. Whether it has one is known when it is asked to sign. */
    return is_kept_elsewhere(pkey);
}

pyossl_status pyossl_openssl_wrap_pkey(pyossl_pkey **out, EVP_PKEY *pkey)
{
    OSL_API_ENTER;
    OSL_NEED(out != NULL && pkey != NULL);
    if (EVP_PKEY_up_ref(pkey) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    return osl_pkey_wrap(out, pkey, has_private_half(pkey));
}

SSL_CTX *pyossl_openssl_ctx(pyossl_ctx *ctx)
{
    OSL_API_ENTER;
    OSL_NEED_OR(NULL, ctx != NULL);
    osl_auto(osl_generation) *generation = NULL;

    /* What the program does with it is made for the default library context. */
    if (osl_ctx_make_plain(ctx) != PYOSSL_OK || !osl_lookup_open(ctx->store))
        return NULL;
    generation = osl_ctx_lend(ctx);
    if (SSL_CTX_up_ref(generation->ssl_ctx) != 1)
        return NULL;
    return generation->ssl_ctx;
}

SSL *pyossl_openssl_conn(pyossl_conn *conn)
{
    OSL_API_ENTER;
    OSL_NEED_OR(NULL, conn != NULL);
    SSL *ssl;

    /* What the program sets in it must not be lost where the context may be slim no more. */
    if (!conn->begun)
        (void)!osl_ctx_make_plain(conn->ctx);
    if (!osl_lookup_open(conn->ctx->store))
        return NULL;
    ssl = osl_conn_ssl(conn);
    return conn->hollow ? NULL : ssl;
}
