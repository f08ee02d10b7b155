/* What the tests of certificates, requests and extensions share. */
#ifndef CERTS_H
#define CERTS_H

#include "keys.h"

#include <openssl/x509v3.h>

#include "pyossl/ext.h"
#include "pyossl/name.h"
#include "pyossl/x509.h"

/* A pyossl_buf holds exactly these bytes. */
#define assert_buf(buf, bytes, size)                                                               \
    do {                                                                                           \
        assert_int_equal((buf).len, size);                                                         \
        assert_memory_equal((buf).data, bytes, size);                                              \
    } while (0)

/* Replace what @out holds by a whole file of the test data. */
static inline void certs_read(pyossl_buf *out, const char *path)
{
    pyossl_buf_clear(out);
    *out = keys_read(path);
}

/* A certificate of the test data, which must be good. */
static inline pyossl_x509 *certs_good(const char *path)
{
    pyossl_buf buf = keys_read(path);
    pyossl_x509 *cert = NULL;

    assert_ok(pyossl_x509_load(&cert, keys_format(path), buf.data, buf.len));
    pyossl_buf_clear(&buf);
    return cert;
}

/* A new certificate, signed by the key that is in it. */
static inline pyossl_x509 *certs_new(const pyossl_pkey *key, const char *digest)
{
    pyossl_name *name = NULL;
    pyossl_ext *ext = NULL;
    pyossl_x509 *cert = NULL;

    assert_ok(pyossl_x509_new(&cert));
    assert_ok(pyossl_x509_set_version(cert, 2));
    assert_ok(pyossl_x509_set_serial(cert, "0123456789abcdef0123456789"));
    assert_ok(pyossl_x509_subject(cert, &name));
    assert_ok(pyossl_name_set(name, "CN", "made here", 9));
    assert_ok(pyossl_x509_set_issuer(cert, name));
    assert_ok(pyossl_x509_set_not_before(cert, "20200101000000Z", 15));
    assert_ok(pyossl_x509_set_not_after(cert, "20990101000000Z", 15));
    assert_ok(pyossl_x509_set_pubkey(cert, key));
    assert_ok(pyossl_ext_new(&ext, "basicConstraints", 1, "CA:TRUE", 7, NULL, NULL));
    assert_ok(pyossl_x509_add_exts(cert, &ext, 1));
    assert_ok(pyossl_x509_sign(cert, key, digest));
    pyossl_name_unref(name);
    pyossl_ext_unref(ext);
    return cert;
}

/* Whether OpenSSL knows "email:move": 4.0 does not, whatever its manual says. */
static inline bool certs_openssl_moves_addresses(void)
{
    X509_NAME *subject = test_name_of(NID_pkcs9_emailAddress, MBSTRING_ASC, "a@b.test");
    X509 *cert = X509_new();
    X509_EXTENSION *made;
    X509V3_CTX ctx;

    assert_non_null(cert);
    assert_int_equal(X509_set_subject_name(cert, subject), 1);
    X509_NAME_free(subject);
    memset(&ctx, 0, sizeof ctx);
    X509V3_set_ctx(&ctx, NULL, cert, NULL, NULL, 0);
    X509V3_set_ctx_nodb(&ctx);
    made = X509V3_EXT_nconf(NULL, &ctx, "subjectAltName", "email:move");
    X509_EXTENSION_free(made);
    X509_free(cert);
    ERR_clear_error();
    return made != NULL;
}

/* The subject on one line. */
static inline void assert_subject(pyossl_x509 *cert, const char *expected)
{
    pyossl_buf line = PYOSSL_BUF_INIT;
    pyossl_name *subject = NULL;

    assert_ok(pyossl_x509_subject(cert, &subject));
    assert_ok(pyossl_name_oneline(subject, &line));
    assert_buf_text(line, expected);
    pyossl_name_unref(subject);
    pyossl_buf_clear(&line);
}

#endif
