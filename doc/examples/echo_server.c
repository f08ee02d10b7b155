/*
 * echo_server.c: a TLS server that sends back what it gets.
 *
 *     echo_server CHAIN.pem KEY.pem [PORT]
 *
 * Serves many clients at once from one thread: no call on a connection ever
 * waits, so poll() is the only place where the program does. Stops on SIGINT or
 * SIGTERM.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <pyossl.h>

enum { CLIENTS_MAX = 1000, BUFFER_SIZE = 16384 };

/* What a client's connection is doing: each step is taken until it has to wait. */
enum step { HANDSHAKE, READ, WRITE, SHUTDOWN, GONE };

struct client {
    pyossl_conn *conn;
    enum step step;
    pyossl_status wants; /* what poll() should look for */
    size_t len, sent;
    unsigned char buffer[BUFFER_SIZE];
};

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
    (void)number;
    stop = 1;
}

static void explain(const char *what, pyossl_status status)
{
    const pyossl_error *error = pyossl_error_last();

    fprintf(stderr, "%s: %s\n", what, pyossl_status_text(status));
    if (pyossl_status_classify(status) != PYOSSL_CLASS_ERROR)
        return;
    for (size_t i = 0; i < pyossl_error_count(error); i++) {
        const pyossl_error_entry *entry = pyossl_error_entry_at(error, i);

        fprintf(stderr, "    %s: %s (%s)\n", entry->library, entry->reason, entry->detail);
    }
}

/* Take "echo/1" if the client offers it; go on without a protocol if not. */
static pyossl_answer choose_protocol(pyossl_conn *conn, const unsigned char *offered,
                                     size_t offered_len, unsigned char *selected,
                                     size_t *selected_len, void *userdata)
{
    static const char protocol[] = "echo/1";
    const size_t len = sizeof protocol - 1;

    (void)conn;
    (void)userdata;
    for (size_t i = 0; i < offered_len; i += 1u + offered[i]) {
        if (offered[i] != len || memcmp(offered + i + 1, protocol, len) != 0)
            continue;
        memcpy(selected, protocol, len);
        *selected_len = len;
        return PYOSSL_ANSWER_ACCEPT;
    }
    return PYOSSL_ANSWER_DECLINE;
}

static pyossl_ctx *make_context(const char *chain, const char *key)
{
    pyossl_ctx *ctx = NULL;
    pyossl_status status = pyossl_ctx_new(&ctx, PYOSSL_TLS_SERVER);

    if (status == PYOSSL_OK)
        status = pyossl_ctx_set_min_version(ctx, 0x0303); /* TLS 1.2 */
    if (status == PYOSSL_OK)
        status = pyossl_ctx_use_certificate_chain_file(ctx, chain);
    if (status == PYOSSL_OK)
        status = pyossl_ctx_use_pkey_file(ctx, key, PYOSSL_PEM);
    if (status == PYOSSL_OK)
        status = pyossl_ctx_check_pkey(ctx);
    if (status == PYOSSL_OK)
        status = pyossl_ctx_set_alpn_select(ctx, choose_protocol, NULL, NULL);
    if (status != PYOSSL_OK) {
        explain("setting up", status);
        pyossl_ctx_unref(ctx);
        return NULL;
    }
    return ctx;
}

static int listen_on(unsigned short port, unsigned short *actual)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
    socklen_t len = sizeof address;
    const int yes = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) < 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 128) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) < 0) {
        perror("listening");
        if (fd >= 0)
            close(fd);
        return -1;
    }
    *actual = ntohs(address.sin_port);
    return fd;
}

static void client_free(struct client *client, int fd)
{
    pyossl_conn_unref(client->conn);
    free(client);
    close(fd);
}

static struct client *client_new(pyossl_ctx *ctx, int fd)
{
    struct client *client = calloc(1, sizeof *client);
    pyossl_status status;

    if (client == NULL)
        return NULL;
    status = pyossl_conn_new(&client->conn, ctx);
    if (status == PYOSSL_OK)
        status = pyossl_conn_set_role(client->conn, PYOSSL_SERVER);
    if (status == PYOSSL_OK)
        status = pyossl_conn_use_fd(client->conn, fd);
    if (status != PYOSSL_OK) {
        explain("accepting", status);
        pyossl_conn_unref(client->conn);
        free(client);
        return NULL;
    }
    client->wants = PYOSSL_WANT_READ;
    return client;
}

