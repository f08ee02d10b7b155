#include "certs.h"

#include "crypto/crypto.h"
#include "oom.h"

static pyossl_ext *make(const char *type, int critical, const char *value)
{
    pyossl_ext *ext = NULL;

    assert_ok(pyossl_ext_new(&ext, type, critical, value, strlen(value), NULL, NULL));
    return ext;
}

static void assert_text(const pyossl_ext *ext, const char *expected)
{
    osl_auto_buf text = PYOSSL_BUF_INIT;

    assert_ok(pyossl_ext_text(ext, &text));
    assert_buf_text(text, expected);
    assert_int_equal(text.len, strlen(expected));
}

/* ---- making from words ---- */

static const struct {
    const char *type, *value, *text;
} words[] = {
    { "basicConstraints", "CA:TRUE, pathlen:0", "CA:TRUE, pathlen:0" },
    { "basicConstraints", "CA:false", "CA:FALSE" },
    { "keyUsage", "keyCertSign, cRLSign", "Certificate Sign, CRL Sign" },
    { "extendedKeyUsage", "serverAuth,1.2.3.4", "TLS Web Server Authentication, 1.2.3.4" },
    { "subjectAltName", "DNS:a.test, IP:192.0.2.1, IP:2001:db8::1",
      "DNS:a.test, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1" },
    { "subjectAltName", "email:a@b.test,URI:http://c.test/,RID:1.2.3",
      "email:a@b.test, URI:http://c.test/, Registered ID:1.2.3" },
    { "subjectKeyIdentifier", "01:02", "01:02" },
    { "crlDistributionPoints", "URI:http://a.test/x.crl", NULL },
    { "authorityInfoAccess", "OCSP;URI:http://a.test/", "OCSP - URI:http://a.test/" },
    { "nsComment", "free text", "free text" },
    { "nsCertType", "server", "SSL Server" },
    { "nameConstraints", "permitted;DNS:a.test", NULL },
    { "policyConstraints", "requireExplicitPolicy:3", "Require Explicit Policy:3" },
    { "inhibitAnyPolicy", "2", "2" },
    { "tlsfeature", "status_request", "status_request" },
};

static void test_words_without_a_certificate(void **state)
{
    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(words); i++) {
        osl_auto(pyossl_ext) *plain = make(words[i].type, 0, words[i].value);
        osl_auto(pyossl_ext) *critical = make(words[i].type, 1, words[i].value);
        osl_auto_buf text = PYOSSL_BUF_INIT;

        assert_string_equal(pyossl_ext_short_name(plain), words[i].type);
        assert_int_equal(pyossl_ext_critical(plain), 0);
        assert_int_equal(pyossl_ext_critical(critical), 1);
        assert_ok(pyossl_ext_text(plain, &text));
        assert_true(text.len > 0);
        if (words[i].text != NULL)
            assert_text(plain, words[i].text);
    }
}

static void test_data_of_basic_constraints(void **state)
{
    osl_auto(pyossl_ext) *yes = make("basicConstraints", 0, "CA:true");
    osl_auto(pyossl_ext) *no = make("basicConstraints", 0, "CA:false");
    osl_auto(pyossl_ext) *marked = make("basicConstraints", 0, "critical,CA:true");
    osl_auto_buf data = PYOSSL_BUF_INIT, oid = PYOSSL_BUF_INIT;

    (void)state;
    assert_ok(pyossl_ext_data(yes, &data));
    assert_buf(data, "0\x03\x01\x01\xff", 5);
    assert_ok(pyossl_ext_data(no, &data));
    assert_buf(data, "0\0", 2);
    assert_int_equal(pyossl_ext_critical(marked), 1);
    assert_ok(pyossl_ext_oid(yes, &oid));
    assert_buf_text(oid, "2.5.29.19");
}

