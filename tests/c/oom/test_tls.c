/* Connections with every allocation failing in turn: settings, handshake, data, facts. NA-006,
 * NA-074 */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "calls.h"
#include "oom.h"
#include "owned.h"
#include "pair.h"

/* Contexts are made before anything fails; connections are what is tested. */
static pair tls1_2, tls1_3, dtls;

static pyossl_status settings(pyossl_conn *client)
{
    static const unsigned char protos[] = "\x02h2\x08http/1.1";

    TRY(pyossl_conn_set_servername(client, "www.example.test", 16));
    TRY(pyossl_conn_set_alpn_protos(client, protos, sizeof protos - 1));
    TRY(pyossl_conn_set_groups(client, "P-256:X25519"));
    TRY(pyossl_conn_set_sigalgs(client, "ECDSA+SHA256:RSA-PSS+SHA256:RSA+SHA256"));
    TRY(pyossl_conn_set_client_sigalgs(client, "ECDSA+SHA256"));
    TRY(pyossl_conn_set_verify_hostname(client, "localhost", 9, 0));
    TRY(pyossl_conn_set_options(client, 0));
    TRY(pyossl_conn_request_ocsp(client));
    return PYOSSL_OK;
}

/* Over the descriptor @fd, or over memory for -1. */
static pyossl_status make(pyossl_conn **out, pyossl_ctx *ctx, pyossl_role role, int fd)
{
    OWNED(conn) conn = NULL;
    const pyossl_status status = pyossl_conn_new(&conn, ctx);

    oom_check((status == PYOSSL_OK) == (conn != NULL));
    TRY(status);
    TRY(fd < 0 ? pyossl_conn_use_memory(conn) : pyossl_conn_use_fd(conn, fd));
    TRY(pyossl_conn_set_role(conn, role));
    *out = pyossl_conn_ref(conn);
    return PYOSSL_OK;
}

static pyossl_status move(pyossl_conn *from, pyossl_conn *to)
{
    unsigned char buf[4096];
    size_t got = 0, put = 0;

    while (pyossl_conn_drain(from, buf, sizeof buf, &got) == PYOSSL_OK) {
        TRY(pyossl_conn_feed(to, buf, got, &put));
        oom_check(put == got);
    }
    return PYOSSL_OK;
}

/* Both sides in turn, until both have done; a datagram lost for lack of memory ends it too. */
static pyossl_status shake_hands(pyossl_conn *client, pyossl_conn *server)
{
    pyossl_status c = PYOSSL_WANT_READ, s = PYOSSL_WANT_READ;

    for (int i = 0; i < 20; i++) {
        c = pyossl_conn_handshake(client);
        if (c != PYOSSL_OK && !pyossl_is_retry(c))
            return c;
        TRY(move(client, server));
        s = pyossl_conn_handshake(server);
        if (s != PYOSSL_OK && !pyossl_is_retry(s))
            return s;
        TRY(move(server, client));
        if (c == PYOSSL_OK && s == PYOSSL_OK)
            return PYOSSL_OK;
    }
    return PYOSSL_E_STATE;
}

static pyossl_status exchange(pyossl_conn *from, pyossl_conn *to)
{
    char buf[64];
    size_t done = 0;
    pyossl_status status;

    TRY(pyossl_conn_write(from, "some data", 9, &done));
    oom_check(done == 9);
    TRY(move(from, to));
    status = pyossl_conn_read(to, buf, sizeof buf, &done);
    oom_check(status == PYOSSL_OK || done == 0);
    TRY(pyossl_is_retry(status) ? PYOSSL_E_STATE : status);
    oom_check(done == 9 && memcmp(buf, "some data", 9) == 0);
    return PYOSSL_OK;
}

static pyossl_status facts(pyossl_conn *client)
{
    OWNED(x509) cert = NULL;
    OWNED(session) session = NULL;
    OWNED(pkey) key = NULL;
    OWNED_LIST sent = PYOSSL_X509_LIST_INIT;
    OWNED_LIST built = PYOSSL_X509_LIST_INIT;
    OWNED_BUF secret = PYOSSL_BUF_INIT;
    pyossl_status status = pyossl_conn_peer_certificate(client, &cert);

    oom_check((status == PYOSSL_OK) == (cert != NULL));
    TRY(status);
    status = pyossl_conn_peer_chain(client, &sent);
    oom_check((status == PYOSSL_OK) == (sent.count == 2));
    TRY(status);
    TRY(pyossl_conn_verified_chain(client, &built));
    TRY(pyossl_conn_peer_tmp_key(client, &key));
    TRY(pyossl_conn_session(client, &session));
    TRY(pyossl_conn_secret(client, PYOSSL_FINISHED, &secret));
    return pyossl_conn_export_keying_material(client, "EXPORTER-oom", 12, NULL, 0, 32, &secret);
}

static pyossl_status whole_life(void *arg)
{
    const pair *both = arg;
    OWNED(conn) client = NULL;
    OWNED(conn) server = NULL;
    int complete = 0;

    TRY(make(&client, both->client_ctx, PYOSSL_CLIENT, -1));
    TRY(make(&server, both->server_ctx, PYOSSL_SERVER, -1));
    TRY(settings(client));
    TRY(shake_hands(client, server));
    TRY(exchange(client, server));
    TRY(exchange(server, client));
    TRY(facts(client));
    TRY(pyossl_conn_shutdown(client, &complete));
    return PYOSSL_OK;
}

static void released(void *userdata)
{
    ++*(int *)userdata;
}

