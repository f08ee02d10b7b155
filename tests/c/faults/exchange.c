#include "exchange.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "pyossl/info.h"
#include "test.h"

enum { SINGLE_BYTES = 8, SIGNALS = 3, CALLS_MAX = 200000, ROUNDS_MAX = 50000, IDLE_ROUNDS = 4 };

static const char *const records[RECORDS] = { "first", "second", "third" };
static const char whole_text[] = "firstsecondthird";

/* ---- a fault strikes ---- */

/*
 * What happens to a move of *len bytes at this place of the stream: 0 if it goes
 * on, with as many as *len then says; -1 for the end; or an errno.
 */
static int strike(fault *self, size_t place, size_t *len, int reset)
{
    if (self->kind == FAULT_NONE || self->kind == FAULT_FLIP)
        return 0;
    if (place < self->at) {
        *len = *len < self->at - place ? *len : self->at - place;
        return 0;
    }
    switch (self->kind) {
    case FAULT_END:
        self->times++;
        return -1;
    case FAULT_RESET:
        self->times++;
        return reset;
    case FAULT_WAIT:
        return self->times++ == 0 ? EAGAIN : 0;
    case FAULT_SIGNAL:
        if (self->times >= SIGNALS)
            return 0;
        self->times++;
        return EINTR;
    case FAULT_SHORT:
        if (place - self->at >= SINGLE_BYTES)
            return 0;
        self->times++;
        *len = 1;
        return 0;
    case FAULT_NONE:
    case FAULT_FLIP:
        break;
    }
    return 0;
}

static void count_call(side *self)
{
    if (++self->calls > CALLS_MAX)
        fail_msg("the transport is asked for ever");
}

/* Bytes that a reader may have now; as strike(), and EAGAIN where there are none. */
static int take(side *self, void *buf, size_t len, size_t *done)
{
    stream *const in = self->in;
    int number;

    count_call(self);
    number = strike(&self->reading, in->passed, &len, ECONNRESET);
    if (number != 0)
        return number;
    if (len > in->put - in->passed)
        len = in->put - in->passed;
    if (len == 0)
        return EAGAIN;
    memcpy(buf, in->bytes + in->passed, len);
    if (self->reading.kind == FAULT_FLIP && self->reading.at >= in->passed &&
        self->reading.at - in->passed < len) {
        ((unsigned char *)buf)[self->reading.at - in->passed] ^= self->reading.bits;
        self->reading.times++;
    }
    in->passed += len;
    *done = len;
    return 0;
}

static int give(side *self, const void *buf, size_t len, size_t *done)
{
    stream *const out = self->out;
    int number;

    count_call(self);
    number = strike(&self->writing, out->put, &len, EPIPE);
    if (number != 0)
        return number;
    assert_true(len <= sizeof out->bytes - out->put);
    memcpy(out->bytes + out->put, buf, len);
    out->put += len;
    *done = len;
    return 0;
}

/* ---- a transport of functions ---- */

static pyossl_status answer(int number, pyossl_status wait)
{
    if (number == 0)
        return PYOSSL_OK;
    if (number < 0)
        return PYOSSL_TRUNCATED;
    if (number == EAGAIN)
        return wait;
    errno = number;
    return PYOSSL_E_SYSTEM;
}

static pyossl_status user_read(void *userdata, void *buf, size_t len, size_t *done)
{
    return answer(take(userdata, buf, len, done), PYOSSL_WANT_READ);
}

static pyossl_status user_write(void *userdata, const void *buf, size_t len, size_t *done)
{
    return answer(give(userdata, buf, len, done), PYOSSL_WANT_WRITE);
}

static const pyossl_transport user_transport = {
    .size = sizeof user_transport,
    .read = user_read,
    .write = user_write,
};

/* ---- descriptors: these two stand in front of the C library's ---- */

static side *sockets[2];

static side *side_of(int fd)
{
    for (size_t i = 0; i < 2; i++)
        if (sockets[i] != NULL && sockets[i]->fd == fd)
            return sockets[i];
    fail_msg("a descriptor that nobody gave");
    return NULL;
}

static ssize_t moved(int number, size_t done)
{
    if (number > 0) {
        errno = number;
        return -1;
    }
    return number < 0 ? 0 : (ssize_t)done;
}

/* Looking ahead takes no bytes, but an error of the network: a socket tells that once, and ends. */
static int look(side *self, void *buf, size_t len, size_t *done)
{
    const size_t passed = self->in->passed;
    const int number = take(self, buf, len, done);

    self->in->passed = passed;
    if (number == ECONNRESET)
        self->reading.kind = FAULT_END;
    return number;
}

