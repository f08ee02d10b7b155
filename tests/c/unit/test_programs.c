/* What programs of others do with keys, requests, certificates, bundles and files. */
#include "certs.h"

#include <unistd.h>

#include "crypto/crypto.h"
#include "pyossl/crl.h"
#include "pyossl/ctx.h"

OSL_DEFINE_AUTO(pyossl_req, pyossl_req_unref)

static const pyossl_passphrase good = { "secret", 6, NULL, NULL };

/* ---- keys ---- */

static void test_na_192_encrypted_der(void **state)
{
    static const char *const keys[] = { DATA("rsa.pem"), DATA("ec.pem"), DATA("ed25519.pem") };
    static const pyossl_passphrase bad = { "Secret", 6, NULL, NULL };

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(keys); i++) {
        osl_auto(pyossl_pkey) *key = keys_good(keys[i]), *again = NULL;
        osl_auto_buf der = PYOSSL_BUF_INIT;
        const unsigned char *at;
        X509_SIG *sig;

        assert_ok(pyossl_pkey_dump_private(key, PYOSSL_DER, "aes-256-cbc", &good, &der));
        at = der.data;
        sig = d2i_X509_SIG(NULL, &at, (long)der.len);
        assert_non_null(sig);
        X509_SIG_free(sig);
        assert_fails(pyossl_pkey_load_private(&again, PYOSSL_DER, der.data, der.len, NULL),
                     PYOSSL_E_PASSPHRASE);
        assert_fails(pyossl_pkey_load_private(&again, PYOSSL_DER, der.data, der.len, &bad),
                     PYOSSL_E_PASSPHRASE);
        assert_ok(pyossl_pkey_load_private(&again, PYOSSL_DER, der.data, der.len, &good));
        assert_int_equal(pyossl_pkey_equal(key, again), 1);
        assert_fails(pyossl_pkey_dump_private(key, PYOSSL_DER, "aes-256-cbc", NULL, &der),
                     PYOSSL_E_ARGUMENT);
        assert_fails(pyossl_pkey_dump_private(key, PYOSSL_TEXT, "aes-256-cbc", &good, &der),
                     PYOSSL_E_ARGUMENT);
    }
}

static const char *last_reason(void)
{
    const pyossl_error *error = pyossl_error_last();

    return pyossl_error_entry_at(error, pyossl_error_count(error) - 1)->reason;
}

static const char *last_detail(void)
{
    const pyossl_error *error = pyossl_error_last();

    return pyossl_error_entry_at(error, pyossl_error_count(error) - 1)->detail;
}

static void test_na_129_what_to_pass_instead_is_said(void **state)
{
    osl_auto(pyossl_pkey) *key = keys_good(DATA("ed25519.pem"));
    osl_auto(pyossl_req) *req = NULL;
    osl_auto_buf signature = PYOSSL_BUF_INIT;

    (void)state;
    assert_fails(pyossl_pkey_sign(key, "sha256", "x", 1, &signature), PYOSSL_E_OPENSSL);
    assert_non_null(strstr(last_reason(), "pass none"));
    assert_ok(pyossl_req_new(&req));
    assert_ok(pyossl_req_set_pubkey(req, key));
    assert_fails(pyossl_req_sign(req, key, "sha256"), PYOSSL_E_OPENSSL);
    assert_non_null(strstr(last_reason(), "pass none"));
    assert_ok(pyossl_req_sign(req, key, NULL));
}

/* ---- extensions ---- */

static pyossl_ext *make_ext(const char *type, const char *value)
{
    pyossl_ext *ext = NULL;

    assert_ok(pyossl_ext_new(&ext, type, 0, value, strlen(value), NULL, NULL));
    return ext;
}

/* What OpenSSL has no printer for, and what it has one for that fails. */
static void test_na_188_text_of_what_openssl_cannot_print(void **state)
{
    static const struct {
        const char *type, *value;
    } odd[] = { { "1.3.6.1.4.1.311.20.2", "ASN1:BMPString:Machine" },
                { "1.2.3.4.5", "ASN1:UTF8String:hello" },
                { "nsComment", "" },
                { "basicConstraints", "DER:01:02:03" },
                { "authorityInfoAccess", "DER:30:05:30:03:82:01:41" } };

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(odd); i++) {
        osl_auto(pyossl_ext) *ext = make_ext(odd[i].type, odd[i].value);
        osl_auto_buf text = PYOSSL_BUF_INIT, bytes = PYOSSL_BUF_INIT;
        char first[16];

        assert_ok(pyossl_ext_data(ext, &bytes));
        assert_ok(pyossl_ext_text(ext, &text));
        (void)snprintf(first, sizeof first, "0000 - %02x %02x", bytes.data[0], bytes.data[1]);
        assert_memory_equal(text.data, first, strlen(first));
    }
}

