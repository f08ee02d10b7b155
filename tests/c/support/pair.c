#include "pair.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pyossl/callbacks.h"
#include "pyossl/info.h"
#include "pyossl/x509.h"
#include "test.h"

enum { ROUNDS_MAX = 200000, CHUNK = 65536 };

/* ---- contexts ---- */

static void load_file(const char *path, unsigned char *buf, size_t cap, size_t *len)
{
    FILE *file = fopen(path, "rb");

    assert_non_null(file);
    *len = fread(buf, 1, cap, file);
    assert_true(*len > 0 && *len < cap);
    fclose(file);
}

static void add_chain(pyossl_ctx *ctx, const char *path)
{
    static _Thread_local unsigned char text[CHUNK];
    pyossl_x509 *cert = NULL;
    size_t len;

    load_file(path, text, sizeof text, &len);
    assert_ok(pyossl_x509_load(&cert, PYOSSL_PEM, text, len));
    assert_ok(pyossl_ctx_add_extra_chain_cert(ctx, cert));
    pyossl_x509_unref(cert);
}

void pair_contexts(pair *self, int version)
{
    const bool dtls = version == PAIR_DTLS1_2;

    memset(self, 0, sizeof *self);
    for (int i = 0; i < 2; i++)
        self->client_fds[i] = self->server_fds[i] = self->relay_client[i] = self->relay_server[i] =
            -1;
    self->datagrams = dtls;
    assert_ok(pyossl_ctx_new(&self->client_ctx, dtls ? PYOSSL_DTLS : PYOSSL_TLS));
    assert_ok(pyossl_ctx_new(&self->server_ctx, dtls ? PYOSSL_DTLS : PYOSSL_TLS));
    assert_ok(pyossl_ctx_set_min_version(self->client_ctx, version));
    assert_ok(pyossl_ctx_set_max_version(self->client_ctx, version));
    assert_ok(pyossl_ctx_set_min_version(self->server_ctx, version));
    assert_ok(pyossl_ctx_set_max_version(self->server_ctx, version));
    assert_ok(pyossl_ctx_load_verify_locations(self->client_ctx, DATA("root.pem"), NULL));
    assert_ok(pyossl_ctx_set_verify(self->client_ctx, PYOSSL_VERIFY_PEER, NULL, NULL, NULL));
    assert_ok(pyossl_ctx_use_certificate_file(self->server_ctx, DATA("server-ec.pem"), PYOSSL_PEM));
    assert_ok(pyossl_ctx_use_pkey_file(self->server_ctx, DATA("ec.pem"), PYOSSL_PEM));
    add_chain(self->server_ctx, DATA("intermediate.pem"));
}

/* ---- connecting ---- */

static void no_wait(int fd)
{
    assert_true(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0);
}

static void socket_ends(pair *self)
{
    const int type = self->datagrams ? SOCK_DGRAM : SOCK_STREAM;
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, type, 0, ends), 0);
    self->client_fds[0] = self->client_fds[1] = ends[0];
    if (self->step == 0) {
        self->server_fds[0] = self->server_fds[1] = ends[1];
        return;
    }
    self->relay_client[0] = self->relay_client[1] = ends[1];
    assert_int_equal(socketpair(AF_UNIX, type, 0, ends), 0);
    self->server_fds[0] = self->server_fds[1] = ends[0];
    self->relay_server[0] = self->relay_server[1] = ends[1];
    no_wait(self->relay_client[0]);
    no_wait(self->relay_server[0]);
}

/* A pipe from *to to *from. */
static void pipe_between(int *from, int *to)
{
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    *from = ends[0];
    *to = ends[1];
}

static void pipe_ends(pair *self)
{
    if (self->step == 0) {
        pipe_between(&self->client_fds[0], &self->server_fds[1]);
        pipe_between(&self->server_fds[0], &self->client_fds[1]);
        return;
    }
    pipe_between(&self->client_fds[0], &self->relay_client[1]);
    pipe_between(&self->relay_client[0], &self->client_fds[1]);
    pipe_between(&self->server_fds[0], &self->relay_server[1]);
    pipe_between(&self->relay_server[0], &self->server_fds[1]);
    no_wait(self->relay_client[0]);
    no_wait(self->relay_server[0]);
}

