#include "test.h"

#include <stdlib.h>
#include <time.h>

#include "crypto/crypto.h"
#include "oom.h"
#include "pyossl/callbacks.h"

#define assert_buf(buf, bytes, size)                                                               \
    do {                                                                                           \
        assert_int_equal((buf).len, size);                                                         \
        assert_memory_equal((buf).data, bytes, size);                                              \
    } while (0)

static void slurp(pyossl_buf *out, const char *path)
{
    assert_ok(osl_file_read(path, OSL_FILE_MAX, out));
}

static pyossl_x509 *load(const char *path)
{
    osl_auto_buf pem = PYOSSL_BUF_INIT;
    pyossl_x509 *cert = NULL;

    slurp(&pem, path);
    assert_ok(pyossl_x509_load(&cert, PYOSSL_PEM, pem.data, pem.len));
    return cert;
}

static pyossl_pkey *key_of(const char *path)
{
    osl_auto_buf pem = PYOSSL_BUF_INIT;
    pyossl_pkey *key = NULL;

    slurp(&pem, path);
    assert_ok(pyossl_pkey_load_private(&key, PYOSSL_PEM, pem.data, pem.len, NULL));
    return key;
}

static void der_of(const pyossl_x509 *cert, pyossl_buf *out)
{
    assert_ok(pyossl_x509_dump(cert, PYOSSL_DER, out));
}

static void set_times(pyossl_x509 *cert)
{
    assert_ok(pyossl_x509_set_not_before(cert, "20200101000000Z", 15));
    assert_ok(pyossl_x509_set_not_after(cert, "20990101000000Z", 15));
}

/* A certificate of our own making, signed by its own key. */
static pyossl_x509 *make(const pyossl_pkey *key, const char *digest)
{
    osl_auto(pyossl_name) *name = NULL;
    osl_auto(pyossl_ext) *ext = NULL;
    pyossl_x509 *cert = NULL;

    assert_ok(pyossl_x509_new(&cert));
    assert_ok(pyossl_x509_set_version(cert, 2));
    assert_ok(pyossl_x509_set_serial(cert, "0123456789abcdef0123456789"));
    assert_ok(pyossl_x509_subject(cert, &name));
    assert_ok(pyossl_name_set(name, "CN", "made here", 9));
    assert_ok(pyossl_x509_set_issuer(cert, name));
    set_times(cert);
    assert_ok(pyossl_x509_set_pubkey(cert, key));
    assert_ok(pyossl_ext_new(&ext, "basicConstraints", 1, "CA:TRUE", 7, NULL, NULL));
    assert_ok(pyossl_x509_add_exts(cert, &ext, 1));
    assert_ok(pyossl_x509_sign(cert, key, digest));
    return cert;
}

/* ---- new certificates ---- */

static void test_na_077_blank_certificate(void **state)
{
    osl_auto(pyossl_x509) *cert = NULL;
    osl_auto(pyossl_pkey) *key = key_of(DATA("ec.pem"));
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
    assert_string_equal(hex.data, "00");
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
        osl_auto(pyossl_pkey) *key = key_of(cases[i].key), *other = key_of(DATA("root-key.pem"));
        osl_auto(pyossl_x509) *made = make(key, cases[i].digest), *again = NULL;
        osl_auto(pyossl_pkey) *found = NULL;
        osl_auto(pyossl_ext) *ext = NULL;
        osl_auto_buf pem = PYOSSL_BUF_INIT, out = PYOSSL_BUF_INIT;
        const char *algorithm;

        assert_ok(pyossl_x509_dump(made, PYOSSL_PEM, &pem));
        assert_ok(pyossl_x509_load(&again, PYOSSL_PEM, pem.data, pem.len));
        assert_true(pyossl_x509_equal(made, again));
        assert_int_equal(pyossl_x509_version(again), 2);
        assert_ok(pyossl_x509_serial(again, &out));
        assert_string_equal(out.data, "0123456789ABCDEF0123456789");
        assert_ok(pyossl_x509_not_after(again, &out));
        assert_string_equal(out.data, "20990101000000Z");
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
    osl_auto(pyossl_pkey) *key = key_of(DATA("rsa.pem")), *found = NULL;

    (void)state;
    assert_ok(pyossl_x509_new(&cert));
    assert_ok(pyossl_x509_set_pubkey(cert, key));
    assert_ok(pyossl_x509_pubkey(cert, &found));
    assert_false(pyossl_pkey_is_private(found));
    assert_true(pyossl_pkey_equal(found, key));
}

/* ---- loading ---- */

static void assert_subject(const pyossl_x509 *cert, const char *expected)
{
    osl_auto_buf line = PYOSSL_BUF_INIT;
    osl_auto(pyossl_name) *subject = NULL;

    assert_ok(pyossl_x509_subject((pyossl_x509 *)cert, &subject));
    assert_ok(pyossl_name_oneline(subject, &line));
    assert_string_equal(line.data, expected);
}

