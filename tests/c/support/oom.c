#include "oom.h"

#include <pthread.h>
#include <signal.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "counts.h"
#include "pyossl/error.h"
#include "stacks.h"

enum { SECONDS_PER_POINT = 30, WARM_UPS = 3, COMPLAINTS_SHOWN = 20 };

static const uint32_t MAGIC = 0x6f6f6d21;

/*
 * In front of every block: who asked for it. Whoever hands such a block to plain
 * free() crashes at once, which shows allocators that are mixed up.
 */
typedef struct block {
    alignas(max_align_t) struct block *next;
    struct block *prev;
    const char *file;
    int line;
    uint32_t magic;
    size_t size;
    bool ours;
} block;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static block live = { .next = &live, .prev = &live };
static size_t live_ours, live_theirs;
static bool armed, armed_onwards, paused, failed_ours;
static size_t armed_index, counted;

/* The file is that of the caller of OPENSSL_malloc(); the library's own lie in libpyossl/. */
static bool is_ours(const char *file)
{
    return file != NULL && strstr(file, "libpyossl/") != NULL;
}

/* Whether this allocation is to fail. */
static bool fails_now(const char *file)
{
    bool fails;

    if (!armed || paused)
        return false;
    stacks_note();
    fails = counted == armed_index || (armed_onwards && counted > armed_index);
    counted++;
    /* Of many that fail, any may decide the outcome. */
    failed_ours |= fails && !armed_onwards && is_ours(file);
    return fails;
}

static void link_block(block *b)
{
    b->next = live.next;
    b->prev = &live;
    live.next->prev = b;
    live.next = b;
    *(b->ours ? &live_ours : &live_theirs) += 1;
}

static void unlink_block(block *b)
{
    b->prev->next = b->next;
    b->next->prev = b->prev;
    *(b->ours ? &live_ours : &live_theirs) -= 1;
}

static block *block_of(void *data)
{
    block *b = (block *)data - 1;

    if (b->magic != MAGIC) {
        fprintf(stderr, "oom: released or resized, but not from this allocator\n");
        abort();
    }
    return b;
}

static void *hook_malloc(size_t size, const char *file, int line)
{
    block *b = NULL;

    pthread_mutex_lock(&mutex);
    if (!fails_now(file) && size <= SIZE_MAX - sizeof *b)
        b = malloc(sizeof *b + size);
    if (b != NULL) {
        *b = (block){ .file = file, .line = line, .magic = MAGIC, .size = size };
        b->ours = is_ours(file);
        link_block(b);
    }
    pthread_mutex_unlock(&mutex);
    return b != NULL ? b + 1 : NULL;
}

static void hook_free(void *data, const char *file, int line)
{
    block *b;

    (void)file;
    (void)line;
    if (data == NULL)
        return;
    b = block_of(data);
    pthread_mutex_lock(&mutex);
    unlink_block(b);
    pthread_mutex_unlock(&mutex);
    b->magic = 0;
    free(b);
}

/* Always moves, so that a pointer kept to the old place is noticed. */
static void *hook_realloc(void *data, size_t size, const char *file, int line)
{
    void *moved;
    block *b;

    if (data == NULL)
        return hook_malloc(size, file, line);
    if (size == 0) {
        hook_free(data, file, line);
        return NULL;
    }
    b = block_of(data);
    moved = hook_malloc(size, b->file, b->line);
    if (moved == NULL)
        return NULL;
    memcpy(moved, data, b->size < size ? b->size : size);
    hook_free(data, file, line);
    return moved;
}

enum { SIGNALS = 5 };
static const int fatal[SIGNALS] = { SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV };
static struct sigaction before_cmocka[SIGNALS]; /* the system's, or a sanitizer's */

void oom_install(void)
{
    for (size_t i = 0; i < SIGNALS; i++)
        (void)sigaction(fatal[i], NULL, &before_cmocka[i]);
    if (CRYPTO_set_mem_functions(hook_malloc, hook_realloc, hook_free) != 1) {
        fprintf(stderr, "oom: OpenSSL has allocated already\n");
        abort();
    }
}

