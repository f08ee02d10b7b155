/* Callbacks that answer with bytes or judge some: ALPN, NPN, OCSP, cookies. */
#include "story.h"

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

/* An OCSPResponse (RFC 6960) that says no more than "unauthorized"; OpenSSL 4.0 sends none but
 * such. */
static const char unauthorized[] = { 0x30, 0x03, 0x0a, 0x01, 0x06 };

/* A successful one of @len bytes, at least 100000, most of which are zeros; the caller's. */
static char *long_response(size_t len)
{
    static const unsigned char successful[] = { 0x0a, 0x01, 0x00 };
    static const unsigned char basic[] = { 0x06, 0x09, 0x2b, 0x06, 0x01, 0x05,
                                           0x05, 0x07, 0x30, 0x01, 0x01 };
    static const unsigned char tags[] = { 0x30, 0xa0, 0x30, 0x04 };
    unsigned char *made = OPENSSL_zalloc(len), *at = made;

    assert_non_null(made);
    for (size_t i = 0; i < OSL_COUNT_OF(tags); i++) {
        const size_t rest = len - (size_t)(at - made) - 5;

        *at++ = tags[i];
        *at++ = 0x83;
        *at++ = (unsigned char)(rest >> 16);
        *at++ = (unsigned char)(rest >> 8);
        *at++ = (unsigned char)rest;
        if (tags[i] == 0x30) {
            const bool outer = i == 0;

            memcpy(at, outer ? successful : basic, outer ? sizeof successful : sizeof basic);
            at += outer ? sizeof successful : sizeof basic;
        }
    }
    return (char *)made;
}

static void test_na_059_ocsp_on_servers(void **state)
{
    (void)state;
    FOR_ALL(v, a)
    {
        story server = { .answer = (pyossl_answer)answers[a].answer,
                         .bytes = unauthorized,
                         .len = sizeof unauthorized };
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
            assert_int_equal(client.seen_len, stapled ? sizeof unauthorized : 0);
            assert_memory_equal(client.seen, unauthorized, client.seen_len);
        }
        pair_free(&both);
    }
}

static void test_ocsp_on_clients(void **state)
{
    (void)state;
    FOR_ALL(v, a)
    {
        story server = { .answer = PYOSSL_ANSWER_ACCEPT,
                         .bytes = unauthorized,
                         .len = sizeof unauthorized };
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
    static const size_t sizes[] = { 0, sizeof unauthorized, 100000, (size_t)1 << 24,
                                    ((size_t)1 << 24) + 1 };

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(sizes); i++) {
        char *room = sizes[i] > sizeof unauthorized
                         ? long_response(sizes[i])
                         : OPENSSL_memdup(unauthorized, sizeof unauthorized);
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
        OPENSSL_free(room);
    }
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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
    };

    return cmocka_run_group_tests_name("callbacks_data", tests, NULL, NULL);
}
