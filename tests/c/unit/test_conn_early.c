/* What the ClientHello depends on may be asked for until it is made. */
#include "pair.h"
#include "test.h"

#include "pyossl/callbacks.h"
#include "pyossl/info.h"
#include "ssl/tls.h"

static const int versions[] = { PAIR_TLS1_2, PAIR_TLS1_3, PAIR_DTLS1_2 };

/* What the client asks for in its information callback. */
typedef struct story {
    const char *hostname;    /* to verify, or NULL */
    int verify_mode;         /* or -1 */
    pyossl_session *session; /* or NULL */
    bool started, late;      /* these moments have been */
} story;

static const unsigned char h2[] = "\x02h2";

static void assert_late(pyossl_conn *conn, pyossl_session *session)
{
    assert_fails(pyossl_conn_set_servername(conn, "late", 4), PYOSSL_E_STATE);
    assert_fails(pyossl_conn_set_alpn_protos(conn, (const unsigned char *)"\x04late", 5),
                 PYOSSL_E_STATE);
    assert_fails(pyossl_conn_request_ocsp(conn), PYOSSL_E_STATE);
    if (session != NULL)
        assert_fails(pyossl_conn_set_session(conn, session), PYOSSL_E_STATE);
}

static void on_info(pyossl_conn *conn, int where, int ret, void *userdata)
{
    story *self = userdata;

    (void)ret;
    if (where != SSL_CB_HANDSHAKE_START) {
        assert_late(conn, self->session);
        self->late = true;
        return;
    }
    assert_false(self->started); /* there is one start */
    self->started = true;
    assert_int_equal(pyossl_conn_begun(conn), 1);
    assert_ok(pyossl_conn_set_servername(conn, "host.example.test", 17));
    assert_ok(pyossl_conn_set_alpn_protos(conn, h2, 3));
    assert_ok(pyossl_conn_request_ocsp(conn));
    if (self->hostname != NULL)
        assert_ok(pyossl_conn_set_verify_hostname(conn, self->hostname, strlen(self->hostname), 0));
    if (self->verify_mode >= 0)
        assert_ok(pyossl_conn_set_verify(conn, self->verify_mode, NULL, NULL, NULL));
    if (self->session != NULL)
        assert_ok(pyossl_conn_set_session(conn, self->session));
}

static void connect_told(pair *both, story *self)
{
    pair_connect(both, PAIR_MEMORY, 0);
    assert_ok(pyossl_conn_set_info(both->client, on_info, self, NULL));
}

static pyossl_answer choose(pyossl_conn *conn, const unsigned char *offered, size_t len,
                            unsigned char *selected, size_t *selected_len, void *userdata)
{
    (void)conn;
    (void)userdata;
    assert_int_equal(len, 3);
    assert_memory_equal(offered, h2, 3);
    memcpy(selected, "h2", 2);
    *selected_len = 2;
    return PYOSSL_ANSWER_ACCEPT;
}

static pyossl_answer staple(pyossl_conn *conn, pyossl_buf *response, void *userdata)
{
    (void)conn;
    (void)response;
    ++*(int *)userdata;
    return PYOSSL_ANSWER_DECLINE;
}

static void test_na_182_asked_for_at_the_start(void **state)
{
    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(versions); i++) {
        story self = { .hostname = "host.example.test", .verify_mode = -1 };
        const unsigned char *alpn;
        size_t alpn_len;
        int asked = 0;
        pair both;

        pair_contexts(&both, versions[i]);
        assert_ok(pyossl_ctx_set_alpn_select(both.server_ctx, choose, NULL, NULL));
        assert_ok(pyossl_ctx_set_ocsp_server(both.server_ctx, staple, &asked, NULL));
        connect_told(&both, &self);
        assert_ok(pair_handshake(&both));
        assert_true(self.started && self.late);
        assert_string_equal(pyossl_conn_servername(both.server), "host.example.test");
        assert_string_equal(pyossl_conn_servername(both.client), "host.example.test");
        alpn = pyossl_conn_alpn(both.client, &alpn_len);
        assert_int_equal(alpn_len, 2);
        assert_memory_equal(alpn, "h2", 2);
        assert_int_equal(asked, 1);
        pair_free(&both);
    }
}