static void test_na_134_what_may_stand_around(void **state)
{
    osl_auto(pyossl_x509) *cert = load(DATA("root.pem"));
    osl_auto_buf pem = PYOSSL_BUF_INIT, der = PYOSSL_BUF_INIT, key = PYOSSL_BUF_INIT;
    osl_auto_buf wrapped = PYOSSL_BUF_INIT;
    char *text;
    size_t size;

    (void)state;
    assert_ok(pyossl_x509_dump(cert, PYOSSL_PEM, &pem));
    der_of(cert, &der);
    slurp(&key, DATA("rsa.pem"));
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

static void test_na_134_na_142_what_is_no_certificate(void **state)
{
    static const char *const files[] = { DATA("rsa.pem"), DATA("crl.pem"), DATA("request.pem"),
                                         DATA("README.md"), DATA("spkac.txt") };
    osl_auto_buf der = PYOSSL_BUF_INIT;
    pyossl_x509 *untouched = NULL;

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(files); i++) {
        osl_auto_buf data = PYOSSL_BUF_INIT;

        slurp(&data, files[i]);
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
    slurp(&der, DATA("root.der"));
    assert_fails(pyossl_x509_load(&untouched, PYOSSL_PEM, der.data, der.len), PYOSSL_E_FORMAT);
    assert_fails(pyossl_x509_load(&untouched, PYOSSL_TEXT, der.data, der.len), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_x509_load(&untouched, (pyossl_format)100, der.data, der.len),
                 PYOSSL_E_ARGUMENT);
    slurp(&der, DATA("crl.der"));
    assert_fails(pyossl_x509_load(&untouched, PYOSSL_DER, der.data, der.len), PYOSSL_E_FORMAT);
    assert_null(untouched);
}

static void test_truncated_der(void **state)
{
    osl_auto_buf der = PYOSSL_BUF_INIT;
    pyossl_x509 *untouched = NULL;

    (void)state;
    slurp(&der, DATA("server.der"));
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
    slurp(&chain, DATA("chain.pem"));
    assert_ok(pyossl_x509_load_all(&list, chain.data, chain.len));
    assert_int_equal(list.count, 2);
    assert_ok(osl_buf_alloc(&bad, chain.len * 5));
    for (size_t i = 0; i < 5; i++)
        memcpy(bad.data + i * chain.len, chain.data, chain.len);
    assert_ok(pyossl_x509_load_all(&list, bad.data, bad.len)); /* replaces */
    assert_int_equal(list.count, 10);
    assert_true(pyossl_x509_equal(list.items[0], list.items[8]));
    assert_false(pyossl_x509_equal(list.items[0], list.items[1]));

    slurp(&bad, DATA("server-all.pem"));
    assert_ok(pyossl_x509_load_all(&list, bad.data, bad.len));
    assert_int_equal(list.count, 2);

    /* A spoiled second block is not the end of the list. */
    broken = strstr((char *)chain.data + 100, "-----BEGIN");
    broken[60] = '*';
    assert_fails(pyossl_x509_load_all(&untouched, chain.data, chain.len), PYOSSL_E_FORMAT);
    assert_fails(pyossl_x509_load_all(&untouched, NULL, 0), PYOSSL_E_FORMAT);
    slurp(&bad, DATA("rsa.pem"));
    assert_fails(pyossl_x509_load_all(&untouched, bad.data, bad.len), PYOSSL_E_FORMAT);
    assert_null(untouched.items);
    assert_int_equal(untouched.count, 0);
}

/* ---- the light parse against OpenSSL's ---- */

static void compare_names(const X509_NAME *theirs, const X509_NAME *ours)
{
    char *line = X509_NAME_oneline(theirs, NULL, 0), *our_line = X509_NAME_oneline(ours, NULL, 0);
    unsigned long hash;

    assert_string_equal(line, our_line);
    assert_ok(osl_name_hash(ours, &hash));
    assert_true(hash == X509_NAME_hash_ex(theirs, NULL, NULL, NULL));
    OPENSSL_free(line);
    OPENSSL_free(our_line);
}

static void compare_times(const ASN1_TIME *theirs, pyossl_status status, const pyossl_buf *text)
{
    ASN1_GENERALIZEDTIME *expected;

    if (ASN1_STRING_length(theirs) == 0) {
        assert_int_equal(status, PYOSSL_E_NOT_FOUND);
        return;
    }
    if (ASN1_STRING_type(theirs) == V_ASN1_GENERALIZEDTIME) {
        assert_ok(status);
        assert_buf(*text, ASN1_STRING_get0_data(theirs), (size_t)ASN1_STRING_length(theirs));
        return;
    }
    expected = ASN1_TIME_to_generalizedtime(theirs, NULL);
    ERR_clear_error();
    assert_int_equal(status, expected != NULL ? PYOSSL_OK : PYOSSL_E_FORMAT);
    if (expected != NULL)
        assert_buf(*text, ASN1_STRING_get0_data(expected), (size_t)ASN1_STRING_length(expected));
    ASN1_GENERALIZEDTIME_free(expected);
}

static void compare_extensions(const X509 *theirs, const pyossl_x509 *ours)
{
    assert_int_equal(X509_get_ext_count(theirs), pyossl_x509_ext_count(ours));
    for (int i = 0; i < X509_get_ext_count(theirs); i++) {
        X509_EXTENSION *expected = X509_get_ext(theirs, i);
        const ASN1_STRING *octets = X509_EXTENSION_get_data(expected);
        osl_auto(pyossl_ext) *ext = NULL;
        osl_auto_buf data = PYOSSL_BUF_INIT;

        assert_ok(pyossl_x509_ext_at(ours, (size_t)i, &ext));
        assert_int_equal(pyossl_ext_critical(ext), X509_EXTENSION_get_critical(expected) != 0);
        assert_ok(pyossl_ext_data(ext, &data));
        assert_buf(data, ASN1_STRING_get0_data(octets), (size_t)ASN1_STRING_length(octets));
        assert_int_equal(
            OBJ_cmp(X509_EXTENSION_get_object(ext->ext), X509_EXTENSION_get_object(expected)), 0);
    }
}

static void compare_keys(const X509 *theirs, const pyossl_x509 *ours)
{
    osl_auto(EVP_PKEY) *expected = X509_get_pubkey((X509 *)theirs);
    osl_auto(pyossl_pkey) *found = NULL;
    pyossl_status status;

    ERR_clear_error();
    status = pyossl_x509_pubkey(ours, &found);
    if ((status == PYOSSL_OK) != (expected != NULL))
        fail_msg("the key is %s for OpenSSL, %s (%s) for us", expected != NULL ? "good" : "bad",
                 pyossl_status_name(status), test_reason());
    if (expected != NULL)
        assert_int_equal(EVP_PKEY_eq(expected, found->key), 1);
    else
        assert_int_equal(status, PYOSSL_E_FORMAT);
}

static void compare_all(const X509 *theirs, const pyossl_x509 *ours, const pyossl_pkey *signer)
{
    osl_auto_buf out = PYOSSL_BUF_INIT;
    osl_auto(BIO) *text = BIO_new(BIO_s_mem());
    unsigned char digest[EVP_MAX_MD_SIZE], *der = NULL;
    const X509_ALGOR *tbs = X509_get0_tbs_sigalg(theirs);
    unsigned digest_len;
    const char *algorithm = NULL;
    pyossl_status status;
    int len, good, nid;

    assert_int_equal(X509_get_version(theirs), pyossl_x509_version(ours));
    assert_int_equal(ASN1_INTEGER_cmp(X509_get0_serialNumber(theirs),
                                      X509_get0_serialNumber(osl_x509_read(ours))),
                     0);
    compare_names(X509_get_subject_name(theirs), X509_get_subject_name(osl_x509_read(ours)));
    compare_names(X509_get_issuer_name(theirs), X509_get_issuer_name(osl_x509_read(ours)));
    status = pyossl_x509_not_before(ours, &out);
    compare_times(X509_get0_notBefore(theirs), status, &out);
    status = pyossl_x509_not_after(ours, &out);
    compare_times(X509_get0_notAfter(theirs), status, &out);
    compare_extensions(theirs, ours);
    compare_keys(theirs, ours);

    nid = OBJ_obj2nid(tbs->algorithm);
    status = pyossl_x509_signature_algorithm(ours, &algorithm);
    assert_int_equal(status, nid != NID_undef ? PYOSSL_OK : PYOSSL_E_NOT_FOUND);
    if (nid != NID_undef)
        assert_string_equal(algorithm, OBJ_nid2ln(nid));

    len = i2d_X509((X509 *)theirs, &der);
    der_of(ours, &out);
    assert_buf(out, der, (size_t)len);
    OPENSSL_free(der);
    assert_int_equal(X509_digest(theirs, EVP_sha256(), digest, &digest_len), 1);
    assert_ok(pyossl_x509_digest(ours, "sha256", &out));
    assert_buf(out, digest, digest_len);

    good = X509_verify((X509 *)theirs, signer->key);
    ERR_clear_error();
    assert_int_equal(pyossl_x509_verify(ours, signer), good == 1 ? PYOSSL_OK : PYOSSL_E_VERIFY);

    good = X509_print_ex(text, (X509 *)theirs, 0, 0);
    ERR_clear_error();
    status = pyossl_x509_dump(ours, PYOSSL_TEXT, &out);
    assert_int_equal(status, good == 1 ? PYOSSL_OK : PYOSSL_E_STATE);
    if (good == 1) {
        osl_auto_buf expected = PYOSSL_BUF_INIT;

        assert_ok(osl_buf_from_bio(&expected, text));
        assert_buf(out, expected.data, expected.len);
    }
}

/* True if both take it. */
static bool compare(const unsigned char *der, size_t len, const pyossl_pkey *signer)
{
    const unsigned char *at = der;
    osl_auto(X509) *theirs = d2i_X509(NULL, &at, (long)len);
    osl_auto(pyossl_x509) *ours = NULL;
    pyossl_status status;

    ERR_clear_error();
    status = pyossl_x509_load(&ours, PYOSSL_DER, der, len);
    assert_int_equal(ERR_peek_error(), 0);
    if ((status == PYOSSL_OK) != (theirs != NULL))
        fail_msg("OpenSSL %s, we say %s (%s)", theirs != NULL ? "takes it" : "refuses",
                 pyossl_status_name(status), test_reason());
    if (theirs == NULL)
        return false;
    assert_ptr_equal(osl_x509_read(ours), ours->light != NULL ? ours->light : ours->full);
    compare_all(theirs, ours, signer);
    return true;
}

static const struct {
    const char *cert, *signer;
} certificates[] = {
    { DATA("server.pem"), DATA("intermediate-key.pem") },
    { DATA("server-ec.pem"), DATA("intermediate-key.pem") },
    { DATA("server-ed25519.pem"), DATA("intermediate-key.pem") },
    { DATA("client.pem"), DATA("intermediate-key.pem") },
    { DATA("root.pem"), DATA("root-key.pem") },
    { DATA("other-root.pem"), DATA("other-root-key.pem") },
};

static void test_light_parse_agrees_with_openssl(void **state)
{
    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(certificates); i++) {
        osl_auto(pyossl_x509) *cert = load(certificates[i].cert);
        osl_auto(pyossl_pkey) *signer = key_of(certificates[i].signer);
        osl_auto_buf der = PYOSSL_BUF_INIT;

        der_of(cert, &der);
        assert_true(compare(der.data, der.len, signer));
        assert_ok(pyossl_x509_verify(cert, signer));
    }
}

