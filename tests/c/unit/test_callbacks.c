/* Each callback with each answer: who goes on, who is turned away, and what each side is told. */
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

static void note(story *self, pyossl_conn *conn, const void *bytes, size_t len)
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

static void count_release(void *userdata)
{
    ((story *)userdata)->released++;
}

/* ---- the callbacks ---- */

static pyossl_answer on_verify(pyossl_conn *conn, const pyossl_verify_event *event, void *userdata)
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

static pyossl_answer on_servername(pyossl_conn *conn, void *userdata)
{
    story *self = userdata;
    const char *name = pyossl_conn_servername(conn);

    note(self, conn, name, name != NULL ? strlen(name) : 0);
    return self->answer;
}

static pyossl_answer on_alpn(pyossl_conn *conn, const unsigned char *offered, size_t offered_len,
                             unsigned char *selected, size_t *selected_len, void *userdata)
{
    story *self = userdata;

    note(self, conn, offered, offered_len);
    memcpy(selected, self->bytes, self->len <= 255 ? self->len : 255);
    *selected_len = self->len;
    return self->answer;
}

static pyossl_answer on_bytes(pyossl_conn *conn, pyossl_buf *out, void *userdata)
{
    story *self = userdata;

    note(self, conn, NULL, 0);
    assert_ok(pyossl_buf_set(out, self->bytes, self->len));
    return self->answer;
}

static pyossl_answer on_response(pyossl_conn *conn, const unsigned char *response, size_t len,
                                 void *userdata)
{
    story *self = userdata;

    note(self, conn, response, len);
    return self->answer;
}

static pyossl_answer on_cookie_generate(pyossl_conn *conn, unsigned char *cookie, size_t cap,
                                        size_t *len, void *userdata)
{
    story *self = userdata;

    assert_int_equal(cap, PYOSSL_COOKIE_MAX);
    memcpy(cookie, self->bytes, self->len < cap ? self->len : cap);
    *len = self->len;
    note(self, conn, NULL, 0);
    return self->answer;
}

static void on_info(pyossl_conn *conn, int where, int ret, void *userdata)
{
    story *self = userdata;

    (void)ret;
    note(self, conn, NULL, 0);
    if ((where & SSL_CB_HANDSHAKE_DONE) != 0)
        self->error++;
}

static void on_keylog(pyossl_conn *conn, const char *line, void *userdata)
{
    note(userdata, conn, line, strlen(line));
}

/* ---- how it ends ---- */

/* The peer of the side that failed has been told, or at least has not finished. */
static void assert_turned_away(pair *both, pyossl_conn *failed)
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
static void assert_outcome(pair *both, bool on_server, pyossl_status status)
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

/* ---- verification ---- */

static void test_na_060_verify_on_clients(void **state)
{
    (void)state;
    FOR_ALL(v, a)
    {
        story self = { .answer = (pyossl_answer)answers[a].answer };
        long result;
        pair both;

        pair_contexts(&both, versions[v]);
        assert_ok(pyossl_ctx_set_verify(both.client_ctx, PYOSSL_VERIFY_PEER, on_verify, &self,
                                        count_release));
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_outcome(&both, false, answers[a].verify);
        assert_ptr_equal(self.conn, both.client);
        /* Three certificates, from the root down; the first refusal ends it. */
        assert_int_equal(self.times, answers[a].verify == PYOSSL_OK ? 3 : 1);
        assert_int_equal(self.depth, answers[a].verify == PYOSSL_OK ? 0 : 2);
        assert_int_equal(self.error, X509_V_OK);
        assert_int_equal(self.preverify, 1);
        result = pyossl_conn_verify_result(both.client);
        assert_int_equal(result, answers[a].verify == PYOSSL_OK
                                     ? X509_V_OK
                                     : X509_V_ERR_APPLICATION_VERIFICATION);
        pair_free(&both);
        assert_int_equal(self.released, 1);
        /* NA-051: what the callback kept is still whole. */
        assert_true(pyossl_x509_ext_count(self.cert) > 0);
        pyossl_x509_unref(self.cert);
    }
}

