/*
 * A long time: connections over memory, sockets and functions, TLS 1.2 and 1.3,
 * full and resumed, some with a fault in them, while certificates are renewed,
 * contexts are replaced and signals come.
 *
 * Every byte that is said is heard, each fault has the status it must have, and at
 * the end the process holds what it held after the first tenth.
 */
#include "load.h"
#include "test.h"

#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/time.h>
#include <unistd.h>

enum { WORKERS = 2, TENTHS = 10, SECONDS_MAX = 3000, GROWTH_MAX = 1 << 20, SIGNAL_US = 1000 };

typedef struct soak soak;

/* A fault: a byte that is falsified where @op is SCRIPT_MOVE, else what is read from there on. */
typedef struct plan {
    bool faulty, of_client;
    script_op op;
    size_t at;
} plan;

/* One thread that drives connections, and one that is the server of some of them. */
typedef struct worker {
    soak *all;
    unsigned random;
    duo both;
    talker client, server;
    plan made;
    pyossl_status of_client, of_server;
    pyossl_session *sessions[VERSIONS];
    unsigned generation;
    sem_t ask, answer;
    bool over;
    unsigned interruptions[2];
} worker;

struct soak {
    world all;
    size_t each; /* connections of a worker in a tenth */
    pthread_barrier_t together;
    atomic_bool stop;
    atomic_size_t full, resumed, faulty, struck, wrong, said, heard, renewals, replacements;
    atomic_size_t in_memory, on_sockets, in_threads, by_functions;
};

static atomic_size_t signals;

static void on_signal(int number)
{
    (void)number;
    atomic_fetch_add(&signals, 1);
}

/* ---- faults ---- */

static plan make_plan(worker *self)
{
    static const script_op ops[] = { SCRIPT_END, SCRIPT_ERRNO, SCRIPT_ABORT, SCRIPT_MOVE };
    plan made = { .faulty = next_random(&self->random) % 2 == 0 };

    made.of_client = next_random(&self->random) % 2 == 0;
    made.op = ops[next_random(&self->random) % 4];
    made.at = next_random(&self->random) % 3000;
    return made;
}

static void put_in(const plan *made, script *at)
{
    if (!made->faulty)
        return;
    if (made->op == SCRIPT_MOVE) {
        at->flip_at = made->at;
        at->flip = (unsigned char)(1U << made->at % 8);
        return;
    }
    at->cut_at = made->at;
    at->cut = (script_step){ made->op, ECONNRESET };
}

static pyossl_status expected_of(script_op op)
{
    switch (op) {
    case SCRIPT_END:
        return PYOSSL_TRUNCATED;
    case SCRIPT_ERRNO:
        return PYOSSL_E_SYSTEM;
    case SCRIPT_ABORT:
        return PYOSSL_E_CALLBACK;
    case SCRIPT_WANT_READ:
    case SCRIPT_WANT_WRITE:
    case SCRIPT_NOTHING:
    case SCRIPT_LIE:
    case SCRIPT_MOVE:
        break;
    }
    return PYOSSL_OK;
}

static bool is_an_end(pyossl_status status)
{
    return status == PYOSSL_TRUNCATED || status == PYOSSL_E_OPENSSL || status == PYOSSL_E_VERIFY ||
           status == PYOSSL_CLOSED;
}

/* The transport of both ends; then those that wait are told so. */
static void cut_both(worker *self)
{
    self->both.to_client.ended = self->both.to_server.ended = true;
    if (pyossl_is_retry(self->of_client))
        self->of_client = talker_step(&self->client);
    if (pyossl_is_retry(self->of_server))
        self->of_server = talker_step(&self->server);
}

/* What was falsified is noticed by either side, or was never looked at; nobody hears other words.
 */
static bool judge_flip(const worker *self)
{
    return is_an_end(self->of_client) && is_an_end(self->of_server);
}

