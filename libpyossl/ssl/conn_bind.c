/*
 * Which generation of its context a connection lives under.
 *
 * Until its handshake begins a connection follows its context: once that has
 * changed, the next look at the connection makes a new SSL from the present
 * generation and asks of it what was asked of the old one. From the beginning of
 * the handshake on the generation stays, whatever happens to the context.
 */
#include "tls.h"

/* What every connection has, whatever its context says: no false WANT_READ. */
#define OWN_MODES SSL_MODE_AUTO_RETRY

/* The transport of the SSL before. */
static pyossl_status inherit(const SSL *old, SSL *ssl)
{
    BIO *bio = SSL_get_rbio(old);

    if (bio != NULL) {
        if (BIO_up_ref(bio) != 1)
            return osl_fail(PYOSSL_E_OPENSSL);
        SSL_set0_rbio(ssl, bio);
        if (BIO_up_ref(bio) != 1)
            return osl_fail(PYOSSL_E_OPENSSL);
        SSL_set0_wbio(ssl, bio);
    }
    SSL_set_shutdown(ssl, SSL_get_shutdown(old));
    return PYOSSL_OK;
}

pyossl_status osl_conn_choose_side(SSL *ssl, pyossl_role role)
{
    if (role == PYOSSL_CLIENT)
        SSL_set_connect_state(ssl);
    else if (role == PYOSSL_SERVER)
        SSL_set_accept_state(ssl);
    return osl_is_given_up(ssl) ? osl_fail(PYOSSL_E_NOMEM) : PYOSSL_OK;
}

/* Whom an SSL of @generation will have the peer be. */
static osl_identity *identity_of(const pyossl_conn *conn, const osl_generation *generation)
{
    return conn->settings.identity_set ? conn->settings.identity : generation->identity;
}

/* An SSL of @generation of which all is asked that was asked of @conn. */
static pyossl_status make_ssl(pyossl_conn *conn, const osl_generation *generation, SSL **out)
{
    osl_auto(SSL) *ssl = SSL_new(generation->ssl_ctx);
    const osl_identity *identity = identity_of(conn, generation);

    if (ssl == NULL)
        return osl_fail(PYOSSL_E_OPENSSL);
    OSL_TRY(osl_conn_tie(ssl, conn));
    SSL_set_mode(ssl, OWN_MODES);
    /* Also without a callback of the program's: it sees which certificate is refused. */
    SSL_set_verify(ssl, SSL_get_verify_mode(ssl), osl_verify_trampoline);
    OSL_TRY(osl_conn_choose_side(ssl, conn->role));
    if (identity != NULL)
        OSL_TRY(osl_identity_apply(identity, ssl));
    OSL_TRY(osl_conn_settings_apply(&conn->settings, ssl));
    if (conn->ssl != NULL)
        OSL_TRY(inherit(conn->ssl, ssl));
    *out = osl_steal(ssl);
    return PYOSSL_OK;
}

/* Live under @generation from now on; @ssl, if not NULL, replaces the SSL. Takes both over. */
static void settle(pyossl_conn *conn, osl_generation *generation, SSL *ssl)
{
    osl_generation *old = conn->generation;

    conn->generation = generation;
    conn->slim = conn->slim || generation->slim;
    if (ssl != NULL) {
        SSL_free(conn->ssl);
        conn->ssl = ssl;
        memcpy(conn->groups, generation->groups, sizeof conn->groups);
        conn->hollow = false;
    }
    osl_generation_unref(old);
}

static void change_verify(pyossl_conn *conn, osl_closure *verify)
{
    osl_closure *old = conn->verify;

    conn->verify = osl_closure_ref(verify);
    osl_closure_unref(old);
}

static void change_identity(pyossl_conn *conn, osl_identity *identity)
{
    osl_identity *old = conn->identity;

    conn->identity = osl_identity_ref(identity);
    osl_identity_unref(old);
}

pyossl_status osl_conn_bind(pyossl_conn *conn, pyossl_ctx *ctx)
{
    osl_auto(osl_generation) *generation = osl_ctx_acquire(ctx);
    osl_auto(SSL) *ssl = NULL;

    OSL_TRY(osl_generation_check(generation));
    OSL_TRY(make_ssl(conn, generation, &ssl));
    change_verify(conn, conn->settings.verify_set ? conn->settings.verify
                                                  : generation->callbacks[OSL_CB_VERIFY]);
    change_identity(conn, identity_of(conn, generation));
    if (conn->sessions != ctx->sessions) {
        osl_session_cache_unref(conn->sessions);
        conn->sessions = osl_session_cache_ref(ctx->sessions);
    }
    settle(conn, osl_steal(generation), osl_steal(ssl));
    return PYOSSL_OK;
}

pyossl_status osl_conn_follow(pyossl_conn *conn)
{
    if (!conn->hollow &&
        (conn->begun || conn->busy || osl_ctx_is_current(conn->ctx, conn->generation)))
        return PYOSSL_OK;
    return osl_conn_bind(conn, conn->ctx);
}

SSL *osl_conn_ssl(const pyossl_conn *conn)
{
    /* Out of memory the SSL before has to do: who only asks cannot be told. */
    if (!conn->begun) /* a hollow one never has */
        (void)!osl_conn_follow((pyossl_conn *)conn);
    return conn->ssl;
}

