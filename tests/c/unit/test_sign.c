#include "keys.h"

#include <pthread.h>

#include "crypto/crypto.h"

/* ---- making ---- */

static void test_generates(void **state)
{
    static const struct {
        int type, bits, expected;
    } rows[] = {
        { PYOSSL_KEY_RSA, 512, 512 },   { PYOSSL_KEY_RSA, 1024, 1024 },
        { PYOSSL_KEY_RSA, 1025, 1025 }, { PYOSSL_KEY_RSA, 2048, 2048 },
        { PYOSSL_KEY_DSA, 512, 512 },   { PYOSSL_KEY_DSA, 576, 576 },
        { PYOSSL_KEY_DSA, 1024, 1024 }, { PYOSSL_KEY_ED25519, 0, 256 },
        { PYOSSL_KEY_ED448, 0, 456 },   { PYOSSL_KEY_X25519, 0, 253 },
        { PYOSSL_KEY_X448, -1, 448 },
    };

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(rows); i++) {
        pyossl_pkey *key = keys_new(rows[i].type, rows[i].bits), *back = NULL;
        pyossl_buf out = PYOSSL_BUF_INIT;

        assert_int_equal(pyossl_pkey_type(key), rows[i].type);
        assert_int_equal(pyossl_pkey_bits(key), rows[i].expected);
        assert_int_equal(pyossl_pkey_is_private(key), 1);
        assert_ok(pyossl_pkey_dump_private(key, PYOSSL_PEM, NULL, NULL, &out));
        assert_ok(pyossl_pkey_load_private(&back, PYOSSL_PEM, out.data, out.len, NULL));
        assert_int_equal(pyossl_pkey_equal(key, back), 1);
        pyossl_pkey_unref(back);
        assert_ok(pyossl_pkey_dump_private(key, PYOSSL_DER, NULL, NULL, &out));
        assert_ok(pyossl_pkey_load_private(&back, PYOSSL_DER, out.data, out.len, NULL));
        assert_int_equal(pyossl_pkey_equal(key, back), 1);
        pyossl_pkey_unref(back);
        pyossl_pkey_unref(key);
        pyossl_buf_clear(&out);
    }
}

static void test_generates_on_curves(void **state)
{
    static const char *const curves[] = { "prime256v1", "secp384r1", "secp521r1", "secp256k1",
                                          "brainpoolP256r1" };

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(curves); i++) {
        pyossl_pkey *key = NULL;

        assert_ok(pyossl_pkey_generate_ec(&key, curves[i]));
        assert_int_equal(pyossl_pkey_type(key), PYOSSL_KEY_EC);
        pyossl_pkey_unref(key);
    }
}

static void test_refuses_to_generate(void **state)
{
    static const struct {
        int type, bits;
        pyossl_status status;
    } rows[] = {
        { -1, 0, PYOSSL_E_UNSUPPORTED },
        { 0, 2048, PYOSSL_E_UNSUPPORTED },
        { PYOSSL_KEY_EC, 256, PYOSSL_E_UNSUPPORTED },
        { PYOSSL_KEY_DH, 2048, PYOSSL_E_UNSUPPORTED },
        { PYOSSL_KEY_RSA, 0, PYOSSL_E_ARGUMENT },
        { PYOSSL_KEY_RSA, -2048, PYOSSL_E_ARGUMENT },
        { PYOSSL_KEY_DSA, 0, PYOSSL_E_ARGUMENT },
        { PYOSSL_KEY_RSA, 1, PYOSSL_E_OPENSSL },
        { PYOSSL_KEY_RSA, 511, PYOSSL_E_OPENSSL },
        { PYOSSL_KEY_RSA, 16385, PYOSSL_E_OPENSSL }, /* NA-130: not begun, it would take hours */
        { PYOSSL_KEY_RSA, 0x7fffffff, PYOSSL_E_OPENSSL },
        { PYOSSL_KEY_DSA, 500, PYOSSL_E_OPENSSL },
        { PYOSSL_KEY_DSA, 0x7fffffff, PYOSSL_E_OPENSSL },
    };
    static const char *const curves[] = { "", "nope", "P-256x", "prime256v1 ", "RSA", "sha256" };
    pyossl_pkey *key = NULL;

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(rows); i++)
        assert_fails(pyossl_pkey_generate(&key, rows[i].type, rows[i].bits), rows[i].status);
    for (size_t i = 0; i < OSL_COUNT_OF(curves); i++) /* NA-128 */
        assert_fails(pyossl_pkey_generate_ec(&key, curves[i]), PYOSSL_E_ARGUMENT);
    assert_null(key);
    assert_fails(pyossl_pkey_generate(&key, PYOSSL_KEY_RSA, 511), PYOSSL_E_OPENSSL);
    assert_string_equal(pyossl_error_entry_at(pyossl_error_last(), 0)->library, "rsa routines");
    assert_string_equal(test_reason(), "key size too small");
}