static void assert_text_of(const pyossl_ext *ext, const char *text)
{
    osl_auto_buf out = PYOSSL_BUF_INIT;

    assert_ok(pyossl_ext_text(ext, &out));
    assert_buf_text(out, text);
}

static void test_na_195_extensions_are_removed(void **state)
{
    osl_auto(pyossl_pkey) *key = keys_good(DATA("rsa.pem"));
    osl_auto(pyossl_x509) *cert = certs_new(key, "sha256"); /* an authority's */
    osl_auto(pyossl_ext) *comment = make_ext("nsComment", "b"), *first = NULL, *left = NULL;

    (void)state;
    assert_ok(pyossl_x509_add_exts(cert, &comment, 1));
    assert_ok(pyossl_x509_set_version(cert, 0));
    assert_ok(pyossl_x509_sign(cert, key, "sha256"));
    assert_int_equal(pyossl_x509_version(cert), 2); /* as extensions demand */
    assert_ok(pyossl_x509_ext_at(cert, 0, &first));
    assert_fails(pyossl_x509_remove_ext(cert, 2), PYOSSL_E_NOT_FOUND);
    assert_ok(pyossl_x509_remove_ext(cert, 0));
    assert_int_equal(pyossl_x509_ext_count(cert), 1);
    assert_ok(pyossl_x509_ext_at(cert, 0, &left));
    assert_text_of(first, "CA:TRUE"); /* lives on */
    assert_text_of(left, "b");
    assert_ok(pyossl_x509_sign(cert, key, "sha256"));
    assert_ok(pyossl_x509_verify(cert, key));
}

static void test_na_195_requested_extensions_are_removed(void **state)
{
    osl_auto(pyossl_pkey) *key = keys_good(DATA("rsa.pem"));
    osl_auto(pyossl_ext) *a = make_ext("basicConstraints", "CA:TRUE"), *b = make_ext("nsComment", "b");
    pyossl_ext *both[2] = { a, b };
    osl_auto(pyossl_req) *req = NULL;
    osl_auto(pyossl_ext) *left = NULL;

    (void)state;
    assert_ok(pyossl_req_new(&req));
    assert_ok(pyossl_req_set_pubkey(req, key));
    assert_fails(pyossl_req_remove_ext(req, 0), PYOSSL_E_NOT_FOUND);
    assert_ok(pyossl_req_add_exts(req, both, 2));
    assert_ok(pyossl_req_remove_ext(req, 0));
    assert_int_equal(pyossl_req_ext_count(req), 1);
    assert_ok(pyossl_req_ext_at(req, 0, &left));
    assert_text_of(left, "b");
    assert_ok(pyossl_req_remove_ext(req, 0));
    assert_int_equal(pyossl_req_ext_count(req), 0);
    assert_ok(pyossl_req_add_exts(req, both, 2)); /* it may ask again */
    assert_ok(pyossl_req_sign(req, key, "sha256"));
    assert_ok(pyossl_req_verify(req, key));
}

/* ---- PKCS #12 ---- */

static void test_na_193_names_of_other_certificates(void **state)
{
    osl_auto(pyossl_x509) *cert = certs_good(DATA("root.pem"));
    X509 *named = X509_dup(osl_x509_lend(cert));
    pyossl_x509 *with_name = NULL;
    pyossl_pkcs12 *p12 = NULL, *again = NULL;
    osl_auto_buf der = PYOSSL_BUF_INIT;
    const unsigned char *alias;
    int len = 0;

    (void)state;
    assert_int_equal(X509_alias_set1(named, (const unsigned char *)"Gr\xc3\xbcn", 5), 1);
    assert_ok(osl_x509_wrap(&with_name, named));
    assert_ok(pyossl_pkcs12_new(&p12));
    assert_ok(pyossl_pkcs12_set_cas(p12, (pyossl_x509 *[]){ with_name, cert }, 2));
    assert_ok(pyossl_pkcs12_dump(p12, &good, NULL, &der));
    assert_ok(pyossl_pkcs12_load(&again, der.data, der.len, &good));
    assert_int_equal(pyossl_pkcs12_ca_count(again), 2);
    alias = X509_alias_get0(osl_x509_lend(pyossl_pkcs12_ca_at(again, 0)), &len);
    assert_non_null(alias);
    assert_int_equal(len, 5);
    assert_memory_equal(alias, "Gr\xc3\xbcn", 5);
    assert_null(X509_alias_get0(osl_x509_lend(pyossl_pkcs12_ca_at(again, 1)), &len));
    pyossl_pkcs12_unref(p12);
    pyossl_pkcs12_unref(again);
    pyossl_x509_unref(with_name);
}

