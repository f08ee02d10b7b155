/**
 * @file pyossl/constants.h
 * OpenSSL's numbers by name, for bindings: what a program sets as an option, a
 * mode, a flag, as the headers this library was compiled with define it.
 */
#ifndef PYOSSL_CONSTANTS_H
#define PYOSSL_CONSTANTS_H

#include "pyossl/export.h"
#include "pyossl/types.h"

PYOSSL_BEGIN_DECLS

/** Where a constant belongs. */
typedef enum pyossl_constant_group {
    PYOSSL_CONSTANT_SSL    = 1, /**< OP_ALL, VERIFY_PEER … */
    PYOSSL_CONSTANT_CRYPTO = 2, /**< FILETYPE_PEM, TYPE_RSA … */
    PYOSSL_CONSTANT_STORE  = 3, /**< flags of a store: CRL_CHECK … */
    PYOSSL_CONSTANT_VERIFY = 4  /**< verification results: ERR_CERT_HAS_EXPIRED … */
} pyossl_constant_group;

/** One constant. */
typedef struct pyossl_constant {
    pyossl_constant_group group; /**< where it belongs */
    const char           *name;  /**< e.g. "OP_NO_TLSv1" */
    uint64_t              value; /**< its number */
} pyossl_constant;

/** All of them, @p count in number; never freed. */
PYOSSL_API const pyossl_constant *pyossl_constants(size_t *count) PYOSSL_NONNULL(1);

PYOSSL_END_DECLS

#endif
