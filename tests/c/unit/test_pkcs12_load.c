#include "pkcs12_material.h"

#include <limits.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/crypto.h"

/* ---- what OpenSSL wrote ---- */

static void test_files_of_openssl(void **state)
{
    static const struct {
        const char *path, *passphrase;
        unsigned members; /* KEY, CERT */
        size_t cas;
        const char *name;
    } cases[] = {
        { DATA("modern.p12"), "secret", KEY | CERT, 1, "server" },
        { DATA("des3.p12"), "secret", KEY | CERT, 1, "server" },
        { DATA("rc2.p12"), "secret", KEY | CERT, 1, "server" },
        { DATA("empty-passphrase.p12"), "", KEY | CERT, 0, NULL },
        { DATA("empty-passphrase.p12"), NULL, KEY | CERT, 0, NULL },
        { DATA("certificates-only.p12"), "secret", 0, 2, NULL },
        { DATA("key-only.p12"), "secret", KEY, 0, NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        pyossl_pkcs12 *p12 = NULL;

        assert_ok(load_file(&p12, cases[i].path, cases[i].passphrase));
        if (cases[i].members & KEY)
            assert_key(pyossl_pkcs12_pkey(p12), DATA("rsa.pem"));
        else
            assert_null(pyossl_pkcs12_pkey(p12));
        if (cases[i].members & CERT)
            assert_cert(pyossl_pkcs12_cert(p12), DATA("server.pem"));
        else
            assert_null(pyossl_pkcs12_cert(p12));
        assert_int_equal(pyossl_pkcs12_ca_count(p12), cases[i].cas);
        assert_friendly_name(p12, cases[i].name, cases[i].name ? strlen(cases[i].name) : 0);
        pyossl_pkcs12_unref(p12);
    }
}

/* In a child, because a provider that was loaded stays. */
static void test_na_173_without_the_legacy_provider(void **state)
{
    pid_t child = fork();
    int result = -1;

    (void)state;
    assert_true(child >= 0);
    if (child == 0) {
        const pyossl_error *error = pyossl_error_last();
        pyossl_pkcs12 *p12 = NULL;
        int bad = setenv("PYOSSL_NO_LEGACY", "1", 1);

        bad |= load_file(&p12, DATA("rc2.p12"), "secret") != PYOSSL_E_UNSUPPORTED;
        bad |= strcmp(test_reason(), "unsupported") != 0;
        bad |= strstr(pyossl_error_entry_at(error, pyossl_error_count(error) - 1)->reason,
                      "legacy provider") == NULL;
        bad |= p12 != NULL || ERR_peek_error() != 0;
        leave(bad);
    }
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
}

static void test_na_067_loading_often_keeps_nothing(void **state)
{
    pyossl_buf der = material_read(DATA("des3.p12"));

    (void)state;
    /* The sanitizer counts what stays behind. */
    for (int i = 0; i < 100; i++) {
        pyossl_pkcs12 *p12 = NULL;

        assert_ok(load(&p12, &der, "secret"));
        assert_int_equal(pyossl_pkcs12_ca_count(p12), 1);
        pyossl_pkcs12_unref(p12);
        p12 = NULL;
        assert_fails(load(&p12, &der, "wrong"), PYOSSL_E_PASSPHRASE);
    }
    pyossl_buf_clear(&der);
}

/* ---- files that are damaged ---- */

static void test_bad_input_is_refused(void **state)
{
    pyossl_buf der = material_read(DATA("des3.p12")), cert = material_read(DATA("root.der"));
    pyossl_pkcs12 *p12 = NULL;

    (void)state;
    assert_fails(pyossl_pkcs12_load(&p12, NULL, 0, NULL), PYOSSL_E_FORMAT);
    assert_fails(pyossl_pkcs12_load(&p12, "", 0, NULL), PYOSSL_E_FORMAT);
    assert_fails(pyossl_pkcs12_load(&p12, "fruit loops", 11, NULL), PYOSSL_E_FORMAT);
    assert_string_equal(pyossl_error_entry_at(pyossl_error_last(), 0)->library,
                        "asn1 encoding routines");
    assert_fails(pyossl_pkcs12_load(&p12, cert.data, cert.len, NULL), PYOSSL_E_FORMAT);
    for (size_t len = 1; len < der.len; len += 17)
        assert_fails(pyossl_pkcs12_load(&p12, der.data, len, NULL), PYOSSL_E_FORMAT);
    assert_null(p12);
    pyossl_buf_clear(&der);
    pyossl_buf_clear(&cert);
}

static void test_na_138_changed_bytes_are_noticed(void **state)
{
    pyossl_pkcs12 *p12 = make(KEY | CERT), *back = NULL;
    pyossl_pkcs12_options options = PYOSSL_PKCS12_OPTIONS_INIT;
    pyossl_buf der = PYOSSL_BUF_INIT;

    (void)state;
    options.iterations = 1;
    for (int mac = -1; mac <= 1; mac += 2) {
        options.mac_iterations = mac;
        assert_ok(dump(p12, "secret", &options, &der));
        for (size_t i = 0; i < der.len; i += 3) {
            pyossl_status status;

            der.data[i] ^= (unsigned char)(1 << (i % 8));
            status = load(&back, &der, "secret");
            assert_int_equal(ERR_peek_error(), 0);
            assert_int_equal(status == PYOSSL_OK, back != NULL);
            assert_true(status == PYOSSL_OK || status == PYOSSL_E_FORMAT ||
                        status == PYOSSL_E_PASSPHRASE || status == PYOSSL_E_UNSUPPORTED ||
                        status == PYOSSL_E_OPENSSL);
            if (status == PYOSSL_OK && mac > 0)
                assert_members(back, KEY | CERT);
            pyossl_pkcs12_unref(back);
            back = NULL;
            der.data[i] ^= (unsigned char)(1 << (i % 8));
        }
    }
    pyossl_buf_clear(&der);
    pyossl_pkcs12_unref(p12);
}

/* ---- files that nobody should write ---- */

/* A file of one safe, which is taken over; with a MAC that "secret" fits. */
static pyossl_buf file_with(PKCS7 *safe, bool mac)
{
    STACK_OF(PKCS7) *safes = sk_PKCS7_new_null();
    PKCS12 *p12 = PKCS12_init(NID_pkcs7_data);
    pyossl_buf der = PYOSSL_BUF_INIT;
    int len;

    assert_non_null(safe);
    assert_true(sk_PKCS7_push(safes, safe) > 0);
    assert_int_equal(PKCS12_pack_authsafes(p12, safes), 1);
    if (mac)
        assert_int_equal(PKCS12_set_mac(p12, "secret", 6, NULL, 0, 1, EVP_sha256()), 1);
    len = i2d_PKCS12(p12, &der.data);
    assert_true(len > 0);
    der.len = (size_t)len;
    sk_PKCS7_pop_free(safes, PKCS7_free);
    PKCS12_free(p12);
    return der;
}

static pyossl_buf file_of(PKCS7 *safe)
{
    return file_with(safe, true);
}

static STACK_OF(PKCS12_SAFEBAG) *bags_of(PKCS12_SAFEBAG *bag)
{
    STACK_OF(PKCS12_SAFEBAG) *bags = sk_PKCS12_SAFEBAG_new_null();

    assert_non_null(bag);
    assert_true(sk_PKCS12_SAFEBAG_push(bags, bag) > 0);
    return bags;
}

static PKCS12_SAFEBAG *cert_bag(void)
{
    pyossl_x509 *cert = material_cert(DATA("server.pem"));
    PKCS12_SAFEBAG *bag = PKCS12_SAFEBAG_create_cert(osl_x509_full(cert));

    pyossl_x509_unref(cert);
    return bag;
}

static PKCS12_SAFEBAG *key_bag(int shrouded)
{
    pyossl_pkey *key = material_key(DATA("rsa.pem"));
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key->key);
    PKCS12_SAFEBAG *bag;

    if (shrouded) {
        bag = PKCS12_SAFEBAG_create_pkcs8_encrypt(NID_pbe_WithSHA1And3_Key_TripleDES_CBC, "secret",
                                                  6, NULL, 0, 1, info);
        PKCS8_PRIV_KEY_INFO_free(info);
    } else {
        bag = PKCS12_SAFEBAG_create0_p8inf(info);
    }
    pyossl_pkey_unref(key);
    return bag;
}

