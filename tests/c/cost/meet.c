/* Connections whose peers send what is counted; see cost.c. */
#include "meet.h"

#include <stdbool.h>
#include <string.h>

#include <openssl/crypto.h>

#include <pyossl.h>

enum { ROUNDS = 1000 };

static bool move(pyossl_conn *from, pyossl_conn *to)
{
    unsigned char bytes[16384];
    size_t len = 0, done;
    bool moved = false;

    while (pyossl_conn_drain(from, bytes, sizeof bytes, &len) == PYOSSL_OK && len > 0) {
        CHECK(pyossl_conn_feed(to, bytes, len, &done) == PYOSSL_OK);
        moved = true;
    }
    return moved;
}

/* What the next contexts are of, and what the next client asks for. */
static pyossl_method method = PYOSSL_TLS;
static const made *asked_for;

static pyossl_ctx *context(const made *cert)
{
    pyossl_ctx *ctx = NULL;
    pyossl_x509 *own = NULL;
    pyossl_pkey *key = NULL;
    made text;

    CHECK(pyossl_ctx_new(&ctx, (int)method) == PYOSSL_OK);
    if (cert == NULL)
        return ctx;
    text = made_text(0);
    CHECK(pyossl_x509_load(&own, PYOSSL_DER, cert->data, cert->len) == PYOSSL_OK);
    CHECK(pyossl_pkey_load_private(&key, PYOSSL_PEM, text.data, text.len, NULL) == PYOSSL_OK);
    CHECK(pyossl_ctx_use_certificate(ctx, own) == PYOSSL_OK);
    CHECK(pyossl_ctx_use_pkey(ctx, key) == PYOSSL_OK);
    pyossl_x509_unref(own);
    pyossl_pkey_unref(key);
    OPENSSL_free(text.data);
    return ctx;
}

static pyossl_conn *endpoint(pyossl_ctx *ctx, pyossl_role role)
{
    pyossl_conn *conn = NULL;

    CHECK(pyossl_conn_new(&conn, ctx) == PYOSSL_OK);
    CHECK(pyossl_conn_use_memory(conn) == PYOSSL_OK);
    CHECK(pyossl_conn_set_role(conn, role) == PYOSSL_OK);
    return conn;
}

/* A handshake, @then something; the contexts are given up. */
static void connect_both(pyossl_ctx *client_ctx, pyossl_ctx *server_ctx,
                         void (*then)(pyossl_conn *client, pyossl_conn *server, const made *in),
                         const made *in)
{
    pyossl_status ours = PYOSSL_WANT_READ, theirs = PYOSSL_WANT_READ;
    pyossl_conn *client = NULL, *server = NULL;
    bool moved = true;

    client = endpoint(client_ctx, PYOSSL_CLIENT);
    CHECK(pyossl_conn_request_ocsp(client) == PYOSSL_OK);
    if (asked_for != NULL)
        CHECK(pyossl_conn_set_servername(client, (const char *)asked_for->data, asked_for->len) ==
              PYOSSL_OK);
    server = endpoint(server_ctx, PYOSSL_SERVER);
    for (int i = 0; i < ROUNDS && moved; i++) {
        if (ours == PYOSSL_WANT_READ)
            ours = pyossl_conn_handshake(client);
        moved = move(client, server);
        if (theirs == PYOSSL_WANT_READ)
            theirs = pyossl_conn_handshake(server);
        moved = move(server, client) || moved;
    }
    CHECK(ours == PYOSSL_OK && theirs == PYOSSL_OK);
    if (then != NULL)
        then(client, server, in);
    pyossl_conn_unref(client);
    pyossl_conn_unref(server);
    pyossl_ctx_unref(client_ctx);
    pyossl_ctx_unref(server_ctx);
}

static void ask_peer(pyossl_conn *client, pyossl_conn *server, const made *in)
{
    pyossl_x509_list chain = PYOSSL_X509_LIST_INIT;

    (void)server;
    (void)in;
    CHECK(pyossl_conn_peer_chain(client, &chain) == PYOSSL_OK);
    pyossl_x509_list_clear(&chain);
}

/* A certificate of many names, none of which is the one that is asked for. */
void meet_names(const made *in)
{
    pyossl_ctx *client = context(NULL);

    CHECK(pyossl_ctx_set_verify_hostname(client, "elsewhere.example", 17, 0) == PYOSSL_OK);
    connect_both(client, context(in), ask_peer, in);
}

void meet_chain(const made *in)
{
    made own = made_names(1);
    pyossl_ctx *server = context(&own);
    pyossl_x509_list certs = PYOSSL_X509_LIST_INIT;

    CHECK(pyossl_x509_load_all(&certs, in->data, in->len) == PYOSSL_OK);
    for (size_t i = 0; i < certs.count; i++)
        CHECK(pyossl_ctx_add_extra_chain_cert(server, certs.items[i]) == PYOSSL_OK);
    pyossl_x509_list_clear(&certs);
    connect_both(context(NULL), server, ask_peer, in);
    OPENSSL_free(own.data);
}

