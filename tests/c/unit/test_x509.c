#include "certs.h"

#include <pthread.h>

#include "crypto/crypto.h"
#include "oom.h"
#include "pyossl/callbacks.h"

static void test_na_077_blank_certificate(void **state)
{
    osl_auto(pyossl_x509) *cert = NULL;
    osl_auto(pyossl_pkey) *key = keys_good(DATA("ec.pem"));
    osl_auto(pyossl_name) *subject = NULL;
    osl_auto_buf hex = PYOSSL_BUF_INIT;
    pyossl_buf out = PYOSSL_BUF_INIT;
    pyossl_pkey *no_key = NULL;
    pyossl_ext *no_ext = NULL;
    const char *algorithm = "untouched";
    int expired = 7;

    (void)state;
    assert_ok(pyossl_x509_new(&cert));
    assert_int_equal(pyossl_x509_version(cert), 0);
    assert_ok(pyossl_x509_serial(cert, &hex));
    assert_buf_text(hex, "00");
    assert_ok(pyossl_x509_subject(cert, &subject));
    assert_int_equal(pyossl_name_count(subject), 0);
    assert_int_equal(pyossl_x509_ext_count(cert), 0);
    assert_fails(pyossl_x509_not_before(cert, &out), PYOSSL_E_NOT_FOUND);
    assert_fails(pyossl_x509_not_after(cert, &out), PYOSSL_E_NOT_FOUND);
    assert_fails(pyossl_x509_has_expired(cert, &expired), PYOSSL_E_NOT_FOUND);
    assert_fails(pyossl_x509_pubkey(cert, &no_key), PYOSSL_E_NOT_FOUND);
    assert_fails(pyossl_x509_ext_at(cert, 0, &no_ext), PYOSSL_E_NOT_FOUND);
    assert_fails(pyossl_x509_signature_algorithm(cert, &algorithm), PYOSSL_E_NOT_FOUND);
    assert_fails(pyossl_x509_digest(cert, "md99", &out), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_x509_digest(cert, "sha256", &out), PYOSSL_E_STATE);
    assert_fails(pyossl_x509_dump(cert, PYOSSL_PEM, &out), PYOSSL_E_STATE);
    assert_fails(pyossl_x509_dump(cert, PYOSSL_DER, &out), PYOSSL_E_STATE);
    assert_fails(pyossl_x509_dump(cert, (pyossl_format)100, &out), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_x509_verify(cert, key), PYOSSL_E_VERIFY);
    assert_null(out.data);
    assert_null(no_key);
    assert_null(no_ext);
    assert_int_equal(expired, 7);
    assert_string_equal(algorithm, "untouched");
}

static void test_made_certificates_can_be_read(void **state)
{
    static const struct {
        const char *key, *digest, *algorithm;
    } cases[] = {
        { DATA("rsa.pem"), "sha256", "sha256WithRSAEncryption" },
        { DATA("rsa.pem"), "SHA1", "sha1WithRSAEncryption" },
        { DATA("ec.pem"), "sha384", "ecdsa-with-SHA384" },
        { DATA("dsa.pem"), "sha256", "dsa_with_SHA256" },
        { DATA("ed25519.pem"), NULL, "ED25519" },
    };

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(cases); i++) {
        osl_auto(pyossl_pkey) *key = keys_good(cases[i].key),
                              *other = keys_good(DATA("root-key.pem"));
        osl_auto(pyossl_x509) *made = certs_new(key, cases[i].digest), *again = NULL;
        osl_auto(pyossl_pkey) *found = NULL;
        osl_auto(pyossl_ext) *ext = NULL;
        osl_auto_buf pem = PYOSSL_BUF_INIT, out = PYOSSL_BUF_INIT;
        const char *algorithm;

        assert_ok(pyossl_x509_dump(made, PYOSSL_PEM, &pem));
        assert_ok(pyossl_x509_load(&again, PYOSSL_PEM, pem.data, pem.len));
        assert_true(pyossl_x509_equal(made, again));
        assert_int_equal(pyossl_x509_version(again), 2);
        assert_ok(pyossl_x509_serial(again, &out));
        assert_buf_text(out, "0123456789ABCDEF0123456789");
        assert_ok(pyossl_x509_not_after(again, &out));
        assert_buf_text(out, "20990101000000Z");
        assert_ok(pyossl_x509_signature_algorithm(again, &algorithm));
        assert_string_equal(algorithm, cases[i].algorithm);
        assert_ok(pyossl_x509_pubkey(again, &found));
        assert_true(pyossl_pkey_equal(found, key));
        assert_false(pyossl_pkey_is_private(found));
        assert_int_equal(pyossl_x509_ext_count(again), 1);
        assert_ok(pyossl_x509_ext_at(again, 0, &ext));
        assert_int_equal(pyossl_ext_critical(ext), 1);
        assert_ok(pyossl_x509_verify(again, key));
        assert_ok(pyossl_x509_verify(made, key));
        assert_fails(pyossl_x509_verify(again, other), PYOSSL_E_VERIFY);
    }
}