static void copy_algorithm(X509_ALGOR *to, X509_ALGOR *from)
{
    assert_non_null(from);
    assert_int_equal(X509_ALGOR_copy(to, from), 1);
    X509_ALGOR_free(from);
}

/* The first key is the file's. */
static void test_of_several_keys_the_first(void **state)
{
    pyossl_pkey *first = material_key(DATA("rsa.pem")), *other = material_key(DATA("ec.pem"));
    pyossl_pkey *found = NULL;
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(other->key);
    STACK_OF(PKCS12_SAFEBAG) *bags = bags_of(key_bag(1));
    pyossl_pkcs12 *p12 = NULL;
    PKCS12_SAFEBAG *second = PKCS12_SAFEBAG_create_pkcs8_encrypt(
        NID_pbe_WithSHA1And3_Key_TripleDES_CBC, "secret", 6, NULL, 0, 1, info);
    pyossl_buf der;

    (void)state;
    assert_non_null(second);
    assert_true(sk_PKCS12_SAFEBAG_push(bags, second) > 0);
    der = file_of(PKCS12_pack_p7data(bags));
    assert_ok(load(&p12, &der, "secret"));
    found = pyossl_pkcs12_pkey(p12);
    assert_non_null(found);
    assert_int_equal(EVP_PKEY_eq(found->key, first->key), 1);
    pyossl_pkcs12_unref(p12);
    pyossl_buf_clear(&der);
    sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
    PKCS8_PRIV_KEY_INFO_free(info);
    pyossl_pkey_unref(first);
    pyossl_pkey_unref(other);
}

