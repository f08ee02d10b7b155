/* Trusted files that are indexed once and shared: what is shared, and what is not. */
#include "bundles.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>

static size_t held_by(const pyossl_store *store)
{
    STACK_OF(X509) *certs = osl_store_get1_certs(store->store);
    const size_t count = (size_t)sk_X509_num(certs);

    sk_X509_pop_free(certs, X509_free);
    return count;
}

static pyossl_x509 *load(const char *path)
{
    pyossl_buf pem = PYOSSL_BUF_INIT;
    pyossl_x509 *cert = NULL;

    read_data(path, &pem);
    assert_int_equal(pyossl_x509_load(&cert, PYOSSL_PEM, pem.data, pem.len), PYOSSL_OK);
    pyossl_buf_clear(&pem);
    return cert;
}

static void test_indexed_once_and_forgotten(void **state)
{
    osl_bundle *first = osl_bundle_open(AUTHORITIES), *second = osl_bundle_open(AUTHORITIES);

    (void)state;
    assert_non_null(first);
    assert_ptr_equal(first, second);
    osl_bundle_unref(first);
    osl_bundle_unref(second); /* the sanitizer's leak check sees that it is gone */
}

static void test_parsed_only_when_asked(void **state)
{
    pyossl_store *store = store_with(AUTHORITIES);
    pyossl_x509 *cert = load(TEST_DATA "/intermediate.pem");
    pyossl_verdict verdict = PYOSSL_VERDICT_INIT;

    (void)state;
    assert_int_equal(held_by(store), 0);
    assert_int_equal(pyossl_store_verify(store, cert, NULL, 0, &verdict), PYOSSL_OK);
    assert_int_equal(verdict.chain.count, 2);
    pyossl_verdict_clear(&verdict);
    assert_true(held_by(store) >= 1);
    assert_true(held_by(store) <= count_in(store));
    pyossl_x509_unref(cert);
    pyossl_store_unref(store);
}

static void test_one_store_does_not_change_another(void **state)
{
    pyossl_store *changed = store_with(AUTHORITIES), *other = store_with(AUTHORITIES);
    const size_t before = count_in(other);
    pyossl_x509 *cert = load(TEST_DATA "/server.pem");

    (void)state;
    assert_int_equal(pyossl_store_add_cert(changed, cert), PYOSSL_OK);
    assert_int_equal(pyossl_store_set_flags(changed, PYOSSL_STORE_CRL_CHECK), PYOSSL_OK);
    assert_int_equal(count_in(changed), before + 1);
    assert_int_equal(count_in(other), before);
    assert_int_equal(pyossl_store_get_flags(other) & PYOSSL_STORE_CRL_CHECK, 0);
    pyossl_x509_unref(cert);
    pyossl_store_unref(changed);
    pyossl_store_unref(other);
}

static void test_replaced_file_is_seen(void **state)
{
    pyossl_buf one = PYOSSL_BUF_INIT, two = PYOSSL_BUF_INIT;
    const char *path = in_folder("replaced.pem");
    pyossl_store *before, *after;

    (void)state;
    read_data(TEST_DATA "/root.pem", &one);
    read_data(TEST_DATA "/chain.pem", &two);
    write_file(path, one.data, one.len);
    wait_until_settled(path);
    before = store_with(path);
    assert_int_equal(count_in(before), 1);
    write_file(path, two.data, two.len); /* in place: the same inode */
    after = store_with(path);
    assert_true(count_in(after) >= 2);
    assert_int_equal(count_in(before), 1);
    pyossl_store_unref(before);
    pyossl_store_unref(after);
    pyossl_buf_clear(&one);
    pyossl_buf_clear(&two);
}

/* Whether a bad certificate among good ones is reported, and in which words. */
static void test_bad_certificate_in_the_middle(void **state)
{
    pyossl_buf pem = PYOSSL_BUF_INIT;
    const char *path = in_folder("bad.pem");
    pyossl_store *store = NULL;
    const char *fast, *slow;
    char *broken;
    size_t half;

    (void)state;
    read_data(TEST_DATA "/chain.pem", &pem);
    broken = (char *)pem.data;
    /* Inside of the second block: what is there is base64, and is base64 afterwards. */
    half = (size_t)(strstr(strstr(broken, "-----END"), "MII") - broken);
    broken[half + 6] = broken[half + 6] == 'A' ? 'B' : 'A';
    memcpy(broken + half + 64 * 2 + 10, "//////", 6);
    memcpy(broken + half, "MAA", 3);
    write_file(path, pem.data, pem.len);
    sleep(2);
    assert_null(osl_bundle_open(path));
    assert_int_equal(pyossl_store_new(&store), PYOSSL_OK);
    assert_int_equal(pyossl_store_load_locations(store, path, NULL), PYOSSL_E_FORMAT);
    fast = pyossl_error_entry_at(pyossl_error_last(), 0)->library;
    assert_int_equal(held_by(store), 0);
    assert_int_equal(X509_STORE_load_file(store->store, path), 0);
    slow = ERR_lib_error_string(ERR_peek_error());
    assert_string_equal(fast, slow);
    ERR_clear_error();
    pyossl_store_unref(store);
    pyossl_buf_clear(&pem);
}

