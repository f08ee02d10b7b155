/* Stores of test data, and what they say of a chain. */
#ifndef STORE_MATERIAL_H
#define STORE_MATERIAL_H

#include "material.h"

#include <openssl/x509_vfy.h>

#include "pyossl/crl.h"
#include "pyossl/name.h"
#include "pyossl/store.h"

/* When the test data is valid. */
enum { NOW = 1700000000 };

static inline pyossl_store *new_store(void)
{
    pyossl_store *store = NULL;

    assert_ok(pyossl_store_new(&store));
    assert_ok(pyossl_store_set_time(store, NOW));
    return store;
}

static inline void add(pyossl_store *store, const char *path)
{
    pyossl_x509 *cert = material_cert(path);

    assert_ok(pyossl_store_add_cert(store, cert));
    pyossl_x509_unref(cert);
}

static inline void add_crl(pyossl_store *store, const char *path)
{
    pyossl_buf text = material_read(path);
    pyossl_crl *crl = NULL;

    assert_ok(pyossl_crl_load(&crl, PYOSSL_PEM, text.data, text.len));
    assert_ok(pyossl_store_add_crl(store, crl));
    pyossl_crl_unref(crl);
    pyossl_buf_clear(&text);
}

static inline void assert_name(pyossl_x509 *cert, const char *cn)
{
    pyossl_buf text = PYOSSL_BUF_INIT;
    pyossl_name *name = NULL;

    assert_non_null(cert);
    assert_ok(pyossl_x509_subject(cert, &name));
    assert_ok(pyossl_name_get(name, "CN", &text));
    assert_text(&text, cn);
    pyossl_name_unref(name);
    pyossl_buf_clear(&text);
}

static inline char *name_of(const char *path)
{
    static char text[128];
    pyossl_x509 *cert = material_cert(path);
    pyossl_buf buf = PYOSSL_BUF_INIT;
    pyossl_name *name = NULL;

    assert_ok(pyossl_x509_subject(cert, &name));
    assert_ok(pyossl_name_get(name, "CN", &buf));
    snprintf(text, sizeof text, "%s", (const char *)buf.data);
    pyossl_name_unref(name);
    pyossl_buf_clear(&buf);
    pyossl_x509_unref(cert);
    return text;
}

/* The X509_V_ERR number of @path, with the intermediate as helper or without; 0 for a good chain.
 */
static inline int judge(pyossl_store *store, const char *path, int helped)
{
    pyossl_verdict verdict = PYOSSL_VERDICT_INIT;
    pyossl_x509 *cert = material_cert(path), *helper = material_cert(DATA("intermediate.pem"));
    pyossl_status status;
    int error;

    status = pyossl_store_verify(store, cert, &helper, helped ? 1 : 0, &verdict);
    error = verdict.error;
    assert_int_equal(ERR_peek_error(), 0);
    if (status == PYOSSL_OK) {
        assert_int_equal(error, 0);
        assert_int_equal(verdict.depth, 0);
        assert_null(verdict.cert);
        assert_string_equal(verdict.text, "ok");
        assert_true(verdict.chain.count > 0);
        assert_int_equal(pyossl_x509_equal(verdict.chain.items[0], cert), 1);
    } else {
        assert_status(status, PYOSSL_E_VERIFY);
        assert_int_not_equal(error, 0);
        assert_non_null(verdict.cert);
        assert_int_equal(verdict.chain.count, 0);
        assert_string_equal(verdict.text, X509_verify_cert_error_string(error));
        assert_string_equal(test_reason(), verdict.text);
        assert_status(pyossl_error_status(pyossl_error_last()), PYOSSL_E_VERIFY);
    }
    pyossl_verdict_clear(&verdict);
    assert_null(verdict.cert);
    assert_int_equal(verdict.error, 0);
    pyossl_x509_unref(cert);
    pyossl_x509_unref(helper);
    return error;
}

static inline size_t held(const pyossl_store *store)
{
    pyossl_x509_list list = PYOSSL_X509_LIST_INIT;
    size_t count;

    assert_ok(pyossl_store_certs(store, &list));
    count = list.count;
    pyossl_x509_list_clear(&list);
    return count;
}

#endif
