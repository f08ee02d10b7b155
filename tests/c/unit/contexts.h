/* What the tests of contexts share: making one, filling it, looking into it. */
#ifndef CONTEXTS_H
#define CONTEXTS_H

#include "test.h"

#include "ssl/ctx_change.h"

static inline pyossl_ctx *new_ctx(void)
{
    pyossl_ctx *ctx = NULL;

    assert_ok(pyossl_ctx_new(&ctx, PYOSSL_TLS));
    return ctx;
}

static inline pyossl_x509 *cert_from(const char *path)
{
    osl_auto_buf bytes = PYOSSL_BUF_INIT;
    pyossl_x509 *cert = NULL;

    assert_ok(osl_file_read(path, OSL_FILE_MAX, &bytes));
    assert_ok(pyossl_x509_load(&cert, PYOSSL_PEM, bytes.data, bytes.len));
    return cert;
}

static inline pyossl_pkey *key_from(const char *path)
{
    osl_auto_buf bytes = PYOSSL_BUF_INIT;
    pyossl_pkey *key = NULL;

    assert_ok(osl_file_read(path, OSL_FILE_MAX, &bytes));
    assert_ok(pyossl_pkey_load_private(&key, PYOSSL_PEM, bytes.data, bytes.len, NULL));
    return key;
}

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

static inline SSL_CTX *ssl_ctx_of(pyossl_ctx *ctx)
{
    return atomic_load(&ctx->current)->ssl_ctx;
}

static inline void take_snapshot(pyossl_ctx *ctx, snapshot *out)
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

/* Signed by itself; small keys make it weak. */
static inline X509 *weak_cert(EVP_PKEY *key)
{
    X509 *cert = X509_new();

    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), 0));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), 60));
    assert_int_equal(X509_set_pubkey(cert, key), 1);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    return cert;
}

static inline size_t count_settings(const pyossl_ctx *ctx)
{
    size_t count = 0;

    for (const osl_setting *setting = ctx->settings; setting != NULL; setting = setting->next)
        count++;
    return count;
}

static inline pyossl_answer accept_all(pyossl_conn *conn, const pyossl_verify_event *event,
                                       void *userdata)
{
    (void)conn;
    (void)event;
    (void)userdata;
    return PYOSSL_ANSWER_ACCEPT;
}

static inline void on_info(pyossl_conn *conn, int where, int ret, void *userdata)
{
    (void)conn;
    (void)where;
    (void)ret;
    (void)userdata;
}

static inline void on_keylog(pyossl_conn *conn, const char *line, void *userdata)
{
    (void)conn;
    (void)line;
    (void)userdata;
}

static inline void on_session(pyossl_conn *conn, pyossl_session *session, void *userdata)
{
    (void)conn;
    (void)session;
    (void)userdata;
}

/* One of everything that is replaced when set again. @i makes each time another value of some. */
static inline void set_everything(pyossl_ctx *ctx, int i)
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

#endif
