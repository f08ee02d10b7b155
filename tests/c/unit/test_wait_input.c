/* Waiting for the peer's bytes as recv() does, and what the read behind it finds. */
#include "pair.h"
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "ssl/tls.h"

enum { OVERHEAD = 5 + 1 + 16 }; /* of a record of TLS 1.3: header, type, tag (RFC 8446 5.2) */

static const int versions[] = { PAIR_TLS1_2, PAIR_TLS1_3 };

static void establish(pair *both, int version)
{
    unsigned char byte;
    size_t done;

    pair_establish(both, version, PAIR_SOCKET, 0);
    /* Past the tickets: each end has read and has to wait. */
    assert_status(pair_read(both, both->client, &byte, 1, &done), PYOSSL_WANT_READ);
    assert_status(pair_read(both, both->server, &byte, 1, &done), PYOSSL_WANT_READ);
}

static size_t in_socket(int fd)
{
    int count = -1;

    assert_int_equal(ioctl(fd, FIONREAD, &count), 0);
    assert_true(count >= 0);
    return (size_t)count;
}

static void write_whole(pyossl_conn *conn, const void *data, size_t len)
{
    size_t done = 0;

    assert_ok(pyossl_conn_write(conn, data, len, &done));
    assert_int_equal(done, len);
}

static void read_whole(pyossl_conn *conn, const void *expected, size_t len)
{
    unsigned char buf[16384];
    size_t done = 0;

    assert_ok(pyossl_conn_read(conn, buf, sizeof buf, &done));
    assert_int_equal(done, len);
    assert_memory_equal(buf, expected, len);
}

/* What waits is looked at and left; then one record is read, and none of the next. */
static void test_na_022_no_more_is_read_than_one_record(void **state)
{
    static const char text[3000] = { 'x', 'y' };
    static const size_t sizes[] = { 1, 64, 1024 - OVERHEAD, 1024 - OVERHEAD + 1, sizeof text };
    pair both;

    (void)state;
    establish(&both, PAIR_TLS1_3);
    for (size_t i = 0; i < OSL_COUNT_OF(sizes); i++) {
        const int fd = both.client_fds[0];

        write_whole(both.server, text, sizes[i]);
        write_whole(both.server, "next", 4);
        write_whole(both.server, "last", 4);
        assert_ok(pyossl_conn_wait_input(both.client));
        assert_ok(pyossl_conn_wait_input(both.client));
        assert_int_equal(in_socket(fd), sizes[i] + 8 + 3 * OVERHEAD);
        read_whole(both.client, text, sizes[i]);
        assert_int_equal(in_socket(fd), 8 + 2 * OVERHEAD);
        assert_int_equal(osl_queue_len(&both.client->transport.in), 0);
        read_whole(both.client, "next", 4); /* behind no wait: what was seen is of the first */
        assert_int_equal(in_socket(fd), 4 + OVERHEAD);
        assert_ok(pyossl_conn_wait_input(both.client));
        read_whole(both.client, "last", 4);
        assert_int_equal(in_socket(fd), 0);
    }
    pair_free(&both);
}

/* A record that is read in parts, and what was seen of it before. */
static void test_what_was_seen_before_a_read_is_forgotten(void **state)
{
    unsigned char buf[64];
    size_t done;
    pair both;

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(versions); i++) {
        establish(&both, versions[i]);
        write_whole(both.server, "a longer record than the next", 29);
        assert_ok(pyossl_conn_wait_input(both.client));
        assert_ok(pyossl_conn_peek(both.client, buf, 10, &done));
        assert_ok(pyossl_conn_read(both.client, buf, 10, &done));
        assert_memory_equal(buf, "a longer r", 10);
        write_whole(both.server, "short", 5);
        assert_ok(pyossl_conn_wait_input(both.client)); /* no boundary: half of one is left */
        read_whole(both.client, "ecord than the next", 19);
        assert_true(in_socket(both.client_fds[0]) > 5);
        read_whole(both.client, "short", 5);
        write_whole(both.client, "and back", 8);
        assert_ok(pyossl_conn_wait_input(both.server));
        read_whole(both.server, "and back", 8);
        pair_free(&both);
    }
}

