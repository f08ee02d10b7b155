/* What a connection holds while nothing happens, and records that arrive in pieces. */
#include "pair.h"
#include "test.h"

#include <stdlib.h>

#include <openssl/crypto.h>

#include "pyossl/info.h"

/* ---- counting memory ---- */

enum { HEADER = 16 }; /* keeps blocks aligned */

static size_t live;

static void *count_malloc(size_t size, const char *file, int line)
{
    unsigned char *block = size > 0 ? malloc(size + HEADER) : NULL;

    (void)file;
    (void)line;
    if (block == NULL)
        return NULL;
    memcpy(block, &size, sizeof size);
    live += size;
    return block + HEADER;
}

static void count_free(void *data, const char *file, int line)
{
    unsigned char *block = data != NULL ? (unsigned char *)data - HEADER : NULL;
    size_t size;

    (void)file;
    (void)line;
    if (block == NULL)
        return;
    memcpy(&size, block, sizeof size);
    live -= size;
    free(block);
}

static void *count_realloc(void *data, size_t size, const char *file, int line)
{
    void *larger = count_malloc(size, file, line);
    size_t old;

    if (data == NULL || larger == NULL)
        return larger;
    memcpy(&old, (unsigned char *)data - HEADER, sizeof old);
    memcpy(larger, data, old < size ? old : size);
    count_free(data, file, line);
    return larger;
}

/* ---- tests ---- */

static const int versions[] = { PAIR_TLS1_2, PAIR_TLS1_3 };

/* No more is held after a handshake than after an exchange of data, when OpenSSL gives back all. */
static void test_a_handshake_leaves_no_buffers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        unsigned char buf[8];
        size_t done, before;
        pair both;

        pair_establish(&both, versions[i], PAIR_MEMORY, 0);
        assert_status(pair_read(&both, both.client, buf, sizeof buf, &done), PYOSSL_WANT_READ);
        before = live;
        pair_send(&both, both.client, both.server, "ping", 4);
        pair_send(&both, both.server, both.client, "pong", 4);
        assert_true(before < live + 4096);
        pair_free(&both);
    }
}

/* One byte after the other, looked for each time; wishes and handshakes between. */
static void test_records_in_pieces(void **state)
{
    static const char data[] = "a record in as many pieces as it has bytes";

    (void)state;
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        unsigned char record[256], buf[256];
        size_t len, done, put;
        pyossl_status status = PYOSSL_WANT_READ;
        pair both;

        pair_establish(&both, versions[i], PAIR_MEMORY, 0);
        (void)!pair_read(&both, both.client, buf, sizeof buf, &done);
        for (int round = 0; round < 3; round++) {
            assert_ok(pyossl_conn_write(both.server, data, sizeof data, &done));
            assert_ok(pyossl_conn_drain(both.server, record, sizeof record, &len));
            for (size_t at = 0; at < len; at++) {
                assert_ok(pyossl_conn_feed(both.client, record + at, 1, &put));
                if (round == 1)
                    assert_ok(pyossl_conn_handshake(both.client));
                if (round == 2 && at == 7 && versions[i] == PAIR_TLS1_3) {
                    assert_ok(pyossl_conn_key_update(both.client, 0));
                    assert_ok(pyossl_conn_handshake(both.client));
                }
                memset(buf, 0, sizeof buf);
                status = at % 2 == 0 ? pyossl_conn_peek(both.client, buf, sizeof buf, &done)
                                     : pyossl_conn_read(both.client, buf, sizeof buf, &done);
                if (at + 1 < len)
                    assert_status(status, PYOSSL_WANT_READ);
            }
            if (status != PYOSSL_OK || len % 2 == 1)
                status = pyossl_conn_read(both.client, buf, sizeof buf, &done);
            assert_status(status, PYOSSL_OK);
            assert_int_equal(done, sizeof data);
            assert_memory_equal(buf, data, sizeof data);
        }
        pair_free(&both);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_handshake_leaves_no_buffers),
        cmocka_unit_test(test_records_in_pieces),
    };

    if (CRYPTO_set_mem_functions(count_malloc, count_realloc, count_free) != 1)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
