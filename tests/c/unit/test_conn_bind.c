/* Which context a connection lives under, and which session it resumes. */
#include "pair.h"
#include "test.h"

#include "pyossl/callbacks.h"
#include "pyossl/info.h"
#include "pyossl/session.h"
#include "pyossl/x509.h"
#include "ssl/tls.h"

static pyossl_answer accept_all(pyossl_conn *conn, const pyossl_verify_event *event, void *userdata)
{
    (void)conn;
    (void)event;
    ++*(int *)userdata;
    return PYOSSL_ANSWER_ACCEPT;
}

/* What was asked of the connection survives that its SSL is made anew. */
static void test_follows_until_begun(void **state)
{
    static const unsigned char protos[] = "\x02h2\x08http/1.1";
    pair both;
    SSL *before;
    int verified = 0;

    (void)state;
    pair_contexts(&both, PAIR_TLS1_2);
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_ok(pyossl_conn_set_servername(both.client, "localhost", 9));
    assert_ok(pyossl_conn_set_alpn_protos(both.client, protos, sizeof protos - 1));
    assert_ok(pyossl_conn_set_options(both.client, SSL_OP_NO_TICKET));
    assert_ok(pyossl_conn_set_mode(both.client, SSL_MODE_SEND_FALLBACK_SCSV));
    assert_ok(pyossl_conn_clear_mode(both.client, SSL_MODE_SEND_FALLBACK_SCSV));
    assert_ok(pyossl_conn_clear_mode(both.client, SSL_MODE_ENABLE_PARTIAL_WRITE));
    assert_ok(pyossl_conn_set_verify_hostname(both.client, "localhost", 9, 0));
    assert_ok(pyossl_conn_set_verify(both.client, PYOSSL_VERIFY_PEER, accept_all, &verified, NULL));
    assert_ok(pyossl_conn_request_ocsp(both.client));
    assert_ok(pyossl_conn_set_shutdown_state(both.client, 2));
    before = both.client->ssl;

    assert_ok(pyossl_ctx_set_cipher_list(both.client_ctx, "ECDHE-ECDSA-AES256-GCM-SHA384"));
    assert_string_equal(pyossl_conn_cipher_at(both.client, 0), "TLS_AES_256_GCM_SHA384");
    assert_ptr_not_equal(both.client->ssl, before);
    assert_string_equal(pyossl_conn_servername(both.client), "localhost");
    assert_true(pyossl_conn_options(both.client) & SSL_OP_NO_TICKET);
    assert_false(pyossl_conn_mode(both.client) & SSL_MODE_SEND_FALLBACK_SCSV);
    assert_false(pyossl_conn_mode(both.client) & SSL_MODE_ENABLE_PARTIAL_WRITE);
    assert_true(pyossl_conn_mode(both.client) & SSL_MODE_AUTO_RETRY);
    assert_int_equal(pyossl_conn_verify_mode(both.client), PYOSSL_VERIFY_PEER);
    assert_int_equal(pyossl_conn_shutdown_state(both.client), 2);
    assert_int_equal(pyossl_conn_is_server(both.client), 0);
    assert_ptr_equal(SSL_get_rbio(both.client->ssl), SSL_get_wbio(both.client->ssl));
    assert_ok(pyossl_conn_set_shutdown_state(both.client, 0));
    assert_ok(pair_handshake(&both));
    assert_string_equal(pyossl_conn_cipher_name(both.client), "ECDHE-ECDSA-AES256-GCM-SHA384");
    assert_true(verified > 0);
    assert_string_equal(pyossl_conn_servername(both.server), "localhost");

    /* Begun: the context goes on alone. */
    before = both.client->ssl;
    assert_ok(pyossl_ctx_set_cipher_list(both.client_ctx, "ECDHE-ECDSA-AES128-GCM-SHA256"));
    assert_ok(pyossl_ctx_set_verify(both.client_ctx, PYOSSL_VERIFY_NONE, NULL, NULL, NULL));
    assert_int_equal(pyossl_conn_verify_mode(both.client), PYOSSL_VERIFY_PEER);
    assert_ptr_equal(both.client->ssl, before);
    pair_send(&both, both.client, both.server, "still", 5);
    pair_free(&both);
}

/* ---- changing contexts ---- */

static void told(pyossl_conn *conn, int where, int ret, void *userdata)
{
    (void)conn;
    (void)where;
    (void)ret;
    ++*(int *)userdata;
}