static void told(pyossl_conn *conn, int where, int ret, void *userdata)
{
    (void)conn;
    (void)where;
    (void)ret;
    (void)userdata;
}

/* Made, set, moved to another context: nothing that a failure may leave half done. */
static pyossl_status before_the_handshake(void *arg)
{
    const pair *both = arg;
    int count = 0;
    {
        OWNED(conn) conn = NULL;
        pyossl_status status;

        TRY(make(&conn, both->client_ctx, PYOSSL_CLIENT, -1));
        TRY(settings(conn));
        status = pyossl_conn_set_info(conn, told, &count, released);
        oom_check(count == 0);
        TRY(status);
        status = pyossl_conn_set_verify(conn, PYOSSL_VERIFY_PEER, NULL, NULL, NULL);
        TRY(status);
        status = pyossl_conn_set_ctx(conn, both->server_ctx);
        oom_check(pyossl_conn_ctx(conn) ==
                  (status == PYOSSL_OK ? both->server_ctx : both->client_ctx));
        oom_check(strcmp(pyossl_conn_servername(conn), "www.example.test") == 0);
        TRY(status);
        TRY(settings(conn));
    }
    oom_check(count == 1);
    return PYOSSL_OK;
}

/* One call behind a wait, as often as it asks for more. */
static pyossl_status behind_a_wait(pyossl_conn *conn, bool reads)
{
    char buf[64];
    size_t done = 0;
    pyossl_status status = pyossl_conn_wait_input(conn);

    if (status != PYOSSL_WANT_READ) /* a descriptor that does not wait */
        TRY(status);
    if (!reads)
        return pyossl_conn_handshake(conn);
    status = pyossl_conn_read(conn, buf, sizeof buf, &done);
    oom_check(done == (status == PYOSSL_OK ? 9 : 0) && memcmp(buf, "some data", done) == 0);
    return status;
}

static pyossl_status talk(pyossl_conn *client, pyossl_conn *server)
{
    pyossl_status c = PYOSSL_WANT_READ, s = PYOSSL_WANT_READ;
    size_t done;

    for (int i = 0; i < 20 && (c != PYOSSL_OK || s != PYOSSL_OK); i++) {
        c = behind_a_wait(client, false);
        if (c != PYOSSL_OK && !pyossl_is_retry(c))
            return c;
        s = behind_a_wait(server, false);
        if (s != PYOSSL_OK && !pyossl_is_retry(s))
            return s;
    }
    for (int i = 0; i < 3; i++) {
        TRY(pyossl_conn_write(client, "some data", 9, &done));
        TRY(behind_a_wait(server, true));
        TRY(pyossl_conn_write(server, "some data", 9, &done));
        TRY(behind_a_wait(client, true));
    }
    return PYOSSL_OK;
}

static pyossl_status on_sockets(const pair *both, const int fds[2])
{
    OWNED(conn) client = NULL;
    OWNED(conn) server = NULL;

    TRY(make(&client, both->client_ctx, PYOSSL_CLIENT, fds[0]));
    TRY(make(&server, both->server_ctx, PYOSSL_SERVER, fds[1]));
    return talk(client, server);
}

static pyossl_status looking_ahead(void *arg)
{
    pyossl_status status;
    int fds[2];

    oom_check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
    status = on_sockets(arg, fds);
    close(fds[0]);
    close(fds[1]);
    return status;
}

static const oom_scenario scenarios[] = {
    { .name = "connection: settings", .run = before_the_handshake, .arg = &tls1_3, .any_error = 1 },
    { .name = "connection: TLS 1.2", .run = whole_life, .arg = &tls1_2, .any_error = 1, .step = 7 },
    { .name = "connection: TLS 1.3", .run = whole_life, .arg = &tls1_3, .any_error = 1, .step = 7 },
    { .name = "connection: looking ahead",
      .run = looking_ahead,
      .arg = &tls1_3,
      .any_error = 1,
      .step = 7 },
    { .name = "connection: DTLS 1.2", .run = whole_life, .arg = &dtls, .any_error = 1, .step = 7 },
};

static int make_contexts(void **state)
{
    pair *const all[] = { &tls1_2, &tls1_3, &dtls };
    static const int versions[] = { PAIR_TLS1_2, PAIR_TLS1_3, PAIR_DTLS1_2 };

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        pair_contexts(all[i], versions[i]);
        /* One in which the server sends a key. */
        assert_ok(pyossl_ctx_set_groups(all[i]->client_ctx, "X25519:P-256"));
        /* What a cache keeps would look like a leak. */
        assert_ok(pyossl_ctx_set_session_cache_mode(all[i]->server_ctx, 0));
    }
    return 0;
}

static int free_contexts(void **state)
{
    (void)state;
    pair_free(&tls1_2);
    pair_free(&tls1_3);
    pair_free(&dtls);
    return 0;
}

static void sweep(void **state)
{
    assert_int_equal(oom_sweep(*state), 0);
}

/* With an argument, the scenarios of that name alone. */
int main(int argc, char **argv)
{
    struct CMUnitTest tests[sizeof scenarios / sizeof scenarios[0]];
    int failed;

    oom_install();
    calls_install();
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++)
        tests[i] = (struct CMUnitTest){ .name = scenarios[i].name,
                                        .test_func = sweep,
                                        .initial_state = (void *)(uintptr_t)&scenarios[i] };
    failed = cmocka_run_group_tests(tests, make_contexts, free_contexts);
    oom_print_total();
    return failed;
}
