#include "material.h"

#include "crypto/crypto.h"

/* ---- helpers ---- */

static pyossl_crl *load(const char *path)
{
    pyossl_buf text = material_read(path);
    pyossl_crl *crl = NULL;

    assert_ok(pyossl_crl_load(&crl, PYOSSL_PEM, text.data, text.len));
    pyossl_buf_clear(&text);
    return crl;
}

static pyossl_revoked *entry(const char *serial, const char *date, const char *reason)
{
    pyossl_revoked *revoked = NULL;

    assert_ok(pyossl_revoked_new(&revoked));
    assert_ok(pyossl_revoked_set_serial(revoked, serial));
    if (date != NULL)
        assert_ok(pyossl_revoked_set_date(revoked, date, strlen(date)));
    assert_ok(pyossl_revoked_set_reason(revoked, reason));
    return revoked;
}

static void assert_entry(const pyossl_revoked *revoked, const char *serial, const char *date,
                         const char *reason)
{
    pyossl_buf buf = PYOSSL_BUF_INIT;

    assert_ok(pyossl_revoked_serial(revoked, &buf));
    assert_text(&buf, serial);
    if (date != NULL) {
        assert_ok(pyossl_revoked_date(revoked, &buf));
        assert_text(&buf, date);
    } else {
        assert_fails(pyossl_revoked_date(revoked, &buf), PYOSSL_E_NOT_FOUND);
    }
    if (reason != NULL) {
        assert_ok(pyossl_revoked_reason(revoked, &buf));
        assert_text(&buf, reason);
    } else {
        assert_fails(pyossl_revoked_reason(revoked, &buf), PYOSSL_E_NOT_FOUND);
    }
    pyossl_buf_clear(&buf);
}

static void assert_entry_at(const pyossl_crl *crl, size_t index, const char *serial,
                            const char *date, const char *reason)
{
    pyossl_revoked *revoked = NULL;

    assert_ok(pyossl_crl_revoked_at(crl, index, &revoked));
    assert_entry(revoked, serial, date, reason);
    pyossl_revoked_unref(revoked);
}

/* A list by the intermediate, ready to be signed. */
static pyossl_crl *unsigned_list(void)
{
    pyossl_x509 *issuer = material_cert(DATA("intermediate.pem"));
    pyossl_name *name = NULL;
    pyossl_crl *crl = NULL;

    assert_ok(pyossl_crl_new(&crl));
    assert_ok(pyossl_crl_set_version(crl, 1));
    assert_ok(pyossl_x509_subject(issuer, &name));
    assert_ok(pyossl_crl_set_issuer(crl, name));
    assert_ok(pyossl_crl_set_last_update(crl, "20200101000000Z", 15));
    assert_ok(pyossl_crl_set_next_update(crl, "50000101000000Z", 15));
    pyossl_name_unref(name);
    pyossl_x509_unref(issuer);
    return crl;
}

static void add(pyossl_crl *crl, const char *serial, const char *date, const char *reason)
{
    pyossl_revoked *revoked = entry(serial, date, reason);

    assert_ok(pyossl_crl_add_revoked(crl, revoked));
    pyossl_revoked_unref(revoked);
}

/* ---- entries ---- */

static void test_a_new_entry_is_empty(void **state)
{
    pyossl_revoked *revoked = NULL;

    (void)state;
    assert_ok(pyossl_revoked_new(&revoked));
    assert_entry(revoked, "00", NULL, NULL);
    assert_ptr_equal(pyossl_revoked_ref(revoked), revoked);
    pyossl_revoked_unref(revoked);
    pyossl_revoked_unref(revoked);
    pyossl_revoked_unref(NULL);
}

