/* Callbacks that note what they see and answer as they are told, for pairs of connections. */
#ifndef STORY_H
#define STORY_H

#include "test.h"

#include "pair.h"
#include "ssl/tls.h"

enum { OUT_OF_RANGE = 7, VERY_NEGATIVE = -1000 };

/* What a callback is to answer, and what it saw. */
typedef struct story {
    pyossl_answer answer;
    const char *bytes; /* what it answers with besides */
    size_t len;
    int times;
    pyossl_conn *conn;
    /* Seen. */
    char seen[512];
    size_t seen_len;
    pyossl_x509 *cert; /* kept */
    int error, depth, preverify;
    /* To do. */
    void (*act)(struct story *story);
    pyossl_ctx *ctx;
    int released;
} story;

static inline void note(story *self, pyossl_conn *conn, const void *bytes, size_t len)
{
    self->times++;
    self->conn = conn;
    if (len > sizeof self->seen)
        len = sizeof self->seen;
    if (len > 0)
        memcpy(self->seen, bytes, len);
    self->seen_len = len;
    if (self->act != NULL)
        self->act(self);
}

static inline void count_release(void *userdata)
{
    ((story *)userdata)->released++;
}

static inline pyossl_answer on_verify(pyossl_conn *conn, const pyossl_verify_event *event,
                                      void *userdata)
{
    story *self = userdata;

    assert_int_equal(event->size, sizeof *event);
    assert_non_null(event->cert);
    pyossl_x509_unref(self->cert);
    self->cert = pyossl_x509_ref(event->cert);
    self->error = event->error;
    self->depth = event->depth;
    self->preverify = event->preverify;
    note(self, conn, NULL, 0);
    return self->answer;
}

static inline pyossl_answer on_servername(pyossl_conn *conn, void *userdata)
{
    story *self = userdata;
    const char *name = pyossl_conn_servername(conn);

    note(self, conn, name, name != NULL ? strlen(name) : 0);
    return self->answer;
}

static inline pyossl_answer on_alpn(pyossl_conn *conn, const unsigned char *offered,
                                    size_t offered_len, unsigned char *selected,
                                    size_t *selected_len, void *userdata)
{
    story *self = userdata;

    note(self, conn, offered, offered_len);
    memcpy(selected, self->bytes, self->len <= 255 ? self->len : 255);
    *selected_len = self->len;
    return self->answer;
}

static inline pyossl_answer on_bytes(pyossl_conn *conn, pyossl_buf *out, void *userdata)
{
    story *self = userdata;

    note(self, conn, NULL, 0);
    assert_ok(pyossl_buf_set(out, self->bytes, self->len));
    return self->answer;
}

static inline pyossl_answer on_response(pyossl_conn *conn, const unsigned char *response,
                                        size_t len, void *userdata)
{
    story *self = userdata;

    note(self, conn, response, len);
    return self->answer;
}

static inline pyossl_answer on_cookie_generate(pyossl_conn *conn, unsigned char *cookie, size_t cap,
                                               size_t *len, void *userdata)
{
    story *self = userdata;

    assert_int_equal(cap, PYOSSL_COOKIE_MAX);
    memcpy(cookie, self->bytes, self->len < cap ? self->len : cap);
    *len = self->len;
    note(self, conn, NULL, 0);
    return self->answer;
}

static inline void on_info(pyossl_conn *conn, int where, int ret, void *userdata)
{
    story *self = userdata;

    (void)ret;
    note(self, conn, NULL, 0);
    if ((where & SSL_CB_HANDSHAKE_DONE) != 0)
        self->error++;
}

static inline void on_keylog(pyossl_conn *conn, const char *line, void *userdata)
{
    note(userdata, conn, line, strlen(line));
}

/* The peer of the side that failed has been told, or at least has not finished. */
static inline void assert_turned_away(pair *both, pyossl_conn *failed)
{
    pyossl_conn *peer = failed == both->client ? both->server : both->client;
    unsigned char byte;
    size_t done;

    pair_move(both);
    assert_status(pyossl_conn_handshake(peer), PYOSSL_E_OPENSSL);
    /* Nor does the side that refused change its mind. */
    assert_int_not_equal(pyossl_conn_handshake(failed), PYOSSL_OK);
    assert_int_not_equal(pyossl_conn_read(failed, &byte, 1, &done), PYOSSL_OK);
    assert_int_equal(pyossl_conn_established(failed), 0);
}

/* Shake hands; @status is what @side, which has the callback, gets to see. */
static inline void assert_outcome(pair *both, bool on_server, pyossl_status status)
{
    pyossl_status client, server;
    pyossl_conn *side = on_server ? both->server : both->client;

    (void)pair_handshake_both(both, &client, &server);
    assert_status(on_server ? server : client, status);
    assert_int_equal(ERR_peek_error(), 0);
    if (status != PYOSSL_OK)
        assert_turned_away(both, side);
    else
        assert_int_equal(pyossl_conn_established(side), 1);
}

static const int versions[] = { PAIR_TLS1_2, PAIR_TLS1_3 };

static const struct {
    int answer;
    pyossl_status verify; /* what becomes of verification */
    pyossl_status choice; /* what becomes of a choice */
} answers[] = {
    { PYOSSL_ANSWER_ACCEPT, PYOSSL_OK, PYOSSL_OK },
    { PYOSSL_ANSWER_DECLINE, PYOSSL_E_VERIFY, PYOSSL_OK },
    { PYOSSL_ANSWER_ABORT, PYOSSL_E_CALLBACK, PYOSSL_E_CALLBACK },
    { OUT_OF_RANGE, PYOSSL_E_CALLBACK, PYOSSL_E_CALLBACK },
    { VERY_NEGATIVE, PYOSSL_E_CALLBACK, PYOSSL_E_CALLBACK },
};

/* For every version and every answer. */
#define FOR_ALL(v, a)                                                                              \
    for (size_t v = 0; v < OSL_COUNT_OF(versions); v++)                                            \
        for (size_t a = 0; a < OSL_COUNT_OF(answers); a++)

#endif
