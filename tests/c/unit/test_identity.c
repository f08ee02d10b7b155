/* Host names and addresses: what can be asked for, and which certificates answer. */
#include "test.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "ssl/tls.h"

#define A63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define NAME253                                                                                    \
    A63 "." A63 "." A63 "."                                                                        \
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* ---- what can be constructed ---- */

/* The length counts, so that a NUL can be part of a name. */
#define TEXT(literal) literal, sizeof(literal) - 1

static const struct {
    const char *name;
    size_t len;
    const char *hostname; /* what is compared with dNSNames; NULL for an address */
    size_t ip_len;
    const char *ip;
} good_names[] = {
    { TEXT("example.test"), "example.test", 0, "" },
    { TEXT("localhost"), "localhost", 0, "" },
    { TEXT("EXAMPLE.test"), "EXAMPLE.test", 0, "" },
    { TEXT("example.test."), "example.test", 0, "" }, /* NA-113 */
    { TEXT("a"), "a", 0, "" },
    { TEXT("1.a"), "1.a", 0, "" },
    { TEXT("a-b.example"), "a-b.example", 0, "" },
    { TEXT("_dmarc.example"), "_dmarc.example", 0, "" },
    { TEXT("xn--bcher-kva.example"), "xn--bcher-kva.example", 0, "" },
    { TEXT("1a.2b"), "1a.2b", 0, "" },
    { TEXT("0xg"), "0xg", 0, "" },
    { TEXT(A63), A63, 0, "" },
    { TEXT(NAME253), NAME253, 0, "" },
    { TEXT(NAME253 "."), NAME253, 0, "" },
    { TEXT("192.0.2.1"), NULL, 4, "\xc0\x00\x02\x01" },
    { TEXT("0.0.0.0"), NULL, 4, "\0\0\0\0" },
    { TEXT("255.255.255.255"), NULL, 4, "\xff\xff\xff\xff" },
    { TEXT("192.0.2.1."), NULL, 4, "\xc0\x00\x02\x01" },
    { TEXT("::"), NULL, 16, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" },
    { TEXT("::1"), NULL, 16, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1" },
    { TEXT("1::"), NULL, 16, "\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0" },
    { TEXT("2001:db8::1"), NULL, 16, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1" },
    { TEXT("2001:DB8:0:0:0:0:0:1"), NULL, 16, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1" },
    { TEXT("1:2:3:4:5:6:7:8"), NULL, 16, "\0\1\0\2\0\3\0\4\0\5\0\6\0\7\0\x8" },
    { TEXT("1:2:3:4:5:6:7::"), NULL, 16, "\0\1\0\2\0\3\0\4\0\5\0\6\0\7\0\0" },
    { TEXT("::2:3:4:5:6:7:8"), NULL, 16, "\0\0\0\2\0\3\0\4\0\5\0\6\0\7\0\x8" },
    { TEXT("::ffff:192.0.2.1"), NULL, 16, "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\x02\x01" },
    { TEXT("1:2:3:4:5:6:192.0.2.1"), NULL, 16, "\0\1\0\2\0\3\0\4\0\5\0\6\xc0\0\x02\x01" },
    { TEXT("64:ff9b::192.0.2.33"), NULL, 16, "\0\x64\xff\x9b\0\0\0\0\0\0\0\0\xc0\0\x02\x21" },
};

static const struct {
    const char *name;
    size_t len;
} bad_names[] = {
    { TEXT("") }, /* NA-108: OpenSSL would check nothing */
    { TEXT(".") },
    { TEXT("..") },
    { TEXT("\0") },
    { TEXT("good.example\0.evil.example") }, /* NA-104, NA-105 */
    { TEXT("good.example\0") },
    { TEXT("\0good.example") },
    { TEXT(".example.com") }, /* NA-109 */
    { TEXT(".com") },
    { TEXT("example..com") },
    { TEXT("example.com..") },
    { TEXT("a" NAME253) },
    { TEXT("a" A63 ".example") },
    { TEXT("example.a" A63) },
    { TEXT("*.example.com") },
    { TEXT("*") },
    { TEXT("f*.example.com") },
    { TEXT("exa mple.com") },
    { TEXT(" example.com") },
    { TEXT("example.com ") },
    { TEXT("example.com\n") },
    { TEXT("example.com:443") },
    { TEXT("user@example.com") },
    { TEXT("https://example.com/") },
    { TEXT("b\xc3\xbc"
           "cher.example") }, /* wants its A-label */
    { TEXT("example\xff.com") },
    { TEXT("exa,mple.com") },
    { TEXT("127.1") }, /* NA-111: old notations of addresses */
    { TEXT("2130706433") },
    { TEXT("0x7f000001") },
    { TEXT("0x7f.0.0.1") },
    { TEXT("0x") },
    { TEXT("010.0.0.1") },
    { TEXT("1.2.3.256") },
    { TEXT("1.2.3.4.5") },
    { TEXT("example.1") },
    { TEXT("[::1]") },
    { TEXT("fe80::1%eth0") },
    { TEXT(":") },
    { TEXT(":::") },
    { TEXT("::1::") },
    { TEXT(":1:2:3:4:5:6:7") },
    { TEXT("1:2:3:4:5:6:7:") },
    { TEXT("1:2:3:4:5:6:7") },
    { TEXT("1:2:3:4:5:6:7:8:9") },
    { TEXT("::1:2:3:4:5:6:7:8") },
    { TEXT("1:2:3:4::5:6:7:8") },
    { TEXT("12345::1") },
    { TEXT("::g") },
    { TEXT("::192.0.2.256") },
    { TEXT("::192.0.2.1:1") },
    { TEXT("1:2:3:4:5:6:7:192.0.2.1") },
};

static void test_na_113_good_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(good_names); i++) {
        osl_auto(osl_identity) *identity = NULL;

        assert_ok(osl_identity_hostname(&identity, good_names[i].name, good_names[i].len, 0));
        assert_int_equal(identity->ip_len, good_names[i].ip_len);
        assert_memory_equal(identity->ip, good_names[i].ip, good_names[i].ip_len);
        if (good_names[i].hostname != NULL)
            assert_string_equal(identity->hostname, good_names[i].hostname);
        else
            assert_null(identity->hostname);
    }
}

static void test_na_108_na_109_na_111_bad_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(bad_names); i++) {
        osl_identity *identity = (osl_identity *)&bad_names;

        if (osl_identity_hostname(&identity, bad_names[i].name, bad_names[i].len, 0) == PYOSSL_OK)
            fail_msg("accepted: %s (row %zu)", bad_names[i].name, i);
        assert_fails(osl_identity_hostname(&identity, bad_names[i].name, bad_names[i].len, 0),
                     PYOSSL_E_ARGUMENT);
        assert_ptr_equal(identity, &bad_names);
    }
}

