/* What the tests of keys share. */
#ifndef KEYS_H
#define KEYS_H

#include "test.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/crypto.h>

#include "pyossl/pkey.h"
#include "pyossl/version.h"

/* A whole file of the test data. */
static inline pyossl_buf keys_read(const char *path)
{
    FILE *file = fopen(path, "rb");
    pyossl_buf buf = PYOSSL_BUF_INIT;

    assert_non_null(file);
    buf.data = OPENSSL_malloc(65536);
    assert_non_null(buf.data);
    buf.len = fread(buf.data, 1, 65535, file);
    buf.data[buf.len] = '\0';
    assert_true(buf.len > 0);
    fclose(file);
    return buf;
}

static inline pyossl_passphrase keys_passphrase(const char *text)
{
    return (pyossl_passphrase){ .data = text, .len = text != NULL ? strlen(text) : 0 };
}

static inline pyossl_format keys_format(const char *path)
{
    return strcmp(path + strlen(path) - 4, ".der") == 0 ? PYOSSL_DER : PYOSSL_PEM;
}

static inline pyossl_status keys_load(pyossl_pkey **out, const char *path,
                                      const pyossl_passphrase *passphrase)
{
    pyossl_buf buf = keys_read(path);
    const pyossl_status status =
        pyossl_pkey_load_private(out, keys_format(path), buf.data, buf.len, passphrase);

    pyossl_buf_clear(&buf);
    return status;
}

/* A key of the test data, which must be good. */
static inline pyossl_pkey *keys_good(const char *path)
{
    const pyossl_passphrase secret = keys_passphrase("secret");
    pyossl_pkey *key = NULL;

    assert_ok(keys_load(&key, path, &secret));
    return key;
}

static inline pyossl_pkey *keys_new(int type, int bits)
{
    pyossl_pkey *key = NULL;

    assert_ok(pyossl_pkey_generate(&key, type, bits));
    return key;
}

/* The public half alone. */
static inline pyossl_pkey *keys_public(const pyossl_pkey *key)
{
    pyossl_buf buf = PYOSSL_BUF_INIT;
    pyossl_pkey *half = NULL;

    assert_ok(pyossl_pkey_dump_public(key, PYOSSL_DER, &buf));
    assert_ok(pyossl_pkey_load_public(&half, PYOSSL_DER, buf.data, buf.len));
    pyossl_buf_clear(&buf);
    return half;
}

/* Every private key of the test data; "secret" is the passphrase. */
static const struct {
    const char *path;
    int type;
    int bits;
    bool encrypted;
    bool legacy; /* needs the legacy provider */
} keys_files[] = {
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

#define KEYS_FILES (sizeof keys_files / sizeof keys_files[0])

static inline bool keys_usable(size_t i)
{
    return !keys_files[i].legacy || pyossl_has(PYOSSL_FEATURE_LEGACY) == 1;
}

/* The two ways to write an encrypted key. */
typedef pyossl_status keys_dump_fn(const pyossl_pkey *key, const char *cipher,
                                   const pyossl_passphrase *passphrase, pyossl_buf *out);

static inline pyossl_status keys_dump_pem(const pyossl_pkey *key, const char *cipher,
                                          const pyossl_passphrase *passphrase, pyossl_buf *out)
{
    return pyossl_pkey_dump_private(key, PYOSSL_PEM, cipher, passphrase, out);
}

static keys_dump_fn *const keys_dumps[] = { keys_dump_pem, pyossl_pkey_dump_traditional };

#endif