static void test_na_128_na_132_words_that_are_refused(void **state)
{
    static const char *const bad[][2] = {
        { "thisIsMadeUp", "hi" },
        { "", "hi" },
        { "basicConstraints", "blah blah" },
        { "basicConstraints", "" },
        { "basicConstraints", "@section" },
        { "X509v3 Basic Constraints", "CA:TRUE" },
        { "2.5.29.19", "CA:TRUE" },
        { "keyUsage", "everything" },
        { "subjectAltName", "DNS" },
        { "subjectAltName", "dirName:section" },
        { "subjectAltName", "@section" },
        { "subjectAltName", "email:copy" },
        { "subjectAltName", "email:move" },
        { "issuerAltName", "issuer:copy" },
        { "subjectKeyIdentifier", "hash" },
        { "authorityKeyIdentifier", "keyid:always" },
        { "certificatePolicies", "@section" },
        { "crlDistributionPoints", "section" },
        { "authorityInfoAccess", "OCSP;dirName:section" },
        { "1.2.3.4", "text" },
        { "1.2.3.4", "ASN1:SEQUENCE:section" },
        { "1.2.3.4", "DER:0x" },
        { "proxyCertInfo", "language:id-ppl-anyLanguage,policy:file:/etc/hostname" },
        { "proxyCertInfo", "language:id-ppl-anyLanguage, policy : file:/etc/hostname" },
        { "proxyCertInfo", "@section" },
    };
    pyossl_ext *untouched = NULL;

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(bad); i++) {
        const char *value = bad[i][1];

        print_message("# %s=%s\n", bad[i][0], value);
        assert_fails(pyossl_ext_new(&untouched, bad[i][0], 0, value, strlen(value), NULL, NULL),
                     PYOSSL_E_OPENSSL);
        assert_fails(pyossl_ext_new(&untouched, bad[i][0], 1, value, strlen(value), NULL, NULL),
                     PYOSSL_E_OPENSSL);
    }
    /* Twice critical. */
    assert_fails(
        pyossl_ext_new(&untouched, "basicConstraints", 1, "critical,CA:TRUE", 16, NULL, NULL),
        PYOSSL_E_OPENSSL);
    assert_null(untouched);
}

static void test_na_105_nul_in_the_value(void **state)
{
    pyossl_ext *untouched = NULL;

    (void)state;
    assert_fails(pyossl_ext_new(&untouched, "nsComment", 0, "a\0b", 3, NULL, NULL),
                 PYOSSL_E_ARGUMENT);
    assert_fails(
        pyossl_ext_new(&untouched, "subjectAltName", 0, "DNS:good.test\0.evil", 19, NULL, NULL),
        PYOSSL_E_ARGUMENT);
    assert_null(untouched);
}

static void test_der_and_asn1_values(void **state)
{
    osl_auto(pyossl_ext) *der = make("1.2.3.4.5.6.7", 0, "DER:05:00");
    osl_auto(pyossl_ext) *asn1 = make("1.2.3.4", 1, "ASN1:UTF8String:x");
    osl_auto_buf data = PYOSSL_BUF_INIT, oid = PYOSSL_BUF_INIT;

    (void)state;
    assert_string_equal(pyossl_ext_short_name(der), "UNDEF");
    assert_ok(pyossl_ext_oid(der, &oid));
    assert_buf_text(oid, "1.2.3.4.5.6.7");
    assert_ok(pyossl_ext_data(der, &data));
    assert_buf(data, "\x05\0", 2);
    assert_int_equal(pyossl_ext_critical(asn1), 1);
    assert_ok(pyossl_ext_data(asn1, &data));
    assert_buf(data, "\x0c\x01x", 3);
}

/* ---- words that look at certificates ---- */

static void test_subject_and_issuer(void **state)
{
    osl_auto(pyossl_x509) *server = certs_good(DATA("server.pem")),
                          *ca = certs_good(DATA("intermediate.pem"));
    osl_auto(pyossl_ext) *hash = NULL, *keyid = NULL, *both = NULL, *unused = NULL;
    osl_auto_buf text = PYOSSL_BUF_INIT;

    (void)state;
    assert_ok(pyossl_ext_new(&hash, "subjectKeyIdentifier", 0, "hash", 4, server, NULL));
    assert_ok(pyossl_ext_text(hash, &text));
    assert_int_equal(text.len, 20 * 3 - 1);
    assert_ok(pyossl_ext_new(&keyid, "authorityKeyIdentifier", 0, "keyid:always", 12, server, ca));
    assert_ok(pyossl_ext_text(keyid, &text));
    assert_true(text.len >= 20 * 3 - 1);
    assert_ok(pyossl_ext_new(&both, "authorityKeyIdentifier", 0, "issuer:always", 13, NULL, ca));
    assert_ok(pyossl_ext_text(both, &text));
    assert_non_null(strstr((char *)text.data, "DirName:"));
    assert_ok(pyossl_ext_new(&unused, "nsComment", 0, "x", 1, server, ca));
    assert_text(unused, "x");
    /* What only reads them leaves them as loaded. */
    assert_true(server->der.len > 0 && ca->der.len > 0);
}

