/* Reading and writing; sizes, repeats, wishes, waiting. */
#include "pair.h"
#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "pyossl/info.h"
#include "ssl/tls.h"

static const int versions[] = { PAIR_TLS1_2, PAIR_TLS1_3 };

/* ---- sizes ---- */

static void test_na_029_na_030_none_is_none(void **state)
{
    unsigned char buf[8];
    size_t done = 9;
    pair both;

    (void)state;
    pair_contexts(&both, PAIR_TLS1_3);
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_ok(pyossl_conn_write(both.client, "", 0, &done));
    assert_int_equal(done, 0);
    assert_ok(pyossl_conn_read(both.client, NULL, 0, &done));
    assert_false(pyossl_conn_begun(both.client));
    assert_ok(pair_handshake(&both));
    done = 9;
    assert_ok(pyossl_conn_write(both.client, NULL, 0, &done));
    assert_int_equal(done, 0);
    done = 9;
    assert_ok(pyossl_conn_read(both.client, buf, 0, &done)); /* nothing there */
    assert_int_equal(done, 0);
    assert_ok(pyossl_conn_write(both.server, "data", 4, &done));
    pair_move(&both);
    done = 9;
    assert_ok(pyossl_conn_read(both.client, buf, 0, &done)); /* something there */
    assert_int_equal(done, 0);
    assert_ok(pyossl_conn_peek(both.client, buf, 0, &done));
    assert_ok(pyossl_conn_read(both.client, buf, sizeof buf, &done));
    assert_int_equal(done, 4);
    assert_fails(pyossl_conn_read(both.client, NULL, 1, &done), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_conn_write(both.client, NULL, 1, &done), PYOSSL_E_ARGUMENT);
    pair_free(&both);
}

static void test_na_032_more_than_2_31_bytes(void **state)
{
    const size_t huge = (size_t)5 << 30;
    unsigned char *space = mmap(NULL, huge, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    size_t done = 0;
    pair both;

    (void)state;
    assert_ptr_not_equal(space, MAP_FAILED);
    pair_establish(&both, PAIR_TLS1_3, PAIR_MEMORY, 0);
    assert_ok(pyossl_conn_write(both.client, space, huge, &done));
    assert_int_equal(done, 16384);
    pair_move(&both);
    done = 0;
    assert_ok(pyossl_conn_read(both.server, space, huge, &done));
    assert_int_equal(done, 16384);
    pair_free(&both);
    munmap(space, huge);
}

static void test_na_022_pending(void **state)
{
    static unsigned char data[16384];
    unsigned char byte;
    size_t done;
    pair both;

    (void)state;
    pair_establish(&both, PAIR_TLS1_2, PAIR_SOCKET, 0);
    assert_int_equal(pyossl_conn_pending(both.server), 0);
    assert_ok(pyossl_conn_write(both.client, data, sizeof data, &done));
    assert_int_equal(done, sizeof data);
    for (size_t i = 1; i <= 100; i++) {
        assert_ok(pyossl_conn_read(both.server, &byte, 1, &done));
        assert_int_equal(pyossl_conn_pending(both.server), sizeof data - i);
        assert_true(pyossl_conn_has_pending(both.server));
        /* The descriptor has nothing any more. */
        assert_status(pyossl_conn_wait(both.server, PYOSSL_WANT_READ, 0), PYOSSL_WANT_READ);
    }
    assert_ok(pyossl_conn_read(both.server, data, sizeof data, &done));
    assert_int_equal(done, sizeof data - 100);
    assert_int_equal(pyossl_conn_pending(both.server), 0);
    assert_false(pyossl_conn_has_pending(both.server));
    pair_free(&both);
}

/* ---- reading ---- */

static void test_reading_and_writing_shake_hands(void **state)
{
    unsigned char buf[8];
    size_t done;
    pair both;

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(versions); i++) {
        pair_contexts(&both, versions[i]);
        pair_connect(&both, PAIR_MEMORY, 0);
        for (int round = 0; round < 10; round++) {
            pyossl_status status = pyossl_conn_write(both.client, "hello", 5, &done);

            pair_move(&both);
            if (status == PYOSSL_OK)
                break;
            assert_status(status, PYOSSL_WANT_READ);
            assert_status(pyossl_conn_read(both.server, buf, sizeof buf, &done), PYOSSL_WANT_READ);
            assert_int_equal(done, 0);
            pair_move(&both);
        }
        assert_ok(pair_read(&both, both.server, buf, sizeof buf, &done));
        assert_int_equal(done, 5);
        assert_memory_equal(buf, "hello", 5);
        pair_free(&both);
    }
}

