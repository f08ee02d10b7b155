/* OpenSSL's numbers by name. */
#include "base/internal.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include "pyossl/constants.h"

/*
 * Bits that OpenSSL 3 defines as 0, as they have nothing to switch any more, and
 * may stop defining. A program that sets one means no harm.
 */
#ifndef SSL_OP_SINGLE_DH_USE
#define SSL_OP_SINGLE_DH_USE 0
#endif
#ifndef SSL_OP_EPHEMERAL_RSA
#define SSL_OP_EPHEMERAL_RSA 0
#endif
#ifndef SSL_OP_NO_SSLv2
#define SSL_OP_NO_SSLv2 0
#endif
#ifndef SSL_OP_MICROSOFT_SESS_ID_BUG
#define SSL_OP_MICROSOFT_SESS_ID_BUG 0
#endif
#ifndef SSL_OP_NETSCAPE_CHALLENGE_BUG
#define SSL_OP_NETSCAPE_CHALLENGE_BUG 0
#endif
#ifndef SSL_OP_NETSCAPE_REUSE_CIPHER_CHANGE_BUG
#define SSL_OP_NETSCAPE_REUSE_CIPHER_CHANGE_BUG 0
#endif
#ifndef SSL_OP_SSLREF2_REUSE_CERT_TYPE_BUG
#define SSL_OP_SSLREF2_REUSE_CERT_TYPE_BUG 0
#endif
#ifndef SSL_OP_MICROSOFT_BIG_SSLV3_BUFFER
#define SSL_OP_MICROSOFT_BIG_SSLV3_BUFFER 0
#endif
#ifndef SSL_OP_MSIE_SSLV2_RSA_PADDING
#define SSL_OP_MSIE_SSLV2_RSA_PADDING 0
#endif
#ifndef SSL_OP_SSLEAY_080_CLIENT_DH_BUG
#define SSL_OP_SSLEAY_080_CLIENT_DH_BUG 0
#endif
#ifndef SSL_OP_TLS_D5_BUG
#define SSL_OP_TLS_D5_BUG 0
#endif
#ifndef SSL_OP_TLS_BLOCK_PADDING_BUG
#define SSL_OP_TLS_BLOCK_PADDING_BUG 0
#endif
#ifndef SSL_OP_PKCS1_CHECK_1
#define SSL_OP_PKCS1_CHECK_1 0
#endif
#ifndef SSL_OP_PKCS1_CHECK_2
#define SSL_OP_PKCS1_CHECK_2 0
#endif
#ifndef SSL_OP_NETSCAPE_CA_DN_BUG
#define SSL_OP_NETSCAPE_CA_DN_BUG 0
#endif
#ifndef SSL_OP_NETSCAPE_DEMO_CIPHER_CHANGE_BUG
#define SSL_OP_NETSCAPE_DEMO_CIPHER_CHANGE_BUG 0
#endif
#ifndef SSL_OP_SINGLE_ECDH_USE
#define SSL_OP_SINGLE_ECDH_USE 0
#endif
/*
 * And bits that came behind OpenSSL 3.0: what they switch is not there before. A flag that judges
 * (X509_V_FLAG_OCSP_RESP_CHECK) cannot be among these: who sets it relies on it.
 */
#ifndef SSL_OP_NO_TX_CERTIFICATE_COMPRESSION
#define SSL_OP_NO_TX_CERTIFICATE_COMPRESSION 0
#endif
#ifndef SSL_OP_NO_RX_CERTIFICATE_COMPRESSION
#define SSL_OP_NO_RX_CERTIFICATE_COMPRESSION 0
#endif
#ifndef SSL_OP_ENABLE_KTLS_TX_ZEROCOPY_SENDFILE
#define SSL_OP_ENABLE_KTLS_TX_ZEROCOPY_SENDFILE 0
#endif
#ifndef SSL_OP_PREFER_NO_DHE_KEX
#define SSL_OP_PREFER_NO_DHE_KEX 0
#endif
#ifndef SSL_OP_LEGACY_EC_POINT_FORMATS
#define SSL_OP_LEGACY_EC_POINT_FORMATS 0
#endif
#ifndef SSL_OP_ECH_GREASE
#define SSL_OP_ECH_GREASE 0
#endif
#ifndef SSL_OP_ECH_TRIALDECRYPT
#define SSL_OP_ECH_TRIALDECRYPT 0
#endif
#ifndef SSL_OP_ECH_IGNORE_CID
#define SSL_OP_ECH_IGNORE_CID 0
#endif
#ifndef SSL_OP_ECH_GREASE_RETRY_CONFIG
#define SSL_OP_ECH_GREASE_RETRY_CONFIG 0
#endif
/* Results that OpenSSL of that time cannot have. */
#ifndef X509_V_ERR_RPK_UNTRUSTED
#define X509_V_ERR_RPK_UNTRUSTED 95
#endif
#ifndef X509_V_ERR_OCSP_RESP_INVALID
#define X509_V_ERR_OCSP_RESP_INVALID 96
#endif
#ifndef X509_V_ERR_OCSP_SIGNATURE_FAILURE
#define X509_V_ERR_OCSP_SIGNATURE_FAILURE 97
#endif
#ifndef X509_V_ERR_OCSP_NOT_YET_VALID
#define X509_V_ERR_OCSP_NOT_YET_VALID 98
#endif
#ifndef X509_V_ERR_OCSP_HAS_EXPIRED
#define X509_V_ERR_OCSP_HAS_EXPIRED 99
#endif
#ifndef X509_V_ERR_OCSP_NO_RESPONSE
#define X509_V_ERR_OCSP_NO_RESPONSE 100
#endif
#ifndef X509_V_ERR_CRL_VERIFY_FAILED
#define X509_V_ERR_CRL_VERIFY_FAILED 101
#endif
#ifndef X509_V_ERR_EMPTY_AUTHORITY_KEY_IDENTIFIER
#define X509_V_ERR_EMPTY_AUTHORITY_KEY_IDENTIFIER 102
#endif
#ifndef X509_V_ERR_AKID_ISSUER_SERIAL_NOT_PAIRED
#define X509_V_ERR_AKID_ISSUER_SERIAL_NOT_PAIRED 103
#endif
#ifndef X509_V_ERR_IDP_ONLY_USER_CA_ATTR_EXCLUSIVE
#define X509_V_ERR_IDP_ONLY_USER_CA_ATTR_EXCLUSIVE 104
#endif
#ifndef X509_V_FLAG_CB_ISSUER_CHECK
#define X509_V_FLAG_CB_ISSUER_CHECK 0
#endif

static const pyossl_constant constants[] = {
#define NUMBER(group, name, value) { PYOSSL_CONSTANT_##group, #name, (uint64_t)(value) },
#include "constants.def"
#undef NUMBER
};

const pyossl_constant *pyossl_constants(size_t *count)
{
    OSL_NEED_OR(NULL, count != NULL);
    *count = OSL_COUNT_OF(constants);
    return constants;
}
