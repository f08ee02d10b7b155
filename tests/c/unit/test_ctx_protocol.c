/* Versions, ciphers, groups, and sessions of a context. */
#include "contexts.h"

static void test_modes(void **state)
{
    pyossl_ctx *ctx = new_ctx();

    (void)state;
    assert_ok(pyossl_ctx_set_mode(ctx, 0));
    assert_int_equal(pyossl_ctx_mode(ctx), 7);
    assert_true((SSL_CTX_get_mode(ssl_ctx_of(ctx)) & SSL_MODE_RELEASE_BUFFERS) != 0);
    assert_ok(pyossl_ctx_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS));
    assert_int_equal(pyossl_ctx_mode(ctx), 7 | SSL_MODE_RELEASE_BUFFERS);
    osl_generation_unref(osl_ctx_acquire(ctx));
    assert_ok(pyossl_ctx_clear_mode(ctx, SSL_MODE_RELEASE_BUFFERS | 1));
    assert_int_equal(pyossl_ctx_mode(ctx), 6);
    assert_true((SSL_CTX_get_mode(ssl_ctx_of(ctx)) & SSL_MODE_RELEASE_BUFFERS) == 0);
    pyossl_ctx_unref(ctx);
}

static void test_versions(void **state)
{
    static const int bad[] = { 1, 0x200, 0x305, 0x1234, -1, INT_MAX, 0xfefd };
    pyossl_ctx *ctx = new_ctx();

    (void)state;
    assert_ok(pyossl_ctx_set_min_version(ctx, TLS1_2_VERSION));
    assert_ok(pyossl_ctx_set_max_version(ctx, TLS1_2_VERSION));
    for (size_t i = 0; i < OSL_COUNT_OF(bad); i++) {
        const pyossl_status status =
            bad[i] == DTLS1_2_VERSION ? PYOSSL_E_UNSUPPORTED : PYOSSL_E_ARGUMENT;

        assert_fails(pyossl_ctx_set_min_version(ctx, bad[i]), status);
        assert_fails(pyossl_ctx_set_max_version(ctx, bad[i]), status);
    }
    assert_int_equal(SSL_CTX_get_min_proto_version(ssl_ctx_of(ctx)), TLS1_2_VERSION);
    assert_int_equal(SSL_CTX_get_max_proto_version(ssl_ctx_of(ctx)), TLS1_2_VERSION);
    assert_ok(pyossl_ctx_set_min_version(ctx, 0));
    assert_ok(pyossl_ctx_set_max_version(ctx, 0));
    assert_int_equal(SSL_CTX_get_min_proto_version(ssl_ctx_of(ctx)), 0);
    pyossl_ctx_unref(ctx);
}

static void test_ciphers(void **state)
{
    pyossl_ctx *ctx = new_ctx();
    int all;

    (void)state;
    all = sk_SSL_CIPHER_num(SSL_CTX_get_ciphers(ssl_ctx_of(ctx)));
    assert_fails(pyossl_ctx_set_cipher_list(ctx, ""), PYOSSL_E_OPENSSL);
    assert_string_equal(test_reason(), "no cipher match");
    assert_fails(pyossl_ctx_set_cipher_list(ctx, "imaginary-cipher"), PYOSSL_E_OPENSSL);
    assert_string_equal(test_reason(), "no cipher match");
    assert_int_equal(sk_SSL_CIPHER_num(SSL_CTX_get_ciphers(ssl_ctx_of(ctx))), all);
    assert_ok(pyossl_ctx_set_cipher_list(ctx, "hello world:AES128-SHA"));
    assert_ok(pyossl_ctx_set_ciphersuites(ctx, ""));
    assert_int_equal(sk_SSL_CIPHER_num(SSL_CTX_get_ciphers(ssl_ctx_of(ctx))), 1);
    assert_fails(pyossl_ctx_set_ciphersuites(ctx, "imaginary"), PYOSSL_E_OPENSSL);
    assert_string_equal(test_reason(), "no cipher match");
    assert_ok(pyossl_ctx_set_ciphersuites(ctx, "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256"));
    assert_int_equal(sk_SSL_CIPHER_num(SSL_CTX_get_ciphers(ssl_ctx_of(ctx))), 3);
    /* What OpenSSL leaves behind at "no cipher match" must not be there. */
    assert_fails(pyossl_ctx_set_cipher_list(ctx, "imaginary-cipher"), PYOSSL_E_OPENSSL);
    assert_int_equal(sk_SSL_CIPHER_num(SSL_CTX_get_ciphers(ssl_ctx_of(ctx))), 3);
    pyossl_ctx_unref(ctx);
}

