#include "made.h"

#include <string.h>

#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

static EVP_PKEY *key(void)
{
    static EVP_PKEY *one;

    if (one == NULL)
        CHECK((one = EVP_EC_gen("P-256")) != NULL);
    return one;
}

static void add_name(X509_NAME *name, const char *field, const char *text)
{
    CHECK(X509_NAME_add_entry_by_txt(name, field, MBSTRING_ASC, (const unsigned char *)text, -1, -1,
                                     0) == 1);
}

static X509 *new_cert(const char *subject)
{
    static long serial;
    X509 *x509 = X509_new();

    CHECK(x509 != NULL && X509_set_version(x509, 2) == 1);
    CHECK(ASN1_INTEGER_set(X509_get_serialNumber(x509), ++serial) == 1);
    add_name(X509_get_subject_name(x509), "CN", subject);
    add_name(X509_get_issuer_name(x509), "CN", "issuer");
    CHECK(X509_gmtime_adj(X509_getm_notBefore(x509), -100) != NULL);
    CHECK(X509_gmtime_adj(X509_getm_notAfter(x509), 100000) != NULL);
    CHECK(X509_set_pubkey(x509, key()) == 1);
    return x509;
}

/* Takes @x509 over. */
static made signed_der(X509 *x509)
{
    made out = { NULL, 0 };
    int len;

    CHECK(X509_sign(x509, key(), EVP_sha256()) > 0);
    len = i2d_X509(x509, &out.data);
    CHECK(len > 0);
    out.len = (size_t)len;
    X509_free(x509);
    return out;
}

/* Takes @bio over. */
static made of_bio(BIO *bio)
{
    made out;
    char *text;
    const long len = BIO_get_mem_data(bio, &text);

    CHECK(len > 0);
    out.len = (size_t)len;
    out.data = OPENSSL_memdup(text, out.len);
    CHECK(out.data != NULL);
    BIO_free(bio);
    return out;
}

static GENERAL_NAMES *general_names(size_t n)
{
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();

    for (size_t i = 0; i < n; i++) {
        GENERAL_NAME *name = GENERAL_NAME_new();
        ASN1_IA5STRING *text = ASN1_IA5STRING_new();
        char host[48];

        snprintf(host, sizeof host, "host-%zu.example", i);
        CHECK(name != NULL && text != NULL && ASN1_STRING_set(text, host, -1) == 1);
        GENERAL_NAME_set0_value(name, GEN_DNS, text);
        CHECK(sk_GENERAL_NAME_push(names, name) > 0);
    }
    return names;
}

made made_names(size_t n)
{
    X509 *x509 = new_cert("names");
    GENERAL_NAMES *names = general_names(n);

    CHECK(X509_add1_ext_i2d(x509, NID_subject_alt_name, names, 0, X509V3_ADD_APPEND) == 1);
    GENERAL_NAMES_free(names);
    return signed_der(x509);
}

static X509_EXTENSION *nameless_extension(size_t i)
{
    X509_EXTENSION *extension;
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    ASN1_OBJECT *type;
    char oid[40];

    snprintf(oid, sizeof oid, "1.3.6.1.4.1.%zu", 100000 + i);
    type = OBJ_txt2obj(oid, 1);
    CHECK(type != NULL && value != NULL &&
          ASN1_OCTET_STRING_set(value, (const unsigned char *)"\4\2ab", 4) == 1);
    extension = X509_EXTENSION_create_by_OBJ(NULL, type, 0, value);
    CHECK(extension != NULL);
    ASN1_OBJECT_free(type);
    ASN1_OCTET_STRING_free(value);
    return extension;
}

made made_extensions(size_t n)
{
    X509 *x509 = new_cert("extensions");

    for (size_t i = 0; i < n; i++) {
        X509_EXTENSION *extension = nameless_extension(i);

        CHECK(X509_add_ext(x509, extension, -1) == 1);
        X509_EXTENSION_free(extension);
    }
    return signed_der(x509);
}

static void add_units(X509_NAME *name, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char unit[32];

        snprintf(unit, sizeof unit, "Unit %zu", i);
        add_name(name, "OU", unit);
    }
}

made made_subject(size_t n)
{
    X509 *x509 = new_cert("subject");

    add_units(X509_get_subject_name(x509), n);
    return signed_der(x509);
}

made made_serial(size_t n)
{
    X509 *x509 = new_cert("serial");
    made bytes = made_bytes(n);

    CHECK(ASN1_STRING_set(X509_get_serialNumber(x509), bytes.data, (int)n) == 1);
    OPENSSL_free(bytes.data);
    return signed_der(x509);
}

