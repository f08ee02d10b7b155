/*
 * Every function that OpenSSL calls.
 *
 * Each finds its connection, holds the closure while it runs, so that the program
 * may replace it meanwhile, and turns the answer into what OpenSSL understands.
 * What is not clearly a yes counts as a no: an answer out of range, a result that
 * does not fit, an SSL that belongs to no connection.
 */
#include "tls.h"

/* ---- which connection ---- */

static CRYPTO_ONCE slot_once = CRYPTO_ONCE_STATIC_INIT;
static int slot = -1;

static void make_slot(void)
{
    OSL_IN_USUAL_LIBCTX(usual);

    if (usual)
        slot = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

pyossl_status osl_conn_tie(SSL *ssl, pyossl_conn *conn)
{
    if (CRYPTO_THREAD_run_once(&slot_once, make_slot) != 1 || slot < 0)
        return osl_fail(PYOSSL_E_NOMEM);
    if (SSL_set_ex_data(ssl, slot, conn) != 1)
        return osl_fail(PYOSSL_E_NOMEM);
    return PYOSSL_OK;
}

pyossl_conn *osl_conn_of(const SSL *ssl)
{
    /* Whoever has a connection's SSL has seen osl_conn_tie() return. */
    return slot >= 0 ? SSL_get_ex_data(ssl, slot) : NULL;
}

/* The closure in force, with a reference for the time of the call; NULL for none. */
static osl_closure *closure_of(const pyossl_conn *conn, osl_callback which)
{
    return conn != NULL ? osl_closure_ref(conn->generation->callbacks[which]) : NULL;
}

pyossl_answer osl_conn_answer(pyossl_conn *conn, pyossl_answer answer)
{
    if (answer == PYOSSL_ANSWER_ACCEPT || answer == PYOSSL_ANSWER_DECLINE)
        return answer;
    conn->stopped = true;
    return PYOSSL_ANSWER_ABORT;
}

/* ---- verification ---- */

/* @why is for where OpenSSL has nothing against it, lest the result say that all is well. */
static int refuse_chain(pyossl_conn *conn, X509_STORE_CTX *store_ctx, int why)
{
    if (X509_STORE_CTX_get_error(store_ctx) == X509_V_OK)
        X509_STORE_CTX_set_error(store_ctx, why);
    if (conn != NULL)
        osl_refusal_note(conn, store_ctx);
    return 0;
}

/* A handle of its own for the certificate in question, so that it may be kept. */
static pyossl_status wrap_current_cert(pyossl_x509 **out, X509_STORE_CTX *store_ctx)
{
    X509 *cert = X509_STORE_CTX_get_current_cert(store_ctx);

    if (cert == NULL)
        return PYOSSL_OK;
    if (X509_up_ref(cert) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    return osl_x509_wrap_apart(out, cert);
}

int osl_verify_trampoline(int preverify, X509_STORE_CTX *store_ctx)
{
    OSL_CALLBACK_ENTER;
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store_ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
    pyossl_conn *conn = ssl != NULL ? osl_conn_of(ssl) : NULL;
    osl_auto(osl_closure) *closure = NULL;
    osl_auto(pyossl_x509) *cert = NULL;
    pyossl_verify_event event = { .size = sizeof event };
    pyossl_answer answer;

    if (conn == NULL)
        return refuse_chain(NULL, store_ctx, X509_V_ERR_UNSPECIFIED);
    closure = osl_closure_ref(conn->verify);
    if (closure == NULL)
        return preverify != 0 ? preverify
                              : refuse_chain(conn, store_ctx, X509_V_ERR_APPLICATION_VERIFICATION);
    if (wrap_current_cert(&cert, store_ctx) != PYOSSL_OK) {
        X509_STORE_CTX_set_error(store_ctx, X509_V_ERR_OUT_OF_MEM);
        return 0;
    }
    event.cert = cert;
    event.error = X509_STORE_CTX_get_error(store_ctx);
    event.depth = X509_STORE_CTX_get_error_depth(store_ctx);
    event.preverify = preverify;
    answer = osl_conn_answer(conn, ((pyossl_verify_cb)closure->call)(conn, &event, closure->userdata));
    /* A callback that fails is an internal error, also in the alert; one that says no is not. */
    if (answer != PYOSSL_ANSWER_ACCEPT)
        return refuse_chain(conn, store_ctx,
                            answer == PYOSSL_ANSWER_DECLINE ? X509_V_ERR_APPLICATION_VERIFICATION
                                                            : X509_V_ERR_UNSPECIFIED);
    X509_STORE_CTX_set_error(store_ctx, X509_V_OK);
    return 1;
}

/* ---- being told ---- */

/* Without memory to look at the session again a full handshake has to do. */
static void resume_or_not(pyossl_conn *conn)
{
    if (osl_conn_resume(conn) != PYOSSL_OK && SSL_set_session(conn->ssl, NULL) != 1)
        conn->stopped = true;
}

void osl_info_trampoline(const SSL *ssl, int where, int ret)
{
    OSL_CALLBACK_ENTER;
    pyossl_conn *conn = osl_conn_of(ssl);
    osl_auto(osl_closure) *closure = NULL;

    if (conn == NULL)
        return;
    closure = osl_closure_ref(conn->settings.info_set ? conn->settings.info
                                                      : conn->generation->callbacks[OSL_CB_INFO]);
    if (closure == NULL)
        return;
    ((pyossl_info_cb)closure->call)(conn, where, ret, closure->userdata);
    /* It may have asked for another session, or for another judgement of the peer. */
    if (where == SSL_CB_HANDSHAKE_START && SSL_in_before(ssl) == 1)
        resume_or_not(conn);
}

static void keylog_trampoline(const SSL *ssl, const char *line)
{
    OSL_CALLBACK_ENTER;
    pyossl_conn *conn = osl_conn_of(ssl);
    osl_auto(osl_closure) *closure = closure_of(conn, OSL_CB_KEYLOG);

    if (closure != NULL)
        ((pyossl_keylog_cb)closure->call)(conn, line, closure->userdata);
}

/* Whether a server has to keep @session itself: the client got its number alone. */
static bool is_to_be_kept(const pyossl_conn *conn, const SSL *ssl)
{
    return SSL_is_server(ssl) == 1 &&
           (conn->generation->cache_mode & SSL_SESS_CACHE_NO_INTERNAL_STORE) == 0 &&
           (SSL_version(ssl) != TLS1_3_VERSION || (SSL_get_options(ssl) & SSL_OP_NO_TICKET) != 0);
}

/* With *copy 0 the reference becomes OpenSSL's. */
static SSL_SESSION *get_session_trampoline(SSL *ssl, const unsigned char *id, int len, int *copy)
{
    const pyossl_conn *conn = osl_conn_of(ssl);

    *copy = 0;
    if (conn == NULL || len <= 0 ||
        (conn->generation->cache_mode & SSL_SESS_CACHE_NO_INTERNAL_LOOKUP) != 0)
        return NULL;
    return osl_session_cache_get1(conn->sessions, id, (size_t)len);
}

static int new_session_trampoline(SSL *ssl, SSL_SESSION *session)
{
    OSL_CALLBACK_ENTER;
    pyossl_conn *conn = osl_conn_of(ssl);
    osl_auto(osl_closure) *closure = closure_of(conn, OSL_CB_NEW_SESSION);
    osl_auto(pyossl_session) *handle = NULL;
    SSL_SESSION *copy;

    if (conn != NULL && is_to_be_kept(conn, ssl))
        osl_session_cache_put(conn->sessions, session);
    if (closure == NULL)
        return 0;
    /* What the SSL has is spoiled when the connection ends early. */
    copy = SSL_SESSION_dup(session);
    if (copy != NULL && osl_session_wrap(&handle, copy, conn->ctx) == PYOSSL_OK)
        ((pyossl_new_session_cb)closure->call)(conn, handle, closure->userdata);
    return 0; /* the reference offered was not taken */
}

/* ---- the server's choices ---- */

static int servername_trampoline(SSL *ssl, int *alert, void *arg)
{
    const pyossl_conn *conn = osl_conn_of(ssl);

    (void)alert; /* unrecognized_name, as OpenSSL has it */
    (void)arg;
    if (conn == NULL)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    /* OpenSSL asks clients as well, about the server's answer. */
    return SSL_is_server(ssl) == 1 ? osl_hello_answer(conn) : SSL_TLSEXT_ERR_OK;
}

/* Where @wanted stands in a list in wire format; NULL if it does not, or the list is broken. */
static const unsigned char *find_protocol(const unsigned char *list, size_t len,
                                          const unsigned char *wanted, size_t wanted_len)
{
    size_t at = 0;

    while (at < len) {
        const size_t entry_len = list[at++];

        if (entry_len == 0 || entry_len > len - at)
            return NULL;
        if (entry_len == wanted_len && memcmp(list + at, wanted, wanted_len) == 0)
            return list + at;
        at += entry_len;
    }
    return NULL;
}

static bool is_protocol_list(const unsigned char *list, size_t len)
{
    size_t at = 0;

    while (at < len) {
        const size_t entry_len = list[at++];

        if (entry_len == 0 || entry_len > len - at)
            return false;
        at += entry_len;
    }
    return true;
}

/* Ask a pyossl_alpn_cb; @selected has room for 255 bytes. */
static pyossl_answer ask_protocol(pyossl_conn *conn, const osl_closure *closure,
                                  const unsigned char *offered, size_t offered_len,
                                  unsigned char *selected, size_t *selected_len)
{
    static const unsigned char nothing[1];

    *selected_len = 0;
    return osl_conn_answer(conn, ((pyossl_alpn_cb)closure->call)(conn, offered_len > 0 ? offered : nothing,
                                                       offered_len, selected, selected_len,
                                                       closure->userdata));
}

static int alpn_trampoline(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *offered, unsigned offered_len, void *arg)
{
    OSL_CALLBACK_ENTER;
    pyossl_conn *conn = osl_conn_of(ssl);
    osl_auto(osl_closure) *closure = NULL;
    unsigned char selected[255];
    const unsigned char *found;
    pyossl_answer answer;
    size_t len;

    (void)arg;
    if (conn == NULL)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    closure = closure_of(conn, OSL_CB_ALPN_SELECT);
    if (closure == NULL)
        return SSL_TLSEXT_ERR_NOACK;
    answer = ask_protocol(conn, closure, offered, offered_len, selected, &len);
    if (answer == PYOSSL_ANSWER_DECLINE)
        return SSL_TLSEXT_ERR_NOACK;
    if (answer != PYOSSL_ANSWER_ACCEPT || len == 0 || len > sizeof selected)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    /* OpenSSL reads the answer after we have returned: point into what was offered. */
    found = find_protocol(offered, offered_len, selected, len);
    if (found == NULL)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = found;
    *out_len = (unsigned char)len;
    return SSL_TLSEXT_ERR_OK;
}

/* ---- next protocol negotiation ---- */

#if !defined(OPENSSL_NO_NEXTPROTONEG)
/* More than the extension has room for. Nothing else that we can answer stops the handshake. */
static int unsendable_protocols(const unsigned char **out, unsigned *out_len)
{
    static unsigned char too_many[UINT16_MAX + 1];

    *out = too_many;
    *out_len = sizeof too_many;
    return SSL_TLSEXT_ERR_OK;
}

static int npn_advertise_trampoline(SSL *ssl, const unsigned char **out, unsigned *out_len,
                                    void *arg)
{
    OSL_CALLBACK_ENTER;
    pyossl_conn *conn = osl_conn_of(ssl);
    osl_auto(osl_closure) *closure = closure_of(conn, OSL_CB_NPN_ADVERTISE);
    osl_auto_buf protos = PYOSSL_BUF_INIT;
    pyossl_answer answer;

    (void)arg;
    if (conn == NULL)
        return unsendable_protocols(out, out_len);
    if (closure == NULL)
        return SSL_TLSEXT_ERR_NOACK;
    answer =
        osl_conn_answer(conn, ((pyossl_npn_advertise_cb)closure->call)(conn, &protos, closure->userdata));
    if (answer == PYOSSL_ANSWER_DECLINE)
        return SSL_TLSEXT_ERR_NOACK;
    if (answer != PYOSSL_ANSWER_ACCEPT || protos.len > UINT16_MAX ||
        !is_protocol_list(protos.data, protos.len))
        return unsendable_protocols(out, out_len);
    osl_buf_move(&conn->npn, &protos);
    *out = conn->npn.data;
    *out_len = (unsigned)conn->npn.len;
    return SSL_TLSEXT_ERR_OK;
}

static int npn_select_trampoline(SSL *ssl, unsigned char **out, unsigned char *out_len,
                                 const unsigned char *offered, unsigned offered_len, void *arg)
{
    OSL_CALLBACK_ENTER;
    pyossl_conn *conn = osl_conn_of(ssl);
    osl_auto(osl_closure) *closure = closure_of(conn, OSL_CB_NPN_SELECT);
    unsigned char selected[255];
    size_t len;

    (void)arg;
    if (closure == NULL || !is_protocol_list(offered, offered_len))
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    if (ask_protocol(conn, closure, offered, offered_len, selected, &len) != PYOSSL_ANSWER_ACCEPT ||
        len == 0 || len > sizeof selected)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    if (osl_buf_set(&conn->npn, selected, len) != PYOSSL_OK)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = conn->npn.data;
    *out_len = (unsigned char)len;
    return SSL_TLSEXT_ERR_OK;
}
#endif

/* ---- stapled OCSP responses ---- */

/* The longest that fits in the message (RFC 6066, section 8). */
#define OCSP_RESPONSE_MAX 0xffffffu

static int staple(SSL *ssl, pyossl_conn *conn)
{
    osl_auto(osl_closure) *closure = closure_of(conn, OSL_CB_OCSP_SERVER);
    osl_auto_buf response = PYOSSL_BUF_INIT;
    pyossl_answer answer;

    if (closure == NULL)
        return SSL_TLSEXT_ERR_NOACK;
    answer =
        osl_conn_answer(conn, ((pyossl_ocsp_server_cb)closure->call)(conn, &response, closure->userdata));
    if (answer == PYOSSL_ANSWER_ABORT || response.len > OCSP_RESPONSE_MAX)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    if (answer == PYOSSL_ANSWER_DECLINE || response.len == 0)
        return SSL_TLSEXT_ERR_NOACK;
    /* The bytes are OpenSSL's own kind of memory, and become its property. */
    if (SSL_set_tlsext_status_ocsp_resp(ssl, response.data, (long)response.len) != 1)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    response.data = NULL;
    return SSL_TLSEXT_ERR_OK;
}

/* 1 goes on, 0 refuses the response, less than that is a failure of our own. */
static int judge_staple(SSL *ssl, pyossl_conn *conn)
{
    static const unsigned char nothing[1];
    osl_auto(osl_closure) *closure = closure_of(conn, OSL_CB_OCSP_CLIENT);
    const unsigned char *response = NULL;
    const long len = SSL_get_tlsext_status_ocsp_resp(ssl, &response);
    const bool stapled = response != NULL && len > 0;
    pyossl_answer answer;

    if (closure == NULL)
        return 1;
    answer = osl_conn_answer(conn, ((pyossl_ocsp_client_cb)closure->call)(conn, stapled ? response : nothing,
                                                                stapled ? (size_t)len : 0,
                                                                closure->userdata));
    if (answer == PYOSSL_ANSWER_ABORT)
        return -1;
    return answer == PYOSSL_ANSWER_ACCEPT ? 1 : 0;
}

/* OpenSSL has one place for both sides' callbacks. */
static int ocsp_trampoline(SSL *ssl, void *arg)
{
    OSL_CALLBACK_ENTER;
    pyossl_conn *conn = osl_conn_of(ssl);
    const bool server = SSL_is_server(ssl) == 1;

    (void)arg;
    if (conn == NULL)
        return server ? SSL_TLSEXT_ERR_ALERT_FATAL : 0;
    return server ? staple(ssl, conn) : judge_staple(ssl, conn);
}

/* ---- DTLS cookies ---- */

static int cookie_generate_trampoline(SSL *ssl, unsigned char *cookie, unsigned *cookie_len)
{
    OSL_CALLBACK_ENTER;
    pyossl_conn *conn = osl_conn_of(ssl);
    osl_auto(osl_closure) *closure = closure_of(conn, OSL_CB_COOKIE_GENERATE);
    size_t len = 0;
    pyossl_answer answer;

    if (closure == NULL)
        return 0;
    answer = osl_conn_answer(conn, ((pyossl_cookie_generate_cb)closure->call)(conn, cookie, PYOSSL_COOKIE_MAX,
                                                                    &len, closure->userdata));
    if (answer != PYOSSL_ANSWER_ACCEPT || len > PYOSSL_COOKIE_MAX)
        return 0;
    *cookie_len = (unsigned)len;
    return 1;
}

static int cookie_verify_trampoline(SSL *ssl, const unsigned char *cookie, unsigned cookie_len)
{
    OSL_CALLBACK_ENTER;
    pyossl_conn *conn = osl_conn_of(ssl);
    osl_auto(osl_closure) *closure = closure_of(conn, OSL_CB_COOKIE_VERIFY);
    pyossl_answer answer;

    if (closure == NULL)
        return 0;
    answer = osl_conn_answer(conn, ((pyossl_cookie_verify_cb)closure->call)(conn, cookie, cookie_len,
                                                                  closure->userdata));
    return answer == PYOSSL_ANSWER_ACCEPT;
}

/* ---- pointing OpenSSL here ---- */

void osl_callbacks_install(SSL_CTX *ssl_ctx, osl_closure *const *callbacks)
{
#define IF_SET(which, trampoline) (callbacks[which] != NULL ? (trampoline) : NULL)
    const bool ocsp =
        callbacks[OSL_CB_OCSP_SERVER] != NULL || callbacks[OSL_CB_OCSP_CLIENT] != NULL;

    SSL_CTX_set_verify(ssl_ctx, SSL_CTX_get_verify_mode(ssl_ctx),
                       IF_SET(OSL_CB_VERIFY, osl_verify_trampoline));
    SSL_CTX_set_cert_verify_callback(ssl_ctx, osl_judge_chain, NULL);
    SSL_CTX_set_client_hello_cb(ssl_ctx, osl_hello_trampoline, NULL);
    SSL_CTX_set_info_callback(ssl_ctx, IF_SET(OSL_CB_INFO, osl_info_trampoline));
    SSL_CTX_set_keylog_callback(ssl_ctx, IF_SET(OSL_CB_KEYLOG, keylog_trampoline));
    SSL_CTX_set_tlsext_servername_callback(ssl_ctx,
                                           IF_SET(OSL_CB_SERVERNAME, servername_trampoline));
    SSL_CTX_set_alpn_select_cb(ssl_ctx, IF_SET(OSL_CB_ALPN_SELECT, alpn_trampoline), NULL);
#if !defined(OPENSSL_NO_NEXTPROTONEG)
    SSL_CTX_set_next_protos_advertised_cb(
        ssl_ctx, IF_SET(OSL_CB_NPN_ADVERTISE, npn_advertise_trampoline), NULL);
    SSL_CTX_set_next_proto_select_cb(ssl_ctx, IF_SET(OSL_CB_NPN_SELECT, npn_select_trampoline),
                                     NULL);
#endif
    SSL_CTX_set_tlsext_status_cb(ssl_ctx, (ocsp ? ocsp_trampoline : NULL));
    SSL_CTX_set_cookie_generate_cb(ssl_ctx,
                                   IF_SET(OSL_CB_COOKIE_GENERATE, cookie_generate_trampoline));
    SSL_CTX_set_cookie_verify_cb(ssl_ctx, IF_SET(OSL_CB_COOKIE_VERIFY, cookie_verify_trampoline));
    SSL_CTX_sess_set_new_cb(ssl_ctx, new_session_trampoline);
    SSL_CTX_sess_set_get_cb(ssl_ctx, get_session_trampoline);
#undef IF_SET
}