/* It is the name of the start that is verified. */
static void test_na_182_another_host(void **state)
{
    story self = { .hostname = "other.example", .verify_mode = -1 };
    pair both;

    (void)state;
    pair_contexts(&both, PAIR_TLS1_3);
    connect_told(&both, &self);
    assert_ok(pyossl_conn_set_verify_hostname(both.client, "localhost", 9, 0));
    assert_status(pair_handshake(&both), PYOSSL_E_VERIFY);
    pair_free(&both);
}

/* ---- a session, and the judgement that it must have passed ---- */

static pyossl_session *establish(pair *both, int version, int verify_mode)
{
    pyossl_session *session = NULL;
    unsigned char byte;
    size_t done;

    pair_contexts(both, version);
    assert_ok(pyossl_ctx_set_verify(both->client_ctx, verify_mode, NULL, NULL, NULL));
    pair_connect(both, PAIR_MEMORY, 0);
    assert_ok(pyossl_conn_set_servername(both->client, "host.example.test", 17));
    assert_ok(pair_handshake(both));
    assert_status(pair_read(both, both->client, &byte, 1, &done), PYOSSL_WANT_READ);
    assert_ok(pyossl_conn_session(both->client, &session));
    pair_disconnect(both);
    return session;
}

static void test_na_182_a_session_given_at_the_start(void **state)
{
    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(versions); i++) {
        story self = { .verify_mode = -1 };
        pair both;

        self.session = establish(&both, versions[i], PYOSSL_VERIFY_PEER);
        connect_told(&both, &self);
        assert_ok(pair_handshake(&both));
        assert_int_equal(pyossl_conn_resumed(both.client), 1);
        pair_free(&both);
        pyossl_session_unref(self.session);
    }
}

/* What is asked for at the start a session that was given before has to satisfy too. */
static void test_na_182_a_session_is_judged_by_what_holds_in_the_end(void **state)
{
    static const struct {
        const char *hostname;
        int first_mode, verify_mode, resumed;
        pyossl_status status;
    } rows[] = {
        { NULL, PYOSSL_VERIFY_PEER, -1, 1, PYOSSL_OK },
        { "host.example.test", PYOSSL_VERIFY_PEER, -1, 0, PYOSSL_OK }, /* nobody asked for it */
        { "other.example", PYOSSL_VERIFY_PEER, -1, 0, PYOSSL_E_VERIFY },
        { NULL, PYOSSL_VERIFY_PEER, PYOSSL_VERIFY_PEER, 1, PYOSSL_OK },
        { NULL, PYOSSL_VERIFY_NONE, -1, 1, PYOSSL_OK },
        { "other.example", PYOSSL_VERIFY_NONE, PYOSSL_VERIFY_PEER, 0, PYOSSL_E_VERIFY },
    };

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(versions); i++) {
        for (size_t r = 0; r < OSL_COUNT_OF(rows); r++) {
            story self = { .hostname = rows[r].hostname, .verify_mode = rows[r].verify_mode };
            pyossl_session *session;
            pair both;

            session = establish(&both, versions[i], rows[r].first_mode);
            connect_told(&both, &self);
            assert_ok(pyossl_conn_set_session(both.client, session));
            assert_status(pair_handshake(&both), rows[r].status);
            assert_int_equal(pyossl_conn_resumed(both.client), rows[r].resumed);
            pair_free(&both);
            pyossl_session_unref(session);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_182_asked_for_at_the_start),
        cmocka_unit_test(test_na_182_another_host),
        cmocka_unit_test(test_na_182_a_session_given_at_the_start),
        cmocka_unit_test(test_na_182_a_session_is_judged_by_what_holds_in_the_end),
    };

    return cmocka_run_group_tests_name("conn_early", tests, NULL, NULL);
}
