#include "certs.h"

#include "crypto/crypto.h"
#include "oom.h"
#include "pyossl/callbacks.h"

OSL_DEFINE_AUTO(pyossl_req, pyossl_req_unref)

static pyossl_req *load(const char *path)
{
    osl_auto_buf pem = PYOSSL_BUF_INIT;
    pyossl_req *req = NULL;

    certs_read(&pem, path);
    assert_ok(pyossl_req_load(&req, PYOSSL_PEM, pem.data, pem.len));
    return req;
}

static pyossl_ext *make_ext(const char *type, const char *value)
{
    pyossl_ext *ext = NULL;

    assert_ok(pyossl_ext_new(&ext, type, 0, value, strlen(value), NULL, NULL));
    return ext;
}

static pyossl_req *make(const pyossl_pkey *key, const char *digest)
{
    osl_auto(pyossl_name) *name = NULL;
    pyossl_req *req = NULL;

    assert_ok(pyossl_req_new(&req));
    assert_ok(pyossl_req_subject(req, &name));
    assert_ok(pyossl_name_set(name, "CN", "asking", 6));
    assert_ok(pyossl_req_set_pubkey(req, key));
    assert_ok(pyossl_req_sign(req, key, digest));
    return req;
}

static void assert_asked(pyossl_req *req, const char *expected)
{
    osl_auto_buf line = PYOSSL_BUF_INIT;
    osl_auto(pyossl_name) *subject = NULL;

    assert_ok(pyossl_req_subject(req, &subject));
    assert_ok(pyossl_name_oneline(subject, &line));
    assert_buf_text(line, expected);
}

static void test_na_077_blank_request(void **state)
{
    osl_auto(pyossl_req) *req = NULL;
    osl_auto(pyossl_pkey) *key = keys_good(DATA("ec.pem"));
    pyossl_pkey *no_key = NULL;
    pyossl_ext *no_ext = NULL;
    pyossl_buf out = PYOSSL_BUF_INIT;

    (void)state;
    assert_ok(pyossl_req_new(&req));
    assert_int_equal(pyossl_req_version(req), 0);
    assert_asked(req, "");
    assert_int_equal(pyossl_req_ext_count(req), 0);
    assert_int_equal(ERR_peek_error(), 0);
    assert_fails(pyossl_req_ext_at(req, 0, &no_ext), PYOSSL_E_NOT_FOUND);
    assert_fails(pyossl_req_pubkey(req, &no_key), PYOSSL_E_NOT_FOUND);
    assert_fails(pyossl_req_dump(req, PYOSSL_PEM, &out), PYOSSL_E_STATE);
    assert_fails(pyossl_req_dump(req, PYOSSL_DER, &out), PYOSSL_E_STATE);
    assert_fails(pyossl_req_dump(req, (pyossl_format)100, &out), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_req_verify(req, key), PYOSSL_E_VERIFY);
    assert_fails(pyossl_req_sign(req, key, "sha256"),
                 PYOSSL_E_OPENSSL); /* there is no public key */
    assert_null(no_key);
    assert_null(no_ext);
    assert_null(out.data);
}

static void test_requests_there_and_back(void **state)
{
    static const struct {
        const char *key, *digest;
    } cases[] = {
        { DATA("rsa.pem"), "sha256" }, { DATA("rsa.pem"), "sha1" },   { DATA("ec.pem"), "sha512" },
        { DATA("dsa.pem"), "sha256" }, { DATA("ed25519.pem"), NULL },
    };

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(cases); i++) {
        osl_auto(pyossl_pkey) *key = keys_good(cases[i].key),
                              *other = keys_good(DATA("root-key.pem"));
        osl_auto(pyossl_pkey) *found = NULL;
        osl_auto(pyossl_req) *req = make(key, cases[i].digest);

        for (int format = PYOSSL_PEM; format <= PYOSSL_DER; format++) {
            osl_auto(pyossl_req) *again = NULL;
            osl_auto_buf out = PYOSSL_BUF_INIT, second = PYOSSL_BUF_INIT;

            assert_ok(pyossl_req_dump(req, (pyossl_format)format, &out));
            assert_ok(pyossl_req_load(&again, (pyossl_format)format, out.data, out.len));
            assert_asked(again, "/CN=asking");
            assert_ok(pyossl_req_pubkey(again, &found));
            assert_true(pyossl_pkey_equal(found, key));
            assert_false(pyossl_pkey_is_private(found));
            assert_ok(pyossl_req_verify(again, key));
            assert_ok(pyossl_req_verify(again, found));
            assert_fails(pyossl_req_verify(again, other), PYOSSL_E_VERIFY);
            assert_ok(pyossl_req_dump(again, (pyossl_format)format, &second));
            assert_buf(second, out.data, out.len);
            pyossl_pkey_unref(found);
            found = NULL;
        }
    }
}

