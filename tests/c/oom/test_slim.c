/*
 * No memory while the slim library context is made: the process then does without
 * it, or has it whole. Later contexts work either way, and nothing is left behind.
 *
 * OpenSSL's own set-up, of the default library context, comes first, with memory:
 * what is half-made there stays so, with a slim context or without.
 */
#include "counts.h"
#include "oom.h"
#include "pair.h"
#include "test.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "pyossl/version.h"

enum { SECONDS_PER_POINT = 20, SHOWN = 20 };

/* What a child tells. */
typedef struct outcome {
    size_t points;        /* allocations of making the first context */
    size_t kept;          /* our blocks that stay where it was made */
    size_t with, without; /* how many children had it in the end */
    size_t refused;       /* contexts that were not made where memory failed */
} outcome;

static void establish(int version)
{
    pair both;

    pair_establish(&both, version, PAIR_MEMORY, 0);
    pair_send(&both, both.client, both.server, "bytes", 5);
    pair_free(&both);
}

static pyossl_status make_one(void)
{
    pyossl_ctx *ctx = NULL;
    const pyossl_status status = pyossl_ctx_new(&ctx, PYOSSL_TLS);

    if ((status == PYOSSL_OK) != (ctx != NULL))
        abort();
    pyossl_ctx_unref(ctx);
    return status;
}

/* In a child: it dies of what is wrong. */
static void fail_and_go_on(outcome *o, size_t index, int onwards)
{
    const size_t before = oom_ours();
    pyossl_status status;
    size_t kept;
    bool slim;

    pyossl_slim_allow(1);
    oom_fail_at(index, onwards);
    status = make_one();
    o->points = oom_stop();
    assert_true(status == PYOSSL_OK || status == PYOSSL_E_NOMEM);
    o->refused += status != PYOSSL_OK;
    pyossl_error_clear();
    for (int version = PAIR_TLS1_2; version <= PAIR_TLS1_3; version++)
        establish(version);
    slim = pyossl_has(PYOSSL_FEATURE_SLIM) == 1;
    *(slim ? &o->with : &o->without) += 1;
    kept = oom_ours() - before;
    /* The clean run comes first, and tells what a slim context keeps, also one that was left. */
    if (index == SIZE_MAX)
        o->kept = kept;
    else
        assert_true(kept == o->kept || (kept == 0 && !slim));
}

static bool in_child(outcome *o, size_t index, int onwards)
{
    int how = 0;
    pid_t child;

    fflush(NULL);
    child = fork();
    if (child == 0) {
        alarm(SECONDS_PER_POINT);
        fail_and_go_on(o, index, onwards);
        fflush(NULL);
        leave(0);
    }
    return child > 0 && waitpid(child, &how, 0) == child && how == 0;
}

static void test_making_it(void **state)
{
    outcome *o = mmap(NULL, sizeof *o, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    const char *text = getenv("OOM_STRIDE");
    const size_t asked = text != NULL ? strtoul(text, NULL, 10) : 1, step = asked > 0 ? asked : 1;
    size_t points, wrong = 0;

    (void)state;
    assert_true(o != MAP_FAILED);
    pyossl_slim_allow(0);
    for (int version = PAIR_TLS1_2; version <= PAIR_TLS1_3; version++)
        establish(version);
    assert_true(in_child(o, SIZE_MAX, 0));
    if (o->with == 0) {
        munmap(o, sizeof *o);
        skip();
    }
    points = o->points;
    for (int onwards = 0; onwards < 2; onwards++)
        for (size_t index = 0; index < points; index += step)
            if (!in_child(o, index, onwards) && ++wrong <= SHOWN)
                fprintf(stderr, "# making it: allocation %zu%s\n", index, onwards ? "+" : "");
    fprintf(stderr,
            "# making it: %zu allocations, every %zu. fails, once and from there on; %zu runs had "
            "it then, %zu not; %zu first contexts were refused\n"
            "# allocation failures: %zu points of 1 scenarios; %zu wrong outcomes\n",
            points, step, o->with - 1, o->without, o->refused, o->with - 1 + o->without, wrong);
    munmap(o, sizeof *o);
    assert_int_equal(wrong, 0);
}

/*
 * With an allocator of the program's, which this process has, OpenSSL does not note that
 * it was used: what was set in it counts all the same.
 */
static void test_another_allocator_hides_nothing(void **state)
{
    const pid_t child = fork();
    int ended = -1;

    (void)state;
    assert_true(child >= 0);
    if (child == 0) {
        const bool set = EVP_set_default_properties(NULL, "provider=other") == 1;

        _exit(set && pyossl_has(PYOSSL_FEATURE_SLIM) == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_int_equal(ended, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_another_allocator_hides_nothing),
        cmocka_unit_test(test_making_it),
    };

    oom_install();
    return cmocka_run_group_tests_name("making the slim context", tests, NULL, NULL);
}