static uint32_t seed = 5280;

static size_t random_below(size_t limit)
{
    seed = seed * 1664525 + 1013904223;
    return (size_t)(((uint64_t)seed * limit) >> 32);
}

/* Change, insert or take away a byte. */
static void mutate(unsigned char *der, size_t *len)
{
    static const unsigned char bytes[] = { 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x13,
                                           0x17, 0x18, 0x30, 0x31, 0x7f, 0x80, 0x81, 0xa0, 0xff };
    const size_t at = random_below(*len);
    const unsigned char byte = random_below(2) == 0
                                   ? bytes[random_below(sizeof bytes)]
                                   : (unsigned char)(der[at] ^ (1u << random_below(8)));

    switch (random_below(12)) {
    case 0:
        memmove(der + at + 1, der + at, *len - at);
        der[at] = byte;
        (*len)++;
        break;
    case 1:
        memmove(der + at, der + at + 1, *len - at - 1);
        (*len)--;
        break;
    default:
        der[at] = byte;
        break;
    }
}

static void test_light_parse_agrees_on_mutated_certificates(void **state)
{
    size_t taken = 0, refused = 0;

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(certificates); i++) {
        osl_auto(pyossl_x509) *cert = load(certificates[i].cert);
        osl_auto(pyossl_pkey) *signer = key_of(certificates[i].signer);
        osl_auto_buf der = PYOSSL_BUF_INIT;

        der_of(cert, &der);
        for (int round = 0; round < 1500; round++) {
            unsigned char *copy = malloc(der.len + 8), *exact;
            size_t len = der.len;

            memcpy(copy, der.data, der.len);
            for (size_t changes = random_below(3) + 1; changes > 0; changes--)
                mutate(copy, &len);
            exact = realloc(copy, len);
            if (compare(exact, len, signer))
                taken++;
            else
                refused++;
            free(exact);
        }
    }
    print_message("# %zu taken, %zu refused\n", taken, refused);
    assert_true(taken > 1000 && refused > 1000);
}

