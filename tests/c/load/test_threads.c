/*
 * Threads: one connection that a reader and four writers share, contexts and
 * certificates that 16 threads share, callbacks that look at their own
 * connection or stop it, and a process that forks meanwhile.
 *
 * Nothing here is asserted outside the main thread: threads count what is wrong.
 */
#include "load.h"
#include "test.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 16, WRITERS = 4, WAIT_MS = 20000, SECONDS_MAX = 1800 };

/* ---- one connection, five threads ---- */

/* As doc/guide/threads.rst has it: a lock around each call, none around the waits. */
typedef struct shared {
    pyossl_conn *conn;
    pthread_mutex_t lock;    /* around each call */
    pthread_mutex_t writing; /* around each message: what begins to be written is written first */
    atomic_int failed;
    atomic_bool waiting, stop; /* the reader */
    atomic_size_t reads;
} shared;

enum { MESSAGE = 5000, HEADER = 8 };

static pyossl_status one_call(shared *self, bool write, void *bytes, size_t len, size_t *done)
{
    pyossl_status status;

    pthread_mutex_lock(&self->lock);
    status = write ? pyossl_conn_write(self->conn, bytes, len, done)
                   : pyossl_conn_read(self->conn, bytes, len, done);
    pthread_mutex_unlock(&self->lock);
    return status;
}

static pyossl_status until_done(shared *self, bool write, void *bytes, size_t len, size_t *done)
{
    for (;;) {
        pyossl_status status = one_call(self, write, bytes, len, done);

        if (!pyossl_is_retry(status))
            return status;
        if (!write)
            atomic_store(&self->waiting, true);
        status = pyossl_conn_wait(self->conn, status, WAIT_MS);
        if (!write)
            atomic_store(&self->waiting, false);
        if (status != PYOSSL_OK)
            return status;
    }
}

static bool write_all(shared *self, unsigned char *bytes, size_t len)
{
    size_t done = 0;
    bool good = true;

    pthread_mutex_lock(&self->writing);
    for (size_t at = 0; good && at < len; at += done)
        good = until_done(self, true, bytes + at, len - at, &done) == PYOSSL_OK;
    pthread_mutex_unlock(&self->writing);
    return good;
}

static bool read_all(shared *self, unsigned char *bytes, size_t len)
{
    size_t done = 0;

    for (size_t at = 0; at < len; at += done)
        if (until_done(self, false, bytes + at, len - at, &done) != PYOSSL_OK)
            return false;
    return true;
}

typedef struct stream {
    shared *at;
    unsigned number; /* of the writer */
    size_t messages;
    EVP_MD_CTX *hash;
} stream;

static void *write_messages(void *arg)
{
    stream *self = arg;
    unsigned char message[MESSAGE];

    for (size_t i = 0; i < self->messages; i++) {
        memcpy(message, some_text(i * 97 + self->number), sizeof message);
        memcpy(message, &self->number, sizeof self->number);
        if (EVP_DigestUpdate(self->hash, message, sizeof message) != 1 ||
            !write_all(self->at, message, sizeof message))
            atomic_fetch_add(&self->at->failed, 1);
    }
    return NULL;
}

/* Whole messages of all writers come, and each writer's in their order. */
static void *read_messages(void *arg)
{
    stream *self = arg;
    unsigned char message[MESSAGE];

    for (size_t i = 0; i < WRITERS * self->messages; i++) {
        unsigned from;

        if (!read_all(self->at, message, sizeof message)) {
            atomic_fetch_add(&self->at->failed, 1);
            return NULL;
        }
        memcpy(&from, message, sizeof from);
        if (from >= WRITERS || EVP_DigestUpdate(self[from].hash, message, sizeof message) != 1)
            atomic_fetch_add(&self->at->failed, 1);
    }
    return NULL;
}

static void establish(world *all, duo *both, version at)
{
    OWNED(ctx) client = NULL;
    OWNED(ctx) server = NULL;
    pyossl_status of_client = PYOSSL_WANT_READ, of_server = PYOSSL_WANT_READ;

    (void)world_take(all, at, &client, &server);
    assert_ok(duo_open(both, client, server, SOCKETS));
    for (int i = 0; i < 20 && (of_client != PYOSSL_OK || of_server != PYOSSL_OK); i++) {
        of_client = pyossl_conn_handshake(both->client);
        of_server = pyossl_conn_handshake(both->server);
    }
    assert_status(of_client, PYOSSL_OK);
    assert_status(of_server, PYOSSL_OK);
}

static void share(shared *self, pyossl_conn *conn)
{
    memset(self, 0, sizeof *self);
    self->conn = conn;
    assert_int_equal(pthread_mutex_init(&self->lock, NULL), 0);
    assert_int_equal(pthread_mutex_init(&self->writing, NULL), 0);
}

