/* Connections from birth to death: transports, memory, callbacks that misbehave, fork. */
#include "pair.h"
#include "test.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pyossl/callbacks.h"
#include "pyossl/info.h"
#include "ssl/tls.h"

static pyossl_conn *new_conn(pyossl_ctx *ctx)
{
    pyossl_conn *conn = NULL;

    assert_ok(pyossl_conn_new(&conn, ctx));
    return conn;
}

/* ---- transports ---- */

static void test_without_transport(void **state)
{
    pyossl_ctx *ctx = NULL;
    pyossl_conn *conn;
    unsigned char byte;
    size_t done = 5;
    int complete = 5;

    (void)state;
    assert_ok(pyossl_ctx_new(&ctx, PYOSSL_TLS));
    conn = new_conn(ctx);
    assert_ptr_equal(pyossl_conn_ctx(conn), ctx);
    pyossl_ctx_unref(ctx); /* the connection has it */
    assert_null(pyossl_conn_userdata(conn));
    pyossl_conn_set_userdata(conn, &byte);
    assert_ptr_equal(pyossl_conn_userdata(conn), &byte);
    assert_ok(pyossl_conn_set_role(conn, PYOSSL_CLIENT));
    assert_fails(pyossl_conn_handshake(conn), PYOSSL_E_STATE);
    assert_fails(pyossl_conn_read(conn, &byte, 1, &done), PYOSSL_E_STATE);
    assert_fails(pyossl_conn_write(conn, "x", 1, &done), PYOSSL_E_STATE);
    assert_fails(pyossl_conn_shutdown(conn, &complete), PYOSSL_E_STATE);
    assert_int_equal(complete, 5);
    assert_fails(pyossl_conn_feed(conn, "x", 1, &done), PYOSSL_E_STATE);
    assert_fails(pyossl_conn_feed_eof(conn), PYOSSL_E_STATE);
    assert_fails(pyossl_conn_drain(conn, &byte, 1, &done), PYOSSL_E_STATE);
    assert_fails(pyossl_conn_set_memory_limit(conn, 1), PYOSSL_E_STATE);
    assert_fails(pyossl_conn_wait(conn, PYOSSL_WANT_READ, 0), PYOSSL_E_STATE);
    assert_int_equal(pyossl_conn_fd(conn), -1);
    assert_int_equal(pyossl_conn_begun(conn), 0);
    pyossl_conn_unref(conn);
    pyossl_conn_unref(NULL);
}

/* The texts are OpenSSL's, and the connection is none the worse. */
static void test_without_side(void **state)
{
    pyossl_ctx *ctx = NULL;
    pyossl_conn *conn;
    unsigned char byte;
    size_t done;
    int complete;

    (void)state;
    assert_ok(pyossl_ctx_new(&ctx, PYOSSL_TLS));
    conn = new_conn(ctx);
    assert_ok(pyossl_conn_use_memory(conn));
    assert_fails(pyossl_conn_handshake(conn), PYOSSL_E_STATE);
    assert_string_equal(test_reason(), "connection type not set");
    assert_fails(pyossl_conn_read(conn, &byte, 1, &done), PYOSSL_E_STATE);
    assert_string_equal(test_reason(), "uninitialized");
    assert_fails(pyossl_conn_write(conn, "x", 1, &done), PYOSSL_E_STATE);
    assert_string_equal(test_reason(), "uninitialized");
    assert_fails(pyossl_conn_shutdown(conn, &complete), PYOSSL_E_STATE);
    assert_string_equal(test_reason(), "uninitialized");
    assert_false(pyossl_conn_begun(conn));
    assert_fails(pyossl_conn_set_role(conn, (pyossl_role)0), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_conn_set_role(conn, (pyossl_role)3), PYOSSL_E_ARGUMENT);
    assert_ok(pyossl_conn_set_role(conn, PYOSSL_SERVER));
    assert_ok(pyossl_conn_set_role(conn, PYOSSL_CLIENT));
    assert_status(pyossl_conn_handshake(conn), PYOSSL_WANT_READ);
    assert_true(pyossl_conn_begun(conn));
    assert_true(pyossl_conn_drainable(conn) > 0);
    assert_fails(pyossl_conn_set_role(conn, PYOSSL_SERVER), PYOSSL_E_STATE);
    pyossl_conn_unref(conn);
    pyossl_ctx_unref(ctx);
}

