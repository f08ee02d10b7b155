/*
 * What a transport or a peer can do to a connection, and what it is called.
 *
 * Scripted transports cut, delay, refuse or falsify at every place in turn. However
 * it goes, nothing hangs, the same question gets the same answer, and bytes that
 * the peer did not send never come out.
 */
#include "pair.h"
#include "test.h"

#include <errno.h>
#include <unistd.h>

#include "pyossl/info.h"
#include "ssl/tls.h"

static const int versions[] = { PAIR_TLS1_2, PAIR_TLS1_3 };

/* Places are looked at in steps: which ones differs from version to version and side to side. */
enum { STRIDE = 7, ROUNDS = 400 };

/* ---- an exchange that may go wrong anywhere ---- */

static const char records[][8] = { "first", "second", "third" };

typedef struct side {
    pyossl_conn *conn;
    pyossl_status status; /* of the last call */
    bool shaken;
    size_t wrote;  /* records */
    char text[64]; /* what was read */
    size_t len;
} side;

static bool is_final(pyossl_status status)
{
    return status != PYOSSL_OK && !pyossl_is_retry(status);
}

/* One step of: shake hands, write three records, read. */
static void step_side(side *self)
{
    size_t done = 0;

    if (is_final(self->status))
        return;
    if (!self->shaken) {
        self->status = pyossl_conn_handshake(self->conn);
        self->shaken = self->status == PYOSSL_OK;
        return;
    }
    if (self->wrote < OSL_COUNT_OF(records)) {
        const char *record = records[self->wrote];

        self->status = pyossl_conn_write(self->conn, record, strlen(record), &done);
        if (self->status == PYOSSL_OK)
            self->wrote++;
        if (is_final(self->status))
            return;
    }
    self->status =
        pyossl_conn_read(self->conn, self->text + self->len, sizeof self->text - self->len, &done);
    assert_true(self->status == PYOSSL_OK || done == 0);
    self->len += done;
}

/* Until both are done, have failed, or do nothing but wait. */
static void run_sides(side *client, side *server)
{
    for (int i = 0; i < ROUNDS; i++) {
        step_side(client);
        step_side(server);
        if (is_final(client->status) && is_final(server->status))
            return;
    }
}

static void prepare(pair *both, side *client, side *server)
{
    *client = (side){ .conn = both->client, .status = PYOSSL_WANT_READ };
    *server = (side){ .conn = both->server, .status = PYOSSL_WANT_READ };
}

/* What came out is a beginning of what went in. */
static void check_text(const side *self)
{
    assert_true(self->len <= 16);
    assert_memory_equal(self->text, "firstsecondthird", self->len);
}

/* Every later call on a connection that has ended answers in the same class. */
static void check_stays(side *self)
{
    const pyossl_status_class class_ = pyossl_status_classify(self->status);
    unsigned char byte;
    size_t done = 0;
    int complete = 9;

    for (int i = 0; i < 2; i++) {
        assert_int_equal(pyossl_status_classify(pyossl_conn_read(self->conn, &byte, 1, &done)),
                         class_);
        assert_int_equal(done, 0);
        assert_int_equal(pyossl_status_classify(pyossl_conn_handshake(self->conn)), class_);
        assert_int_equal(pyossl_status_classify(pyossl_conn_shutdown(self->conn, &complete)),
                         class_);
        assert_int_equal(complete, 9);
    }
    assert_int_equal(ERR_peek_error(), 0);
}

static side *pick(bool of_client, side *client, side *server)
{
    return of_client ? client : server;
}

/* ---- the end of the stream ---- */

/* How many bytes each side reads in a whole exchange. */
static void measure(pair *both, size_t *client_reads, size_t *server_reads)
{
    side client, server;

    pair_connect(both, PAIR_USER, 0);
    prepare(both, &client, &server);
    run_sides(&client, &server);
    assert_int_equal(client.len, 16);
    assert_int_equal(server.len, 16);
    *client_reads = both->client_script.bytes_read;
    *server_reads = both->server_script.bytes_read;
    pair_disconnect(both);
}