void oom_fail_at(size_t index, int onwards)
{
    pthread_mutex_lock(&mutex);
    armed = true;
    paused = false;
    armed_index = index;
    armed_onwards = onwards != 0;
    counted = 0;
    failed_ours = false;
    pthread_mutex_unlock(&mutex);
}

static void set_paused(bool on)
{
    pthread_mutex_lock(&mutex);
    paused = on;
    pthread_mutex_unlock(&mutex);
}

void oom_pause(void)
{
    set_paused(true);
}

void oom_resume(void)
{
    set_paused(false);
}

int oom_is_paused(void)
{
    return paused;
}

size_t oom_stop(void)
{
    size_t count;

    pthread_mutex_lock(&mutex);
    armed = false;
    count = counted;
    pthread_mutex_unlock(&mutex);
    return count;
}

size_t oom_ours(void)
{
    return live_ours;
}

size_t oom_theirs(void)
{
    return live_theirs;
}

void oom_broken(const char *condition, const char *file, int line)
{
    (void)oom_stop();
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    abort();
}

/* ---- sweeping ---- */

/* What the parent must know of a child, however that ended. */
typedef struct progress {
    size_t point;
    size_t complaints;
    size_t succeeded;
    size_t out_of_memory;
    size_t other;
    size_t points;
} progress;

/* Over all sweeps of this program. */
static struct {
    size_t scenarios, points, complaints;
} total;

/* What fails: one allocation, all from one on, or one call of those in failing_calls.inc. */
typedef enum fault_kind { ONCE, ONWARDS, CALL, FAULTS } fault_kind;

static const char *const fault_names[FAULTS] = { "allocation once", "allocation and on", "call" };

static void (*calls_arm)(size_t index);
static size_t (*calls_disarm)(void);

void oom_use_calls(void (*fail_at)(size_t index), size_t (*stop)(void))
{
    calls_arm = fail_at;
    calls_disarm = stop;
}

static void arm(fault_kind kind, size_t index)
{
    failed_ours = false;
    if (kind == CALL)
        calls_arm(index);
    else
        oom_fail_at(index, kind == ONWARDS);
}

static size_t disarm(fault_kind kind)
{
    return kind == CALL ? calls_disarm() : oom_stop();
}

static void complain(progress *p, const oom_scenario *s, fault_kind kind, const char *what)
{
    if (p->complaints++ < COMPLAINTS_SHOWN)
        fprintf(stderr, "# %s, %s, at %zu: %s\n", s->name, fault_names[kind], p->point, what);
}

/* The newest blocks, ours or theirs: what was left behind. */
static void show(bool ours, size_t count)
{
    for (const block *b = live.next; b != &live && count > 0; b = b->next)
        if (b->ours == ours) {
            fprintf(stderr, "#   %zu bytes from %s:%d\n", b->size, b->file, b->line);
            count--;
        }
}

static void show_error(void)
{
    const pyossl_error *error = pyossl_error_last();

    fprintf(stderr, "#   %s\n", pyossl_status_name(pyossl_error_status(error)));
    for (size_t i = 0; i < pyossl_error_count(error); i++) {
        const pyossl_error_entry *entry = pyossl_error_entry_at(error, i);

        fprintf(stderr, "#   %s: %s %s\n", entry->library, entry->reason, entry->detail);
    }
}

static const char *judge(const oom_scenario *s, fault_kind kind, pyossl_status status, progress *p)
{
    const pyossl_error *error = pyossl_error_last();

    if (status == PYOSSL_OK) {
        p->succeeded++;
        return NULL;
    }
    if (pyossl_status_classify(status) != PYOSSL_CLASS_ERROR)
        return "the outcome is neither success nor an error";
    if (pyossl_error_status(error) != status || pyossl_error_count(error) == 0)
        return "the record does not explain the failure";
    if (status == PYOSSL_E_NOMEM) {
        p->out_of_memory++;
        return NULL;
    }
    p->other++;
    return kind == CALL || (s->any_error && !failed_ours) ? NULL : pyossl_status_name(status);
}