static pyossl_x509 *load_cert(const char *path)
{
    osl_auto_buf pem = PYOSSL_BUF_INIT;
    pyossl_x509 *cert = NULL;

    assert_ok(osl_file_read(path, OSL_FILE_MAX, &pem));
    assert_ok(pyossl_x509_load(&cert, PYOSSL_PEM, pem.data, pem.len));
    return cert;
}

static pyossl_answer change_to(pyossl_conn *conn, void *userdata)
{
    assert_ok(pyossl_conn_set_ctx(conn, userdata));
    assert_ptr_equal(pyossl_conn_ctx(conn), userdata);
    return PYOSSL_ANSWER_ACCEPT;
}

static pyossl_answer select_first(pyossl_conn *conn, const unsigned char *offered,
                                  size_t offered_len, unsigned char *selected, size_t *selected_len,
                                  void *userdata)
{
    (void)conn;
    assert_true(offered_len > offered[0]);
    ++*(int *)userdata;
    memcpy(selected, offered + 1, offered[0]);
    *selected_len = offered[0];
    return PYOSSL_ANSWER_ACCEPT;
}

/* What moves to another context inside a handshake, and what stays. */
static void na_062(int version)
{
    static const unsigned char protos[] = "\x02h2";
    const unsigned char *chosen;
    int old_alpn = 0, new_alpn = 0, old_info = 0, new_info = 0, old_verify = 0, new_verify = 0;
    pyossl_ctx *other = NULL;
    osl_auto(pyossl_x509) *cert = load_cert(DATA("server.pem"));
    osl_auto(pyossl_x509) *got = NULL;
    pyossl_x509 *middle = load_cert(DATA("intermediate.pem"));
    size_t len;
    pair both;

    pair_contexts(&both, version);
    assert_ok(pyossl_ctx_new(&other, PYOSSL_TLS));
    assert_ok(pyossl_ctx_use_certificate(other, cert));
    assert_ok(pyossl_ctx_use_pkey_file(other, DATA("rsa.pem"), PYOSSL_PEM));
    assert_ok(pyossl_ctx_add_extra_chain_cert(other, middle));
    pyossl_x509_unref(middle);
    assert_ok(pyossl_ctx_set_servername(both.server_ctx, change_to, other, NULL));
    assert_ok(pyossl_ctx_set_alpn_select(both.server_ctx, select_first, &old_alpn, NULL));
    assert_ok(pyossl_ctx_set_alpn_select(other, select_first, &new_alpn, NULL));
    assert_ok(pyossl_ctx_set_info(both.server_ctx, told, &old_info, NULL));
    assert_ok(pyossl_ctx_set_info(other, told, &new_info, NULL));
    assert_ok(
        pyossl_ctx_set_verify(both.server_ctx, PYOSSL_VERIFY_PEER, accept_all, &old_verify, NULL));
    assert_ok(pyossl_ctx_set_verify(other, PYOSSL_VERIFY_NONE, accept_all, &new_verify, NULL));
    assert_ok(pyossl_ctx_set_options(other, SSL_OP_NO_TICKET));
    assert_ok(pyossl_ctx_set_num_tickets(other, 0));
    assert_ok(pyossl_ctx_use_certificate_file(both.client_ctx, DATA("client.pem"), PYOSSL_PEM));
    assert_ok(pyossl_ctx_use_pkey_file(both.client_ctx, DATA("client-key.pem"), PYOSSL_PEM));
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_ok(pyossl_conn_set_alpn_protos(both.client, protos, 3));
    assert_ok(pair_handshake(&both));

    assert_ptr_equal(pyossl_conn_ctx(both.server), other);
    assert_ok(pyossl_conn_peer_certificate(both.client, &got)); /* the certificate moves */
    assert_int_equal(X509_cmp(osl_x509_full(got), osl_x509_full(cert)), 0);
    assert_int_equal(new_alpn, 1); /* ALPN moves */
    assert_int_equal(old_alpn, 0);
    chosen = pyossl_conn_alpn(both.client, &len);
    assert_int_equal(len, 2);
    assert_memory_equal(chosen, "h2", 2);
    assert_true(new_info > 0 && old_info > 0); /* information moves half way */
    assert_true(old_verify > 0);               /* verification stays */
    assert_int_equal(new_verify, 0);
    assert_int_equal(pyossl_conn_verify_mode(both.server), PYOSSL_VERIFY_PEER);
    assert_false(pyossl_conn_options(both.server) & SSL_OP_NO_TICKET); /* options stay */
    assert_int_equal(SSL_get_num_tickets(both.server->ssl), 0);        /* tickets move */
    pair_send(&both, both.server, both.client, "x", 1);
    pyossl_ctx_unref(other);
    pair_free(&both);
}

