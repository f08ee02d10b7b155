/* Two threads on each end of one connection: a lock around each call, none around the waits. */
#include "test.h"

#include <pthread.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "pair.h"

enum { TOTAL = 4 << 20, CHUNK = 10000, TIMEOUT_MS = 20000 };

typedef struct end {
    pyossl_conn *conn;
    pthread_mutex_t lock;
    unsigned char seed; /* of what it sends */
    bool sent, received;
    pyossl_status failure;
} end;

static unsigned char byte_at(size_t position, unsigned char seed)
{
    return (unsigned char)(position * 7 + position / 251 + seed);
}

/* The thread that reads may hold the lock while OpenSSL works, but not while the network does not.
 */
static pyossl_status step(end *self, bool writing, void *bytes, size_t len, size_t *done)
{
    for (;;) {
        pyossl_status status;

        pthread_mutex_lock(&self->lock);
        status = writing ? pyossl_conn_write(self->conn, bytes, len, done)
                         : pyossl_conn_read(self->conn, bytes, len, done);
        pthread_mutex_unlock(&self->lock);
        if (!pyossl_is_retry(status))
            return status;
        status = pyossl_conn_wait(self->conn, status, TIMEOUT_MS);
        if (status != PYOSSL_OK)
            return status;
    }
}

static void *send_all(void *arg)
{
    unsigned char bytes[CHUNK];
    end *self = arg;
    size_t position = 0, done;

    while (position < TOTAL) {
        const size_t len = TOTAL - position < CHUNK ? TOTAL - position : CHUNK;
        pyossl_status status;

        for (size_t i = 0; i < len; i++)
            bytes[i] = byte_at(position + i, self->seed);
        status = step(self, true, bytes, len, &done);
        if (status != PYOSSL_OK) {
            self->failure = status;
            return NULL;
        }
        position += done;
    }
    self->sent = true;
    return NULL;
}

static void *receive_all(void *arg)
{
    unsigned char bytes[CHUNK];
    end *self = arg;
    const unsigned char theirs = (unsigned char)(1 - self->seed);
    size_t position = 0, done;

    while (position < TOTAL) {
        const pyossl_status status = step(self, false, bytes, CHUNK, &done);

        if (status != PYOSSL_OK) {
            self->failure = status;
            return NULL;
        }
        for (size_t i = 0; i < done; i++)
            if (bytes[i] != byte_at(position + i, theirs))
                return NULL;
        position += done;
    }
    self->received = position == TOTAL;
    return NULL;
}

static void both_ways(int version)
{
    end ends[2] = { { .seed = 0 }, { .seed = 1 } };
    pthread_t threads[4];
    pair both;

    pair_establish(&both, version, PAIR_SOCKET, 0);
    ends[0].conn = both.client;
    ends[1].conn = both.server;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_mutex_init(&ends[i].lock, NULL), 0);
        assert_int_equal(pthread_create(&threads[2 * i], NULL, send_all, &ends[i]), 0);
        assert_int_equal(pthread_create(&threads[2 * i + 1], NULL, receive_all, &ends[i]), 0);
    }
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < 2; i++) {
        assert_status(ends[i].failure, PYOSSL_OK);
        assert_true(ends[i].sent);
        assert_true(ends[i].received);
        pthread_mutex_destroy(&ends[i].lock);
    }
    pair_free(&both);
}

static void test_na_081_both_ways_tls_1_2(void **state)
{
    (void)state;
    both_ways(PAIR_TLS1_2);
}

static void test_na_081_both_ways_tls_1_3(void **state)
{
    (void)state;
    both_ways(PAIR_TLS1_3);
}

static void *receive_one(void *arg)
{
    end *self = arg;
    char byte;
    size_t done;

    self->received = step(self, false, &byte, 1, &done) == PYOSSL_OK && byte == '!';
    return NULL;
}

/* One thread waits for data that only comes as an answer to what the other sends. */
static void test_na_082_waiting_keeps_nobody_from_sending(void **state)
{
    end self = { .seed = 0 };
    pthread_t reader;
    pair both;
    size_t done;
    char byte = '?';

    (void)state;
    pair_establish(&both, PAIR_TLS1_3, PAIR_SOCKET, 0);
    self.conn = both.client;
    assert_int_equal(pthread_mutex_init(&self.lock, NULL), 0);
    assert_int_equal(pthread_create(&reader, NULL, receive_one, &self), 0);
    for (int i = 0; i < 100; i++) {
        const struct timespec moment = { 0, 1000000 };
        struct timespec before, after;

        nanosleep(&moment, NULL); /* the reader waits by now */
        clock_gettime(CLOCK_MONOTONIC, &before);
        assert_status(step(&self, true, &byte, 1, &done), PYOSSL_OK);
        clock_gettime(CLOCK_MONOTONIC, &after);
        assert_between(after.tv_sec - before.tv_sec, 0, 20);
    }
    assert_false(self.received);
    assert_ok(pyossl_conn_write(both.server, "!", 1, &done));
    assert_int_equal(pthread_join(reader, NULL), 0);
    assert_true(self.received);
    pthread_mutex_destroy(&self.lock);
    pair_free(&both);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_081_both_ways_tls_1_2),
        cmocka_unit_test(test_na_081_both_ways_tls_1_3),
        cmocka_unit_test(test_na_082_waiting_keeps_nobody_from_sending),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
