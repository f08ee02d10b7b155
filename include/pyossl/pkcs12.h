/**
 * @file pyossl/pkcs12.h
 * PKCS #12 (RFC 7292): a private key, its certificate and their chain in one file.
 *
 * @par Threads
 * Reading is safe from any thread; changing while no other thread uses it.
 */
#ifndef PYOSSL_PKCS12_H
#define PYOSSL_PKCS12_H

#include "pyossl/export.h"
#include "pyossl/pkey.h"
#include "pyossl/status.h"
#include "pyossl/types.h"

PYOSSL_BEGIN_DECLS

/** An empty one. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_pkcs12_new(pyossl_pkcs12 **out) PYOSSL_NONNULL(1);

/** How much key derivation one file may ask for, MAC and bags together: see pyossl_kdf_rounds_limit(). */
#define PYOSSL_PKCS12_ROUNDS_MAX PYOSSL_KDF_ROUNDS_MAX

/**
 * Decode DER.
 *
 * A certificate without its key is found among the CA certificates. Without a
 * passphrase (NULL, or no bytes) both "none" and "empty" are tried, and a file
 * without a MAC is taken. Under a passphrase it is not: nothing would tell whether
 * somebody has replaced the certificates, which nearly all files hold in the clear or
 * under a key that the MAC alone vouches for.
 *
 * @retval PYOSSL_E_FORMAT      it is not PKCS #12, has no MAC although there is a
 *                              passphrase ("mac absent"), or asks for more rounds than
 *                              pyossl_kdf_rounds_limit()
 * @retval PYOSSL_E_PASSPHRASE  the passphrase does not fit
 * @retval PYOSSL_E_UNSUPPORTED its ciphers need the legacy provider, which is not there
 * @retval PYOSSL_E_OPENSSL     OpenSSL cannot compute its MAC
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_pkcs12_load(pyossl_pkcs12 **out, const void *der, size_t len,
                                 const pyossl_passphrase *passphrase) PYOSSL_NONNULL(1);

/** How pyossl_pkcs12_dump() encrypts. Start from PYOSSL_PKCS12_OPTIONS_INIT. */
typedef struct pyossl_pkcs12_options {
    size_t      size;           /**< sizeof(pyossl_pkcs12_options) */
    int         iterations;     /**< rounds for key and certificates; 0 or -1 for OpenSSL's number */
    int         mac_iterations; /**< rounds for the MAC; 0 for OpenSSL's number, -1 for no MAC:
                                     pyossl_pkcs12_load() then wants no passphrase */
    const char *cipher;         /**< e.g. "aes-256-cbc"; NULL for 3DES, which all can read */
    const char *mac_digest;     /**< e.g. "sha256"; NULL for OpenSSL's choice */
} pyossl_pkcs12_options;

/** 2048 rounds, one for the MAC, 3DES. */
#define PYOSSL_PKCS12_OPTIONS_INIT { sizeof(pyossl_pkcs12_options), 2048, 1, NULL, NULL }

/**
 * Encode as DER. Certificates that came out of pyossl_pkcs12_load() keep their friendly names.
 *
 * @param passphrase NULL for an empty one; unless it comes from a callback, of any length
 * @param options    NULL for PYOSSL_PKCS12_OPTIONS_INIT
 * @retval PYOSSL_E_STATE    there is nothing in it, a key without its private half, or
 *                           a certificate with parts missing
 * @retval PYOSSL_E_OPENSSL  key and certificate do not belong together
 * @retval PYOSSL_E_ARGUMENT no such cipher or digest, a NUL in the passphrase, or more
 *                           rounds than pyossl_kdf_rounds_limit()
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_pkcs12_dump(const pyossl_pkcs12 *p12, const pyossl_passphrase *passphrase,
                                 const pyossl_pkcs12_options *options, pyossl_buf *out)
    PYOSSL_NONNULL(1, 4);

/** One more owner; returns @p p12. */
PYOSSL_API pyossl_pkcs12 *pyossl_pkcs12_ref(pyossl_pkcs12 *p12) PYOSSL_NONNULL(1);

/** One owner less; NULL is allowed. */
PYOSSL_API void pyossl_pkcs12_unref(pyossl_pkcs12 *p12);

/** The private key, borrowed; NULL where there is none. */
PYOSSL_API pyossl_pkey *pyossl_pkcs12_pkey(const pyossl_pkcs12 *p12) PYOSSL_NONNULL(1);

/** Set or (NULL) forget the private key. */
PYOSSL_API void pyossl_pkcs12_set_pkey(pyossl_pkcs12 *p12, pyossl_pkey *pkey) PYOSSL_NONNULL(1);

/** The certificate, borrowed; NULL where there is none. */
PYOSSL_API pyossl_x509 *pyossl_pkcs12_cert(const pyossl_pkcs12 *p12) PYOSSL_NONNULL(1);

/** Set or (NULL) forget the certificate. */
PYOSSL_API void pyossl_pkcs12_set_cert(pyossl_pkcs12 *p12, pyossl_x509 *cert) PYOSSL_NONNULL(1);

/** How many CA certificates there are. */
PYOSSL_API size_t pyossl_pkcs12_ca_count(const pyossl_pkcs12 *p12) PYOSSL_NONNULL(1);

/** CA certificate @p index, borrowed; NULL past the end. */
PYOSSL_API pyossl_x509 *pyossl_pkcs12_ca_at(const pyossl_pkcs12 *p12, size_t index)
    PYOSSL_NONNULL(1);

/** Replace the CA certificates. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_pkcs12_set_cas(pyossl_pkcs12 *p12, pyossl_x509 *const *certs, size_t count)
    PYOSSL_NONNULL(1);

/** The friendly name as UTF-8, borrowed; NULL where there is none. */
PYOSSL_API const char *pyossl_pkcs12_friendly_name(const pyossl_pkcs12 *p12, size_t *len)
    PYOSSL_NONNULL(1, 2);

/** Set or (NULL) forget the friendly name. PYOSSL_E_ARGUMENT for a NUL in it. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_pkcs12_set_friendly_name(pyossl_pkcs12 *p12, const char *utf8, size_t len)
    PYOSSL_NONNULL(1);

PYOSSL_END_DECLS

#endif
