#include "material.h"

#include "crypto/crypto.h"

static pyossl_pkcs7 *load(const char *path)
{
    const size_t len = strlen(path);
    const int is_der = strcmp(path + len - 4, ".der") == 0;
    pyossl_buf text = material_read(path);
    pyossl_pkcs7 *message = NULL;

    assert_ok(pyossl_pkcs7_load(&message, is_der ? PYOSSL_DER : PYOSSL_PEM, text.data, text.len));
    pyossl_buf_clear(&text);
    return message;
}

static size_t count_certs(const pyossl_pkcs7 *message)
{
    pyossl_x509_list list = PYOSSL_X509_LIST_INIT;
    size_t count;

    assert_ok(pyossl_pkcs7_certs(message, &list));
    count = list.count;
    pyossl_x509_list_clear(&list);
    return count;
}

static void test_kinds_and_certificates(void **state)
{
    static const struct {
        const char *path;
        pyossl_pkcs7_kind kind;
        const char *name;
        size_t certs;
    } cases[] = {
        { DATA("pkcs7-signed.pem"), PYOSSL_PKCS7_SIGNED, "pkcs7-signedData", 2 },
        { DATA("pkcs7-signed.der"), PYOSSL_PKCS7_SIGNED, "pkcs7-signedData", 2 },
        { DATA("pkcs7-certificates.pem"), PYOSSL_PKCS7_SIGNED, "pkcs7-signedData", 2 },
        { DATA("pkcs7-certificates.der"), PYOSSL_PKCS7_SIGNED, "pkcs7-signedData", 2 },
        { DATA("pkcs7-crl.pem"), PYOSSL_PKCS7_SIGNED, "pkcs7-signedData", 2 },
        { DATA("pkcs7-enveloped.pem"), PYOSSL_PKCS7_ENVELOPED, "pkcs7-envelopedData", 0 },
        { DATA("pkcs7-enveloped.der"), PYOSSL_PKCS7_ENVELOPED, "pkcs7-envelopedData", 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        pyossl_pkcs7 *message = load(cases[i].path);

        assert_int_equal(pyossl_pkcs7_type(message), cases[i].kind);
        assert_string_equal(pyossl_pkcs7_type_name(message), cases[i].name);
        assert_int_equal(count_certs(message), cases[i].certs);
        assert_ptr_equal(pyossl_pkcs7_ref(message), message);
        pyossl_pkcs7_unref(message);
        pyossl_pkcs7_unref(message);
    }
    pyossl_pkcs7_unref(NULL);
}

/* ContentInfo of each type, with and without content. */
static void test_na_137_members_are_never_taken_for_granted(void **state)
{
    static const struct {
        const char *der;
        size_t len;
        pyossl_pkcs7_kind kind;
        const char *name;
    } cases[] = {
#define OID(last) "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07" last
        { "\x30\x0b" OID("\x01"), 13, PYOSSL_PKCS7_DATA, "pkcs7-data" },
        { "\x30\x0b" OID("\x02"), 13, PYOSSL_PKCS7_SIGNED, "pkcs7-signedData" },
        { "\x30\x0b" OID("\x03"), 13, PYOSSL_PKCS7_ENVELOPED, "pkcs7-envelopedData" },
        { "\x30\x0b" OID("\x04"), 13, PYOSSL_PKCS7_SIGNED_AND_ENVELOPED,
          "pkcs7-signedAndEnvelopedData" },
        { "\x30\x0b" OID("\x05"), 13, PYOSSL_PKCS7_OTHER, "pkcs7-digestData" },
        { "\x30\x0b" OID("\x06"), 13, PYOSSL_PKCS7_OTHER, "pkcs7-encryptedData" },
        { "\x30\x0f" OID("\x01") "\xa0\x02\x04\x00", 17, PYOSSL_PKCS7_DATA, "pkcs7-data" },
        { "\x30\x06\x06\x04\x2a\x03\x04\x05", 8, PYOSSL_PKCS7_OTHER, "UNDEF" },
        { "\x30\x0a\x06\x04\x2a\x03\x04\x05\xa0\x02\x05\x00", 12, PYOSSL_PKCS7_OTHER, "UNDEF" },
#undef OID
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        pyossl_pkcs7 *message = NULL;
        pyossl_buf out = PYOSSL_BUF_INIT;

        assert_ok(pyossl_pkcs7_load(&message, PYOSSL_DER, cases[i].der, cases[i].len));
        assert_int_equal(pyossl_pkcs7_type(message), cases[i].kind);
        assert_string_equal(pyossl_pkcs7_type_name(message), cases[i].name);
        assert_int_equal(count_certs(message), 0);
        assert_ok(pyossl_pkcs7_dump(message, PYOSSL_DER, &out));
        assert_buf_equal(&out, cases[i].der, cases[i].len);
        assert_ok(pyossl_pkcs7_dump(message, PYOSSL_TEXT, &out));
        pyossl_buf_clear(&out);
        pyossl_pkcs7_unref(message);
    }
}

static void test_what_openssl_wrote_is_written_back(void **state)
{
    static const char *const names[][2] = {
        { DATA("pkcs7-certificates.pem"), DATA("pkcs7-certificates.der") },
        { DATA("pkcs7-signed.pem"), NULL },
        { DATA("pkcs7-enveloped.pem"), NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        pyossl_pkcs7 *message = load(names[i][0]);
        pyossl_buf expected = material_read(names[i][0]), out = PYOSSL_BUF_INIT;

        assert_ok(pyossl_pkcs7_dump(message, PYOSSL_PEM, &out));
        assert_buf_equal(&out, expected.data, expected.len);
        if (names[i][1] != NULL) {
            pyossl_buf_clear(&expected);
            expected = material_read(names[i][1]);
            assert_ok(pyossl_pkcs7_dump(message, PYOSSL_DER, &out));
            assert_buf_equal(&out, expected.data, expected.len);
        }
        assert_ok(pyossl_pkcs7_dump(message, PYOSSL_TEXT, &out));
        assert_non_null(strstr((const char *)out.data, pyossl_pkcs7_type_name(message)));
        assert_fails(pyossl_pkcs7_dump(message, (pyossl_format)0, &out), PYOSSL_E_ARGUMENT);
        pyossl_buf_clear(&expected);
        pyossl_buf_clear(&out);
        pyossl_pkcs7_unref(message);
    }
}

static void test_labels_that_others_write(void **state)
{
    static const char *const labels[] = { "PKCS7", "PKCS #7 SIGNED DATA", "CMS", "CERTIFICATE" };
    pyossl_buf der = material_read(DATA("pkcs7-certificates.der")), pem = PYOSSL_BUF_INIT;
    pyossl_pkcs7 *message = NULL;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(labels); i++) {
        assert_ok(osl_pem_write(labels[i], der.data, der.len, &pem));
        assert_ok(pyossl_pkcs7_load(&message, PYOSSL_PEM, pem.data, pem.len));
        assert_int_equal(count_certs(message), 2);
        pyossl_pkcs7_unref(message);
    }
    assert_ok(osl_pem_write("PKCS8", der.data, der.len, &pem));
    message = NULL;
    assert_fails(pyossl_pkcs7_load(&message, PYOSSL_PEM, pem.data, pem.len), PYOSSL_E_FORMAT);
    assert_null(message);
    pyossl_buf_clear(&der);
    pyossl_buf_clear(&pem);
}

static void test_bad_input_is_refused(void **state)
{
    pyossl_buf der = material_read(DATA("pkcs7-certificates.der"));
    pyossl_buf pem = material_read(DATA("pkcs7-certificates.pem"));
    pyossl_buf cert = material_read(DATA("root.der")), crl = material_read(DATA("crl.pem"));
    pyossl_pkcs7 *message = NULL;

    (void)state;
    assert_fails(pyossl_pkcs7_load(&message, PYOSSL_DER, NULL, 0), PYOSSL_E_FORMAT);
    assert_fails(pyossl_pkcs7_load(&message, PYOSSL_PEM, NULL, 0), PYOSSL_E_FORMAT);
    assert_fails(pyossl_pkcs7_load(&message, PYOSSL_PEM, "zip", 3), PYOSSL_E_FORMAT);
    assert_fails(pyossl_pkcs7_load(&message, PYOSSL_DER, "zip", 3), PYOSSL_E_FORMAT);
    assert_fails(pyossl_pkcs7_load(&message, PYOSSL_DER, "\x30\x00", 2), PYOSSL_E_FORMAT);
    assert_fails(pyossl_pkcs7_load(&message, PYOSSL_DER, cert.data, cert.len), PYOSSL_E_FORMAT);
    assert_fails(pyossl_pkcs7_load(&message, PYOSSL_PEM, crl.data, crl.len), PYOSSL_E_FORMAT);
    assert_fails(pyossl_pkcs7_load(&message, PYOSSL_DER, pem.data, pem.len), PYOSSL_E_FORMAT);
    assert_fails(pyossl_pkcs7_load(&message, PYOSSL_TEXT, pem.data, pem.len), PYOSSL_E_ARGUMENT);
    for (size_t len = 1; len < der.len; len += 11)
        assert_fails(pyossl_pkcs7_load(&message, PYOSSL_DER, der.data, len), PYOSSL_E_FORMAT);
    assert_null(message);
    pyossl_buf_clear(&der);
    pyossl_buf_clear(&pem);
    pyossl_buf_clear(&cert);
    pyossl_buf_clear(&crl);
}

static void test_certificates_make_a_message(void **state)
{
    pyossl_x509 *certs[2] = { material_cert(DATA("server.pem")),
                              material_cert(DATA("intermediate.pem")) };
    pyossl_buf expected = material_read(DATA("pkcs7-certificates.der")), out = PYOSSL_BUF_INIT;
    pyossl_x509_list list = PYOSSL_X509_LIST_INIT;
    pyossl_pkcs7 *message = NULL;
    pyossl_x509 *blank = NULL;

    (void)state;
    assert_ok(pyossl_pkcs7_new_certs(&message, certs, 2));
    assert_ok(pyossl_pkcs7_dump(message, PYOSSL_DER, &out));
    assert_buf_equal(&out, expected.data, expected.len);
    assert_ok(pyossl_pkcs7_certs(message, &list));
    assert_int_equal(list.count, 2);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pyossl_x509_equal(list.items[i], certs[i]), 1);

    /* What came out can be changed, and the message does not notice. */
    assert_ok(pyossl_x509_set_serial(list.items[0], "1234"));
    assert_ok(pyossl_x509_set_serial(certs[1], "5678"));
    assert_ok(pyossl_pkcs7_dump(message, PYOSSL_DER, &out));
    assert_buf_equal(&out, expected.data, expected.len);
    pyossl_pkcs7_unref(message);
    pyossl_x509_list_clear(&list);

    assert_ok(pyossl_pkcs7_new_certs(&message, certs, 0));
    assert_int_equal(pyossl_pkcs7_type(message), PYOSSL_PKCS7_SIGNED);
    assert_int_equal(count_certs(message), 0);
    pyossl_pkcs7_unref(message);

    message = NULL;
    assert_ok(pyossl_x509_new(&blank));
    assert_fails(pyossl_pkcs7_new_certs(&message, &blank, 1), PYOSSL_E_STATE);
    assert_null(message);
    pyossl_x509_unref(blank);
    pyossl_x509_unref(certs[0]);
    pyossl_x509_unref(certs[1]);
    pyossl_buf_clear(&expected);
    pyossl_buf_clear(&out);
}

