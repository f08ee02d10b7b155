/* Who is let in: every verification mode with every kind of certificate, on both sides. */
#include "test.h"

#include <stdio.h>

#include <openssl/x509_vfy.h>

#include "owned.h"
#include "pair.h"

typedef struct row {
    const char *name;
    int mode;
    const char *cert, *key; /* NULL for none */
    int good;               /* whether the handshake is to succeed */
    long result;            /* what is recorded of the chain */
} row;

enum { FAIL_WITHOUT = PYOSSL_VERIFY_PEER | PYOSSL_VERIFY_FAIL_IF_NO_PEER_CERT };

/* Certificates that a client may show a server that trusts `root`. */
static const row clients[] = {
    { "none: nothing shown", PYOSSL_VERIFY_NONE, NULL, NULL, 1, X509_V_OK },
    { "none: good", PYOSSL_VERIFY_NONE, DATA("client.pem"), DATA("client-key.pem"), 1, X509_V_OK },
    { "none: of another root", PYOSSL_VERIFY_NONE, DATA("other-root.pem"),
      DATA("other-root-key.pem"), 1, X509_V_OK },
    { "peer: nothing shown", PYOSSL_VERIFY_PEER, NULL, NULL, 1, X509_V_OK },
    { "peer: good", PYOSSL_VERIFY_PEER, DATA("client.pem"), DATA("client-key.pem"), 1, X509_V_OK },
    { "peer: of another root", PYOSSL_VERIFY_PEER, DATA("other-root.pem"),
      DATA("other-root-key.pem"), 0, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT },
    { "peer: of a server", PYOSSL_VERIFY_PEER, DATA("server-ec.pem"), DATA("ec.pem"), 0,
      X509_V_ERR_INVALID_PURPOSE },
    { "required: nothing shown", FAIL_WITHOUT, NULL, NULL, 0, X509_V_OK },
    { "required: good", FAIL_WITHOUT, DATA("client.pem"), DATA("client-key.pem"), 1, X509_V_OK },
    { "required: of another root", FAIL_WITHOUT, DATA("other-root.pem"), DATA("other-root-key.pem"),
      0, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT },
};

/* Certificates that a server may show a client that trusts `root`. */
static const row servers[] = {
    { "none: good", PYOSSL_VERIFY_NONE, DATA("server.pem"), DATA("rsa.pem"), 1, X509_V_OK },
    { "none: expired", PYOSSL_VERIFY_NONE, DATA("expired.pem"), DATA("rsa.pem"), 1,
      X509_V_ERR_CERT_HAS_EXPIRED },
    { "none: of another root", PYOSSL_VERIFY_NONE, DATA("stranger.pem"), DATA("client-key.pem"), 1,
      X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY },
    { "peer: good", PYOSSL_VERIFY_PEER, DATA("server.pem"), DATA("rsa.pem"), 1, X509_V_OK },
    { "peer: good, Ed25519", PYOSSL_VERIFY_PEER, DATA("server-ed25519.pem"), DATA("ed25519.pem"), 1,
      X509_V_OK },
    { "peer: expired", PYOSSL_VERIFY_PEER, DATA("expired.pem"), DATA("rsa.pem"), 0,
      X509_V_ERR_CERT_HAS_EXPIRED },
    { "peer: not yet valid", PYOSSL_VERIFY_PEER, DATA("not-yet-valid.pem"), DATA("rsa.pem"), 0,
      X509_V_ERR_CERT_NOT_YET_VALID },
    { "peer: of another root", PYOSSL_VERIFY_PEER, DATA("stranger.pem"), DATA("client-key.pem"), 0,
      X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY },
    { "peer: of a client", PYOSSL_VERIFY_PEER, DATA("client.pem"), DATA("client-key.pem"), 0,
      X509_V_ERR_INVALID_PURPOSE },
    { "required: means the same to a client", FAIL_WITHOUT, DATA("expired.pem"), DATA("rsa.pem"), 0,
      X509_V_ERR_CERT_HAS_EXPIRED },
};

static const int versions[] = { PAIR_TLS1_2, PAIR_TLS1_3 };