/* One certificate in several encodings has one digest, that of its DER. */
static void test_encodings_that_der_forbids(void **state)
{
    osl_auto_buf der = PYOSSL_BUF_INIT, out = PYOSSL_BUF_INIT;
    osl_auto(pyossl_pkey) *signer = key_of(DATA("root-key.pem"));
    osl_auto(pyossl_x509) *cert = load(DATA("root.pem")), *same = NULL;
    unsigned char *longer;

    (void)state;
    der_of(cert, &der);
    assert_int_equal(der.data[1], 0x82);
    longer = malloc(der.len + 1);
    memcpy(longer, "\x30\x83\0", 3);
    memcpy(longer + 3, der.data + 2, der.len - 2);
    assert_true(compare(longer, der.len + 1, signer));
    assert_ok(pyossl_x509_load(&same, PYOSSL_DER, longer, der.len + 1));
    assert_true(pyossl_x509_equal(cert, same));
    der_of(same, &out);
    assert_buf(out, der.data, der.len);
    free(longer);

    /* An indefinite length, with the end marked by two zeros. */
    longer = malloc(der.len);
    memcpy(longer, "\x30\x80", 2);
    memcpy(longer + 2, der.data + 4, der.len - 4);
    memset(longer + der.len - 2, 0, 2);
    assert_true(compare(longer, der.len, signer));
    assert_false(compare(longer, der.len - 1, signer));
    free(longer);
}

