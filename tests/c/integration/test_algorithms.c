/* Groups and signature algorithms, of contexts and of single connections; keys of newer types. */
#include "test.h"

#include <stdio.h>

#include "owned.h"
#include "pair.h"

static const int versions[] = { PAIR_TLS1_2, PAIR_TLS1_3, PAIR_DTLS1_2 };

/* ---- one list on one side, and what comes of it ---- */

typedef pyossl_status set_ctx_list(pyossl_ctx *ctx, const char *list);
typedef pyossl_status set_conn_list(pyossl_conn *conn, const char *list);

static const struct {
    set_ctx_list *ctx;
    set_conn_list *conn;
} setters[] = {
    { pyossl_ctx_set_groups, pyossl_conn_set_groups },
    { pyossl_ctx_set_sigalgs, pyossl_conn_set_sigalgs },
    { pyossl_ctx_set_client_sigalgs, pyossl_conn_set_client_sigalgs },
};

enum { GROUPS, SIGALGS, CLIENT_SIGALGS };

/* The server's key is of EC, and so is the client's; both certificates are signed by RSA. */
static const struct {
    const char *name;
    int what;
    bool on_client;
    const char *list;
    bool good;
    const char *group; /* that is agreed on; NULL for any */
} rows[] = {
    { "groups of the client's", GROUPS, true, "P-384:P-256", true, NULL },
    { "a group of the server's", GROUPS, false, "P-521", true, "secp521r1" },
    { "the signature that the server has", SIGALGS, true, "ECDSA+SHA256:RSA+SHA256", true, NULL },
    { "one that it has not", SIGALGS, true, "RSA+SHA256:RSA-PSS+SHA256", false, NULL },
    { "one that it may use", SIGALGS, false, "ECDSA+SHA256:RSA+SHA256", true, NULL },
    { "none that it may use", SIGALGS, false, "ed25519", false, NULL },
    { "the signature that the client has", CLIENT_SIGALGS, false, "ECDSA+SHA256:RSA+SHA256", true,
      NULL },
    { "one that it has not", CLIENT_SIGALGS, false, "RSA+SHA256:RSA-PSS+SHA256", false, NULL },
    { "one that it may use", CLIENT_SIGALGS, true, "ECDSA+SHA256:RSA+SHA256", true, NULL },
    { "none that it may use", CLIENT_SIGALGS, true, "ed448", false, NULL },
};

/* Both sides have a certificate, and both judge. */
static void contexts(pair *both, int version)
{
    pair_contexts(both, version);
    assert_ok(pyossl_ctx_use_certificate_file(both->client_ctx, DATA("client.pem"), PYOSSL_PEM));
    assert_ok(pyossl_ctx_use_pkey_file(both->client_ctx, DATA("client-key.pem"), PYOSSL_PEM));
    assert_ok(pyossl_ctx_load_verify_locations(both->server_ctx, DATA("root.pem"), NULL));
    assert_ok(pyossl_ctx_load_verify_locations(both->server_ctx, DATA("intermediate.pem"), NULL));
    assert_ok(pyossl_ctx_set_verify(both->server_ctx,
                                    PYOSSL_VERIFY_PEER | PYOSSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL,
                                    NULL, NULL));
}

static void test_lists(void **state)
{
    (void)state;
    for (size_t v = 0; v < sizeof versions / sizeof versions[0]; v++)
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
            for (int of_conn = 0; of_conn < 2; of_conn++) {
                pair both;

                print_message("# %x, %s, %d\n", (unsigned)versions[v], rows[i].name, of_conn);
                /* Before TLS 1.3 the curve of a key that signs has to be a group too. */
                if (rows[i].what == GROUPS)
                    pair_contexts(&both, versions[v]);
                else
                    contexts(&both, versions[v]);
                if (!of_conn)
                    assert_ok(setters[rows[i].what].ctx(
                        rows[i].on_client ? both.client_ctx : both.server_ctx, rows[i].list));
                pair_connect(&both, PAIR_MEMORY, 0);
                if (of_conn)
                    assert_ok(setters[rows[i].what].conn(
                        rows[i].on_client ? both.client : both.server, rows[i].list));
                assert_int_equal(pair_handshake(&both) == PYOSSL_OK, rows[i].good);
                if (rows[i].group != NULL) {
                    assert_string_equal(pyossl_conn_group_name(both.client), rows[i].group);
                    assert_string_equal(pyossl_conn_group_name(both.server), rows[i].group);
                }
                pair_free(&both);
            }
}

