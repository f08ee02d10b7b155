/* Datagrams to a DTLS server that wants its cookie back. */
#include "peers.h"

static pyossl_answer make_cookie(pyossl_conn *conn, unsigned char *cookie, size_t cap, size_t *len,
                                 void *userdata)
{
    (void)conn;
    (void)userdata;
    CHECK(cap >= 6);
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static pyossl_ctx *ctx;
    source from = { data, len };
    pyossl_status status = PYOSSL_WANT_READ;
    pyossl_conn *conn;
    size_t done;

    if (ctx == NULL) {
        ctx = peer_context(PYOSSL_DTLS);
        CHECK(checked(pyossl_ctx_set_cookie_generate(ctx, make_cookie, NULL, NULL)) == PYOSSL_OK);
        CHECK(checked(pyossl_ctx_set_cookie_verify(ctx, judge_cookie, NULL, NULL)) == PYOSSL_OK);
    }
    conn = peer_connection(ctx, PYOSSL_SERVER);
    CHECK(checked(pyossl_conn_set_mtu(conn, 1000)) == PYOSSL_OK);
    for (int i = 0; i < 8 && from.len > 0; i++) {
        size_t size;
        const uint8_t *datagram = take_bytes(&from, 255, &size);

        if (size == 0)
            continue;
        CHECK(checked(pyossl_conn_feed(conn, datagram, size, &done)) == PYOSSL_OK);
        if (status != PYOSSL_OK)
            status = checked(pyossl_conn_dtls_listen(conn));
        else
            (void)!checked(pyossl_conn_handshake(conn));
        peer_discard(conn);
    }
    CHECK(!pyossl_conn_established(conn));
    pyossl_conn_unref(conn);
    return 0;
}
