/* Changes that fail: the context stays as it was. */
#include "contexts.h"

static pyossl_status wrong_key(pyossl_ctx *ctx)
{
    osl_auto(pyossl_pkey) *key = key_from(DATA("root-key.pem"));

    return pyossl_ctx_use_pkey(ctx, key);
}

static pyossl_status wrong_identity(pyossl_ctx *ctx)
{
    osl_auto(pyossl_x509) *cert = cert_from(DATA("server-ec.pem"));
    osl_auto(pyossl_pkey) *key = key_from(DATA("rsa.pem"));

    return pyossl_ctx_use_identity(ctx, cert, key, NULL, 0);
}

/* Fails at the last step, after certificate and key were taken. */
static pyossl_status weak_chain(pyossl_ctx *ctx)
{
    osl_auto(pyossl_x509) *cert = cert_from(DATA("server-ec.pem")), *weak = NULL;
    osl_auto(pyossl_pkey) *key = key_from(DATA("ec.pem"));
    EVP_PKEY *weak_key = EVP_RSA_gen(512);

    assert_ok(osl_x509_wrap(&weak, weak_cert(weak_key)));
    EVP_PKEY_free(weak_key);
    return pyossl_ctx_use_identity(ctx, cert, key, &weak, 1);
}

static pyossl_status empty_cert(pyossl_ctx *ctx)
{
    osl_auto(pyossl_x509) *cert = NULL;

    assert_ok(pyossl_x509_new(&cert));
    return pyossl_ctx_use_certificate(ctx, cert);
}

static pyossl_status missing_cert(pyossl_ctx *ctx)
{
    return pyossl_ctx_use_certificate_file(ctx, DATA("no-such-file"), PYOSSL_PEM);
}

static pyossl_status cert_without_start(pyossl_ctx *ctx)
{
    return pyossl_ctx_use_certificate_file(ctx, DATA("rsa.pem"), PYOSSL_PEM);
}

static pyossl_status cert_of_no_format(pyossl_ctx *ctx)
{
    return pyossl_ctx_use_certificate_file(ctx, DATA("server.pem"), 3);
}

static pyossl_status no_ciphers(pyossl_ctx *ctx)
{
    return pyossl_ctx_set_cipher_list(ctx, "no-such-cipher");
}

static pyossl_status no_ciphers_but_a_level(pyossl_ctx *ctx)
{
    return pyossl_ctx_set_cipher_list(ctx, "no-such-cipher:@SECLEVEL=0");
}

static pyossl_status no_ciphersuites(pyossl_ctx *ctx)
{
    return pyossl_ctx_set_ciphersuites(ctx, "no-such-suite");
}

static pyossl_status no_groups(pyossl_ctx *ctx)
{
    return pyossl_ctx_set_groups(ctx, "X25519:no-such-group");
}

static pyossl_status no_profiles(pyossl_ctx *ctx)
{
    return pyossl_ctx_set_srtp_profiles(ctx, "SRTP_AES128_CM_SHA1_80:nonsense");
}

static pyossl_status bad_protos(pyossl_ctx *ctx)
{
    return pyossl_ctx_set_alpn_protos(ctx, (const unsigned char *)"\3h2", 3);
}

static pyossl_status bad_version(pyossl_ctx *ctx)
{
    return pyossl_ctx_set_min_version(ctx, 0x1234);
}

static pyossl_status bad_max_version(pyossl_ctx *ctx)
{
    return pyossl_ctx_set_max_version(ctx, -1);
}

static pyossl_status long_session_id(pyossl_ctx *ctx)
{
    return pyossl_ctx_set_session_id(ctx, "0123456789abcdef0123456789abcdef0", 33);
}

static pyossl_status no_dh(pyossl_ctx *ctx)
{
    return pyossl_ctx_load_tmp_dh(ctx, DATA("rsa.pem"));
}

static pyossl_status no_authorities(pyossl_ctx *ctx)
{
    return pyossl_ctx_load_client_ca(ctx, DATA("passphrase.txt"));
}

/* One more than TLS has room for. */
static pyossl_status long_authority(pyossl_ctx *ctx)
{
    osl_auto(pyossl_x509) *cert = NULL;
    osl_auto(pyossl_name) *name = NULL;
    char text[64];

    memset(text, 'a', sizeof text);
    assert_ok(pyossl_x509_new(&cert));
    assert_ok(pyossl_name_new(&name));
    for (int i = 0; i < 1000; i++)
        assert_ok(pyossl_name_add(name, "CN", text, sizeof text));
    assert_ok(pyossl_x509_set_subject(cert, name));
    return pyossl_ctx_add_client_ca(ctx, cert);
}

static pyossl_status no_hostname(pyossl_ctx *ctx)
{
    return pyossl_ctx_set_verify_hostname(ctx, "", 0, 0);
}

static pyossl_status no_ip(pyossl_ctx *ctx)
{
    return pyossl_ctx_set_verify_ip(ctx, "localhost", 9);
}

static pyossl_status no_curve(pyossl_ctx *ctx)
{
    return pyossl_ctx_set_tmp_ecdh(ctx, "no-such-curve");
}

static pyossl_status no_level(pyossl_ctx *ctx)
{
    return pyossl_ctx_set_security_level(ctx, 6);
}

static pyossl_status no_locations(pyossl_ctx *ctx)
{
    return pyossl_ctx_load_verify_locations(ctx, NULL, NULL);
}

static pyossl_status encrypted_key(pyossl_ctx *ctx)
{
    return pyossl_ctx_use_pkey_file(ctx, DATA("rsa-aes256.pem"), PYOSSL_PEM);
}