/* OpenSSL has no getter for what was set. */
static const osl_setting *groups_set(const pyossl_ctx *ctx)
{
    return osl_ctx_find(ctx, OSL_SET_GROUPS, 0);
}

static void test_na_128_curves(void **state)
{
    pyossl_ctx *ctx = new_ctx();
    const char *name;

    (void)state;
    assert_fails(pyossl_ctx_set_tmp_ecdh(ctx, ""), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_ctx_set_tmp_ecdh(ctx, "not-a-curve"), PYOSSL_E_ARGUMENT);
    /* None that TLS has not: nothing changes. */
    assert_ok(pyossl_ctx_set_tmp_ecdh(ctx, "wap-wsg-idm-ecid-wtls1"));
    assert_null(groups_set(ctx));
    for (size_t i = 0; (name = pyossl_curve_name(i)) != NULL; i++)
        assert_ok(pyossl_ctx_set_tmp_ecdh(ctx, name));
    assert_ok(pyossl_ctx_set_tmp_ecdh(ctx, "secp384r1"));
    assert_int_equal(groups_set(ctx)->number, NID_secp384r1);
    osl_generation_unref(osl_ctx_acquire(ctx));
    assert_ok(pyossl_ctx_set_tmp_ecdh(ctx, "wap-wsg-idm-ecid-wtls1"));
    assert_ok(pyossl_ctx_set_timeout(ctx, 3));
    assert_int_equal(groups_set(ctx)->number, NID_secp384r1);
    assert_ok(pyossl_ctx_set_groups(ctx, "X25519:P-256:P-384"));
    assert_string_equal(groups_set(ctx)->data, "X25519:P-256:P-384");
    assert_fails(pyossl_ctx_set_groups(ctx, "nonsense"), PYOSSL_E_OPENSSL);
    assert_fails(pyossl_ctx_set_groups(ctx, ""), PYOSSL_E_OPENSSL);
    assert_fails(pyossl_ctx_set_groups(ctx, " \t"), PYOSSL_E_OPENSSL);
    assert_string_equal(groups_set(ctx)->data, "X25519:P-256:P-384");
    pyossl_ctx_unref(ctx);
}

static void test_na_144_diffie_hellman(void **state)
{
    static const char x942[] = "-----BEGIN X9.42 DH PARAMETERS-----\nMAA=\n"
                               "-----END X9.42 DH PARAMETERS-----\n";
    static const char broken[] = "-----BEGIN DH PARAMETERS-----\nMAMCAQA=\n"
                                 "-----END DH PARAMETERS-----\n";
    osl_auto_buf pem = PYOSSL_BUF_INIT;
    pyossl_ctx *ctx = new_ctx();

    (void)state;
    assert_ok(osl_file_read(DATA("dh.pem"), OSL_FILE_MAX, &pem));
    assert_ok(pyossl_ctx_set_tmp_dh(ctx, pem.data, pem.len));
    assert_ok(pyossl_ctx_load_tmp_dh(ctx, DATA("dh.pem")));
    assert_fails(pyossl_ctx_set_tmp_dh(ctx, "", 0), PYOSSL_E_FORMAT);
    assert_fails(pyossl_ctx_set_tmp_dh(ctx, pem.data, pem.len / 2), PYOSSL_E_FORMAT);
    assert_int_not_equal(pyossl_ctx_set_tmp_dh(ctx, x942, sizeof x942 - 1), PYOSSL_OK);
    assert_int_not_equal(pyossl_ctx_set_tmp_dh(ctx, broken, sizeof broken - 1), PYOSSL_OK);
    assert_fails(pyossl_ctx_load_tmp_dh(ctx, DATA("nothing")), PYOSSL_E_SYSTEM);
    assert_fails(pyossl_ctx_load_tmp_dh(ctx, DATA("ec-parameters.pem")), PYOSSL_E_FORMAT);
    pyossl_ctx_unref(ctx);
}

