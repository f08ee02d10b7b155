/* What the OpenSSL below can do. */
#include "../crypto/crypto.h"

#include <openssl/ssl.h>

#include "pyossl/version.h"

static bool has_npn(void)
{
#ifdef OPENSSL_NO_NEXTPROTONEG
    return false;
#else
    return true;
#endif
}

static bool has_srtp(void)
{
#ifdef OPENSSL_NO_SRTP
    return false;
#else
    return true;
#endif
}

static bool has_cookie(void)
{
#ifdef SSL_OP_COOKIE_EXCHANGE
    return true;
#else
    return false;
#endif
}

static bool has_ocsp(void)
{
#ifdef OPENSSL_NO_OCSP
    return false;
#else
    return true;
#endif
}

static bool has_legacy(void)
{
    OSL_API_ENTER;
    return osl_legacy_load();
}

static bool has_slim(void)
{
    const bool untouched = osl_openssl_untouched(); /* before the next line uses OpenSSL */
    OSL_API_ENTER;
    return osl_slim(untouched) != NULL;
}

/* The OpenSSL that is running decides, with the providers that it has. */
static bool has_keys(const char *type)
{
    OSL_API_ENTER;
    EVP_KEYMGMT *type_of_keys;

    ERR_set_mark();
    type_of_keys = EVP_KEYMGMT_fetch(NULL, type, NULL);
    ERR_pop_to_mark();
    EVP_KEYMGMT_free(type_of_keys);
    return type_of_keys != NULL;
}

static bool has_signature_name(void)
{
#ifdef SSL_get0_signature_name
    return true;
#else
    return false;
#endif
}

/* What was decided when this was compiled is told without having OpenSSL set itself up. */
int pyossl_has(pyossl_feature feature)
{
    switch (feature) {
    case PYOSSL_FEATURE_KEYLOG:
    case PYOSSL_FEATURE_ALPN:
        return 1;
    case PYOSSL_FEATURE_NPN:
        return has_npn();
    case PYOSSL_FEATURE_SRTP:
        return has_srtp();
    case PYOSSL_FEATURE_COOKIE:
        return has_cookie();
    case PYOSSL_FEATURE_GROUP_NAME:
        return true; /* by one function or another: see pyossl_conn_group_name() */
    case PYOSSL_FEATURE_OCSP:
        return has_ocsp();
    case PYOSSL_FEATURE_LEGACY:
        return has_legacy();
    case PYOSSL_FEATURE_SLIM:
        return has_slim();
    case PYOSSL_FEATURE_ML_DSA:
        return has_keys("ML-DSA-44");
    case PYOSSL_FEATURE_SLH_DSA:
        return has_keys("SLH-DSA-SHA2-128f");
    case PYOSSL_FEATURE_ML_KEM:
        return has_keys("ML-KEM-768");
    case PYOSSL_FEATURE_SIGNATURE_NAME:
        return has_signature_name();
    }
    return 0; /* a number from a newer header than this library's */
}
