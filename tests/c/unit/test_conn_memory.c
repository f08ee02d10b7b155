/*
 * Connections that cannot begin for want of memory: nothing crashes that is asked of them
 * then, and with memory they begin.
 */
#include "oom.h"
#include "pair.h"
#include "test.h"

#include "pyossl/callbacks.h"
#include "pyossl/info.h"
#include "pyossl/openssl.h"
#include "ssl/tls.h"

static pyossl_status as_client(const pair *both)
{
    return pyossl_conn_set_role(both->client, PYOSSL_CLIENT);
}

static pyossl_status as_server(const pair *both)
{
    return pyossl_conn_set_role(both->server, PYOSSL_SERVER);
}

static pyossl_status greet(const pair *both)
{
    return pyossl_conn_handshake(both->client);
}

static pyossl_status await(const pair *both)
{
    return pyossl_conn_handshake(both->server);
}

static pyossl_status listen_once(const pair *both)
{
    return pyossl_conn_dtls_listen(both->server);
}

static const struct {
    const char *name;
    pyossl_status (*step)(const pair *both);
    int version;
    bool server; /* whose step it is */
} cases[] = {
    { "client", as_client, PAIR_TLS1_3, false },
    { "server", as_server, PAIR_TLS1_3, true },
    { "server of DTLS", as_server, PAIR_DTLS1_2, true },
    { "client's first step", greet, PAIR_TLS1_3, false },
    { "client's first step in DTLS", greet, PAIR_DTLS1_2, false },
    { "server's first step", await, PAIR_TLS1_3, true },
    { "server's first step in DTLS", await, PAIR_DTLS1_2, true },
    { "listening", listen_once, PAIR_DTLS1_2, true },
};

static pyossl_answer make_cookie(pyossl_conn *conn, unsigned char *cookie, size_t cap, size_t *len,
                                 void *userdata)
{
    (void)conn;
    (void)cap;
    (void)userdata;
    cookie[0] = 'c';
    *len = 1;
    return PYOSSL_ANSWER_ACCEPT;
}

static void assert_settled(pyossl_status status)
{
    if (status != PYOSSL_OK)
        assert_int_equal(pyossl_status_classify(status), PYOSSL_CLASS_ERROR);
}

/* What reaches into OpenSSL's record layers, and what does not. */
static void ask_everything(pyossl_conn *conn)
{
    char byte;
    size_t done = 0;
    int complete = 0;

    assert_int_equal(pyossl_conn_pending(conn), 0);
    assert_int_equal(pyossl_conn_has_pending(conn), 0);
    assert_settled(pyossl_conn_set_options(conn, SSL_OP_NO_TICKET));
    assert_settled(pyossl_conn_set_mode(conn, SSL_MODE_RELEASE_BUFFERS));
    assert_settled(pyossl_conn_clear_mode(conn, SSL_MODE_RELEASE_BUFFERS));
    assert_settled(pyossl_conn_set_shutdown_state(conn, 0));
    assert_int_equal(pyossl_conn_established(conn), 0);
    assert_non_null(pyossl_conn_state_string(conn));
    assert_non_null(pyossl_conn_protocol(conn));
    assert_null(pyossl_conn_group_name(conn));
    (void)pyossl_conn_options(conn);
    (void)pyossl_conn_mode(conn);
    (void)pyossl_conn_cleartext_mtu(conn);
    (void)pyossl_openssl_conn(conn);
    assert_true(pyossl_conn_read(conn, &byte, 1, &done) != PYOSSL_OK);
    assert_true(pyossl_conn_write(conn, "x", 1, &done) != PYOSSL_OK);
    assert_true(pyossl_conn_shutdown(conn, &complete) != PYOSSL_OK);
    assert_int_equal(done, 0);
}

/* False when the step had no more allocations than @index. */
static bool try_one(size_t which, size_t index, int onwards)
{
    pyossl_status status;
    pyossl_conn *conn;
    bool struck;
    pair both;

    pair_contexts(&both, cases[which].version);
    if (both.datagrams)
        assert_ok(pyossl_ctx_set_cookie_generate(both.server_ctx, make_cookie, NULL, NULL));
    pair_connect(&both, PAIR_MEMORY, 0);
    conn = cases[which].server ? both.server : both.client;
    oom_fail_at(index, onwards);
    status = cases[which].step(&both);
    if (status != PYOSSL_OK && !pyossl_is_retry(status)) {
        assert_int_equal(pyossl_status_classify(status), PYOSSL_CLASS_ERROR);
        ask_everything(conn);
    }
    struck = oom_stop() > index;
    if (!struck || !pyossl_conn_begun(conn))
        assert_ok(pair_handshake(&both));
    else /* in the middle: nothing is broken, but OpenSSL need not get anywhere */
        assert_true(pyossl_conn_handshake(conn) != PYOSSL_OK);
    pair_free(&both);
    return struck;
}

static void test_na_074_connections_that_cannot_begin(void **state)
{
    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(cases); i++) {
        for (int onwards = 0; onwards <= 1; onwards++) {
            size_t index = 0;

            while (try_one(i, index, onwards))
                index++;
            print_message("# %s: %zu allocations\n", cases[i].name, index);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_074_connections_that_cannot_begin),
    };

    oom_install();
    return cmocka_run_group_tests_name("conn_memory", tests, NULL, NULL);
}
