/* When a connection begins, when it may move to another context, and what a child may do with it. */
#include "pair.h"
#include "test.h"

#include <sys/wait.h>
#include <unistd.h>

#include "pyossl/callbacks.h"
#include "pyossl/info.h"
#include "ssl/tls.h"

static const int versions[] = { PAIR_TLS1_2, PAIR_TLS1_3 };

/* ---- beginning ---- */

static void test_what_cannot_begin(void **state)
{
    static const struct {
        int method;
        pyossl_role role;
    } wrong[] = {
        { PYOSSL_TLS_CLIENT, PYOSSL_SERVER },
        { PYOSSL_TLS_SERVER, PYOSSL_CLIENT },
        { PYOSSL_DTLS_CLIENT, PYOSSL_SERVER },
        { PYOSSL_DTLS_SERVER, PYOSSL_CLIENT },
    };

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(wrong); i++) {
        osl_auto(pyossl_ctx) *ctx = NULL;
        osl_auto(pyossl_conn) *conn = NULL;

        assert_ok(pyossl_ctx_new(&ctx, wrong[i].method));
        assert_ok(pyossl_conn_new(&conn, ctx));
        assert_fails(pyossl_conn_begin(conn), PYOSSL_E_STATE); /* nowhere to send to */
        assert_ok(pyossl_conn_use_memory(conn));
        assert_ok(pyossl_conn_begin(conn)); /* without a side nothing begins */
        assert_int_equal(pyossl_conn_begun(conn), 0);
        if (pyossl_conn_set_role(conn, wrong[i].role) == PYOSSL_OK)
            assert_fails(pyossl_conn_begin(conn), PYOSSL_E_STATE);
        assert_int_equal(pyossl_conn_begun(conn), 0);
    }
}

static void test_what_has_begun_stays_where_it_is(void **state)
{
    (void)state;
    for (size_t v = 0; v < OSL_COUNT_OF(versions); v++) {
        pair both;

        pair_contexts(&both, versions[v]);
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_ok(pyossl_ctx_set_verify(both.client_ctx, PYOSSL_VERIFY_NONE, NULL, NULL, NULL));
        assert_ok(pyossl_conn_begin(both.client));
        assert_int_equal(pyossl_conn_begun(both.client), 1);
        assert_ok(pyossl_ctx_set_verify(both.client_ctx, PYOSSL_VERIFY_PEER, NULL, NULL, NULL));
        assert_ok(pyossl_conn_begin(both.client)); /* once more is no other beginning */
        assert_int_equal(pyossl_conn_verify_mode(both.client), PYOSSL_VERIFY_NONE);
        assert_fails(pyossl_conn_set_role(both.client, PYOSSL_SERVER), PYOSSL_E_STATE);
        assert_int_equal(pyossl_conn_drainable(both.client), 0); /* nothing was sent yet */
        assert_ok(pyossl_conn_set_servername(both.client, "localhost", 9));
        assert_ok(pair_handshake(&both));
        assert_string_equal(pyossl_conn_servername(both.server), "localhost");
        assert_ok(pyossl_conn_begin(both.client));
        pair_free(&both);
    }
}

/* ---- moving to another context ---- */

/* Each moment at which the program's code runs in a handshake, and the two sides of it. */
typedef enum moment {
    IN_INFO,
    IN_KEYLOG,
    IN_VERIFY,
    IN_SERVERNAME,
    IN_ALPN,
    IN_OCSP_SERVER,
    IN_OCSP_CLIENT,
    IN_NEW_SESSION,
    MOMENTS
} moment;

typedef struct mover {
    pyossl_conn *conn; /* who moves */
    pyossl_ctx *to;
    unsigned refused, moved, begins;
} mover;

static pyossl_answer move(mover *self, pyossl_conn *conn)
{
    pyossl_status status;

    if (conn != self->conn)
        return PYOSSL_ANSWER_ACCEPT;
    assert_fails(pyossl_conn_handshake(conn), PYOSSL_E_STATE);
    if (pyossl_conn_begin(conn) == PYOSSL_E_STATE)
        self->begins++;
    status = pyossl_conn_set_ctx(conn, self->to);
    if (status == PYOSSL_OK)
        self->moved++;
    else if (status == PYOSSL_E_STATE)
        self->refused++;
    return PYOSSL_ANSWER_ACCEPT;
}

static void on_info(pyossl_conn *conn, int where, int ret, void *userdata)
{
    (void)where, (void)ret;
    (void)move(userdata, conn);
}

static void on_keylog(pyossl_conn *conn, const char *line, void *userdata)
{
    (void)line;
    (void)move(userdata, conn);
}

