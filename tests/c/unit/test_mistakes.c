/* What a program does wrong is told as its mistake, by status and in words. */
/* A method of RSA's own stands for a token. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "test.h"

#include <limits.h>

#include <openssl/rsa.h>
#include <openssl/ssl.h>

#include "material.h"
#include "owned.h"
#include "pair.h"
#include "pyossl/openssl.h"

/* ---- settings ---- */

static void test_na_183_settings(void **state)
{
    static const unsigned char no_list[] = "\5h2", empty_member[] = "\2h2\0";
    static const char long_name[33] = "";
    OWNED(ctx) ctx = NULL;
    OWNED(conn) conn = NULL;

    (void)state;
    assert_ok(pyossl_ctx_new(&ctx, PYOSSL_TLS));
    assert_fails(pyossl_ctx_use_certificate_file(ctx, DATA("server.pem"), 7), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_ctx_use_pkey_file(ctx, DATA("rsa.pem"), 7), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_ctx_set_alpn_protos(ctx, no_list, 3), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_ctx_set_alpn_protos(ctx, empty_member, 4), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_ctx_set_min_version(ctx, 13), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_ctx_set_max_version(ctx, -1), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_ctx_set_session_id(ctx, long_name, sizeof long_name), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_ctx_set_verify(ctx, 0xff, NULL, NULL, NULL), PYOSSL_E_ARGUMENT);
    assert_int_equal(pyossl_ctx_verify_mode(ctx), PYOSSL_VERIFY_NONE);
    assert_fails(pyossl_ctx_set_timeout(ctx, -1), PYOSSL_E_ARGUMENT);
    assert_int_equal(pyossl_ctx_timeout(ctx), 7200);
    assert_ok(pyossl_conn_new(&conn, ctx));
    assert_fails(pyossl_conn_set_alpn_protos(conn, no_list, 3), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_conn_set_verify(conn, -1, NULL, NULL, NULL), PYOSSL_E_ARGUMENT);
}

static void try_side(int method, pyossl_role role)
{
    OWNED(ctx) ctx = NULL;
    OWNED(conn) conn = NULL;

    assert_ok(pyossl_ctx_new(&ctx, method));
    assert_ok(pyossl_conn_new(&conn, ctx));
    assert_ok(pyossl_conn_set_role(conn, role));
    assert_ok(pyossl_conn_use_memory(conn));
    assert_fails(pyossl_conn_handshake(conn), PYOSSL_E_STATE);
}

static void test_na_183_a_side_that_the_method_has_not(void **state)
{
    (void)state;
    try_side(PYOSSL_TLS_CLIENT, PYOSSL_SERVER);
    try_side(PYOSSL_TLS_SERVER, PYOSSL_CLIENT);
    try_side(PYOSSL_DTLS_CLIENT, PYOSSL_SERVER);
    try_side(PYOSSL_DTLS_SERVER, PYOSSL_CLIENT);
}

/* A client without the certificate that is demanded fails the verification. */
static void test_na_183_no_client_certificate(void **state)
{
    const int modes = PYOSSL_VERIFY_PEER | PYOSSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    pair both;
    pyossl_status status = PYOSSL_WANT_READ;

    (void)state;
    pair_contexts(&both, PAIR_TLS1_3);
    assert_ok(pyossl_ctx_set_verify(both.server_ctx, modes, NULL, NULL, NULL));
    pair_connect(&both, PAIR_MEMORY, 0);
    (void)!pair_handshake(&both);
    status = pyossl_conn_handshake(both.server);
    assert_int_equal(status, PYOSSL_E_VERIFY);
    pair_free(&both);
}

/* ---- transports ---- */

static pyossl_status answer_nonsense(void *userdata, void *buf, size_t len, size_t *done)
{
    (void)buf;
    (void)len;
    (void)done;
    return (pyossl_status) * (const int *)userdata;
}

static pyossl_status swallow(void *userdata, const void *buf, size_t len, size_t *done)
{
    (void)userdata;
    (void)buf;
    *done = len;
    return PYOSSL_OK;
}

