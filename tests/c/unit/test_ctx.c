/* The settings of a context, one by one. */
#include <stdlib.h>

#include "contexts.h"

/* ---- making ---- */

static void test_methods(void **state)
{
    static const struct {
        int method;
        pyossl_status status;
        int min, max;
    } rows[] = {
        { 0, PYOSSL_E_ARGUMENT, 0, 0 },
        { -1, PYOSSL_E_ARGUMENT, 0, 0 },
        { 13, PYOSSL_E_ARGUMENT, 0, 0 },
        { INT_MAX, PYOSSL_E_ARGUMENT, 0, 0 },
        { PYOSSL_SSL2, PYOSSL_E_UNSUPPORTED, 0, 0 },
#ifndef OSL_HAVE_SSL3
        { PYOSSL_SSL3, PYOSSL_E_UNSUPPORTED, 0, 0 },
#endif
        { PYOSSL_TLS1, PYOSSL_OK, TLS1_VERSION, TLS1_VERSION },
        { PYOSSL_TLS1_1, PYOSSL_OK, TLS1_1_VERSION, TLS1_1_VERSION },
        { PYOSSL_TLS1_2, PYOSSL_OK, TLS1_2_VERSION, TLS1_2_VERSION },
        { PYOSSL_SSL23, PYOSSL_OK, -1, 0 },
        { PYOSSL_TLS, PYOSSL_OK, -1, 0 },
        { PYOSSL_TLS_SERVER, PYOSSL_OK, -1, 0 },
        { PYOSSL_TLS_CLIENT, PYOSSL_OK, -1, 0 },
        { PYOSSL_DTLS, PYOSSL_OK, -1, 0 },
        { PYOSSL_DTLS_SERVER, PYOSSL_OK, -1, 0 },
        { PYOSSL_DTLS_CLIENT, PYOSSL_OK, -1, 0 },
    };

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(rows); i++) {
        pyossl_ctx *ctx = NULL;

        if (rows[i].status != PYOSSL_OK) {
            assert_fails(pyossl_ctx_new(&ctx, rows[i].method), rows[i].status);
            assert_string_equal(test_reason(), "No such protocol");
            assert_null(ctx);
            continue;
        }
        assert_ok(pyossl_ctx_new(&ctx, rows[i].method));
        if (rows[i].min >= 0)
            assert_int_equal(SSL_CTX_get_min_proto_version(ssl_ctx_of(ctx)), rows[i].min);
        assert_int_equal(SSL_CTX_get_max_proto_version(ssl_ctx_of(ctx)), rows[i].max);
        pyossl_ctx_unref(ctx);
    }
}

static void test_na_146_defaults(void **state)
{
    pyossl_ctx *ctx = new_ctx();
    SSL_CTX *plain = SSL_CTX_new(TLS_method());
    STACK_OF(X509) *trusted;

    (void)state;
    assert_true(pyossl_ctx_options(ctx) == SSL_CTX_get_options(plain)); /* NA-147: not OP_ALL */
    assert_true((pyossl_ctx_options(ctx) & SSL_OP_IGNORE_UNEXPECTED_EOF) == 0); /* NA-016 */
    assert_true((pyossl_ctx_options(ctx) & SSL_OP_NO_COMPRESSION) != 0);
    assert_true((pyossl_ctx_options(ctx) & SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION) == 0);
    assert_int_equal(pyossl_ctx_mode(ctx), 7);
    assert_int_equal(pyossl_ctx_verify_mode(ctx), PYOSSL_VERIFY_NONE);
    assert_int_equal(pyossl_ctx_verify_depth(ctx), -1);
    assert_int_equal(pyossl_ctx_timeout(ctx), SSL_CTX_get_timeout(plain));
    assert_int_equal(pyossl_ctx_session_cache_mode(ctx), SSL_SESS_CACHE_SERVER);
    assert_int_equal(pyossl_ctx_num_tickets(ctx), 2);
    assert_null(pyossl_ctx_userdata(ctx));
    /* NA-116: nobody is trusted. */
    trusted = X509_STORE_get1_all_certs(ctx->store);
    assert_non_null(trusted);
    assert_int_equal(sk_X509_num(trusted), 0);
    sk_X509_free(trusted);
    /* NA-101: the cache is bounded. */
    assert_int_equal(SSL_CTX_sess_get_cache_size(ssl_ctx_of(ctx)), 20480);
    /* NA-103 */
    assert_int_equal(SSL_CTX_get_max_early_data(ssl_ctx_of(ctx)), 0);
    SSL_CTX_free(plain);
    pyossl_ctx_unref(ctx);
}

