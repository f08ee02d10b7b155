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

int pyossl_has(pyossl_feature feature)
{
    OSL_API_ENTER;

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
        return osl_legacy_load();
    case PYOSSL_FEATURE_SLIM:
        return osl_slim(false) != NULL;
    }
    return 0; /* a number from a newer header than this library's */
}