static void test_serial_numbers_are_read_up_to_what_is_no_digit(void **state)
{
    static const struct {
        const char *in, *out; /* NULL: refused */
    } cases[] = {
        { "0", "00" },
        { "1", "01" },
        { "010B", "010B" },
        { "10b", "010B" },
        { "31ppp", "31" },
        { "0x10", "00" },
        { "-5", "-05" },
        { "-80", "-80" },
        { "FFFF", "FFFF" },
        { "00000001", "01" },
        { "12 34", "12" },
        { "pqrst", NULL },
        { "", NULL },
        { " 10", NULL },
        { "-", NULL },
        { "--1", NULL },
        { "123456789012345678901234567890123456789012",
          "123456789012345678901234567890123456789012" },
    };
    pyossl_revoked *revoked = NULL;

    (void)state;
    assert_ok(pyossl_revoked_new(&revoked));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_ok(pyossl_revoked_set_serial(revoked, "ABC"));
        if (cases[i].out != NULL)
            assert_ok(pyossl_revoked_set_serial(revoked, cases[i].in));
        else
            assert_fails(pyossl_revoked_set_serial(revoked, cases[i].in), PYOSSL_E_ARGUMENT);
        assert_entry(revoked, cases[i].out != NULL ? cases[i].out : "0ABC", NULL, NULL);
    }
    pyossl_revoked_unref(revoked);
}

static void test_dates_come_back_as_written(void **state)
{
    static const struct {
        const char *in;
        size_t len;
        const char *out;
    } cases[] = {
        { "20200102030405Z", 15, "20200102030405Z" },
        { "20200102030405+0530", 19, "20200102030405+0530" },
        { "200102030405Z", 13, "20200102030405Z" },
        { "foo bar", 7, NULL },
        { "", 0, NULL },
        { "20200102030405", 14, NULL },
        { "20200102030405Z\0", 16, NULL },
        { "20201302030405Z", 15, NULL },
    };
    pyossl_revoked *revoked = NULL;

    (void)state;
    assert_ok(pyossl_revoked_new(&revoked));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_ok(pyossl_revoked_set_date(revoked, "19990101000000Z", 15));
        if (cases[i].out != NULL)
            assert_ok(pyossl_revoked_set_date(revoked, cases[i].in, cases[i].len));
        else
            assert_fails(pyossl_revoked_set_date(revoked, cases[i].in, cases[i].len),
                         PYOSSL_E_ARGUMENT);
        assert_entry(revoked, "00", cases[i].out != NULL ? cases[i].out : "19990101000000Z", NULL);
    }
    pyossl_revoked_unref(revoked);
}

static void test_na_140_reasons_go_round(void **state)
{
    static const char *const shown[] = {
        "Unspecified", "Key Compromise",         "CA Compromise",    "Affiliation Changed",
        "Superseded",  "Cessation Of Operation", "Certificate Hold",
    };
    pyossl_revoked *revoked = NULL;

    (void)state;
    assert_ok(pyossl_revoked_new(&revoked));
    for (size_t i = 0; i < COUNT_OF(shown); i++) {
        assert_ok(pyossl_revoked_set_reason(revoked, pyossl_revoked_reason_name(i)));
        assert_entry(revoked, "00", NULL, shown[i]);
        assert_ok(pyossl_revoked_set_reason(revoked, "  unSPECified "));
        assert_ok(pyossl_revoked_set_reason(revoked, shown[i]));
        assert_entry(revoked, "00", NULL, shown[i]);
    }
    assert_int_equal(X509_REVOKED_get_ext_count(revoked->revoked), 1);
    assert_null(pyossl_revoked_reason_name(COUNT_OF(shown)));
    assert_null(pyossl_revoked_reason_name(SIZE_MAX));
    assert_string_equal(pyossl_revoked_reason_name(2), "CACompromise");

    assert_fails(pyossl_revoked_set_reason(revoked, "blue"), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_revoked_set_reason(revoked, ""), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_revoked_set_reason(revoked, "keyCompromis"), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_revoked_set_reason(revoked, "keyCompromised"), PYOSSL_E_ARGUMENT);
    assert_entry(revoked, "00", NULL, "Certificate Hold");
    assert_ok(pyossl_revoked_set_reason(revoked, NULL));
    assert_entry(revoked, "00", NULL, NULL);
    assert_ok(pyossl_revoked_set_reason(revoked, NULL));
    pyossl_revoked_unref(revoked);
}

