#include "keys.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "oom.h"

/* ---- loading ---- */

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
        for (size_t i = 0; i < KEYS_FILES; i++) {
            const pyossl_status expected = keys_files[i].legacy ? PYOSSL_E_UNSUPPORTED : PYOSSL_OK;
            const pyossl_error_entry *entry = NULL;
            bool named = !keys_files[i].legacy;

            good = good && keys_load(&key, keys_files[i].path, &secret) == expected;
            for (size_t n = 0; (entry = pyossl_error_entry_at(pyossl_error_last(), n)); n++)
                named = named || strstr(entry->reason, "legacy provider") != NULL;
            good = good && named && ERR_peek_error() == 0;
            if (!keys_files[i].legacy)
                pyossl_pkey_unref(key);
        }
        good = good && pyossl_cipher_check("blowfish") == PYOSSL_E_UNSUPPORTED;
        good = good && pyossl_digest_check("md4") == PYOSSL_E_UNSUPPORTED;
        leave(good ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_loads_every_encoding(void **state)
{
    (void)state;
    for (size_t i = 0; i < KEYS_FILES; i++) {
        const pyossl_passphrase secret = keys_passphrase("secret");
        pyossl_pkey *key = NULL;

        if (!keys_usable(i))
            continue;
        print_message("# %s\n", keys_files[i].path);
        assert_ok(keys_load(&key, keys_files[i].path, keys_files[i].encrypted ? &secret : NULL));
        assert_int_equal(pyossl_pkey_type(key), keys_files[i].type);
        assert_int_equal(pyossl_pkey_bits(key), keys_files[i].bits);
        assert_int_equal(pyossl_pkey_is_private(key), 1);
        pyossl_pkey_unref(key);
    }
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
/* @from as PEM with another label, and with the headers of an encrypted one if asked for. */
static size_t labelled(char *out, size_t cap, const char *from, const char *was, const char *label,
                       bool encrypted)
{
    pyossl_buf buf = keys_read(from);
    char begins[64], ends[64];
    const char *body, *end;
    int len;

    snprintf(begins, sizeof begins, "-----BEGIN %s-----\n", was);
    snprintf(ends, sizeof ends, "-----END %s-----", was);
    body = strstr((const char *)buf.data, begins);
    end = strstr((const char *)buf.data, ends);
    assert_true(body != NULL && end != NULL);
    body += strlen(begins);
    len = snprintf(out, cap, "-----BEGIN %s-----\n%s%.*s-----END %s-----\n", label,
                   encrypted ? "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,"
                               "000102030405060708090A0B0C0D0E0F\n\n"
                             : "",
                   (int)(end - body), body, label);
    assert_true(len > 0 && (size_t)len < cap);
    pyossl_buf_clear(&buf);
    return (size_t)len;
}

static void test_labels_that_say_something_else(void **state)
{
    static const struct {
        const char *path, *was, *label;
        bool encrypted;
    } publics[] = {
        { DATA("rsa-public.pem"), "PUBLIC KEY", "PUBLIC KEY", true },
        { DATA("rsa-public.pem"), "PUBLIC KEY", "RSA PUBLIC KEY", true },
        { DATA("ec-public.pem"), "PUBLIC KEY", "RSA PUBLIC KEY", false },
    };
    char text[4096];
    pyossl_pkey *key = NULL;
    size_t len;

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(publics); i++) {
        len = labelled(text, sizeof text, publics[i].path, publics[i].was, publics[i].label,
                       publics[i].encrypted);
        assert_fails(pyossl_pkey_load_public(&key, PYOSSL_PEM, text, len), PYOSSL_E_FORMAT);
        assert_null(key);
    }
    len = labelled(text, sizeof text, DATA("ec.pem"), "PRIVATE KEY", "PRIVATE KEY", true);
    assert_fails(pyossl_pkey_load_private(&key, PYOSSL_PEM, text, len, NULL), PYOSSL_E_FORMAT);
    assert_null(key);
}

static void test_damaged_keys(void **state)
{
    const pyossl_passphrase secret = keys_passphrase("secret");

    (void)state;
    for (size_t i = 0; i < KEYS_FILES; i++) {
        pyossl_buf buf = keys_read(keys_files[i].path);
        const pyossl_format format = keys_format(keys_files[i].path);
        /* Deriving keys and computing DSA's public half take their time: fewer points there. */
        const size_t step =
            keys_files[i].encrypted || keys_files[i].type == PYOSSL_KEY_DSA ? 41 : 5;

        for (size_t at = 0; at < buf.len && keys_usable(i); at += step) {
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
    for (size_t d = 0; d < OSL_COUNT_OF(keys_dumps); d++)
        for (size_t c = 0; c < OSL_COUNT_OF(ciphers) + OSL_COUNT_OF(legacy); c++) {
            const char *cipher =
                c < OSL_COUNT_OF(ciphers) ? ciphers[c] : legacy[c - OSL_COUNT_OF(ciphers)];
            pyossl_pkey *back = NULL, *key = keys[c % OSL_COUNT_OF(keys)];
            pyossl_buf out = PYOSSL_BUF_INIT;

            if (c >= OSL_COUNT_OF(ciphers) && !with_legacy)
                continue;
            assert_ok(keys_dumps[d](key, cipher, &secret, &out));
            assert_non_null(strstr((char *)out.data, "ENCRYPTED"));
            assert_ok(pyossl_pkey_load_private(&back, PYOSSL_PEM, out.data, out.len, &secret));
            assert_int_equal(pyossl_pkey_equal(key, back), 1);
            pyossl_pkey_unref(back);
            pyossl_buf_clear(&out);
        }
    for (size_t i = 0; i < OSL_COUNT_OF(keys); i++)
        pyossl_pkey_unref(keys[i]);
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

/* For calls that have no reason to ask. */
static pyossl_answer never(char *buf, size_t cap, size_t *len, int confirm, void *userdata)
{
    (void)buf;
    (void)cap;
    (void)len;
    (void)confirm;
    (void)userdata;
    fail_msg("%s", "asked for a passphrase");
    return PYOSSL_ANSWER_ABORT;
}

static void test_na_142_other_formats(void **state)
{
    static const int formats[] = { 0, -1, 3, 100, PYOSSL_TEXT + 1 };
    const pyossl_passphrase passphrase = { .callback = never };
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
        cmocka_unit_test(test_what_is_no_private_key),
        cmocka_unit_test(test_what_is_no_public_key),
        cmocka_unit_test(test_labels_that_say_something_else),
        cmocka_unit_test(test_damaged_keys),
        cmocka_unit_test(test_writes_what_openssl_writes),
        cmocka_unit_test(test_encrypted_and_back),
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
