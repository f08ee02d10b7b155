/*
 * Calls of OpenSSL's that fail without a word, one at a time: locks, references, encoders, what is
 * set up once. NA-005, NA-006
 */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

#include "calls.h"
#include "oom.h"
#include "owned.h"
#include "pair.h"
#include "pyossl/openssl.h"

static pyossl_x509 *server, *root;
/* An RSA key, and one to sign structures with: for RSA keys OpenSSL 3.0 decodes the algorithm into
 * the structure in place, and where that runs out of memory releases a part that it does not own.
 */
static pyossl_pkey *key, *ec_key;
static pyossl_ctx *contexts[2];
static pair both;
static pyossl_buf cert_pem, key_pem, ec_pem, crl_pem, request_pem, message_pem, root_pem;

/* ---- what is written ---- */

static pyossl_status print_all(void *unused)
{
    static const pyossl_format formats[] = { PYOSSL_TEXT, PYOSSL_DER, PYOSSL_PEM };
    OWNED(crl) crl = NULL;
    OWNED(req) req = NULL;
    OWNED(pkcs7) message = NULL;
    OWNED_BUF out = PYOSSL_BUF_INIT;

    (void)unused;
    TRY(pyossl_crl_load(&crl, PYOSSL_PEM, crl_pem.data, crl_pem.len));
    TRY(pyossl_req_load(&req, PYOSSL_PEM, request_pem.data, request_pem.len));
    TRY(pyossl_pkcs7_load(&message, PYOSSL_PEM, message_pem.data, message_pem.len));
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        const pyossl_format format = formats[i];

        TRY(pyossl_x509_dump(server, format, &out));
        TRY(pyossl_crl_dump(crl, format, &out));
        TRY(pyossl_req_dump(req, format, &out));
        TRY(pyossl_pkcs7_dump(message, format, &out));
        TRY(pyossl_pkey_dump_private(key, format, NULL, NULL, &out));
    }
    return pyossl_pkey_dump_traditional(key, NULL, NULL, &out);
}

/* ---- keys ---- */

static pyossl_status generate(void *type)
{
    OWNED(pkey) made = NULL;
    const pyossl_status status = pyossl_pkey_generate(&made, *(int *)type, 1024);

    oom_check((status == PYOSSL_OK) == (made != NULL));
    return status;
}

static int rsa_type = PYOSSL_KEY_RSA, dsa_type = PYOSSL_KEY_DSA;

static pyossl_status use_key(void *unused)
{
    OWNED_BUF signature = PYOSSL_BUF_INIT;

    (void)unused;
    TRY(pyossl_pkey_sign(key, "sha256", "data", 4, &signature));
    TRY(pyossl_pkey_verify(key, "sha256", "data", 4, signature.data, signature.len));
    if (pyossl_curve_nid("prime256v1") == 0 || pyossl_curve_name(0) == NULL)
        return PYOSSL_OK; /* which is all that they can say */
    return pyossl_pkey_check(key);
}

/* ---- stores ---- */

static pyossl_status ask_store(void *unused)
{
    OWNED(store) store = NULL;
    OWNED(crl) crl = NULL;
    OWNED_LIST certs = PYOSSL_X509_LIST_INIT;
    OWNED_VERDICT verdict = PYOSSL_VERDICT_INIT;
    pyossl_status status;

    (void)unused;
    TRY(pyossl_crl_load(&crl, PYOSSL_PEM, crl_pem.data, crl_pem.len));
    TRY(pyossl_store_new(&store));
    TRY(pyossl_store_load_locations(store, DATA("authorities.pem"), DATA("capath")));
    TRY(pyossl_store_load_locations(store, DATA("intermediate.pem"), NULL));
    TRY(pyossl_store_add_cert(store, root));
    TRY(pyossl_store_add_crl(store, crl));
    TRY(pyossl_store_set_time(store, 1800000000));
    TRY(pyossl_store_set_depth(store, 5));
    TRY(pyossl_store_set_purpose(store, "sslserver"));
    TRY(pyossl_store_add_policy(store, "1.2.3.4"));
    TRY(pyossl_store_set_flags(store, PYOSSL_STORE_EXTENDED_CRL));
    status = pyossl_store_verify(store, server, NULL, 0, &verdict);
    oom_check(status == PYOSSL_OK || verdict.chain.count == 0);
    /* The time was chosen at random: why it is refused is for others to test. */
    if (status != PYOSSL_E_VERIFY)
        TRY(status);
    return pyossl_store_certs(store, &certs);
}

/* ---- certificates and requests that change ---- */