static pyossl_status run_clean(const oom_scenario *s)
{
    const pyossl_status status = s->run(s->arg);

    OPENSSL_thread_stop(); /* the thread's error texts and caches are no leaks */
    return status;
}

static bool works_again(const oom_scenario *s)
{
    for (size_t tries = 0; tries <= s->heals_within; tries++)
        if (run_clean(s) == PYOSSL_OK)
            return true;
    return false;
}

/*
 * What OpenSSL keeps for later is no leak: another run gives it back, or the same
 * fault once more finds it there and adds nothing.
 */
static bool grows(const oom_scenario *s, fault_kind kind, const progress *p)
{
    size_t before;

    (void)run_clean(s);
    before = oom_theirs();
    ERR_clear_error();
    arm(kind, p->point);
    (void)s->run(s->arg);
    (void)disarm(kind);
    OPENSSL_thread_stop();
    (void)run_clean(s);
    (void)run_clean(s);
    return oom_theirs() > before;
}

static void try_point(const oom_scenario *s, fault_kind kind, progress *p)
{
    const size_t ours = oom_ours(), theirs = oom_theirs();
    const char *complaint;
    pyossl_status status;

    pyossl_error_clear();
    ERR_clear_error(); /* makes the thread's queue: without one OpenSSL cannot say what failed */
    arm(kind, p->point);
    status = s->run(s->arg);
    (void)disarm(kind);
    complaint = judge(s, kind, status, p);
    if (complaint != NULL) {
        complain(p, s, kind, complaint);
        show_error();
    }
    OPENSSL_thread_stop();
    if (kind == CALL && s->ours)
        return; /* what stays behind may be theirs too */
    if (oom_ours() > ours) {
        complain(p, s, kind, "blocks of ours stayed behind:");
        show(true, oom_ours() - ours);
    }
    if (!works_again(s)) {
        complain(p, s, kind, "the run after it failed:");
        show_error();
    }
    if (oom_theirs() > theirs + s->theirs && grows(s, kind, p)) {
        complain(p, s, kind, "blocks of OpenSSL's stayed behind:");
        show(false, oom_theirs() - theirs);
    }
}

static unsigned long number_of(const char *variable)
{
    const char *text = getenv(variable);

    return text != NULL ? strtoul(text, NULL, 10) : 0;
}

static size_t stride(const oom_scenario *s, size_t count)
{
    const unsigned long value = number_of("OOM_STRIDE");
    const size_t step = (value > 0 ? value : 1) * (s->step > 0 ? s->step : 1);

    return s->most > 0 && count / step > s->most ? count / s->most : step;
}

/* With OOM_DISTINCT in the environment: so many of those reached in the same way. Calls are few. */
static bool is_chosen(const oom_scenario *s, fault_kind kind, size_t index, size_t count)
{
    const unsigned long distinct = number_of("OOM_DISTINCT");

    if (distinct > 0)
        return stacks_among_first(index, distinct);
    if (kind == CALL || index % stride(s, count) == 0)
        return true;
    /* A complete sweep leaves points out only where another was reached in the same way. */
    return number_of("OOM_STRIDE") <= 1 && stacks_among_first(index, 1);
}

/* cmocka turns a crash into a failed test and would go on with the next one, in the child. */
static void die_of_signals(void)
{
    for (size_t i = 0; i < SIGNALS; i++)
        (void)sigaction(fatal[i], &before_cmocka[i], NULL);
}

/* Try points until the last, or until the child dies of one. */
static void sweep_in_child(const oom_scenario *s, fault_kind kind, size_t first, size_t count,
                           progress *p)
{
    die_of_signals();
    (void)run_clean(s);
    for (size_t i = first; i < count; i++) {
        if (!is_chosen(s, kind, i, count))
            continue;
        p->point = i;
        p->points++;
        alarm(SECONDS_PER_POINT);
        try_point(s, kind, p);
    }
    alarm(0);
}