static void test_na_008_lists_of_protocols(void **state)
{
    static const struct {
        const char *protos;
        size_t len;
        pyossl_status status;
    } rows[] = {
        { "\2h2\10http/1.1", 12, PYOSSL_OK }, { "", 0, PYOSSL_OK },
        { "\0", 1, PYOSSL_E_ARGUMENT },       { "\2h2\0", 4, PYOSSL_E_ARGUMENT },
        { "\3h2", 3, PYOSSL_E_ARGUMENT },     { "\2h2\377", 4, PYOSSL_E_ARGUMENT },
        { "", 65536, PYOSSL_E_ARGUMENT },
    };
    static unsigned char room[65536];
    pyossl_ctx *ctx = new_ctx();

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(rows); i++) {
        if (rows[i].len < 16)
            memcpy(room, rows[i].protos, rows[i].len);
        if (rows[i].status == PYOSSL_OK)
            assert_ok(pyossl_ctx_set_alpn_protos(ctx, room, rows[i].len));
        else
            assert_fails(pyossl_ctx_set_alpn_protos(ctx, room, rows[i].len), rows[i].status);
    }
    assert_ok(pyossl_ctx_set_alpn_protos(ctx, NULL, 0));
    assert_ok(pyossl_ctx_set_srtp_profiles(ctx, "SRTP_AES128_CM_SHA1_80:SRTP_AES128_CM_SHA1_32"));
    assert_fails(pyossl_ctx_set_srtp_profiles(ctx, ""), PYOSSL_E_OPENSSL);
    assert_fails(pyossl_ctx_set_srtp_profiles(ctx, "nonsense"), PYOSSL_E_OPENSSL);
    assert_string_equal(test_reason(), "srtp unknown protection profile");
    pyossl_ctx_unref(ctx);
}

static void test_other_settings(void **state)
{
    pyossl_ctx *ctx = new_ctx();

    (void)state;
    assert_ok(pyossl_ctx_set_security_level(ctx, 3));
    assert_int_equal(SSL_CTX_get_security_level(ssl_ctx_of(ctx)), 3);
    assert_fails(pyossl_ctx_set_security_level(ctx, -1), PYOSSL_E_ARGUMENT);
    assert_ok(pyossl_ctx_set_post_handshake_auth(ctx, 1));
    assert_ok(pyossl_ctx_set_read_ahead(ctx, 5));
    assert_int_equal(SSL_CTX_get_read_ahead(ssl_ctx_of(ctx)), 1);
    assert_ok(pyossl_ctx_set_timeout(ctx, 1234));
    assert_int_equal(pyossl_ctx_timeout(ctx), 1234);
    assert_ok(pyossl_ctx_set_num_tickets(ctx, 0));
    assert_int_equal(pyossl_ctx_num_tickets(ctx), 0);
    assert_fails(pyossl_ctx_set_num_tickets(ctx, SIZE_MAX), PYOSSL_E_ARGUMENT);
    pyossl_ctx_unref(ctx);
}

/* ---- sessions ---- */

static const osl_generation *current_of(const pyossl_ctx *ctx)
{
    return atomic_load(&ctx->current);
}

