/* For RAND_set_rand_method(): the simplest way to a generator that fails. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "pyossl/rand.h"

/* ---- a directory of our own ---- */

static char dir[64];

static int make_dir(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/pyossl-rand-XXXXXX");
    return mkdtemp(dir) != NULL ? 0 : -1;
}

static const char *in_dir(const char *name)
{
    static char paths[4][128];
    static unsigned turn;
    char *path = paths[turn++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s", dir, name);
    return path;
}

static int remove_dir(void **state)
{
    static const char *const names[] = { "seed", "empty", "egd", "pipe", "link" };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unlink(in_dir(names[i]));
    return rmdir(dir);
}

static void write_bytes(const char *path, size_t count)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    for (size_t i = 0; i < count; i++)
        assert_int_not_equal(fputc((int)(i & 0xff), file), EOF);
    assert_int_equal(fclose(file), 0);
}

/* ---- bytes, add, seed, status ---- */

static void test_bytes_fills_all_of_the_buffer_and_no_more(void **state)
{
    static const size_t sizes[] = { 1, 16, 4096, 100000 };

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t size = sizes[i];
        unsigned char *a = calloc(1, size + 1), *b = calloc(1, size + 1);

        assert_non_null(a);
        assert_non_null(b);
        assert_ok(pyossl_rand_bytes(a, size));
        assert_ok(pyossl_rand_bytes(b, size));
        assert_int_equal(a[size] | b[size], 0);
        if (size >= 16) {
            assert_memory_not_equal(a, b, size);
            assert_memory_not_equal(a + size - 16, (unsigned char[16]){ 0 }, 16);
        }
        free(a);
        free(b);
    }
    assert_ok(pyossl_rand_bytes(NULL, 0));
}

static int broken_bytes(unsigned char *buf, int num)
{
    memset(buf, 0x55, (size_t)num);
    ERR_raise(ERR_LIB_RAND, RAND_R_ERROR_RETRIEVING_ENTROPY);
    return 0;
}

static int broken_status(void)
{
    return 0;
}

static int broken_add(const void *buf, int num, double entropy)
{
    (void)buf;
    (void)num;
    (void)entropy;
    ERR_raise(ERR_LIB_RAND, RAND_R_ERROR_RETRIEVING_ENTROPY);
    return 0;
}

static void test_na_091_a_failing_generator_is_never_passed_over(void **state)
{
    static const RAND_METHOD broken = { .bytes = broken_bytes,
                                        .pseudorand = broken_bytes,
                                        .add = broken_add,
                                        .status = broken_status };
    unsigned char bytes[32];
    size_t done = 77;

    (void)state;
    assert_int_equal(RAND_set_rand_method(&broken), 1);
    assert_fails(pyossl_rand_bytes(bytes, sizeof bytes), PYOSSL_E_OPENSSL);
    assert_fails(pyossl_rand_add("abc", 3, 1.0), PYOSSL_E_OPENSSL);
    assert_fails(pyossl_rand_seed("abc", 3), PYOSSL_E_OPENSSL);
    assert_fails(pyossl_rand_write_file(in_dir("seed"), &done), PYOSSL_E_OPENSSL);
    assert_int_equal(done, 77);
    write_bytes(in_dir("seed"), 10);
    assert_fails(pyossl_rand_load_file(in_dir("seed"), -1, &done), PYOSSL_E_OPENSSL);
    assert_int_equal(done, 77);
    assert_int_equal(pyossl_rand_status(), 0);
    assert_int_equal(RAND_set_rand_method(NULL), 1);
    assert_ok(pyossl_rand_bytes(bytes, sizeof bytes));
    assert_int_equal(pyossl_rand_status(), 1);
}

static void test_na_091_children_get_bytes_of_their_own(void **state)
{
    enum { CHILDREN = 20, SIZE = 32 };
    unsigned char all[CHILDREN + 1][SIZE];

    (void)state;
    assert_ok(pyossl_rand_bytes(all[CHILDREN], SIZE));
    for (int i = 0; i < CHILDREN; i++) {
        int ends[2], result = -1;
        pid_t child;

        assert_int_equal(pipe(ends), 0);
        child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            unsigned char mine[SIZE];

            if (pyossl_rand_bytes(mine, SIZE) != PYOSSL_OK || write(ends[1], mine, SIZE) != SIZE)
                leave(1);
            leave(0);
        }
        close(ends[1]);
        assert_int_equal(read(ends[0], all[i], SIZE), SIZE);
        close(ends[0]);
        assert_int_equal(waitpid(child, &result, 0), child);
        assert_int_equal(result, 0);
    }
    for (int i = 0; i <= CHILDREN; i++) {
        for (int k = 0; k < i; k++)
            assert_memory_not_equal(all[i], all[k], SIZE);
    }
}

