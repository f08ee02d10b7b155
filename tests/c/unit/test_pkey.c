#include "keys.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "pyossl/version.h"
#include "oom.h"

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

/* ---- loading ---- */

static const struct {
    const char *path;
    int type;
    int bits;
    bool encrypted;
    bool legacy; /* needs the legacy provider */
} files[] = {
    { DATA("rsa.pem"), PYOSSL_KEY_RSA, 2048, false, false },
    { DATA("rsa.der"), PYOSSL_KEY_RSA, 2048, false, false },
    { DATA("rsa-traditional.pem"), PYOSSL_KEY_RSA, 2048, false, false },
    { DATA("ec.pem"), PYOSSL_KEY_EC, 256, false, false },
    { DATA("ec.der"), PYOSSL_KEY_EC, 256, false, false },
    { DATA("ec-traditional.pem"), PYOSSL_KEY_EC, 256, false, false },
    { DATA("ed25519.pem"), PYOSSL_KEY_ED25519, 256, false, false },
    { DATA("ed25519.der"), PYOSSL_KEY_ED25519, 256, false, false },
    { DATA("dsa.pem"), PYOSSL_KEY_DSA, 2048, false, false },
    { DATA("dsa-traditional.pem"), PYOSSL_KEY_DSA, 2048, false, false },
    { DATA("server-all.pem"), PYOSSL_KEY_RSA, 2048, false, false },
    { DATA("rsa-aes256.pem"), PYOSSL_KEY_RSA, 2048, true, false },
    { DATA("rsa-aes256.der"), PYOSSL_KEY_RSA, 2048, true, false },
    { DATA("ec-aes256.pem"), PYOSSL_KEY_EC, 256, true, false },
    { DATA("ed25519-aes256.pem"), PYOSSL_KEY_ED25519, 256, true, false },
    { DATA("rsa-des3.pem"), PYOSSL_KEY_RSA, 2048, true, false },
    { DATA("ec-des3.pem"), PYOSSL_KEY_EC, 256, true, false },
    { DATA("rsa-des.pem"), PYOSSL_KEY_RSA, 2048, true, true },
    { DATA("rsa-pkcs5v1-des.pem"), PYOSSL_KEY_RSA, 2048, true, true },
};

static bool usable(size_t i)
{
    return !files[i].legacy || pyossl_has(PYOSSL_FEATURE_LEGACY) == 1;
}

