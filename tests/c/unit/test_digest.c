#include "test.h"

#include <pthread.h>
#include <stdlib.h>

#include <openssl/objects.h>

#include "crypto/crypto.h"
#include "pyossl/version.h"

/* ---- names ---- */

static void test_digest_names(void **state)
{
    static const struct {
        const char *name;
        int nid;
    } rows[] = {
        { "md5", NID_md5 },
        { "MD5", NID_md5 },
        { "sha1", NID_sha1 },
        { "SHA1", NID_sha1 },
        { "SHA-1", NID_sha1 },
        { "sha256", NID_sha256 },
        { "sHa256", NID_sha256 },
        { "SHA2-256", NID_sha256 },
        { "RSA-SHA256", NID_sha256 },
        { "rsa-sha256", NID_sha256 },
        { "2.16.840.1.101.3.4.2.1", NID_sha256 },
        { "sha384", NID_sha384 },
        { "sha512", NID_sha512 },
        { "sha512-256", NID_sha512_256 },
        { "sha3-256", NID_sha3_256 },
        { "ripemd160", NID_ripemd160 },
        { "rmd160", NID_ripemd160 },
        { "blake2b512", NID_blake2b512 },
        { "sm3", NID_sm3 },
        { "md5-sha1", NID_md5_sha1 },
        { "ssl3-md5", NID_md5 },
        { "dss1", NID_sha1 },
        { "DSS1", NID_sha1 },
        { "dsaWithSHA1", NID_sha1 },
        { "ecdsa-with-SHA1", NID_sha1 },
    };

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(rows); i++) {
        const EVP_MD *md;

        assert_ok(pyossl_digest_check(rows[i].name));
        md = osl_digest(rows[i].name);
        assert_non_null(md);
        assert_int_equal(EVP_MD_get_type(md), rows[i].nid);
        assert_ptr_equal(osl_digest(rows[i].name), md); /* the same each time */
        assert_null(EVP_MD_get0_provider(md)); /* OpenSSL chooses an implementation on each use */
    }
}

static void test_cipher_names(void **state)
{
    static const struct {
        const char *name;
        int nid;
    } rows[] = {
        { "aes-256-cbc", NID_aes_256_cbc },
        { "AES-256-CBC", NID_aes_256_cbc },
        { "aes256", NID_aes_256_cbc },
        { "AES128", NID_aes_128_cbc },
        { "des3", NID_des_ede3_cbc },
        { "des-ede3-cbc", NID_des_ede3_cbc },
        { "camellia256", NID_camellia_256_cbc },
    };

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(rows); i++) {
        assert_ok(pyossl_cipher_check(rows[i].name));
        assert_int_equal(EVP_CIPHER_get_type(osl_cipher(rows[i].name)), rows[i].nid);
    }
}

static void test_na_128_unknown_names(void **state)
{
    static const char *const names[] = { "",       " ",        "md99",     "sha256 ", " sha256",
                                         "NULL",   "UNDEF",    "aes-256",  "RSA",     "prime256v1",
                                         "%s%n%s", "sha\n256", "\xff\xfe", "default" };
    /* One bit from a name. */
    static const char *const mistaken[] = { "sha\02256",    "sha256  ",     "sha3\r256",
                                            "aes-256-cbc ", "aes\r256-cbc", "aes-256\rcbc" };
    char longest[5000];

    (void)state;
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    for (size_t i = 0; i < OSL_COUNT_OF(names); i++) {
        assert_fails(pyossl_digest_check(names[i]), PYOSSL_E_ARGUMENT);
        assert_string_equal(test_reason(), "no such digest");
        assert_string_equal(pyossl_error_entry_at(pyossl_error_last(), 0)->detail, names[i]);
        assert_fails(pyossl_cipher_check(names[i]), PYOSSL_E_ARGUMENT);
        assert_string_equal(test_reason(), "no such cipher");
    }
    assert_fails(pyossl_digest_check(longest), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_cipher_check(longest), PYOSSL_E_ARGUMENT);
    for (size_t i = 0; i < OSL_COUNT_OF(mistaken); i++) {
        assert_fails(pyossl_digest_check(mistaken[i]), PYOSSL_E_ARGUMENT);
        assert_fails(pyossl_cipher_check(mistaken[i]), PYOSSL_E_ARGUMENT);
    }
    assert_fails(pyossl_digest_check("aes-256-cbc"), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_cipher_check("sha256"), PYOSSL_E_ARGUMENT);
    assert_null(osl_digest("md99"));
    assert_status(osl_recorded(), PYOSSL_E_ARGUMENT);
}

