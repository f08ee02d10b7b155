#include "pkcs12_material.h"

#include <limits.h>

#include "crypto/crypto.h"

/* ---- members ---- */

static void test_a_new_one_is_empty(void **state)
{
    pyossl_pkcs12 *p12 = make(0);
    pyossl_buf der = PYOSSL_BUF_INIT;

    (void)state;
    assert_members(p12, 0);
    assert_fails(dump(p12, "secret", NULL, &der), PYOSSL_E_STATE);
    assert_string_equal(test_reason(), "invalid null argument");
    assert_ok(pyossl_pkcs12_set_friendly_name(p12, "name", 4));
    assert_fails(dump(p12, "secret", NULL, &der), PYOSSL_E_STATE);
    assert_null(der.data);
    assert_ptr_equal(pyossl_pkcs12_ref(p12), p12);
    pyossl_pkcs12_unref(p12);
    pyossl_pkcs12_unref(p12);
    pyossl_pkcs12_unref(NULL);
}

static void test_members_are_the_objects_that_were_set(void **state)
{
    pyossl_pkcs12 *p12 = make(KEY | CERT | CAS | NAME);
    pyossl_x509 *cert = material_cert(DATA("client.pem"));
    pyossl_pkey *key = material_key(DATA("ec.pem"));
    size_t len;

    (void)state;
    pyossl_pkcs12_set_cert(p12, cert);
    pyossl_pkcs12_set_cert(p12, cert);
    pyossl_pkcs12_set_pkey(p12, key);
    pyossl_pkcs12_set_pkey(p12, key);
    assert_ptr_equal(pyossl_pkcs12_cert(p12), cert);
    assert_ptr_equal(pyossl_pkcs12_pkey(p12), key);
    assert_ok(pyossl_pkcs12_set_cas(p12, &cert, 1));
    assert_ptr_equal(pyossl_pkcs12_ca_at(p12, 0), cert);
    assert_int_equal(pyossl_pkcs12_ca_count(p12), 1);
    /* Its own list is a legal argument. */
    assert_ok(pyossl_pkcs12_set_cas(p12, (pyossl_x509 *[]){ pyossl_pkcs12_ca_at(p12, 0) }, 1));
    assert_ptr_equal(pyossl_pkcs12_ca_at(p12, 0), cert);

    assert_fails(pyossl_pkcs12_set_friendly_name(p12, "a\0b", 3), PYOSSL_E_ARGUMENT);
    assert_friendly_name(p12, "Br\xc3\xbc\xcc\x88 \xf0\x9f\x98\x80", 11);
    assert_ok(pyossl_pkcs12_set_friendly_name(p12, "", 0));
    assert_string_equal(pyossl_pkcs12_friendly_name(p12, &len), "");
    assert_ok(pyossl_pkcs12_set_friendly_name(p12, NULL, 0));
    assert_ok(pyossl_pkcs12_set_cas(p12, NULL, 0));
    pyossl_pkcs12_set_cert(p12, NULL);
    pyossl_pkcs12_set_pkey(p12, NULL);
    assert_members(p12, 0);
    pyossl_pkcs12_unref(p12);
    pyossl_x509_unref(cert);
    pyossl_pkey_unref(key);
}

/* Under a passphrase: without a MAC it vouches for nothing. */
#define assert_mac_absent(call)                                                                    \
    do {                                                                                           \
        assert_fails(call, PYOSSL_E_FORMAT);                                                       \
        assert_string_equal(test_reason(), "mac absent");                                          \
    } while (0)