static void test_na_173_without_the_legacy_provider(void **state)
{
    /* The provider is loaded once or not at all, so this needs a process of its own. */
    const pid_t child = fork();
    int status = 0;

    (void)state;
    if (child == 0) {
        const pyossl_passphrase secret = keys_passphrase("secret");
        pyossl_pkey *key = NULL;
        bool good = setenv("PYOSSL_NO_LEGACY", "1", 1) == 0;

        good = good && pyossl_has(PYOSSL_FEATURE_LEGACY) == 0;
        for (size_t i = 0; i < OSL_COUNT_OF(files); i++) {
            const pyossl_status expected = files[i].legacy ? PYOSSL_E_UNSUPPORTED : PYOSSL_OK;
            const pyossl_error_entry *entry = NULL;
            bool named = !files[i].legacy;

            good = good && keys_load(&key, files[i].path, &secret) == expected;
            for (size_t n = 0; (entry = pyossl_error_entry_at(pyossl_error_last(), n)); n++)
                named = named || strstr(entry->reason, "legacy provider") != NULL;
            good = good && named && ERR_peek_error() == 0;
            if (!files[i].legacy)
                pyossl_pkey_unref(key);
        }
        good = good && pyossl_cipher_check("blowfish") == PYOSSL_E_UNSUPPORTED;
        good = good && pyossl_digest_check("md4") == PYOSSL_E_UNSUPPORTED;
        _exit(good ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_loads_every_encoding(void **state)
{
    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(files); i++) {
        const pyossl_passphrase secret = keys_passphrase("secret");
        pyossl_pkey *key = NULL;

        if (!usable(i))
            continue;
        print_message("# %s\n", files[i].path);
        assert_ok(keys_load(&key, files[i].path, files[i].encrypted ? &secret : NULL));
        assert_int_equal(pyossl_pkey_type(key), files[i].type);
        assert_int_equal(pyossl_pkey_bits(key), files[i].bits);
        assert_int_equal(pyossl_pkey_is_private(key), 1);
        pyossl_pkey_unref(key);
    }
}

static void test_na_056_asks_once_and_only_where_it_must(void **state)
{
    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(files); i++) {
        asked how = { .confirm = -1, .answer = PYOSSL_ANSWER_ACCEPT, .text = "secret", .len = 6 };
        const pyossl_passphrase passphrase = asking(&how);
        pyossl_pkey *key = NULL;

        if (!usable(i))
            continue;
        assert_ok(keys_load(&key, files[i].path, &passphrase));
        assert_int_equal(how.times, files[i].encrypted);
        assert_int_equal(how.confirm, files[i].encrypted ? 0 : -1);
        pyossl_pkey_unref(key);
    }
}

static void test_na_057_never_prompts(void **state)
{
    asked decline = { .answer = PYOSSL_ANSWER_DECLINE, .text = "secret", .len = 6 };
    const pyossl_passphrase none = { .data = NULL, .len = 0 }, declined = asking(&decline);
    const pyossl_passphrase *const given[] = { NULL, &none, &declined };

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(files); i++)
        for (size_t n = 0; n < OSL_COUNT_OF(given) && files[i].encrypted; n++) {
            pyossl_pkey *key = NULL;

            assert_fails(keys_load(&key, files[i].path, given[n]), PYOSSL_E_PASSPHRASE);
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
    for (size_t i = 0; i < OSL_COUNT_OF(files); i++)
        for (size_t n = 0; n < OSL_COUNT_OF(wrong) && files[i].encrypted && usable(i); n++) {
            pyossl_passphrase passphrase = { .data = wrong[n].text, .len = wrong[n].len };
            asked how = { .answer = PYOSSL_ANSWER_ACCEPT,
                          .text = wrong[n].text,
                          .len = wrong[n].len };
            pyossl_pkey *key = NULL;

            assert_fails(keys_load(&key, files[i].path, &passphrase), PYOSSL_E_PASSPHRASE);
            passphrase = asking(&how);
            assert_fails(keys_load(&key, files[i].path, &passphrase), PYOSSL_E_PASSPHRASE);
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

/* ---- what is no key ---- */

static void test_what_is_no_private_key(void **state)
{
    static const char *const paths[] = {
        DATA("server.pem"),  DATA("rsa-public.pem"), DATA("ec-parameters.pem"),
        DATA("message.txt"), DATA("rsa-public.der"), DATA("server.der"),
        DATA("crl.der")
    };

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(paths); i++) {
        pyossl_pkey *key = NULL;

        assert_fails(keys_load(&key, paths[i], NULL), PYOSSL_E_FORMAT);
        assert_null(key);
    }
}

static void test_what_is_no_public_key(void **state)
{
    static const char *const paths[] = { DATA("server.pem"), DATA("rsa.pem"),
                                         DATA("rsa.der"),    DATA("rsa-traditional.pem"),
                                         DATA("server.der"), DATA("message.txt") };
    pyossl_buf traditional = PYOSSL_BUF_INIT;
    pyossl_pkey *key = NULL, *rsa = keys_good(DATA("rsa.pem"));

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(paths); i++) {
        pyossl_buf buf = keys_read(paths[i]);

        assert_fails(pyossl_pkey_load_public(&key, keys_format(paths[i]), buf.data, buf.len),
                     PYOSSL_E_FORMAT);
        pyossl_buf_clear(&buf);
    }
    assert_ok(pyossl_pkey_dump_private(rsa, PYOSSL_DER, NULL, NULL, &traditional));
    assert_fails(pyossl_pkey_load_public(&key, PYOSSL_DER, traditional.data, traditional.len),
                 PYOSSL_E_FORMAT);
    assert_null(key);
    pyossl_buf_clear(&traditional);
    pyossl_pkey_unref(rsa);
}

/* Cut anywhere, and with each byte changed: an error, or a key where the change did not matter. */
static void test_damaged_keys(void **state)
{
    const pyossl_passphrase secret = keys_passphrase("secret");

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(files); i++) {
        pyossl_buf buf = keys_read(files[i].path);
        const pyossl_format format = keys_format(files[i].path);
        /* Deriving keys and computing DSA's public half take their time: fewer points there. */
        const size_t step = files[i].encrypted || files[i].type == PYOSSL_KEY_DSA ? 41 : 5;

        for (size_t at = 0; at < buf.len && usable(i); at += step) {
            unsigned char *cut = malloc(at > 0 ? at : 1);
            pyossl_pkey *key = NULL;
            pyossl_status status;

            memcpy(cut, buf.data, at);
            status = pyossl_pkey_load_private(&key, format, cut, at, &secret);
            assert_true(status == PYOSSL_E_FORMAT || status == PYOSSL_OK);
            assert_true((status == PYOSSL_OK) == (key != NULL));
            assert_int_equal(ERR_peek_error(), 0);
            pyossl_pkey_unref(key);
            free(cut);
            key = NULL;
            buf.data[at] ^= 0x20;
            status = pyossl_pkey_load_private(&key, format, buf.data, buf.len, &secret);
            assert_true(status == PYOSSL_OK || status == PYOSSL_E_FORMAT ||
                        status == PYOSSL_E_PASSPHRASE || status == PYOSSL_E_UNSUPPORTED);
            assert_true((status == PYOSSL_OK) == (key != NULL));
            assert_int_equal(ERR_peek_error(), 0);
            pyossl_pkey_unref(key);
            buf.data[at] ^= 0x20;
        }
        pyossl_buf_clear(&buf);
    }
}