static pyossl_status change_cert(void *unused)
{
    OWNED(x509) copy = NULL;
    OWNED(x509) second = NULL;
    OWNED(name) name = NULL;
    OWNED(name) other = NULL;
    OWNED(ext) ext = NULL;
    OWNED_BUF out = PYOSSL_BUF_INIT;
    pyossl_ext *exts[2];
    int order;
    unsigned long hash;

    (void)unused;
    TRY(pyossl_x509_copy(&copy, server));
    TRY(pyossl_x509_subject(copy, &name));
    TRY(pyossl_x509_issuer(copy, &other));
    TRY(pyossl_name_compare(name, other, &order));
    TRY(pyossl_name_hash(name, &hash));
    TRY(pyossl_name_dump(name, &out));
    TRY(pyossl_name_set(name, "CN", "another", 7));
    TRY(pyossl_ext_new(&ext, "subjectKeyIdentifier", 0, "hash", 4, copy, root));
    TRY(pyossl_ext_oid(ext, &out));
    TRY(pyossl_ext_data(ext, &out));
    exts[0] = exts[1] = ext;
    TRY(pyossl_x509_add_exts(copy, exts, 2));
    TRY(pyossl_x509_sign(copy, ec_key, "sha256"));
    /* A copy of what has been handed out, which a change must not reach. */
    TRY(pyossl_x509_copy(&second, copy));
    TRY(pyossl_x509_set_version(second, 2));
    TRY(pyossl_x509_digest(second, "sha256", &out));
    oom_check(pyossl_x509_equal(copy, second) == 0 || pyossl_x509_version(second) == 2);
    return PYOSSL_OK;
}

static pyossl_status change_request(void *unused)
{
    OWNED(req) req = NULL;
    OWNED(req) made = NULL;
    OWNED(name) name = NULL;
    OWNED(ext) ext = NULL;
    OWNED(spki) spki = NULL;
    OWNED(pkey) pubkey = NULL;
    OWNED_BUF out = PYOSSL_BUF_INIT;
    pyossl_ext *exts[1];

    (void)unused;
    TRY(pyossl_req_load(&req, PYOSSL_PEM, request_pem.data, request_pem.len));
    TRY(pyossl_req_subject(req, &name));
    TRY(pyossl_req_new(&made));
    TRY(pyossl_req_set_subject(made, name));
    TRY(pyossl_req_set_pubkey(made, ec_key));
    TRY(pyossl_ext_new(&ext, "basicConstraints", 1, "CA:TRUE", 7, NULL, NULL));
    exts[0] = ext;
    TRY(pyossl_req_add_exts(made, exts, 1));
    TRY(pyossl_req_sign(made, ec_key, "sha256"));
    TRY(pyossl_req_dump(made, PYOSSL_DER, &out));
    TRY(pyossl_spki_new(&spki));
    TRY(pyossl_spki_set_pubkey(spki, ec_key));
    TRY(pyossl_spki_set_challenge(spki, "challenge", 9));
    TRY(pyossl_spki_sign(spki, ec_key, "sha256"));
    TRY(pyossl_spki_pubkey(spki, &pubkey));
    return pyossl_spki_dump(spki, &out);
}

static pyossl_status change_crl(void *unused)
{
    OWNED(crl) crl = NULL;
    OWNED(revoked) revoked = NULL;
    OWNED(name) name = NULL;
    OWNED_BUF out = PYOSSL_BUF_INIT;

    (void)unused;
    TRY(pyossl_crl_load(&crl, PYOSSL_PEM, crl_pem.data, crl_pem.len));
    TRY(pyossl_revoked_new(&revoked));
    TRY(pyossl_revoked_set_serial(revoked, "1234"));
    TRY(pyossl_revoked_set_date(revoked, "20260101000000Z", 15));
    TRY(pyossl_revoked_set_reason(revoked, "keyCompromise"));
    TRY(pyossl_crl_add_revoked(crl, revoked));
    TRY(pyossl_x509_subject(root, &name));
    TRY(pyossl_crl_set_issuer(crl, name));
    TRY(pyossl_crl_sign(crl, ec_key, "sha256"));
    return pyossl_crl_dump(crl, PYOSSL_DER, &out);
}

/* ---- contexts and connections ---- */