static void test_na_060_verify_overrules_openssl(void **state)
{
    (void)state;
    FOR_ALL(v, a)
    {
        story self = { .answer = (pyossl_answer)answers[a].answer };
        pair both;

        pair_contexts(&both, versions[v]);
        assert_ok(
            pyossl_ctx_set_verify(both.client_ctx, PYOSSL_VERIFY_PEER, on_verify, &self, NULL));
        assert_ok(pyossl_ctx_set_verify_hostname(both.client_ctx, "other.test", 10, 0));
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_outcome(&both, false, answers[a].verify);
        if (answers[a].verify == PYOSSL_OK)
            assert_int_equal(pyossl_conn_verify_result(both.client), X509_V_OK);
        else
            assert_int_not_equal(pyossl_conn_verify_result(both.client), X509_V_OK);
        pair_free(&both);
        pyossl_x509_unref(self.cert);
    }
}

static void test_verify_on_servers(void **state)
{
    (void)state;
    for (size_t a = 0; a < OSL_COUNT_OF(answers); a++) {
        story self = { .answer = (pyossl_answer)answers[a].answer };
        pair both;

        /* Under TLS 1.3 the client has finished before. */
        pair_contexts(&both, PAIR_TLS1_2);
        assert_ok(pyossl_ctx_use_certificate_file(both.client_ctx, DATA("client.pem"), PYOSSL_PEM));
        assert_ok(pyossl_ctx_use_pkey_file(both.client_ctx, DATA("client-key.pem"), PYOSSL_PEM));
        /* Nobody trusts the client: ACCEPT has to overrule that. */
        assert_ok(
            pyossl_ctx_set_verify(both.server_ctx, PYOSSL_VERIFY_PEER, on_verify, &self, NULL));
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_outcome(&both, true, answers[a].verify);
        assert_ptr_equal(self.conn, both.server);
        pair_free(&both);
        pyossl_x509_unref(self.cert);
    }
}

static void test_na_048_verify_of_one_connection(void **state)
{
    (void)state;
    FOR_ALL(v, a)
    {
        story of_ctx = { .answer = PYOSSL_ANSWER_ABORT };
        story self = { .answer = (pyossl_answer)answers[a].answer };
        pair both;

        pair_contexts(&both, versions[v]);
        assert_ok(
            pyossl_ctx_set_verify(both.client_ctx, PYOSSL_VERIFY_PEER, on_verify, &of_ctx, NULL));
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_ok(pyossl_conn_set_verify(both.client, PYOSSL_VERIFY_PEER, on_verify, &self,
                                         count_release));
        assert_outcome(&both, false, answers[a].verify);
        assert_int_equal(of_ctx.times, 0);
        assert_ptr_equal(self.conn, both.client);
        pair_free(&both);
        assert_int_equal(self.released, 1);
        pyossl_x509_unref(self.cert);
    }
}

static void replace_verify(story *self)
{
    /* Neither may take away what is running. */
    assert_ok(pyossl_ctx_set_verify(self->ctx, PYOSSL_VERIFY_PEER, NULL, NULL, NULL));
    assert_int_equal(self->released, 0);
}

static void test_na_052_a_callback_may_replace_itself(void **state)
{
    story self = { .answer = PYOSSL_ANSWER_ACCEPT, .act = replace_verify };
    pair both;

    (void)state;
    pair_contexts(&both, PAIR_TLS1_3);
    self.ctx = both.client_ctx;
    assert_ok(pyossl_ctx_set_verify(both.client_ctx, PYOSSL_VERIFY_PEER, on_verify, &self,
                                    count_release));
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_outcome(&both, false, PYOSSL_OK);
    assert_int_equal(self.times, 3); /* this connection keeps it */
    pair_free(&both);
    assert_int_equal(self.released, 1);
    pyossl_x509_unref(self.cert);
}

/* ---- servername ---- */

static void test_na_045_na_046_servername(void **state)
{
    (void)state;
    FOR_ALL(v, a)
    {
        story self = { .answer = (pyossl_answer)answers[a].answer };
        story of_client = { .answer = PYOSSL_ANSWER_ABORT };
        pair both;

        pair_contexts(&both, versions[v]);
        assert_ok(pyossl_ctx_set_servername(both.server_ctx, on_servername, &self, NULL));
        /* OpenSSL asks clients too, which is none of our doing. */
        assert_ok(pyossl_ctx_set_servername(both.client_ctx, on_servername, &of_client, NULL));
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_ok(pyossl_conn_set_servername(both.client, "host.test", 9));
        assert_outcome(&both, true, answers[a].choice);
        assert_int_equal(self.times, 1);
        assert_int_equal(of_client.times, 0);
        assert_ptr_equal(self.conn, both.server);
        assert_int_equal(self.seen_len, 9);
        assert_memory_equal(self.seen, "host.test", 9);
        pair_free(&both);
    }
}