static void test_a_request_made_elsewhere(void **state)
{
    osl_auto(pyossl_req) *req = load(DATA("request.pem"));
    osl_auto(pyossl_pkey) *key = keys_good(DATA("rsa.pem"));
    osl_auto(pyossl_ext) *ext = NULL;
    osl_auto_buf pem = PYOSSL_BUF_INIT, der = PYOSSL_BUF_INIT, out = PYOSSL_BUF_INIT;

    (void)state;
    assert_ok(pyossl_req_verify(req, key));
    assert_true(pyossl_req_ext_count(req) >= 1);
    assert_ok(pyossl_req_ext_at(req, 0, &ext));
    assert_string_equal(pyossl_ext_short_name(ext), "subjectAltName");
    certs_read(&pem, DATA("request.pem"));
    certs_read(&der, DATA("request.der"));
    assert_ok(pyossl_req_dump(req, PYOSSL_PEM, &out));
    assert_buf(out, pem.data, pem.len);
    assert_ok(pyossl_req_dump(req, PYOSSL_DER, &out));
    assert_buf(out, der.data, der.len);
    assert_ok(pyossl_req_dump(req, PYOSSL_TEXT, &out));
    assert_true(out.len > 500);
    assert_non_null(strstr((char *)out.data, "DNS:localhost"));
}

static void test_na_134_what_is_no_request(void **state)
{
    osl_auto_buf der = PYOSSL_BUF_INIT, data = PYOSSL_BUF_INIT;
    pyossl_req *untouched = NULL;

    (void)state;
    certs_read(&data, DATA("server.pem"));
    assert_fails(pyossl_req_load(&untouched, PYOSSL_PEM, data.data, data.len), PYOSSL_E_FORMAT);
    assert_fails(pyossl_req_load(&untouched, PYOSSL_PEM, NULL, 0), PYOSSL_E_FORMAT);
    assert_fails(pyossl_req_load(&untouched, PYOSSL_DER, NULL, 0), PYOSSL_E_FORMAT);
    certs_read(&data, DATA("server.der"));
    assert_fails(pyossl_req_load(&untouched, PYOSSL_DER, data.data, data.len), PYOSSL_E_FORMAT);
    certs_read(&der, DATA("request.der"));
    assert_fails(pyossl_req_load(&untouched, PYOSSL_TEXT, der.data, der.len), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_req_load(&untouched, PYOSSL_PEM, der.data, der.len), PYOSSL_E_FORMAT);
    for (size_t len = 0; len < der.len; len++) {
        unsigned char *exact = osl_memdup(der.data, len);

        assert_fails(pyossl_req_load(&untouched, PYOSSL_DER, exact, len), PYOSSL_E_FORMAT);
        OPENSSL_free(exact);
    }
    assert_null(untouched);
}

static void test_label_of_long_ago(void **state)
{
    osl_auto_buf der = PYOSSL_BUF_INIT, pem = PYOSSL_BUF_INIT;
    osl_auto(pyossl_req) *req = NULL;

    (void)state;
    certs_read(&der, DATA("request.der"));
    assert_ok(osl_pem_write("NEW CERTIFICATE REQUEST", der.data, der.len, &pem));
    assert_ok(pyossl_req_load(&req, PYOSSL_PEM, pem.data, pem.len));
    assert_asked(req, "/CN=localhost");
}