static void use_fds(pair *self)
{
    if (self->client_fds[0] == self->client_fds[1]) {
        assert_ok(pyossl_conn_use_fd(self->client, self->client_fds[0]));
        assert_ok(pyossl_conn_use_fd(self->server, self->server_fds[0]));
        return;
    }
    assert_ok(pyossl_conn_use_fds(self->client, self->client_fds[0], self->client_fds[1]));
    assert_ok(pyossl_conn_use_fds(self->server, self->server_fds[0], self->server_fds[1]));
}

static void use_scripts(pair *self)
{
    script_init(&self->client_script, &self->to_client, &self->to_server);
    script_init(&self->server_script, &self->to_server, &self->to_client);
    script_init(&self->client_writer, &self->to_client, &self->to_server);
    script_init(&self->server_writer, &self->to_server, &self->to_client);
    self->client_script.most = self->server_script.most = self->step;
    self->client_writer.most = self->server_writer.most = self->step;
    if (self->kind == PAIR_USER) {
        assert_ok(pyossl_conn_use_transport(self->client, &script_transport, &self->client_script));
        assert_ok(pyossl_conn_use_transport(self->server, &script_transport, &self->server_script));
        return;
    }
    assert_ok(pyossl_conn_use_transports(self->client, &script_transport, &self->client_script,
                                         &script_transport, &self->client_writer));
    assert_ok(pyossl_conn_use_transports(self->server, &script_transport, &self->server_script,
                                         &script_transport, &self->server_writer));
}

void pair_connect(pair *self, pair_kind kind, size_t step)
{
    self->kind = kind;
    self->step = step;
    self->to_client.datagrams = self->datagrams;
    self->to_server.datagrams = self->datagrams;
    assert_ok(pyossl_conn_new(&self->client, self->client_ctx));
    assert_ok(pyossl_conn_new(&self->server, self->server_ctx));
    switch (kind) {
    case PAIR_MEMORY:
        assert_ok(pyossl_conn_use_memory(self->client));
        assert_ok(pyossl_conn_use_memory(self->server));
        break;
    case PAIR_SOCKET:
        socket_ends(self);
        use_fds(self);
        break;
    case PAIR_PIPES:
        pipe_ends(self);
        use_fds(self);
        break;
    case PAIR_USER:
    case PAIR_SPLIT:
        use_scripts(self);
        break;
    }
    assert_ok(pyossl_conn_set_role(self->client, PYOSSL_CLIENT));
    assert_ok(pyossl_conn_set_role(self->server, PYOSSL_SERVER));
}

/* ---- carrying ---- */

/* What @to has no room for is kept by @from: tests that set limits drain as they go. */
static bool carry_memory(pair *self, pyossl_conn *from, pyossl_conn *to)
{
    static unsigned char buf[CHUNK];
    const size_t cap = self->step > 0 ? self->step : sizeof buf;
    size_t got = 0, put = 0;

    if (pyossl_conn_drain(from, buf, cap, &got) != PYOSSL_OK)
        return false;
    assert_ok(pyossl_conn_feed(to, buf, got, &put));
    assert_int_equal(put, got);
    return true;
}

static bool carry_fd(pair *self, int from, int to)
{
    unsigned char buf[256];
    const size_t cap = self->step < sizeof buf ? self->step : sizeof buf;
    struct pollfd room = { .fd = to, .events = POLLOUT };
    ssize_t got;

    if (poll(&room, 1, 0) != 1)
        return false; /* a socket full of single bytes is full soon */
    got = read(from, buf, cap);
    if (got <= 0)
        return false;
    assert_int_equal(write(to, buf, (size_t)got), got);
    return true;
}

bool pair_move(pair *self)
{
    bool moved = false;

    if (self->kind == PAIR_MEMORY) {
        moved |= carry_memory(self, self->client, self->server);
        moved |= carry_memory(self, self->server, self->client);
    } else if (self->relay_client[0] >= 0) {
        moved |= carry_fd(self, self->relay_client[0], self->relay_server[1]);
        moved |= carry_fd(self, self->relay_server[0], self->relay_client[1]);
    }
    return moved;
}

/* ---- driving ---- */

static bool is_over(pyossl_status status)
{
    return status != PYOSSL_OK && !pyossl_is_retry(status);
}

pyossl_status pair_handshake_both(pair *self, pyossl_status *client, pyossl_status *server)
{
    *client = *server = PYOSSL_WANT_READ;
    for (int i = 0; i < ROUNDS_MAX; i++) {
        if (*client != PYOSSL_OK)
            *client = pyossl_conn_handshake(self->client);
        if (is_over(*client))
            return *client;
        pair_move(self);
        if (*server != PYOSSL_OK)
            *server = pyossl_conn_handshake(self->server);
        if (is_over(*server))
            return *server;
        pair_move(self);
        if (*client == PYOSSL_OK && *server == PYOSSL_OK)
            return PYOSSL_OK;
    }
    fail_msg("the handshake does not end");
    return PYOSSL_E_STATE;
}