/* The bytes of one record, in two portions. */
static void test_part_of_a_record_is_worth_a_try(void **state)
{
    unsigned char record[256], byte;
    size_t done, len;
    pair both;
    ssize_t got;

    (void)state;
    for (size_t first = 1; first < 30; first += 4) {
        establish(&both, PAIR_TLS1_3);
        write_whole(both.server, "in two parts", 12);
        got = recv(both.client_fds[0], record, sizeof record, MSG_DONTWAIT);
        assert_true(got > (ssize_t)first);
        len = (size_t)got;
        assert_int_equal(send(both.server_fds[1], record, first, 0), first);
        assert_ok(pyossl_conn_wait_input(both.client));
        assert_status(pyossl_conn_read(both.client, &byte, 1, &done), PYOSSL_WANT_READ);
        assert_int_equal(send(both.server_fds[1], record + first, len - first, 0), len - first);
        assert_ok(pyossl_conn_wait_input(both.client));
        read_whole(both.client, "in two parts", 12);
        write_whole(both.server, "whole", 5);
        assert_ok(pyossl_conn_wait_input(both.client));
        read_whole(both.client, "whole", 5);
        pair_free(&both);
    }
}

/* What is no record of TLS is read as it comes, and refused. */
static void test_noise_is_no_record(void **state)
{
    static const unsigned char noise[][8] = {
        { 0, 3, 3, 0, 3, 1, 2, 3 },        /* no type */
        { 23, 9, 3, 0, 3, 1, 2, 3 },       /* no version */
        { 23, 3, 3, 0, 0, 1, 2, 3 },       /* an empty record */
        { 23, 3, 3, 0xff, 0xff, 1, 2, 3 }, /* too long */
    };
    unsigned char byte;
    size_t done;
    pair both;

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(noise); i++) {
        establish(&both, PAIR_TLS1_3);
        assert_int_equal(send(both.server_fds[1], noise[i], sizeof noise[i], 0), sizeof noise[i]);
        assert_ok(pyossl_conn_wait_input(both.client));
        assert_fails(pyossl_conn_read(both.client, &byte, 1, &done), PYOSSL_E_OPENSSL);
        pair_free(&both);
    }
}

/* The rest of a record that looks like the header of one is none. */
static void test_a_record_does_not_begin_in_another(void **state)
{
    static const unsigned char first[5 + 25] = { 23, 3, 3, 0, 30 },
                                         rest[5 + 60] = { 23, 3, 3, 0, 60 };
    unsigned char byte;
    size_t done;
    pair both;

    (void)state;
    establish(&both, PAIR_TLS1_3);
    assert_int_equal(send(both.server_fds[1], first, sizeof first, 0), sizeof first);
    assert_ok(pyossl_conn_wait_input(both.client));
    assert_status(pyossl_conn_read(both.client, &byte, 1, &done), PYOSSL_WANT_READ);
    assert_int_equal(send(both.server_fds[1], rest, sizeof rest, 0), sizeof rest);
    assert_ok(pyossl_conn_wait_input(both.client));
    assert_fails(pyossl_conn_read(both.client, &byte, 1, &done), PYOSSL_E_OPENSSL);
    assert_int_equal(in_socket(both.client_fds[0]), 60);
    pair_free(&both);
}

static void test_handshake_behind_waits(void **state)
{
    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(versions); i++) {
        pyossl_status client = PYOSSL_WANT_READ, server = PYOSSL_WANT_READ;
        pair both;

        pair_contexts(&both, versions[i]);
        pair_connect(&both, PAIR_SOCKET, 0);
        for (int step = 0; step < 20 && (client != PYOSSL_OK || server != PYOSSL_OK); step++) {
            if (client != PYOSSL_OK)
                client = pyossl_conn_handshake(both.client);
            if (server != PYOSSL_OK) {
                assert_ok(pyossl_conn_wait_input(both.server));
                server = pyossl_conn_handshake(both.server);
            }
            if (client != PYOSSL_OK)
                assert_ok(pyossl_conn_wait_input(both.client));
        }
        assert_ok(client);
        assert_ok(server);
        pair_send(&both, both.client, both.server, "there", 5);
        pair_send(&both, both.server, both.client, "back", 4);
        pair_free(&both);
    }
}

static void test_waits_as_the_descriptor_does(void **state)
{
    const struct timeval moment = { .tv_usec = 20000 };
    pair both;
    int fd, flags;

    (void)state;
    establish(&both, PAIR_TLS1_3);
    fd = both.client_fds[0];
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &moment, sizeof moment), 0);
    assert_status(pyossl_conn_wait_input(both.client), PYOSSL_WANT_READ);
    flags = fcntl(fd, F_GETFL);
    assert_int_equal(fcntl(fd, F_SETFL, flags | O_NONBLOCK), 0);
    assert_status(pyossl_conn_wait_input(both.client), PYOSSL_WANT_READ);
    write_whole(both.server, "x", 1);
    assert_ok(pyossl_conn_wait_input(both.client));
    read_whole(both.client, "x", 1);
    pair_free(&both);
}