static X509_ALGOR *algorithm(int which, int rounds)
{
    if (which == 0)
        return PKCS5_pbe_set(NID_pbe_WithSHA1And3_Key_TripleDES_CBC, rounds, NULL, 0);
    return PKCS5_pbe2_set_iv(EVP_aes_256_cbc(), rounds, NULL, 0, NULL, -1);
}

static void test_na_138_rounds_are_limited(void **state)
{
    pyossl_pkcs12 *p12 = NULL;

    (void)state;
    for (int which = 0; which < 2; which++) {
        STACK_OF(PKCS12_SAFEBAG) *bags = bags_of(cert_bag());
        PKCS7 *safe = PKCS12_pack_p7encdata(NID_pbe_WithSHA1And3_Key_TripleDES_CBC, "secret", 6,
                                            NULL, 0, 1, bags);
        X509_ALGOR *in_bag = NULL;
        pyossl_buf der;

        /* certificates */
        assert_non_null(safe);
        copy_algorithm(safe->d.encrypted->enc_data->algorithm, algorithm(which, INT_MAX));
        der = file_of(safe);
        assert_fails(load(&p12, &der, "secret"), PYOSSL_E_FORMAT);
        assert_string_equal(test_reason(), "too many rounds of key derivation");
        pyossl_buf_clear(&der);
        sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);

        /* the key */
        bags = bags_of(key_bag(1));
        X509_SIG_getm(
            (X509_SIG *)(uintptr_t)PKCS12_SAFEBAG_get0_pkcs8(sk_PKCS12_SAFEBAG_value(bags, 0)),
            &in_bag, NULL);
        copy_algorithm(in_bag, algorithm(which, INT_MAX));
        der = file_of(PKCS12_pack_p7data(bags));
        assert_fails(load(&p12, &der, "secret"), PYOSSL_E_FORMAT);
        assert_string_equal(test_reason(), "too many rounds of key derivation");
        pyossl_buf_clear(&der);
        sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
    }
    assert_null(p12);
}

/* The MAC's rounds are the last number of the file; make it one byte longer. */
static void test_na_138_rounds_of_the_mac_are_limited(void **state)
{
    pyossl_pkcs12_options options = PYOSSL_PKCS12_OPTIONS_INIT;
    pyossl_pkcs12 *p12 = make(KEY | CERT), *back = NULL;
    pyossl_buf der = PYOSSL_BUF_INIT, longer = PYOSSL_BUF_INIT;
    size_t mac;

    (void)state;
    options.mac_iterations = 0x10000;
    assert_ok(dump(p12, "secret", &options, &der));
    assert_memory_equal(der.data + der.len - 5, "\x02\x03\x01\0\0", 5);
    assert_memory_equal(der.data, "\x30\x82", 2);
    for (mac = der.len - 40; der.data[mac] != 0x30 || der.data[mac + 1] != der.len - mac - 2;)
        mac--;
    assert_ok(osl_buf_alloc(&longer, der.len + 1));
    memcpy(longer.data, der.data, der.len - 5);
    memcpy(longer.data + der.len - 5, "\x02\x04\x7f\xff\xff\xff", 6);
    longer.data[mac + 1]++;
    longer.data[3]++;
    assert_int_not_equal(longer.data[3], 0);
    assert_fails(load(&back, &longer, "secret"), PYOSSL_E_FORMAT);
    assert_string_equal(test_reason(), "too many rounds of key derivation");
    longer.data[der.len - 3] = 0xff; /* and a negative number */
    assert_fails(load(&back, &longer, "secret"), PYOSSL_E_FORMAT);
    assert_null(back);
    pyossl_buf_clear(&der);
    pyossl_buf_clear(&longer);
    pyossl_pkcs12_unref(p12);
}