static void test_unknown_flags_are_refused(void **state)
{
    osl_identity *identity = NULL;

    (void)state;
    assert_fails(osl_identity_hostname(&identity, TEXT("example.test"), 8), PYOSSL_E_ARGUMENT);
    assert_null(identity);
}

static void test_na_108_addresses(void **state)
{
    static const char *const bad[] = { "",         "bogus",     "localhost", "1.2.3",
                                       "1.2.3.4 ", " 1.2.3.4",  "1.2.3.4.",  "[::1]",
                                       "01.2.3.4", "1.2.3.0x4", "::1%1",     "1.2.3.4\n",
                                       "+1.2.3.4", "1..2.3",    "1.2.3.-4",  "::1/128" };
    osl_identity *identity = NULL;

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(bad); i++) {
        assert_fails(osl_identity_ip(&identity, bad[i], strlen(bad[i])), PYOSSL_E_ARGUMENT);
        assert_null(identity);
    }
    assert_fails(osl_identity_ip(&identity, TEXT("127.0.0.1\0")), PYOSSL_E_ARGUMENT);
    for (size_t i = 0; i < OSL_COUNT_OF(good_names); i++) {
        osl_auto(osl_identity) *made = NULL;
        const char *name = good_names[i].name;

        if (good_names[i].hostname != NULL || name[good_names[i].len - 1] == '.')
            continue;
        assert_ok(osl_identity_ip(&made, name, good_names[i].len));
        assert_int_equal(made->ip_len, good_names[i].ip_len);
        assert_memory_equal(made->ip, good_names[i].ip, made->ip_len);
    }
}