static void test_references_and_userdata(void **state)
{
    pyossl_ctx *ctx = new_ctx();
    int thing;

    (void)state;
    assert_ptr_equal(pyossl_ctx_ref(ctx), ctx);
    pyossl_ctx_unref(ctx);
    pyossl_ctx_set_userdata(ctx, &thing);
    assert_ptr_equal(pyossl_ctx_userdata(ctx), &thing);
    pyossl_ctx_unref(ctx);
    pyossl_ctx_unref(NULL);
}

/* ---- certificates and keys ---- */

static void test_na_009_check_pkey(void **state)
{
    pyossl_ctx *ctx = new_ctx();
    pyossl_x509 *cert = cert_from(DATA("server.pem"));
    pyossl_pkey *key = key_from(DATA("rsa.pem")), *wrong = key_from(DATA("root-key.pem"));
    pyossl_pkey *public_half = NULL;

    (void)state;
    assert_fails(pyossl_ctx_check_pkey(ctx), PYOSSL_E_OPENSSL);
    assert_ok(pyossl_ctx_use_certificate(ctx, cert));
    assert_fails(pyossl_ctx_check_pkey(ctx), PYOSSL_E_OPENSSL);
    assert_fails(pyossl_ctx_use_pkey(ctx, wrong), PYOSSL_E_OPENSSL);
    assert_fails(pyossl_ctx_check_pkey(ctx), PYOSSL_E_OPENSSL);
    assert_ok(pyossl_ctx_use_pkey(ctx, key));
    assert_ok(pyossl_ctx_check_pkey(ctx));
    assert_ok(pyossl_x509_pubkey(cert, &public_half));
    assert_fails(pyossl_ctx_use_pkey(ctx, public_half), PYOSSL_E_STATE);
    assert_ok(pyossl_ctx_check_pkey(ctx));
    pyossl_pkey_unref(public_half);
    pyossl_pkey_unref(wrong);
    pyossl_pkey_unref(key);
    pyossl_x509_unref(cert);
    pyossl_ctx_unref(ctx);
}

/* The same steps with and without a new generation at each. */
static void test_a_key_of_another_certificate_is_forgotten(void **state)
{
    pyossl_x509 *server = cert_from(DATA("server.pem")), *root = cert_from(DATA("root.pem"));
    pyossl_pkey *key = key_from(DATA("rsa.pem")), *root_key = key_from(DATA("root-key.pem"));

    (void)state;
    for (int shared = 0; shared < 2; shared++) {
        pyossl_ctx *ctx = new_ctx();
#define STEP(call)                                                                                 \
    do {                                                                                           \
        if (shared)                                                                                \
            osl_generation_unref(osl_ctx_acquire(ctx));                                              \
        assert_ok(call);                                                                           \
    } while (0)
        STEP(pyossl_ctx_use_pkey(ctx, key)); /* the key may come first */
        STEP(pyossl_ctx_use_certificate(ctx, server));
        STEP(pyossl_ctx_check_pkey(ctx));
        STEP(pyossl_ctx_use_certificate(ctx, root));
        assert_null(SSL_CTX_get0_privatekey(ssl_ctx_of(ctx)));
        STEP(pyossl_ctx_use_certificate(ctx, server));
        assert_null(SSL_CTX_get0_privatekey(ssl_ctx_of(ctx)));
        assert_fails(pyossl_ctx_check_pkey(ctx), PYOSSL_E_OPENSSL);
        STEP(pyossl_ctx_use_certificate(ctx, root));
        STEP(pyossl_ctx_use_pkey(ctx, root_key));
        STEP(pyossl_ctx_set_timeout(ctx, 5));
        STEP(pyossl_ctx_check_pkey(ctx));
        pyossl_ctx_unref(ctx);
    }
    pyossl_x509_unref(server);
    pyossl_x509_unref(root);
    pyossl_pkey_unref(key);
    pyossl_pkey_unref(root_key);
}

