/* Files and certificates of the usual shape, and what is near to it. */
#include "certs.h"

#include "crypto/bundle.h"

/* ---- PEM ---- */

#define BEGIN   "-----BEGIN CERTIFICATE-----"
#define END     "-----END CERTIFICATE-----"
#define FULL    "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuv"

static void test_blocks(void **state)
{
    static const struct {
        const char *text, *decoded; /* NULL: this is for OpenSSL to judge */
    } table[] = {
        { BEGIN "\n" FULL "\nd3g=\n" END "\n", LETTERS "wx" },
        { BEGIN "\r\n" FULL "\r\nd3g=\r\n" END "\r\n", LETTERS "wx" },
        { BEGIN "\n" FULL "\nd3g=\n" END, LETTERS "wx" },
        { "a comment\n\n" BEGIN "\nd3g=\n" END "\n", "wx" },
        { BEGIN "\nd3g=\n", NULL },             /* it does not end */
        { BEGIN "\n", NULL },                   /* nor does this */
        { BEGIN "\n" FULL "d3g=\n" END, NULL }, /* a line that is too long */
        { BEGIN "\nd3g\n" END, NULL },          /* and one that ends inside of four */
        { BEGIN "\nd3g=\nd3g=\n" END, NULL },   /* a short line that is not the last */
        { BEGIN "\n\nd3g=\n" END, NULL },
        { BEGIN "\nd3*=\n" END, NULL },
        { "-----BEGIN X509 CRL-----\nd3g=\n-----END X509 CRL-----\n", NULL },
    };

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(table); i++) {
        osl_auto_buf text = PYOSSL_BUF_INIT;
        unsigned char out[256];
        size_t at = 0, used = 0;
        bool found;

        assert_ok(osl_buf_set(&text, table[i].text, strlen(table[i].text)));
        found = osl_plain_pem_next(&text, &at, out, &used);
        assert_int_equal(found, table[i].decoded != NULL);
        if (found) {
            assert_int_equal(used, strlen(table[i].decoded));
            assert_memory_equal(out, table[i].decoded, used);
            assert_false(osl_plain_pem_next(&text, &at, out, &used));
            assert_int_equal(at, text.len);
        } else {
            assert_int_not_equal(at, text.len);
        }
    }
}

/* ---- certificates ---- */

/* A certificate of somebody with this name, without an extension. */
static void make_cert(pyossl_buf *der, int type, const char *name)
{
    osl_auto(pyossl_pkey) *key = keys_good(DATA("ec.pem"));
    osl_auto(X509) *cert = X509_new();
    osl_auto(X509_NAME) *subject = test_name_of(NID_commonName, type, name);
    int len;

    assert_int_equal(X509_set_subject_name(cert, subject), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), 0));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), 60));
    assert_int_equal(X509_set_pubkey(cert, key->key), 1);
    assert_true(X509_sign(cert, key->key, EVP_sha256()) > 0);
    len = i2d_X509(cert, &der->data);
    assert_true(len > 0);
    der->len = (size_t)len;
}

static unsigned char *find(const pyossl_buf *in, const char *bytes, size_t len)
{
    unsigned char *at = in->data;

    while (memcmp(at, bytes, len) != 0)
        assert_true((size_t)(++at - in->data) + len <= in->len);
    return at;
}

/* What OpenSSL takes is taken, usual or not, and the subject found. */
static void test_names(void **state)
{
    static const struct {
        int type;
        const char *name;
    } table[] = {
        { V_ASN1_UTF8STRING, "plain" },
        { V_ASN1_UTF8STRING, "\xc3\xa9t\xc3\xa9" }, /* two bytes a letter */
        { V_ASN1_UTF8STRING, "5 \xe2\x82\xac" },    /* three */
        { V_ASN1_UTF8STRING, "\xf0\x9f\x94\x91" },  /* four */
        { V_ASN1_PRINTABLESTRING, "caf\xe9" },      /* no letter of that alphabet */
        { V_ASN1_T61STRING, "caf\xe9" },
        { V_ASN1_BMPSTRING, "\x20\xac" },
    };

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(table); i++) {
        osl_auto_buf der = PYOSSL_BUF_INIT;
        osl_auto(X509) *cert = NULL;
        const unsigned char *at;
        osl_der subject, span;
        const unsigned char *name;
        size_t name_len;

        make_cert(&der, table[i].type, table[i].name);
        at = der.data;
        cert = d2i_X509(NULL, &at, (long)der.len);
        assert_non_null(cert);
        span = (osl_der){ der.data, der.len };
        assert_true(osl_plain_certificate(&span, &subject));
        assert_int_equal(X509_NAME_get0_der(X509_get_subject_name(cert), &name, &name_len), 1);
        assert_int_equal(subject.len, name_len);
        assert_memory_equal(subject.at, name, name_len);
        assert_int_equal(ERR_peek_error(), 0);
    }
}

/* An arc of an object identifier that begins with a nought: OpenSSL takes none, and neither do we.
 */
static void test_object_identifiers(void **state)
{
    osl_auto_buf der = PYOSSL_BUF_INIT;
    unsigned char *at;
    osl_der subject, span;

    (void)state;
    make_cert(&der, V_ASN1_UTF8STRING, "plain");
    span = (osl_der){ der.data, der.len };
    assert_true(osl_plain_certificate(&span, &subject));
    at = find(&der, "\x06\x03\x55\x04\x03", 5);
    at[3] = 0x80;
    assert_false(osl_plain_certificate(&span, &subject));
    at[3] = 0x04;
    at[4] = 0x83; /* one that does not end */
    assert_false(osl_plain_certificate(&span, &subject));
    at[4] = 0x03;
    assert_true(osl_plain_certificate(&span, &subject));
    assert_int_equal(ERR_peek_error(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_object_identifiers),
    };

    return cmocka_run_group_tests_name("plain", tests, NULL, NULL);
}