/* ---- matching ---- */

enum {
    COMMON_NAME = PYOSSL_HOST_ALLOW_COMMON_NAME,
    PARTIAL = PYOSSL_HOST_ALLOW_PARTIAL_WILDCARDS,
    NO_WILDCARDS = PYOSSL_HOST_NO_WILDCARDS
};

/*
 * What a certificate says: a common name, and alternative names in the words of
 * x509v3_config(5); and whether a name is one of them.
 */
static const struct {
    const char *common_name, *alternatives;
    const char *name;
    unsigned flags;
    bool matches;
} pairs[] = {
    { NULL, "DNS:www.example.test", "www.example.test", 0, true },
    { NULL, "DNS:www.example.test", "WWW.Example.TEST", 0, true },
    { NULL, "DNS:WWW.Example.TEST", "www.example.test", 0, true },
    { NULL, "DNS:www.example.test", "www.example.test.", 0, true },
    { NULL, "DNS:www.example.test", "example.test", 0, false },
    { NULL, "DNS:www.example.test", "a.www.example.test", 0, false },
    { NULL, "DNS:example.test", "www.example.test", 0, false },
    { NULL, "DNS:a.test, DNS:b.test", "b.test", 0, true },
    { NULL, "DNS:*.example.test", "www.example.test", 0, true },
    { NULL, "DNS:*.example.test", "example.test", 0, false },
    { NULL, "DNS:*.example.test", "a.b.example.test", 0, false },
    { NULL, "DNS:*.example.test", "xn--bcher-kva.example.test", 0, true },
    { NULL, "DNS:*.example.test", "www.example.test", NO_WILDCARDS, false },
    { NULL, "DNS:www.example.test", "www.example.test", NO_WILDCARDS, true },
    { NULL, "DNS:*.test", "example.test", 0, false }, /* NA-112 and below */
    { NULL, "DNS:*", "localhost", 0, false },
    { NULL, "DNS:*.", "localhost", 0, false },
    { NULL, "DNS:*.*.test", "a.b.test", 0, false },
    { NULL, "DNS:www.*.test", "www.example.test", 0, false },
    { NULL, "DNS:f*.example.test", "foo.example.test", 0, false },
    { NULL, "DNS:f*.example.test", "foo.example.test", PARTIAL, true },
    { NULL, "DNS:*o.example.test", "foo.example.test", PARTIAL, true },
    { NULL, "DNS:f*o.example.test", "foo.example.test", PARTIAL, false }, /* one end only */
    { NULL, "DNS:f*.example.test", "bar.example.test", PARTIAL, false },
    { NULL, "DNS:xn--*.example.test", "xn--bcher-kva.example.test", PARTIAL, false },
    { "cn.example.test", NULL, "cn.example.test", 0, false }, /* NA-110 and below */
    { "cn.example.test", NULL, "cn.example.test", COMMON_NAME, true },
    { "cn.example.test", "DNS:other.test", "cn.example.test", COMMON_NAME, false },
    { "cn.example.test", "email:a@example.test", "cn.example.test", 0, false },
    { "cn.example.test", "email:a@example.test", "cn.example.test", COMMON_NAME, true },
    { "*.example.test", NULL, "www.example.test", COMMON_NAME, true },
    { "127.0.0.1", NULL, "127.0.0.1", 0, false }, /* NA-111 and below */
    { "127.0.0.1", NULL, "127.0.0.1", COMMON_NAME, false },
    { NULL, "DNS:127.0.0.1", "127.0.0.1", 0, false },
    { NULL, "IP:127.0.0.1", "127.0.0.1", 0, true },
    { NULL, "IP:127.0.0.1", "127.0.0.2", 0, false },
    { NULL, "IP:::1", "::1", 0, true },
    { NULL, "IP:::1", "0:0:0:0:0:0:0:1", 0, true },
    { NULL, "IP:127.0.0.1", "::ffff:127.0.0.1", 0, false },
    { NULL, "IP:127.0.0.1", "localhost", 0, false },
    { NULL, "DNS:*.0.0.1", "127.0.0.1", 0, false },
    { NULL, "DNS:*.0.0.1", "127.0.0.1", PARTIAL, false },
    { NULL, "email:a@example.test", "example.test", 0, false },
    { NULL, "URI:https://example.test/", "example.test", 0, false },
    { NULL, NULL, "example.test", COMMON_NAME, false },
};

