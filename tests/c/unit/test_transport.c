/* The BIO over descriptors, memory and scripts; and what descriptors do. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "script.h"
#include "ssl/tls.h"

enum { READ_END, WRITE_END };

/* ---- descriptors ---- */

static void close_both(int fds[2])
{
    close(fds[0]);
    close(fds[1]);
}

static void test_socket_in_blocking_mode_does_not_wait(void **state)
{
    int fds[2], number = 0;
    char buf[8];
    size_t done = 77;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_status(osl_fd_read(fds[0], buf, sizeof buf, false, &done, &number), PYOSSL_WANT_READ);
    assert_int_equal(done, 77);
    assert_status(osl_fd_write(fds[1], "hello", 5, &done, &number), PYOSSL_OK);
    assert_int_equal(done, 5);
    assert_status(osl_fd_read(fds[0], buf, sizeof buf, true, &done, &number), PYOSSL_OK);
    assert_status(osl_fd_read(fds[0], buf, sizeof buf, false, &done, &number), PYOSSL_OK);
    assert_int_equal(done, 5);
    assert_memory_equal(buf, "hello", 5);
    close(fds[1]);
    assert_status(osl_fd_read(fds[0], buf, sizeof buf, false, &done, &number), PYOSSL_TRUNCATED);
    close(fds[0]);
}

static pyossl_status fill(int fd, int *number)
{
    static const unsigned char block[65536];
    pyossl_status status;
    size_t done;
    int rounds = 0;

    do
        status = osl_fd_write(fd, block, sizeof block, &done, number);
    while (status == PYOSSL_OK && ++rounds < 10000);
    return status;
}

static void test_full_socket_and_full_pipe(void **state)
{
    int fds[2], number = 0;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_status(fill(fds[0], &number), PYOSSL_WANT_WRITE);
    close_both(fds);
    assert_int_equal(pipe(fds), 0); /* in blocking mode: a write too large would hang here */
    alarm(200);
    assert_status(fill(fds[WRITE_END], &number), PYOSSL_WANT_WRITE);
    alarm(0);
    close_both(fds);
}

static void test_pipe(void **state)
{
    int fds[2], number = 0;
    char buf[8];
    size_t done = 0;

    (void)state;
    assert_int_equal(pipe(fds), 0);
    assert_status(osl_fd_read(fds[READ_END], buf, sizeof buf, false, &done, &number),
                  PYOSSL_WANT_READ);
    assert_status(osl_fd_write(fds[WRITE_END], "pipe", 4, &done, &number), PYOSSL_OK);
    assert_status(osl_fd_read(fds[READ_END], buf, sizeof buf, false, &done, &number), PYOSSL_OK);
    assert_int_equal(done, 4);
    assert_memory_equal(buf, "pipe", 4);
    close(fds[WRITE_END]);
    assert_status(osl_fd_read(fds[READ_END], buf, sizeof buf, false, &done, &number),
                  PYOSSL_TRUNCATED);
    close(fds[READ_END]);
}