static void test_na_062_set_ctx_in_a_handshake(void **state)
{
    (void)state;
    na_062(PAIR_TLS1_2);
    na_062(PAIR_TLS1_3);
}

static void test_set_ctx_before_the_handshake(void **state)
{
    pyossl_ctx *other = NULL, *dtls = NULL;
    pair both;

    (void)state;
    pair_contexts(&both, PAIR_TLS1_2);
    assert_ok(pyossl_ctx_new(&other, PYOSSL_TLS));
    assert_ok(pyossl_ctx_new(&dtls, PYOSSL_DTLS));
    assert_ok(pyossl_ctx_set_verify(other, PYOSSL_VERIFY_NONE, NULL, NULL, NULL));
    assert_ok(pyossl_ctx_set_max_version(other, PAIR_TLS1_2));
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_ok(pyossl_conn_set_servername(both.client, "kept.example", 12));
    assert_fails(pyossl_conn_set_ctx(both.client, dtls), PYOSSL_E_ARGUMENT);
    assert_ptr_equal(pyossl_conn_ctx(both.client), both.client_ctx);
    assert_ok(pyossl_conn_set_ctx(both.client, other));
    assert_ok(pyossl_conn_set_ctx(both.client, other));
    assert_ptr_equal(pyossl_conn_ctx(both.client), other);
    assert_int_equal(pyossl_conn_verify_mode(both.client), PYOSSL_VERIFY_NONE);
    assert_string_equal(pyossl_conn_servername(both.client), "kept.example");
    pyossl_ctx_unref(other);
    pyossl_ctx_unref(dtls);
    assert_ok(pair_handshake(&both));
    pair_free(&both);
}

/* ---- sessions ---- */

static pyossl_session *session_of(pair *both)
{
    pyossl_session *session = NULL;
    unsigned char byte;
    size_t done;

    pair_send(both, both->server, both->client, "x", 1); /* the tickets come before it */
    assert_status(pair_read(both, both->client, &byte, 1, &done), PYOSSL_WANT_READ);
    assert_ok(pyossl_conn_session(both->client, &session));
    return session;
}

static int resumes(pair *both, pyossl_session *session)
{
    pair_connect(both, PAIR_MEMORY, 0);
    assert_ok(pyossl_conn_set_session(both->client, session));
    assert_ok(pair_handshake(both));
    return pyossl_conn_resumed(both->client);
}

static void test_na_100_sessions_survive_their_connection(void **state)
{
    static const int versions[] = { PAIR_TLS1_2, PAIR_TLS1_3 };
    pyossl_session *session;
    pair both;

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(versions); i++) {
        pair_establish(&both, versions[i], PAIR_MEMORY, 0);
        session = session_of(&both);
        pair_disconnect(&both); /* without a close alert */
        assert_true(resumes(&both, session));
        assert_int_equal(pyossl_conn_resumed(both.server), 1);
        pair_disconnect(&both);
        /* The context may change in between. */
        assert_ok(pyossl_ctx_set_timeout(both.client_ctx, 1000));
        assert_true(resumes(&both, session));
        pyossl_session_unref(session);
        pair_free(&both);
    }
}

static void test_na_096_session_of_another_context(void **state)
{
    pyossl_session *session;
    pair one, two;

    (void)state;
    pair_establish(&one, PAIR_TLS1_2, PAIR_MEMORY, 0);
    session = session_of(&one);
    pair_contexts(&two, PAIR_TLS1_2);
    pair_connect(&two, PAIR_MEMORY, 0);
    assert_fails(pyossl_conn_set_session(two.client, session), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_conn_set_session(one.client, session), PYOSSL_E_STATE);
    /* A session given is forgotten with its context. */
    pair_disconnect(&one);
    pair_connect(&one, PAIR_MEMORY, 0);
    assert_ok(pyossl_conn_set_session(one.client, session));
    assert_ok(pyossl_conn_set_ctx(one.client, two.client_ctx));
    assert_ok(pair_handshake(&one));
    assert_false(pyossl_conn_resumed(one.client));
    pyossl_session_unref(session);
    pair_free(&one);
    pair_free(&two);
}