static void test_transport_is_given_once(void **state)
{
    pyossl_transport lacks_read = script_transport, lacks_write = script_transport,
                     sizeless = script_transport, larger = script_transport;
    pyossl_ctx *ctx = NULL;
    pyossl_conn *conn;
    script play, other;
    wire in = { 0 }, out = { 0 };

    (void)state;
    lacks_read.read = NULL;
    lacks_write.write = NULL;
    sizeless.size = 0;
    script_init(&play, &in, &out);
    script_init(&other, &in, &out);
    assert_ok(pyossl_ctx_new(&ctx, PYOSSL_TLS));
    conn = new_conn(ctx);
    assert_fails(pyossl_conn_use_fd(conn, -1), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_conn_use_fds(conn, 0, -1), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_conn_use_transport(conn, &sizeless, &play), PYOSSL_E_ARGUMENT);
    sizeless.size = offsetof(pyossl_transport, release); /* less than the first version had */
    assert_fails(pyossl_conn_use_transport(conn, &sizeless, &play), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_conn_use_transport(conn, &lacks_read, &play), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_conn_use_transport(conn, &lacks_write, &play), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_conn_use_transports(conn, &lacks_read, &play, &larger, &other),
                 PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_conn_use_transports(conn, &larger, &play, &lacks_write, &other),
                 PYOSSL_E_ARGUMENT);
    assert_int_equal(play.released + other.released, 0);

    /* Each end needs its own function only; a struct of a later version may be larger. */
    larger.size += 64;
    assert_ok(pyossl_conn_use_transports(conn, &lacks_write, &play, &lacks_read, &other));
    assert_fails(pyossl_conn_use_memory(conn), PYOSSL_E_STATE);
    assert_fails(pyossl_conn_use_fd(conn, 0), PYOSSL_E_STATE);
    assert_fails(pyossl_conn_use_transport(conn, &script_transport, &play), PYOSSL_E_STATE);
    assert_int_equal(play.released + other.released, 0);
    pyossl_conn_unref(conn);
    assert_int_equal(play.released, 1);
    assert_int_equal(other.released, 1);

    conn = new_conn(ctx);
    assert_ok(pyossl_conn_use_transport(conn, &script_transport, &play));
    pyossl_conn_unref(conn);
    assert_int_equal(play.released, 2);
    pyossl_ctx_unref(ctx);
}

static void test_na_073_one_bio_for_both_directions(void **state)
{
    pyossl_ctx *ctx = NULL;
    pyossl_conn *conn;

    (void)state;
    assert_ok(pyossl_ctx_new(&ctx, PYOSSL_TLS));
    conn = new_conn(ctx);
    assert_ok(pyossl_conn_use_memory(conn));
    assert_non_null(SSL_get_rbio(conn->ssl));
    assert_ptr_equal(SSL_get_rbio(conn->ssl), SSL_get_wbio(conn->ssl));
    pyossl_conn_unref(conn);
    pyossl_ctx_unref(ctx);
}

static void test_na_092_detached(void **state)
{
    static const pair_kind kinds[] = { PAIR_MEMORY, PAIR_SOCKET, PAIR_USER };
    unsigned char byte;
    size_t done = 9;
    int complete;
    pair both;

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(kinds); i++) {
        pair_establish(&both, PAIR_TLS1_3, kinds[i], 0);
        pyossl_conn_detach(both.client);
        pyossl_conn_detach(both.client);
        assert_fails(pyossl_conn_read(both.client, &byte, 1, &done), PYOSSL_E_SYSTEM);
        assert_int_equal(pyossl_error_errno(pyossl_error_last()), EBADF);
        assert_fails(pyossl_conn_write(both.client, "x", 1, &done), PYOSSL_E_SYSTEM);
        assert_int_equal(pyossl_error_errno(pyossl_error_last()), EBADF);
        assert_int_equal(pyossl_conn_fd(both.client), -1);
        if (kinds[i] == PAIR_SOCKET) {
            assert_fails(pyossl_conn_wait(both.client, PYOSSL_WANT_READ, 0), PYOSSL_E_SYSTEM);
            assert_int_equal(recv(both.server_fds[0], &byte, 1, MSG_DONTWAIT), -1);
        }
        if (kinds[i] == PAIR_MEMORY)
            assert_fails(pyossl_conn_feed(both.client, "x", 1, &done), PYOSSL_E_SYSTEM);
        if (kinds[i] == PAIR_USER)
            assert_int_equal(both.client_script.released, 1);
        assert_fails(pyossl_conn_use_memory(both.client), PYOSSL_E_STATE);
        assert_false(pyossl_conn_shutdown(both.client, &complete) == PYOSSL_OK);
        pair_free(&both);
        if (kinds[i] == PAIR_USER)
            assert_int_equal(both.client_script.released, 1);
    }
}