static void add_ext(pyossl_revoked *revoked, int nid, const char *der, size_t len)
{
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    X509_EXTENSION *ext;

    assert_non_null(value);
    assert_int_equal(ASN1_OCTET_STRING_set(value, (const unsigned char *)der, (int)len), 1);
    ext = X509_EXTENSION_create_by_NID(NULL, nid, 0, value);
    assert_non_null(ext);
    assert_int_equal(X509_REVOKED_add_ext(revoked->revoked, ext, -1), 1);
    X509_EXTENSION_free(ext);
    ASN1_OCTET_STRING_free(value);
}

static void test_reasons_that_only_others_write(void **state)
{
    static const struct {
        const char *der;
        size_t len;
        const char *shown;
    } cases[] = {
        { "\x0a\x01\x08", 3, "Remove From CRL" },
        { "\x0a\x01\x09", 3, "Privilege Withdrawn" },
        { "\x0a\x01\x0a", 3, "AA Compromise" },
        { "bad", 3, "bad" },
        { "b\1d", 3, "b.d" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        pyossl_revoked *revoked = NULL;

        assert_ok(pyossl_revoked_new(&revoked));
        add_ext(revoked, NID_invalidity_date,
                "\x18\x0f"
                "20200101000000Z",
                17);
        add_ext(revoked, NID_crl_reason, cases[i].der, cases[i].len);
        assert_entry(revoked, "00", NULL, cases[i].shown);
        assert_ok(pyossl_revoked_set_reason(revoked, NULL));
        assert_int_equal(X509_REVOKED_get_ext_count(revoked->revoked), 1);
        pyossl_revoked_unref(revoked);
    }
}

/* ---- lists ---- */

static void test_a_new_list_is_empty(void **state)
{
    pyossl_buf buf = PYOSSL_BUF_INIT;
    pyossl_revoked *revoked = NULL;
    pyossl_name *name = NULL;
    pyossl_crl *crl = NULL;

    (void)state;
    assert_ok(pyossl_crl_new(&crl));
    assert_int_equal(pyossl_crl_count(crl), 0);
    assert_int_equal(pyossl_crl_version(crl), 0);
    assert_fails(pyossl_crl_last_update(crl, &buf), PYOSSL_E_NOT_FOUND);
    assert_fails(pyossl_crl_next_update(crl, &buf), PYOSSL_E_NOT_FOUND);
    assert_fails(pyossl_crl_revoked_at(crl, 0, &revoked), PYOSSL_E_NOT_FOUND);
    assert_fails(pyossl_crl_dump(crl, PYOSSL_PEM, &buf), PYOSSL_E_STATE);
    assert_fails(pyossl_crl_dump(crl, PYOSSL_DER, &buf), PYOSSL_E_STATE);
    assert_null(revoked);
    assert_null(buf.data);
    assert_ok(pyossl_crl_dump(crl, PYOSSL_TEXT, &buf));
    assert_non_null(strstr((const char *)buf.data, "No Revoked Certificates"));
    assert_ok(pyossl_crl_issuer(crl, &name));
    assert_int_equal(pyossl_name_count(name), 0);
    pyossl_name_unref(name);
    pyossl_buf_clear(&buf);
    assert_ptr_equal(pyossl_crl_ref(crl), crl);
    pyossl_crl_unref(crl);
    pyossl_crl_unref(crl);
    pyossl_crl_unref(NULL);
}

static void test_what_openssl_wrote_is_read_and_written_back(void **state)
{
    pyossl_buf pem = material_read(DATA("crl.pem")), der = material_read(DATA("crl.der"));
    pyossl_buf out = PYOSSL_BUF_INIT;
    pyossl_crl *crls[2] = { NULL, NULL };

    (void)state;
    assert_ok(pyossl_crl_load(&crls[0], PYOSSL_PEM, pem.data, pem.len));
    assert_ok(pyossl_crl_load(&crls[1], PYOSSL_DER, der.data, der.len));
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pyossl_crl_count(crls[i]), 2);
        assert_int_equal(pyossl_crl_version(crls[i]), 1);
        assert_entry_at(crls[i], 0, "17", "20200601000000Z", "Key Compromise");
        assert_entry_at(crls[i], 1, "63", "20200701000000Z", NULL);
        assert_ok(pyossl_crl_dump(crls[i], PYOSSL_PEM, &out));
        assert_buf_equal(&out, pem.data, pem.len);
        assert_ok(pyossl_crl_dump(crls[i], PYOSSL_DER, &out));
        assert_buf_equal(&out, der.data, der.len);
        assert_ok(pyossl_crl_dump(crls[i], PYOSSL_TEXT, &out));
        assert_non_null(strstr((const char *)out.data, "Key Compromise"));
        pyossl_crl_unref(crls[i]);
    }
    pyossl_buf_clear(&pem);
    pyossl_buf_clear(&der);
    pyossl_buf_clear(&out);
}