static void share_no_more(shared *self)
{
    pthread_mutex_destroy(&self->lock);
    pthread_mutex_destroy(&self->writing);
}

static EVP_MD_CTX *new_hash(void)
{
    EVP_MD_CTX *hash = EVP_MD_CTX_new();

    assert_non_null(hash);
    assert_int_equal(EVP_DigestInit_ex(hash, EVP_sha256(), NULL), 1);
    return hash;
}

static void assert_same_hash(EVP_MD_CTX *one, EVP_MD_CTX *other)
{
    unsigned char a[EVP_MAX_MD_SIZE], b[EVP_MAX_MD_SIZE];
    unsigned len;

    assert_int_equal(EVP_DigestFinal_ex(one, a, &len), 1);
    assert_int_equal(EVP_DigestFinal_ex(other, b, &len), 1);
    assert_memory_equal(a, b, len);
    EVP_MD_CTX_free(one);
    EVP_MD_CTX_free(other);
}

/* Both ways at once: four writers and a reader on each end. */
static void one_reader_four_writers(version version_of)
{
    const size_t messages = load_count(100, 4000);
    world all;
    duo both = { .client = NULL };
    shared ends[2];
    stream out[2][WRITERS], in[2][WRITERS];
    pthread_t writers[2][WRITERS], readers[2];

    assert_ok(world_open(&all));
    establish(&all, &both, version_of);
    share(&ends[0], both.client);
    share(&ends[1], both.server);
    for (int end = 0; end < 2; end++)
        for (unsigned i = 0; i < WRITERS; i++) {
            out[end][i] = (stream){ &ends[end], i, messages, new_hash() };
            in[end][i] = (stream){ &ends[end], i, messages, new_hash() };
        }
    for (int end = 0; end < 2; end++) {
        assert_int_equal(pthread_create(&readers[end], NULL, read_messages, in[end]), 0);
        for (int i = 0; i < WRITERS; i++)
            assert_int_equal(pthread_create(&writers[end][i], NULL, write_messages, &out[end][i]),
                             0);
    }
    for (int end = 0; end < 2; end++) {
        assert_int_equal(pthread_join(readers[end], NULL), 0);
        for (int i = 0; i < WRITERS; i++)
            assert_int_equal(pthread_join(writers[end][i], NULL), 0);
    }
    for (int end = 0; end < 2; end++) {
        assert_int_equal(atomic_load(&ends[end].failed), 0);
        for (int i = 0; i < WRITERS; i++)
            assert_same_hash(out[end][i].hash, in[1 - end][i].hash);
        share_no_more(&ends[end]);
    }
    print_message("# threads: %s, 1 reader and %d writers on each end: %zu bytes, none lost\n",
                  version_of == TLS_1_2 ? "TLS 1.2" : "TLS 1.3", WRITERS,
                  2 * WRITERS * messages * MESSAGE);
    duo_close(&both);
    world_close(&all);
}

static void test_na_081_one_reader_four_writers(void **state)
{
    (void)state;
    one_reader_four_writers(TLS_1_2);
    one_reader_four_writers(TLS_1_3);
}

/* ---- a writer, while a reader waits ---- */

static void *read_bytes(void *arg)
{
    shared *self = arg;
    unsigned char byte;
    size_t done;

    while (!atomic_load(&self->stop))
        if (until_done(self, false, &byte, 1, &done) == PYOSSL_OK)
            atomic_fetch_add(&self->reads, 1);
        else
            atomic_fetch_add(&self->failed, 1);
    return NULL;
}

/* The reader is woken each time and waits anew, then the writer has 100 ms. */
static void test_na_082_a_waiting_reader_keeps_nobody_out(void **state)
{
    const size_t times = load_count(500, 10000);
    world all;
    duo both = { .client = NULL };
    shared self;
    pthread_t reader;
    double most = 0, sum = 0;
    size_t done;
    unsigned char byte = 'x';

    (void)state;
    assert_ok(world_open(&all));
    establish(&all, &both, TLS_1_3);
    share(&self, both.client);
    assert_int_equal(pthread_create(&reader, NULL, read_bytes, &self), 0);
    for (size_t i = 0; i < times; i++) {
        double took;

        while (atomic_load(&self.reads) < i || !atomic_load(&self.waiting))
            sched_yield();
        took = load_clock();
        assert_true(write_all(&self, &byte, 1));
        took = load_clock() - took;
        sum += took;
        most = took > most ? took : most;
        assert_int_equal(pyossl_conn_read(both.server, &byte, 1, &done), PYOSSL_OK);
        if (i + 1 == times)
            atomic_store(&self.stop, true);
        assert_ok(pyossl_conn_write(both.server, &byte, 1, &done));
    }
    assert_int_equal(pthread_join(reader, NULL), 0);
    assert_int_equal(atomic_load(&self.failed), 0);
    print_message("# threads: %zu writes beside a waiting reader: %.3f ms on average, %.3f ms at"
                  " most\n",
                  times, sum / (double)times * 1e3, most * 1e3);
    /* A writer that is kept out waits for ever; what is more than that is the machine's other work.
     */
    assert_true(most < (load_count(0, 1) == 1 && footprint_exact() ? 0.1 : 5));
    share_no_more(&self);
    duo_close(&both);
    world_close(&all);
}