static void test_na_097_weaker_sessions_do_not_resume(void **state)
{
    static const int versions[] = { PAIR_TLS1_2, PAIR_TLS1_3 };
    pyossl_session *session;
    int verified = 0;
    pair both;

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(versions); i++) {
        pair_contexts(&both, versions[i]);
        /* Made by who does not trust the peer, and does not mind. */
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_ok(
            pyossl_conn_set_verify(both.client, PYOSSL_VERIFY_PEER, accept_all, &verified, NULL));
        assert_ok(pair_handshake(&both));
        session = session_of(&both);
        pair_disconnect(&both);
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_ok(pyossl_conn_set_session(both.client, session));
        assert_ok(pyossl_conn_set_verify_hostname(both.client, "localhost", 9, 0));
        assert_ok(pair_handshake(&both));
        assert_false(pyossl_conn_resumed(both.client));
        pair_disconnect(&both);
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_ok(pyossl_conn_set_session(both.client, session));
        assert_ok(pyossl_conn_set_verify_hostname(both.client, "elsewhere.example", 17, 0));
        assert_status(pair_handshake(&both), PYOSSL_E_VERIFY);
        pyossl_session_unref(session);
        pair_free(&both);
    }
}

/* ---- before anything has been sent ---- */

/* The host that OpenSSL compares the peer's certificate with. */
static const char *host_of(const pyossl_conn *conn)
{
    return X509_VERIFY_PARAM_get0_host(SSL_get0_param(conn->ssl), 0);
}

/* What needs a handshake that is over, and what only says that one is to come. */
static pyossl_status poke(pyossl_conn *conn, unsigned which)
{
    size_t done;
    int complete;

    switch (which) {
    case 0:
        return pyossl_conn_renegotiate(conn);
    case 1:
        return pyossl_conn_key_update(conn, 0);
    case 2:
        return pyossl_conn_verify_client_post_handshake(conn);
    case 3:
        return pyossl_conn_shutdown(conn, &complete);
    case 4:
        assert_ok(pyossl_conn_set_shutdown_state(conn, SSL_SENT_SHUTDOWN));
        assert_true(pyossl_conn_write(conn, "x", 1, &done) != PYOSSL_OK);
        return pyossl_conn_set_shutdown_state(conn, 0) == PYOSSL_OK ? PYOSSL_E_STATE : PYOSSL_OK;
    default:
        return pyossl_conn_begin(conn);
    }
}

enum { POKES = 6, BEGIN = 5 };

static void test_na_254_what_begins_nothing(void **state)
{
    (void)state;
    for (unsigned which = 0; which < POKES; which++) {
        osl_auto(pyossl_ctx) *strict = NULL;
        pyossl_session *session;
        pair both;

        pair_establish(&both, PAIR_TLS1_2, PAIR_MEMORY, 0);
        session = session_of(&both);
        pair_disconnect(&both);
        assert_ok(pyossl_ctx_new(&strict, PYOSSL_TLS));
        assert_ok(pyossl_ctx_set_verify(strict, PYOSSL_VERIFY_PEER, NULL, NULL, NULL));
        assert_ok(pyossl_ctx_set_verify_hostname(strict, "bank.example", 12, 0));
        assert_ok(pyossl_ctx_set_verify(both.client_ctx, PYOSSL_VERIFY_NONE, NULL, NULL, NULL));
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_ok(pyossl_conn_set_session(both.client, session));

        assert_int_equal(poke(both.client, which) == PYOSSL_OK, which == BEGIN);
        assert_int_equal(pyossl_conn_begun(both.client), which == BEGIN);
        if (which != BEGIN) { /* its own context is followed, too */
            assert_ok(pyossl_ctx_set_verify(both.client_ctx, PYOSSL_VERIFY_PEER, NULL, NULL, NULL));
            assert_int_equal(pyossl_conn_verify_mode(both.client), PYOSSL_VERIFY_PEER);
            assert_ok(pyossl_ctx_set_verify(both.client_ctx, PYOSSL_VERIFY_NONE, NULL, NULL, NULL));
        }
        assert_ok(pyossl_conn_set_ctx(both.client, strict));
        assert_int_equal(pyossl_conn_verify_mode(both.client), PYOSSL_VERIFY_PEER);
        assert_string_equal(host_of(both.client), "bank.example");
        assert_null(both.client->settings.session);
        assert_status(pair_handshake(&both), PYOSSL_E_VERIFY);
        pyossl_session_unref(session);
        pair_free(&both);
    }
}

