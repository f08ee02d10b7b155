/* Sessions: taking, keeping, resuming, and when not to resume. */
#include "test.h"

#include <pthread.h>
#include <time.h>

#include "pair.h"
#include "ssl/ctx_change.h"

static const int versions[] = { PAIR_TLS1_2, PAIR_TLS1_3 };

/* Let the client read what came behind the handshake: under TLS 1.3 the tickets. */
static void read_tickets(pair *both)
{
    unsigned char byte;
    size_t done;

    assert_status(pair_read(both, both->client, &byte, 1, &done), PYOSSL_WANT_READ);
}

static pyossl_session *session_of(pyossl_conn *conn)
{
    pyossl_session *session = NULL;

    assert_ok(pyossl_conn_session(conn, &session));
    return session;
}

/* A handshake on new connections of the same contexts. */
static pyossl_status again(pair *both, pyossl_session *session)
{
    pair_disconnect(both);
    pair_connect(both, PAIR_MEMORY, 0);
    if (session != NULL)
        assert_ok(pyossl_conn_set_session(both->client, session));
    return pair_handshake(both);
}

static void assert_resumes(pair *both, pyossl_session *session, int resumed)
{
    assert_ok(again(both, session));
    assert_int_equal(pyossl_conn_resumed(both->client), resumed);
    assert_int_equal(pyossl_conn_resumed(both->server), resumed);
    read_tickets(both);
}

static pyossl_session *established(pair *both, int version)
{
    pair_establish(both, version, PAIR_MEMORY, 0);
    read_tickets(both);
    return session_of(both->client);
}

/* ---- taking ---- */

static void test_na_099_when_there_is_a_session(void **state)
{
    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(versions); i++) {
        pyossl_session *session = NULL;
        pair both;

        pair_contexts(&both, versions[i]);
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_fails(pyossl_conn_session(both.client, &session), PYOSSL_E_NOT_FOUND);
        assert_null(session);
        assert_ok(pair_handshake(&both));
        session = session_of(both.client);
        /* Under TLS 1.3 the ticket comes later. */
        assert_int_equal(pyossl_session_resumable(session), versions[i] == PAIR_TLS1_2);
        pyossl_session_unref(session);
        read_tickets(&both);
        session = session_of(both.client);
        assert_int_equal(pyossl_session_resumable(session), 1);
        pyossl_session_unref(session);
        pair_free(&both);
    }
}

static void test_getters(void **state)
{
    pair both;
    pyossl_session *session = established(&both, PAIR_TLS1_3);
    const int64_t now = (int64_t)time(NULL);

    (void)state;
    assert_ptr_equal(pyossl_session_ctx(session), both.client_ctx);
    assert_true(pyossl_session_time(session) <= now && pyossl_session_time(session) > now - 60);
    assert_true(pyossl_session_timeout(session) > 0);
    assert_ptr_equal(pyossl_session_ref(session), session);
    pyossl_session_unref(session);
    /* It keeps its context. */
    pair_free(&both);
    assert_int_equal(pyossl_ctx_verify_mode(pyossl_session_ctx(session)), PYOSSL_VERIFY_PEER);
    pyossl_session_unref(session);
    pyossl_session_unref(NULL);
}

static void test_na_100_a_session_outlives_a_dropped_connection(void **state)
{
    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(versions); i++) {
        pair both;
        pyossl_session *session = established(&both, versions[i]);

        /* Again and again, and each time the connection just goes away. */
        for (int n = 0; n < 3; n++) {
            assert_resumes(&both, session, 1);
            assert_int_equal(pyossl_session_resumable(session), 1);
        }
        pair_free(&both);
        pyossl_session_unref(session);
    }
}

static void test_a_session_survives_a_failed_resumption(void **state)
{
    pair both;
    pyossl_session *session = established(&both, PAIR_TLS1_2);
    size_t done;

    (void)state;
    pair_disconnect(&both);
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_ok(pyossl_conn_set_session(both.client, session));
    assert_status(pyossl_conn_handshake(both.client), PYOSSL_WANT_READ);
    assert_ok(pyossl_conn_feed(both.client, "HTTP/1.0 400 Bad Request\r\n", 26, &done));
    assert_fails(pyossl_conn_handshake(both.client), PYOSSL_E_OPENSSL);
    assert_int_equal(pyossl_session_resumable(session), 1);
    assert_resumes(&both, session, 1);
    pair_free(&both);
    pyossl_session_unref(session);
}

