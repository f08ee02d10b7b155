/* Sessions and time: what runs out meanwhile, ticket after ticket; and children. */
#include "resumption.h"

#include <sys/wait.h>
#include <unistd.h>

/* ---- what runs out meanwhile ---- */

enum { SHORT = 3 };

static void short_client_cert(world *self)
{
    strict_server(self);
    use_short(self->both.client_ctx, DATA("client.pem"), DATA("client-key.pem"), SHORT);
}

static void short_server_cert(world *self)
{
    use_short(self->both.server_ctx, DATA("server-ec.pem"), DATA("ec.pem"), SHORT);
}

static void short_server_crl(world *self)
{
    strict_server(self);
    add_crl(self->both.server_ctx, SHORT);
    check_crls(self->both.server_ctx);
}

static void short_client_crl(world *self)
{
    add_crl(self->both.client_ctx, SHORT);
    check_crls(self->both.client_ctx);
}

/* Somebody said yes to what had expired before: that does not expire again. */
static void expired_before(world *self)
{
    use_short(self->both.client_ctx, DATA("client.pem"), DATA("client-key.pem"), -60);
    assert_ok(pyossl_ctx_set_verify(self->both.server_ctx, FAIL_WITHOUT, accept_all, NULL, NULL));
}

static const row short_rows[] = {
    { "client certificate", short_client_cert, plain, REFUSED, false },
    { "server certificate", short_server_cert, plain, REFUSED, false },
    { "CRL on clients", short_server_crl, plain, REFUSED, false },
    { "CRL on servers", short_client_crl, plain, REFUSED, false },
    { "expired before", expired_before, plain, RESUMED, false },
};

static void test_na_221_what_runs_out_meanwhile(void **state)
{
    static world all[COUNT_OF(short_rows)][COUNT_OF(ways)][COUNT_OF(kinds)];
    const struct timespec wait = { SHORT + 1, 0 };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(short_rows); i++)
        for (size_t w = 0; w < COUNT_OF(ways); w++)
            for (size_t k = 0; k < COUNT_OF(kinds); k++)
                begin(&all[i][w][k], &ways[w], kinds[k], short_rows[i].prepare);
    assert_int_equal(nanosleep(&wait, NULL), 0);
    for (size_t i = 0; i < COUNT_OF(short_rows); i++)
        for (size_t w = 0; w < COUNT_OF(ways); w++)
            for (size_t k = 0; k < COUNT_OF(kinds); k++) {
                print_message("# %s, %s, %zu\n", short_rows[i].name, ways[w].name, k);
                end(&all[i][w][k], kinds[k], short_rows[i].outcome);
            }
}

/* ---- one ticket after the other ---- */

/* A server's timeout counts from the first authentication, not from the last ticket. */
static void test_na_222_tickets_end_with_the_first_one(void **state)
{
    const struct timespec second = { 1, 0 };

    (void)state;
    for (size_t w = 0; w < COUNT_OF(ways); w++) {
        int resumed = 0;
        world self;

        begin(&self, &ways[w], PAIR_MEMORY, plain);
        pyossl_session_unref(self.session);
        strict_server(&self);
        assert_ok(pyossl_ctx_set_timeout(self.both.server_ctx, 3));
        connect_pair(&self, PAIR_MEMORY);
        assert_ok(pair_handshake(&self.both));
        for (int i = 0; i < 7; i++) {
            read_tickets(&self);
            assert_ok(pyossl_conn_session(self.both.client, &self.session));
            pair_disconnect(&self.both);
            assert_int_equal(nanosleep(&second, NULL), 0);
            connect_pair(&self, PAIR_MEMORY);
            assert_ok(pyossl_conn_set_session(self.both.client, self.session));
            assert_ok(pair_handshake(&self.both));
            pyossl_session_unref(self.session);
            self.session = NULL;
            if (!pyossl_conn_resumed(self.both.server))
                break;
            resumed++;
        }
        assert_in_range(resumed, 1, 3);
        pair_free(&self.both);
    }
}

/* ---- another process ---- */

/* In a child: whether the session resumes there. */
static int resumes_in_child(world *self)
{
    const pid_t child = fork();
    int status = 0;

    assert_true(child >= 0);
    if (child == 0) {
        connect_pair(self, PAIR_MEMORY);
        if (pyossl_conn_set_session(self->both.client, self->session) != PYOSSL_OK ||
            pair_handshake(&self->both) != PYOSSL_OK)
            _exit(2);
        _exit(pyossl_conn_resumed(self->both.server));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_na_221_a_childs_callback_is_another(void **state)
{
    static const struct {
        change *prepare;
        int resumed;
    } cases[] = { { strict_server, 1 }, { lenient_server, 0 }, { lenient_client, 0 } };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        for (size_t w = 0; w < COUNT_OF(ways); w++) {
            world self;

            begin(&self, &ways[w], PAIR_MEMORY, cases[i].prepare);
            assert_int_equal(resumes_in_child(&self), cases[i].resumed);
            end(&self, PAIR_MEMORY, RESUMED);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_221_what_runs_out_meanwhile),
        cmocka_unit_test(test_na_222_tickets_end_with_the_first_one),
        cmocka_unit_test(test_na_221_a_childs_callback_is_another),
    };

    return cmocka_run_group_tests_name("resumption_times", tests, NULL, NULL);
}
