/**
 * @file pyossl/req.h
 * Certificate requests, PKCS #10 (RFC 2986).
 *
 * @par Threads
 * Reading is safe from any thread; changing while no other thread uses it.
 */
#ifndef PYOSSL_REQ_H
#define PYOSSL_REQ_H

#include "pyossl/export.h"
#include "pyossl/status.h"
#include "pyossl/types.h"

PYOSSL_BEGIN_DECLS

/** An empty request of version 0, the only one there is. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_req_new(pyossl_req **out) PYOSSL_NONNULL(1);

/** Decode the first request in @p data; PYOSSL_E_FORMAT if there is none. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_req_load(pyossl_req **out, pyossl_format format, const void *data, size_t len)
    PYOSSL_NONNULL(1);

/** Encode as PYOSSL_PEM, PYOSSL_DER or PYOSSL_TEXT; see pyossl_x509_dump(). */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_req_dump(const pyossl_req *req, pyossl_format format, pyossl_buf *out)
    PYOSSL_NONNULL(1, 3);

/** A copy to change without touching the original. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_req_copy(pyossl_req **out, const pyossl_req *req) PYOSSL_NONNULL(1, 2);

/** One more owner; returns @p req. */
PYOSSL_API pyossl_req *pyossl_req_ref(pyossl_req *req) PYOSSL_NONNULL(1);

/** One owner less; NULL is allowed. */
PYOSSL_API void pyossl_req_unref(pyossl_req *req);

/** The version field. */
PYOSSL_API long pyossl_req_version(const pyossl_req *req) PYOSSL_NONNULL(1);

/**
 * Set the version field: 0, which a new request has and RFC 2986 (section 4.1) knows alone.
 * Others are stored, because programs of old ask for them and authorities sign them. Where
 * OpenSSL sets no other (from 3.5 on) those up to 127 come with the signature, and
 * pyossl_req_verify() refuses them: "unsupported version".
 *
 * @retval PYOSSL_E_ARGUMENT the number is negative
 * @retval PYOSSL_E_OPENSSL  this OpenSSL cannot have it
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_req_set_version(pyossl_req *req, long version) PYOSSL_NONNULL(1);

/** A live view of the subject: see pyossl/name.h. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_req_subject(pyossl_req *req, pyossl_name **out) PYOSSL_NONNULL(1, 2);

/** Give the request a copy of @p name as its subject. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_req_set_subject(pyossl_req *req, const pyossl_name *name)
    PYOSSL_NONNULL(1, 2);

/** The public key; PYOSSL_E_NOT_FOUND where none is set. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_req_pubkey(const pyossl_req *req, pyossl_pkey **out) PYOSSL_NONNULL(1, 2);

/** Set the public key to the public half of @p pkey. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_req_set_pubkey(pyossl_req *req, const pyossl_pkey *pkey) PYOSSL_NONNULL(1, 2);

/** Sign with @p pkey and @p digest, as pyossl_x509_sign() does. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_req_sign(pyossl_req *req, const pyossl_pkey *pkey, const char *digest)
    PYOSSL_NONNULL(1, 2);

/** Check the signature with @p pkey; PYOSSL_E_VERIFY if it does not fit. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_req_verify(const pyossl_req *req, const pyossl_pkey *pkey)
    PYOSSL_NONNULL(1, 2);

/** How many extensions are asked for. */
PYOSSL_API size_t pyossl_req_ext_count(const pyossl_req *req) PYOSSL_NONNULL(1);

/** A copy of requested extension @p index; PYOSSL_E_NOT_FOUND past the end. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_req_ext_at(const pyossl_req *req, size_t index, pyossl_ext **out)
    PYOSSL_NONNULL(1, 3);

/** Ask for all but extension @p index; PYOSSL_E_NOT_FOUND past the end. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_req_remove_ext(pyossl_req *req, size_t index) PYOSSL_NONNULL(1);

/** Ask for copies of @p count extensions, once (RFC 2985, section 5.4.2): all or none. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_req_add_exts(pyossl_req *req, pyossl_ext *const *exts, size_t count)
    PYOSSL_NONNULL(1);

PYOSSL_END_DECLS

#endif