/* ---- digests, hashes, texts ---- */

static void test_digest_is_over_the_der(void **state)
{
    static const char *const names[] = { "md5", "SHA1", "sha256", "sha3-256", "blake2b512" };
    osl_auto(pyossl_x509) *cert = load(DATA("server.pem"));
    osl_auto_buf der = PYOSSL_BUF_INIT, out = PYOSSL_BUF_INIT;

    (void)state;
    der_of(cert, &der);
    for (size_t i = 0; i < OSL_COUNT_OF(names); i++) {
        unsigned char expected[EVP_MAX_MD_SIZE];
        unsigned len;

        assert_int_equal(
            EVP_Digest(der.data, der.len, expected, &len, EVP_get_digestbyname(names[i]), NULL), 1);
        assert_ok(pyossl_x509_digest(cert, names[i], &out));
        assert_buf(out, expected, len);
    }
    assert_fails(pyossl_x509_digest(cert, "", &out), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_x509_digest(cert, "no-such-digest", &out), PYOSSL_E_ARGUMENT);
}

static void test_na_127_subject_hash(void **state)
{
    osl_auto(pyossl_x509) *cert = load(DATA("root.pem"));
    osl_auto(pyossl_name) *subject = NULL;
    unsigned long hash, of_name;

    (void)state;
    assert_ok(pyossl_x509_subject_hash(cert, &hash));
    assert_ok(pyossl_x509_subject(cert, &subject));
    assert_ok(pyossl_name_hash(subject, &of_name));
    assert_true(hash == of_name && hash != 0);
}

static void test_verify_error_string(void **state)
{
    (void)state;
    assert_string_equal(pyossl_verify_error_string(0), "ok");
    assert_string_equal(pyossl_verify_error_string(10), "certificate has expired");
    assert_non_null(pyossl_verify_error_string(-1));
    assert_non_null(pyossl_verify_error_string(123456789));
}

/* ---- changing ---- */

static void test_changes_reach_the_encoding(void **state)
{
    osl_auto(pyossl_pkey) *signer = key_of(DATA("intermediate-key.pem"));
    osl_auto(pyossl_pkey) *other = key_of(DATA("ec.pem"));
    osl_auto(pyossl_ext) *ext = NULL;

    (void)state;
    assert_ok(pyossl_ext_new(&ext, "nsComment", 0, "added", 5, NULL, NULL));
    for (int change = 0; change < 9; change++) {
        osl_auto(pyossl_x509) *cert = load(DATA("server.pem")), *again = NULL;
        osl_auto(pyossl_name) *name = NULL;
        osl_auto_buf before = PYOSSL_BUF_INIT, after = PYOSSL_BUF_INIT;
        osl_auto_buf old_digest = PYOSSL_BUF_INIT, new_digest = PYOSSL_BUF_INIT;

        der_of(cert, &before);
        assert_ok(pyossl_x509_digest(cert, "sha256", &old_digest));
        assert_ok(pyossl_x509_verify(cert, signer));
        switch (change) {
        case 0:
            assert_ok(pyossl_x509_set_version(cert, 0));
            break;
        case 1:
            assert_ok(pyossl_x509_set_serial(cert, "-7"));
            break;
        case 2:
            assert_ok(pyossl_x509_subject(cert, &name));
            assert_ok(pyossl_name_set(name, "O", "other", 5));
            break;
        case 3:
            assert_ok(pyossl_x509_issuer(cert, &name));
            assert_ok(pyossl_x509_set_subject(cert, name));
            break;
        case 4:
            assert_ok(pyossl_x509_subject(cert, &name));
            assert_ok(pyossl_x509_set_issuer(cert, name));
            break;
        case 5:
            assert_ok(pyossl_x509_adj_not_before(cert, 0));
            break;
        case 6:
            assert_ok(pyossl_x509_set_not_after(cert, "20510101000000Z", 15));
            break;
        case 7:
            assert_ok(pyossl_x509_set_pubkey(cert, other));
            break;
        default:
            assert_ok(pyossl_x509_add_exts(cert, &ext, 1));
            break;
        }
        der_of(cert, &after);
        assert_false(pyossl_equal_bytes(before.data, before.len, after.data, after.len));
        assert_ok(pyossl_x509_digest(cert, "sha256", &new_digest));
        assert_memory_not_equal(old_digest.data, new_digest.data, 32);
        assert_fails(pyossl_x509_verify(cert, signer), PYOSSL_E_VERIFY);
        assert_ok(pyossl_x509_load(&again, PYOSSL_DER, after.data, after.len));
        assert_true(pyossl_x509_equal(cert, again));
        assert_ok(pyossl_x509_sign(cert, signer, "sha256"));
        assert_ok(pyossl_x509_verify(cert, signer));
    }
}

