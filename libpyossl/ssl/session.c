/* Sessions: what a client keeps to resume, and what it may be used for. */
#include "tls.h"

#include "ctx_change.h"

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

pyossl_status pyossl_conn_session(pyossl_conn *conn, pyossl_session **out)
{
    OSL_API_ENTER;
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
    return SSL_SESSION_is_resumable(session->session) == 1;
}

pyossl_ctx *pyossl_session_ctx(const pyossl_session *session)
{
    return session->ctx;
}

int64_t pyossl_session_time(const pyossl_session *session)
{
#if defined(OSL_HAVE_SESSION_GET_TIME_EX)
    return SSL_SESSION_get_time_ex(session->session);
#else
    return SSL_SESSION_get_time(session->session);
#endif
}

int64_t pyossl_session_timeout(const pyossl_session *session)
{
    return SSL_SESSION_get_timeout(session->session);
}

pyossl_status pyossl_session_dump(const pyossl_session *session, pyossl_buf *out)
{
    OSL_API_ENTER;
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

/* Give @session the session id context of @ctx. */
static pyossl_status rename_session(SSL_SESSION *session, const pyossl_ctx *ctx)
{
    unsigned char name[SSL_MAX_SID_CTX_LENGTH];
    const size_t len = osl_ctx_session_id(ctx, name);

    if (SSL_SESSION_set1_id_context(session, name, (unsigned)len) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    return PYOSSL_OK;
}

pyossl_status pyossl_session_load(pyossl_session **out, pyossl_ctx *ctx, const void *der,
                                  size_t len)
{
    OSL_API_ENTER;
    osl_auto(SSL_SESSION) *session = NULL;
    const unsigned char *at = der;
    size_t total;

    OSL_TRY(osl_der_sequence(der, len, &total));
    if (total != len || !osl_len_fits(len))
        return osl_fail_text(PYOSSL_E_FORMAT, "bytes behind the session");
    session = d2i_SSL_SESSION(NULL, &at, (long)len);
    if (session == NULL)
        return osl_fail(PYOSSL_E_FORMAT);
    /* It may come from another process, whose context had a random name. */
    OSL_TRY(rename_session(session, ctx));
    return osl_session_wrap(out, osl_steal(session), ctx);
}

/* Whether the peer of the session in @ssl was judged to be who @identity says. */
static bool was_verified(const osl_identity *identity, SSL *ssl, SSL_SESSION *session)
{
    X509 *peer = SSL_SESSION_get0_peer(session);

    /* SSL_set_session() brought the result along. */
    if (peer == NULL || SSL_get_verify_result(ssl) != X509_V_OK)
        return false;
    return identity == NULL || osl_identity_matches(identity, peer);
}

pyossl_status osl_session_apply(const pyossl_session *session, const osl_identity *identity,
                                int verify_mode, SSL *ssl)
{
    osl_auto(SSL_SESSION) *copy = SSL_SESSION_dup(session->session);

    /* A copy: an SSL that ends early makes its session useless for the others. */
    if (copy == NULL)
        return osl_fail(PYOSSL_E_OPENSSL);
    /* The context may have got another name since; OpenSSL compares them on clients too. */
    if (session->ctx != NULL)
        OSL_TRY(rename_session(copy, session->ctx));
    if (SSL_set_session(ssl, copy) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    if ((verify_mode & SSL_VERIFY_PEER) == 0 || was_verified(identity, ssl, copy))
        return PYOSSL_OK;
    if (SSL_set_session(ssl, NULL) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    SSL_set_verify_result(ssl, X509_V_OK);
    return PYOSSL_OK;
}