/* ---- memory ---- */

static void test_memory_ends_and_limits(void **state)
{
    unsigned char buf[64];
    size_t done = 0, rounds = 0;
    pair both;

    (void)state;
    pair_establish(&both, PAIR_TLS1_2, PAIR_MEMORY, 0);
    while (pair_move(&both))
        continue;
    assert_int_equal(pyossl_conn_drainable(both.client), 0);
    done = 77;
    assert_status(pyossl_conn_drain(both.client, buf, sizeof buf, &done), PYOSSL_WANT_READ);
    assert_int_equal(done, 77);
    assert_fails(pyossl_conn_drain(both.client, NULL, 1, &done), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_conn_feed(both.client, NULL, 1, &done), PYOSSL_E_ARGUMENT);
    assert_ok(pyossl_conn_feed(both.client, NULL, 0, &done)); /* NA-031 */
    assert_int_equal(done, 0);

    /* NA-043: what nobody drains cannot grow for ever. */
    assert_ok(pyossl_conn_set_memory_limit(both.client, 40000));
    while (pyossl_conn_write(both.client, buf, sizeof buf, &done) == PYOSSL_OK)
        assert_true(++rounds < 10000);
    assert_true(pyossl_conn_wants_write(both.client));
    assert_true(pyossl_conn_drainable(both.client) <= 40000);
    while (pyossl_conn_feed(both.client, buf, sizeof buf, &done) == PYOSSL_OK)
        assert_true(++rounds < 10000);
    assert_status(pyossl_conn_feed(both.client, buf, 1, &done), PYOSSL_WANT_WRITE);
    pair_disconnect(&both);

    /* NA-018 */
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_ok(pyossl_conn_feed_eof(both.client));
    assert_fails(pyossl_conn_feed(both.client, "x", 1, &done), PYOSSL_E_STATE);
    assert_status(pyossl_conn_handshake(both.client), PYOSSL_TRUNCATED);
    assert_status(pyossl_conn_handshake(both.client), PYOSSL_TRUNCATED);
    pair_free(&both);
}

/* As much as @to has room for. */
static void move_within_limit(pyossl_conn *from, pyossl_conn *to, size_t limit)
{
    unsigned char buf[128];
    size_t got = 0, put = 0;

    if (osl_queue_len(&to->transport.in) == limit)
        return;
    if (pyossl_conn_drain(from, buf, limit - osl_queue_len(&to->transport.in), &got) != PYOSSL_OK)
        return;
    assert_ok(pyossl_conn_feed(to, buf, got, &put));
    assert_int_equal(put, got);
}

/* A limit smaller than a flight only slows a handshake down. */
static void test_handshake_under_a_limit(void **state)
{
    enum { LIMIT = 100 };
    pyossl_status client = PYOSSL_WANT_READ, server = PYOSSL_WANT_READ;
    bool waited_to_write = false;
    unsigned char byte;
    size_t done;
    pair both;

    (void)state;
    pair_contexts(&both, PAIR_TLS1_3);
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_ok(pyossl_conn_set_memory_limit(both.client, LIMIT));
    assert_ok(pyossl_conn_set_memory_limit(both.server, LIMIT));
    for (int i = 0; i < 1000 && (client != PYOSSL_OK || server != PYOSSL_OK); i++) {
        client = pyossl_conn_handshake(both.client);
        assert_true(client == PYOSSL_OK || pyossl_is_retry(client));
        move_within_limit(both.client, both.server, LIMIT);
        server = pyossl_conn_handshake(both.server);
        assert_true(server == PYOSSL_OK || pyossl_is_retry(server));
        move_within_limit(both.server, both.client, LIMIT);
        if (client == PYOSSL_OK) /* for the tickets */
            assert_status(pyossl_conn_read(both.client, &byte, 1, &done), PYOSSL_WANT_READ);
        waited_to_write |= pyossl_conn_wants_write(both.server);
        assert_true(pyossl_conn_drainable(both.server) <= LIMIT);
    }
    assert_status(client, PYOSSL_OK);
    assert_status(server, PYOSSL_OK);
    assert_true(waited_to_write);
    pair_free(&both);
}