static void test_failed_changes_change_nothing(void **state)
{
    osl_auto(pyossl_x509) *cert = load(DATA("server.pem")), *before = NULL;
    osl_auto(pyossl_pkey) *key = key_of(DATA("rsa.pem")), *public_key = NULL;

    (void)state;
    assert_ok(pyossl_x509_copy(&before, cert));
    assert_ok(pyossl_x509_pubkey(cert, &public_key));
    assert_fails(pyossl_x509_set_serial(cert, ""), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_x509_set_serial(cert, "xyz"), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_x509_set_not_before(cert, "foo bar", 7), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_x509_set_not_after(cert, "", 0), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_x509_adj_not_after(cert, INT64_MAX), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_x509_adj_not_before(cert, INT64_MIN), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_x509_sign(cert, public_key, "sha256"), PYOSSL_E_STATE);
    assert_fails(pyossl_x509_sign(cert, key, "md99"), PYOSSL_E_ARGUMENT);
    assert_ok(pyossl_x509_add_exts(cert, NULL, 0));
    assert_true(pyossl_x509_equal(cert, before));
    assert_int_equal(cert->der.len, before->der.len);
}

/* Where OpenSSL gives up half way through signing, the signature that was there still counts. */
static void test_failed_signature_leaves_the_old_one(void **state)
{
    osl_auto(pyossl_pkey) *tiny = NULL, *key = key_of(DATA("ec.pem"));
    osl_auto(pyossl_x509) *cert = make(key, "sha256"), *before = NULL;
    const char *algorithm;

    (void)state;
    assert_ok(pyossl_pkey_generate(&tiny, PYOSSL_KEY_RSA, 512));
    assert_ok(pyossl_x509_copy(&before, cert));
    assert_fails(pyossl_x509_sign(cert, tiny, "sha512"), PYOSSL_E_OPENSSL);
    assert_true(pyossl_x509_equal(cert, before));
    assert_ok(pyossl_x509_verify(cert, key));
    assert_ok(pyossl_x509_signature_algorithm(cert, &algorithm));
    assert_string_equal(algorithm, "ecdsa-with-SHA256");
}

static void test_na_129_ed25519_brings_its_own_digest(void **state)
{
    osl_auto(pyossl_pkey) *key = key_of(DATA("ed25519.pem"));
    osl_auto(pyossl_x509) *cert = make(key, NULL);

    (void)state;
    assert_ok(pyossl_x509_verify(cert, key));
    assert_status(pyossl_x509_sign(cert, key, "sha256") == PYOSSL_OK ? PYOSSL_OK : PYOSSL_E_VERIFY,
                  PYOSSL_E_VERIFY);
    assert_ok(pyossl_x509_verify(cert, key));
}

static void test_na_125_serial_numbers(void **state)
{
    static const char *const serials[] = { "00",
                                           "01",
                                           "-01",
                                           "7F",
                                           "80",
                                           "-80",
                                           "010000000000000000",
                                           "8000000000000000000000000000000000000000",
                                           "-8000000000000000000000000000000000000000" };
    osl_auto(pyossl_pkey) *key = key_of(DATA("ec.pem"));
    osl_auto(pyossl_x509) *cert = make(key, "sha256");

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(serials); i++) {
        osl_auto(pyossl_x509) *again = NULL;
        osl_auto_buf der = PYOSSL_BUF_INIT, hex = PYOSSL_BUF_INIT;

        assert_ok(pyossl_x509_set_serial(cert, serials[i]));
        assert_ok(pyossl_x509_sign(cert, key, "sha256"));
        der_of(cert, &der);
        assert_ok(pyossl_x509_load(&again, PYOSSL_DER, der.data, der.len));
        assert_ok(pyossl_x509_serial(again, &hex));
        assert_string_equal(hex.data, serials[i]);
        assert_ok(pyossl_x509_verify(again, key));
    }
}

static void test_na_126_versions(void **state)
{
    static const long versions[] = { 0, 1, 2, 3, 1234, -1, INT32_MAX, (long)INT32_MAX + 1 };
    osl_auto(pyossl_pkey) *key = key_of(DATA("ec.pem"));
    osl_auto(pyossl_x509) *cert = make(key, "sha256");

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(versions); i++) {
        osl_auto(pyossl_x509) *again = NULL;
        osl_auto_buf der = PYOSSL_BUF_INIT;

        assert_ok(pyossl_x509_set_version(cert, versions[i]));
        assert_int_equal(pyossl_x509_version(cert), versions[i]);
        der_of(cert, &der);
        assert_ok(pyossl_x509_load(&again, PYOSSL_DER, der.data, der.len));
        assert_int_equal(pyossl_x509_version(again), versions[i]);
    }
}

