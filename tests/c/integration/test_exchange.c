/* The same exchange over every transport, whole and a byte at a time; public headers only. */
#include "pair.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

#include "pyossl/info.h"

typedef struct exchange {
    const char *name;
    int version;
    pair_kind kind;
    size_t step;
} exchange;

static const exchange exchanges[] = {
    { "memory, TLS 1.2, whole", PAIR_TLS1_2, PAIR_MEMORY, 0 },
    { "memory, TLS 1.2, by bytes", PAIR_TLS1_2, PAIR_MEMORY, 1 },
    { "memory, TLS 1.3, whole", PAIR_TLS1_3, PAIR_MEMORY, 0 },
    { "memory, TLS 1.3, by bytes", PAIR_TLS1_3, PAIR_MEMORY, 1 },
    { "memory, DTLS 1.2", PAIR_DTLS1_2, PAIR_MEMORY, 0 },
    { "socket, TLS 1.2, whole", PAIR_TLS1_2, PAIR_SOCKET, 0 },
    { "socket, TLS 1.2, by bytes", PAIR_TLS1_2, PAIR_SOCKET, 1 },
    { "socket, TLS 1.3, whole", PAIR_TLS1_3, PAIR_SOCKET, 0 },
    { "socket, TLS 1.3, by bytes", PAIR_TLS1_3, PAIR_SOCKET, 1 },
    { "socket, DTLS 1.2", PAIR_DTLS1_2, PAIR_SOCKET, 0 },
    { "pipes, TLS 1.2, whole", PAIR_TLS1_2, PAIR_PIPES, 0 },
    { "pipes, TLS 1.2, by bytes", PAIR_TLS1_2, PAIR_PIPES, 1 },
    { "pipes, TLS 1.3, whole", PAIR_TLS1_3, PAIR_PIPES, 0 },
    { "pipes, TLS 1.3, by bytes", PAIR_TLS1_3, PAIR_PIPES, 1 },
    { "functions, TLS 1.2, whole", PAIR_TLS1_2, PAIR_USER, 0 },
    { "functions, TLS 1.2, by bytes", PAIR_TLS1_2, PAIR_USER, 1 },
    { "functions, TLS 1.3, whole", PAIR_TLS1_3, PAIR_USER, 0 },
    { "functions, TLS 1.3, by bytes", PAIR_TLS1_3, PAIR_USER, 1 },
    { "functions, DTLS 1.2", PAIR_DTLS1_2, PAIR_USER, 0 },
    { "functions for each direction, TLS 1.2, whole", PAIR_TLS1_2, PAIR_SPLIT, 0 },
    { "functions for each direction, TLS 1.3, whole", PAIR_TLS1_3, PAIR_SPLIT, 0 },
    { "functions for each direction, TLS 1.3, by bytes", PAIR_TLS1_3, PAIR_SPLIT, 1 },
    { "functions for each direction, DTLS 1.2", PAIR_DTLS1_2, PAIR_SPLIT, 0 },
};

static void send_sizes(pair *both, pyossl_conn *from, pyossl_conn *to)
{
    static const size_t sizes[] = { 1, 2, 100, 1000, 1150 };
    static unsigned char data[40000];

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)(i * 31 + i / 251);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        pair_send(both, from, to, data, sizes[i]);
    if (!both->datagrams && both->step == 0)
        pair_send(both, from, to, data, sizeof data);
}

static void test_exchange(void **state)
{
    const exchange *self = *state;
    pair both;
    size_t done = 99;
    unsigned char byte;

    pair_contexts(&both, self->version);
    pair_connect(&both, self->kind, self->step);
    assert_false(pyossl_conn_established(both.client));
    assert_ok(pair_handshake(&both));
    assert_true(pyossl_conn_established(both.client));
    assert_true(pyossl_conn_established(both.server));
    assert_int_equal(pyossl_conn_protocol_number(both.client), self->version);
    assert_int_equal(pyossl_conn_verify_result(both.client), 0);
    assert_string_equal(pyossl_conn_cipher_name(both.client), pyossl_conn_cipher_name(both.server));

    send_sizes(&both, both.client, both.server);
    send_sizes(&both, both.server, both.client);
    assert_true(pyossl_is_retry(pair_read(&both, both.client, &byte, 1, &done)));
    assert_int_equal(done, 0);
    assert_true(pyossl_conn_wants_read(both.client));
    if (self->kind == PAIR_SOCKET || self->kind == PAIR_PIPES)
        assert_status(pyossl_conn_wait(both.client, PYOSSL_WANT_READ, 1), PYOSSL_WANT_READ);
    else
        assert_fails(pyossl_conn_wait(both.client, PYOSSL_WANT_READ, 1), PYOSSL_E_STATE);

    pair_shutdown(&both);
    assert_int_equal(pyossl_conn_shutdown_state(both.client), 3);
    assert_int_equal(pyossl_conn_shutdown_state(both.server), 3);
    pair_free(&both);
}

/* Cut short without a close alert, every transport tells the same (NA-016). */
static void test_cut(void **state)
{
    const exchange *self = *state;
    pair both;
    unsigned char byte;
    size_t done = 99;

    if (self->version == PAIR_DTLS1_2 && self->kind == PAIR_SOCKET)
        skip(); /* a datagram socket has no end */
    pair_establish(&both, self->version, self->kind, self->step);
    pair_send(&both, both.server, both.client, "hello", 5);
    pair_cut(&both, both.client);
    for (int i = 0; i < 3; i++) {
        assert_status(pair_read(&both, both.client, &byte, 1, &done), PYOSSL_TRUNCATED);
        assert_int_equal(done, 0);
    }
    assert_status(pyossl_conn_write(both.client, "x", 1, &done), PYOSSL_TRUNCATED);
    assert_status(pyossl_conn_handshake(both.client), PYOSSL_TRUNCATED);
    pair_free(&both);
}

int main(void)
{
    enum { COUNT = sizeof exchanges / sizeof exchanges[0] };
    static struct CMUnitTest tests[2 * COUNT];
    static char names[2 * COUNT][80];

    for (size_t i = 0; i < COUNT; i++) {
        snprintf(names[i], sizeof names[i], "exchange: %s", exchanges[i].name);
        snprintf(names[COUNT + i], sizeof names[i], "cut: %s", exchanges[i].name);
        tests[i] = (struct CMUnitTest){ names[i], test_exchange, NULL, NULL,
                                        (void *)(uintptr_t)&exchanges[i] };
        tests[COUNT + i] = (struct CMUnitTest){ names[COUNT + i], test_cut, NULL, NULL,
                                                (void *)(uintptr_t)&exchanges[i] };
    }
    return cmocka_run_group_tests_name("exchange", tests, NULL, NULL);
}