static void cut_at(pair *both, bool of_client, size_t at, script_step how)
{
    script *play = of_client ? &both->client_script : &both->server_script;

    play->cut_at = at;
    play->cut = how;
}

/* Whether the exchange came that far: ECDSA signatures differ in length, so the last places may not
 * be there. */
static bool came_to_the_cut(const pair *both, bool of_client)
{
    const script *play = of_client ? &both->client_script : &both->server_script;

    return play->bytes_read >= play->cut_at;
}

static void test_na_015_cut_at_every_place(void **state)
{
    size_t count = 0;
    pair both;

    (void)state;
    for (size_t v = 0; v < OSL_COUNT_OF(versions); v++) {
        size_t total[2];

        pair_contexts(&both, versions[v]);
        measure(&both, &total[0], &total[1]);
        for (int which = 0; which < 2; which++) {
            for (size_t at = (size_t)which + v; at < total[which]; at += STRIDE) {
                side client, server, *cut;

                pair_connect(&both, PAIR_USER, 0);
                cut_at(&both, which == 0, at, (script_step){ SCRIPT_END, 0 });
                prepare(&both, &client, &server);
                cut = pick(which == 0, &client, &server);
                run_sides(&client, &server);
                check_text(&client);
                check_text(&server);
                if (came_to_the_cut(&both, which == 0)) {
                    assert_status(cut->status, PYOSSL_TRUNCATED);
                    check_stays(cut);
                    assert_int_equal(pyossl_conn_shutdown_state(cut->conn) & 2, 0);
                    count++;
                }
                pair_disconnect(&both);
            }
        }
        pair_free(&both);
    }
    assert_true(count > 500);
}

/* Only who asks for it has a cut taken for a close (NA-016). */
static void test_na_016_ignoring_a_cut_is_opt_in(void **state)
{
    unsigned char byte;
    size_t done;
    pair both;

    (void)state;
    for (size_t v = 0; v < OSL_COUNT_OF(versions); v++) {
        pair_contexts(&both, versions[v]);
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_ok(pyossl_conn_set_options(both.client, SSL_OP_IGNORE_UNEXPECTED_EOF));
        assert_ok(pair_handshake(&both));
        pair_cut(&both, both.client);
        for (int i = 0; i < 3; i++)
            assert_status(pyossl_conn_read(both.client, &byte, 1, &done), PYOSSL_CLOSED);
        pair_free(&both);
    }
}

/* ---- system errors ---- */

static void fail_at(pair *both, bool of_client, size_t at, int number)
{
    side client, server, *failing;

    pair_connect(both, PAIR_USER, 0);
    cut_at(both, of_client, at, (script_step){ SCRIPT_ERRNO, (size_t)number });
    prepare(both, &client, &server);
    failing = pick(of_client, &client, &server);
    run_sides(&client, &server);
    if (came_to_the_cut(both, of_client)) {
        assert_status(failing->status, PYOSSL_E_SYSTEM);
        assert_fails(pyossl_conn_handshake(failing->conn) == PYOSSL_OK && failing->shaken
                         ? pyossl_conn_read(failing->conn, failing->text, 1, &(size_t){ 0 })
                         : pyossl_conn_handshake(failing->conn),
                     PYOSSL_E_SYSTEM);
        assert_int_equal(pyossl_error_errno(pyossl_error_last()), number);
    }
    check_text(&client);
    check_text(&server);
    pair_disconnect(both);
}

static void test_na_027_system_errors_at_every_place(void **state)
{
    static const int numbers[] = { ECONNRESET, EPIPE, ETIMEDOUT, ENOTCONN };
    size_t count = 0;
    pair both;

    (void)state;
    for (size_t v = 0; v < OSL_COUNT_OF(versions); v++) {
        size_t total[2];

        pair_contexts(&both, versions[v]);
        measure(&both, &total[0], &total[1]);
        for (int which = 0; which < 2; which++)
            for (size_t at = v; at < total[which]; at += STRIDE * 3)
                fail_at(&both, which == 0, at, numbers[count++ % OSL_COUNT_OF(numbers)]);
        pair_free(&both);
    }
}