/* ---- the legacy provider ---- */

static void test_na_173_legacy(void **state)
{
    const bool have = pyossl_has(PYOSSL_FEATURE_LEGACY) == 1;
    static const char *const ciphers[] = { "blowfish", "bf-cbc", "des-cbc", "rc4", "seed" };
    EVP_MD *fetched;

    (void)state;
    assert_int_equal(have, osl_legacy_load());
    assert_int_equal(ERR_peek_error(), 0);
    for (size_t i = 0; i < OSL_COUNT_OF(ciphers); i++)
        assert_status(pyossl_cipher_check(ciphers[i]), have ? PYOSSL_OK : PYOSSL_E_UNSUPPORTED);
    assert_status(pyossl_digest_check("md4"), have ? PYOSSL_OK : PYOSSL_E_UNSUPPORTED);
    assert_int_equal(ERR_peek_error(), 0);
    /* The default provider must still be there. */
    assert_ok(pyossl_digest_check("sha512-224"));
    fetched = EVP_MD_fetch(NULL, "SHA2-384", NULL);
    assert_non_null(fetched);
    EVP_MD_free(fetched);
}

static void test_queue_says_unsupported(void **state)
{
    (void)state;
    assert_false(osl_queue_says_unsupported());
    assert_null(EVP_CIPHER_fetch(NULL, "no such thing", NULL));
    assert_true(osl_queue_says_unsupported());
    ERR_raise(ERR_LIB_PEM, ERR_R_PASSED_NULL_PARAMETER);
    assert_true(osl_queue_says_unsupported());
    ERR_clear_error();
    ERR_raise(ERR_LIB_OSSL_DECODER, ERR_R_UNSUPPORTED); /* said of any garbage */
    assert_false(osl_queue_says_unsupported());
    ERR_clear_error();
}

/* ---- features ---- */

static void test_features(void **state)
{
    (void)state;
    assert_int_equal(pyossl_has(PYOSSL_FEATURE_KEYLOG), 1);
    assert_int_equal(pyossl_has(PYOSSL_FEATURE_ALPN), 1);
    for (int i = PYOSSL_FEATURE_KEYLOG; i <= PYOSSL_FEATURE_SLIM; i++)
        assert_between(pyossl_has((pyossl_feature)i), 0, 1);
    assert_int_equal(pyossl_has(PYOSSL_FEATURE_GROUP_NAME), 1);
    assert_int_equal(pyossl_has((pyossl_feature)0), 0);
    assert_int_equal(pyossl_has((pyossl_feature)-1), 0);
    assert_int_equal(pyossl_has((pyossl_feature)9999), 0);
}

/* ---- threads ---- */

static void *look_up(void *arg)
{
    static const char *const names[] = { "sha224", "SHA224", "sha512-256", "md5", "no-such" };
    size_t *wrong = arg;

    for (int i = 0; i < 2000; i++) {
        const char *name = names[i % 5];

        *wrong += (pyossl_digest_check(name) == PYOSSL_OK) != (i % 5 != 4);
        *wrong += pyossl_cipher_check("aes-192-cbc") != PYOSSL_OK;
    }
    return NULL;
}

static void test_na_172_looked_up_by_many_threads(void **state)
{
    pthread_t threads[8];
    size_t wrong[8] = { 0 };

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, look_up, &wrong[i]), 0);
    for (size_t i = 0; i < OSL_COUNT_OF(threads); i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(wrong[i], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_172_looked_up_by_many_threads),
        cmocka_unit_test(test_digest_names),
        cmocka_unit_test(test_cipher_names),
        cmocka_unit_test(test_na_128_unknown_names),
        cmocka_unit_test(test_na_173_legacy),
        cmocka_unit_test(test_queue_says_unsupported),
        cmocka_unit_test(test_features),
    };

    assert_ok(osl_init()); /* before an assertion looks at the queue, which sets OpenSSL up too */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
