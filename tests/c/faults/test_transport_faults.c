/*
 * The transport fails at every byte of a handshake and of an exchange of three
 * records each way: it ends, is reset, would block, moves single bytes, is
 * interrupted; client and server, TLS 1.2 and 1.3, on every kind of transport.
 *
 * A cut stream is TRUNCATED and never CLOSED, what delays changes nothing, bytes
 * that were not sent never come out, and nothing hangs. NA-015, NA-016, NA-027, NA-028
 */
#include "exchange.h"
#include "test.h"

#include <errno.h>
#include <unistd.h>

#include "pair.h"
#include "pyossl/info.h"

enum { QUICK_STRIDE = 37, SECONDS_MAX = 3600, RECEIVED_SHUTDOWN = 2 };

static const int versions[] = { PAIR_TLS1_2, PAIR_TLS1_3 };
static const char *const names[CARRIERS] = { "functions", "descriptor", "descriptor, looking ahead",
                                             "memory" };

static size_t runs, strikes;

/* ---- what must hold ---- */

static void check_always(const side *self, const side *peer)
{
    assert_true(exchange_text_is_true(self));
    assert_true(self->len <= (peer->wrote < RECORDS ? (size_t)11 : (size_t)TEXT_LEN));
    if (self->status == PYOSSL_CLOSED)
        assert_true(peer->at >= GOODBYE);
    assert_int_equal(ERR_peek_error(), 0);
}

static void check_complete(const side *self)
{
    assert_status(self->status, PYOSSL_CLOSED);
    assert_int_equal(self->at, DONE);
    assert_int_equal(self->len, TEXT_LEN);
}

/* The same question gets the same answer, however often it is asked. */
static void check_stays(side *self)
{
    const pyossl_status_class was = pyossl_status_classify(self->status);

    for (int i = 0; i < 2; i++) {
        const pyossl_status again = exchange_again(self);

        if (pyossl_status_classify(again) != was)
            fail_msg("at stage %d, byte %zu read, %zu written: %s, and asked again %s", self->at,
                     self->in->passed, self->out->put, pyossl_status_name(self->status),
                     pyossl_status_name(again));
    }
}

static void check_reads_stay(side *self, pyossl_status expected)
{
    unsigned char byte;
    size_t done = 9;

    for (int i = 0; i < 2; i++) {
        assert_status(pyossl_conn_read(self->conn, &byte, 1, &done), expected);
        assert_int_equal(done, 0);
    }
}

static void check_cut(side *self)
{
    assert_status(self->status, PYOSSL_TRUNCATED);
    check_stays(self);
    check_reads_stay(self, PYOSSL_TRUNCATED);
    assert_int_equal(pyossl_conn_shutdown_state(self->conn) & RECEIVED_SHUTDOWN, 0);
}

static void check_errno(int number)
{
    assert_int_equal(pyossl_error_errno(pyossl_error_last()), number);
    assert_true(test_reason()[0] != '\0');
}

static void check_reset(side *self, int number, bool reading, bool told_once)
{
    assert_status(self->status, PYOSSL_E_SYSTEM);
    if (!told_once)
        check_stays(self);
    check_errno(number);
    if (reading && !told_once) {
        check_reads_stay(self, PYOSSL_E_SYSTEM);
        check_errno(number);
    }
}

static void judge(exchange *ex, bool of_client, bool reading, fault_kind kind)
{
    side *const hit = of_client ? &ex->client : &ex->server;
    side *const other = of_client ? &ex->server : &ex->client;
    const fault *const happened = reading ? &hit->reading : &hit->writing;
    const bool ends = kind == FAULT_END || kind == FAULT_RESET;

    runs++;
    strikes += happened->times > 0;
    check_always(hit, other);
    check_always(other, hit);
    if (!ends || happened->times == 0) {
        check_complete(hit);
        check_complete(other);
        if (kind == FAULT_SIGNAL && (ex->by == CARRIER_FD || ex->by == CARRIER_AHEAD))
            assert_int_equal(hit->interruptions, 0); /* NA-025 */
        return;
    }
    assert_true(other->status != PYOSSL_TRUNCATED); /* its own stream has not ended */
    if (kind == FAULT_END)
        check_cut(hit);
    else if (ex->by == CARRIER_MEMORY)
        check_reset(hit, EBADF, true, false);
    else
        check_reset(hit, reading ? ECONNRESET : EPIPE, reading, ex->by == CARRIER_AHEAD);
    assert_true(exchange_text_is_true(hit));
}

/* ---- every place ---- */

static void run_one(exchange *ex, const pair *both, carrier by, bool of_client, bool reading,
                    fault bad)
{
    side *hit;

    exchange_begin(ex, both->client_ctx, both->server_ctx, by);
    hit = of_client ? &ex->client : &ex->server;
    *(reading ? &hit->reading : &hit->writing) = bad;
    exchange_run(ex);
    judge(ex, of_client, reading, bad.kind);
    exchange_end(ex);
}

static bool is_possible(carrier by, bool reading, fault_kind kind)
{
    if (by == CARRIER_MEMORY)
        return reading ? kind != FAULT_SIGNAL : kind == FAULT_WAIT;
    return reading || kind != FAULT_END;
}

static void at_every_place(const pair *both, carrier by, bool of_client, bool reading, size_t total)
{
    static exchange ex;
    const size_t stride = exchange_stride(QUICK_STRIDE);

    /* Each kind of fault starts elsewhere, so that the quick run sees more places. */
    for (fault_kind kind = FAULT_END; kind <= FAULT_SIGNAL; kind++)
        for (size_t at = (size_t)kind * 7 % stride; at < total; at += stride)
            if (is_possible(by, reading, kind))
                run_one(&ex, both, by, of_client, reading, (fault){ .kind = kind, .at = at });
}

static void by_carrier(carrier by)
{
    static exchange ex;
    const size_t before = runs;
    const double start = exchange_clock();
    pair both;

    alarm(SECONDS_MAX);
    for (size_t v = 0; v < sizeof versions / sizeof versions[0]; v++) {
        size_t to_client, to_server;

        pair_contexts(&both, versions[v]);
        run_one(&ex, &both, by, true, true, (fault){ .kind = FAULT_NONE });
        to_client = ex.to_client.passed;
        to_server = ex.to_server.passed;
        assert_true(to_client > 1000 && to_server > 300);
        at_every_place(&both, by, true, true, to_client);
        at_every_place(&both, by, true, false, to_server);
        at_every_place(&both, by, false, true, to_server);
        at_every_place(&both, by, false, false, to_client);
        pair_free(&both);
    }
    print_message("# %s: %zu runs, %.1f s\n", names[by], runs - before, exchange_clock() - start);
}

static void test_na_015_functions(void **state)
{
    (void)state;
    by_carrier(CARRIER_USER);
}

static void test_na_027_descriptors(void **state)
{
    (void)state;
    by_carrier(CARRIER_FD);
}

static void test_na_027_descriptors_looking_ahead(void **state)
{
    (void)state;
    by_carrier(CARRIER_AHEAD);
}

static void test_na_016_memory(void **state)
{
    (void)state;
    by_carrier(CARRIER_MEMORY);
}

static int print_total(void **state)
{
    (void)state;
    print_message("# transport faults: %zu runs, in %zu of which the fault struck\n", runs,
                  strikes);
    return strikes > 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_015_functions),
        cmocka_unit_test(test_na_027_descriptors),
        cmocka_unit_test(test_na_027_descriptors_looking_ahead),
        cmocka_unit_test(test_na_016_memory),
    };

    return cmocka_run_group_tests_name("transport faults", tests, NULL, print_total);
}
