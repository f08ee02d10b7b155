/* Datagrams: bounds, cookies, timers, losses. */
#include "pair.h"
#include "test.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pyossl/callbacks.h"
#include "pyossl/info.h"
#include "ssl/tls.h"

static unsigned int quick(SSL *ssl, unsigned int timer_us)
{
    (void)ssl;
    (void)timer_us;
    return 20000;
}

/* Timers of 20 ms instead of a second; OpenSSL takes less than 15 ms for none. */
static void hurry(pair *both)
{
    DTLS_set_timer_cb(both->client->ssl, quick);
    DTLS_set_timer_cb(both->server->ssl, quick);
}

/* ---- cookies ---- */

typedef struct cookies {
    int made, seen;
    pyossl_answer make, judge;
} cookies;

static pyossl_answer make_cookie(pyossl_conn *conn, unsigned char *cookie, size_t cap, size_t *len,
                                 void *userdata)
{
    cookies *self = userdata;

    (void)conn;
    assert_true(cap >= 6);
    memcpy(cookie, "cookie", 6);
    *len = 6;
    self->made++;
    return self->make;
}

static pyossl_answer judge_cookie(pyossl_conn *conn, const unsigned char *cookie, size_t len,
                                  void *userdata)
{
    cookies *self = userdata;

    (void)conn;
    self->seen++;
    if (!pyossl_equal_bytes(cookie, len, "cookie", 6))
        return PYOSSL_ANSWER_DECLINE;
    return self->judge;
}

static void with_cookies(pair *both, cookies *self)
{
    *self = (cookies){ 0, 0, PYOSSL_ANSWER_ACCEPT, PYOSSL_ANSWER_ACCEPT };
    pair_contexts(both, PAIR_DTLS1_2);
    assert_ok(pyossl_ctx_set_cookie_generate(both->server_ctx, make_cookie, self, NULL));
    assert_ok(pyossl_ctx_set_cookie_verify(both->server_ctx, judge_cookie, self, NULL));
}

/* Until the client has returned its cookie. */
static void listen_until_cookie(pair *both)
{
    pyossl_status status = PYOSSL_WANT_READ;

    assert_status(pyossl_conn_dtls_listen(both->server), PYOSSL_WANT_READ);
    for (int i = 0; i < 10 && status == PYOSSL_WANT_READ; i++) {
        assert_status(pyossl_conn_handshake(both->client), PYOSSL_WANT_READ);
        pair_move(both);
        status = pyossl_conn_dtls_listen(both->server);
        pair_move(both);
    }
    assert_ok(status);
}

static void test_listening(void **state)
{
    static const pair_kind kinds[] = { PAIR_MEMORY, PAIR_SOCKET, PAIR_USER };
    cookies jar;
    pair both;

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(kinds); i++) {
        with_cookies(&both, &jar);
        pair_connect(&both, kinds[i], 0);
        listen_until_cookie(&both);
        assert_int_equal(jar.made, 1);
        assert_int_equal(jar.seen, 1);
        /* The ClientHello with the cookie is still there: nothing is fed again, nothing lost. */
        assert_ok(pair_handshake(&both));
        pair_send(&both, both.client, both.server, "hello", 5);
        assert_fails(pyossl_conn_dtls_listen(both.server), PYOSSL_E_STATE);
        assert_fails(pyossl_conn_dtls_listen(both.client), PYOSSL_E_STATE);
        pair_send(&both, both.server, both.client, "alive", 5);
        pair_free(&both);
    }
}

