/**
 * @file pyossl/x509.h
 * Certificates (RFC 5280).
 *
 * @par Threads
 * Reading one certificate from several threads is safe. Changing it is safe
 * only while no other thread uses it.
 */
#ifndef PYOSSL_X509_H
#define PYOSSL_X509_H

#include "pyossl/export.h"
#include "pyossl/status.h"
#include "pyossl/types.h"

PYOSSL_BEGIN_DECLS

/** An empty version 1 certificate. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_x509_new(pyossl_x509 **out) PYOSSL_NONNULL(1);

/**
 * Decode the first certificate in @p data.
 *
 * Text around a PEM block, and bytes behind a DER certificate, do not matter.
 *
 * @param format PYOSSL_PEM or PYOSSL_DER
 * @retval PYOSSL_E_FORMAT   there is no certificate there
 * @retval PYOSSL_E_ARGUMENT @p format is neither
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_x509_load(pyossl_x509 **out, pyossl_format format, const void *data,
                               size_t len) PYOSSL_NONNULL(1);

/** Decode all the certificates in PEM text; PYOSSL_E_FORMAT if there are none. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_x509_load_all(pyossl_x509_list *out, const void *pem, size_t len)
    PYOSSL_NONNULL(1);

/**
 * Encode as PYOSSL_PEM, PYOSSL_DER or PYOSSL_TEXT; PYOSSL_E_STATE without a public key or a
 * signature, which the detail names. Without dates it is encoded, but is no certificate to read.
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_x509_dump(const pyossl_x509 *cert, pyossl_format format, pyossl_buf *out)
    PYOSSL_NONNULL(1, 3);

/** A copy to change without touching the original. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_x509_copy(pyossl_x509 **out, const pyossl_x509 *cert) PYOSSL_NONNULL(1, 2);

/** One more owner; returns @p cert. */
PYOSSL_API pyossl_x509 *pyossl_x509_ref(pyossl_x509 *cert) PYOSSL_NONNULL(1);

/** One owner less; NULL is allowed. */
PYOSSL_API void pyossl_x509_unref(pyossl_x509 *cert);

/**
 * How often the certificate has been changed: what was read from it, or computed from that,
 * is good while this stays the same.
 */
PYOSSL_API unsigned long pyossl_x509_revision(const pyossl_x509 *cert) PYOSSL_NONNULL(1);

/** The version field: 0 for version 1, 2 for version 3. */
PYOSSL_API long pyossl_x509_version(const pyossl_x509 *cert) PYOSSL_NONNULL(1);

/** Set the version field: 0 for version 1, 2 for version 3. Any other number is stored as it is. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_x509_set_version(pyossl_x509 *cert, long version) PYOSSL_NONNULL(1);

/** The serial number in hexadecimal digits, "-" in front of a negative one. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_x509_serial(const pyossl_x509 *cert, pyossl_buf *hex) PYOSSL_NONNULL(1, 2);

/**
 * The magnitude of the serial number, most significant byte first, borrowed until the
 * certificate changes; of zero there may be no bytes.
 *
 * @param negative gets 1 for a number below zero, else 0
 */
PYOSSL_API const unsigned char *pyossl_x509_serial_bytes(const pyossl_x509 *cert, size_t *len,
                                                         int *negative) PYOSSL_NONNULL(1, 2, 3);

/** Set the serial number from hexadecimal digits, which "-" may precede. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_x509_set_serial(pyossl_x509 *cert, const char *hex) PYOSSL_NONNULL(1, 2);

/** A live view of the subject: see pyossl/name.h. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_x509_subject(pyossl_x509 *cert, pyossl_name **out) PYOSSL_NONNULL(1, 2);

/** Give the certificate a copy of @p name as its subject. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_x509_set_subject(pyossl_x509 *cert, const pyossl_name *name)
    PYOSSL_NONNULL(1, 2);

/** A live view of the issuer: see pyossl/name.h. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_x509_issuer(pyossl_x509 *cert, pyossl_name **out) PYOSSL_NONNULL(1, 2);

/** Give the certificate a copy of @p name as its issuer. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_x509_set_issuer(pyossl_x509 *cert, const pyossl_name *name)
    PYOSSL_NONNULL(1, 2);

/** The hash of the subject that names files in a certificate directory. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_x509_subject_hash(const pyossl_x509 *cert, unsigned long *out)
    PYOSSL_NONNULL(1, 2);

/** The public key; PYOSSL_E_NOT_FOUND where none is set, PYOSSL_E_FORMAT where it is no key. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_x509_pubkey(const pyossl_x509 *cert, pyossl_pkey **out) PYOSSL_NONNULL(1, 2);

/** Set the public key to the public half of @p pkey. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_x509_set_pubkey(pyossl_x509 *cert, const pyossl_pkey *pkey)
    PYOSSL_NONNULL(1, 2);

/**
 * @name Validity
 * Times are written YYYYMMDDhhmmssZ (GeneralizedTime of RFC 5280). What is set
 * may also be YYMMDDhhmmssZ, leave out the seconds, or name an offset (+hhmm,
 * -hhmm). A time in UTC is encoded as RFC 5280 says, as UTCTime through 2049;
 * a GeneralizedTime with an offset, a fraction or no seconds is stored as given.
 * @{
 */

