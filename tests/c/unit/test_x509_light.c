/*
 * What the light parse loads is what d2i_X509() loads: the same certificates are
 * taken and refused, and all that is told of them is the same.
 */
#include "certs.h"

#include "crypto/crypto.h"

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
        X509_EXTENSION *expected = osl_ext_readable(X509_get_ext(theirs, i));
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
    assert_ok(pyossl_x509_dump(ours, PYOSSL_DER, &out));
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
        osl_auto(pyossl_x509) *cert = certs_good(certificates[i].cert);
        osl_auto(pyossl_pkey) *signer = keys_good(certificates[i].signer);
        osl_auto_buf der = PYOSSL_BUF_INIT;

        assert_ok(pyossl_x509_dump(cert, PYOSSL_DER, &der));
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
    unsigned char byte = (unsigned char)(der[at] ^ (1u << random_below(8)));

    if (random_below(2) == 0)
        byte = bytes[random_below(sizeof bytes)];

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
        osl_auto(pyossl_x509) *cert = certs_good(certificates[i].cert);
        osl_auto(pyossl_pkey) *signer = keys_good(certificates[i].signer);
        osl_auto_buf der = PYOSSL_BUF_INIT;

        assert_ok(pyossl_x509_dump(cert, PYOSSL_DER, &der));
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
static void test_na_136_encodings_that_der_forbids(void **state)
{
    osl_auto_buf der = PYOSSL_BUF_INIT, out = PYOSSL_BUF_INIT;
    osl_auto(pyossl_pkey) *signer = keys_good(DATA("root-key.pem"));
    osl_auto(pyossl_x509) *cert = certs_good(DATA("root.pem")), *same = NULL;
    unsigned char *longer;

    (void)state;
    assert_ok(pyossl_x509_dump(cert, PYOSSL_DER, &der));
    assert_int_equal(der.data[1], 0x82);
    longer = malloc(der.len + 1);
    memcpy(longer, "\x30\x83\0", 3);
    memcpy(longer + 3, der.data + 2, der.len - 2);
    assert_true(compare(longer, der.len + 1, signer));
    assert_ok(pyossl_x509_load(&same, PYOSSL_DER, longer, der.len + 1));
    assert_true(pyossl_x509_equal(cert, same));
    assert_ok(pyossl_x509_dump(same, PYOSSL_DER, &out));
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

/*
 * Parameters of a tag that no value has are taken by OpenSSL, and written in a way that
 * it does not read: such a certificate could be neither copied nor used.
 */
static void test_na_136_what_cannot_be_written_so_that_it_is_read_again(void **state)
{
    static const unsigned char algorithm[] = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00";
    const size_t len = sizeof algorithm - 1;
    osl_auto(pyossl_x509) *cert = certs_good(DATA("root.pem"));
    pyossl_x509 *untouched = cert;
    osl_auto_buf der = PYOSSL_BUF_INIT;
    size_t at;

    (void)state;
    assert_ok(pyossl_x509_dump(cert, PYOSSL_DER, &der));
    /* The last one is that of the signature, which is not itself signed. */
    at = der.len - len;
    while (memcmp(der.data + at, algorithm, len) != 0)
        at--;
    assert_ok(pyossl_x509_load(&untouched, PYOSSL_DER, der.data, der.len));
    pyossl_x509_unref(untouched);
    untouched = cert;
    der.data[at + len - 2] = 0x20;
    assert_fails(pyossl_x509_load(&untouched, PYOSSL_DER, der.data, der.len), PYOSSL_E_FORMAT);
    assert_ptr_equal(untouched, cert);
}

/* From a connection it comes all the same, as OpenSSL's own. */
static void test_what_tls_read_is_not_read_again(void **state)
{
    static const unsigned char algorithm[] = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00";
    const size_t len = sizeof algorithm - 1;
    osl_auto(pyossl_x509) *cert = certs_good(DATA("root.pem")), *apart = NULL;
    osl_auto(pyossl_pkey) *key = NULL;
    osl_auto_buf der = PYOSSL_BUF_INIT;
    const unsigned char *at;
    size_t offset;
    X509 *x509;

    (void)state;
    assert_ok(pyossl_x509_dump(cert, PYOSSL_DER, &der));
    offset = der.len - len;
    while (memcmp(der.data + offset, algorithm, len) != 0)
        offset--;
    for (int odd = 0; odd < 2; odd++) {
        if (odd)
            der.data[offset + len - 2] = 0x20;
        at = der.data;
        x509 = d2i_X509(NULL, &at, (long)der.len);
        assert_non_null(x509);
        (void)osl_slim(false);
        assert_ok(osl_x509_wrap_apart(&apart, x509));
        assert_ok(pyossl_x509_pubkey(apart, &key));
        assert_int_equal(apart->light != NULL, osl_slim_made() && !odd);
        assert_int_equal(ERR_peek_error(), 0);
        pyossl_pkey_unref(key);
        pyossl_x509_unref(apart);
        key = NULL;
        apart = NULL;
    }
}

/* Certificates are not encrypted: OpenSSL would ask for a passphrase. */
static void test_encrypted_certificates_are_refused(void **state)
{
    static const char text[] = "-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\n"
                               "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n"
                               "QUJDREVGR0hJSktMTU5PUA==\n-----END CERTIFICATE-----\n";
    pyossl_x509 *none = NULL;

    (void)state;
    assert_fails(pyossl_x509_load(&none, PYOSSL_PEM, text, strlen(text)), PYOSSL_E_FORMAT);
    assert_null(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_light_parse_agrees_with_openssl),
        cmocka_unit_test(test_light_parse_agrees_on_mutated_certificates),
        cmocka_unit_test(test_encrypted_certificates_are_refused),
        cmocka_unit_test(test_na_136_encodings_that_der_forbids),
        cmocka_unit_test(test_na_136_what_cannot_be_written_so_that_it_is_read_again),
        cmocka_unit_test(test_what_tls_read_is_not_read_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