/* ---- which file, and which state of it ---- */

static pyossl_x509 *root_of(pyossl_store *store)
{
    pyossl_x509 *cert = load(TEST_DATA "/intermediate.pem"), *root;
    pyossl_verdict verdict = PYOSSL_VERDICT_INIT;

    assert_int_equal(pyossl_store_verify(store, cert, NULL, 0, &verdict), PYOSSL_OK);
    assert_int_equal(verdict.chain.count, 2);
    root = pyossl_x509_ref(verdict.chain.items[1]);
    pyossl_verdict_clear(&verdict);
    pyossl_x509_unref(cert);
    return root;
}

/* What is done to a certificate of one store reaches no other. */
static void test_na_197_each_store_has_objects_of_its_own(void **state)
{
    pyossl_store *one = store_with(AUTHORITIES), *two = store_with(AUTHORITIES);
    pyossl_x509 *first = root_of(one), *second = root_of(two);
    pyossl_x509 *cert = load(TEST_DATA "/intermediate.pem");
    pyossl_verdict verdict = PYOSSL_VERDICT_INIT;

    (void)state;
    assert_ptr_not_equal(osl_x509_read(first), osl_x509_read(second));
    assert_int_equal(
        X509_add1_reject_object(osl_x509_full(first), OBJ_nid2obj(NID_anyExtendedKeyUsage)), 1);
    assert_int_equal(pyossl_store_verify(one, cert, NULL, 0, &verdict), PYOSSL_E_VERIFY);
    assert_int_equal(verdict.error, X509_V_ERR_CERT_REJECTED);
    assert_int_equal(pyossl_store_verify(two, cert, NULL, 0, &verdict), PYOSSL_OK);
    pyossl_verdict_clear(&verdict);
    pyossl_x509_unref(cert);
    pyossl_x509_unref(first);
    pyossl_x509_unref(second);
    pyossl_store_unref(one);
    pyossl_store_unref(two);
}