static void test_servername_without_a_name(void **state)
{
    story self = { .answer = PYOSSL_ANSWER_ACCEPT };
    pair both;

    (void)state;
    pair_contexts(&both, PAIR_TLS1_3);
    assert_ok(pyossl_ctx_set_servername(both.server_ctx, on_servername, &self, NULL));
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_outcome(&both, true, PYOSSL_OK);
    assert_int_equal(self.times, 1);
    assert_int_equal(self.seen_len, 0);
    pair_free(&both);
}

static void change_ctx(story *self)
{
    assert_ok(pyossl_conn_set_ctx(self->conn, self->ctx));
}

/* The certificate and the ALPN callback are those of the new context; its userdata stay apart. */
static void test_na_062_servername_may_change_the_context(void **state)
{
    (void)state;
    for (size_t v = 0; v < OSL_COUNT_OF(versions); v++) {
        story self = { .answer = PYOSSL_ANSWER_ACCEPT, .act = change_ctx };
        story old_alpn = { .answer = PYOSSL_ANSWER_ABORT, .bytes = "h2", .len = 2 };
        story new_alpn = { .answer = PYOSSL_ANSWER_ACCEPT, .bytes = "h2", .len = 2 };
        pyossl_x509 *seen = NULL;
        osl_auto_buf serial = PYOSSL_BUF_INIT, other = PYOSSL_BUF_INIT;
        const unsigned char *chosen;
        size_t len = 0;
        pair both, second;

        pair_contexts(&both, versions[v]);
        pair_contexts(&second, versions[v]);
        assert_ok(pyossl_ctx_set_servername(both.server_ctx, on_servername, &self, NULL));
        assert_ok(pyossl_ctx_set_alpn_select(both.server_ctx, on_alpn, &old_alpn, NULL));
        assert_ok(pyossl_ctx_set_alpn_select(second.server_ctx, on_alpn, &new_alpn, NULL));
        assert_ok(pyossl_ctx_set_alpn_protos(both.client_ctx, (const unsigned char *)"\2h2", 3));
        assert_ok(
            pyossl_ctx_use_certificate_file(second.server_ctx, DATA("server.pem"), PYOSSL_PEM));
        assert_ok(pyossl_ctx_use_pkey_file(second.server_ctx, DATA("rsa.pem"), PYOSSL_PEM));
        self.ctx = second.server_ctx;
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_ok(pyossl_conn_set_servername(both.client, "localhost", 9));
        assert_outcome(&both, true, PYOSSL_OK);
        assert_ptr_equal(pyossl_conn_ctx(both.server), second.server_ctx);
        assert_int_equal(old_alpn.times, 0);
        assert_int_equal(new_alpn.times, 1);
        chosen = pyossl_conn_alpn(both.client, &len);
        assert_int_equal(len, 2);
        assert_memory_equal(chosen, "h2", 2);
        assert_ok(pyossl_conn_peer_certificate(both.client, &seen));
        assert_ok(pyossl_x509_serial(seen, &serial));
        pyossl_x509_unref(seen);
        assert_ok(pyossl_conn_certificate(both.server, &seen));
        assert_ok(pyossl_x509_serial(seen, &other));
        pyossl_x509_unref(seen);
        assert_string_equal((char *)serial.data, (char *)other.data);
        pair_free(&both);
        pair_free(&second);
    }
}

/* ---- ALPN ---- */

static const char offered[] = "\2h2\10http/1.1";

