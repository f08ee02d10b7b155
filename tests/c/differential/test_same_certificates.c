/* Certificates: pyossl_x509_load() and d2i_X509(), PEM_read_bio_X509(). */
#define OPENSSL_SUPPRESS_DEPRECATED /* X509_cmp_current_time(), from 4.0 on */
#include "differ.h"

#include <openssl/asn1err.h>
#include <openssl/bn.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <stdio.h>

#include "pyossl/ext.h"
#include "pyossl/name.h"
#include "pyossl/pkey.h"
#include "pyossl/x509.h"

enum { QUICK = 1500, THOROUGH = 45000 };

/* ---- what we say ---- */

static void our_name(notes *side, pyossl_x509 *cert,
                     pyossl_status (*get)(pyossl_x509 *, pyossl_name **))
{
    pyossl_buf buf = PYOSSL_BUF_INIT;
    pyossl_name *name = NULL;
    pyossl_name_entry entry;
    unsigned long hash = 0;
    pyossl_status status;

    assert_int_equal(get(cert, &name), PYOSSL_OK);
    note_buf(side, "name", pyossl_name_dump(name, &buf), &buf);
    for (size_t i = 0; i < pyossl_name_count(name); i++) {
        assert_int_equal(pyossl_name_entry_at(name, i, &entry), PYOSSL_OK);
        note(side, entry.field, entry.tag);
        note_bytes(side, "value", entry.value, entry.len);
    }
    note_buf(side, "oneline", pyossl_name_oneline(name, &buf), &buf);
    status = pyossl_name_hash(name, &hash);
    note(side, "hash", status == PYOSSL_OK ? (long)hash : -1);
    note_buf(side, "CN", pyossl_name_get(name, "CN", &buf), &buf);
    pyossl_name_unref(name);
}

static void our_extensions(notes *side, const pyossl_x509 *cert)
{
    pyossl_buf buf = PYOSSL_BUF_INIT;

    for (size_t i = 0; i < pyossl_x509_ext_count(cert); i++) {
        pyossl_ext *ext = NULL;

        assert_int_equal(pyossl_x509_ext_at(cert, i, &ext), PYOSSL_OK);
        note(side, pyossl_ext_short_name(ext), pyossl_ext_critical(ext));
        note_buf(side, "number", pyossl_ext_oid(ext, &buf), &buf);
        note_buf(side, "data", pyossl_ext_data(ext, &buf), &buf);
        if (pyossl_ext_nid(ext) != NID_subject_alt_name)
            note_buf(side, "text", pyossl_ext_text(ext, &buf), &buf);
        pyossl_ext_unref(ext);
    }
}

static void our_fields(notes *side, const pyossl_x509 *cert)
{
    pyossl_buf buf = PYOSSL_BUF_INIT;
    const char *algorithm = NULL;
    pyossl_status status;
    int expired = 0;

    note(side, "version", pyossl_x509_version(cert));
    note_buf(side, "serial", pyossl_x509_serial(cert, &buf), &buf);
    note_buf(side, "not before", pyossl_x509_not_before(cert, &buf), &buf);
    note_buf(side, "not after", pyossl_x509_not_after(cert, &buf), &buf);
    status = pyossl_x509_has_expired(cert, &expired);
    note(side, "expired", status == PYOSSL_OK ? expired : -1);
    status = pyossl_x509_signature_algorithm(cert, &algorithm);
    note(side, status == PYOSSL_OK ? algorithm : "no algorithm", 0);
    note_buf(side, "sha256", pyossl_x509_digest(cert, "sha256", &buf), &buf);
    note_buf(side, "sha1", pyossl_x509_digest(cert, "sha1", &buf), &buf);
    note_buf(side, "DER", pyossl_x509_dump(cert, PYOSSL_DER, &buf), &buf);
    note_buf(side, "PEM", pyossl_x509_dump(cert, PYOSSL_PEM, &buf), &buf);
}

static void our_key(notes *side, const pyossl_x509 *cert, bool verify)
{
    pyossl_pkey *key = NULL;

    if (pyossl_x509_pubkey(cert, &key) != PYOSSL_OK) {
        note(side, "no key", 0);
        return;
    }
    note_our_key(side, key);
    if (verify)
        note(side, "self-signed", pyossl_x509_verify(cert, key) == PYOSSL_OK);
    pyossl_pkey_unref(key);
}

