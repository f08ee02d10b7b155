#include "certs.h"

#include <time.h>

#include "crypto/crypto.h"
#include "pyossl/callbacks.h"

/* ---- digests, hashes, texts ---- */

static void test_digest_is_over_the_der(void **state)
{
    static const char *const names[] = { "md5", "SHA1", "sha256", "sha3-256", "blake2b512" };
    osl_auto(pyossl_x509) *cert = certs_good(DATA("server.pem"));
    osl_auto_buf der = PYOSSL_BUF_INIT, out = PYOSSL_BUF_INIT;

    (void)state;
    assert_ok(pyossl_x509_dump(cert, PYOSSL_DER, &der));
    for (size_t i = 0; i < OSL_COUNT_OF(names); i++) {
        unsigned char expected[EVP_MAX_MD_SIZE];
        unsigned len;

        assert_int_equal(
            EVP_Digest(der.data, der.len, expected, &len, EVP_get_digestbyname(names[i]), NULL), 1);
        assert_ok(pyossl_x509_digest(cert, names[i], &out));
        assert_buf(out, expected, len);
    }
    assert_fails(pyossl_x509_digest(cert, "", &out), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_x509_digest(cert, "no-such-digest", &out), PYOSSL_E_ARGUMENT);
}

static void test_na_127_subject_hash(void **state)
{
    osl_auto(pyossl_x509) *cert = certs_good(DATA("root.pem"));
    osl_auto(pyossl_name) *subject = NULL;
    unsigned long hash, of_name;

    (void)state;
    assert_ok(pyossl_x509_subject_hash(cert, &hash));
    assert_ok(pyossl_x509_subject(cert, &subject));
    assert_ok(pyossl_name_hash(subject, &of_name));
    assert_true(hash == of_name && hash != 0);
}

static void test_verify_error_string(void **state)
{
    (void)state;
    assert_string_equal(pyossl_verify_error_string(0), "ok");
    assert_string_equal(pyossl_verify_error_string(10), "certificate has expired");
    assert_non_null(pyossl_verify_error_string(-1));
    assert_non_null(pyossl_verify_error_string(123456789));
}

/* ---- changing ---- */

static void test_changes_reach_the_encoding(void **state)
{
    osl_auto(pyossl_pkey) *signer = keys_good(DATA("intermediate-key.pem"));
    osl_auto(pyossl_pkey) *other = keys_good(DATA("ec.pem"));
    osl_auto(pyossl_ext) *ext = NULL;

    (void)state;
    assert_ok(pyossl_ext_new(&ext, "nsComment", 0, "added", 5, NULL, NULL));
    for (int change = 0; change < 9; change++) {
        osl_auto(pyossl_x509) *cert = certs_good(DATA("server.pem")), *again = NULL;
        osl_auto(pyossl_name) *name = NULL;
        osl_auto_buf before = PYOSSL_BUF_INIT, after = PYOSSL_BUF_INIT;
        osl_auto_buf old_digest = PYOSSL_BUF_INIT, new_digest = PYOSSL_BUF_INIT;

        assert_ok(pyossl_x509_dump(cert, PYOSSL_DER, &before));
        assert_ok(pyossl_x509_digest(cert, "sha256", &old_digest));
        assert_ok(pyossl_x509_verify(cert, signer));
        switch (change) {
        case 0:
            assert_ok(pyossl_x509_set_version(cert, 0));
            break;
        case 1:
            assert_ok(pyossl_x509_set_serial(cert, "-7"));
            break;
        case 2:
            assert_ok(pyossl_x509_subject(cert, &name));
            assert_ok(pyossl_name_set(name, "O", "other", 5));
            break;
        case 3:
            assert_ok(pyossl_x509_issuer(cert, &name));
            assert_ok(pyossl_x509_set_subject(cert, name));
            break;
        case 4:
            assert_ok(pyossl_x509_subject(cert, &name));
            assert_ok(pyossl_x509_set_issuer(cert, name));
            break;
        case 5:
            assert_ok(pyossl_x509_adj_not_before(cert, 0));
            break;
        case 6:
            assert_ok(pyossl_x509_set_not_after(cert, "20510101000000Z", 15));
            break;
        case 7:
            assert_ok(pyossl_x509_set_pubkey(cert, other));
            break;
        default:
            assert_ok(pyossl_x509_add_exts(cert, &ext, 1));
            break;
        }
        assert_ok(pyossl_x509_dump(cert, PYOSSL_DER, &after));
        assert_false(pyossl_equal_bytes(before.data, before.len, after.data, after.len));
        assert_ok(pyossl_x509_digest(cert, "sha256", &new_digest));
        assert_memory_not_equal(old_digest.data, new_digest.data, 32);
        assert_fails(pyossl_x509_verify(cert, signer), PYOSSL_E_VERIFY);
        assert_ok(pyossl_x509_load(&again, PYOSSL_DER, after.data, after.len));
        assert_true(pyossl_x509_equal(cert, again));
        assert_ok(pyossl_x509_sign(cert, signer, "sha256"));
        assert_ok(pyossl_x509_verify(cert, signer));
    }
}

