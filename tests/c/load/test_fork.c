/*
 * A process forks again and again while its threads shake hands. No child hangs:
 * neither one that is refused and ends, nor one that goes on, where the program
 * keeps its threads out meanwhile, as doc/guide/threads.rst has it.
 */
#include "load.h"
#include "test.h"

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4, SECONDS_MAX = 1200, CHILD_SECONDS = 60 };

typedef struct busy {
    world all;
    atomic_bool stop, gated;
    atomic_size_t talks, ready;
    atomic_int failed;
} busy;

/* ---- whoever forks waits until no thread is inside the library ---- */

static pthread_rwlock_t gate;
static atomic_bool gate_used;

static void make_gate(void)
{
    pthread_rwlockattr_t attributes;

    pthread_rwlockattr_init(&attributes);
    /* Or busy threads would keep the one that forks waiting for ever. */
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&gate, &attributes);
    pthread_rwlockattr_destroy(&attributes);
}

static void close_gate(void)
{
    if (atomic_load(&gate_used))
        pthread_rwlock_wrlock(&gate);
}

static void open_gate(void)
{
    if (atomic_load(&gate_used))
        pthread_rwlock_unlock(&gate);
}

/* ---- threads that shake hands ---- */

static bool talk_once(busy *self, talker talkers[2], unsigned number)
{
    OWNED(ctx) client = NULL;
    OWNED(ctx) server = NULL;
    pyossl_status of_client = PYOSSL_E_STATE, of_server = PYOSSL_E_STATE;
    duo both = { .client = NULL };
    bool same;

    (void)world_take(&self->all, number % VERSIONS, &client, &server);
    if (duo_open(&both, client, server, MEMORY) == PYOSSL_OK) {
        talker_begin(&talkers[0], both.client, true, some_text(number), 500, NULL, 400);
        talker_begin(&talkers[1], both.server, false, some_text(number), 400, NULL, 500);
        talk(&both, &talkers[0], &talkers[1], &of_client, &of_server);
    }
    same = of_client == PYOSSL_CLOSED && of_server == PYOSSL_CLOSED &&
           talker_same(&talkers[0], &talkers[1]) && talker_same(&talkers[1], &talkers[0]);
    duo_close(&both);
    return same;
}

static void *talk_for_ever(void *arg)
{
    busy *self = arg;
    const bool gated = atomic_load(&self->gated);
    talker talkers[2];

    if (!talker_init(&talkers[0]) || !talker_init(&talkers[1]))
        abort();
    atomic_fetch_add(&self->ready, 1);
    for (unsigned i = 0; !atomic_load(&self->stop); i++) {
        if (gated)
            pthread_rwlock_rdlock(&gate);
        if (!talk_once(self, talkers, i))
            atomic_fetch_add(&self->failed, 1);
        if (gated)
            pthread_rwlock_unlock(&gate);
        atomic_fetch_add(&self->talks, 1);
    }
    talker_free(&talkers[0]);
    talker_free(&talkers[1]);
    return NULL;
}

/* ---- children ---- */

/* The connection is the parent's. What refuses takes no lock, so that nothing is needed for it. */
static bool is_refused(const duo *both)
{
    unsigned char byte = 'x';
    size_t done;

    return pyossl_conn_write(both->client, &byte, 1, &done) == PYOSSL_E_STATE &&
           pyossl_conn_read(both->client, &byte, 1, &done) == PYOSSL_E_STATE &&
           pyossl_conn_handshake(both->client) == PYOSSL_E_STATE;
}

/* To release takes OpenSSL's locks, and to shake hands many more of them. */
static bool go_on(busy *self, duo *both)
{
    talker talkers[2];

    duo_close(both);
    return talker_init(&talkers[0]) && talker_init(&talkers[1]) && talk_once(self, talkers, 0) &&
           talk_once(self, talkers, 1);
}

/* SIGALRM ends a child that hangs. */
static void fork_often(busy *self, duo *both, size_t times, size_t *hung, size_t *wrong)
{
    for (size_t i = 0; i < times; i++) {
        const pid_t child = fork();
        int how = 0;

        assert_true(child >= 0);
        if (child == 0) {
            bool good;

            signal(SIGALRM, SIG_DFL);
            alarm(CHILD_SECONDS);
            good = is_refused(both) && (!atomic_load(&self->gated) || go_on(self, both));
            _exit(good ? 0 : 1);
        }
        assert_int_equal(waitpid(child, &how, 0), child);
        *hung += WIFSIGNALED(how) && WTERMSIG(how) == SIGALRM;
        *wrong += how != 0;
    }
}

static void check_parent(duo *both)
{
    unsigned char byte = 'x';
    size_t done;

    assert_ok(pyossl_conn_write(both->client, &byte, 1, &done));
    assert_ok(duo_carry(both));
    byte = 0;
    assert_ok(pyossl_conn_read(both->server, &byte, 1, &done));
    assert_int_equal(byte, 'x');
}

static void fork_with_busy_threads(bool gated)
{
    const size_t times = load_count(50, 2000);
    const double start = load_clock();
    busy self = { .stop = false };
    pthread_t threads[THREADS];
    duo both = { .client = NULL };
    size_t hung = 0, wrong = 0;
    pyossl_status status = PYOSSL_WANT_READ;

    atomic_store(&self.gated, gated);
    atomic_store(&gate_used, gated);
    assert_ok(world_open(&self.all));
    assert_ok(duo_open(&both, self.all.client[1], self.all.server[1], MEMORY));
    for (int i = 0; i < 20 && status != PYOSSL_OK; i++) {
        (void)!pyossl_conn_handshake(both.client);
        assert_ok(duo_carry(&both));
        status = pyossl_conn_handshake(both.server);
        assert_ok(duo_carry(&both));
    }
    assert_status(status, PYOSSL_OK);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, talk_for_ever, &self), 0);
    /* What a thread allocates before it minds the gate is nothing that a gate could guard. */
    while (atomic_load(&self.ready) < THREADS)
        (void)sched_yield();
    fork_often(&self, &both, times, &hung, &wrong);
    atomic_store(&self.stop, true);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    print_message("# fork: %zu children of %d busy threads (%zu handshakes meanwhile) %s: %zu"
                  " hung, %zu wrong, %.1f s\n",
                  times, THREADS, atomic_load(&self.talks),
                  gated ? "that release and shake hands, behind a gate"
                        : "that use the parent's connection",
                  hung, wrong, load_clock() - start);
    assert_int_equal(hung, 0);
    assert_int_equal(wrong, 0);
    assert_int_equal(atomic_load(&self.failed), 0);
    check_parent(&both);
    duo_close(&both);
    world_close(&self.all);
}

static void test_na_090_children_that_are_refused(void **state)
{
    (void)state;
    fork_with_busy_threads(false);
}

static void test_na_089_children_that_go_on(void **state)
{
    (void)state;
    make_gate();
    assert_int_equal(pthread_atfork(close_gate, open_gate, make_gate), 0);
    fork_with_busy_threads(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_090_children_that_are_refused),
        cmocka_unit_test(test_na_089_children_that_go_on),
    };

    alarm(SECONDS_MAX);
    return cmocka_run_group_tests_name("fork", tests, NULL, NULL);
}