static void test_bad_input_is_refused(void **state)
{
    pyossl_buf pem = material_read(DATA("crl.pem")), der = material_read(DATA("crl.der"));
    pyossl_buf cert = material_read(DATA("root.pem")), other = material_read(DATA("root.der"));
    pyossl_crl *crl = NULL;

    (void)state;
    assert_fails(pyossl_crl_load(&crl, PYOSSL_PEM, NULL, 0), PYOSSL_E_FORMAT);
    assert_fails(pyossl_crl_load(&crl, PYOSSL_DER, NULL, 0), PYOSSL_E_FORMAT);
    assert_fails(pyossl_crl_load(&crl, PYOSSL_PEM, "garbage", 7), PYOSSL_E_FORMAT);
    assert_fails(pyossl_crl_load(&crl, PYOSSL_DER, "garbage", 7), PYOSSL_E_FORMAT);
    assert_fails(pyossl_crl_load(&crl, PYOSSL_DER, pem.data, pem.len), PYOSSL_E_FORMAT);
    assert_fails(pyossl_crl_load(&crl, PYOSSL_PEM, der.data, der.len), PYOSSL_E_FORMAT);
    assert_fails(pyossl_crl_load(&crl, PYOSSL_PEM, cert.data, cert.len), PYOSSL_E_FORMAT);
    assert_fails(pyossl_crl_load(&crl, PYOSSL_DER, other.data, other.len), PYOSSL_E_FORMAT);
    assert_fails(pyossl_crl_load(&crl, PYOSSL_TEXT, pem.data, pem.len), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_crl_load(&crl, (pyossl_format)100, pem.data, pem.len), PYOSSL_E_ARGUMENT);
    for (size_t len = 1; len < der.len; len += 7)
        assert_fails(pyossl_crl_load(&crl, PYOSSL_DER, der.data, len), PYOSSL_E_FORMAT);
    for (size_t len = 1; len < pem.len - 1; len += 13)
        assert_fails(pyossl_crl_load(&crl, PYOSSL_PEM, pem.data, len), PYOSSL_E_FORMAT);
    assert_null(crl);
    pyossl_buf_clear(&pem);
    pyossl_buf_clear(&der);
    pyossl_buf_clear(&cert);
    pyossl_buf_clear(&other);
}

static void test_dump_refuses_unknown_formats(void **state)
{
    pyossl_crl *crl = load(DATA("crl.pem"));
    pyossl_buf out = PYOSSL_BUF_INIT;

    (void)state;
    assert_fails(pyossl_crl_dump(crl, (pyossl_format)0, &out), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_crl_dump(crl, (pyossl_format)3, &out), PYOSSL_E_ARGUMENT);
    assert_null(out.data);
    pyossl_crl_unref(crl);
}

