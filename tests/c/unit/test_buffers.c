/* How long a connection keeps the buffers of its records. */
#include "pair.h"
#include "test.h"

#include <openssl/ssl.h>

#include "pyossl/callbacks.h"
#include "pyossl/info.h"
#include "ssl/tls.h"

enum { MESSAGES = 16, WARM_MAX = 32 };

static bool releases(const pyossl_conn *conn)
{
    return (SSL_get_mode(conn->ssl) & SSL_MODE_RELEASE_BUFFERS) != 0;
}

/* One message after the other, none of which has to be waited for. */
static void chat(pair *both)
{
    char bytes[64] = "message";

    for (int i = 0; i < MESSAGES; i++) {
        size_t done;

        assert_ok(pyossl_conn_write(both->client, bytes, sizeof bytes, &done));
        pair_move(both);
        assert_ok(pyossl_conn_read(both->server, bytes, sizeof bytes, &done));
        assert_int_equal(done, sizeof bytes);
        assert_string_equal(bytes, "message");
    }
}

static void test_kept_until_there_is_a_wait(void **state)
{
    char byte;
    size_t done;
    pair both;

    (void)state;
    pair_establish(&both, PAIR_TLS1_3, PAIR_MEMORY, 0);
    assert_true(releases(both.client));
    chat(&both);
    assert_false(releases(both.client));
    assert_false(releases(both.server));
    /* What a program asked for is what it hears. */
    assert_true((pyossl_conn_mode(both.client) & SSL_MODE_RELEASE_BUFFERS) != 0);
    assert_status(pyossl_conn_read(both.server, &byte, 1, &done), PYOSSL_WANT_READ);
    assert_true(releases(both.server));
    assert_false(releases(both.client));
    chat(&both);
    assert_false(releases(both.server));
    pair_free(&both);
}

static void test_modes_asked_for_meanwhile(void **state)
{
    pair both;

    (void)state;
    pair_establish(&both, PAIR_TLS1_2, PAIR_MEMORY, 0);
    chat(&both);
    assert_ok(pyossl_conn_clear_mode(both.client, SSL_MODE_RELEASE_BUFFERS));
    assert_int_equal(pyossl_conn_mode(both.client) & SSL_MODE_RELEASE_BUFFERS, 0);
    chat(&both);
    assert_int_equal(pyossl_conn_mode(both.client) & SSL_MODE_RELEASE_BUFFERS, 0);
    assert_ok(pyossl_conn_set_mode(both.client, SSL_MODE_RELEASE_BUFFERS));
    assert_true(releases(both.client));
    pair_free(&both);
}

static void told(pyossl_conn *conn, int where, int ret, void *userdata)
{
    (void)where;
    (void)ret;
    (void)userdata;
    assert_int_equal(SSL_MODE_RELEASE_BUFFERS & pyossl_conn_mode(conn), SSL_MODE_RELEASE_BUFFERS);
    assert_ok(pyossl_conn_clear_mode(conn, SSL_MODE_RELEASE_BUFFERS));
    assert_ok(pyossl_conn_set_info(conn, NULL, NULL, NULL));
}

/* A handshake keeps its buffers, which is no reason to forget what a callback asks for. */
static void test_modes_asked_for_in_a_handshake(void **state)
{
    pair both;

    (void)state;
    pair_contexts(&both, PAIR_TLS1_3);
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_ok(pyossl_conn_set_info(both.client, told, NULL, NULL));
    assert_ok(pair_handshake(&both));
    assert_int_equal(pyossl_conn_mode(both.client) & SSL_MODE_RELEASE_BUFFERS, 0);
    assert_false(releases(both.client));
    assert_true(releases(both.server));
    pair_free(&both);
}

/* What idle connections keep is bounded for the process, and given back with them. */
static void test_few_connections_keep_any(void **state)
{
    static pair many[WARM_MAX];
    pair one;

    (void)state;
    for (int round = 0; round < 2; round++) {
        int kept = 0;

        for (int i = 0; i < WARM_MAX; i++) {
            pair_establish(&many[i], PAIR_TLS1_3, PAIR_MEMORY, 0);
            chat(&many[i]);
            kept += !releases(many[i].client) + !releases(many[i].server);
        }
        assert_int_equal(kept, WARM_MAX);
        pair_establish(&one, PAIR_TLS1_3, PAIR_MEMORY, 0);
        chat(&one);
        assert_true(releases(one.client));
        pair_free(&one);
        for (int i = 0; i < WARM_MAX; i++)
            pair_free(&many[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept_until_there_is_a_wait),
        cmocka_unit_test(test_modes_asked_for_meanwhile),
        cmocka_unit_test(test_modes_asked_for_in_a_handshake),
        cmocka_unit_test(test_few_connections_keep_any),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
