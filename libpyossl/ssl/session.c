/* Sessions: what a client keeps to resume, and what it may be used for. */
#include "tls.h"

#include <time.h>

static void session_destroy(pyossl_session *session)
{
    SSL_SESSION_free(session->session);
    pyossl_ctx_unref(session->ctx);
    OPENSSL_free(session);
}

OSL_DEFINE_REFS(session, session_destroy)

pyossl_status osl_session_wrap(pyossl_session **out, SSL_SESSION *session, pyossl_ctx *ctx)
{
    pyossl_session *handle = osl_new(pyossl_session);

    if (handle == NULL) {
        SSL_SESSION_free(session);
        return osl_fail_nomem();
    }
    osl_object_init(&handle->base);
    handle->session = session;
    handle->ctx = ctx != NULL ? pyossl_ctx_ref(ctx) : NULL;
    *out = handle;
    return PYOSSL_OK;
}

bool osl_session_is_of(const pyossl_session *session, const pyossl_ctx *ctx)
{
    return session->ctx != NULL && session->ctx->line == ctx->line;
}

pyossl_status pyossl_conn_session(pyossl_conn *conn, pyossl_session **out)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL && out != NULL);
    SSL_SESSION *session = SSL_get0_session(osl_conn_ssl(conn)), *copy;

    if (session == NULL)
        return osl_fail_text(PYOSSL_E_NOT_FOUND, "there is no session yet");
    /* OpenSSL makes a session useless when its connection ends without a close alert. */
    copy = SSL_SESSION_dup(session);
    if (copy == NULL)
        return osl_fail(PYOSSL_E_OPENSSL);
    return osl_session_wrap(out, copy, conn->ctx);
}

int pyossl_session_resumable(const pyossl_session *session)
{
    OSL_NEED_OR(0, session != NULL);
    return SSL_SESSION_is_resumable(session->session) == 1;
}

pyossl_ctx *pyossl_session_ctx(const pyossl_session *session)
{
    OSL_NEED_OR(NULL, session != NULL);
    return session->ctx;
}

int64_t pyossl_session_time(const pyossl_session *session)
{
    OSL_NEED_OR(0, session != NULL);
    return osl_session_time(session->session);
}

int64_t pyossl_session_timeout(const pyossl_session *session)
{
    OSL_NEED_OR(0, session != NULL);
    return SSL_SESSION_get_timeout(session->session);
}

pyossl_status pyossl_session_dump(const pyossl_session *session, pyossl_buf *out)
{
    OSL_API_ENTER;
    OSL_NEED(session != NULL && out != NULL);
    osl_auto_buf der = PYOSSL_BUF_INIT;
    const int len = i2d_SSL_SESSION(session->session, NULL);
    unsigned char *at;

    if (len <= 0)
        return osl_fail(PYOSSL_E_OPENSSL);
    OSL_TRY(osl_buf_alloc(&der, (size_t)len));
    at = der.data;
    if (i2d_SSL_SESSION(session->session, &at) != len)
        return osl_fail(PYOSSL_E_OPENSSL);
    osl_buf_move(out, &der);
    return PYOSSL_OK;
}

pyossl_status pyossl_session_load(pyossl_session **out, pyossl_ctx *ctx, const void *der,
                                  size_t len)
{
    OSL_API_ENTER;
    OSL_NEED(out != NULL && ctx != NULL && osl_fits(der, len));
    osl_auto(SSL_SESSION) *session = NULL;
    const unsigned char *at = der;
    size_t total;

    OSL_TRY(osl_der_sequence(der, len, &total));
    if (total != len || !osl_len_fits(len))
        return osl_fail_text(PYOSSL_E_FORMAT, "bytes behind the session");
    session = d2i_SSL_SESSION(NULL, &at, (long)len);
    if (session == NULL)
        return osl_fail(PYOSSL_E_FORMAT);
    return osl_session_wrap(out, osl_steal(session), ctx);
}

/* Whether @session is of the scope of @conn, and not over. */
static bool fits(const SSL_SESSION *session, const pyossl_conn *conn)
{
    unsigned len = 0;
    const unsigned char *scope = SSL_SESSION_get0_id_context(session, &len);

    /* One of a handshake that was not finished has no secret. */
    return len == OSL_SCOPE_LEN && memcmp(scope, conn->scope.digest, len) == 0 &&
           SSL_SESSION_get_master_key(session, NULL, 0) > 0 &&
           osl_session_alive(session, (int64_t)time(NULL));
}

/* Whether the peer of the session that @ssl offers was found good. */
static bool was_verified(const SSL *ssl, SSL_SESSION *session)
{
    /* SSL_set_session() brought the result along. */
    return SSL_SESSION_get0_peer(session) != NULL && SSL_get_verify_result(ssl) == X509_V_OK;
}

/* Offer none; nor does its verification count. */
static pyossl_status offer_nothing(pyossl_conn *conn)
{
    conn->scope.offered = false;
    if (SSL_get_session(conn->ssl) == NULL)
        return PYOSSL_OK;
    if (SSL_set_session(conn->ssl, NULL) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    SSL_set_verify_result(conn->ssl, X509_V_OK);
    return PYOSSL_OK;
}

pyossl_status osl_session_offer(const pyossl_session *session, pyossl_conn *conn)
{
    osl_auto(SSL_SESSION) *copy = NULL;
    SSL *ssl = conn->ssl;

    if (session == NULL || !fits(session->session, conn))
        return offer_nothing(conn);
    /* A copy: an SSL that ends early makes its session useless for the others. */
    copy = SSL_SESSION_dup(session->session);
    if (copy == NULL)
        return osl_fail(PYOSSL_E_OPENSSL);
    if (SSL_set_session(ssl, copy) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    conn->scope.offered = true;
    if ((SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) != 0 && !was_verified(ssl, copy))
        return offer_nothing(conn);
    return PYOSSL_OK;
}