static void test_signatures_are_checked(void **state)
{
    pyossl_crl *crl = load(DATA("crl.pem"));
    pyossl_pkey *right = material_key(DATA("intermediate-key.pem"));
    pyossl_pkey *wrong = material_key(DATA("root-key.pem"));
    pyossl_pkey *other = material_key(DATA("other-root-key.pem"));
    pyossl_pkey *half = material_public(right);
    pyossl_crl *fresh = NULL;

    (void)state;
    assert_ok(pyossl_crl_verify(crl, right));
    assert_ok(pyossl_crl_verify(crl, half));
    assert_fails(pyossl_crl_verify(crl, wrong), PYOSSL_E_VERIFY);
    assert_fails(pyossl_crl_verify(crl, other), PYOSSL_E_VERIFY);
    assert_ok(pyossl_crl_new(&fresh));
    assert_fails(pyossl_crl_verify(fresh, right), PYOSSL_E_VERIFY);

    /* What was changed no longer fits, as the encoding is made again. */
    assert_ok(pyossl_crl_set_next_update(crl, "20300101000000Z", 15));
    assert_fails(pyossl_crl_verify(crl, right), PYOSSL_E_VERIFY);

    assert_fails(pyossl_crl_sign(crl, half, "sha256"), PYOSSL_E_STATE);
    assert_fails(pyossl_crl_sign(crl, right, "md99"), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_crl_sign(crl, right, NULL), PYOSSL_E_ARGUMENT);
    assert_ok(pyossl_crl_sign(crl, right, "sha384"));
    assert_ok(pyossl_crl_verify(crl, half));
    pyossl_crl_unref(fresh);
    pyossl_crl_unref(crl);
    pyossl_pkey_unref(right);
    pyossl_pkey_unref(wrong);
    pyossl_pkey_unref(other);
    pyossl_pkey_unref(half);
}

