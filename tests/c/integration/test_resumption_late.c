/*
 * What is asked of the peer too late, while a session is being resumed, in a callback that has no
 * answer: the handshake must not go on as if nothing had been asked.
 */
#include "resumption.h"

#include <pyossl/callbacks.h>

/* ---- a callback that asks ---- */

typedef pyossl_status wish(pyossl_conn *conn);

typedef struct asker {
    wish *wish;
    pyossl_conn *conn; /* the one that asks */
    unsigned asked;
    pyossl_status status; /* what the first wish was answered */
    char reason[128];
} asker;

static void ask(asker *self, pyossl_conn *conn)
{
    const pyossl_error *error;

    if (conn != self->conn || self->asked > 0 || !pyossl_conn_resumed(conn))
        return;
    self->asked++;
    self->status = self->wish(conn);
    error = pyossl_error_last();
    if (self->status != PYOSSL_OK)
        (void)snprintf(self->reason, sizeof self->reason, "%s",
                       pyossl_error_count(error) > 0 ? pyossl_error_entry_at(error, 0)->reason : "");
}

static void on_keylog(pyossl_conn *conn, const char *line, void *userdata)
{
    (void)line;
    ask(userdata, conn);
}

static void on_info(pyossl_conn *conn, int where, int ret, void *userdata)
{
    (void)where;
    (void)ret;
    ask(userdata, conn);
}

static void told_by_keylog(pyossl_ctx *ctx, asker *self)
{
    assert_ok(pyossl_ctx_set_keylog(ctx, on_keylog, self, NULL));
}

static void told_by_info(pyossl_ctx *ctx, asker *self)
{
    assert_ok(pyossl_ctx_set_info(ctx, on_info, self, NULL));
}

static void told_by_own_info(pyossl_ctx *ctx, asker *self)
{
    (void)ctx;
    assert_ok(pyossl_conn_set_info(self->conn, on_info, self, NULL));
}

/* ---- wishes ---- */

static pyossl_status to_verify(pyossl_conn *conn)
{
    return pyossl_conn_set_verify(conn, FAIL_WITHOUT, NULL, NULL, NULL);
}

static pyossl_status to_verify_by_callback(pyossl_conn *conn)
{
    return pyossl_conn_set_verify(conn, PYOSSL_VERIFY_PEER, accept_all, NULL, NULL);
}

static pyossl_status to_verify_in_no_way_that_there_is(pyossl_conn *conn)
{
    return pyossl_conn_set_verify(conn, 0xff, NULL, NULL, NULL);
}

static pyossl_status to_verify_a_host(pyossl_conn *conn)
{
    return pyossl_conn_set_verify_hostname(conn, "localhost", 9, 0);
}

static pyossl_status to_verify_an_address(pyossl_conn *conn)
{
    return pyossl_conn_set_verify_ip(conn, "127.0.0.1", 9);
}

static pyossl_status to_have_other_groups(pyossl_conn *conn)
{
    return pyossl_conn_set_groups(conn, "P-384");
}

static pyossl_status to_have_other_signatures(pyossl_conn *conn)
{
    return pyossl_conn_set_sigalgs(conn, "ed25519");
}

static pyossl_status to_have_no_signatures_that_there_are(pyossl_conn *conn)
{
    return pyossl_conn_set_sigalgs(conn, "");
}

static pyossl_status to_have_other_client_signatures(pyossl_conn *conn)
{
    return pyossl_conn_set_client_sigalgs(conn, "ed25519");
}

static const struct {
    const char *name;
    wish *wish;
    pyossl_status status;
} wishes[] = {
    { "verify", to_verify, PYOSSL_E_STATE },
    { "callback", to_verify_by_callback, PYOSSL_E_STATE },
    { "no mode", to_verify_in_no_way_that_there_is, PYOSSL_E_ARGUMENT },
    { "host", to_verify_a_host, PYOSSL_E_STATE },
    { "address", to_verify_an_address, PYOSSL_E_STATE },
    { "groups", to_have_other_groups, PYOSSL_E_STATE },
    { "signatures", to_have_other_signatures, PYOSSL_E_STATE },
    { "no signatures", to_have_no_signatures_that_there_are, PYOSSL_E_OPENSSL },
    { "client signatures", to_have_other_client_signatures, PYOSSL_E_STATE },
};

static const struct {
    const char *name;
    void (*told_by)(pyossl_ctx *ctx, asker *self);
} callbacks[] = {
    { "keylog", told_by_keylog },
    { "info", told_by_info },
    { "connection's info", told_by_own_info },
};

/* ---- what comes of it ---- */

static void assert_ended(const asker *self, pyossl_status status)
{
    assert_status(status, self->status);
    assert_true(pyossl_error_count(pyossl_error_last()) > 0);
    assert_string_equal(pyossl_error_entry_at(pyossl_error_last(), 0)->reason, self->reason);
}

/* Every later call answers what the first was told. */
static void assert_ended_for_good(const asker *self)
{
    unsigned char byte = 0;
    size_t done = 1;
    int complete = 0;

    assert_ended(self, pyossl_conn_handshake(self->conn));
    assert_ended(self, pyossl_conn_read(self->conn, &byte, 1, &done));
    assert_int_equal(done, 0);
    assert_ended(self, pyossl_conn_write(self->conn, "x", 1, &done));
    assert_ended(self, pyossl_conn_shutdown(self->conn, &complete));
    assert_ended(self, pyossl_conn_key_update(self->conn, 0));
}