/* A certificate by nobody; only its names are of interest. */
static X509 *make_cert(const char *common_name, const char *alternatives)
{
    X509 *cert = X509_new();
    EVP_PKEY *key = EVP_EC_gen("P-256");

    assert_non_null(cert);
    assert_non_null(key);
    assert_int_equal(X509_set_version(cert, X509_VERSION_3), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), -60));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), 3600));
    assert_int_equal(X509_set_pubkey(cert, key), 1);
    if (common_name != NULL) {
        X509_NAME *name = test_name_of(NID_commonName, MBSTRING_ASC, common_name);

        assert_int_equal(X509_set_subject_name(cert, name), 1);
        assert_int_equal(X509_set_issuer_name(cert, name), 1);
        X509_NAME_free(name);
    }
    if (alternatives != NULL) {
        X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alternatives);

        assert_non_null(ext);
        assert_int_equal(X509_add_ext(cert, ext, -1), 1);
        X509_EXTENSION_free(ext);
    }
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    EVP_PKEY_free(key);
    return cert;
}

/* What OpenSSL says of a self-signed, trusted certificate when a connection asks for @identity. */
static int verify_as(SSL *ssl, const osl_identity *identity, X509 *cert)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *store_ctx = X509_STORE_CTX_new();
    int error;

    assert_int_equal(X509_STORE_add_cert(store, cert), 1);
    assert_int_equal(X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN), 1);
    assert_int_equal(X509_STORE_CTX_init(store_ctx, store, cert, NULL), 1);
    assert_ok(osl_identity_apply(identity, ssl));
    assert_int_equal(
        X509_VERIFY_PARAM_set1(X509_STORE_CTX_get0_param(store_ctx), SSL_get0_param(ssl)), 1);
    if (X509_verify_cert(store_ctx) == 1)
        error = X509_V_OK;
    else
        error = X509_STORE_CTX_get_error(store_ctx);
    X509_STORE_CTX_free(store_ctx);
    X509_STORE_free(store);
    ERR_clear_error();
    return error;
}

static void test_na_110_na_111_na_112_matching(void **state)
{
    SSL_CTX *ssl_ctx = SSL_CTX_new(TLS_method());
    SSL *ssl = SSL_new(ssl_ctx);

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(pairs); i++) {
        X509 *cert = make_cert(pairs[i].common_name, pairs[i].alternatives);
        osl_auto(osl_identity) *identity = NULL;
        int error;

        assert_ok(
            osl_identity_hostname(&identity, pairs[i].name, strlen(pairs[i].name), pairs[i].flags));
        error = verify_as(ssl, identity, cert);
        if ((error == X509_V_OK) != pairs[i].matches)
            fail_msg("row %zu, %s: %s", i, pairs[i].name, X509_verify_cert_error_string(error));
        if (!pairs[i].matches)
            assert_true(error == X509_V_ERR_HOSTNAME_MISMATCH ||
                        error == X509_V_ERR_IP_ADDRESS_MISMATCH);
        assert_int_equal(verify_as(ssl, NULL, cert), X509_V_OK);
        X509_free(cert);
    }
    SSL_free(ssl);
    SSL_CTX_free(ssl_ctx);
}