/* The key in a certificate is public, whatever was put in. */
static void test_set_pubkey_takes_the_public_half(void **state)
{
    osl_auto(pyossl_x509) *cert = NULL;
    osl_auto(pyossl_pkey) *key = keys_good(DATA("rsa.pem")), *found = NULL;

    (void)state;
    assert_ok(pyossl_x509_new(&cert));
    assert_ok(pyossl_x509_set_pubkey(cert, key));
    assert_ok(pyossl_x509_pubkey(cert, &found));
    assert_false(pyossl_pkey_is_private(found));
    assert_true(pyossl_pkey_equal(found, key));
}

/* ---- loading ---- */

static void test_na_134_what_may_stand_around(void **state)
{
    osl_auto(pyossl_x509) *cert = certs_good(DATA("root.pem"));
    osl_auto_buf pem = PYOSSL_BUF_INIT, der = PYOSSL_BUF_INIT, key = PYOSSL_BUF_INIT;
    osl_auto_buf wrapped = PYOSSL_BUF_INIT;
    char *text;
    size_t size;

    (void)state;
    assert_ok(pyossl_x509_dump(cert, PYOSSL_PEM, &pem));
    assert_ok(pyossl_x509_dump(cert, PYOSSL_DER, &der));
    certs_read(&key, DATA("rsa.pem"));
    size = pem.len + key.len + der.len + 100;
    text = malloc(size);

    for (int round = 0; round < 3; round++) {
        osl_auto(pyossl_x509) *again = NULL;
        int len = 0;

        if (round == 0)
            len = snprintf(text, size, "%s%s", key.data, pem.data);
        else if (round == 1)
            len = snprintf(text, size, "# words in front\n\n%s# and behind", pem.data);
        else
            len = snprintf(text, size, "\xef\xbb\xbf\n%s%s", pem.data, key.data);
        assert_ok(pyossl_x509_load(&again, PYOSSL_PEM, text, (size_t)len));
        assert_true(pyossl_x509_equal(cert, again));
    }
    /* Bytes behind a DER certificate. */
    {
        osl_auto(pyossl_x509) *again = NULL;

        memcpy(text, der.data, der.len);
        memset(text + der.len, 0x30, 50);
        assert_ok(pyossl_x509_load(&again, PYOSSL_DER, text, der.len + 50));
        assert_true(pyossl_x509_equal(cert, again));
        assert_int_equal(again->der.len, der.len);
    }
    /* And behind the certificate within a PEM block, under the label of long ago. */
    {
        osl_auto(pyossl_x509) *again = NULL;

        assert_ok(osl_pem_write("X509 CERTIFICATE", text, der.len + 5, &wrapped));
        assert_ok(pyossl_x509_load(&again, PYOSSL_PEM, wrapped.data, wrapped.len));
        assert_true(pyossl_x509_equal(cert, again));
    }
    free(text);
}