static void use(pyossl_ctx *ctx, const char *cert, const char *key)
{
    if (cert == NULL)
        return;
    assert_ok(pyossl_ctx_use_certificate_file(ctx, cert, PYOSSL_PEM));
    assert_ok(pyossl_ctx_use_pkey_file(ctx, key, PYOSSL_PEM));
}

/* A chain needs `intermediate`, which the side that is judged sends along. */
static void send_intermediate(pyossl_ctx *ctx)
{
    OWNED(store) store = NULL;
    OWNED_LIST certs = PYOSSL_X509_LIST_INIT;

    assert_ok(pyossl_store_new(&store));
    assert_ok(pyossl_store_load_locations(store, DATA("intermediate.pem"), NULL));
    assert_ok(pyossl_store_certs(store, &certs));
    assert_int_equal(certs.count, 1);
    assert_ok(pyossl_ctx_add_extra_chain_cert(ctx, certs.items[0]));
}

/* Whoever refused sends nothing more. */
static void assert_refused(pyossl_conn *judge)
{
    size_t done = 7;

    assert_int_not_equal(pyossl_conn_write(judge, "x", 1, &done), PYOSSL_OK);
    assert_int_equal(done, 0);
    assert_int_equal(pyossl_conn_established(judge), 0);
}

static void judge_client(const row *r, int version)
{
    pyossl_status client, server;
    pair both;

    pair_contexts(&both, version);
    use(both.client_ctx, r->cert, r->key);
    if (r->cert != NULL)
        send_intermediate(both.client_ctx);
    assert_ok(pyossl_ctx_load_verify_locations(both.server_ctx, DATA("root.pem"), NULL));
    assert_ok(pyossl_ctx_set_verify(both.server_ctx, r->mode, NULL, NULL, NULL));
    pair_connect(&both, PAIR_MEMORY, 0);
    (void)pair_handshake_both(&both, &client, &server);
    assert_int_equal(server == PYOSSL_OK, r->good);
    if (r->good) {
        assert_int_equal(pyossl_conn_verify_result(both.server), r->result);
        pair_send(&both, both.client, both.server, "hello", 5);
    } else {
        assert_status(server, PYOSSL_E_VERIFY);
        assert_int_equal(pyossl_conn_verify_result(both.server), r->result);
        assert_refused(both.server);
    }
    pair_free(&both);
}

static void judge_server(const row *r, int version)
{
    pyossl_status client, server;
    pair both;

    pair_contexts(&both, version);
    /* This certificate alone: a server with several would show another to some clients. */
    pyossl_ctx_unref(both.server_ctx);
    assert_ok(pyossl_ctx_new(&both.server_ctx, PYOSSL_TLS));
    assert_ok(pyossl_ctx_set_max_version(both.server_ctx, version));
    use(both.server_ctx, r->cert, r->key);
    send_intermediate(both.server_ctx);
    assert_ok(pyossl_ctx_set_verify(both.client_ctx, r->mode, NULL, NULL, NULL));
    pair_connect(&both, PAIR_MEMORY, 0);
    (void)pair_handshake_both(&both, &client, &server);
    assert_int_equal(client == PYOSSL_OK, r->good);
    assert_int_equal(pyossl_conn_verify_result(both.client), r->result);
    if (r->good)
        pair_send(&both, both.client, both.server, "hello", 5);
    else {
        assert_status(client, PYOSSL_E_VERIFY);
        assert_refused(both.client);
    }
    pair_free(&both);
}

static void test_na_114_clients(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof clients / sizeof clients[0]; i++)
        for (size_t j = 0; j < 2; j++) {
            print_message("# %s, 0x%04x\n", clients[i].name, (unsigned)versions[j]);
            judge_client(&clients[i], versions[j]);
        }
}

static void test_na_114_servers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof servers / sizeof servers[0]; i++)
        for (size_t j = 0; j < 2; j++) {
            print_message("# %s, 0x%04x\n", servers[i].name, (unsigned)versions[j]);
            judge_server(&servers[i], versions[j]);
        }
}

/* ---- chains that are long, or go round ---- */