static void test_failed_changes_change_nothing(void **state)
{
    osl_auto(pyossl_x509) *cert = certs_good(DATA("server.pem")), *before = NULL;
    osl_auto(pyossl_pkey) *key = keys_good(DATA("rsa.pem")), *public_key = NULL;

    (void)state;
    assert_ok(pyossl_x509_copy(&before, cert));
    assert_ok(pyossl_x509_pubkey(cert, &public_key));
    assert_fails(pyossl_x509_set_serial(cert, ""), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_x509_set_serial(cert, "xyz"), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_x509_set_not_before(cert, "foo bar", 7), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_x509_set_not_after(cert, "", 0), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_x509_adj_not_after(cert, INT64_MAX), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_x509_adj_not_before(cert, INT64_MIN), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_x509_sign(cert, public_key, "sha256"), PYOSSL_E_STATE);
    assert_fails(pyossl_x509_sign(cert, key, "md99"), PYOSSL_E_ARGUMENT);
    assert_ok(pyossl_x509_add_exts(cert, NULL, 0));
    assert_true(pyossl_x509_equal(cert, before));
    assert_int_equal(cert->der.len, before->der.len);
}

/* Where OpenSSL gives up half way through signing, the signature that was there still counts. */
static void test_failed_signature_leaves_the_old_one(void **state)
{
    osl_auto(pyossl_pkey) *tiny = NULL, *key = keys_good(DATA("ec.pem"));
    osl_auto(pyossl_x509) *cert = certs_new(key, "sha256"), *before = NULL;
    const char *algorithm;

    (void)state;
    assert_ok(pyossl_pkey_generate(&tiny, PYOSSL_KEY_RSA, 512));
    assert_ok(pyossl_x509_copy(&before, cert));
    assert_fails(pyossl_x509_sign(cert, tiny, "sha512"), PYOSSL_E_OPENSSL);
    assert_true(pyossl_x509_equal(cert, before));
    assert_ok(pyossl_x509_verify(cert, key));
    assert_ok(pyossl_x509_signature_algorithm(cert, &algorithm));
    assert_string_equal(algorithm, "ecdsa-with-SHA256");
}

static void test_na_129_ed25519_brings_its_own_digest(void **state)
{
    osl_auto(pyossl_pkey) *key = keys_good(DATA("ed25519.pem"));
    osl_auto(pyossl_x509) *cert = certs_new(key, NULL);

    (void)state;
    assert_ok(pyossl_x509_verify(cert, key));
    assert_status(pyossl_x509_sign(cert, key, "sha256") == PYOSSL_OK ? PYOSSL_OK : PYOSSL_E_VERIFY,
                  PYOSSL_E_VERIFY);
    assert_ok(pyossl_x509_verify(cert, key));
}