static pyossl_answer count_and_stop(char *buf, size_t cap, size_t *len, int confirm, void *userdata)
{
    (void)buf;
    (void)cap;
    (void)len;
    (void)confirm;
    ++*(int *)userdata;
    return PYOSSL_ANSWER_ABORT;
}

static void test_na_199_nothing_encrypted_needs_no_passphrase(void **state)
{
    int times = 0;
    const pyossl_passphrase asking = { .callback = count_and_stop, .userdata = &times };
    STACK_OF(PKCS12_SAFEBAG) *bags = bags_of(key_bag(0));
    pyossl_pkcs12 *p12 = NULL;
    pyossl_buf der;

    (void)state;
    assert_true(sk_PKCS12_SAFEBAG_push(bags, cert_bag()) > 0);
    assert_true(sk_PKCS12_SAFEBAG_push(bags, key_bag(0)) > 0); /* a second key is passed over */
    der = file_with(PKCS12_pack_p7data(bags), false);
    assert_ok(pyossl_pkcs12_load(&p12, der.data, der.len, NULL));
    assert_members(p12, KEY | CERT);
    pyossl_pkcs12_unref(p12);
    p12 = NULL;
    /* Who has a passphrase does without a MAC no more than OpenSSL does. */
    assert_fails(pyossl_pkcs12_load(&p12, der.data, der.len, &asking), PYOSSL_E_CALLBACK);
    assert_int_equal(times, 1);
    assert_fails(load(&p12, &der, "secret"), PYOSSL_E_FORMAT);
    assert_string_equal(test_reason(), "mac absent");
    pyossl_buf_clear(&der);
    sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
}

/* Give @bag a friendly name of these bytes, whatever they are. */
static void name_bag(PKCS12_SAFEBAG *bag, const char *utf16, size_t len)
{
    X509_ATTRIBUTE *attribute;

    assert_int_equal(PKCS12_add_friendlyname_asc(bag, "x", 1), 1);
    attribute = sk_X509_ATTRIBUTE_value(PKCS12_SAFEBAG_get0_attrs(bag), 0);
    assert_int_equal(
        ASN1_STRING_set(X509_ATTRIBUTE_get0_type(attribute, 0)->value.bmpstring, utf16, (int)len),
        1);
}

