#include "test.h"

#include <stdlib.h>

#include "crypto/crypto.h"
#include "oom.h"

static void set(pyossl_name *name, const char *field, const char *value)
{
    assert_ok(pyossl_name_set(name, field, value, strlen(value)));
}

#define assert_field(name, field, bytes, size)                                                     \
    do {                                                                                           \
        osl_auto_buf got_ = PYOSSL_BUF_INIT;                                                       \
                                                                                                   \
        assert_ok(pyossl_name_get(name, field, &got_));                                            \
        assert_int_equal(got_.len, size);                                                          \
        assert_memory_equal(got_.data, bytes, size);                                               \
        assert_int_equal(got_.data[got_.len], 0);                                                  \
    } while (0)

#define assert_text_field(name, field, text) assert_field(name, field, text, strlen(text))

static void assert_oneline(const pyossl_name *name, const char *expected)
{
    osl_auto_buf line = PYOSSL_BUF_INIT;

    assert_ok(pyossl_name_oneline(name, &line));
    assert_buf_text(line, expected);
    assert_int_equal(line.len, strlen(expected));
}

static void assert_der(const pyossl_name *name, const void *expected, size_t len)
{
    osl_auto_buf der = PYOSSL_BUF_INIT;

    assert_ok(pyossl_name_dump(name, &der));
    assert_int_equal(der.len, len);
    assert_memory_equal(der.data, expected, len);
}

static void test_empty_name(void **state)
{
    osl_auto(pyossl_name) *name = NULL;
    pyossl_name_entry entry = { "untouched", NULL, 0, 0 };
    unsigned long hash;

    (void)state;
    assert_ok(pyossl_name_new(&name));
    assert_int_equal(pyossl_name_count(name), 0);
    assert_oneline(name, "");
    assert_der(name, "0\0", 2);
    assert_ok(pyossl_name_hash(name, &hash));
    assert_true(hash == 4003674586);
    assert_fails(pyossl_name_entry_at(name, 0, &entry), PYOSSL_E_NOT_FOUND);
    assert_fails(pyossl_name_entry_at(name, SIZE_MAX, &entry), PYOSSL_E_NOT_FOUND);
    assert_string_equal(entry.field, "untouched");
}

static void test_fields_by_any_of_their_names(void **state)
{
    osl_auto(pyossl_name) *name = NULL;

    (void)state;
    assert_ok(pyossl_name_new(&name));
    set(name, "C", "SE");
    set(name, "commonName", "h\xc3\xa5st");
    set(name, "1.2.840.113549.1.9.1", "post@example.test");
    assert_text_field(name, "countryName", "SE");
    assert_text_field(name, "2.5.4.3", "h\xc3\xa5st");
    assert_text_field(name, "CN", "h\xc3\xa5st");
    assert_text_field(name, "emailAddress", "post@example.test");
    assert_oneline(name, "/C=SE/CN=h\\xC3\\xA5st/emailAddress=post@example.test");
}

static void test_na_002_na_128_unknown_fields(void **state)
{
    static const char *const unknown[] = {
        "S", "E", "SP", "Email", "", "foobar", "1.2.3.4.5.6.7", "commonname"
    };
    osl_auto(pyossl_name) *name = NULL;
    pyossl_buf out = PYOSSL_BUF_INIT;

    (void)state;
    assert_ok(pyossl_name_new(&name));
    for (size_t i = 0; i < OSL_COUNT_OF(unknown); i++) {
        assert_false(pyossl_name_field_known(unknown[i]));
        assert_int_equal(ERR_peek_error(), 0);
        assert_fails(pyossl_name_get(name, unknown[i], &out), PYOSSL_E_ARGUMENT);
        assert_fails(pyossl_name_set(name, unknown[i], "x", 1), PYOSSL_E_ARGUMENT);
        assert_fails(pyossl_name_add(name, unknown[i], "x", 1), PYOSSL_E_ARGUMENT);
    }
    assert_true(pyossl_name_field_known("CN"));
    assert_true(pyossl_name_field_known("sha256"));
    assert_fails(pyossl_name_get(name, "CN", &out), PYOSSL_E_NOT_FOUND);
    assert_null(out.data);
    assert_int_equal(pyossl_name_count(name), 0);
}