static void test_na_042_na_134_na_142_what_is_no_certificate(void **state)
{
    static const char *const files[] = { DATA("rsa.pem"), DATA("crl.pem"), DATA("request.pem"),
                                         DATA("README.md"), DATA("spkac.txt") };
    osl_auto_buf der = PYOSSL_BUF_INIT;
    pyossl_x509 *untouched = NULL;

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(files); i++) {
        osl_auto_buf data = PYOSSL_BUF_INIT;

        certs_read(&data, files[i]);
        assert_fails(pyossl_x509_load(&untouched, PYOSSL_PEM, data.data, data.len),
                     PYOSSL_E_FORMAT);
        assert_fails(pyossl_x509_load(&untouched, PYOSSL_DER, data.data, data.len),
                     PYOSSL_E_FORMAT);
    }
    assert_fails(pyossl_x509_load(&untouched, PYOSSL_PEM, "", 0), PYOSSL_E_FORMAT);
    assert_string_equal(test_reason(), "no start line");
    assert_fails(pyossl_x509_load(&untouched, PYOSSL_PEM, NULL, 0), PYOSSL_E_FORMAT);
    assert_fails(pyossl_x509_load(&untouched, PYOSSL_DER, NULL, 0), PYOSSL_E_FORMAT);
    assert_fails(pyossl_x509_load(&untouched, PYOSSL_DER, "0\x80\0\0", 4), PYOSSL_E_FORMAT);
    certs_read(&der, DATA("root.der"));
    assert_fails(pyossl_x509_load(&untouched, PYOSSL_PEM, der.data, der.len), PYOSSL_E_FORMAT);
    assert_fails(pyossl_x509_load(&untouched, PYOSSL_TEXT, der.data, der.len), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_x509_load(&untouched, (pyossl_format)100, der.data, der.len),
                 PYOSSL_E_ARGUMENT);
    certs_read(&der, DATA("crl.der"));
    assert_fails(pyossl_x509_load(&untouched, PYOSSL_DER, der.data, der.len), PYOSSL_E_FORMAT);
    assert_null(untouched);
}

static void test_truncated_der(void **state)
{
    osl_auto_buf der = PYOSSL_BUF_INIT;
    pyossl_x509 *untouched = NULL;

    (void)state;
    certs_read(&der, DATA("server.der"));
    for (size_t len = 0; len < der.len; len++) {
        unsigned char *exact = osl_memdup(der.data, len);

        assert_fails(pyossl_x509_load(&untouched, PYOSSL_DER, exact, len), PYOSSL_E_FORMAT);
        OPENSSL_free(exact);
    }
    assert_null(untouched);
}

static void test_load_all(void **state)
{
    osl_auto_buf chain = PYOSSL_BUF_INIT, bad = PYOSSL_BUF_INIT;
    osl_auto_x509_list list = PYOSSL_X509_LIST_INIT, untouched = PYOSSL_X509_LIST_INIT;
    char *broken;

    (void)state;
    certs_read(&chain, DATA("chain.pem"));
    assert_ok(pyossl_x509_load_all(&list, chain.data, chain.len));
    assert_int_equal(list.count, 2);
    assert_ok(osl_buf_alloc(&bad, chain.len * 5));
    for (size_t i = 0; i < 5; i++)
        memcpy(bad.data + i * chain.len, chain.data, chain.len);
    assert_ok(pyossl_x509_load_all(&list, bad.data, bad.len)); /* replaces */
    assert_int_equal(list.count, 10);
    assert_true(pyossl_x509_equal(list.items[0], list.items[8]));
    assert_false(pyossl_x509_equal(list.items[0], list.items[1]));

    certs_read(&bad, DATA("server-all.pem"));
    assert_ok(pyossl_x509_load_all(&list, bad.data, bad.len));
    assert_int_equal(list.count, 2);

    /* A spoiled second block is not the end of the list. */
    broken = strstr((char *)chain.data + 100, "-----BEGIN");
    broken[60] = '*';
    assert_fails(pyossl_x509_load_all(&untouched, chain.data, chain.len), PYOSSL_E_FORMAT);
    assert_fails(pyossl_x509_load_all(&untouched, NULL, 0), PYOSSL_E_FORMAT);
    certs_read(&bad, DATA("rsa.pem"));
    assert_fails(pyossl_x509_load_all(&untouched, bad.data, bad.len), PYOSSL_E_FORMAT);
    assert_null(untouched.items);
    assert_int_equal(untouched.count, 0);
}

/* ---- sharing ---- */

