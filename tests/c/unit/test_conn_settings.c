/* What is asked of one connection alone. */
#include "pair.h"
#include "test.h"

#include "pyossl/callbacks.h"
#include "pyossl/info.h"
#include "pyossl/x509.h"
#include "ssl/tls.h"

static void test_settings_too_late(void **state)
{
    pair both;

    (void)state;
    pair_establish(&both, PAIR_TLS1_3, PAIR_MEMORY, 0);
    assert_fails(pyossl_conn_set_servername(both.client, "a", 1), PYOSSL_E_STATE);
    assert_fails(pyossl_conn_set_alpn_protos(both.client, NULL, 0), PYOSSL_E_STATE);
    assert_fails(pyossl_conn_set_verify_hostname(both.client, "a", 1, 0), PYOSSL_E_STATE);
    assert_fails(pyossl_conn_set_verify_ip(both.client, "::1", 3), PYOSSL_E_STATE);
    assert_fails(pyossl_conn_request_ocsp(both.client), PYOSSL_E_STATE);
    assert_fails(pyossl_conn_set_role(both.client, PYOSSL_CLIENT), PYOSSL_E_STATE);
    pair_free(&both);
}

static void test_na_117_server_names(void **state)
{
    char name[300];
    pair both;

    (void)state;
    memset(name, 'a', sizeof name);
    pair_contexts(&both, PAIR_TLS1_3);
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_ok(pyossl_conn_set_servername(both.client, name, 255));
    assert_int_equal(strlen(pyossl_conn_servername(both.client)), 255);
    assert_fails(pyossl_conn_set_servername(both.client, name, 256), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_conn_set_servername(both.client, name, sizeof name), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_conn_set_servername(both.client, "a\0b", 3), PYOSSL_E_ARGUMENT);
    assert_int_equal(strlen(pyossl_conn_servername(both.client)), 255);
    assert_ok(pyossl_conn_set_servername(both.client, "", 0));
    assert_null(pyossl_conn_servername(both.client));
    assert_ok(pyossl_conn_set_servername(both.client, "host.example", 12));
    assert_ok(pyossl_conn_set_servername(both.client, NULL, 0));
    assert_null(pyossl_conn_servername(both.client));
    /* An address is no name: none is sent, and that is no error. */
    assert_ok(pyossl_conn_set_servername(both.client, "127.0.0.1", 9));
    assert_null(pyossl_conn_servername(both.client));
    assert_ok(pyossl_conn_set_servername(both.client, "2001:db8::1", 11));
    assert_null(pyossl_conn_servername(both.client));
    assert_ok(pair_handshake(&both));
    assert_null(pyossl_conn_servername(both.server));
    pair_free(&both);
}

static void test_bad_settings(void **state)
{
    static const unsigned char protos[] = "\x02h2";
    pair both;

    (void)state;
    pair_contexts(&both, PAIR_TLS1_3);
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_fails(pyossl_conn_set_alpn_protos(both.client, protos, 2), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_conn_set_alpn_protos(both.client, (const unsigned char *)"", 1),
                 PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_conn_set_alpn_protos(both.client, NULL, 1), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_conn_set_alpn_protos(both.client, protos, 1u << 20), PYOSSL_E_ARGUMENT);
    assert_ok(pyossl_conn_set_alpn_protos(both.client, protos, 3));
    assert_ok(pyossl_conn_set_alpn_protos(both.client, NULL, 0));
    assert_fails(pyossl_conn_set_mtu(both.client, 1000), PYOSSL_E_STATE);
    assert_fails(pyossl_conn_set_mtu(both.client, 0), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_conn_set_verify(both.client, 16, NULL, NULL, NULL), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_conn_set_verify(both.client, -1, NULL, NULL, NULL), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_conn_set_verify_hostname(both.client, "", 0, 0), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_conn_set_verify_ip(both.client, "bogus", 5), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_conn_set_shutdown_state(both.client, 4), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_conn_set_shutdown_state(both.client, -1), PYOSSL_E_ARGUMENT);
    pair_free(&both);
}

/* ---- callbacks ---- */

static int released;

static void count_release(void *userdata)
{
    (void)userdata;
    released++;
}

static void told(pyossl_conn *conn, int where, int ret, void *userdata)
{
    (void)conn;
    (void)where;
    (void)ret;
    ++*(int *)userdata;
}

static pyossl_answer accept_all(pyossl_conn *conn, const pyossl_verify_event *event, void *userdata)
{
    (void)conn;
    (void)event;
    ++*(int *)userdata;
    return PYOSSL_ANSWER_ACCEPT;
}