/* ---- callbacks that misbehave ---- */

static int reentered;

static void try_everything(pyossl_conn *conn)
{
    unsigned char byte;
    size_t done;
    int number;

    assert_fails(pyossl_conn_handshake(conn), PYOSSL_E_STATE);
    assert_fails(pyossl_conn_read(conn, &byte, 1, &done), PYOSSL_E_STATE);
    assert_fails(pyossl_conn_peek(conn, &byte, 1, &done), PYOSSL_E_STATE);
    assert_fails(pyossl_conn_write(conn, "x", 1, &done), PYOSSL_E_STATE);
    assert_fails(pyossl_conn_shutdown(conn, &number), PYOSSL_E_STATE);
    assert_fails(pyossl_conn_renegotiate(conn), PYOSSL_E_STATE);
    assert_fails(pyossl_conn_key_update(conn, 0), PYOSSL_E_STATE);
    assert_fails(pyossl_conn_verify_client_post_handshake(conn), PYOSSL_E_STATE);
    assert_fails(pyossl_conn_set_role(conn, PYOSSL_CLIENT), PYOSSL_E_STATE);
    assert_fails(pyossl_conn_use_memory(conn), PYOSSL_E_STATE);
    assert_int_equal(pyossl_conn_established(conn) & ~1, 0);
    assert_non_null(pyossl_conn_state_string(conn));
    reentered++;
}

static pyossl_answer reenter_verify(pyossl_conn *conn, const pyossl_verify_event *event,
                                    void *userdata)
{
    (void)event;
    (void)userdata;
    try_everything(conn);
    return PYOSSL_ANSWER_ACCEPT;
}

static void reenter_info(pyossl_conn *conn, int where, int ret, void *userdata)
{
    (void)where;
    (void)ret;
    (void)userdata;
    try_everything(conn);
}

static pyossl_answer reenter_servername(pyossl_conn *conn, void *userdata)
{
    (void)userdata;
    try_everything(conn);
    return PYOSSL_ANSWER_ACCEPT;
}

static void reenter_session(pyossl_conn *conn, pyossl_session *session, void *userdata)
{
    (void)session;
    (void)userdata;
    try_everything(conn);
}

static void test_na_061_callbacks_cannot_reenter(void **state)
{
    static const int versions[] = { PAIR_TLS1_2, PAIR_TLS1_3 };
    pair both;

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(versions); i++) {
        reentered = 0;
        pair_contexts(&both, versions[i]);
        assert_ok(
            pyossl_ctx_set_verify(both.client_ctx, PYOSSL_VERIFY_PEER, reenter_verify, NULL, NULL));
        assert_ok(pyossl_ctx_set_info(both.client_ctx, reenter_info, NULL, NULL));
        assert_ok(pyossl_ctx_set_new_session(both.client_ctx, reenter_session, NULL, NULL));
        assert_ok(pyossl_ctx_set_servername(both.server_ctx, reenter_servername, NULL, NULL));
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_ok(pair_handshake(&both));
        pair_send(&both, both.server, both.client, "x", 1);
        assert_true(reentered > 5);
        pair_shutdown(&both);
        pair_free(&both);
    }
}

static pyossl_answer drop_last(pyossl_conn *conn, const pyossl_verify_event *event, void *userdata)
{
    pair *both = userdata;

    (void)event;
    if (both->client == conn) {
        both->client = NULL;
        pyossl_conn_unref(conn);
    }
    return PYOSSL_ANSWER_ACCEPT;
}

static void test_na_053_last_reference_dropped_in_a_callback(void **state)
{
    pyossl_conn *client;
    pair both;

    (void)state;
    pair_contexts(&both, PAIR_TLS1_3);
    assert_ok(pyossl_ctx_set_verify(both.client_ctx, PYOSSL_VERIFY_PEER, drop_last, &both, NULL));
    pair_connect(&both, PAIR_USER, 0);
    client = both.client;
    assert_status(pyossl_conn_handshake(client), PYOSSL_WANT_READ);
    assert_status(pyossl_conn_handshake(both.server), PYOSSL_WANT_READ);
    assert_ok(pyossl_conn_handshake(client)); /* finishes, and only then is it gone */
    assert_null(both.client);
    assert_int_equal(both.client_script.released, 1);
    assert_ok(pyossl_conn_handshake(both.server));
    pair_free(&both);
}