static made bundle(size_t n, const char *format)
{
    BIO *bio = BIO_new(BIO_s_mem());

    for (size_t i = 0; i < n; i++) {
        char subject[32];
        X509 *x509;

        snprintf(subject, sizeof subject, format, i);
        x509 = new_cert(subject);
        CHECK(X509_sign(x509, key(), EVP_sha256()) > 0 && PEM_write_bio_X509(bio, x509) == 1);
        X509_free(x509);
    }
    return of_bio(bio);
}

made made_bundle(size_t n)
{
    return bundle(n, "authority %05zu");
}

made made_bundle_of_one_name(size_t n)
{
    return bundle(n, "authority%.0zu");
}

static made text(size_t n, const char *piece)
{
    BIO *bio = BIO_new(BIO_s_mem());

    for (size_t i = 0; i < n; i++)
        CHECK(BIO_puts(bio, piece) > 0);
    CHECK(BIO_puts(bio, "\n") > 0);
    CHECK(PEM_write_bio_PrivateKey(bio, key(), NULL, NULL, 0, NULL, NULL) == 1);
    return of_bio(bio);
}

made made_text(size_t n)
{
    return text(n, "-----BEGIN words that end nowhere\n");
}

made made_line(size_t n)
{
    return text(n, "-----BEGIN words that end nowhere ");
}

made made_crl(size_t n)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *when = ASN1_TIME_set(NULL, 1000000000);
    made out = { NULL, 0 };
    int len;

    CHECK(crl != NULL && when != NULL && X509_CRL_set_version(crl, 1) == 1);
    add_name(X509_CRL_get_issuer(crl), "CN", "issuer");
    CHECK(X509_CRL_set1_lastUpdate(crl, when) == 1 && X509_CRL_set1_nextUpdate(crl, when) == 1);
    for (size_t i = 0; i < n; i++) {
        X509_REVOKED *revoked = X509_REVOKED_new();
        ASN1_INTEGER *serial = ASN1_INTEGER_new();
        ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();

        CHECK(revoked != NULL && serial != NULL && reason != NULL);
        CHECK(ASN1_INTEGER_set(serial, (long)(n - i)) == 1 && ASN1_ENUMERATED_set(reason, 1) == 1);
        CHECK(X509_REVOKED_set_serialNumber(revoked, serial) == 1);
        CHECK(X509_REVOKED_set_revocationDate(revoked, when) == 1);
        CHECK(X509_REVOKED_add1_ext_i2d(revoked, NID_crl_reason, reason, 0, 0) == 1);
        CHECK(X509_CRL_add0_revoked(crl, revoked) == 1);
        ASN1_INTEGER_free(serial);
        ASN1_ENUMERATED_free(reason);
    }
    CHECK(X509_CRL_sign(crl, key(), EVP_sha256()) > 0);
    len = i2d_X509_CRL(crl, &out.data);
    CHECK(len > 0);
    out.len = (size_t)len;
    X509_CRL_free(crl);
    ASN1_TIME_free(when);
    return out;
}

made made_request(size_t n)
{
    X509_REQ *req = X509_REQ_new();
    STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();
    made out = { NULL, 0 };
    int len;

    for (size_t i = 0; i < n; i++)
        CHECK(sk_X509_EXTENSION_push(extensions, nameless_extension(i)) > 0);
    CHECK(req != NULL && X509_REQ_set_pubkey(req, key()) == 1);
    CHECK(X509_REQ_add_extensions(req, extensions) == 1 &&
          X509_REQ_sign(req, key(), EVP_sha256()) > 0);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    len = i2d_X509_REQ(req, &out.data);
    CHECK(len > 0);
    out.len = (size_t)len;
    X509_REQ_free(req);
    return out;
}

made made_name(size_t n)
{
    X509_NAME *name = X509_NAME_new();
    made out = { NULL, 0 };
    int len;

    add_units(name, n);
    len = i2d_X509_NAME(name, &out.data);
    CHECK(len > 0);
    out.len = (size_t)len;
    X509_NAME_free(name);
    return out;
}

static STACK_OF(X509) *certs(size_t n)
{
    STACK_OF(X509) *all = sk_X509_new_null();

    for (size_t i = 0; i < n; i++) {
        X509 *x509 = new_cert("one of them");

        CHECK(X509_sign(x509, key(), EVP_sha256()) > 0 && sk_X509_push(all, x509) > 0);
    }
    return all;
}

made made_pkcs7(size_t n)
{
    PKCS7 *message = PKCS7_new();
    made out = { NULL, 0 };
    int len;

    CHECK(message != NULL && PKCS7_set_type(message, NID_pkcs7_signed) == 1);
    CHECK(PKCS7_content_new(message, NID_pkcs7_data) == 1);
    sk_X509_pop_free(message->d.sign->cert, X509_free);
    message->d.sign->cert = certs(n);
    len = i2d_PKCS7(message, &out.data);
    CHECK(len > 0);
    out.len = (size_t)len;
    PKCS7_free(message);
    return out;
}

