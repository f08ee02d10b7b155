#include "material.h"

#include "crypto/crypto.h"

static pyossl_spki *load(const char *path)
{
    pyossl_buf text = material_read(path);
    pyossl_spki *spki = NULL;

    assert_ok(pyossl_spki_load(&spki, (const char *)text.data, text.len));
    pyossl_buf_clear(&text);
    return spki;
}

static void test_a_new_one_is_empty(void **state)
{
    pyossl_pkey *key = material_key(DATA("rsa.pem")), *out = NULL;
    pyossl_buf buf = PYOSSL_BUF_INIT;
    pyossl_spki *spki = NULL;

    (void)state;
    assert_ok(pyossl_spki_new(&spki));
    assert_fails(pyossl_spki_dump(spki, &buf), PYOSSL_E_STATE);
    assert_fails(pyossl_spki_pubkey(spki, &out), PYOSSL_E_NOT_FOUND);
    assert_fails(pyossl_spki_verify(spki, key), PYOSSL_E_VERIFY);
    assert_null(buf.data);
    assert_null(out);
    assert_ok(pyossl_spki_challenge(spki, &buf));
    assert_text(&buf, "");
    /* A key alone is not enough. */
    assert_ok(pyossl_spki_set_pubkey(spki, key));
    assert_fails(pyossl_spki_dump(spki, &buf), PYOSSL_E_STATE);
    assert_ptr_equal(pyossl_spki_ref(spki), spki);
    pyossl_spki_unref(spki);
    pyossl_spki_unref(spki);
    pyossl_spki_unref(NULL);
    pyossl_pkey_unref(key);
    pyossl_buf_clear(&buf);
}