static void set_modified(const char *path, time_t seconds)
{
    const struct timespec times[2] = { { .tv_sec = seconds }, { .tv_sec = seconds } };

    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* What is under a path is another file, or in another state, by whatever the system tells of it. */
static void test_identity_of_files(void **state)
{
    enum { SAME, TOUCHED, REPLACED, SHRUNK, LINKED, FILES };
    pyossl_buf text = PYOSSL_BUF_INIT;
    osl_bundle *before[FILES], *after;
    char paths[FILES][256], other[256];

    (void)state;
    read_data(TEST_DATA "/root.pem", &text);
    for (int i = 0; i < FILES; i++) {
        snprintf(paths[i], sizeof paths[i], "%s/file-%d", folder, i);
        write_file(paths[i], text.data, text.len);
        set_modified(paths[i], 1000000000);
    }
    snprintf(other, sizeof other, "%s/other", folder);
    wait_until_settled(paths[FILES - 1]);
    for (int i = 0; i < FILES; i++) {
        before[i] = osl_bundle_open(paths[i]);
        assert_non_null(before[i]);
        for (int k = 0; k < i; k++)
            assert_ptr_not_equal(before[i], before[k]); /* the same bytes, but another file */
    }
    set_modified(paths[TOUCHED], 1000000001);
    write_file(other, text.data, text.len);
    set_modified(other, 1000000000);
    assert_int_equal(rename(other, paths[REPLACED]), 0); /* size and time are the old ones */
    write_file(paths[SHRUNK], text.data, text.len - 1);  /* without its last newline */
    set_modified(paths[SHRUNK], 1000000000);
    assert_int_equal(symlink(paths[LINKED], other), 0);
    wait_until_settled(paths[SHRUNK]);
    for (int i = 0; i < FILES; i++) {
        after = osl_bundle_open(i == LINKED ? other : paths[i]);
        assert_non_null(after);
        if (i == SAME)
            assert_ptr_equal(after, before[i]);
        else
            assert_ptr_not_equal(after, before[i]);
        osl_bundle_unref(after);
        osl_bundle_unref(before[i]);
        assert_int_equal(unlink(paths[i]), 0);
    }
    assert_int_equal(unlink(other), 0);
    pyossl_buf_clear(&text);
}

/* Blocks of the library's and OpenSSL's; from several threads. */
static atomic_size_t blocks;

static void *count_malloc(size_t size, const char *file, int line)
{
    void *block = malloc(size);

    (void)file;
    (void)line;
    atomic_fetch_add(&blocks, block != NULL);
    return block;
}

static void *count_realloc(void *old, size_t size, const char *file, int line)
{
    void *block = realloc(old, size);

    (void)file;
    (void)line;
    atomic_fetch_add(&blocks, block != NULL && old == NULL);
    return block;
}

static void count_free(void *block, const char *file, int line)
{
    (void)file;
    (void)line;
    atomic_fetch_sub(&blocks, block != NULL);
    free(block);
}

static size_t use_two_stores(void)
{
    pyossl_store *one = store_with(AUTHORITIES), *two = store_with(AUTHORITIES);
    size_t most;

    pyossl_x509_unref(root_of(one));
    pyossl_store_unref(one);
    pyossl_x509_unref(root_of(two));
    most = atomic_load(&blocks);
    pyossl_store_unref(two);
    return most;
}

/* Nothing stays behind when the last store that used it goes. */
static void test_forgotten_with_the_last_store(void **state)
{
    size_t before;

    (void)state;
    (void)use_two_stores(); /* after which OpenSSL has all that it keeps */
    before = atomic_load(&blocks);
    assert_true(use_two_stores() > before);
    assert_int_equal(atomic_load(&blocks), before);
}

static void test_a_list_in_one_store_is_in_no_other(void **state)
{
    pyossl_store *changed = store_with(AUTHORITIES), *other = store_with(AUTHORITIES);
    pyossl_buf text = PYOSSL_BUF_INIT;
    pyossl_crl *crl = NULL;

    (void)state;
    read_data(TEST_DATA "/crl-empty.pem", &text);
    assert_int_equal(pyossl_crl_load(&crl, PYOSSL_PEM, text.data, text.len), PYOSSL_OK);
    assert_int_equal(pyossl_store_add_crl(changed, crl), PYOSSL_OK);
    assert_int_equal(count_objects(changed->store), 1);
    assert_int_equal(count_objects(other->store), 0);
    pyossl_crl_unref(crl);
    pyossl_buf_clear(&text);
    pyossl_store_unref(changed);
    pyossl_store_unref(other);
}

enum { THREADS = 4, LOADS = 200 };

/* Cmocka's assertions are for its own thread: this one counts. */
static void *load_and_judge(void *argument)
{
    pyossl_x509 *cert = argument;
    size_t wrong = 0;

    for (int i = 0; i < LOADS; i++) {
        pyossl_verdict verdict = PYOSSL_VERDICT_INIT;
        pyossl_store *store = NULL;

        wrong += pyossl_store_new(&store) != PYOSSL_OK;
        wrong += pyossl_store_load_locations(store, AUTHORITIES, NULL) != PYOSSL_OK;
        wrong += pyossl_store_verify(store, cert, NULL, 0, &verdict) != PYOSSL_OK;
        wrong += verdict.chain.count != 2;
        pyossl_verdict_clear(&verdict);
        pyossl_store_unref(store);
    }
    return (void *)(uintptr_t)wrong;
}

/* They find, make, use and forget the same index at the same time. */
static void test_threads_share_an_index(void **state)
{
    pyossl_x509 *cert = load(TEST_DATA "/intermediate.pem");
    pthread_t threads[THREADS];
    void *wrong = NULL;

    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, load_and_judge, cert), 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    pyossl_x509_unref(cert);
}

/* OpenSSL asks a lookup only where the store itself has nothing of that subject. */
static void test_own_certificate_hides_none(void **state)
{
    pyossl_store *store = store_with(AUTHORITIES);
    const size_t before = count_in(store);
    pyossl_store *fresh = store_with(AUTHORITIES);
    pyossl_x509 *impostor = NULL, *root = load(TEST_DATA "/root.pem");
    pyossl_x509 *leaf = load(TEST_DATA "/intermediate.pem");
    pyossl_pkey *key = NULL;
    pyossl_verdict verdict = PYOSSL_VERDICT_INIT;

    (void)state;
    assert_int_equal(pyossl_x509_copy(&impostor, root), PYOSSL_OK);
    assert_int_equal(pyossl_pkey_generate_ec(&key, "prime256v1"), PYOSSL_OK);
    assert_int_equal(pyossl_x509_set_pubkey(impostor, key), PYOSSL_OK);
    assert_int_equal(pyossl_x509_sign(impostor, key, "sha256"), PYOSSL_OK);
    assert_int_equal(pyossl_store_add_cert(fresh, impostor), PYOSSL_OK);
    assert_int_equal(pyossl_store_verify(fresh, leaf, NULL, 0, &verdict), PYOSSL_OK);
    assert_int_equal(count_in(fresh), before + 1);
    pyossl_verdict_clear(&verdict);
    pyossl_pkey_unref(key);
    pyossl_x509_unref(impostor);
    pyossl_x509_unref(root);
    pyossl_x509_unref(leaf);
    pyossl_store_unref(store);
    pyossl_store_unref(fresh);
}

