/*
 * A program gone wild: the input is a list of calls on two connections that talk
 * to each other, in any order. Whatever it does, bytes arrive in order or not at
 * all, and the library keeps its promises.
 */
#include "peers.h"

typedef struct side {
    pyossl_conn *conn;
    uint8_t sent, received; /* the next byte of a counting stream */
    size_t retry;           /* length of a write that has to be repeated */
} side;

/* Carry at most @max bytes of ciphertext from @a to @b. */
static void carry(side *a, side *b, size_t max)
{
    unsigned char bytes[600];
    size_t done, fed;

    if (max > sizeof bytes)
        max = sizeof bytes;
    if (max == 0 || checked(pyossl_conn_drain(a->conn, bytes, max, &done)) != PYOSSL_OK)
        return;
    (void)!checked(pyossl_conn_feed(b->conn, bytes, done, &fed));
}

static void write_some(side *self, size_t len)
{
    unsigned char bytes[256];
    pyossl_status status;
    size_t done;

    if (self->retry > len)
        len = self->retry;
    for (size_t i = 0; i < len; i++)
        bytes[i] = (unsigned char)(self->sent + i);
    status = checked(pyossl_conn_write(self->conn, bytes, len, &done));
    self->retry = pyossl_is_retry(status) ? len : 0;
    if (status == PYOSSL_OK) {
        CHECK(done <= len);
        self->sent = (uint8_t)(self->sent + done);
    }
}

static void read_some(side *self, size_t cap, int peek)
{
    unsigned char bytes[256];
    pyossl_status status;
    size_t done;

    status = checked(peek ? pyossl_conn_peek(self->conn, bytes, cap, &done)
                          : pyossl_conn_read(self->conn, bytes, cap, &done));
    if (status != PYOSSL_OK)
        return;
    CHECK(done <= cap);
    for (size_t i = 0; i < done; i++)
        CHECK(bytes[i] == (uint8_t)(self->received + i));
    if (!peek)
        self->received = (uint8_t)(self->received + done);
}

static void ask(pyossl_conn *conn)
{
    pyossl_buf out = PYOSSL_BUF_INIT;
    pyossl_x509 *cert = NULL;
    pyossl_session *session = NULL;

    (void)pyossl_conn_pending(conn);
    (void)pyossl_conn_protocol(conn);
    (void)pyossl_conn_cipher_name(conn);
    (void)pyossl_conn_group_name(conn);
    (void)pyossl_conn_state_string(conn);
    (void)pyossl_conn_cleartext_mtu(conn);
    (void)pyossl_conn_verify_result(conn);
    for (int which = PYOSSL_CLIENT_RANDOM; which <= PYOSSL_PEER_FINISHED; which++)
        if (checked(pyossl_conn_secret(conn, (pyossl_secret)which, &out)) == PYOSSL_OK)
            pyossl_buf_clear(&out);
    if (checked(pyossl_conn_export_keying_material(conn, "label", 5, NULL, 0, 32, &out)) ==
        PYOSSL_OK)
        pyossl_buf_clear(&out);
    if (checked(pyossl_conn_peer_certificate(conn, &cert)) == PYOSSL_OK)
        pyossl_x509_unref(cert);
    if (checked(pyossl_conn_session(conn, &session)) == PYOSSL_OK)
        pyossl_session_unref(session);
}

static void step(side *a, side *b, source *from)
{
    const uint8_t operation = take_byte(from);
    const size_t amount = take_byte(from);
    int complete;

    switch (operation % 16) {
    case 0:
    case 1:
        (void)!checked(pyossl_conn_handshake(a->conn));
        break;
    case 2:
    case 3:
        carry(a, b, amount * 2);
        break;
    case 4:
        write_some(a, amount);
        break;
    case 5:
        read_some(a, amount, 0);
        break;
    case 6:
        read_some(a, amount, 1);
        break;
    case 7:
        (void)!checked(pyossl_conn_shutdown(a->conn, &complete));
        break;
    case 8:
        ask(a->conn);
        break;
    case 9:
        (void)!checked(pyossl_conn_key_update(a->conn, (int)(amount & 1)));
        break;
    case 10:
        (void)!checked(pyossl_conn_renegotiate(a->conn));
        break;
    case 11:
        if (amount == 255)
            (void)!checked(pyossl_conn_feed_eof(a->conn));
        break;
    case 12:
        (void)!checked(pyossl_conn_set_options(a->conn, (uint64_t)1 << (amount % 40)));
        break;
    case 13:
        (void)!checked(pyossl_conn_verify_client_post_handshake(a->conn));
        break;
    case 14:
        (void)!checked(pyossl_conn_set_servername(a->conn, "host.example", 12));
        break;
    default:
        carry(a, b, 600);
        (void)!checked(pyossl_conn_handshake(b->conn));
        break;
    }
}

static pyossl_answer accept_all(pyossl_conn *conn, const pyossl_verify_event *event, void *userdata)
{
    (void)conn;
    (void)event;
    (void)userdata;
    return PYOSSL_ANSWER_ACCEPT;
}

/* A session to resume: a handshake with certificates costs more than all the rest of an input. */
static pyossl_session *make_session(pyossl_ctx *ctx)
{
    side client = { .conn = peer_connection(ctx, PYOSSL_CLIENT) };
    side server = { .conn = peer_connection(ctx, PYOSSL_SERVER) };
    pyossl_session *session = NULL;

    for (int i = 0; i < 20; i++) {
        (void)!checked(pyossl_conn_handshake(client.conn));
        carry(&client, &server, 600);
        (void)!checked(pyossl_conn_handshake(server.conn));
        carry(&server, &client, 600);
    }
    read_some(&client, 1, 0); /* takes the tickets in */
    CHECK(pyossl_conn_established(client.conn) && pyossl_conn_established(server.conn));
    CHECK(checked(pyossl_conn_session(client.conn, &session)) == PYOSSL_OK);
    CHECK(pyossl_session_resumable(session));
    CHECK(pyossl_conn_verify_result(client.conn) == 0);
    pyossl_conn_unref(client.conn);
    pyossl_conn_unref(server.conn);
    return session;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static pyossl_ctx *ctx;
    static pyossl_session *session;
    source from = { data, len };
    side client = { 0 }, server = { 0 };

    if (ctx == NULL) {
        ctx = peer_context(PYOSSL_TLS);
        CHECK(checked(pyossl_ctx_set_session_id(ctx, "fuzz", 4)) == PYOSSL_OK);
        CHECK(checked(pyossl_ctx_set_verify(ctx, PYOSSL_VERIFY_PEER, accept_all, NULL, NULL)) ==
              PYOSSL_OK);
        session = make_session(ctx);
    }
    client.conn = peer_connection(ctx, PYOSSL_CLIENT);
    server.conn = peer_connection(ctx, PYOSSL_SERVER);
    if (len > 0 && data[len - 1] % 8 != 0)
        CHECK(checked(pyossl_conn_set_session(client.conn, session)) == PYOSSL_OK);
    for (int i = 0; i < 80 && from.len > 0; i++) {
        if (*from.data & 0x80)
            step(&client, &server, &from);
        else
            step(&server, &client, &from);
    }
    pyossl_conn_unref(client.conn);
    pyossl_conn_unref(server.conn);
    return 0;
}