static void test_na_184_answers_that_are_no_status(void **state)
{
    static const int answers[] = { 12345, -12345, 2, 99, INT_MIN, INT_MAX };
    const pyossl_transport transport = { sizeof transport, answer_nonsense, swallow, NULL };

    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        OWNED(ctx) ctx = NULL;
        OWNED(conn) conn = NULL;
        int answer = answers[i];

        if (strcmp(pyossl_status_name((pyossl_status)answer), "UNKNOWN") != 0)
            continue;
        assert_ok(pyossl_ctx_new(&ctx, PYOSSL_TLS_CLIENT));
        assert_ok(pyossl_conn_new(&conn, ctx));
        assert_ok(pyossl_conn_set_role(conn, PYOSSL_CLIENT));
        assert_ok(pyossl_conn_use_transport(conn, &transport, &answer));
        assert_fails(pyossl_conn_handshake(conn), PYOSSL_E_CALLBACK);
    }
}

/* ---- keys that show no private half ---- */

static int signatures;

static int sign_elsewhere(int len, const unsigned char *from, unsigned char *to, RSA *rsa,
                          int padding)
{
    RSA *real = RSA_get_app_data(rsa);

    signatures++;
    return RSA_private_encrypt(len, from, to, real, padding);
}

/* What an engine for tokens makes: the public numbers, and a method that signs elsewhere. */
static EVP_PKEY *token_key(EVP_PKEY *real, RSA_METHOD **method)
{
    RSA *inside = EVP_PKEY_get1_RSA(real), *outside = RSA_new();
    EVP_PKEY *key = EVP_PKEY_new();

    *method = RSA_meth_dup(RSA_PKCS1_OpenSSL());
    assert_int_equal(RSA_meth_set_priv_enc(*method, sign_elsewhere), 1);
    assert_int_equal(RSA_set_method(outside, *method), 1);
    assert_int_equal(
        RSA_set0_key(outside, BN_dup(RSA_get0_n(inside)), BN_dup(RSA_get0_e(inside)), NULL), 1);
    RSA_set_app_data(outside, inside);
    RSA_set_flags(outside, RSA_FLAG_EXT_PKEY);
    assert_int_equal(EVP_PKEY_assign_RSA(key, outside), 1);
    return key;
}

static void test_na_185_a_key_in_a_token(void **state)
{
    pair both;
    OWNED(pkey) real = NULL;
    OWNED(pkey) shown = NULL;
    OWNED_BUF bytes = PYOSSL_BUF_INIT;
    RSA_METHOD *method;
    pyossl_pkey *token = NULL;
    pyossl_x509 *cert = NULL;
    EVP_PKEY *key, *half;
    RSA *inside;

    (void)state;
    assert_ok(pyossl_pkey_generate(&real, PYOSSL_KEY_RSA, 2048));
    key = token_key(pyossl_openssl_pkey(real), &method);
    inside = RSA_get_app_data(EVP_PKEY_get0_RSA(key));
    assert_ok(pyossl_openssl_wrap_pkey(&token, key));
    assert_int_equal(pyossl_pkey_is_private(token), 1);
    assert_ok(pyossl_pkey_sign(token, "sha256", "data", 4, &bytes));
    assert_ok(pyossl_pkey_verify(real, "sha256", "data", 4, bytes.data, bytes.len));
    assert_int_equal(signatures, 1);

    /* A certificate is signed by it, and a server serves it. */
    assert_ok(pyossl_x509_new(&cert));
    assert_ok(pyossl_x509_set_version(cert, 2));
    assert_ok(pyossl_x509_set_not_before(cert, "20200101000000Z", 15));
    assert_ok(pyossl_x509_set_not_after(cert, "20990101000000Z", 15));
    assert_ok(pyossl_x509_set_pubkey(cert, token));
    assert_ok(pyossl_x509_sign(cert, token, "sha256"));
    pair_contexts(&both, PAIR_TLS1_2);
    assert_ok(pyossl_ctx_use_identity(both.server_ctx, cert, token, NULL, 0));
    assert_ok(pyossl_ctx_set_verify(both.client_ctx, PYOSSL_VERIFY_NONE, NULL, NULL, NULL));
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_ok(pair_handshake(&both));
    assert_true(signatures >= 3);
    pair_free(&both);

    /* A public key of OpenSSL's own stays one. */
    half = EVP_PKEY_new();
    assert_int_equal(EVP_PKEY_assign_RSA(half, RSAPublicKey_dup(inside)), 1);
    assert_ok(pyossl_openssl_wrap_pkey(&shown, half));
    assert_int_equal(pyossl_pkey_is_private(shown), 0);
    EVP_PKEY_free(half);
    pyossl_x509_unref(cert); /* it has the key too */
    pyossl_pkey_unref(token);
    EVP_PKEY_free(key);
    RSA_free(inside);
    RSA_meth_free(method);
}

