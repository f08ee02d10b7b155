/* A line of base64, against OpenSSL's. */
#include "test.h"

#include "crypto/crypto.h"

#include <openssl/evp.h>

#define ALPHABET "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

_Static_assert(sizeof ALPHABET - 1 == OSL_BASE64_CHARS, "each character once is a line");

/* Bytes that look like anything, the same in each run. */
static void fill(unsigned char *out, size_t len, uint32_t seed)
{
    for (size_t i = 0; i < len; i++) {
        seed = seed * 1664525 + 1013904223;
        out[i] = (unsigned char)(seed >> 24);
    }
}

static void test_there_and_back(void **state)
{
    unsigned char bytes[OSL_BASE64_BYTES], back[OSL_BASE64_BYTES];
    char line[OSL_BASE64_CHARS];
    unsigned char expected[OSL_BASE64_CHARS + 1];
    osl_sextets room;

    (void)state;
    for (uint32_t seed = 0; seed < 2000; seed++) {
        fill(bytes, sizeof bytes, seed);
        assert_int_equal(EVP_EncodeBlock(expected, bytes, sizeof bytes), OSL_BASE64_CHARS);
        osl_base64_encode(line, bytes, &room);
        assert_memory_equal(line, expected, sizeof line);
        assert_true(osl_base64_decode(back, line, &room));
        assert_memory_equal(back, bytes, sizeof bytes);
    }
}

/* Every byte in every place: the 64 characters are decoded, the others make the line a bad one. */
static void test_every_byte_in_every_place(void **state)
{
    unsigned char out[OSL_BASE64_BYTES], expected[OSL_BASE64_BYTES];
    const unsigned char untouched[OSL_BASE64_BYTES] = { 0 };
    char line[OSL_BASE64_CHARS];
    osl_sextets room;

    (void)state;
    memcpy(line, ALPHABET, sizeof line);
    for (size_t place = 0; place < sizeof line; place++) {
        for (int byte = 0; byte < 256; byte++) {
            const bool good = byte != 0 && strchr(ALPHABET, byte) != NULL;

            line[place] = (char)byte;
            memset(out, 0, sizeof out);
            assert_int_equal(osl_base64_decode(out, line, &room), good);
            if (good)
                EVP_DecodeBlock(expected, (const unsigned char *)line, sizeof line);
            assert_memory_equal(out, good ? expected : untouched, sizeof out);
        }
        line[place] = ALPHABET[place];
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_every_byte_in_every_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