pyossl_status osl_conn_resume(pyossl_conn *conn)
{
    if (conn->role != PYOSSL_CLIENT)
        return PYOSSL_OK;
    OSL_TRY(osl_scope_begin(conn));
    return osl_session_offer(conn->settings.session, conn);
}

/* Whether a context's method knows this side of a handshake. */
static bool has_side(int method, pyossl_role role)
{
    if (method == PYOSSL_TLS_CLIENT || method == PYOSSL_DTLS_CLIENT)
        return role != PYOSSL_SERVER;
    if (method == PYOSSL_TLS_SERVER || method == PYOSSL_DTLS_SERVER)
        return role != PYOSSL_CLIENT;
    return true;
}

pyossl_status osl_conn_check(const pyossl_conn *conn)
{
    if (conn->busy)
        return osl_fail_text(PYOSSL_E_STATE, "called from a callback of the same connection");
    if (conn->begun && osl_transport_is_the_parents(&conn->transport))
        return osl_fail_text(PYOSSL_E_STATE, OSL_OF_THE_PARENT);
    if (conn->transport.kind == OSL_TRANSPORT_NONE)
        return osl_fail_text(PYOSSL_E_STATE, "the connection has no transport");
    return PYOSSL_OK;
}

pyossl_status osl_conn_begin(pyossl_conn *conn)
{
    OSL_TRY(osl_conn_check(conn));
    if (conn->begun)
        return PYOSSL_OK;
    OSL_TRY(osl_ctx_fit(conn->ctx));
    OSL_TRY(osl_conn_follow(conn));
    if (!has_side(conn->ctx->method, conn->role))
        return osl_fail_text(PYOSSL_E_STATE, conn->role == PYOSSL_SERVER
                                                 ? "a server under a context for clients alone"
                                                 : "a client under a context for servers alone");
    /* Without a side nothing can begin; OpenSSL says so when it is asked to. */
    if (conn->role == 0)
        return PYOSSL_OK;
    conn->begun = true;
    /* Until here it has no keys that the parent, or another child, could have too. */
    conn->transport.forks = osl_fork_count();
    return PYOSSL_OK;
}

pyossl_status pyossl_conn_begin(pyossl_conn *conn)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL);
    return osl_conn_begin(conn);
}

/*
 * OpenSSL frees what the connection had of its context. Once it has chosen a certificate it
 * points to that, until the handshake is over, and reads it again.
 */
static pyossl_status check_changeable(const pyossl_conn *conn)
{
    if (conn->hello.asking || (!conn->busy && SSL_is_init_finished(conn->ssl) == 1))
        return PYOSSL_OK;
    return osl_fail_text(PYOSSL_E_STATE, "the context can be changed before the handshake and in "
                                         "the server name callback only");
}

/*
 * In a handshake SSL_set_SSL_CTX() brings certificate, key and chain, what is
 * asked of the context at the time (ALPN, OCSP, trust, client authorities) and
 * the session id context. The number of tickets it forgets; options, versions,
 * verification mode and callback it leaves, as we want.
 */
static pyossl_status change_under_way(pyossl_conn *conn, pyossl_ctx *ctx)
{
    osl_auto(osl_generation) *generation = NULL;

    OSL_TRY(check_changeable(conn));
    OSL_TRY(osl_ctx_fit(ctx));
    generation = osl_ctx_acquire(ctx);
    OSL_TRY(osl_generation_check(generation));
    if (SSL_set_SSL_CTX(conn->ssl, generation->ssl_ctx) == NULL)
        return osl_fail(PYOSSL_E_OPENSSL);
    if (SSL_set_num_tickets(conn->ssl, SSL_CTX_get_num_tickets(generation->ssl_ctx)) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    OSL_TRY(osl_conn_sigalgs_apply(&conn->settings.lists, conn->ssl));
    conn->moved = conn->moved || !conn->hello.asking;
    settle(conn, osl_steal(generation), NULL);
    osl_scope_changed(conn);
    return PYOSSL_OK;
}

/* Whether nothing of a handshake has been made yet, begun or not. */
static bool is_before(const pyossl_conn *conn)
{
    return !conn->busy && (!conn->begun || SSL_in_before(conn->ssl) == 1);
}

/*
 * Bound to another context altogether, under which it begins anew; a session of the one before
 * is of no use any more.
 */
static pyossl_status change_before(pyossl_conn *conn, pyossl_ctx *ctx)
{
    pyossl_session *session = conn->settings.session;
    pyossl_status status;

    if (session != NULL && !osl_session_is_of(session, ctx))
        conn->settings.session = NULL;
    status = osl_conn_bind(conn, ctx);
    if (status != PYOSSL_OK) {
        conn->settings.session = session;
        return status;
    }
    conn->begun = false;
    if (session != conn->settings.session)
        pyossl_session_unref(session);
    return PYOSSL_OK;
}

static bool is_dtls(int method)
{
    return method >= PYOSSL_DTLS;
}

pyossl_status pyossl_conn_set_ctx(pyossl_conn *conn, pyossl_ctx *ctx)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL && ctx != NULL);
    pyossl_ctx *old = conn->ctx;

    if (is_dtls(ctx->method) != is_dtls(old->method))
        return osl_fail_text(PYOSSL_E_ARGUMENT, "one context is for TLS, the other for DTLS");
    OSL_TRY(is_before(conn) ? change_before(conn, ctx) : change_under_way(conn, ctx));
    conn->ctx = pyossl_ctx_ref(ctx);
    pyossl_ctx_unref(old);
    return PYOSSL_OK;
}