/* ---- writing ---- */

static void assert_same_bytes(const pyossl_buf *got, const char *path, const char *label)
{
    pyossl_buf file = keys_read(path);

    if (label != NULL) {
        const char *const labels[] = { label, NULL };
        osl_pem pem = OSL_PEM_INIT;

        assert_ok(osl_pem_find(file.data, file.len, labels, &pem));
        osl_buf_move(&file, &pem.der);
    }
    assert_int_equal(got->len, file.len);
    assert_memory_equal(got->data, file.data, got->len);
    pyossl_buf_clear(&file);
}

static void test_writes_what_openssl_writes(void **state)
{
    static const struct {
        const char *from, *pkcs8, *traditional, *label, *public;
    } rows[] = {
        { DATA("rsa-traditional.pem"), DATA("rsa.pem"), DATA("rsa-traditional.pem"),
          "RSA PRIVATE KEY", DATA("rsa-public.pem") },
        { DATA("ec-traditional.pem"), DATA("ec.pem"), DATA("ec-traditional.pem"), "EC PRIVATE KEY",
          DATA("ec-public.pem") },
        { DATA("dsa-traditional.pem"), DATA("dsa.pem"), DATA("dsa-traditional.pem"),
          "DSA PRIVATE KEY", NULL },
        { DATA("ed25519.der"), DATA("ed25519.pem"), NULL, NULL, DATA("ed25519-public.pem") },
    };

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(rows); i++) {
        pyossl_pkey *key = keys_good(rows[i].from);
        pyossl_buf out = PYOSSL_BUF_INIT;

        assert_ok(pyossl_pkey_dump_private(key, PYOSSL_PEM, NULL, NULL, &out));
        assert_same_bytes(&out, rows[i].pkcs8, NULL);
        assert_ok(pyossl_pkey_dump_private(key, PYOSSL_DER, NULL, NULL, &out));
        assert_same_bytes(&out, rows[i].traditional != NULL ? rows[i].traditional : rows[i].from,
                          rows[i].label);
        if (rows[i].traditional != NULL) {
            assert_ok(pyossl_pkey_dump_traditional(key, NULL, NULL, &out));
            /* openssl(1) may write "EC PARAMETERS" first. */
            assert_true(strncmp((char *)out.data, "-----BEGIN ", 11) == 0);
            assert_int_equal(memcmp(out.data + 11, rows[i].label, strlen(rows[i].label)), 0);
        } else {
            assert_fails(pyossl_pkey_dump_traditional(key, NULL, NULL, &out), PYOSSL_E_UNSUPPORTED);
        }
        if (rows[i].public != NULL) {
            assert_ok(pyossl_pkey_dump_public(key, PYOSSL_PEM, &out));
            assert_same_bytes(&out, rows[i].public, NULL);
        }
        pyossl_buf_clear(&out);
        pyossl_pkey_unref(key);
    }
}

