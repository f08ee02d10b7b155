/**
 * @file pyossl/version.h
 * Which libpyossl, and which OpenSSL below it.
 */
#ifndef PYOSSL_VERSION_H
#define PYOSSL_VERSION_H

#include "pyossl/export.h"

PYOSSL_BEGIN_DECLS

#define PYOSSL_VERSION_MAJOR 0 /**< changes when a program must be changed */
#define PYOSSL_VERSION_MINOR 1 /**< changes when something is added */
#define PYOSSL_VERSION_PATCH 0 /**< changes when something is mended */
#define PYOSSL_VERSION "0.1.0" /**< the three above, as text */
#define PYOSSL_ABI 0           /**< the number in the shared library's name */

/** The version of the library that is linked, e.g. "0.1.0". */
PYOSSL_API const char *pyossl_version(void);

/** What pyossl_openssl_version() can tell. */
typedef enum pyossl_version_part {
    PYOSSL_OPENSSL_VERSION  = 0, /**< name, number and date */
    PYOSSL_OPENSSL_CFLAGS   = 1, /**< how it was compiled */
    PYOSSL_OPENSSL_BUILT_ON = 2, /**< when */
    PYOSSL_OPENSSL_PLATFORM = 3, /**< for what */
    PYOSSL_OPENSSL_DIR      = 4  /**< where its configuration lies */
} pyossl_version_part;

/**
 * A text about the OpenSSL that is running; "not available" for an unknown
 * @p part. Takes any number so that callers may pass OpenSSL's own.
 */
PYOSSL_API const char *pyossl_openssl_version(int part);

/** OPENSSL_VERSION_NUMBER of the headers this library was compiled with. */
PYOSSL_API unsigned long pyossl_openssl_headers(void);

/** What the OpenSSL below may or may not be able to do. */
typedef enum pyossl_feature {
    PYOSSL_FEATURE_KEYLOG     = 1, /**< pyossl_ctx_set_keylog() */
    PYOSSL_FEATURE_NPN        = 2, /**< next protocol negotiation */
    PYOSSL_FEATURE_ALPN       = 3, /**< application protocol negotiation */
    PYOSSL_FEATURE_SRTP       = 4, /**< DTLS-SRTP */
    PYOSSL_FEATURE_COOKIE     = 5, /**< DTLS cookies */
    PYOSSL_FEATURE_GROUP_NAME = 6, /**< pyossl_conn_group_name() */
    PYOSSL_FEATURE_OCSP       = 7, /**< stapled OCSP responses */
    PYOSSL_FEATURE_LEGACY     = 8, /**< the legacy provider can be had (asks for it) */
    PYOSSL_FEATURE_SLIM       = 9, /**< a context made now would be slim: pyossl_slim_allow() */
    PYOSSL_FEATURE_ML_DSA     = 10, /**< keys and signatures of ML-DSA (FIPS 204) */
    PYOSSL_FEATURE_SLH_DSA    = 11, /**< keys and signatures of SLH-DSA (FIPS 205) */
    PYOSSL_FEATURE_ML_KEM     = 12, /**< keys and groups of ML-KEM (FIPS 203), such as X25519MLKEM768 */
    PYOSSL_FEATURE_SIGNATURE_NAME = 13 /**< pyossl_conn_signature_name() */
} pyossl_feature;

/** 1 if the OpenSSL below has @p feature, else 0. */
PYOSSL_API int pyossl_has(pyossl_feature feature);

/**
 * Whether TLS contexts may live in a library context of their own, which has the
 * default provider's algorithms but none that TLS does without, and so makes
 * handshakes faster on OpenSSL 3.0 and 3.1. Nothing else changes.
 *
 * Allowed from the start unless the library was built otherwise. Even if allowed
 * it is not done, and contexts that were made so leave it before their next
 * handshake, where another provider is active in the process, or an ENGINE,
 * FIPS or other properties that algorithms must have, or where OpenSSL's
 * configuration chooses algorithms or random generators. From any thread.
 *
 * @param on 0 to forbid it
 */
PYOSSL_API void pyossl_slim_allow(int on);

PYOSSL_END_DECLS

#endif