/* A program for another library feeds the ClientHello again. */
static void test_listening_tolerates_duplicates(void **state)
{
    unsigned char hello[2048];
    size_t len = 0, done;
    cookies jar;
    pair both;

    (void)state;
    with_cookies(&both, &jar);
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_status(pyossl_conn_handshake(both.client), PYOSSL_WANT_READ);
    pair_move(&both);
    assert_status(pyossl_conn_dtls_listen(both.server), PYOSSL_WANT_READ);
    pair_move(&both);
    assert_status(pyossl_conn_handshake(both.client), PYOSSL_WANT_READ);
    assert_ok(pyossl_conn_drain(both.client, hello, sizeof hello, &len));
    assert_ok(pyossl_conn_feed(both.server, hello, len, &done));
    assert_ok(pyossl_conn_dtls_listen(both.server));
    assert_ok(pyossl_conn_feed(both.server, hello, len, &done));
    assert_ok(pair_handshake(&both));
    pair_send(&both, both.server, both.client, "x", 1);
    pair_free(&both);
}

/* Without a side, listening makes a server. */
static void test_listening_chooses_the_side(void **state)
{
    cookies jar;
    pyossl_conn *conn = NULL;
    pair both;

    (void)state;
    with_cookies(&both, &jar);
    assert_ok(pyossl_conn_new(&conn, both.server_ctx));
    assert_ok(pyossl_conn_use_memory(conn));
    assert_int_equal(pyossl_conn_is_server(conn), -1);
    assert_status(pyossl_conn_dtls_listen(conn), PYOSSL_WANT_READ);
    assert_int_equal(pyossl_conn_is_server(conn), 1);
    assert_true(pyossl_conn_wants_read(conn));
    pyossl_conn_unref(conn);
    pair_free(&both);
}

static void test_listening_fails(void **state)
{
    cookies jar;
    pair both;
    size_t done;

    (void)state;
    with_cookies(&both, &jar);
    jar.make = PYOSSL_ANSWER_ABORT;
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_status(pyossl_conn_handshake(both.client), PYOSSL_WANT_READ);
    pair_move(&both);
    assert_fails(pyossl_conn_dtls_listen(both.server), PYOSSL_E_CALLBACK);
    pair_disconnect(&both);

    jar.make = PYOSSL_ANSWER_ACCEPT;
    jar.judge = PYOSSL_ANSWER_DECLINE; /* goes on asking */
    pair_connect(&both, PAIR_MEMORY, 0);
    for (int i = 0; i < 3; i++) {
        pyossl_status status = pyossl_conn_handshake(both.client);

        if (!pyossl_is_retry(status))
            break;
        pair_move(&both);
        assert_status(pyossl_conn_dtls_listen(both.server), PYOSSL_WANT_READ);
        pair_move(&both);
    }
    assert_true(jar.seen > 0);
    pair_disconnect(&both);

    pair_connect(&both, PAIR_MEMORY, 0);
    assert_ok(pyossl_conn_feed(both.server, "not a ClientHello at all", 24, &done));
    assert_status(pyossl_conn_dtls_listen(both.server), PYOSSL_WANT_READ);
    pair_free(&both);

    pair_contexts(&both, PAIR_DTLS1_2); /* nobody to make cookies */
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_status(pyossl_conn_dtls_listen(both.server), PYOSSL_WANT_READ);
    assert_status(pyossl_conn_handshake(both.client), PYOSSL_WANT_READ);
    pair_move(&both);
    assert_fails(pyossl_conn_dtls_listen(both.server), PYOSSL_E_OPENSSL);
    pair_free(&both);

    pair_contexts(&both, PAIR_TLS1_3);
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_fails(pyossl_conn_dtls_listen(both.server), PYOSSL_E_OPENSSL);
    assert_string_equal(test_reason(), "unsupported ssl version");
    assert_ok(pair_handshake(&both)); /* none the worse */
    pair_free(&both);
}

/* ---- timers ---- */

