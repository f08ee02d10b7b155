/*
 * What only a whole process shows: its first use, its configuration, its end.
 *
 * The test's own process never touches the library: each case is a child of its
 * own, which ends within its time.
 */
#include "test.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/provider.h>
#include <openssl/ssl.h>

#include "owned.h"
#include "pyossl/openssl.h"

enum { SECONDS = 100, GOOD = 0, BAD = 1 };

/* What the child's function returns, or -1 for a child that crashed or hung. */
static int in_child(int (*run)(void))
{
    int how = 0;
    pid_t child;

    fflush(NULL);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        /* cmocka's handlers would go on with the next test, here. */
        signal(SIGSEGV, SIG_DFL);
        signal(SIGABRT, SIG_DFL);
        alarm(SECONDS);
        exit(run());
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    return WIFEXITED(how) ? WEXITSTATUS(how) : -1;
}

/* ---- a handshake in memory, without cmocka ---- */

typedef struct ends {
    pyossl_ctx *ctx[2];
    pyossl_conn *conn[2];
} ends;

static pyossl_status make_ends(ends *self, int version)
{
    for (int i = 0; i < 2; i++) {
        TRY(pyossl_ctx_new(&self->ctx[i], PYOSSL_TLS));
        if (version != 0) {
            TRY(pyossl_ctx_set_min_version(self->ctx[i], version));
            TRY(pyossl_ctx_set_max_version(self->ctx[i], version));
        }
        TRY(pyossl_ctx_use_certificate_chain_file(self->ctx[i], DATA("server-ec.pem")));
        TRY(pyossl_ctx_use_pkey_file(self->ctx[i], DATA("ec.pem"), PYOSSL_PEM));
        TRY(pyossl_conn_new(&self->conn[i], self->ctx[i]));
        TRY(pyossl_conn_use_memory(self->conn[i]));
        TRY(pyossl_conn_set_role(self->conn[i], i == 0 ? PYOSSL_CLIENT : PYOSSL_SERVER));
    }
    return PYOSSL_OK;
}

static void free_ends(ends *self)
{
    for (int i = 0; i < 2; i++) {
        pyossl_conn_unref(self->conn[i]);
        pyossl_ctx_unref(self->ctx[i]);
    }
}

static pyossl_status shake_hands(ends *self)
{
    pyossl_status status[2] = { PYOSSL_WANT_READ, PYOSSL_WANT_READ };

    for (int round = 0; round < 20; round++) {
        const int i = round % 2;
        unsigned char bytes[16384];
        size_t len, done;

        status[i] = pyossl_conn_handshake(self->conn[i]);
        if (status[i] != PYOSSL_OK && !pyossl_is_retry(status[i]))
            return status[i];
        while (pyossl_conn_drain(self->conn[i], bytes, sizeof bytes, &len) == PYOSSL_OK)
            TRY(pyossl_conn_feed(self->conn[1 - i], bytes, len, &done));
        if (status[0] == PYOSSL_OK && status[1] == PYOSSL_OK)
            return PYOSSL_OK;
    }
    return PYOSSL_E_STATE;
}

static int connect_once(int version)
{
    ends both = { { NULL, NULL }, { NULL, NULL } };
    pyossl_status status = make_ends(&both, version);

    if (status == PYOSSL_OK)
        status = shake_hands(&both);
    if (status != PYOSSL_OK)
        fprintf(stderr, "# %s: %s\n", pyossl_status_name(status), test_reason());
    free_ends(&both);
    return status == PYOSSL_OK ? GOOD : BAD;
}

static int connect_any(void)
{
    return connect_once(0);
}

static int connect_1_2(void)
{
    return connect_once(0x0303);
}

/* ---- first use ---- */

enum { THREADS = 32, PROCESSES = 40 };
static pthread_barrier_t together;
static atomic_int failures;

static void *first_use(void *unused)
{
    (void)unused;
    pthread_barrier_wait(&together);
    if (connect_once(0) != GOOD)
        atomic_fetch_add(&failures, 1);
    return NULL;
}

static int use_first_from_many_threads(void)
{
    pthread_t threads[THREADS];

    if (pthread_barrier_init(&together, NULL, THREADS) != 0)
        return BAD;
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, first_use, NULL) != 0)
            return BAD;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    return atomic_load(&failures) == 0 ? GOOD : BAD;
}

static void test_na_086_first_use_from_many_threads(void **state)
{
    (void)state;
    for (int i = 0; i < PROCESSES; i++)
        assert_int_equal(in_child(use_first_from_many_threads), GOOD);
}

/* ---- the end ---- */

static ends kept;

static void free_kept(void)
{
    free_ends(&kept);
}