static void test_extensions_are_appended(void **state)
{
    osl_auto(pyossl_x509) *cert = load(DATA("server.pem"));
    const size_t before = pyossl_x509_ext_count(cert);
    osl_auto(pyossl_ext) *a = NULL, *b = NULL, *found = NULL;
    pyossl_ext *none = NULL;
    osl_auto_buf data = PYOSSL_BUF_INIT;

    (void)state;
    assert_ok(pyossl_ext_new(&a, "nsComment", 0, "a", 1, NULL, NULL));
    assert_ok(pyossl_ext_new(&b, "nsComment", 0, "b", 1, NULL, NULL));
    assert_ok(pyossl_x509_add_exts(cert, (pyossl_ext *[]){ a, b, a }, 3)); /* also twice the same */
    assert_int_equal(pyossl_x509_ext_count(cert), before + 3);
    assert_ok(pyossl_x509_ext_at(cert, before + 1, &found));
    assert_ok(pyossl_ext_data(found, &data));
    assert_buf(data,
               "\x16\x01"
               "b",
               3);
    assert_fails(pyossl_x509_ext_at(cert, before + 3, &none), PYOSSL_E_NOT_FOUND);
    assert_fails(pyossl_x509_ext_at(cert, SIZE_MAX, &none), PYOSSL_E_NOT_FOUND);
    assert_null(none);
}

/* ---- validity ---- */

static void test_validity_as_it_was_set(void **state)
{
    static const char *const times[] = { "20040203040506Z", "20040203040506+0530",
                                         "20040203040506-0115", "20500101000000Z" };
    osl_auto(pyossl_x509) *cert = NULL;
    osl_auto_buf out = PYOSSL_BUF_INIT;

    (void)state;
    assert_ok(pyossl_x509_new(&cert));
    for (size_t i = 0; i < OSL_COUNT_OF(times); i++) {
        assert_ok(pyossl_x509_set_not_before(cert, times[i], strlen(times[i])));
        assert_ok(pyossl_x509_set_not_after(cert, times[i], strlen(times[i])));
        assert_ok(pyossl_x509_not_before(cert, &out));
        assert_string_equal(out.data, times[i]);
        assert_ok(pyossl_x509_not_after(cert, &out));
        assert_string_equal(out.data, times[i]);
    }
}

/* RFC 5280: through 2049 a certificate holds UTCTime. */
static void test_na_121_encoded_as_rfc_5280_wants(void **state)
{
    osl_auto(pyossl_pkey) *key = key_of(DATA("ec.pem"));
    osl_auto(pyossl_x509) *cert = make(key, "sha256");

    (void)state;
    assert_ok(pyossl_x509_set_not_before(cert, "20300102030405Z", 15));
    assert_ok(pyossl_x509_set_not_after(cert, "20500102030405Z", 15));
    assert_int_equal(ASN1_STRING_type(X509_get0_notBefore(cert->full)), V_ASN1_UTCTIME);
    assert_int_equal(ASN1_STRING_type(X509_get0_notAfter(cert->full)), V_ASN1_GENERALIZEDTIME);
    assert_ok(pyossl_x509_adj_not_before(cert, 0));
    assert_int_equal(ASN1_STRING_type(X509_get0_notBefore(cert->full)), V_ASN1_UTCTIME);
}

static void test_na_124_the_last_second_is_valid(void **state)
{
    osl_auto(pyossl_x509) *cert = NULL;
    int expired = 7;

    (void)state;
    assert_ok(pyossl_x509_new(&cert));
    assert_ok(pyossl_x509_adj_not_after(cert, -1));
    assert_ok(pyossl_x509_has_expired(cert, &expired));
    assert_int_equal(expired, 1);
    assert_ok(pyossl_x509_adj_not_after(cert, 3600)); /* forgets what was kept */
    assert_ok(pyossl_x509_has_expired(cert, &expired));
    assert_int_equal(expired, 0);
    assert_ok(pyossl_x509_has_expired(cert, &expired));
    assert_int_equal(expired, 0);
    for (int tries = 0;; tries++) {
        const time_t now = time(NULL);

        assert_ok(pyossl_x509_adj_not_after(cert, 0));
        assert_ok(pyossl_x509_has_expired(cert, &expired));
        if (time(NULL) == now) { /* no tick in between */
            assert_int_equal(expired, 0);
            break;
        }
        assert_true(tries < 100);
    }
}

