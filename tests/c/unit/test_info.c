/* Facts about connections, in every state (NA-143) and with their values. */
#include "pair.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "pyossl/callbacks.h"
#include "pyossl/info.h"
#include "pyossl/name.h"
#include "pyossl/session.h"
#include "pyossl/x509.h"
#include "ssl/tls.h"

static const int versions[] = { PAIR_TLS1_2, PAIR_TLS1_3, PAIR_DTLS1_2 };

/* ---- every question in every state ---- */

static void allow(pyossl_status status, pyossl_status other)
{
    if (status != PYOSSL_OK)
        assert_status(status, other);
    assert_int_equal(ERR_peek_error(), 0);
}

static void ask_values(pyossl_conn *conn)
{
    size_t len = 99;
    int i;

    (void)pyossl_conn_pending(conn);
    assert_int_equal(pyossl_conn_has_pending(conn) & ~1, 0);
    assert_int_equal(pyossl_conn_wants_read(conn) & ~1, 0);
    assert_int_equal(pyossl_conn_wants_write(conn) & ~1, 0);
    assert_int_equal(pyossl_conn_begun(conn) & ~1, 0);
    assert_int_equal(pyossl_conn_established(conn) & ~1, 0);
    assert_between(pyossl_conn_is_server(conn) + 1, 0, 2);
    assert_int_equal(pyossl_conn_is_dtls(conn) & ~1, 0);
    assert_non_null(pyossl_conn_state_string(conn));
    assert_between(pyossl_conn_shutdown_state(conn), 0, 3);
    assert_int_equal(pyossl_conn_renegotiate_pending(conn) & ~1, 0);
    assert_int_equal(pyossl_conn_total_renegotiations(conn), 0);
    (void)pyossl_conn_fd(conn);
    assert_non_null(pyossl_conn_protocol(conn));
    assert_true(pyossl_conn_protocol_number(conn) > 0x300);
    (void)pyossl_conn_cipher_name(conn);
    (void)pyossl_conn_cipher_version(conn);
    assert_true(pyossl_conn_cipher_bits(conn) >= -1);
    for (i = 0; pyossl_conn_cipher_at(conn, i) != NULL; i++)
        assert_true(i < 1000);
    assert_true(i > 0);
    assert_null(pyossl_conn_cipher_at(conn, -1));
    assert_null(pyossl_conn_cipher_at(conn, 0x7fffffff));
    (void)pyossl_conn_group_name(conn);
    assert_int_equal(pyossl_conn_resumed(conn) & ~1, 0);
    (void)pyossl_conn_alpn(conn, &len);
    assert_int_equal(len, 0);
    len = 99;
    (void)pyossl_conn_npn(conn, &len);
    assert_int_equal(len, 0);
    (void)pyossl_conn_servername(conn);
    assert_null(pyossl_conn_srtp_profile(conn));
    (void)pyossl_conn_cleartext_mtu(conn);
    assert_true(pyossl_conn_dtls_timeout(conn) >= -1);
    (void)pyossl_conn_verify_result(conn);
    assert_between(pyossl_conn_verify_mode(conn), 0, 15);
    (void)pyossl_conn_client_ca_count(conn);
    (void)pyossl_conn_options(conn);
    (void)pyossl_conn_mode(conn);
    (void)pyossl_conn_drainable(conn);
    assert_int_equal(ERR_peek_error(), 0);
}

static void ask_secrets(pyossl_conn *conn)
{
    osl_auto_buf buf = PYOSSL_BUF_INIT;

    for (int which = PYOSSL_CLIENT_RANDOM; which <= PYOSSL_PEER_FINISHED; which++)
        allow(pyossl_conn_secret(conn, (pyossl_secret)which, &buf), PYOSSL_E_NOT_FOUND);
    assert_fails(pyossl_conn_secret(conn, (pyossl_secret)0, &buf),
                 pyossl_conn_begun(conn) ? PYOSSL_E_ARGUMENT : PYOSSL_E_NOT_FOUND);
    allow(pyossl_conn_export_keying_material(conn, "label", 5, NULL, 0, 16, &buf), PYOSSL_E_STATE);
}