static void test_na_125_serial_numbers(void **state)
{
    static const char *const serials[] = { "00",
                                           "01",
                                           "-01",
                                           "7F",
                                           "80",
                                           "-80",
                                           "010000000000000000",
                                           "8000000000000000000000000000000000000000",
                                           "-8000000000000000000000000000000000000000" };
    osl_auto(pyossl_pkey) *key = keys_good(DATA("ec.pem"));
    osl_auto(pyossl_x509) *cert = certs_new(key, "sha256");

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(serials); i++) {
        osl_auto(pyossl_x509) *again = NULL;
        osl_auto_buf der = PYOSSL_BUF_INIT, hex = PYOSSL_BUF_INIT;

        assert_ok(pyossl_x509_set_serial(cert, serials[i]));
        assert_ok(pyossl_x509_sign(cert, key, "sha256"));
        assert_ok(pyossl_x509_dump(cert, PYOSSL_DER, &der));
        assert_ok(pyossl_x509_load(&again, PYOSSL_DER, der.data, der.len));
        assert_ok(pyossl_x509_serial(again, &hex));
        assert_buf_text(hex, serials[i]);
        assert_ok(pyossl_x509_verify(again, key));
    }
}

static void test_na_126_versions(void **state)
{
    static const long versions[] = { 0, 1, 2, 3, 1234, -1, INT32_MAX, (long)INT32_MAX + 1 };
    osl_auto(pyossl_pkey) *key = keys_good(DATA("ec.pem"));
    osl_auto(pyossl_x509) *cert = certs_new(key, "sha256");

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(versions); i++) {
        osl_auto(pyossl_x509) *again = NULL;
        osl_auto_buf der = PYOSSL_BUF_INIT;

        assert_ok(pyossl_x509_set_version(cert, versions[i]));
        assert_int_equal(pyossl_x509_version(cert), versions[i]);
        assert_ok(pyossl_x509_dump(cert, PYOSSL_DER, &der));
        assert_ok(pyossl_x509_load(&again, PYOSSL_DER, der.data, der.len));
        assert_int_equal(pyossl_x509_version(again), versions[i]);
    }
}

static void test_extensions_are_appended(void **state)
{
    osl_auto(pyossl_x509) *cert = certs_good(DATA("server.pem"));
    const size_t before = pyossl_x509_ext_count(cert);
    osl_auto(pyossl_ext) *a = NULL, *b = NULL, *found = NULL;
    pyossl_ext *none = NULL;
    osl_auto_buf data = PYOSSL_BUF_INIT;

    (void)state;
    assert_ok(pyossl_ext_new(&a, "nsComment", 0, "a", 1, NULL, NULL));
    assert_ok(pyossl_ext_new(&b, "nsComment", 0, "b", 1, NULL, NULL));
    assert_ok(pyossl_x509_add_exts(cert, (pyossl_ext *[]){ a, b, a }, 3)); /* also twice the same */
    assert_int_equal(pyossl_x509_ext_count(cert), before + 3);
    assert_ok(pyossl_x509_ext_at(cert, before + 1, &found));
    assert_ok(pyossl_ext_data(found, &data));
    assert_buf(data,
               "\x16\x01"
               "b",
               3);
    assert_fails(pyossl_x509_ext_at(cert, before + 3, &none), PYOSSL_E_NOT_FOUND);
    assert_fails(pyossl_x509_ext_at(cert, SIZE_MAX, &none), PYOSSL_E_NOT_FOUND);
    assert_null(none);
}

/* ---- validity ---- */

static void test_validity_as_it_was_set(void **state)
{
    static const char *const times[] = { "20040203040506Z", "20040203040506+0530",
                                         "20040203040506-0115", "20500101000000Z" };
    osl_auto(pyossl_x509) *cert = NULL;
    osl_auto_buf out = PYOSSL_BUF_INIT;

    (void)state;
    assert_ok(pyossl_x509_new(&cert));
    for (size_t i = 0; i < OSL_COUNT_OF(times); i++) {
        assert_ok(pyossl_x509_set_not_before(cert, times[i], strlen(times[i])));
        assert_ok(pyossl_x509_set_not_after(cert, times[i], strlen(times[i])));
        assert_ok(pyossl_x509_not_before(cert, &out));
        assert_buf_text(out, times[i]);
        assert_ok(pyossl_x509_not_after(cert, &out));
        assert_buf_text(out, times[i]);
    }
}