static void test_timers(void **state)
{
    int handled = 9;
    pair both;

    (void)state;
    pair_contexts(&both, PAIR_DTLS1_2);
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_int_equal(pyossl_conn_dtls_timeout(both.client), -1);
    assert_ok(pyossl_conn_dtls_handle_timeout(both.client, &handled));
    assert_int_equal(handled, 0);
    assert_false(pyossl_conn_begun(both.client));
    assert_status(pyossl_conn_handshake(both.client), PYOSSL_WANT_READ);
    assert_true(pyossl_conn_dtls_timeout(both.client) > 0);
    assert_true(pyossl_conn_dtls_timeout(both.client) <= 1000);
    assert_ok(pyossl_conn_dtls_handle_timeout(both.client, &handled));
    assert_int_equal(handled, 0); /* too early */
    pair_disconnect(&both);

    pair_connect(&both, PAIR_MEMORY, 0);
    hurry(&both);
    assert_status(pyossl_conn_handshake(both.client), PYOSSL_WANT_READ);
    while (pyossl_conn_drainable(both.client) > 0) {
        unsigned char lost[2048];
        size_t done;

        assert_ok(pyossl_conn_drain(both.client, lost, sizeof lost, &done));
    }
    usleep((useconds_t)pyossl_conn_dtls_timeout(both.client) * 1000);
    assert_ok(pyossl_conn_dtls_handle_timeout(both.client, &handled));
    assert_int_equal(handled, 1);
    assert_true(pyossl_conn_drainable(both.client) > 0); /* sent again */
    assert_ok(pair_handshake(&both));
    assert_int_equal(pyossl_conn_dtls_timeout(both.client), -1);
    pair_free(&both);

    pair_establish(&both, PAIR_TLS1_3, PAIR_MEMORY, 0);
    assert_int_equal(pyossl_conn_dtls_timeout(both.client), -1);
    handled = 9;
    assert_ok(pyossl_conn_dtls_handle_timeout(both.client, &handled));
    assert_int_equal(handled, 0);
    pair_free(&both);
}

/* A peer that never answers is given up in the end. */
static void test_patience_ends(void **state)
{
    pyossl_status status = PYOSSL_OK;
    int handled = 0;
    pair both;

    (void)state;
    pair_contexts(&both, PAIR_DTLS1_2);
    pair_connect(&both, PAIR_MEMORY, 0);
    hurry(&both);
    assert_status(pyossl_conn_handshake(both.client), PYOSSL_WANT_READ);
    for (int i = 0; i < 30 && status == PYOSSL_OK; i++) {
        usleep(21000);
        status = pyossl_conn_dtls_handle_timeout(both.client, &handled);
    }
    assert_status(status, PYOSSL_E_OPENSSL);
    assert_status(pyossl_error_status(pyossl_error_last()), PYOSSL_E_OPENSSL);
    assert_fails(pyossl_conn_handshake(both.client), PYOSSL_E_OPENSSL);
    pair_free(&both);
}

/* ---- networks that lose, double and reorder ---- */

typedef struct network {
    unsigned seed;
    unsigned char held[2048]; /* one that is overtaken */
    size_t held_len;
} network;

static unsigned chance(network *self)
{
    self->seed = self->seed * 1103515245u + 12345u;
    return self->seed >> 16 & 7;
}

static void deliver(pyossl_conn *to, const unsigned char *datagram, size_t len)
{
    size_t done;

    assert_ok(pyossl_conn_feed(to, datagram, len, &done));
}

static bool carry_badly(network *self, pyossl_conn *from, pyossl_conn *to)
{
    unsigned char datagram[2048];
    bool sent = false;
    size_t len;

    while (pyossl_conn_drain(from, datagram, sizeof datagram, &len) == PYOSSL_OK) {
        const unsigned fate = chance(self);

        sent = true;
        if (fate == 0)
            continue;
        if (fate == 1 && self->held_len == 0) {
            memcpy(self->held, datagram, len);
            self->held_len = len;
            continue;
        }
        deliver(to, datagram, len);
        if (fate == 2)
            deliver(to, datagram, len);
        if (self->held_len > 0) {
            deliver(to, self->held, self->held_len);
            self->held_len = 0;
        }
    }
    return sent;
}

