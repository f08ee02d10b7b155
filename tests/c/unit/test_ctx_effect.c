/* What the settings of a context do to handshakes. */
#include "contexts.h"
#include "pair.h"

#include <stdlib.h>
#include <unistd.h>

#include "pyossl/info.h"

static void use(pyossl_ctx *ctx, const char *cert_path, const char *key_path)
{
    pyossl_x509 *cert = cert_from(cert_path), *intermediate = cert_from(DATA("intermediate.pem"));
    pyossl_pkey *key = key_from(key_path);

    assert_ok(pyossl_ctx_use_identity(ctx, cert, key, &intermediate, 1));
    pyossl_x509_unref(cert);
    pyossl_x509_unref(intermediate);
    pyossl_pkey_unref(key);
}

/* A pair whose server has this certificate, with the key `rsa`, and no other. */
static void pair_with(pair *both, int version, const char *cert_path)
{
    pair_contexts(both, version);
    pyossl_ctx_unref(both->server_ctx);
    assert_ok(pyossl_ctx_new(&both->server_ctx, PYOSSL_TLS));
    use(both->server_ctx, cert_path, DATA("rsa.pem"));
}

/* Shake hands; what a side's own handshake said. */
static pyossl_status client_says(pair *both)
{
    pyossl_status client, server;

    pair_connect(both, PAIR_MEMORY, 0);
    (void)pair_handshake_both(both, &client, &server);
    return client;
}

static pyossl_status server_says(pair *both)
{
    pyossl_status client, server;

    pair_connect(both, PAIR_MEMORY, 0);
    (void)pair_handshake_both(both, &client, &server);
    return server;
}

/* ---- verification ---- */

enum {
    NONE = PYOSSL_VERIFY_NONE,
    PEER = PYOSSL_VERIFY_PEER,
    MUST = PYOSSL_VERIFY_FAIL_IF_NO_PEER_CERT,
    ONCE = PYOSSL_VERIFY_CLIENT_ONCE
};

static void test_na_114_modes_of_clients(void **state)
{
    static const struct {
        int mode;
        pyossl_status good, bad;
    } rows[] = {
        { NONE, PYOSSL_OK, PYOSSL_OK },
        { PEER, PYOSSL_OK, PYOSSL_E_VERIFY },
        { PEER | MUST, PYOSSL_OK, PYOSSL_E_VERIFY },
        { PEER | ONCE, PYOSSL_OK, PYOSSL_E_VERIFY },
        { PEER | MUST | ONCE, PYOSSL_OK, PYOSSL_E_VERIFY },
    };
    static const int versions[] = { PAIR_TLS1_2, PAIR_TLS1_3 };

    (void)state;
    for (size_t v = 0; v < OSL_COUNT_OF(versions); v++) {
        for (size_t i = 0; i < OSL_COUNT_OF(rows); i++) {
            for (int bad = 0; bad < 2; bad++) {
                pair both;

                pair_with(&both, versions[v], bad ? DATA("expired.pem") : DATA("server.pem"));
                assert_ok(pyossl_ctx_set_verify(both.client_ctx, rows[i].mode, NULL, NULL, NULL));
                assert_status(client_says(&both), bad ? rows[i].bad : rows[i].good);
                assert_int_equal(pyossl_conn_verify_result(both.client) == X509_V_OK, !bad);
                pair_free(&both);
            }
        }
    }
}