static void test_na_058_alpn(void **state)
{
    (void)state;
    FOR_ALL(v, a)
    {
        story self = { .answer = (pyossl_answer)answers[a].answer, .bytes = "http/1.1", .len = 8 };
        size_t len = 99;
        pair both;

        pair_contexts(&both, versions[v]);
        assert_ok(pyossl_ctx_set_alpn_protos(both.client_ctx, (const unsigned char *)offered, 12));
        assert_ok(pyossl_ctx_set_alpn_select(both.server_ctx, on_alpn, &self, NULL));
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_outcome(&both, true, answers[a].choice);
        assert_ptr_equal(self.conn, both.server);
        assert_int_equal(self.seen_len, 12);
        assert_memory_equal(self.seen, offered, 12);
        if (answers[a].answer == PYOSSL_ANSWER_ACCEPT) {
            assert_memory_equal(pyossl_conn_alpn(both.client, &len), "http/1.1", 8);
            assert_int_equal(len, 8);
            assert_memory_equal(pyossl_conn_alpn(both.server, &len), "http/1.1", 8);
            assert_int_equal(len, 8);
        } else {
            (void)pyossl_conn_alpn(both.client, &len);
            assert_int_equal(len, 0);
        }
        pair_free(&both);
    }
}

static void test_na_058_alpn_must_be_among_those_offered(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } rows[] = {
        { "spdy/2", 6 },  { "", 0 },          { "h", 1 },    { "h2\10http/1.1", 11 },
        { "http/1.", 7 }, { "HTTP/1.1", 8 },  { "h2", 256 }, { "h2", SIZE_MAX },
        { "\2h2", 3 },    { "http/1.1x", 9 }, { "\0", 1 },
    };

    (void)state;
    for (size_t v = 0; v < OSL_COUNT_OF(versions); v++) {
        for (size_t i = 0; i < OSL_COUNT_OF(rows); i++) {
            static char room[512];
            story self = { .answer = PYOSSL_ANSWER_ACCEPT, .bytes = room, .len = rows[i].len };
            pair both;

            memcpy(room, rows[i].bytes, rows[i].len < 64 ? rows[i].len : 2);
            pair_contexts(&both, versions[v]);
            assert_ok(
                pyossl_ctx_set_alpn_protos(both.client_ctx, (const unsigned char *)offered, 12));
            assert_ok(pyossl_ctx_set_alpn_select(both.server_ctx, on_alpn, &self, NULL));
            pair_connect(&both, PAIR_MEMORY, 0);
            assert_outcome(&both, true, PYOSSL_E_OPENSSL);
            pair_free(&both);
        }
    }
}

static void test_alpn_is_not_asked_where_nothing_is_offered(void **state)
{
    story self = { .answer = PYOSSL_ANSWER_ABORT };
    pair both;

    (void)state;
    pair_contexts(&both, PAIR_TLS1_3);
    assert_ok(pyossl_ctx_set_alpn_select(both.server_ctx, on_alpn, &self, NULL));
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_outcome(&both, true, PYOSSL_OK);
    assert_int_equal(self.times, 0);
    pair_free(&both);
}

/* ---- NPN ---- */

#if !defined(OPENSSL_NO_NEXTPROTONEG)
static void npn_contexts(pair *both, story *server, story *client)
{
    pair_contexts(both, PAIR_TLS1_2);
    assert_ok(pyossl_ctx_set_npn_advertise(both->server_ctx, on_bytes, server, NULL));
    assert_ok(pyossl_ctx_set_npn_select(both->client_ctx, on_alpn, client, NULL));
    pair_connect(both, PAIR_MEMORY, 0);
}

static void test_npn_advertise(void **state)
{
    (void)state;
    for (size_t a = 0; a < OSL_COUNT_OF(answers); a++) {
        story server = { .answer = (pyossl_answer)answers[a].answer, .bytes = offered, .len = 12 };
        story client = { .answer = PYOSSL_ANSWER_ACCEPT, .bytes = "h2", .len = 2 };
        size_t len = 0;
        pair both;

        npn_contexts(&both, &server, &client);
        assert_outcome(&both, true, answers[a].choice);
        assert_ptr_equal(server.conn, both.server);
        if (answers[a].answer == PYOSSL_ANSWER_ACCEPT) {
            assert_ptr_equal(client.conn, both.client);
            assert_int_equal(client.seen_len, 12);
            assert_memory_equal(client.seen, offered, 12);
            assert_memory_equal(pyossl_conn_npn(both.server, &len), "h2", 2);
            assert_int_equal(len, 2);
        } else {
            assert_int_equal(client.times, 0);
        }
        pair_free(&both);
    }
}