static pyossl_status set_context(void *unused)
{
    OWNED(ctx) ctx = NULL;
    OWNED(conn) conn = NULL;
    OWNED(name) name = NULL;
    OWNED(x509) cert = NULL;
    OWNED(pkey) pkey = NULL;
    pyossl_name *names[2];

    (void)unused;
    TRY(pyossl_ctx_new(&ctx, PYOSSL_TLS));
    TRY(pyossl_ctx_use_certificate(ctx, server));
    TRY(pyossl_ctx_use_pkey(ctx, key));
    TRY(pyossl_ctx_add_extra_chain_cert(ctx, root));
    TRY(pyossl_ctx_load_tmp_dh(ctx, DATA("dh.pem")));
    TRY(pyossl_ctx_set_session_id(ctx, "id", 2));
    TRY(pyossl_ctx_set_num_tickets(ctx, 3));
    TRY(pyossl_x509_subject(root, &name));
    names[0] = names[1] = name;
    TRY(pyossl_ctx_set_client_ca_list(ctx, names, 2));
    TRY(pyossl_ctx_load_client_ca(ctx, DATA("authorities.pem")));
    TRY(pyossl_ctx_set_verify_ip(ctx, "127.0.0.1", 9));
    TRY(pyossl_ctx_load_verify_locations(ctx, DATA("authorities.pem"), NULL));
    TRY(pyossl_conn_new(&conn, ctx));
    /* In use from here on: what changes is made anew. */
    TRY(pyossl_ctx_set_num_tickets(ctx, 1));
    TRY(pyossl_ctx_set_cipher_list(ctx, "HIGH"));
    TRY(pyossl_conn_set_ctx(conn, ctx));
    TRY(pyossl_openssl_wrap_x509(&cert, pyossl_openssl_x509(server)));
    return pyossl_openssl_wrap_pkey(&pkey, pyossl_openssl_pkey(key));
}

static pyossl_status set_connection(void *unused)
{
    OWNED(conn) conn = NULL;
    OWNED(session) session = NULL;
    OWNED(session) loaded = NULL;
    OWNED_BUF der = PYOSSL_BUF_INIT;
    OWNED_LIST chain = PYOSSL_X509_LIST_INIT;

    (void)unused;
    TRY(pyossl_conn_new(&conn, contexts[0]));
    TRY(pyossl_conn_set_role(conn, PYOSSL_CLIENT));
    TRY(pyossl_conn_use_memory(conn));
    TRY(pyossl_conn_use_certificate(conn, server));
    TRY(pyossl_conn_use_pkey(conn, key));
    TRY(pyossl_conn_request_ocsp(conn));
    TRY(pyossl_conn_set_servername(conn, "localhost", 9));
    TRY(pyossl_conn_set_verify_ip(conn, "::1", 3));
    TRY(pyossl_conn_session(both.client, &session));
    TRY(pyossl_session_dump(session, &der));
    TRY(pyossl_session_load(&loaded, contexts[0], der.data, der.len));
    TRY(pyossl_conn_set_session(conn, loaded));
    TRY(pyossl_ctx_set_read_ahead(contexts[0], 0)); /* which it follows, with all its settings */
    TRY(pyossl_conn_set_ctx(conn, contexts[1]));
    return pyossl_conn_peer_chain(both.client, &chain);
}

/* ---- the system ---- */

static pyossl_status keep_seed(void *unused)
{
    char path[64];
    size_t done = 0;
    pyossl_status status;

    (void)unused;
    snprintf(path, sizeof path, "seed-%ld", (long)getpid());
    status = pyossl_rand_write_file(path, &done);
    (void)remove(path);
    return status;
}

/* ---- all of them ---- */

/* Whatever is set up once, where nothing is there already. */
static pyossl_status first_use(void *unused)
{
    OWNED(ctx) ctx = NULL;
    OWNED(conn) conn = NULL;
    OWNED(x509) cert = NULL;
    OWNED(pkey) pkey = NULL;

    (void)unused;
    TRY(pyossl_x509_load(&cert, PYOSSL_PEM, cert_pem.data, cert_pem.len));
    TRY(pyossl_pkey_load_private(&pkey, PYOSSL_PEM, key_pem.data, key_pem.len, NULL));
    TRY(pyossl_ctx_new(&ctx, PYOSSL_TLS));
    TRY(pyossl_ctx_load_verify_locations(ctx, DATA("authorities.pem"), DATA("capath")));
    TRY(pyossl_ctx_use_certificate(ctx, cert));
    TRY(pyossl_conn_new(&conn, ctx));
    TRY(pyossl_conn_use_memory(conn));
    TRY(pyossl_conn_set_role(conn, PYOSSL_CLIENT));
    TRY(pyossl_digest_check("sha256"));
    if (pyossl_digest_check("md4") != PYOSSL_OK || pyossl_curve_nid("prime256v1") == 0)
        pyossl_error_clear(); /* neither the legacy provider nor the curves need be there */
    return pyossl_pkey_check(pkey);
}

