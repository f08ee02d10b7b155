#include "test.h"

#include <openssl/ssl.h>

#include "base/internal.h"
#include "pyossl/constants.h"
#include "pyossl/pkey.h"

static const pyossl_constant *lookup(pyossl_constant_group group, const char *name)
{
    size_t count;
    const pyossl_constant *all = pyossl_constants(&count);

    for (size_t i = 0; i < count; i++)
        if (all[i].group == group && strcmp(all[i].name, name) == 0)
            return &all[i];
    return NULL;
}

static void test_values(void **state)
{
    static const struct {
        pyossl_constant_group group;
        const char *name;
        uint64_t value;
    } rows[] = {
        { PYOSSL_CONSTANT_SSL, "SSLv23_METHOD", 3 },
        { PYOSSL_CONSTANT_SSL, "DTLS_CLIENT_METHOD", 12 },
        { PYOSSL_CONSTANT_SSL, "SSL3_VERSION", 0x300 },
        { PYOSSL_CONSTANT_SSL, "TLS1_3_VERSION", 0x304 },
        { PYOSSL_CONSTANT_SSL, "OP_NO_QUERY_MTU", 0x1000 },
        { PYOSSL_CONSTANT_SSL, "OP_COOKIE_EXCHANGE", 0x2000 },
        { PYOSSL_CONSTANT_SSL, "OP_NO_TICKET", 0x4000 },
        { PYOSSL_CONSTANT_SSL, "OP_NO_COMPRESSION", 0x20000 },
        { PYOSSL_CONSTANT_SSL, "OP_ALL", 0x80000850 },
        { PYOSSL_CONSTANT_SSL, "OP_NO_SSLv2", 0 },
        { PYOSSL_CONSTANT_SSL, "OP_NO_SSLv3", 0x02000000 },
        { PYOSSL_CONSTANT_SSL, "OP_NO_EXTENDED_MASTER_SECRET", 1 },
        { PYOSSL_CONSTANT_SSL, "OP_NO_DTLSv1_2", 0x08000000 },
#ifdef SSL_OP_NO_TX_CERTIFICATE_COMPRESSION /* from 3.2 on */
        { PYOSSL_CONSTANT_SSL, "OP_NO_TX_CERTIFICATE_COMPRESSION", UINT64_C(1) << 32 },
#else
        { PYOSSL_CONSTANT_SSL, "OP_NO_TX_CERTIFICATE_COMPRESSION", 0 },
#endif
        { PYOSSL_CONSTANT_SSL, "VERIFY_POST_HANDSHAKE", 8 },
        { PYOSSL_CONSTANT_SSL, "MODE_RELEASE_BUFFERS", 0x10 },
        { PYOSSL_CONSTANT_SSL, "VERIFY_NONE", 0 },
        { PYOSSL_CONSTANT_SSL, "VERIFY_CLIENT_ONCE", 4 },
        { PYOSSL_CONSTANT_SSL, "FILETYPE_PEM", 1 },
        { PYOSSL_CONSTANT_SSL, "FILETYPE_ASN1", 2 },
        { PYOSSL_CONSTANT_SSL, "SESS_CACHE_OFF", 0 },
        { PYOSSL_CONSTANT_SSL, "SESS_CACHE_BOTH", 3 },
        { PYOSSL_CONSTANT_SSL, "SESS_CACHE_NO_INTERNAL", 0x300 },
        { PYOSSL_CONSTANT_SSL, "SENT_SHUTDOWN", 1 },
        { PYOSSL_CONSTANT_SSL, "RECEIVED_SHUTDOWN", 2 },
        { PYOSSL_CONSTANT_SSL, "SSL_ST_CONNECT", 0x1000 },
        { PYOSSL_CONSTANT_SSL, "SSL_ST_INIT", 0x3000 },
        { PYOSSL_CONSTANT_SSL, "SSL_CB_HANDSHAKE_DONE", 0x20 },
        { PYOSSL_CONSTANT_SSL, "SSL_CB_CONNECT_EXIT", 0x1002 },
        { PYOSSL_CONSTANT_SSL, "SSLEAY_DIR", OPENSSL_DIR },
        { PYOSSL_CONSTANT_SSL, "OPENSSL_CFLAGS", OPENSSL_CFLAGS },
        { PYOSSL_CONSTANT_CRYPTO, "FILETYPE_PEM", 1 },
        { PYOSSL_CONSTANT_CRYPTO, "FILETYPE_ASN1", 2 },
        { PYOSSL_CONSTANT_CRYPTO, "FILETYPE_TEXT", 65535 },
        { PYOSSL_CONSTANT_CRYPTO, "TYPE_RSA", PYOSSL_KEY_RSA },
        { PYOSSL_CONSTANT_CRYPTO, "TYPE_DSA", PYOSSL_KEY_DSA },
        { PYOSSL_CONSTANT_CRYPTO, "TYPE_DH", PYOSSL_KEY_DH },
        { PYOSSL_CONSTANT_CRYPTO, "TYPE_EC", PYOSSL_KEY_EC },
        { PYOSSL_CONSTANT_STORE, "CRL_CHECK", 4 },
        { PYOSSL_CONSTANT_STORE, "NOTIFY_POLICY", 0x800 },
        { PYOSSL_CONSTANT_STORE, "CB_ISSUER_CHECK", 0 },
        { PYOSSL_CONSTANT_STORE, "PARTIAL_CHAIN", 0x80000 },
        { PYOSSL_CONSTANT_VERIFY, "OK", 0 },
        { PYOSSL_CONSTANT_VERIFY, "ERR_CERT_HAS_EXPIRED", 10 },
        { PYOSSL_CONSTANT_VERIFY, "ERR_INVALID_CA", 79 },
        { PYOSSL_CONSTANT_VERIFY, "ERR_EE_KEY_TOO_SMALL", 66 },
        { PYOSSL_CONSTANT_VERIFY, "ERR_RPK_UNTRUSTED", 95 },
        { PYOSSL_CONSTANT_VERIFY, "ERR_OCSP_NO_RESPONSE", 100 },
        { PYOSSL_CONSTANT_STORE, "NO_CHECK_TIME", 0x200000 },
        { PYOSSL_CONSTANT_VERIFY, "ERR_IP_ADDRESS_MISMATCH", 64 },
    };

    (void)state;
    for (size_t i = 0; i < OSL_COUNT_OF(rows); i++) {
        const pyossl_constant *constant = lookup(rows[i].group, rows[i].name);

        if (constant == NULL)
            fail_msg("%s is missing", rows[i].name);
        else if (constant->value != rows[i].value)
            fail_msg("%s is %#llx", rows[i].name, (unsigned long long)constant->value);
    }
    assert_int_equal(lookup(PYOSSL_CONSTANT_SSL, "OPENSSL_VERSION_NUMBER")->value,
                     OSL_OPENSSL_HEADERS);
}

static void test_every_name_once_and_in_a_group(void **state)
{
    size_t count, groups[5] = { 0 };
    const pyossl_constant *all = pyossl_constants(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        assert_between(all[i].group, PYOSSL_CONSTANT_SSL, PYOSSL_CONSTANT_VERIFY);
        assert_ptr_equal(lookup(all[i].group, all[i].name), &all[i]);
        groups[all[i].group]++;
    }
    assert_true(groups[PYOSSL_CONSTANT_SSL] > 120);
    assert_int_equal(groups[PYOSSL_CONSTANT_CRYPTO], 7);
    assert_int_equal(groups[PYOSSL_CONSTANT_STORE], 21);
    assert_int_equal(groups[PYOSSL_CONSTANT_VERIFY], 105);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_every_name_once_and_in_a_group),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
