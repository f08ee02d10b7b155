/*
 * NA-141: no passphrase, and no key that this library decoded, stays behind in
 * memory that was released. An allocator of our own looks at every block on its
 * way back to the system.
 */
#include "keys.h"

#include "pyossl/callbacks.h"
#include "pyossl/ctx.h"
#include "pyossl/pkcs12.h"

#include "crypto/crypto.h"

/* ---- the allocator ---- */

typedef union header {
    size_t size;
    max_align_t align;
} header;

static const char *needle; /* looked for while not NULL */
static size_t needle_len;
static size_t sightings;
static bool only_ours; /* among what the library itself releases */

/* OpenSSL's PKCS #12 key derivation releases what it hashed unwiped: nothing here can change that.
 */
static bool counts(const char *releaser)
{
    return only_ours ? strstr(releaser, "libpyossl/") != NULL
                     : strstr(releaser, "pkcs12kdf.c") == NULL;
}

static void look(const void *block, size_t size, const char *releaser)
{
    if (needle != NULL && memmem(block, size, needle, needle_len) != NULL && counts(releaser))
        sightings++;
}

static void *watched_malloc(size_t size, const char *file, int line)
{
    header *block = calloc(1, sizeof *block + size); /* or it may hold what OpenSSL left unwiped */

    (void)file;
    (void)line;
    if (block == NULL)
        return NULL;
    block->size = size;
    return block + 1;
}

static void watched_free(void *pointer, const char *file, int line)
{
    header *block = pointer;

    (void)line;
    if (pointer == NULL)
        return;
    block--;
    look(pointer, block->size, file);
    free(block);
}

static void *watched_realloc(void *pointer, size_t size, const char *file, int line)
{
    void *larger;
    size_t old;

    if (pointer == NULL)
        return watched_malloc(size, file, line);
    old = ((header *)pointer)[-1].size;
    larger = watched_malloc(size, file, line);
    if (larger == NULL)
        return NULL;
    memcpy(larger, pointer, old < size ? old : size);
    watched_free(pointer, file, line);
    return larger;
}

static void watch_for(const void *bytes, size_t len)
{
    needle = bytes;
    needle_len = len;
    sightings = 0;
    only_ours = false;
}

static void watch_ours_for(const void *bytes, size_t len)
{
    watch_for(bytes, len);
    only_ours = true;
}

static void assert_unseen(const char *what)
{
    needle = NULL;
    if (sightings != 0)
        fail_msg("%s: %zu blocks were released with it", what, sightings);
}

/* ---- what is watched for ---- */

static const char secret[] = "correct horse battery staple";

static pyossl_answer give(char *buf, size_t cap, size_t *len, int confirm, void *userdata)
{
    (void)cap;
    (void)confirm;
    (void)userdata;
    memcpy(buf, secret, sizeof secret - 1);
    *len = sizeof secret - 1;
    return PYOSSL_ANSWER_ACCEPT;
}

/* The watch itself must work, or the rest proves nothing. */
static void test_the_watch_sees(void **state)
{
    char *block = OPENSSL_malloc(100);

    (void)state;
    watch_for("needle", 6);
    memcpy(block + 50, "needle", 6);
    OPENSSL_free(block);
    needle = NULL;
    assert_int_equal(sightings, 1);
}

static void test_na_141_passphrases(void **state)
{
    static const char *const ciphers[] = { "aes-256-cbc", "des3", "blowfish" };
    const pyossl_passphrase given[] = { { .data = secret, .len = sizeof secret - 1 },
                                        { .callback = give } };
    pyossl_pkey *key = keys_good(DATA("ec.pem"));

    (void)state;
    for (size_t c = 0; c < OSL_COUNT_OF(ciphers); c++)
        for (size_t i = 0; i < OSL_COUNT_OF(given); i++)
            for (int traditional = 0; traditional < 2; traditional++) {
                pyossl_buf out = PYOSSL_BUF_INIT;
                pyossl_pkey *back = NULL;

                if (pyossl_cipher_check(ciphers[c]) != PYOSSL_OK)
                    continue;
                watch_for(secret, sizeof secret - 1);
                if (traditional)
                    assert_ok(pyossl_pkey_dump_traditional(key, ciphers[c], &given[i], &out));
                else
                    assert_ok(
                        pyossl_pkey_dump_private(key, PYOSSL_PEM, ciphers[c], &given[i], &out));
                assert_ok(
                    pyossl_pkey_load_private(&back, PYOSSL_PEM, out.data, out.len, &given[i]));
                pyossl_pkey_unref(back);
                out.data[out.len / 2] ^= 1; /* a failure on the way must not leave it either */
                if (pyossl_pkey_load_private(&back, PYOSSL_PEM, out.data, out.len, &given[i]) ==
                    PYOSSL_OK)
                    pyossl_pkey_unref(back);
                pyossl_buf_clear(&out);
                assert_unseen(ciphers[c]);
            }
    pyossl_pkey_unref(key);
}

