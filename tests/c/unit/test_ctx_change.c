/* How a context changes: in place, by another generation, or not at all. */
#include "test.h"

#include <pthread.h>

#include <openssl/pem.h>

#include "ssl/ctx_change.h"

/* ---- looking at a context ---- */

/* All of an SSL_CTX that can be read, for comparison. */
typedef struct snapshot {
    uint64_t options;
    long mode, cache_mode, timeout, min, max, read_ahead;
    int verify_mode, depth, level;
    size_t num_tickets;
    const X509 *cert;
    const EVP_PKEY *key;
    int chain, extra, authorities;
    const void *store, *identity;
    bool verify, info, keylog, new_session;
    unsigned char ticket_keys[80];
    char ciphers[4096];
} snapshot;

static SSL_CTX *ssl_ctx_of(pyossl_ctx *ctx)
{
    return atomic_load(&ctx->current)->ssl_ctx;
}

static void take_snapshot(pyossl_ctx *ctx, snapshot *out)
{
    SSL_CTX *ssl_ctx = ssl_ctx_of(ctx);
    STACK_OF(X509) *certs = NULL;
    STACK_OF(SSL_CIPHER) *ciphers = SSL_CTX_get_ciphers(ssl_ctx);

    memset(out, 0, sizeof *out);
    out->options = SSL_CTX_get_options(ssl_ctx);
    out->mode = SSL_CTX_get_mode(ssl_ctx);
    out->cache_mode = SSL_CTX_get_session_cache_mode(ssl_ctx);
    out->timeout = SSL_CTX_get_timeout(ssl_ctx);
    out->min = SSL_CTX_get_min_proto_version(ssl_ctx);
    out->max = SSL_CTX_get_max_proto_version(ssl_ctx);
    out->read_ahead = SSL_CTX_get_read_ahead(ssl_ctx);
    out->verify_mode = SSL_CTX_get_verify_mode(ssl_ctx);
    out->depth = SSL_CTX_get_verify_depth(ssl_ctx);
    out->level = SSL_CTX_get_security_level(ssl_ctx);
    out->num_tickets = SSL_CTX_get_num_tickets(ssl_ctx);
    out->cert = SSL_CTX_get0_certificate(ssl_ctx);
    out->key = SSL_CTX_get0_privatekey(ssl_ctx);
    assert_int_equal(SSL_CTX_get0_chain_certs(ssl_ctx, &certs), 1);
    out->chain = certs != NULL ? sk_X509_num(certs) : 0;
    SSL_CTX_get_extra_chain_certs_only(ssl_ctx, &certs);
    out->extra = certs != NULL ? sk_X509_num(certs) : 0;
    out->authorities = sk_X509_NAME_num(SSL_CTX_get_client_CA_list(ssl_ctx));
    out->verify = SSL_CTX_get_verify_callback(ssl_ctx) != NULL;
    out->info = SSL_CTX_get_info_callback(ssl_ctx) != NULL;
    out->keylog = SSL_CTX_get_keylog_callback(ssl_ctx) != NULL;
    out->new_session = SSL_CTX_sess_get_new_cb(ssl_ctx) != NULL;
    out->store = SSL_CTX_get_cert_store(ssl_ctx);
    out->identity = atomic_load(&ctx->current)->identity;
    assert_int_equal(SSL_CTX_get_tlsext_ticket_keys(ssl_ctx, out->ticket_keys, 80), 1);
    for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); i++) {
        const char *name = SSL_CIPHER_get_name(sk_SSL_CIPHER_value(ciphers, i));

        assert_true(strlen(out->ciphers) + strlen(name) + 2 < sizeof out->ciphers);
        strcat(out->ciphers, name);
        strcat(out->ciphers, ":");
    }
    ERR_clear_error();
}

static size_t count_settings(const pyossl_ctx *ctx)
{
    size_t count = 0;

    for (const osl_setting *setting = ctx->settings; setting != NULL; setting = setting->next)
        count++;
    return count;
}

/* ---- things to set ---- */

static pyossl_ctx *new_ctx(void)
{
    pyossl_ctx *ctx = NULL;

    assert_ok(pyossl_ctx_new(&ctx, PYOSSL_TLS));
    return ctx;
}

static pyossl_x509 *cert_from(const char *path)
{
    osl_auto_buf bytes = PYOSSL_BUF_INIT;
    pyossl_x509 *cert = NULL;

    assert_ok(osl_file_read(path, OSL_FILE_MAX, &bytes));
    assert_ok(pyossl_x509_load(&cert, PYOSSL_PEM, bytes.data, bytes.len));
    return cert;
}

