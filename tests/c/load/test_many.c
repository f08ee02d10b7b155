/*
 * Very many connections at once: a server with all of them open, in one process,
 * and their clients in another, so that each needs half of the descriptors.
 *
 * All are asked, in an order that has nothing to do with that of their coming,
 * and all answer; what they cost is printed, and is given back.
 */
#include "load.h"
#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECONDS_MAX = 600, WAIT_MS = 60000, SPARE = 64, ROUNDS = 3, QUESTION = 64, EVENTS = 256 };

/* Or each flight of a handshake waits for an acknowledgement of the one before. */
static bool send_at_once(int fd)
{
    const int on = 1;

    return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0;
}

/* ---- the server ---- */

typedef struct guest {
    pyossl_conn *conn;
    int fd;
    size_t said, heard; /* of the question in hand */
    unsigned char bytes[QUESTION];
} guest;

typedef struct house {
    int listener, events;
    pyossl_ctx *ctx[VERSIONS];
    guest *guests;
    size_t count, open, most, answers;
} house;

static void watch(const house *self, int fd, void *what, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = what };

    assert_int_equal(epoll_ctl(self->events, EPOLL_CTL_ADD, fd, &event), 0);
}

static void let_in(house *self, guest *free_one)
{
    free_one->fd = accept(self->listener, NULL, NULL);
    assert_true(free_one->fd >= 0 && send_at_once(free_one->fd));
    assert_ok(pyossl_conn_new(&free_one->conn, self->ctx[(free_one - self->guests) % VERSIONS]));
    assert_ok(pyossl_conn_use_fd(free_one->conn, free_one->fd));
    assert_ok(pyossl_conn_set_role(free_one->conn, PYOSSL_SERVER));
    watch(self, free_one->fd, free_one, EPOLLIN);
    self->open++;
    if (self->open > self->most)
        self->most = self->open;
}

static void let_go(house *self, guest *self_one)
{
    pyossl_conn_unref(self_one->conn);
    self_one->conn = NULL;
    close(self_one->fd);
    self->open--;
}

/* A question is answered by itself, reversed, once it has come whole. */
static pyossl_status answer(house *self, guest *one)
{
    for (;;) {
        size_t done = 0;

        while (one->heard < QUESTION) {
            TRY(pyossl_conn_read(one->conn, one->bytes + one->heard, QUESTION - one->heard, &done));
            one->heard += done;
        }
        for (size_t i = 0; one->said == 0 && i < QUESTION / 2; i++) {
            const unsigned char byte = one->bytes[i];

            one->bytes[i] = one->bytes[QUESTION - 1 - i];
            one->bytes[QUESTION - 1 - i] = byte;
        }
        TRY(pyossl_conn_write(one->conn, one->bytes, QUESTION, &one->said));
        assert_int_equal(one->said, QUESTION);
        one->said = one->heard = 0;
        self->answers++;
    }
}

static void attend(house *self, guest *one)
{
    pyossl_status status = pyossl_conn_handshake(one->conn);
    int complete;

    if (status == PYOSSL_OK)
        status = answer(self, one);
    if (pyossl_is_retry(status))
        return;
    assert_status(status, PYOSSL_CLOSED);
    (void)!pyossl_conn_shutdown(one->conn, &complete); /* the peer may have gone */
    let_go(self, one);
}

static int new_listener(in_port_t *port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    const int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(fd, 1024), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *port = address.sin_port;
    return fd;
}

static void serve(house *self, footprint *busiest)
{
    size_t let = 0;

    while (let < self->count || self->open > 0) {
        struct epoll_event events[EVENTS];
        const int count = epoll_wait(self->events, events, EVENTS, WAIT_MS);

        assert_true(count > 0); /* or nothing happens any more */
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr != NULL)
                attend(self, events[i].data.ptr);
            else
                let_in(self, &self->guests[let++]);
        }
        if (busiest->fds == 0 && self->answers >= self->count)
            *busiest = footprint_now();
    }
}

/* ---- the clients, in the other process: they say what is wrong by their exit status ---- */

typedef struct caller {
    pyossl_conn *conn;
    int fd;
} caller;

static pyossl_status wait_for(pyossl_conn *conn, pyossl_status status)
{
    return pyossl_is_retry(status) ? pyossl_conn_wait(conn, status, WAIT_MS) : status;
}

static pyossl_status shake(pyossl_conn *conn)
{
    pyossl_status status;

    while ((status = pyossl_conn_handshake(conn)) != PYOSSL_OK)
        TRY(wait_for(conn, status));
    return PYOSSL_OK;
}

