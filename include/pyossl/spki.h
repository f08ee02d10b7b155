/**
 * @file pyossl/spki.h
 * Netscape signed public keys and challenges (SPKAC), as HTML's keygen made them.
 *
 * @par Threads
 * Reading is safe from any thread; changing while no other thread uses it.
 */
#ifndef PYOSSL_SPKI_H
#define PYOSSL_SPKI_H

#include "pyossl/export.h"
#include "pyossl/status.h"
#include "pyossl/types.h"

PYOSSL_BEGIN_DECLS

/** An empty one. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_spki_new(pyossl_spki **out) PYOSSL_NONNULL(1);

/** Decode base64; PYOSSL_E_FORMAT if that is not an SPKAC. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_spki_load(pyossl_spki **out, const char *base64, size_t len)
    PYOSSL_NONNULL(1);

/** Encode as base64; PYOSSL_E_STATE before it has a key and a signature. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_spki_dump(const pyossl_spki *spki, pyossl_buf *base64) PYOSSL_NONNULL(1, 2);

/** A copy to change without touching the original. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_spki_copy(pyossl_spki **out, const pyossl_spki *spki) PYOSSL_NONNULL(1, 2);

/** One more owner; returns @p spki. */
PYOSSL_API pyossl_spki *pyossl_spki_ref(pyossl_spki *spki) PYOSSL_NONNULL(1);

/** One owner less; NULL is allowed. */
PYOSSL_API void pyossl_spki_unref(pyossl_spki *spki);

/** The public key; PYOSSL_E_NOT_FOUND where none is set. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_spki_pubkey(const pyossl_spki *spki, pyossl_pkey **out) PYOSSL_NONNULL(1, 2);

/** Set the public key to the public half of @p pkey. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_spki_set_pubkey(pyossl_spki *spki, const pyossl_pkey *pkey)
    PYOSSL_NONNULL(1, 2);

/** The challenge, as it stands in the DER. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_spki_challenge(const pyossl_spki *spki, pyossl_buf *out)
    PYOSSL_NONNULL(1, 2);

/** Set the challenge: ASCII. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_spki_set_challenge(pyossl_spki *spki, const char *text, size_t len)
    PYOSSL_NONNULL(1, 2);

/** Sign with @p pkey and @p digest, as pyossl_x509_sign() does. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_spki_sign(pyossl_spki *spki, const pyossl_pkey *pkey, const char *digest)
    PYOSSL_NONNULL(1, 2);

/** Check the signature with @p pkey; PYOSSL_E_VERIFY if it does not fit. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_spki_verify(const pyossl_spki *spki, const pyossl_pkey *pkey)
    PYOSSL_NONNULL(1, 2);

PYOSSL_END_DECLS

#endif