static void test_na_138_na_199_every_set_of_members_goes_round(void **state)
{
    static const char *const passphrases[] = { NULL, "", "secret", "\xc3\xa9" };
    static const int mac_rounds[] = { 1, 0, 100, -1 };

    (void)state;
    for (unsigned members = 1; members < 16; members++) {
        pyossl_pkcs12 *p12 = make(members);

        for (size_t i = 0; i < COUNT_OF(passphrases) * COUNT_OF(mac_rounds); i++) {
            const char *text = passphrases[i % COUNT_OF(passphrases)];
            pyossl_pkcs12_options options = PYOSSL_PKCS12_OPTIONS_INIT;
            pyossl_pkcs12 *back = NULL;
            pyossl_buf der = PYOSSL_BUF_INIT;

            if (members == NAME)
                continue;
            options.iterations = 10;
            options.mac_iterations = mac_rounds[i / COUNT_OF(passphrases)];
            assert_ok(dump(p12, text, &options, &der));
            if (options.mac_iterations < 0 && text != NULL && *text != '\0') {
                assert_mac_absent(load(&back, &der, text));
            } else {
                assert_ok(load(&back, &der, text));
                assert_members(back, members);
            }
            pyossl_pkcs12_unref(back);
            pyossl_buf_clear(&der);
        }
        pyossl_pkcs12_unref(p12);
    }
}

static void test_no_passphrase_and_an_empty_one_are_the_same(void **state)
{
    static const int mac_rounds[] = { 1, -1 };
    pyossl_pkcs12 *p12 = make(KEY | CERT);

    (void)state;
    for (size_t i = 0; i < 8; i++) {
        pyossl_pkcs12_options options = PYOSSL_PKCS12_OPTIONS_INIT;
        pyossl_pkcs12 *back = NULL;
        pyossl_buf der = PYOSSL_BUF_INIT;

        options.mac_iterations = mac_rounds[i / 4];
        assert_ok(dump(p12, i & 1 ? "" : NULL, &options, &der));
        assert_ok(load(&back, &der, i & 2 ? "" : NULL));
        assert_members(back, KEY | CERT);
        pyossl_pkcs12_unref(back);
        pyossl_buf_clear(&der);
    }
    pyossl_pkcs12_unref(p12);
}

/* PKCS #12 knows "none" apart from "empty"; PKCS12_create() with NULL writes the former. */
static void test_files_without_any_passphrase_are_read(void **state)
{
    pyossl_pkey *key = material_key(DATA("rsa.pem"));
    pyossl_x509 *cert = material_cert(DATA("server.pem"));

    (void)state;
    for (int mac_rounds = -1; mac_rounds <= 1; mac_rounds += 2) {
        PKCS12 *made = PKCS12_create(NULL, NULL, key->key, osl_x509_full(cert), NULL,
                                     NID_pbe_WithSHA1And3_Key_TripleDES_CBC,
                                     NID_pbe_WithSHA1And3_Key_TripleDES_CBC, 1, mac_rounds, 0);
        pyossl_buf der = PYOSSL_BUF_INIT;
        pyossl_pkcs12 *p12 = NULL;
        int len = i2d_PKCS12(made, &der.data);

        assert_true(len > 0);
        der.len = (size_t)len;
        assert_ok(load(&p12, &der, NULL));
        assert_members(p12, KEY | CERT);
        pyossl_pkcs12_unref(p12);
        assert_ok(load(&p12, &der, ""));
        pyossl_pkcs12_unref(p12);
        p12 = NULL;
        if (mac_rounds < 0)
            assert_mac_absent(load(&p12, &der, "x"));
        else
            assert_fails(load(&p12, &der, "x"), PYOSSL_E_PASSPHRASE);
        assert_null(p12);
        pyossl_buf_clear(&der);
        PKCS12_free(made);
    }
    pyossl_pkey_unref(key);
    pyossl_x509_unref(cert);
}

/* ---- passphrases ---- */

