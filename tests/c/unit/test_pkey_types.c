/* Every type of key that OpenSSL has by name: made, written, read, checked, and signing. */
#include "keys.h"

#include <openssl/objects.h>
#include <openssl/rsa.h>

#include "crypto/crypto.h"
#include "pyossl/crl.h"
#include "pyossl/pkcs12.h"
#include "pyossl/req.h"
#include "pyossl/spki.h"
#include "pyossl/x509.h"

enum { ALWAYS = 0, BY_NAME = -1 };

/* How a key signs. */
typedef enum signing {
    NEVER,
    DIGEST, /* with one that it is told */
    OWN     /* with one of its own */
} signing;

static const struct row {
    const char *asked;
    int bits;
    const char *group;
    const char *name; /* what OpenSSL calls it, NULL for what was asked */
    int type;
    int expected; /* bits */
    signing how;
    bool encoded; /* there is a form to write it in */
    int feature;  /* needed */
} rows[] = {
    { "RSA", 1024, NULL, NULL, PYOSSL_KEY_RSA, 1024, DIGEST, true, ALWAYS },
    { "rsa", 1025, NULL, "RSA", PYOSSL_KEY_RSA, 1025, DIGEST, true, ALWAYS },
    { "rsaEncryption", 1024, NULL, "RSA", PYOSSL_KEY_RSA, 1024, DIGEST, true, ALWAYS },
    { "RSA-PSS", 1024, NULL, NULL, EVP_PKEY_RSA_PSS, 1024, DIGEST, true, ALWAYS },
    { "DSA", 1024, NULL, NULL, PYOSSL_KEY_DSA, 1024, DIGEST, true, ALWAYS },
    { "dsaEncryption", 1024, NULL, "DSA", PYOSSL_KEY_DSA, 1024, DIGEST, true, ALWAYS },
    { "EC", 0, "prime256v1", NULL, PYOSSL_KEY_EC, 256, DIGEST, true, ALWAYS },
    { "ec", 0, "P-384", "EC", PYOSSL_KEY_EC, 384, DIGEST, true, ALWAYS },
    { "ED25519", 0, NULL, NULL, PYOSSL_KEY_ED25519, 256, OWN, true, ALWAYS },
    { "Ed448", 0, NULL, "ED448", PYOSSL_KEY_ED448, 456, OWN, true, ALWAYS },
    { "X25519", 0, NULL, NULL, PYOSSL_KEY_X25519, 253, NEVER, true, ALWAYS },
    { "X448", 0, NULL, NULL, PYOSSL_KEY_X448, 448, NEVER, true, ALWAYS },
    { "SM2", 0, NULL, NULL, EVP_PKEY_SM2, 256, DIGEST, true, ALWAYS },
    { "DH", 0, "ffdhe2048", NULL, PYOSSL_KEY_DH, 2048, NEVER, true, ALWAYS },
    { "ML-DSA-44", 0, NULL, NULL, BY_NAME, 8 * 1312, OWN, true, PYOSSL_FEATURE_ML_DSA },
    { "ml-dsa-65", 0, NULL, "ML-DSA-65", BY_NAME, 8 * 1952, OWN, true, PYOSSL_FEATURE_ML_DSA },
    { "MLDSA87", 0, NULL, "ML-DSA-87", BY_NAME, 8 * 2592, OWN, true, PYOSSL_FEATURE_ML_DSA },
    { "2.16.840.1.101.3.4.3.17", 0, NULL, "ML-DSA-44", BY_NAME, 8 * 1312, OWN, true,
      PYOSSL_FEATURE_ML_DSA },
    { "SLH-DSA-SHA2-128f", 0, NULL, NULL, BY_NAME, 8 * 32, OWN, true, PYOSSL_FEATURE_SLH_DSA },
    { "SLH-DSA-SHAKE-128f", 0, NULL, NULL, BY_NAME, 8 * 32, OWN, true, PYOSSL_FEATURE_SLH_DSA },
    { "ML-KEM-512", 0, NULL, NULL, BY_NAME, 512, NEVER, true, PYOSSL_FEATURE_ML_KEM },
    { "ML-KEM-768", 0, NULL, NULL, BY_NAME, 768, NEVER, true, PYOSSL_FEATURE_ML_KEM },
    { "X25519MLKEM768", 0, NULL, NULL, BY_NAME, 768, NEVER, false, PYOSSL_FEATURE_ML_KEM },
};

