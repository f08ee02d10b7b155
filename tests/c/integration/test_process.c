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
        cmocka_unit_test(test_na_174_configuration),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