static pyossl_pkey *key_from(const char *path)
{
    osl_auto_buf bytes = PYOSSL_BUF_INIT;
    pyossl_pkey *key = NULL;

    assert_ok(osl_file_read(path, OSL_FILE_MAX, &bytes));
    assert_ok(pyossl_pkey_load_private(&key, PYOSSL_PEM, bytes.data, bytes.len, NULL));
    return key;
}

static pyossl_answer accept_all(pyossl_conn *conn, const pyossl_verify_event *event, void *userdata)
{
    (void)conn;
    (void)event;
    (void)userdata;
    return PYOSSL_ANSWER_ACCEPT;
}

static void on_info(pyossl_conn *conn, int where, int ret, void *userdata)
{
    (void)conn;
    (void)where;
    (void)ret;
    (void)userdata;
}

static void on_keylog(pyossl_conn *conn, const char *line, void *userdata)
{
    (void)conn;
    (void)line;
    (void)userdata;
}

static void on_session(pyossl_conn *conn, pyossl_session *session, void *userdata)
{
    (void)conn;
    (void)session;
    (void)userdata;
}

/* One of everything that is replaced when set again. @i makes each time another value of some. */
static void set_everything(pyossl_ctx *ctx, int i)
{
    pyossl_x509 *cert = cert_from(DATA("server.pem")), *ec_cert = cert_from(DATA("server-ec.pem"));
    pyossl_pkey *key = key_from(DATA("rsa.pem")), *ec_key = key_from(DATA("ec.pem"));

    assert_ok(pyossl_ctx_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_QUERY_MTU));
    assert_ok(pyossl_ctx_clear_options(ctx, SSL_OP_NO_QUERY_MTU));
    assert_ok(pyossl_ctx_set_mode(ctx, SSL_MODE_SEND_FALLBACK_SCSV));
    assert_ok(pyossl_ctx_clear_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE));
    assert_ok(pyossl_ctx_set_min_version(ctx, TLS1_2_VERSION));
    assert_ok(pyossl_ctx_set_max_version(ctx, TLS1_3_VERSION));
    assert_ok(pyossl_ctx_set_cipher_list(ctx, i % 2 == 0 ? "ECDHE+AESGCM" : "ECDHE"));
    assert_ok(pyossl_ctx_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256"));
    assert_ok(pyossl_ctx_set_groups(ctx, "X25519:P-256"));
    assert_ok(pyossl_ctx_load_tmp_dh(ctx, DATA("dh.pem")));
    assert_ok(pyossl_ctx_set_security_level(ctx, 1));
    assert_ok(pyossl_ctx_set_alpn_protos(ctx, (const unsigned char *)"\2h2", 3));
    assert_ok(pyossl_ctx_set_srtp_profiles(ctx, "SRTP_AES128_CM_SHA1_80"));
    assert_ok(pyossl_ctx_set_post_handshake_auth(ctx, 1));
    assert_ok(pyossl_ctx_set_read_ahead(ctx, 1));
    assert_ok(pyossl_ctx_set_session_id(ctx, "name", 4));
    assert_ok(pyossl_ctx_set_session_cache_mode(ctx, SSL_SESS_CACHE_BOTH));
    assert_ok(pyossl_ctx_set_timeout(ctx, 100 + i));
    assert_ok(pyossl_ctx_set_num_tickets(ctx, 1));
    assert_ok(pyossl_ctx_set_verify(ctx, PYOSSL_VERIFY_PEER, accept_all, NULL, NULL));
    assert_ok(pyossl_ctx_set_verify_depth(ctx, 3));
    assert_ok(pyossl_ctx_set_verify_hostname(ctx, "a.test", 6, 0));
    assert_ok(pyossl_ctx_set_info(ctx, on_info, NULL, NULL));
    assert_ok(pyossl_ctx_set_keylog(ctx, on_keylog, NULL, NULL));
    assert_ok(pyossl_ctx_set_new_session(ctx, on_session, NULL, NULL));
    assert_ok(pyossl_ctx_load_client_ca(ctx, DATA("authorities.pem")));
    assert_ok(pyossl_ctx_add_client_ca(ctx, ec_cert));
    assert_ok(pyossl_ctx_use_certificate(ctx, ec_cert));
    assert_ok(pyossl_ctx_use_pkey(ctx, ec_key));
    assert_ok(pyossl_ctx_use_certificate_chain_file(ctx, DATA("chain.pem")));
    assert_ok(pyossl_ctx_use_pkey(ctx, key));
    pyossl_x509_unref(cert);
    pyossl_x509_unref(ec_cert);
    pyossl_pkey_unref(key);
    pyossl_pkey_unref(ec_key);
}

