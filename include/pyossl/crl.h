/**
 * @file pyossl/crl.h
 * Revocation lists and their entries (RFC 5280, section 5).
 *
 * Times are written as in pyossl/x509.h.
 * @par Threads
 * Reading is safe from any thread; changing while no other thread uses it.
 */
#ifndef PYOSSL_CRL_H
#define PYOSSL_CRL_H

#include "pyossl/export.h"
#include "pyossl/status.h"
#include "pyossl/types.h"

PYOSSL_BEGIN_DECLS

/** An empty list. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_crl_new(pyossl_crl **out) PYOSSL_NONNULL(1);

/** Decode the first list in @p data; PYOSSL_E_FORMAT if there is none. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_crl_load(pyossl_crl **out, pyossl_format format, const void *data, size_t len)
    PYOSSL_NONNULL(1);

/** Encode as PYOSSL_PEM, PYOSSL_DER or PYOSSL_TEXT. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_crl_dump(const pyossl_crl *crl, pyossl_format format, pyossl_buf *out)
    PYOSSL_NONNULL(1, 3);

/** A copy to change without touching the original. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_crl_copy(pyossl_crl **out, const pyossl_crl *crl) PYOSSL_NONNULL(1, 2);

/** One more owner; returns @p crl. */
PYOSSL_API pyossl_crl *pyossl_crl_ref(pyossl_crl *crl) PYOSSL_NONNULL(1);

/** One owner less; NULL is allowed. */
PYOSSL_API void pyossl_crl_unref(pyossl_crl *crl);

/** The version field: 1 for version 2. */
PYOSSL_API long pyossl_crl_version(const pyossl_crl *crl) PYOSSL_NONNULL(1);

/** Set the version field. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_crl_set_version(pyossl_crl *crl, long version) PYOSSL_NONNULL(1);

/** A copy of the issuer's name. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_crl_issuer(const pyossl_crl *crl, pyossl_name **out) PYOSSL_NONNULL(1, 2);

/** Give the list a copy of @p name as its issuer. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_crl_set_issuer(pyossl_crl *crl, const pyossl_name *name)
    PYOSSL_NONNULL(1, 2);

/** When it was issued; PYOSSL_E_NOT_FOUND where that is not set. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_crl_last_update(const pyossl_crl *crl, pyossl_buf *out) PYOSSL_NONNULL(1, 2);

/** Set when it was issued; PYOSSL_E_ARGUMENT for what is not a time. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_crl_set_last_update(pyossl_crl *crl, const char *when, size_t len)
    PYOSSL_NONNULL(1, 2);

/** When the next one is due; PYOSSL_E_NOT_FOUND where that is not set. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_crl_next_update(const pyossl_crl *crl, pyossl_buf *out) PYOSSL_NONNULL(1, 2);

/** Set when the next one is due; PYOSSL_E_ARGUMENT for what is not a time. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_crl_set_next_update(pyossl_crl *crl, const char *when, size_t len)
    PYOSSL_NONNULL(1, 2);

/** How many entries there are. */
PYOSSL_API size_t pyossl_crl_count(const pyossl_crl *crl) PYOSSL_NONNULL(1);

/** A copy of entry @p index; PYOSSL_E_NOT_FOUND past the end. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_crl_revoked_at(const pyossl_crl *crl, size_t index, pyossl_revoked **out)
    PYOSSL_NONNULL(1, 3);

/** Add a copy of @p revoked; PYOSSL_E_STATE if it has no date. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_crl_add_revoked(pyossl_crl *crl, const pyossl_revoked *revoked)
    PYOSSL_NONNULL(1, 2);

/** Sort the entries and sign with @p pkey and @p digest, as pyossl_x509_sign() does. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_crl_sign(pyossl_crl *crl, const pyossl_pkey *pkey, const char *digest)
    PYOSSL_NONNULL(1, 2);

/** Check the signature with the issuer's key; PYOSSL_E_VERIFY if it does not fit. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_crl_verify(const pyossl_crl *crl, const pyossl_pkey *pkey)
    PYOSSL_NONNULL(1, 2);

/** An entry with serial number 0, no date and no reason. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_revoked_new(pyossl_revoked **out) PYOSSL_NONNULL(1);

/** A copy to change without touching the original. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_revoked_copy(pyossl_revoked **out, const pyossl_revoked *revoked)
    PYOSSL_NONNULL(1, 2);

/** One more owner; returns @p revoked. */
PYOSSL_API pyossl_revoked *pyossl_revoked_ref(pyossl_revoked *revoked) PYOSSL_NONNULL(1);

/** One owner less; NULL is allowed. */
PYOSSL_API void pyossl_revoked_unref(pyossl_revoked *revoked);

/** The serial number in an even number of hexadecimal digits, "-" in front of a negative one. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_revoked_serial(const pyossl_revoked *revoked, pyossl_buf *hex)
    PYOSSL_NONNULL(1, 2);

/** Set the serial number from the hexadecimal digits that @p hex begins with. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_revoked_set_serial(pyossl_revoked *revoked, const char *hex)
    PYOSSL_NONNULL(1, 2);

/** When it was revoked; PYOSSL_E_NOT_FOUND where that is not set. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_revoked_date(const pyossl_revoked *revoked, pyossl_buf *out)
    PYOSSL_NONNULL(1, 2);

/** Set when it was revoked; PYOSSL_E_ARGUMENT for what is not a time. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_revoked_set_date(pyossl_revoked *revoked, const char *when, size_t len)
    PYOSSL_NONNULL(1, 2);

/** Why, as OpenSSL prints it ("Key Compromise"); PYOSSL_E_NOT_FOUND where no reason is given. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_revoked_reason(const pyossl_revoked *revoked, pyossl_buf *out)
    PYOSSL_NONNULL(1, 2);

/**
 * Set why, or forget it.
 *
 * @param reason one of pyossl_revoked_reason_name(); case and blanks do not
 *               matter; NULL forgets it
 * @retval PYOSSL_E_ARGUMENT it is none of these
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_revoked_set_reason(pyossl_revoked *revoked, const char *reason)
    PYOSSL_NONNULL(1);

/** Reason @p index of those that can be set ("keyCompromise"), or NULL past the end. */
PYOSSL_API const char *pyossl_revoked_reason_name(size_t index);

PYOSSL_END_DECLS

#endif