/* With SIGPIPE's default action each of these would end the program. */
static void test_na_024_no_sigpipe(void **state)
{
    int fds[2], number = 0;
    size_t done;
    sigset_t pending;

    (void)state;
    assert_true(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    close(fds[1]);
    assert_status(osl_fd_write(fds[0], "x", 1, &done, &number), PYOSSL_E_SYSTEM);
    assert_int_equal(number, EPIPE);
    close(fds[0]);

    assert_int_equal(pipe(fds), 0);
    close(fds[READ_END]);
    assert_status(osl_fd_write(fds[WRITE_END], "x", 1, &done, &number), PYOSSL_E_SYSTEM);
    assert_int_equal(number, EPIPE);
    close(fds[WRITE_END]);
    assert_int_equal(sigpending(&pending), 0);
    assert_int_equal(sigismember(&pending, SIGPIPE), 0);
}

static void test_na_010_na_027_errno_of_the_failing_call(void **state)
{
    int fds[2], number = 0;
    char buf[8];
    size_t done = 0;
    struct linger now = { 1, 0 };
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t len = sizeof address;
    int listener, client, server;

    (void)state;
    assert_int_equal(pipe(fds), 0);
    close_both(fds);
    assert_status(osl_fd_read(fds[0], buf, sizeof buf, false, &done, &number), PYOSSL_E_SYSTEM);
    assert_int_equal(number, EBADF);
    number = 0;
    assert_status(osl_fd_write(fds[1], "x", 1, &done, &number), PYOSSL_E_SYSTEM);
    assert_int_equal(number, EBADF);
    number = 0;
    assert_status(osl_fd_read(-1, buf, sizeof buf, false, &done, &number), PYOSSL_E_SYSTEM);
    assert_int_equal(number, EBADF);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    client = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    number = 0;
    assert_status(osl_fd_write(client, "x", 1, &done, &number), PYOSSL_E_SYSTEM);
    assert_true(number == ENOTCONN || number == EPIPE);
    assert_int_equal(connect(client, (struct sockaddr *)&address, len), 0);
    server = accept(listener, NULL, NULL);
    assert_true(server >= 0);
    assert_int_equal(setsockopt(server, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    close(server); /* a reset */
    assert_status(osl_fd_read(client, buf, sizeof buf, false, &done, &number), PYOSSL_E_SYSTEM);
    assert_int_equal(number, ECONNRESET);
    assert_true(osl_fd_mtu(client) == 0 || osl_fd_mtu(client) > 28);
    close(client);
    close(listener);
}

/* What fits into a datagram is the loopback's, without the headers. */
static void test_datagrams_over_ipv6(void **state)
{
    struct sockaddr_in6 address = { .sin6_family = AF_INET6,
                                    .sin6_addr = in6addr_loopback,
                                    .sin6_port = htons(9) };
    const int fd = socket(AF_INET6, SOCK_DGRAM, 0);

    (void)state;
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        if (fd >= 0)
            close(fd);
        skip();
    }
    assert_true(osl_fd_mtu(fd) > 1000);
    close(fd);
    assert_int_equal(osl_fd_mtu(fd), 0);
}

static volatile sig_atomic_t alarms;

static void on_alarm(int number)
{
    (void)number;
    alarms++;
}

static void test_na_025_signals_do_not_look_like_waiting(void **state)
{
    const struct itimerval often = { { 0, 500 }, { 0, 500 } }, never = { { 0, 0 }, { 0, 0 } };
    struct sigaction action;
    char buf[64] = "";
    int sockets[2], pipes[2], number = 0;
    size_t done;

    (void)state;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_alarm; /* without SA_RESTART */
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
    for (int i = 0; i < 20000; i++) {
        assert_status(osl_fd_write(sockets[0], buf, sizeof buf, &done, &number), PYOSSL_OK);
        assert_status(osl_fd_read(sockets[1], buf, sizeof buf, false, &done, &number), PYOSSL_OK);
        assert_status(osl_fd_write(pipes[1], buf, sizeof buf, &done, &number), PYOSSL_OK);
        assert_status(osl_fd_read(pipes[0], buf, sizeof buf, false, &done, &number), PYOSSL_OK);
    }
    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    assert_true(alarms > 0);
    /* The handler stays: one more signal may be on its way. */
    close_both(sockets);
    close_both(pipes);
}

static void test_wait(void **state)
{
    int fds[2];
    bool ready = true;
    struct sigaction action;
    const struct itimerval often = { { 0, 20000 }, { 0, 20000 } }, never = { { 0, 0 }, { 0, 0 } };

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_ok(osl_fd_wait(fds[0], false, 0, &ready));
    assert_false(ready);
    assert_ok(osl_fd_wait(fds[0], true, -1, &ready));
    assert_true(ready);
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_ok(osl_fd_wait(fds[0], false, -1, &ready));
    assert_true(ready);
    assert_fails(osl_fd_wait(-1, false, 0, &ready), PYOSSL_E_SYSTEM);
    assert_int_equal(pyossl_error_errno(pyossl_error_last()), EBADF);

    memset(&action, 0, sizeof action);
    action.sa_handler = on_alarm;
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    /* Again and again: the first may come before the wait begins. */
    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
    assert_fails(osl_fd_wait(fds[1], false, 60000, &ready), PYOSSL_E_SYSTEM);
    assert_int_equal(pyossl_error_errno(pyossl_error_last()), EINTR);
    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    close_both(fds);
    assert_fails(osl_fd_wait(fds[0], false, 1000, &ready), PYOSSL_E_SYSTEM);
    assert_int_equal(pyossl_error_errno(pyossl_error_last()), EBADF);
}

/* select() would write outside its fd_set. */
static void test_na_095_descriptors_beyond_1024(void **state)
{
    struct rlimit limit;
    int fds[2], high;
    bool ready = true;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_max < 5000)
        skip();
    limit.rlim_cur = 5000;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    high = fcntl(fds[0], F_DUPFD, 4000);
    assert_true(high >= 4000);
    assert_ok(osl_fd_wait(high, false, 0, &ready));
    assert_false(ready);
    close(high);
    close_both(fds);
}

/* ---- the BIO ---- */

static BIO *bio_over(osl_transport *transport)
{
    BIO *bio = osl_transport_bio(transport);

    assert_non_null(bio);
    return bio;
}

static void feed(osl_transport *transport, const void *data, size_t len)
{
    size_t done = 0;

    assert_ok(osl_queue_put(&transport->in, data, len, &done));
    assert_int_equal(done, len);
}

static void test_na_017_controls_and_retry_flags(void **state)
{
    osl_transport transport = { .kind = OSL_TRANSPORT_MEMORY };
    BIO *bio = bio_over(&transport);
    char buf[16];

    (void)state;
    assert_int_equal(BIO_flush(bio), 1);
    assert_int_equal(BIO_get_close(bio), BIO_CLOSE);
    assert_int_equal(BIO_set_close(bio, BIO_NOCLOSE), 1);
    assert_int_equal(BIO_get_close(bio), BIO_NOCLOSE);
    assert_int_equal(BIO_ctrl(bio, BIO_CTRL_DUP, 0, NULL), 1);
    assert_int_equal(BIO_eof(bio), 0);

    assert_true(BIO_read(bio, buf, sizeof buf) < 0);
    assert_true(BIO_should_retry(bio) && BIO_should_read(bio));
    feed(&transport, "abc", 3);
    assert_int_equal(BIO_pending(bio), 3);
    assert_int_equal(BIO_read(bio, buf, sizeof buf), 3);
    assert_false(BIO_should_retry(bio));
    assert_int_equal(BIO_write(bio, "defg", 4), 4);
    assert_int_equal(BIO_wpending(bio), 0);
    assert_int_equal(osl_queue_len(&transport.out), 4);

    feed(&transport, "z", 1);
    transport.in.eof = true;
    assert_int_equal(BIO_eof(bio), 0);
    assert_int_equal(BIO_read(bio, buf, sizeof buf), 1);
    assert_int_equal(BIO_read(bio, buf, sizeof buf), 0);
    assert_false(BIO_should_retry(bio));
    assert_int_equal(BIO_eof(bio), 1);
    assert_true(transport.eof);
    BIO_free(bio);
    osl_transport_close(&transport);
}

static void test_full_memory_wants_write(void **state)
{
    osl_transport transport = { .kind = OSL_TRANSPORT_MEMORY };
    BIO *bio = bio_over(&transport);

    (void)state;
    transport.out.limit = 3;
    assert_int_equal(BIO_write(bio, "abcd", 4), 3);
    assert_true(BIO_write(bio, "d", 1) < 0);
    assert_true(BIO_should_write(bio));
    assert_status(transport.failed, PYOSSL_OK);
    BIO_free(bio);
    osl_transport_close(&transport);
}

static const unsigned char two_records[] = {
    22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 1, 0, 3, 'a', 'b', 'c', /* 16 bytes */
    22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 2, 0, 2, 'd', 'e',      /* 15 bytes */
};

static void test_datagrams(void **state)
{
    osl_transport transport = { .kind = OSL_TRANSPORT_MEMORY, .datagrams = true };
    unsigned char buf[64];
    BIO *bio;

    (void)state;
    transport.in.datagrams = true;
    bio = bio_over(&transport);
    feed(&transport, two_records, sizeof two_records);
    feed(&transport, "next", 4);
    /* Peeked at, a datagram stays; one with room is read whole. */
    assert_int_equal(BIO_ctrl(bio, BIO_CTRL_DGRAM_SET_PEEK_MODE, 1, NULL), 1);
    assert_int_equal(BIO_read(bio, buf, sizeof buf), sizeof two_records);
    assert_int_equal(BIO_ctrl(bio, BIO_CTRL_DGRAM_SET_PEEK_MODE, 0, NULL), 1);
    /* One without is read by whole records. */
    assert_int_equal(BIO_read(bio, buf, 20), 16);
    assert_memory_equal(buf, two_records, 16);
    assert_int_equal(BIO_read(bio, buf, 20), 15);
    assert_memory_equal(buf, two_records + 16, 15);
    assert_int_equal(BIO_read(bio, buf, 20), 4);
    /* One that is no record and has no room is lost. */
    feed(&transport, two_records, sizeof two_records);
    feed(&transport, "ok", 2);
    assert_int_equal(BIO_read(bio, buf, 10), 2);
    assert_true(BIO_read(bio, buf, 10) < 0);
    assert_true(BIO_should_read(bio));
    assert_int_equal(BIO_ctrl(bio, BIO_CTRL_DGRAM_QUERY_MTU, 0, NULL), 1232);
    assert_int_equal(BIO_ctrl(bio, BIO_CTRL_DGRAM_GET_MTU_OVERHEAD, 0, NULL), 48);
    assert_int_equal(BIO_ctrl(bio, BIO_CTRL_DGRAM_MTU_EXCEEDED, 0, NULL), 0);
    BIO_free(bio);
    osl_transport_close(&transport);
}

static void test_empty_datagram_is_no_end(void **state)
{
    osl_transport transport = { .kind = OSL_TRANSPORT_FD, .datagrams = true };
    BIO *bio = bio_over(&transport);
    char buf[16];
    int fds[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
    transport.read_fd = transport.write_fd = fds[0];
    assert_int_equal(send(fds[1], "", 0, 0), 0);
    assert_int_equal(send(fds[1], "data", 4, 0), 4);
    assert_true(BIO_read(bio, buf, sizeof buf) < 0);
    assert_true(BIO_should_read(bio));
    assert_false(transport.eof);
    assert_int_equal(BIO_read(bio, buf, sizeof buf), 4);
    BIO_free(bio);
    osl_transport_close(&transport);
    close_both(fds);
}

static void use_script(osl_transport *transport, script *play)
{
    transport->kind = OSL_TRANSPORT_USER;
    transport->reader.vtable = transport->writer.vtable = script_transport;
    transport->writer.vtable.release = NULL;
    transport->reader.userdata = transport->writer.userdata = play;
}

static void test_what_users_may_answer(void **state)
{
    static const struct {
        script_step step;
        pyossl_status failed;
        int number;
        /* What OpenSSL is told to wait for, also where the transport failed; or the end. */
        bool read, write, eof;
    } table[] = {
        { { SCRIPT_WANT_READ, 0 }, PYOSSL_OK, 0, true, false, false },
        { { SCRIPT_WANT_WRITE, 0 }, PYOSSL_OK, 0, false, true, false },
        { { SCRIPT_NOTHING, 0 }, PYOSSL_OK, 0, true, false, false },
        { { SCRIPT_END, 0 }, PYOSSL_OK, 0, false, false, true },
        { { SCRIPT_ERRNO, ECONNRESET }, PYOSSL_E_SYSTEM, ECONNRESET, true, false, false },
        { { SCRIPT_ABORT, 0 }, PYOSSL_E_CALLBACK, 0, true, false, false },
        { { SCRIPT_LIE, 0 }, PYOSSL_E_CALLBACK, 0, true, false, false },
    };
    char buf[16];

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(table); i++) {
        osl_transport transport = { 0 };
        wire in = { 0 }, out = { 0 };
        script play;
        BIO *bio;

        script_init(&play, &in, &out);
        play.reads = &table[i].step;
        play.read_count = 1;
        use_script(&transport, &play);
        bio = bio_over(&transport);
        assert_true(BIO_read(bio, buf, sizeof buf) <= 0);
        assert_status(transport.failed, table[i].failed);
        if (table[i].number != 0)
            assert_int_equal(transport.number, table[i].number);
        assert_int_equal(BIO_should_read(bio) != 0, table[i].read);
        assert_int_equal(BIO_should_write(bio) != 0, table[i].write);
        assert_int_equal(BIO_eof(bio), table[i].eof);
        /* The next call starts afresh. */
        wire_put(&in, "abc", 3);
        assert_int_equal(BIO_read(bio, buf, sizeof buf), 3);
        assert_status(transport.failed, PYOSSL_OK);
        assert_false(BIO_should_retry(bio));
        BIO_free(bio);
        osl_transport_close(&transport);
        osl_transport_close(&transport);
        assert_int_equal(play.released, 1);
        wire_clear(&in);
        wire_clear(&out);
    }
}

static void test_writers_without_a_peer(void **state)
{
    static const script_step end = { SCRIPT_END, 0 };
    osl_transport transport = { 0 };
    wire in = { 0 }, out = { 0 };
    script play;
    BIO *bio;

    (void)state;
    script_init(&play, &in, &out);
    play.writes = &end;
    play.write_count = 1;
    use_script(&transport, &play);
    bio = bio_over(&transport);
    assert_true(BIO_write(bio, "x", 1) < 0);
    assert_status(transport.failed, PYOSSL_E_SYSTEM);
    assert_int_equal(transport.number, EPIPE);
    assert_int_equal(BIO_write(bio, "xyz", 3), 3);
    BIO_free(bio);
    osl_transport_close(&transport);
    wire_clear(&out);
}

static void test_users_datagrams_can_be_peeked_at(void **state)
{
    osl_transport transport = { .datagrams = true };
    wire in = { .datagrams = true }, out = { 0 };
    char buf[16];
    script play;
    BIO *bio;

    (void)state;
    script_init(&play, &in, &out);
    use_script(&transport, &play);
    transport.in.datagrams = true;
    bio = bio_over(&transport);
    wire_put(&in, "one", 3);
    wire_put(&in, "three", 5);
    transport.peek = true;
    assert_int_equal(BIO_read(bio, buf, sizeof buf), 3);
    assert_int_equal(BIO_read(bio, buf, sizeof buf), 3);
    transport.peek = false;
    assert_int_equal(BIO_read(bio, buf, sizeof buf), 3);
    assert_memory_equal(buf, "one", 3);
    assert_int_equal(BIO_read(bio, buf, sizeof buf), 5);
    assert_true(BIO_read(bio, buf, sizeof buf) < 0);
    BIO_free(bio);
    osl_transport_close(&transport);
    wire_clear(&in);
}

static void test_na_092_gone(void **state)
{
    osl_transport transport = { .kind = OSL_TRANSPORT_FD };
    BIO *bio = bio_over(&transport);
    char buf[4];
    int fds[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    transport.read_fd = transport.write_fd = fds[0];
    osl_transport_close(&transport);
    assert_true(BIO_write(bio, "stray", 5) < 0);
    assert_status(transport.failed, PYOSSL_E_SYSTEM);
    assert_int_equal(transport.number, EBADF);
    assert_int_equal(recv(fds[1], buf, sizeof buf, MSG_DONTWAIT), -1);
    assert_true(BIO_read(bio, buf, sizeof buf) < 0);
    BIO_set_data(bio, NULL); /* its connection is no more */
    assert_true(BIO_read(bio, buf, sizeof buf) < 0);
    assert_false(BIO_should_retry(bio));
    assert_int_equal(BIO_flush(bio), 0);
    BIO_free(bio);
    close_both(fds);
}

static void *make_bios(void *arg)
{
    pthread_barrier_t *barrier = arg;
    osl_transport transport = { .kind = OSL_TRANSPORT_MEMORY };
    BIO *bio;

    pthread_barrier_wait(barrier);
    bio = osl_transport_bio(&transport);
    if (bio == NULL)
        return NULL;
    BIO_free(bio);
    return arg;
}

/* In a child, where nobody has made the method yet. */
static void test_na_086_threads_at_once(void **state)
{
    enum { THREADS = 16 };
    pthread_t threads[THREADS];
    pthread_barrier_t barrier;
    void *result;

    (void)state;
    assert_int_equal(pthread_barrier_init(&barrier, NULL, THREADS), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, make_bios, &barrier), 0);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_non_null(result);
    }
    pthread_barrier_destroy(&barrier);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_086_threads_at_once), /* first: makes the method */
        cmocka_unit_test(test_socket_in_blocking_mode_does_not_wait),
        cmocka_unit_test(test_full_socket_and_full_pipe),
        cmocka_unit_test(test_pipe),
        cmocka_unit_test(test_na_024_no_sigpipe),
        cmocka_unit_test(test_na_010_na_027_errno_of_the_failing_call),
        cmocka_unit_test(test_datagrams_over_ipv6),
        cmocka_unit_test(test_na_025_signals_do_not_look_like_waiting),
        cmocka_unit_test(test_wait),
        cmocka_unit_test(test_na_095_descriptors_beyond_1024),
        cmocka_unit_test(test_na_017_controls_and_retry_flags),
        cmocka_unit_test(test_full_memory_wants_write),
        cmocka_unit_test(test_datagrams),
        cmocka_unit_test(test_empty_datagram_is_no_end),
        cmocka_unit_test(test_what_users_may_answer),
        cmocka_unit_test(test_writers_without_a_peer),
        cmocka_unit_test(test_users_datagrams_can_be_peeked_at),
        cmocka_unit_test(test_na_092_gone),
    };

    return cmocka_run_group_tests_name("transport", tests, NULL, NULL);
}
