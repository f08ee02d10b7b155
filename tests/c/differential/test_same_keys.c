/* Keys: pyossl_pkey_load_*() and PEM_read_bio_PrivateKey(), d2i_AutoPrivateKey() and so on. */
#include "differ.h"

#include <stdio.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "pyossl/callbacks.h"
#include "pyossl/pkey.h"

static const char secret[] = "secret";

/* ---- either side ---- */

static bool we_private(notes *side, pyossl_format format, const sample *input)
{
    const pyossl_passphrase passphrase = { .data = secret, .len = strlen(secret) };
    pyossl_pkey *key = NULL;
    const pyossl_status status =
        pyossl_pkey_load_private(&key, format, input->bytes, input->len, &passphrase);

    if (status != PYOSSL_OK) {
        assert_true(status == PYOSSL_E_FORMAT || status == PYOSSL_E_PASSPHRASE ||
                    status == PYOSSL_E_UNSUPPORTED);
        note_our_error(side);
        return false;
    }
    note_our_key(side, key);
    pyossl_pkey_unref(key);
    return true;
}

static bool we_public(notes *side, pyossl_format format, const sample *input)
{
    pyossl_pkey *key = NULL;
    const pyossl_status status = pyossl_pkey_load_public(&key, format, input->bytes, input->len);

    if (status != PYOSSL_OK) {
        assert_int_equal(status, PYOSSL_E_FORMAT);
        note_our_error(side);
        return false;
    }
    note_our_key(side, key);
    pyossl_pkey_unref(key);
    return true;
}

static int give_secret(char *buf, int size, int writing, void *userdata)
{
    (void)writing;
    (void)userdata;
    assert_true(size > (int)strlen(secret));
    memcpy(buf, secret, strlen(secret));
    return (int)strlen(secret);
}

static EVP_PKEY *their_private_der(const sample *input)
{
    const unsigned char *at = input->bytes;
    EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &at, (long)input->len);
    BIO *bio;

    if (key != NULL)
        return key;
    /* What is encrypted, OpenSSL reads by another name. */
    bio = BIO_new_mem_buf(input->bytes, (int)input->len);
    key = d2i_PKCS8PrivateKey_bio(bio, NULL, give_secret, NULL);
    BIO_free(bio);
    return key;
}

static bool they_private(notes *side, pyossl_format format, const sample *input)
{
    BIO *bio = BIO_new_mem_buf(input->bytes, (int)input->len);
    EVP_PKEY *key = format == PYOSSL_PEM ? PEM_read_bio_PrivateKey(bio, NULL, give_secret, NULL)
                                         : their_private_der(input);

    BIO_free(bio);
    if (key == NULL) {
        note_their_error(side);
        return false;
    }
    note_their_key(side, key, true);
    EVP_PKEY_free(key);
    return true;
}

static bool they_public(notes *side, pyossl_format format, const sample *input)
{
    const unsigned char *at = input->bytes;
    BIO *bio = BIO_new_mem_buf(input->bytes, (int)input->len);
    EVP_PKEY *key = format == PYOSSL_PEM ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL)
                                         : d2i_PUBKEY(NULL, &at, (long)input->len);

    BIO_free(bio);
    if (key == NULL) {
        note_their_error(side);
        return false;
    }
    note_their_key(side, key, false);
    EVP_PKEY_free(key);
    return true;
}

/* Whether what is encrypted has the label of what is not: later releases of OpenSSL read it. */
static bool is_sealed_as_plain(const sample *input)
{
    BIO *bio = BIO_new_mem_buf(input->bytes, (int)input->len);
    char *name = NULL, *header = NULL;
    unsigned char *der = NULL;
    const unsigned char *at;
    X509_SIG *sealed = NULL;
    long len;

    if (PEM_read_bio(bio, &name, &header, &der, &len) == 1 && strcmp(name, "PRIVATE KEY") == 0) {
        at = der;
        sealed = d2i_X509_SIG(NULL, &at, len);
    }
    X509_SIG_free(sealed);
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(der);
    BIO_free(bio);
    ERR_clear_error();
    return sealed != NULL;
}

static deliberate why(pyossl_format format, const sample *input, bool private_half)
{
    static const char *const private_labels[] = { "PRIVATE KEY",     "ENCRYPTED PRIVATE KEY",
                                                  "RSA PRIVATE KEY", "EC PRIVATE KEY",
                                                  "DSA PRIVATE KEY", NULL };
    static const char *const public_labels[] = { "PUBLIC KEY", "RSA PUBLIC KEY", NULL };

    if (format != PYOSSL_PEM)
        return NOT_DELIBERATE;
    if (count_blocks(input) > 1)
        return LATER_BLOCK;
    if (!first_label_among(input, private_half ? private_labels : public_labels) ||
        (private_half && is_sealed_as_plain(input)))
        return OTHER_LABEL;
    return odd_pem(input);
}