static pyossl_answer on_verify(pyossl_conn *conn, const pyossl_verify_event *event, void *userdata)
{
    (void)event;
    return move(userdata, conn);
}

static pyossl_answer on_servername(pyossl_conn *conn, void *userdata)
{
    return move(userdata, conn);
}

static pyossl_answer on_alpn(pyossl_conn *conn, const unsigned char *offered, size_t len,
                             unsigned char *selected, size_t *selected_len, void *userdata)
{
    assert_int_equal(len, 3);
    memcpy(selected, offered + 1, 2);
    *selected_len = 2;
    return move(userdata, conn);
}

static pyossl_answer on_ocsp_server(pyossl_conn *conn, pyossl_buf *out, void *userdata)
{
    assert_ok(pyossl_buf_set(out, "x", 1));
    return move(userdata, conn);
}

static pyossl_answer on_ocsp_client(pyossl_conn *conn, const unsigned char *response, size_t len,
                                    void *userdata)
{
    (void)response, (void)len;
    return move(userdata, conn);
}

static void on_new_session(pyossl_conn *conn, pyossl_session *session, void *userdata)
{
    (void)session;
    (void)move(userdata, conn);
}

static void set_callback(pyossl_ctx *ctx, moment when, mover *self)
{
    switch (when) {
    case IN_INFO:
        assert_ok(pyossl_ctx_set_info(ctx, on_info, self, NULL));
        break;
    case IN_KEYLOG:
        assert_ok(pyossl_ctx_set_keylog(ctx, on_keylog, self, NULL));
        break;
    case IN_VERIFY:
        assert_ok(pyossl_ctx_set_verify(ctx, PYOSSL_VERIFY_PEER, on_verify, self, NULL));
        break;
    case IN_SERVERNAME:
        assert_ok(pyossl_ctx_set_servername(ctx, on_servername, self, NULL));
        break;
    case IN_ALPN:
        assert_ok(pyossl_ctx_set_alpn_select(ctx, on_alpn, self, NULL));
        break;
    case IN_OCSP_SERVER:
        assert_ok(pyossl_ctx_set_ocsp_server(ctx, on_ocsp_server, self, NULL));
        break;
    case IN_OCSP_CLIENT:
        assert_ok(pyossl_ctx_set_ocsp_client(ctx, on_ocsp_client, self, NULL));
        break;
    case IN_NEW_SESSION:
        assert_ok(pyossl_ctx_set_new_session(ctx, on_new_session, self, NULL));
        break;
    case MOMENTS:
        fail();
    }
}

/* Of those that have a callback at all. */
static bool has(moment when, bool server)
{
    if (when == IN_SERVERNAME || when == IN_ALPN || when == IN_OCSP_SERVER)
        return server;
    if (when == IN_VERIFY || when == IN_OCSP_CLIENT || when == IN_NEW_SESSION)
        return !server;
    return true;
}

static pyossl_answer staple(pyossl_conn *conn, pyossl_buf *out, void *userdata)
{
    (void)conn, (void)userdata;
    assert_ok(pyossl_buf_set(out, "x", 1));
    return PYOSSL_ANSWER_ACCEPT;
}

static void move_at(int version, moment when, bool server)
{
    pair both, others;
    mover self = { .refused = 0 };
    pyossl_ctx *ctx;
    unsigned char byte;
    size_t done;

    pair_contexts(&both, version);
    pair_contexts(&others, version);
    ctx = server ? both.server_ctx : both.client_ctx;
    self.to = server ? others.server_ctx : others.client_ctx;
    if (when == IN_OCSP_CLIENT)
        assert_ok(pyossl_ctx_set_ocsp_server(both.server_ctx, staple, NULL, NULL));
    set_callback(ctx, when, &self);
    pair_connect(&both, PAIR_MEMORY, 0);
    self.conn = server ? both.server : both.client;
    assert_ok(pyossl_conn_set_alpn_protos(both.client, (const unsigned char *)"\2h2", 3));
    assert_ok(pyossl_conn_request_ocsp(both.client));
    assert_ok(pair_handshake(&both));
    assert_status(pair_read(&both, both.client, &byte, 1, &done), PYOSSL_WANT_READ);
    pair_send(&both, both.client, both.server, "x", 1);
    pair_send(&both, both.server, both.client, "x", 1);
    assert_true(self.begins > 0); /* a callback begins nothing */
    assert_int_equal(self.moved > 0, when == IN_SERVERNAME);
    assert_int_equal(self.refused > 0, when != IN_SERVERNAME);
    assert_ptr_equal(pyossl_conn_ctx(self.conn), when == IN_SERVERNAME ? self.to : ctx);
    assert_ok(pyossl_conn_set_ctx(self.conn, self.to)); /* afterwards it may */
    assert_ptr_equal(pyossl_conn_ctx(self.conn), self.to);
    pair_send(&both, both.client, both.server, "x", 1);
    pair_free(&both);
    pyossl_ctx_unref(others.client_ctx);
    pyossl_ctx_unref(others.server_ctx);
}

