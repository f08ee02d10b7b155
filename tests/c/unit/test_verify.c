#include "store_material.h"

/* ---- judging ---- */

static void test_na_116_a_new_store_trusts_nobody(void **state)
{
    pyossl_store *store = new_store();

    (void)state;
    assert_int_equal(held(store), 0);
    assert_int_equal(judge(store, DATA("root.pem"), 0), X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
    assert_int_equal(judge(store, DATA("server.pem"), 1),
                     X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
    assert_ptr_equal(pyossl_store_ref(store), store);
    pyossl_store_unref(store);
    pyossl_store_unref(store);
    pyossl_store_unref(NULL);
}

static void test_chains_are_judged(void **state)
{
    static const struct {
        const char *cert;
        int helped, error;
    } cases[] = {
        { DATA("root.pem"), 0, 0 },
        { DATA("intermediate.pem"), 0, 0 },
        { DATA("server.pem"), 1, 0 },
        { DATA("server-ec.pem"), 1, 0 },
        { DATA("server-ed25519.pem"), 1, 0 },
        { DATA("client.pem"), 1, 0 },
        { DATA("server.pem"), 0, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY },
        { DATA("other-root.pem"), 1, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT },
        { DATA("expired.pem"), 1, X509_V_ERR_CERT_HAS_EXPIRED },
        { DATA("not-yet-valid.pem"), 1, X509_V_ERR_CERT_NOT_YET_VALID },
        { DATA("under-leaf.pem"), 1, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY },
    };
    pyossl_store *store = new_store();

    (void)state;
    add(store, DATA("root.pem"));
    /* One store, good and bad in turn: each verification starts afresh (NA-068). */
    for (size_t i = 0; i < COUNT_OF(cases) * 2; i++)
        assert_int_equal(
            judge(store, cases[i % COUNT_OF(cases)].cert, cases[i % COUNT_OF(cases)].helped),
            cases[i % COUNT_OF(cases)].error);
    pyossl_store_unref(store);
}

static void test_the_verified_chain_goes_from_leaf_to_root(void **state)
{
    pyossl_verdict verdict = PYOSSL_VERDICT_INIT;
    pyossl_store *store = new_store();
    pyossl_x509 *cert = material_cert(DATA("server.pem"));
    pyossl_x509 *helpers[3] = { material_cert(DATA("other-root.pem")),
                                material_cert(DATA("intermediate.pem")),
                                material_cert(DATA("intermediate.pem")) };
    pyossl_x509_list chain;

    (void)state;
    add(store, DATA("root.pem"));
    /* The verdict is used again as it is: what it held is released. */
    for (int i = 0; i < 2; i++)
        assert_ok(pyossl_store_verify(store, cert, helpers, 3, &verdict));
    pyossl_store_unref(store);
    pyossl_x509_unref(cert);
    for (int i = 0; i < 3; i++)
        pyossl_x509_unref(helpers[i]);
    chain = verdict.chain;
    assert_int_equal(chain.count, 3);
    assert_name(chain.items[0], name_of(DATA("server.pem")));
    assert_name(chain.items[1], name_of(DATA("intermediate.pem")));
    assert_name(chain.items[2], name_of(DATA("root.pem")));
    pyossl_verdict_clear(&verdict);
}

static void test_na_118_depth_and_path_length(void **state)
{
    pyossl_verdict verdict = PYOSSL_VERDICT_INIT;
    pyossl_store *store = new_store();
    pyossl_x509 *cert = material_cert(DATA("below-pathlen.pem"));
    pyossl_x509 *helpers[2] = { material_cert(DATA("sub-authority.pem")),
                                material_cert(DATA("intermediate.pem")) };

    (void)state;
    add(store, DATA("root.pem"));
    assert_fails(pyossl_store_verify(store, cert, helpers, 2, &verdict), PYOSSL_E_VERIFY);
    assert_int_equal(verdict.error, X509_V_ERR_PATH_LENGTH_EXCEEDED);
    assert_int_equal(verdict.depth, 2);
    assert_name(verdict.cert, name_of(DATA("intermediate.pem")));
    pyossl_verdict_clear(&verdict);

    assert_ok(pyossl_store_set_depth(store, 1));
    assert_int_equal(judge(store, DATA("server.pem"), 1), 0);
    assert_ok(pyossl_store_set_depth(store, 0));
    assert_int_equal(judge(store, DATA("server.pem"), 1), X509_V_ERR_CERT_CHAIN_TOO_LONG);
    assert_int_equal(judge(store, DATA("intermediate.pem"), 0), 0);
    assert_ok(pyossl_store_set_depth(store, -1));
    assert_int_equal(judge(store, DATA("server.pem"), 1), 0);
    assert_fails(pyossl_store_set_depth(store, -2), PYOSSL_E_ARGUMENT);
    pyossl_store_unref(store);
    pyossl_x509_unref(cert);
    pyossl_x509_unref(helpers[0]);
    pyossl_x509_unref(helpers[1]);
}

static void test_helpers_are_not_trusted(void **state)
{
    pyossl_verdict verdict = PYOSSL_VERDICT_INIT;
    pyossl_store *store = new_store();
    pyossl_x509 *cert = material_cert(DATA("server.pem"));
    pyossl_x509 *helpers[2] = { material_cert(DATA("root.pem")),
                                material_cert(DATA("intermediate.pem")) };

    (void)state;
    assert_fails(pyossl_store_verify(store, cert, helpers, 2, &verdict), PYOSSL_E_VERIFY);
    assert_int_equal(verdict.error, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN);
    assert_int_equal(verdict.depth, 2);
    assert_name(verdict.cert, name_of(DATA("root.pem")));
    pyossl_verdict_clear(&verdict);
    /* An intermediate in the store ends a chain only if told so. */
    add(store, DATA("intermediate.pem"));
    assert_int_equal(judge(store, DATA("server.pem"), 0), X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT);
    assert_ok(pyossl_store_set_flags(store, PYOSSL_STORE_PARTIAL_CHAIN));
    assert_int_equal(judge(store, DATA("server.pem"), 0), 0);
    pyossl_store_unref(store);
    pyossl_x509_unref(cert);
    pyossl_x509_unref(helpers[0]);
    pyossl_x509_unref(helpers[1]);
}

static void test_purposes(void **state)
{
    static const struct {
        const char *purpose, *cert;
        int error;
    } cases[] = {
        { "sslserver", DATA("server.pem"), 0 },
        { "sslclient", DATA("client.pem"), 0 },
        { "sslserver", DATA("client.pem"), X509_V_ERR_INVALID_PURPOSE },
        { "sslclient", DATA("server.pem"), X509_V_ERR_INVALID_PURPOSE },
        { "any", DATA("server.pem"), 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        pyossl_store *store = new_store();

        add(store, DATA("root.pem"));
        assert_fails(pyossl_store_set_purpose(store, "nonsense"), PYOSSL_E_ARGUMENT);
        assert_ok(pyossl_store_set_purpose(store, cases[i].purpose));
        assert_int_equal(judge(store, cases[i].cert, 1), cases[i].error);
        pyossl_store_unref(store);
    }
}

static void test_times(void **state)
{
    pyossl_store *store = new_store();

    (void)state;
    add(store, DATA("root.pem"));
    assert_int_equal(judge(store, DATA("server.pem"), 1), 0);
    assert_ok(pyossl_store_set_time(store, 0));
    assert_int_equal(judge(store, DATA("server.pem"), 1), X509_V_ERR_CERT_NOT_YET_VALID);
    assert_ok(pyossl_store_set_time(store, 4102444800 + 86400 * 365));
    assert_int_equal(judge(store, DATA("server.pem"), 1), X509_V_ERR_CERT_HAS_EXPIRED);
    pyossl_store_unref(store);

    store = NULL;
    assert_ok(pyossl_store_new(&store));
    add(store, DATA("root.pem"));
    assert_int_equal(judge(store, DATA("expired.pem"), 1), X509_V_ERR_CERT_HAS_EXPIRED);
    assert_ok(pyossl_store_set_flags(store, PYOSSL_STORE_NO_CHECK_TIME));
    assert_int_equal(judge(store, DATA("expired.pem"), 1), 0);
    pyossl_store_unref(store);
}

static void test_policies(void **state)
{
    pyossl_store *store = new_store();

    (void)state;
    add(store, DATA("root.pem"));
    assert_fails(pyossl_store_add_policy(store, "not a number"), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_store_add_policy(store, ""), PYOSSL_E_ARGUMENT);
    assert_fails(pyossl_store_add_policy(store, "commonName"), PYOSSL_E_ARGUMENT);
    assert_ok(pyossl_store_add_policy(store, "1.2.3.4"));
    assert_int_equal(judge(store, DATA("server.pem"), 1), 0);
    assert_ok(pyossl_store_set_flags(store, PYOSSL_STORE_EXPLICIT_POLICY));
    assert_int_equal(judge(store, DATA("server.pem"), 1), X509_V_ERR_NO_EXPLICIT_POLICY);
    pyossl_store_unref(store);
}

static void test_a_certificate_without_parts(void **state)
{
    pyossl_verdict verdict = PYOSSL_VERDICT_INIT;
    pyossl_store *store = new_store();
    pyossl_x509 *empty = NULL;

    (void)state;
    assert_ok(pyossl_x509_new(&empty));
    assert_ok(pyossl_store_add_cert(store, empty));
    assert_fails(pyossl_store_verify(store, empty, NULL, 0, &verdict), PYOSSL_E_VERIFY);
    assert_non_null(verdict.cert);
    pyossl_verdict_clear(&verdict);
    pyossl_x509_unref(empty);
    pyossl_store_unref(store);
}

static void test_a_verdict_without_its_size_is_refused(void **state)
{
    pyossl_verdict verdict = { 0 };
    pyossl_store *store = new_store();
    pyossl_x509 *cert = material_cert(DATA("root.pem"));

    (void)state;
    assert_fails(pyossl_store_verify(store, cert, NULL, 0, &verdict), PYOSSL_E_ARGUMENT);
    pyossl_x509_unref(cert);
    pyossl_store_unref(store);
}

/* ---- revocation ---- */

static void test_revocation(void **state)
{
    pyossl_store *store = new_store();

    (void)state;
    add(store, DATA("root.pem"));
    assert_int_equal(judge(store, DATA("revoked.pem"), 1), 0);
    assert_ok(pyossl_store_set_flags(store, PYOSSL_STORE_CRL_CHECK));
    assert_int_equal(judge(store, DATA("server.pem"), 1), X509_V_ERR_UNABLE_TO_GET_CRL);
    add_crl(store, DATA("crl.pem"));
    assert_int_equal(judge(store, DATA("server.pem"), 1), 0);
    assert_int_equal(judge(store, DATA("revoked.pem"), 1), X509_V_ERR_CERT_REVOKED);
    assert_ok(pyossl_store_set_flags(store, PYOSSL_STORE_CRL_CHECK_ALL));
    assert_int_equal(judge(store, DATA("server.pem"), 1), X509_V_ERR_UNABLE_TO_GET_CRL);
    add_crl(store, DATA("crl-empty.pem"));
    assert_int_equal(judge(store, DATA("server.pem"), 1), 0);
    assert_int_equal(judge(store, DATA("revoked.pem"), 1), X509_V_ERR_CERT_REVOKED);
    pyossl_store_unref(store);
}

/* A list by the intermediate that revokes @serial. */
static pyossl_crl *made_list(const char *serial, const char *next_update)
{
    pyossl_x509 *issuer = material_cert(DATA("intermediate.pem"));
    pyossl_pkey *key = material_key(DATA("intermediate-key.pem"));
    pyossl_revoked *revoked = NULL;
    pyossl_name *name = NULL;
    pyossl_crl *crl = NULL;

    assert_ok(pyossl_crl_new(&crl));
    assert_ok(pyossl_x509_subject(issuer, &name));
    assert_ok(pyossl_crl_set_issuer(crl, name));
    assert_ok(pyossl_crl_set_last_update(crl, "20200101000000Z", 15));
    assert_ok(pyossl_crl_set_next_update(crl, next_update, strlen(next_update)));
    assert_ok(pyossl_revoked_new(&revoked));
    assert_ok(pyossl_revoked_set_serial(revoked, serial));
    assert_ok(pyossl_revoked_set_date(revoked, "20200101000000Z", 15));
    assert_ok(pyossl_crl_add_revoked(crl, revoked));
    assert_ok(pyossl_crl_sign(crl, key, "sha256"));
    pyossl_revoked_unref(revoked);
    pyossl_name_unref(name);
    pyossl_x509_unref(issuer);
    pyossl_pkey_unref(key);
    return crl;
}

static void test_lists_that_were_just_made_count_each(void **state)
{
    pyossl_crl *old = made_list("01", "20200201000000Z");
    pyossl_crl *other = made_list("17", "50000101000000Z");
    pyossl_store *store = new_store();
    pyossl_crl *empty = NULL;

    (void)state;
    add(store, DATA("root.pem"));
    assert_ok(pyossl_store_set_flags(store, PYOSSL_STORE_CRL_CHECK));
    assert_ok(pyossl_store_add_crl(store, old));
    assert_int_equal(judge(store, DATA("revoked.pem"), 1), X509_V_ERR_CRL_HAS_EXPIRED);
    assert_ok(pyossl_store_add_crl(store, other));
    assert_ok(pyossl_store_add_crl(store, other));
    assert_int_equal(judge(store, DATA("revoked.pem"), 1), X509_V_ERR_CERT_REVOKED);

    assert_ok(pyossl_crl_new(&empty));
    assert_fails(pyossl_store_add_crl(store, empty), PYOSSL_E_STATE);
    pyossl_crl_unref(empty);
    pyossl_crl_unref(old);
    pyossl_crl_unref(other);
    pyossl_store_unref(store);
}

static void test_a_list_in_a_store_cannot_be_changed_from_outside(void **state)
{
    pyossl_crl *crl = made_list("17", "50000101000000Z");
    pyossl_store *store = new_store();

    (void)state;
    add(store, DATA("root.pem"));
    assert_ok(pyossl_store_set_flags(store, PYOSSL_STORE_CRL_CHECK));
    assert_ok(pyossl_store_add_crl(store, crl));
    assert_ok(pyossl_crl_set_next_update(crl, "20200201000000Z", 15));
    assert_int_equal(judge(store, DATA("revoked.pem"), 1), X509_V_ERR_CERT_REVOKED);
    pyossl_crl_unref(crl);
    pyossl_store_unref(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_116_a_new_store_trusts_nobody),
        cmocka_unit_test(test_chains_are_judged),
        cmocka_unit_test(test_the_verified_chain_goes_from_leaf_to_root),
        cmocka_unit_test(test_na_118_depth_and_path_length),
        cmocka_unit_test(test_helpers_are_not_trusted),
        cmocka_unit_test(test_purposes),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_policies),
        cmocka_unit_test(test_a_certificate_without_parts),
        cmocka_unit_test(test_a_verdict_without_its_size_is_refused),
        cmocka_unit_test(test_revocation),
        cmocka_unit_test(test_lists_that_were_just_made_count_each),
        cmocka_unit_test(test_a_list_in_a_store_cannot_be_changed_from_outside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