static bool judge_cut(const plan *made, const script *at, pyossl_status of_hit,
                      pyossl_status of_other)
{
    if (at->bytes_read < made->at)
        return of_hit == PYOSSL_CLOSED && of_other == PYOSSL_CLOSED;
    if (of_hit == PYOSSL_CLOSED) /* with the last byte, before it was asked for more */
        return of_other == PYOSSL_CLOSED;
    return of_hit == expected_of(made->op) &&
           is_an_end(of_other); /* the hit side may have sent an alert */
}

static bool judge(worker *self)
{
    const plan *const made = &self->made;
    const script *const hit =
        made->of_client ? &self->both.client_script : &self->both.server_script;

    atomic_fetch_add(&self->all->faulty, 1);
    if (made->at <= hit->bytes_read)
        atomic_fetch_add(&self->all->struck, 1);
    if (self->client.wrong || self->server.wrong)
        return false;
    if (made->op == SCRIPT_MOVE)
        return judge_flip(self);
    return judge_cut(made, hit, made->of_client ? self->of_client : self->of_server,
                     made->of_client ? self->of_server : self->of_client);
}

/* ---- a connection ---- */

/* The server of a connection over sockets, whose client is another thread. */
static void *serve(void *arg)
{
    worker *self = arg;

    for (;;) {
        while (sem_wait(&self->ask) != 0)
            continue;
        if (self->over)
            return NULL;
        self->of_server = talker_run(&self->server, &self->interruptions[1]);
        sem_post(&self->answer);
    }
}

static void talk_in_threads(worker *self)
{
    sem_post(&self->ask);
    self->of_client = talker_run(&self->client, &self->interruptions[0]);
    while (sem_wait(&self->answer) != 0)
        continue;
}

static void forget_sessions(worker *self)
{
    for (int at = 0; at < VERSIONS; at++) {
        pyossl_session_unref(self->sessions[at]);
        self->sessions[at] = NULL;
    }
}

/* One in sixteen shakes hands in full, and so do the first ones of new contexts. */
static bool resume(worker *self, version at)
{
    return self->sessions[at] == NULL || next_random(&self->random) % 16 == 0 ||
           pyossl_conn_set_session(self->both.client, self->sessions[at]) == PYOSSL_OK;
}

static bool keep_session(worker *self, version at)
{
    pyossl_session *fresh = NULL;

    atomic_fetch_add(
        pyossl_conn_resumed(self->both.client) ? &self->all->resumed : &self->all->full, 1);
    if (pyossl_conn_session(self->both.client, &fresh) != PYOSSL_OK)
        return false;
    pyossl_session_unref(self->sessions[at]);
    self->sessions[at] = fresh;
    return true;
}

static bool judge_good(worker *self, version at)
{
    atomic_fetch_add(&self->all->said, self->client.said + self->server.said);
    atomic_fetch_add(&self->all->heard, self->client.heard + self->server.heard);
    return self->of_client == PYOSSL_CLOSED && self->of_server == PYOSSL_CLOSED &&
           talker_same(&self->client, &self->server) && talker_same(&self->server, &self->client) &&
           keep_session(self, at);
}

/* How many bytes a side says: few mostly, many sometimes. */
static size_t some_length(worker *self)
{
    const unsigned random = next_random(&self->random);

    return random % 64 == 0 ? random / 64 % 60000 : 1 + random / 64 % 2000;
}

static bool run(worker *self, version at, pyossl_ctx *client, pyossl_ctx *server)
{
    const unsigned kind = next_random(&self->random) % 10;
    const carrier by = kind < 4 ? MEMORY : kind < 8 ? SOCKETS : FUNCTIONS;
    const unsigned char *const first = some_text(next_random(&self->random));
    const unsigned char *const second = some_text(next_random(&self->random));
    const size_t len = some_length(self), back = some_length(self);

    self->of_client = self->of_server = PYOSSL_E_STATE;
    self->made = by == FUNCTIONS ? make_plan(self) : (plan){ .faulty = false };
    if (duo_open(&self->both, client, server, by) != PYOSSL_OK || !resume(self, at))
        return false;
    talker_begin(&self->client, self->both.client, true, first, len, second, back);
    talker_begin(&self->server, self->both.server, false, second, back, first, len);
    if (kind >= 6 && by == SOCKETS) {
        atomic_fetch_add(&self->all->in_threads, 1);
        talk_in_threads(self);
        return judge_good(self, at);
    }
    put_in(&self->made,
           self->made.of_client ? &self->both.client_script : &self->both.server_script);
    talk(&self->both, &self->client, &self->server, &self->of_client, &self->of_server);
    atomic_fetch_add(by == MEMORY    ? &self->all->in_memory
                     : by == SOCKETS ? &self->all->on_sockets
                                     : &self->all->by_functions,
                     1);
    if (!self->made.faulty)
        return judge_good(self, at);
    cut_both(self);
    return judge(self);
}