/* ---- facts ---- */

static void test_equal(void **state)
{
    pyossl_pkey *keys[] = { keys_good(DATA("rsa.pem")), keys_good(DATA("ec.pem")),
                            keys_good(DATA("ed25519.pem")), keys_good(DATA("dsa.pem")),
                            keys_good(DATA("root-key.pem")) };
    pyossl_pkey *again = keys_good(DATA("rsa-traditional.pem"));

    (void)state;
    for (size_t a = 0; a < OSL_COUNT_OF(keys); a++)
        for (size_t b = 0; b < OSL_COUNT_OF(keys); b++) {
            assert_int_equal(pyossl_pkey_equal(keys[a], keys[b]), a == b);
            assert_int_equal(ERR_peek_error(), 0);
        }
    assert_int_equal(pyossl_pkey_equal(keys[0], again), 1);
    assert_ptr_equal(pyossl_pkey_ref(again), again);
    pyossl_pkey_unref(again);
    assert_int_equal(pyossl_pkey_bits(again), 2048); /* one owner is left */
    pyossl_pkey_unref(again);
    pyossl_pkey_unref(NULL);
    for (size_t i = 0; i < OSL_COUNT_OF(keys); i++)
        pyossl_pkey_unref(keys[i]);
}

/* Change one byte in the middle of the last number of the key, and see that it is noticed. */
static void test_check(void **state)
{
    pyossl_pkey *key = keys_good(DATA("rsa.pem")), *half = keys_public(key),
                *ec = keys_good(DATA("ec.pem")), *small = keys_new(PYOSSL_KEY_RSA, 512),
                *broken = NULL;
    pyossl_buf der = PYOSSL_BUF_INIT;

    (void)state;
    assert_ok(pyossl_pkey_check(key));
    assert_ok(pyossl_pkey_check(small));
    assert_fails(pyossl_pkey_check(half), PYOSSL_E_ARGUMENT);
    assert_ok(pyossl_pkey_check(ec));
    assert_ok(pyossl_pkey_dump_private(key, PYOSSL_DER, NULL, NULL, &der));
    der.data[der.len - 20] ^= 1; /* in the CRT coefficient */
    if (pyossl_pkey_load_private(&broken, PYOSSL_DER, der.data, der.len, NULL) == PYOSSL_OK)
        assert_fails(pyossl_pkey_check(broken), PYOSSL_E_OPENSSL);
    else
        assert_null(broken);
    pyossl_buf_clear(&der);
    pyossl_pkey_unref(broken);
    pyossl_pkey_unref(small);
    pyossl_pkey_unref(ec);
    pyossl_pkey_unref(half);
    pyossl_pkey_unref(key);
}

/* ---- signing ---- */

static const char message[] = "a message\0 with a NUL in it";