static void ask_objects(pyossl_conn *conn)
{
    osl_auto(pyossl_x509) *peer = NULL;
    osl_auto(pyossl_x509) *own = NULL;
    osl_auto(pyossl_name) *name = NULL;
    osl_auto(pyossl_pkey) *key = NULL;
    osl_auto(pyossl_session) *session = NULL;
    osl_auto_x509_list sent = PYOSSL_X509_LIST_INIT;
    osl_auto_x509_list built = PYOSSL_X509_LIST_INIT;

    allow(pyossl_conn_peer_certificate(conn, &peer), PYOSSL_E_NOT_FOUND);
    allow(pyossl_conn_certificate(conn, &own), PYOSSL_E_NOT_FOUND);
    allow(pyossl_conn_peer_chain(conn, &sent), PYOSSL_E_NOT_FOUND);
    allow(pyossl_conn_verified_chain(conn, &built), PYOSSL_E_NOT_FOUND);
    assert_fails(pyossl_conn_client_ca_at(conn, 1000, &name), PYOSSL_E_NOT_FOUND);
    allow(pyossl_conn_peer_tmp_key(conn, &key), PYOSSL_E_NOT_FOUND);
    allow(pyossl_conn_session(conn, &session), PYOSSL_E_NOT_FOUND);
}

static void ask_all(pyossl_conn *conn)
{
    ask_values(conn);
    ask_secrets(conn);
    ask_objects(conn);
}

static void ask_both(pair *both)
{
    ask_all(both->client);
    ask_all(both->server);
}

static void inside(pyossl_conn *conn, int where, int ret, void *userdata)
{
    (void)where;
    (void)ret;
    ++*(int *)userdata;
    ask_all(conn);
}

static void test_na_143_before_and_in_a_handshake(void **state)
{
    pyossl_conn *bare = NULL;
    int asked = 0;
    pair both;

    (void)state;
    for (size_t v = 0; v < OSL_COUNT_OF(versions); v++) {
        pair_contexts(&both, versions[v]);
        assert_ok(pyossl_conn_new(&bare, both.client_ctx));
        ask_all(bare); /* no side, no transport */
        pyossl_conn_unref(bare);
        assert_ok(pyossl_ctx_set_info(both.client_ctx, inside, &asked, NULL));
        assert_ok(pyossl_ctx_set_info(both.server_ctx, inside, &asked, NULL));
        pair_connect(&both, PAIR_MEMORY, 0);
        ask_both(&both);
        for (int i = 0; i < 4; i++) {
            (void)!pyossl_conn_handshake(both.client);
            ask_both(&both);
            pair_move(&both);
            (void)!pyossl_conn_handshake(both.server);
            ask_both(&both);
            pair_move(&both);
        }
        pair_free(&both);
    }
    assert_true(asked > 20);
}

static void test_na_143_afterwards(void **state)
{
    unsigned char byte;
    size_t done;
    pair both;

    (void)state;
    for (size_t v = 0; v < OSL_COUNT_OF(versions); v++) {
        pair_establish(&both, versions[v], PAIR_MEMORY, 0);
        ask_both(&both);
        pair_send(&both, both.client, both.server, "x", 1);
        ask_both(&both);
        pair_shutdown(&both);
        ask_both(&both);
        pyossl_conn_detach(both.client);
        ask_both(&both);
        pair_free(&both);

        pair_establish(&both, versions[v], PAIR_MEMORY, 0); /* cut */
        assert_ok(pyossl_conn_feed_eof(both.client));
        (void)!pyossl_conn_read(both.client, &byte, 1, &done);
        ask_both(&both);
        pair_free(&both);

        pair_contexts(&both, versions[v]); /* failed */
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_ok(pyossl_conn_set_verify_hostname(both.client, "elsewhere.example", 17, 0));
        assert_status(pair_handshake(&both), PYOSSL_E_VERIFY);
        assert_false(pyossl_conn_established(both.client));
        ask_both(&both);
        pair_free(&both);
    }
}