static void test_na_085_shared_certificates_are_never_changed(void **state)
{
    osl_auto(pyossl_x509) *cert = certs_good(DATA("server.pem")), *before = NULL;
    osl_auto(X509) *shared = osl_x509_full(cert);
    osl_auto_buf der = PYOSSL_BUF_INIT;
    unsigned char *of_shared = NULL;
    int len;

    (void)state;
    assert_int_equal(X509_up_ref(shared), 1);
    assert_ok(pyossl_x509_copy(&before, cert));
    assert_true((X509_get_extension_flags(shared) & EXFLAG_SET) != 0);
    assert_ok(pyossl_x509_set_serial(cert, "77"));
    assert_ptr_not_equal(cert->full, shared);
    assert_false(pyossl_x509_equal(cert, before));
    assert_ok(pyossl_x509_dump(before, PYOSSL_DER, &der));
    len = i2d_X509(shared, &of_shared);
    assert_int_equal(len, der.len);
    assert_memory_equal(of_shared, der.data, der.len);
    OPENSSL_free(of_shared);
    /* What is not shared any more is changed in place. */
    {
        const X509 *own = cert->full;

        assert_ok(pyossl_x509_set_serial(cert, "78"));
        assert_ptr_equal(cert->full, own);
    }
    assert_ptr_equal(osl_x509_full(before), osl_x509_full(before));
}

/* Certificates that cannot be encoded, or not read back, can be shared and changed too. */
static void test_unfinished_certificates_can_be_shared(void **state)
{
    osl_auto(pyossl_pkey) *key = keys_good(DATA("ec.pem")), *found = NULL;
    osl_auto(pyossl_x509) *cert = NULL, *copy = NULL;
    osl_auto(pyossl_name) *name = NULL;
    osl_auto(pyossl_ext) *ext = NULL;
    osl_auto_buf out = PYOSSL_BUF_INIT;

    (void)state;
    assert_ok(pyossl_x509_new(&cert));
    assert_non_null(osl_x509_full(cert));
    assert_ok(pyossl_x509_subject(cert, &name));
    assert_ok(pyossl_name_set(name, "CN", "draft", 5));
    assert_non_null(osl_x509_full(cert));
    assert_ok(pyossl_x509_set_version(cert, 2));
    assert_ok(pyossl_x509_set_serial(cert, "1234"));
    assert_ok(pyossl_x509_set_pubkey(cert, key));
    assert_ok(pyossl_ext_new(&ext, "nsComment", 0, "x", 1, NULL, NULL));
    assert_ok(pyossl_x509_add_exts(cert, &ext, 1));
    assert_non_null(osl_x509_full(cert));
    assert_ok(pyossl_x509_set_not_after(cert, "20300101000000Z", 15));
    /* Signed without notBefore: it has an encoding, which OpenSSL cannot read. */
    assert_ok(pyossl_x509_sign(cert, key, "sha256"));
    assert_ok(pyossl_x509_verify(cert, key));
    assert_non_null(osl_x509_full(cert));
    assert_ok(pyossl_x509_copy(&copy, cert));
    assert_subject(copy, "/CN=draft");
    assert_int_equal(pyossl_x509_version(copy), 2);
    assert_ok(pyossl_x509_serial(copy, &out));
    assert_buf_text(out, "1234");
    assert_ok(pyossl_x509_not_after(copy, &out));
    assert_buf_text(out, "20300101000000Z");
    assert_int_equal(pyossl_x509_ext_count(copy), 1);
    assert_ok(pyossl_x509_pubkey(copy, &found));
    assert_true(pyossl_pkey_equal(found, key));
    assert_ok(pyossl_x509_verify(copy, key));
    assert_true(pyossl_x509_equal(copy, cert));
}

static void test_copies_are_independent(void **state)
{
    osl_auto(pyossl_x509) *cert = certs_good(DATA("server.pem")), *copy = NULL;

    (void)state;
    assert_ok(pyossl_x509_copy(&copy, cert));
    assert_true(pyossl_x509_equal(cert, copy));
    assert_ok(pyossl_x509_set_serial(copy, "1"));
    assert_false(pyossl_x509_equal(cert, copy));
    assert_true(pyossl_x509_equal(cert, cert));
}

static void test_equality_of_blank_certificates(void **state)
{
    osl_auto(pyossl_x509) *a = NULL, *b = NULL;

    (void)state;
    assert_ok(pyossl_x509_new(&a));
    assert_ok(pyossl_x509_new(&b));
    assert_true(pyossl_x509_equal(a, a));
    assert_false(pyossl_x509_equal(a, b)); /* neither has an encoding to compare */
    assert_int_equal(ERR_peek_error(), 0);
}