static void test_npn_select(void **state)
{
    (void)state;
    for (size_t a = 0; a < OSL_COUNT_OF(answers); a++) {
        story server = { .answer = PYOSSL_ANSWER_ACCEPT, .bytes = offered, .len = 12 };
        story client = { .answer = (pyossl_answer)answers[a].answer, .bytes = "own", .len = 3 };
        size_t len = 0;
        pair both;

        npn_contexts(&both, &server, &client);
        /* A client has to choose: one of its own will do, none will not. */
        assert_outcome(&both, false,
                       answers[a].answer == PYOSSL_ANSWER_DECLINE ? PYOSSL_E_OPENSSL
                                                                  : answers[a].choice);
        if (answers[a].answer == PYOSSL_ANSWER_ACCEPT) {
            assert_memory_equal(pyossl_conn_npn(both.client, &len), "own", 3);
            assert_int_equal(len, 3);
        }
        pair_free(&both);
    }
}

static void test_na_058_npn_lists(void **state)
{
    static char room[65536];
    static const struct {
        const char *protos;
        size_t protos_len;
        size_t selected_len;
        pyossl_status server, client;
    } rows[] = {
        { "", 0, 2, PYOSSL_OK, PYOSSL_OK },
        { "\0", 1, 2, PYOSSL_E_OPENSSL, PYOSSL_OK },
        { "\3h2", 3, 2, PYOSSL_E_OPENSSL, PYOSSL_OK },
        { room, 65536, 2, PYOSSL_E_OPENSSL, PYOSSL_OK },
        { offered, 12, 0, PYOSSL_OK, PYOSSL_E_OPENSSL },
        { offered, 12, 256, PYOSSL_OK, PYOSSL_E_OPENSSL },
        { offered, 12, 255, PYOSSL_OK, PYOSSL_OK },
    };

    (void)state;
    memset(room, 'a', sizeof room);
    for (size_t i = 0; i < OSL_COUNT_OF(rows); i++) {
        story server = { .answer = PYOSSL_ANSWER_ACCEPT,
                         .bytes = rows[i].protos,
                         .len = rows[i].protos_len };
        story client = { .answer = PYOSSL_ANSWER_ACCEPT,
                         .bytes = room,
                         .len = rows[i].selected_len };
        pair both;

        npn_contexts(&both, &server, &client);
        assert_outcome(&both, rows[i].server != PYOSSL_OK,
                       rows[i].server != PYOSSL_OK ? rows[i].server : rows[i].client);
        pair_free(&both);
    }
}
#endif

/* ---- OCSP ---- */

static void test_na_059_ocsp_on_servers(void **state)
{
    (void)state;
    FOR_ALL(v, a)
    {
        story server = { .answer = (pyossl_answer)answers[a].answer, .bytes = "staple", .len = 6 };
        story client = { .answer = PYOSSL_ANSWER_ACCEPT };
        pair both;

        pair_contexts(&both, versions[v]);
        assert_ok(pyossl_ctx_set_ocsp_server(both.server_ctx, on_bytes, &server, NULL));
        assert_ok(pyossl_ctx_set_ocsp_client(both.client_ctx, on_response, &client, NULL));
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_ok(pyossl_conn_request_ocsp(both.client));
        assert_outcome(&both, true, answers[a].choice);
        assert_ptr_equal(server.conn, both.server);
        if (answers[a].choice == PYOSSL_OK) {
            const bool stapled = answers[a].answer == PYOSSL_ANSWER_ACCEPT;

            assert_int_equal(client.times, 1);
            assert_ptr_equal(client.conn, both.client);
            assert_int_equal(client.seen_len, stapled ? 6 : 0);
            assert_memory_equal(client.seen, "staple", client.seen_len);
        }
        pair_free(&both);
    }
}

static void test_ocsp_on_clients(void **state)
{
    (void)state;
    FOR_ALL(v, a)
    {
        story server = { .answer = PYOSSL_ANSWER_ACCEPT, .bytes = "staple", .len = 6 };
        story client = { .answer = (pyossl_answer)answers[a].answer };
        pyossl_status status = answers[a].choice;
        pair both;

        pair_contexts(&both, versions[v]);
        /* Both on one context, as OpenSSL has one place for them. */
        assert_ok(pyossl_ctx_set_ocsp_server(both.client_ctx, on_bytes, &server, NULL));
        assert_ok(pyossl_ctx_set_ocsp_client(both.client_ctx, on_response, &client, NULL));
        assert_ok(pyossl_ctx_set_ocsp_server(both.server_ctx, on_bytes, &server, NULL));
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_ok(pyossl_conn_request_ocsp(both.client));
        if (answers[a].answer == PYOSSL_ANSWER_DECLINE)
            status = PYOSSL_E_OPENSSL;
        assert_outcome(&both, false, status);
        assert_int_equal(client.times, 1);
        pair_free(&both);
    }
}

