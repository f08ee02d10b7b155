/**
 * @file pyossl/pkcs7.h
 * PKCS #7 messages (RFC 2315): what kind they are, and the certificates in them.
 *
 * A message never changes once made, so any number of threads may share it.
 */
#ifndef PYOSSL_PKCS7_H
#define PYOSSL_PKCS7_H

#include "pyossl/export.h"
#include "pyossl/status.h"
#include "pyossl/types.h"

PYOSSL_BEGIN_DECLS

/** Decode the first message in @p data; PYOSSL_E_FORMAT if there is none. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_pkcs7_load(pyossl_pkcs7 **out, pyossl_format format, const void *data,
                                size_t len) PYOSSL_NONNULL(1);

/** Encode as PYOSSL_PEM, PYOSSL_DER or PYOSSL_TEXT. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_pkcs7_dump(const pyossl_pkcs7 *message, pyossl_format format, pyossl_buf *out)
    PYOSSL_NONNULL(1, 3);

/**
 * A message that only carries @p count certificates ("degenerate" signedData).
 *
 * PYOSSL_E_STATE where one of them has parts missing.
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_pkcs7_new_certs(pyossl_pkcs7 **out, pyossl_x509 *const *certs, size_t count)
    PYOSSL_NONNULL(1, 2);

/** One more owner; returns @p message. */
PYOSSL_API pyossl_pkcs7 *pyossl_pkcs7_ref(pyossl_pkcs7 *message) PYOSSL_NONNULL(1);

/** One owner less; NULL is allowed. */
PYOSSL_API void pyossl_pkcs7_unref(pyossl_pkcs7 *message);

/** Kinds of messages. */
typedef enum pyossl_pkcs7_kind {
    PYOSSL_PKCS7_OTHER                = 0, /**< digested, encrypted, or unknown */
    PYOSSL_PKCS7_DATA                 = 1, /**< plain data */
    PYOSSL_PKCS7_SIGNED               = 2, /**< signed data */
    PYOSSL_PKCS7_ENVELOPED            = 3, /**< encrypted for somebody */
    PYOSSL_PKCS7_SIGNED_AND_ENVELOPED = 4  /**< both */
} pyossl_pkcs7_kind;

/** What kind of message it is. */
PYOSSL_API pyossl_pkcs7_kind pyossl_pkcs7_type(const pyossl_pkcs7 *message) PYOSSL_NONNULL(1);

/** The short name of its type, e.g. "pkcs7-signedData". */
PYOSSL_API const char *pyossl_pkcs7_type_name(const pyossl_pkcs7 *message) PYOSSL_NONNULL(1);

/** The certificates in it; an empty list where it has none. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_pkcs7_certs(const pyossl_pkcs7 *message, pyossl_x509_list *out)
    PYOSSL_NONNULL(1, 2);

PYOSSL_END_DECLS

#endif
