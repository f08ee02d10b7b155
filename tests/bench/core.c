/* The same handshakes and short exchanges for a C program that calls libpyossl. */
#include "core.h"

#include <sys/socket.h>

/* ---- handshakes ---- */

core_ends core_ec13;
static core_ends rsa13, ec12, resume13, resume12;

static void make_ends(core_ends *ends, const char *kind, int version)
{
    char name[64];

    OK(pyossl_ctx_new(&ends->server, PYOSSL_TLS_SERVER));
    OK(pyossl_ctx_new(&ends->client, PYOSSL_TLS_CLIENT));
    snprintf(name, sizeof name, "%s-chain.pem", kind);
    OK(pyossl_ctx_use_certificate_chain_file(ends->server, fixture_path(name)));
    snprintf(name, sizeof name, "%s.key", kind);
    OK(pyossl_ctx_use_pkey_file(ends->server, fixture_path(name), PYOSSL_PEM));
    snprintf(name, sizeof name, "%s-root.pem", kind);
    OK(pyossl_ctx_load_verify_locations(ends->client, fixture_path(name), NULL));
    OK(pyossl_ctx_set_verify(ends->client, PYOSSL_VERIFY_PEER, NULL, NULL, NULL));
    OK(pyossl_ctx_set_max_version(ends->client, version));
}

pyossl_conn *core_end(pyossl_ctx *ctx, pyossl_role role)
{
    pyossl_conn *conn = NULL;

    OK(pyossl_conn_new(&conn, ctx));
    OK(pyossl_conn_use_memory(conn));
    OK(pyossl_conn_set_role(conn, role));
    return conn;
}

void core_carry(pyossl_conn *from, pyossl_conn *to)
{
    char bytes[16384];
    size_t n, done;

    while (pyossl_conn_drain(from, bytes, sizeof bytes, &n) == PYOSSL_OK)
        OK(pyossl_conn_feed(to, bytes, n, &done));
}

static int ready(pyossl_conn *client, pyossl_conn *server)
{
    return pyossl_conn_established(client) && pyossl_conn_established(server);
}

void core_shake(pyossl_conn *client, pyossl_conn *server)
{
    size_t done;
    char byte;

    for (int i = 0; i < 10 && !ready(client, server); i++) {
        MUST(pyossl_status_classify(pyossl_conn_handshake(client)) <= PYOSSL_CLASS_RETRY);
        core_carry(client, server);
        MUST(pyossl_status_classify(pyossl_conn_handshake(server)) <= PYOSSL_CLASS_RETRY);
        core_carry(server, client);
    }
    MUST(ready(client, server));
    MUST(pyossl_conn_read(client, &byte, 1, &done) == PYOSSL_WANT_READ); /* tickets */
}

void core_handshake(core_ends *ends, int resume)
{
    pyossl_conn *client = core_end(ends->client, PYOSSL_CLIENT),
                *server = core_end(ends->server, PYOSSL_SERVER);

    if (resume && ends->session != NULL) {
        OK(pyossl_conn_set_session(client, ends->session));
        pyossl_session_unref(ends->session);
        ends->session = NULL;
    }
    core_shake(client, server);
    if (resume)
        OK(pyossl_conn_session(client, &ends->session));
    pyossl_conn_unref(client);
    pyossl_conn_unref(server);
}

void core_prepare_ec13(void)
{
    if (core_ec13.client != NULL)
        return;
    make_ends(&core_ec13, "ec", 0x304);
}
static void prepare_rsa13(void)
{
    make_ends(&rsa13, "rsa", 0x304);
}
static void prepare_ec12(void)
{
    make_ends(&ec12, "ec", 0x303);
}
static void prepare_resume13(void)
{
    make_ends(&resume13, "ec", 0x304);
}
static void prepare_resume12(void)
{
    make_ends(&resume12, "ec", 0x303);
}
static void hs_ec13(void)
{
    core_handshake(&core_ec13, 0);
}
static void hs_rsa13(void)
{
    core_handshake(&rsa13, 0);
}
static void hs_ec12(void)
{
    core_handshake(&ec12, 0);
}
static void hs_resume13(void)
{
    core_handshake(&resume13, 1);
}
static void hs_resume12(void)
{
    core_handshake(&resume12, 1);
}

/* ---- data ---- */

static pyossl_conn *a, *b, *sa, *sb;
const char core_bytes[CORE_MOST];

static void prepare_pair(void)
{
    if (a != NULL)
        return;
    core_prepare_ec13();
    a = core_end(core_ec13.client, PYOSSL_CLIENT);
    b = core_end(core_ec13.server, PYOSSL_SERVER);
    core_shake(a, b);
}

void core_ping(pyossl_conn *from, pyossl_conn *to, size_t len)
{
    char got[16384];
    size_t done, n;

    OK(pyossl_conn_write(from, core_bytes, len, &n));
    core_carry(from, to);
    for (done = 0; done < len; done += n)
        OK(pyossl_conn_read(to, got, sizeof got, &n));
}

static void pp_mem(void)
{
    core_ping(a, b, 64);
    core_ping(b, a, 64);
}

static void bulk_mem(void)
{
    core_ping(a, b, 16384);
}

void core_socket_pair(pyossl_conn **client, pyossl_conn **server)
{
    int fds[2];

    core_prepare_ec13();
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    OK(pyossl_conn_new(client, core_ec13.client));
    OK(pyossl_conn_new(server, core_ec13.server));
    OK(pyossl_conn_use_fd(*client, fds[0]));
    OK(pyossl_conn_use_fd(*server, fds[1]));
    OK(pyossl_conn_set_role(*client, PYOSSL_CLIENT));
    OK(pyossl_conn_set_role(*server, PYOSSL_SERVER));
    while (!ready(*client, *server)) {
        MUST(pyossl_status_classify(pyossl_conn_handshake(*client)) <= PYOSSL_CLASS_RETRY);
        MUST(pyossl_status_classify(pyossl_conn_handshake(*server)) <= PYOSSL_CLASS_RETRY);
    }
}

static void prepare_sockets(void)
{
    core_socket_pair(&sa, &sb);
}

static void sock_ping(pyossl_conn *from, pyossl_conn *to)
{
    char got[64];
    size_t n;

    OK(pyossl_conn_write(from, core_bytes, 64, &n));
    while (pyossl_conn_read(to, got, 64, &n) != PYOSSL_OK)
        continue;
}

static void pp_sock(void)
{
    sock_ping(sa, sb);
    sock_ping(sb, sa);
}

const workload core_tls[] = {
    { "hs_tls13_ec", core_prepare_ec13, hs_ec13, NULL },
    { "hs_tls13_rsa", prepare_rsa13, hs_rsa13, NULL },
    { "hs_tls12_ec", prepare_ec12, hs_ec12, NULL },
    { "hs_tls13_resume", prepare_resume13, hs_resume13, NULL },
    { "hs_tls12_resume", prepare_resume12, hs_resume12, NULL },
    { "pp_mem", prepare_pair, pp_mem, NULL },
    { "bulk_mem_16k", prepare_pair, bulk_mem, NULL },
    { "pp_sock", prepare_sockets, pp_sock, NULL },
    { NULL, NULL, NULL, NULL },
};