static void test_wrong_passphrases(void **state)
{
    static const char *const wrong[] = { NULL, "", "Secret", "secret ", "secre", "\xc3\xa9" };
    const pyossl_passphrase with_nul = { .data = "secret\0x", .len = 8 };
    pyossl_buf der = material_read(DATA("des3.p12"));
    pyossl_pkcs12 *p12 = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        const pyossl_error_entry *entry;

        assert_fails(load(&p12, &der, wrong[i]), PYOSSL_E_PASSPHRASE);
        assert_int_equal(pyossl_error_count(pyossl_error_last()), 1);
        entry = pyossl_error_entry_at(pyossl_error_last(), 0);
        assert_string_equal(entry->library, "PKCS12 routines");
        assert_string_equal(entry->function, "");
        assert_string_equal(entry->reason, "mac verify failure");
    }
    /* Not cut at the NUL, where it would fit. */
    assert_fails(pyossl_pkcs12_load(&p12, der.data, der.len, &with_nul), PYOSSL_E_PASSPHRASE);
    assert_null(p12);
    assert_mac_absent(load_file(&p12, DATA("no-mac.p12"), "wrong"));
    assert_fails(load_file(&p12, DATA("no-mac.p12"), NULL), PYOSSL_E_PASSPHRASE);
    assert_null(p12);
    pyossl_buf_clear(&der);
}

static void test_passphrases_that_cannot_be_written(void **state)
{
    const pyossl_passphrase with_nul = { .data = "a\0b", .len = 3 };
    pyossl_pkcs12 *p12 = make(KEY | CERT);
    pyossl_buf der = PYOSSL_BUF_INIT;

    (void)state;
    assert_fails(pyossl_pkcs12_dump(p12, &with_nul, NULL, &der), PYOSSL_E_ARGUMENT);
    assert_null(der.data);
    pyossl_pkcs12_unref(p12);
}

typedef struct asked {
    int times, confirm;
    pyossl_answer answer;
} asked;

static pyossl_answer ask(char *buf, size_t cap, size_t *len, int confirm, void *userdata)
{
    asked *how = userdata;

    assert_true(cap >= 6);
    how->times++;
    how->confirm = confirm;
    memcpy(buf, "secret", 6);
    *len = 6;
    return how->answer;
}

static void test_passphrases_are_asked_for_once(void **state)
{
    static const char *const paths[] = { DATA("des3.p12"), DATA("modern.p12"),
                                         DATA("key-only.p12") };
    pyossl_pkcs12 *p12 = make(KEY | CERT);
    pyossl_buf out = PYOSSL_BUF_INIT;
    asked how = { .answer = PYOSSL_ANSWER_ACCEPT };
    pyossl_passphrase asking = { .callback = ask, .userdata = &how };

    (void)state;
    assert_ok(pyossl_pkcs12_dump(p12, &asking, NULL, &out));
    assert_int_equal(how.times, 1);
    assert_int_equal(how.confirm, 1);
    pyossl_pkcs12_unref(p12);
    p12 = NULL;
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        pyossl_buf der = material_read(paths[i]);

        how = (asked){ .answer = PYOSSL_ANSWER_ACCEPT, .confirm = 77 };
        assert_ok(pyossl_pkcs12_load(&p12, der.data, der.len, &asking));
        assert_int_equal(how.times, 1);
        assert_int_equal(how.confirm, 0);
        pyossl_pkcs12_unref(p12);
        p12 = NULL;
        how.answer = PYOSSL_ANSWER_ABORT;
        assert_fails(pyossl_pkcs12_load(&p12, der.data, der.len, &asking), PYOSSL_E_CALLBACK);
        how.answer = PYOSSL_ANSWER_DECLINE;
        assert_fails(pyossl_pkcs12_load(&p12, der.data, der.len, &asking), PYOSSL_E_PASSPHRASE);
        assert_null(p12);
        pyossl_buf_clear(&der);
    }
    pyossl_buf_clear(&out);
}

/* ---- options and refusals ---- */