static pyossl_status take_step(struct client *client)
{
    pyossl_status status;
    size_t done;
    int complete;

    switch (client->step) {
    case HANDSHAKE:
        status = pyossl_conn_handshake(client->conn);
        if (status == PYOSSL_OK)
            client->step = READ;
        return status;
    case READ:
        status = pyossl_conn_read(client->conn, client->buffer, BUFFER_SIZE, &client->len);
        if (status == PYOSSL_OK) {
            client->sent = 0;
            client->step = WRITE;
        } else if (status == PYOSSL_CLOSED) {
            client->step = SHUTDOWN; /* answer the peer's close alert with ours */
            status = PYOSSL_OK;
        }
        return status;
    case WRITE:
        status = pyossl_conn_write(client->conn, client->buffer + client->sent,
                                   client->len - client->sent, &done);
        if (status == PYOSSL_OK) {
            client->sent += done;
            if (client->sent == client->len)
                client->step = READ;
        }
        return status;
    case SHUTDOWN:
        status = pyossl_conn_shutdown(client->conn, &complete);
        if (status == PYOSSL_OK)
            client->step = GONE;
        return status;
    case GONE:
        break;
    }
    return PYOSSL_CLOSED;
}

/* Go on until the client has to wait (1), or is done with (0). */
static int serve(struct client *client)
{
    pyossl_status status;

    do
        status = take_step(client);
    while (status == PYOSSL_OK && client->step != GONE);
    if (pyossl_is_retry(status)) {
        client->wants = status;
        return 1;
    }
    if (pyossl_status_classify(status) == PYOSSL_CLASS_ERROR)
        explain("client", status);
    return 0;
}

static nfds_t accept_clients(int listener, pyossl_ctx *ctx, struct pollfd *fds,
                             struct client **clients, nfds_t count)
{
    while (count < CLIENTS_MAX) {
        int fd = accept(listener, NULL, NULL);

        if (fd < 0)
            break;
        /* The connection would not wait either way; this keeps shutdown and close honest. */
        if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ||
            (clients[count] = client_new(ctx, fd)) == NULL) {
            close(fd);
            continue;
        }
        fds[count].fd = fd;
        count++;
    }
    return count;
}

static void run(int listener, pyossl_ctx *ctx)
{
    static struct pollfd fds[CLIENTS_MAX];
    static struct client *clients[CLIENTS_MAX];
    nfds_t count = 1; /* fds[0] is the listener */

    fds[0].fd = listener;
    while (!stop) {
        fds[0].events = count < CLIENTS_MAX ? POLLIN : 0;
        for (nfds_t i = 1; i < count; i++)
            fds[i].events = clients[i]->wants == PYOSSL_WANT_WRITE ? POLLOUT : POLLIN;
        /* A signal may come just before the wait, which then has to end all the same. */
        if (poll(fds, count, 500) < 0) {
            if (errno == EINTR)
                continue;
            perror("poll");
            break;
        }
        for (nfds_t i = count - 1; i >= 1; i--) {
            if (fds[i].revents == 0 || serve(clients[i]))
                continue;
            client_free(clients[i], fds[i].fd);
            count--;
            clients[i] = clients[count];
            fds[i] = fds[count];
        }
        if (fds[0].revents != 0)
            count = accept_clients(listener, ctx, fds, clients, count);
    }
    while (count > 1) {
        count--;
        client_free(clients[count], fds[count].fd);
    }
}

int main(int argc, char **argv)
{
    const struct sigaction action = { .sa_handler = on_signal };
    unsigned short port = 0;
    pyossl_ctx *ctx;
    int listener;

    if (argc < 3 || argc > 4) {
        fprintf(stderr, "usage: %s CHAIN.pem KEY.pem [PORT]\n", argv[0]);
        return 2;
    }
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    ctx = make_context(argv[1], argv[2]);
    if (ctx == NULL)
        return 1;
    listener = listen_on((unsigned short)(argc > 3 ? atoi(argv[3]) : 0), &port);
    if (listener < 0) {
        pyossl_ctx_unref(ctx);
        return 1;
    }
    printf("listening on 127.0.0.1:%u\n", (unsigned)port);
    fflush(stdout);
    run(listener, ctx);
    close(listener);
    pyossl_ctx_unref(ctx);
    return 0;
}