/* ---- in place or anew ---- */

static void test_a_context_nobody_has_changes_in_place(void **state)
{
    pyossl_ctx *ctx = new_ctx();
    osl_generation *first = atomic_load(&ctx->current);

    (void)state;
    assert_ok(pyossl_ctx_set_options(ctx, SSL_OP_NO_TICKET));
    assert_ok(pyossl_ctx_set_cipher_list(ctx, "ECDHE+AESGCM"));
    assert_ok(pyossl_ctx_set_verify(ctx, PYOSSL_VERIFY_PEER, accept_all, NULL, NULL));
    assert_ptr_equal(atomic_load(&ctx->current), first);
    pyossl_ctx_unref(ctx);
}

static void test_a_shared_generation_is_left_alone(void **state)
{
    pyossl_ctx *ctx = new_ctx();
    osl_generation *first = osl_ctx_acquire(ctx), *second;

    (void)state;
    assert_true(osl_ctx_is_current(ctx, first));
    assert_ok(pyossl_ctx_set_timeout(ctx, 55));
    assert_false(osl_ctx_is_current(ctx, first));
    assert_int_not_equal(SSL_CTX_get_timeout(first->ssl_ctx), 55);
    assert_int_equal(pyossl_ctx_timeout(ctx), 55);

    /* Nobody has the second one yet. */
    second = atomic_load(&ctx->current);
    assert_ok(pyossl_ctx_set_timeout(ctx, 56));
    assert_ptr_equal(atomic_load(&ctx->current), second);
    assert_int_equal(pyossl_ctx_timeout(ctx), 56);
    osl_generation_unref(first);
    pyossl_ctx_unref(ctx);
}

static void test_a_generation_outlives_its_context(void **state)
{
    pyossl_ctx *ctx = new_ctx();
    osl_generation *generation = osl_ctx_acquire(ctx);

    (void)state;
    pyossl_ctx_unref(ctx);
    assert_int_equal(SSL_CTX_get_session_cache_mode(generation->ssl_ctx), SSL_SESS_CACHE_SERVER);
    osl_generation_unref(generation);
    osl_generation_unref(NULL);
}

static void test_a_new_generation_is_like_the_one_before(void **state)
{
    pyossl_ctx *ctx = new_ctx();
    osl_generation *first;
    snapshot before, after;

    (void)state;
    set_everything(ctx, 0);
    first = osl_ctx_acquire(ctx);
    take_snapshot(ctx, &before);
    assert_ok(pyossl_ctx_set_timeout(ctx, 7));
    assert_false(osl_ctx_is_current(ctx, first));
    take_snapshot(ctx, &after);
    assert_int_equal(after.timeout, 7);
    after.timeout = before.timeout;
    assert_memory_equal(&before, &after, sizeof before);
    assert_int_equal(before.authorities, 3);
    assert_int_equal(before.chain, 1);
    assert_int_equal(before.level, 1);
    osl_generation_unref(first);
    pyossl_ctx_unref(ctx);
}

/* Both ways of changing lead to the same. */
static void test_in_place_and_anew_agree(void **state)
{
    pyossl_ctx *in_place = new_ctx(), *anew = new_ctx();
    osl_generation *first = osl_ctx_acquire(anew);
    snapshot a, b;

    (void)state;
    set_everything(in_place, 1);
    set_everything(anew, 1);
    osl_generation_unref(osl_ctx_share(anew));
    set_everything(anew, 1);
    take_snapshot(in_place, &a);
    take_snapshot(anew, &b);
    assert_int_equal(count_settings(in_place), count_settings(anew));
    /* Their own: keys, certificates (parsed apart), store, identity. */
    memcpy(b.ticket_keys, a.ticket_keys, sizeof a.ticket_keys);
    assert_int_equal(X509_cmp(a.cert, b.cert), 0);
    assert_int_equal(EVP_PKEY_eq(a.key, b.key), 1);
    b.cert = a.cert;
    b.key = a.key;
    b.store = a.store;
    b.identity = a.identity;
    assert_memory_equal(&a, &b, sizeof a);
    osl_generation_unref(first);
    pyossl_ctx_unref(in_place);
    pyossl_ctx_unref(anew);
}

