#include "test.h"

#include "crypto/crypto.h"

static void test_numbers_and_names(void **state)
{
    osl_auto_buf dotted = PYOSSL_BUF_INIT;

    (void)state;
    assert_int_equal(pyossl_oid_nid("CN"), NID_commonName);
    assert_int_equal(pyossl_oid_nid("commonName"), NID_commonName);
    assert_int_equal(pyossl_oid_nid("2.5.4.3"), NID_commonName);
    assert_string_equal(pyossl_oid_short_name(NID_commonName), "CN");
    assert_string_equal(pyossl_oid_long_name(NID_commonName), "commonName");
    assert_ok(pyossl_oid_text(NID_commonName, &dotted));
    assert_string_equal((const char *)dotted.data, "2.5.4.3");
}

static void test_what_is_not_known(void **state)
{
    osl_auto_buf dotted = PYOSSL_BUF_INIT;

    (void)state;
    assert_int_equal(pyossl_oid_nid("no such thing"), 0);
    assert_int_equal(pyossl_oid_nid(""), 0);
    assert_int_equal(pyossl_oid_nid("1.2.3.4.5.6"), 0);
    assert_null(pyossl_oid_short_name(1000000));
    assert_null(pyossl_oid_long_name(-1));
    assert_fails(pyossl_oid_text(1000000, &dotted), PYOSSL_E_NOT_FOUND);
    assert_fails(pyossl_oid_text(0, &dotted), PYOSSL_E_NOT_FOUND);
    assert_null(dotted.data);
    assert_int_equal(ERR_peek_error(), 0);
}

static void test_new_ones(void **state)
{
    int nid = -1;

    (void)state;
    assert_ok(pyossl_oid_create("1.2.3.4.5.999", "ownTest", "own test", &nid));
    assert_int_equal(pyossl_oid_nid("ownTest"), nid);
    assert_string_equal(pyossl_oid_long_name(nid), "own test");
    nid = -1;
    assert_fails(pyossl_oid_create("1.2.3.4.5.999", "ownTest", "own test", &nid), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_oid_create("nonsense", "ownOther", "own other", &nid), PYOSSL_E_ARGUMENT);
    assert_int_equal(nid, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_and_names),
        cmocka_unit_test(test_what_is_not_known),
        cmocka_unit_test(test_new_ones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