/* ---- values ---- */

static void test_what_was_negotiated(void **state)
{
    static const struct {
        int version;
        const char *protocol;
    } table[] = {
        { PAIR_TLS1_2, "TLSv1.2" },
        { PAIR_TLS1_3, "TLSv1.3" },
        { PAIR_DTLS1_2, "DTLSv1.2" },
    };
    pair both;

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(table); i++) {
        pair_contexts(&both, table[i].version);
        assert_ok(pyossl_ctx_set_groups(both.client_ctx, "X25519:P-256"));
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_string_equal(pyossl_conn_state_string(both.client), "before SSL initialization");
        assert_null(pyossl_conn_cipher_name(both.client));
        assert_null(pyossl_conn_cipher_version(both.client));
        assert_int_equal(pyossl_conn_cipher_bits(both.client), -1);
        assert_null(pyossl_conn_group_name(both.client));
        assert_int_equal(pyossl_conn_fd(both.client), -1);
        assert_ok(pair_handshake(&both));
        assert_string_equal(pyossl_conn_protocol(both.server), table[i].protocol);
        assert_int_equal(pyossl_conn_protocol_number(both.server), table[i].version);
        assert_int_equal(pyossl_conn_is_dtls(both.server), both.datagrams);
        assert_non_null(pyossl_conn_cipher_name(both.server));
        assert_string_equal(pyossl_conn_cipher_name(both.server),
                            pyossl_conn_cipher_name(both.client));
        assert_int_equal(pyossl_conn_cipher_bits(both.client), 256);
        assert_string_equal(pyossl_conn_cipher_version(both.client),
                            both.datagrams ? "TLSv1.2" : table[i].protocol);
        assert_string_equal(pyossl_conn_group_name(both.client), "x25519");
        assert_int_equal(pyossl_conn_is_server(both.client), 0);
        assert_int_equal(pyossl_conn_is_server(both.server), 1);
        assert_string_equal(pyossl_conn_state_string(both.client),
                            "SSL negotiation finished successfully");
        pair_free(&both);
    }
}

static pyossl_answer choose_last(pyossl_conn *conn, const unsigned char *offered,
                                 size_t offered_len, unsigned char *selected, size_t *selected_len,
                                 void *userdata)
{
    const unsigned char *last = offered + 3;

    (void)conn;
    (void)userdata;
    assert_int_equal(offered_len, 12);
    memcpy(selected, last + 1, last[0]);
    *selected_len = last[0];
    return PYOSSL_ANSWER_ACCEPT;
}

static void test_names_and_protocols(void **state)
{
    static const unsigned char protos[] = "\x02h2\x08http/1.1";
    const unsigned char *alpn;
    size_t len;
    pair both;

    (void)state;
    for (size_t v = 0; v < OSL_COUNT_OF(versions); v++) {
        pair_contexts(&both, versions[v]);
        assert_ok(pyossl_ctx_set_alpn_select(both.server_ctx, choose_last, NULL, NULL));
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_ok(pyossl_conn_set_servername(both.client, "www.example.test", 16));
        assert_ok(pyossl_conn_set_alpn_protos(both.client, protos, sizeof protos - 1));
        assert_string_equal(pyossl_conn_servername(both.client), "www.example.test");
        assert_ok(pair_handshake(&both));
        assert_string_equal(pyossl_conn_servername(both.client), "www.example.test");
        assert_string_equal(pyossl_conn_servername(both.server), "www.example.test");
        alpn = pyossl_conn_alpn(both.client, &len);
        assert_int_equal(len, 8);
        assert_memory_equal(alpn, "http/1.1", 8);
        alpn = pyossl_conn_alpn(both.server, &len);
        assert_int_equal(len, 8);
        assert_memory_equal(alpn, "http/1.1", 8);
        pair_free(&both);
    }
}

