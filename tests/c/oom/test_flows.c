/* Handshakes, data and goodbyes with every allocation failing in turn. NA-006, NA-028, NA-058,
 * NA-059, NA-074 */
#include "test.h"

#include <stdio.h>

#include <openssl/ssl.h>

#include "calls.h"
#include "oom.h"
#include "owned.h"
#include "pyossl/openssl.h"

enum { TLS1_2 = 0x0303, TLS1_3 = 0x0304, DTLS1_2 = 0xfefd };

typedef struct flow {
    const char *name;
    const char *cert, *key; /* the server's */
    int version;
    int mutual;    /* the client shows a certificate */
    int resume;    /* a session of the run before */
    int callbacks; /* server name, ALPN, stapled OCSP response */
    int rehandshake;
    pyossl_ctx *client_ctx, *server_ctx, *other_ctx;
    pyossl_session *session;
} flow;

static flow flows[] = {
    { .name = "TLS 1.3, ECDSA",
      .cert = DATA("server-ec.pem"),
      .key = DATA("ec.pem"),
      .version = TLS1_3 },
    { .name = "TLS 1.3, RSA",
      .cert = DATA("server.pem"),
      .key = DATA("rsa.pem"),
      .version = TLS1_3 },
    { .name = "TLS 1.2, ECDSA",
      .cert = DATA("server-ec.pem"),
      .key = DATA("ec.pem"),
      .version = TLS1_2 },
    { .name = "TLS 1.2, RSA",
      .cert = DATA("server.pem"),
      .key = DATA("rsa.pem"),
      .version = TLS1_2 },
    { .name = "both show certificates",
      .cert = DATA("server-ec.pem"),
      .key = DATA("ec.pem"),
      .version = TLS1_3,
      .mutual = 1 },
    { .name = "resumption, TLS 1.3",
      .cert = DATA("server-ec.pem"),
      .key = DATA("ec.pem"),
      .version = TLS1_3,
      .resume = 1 },
    { .name = "resumption, TLS 1.2",
      .cert = DATA("server-ec.pem"),
      .key = DATA("ec.pem"),
      .version = TLS1_2,
      .resume = 1 },
    { .name = "callbacks",
      .cert = DATA("server-ec.pem"),
      .key = DATA("ec.pem"),
      .version = TLS1_3,
      .callbacks = 1 },
    { .name = "renegotiation",
      .cert = DATA("server-ec.pem"),
      .key = DATA("ec.pem"),
      .version = TLS1_2,
      .rehandshake = 1 },
    { .name = "key update",
      .cert = DATA("server-ec.pem"),
      .key = DATA("ec.pem"),
      .version = TLS1_3,
      .rehandshake = 1 },
    { .name = "DTLS with a cookie",
      .cert = DATA("server-ec.pem"),
      .key = DATA("ec.pem"),
      .version = DTLS1_2 },
};

/* ---- callbacks ---- */

static pyossl_answer choose_ctx(pyossl_conn *conn, void *userdata)
{
    const flow *self = userdata;
    const char *name = pyossl_conn_servername(conn);

    if (name == NULL || strcmp(name, "localhost") != 0)
        return PYOSSL_ANSWER_ABORT;
    return pyossl_conn_set_ctx(conn, self->other_ctx) == PYOSSL_OK ? PYOSSL_ANSWER_ACCEPT
                                                                   : PYOSSL_ANSWER_ABORT;
}

static pyossl_answer choose_protocol(pyossl_conn *conn, const unsigned char *offered,
                                     size_t offered_len, unsigned char *selected,
                                     size_t *selected_len, void *userdata)
{
    (void)conn;
    (void)userdata;
    if (offered_len != 5 || memcmp(offered, "\4echo", 5) != 0)
        return PYOSSL_ANSWER_ABORT;
    memcpy(selected, offered + 1, 4);
    *selected_len = 4;
    return PYOSSL_ANSWER_ACCEPT;
}

/* An OCSPResponse (RFC 6960): "unauthorized". */
static const unsigned char stapled[] = { 0x30, 0x03, 0x0a, 0x01, 0x06 };

static int staple_failed;

static pyossl_answer staple(pyossl_conn *conn, pyossl_buf *response, void *userdata)
{
    (void)conn;
    (void)userdata;
    staple_failed = pyossl_buf_set(response, stapled, sizeof stapled) != PYOSSL_OK;
    return staple_failed ? PYOSSL_ANSWER_ABORT : PYOSSL_ANSWER_ACCEPT;
}

static pyossl_answer judge_staple(pyossl_conn *conn, const unsigned char *response, size_t len,
                                  void *userdata)
{
    (void)conn;
    (void)userdata;
    return len == sizeof stapled && memcmp(response, stapled, len) == 0 ? PYOSSL_ANSWER_ACCEPT
                                                                        : PYOSSL_ANSWER_DECLINE;
}