static void test_na_114_modes_of_servers(void **state)
{
    enum { NO_CERT, GOOD, UNKNOWN, CASES };
    static const struct {
        int mode;
        pyossl_status expected[CASES];
    } rows[] = {
        { NONE, { PYOSSL_OK, PYOSSL_OK, PYOSSL_OK } },
        { MUST, { PYOSSL_OK, PYOSSL_OK, PYOSSL_OK } }, /* without PEER nobody is asked */
        { PEER, { PYOSSL_OK, PYOSSL_OK, PYOSSL_E_VERIFY } },
        { PEER | ONCE, { PYOSSL_OK, PYOSSL_OK, PYOSSL_E_VERIFY } },
        { PEER | MUST, { PYOSSL_E_VERIFY, PYOSSL_OK, PYOSSL_E_VERIFY } },
    };
    static const int versions[] = { PAIR_TLS1_2, PAIR_TLS1_3 };

    (void)state;
    for (size_t v = 0; v < OSL_COUNT_OF(versions); v++) {
        for (size_t i = 0; i < OSL_COUNT_OF(rows); i++) {
            for (int which = 0; which < CASES; which++) {
                pair both;

                pair_contexts(&both, versions[v]);
                assert_ok(
                    pyossl_ctx_load_verify_locations(both.server_ctx, DATA("root.pem"), NULL));
                assert_ok(pyossl_ctx_set_verify(both.server_ctx, rows[i].mode, NULL, NULL, NULL));
                if (which == GOOD)
                    use(both.client_ctx, DATA("client.pem"), DATA("client-key.pem"));

                if (which == UNKNOWN)
                    use(both.client_ctx, DATA("expired.pem"), DATA("rsa.pem"));
                assert_status(server_says(&both), rows[i].expected[which]);
                pair_free(&both);
            }
        }
    }
}

static void test_na_115_flags_reach_the_connection(void **state)
{
    static const struct {
        const char *cert, *name;
        unsigned flags;
        pyossl_status expected;
    } rows[] = {
        { DATA("server.pem"), "localhost", 0, PYOSSL_OK },
        { DATA("server.pem"), "127.0.0.1", 0, PYOSSL_OK },
        { DATA("server.pem"), "::1", 0, PYOSSL_OK },
        { DATA("server.pem"), "127.0.0.2", 0, PYOSSL_E_VERIFY },
        { DATA("server.pem"), "evil.test", 0, PYOSSL_E_VERIFY },
        { DATA("server.pem"), "a.example.test", 0, PYOSSL_OK },
        { DATA("server.pem"), "a.example.test", PYOSSL_HOST_NO_WILDCARDS, PYOSSL_E_VERIFY },
        { DATA("partial-wildcard.pem"), "foo.example.test", 0, PYOSSL_E_VERIFY },
        { DATA("partial-wildcard.pem"), "foo.example.test", PYOSSL_HOST_ALLOW_PARTIAL_WILDCARDS,
          PYOSSL_OK },
        { DATA("cn-only.pem"), "cn.example.test", 0, PYOSSL_E_VERIFY },
        { DATA("cn-only.pem"), "cn.example.test", PYOSSL_HOST_ALLOW_COMMON_NAME, PYOSSL_OK },
        { DATA("email-only.pem"), "cn.example.test", 0, PYOSSL_E_VERIFY },
        { DATA("ip-as-dns.pem"), "127.0.0.1", PYOSSL_HOST_ALLOW_COMMON_NAME, PYOSSL_E_VERIFY },
        { DATA("nul-in-san.pem"), "good.example.test", 0, PYOSSL_E_VERIFY },
    };

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(rows); i++) {
        pair both;

        pair_with(&both, PAIR_TLS1_3, rows[i].cert);
        assert_ok(pyossl_ctx_set_verify_hostname(both.client_ctx, rows[i].name,
                                                 strlen(rows[i].name), rows[i].flags));
        assert_status(client_says(&both), rows[i].expected);
        /* Nobody asks who does not verify. */
        pair_disconnect(&both);
        assert_ok(pyossl_ctx_set_verify(both.client_ctx, NONE, NULL, NULL, NULL));
        assert_status(client_says(&both), PYOSSL_OK);
        pair_free(&both);
    }
}

static void test_na_118_depth(void **state)
{
    static const struct {
        int depth;
        pyossl_status expected;
    } rows[] = { { -1, PYOSSL_OK }, { 100, PYOSSL_OK }, { 1, PYOSSL_OK }, { 0, PYOSSL_E_VERIFY } };

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(rows); i++) {
        pair both;

        pair_contexts(&both, PAIR_TLS1_3);
        assert_ok(pyossl_ctx_set_verify_depth(both.client_ctx, rows[i].depth));
        assert_status(client_says(&both), rows[i].expected);
        pair_free(&both);
    }
}