/* RFC 2986 knows 0 alone, but there are programs and authorities with others. */
static void test_na_126_versions_are_stored(void **state)
{
    static const long versions[] = { 1, 2, 3, 127, 0 };
    osl_auto(pyossl_pkey) *key = keys_good(DATA("ec.pem"));
    osl_auto(pyossl_req) *req = NULL;

    (void)state;
    assert_ok(pyossl_req_new(&req));
    assert_int_equal(pyossl_req_version(req), 0);
    assert_fails(pyossl_req_set_version(req, -1), PYOSSL_E_ARGUMENT);
    assert_ok(pyossl_req_set_pubkey(req, key));
    for (size_t i = 0; i < OSL_COUNT_OF(versions); i++) {
        osl_auto(pyossl_req) *again = NULL;
        osl_auto_buf der = PYOSSL_BUF_INIT;

        assert_ok(pyossl_req_set_version(req, versions[i]));
        assert_ok(pyossl_req_sign(req, key, "sha256"));
        assert_ok(pyossl_req_dump(req, PYOSSL_DER, &der));
        assert_ok(pyossl_req_load(&again, PYOSSL_DER, der.data, der.len));
        assert_int_equal(pyossl_req_version(again), versions[i]);
        /* OpenSSL 3.5 signs others than 0, but verifies none of them. */
        if (versions[i] == 0 || X509_REQ_verify(again->req, key->key) == 1)
            assert_ok(pyossl_req_verify(again, key));
        else
            assert_string_equal((ERR_clear_error(), pyossl_req_verify(again, key) == PYOSSL_E_VERIFY)
                                    ? test_reason()
                                    : "",
                                "unsupported version");
    }
}

static void test_extensions_are_asked_for_once(void **state)
{
    osl_auto(pyossl_pkey) *key = keys_good(DATA("ec.pem"));
    osl_auto(pyossl_req) *req = make(key, "sha256"), *again = NULL;
    osl_auto(pyossl_ext) *a = make_ext("basicConstraints", "CA:false");
    osl_auto(pyossl_ext) *b = make_ext("subjectAltName", "DNS:a.test"), *found = NULL;
    osl_auto_buf der = PYOSSL_BUF_INIT, data = PYOSSL_BUF_INIT;
    pyossl_ext *none = NULL;

    (void)state;
    assert_ok(pyossl_req_add_exts(req, NULL, 0));
    assert_int_equal(pyossl_req_ext_count(req), 0);
    assert_ok(pyossl_req_add_exts(req, (pyossl_ext *[]){ a, b }, 2));
    assert_int_equal(pyossl_req_ext_count(req), 2);
    assert_fails(pyossl_req_add_exts(req, (pyossl_ext *[]){ a }, 1), PYOSSL_E_STATE);
    assert_ok(pyossl_req_add_exts(req, NULL, 0));
    assert_int_equal(pyossl_req_ext_count(req), 2);
    assert_fails(pyossl_req_verify(req, key), PYOSSL_E_VERIFY); /* changed since */
    assert_ok(pyossl_req_sign(req, key, "sha256"));

    assert_ok(pyossl_req_dump(req, PYOSSL_DER, &der));
    assert_ok(pyossl_req_load(&again, PYOSSL_DER, der.data, der.len));
    assert_int_equal(pyossl_req_ext_count(again), 2);
    for (int twice = 0; twice < 2; twice++) {
        assert_ok(pyossl_req_ext_at(again, 1, &found));
        assert_string_equal(pyossl_ext_short_name(found), "subjectAltName");
        assert_ok(pyossl_ext_data(found, &data));
        assert_buf(data,
                   "0\x08\x82\x06"
                   "a.test",
                   10);
        pyossl_ext_unref(found);
        found = NULL;
    }
    assert_fails(pyossl_req_ext_at(again, 2, &none), PYOSSL_E_NOT_FOUND);
    assert_fails(pyossl_req_ext_at(again, SIZE_MAX, &none), PYOSSL_E_NOT_FOUND);
    assert_fails(pyossl_req_add_exts(again, (pyossl_ext *[]){ a }, 1), PYOSSL_E_STATE);
    assert_null(none);
}

static void test_a_subject_that_was_replaced_is_no_name(void **state)
{
    osl_auto(pyossl_req) *req = load(DATA("request.pem"));
    osl_auto(pyossl_name) *view = NULL, *name = NULL;
    osl_auto_buf before = PYOSSL_BUF_INIT, after = PYOSSL_BUF_INIT;

    (void)state;
    assert_ok(pyossl_name_new(&name));
    assert_ok(pyossl_name_set(name, "CN", "changed", 7));
    assert_ok(pyossl_req_subject(req, &view));
    assert_ok(pyossl_req_set_subject(req, name));
    assert_ok(pyossl_req_dump(req, PYOSSL_DER, &before));
    assert_fails(pyossl_req_set_subject(req, view), PYOSSL_E_STATE);
    assert_ok(pyossl_req_dump(req, PYOSSL_DER, &after));
    assert_buf(after, before.data, before.len);
}