/* Pipes cannot be looked into. */
static void test_pipes(void **state)
{
    pair both;
    int flags;

    (void)state;
    pair_establish(&both, PAIR_TLS1_2, PAIR_PIPES, 0);
    flags = fcntl(both.client_fds[0], F_GETFL);
    assert_int_equal(fcntl(both.client_fds[0], F_SETFL, flags | O_NONBLOCK), 0);
    assert_status(pyossl_conn_wait_input(both.client), PYOSSL_WANT_READ);
    assert_int_equal(fcntl(both.client_fds[0], F_SETFL, flags), 0);
    write_whole(both.server, "x", 1);
    (void)pair_move(&both);
    assert_ok(pyossl_conn_wait_input(both.client));
    read_whole(both.client, "x", 1);
    pair_free(&both);
}

static void test_nothing_to_wait_for(void **state)
{
    pair both;
    pyossl_conn *conn;

    (void)state;
    pair_contexts(&both, PAIR_TLS1_3);
    assert_ok(pyossl_conn_new(&conn, both.client_ctx));
    assert_fails(pyossl_conn_wait_input(conn), PYOSSL_E_STATE);
    pyossl_conn_unref(conn);
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_fails(pyossl_conn_wait_input(both.client), PYOSSL_E_STATE);
    pair_disconnect(&both);
    pair_connect(&both, PAIR_SOCKET, 0);
    pyossl_conn_detach(both.client);
    assert_fails(pyossl_conn_wait_input(both.client), PYOSSL_E_SYSTEM);
    assert_int_equal(pyossl_error_errno(pyossl_error_last()), EBADF);
    pair_free(&both);
}

static void test_na_015_the_end(void **state)
{
    unsigned char byte;
    size_t done;
    pair both;

    (void)state;
    establish(&both, PAIR_TLS1_3);
    assert_int_equal(shutdown(both.server_fds[1], SHUT_WR), 0);
    assert_ok(pyossl_conn_wait_input(both.client));
    assert_status(pyossl_conn_read(both.client, &byte, 1, &done), PYOSSL_TRUNCATED);
    assert_ok(pyossl_conn_wait_input(both.client));
    assert_status(pyossl_conn_read(both.client, &byte, 1, &done), PYOSSL_TRUNCATED);
    pair_free(&both);
}

/* Two connected sockets of TCP, as only these are reset. */
static void connect_tcp(int fds[2])
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t len = sizeof address;
    const int listener = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(listener >= 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    fds[0] = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fds[0], (struct sockaddr *)&address, len), 0);
    fds[1] = accept(listener, NULL, NULL);
    assert_true(fds[1] >= 0);
    close(listener);
}