static void test_na_141_wrong_passphrases(void **state)
{
    static const char *const paths[] = { DATA("rsa-aes256.pem"), DATA("rsa-aes256.der"),
                                         DATA("rsa-des3.pem"), DATA("rsa-des.pem") };
    const pyossl_passphrase wrong = { .data = secret, .len = sizeof secret - 1 };

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(paths); i++) {
        pyossl_pkey *key = NULL;

        watch_for(secret, sizeof secret - 1);
        assert_int_not_equal(keys_load(&key, paths[i], &wrong), PYOSSL_OK);
        assert_unseen(paths[i]);
    }
}

/*
 * What this library itself decodes: a PEM block, whole and with something wrong in
 * it. (OpenSSL 3.0's decoders and encoders release the DER of a key unwiped; nothing
 * here could change that, and so it is not watched.)
 */
static void test_na_141_decoded_keys(void **state)
{
    static const char *const labels[] = { "PRIVATE KEY", NULL };
    pyossl_buf file = keys_read(DATA("rsa.pem")), der = PYOSSL_BUF_INIT;
    unsigned char middle[32];

    (void)state;
    assert_ok(osl_decode(PYOSSL_PEM, file.data, file.len, labels, &der));
    memcpy(middle, der.data + der.len / 3, sizeof middle);
    watch_for(middle, sizeof middle);
    assert_ok(osl_decode(PYOSSL_PEM, file.data, file.len, labels, &der)); /* replaces the first */
    osl_buf_shorten(&der, 10);
    pyossl_buf_clear(&der);
    assert_unseen("a good block");
    watch_for(middle, sizeof middle);
    memcpy(strstr((char *)file.data, "\n-----END") - 4, "!!!!", 4);
    assert_fails(osl_decode(PYOSSL_PEM, file.data, file.len, labels, &der), PYOSSL_E_FORMAT);
    assert_unseen("a bad block");
    pyossl_buf_clear(&file);
}

static void test_na_141_written_keys(void **state)
{
    static const char *const labels[] = { "PRIVATE KEY", NULL };
    pyossl_buf file = keys_read(DATA("rsa.pem")), der = PYOSSL_BUF_INIT, out = PYOSSL_BUF_INIT;
    char middle[32];

    (void)state;
    memcpy(middle, file.data + file.len / 2, sizeof middle);
    assert_ok(osl_decode(PYOSSL_PEM, file.data, file.len, labels, &der));
    watch_for(middle, sizeof middle);
    assert_ok(osl_encode(PYOSSL_PEM, "PRIVATE KEY", der.data, der.len, &out));
    assert_non_null(memmem(out.data, out.len, middle, sizeof middle));
    assert_ok(osl_encode(PYOSSL_DER, "PRIVATE KEY", der.data, der.len, &out)); /* replaces it */
    pyossl_buf_clear(&out);
    pyossl_buf_clear(&der);
    assert_unseen("PEM");
    pyossl_buf_clear(&file);
}

/* On the stack, where the allocator sees nothing. */
static void test_na_141_a_cleared_secret_is_gone(void **state)
{
    const unsigned char *bytes;
    osl_secret kept;

    (void)state;
    memset(&kept, 'x', sizeof kept);
    kept.large = NULL;
    bytes = (const unsigned char *)&kept;
    osl_secret_clear(&kept);
    for (size_t i = 0; i < sizeof kept; i++)
        assert_int_equal(bytes[i], 0);
}

/* Through the functions that programs call, where what OpenSSL releases unwiped is not ours to
 * wipe. */
static void test_na_141_keys_read_and_written(void **state)
{
    static const char *const paths[] = { DATA("rsa.pem"), DATA("ec.pem"), DATA("dsa.pem") };
    static const char *const labels[] = { "PRIVATE KEY", NULL };
    const pyossl_passphrase given = { .data = secret, .len = sizeof secret - 1 };

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(paths); i++)
        for (int encrypted = 0; encrypted < 2; encrypted++) {
            const char *cipher = encrypted ? "aes-256-cbc" : NULL;
            pyossl_buf file = keys_read(paths[i]), der = PYOSSL_BUF_INIT, out = PYOSSL_BUF_INIT;
            pyossl_pkey *key = keys_good(paths[i]), *back = NULL;
            unsigned char end[16]; /* of the DER, which is the private value */

            assert_ok(osl_decode(PYOSSL_PEM, file.data, file.len, labels, &der));
            memcpy(end, der.data + der.len / 2, sizeof end);
            watch_ours_for(end, sizeof end);
            assert_ok(pyossl_pkey_dump_private(key, PYOSSL_PEM, cipher, &given, &out));
            assert_ok(pyossl_pkey_load_private(&back, PYOSSL_PEM, out.data, out.len, &given));
            assert_ok(pyossl_pkey_dump_traditional(key, cipher, &given, &out));
            if (!encrypted)
                assert_ok(pyossl_pkey_dump_private(key, PYOSSL_DER, NULL, NULL, &out));
            pyossl_pkey_unref(back);
            pyossl_pkey_unref(key);
            pyossl_buf_clear(&der);
            pyossl_buf_clear(&out);
            pyossl_buf_clear(&file);
            assert_unseen(paths[i]);
        }
}