static size_t chain_len(pyossl_ctx *ctx)
{
    STACK_OF(X509) *chain = NULL;

    assert_int_equal(SSL_CTX_get0_chain_certs(ssl_ctx_of(ctx), &chain), 1);
    return chain != NULL ? (size_t)sk_X509_num(chain) : 0;
}

static size_t extra_len(pyossl_ctx *ctx)
{
    STACK_OF(X509) *chain = NULL;

    SSL_CTX_get_extra_chain_certs_only(ssl_ctx_of(ctx), &chain);
    return chain != NULL ? (size_t)sk_X509_num(chain) : 0;
}

static void test_chains(void **state)
{
    pyossl_x509 *intermediate = cert_from(DATA("intermediate.pem"));
    pyossl_x509 *server = cert_from(DATA("server.pem"));
    pyossl_pkey *key = key_from(DATA("rsa.pem"));

    (void)state;
    for (int shared = 0; shared < 2; shared++) {
        pyossl_ctx *ctx = new_ctx();

        STEP(pyossl_ctx_use_certificate_chain_file(ctx, DATA("chain.pem")));
        assert_int_equal(chain_len(ctx), 1);
        STEP(pyossl_ctx_use_pkey(ctx, key));
        STEP(pyossl_ctx_check_pkey(ctx));
        assert_int_equal(chain_len(ctx), 1);
        STEP(pyossl_ctx_use_certificate_chain_file(ctx, DATA("server.pem")));
        assert_int_equal(chain_len(ctx), 0);
        STEP(pyossl_ctx_check_pkey(ctx));
        STEP(pyossl_ctx_use_certificate_chain_file(ctx, DATA("server-all.pem")));
        assert_int_equal(chain_len(ctx), 1);
        STEP(pyossl_ctx_add_extra_chain_cert(ctx, intermediate));
        STEP(pyossl_ctx_add_extra_chain_cert(ctx, server));
        STEP(pyossl_ctx_set_timeout(ctx, 5));
        assert_int_equal(extra_len(ctx), 2);
        STEP(pyossl_ctx_use_identity(ctx, server, key, NULL, 0));
        assert_int_equal(extra_len(ctx), 0);
        assert_int_equal(chain_len(ctx), 0);
        STEP(pyossl_ctx_use_identity(ctx, server, key, &intermediate, 1));
        assert_int_equal(chain_len(ctx), 1);
        STEP(pyossl_ctx_check_pkey(ctx));
        assert_fails(pyossl_ctx_use_certificate_chain_file(ctx, DATA("rsa.pem")), PYOSSL_E_FORMAT);
        assert_fails(pyossl_ctx_use_certificate_chain_file(ctx, DATA("nothing")), PYOSSL_E_SYSTEM);
        assert_int_equal(chain_len(ctx), 1);
        pyossl_ctx_unref(ctx);
    }
    pyossl_x509_unref(intermediate);
    pyossl_x509_unref(server);
    pyossl_pkey_unref(key);
}

/* Several types of key side by side, each with its own chain. */
static void test_one_certificate_for_each_type_of_key(void **state)
{
    pyossl_x509 *intermediate = cert_from(DATA("intermediate.pem"));
    pyossl_x509 *server = cert_from(DATA("server.pem")), *ec = cert_from(DATA("server-ec.pem"));
    pyossl_pkey *key = key_from(DATA("rsa.pem")), *ec_key = key_from(DATA("ec.pem"));

    (void)state;
    for (int shared = 0; shared < 2; shared++) {
        pyossl_ctx *ctx = new_ctx();
        SSL_CTX *ssl_ctx;

        STEP(pyossl_ctx_use_identity(ctx, server, key, &intermediate, 1));
        STEP(pyossl_ctx_use_certificate(ctx, ec));
        STEP(pyossl_ctx_use_pkey(ctx, ec_key));
        STEP(pyossl_ctx_set_timeout(ctx, 5));
        ssl_ctx = ssl_ctx_of(ctx);
        assert_int_equal(SSL_CTX_set_current_cert(ssl_ctx, SSL_CERT_SET_FIRST), 1);
        assert_int_equal(X509_cmp(SSL_CTX_get0_certificate(ssl_ctx), osl_x509_full(server)), 0);
        assert_int_equal(SSL_CTX_check_private_key(ssl_ctx), 1);
        assert_int_equal(chain_len(ctx), 1);
        assert_int_equal(SSL_CTX_set_current_cert(ssl_ctx, SSL_CERT_SET_NEXT), 1);
        assert_int_equal(X509_cmp(SSL_CTX_get0_certificate(ssl_ctx), osl_x509_full(ec)), 0);
        assert_int_equal(SSL_CTX_check_private_key(ssl_ctx), 1);
        assert_int_equal(chain_len(ctx), 0);
        pyossl_ctx_unref(ctx);
    }
    pyossl_x509_unref(intermediate);
    pyossl_x509_unref(server);
    pyossl_x509_unref(ec);
    pyossl_pkey_unref(key);
    pyossl_pkey_unref(ec_key);
}