/* A certificate that is being built has a name and a key, but cannot be encoded. */
static void test_unfinished_subject_and_issuer(void **state)
{
    osl_auto(pyossl_x509) *cert = NULL;
    osl_auto(pyossl_pkey) *key = keys_good(DATA("ec.pem"));
    osl_auto(pyossl_name) *subject = NULL;
    osl_auto(pyossl_ext) *hash = NULL, *issuer = NULL;
    pyossl_ext *untouched = NULL;
    osl_auto_buf text = PYOSSL_BUF_INIT;

    (void)state;
    assert_ok(pyossl_x509_new(&cert));
    assert_fails(
        pyossl_ext_new(&untouched, "authorityKeyIdentifier", 0, "keyid:always", 12, NULL, cert),
        PYOSSL_E_OPENSSL);
    assert_ok(pyossl_x509_subject(cert, &subject));
    assert_ok(pyossl_name_set(subject, "CN", "Yoda root CA", 12));
    assert_ok(pyossl_x509_set_issuer(cert, subject));
    assert_ok(pyossl_x509_set_pubkey(cert, key));
    assert_ok(pyossl_ext_new(&hash, "subjectKeyIdentifier", 0, "hash", 4, cert, NULL));
    assert_ok(
        pyossl_ext_new(&issuer, "authorityKeyIdentifier", 0, "issuer:always", 13, NULL, cert));
    assert_ok(pyossl_ext_text(issuer, &text));
    assert_non_null(strstr((char *)text.data, "DirName:/CN=Yoda root CA"));
    assert_null(untouched);
}

static pyossl_x509 *with_addresses(void)
{
    pyossl_x509 *cert = NULL;
    osl_auto(pyossl_name) *subject = NULL;

    assert_ok(pyossl_x509_new(&cert));
    assert_ok(pyossl_x509_subject(cert, &subject));
    assert_ok(pyossl_name_set(subject, "CN", "x", 1));
    assert_ok(pyossl_name_add(subject, "emailAddress", "a@b.test", 8));
    return cert;
}

static void test_addresses_copied_and_moved(void **state)
{
    osl_auto(pyossl_x509) *cert = with_addresses();
    osl_auto(pyossl_name) *subject = NULL;
    osl_auto(pyossl_ext) *copied = NULL, *moved = NULL;
    pyossl_ext *untouched = NULL;

    (void)state;
    assert_ok(pyossl_x509_subject(cert, &subject));
    assert_ok(pyossl_ext_new(&copied, "subjectAltName", 0, "email:copy", 10, cert, NULL));
    assert_text(copied, "email:a@b.test");
    assert_int_equal(pyossl_name_count(subject), 2);
    /* A failure behind the move leaves the name alone. */
    assert_fails(
        pyossl_ext_new(&untouched, "subjectAltName", 0, "email:move,IP:bogus", 19, cert, NULL),
        PYOSSL_E_OPENSSL);
    assert_string_equal(pyossl_error_entry_at(pyossl_error_last(), 0)->library, "X509 V3 routines");
    assert_int_equal(pyossl_name_count(subject), 2);
    assert_null(untouched);
    if (!certs_openssl_moves_addresses()) {
        assert_fails(pyossl_ext_new(&moved, "subjectAltName", 0, "email:move", 10, cert, NULL),
                     PYOSSL_E_OPENSSL);
        assert_int_equal(pyossl_name_count(subject), 2);
        return;
    }
    assert_ok(pyossl_ext_new(&moved, "subjectAltName", 0, "email:move", 10, cert, NULL));
    assert_text(moved, "email:a@b.test");
    assert_int_equal(pyossl_name_count(subject), 1);
}

