/*
 * When the slim library context is used, when it is left, and what comes out of
 * connections that use it.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* ENGINEs */

#include "counts.h"
#include "pair.h"
#include "test.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef OPENSSL_NO_ENGINE
#include <openssl/engine.h>
#endif
#include <openssl/provider.h>
#include <openssl/ssl.h>

#include "pyossl/callbacks.h"
#include "pyossl/info.h"
#include "pyossl/openssl.h"
#include "pyossl/rand.h"
#include "pyossl/session.h"
#include "pyossl/version.h"
#include "ssl/tls.h"

/* Whether this OpenSSL, with this configuration, has anything to test here. */
static bool usable(void)
{
    pyossl_slim_allow(1);
    return pyossl_has(PYOSSL_FEATURE_SLIM) == 1;
}

static pyossl_ctx *new_ctx(void)
{
    pyossl_ctx *ctx = NULL;

    assert_ok(pyossl_ctx_new(&ctx, PYOSSL_TLS));
    return ctx;
}

static bool is_slim(pyossl_ctx *ctx)
{
    return atomic_load(&ctx->current)->slim;
}

static bool new_is_slim(void)
{
    pyossl_ctx *ctx = new_ctx();
    const bool slim = is_slim(ctx);

    pyossl_ctx_unref(ctx);
    return slim;
}

/* ---- the first use ---- */

static void *make_one(void *slim)
{
    pair both;

    *(bool *)slim = new_is_slim();
    pair_establish(&both, PAIR_TLS1_3, PAIR_USER, 0);
    pair_free(&both);
    return NULL;
}