static void test_ocsp_is_asked_on_request_alone(void **state)
{
    story server = { .answer = PYOSSL_ANSWER_ABORT }, client = { .answer = PYOSSL_ANSWER_ABORT };
    pair both;

    (void)state;
    pair_contexts(&both, PAIR_TLS1_3);
    assert_ok(pyossl_ctx_set_ocsp_server(both.server_ctx, on_bytes, &server, NULL));
    assert_ok(pyossl_ctx_set_ocsp_client(both.client_ctx, on_response, &client, NULL));
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_outcome(&both, true, PYOSSL_OK);
    assert_int_equal(server.times + client.times, 0);
    pair_free(&both);
}

static void test_na_059_sizes_of_responses(void **state)
{
    static const size_t sizes[] = { 0, 1, 100000, (size_t)1 << 24, ((size_t)1 << 24) + 1 };
    char *room = OPENSSL_zalloc(sizes[4]);

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(sizes); i++) {
        story server = { .answer = PYOSSL_ANSWER_ACCEPT, .bytes = room, .len = sizes[i] };
        story client = { .answer = PYOSSL_ANSWER_ACCEPT };
        pair both;

        pair_contexts(&both, PAIR_TLS1_2);
        assert_ok(pyossl_ctx_set_ocsp_server(both.server_ctx, on_bytes, &server, NULL));
        assert_ok(pyossl_ctx_set_ocsp_client(both.client_ctx, on_response, &client, NULL));
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_ok(pyossl_conn_request_ocsp(both.client));
        if (sizes[i] >= (size_t)1 << 24) {
            assert_outcome(&both, true, PYOSSL_E_OPENSSL);
        } else if (sizes[i] > 16384) {
            /* The client's limit for this message, not ours. */
            (void)pair_handshake(&both);
        } else {
            assert_outcome(&both, true, PYOSSL_OK);
            assert_int_equal(client.seen_len, sizes[i]);
        }
        pair_free(&both);
    }
    OPENSSL_free(room);
}

/* ---- cookies ---- */

/* Take the handshake of a DTLS client up to where @server has answered or failed. */
static pyossl_status listen_once(pair *both)
{
    pyossl_status status = pyossl_conn_handshake(both->client);

    assert_true(pyossl_is_retry(status));
    pair_move(both);
    return pyossl_conn_dtls_listen(both->server);
}

static void cookie_contexts(pair *both, story *generate, story *verify)
{
    pair_contexts(both, PAIR_DTLS1_2);
    if (generate != NULL)
        assert_ok(
            pyossl_ctx_set_cookie_generate(both->server_ctx, on_cookie_generate, generate, NULL));
    if (verify != NULL)
        assert_ok(pyossl_ctx_set_cookie_verify(both->server_ctx, on_response, verify, NULL));
    pair_connect(both, PAIR_MEMORY, 0);
}