ssize_t recv(int fd, void *buf, size_t len, int flags)
{
    side *const self = side_of(fd);
    const bool looks = (flags & MSG_PEEK) != 0;
    size_t done = 0;
    int number;

    assert_int_equal(flags, looks ? MSG_PEEK : MSG_DONTWAIT);
    number = looks ? look(self, buf, len, &done) : take(self, buf, len, &done);
    return moved(number, done);
}

ssize_t send(int fd, const void *buf, size_t len, int flags)
{
    size_t done = 0;
    const int number = give(side_of(fd), buf, len, &done);

    assert_true((flags & MSG_DONTWAIT) != 0 && (flags & MSG_NOSIGNAL) != 0);
    return moved(number, done);
}

static int any_socket(void)
{
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    return fd;
}

/* ---- memory ---- */

/* What a fault that is written to means here: little room, always. */
static void limit_room(side *self)
{
    if (self->writing.kind != FAULT_NONE)
        assert_ok(pyossl_conn_set_memory_limit(self->conn, self->writing.at + 1));
}

static void drain(side *self)
{
    stream *const out = self->out;
    size_t done = 0;

    while (pyossl_conn_drain(self->conn, out->bytes + out->put, sizeof out->bytes - out->put,
                             &done) == PYOSSL_OK) {
        self->writing.times += self->writing.kind != FAULT_NONE;
        out->put += done;
    }
}

/* Feed what take() gives; what there is no room for stays in the stream. */
static void feed(side *self)
{
    unsigned char buf[4096];
    pyossl_status status;
    size_t done = 0, put = 0;
    int number;

    /* Unlike a side that reads, this one does not know when it has all: nothing is said behind it.
     */
    while (!self->told_end && self->in->passed < self->in->put &&
           (number = take(self, buf, sizeof buf, &done)) != EAGAIN) {
        if (number != 0) {
            self->told_end = true;
            if (number < 0)
                assert_ok(pyossl_conn_feed_eof(self->conn));
            else
                pyossl_conn_detach(self->conn);
            return;
        }
        put = 0;
        status = pyossl_conn_feed(self->conn, buf, done, &put);
        if (status != PYOSSL_OK)
            assert_status(status, PYOSSL_WANT_WRITE);
        self->in->passed -= done - put;
        if (put < done)
            return;
    }
}

static void carry(exchange *self)
{
    drain(&self->client);
    drain(&self->server);
    feed(&self->client);
    feed(&self->server);
}

/* ---- the exchange ---- */

static void prepare(side *self, pyossl_ctx *ctx, pyossl_role role, carrier by)
{
    assert_ok(pyossl_conn_new(&self->conn, ctx));
    assert_ok(pyossl_conn_set_role(self->conn, role));
    self->fd = -1;
    self->status = PYOSSL_WANT_READ;
    switch (by) {
    case CARRIER_USER:
        assert_ok(pyossl_conn_use_transport(self->conn, &user_transport, self));
        break;
    case CARRIER_FD:
    case CARRIER_AHEAD:
        self->fd = any_socket();
        assert_ok(pyossl_conn_use_fd(self->conn, self->fd));
        break;
    case CARRIER_MEMORY:
    case CARRIERS:
        assert_ok(pyossl_conn_use_memory(self->conn));
        break;
    }
}

void exchange_begin(exchange *self, pyossl_ctx *client, pyossl_ctx *server, carrier by)
{
    memset(&self->client, 0, sizeof self->client);
    memset(&self->server, 0, sizeof self->server);
    self->client_ctx = client;
    self->server_ctx = server;
    self->by = by;
    self->to_client.put = self->to_client.passed = 0;
    self->to_server.put = self->to_server.passed = 0;
    self->client.in = self->server.out = &self->to_client;
    self->server.in = self->client.out = &self->to_server;
    prepare(&self->client, client, PYOSSL_CLIENT, by);
    prepare(&self->server, server, PYOSSL_SERVER, by);
    sockets[0] = &self->client;
    sockets[1] = &self->server;
}

static pyossl_status read_some(side *self)
{
    size_t done = 0;
    pyossl_status status;

    self->last = CALL_READ;
    status =
        pyossl_conn_read(self->conn, self->text + self->len, sizeof self->text - self->len, &done);
    assert_true(status == PYOSSL_OK ? done > 0 : done == 0);
    self->len += done;
    return status;
}

static pyossl_status write_one(side *self)
{
    const char *record = records[self->wrote];
    size_t done = 0;
    pyossl_status status;

    self->last = CALL_WRITE;
    status = pyossl_conn_write(self->conn, record, strlen(record), &done);
    assert_int_equal(done, status == PYOSSL_OK ? strlen(record) : 0);
    self->wrote += status == PYOSSL_OK;
    return status;
}