static void test_peeking_leaves_the_bytes(void **state)
{
    char buf[8] = "";
    size_t done;
    pair both;

    (void)state;
    pair_establish(&both, PAIR_TLS1_3, PAIR_MEMORY, 0);
    assert_ok(pyossl_conn_write(both.server, "abc", 3, &done));
    pair_move(&both);
    for (int i = 0; i < 3; i++) {
        memset(buf, 0, sizeof buf);
        assert_ok(pyossl_conn_peek(both.client, buf, 2, &done));
        assert_int_equal(done, 2);
        assert_string_equal(buf, "ab");
    }
    assert_ok(pyossl_conn_read(both.client, buf, sizeof buf, &done));
    assert_int_equal(done, 3);
    assert_status(pyossl_conn_peek(both.client, buf, 2, &done), PYOSSL_WANT_READ);
    pair_free(&both);
}

/* The tickets of TLS 1.3 and data in one segment: one read must deliver. */
static void test_na_023_no_false_want(void **state)
{
    char buf[8];
    size_t done;
    pair both;

    (void)state;
    pair_contexts(&both, PAIR_TLS1_3);
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_status(pyossl_conn_handshake(both.client), PYOSSL_WANT_READ);
    pair_move(&both);
    assert_status(pyossl_conn_handshake(both.server), PYOSSL_WANT_READ);
    pair_move(&both);
    assert_ok(pyossl_conn_handshake(both.client));
    pair_move(&both);
    assert_ok(pyossl_conn_handshake(both.server));
    assert_ok(pyossl_conn_write(both.server, "data", 4, &done));
    pair_move(&both);
    assert_ok(pyossl_conn_read(both.client, buf, sizeof buf, &done));
    assert_int_equal(done, 4);
    pair_free(&both);
}

/* ---- writing ---- */

/* Write until the transport is full; returns the bytes taken, the rest waits. */
static size_t fill(pyossl_conn *conn, const unsigned char *data, size_t piece)
{
    size_t sent = 0, done;
    pyossl_status status;

    while ((status = pyossl_conn_write(conn, data + sent, piece, &done)) == PYOSSL_OK) {
        sent += done;
        assert_true(sent < (4u << 20));
    }
    assert_status(status, PYOSSL_WANT_WRITE);
    assert_int_equal(done, 0);
    return sent;
}

static void read_all(pyossl_conn *conn, unsigned char *out, size_t *got)
{
    size_t done;

    while (pyossl_conn_read(conn, out + *got, 65536, &done) == PYOSSL_OK)
        *got += done;
}

static void repeat_write(size_t piece, size_t shortest, size_t repeat)
{
    const size_t room = (size_t)8 << 20;
    unsigned char *data = malloc(room), *elsewhere = malloc(room), *out = malloc(room);
    size_t sent, got = 0, done = 9;
    int complete;
    pair both;

    assert_true(data != NULL && elsewhere != NULL && out != NULL);
    for (size_t i = 0; i < room; i++)
        data[i] = (unsigned char)(i % 249);
    pair_establish(&both, PAIR_TLS1_3, PAIR_SOCKET, 0);
    sent = fill(both.client, data, piece);
    assert_true(pyossl_conn_wants_write(both.client));
    assert_false(pyossl_conn_wants_read(both.client));

    /* NA-035: shorter is refused, and no harm is done. */
    assert_fails(pyossl_conn_write(both.client, data + sent, shortest - 1, &done),
                 PYOSSL_E_ARGUMENT);
    assert_int_equal(done, 0);
    assert_ok(pyossl_conn_write(both.client, data, 0, &done));
    assert_fails(pyossl_conn_shutdown(both.client, &complete), PYOSSL_E_STATE);
    assert_fails(pyossl_conn_key_update(both.client, 0), PYOSSL_E_STATE);
    assert_status(pyossl_conn_write(both.client, data + sent, piece, &done), PYOSSL_WANT_WRITE);

    read_all(both.server, out, &got);
    memcpy(elsewhere, data + sent, repeat); /* NA-034: it may have moved */
    assert_ok(pyossl_conn_write(both.client, elsewhere, repeat, &done));
    assert_true(done > 0 && done <= repeat);
    sent += done;
    read_all(both.server, out, &got);
    assert_int_equal(got, sent);
    assert_memory_equal(out, data, sent);
    assert_ok(pyossl_conn_write(both.client, "x", 1, &done)); /* free again */
    pair_free(&both);
    free(data);
    free(elsewhere);
    free(out);
}

