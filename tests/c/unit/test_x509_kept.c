/*
 * What is kept of a certificate, or lent instead of copied, is what computing or
 * copying it anew would give, and a change makes an end of it.
 */
#include "certs.h"

#include "crypto/crypto.h"

static void assert_digest(const pyossl_x509 *cert, const char *name)
{
    osl_auto_buf der = PYOSSL_BUF_INIT, out = PYOSSL_BUF_INIT;
    unsigned char expected[EVP_MAX_MD_SIZE];
    unsigned len;

    assert_ok(pyossl_x509_dump(cert, PYOSSL_DER, &der));
    assert_int_equal(
        EVP_Digest(der.data, der.len, expected, &len, EVP_get_digestbyname(name), NULL), 1);
    for (int i = 0; i < 2; i++) {
        assert_ok(pyossl_x509_digest(cert, name, &out));
        assert_buf(out, expected, len);
    }
}

static void test_digests_follow_changes(void **state)
{
    osl_auto(pyossl_pkey) *key = keys_good(DATA("ec.pem"));
    osl_auto(pyossl_x509) *cert = certs_new(key, "sha256");
    osl_auto(pyossl_name) *subject = NULL;

    (void)state;
    assert_digest(cert, "sha256");
    assert_digest(cert, "sha1");
    assert_digest(cert, "SHA256");
    assert_ok(pyossl_x509_set_serial(cert, "77"));
    assert_digest(cert, "sha256");
    assert_ok(pyossl_x509_subject(cert, &subject));
    assert_ok(pyossl_name_set(subject, "CN", "changed", 7));
    assert_digest(cert, "sha256");
    assert_ok(pyossl_x509_sign(cert, key, "sha512"));
    assert_digest(cert, "sha1");
    assert_digest(cert, "sha256");
}

static void test_keys_follow_changes(void **state)
{
    osl_auto(pyossl_pkey) *first = keys_good(DATA("ec.pem")), *second = keys_good(DATA("rsa.pem"));
    osl_auto(pyossl_x509) *cert = certs_new(first, "sha256");
    const pyossl_pkey *const keys[] = { first, second, first };

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(keys); i++) {
        assert_ok(pyossl_x509_set_pubkey(cert, keys[i]));
        for (int j = 0; j < 2; j++) {
            osl_auto(pyossl_pkey) *found = NULL;

            assert_ok(pyossl_x509_pubkey(cert, &found));
            assert_int_equal(EVP_PKEY_eq(found->key, keys[i]->key), 1);
            assert_false(pyossl_pkey_is_private(found));
        }
    }
}

static void test_revisions_count_changes(void **state)
{
    osl_auto(pyossl_x509) *cert = certs_good(DATA("server.pem"));
    osl_auto(pyossl_name) *issuer = NULL;
    osl_auto_buf out = PYOSSL_BUF_INIT;
    unsigned long before = pyossl_x509_revision(cert);

    (void)state;
    assert_ok(pyossl_x509_issuer(cert, &issuer));
    assert_ok(pyossl_x509_digest(cert, "sha256", &out));
    assert_ok(pyossl_x509_dump(cert, PYOSSL_TEXT, &out));
    assert_true(pyossl_x509_revision(cert) == before);
    assert_ok(pyossl_name_set(issuer, "CN", "another", 7));
    assert_true(pyossl_x509_revision(cert) != before);
    before = pyossl_x509_revision(cert);
    assert_fails(pyossl_x509_set_serial(cert, "no number"), PYOSSL_E_ARGUMENT);
    assert_true(pyossl_x509_revision(cert) == before);
    assert_ok(pyossl_x509_set_version(cert, 1));
    assert_true(pyossl_x509_revision(cert) != before);
}