static void test_na_054_cookie_generate(void **state)
{
    static char room[300];
    static const struct {
        int answer;
        size_t len;
        pyossl_status status;
    } rows[] = {
        { PYOSSL_ANSWER_ACCEPT, 1, PYOSSL_WANT_READ },
        { PYOSSL_ANSWER_ACCEPT, 254, PYOSSL_WANT_READ },
        { PYOSSL_ANSWER_ACCEPT, 255, PYOSSL_WANT_READ },
        { PYOSSL_ANSWER_ACCEPT, 256, PYOSSL_E_OPENSSL },
        { PYOSSL_ANSWER_ACCEPT, 257, PYOSSL_E_OPENSSL },
        { PYOSSL_ANSWER_ACCEPT, 65536, PYOSSL_E_OPENSSL },
        { PYOSSL_ANSWER_ACCEPT, SIZE_MAX, PYOSSL_E_OPENSSL },
        { PYOSSL_ANSWER_DECLINE, 8, PYOSSL_E_OPENSSL },
        { PYOSSL_ANSWER_ABORT, 8, PYOSSL_E_CALLBACK },
        { OUT_OF_RANGE, 8, PYOSSL_E_CALLBACK },
        { VERY_NEGATIVE, 8, PYOSSL_E_CALLBACK },
    };

    (void)state;
    memset(room, 'c', sizeof room);
    for (size_t i = 0; i < OSL_COUNT_OF(rows); i++) {
        story generate = { .answer = (pyossl_answer)rows[i].answer,
                           .bytes = room,
                           .len = rows[i].len };
        story verify = { .answer = PYOSSL_ANSWER_ACCEPT };
        pair both;

        cookie_contexts(&both, &generate, &verify);
        assert_status(listen_once(&both), rows[i].status);
        assert_int_equal(generate.times, 1);
        assert_ptr_equal(generate.conn, both.server);
        if (rows[i].status == PYOSSL_WANT_READ) {
            pair_move(&both);
            assert_status(listen_once(&both), PYOSSL_OK);
            assert_int_equal(verify.times, 1);
            assert_int_equal(verify.seen_len, rows[i].len);
            assert_memory_equal(verify.seen, room, rows[i].len);
        }
        pair_free(&both);
    }
}

static void test_na_055_cookie_verify(void **state)
{
    static const struct {
        int answer;
        pyossl_status status;
    } rows[] = {
        { PYOSSL_ANSWER_ACCEPT, PYOSSL_OK },        { PYOSSL_ANSWER_DECLINE, PYOSSL_WANT_READ },
        { PYOSSL_ANSWER_ABORT, PYOSSL_E_CALLBACK }, { OUT_OF_RANGE, PYOSSL_E_CALLBACK },
        { VERY_NEGATIVE, PYOSSL_E_CALLBACK },
    };

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(rows); i++) {
        story generate = { .answer = PYOSSL_ANSWER_ACCEPT, .bytes = "cookie", .len = 6 };
        story verify = { .answer = (pyossl_answer)rows[i].answer };
        pair both;

        cookie_contexts(&both, &generate, &verify);
        assert_status(listen_once(&both), PYOSSL_WANT_READ);
        pair_move(&both);
        assert_status(listen_once(&both), rows[i].status);
        assert_ptr_equal(verify.conn, both.server);
        assert_memory_equal(verify.seen, "cookie", 6);
        if (rows[i].status == PYOSSL_OK)
            assert_ok(pair_handshake(&both));
        pair_free(&both);
    }
}

/* ---- being told ---- */

static void test_na_050_info_and_keylog(void **state)
{
    (void)state;
    for (size_t v = 0; v < OSL_COUNT_OF(versions); v++) {
        story info = { .times = 0 }, own = { .times = 0 }, log = { .times = 0 };
        pair both;

        pair_contexts(&both, versions[v]);
        assert_ok(pyossl_ctx_set_info(both.client_ctx, on_info, &info, NULL));
        assert_ok(pyossl_ctx_set_info(both.server_ctx, on_info, &info, NULL));
        assert_ok(pyossl_ctx_set_keylog(both.client_ctx, on_keylog, &log, NULL));
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_ok(pyossl_conn_set_info(both.server, on_info, &own, NULL));
        assert_ok(pair_handshake(&both));
        assert_ptr_equal(info.conn, both.client);
        assert_int_equal(info.error, 1);
        assert_ptr_equal(own.conn, both.server);
        assert_true(own.error >= 1);
        assert_ptr_equal(log.conn, both.client);
        assert_true(log.times >= 1 && log.seen_len > 64);
        assert_null(memchr(log.seen, '\n', log.seen_len));
        pair_free(&both);
    }
}

static void test_info_of_no_one(void **state)
{
    story info = { .times = 0 };
    pair both;

    (void)state;
    pair_contexts(&both, PAIR_TLS1_3);
    assert_ok(pyossl_ctx_set_info(both.client_ctx, on_info, &info, NULL));
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_ok(pyossl_conn_set_info(both.client, NULL, NULL, NULL));
    assert_ok(pair_handshake(&both));
    assert_int_equal(info.times, 0);
    pair_free(&both);
}

/* ---- an SSL that is no connection of ours ---- */