static void test_wrapped_certificates(void **state)
{
    osl_auto(pyossl_x509) *cert = certs_good(DATA("server.pem")), *wrapped = NULL;
    X509 *theirs = osl_x509_full(cert);

    (void)state;
    assert_int_equal(X509_up_ref(theirs), 1);
    assert_ok(osl_x509_wrap(&wrapped, theirs));
    assert_true(pyossl_x509_equal(cert, wrapped));
    assert_subject(wrapped, "/CN=localhost");
    assert_ok(pyossl_x509_set_serial(wrapped, "5"));
    assert_false(pyossl_x509_equal(cert, wrapped));
    assert_ptr_equal(osl_x509_full(cert), theirs);
}

static void test_na_067_stacks_and_lists(void **state)
{
    osl_auto_buf chain = PYOSSL_BUF_INIT;
    osl_auto_x509_list list = PYOSSL_X509_LIST_INIT, back = PYOSSL_X509_LIST_INIT;
    STACK_OF(X509) *stack;

    (void)state;
    certs_read(&chain, DATA("chain.pem"));
    assert_ok(pyossl_x509_load_all(&list, chain.data, chain.len));
    stack = osl_x509_stack(list.items, list.count);
    assert_int_equal(sk_X509_num(stack), 2);
    assert_ptr_equal(sk_X509_value(stack, 0), osl_x509_full(list.items[0]));
    assert_ok(osl_x509_wrap_stack(&back, stack));
    sk_X509_pop_free(stack, X509_free);
    assert_int_equal(back.count, 2);
    for (size_t i = 0; i < back.count; i++)
        assert_true(pyossl_x509_equal(list.items[i], back.items[i]));
    assert_ok(osl_x509_wrap_stack(&back, NULL));
    assert_int_equal(back.count, 0);
    stack = osl_x509_stack(NULL, 0);
    assert_int_equal(sk_X509_num(stack), 0);
    sk_X509_free(stack);
    pyossl_x509_list_clear(&back); /* again */
}

static void test_references(void **state)
{
    pyossl_x509 *cert = certs_good(DATA("root.pem"));

    (void)state;
    assert_ptr_equal(pyossl_x509_ref(cert), cert);
    pyossl_x509_unref(cert);
    assert_subject(cert, "/O=libpyossl tests/CN=Test Root");
    pyossl_x509_unref(cert);
    pyossl_x509_unref(NULL);
}

/* ---- threads ---- */

enum { THREADS = 8 };

typedef struct reader {
    pyossl_x509 *cert;
    pthread_barrier_t *start;
    X509 *full;
    int failures;
} reader;

/* All that may be asked of a certificate that somebody else reads too. */
static void *read_all(void *arg)
{
    reader *self = arg;
    osl_auto_buf out = PYOSSL_BUF_INIT;
    osl_auto(pyossl_name) *subject = NULL;
    osl_auto(pyossl_pkey) *key = NULL;
    osl_auto(pyossl_ext) *ext = NULL;
    osl_auto(pyossl_x509) *copy = NULL;
    unsigned long hash;
    int expired;

    pthread_barrier_wait(self->start);
    self->full = osl_x509_full(self->cert);
    self->failures = pyossl_x509_subject(self->cert, &subject) != PYOSSL_OK;
    self->failures += pyossl_name_hash(subject, &hash) != PYOSSL_OK;
    self->failures += pyossl_name_oneline(subject, &out) != PYOSSL_OK;
    self->failures += pyossl_x509_pubkey(self->cert, &key) != PYOSSL_OK;
    self->failures += pyossl_x509_digest(self->cert, "sha256", &out) != PYOSSL_OK;
    self->failures += pyossl_x509_dump(self->cert, PYOSSL_PEM, &out) != PYOSSL_OK;
    self->failures += pyossl_x509_dump(self->cert, PYOSSL_TEXT, &out) != PYOSSL_OK;
    self->failures += pyossl_x509_has_expired(self->cert, &expired) != PYOSSL_OK;
    self->failures += pyossl_x509_ext_at(self->cert, 0, &ext) != PYOSSL_OK;
    self->failures += pyossl_x509_copy(&copy, self->cert) != PYOSSL_OK;
    self->failures += !pyossl_x509_equal(self->cert, copy);
    return NULL;
}