/* ---- the callback ---- */

typedef struct told {
    pyossl_session *last;
    pyossl_conn *conn;
    int times;
} told;

static void on_session(pyossl_conn *conn, pyossl_session *session, void *userdata)
{
    told *story = userdata;

    story->times++;
    story->conn = conn;
    pyossl_session_unref(story->last);
    story->last = pyossl_session_ref(session);
}

static void test_na_051_the_callback_gives_sessions_to_keep(void **state)
{
    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(versions); i++) {
        told story = { NULL, NULL, 0 };
        pair both;

        pair_contexts(&both, versions[i]);
        assert_ok(pyossl_ctx_set_new_session(both.client_ctx, on_session, &story, NULL));
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_ok(pair_handshake(&both));
        read_tickets(&both);
        assert_int_equal(story.times, versions[i] == PAIR_TLS1_3 ? 2 : 1);
        assert_ptr_equal(story.conn, both.client);
        assert_ptr_equal(pyossl_session_ctx(story.last), both.client_ctx);
        assert_int_equal(pyossl_session_resumable(story.last), 1);
        assert_resumes(&both, story.last, 1);
        pair_free(&both);
        pyossl_session_unref(story.last);
    }
}

/* ---- writing down ---- */

static void test_dump_and_load(void **state)
{
    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(versions); i++) {
        osl_auto_buf der = PYOSSL_BUF_INIT, same = PYOSSL_BUF_INIT;
        pyossl_session *loaded = NULL;
        pyossl_ctx *client_ctx;
        pair both, other;
        pyossl_session *session = established(&both, versions[i]);

        assert_ok(pyossl_session_dump(session, &der));
        assert_ok(pyossl_session_load(&loaded, both.client_ctx, der.data, der.len));
        assert_ok(pyossl_session_dump(loaded, &same));
        assert_int_equal(same.len, der.len);
        assert_memory_equal(same.data, der.data, der.len);
        assert_ptr_equal(pyossl_session_ctx(loaded), both.client_ctx);
        assert_resumes(&both, loaded, 1);
        pyossl_session_unref(loaded);

        /* Another process has another context, which asks the same. */
        pair_disconnect(&both);
        pair_contexts(&other, versions[i]);
        client_ctx = both.client_ctx;
        both.client_ctx = other.client_ctx;
        assert_ok(pyossl_session_load(&loaded, both.client_ctx, der.data, der.len));
        assert_resumes(&both, loaded, 1);
        pyossl_session_unref(loaded);
        other.client_ctx = client_ctx;

        pyossl_session_unref(session);
        pair_free(&both);
        pair_free(&other);
    }
}

static void test_na_041_what_is_no_session(void **state)
{
    osl_auto_buf der = PYOSSL_BUF_INIT;
    pyossl_session *out = NULL;
    pair both;
    pyossl_session *session = established(&both, PAIR_TLS1_3);
    unsigned char *longer;

    (void)state;
    assert_ok(pyossl_session_dump(session, &der));
    for (size_t len = 0; len < der.len; len++)
        assert_fails(pyossl_session_load(&out, both.client_ctx, der.data, len), PYOSSL_E_FORMAT);
    assert_fails(pyossl_session_load(&out, both.client_ctx, NULL, 0), PYOSSL_E_FORMAT);
    assert_fails(pyossl_session_load(&out, both.client_ctx, "\x30\x03\x02\x01\x01", 5),
                 PYOSSL_E_FORMAT);
    assert_fails(pyossl_session_load(&out, both.client_ctx, "-----BEGIN", 10), PYOSSL_E_FORMAT);
    longer = osl_memdup(der.data, der.len);
    assert_fails(pyossl_session_load(&out, both.client_ctx, longer, der.len + 1), PYOSSL_E_FORMAT);
    OPENSSL_free(longer);
    assert_null(out);
    pyossl_session_unref(session);
    pair_free(&both);
}

/* ---- when not to resume ---- */

static void test_na_096_another_context(void **state)
{
    pair both, other;
    pyossl_session *session = established(&both, PAIR_TLS1_3);

    (void)state;
    pair_contexts(&other, PAIR_TLS1_3);
    pair_connect(&other, PAIR_MEMORY, 0);
    assert_fails(pyossl_conn_set_session(other.client, session), PYOSSL_E_ARGUMENT);
    assert_ok(pair_handshake(&other));
    assert_int_equal(pyossl_conn_resumed(other.client), 0);
    pair_free(&other);
    pair_free(&both);
    pyossl_session_unref(session);
}