static pyossl_answer make_cookie(pyossl_conn *conn, unsigned char *cookie, size_t cap, size_t *len,
                                 void *userdata)
{
    (void)conn;
    (void)userdata;
    if (cap < 6)
        return PYOSSL_ANSWER_ABORT;
    memcpy(cookie, "cookie", 6);
    *len = 6;
    return PYOSSL_ANSWER_ACCEPT;
}

static pyossl_answer judge_cookie(pyossl_conn *conn, const unsigned char *cookie, size_t len,
                                  void *userdata)
{
    (void)conn;
    (void)userdata;
    return pyossl_equal_bytes(cookie, len, "cookie", 6) ? PYOSSL_ANSWER_ACCEPT
                                                        : PYOSSL_ANSWER_DECLINE;
}

/* ---- what a flow needs, made once: contexts are not what fails here ---- */

static pyossl_ctx *new_ctx(const flow *self, const char *cert, const char *key)
{
    const int dtls = self->version == DTLS1_2;
    pyossl_ctx *ctx = NULL;

    assert_ok(pyossl_ctx_new(&ctx, dtls ? PYOSSL_DTLS : PYOSSL_TLS));
    assert_ok(pyossl_ctx_set_min_version(ctx, self->version));
    assert_ok(pyossl_ctx_set_max_version(ctx, self->version));
    assert_ok(pyossl_ctx_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF));
    assert_ok(pyossl_ctx_load_verify_locations(ctx, DATA("root.pem"), NULL));
    if (cert != NULL) {
        pyossl_x509 *intermediate = NULL;
        char pem[8192];
        FILE *file = fopen(DATA("intermediate.pem"), "rb");

        assert_non_null(file);
        assert_ok(
            pyossl_x509_load(&intermediate, PYOSSL_PEM, pem, fread(pem, 1, sizeof pem, file)));
        fclose(file);
        assert_ok(pyossl_ctx_use_certificate_file(ctx, cert, PYOSSL_PEM));
        assert_ok(pyossl_ctx_use_pkey_file(ctx, key, PYOSSL_PEM));
        assert_ok(pyossl_ctx_add_extra_chain_cert(ctx, intermediate));
        pyossl_x509_unref(intermediate);
    }
    return ctx;
}

static void set_up(flow *self)
{
    self->server_ctx = new_ctx(self, self->cert, self->key);
    self->client_ctx =
        new_ctx(self, self->mutual ? DATA("client.pem") : NULL, DATA("client-key.pem"));
    assert_ok(pyossl_ctx_set_verify(self->client_ctx, PYOSSL_VERIFY_PEER, NULL, NULL, NULL));
    assert_ok(pyossl_ctx_set_verify_hostname(self->client_ctx, "localhost", 9, 0));
    assert_ok(pyossl_ctx_set_session_id(self->server_ctx, "tests", 5));
    if (self->mutual)
        assert_ok(pyossl_ctx_set_verify(self->server_ctx,
                                        PYOSSL_VERIFY_PEER | PYOSSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                                        NULL, NULL, NULL));
    if (self->callbacks) {
        self->other_ctx = new_ctx(self, self->cert, self->key);
        assert_ok(pyossl_ctx_set_servername(self->server_ctx, choose_ctx, self, NULL));
        assert_ok(pyossl_ctx_set_alpn_select(self->server_ctx, choose_protocol, NULL, NULL));
        assert_ok(pyossl_ctx_set_alpn_select(self->other_ctx, choose_protocol, NULL, NULL));
        assert_ok(pyossl_ctx_set_ocsp_server(self->server_ctx, staple, NULL, NULL));
        assert_ok(pyossl_ctx_set_ocsp_server(self->other_ctx, staple, NULL, NULL));
        assert_ok(pyossl_ctx_set_ocsp_client(self->client_ctx, judge_staple, NULL, NULL));
    }
    if (self->version == DTLS1_2) {
        assert_ok(pyossl_ctx_set_options(self->server_ctx, SSL_OP_COOKIE_EXCHANGE));
        assert_ok(pyossl_ctx_set_cookie_generate(self->server_ctx, make_cookie, NULL, NULL));
        assert_ok(pyossl_ctx_set_cookie_verify(self->server_ctx, judge_cookie, NULL, NULL));
    }
}

static void tear_down(flow *self)
{
    pyossl_session_unref(self->session);
    pyossl_ctx_unref(self->client_ctx);
    pyossl_ctx_unref(self->server_ctx);
    pyossl_ctx_unref(self->other_ctx);
}

/* ---- driving ---- */