static const struct {
    const char *path;
    const char *digest;
} signers[] = {
    { DATA("rsa.pem"), "md5" },
    { DATA("rsa.pem"), "sha1" },
    { DATA("rsa.pem"), "SHA256" },
    { DATA("rsa.pem"), "RSA-SHA512" },
    { DATA("rsa.pem"), "ripemd160" },
    { DATA("rsa.pem"), "sha3-256" },
    { DATA("ec.pem"), "sha256" },
    { DATA("ec.pem"), "sha512" },
    { DATA("ec.pem"), "ecdsa-with-SHA1" },
    { DATA("dsa.pem"), "dss1" },
    { DATA("dsa.pem"), "sha256" },
    { DATA("ed25519.pem"), NULL },
};

static void test_signs_and_verifies(void **state)
{
    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(signers); i++) {
        const char *digest = signers[i].digest;
        pyossl_pkey *key = keys_good(signers[i].path), *half = keys_public(key);
        pyossl_buf sig = PYOSSL_BUF_INIT;
        const size_t len = sizeof message;

        assert_ok(pyossl_pkey_sign(key, digest, message, len, &sig));
        assert_ok(pyossl_pkey_verify(key, digest, message, len, sig.data, sig.len));
        assert_ok(pyossl_pkey_verify(half, digest, message, len, sig.data, sig.len));
        /* NA-105: what stands behind the NUL counts. */
        assert_fails(pyossl_pkey_verify(half, digest, message, len - 2, sig.data, sig.len),
                     PYOSSL_E_VERIFY);
        assert_fails(pyossl_pkey_verify(half, digest, message, len, sig.data, sig.len - 1),
                     PYOSSL_E_VERIFY);
        assert_fails(pyossl_pkey_verify(half, digest, message, len, NULL, 0), PYOSSL_E_VERIFY);
        assert_fails(pyossl_pkey_verify(half, digest, message, len, "garbage", 7), PYOSSL_E_VERIFY);
        sig.data[sig.len / 2] ^= 1;
        assert_fails(pyossl_pkey_verify(half, digest, message, len, sig.data, sig.len),
                     PYOSSL_E_VERIFY);
        assert_ok(pyossl_pkey_sign(key, digest, NULL, 0, &sig));
        assert_ok(pyossl_pkey_verify(half, digest, "", 0, sig.data, sig.len));
        pyossl_buf_clear(&sig);
        pyossl_pkey_unref(half);
        pyossl_pkey_unref(key);
    }
}

static void test_an_empty_message(void **state)
{
    pyossl_pkey *key = keys_good(DATA("ec.pem"));
    pyossl_buf sig = PYOSSL_BUF_INIT;

    (void)state;
    assert_ok(pyossl_pkey_sign(key, "sha256", NULL, 0, &sig));
    assert_ok(pyossl_pkey_verify(key, "sha256", NULL, 0, sig.data, sig.len));
    assert_ok(pyossl_pkey_verify(key, "sha256", "", 0, sig.data, sig.len));
    assert_fails(pyossl_pkey_verify(key, "sha256", "x", 1, sig.data, sig.len), PYOSSL_E_VERIFY);
    pyossl_buf_clear(&sig);
    pyossl_pkey_unref(key);
}

static void test_another_key_does_not_verify(void **state)
{
    pyossl_pkey *keys[] = { keys_good(DATA("rsa.pem")), keys_good(DATA("root-key.pem")),
                            keys_good(DATA("ec.pem")), keys_good(DATA("client-key.pem")),
                            keys_good(DATA("dsa.pem")) };

    (void)state;
    for (size_t a = 0; a < OSL_COUNT_OF(keys); a++) {
        pyossl_buf sig = PYOSSL_BUF_INIT;

        assert_ok(pyossl_pkey_sign(keys[a], "sha256", message, sizeof message, &sig));
        for (size_t b = 0; b < OSL_COUNT_OF(keys); b++)
            if (a != b)
                assert_fails(pyossl_pkey_verify(keys[b], "sha256", message, sizeof message,
                                                sig.data, sig.len),
                             PYOSSL_E_VERIFY);
        pyossl_buf_clear(&sig);
    }
    for (size_t i = 0; i < OSL_COUNT_OF(keys); i++)
        pyossl_pkey_unref(keys[i]);
}