/* ---- text ---- */

/* The DER of a subjectAltName of one name with tag @tag. */
static pyossl_ext *one_name(int tag, const char *bytes, size_t len)
{
    unsigned char der[128] = { 0x30, (unsigned char)(len + 2), (unsigned char)tag,
                               (unsigned char)len };
    pyossl_ext *ext = NULL;

    assert_true(len < 120);
    memcpy(der + 4, bytes, len);
    assert_ok(pyossl_ext_new_der(&ext, "subjectAltName", 0, der, len + 4));
    return ext;
}

static void test_na_104_na_107_nul_in_subject_alt_name(void **state)
{
    osl_auto(pyossl_x509) *cert = certs_good(DATA("nul-in-san.pem"));
    osl_auto_buf text = PYOSSL_BUF_INIT, value = PYOSSL_BUF_INIT;
    size_t found = 0;

    (void)state;
    for (size_t i = 0; i < pyossl_x509_ext_count(cert); i++) {
        osl_auto(pyossl_ext) *ext = NULL;
        int type;

        assert_ok(pyossl_x509_ext_at(cert, i, &ext));
        if (strcmp(pyossl_ext_short_name(ext), "subjectAltName") != 0)
            continue;
        found++;
        assert_ok(pyossl_ext_text(ext, &text));
        assert_buf(text, "DNS:good.example.test\0.evil.test", 32);
        assert_ok(pyossl_ext_general_name_at(ext, 0, &type, &value));
        assert_int_equal(type, PYOSSL_GEN_DNS);
        assert_buf(value, "good.example.test\0.evil.test", 28);
    }
    assert_int_equal(found, 1);
}

/* The text can be made to lie; the names cannot. */
static void test_na_106_names_that_imitate_several(void **state)
{
    osl_auto(pyossl_ext) *ext = one_name(0x82, "x, DNS:evil.test", 16);
    osl_auto_buf value = PYOSSL_BUF_INIT;
    int type = -1;

    (void)state;
    assert_text(ext, "DNS:x, DNS:evil.test");
    assert_ok(pyossl_ext_general_name_at(ext, 0, &type, &value));
    assert_int_equal(type, PYOSSL_GEN_DNS);
    assert_buf(value, "x, DNS:evil.test", 16);
    assert_fails(pyossl_ext_general_name_at(ext, 1, &type, &value), PYOSSL_E_NOT_FOUND);
}

static void test_na_169_text_is_utf8(void **state)
{
    osl_auto(pyossl_ext) *good = one_name(0x81, "h\xc3\xa5@b.test", 10);
    osl_auto(pyossl_ext) *bad = one_name(0x86,
                                         "a\xe5\xff"
                                         "b\xc3",
                                         5);
    osl_auto(pyossl_ext) *comment = NULL;

    (void)state;
    assert_text(good, "email:h\xc3\xa5@b.test");
    assert_text(bad, "URI:a\\xE5\\xFFb\\xC3");
    assert_ok(pyossl_ext_new_der(&comment, "nsComment", 0,
                                 "\x16\x03"
                                 "a\xe5"
                                 "b",
                                 5));
    assert_text(comment, "a\\xE5b");
}

/* Names are looked for in these: bytes must not look like some. */
static void test_text_of_broken_names(void **state)
{
    static const char *const types[] = { "subjectAltName", "issuerAltName" };
    static const struct {
        const char *der;
        size_t len;
    } broken[] = { { "", 0 },          { "\x30", 1 },     { "\x30\x05", 2 },
                   { "\x04\x01x", 3 }, { "\x30\x80", 2 }, { "\x30\x03\x82\x05x", 5 } };
    pyossl_buf out = PYOSSL_BUF_INIT;

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(types); i++) {
        for (size_t j = 0; j < OSL_COUNT_OF(broken); j++) {
            osl_auto(pyossl_ext) *ext = NULL;

            assert_ok(pyossl_ext_new_der(&ext, types[i], 0, broken[j].der, broken[j].len));
            assert_fails(pyossl_ext_text(ext, &out), PYOSSL_E_FORMAT);
        }
    }
    assert_null(out.data);
}

