/* Files of trusted certificates: pyossl_store_load_locations() and X509_STORE_load_file(). */
#include "differ.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

#include "pyossl/store.h"
#include "pyossl/x509.h"

enum { QUICK = 300, THOROUGH = 8000, BATCH = 1000, DIGEST = 20, CERTS_MAX = 64 };

static char folder[] = "/tmp/pyossl-bundles-XXXXXX";

/* ---- what a store holds: a set, so the order is not compared ---- */

typedef struct content {
    unsigned char digests[CERTS_MAX][DIGEST];
    size_t count;
} content;

static void add_digest(content *all, const void *digest)
{
    assert_true(all->count < CERTS_MAX);
    memcpy(all->digests[all->count++], digest, DIGEST);
}

static int order(const void *a, const void *b)
{
    return memcmp(a, b, DIGEST);
}

static void note_content(notes *side, content *all)
{
    qsort(all->digests, all->count, DIGEST, order);
    for (size_t i = 0; i < all->count; i++)
        note_bytes(side, "certificate", all->digests[i], DIGEST);
}

/* ---- either side ---- */

static void note_our_store(notes *side, pyossl_store *store)
{
    pyossl_x509_list certs = PYOSSL_X509_LIST_INIT;
    content all = { .count = 0 };

    assert_ok(pyossl_store_certs(store, &certs));
    for (size_t i = 0; i < certs.count; i++) {
        pyossl_buf digest = PYOSSL_BUF_INIT;

        assert_ok(pyossl_x509_digest(certs.items[i], "sha1", &digest));
        assert_int_equal(digest.len, DIGEST);
        add_digest(&all, digest.data);
        pyossl_buf_clear(&digest);
    }
    note_content(side, &all);
    pyossl_x509_list_clear(&certs);
}

static bool we(notes *side, const char *path)
{
    pyossl_store *store = NULL;
    pyossl_status status;

    assert_ok(pyossl_store_new(&store));
    status = pyossl_store_load_locations(store, path, NULL);
    if (status != PYOSSL_OK) {
        assert_int_equal(status, PYOSSL_E_FORMAT);
        note_our_error(side);
    } else {
        note_our_store(side, store);
    }
    pyossl_store_unref(store);
    return status == PYOSSL_OK;
}

static bool they(notes *side, const char *path)
{
    X509_STORE *store = X509_STORE_new();
    const bool loaded = X509_STORE_load_file(store, path) == 1;
    STACK_OF(X509) *certs = X509_STORE_get1_all_certs(store);
    content all = { .count = 0 };

    for (int i = 0; loaded && i < sk_X509_num(certs); i++) {
        unsigned char digest[EVP_MAX_MD_SIZE];
        unsigned len;

        assert_int_equal(X509_digest(sk_X509_value(certs, i), EVP_sha1(), digest, &len), 1);
        add_digest(&all, digest);
    }
    if (loaded)
        note_content(side, &all);
    note_their_error(side);
    sk_X509_pop_free(certs, X509_free);
    X509_STORE_free(store);
    return loaded;
}

static void compare(tally *count, const char *name, const char *path, const sample *input)
{
    bool we_accept, they_accept;
    notes ours, theirs;

    notes_begin(&ours);
    notes_begin(&theirs);
    we_accept = we(&ours, path);
    they_accept = they(&theirs, path);
    judge(count, name, input, we_accept, they_accept, &ours, &theirs, NOT_DELIBERATE);
    notes_end(&ours);
    notes_end(&theirs);
}

/* ---- inputs ---- */

static tally files = { .what = "bundles-files" }, mutated = { .what = "bundles-mutated" };

static void visit(const char *name, const sample *input)
{
    char path[1024];

    snprintf(path, sizeof path, "%s/%s", TEST_DATA, name);
    compare(&files, name, path, input);
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

static const char *const seeds[] = { "root.pem",       "other-root.pem", "intermediate.pem",
                                     "server-ec.pem",  "client.pem",     "server-ed25519.pem",
                                     "nul-in-san.pem", "crl.pem" };
enum { SEEDS = sizeof seeds / sizeof *seeds, CERTIFICATES = SEEDS - 1 };

static sample pem[SEEDS], der[SEEDS];

static void read_seeds(void)
{
    for (size_t i = 0; i < SEEDS; i++) {
        char path[1024], *name = NULL, *header = NULL;
        unsigned char *bytes = NULL;
        BIO *bio;
        long len;

        snprintf(path, sizeof path, "%s/%s", TEST_DATA, seeds[i]);
        read_sample(path, &pem[i]);
        bio = BIO_new_mem_buf(pem[i].bytes, (int)pem[i].len);
        assert_int_equal(PEM_read_bio(bio, &name, &header, &bytes, &len), 1);
        memcpy(der[i].bytes, bytes, (size_t)len);
        der[i].len = (size_t)len;
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_free(bytes);
        BIO_free(bio);
    }
}

static void append(sample *to, const sample *more)
{
    assert_true(to->len + more->len <= SAMPLE_MAX);
    memcpy(to->bytes + to->len, more->bytes, more->len);
    to->len += more->len;
}

/* Three to five certificates. One of them is not what it was, or the text is not, or all is well.
 */
static void make_bundle(sample *out, chance *dice)
{
    const uint32_t count = 3 + chance_below(dice, 3), bad = chance_below(dice, count),
                   fault = chance_below(dice, 8);
    static sample work, text;

    out->len = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t which =
            chance_below(dice, chance_below(dice, 8) == 0 ? SEEDS : CERTIFICATES);

        if (i == bad && fault < 4 && which < CERTIFICATES) {
            work = der[which];
            mutate_der(&work, dice);
            sample_to_pem(&text, &work, "CERTIFICATE");
            append(out, &text);
            continue;
        }
        append(out, &pem[which]);
    }
    if (fault >= 4 && fault < 7)
        mutate_pem(out, dice);
}

static const char *path_of(size_t number)
{
    static char path[64];

    snprintf(path, sizeof path, "%s/%zu", folder, number);
    return path;
}

static void write_batch(size_t count, chance *dice)
{
    static sample work;

    for (size_t i = 0; i < count; i++) {
        FILE *file = fopen(path_of(i), "wb");

        make_bundle(&work, dice);
        assert_non_null(file);
        assert_int_equal(fwrite(work.bytes, 1, work.len, file), work.len);
        assert_int_equal(fclose(file), 0);
    }
}

static void test_mutated_bundles(void **state)
{
    const size_t count = how_many(QUICK, THOROUGH);
    const double start = clock_seconds();
    static sample work;
    chance dice = { 21 };

    (void)state;
    read_seeds();
    for (size_t done = 0; done < count; done += BATCH) {
        const size_t batch = count - done < BATCH ? count - done : BATCH;

        write_batch(batch, &dice);
        usleep(2100 * 1000); /* what was written this moment is not indexed */
        for (size_t i = 0; i < batch; i++) {
            read_sample(path_of(i), &work);
            compare(&mutated, path_of(i), path_of(i), &work);
            assert_int_equal(unlink(path_of(i)), 0);
        }
    }
    tally_print(&mutated, clock_seconds() - start);
    assert_int_equal(mutated.wrong, 0);
    assert_true(mutated.accepted > 0 && mutated.refused > 0);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    for (size_t i = 0; i < BATCH; i++)
        (void)unlink(path_of(i));
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_file),
        cmocka_unit_test(test_mutated_bundles),
    };

    return cmocka_run_group_tests_name("bundles", tests, make_folder, remove_folder);
}