/* What passes as usual, OpenSSL accepts; its subject is where we say. Bytes changed one at a time.
 */
static void test_usual_is_what_openssl_accepts(void **state)
{
    static const char *const names[] = { "root.pem", "server.pem", "server-ec.pem",
                                         "nul-in-san.pem" };
    unsigned accepted = 0;

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(names); i++) {
        char path[256];
        pyossl_x509 *cert;
        pyossl_buf der = PYOSSL_BUF_INIT;

        snprintf(path, sizeof path, TEST_DATA "/%s", names[i]);
        cert = load(path);
        assert_int_equal(pyossl_x509_dump(cert, PYOSSL_DER, &der), PYOSSL_OK);
        for (size_t at = 0; at < der.len; at++)
            for (int change = 0; change < 6; change++) {
                const unsigned char kept = der.data[at];
                const unsigned char *in = der.data;
                const osl_der span = { der.data, der.len };
                osl_der subject;
                X509 *x509;

                der.data[at] ^= (unsigned char)("\x01\x80\x20\x7f\xff\x10"[change]);
                if (osl_plain_certificate(&span, &subject)) {
                    accepted++;
                    x509 = d2i_X509(NULL, &in, (long)der.len);
                    assert_non_null(x509);
                    assert_int_equal(i2d_X509_NAME(X509_get_subject_name(x509), NULL), subject.len);
                    X509_free(x509);
                    ERR_clear_error();
                }
                assert_int_equal(ERR_peek_error(), 0);
                der.data[at] = kept;
            }
        pyossl_buf_clear(&der);
        pyossl_x509_unref(cert);
    }
    assert_true(accepted > 1000);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)unlink(in_folder("replaced.pem"));
    (void)unlink(in_folder("bad.pem"));
    (void)unlink(in_folder("lines.pem"));
    return rmdir(folder);
}

/* ---- what else there is to be asked ---- */

static void concat(pyossl_buf *out, const char *lead, const char *path)
{
    pyossl_buf pem = PYOSSL_BUF_INIT;

    read_data(path, &pem);
    assert_int_equal(osl_buf_alloc(out, strlen(lead) + pem.len), PYOSSL_OK);
    memcpy(out->data, lead, strlen(lead));
    memcpy(out->data + strlen(lead), pem.data, pem.len);
    pyossl_buf_clear(&pem);
}

/*
 * OpenSSL takes a line of more than 254 bytes for several, so that a block may begin in one; and a
 * NUL or a carriage return for its end. What has such is not for us to index.
 */
static void test_na_201_lines_that_openssl_reads_otherwise(void **state)
{
    static const struct {
        size_t dashes;
        const char *tail;
        bool plain;
    } rows[] = { { 200, "\n", true },
                 { 254, "\n", false },
                 { 254, "-----BEGIN CERTIFICATE-----\n", false },
                 { 600, "\n", false },
                 { 3, "\r-----BEGIN CERTIFICATE-----\n", false } };

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(rows); i++) {
        pyossl_buf text = PYOSSL_BUF_INIT;
        char lead[1000];
        const char *path = in_folder("lines.pem");
        osl_bundle *bundle;

        memset(lead, '#', rows[i].dashes);
        strcpy(lead + rows[i].dashes, rows[i].tail);
        concat(&text, lead, TEST_DATA "/root.pem");
        write_file(path, text.data, text.len);
        sleep(2);
        bundle = osl_bundle_open(path);
        assert_int_equal(bundle != NULL, rows[i].plain);
        osl_bundle_unref(bundle);
        pyossl_buf_clear(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_201_lines_that_openssl_reads_otherwise),
        cmocka_unit_test(test_indexed_once_and_forgotten),
        cmocka_unit_test(test_parsed_only_when_asked),
        cmocka_unit_test(test_one_store_does_not_change_another),
        cmocka_unit_test(test_replaced_file_is_seen),
        cmocka_unit_test(test_na_197_each_store_has_objects_of_its_own),
        cmocka_unit_test(test_identity_of_files),
        cmocka_unit_test(test_forgotten_with_the_last_store),
        cmocka_unit_test(test_a_list_in_one_store_is_in_no_other),
        cmocka_unit_test(test_threads_share_an_index),
        cmocka_unit_test(test_bad_certificate_in_the_middle),
        cmocka_unit_test(test_own_certificate_hides_none),
        cmocka_unit_test(test_usual_is_what_openssl_accepts),
    };

    assert_int_equal(CRYPTO_set_mem_functions(count_malloc, count_realloc, count_free), 1);
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