static void compare(tally *count, const char *name, pyossl_format format, const sample *input,
                    bool private_half)
{
    bool we_accept, they_accept;
    notes ours, theirs;

    notes_begin(&ours);
    notes_begin(&theirs);
    /* We first: what loads the legacy provider does so for OpenSSL too. */
    we_accept = (private_half ? we_private : we_public)(&ours, format, input);
    they_accept = (private_half ? they_private : they_public)(&theirs, format, input);
    theirs.error = 0;
    judge(count, name, input, we_accept, they_accept, &ours, &theirs,
          they_accept && !we_accept ? why(format, input, private_half) : NOT_DELIBERATE);
    notes_end(&ours);
    notes_end(&theirs);
}

/* ---- every file ---- */

static tally files = { .what = "keys-files" };

static void visit(const char *name, const sample *content)
{
    compare(&files, name, PYOSSL_PEM, content, true);
    compare(&files, name, PYOSSL_DER, content, true);
    compare(&files, name, PYOSSL_PEM, content, false);
    compare(&files, name, PYOSSL_DER, content, false);
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

/* ---- mutations ---- */

typedef struct seed {
    const char *file;
    bool private_half;
    sample pem, der;
} seed;

/* How many mutations of each are made: OpenSSL takes milliseconds for what is encrypted. */
typedef struct group {
    const char *what;
    seed *seeds;
    size_t count, quick, thorough;
} group;

static seed private_seeds[] = {
    { .file = "rsa.pem", .private_half = true },
    { .file = "ec.pem", .private_half = true },
    { .file = "ed25519.pem", .private_half = true },
    { .file = "dsa.pem", .private_half = true },
    { .file = "rsa-traditional.pem", .private_half = true },
    { .file = "ec-traditional.pem", .private_half = true },
    { .file = "dsa-traditional.pem", .private_half = true },
};
static seed public_seeds[] = {
    { .file = "rsa-public.pem" },
    { .file = "ec-public.pem" },
    { .file = "ed25519-public.pem" },
};
static seed encrypted_seeds[] = {
    { .file = "rsa-aes256.pem", .private_half = true },
    { .file = "ec-aes256.pem", .private_half = true },
    { .file = "ec-des3.pem", .private_half = true },
    { .file = "rsa-des3.pem", .private_half = true },
    { .file = "rsa-pkcs5v1-des.pem", .private_half = true },
};

#define GROUP(name, array, quick, thorough)                                                        \
    {                                                                                              \
        name, array, sizeof(array) / sizeof *(array), quick, thorough                              \
    }

static const group private_keys = GROUP("keys-private", private_seeds, 500, 15000),
                   public_keys = GROUP("keys-public", public_seeds, 500, 15000),
                   encrypted_keys = GROUP("keys-encrypted", encrypted_seeds, 150, 4000);

static void read_seed(seed *one, char *label, size_t size)
{
    char path[1024], *name = NULL, *header = NULL;
    unsigned char *der = NULL;
    BIO *bio;
    long len;

    snprintf(path, sizeof path, "%s/%s", TEST_DATA, one->file);
    read_sample(path, &one->pem);
    bio = BIO_new_mem_buf(one->pem.bytes, (int)one->pem.len);
    assert_int_equal(PEM_read_bio(bio, &name, &header, &der, &len), 1);
    memcpy(one->der.bytes, der, (size_t)len);
    one->der.len = (size_t)len;
    snprintf(label, size, "%s", name);
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(der);
    BIO_free(bio);
}

static void mutate_group(const group *these, uint64_t dice_seed)
{
    const size_t count = how_many(these->quick, these->thorough);
    const double start = clock_seconds();
    tally result = { .what = these->what };
    chance dice = { dice_seed };
    static sample work, text;
    char labels[8][64];

    assert_true(these->count <= 8);
    for (size_t i = 0; i < these->count; i++)
        read_seed(&these->seeds[i], labels[i], sizeof labels[i]);
    for (size_t i = 0; i < count; i++) {
        const seed *from = &these->seeds[i % these->count];

        if (i / these->count % 2 == 0) {
            work = from->pem;
            mutate_pem(&work, &dice);
            compare(&result, from->file, PYOSSL_PEM, &work, from->private_half);
            continue;
        }
        work = from->der;
        mutate_der(&work, &dice);
        compare(&result, from->file, PYOSSL_DER, &work, from->private_half);
        sample_to_pem(&text, &work, labels[i % these->count]);
        if (i % 4 == 0)
            compare(&result, from->file, PYOSSL_PEM, &text, from->private_half);
    }
    tally_print(&result, clock_seconds() - start);
    assert_int_equal(result.wrong, 0);
    assert_true(result.accepted > 0 && result.refused > 0);
}

static void test_private_keys(void **state)
{
    (void)state;
    mutate_group(&private_keys, 11);
}

static void test_public_keys(void **state)
{
    (void)state;
    mutate_group(&public_keys, 12);
}

static void test_encrypted_keys(void **state)
{
    (void)state;
    mutate_group(&encrypted_keys, 13);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_file),
        cmocka_unit_test(test_private_keys),
        cmocka_unit_test(test_public_keys),
        cmocka_unit_test(test_encrypted_keys),
    };

    return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}