static pyossl_answer drop_and_take(pyossl_conn *conn, const pyossl_verify_event *event,
                                   void *userdata)
{
    pyossl_conn **kept = userdata;

    (void)event;
    if (*kept == NULL) {
        pyossl_conn_unref(conn);
        *kept = pyossl_conn_ref(conn);
    }
    return PYOSSL_ANSWER_ACCEPT;
}

/* What a callback sees is alive: it may have a reference although the last was dropped. */
static void test_na_053_reference_taken_after_the_last_was_dropped(void **state)
{
    pyossl_conn *kept = NULL;
    pair both;

    (void)state;
    pair_contexts(&both, PAIR_TLS1_3);
    assert_ok(
        pyossl_ctx_set_verify(both.client_ctx, PYOSSL_VERIFY_PEER, drop_and_take, &kept, NULL));
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_ok(pair_handshake(&both));
    assert_ptr_equal(kept, both.client);
    pair_send(&both, both.server, both.client, "x", 1);
    pair_free(&both);
}

static pyossl_answer detach_inside(pyossl_conn *conn, const pyossl_verify_event *event,
                                   void *userdata)
{
    script *play = userdata;

    (void)event;
    pyossl_conn_detach(conn);
    assert_int_equal(play->released, 0); /* it is in use */
    return PYOSSL_ANSWER_ACCEPT;
}

static void test_detached_in_a_callback(void **state)
{
    pair both;

    (void)state;
    pair_contexts(&both, PAIR_TLS1_3);
    assert_ok(pyossl_ctx_set_verify(both.client_ctx, PYOSSL_VERIFY_PEER, detach_inside,
                                    &both.client_script, NULL));
    pair_connect(&both, PAIR_USER, 0);
    assert_fails(pair_handshake(&both), PYOSSL_E_SYSTEM);
    assert_int_equal(pyossl_error_errno(pyossl_error_last()), EBADF);
    /* And so it stays, with the number it had. */
    assert_fails(pyossl_conn_handshake(both.client), PYOSSL_E_SYSTEM);
    assert_int_equal(pyossl_error_errno(pyossl_error_last()), EBADF);
    assert_int_equal(both.client_script.released, 1);
    pair_free(&both);
}

/* ---- fork ---- */

static int in_child(pair *both)
{
    unsigned char byte;
    size_t done;
    int complete;
    int wrong = 0;

    wrong |= pyossl_conn_write(both->client, "x", 1, &done) != PYOSSL_E_STATE;
    wrong |= pyossl_conn_read(both->client, &byte, 1, &done) != PYOSSL_E_STATE;
    wrong |= pyossl_conn_handshake(both->client) != PYOSSL_E_STATE;
    wrong |= pyossl_conn_shutdown(both->client, &complete) != PYOSSL_E_STATE;
    wrong |= pyossl_conn_renegotiate(both->client) != PYOSSL_E_STATE;
    pyossl_conn_unref(both->client);
    pyossl_conn_unref(both->server);
    return wrong;
}

static void test_na_090_child_of_fork(void **state)
{
    unsigned char byte;
    int status;
    pid_t pid;
    pair both;

    (void)state;
    pair_establish(&both, PAIR_TLS1_2, PAIR_SOCKET, 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        leave(in_child(&both));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(recv(both.server_fds[0], &byte, 1, MSG_DONTWAIT), -1);
    assert_int_equal(recv(both.client_fds[0], &byte, 1, MSG_DONTWAIT), -1);
    pair_send(&both, both.client, both.server, "parent", 6);
    pair_free(&both);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_transport),
        cmocka_unit_test(test_without_side),
        cmocka_unit_test(test_transport_is_given_once),
        cmocka_unit_test(test_na_073_one_bio_for_both_directions),
        cmocka_unit_test(test_na_092_detached),
        cmocka_unit_test(test_memory_ends_and_limits),
        cmocka_unit_test(test_handshake_under_a_limit),
        cmocka_unit_test(test_na_061_callbacks_cannot_reenter),
        cmocka_unit_test(test_na_053_last_reference_dropped_in_a_callback),
        cmocka_unit_test(test_na_053_reference_taken_after_the_last_was_dropped),
        cmocka_unit_test(test_detached_in_a_callback),
        cmocka_unit_test(test_na_090_child_of_fork),
    };

    return cmocka_run_group_tests_name("conn", tests, NULL, NULL);
}