/* Handles are released when exit() already runs, before and behind OpenSSL's own clean-up. */
static int release_at_exit(void)
{
    if (atexit(free_kept) != 0)
        return BAD;
    return make_ends(&kept, 0) == PYOSSL_OK && shake_hands(&kept) == PYOSSL_OK ? GOOD : BAD;
}

static int release_at_exit_too(void)
{
    if (make_ends(&kept, 0) != PYOSSL_OK || shake_hands(&kept) != PYOSSL_OK)
        return BAD;
    return atexit(free_kept) == 0 ? GOOD : BAD;
}

/* The program's own handlers of OpenSSL's end: the exit status tells that one ran. */
static void end_well(void)
{
    _exit(GOOD);
}

static int hear_of_the_end(void)
{
    if (make_ends(&kept, 0) != PYOSSL_OK || OPENSSL_atexit(end_well) != 1)
        return BAD;
    return BAD;
}

static void test_na_205_handlers_of_the_end_run(void **state)
{
    (void)state;
    assert_int_equal(in_child(hear_of_the_end), GOOD);
}

/*
 * A process that meets the library in a library context of its own, and has ex-data of its own in
 * both: none of it is taken for another's. Sanitizers see what is not released.
 */
static int meet_elsewhere(void)
{
    OSSL_LIB_CTX *mine = OSSL_LIB_CTX_new();
    OSSL_PROVIDER *provider = mine != NULL ? OSSL_PROVIDER_load(mine, "default") : NULL;
    char data[] = "the program's";
    bool same = true;

    if (provider == NULL || OSSL_LIB_CTX_set0_default(mine) == NULL ||
        make_ends(&kept, 0) != PYOSSL_OK)
        return BAD;
    OSSL_LIB_CTX_set0_default(OSSL_LIB_CTX_get0_global_default());
    for (int i = 0; i < 2; i++) {
        SSL_CTX *ctx = pyossl_openssl_ctx(kept.ctx[i]);
        X509_STORE *store = ctx != NULL ? SSL_CTX_get_cert_store(ctx) : NULL;
        const int slots[] = { X509_STORE_get_ex_new_index(0, NULL, NULL, NULL, NULL),
                              X509_STORE_get_ex_new_index(0, NULL, NULL, NULL, NULL) };

        for (int at = 0; at < 2; at++)
            same = same && X509_STORE_get_ex_data(store, slots[at]) == NULL &&
                   X509_STORE_set_ex_data(store, slots[at], data) == 1;
        same = same && pyossl_ctx_load_verify_locations(kept.ctx[i], DATA("authorities.pem"),
                                                        NULL) == PYOSSL_OK;
        for (int at = 0; at < 2; at++)
            same = same && X509_STORE_get_ex_data(store, slots[at]) == data;
        SSL_CTX_free(ctx);
    }
    same = same && shake_hands(&kept) == PYOSSL_OK;
    free_ends(&kept);
    OSSL_PROVIDER_unload(provider);
    OSSL_LIB_CTX_free(mine);
    return same ? GOOD : BAD;
}

static void test_na_245_first_use_in_another_library_context(void **state)
{
    (void)state;
    assert_int_equal(in_child(meet_elsewhere), GOOD);
}

static int never_release(void)
{
    /* Not reachable by a leak checker's error: main()'s variables still point here. */
    return make_ends(&kept, 0) == PYOSSL_OK && shake_hands(&kept) == PYOSSL_OK ? GOOD : BAD;
}

static void *shake_for_ever(void *unused)
{
    (void)unused;
    for (;;)
        if (connect_once(0) != GOOD)
            return NULL;
}

/* exit() in one thread while others are in the middle of handshakes. */
static int exit_under_way(void)
{
    pthread_t thread;

    for (int i = 0; i < 4; i++)
        if (pthread_create(&thread, NULL, shake_for_ever, NULL) != 0)
            return BAD;
    usleep(20000);
    return GOOD;
}

static void test_na_075_the_end_of_a_process(void **state)
{
    (void)state;
    assert_int_equal(in_child(release_at_exit), GOOD);
    assert_int_equal(in_child(release_at_exit_too), GOOD);
    assert_int_equal(in_child(never_release), GOOD);
    for (int i = 0; i < 10; i++)
        assert_int_equal(in_child(exit_under_way), GOOD);
}

/* ---- fork ---- */

static int send_in_child(void)
{
    int how = 0;
    pid_t child;
    size_t done;

    if (make_ends(&kept, 0) != PYOSSL_OK || shake_hands(&kept) != PYOSSL_OK)
        return BAD;
    child = fork();
    if (child == 0) {
        const bool refused = pyossl_conn_write(kept.conn[0], "x", 1, &done) == PYOSSL_E_STATE;
        const bool silent = pyossl_conn_drainable(kept.conn[0]) == 0;

        free_ends(&kept);
        /* The library itself is as good as new. */
        leave(refused && silent && connect_once(0) == GOOD ? GOOD : BAD);
    }
    if (child < 0 || waitpid(child, &how, 0) != child || !WIFEXITED(how))
        return BAD;
    if (pyossl_conn_write(kept.conn[0], "x", 1, &done) != PYOSSL_OK)
        return BAD;
    free_ends(&kept);
    return WEXITSTATUS(how);
}