static bool is_here(const struct row *row)
{
    return row->feature == ALWAYS || pyossl_has((pyossl_feature)row->feature) == 1;
}

static pyossl_pkey *made(const struct row *row)
{
    pyossl_pkey *key = NULL;

    assert_ok(pyossl_pkey_generate_named(&key, row->asked, row->bits, row->group));
    return key;
}

/* Ours, behind OpenSSL's. */
static const pyossl_error_entry *last_entry(void)
{
    const pyossl_error *error = pyossl_error_last();

    assert_true(pyossl_error_count(error) > 0);
    return pyossl_error_entry_at(error, pyossl_error_count(error) - 1);
}

/* ---- making ---- */

static void test_made_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(rows); i++) {
        const char *name = rows[i].name != NULL ? rows[i].name : rows[i].asked;
        pyossl_pkey *key = NULL;

        if (!is_here(&rows[i])) {
            assert_fails(
                pyossl_pkey_generate_named(&key, rows[i].asked, rows[i].bits, rows[i].group),
                PYOSSL_E_UNSUPPORTED);
            assert_string_equal(last_entry()->reason, "no such key type");
            assert_null(key);
            continue;
        }
        key = made(&rows[i]);
        assert_string_equal(pyossl_pkey_type_name(key), name);
        assert_int_equal(pyossl_pkey_bits(key), rows[i].expected);
        assert_int_equal(pyossl_pkey_is_private(key), 1);
        /* Only a pair of groups has no number. */
        assert_int_equal(pyossl_pkey_type(key),
                         rows[i].type != BY_NAME ? rows[i].type : OBJ_txt2nid(name));
        assert_int_equal(pyossl_pkey_type(key) != 0, rows[i].encoded);
        pyossl_pkey_unref(key);
    }
}

static void test_refused_by_name(void **state)
{
    static const struct {
        const char *type;
        int bits;
        const char *group;
        pyossl_status status;
    } refused[] = {
        { "", 0, NULL, PYOSSL_E_UNSUPPORTED },
        { "nope", 0, NULL, PYOSSL_E_UNSUPPORTED },
        { "RSA ", 1024, NULL, PYOSSL_E_UNSUPPORTED },
        { "RS\001", 1024, NULL, PYOSSL_E_UNSUPPORTED },
        { "ED\02225519", 0, NULL, PYOSSL_E_UNSUPPORTED },
        { "prime256v1", 0, NULL, PYOSSL_E_UNSUPPORTED },
        { "sha256", 0, NULL, PYOSSL_E_UNSUPPORTED },
        { "HKDF", 0, NULL, PYOSSL_E_UNSUPPORTED },
        { "RSA", 0, NULL, PYOSSL_E_ARGUMENT },
        { "RSA", -1, NULL, PYOSSL_E_ARGUMENT },
        { "RSA", 1024, "prime256v1", PYOSSL_E_ARGUMENT },
        { "RSA", 511, NULL, PYOSSL_E_OPENSSL },
        { "RSA", 16385, NULL, PYOSSL_E_OPENSSL },
        { "RSA-PSS", 0, NULL, PYOSSL_E_ARGUMENT },
        { "RSA-PSS", 0x7fffffff, NULL, PYOSSL_E_OPENSSL },
        { "DSA", 0, NULL, PYOSSL_E_ARGUMENT },
        { "DSA", 1024, "ffdhe2048", PYOSSL_E_ARGUMENT },
        { "DSA", 0x7fffffff, NULL, PYOSSL_E_OPENSSL },
        { "EC", 0, NULL, PYOSSL_E_ARGUMENT },
        { "EC", 256, NULL, PYOSSL_E_ARGUMENT },
        { "EC", 256, "prime256v1", PYOSSL_E_ARGUMENT },
        { "EC", 0, "nope", PYOSSL_E_ARGUMENT },
        { "EC", 0, "", PYOSSL_E_ARGUMENT },
        { "DH", 2048, NULL, PYOSSL_E_ARGUMENT },
        { "DH", 0, "nope", PYOSSL_E_ARGUMENT },
        { "ED25519", 256, NULL, PYOSSL_E_ARGUMENT },
    };
    pyossl_pkey *key = NULL;

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(refused); i++) {
        assert_fails(
            pyossl_pkey_generate_named(&key, refused[i].type, refused[i].bits, refused[i].group),
            refused[i].status);
        assert_null(key);
    }
    if (pyossl_has(PYOSSL_FEATURE_ML_DSA) == 1) {
        assert_fails(pyossl_pkey_generate_named(&key, "ML-DSA-44", 44, NULL), PYOSSL_E_ARGUMENT);
        assert_fails(pyossl_pkey_generate_named(&key, "ML-DSA-44", 0, "P-256"), PYOSSL_E_ARGUMENT);
    }
}

