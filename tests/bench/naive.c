/* What a C program that calls OpenSSL in the ordinary way makes of handshakes and short exchanges.
 */
#include "naive.h"

#include <openssl/err.h>
#include <sys/socket.h>

/* ---- handshakes ---- */

naive_ends naive_ec13;
static naive_ends rsa13, ec12, resume13, resume12;

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    naive_ends *ends = SSL_get_app_data(ssl);

    if (ends == NULL || ends->session != NULL)
        return 0;
    ends->session = session;
    return 1;
}

static void make_ends(naive_ends *ends, const char *kind, int version)
{
    char name[64];

    ends->server = SSL_CTX_new(TLS_server_method());
    ends->client = SSL_CTX_new(TLS_client_method());
    snprintf(name, sizeof name, "%s-chain.pem", kind);
    MUST(SSL_CTX_use_certificate_chain_file(ends->server, fixture_path(name)) == 1);
    snprintf(name, sizeof name, "%s.key", kind);
    MUST(SSL_CTX_use_PrivateKey_file(ends->server, fixture_path(name), SSL_FILETYPE_PEM) == 1);
    snprintf(name, sizeof name, "%s-root.pem", kind);
    MUST(SSL_CTX_load_verify_locations(ends->client, fixture_path(name), NULL) == 1);
    SSL_CTX_set_verify(ends->client, SSL_VERIFY_PEER, NULL);
    MUST(SSL_CTX_set_max_proto_version(ends->client, version) == 1);
    SSL_CTX_set_session_cache_mode(ends->client, SSL_SESS_CACHE_CLIENT);
    SSL_CTX_sess_set_new_cb(ends->client, keep_session);
}

SSL *naive_end(SSL_CTX *ctx, int server)
{
    SSL *ssl = SSL_new(ctx);

    MUST(ssl != NULL);
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    if (server)
        SSL_set_accept_state(ssl);
    else
        SSL_set_connect_state(ssl);
    return ssl;
}

void naive_carry(SSL *from, SSL *to)
{
    char bytes[16384];
    int n;

    while ((n = BIO_read(SSL_get_wbio(from), bytes, sizeof bytes)) > 0)
        MUST(BIO_write(SSL_get_rbio(to), bytes, n) == n);
}

void naive_shake(SSL *client, SSL *server)
{
    char byte;

    for (int i = 0; i < 10 && !(SSL_is_init_finished(client) && SSL_is_init_finished(server));
         i++) {
        SSL_do_handshake(client);
        naive_carry(client, server);
        SSL_do_handshake(server);
        naive_carry(server, client);
    }
    MUST(SSL_is_init_finished(client) && SSL_is_init_finished(server));
    MUST(SSL_read(client, &byte, 1) <= 0); /* tickets */
    ERR_clear_error();
}

void naive_finish(SSL *ssl)
{
    SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(ssl);
}

void naive_handshake(naive_ends *ends, int resume)
{
    SSL *client = naive_end(ends->client, 0), *server = naive_end(ends->server, 1);

    SSL_set_app_data(client, resume ? ends : NULL);
    if (resume && ends->session != NULL) {
        MUST(SSL_set_session(client, ends->session) == 1);
        SSL_SESSION_free(ends->session);
        ends->session = NULL;
    }
    naive_shake(client, server);
    if (resume && ends->session == NULL)
        ends->session = SSL_get1_session(client);
    naive_finish(client);
    naive_finish(server);
}

void naive_prepare_ec13(void)
{
    if (naive_ec13.client != NULL)
        return;
    make_ends(&naive_ec13, "ec", TLS1_3_VERSION);
}
static void prepare_rsa13(void)
{
    make_ends(&rsa13, "rsa", TLS1_3_VERSION);
}
static void prepare_ec12(void)
{
    make_ends(&ec12, "ec", TLS1_2_VERSION);
}
static void prepare_resume13(void)
{
    make_ends(&resume13, "ec", TLS1_3_VERSION);
}
static void prepare_resume12(void)
{
    make_ends(&resume12, "ec", TLS1_2_VERSION);
}
static void hs_ec13(void)
{
    naive_handshake(&naive_ec13, 0);
}
static void hs_rsa13(void)
{
    naive_handshake(&rsa13, 0);
}
static void hs_ec12(void)
{
    naive_handshake(&ec12, 0);
}
static void hs_resume13(void)
{
    naive_handshake(&resume13, 1);
}
static void hs_resume12(void)
{
    naive_handshake(&resume12, 1);
}

/* ---- data ---- */

static SSL *a, *b, *sa, *sb;
const char naive_bytes[NAIVE_MOST];

static void prepare_pair(void)
{
    if (a != NULL)
        return;
    naive_prepare_ec13();
    a = naive_end(naive_ec13.client, 0);
    b = naive_end(naive_ec13.server, 1);
    naive_shake(a, b);
}

void naive_ping(SSL *from, SSL *to, size_t len)
{
    char got[16384];
    size_t done = 0;

    MUST(SSL_write(from, naive_bytes, (int)len) == (int)len);
    naive_carry(from, to);
    while (done < len) {
        int n = SSL_read(to, got, sizeof got);

        MUST(n > 0);
        done += (size_t)n;
    }
}

static void pp_mem(void)
{
    naive_ping(a, b, 64);
    naive_ping(b, a, 64);
}

static void bulk_mem(void)
{
    naive_ping(a, b, 16384);
}

static void prepare_sockets(void)
{
    int fds[2];

    prepare_pair();
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    sa = naive_end(naive_ec13.client, 0);
    sb = naive_end(naive_ec13.server, 1);
    naive_shake(sa, sb);
    SSL_set_fd(sa, fds[0]);
    SSL_set_fd(sb, fds[1]);
}

static void sock_ping(SSL *from, SSL *to)
{
    char got[64];

    MUST(SSL_write(from, naive_bytes, 64) == 64);
    MUST(SSL_read(to, got, 64) == 64);
}

static void pp_sock(void)
{
    sock_ping(sa, sb);
    sock_ping(sb, sa);
}

const workload naive_tls[] = {
    { "hs_tls13_ec", naive_prepare_ec13, hs_ec13, NULL },
    { "hs_tls13_rsa", prepare_rsa13, hs_rsa13, NULL },
    { "hs_tls12_ec", prepare_ec12, hs_ec12, NULL },
    { "hs_tls13_resume", prepare_resume13, hs_resume13, NULL },
    { "hs_tls12_resume", prepare_resume12, hs_resume12, NULL },
    { "pp_mem", prepare_pair, pp_mem, NULL },
    { "bulk_mem_16k", prepare_pair, bulk_mem, NULL },
    { "pp_sock", prepare_sockets, pp_sock, NULL },
    { NULL, NULL, NULL, NULL },
};
