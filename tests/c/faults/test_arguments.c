/*
 * Every exported function is called without one of its arguments: NULL where the header forbids
 * it, NULL with a length, a length that nothing has, an array with NULL in it. What returns a
 * status answers PYOSSL_E_ARGUMENT and says why, everything else 0 or NULL; no output is written.
 * NA-180
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

static size_t calls_made, complaints;

static void complain(const call *what, unsigned without, const char *why, const char *more)
{
    complaints++;
    print_message("# %s without its argument %u: %s%s\n", what->function, without, why, more);
}

/* Whether all that the call answered is 0. */
static bool is_nothing(const char *trace)
{
    return trace[strspn(trace, " 0")] == '\0';
}

static void try_one(const call *what, unsigned without)
{
    fixture f = { .without = without };

    prepare(&f, what, CONN_CLIENT);
    what->make(&f);
    calls_made++;
    if (f.wrote)
        complain(what, without, "an output is written", f.trace);
    if (f.status == PYOSSL_OK) {
        if (!is_nothing(f.trace))
            complain(what, without, "answers", f.trace);
    } else if (f.status != PYOSSL_E_ARGUMENT) {
        complain(what, without, "fails otherwise: ", f.trace);
    } else if (!f.explained && strcmp(what->function, "pyossl_error_status") != 0) {
        complain(what, without, "does not say why", "");
    }
    clean(&f);
}

static void test_na_180_every_argument(void **state)
{
    size_t returning_status = 0;

    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        for (unsigned without = 1; without <= calls[i].variants; without++) {
            try_one(&calls[i], without);
            returning_status++;
        }
    print_message("# %zu calls, %zu complaints\n", calls_made, complaints);
    assert_true(calls_made > 500);
    assert_int_equal(calls_made, returning_status);
    assert_int_equal(complaints, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_na_180_every_argument) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