/* RFC 5280: through 2049 a certificate holds UTCTime. */
static void test_na_121_encoded_as_rfc_5280_wants(void **state)
{
    osl_auto(pyossl_pkey) *key = keys_good(DATA("ec.pem"));
    osl_auto(pyossl_x509) *cert = certs_new(key, "sha256");

    (void)state;
    assert_ok(pyossl_x509_set_not_before(cert, "20300102030405Z", 15));
    assert_ok(pyossl_x509_set_not_after(cert, "20500102030405Z", 15));
    assert_int_equal(ASN1_STRING_type(X509_get0_notBefore(cert->full)), V_ASN1_UTCTIME);
    assert_int_equal(ASN1_STRING_type(X509_get0_notAfter(cert->full)), V_ASN1_GENERALIZEDTIME);
    assert_ok(pyossl_x509_adj_not_before(cert, 0));
    assert_int_equal(ASN1_STRING_type(X509_get0_notBefore(cert->full)), V_ASN1_UTCTIME);
}

static void test_na_124_the_last_second_is_valid(void **state)
{
    osl_auto(pyossl_x509) *cert = NULL;
    int expired = 7;

    (void)state;
    assert_ok(pyossl_x509_new(&cert));
    assert_ok(pyossl_x509_adj_not_after(cert, -1));
    assert_ok(pyossl_x509_has_expired(cert, &expired));
    assert_int_equal(expired, 1);
    assert_ok(pyossl_x509_adj_not_after(cert, 3600)); /* forgets what was kept */
    assert_ok(pyossl_x509_has_expired(cert, &expired));
    assert_int_equal(expired, 0);
    assert_ok(pyossl_x509_has_expired(cert, &expired));
    assert_int_equal(expired, 0);
    for (int tries = 0;; tries++) {
        const time_t now = time(NULL);

        assert_ok(pyossl_x509_adj_not_after(cert, 0));
        assert_ok(pyossl_x509_has_expired(cert, &expired));
        if (time(NULL) == now) { /* no tick in between */
            assert_int_equal(expired, 0);
            break;
        }
        assert_true(tries < 1000);
    }
}

static void test_expiry_with_offsets(void **state)
{
    osl_auto(pyossl_x509) *cert = NULL;
    char text[64];
    int expired = 7;

    (void)state;
    assert_ok(pyossl_x509_new(&cert));
    for (int ahead = -1; ahead <= 1; ahead += 2) {
        /* Local time at +05:30 that lies an hour before or behind now. */
        const time_t local = time(NULL) + 5 * 3600 + 1800 + ahead * 3600;
        struct tm tm;

        assert_non_null(gmtime_r(&local, &tm));
        assert_int_equal(strftime(text, sizeof text, "%Y%m%d%H%M%S+0530", &tm), 19);
        assert_ok(pyossl_x509_set_not_after(cert, text, 19));
        assert_ok(pyossl_x509_has_expired(cert, &expired));
        assert_int_equal(expired, ahead < 0);
    }
}

static void test_expiry_of_loaded_certificates(void **state)
{
    osl_auto(pyossl_x509) *old = certs_good(DATA("expired.pem")),
                          *good = certs_good(DATA("server.pem"));
    int expired = 7;

    (void)state;
    assert_ok(pyossl_x509_has_expired(old, &expired));
    assert_int_equal(expired, 1);
    assert_ok(pyossl_x509_has_expired(good, &expired));
    assert_int_equal(expired, 0);
    assert_true(good->light == NULL || good->full == NULL); /* reading needs no full parse */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digest_is_over_the_der),
        cmocka_unit_test(test_na_127_subject_hash),
        cmocka_unit_test(test_verify_error_string),
        cmocka_unit_test(test_changes_reach_the_encoding),
        cmocka_unit_test(test_failed_changes_change_nothing),
        cmocka_unit_test(test_failed_signature_leaves_the_old_one),
        cmocka_unit_test(test_na_129_ed25519_brings_its_own_digest),
        cmocka_unit_test(test_na_125_serial_numbers),
        cmocka_unit_test(test_na_126_versions),
        cmocka_unit_test(test_extensions_are_appended),
        cmocka_unit_test(test_validity_as_it_was_set),
        cmocka_unit_test(test_na_121_encoded_as_rfc_5280_wants),
        cmocka_unit_test(test_na_124_the_last_second_is_valid),
        cmocka_unit_test(test_expiry_with_offsets),
        cmocka_unit_test(test_expiry_of_loaded_certificates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
