/**
 * @file pyossl/pkcs7.h
 * PKCS #7 messages (RFC 2315): what kind they are, the certificates in them, signatures.
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

/** How messages are signed and verified: OpenSSL's PKCS7_ flags; combine with |. */
typedef enum pyossl_pkcs7_flag {
    PYOSSL_PKCS7_TEXT       = 0x1,   /**< a MIME header "text/plain" is put before, or taken off */
    PYOSSL_PKCS7_NOCERTS    = 0x2,   /**< signing: leave the signer's certificate out */
    PYOSSL_PKCS7_NOSIGS     = 0x4,   /**< verifying: do not check the signatures themselves */
    PYOSSL_PKCS7_NOCHAIN    = 0x8,   /**< verifying: certificates in the message make no chain */
    PYOSSL_PKCS7_NOINTERN   = 0x10,  /**< verifying: do not look for the signer in the message */
    PYOSSL_PKCS7_NOVERIFY   = 0x20,  /**< verifying: do not judge the signer's certificate */
    PYOSSL_PKCS7_DETACHED   = 0x40,  /**< signing: leave the content out */
    PYOSSL_PKCS7_BINARY     = 0x80,  /**< line ends are left alone */
    PYOSSL_PKCS7_NOATTR     = 0x100, /**< signing: no attributes such as the time */
    PYOSSL_PKCS7_NOSMIMECAP = 0x200  /**< signing: no list of ciphers */
} pyossl_pkcs7_flag;

/**
 * Sign @p data with the default digest of @p pkey.
 *
 * @param others certificates that go with it, @p count of them; may be NULL for none
 * @param flags  of pyossl_pkcs7_flag
 * @retval PYOSSL_E_ARGUMENT an unknown flag
 * @retval PYOSSL_E_STATE    there is no private key, or a certificate has parts missing
 * @retval PYOSSL_E_OPENSSL  the key is not the certificate's, or cannot sign
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_pkcs7_sign(pyossl_pkcs7 **out, pyossl_x509 *cert, const pyossl_pkey *pkey,
                                pyossl_x509 *const *others, size_t count, const void *data,
                                size_t len, unsigned flags) PYOSSL_NONNULL(1, 2, 3);

/**
 * Check every signature of a signed message, and judge who signed by @p store.
 *
 * @param certs    where to look for signers besides in the message, @p count of them
 * @param store    NULL trusts nobody: useful with PYOSSL_PKCS7_NOVERIFY alone
 * @param detached the content, where it is not in the message; else NULL
 * @param flags    of pyossl_pkcs7_flag
 * @param content  gets what was signed
 * @retval PYOSSL_E_ARGUMENT the message is not signed data, or an unknown flag
 * @retval PYOSSL_E_VERIFY   a signature does not fit, or a signer is not trusted
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_pkcs7_verify(const pyossl_pkcs7 *message, pyossl_x509 *const *certs,
                                  size_t count, const pyossl_store *store, const void *detached,
                                  size_t len, unsigned flags, pyossl_buf *content)
    PYOSSL_NONNULL(1, 8);

PYOSSL_END_DECLS

#endif