static void test_a_certificate_changed_later_does_not_change_the_context(void **state)
{
    pyossl_ctx *ctx = new_ctx();
    pyossl_x509 *cert = cert_from(DATA("server.pem")), *same = cert_from(DATA("server.pem"));

    (void)state;
    assert_ok(pyossl_ctx_use_certificate(ctx, cert));
    assert_ok(pyossl_ctx_add_extra_chain_cert(ctx, cert));
    assert_ok(pyossl_x509_set_serial(cert, "1234"));
    assert_int_equal(X509_cmp(SSL_CTX_get0_certificate(ssl_ctx_of(ctx)), osl_x509_full(same)), 0);
    pyossl_x509_unref(cert);
    pyossl_x509_unref(same);
    pyossl_ctx_unref(ctx);
}

static void test_na_142_formats(void **state)
{
    static const int bad[] = { 0, 3, -1, PYOSSL_TEXT, INT_MAX };
    pyossl_ctx *ctx = new_ctx();

    (void)state;
    assert_ok(pyossl_ctx_use_certificate_file(ctx, DATA("server.der"), PYOSSL_DER));
    assert_ok(pyossl_ctx_use_certificate_file(ctx, DATA("server.pem"), PYOSSL_PEM));
    assert_ok(pyossl_ctx_use_pkey_file(ctx, DATA("rsa.der"), PYOSSL_DER));
    assert_ok(pyossl_ctx_use_pkey_file(ctx, DATA("rsa-traditional.pem"), PYOSSL_PEM));
    assert_ok(pyossl_ctx_use_pkey_file(ctx, DATA("server-all.pem"), PYOSSL_PEM));
    assert_ok(pyossl_ctx_check_pkey(ctx));
    for (size_t i = 0; i < OSL_COUNT_OF(bad); i++) {
        assert_fails(pyossl_ctx_use_certificate_file(ctx, DATA("server.pem"), bad[i]),
                     PYOSSL_E_ARGUMENT);
        assert_string_equal(test_reason(), "bad ssl filetype");
        assert_fails(pyossl_ctx_use_pkey_file(ctx, DATA("rsa.pem"), bad[i]), PYOSSL_E_ARGUMENT);
        assert_string_equal(test_reason(), "bad ssl filetype");
    }
    assert_fails(pyossl_ctx_use_certificate_file(ctx, DATA("server.pem"), PYOSSL_DER),
                 PYOSSL_E_FORMAT);
    assert_fails(pyossl_ctx_use_pkey_file(ctx, DATA("server.pem"), PYOSSL_PEM), PYOSSL_E_FORMAT);
    assert_fails(pyossl_ctx_use_pkey_file(ctx, DATA("nothing"), PYOSSL_PEM), PYOSSL_E_SYSTEM);
    assert_fails(pyossl_ctx_use_pkey_file(ctx, TEST_DATA, PYOSSL_PEM), PYOSSL_E_SYSTEM);
    pyossl_ctx_unref(ctx);
}

/* ---- passphrases ---- */

typedef struct asked {
    const char *answer;
    size_t len;
    pyossl_answer verdict;
    int times, confirm;
    pyossl_ctx *ctx; /* changed inside the callback if not NULL */
} asked;

static pyossl_answer on_passphrase(char *buf, size_t cap, size_t *len, int confirm, void *userdata)
{
    asked *question = userdata;

    question->times++;
    question->confirm = confirm;
    assert_int_equal(cap, PYOSSL_PASSPHRASE_MAX);
    memcpy(buf, question->answer, question->len < cap ? question->len : cap);
    *len = question->len;
    if (question->ctx != NULL)
        assert_ok(pyossl_ctx_set_timeout(question->ctx, 77));
    return question->verdict;
}

