#include "test.h"

#include "base/internal.h"

typedef struct row {
    pyossl_status status;
    pyossl_status_class class_;
    const char *name;
    int value;
} row;

/* Written out once more, since the values are ABI: what moves in the list must be seen here. */
static const row rows[] = {
    { PYOSSL_OK, PYOSSL_CLASS_OK, "OK", 0 },
    { PYOSSL_WANT_READ, PYOSSL_CLASS_RETRY, "WANT_READ", -1 },
    { PYOSSL_WANT_WRITE, PYOSSL_CLASS_RETRY, "WANT_WRITE", -2 },
    { PYOSSL_WANT_X509_LOOKUP, PYOSSL_CLASS_RETRY, "WANT_X509_LOOKUP", -3 },
    { PYOSSL_CLOSED, PYOSSL_CLASS_END, "CLOSED", -16 },
    { PYOSSL_TRUNCATED, PYOSSL_CLASS_END, "TRUNCATED", -17 },
    { PYOSSL_E_NOMEM, PYOSSL_CLASS_ERROR, "E_NOMEM", -32 },
    { PYOSSL_E_ARGUMENT, PYOSSL_CLASS_ERROR, "E_ARGUMENT", -33 },
    { PYOSSL_E_STATE, PYOSSL_CLASS_ERROR, "E_STATE", -34 },
    { PYOSSL_E_IN_USE, PYOSSL_CLASS_ERROR, "E_IN_USE", -35 },
    { PYOSSL_E_NOT_FOUND, PYOSSL_CLASS_ERROR, "E_NOT_FOUND", -36 },
    { PYOSSL_E_FORMAT, PYOSSL_CLASS_ERROR, "E_FORMAT", -37 },
    { PYOSSL_E_PASSPHRASE, PYOSSL_CLASS_ERROR, "E_PASSPHRASE", -38 },
    { PYOSSL_E_VERIFY, PYOSSL_CLASS_ERROR, "E_VERIFY", -39 },
    { PYOSSL_E_CALLBACK, PYOSSL_CLASS_ERROR, "E_CALLBACK", -40 },
    { PYOSSL_E_SYSTEM, PYOSSL_CLASS_ERROR, "E_SYSTEM", -41 },
    { PYOSSL_E_OPENSSL, PYOSSL_CLASS_ERROR, "E_OPENSSL", -42 },
    { PYOSSL_E_UNSUPPORTED, PYOSSL_CLASS_ERROR, "E_UNSUPPORTED", -43 },
};

static void test_values_are_abi(void **state)
{
    size_t listed = 0;

    (void)state;
#define XX(name, value, class_, text) listed++;
    PYOSSL_STATUS_MAP(XX)
#undef XX
    assert_int_equal(listed, OSL_COUNT_OF(rows));
    for (size_t i = 0; i < OSL_COUNT_OF(rows); i++)
        assert_int_equal(rows[i].status, rows[i].value);
}

static void test_name_text_and_class(void **state)
{
    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(rows); i++) {
        assert_string_equal(pyossl_status_name(rows[i].status), rows[i].name);
        assert_int_equal(pyossl_status_classify(rows[i].status), rows[i].class_);
        assert_true(strlen(pyossl_status_text(rows[i].status)) > 3);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(pyossl_status_text(rows[i].status),
                                    pyossl_status_text(rows[j].status));
    }
}

/* NA-014: what is not known is an error, never success and never a reason to wait. */
static void test_na_014_unknown_values_are_errors(void **state)
{
    static const int unknown[] = { 1, 2, -4, -15, -18, -31, -44, -1000, PYOSSL_STATUS_FORCE_INT };

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(unknown); i++) {
        const pyossl_status status = (pyossl_status)unknown[i];

        assert_int_equal(pyossl_status_classify(status), PYOSSL_CLASS_ERROR);
        assert_string_equal(pyossl_status_name(status), "UNKNOWN");
        assert_string_equal(pyossl_status_text(status), "unknown status");
    }
}

static void test_is_retry_agrees_with_the_class(void **state)
{
    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(rows); i++)
        assert_int_equal(pyossl_is_retry(rows[i].status), rows[i].class_ == PYOSSL_CLASS_RETRY);
    assert_false(pyossl_is_retry((pyossl_status)1));
}

static void test_asking_records_nothing(void **state)
{
    (void)state;
    pyossl_error_clear();
    (void)pyossl_status_name(PYOSSL_E_NOMEM);
    (void)pyossl_status_text((pyossl_status)-999);
    assert_int_equal(pyossl_error_count(pyossl_error_last()), 0);
}

/* NA-004: a number of one kind cannot pass for one of another. */
static void test_na_004_statuses_are_nobody_elses_numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(rows); i++) {
        if (rows[i].status == PYOSSL_OK)
            continue;
        assert_true(rows[i].status < 0); /* SSL_get_error() and errno are not */
        assert_int_equal(pyossl_status_classify((pyossl_status)-rows[i].status),
                         PYOSSL_CLASS_ERROR);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_are_abi),
        cmocka_unit_test(test_name_text_and_class),
        cmocka_unit_test(test_na_014_unknown_values_are_errors),
        cmocka_unit_test(test_is_retry_agrees_with_the_class),
        cmocka_unit_test(test_asking_records_nothing),
        cmocka_unit_test(test_na_004_statuses_are_nobody_elses_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