static void test_expiry_with_offsets(void **state)
{
    osl_auto(pyossl_x509) *cert = NULL;
    char text[64];
    int expired = 7;

    (void)state;
    assert_ok(pyossl_x509_new(&cert));
    for (int ahead = -1; ahead <= 1; ahead += 2) {
        /* Local time at +05:30 that lies an hour before or behind now. */
        const time_t local = time(NULL) + 5 * 3600 + 1800 + ahead * 3600;
        struct tm tm;

        assert_non_null(gmtime_r(&local, &tm));
        assert_int_equal(strftime(text, sizeof text, "%Y%m%d%H%M%S+0530", &tm), 19);
        assert_ok(pyossl_x509_set_not_after(cert, text, 19));
        assert_ok(pyossl_x509_has_expired(cert, &expired));
        assert_int_equal(expired, ahead < 0);
    }
}

static void test_expiry_of_loaded_certificates(void **state)
{
    osl_auto(pyossl_x509) *old = load(DATA("expired.pem")), *good = load(DATA("server.pem"));
    int expired = 7;

    (void)state;
    assert_ok(pyossl_x509_has_expired(old, &expired));
    assert_int_equal(expired, 1);
    assert_ok(pyossl_x509_has_expired(good, &expired));
    assert_int_equal(expired, 0);
    assert_true(good->light == NULL || good->full == NULL); /* reading needs no full parse */
}

/* ---- sharing ---- */

static void test_na_085_shared_certificates_are_never_changed(void **state)
{
    osl_auto(pyossl_x509) *cert = load(DATA("server.pem")), *before = NULL;
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
    der_of(before, &der);
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
    osl_auto(pyossl_pkey) *key = key_of(DATA("ec.pem")), *found = NULL;
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
    assert_string_equal(out.data, "1234");
    assert_ok(pyossl_x509_not_after(copy, &out));
    assert_string_equal(out.data, "20300101000000Z");
    assert_int_equal(pyossl_x509_ext_count(copy), 1);
    assert_ok(pyossl_x509_pubkey(copy, &found));
    assert_true(pyossl_pkey_equal(found, key));
    assert_ok(pyossl_x509_verify(copy, key));
    assert_true(pyossl_x509_equal(copy, cert));
}

static void test_copies_are_independent(void **state)
{
    osl_auto(pyossl_x509) *cert = load(DATA("server.pem")), *copy = NULL;

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
    osl_auto(pyossl_x509) *cert = load(DATA("server.pem")), *wrapped = NULL;
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
    slurp(&chain, DATA("chain.pem"));
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
    pyossl_x509 *cert = load(DATA("root.pem"));

    (void)state;
    assert_ptr_equal(pyossl_x509_ref(cert), cert);
    pyossl_x509_unref(cert);
    assert_subject(cert, "/O=libpyossl tests/CN=Test Root");
    pyossl_x509_unref(cert);
    pyossl_x509_unref(NULL);
}

/* ---- memory ---- */

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
        { "lists of certificates", scenario_of_lists, &pem, 1, 8, 0 },
        { "certificates", scenario, &pem, 1, 8, 0 },
    };

    (void)state;
    slurp(&pem, DATA("server-ed25519.pem"));
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
        cmocka_unit_test(test_na_134_na_142_what_is_no_certificate),
        cmocka_unit_test(test_truncated_der),
        cmocka_unit_test(test_load_all),
        cmocka_unit_test(test_light_parse_agrees_with_openssl),
        cmocka_unit_test(test_light_parse_agrees_on_mutated_certificates),
        cmocka_unit_test(test_encodings_that_der_forbids),
        cmocka_unit_test(test_digest_is_over_the_der),
        cmocka_unit_test(test_na_127_subject_hash),
        cmocka_unit_test(test_verify_error_string),
        cmocka_unit_test(test_changes_reach_the_encoding),
        cmocka_unit_test(test_failed_changes_change_nothing),
        cmocka_unit_test(test_failed_signature_leaves_the_old_one),
        cmocka_unit_test(test_na_129_ed25519_brings_its_own_digest),
        cmocka_unit_test(test_na_125_serial_numbers),
        cmocka_unit_test(test_na_126_versions),
        cmocka_unit_test(test_extensions_are_appended),
        cmocka_unit_test(test_validity_as_it_was_set),
        cmocka_unit_test(test_na_121_encoded_as_rfc_5280_wants),
        cmocka_unit_test(test_na_124_the_last_second_is_valid),
        cmocka_unit_test(test_expiry_with_offsets),
        cmocka_unit_test(test_expiry_of_loaded_certificates),
        cmocka_unit_test(test_na_085_shared_certificates_are_never_changed),
        cmocka_unit_test(test_unfinished_certificates_can_be_shared),
        cmocka_unit_test(test_copies_are_independent),
        cmocka_unit_test(test_equality_of_blank_certificates),
        cmocka_unit_test(test_wrapped_certificates),
        cmocka_unit_test(test_na_067_stacks_and_lists),
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_na_006_every_allocation_may_fail),
    };

    oom_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
