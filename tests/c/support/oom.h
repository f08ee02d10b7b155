/*
 * An allocator that fails on request.
 *
 * One hook, CRYPTO_set_mem_functions(), reaches the library's memory and OpenSSL's.
 * A sweep runs a scenario with each of its allocations failing in turn, once and
 * then from there on, in forked children with a clock running; and with each call that
 * calls.h lets fail. It asks that
 * nothing crashes or hangs, that the outcome is success or a proper failure,
 * that the next run works again, and that no block of ours stays behind.
 */
#ifndef OOM_H
#define OOM_H

#include <stddef.h>

#include "pyossl/status.h"

/* A run fails by its status; a broken promise (an output touched, say) ends it by oom_check(). */
typedef struct oom_scenario {
    const char *name;
    pyossl_status (*run)(void *arg);
    void *arg;
    /*
     * Where OpenSSL fails an allocation of its own without saying so, any ERROR will do.
     * When one of ours alone fails it is E_NOMEM, always.
     */
    int any_error;
    /* Blocks that OpenSSL may leave behind per fault; ours must always be 0. */
    size_t theirs;
    /*
     * Try every so many points, and the first of those that are reached in the same way; 0 for
     * all. For what allocates the same thousands of times.
     */
    size_t step;
    /* So many runs may fail after a fault, where OpenSSL keeps something half-made for a while. */
    size_t heals_within;
    /* Try at most so many points, evenly spread; 0 for all. */
    size_t most;
    /* One of many: no line of its own, and it need not allocate at all. */
    int minor;
    /* Files of certificates stay in memory where the lock of their table cannot be had. */
    int ours;
    /* Calls alone, for what allocates too much, or nothing. */
    int calls_only;
} oom_scenario;

/* First thing in main(): OpenSSL takes the hook only before its first allocation. */
void oom_install(void);

/* Fail allocation @index (from 0) from now on counted, and if @onwards every later one too. */
void oom_fail_at(size_t index, int onwards);

/* In a scenario: what is done between these is not counted, and does not fail. */
void oom_pause(void);
void oom_resume(void);
int oom_is_paused(void);

/* Fail nothing any more; returns how many allocations there were since oom_fail_at(). */
size_t oom_stop(void);

/* Blocks of the library, and of OpenSSL, that have not been released. */
size_t oom_ours(void);
size_t oom_theirs(void);

/* Sweeps go over what these count and fail as well: see calls.h. */
void oom_use_calls(void (*fail_at)(size_t index), size_t (*stop)(void));

/* Sweep; prints what went wrong, and returns how many points did. */
size_t oom_sweep(const oom_scenario *scenario);

/* Each call of the first run in a process; what is set up once stays as it came out. */
size_t oom_sweep_cold(const oom_scenario *scenario);

/* How many points all sweeps have tried, and what went wrong. */
void oom_print_total(void);

/* In a scenario: what must hold however the run ends. */
#define oom_check(condition) ((condition) ? (void)0 : oom_broken(#condition, __FILE__, __LINE__))

void oom_broken(const char *condition, const char *file, int line) __attribute__((noreturn));

#endif
