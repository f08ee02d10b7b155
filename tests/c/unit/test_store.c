#include "store_material.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "oom.h"

#include "crypto/crypto.h"

/* ---- what it asks ---- */

static void test_flags_only_grow(void **state)
{
    pyossl_store *store = NULL;
    unsigned long before;

    (void)state;
    assert_ok(pyossl_store_new(&store));
    before = pyossl_store_get_flags(store);
    assert_ok(pyossl_store_set_flags(store, PYOSSL_STORE_CRL_CHECK));
    assert_ok(pyossl_store_set_flags(store, 0));
    assert_ok(pyossl_store_set_flags(store, PYOSSL_STORE_X509_STRICT));
    assert_int_equal(pyossl_store_get_flags(store),
                     before | PYOSSL_STORE_CRL_CHECK | PYOSSL_STORE_X509_STRICT);
    pyossl_store_unref(store);
}

static void test_the_numbers_are_openssls(void **state)
{
    (void)state;
    assert_int_equal(PYOSSL_STORE_CRL_CHECK, X509_V_FLAG_CRL_CHECK);
    assert_int_equal(PYOSSL_STORE_CRL_CHECK_ALL, X509_V_FLAG_CRL_CHECK_ALL);
    assert_int_equal(PYOSSL_STORE_IGNORE_CRITICAL, X509_V_FLAG_IGNORE_CRITICAL);
    assert_int_equal(PYOSSL_STORE_X509_STRICT, X509_V_FLAG_X509_STRICT);
    assert_int_equal(PYOSSL_STORE_ALLOW_PROXY_CERTS, X509_V_FLAG_ALLOW_PROXY_CERTS);
    assert_int_equal(PYOSSL_STORE_POLICY_CHECK, X509_V_FLAG_POLICY_CHECK);
    assert_int_equal(PYOSSL_STORE_EXPLICIT_POLICY, X509_V_FLAG_EXPLICIT_POLICY);
    assert_int_equal(PYOSSL_STORE_INHIBIT_ANY, X509_V_FLAG_INHIBIT_ANY);
    assert_int_equal(PYOSSL_STORE_INHIBIT_MAP, X509_V_FLAG_INHIBIT_MAP);
    assert_int_equal(PYOSSL_STORE_NOTIFY_POLICY, X509_V_FLAG_NOTIFY_POLICY);
    assert_int_equal(PYOSSL_STORE_EXTENDED_CRL, X509_V_FLAG_EXTENDED_CRL_SUPPORT);
    assert_int_equal(PYOSSL_STORE_USE_DELTAS, X509_V_FLAG_USE_DELTAS);
    assert_int_equal(PYOSSL_STORE_CHECK_SS_SIGNATURE, X509_V_FLAG_CHECK_SS_SIGNATURE);
    assert_int_equal(PYOSSL_STORE_TRUSTED_FIRST, X509_V_FLAG_TRUSTED_FIRST);
    assert_int_equal(PYOSSL_STORE_PARTIAL_CHAIN, X509_V_FLAG_PARTIAL_CHAIN);
    assert_int_equal(PYOSSL_STORE_NO_CHECK_TIME, X509_V_FLAG_NO_CHECK_TIME);
}

/* ---- what is in it ---- */

static void test_adding_twice_is_no_error(void **state)
{
    pyossl_store *store = new_store();

    (void)state;
    add(store, DATA("root.pem"));
    add(store, DATA("root.pem"));
    add(store, DATA("other-root.pem"));
    assert_int_equal(held(store), 2);
    pyossl_store_unref(store);
}

