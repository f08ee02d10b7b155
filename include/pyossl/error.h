/**
 * @file pyossl/error.h
 * Why the last failing call of this thread failed.
 *
 * The status a function returns is the truth; this is its explanation. The
 * record belongs to the calling thread, is overwritten by the thread's next
 * failing call, and is left alone by calls that succeed, retry or end.
 * Recording an error allocates nothing and cannot fail, even out of memory.
 */
#ifndef PYOSSL_ERROR_H
#define PYOSSL_ERROR_H

#include <stddef.h>

#include "pyossl/export.h"
#include "pyossl/status.h"

PYOSSL_BEGIN_DECLS

/** One line of the explanation, oldest first. Strings are never NULL. */
typedef struct pyossl_error_entry {
    unsigned long code;     /**< OpenSSL's packed code, 0 where it has none */
    const char   *library;  /**< e.g. "SSL routines" */
    const char   *function; /**< may be "" */
    const char   *reason;   /**< e.g. "certificate verify failed" */
    const char   *detail;   /**< what else there is to say, for people; or "" */
} pyossl_error_entry;

/** A thread's record of its last failure. */
typedef struct pyossl_error pyossl_error;

/** This thread's record. Never NULL; valid until the thread's next failure. */
PYOSSL_API const pyossl_error *pyossl_error_last(void);

/** Forget this thread's record. */
PYOSSL_API void pyossl_error_clear(void);

/** What the failing call returned; PYOSSL_OK where nothing is recorded. */
PYOSSL_API pyossl_status pyossl_error_status(const pyossl_error *error) PYOSSL_NONNULL(1);

/** errno at the time, for PYOSSL_E_SYSTEM; 0 otherwise. */
PYOSSL_API int pyossl_error_errno(const pyossl_error *error) PYOSSL_NONNULL(1);

/** How many entries there are; at most 16, as OpenSSL keeps no more. */
PYOSSL_API size_t pyossl_error_count(const pyossl_error *error) PYOSSL_NONNULL(1);

/** Entry @p index, or NULL past the end. */
PYOSSL_API const pyossl_error_entry *
pyossl_error_entry_at(const pyossl_error *error, size_t index)
    PYOSSL_NONNULL(1);

PYOSSL_END_DECLS

#endif