/* ---- signatures ---- */

typedef struct signing {
    pyossl_x509 *cert, *root;
    pyossl_pkey *key;
    pyossl_store *store;
} signing;

static void signing_make(signing *own)
{
    own->cert = material_cert(DATA("client.pem"));
    own->root = material_cert(DATA("root.pem"));
    own->key = material_key(DATA("client-key.pem"));
    own->store = NULL;
    assert_ok(pyossl_store_new(&own->store));
    assert_ok(pyossl_store_add_cert(own->store, own->root));
}

static void signing_free(signing *own)
{
    pyossl_x509_unref(own->cert);
    pyossl_x509_unref(own->root);
    pyossl_pkey_unref(own->key);
    pyossl_store_unref(own->store);
}

static void test_na_232_signed_messages(void **state)
{
    static const unsigned flags[] = { 0, PYOSSL_PKCS7_BINARY, PYOSSL_PKCS7_NOATTR,
                                      PYOSSL_PKCS7_DETACHED | PYOSSL_PKCS7_BINARY };
    signing own;

    (void)state;
    signing_make(&own);
    for (size_t i = 0; i < COUNT_OF(flags); i++) {
        const bool apart = (flags[i] & PYOSSL_PKCS7_DETACHED) != 0;
        pyossl_buf content = PYOSSL_BUF_INIT;
        pyossl_pkcs7 *message = NULL;

        assert_ok(pyossl_pkcs7_sign(&message, own.cert, own.key, &own.root, 1, "data", 4, flags[i]));
        assert_int_equal(pyossl_pkcs7_type(message), PYOSSL_PKCS7_SIGNED);
        assert_int_equal(count_certs(message), 2);
        assert_ok(pyossl_pkcs7_verify(message, NULL, 0, NULL, apart ? "data" : NULL, apart ? 4 : 0,
                                      PYOSSL_PKCS7_NOVERIFY, &content));
        assert_buf_equal(&content, "data", 4);
        pyossl_buf_clear(&content);
        assert_fails(pyossl_pkcs7_verify(message, NULL, 0, NULL, apart ? "data" : NULL,
                                         apart ? 4 : 0, 0, &content),
                     PYOSSL_E_VERIFY);
        if (apart)
            assert_fails(pyossl_pkcs7_verify(message, NULL, 0, NULL, "Data", 4,
                                             PYOSSL_PKCS7_NOVERIFY, &content),
                         PYOSSL_E_VERIFY);
        assert_null(content.data);
        pyossl_pkcs7_unref(message);
    }
    signing_free(&own);
}