static void test_set_replaces_the_first_and_appends(void **state)
{
    osl_auto(pyossl_name) *name = NULL;

    (void)state;
    assert_ok(pyossl_name_new(&name));
    set(name, "O", "one");
    set(name, "CN", "host");
    assert_ok(pyossl_name_add(name, "O", "two", 3));
    assert_oneline(name, "/O=one/CN=host/O=two");
    set(name, "O", "three");
    assert_oneline(name, "/CN=host/O=two/O=three");
    assert_text_field(name, "O", "two");
    set(name, "CN", "other");
    assert_oneline(name, "/O=two/O=three/CN=other");
}

/* A failed write leaves the value that was there. */
static void test_na_065_failed_writes_change_nothing(void **state)
{
    static const struct {
        const char *field, *value;
    } bad[] = {
        { "C", "USA" },
        { "C", "U" },
        { "C", "" },
        { "C", "\xc3\xa5" },
        { "CN", "" },
        { "CN", "bad \xff utf-8" },
        { "emailAddress", "\xc3\xa5@example.test" },
        { "CN", "0123456789012345678901234567890123456789012345678901234567890123456789" },
    };
    osl_auto(pyossl_name) *name = NULL;
    char *long_name = malloc(70000);

    (void)state;
    assert_ok(pyossl_name_new(&name));
    set(name, "C", "SE");
    set(name, "CN", "host");
    set(name, "emailAddress", "a@b.test");
    for (size_t i = 0; i < OSL_COUNT_OF(bad); i++) {
        assert_fails(pyossl_name_set(name, bad[i].field, bad[i].value, strlen(bad[i].value)),
                     PYOSSL_E_OPENSSL);
        assert_fails(pyossl_name_add(name, bad[i].field, bad[i].value, strlen(bad[i].value)),
                     PYOSSL_E_OPENSSL);
    }
    memset(long_name, 'x', 70000);
    assert_fails(pyossl_name_set(name, "O", long_name, 512), PYOSSL_E_OPENSSL);
    assert_fails(pyossl_name_set(name, "CN", long_name, 70000), PYOSSL_E_OPENSSL);
    assert_fails(pyossl_name_set(name, "CN", long_name, (size_t)INT32_MAX + 1), PYOSSL_E_OPENSSL);
    assert_fails(pyossl_name_set(name, "CN", NULL, 0), PYOSSL_E_OPENSSL);
    assert_oneline(name, "/C=SE/CN=host/emailAddress=a@b.test");
    free(long_name);
}

static void test_na_105_nul_bytes_are_kept(void **state)
{
    osl_auto(pyossl_name) *name = NULL, *loaded = NULL;
    osl_auto_buf der = PYOSSL_BUF_INIT;
    pyossl_name_entry entry;

    (void)state;
    assert_ok(pyossl_name_new(&name));
    assert_ok(pyossl_name_set(name, "CN", "good.example\0.evil", 18));
    assert_ok(pyossl_name_dump(name, &der));
    assert_ok(pyossl_name_load(&loaded, der.data, der.len));
    assert_field(loaded, "CN", "good.example\0.evil", 18);
    assert_ok(pyossl_name_entry_at(loaded, 0, &entry));
    assert_string_equal(entry.field, "CN");
    assert_int_equal(entry.len, 18);
    assert_memory_equal(entry.value, "good.example\0.evil", 18);
    assert_int_equal(entry.tag, V_ASN1_UTF8STRING);
    assert_oneline(loaded, "/CN=good.example\\x00.evil");
}

static void test_der_exactly(void **state)
{
    static const unsigned char expected[] = { 0x30, 0x1f, 0x31, 0x0b, 0x30, 0x09, 0x06, 0x03, 0x55,
                                              0x04, 0x06, 0x13, 0x02, 'U',  'S',  0x31, 0x10, 0x30,
                                              0x0e, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x07, 'f',
                                              'o',  'o',  ' ',  'b',  'a',  'r' };
    osl_auto(pyossl_name) *name = NULL;

    (void)state;
    assert_ok(pyossl_name_new(&name));
    set(name, "C", "US");
    set(name, "CN", "foo bar");
    assert_der(name, expected, sizeof expected);
}