static void test_na_034_na_035_repeated_writes(void **state)
{
    (void)state;
    repeat_write(16000, 16000, 16000);
    repeat_write(16000, 16000, 20000); /* longer */
    repeat_write(60000, 16384, 60000); /* a record of it is what counts */
    repeat_write(60000, 16384, 16384);
}

/* A read that has to write first says so: here an answer to a KeyUpdate finds no room. */
static void test_na_021_read_wants_write(void **state)
{
    static unsigned char data[16384], out[65536];
    size_t done, got = 0;
    pyossl_status status;
    pair both;

    (void)state;
    pair_establish(&both, PAIR_TLS1_3, PAIR_MEMORY, 0);
    while (pair_move(&both))
        continue;
    assert_ok(pyossl_conn_set_memory_limit(both.server, 20000));
    assert_ok(pyossl_conn_write(both.server, data, sizeof data, &done));
    status = pyossl_conn_write(both.server, data, sizeof data, &done);
    assert_status(status, PYOSSL_WANT_WRITE);
    assert_ok(pyossl_conn_key_update(both.client, 1));
    assert_ok(pyossl_conn_write(both.client, "after", 5, &done));
    pair_move(&both);
    /* The server's room is taken by the write that waits. */
    status = pyossl_conn_read(both.server, out, sizeof out, &done);
    assert_true(status == PYOSSL_OK || status == PYOSSL_WANT_WRITE);
    while (pair_move(&both))
        continue;
    assert_ok(pyossl_conn_write(both.server, data, sizeof data, &done));
    while (pair_move(&both))
        continue;
    for (int i = 0; i < 10 && got < 2 * sizeof data; i++) {
        if (pair_read(&both, both.client, out, sizeof out, &done) == PYOSSL_OK)
            got += done;
    }
    assert_int_equal(got, 2 * sizeof data);
    pair_send(&both, both.server, both.client, "new keys", 8);
    pair_send(&both, both.client, both.server, "new keys", 8);
    pair_free(&both);
}

/* ---- errors of others ---- */

static void raise_junk(int count)
{
    for (int i = 0; i < count; i++)
        ERR_raise(ERR_LIB_SSL, SSL_R_SSL3_EXT_INVALID_SERVERNAME);
}

static void test_na_001_stale_errors_change_nothing(void **state)
{
    static const int counts[] = { 1, 16 };
    unsigned char byte;
    size_t done;
    int complete;
    pair both;

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(counts); i++) {
        const int junk = counts[i];

        pair_establish(&both, PAIR_TLS1_3, PAIR_MEMORY, 0);
        /* Away with the tickets: handling them clears the queue as well. */
        assert_status(pair_read(&both, both.client, &byte, 1, &done), PYOSSL_WANT_READ);
        raise_junk(junk);
        assert_status(pyossl_conn_read(both.client, &byte, 1, &done), PYOSSL_WANT_READ);
        assert_int_equal(ERR_peek_error(), 0);
        raise_junk(junk);
        assert_status(pyossl_conn_peek(both.client, &byte, 1, &done), PYOSSL_WANT_READ);
        raise_junk(junk);
        assert_ok(pyossl_conn_handshake(both.client));
        raise_junk(junk);
        assert_ok(pyossl_conn_write(both.client, "x", 1, &done));
        raise_junk(junk);
        assert_ok(pyossl_conn_key_update(both.client, 0));
        raise_junk(junk);
        assert_ok(pyossl_conn_write(both.client, "x", 1, &done));
        raise_junk(junk);
        assert_ok(pyossl_conn_shutdown(both.client, &complete));
        raise_junk(junk);
        assert_status(pyossl_conn_shutdown(both.client, &complete), PYOSSL_WANT_READ);
        raise_junk(junk);
        assert_fails(pyossl_conn_wait(both.client, PYOSSL_WANT_READ, 0), PYOSSL_E_STATE);
        assert_int_equal(pyossl_error_count(pyossl_error_last()), 1);
        pair_free(&both);
    }
}