/* ---- contexts that are kept ---- */

/* OpenSSL's own way of verifying says that what a kept context signs is a signature. */
static void check_with_openssl(const pyossl_pkey *key, const EVP_MD *md, const pyossl_buf *sig)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, md, NULL, key->key), 1);
    assert_int_equal(
        EVP_DigestVerify(ctx, sig->data, sig->len, (const unsigned char *)message, sizeof message),
        1);
    EVP_MD_CTX_free(ctx);
}

static void test_kept_contexts_serve_every_digest(void **state)
{
    static const char *const digests[] = { "sha256", "sha256", "sha512", "sha1",
                                           "sha384", "sha256", "md5",    "sha256" };
    static const char *const paths[] = { DATA("rsa.pem"), DATA("ec.pem") };

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(paths); i++) {
        pyossl_pkey *key = keys_good(paths[i]);
        pyossl_buf sig = PYOSSL_BUF_INIT;

        for (size_t at = 0; at < OSL_COUNT_OF(digests); at++) {
            assert_ok(pyossl_pkey_sign(key, digests[at], message, sizeof message, &sig));
            check_with_openssl(key, osl_digest(digests[at]), &sig);
            assert_ok(
                pyossl_pkey_verify(key, digests[at], message, sizeof message, sig.data, sig.len));
            assert_fails(pyossl_pkey_verify(key, "sha384", message, 1, sig.data, sig.len),
                         PYOSSL_E_VERIFY);
            assert_ok(
                pyossl_pkey_verify(key, digests[at], message, sizeof message, sig.data, sig.len));
        }
        pyossl_buf_clear(&sig);
        pyossl_pkey_unref(key);
    }
}

enum { SIGNERS = 4, SIGNATURES = 150 };

/* Cmocka's assertions are for its own thread: this one counts. */
static void *sign_many(void *argument)
{
    const pyossl_pkey *key = argument;
    static const char *const digests[] = { "sha256", "sha256", "sha384" };
    size_t wrong = 0;

    for (size_t i = 0; i < SIGNATURES; i++) {
        const char *digest = digests[i % OSL_COUNT_OF(digests)];
        pyossl_buf sig = PYOSSL_BUF_INIT;

        wrong += pyossl_pkey_sign(key, digest, &i, sizeof i, &sig) != PYOSSL_OK;
        wrong += pyossl_pkey_verify(key, digest, &i, sizeof i, sig.data, sig.len) != PYOSSL_OK;
        wrong += pyossl_pkey_verify(key, digest, "x", 1, sig.data, sig.len) != PYOSSL_E_VERIFY;
        pyossl_buf_clear(&sig);
    }
    return (void *)(uintptr_t)wrong;
}

static void test_threads_share_a_key(void **state)
{
    pyossl_pkey *key = keys_good(DATA("ec.pem"));
    pthread_t threads[SIGNERS];
    void *wrong = NULL;

    (void)state;
    for (size_t i = 0; i < SIGNERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, sign_many, key), 0);
    for (size_t i = 0; i < SIGNERS; i++) {
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    pyossl_pkey_unref(key);
}