static void test_load(void **state)
{
    static const unsigned char der[] = { 0x30, 0x0c, 0x31, 0x0a, 0x30, 0x08, 0x06,
                                         0x03, 0x55, 0x04, 0x03, 0x0c, 0x01, 'x' };
    /* An attribute that OpenSSL has no name for, and a value in UTF-16. */
    static const unsigned char odd[] = { 0x30, 0x0f, 0x31, 0x0d, 0x30, 0x0b, 0x06, 0x03, 0x2a,
                                         0x03, 0x04, 0x1e, 0x04, 0x00, 'h',  0x00, 0xe5 };
    static const unsigned char bmp[] = { 0x30, 0x0f, 0x31, 0x0d, 0x30, 0x0b, 0x06, 0x03, 0x55,
                                         0x04, 0x03, 0x1e, 0x04, 0x00, 'h',  0x00, 0xe5 };
    osl_auto(pyossl_name) *name = NULL, *other = NULL, *wide = NULL;
    pyossl_name *untouched = NULL;
    pyossl_name_entry entry;
    unsigned char longer[sizeof der + 1];

    (void)state;
    assert_ok(pyossl_name_load(&name, der, sizeof der));
    assert_oneline(name, "/CN=x");
    assert_ok(pyossl_name_load(&other, odd, sizeof odd));
    assert_ok(pyossl_name_entry_at(other, 0, &entry));
    assert_string_equal(entry.field, "UNDEF");
    assert_memory_equal(entry.value, "\0h\0\xe5", 4);
    assert_int_equal(entry.tag, V_ASN1_BMPSTRING);
    assert_ok(pyossl_name_load(&wide, bmp, sizeof bmp));
    assert_text_field(wide, "CN", "h\xc3\xa5");

    for (size_t len = 0; len < sizeof der; len++) {
        unsigned char *exact = osl_memdup(der, len);

        assert_fails(pyossl_name_load(&untouched, exact, len), PYOSSL_E_FORMAT);
        OPENSSL_free(exact);
    }
    memcpy(longer, der, sizeof der);
    longer[sizeof der] = 0;
    assert_fails(pyossl_name_load(&untouched, longer, sizeof longer), PYOSSL_E_FORMAT);
    assert_fails(pyossl_name_load(&untouched, NULL, 0), PYOSSL_E_FORMAT);
    assert_fails(pyossl_name_load(&untouched, der, (size_t)INT32_MAX + 1), PYOSSL_E_FORMAT);
    assert_null(untouched);
}

static void test_na_168_comparison(void **state)
{
    osl_auto(pyossl_name) *a = NULL, *b = NULL, *c = NULL;
    int order = 99;

    (void)state;
    assert_ok(pyossl_name_new(&a));
    set(a, "CN", "Host Name");
    assert_ok(pyossl_name_copy(&b, a));
    assert_ok(pyossl_name_compare(a, b, &order));
    assert_int_equal(order, 0);
    set(b, "CN", "  host  NAME "); /* RFC 5280 sees no difference */
    assert_ok(pyossl_name_compare(a, b, &order));
    assert_int_equal(order, 0);
    assert_ok(pyossl_name_copy(&c, a));
    set(c, "CN", "host nbme");
    assert_ok(pyossl_name_compare(a, c, &order));
    assert_true(order < 0);
    assert_ok(pyossl_name_compare(c, a, &order));
    assert_true(order > 0);
}

static void test_copies_are_independent(void **state)
{
    osl_auto(pyossl_name) *name = NULL, *copy = NULL;

    (void)state;
    assert_ok(pyossl_name_new(&name));
    set(name, "CN", "a");
    assert_ok(pyossl_name_copy(&copy, name));
    set(name, "CN", "b");
    set(copy, "O", "c");
    assert_oneline(name, "/CN=b");
    assert_oneline(copy, "/CN=a/O=c");
}

static void test_na_127_hash_follows_the_name(void **state)
{
    osl_auto(pyossl_name) *name = NULL;
    unsigned long before, after;

    (void)state;
    assert_ok(pyossl_name_new(&name));
    set(name, "CN", "a");
    assert_ok(pyossl_name_hash(name, &before));
    set(name, "CN", "b");
    assert_ok(pyossl_name_hash(name, &after));
    assert_true(before != after);
    assert_true(before <= 0xffffffff && after <= 0xffffffff);
}

/* ---- views ---- */