/** notBefore; PYOSSL_E_NOT_FOUND where it is not set. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_x509_not_before(const pyossl_x509 *cert, pyossl_buf *out)
    PYOSSL_NONNULL(1, 2);

/** Set notBefore; PYOSSL_E_ARGUMENT for what is not a time. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_x509_set_not_before(pyossl_x509 *cert, const char *when, size_t len)
    PYOSSL_NONNULL(1, 2);

/** Set notBefore to @p seconds from now; PYOSSL_E_ARGUMENT outside the years 0 to 9999. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_x509_adj_not_before(pyossl_x509 *cert, int64_t seconds) PYOSSL_NONNULL(1);

/** notAfter; PYOSSL_E_NOT_FOUND where it is not set. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_x509_not_after(const pyossl_x509 *cert, pyossl_buf *out) PYOSSL_NONNULL(1, 2);

/** Set notAfter; PYOSSL_E_ARGUMENT for what is not a time. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_x509_set_not_after(pyossl_x509 *cert, const char *when, size_t len)
    PYOSSL_NONNULL(1, 2);

/** Set notAfter to @p seconds from now; PYOSSL_E_ARGUMENT outside the years 0 to 9999. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_x509_adj_not_after(pyossl_x509 *cert, int64_t seconds) PYOSSL_NONNULL(1);

/**
 * Whether notAfter has passed. The second it names is still valid (RFC 5280,
 * section 4.1.2.5).
 *
 * @param[out] expired 1 or 0
 * @retval PYOSSL_E_NOT_FOUND notAfter is not set
 * @retval PYOSSL_E_FORMAT    it cannot be read as a time
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_x509_has_expired(const pyossl_x509 *cert, int *expired) PYOSSL_NONNULL(1, 2);
/** @} */

/**
 * Sign with @p pkey.
 *
 * @param digest e.g. "sha256"; NULL for keys that bring their own: see pyossl_pkey_sign()
 * @retval PYOSSL_E_ARGUMENT no such digest, or none where the key needs one
 * @retval PYOSSL_E_STATE    @p pkey has no private half
 * @retval PYOSSL_E_OPENSSL  the key cannot sign, or not with this digest: it brings its own; or
 *                           @p cert has no public key, as the detail says
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_x509_sign(pyossl_x509 *cert, const pyossl_pkey *pkey, const char *digest)
    PYOSSL_NONNULL(1, 2);

/** Check the signature with the signer's key; PYOSSL_E_VERIFY if it does not fit. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_x509_verify(const pyossl_x509 *cert, const pyossl_pkey *pkey)
    PYOSSL_NONNULL(1, 2);

/** "sha256WithRSAEncryption" and the like; PYOSSL_E_NOT_FOUND where OpenSSL has no name for it. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_x509_signature_algorithm(const pyossl_x509 *cert, const char **out)
    PYOSSL_NONNULL(1, 2);

/** The digest named @p digest over the DER; PYOSSL_E_ARGUMENT if there is none of that name. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_x509_digest(const pyossl_x509 *cert, const char *digest, pyossl_buf *out)
    PYOSSL_NONNULL(1, 2, 3);

/** How many extensions there are. */
PYOSSL_API size_t pyossl_x509_ext_count(const pyossl_x509 *cert) PYOSSL_NONNULL(1);

/**
 * Extension @p index, which stays what it is whatever happens to the certificate;
 * PYOSSL_E_NOT_FOUND past the end.
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_x509_ext_at(const pyossl_x509 *cert, size_t index, pyossl_ext **out)
    PYOSSL_NONNULL(1, 3);

/**
 * Add copies of @p count extensions at the end: all or none. Signing sets the version of a
 * certificate with extensions to 2, which stands for version 3 (RFC 5280, section 4.1.2.1).
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_x509_add_exts(pyossl_x509 *cert, pyossl_ext *const *exts, size_t count)
    PYOSSL_NONNULL(1);

/** 1 if both have the same encoding, else 0. */
PYOSSL_API int pyossl_x509_equal(const pyossl_x509 *a, const pyossl_x509 *b) PYOSSL_NONNULL(1, 2);

/** Remove extension @p index, after which those behind it move up; PYOSSL_E_NOT_FOUND past the end. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_x509_remove_ext(pyossl_x509 *cert, size_t index) PYOSSL_NONNULL(1);

/** OpenSSL's text for a verification result, e.g. "certificate has expired"; never freed. */
PYOSSL_API const char *pyossl_verify_error_string(long error);

PYOSSL_END_DECLS

#endif