static void complain(const worker *self, version at)
{
    fprintf(stderr,
            "# %s: client %s at %d, server %s at %d, heard %s; fault %d of the %s at byte %zu of"
            " %zu\n",
            at == TLS_1_2 ? "TLS 1.2" : "TLS 1.3", pyossl_status_name(self->of_client),
            self->client.at, pyossl_status_name(self->of_server), self->server.at,
            self->client.wrong || self->server.wrong ? "what was not said" : "what was said",
            self->made.faulty ? (int)self->made.op : -1, self->made.of_client ? "client" : "server",
            self->made.at,
            self->made.of_client ? self->both.client_script.bytes_read
                                 : self->both.server_script.bytes_read);
}

static void one_connection(worker *self)
{
    const version at = next_random(&self->random) % VERSIONS;
    OWNED(ctx) client = NULL;
    OWNED(ctx) server = NULL;
    const unsigned generation = world_take(&self->all->all, at, &client, &server);

    if (generation != self->generation) {
        forget_sessions(self);
        self->generation = generation;
    }
    if (!run(self, at, client, server)) {
        complain(self, at);
        atomic_fetch_add(&self->all->wrong, 1);
    }
    duo_close(&self->both);
}

static void *work(void *arg)
{
    worker *self = arg;
    pthread_t server;

    if (!talker_init(&self->client) || !talker_init(&self->server) ||
        pthread_create(&server, NULL, serve, self) != 0)
        abort();
    for (int tenth = 0; tenth < TENTHS; tenth++) {
        for (size_t i = 0; i < self->all->each; i++)
            one_connection(self);
        forget_sessions(self);
        pyossl_error_clear();
        pthread_barrier_wait(&self->all->together); /* the main thread looks */
        pthread_barrier_wait(&self->all->together);
    }
    self->over = true;
    sem_post(&self->ask);
    pthread_join(server, NULL);
    talker_free(&self->client);
    talker_free(&self->server);
    return NULL;
}

/* ---- what happens meanwhile ---- */

typedef struct renewer {
    soak *all;
    worker *workers;
    pthread_t *threads;
} renewer;

/* Another certificate every few milliseconds, other contexts every few dozen. */
static void *renew(void *arg)
{
    renewer *self = arg;

    for (unsigned i = 0; !atomic_load(&self->all->stop); i++) {
        const bool replace = i % 64 == 63;

        if ((replace ? world_replace(&self->all->all) : world_renew(&self->all->all, i)) !=
            PYOSSL_OK)
            atomic_fetch_add(&self->all->wrong, 1);
        atomic_fetch_add(replace ? &self->all->replacements : &self->all->renewals, 1);
        for (int n = 0; n < WORKERS; n++)
            pthread_kill(self->threads[n], SIGUSR1);
        usleep(5000);
    }
    return NULL;
}

static void start_signals(void)
{
    const struct sigaction action = { .sa_handler = on_signal }; /* no SA_RESTART */
    const struct itimerval often = { { 0, SIGNAL_US }, { 0, SIGNAL_US } };

    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
}

static void stop_signals(void)
{
    const struct itimerval never = { { 0, 0 }, { 0, 0 } };

    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    assert_int_equal(signal(SIGALRM, SIG_DFL) != SIG_ERR, 1);
}