static void test_na_235_what_cannot_be_signed_or_verified(void **state)
{
    pyossl_pkey *other = material_key(DATA("root-key.pem"));
    pyossl_pkcs7 *message = NULL, *enveloped = load(DATA("pkcs7-enveloped.pem")), *bare = NULL;
    static const unsigned char no_content[] = { 0x30, 0x0b, 0x06, 0x09, 0x2a, 0x86, 0x48,
                                                0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02 };
    pyossl_buf content = PYOSSL_BUF_INIT;
    signing own;

    (void)state;
    signing_make(&own);
    assert_fails(pyossl_pkcs7_sign(&message, own.cert, other, NULL, 0, "data", 4, 0),
                 PYOSSL_E_OPENSSL);
    assert_fails(pyossl_pkcs7_sign(&message, own.cert, own.key, NULL, 0, "data", 4, 0x8000),
                 PYOSSL_E_ARGUMENT);
    assert_null(message);
    assert_fails(pyossl_pkcs7_verify(enveloped, NULL, 0, own.store, NULL, 0, 0, &content),
                 PYOSSL_E_ARGUMENT);
    assert_ok(pyossl_pkcs7_load(&bare, PYOSSL_DER, no_content, sizeof no_content));
    assert_fails(pyossl_pkcs7_verify(bare, NULL, 0, own.store, NULL, 0, PYOSSL_PKCS7_NOVERIFY,
                                     &content),
                 PYOSSL_E_ARGUMENT);
    assert_null(content.data);
    pyossl_pkcs7_unref(bare);
    pyossl_pkcs7_unref(enveloped);
    pyossl_pkey_unref(other);
    signing_free(&own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds_and_certificates),
        cmocka_unit_test(test_na_137_members_are_never_taken_for_granted),
        cmocka_unit_test(test_what_openssl_wrote_is_written_back),
        cmocka_unit_test(test_labels_that_others_write),
        cmocka_unit_test(test_bad_input_is_refused),
        cmocka_unit_test(test_certificates_make_a_message),
        cmocka_unit_test(test_na_232_signed_messages),
        cmocka_unit_test(test_na_235_what_cannot_be_signed_or_verified),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