static void test_na_064_views_write_through_and_keep_their_owner(void **state)
{
    osl_auto(pyossl_name) *subject = NULL, *again = NULL, *issuer = NULL;
    pyossl_x509 *cert = NULL;

    (void)state;
    assert_ok(pyossl_x509_new(&cert));
    assert_ok(pyossl_x509_subject(cert, &subject));
    assert_ok(pyossl_x509_issuer(cert, &issuer));
    set(subject, "CN", "one");
    assert_ok(pyossl_x509_subject(cert, &again));
    assert_oneline(again, "/CN=one");
    set(again, "O", "two");
    assert_oneline(subject, "/CN=one/O=two");
    assert_oneline(issuer, "");
    set(issuer, "CN", "ca");
    pyossl_x509_unref(cert); /* the views go on */
    assert_oneline(subject, "/CN=one/O=two");
    set(subject, "O", "three");
    assert_oneline(again, "/CN=one/O=three");
    assert_oneline(issuer, "/CN=ca");
}

static void test_na_064_stale_views_say_so(void **state)
{
    osl_auto(pyossl_name) *old = NULL, *fresh = NULL, *issuer = NULL, *other = NULL, *copy = NULL;
    osl_auto(pyossl_x509) *cert = NULL;
    pyossl_name *untouched = NULL;
    pyossl_buf out = PYOSSL_BUF_INIT;
    pyossl_name_entry entry = { "untouched", NULL, 0, 0 };
    unsigned long hash = 7;
    int order = 7;

    (void)state;
    assert_ok(pyossl_x509_new(&cert));
    assert_ok(pyossl_x509_subject(cert, &old));
    assert_ok(pyossl_x509_issuer(cert, &issuer));
    set(old, "CN", "one");
    assert_ok(pyossl_name_copy(&copy, old));
    assert_ok(pyossl_name_new(&other));
    set(other, "CN", "two");
    assert_ok(pyossl_x509_set_subject(cert, other));

    assert_fails(pyossl_name_get(old, "CN", &out), PYOSSL_E_STATE);
    assert_fails(pyossl_name_set(old, "CN", "x", 1), PYOSSL_E_STATE);
    assert_fails(pyossl_name_add(old, "CN", "x", 1), PYOSSL_E_STATE);
    assert_fails(pyossl_name_entry_at(old, 0, &entry), PYOSSL_E_STATE);
    assert_fails(pyossl_name_compare(old, other, &order), PYOSSL_E_STATE);
    assert_fails(pyossl_name_compare(other, old, &order), PYOSSL_E_STATE);
    assert_fails(pyossl_name_hash(old, &hash), PYOSSL_E_STATE);
    assert_fails(pyossl_name_dump(old, &out), PYOSSL_E_STATE);
    assert_fails(pyossl_name_oneline(old, &out), PYOSSL_E_STATE);
    assert_fails(pyossl_name_copy(&untouched, old), PYOSSL_E_STATE);
    assert_fails(pyossl_x509_set_issuer(cert, old), PYOSSL_E_STATE);
    assert_int_equal(pyossl_name_count(old), 0);
    assert_null(untouched);
    assert_null(out.data);
    assert_int_equal(order, 7);
    assert_int_equal(hash, 7);
    assert_string_equal(entry.field, "untouched");

    set(other, "CN", "three"); /* a copy was taken */
    assert_ok(pyossl_x509_subject(cert, &fresh));
    assert_oneline(fresh, "/CN=two");
    assert_oneline(copy, "/CN=one");
    assert_oneline(issuer, ""); /* that of the other field goes on */
}

/* The certificate's own name is a legal argument. */
static void test_na_064_setting_a_name_to_itself(void **state)
{
    osl_auto(pyossl_name) *view = NULL, *fresh = NULL, *issuer = NULL;
    osl_auto(pyossl_x509) *cert = NULL;

    (void)state;
    assert_ok(pyossl_x509_new(&cert));
    assert_ok(pyossl_x509_subject(cert, &view));
    set(view, "CN", "self");
    assert_ok(pyossl_x509_set_issuer(cert, view));
    assert_ok(pyossl_x509_set_subject(cert, view));
    assert_ok(pyossl_x509_subject(cert, &fresh));
    assert_ok(pyossl_x509_issuer(cert, &issuer));
    assert_oneline(fresh, "/CN=self");
    assert_oneline(issuer, "/CN=self");
}