static void test_na_090_fork(void **state)
{
    (void)state;
    assert_int_equal(in_child(send_in_child), GOOD);
}

/* ---- fork in a callback: the child returns from it into the exchange ---- */

typedef enum over { OVER_MEMORY, OVER_SOCKET, OVER_FUNCTIONS, OVERS } over;
typedef enum told { BY_KEYLOG, BY_INFO, BY_VERIFY, TOLD } told;

static struct {
    over over;
    told told;
    int side;    /* whose callback it is */
    int wire[2]; /* -1 in memory */
    pid_t child; /* 0 before */
    bool in_child, well;
} split;

static int waiting_on(int fd)
{
    int count = -1;

    return fd >= 0 && ioctl(fd, FIONREAD, &count) == 0 ? count : -1;
}

/* The parent waits in the callback, so that what has moved by then was the child's doing. */
static void split_here(void)
{
    const int before[2] = { waiting_on(split.wire[0]), waiting_on(split.wire[1]) };
    int how = 0;

    if (split.child != 0 || split.in_child)
        return;
    split.child = fork();
    split.in_child = split.child == 0;
    if (split.in_child) {
        alarm(SECONDS);
        return;
    }
    split.well = split.child > 0 && waitpid(split.child, &how, 0) == split.child &&
                 WIFEXITED(how) && WEXITSTATUS(how) == GOOD &&
                 before[0] == waiting_on(split.wire[0]) && before[1] == waiting_on(split.wire[1]);
}

static void on_keylog(pyossl_conn *conn, const char *line, void *userdata)
{
    (void)conn;
    (void)line;
    (void)userdata;
    split_here();
}

static void on_info(pyossl_conn *conn, int where, int ret, void *userdata)
{
    (void)conn;
    (void)where;
    (void)ret;
    (void)userdata;
    split_here();
}

static pyossl_answer on_verify(pyossl_conn *conn, const pyossl_verify_event *event, void *userdata)
{
    (void)conn;
    (void)event;
    (void)userdata;
    split_here();
    return PYOSSL_ANSWER_ACCEPT;
}

/* The program's own functions are not called in the child. */
static pyossl_status by_recv(void *userdata, void *buf, size_t len, size_t *done)
{
    const ssize_t got = recv(*(int *)userdata, buf, len, MSG_DONTWAIT);

    if (split.in_child)
        leave(BAD);
    *done = got > 0 ? (size_t)got : 0;
    return PYOSSL_OK;
}

static pyossl_status by_send(void *userdata, const void *buf, size_t len, size_t *done)
{
    const ssize_t put = send(*(int *)userdata, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (split.in_child)
        leave(BAD);
    *done = put > 0 ? (size_t)put : 0;
    return PYOSSL_OK;
}

static pyossl_status make_split(void)
{
    const pyossl_transport functions = { sizeof functions, by_recv, by_send, NULL };
    pyossl_ctx *ctx = kept.ctx[split.side];

    for (int i = 0; split.over != OVER_MEMORY && i < 2; i++) {
        pyossl_conn_unref(kept.conn[i]);
        kept.conn[i] = NULL;
        TRY(pyossl_conn_new(&kept.conn[i], kept.ctx[i]));
        TRY(pyossl_conn_set_role(kept.conn[i], i == 0 ? PYOSSL_CLIENT : PYOSSL_SERVER));
        TRY(split.over == OVER_SOCKET
                ? pyossl_conn_use_fd(kept.conn[i], split.wire[i])
                : pyossl_conn_use_transport(kept.conn[i], &functions, &split.wire[i]));
    }
    if (split.told == BY_KEYLOG)
        return pyossl_ctx_set_keylog(ctx, on_keylog, NULL, NULL);
    if (split.told == BY_INFO)
        return pyossl_ctx_set_info(ctx, on_info, NULL, NULL);
    return pyossl_ctx_set_verify(ctx, PYOSSL_VERIFY_PEER, on_verify, NULL, NULL);
}

/* One step of each side in turn, until both are done or one has failed; the child ends here. */
static pyossl_status shake_split(void)
{
    pyossl_status status[2] = { PYOSSL_WANT_READ, PYOSSL_WANT_READ };
    unsigned char bytes[16384];
    size_t len, done;

    for (int i = 0; status[0] != PYOSSL_OK || status[1] != PYOSSL_OK; i = 1 - i) {
        status[i] = pyossl_conn_handshake(kept.conn[i]);
        if (split.in_child) {
            const bool silent =
                split.over != OVER_MEMORY ||
                pyossl_conn_drain(kept.conn[i], bytes, sizeof bytes, &len) == PYOSSL_E_STATE;

            leave(silent && status[i] == PYOSSL_E_STATE &&
                          strstr(test_reason(), "belongs to the parent process") != NULL
                      ? GOOD
                      : BAD);
        }
        if (status[i] != PYOSSL_OK && !pyossl_is_retry(status[i]))
            return status[i];
        while (split.over == OVER_MEMORY &&
               pyossl_conn_drain(kept.conn[i], bytes, sizeof bytes, &len) == PYOSSL_OK)
            TRY(pyossl_conn_feed(kept.conn[1 - i], bytes, len, &done));
    }
    return PYOSSL_OK;
}

static int split_under_way(void)
{
    pyossl_status status;
    size_t done;

    split.wire[0] = split.wire[1] = -1;
    if (split.over != OVER_MEMORY &&
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, split.wire) != 0)
        return BAD;
    status = make_ends(&kept, 0);
    if (status == PYOSSL_OK)
        status = make_split();
    if (status == PYOSSL_OK)
        status = shake_split();
    if (status == PYOSSL_OK)
        status = pyossl_conn_write(kept.conn[split.side], "x", 1, &done);
    if (status != PYOSSL_OK)
        fprintf(stderr, "# %s: %s\n", pyossl_status_name(status), test_reason());
    free_ends(&kept);
    for (int i = 0; i < 2; i++)
        if (split.wire[i] >= 0)
            close(split.wire[i]);
    return status == PYOSSL_OK && split.well ? GOOD : BAD;
}