/* The session was made without judging the peer, whom we would not accept. */
static void test_na_097_a_session_of_a_peer_nobody_judged(void **state)
{
    static const char expired[] = DATA("expired.pem");

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(versions); i++) {
        pyossl_session *session;
        pair both;

        pair_contexts(&both, versions[i]);
        pyossl_ctx_unref(both.server_ctx);
        assert_ok(pyossl_ctx_new(&both.server_ctx, PYOSSL_TLS));
        assert_ok(pyossl_ctx_use_certificate_file(both.server_ctx, expired, PYOSSL_PEM));
        assert_ok(pyossl_ctx_use_pkey_file(both.server_ctx, DATA("rsa.pem"), PYOSSL_PEM));
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_ok(pyossl_conn_set_verify(both.client, PYOSSL_VERIFY_NONE, NULL, NULL, NULL));
        assert_ok(pair_handshake(&both));
        read_tickets(&both);
        session = session_of(both.client);
        assert_int_equal(pyossl_session_resumable(session), 1);

        assert_fails(again(&both, session), PYOSSL_E_VERIFY);
        assert_int_equal(pyossl_conn_resumed(both.client), 0);

        /* Who does not judge may resume, and is told the truth. */
        pair_disconnect(&both);
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_ok(pyossl_conn_set_verify(both.client, PYOSSL_VERIFY_NONE, NULL, NULL, NULL));
        assert_ok(pyossl_conn_set_session(both.client, session));
        assert_ok(pair_handshake(&both));
        assert_int_equal(pyossl_conn_resumed(both.client), 1);
        assert_int_not_equal(pyossl_conn_verify_result(both.client), X509_V_OK);
        pair_free(&both);
        pyossl_session_unref(session);
    }
}

static void test_na_097_a_session_with_another_host(void **state)
{
    static const struct {
        const char *name;
        pyossl_status status;
        int resumed;
    } rows[] = {
        { "localhost", PYOSSL_OK, 1 },
        { "LOCALHOST", PYOSSL_OK, 1 },
        { "other.example.test", PYOSSL_OK, 0 }, /* the certificate is for that one too */
        { "127.0.0.1", PYOSSL_OK, 0 },
        { "other.test", PYOSSL_E_VERIFY, 0 },
        { "127.0.0.2", PYOSSL_E_VERIFY, 0 },
    };

    (void)state;
    for (size_t v = 0; v < OSL_COUNT_OF(versions); v++) {
        pyossl_session *session;
        pair both;

        pair_contexts(&both, versions[v]);
        assert_ok(pyossl_ctx_set_verify_hostname(both.client_ctx, "localhost", 9, 0));
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_ok(pair_handshake(&both));
        read_tickets(&both);
        session = session_of(both.client);
        for (size_t i = 0; i < OSL_COUNT_OF(rows); i++) {
            pair_disconnect(&both);
            pair_connect(&both, PAIR_MEMORY, 0);
            assert_ok(pyossl_conn_set_verify_hostname(both.client, rows[i].name,
                                                      strlen(rows[i].name), 0));
            assert_ok(pyossl_conn_set_session(both.client, session));
            assert_status(pair_handshake(&both), rows[i].status);
            assert_int_equal(pyossl_conn_resumed(both.client), rows[i].resumed);
        }
        pair_free(&both);
        pyossl_session_unref(session);
    }
}

/* ---- servers ---- */

static void judge_clients(pair *both)
{
    assert_ok(pyossl_ctx_load_verify_locations(both->server_ctx, DATA("root.pem"), NULL));
    assert_ok(pyossl_ctx_load_verify_locations(both->server_ctx, DATA("intermediate.pem"), NULL));
    assert_ok(pyossl_ctx_set_verify(both->server_ctx,
                                    PYOSSL_VERIFY_PEER | PYOSSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL,
                                    NULL, NULL));
    assert_ok(pyossl_ctx_use_certificate_file(both->client_ctx, DATA("client.pem"), PYOSSL_PEM));
    assert_ok(pyossl_ctx_use_pkey_file(both->client_ctx, DATA("client-key.pem"), PYOSSL_PEM));
}