/* ---- general names ---- */

static void test_general_names(void **state)
{
    osl_auto(pyossl_ext) *ext =
        make("subjectAltName", 0,
             "otherName:1.2.3.4;UTF8:x,email:a@b.test,DNS:a.test,URI:http://c.test/,"
             "IP:192.0.2.1,IP:::1,RID:1.2.3.4");
    static const struct {
        int type;
        const char *bytes;
        size_t len;
    } expected[] = {
        { PYOSSL_GEN_OTHER, "\xa0\x0a\x06\x03\x2a\x03\x04\xa0\x03\x0c\x01x", 12 },
        { PYOSSL_GEN_EMAIL, "a@b.test", 8 },
        { PYOSSL_GEN_DNS, "a.test", 6 },
        { PYOSSL_GEN_URI, "http://c.test/", 14 },
        { PYOSSL_GEN_IP, "\xc0\0\x02\x01", 4 },
        { PYOSSL_GEN_IP, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01", 16 },
        { PYOSSL_GEN_RID, "1.2.3.4", 7 },
    };
    osl_auto_buf value = PYOSSL_BUF_INIT;
    int type = -1;

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(expected); i++) {
        assert_ok(pyossl_ext_general_name_at(ext, i, &type, &value));
        assert_int_equal(type, expected[i].type);
        assert_buf(value, expected[i].bytes, expected[i].len);
    }
    assert_fails(pyossl_ext_general_name_at(ext, OSL_COUNT_OF(expected), &type, &value),
                 PYOSSL_E_NOT_FOUND);
    assert_fails(pyossl_ext_general_name_at(ext, SIZE_MAX, &type, &value), PYOSSL_E_NOT_FOUND);
    assert_int_equal(type, PYOSSL_GEN_RID);
    assert_buf_text(value, "1.2.3.4");
}

/* Names of the rare kinds, which no words of OpenSSL's make. */
static void test_na_131_general_names_from_der(void **state)
{
    static const unsigned char dir[] = { 0x30, 0x10, 0xa4, 0x0e, 0x30, 0x0c, 0x31, 0x0a, 0x30,
                                         0x08, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x01, 'x' };
    static const unsigned char x400[] = { 0x30, 0x04, 0xa3, 0x02, 0x30, 0x00 };
    static const unsigned char edi[] = { 0x30, 0x07, 0xa5, 0x05, 0xa1, 0x03, 0x0c, 0x01, 'p' };
    osl_auto(pyossl_ext) *ext_dir = NULL, *ext_x400 = NULL, *ext_edi = NULL;
    osl_auto_buf value = PYOSSL_BUF_INIT;
    int type = -1;

    (void)state;
    assert_ok(pyossl_ext_new_der(&ext_dir, "issuerAltName", 0, dir, sizeof dir));
    assert_ok(pyossl_ext_general_name_at(ext_dir, 0, &type, &value));
    assert_int_equal(type, PYOSSL_GEN_DIR);
    assert_buf(value, dir + 4, sizeof dir - 4);
    assert_ok(pyossl_ext_new_der(&ext_x400, "subjectAltName", 0, x400, sizeof x400));
    assert_ok(pyossl_ext_general_name_at(ext_x400, 0, &type, &value));
    assert_int_equal(type, PYOSSL_GEN_X400);
    assert_int_equal(value.data[0], 0xa3);
    assert_text(ext_x400, "X400Name:<unsupported>");
    assert_ok(pyossl_ext_new_der(&ext_edi, "subjectAltName", 0, edi, sizeof edi));
    assert_ok(pyossl_ext_general_name_at(ext_edi, 0, &type, &value));
    assert_int_equal(type, PYOSSL_GEN_EDI);
    assert_buf(value, edi + 2, sizeof edi - 2);
}

