/* The random numbers are replaced through calls that OpenSSL 3 has, but calls old. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "peers.h"

#include <openssl/rand.h>

static uint32_t state;

static int next_bytes(unsigned char *out, int len)
{
    for (int i = 0; i < len; i++) {
        state = state * 1664525 + 1013904223;
        out[i] = (unsigned char)(state >> 24);
    }
    return 1;
}

static int seeded(void)
{
    return 1;
}

static void same_numbers_every_run(void)
{
    static const RAND_METHOD method = { NULL, next_bytes, NULL, NULL, next_bytes, seeded };

    state = 1;
    CHECK(RAND_set_rand_method(&method) == 1);
}

static void make_identity(pyossl_pkey **key, pyossl_x509 **cert)
{
    pyossl_name *subject = NULL;

    CHECK(checked(pyossl_pkey_generate_ec(key, "prime256v1")) == PYOSSL_OK);
    CHECK(checked(pyossl_x509_new(cert)) == PYOSSL_OK);
    CHECK(checked(pyossl_x509_set_version(*cert, 2)) == PYOSSL_OK);
    CHECK(checked(pyossl_x509_set_serial(*cert, "01")) == PYOSSL_OK);
    CHECK(checked(pyossl_x509_subject(*cert, &subject)) == PYOSSL_OK);
    CHECK(checked(pyossl_name_set(subject, "CN", "fuzz", 4)) == PYOSSL_OK);
    CHECK(checked(pyossl_x509_set_issuer(*cert, subject)) == PYOSSL_OK);
    pyossl_name_unref(subject);
    CHECK(checked(pyossl_x509_set_not_before(*cert, "20200101000000Z", 15)) == PYOSSL_OK);
    CHECK(checked(pyossl_x509_set_not_after(*cert, "20990101000000Z", 15)) == PYOSSL_OK);
    CHECK(checked(pyossl_x509_set_pubkey(*cert, *key)) == PYOSSL_OK);
    CHECK(checked(pyossl_x509_sign(*cert, *key, "sha256")) == PYOSSL_OK);
}

static pyossl_answer any_servername(pyossl_conn *conn, void *userdata)
{
    (void)userdata;
    (void)pyossl_conn_servername(conn);
    return PYOSSL_ANSWER_ACCEPT;
}

static pyossl_answer first_protocol(pyossl_conn *conn, const unsigned char *offered, size_t len,
                                    unsigned char *selected, size_t *selected_len, void *userdata)
{
    (void)conn;
    (void)userdata;
    if (len == 0)
        return PYOSSL_ANSWER_DECLINE;
    CHECK(offered[0] > 0 && offered[0] < len);
    memcpy(selected, offered + 1, offered[0]);
    *selected_len = offered[0];
    return PYOSSL_ANSWER_ACCEPT;
}

static pyossl_answer refuse(pyossl_conn *conn, const pyossl_verify_event *event, void *userdata)
{
    pyossl_buf out = PYOSSL_BUF_INIT;

    (void)conn;
    (void)userdata;
    if (event->cert != NULL && pyossl_x509_dump(event->cert, PYOSSL_DER, &out) == PYOSSL_OK)
        pyossl_buf_clear(&out);
    return event->error == 0 ? PYOSSL_ANSWER_ACCEPT : PYOSSL_ANSWER_DECLINE;
}

pyossl_ctx *peer_context(int method)
{
    static const unsigned char protocols[] = "\x02"
                                             "h2"
                                             "\x08"
                                             "http/1.1";
    pyossl_ctx *ctx = NULL;
    pyossl_pkey *key = NULL;
    pyossl_x509 *cert = NULL;
    pyossl_store *trusted = NULL;

    same_numbers_every_run();
    make_identity(&key, &cert);
    CHECK(checked(pyossl_ctx_new(&ctx, method)) == PYOSSL_OK);
    CHECK(checked(pyossl_ctx_use_identity(ctx, cert, key, NULL, 0)) == PYOSSL_OK);
    CHECK(checked(pyossl_ctx_store(ctx, &trusted)) == PYOSSL_OK);
    CHECK(checked(pyossl_store_add_cert(trusted, cert)) == PYOSSL_OK);
    CHECK(checked(pyossl_ctx_set_verify(ctx, PYOSSL_VERIFY_PEER, refuse, NULL, NULL)) == PYOSSL_OK);
    CHECK(checked(pyossl_ctx_set_servername(ctx, any_servername, NULL, NULL)) == PYOSSL_OK);
    CHECK(checked(pyossl_ctx_set_alpn_select(ctx, first_protocol, NULL, NULL)) == PYOSSL_OK);
    CHECK(checked(pyossl_ctx_set_alpn_protos(ctx, protocols, sizeof protocols - 1)) == PYOSSL_OK);
    pyossl_store_unref(trusted);
    pyossl_pkey_unref(key);
    pyossl_x509_unref(cert);
    return ctx;
}

pyossl_conn *peer_connection(pyossl_ctx *ctx, pyossl_role role)
{
    pyossl_conn *conn = NULL;

    state = 1;
    CHECK(checked(pyossl_conn_new(&conn, ctx)) == PYOSSL_OK);
    CHECK(checked(pyossl_conn_use_memory(conn)) == PYOSSL_OK);
    CHECK(checked(pyossl_conn_set_role(conn, role)) == PYOSSL_OK);
    return conn;
}

void peer_discard(pyossl_conn *conn)
{
    unsigned char out[4096];
    size_t done;

    while (checked(pyossl_conn_drain(conn, out, sizeof out, &done)) == PYOSSL_OK)
        CHECK(done > 0 && done <= sizeof out);
}

void peer_drive(pyossl_conn *conn, source *from)
{
    unsigned char plain[512];
    pyossl_status status;
    size_t done;

    while (from->len > 0) {
        size_t len = from->len > 64 ? 1 + (from->data[0] * 16u) % from->len : from->len;

        CHECK(checked(pyossl_conn_feed(conn, from->data, len, &done)) == PYOSSL_OK && done == len);
        from->data += len;
        from->len -= len;
        status = checked(pyossl_conn_handshake(conn));
        if (status == PYOSSL_OK)
            status = checked(pyossl_conn_read(conn, plain, sizeof plain, &done));
        /* Without keys nobody can bring plaintext to the reader. */
        CHECK(status != PYOSSL_OK);
        peer_discard(conn);
        if (!pyossl_is_retry(status))
            break;
    }
    CHECK(checked(pyossl_conn_feed_eof(conn)) == PYOSSL_OK);
    status = checked(pyossl_conn_handshake(conn));
    CHECK(status != PYOSSL_OK && !pyossl_is_retry(status));
    CHECK(!pyossl_conn_established(conn));
}
