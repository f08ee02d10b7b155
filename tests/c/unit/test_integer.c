#include "test.h"

#include <stdlib.h>

#include "crypto/crypto.h"

/* What goes in, what comes out, and the DER in between. */
static const struct {
    const char *in, *out;
    const unsigned char der[24];
    size_t der_len; /* 0: not looked at */
} goods[] = {
    { "0", "00", { 2, 1, 0 }, 3 },
    { "00", "00", { 2, 1, 0 }, 3 },
    { "-0", "00", { 2, 1, 0 }, 3 },
    { "1", "01", { 2, 1, 1 }, 3 },
    { "-1", "-01", { 2, 1, 0xff }, 3 },
    { "7f", "7F", { 2, 1, 0x7f }, 3 },
    { "80", "80", { 2, 2, 0, 0x80 }, 4 },
    { "-80", "-80", { 2, 1, 0x80 }, 3 },
    { "-81", "-81", { 2, 2, 0xff, 0x7f }, 4 },
    { "000003ab", "03AB", { 2, 2, 3, 0xab }, 4 },
    { "fFfFfFfFfFfFfFfF",
      "FFFFFFFFFFFFFFFF",
      { 2, 9, 0, 255, 255, 255, 255, 255, 255, 255, 255 },
      11 },
    { "10000000000000000", "010000000000000000", { 2, 9, 1 }, 11 }, /* 2^64 */
    { "100000000000000000000000000000001", "0100000000000000000000000000000001", { 0 }, 0 },
    /* -2^159 and 2^159: the first fills 20 octets, the second needs 21. */
    { "-8000000000000000000000000000000000000000",
      "-8000000000000000000000000000000000000000",
      { 2, 20, 0x80 },
      22 },
    { "8000000000000000000000000000000000000000",
      "8000000000000000000000000000000000000000",
      { 2, 21, 0, 0x80 },
      23 },
};

static void test_na_125_serial_numbers_there_and_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(goods); i++) {
        osl_auto(ASN1_INTEGER) *number = NULL, *decoded = NULL;
        osl_auto_buf hex = PYOSSL_BUF_INIT;
        unsigned char *der = NULL;
        const unsigned char *at;
        int len;

        assert_ok(osl_integer_parse(&number, goods[i].in, false));
        assert_ok(osl_integer_hex(number, &hex));
        assert_buf_text(hex, goods[i].out);
        assert_int_equal(hex.len, strlen(goods[i].out));

        len = i2d_ASN1_INTEGER(number, &der);
        assert_true(len > 0);
        if (goods[i].der_len != 0) {
            assert_int_equal(len, goods[i].der_len);
            assert_memory_equal(der, goods[i].der, goods[i].der_len);
        }
        at = der;
        decoded = d2i_ASN1_INTEGER(NULL, &at, len);
        assert_non_null(decoded);
        assert_ok(osl_integer_hex(decoded, &hex));
        assert_buf_text(hex, goods[i].out);
        OPENSSL_free(der);
    }
}

/* 2^1000, and a number as large as a file. */
static void test_na_125_large_numbers(void **state)
{
    static const size_t digits[] = { 251, 100001 };

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(digits); i++) {
        osl_auto(ASN1_INTEGER) *number = NULL;
        osl_auto_buf hex = PYOSSL_BUF_INIT;
        char *in = malloc(digits[i] + 1);

        memset(in, '0', digits[i]);
        in[0] = '1';
        in[digits[i]] = '\0';
        assert_ok(osl_integer_parse(&number, in, false));
        assert_ok(osl_integer_hex(number, &hex));
        assert_int_equal(hex.len, digits[i] + 1); /* an odd number of digits became even */
        assert_memory_equal(hex.data, "01000", 5);
        free(in);
    }
}

static void test_what_is_not_a_number(void **state)
{
    static const char *const bads[] = { "",  "-",  "--1", "+1",  " 1", "1 ",       "0x1",
                                        "g", "1g", "1-",  "1.0", "-g", "\xc3\xa9", "1\n" };
    ASN1_INTEGER *untouched = NULL;

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(bads); i++)
        assert_fails(osl_integer_parse(&untouched, bads[i], false), PYOSSL_E_ARGUMENT);
    assert_null(untouched);
}

static void test_lenient_reads_up_to_the_first_other_byte(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = { { "31ppp", "31" }, { "-1x", "-01" }, { "0x12", "00" }, { "3ab", "03AB" } };
    ASN1_INTEGER *untouched = NULL;

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(cases); i++) {
        osl_auto(ASN1_INTEGER) *number = NULL;
        osl_auto_buf hex = PYOSSL_BUF_INIT;

        assert_ok(osl_integer_parse(&number, cases[i].in, true));
        assert_ok(osl_integer_hex(number, &hex));
        assert_buf_text(hex, cases[i].out);
    }
    assert_fails(osl_integer_parse(&untouched, "zebra", true), PYOSSL_E_ARGUMENT);
    assert_fails(osl_integer_parse(&untouched, "", true), PYOSSL_E_ARGUMENT);
    assert_null(untouched);
}

/* An ASN1_INTEGER that was never set. */
static void test_fresh_integer_is_zero(void **state)
{
    osl_auto(ASN1_INTEGER) *fresh = ASN1_INTEGER_new();
    osl_auto_buf hex = PYOSSL_BUF_INIT;

    (void)state;
    assert_ok(osl_integer_hex(fresh, &hex));
    assert_buf_text(hex, "00");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_125_serial_numbers_there_and_back),
        cmocka_unit_test(test_na_125_large_numbers),
        cmocka_unit_test(test_what_is_not_a_number),
        cmocka_unit_test(test_lenient_reads_up_to_the_first_other_byte),
        cmocka_unit_test(test_fresh_integer_is_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
