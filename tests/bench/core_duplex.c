/*
 * One thread reads and another writes, on one connection: what that costs against
 * one after the other. The peer is a process of its own, so that the processor time
 * of this one is what its connection takes.
 */
#include "core.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 16 << 10, AMOUNT = 64 << 20 };

typedef struct end {
    pyossl_conn *conn;
    pthread_mutex_t lock;
} end;

static end ours = { .lock = PTHREAD_MUTEX_INITIALIZER };

/*
 * A change of threads costs about as much as a record, so they take turns: who finds
 * the lock taken lets the other go on for a while.
 */
static void lock(end *self)
{
    static const struct timespec turn = { .tv_nsec = 200000 };

    if (pthread_mutex_trylock(&self->lock) == 0)
        return;
    (void)nanosleep(&turn, NULL);
    pthread_mutex_lock(&self->lock);
}

/* A lock around each call, none around the waits. */
static pyossl_status move(end *self, bool writing, size_t amount)
{
    char bytes[CHUNK] = { 0 };

    for (size_t moved = 0, n; moved < amount; moved += n) {
        pyossl_status status;

        for (;;) {
            lock(self);
            status = writing ? pyossl_conn_write(self->conn, core_bytes, CHUNK, &n)
                             : pyossl_conn_read(self->conn, bytes, CHUNK, &n);
            pthread_mutex_unlock(&self->lock);
            if (!pyossl_is_retry(status))
                break;
            OK(pyossl_conn_wait(self->conn, status, -1));
        }
        if (status != PYOSSL_OK)
            return status;
    }
    return PYOSSL_OK;
}

static void *send_amount(void *own)
{
    OK(move(own, true, AMOUNT));
    return NULL;
}

static void *send_for_ever(void *own)
{
    (void)!move(own, true, SIZE_MAX);
    return NULL;
}

static void open_end(end *self, pyossl_ctx *ctx, pyossl_role role, int fd)
{
    pyossl_status status;

    OK(pyossl_conn_new(&self->conn, ctx));
    OK(pyossl_conn_use_fd(self->conn, fd));
    OK(pyossl_conn_set_role(self->conn, role));
    while ((status = pyossl_conn_handshake(self->conn)) != PYOSSL_OK)
        OK(pyossl_conn_wait(self->conn, status, -1));
}

/* Takes all, and gives as much as is taken, until we are gone. */
static void be_the_peer(int fd)
{
    in_background(send_for_ever, &ours);
    (void)!move(&ours, false, SIZE_MAX);
    close(fd);
    _exit(0);
}

static void prepare(void)
{
    int fds[2];
    pid_t child;

    if (ours.conn != NULL)
        return;
    core_prepare_ec13();
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    child = fork();
    MUST(child >= 0);
    close(fds[child == 0 ? 0 : 1]);
    if (child == 0) {
        open_end(&ours, core_ec13.server, PYOSSL_SERVER, fds[1]);
        be_the_peer(fds[1]);
    }
    open_end(&ours, core_ec13.client, PYOSSL_CLIENT, fds[0]);
}

/* Bytes for each second of processor time. */
static double measure(void (*both_ways)(void), double limit)
{
    const double begun = seconds();
    const clock_t before = clock();
    double moved = 0;

    do {
        both_ways();
        moved += 2.0 * (double)AMOUNT;
    } while (seconds() - begun < limit);
    return moved * CLOCKS_PER_SEC / (double)(clock() - before);
}

static void one_after_the_other(void)
{
    (void)send_amount(&ours);
    OK(move(&ours, false, AMOUNT));
}

static void at_once(void)
{
    pthread_t writer;

    MUST(pthread_create(&writer, NULL, send_amount, &ours) == 0);
    OK(move(&ours, false, AMOUNT));
    MUST(pthread_join(writer, NULL) == 0);
}

static double measure_one(double limit)
{
    return measure(one_after_the_other, limit);
}

static double measure_both(double limit)
{
    return measure(at_once, limit);
}

const workload core_duplex[] = {
    { "mt_duplex_1", prepare, NULL, measure_one },
    { "mt_duplex_2", prepare, NULL, measure_both },
    { NULL, NULL, NULL, NULL },
};