/* ---- contexts and certificates that all share ---- */

typedef struct stage {
    world all;
    atomic_bool stop;
    atomic_int failed, handshakes, stopped, refused, answers, renewals;
    atomic_size_t bytes;
    size_t each;
} stage;

/* What a callback may do with the connection that it is called for. */
static void look_at(stage *self, pyossl_conn *conn)
{
    unsigned char byte;
    size_t done;

    (void)pyossl_conn_state_string(conn);
    (void)pyossl_conn_servername(conn);
    (void)pyossl_conn_pending(conn);
    if (pyossl_conn_protocol(conn) == NULL || pyossl_conn_ctx(conn) == NULL)
        atomic_fetch_add(&self->failed, 1);
    if (pyossl_conn_read(conn, &byte, 1, &done) == PYOSSL_E_STATE &&
        pyossl_conn_handshake(conn) == PYOSSL_E_STATE)
        atomic_fetch_add(&self->refused, 1);
    else
        atomic_fetch_add(&self->failed, 1);
    atomic_fetch_add(&self->answers, 1);
}

/* A connection that says so is stopped by its callback: one that raises, in a binding. */
static bool is_to_stop(pyossl_conn *conn)
{
    return pyossl_conn_userdata(conn) != NULL;
}

static pyossl_answer on_verify(pyossl_conn *conn, const pyossl_verify_event *event, void *userdata)
{
    look_at(userdata, conn);
    if (is_to_stop(conn))
        return PYOSSL_ANSWER_ABORT;
    return event->preverify ? PYOSSL_ANSWER_ACCEPT : PYOSSL_ANSWER_DECLINE;
}

static pyossl_answer on_servername(pyossl_conn *conn, void *userdata)
{
    stage *self = userdata;

    look_at(self, conn);
    /* The same context, which is what choosing another one comes to. */
    if (pyossl_conn_set_ctx(conn, pyossl_conn_ctx(conn)) != PYOSSL_OK)
        atomic_fetch_add(&self->failed, 1);
    return PYOSSL_ANSWER_ACCEPT;
}

static pyossl_answer on_alpn(pyossl_conn *conn, const unsigned char *offered, size_t offered_len,
                             unsigned char *selected, size_t *selected_len, void *userdata)
{
    look_at(userdata, conn);
    if (offered_len < 3)
        return PYOSSL_ANSWER_ABORT;
    *selected_len = offered[0];
    memcpy(selected, offered + 1, *selected_len);
    return PYOSSL_ANSWER_ACCEPT;
}

static void on_info(pyossl_conn *conn, int where, int ret, void *userdata)
{
    (void)where;
    (void)ret;
    (void)userdata;
    (void)pyossl_conn_state_string(conn);
}

static pyossl_status set_callbacks(stage *self)
{
    for (int at = 0; at < VERSIONS; at++) {
        pyossl_ctx *const client = self->all.client[at], *const server = self->all.server[at];

        TRY(pyossl_ctx_set_verify(client, PYOSSL_VERIFY_PEER, on_verify, self, NULL));
        TRY(pyossl_ctx_set_info(client, on_info, self, NULL));
        TRY(pyossl_ctx_set_servername(server, on_servername, self, NULL));
        TRY(pyossl_ctx_set_alpn_select(server, on_alpn, self, NULL));
        TRY(pyossl_ctx_set_alpn_protos(client, (const unsigned char *)"\2h2", 3));
    }
    return PYOSSL_OK;
}

/* Everything that only looks at a certificate or a key, by all threads at once. */
static pyossl_status look_at_shared(const world *all)
{
    OWNED_BUF buf = PYOSSL_BUF_INIT;
    OWNED(name) name = NULL;
    OWNED(pkey) key = NULL;

    TRY(pyossl_x509_dump(all->cert[0], PYOSSL_PEM, &buf));
    TRY(pyossl_x509_digest(all->cert[0], "sha256", &buf));
    TRY(pyossl_x509_subject(all->cert[0], &name));
    TRY(pyossl_name_oneline(name, &buf));
    TRY(pyossl_x509_pubkey(all->cert[0], &key));
    TRY(pyossl_pkey_dump_public(key, PYOSSL_DER, &buf));
    TRY(pyossl_pkey_dump_private(all->key[0], PYOSSL_PEM, NULL, NULL, &buf));
    return pyossl_x509_dump(all->intermediate, PYOSSL_TEXT, &buf);
}

