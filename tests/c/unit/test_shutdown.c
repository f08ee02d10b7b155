/* Close alerts: pyossl_conn_shutdown() in every state (NA-019). */
#include "pair.h"
#include "test.h"

#include <errno.h>

#include "pyossl/info.h"
#include "ssl/tls.h"

static const int versions[] = { PAIR_TLS1_2, PAIR_TLS1_3 };

static void test_shutdown_both_ways(void **state)
{
    unsigned char byte;
    size_t done;
    int complete = 9;
    pair both;

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(versions); i++) {
        pair_establish(&both, versions[i], PAIR_MEMORY, 0);
        while (pair_move(&both))
            continue;
        assert_int_equal(pyossl_conn_shutdown_state(both.client), 0);
        assert_ok(pyossl_conn_shutdown(both.client, &complete));
        assert_int_equal(complete, 0);
        assert_int_equal(pyossl_conn_shutdown_state(both.client), 1);
        complete = 9;
        assert_status(pyossl_conn_shutdown(both.client, &complete), PYOSSL_WANT_READ);
        assert_int_equal(complete, 9);
        assert_fails(pyossl_conn_write(both.client, "x", 1, &done), PYOSSL_E_OPENSSL);
        assert_string_equal(test_reason(), "protocol is shutdown");
        pair_move(&both);
        assert_status(pyossl_conn_read(both.server, &byte, 1, &done), PYOSSL_CLOSED);
        assert_status(pyossl_conn_read(both.server, &byte, 1, &done), PYOSSL_CLOSED);
        assert_int_equal(pyossl_conn_shutdown_state(both.server), 2);
        assert_ok(pyossl_conn_shutdown(both.server, &complete));
        assert_int_equal(complete, 1);
        pair_move(&both);
        assert_ok(pyossl_conn_shutdown(both.client, &complete));
        assert_int_equal(complete, 1);
        assert_ok(pyossl_conn_shutdown(both.client, &complete)); /* and again */
        assert_int_equal(complete, 1);
        pair_free(&both);
    }
}

/* TLS 1.3 closes each direction by itself. */
static void test_half_closed(void **state)
{
    char buf[8];
    size_t done;
    int complete;
    pair both;

    (void)state;
    pair_establish(&both, PAIR_TLS1_3, PAIR_MEMORY, 0);
    assert_ok(pyossl_conn_shutdown(both.client, &complete));
    assert_status(pair_read(&both, both.server, buf, sizeof buf, &done), PYOSSL_CLOSED);
    assert_ok(pyossl_conn_write(both.server, "late", 4, &done));
    assert_ok(pair_read(&both, both.client, buf, sizeof buf, &done));
    assert_int_equal(done, 4);
    assert_memory_equal(buf, "late", 4);
    pair_free(&both);
}

/* Data that was under way when we said goodbye can still be read. */
static void test_data_after_our_alert(void **state)
{
    char buf[8];
    size_t done;
    int complete = 9;
    pair both;

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(versions); i++) {
        pair_establish(&both, versions[i], PAIR_MEMORY, 0);
        while (pair_move(&both))
            continue;
        assert_ok(pyossl_conn_shutdown(both.client, &complete));
        assert_ok(pyossl_conn_write(both.server, "late", 4, &done));
        while (pair_move(&both))
            continue;
        for (int twice = 0; twice < 2; twice++)
            assert_fails(pyossl_conn_shutdown(both.client, &complete), PYOSSL_E_STATE);
        assert_string_equal(test_reason(), "application data after close notify");
        assert_ok(pyossl_conn_read(both.client, buf, sizeof buf, &done));
        assert_int_equal(done, 4);
        assert_status(pyossl_conn_shutdown(both.client, &complete), PYOSSL_WANT_READ);
        pair_free(&both);
    }
}

static void test_shutdown_too_early(void **state)
{
    int complete = 9;
    pair both;

    (void)state;
    pair_contexts(&both, PAIR_TLS1_3);
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_status(pyossl_conn_handshake(both.client), PYOSSL_WANT_READ);
    assert_fails(pyossl_conn_shutdown(both.client, &complete), PYOSSL_E_OPENSSL);
    assert_string_equal(test_reason(), "shutdown while in init");
    assert_int_equal(complete, 9);
    assert_ok(pair_handshake(&both)); /* none the worse */
    pair_shutdown(&both);
    pair_free(&both);
}

static void test_shutdown_with_a_vanished_peer(void **state)
{
    unsigned char byte;
    size_t done;
    int complete = 9;
    pair both;

    (void)state;
    pair_establish(&both, PAIR_TLS1_2, PAIR_SOCKET, 0);
    assert_ok(pyossl_conn_shutdown(both.client, &complete));
    assert_status(pair_read(&both, both.server, &byte, 1, &done), PYOSSL_CLOSED);
    pair_cut(&both, both.client);
    for (int i = 0; i < 3; i++)
        assert_status(pyossl_conn_shutdown(both.client, &complete), PYOSSL_TRUNCATED);
    assert_int_equal(complete, 0);
    pair_free(&both);

    pair_establish(&both, PAIR_TLS1_2, PAIR_SOCKET, 0);
    pair_cut(&both, both.client);
    complete = 9;
    for (int i = 0; i < 3; i++) {
        pyossl_status status = pyossl_conn_shutdown(both.client, &complete);

        if (status == PYOSSL_E_SYSTEM)
            assert_int_equal(pyossl_error_errno(pyossl_error_last()), EPIPE);
        else
            assert_status(status, PYOSSL_TRUNCATED);
    }
    assert_int_equal(complete, 9);
    pair_free(&both);
}

/* Pretended alerts count like real ones. */
static void test_pretended_alerts(void **state)
{
    unsigned char byte;
    size_t done;
    int complete = 9;
    pair both;

    (void)state;
    pair_establish(&both, PAIR_TLS1_3, PAIR_MEMORY, 0);
    assert_ok(pyossl_conn_set_shutdown_state(both.client, 2));
    assert_status(pyossl_conn_read(both.client, &byte, 1, &done), PYOSSL_CLOSED);
    assert_ok(pyossl_conn_shutdown(both.client, &complete));
    assert_int_equal(complete, 1);
    pair_free(&both);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shutdown_both_ways),
        cmocka_unit_test(test_half_closed),
        cmocka_unit_test(test_data_after_our_alert),
        cmocka_unit_test(test_shutdown_too_early),
        cmocka_unit_test(test_shutdown_with_a_vanished_peer),
        cmocka_unit_test(test_pretended_alerts),
    };

    return cmocka_run_group_tests_name("shutdown", tests, NULL, NULL);
}