static void test_na_056_passphrases(void **state)
{
    static const struct {
        const char *answer;
        size_t len;
        pyossl_answer verdict;
        pyossl_status status;
    } rows[] = {
        { "secret", 6, PYOSSL_ANSWER_ACCEPT, PYOSSL_OK },
        { "secrets", 7, PYOSSL_ANSWER_ACCEPT, PYOSSL_E_PASSPHRASE },
        { "", 0, PYOSSL_ANSWER_ACCEPT, PYOSSL_E_PASSPHRASE },
        { "secret", 6, PYOSSL_ANSWER_DECLINE, PYOSSL_E_PASSPHRASE },
        { "secret", 6, PYOSSL_ANSWER_ABORT, PYOSSL_E_CALLBACK },
        { "", PYOSSL_PASSPHRASE_MAX + 1, PYOSSL_ANSWER_ACCEPT, PYOSSL_E_CALLBACK },
    };
    pyossl_ctx *ctx = new_ctx();

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(rows); i++) {
        static const char room[PYOSSL_PASSPHRASE_MAX + 1];
        asked question = {
            rows[i].len > 8 ? room : rows[i].answer, rows[i].len, rows[i].verdict, 0, -1, NULL
        };

        assert_ok(pyossl_ctx_set_passphrase(ctx, on_passphrase, &question, NULL));
        if (rows[i].status == PYOSSL_OK)
            assert_ok(pyossl_ctx_use_pkey_file(ctx, DATA("rsa-aes256.pem"), PYOSSL_PEM));
        else
            assert_fails(pyossl_ctx_use_pkey_file(ctx, DATA("rsa-aes256.pem"), PYOSSL_PEM),
                         rows[i].status);
        assert_int_equal(question.times, 1);
        assert_int_equal(question.confirm, 0);
        /* Nothing to ask for a key that lies open. */
        assert_ok(pyossl_ctx_use_pkey_file(ctx, DATA("rsa.pem"), PYOSSL_PEM));
        assert_int_equal(question.times, 1);
    }
    pyossl_ctx_unref(ctx);
}

static void test_na_057_nobody_prompts(void **state)
{
    pyossl_ctx *ctx = new_ctx();

    (void)state;
    assert_fails(pyossl_ctx_use_pkey_file(ctx, DATA("rsa-aes256.pem"), PYOSSL_PEM),
                 PYOSSL_E_PASSPHRASE);
    assert_fails(pyossl_ctx_use_pkey_file(ctx, DATA("rsa-des3.pem"), PYOSSL_PEM),
                 PYOSSL_E_PASSPHRASE);
    /* Nor does OpenSSL for those who use its own functions on our SSL_CTX. */
    assert_int_equal(
        SSL_CTX_use_PrivateKey_file(ssl_ctx_of(ctx), DATA("rsa-aes256.pem"), SSL_FILETYPE_PEM), 0);
    ERR_clear_error();
    pyossl_ctx_unref(ctx);
}

static void test_na_061_the_passphrase_callback_may_change_the_context(void **state)
{
    pyossl_ctx *ctx = new_ctx();
    asked question = { "secret", 6, PYOSSL_ANSWER_ACCEPT, 0, 0, ctx };

    (void)state;
    assert_ok(pyossl_ctx_set_passphrase(ctx, on_passphrase, &question, NULL));
    assert_ok(pyossl_ctx_use_pkey_file(ctx, DATA("rsa-aes256.pem"), PYOSSL_PEM));
    assert_int_equal(pyossl_ctx_timeout(ctx), 77);
    pyossl_ctx_unref(ctx);
}

/* ---- trust ---- */

static int trusted(const pyossl_ctx *ctx)
{
    pyossl_x509_list certs = PYOSSL_X509_LIST_INIT;
    osl_auto(pyossl_x509) *none = NULL;
    pyossl_store *store = NULL;
    int count;

    (void)none;
    assert_ok(pyossl_ctx_store((pyossl_ctx *)ctx, &store));
    assert_ok(pyossl_store_certs(store, &certs));
    count = (int)certs.count;
    pyossl_x509_list_clear(&certs);
    pyossl_store_unref(store);
    return count;
}