static void test_adding_takes_any_estimate(void **state)
{
    static const double estimates[] = { 0, 0.5, 3, 1e300, -1, -1e300, INFINITY, -INFINITY, NAN };

    (void)state;
    for (size_t i = 0; i < sizeof estimates / sizeof estimates[0]; i++)
        assert_ok(pyossl_rand_add("abc", 3, estimates[i]));
    assert_ok(pyossl_rand_add(NULL, 0, 0));
    assert_ok(pyossl_rand_add("", 0, 5));
    assert_ok(pyossl_rand_seed("\0\0\0\0", 4));
    assert_ok(pyossl_rand_seed(NULL, 0));
    assert_int_equal(pyossl_rand_status(), 1);
}

/* ---- files ---- */

static void test_load_file_counts_what_it_reads(void **state)
{
    static const struct {
        size_t size;
        long max;
        size_t done;
    } cases[] = {
        { 10, -1, 10 }, { 10, 4, 4 },       { 10, 0, 0 },          { 10, 100, 10 },
        { 0, -1, 0 },   { 5000, -1, 5000 }, { 10000, 9000, 9000 }, { 4096, -7, 4096 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t done = 12345;

        write_bytes(in_dir("seed"), cases[i].size);
        assert_ok(pyossl_rand_load_file(in_dir("seed"), cases[i].max, &done));
        assert_int_equal(done, cases[i].done);
    }
}

static void test_load_file_reads_256_bytes_of_a_device(void **state)
{
    size_t done = 0;

    (void)state;
    assert_ok(pyossl_rand_load_file("/dev/urandom", -1, &done));
    assert_int_equal(done, 256);
    assert_ok(pyossl_rand_load_file("/dev/zero", 10000, &done));
    assert_int_equal(done, 10000);
    assert_ok(pyossl_rand_load_file("/dev/null", -1, &done));
    assert_int_equal(done, 0);
}

static void test_load_file_names_the_system_error(void **state)
{
    size_t done = 77;

    (void)state;
    assert_fails(pyossl_rand_load_file(in_dir("none"), -1, &done), PYOSSL_E_SYSTEM);
    assert_int_equal(pyossl_error_errno(pyossl_error_last()), ENOENT);
    assert_string_equal(pyossl_error_entry_at(pyossl_error_last(), 0)->detail, in_dir("none"));
    assert_fails(pyossl_rand_load_file(dir, -1, &done), PYOSSL_E_SYSTEM);
    assert_int_equal(pyossl_error_errno(pyossl_error_last()), EISDIR);
    assert_fails(pyossl_rand_load_file("", -1, &done), PYOSSL_E_SYSTEM);
    assert_int_equal(done, 77);
}

static void test_write_file_writes_1024_private_bytes(void **state)
{
    static const size_t before[] = { 0, 100, 5000 };
    struct stat about;
    size_t done;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        write_bytes(in_dir("seed"), before[i]);
        assert_int_equal(chmod(in_dir("seed"), 0644), 0);
        done = 0;
        assert_ok(pyossl_rand_write_file(in_dir("seed"), &done));
        assert_int_equal(done, 1024);
        assert_int_equal(stat(in_dir("seed"), &about), 0);
        assert_int_equal(about.st_size, 1024);
        assert_int_equal(about.st_mode & 0777, 0600);
    }
    unlink(in_dir("seed"));
    assert_ok(pyossl_rand_write_file(in_dir("seed"), &done));
    assert_int_equal(stat(in_dir("seed"), &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    assert_ok(pyossl_rand_load_file(in_dir("seed"), -1, &done));
    assert_int_equal(done, 1024);
}

static void test_write_file_refuses_what_is_no_regular_file(void **state)
{
    size_t done = 77;

    (void)state;
    assert_int_equal(mkfifo(in_dir("pipe"), 0600), 0);
    assert_fails(pyossl_rand_write_file("/dev/null", &done), PYOSSL_E_SYSTEM);
    assert_fails(pyossl_rand_write_file(in_dir("pipe"), &done), PYOSSL_E_SYSTEM);
    assert_fails(pyossl_rand_write_file(dir, &done), PYOSSL_E_SYSTEM);
    assert_fails(pyossl_rand_write_file(in_dir("none/seed"), &done), PYOSSL_E_SYSTEM);
    assert_int_equal(pyossl_error_errno(pyossl_error_last()), ENOENT);
    assert_int_equal(done, 77);
}

/* ---- a daemon that does what it is told ---- */

typedef struct daemon_plan {
    const char *reply; /* what to send back, piece by piece: '\1' to '\377' as they are */
    size_t reply_len;
    size_t piece;  /* bytes in one piece; 0 for all at once */
    int pause_ms;  /* before each piece */
    int linger_ms; /* before closing */
    int no_accept; /* leave the caller in the queue */
    int hang_up;   /* close before the question is read */
    int listener;
    unsigned char question[2];
    size_t question_len;
    pthread_t thread;
} daemon_plan;

static void nap(int ms)
{
    struct timespec time = { ms / 1000, (long)(ms % 1000) * 1000000L };

    while (nanosleep(&time, &time) != 0 && errno == EINTR)
        continue;
}

static void *daemon_run(void *arg)
{
    daemon_plan *plan = arg;
    sigset_t all;
    int fd;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    if (plan->no_accept) {
        nap(plan->linger_ms);
        return NULL;
    }
    fd = accept(plan->listener, NULL, NULL);
    if (fd < 0)
        return NULL;
    if (!plan->hang_up) {
        while (plan->question_len < 2) {
            ssize_t got = recv(fd, plan->question + plan->question_len, 2 - plan->question_len, 0);

            if (got <= 0)
                break;
            plan->question_len += (size_t)got;
        }
        for (size_t done = 0; done < plan->reply_len;) {
            size_t piece = plan->piece > 0 ? plan->piece : plan->reply_len;

            if (piece > plan->reply_len - done)
                piece = plan->reply_len - done;
            nap(plan->pause_ms);
            if (send(fd, plan->reply + done, piece, MSG_NOSIGNAL) < 0)
                break;
            done += piece;
        }
    }
    /* Until the other end has gone, or time is up. */
    (void)poll(&(struct pollfd){ fd, POLLIN, 0 }, 1, plan->linger_ms);
    close(fd);
    return NULL;
}

static void daemon_start(daemon_plan *plan)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    snprintf(address.sun_path, sizeof address.sun_path, "%s", in_dir("egd"));
    unlink(address.sun_path);
    plan->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(plan->listener >= 0);
    assert_int_equal(bind(plan->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(plan->listener, 0), 0);
    assert_int_equal(pthread_create(&plan->thread, NULL, daemon_run, plan), 0);
}

static void daemon_stop(daemon_plan *plan)
{
    assert_int_equal(pthread_join(plan->thread, NULL), 0);
    close(plan->listener);
    unlink(in_dir("egd"));
}

static void test_egd_takes_what_the_daemon_gives(void **state)
{
    char full[256] = { 0 };
    struct {
        daemon_plan plan;
        size_t count, done;
    } cases[] = {
        { { .reply = "\4abcd", .reply_len = 5 }, 4, 4 },
        { { .reply = "\4abcd", .reply_len = 5, .piece = 1, .pause_ms = 2 }, 4, 4 },
        { { .reply = "\4abcd", .reply_len = 5, .piece = 3, .pause_ms = 20 }, 4, 4 },
        { { .reply = "\2ab", .reply_len = 3 }, 255, 2 },
        { { .reply = "\0", .reply_len = 1 }, 16, 0 },
        { { .reply = "\1x", .reply_len = 2, .pause_ms = 50 }, 1, 1 },
        { { .reply = full, .reply_len = 256, .piece = 100 }, 255, 255 },
    };

    (void)state;
    full[0] = '\377';
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        daemon_plan *plan = &cases[i].plan;
        size_t done = 777;

        daemon_start(plan);
        assert_ok(pyossl_rand_egd(in_dir("egd"), cases[i].count, 60000, &done));
        daemon_stop(plan);
        assert_int_equal(done, cases[i].done);
        assert_int_equal(plan->question_len, 2);
        assert_int_equal(plan->question[0], 1);
        assert_int_equal(plan->question[1], cases[i].count);
    }
}

static void test_egd_without_a_limit_waits_for_the_daemon(void **state)
{
    daemon_plan plan = { .reply = "\3abc", .reply_len = 4, .piece = 2, .pause_ms = 30 };
    size_t done = 0;

    (void)state;
    daemon_start(&plan);
    assert_ok(pyossl_rand_egd(in_dir("egd"), 8, -1, &done));
    daemon_stop(&plan);
    assert_int_equal(done, 3);
}

static void test_egd_daemons_that_misbehave(void **state)
{
    struct {
        daemon_plan plan;
        int timeout_ms, number;
    } cases[] = {
        /* dies before, in the middle of, and after the reply's first byte */
        { { .reply = "", .reply_len = 0 }, 60000, ECONNRESET },
        { { .reply = "\5", .reply_len = 1 }, 60000, ECONNRESET },
        { { .reply = "\5abc", .reply_len = 4, .piece = 1 }, 60000, ECONNRESET },
        /* gives more than was asked for */
        { { .reply = "\11abcdefghi", .reply_len = 10 }, 60000, EPROTO },
        /* says nothing, or not enough, and stays */
        { { .reply = "", .reply_len = 0, .linger_ms = 10000 }, 50, ETIMEDOUT },
        { { .reply = "\5abc", .reply_len = 4, .linger_ms = 10000 }, 50, ETIMEDOUT },
        { { .reply = "\5abcde", .reply_len = 6, .piece = 1, .pause_ms = 300 }, 60, ETIMEDOUT },
        /* never looks at its queue: the connection is made all the same */
        { { .no_accept = 1, .linger_ms = 200 }, 50, ETIMEDOUT },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t done = 777;

        daemon_start(&cases[i].plan);
        assert_fails(pyossl_rand_egd(in_dir("egd"), 8, cases[i].timeout_ms, &done),
                     PYOSSL_E_SYSTEM);
        assert_int_equal(pyossl_error_errno(pyossl_error_last()), cases[i].number);
        daemon_stop(&cases[i].plan);
        assert_int_equal(done, 777);
    }
}

static void test_egd_a_daemon_that_hangs_up_at_once(void **state)
{
    daemon_plan plan = { .hang_up = 1 };
    size_t done = 777;
    int number;

    (void)state;
    daemon_start(&plan);
    nap(20);
    assert_fails(pyossl_rand_egd(in_dir("egd"), 8, 60000, &done), PYOSSL_E_SYSTEM);
    number = pyossl_error_errno(pyossl_error_last());
    assert_true(number == ECONNRESET || number == EPIPE);
    daemon_stop(&plan);
    assert_int_equal(done, 777);
}

static void test_egd_a_full_queue_ends_in_time(void **state)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), waiting[8];
    size_t done = 777;

    (void)state;
    snprintf(address.sun_path, sizeof address.sun_path, "%s", in_dir("egd"));
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 0), 0);
    for (size_t i = 0; i < 8; i++) {
        waiting[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)!connect(waiting[i], (struct sockaddr *)&address, sizeof address);
    }
    assert_fails(pyossl_rand_egd(in_dir("egd"), 8, 60, &done), PYOSSL_E_SYSTEM);
    assert_int_equal(pyossl_error_errno(pyossl_error_last()), ETIMEDOUT);
    assert_int_equal(done, 777);
    for (size_t i = 0; i < 8; i++)
        close(waiting[i]);
    close(listener);
}