static void test_na_216_each_moment_of_a_handshake(void **state)
{
    (void)state;
    for (size_t v = 0; v < OSL_COUNT_OF(versions); v++)
        for (int server = 0; server < 2; server++)
            for (int when = 0; when < MOMENTS; when++) {
                if (!has((moment)when, server == 1))
                    continue;
                print_message("# %x, %d, %d\n", (unsigned)versions[v], server, when);
                move_at(versions[v], (moment)when, server == 1);
            }
}

/* Between two calls of one handshake it is no more possible than inside. */
static void test_na_216_between_two_calls(void **state)
{
    (void)state;
    for (size_t v = 0; v < OSL_COUNT_OF(versions); v++) {
        pair both;
        osl_auto(pyossl_ctx) *other = NULL;

        pair_contexts(&both, versions[v]);
        assert_ok(pyossl_ctx_new(&other, PYOSSL_TLS));
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_ok(pyossl_conn_begin(both.client));
        assert_ok(pyossl_conn_set_ctx(both.client, both.client_ctx)); /* nothing has been made of it */
        assert_status(pyossl_conn_handshake(both.client), PYOSSL_WANT_READ);
        assert_fails(pyossl_conn_set_ctx(both.client, other), PYOSSL_E_STATE);
        assert_ptr_equal(pyossl_conn_ctx(both.client), both.client_ctx);
        assert_ok(pair_handshake(&both));
        pair_free(&both);
    }
}

/* ---- children ---- */

enum { GOOD = 7 };

static bool is_refused(pyossl_conn *conn)
{
    unsigned char byte = 0;
    size_t done;
    int complete;

    return pyossl_conn_handshake(conn) == PYOSSL_E_STATE &&
           pyossl_conn_begin(conn) == PYOSSL_E_STATE &&
           pyossl_conn_read(conn, &byte, 1, &done) == PYOSSL_E_STATE &&
           pyossl_conn_write(conn, "x", 1, &done) == PYOSSL_E_STATE &&
           pyossl_conn_shutdown(conn, &complete) == PYOSSL_E_STATE &&
           pyossl_conn_feed(conn, "x", 1, &done) == PYOSSL_E_STATE &&
           pyossl_conn_drain(conn, &byte, 1, &done) == PYOSSL_E_STATE;
}

/* Whether a child of the two connections @does what it should. */
static void in_child(bool (*does)(pair *both), pair *both)
{
    int status = 0;
    pid_t child;

    alarm(60);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(30);
        _exit(does(both) ? GOOD : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), GOOD);
    alarm(0);
}

static bool serves(pair *both)
{
    return pair_handshake(both) == PYOSSL_OK && pyossl_conn_established(both->server) == 1;
}

static bool refuses_both(pair *both)
{
    return is_refused(both->client) && is_refused(both->server);
}

/* The client has begun, in the parent; the server's side is still nobody's. */
static bool refuses_the_client(pair *both)
{
    return is_refused(both->client) && pyossl_conn_begin(both->server) == PYOSSL_OK &&
           pyossl_conn_handshake(both->server) == PYOSSL_WANT_READ;
}

static void test_na_215_children(void **state)
{
    (void)state;
    for (size_t v = 0; v < OSL_COUNT_OF(versions); v++) {
        pair both;

        pair_contexts(&both, versions[v]);
        pair_connect(&both, PAIR_MEMORY, 0);
        in_child(serves, &both); /* and once more, in another */
        in_child(serves, &both);
        assert_ok(pyossl_conn_begin(both.client));
        in_child(refuses_the_client, &both);
        assert_ok(pair_handshake(&both)); /* children take nothing away */
        in_child(refuses_both, &both);
        pair_send(&both, both.client, both.server, "x", 1);
        pair_free(&both);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_cannot_begin),
        cmocka_unit_test(test_what_has_begun_stays_where_it_is),
        cmocka_unit_test(test_na_216_each_moment_of_a_handshake),
        cmocka_unit_test(test_na_216_between_two_calls),
        cmocka_unit_test(test_na_215_children),
    };

    return cmocka_run_group_tests_name("conn_moments", tests, NULL, NULL);
}