pyossl_status pair_handshake(pair *self)
{
    pyossl_status client, server;

    return pair_handshake_both(self, &client, &server);
}

void pair_establish(pair *self, int version, pair_kind kind, size_t step)
{
    pair_contexts(self, version);
    pair_connect(self, kind, step);
    assert_ok(pair_handshake(self));
}

pyossl_status pair_read(pair *self, pyossl_conn *conn, void *buf, size_t cap, size_t *done)
{
    pyossl_status status = PYOSSL_WANT_READ;

    for (int i = 0; i < ROUNDS_MAX; i++) {
        status = pyossl_conn_read(conn, buf, cap, done);
        if (!pyossl_is_retry(status))
            return status;
        if (!pair_move(self) && i > 0 && self->step == 0)
            return status;
        if (i > 0 && self->step > 0 && self->kind >= PAIR_USER &&
            wire_is_empty(conn == self->client ? &self->to_client : &self->to_server))
            return status;
    }
    return status;
}

void pair_send(pair *self, pyossl_conn *from, pyossl_conn *to, const void *data, size_t len)
{
    unsigned char *copy = malloc(len + 1);
    size_t sent = 0, got = 0;

    assert_non_null(copy);
    for (int i = 0; got < len; i++) {
        size_t done = 0;
        pyossl_status status;

        assert_true(i < ROUNDS_MAX);
        if (sent < len) {
            status = pyossl_conn_write(from, (const unsigned char *)data + sent, len - sent, &done);
            if (!pyossl_is_retry(status))
                assert_ok(status);
            sent += done;
        }
        pair_move(self);
        status = pyossl_conn_read(to, copy + got, len + 1 - got, &done);
        if (!pyossl_is_retry(status))
            assert_ok(status);
        got += done;
        pair_move(self);
    }
    assert_int_equal(got, len);
    assert_memory_equal(copy, data, len);
    free(copy);
}

void pair_shutdown(pair *self)
{
    int client = 0, server = 0;
    unsigned char byte;
    size_t done;
    pyossl_status status;

    for (int i = 0; !client || !server; i++) {
        assert_true(i < ROUNDS_MAX);
        if (!client) {
            status = pyossl_conn_shutdown(self->client, &client);
            assert_true(status == PYOSSL_OK || pyossl_is_retry(status));
        }
        pair_move(self);
        if (!server) {
            status = pyossl_conn_shutdown(self->server, &server);
            assert_true(status == PYOSSL_OK || pyossl_is_retry(status));
        }
        pair_move(self);
    }
    assert_status(pyossl_conn_read(self->client, &byte, 1, &done), PYOSSL_CLOSED);
    assert_status(pyossl_conn_read(self->server, &byte, 1, &done), PYOSSL_CLOSED);
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void close_fds(int fds[2])
{
    if (fds[1] == fds[0])
        fds[1] = -1;
    close_fd(&fds[0]);
    close_fd(&fds[1]);
}

void pair_cut(pair *self, pyossl_conn *conn)
{
    const bool client = conn == self->client;

    while (pair_move(self))
        continue;
    switch (self->kind) {
    case PAIR_MEMORY:
        assert_ok(pyossl_conn_feed_eof(conn));
        break;
    case PAIR_SOCKET:
    case PAIR_PIPES:
        if (self->step > 0)
            close_fds(client ? self->relay_client : self->relay_server);
        else
            close_fds(client ? self->server_fds : self->client_fds);
        break;
    case PAIR_USER:
    case PAIR_SPLIT:
        (client ? &self->to_client : &self->to_server)->ended = true;
        break;
    }
}

void pair_disconnect(pair *self)
{
    pyossl_conn_unref(self->client);
    pyossl_conn_unref(self->server);
    self->client = self->server = NULL;
    close_fds(self->client_fds);
    close_fds(self->server_fds);
    close_fds(self->relay_client);
    close_fds(self->relay_server);
    wire_clear(&self->to_client);
    wire_clear(&self->to_server);
}

void pair_free(pair *self)
{
    pair_disconnect(self);
    pyossl_ctx_unref(self->client_ctx);
    pyossl_ctx_unref(self->server_ctx);
    self->client_ctx = self->server_ctx = NULL;
}