static void test_load_verify_locations(void **state)
{
    pyossl_ctx *ctx = new_ctx();

    (void)state;
    assert_fails(pyossl_ctx_load_verify_locations(ctx, NULL, NULL), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_ctx_load_verify_locations(ctx, DATA("nothing"), NULL), PYOSSL_E_SYSTEM);
    assert_fails(pyossl_ctx_load_verify_locations(ctx, DATA("passphrase.txt"), NULL),
                 PYOSSL_E_FORMAT);
    assert_int_equal(trusted(ctx), 0);
    assert_ok(pyossl_ctx_load_verify_locations(ctx, DATA("authorities.pem"), NULL));
    assert_int_equal(trusted(ctx), 2);
    assert_ok(pyossl_ctx_load_verify_locations(ctx, NULL, DATA("capath")));
    assert_ok(pyossl_ctx_load_verify_locations(ctx, NULL, DATA("nothing")));
    pyossl_ctx_unref(ctx);
}

static void test_default_verify_paths(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        pyossl_ctx *ctx = new_ctx();
        static const char *const files[] = { DATA("authorities.pem"), DATA("nothing"),
                                             DATA("passphrase.txt") };

        assert_int_equal(setenv("SSL_CERT_FILE", files[i], 1), 0);
        assert_int_equal(setenv("SSL_CERT_DIR", DATA("nothing"), 1), 0);
        assert_ok(pyossl_ctx_set_default_verify_paths(ctx));
        assert_int_equal(trusted(ctx), i == 0 ? 2 : 0);
        pyossl_ctx_unref(ctx);
    }
    assert_int_equal(unsetenv("SSL_CERT_FILE"), 0);
    assert_int_equal(unsetenv("SSL_CERT_DIR"), 0);
}

static void test_the_store_is_the_contexts(void **state)
{
    pyossl_ctx *ctx = new_ctx();
    pyossl_x509 *cert = cert_from(DATA("root.pem"));
    pyossl_store *store = NULL;

    (void)state;
    assert_ok(pyossl_ctx_store(ctx, &store));
    assert_ok(pyossl_store_add_cert(store, cert));
    osl_generation_unref(osl_ctx_acquire(ctx));
    assert_ok(pyossl_ctx_set_timeout(ctx, 5));
    assert_int_equal(trusted(ctx), 1);
    assert_ptr_equal(SSL_CTX_get_cert_store(ssl_ctx_of(ctx)), store->store);
    pyossl_ctx_unref(ctx);
    assert_ok(pyossl_store_add_cert(store, cert)); /* it outlives the context */
    pyossl_store_unref(store);
    pyossl_x509_unref(cert);
}

static void test_verification_settings(void **state)
{
    pyossl_ctx *ctx = new_ctx();
    osl_identity *identity;

    (void)state;
    for (int mode = 0; mode < 16; mode++) {
        assert_ok(pyossl_ctx_set_verify(ctx, mode, NULL, NULL, NULL));
        assert_int_equal(pyossl_ctx_verify_mode(ctx), mode);
        assert_null(SSL_CTX_get_verify_callback(ssl_ctx_of(ctx)));
    }
    assert_ok(pyossl_ctx_set_verify_depth(ctx, 11));
    assert_int_equal(pyossl_ctx_verify_depth(ctx), 11);
    assert_ok(pyossl_ctx_set_verify_depth(ctx, -1));
    assert_int_equal(pyossl_ctx_verify_depth(ctx), -1);

    assert_ok(pyossl_ctx_set_verify_hostname(ctx, "a.test.", 7, PYOSSL_HOST_NO_WILDCARDS));
    identity = atomic_load(&ctx->current)->identity;
    assert_string_equal(identity->hostname, "a.test");
    assert_int_equal(identity->flags, PYOSSL_HOST_NO_WILDCARDS);
    assert_fails(pyossl_ctx_set_verify_hostname(ctx, "", 0, 0), PYOSSL_E_ARGUMENT);
    assert_ptr_equal(atomic_load(&ctx->current)->identity, identity);
    assert_ok(pyossl_ctx_set_verify_ip(ctx, "::1", 3));
    assert_int_equal(atomic_load(&ctx->current)->identity->ip_len, 16);
    assert_ok(pyossl_ctx_set_verify_hostname(ctx, NULL, 0, 0));
    assert_null(atomic_load(&ctx->current)->identity);
    assert_ok(pyossl_ctx_set_verify_ip(ctx, NULL, 0));
    pyossl_ctx_unref(ctx);
}