static void test_na_085_reading_from_several_threads(void **state)
{
    osl_auto(pyossl_pkey) *signer = keys_good(DATA("ec.pem"));

    (void)state;
    for (int round = 0; round < 20; round++) {
        /* One that was loaded, and one that has never been anything but whole. */
        osl_auto(pyossl_x509) *cert =
            round % 2 == 0 ? certs_good(DATA("server.pem")) : certs_new(signer, "sha256");
        pthread_t threads[THREADS];
        reader readers[THREADS];
        pthread_barrier_t start;

        assert_int_equal(pthread_barrier_init(&start, NULL, THREADS), 0);
        for (int i = 0; i < THREADS; i++) {
            readers[i] = (reader){ .cert = cert, .start = &start };
            assert_int_equal(pthread_create(&threads[i], NULL, read_all, &readers[i]), 0);
        }
        for (int i = 0; i < THREADS; i++) {
            assert_int_equal(pthread_join(threads[i], NULL), 0);
            assert_int_equal(readers[i].failures, 0);
            assert_non_null(readers[i].full);
            assert_ptr_equal(readers[i].full, readers[0].full);
        }
        pthread_barrier_destroy(&start);
    }
}

/* ---- memory ---- */

/* Ask for all that there is. */
static void ask(pyossl_x509 *cert, pyossl_pkey *signer)
{
    osl_auto_buf out = PYOSSL_BUF_INIT;
    osl_auto(pyossl_name) *subject = NULL, *issuer = NULL;
    osl_auto(pyossl_pkey) *key = NULL;
    osl_auto(pyossl_x509) *copy = NULL;
    osl_auto(pyossl_ext) *made = NULL;
    const char *algorithm;
    unsigned long hash;
    int expired;

    assert_ok(pyossl_x509_subject(cert, &subject));
    assert_ok(pyossl_x509_issuer(cert, &issuer));
    assert_ok(pyossl_name_get(subject, "CN", &out));
    assert_ok(pyossl_name_oneline(issuer, &out));
    assert_ok(pyossl_name_dump(issuer, &out));
    assert_fails(pyossl_name_get(subject, "title", &out), PYOSSL_E_NOT_FOUND);
    assert_ok(pyossl_x509_serial(cert, &out));
    assert_ok(pyossl_x509_not_before(cert, &out));
    assert_ok(pyossl_x509_not_after(cert, &out));
    assert_ok(pyossl_x509_has_expired(cert, &expired));
    assert_ok(pyossl_x509_subject_hash(cert, &hash));
    assert_ok(pyossl_x509_signature_algorithm(cert, &algorithm));
    assert_ok(pyossl_x509_digest(cert, "sha256", &out));
    assert_ok(pyossl_x509_pubkey(cert, &key));
    assert_ok(pyossl_x509_verify(cert, signer));
    assert_fails(pyossl_x509_verify(cert, key), PYOSSL_E_VERIFY);
    for (size_t i = 0; i < pyossl_x509_ext_count(cert); i++) {
        osl_auto(pyossl_ext) *ext = NULL;
        int type;

        assert_ok(pyossl_x509_ext_at(cert, i, &ext));
        assert_ok(pyossl_ext_data(ext, &out));
        assert_ok(pyossl_ext_text(ext, &out));
        assert_ok(pyossl_ext_oid(ext, &out));
        for (size_t j = 0; pyossl_ext_general_name_at(ext, j, &type, &out) == PYOSSL_OK; j++)
            assert_true(out.len > 0);
    }
    assert_ok(pyossl_ext_new(&made, "subjectAltName", 0, "email:copy,DNS:a.test", 21, cert, cert));
    for (int format = PYOSSL_PEM; format <= PYOSSL_DER; format++)
        assert_ok(pyossl_x509_dump(cert, (pyossl_format)format, &out));
    assert_ok(pyossl_x509_dump(cert, PYOSSL_TEXT, &out));
    assert_ok(pyossl_x509_copy(&copy, cert));
    assert_true(pyossl_x509_equal(cert, copy));
    assert_ok(pyossl_x509_set_subject(copy, issuer));
    assert_ok(pyossl_x509_set_serial(copy, "12"));
    assert_ok(pyossl_x509_add_exts(copy, &made, 1));
}