static void sweep_mode(const oom_scenario *s, fault_kind kind, size_t count, progress *p)
{
    size_t first = 0;

    while (first < count) {
        int how = 0;
        pid_t child;

        p->point = first;
        fflush(NULL);
        child = fork();
        if (child == 0) {
            sweep_in_child(s, kind, first, count, p);
            fflush(NULL);
            leave(0);
        }
        if (child < 0 || waitpid(child, &how, 0) != child) {
            complain(p, s, kind, "no child could be made");
            return;
        }
        if (WIFEXITED(how) && WEXITSTATUS(how) == 0)
            return;
        complain(p, s, kind, WIFSIGNALED(how) && WTERMSIG(how) == SIGALRM ? "hangs" : "crashes");
        first = p->point + 1;
    }
}

/* How many points a run has at which this can fail. */
static size_t count_points(const oom_scenario *s, fault_kind kind)
{
    size_t count;

    ERR_clear_error();
    stacks_start();
    arm(kind, SIZE_MAX);
    (void)s->run(s->arg);
    count = disarm(kind);
    stacks_stop();
    OPENSSL_thread_stop();
    return count;
}

size_t oom_sweep(const oom_scenario *scenario)
{
    progress *p = mmap(NULL, sizeof *p, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    size_t complaints, counts[FAULTS] = { 0 };

    if (p == MAP_FAILED)
        return 1;
    for (int i = 0; i < WARM_UPS; i++)
        if (run_clean(scenario) != PYOSSL_OK)
            complain(p, scenario, ONCE, "fails without a fault");
    for (fault_kind kind = ONCE; kind < FAULTS; kind++) {
        if (kind == CALL ? calls_arm == NULL : scenario->calls_only)
            continue;
        counts[kind] = count_points(scenario, kind);
        if (counts[kind] == 0 && !scenario->minor && (kind == ONCE || scenario->calls_only))
            complain(p, scenario, kind, "nothing is tested");
        sweep_mode(scenario, kind, counts[kind], p);
    }
    if (!scenario->minor)
        fprintf(stderr,
                "# %s: %zu allocations, %zu calls; of the runs %zu succeeded, %zu had no memory, "
                "%zu failed otherwise\n",
                scenario->name, counts[ONCE], counts[CALL], p->succeeded, p->out_of_memory,
                p->other);
    complaints = p->complaints;
    total.scenarios++;
    total.points += p->points;
    total.complaints += complaints;
    munmap(p, sizeof *p);
    return complaints;
}

/*
 * What is set up once in a process, in one that has not done so yet: afterwards it need not work,
 * but has to say so.
 */
size_t oom_sweep_cold(const oom_scenario *s)
{
    progress *p = mmap(NULL, sizeof *p, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    size_t complaints;

    if (p == MAP_FAILED)
        return 1;
    for (size_t point = 0; point == 0 || point < p->points; point++) {
        int how = 0;
        pid_t child;

        p->point = point;
        fflush(NULL);
        child = fork();
        if (child == 0) {
            const char *complaint;
            pyossl_status status;

            die_of_signals();
            alarm(SECONDS_PER_POINT);
            calls_arm(point);
            status = s->run(s->arg);
            p->points = calls_disarm() > p->points ? calls_disarm() : p->points;
            complaint = judge(s, CALL, status, p);
            if (complaint != NULL)
                complain(p, s, CALL, complaint);
            complaint = judge(s, CALL, s->run(s->arg), p);
            if (complaint != NULL)
                complain(p, s, CALL, complaint);
            leave(0);
        }
        if (child < 0 || waitpid(child, &how, 0) != child || how != 0)
            complain(p, s, CALL, "crashes or hangs");
    }
    complaints = p->complaints;
    total.scenarios++;
    total.points += p->points;
    total.complaints += complaints;
    munmap(p, sizeof *p);
    return complaints;
}

void oom_print_total(void)
{
    fprintf(stderr,
            "# allocation failures: %zu points of %zu scenarios; %zu crashes, hangs, leaks, "
            "wrong outcomes\n",
            total.points, total.scenarios, total.complaints);
}