static void over_bad_network(unsigned seed)
{
    network there = { .seed = seed }, back = { .seed = seed + 77 };
    pyossl_status client = PYOSSL_WANT_READ, server = PYOSSL_WANT_READ;
    unsigned char byte;
    size_t done;
    int handled;
    pair both;

    pair_contexts(&both, PAIR_DTLS1_2);
    pair_connect(&both, PAIR_MEMORY, 0);
    hurry(&both);
    for (int i = 0; i < 300 && (client != PYOSSL_OK || server != PYOSSL_OK); i++) {
        bool sent;

        client = client == PYOSSL_OK ? pyossl_conn_read(both.client, &byte, 1, &done)
                                     : pyossl_conn_handshake(both.client);
        assert_true(client == PYOSSL_OK || pyossl_is_retry(client));
        if (pyossl_conn_established(both.client))
            client = PYOSSL_OK;
        sent = carry_badly(&there, both.client, both.server);
        server = server == PYOSSL_OK ? pyossl_conn_read(both.server, &byte, 1, &done)
                                     : pyossl_conn_handshake(both.server);
        assert_true(server == PYOSSL_OK || pyossl_is_retry(server));
        if (pyossl_conn_established(both.server))
            server = PYOSSL_OK;
        sent |= carry_badly(&back, both.server, both.client);
        if (!sent) { /* all that is under way has been lost */
            usleep(6000);
            assert_ok(pyossl_conn_dtls_handle_timeout(both.client, &handled));
            assert_ok(pyossl_conn_dtls_handle_timeout(both.server, &handled));
        }
    }
    assert_status(client, PYOSSL_OK);
    assert_status(server, PYOSSL_OK);
    assert_string_equal(pyossl_conn_cipher_name(both.client), pyossl_conn_cipher_name(both.server));
    pair_free(&both);
}

static void test_bad_networks(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 12; seed++)
        over_bad_network(seed);
}

/* ---- bounds ---- */

static void test_datagrams_keep_to_the_mtu(void **state)
{
    static const size_t mtus[] = { 0, 300, 700, 1400 };
    unsigned char datagram[65536];
    size_t done;
    pair both;

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(mtus); i++) {
        const size_t mtu = mtus[i] > 0 ? mtus[i] : 1232;
        size_t largest = 0;

        pair_contexts(&both, PAIR_DTLS1_2);
        pair_connect(&both, PAIR_MEMORY, 0);
        if (mtus[i] > 0) {
            assert_ok(pyossl_conn_set_mtu(both.client, mtu));
            assert_ok(pyossl_conn_set_mtu(both.server, mtu));
            assert_ok(pyossl_ctx_set_timeout(both.server_ctx, 99)); /* survives being made anew */
        }
        assert_int_equal(pyossl_conn_cleartext_mtu(both.server), 0);
        for (int round = 0; round < 20; round++) {
            (void)!pyossl_conn_handshake(both.client);
            while (pyossl_conn_drain(both.client, datagram, sizeof datagram, &done) == PYOSSL_OK)
                deliver(both.server, datagram, done);
            (void)!pyossl_conn_handshake(both.server);
            while (pyossl_conn_drain(both.server, datagram, sizeof datagram, &done) == PYOSSL_OK) {
                largest = done > largest ? done : largest;
                deliver(both.client, datagram, done);
            }
        }
        assert_true(pyossl_conn_established(both.client));
        /* OpenSSL forgets what AES-GCM adds where it fills a datagram up with a "Finished". */
        assert_true(largest <= mtu + 24);
        assert_true(largest > mtu / 2);
        assert_true(pyossl_conn_cleartext_mtu(both.client) > mtu - 100);
        assert_true(pyossl_conn_cleartext_mtu(both.client) < mtu);
        pair_free(&both);
    }
    pair_contexts(&both, PAIR_DTLS1_2);
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_fails(pyossl_conn_set_mtu(both.client, 10), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_conn_set_mtu(both.client, 70000), PYOSSL_E_ARGUMENT);
    pair_free(&both);
}