static void test_srtp(void **state)
{
    pair both;

    (void)state;
    pair_contexts(&both, PAIR_DTLS1_2);
    assert_ok(pyossl_ctx_set_srtp_profiles(both.client_ctx, "SRTP_AES128_CM_SHA1_80"));
    assert_ok(pyossl_ctx_set_srtp_profiles(both.server_ctx, "SRTP_AES128_CM_SHA1_80"));
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_null(pyossl_conn_srtp_profile(both.client));
    assert_ok(pair_handshake(&both));
    assert_string_equal(pyossl_conn_srtp_profile(both.client), "SRTP_AES128_CM_SHA1_80");
    assert_string_equal(pyossl_conn_srtp_profile(both.server), "SRTP_AES128_CM_SHA1_80");
    pair_free(&both);
}

static void assert_cert(pyossl_x509 *cert, const char *path)
{
    osl_auto_buf pem = PYOSSL_BUF_INIT;
    osl_auto(pyossl_x509) *wanted = NULL;

    assert_ok(osl_file_read(path, OSL_FILE_MAX, &pem));
    assert_ok(pyossl_x509_load(&wanted, PYOSSL_PEM, pem.data, pem.len));
    assert_int_equal(X509_cmp(osl_x509_full(cert), osl_x509_full(wanted)), 0);
}

/* Where the key exchange is a KEM, only the client has sent a key. */
static void test_hybrid_group(void **state)
{
    osl_auto(pyossl_pkey) *key = NULL;
    pyossl_pkey *none = NULL;
    pair both;

    (void)state;
    pair_contexts(&both, PAIR_TLS1_3);
    if (pyossl_ctx_set_groups(both.client_ctx, "X25519MLKEM768") != PYOSSL_OK) {
        pair_free(&both);
        skip(); /* before 3.5 OpenSSL has none */
    }
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_ok(pair_handshake(&both));
    assert_string_equal(pyossl_conn_group_name(both.client), "X25519MLKEM768");
    assert_string_equal(pyossl_conn_group_name(both.server), "X25519MLKEM768");
    assert_fails(pyossl_conn_peer_tmp_key(both.client, &none), PYOSSL_E_NOT_FOUND);
    assert_null(none);
    assert_ok(pyossl_conn_peer_tmp_key(both.server, &key));
    pair_free(&both);
    assert_int_equal(pyossl_pkey_bits(key), 768);
}

static void test_certificates(void **state)
{
    osl_auto_x509_list sent = PYOSSL_X509_LIST_INIT;
    osl_auto_x509_list built = PYOSSL_X509_LIST_INIT;
    osl_auto(pyossl_x509) *peer = NULL;
    osl_auto(pyossl_x509) *own = NULL;
    osl_auto(pyossl_pkey) *key = NULL;
    pair both;

    (void)state;
    pair_contexts(&both, PAIR_TLS1_3);
    assert_ok(pyossl_ctx_set_groups(both.client_ctx, "X25519"));
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_ok(pair_handshake(&both));
    assert_ok(pyossl_conn_peer_certificate(both.client, &peer));
    assert_ok(pyossl_conn_certificate(both.server, &own));
    assert_ok(pyossl_conn_peer_chain(both.client, &sent));
    assert_ok(pyossl_conn_verified_chain(both.client, &built));
    assert_ok(pyossl_conn_peer_tmp_key(both.client, &key));
    assert_fails(pyossl_conn_peer_certificate(both.server, &own), PYOSSL_E_NOT_FOUND);
    assert_fails(pyossl_conn_peer_chain(both.server, &sent), PYOSSL_E_NOT_FOUND);
    assert_fails(pyossl_conn_certificate(both.client, &peer), PYOSSL_E_NOT_FOUND);
    assert_int_equal(pyossl_conn_verify_result(both.client), X509_V_OK);
    assert_int_equal(pyossl_conn_verify_mode(both.client), PYOSSL_VERIFY_PEER);
    pair_free(&both); /* what was handed out is ours (NA-066) */
    assert_cert(peer, DATA("server-ec.pem"));
    assert_cert(own, DATA("server-ec.pem"));
    assert_int_equal(sent.count, 2);
    assert_cert(sent.items[0], DATA("server-ec.pem"));
    assert_cert(sent.items[1], DATA("intermediate.pem"));
    assert_int_equal(built.count, 3);
    assert_cert(built.items[0], DATA("server-ec.pem"));
    assert_cert(built.items[2], DATA("root.pem"));
}

