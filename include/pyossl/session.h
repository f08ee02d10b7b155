/**
 * @file pyossl/session.h
 * What a client keeps to resume a session (RFC 8446, section 2.2).
 *
 * A session never changes, so any number of threads may share it. It is as
 * secret as the traffic.
 *
 * Nobody is judged when a session is resumed. So it carries a digest of what was asked of the
 * peer (verification mode, trusted certificates and revocation lists by content, directories
 * by path, the store's parameters, host names, the name for sessions, callbacks that judge), and resumes
 * only where the same is asked, on both sides. What a callback accepted resumes in the process
 * and under the setting that did. Neither resumes what has expired since, or tickets whose first
 * authentication is longer ago than the context's timeout.
 */
#ifndef PYOSSL_SESSION_H
#define PYOSSL_SESSION_H

#include "pyossl/export.h"
#include "pyossl/status.h"
#include "pyossl/types.h"

PYOSSL_BEGIN_DECLS

/** One more owner; returns @p session. */
PYOSSL_API pyossl_session *pyossl_session_ref(pyossl_session *session) PYOSSL_NONNULL(1);

/** One owner less; NULL is allowed. */
PYOSSL_API void pyossl_session_unref(pyossl_session *session);

/** 1 if it can be resumed, else 0. */
PYOSSL_API int pyossl_session_resumable(const pyossl_session *session) PYOSSL_NONNULL(1);

/** The context it was made under, or loaded for, borrowed. */
PYOSSL_API pyossl_ctx *pyossl_session_ctx(const pyossl_session *session) PYOSSL_NONNULL(1);

/** When it was made, in seconds since 1970. */
PYOSSL_API int64_t pyossl_session_time(const pyossl_session *session) PYOSSL_NONNULL(1);

/** How long it may be resumed, in seconds. */
PYOSSL_API int64_t pyossl_session_timeout(const pyossl_session *session) PYOSSL_NONNULL(1);

/** Encode as DER, to keep it outside the process. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_session_dump(const pyossl_session *session, pyossl_buf *out)
    PYOSSL_NONNULL(1, 2);

/** Decode what pyossl_session_dump() made, for use under @p ctx, which has to ask the same. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_session_load(pyossl_session **out, pyossl_ctx *ctx, const void *der,
                                  size_t len) PYOSSL_NONNULL(1, 2);

PYOSSL_END_DECLS

#endif
