/* What is said of a connection that failed: which certificate, what to do, and the first reason. */
#include "pair.h"
#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pyossl/callbacks.h"
#include "pyossl/info.h"
#include "ssl/tls.h"

static const int versions[] = { PAIR_TLS1_2, PAIR_TLS1_3 };

static const char *detail(void)
{
    const pyossl_error *error = pyossl_error_last();

    assert_true(pyossl_error_count(error) > 0);
    return pyossl_error_entry_at(error, pyossl_error_count(error) - 1)->detail;
}

#define assert_detail(words)                                                                       \
    do {                                                                                           \
        if (strstr(detail(), words) == NULL)                                                       \
            fail_msg("\"%s\" does not say \"%s\"", detail(), words);                               \
    } while (0)

static pyossl_answer decline(pyossl_conn *conn, const pyossl_verify_event *event, void *userdata)
{
    (void)conn;
    (void)event;
    (void)userdata;
    return PYOSSL_ANSWER_DECLINE;
}

static void test_na_228_which_certificate(void **state)
{
    pair both;

    (void)state;
    for (size_t v = 0; v < OSL_COUNT_OF(versions); v++) {
        pair_contexts(&both, versions[v]);
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_ok(pyossl_conn_set_verify_hostname(both.client, "elsewhere.example", 17, 0));
        assert_fails(pair_handshake(&both), PYOSSL_E_VERIFY);
        assert_string_equal(test_reason(), "certificate verify failed");
        assert_detail(
            "ostname mismatch (error 62, depth 0), wanted: elsewhere.example, subject: /");
        pair_disconnect(&both);

        pair_connect(&both, PAIR_MEMORY, 0);
        assert_ok(pyossl_conn_set_verify_ip(both.client, "::ffff:192.0.2.1", 16));
        assert_fails(pair_handshake(&both), PYOSSL_E_VERIFY);
        assert_detail("wanted: 0:0:0:0:0:ffff:c000:201, subject: /");
        pair_disconnect(&both);

        pair_connect(&both, PAIR_MEMORY, 0);
        assert_ok(pyossl_conn_set_verify(both.client, PYOSSL_VERIFY_PEER, decline, NULL, NULL));
        assert_fails(pair_handshake(&both), PYOSSL_E_VERIFY);
        assert_detail("(error 50, depth ");
        assert_detail("subject: /");
        pair_free(&both);
    }
}

static void *elsewhere(void *conn)
{
    unsigned char byte;
    size_t done;

    assert_fails(pyossl_conn_read(conn, &byte, 1, &done), PYOSSL_E_VERIFY);
    assert_string_equal(test_reason(), "certificate verify failed");
    assert_detail("wanted: elsewhere.example");
    return NULL;
}