/* Refused or not, the chain that was built can be seen. */
static void test_refused_chain(void **state)
{
    osl_auto_x509_list built = PYOSSL_X509_LIST_INIT;
    pair both;

    (void)state;
    pair_contexts(&both, PAIR_TLS1_2);
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_ok(pyossl_conn_set_verify_hostname(both.client, "elsewhere.example", 17, 0));
    assert_status(pair_handshake(&both), PYOSSL_E_VERIFY);
    assert_int_equal(pyossl_conn_verify_result(both.client), X509_V_ERR_HOSTNAME_MISMATCH);
    assert_ok(pyossl_conn_verified_chain(both.client, &built));
    assert_true(built.count > 0);
    assert_cert(built.items[0], DATA("server-ec.pem"));
    pair_free(&both);
}

static void test_client_authorities(void **state)
{
    osl_auto(pyossl_name) *name = NULL;
    osl_auto(pyossl_name) *seen = NULL;
    int order = 9;
    pair both;

    (void)state;
    pair_contexts(&both, PAIR_TLS1_3);
    assert_ok(pyossl_ctx_load_client_ca(both.server_ctx, DATA("root.pem")));
    assert_ok(pyossl_ctx_set_verify(both.server_ctx, PYOSSL_VERIFY_PEER, NULL, NULL, NULL));
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_int_equal(pyossl_conn_client_ca_count(both.client), 0);
    assert_int_equal(pyossl_conn_client_ca_count(both.server), 1);
    assert_ok(pair_handshake(&both));
    assert_int_equal(pyossl_conn_client_ca_count(both.client), 1);
    assert_ok(pyossl_conn_client_ca_at(both.client, 0, &seen));
    assert_ok(pyossl_conn_client_ca_at(both.server, 0, &name));
    assert_ok(pyossl_name_compare(name, seen, &order));
    assert_int_equal(order, 0);
    assert_fails(pyossl_conn_client_ca_at(both.client, 1, &name), PYOSSL_E_NOT_FOUND);
    /* A server shows what its context says by now. */
    assert_ok(pyossl_ctx_load_client_ca(both.server_ctx, DATA("authorities.pem")));
    assert_int_equal(pyossl_conn_client_ca_count(both.server), 2);
    assert_int_equal(pyossl_conn_client_ca_count(both.client), 1);
    pair_free(&both);
}

/* ---- secrets ---- */

static void assert_same_secret(pyossl_conn *a, pyossl_secret of_a, pyossl_conn *b,
                               pyossl_secret of_b, size_t len)
{
    osl_auto_buf first = PYOSSL_BUF_INIT;
    osl_auto_buf second = PYOSSL_BUF_INIT;

    assert_ok(pyossl_conn_secret(a, of_a, &first));
    assert_ok(pyossl_conn_secret(b, of_b, &second));
    assert_int_equal(first.len, second.len);
    if (len > 0)
        assert_int_equal(first.len, len);
    assert_true(first.len > 0);
    assert_memory_equal(first.data, second.data, first.len);
}