static void test_na_066_what_comes_out_is_ours_to_change(void **state)
{
    pyossl_x509_list list = PYOSSL_X509_LIST_INIT;
    pyossl_x509 *cert = material_cert(DATA("root.pem"));
    pyossl_store *store = new_store();

    (void)state;
    assert_ok(pyossl_store_add_cert(store, cert));
    assert_ok(pyossl_store_certs(store, &list));
    assert_int_equal(list.count, 1);
    assert_int_equal(pyossl_x509_equal(list.items[0], cert), 1);
    assert_ok(pyossl_x509_set_serial(list.items[0], "1234"));
    assert_ok(pyossl_x509_set_serial(cert, "5678"));
    assert_int_equal(judge(store, DATA("server.pem"), 1), 0);
    pyossl_store_unref(store);
    pyossl_x509_unref(cert);
    pyossl_x509_list_clear(&list);
}

/* ---- files ---- */

static void test_files_of_certificates_and_lists(void **state)
{
    static const struct {
        const char *path;
        size_t certs;
    } cases[] = {
        { DATA("root.pem"), 1 },
        { DATA("authorities.pem"), 2 },
        { DATA("server-all.pem"), 2 }, /* with a key */
        { DATA("crl.pem"), 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        pyossl_store *store = new_store();

        for (int k = 0; k < 2; k++)
            assert_ok(pyossl_store_load_locations(store, cases[i].path, NULL));
        assert_int_equal(held(store), cases[i].certs);
        pyossl_store_unref(store);
    }
}

static void test_files_make_trust(void **state)
{
    pyossl_store *store = new_store();

    (void)state;
    assert_ok(pyossl_store_load_locations(store, DATA("authorities.pem"), NULL));
    assert_int_equal(judge(store, DATA("server.pem"), 1), 0);
    assert_ok(pyossl_store_load_locations(store, DATA("crl.pem"), NULL));
    assert_ok(pyossl_store_set_flags(store, PYOSSL_STORE_CRL_CHECK));
    assert_int_equal(judge(store, DATA("server.pem"), 1), 0);
    assert_int_equal(judge(store, DATA("revoked.pem"), 1), X509_V_ERR_CERT_REVOKED);
    pyossl_store_unref(store);
}

static void test_files_that_are_not_there_or_not_good(void **state)
{
    pyossl_store *store = new_store();

    (void)state;
    assert_fails(pyossl_store_load_locations(store, NULL, NULL), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_store_load_locations(store, material_path("none"), NULL), PYOSSL_E_SYSTEM);
    assert_int_equal(pyossl_error_errno(pyossl_error_last()), ENOENT);
    assert_string_equal(pyossl_error_entry_at(pyossl_error_last(), 0)->detail,
                        material_path("none"));
    assert_fails(pyossl_store_load_locations(store, material_dir, NULL), PYOSSL_E_SYSTEM);
    assert_int_equal(pyossl_error_errno(pyossl_error_last()), EISDIR);

    material_write(material_path("empty.pem"), "", 0);
    assert_fails(pyossl_store_load_locations(store, material_path("empty.pem"), NULL),
                 PYOSSL_E_FORMAT);
    assert_string_equal(test_reason(), "no certificate or crl found");
    material_write(material_path("text.pem"), "hello\n", 6);
    assert_fails(pyossl_store_load_locations(store, material_path("text.pem"), NULL),
                 PYOSSL_E_FORMAT);
    assert_fails(pyossl_store_load_locations(store, DATA("root.der"), NULL), PYOSSL_E_FORMAT);
    assert_fails(pyossl_store_load_locations(store, DATA("rsa.pem"), NULL), PYOSSL_E_FORMAT);
    assert_int_equal(held(store), 0);
    pyossl_store_unref(store);
}

static void test_one_bad_certificate_spoils_the_file(void **state)
{
    pyossl_buf good = material_read(DATA("authorities.pem"));
    pyossl_store *store = new_store();
    char *second;

    (void)state;
    second = strstr((char *)good.data + 1, "-----BEGIN");
    assert_non_null(second);
    second[40] = '!'; /* not base64 */
    material_write(material_path("bad.pem"), good.data, good.len);
    assert_fails(pyossl_store_load_locations(store, material_path("bad.pem"), NULL),
                 PYOSSL_E_FORMAT);
    assert_int_equal(held(store), 0);
    second[40] = 'A'; /* not DER of a certificate */
    memset(second + 30, 'A', 30);
    material_write(material_path("bad.pem"), good.data, good.len);
    assert_fails(pyossl_store_load_locations(store, material_path("bad.pem"), NULL),
                 PYOSSL_E_FORMAT);
    assert_int_equal(held(store), 0);
    pyossl_buf_clear(&good);
    pyossl_store_unref(store);
}

/* ---- directories ---- */

static void test_directories_are_looked_into(void **state)
{
    pyossl_store *store = new_store();

    (void)state;
    assert_ok(pyossl_store_load_locations(store, NULL, material_path("no-such-directory")));
    assert_int_equal(judge(store, DATA("server.pem"), 1),
                     X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
    assert_ok(pyossl_store_load_locations(store, NULL, DATA("capath")));
    assert_int_equal(held(store), 0);
    assert_int_equal(judge(store, DATA("server.pem"), 1), 0);
    assert_int_equal(held(store), 1);
    assert_int_equal(judge(store, DATA("other-root.pem"), 1), 0);
    pyossl_store_unref(store);
}

static void hash_path(char *path, size_t size, const char *dir, const char *cert_path,
                      const char *suffix)
{
    pyossl_x509 *cert = material_cert(cert_path);
    unsigned long hash = 0;

    assert_ok(pyossl_x509_subject_hash(cert, &hash));
    assert_true((size_t)snprintf(path, size, "%s/%08lx.%s", dir, hash, suffix) < size);
    pyossl_x509_unref(cert);
}

static void copy_file(const char *from, const char *to)
{
    pyossl_buf text = material_read(from);

    material_write(to, text.data, text.len);
    pyossl_buf_clear(&text);
}

static void test_lists_of_directories(void **state)
{
    static const char *const empty[] = { "", ":", ":::" };
    pyossl_store *store = new_store();
    char list[1024];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(empty); i++) {
        assert_fails(pyossl_store_load_locations(store, NULL, empty[i]), PYOSSL_E_ARGUMENT);
        assert_string_equal(test_reason(), "invalid directory");
    }
    snprintf(list, sizeof list, ":%s::%s:", material_path("none"), DATA("capath"));
    assert_ok(pyossl_store_load_locations(store, NULL, list));
    assert_int_equal(judge(store, DATA("server.pem"), 1), 0);
    pyossl_store_unref(store);
}

static void test_directories_of_lists(void **state)
{
    pyossl_store *store = new_store();
    char path[600];

    (void)state;
    assert_int_equal(mkdir(material_path("lists"), 0700), 0);
    hash_path(path, sizeof path, material_path("lists"), DATA("root.pem"), "0");
    copy_file(DATA("root.pem"), path);
    assert_ok(pyossl_store_load_locations(store, NULL, material_path("lists")));
    assert_ok(pyossl_store_set_flags(store, PYOSSL_STORE_CRL_CHECK));
    assert_int_equal(judge(store, DATA("server.pem"), 1), X509_V_ERR_UNABLE_TO_GET_CRL);
    /* One that comes later is found, and one that comes after that too. */
    hash_path(path, sizeof path, material_path("lists"), DATA("intermediate.pem"), "r0");
    copy_file(DATA("crl.pem"), path);
    assert_int_equal(judge(store, DATA("server.pem"), 1), 0);
    assert_int_equal(judge(store, DATA("revoked.pem"), 1), X509_V_ERR_CERT_REVOKED);
    assert_ok(pyossl_store_set_flags(store, PYOSSL_STORE_CRL_CHECK_ALL));
    hash_path(path, sizeof path, material_path("lists"), DATA("root.pem"), "r0");
    copy_file(DATA("crl-empty.pem"), path);
    assert_int_equal(judge(store, DATA("server.pem"), 1), 0);
    pyossl_store_unref(store);
}

static void test_na_116_a_file_of_lists_brings_no_certificates(void **state)
{
    pyossl_store *store = new_store();
    pyossl_buf both = PYOSSL_BUF_INIT, crl = material_read(DATA("crl-empty.pem"));
    pyossl_buf cert = material_read(DATA("other-root.pem"));
    char path[600];

    (void)state;
    assert_ok(osl_buf_alloc(&both, crl.len + cert.len));
    memcpy(both.data, crl.data, crl.len);
    memcpy(both.data + crl.len, cert.data, cert.len);
    assert_int_equal(mkdir(material_path("mixed"), 0700), 0);
    hash_path(path, sizeof path, material_path("mixed"), DATA("root.pem"), "r0");
    material_write(path, both.data, both.len);
    hash_path(path, sizeof path, material_path("mixed"), DATA("root.pem"), "0");
    copy_file(DATA("root.pem"), path);
    assert_ok(pyossl_store_load_locations(store, NULL, material_path("mixed")));
    assert_ok(pyossl_store_set_flags(store, PYOSSL_STORE_CRL_CHECK));
    assert_int_equal(judge(store, DATA("intermediate.pem"), 0), 0);
    assert_int_equal(held(store), 1);
    pyossl_buf_clear(&both);
    pyossl_buf_clear(&crl);
    pyossl_buf_clear(&cert);
    pyossl_store_unref(store);
}

static void test_files_with_the_same_hash_are_all_read(void **state)
{
    pyossl_store *store = new_store();
    char path[600];

    (void)state;
    assert_int_equal(mkdir(material_path("same"), 0700), 0);
    hash_path(path, sizeof path, material_path("same"), DATA("root.pem"), "0");
    copy_file(DATA("other-root.pem"), path);
    hash_path(path, sizeof path, material_path("same"), DATA("root.pem"), "1");
    copy_file(DATA("root.pem"), path);
    hash_path(path, sizeof path, material_path("same"), DATA("root.pem"), "3"); /* behind a gap */
    copy_file(DATA("intermediate.pem"), path);
    assert_ok(pyossl_store_load_locations(store, NULL, material_path("same")));
    assert_int_equal(judge(store, DATA("server.pem"), 1), 0);
    assert_int_equal(held(store), 2);
    pyossl_store_unref(store);
}

static void test_bad_files_in_a_directory_are_passed_over(void **state)
{
    pyossl_store *store = new_store();
    char path[600];

    (void)state;
    assert_int_equal(mkdir(material_path("bad"), 0700), 0);
    hash_path(path, sizeof path, material_path("bad"), DATA("root.pem"), "0");
    copy_file(DATA("root.der"), path);
    assert_ok(pyossl_store_load_locations(store, NULL, material_path("bad")));
    assert_int_equal(judge(store, DATA("server.pem"), 1),
                     X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
    assert_ok(pyossl_store_load_locations(store, NULL, DATA("capath")));
    assert_int_equal(judge(store, DATA("server.pem"), 1), 0);
    pyossl_store_unref(store);
}

static void test_na_176_a_directory_is_kept_once(void **state)
{
    pyossl_store *store = new_store();
    size_t blocks;

    (void)state;
    assert_ok(pyossl_store_load_locations(store, NULL, DATA("capath")));
    assert_ok(pyossl_store_load_locations(store, NULL, material_dir));
    blocks = oom_ours();
    for (int i = 0; i < 1000; i++) {
        assert_ok(pyossl_store_load_locations(store, NULL, DATA("capath")));
        assert_ok(pyossl_store_load_locations(store, NULL, material_dir));
    }
    assert_int_equal(oom_ours(), blocks);
    for (int i = 0; i < 100; i++)
        assert_int_equal(judge(store, DATA("server.pem"), 1), 0);
    assert_int_equal(held(store), 1);
    pyossl_store_unref(store);
}

/* ---- threads ---- */

typedef struct shared {
    pyossl_store *store;
    pyossl_x509 *cert, *helper, *other;
    atomic_int failures, done;
} shared;

static void *verify_often(void *arg)
{
    shared *s = arg;

    for (int i = 0; i < 100; i++) {
        pyossl_verdict verdict = PYOSSL_VERDICT_INIT;

        if (pyossl_store_verify(s->store, s->cert, &s->helper, 1, &verdict) != PYOSSL_OK ||
            verdict.chain.count != 3)
            s->failures++;
        pyossl_verdict_clear(&verdict);
    }
    s->done++;
    return NULL;
}

static void *change_often(void *arg)
{
    shared *s = arg;
    char path[64];

    for (int i = 0; s->done < 2; i++) {
        pyossl_x509_list list = PYOSSL_X509_LIST_INIT;

        snprintf(path, sizeof path, "/nonexistent-%d", i % 500);
        if (pyossl_store_load_locations(s->store, NULL, path) != PYOSSL_OK ||
            pyossl_store_add_cert(s->store, s->other) != PYOSSL_OK ||
            pyossl_store_set_flags(s->store, PYOSSL_STORE_TRUSTED_FIRST) != PYOSSL_OK ||
            pyossl_store_set_time(s->store, NOW) != PYOSSL_OK ||
            pyossl_store_set_depth(s->store, 10) != PYOSSL_OK ||
            (i < 50 && pyossl_store_add_policy(s->store, "1.2.3.4") != PYOSSL_OK) ||
            pyossl_store_certs(s->store, &list) != PYOSSL_OK)
            s->failures++;
        pyossl_x509_list_clear(&list);
        if (i % 8 == 7)
            usleep(500); /* or whoever judges waits for the lock most of the time */
    }
    return NULL;
}

static void test_na_084_changes_while_chains_are_judged(void **state)
{
    shared s = { .store = new_store(),
                 .cert = material_cert(DATA("server.pem")),
                 .helper = material_cert(DATA("intermediate.pem")),
                 .other = material_cert(DATA("other-root.pem")) };
    pthread_t threads[3];

    (void)state;
    assert_ok(pyossl_store_load_locations(s.store, NULL, DATA("capath")));
    assert_int_equal(pthread_create(&threads[0], NULL, change_often, &s), 0);
    for (int i = 1; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, verify_often, &s), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(s.failures, 0);
    pyossl_store_unref(s.store);
    pyossl_x509_unref(s.cert);
    pyossl_x509_unref(s.helper);
    pyossl_x509_unref(s.other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flags_only_grow),
        cmocka_unit_test(test_the_numbers_are_openssls),
        cmocka_unit_test(test_adding_twice_is_no_error),
        cmocka_unit_test(test_na_066_what_comes_out_is_ours_to_change),
        cmocka_unit_test(test_files_of_certificates_and_lists),
        cmocka_unit_test(test_files_make_trust),
        cmocka_unit_test(test_files_that_are_not_there_or_not_good),
        cmocka_unit_test(test_one_bad_certificate_spoils_the_file),
        cmocka_unit_test(test_directories_are_looked_into),
        cmocka_unit_test(test_lists_of_directories),
        cmocka_unit_test(test_directories_of_lists),
        cmocka_unit_test(test_na_116_a_file_of_lists_brings_no_certificates),
        cmocka_unit_test(test_files_with_the_same_hash_are_all_read),
        cmocka_unit_test(test_bad_files_in_a_directory_are_passed_over),
        cmocka_unit_test(test_na_176_a_directory_is_kept_once),
        cmocka_unit_test(test_na_084_changes_while_chains_are_judged),
    };

    oom_install(); /* to count blocks */
    return cmocka_run_group_tests(tests, material_make_dir, material_remove_dir);
}