static void print_footprint(const char *when, size_t connections, const footprint *at, double start)
{
    print_message("# soak: %s %zu connections: %ld KiB resident, %ld KiB allocated, %ld"
                  " descriptors, %ld threads, %.0f s\n",
                  when, connections, at->resident >> 10, at->heap >> 10, at->fds, at->threads,
                  load_clock() - start);
}

static void assert_flat(const footprint *before, const footprint *after)
{
    assert_int_equal(after->fds, before->fds);
    assert_int_equal(after->threads, before->threads);
    if (!footprint_exact())
        return;
    print_message("# soak: growth from the first tenth to the end: %ld bytes resident, %ld"
                  " allocated\n",
                  after->resident - before->resident, after->heap - before->heap);
    assert_true(after->resident - before->resident < GROWTH_MAX);
    assert_true(after->heap - before->heap < GROWTH_MAX);
}

static void print_figures(const soak *self, const worker *workers, double start)
{
    unsigned interruptions = 0;

    for (int i = 0; i < WORKERS; i++)
        interruptions += workers[i].interruptions[0] + workers[i].interruptions[1];
    print_message("# soak: %zu in memory, %zu on sockets, %zu on sockets of two threads, %zu by"
                  " functions; %zu in full, %zu resumed\n",
                  atomic_load(&self->in_memory), atomic_load(&self->on_sockets),
                  atomic_load(&self->in_threads), atomic_load(&self->by_functions),
                  atomic_load(&self->full), atomic_load(&self->resumed));
    print_message("# soak: %zu faults put in, %zu of which struck; %zu renewals, %zu replaced"
                  " contexts, %zu signals, %u waits interrupted\n",
                  atomic_load(&self->faulty), atomic_load(&self->struck),
                  atomic_load(&self->renewals), atomic_load(&self->replacements),
                  atomic_load(&signals), interruptions);
    print_message("# soak: %zu connections, %zu bytes said, %zu lost, %zu wrong, %.0f s\n",
                  self->each * WORKERS * TENTHS, atomic_load(&self->said),
                  atomic_load(&self->said) - atomic_load(&self->heard), atomic_load(&self->wrong),
                  load_clock() - start);
}

static void test_na_052_na_025_na_069_a_long_time(void **state)
{
    soak self = { .each = load_count(40, 26000) };
    worker workers[WORKERS] = { { .all = &self, .random = 1 }, { .all = &self, .random = 77 } };
    pthread_t threads[WORKERS], renewing;
    renewer other = { &self, workers, threads };
    footprint first = { 0 }, now = { 0 };
    const double start = load_clock();

    (void)state;
    assert_ok(world_open(&self.all));
    assert_int_equal(pthread_barrier_init(&self.together, NULL, WORKERS + 1), 0);
    start_signals();
    for (int i = 0; i < WORKERS; i++) {
        assert_int_equal(sem_init(&workers[i].ask, 0, 0), 0);
        assert_int_equal(sem_init(&workers[i].answer, 0, 0), 0);
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    assert_int_equal(pthread_create(&renewing, NULL, renew, &other), 0);
    for (size_t tenth = 0; tenth < TENTHS; tenth++) {
        pthread_barrier_wait(&self.together);
        assert_ok(world_replace(&self.all)); /* and with them what they remember of sessions */
        now = footprint_now();
        if (tenth == 0)
            first = now;
        print_footprint("after", (tenth + 1) * self.each * WORKERS, &now, start);
        if (tenth + 1 == TENTHS) {
            atomic_store(&self.stop, true);
            assert_int_equal(pthread_join(renewing, NULL), 0);
        }
        pthread_barrier_wait(&self.together);
    }
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    stop_signals();
    print_figures(&self, workers, start);
    assert_int_equal(atomic_load(&self.wrong), 0);
    assert_int_equal(atomic_load(&self.said), atomic_load(&self.heard));
    assert_true(atomic_load(&self.struck) > 0 && atomic_load(&self.resumed) > 0);
    assert_true(atomic_load(&signals) > 0);
    assert_flat(&first, &now);
    world_close(&self.all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_052_na_025_na_069_a_long_time),
    };

    return cmocka_run_group_tests_name("soak", tests, NULL, NULL);
}
