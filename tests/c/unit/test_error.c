#include "test.h"

#include <errno.h>
#include <pthread.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/internal.h"
#include "pyossl/callbacks.h"
#include "pyossl/ctx.h"

static const pyossl_error_entry *entry(size_t index)
{
    return pyossl_error_entry_at(pyossl_error_last(), index);
}

static void assert_entry(size_t index, const char *library, const char *reason, const char *detail)
{
    assert_non_null(entry(index));
    /* NA-012: OpenSSL 3 does not tell the function, and nothing here pretends to know it. */
    assert_string_equal(entry(index)->library, library);
    assert_string_equal(entry(index)->function, "");
    assert_string_equal(entry(index)->reason, reason);
    assert_string_equal(entry(index)->detail, detail);
}

static void test_a_fresh_thread_has_an_empty_record(void **state)
{
    (void)state;
    pyossl_error_clear();
    assert_non_null(pyossl_error_last());
    assert_status(pyossl_error_status(pyossl_error_last()), PYOSSL_OK);
    assert_int_equal(pyossl_error_errno(pyossl_error_last()), 0);
    assert_int_equal(pyossl_error_count(pyossl_error_last()), 0);
    assert_null(entry(0));
}

static void test_na_005_failing_without_openssl_still_explains(void **state)
{
    (void)state;
    assert_status(osl_fail(PYOSSL_E_FORMAT), PYOSSL_E_FORMAT);
    assert_int_equal(pyossl_error_count(pyossl_error_last()), 1);
    assert_entry(0, OSL_LIBRARY_NAME, pyossl_status_text(PYOSSL_E_FORMAT), "");
    assert_int_equal(entry(0)->code, 0);
}

static void test_na_005_codes_without_a_text_are_explained(void **state)
{
    const int unknown = 4000;

    (void)state;
    ERR_raise(ERR_LIB_SSL, unknown);
    assert_status(osl_fail(PYOSSL_E_FORMAT), PYOSSL_E_FORMAT);
    assert_entry(0, "SSL routines", pyossl_status_text(PYOSSL_E_FORMAT), "");
    assert_int_equal(ERR_GET_REASON(entry(0)->code), unknown);
}

static void test_na_003_the_whole_queue_moves_oldest_first(void **state)
{
    (void)state;
    ERR_raise_data(ERR_LIB_SSL, SSL_R_BAD_LENGTH, "first %d", 1);
    ERR_raise(ERR_LIB_X509, X509_R_KEY_VALUES_MISMATCH);
    assert_status(osl_fail(PYOSSL_E_OPENSSL), PYOSSL_E_OPENSSL);
    assert_int_equal(pyossl_error_count(pyossl_error_last()), 2);
    assert_entry(0, "SSL routines", "bad length", "first 1");
    assert_entry(1, "x509 certificate routines", "key values mismatch", "");
    assert_int_equal(ERR_GET_REASON(entry(0)->code), SSL_R_BAD_LENGTH);
    assert_int_equal(ERR_peek_error(), 0);

    /* The next failure shows nothing of this one. */
    assert_status(osl_fail(PYOSSL_E_STATE), PYOSSL_E_STATE);
    assert_int_equal(pyossl_error_count(pyossl_error_last()), 1);
}

static void test_our_sentence_comes_last(void **state)
{
    (void)state;
    ERR_raise(ERR_LIB_PEM, PEM_R_NO_START_LINE);
    assert_status(osl_fail_detail(PYOSSL_E_ARGUMENT, "no such digest", "md99"), PYOSSL_E_ARGUMENT);
    assert_int_equal(pyossl_error_count(pyossl_error_last()), 2);
    assert_entry(0, "PEM routines", "no start line", "");
    assert_entry(1, OSL_LIBRARY_NAME, "no such digest", "md99");

    assert_status(osl_fail_text(PYOSSL_E_STATE, "too late"), PYOSSL_E_STATE);
    assert_int_equal(pyossl_error_count(pyossl_error_last()), 1);
    assert_entry(0, OSL_LIBRARY_NAME, "too late", "");
}