static const struct {
    const char *name;
    pyossl_status (*change)(pyossl_ctx *ctx);
    pyossl_status status;
} failures[] = {
    { "wrong_key", wrong_key, PYOSSL_E_OPENSSL },
    { "wrong_identity", wrong_identity, PYOSSL_E_OPENSSL },
    { "weak_chain", weak_chain, PYOSSL_E_OPENSSL },
    { "empty_cert", empty_cert, PYOSSL_E_OPENSSL },
    { "missing_cert", missing_cert, PYOSSL_E_SYSTEM },
    { "cert_without_start", cert_without_start, PYOSSL_E_FORMAT },
    { "cert_of_no_format", cert_of_no_format, PYOSSL_E_ARGUMENT },
    { "no_ciphers", no_ciphers, PYOSSL_E_OPENSSL },
    { "no_ciphers_but_a_level", no_ciphers_but_a_level, PYOSSL_E_OPENSSL },
    { "no_ciphersuites", no_ciphersuites, PYOSSL_E_OPENSSL },
    { "no_groups", no_groups, PYOSSL_E_OPENSSL },
    { "no_profiles", no_profiles, PYOSSL_E_OPENSSL },
    { "bad_protos", bad_protos, PYOSSL_E_ARGUMENT },
    { "bad_version", bad_version, PYOSSL_E_ARGUMENT },
    { "bad_max_version", bad_max_version, PYOSSL_E_ARGUMENT },
    { "long_session_id", long_session_id, PYOSSL_E_ARGUMENT },
    { "no_dh", no_dh, PYOSSL_E_FORMAT },
    { "no_authorities", no_authorities, PYOSSL_E_FORMAT },
    { "long_authority", long_authority, PYOSSL_E_ARGUMENT },
    { "no_hostname", no_hostname, PYOSSL_E_ARGUMENT },
    { "no_ip", no_ip, PYOSSL_E_ARGUMENT },
    { "no_curve", no_curve, PYOSSL_E_ARGUMENT },
    { "no_level", no_level, PYOSSL_E_ARGUMENT },
    { "no_locations", no_locations, PYOSSL_E_ARGUMENT },
    { "encrypted_key", encrypted_key, PYOSSL_E_PASSPHRASE },
};

static void test_na_065_a_failed_change_changes_nothing(void **state)
{
    pyossl_ctx *ctx = new_ctx();
    snapshot before, after;

    (void)state;
    set_everything(ctx, 0);
    for (int shared = 0; shared < 2; shared++) {
        for (size_t i = 0; i < OSL_COUNT_OF(failures); i++) {
            osl_generation *current = atomic_load(&ctx->current);
            const osl_setting *first = ctx->settings;
            const size_t count = count_settings(ctx);

            take_snapshot(ctx, &before);
            assert_fails(failures[i].change(ctx), failures[i].status);
            take_snapshot(ctx, &after);
            if (memcmp(&before, &after, sizeof before) != 0)
                fail_msg("%s changed something", failures[i].name);
            assert_ptr_equal(atomic_load(&ctx->current), current);
            assert_ptr_equal(ctx->settings, first);
            assert_int_equal(count_settings(ctx), count);
        }
        osl_generation_unref(osl_ctx_acquire(ctx));
    }
    pyossl_ctx_unref(ctx);
}

static void test_a_strict_context_refuses_once_used(void **state)
{
    pyossl_ctx *ctx = new_ctx(), *lent = new_ctx();
    osl_generation *generation;
    snapshot before, after;

    (void)state;
    /* Who looks at the SSL_CTX does not use it. */
    pyossl_ctx_set_strict(lent, 1);
    osl_generation_unref(osl_ctx_lend(lent));
    assert_ok(pyossl_ctx_set_timeout(lent, 6));
    pyossl_ctx_unref(lent);
    pyossl_ctx_set_strict(ctx, 1);
    assert_ok(pyossl_ctx_set_timeout(ctx, 5));
    assert_ok(pyossl_ctx_set_timeout(ctx, 6));
    generation = osl_ctx_acquire(ctx);
    take_snapshot(ctx, &before);
    assert_fails(pyossl_ctx_set_timeout(ctx, 7), PYOSSL_E_IN_USE);
    assert_fails(pyossl_ctx_set_options(ctx, 0), PYOSSL_E_IN_USE);
    assert_fails(pyossl_ctx_set_verify(ctx, 1, accept_all, NULL, NULL), PYOSSL_E_IN_USE);
    assert_fails(pyossl_ctx_load_verify_locations(ctx, DATA("root.pem"), NULL), PYOSSL_E_IN_USE);
    assert_fails(pyossl_ctx_set_default_verify_paths(ctx), PYOSSL_E_IN_USE);
    for (size_t i = 0; i < OSL_COUNT_OF(failures); i++)
        if (failures[i].status != PYOSSL_E_ARGUMENT)
            assert_int_not_equal(failures[i].change(ctx), PYOSSL_OK);
    take_snapshot(ctx, &after);
    assert_memory_equal(&before, &after, sizeof before);
    pyossl_ctx_set_strict(ctx, 0);
    assert_ok(pyossl_ctx_set_timeout(ctx, 7));
    osl_generation_unref(generation);
    pyossl_ctx_unref(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_065_a_failed_change_changes_nothing),
        cmocka_unit_test(test_a_strict_context_refuses_once_used),
    };

    return cmocka_run_group_tests_name("ctx_failure", tests, NULL, NULL);
}