static void test_bad_lists(void **state)
{
    static const char *const lists[] = { "", " \t", "nonsense", "X25519:nonsense", ":" };
    pair both;

    (void)state;
    pair_contexts(&both, PAIR_TLS1_3);
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_ok(pyossl_conn_set_groups(both.client, "P-384"));
    for (size_t s = 0; s < sizeof setters / sizeof setters[0]; s++)
        for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
            assert_fails(setters[s].ctx(both.client_ctx, lists[i]), PYOSSL_E_OPENSSL);
            assert_fails(setters[s].conn(both.client, lists[i]), PYOSSL_E_OPENSSL);
        }
    /* A context that changes meanwhile leaves the connection what was asked of it alone. */
    assert_ok(pyossl_ctx_set_groups(both.client_ctx, "P-256"));
    assert_ok(pair_handshake(&both));
    assert_string_equal(pyossl_conn_group_name(both.client), "secp384r1");
    for (size_t s = 0; s < sizeof setters / sizeof setters[0]; s++)
        assert_fails(setters[s].conn(both.client, s == GROUPS ? "P-256" : "ECDSA+SHA256"),
                     PYOSSL_E_STATE);
    pair_free(&both);
}

/* ---- with the context that a name leads to ---- */

static pyossl_answer move(pyossl_conn *conn, void *userdata)
{
    assert_ok(pyossl_conn_set_ctx(conn, userdata));
    return PYOSSL_ANSWER_ACCEPT;
}

/* That context has an RSA key, which nobody may sign with on this connection. */
static void test_lists_stay_where_the_context_changes(void **state)
{
    (void)state;
    for (int own = 0; own < 2; own++) {
        OWNED(ctx) site = NULL;
        pair both;

        pair_contexts(&both, PAIR_TLS1_3);
        assert_ok(pyossl_ctx_new(&site, PYOSSL_TLS));
        assert_ok(pyossl_ctx_use_certificate_file(site, DATA("server.pem"), PYOSSL_PEM));
        assert_ok(pyossl_ctx_use_pkey_file(site, DATA("rsa.pem"), PYOSSL_PEM));
        assert_ok(
            pyossl_ctx_load_verify_locations(both.client_ctx, DATA("intermediate.pem"), NULL));
        assert_ok(pyossl_ctx_set_servername(both.server_ctx, move, site, NULL));
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_ok(pyossl_conn_set_servername(both.client, "site.test", 9));
        if (own)
            assert_ok(pyossl_conn_set_sigalgs(both.server, "ECDSA+SHA256"));
        assert_int_equal(pair_handshake(&both) == PYOSSL_OK, !own);
        pair_free(&both);
    }
}

/* ---- what was signed with ---- */

static void assert_name(const char *told, const char *expected)
{
    if (pyossl_has(PYOSSL_FEATURE_SIGNATURE_NAME) == 1 && expected != NULL)
        assert_string_equal(told, expected);
    else
        assert_null(told);
}

static void test_names_of_signatures(void **state)
{
    pair both;

    (void)state;
    for (size_t v = 0; v < sizeof versions / sizeof versions[0]; v++) {
        contexts(&both, versions[v]);
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_null(pyossl_conn_signature_name(both.client));
        assert_null(pyossl_conn_peer_signature_name(both.client));
        assert_ok(
            pyossl_conn_set_client_sigalgs(both.server, "ecdsa_secp384r1_sha384:ECDSA+SHA256"));
        assert_ok(pair_handshake(&both));
        assert_name(pyossl_conn_signature_name(both.server), "ecdsa_secp256r1_sha256");
        assert_name(pyossl_conn_peer_signature_name(both.client), "ecdsa_secp256r1_sha256");
        assert_name(pyossl_conn_peer_signature_name(both.server),
                    pyossl_conn_signature_name(both.client));
        /* Behind the handshake OpenSSL could point into a context that is gone. */
        if (versions[v] != PAIR_DTLS1_2) {
            OWNED(ctx) other = NULL;

            assert_ok(pyossl_ctx_new(&other, PYOSSL_TLS));
            assert_ok(pyossl_conn_set_ctx(both.server, other));
            assert_null(pyossl_conn_signature_name(both.server));
            assert_null(pyossl_conn_peer_signature_name(both.server));
        }
        pair_free(&both);
    }
}

/* ---- ML-DSA and ML-KEM ---- */

static void set_name(pyossl_x509 *cert, const char *subject, const char *issuer)
{
    OWNED(name) name = NULL;

    assert_ok(pyossl_name_new(&name));
    assert_ok(pyossl_name_set(name, "CN", subject, strlen(subject)));
    assert_ok(pyossl_x509_set_subject(cert, name));
    assert_ok(pyossl_name_set(name, "CN", issuer, strlen(issuer)));
    assert_ok(pyossl_x509_set_issuer(cert, name));
}