static void test_na_193_long_passphrases(void **state)
{
    static char text[PYOSSL_PASSPHRASE_MAX * 3];
    static const size_t lengths[] = { PYOSSL_PASSPHRASE_MAX, PYOSSL_PASSPHRASE_MAX + 1, sizeof text };
    osl_auto(pyossl_pkey) *key = keys_good(DATA("ec.pem"));
    pyossl_pkcs12 *p12 = NULL;
    pyossl_pkcs12_options options = PYOSSL_PKCS12_OPTIONS_INIT;

    (void)state;
    memset(text, 'x', sizeof text);
    options.iterations = -1;
    assert_ok(pyossl_pkcs12_new(&p12));
    pyossl_pkcs12_set_pkey(p12, key);
    for (size_t i = 0; i < OSL_COUNT_OF(lengths); i++) {
        const pyossl_passphrase all = { text, lengths[i], NULL, NULL };
        const pyossl_passphrase less = { text, lengths[i] - 1, NULL, NULL };
        osl_auto_buf der = PYOSSL_BUF_INIT;
        pyossl_pkcs12 *again = NULL;

        assert_ok(pyossl_pkcs12_dump(p12, &all, &options, &der));
        assert_fails(pyossl_pkcs12_load(&again, der.data, der.len, &less), PYOSSL_E_PASSPHRASE);
        assert_ok(pyossl_pkcs12_load(&again, der.data, der.len, &all));
        pyossl_pkcs12_unref(again);
    }
    pyossl_pkcs12_unref(p12);
}

/* ---- files ---- */

static void test_na_194_errors_name_the_file(void **state)
{
    static const char *const paths[] = { DATA("passphrase.txt"), DATA("no-such-file") };
    pyossl_ctx *ctx = NULL;
    pyossl_store *store = NULL;

    (void)state;
    assert_ok(pyossl_ctx_new(&ctx, PYOSSL_TLS));
    assert_ok(pyossl_store_new(&store));
    for (size_t i = 0; i < OSL_COUNT_OF(paths); i++) {
        const char *path = paths[i];
        const pyossl_status expected = i == 0 ? PYOSSL_E_FORMAT : PYOSSL_E_SYSTEM;

#define ASSERT_NAMED(call)                                                                         \
    do {                                                                                           \
        assert_fails(call, expected);                                                              \
        assert_non_null(strstr(last_detail(), path));                                              \
    } while (0)
        ASSERT_NAMED(pyossl_ctx_use_certificate_file(ctx, path, PYOSSL_PEM));
        ASSERT_NAMED(pyossl_ctx_use_certificate_file(ctx, path, PYOSSL_DER));
        ASSERT_NAMED(pyossl_ctx_use_certificate_chain_file(ctx, path));
        ASSERT_NAMED(pyossl_ctx_use_pkey_file(ctx, path, PYOSSL_PEM));
        ASSERT_NAMED(pyossl_ctx_use_pkey_file(ctx, path, PYOSSL_DER));
        ASSERT_NAMED(pyossl_ctx_load_client_ca(ctx, path));
        ASSERT_NAMED(pyossl_ctx_load_verify_locations(ctx, path, NULL));
        ASSERT_NAMED(pyossl_ctx_load_tmp_dh(ctx, path));
        ASSERT_NAMED(pyossl_store_load_locations(store, path, NULL));
    }
    assert_ok(pyossl_ctx_use_certificate_file(ctx, DATA("server.pem"), PYOSSL_PEM));
    assert_fails(pyossl_ctx_use_pkey_file(ctx, DATA("root-key.pem"), PYOSSL_PEM), PYOSSL_E_OPENSSL);
    assert_non_null(strstr(last_detail(), DATA("root-key.pem")));
    pyossl_store_unref(store);
    pyossl_ctx_unref(ctx);
}

/* ---- limits ---- */

