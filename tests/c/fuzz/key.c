/* Keys: private and public, plain and encrypted; what loads is written and loads again. */
#include "fuzz.h"

static void round_trip(const pyossl_pkey *key)
{
    pyossl_buf out = PYOSSL_BUF_INIT;
    pyossl_pkey *again = NULL;

    if (checked(pyossl_pkey_dump_private(key, PYOSSL_PEM, NULL, NULL, &out)) == PYOSSL_OK) {
        if (checked(pyossl_pkey_load_private(&again, PYOSSL_PEM, out.data, out.len, NULL)) ==
            PYOSSL_OK) {
            (void)pyossl_pkey_equal(key, again);
            pyossl_pkey_unref(again);
        }
        pyossl_buf_clear(&out);
    }
    if (checked(pyossl_pkey_dump_public(key, PYOSSL_DER, &out)) == PYOSSL_OK)
        pyossl_buf_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const pyossl_passphrase passphrase = { .data = "secret", .len = 6 };
    const pyossl_format format = guess_format(data, len);
    pyossl_pkey *key = NULL;

    if (checked(pyossl_pkey_load_private(&key, format, data, len,
                                         format == PYOSSL_PEM ? &passphrase : NULL)) == PYOSSL_OK) {
        CHECK(pyossl_pkey_is_private(key));
        (void)pyossl_pkey_type(key);
        /* A key of 16384 bits takes seconds to work with, and tells nothing more. */
        if (pyossl_pkey_bits(key) <= 4096)
            round_trip(key);
        pyossl_pkey_unref(key);
    }
    key = NULL;
    if (checked(pyossl_pkey_load_public(&key, format, data, len)) == PYOSSL_OK) {
        CHECK(!pyossl_pkey_is_private(key));
        (void)pyossl_pkey_bits(key);
        pyossl_pkey_unref(key);
    }
    return 0;
}