/* As UTF-8, and in the two bytes a character that PKCS #12 hashes (RFC 7292 B.1). */
static void test_na_141_passphrases_of_pkcs12(void **state)
{
    const pyossl_passphrase given = { .data = secret, .len = sizeof secret - 1 };
    const pyossl_passphrase wrong = { .data = "wrong", .len = 5 };
    pyossl_buf file = keys_read(DATA("modern.p12")), out = PYOSSL_BUF_INIT;
    char wide[2 * sizeof secret] = "";
    pyossl_pkcs12 *p12 = NULL, *back = NULL;

    (void)state;
    for (size_t i = 0; secret[i] != '\0'; i++)
        wide[2 * i + 1] = secret[i];
    for (int as_wide = 0; as_wide < 2; as_wide++) {
        const pyossl_passphrase right = { .data = "secret", .len = 6 };

        assert_ok(pyossl_pkcs12_load(&p12, file.data, file.len, &right));
        watch_for(as_wide ? wide : secret, (as_wide ? 2 : 1) * (sizeof secret - 1));
        assert_ok(pyossl_pkcs12_dump(p12, &given, NULL, &out));
        assert_ok(pyossl_pkcs12_load(&back, out.data, out.len, &given));
        assert_int_not_equal(pyossl_pkcs12_load(&back, file.data, file.len, &given), PYOSSL_OK);
        assert_unseen(as_wide ? "wide" : "UTF-8");
        assert_int_not_equal(pyossl_pkcs12_load(&back, out.data, out.len, &wrong), PYOSSL_OK);
        pyossl_pkcs12_unref(back);
        pyossl_pkcs12_unref(p12);
        pyossl_buf_clear(&out);
        back = p12 = NULL;
    }
    pyossl_buf_clear(&file);
}

/* Neither the right passphrase of a context's key file, nor a wrong one. */
static void test_na_141_passphrases_of_contexts(void **state)
{
    const pyossl_passphrase given = { .data = secret, .len = sizeof secret - 1 };
    const char *const paths[] = { "hygiene.pem", DATA("ec-aes256.pem") };
    pyossl_pkey *key = keys_good(DATA("ec.pem"));
    pyossl_buf out = PYOSSL_BUF_INIT;
    pyossl_ctx *ctx = NULL;
    FILE *file = fopen(paths[0], "wb");

    (void)state;
    assert_ok(pyossl_pkey_dump_private(key, PYOSSL_PEM, "aes-256-cbc", &given, &out));
    assert_non_null(file);
    assert_int_equal(fwrite(out.data, 1, out.len, file), out.len);
    assert_int_equal(fclose(file), 0);
    assert_ok(pyossl_ctx_new(&ctx, PYOSSL_TLS));
    assert_ok(pyossl_ctx_set_passphrase(ctx, give, NULL, NULL));
    for (size_t i = 0; i < OSL_COUNT_OF(paths); i++) {
        watch_for(secret, sizeof secret - 1);
        assert_int_equal(pyossl_ctx_use_pkey_file(ctx, paths[i], PYOSSL_PEM) == PYOSSL_OK, i == 0);
        assert_unseen(paths[i]);
    }
    assert_int_equal(remove(paths[0]), 0);
    pyossl_ctx_unref(ctx);
    pyossl_pkey_unref(key);
    pyossl_buf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_watch_sees),
        cmocka_unit_test(test_na_141_passphrases),
        cmocka_unit_test(test_na_141_wrong_passphrases),
        cmocka_unit_test(test_na_141_decoded_keys),
        cmocka_unit_test(test_na_141_written_keys),
        cmocka_unit_test(test_na_141_a_cleared_secret_is_gone),
        cmocka_unit_test(test_na_141_keys_read_and_written),
        cmocka_unit_test(test_na_141_passphrases_of_pkcs12),
        cmocka_unit_test(test_na_141_passphrases_of_contexts),
    };

    if (CRYPTO_set_mem_functions(watched_malloc, watched_realloc, watched_free) != 1)
        return 1;
    assert_ok(osl_init()); /* before an assertion looks at the queue, which sets OpenSSL up too */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