made made_pkcs12(size_t n)
{
    STACK_OF(X509) *all = certs(n);
    PKCS12 *bundle = PKCS12_create("secret", "name", NULL, NULL, all, -1, -1, 1, 1, 0);
    made out = { NULL, 0 };
    int len;

    CHECK(bundle != NULL);
    len = i2d_PKCS12(bundle, &out.data);
    CHECK(len > 0);
    out.len = (size_t)len;
    PKCS12_free(bundle);
    sk_X509_pop_free(all, X509_free);
    return out;
}

made made_spkac(size_t n)
{
    NETSCAPE_SPKI *spki = NETSCAPE_SPKI_new();
    made bytes = made_bytes(n), out;

    CHECK(spki != NULL && NETSCAPE_SPKI_set_pubkey(spki, key()) == 1);
    CHECK(ASN1_STRING_set(spki->spkac->challenge, bytes.data, (int)n) == 1);
    CHECK(NETSCAPE_SPKI_sign(spki, key(), EVP_sha256()) > 0);
    out.data = (unsigned char *)NETSCAPE_SPKI_b64_encode(spki);
    CHECK(out.data != NULL);
    out.len = strlen((char *)out.data);
    NETSCAPE_SPKI_free(spki);
    OPENSSL_free(bytes.data);
    return out;
}

made made_session(size_t n)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    SSL *ssl = SSL_new(ctx);
    SSL_SESSION *session = SSL_SESSION_new();
    made bytes = made_bytes(n), out = { NULL, 0 };
    int len;

    CHECK(ssl != NULL && session != NULL);
    CHECK(SSL_SESSION_set_protocol_version(session, TLS1_2_VERSION) == 1);
    CHECK(SSL_SESSION_set_cipher(session,
                                 SSL_CIPHER_find(ssl, (const unsigned char *)"\xc0\x2b")) == 1);
    CHECK(SSL_SESSION_set1_master_key(session, bytes.data, 48) == 1);
    CHECK(SSL_SESSION_set1_ticket_appdata(session, bytes.data, n) == 1);
    len = i2d_SSL_SESSION(session, &out.data);
    CHECK(len > 0);
    out.len = (size_t)len;
    SSL_SESSION_free(session);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    OPENSSL_free(bytes.data);
    return out;
}

made made_encrypted_key(size_t n)
{
    X509_ALGOR *how =
        PKCS5_pbe2_set_iv(EVP_aes_256_cbc(), (int)n, NULL, 0, NULL, NID_hmacWithSHA256);
    PKCS8_PRIV_KEY_INFO *plain = EVP_PKEY2PKCS8(key());
    made out = { NULL, 0 };
    X509_SIG *sealed;
    int len;

    CHECK(how != NULL && plain != NULL);
    sealed = PKCS8_set0_pbe("secret", 6, plain, how);
    CHECK(sealed != NULL && (len = i2d_X509_SIG(sealed, &out.data)) > 0);
    out.len = (size_t)len;
    X509_SIG_free(sealed);
    PKCS8_PRIV_KEY_INFO_free(plain);
    return out;
}

made made_words(size_t n)
{
    BIO *bio = BIO_new(BIO_s_mem());

    for (size_t i = 0; i < n; i++)
        CHECK(BIO_printf(bio, "%sDNS:host-%zu.example", i > 0 ? "," : "", i) > 0);
    return of_bio(bio);
}

made made_host(size_t n)
{
    made out = made_bytes(n);

    for (size_t i = 30; i + 1 < n; i += 31)
        out.data[i] = '.';
    return out;
}

made made_protocols(size_t n)
{
    made out = { OPENSSL_malloc(6 * n), 6 * n };

    CHECK(out.data != NULL);
    for (size_t i = 0; i < n; i++) {
        char one[8];

        snprintf(one, sizeof one, "\5%05zu", i % 100000);
        memcpy(out.data + 6 * i, one, 6);
    }
    return out;
}

made made_bytes(size_t n)
{
    made out = { OPENSSL_malloc(n), n };

    CHECK(out.data != NULL);
    for (size_t i = 0; i < n; i++)
        out.data[i] = (unsigned char)('A' + i % 26);
    return out;
}

void made_directory(const char *folder, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        X509 *x509 = new_cert("issuer");
        char path[300];
        FILE *file;

        snprintf(path, sizeof path, "%s/%08lx.%zu", folder,
                 X509_NAME_hash_ex(X509_get_subject_name(x509), NULL, NULL, NULL), i);
        file = fopen(path, "w");
        CHECK(file != NULL && X509_sign(x509, key(), EVP_sha256()) > 0);
        CHECK(PEM_write_X509(file, x509) == 1 && fclose(file) == 0);
        X509_free(x509);
    }
}