void meet_chain_in_datagrams(const made *in)
{
    method = PYOSSL_DTLS;
    meet_chain(in);
    method = PYOSSL_TLS;
}

void meet_server_name(const made *in)
{
    made own = made_names(1);

    asked_for = in;
    connect_both(context(NULL), context(&own), NULL, NULL);
    asked_for = NULL;
    OPENSSL_free(own.data);
}

/* The files that a program names for itself. */
void use_files(const made *in)
{
    pyossl_ctx *ctx = context(NULL);

    CHECK(pyossl_ctx_use_certificate_chain_file(ctx, (const char *)in->data) == PYOSSL_OK);
    CHECK(pyossl_ctx_load_client_ca(ctx, (const char *)in->data) == PYOSSL_OK);
    pyossl_ctx_unref(ctx);
}

static pyossl_answer select_last(pyossl_conn *conn, const unsigned char *offered,
                                 size_t offered_len, unsigned char *selected, size_t *selected_len,
                                 void *userdata)
{
    (void)conn;
    (void)userdata;
    *selected_len = 5;
    memcpy(selected, offered + offered_len - 5, 5);
    return PYOSSL_ANSWER_ACCEPT;
}

void meet_protocols(const made *in)
{
    made own = made_names(1);
    pyossl_ctx *client = context(NULL), *server = context(&own);

    CHECK(pyossl_ctx_set_alpn_protos(client, in->data, in->len) == PYOSSL_OK);
    CHECK(pyossl_ctx_set_alpn_select(server, select_last, NULL, NULL) == PYOSSL_OK);
    connect_both(client, server, NULL, NULL);
    OPENSSL_free(own.data);
}

static pyossl_answer staple(pyossl_conn *conn, pyossl_buf *response, void *userdata)
{
    const made *in = userdata;

    (void)conn;
    return pyossl_buf_set(response, in->data, in->len) == PYOSSL_OK ? PYOSSL_ANSWER_ACCEPT
                                                                    : PYOSSL_ANSWER_DECLINE;
}

static pyossl_answer look_at(pyossl_conn *conn, const unsigned char *response, size_t len,
                             void *userdata)
{
    const made *in = userdata;

    (void)conn;
    (void)response;
    return len == in->len ? PYOSSL_ANSWER_ACCEPT : PYOSSL_ANSWER_DECLINE;
}

void meet_response(const made *in)
{
    made own = made_names(1);
    pyossl_ctx *client = context(NULL), *server = context(&own);
    void *userdata = (void *)in;

    CHECK(pyossl_ctx_set_ocsp_client(client, look_at, userdata, NULL) == PYOSSL_OK);
    CHECK(pyossl_ctx_set_ocsp_server(server, staple, userdata, NULL) == PYOSSL_OK);
    connect_both(client, server, NULL, NULL);
    OPENSSL_free(own.data);
}

/* Records of eight bytes, all there before the first is read. */
static void send_records(pyossl_conn *client, pyossl_conn *server, const made *in)
{
    unsigned char bytes[8];
    size_t done;

    for (size_t i = 0; i + 8 <= in->len; i += 8)
        CHECK(pyossl_conn_write(client, in->data + i, 8, &done) == PYOSSL_OK);
    (void)move(client, server);
    for (size_t i = 0; i + 8 <= in->len; i += 8)
        CHECK(pyossl_conn_read(server, bytes, sizeof bytes, &done) == PYOSSL_OK && done == 8);
}

void meet_records(const made *in)
{
    made own = made_names(1);

    connect_both(context(NULL), context(&own), send_records, in);
    OPENSSL_free(own.data);
}

/* Datagrams of 64 bytes that are none of DTLS, all there before they are looked at. */
void meet_datagrams(const made *in)
{
    pyossl_ctx *ctx = NULL;
    pyossl_conn *conn = NULL;
    size_t done;

    CHECK(pyossl_ctx_new(&ctx, PYOSSL_DTLS) == PYOSSL_OK);
    conn = endpoint(ctx, PYOSSL_SERVER);
    for (size_t i = 0; i + 64 <= in->len; i += 64)
        CHECK(pyossl_conn_feed(conn, in->data + i, 64, &done) == PYOSSL_OK);
    for (int i = 0; i < ROUNDS && pyossl_conn_handshake(conn) == PYOSSL_WANT_READ; i++)
        if (pyossl_conn_drainable(conn) == 0)
            break;
    pyossl_conn_unref(conn);
    pyossl_ctx_unref(ctx);
}
