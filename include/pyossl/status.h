/**
 * @file pyossl/status.h
 * What every fallible call returns.
 */
#ifndef PYOSSL_STATUS_H
#define PYOSSL_STATUS_H

#include "pyossl/export.h"

/**
 * The one list of outcomes: name, value, class, text.
 *
 * Everything else about an outcome (the enum below, its name and text, the
 * reference page, the exception a binding raises) is made from this list.
 * Values are ABI: never renumber, never reuse.
 *
 * - OK     the call did what it says.
 * - RETRY  nothing is wrong and nothing was lost; call again with the same
 *          arguments once the transport is ready. Leaves no error behind.
 * - END    there will be no more input. Leaves no error behind.
 * - ERROR  the call failed and changed nothing it does not say it changes;
 *          pyossl_error_last() tells why.
 */
/* clang-format off */
#define PYOSSL_STATUS_MAP(XX)                                                  \
    XX(OK,                 0, OK,    "success")                                \
    XX(WANT_READ,         -1, RETRY, "waiting for the transport to be readable") \
    XX(WANT_WRITE,        -2, RETRY, "waiting for the transport to be writable") \
    XX(WANT_X509_LOOKUP,  -3, RETRY, "a certificate callback asked to be called again") \
    XX(CLOSED,           -16, END,   "the peer closed the session")            \
    XX(TRUNCATED,        -17, END,   "the transport ended without a close alert") \
    XX(E_NOMEM,          -32, ERROR, "out of memory")                          \
    XX(E_ARGUMENT,       -33, ERROR, "an argument is not acceptable")          \
    XX(E_STATE,          -34, ERROR, "not possible in the object's present state") \
    XX(E_IN_USE,         -35, ERROR, "the context already serves a connection") \
    XX(E_NOT_FOUND,      -36, ERROR, "no such entry")                          \
    XX(E_FORMAT,         -37, ERROR, "the input cannot be decoded")            \
    XX(E_PASSPHRASE,     -38, ERROR, "the passphrase is missing or wrong")     \
    XX(E_VERIFY,         -39, ERROR, "the certificate chain was not accepted") \
    XX(E_CALLBACK,       -40, ERROR, "a callback stopped the call")            \
    XX(E_SYSTEM,         -41, ERROR, "a system call failed")                   \
    XX(E_OPENSSL,        -42, ERROR, "OpenSSL reported a failure")             \
    XX(E_UNSUPPORTED,    -43, ERROR, "not supported by this OpenSSL")
/* clang-format on */

/** What a fallible call returns: PYOSSL_OK, PYOSSL_WANT_READ, and so on. */
typedef enum pyossl_status {
#define XX(name, value, class_, text) PYOSSL_##name = (value),
    PYOSSL_STATUS_MAP(XX)
#undef XX
    PYOSSL_STATUS_FORCE_INT = -0x7fffffff - 1 /**< never returned; fixes the size */
} pyossl_status;

/** What a status asks of the caller. */
typedef enum pyossl_status_class {
    PYOSSL_CLASS_OK,    /**< go on */
    PYOSSL_CLASS_RETRY, /**< wait, then call again */
    PYOSSL_CLASS_END,   /**< stop reading */
    PYOSSL_CLASS_ERROR  /**< look at pyossl_error_last() */
} pyossl_status_class;

PYOSSL_BEGIN_DECLS

/** The class of @a status; a value this library does not know is an ERROR. */
PYOSSL_API pyossl_status_class pyossl_status_classify(pyossl_status status);

/** 1 for a RETRY, else 0. */
static inline int pyossl_is_retry(pyossl_status status) { return status < 0 && status > -16; }

/** "WANT_READ" and the like; never NULL, never freed. */
PYOSSL_API const char *pyossl_status_name(pyossl_status status);

/** One line of English; never NULL, never freed. */
PYOSSL_API const char *pyossl_status_text(pyossl_status status);

PYOSSL_END_DECLS

#endif