static void test_secrets_are_shared(void **state)
{
    osl_auto_buf none = PYOSSL_BUF_INIT;
    pair both;

    (void)state;
    for (size_t v = 0; v < OSL_COUNT_OF(versions); v++) {
        pair_contexts(&both, versions[v]);
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_fails(pyossl_conn_secret(both.client, PYOSSL_CLIENT_RANDOM, &none),
                     PYOSSL_E_NOT_FOUND);
        assert_null(none.data);
        assert_ok(pair_handshake(&both));
        pair_send(&both, both.server, both.client, "x", 1); /* with the tickets before it */
        assert_same_secret(both.client, PYOSSL_CLIENT_RANDOM, both.server, PYOSSL_CLIENT_RANDOM,
                           32);
        assert_same_secret(both.client, PYOSSL_SERVER_RANDOM, both.server, PYOSSL_SERVER_RANDOM,
                           32);
        assert_same_secret(both.client, PYOSSL_FINISHED, both.server, PYOSSL_PEER_FINISHED, 0);
        assert_same_secret(both.server, PYOSSL_FINISHED, both.client, PYOSSL_PEER_FINISHED, 0);
        if (versions[v] != PAIR_TLS1_3)
            assert_same_secret(both.client, PYOSSL_MASTER_KEY, both.server, PYOSSL_MASTER_KEY, 48);
        pair_free(&both);
    }
}

static void export(pyossl_conn *conn, const char *context, size_t context_len, size_t len,
                   pyossl_buf *out)
{
    assert_ok(pyossl_conn_export_keying_material(conn, "EXPORTER-test", 13, context, context_len,
                                                 len, out));
    assert_int_equal(out->len, len);
}

static void test_exported_material(void **state)
{
    osl_auto_buf a = PYOSSL_BUF_INIT;
    osl_auto_buf b = PYOSSL_BUF_INIT;
    static const char context[70000];
    pair both;

    (void)state;
    for (size_t v = 0; v < OSL_COUNT_OF(versions); v++) {
        pair_contexts(&both, versions[v]);
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_fails(
            pyossl_conn_export_keying_material(both.client, "EXPORTER-test", 13, NULL, 0, 16, &a),
            PYOSSL_E_STATE);
        assert_ok(pair_handshake(&both));
        export(both.client, NULL, 0, 32, &a);
        export(both.server, NULL, 0, 32, &b);
        assert_memory_equal(a.data, b.data, 32);
        export(both.client, "", 0, 32, &b);
        /* Empty is not none, before TLS 1.3. */
        assert_int_equal(memcmp(a.data, b.data, 32) == 0, versions[v] == PAIR_TLS1_3);
        export(both.client, "mixed", 5, 32, &a);
        export(both.server, "mixed", 5, 32, &b);
        assert_memory_equal(a.data, b.data, 32);
        export(both.client, "mixed", 5, 1000, &a);
        assert_fails(pyossl_conn_export_keying_material(both.client, "x", 1, context,
                                                        sizeof context, 16, &a),
                     PYOSSL_E_ARGUMENT);
        assert_int_equal(a.len, 1000); /* untouched */
        pair_free(&both);
    }
}

static void test_descriptor_that_is_read(void **state)
{
    static const pair_kind kinds[] = { PAIR_SOCKET, PAIR_PIPES };

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(kinds); i++) {
        pair both;

        pair_contexts(&both, PAIR_TLS1_3);
        pair_connect(&both, kinds[i], 0);
        assert_int_equal(pyossl_conn_fd(both.client), both.client_fds[0]);
        assert_int_equal(pyossl_conn_fd(both.server), both.server_fds[0]);
        pair_free(&both);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_descriptor_that_is_read),
        cmocka_unit_test(test_na_143_before_and_in_a_handshake),
        cmocka_unit_test(test_na_143_afterwards),
        cmocka_unit_test(test_what_was_negotiated),
        cmocka_unit_test(test_names_and_protocols),
        cmocka_unit_test(test_srtp),
        cmocka_unit_test(test_certificates),
        cmocka_unit_test(test_hybrid_group),
        cmocka_unit_test(test_refused_chain),
        cmocka_unit_test(test_client_authorities),
        cmocka_unit_test(test_secrets_are_shared),
        cmocka_unit_test(test_exported_material),
    };

    return cmocka_run_group_tests_name("info", tests, NULL, NULL);
}