/* ---- written and read ---- */

static void check_private(const pyossl_pkey *key, pyossl_format format, const char *cipher)
{
    const pyossl_passphrase secret = keys_passphrase("secret"), wrong = keys_passphrase("wrong");
    pyossl_buf out = PYOSSL_BUF_INIT;
    pyossl_pkey *back = NULL;

    assert_ok(pyossl_pkey_dump_private(key, format, cipher, cipher != NULL ? &secret : NULL, &out));
    if (cipher != NULL)
        assert_fails(pyossl_pkey_load_private(&back, format, out.data, out.len, &wrong),
                     PYOSSL_E_PASSPHRASE);
    assert_ok(pyossl_pkey_load_private(&back, format, out.data, out.len, &secret));
    assert_int_equal(pyossl_pkey_equal(key, back), 1);
    assert_int_equal(pyossl_pkey_is_private(back), 1);
    assert_string_equal(pyossl_pkey_type_name(back), pyossl_pkey_type_name(key));
    pyossl_pkey_unref(back);
    pyossl_buf_clear(&out);
}

static void check_public(const pyossl_pkey *key, pyossl_format format)
{
    pyossl_buf out = PYOSSL_BUF_INIT;
    pyossl_pkey *back = NULL;

    assert_ok(pyossl_pkey_dump_public(key, format, &out));
    assert_ok(pyossl_pkey_load_public(&back, format, out.data, out.len));
    assert_int_equal(pyossl_pkey_equal(key, back), 1);
    assert_int_equal(pyossl_pkey_is_private(back), 0);
    assert_fails(pyossl_pkey_check(back), PYOSSL_E_ARGUMENT);
    pyossl_pkey_unref(back);
    pyossl_buf_clear(&out);
}

static void check_pkcs12(pyossl_pkey *key)
{
    const pyossl_passphrase secret = keys_passphrase("secret");
    pyossl_pkcs12_options options = PYOSSL_PKCS12_OPTIONS_INIT;
    pyossl_pkcs12 *file = NULL, *back = NULL;
    pyossl_buf der = PYOSSL_BUF_INIT;

    assert_ok(pyossl_pkcs12_new(&file));
    pyossl_pkcs12_set_pkey(file, key);
    assert_ok(pyossl_pkcs12_dump(file, &secret, &options, &der));
    assert_ok(pyossl_pkcs12_load(&back, der.data, der.len, &secret));
    assert_int_equal(pyossl_pkey_equal(pyossl_pkcs12_pkey(back), key), 1);
    pyossl_pkcs12_unref(back);
    pyossl_pkcs12_unref(file);
    pyossl_buf_clear(&der);
}

static void test_written_and_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(rows); i++) {
        pyossl_buf out = PYOSSL_BUF_INIT;
        pyossl_pkey *key;

        if (!is_here(&rows[i]))
            continue;
        key = made(&rows[i]);
        if (!rows[i].encoded) {
            assert_fails(pyossl_pkey_dump_private(key, PYOSSL_PEM, NULL, NULL, &out),
                         PYOSSL_E_OPENSSL);
            assert_fails(pyossl_pkey_dump_public(key, PYOSSL_PEM, &out), PYOSSL_E_OPENSSL);
            pyossl_pkey_unref(key);
            continue;
        }
        check_private(key, PYOSSL_PEM, NULL);
        check_private(key, PYOSSL_PEM, "aes-256-cbc");
        check_private(key, PYOSSL_DER, NULL);
        check_private(key, PYOSSL_DER, "aes-256-cbc");
        check_public(key, PYOSSL_PEM);
        check_public(key, PYOSSL_DER);
        check_pkcs12(key);
        assert_ok(pyossl_pkey_dump_private(key, PYOSSL_TEXT, NULL, NULL, &out));
        assert_true(out.len > 0);
        assert_ok(pyossl_pkey_check(key));
        pyossl_buf_clear(&out);
        pyossl_pkey_unref(key);
    }
}