/* ---- wishes ---- */

static void test_renegotiation(void **state)
{
    pair both;

    (void)state;
    pair_contexts(&both, PAIR_TLS1_2);
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_fails(pyossl_conn_renegotiate(both.client), PYOSSL_E_STATE);
    assert_ok(pair_handshake(&both));
    assert_int_equal(pyossl_conn_total_renegotiations(both.server), 0);
    assert_false(pyossl_conn_renegotiate_pending(both.server));
    assert_ok(pyossl_conn_renegotiate(both.server));
    assert_true(pyossl_conn_renegotiate_pending(both.server));
    assert_ok(pyossl_conn_handshake(both.server)); /* the request goes out */
    pair_send(&both, both.server, both.client, "meanwhile", 9);
    pair_send(&both, both.client, both.server, "still", 5);
    assert_int_equal(pyossl_conn_total_renegotiations(both.server), 1);
    assert_false(pyossl_conn_renegotiate_pending(both.server));
    pair_free(&both);

    pair_establish(&both, PAIR_TLS1_3, PAIR_MEMORY, 0);
    assert_fails(pyossl_conn_renegotiate(both.client), PYOSSL_E_OPENSSL);
    assert_string_equal(test_reason(), "wrong ssl version");
    pair_send(&both, both.client, both.server, "alive", 5);
    pair_free(&both);
}

static void test_key_update(void **state)
{
    pair both;

    (void)state;
    pair_establish(&both, PAIR_TLS1_3, PAIR_USER, 1);
    for (int i = 0; i < 5; i++) {
        assert_ok(pyossl_conn_key_update(i % 2 == 0 ? both.client : both.server, i < 3));
        pair_send(&both, both.client, both.server, "there", 5);
        pair_send(&both, both.server, both.client, "and back", 8);
    }
    pair_free(&both);

    pair_contexts(&both, PAIR_TLS1_2);
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_fails(pyossl_conn_key_update(both.client, 0), PYOSSL_E_STATE);
    assert_ok(pair_handshake(&both));
    assert_fails(pyossl_conn_key_update(both.client, 0), PYOSSL_E_OPENSSL);
    assert_fails(pyossl_conn_verify_client_post_handshake(both.server), PYOSSL_E_OPENSSL);
    pair_send(&both, both.client, both.server, "alive", 5);
    pair_free(&both);
}

static void test_client_certificate_later(void **state)
{
    pyossl_x509 *cert = NULL;
    pair both;

    (void)state;
    pair_contexts(&both, PAIR_TLS1_3);
    assert_ok(pyossl_ctx_set_post_handshake_auth(both.client_ctx, 1));
    assert_ok(pyossl_ctx_use_certificate_file(both.client_ctx, DATA("client.pem"), PYOSSL_PEM));
    assert_ok(pyossl_ctx_use_pkey_file(both.client_ctx, DATA("client-key.pem"), PYOSSL_PEM));
    assert_ok(pyossl_ctx_load_verify_locations(both.server_ctx, DATA("root.pem"), NULL));
    assert_ok(pyossl_ctx_load_verify_locations(both.server_ctx, DATA("intermediate.pem"), NULL));
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_ok(pair_handshake(&both));
    assert_fails(pyossl_conn_peer_certificate(both.server, &cert), PYOSSL_E_NOT_FOUND);
    assert_ok(pyossl_conn_set_verify(both.server, PYOSSL_VERIFY_PEER | PYOSSL_VERIFY_POST_HANDSHAKE,
                                     NULL, NULL, NULL));
    assert_ok(pyossl_conn_verify_client_post_handshake(both.server));
    assert_ok(pyossl_conn_handshake(both.server));
    pair_send(&both, both.server, both.client, "who are you?", 12);
    pair_send(&both, both.client, both.server, "me", 2);
    assert_ok(pyossl_conn_peer_certificate(both.server, &cert));
    assert_int_equal(pyossl_conn_verify_result(both.server), X509_V_OK);
    pyossl_x509_unref(cert);
    pair_free(&both);
}