/* All that waits, as a program takes it that thinks of a stream. */
static size_t drain_all(pyossl_conn *from, unsigned char *buf, size_t cap)
{
    size_t len = 0, done;

    while (len < cap && pyossl_conn_drain(from, buf + len, cap - len, &done) == PYOSSL_OK)
        len += done;
    return len;
}

static void test_several_datagrams_fed_as_one(void **state)
{
    static unsigned char buf[65536], data[1000];
    char out[1000];
    size_t len, done, got = 0;
    pair both;

    (void)state;
    pair_contexts(&both, PAIR_DTLS1_2);
    pair_connect(&both, PAIR_MEMORY, 0);
    for (int i = 0; i < 10; i++) {
        (void)!pyossl_conn_handshake(both.client);
        if ((len = drain_all(both.client, buf, sizeof buf)) > 0)
            deliver(both.server, buf, len);
        (void)!pyossl_conn_handshake(both.server);
        if ((len = drain_all(both.server, buf, sizeof buf)) > 0)
            deliver(both.client, buf, len);
    }
    assert_true(pyossl_conn_established(both.client));
    assert_true(pyossl_conn_established(both.server));

    /* More than fits in what OpenSSL reads at once. */
    for (size_t i = 0; i < 40; i++) {
        memset(data, (int)i, sizeof data);
        assert_ok(pyossl_conn_write(both.client, data, sizeof data, &done));
    }
    len = drain_all(both.client, buf, sizeof buf);
    assert_true(len > 40 * sizeof data);
    deliver(both.server, buf, len);
    while (pyossl_conn_read(both.server, out, sizeof out, &done) == PYOSSL_OK) {
        assert_int_equal(done, sizeof data);
        assert_int_equal(out[0], got);
        assert_int_equal(out[done - 1], got);
        got++;
    }
    assert_int_equal(got, 40);
    pair_free(&both);
}

static void test_each_drain_is_one_datagram(void **state)
{
    unsigned char datagram[2048], rest[2048];
    size_t len, done;
    pair both;

    (void)state;
    pair_establish(&both, PAIR_DTLS1_2, PAIR_MEMORY, 0);
    while (pair_move(&both))
        continue;
    assert_ok(pyossl_conn_write(both.client, "one", 3, &done));
    assert_ok(pyossl_conn_write(both.client, "two", 3, &done));
    len = pyossl_conn_drainable(both.client);
    assert_ok(pyossl_conn_drain(both.client, datagram, sizeof datagram, &done));
    assert_int_equal(done * 2, len);
    done = 77;
    assert_fails(pyossl_conn_drain(both.client, rest, 5, &done), PYOSSL_E_ARGUMENT); /* no loss */
    assert_fails(pyossl_conn_drain(both.client, rest, len / 2 - 1, &done), PYOSSL_E_ARGUMENT);
    assert_int_equal(done, 77);
    assert_ok(pyossl_conn_drain(both.client, rest, len / 2, &done));
    assert_int_equal(done, len / 2);
    deliver(both.server, rest, len / 2); /* reordered */
    deliver(both.server, datagram, len / 2);
    deliver(both.server, datagram, len / 2); /* and doubled */
    assert_ok(pyossl_conn_read(both.server, rest, sizeof rest, &done));
    assert_memory_equal(rest, "two", 3);
    assert_ok(pyossl_conn_read(both.server, rest, sizeof rest, &done));
    assert_memory_equal(rest, "one", 3);
    assert_status(pyossl_conn_read(both.server, rest, sizeof rest, &done), PYOSSL_WANT_READ);

    pair_send(&both, both.client, both.server, "fine", 4);
    pair_free(&both);
}

