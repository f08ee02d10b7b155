/* PKCS #12 files of test data, and what they must hold. */
#ifndef PKCS12_MATERIAL_H
#define PKCS12_MATERIAL_H

#include "material.h"

#include "pyossl/pkcs12.h"

static inline pyossl_passphrase literal(const char *text)
{
    return (pyossl_passphrase){ .data = text, .len = strlen(text) };
}

/* Load with @text as passphrase, or none where it is NULL. */
static inline pyossl_status load(pyossl_pkcs12 **out, const pyossl_buf *der, const char *text)
{
    const pyossl_passphrase given = literal(text != NULL ? text : "");

    return pyossl_pkcs12_load(out, der->data, der->len, text != NULL ? &given : NULL);
}

static inline pyossl_status load_file(pyossl_pkcs12 **out, const char *path, const char *text)
{
    pyossl_buf der = material_read(path);
    pyossl_status status = load(out, &der, text);

    pyossl_buf_clear(&der);
    return status;
}

static inline pyossl_status dump(const pyossl_pkcs12 *p12, const char *text,
                                 const pyossl_pkcs12_options *options, pyossl_buf *out)
{
    const pyossl_passphrase given = literal(text != NULL ? text : "");

    return pyossl_pkcs12_dump(p12, text != NULL ? &given : NULL, options, out);
}

static inline void assert_cert(pyossl_x509 *cert, const char *path)
{
    pyossl_x509 *expected = material_cert(path);

    assert_non_null(cert);
    assert_int_equal(pyossl_x509_equal(cert, expected), 1);
    pyossl_x509_unref(expected);
}

static inline void assert_key(pyossl_pkey *key, const char *path)
{
    pyossl_pkey *expected = material_key(path);

    assert_non_null(key);
    assert_int_equal(pyossl_pkey_is_private(key), 1);
    assert_int_equal(pyossl_pkey_equal(key, expected), 1);
    pyossl_pkey_unref(expected);
}

static inline void assert_friendly_name(const pyossl_pkcs12 *p12, const char *name, size_t len)
{
    size_t found = 77;
    const char *text = pyossl_pkcs12_friendly_name(p12, &found);

    assert_int_equal(found, len);
    if (name == NULL) {
        assert_null(text);
    } else {
        assert_non_null(text);
        assert_memory_equal(text, name, len);
    }
}

enum { KEY = 1, CERT = 2, CAS = 4, NAME = 8 };

static inline pyossl_pkcs12 *make(unsigned members)
{
    pyossl_pkey *key = material_key(DATA("rsa.pem"));
    pyossl_x509 *cert = material_cert(DATA("server.pem"));
    pyossl_x509 *cas[2] = { material_cert(DATA("intermediate.pem")),
                            material_cert(DATA("root.pem")) };
    pyossl_pkcs12 *p12 = NULL;

    assert_ok(pyossl_pkcs12_new(&p12));
    if (members & KEY)
        pyossl_pkcs12_set_pkey(p12, key);
    if (members & CERT)
        pyossl_pkcs12_set_cert(p12, cert);
    if (members & CAS)
        assert_ok(pyossl_pkcs12_set_cas(p12, cas, 2));
    if (members & NAME)
        assert_ok(pyossl_pkcs12_set_friendly_name(p12, "Br\xc3\xbc\xcc\x88 \xf0\x9f\x98\x80", 11));
    pyossl_pkey_unref(key);
    pyossl_x509_unref(cert);
    pyossl_x509_unref(cas[0]);
    pyossl_x509_unref(cas[1]);
    return p12;
}

/* What make(@members) is after it was written and read. */
static inline void assert_members(const pyossl_pkcs12 *p12, unsigned members)
{
    const size_t first = (members & (KEY | CERT)) == CERT ? 1 : 0; /* a certificate without key */
    const size_t count = first + ((members & CAS) ? 2 : 0);

    if (members & KEY)
        assert_key(pyossl_pkcs12_pkey(p12), DATA("rsa.pem"));
    else
        assert_null(pyossl_pkcs12_pkey(p12));
    if ((members & (KEY | CERT)) == (KEY | CERT))
        assert_cert(pyossl_pkcs12_cert(p12), DATA("server.pem"));
    else
        assert_null(pyossl_pkcs12_cert(p12));
    assert_int_equal(pyossl_pkcs12_ca_count(p12), count);
    if (first)
        assert_cert(pyossl_pkcs12_ca_at(p12, 0), DATA("server.pem"));
    if (members & CAS) {
        assert_cert(pyossl_pkcs12_ca_at(p12, first), DATA("intermediate.pem"));
        assert_cert(pyossl_pkcs12_ca_at(p12, first + 1), DATA("root.pem"));
    }
    assert_null(pyossl_pkcs12_ca_at(p12, count));
    if ((members & (KEY | CERT | NAME)) == (KEY | CERT | NAME))
        assert_friendly_name(p12, "Br\xc3\xbc\xcc\x88 \xf0\x9f\x98\x80", 11);
    else
        assert_friendly_name(p12, NULL, 0);
}

#endif