/* OpenSSL writes the seed and what it grows to, and reads no pair that does not fit. */
static void test_parts_that_do_not_fit(void **state)
{
    pyossl_pkey *key = NULL, *broken = NULL;
    pyossl_buf der = PYOSSL_BUF_INIT;

    (void)state;
    if (pyossl_has(PYOSSL_FEATURE_ML_DSA) != 1) {
        print_message("this OpenSSL has no ML-DSA\n");
        skip();
    }
    assert_ok(pyossl_pkey_generate_named(&key, "ML-DSA-44", 0, NULL));
    assert_ok(pyossl_pkey_dump_private(key, PYOSSL_DER, NULL, NULL, &der));
    der.data[der.len - 1] ^= 1; /* the seed makes another one */
    assert_status(pyossl_pkey_load_private(&broken, PYOSSL_DER, der.data, der.len, NULL),
                  PYOSSL_E_FORMAT);
    assert_null(broken);
    pyossl_buf_clear(&der);
    pyossl_pkey_unref(key);
}

/* ---- signing ---- */

static void check_data(const pyossl_pkey *key, const char *digest)
{
    pyossl_pkey *half = keys_public(key);
    pyossl_buf sig = PYOSSL_BUF_INIT;

    assert_ok(pyossl_pkey_sign(key, digest, "data", 4, &sig));
    assert_ok(pyossl_pkey_verify(half, digest, "data", 4, sig.data, sig.len));
    assert_fails(pyossl_pkey_verify(half, digest, "date", 4, sig.data, sig.len), PYOSSL_E_VERIFY);
    sig.data[sig.len / 2] ^= 1;
    assert_fails(pyossl_pkey_verify(half, digest, "data", 4, sig.data, sig.len), PYOSSL_E_VERIFY);
    pyossl_buf_clear(&sig);
    pyossl_pkey_unref(half);
}

/* @sign, and what comes out is verified by the key, and not by @other. */
static void check_certificate(const pyossl_pkey *key, const char *digest, const pyossl_pkey *other)
{
    pyossl_x509 *cert = NULL, *back = NULL;
    pyossl_buf der = PYOSSL_BUF_INIT;

    assert_ok(pyossl_x509_new(&cert));
    assert_ok(pyossl_x509_set_not_before(cert, "20200101000000Z", 15));
    assert_ok(pyossl_x509_set_not_after(cert, "50000101000000Z", 15));
    assert_ok(pyossl_x509_set_pubkey(cert, key));
    assert_ok(pyossl_x509_sign(cert, key, digest));
    assert_ok(pyossl_x509_dump(cert, PYOSSL_DER, &der));
    assert_ok(pyossl_x509_load(&back, PYOSSL_DER, der.data, der.len));
    assert_int_equal(X509_verify(osl_x509_full(back), key->key), 1);
    assert_int_not_equal(X509_verify(osl_x509_full(back), other->key), 1);
    ERR_clear_error();
    pyossl_buf_clear(&der);
    pyossl_x509_unref(back);
    pyossl_x509_unref(cert);
}

static void check_request(const pyossl_pkey *key, const char *digest, const pyossl_pkey *other)
{
    pyossl_req *req = NULL;

    assert_ok(pyossl_req_new(&req));
    assert_ok(pyossl_req_set_pubkey(req, key));
    assert_ok(pyossl_req_sign(req, key, digest));
    assert_ok(pyossl_req_verify(req, key));
    assert_fails(pyossl_req_verify(req, other), PYOSSL_E_VERIFY);
    pyossl_req_unref(req);
}

static void check_list(const pyossl_pkey *key, const char *digest, const pyossl_pkey *other)
{
    pyossl_crl *crl = NULL;

    assert_ok(pyossl_crl_new(&crl));
    assert_ok(pyossl_crl_set_last_update(crl, "20200101000000Z", 15));
    assert_ok(pyossl_crl_set_next_update(crl, "50000101000000Z", 15));
    assert_ok(pyossl_crl_sign(crl, key, digest));
    assert_ok(pyossl_crl_verify(crl, key));
    assert_fails(pyossl_crl_verify(crl, other), PYOSSL_E_VERIFY);
    pyossl_crl_unref(crl);
}