static void test_message_too_large(void **state)
{
    static const unsigned char large[20000];
    size_t done = 9;
    pair both;

    (void)state;
    pair_establish(&both, PAIR_DTLS1_2, PAIR_MEMORY, 0);
    assert_fails(pyossl_conn_write(both.client, large, sizeof large, &done), PYOSSL_E_OPENSSL);
    assert_int_equal(done, 0);
    assert_string_equal(test_reason(), "dtls message too big");
    pair_send(&both, both.client, both.server, "fine", 4);
    pair_free(&both);
}

/* ---- real sockets ---- */

/* Two UDP sockets that know of each other alone. */
static void udp_pair(int fds[2])
{
    struct sockaddr_in address[2];

    for (int i = 0; i < 2; i++) {
        socklen_t len = sizeof address[i];

        memset(&address[i], 0, sizeof address[i]);
        address[i].sin_family = AF_INET;
        address[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        fds[i] = socket(AF_INET, SOCK_DGRAM, 0);
        assert_true(fds[i] >= 0);
        assert_int_equal(bind(fds[i], (struct sockaddr *)&address[i], len), 0);
        assert_int_equal(getsockname(fds[i], (struct sockaddr *)&address[i], &len), 0);
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(connect(fds[i], (struct sockaddr *)&address[1 - i], sizeof address[0]), 0);
}

static void test_udp(void **state)
{
    static unsigned char data[16384];
    static const char gone[] = "gone";
    pyossl_status status = PYOSSL_OK;
    int fds[2];
    size_t done;
    pair both;

    (void)state;
    udp_pair(fds);
    assert_true(osl_fd_mtu(fds[0]) > 1000); /* the loopback's */
    pair_contexts(&both, PAIR_DTLS1_2);
    assert_ok(pyossl_conn_new(&both.client, both.client_ctx));
    assert_ok(pyossl_conn_new(&both.server, both.server_ctx));
    assert_ok(pyossl_conn_set_role(both.client, PYOSSL_CLIENT));
    assert_ok(pyossl_conn_set_role(both.server, PYOSSL_SERVER));
    assert_ok(pyossl_conn_use_fd(both.client, fds[0]));
    assert_ok(pyossl_conn_use_fd(both.server, fds[1]));
    both.kind = PAIR_SOCKET;
    assert_ok(pair_handshake(&both));
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)i;
    pair_send(&both, both.client, both.server, data, 1000);
    assert_int_equal(pyossl_conn_cleartext_mtu(both.client), sizeof data); /* na_224: can be sent */
    pair_send(&both, both.server, both.client, data, sizeof data);
    assert_ok(pyossl_conn_wait(both.client, PYOSSL_WANT_WRITE, 0));
    assert_status(pyossl_conn_wait(both.client, PYOSSL_WANT_READ, 0), PYOSSL_WANT_READ);

    close(fds[1]); /* whoever writes now is told that nobody listens, later or at once */
    for (int i = 0; i < 10 && status == PYOSSL_OK; i++)
        status = pyossl_conn_write(both.client, gone, 4, &done);
    assert_status(status, PYOSSL_E_SYSTEM);
    pair_free(&both);
    close(fds[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_listening),
        cmocka_unit_test(test_listening_tolerates_duplicates),
        cmocka_unit_test(test_listening_chooses_the_side),
        cmocka_unit_test(test_listening_fails),
        cmocka_unit_test(test_timers),
        cmocka_unit_test(test_patience_ends),
        cmocka_unit_test(test_bad_networks),
        cmocka_unit_test(test_datagrams_keep_to_the_mtu),
        cmocka_unit_test(test_several_datagrams_fed_as_one),
        cmocka_unit_test(test_each_drain_is_one_datagram),
        cmocka_unit_test(test_message_too_large),
        cmocka_unit_test(test_udp),
    };

    alarm(500);
    return cmocka_run_group_tests_name("dtls", tests, NULL, NULL);
}
