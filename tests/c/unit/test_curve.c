#include "test.h"

#include <openssl/ec.h>
#include <openssl/objects.h>

#include "crypto/crypto.h"

static void test_lists_what_openssl_has(void **state)
{
    const size_t count = EC_get_builtin_curves(NULL, 0);

    (void)state;
    assert_true(count > 10);
    for (size_t i = 0; i < count; i++) {
        const char *name = pyossl_curve_name(i);

        assert_non_null(name);
        assert_int_equal(pyossl_curve_nid(name), OBJ_sn2nid(name));
        for (size_t other = 0; other < i; other++)
            assert_string_not_equal(name, pyossl_curve_name(other));
    }
    assert_null(pyossl_curve_name(count));
    assert_null(pyossl_curve_name(SIZE_MAX));
    assert_int_equal(ERR_peek_error(), 0);
}

static void test_names(void **state)
{
    static const struct {
        const char *name;
        int nid;
    } rows[] = {
        { "prime256v1", NID_X9_62_prime256v1 },
        { "secp384r1", NID_secp384r1 },
        { "secp256k1", NID_secp256k1 },
        { "secp256r1", 0 }, /* what others call prime256v1 */
        { "P-256", 0 },
        { "PRIME256V1", 0 },
        { "", 0 },
        { "sha256", 0 }, /* a name, but of something else */
        { "X25519", 0 },
    };

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(rows); i++) {
        assert_int_equal(pyossl_curve_nid(rows[i].name), rows[i].nid);
        assert_int_equal(ERR_peek_error(), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists_what_openssl_has),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