static void test_changes_reach_the_encoding(void **state)
{
    osl_auto(pyossl_pkey) *key = keys_good(DATA("rsa.pem")), *other = keys_good(DATA("ec.pem"));
    osl_auto(pyossl_name) *name = NULL;

    (void)state;
    assert_ok(pyossl_name_new(&name));
    assert_ok(pyossl_name_set(name, "CN", "changed", 7));
    for (int change = 0; change < 3; change++) {
        osl_auto(pyossl_req) *req = load(DATA("request.pem"));
        osl_auto(pyossl_name) *view = NULL;
        osl_auto_buf before = PYOSSL_BUF_INIT, after = PYOSSL_BUF_INIT;

        assert_ok(pyossl_req_dump(req, PYOSSL_DER, &before));
        if (change == 0) {
            assert_ok(pyossl_req_set_subject(req, name));
        } else if (change == 1) {
            assert_ok(pyossl_req_subject(req, &view));
            assert_ok(pyossl_name_set(view, "O", "new", 3));
        } else {
            assert_ok(pyossl_req_set_pubkey(req, other));
        }
        assert_ok(pyossl_req_dump(req, PYOSSL_DER, &after));
        assert_false(pyossl_equal_bytes(before.data, before.len, after.data, after.len));
        assert_fails(pyossl_req_verify(req, key), PYOSSL_E_VERIFY);
    }
}

/* Off by one in a tri-state would let these through. */
static void test_na_007_bad_signatures(void **state)
{
    osl_auto(pyossl_pkey) *key = keys_good(DATA("ec.pem")), *rsa = keys_good(DATA("rsa.pem"));
    osl_auto(pyossl_req) *req = make(key, "sha256");
    osl_auto_buf der = PYOSSL_BUF_INIT;

    (void)state;
    assert_fails(pyossl_req_verify(req, rsa), PYOSSL_E_VERIFY);
    assert_ok(pyossl_req_dump(req, PYOSSL_DER, &der));
    for (size_t back = 1; back < 60; back++) { /* the signature stands at the end */
        osl_auto(pyossl_req) *bad = NULL;

        der.data[der.len - back] ^= 1;
        if (pyossl_req_load(&bad, PYOSSL_DER, der.data, der.len) == PYOSSL_OK)
            assert_fails(pyossl_req_verify(bad, key), PYOSSL_E_VERIFY);
        der.data[der.len - back] ^= 1;
    }
}

static void test_failed_signature_leaves_the_old_one(void **state)
{
    osl_auto(pyossl_pkey) *tiny = NULL, *key = keys_good(DATA("ec.pem")), *public_key = NULL;
    osl_auto(pyossl_req) *req = make(key, "sha256");

    (void)state;
    assert_ok(pyossl_pkey_generate(&tiny, PYOSSL_KEY_RSA, 512));
    assert_ok(pyossl_req_pubkey(req, &public_key));
    assert_fails(pyossl_req_sign(req, tiny, "sha512"), PYOSSL_E_OPENSSL);
    assert_fails(pyossl_req_sign(req, public_key, "sha256"), PYOSSL_E_STATE);
    assert_fails(pyossl_req_sign(req, key, "md99"), PYOSSL_E_ARGUMENT);
    assert_ok(pyossl_req_verify(req, key));
}

static void test_references(void **state)
{
    pyossl_req *req = load(DATA("request.pem"));

    (void)state;
    assert_ptr_equal(pyossl_req_ref(req), req);
    pyossl_req_unref(req);
    assert_asked(req, "/CN=localhost");
    pyossl_req_unref(req);
    pyossl_req_unref(NULL);
}

