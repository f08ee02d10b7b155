/* Each callback with each answer: who goes on, who is turned away, and what each side is told. */
#include "story.h"

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
        /* NA-244: one that says no is told from one that fails, which is an internal error. */
        assert_int_equal(result, answers[a].verify == PYOSSL_OK ? X509_V_OK
                                 : answers[a].answer == PYOSSL_ANSWER_DECLINE
                                     ? X509_V_ERR_APPLICATION_VERIFICATION
                                     : X509_V_ERR_UNSPECIFIED);
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
        ERR_clear_error(); /* OpenSSL's own way of working */
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
        cmocka_unit_test(test_na_050_info_and_keylog),
        cmocka_unit_test(test_info_of_no_one),
        cmocka_unit_test(test_na_053_callbacks_without_a_connection_refuse),
    };

    return cmocka_run_group_tests_name("callbacks", tests, NULL, NULL);
}