static X509 *data_cert(const char *path)
{
    BIO *bio = BIO_new_file(path, "r");
    X509 *cert;

    assert_non_null(bio);
    cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    assert_non_null(cert);
    BIO_free(bio);
    return cert;
}

static void test_na_104_nul_in_a_certificate_matches_nothing(void **state)
{
    static const char *const names[] = { "good.example.test", "evil.test",
                                         "good.example.test.evil.test" };
    X509 *cert = data_cert(DATA("nul-in-san.pem"));
    SSL_CTX *ssl_ctx = SSL_CTX_new(TLS_method());
    SSL *ssl = SSL_new(ssl_ctx);

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(names); i++) {
        osl_auto(osl_identity) *identity = NULL;

        assert_ok(osl_identity_hostname(&identity, names[i], strlen(names[i]), COMMON_NAME));
        assert_int_equal(verify_as(ssl, identity, cert), X509_V_ERR_HOSTNAME_MISMATCH);
    }
    SSL_free(ssl);
    SSL_CTX_free(ssl_ctx);
    X509_free(cert);
}

/* The check of one name must not stay when another kind takes its place. */
static void test_an_identity_replaces_the_one_before(void **state)
{
    SSL_CTX *ssl_ctx = SSL_CTX_new(TLS_method());
    SSL *ssl = SSL_new(ssl_ctx);
    X509 *cert = make_cert(NULL, "DNS:a.test, IP:192.0.2.1");
    osl_auto(osl_identity) *good = NULL, *wrong = NULL, *good_ip = NULL, *wrong_ip = NULL;

    (void)state;
    assert_ok(osl_identity_hostname(&good, TEXT("a.test"), 0));
    assert_ok(osl_identity_hostname(&wrong, TEXT("b.test"), 0));
    assert_ok(osl_identity_ip(&good_ip, TEXT("192.0.2.1")));
    assert_ok(osl_identity_ip(&wrong_ip, TEXT("192.0.2.2")));
    assert_int_equal(verify_as(ssl, wrong, cert), X509_V_ERR_HOSTNAME_MISMATCH);
    assert_int_equal(verify_as(ssl, good_ip, cert), X509_V_OK);
    assert_int_equal(verify_as(ssl, wrong_ip, cert), X509_V_ERR_IP_ADDRESS_MISMATCH);
    assert_int_equal(verify_as(ssl, good, cert), X509_V_OK);
    assert_int_equal(verify_as(ssl, wrong, cert), X509_V_ERR_HOSTNAME_MISMATCH);
    assert_int_equal(verify_as(ssl, NULL, cert), X509_V_OK);
    X509_free(cert);
    SSL_free(ssl);
    SSL_CTX_free(ssl_ctx);
}

static void test_references(void **state)
{
    osl_identity *identity = NULL;

    (void)state;
    assert_ok(osl_identity_hostname(&identity, TEXT("a.test"), 0));
    assert_ptr_equal(osl_identity_ref(identity), identity);
    osl_identity_unref(identity);
    assert_string_equal(identity->hostname, "a.test");
    osl_identity_unref(identity);
    osl_identity_unref(NULL);
    assert_null(osl_identity_ref(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_113_good_names),
        cmocka_unit_test(test_na_108_na_109_na_111_bad_names),
        cmocka_unit_test(test_unknown_flags_are_refused),
        cmocka_unit_test(test_na_108_addresses),
        cmocka_unit_test(test_na_110_na_111_na_112_matching),
        cmocka_unit_test(test_na_104_nul_in_a_certificate_matches_nothing),
        cmocka_unit_test(test_an_identity_replaces_the_one_before),
        cmocka_unit_test(test_references),
    };

    return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