static void test_signed_keys_go_round(void **state)
{
    static const struct {
        const char *key, *digest;
    } cases[] = {
        { DATA("rsa.pem"), "sha256" }, { DATA("rsa.pem"), "md5" },    { DATA("ec.pem"), "sha384" },
        { DATA("dsa.pem"), "sha256" }, { DATA("ed25519.pem"), NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        pyossl_pkey *key = material_key(cases[i].key), *out = NULL;
        pyossl_spki *spki = NULL, *back = NULL;
        pyossl_buf text = PYOSSL_BUF_INIT, again = PYOSSL_BUF_INIT;

        assert_ok(pyossl_spki_new(&spki));
        assert_ok(pyossl_spki_set_pubkey(spki, key));
        assert_ok(pyossl_spki_set_challenge(spki, "hello\0there", 11));
        assert_ok(pyossl_spki_sign(spki, key, cases[i].digest));
        assert_ok(pyossl_spki_verify(spki, key));
        assert_ok(pyossl_spki_dump(spki, &text));
        assert_ok(pyossl_spki_load(&back, (const char *)text.data, text.len));
        assert_ok(pyossl_spki_pubkey(back, &out));
        assert_int_equal(pyossl_pkey_is_private(out), 0);
        assert_int_equal(pyossl_pkey_equal(out, key), 1);
        assert_ok(pyossl_spki_verify(back, out));
        assert_ok(pyossl_spki_dump(back, &again));
        assert_buf_equal(&again, text.data, text.len);
        assert_ok(pyossl_spki_challenge(back, &text));
        assert_buf_equal(&text, "hello\0there", 11);
        /* What was signed is what is verified. */
        assert_ok(pyossl_spki_set_challenge(back, "hello", 5));
        assert_fails(pyossl_spki_verify(back, out), PYOSSL_E_VERIFY);
        pyossl_pkey_unref(out);
        pyossl_pkey_unref(key);
        pyossl_spki_unref(spki);
        pyossl_spki_unref(back);
        pyossl_buf_clear(&text);
        pyossl_buf_clear(&again);
    }
}

static void test_na_139_signing_needs_a_private_key_and_a_digest(void **state)
{
    pyossl_pkey *key = material_key(DATA("rsa.pem")), *half = material_public(key);
    pyossl_pkey *wrong = material_key(DATA("ec.pem"));
    pyossl_spki *spki = load(DATA("spkac.txt"));

    (void)state;
    assert_fails(pyossl_spki_sign(spki, half, "sha256"), PYOSSL_E_STATE);
    assert_fails(pyossl_spki_sign(spki, key, "nonsense"), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_spki_sign(spki, key, NULL), PYOSSL_E_ARGUMENT);
    assert_ok(pyossl_spki_verify(spki, key));
    assert_ok(pyossl_spki_verify(spki, half));
    assert_fails(pyossl_spki_verify(spki, wrong), PYOSSL_E_VERIFY);
    pyossl_spki_unref(spki);
    pyossl_pkey_unref(key);
    pyossl_pkey_unref(half);
    pyossl_pkey_unref(wrong);
}

static void test_what_openssl_made_is_read(void **state)
{
    pyossl_pkey *key = material_key(DATA("rsa.pem")), *out = NULL;
    pyossl_buf text = material_read(DATA("spkac.txt")), buf = PYOSSL_BUF_INIT;
    pyossl_spki *spki = load(DATA("spkac.txt"));

    (void)state;
    assert_ok(pyossl_spki_challenge(spki, &buf));
    assert_text(&buf, "tests");
    assert_ok(pyossl_spki_pubkey(spki, &out));
    assert_int_equal(pyossl_pkey_equal(out, key), 1);
    assert_ok(pyossl_spki_dump(spki, &buf));
    assert_int_equal(strncmp((char *)text.data, (char *)buf.data, buf.len), 0);
    pyossl_spki_unref(spki);
    pyossl_pkey_unref(out);
    pyossl_pkey_unref(key);
    pyossl_buf_clear(&text);
    pyossl_buf_clear(&buf);
}

/* Browsers break the lines, forms turn the breaks into blanks. */
static void test_blanks_do_not_matter(void **state)
{
    static const char *const blanks[] = { " ", "\n", "\r\n", "\t", "  \n " };
    pyossl_pkey *key = material_key(DATA("rsa.pem"));
    pyossl_buf text = PYOSSL_BUF_INIT;
    pyossl_spki *spki = load(DATA("spkac.txt"));

    (void)state;
    assert_ok(pyossl_spki_dump(spki, &text));
    pyossl_spki_unref(spki);
    for (size_t i = 0; i < COUNT_OF(blanks); i++) {
        size_t len = strlen(blanks[i]), put = 0;
        char *broken = calloc(1, text.len * (len + 1) + 1);

        assert_non_null(broken);
        for (size_t k = 0; k < text.len; k++) {
            if (k % 63 == 0) {
                memcpy(broken + put, blanks[i], len);
                put += len;
            }
            broken[put++] = (char)text.data[k];
        }
        assert_ok(pyossl_spki_load(&spki, broken, put));
        assert_ok(pyossl_spki_verify(spki, key));
        pyossl_spki_unref(spki);
        free(broken);
    }
    pyossl_buf_clear(&text);
    pyossl_pkey_unref(key);
}

static void test_na_139_bad_base64_is_refused(void **state)
{
    static const struct {
        const char *text;
        size_t len;
    } cases[] = {
        { NULL, 0 },
        { "", 0 },
        { " \n", 2 },
        { "====", 4 },
        { "A", 1 },
        { "AAA", 3 },
        { "AAAA", 4 },
        { "not base64!!", 12 },
        { "MII=AAAA", 8 },
        { "MI=I", 4 },
        { "M===", 4 },
        { "MIIC\0AAA", 8 },
        { "\xff\xff\xff\xff", 4 },
        { "MAA=", 4 },
        { "SPKAC=AA", 8 },
    };
    pyossl_buf text = material_read(DATA("spkac.txt"));
    pyossl_spki *spki = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_fails(pyossl_spki_load(&spki, cases[i].text, cases[i].len), PYOSSL_E_FORMAT);
    for (size_t len = 0; len + 8 < text.len; len += 3)
        assert_fails(pyossl_spki_load(&spki, (const char *)text.data, len), PYOSSL_E_FORMAT);
    assert_null(spki);
    pyossl_buf_clear(&text);
}

static void test_challenges_are_ascii(void **state)
{
    pyossl_buf buf = PYOSSL_BUF_INIT;
    pyossl_spki *spki = NULL;

    (void)state;
    assert_ok(pyossl_spki_new(&spki));
    assert_ok(pyossl_spki_set_challenge(spki, "abc", 3));
    assert_fails(pyossl_spki_set_challenge(spki, "caf\xc3\xa9", 5), PYOSSL_E_ARGUMENT);
    assert_ok(pyossl_spki_challenge(spki, &buf));
    assert_text(&buf, "abc");
    assert_ok(pyossl_spki_set_challenge(spki, "", 0));
    assert_ok(pyossl_spki_challenge(spki, &buf));
    assert_text(&buf, "");
    pyossl_buf_clear(&buf);
    pyossl_spki_unref(spki);
}

static void test_a_key_that_is_none(void **state)
{
    /* SPKAC with an algorithm nobody knows and one byte of key. */
    static const unsigned char der[] = {
        0x30, 0x27, 0x30, 0x13, 0x30, 0x0e, 0x30, 0x06, 0x06, 0x04, 0x2a, 0x03, 0x04, 0x05,
        0x03, 0x04, 0x00, 0x01, 0x02, 0x03, 0x16, 0x01, 0x61, 0x30, 0x0b, 0x06, 0x09, 0x2a,
        0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x03, 0x03, 0x00, 0x01, 0x02,
    };
    char text[128];
    pyossl_spki *spki = NULL;
    pyossl_pkey *key = NULL;
    int len = EVP_EncodeBlock((unsigned char *)text, der, (int)sizeof der);

    (void)state;
    assert_ok(pyossl_spki_load(&spki, text, (size_t)len));
    assert_fails(pyossl_spki_pubkey(spki, &key), PYOSSL_E_FORMAT);
    assert_null(key);
    pyossl_spki_unref(spki);
}

/* What the original has not is not lost, and what the copy gets does not reach it. */
static void test_na_234_copies(void **state)
{
    pyossl_pkey *key = material_key(DATA("rsa.pem"));
    pyossl_spki *spki = NULL, *copy = NULL, *again = NULL;
    pyossl_buf one = PYOSSL_BUF_INIT, other = PYOSSL_BUF_INIT;

    (void)state;
    assert_ok(pyossl_spki_new(&spki));
    assert_ok(pyossl_spki_set_pubkey(spki, key));
    assert_ok(pyossl_spki_set_challenge(spki, "challenge", 9));
    assert_ok(pyossl_spki_copy(&copy, spki));
    assert_ok(pyossl_spki_challenge(copy, &one));
    assert_text(&one, "challenge");
    assert_ok(pyossl_spki_sign(copy, key, "sha256"));
    assert_fails(pyossl_spki_dump(spki, &one), PYOSSL_E_STATE);
    assert_ok(pyossl_spki_copy(&again, copy));
    assert_ok(pyossl_spki_verify(again, key));
    assert_ok(pyossl_spki_dump(copy, &one));
    assert_ok(pyossl_spki_dump(again, &other));
    assert_string_equal(one.data, other.data);
    pyossl_spki_unref(again);
    pyossl_spki_unref(copy);
    pyossl_spki_unref(spki);
    /* Without a key too. */
    assert_ok(pyossl_spki_new(&spki));
    assert_ok(pyossl_spki_copy(&copy, spki));
    assert_fails(pyossl_spki_dump(copy, &one), PYOSSL_E_STATE);
    pyossl_spki_unref(copy);
    pyossl_spki_unref(spki);
    pyossl_pkey_unref(key);
    pyossl_buf_clear(&one);
    pyossl_buf_clear(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_new_one_is_empty),
        cmocka_unit_test(test_signed_keys_go_round),
        cmocka_unit_test(test_na_139_signing_needs_a_private_key_and_a_digest),
        cmocka_unit_test(test_what_openssl_made_is_read),
        cmocka_unit_test(test_blanks_do_not_matter),
        cmocka_unit_test(test_na_139_bad_base64_is_refused),
        cmocka_unit_test(test_challenges_are_ascii),
        cmocka_unit_test(test_a_key_that_is_none),
        cmocka_unit_test(test_na_234_copies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