static void test_na_098_a_server_that_judges_clients_resumes(void **state)
{
    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(versions); i++) {
        pyossl_session *session;
        pyossl_x509 *cert = NULL;
        pair both;

        pair_contexts(&both, versions[i]);
        judge_clients(&both);
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_ok(pair_handshake(&both));
        read_tickets(&both);
        session = session_of(both.client);
        assert_resumes(&both, session, 1);
        assert_ok(pyossl_conn_peer_certificate(both.server, &cert));
        pyossl_x509_unref(cert);

        /* A server with another name does not take it, and nothing breaks. */
        assert_ok(pyossl_ctx_set_session_id(both.server_ctx, "another", 7));
        assert_resumes(&both, session, 0);
        pair_free(&both);
        pyossl_session_unref(session);
    }
}

static void test_a_renamed_client_does_not_resume(void **state)
{
    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(versions); i++) {
        pair both;
        pyossl_session *session = established(&both, versions[i]);

        assert_ok(pyossl_ctx_set_session_id(both.client_ctx, "another", 7));
        assert_resumes(&both, session, 0);
        pair_free(&both);
        pyossl_session_unref(session);
    }
}

static void test_tickets_outlast_a_change_of_the_context(void **state)
{
    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(versions); i++) {
        pair both;
        pyossl_session *session = established(&both, versions[i]);
        const osl_generation *before = both.server->generation;

        assert_ok(pyossl_ctx_set_options(both.server_ctx, SSL_OP_CIPHER_SERVER_PREFERENCE));
        assert_ok(pyossl_ctx_set_timeout(both.client_ctx, 1000));
        assert_false(osl_ctx_is_current(both.server_ctx, before));
        assert_resumes(&both, session, 1);
        pair_free(&both);
        pyossl_session_unref(session);
    }
}

/* ---- several threads ---- */

typedef struct shared_session {
    pyossl_session *session;
    atomic_int wrong;
} shared_session;

static void *session_thread(void *arg)
{
    shared_session *shared = arg;

    for (int i = 0; i < 200; i++) {
        pyossl_session *mine = pyossl_session_ref(shared->session);
        pyossl_conn *conn = NULL;
        pyossl_buf der = PYOSSL_BUF_INIT;

        if (pyossl_conn_new(&conn, pyossl_session_ctx(mine)) != PYOSSL_OK ||
            pyossl_conn_set_role(conn, PYOSSL_CLIENT) != PYOSSL_OK ||
            osl_scope_begin(conn) != PYOSSL_OK || osl_session_offer(mine, conn) != PYOSSL_OK ||
            SSL_get0_session(conn->ssl) == NULL || pyossl_session_dump(mine, &der) != PYOSSL_OK ||
            pyossl_session_resumable(mine) != 1)
            atomic_fetch_add(&shared->wrong, 1);
        pyossl_buf_clear(&der);
        pyossl_conn_unref(conn);
        pyossl_session_unref(mine);
    }
    return NULL;
}

static void test_na_102_sixteen_threads_share_a_session(void **state)
{
    pair both;
    shared_session shared = { .session = established(&both, PAIR_TLS1_3) };
    pthread_t threads[16];

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, session_thread, &shared), 0);
    for (size_t i = 0; i < OSL_COUNT_OF(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&shared.wrong), 0);
    assert_resumes(&both, shared.session, 1);
    pair_free(&both);
    pyossl_session_unref(shared.session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_099_when_there_is_a_session),
        cmocka_unit_test(test_getters),
        cmocka_unit_test(test_na_100_a_session_outlives_a_dropped_connection),
        cmocka_unit_test(test_a_session_survives_a_failed_resumption),
        cmocka_unit_test(test_na_051_the_callback_gives_sessions_to_keep),
        cmocka_unit_test(test_dump_and_load),
        cmocka_unit_test(test_na_041_what_is_no_session),
        cmocka_unit_test(test_na_096_another_context),
        cmocka_unit_test(test_na_097_a_session_of_a_peer_nobody_judged),
        cmocka_unit_test(test_na_097_a_session_with_another_host),
        cmocka_unit_test(test_na_098_a_server_that_judges_clients_resumes),
        cmocka_unit_test(test_a_renamed_client_does_not_resume),
        cmocka_unit_test(test_tickets_outlast_a_change_of_the_context),
        cmocka_unit_test(test_na_102_sixteen_threads_share_a_session),
    };

    return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