static void on_alarm(int number)
{
    (void)number;
}

static void test_egd_signals_do_not_end_or_stretch_the_wait(void **state)
{
    struct sigaction action = { .sa_handler = on_alarm };
    struct itimerval often = { { 0, 5000 }, { 0, 5000 } }, never = { { 0, 0 }, { 0, 0 } };
    daemon_plan good = { .reply = "\4abcd", .reply_len = 5, .piece = 1, .pause_ms = 20 };
    daemon_plan mute = { .reply = "", .reply_len = 0, .linger_ms = 10000 };
    struct timespec start, end;
    size_t done = 0;

    (void)state;
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
    daemon_start(&good);
    assert_ok(pyossl_rand_egd(in_dir("egd"), 4, 60000, &done));
    daemon_stop(&good);
    assert_int_equal(done, 4);
    daemon_start(&mute);
    clock_gettime(CLOCK_MONOTONIC, &start);
    assert_fails(pyossl_rand_egd(in_dir("egd"), 4, 100, &done), PYOSSL_E_SYSTEM);
    clock_gettime(CLOCK_MONOTONIC, &end);
    assert_int_equal(pyossl_error_errno(pyossl_error_last()), ETIMEDOUT);
    daemon_stop(&mute);
    setitimer(ITIMER_REAL, &never, NULL); /* the handler stays: one more may be on its way */
    assert_between((end.tv_sec - start.tv_sec) * 1000 + (end.tv_nsec - start.tv_nsec) / 1000000, 90,
                   9000);
}