static int authorities(pyossl_ctx *ctx)
{
    return sk_X509_NAME_num(SSL_CTX_get_client_CA_list(ssl_ctx_of(ctx)));
}

static void test_na_120_client_authorities(void **state)
{
    pyossl_x509 *root = cert_from(DATA("root.pem")), *client = cert_from(DATA("client.pem"));
    pyossl_name *names[1000], *stale = NULL, *first = NULL;

    (void)state;
    assert_ok(pyossl_x509_subject(root, &first));
    for (size_t i = 0; i < OSL_COUNT_OF(names); i++)
        names[i] = first;
    for (int shared = 0; shared < 2; shared++) {
        pyossl_ctx *ctx = new_ctx();

        STEP(pyossl_ctx_set_client_ca_list(ctx, NULL, 0));
        assert_int_equal(authorities(ctx), 0);
        STEP(pyossl_ctx_set_client_ca_list(ctx, names, 1000));
        assert_int_equal(authorities(ctx), 1000);
        STEP(pyossl_ctx_add_client_ca(ctx, client));
        STEP(pyossl_ctx_add_client_ca(ctx, client));
        assert_int_equal(authorities(ctx), 1002);
        STEP(pyossl_ctx_load_client_ca(ctx, DATA("authorities.pem")));
        assert_int_equal(authorities(ctx), 2);
        STEP(pyossl_ctx_add_client_ca(ctx, client));
        STEP(pyossl_ctx_set_timeout(ctx, 3));
        assert_int_equal(authorities(ctx), 3);
        assert_int_equal(
            X509_NAME_cmp(sk_X509_NAME_value(SSL_CTX_get_client_CA_list(ssl_ctx_of(ctx)), 2),
                          X509_get_subject_name(osl_x509_full(client))),
            0);
        assert_fails(pyossl_ctx_load_client_ca(ctx, DATA("nothing")), PYOSSL_E_SYSTEM);
        assert_fails(pyossl_ctx_load_client_ca(ctx, DATA("rsa.pem")), PYOSSL_E_FORMAT);
        assert_int_equal(authorities(ctx), 3);
        STEP(pyossl_ctx_set_client_ca_list(ctx, names, 0));
        assert_int_equal(authorities(ctx), 0);

        assert_ok(pyossl_x509_subject(client, &stale));
        assert_ok(pyossl_x509_set_subject(client, first));
        names[1] = stale;
        assert_fails(pyossl_ctx_set_client_ca_list(ctx, names, 2), PYOSSL_E_STATE);
        names[1] = first;
        pyossl_name_unref(stale);
        pyossl_x509_unref(client);
        client = cert_from(DATA("client.pem"));
        pyossl_ctx_unref(ctx);
    }
    pyossl_name_unref(first);
    pyossl_x509_unref(root);
    pyossl_x509_unref(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_methods),
        cmocka_unit_test(test_na_146_defaults),
        cmocka_unit_test(test_references_and_userdata),
        cmocka_unit_test(test_na_009_check_pkey),
        cmocka_unit_test(test_a_key_of_another_certificate_is_forgotten),
        cmocka_unit_test(test_chains),
        cmocka_unit_test(test_one_certificate_for_each_type_of_key),
        cmocka_unit_test(test_a_certificate_changed_later_does_not_change_the_context),
        cmocka_unit_test(test_na_142_formats),
        cmocka_unit_test(test_na_056_passphrases),
        cmocka_unit_test(test_na_057_nobody_prompts),
        cmocka_unit_test(test_na_061_the_passphrase_callback_may_change_the_context),
        cmocka_unit_test(test_load_verify_locations),
        cmocka_unit_test(test_default_verify_paths),
        cmocka_unit_test(test_the_store_is_the_contexts),
        cmocka_unit_test(test_verification_settings),
        cmocka_unit_test(test_na_120_client_authorities),
    };

    return cmocka_run_group_tests_name("ctx", tests, NULL, NULL);
}