/* ---- what OpenSSL says ---- */

static void their_name(notes *side, const X509_NAME *name)
{
    unsigned char *der = NULL;
    char *line = X509_NAME_oneline(name, NULL, 0);
    int ok = 0, index = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    unsigned long hash;

    note_der(side, "name", i2d_X509_NAME(name, &der), &der);
    for (int i = 0; i < X509_NAME_entry_count(name); i++) {
        const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
        const ASN1_STRING *value = X509_NAME_ENTRY_get_data(entry);

        note(side, OBJ_nid2sn(OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry))),
             ASN1_STRING_type(value));
        note_bytes(side, "value", ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
    }
    note_bytes(side, "oneline", line, strlen(line));
    OPENSSL_free(line);
    hash = X509_NAME_hash_ex(name, NULL, NULL, &ok);
    note(side, "hash", ok == 1 ? (long)hash : -1);
    if (index >= 0)
        index =
            ASN1_STRING_to_UTF8(&der, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index)));
    if (index >= 0)
        note_bytes(side, "CN", der, (size_t)index);
    else
        note(side, "CN", -1);
    if (index >= 0)
        OPENSSL_free(der);
}

/* What the library makes of bytes that are no UTF-8. */
static void note_clean(notes *side, const unsigned char *text, long len)
{
    BIO *clean = BIO_new(BIO_s_mem());
    unsigned long ignored;
    char *data;

    while (len > 0) {
        const int valid = UTF8_getc(text, (int)len, &ignored);

        if (valid > 0)
            BIO_write(clean, text, valid);
        else
            BIO_printf(clean, "\\x%02X", *text);
        text += valid > 0 ? valid : 1;
        len -= valid > 0 ? valid : 1;
    }
    len = BIO_get_mem_data(clean, &data);
    note_bytes(side, "text", data, (size_t)len);
    BIO_free(clean);
}

/* Of what OpenSSL does not print the library shows the bytes, unless they should be names. */
static bool print(BIO *bio, X509_EXTENSION *ext, const ASN1_OCTET_STRING *octets)
{
    const int len = ASN1_STRING_length(octets);

    if (X509V3_EXT_get(ext) != NULL && X509V3_EXT_print(bio, ext, 0, 0) == 1)
        return true;
    if (OBJ_obj2nid(X509_EXTENSION_get_object(ext)) == NID_issuer_alt_name)
        return false;
    assert_int_equal(BIO_reset(bio), 1);
    return len == 0 || BIO_dump(bio, (const char *)ASN1_STRING_get0_data(octets), len) > 0;
}

static void their_extension(notes *side, X509_EXTENSION *ext)
{
    const ASN1_OBJECT *object = X509_EXTENSION_get_object(ext);
    const ASN1_OCTET_STRING *octets = X509_EXTENSION_get_data(ext);
    BIO *bio = BIO_new(BIO_s_mem());
    char number[4096], *text;
    int len;

    note(side, OBJ_nid2sn(OBJ_obj2nid(object)), X509_EXTENSION_get_critical(ext));
    len = OBJ_obj2txt(number, sizeof number, object, 1);
    if (len >= 0)
        note_bytes(side, "number", number, (size_t)len);
    else
        note(side, "number", -1);
    note_bytes(side, "data", ASN1_STRING_get0_data(octets), (size_t)ASN1_STRING_length(octets));
    if (OBJ_obj2nid(object) != NID_subject_alt_name) {
        if (print(bio, ext, octets)) {
            const long size = BIO_get_mem_data(bio, &text);

            note_clean(side, (const unsigned char *)text, size);
        } else {
            note(side, "text", -1);
        }
    }
    BIO_free(bio);
}

static void their_time(notes *side, const char *what, const ASN1_TIME *when)
{
    ASN1_GENERALIZEDTIME *general;

    if (ASN1_STRING_length(when) == 0) { /* what a time is that was not set */
        note(side, what, -1);
        return;
    }
    if (ASN1_STRING_type(when) == V_ASN1_GENERALIZEDTIME) {
        note_bytes(side, what, ASN1_STRING_get0_data(when), (size_t)ASN1_STRING_length(when));
        return;
    }
    general = ASN1_TIME_to_generalizedtime(when, NULL);
    if (general != NULL)
        note_bytes(side, what, ASN1_STRING_get0_data(general), (size_t)ASN1_STRING_length(general));
    else
        note(side, what, -1);
    ASN1_GENERALIZEDTIME_free(general);
}

