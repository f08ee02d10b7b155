#include "test.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/internal.h"
#include "oom.h"
#include "pyossl/callbacks.h"
#include "pyossl/version.h"

static void test_strdup_and_memdup_end_with_a_nul(void **state)
{
    char *text = osl_strdup("abc");
    unsigned char *bytes = osl_memdup("a\0b", 3), *none = osl_memdup(NULL, 0);

    (void)state;
    assert_string_equal(text, "abc");
    assert_memory_equal(bytes, "a\0b\0", 4);
    assert_int_equal(none[0], 0);
    OPENSSL_free(text);
    OPENSSL_free(bytes);
    OPENSSL_free(none);
}

static void test_memdup_refuses_what_would_overflow(void **state)
{
    pyossl_buf buf = PYOSSL_BUF_INIT;

    (void)state;
    assert_null(osl_memdup("x", SIZE_MAX));
    assert_fails(osl_buf_alloc(&buf, SIZE_MAX), PYOSSL_E_NOMEM);
    assert_null(buf.data);
}

static void test_buf_set_replaces(void **state)
{
    pyossl_buf buf = PYOSSL_BUF_INIT;

    (void)state;
    assert_ok(pyossl_buf_set(&buf, "one", 3));
    assert_ok(pyossl_buf_set(&buf, "twelve\0", 7));
    assert_int_equal(buf.len, 7);
    assert_memory_equal(buf.data, "twelve\0\0", 8);
    assert_ok(pyossl_buf_set(&buf, NULL, 0));
    assert_int_equal(buf.len, 0);
    assert_int_equal(buf.data[0], 0);
    pyossl_buf_clear(&buf);
    assert_null(buf.data);
    pyossl_buf_clear(&buf); /* again, which is allowed */
}

static void test_buf_set_takes_part_of_itself(void **state)
{
    pyossl_buf buf = PYOSSL_BUF_INIT;

    (void)state;
    assert_ok(pyossl_buf_set(&buf, "abcdef", 6));
    assert_ok(pyossl_buf_set(&buf, buf.data + 2, 3));
    assert_memory_equal(buf.data, "cde\0", 4);
    pyossl_buf_clear(&buf);
}

static void test_buf_move_leaves_nothing_behind(void **state)
{
    pyossl_buf from = PYOSSL_BUF_INIT, to = PYOSSL_BUF_INIT;

    (void)state;
    assert_ok(pyossl_buf_set(&from, "new", 3));
    assert_ok(pyossl_buf_set(&to, "old", 3));
    osl_buf_move(&to, &from);
    assert_memory_equal(to.data, "new", 4);
    assert_null(from.data);
    assert_int_equal(from.len, 0);
    pyossl_buf_clear(&to);
}

static void test_steal_empties_the_variable(void **state)
{
    osl_auto(BIO) *bio = BIO_new(BIO_s_mem());
    BIO *taken = osl_steal(bio);

    (void)state;
    assert_non_null(taken);
    assert_null(bio);
    BIO_free(taken);
}

static void test_na_149_equal_bytes(void **state)
{
    (void)state;
    assert_true(pyossl_equal_bytes("abc", 3, "abc", 3));
    assert_false(pyossl_equal_bytes("abc", 3, "abd", 3));
    assert_false(pyossl_equal_bytes("abc", 3, "abc", 2));
    assert_false(pyossl_equal_bytes("a\0b", 3, "a\0c", 3));
    assert_true(pyossl_equal_bytes(NULL, 0, NULL, 0));
    assert_true(pyossl_equal_bytes("", 0, NULL, 0));
}

static void test_na_032_lengths_that_do_not_fit(void **state)
{
    (void)state;
    assert_true(osl_len_fits(0));
    assert_true(osl_len_fits(INT_MAX));
    assert_false(osl_len_fits((size_t)INT_MAX + 1));
    assert_false(osl_len_fits(SIZE_MAX));
}

static void test_na_040_bio_writer_to_buf_keeps_nuls(void **state)
{
    osl_auto(BIO) *bio = osl_bio_writer();
    pyossl_buf buf = PYOSSL_BUF_INIT;

    (void)state;
    assert_int_equal(BIO_write(bio, "x\0y", 3), 3);
    assert_ok(osl_buf_from_bio(&buf, bio));
    assert_int_equal(buf.len, 3);
    assert_memory_equal(buf.data, "x\0y\0", 4);
    pyossl_buf_clear(&buf);
}