static void test_lists_are_signed_with_every_kind_of_key(void **state)
{
    static const struct {
        const char *key, *digest;
    } cases[] = {
        { DATA("rsa.pem"), "sha256" }, { DATA("rsa.pem"), "md5" },    { DATA("ec.pem"), "sha512" },
        { DATA("dsa.pem"), "sha256" }, { DATA("ed25519.pem"), NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        pyossl_crl *crl = unsigned_list(), *back = NULL;
        pyossl_pkey *key = material_key(cases[i].key);
        pyossl_buf der = PYOSSL_BUF_INIT;

        add(crl, "02", "20200102000000Z", NULL);
        assert_ok(pyossl_crl_sign(crl, key, cases[i].digest));
        assert_ok(pyossl_crl_dump(crl, PYOSSL_DER, &der));
        assert_ok(pyossl_crl_load(&back, PYOSSL_DER, der.data, der.len));
        assert_ok(pyossl_crl_verify(back, key));
        der.data[der.len - 1] ^= 1;
        pyossl_crl_unref(back);
        assert_ok(pyossl_crl_load(&back, PYOSSL_DER, der.data, der.len));
        assert_fails(pyossl_crl_verify(back, key), PYOSSL_E_VERIFY);
        pyossl_crl_unref(back);
        pyossl_crl_unref(crl);
        pyossl_pkey_unref(key);
        pyossl_buf_clear(&der);
    }
}

static void test_na_140_entries_are_copies_in_and_out(void **state)
{
    pyossl_pkey *key = material_key(DATA("intermediate-key.pem"));
    pyossl_crl *crl = unsigned_list();
    pyossl_revoked *revoked = entry("05", "20200105000000Z", "superseded"), *out = NULL;

    (void)state;
    assert_ok(pyossl_crl_add_revoked(crl, revoked));
    assert_ok(pyossl_revoked_set_serial(revoked, "03"));
    assert_ok(pyossl_revoked_set_reason(revoked, NULL));
    assert_ok(pyossl_crl_add_revoked(crl, revoked));
    assert_ok(pyossl_revoked_set_serial(revoked, "99"));
    assert_int_equal(pyossl_crl_count(crl), 2);
    assert_entry_at(crl, 0, "05", "20200105000000Z", "Superseded");
    assert_entry_at(crl, 1, "03", "20200105000000Z", NULL);

    assert_ok(pyossl_crl_revoked_at(crl, 0, &out));
    assert_ok(pyossl_revoked_set_serial(out, "77"));
    assert_entry_at(crl, 0, "05", "20200105000000Z", "Superseded");

    assert_ok(pyossl_crl_sign(crl, key, "sha256"));
    assert_entry_at(crl, 0, "03", "20200105000000Z", NULL);
    assert_entry_at(crl, 1, "05", "20200105000000Z", "Superseded");
    pyossl_crl_unref(crl);
    assert_entry(out, "77", "20200105000000Z", "Superseded");
    pyossl_revoked_unref(out);
    pyossl_revoked_unref(revoked);
    pyossl_pkey_unref(key);
}

static void test_an_entry_without_a_date_cannot_spoil_a_list(void **state)
{
    pyossl_revoked *revoked = entry("05", NULL, NULL);
    pyossl_crl *crl = unsigned_list();

    (void)state;
    assert_fails(pyossl_crl_add_revoked(crl, revoked), PYOSSL_E_STATE);
    assert_int_equal(pyossl_crl_count(crl), 0);
    pyossl_revoked_unref(revoked);
    pyossl_crl_unref(crl);
}

static void test_na_006_next_update_of_a_new_list_is_kept(void **state)
{
    pyossl_pkey *key = material_key(DATA("intermediate-key.pem"));
    pyossl_crl *crl = unsigned_list(), *back = NULL;
    pyossl_buf buf = PYOSSL_BUF_INIT;

    (void)state;
    assert_fails(pyossl_crl_set_next_update(crl, "never", 5), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_crl_set_last_update(crl, "", 0), PYOSSL_E_ARGUMENT);
    assert_ok(pyossl_crl_sign(crl, key, "sha256"));
    assert_ok(pyossl_crl_dump(crl, PYOSSL_DER, &buf));
    assert_ok(pyossl_crl_load(&back, PYOSSL_DER, buf.data, buf.len));
    assert_ok(pyossl_crl_next_update(back, &buf));
    assert_text(&buf, "50000101000000Z");
    assert_ok(pyossl_crl_last_update(back, &buf));
    assert_text(&buf, "20200101000000Z");
    assert_int_equal(pyossl_crl_version(back), 1);
    pyossl_buf_clear(&buf);
    pyossl_crl_unref(back);
    pyossl_crl_unref(crl);
    pyossl_pkey_unref(key);
}

static void test_each_change_of_a_loaded_list_is_encoded(void **state)
{
    pyossl_pkey *key = material_key(DATA("intermediate-key.pem"));
    pyossl_buf before = material_read(DATA("crl.der")), after = PYOSSL_BUF_INIT;
    pyossl_name *name = NULL;

    (void)state;
    assert_ok(pyossl_name_new(&name));
    assert_ok(pyossl_name_set(name, "CN", "changed", 7));
    for (int what = 0; what < 5; what++) {
        pyossl_crl *crl = load(DATA("crl.pem")), *back = NULL;

        if (what == 0)
            assert_ok(pyossl_crl_set_issuer(crl, name));
        if (what == 1)
            assert_ok(pyossl_crl_set_last_update(crl, "20210101000000Z", 15));
        if (what == 2)
            assert_ok(pyossl_crl_set_next_update(crl, "20310101000000Z", 15));
        if (what == 3)
            add(crl, "64", "20200801000000Z", NULL);
        if (what == 4)
            assert_ok(pyossl_crl_set_version(crl, 0));
        assert_ok(pyossl_crl_dump(crl, PYOSSL_DER, &after));
        assert_true(after.len != before.len || memcmp(after.data, before.data, after.len) != 0);
        assert_fails(pyossl_crl_verify(crl, key), PYOSSL_E_VERIFY);
        assert_ok(pyossl_crl_load(&back, PYOSSL_DER, after.data, after.len));
        assert_int_equal(pyossl_crl_count(back), what == 3 ? 3 : 2);
        pyossl_crl_unref(back);
        pyossl_crl_unref(crl);
    }
    pyossl_name_unref(name);
    pyossl_buf_clear(&before);
    pyossl_buf_clear(&after);
    pyossl_pkey_unref(key);
}

static void test_the_issuer_is_a_copy(void **state)
{
    pyossl_crl *crl = load(DATA("crl.pem"));
    pyossl_name *name = NULL, *again = NULL;
    pyossl_buf buf = PYOSSL_BUF_INIT;

    (void)state;
    assert_ok(pyossl_crl_issuer(crl, &name));
    assert_ok(pyossl_name_set(name, "CN", "changed", 7));
    assert_ok(pyossl_crl_issuer(crl, &again));
    assert_ok(pyossl_name_get(again, "CN", &buf));
    assert_string_not_equal((const char *)buf.data, "changed");
    pyossl_crl_unref(crl);
    assert_ok(pyossl_name_get(name, "CN", &buf));
    assert_text(&buf, "changed");
    pyossl_name_unref(name);
    pyossl_name_unref(again);
    pyossl_buf_clear(&buf);
}

static void test_na_140_many_entries(void **state)
{
    enum { COUNT = 20000 };
    pyossl_pkey *key = material_key(DATA("ec.pem"));
    pyossl_crl *crl = unsigned_list(), *back = NULL;
    pyossl_revoked *revoked = entry("01", "20200101000000Z", "superseded");
    pyossl_buf der = PYOSSL_BUF_INIT;
    char serial[16];

    (void)state;
    for (unsigned i = COUNT; i > 0; i--) {
        snprintf(serial, sizeof serial, "%X", i);
        assert_ok(pyossl_revoked_set_serial(revoked, serial));
        assert_ok(pyossl_crl_add_revoked(crl, revoked));
    }
    assert_ok(pyossl_crl_sign(crl, key, "sha256"));
    assert_ok(pyossl_crl_dump(crl, PYOSSL_DER, &der));
    assert_ok(pyossl_crl_load(&back, PYOSSL_DER, der.data, der.len));
    assert_int_equal(pyossl_crl_count(back), COUNT);
    assert_entry_at(back, 0, "01", "20200101000000Z", "Superseded");
    assert_entry_at(back, COUNT - 1, "4E20", "20200101000000Z", "Superseded");
    pyossl_buf_clear(&der);
    pyossl_revoked_unref(revoked);
    pyossl_crl_unref(back);
    pyossl_crl_unref(crl);
    pyossl_pkey_unref(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_new_entry_is_empty),
        cmocka_unit_test(test_serial_numbers_are_read_up_to_what_is_no_digit),
        cmocka_unit_test(test_dates_come_back_as_written),
        cmocka_unit_test(test_na_140_reasons_go_round),
        cmocka_unit_test(test_reasons_that_only_others_write),
        cmocka_unit_test(test_a_new_list_is_empty),
        cmocka_unit_test(test_what_openssl_wrote_is_read_and_written_back),
        cmocka_unit_test(test_bad_input_is_refused),
        cmocka_unit_test(test_dump_refuses_unknown_formats),
        cmocka_unit_test(test_signatures_are_checked),
        cmocka_unit_test(test_lists_are_signed_with_every_kind_of_key),
        cmocka_unit_test(test_na_140_entries_are_copies_in_and_out),
        cmocka_unit_test(test_an_entry_without_a_date_cannot_spoil_a_list),
        cmocka_unit_test(test_na_006_next_update_of_a_new_list_is_kept),
        cmocka_unit_test(test_each_change_of_a_loaded_list_is_encoded),
        cmocka_unit_test(test_the_issuer_is_a_copy),
        cmocka_unit_test(test_na_140_many_entries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