/* Must come first in this program. */
static void test_threads_meet_at_the_first_context(void **state)
{
    pthread_t threads[16];
    bool slim[16];

    (void)state;
    pyossl_slim_allow(1); /* however it was built */
    for (size_t i = 0; i < OSL_COUNT_OF(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, make_one, &slim[i]), 0);
    for (size_t i = 0; i < OSL_COUNT_OF(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (size_t i = 0; i < OSL_COUNT_OF(threads); i++)
        assert_int_equal(slim[i], usable());
}

static void test_switch(void **state)
{
    pyossl_ctx *ctx;

    (void)state;
    if (!usable())
        skip();
    assert_true(new_is_slim());
    pyossl_slim_allow(0);
    assert_int_equal(pyossl_has(PYOSSL_FEATURE_SLIM), 0);
    assert_false(new_is_slim());
    pyossl_slim_allow(-5); /* anything but 0 allows it */
    ctx = new_ctx();
    assert_true(is_slim(ctx));
    pyossl_ctx_unref(ctx);
}

/* ---- what forbids it ---- */

#ifndef OPENSSL_NO_ENGINE
static ENGINE *engine;

static void engine_on(void)
{
    engine = ENGINE_new();
    assert_int_equal(ENGINE_set_id(engine, "test"), 1);
    assert_int_equal(ENGINE_set_name(engine, "for a test"), 1);
    assert_int_equal(ENGINE_add(engine), 1);
}

static void engine_off(void)
{
    assert_int_equal(ENGINE_remove(engine), 1);
    ENGINE_free(engine);
}
#endif

static OSSL_PROVIDER *extra;

static void provider_on(void)
{
    extra = OSSL_PROVIDER_load(NULL, "base");
    assert_non_null(extra);
}

static void provider_off(void)
{
    assert_int_equal(OSSL_PROVIDER_unload(extra), 1);
}

static void fips_on(void)
{
    assert_int_equal(EVP_default_properties_enable_fips(NULL, 1), 1);
}

static void fips_off(void)
{
    assert_int_equal(EVP_default_properties_enable_fips(NULL, 0), 1);
}

static void other_on(void)
{
    assert_int_equal(EVP_set_default_properties(NULL, "provider=other"), 1);
}

static void properties_off(void)
{
    assert_int_equal(EVP_set_default_properties(NULL, ""), 1);
}

static OSSL_LIB_CTX *before, *own;

static void default_on(void)
{
    own = OSSL_LIB_CTX_new();
    assert_non_null(own);
    before = OSSL_LIB_CTX_set0_default(own);
}

static void default_off(void)
{
    assert_non_null(OSSL_LIB_CTX_set0_default(before));
    OSSL_LIB_CTX_free(own);
}

static void switch_on(void)
{
    pyossl_slim_allow(0);
}

static void switch_off(void)
{
    pyossl_slim_allow(1);
}

static const struct {
    const char *name;
    void (*on)(void), (*off)(void);
    bool works; /* TLS does, with this */
} obstacles[] = {
#ifndef OPENSSL_NO_ENGINE
    { "an engine", engine_on, engine_off, true },
#endif
    { "another provider", provider_on, provider_off, true },
    { "FIPS", fips_on, fips_off, false },
    { "properties of others", other_on, properties_off, false },
    { "another default", default_on, default_off, true },
    { "the switch", switch_on, switch_off, true },
};

static void test_obstacles(void **state)
{
    (void)state;
    if (!usable())
        skip();
    for (size_t i = 0; i < OSL_COUNT_OF(obstacles); i++) {
        obstacles[i].on();
        assert_int_equal(pyossl_has(PYOSSL_FEATURE_SLIM), 0);
        if (obstacles[i].works)
            assert_false(new_is_slim());
        obstacles[i].off();
        if (pyossl_has(PYOSSL_FEATURE_SLIM) != 1)
            fail_msg("%s is still in the way", obstacles[i].name);
        assert_true(new_is_slim());
    }
}

/* One that comes after the context, and after the connection too. */
static void test_obstacles_after_the_context(void **state)
{
    (void)state;
    if (!usable())
        skip();
    for (size_t i = 0; i < OSL_COUNT_OF(obstacles); i++) {
        pair both;

        if (!obstacles[i].works)
            continue;
        pair_contexts(&both, PAIR_TLS1_3);
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_true(is_slim(both.client_ctx) && is_slim(both.server_ctx));
        obstacles[i].on();
        assert_ok(pair_handshake(&both));
        assert_false(is_slim(both.client_ctx) || is_slim(both.server_ctx));
        assert_false(both.client->generation->slim || both.server->generation->slim);
        pair_send(&both, both.client, both.server, "bytes", 5);
        pair_free(&both);
        obstacles[i].off();
    }
}

/* Where nothing would work without it, nothing does with it. */
static void test_obstacles_that_stop_everything(void **state)
{
    (void)state;
    if (!usable())
        skip();
    for (size_t i = 0; i < OSL_COUNT_OF(obstacles); i++) {
        pyossl_ctx *made[2] = { NULL, NULL };
        pyossl_status with, without;

        if (obstacles[i].works)
            continue;
        obstacles[i].on();
        with = pyossl_ctx_new(&made[0], PYOSSL_TLS);
        pyossl_slim_allow(0);
        without = pyossl_ctx_new(&made[1], PYOSSL_TLS);
        pyossl_slim_allow(1);
        assert_status(with, without);
        pyossl_ctx_unref(made[0]);
        pyossl_ctx_unref(made[1]);
        obstacles[i].off();
    }
}

/* ---- what comes out ---- */

/* A program that asks for OpenSSL's context does with it what it likes. */
static void test_lent_context_is_plain(void **state)
{
    pyossl_ctx *ctx;
    SSL_CTX *lent, *again;

    (void)state;
    if (!usable())
        skip();
    ctx = new_ctx();
    assert_ok(pyossl_ctx_set_cipher_list(ctx, "ECDHE+AESGCM"));
    assert_true(is_slim(ctx));
    lent = pyossl_openssl_ctx(ctx);
    again = pyossl_openssl_ctx(ctx);
    assert_non_null(lent);
    assert_ptr_equal(lent, again);
    assert_false(is_slim(ctx));
    assert_int_equal(
        SSL_CTX_use_PrivateKey_file(lent, DATA("rsa-traditional.pem"), SSL_FILETYPE_PEM), 1);
    assert_ok(pyossl_ctx_set_timeout(ctx, 17)); /* a new one, as this one has been lent */
    assert_false(is_slim(ctx));
    SSL_CTX_free(lent);
    SSL_CTX_free(again);
    pyossl_ctx_unref(ctx);
}

/* So does one that asks for OpenSSL's connection before the handshake: what it sets there stays. */
static void test_lent_connection_is_plain(void **state)
{
    pair both;
    SSL *lent;

    (void)state;
    if (!usable())
        skip();
    pair_contexts(&both, PAIR_TLS1_3);
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_true(both.client->generation->slim);
    lent = pyossl_openssl_conn(both.client);
    assert_false(both.client->generation->slim || is_slim(both.client_ctx));
    SSL_set_read_ahead(lent, 1);
    provider_on();
    assert_ok(pair_handshake(&both));
    provider_off();
    assert_ptr_equal(pyossl_openssl_conn(both.client), lent);
    assert_int_equal(SSL_get_read_ahead(lent), 1);
    assert_true(pyossl_openssl_conn(both.server) != NULL);
    pair_free(&both);
}

static void use_cert(pyossl_x509 *cert)
{
    osl_auto(pyossl_pkey) *key = NULL;
    osl_auto_buf text = PYOSSL_BUF_INIT;
    X509 *full = pyossl_openssl_x509(cert);

    assert_non_null(full);
    assert_non_null(X509_get0_pubkey(full));
    assert_ok(pyossl_x509_pubkey(cert, &key));
    assert_ok(pyossl_pkey_dump_public(key, PYOSSL_PEM, &text));
    assert_ok(pyossl_x509_dump(cert, PYOSSL_TEXT, &text));
    assert_ok(pyossl_x509_dump(cert, PYOSSL_PEM, &text));
    /* A change makes it another, which OpenSSL's connection does not see. */
    assert_ok(pyossl_x509_set_version(cert, 1));
    assert_int_equal(X509_get_version(pyossl_openssl_x509(cert)), 1);
}

static pyossl_x509 *kept[8];
static size_t kept_count;

static pyossl_answer keep(pyossl_conn *conn, const pyossl_verify_event *event, void *userdata)
{
    (void)conn;
    (void)userdata;
    assert_true(kept_count < OSL_COUNT_OF(kept));
    kept[kept_count++] = pyossl_x509_ref(event->cert);
    return event->preverify ? PYOSSL_ANSWER_ACCEPT : PYOSSL_ANSWER_ABORT;
}

static void test_certificates_outlive_all(void **state)
{
    osl_auto(pyossl_x509) *peer = NULL;
    osl_auto_x509_list sent = PYOSSL_X509_LIST_INIT, built = PYOSSL_X509_LIST_INIT;
    pair both;

    (void)state;
    if (!usable())
        skip();
    kept_count = 0;
    pair_contexts(&both, PAIR_TLS1_3);
    assert_ok(pyossl_ctx_set_verify(both.client_ctx, PYOSSL_VERIFY_PEER, keep, NULL, NULL));
    pair_connect(&both, PAIR_MEMORY, 0);
    assert_ok(pair_handshake(&both));
    assert_true(both.client->slim);
    assert_ok(pyossl_conn_peer_certificate(both.client, &peer));
    assert_ok(pyossl_conn_peer_chain(both.client, &sent));
    assert_ok(pyossl_conn_verified_chain(both.client, &built));
    assert_int_equal(built.count, kept_count);
    pair_free(&both);
    use_cert(peer);
    for (size_t i = 0; i < sent.count; i++)
        use_cert(sent.items[i]);
    for (size_t i = 0; i < built.count; i++)
        use_cert(built.items[i]);
    for (size_t i = 0; i < kept_count; i++) {
        use_cert(kept[i]);
        pyossl_x509_unref(kept[i]);
    }
}

static void test_temporary_keys(void **state)
{
    static const char *const groups[] = { "X25519", "X448", "P-256", "P-521", "ffdhe2048" };

    (void)state;
    if (!usable())
        skip();
    for (size_t i = 0; i < OSL_COUNT_OF(groups); i++) {
        osl_auto(pyossl_pkey) *key = NULL;
        osl_auto_buf text = PYOSSL_BUF_INIT;
        pair both;

        pair_contexts(&both, PAIR_TLS1_3);
        assert_ok(pyossl_ctx_set_groups(both.client_ctx, groups[i]));
        assert_ok(pyossl_ctx_set_groups(both.server_ctx, groups[i]));
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_ok(pair_handshake(&both));
        assert_ok(pyossl_conn_peer_tmp_key(both.client, &key));
        pair_free(&both);
        assert_ok(pyossl_pkey_dump_public(key, PYOSSL_PEM, &text));
    }
}

/* A servername callback may bring a context that was made under another rule. */
static pyossl_answer change_ctx(pyossl_conn *conn, void *ctx)
{
    assert_ok(pyossl_conn_set_ctx(conn, ctx));
    return PYOSSL_ANSWER_ACCEPT;
}

static void test_change_under_way(void **state)
{
    (void)state;
    if (!usable())
        skip();
    for (int version = PAIR_TLS1_2; version <= PAIR_TLS1_3; version++)
        for (int i = 0; i < 4; i++) {
            pair both, other;

            pyossl_slim_allow(i & 1);
            pair_contexts(&both, version);
            pyossl_slim_allow(i & 2);
            pair_contexts(&other, version);
            assert_int_equal(is_slim(both.server_ctx), i & 1);
            assert_int_equal(is_slim(other.server_ctx), i >> 1);
            pyossl_slim_allow(1);
            assert_ok(
                pyossl_ctx_set_servername(both.server_ctx, change_ctx, other.server_ctx, NULL));
            pair_connect(&both, PAIR_MEMORY, 0);
            assert_ok(pyossl_conn_set_servername(both.client, "localhost", 9));
            assert_ok(pair_handshake(&both));
            pair_send(&both, both.client, both.server, "bytes", 5);
            pair_send(&both, both.server, both.client, "back", 4);
            pair_free(&both);
            pyossl_ctx_unref(other.client_ctx);
            pyossl_ctx_unref(other.server_ctx);
        }
}

/* The certificate of a session goes along to a connection whose context is plain by then. */
static void test_sessions_leave_it(void **state)
{
    (void)state;
    if (!usable())
        skip();
    for (int version = PAIR_TLS1_2; version <= PAIR_TLS1_3; version++) {
        osl_auto(pyossl_session) *session = NULL;
        osl_auto(pyossl_x509) *peer = NULL;
        pair both;

        pair_establish(&both, version, PAIR_MEMORY, 0);
        pair_send(&both, both.server, both.client, "ticket", 6);
        assert_true(both.client->slim);
        assert_ok(pyossl_conn_session(both.client, &session));
        provider_on();
        pair_disconnect(&both);
        pair_connect(&both, PAIR_MEMORY, 0);
        assert_ok(pyossl_conn_set_session(both.client, session));
        assert_ok(pair_handshake(&both));
        assert_false(is_slim(both.client_ctx) || is_slim(both.server_ctx));
        assert_int_equal(SSL_session_reused(both.client->ssl), 1);
        assert_ok(pyossl_conn_peer_certificate(both.client, &peer));
        pair_free(&both);
        provider_off();
        use_cert(peer);
    }
}

/* ---- processes ---- */

enum { RANDOM = 32 };

static void shake_in_child(int fd)
{
    unsigned char random[RANDOM];
    pair both;

    alarm(20);
    pair_establish(&both, PAIR_TLS1_3, PAIR_MEMORY, 0);
    if (!both.client->slim || SSL_get_client_random(both.client->ssl, random, RANDOM) != RANDOM ||
        write(fd, random, RANDOM) != RANDOM)
        abort();
    pair_free(&both);
    leave(0);
}

/* Children have it, and generators of their own. */
static void test_after_fork(void **state)
{
    unsigned char seen[3][RANDOM];
    int fds[2];

    (void)state;
    if (!usable())
        skip();
    assert_int_equal(pipe(fds), 0);
    for (size_t i = 0; i < OSL_COUNT_OF(seen); i++) {
        int how = 0;
        pid_t child;

        fflush(NULL);
        child = fork();
        if (child == 0)
            shake_in_child(fds[1]);
        assert_true(child > 0);
        assert_true(waitpid(child, &how, 0) == child && how == 0);
        assert_int_equal(read(fds[0], seen[i], RANDOM), RANDOM);
        for (size_t earlier = 0; earlier < i; earlier++)
            assert_memory_not_equal(seen[i], seen[earlier], RANDOM);
    }
    close(fds[0]);
    close(fds[1]);
}

/* OpenSSL lists engines of its own where a configuration is there: they change nothing. */
static void test_builtin_engines(void **state)
{
    (void)state;
#ifdef OPENSSL_NO_ENGINE
    skip();
#else
    ENGINE *builtin;

    if (!usable())
        skip();
    ENGINE_load_dynamic();
    builtin = ENGINE_by_id("dynamic");
    assert_non_null(builtin);
    ENGINE_free(builtin);
    assert_true(new_is_slim());
    engine_on(); /* behind them in the list */
    assert_false(new_is_slim());
    engine_off();
    assert_true(new_is_slim());
#endif
}

/* What a program mixes in reaches this generator too. */
static void test_mixing(void **state)
{
    (void)state;
    if (!usable())
        skip();
    assert_ok(osl_slim_mix("bytes", 5));
    assert_ok(pyossl_rand_seed("bytes", 5));
    assert_ok(pyossl_rand_add("bytes", 5, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_meet_at_the_first_context),
        cmocka_unit_test(test_switch),
        cmocka_unit_test(test_obstacles),
        cmocka_unit_test(test_obstacles_after_the_context),
        cmocka_unit_test(test_obstacles_that_stop_everything),
        cmocka_unit_test(test_lent_context_is_plain),
        cmocka_unit_test(test_lent_connection_is_plain),
        cmocka_unit_test(test_certificates_outlive_all),
        cmocka_unit_test(test_temporary_keys),
        cmocka_unit_test(test_change_under_way),
        cmocka_unit_test(test_sessions_leave_it),
        cmocka_unit_test(test_after_fork),
        cmocka_unit_test(test_builtin_engines),
        cmocka_unit_test(test_mixing),
    };

    return cmocka_run_group_tests_name("slim_use", tests, NULL, NULL);
}
