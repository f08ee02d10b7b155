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

/* The length of the element at @data with its header, 0 if it does not fit into @len. */
static size_t element(const uint8_t *data, size_t len, size_t *header)
{
    size_t body = 0;

    if (len < 2)
        return 0;
    *header = 2;
    if (data[1] < 0x80) {
        body = data[1];
    } else {
        const size_t count = data[1] & 0x7fu;

        if (count == 0 || count > 3 || count + 2 > len)
            return 0;
        for (size_t i = 0; i < count; i++)
            body = body << 8 | data[2 + i];
        *header += count;
    }
    return body <= len - *header ? *header + body : 0;
}

/* Whether the elements within the outermost one fill it: every decoder refuses the rest. */
static int well_formed(const uint8_t *data, size_t len)
{
    size_t at, end, header, step;

    end = element(data, len, &at);
    if (end == 0)
        return 0;
    while (at < end) {
        step = element(data + at, end - at, &header);
        if (step == 0)
            return 0;
        at += step;
    }
    return 1;
}

static void load_private(const uint8_t *data, size_t len)
{
    const pyossl_passphrase passphrase = { .data = "secret", .len = 6 };
    const pyossl_format format = guess_format(data, len);
    pyossl_pkey *key = NULL;

    if (checked(pyossl_pkey_load_private(&key, format, data, len, &passphrase)) != PYOSSL_OK) {
        CHECK(key == NULL);
        return;
    }
    CHECK(pyossl_pkey_is_private(key));
    (void)pyossl_pkey_type(key);
    /* A key of 16384 bits takes seconds to work with, and tells nothing more. */
    if (pyossl_pkey_bits(key) <= 4096 && chosen(data, len, 16))
        round_trip(key);
    pyossl_pkey_unref(key);
}

static void load_public(const uint8_t *data, size_t len)
{
    pyossl_pkey *key = NULL;

    if (checked(pyossl_pkey_load_public(&key, guess_format(data, len), data, len)) != PYOSSL_OK) {
        CHECK(key == NULL);
        return;
    }
    CHECK(!pyossl_pkey_is_private(key));
    (void)pyossl_pkey_bits(key);
    pyossl_pkey_unref(key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (derives_long(data, len) && !chosen(data, len, 64))
        return 0;
    /* OpenSSL looks through all its decoders before it refuses what is none of theirs. */
    if (guess_format(data, len) == PYOSSL_DER && !well_formed(data, len) && !chosen(data, len, 16))
        return 0;
    load_private(data, len);
    if (chosen(data, len, 4))
        load_public(data, len);
    return 0;
}