static pyossl_status carry(pyossl_conn *from, pyossl_conn *to, int *moved)
{
    unsigned char bytes[20000];
    size_t len, done;
    pyossl_status status;

    while ((status = pyossl_conn_drain(from, bytes, sizeof bytes, &len)) == PYOSSL_OK) {
        TRY(pyossl_conn_feed(to, bytes, len, &done));
        oom_check(done == len);
        *moved = 1;
    }
    return pyossl_is_retry(status) ? PYOSSL_OK : status;
}

static pyossl_status carry_both(pyossl_conn *client, pyossl_conn *server, int *moved)
{
    *moved = 0;
    TRY(carry(client, server, moved));
    return carry(server, client, moved);
}

/* A status and a record for what had no memory, though the call could not say so. */
static pyossl_status without_memory(void)
{
    pyossl_buf none = PYOSSL_BUF_INIT;

    return pyossl_buf_set(&none, NULL, SIZE_MAX);
}

/*
 * Both sides wait, and nothing is under way. A datagram that could not be sent is
 * as good as lost, and a timer would send it again; waiting for that would take
 * seconds, so that the run ends here, as one without memory. Nothing else may
 * get stuck.
 */
static pyossl_status stuck(const pyossl_conn *conn)
{
    oom_check(pyossl_conn_is_dtls(conn));
    return without_memory();
}

static pyossl_status shake_hands(pyossl_conn *client, pyossl_conn *server)
{
    for (int rounds = 0; rounds < 100; rounds++) {
        pyossl_status a = pyossl_conn_handshake(client), b;
        int moved;

        if (a != PYOSSL_OK && !pyossl_is_retry(a))
            return a;
        TRY(carry_both(client, server, &moved));
        b = pyossl_conn_handshake(server);
        if (b != PYOSSL_OK && !pyossl_is_retry(b))
            return b;
        if (a == PYOSSL_OK && b == PYOSSL_OK)
            return carry_both(client, server, &moved);
        if (!moved) {
            TRY(carry_both(client, server, &moved));
            if (!moved)
                return stuck(client);
        }
    }
    oom_broken("they agree in time", __FILE__, __LINE__);
}

static pyossl_status send_line(pyossl_conn *from, pyossl_conn *to)
{
    char room[64];
    size_t done = 0;
    int moved;
    pyossl_status status;

    TRY(pyossl_conn_write(from, "a line\n", 7, &done));
    oom_check(done == 7);
    moved = 0;
    TRY(carry(from, to, &moved));
    /* Tickets, requests to shake hands and new keys may come first, and want an answer. */
    for (int rounds = 0; rounds < 20; rounds++) {
        status = pyossl_conn_read(to, room, sizeof room, &done);
        if (status == PYOSSL_OK) {
            oom_check(done == 7 && memcmp(room, "a line\n", 7) == 0);
            return PYOSSL_OK;
        }
        if (!pyossl_is_retry(status))
            return status;
        TRY(carry_both(from, to, &moved));
        status = pyossl_conn_read(from, room, sizeof room, &done);
        if (!pyossl_is_retry(status))
            return status;
        TRY(carry_both(from, to, &moved));
    }
    return stuck(from);
}

/* NA-145: have both sides read until neither has anything to say any more: a handshake among the
 * data. */
static pyossl_status settle(pyossl_conn *client, pyossl_conn *server)
{
    for (int rounds = 0; rounds < 20; rounds++) {
        char byte;
        size_t done;
        int moved;
        pyossl_status status = pyossl_conn_read(client, &byte, 1, &done);

        if (!pyossl_is_retry(status))
            return status;
        status = pyossl_conn_read(server, &byte, 1, &done);
        if (!pyossl_is_retry(status))
            return status;
        TRY(carry_both(client, server, &moved));
        if (!moved)
            return PYOSSL_OK;
    }
    oom_broken("they fall silent", __FILE__, __LINE__);
}

static pyossl_status say_goodbye(pyossl_conn *client, pyossl_conn *server)
{
    int complete = 7, moved;
    char byte;
    size_t done;
    pyossl_status status;

    TRY(pyossl_conn_shutdown(client, &complete));
    TRY(carry_both(client, server, &moved));
    status = pyossl_conn_read(server, &byte, 1, &done);
    if (status != PYOSSL_CLOSED)
        return status;
    TRY(pyossl_conn_shutdown(server, &complete));
    TRY(carry_both(client, server, &moved));
    TRY(pyossl_conn_shutdown(client, &complete));
    oom_check(complete == 1);
    return PYOSSL_OK;
}

