/* What every test file includes first: cmocka with its prerequisites, and our assertions. */
#ifndef TEST_H
#define TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "counts.h"
#include "pyossl/error.h"
#include "pyossl/status.h"

/* cmocka says "not ok" of a test that is skipped, which TAP takes for a failure. */
#undef skip
#define skip()                                                                                     \
    do {                                                                                           \
        print_message("# skipped: %s:%d\n", __FILE__, __LINE__);                                   \
        return;                                                                                    \
    } while (0)

/* Newer releases of cmocka do not take bytes, which are unsigned, for text. */
#undef assert_string_equal
#define assert_string_equal(a, b)                                                                  \
    _assert_string_equal((const char *)(a), (const char *)(b), __FILE__, __LINE__)

/* The path of a file in tests/data. */
#define DATA(name) TEST_DATA "/" name

/* Compare statuses by name, so that a failure can be read. */
#define assert_status(call, expected)                                                              \
    do {                                                                                           \
        const pyossl_status status_ = (call);                                                      \
                                                                                                   \
        assert_string_equal(pyossl_status_name(status_), pyossl_status_name(expected));            \
    } while (0)

#define assert_ok(call)                                                                            \
    do {                                                                                           \
        const pyossl_status status_ = (call);                                                      \
                                                                                                   \
        if (status_ != PYOSSL_OK)                                                                  \
            fail_msg("%s: %s (%s)", #call, pyossl_status_name(status_), test_reason());            \
        assert_int_equal(ERR_peek_error(), 0);                                                     \
    } while (0)

/* A pyossl_buf holds this text. */
#define assert_buf_text(buf, expected) assert_string_equal((const char *)(buf).data, expected)

/* Both bounds included. */
#define assert_between(value, least, most)                                                         \
    do {                                                                                           \
        const intmax_t value_ = (intmax_t)(value);                                                 \
                                                                                                   \
        if (value_ < (intmax_t)(least) || value_ > (intmax_t)(most))                               \
            fail_msg("%s is %jd, not %jd to %jd", #value, value_, (intmax_t)(least),               \
                     (intmax_t)(most));                                                            \
    } while (0)

/* The call fails with this status, records why, and leaves OpenSSL's queue empty. */
#define assert_fails(call, expected)                                                               \
    do {                                                                                           \
        pyossl_error_clear();                                                                      \
        assert_status(call, expected);                                                             \
        assert_status(pyossl_error_status(pyossl_error_last()), expected);                         \
        assert_true(pyossl_error_count(pyossl_error_last()) > 0);                                  \
        assert_true(test_reason()[0] != '\0');                                                     \
        assert_int_equal(ERR_peek_error(), 0);                                                     \
    } while (0)

/* The first reason of this thread's record, or "". */
static inline const char *test_reason(void)
{
    const pyossl_error_entry *entry = pyossl_error_entry_at(pyossl_error_last(), 0);

    return entry != NULL ? entry->reason : "";
}

/* A name of one field, of OpenSSL's @type of string; the caller's. */
static inline X509_NAME *test_name_of(int nid, int type, const char *text)
{
    X509_NAME *name = X509_NAME_new();

    assert_non_null(name);
    assert_int_equal(
        X509_NAME_add_entry_by_NID(name, nid, type, (const unsigned char *)text, -1, -1, 0), 1);
    return name;
}

#endif