static void check_signed_key(const pyossl_pkey *key, const char *digest, const pyossl_pkey *other)
{
    pyossl_spki *spki = NULL;

    assert_ok(pyossl_spki_new(&spki));
    assert_ok(pyossl_spki_set_pubkey(spki, key));
    assert_ok(pyossl_spki_sign(spki, key, digest));
    assert_ok(pyossl_spki_verify(spki, key));
    assert_fails(pyossl_spki_verify(spki, other), PYOSSL_E_VERIFY);
    pyossl_spki_unref(spki);
}

/* Everything that is signed, all by the same rule. */
static const struct {
    const char *what;
    void (*check)(const pyossl_pkey *key, const char *digest, const pyossl_pkey *other);
} forms[] = {
    { "certificate", check_certificate },
    { "request", check_request },
    { "list", check_list },
    { "SPKAC", check_signed_key },
};

static pyossl_status sign_certificate(const pyossl_pkey *key, const char *digest)
{
    pyossl_x509 *cert = NULL;
    pyossl_status status;

    assert_ok(pyossl_x509_new(&cert));
    assert_ok(pyossl_x509_set_not_before(cert, "20200101000000Z", 15));
    assert_ok(pyossl_x509_set_not_after(cert, "50000101000000Z", 15));
    assert_ok(pyossl_x509_set_pubkey(cert, key));
    status = pyossl_x509_sign(cert, key, digest);
    pyossl_x509_unref(cert);
    return status;
}

static pyossl_status sign_data(const pyossl_pkey *key, const char *digest)
{
    pyossl_buf sig = PYOSSL_BUF_INIT;
    const pyossl_status status = pyossl_pkey_sign(key, digest, "x", 1, &sig);

    pyossl_buf_clear(&sig);
    return status;
}

static pyossl_status sign_request(const pyossl_pkey *key, const char *digest)
{
    pyossl_req *req = NULL;
    pyossl_status status;

    assert_ok(pyossl_req_new(&req));
    assert_ok(pyossl_req_set_pubkey(req, key));
    status = pyossl_req_sign(req, key, digest);
    pyossl_req_unref(req);
    return status;
}

static pyossl_status sign_list(const pyossl_pkey *key, const char *digest)
{
    pyossl_crl *crl = NULL;
    pyossl_status status;

    assert_ok(pyossl_crl_new(&crl));
    assert_ok(pyossl_crl_set_last_update(crl, "20200101000000Z", 15));
    status = pyossl_crl_sign(crl, key, digest);
    pyossl_crl_unref(crl);
    return status;
}

static pyossl_status sign_signed_key(const pyossl_pkey *key, const char *digest)
{
    pyossl_spki *spki = NULL;
    pyossl_status status;

    assert_ok(pyossl_spki_new(&spki));
    assert_ok(pyossl_spki_set_pubkey(spki, key));
    status = pyossl_spki_sign(spki, key, digest);
    pyossl_spki_unref(spki);
    return status;
}

static pyossl_status (*const signs[])(const pyossl_pkey *key, const char *digest) = {
    sign_data, sign_certificate, sign_request, sign_list, sign_signed_key
};

/* @status, and a reason that begins with @reason, of whatever is signed. */
static void assert_none_signs(const pyossl_pkey *key, const char *digest, pyossl_status status,
                              const char *reason)
{
    for (size_t i = 0; i < OSL_COUNT_OF(signs); i++) {
        assert_fails(signs[i](key, digest), status);
        assert_int_equal(strncmp(last_entry()->reason, reason, strlen(reason)), 0);
    }
}

static void test_signs_whatever_is_signed(void **state)
{
    pyossl_pkey *other = keys_good(DATA("rsa.pem"));

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(rows); i++) {
        const char *digest = rows[i].how == DIGEST ? "sha256" : NULL;
        pyossl_pkey *key;

        if (!is_here(&rows[i]) || rows[i].how == NEVER)
            continue;
        key = made(&rows[i]);
        if (EVP_PKEY_is_a(key->key, "SM2") == 1)
            digest = "sm3"; /* OpenSSL takes no other */
        check_data(key, digest);
        for (size_t form = 0; form < OSL_COUNT_OF(forms); form++)
            forms[form].check(key, digest, other);
        pyossl_pkey_unref(key);
    }
    pyossl_pkey_unref(other);
}