static pyossl_status call(caller *self, pyossl_ctx *ctx, in_port_t port, pyossl_session *session)
{
    const struct sockaddr_in address = { .sin_family = AF_INET,
                                         .sin_port = port,
                                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

    self->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (self->fd < 0 || !send_at_once(self->fd) ||
        connect(self->fd, (const struct sockaddr *)&address, sizeof address) != 0)
        return PYOSSL_E_SYSTEM;
    TRY(pyossl_conn_new(&self->conn, ctx));
    TRY(pyossl_conn_use_fd(self->conn, self->fd));
    TRY(pyossl_conn_set_role(self->conn, PYOSSL_CLIENT));
    if (session != NULL)
        TRY(pyossl_conn_set_session(self->conn, session));
    return shake(self->conn);
}

static pyossl_status ask(caller *self, size_t number)
{
    size_t done;

    return pyossl_conn_write(self->conn, some_text(number * 13), QUESTION, &done);
}

static pyossl_status hear(caller *self, size_t number)
{
    const unsigned char *const question = some_text(number * 13);
    unsigned char bytes[QUESTION];
    size_t done = 0;

    for (size_t heard = 0; heard < QUESTION; heard += done) {
        const pyossl_status status =
            pyossl_conn_read(self->conn, bytes + heard, QUESTION - heard, &done);

        if (status == PYOSSL_OK)
            continue;
        done = 0;
        TRY(wait_for(self->conn, status));
    }
    for (size_t i = 0; i < QUESTION; i++)
        if (bytes[i] != question[QUESTION - 1 - i])
            return PYOSSL_E_STATE;
    return PYOSSL_OK;
}

static pyossl_status call_all(caller *callers, size_t count, in_port_t port)
{
    pyossl_session *sessions[VERSIONS] = { NULL, NULL };
    world all;

    TRY(world_open(&all));
    for (size_t i = 0; i < count; i++) {
        pyossl_session **const session = &sessions[i % VERSIONS];

        TRY(call(&callers[i], all.client[i % VERSIONS], port, *session));
        TRY(ask(&callers[i], i));
        TRY(hear(&callers[i], i));
        pyossl_session_unref(*session);
        TRY(pyossl_conn_session(callers[i].conn, session));
    }
    for (int at = 0; at < VERSIONS; at++)
        pyossl_session_unref(sessions[at]);
    world_close(&all);
    return PYOSSL_OK;
}

static pyossl_status ask_all(caller *callers, size_t count)
{
    /* 7919 is prime: all are asked, each far from the one before. */
    for (size_t round = 1; round <= ROUNDS; round++) {
        for (size_t i = 0; i < count; i++)
            TRY(ask(&callers[i * 7919 % count], i + round));
        for (size_t i = 0; i < count; i++)
            TRY(hear(&callers[i * 7919 % count], i + round));
    }
    return PYOSSL_OK;
}

static int be_clients(size_t count, in_port_t port)
{
    caller *const callers = calloc(count, sizeof *callers);
    pyossl_status status = callers == NULL ? PYOSSL_E_NOMEM : call_all(callers, count, port);

    if (status == PYOSSL_OK)
        status = ask_all(callers, count);
    for (size_t i = 0; status == PYOSSL_OK && i < count; i++) {
        int complete;

        status = pyossl_conn_shutdown(callers[i].conn, &complete);
        pyossl_conn_unref(callers[i].conn);
        close(callers[i].fd);
    }
    if (status != PYOSSL_OK)
        fprintf(stderr, "# clients: %s (%s)\n", pyossl_status_name(status), test_reason());
    free(callers);
    return status == PYOSSL_OK ? 0 : 1;
}

/* ---- both ---- */

static bool enough_descriptors(size_t count)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return limit.rlim_cur >= count + SPARE;
}

static void prepare(house *self, size_t count, const world *all)
{
    self->count = count;
    self->guests = calloc(count, sizeof *self->guests);
    assert_non_null(self->guests);
    self->events = epoll_create1(EPOLL_CLOEXEC);
    assert_true(self->events >= 0);
    watch(self, self->listener, NULL, EPOLLIN);
    for (int at = 0; at < VERSIONS; at++)
        self->ctx[at] = all->server[at];
}

static void test_very_many_connections_at_once(void **state)
{
    const size_t count = load_count(300, 10000);
    house self = { .count = 0 };
    footprint before, busiest = { 0 }, after;
    const double start = load_clock();
    in_port_t port;
    world all;
    pid_t clients;
    int how;

    (void)state;
    if (!enough_descriptors(count))
        skip();
    self.listener = new_listener(&port);
    clients = fork(); /* before the library is used */
    assert_true(clients >= 0);
    if (clients == 0) {
        close(self.listener);
        alarm(SECONDS_MAX);
        _exit(be_clients(count, port));
    }
    assert_ok(world_open(&all));
    prepare(&self, count, &all);
    before = footprint_now();
    serve(&self, &busiest);
    assert_int_equal(waitpid(clients, &how, 0), clients);
    assert_int_equal(how, 0);
    assert_ok(world_replace(&all));
    after = footprint_now();
    print_message("# many: %zu connections open at once in one process, %zu questions, all"
                  " answered; %ld descriptors, %.1f KiB resident a connection; afterwards %ld"
                  " descriptors and %ld KiB more than before; %.1f s\n",
                  self.most, self.answers, busiest.fds,
                  (double)(busiest.resident - before.resident) / 1024 / (double)count,
                  after.fds - before.fds, (after.resident - before.resident) >> 10,
                  load_clock() - start);
    assert_int_equal(self.most, count);
    assert_int_equal(self.answers, count * (ROUNDS + 1));
    assert_true(busiest.fds >= (long)count);
    assert_int_equal(after.fds, before.fds);
    free(self.guests);
    close(self.events);
    close(self.listener);
    world_close(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_very_many_connections_at_once),
    };

    alarm(SECONDS_MAX);
    return cmocka_run_group_tests_name("many", tests, NULL, NULL);
}