static pyossl_status close_it(side *self)
{
    int complete = 0;

    self->last = CALL_SHUTDOWN;
    return pyossl_conn_shutdown(self->conn, &complete);
}

static pyossl_status shake_hands(side *self)
{
    pyossl_buf made = PYOSSL_BUF_INIT;
    pyossl_status status;

    self->last = CALL_HANDSHAKE;
    status = pyossl_conn_handshake(self->conn);
    if (status != PYOSSL_OK)
        return status;
    assert_ok(pyossl_conn_export_keying_material(self->conn, "EXPORTER-exchange", 17, NULL, 0,
                                                 EXPORTER_LEN, &made));
    assert_int_equal(made.len, EXPORTER_LEN);
    memcpy(self->exporter, made.data, EXPORTER_LEN);
    pyossl_buf_clear(&made);
    return PYOSSL_OK;
}

/* One call, and where it leads. */
static pyossl_status advance(side *self)
{
    pyossl_status status = PYOSSL_OK;

    switch (self->at) {
    case SHAKE:
        status = shake_hands(self);
        self->at = status == PYOSSL_OK ? WRITE : SHAKE;
        break;
    case WRITE:
        status = write_one(self);
        self->at = self->wrote == RECORDS ? READ : WRITE;
        break;
    case READ:
        status = read_some(self);
        self->at = self->len >= TEXT_LEN ? CLOSE : READ;
        break;
    case CLOSE:
        status = close_it(self);
        self->at = status == PYOSSL_OK ? GOODBYE : CLOSE;
        break;
    case GOODBYE:
        status = read_some(self);
        self->at = status == PYOSSL_CLOSED ? DONE : GOODBYE;
        break;
    case DONE:
        break;
    }
    return status;
}

/* Where the side was told to wait for bytes; the reads find out what there are. */
static void look_ahead(side *self)
{
    const pyossl_status status = pyossl_conn_wait_input(self->conn);

    if (status == PYOSSL_E_SYSTEM)
        assert_int_equal(pyossl_error_errno(pyossl_error_last()), EINTR);
    else
        assert_true(status == PYOSSL_OK || status == PYOSSL_WANT_READ);
}

static void step(side *self, carrier by)
{
    if (self->over)
        return;
    if (by == CARRIER_AHEAD && self->status == PYOSSL_WANT_READ)
        look_ahead(self);
    self->status = advance(self);
    if (self->status == PYOSSL_OK || pyossl_is_retry(self->status))
        return;
    if (self->status == PYOSSL_E_SYSTEM && pyossl_error_errno(pyossl_error_last()) == EINTR) {
        self->interruptions++;
        return;
    }
    self->over = true;
}

/* Grows with whatever moves. */
static size_t sum(const side *self)
{
    return self->in->passed + self->out->put + self->at + self->wrote + self->len +
           self->reading.times + self->writing.times + self->interruptions + self->over;
}

void exchange_run(exchange *self)
{
    size_t before = 0;

    if (self->by == CARRIER_MEMORY) {
        limit_room(&self->client);
        limit_room(&self->server);
    }
    for (int round = 0, idle = 0; idle < IDLE_ROUNDS; round++) {
        size_t now;

        if (round == ROUNDS_MAX)
            fail_msg("the exchange does not end");
        step(&self->client, self->by);
        if (self->by == CARRIER_MEMORY)
            carry(self);
        step(&self->server, self->by);
        if (self->by == CARRIER_MEMORY)
            carry(self);
        if (self->client.over && self->server.over)
            return;
        now = sum(&self->client) + sum(&self->server);
        idle = now == before ? idle + 1 : 0;
        before = now;
    }
}

pyossl_status exchange_again(side *self)
{
    switch (self->last) {
    case CALL_HANDSHAKE:
        return pyossl_conn_handshake(self->conn);
    case CALL_WRITE:
        return write_one(self);
    case CALL_READ:
        return read_some(self);
    case CALL_SHUTDOWN:
        break;
    }
    return close_it(self);
}

static void release(side *self)
{
    pyossl_conn_unref(self->conn);
    self->conn = NULL;
    if (self->fd >= 0)
        close(self->fd);
    self->fd = -1;
}

void exchange_end(exchange *self)
{
    release(&self->client);
    release(&self->server);
    sockets[0] = sockets[1] = NULL;
}

bool exchange_text_is_true(const side *self)
{
    return self->len <= TEXT_LEN && memcmp(self->text, whole_text, self->len) == 0;
}

size_t exchange_stride(size_t otherwise)
{
    const char *text = getenv("FAULT_STRIDE");
    const unsigned long value = text != NULL ? strtoul(text, NULL, 10) : otherwise;

    return value > 0 ? value : 1;
}

double exchange_clock(void)
{
    struct timespec now;

    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}
