#include "test.h"

#include <stdio.h>
#include <time.h>

#include "crypto/crypto.h"

/* What is stored, what the getter tells, and the seconds since 1970. */
typedef struct good {
    const char *when;
    int type;
    const char *stored;
    const char *text;
    int64_t epoch;
} good;

#define UTC V_ASN1_UTCTIME
#define GEN V_ASN1_GENERALIZEDTIME

static const good goods[] = {
    /* RFC 5280 wants UTCTime from 1950 to 2049, and GeneralizedTime on both sides of it. */
    { "20300101000000Z", UTC, "300101000000Z", "20300101000000Z", 1893456000 },
    { "19491231235959Z", GEN, "19491231235959Z", "19491231235959Z", -631152001 },
    { "19500101000000Z", UTC, "500101000000Z", "19500101000000Z", -631152000 },
    { "19691231235959Z", UTC, "691231235959Z", "19691231235959Z", -1 },
    { "19700101000000Z", UTC, "700101000000Z", "19700101000000Z", 0 },
    { "20380119031407Z", UTC, "380119031407Z", "20380119031407Z", 2147483647 },
    { "20380119031408Z", UTC, "380119031408Z", "20380119031408Z", 2147483648 },
    { "20491231235959Z", UTC, "491231235959Z", "20491231235959Z", 2524607999 },
    { "20500101000000Z", GEN, "20500101000000Z", "20500101000000Z", 2524608000 },
    { "99991231235959Z", GEN, "99991231235959Z", "99991231235959Z", 253402300799 },
    { "00000101000000Z", GEN, "00000101000000Z", "00000101000000Z", -62167219200 },
    { "00000229000000Z", GEN, "00000229000000Z", "00000229000000Z", -62162121600 },
    /* Two digits for the year. */
    { "500101000000Z", UTC, "500101000000Z", "19500101000000Z", -631152000 },
    { "491231235959Z", UTC, "491231235959Z", "20491231235959Z", 2524607999 },
    { "0402030405Z", UTC, "040203040500Z", "20040203040500Z", 1075781100 },
    { "040203040506+0530", UTC, "040202223506Z", "20040202223506Z", 1075761306 },
    { "040203040506-0115", UTC, "040203052006Z", "20040203052006Z", 1075785606 },
    { "500101000000+0001", GEN, "19491231235900Z", "19491231235900Z", -631152060 },
    { "491231235959-0001", GEN, "20500101000059Z", "20500101000059Z", 2524608059 },
    /* Read as UTCTime first: this is 2020-04-02, not the year 2004. */
    { "200402030405Z", UTC, "200402030405Z", "20200402030405Z", 1585796645 },
    /* Offsets, fractions and missing seconds come back as they went in. */
    { "20040203040506+0530", GEN, "20040203040506+0530", "20040203040506+0530", 1075761306 },
    { "20040203040506-0115", GEN, "20040203040506-0115", "20040203040506-0115", 1075785606 },
    { "20040203040506.5Z", GEN, "20040203040506.5Z", "20040203040506.5Z", 1075781106 },
    { "20040203040506.123456789012+1200", GEN, "20040203040506.123456789012+1200",
      "20040203040506.123456789012+1200", 1075737906 },
    { "199912312359Z", GEN, "199912312359Z", "199912312359Z", 946684740 },
    { "20000229120000Z", UTC, "000229120000Z", "20000229120000Z", 951825600 },
    { "21000228000000Z", GEN, "21000228000000Z", "21000228000000Z", 4107456000 },
};

/* Only times without seconds may be none: from 3.5 on OpenSSL wants them where the rest is short.
 */
static bool is_short(const char *when)
{
    const size_t digits = strspn(when, "0123456789");

    return when[digits] == 'Z' && (digits == 10 || digits == 12) && strlen(when) == digits + 1;
}

static bool is_time_for_openssl(const char *when)
{
    const bool is_time = ASN1_TIME_set_string(NULL, when) == 1;

    ERR_clear_error();
    return is_time;
}

static void test_na_121_na_122_what_is_stored_and_read_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(goods); i++) {
        const good *g = &goods[i];
        osl_auto(ASN1_TIME) *time = NULL;
        osl_auto_buf text = PYOSSL_BUF_INIT;
        int64_t epoch;

        print_message("# %s\n", g->when);
        if (!is_time_for_openssl(g->when)) {
            assert_true(is_short(g->when));
            assert_fails(osl_time_parse(&time, g->when, strlen(g->when)), PYOSSL_E_ARGUMENT);
            assert_null(time);
            continue;
        }
        assert_ok(osl_time_parse(&time, g->when, strlen(g->when)));
        assert_int_equal(ASN1_STRING_type(time), g->type);
        assert_int_equal(ASN1_STRING_length(time), strlen(g->stored));
        assert_memory_equal(ASN1_STRING_get0_data(time), g->stored, strlen(g->stored));
        assert_ok(osl_time_text(time, &text));
        assert_buf_text(text, g->text);
        assert_int_equal(text.len, strlen(g->text));
        assert_ok(osl_time_epoch(time, &epoch));
        assert_true(epoch == g->epoch);
    }
}

