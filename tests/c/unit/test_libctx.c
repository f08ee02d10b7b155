/* What is kept, and library contexts and policies that come and go. */
#include "certs.h"
#include "keys.h"

#include <openssl/provider.h>

#include "crypto/lookup.h"
#include "pyossl/store.h"

/* ---- a library context of the program's own ---- */

typedef struct own {
    OSSL_LIB_CTX *libctx;
    OSSL_PROVIDER *provider;
} own;

static void own_begin(own *mine)
{
    mine->libctx = OSSL_LIB_CTX_new();
    assert_non_null(mine->libctx);
    mine->provider = OSSL_PROVIDER_load(mine->libctx, "default");
    assert_non_null(mine->provider);
    assert_non_null(OSSL_LIB_CTX_set0_default(mine->libctx));
}

static void own_end(own *mine)
{
    assert_ptr_equal(OSSL_LIB_CTX_set0_default(OSSL_LIB_CTX_get0_global_default()), mine->libctx);
    assert_int_equal(OSSL_PROVIDER_unload(mine->provider), 1);
    OSSL_LIB_CTX_free(mine->libctx);
}

/* Whose provider @pkey is of: that of this thread's library context, or another's. */
static bool is_at_home(const pyossl_pkey *pkey)
{
    EVP_KEYMGMT *manager = EVP_KEYMGMT_fetch(NULL, "EC", NULL);
    bool same;

    assert_non_null(manager);
    same = EVP_KEYMGMT_get0_provider(manager) == EVP_PKEY_get0_provider(pkey->key);
    EVP_KEYMGMT_free(manager);
    return same;
}

/* Load a key, sign and verify, take a certificate's key, digest it, judge a chain. */
static void use_all(pyossl_x509 *cert, pyossl_store *store)
{
    osl_auto(pyossl_pkey) *key = keys_good(DATA("ec.pem"));
    osl_auto(pyossl_pkey) *of_cert = NULL;
    osl_auto_buf out = PYOSSL_BUF_INIT;
    pyossl_verdict verdict = PYOSSL_VERDICT_INIT;

    assert_true(is_at_home(key));
    assert_ok(pyossl_pkey_sign(key, "sha256", "x", 1, &out));
    assert_ok(pyossl_pkey_verify(key, "sha256", "x", 1, out.data, out.len));
    assert_ok(pyossl_x509_pubkey(cert, &of_cert));
    assert_true(is_at_home(of_cert));
    assert_ok(pyossl_x509_digest(cert, "sha256", &out));
    assert_ok(pyossl_store_verify(store, cert, NULL, 0, &verdict));
    assert_int_equal(verdict.chain.count, 2);
    pyossl_verdict_clear(&verdict);
}

static pyossl_store *authorities(void)
{
    pyossl_store *store = NULL;

    assert_ok(pyossl_store_new(&store));
    assert_ok(pyossl_store_load_locations(store, DATA("authorities.pem"), NULL));
    return store;
}

/*
 * Objects of the default library context are used while another is the thread's, and go on to be
 * used when that is gone; nothing that was made meanwhile is among them. Sanitizers see the rest.
 */
static void test_na_196_library_contexts_come_and_go(void **state)
{
    osl_auto(pyossl_x509) *cert = certs_good(DATA("intermediate.pem"));
    osl_auto(pyossl_x509) *fresh = certs_good(DATA("intermediate.pem"));
    pyossl_store *store = authorities(), *idle = authorities();

    (void)state;
    for (int round = 0; round < 3; round++) {
        osl_auto(pyossl_x509) *visitor = NULL;
        pyossl_store *passing;
        own mine;

        own_begin(&mine);
        passing = authorities();
        visitor = certs_good(DATA("intermediate.pem"));
        use_all(visitor, passing);
        /* What is of the default context stays so, although it is completed here. */
        assert_non_null(osl_x509_full(fresh));
        pyossl_store_unref(passing);
        pyossl_x509_unref(osl_steal(visitor));
        own_end(&mine);
        use_all(cert, store);
        use_all(fresh, idle);
    }
    pyossl_store_unref(store);
    pyossl_store_unref(idle);
}

/* ---- a policy that comes later ---- */

static bool openssl_loads(const pyossl_buf *der)
{
    const unsigned char *at = der->data;
    EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &at, (long)der->len);

    EVP_PKEY_free(key);
    ERR_clear_error();
    return key != NULL;
}

static void test_na_196_a_policy_that_comes_later_counts(void **state)
{
    osl_auto(pyossl_x509) *cert = certs_good(DATA("server-ec.pem"));
    osl_auto(pyossl_pkey) *key = keys_good(DATA("ec.pem")), *other = NULL;
    osl_auto_buf out = PYOSSL_BUF_INIT, sig = PYOSSL_BUF_INIT, der = PYOSSL_BUF_INIT;

    (void)state;
    assert_ok(osl_file_read(DATA("rsa.der"), OSL_FILE_MAX, &der));
    for (int fips = 0; fips <= 2; fips++) {
        const pyossl_status lacking = fips == 1 ? PYOSSL_E_UNSUPPORTED : PYOSSL_OK;

        assert_int_equal(EVP_default_properties_enable_fips(NULL, fips == 1), 1);
        if (OSSL_PROVIDER_available(NULL, "fips") == 1)
            skip(); /* then SHA-256 is to be had */
        assert_status(pyossl_digest_check("md5"), lacking);
        assert_status(pyossl_cipher_check("aes-256-cbc"), lacking);
        assert_status(pyossl_x509_digest(cert, "md5", &out), lacking);
        assert_status(pyossl_pkey_sign(key, "sha256", "x", 1, fips == 1 ? &out : &sig), lacking);
        assert_status(pyossl_pkey_verify(key, "sha256", "x", 1, sig.data, sig.len), lacking);
        pyossl_pkey_unref(osl_steal(other));
        assert_status(pyossl_pkey_load_private(&other, PYOSSL_DER, der.data, der.len, NULL),
                      openssl_loads(&der) ? PYOSSL_OK : PYOSSL_E_FORMAT);
        assert_int_equal(ERR_peek_error(), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_na_196_library_contexts_come_and_go),
        cmocka_unit_test(test_na_196_a_policy_that_comes_later_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