static void test_options(void **state)
{
    static const struct {
        const char *cipher, *mac_digest;
        int iterations, mac_iterations;
    } cases[] = {
        { "aes-256-cbc", NULL, 2048, 1 },
        { "AES-128-CBC", "sha512", 0, 0 },
        { "des-ede3-cbc", "sha1", 1, 2048 },
        { NULL, "md5", 5000, 5000 },
        { NULL, NULL, 1, -1 },
    };
    pyossl_pkcs12 *p12 = make(KEY | CERT | CAS | NAME);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const pyossl_pkcs12_options options = { sizeof options, cases[i].iterations,
                                                cases[i].mac_iterations, cases[i].cipher,
                                                cases[i].mac_digest };
        pyossl_pkcs12 *back = NULL;
        pyossl_buf der = PYOSSL_BUF_INIT;

        assert_ok(dump(p12, "secret", &options, &der));
        if (options.mac_iterations < 0) {
            assert_mac_absent(load(&back, &der, "secret"));
            pyossl_buf_clear(&der);
            continue;
        }
        assert_ok(load(&back, &der, "secret"));
        assert_members(back, KEY | CERT | CAS | NAME);
        pyossl_pkcs12_unref(back);
        back = NULL;
        assert_fails(load(&back, &der, "wrong"), PYOSSL_E_PASSPHRASE);
        pyossl_buf_clear(&der);
    }
    pyossl_pkcs12_unref(p12);
}

static void test_options_that_are_refused(void **state)
{
    static const pyossl_pkcs12_options cases[] = {
        { 0, 2048, 1, NULL, NULL },
        { sizeof(pyossl_pkcs12_options), -2, 1, NULL, NULL },
        { sizeof(pyossl_pkcs12_options), 1, -2, NULL, NULL },
        { sizeof(pyossl_pkcs12_options), INT_MAX, 1, NULL, NULL },
        { sizeof(pyossl_pkcs12_options), 1, INT_MAX, NULL, NULL },
        { sizeof(pyossl_pkcs12_options), 2048, 1, "no-cipher", NULL },
        { sizeof(pyossl_pkcs12_options), 2048, 1, "", NULL },
        { sizeof(pyossl_pkcs12_options), 2048, 1, NULL, "no-digest" },
    };
    pyossl_pkcs12 *p12 = make(KEY | CERT);
    pyossl_buf der = PYOSSL_BUF_INIT;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_fails(dump(p12, "secret", &cases[i], &der), PYOSSL_E_ARGUMENT);
    assert_null(der.data);
    pyossl_pkcs12_unref(p12);
}

static void test_na_138_members_that_do_not_fit(void **state)
{
    pyossl_pkey *other = material_key(DATA("ec.pem")), *rsa = material_key(DATA("rsa.pem"));
    pyossl_pkey *half = material_public(rsa);
    pyossl_pkcs12 *p12 = make(KEY | CERT);
    pyossl_buf der = PYOSSL_BUF_INIT;
    pyossl_x509 *empty = NULL;

    (void)state;
    pyossl_pkcs12_set_pkey(p12, other);
    assert_fails(dump(p12, "secret", NULL, &der), PYOSSL_E_OPENSSL);
    pyossl_pkcs12_set_pkey(p12, half);
    assert_fails(dump(p12, "secret", NULL, &der), PYOSSL_E_STATE);
    pyossl_pkcs12_set_pkey(p12, NULL);
    assert_ok(pyossl_x509_new(&empty));
    pyossl_pkcs12_set_cert(p12, empty);
    assert_fails(dump(p12, "secret", NULL, &der), PYOSSL_E_STATE);
    assert_null(der.data);
    pyossl_pkcs12_unref(p12);
    pyossl_x509_unref(empty);
    pyossl_pkey_unref(half);
    pyossl_pkey_unref(rsa);
    pyossl_pkey_unref(other);
}

/* With a MAC a changed file is never taken for the one that was written. */
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_new_one_is_empty),
        cmocka_unit_test(test_members_are_the_objects_that_were_set),
        cmocka_unit_test(test_na_138_na_199_every_set_of_members_goes_round),
        cmocka_unit_test(test_no_passphrase_and_an_empty_one_are_the_same),
        cmocka_unit_test(test_files_without_any_passphrase_are_read),
        cmocka_unit_test(test_wrong_passphrases),
        cmocka_unit_test(test_passphrases_that_cannot_be_written),
        cmocka_unit_test(test_passphrases_are_asked_for_once),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_options_that_are_refused),
        cmocka_unit_test(test_na_138_members_that_do_not_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