static void test_na_251_fork_in_a_callback(void **state)
{
    (void)state;
    for (split.over = OVER_MEMORY; split.over < OVERS; split.over++)
        for (split.told = BY_KEYLOG; split.told < TOLD; split.told++)
            for (split.side = 0; split.side < (split.told == BY_VERIFY ? 1 : 2); split.side++)
                if (in_child(split_under_way) != GOOD)
                    fail_msg("transport %d, callback %d, side %d", (int)split.over, (int)split.told,
                             split.side);
}

/* ---- configuration ---- */

static char *config_file(const char *text)
{
    static char path[64];
    FILE *file;

    snprintf(path, sizeof path, "openssl-%ld.cnf", (long)getpid());
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fputs(text, file) >= 0, 1);
    fclose(file);
    return path;
}

static int with_config(const char *text, int (*run)(void))
{
    char *path = config_file(text);
    int result;

    assert_int_equal(setenv("OPENSSL_CONF", path, 1), 0);
    result = in_child(run);
    unsetenv("OPENSSL_CONF");
    unlink(path);
    return result;
}

/* A failure that is explained is as good as success; nothing else is. */
static int connect_or_explain(void)
{
    ends both = { { NULL, NULL }, { NULL, NULL } };
    pyossl_status status = make_ends(&both, 0);

    if (status == PYOSSL_OK)
        status = shake_hands(&both);
    free_ends(&both);
    return status == PYOSSL_OK || (pyossl_error_status(pyossl_error_last()) == status &&
                                   pyossl_error_count(pyossl_error_last()) > 0)
               ? GOOD
               : BAD;
}

#define SSL_CONFIG(lines)                                                                          \
    "openssl_conf = o\n[o]\nssl_conf = s\n[s]\nsystem_default = d\n[d]\n" lines "\n"

static void test_na_174_configuration(void **state)
{
    (void)state;
    assert_int_equal(with_config("", connect_any), GOOD);
    /* What a program sets itself wins over what the system says. */
    assert_int_equal(with_config(SSL_CONFIG("MinProtocol = TLSv1.3"), connect_1_2), GOOD);
    assert_int_equal(with_config(SSL_CONFIG("MaxProtocol = TLSv1.1"), connect_1_2), GOOD);
    /* What the system forbids is refused, with an explanation. */
    assert_int_equal(with_config(SSL_CONFIG("CipherString = @SECLEVEL=5"), connect_or_explain),
                     GOOD);
    assert_int_equal(with_config(SSL_CONFIG("Nonsense = yes"), connect_or_explain), GOOD);
    assert_int_equal(
        with_config("config_diagnostics = 1\n" SSL_CONFIG("Nonsense = yes"), connect_or_explain),
        GOOD);
    assert_int_equal(with_config("[[[ no configuration", connect_or_explain), GOOD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_205_handlers_of_the_end_run),
        cmocka_unit_test(test_na_245_first_use_in_another_library_context),
        cmocka_unit_test(test_na_086_first_use_from_many_threads),
        cmocka_unit_test(test_na_075_the_end_of_a_process),
        cmocka_unit_test(test_na_090_fork),
        cmocka_unit_test(test_na_251_fork_in_a_callback),
        cmocka_unit_test(test_na_174_configuration),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