static void drive(SSL *ssl, pair *both, int *result)
{
    unsigned char buf[8192];
    size_t done;
    int len;

    for (int i = 0; i < 10; i++) {
        *result = SSL_do_handshake(ssl);
        while ((len = BIO_read(SSL_get_wbio(ssl), buf, sizeof buf)) > 0)
            assert_ok(pyossl_conn_feed(both->client, buf, (size_t)len, &done));
        (void)!pyossl_conn_handshake(both->client);
        while (pyossl_conn_drain(both->client, buf, sizeof buf, &done) == PYOSSL_OK)
            assert_int_equal(BIO_write(SSL_get_rbio(ssl), buf, (int)done), done);
    }
    ERR_clear_error();
}

/* Whoever makes an SSL by OpenSSL's own means cannot be asked: everything is refused. */
static void test_na_053_callbacks_without_a_connection_refuse(void **state)
{
    (void)state;
    for (int which = 0; which < 5; which++) {
        story self = { .answer = PYOSSL_ANSWER_ACCEPT, .bytes = "h2", .len = 2 };
        int result = 0;
        pair both;
        SSL *ssl;

        pair_contexts(&both, PAIR_TLS1_2);
        assert_ok(pyossl_ctx_set_alpn_protos(both.client_ctx, (const unsigned char *)"\2h2", 3));
        assert_ok(pyossl_ctx_use_certificate_file(both.client_ctx, DATA("client.pem"), PYOSSL_PEM));
        assert_ok(pyossl_ctx_use_pkey_file(both.client_ctx, DATA("client-key.pem"), PYOSSL_PEM));
        assert_ok(pyossl_ctx_set_info(both.server_ctx, on_info, &self, NULL));
        assert_ok(pyossl_ctx_set_keylog(both.server_ctx, on_keylog, &self, NULL));
        if (which == 1)
            assert_ok(
                pyossl_ctx_set_verify(both.server_ctx, PYOSSL_VERIFY_PEER, on_verify, &self, NULL));
        if (which == 2)
            assert_ok(pyossl_ctx_set_servername(both.server_ctx, on_servername, &self, NULL));
        if (which == 3)
            assert_ok(pyossl_ctx_set_alpn_select(both.server_ctx, on_alpn, &self, NULL));
        if (which == 4)
            assert_ok(pyossl_ctx_set_ocsp_server(both.server_ctx, on_bytes, &self, NULL));
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_ok(pyossl_conn_request_ocsp(both.client));
        ssl = SSL_new(both.server->generation->ssl_ctx);
        assert_non_null(ssl);
        SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        SSL_set_accept_state(ssl);
        drive(ssl, &both, &result);
        assert_int_equal(result == 1, which == 0);
        assert_int_equal(self.times, 0);
        SSL_free(ssl);
        pair_free(&both);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_060_verify_on_clients),
        cmocka_unit_test(test_na_060_verify_overrules_openssl),
        cmocka_unit_test(test_verify_on_servers),
        cmocka_unit_test(test_na_048_verify_of_one_connection),
        cmocka_unit_test(test_na_052_a_callback_may_replace_itself),
        cmocka_unit_test(test_na_045_na_046_servername),
        cmocka_unit_test(test_servername_without_a_name),
        cmocka_unit_test(test_na_062_servername_may_change_the_context),
        cmocka_unit_test(test_na_058_alpn),
        cmocka_unit_test(test_na_058_alpn_must_be_among_those_offered),
        cmocka_unit_test(test_alpn_is_not_asked_where_nothing_is_offered),
#if !defined(OPENSSL_NO_NEXTPROTONEG)
        cmocka_unit_test(test_npn_advertise),
        cmocka_unit_test(test_npn_select),
        cmocka_unit_test(test_na_058_npn_lists),
#endif
        cmocka_unit_test(test_na_059_ocsp_on_servers),
        cmocka_unit_test(test_ocsp_on_clients),
        cmocka_unit_test(test_ocsp_is_asked_on_request_alone),
        cmocka_unit_test(test_na_059_sizes_of_responses),
        cmocka_unit_test(test_na_054_cookie_generate),
        cmocka_unit_test(test_na_055_cookie_verify),
        cmocka_unit_test(test_na_050_info_and_keylog),
        cmocka_unit_test(test_info_of_no_one),
        cmocka_unit_test(test_na_053_callbacks_without_a_connection_refuse),
    };

    return cmocka_run_group_tests_name("callbacks", tests, NULL, NULL);
}
