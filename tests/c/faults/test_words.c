/*
 * Every exported function that takes a text is called with a wrong one, and with everything
 * else right. Where that is why it fails, the record shows the text: who reads it is not left to
 * guess which of many settings, or which line of a configuration, was not understood.
 * NA-243
 */
#include "calls.h"

static void call_begins(fixture *f)
{
    (void)f;
    pyossl_error_clear();
}

static void call_ended(fixture *f)
{
    (void)f;
}

static size_t calls_made, failures_seen, complaints;

static bool shows_it(const pyossl_error *error)
{
    for (size_t i = 0; i < pyossl_error_count(error); i++)
        if (strstr(pyossl_error_entry_at(error, i)->detail, WRONG) != NULL)
            return true;
    return false;
}

static void try_one(const call *what, conn_state state, unsigned text)
{
    fixture good = { .bad = false }, f = { .wrong_text = text };

    prepare(&good, what, state);
    what->make(&good);
    prepare(&f, what, state);
    what->make(&f);
    calls_made++;
    /* What fails in this state anyway does not get as far as the text. */
    if (f.failed && !good.failed) {
        failures_seen++;
        if (!shows_it(pyossl_error_last())) {
            complaints++;
            print_message("# %s does not show its text %u: %s\n", what->function, text, f.trace);
        }
    }
    clean(&f);
    clean(&good);
}

static void test_na_243_every_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        for (unsigned text = 1; text <= calls[i].texts; text++)
            for (conn_state at = CONN_NEW;
                 at < ((calls[i].needs & NEEDS_CONN) != 0 ? CONN_STATES : CONN_CLIENT); at++)
                try_one(&calls[i], at, text);
    print_message("# %zu calls, %zu of them failed, %zu complaints\n", calls_made, failures_seen,
                  complaints);
    (void)remove("hygiene.rnd");
    assert_true(failures_seen > 40);
    assert_int_equal(complaints, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_na_243_every_text) };

    alarm(500);
    return cmocka_run_group_tests_name("words", tests, NULL, NULL);
}