/* ---- the record ---- */

static void test_the_record_does_not_grow(void **state)
{
    pyossl_ctx *ctx = new_ctx();
    size_t count;

    (void)state;
    set_everything(ctx, 0);
    count = count_settings(ctx);
    for (int i = 1; i < 20; i++) {
        if (i % 3 == 0)
            osl_generation_unref(osl_ctx_share(ctx));
        set_everything(ctx, i);
        assert_int_equal(count_settings(ctx), count);
    }
    pyossl_ctx_unref(ctx);
}

static void test_bits_add_up(void **state)
{
    const uint64_t a = SSL_OP_NO_TICKET, b = SSL_OP_NO_QUERY_MTU, c = SSL_OP_COOKIE_EXCHANGE;
    pyossl_ctx *ctx = new_ctx();
    uint64_t start = pyossl_ctx_options(ctx);

    (void)state;
    for (int shared = 0; shared < 2; shared++) {
#define CHANGE_AND_COMPARE(call, expected)                                                         \
    do {                                                                                           \
        if (shared)                                                                                \
            osl_generation_unref(osl_ctx_share(ctx));                                              \
        assert_ok(call);                                                                           \
        assert_true(pyossl_ctx_options(ctx) == (expected));                                        \
    } while (0)
        CHANGE_AND_COMPARE(pyossl_ctx_set_options(ctx, a), start | a);
        CHANGE_AND_COMPARE(pyossl_ctx_set_options(ctx, b | c), start | a | b | c);
        CHANGE_AND_COMPARE(pyossl_ctx_clear_options(ctx, a | b), start | c);
        CHANGE_AND_COMPARE(pyossl_ctx_set_options(ctx, b), start | b | c);
        CHANGE_AND_COMPARE(pyossl_ctx_clear_options(ctx, start), (start | b | c) & ~start);
        CHANGE_AND_COMPARE(pyossl_ctx_set_options(ctx, start), start | b | c);
        CHANGE_AND_COMPARE(pyossl_ctx_clear_options(ctx, b | c), start);
    }
    assert_int_equal(count_settings(ctx), 1);
    pyossl_ctx_unref(ctx);
}

static X509 *weak_cert(EVP_PKEY *key)
{
    X509 *cert = X509_new();

    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), 0));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), 60));
    assert_int_equal(X509_set_pubkey(cert, key), 1);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    return cert;
}

/* What was accepted at a low level stays, though it would not be accepted any more. */
static void test_na_178_replay_does_not_judge_anew(void **state)
{
    pyossl_ctx *ctx = new_ctx();
    EVP_PKEY *key = EVP_RSA_gen(1024);
    pyossl_x509 *cert = NULL;
    snapshot seen;

    (void)state;
    assert_ok(osl_x509_wrap(&cert, weak_cert(key)));
    assert_ok(pyossl_ctx_set_security_level(ctx, 2));
    assert_fails(pyossl_ctx_use_certificate(ctx, cert), PYOSSL_E_OPENSSL);
    assert_ok(pyossl_ctx_set_cipher_list(ctx, "DEFAULT@SECLEVEL=0"));
    assert_ok(pyossl_ctx_use_certificate(ctx, cert));
    assert_ok(pyossl_ctx_set_cipher_list(ctx, "DEFAULT@SECLEVEL=2"));
    osl_generation_unref(osl_ctx_share(ctx));
    assert_ok(pyossl_ctx_set_timeout(ctx, 1));
    take_snapshot(ctx, &seen);
    assert_int_equal(seen.level, 2);
    assert_ptr_equal(seen.cert, osl_x509_full(cert));
    assert_fails(pyossl_ctx_use_certificate(ctx, cert), PYOSSL_E_OPENSSL);
    /* A list that says nothing of it leaves the level alone. */
    assert_ok(pyossl_ctx_set_cipher_list(ctx, "DEFAULT@SECLEVEL=1"));
    osl_generation_unref(osl_ctx_share(ctx));
    assert_ok(pyossl_ctx_set_cipher_list(ctx, "DEFAULT"));
    osl_generation_unref(osl_ctx_share(ctx));
    assert_ok(pyossl_ctx_set_timeout(ctx, 2));
    take_snapshot(ctx, &seen);
    assert_int_equal(seen.level, 1);
    EVP_PKEY_free(key);
    pyossl_x509_unref(cert);
    pyossl_ctx_unref(ctx);
}