static const oom_scenario scenarios[] = {
    { .name = "printing", .run = print_all, .calls_only = 1 },
    { .name = "new key: RSA", .run = generate, .arg = &rsa_type, .calls_only = 1 },
    { .name = "new key: DSA", .run = generate, .arg = &dsa_type, .calls_only = 1 },
    { .name = "keys", .run = use_key, .calls_only = 1 },
    { .name = "stores", .run = ask_store, .any_error = 1, .theirs = 8, .ours = 1, .step = 11 },
    { .name = "changed certificates", .run = change_cert, .any_error = 1, .theirs = 8, .step = 11 },
    { .name = "requests", .run = change_request, .any_error = 1, .theirs = 8, .step = 11 },
    { .name = "revocation lists", .run = change_crl, .any_error = 1, .theirs = 8, .step = 11 },
    { .name = "contexts", .run = set_context, .any_error = 1, .theirs = 16, .ours = 1, .step = 11 },
    { .name = "connections", .run = set_connection, .any_error = 1, .theirs = 16, .step = 11 },
    { .name = "seeds", .run = keep_seed, .calls_only = 1 },
};

static void sweep(void **state)
{
    assert_int_equal(oom_sweep(*state), 0);
}

static int read_file(pyossl_buf *out, const char *path)
{
    FILE *file = fopen(path, "rb");
    unsigned char bytes[16384];
    size_t len;

    if (file == NULL)
        return -1;
    len = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    return pyossl_buf_set(out, bytes, len) == PYOSSL_OK ? 0 : -1;
}

static int read_files(void **state)
{
    (void)state;
    return read_file(&cert_pem, DATA("server.pem")) || read_file(&key_pem, DATA("rsa.pem")) ||
           read_file(&ec_pem, DATA("ec.pem")) || read_file(&crl_pem, DATA("crl.pem")) ||
           read_file(&request_pem, DATA("request.pem")) ||
           read_file(&message_pem, DATA("pkcs7-signed.pem")) ||
           read_file(&root_pem, DATA("root.pem"));
}

/* Once, and only after the first use. */
static int set_up(void **state)
{
    (void)state;
    if (server != NULL)
        return 0;
    if (pyossl_x509_load(&server, PYOSSL_PEM, cert_pem.data, cert_pem.len) != PYOSSL_OK ||
        pyossl_x509_load(&root, PYOSSL_PEM, root_pem.data, root_pem.len) != PYOSSL_OK ||
        pyossl_pkey_load_private(&key, PYOSSL_PEM, key_pem.data, key_pem.len, NULL) != PYOSSL_OK ||
        pyossl_pkey_load_private(&ec_key, PYOSSL_PEM, ec_pem.data, ec_pem.len, NULL) != PYOSSL_OK)
        return -1;
    for (int i = 0; i < 2; i++)
        if (pyossl_ctx_new(&contexts[i], PYOSSL_TLS) != PYOSSL_OK)
            return -1;
    pair_establish(&both, PAIR_TLS1_3, PAIR_MEMORY, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pair_free(&both);
    for (int i = 0; i < 2; i++)
        pyossl_ctx_unref(contexts[i]);
    pyossl_x509_unref(server);
    pyossl_x509_unref(root);
    pyossl_pkey_unref(key);
    pyossl_pkey_unref(ec_key);
    pyossl_buf_clear(&cert_pem);
    pyossl_buf_clear(&root_pem);
    pyossl_buf_clear(&key_pem);
    pyossl_buf_clear(&ec_pem);
    pyossl_buf_clear(&crl_pem);
    pyossl_buf_clear(&request_pem);
    pyossl_buf_clear(&message_pem);
    return 0;
}

/* Before anything has been used in this process. */
static void test_first_use(void **state)
{
    const oom_scenario scenario = { .name = "first use", .run = first_use };

    (void)state;
    assert_int_equal(oom_sweep_cold(&scenario), 0);
}

/* With an argument, the scenarios of that name alone ("key*"). */
int main(int argc, char **argv)
{
    enum { COUNT = sizeof scenarios / sizeof scenarios[0] };
    struct CMUnitTest tests[1 + COUNT] = { cmocka_unit_test(test_first_use) };
    int failed;

    oom_install();
    calls_install();
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    for (size_t i = 0; i < COUNT; i++)
        tests[1 + i] = (struct CMUnitTest){ .name = scenarios[i].name,
                                            .test_func = sweep,
                                            .setup_func = set_up,
                                            .initial_state = (void *)(uintptr_t)&scenarios[i] };
    failed = cmocka_run_group_tests(tests, read_files, tear_down);
    oom_print_total();
    return failed;
}
