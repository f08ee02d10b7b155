/* What a store trusts besides what it holds: in which order it is asked, and who sees it. */
#include "bundles.h"

static pyossl_x509 *load(const char *path)
{
    pyossl_buf pem = PYOSSL_BUF_INIT;
    pyossl_x509 *cert = NULL;

    read_data(path, &pem);
    assert_int_equal(pyossl_x509_load(&cert, PYOSSL_PEM, pem.data, pem.len), PYOSSL_OK);
    pyossl_buf_clear(&pem);
    return cert;
}

/* A directory that has another certificate of the same name is asked behind the file. */
static void test_na_200_an_indexed_file_comes_before_a_directory(void **state)
{
    pyossl_store *store = NULL;
    pyossl_x509 *impostor = NULL, *root = load(TEST_DATA "/root.pem");
    pyossl_x509 *leaf = load(TEST_DATA "/intermediate.pem");
    pyossl_verdict verdict = PYOSSL_VERDICT_INIT;
    pyossl_buf pem = PYOSSL_BUF_INIT;
    pyossl_pkey *key = NULL;
    unsigned long hash;
    char path[300];

    (void)state;
    assert_int_equal(pyossl_x509_copy(&impostor, root), PYOSSL_OK);
    assert_int_equal(pyossl_pkey_generate_ec(&key, "prime256v1"), PYOSSL_OK);
    assert_int_equal(pyossl_x509_set_pubkey(impostor, key), PYOSSL_OK);
    assert_int_equal(pyossl_x509_sign(impostor, key, "sha256"), PYOSSL_OK);
    assert_int_equal(pyossl_x509_dump(impostor, PYOSSL_PEM, &pem), PYOSSL_OK);
    assert_int_equal(pyossl_x509_subject_hash(root, &hash), PYOSSL_OK);
    snprintf(path, sizeof path, "%s/%08lx.0", folder, hash);
    write_file(path, pem.data, pem.len);
    assert_int_equal(pyossl_store_new(&store), PYOSSL_OK);
    assert_int_equal(pyossl_store_load_locations(store, AUTHORITIES, folder), PYOSSL_OK);
    assert_int_equal(pyossl_store_verify(store, leaf, NULL, 0, &verdict), PYOSSL_OK);
    assert_int_equal(unlink(path), 0);
    pyossl_verdict_clear(&verdict);
    pyossl_buf_clear(&pem);
    pyossl_pkey_unref(key);
    pyossl_x509_unref(impostor);
    pyossl_x509_unref(root);
    pyossl_x509_unref(leaf);
    pyossl_store_unref(store);
}

/* An index that is there is none for who may not read the file. */
static void test_na_202_files_that_may_not_be_read_any_more(void **state)
{
    const char *path = in_folder("secret.pem");
    pyossl_buf pem = PYOSSL_BUF_INIT;
    pyossl_store *store;

    (void)state;
    if (geteuid() != 0)
        skip(); /* who owns it may read it, and nobody else is at hand */
    read_data(TEST_DATA "/root.pem", &pem);
    write_file(path, pem.data, pem.len);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(chmod(folder, 0755), 0);
    wait_until_settled(path);
    store = store_with(path);
    assert_int_equal(seteuid(65534), 0);
    assert_null(osl_bundle_open(path));
    assert_int_equal(pyossl_store_load_locations(store, path, NULL), PYOSSL_E_SYSTEM);
    assert_int_equal(seteuid(0), 0);
    pyossl_store_unref(store);
    pyossl_buf_clear(&pem);
    assert_int_equal(unlink(path), 0);
}

/* What OpenSSL's functions see of a store that the program has got is what OpenSSL loaded. */
static void test_na_207_the_program_sees_all_of_a_store(void **state)
{
    pyossl_store *store = store_with(AUTHORITIES);
    const size_t all = count_in(store);
    pyossl_store *fresh = store_with(AUTHORITIES);

    (void)state;
    assert_int_equal(count_objects(fresh->store), 0);
    assert_true(osl_lookup_open(fresh->store));
    assert_int_equal(count_objects(fresh->store), all);
    /* And what is loaded later is there at once. */
    assert_int_equal(pyossl_store_load_locations(fresh, TEST_DATA "/stranger.pem", NULL),
                     PYOSSL_OK);
    assert_int_equal(count_objects(fresh->store), all + 1);
    pyossl_store_unref(store);
    pyossl_store_unref(fresh);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_200_an_indexed_file_comes_before_a_directory),
        cmocka_unit_test(test_na_202_files_that_may_not_be_read_any_more),
        cmocka_unit_test(test_na_207_the_program_sees_all_of_a_store),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