/* Loading and every question to a request, whatever bytes it has. */
static void test_mutated_requests(void **state)
{
    osl_auto(pyossl_pkey) *key = keys_good(DATA("rsa.pem"));
    osl_auto_buf der = PYOSSL_BUF_INIT;
    uint32_t seed = 2986;
    int loaded = 0;

    (void)state;
    certs_read(&der, DATA("request.der"));
    for (int round = 0; round < 3000; round++) {
        osl_auto(pyossl_req) *req = NULL;
        unsigned char *copy = osl_memdup(der.data, der.len);
        pyossl_status status;

        for (int change = 0; change < 2; change++) {
            seed = seed * 1664525 + 1013904223;
            copy[(seed >> 8) % der.len] ^= (unsigned char)(1u << (seed >> 29));
        }
        status = pyossl_req_load(&req, PYOSSL_DER, copy, der.len);
        OPENSSL_free(copy);
        assert_int_equal(ERR_peek_error(), 0);
        if (status != PYOSSL_OK) {
            assert_status(status, PYOSSL_E_FORMAT);
            assert_null(req);
            continue;
        }
        loaded++;
        for (size_t i = 0; i < pyossl_req_ext_count(req); i++) {
            osl_auto(pyossl_ext) *ext = NULL;

            assert_ok(pyossl_req_ext_at(req, i, &ext));
        }
        if (round % 4 == 0) {
            osl_auto(pyossl_pkey) *found = NULL;
            osl_auto_buf out = PYOSSL_BUF_INIT;

            (void)!pyossl_req_pubkey(req, &found);
            assert_int_equal(pyossl_req_verify(req, key) == PYOSSL_OK,
                             X509_REQ_verify(req->req, key->key) == 1);
            ERR_clear_error();
            assert_ok(pyossl_req_dump(req, PYOSSL_DER, &out));
        }
    }
    assert_true(loaded > 500);
}

static pyossl_status scenario(void *arg)
{
    osl_auto(pyossl_req) *req = NULL;
    osl_auto(pyossl_name) *name = NULL;
    osl_auto(pyossl_ext) *ext = NULL;
    osl_auto_buf out = PYOSSL_BUF_INIT;

    OSL_TRY(pyossl_req_new(&req));
    OSL_TRY(pyossl_req_subject(req, &name));
    OSL_TRY(pyossl_name_set(name, "CN", "x", 1));
    OSL_TRY(pyossl_req_set_pubkey(req, arg));
    OSL_TRY(pyossl_ext_new_der(&ext, "basicConstraints", 0, "0\0", 2));
    OSL_TRY(pyossl_req_add_exts(req, &ext, 1));
    OSL_TRY(pyossl_req_sign(req, arg, NULL));
    return pyossl_req_dump(req, PYOSSL_PEM, &out);
}

static void test_na_006_every_allocation_may_fail(void **state)
{
    osl_auto(pyossl_pkey) *key = keys_good(DATA("ed25519.pem"));
    const oom_scenario sweep = {
        .name = "requests", .run = scenario, .arg = key, .any_error = 1, .theirs = 8
    };

    (void)state;
    assert_int_equal(oom_sweep(&sweep), 0);
}

static void test_na_234_copies(void **state)
{
    osl_auto(pyossl_req) *request = load(DATA("request.pem"));
    osl_auto(pyossl_req) *copy = NULL;
    osl_auto(pyossl_req) *blank = NULL;
    osl_auto(pyossl_req) *second = NULL;
    osl_auto(pyossl_name) *name = NULL;
    osl_auto_buf text = PYOSSL_BUF_INIT;
    pyossl_ext *ext = make_ext("subjectAltName", "DNS:a");

    (void)state;
    assert_ok(pyossl_req_copy(&copy, request));
    assert_int_equal(pyossl_req_ext_count(copy), pyossl_req_ext_count(request));
    assert_ok(pyossl_req_new(&blank));
    assert_ok(pyossl_req_add_exts(blank, &ext, 1));
    assert_ok(pyossl_req_copy(&second, blank));
    assert_int_equal(pyossl_req_ext_count(second), 1);
    assert_ok(pyossl_req_subject(second, &name));
    assert_ok(pyossl_name_set(name, "CN", "changed", 7));
    pyossl_name_unref(name);
    name = NULL;
    assert_ok(pyossl_req_subject(blank, &name));
    assert_fails(pyossl_name_get(name, "CN", &text), PYOSSL_E_NOT_FOUND);
    pyossl_ext_unref(ext);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_077_blank_request),
        cmocka_unit_test(test_requests_there_and_back),
        cmocka_unit_test(test_a_request_made_elsewhere),
        cmocka_unit_test(test_na_134_what_is_no_request),
        cmocka_unit_test(test_label_of_long_ago),
        cmocka_unit_test(test_na_126_versions_are_stored),
        cmocka_unit_test(test_extensions_are_asked_for_once),
        cmocka_unit_test(test_a_subject_that_was_replaced_is_no_name),
        cmocka_unit_test(test_changes_reach_the_encoding),
        cmocka_unit_test(test_na_007_bad_signatures),
        cmocka_unit_test(test_failed_signature_leaves_the_old_one),
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_na_234_copies),
        cmocka_unit_test(test_mutated_requests),
        cmocka_unit_test(test_na_006_every_allocation_may_fail),
    };

    oom_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