/* A socket tells once that it was reset: to the wait, which hands it on to the read. */
static void test_a_reset_is_told_by_the_read(void **state)
{
    const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
    unsigned char byte;
    size_t done;
    pair both;
    pyossl_conn *conn;
    int fds[2];

    (void)state;
    pair_contexts(&both, PAIR_TLS1_3);
    connect_tcp(fds);
    assert_ok(pyossl_conn_new(&conn, both.client_ctx));
    assert_ok(pyossl_conn_set_role(conn, PYOSSL_CLIENT));
    assert_ok(pyossl_conn_use_fd(conn, fds[0]));
    assert_status(pyossl_conn_handshake(conn), PYOSSL_WANT_READ);
    assert_int_equal(setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    close(fds[1]);
    assert_ok(pyossl_conn_wait_input(conn));
    assert_fails(pyossl_conn_read(conn, &byte, 1, &done), PYOSSL_E_SYSTEM);
    assert_int_equal(pyossl_error_errno(pyossl_error_last()), ECONNRESET);
    assert_status(pyossl_conn_read(conn, &byte, 1, &done), PYOSSL_TRUNCATED);
    pyossl_conn_unref(conn);
    close(fds[0]);
    pair_free(&both);
}

static void on_alarm(int number)
{
    (void)number;
}

static void test_na_025_a_signal_ends_the_wait(void **state)
{
    const struct itimerval soon = { .it_value = { .tv_usec = 20000 },
                                    .it_interval = { .tv_usec = 20000 } };
    const struct itimerval never = { .it_value = { .tv_sec = 0 } };
    struct sigaction action;
    pair both;

    (void)state;
    establish(&both, PAIR_TLS1_3);
    memset(&action, 0, sizeof action);
    action.sa_handler = on_alarm;
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
    assert_fails(pyossl_conn_wait_input(both.client), PYOSSL_E_SYSTEM);
    assert_int_equal(pyossl_error_errno(pyossl_error_last()), EINTR);
    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    pair_free(&both);
}

static void *wait_and_answer(void *arg)
{
    return pyossl_conn_wait_input(arg) == PYOSSL_OK ? arg : NULL;
}

/* One thread waits while another reads the very record: the rest stays in order. */
static void test_na_082_a_read_beside_the_wait(void **state)
{
    pair both;

    (void)state;
    establish(&both, PAIR_TLS1_3);
    for (int round = 0; round < 200; round++) {
        pthread_t waiter;
        void *result;
        size_t done;
        unsigned char buf[64];

        assert_int_equal(pthread_create(&waiter, NULL, wait_and_answer, both.client), 0);
        write_whole(both.server, "the first of two records", 24);
        while (pyossl_conn_read(both.client, buf, sizeof buf, &done) != PYOSSL_OK)
            ;
        assert_memory_equal(buf, "the first of two records", 24);
        write_whole(both.server, "2nd", 3);
        assert_int_equal(pthread_join(waiter, &result), 0);
        assert_non_null(result);
        read_whole(both.client, "2nd", 3);
        assert_int_equal(osl_queue_len(&both.client->transport.in), 0);
    }
    pair_free(&both);
}

static unsigned int quick(SSL *ssl, unsigned int timer_us)
{
    (void)ssl;
    (void)timer_us;
    return 20000;
}

/* A wait ends when something has to be sent again; then the next exchange does. */
static void test_na_225_waiting_minds_the_timer(void **state)
{
    unsigned char byte[2048];
    int fds[2];
    pair both;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
    pair_contexts(&both, PAIR_DTLS1_2);
    assert_ok(pyossl_conn_new(&both.client, both.client_ctx));
    assert_ok(pyossl_conn_set_role(both.client, PYOSSL_CLIENT));
    assert_ok(pyossl_conn_use_fd(both.client, fds[0]));
    DTLS_set_timer_cb(both.client->ssl, quick);
    for (int i = 0; i < 3; i++) {
        assert_status(pyossl_conn_handshake(both.client), PYOSSL_WANT_READ);
        assert_true(recv(fds[1], byte, sizeof byte, MSG_DONTWAIT) > 0);
        assert_status(pyossl_conn_wait(both.client, PYOSSL_WANT_READ, 0), PYOSSL_WANT_READ);
        assert_ok(pyossl_conn_wait(both.client, PYOSSL_WANT_READ, i == 1 ? 60000 : -1));
    }
    pyossl_conn_unref(both.client);
    both.client = NULL;
    pair_free(&both);
    close(fds[0]);
    close(fds[1]);
}

/* What cannot be moved through a descriptor at all is not waited for. */
static void test_na_226_wrong_ends(void **state)
{
    int fds[2], number = 0;
    unsigned char byte = 0;
    size_t done = 9;

    (void)state;
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(osl_fd_write(fds[0], &byte, 1, &done, &number), PYOSSL_E_SYSTEM);
    assert_int_equal(number, EBADF);
    assert_int_equal(osl_fd_read(fds[1], &byte, 1, false, &done, &number), PYOSSL_E_SYSTEM);
    assert_int_equal(number, EBADF);
    assert_int_equal(osl_fd_read(fds[0], &byte, 1, false, &done, &number), PYOSSL_WANT_READ);
    assert_int_equal(osl_fd_write(fds[1], &byte, 1, &done, &number), PYOSSL_OK);
    assert_int_equal(done, 1);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_022_no_more_is_read_than_one_record),
        cmocka_unit_test(test_what_was_seen_before_a_read_is_forgotten),
        cmocka_unit_test(test_part_of_a_record_is_worth_a_try),
        cmocka_unit_test(test_noise_is_no_record),
        cmocka_unit_test(test_a_record_does_not_begin_in_another),
        cmocka_unit_test(test_handshake_behind_waits),
        cmocka_unit_test(test_waits_as_the_descriptor_does),
        cmocka_unit_test(test_pipes),
        cmocka_unit_test(test_nothing_to_wait_for),
        cmocka_unit_test(test_na_015_the_end),
        cmocka_unit_test(test_a_reset_is_told_by_the_read),
        cmocka_unit_test(test_na_025_a_signal_ends_the_wait),
        cmocka_unit_test(test_na_082_a_read_beside_the_wait),
        cmocka_unit_test(test_na_225_waiting_minds_the_timer),
        cmocka_unit_test(test_na_226_wrong_ends),
    };

    return cmocka_run_group_tests_name("wait_input", tests, NULL, NULL);
}
