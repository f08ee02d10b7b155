/*
 * Every exported function is called with stale entries in OpenSSL's queue: none,
 * one, and as many as there is room for. They change nothing in what it answers,
 * nothing of its own stays behind them, and each failure explains itself.
 * NA-001, NA-002, NA-005
 */
#include "calls.h"

/* Of 16 entries OpenSSL's ring shows 15. */
enum { STALE_MOST = 16, SHOWN_MOST = 15 };

/* ---- around a call ---- */

/* Entries that would change the answer of whoever mistook them for his own. */
static void call_begins(fixture *f)
{
    static const int reasons[] = { SSL_R_UNEXPECTED_EOF_WHILE_READING, ERR_R_MALLOC_FAILURE,
                                   SSL_R_CERTIFICATE_VERIFY_FAILED };

    pyossl_error_clear();
    ERR_clear_error();
    for (size_t i = 0; i < f->stale; i++)
        ERR_raise(ERR_LIB_SSL, reasons[i % (sizeof reasons / sizeof reasons[0])]);
}

static void call_ended(fixture *f)
{
    f->queued = 0;
    while (ERR_get_error() != 0)
        f->queued++;
}

/* ---- the calls ---- */

static size_t calls_made, failures_seen, complaints;

static void complain(const call *what, const fixture *f, const char *why, const char *more)
{
    complaints++;
    print_message("# %s, %zu stale, %s arguments: %s%s\n", what->function, f->stale,
                  f->bad ? "bad" : "good", why, more);
}

/* How many of so many entries can be seen. */
static size_t shown(size_t count)
{
    return count < SHOWN_MOST ? count : SHOWN_MOST;
}

static void try_one(const call *what, conn_state state, bool bad, size_t count,
                    char trace[TRACE_MAX])
{
    fixture f = { .bad = bad, .stale = count };

    prepare(&f, what, state);
    what->make(&f);
    calls_made++;
    failures_seen += f.failed;
    if (f.failed && !f.explained)
        complain(what, &f, "it fails without an explanation", "");
    /* What fails empties the queue; what works may have left it alone, where OpenSSL had no part.
     */
    if (f.queued != 0 && (f.failed || f.queued != shown(count)))
        complain(what, &f, "entries stay behind", "");
    if (count == 0)
        memcpy(trace, f.trace, TRACE_MAX);
    else if (strcmp(trace, f.trace) != 0)
        complain(what, &f, "answers differently: ", f.trace);
    clean(&f);
}

static void test_na_001_na_002_na_005_every_call(void **state)
{
    static const size_t counts[] = { 0, 1, STALE_MOST };
    const size_t functions = sizeof calls / sizeof calls[0];

    (void)state;
    for (size_t i = 0; i < functions; i++) {
        const bool many = (calls[i].needs & NEEDS_CONN) != 0;

        for (conn_state at = CONN_NEW; at < (many ? CONN_STATES : CONN_CLIENT); at++)
            for (int bad = 0; bad < 2; bad++) {
                char trace[TRACE_MAX] = "";

                for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++)
                    try_one(&calls[i], at, bad != 0, counts[c], trace);
            }
    }
    print_message("# queue hygiene: %zu functions, %zu calls, %zu of them failed, %zu complaints\n",
                  functions, calls_made, failures_seen, complaints);
    (void)remove("hygiene.rnd");
    assert_int_equal(complaints, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_001_na_002_na_005_every_call),
    };

    alarm(500);
    return cmocka_run_group_tests_name("queue hygiene", tests, NULL, NULL);
}