static void test_authorities_are_named_once(void **state)
{
    char path[] = "/tmp/pyossl-authorities-XXXXXX";
    osl_auto_buf one = PYOSSL_BUF_INIT;
    const int fd = mkstemp(path);
    pyossl_ctx *ctx = new_ctx();

    (void)state;
    assert_true(fd >= 0);
    assert_ok(osl_file_read(DATA("authorities.pem"), OSL_FILE_MAX, &one));
    for (int i = 0; i < 2; i++)
        assert_int_equal(write(fd, one.data, one.len), one.len);
    close(fd);
    assert_ok(pyossl_ctx_load_client_ca(ctx, path));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(sk_X509_NAME_num(SSL_CTX_get_client_CA_list(ssl_ctx_of(ctx))), 2);
    pyossl_ctx_unref(ctx);
}

static void test_authorities_are_told_to_clients(void **state)
{
    static const int versions[] = { PAIR_TLS1_2, PAIR_TLS1_3 };

    (void)state;
    for (size_t v = 0; v < OSL_COUNT_OF(versions); v++) {
        pair both;

        pair_contexts(&both, versions[v]);
        assert_ok(pyossl_ctx_load_client_ca(both.server_ctx, DATA("authorities.pem")));
        assert_ok(pyossl_ctx_set_verify(both.server_ctx, PEER, NULL, NULL, NULL));
        assert_status(client_says(&both), PYOSSL_OK);
        assert_int_equal(pyossl_conn_client_ca_count(both.client), 2);
        pair_free(&both);
    }
}

/* ---- key exchange ---- */

static void assert_tmp_key(const pair *both, int type, int bits)
{
    pyossl_pkey *key = NULL;

    assert_ok(pyossl_conn_peer_tmp_key(both->client, &key));
    assert_int_equal(pyossl_pkey_type(key), type);
    assert_int_equal(pyossl_pkey_bits(key), bits);
    pyossl_pkey_unref(key);
}

/* As OpenSSL has it: who has not asked for it does not get the dearest key exchange there is. */
static void test_na_144_diffie_hellman_for_who_loads_parameters(void **state)
{
    (void)state;
    for (int loaded = 0; loaded < 2; loaded++) {
        pair both;

        pair_with(&both, PAIR_TLS1_2, DATA("server.pem"));
        assert_ok(pyossl_ctx_set_cipher_list(both.server_ctx, "DHE"));
        if (!loaded) {
            assert_status(server_says(&both), PYOSSL_E_OPENSSL);
            pair_free(&both);
            continue;
        }
        assert_ok(pyossl_ctx_load_tmp_dh(both.server_ctx, DATA("dh.pem")));
        assert_status(client_says(&both), PYOSSL_OK);
        assert_non_null(strstr(pyossl_conn_cipher_name(both.client), "DHE-RSA"));
        assert_tmp_key(&both, PYOSSL_KEY_DH, 2048);
        pair_free(&both);
    }
}

static void test_curves_and_groups(void **state)
{
    static const int versions[] = { PAIR_TLS1_2, PAIR_TLS1_3 };

    (void)state;
    for (size_t v = 0; v < OSL_COUNT_OF(versions); v++) {
        pair both;

        /* On clients: a server of TLS 1.2 also looks at groups for its certificate's curve. */
        pair_with(&both, versions[v], DATA("server.pem"));
        assert_ok(pyossl_ctx_set_tmp_ecdh(both.client_ctx, "secp384r1"));
        assert_status(client_says(&both), PYOSSL_OK);
        assert_tmp_key(&both, PYOSSL_KEY_EC, 384);
        pair_disconnect(&both);
        assert_ok(pyossl_ctx_set_groups(both.client_ctx, "P-521:X25519"));
        assert_ok(pyossl_ctx_set_groups(both.server_ctx, "X25519"));
        assert_status(client_says(&both), PYOSSL_OK);
        assert_tmp_key(&both, PYOSSL_KEY_X25519, 253);
        pair_disconnect(&both);
        assert_ok(pyossl_ctx_set_groups(both.server_ctx, "P-256"));
        assert_ok(pyossl_ctx_set_cipher_list(both.server_ctx, "ECDHE"));
        assert_int_not_equal(server_says(&both), PYOSSL_OK);
        pair_free(&both);
    }
}

/* ---- other settings ---- */