/* Asked for before the context changes, and the same as that context's: it stays asked for. */
static void test_na_254_what_was_asked_for_stays(void **state)
{
    pair both, other;

    (void)state;
    pair_contexts(&both, PAIR_TLS1_3);
    pair_contexts(&other, PAIR_TLS1_3);
    assert_ok(pyossl_ctx_set_verify_hostname(both.client_ctx, "bank.example", 12, 0));
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_ok(pyossl_conn_begin(both.client));
    assert_ok(pyossl_conn_set_verify_hostname(both.client, "bank.example", 12, 0));
    assert_ok(pyossl_conn_set_ctx(both.client, other.client_ctx));
    assert_string_equal(host_of(both.client), "bank.example");
    assert_status(pair_handshake(&both), PYOSSL_E_VERIFY);
    pair_free(&both);
    pair_free(&other);
}

/* ---- whom the peer must be, after a move in or behind a handshake ---- */

typedef struct judged {
    pyossl_ctx *to;
    const char *before; /* whom the peer had to be, or NULL for anybody */
    unsigned asked;
} judged;

/* What the context says that was moved to is in force nowhere, and is no reason to say yes. */
static pyossl_answer move_and_ask(pyossl_conn *conn, void *userdata)
{
    judged *self = userdata;

    assert_ok(pyossl_conn_set_ctx(conn, self->to));
    assert_fails(pyossl_conn_set_verify_hostname(conn, "admin.example", 13, 0), PYOSSL_E_STATE);
    assert_fails(pyossl_conn_set_verify_ip(conn, "192.0.2.1", 9), PYOSSL_E_STATE);
    if (self->before != NULL) {
        assert_ok(pyossl_conn_set_verify_hostname(conn, self->before, strlen(self->before), 0));
        assert_fails(pyossl_conn_set_verify_hostname(conn, NULL, 0, 0), PYOSSL_E_STATE);
        assert_string_equal(host_of(conn), self->before);
    } else {
        assert_ok(pyossl_conn_set_verify_hostname(conn, NULL, 0, 0));
        assert_null(host_of(conn));
    }
    self->asked++;
    return PYOSSL_ANSWER_ACCEPT;
}

static void na_253(int version, const char *before, bool by_ip, bool in_callback)
{
    osl_auto(pyossl_ctx) *other = NULL;
    judged self = { NULL, before, 0 };
    pair both, second;

    pair_contexts(&both, version);
    pair_contexts(&second, version);
    other = pyossl_ctx_ref(second.server_ctx);
    self.to = other;
    if (by_ip)
        assert_ok(pyossl_ctx_set_verify_ip(other, "192.0.2.1", 9));
    else
        assert_ok(pyossl_ctx_set_verify_hostname(other, "admin.example", 13, 0));
    if (before != NULL)
        assert_ok(pyossl_ctx_set_verify_hostname(both.server_ctx, before, strlen(before), 0));
    if (in_callback)
        assert_ok(pyossl_ctx_set_servername(both.server_ctx, move_and_ask, &self, NULL));
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_ok(pyossl_conn_set_servername(both.client, "localhost", 9));
    (void)!pair_handshake(&both); /* ended by what was refused in a callback */
    if (!in_callback) {
        assert_int_equal(pyossl_conn_established(both.server), 1);
        assert_int_equal(move_and_ask(both.server, &self), PYOSSL_ANSWER_ACCEPT);
    }
    assert_int_equal(self.asked, 1);
    pair_free(&both);
    pair_free(&second);
}

static void test_na_253_whom_the_peer_must_be(void **state)
{
    static const int versions[] = { PAIR_TLS1_2, PAIR_TLS1_3 };

    (void)state;
    for (size_t v = 0; v < OSL_COUNT_OF(versions); v++) {
        for (unsigned bits = 0; bits < 8; bits++)
            na_253(versions[v], bits & 1 ? "old.example" : NULL, bits & 2, bits & 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_follows_until_begun),
        cmocka_unit_test(test_na_062_set_ctx_in_a_handshake),
        cmocka_unit_test(test_set_ctx_before_the_handshake),
        cmocka_unit_test(test_na_100_sessions_survive_their_connection),
        cmocka_unit_test(test_na_096_session_of_another_context),
        cmocka_unit_test(test_na_097_weaker_sessions_do_not_resume),
        cmocka_unit_test(test_na_254_what_begins_nothing),
        cmocka_unit_test(test_na_254_what_was_asked_for_stays),
        cmocka_unit_test(test_na_253_whom_the_peer_must_be),
    };

    return cmocka_run_group_tests_name("conn_bind", tests, NULL, NULL);
}