static void test_lack_of_memory_wins_over_the_status(void **state)
{
    (void)state;
    ERR_raise(ERR_LIB_EVP, ERR_R_MALLOC_FAILURE);
    assert_status(osl_fail(PYOSSL_E_FORMAT), PYOSSL_E_NOMEM);
    assert_status(pyossl_error_status(pyossl_error_last()), PYOSSL_E_NOMEM);
    ERR_raise(ERR_LIB_EVP, ERR_R_MALLOC_FAILURE);
    assert_status(osl_fail_text(PYOSSL_E_FORMAT, "x"), PYOSSL_E_NOMEM);
    assert_status(osl_fail_nomem(), PYOSSL_E_NOMEM);
    assert_int_equal(pyossl_error_count(pyossl_error_last()), 1);
}

static void test_na_011_system_errors_carry_errno(void **state)
{
    (void)state;
    assert_status(osl_fail_errno(ENOENT, "/none"), PYOSSL_E_SYSTEM);
    assert_int_equal(pyossl_error_errno(pyossl_error_last()), ENOENT);
    assert_entry(0, "system library", strerror(ENOENT), "/none");

    /* OpenSSL packs system errors its own way. */
    ERR_raise_data(ERR_LIB_SYS, EACCES, "calling fopen(%s)", "x");
    assert_status(osl_fail(PYOSSL_E_SYSTEM), PYOSSL_E_SYSTEM);
    assert_int_equal(pyossl_error_errno(pyossl_error_last()), EACCES);
    assert_entry(0, "system library", strerror(EACCES), "calling fopen(x)");

    /* errno belongs to E_SYSTEM alone. */
    ERR_raise(ERR_LIB_SYS, EACCES);
    assert_status(osl_fail(PYOSSL_E_OPENSSL), PYOSSL_E_OPENSSL);
    assert_int_equal(pyossl_error_errno(pyossl_error_last()), 0);
}

/* What failed is kept, whatever happens to errno and the queue behind it. */
static void test_na_010_the_record_is_taken_at_once(void **state)
{
    (void)state;
    assert_status(osl_fail_errno(ECONNRESET, "recv"), PYOSSL_E_SYSTEM);
    errno = EINTR;
    ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
    assert_int_equal(pyossl_error_errno(pyossl_error_last()), ECONNRESET);
    assert_int_equal(pyossl_error_count(pyossl_error_last()), 1);
    assert_entry(0, "system library", strerror(ECONNRESET), "recv");
    ERR_clear_error();
}

/* Statuses, system errors and OpenSSL's codes are three kinds of numbers, each in its place. */
static void test_na_004_kinds_of_numbers_stay_apart(void **state)
{
    (void)state;
    /* 1 is SSL_ERROR_SSL, EPERM, and a reason of more than one library. */
    ERR_raise(ERR_LIB_SSL, 1);
    assert_status(osl_fail(PYOSSL_E_OPENSSL), PYOSSL_E_OPENSSL);
    assert_int_equal(pyossl_error_errno(pyossl_error_last()), 0);
    assert_int_equal(ERR_GET_LIB(entry(0)->code), ERR_LIB_SSL);
    assert_int_equal(ERR_GET_REASON(entry(0)->code), 1);
    assert_status(osl_fail_errno(1, NULL), PYOSSL_E_SYSTEM);
    assert_int_equal(pyossl_error_errno(pyossl_error_last()), 1);
    assert_int_equal(ERR_GET_LIB(entry(0)->code), ERR_LIB_SYS);
    assert_string_equal(entry(0)->reason, strerror(1));
}