static void test_says_which_digest_to_give(void **state)
{
    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(rows); i++) {
        pyossl_pkey *key;

        if (!is_here(&rows[i]) || !rows[i].encoded)
            continue;
        key = made(&rows[i]);
        switch (rows[i].how) {
        case NEVER:
            assert_none_signs(key, NULL, PYOSSL_E_ARGUMENT, "this type of key cannot sign");
            break;
        case DIGEST:
            assert_none_signs(key, NULL, PYOSSL_E_ARGUMENT,
                              EVP_PKEY_is_a(key->key, "SM2") == 1
                                  ? "this type of key needs a digest"
                                  : "this type of key needs a digest, such as sha256");
            assert_string_equal(last_entry()->detail,
                                EVP_PKEY_is_a(key->key, "SM2") == 1 ? "SM3" : "");
            break;
        case OWN:
            assert_none_signs(key, "sha256", PYOSSL_E_OPENSSL,
                              "this type of key brings its own digest: pass none");
            break;
        }
        assert_none_signs(key, "md99", PYOSSL_E_ARGUMENT, "no such digest");
        pyossl_pkey_unref(key);
    }
}

/* An RSA-PSS key may say which digest goes with it: that one is its own (RFC 4055, 3.3). */
static void test_keys_that_say_which_digest(void **state)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
    pyossl_pkey *key = NULL, *other = keys_good(DATA("ec.pem"));
    EVP_PKEY *evp = NULL;

    (void)state;
    assert_non_null(ctx);
    assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 1024), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_keygen_md(ctx, EVP_sha384()), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_keygen_mgf1_md(ctx, EVP_sha384()), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_keygen_saltlen(ctx, 32), 1);
    assert_int_equal(EVP_PKEY_generate(ctx, &evp), 1);
    EVP_PKEY_CTX_free(ctx);
    assert_ok(osl_pkey_wrap(&key, evp, true));
    check_data(key, NULL);
    check_data(key, "sha384");
    for (size_t form = 0; form < OSL_COUNT_OF(forms); form++) {
        forms[form].check(key, NULL, other);
        forms[form].check(key, "sha384", other);
    }
    assert_fails(sign_data(key, "sha256"), PYOSSL_E_OPENSSL);
    pyossl_pkey_unref(key);
    pyossl_pkey_unref(other);
}

/* They have no length; OpenSSL 3.0 would make one of 16 bytes up for SHAKE128. */
static void test_no_digest_without_a_length(void **state)
{
    static const char *const names[] = { "shake128", "SHAKE256", "SHAKE-128" };
    pyossl_pkey *key = keys_good(DATA("rsa.pem")), *ec = keys_good(DATA("ec.pem"));
    pyossl_buf sig = PYOSSL_BUF_INIT;
    pyossl_x509 *cert = NULL;

    (void)state;
    assert_ok(pyossl_x509_new(&cert));
    for (size_t i = 0; i < OSL_COUNT_OF(names); i++) {
        assert_none_signs(key, names[i], PYOSSL_E_ARGUMENT, "a digest without a length of its own");
        assert_none_signs(ec, names[i], PYOSSL_E_ARGUMENT, "a digest without a length of its own");
        assert_fails(pyossl_pkey_verify(key, names[i], "x", 1, "y", 1), PYOSSL_E_ARGUMENT);
        assert_fails(pyossl_x509_digest(cert, names[i], &sig), PYOSSL_E_ARGUMENT);
        assert_fails(pyossl_digest_check(names[i]), PYOSSL_E_ARGUMENT);
    }
    assert_null(sig.data);
    pyossl_x509_unref(cert);
    pyossl_pkey_unref(ec);
    pyossl_pkey_unref(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_made_by_name),
        cmocka_unit_test(test_refused_by_name),
        cmocka_unit_test(test_written_and_read),
        cmocka_unit_test(test_parts_that_do_not_fit),
        cmocka_unit_test(test_signs_whatever_is_signed),
        cmocka_unit_test(test_says_which_digest_to_give),
        cmocka_unit_test(test_keys_that_say_which_digest),
        cmocka_unit_test(test_no_digest_without_a_length),
    };

    assert_ok(osl_init()); /* before an assertion looks at the queue, which sets OpenSSL up too */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
