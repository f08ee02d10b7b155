/*
 * client.c: a TLS client that trusts one file of certificates, checks the
 * server's name, says what was negotiated, and has a line echoed.
 *
 *     client CA.pem HOST PORT [TEXT]
 */
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <pyossl.h>

enum { TIMEOUT_MS = 10000 };

static int fail(const char *what, pyossl_status status)
{
    const pyossl_error *error = pyossl_error_last();

    fprintf(stderr, "%s: %s\n", what, pyossl_status_text(status));
    if (pyossl_status_classify(status) != PYOSSL_CLASS_ERROR)
        return 1;
    for (size_t i = 0; i < pyossl_error_count(error); i++) {
        const pyossl_error_entry *entry = pyossl_error_entry_at(error, i);

        fprintf(stderr, "    %s: %s (%s)\n", entry->library, entry->reason, entry->detail);
    }
    return 1;
}

static int connect_to(const char *host, const char *port)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    struct addrinfo *found = NULL;
    int fd = -1;

    if (getaddrinfo(host, port, &hints, &found) != 0)
        return -1;
    for (const struct addrinfo *a = found; a != NULL && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
        if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(found);
    return fd;
}

/* PYOSSL_OK when it is worth calling again; otherwise why not. */
static pyossl_status wait_for(pyossl_conn *conn, pyossl_status status)
{
    return pyossl_is_retry(status) ? pyossl_conn_wait(conn, status, TIMEOUT_MS) : status;
}

static pyossl_status set_up(pyossl_ctx **ctx, pyossl_conn **conn, const char *ca, const char *host,
                            int fd)
{
    static const unsigned char protocols[] = "\x06"
                                             "echo/1";
    pyossl_status status = pyossl_ctx_new(ctx, PYOSSL_TLS_CLIENT);

    if (status == PYOSSL_OK)
        status = pyossl_ctx_set_min_version(*ctx, 0x0303); /* TLS 1.2 */
    if (status == PYOSSL_OK)
        status = pyossl_ctx_load_verify_locations(*ctx, ca, NULL);
    if (status == PYOSSL_OK)
        status = pyossl_ctx_set_verify(*ctx, PYOSSL_VERIFY_PEER, NULL, NULL, NULL);
    if (status == PYOSSL_OK)
        status = pyossl_conn_new(conn, *ctx);
    if (status == PYOSSL_OK)
        status = pyossl_conn_set_role(*conn, PYOSSL_CLIENT);
    if (status == PYOSSL_OK)
        status = pyossl_conn_set_servername(*conn, host, strlen(host));
    if (status == PYOSSL_OK)
        status = pyossl_conn_set_verify_hostname(*conn, host, strlen(host), 0);
    if (status == PYOSSL_OK)
        status = pyossl_conn_set_alpn_protos(*conn, protocols, sizeof protocols - 1);
    if (status == PYOSSL_OK)
        status = pyossl_conn_use_fd(*conn, fd);
    return status;
}

static pyossl_status handshake(pyossl_conn *conn)
{
    pyossl_status status;

    while ((status = pyossl_conn_handshake(conn)) != PYOSSL_OK)
        if ((status = wait_for(conn, status)) != PYOSSL_OK)
            return status;
    return PYOSSL_OK;
}

static pyossl_status print_facts(pyossl_conn *conn)
{
    pyossl_x509 *cert = NULL;
    pyossl_name *subject = NULL;
    pyossl_buf line = PYOSSL_BUF_INIT;
    size_t alpn_len;
    const unsigned char *alpn = pyossl_conn_alpn(conn, &alpn_len);
    pyossl_status status;

    printf("protocol:    %s\n", pyossl_conn_protocol(conn));
    printf("cipher:      %s\n", pyossl_conn_cipher_name(conn));
    printf("application: %.*s\n", (int)alpn_len, alpn_len > 0 ? (const char *)alpn : "");
    status = pyossl_conn_peer_certificate(conn, &cert);
    if (status == PYOSSL_OK)
        status = pyossl_x509_subject(cert, &subject);
    if (status == PYOSSL_OK)
        status = pyossl_name_oneline(subject, &line);
    if (status == PYOSSL_OK)
        printf("peer:        %s (verified)\n", (const char *)line.data);
    pyossl_buf_clear(&line);
    pyossl_name_unref(subject);
    pyossl_x509_unref(cert);
    return status;
}

static pyossl_status echo(pyossl_conn *conn, const char *text)
{
    const size_t len = strlen(text);
    char reply[4096];
    pyossl_status status;
    size_t done;

    for (size_t sent = 0; sent < len; sent += done)
        while ((status = pyossl_conn_write(conn, text + sent, len - sent, &done)) != PYOSSL_OK)
            if ((status = wait_for(conn, status)) != PYOSSL_OK)
                return status;
    printf("echo:        ");
    for (size_t got = 0; got < len; got += done) {
        while ((status = pyossl_conn_read(conn, reply, sizeof reply, &done)) != PYOSSL_OK)
            if ((status = wait_for(conn, status)) != PYOSSL_OK)
                return status;
        printf("%.*s", (int)done, reply);
    }
    printf("\n");
    return PYOSSL_OK;
}

/* Say goodbye, and wait until the server has said it too. */
static pyossl_status say_goodbye(pyossl_conn *conn)
{
    pyossl_status status;
    int complete = 0;

    while (!complete) {
        status = pyossl_conn_shutdown(conn, &complete);
        if (status == PYOSSL_OK)
            continue;
        if ((status = wait_for(conn, status)) != PYOSSL_OK)
            return status;
    }
    printf("closed cleanly\n");
    return PYOSSL_OK;
}

int main(int argc, char **argv)
{
    const char *text = argc > 4 ? argv[4] : "hello, world";
    pyossl_ctx *ctx = NULL;
    pyossl_conn *conn = NULL;
    pyossl_status status;
    int result = 0, fd;

    if (argc < 4 || argc > 5) {
        fprintf(stderr, "usage: %s CA.pem HOST PORT [TEXT]\n", argv[0]);
        return 2;
    }
    fd = connect_to(argv[2], argv[3]);
    if (fd < 0) {
        perror("connecting");
        return 1;
    }
    if ((status = set_up(&ctx, &conn, argv[1], argv[2], fd)) != PYOSSL_OK)
        result = fail("setting up", status);
    else if ((status = handshake(conn)) != PYOSSL_OK)
        result = fail("handshake", status);
    else if ((status = print_facts(conn)) != PYOSSL_OK)
        result = fail("certificate", status);
    else if ((status = echo(conn, text)) != PYOSSL_OK)
        result = fail("echo", status);
    else if ((status = say_goodbye(conn)) != PYOSSL_OK)
        result = fail("goodbye", status);
    pyossl_conn_unref(conn);
    pyossl_ctx_unref(ctx);
    close(fd);
    return result;
}
