#include "test.h"

#include <stdio.h>
#include <stdlib.h>

#include "crypto/crypto.h"

/* ---- helpers ---- */

static pyossl_buf read_data(const char *path)
{
    pyossl_buf buf = PYOSSL_BUF_INIT;

    assert_ok(osl_file_read(path, OSL_FILE_MAX, &buf));
    return buf;
}

static pyossl_passphrase literal(const char *text)
{
    return (pyossl_passphrase){ .data = text, .len = strlen(text) };
}

typedef struct asked {
    int times;
    int confirm;
    pyossl_answer answer;
    const char *text;
    size_t len; /* what is claimed, whatever text is */
} asked;

static pyossl_answer ask(char *buf, size_t cap, size_t *len, int confirm, void *userdata)
{
    asked *how = userdata;

    assert_int_equal(cap, PYOSSL_PASSPHRASE_MAX);
    how->times++;
    how->confirm = confirm;
    if (how->text != NULL)
        memcpy(buf, how->text, how->len <= cap ? how->len : 0);
    *len = how->len;
    return how->answer;
}

static pyossl_passphrase asking(asked *how)
{
    return (pyossl_passphrase){ .callback = ask, .userdata = how };
}

static pyossl_status load_file(pyossl_pkey **out, const char *path, const char *passphrase)
{
    pyossl_buf buf = read_data(path);
    const pyossl_passphrase given = literal(passphrase != NULL ? passphrase : "");
    const size_t len = strlen(path);
    const pyossl_format format = strcmp(path + len - 4, ".der") == 0 ? PYOSSL_DER : PYOSSL_PEM;
    const pyossl_status status = pyossl_pkey_load_private(out, format, buf.data, buf.len,
                                                          passphrase != NULL ? &given : NULL);

    pyossl_buf_clear(&buf);
    return status;
}

static pyossl_pkey *load_good(const char *path)
{
    pyossl_pkey *key = NULL;

    assert_ok(load_file(&key, path, "secret"));
    return key;
}

static pyossl_pkey *generate(int type, int bits)
{
    pyossl_pkey *key = NULL;

    assert_ok(pyossl_pkey_generate(&key, type, bits));
    return key;
}

/* ---- loading ---- */

static const struct {
    const char *file;
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

static void test_loads_every_encoding(void **state)
{
    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(files); i++) {
        pyossl_pkey *key = NULL;

        if (files[i].legacy && !osl_legacy_load())
            continue;
        print_message("# %s\n", files[i].file);
        assert_ok(load_file(&key, files[i].file, files[i].encrypted ? "secret" : NULL));
        assert_int_equal(pyossl_pkey_type(key), files[i].type);
        assert_int_equal(pyossl_pkey_bits(key), files[i].bits);
        assert_int_equal(pyossl_pkey_is_private(key), 1);
        pyossl_pkey_unref(key);
    }
}
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loads_every_encoding),
    };

    assert_ok(osl_init()); /* before assertions look at the queue, which sets OpenSSL up too */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
