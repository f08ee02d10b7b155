/**
 * @file pyossl/rand.h
 * The random number generator.
 *
 * OpenSSL seeds itself from the operating system; adding to that is allowed and
 * never makes it worse. All of this is safe from any thread.
 */
#ifndef PYOSSL_RAND_H
#define PYOSSL_RAND_H

#include "pyossl/export.h"
#include "pyossl/status.h"
#include "pyossl/types.h"

PYOSSL_BEGIN_DECLS

/** Fill @p buf with @p len random bytes, fit for keys. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_rand_bytes(void *buf, size_t len);

/** Mix @p data in; @p entropy is a lower bound of what is random about it, in bytes. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_rand_add(const void *data, size_t len, double entropy);

/** The same, with all of @p data taken as random. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_rand_seed(const void *data, size_t len);

/** 1 if the generator has been seeded with enough, else 0. */
PYOSSL_API int pyossl_rand_status(void);

/**
 * Mix in @p max bytes of the file @p path, or all of it if @p max is negative
 * (256 bytes of a device, which has no end).
 *
 * @param[out] done how many bytes were read
 * @retval PYOSSL_E_SYSTEM the file cannot be read
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_rand_load_file(const char *path, long max, size_t *done)
    PYOSSL_NONNULL(1, 3);

/**
 * Write 1024 random bytes to the file @p path, which nobody but its owner may read.
 *
 * @param[out] done how many bytes were written
 * @retval PYOSSL_E_SYSTEM it cannot be written, or is no regular file
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_rand_write_file(const char *path, size_t *done) PYOSSL_NONNULL(1, 2);

/**
 * Ask an entropy gathering daemon on the unix socket @p path for @p count bytes
 * and mix them in, counted as wholly random.
 *
 * The daemon may give fewer. Waits at most @p timeout_ms milliseconds, -1 for no
 * limit.
 *
 * @param count     1 to 255, what the protocol can ask for
 * @param[out] done how many bytes it gave
 * @retval PYOSSL_E_SYSTEM      there is no daemon, or it went away, or time is up (ETIMEDOUT)
 * @retval PYOSSL_E_UNSUPPORTED this system has no unix sockets
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_rand_egd(const char *path, size_t count, int timeout_ms, size_t *done)
    PYOSSL_NONNULL(1, 4);

PYOSSL_END_DECLS

#endif