static void make_ca(pyossl_x509 **out, pyossl_pkey *key, const char *subject, const char *issuer,
                    pyossl_pkey *signer)
{
    OWNED(name) name = NULL;
    OWNED(ext) ca = NULL;
    pyossl_x509 *cert = NULL;
    pyossl_ext *exts[1];

    assert_ok(pyossl_x509_new(&cert));
    assert_ok(pyossl_x509_set_version(cert, 2));
    assert_ok(pyossl_x509_set_serial(cert, "01"));
    assert_ok(pyossl_name_new(&name));
    assert_ok(pyossl_name_set(name, "CN", subject, strlen(subject)));
    assert_ok(pyossl_x509_set_subject(cert, name));
    assert_ok(pyossl_name_set(name, "CN", issuer, strlen(issuer)));
    assert_ok(pyossl_x509_set_issuer(cert, name));
    assert_ok(pyossl_x509_adj_not_before(cert, -3600));
    assert_ok(pyossl_x509_adj_not_after(cert, 3600));
    assert_ok(pyossl_x509_set_pubkey(cert, key));
    assert_ok(pyossl_ext_new(&ca, "basicConstraints", 1, "CA:TRUE", 7, NULL, NULL));
    exts[0] = ca;
    assert_ok(pyossl_x509_add_exts(cert, exts, 1));
    assert_ok(pyossl_x509_sign(cert, signer, "sha256"));
    *out = cert;
}

/* A signs B, B signs A, and both are to be had: building ends. */
static void test_na_119_issuers_that_go_round(void **state)
{
    OWNED(pkey) a = NULL;
    OWNED(pkey) b = NULL;
    OWNED(store) store = NULL;
    OWNED_VERDICT verdict = PYOSSL_VERDICT_INIT;
    pyossl_x509 *certs[2];

    (void)state;
    assert_ok(pyossl_pkey_generate_ec(&a, "prime256v1"));
    assert_ok(pyossl_pkey_generate_ec(&b, "prime256v1"));
    make_ca(&certs[0], a, "A", "B", b);
    make_ca(&certs[1], b, "B", "A", a);
    assert_ok(pyossl_store_new(&store));
    assert_fails(pyossl_store_verify(store, certs[0], certs, 2, &verdict), PYOSSL_E_VERIFY);
    assert_int_not_equal(verdict.error, X509_V_OK);
    pyossl_x509_unref(certs[0]);
    pyossl_x509_unref(certs[1]);
}

/* A thousand authorities, one below the other: as deep as is allowed, and no deeper. */
static void test_na_118_na_119_long_chains(void **state)
{
    enum { LENGTH = 1000 };
    static pyossl_x509 *certs[LENGTH];
    OWNED(pkey) key = NULL;
    OWNED(store) store = NULL;
    OWNED_VERDICT verdict = PYOSSL_VERDICT_INIT;

    (void)state;
    assert_ok(pyossl_pkey_generate_ec(&key, "prime256v1"));
    for (int i = 0; i < LENGTH; i++) {
        char subject[32], issuer[32];

        snprintf(subject, sizeof subject, "authority %d", i);
        snprintf(issuer, sizeof issuer, "authority %d", i > 0 ? i - 1 : 0);
        make_ca(&certs[i], key, subject, issuer, key);
    }
    assert_ok(pyossl_store_new(&store));
    assert_ok(pyossl_store_add_cert(store, certs[0]));
    assert_ok(pyossl_store_verify(store, certs[20], certs, LENGTH, &verdict));
    assert_int_equal(verdict.chain.count, 21);
    assert_fails(pyossl_store_verify(store, certs[LENGTH - 1], certs, LENGTH, &verdict),
                 PYOSSL_E_VERIFY);
    assert_int_equal(verdict.error, X509_V_ERR_CERT_CHAIN_TOO_LONG);
    assert_ok(pyossl_store_set_depth(store, 3));
    assert_ok(pyossl_store_verify(store, certs[4], certs, LENGTH, &verdict));
    assert_fails(pyossl_store_verify(store, certs[5], certs, LENGTH, &verdict), PYOSSL_E_VERIFY);
    for (int i = 0; i < LENGTH; i++)
        pyossl_x509_unref(certs[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_114_clients),
        cmocka_unit_test(test_na_114_servers),
        cmocka_unit_test(test_na_119_issuers_that_go_round),
        cmocka_unit_test(test_na_118_na_119_long_chains),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
