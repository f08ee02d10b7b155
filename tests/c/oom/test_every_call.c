/*
 * Every exported function, with arguments that work and with some that do not, on
 * connections in three states: each allocation of the call fails in turn. What it
 * is called with is made before, and released after it, with memory to be had.
 * NA-155
 */
#include "../faults/calls.h"

#include "oom.h"

/* What allocates more is swept whole by the other scenarios, in the flows that it is part of. */
enum { MOST = 150 };

typedef struct subject {
    const call *what;
    conn_state state;
    bool bad;
    bool known; /* what the call answers when it has memory: */
    pyossl_status status;
    char trace[TRACE_MAX];
} subject;

static void call_begins(fixture *f)
{
    (void)f;
    pyossl_error_clear();
    ERR_clear_error();
    oom_resume();
}

static void call_ended(fixture *f)
{
    oom_pause();
    f->queued = ERR_peek_error() != 0;
}

/* The answer it gives with memory is success; another error is what a lack of memory may turn it
 * into. */
static pyossl_status run(void *arg)
{
    subject *s = arg;
    fixture f = { .bad = s->bad };

    oom_pause();
    prepare(&f, s->what, s->state);
    s->what->make(&f);
    clean(&f);
    if (!s->known) {
        s->known = true;
        s->status = f.status;
        memcpy(s->trace, f.trace, TRACE_MAX);
    }
    oom_check(f.queued == 0);
    oom_check(!f.failed || f.explained);
    oom_check(!f.failed || !f.wrote);
    return f.status == s->status ? PYOSSL_OK : f.status;
}

static size_t sweep(const call *what)
{
    const conn_state states = (what->needs & NEEDS_CONN) != 0 ? CONN_STATES : CONN_CLIENT;
    size_t complaints = 0;

    for (conn_state state = CONN_NEW; state < states; state++)
        for (int bad = 0; bad < 2; bad++) {
            subject s = { .what = what, .state = state, .bad = bad != 0 };
            oom_scenario scenario = { .name = what->function,
                                      .run = run,
                                      .arg = &s,
                                      .any_error = 1,
                                      .most = MOST,
                                      .minor = 1 };

            complaints += oom_sweep(&scenario);
        }
    return complaints;
}

static void test_na_155_every_call(void **state)
{
    const char *only = *state;
    size_t complaints = 0;

    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        if (only == NULL || strcmp(only, calls[i].function) == 0)
            complaints += sweep(&calls[i]);
    (void)remove("hygiene.rnd");
    assert_int_equal(complaints, 0);
}

/* With an argument, that function alone. */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { { .name = "every call",
                                          .test_func = test_na_155_every_call,
                                          .initial_state = argc > 1 ? argv[1] : NULL } };
    int failed;

    oom_install();
    failed = cmocka_run_group_tests_name("every call without memory", tests, NULL, NULL);
    oom_print_total();
    return failed;
}
