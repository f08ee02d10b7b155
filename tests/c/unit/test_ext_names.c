/* General names in number. */
#include "test.h"

#include <time.h>

#include "crypto/crypto.h"

/* Names are decoded once: those of a whole list must not cost its square. */
static void test_na_204_many_names_one_after_the_other(void **state)
{
    enum { NAMES = 20000, EACH = 3 };
    static unsigned char der[4 + NAMES * EACH];
    pyossl_ext *ext = NULL;
    pyossl_buf value = PYOSSL_BUF_INIT;
    clock_t begin = clock();
    size_t count = 0;
    int type = 0;

    (void)state;
    der[0] = 0x30;
    der[1] = 0x82;
    der[2] = (NAMES * EACH) >> 8;
    der[3] = (NAMES * EACH) & 0xff;
    for (size_t i = 0; i < NAMES; i++)
        memcpy(der + 4 + i * EACH,
               "\x82\x01"
               "a",
               EACH);
    assert_ok(pyossl_ext_new_der(&ext, "subjectAltName", 0, der, sizeof der));
    while (pyossl_ext_general_name_at(ext, count, &type, &value) == PYOSSL_OK)
        count++;
    assert_int_equal(count, NAMES);
    assert_int_equal(type, GEN_DNS);
    /* All of them decoded for each took a minute and more. */
    assert_true((double)(clock() - begin) / CLOCKS_PER_SEC < 10);
    pyossl_ext_unref(ext);
    pyossl_buf_clear(&value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_204_many_names_one_after_the_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