static void test_general_names_of_other_extensions(void **state)
{
    osl_auto(pyossl_ext) *ext = make("basicConstraints", 0, "CA:TRUE");
    osl_auto(pyossl_ext) *broken = NULL;
    pyossl_buf value = PYOSSL_BUF_INIT;
    int type = -1;

    (void)state;
    assert_fails(pyossl_ext_general_name_at(ext, 0, &type, &value), PYOSSL_E_ARGUMENT);
    assert_ok(pyossl_ext_new_der(&broken, "subjectAltName", 0, "\x30\x05", 2));
    assert_fails(pyossl_ext_general_name_at(broken, 0, &type, &value), PYOSSL_E_FORMAT);
    assert_int_equal(type, -1);
    assert_null(value.data);
}

/* Whatever bytes stand in an extension, asking about it must end well. */
static void test_na_131_mutated_extensions(void **state)
{
    osl_auto(pyossl_x509) *cert = certs_good(DATA("server.pem"));
    static const char *const values[][2] = {
        { "subjectAltName", "DNS:a.test,email:b@c.test,IP:::1,RID:1.2.3,otherName:1.2.3;UTF8:x" },
        { "crlDistributionPoints", "URI:http://a.test/x.crl" },
        { "nameConstraints", "permitted;IP:192.0.2.0/255.255.255.0" },
        { "authorityInfoAccess", "caIssuers;URI:http://a.test/" },
        { "certificatePolicies", "DER:30:07:30:05:06:03:2A:03:04" },
        { "proxyCertInfo", "DER:30:0C:30:0A:06:08:2B:06:01:05:05:07:15:01" },
    };
    uint32_t seed = 4242;
    size_t readable = 0;

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(values); i++) {
        osl_auto(pyossl_ext) *whole = NULL;
        osl_auto_buf der = PYOSSL_BUF_INIT;

        assert_ok(pyossl_ext_new(&whole, values[i][0], 0, values[i][1], strlen(values[i][1]), cert,
                                 NULL));
        assert_ok(pyossl_ext_data(whole, &der));
        for (int round = 0; round < 4000; round++) {
            osl_auto(pyossl_ext) *ext = NULL;
            osl_auto_buf out = PYOSSL_BUF_INIT;
            unsigned char *copy = osl_memdup(der.data, der.len);
            size_t len = der.len;
            int type;

            for (int change = 0; change < 2; change++) {
                seed = seed * 1664525 + 1013904223;
                copy[(seed >> 8) % der.len] = (unsigned char)(seed >> 24);
            }
            if (round % 8 == 0)
                len = (seed >> 4) % der.len;
            assert_ok(pyossl_ext_new_der(&ext, values[i][0], 0, copy, len));
            OPENSSL_free(copy);
            if (pyossl_ext_text(ext, &out) == PYOSSL_OK)
                readable++;
            assert_int_equal(ERR_peek_error(), 0);
            for (size_t j = 0; pyossl_ext_general_name_at(ext, j, &type, &out) == PYOSSL_OK; j++)
                assert_between(type, PYOSSL_GEN_OTHER, PYOSSL_GEN_RID);
            assert_int_equal(ERR_peek_error(), 0);
        }
    }
    assert_true(readable > 1000);
}

/* ---- from DER ---- */

static void test_na_133_new_der(void **state)
{
    osl_auto(pyossl_ext) *known = NULL, *dotted = NULL, *empty = NULL;
    pyossl_ext *untouched = NULL;
    osl_auto_buf data = PYOSSL_BUF_INIT;

    (void)state;
    assert_ok(pyossl_ext_new_der(&known, "basicConstraints", 1, "0\0", 2));
    assert_string_equal(pyossl_ext_short_name(known), "basicConstraints");
    assert_int_equal(pyossl_ext_nid(known), NID_basic_constraints);
    assert_int_equal(pyossl_ext_critical(known), 1);
    assert_ok(pyossl_ext_new_der(&dotted, "1.3.6.1.4.1.99999.1", 42, "any\0thing", 9));
    assert_string_equal(pyossl_ext_short_name(dotted), "UNDEF");
    assert_int_equal(pyossl_ext_nid(dotted), NID_undef);
    assert_int_equal(pyossl_ext_critical(dotted), 1);
    assert_ok(pyossl_ext_data(dotted, &data));
    assert_buf(data, "any\0thing", 9);
    assert_ok(pyossl_ext_new_der(&empty, "2.5.29.17", 0, NULL, 0));
    assert_ok(pyossl_ext_data(empty, &data));
    assert_int_equal(data.len, 0);
    assert_fails(pyossl_ext_new_der(&untouched, "noSuchThing", 0, "0\0", 2), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_ext_new_der(&untouched, "", 0, "0\0", 2), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_ext_new_der(&untouched, "1.", 0, "0\0", 2), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_ext_new_der(&untouched, "2.5.29.17", 0, "x", (size_t)INT32_MAX + 1),
                 PYOSSL_E_ARGUMENT);
    assert_null(untouched);
}