static void one_talk(stage *self, duo *both, talker talkers[2], unsigned number, bool stopping)
{
    OWNED(ctx) client = NULL;
    OWNED(ctx) server = NULL;
    pyossl_status of_client = PYOSSL_E_STATE, of_server = PYOSSL_E_STATE;
    const size_t len = 1 + number * 37 % 3000;

    (void)world_take(&self->all, number % VERSIONS, &client, &server);
    if (duo_open(both, client, server, number % 3 == 0 ? SOCKETS : MEMORY) == PYOSSL_OK &&
        pyossl_conn_set_servername(both->client, "localhost", 9) == PYOSSL_OK) {
        pyossl_conn_set_userdata(both->client, stopping ? self : NULL);
        talker_begin(&talkers[0], both->client, true, some_text(number), len, NULL, len + 1);
        talker_begin(&talkers[1], both->server, false, some_text(len), len + 1, NULL, len);
        talk(both, &talkers[0], &talkers[1], &of_client, &of_server);
    }
    if (stopping) {
        atomic_fetch_add(of_client == PYOSSL_E_CALLBACK ? &self->stopped : &self->failed, 1);
    } else if (of_client == PYOSSL_CLOSED && of_server == PYOSSL_CLOSED &&
               talker_same(&talkers[0], &talkers[1]) && talker_same(&talkers[1], &talkers[0])) {
        atomic_fetch_add(&self->handshakes, 1);
        atomic_fetch_add(&self->bytes, 2 * len + 1);
    } else {
        atomic_fetch_add(&self->failed, 1);
    }
    duo_close(both);
}

static void *talk_often(void *arg)
{
    stage *self = arg;
    duo both = { .client = NULL };
    talker talkers[2];

    if (!talker_init(&talkers[0]) || !talker_init(&talkers[1]))
        atomic_fetch_add(&self->failed, 1);
    for (size_t i = 0; i < self->each; i++) {
        if (i % 16 == 0)
            one_talk(self, &both, talkers, (unsigned)i, true);
        one_talk(self, &both, talkers, (unsigned)i, false);
        if (i % 16 == 8 && look_at_shared(&self->all) != PYOSSL_OK)
            atomic_fetch_add(&self->failed, 1);
    }
    talker_free(&talkers[0]);
    talker_free(&talkers[1]);
    return NULL;
}

static void *renew_often(void *arg)
{
    stage *self = arg;

    for (unsigned i = 0; !atomic_load(&self->stop); i++) {
        if (world_renew(&self->all, i) != PYOSSL_OK)
            atomic_fetch_add(&self->failed, 1);
        atomic_fetch_add(&self->renewals, 1);
        usleep(2000);
    }
    return NULL;
}

static void test_na_052_contexts_of_16_threads(void **state)
{
    stage self = { .each = load_count(20, 20000 / THREADS) };
    const double start = load_clock();
    pthread_t threads[THREADS], renewer;

    (void)state;
    assert_ok(world_open(&self.all));
    assert_ok(set_callbacks(&self));
    assert_int_equal(pthread_create(&renewer, NULL, renew_often, &self), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, talk_often, &self), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    atomic_store(&self.stop, true);
    assert_int_equal(pthread_join(renewer, NULL), 0);
    print_message("# threads: %d handshakes of %d threads on shared contexts, %d more stopped by"
                  " a callback, %d calls from callbacks refused, %d renewals, %zu bytes; %d"
                  " wrong, %.1f s\n",
                  atomic_load(&self.handshakes), THREADS, atomic_load(&self.stopped),
                  atomic_load(&self.refused), atomic_load(&self.renewals), atomic_load(&self.bytes),
                  atomic_load(&self.failed), load_clock() - start);
    assert_int_equal(atomic_load(&self.failed), 0);
    assert_int_equal(atomic_load(&self.handshakes), THREADS * self.each);
    assert_true(atomic_load(&self.stopped) > 0 && atomic_load(&self.answers) > 0);
    world_close(&self.all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_081_one_reader_four_writers),
        cmocka_unit_test(test_na_082_a_waiting_reader_keeps_nobody_out),
        cmocka_unit_test(test_na_052_contexts_of_16_threads),
    };

    alarm(SECONDS_MAX);
    return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