static void test_no_more_than_sixteen_entries(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++)
        ERR_raise_data(ERR_LIB_SSL, SSL_R_BAD_LENGTH, "%d", i);
    assert_status(osl_fail_text(PYOSSL_E_OPENSSL, "full"), PYOSSL_E_OPENSSL);
    assert_true(pyossl_error_count(pyossl_error_last()) <= 16);
    assert_null(entry(16));
    assert_null(entry(SIZE_MAX));
    assert_int_equal(ERR_peek_error(), 0);

    for (int i = 0; i < 40; i++)
        ERR_raise(ERR_LIB_SYS, ENOENT);
    assert_status(osl_fail_errno(EPIPE, NULL), PYOSSL_E_SYSTEM);
    assert_int_equal(pyossl_error_errno(pyossl_error_last()), EPIPE);
    assert_int_equal(ERR_peek_error(), 0);
}

static void test_long_details_are_cut_not_overrun(void **state)
{
    char detail[5000];

    (void)state;
    memset(detail, 'x', sizeof detail - 1);
    detail[sizeof detail - 1] = '\0';
    assert_status(osl_fail_detail(PYOSSL_E_ARGUMENT, "long", detail), PYOSSL_E_ARGUMENT);
    assert_between(strlen(entry(0)->detail), 64, 1024);
    assert_memory_equal(entry(0)->detail, detail, strlen(entry(0)->detail));
}

static pyossl_status succeeding_call(void)
{
    OSL_API_ENTER;
    ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
    return PYOSSL_OK;
}

static void test_na_001_na_002_a_public_call_starts_and_ends_with_an_empty_queue(void **state)
{
    pyossl_buf buf = PYOSSL_BUF_INIT;

    (void)state;
    pyossl_error_clear();
    for (int i = 0; i < 16; i++)
        ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
    assert_ok(pyossl_buf_set(&buf, "x", 1));
    assert_int_equal(pyossl_error_count(pyossl_error_last()), 0);
    assert_ok(succeeding_call());
    assert_int_equal(pyossl_error_count(pyossl_error_last()), 0);
    pyossl_buf_clear(&buf);
}

static void *fail_in_thread(void *unused)
{
    (void)unused;
    if (pyossl_error_count(pyossl_error_last()) != 0)
        return NULL;
    if (osl_fail_text(PYOSSL_E_VERIFY, "there") != PYOSSL_E_VERIFY)
        return NULL;
    return strcmp(entry(0)->reason, "there") == 0 ? (void *)pyossl_error_last() : NULL;
}

static void test_each_thread_has_its_own_record(void **state)
{
    pthread_t thread;
    void *theirs = NULL;

    (void)state;
    assert_status(osl_fail_text(PYOSSL_E_STATE, "here"), PYOSSL_E_STATE);
    assert_int_equal(pthread_create(&thread, NULL, fail_in_thread, NULL), 0);
    assert_int_equal(pthread_join(thread, &theirs), 0);
    assert_non_null(theirs);
    assert_ptr_not_equal(theirs, pyossl_error_last());
    assert_entry(0, OSL_LIBRARY_NAME, "here", "");
}

static void test_clear_forgets(void **state)
{
    (void)state;
    assert_status(osl_fail_errno(EIO, "x"), PYOSSL_E_SYSTEM);
    pyossl_error_clear();
    assert_status(pyossl_error_status(pyossl_error_last()), PYOSSL_OK);
    assert_int_equal(pyossl_error_errno(pyossl_error_last()), 0);
    assert_null(entry(0));
}

static void run_a_callback(int errors)
{
    OSL_CALLBACK_ENTER;

    assert_int_equal(ERR_peek_error(), 0);
    for (int i = 0; i < errors; i++)
        ERR_raise(ERR_LIB_USER, i + 1);
    errno = EXDEV;
}