/* ---- waiting ---- */

static void test_waiting(void **state)
{
    unsigned char byte;
    size_t done;
    pair both;

    (void)state;
    pair_establish(&both, PAIR_TLS1_3, PAIR_SOCKET, 0);
    assert_status(pair_read(&both, both.client, &byte, 1, &done), PYOSSL_WANT_READ);
    assert_status(pyossl_conn_wait(both.client, PYOSSL_WANT_READ, 10), PYOSSL_WANT_READ);
    assert_ok(pyossl_conn_wait(both.client, PYOSSL_WANT_WRITE, -1));
    assert_fails(pyossl_conn_wait(both.client, PYOSSL_OK, 0), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_conn_wait(both.client, PYOSSL_WANT_X509_LOOKUP, 0), PYOSSL_E_ARGUMENT);
    assert_ok(pyossl_conn_write(both.server, "x", 1, &done));
    assert_ok(pyossl_conn_wait(both.client, PYOSSL_WANT_READ, -1));
    assert_ok(pyossl_conn_read(both.client, &byte, 1, &done));
    pair_free(&both);
}

static void *wait_for_data(void *arg)
{
    const pyossl_conn *conn = arg;

    return pyossl_conn_wait(conn, PYOSSL_WANT_READ, 20000) == PYOSSL_OK ? arg : NULL;
}

/* One thread waits; the other goes on sending, until an answer comes. */
static void test_na_082_waiting_locks_nothing(void **state)
{
    unsigned char byte;
    pthread_t waiter;
    void *result;
    size_t done;
    pair both;

    (void)state;
    pair_establish(&both, PAIR_TLS1_2, PAIR_SOCKET, 0);
    assert_int_equal(pthread_create(&waiter, NULL, wait_for_data, both.client), 0);
    for (int i = 0; i < 200; i++) {
        assert_ok(pyossl_conn_write(both.client, "x", 1, &done));
        assert_ok(pyossl_conn_read(both.server, &byte, 1, &done));
    }
    assert_ok(pyossl_conn_write(both.server, "y", 1, &done));
    assert_int_equal(pthread_join(waiter, &result), 0);
    assert_non_null(result);
    assert_ok(pyossl_conn_read(both.client, &byte, 1, &done));
    pair_free(&both);
}

static void on_alarm(int number)
{
    (void)number;
}

static void test_na_025_signals_during_exchanges(void **state)
{
    const struct itimerval often = { { 0, 300 }, { 0, 300 } }, never = { { 0, 0 }, { 0, 0 } };
    struct sigaction action;
    unsigned char byte;
    size_t done;
    pair both;

    (void)state;
    pair_establish(&both, PAIR_TLS1_3, PAIR_SOCKET, 0);
    memset(&action, 0, sizeof action);
    action.sa_handler = on_alarm;
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
    for (int i = 0; i < 3000; i++) {
        assert_ok(pyossl_conn_write(both.client, "x", 1, &done));
        assert_ok(pyossl_conn_read(both.server, &byte, 1, &done));
    }
    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    /* The handler stays: one more signal may be on its way. */
    pair_free(&both);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_029_na_030_none_is_none),
        cmocka_unit_test(test_na_032_more_than_2_31_bytes),
        cmocka_unit_test(test_na_022_pending),
        cmocka_unit_test(test_reading_and_writing_shake_hands),
        cmocka_unit_test(test_peeking_leaves_the_bytes),
        cmocka_unit_test(test_na_023_no_false_want),
        cmocka_unit_test(test_na_034_na_035_repeated_writes),
        cmocka_unit_test(test_na_021_read_wants_write),
        cmocka_unit_test(test_na_001_stale_errors_change_nothing),
        cmocka_unit_test(test_renegotiation),
        cmocka_unit_test(test_key_update),
        cmocka_unit_test(test_client_certificate_later),
        cmocka_unit_test(test_waiting),
        cmocka_unit_test(test_na_082_waiting_locks_nothing),
        cmocka_unit_test(test_na_025_signals_during_exchanges),
    };

    return cmocka_run_group_tests_name("conn_io", tests, NULL, NULL);
}