static pyossl_x509 *certificate(const char *subject, const pyossl_pkey *key,
                                const pyossl_pkey *issuer_key, const char *extension,
                                const char *value)
{
    OWNED(ext) ext = NULL;
    pyossl_x509 *cert = NULL;

    assert_ok(pyossl_x509_new(&cert));
    assert_ok(pyossl_x509_set_version(cert, 2));
    assert_ok(pyossl_x509_set_serial(cert, "01"));
    set_name(cert, subject, "authority");
    assert_ok(pyossl_x509_set_not_before(cert, "20200101000000Z", 15));
    assert_ok(pyossl_x509_set_not_after(cert, "20990101000000Z", 15));
    assert_ok(pyossl_x509_set_pubkey(cert, key));
    assert_ok(pyossl_ext_new(&ext, extension, 1, value, strlen(value), NULL, NULL));
    assert_ok(pyossl_x509_add_exts(cert, &ext, 1));
    assert_ok(pyossl_x509_sign(cert, issuer_key, NULL));
    return cert;
}

static pyossl_pkey *key_of(const char *type)
{
    pyossl_pkey *key = NULL;

    assert_ok(pyossl_pkey_generate_named(&key, type, 0, NULL));
    return key;
}

/* @ctx has a certificate of @type by that authority, and trusts the authority alone. */
static void identify(pyossl_ctx *ctx, const char *type, pyossl_x509 *authority,
                     const pyossl_pkey *authority_key)
{
    OWNED(pkey) key = key_of(type);
    OWNED(x509)
    cert = certificate("peer.test", key, authority_key, "subjectAltName", "DNS:peer.test");
    OWNED(store) store = NULL;

    assert_ok(pyossl_ctx_use_identity(ctx, cert, key, NULL, 0));
    assert_ok(pyossl_ctx_store(ctx, &store));
    assert_ok(pyossl_store_add_cert(store, authority));
    assert_ok(pyossl_ctx_set_verify(ctx, PYOSSL_VERIFY_PEER | PYOSSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                                    NULL, NULL, NULL));
}

static void test_ml_dsa_handshakes(void **state)
{
    static const struct {
        const char *authority, *server, *client, *names[2];
    } types[] = {
        { "ML-DSA-87", "ML-DSA-44", "ML-DSA-65", { "mldsa44", "mldsa65" } },
        { "ML-DSA-44", "ML-DSA-87", "ED25519", { "mldsa87", "ed25519" } },
        { "ED25519", "ML-DSA-65", "ED25519", { "mldsa65", "ed25519" } },
        { "SLH-DSA-SHA2-128f", "ML-DSA-65", "ML-DSA-65", { "mldsa65", "mldsa65" } },
    };

    (void)state;
    if (pyossl_has(PYOSSL_FEATURE_ML_DSA) != 1 || pyossl_has(PYOSSL_FEATURE_ML_KEM) != 1) {
        print_message("this OpenSSL has no ML-DSA and ML-KEM\n");
        skip();
    }
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        OWNED(pkey) key = key_of(types[i].authority);
        OWNED(x509) authority = certificate("authority", key, key, "basicConstraints", "CA:TRUE");
        pair both;

        pair_contexts(&both, PAIR_TLS1_3);
        identify(both.server_ctx, types[i].server, authority, key);
        identify(both.client_ctx, types[i].client, authority, key);
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_ok(pyossl_conn_set_groups(both.client, "X25519MLKEM768"));
        assert_ok(pyossl_conn_set_verify_hostname(both.client, "peer.test", 9, 0));
        assert_ok(pair_handshake(&both));
        assert_string_equal(pyossl_conn_group_name(both.server), "X25519MLKEM768");
        assert_name(pyossl_conn_signature_name(both.server), types[i].names[0]);
        assert_name(pyossl_conn_peer_signature_name(both.client), types[i].names[0]);
        assert_name(pyossl_conn_signature_name(both.client), types[i].names[1]);
        assert_name(pyossl_conn_peer_signature_name(both.server), types[i].names[1]);
        pair_send(&both, both.client, both.server, "hello", 5);
        pair_disconnect(&both);
        /* An authority that is not trusted, and an algorithm that is not wanted. */
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_ok(pyossl_conn_set_sigalgs(both.client, "ed25519:ecdsa_secp256r1_sha256"));
        assert_true(pair_handshake(&both) != PYOSSL_OK);
        pair_free(&both);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_bad_lists),
        cmocka_unit_test(test_lists_stay_where_the_context_changes),
        cmocka_unit_test(test_names_of_signatures),
        cmocka_unit_test(test_ml_dsa_handshakes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