static void test_writes_that_fail(void **state)
{
    pair both;

    (void)state;
    for (size_t v = 0; v < OSL_COUNT_OF(versions); v++) {
        for (size_t nth = 0; nth < 6; nth++) {
            script_step steps[6] = { { SCRIPT_MOVE, 0 } };
            side client, server;

            for (size_t i = 0; i < OSL_COUNT_OF(steps); i++)
                steps[i] = i < nth ? (script_step){ SCRIPT_MOVE, 0 }
                                   : (script_step){ SCRIPT_ERRNO, EPIPE };
            pair_contexts(&both, versions[v]);
            pair_connect(&both, PAIR_USER, 0);
            both.client_script.writes = steps;
            both.client_script.write_count = OSL_COUNT_OF(steps);
            prepare(&both, &client, &server);
            run_sides(&client, &server);
            if (is_final(client.status)) {
                assert_status(client.status, PYOSSL_E_SYSTEM);
                assert_int_equal(pyossl_error_errno(pyossl_error_last()), EPIPE);
            } else {
                assert_true(both.client_script.writes_done <= nth);
            }
            check_text(&server);
            pair_free(&both);
        }
    }
}

/* ---- waiting, interrupting ---- */

static void with_steps(int version, script_step odd, size_t most)
{
    enum { COUNT = 64 };
    script_step steps[COUNT];
    side client, server;
    pair both;

    for (size_t i = 0; i < COUNT; i++)
        steps[i] = i % 2 == 0 ? odd : (script_step){ SCRIPT_MOVE, most };
    pair_contexts(&both, version);
    pair_connect(&both, PAIR_USER, 0);
    both.client_script.reads = both.server_script.reads = steps;
    both.client_script.read_count = both.server_script.read_count = COUNT;
    if (odd.op != SCRIPT_WANT_READ) {
        both.client_script.writes = both.server_script.writes = steps;
        both.client_script.write_count = both.server_script.write_count = COUNT;
    }
    prepare(&both, &client, &server);
    for (int i = 0; i < ROUNDS && (client.len < 16 || server.len < 16); i++) {
        step_side(&client);
        step_side(&server);
        if (odd.op == SCRIPT_ABORT) { /* a transport that was interrupted may go on */
            if (client.status == PYOSSL_E_CALLBACK)
                client.status = PYOSSL_WANT_READ;
            if (server.status == PYOSSL_E_CALLBACK)
                server.status = PYOSSL_WANT_READ;
        }
        assert_false(is_final(client.status));
        assert_false(is_final(server.status));
    }
    assert_int_equal(client.len, 16);
    assert_int_equal(server.len, 16);
    check_text(&client);
    check_text(&server);
    pair_free(&both);
}

static void test_waiting_before_every_move(void **state)
{
    (void)state;
    for (size_t v = 0; v < OSL_COUNT_OF(versions); v++) {
        with_steps(versions[v], (script_step){ SCRIPT_WANT_READ, 0 }, 0);
        with_steps(versions[v], (script_step){ SCRIPT_WANT_WRITE, 0 }, 0);
        with_steps(versions[v], (script_step){ SCRIPT_WANT_WRITE, 0 }, 11);
        with_steps(versions[v], (script_step){ SCRIPT_NOTHING, 0 }, 0);
    }
}

static void test_na_094_interrupted_transports_may_go_on(void **state)
{
    (void)state;
    for (size_t v = 0; v < OSL_COUNT_OF(versions); v++)
        with_steps(versions[v], (script_step){ SCRIPT_ABORT, 0 }, 0);
}

static void test_transports_that_lie(void **state)
{
    static const script_step lie = { SCRIPT_LIE, 0 };
    unsigned char byte;
    size_t done;
    pair both;

    (void)state;
    pair_establish(&both, PAIR_TLS1_3, PAIR_USER, 0);
    both.client_script.reads = &lie;
    both.client_script.read_count = 1;
    both.client_script.reads_done = 0;
    assert_fails(pyossl_conn_read(both.client, &byte, 1, &done), PYOSSL_E_CALLBACK);
    both.client_script.writes = &lie;
    both.client_script.write_count = 1;
    both.client_script.writes_done = 0;
    assert_fails(pyossl_conn_write(both.client, "x", 1, &done), PYOSSL_E_CALLBACK);
    pair_free(&both);
}

