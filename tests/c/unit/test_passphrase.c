#include "keys.h"

#include "crypto/crypto.h"

/* ---- passphrases that are asked for ---- */

typedef struct asked {
    int times;
    int confirm;
    pyossl_answer answer;
    const char *text;
    size_t len; /* what is claimed, whatever the text is */
} asked;

static pyossl_answer ask(char *buf, size_t cap, size_t *len, int confirm, void *userdata)
{
    asked *how = userdata;

    assert_int_equal(cap, PYOSSL_PASSPHRASE_MAX);
    how->times++;
    how->confirm = confirm;
    if (how->text != NULL && how->len <= cap)
        memcpy(buf, how->text, how->len);
    *len = how->len;
    return how->answer;
}

static pyossl_passphrase asking(asked *how)
{
    return (pyossl_passphrase){ .callback = ask, .userdata = how };
}

/* ---- reading ---- */

static void test_na_056_asks_once_and_only_where_it_must(void **state)
{
    (void)state;
    for (size_t i = 0; i < KEYS_FILES; i++) {
        asked how = { .confirm = -1, .answer = PYOSSL_ANSWER_ACCEPT, .text = "secret", .len = 6 };
        const pyossl_passphrase passphrase = asking(&how);
        pyossl_pkey *key = NULL;

        if (!keys_usable(i))
            continue;
        assert_ok(keys_load(&key, keys_files[i].path, &passphrase));
        assert_int_equal(how.times, keys_files[i].encrypted);
        assert_int_equal(how.confirm, keys_files[i].encrypted ? 0 : -1);
        pyossl_pkey_unref(key);
    }
}

static void test_na_057_never_prompts(void **state)
{
    asked decline = { .answer = PYOSSL_ANSWER_DECLINE, .text = "secret", .len = 6 };
    const pyossl_passphrase none = { .data = NULL, .len = 0 }, declined = asking(&decline);
    const pyossl_passphrase *const given[] = { NULL, &none, &declined };

    (void)state;
    for (size_t i = 0; i < KEYS_FILES; i++)
        for (size_t n = 0; n < OSL_COUNT_OF(given) && keys_files[i].encrypted; n++) {
            pyossl_pkey *key = NULL;

            assert_fails(keys_load(&key, keys_files[i].path, given[n]), PYOSSL_E_PASSPHRASE);
            assert_null(key);
        }
}

static void test_wrong_passphrases(void **state)
{
    static char longest[PYOSSL_PASSPHRASE_MAX + 1];
    const struct {
        const char *text;
        size_t len;
    } wrong[] = { { "", 0 },          { "wrong", 5 },    { "secre", 5 },
                  { "secret\0x", 8 }, { "\0secret", 7 }, { longest, PYOSSL_PASSPHRASE_MAX } };

    (void)state;
    memset(longest, 'x', sizeof longest);
    for (size_t i = 0; i < KEYS_FILES; i++)
        for (size_t n = 0; n < OSL_COUNT_OF(wrong) && keys_files[i].encrypted && keys_usable(i);
             n++) {
            pyossl_passphrase passphrase = { .data = wrong[n].text, .len = wrong[n].len };
            asked how = { .answer = PYOSSL_ANSWER_ACCEPT,
                          .text = wrong[n].text,
                          .len = wrong[n].len };
            pyossl_pkey *key = NULL;

            assert_fails(keys_load(&key, keys_files[i].path, &passphrase), PYOSSL_E_PASSPHRASE);
            passphrase = asking(&how);
            assert_fails(keys_load(&key, keys_files[i].path, &passphrase), PYOSSL_E_PASSPHRASE);
            assert_int_equal(how.times, 1);
            assert_null(key);
        }
}

static void test_na_056_callbacks_that_misbehave(void **state)
{
    static const size_t lens[] = { PYOSSL_PASSPHRASE_MAX + 1, 65536, SIZE_MAX };
    static char longest[PYOSSL_PASSPHRASE_MAX + 1];
    asked abort = { .answer = PYOSSL_ANSWER_ABORT }, unknown = { .answer = (pyossl_answer)7 };
    pyossl_passphrase passphrase = asking(&abort);
    pyossl_pkey *key = NULL;

    (void)state;
    assert_fails(keys_load(&key, DATA("rsa-aes256.pem"), &passphrase), PYOSSL_E_CALLBACK);
    passphrase = asking(&unknown);
    assert_fails(keys_load(&key, DATA("rsa-aes256.pem"), &passphrase), PYOSSL_E_CALLBACK);
    for (size_t i = 0; i < OSL_COUNT_OF(lens); i++) {
        asked how = { .answer = PYOSSL_ANSWER_ACCEPT, .text = longest, .len = lens[i] };

        passphrase = asking(&how);
        assert_fails(keys_load(&key, DATA("rsa-des3.pem"), &passphrase), PYOSSL_E_CALLBACK);
    }
    passphrase = (pyossl_passphrase){ .data = longest, .len = sizeof longest };
    assert_fails(keys_load(&key, DATA("rsa-des3.pem"), &passphrase), PYOSSL_E_ARGUMENT);
    assert_null(key);
}

static pyossl_answer ask_after_another_load(char *buf, size_t cap, size_t *len, int confirm,
                                            void *userdata)
{
    pyossl_pkey *key = keys_good(DATA("ec-aes256.pem"));

    pyossl_pkey_unref(key);
    return ask(buf, cap, len, confirm, userdata);
}