/* An extension that was handed out outlives changes of its certificate, and the certificate. */
static void test_extensions_outlive_their_certificate(void **state)
{
    osl_auto(pyossl_x509) *cert = certs_good(DATA("server.pem"));
    osl_auto(pyossl_ext) *lent = NULL, *more = NULL, *again = NULL;
    osl_auto_buf before = PYOSSL_BUF_INIT, after = PYOSSL_BUF_INIT;

    (void)state;
    assert_ok(pyossl_x509_ext_at(cert, 0, &lent));
    assert_ok(pyossl_ext_data(lent, &before));
    assert_ok(pyossl_ext_new(&more, "nsComment", 0, "more", 4, NULL, NULL));
    for (int i = 0; i < 20; i++)
        assert_ok(pyossl_x509_add_exts(cert, &more, 1));
    assert_ok(pyossl_ext_data(lent, &after));
    assert_buf(after, before.data, before.len);
    assert_ok(pyossl_x509_ext_at(cert, 0, &again));
    pyossl_x509_unref(cert);
    cert = NULL;
    assert_ok(pyossl_ext_data(lent, &after));
    assert_buf(after, before.data, before.len);
    assert_ok(pyossl_ext_data(again, &after));
    assert_buf(after, before.data, before.len);
}

static void test_extensions_follow_changes(void **state)
{
    osl_auto(pyossl_x509) *cert = certs_good(DATA("server.pem"));
    osl_auto(pyossl_ext) *one = NULL, *same = NULL, *more = NULL, *added = NULL;
    const size_t count = pyossl_x509_ext_count(cert);

    (void)state;
    assert_ok(pyossl_x509_ext_at(cert, 0, &one));
    assert_ok(pyossl_x509_ext_at(cert, 0, &same));
    assert_ptr_equal(one, same); /* it never changes: one view for all */
    assert_int_equal(pyossl_x509_ext_count(cert), count);
    assert_fails(pyossl_x509_ext_at(cert, count, &added), PYOSSL_E_NOT_FOUND);
    assert_null(added);
    assert_ok(pyossl_ext_new(&more, "nsComment", 0, "more", 4, NULL, NULL));
    assert_ok(pyossl_x509_add_exts(cert, &more, 1));
    assert_int_equal(pyossl_x509_ext_count(cert), count + 1);
    assert_ok(pyossl_x509_ext_at(cert, count, &added));
    assert_string_equal(pyossl_ext_short_name(added), "nsComment");
    assert_ok(pyossl_x509_add_exts(cert, &added, 1)); /* out of the table that goes */
    assert_int_equal(pyossl_x509_ext_count(cert), count + 2);
    assert_string_equal(pyossl_ext_short_name(one), pyossl_ext_short_name(same));
}

static void test_extensions_that_get_their_name_later(void **state)
{
    osl_auto(pyossl_x509) *cert = certs_good(DATA("server.pem"));
    osl_auto(pyossl_ext) *own = NULL, *lent = NULL;
    const size_t at = pyossl_x509_ext_count(cert);

    (void)state;
    assert_ok(pyossl_ext_new_der(&own, "1.3.6.1.4.1.55555.7", 0, "\5\0", 2));
    assert_ok(pyossl_x509_add_exts(cert, &own, 1));
    assert_ok(pyossl_x509_ext_at(cert, at, &lent));
    assert_string_equal(pyossl_ext_short_name(own), "UNDEF");
    assert_string_equal(pyossl_ext_short_name(lent), "UNDEF");
    assert_int_not_equal(OBJ_create("1.3.6.1.4.1.55555.7", "lateName", "late name"), NID_undef);
    assert_string_equal(pyossl_ext_short_name(own), "lateName");
    assert_string_equal(pyossl_ext_short_name(lent), "lateName");
}

static void test_serial_bytes_are_the_serial(void **state)
{
    static const char *const numbers[] = {
        "00",  "01",  "7F",
        "80",  "FF",  "0100",
        "-01", "-80", "FEDCBA9876543210FEDCBA9876543210FEDCBA98"
    };
    osl_auto(pyossl_x509) *cert = NULL;

    (void)state;
    assert_ok(pyossl_x509_new(&cert));
    for (size_t i = 0; i < OSL_COUNT_OF(numbers); i++) {
        osl_auto(BIGNUM) *expected = NULL, *found = NULL;
        const unsigned char *bytes;
        int negative = 7;
        size_t len = 99;

        assert_ok(pyossl_x509_set_serial(cert, numbers[i]));
        bytes = pyossl_x509_serial_bytes(cert, &len, &negative);
        assert_true(BN_hex2bn(&expected, numbers[i]) > 0);
        found = BN_bin2bn(bytes, (int)len, NULL);
        assert_non_null(found);
        BN_set_negative(found, negative);
        assert_int_equal(BN_cmp(found, expected), 0);
    }
}

