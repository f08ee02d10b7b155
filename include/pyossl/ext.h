/**
 * @file pyossl/ext.h
 * X.509 extensions (RFC 5280, section 4.2).
 *
 * An extension never changes once made, so any number of threads may share it.
 */
#ifndef PYOSSL_EXT_H
#define PYOSSL_EXT_H

#include "pyossl/export.h"
#include "pyossl/status.h"
#include "pyossl/types.h"

PYOSSL_BEGIN_DECLS

/**
 * Make an extension from the words of x509v3_config(5), without a configuration
 * file: "CA:TRUE, pathlen:0", "DNS:example.org, IP:192.0.2.1", "hash", "keyid:always".
 *
 * @param type    short name, e.g. "basicConstraints"; a dotted number goes with
 *                values that begin "DER:" or "ASN1:"
 * @param critical whether who does not know it must refuse the certificate
 * @param value   its words, @p len bytes, none of them NUL
 * @param subject whom it is about, for words like "hash"; may be NULL. The word
 *                "email:move" takes the addresses out of its name (not in OpenSSL 4.0)
 * @param issuer  who will sign, for words like "keyid"; may be NULL
 * @retval PYOSSL_E_ARGUMENT there is a NUL in the value
 * @retval PYOSSL_E_OPENSSL  an unknown type, or a value that does not fit it
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ext_new(pyossl_ext **out, const char *type, int critical, const char *value,
                             size_t len, pyossl_x509 *subject, pyossl_x509 *issuer)
    PYOSSL_NONNULL(1, 2, 4);

/** Make an extension from its dotted number or name and the DER inside its octet string. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ext_new_der(pyossl_ext **out, const char *type, int critical, const void *der,
                                 size_t len) PYOSSL_NONNULL(1, 2);

/** One more owner; returns @p ext. */
PYOSSL_API pyossl_ext *pyossl_ext_ref(pyossl_ext *ext) PYOSSL_NONNULL(1);

/** One owner less; NULL is allowed. */
PYOSSL_API void pyossl_ext_unref(pyossl_ext *ext);

/** 1 for a critical extension, else 0. */
PYOSSL_API int pyossl_ext_critical(const pyossl_ext *ext) PYOSSL_NONNULL(1);

/** Its short name, "UNDEF" where OpenSSL knows none. */
PYOSSL_API const char *pyossl_ext_short_name(const pyossl_ext *ext) PYOSSL_NONNULL(1);

/** OpenSSL's number for its type, 0 where it has none. */
PYOSSL_API int pyossl_ext_nid(const pyossl_ext *ext) PYOSSL_NONNULL(1);

/** Its dotted number. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ext_oid(const pyossl_ext *ext, pyossl_buf *out) PYOSSL_NONNULL(1, 2);

/** The DER inside its octet string. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ext_data(const pyossl_ext *ext, pyossl_buf *out) PYOSSL_NONNULL(1, 2);

/**
 * The value for people, as UTF-8. Names in a subjectAltName come with all their
 * bytes, a NUL included. Do not decide anything by it: one name can be made to
 * look like several. pyossl_ext_general_name_at() tells them apart.
 *
 * Bytes that are not UTF-8 come as \\xNN. What OpenSSL does not know, or cannot read, comes as
 * a hexadecimal dump, like that of "openssl x509 -text -certopt ext_dump".
 *
 * @retval PYOSSL_E_FORMAT a subjectAltName or issuerAltName that does not hold names
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ext_text(const pyossl_ext *ext, pyossl_buf *out) PYOSSL_NONNULL(1, 2);

/** Kinds of general names, by their tags in RFC 5280. */
typedef enum pyossl_general_name_type {
    PYOSSL_GEN_OTHER = 0, /**< otherName: DER of the whole GeneralName */
    PYOSSL_GEN_EMAIL = 1, /**< rfc822Name */
    PYOSSL_GEN_DNS   = 2, /**< dNSName */
    PYOSSL_GEN_X400  = 3, /**< x400Address: DER of the whole GeneralName */
    PYOSSL_GEN_DIR   = 4, /**< directoryName: DER of a name */
    PYOSSL_GEN_EDI   = 5, /**< ediPartyName: DER of the whole GeneralName */
    PYOSSL_GEN_URI   = 6, /**< uniformResourceIdentifier */
    PYOSSL_GEN_IP    = 7, /**< iPAddress: 4 or 16 bytes */
    PYOSSL_GEN_RID   = 8  /**< registeredID: dotted number */
} pyossl_general_name_type;

/**
 * Name @p index of a subjectAltName or issuerAltName.
 *
 * @retval PYOSSL_E_ARGUMENT  it is another extension
 * @retval PYOSSL_E_FORMAT    it does not hold what its type says
 * @retval PYOSSL_E_NOT_FOUND past the end
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ext_general_name_at(const pyossl_ext *ext, size_t index, int *type,
                                         pyossl_buf *value) PYOSSL_NONNULL(1, 3, 4);

PYOSSL_END_DECLS

#endif