static void test_na_138_friendly_names(void **state)
{
    static const struct {
        const char *utf16;
        size_t len;
        const char *utf8;
        size_t utf8_len;
    } cases[] = {
        { "\0a\0b", 4, "ab", 2 },
        { "", 0, "", 0 },
        { "\0a\0\0\0b", 6, "a\0b", 3 },
        { "\0\xe9", 2, "\xc3\xa9", 2 },
        { "\x20\xac", 2, "\xe2\x82\xac", 3 },
        { "\xd8\x3d\xde\x00", 4, "\xf0\x9f\x98\x80", 4 },
        { "\xd8\x3d\0a", 4, "\xef\xbf\xbd\xef\xbf\xbd", 0 }, /* half a pair: see below */
        { "\xde\x00", 2, "\xef\xbf\xbd", 3 },
        { "\xd8\x3d", 2, "\xef\xbf\xbd", 3 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        STACK_OF(PKCS12_SAFEBAG) *bags = bags_of(key_bag(0));
        PKCS12_SAFEBAG *bag = cert_bag();
        pyossl_pkcs12 *p12 = NULL;
        pyossl_buf der;

        name_bag(bag, cases[i].utf16, cases[i].len);
        assert_true(sk_PKCS12_SAFEBAG_push(bags, bag) > 0);
        der = file_with(PKCS12_pack_p7data(bags), false);
        assert_ok(pyossl_pkcs12_load(&p12, der.data, der.len, NULL));
        if (cases[i].utf8_len > 0 || cases[i].len == 0)
            assert_friendly_name(p12, cases[i].utf8, cases[i].utf8_len);
        else
            assert_friendly_name(p12,
                                 "\xef\xbf\xbd"
                                 "a",
                                 4);
        pyossl_pkcs12_unref(p12);
        pyossl_buf_clear(&der);
        sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
    }
}

/* @content inside of a constructed value with tag @tag. */
static pyossl_buf wrapped(unsigned char tag, const char *before, size_t before_len,
                          const pyossl_buf *content)
{
    const size_t len = before_len + content->len;
    pyossl_buf out = PYOSSL_BUF_INIT;

    assert_true(len < 0x10000);
    assert_ok(osl_buf_alloc(&out, 4 + len));
    out.data[0] = tag;
    out.data[1] = 0x82;
    out.data[2] = (unsigned char)(len >> 8);
    out.data[3] = (unsigned char)len;
    if (before_len > 0)
        memcpy(out.data + 4, before, before_len);
    memcpy(out.data + 4 + before_len, content->data, content->len);
    return out;
}

/* SafeContents in a safeContentsBag in SafeContents: @contents is replaced. */
static void nest(pyossl_buf *contents)
{
    static const char oid[] = "\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x06";
    pyossl_buf value = wrapped(0xa0, NULL, 0, contents);
    pyossl_buf bag = wrapped(0x30, oid, sizeof oid - 1, &value);

    pyossl_buf_clear(contents);
    *contents = wrapped(0x30, NULL, 0, &bag);
    pyossl_buf_clear(&value);
    pyossl_buf_clear(&bag);
}

static void test_bags_in_bags(void **state)
{
    static const struct {
        int levels;
        pyossl_status status;
    } cases[] = { { 1, PYOSSL_OK }, { 3, PYOSSL_OK }, { 20, PYOSSL_E_FORMAT } };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        STACK_OF(PKCS12_SAFEBAG) *bags = bags_of(cert_bag());
        pyossl_buf contents = PYOSSL_BUF_INIT, der;
        PKCS7 *safe = PKCS7_new();
        pyossl_pkcs12 *p12 = NULL;

        contents.len = (size_t)ASN1_item_i2d((const ASN1_VALUE *)bags, &contents.data,
                                             ASN1_ITEM_rptr(PKCS12_SAFEBAGS));
        for (int k = 0; k < cases[i].levels; k++)
            nest(&contents);
        assert_int_equal(PKCS7_set_type(safe, NID_pkcs7_data), 1);
        assert_int_equal(ASN1_OCTET_STRING_set(safe->d.data, contents.data, (int)contents.len), 1);
        der = file_with(safe, false);
        assert_status(pyossl_pkcs12_load(&p12, der.data, der.len, NULL), cases[i].status);
        assert_int_equal(ERR_peek_error(), 0);
        assert_int_equal(p12 != NULL, cases[i].status == PYOSSL_OK);
        if (p12 != NULL)
            assert_members(p12, CERT);
        pyossl_pkcs12_unref(p12);
        pyossl_buf_clear(&contents);
        pyossl_buf_clear(&der);
        sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
    }
}

/* The content of a safe may be left out: nothing may take it for granted. */
static void test_na_138_safes_without_content(void **state)
{
    static const int types[] = { NID_pkcs7_data, NID_pkcs7_encrypted, NID_pkcs7_enveloped,
                                 NID_pkcs7_signed };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        PKCS7 *safe = PKCS7_new();
        pyossl_pkcs12 *p12 = NULL;
        pyossl_status status;
        pyossl_buf der;

        safe->type = OBJ_nid2obj(types[i]);
        der = file_of(safe);
        status = load(&p12, &der, "secret");
        assert_true(status == PYOSSL_E_FORMAT || (i >= 2 && status == PYOSSL_OK));
        assert_int_equal(ERR_peek_error(), 0);
        pyossl_pkcs12_unref(p12);
        pyossl_buf_clear(&der);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_173_without_the_legacy_provider), /* before it is loaded */
        cmocka_unit_test(test_files_of_openssl),
        cmocka_unit_test(test_na_067_loading_often_keeps_nothing),
        cmocka_unit_test(test_bad_input_is_refused),
        cmocka_unit_test(test_na_138_changed_bytes_are_noticed),
        cmocka_unit_test(test_of_several_keys_the_first),
        cmocka_unit_test(test_na_138_rounds_are_limited),
        cmocka_unit_test(test_na_138_rounds_of_the_mac_are_limited),
        cmocka_unit_test(test_na_199_nothing_encrypted_needs_no_passphrase),
        cmocka_unit_test(test_na_138_friendly_names),
        cmocka_unit_test(test_bags_in_bags),
        cmocka_unit_test(test_na_138_safes_without_content),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