typedef pyossl_status dump_fn(const pyossl_pkey *key, const char *cipher,
                              const pyossl_passphrase *passphrase, pyossl_buf *out);

static pyossl_status dump_pem(const pyossl_pkey *key, const char *cipher,
                              const pyossl_passphrase *passphrase, pyossl_buf *out)
{
    return pyossl_pkey_dump_private(key, PYOSSL_PEM, cipher, passphrase, out);
}

static dump_fn *const dumps[] = { dump_pem, pyossl_pkey_dump_traditional };

static void test_encrypted_and_back(void **state)
{
    static const char *const ciphers[] = { "aes-256-cbc", "AES128", "des3", "camellia-128-cbc",
                                           "aria-192-cbc" };
    static const char *const legacy[] = { "blowfish", "des", "cast5-cbc", "seed", "rc2-40-cbc" };
    const bool with_legacy = pyossl_has(PYOSSL_FEATURE_LEGACY) == 1;
    pyossl_pkey *keys[] = { keys_good(DATA("rsa.pem")), keys_good(DATA("ec.pem")),
                            keys_good(DATA("dsa.pem")) };
    const pyossl_passphrase secret = keys_passphrase("pass word");

    (void)state;
    for (size_t d = 0; d < OSL_COUNT_OF(dumps); d++)
        for (size_t c = 0; c < OSL_COUNT_OF(ciphers) + OSL_COUNT_OF(legacy); c++) {
            const char *cipher =
                c < OSL_COUNT_OF(ciphers) ? ciphers[c] : legacy[c - OSL_COUNT_OF(ciphers)];
            pyossl_pkey *back = NULL, *key = keys[c % OSL_COUNT_OF(keys)];
            pyossl_buf out = PYOSSL_BUF_INIT;

            if (c >= OSL_COUNT_OF(ciphers) && !with_legacy)
                continue;
            assert_ok(dumps[d](key, cipher, &secret, &out));
            assert_non_null(strstr((char *)out.data, "ENCRYPTED"));
            assert_ok(pyossl_pkey_load_private(&back, PYOSSL_PEM, out.data, out.len, &secret));
            assert_int_equal(pyossl_pkey_equal(key, back), 1);
            pyossl_pkey_unref(back);
            pyossl_buf_clear(&out);
        }
    for (size_t i = 0; i < OSL_COUNT_OF(keys); i++)
        pyossl_pkey_unref(keys[i]);
}

static void test_na_056_passphrases_of_every_length_with_nul(void **state)
{
    static const size_t lens[] = { 0, 1, 3, 9, 1021, 1023, 1024 };
    pyossl_pkey *key = keys_good(DATA("ec.pem"));
    char bytes[PYOSSL_PASSPHRASE_MAX];

    (void)state;
    /* NULs in the middle: HMAC, and so PBKDF2, cannot tell them apart at the end. */
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i % 2 == 0 ? 'a' : 0);
    for (size_t d = 0; d < OSL_COUNT_OF(dumps); d++)
        for (size_t i = 0; i < OSL_COUNT_OF(lens); i++) {
            pyossl_passphrase right = { .data = bytes, .len = lens[i] };
            pyossl_passphrase shorter = { .data = bytes, .len = lens[i] > 2 ? lens[i] - 2 : 0 };
            asked how = { .answer = PYOSSL_ANSWER_ACCEPT, .text = bytes, .len = lens[i] };
            const pyossl_passphrase callback = asking(&how);
            pyossl_buf out = PYOSSL_BUF_INIT;
            pyossl_pkey *back = NULL;

            assert_ok(dumps[d](key, "aes-128-cbc", &callback, &out));
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
    for (size_t d = 0; d < OSL_COUNT_OF(dumps); d++) {
        assert_fails(dumps[d](key, "aes-256-cbc", NULL, &out), PYOSSL_E_ARGUMENT);
        assert_fails(dumps[d](key, "aes-256-cbc", &none, &out), PYOSSL_E_ARGUMENT);
        assert_fails(dumps[d](key, "aes-256-cbc", &declined, &out), PYOSSL_E_PASSPHRASE);
        assert_fails(dumps[d](key, "aes-256-cbc", &aborted, &out), PYOSSL_E_CALLBACK);
        assert_fails(dumps[d](key, "aes-256-cbc", &oversize, &out), PYOSSL_E_CALLBACK);
        for (size_t i = 0; i < OSL_COUNT_OF(bad); i++)
            assert_fails(dumps[d](key, bad[i], &secret, &out), PYOSSL_E_ARGUMENT);
        assert_fails(dumps[d](key, "aes-256-gcm", &secret, &out), PYOSSL_E_OPENSSL);
    }
    assert_fails(dump_pem(key, "aes-128-ctr", &secret, &out), PYOSSL_E_OPENSSL);
    assert_fails(pyossl_pkey_dump_private(key, PYOSSL_DER, "aes-256-cbc", &secret, &out),
                 PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_pkey_dump_private(key, PYOSSL_TEXT, "aes-256-cbc", &secret, &out),
                 PYOSSL_E_ARGUMENT);
    assert_null(out.data);
    assert_int_equal(decline.times, 2);
    pyossl_pkey_unref(key);
}