static char *temporary_file(size_t size)
{
    static char path[] = "pyossl-test-XXXXXX";
    int fd;

    strcpy(path, "pyossl-test-XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(write(fd, "x", 1), 1);
    close(fd);
    return path;
}

static void test_file_read_whole(void **state)
{
    /* Around the steps in which the buffer grows. */
    static const size_t sizes[] = { 0, 1, 16383, 16384, 16385, 32768, 40000 };

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(sizes); i++) {
        const char *path = temporary_file(sizes[i]);
        pyossl_buf buf = PYOSSL_BUF_INIT;

        assert_ok(osl_file_read(path, OSL_FILE_MAX, &buf));
        assert_int_equal(buf.len, sizes[i]);
        assert_int_equal(strlen((const char *)buf.data), sizes[i]);
        pyossl_buf_clear(&buf);
        unlink(path);
    }
}

static void test_file_read_failures_name_the_system_error(void **state)
{
    const char *path = temporary_file(100);
    pyossl_buf buf = { (unsigned char *)0x1, 42 };

    (void)state;
    assert_fails(osl_file_read("no/such/file", 1000, &buf), PYOSSL_E_SYSTEM);
    assert_int_equal(pyossl_error_errno(pyossl_error_last()), ENOENT);
    assert_string_equal(pyossl_error_entry_at(pyossl_error_last(), 0)->detail, "no/such/file");
    assert_fails(osl_file_read(".", 1000, &buf), PYOSSL_E_SYSTEM);
    assert_int_equal(pyossl_error_errno(pyossl_error_last()), EISDIR);
    assert_fails(osl_file_read(path, 99, &buf), PYOSSL_E_SYSTEM);
    assert_int_equal(pyossl_error_errno(pyossl_error_last()), EFBIG);
    unlink(path);
    assert_ptr_equal(buf.data, (unsigned char *)0x1);
    assert_int_equal(buf.len, 42);
}

static void test_init_works_more_than_once(void **state)
{
    (void)state;
    assert_ok(osl_init());
    assert_ok(osl_init());
}

static void test_versions(void **state)
{
    (void)state;
    assert_string_equal(pyossl_version(), PYOSSL_VERSION);
    assert_non_null(strstr(pyossl_openssl_version(PYOSSL_OPENSSL_VERSION), "OpenSSL"));
    assert_string_equal(pyossl_openssl_version(999), "not available");
    assert_true(pyossl_openssl_headers() >= 0x30000000UL);
}

static pyossl_status scenario_buf(void *arg)
{
    pyossl_buf buf = { NULL, 7 };
    pyossl_status status = pyossl_buf_set(&buf, "abc", 3);

    (void)arg;
    oom_check(status == PYOSSL_OK ? buf.len == 3 : buf.data == NULL && buf.len == 7);
    pyossl_buf_clear(&buf);
    return status;
}

static pyossl_status scenario_file(void *path)
{
    osl_auto_buf buf = PYOSSL_BUF_INIT;
    const pyossl_status status = osl_file_read(path, OSL_FILE_MAX, &buf);

    oom_check(status == PYOSSL_OK || buf.data == NULL);
    return status;
}

static pyossl_status scenario_bio(void *arg)
{
    osl_auto(BIO) *bio = osl_bio_writer();
    osl_auto_buf buf = PYOSSL_BUF_INIT;

    (void)arg;
    if (bio == NULL)
        return pyossl_error_status(pyossl_error_last());
    if (BIO_write(bio, "abc", 3) != 3)
        return osl_fail(PYOSSL_E_OPENSSL);
    return osl_buf_from_bio(&buf, bio);
}

static void test_na_006_every_allocation_may_fail(void **state)
{
    char *path = temporary_file(40000);
    const oom_scenario scenarios[] = {
        { .name = "buffer", .run = scenario_buf },
        { .name = "file", .run = scenario_file, .arg = path },
        { .name = "BIO", .run = scenario_bio },
    };

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(scenarios); i++)
        assert_int_equal(oom_sweep(&scenarios[i]), 0);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strdup_and_memdup_end_with_a_nul),
        cmocka_unit_test(test_memdup_refuses_what_would_overflow),
        cmocka_unit_test(test_buf_set_replaces),
        cmocka_unit_test(test_buf_set_takes_part_of_itself),
        cmocka_unit_test(test_buf_move_leaves_nothing_behind),
        cmocka_unit_test(test_steal_empties_the_variable),
        cmocka_unit_test(test_na_149_equal_bytes),
        cmocka_unit_test(test_na_032_lengths_that_do_not_fit),
        cmocka_unit_test(test_na_040_bio_writer_to_buf_keeps_nuls),
        cmocka_unit_test(test_file_read_whole),
        cmocka_unit_test(test_file_read_failures_name_the_system_error),
        cmocka_unit_test(test_init_works_more_than_once),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_na_006_every_allocation_may_fail),
    };

    oom_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