static void their_serial(notes *side, const X509 *x509)
{
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x509), NULL);
    char *hex = BN_bn2hex(number);

    /* Of a serial number we write whole bytes, also of 0. */
    note_bytes(side, "serial", BN_is_zero(number) ? "00" : hex,
               BN_is_zero(number) ? 2 : strlen(hex));
    OPENSSL_free(hex);
    BN_free(number);
}

static void their_digest(notes *side, const char *what, const X509 *x509, const EVP_MD *md)
{
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned len;

    assert_int_equal(X509_digest(x509, md, out, &len), 1);
    note_bytes(side, what, out, len);
}

static void their_fields(notes *side, X509 *x509)
{
    const ASN1_OBJECT *algorithm = NULL;
    const int order = X509_cmp_current_time(X509_get0_notAfter(x509));
    BIO *pem = BIO_new(BIO_s_mem());
    unsigned char *der = NULL;
    char *text;
    int nid;

    note(side, "version", X509_get_version(x509));
    their_serial(side, x509);
    their_time(side, "not before", X509_get0_notBefore(x509));
    their_time(side, "not after", X509_get0_notAfter(x509));
    note(side, "expired", order != 0 ? order < 0 : -1);
    X509_ALGOR_get0(&algorithm, NULL, NULL, X509_get0_tbs_sigalg(x509));
    nid = OBJ_obj2nid(algorithm);
    note(side, nid != NID_undef ? OBJ_nid2ln(nid) : "no algorithm", 0);
    their_digest(side, "sha256", x509, EVP_sha256());
    their_digest(side, "sha1", x509, EVP_sha1());
    note_der(side, "DER", i2d_X509(x509, &der), &der);
    assert_int_equal(PEM_write_bio_X509(pem, x509), 1);
    nid = (int)BIO_get_mem_data(pem, &text);
    note_bytes(side, "PEM", text, (size_t)nid);
    BIO_free(pem);
}

static void their_key(notes *side, X509 *x509, bool verify)
{
    EVP_PKEY *key = X509_get_pubkey(x509);

    if (key == NULL) {
        note(side, "no key", 0);
        return;
    }
    note_their_key(side, key, false);
    if (verify)
        note(side, "self-signed", X509_verify(x509, key) == 1);
    EVP_PKEY_free(key);
}

/* ---- one input ---- */

static int no_passphrase(char *buf, int size, int writing, void *userdata)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)userdata;
    return -1;
}

static bool we(notes *side, pyossl_format format, const sample *input, bool verify)
{
    pyossl_x509 *cert = NULL;
    const pyossl_status status = pyossl_x509_load(&cert, format, input->bytes, input->len);

    if (status != PYOSSL_OK) {
        assert_int_equal(status, PYOSSL_E_FORMAT);
        note_our_error(side);
        return false;
    }
    our_fields(side, cert);
    our_name(side, cert, pyossl_x509_subject);
    our_name(side, cert, pyossl_x509_issuer);
    our_extensions(side, cert);
    our_key(side, cert, verify);
    pyossl_x509_unref(cert);
    return true;
}

static bool they(notes *side, pyossl_format format, const sample *input, bool verify)
{
    const unsigned char *at = input->bytes;
    BIO *bio = BIO_new_mem_buf(input->bytes, (int)input->len);
    X509 *x509 = format == PYOSSL_PEM ? PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)
                                      : d2i_X509(NULL, &at, (long)input->len);

    BIO_free(bio);
    if (x509 == NULL) {
        note_their_error(side);
        if (format == PYOSSL_DER &&
            input->len == 0) /* d2i_X509_bio() has another reason for nothing, which we give */
            side->error = ERR_PACK(ERR_LIB_ASN1, 0, ASN1_R_NOT_ENOUGH_DATA);
        return false;
    }
    their_fields(side, x509);
    their_name(side, X509_get_subject_name(x509));
    their_name(side, X509_get_issuer_name(x509));
    for (int i = 0; i < X509_get_ext_count(x509); i++)
        their_extension(side, (X509_EXTENSION *)X509_get_ext(x509, i)); /* const in OpenSSL 4.0 */
    their_key(side, x509, verify);
    X509_free(x509);
    ERR_clear_error();
    return true;
}