static void test_public_halves(void **state)
{
    static const char *const paths[] = { DATA("rsa.pem"), DATA("ec.pem"), DATA("ed25519.pem"),
                                         DATA("dsa.pem") };

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(paths); i++) {
        pyossl_pkey *key = keys_good(paths[i]), *half = keys_public(key);
        pyossl_buf out = PYOSSL_BUF_INIT;

        assert_int_equal(pyossl_pkey_is_private(half), 0);
        assert_int_equal(pyossl_pkey_type(half), pyossl_pkey_type(key));
        assert_int_equal(pyossl_pkey_bits(half), pyossl_pkey_bits(key));
        assert_int_equal(pyossl_pkey_equal(half, key), 1);
        assert_fails(pyossl_pkey_dump_private(half, PYOSSL_PEM, NULL, NULL, &out), PYOSSL_E_STATE);
        assert_fails(pyossl_pkey_dump_private(half, PYOSSL_DER, NULL, NULL, &out), PYOSSL_E_STATE);
        assert_fails(pyossl_pkey_dump_private(half, PYOSSL_TEXT, NULL, NULL, &out), PYOSSL_E_STATE);
        assert_fails(pyossl_pkey_dump_traditional(half, NULL, NULL, &out), PYOSSL_E_STATE);
        assert_null(out.data);
        pyossl_pkey_unref(key);
        pyossl_pkey_unref(half);
    }
}

static void test_text(void **state)
{
    pyossl_pkey *key = keys_good(DATA("rsa.pem"));
    pyossl_buf out = PYOSSL_BUF_INIT;

    (void)state;
    assert_ok(pyossl_pkey_dump_private(key, PYOSSL_TEXT, NULL, NULL, &out));
    assert_true(out.len > 500);
    assert_non_null(strstr((char *)out.data, "2048 bit"));
    assert_non_null(strstr((char *)out.data, "privateExponent:"));
    assert_fails(pyossl_pkey_dump_public(key, PYOSSL_TEXT, &out), PYOSSL_E_ARGUMENT);
    pyossl_buf_clear(&out);
    pyossl_pkey_unref(key);
}

static void test_na_142_other_formats(void **state)
{
    static const int formats[] = { 0, -1, 3, 100, PYOSSL_TEXT + 1 };
    asked how = { .answer = PYOSSL_ANSWER_ACCEPT, .text = "secret", .len = 6 };
    const pyossl_passphrase passphrase = asking(&how);
    pyossl_buf file = keys_read(DATA("rsa-aes256.pem")), out = PYOSSL_BUF_INIT;
    pyossl_pkey *key = NULL, *good = keys_good(DATA("rsa.pem"));

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(formats); i++) {
        const pyossl_format format = (pyossl_format)formats[i];

        assert_fails(pyossl_pkey_load_private(&key, format, file.data, file.len, &passphrase),
                     PYOSSL_E_ARGUMENT);
        assert_fails(pyossl_pkey_load_public(&key, format, file.data, file.len), PYOSSL_E_ARGUMENT);
        assert_fails(pyossl_pkey_dump_private(good, format, NULL, NULL, &out), PYOSSL_E_ARGUMENT);
        assert_fails(pyossl_pkey_dump_public(good, format, &out), PYOSSL_E_ARGUMENT);
    }
    assert_fails(pyossl_pkey_load_private(&key, PYOSSL_TEXT, file.data, file.len, &passphrase),
                 PYOSSL_E_ARGUMENT);
    assert_int_equal(how.times, 0);
    assert_null(key);
    assert_null(out.data);
    pyossl_buf_clear(&file);
    pyossl_pkey_unref(good);
}