/* Every later exchange, whoever makes it and whatever else has failed meanwhile. */
static void test_na_228_the_first_reason(void **state)
{
    unsigned char byte;
    pthread_t thread;
    int complete;
    size_t done;
    pair both;

    (void)state;
    for (size_t v = 0; v < OSL_COUNT_OF(versions); v++) {
        pair_contexts(&both, versions[v]);
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_ok(pyossl_conn_set_verify_hostname(both.client, "elsewhere.example", 17, 0));
        assert_fails(pair_handshake(&both), PYOSSL_E_VERIFY);
        assert_fails(pyossl_conn_set_mtu(both.client, 1), PYOSSL_E_STATE);
        assert_fails(pyossl_conn_handshake(both.client), PYOSSL_E_VERIFY);
        assert_detail("wanted: elsewhere.example");
        assert_fails(pyossl_conn_read(both.client, &byte, 1, &done), PYOSSL_E_VERIFY);
        assert_string_equal(test_reason(), "certificate verify failed");
        assert_fails(pyossl_conn_write(both.client, "x", 1, &done), PYOSSL_E_VERIFY);
        assert_fails(pyossl_conn_shutdown(both.client, &complete), PYOSSL_E_VERIFY);
        assert_fails(pyossl_conn_key_update(both.client, 0), PYOSSL_E_VERIFY);
        assert_detail("wanted: elsewhere.example");
        assert_int_equal(pthread_create(&thread, NULL, elsewhere, both.client), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        pair_free(&both);
    }
}

static void test_na_228_no_side(void **state)
{
    pyossl_conn *conn = NULL;
    unsigned char byte;
    int complete;
    size_t done;
    pair both;

    (void)state;
    pair_contexts(&both, PAIR_TLS1_3);
    assert_ok(pyossl_conn_new(&conn, both.client_ctx));
    assert_ok(pyossl_conn_use_memory(conn));
    assert_fails(pyossl_conn_handshake(conn), PYOSSL_E_STATE);
    assert_detail("pyossl_conn_set_role()");
    assert_fails(pyossl_conn_read(conn, &byte, 1, &done), PYOSSL_E_STATE);
    assert_string_equal(test_reason(), "uninitialized");
    assert_detail("pyossl_conn_set_role()");
    assert_fails(pyossl_conn_write(conn, "x", 1, &done), PYOSSL_E_STATE);
    assert_detail("pyossl_conn_set_role()");
    assert_fails(pyossl_conn_shutdown(conn, &complete), PYOSSL_E_STATE);
    assert_detail("pyossl_conn_set_role()");
    assert_ok(pyossl_conn_set_role(conn, PYOSSL_CLIENT)); /* nothing has ended */
    assert_status(pyossl_conn_handshake(conn), PYOSSL_WANT_READ);
    pyossl_conn_unref(conn);
    pair_free(&both);
}

/* The peer refuses, and goes: what it said comes out of the write that fails. */
static void test_na_229_alerts_behind_writes(void **state)
{
    static unsigned char bytes[4096];
    pyossl_status status = PYOSSL_OK;
    unsigned char byte;
    size_t done;
    pair both;

    (void)state;
    pair_contexts(&both, PAIR_TLS1_3);
    assert_ok(pyossl_ctx_set_verify(both.server_ctx,
                                    PYOSSL_VERIFY_PEER | PYOSSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL,
                                    NULL, NULL));
    pair_connect(&both, PAIR_SOCKET, 0);
    assert_status(pyossl_conn_handshake(both.client), PYOSSL_WANT_READ);
    assert_status(pyossl_conn_handshake(both.server), PYOSSL_WANT_READ);
    assert_ok(pyossl_conn_handshake(both.client));
    assert_fails(pyossl_conn_handshake(both.server), PYOSSL_E_VERIFY);
    assert_int_equal(shutdown(both.server_fds[0], SHUT_RD), 0);
    for (int i = 0; i < 100 && status == PYOSSL_OK; i++)
        status = pyossl_conn_write(both.client, bytes, sizeof bytes, &done);
    assert_status(status, PYOSSL_E_OPENSSL);
    assert_string_equal(test_reason(), "tlsv13 alert certificate required");
    assert_fails(pyossl_conn_read(both.client, &byte, 1, &done), PYOSSL_E_OPENSSL);
    assert_string_equal(test_reason(), "tlsv13 alert certificate required");
    pair_free(&both);
}

/* Without an alert it is the system's reason, each time, and what has come can be read. */
static void test_na_229_data_before_the_end(void **state)
{
    static unsigned char bytes[4096];
    char text[16];
    size_t done;
    pair both;

    (void)state;
    pair_establish(&both, PAIR_TLS1_3, PAIR_SOCKET, 0);
    assert_ok(pyossl_conn_write(both.server, "before", 6, &done));
    assert_int_equal(shutdown(both.server_fds[0], SHUT_RDWR), 0);
    for (int i = 0; i < 2; i++) {
        assert_fails(pyossl_conn_write(both.client, bytes, sizeof bytes, &done), PYOSSL_E_SYSTEM);
        assert_int_equal(pyossl_error_errno(pyossl_error_last()), EPIPE);
    }
    assert_ok(pyossl_conn_read(both.client, text, sizeof text, &done));
    assert_int_equal(done, 6);
    assert_memory_equal(text, "before", 6);
    assert_status(pyossl_conn_read(both.client, text, sizeof text, &done), PYOSSL_TRUNCATED);
    pair_free(&both);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_228_which_certificate),
        cmocka_unit_test(test_na_228_the_first_reason),
        cmocka_unit_test(test_na_228_no_side),
        cmocka_unit_test(test_na_229_alerts_behind_writes),
        cmocka_unit_test(test_na_229_data_before_the_end),
    };

    alarm(100);
    return cmocka_run_group_tests_name("refusal", tests, NULL, NULL);
}