static void test_na_098_session_id_contexts(void **state)
{
    static const char name[] = "0123456789abcdef0123456789abcdef0";
    pyossl_ctx *ctx = new_ctx();

    (void)state;
    assert_int_equal(current_of(ctx)->session_id_len, 0);
    assert_ok(pyossl_ctx_set_session_id(ctx, name, 32));
    assert_int_equal(current_of(ctx)->session_id_len, 32);
    assert_memory_equal(current_of(ctx)->session_id, name, 32);
    assert_fails(pyossl_ctx_set_session_id(ctx, name, 33), PYOSSL_E_ARGUMENT);
    assert_string_equal(test_reason(), "ssl session id context too long");
    assert_fails(pyossl_ctx_set_session_id(ctx, name, SIZE_MAX), PYOSSL_E_ARGUMENT);
    assert_ok(pyossl_ctx_set_session_id(ctx, "\0x", 2));
    assert_int_equal(current_of(ctx)->session_id_len, 2);
    assert_ok(pyossl_ctx_set_session_id(ctx, NULL, 0));
    assert_int_equal(current_of(ctx)->session_id_len, 0);
    pyossl_ctx_unref(ctx);
}

static void test_na_101_cache_modes(void **state)
{
    pyossl_ctx *ctx = new_ctx(), *client = NULL;
    const long none = SSL_SESS_CACHE_NO_INTERNAL; /* of OpenSSL's own is in use */

    (void)state;
    assert_ok(pyossl_ctx_new(&client, PYOSSL_TLS_CLIENT));
    assert_ok(pyossl_ctx_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF));
    assert_int_equal(pyossl_ctx_session_cache_mode(ctx), SSL_SESS_CACHE_OFF);
    /* To be told, OpenSSL has to cache; nobody sees that. */
    assert_ok(pyossl_ctx_set_new_session(ctx, on_session, NULL, NULL));
    assert_int_equal(pyossl_ctx_session_cache_mode(ctx), SSL_SESS_CACHE_OFF);
    assert_int_equal(SSL_CTX_get_session_cache_mode(ssl_ctx_of(ctx)), SSL_SESS_CACHE_CLIENT | none);
    assert_ok(pyossl_ctx_set_session_cache_mode(ctx, SSL_SESS_CACHE_SERVER));
    assert_int_equal(SSL_CTX_get_session_cache_mode(ssl_ctx_of(ctx)), SSL_SESS_CACHE_BOTH | none);
    assert_ok(pyossl_ctx_set_new_session(ctx, NULL, NULL, NULL));
    assert_int_equal(SSL_CTX_get_session_cache_mode(ssl_ctx_of(ctx)), SSL_SESS_CACHE_SERVER | none);

    assert_ok(pyossl_ctx_set_session_cache_mode(client, SSL_SESS_CACHE_CLIENT));
    assert_int_equal(pyossl_ctx_session_cache_mode(client), SSL_SESS_CACHE_CLIENT);
    assert_int_equal(SSL_CTX_get_session_cache_mode(ssl_ctx_of(client)),
                     SSL_SESS_CACHE_CLIENT | none);
    assert_ok(pyossl_ctx_set_session_cache_mode(client, SSL_SESS_CACHE_OFF));
    assert_ok(pyossl_ctx_set_new_session(client, on_session, NULL, NULL));
    assert_int_equal(SSL_CTX_get_session_cache_mode(ssl_ctx_of(client)),
                     SSL_SESS_CACHE_CLIENT | none);
    pyossl_ctx_unref(client);
    pyossl_ctx_unref(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_ciphers),
        cmocka_unit_test(test_na_128_curves),
        cmocka_unit_test(test_na_144_diffie_hellman),
        cmocka_unit_test(test_na_008_lists_of_protocols),
        cmocka_unit_test(test_other_settings),
        cmocka_unit_test(test_na_098_session_id_contexts),
        cmocka_unit_test(test_na_101_cache_modes),
    };

    return cmocka_run_group_tests_name("ctx_protocol", tests, NULL, NULL);
}