/* ---- memory and threads ---- */

static pyossl_status load_once(void *arg)
{
    const pyossl_passphrase secret = keys_passphrase("secret");
    const pyossl_buf *file = arg;
    pyossl_pkey *key = NULL;
    pyossl_status status =
        pyossl_pkey_load_private(&key, PYOSSL_PEM, file->data, file->len, &secret);

    oom_check((status == PYOSSL_OK) == (key != NULL));
    pyossl_pkey_unref(key);
    return status;
}

static void test_out_of_memory(void **state)
{
    pyossl_buf plain = keys_read(DATA("ec.pem")), encrypted = keys_read(DATA("ec-des3.pem"));
    const oom_scenario scenarios[] = {
        { .name = "plain key", .run = load_once, .arg = &plain, .any_error = 1, .theirs = 8 },
        { .name = "encrypted", .run = load_once, .arg = &encrypted, .any_error = 1, .theirs = 8 },
    };

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(scenarios); i++)
        assert_int_equal(oom_sweep(&scenarios[i]), 0);
    pyossl_buf_clear(&plain);
    pyossl_buf_clear(&encrypted);
}

/* cmocka's assertions belong to the main thread: count what is wrong. */
static void *load_many(void *arg)
{
    static const char *const paths[] = { DATA("rsa.pem"), DATA("ec.pem"), DATA("ed25519.pem"),
                                         DATA("rsa-public.pem") };
    size_t *wrong = arg;

    for (int i = 0; i < 200; i++) {
        const char *path = paths[i % 4];
        pyossl_buf buf = PYOSSL_BUF_INIT;
        pyossl_pkey *key = NULL;
        pyossl_status status = osl_file_read(path, OSL_FILE_MAX, &buf);

        if (status == PYOSSL_OK)
            status = i % 4 == 3
                         ? pyossl_pkey_load_public(&key, PYOSSL_PEM, buf.data, buf.len)
                         : pyossl_pkey_load_private(&key, PYOSSL_PEM, buf.data, buf.len, NULL);
        *wrong += status != PYOSSL_OK || pyossl_digest_check("RSA-SHA512") != PYOSSL_OK;
        pyossl_pkey_unref(key);
        pyossl_buf_clear(&buf);
    }
    return NULL;
}

static void test_many_threads(void **state)
{
    pthread_t threads[8];
    size_t wrong[8] = { 0 };

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, load_many, &wrong[i]), 0);
    for (size_t i = 0; i < OSL_COUNT_OF(threads); i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(wrong[i], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_173_without_the_legacy_provider),
        cmocka_unit_test(test_loads_every_encoding),
        cmocka_unit_test(test_na_056_asks_once_and_only_where_it_must),
        cmocka_unit_test(test_na_057_never_prompts),
        cmocka_unit_test(test_wrong_passphrases),
        cmocka_unit_test(test_na_056_callbacks_that_misbehave),
        cmocka_unit_test(test_na_056_callback_that_loads_a_key),
        cmocka_unit_test(test_what_is_no_private_key),
        cmocka_unit_test(test_what_is_no_public_key),
        cmocka_unit_test(test_damaged_keys),
        cmocka_unit_test(test_writes_what_openssl_writes),
        cmocka_unit_test(test_encrypted_and_back),
        cmocka_unit_test(test_na_056_passphrases_of_every_length_with_nul),
        cmocka_unit_test(test_na_141_never_writes_plaintext_instead),
        cmocka_unit_test(test_public_halves),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_na_142_other_formats),
        cmocka_unit_test(test_many_threads),
        cmocka_unit_test(test_out_of_memory),
    };

    oom_install();
    assert_ok(osl_init()); /* before an assertion looks at the queue, which sets OpenSSL up too */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