/* Neither side judges, so that there is a session that nothing was asked for. */
static void nobody_judges(world *self)
{
    lax_client(self);
    lax_server(self);
}

static void begin_again(world *self, const struct way *way, pair_kind kind)
{
    begin(self, way, kind, nobody_judges);
    connect_pair(self, kind);
    assert_ok(pyossl_conn_set_session(self->both.client, self->session));
}

static void finish(world *self)
{
    pyossl_session_unref(self->session);
    pair_free(&self->both);
}

static void too_late(const struct way *way, bool server, size_t callback, size_t which)
{
    world self;
    asker by = { .wish = wishes[which].wish };
    pyossl_status client, other;

    begin_again(&self, way, PAIR_MEMORY);
    by.conn = server ? self.both.server : self.both.client;
    callbacks[callback].told_by(server ? self.both.server_ctx : self.both.client_ctx, &by);
    (void)pair_handshake_both(&self.both, &client, &other);
    assert_int_equal(by.asked, 1);
    assert_int_equal(by.status, wishes[which].status);
    assert_ended(&by, server ? other : client);
    assert_ended_for_good(&by);
    finish(&self);
}

static void test_na_242_what_is_asked_too_late_ends_the_handshake(void **state)
{
    (void)state;
    for (size_t w = 0; w < COUNT_OF(ways); w++)
        for (int server = 0; server < 2; server++)
            for (size_t c = 0; c < COUNT_OF(callbacks); c++)
                for (size_t i = 0; i < COUNT_OF(wishes); i++) {
                    print_message("# %s, %s, %s, %s\n", ways[w].name,
                                  server ? "server" : "client", callbacks[c].name, wishes[i].name);
                    too_late(&ways[w], server == 1, c, i);
                }
}

/* ---- what is no change, or no judgement of this handshake ---- */

typedef struct repeater {
    wish *wish;
    bool afterwards; /* not while the handshake runs */
    pyossl_conn *conn;
    unsigned asked;
} repeater;

static void on_any_info(pyossl_conn *conn, int where, int ret, void *userdata)
{
    repeater *self = userdata;

    (void)where;
    (void)ret;
    if (conn != self->conn || !pyossl_conn_resumed(conn))
        return;
    if (self->afterwards && !pyossl_conn_established(conn))
        return;
    assert_ok(self->wish(conn));
    self->asked++;
}

static pyossl_status to_verify_as_before(pyossl_conn *conn)
{
    assert_ok(pyossl_conn_set_verify_hostname(conn, "localhost", 9, 0));
    return pyossl_conn_set_verify(conn, PYOSSL_VERIFY_PEER, NULL, NULL, NULL);
}

/* The server is asked nothing, as it judges nobody. */
static void repeat(const struct way *way, wish *what, bool afterwards)
{
    world self;
    repeater by = { .wish = what, .afterwards = afterwards };
    OWNED(session) next = NULL;

    begin(&self, way, PAIR_MEMORY, plain);
    pyossl_session_unref(self.session);
    self.hostname = "localhost";
    connect_pair(&self, PAIR_MEMORY);
    assert_ok(pair_handshake(&self.both));
    read_tickets(&self);
    assert_ok(pyossl_conn_session(self.both.client, &self.session));
    pair_disconnect(&self.both);

    connect_pair(&self, PAIR_MEMORY);
    assert_ok(pyossl_conn_set_session(self.both.client, self.session));
    by.conn = self.both.client;
    assert_ok(pyossl_conn_set_info(self.both.client, on_any_info, &by, NULL));
    assert_ok(pair_handshake(&self.both));
    read_tickets(&self);
    pair_send(&self.both, self.both.client, self.both.server, "x", 1);
    pair_send(&self.both, self.both.server, self.both.client, "x", 1);
    assert_int_equal(pyossl_conn_resumed(self.both.client), 1);
    assert_true(by.asked > 0);
    assert_ok(pyossl_conn_session(self.both.client, &next));
    pair_disconnect(&self.both);

    if (!afterwards) { /* nothing has changed: what it got resumes too */
        connect_pair(&self, PAIR_MEMORY);
        assert_ok(pyossl_conn_set_session(self.both.client, next));
        assert_ok(pair_handshake(&self.both));
        assert_int_equal(pyossl_conn_resumed(self.both.client), 1);
    }
    finish(&self);
}

static void test_na_242_what_is_asked_already_is_no_change(void **state)
{
    (void)state;
    for (size_t w = 0; w < COUNT_OF(ways); w++)
        repeat(&ways[w], to_verify_as_before, false);
}

static void test_na_242_after_the_handshake_anything_may_be_asked(void **state)
{
    (void)state;
    for (size_t w = 0; w < COUNT_OF(ways); w++)
        repeat(&ways[w], to_verify_by_callback, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_242_what_is_asked_too_late_ends_the_handshake),
        cmocka_unit_test(test_na_242_what_is_asked_already_is_no_change),
        cmocka_unit_test(test_na_242_after_the_handshake_anything_may_be_asked),
    };

    return cmocka_run_group_tests_name("resumption late", tests, NULL, NULL);
}