static void test_na_056_callback_that_loads_a_key(void **state)
{
    asked how = { .answer = PYOSSL_ANSWER_ACCEPT, .text = "secret", .len = 6 };
    const pyossl_passphrase passphrase = { .callback = ask_after_another_load, .userdata = &how };
    pyossl_pkey *key = NULL;

    (void)state;
    assert_ok(keys_load(&key, DATA("rsa-aes256.pem"), &passphrase));
    assert_int_equal(pyossl_pkey_type(key), PYOSSL_KEY_RSA);
    pyossl_pkey_unref(key);
}

/* ---- writing ---- */

static void test_na_056_passphrases_of_every_length_with_nul(void **state)
{
    static const size_t lens[] = { 0, 1, 3, 9, 1021, 1023, 1024 };
    pyossl_pkey *key = keys_good(DATA("ec.pem"));
    char bytes[PYOSSL_PASSPHRASE_MAX];

    (void)state;
    /* NULs in the middle: HMAC, and so PBKDF2, cannot tell them apart at the end. */
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i % 2 == 0 ? 'a' : 0);
    for (size_t d = 0; d < OSL_COUNT_OF(keys_dumps); d++)
        for (size_t i = 0; i < OSL_COUNT_OF(lens); i++) {
            pyossl_passphrase right = { .data = bytes, .len = lens[i] };
            pyossl_passphrase shorter = { .data = bytes, .len = lens[i] > 2 ? lens[i] - 2 : 0 };
            asked how = { .answer = PYOSSL_ANSWER_ACCEPT, .text = bytes, .len = lens[i] };
            const pyossl_passphrase callback = asking(&how);
            pyossl_buf out = PYOSSL_BUF_INIT;
            pyossl_pkey *back = NULL;

            assert_ok(keys_dumps[d](key, "aes-128-cbc", &callback, &out));
            assert_int_equal(how.times, 1);
            assert_int_equal(how.confirm, 1);
            if (lens[i] > 0)
                assert_fails(
                    pyossl_pkey_load_private(&back, PYOSSL_PEM, out.data, out.len, &shorter),
                    PYOSSL_E_PASSPHRASE);
            assert_ok(pyossl_pkey_load_private(&back, PYOSSL_PEM, out.data, out.len, &right));
            assert_int_equal(pyossl_pkey_equal(key, back), 1);
            pyossl_pkey_unref(back);
            pyossl_buf_clear(&out);
        }
    pyossl_pkey_unref(key);
}

static void test_na_141_never_writes_plaintext_instead(void **state)
{
    static const char *const bad[] = { "", "no-such", "NULL", "aes-256", "sha256" };
    asked decline = { .answer = PYOSSL_ANSWER_DECLINE }, abort = { .answer = PYOSSL_ANSWER_ABORT },
          big = { .answer = PYOSSL_ANSWER_ACCEPT, .len = 1025 };
    const pyossl_passphrase none = { .data = NULL }, declined = asking(&decline),
                            aborted = asking(&abort), oversize = asking(&big),
                            secret = keys_passphrase("secret");
    pyossl_pkey *key = keys_good(DATA("rsa.pem"));
    pyossl_buf out = PYOSSL_BUF_INIT;

    (void)state;
    for (size_t d = 0; d < OSL_COUNT_OF(keys_dumps); d++) {
        assert_fails(keys_dumps[d](key, "aes-256-cbc", NULL, &out), PYOSSL_E_ARGUMENT);
        assert_fails(keys_dumps[d](key, "aes-256-cbc", &none, &out), PYOSSL_E_ARGUMENT);
        assert_fails(keys_dumps[d](key, "aes-256-cbc", &declined, &out), PYOSSL_E_PASSPHRASE);
        assert_fails(keys_dumps[d](key, "aes-256-cbc", &aborted, &out), PYOSSL_E_CALLBACK);
        assert_fails(keys_dumps[d](key, "aes-256-cbc", &oversize, &out), PYOSSL_E_CALLBACK);
        for (size_t i = 0; i < OSL_COUNT_OF(bad); i++)
            assert_fails(keys_dumps[d](key, bad[i], &secret, &out), PYOSSL_E_ARGUMENT);
        assert_fails(keys_dumps[d](key, "aes-256-gcm", &secret, &out), PYOSSL_E_OPENSSL);
    }
    assert_fails(keys_dump_pem(key, "aes-128-ctr", &secret, &out), PYOSSL_E_OPENSSL);
    assert_fails(pyossl_pkey_dump_private(key, PYOSSL_DER, "aes-256-cbc", &none, &out),
                 PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_pkey_dump_private(key, PYOSSL_TEXT, "aes-256-cbc", &secret, &out),
                 PYOSSL_E_ARGUMENT);
    assert_null(out.data);
    assert_int_equal(decline.times, 2);
    pyossl_pkey_unref(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_056_asks_once_and_only_where_it_must),
        cmocka_unit_test(test_na_057_never_prompts),
        cmocka_unit_test(test_wrong_passphrases),
        cmocka_unit_test(test_na_056_callbacks_that_misbehave),
        cmocka_unit_test(test_na_056_callback_that_loads_a_key),
        cmocka_unit_test(test_na_056_passphrases_of_every_length_with_nul),
        cmocka_unit_test(test_na_141_never_writes_plaintext_instead),
    };

    assert_ok(osl_init()); /* before an assertion looks at the queue, which sets OpenSSL up too */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