static pyossl_status connect_pair(const flow *self, pyossl_conn **client, pyossl_conn **server)
{
    TRY(pyossl_conn_new(client, self->client_ctx));
    TRY(pyossl_conn_use_memory(*client));
    TRY(pyossl_conn_set_role(*client, PYOSSL_CLIENT));
    TRY(pyossl_conn_set_servername(*client, "localhost", 9));
    if (self->session != NULL)
        TRY(pyossl_conn_set_session(*client, self->session));
    if (self->callbacks) {
        TRY(pyossl_conn_set_alpn_protos(*client, (const unsigned char *)"\4echo", 5));
        TRY(pyossl_conn_request_ocsp(*client));
    }
    TRY(pyossl_conn_new(server, self->server_ctx));
    TRY(pyossl_conn_use_memory(*server));
    return pyossl_conn_set_role(*server, PYOSSL_SERVER);
}

static pyossl_status listen_first(pyossl_conn *client, pyossl_conn *server)
{
    for (int rounds = 0; rounds < 10; rounds++) {
        pyossl_status status = pyossl_conn_handshake(client);
        int moved;

        if (!pyossl_is_retry(status))
            return status;
        TRY(carry_both(client, server, &moved));
        status = pyossl_conn_dtls_listen(server);
        if (!pyossl_is_retry(status))
            return status;
        TRY(carry_both(client, server, &moved));
    }
    return stuck(client);
}

static pyossl_status check_facts(const flow *self, pyossl_conn *client)
{
    OWNED(x509) peer = NULL;
    OWNED_LIST chain = PYOSSL_X509_LIST_INIT;
    size_t len;

    oom_check(pyossl_conn_verify_result(client) == 0);
    if (self->session == NULL)
        TRY(pyossl_conn_verified_chain(client, &chain));
    if (self->callbacks)
        oom_check(pyossl_conn_alpn(client, &len) != NULL && len == 4);
    return pyossl_conn_peer_certificate(client, &peer);
}

static pyossl_status run(flow *self)
{
    OWNED(conn) client = NULL;
    OWNED(conn) server = NULL;

    TRY(connect_pair(self, &client, &server));
    if (self->version == DTLS1_2)
        TRY(listen_first(client, server));
    TRY(shake_hands(client, server));
    TRY(check_facts(self, client));
    TRY(send_line(client, server));
    TRY(send_line(server, client));
    if (self->rehandshake && self->version == TLS1_2)
        TRY(pyossl_conn_renegotiate(server));
    if (self->rehandshake && self->version == TLS1_3)
        TRY(pyossl_conn_key_update(server, 1));
    if (self->rehandshake) {
        TRY(send_line(server, client));
        TRY(settle(client, server));
        oom_check(self->version == TLS1_3 || pyossl_conn_total_renegotiations(client) == 1);
        TRY(send_line(client, server));
    }
    if (self->resume && self->session == NULL)
        TRY(pyossl_conn_session(client, &self->session));
    return say_goodbye(client, server);
}

static pyossl_status run_flow(void *arg)
{
    pyossl_status status;

    staple_failed = 0;
    status = run(arg);
    /* The call is right to blame the callback, which had no memory. */
    return status == PYOSSL_E_CALLBACK && staple_failed ? without_memory() : status;
}

static void make_plain(pyossl_ctx *ctx)
{
    SSL_CTX *ssl_ctx = pyossl_openssl_ctx(ctx);

    assert_non_null(ssl_ctx);
    SSL_CTX_free(ssl_ctx);
}

/* A call that fails may lead to OpenSSL's default library context, which keeps what it has used. */
static void warm_up(flow plain)
{
    set_up(&plain);
    make_plain(plain.client_ctx);
    make_plain(plain.server_ctx);
    assert_status(run_flow(&plain), PYOSSL_OK);
    tear_down(&plain);
}

static void sweep(void **state)
{
    flow *self = *state;
    const oom_scenario scenario = {
        .name = self->name,
        .run = run_flow,
        .arg = self,
        .any_error = 1,
        .theirs = 8,
        /* OpenSSL renews the blinding factors of an RSA key, half-updated or not, every 32 uses. */
        .heals_within = strstr(self->name, "RSA") != NULL ? 32 : 0,
    };

    warm_up(*self);
    set_up(self);
    assert_status(run_flow(self), PYOSSL_OK); /* brings the session to resume */
    assert_int_equal(self->session != NULL, self->resume);
    assert_int_equal(oom_sweep(&scenario), 0);
    tear_down(self);
}

/* With an argument, the flows of that name alone ("TLS 1.3*"). */
int main(int argc, char **argv)
{
    struct CMUnitTest tests[sizeof flows / sizeof flows[0]];
    int failed;

    oom_install();
    calls_install();
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    for (size_t i = 0; i < sizeof flows / sizeof flows[0]; i++)
        tests[i] = (struct CMUnitTest){ .name = flows[i].name,
                                        .test_func = sweep,
                                        .initial_state = &flows[i] };
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    oom_print_total();
    return failed;
}