static const char *const bads[] = {
    "",
    "Z",
    "foo bar",
    "20040203040506", /* no zone */
    "20040203040506z",
    "20040203040506ZZ",
    "20040203040506Z ",
    " 20040203040506Z",
    "20041303040506Z", /* month 13 */
    "20040003040506Z",
    "20040200040506Z",
    "20040230040506Z", /* 30 February */
    "20010229040506Z", /* not a leap year */
    "21000229000000Z",
    "20040431000000Z",
    "20040203240000Z", /* hour 24 */
    "20040203046006Z",
    "20161231235960Z", /* a leap second */
    "20040203040506+",
    "20040203040506+05",
    "20040203040506+053",
    "20040203040506+05300",
    "20040203040506+1300", /* OpenSSL cannot read that back */
    "20040203040506+0560",
    "20040203040506*0500",
    "20040203040506.Z",
    "20040203040506.5",
    "20040203040506,5Z",
    "040203040506.5Z", /* no fractions in UTCTime */
    "2004020304Z5",
    "00000000000000Z",
    "100000101000000Z", /* year 10000 */
    "12345678901234567Z",
    "-0040203040506Z",
    "00000101000000+0001", /* in UTC, the year before 0 */
    "99991231235959-0001", /* and the year 10000 */
    "2004020304050 Z",
    "+20040203040506Z",
};

static void test_na_123_what_is_not_a_time(void **state)
{
    ASN1_TIME *untouched = (ASN1_TIME *)&state;

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(bads); i++) {
        print_message("# %s\n", bads[i]);
        assert_fails(osl_time_parse(&untouched, bads[i], strlen(bads[i])), PYOSSL_E_ARGUMENT);
    }
    assert_fails(osl_time_parse(&untouched, "20040203040506Z\0", 16), PYOSSL_E_ARGUMENT);
    assert_fails(osl_time_parse(&untouched, "2004020\00040506Z", 15), PYOSSL_E_ARGUMENT);
    assert_fails(osl_time_parse(&untouched, NULL, 0), PYOSSL_E_ARGUMENT);
    assert_ptr_equal(untouched, &state);
}

/* Every prefix of a good time is not a time, and nothing behind it is read. */
static void test_na_123_truncated_times(void **state)
{
    static const char whole[] = "20040203040506.25+0530";
    ASN1_TIME *untouched = NULL;

    (void)state;
    for (size_t len = 0; len < sizeof whole - 1; len++) {
        char *exact = osl_memdup(whole, len);

        assert_fails(osl_time_parse(&untouched, exact, len), PYOSSL_E_ARGUMENT);
        OPENSSL_free(exact);
    }
    assert_null(untouched);
}

static uint32_t seed = 20240229;

static uint32_t random_below(uint32_t limit)
{
    seed = seed * 1664525 + 1013904223;
    return (uint32_t)(((uint64_t)seed * limit) >> 32);
}

/* We accept what OpenSSL accepts, and tell the same time. */
static void test_parser_agrees_with_openssl(void **state)
{
    static const char alphabet[] = "0123456789+-.Zz ";
    int accepted = 0;

    (void)state;
    for (int i = 0; i < 200000; i++) {
        osl_auto(ASN1_TIME) *ours = NULL, *theirs = ASN1_TIME_new();
        char text[40];
        struct tm tm;
        bool is_time;
        size_t len;

        snprintf(text, sizeof text, "%s", goods[random_below(OSL_COUNT_OF(goods))].when);
        len = strlen(text);
        for (uint32_t changes = random_below(3); changes > 0; changes--)
            text[random_below((uint32_t)len)] = alphabet[random_below(sizeof alphabet - 1)];
        text[len - random_below(2)] = '\0';

        is_time = ASN1_TIME_set_string(theirs, text) == 1;
        ERR_clear_error();
        /* OpenSSL does not count with offsets before 1900, nor over the ends of the calendar. */
        if (is_time && ASN1_TIME_to_tm(theirs, &tm) != 1)
            continue;
        if ((osl_time_parse(&ours, text, strlen(text)) == PYOSSL_OK) != is_time)
            fail_msg("%s: OpenSSL says %d", text, is_time);
        if (is_time) {
            int64_t epoch;

            accepted++;
            assert_ok(osl_time_epoch(ours, &epoch));
            assert_true(epoch == (int64_t)timegm(&tm));
            assert_ok(osl_time_epoch(theirs, &epoch));
            assert_true(epoch == (int64_t)timegm(&tm));
        }
    }
    assert_true(accepted > 10000);
}