/* ---- falsified bytes ---- */

static void flip_at(pair *both, bool of_client, size_t at, unsigned char bits)
{
    script *play;
    side client, server;

    pair_connect(both, PAIR_USER, 0);
    play = of_client ? &both->client_script : &both->server_script;
    play->flip_at = at;
    play->flip = bits;
    prepare(both, &client, &server);
    run_sides(&client, &server);
    check_text(&client);
    check_text(&server);
    /* What was changed was not taken: somebody failed, or waits for what never comes. */
    if ((of_client ? both->client_script : both->server_script).bytes_read > at)
        assert_false(client.len == 16 && server.len == 16);
    if (is_final(client.status) && client.status != PYOSSL_CLOSED)
        check_stays(&client);
    if (is_final(server.status) && server.status != PYOSSL_CLOSED)
        check_stays(&server);
    pair_disconnect(both);
}

static void test_falsified_bytes_never_come_out(void **state)
{
    pair both;

    (void)state;
    for (size_t v = 0; v < OSL_COUNT_OF(versions); v++) {
        size_t total[2];

        pair_contexts(&both, versions[v]);
        measure(&both, &total[0], &total[1]);
        for (int which = 0; which < 2; which++)
            for (size_t at = (size_t)which; at < total[which]; at += STRIDE)
                flip_at(&both, which == 0, at, (unsigned char)(1u << (at / STRIDE) % 8));
        pair_free(&both);
    }
}

/* NA-020: what comes unprotected is no data, whenever it comes. */
static void test_na_020_plaintext(void **state)
{
    static const char plain[] = "HTTP/1.1 200 OK\r\n\r\nhello";
    char buf[64];
    size_t done;
    pair both;

    (void)state;
    for (size_t v = 0; v < OSL_COUNT_OF(versions); v++) {
        for (int rounds = 0; rounds < 4; rounds++) {
            pyossl_status status = PYOSSL_OK;

            pair_contexts(&both, versions[v]);
            pair_connect(&both, PAIR_USER, 0);
            for (int i = 0; i < rounds; i++) {
                status = pyossl_conn_handshake(both.client);
                assert_true(status == PYOSSL_OK || pyossl_is_retry(status));
                status = pyossl_conn_handshake(both.server);
                assert_true(status == PYOSSL_OK || pyossl_is_retry(status));
            }
            wire_put(&both.to_client, plain, strlen(plain));
            both.to_client.ended = true;
            for (int i = 0; i < 20; i++) {
                status = pyossl_conn_read(both.client, buf, sizeof buf, &done);
                assert_false(status == PYOSSL_OK);
                assert_int_equal(done, 0);
            }
            assert_true(is_final(status));
            pair_free(&both);
        }
    }
    pair_contexts(&both, PAIR_TLS1_3);
    pair_connect(&both, PAIR_USER, 0);
    wire_put(&both.to_server, "GET / HTTP/1.1\r\n\r\n", 18);
    assert_fails(pyossl_conn_handshake(both.server), PYOSSL_E_OPENSSL);
    assert_string_equal(test_reason(), "http request");
    assert_fails(pyossl_conn_read(both.server, buf, sizeof buf, &done), PYOSSL_E_OPENSSL);
    pair_free(&both);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_015_cut_at_every_place),
        cmocka_unit_test(test_na_016_ignoring_a_cut_is_opt_in),
        cmocka_unit_test(test_na_027_system_errors_at_every_place),
        cmocka_unit_test(test_writes_that_fail),
        cmocka_unit_test(test_waiting_before_every_move),
        cmocka_unit_test(test_na_094_interrupted_transports_may_go_on),
        cmocka_unit_test(test_transports_that_lie),
        cmocka_unit_test(test_falsified_bytes_never_come_out),
        cmocka_unit_test(test_na_020_plaintext),
    };

    alarm(500); /* NA-028: what hangs is a fault */
    return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}