static void test_na_195_how_much_a_peer_may_send(void **state)
{
    pyossl_ctx *ctx = NULL;

    (void)state;
    assert_ok(pyossl_ctx_new(&ctx, PYOSSL_TLS));
    assert_int_equal(pyossl_ctx_max_cert_list(ctx), 102400);
    assert_ok(pyossl_ctx_set_max_cert_list(ctx, 1 << 20));
    assert_int_equal(pyossl_ctx_max_cert_list(ctx), 1 << 20);
    assert_fails(pyossl_ctx_set_max_cert_list(ctx, -1), PYOSSL_E_ARGUMENT);
    assert_int_equal(pyossl_ctx_max_cert_list(ctx), 1 << 20);
    pyossl_ctx_unref(ctx);
}

static void test_na_195_client_authorities_that_tls_cannot_send(void **state)
{
    enum { COUNT = 900 };
    static pyossl_name *names[COUNT];
    pyossl_ctx *ctx = NULL;
    char text[64];

    (void)state;
    assert_ok(pyossl_ctx_new(&ctx, PYOSSL_TLS));
    for (size_t i = 0; i < COUNT; i++) {
        (void)snprintf(text, sizeof text, "%060zu", i);
        assert_ok(pyossl_name_new(&names[i]));
        assert_ok(pyossl_name_set(names[i], "CN", text, strlen(text)));
    }
    assert_ok(pyossl_ctx_set_client_ca_list(ctx, names, COUNT / 2));
    assert_fails(pyossl_ctx_set_client_ca_list(ctx, names, COUNT), PYOSSL_E_ARGUMENT);
    assert_non_null(strstr(last_reason(), "65535"));
    assert_ok(pyossl_ctx_set_client_ca_list(ctx, names, COUNT / 2));
    for (size_t i = 0; i < COUNT; i++)
        pyossl_name_unref(names[i]);
    pyossl_ctx_unref(ctx);
}

/* ---- revocation lists ---- */

/* One that is not signed cannot be encoded, and is copied all the same. */
static void test_na_234_copies_of_lists(void **state)
{
    osl_auto(pyossl_pkey) *key = keys_good(DATA("rsa.pem"));
    pyossl_revoked *entry = NULL, *twin = NULL;
    pyossl_crl *list = NULL, *copy = NULL, *again = NULL;
    osl_auto_buf one = PYOSSL_BUF_INIT, other = PYOSSL_BUF_INIT;

    (void)state;
    assert_ok(pyossl_revoked_new(&entry));
    assert_ok(pyossl_revoked_set_serial(entry, "07"));
    assert_ok(pyossl_revoked_set_reason(entry, "keyCompromise"));
    assert_ok(pyossl_revoked_copy(&twin, entry));
    assert_ok(pyossl_revoked_set_date(twin, "20300101000000Z", 15));
    assert_fails(pyossl_revoked_date(entry, &one), PYOSSL_E_NOT_FOUND);
    assert_ok(pyossl_revoked_reason(twin, &one));
    assert_buf_text(one, "Key Compromise");

    assert_ok(pyossl_crl_new(&list));
    assert_ok(pyossl_crl_add_revoked(list, twin));
    assert_ok(pyossl_crl_set_last_update(list, "20200101000000Z", 15));
    assert_ok(pyossl_crl_set_next_update(list, "20400101000000Z", 15));
    assert_ok(pyossl_crl_copy(&copy, list));
    assert_ok(pyossl_crl_sign(list, key, "sha256"));
    assert_fails(pyossl_crl_dump(copy, PYOSSL_DER, &other), PYOSSL_E_STATE);
    assert_ok(pyossl_crl_sign(copy, key, "sha256"));
    assert_ok(pyossl_crl_copy(&again, copy));
    assert_ok(pyossl_crl_dump(list, PYOSSL_PEM, &one));
    assert_ok(pyossl_crl_dump(again, PYOSSL_PEM, &other));
    assert_string_equal(one.data, other.data);
    pyossl_crl_unref(again);
    pyossl_crl_unref(copy);
    pyossl_crl_unref(list);
    pyossl_revoked_unref(twin);
    pyossl_revoked_unref(entry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_192_encrypted_der),
        cmocka_unit_test(test_na_129_what_to_pass_instead_is_said),
        cmocka_unit_test(test_na_188_text_of_what_openssl_cannot_print),
        cmocka_unit_test(test_na_195_extensions_are_removed),
        cmocka_unit_test(test_na_195_requested_extensions_are_removed),
        cmocka_unit_test(test_na_193_names_of_other_certificates),
        cmocka_unit_test(test_na_193_long_passphrases),
        cmocka_unit_test(test_na_194_errors_name_the_file),
        cmocka_unit_test(test_na_234_copies_of_lists),
        cmocka_unit_test(test_na_195_how_much_a_peer_may_send),
        cmocka_unit_test(test_na_195_client_authorities_that_tls_cannot_send),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