/* What a callback does to OpenSSL's queue and errno is undone, what was there is there again. */
static void test_na_088_callbacks_find_and_leave_the_queue(void **state)
{
    char text[300];

    (void)state;
    errno = EINTR;
    run_a_callback(0);
    assert_int_equal(errno, EINTR);
    run_a_callback(20);
    assert_int_equal(errno, EINTR);
    assert_int_equal(ERR_peek_error(), 0);

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (int i = 0; i < 10; i++) {
        ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
        ERR_raise_data(ERR_LIB_SYS, ENOENT, "with %s", i < 9 ? "%s in it" : text);
    }
    run_a_callback(20);
    for (int i = 0; i < 5; i++)
        run_a_callback(1);
    assert_int_equal(osl_fail(PYOSSL_E_OPENSSL), PYOSSL_E_OPENSSL);
    assert_int_equal(pyossl_error_count(pyossl_error_last()), 15); /* OpenSSL's ring of 16 */
    for (size_t i = 0; i < 15; i++) {
        const pyossl_error_entry *entry = pyossl_error_entry_at(pyossl_error_last(), i);

        if (ERR_SYSTEM_ERROR(entry->code)) {
            assert_int_equal(ERR_GET_REASON(entry->code), ENOENT);
            assert_memory_equal(entry->detail, "with ", 5);
            assert_true(i == 14 || strcmp(entry->detail, "with %s in it") == 0);
        } else {
            assert_string_equal(entry->reason, "bad length");
            assert_string_equal(entry->detail, "");
        }
    }
}

/* As a program does that is called: its own calls fail. */
static void fail_calls(void *userdata)
{
    int *called = userdata;

    ++*called;
    assert_status(osl_fail_text(PYOSSL_E_FORMAT, "the callback's"), PYOSSL_E_FORMAT);
}

static pyossl_answer on_verify(pyossl_conn *conn, const pyossl_verify_event *event, void *userdata)
{
    (void)conn;
    (void)event;
    (void)userdata;
    return PYOSSL_ANSWER_ACCEPT;
}

static void test_na_241_callbacks_leave_the_record(void **state)
{
    pyossl_ctx *ctx = NULL;
    int called = 0;

    (void)state;
    assert_ok(pyossl_ctx_new(&ctx, PYOSSL_TLS));
    for (int empty = 0; empty < 2; empty++) {
        pyossl_status before = PYOSSL_OK;

        pyossl_error_clear();
        if (!empty)
            before = osl_fail_detail(PYOSSL_E_STATE, "the outer call's", "so it is");
        {
            OSL_CALLBACK_ENTER;
            fail_calls(&called);
        }
        assert_ok(pyossl_ctx_set_verify(ctx, PYOSSL_VERIFY_PEER, on_verify, &called, fail_calls));
        assert_ok(pyossl_ctx_set_verify(ctx, PYOSSL_VERIFY_PEER, NULL, NULL, NULL));
        assert_int_equal(called, 2 * (empty + 1));
        assert_int_equal(pyossl_error_status(pyossl_error_last()), before);
        assert_int_equal(pyossl_error_count(pyossl_error_last()), empty ? 0 : 1);
        if (!empty)
            assert_entry(0, "libpyossl", "the outer call's", "so it is");
    }
    pyossl_ctx_unref(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_fresh_thread_has_an_empty_record),
        cmocka_unit_test(test_na_005_failing_without_openssl_still_explains),
        cmocka_unit_test(test_na_005_codes_without_a_text_are_explained),
        cmocka_unit_test(test_na_003_the_whole_queue_moves_oldest_first),
        cmocka_unit_test(test_our_sentence_comes_last),
        cmocka_unit_test(test_lack_of_memory_wins_over_the_status),
        cmocka_unit_test(test_na_011_system_errors_carry_errno),
        cmocka_unit_test(test_na_010_the_record_is_taken_at_once),
        cmocka_unit_test(test_na_004_kinds_of_numbers_stay_apart),
        cmocka_unit_test(test_no_more_than_sixteen_entries),
        cmocka_unit_test(test_long_details_are_cut_not_overrun),
        cmocka_unit_test(test_na_001_na_002_a_public_call_starts_and_ends_with_an_empty_queue),
        cmocka_unit_test(test_each_thread_has_its_own_record),
        cmocka_unit_test(test_clear_forgets),
        cmocka_unit_test(test_na_088_callbacks_find_and_leave_the_queue),
        cmocka_unit_test(test_na_241_callbacks_leave_the_record),
    };

    if (osl_init() != PYOSSL_OK) /* loads the texts of TLS errors */
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