static void compare(tally *count, const char *name, pyossl_format format, const sample *input)
{
    const bool verify = count->inputs % 16 == 0;
    bool we_accept, they_accept;
    notes ours, theirs;

    notes_begin(&ours);
    notes_begin(&theirs);
    we_accept = we(&ours, format, input, verify);
    they_accept = they(&theirs, format, input, verify);
    judge(count, name, input, we_accept, they_accept, &ours, &theirs,
          format == PYOSSL_PEM && !we_accept ? odd_pem(input) : NOT_DELIBERATE);
    notes_end(&ours);
    notes_end(&theirs);
}

/* ---- the inputs ---- */

static tally files = { .what = "certificates-files" }, der = { .what = "certificates-der" },
             pem = { .what = "certificates-pem" };

static void visit(const char *name, const sample *content)
{
    compare(&files, name, PYOSSL_PEM, content);
    compare(&files, name, PYOSSL_DER, content);
}

static void test_every_file(void **state)
{
    const double start = clock_seconds();

    (void)state;
    each_data_file(visit);
    tally_print(&files, clock_seconds() - start);
    assert_int_equal(files.wrong, 0);
    assert_true(files.accepted > 20);
}

/* Certificates of many shapes, as DER. */
static const char *const seeds[] = { "server.pem",     "server-ec.pem", "server-ed25519.pem",
                                     "client.pem",     "root.pem",      "intermediate.pem",
                                     "nul-in-san.pem", "cn-only.pem" };
enum { SEEDS = sizeof seeds / sizeof *seeds };

static sample seed_pem[SEEDS], seed_der[SEEDS];

static void read_seeds(void)
{
    for (size_t i = 0; i < SEEDS; i++) {
        char path[1024];
        pyossl_x509 *cert = NULL;
        pyossl_buf buf = PYOSSL_BUF_INIT;

        snprintf(path, sizeof path, "%s/%s", TEST_DATA, seeds[i]);
        read_sample(path, &seed_pem[i]);
        assert_ok(pyossl_x509_load(&cert, PYOSSL_PEM, seed_pem[i].bytes, seed_pem[i].len));
        assert_ok(pyossl_x509_dump(cert, PYOSSL_DER, &buf));
        memcpy(seed_der[i].bytes, buf.data, buf.len);
        seed_der[i].len = buf.len;
        pyossl_buf_clear(&buf);
        pyossl_x509_unref(cert);
    }
}

static void test_mutated_der(void **state)
{
    const size_t count = how_many(QUICK, THOROUGH);
    const double start = clock_seconds();
    static sample work, text;
    chance dice = { 1 };

    (void)state;
    read_seeds();
    for (size_t i = 0; i < count; i++) {
        work = seed_der[i % SEEDS];
        mutate_der(&work, &dice);
        compare(&der, seeds[i % SEEDS], PYOSSL_DER, &work);
        if (i % 8 == 0) {
            sample_to_pem(&text, &work, "CERTIFICATE");
            compare(&der, seeds[i % SEEDS], PYOSSL_PEM, &text);
        }
    }
    tally_print(&der, clock_seconds() - start);
    assert_int_equal(der.wrong, 0);
}

static void test_mutated_pem(void **state)
{
    const size_t count = how_many(QUICK, THOROUGH);
    const double start = clock_seconds();
    static sample work;
    chance dice = { 2 };

    (void)state;
    read_seeds();
    for (size_t i = 0; i < count; i++) {
        work = seed_pem[i % SEEDS];
        mutate_pem(&work, &dice);
        compare(&pem, seeds[i % SEEDS], PYOSSL_PEM, &work);
    }
    tally_print(&pem, clock_seconds() - start);
    assert_int_equal(pem.wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_file),
        cmocka_unit_test(test_mutated_der),
        cmocka_unit_test(test_mutated_pem),
    };

    return cmocka_run_group_tests_name("certificates", tests, NULL, NULL);
}
