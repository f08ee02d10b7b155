/* How a context changes: in place, by another generation, or not at all. */
#include "test.h"

#include <pthread.h>

#include "contexts.h"

#include "pyossl/openssl.h"

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
    assert_int_equal(SSL_CTX_get_session_cache_mode(generation->ssl_ctx),
                     SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
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
    osl_generation_unref(osl_ctx_acquire(anew));
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
            osl_generation_unref(osl_ctx_acquire(ctx));
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
            osl_generation_unref(osl_ctx_acquire(ctx));                                              \
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
    osl_generation_unref(osl_ctx_acquire(ctx));
    assert_ok(pyossl_ctx_set_timeout(ctx, 1));
    take_snapshot(ctx, &seen);
    assert_int_equal(seen.level, 2);
    assert_ptr_equal(seen.cert, osl_x509_full(cert));
    assert_fails(pyossl_ctx_use_certificate(ctx, cert), PYOSSL_E_OPENSSL);
    /* A list that says nothing of it leaves the level alone. */
    assert_ok(pyossl_ctx_set_cipher_list(ctx, "DEFAULT@SECLEVEL=1"));
    osl_generation_unref(osl_ctx_acquire(ctx));
    assert_ok(pyossl_ctx_set_cipher_list(ctx, "DEFAULT"));
    osl_generation_unref(osl_ctx_acquire(ctx));
    assert_ok(pyossl_ctx_set_timeout(ctx, 2));
    take_snapshot(ctx, &seen);
    assert_int_equal(seen.level, 1);
    EVP_PKEY_free(key);
    pyossl_x509_unref(cert);
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
    osl_generation_unref(osl_ctx_acquire(ctx));
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

static void test_no_setting_may_be_freed(void **state)
{
    (void)state;
    osl_setting_free(NULL);
    assert_int_equal(ERR_peek_error(), 0);
}

/* ---- what the program sets by OpenSSL's own functions ---- */

static int no_client_cert(SSL *ssl, X509 **cert, EVP_PKEY **key)
{
    (void)ssl;
    (void)cert;
    (void)key;
    return 0;
}

static void assert_still_set(pyossl_ctx *ctx)
{
    SSL_CTX *raw = pyossl_openssl_ctx(ctx);

    assert_non_null(raw);
    assert_ptr_equal(SSL_CTX_get_client_cert_cb(raw), no_client_cert);
    assert_int_equal(SSL_CTX_get_min_proto_version(raw), TLS1_3_VERSION);
    SSL_CTX_free(raw);
}

/* Later changes are made to that very SSL_CTX, and refused where that cannot be. */
static void test_na_206_what_the_program_set_stays(void **state)
{
    pyossl_ctx *ctx = NULL;
    pyossl_conn *conn = NULL;
    SSL_CTX *raw;

    (void)state;
    assert_ok(pyossl_ctx_new(&ctx, PYOSSL_TLS));
    raw = pyossl_openssl_ctx(ctx);
    assert_non_null(raw);
    SSL_CTX_set_client_cert_cb(raw, no_client_cert);
    assert_int_equal(SSL_CTX_set_min_proto_version(raw, TLS1_3_VERSION), 1);
    SSL_CTX_free(raw);
    assert_ok(pyossl_ctx_set_timeout(ctx, 100));
    assert_ok(pyossl_ctx_set_cipher_list(ctx, "ECDHE"));
    assert_ok(pyossl_ctx_use_certificate_chain_file(ctx, DATA("chain.pem")));
    assert_ok(pyossl_ctx_use_pkey_file(ctx, DATA("rsa.pem"), PYOSSL_PEM));
    assert_still_set(ctx);
    assert_int_equal(pyossl_ctx_timeout(ctx), 100);
    assert_fails(pyossl_ctx_set_cipher_list(ctx, "no such"), PYOSSL_E_OPENSSL);
    assert_still_set(ctx);
    assert_ok(pyossl_conn_new(&conn, ctx));
    assert_fails(pyossl_ctx_set_timeout(ctx, 200), PYOSSL_E_IN_USE);
    assert_int_equal(pyossl_ctx_timeout(ctx), 100);
    assert_still_set(ctx);
    pyossl_conn_unref(conn);
    pyossl_ctx_unref(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_206_what_the_program_set_stays),
        cmocka_unit_test(test_a_context_nobody_has_changes_in_place),
        cmocka_unit_test(test_a_shared_generation_is_left_alone),
        cmocka_unit_test(test_a_generation_outlives_its_context),
        cmocka_unit_test(test_a_new_generation_is_like_the_one_before),
        cmocka_unit_test(test_in_place_and_anew_agree),
        cmocka_unit_test(test_the_record_does_not_grow),
        cmocka_unit_test(test_bits_add_up),
        cmocka_unit_test(test_na_178_replay_does_not_judge_anew),
        cmocka_unit_test(test_na_052_userdata_is_released_once_nobody_can_use_it),
        cmocka_unit_test(test_na_061_a_release_may_change_the_context),
        cmocka_unit_test(test_no_setting_may_be_freed),
        cmocka_unit_test(test_na_052_threads_change_while_others_begin),
    };

    return cmocka_run_group_tests_name("ctx_change", tests, NULL, NULL);
}