static void test_references(void **state)
{
    pyossl_ext *ext = make("nsComment", 0, "x");

    (void)state;
    assert_ptr_equal(pyossl_ext_ref(ext), ext);
    pyossl_ext_unref(ext);
    assert_text(ext, "x");
    pyossl_ext_unref(ext);
    pyossl_ext_unref(NULL);
}

static void test_na_039_ten_thousand_names(void **state)
{
    static const char item[] = "DNS:host.example.test,";
    const size_t size = sizeof item - 1;
    char *value = malloc(10000 * size);
    osl_auto(pyossl_ext) *ext = NULL;
    osl_auto_buf text = PYOSSL_BUF_INIT;

    (void)state;
    for (size_t i = 0; i < 10000; i++)
        memcpy(value + i * size, item, size);
    assert_ok(pyossl_ext_new(&ext, "subjectAltName", 0, value, 10000 * size - 1, NULL, NULL));
    assert_ok(pyossl_ext_text(ext, &text));
    assert_int_equal(text.len, 10000 * (size + 1) - 2);
    free(value);
}

static pyossl_status scenario(void *arg)
{
    osl_auto(pyossl_ext) *ext = NULL, *der = NULL, *moved = NULL;
    osl_auto_buf out = PYOSSL_BUF_INIT;
    int type;

    OSL_TRY(pyossl_ext_new(&ext, "subjectAltName", 1, "DNS:a.test,RID:1.2.3", 20, NULL, NULL));
    OSL_TRY(pyossl_ext_text(ext, &out));
    OSL_TRY(pyossl_ext_general_name_at(ext, 1, &type, &out));
    OSL_TRY(pyossl_ext_new(&moved, "subjectAltName", 0, "DNS:email.move", 14, arg, NULL));
    OSL_TRY(pyossl_ext_oid(ext, &out));
    OSL_TRY(pyossl_ext_new_der(&der, "1.2.3.4", 0, "x", 1));
    return pyossl_ext_data(der, &out);
}

static void test_na_006_every_allocation_may_fail(void **state)
{
    osl_auto(pyossl_x509) *cert = with_addresses();
    const oom_scenario sweep = {
        .name = "extensions", .run = scenario, .arg = cert, .any_error = 1, .theirs = 8
    };

    (void)state;
    assert_int_equal(oom_sweep(&sweep), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_without_a_certificate),
        cmocka_unit_test(test_data_of_basic_constraints),
        cmocka_unit_test(test_na_128_na_132_words_that_are_refused),
        cmocka_unit_test(test_na_105_nul_in_the_value),
        cmocka_unit_test(test_der_and_asn1_values),
        cmocka_unit_test(test_subject_and_issuer),
        cmocka_unit_test(test_unfinished_subject_and_issuer),
        cmocka_unit_test(test_addresses_copied_and_moved),
        cmocka_unit_test(test_na_104_na_107_nul_in_subject_alt_name),
        cmocka_unit_test(test_na_106_names_that_imitate_several),
        cmocka_unit_test(test_na_169_text_is_utf8),
        cmocka_unit_test(test_text_of_broken_names),
        cmocka_unit_test(test_general_names),
        cmocka_unit_test(test_na_131_general_names_from_der),
        cmocka_unit_test(test_general_names_of_other_extensions),
        cmocka_unit_test(test_na_131_mutated_extensions),
        cmocka_unit_test(test_na_133_new_der),
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_na_039_ten_thousand_names),
        cmocka_unit_test(test_na_006_every_allocation_may_fail),
    };

    oom_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