/* ---- failing ---- */

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
    { "cert_of_no_format", cert_of_no_format, PYOSSL_E_OPENSSL },
    { "no_ciphers", no_ciphers, PYOSSL_E_OPENSSL },
    { "no_ciphers_but_a_level", no_ciphers_but_a_level, PYOSSL_E_OPENSSL },
    { "no_ciphersuites", no_ciphersuites, PYOSSL_E_OPENSSL },
    { "no_groups", no_groups, PYOSSL_E_OPENSSL },
    { "no_profiles", no_profiles, PYOSSL_E_OPENSSL },
    { "bad_protos", bad_protos, PYOSSL_E_OPENSSL },
    { "bad_version", bad_version, PYOSSL_E_OPENSSL },
    { "bad_max_version", bad_max_version, PYOSSL_E_OPENSSL },
    { "long_session_id", long_session_id, PYOSSL_E_OPENSSL },
    { "no_dh", no_dh, PYOSSL_E_FORMAT },
    { "no_authorities", no_authorities, PYOSSL_E_FORMAT },
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
        osl_generation_unref(osl_ctx_share(ctx));
    }
    pyossl_ctx_unref(ctx);
}

static void test_a_strict_context_refuses_once_used(void **state)
{
    pyossl_ctx *ctx = new_ctx();
    osl_generation *generation;
    snapshot before, after;

    (void)state;
    pyossl_ctx_set_strict(ctx, 1);
    assert_ok(pyossl_ctx_set_timeout(ctx, 5));
    osl_generation_unref(osl_ctx_share(ctx));
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

/* ---- what callbacks leave behind ---- */

static void count_release(void *userdata)
{
    ++*(int *)userdata;
}

static void test_na_052_userdata_is_released_once_nobody_can_use_it(void **state)
{
    pyossl_ctx *ctx = new_ctx();
    osl_generation *generation;
    int first = 0, second = 0, third = 0, unused = 0, refused = 0;

    (void)state;
    assert_ok(pyossl_ctx_set_info(ctx, on_info, &first, count_release));
    assert_ok(pyossl_ctx_set_info(ctx, on_info, &second, count_release));
    assert_int_equal(first, 1);
    generation = osl_ctx_acquire(ctx);
    assert_ok(pyossl_ctx_set_info(ctx, on_info, &third, count_release));
    assert_int_equal(second, 0); /* a connection may still call it */
    osl_generation_unref(generation);
    assert_int_equal(second, 1);
    assert_ok(pyossl_ctx_set_info(ctx, NULL, NULL, NULL));
    assert_int_equal(third, 1);
    assert_null(SSL_CTX_get_info_callback(ssl_ctx_of(ctx)));
    assert_ok(pyossl_ctx_set_info(ctx, NULL, &unused, count_release));
    assert_int_equal(unused, 1);

    pyossl_ctx_set_strict(ctx, 1);
    assert_fails(pyossl_ctx_set_info(ctx, on_info, &refused, count_release), PYOSSL_E_IN_USE);
    assert_int_equal(refused, 0);
    pyossl_ctx_unref(ctx);
    assert_int_equal(first + second + third + unused + refused, 4);
}

static void change_on_release(void *userdata)
{
    pyossl_ctx *ctx = userdata;

    assert_ok(pyossl_ctx_set_timeout(ctx, pyossl_ctx_timeout(ctx) + 1));
}

static void test_na_061_a_release_may_change_the_context(void **state)
{
    pyossl_ctx *ctx = new_ctx();

    (void)state;
    assert_ok(pyossl_ctx_set_timeout(ctx, 10));
    assert_ok(pyossl_ctx_set_info(ctx, on_info, ctx, change_on_release));
    assert_ok(pyossl_ctx_set_info(ctx, on_info, ctx, change_on_release));
    assert_int_equal(pyossl_ctx_timeout(ctx), 11);
    osl_generation_unref(osl_ctx_share(ctx));
    assert_ok(pyossl_ctx_set_info(ctx, on_info, NULL, NULL));
    assert_int_equal(pyossl_ctx_timeout(ctx), 12);
    pyossl_ctx_unref(ctx);
}

/* ---- several threads ---- */

enum { ROUNDS = 400 };

typedef struct shared_work {
    pyossl_ctx *ctx;
    atomic_bool stop;
    atomic_int released, made, wrong;
} shared_work;

/* The userdata of each callback, and the number that was set together with it. */
typedef struct tag {
    shared_work *work;
    int mode;
} tag;

static void release_tag(void *userdata)
{
    tag *mine = userdata;

    atomic_fetch_add(&mine->work->released, 1);
    OPENSSL_free(mine);
}

static void *change_thread(void *arg)
{
    shared_work *work = arg;

    for (int i = 0; i < ROUNDS; i++) {
        tag *mine = OPENSSL_malloc(sizeof *mine);

        mine->work = work;
        mine->mode = i % 4;
        atomic_fetch_add(&work->made, 1);
        if (pyossl_ctx_set_verify(work->ctx, mine->mode, accept_all, mine, release_tag) !=
                PYOSSL_OK ||
            pyossl_ctx_set_cipher_list(work->ctx, i % 2 ? "ECDHE" : "ECDHE+AESGCM") != PYOSSL_OK ||
            pyossl_ctx_set_verify_hostname(work->ctx, i % 2 ? "a.test" : "b.test", 6, 0) !=
                PYOSSL_OK ||
            pyossl_ctx_set_cipher_list(work->ctx, "no-such-cipher") == PYOSSL_OK)
            atomic_fetch_add(&work->wrong, 1);
    }
    return NULL;
}

static void *use_thread(void *arg)
{
    shared_work *work = arg;

    while (!atomic_load(&work->stop)) {
        osl_generation *generation = osl_ctx_acquire(work->ctx);
        const tag *seen = generation->callbacks[OSL_CB_VERIFY] != NULL
                              ? generation->callbacks[OSL_CB_VERIFY]->userdata
                              : NULL;
        SSL *ssl = SSL_new(generation->ssl_ctx);

        if (ssl == NULL || (seen != NULL && SSL_get_verify_mode(ssl) != seen->mode) ||
            sk_SSL_CIPHER_num(SSL_get_ciphers(ssl)) <= 0)
            atomic_fetch_add(&work->wrong, 1);
        (void)osl_ctx_is_current(work->ctx, generation);
        (void)pyossl_ctx_verify_mode(work->ctx);
        SSL_free(ssl);
        osl_generation_unref(generation);
    }
    return NULL;
}

static void test_na_052_threads_change_while_others_begin(void **state)
{
    shared_work work = { .ctx = new_ctx() };
    pthread_t changers[2], users[3];

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(users); i++)
        assert_int_equal(pthread_create(&users[i], NULL, use_thread, &work), 0);
    for (size_t i = 0; i < OSL_COUNT_OF(changers); i++)
        assert_int_equal(pthread_create(&changers[i], NULL, change_thread, &work), 0);
    for (size_t i = 0; i < OSL_COUNT_OF(changers); i++)
        assert_int_equal(pthread_join(changers[i], NULL), 0);
    atomic_store(&work.stop, true);
    for (size_t i = 0; i < OSL_COUNT_OF(users); i++)
        assert_int_equal(pthread_join(users[i], NULL), 0);
    assert_int_equal(atomic_load(&work.wrong), 0);
    assert_int_equal(count_settings(work.ctx), 3);
    assert_int_equal(atomic_load(&work.released), atomic_load(&work.made) - 1);
    pyossl_ctx_unref(work.ctx);
    assert_int_equal(atomic_load(&work.released), atomic_load(&work.made));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_context_nobody_has_changes_in_place),
        cmocka_unit_test(test_a_shared_generation_is_left_alone),
        cmocka_unit_test(test_a_generation_outlives_its_context),
        cmocka_unit_test(test_a_new_generation_is_like_the_one_before),
        cmocka_unit_test(test_in_place_and_anew_agree),
        cmocka_unit_test(test_the_record_does_not_grow),
        cmocka_unit_test(test_bits_add_up),
        cmocka_unit_test(test_na_178_replay_does_not_judge_anew),
        cmocka_unit_test(test_na_065_a_failed_change_changes_nothing),
        cmocka_unit_test(test_a_strict_context_refuses_once_used),
        cmocka_unit_test(test_na_052_userdata_is_released_once_nobody_can_use_it),
        cmocka_unit_test(test_na_061_a_release_may_change_the_context),
        cmocka_unit_test(test_na_052_threads_change_while_others_begin),
    };

    return cmocka_run_group_tests_name("ctx_change", tests, NULL, NULL);
}
