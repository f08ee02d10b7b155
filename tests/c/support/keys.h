/* What the tests of keys share. */
#ifndef KEYS_H
#define KEYS_H

#include "test.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/crypto.h>

#include "pyossl/pkey.h"

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

#endif