static void test_own_callbacks(void **state)
{
    int by_ctx = 0, by_conn = 0, verified = 0, seen;
    pair both;

    (void)state;
    released = 0;
    pair_contexts(&both, PAIR_TLS1_3);
    assert_ok(pyossl_ctx_set_info(both.client_ctx, told, &by_ctx, NULL));
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_ok(pyossl_conn_set_info(both.client, told, &by_conn, count_release));
    assert_ok(pyossl_conn_set_verify(both.client, PYOSSL_VERIFY_PEER, accept_all, &verified,
                                     count_release));
    assert_ok(pair_handshake(&both));
    assert_int_equal(by_ctx, 0);
    assert_true(by_conn > 0);
    assert_true(verified > 0);
    assert_int_equal(released, 0);
    assert_ok(pyossl_conn_set_info(both.client, told, &by_conn, count_release));
    assert_int_equal(released, 1);
    assert_ok(pyossl_conn_set_info(both.client, NULL, NULL, NULL));
    assert_int_equal(released, 2);
    /* Without a callback the userdata is of no use from the start. */
    assert_ok(pyossl_conn_set_info(both.client, NULL, &by_conn, count_release));
    assert_int_equal(released, 3);
    seen = by_conn;
    pair_send(&both, both.client, both.server, "x", 1);
    assert_int_equal(by_conn, seen);
    assert_int_equal(by_ctx, 0);
    assert_fails(pyossl_conn_set_verify(both.client, 99, accept_all, &verified, count_release),
                 PYOSSL_E_ARGUMENT);
    assert_int_equal(released, 3);
    pair_free(&both);
    assert_int_equal(released, 4);
}

static pyossl_answer refuse(pyossl_conn *conn, const pyossl_verify_event *event, void *userdata)
{
    (void)conn;
    (void)event;
    (void)userdata;
    return PYOSSL_ANSWER_DECLINE;
}

/* The connection's NULL means the library's own judgement, not the context's callback. */
static void test_own_verify_without_callback(void **state)
{
    pair both;

    (void)state;
    pair_contexts(&both, PAIR_TLS1_3);
    assert_ok(pyossl_ctx_set_verify(both.client_ctx, PYOSSL_VERIFY_PEER, refuse, NULL, NULL));
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_status(pair_handshake(&both), PYOSSL_E_VERIFY);
    pair_disconnect(&both);
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_ok(pyossl_conn_set_verify(both.client, PYOSSL_VERIFY_PEER, NULL, NULL, NULL));
    assert_ok(pair_handshake(&both));
    pair_free(&both);
}

/* ---- certificates ---- */

static pyossl_x509 *load_cert(const char *path)
{
    osl_auto_buf pem = PYOSSL_BUF_INIT;
    pyossl_x509 *cert = NULL;

    assert_ok(osl_file_read(path, OSL_FILE_MAX, &pem));
    assert_ok(pyossl_x509_load(&cert, PYOSSL_PEM, pem.data, pem.len));
    return cert;
}

static pyossl_pkey *load_key(const char *path)
{
    osl_auto_buf pem = PYOSSL_BUF_INIT;
    pyossl_pkey *key = NULL;

    assert_ok(osl_file_read(path, OSL_FILE_MAX, &pem));
    assert_ok(pyossl_pkey_load_private(&key, PYOSSL_PEM, pem.data, pem.len, NULL));
    return key;
}

/* A public key signs nothing. */
static void test_own_key_is_private(void **state)
{
    osl_auto(pyossl_pkey) *half = NULL;
    osl_auto_buf pem = PYOSSL_BUF_INIT;
    pair both;

    (void)state;
    assert_ok(osl_file_read(DATA("rsa-public.pem"), OSL_FILE_MAX, &pem));
    assert_ok(pyossl_pkey_load_public(&half, PYOSSL_PEM, pem.data, pem.len));
    pair_contexts(&both, PAIR_TLS1_3);
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_fails(pyossl_conn_use_pkey(both.server, half), PYOSSL_E_STATE);
    assert_ok(pair_handshake(&both)); /* with the key of the context, as before */
    pair_free(&both);
}

static void test_own_certificate(void **state)
{
    osl_auto(pyossl_x509) *cert = load_cert(DATA("server.pem"));
    osl_auto(pyossl_pkey) *key = load_key(DATA("rsa.pem"));
    osl_auto(pyossl_pkey) *other = load_key(DATA("client-key.pem"));
    osl_auto(pyossl_x509) *got = NULL;
    pair both;

    (void)state;
    pair_contexts(&both, PAIR_TLS1_3);
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_ok(pyossl_conn_use_certificate(both.server, cert));
    assert_ok(pyossl_conn_use_pkey(both.server, key));
    /* Each kind of key has its place; that of the certificate below is taken by a key of its own.
     */
    assert_fails(pyossl_conn_use_pkey(both.server, other), PYOSSL_E_OPENSSL);
    assert_ok(pyossl_ctx_set_timeout(both.server_ctx, 77)); /* made anew, it has them still */
    assert_ok(pyossl_ctx_set_cipher_list(both.client_ctx, "aRSA"));
    assert_ok(pyossl_conn_certificate(both.server, &got));
    assert_int_equal(X509_cmp(osl_x509_full(got), osl_x509_full(cert)), 0);
    pair_free(&both);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings_too_late),
        cmocka_unit_test(test_na_117_server_names),
        cmocka_unit_test(test_bad_settings),
        cmocka_unit_test(test_own_callbacks),
        cmocka_unit_test(test_own_verify_without_callback),
        cmocka_unit_test(test_own_certificate),
        cmocka_unit_test(test_own_key_is_private),
    };

    return cmocka_run_group_tests_name("conn_settings", tests, NULL, NULL);
}