static void test_na_069_nothing_is_left_behind(void **state)
{
    osl_auto(pyossl_x509) *cert = certs_good(DATA("client.pem"));
    osl_auto(pyossl_pkey) *signer = keys_good(DATA("intermediate-key.pem"));
    size_t ours, theirs;

    (void)state;
    for (int i = 0; i < 100; i++)
        ask(cert, signer); /* OpenSSL fills its caches */
    ours = oom_ours();
    theirs = oom_theirs();
    for (int i = 0; i < 100; i++)
        ask(cert, signer);
    assert_int_equal(oom_ours(), ours);
    assert_int_equal(oom_theirs(), theirs);
}

static pyossl_status scenario(void *arg)
{
    const pyossl_buf *pem = arg;
    osl_auto(pyossl_x509) *cert = NULL;
    osl_auto(pyossl_ext) *ext = NULL;
    osl_auto_buf out = PYOSSL_BUF_INIT, before = PYOSSL_BUF_INIT;
    pyossl_status status;

    OSL_TRY(pyossl_x509_load(&cert, PYOSSL_PEM, pem->data, pem->len));
    OSL_TRY(pyossl_x509_digest(cert, "sha256", &out));
    OSL_TRY(pyossl_x509_dump(cert, PYOSSL_DER, &before));
    if (osl_x509_full(cert) == NULL)
        return osl_recorded();
    OSL_TRY(pyossl_x509_ext_at(cert, 0, &ext));
    status = pyossl_x509_add_exts(cert, (pyossl_ext *[]){ ext, ext }, 2);
    if (status != PYOSSL_OK) {
        oom_stop();
        oom_check(pyossl_x509_dump(cert, PYOSSL_DER, &out) == PYOSSL_OK &&
                  pyossl_equal_bytes(out.data, out.len, before.data, before.len));
        return status;
    }
    OSL_TRY(pyossl_x509_set_not_after(cert, "20300101000000Z", 15));
    OSL_TRY(pyossl_x509_set_serial(cert, "1234"));
    return pyossl_x509_dump(cert, PYOSSL_PEM, &out);
}

static pyossl_status scenario_of_lists(void *arg)
{
    const pyossl_buf *pem = arg;
    osl_auto_x509_list list = PYOSSL_X509_LIST_INIT;
    pyossl_status status = pyossl_x509_load_all(&list, pem->data, pem->len);

    oom_check((status == PYOSSL_OK) == (list.count > 0));
    return status;
}

static void test_na_006_every_allocation_may_fail(void **state)
{
    osl_auto_buf pem = PYOSSL_BUF_INIT;
    const oom_scenario sweeps[] = {
        { .name = "lists of certificates",
          .run = scenario_of_lists,
          .arg = &pem,
          .any_error = 1,
          .theirs = 8 },
        { .name = "certificates", .run = scenario, .arg = &pem, .any_error = 1, .theirs = 8 },
    };

    (void)state;
    certs_read(&pem, DATA("server-ed25519.pem"));
    for (size_t i = 0; i < OSL_COUNT_OF(sweeps); i++)
        assert_int_equal(oom_sweep(&sweeps[i]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_077_blank_certificate),
        cmocka_unit_test(test_made_certificates_can_be_read),
        cmocka_unit_test(test_set_pubkey_takes_the_public_half),
        cmocka_unit_test(test_na_134_what_may_stand_around),
        cmocka_unit_test(test_na_042_na_134_na_142_what_is_no_certificate),
        cmocka_unit_test(test_truncated_der),
        cmocka_unit_test(test_load_all),
        cmocka_unit_test(test_na_085_shared_certificates_are_never_changed),
        cmocka_unit_test(test_unfinished_certificates_can_be_shared),
        cmocka_unit_test(test_copies_are_independent),
        cmocka_unit_test(test_equality_of_blank_certificates),
        cmocka_unit_test(test_wrapped_certificates),
        cmocka_unit_test(test_na_067_stacks_and_lists),
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_na_085_reading_from_several_threads),
        cmocka_unit_test(test_na_069_nothing_is_left_behind),
        cmocka_unit_test(test_na_006_every_allocation_may_fail),
    };

    oom_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