static void test_na_064_views_of_requests(void **state)
{
    osl_auto(pyossl_name) *view = NULL, *fresh = NULL, *other = NULL;
    pyossl_req *req = NULL;
    pyossl_buf out = PYOSSL_BUF_INIT;

    (void)state;
    assert_ok(pyossl_req_new(&req));
    assert_ok(pyossl_req_subject(req, &view));
    set(view, "CN", "one");
    assert_ok(pyossl_name_copy(&other, view));
    assert_ok(pyossl_req_set_subject(req, other));
    assert_fails(pyossl_name_oneline(view, &out), PYOSSL_E_STATE);
    assert_ok(pyossl_req_subject(req, &fresh));
    pyossl_req_unref(req);
    set(fresh, "O", "two");
    assert_oneline(fresh, "/CN=one/O=two");
}

/* ---- sizes and memory ---- */

static void test_na_039_names_of_many_entries(void **state)
{
    osl_auto(pyossl_name) *name = NULL, *loaded = NULL;
    osl_auto_buf der = PYOSSL_BUF_INIT, line = PYOSSL_BUF_INIT;
    char value[60];

    (void)state;
    memset(value, 'x', sizeof value);
    assert_ok(pyossl_name_new(&name));
    for (int i = 0; i < 1000; i++)
        assert_ok(pyossl_name_add(name, "OU", value, sizeof value));
    assert_ok(pyossl_name_dump(name, &der));
    assert_true(der.len > 65536);
    assert_ok(pyossl_name_load(&loaded, der.data, der.len));
    assert_int_equal(pyossl_name_count(loaded), 1000);
    assert_ok(pyossl_name_oneline(loaded, &line));
    assert_int_equal(line.len, 1000 * (4 + sizeof value));
}

static pyossl_status scenario(void *arg)
{
    osl_auto(pyossl_name) *name = NULL, *view = NULL, *copy = NULL;
    osl_auto(pyossl_x509) *cert = NULL;
    osl_auto_buf out = PYOSSL_BUF_INIT;
    pyossl_status status;

    (void)arg;
    OSL_TRY(pyossl_name_new(&name));
    OSL_TRY(pyossl_name_set(name, "C", "SE", 2));
    status = pyossl_name_set(name, "C", "NO", 2);
    if (status != PYOSSL_OK) {
        const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name->own, 0);

        oom_check(memcmp(ASN1_STRING_get0_data(X509_NAME_ENTRY_get_data(entry)), "SE", 2) == 0);
        return status;
    }
    OSL_TRY(pyossl_x509_new(&cert));
    OSL_TRY(pyossl_x509_set_subject(cert, name));
    OSL_TRY(pyossl_x509_subject(cert, &view));
    OSL_TRY(pyossl_name_set(view, "CN", "x", 1));
    OSL_TRY(pyossl_name_copy(&copy, view));
    OSL_TRY(pyossl_name_get(copy, "CN", &out));
    OSL_TRY(pyossl_name_dump(copy, &out));
    return pyossl_name_oneline(copy, &out);
}

static void test_na_006_every_allocation_may_fail(void **state)
{
    static const oom_scenario sweep = { .name = "names", .run = scenario, .any_error = 1 };

    (void)state;
    assert_int_equal(oom_sweep(&sweep), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_name),
        cmocka_unit_test(test_fields_by_any_of_their_names),
        cmocka_unit_test(test_na_002_na_128_unknown_fields),
        cmocka_unit_test(test_set_replaces_the_first_and_appends),
        cmocka_unit_test(test_na_065_failed_writes_change_nothing),
        cmocka_unit_test(test_na_105_nul_bytes_are_kept),
        cmocka_unit_test(test_der_exactly),
        cmocka_unit_test(test_load),
        cmocka_unit_test(test_na_168_comparison),
        cmocka_unit_test(test_copies_are_independent),
        cmocka_unit_test(test_na_127_hash_follows_the_name),
        cmocka_unit_test(test_na_064_views_write_through_and_keep_their_owner),
        cmocka_unit_test(test_na_064_stale_views_say_so),
        cmocka_unit_test(test_na_064_setting_a_name_to_itself),
        cmocka_unit_test(test_na_064_views_of_requests),
        cmocka_unit_test(test_na_039_names_of_many_entries),
        cmocka_unit_test(test_na_006_every_allocation_may_fail),
    };

    oom_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
