/*
 * Every bit of a handshake, and of the records after it, is changed on its way in
 * turn: TLS 1.2 and 1.3, both directions. What was changed is never taken.
 *
 * The one thing that nobody protects is the version in the header of a record that
 * is sent in the clear: receivers must not look at it (RFC 8446, section 5.1), and
 * it is no part of what is hashed. Such an exchange may succeed, and both sides
 * must then have seen the same handshake.
 */
#include "exchange.h"
#include "test.h"

#include <unistd.h>

#include "owned.h"
#include "pair.h"

enum { QUICK_STRIDE = 37, SECONDS_MAX = 3600, HEADER = 5 };
enum { RECORD_CCS = 20, RECORD_APPLICATION_DATA = 23 };

static size_t runs, struck, failures, waits, tolerated, undetected;

static void check_side(const side *self, const side *peer)
{
    assert_true(exchange_text_is_true(self));
    assert_int_equal(ERR_peek_error(), 0);
    if (self->status == PYOSSL_CLOSED)
        assert_true(peer->at >= GOODBYE);
    else if (self->over)
        assert_int_equal(pyossl_status_classify(self->status), PYOSSL_CLASS_ERROR);
}

static bool same_secret(const side *a, pyossl_secret of_a, const side *b, pyossl_secret of_b)
{
    OWNED_BUF first = PYOSSL_BUF_INIT;
    OWNED_BUF second = PYOSSL_BUF_INIT;

    assert_ok(pyossl_conn_secret(a->conn, of_a, &first));
    assert_ok(pyossl_conn_secret(b->conn, of_b, &second));
    return first.len > 0 && first.len == second.len &&
           memcmp(first.data, second.data, first.len) == 0;
}

static bool same_finished(const exchange *ex)
{
    return same_secret(&ex->client, PYOSSL_FINISHED, &ex->server, PYOSSL_PEER_FINISHED) &&
           same_secret(&ex->server, PYOSSL_FINISHED, &ex->client, PYOSSL_PEER_FINISHED);
}

/* Secrets that both made from all that was said, as soon as each took the handshake for good. */
static bool same_transcript(const exchange *ex)
{
    return memcmp(ex->client.exporter, ex->server.exporter, EXPORTER_LEN) == 0;
}

/* Whether byte @at of what was sent is the version of a record in the clear. */
static bool is_clear_version(const stream *sent, size_t at)
{
    bool encrypted = false; /* everything after ChangeCipherSpec, and application data */

    for (size_t place = 0; place + HEADER <= sent->put;) {
        const unsigned char *header = sent->bytes + place;

        encrypted |= header[0] == RECORD_APPLICATION_DATA;
        if (at == place + 1 || at == place + 2)
            return !encrypted;
        encrypted |= header[0] == RECORD_CCS;
        place += HEADER + ((size_t)header[3] << 8 | header[4]);
    }
    return false;
}

static bool shook_hands(const exchange *ex)
{
    return ex->client.at > SHAKE && ex->server.at > SHAKE;
}

static void judge(exchange *ex, bool of_client, size_t at)
{
    const stream *const sent = of_client ? &ex->to_client : &ex->to_server;
    const bool success = ex->client.at == DONE && ex->server.at == DONE;

    check_side(&ex->client, &ex->server);
    check_side(&ex->server, &ex->client);
    if (shook_hands(ex))
        assert_true(same_transcript(ex));
    failures += ex->client.status != PYOSSL_CLOSED && ex->client.over;
    failures += ex->server.status != PYOSSL_CLOSED && ex->server.over;
    waits += !ex->client.over && !ex->server.over;
    if (!success)
        return;
    assert_true(same_finished(ex));
    if (is_clear_version(sent, at)) {
        tolerated++;
        return;
    }
    undetected++;
    print_message("# undetected: byte %zu to the %s\n", at, of_client ? "client" : "server");
}

static void flip(const pair *both, bool of_client, size_t bit)
{
    static exchange ex;
    side *hit;

    exchange_begin(&ex, both->client_ctx, both->server_ctx, CARRIER_USER);
    hit = of_client ? &ex.client : &ex.server;
    hit->reading =
        (fault){ .kind = FAULT_FLIP, .at = bit / 8, .bits = (unsigned char)(1u << bit % 8) };
    exchange_run(&ex);
    runs++;
    struck += hit->reading.times > 0;
    if (hit->reading.times > 0)
        judge(&ex, of_client, bit / 8);
    exchange_end(&ex);
}

static void measure(const pair *both, size_t totals[2])
{
    static exchange ex;

    exchange_begin(&ex, both->client_ctx, both->server_ctx, CARRIER_USER);
    exchange_run(&ex);
    assert_true(ex.client.at == DONE && ex.server.at == DONE);
    assert_true(same_transcript(&ex) && same_finished(&ex));
    totals[true] = ex.to_client.passed;
    totals[false] = ex.to_server.passed;
    exchange_end(&ex);
}

static void flip_all(int version)
{
    const size_t stride = exchange_stride(QUICK_STRIDE);
    const double start = exchange_clock();
    const size_t before = runs, undetected_before = undetected;
    size_t totals[2];
    pair both;

    alarm(SECONDS_MAX);
    pair_contexts(&both, version);
    measure(&both, totals);
    for (size_t bit = 0; bit < totals[true] * 8; bit += stride)
        flip(&both, true, bit);
    for (size_t bit = 0; bit < totals[false] * 8; bit += stride)
        flip(&both, false, bit);
    pair_free(&both);
    print_message("# TLS 1.%d: %zu bits of %zu bytes, %.1f s\n", version == PAIR_TLS1_3 ? 3 : 2,
                  runs - before, totals[0] + totals[1], exchange_clock() - start);
    assert_int_equal(undetected, undetected_before);
}

static void test_every_bit_of_tls_1_2(void **state)
{
    (void)state;
    flip_all(PAIR_TLS1_2);
}

static void test_every_bit_of_tls_1_3(void **state)
{
    (void)state;
    flip_all(PAIR_TLS1_3);
}

static int print_total(void **state)
{
    (void)state;
    print_message("# bit flips: %zu undetected of %zu (%zu sides failed, %zu exchanges waited for "
                  "ever, %zu flips were of a version that nothing protects)\n",
                  undetected, struck, failures, waits, tolerated);
    return undetected == 0 && struck > 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_bit_of_tls_1_2),
        cmocka_unit_test(test_every_bit_of_tls_1_3),
    };

    return cmocka_run_group_tests_name("bit flips", tests, NULL, print_total);
}