static void test_versions_have_to_meet(void **state)
{
    pair both;

    (void)state;
    pair_contexts(&both, PAIR_TLS1_3);
    assert_ok(pyossl_ctx_set_min_version(both.server_ctx, PAIR_TLS1_2));
    assert_ok(pyossl_ctx_set_max_version(both.server_ctx, PAIR_TLS1_2));
    assert_status(server_says(&both), PYOSSL_E_OPENSSL);
    pair_disconnect(&both);
    assert_ok(pyossl_ctx_set_min_version(both.client_ctx, 0));
    assert_ok(pyossl_ctx_set_max_version(both.client_ctx, 0));
    assert_status(client_says(&both), PYOSSL_OK);
    assert_int_equal(pyossl_conn_protocol_number(both.client), PAIR_TLS1_2);
    pair_free(&both);
}

static void test_suites_and_tickets(void **state)
{
    pyossl_session *session = NULL;
    unsigned char byte;
    size_t done;
    pair both;

    (void)state;
    pair_contexts(&both, PAIR_TLS1_3);
    assert_ok(pyossl_ctx_set_ciphersuites(both.server_ctx, "TLS_CHACHA20_POLY1305_SHA256"));
    assert_ok(pyossl_ctx_set_num_tickets(both.server_ctx, 0));
    assert_status(client_says(&both), PYOSSL_OK);
    assert_string_equal(pyossl_conn_cipher_name(both.client), "TLS_CHACHA20_POLY1305_SHA256");
    assert_status(pair_read(&both, both.client, &byte, 1, &done), PYOSSL_WANT_READ);
    assert_ok(pyossl_conn_session(both.client, &session));
    assert_int_equal(pyossl_session_resumable(session), 0);
    pyossl_session_unref(session);
    pair_free(&both);
}

static void test_srtp(void **state)
{
    pair both;

    (void)state;
    pair_contexts(&both, PAIR_DTLS1_2);
    assert_ok(pyossl_ctx_set_srtp_profiles(both.client_ctx,
                                           "SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_128_GCM"));
    assert_ok(pyossl_ctx_set_srtp_profiles(both.server_ctx, "SRTP_AEAD_AES_128_GCM"));
    assert_status(client_says(&both), PYOSSL_OK);
    assert_string_equal(pyossl_conn_srtp_profile(both.client), "SRTP_AEAD_AES_128_GCM");
    assert_string_equal(pyossl_conn_srtp_profile(both.server), "SRTP_AEAD_AES_128_GCM");
    pair_free(&both);
}

/* A client may ask for handshakes without end; a server does not make them. */
static void test_na_150_clients_do_not_renegotiate(void **state)
{
    unsigned char byte;
    size_t done;
    pair both;

    (void)state;
    pair_contexts(&both, PAIR_TLS1_2);
    assert_status(client_says(&both), PYOSSL_OK);
    assert_ok(pyossl_conn_renegotiate(both.client));
    assert_status(pyossl_conn_handshake(both.client), PYOSSL_WANT_READ);
    pair_move(&both);
    assert_status(pyossl_conn_read(both.server, &byte, 1, &done), PYOSSL_WANT_READ);
    pair_move(&both);
    assert_fails(pyossl_conn_handshake(both.client), PYOSSL_E_OPENSSL);
    assert_string_equal(test_reason(), "no renegotiation");
    assert_int_equal(pyossl_conn_total_renegotiations(both.server), 0);
    pair_free(&both);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_114_modes_of_clients),
        cmocka_unit_test(test_na_114_modes_of_servers),
        cmocka_unit_test(test_na_115_flags_reach_the_connection),
        cmocka_unit_test(test_na_118_depth),
        cmocka_unit_test(test_authorities_are_named_once),
        cmocka_unit_test(test_authorities_are_told_to_clients),
        cmocka_unit_test(test_na_144_diffie_hellman_for_who_loads_parameters),
        cmocka_unit_test(test_curves_and_groups),
        cmocka_unit_test(test_versions_have_to_meet),
        cmocka_unit_test(test_suites_and_tickets),
        cmocka_unit_test(test_srtp),
        cmocka_unit_test(test_na_150_clients_do_not_renegotiate),
    };

    return cmocka_run_group_tests_name("ctx_effect", tests, NULL, NULL);
}