/* The calendar there and back, against the C library's. */
static void test_calendar(void **state)
{
    (void)state;
    for (int64_t epoch = -62167219200; epoch <= 253402300799; epoch += 5432101) {
        const time_t seconds = (time_t)epoch;
        osl_auto(ASN1_TIME) *time = NULL;
        struct tm tm;
        char text[64];
        int64_t back;

        assert_non_null(gmtime_r(&seconds, &tm));
        snprintf(text, sizeof text, "%04d%02d%02d%02d%02d%02dZ", tm.tm_year + 1900, tm.tm_mon + 1,
                 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        assert_ok(osl_time_parse(&time, text, strlen(text)));
        assert_ok(osl_time_epoch(time, &back));
        assert_true(back == epoch);
    }
}

static void test_na_006_from_now(void **state)
{
    static const int64_t steps[] = { 0, 1, -1, 86400, -86400, 100 * 365 * (int64_t)86400 };
    static const int64_t too_far[] = { 8000 * 366 * (int64_t)86400, -2100 * 366 * (int64_t)86400,
                                       (int64_t)1 << 62, INT64_MAX, INT64_MIN };
    ASN1_TIME *untouched = NULL;

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(steps); i++) {
        osl_auto(ASN1_TIME) *made = NULL;
        const int64_t before = time(NULL) + steps[i];
        int64_t epoch;

        assert_ok(osl_time_from_now(&made, steps[i]));
        assert_ok(osl_time_epoch(made, &epoch));
        assert_true(epoch >= before && epoch <= before + 5);
        assert_int_equal(ASN1_STRING_type(made), steps[i] > 86400 ? GEN : UTC);
    }
    for (size_t i = 0; i < OSL_COUNT_OF(too_far); i++)
        assert_fails(osl_time_from_now(&untouched, too_far[i]), PYOSSL_E_ARGUMENT);
    assert_null(untouched);
}

/* As a certificate may bring it: any bytes under either tag. */
static void test_na_122_decoded_times(void **state)
{
    static const struct {
        int type;
        const char *stored;
        pyossl_status text, epoch;
        const char *expected;
    } cases[] = {
        { UTC, "", PYOSSL_E_NOT_FOUND, PYOSSL_E_NOT_FOUND, "" },
        { GEN, "", PYOSSL_E_NOT_FOUND, PYOSSL_E_NOT_FOUND, "" },
        { UTC, "0402030405Z", PYOSSL_OK, PYOSSL_OK, "20040203040500Z" },
        { UTC, "040203040506+0530", PYOSSL_OK, PYOSSL_OK, "20040202223506Z" },
        { UTC, "20040203040506Z", PYOSSL_E_FORMAT, PYOSSL_E_FORMAT, "" },
        { UTC, "rubbish", PYOSSL_E_FORMAT, PYOSSL_E_FORMAT, "" },
        { GEN, "rubbish", PYOSSL_OK, PYOSSL_E_FORMAT, "rubbish" },
        { GEN, "0402030405Z", PYOSSL_OK, PYOSSL_E_FORMAT, "0402030405Z" },
        { GEN, "20040203040506", PYOSSL_OK, PYOSSL_E_FORMAT, "20040203040506" },
    };

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(cases); i++) {
        osl_auto(ASN1_TIME) *time = ASN1_STRING_type_new(cases[i].type);
        osl_auto_buf text = PYOSSL_BUF_INIT;
        int64_t epoch = 12345;

        assert_int_equal(ASN1_STRING_set(time, cases[i].stored, -1), 1);
        assert_status(osl_time_text(time, &text), cases[i].text);
        if (cases[i].text == PYOSSL_OK)
            assert_buf_text(text, cases[i].expected);
        else
            assert_null(text.data);
        assert_status(osl_time_epoch(time, &epoch), cases[i].epoch);
        if (cases[i].epoch != PYOSSL_OK)
            assert_true(epoch == 12345);
    }
}

static void test_unset_time(void **state)
{
    osl_auto(ASN1_TIME) *blank = ASN1_TIME_new();
    pyossl_buf text = PYOSSL_BUF_INIT;
    int64_t epoch;

    (void)state;
    assert_fails(osl_time_text(NULL, &text), PYOSSL_E_NOT_FOUND);
    assert_fails(osl_time_epoch(NULL, &epoch), PYOSSL_E_NOT_FOUND);
    assert_fails(osl_time_text(blank, &text), PYOSSL_E_NOT_FOUND);
    assert_fails(osl_time_epoch(blank, &epoch), PYOSSL_E_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_121_na_122_what_is_stored_and_read_back),
        cmocka_unit_test(test_na_123_what_is_not_a_time),
        cmocka_unit_test(test_na_123_truncated_times),
        cmocka_unit_test(test_parser_agrees_with_openssl),
        cmocka_unit_test(test_calendar),
        cmocka_unit_test(test_na_006_from_now),
        cmocka_unit_test(test_na_122_decoded_times),
        cmocka_unit_test(test_unset_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