static void compare_text(const pyossl_name *name, const char *field)
{
    osl_auto_buf copied = PYOSSL_BUF_INIT, room = PYOSSL_BUF_INIT;
    const pyossl_status expected = pyossl_name_get(name, field, &copied);
    const char *text = "untouched";
    size_t len = 99;

    if (expected != PYOSSL_OK) {
        assert_fails(pyossl_name_text(name, field, &room, &text, &len), expected);
        assert_string_equal(text, "untouched");
        return;
    }
    assert_ok(pyossl_name_text(name, field, &room, &text, &len));
    assert_int_equal(len, copied.len);
    assert_memory_equal(text, copied.data, len);
}

/* Values in every type of string, ASCII and not, empty, with a NUL; OpenSSL refuses malformed ones.
 */
static void test_text_is_what_get_copies(void **state)
{
    static const struct {
        int type;
        const char *bytes;
        int len;
    } values[] = {
        { V_ASN1_UTF8STRING, "plain", 5 },        { V_ASN1_UTF8STRING, "h\303\266st", 5 },
        { V_ASN1_UTF8STRING, "\377\376", 2 },     { V_ASN1_UTF8STRING, "", 0 },
        { V_ASN1_UTF8STRING, "a\0b", 3 },         { V_ASN1_PRINTABLESTRING, "SE", 2 },
        { V_ASN1_IA5STRING, "a@b", 3 },           { V_ASN1_IA5STRING, "\351", 1 },
        { V_ASN1_T61STRING, "\351t\351", 3 },     { V_ASN1_T61STRING, "ete", 3 },
        { V_ASN1_BMPSTRING, "\0h\0i", 4 },        { V_ASN1_BMPSTRING, "odd", 3 },
        { V_ASN1_UNIVERSALSTRING, "\0\0\0h", 4 }, { V_ASN1_OCTET_STRING, "x", 1 },
    };
    static const char *const fields[] = { "CN", "commonName",   "O",       "OU", "C",        "L",
                                          "ST", "emailAddress", "2.5.4.3", "",   "nonsense", "cn" };
    size_t compared = 0;

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(values); i++) {
        osl_auto(X509_NAME) *made = X509_NAME_new();
        osl_auto(pyossl_name) *name = NULL;

        assert_non_null(made);
        if (X509_NAME_add_entry_by_NID(made, NID_commonName, values[i].type,
                                       (const unsigned char *)values[i].bytes, values[i].len, -1,
                                       0) != 1 ||
            osl_name_wrap_copy(&name, made) != PYOSSL_OK) {
            ERR_clear_error();
            continue;
        }
        compared++;
        for (size_t j = 0; j < OSL_COUNT_OF(fields); j++)
            compare_text(name, fields[j]);
    }
    assert_true(compared >= 9);
}

static void test_text_of_a_stale_view(void **state)
{
    osl_auto(pyossl_x509) *cert = certs_good(DATA("server.pem"));
    osl_auto(pyossl_name) *subject = NULL, *other = NULL;
    pyossl_name_entry entry;

    (void)state;
    assert_ok(pyossl_x509_subject(cert, &subject));
    compare_text(subject, "CN");
    assert_ok(pyossl_name_new(&other));
    assert_ok(pyossl_x509_set_subject(cert, other));
    compare_text(subject, "CN");
    assert_fails(pyossl_name_entry_at(subject, 0, &entry), PYOSSL_E_STATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digests_follow_changes),
        cmocka_unit_test(test_keys_follow_changes),
        cmocka_unit_test(test_revisions_count_changes),
        cmocka_unit_test(test_extensions_outlive_their_certificate),
        cmocka_unit_test(test_extensions_follow_changes),
        cmocka_unit_test(test_extensions_that_get_their_name_later),
        cmocka_unit_test(test_serial_bytes_are_the_serial),
        cmocka_unit_test(test_text_is_what_get_copies),
        cmocka_unit_test(test_text_of_a_stale_view),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