static void test_egd_bad_arguments(void **state)
{
    char long_path[300];
    size_t done = 777;

    (void)state;
    memset(long_path, 'x', sizeof long_path - 1);
    long_path[sizeof long_path - 1] = '\0';
    assert_fails(pyossl_rand_egd(in_dir("egd"), 0, 100, &done), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_rand_egd(in_dir("egd"), 256, 100, &done), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_rand_egd(in_dir("none"), 16, 100, &done), PYOSSL_E_SYSTEM);
    assert_int_equal(pyossl_error_errno(pyossl_error_last()), ENOENT);
    assert_fails(pyossl_rand_egd(long_path, 16, 100, &done), PYOSSL_E_SYSTEM);
    assert_int_equal(pyossl_error_errno(pyossl_error_last()), ENAMETOOLONG);
    write_bytes(in_dir("seed"), 10);
    assert_fails(pyossl_rand_egd(in_dir("seed"), 16, 100, &done), PYOSSL_E_SYSTEM);
    assert_int_equal(pyossl_error_errno(pyossl_error_last()), ECONNREFUSED);
    assert_int_equal(done, 777);
}

static void test_na_093_no_descriptor_stays_open(void **state)
{
    int first = open("/dev/null", O_RDONLY | O_CLOEXEC), last;
    size_t done;

    (void)state;
    assert_true(first >= 0);
    close(first);
    for (int i = 0; i < 5; i++) {
        (void)!pyossl_rand_egd(in_dir("none"), 16, 100, &done);
        (void)!pyossl_rand_load_file(dir, -1, &done);
        (void)!pyossl_rand_load_file("/dev/urandom", 1, &done);
        (void)!pyossl_rand_write_file("/dev/null", &done);
        (void)!pyossl_rand_write_file(in_dir("seed"), &done);
    }
    last = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(last);
    assert_int_equal(first, last);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_fills_all_of_the_buffer_and_no_more),
        cmocka_unit_test(test_na_091_a_failing_generator_is_never_passed_over),
        cmocka_unit_test(test_na_091_children_get_bytes_of_their_own),
        cmocka_unit_test(test_adding_takes_any_estimate),
        cmocka_unit_test(test_load_file_counts_what_it_reads),
        cmocka_unit_test(test_load_file_reads_256_bytes_of_a_device),
        cmocka_unit_test(test_load_file_names_the_system_error),
        cmocka_unit_test(test_write_file_writes_1024_private_bytes),
        cmocka_unit_test(test_write_file_refuses_what_is_no_regular_file),
        cmocka_unit_test(test_egd_takes_what_the_daemon_gives),
        cmocka_unit_test(test_egd_without_a_limit_waits_for_the_daemon),
        cmocka_unit_test(test_egd_daemons_that_misbehave),
        cmocka_unit_test(test_egd_a_daemon_that_hangs_up_at_once),
        cmocka_unit_test(test_egd_a_full_queue_ends_in_time),
        cmocka_unit_test(test_egd_signals_do_not_end_or_stretch_the_wait),
        cmocka_unit_test(test_egd_bad_arguments),
        cmocka_unit_test(test_na_093_no_descriptor_stays_open),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