/* NA-129: every kind of key with a digest, without one, and with an unknown one. */
static void test_na_129_digests_and_keys(void **state)
{
    enum { N = PYOSSL_OK, A = PYOSSL_E_ARGUMENT, O = PYOSSL_E_OPENSSL };
    static const struct {
        int type, bits;
        int with, without;
    } rows[] = {
        { PYOSSL_KEY_RSA, 1024, N, A },  { PYOSSL_KEY_DSA, 1024, N, A },
        { PYOSSL_KEY_ED25519, 0, O, N }, { PYOSSL_KEY_ED448, 0, O, N },
        { PYOSSL_KEY_X25519, 0, O, A },  { PYOSSL_KEY_X448, 0, O, A },
    };

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(rows); i++) {
        pyossl_pkey *key = keys_new(rows[i].type, rows[i].bits), *half = keys_public(key);
        pyossl_buf sig = PYOSSL_BUF_INIT;

        assert_status(pyossl_pkey_sign(key, "sha256", "x", 1, &sig), (pyossl_status)rows[i].with);
        assert_status(pyossl_pkey_sign(key, NULL, "x", 1, &sig), (pyossl_status)rows[i].without);
        pyossl_buf_clear(&sig);
        assert_fails(pyossl_pkey_sign(key, "md99", "x", 1, &sig), PYOSSL_E_ARGUMENT);
        assert_fails(pyossl_pkey_verify(key, "md99", "x", 1, "y", 1), PYOSSL_E_ARGUMENT);
        assert_fails(pyossl_pkey_sign(half, "sha256", "x", 1, &sig), PYOSSL_E_STATE);
        assert_fails(pyossl_pkey_sign(half, NULL, "x", 1, &sig), PYOSSL_E_STATE);
        assert_null(sig.data);
        pyossl_pkey_unref(half);
        pyossl_pkey_unref(key);
    }
}

/* NA-039: signatures longer than any buffer on a stack; a digest too long for its key. */
static void test_na_039_sizes(void **state)
{
    pyossl_pkey *small = keys_new(PYOSSL_KEY_RSA, 512), *large = keys_new(PYOSSL_KEY_RSA, 4208),
                *p521 = NULL;
    pyossl_buf sig = PYOSSL_BUF_INIT;

    (void)state;
    assert_ok(pyossl_pkey_generate_ec(&p521, "secp521r1"));
    assert_fails(pyossl_pkey_sign(small, "sha512", "x", 1, &sig), PYOSSL_E_OPENSSL);
    assert_null(sig.data);
    assert_ok(pyossl_pkey_sign(large, "sha512", "x", 1, &sig));
    assert_int_equal(sig.len, 526);
    assert_ok(pyossl_pkey_verify(large, "sha512", "x", 1, sig.data, sig.len));
    assert_ok(pyossl_pkey_sign(p521, "sha512", "x", 1, &sig));
    assert_true(sig.len > 130);
    assert_ok(pyossl_pkey_verify(p521, "sha512", "x", 1, sig.data, sig.len));
    pyossl_buf_clear(&sig);
    pyossl_pkey_unref(small);
    pyossl_pkey_unref(large);
    pyossl_pkey_unref(p521);
}

/* NA-007: of OpenSSL's results only 1 is success. */
static void test_na_007_verify_result(void **state)
{
    (void)state;
    assert_ok(osl_verify_result(1));
    assert_fails(osl_verify_result(0), PYOSSL_E_VERIFY);
    assert_fails(osl_verify_result(-1), PYOSSL_E_VERIFY);
    assert_fails(osl_verify_result(2), PYOSSL_E_VERIFY);
    assert_string_equal(test_reason(), "bad signature");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_generates),
        cmocka_unit_test(test_generates_on_curves),
        cmocka_unit_test(test_refuses_to_generate),
        cmocka_unit_test(test_equal),
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_signs_and_verifies),
        cmocka_unit_test(test_an_empty_message),
        cmocka_unit_test(test_another_key_does_not_verify),
        cmocka_unit_test(test_kept_contexts_serve_every_digest),
        cmocka_unit_test(test_threads_share_a_key),
        cmocka_unit_test(test_na_129_digests_and_keys),
        cmocka_unit_test(test_na_039_sizes),
        cmocka_unit_test(test_na_007_verify_result),
    };

    assert_ok(osl_init()); /* before an assertion looks at the queue, which sets OpenSSL up too */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