/* ---- names ---- */

static pyossl_answer note_name(pyossl_conn *conn, void *userdata)
{
    (void)snprintf(userdata, 64, "%s", pyossl_conn_servername(conn));
    return PYOSSL_ANSWER_DECLINE;
}

static void test_na_186_no_dot_in_sni(void **state)
{
    static const struct {
        const char *given, *sent;
    } rows[] = { { "localhost.", "localhost" }, { "localhost", "localhost" }, { "a.b.", "a.b" } };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char seen[64] = "";
        pair both;

        pair_contexts(&both, PAIR_TLS1_3);
        assert_ok(pyossl_ctx_set_servername(both.server_ctx, note_name, seen, NULL));
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_ok(pyossl_conn_set_servername(both.client, rows[i].given, strlen(rows[i].given)));
        assert_ok(pair_handshake(&both));
        assert_string_equal(seen, rows[i].sent);
        pair_free(&both);
    }
}

/* ---- renewal ---- */

/* Whether a client that takes RSA alone still gets a certificate. */
static pyossl_status ask_for_rsa(pyossl_ctx *server_ctx)
{
    pair both;
    pyossl_status client, server;

    pair_contexts(&both, PAIR_TLS1_2);
    pyossl_ctx_unref(both.server_ctx);
    both.server_ctx = pyossl_ctx_ref(server_ctx);
    assert_ok(pyossl_ctx_set_cipher_list(both.client_ctx, "ECDHE-RSA-AES128-GCM-SHA256"));
    assert_ok(pyossl_ctx_set_verify(both.client_ctx, PYOSSL_VERIFY_NONE, NULL, NULL, NULL));
    pair_connect(&both, PAIR_MEMORY, 0);
    (void)!pair_handshake_both(&both, &client, &server);
    pair_free(&both);
    return server;
}

static void test_na_187_a_renewal_replaces_every_type_of_key(void **state)
{
    OWNED(ctx) ctx = NULL;
    OWNED(x509) rsa = material_cert(DATA("server.pem"));
    OWNED(x509) ec = material_cert(DATA("server-ec.pem"));
    OWNED(pkey) rsa_key = material_key(DATA("rsa.pem"));
    OWNED(pkey) ec_key = material_key(DATA("ec.pem"));

    (void)state;
    assert_ok(pyossl_ctx_new(&ctx, PYOSSL_TLS));
    assert_ok(pyossl_ctx_use_identity(ctx, rsa, rsa_key, NULL, 0));
    assert_ok(ask_for_rsa(ctx));
    assert_ok(pyossl_ctx_use_identity(ctx, ec, ec_key, NULL, 0));
    assert_int_equal(ask_for_rsa(ctx), PYOSSL_E_OPENSSL);
    /* One beside the other, as OpenSSL has it, where that is asked for. */
    assert_ok(pyossl_ctx_use_certificate(ctx, rsa));
    assert_ok(pyossl_ctx_use_pkey(ctx, rsa_key));
    assert_ok(ask_for_rsa(ctx));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_183_settings),
        cmocka_unit_test(test_na_183_a_side_that_the_method_has_not),
        cmocka_unit_test(test_na_183_no_client_certificate),
        cmocka_unit_test(test_na_184_answers_that_are_no_status),
        cmocka_unit_test(test_na_185_a_key_in_a_token),
        cmocka_unit_test(test_na_186_no_dot_in_sni),
        cmocka_unit_test(test_na_187_a_renewal_replaces_every_type_of_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
