/* Certificates, keys and contexts, as a C program that calls OpenSSL in the ordinary way has them.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* X509_cmp_current_time(), from 4.0 on */
#include "naive.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

/* ---- certificates ---- */

static blob pem_ec, der_ec, pem_rsa;
static X509 *cert;

static X509 *parse(const blob *pem)
{
    BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
    X509 *x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);

    MUST(x509 != NULL);
    BIO_free(bio);
    return x509;
}

static void prepare_certs(void)
{
    if (cert != NULL)
        return;
    pem_ec = fixture("ec.pem");
    der_ec = fixture("ec.der");
    pem_rsa = fixture("rsa.pem");
    cert = parse(&pem_ec);
}

static void load_pem(void)
{
    X509_free(parse(&pem_ec));
}
static void load_pem_rsa(void)
{
    X509_free(parse(&pem_rsa));
}

static void load_der(void)
{
    const unsigned char *in = (const unsigned char *)der_ec.data;

    X509_free(d2i_X509(NULL, &in, (long)der_ec.len));
}

static void load_pubkey(void)
{
    X509 *x509 = parse(&pem_ec);

    EVP_PKEY_free(X509_get_pubkey(x509));
    X509_free(x509);
}

static void dump_pem(void)
{
    BIO *bio = BIO_new(BIO_s_mem());

    MUST(PEM_write_bio_X509(bio, cert) == 1);
    BIO_free(bio);
}

static void dump_der(void)
{
    unsigned char *out = NULL;

    MUST(i2d_X509(cert, &out) > 0);
    OPENSSL_free(out);
}

/* As UTF-8 of the caller's, as Python's string is. */
static void subject_cn(void)
{
    const X509_NAME *name = X509_get_subject_name(cert);
    const int index = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    unsigned char *text = NULL;

    MUST(ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index))) >
         0);
    OPENSSL_free(text);
}

/* As a number of any size, as Python's is. */
static void serial(void)
{
    BIGNUM *bn = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);

    BN_free(bn);
}

static void digest(void)
{
    unsigned char out[32];
    unsigned len;

    MUST(X509_digest(cert, EVP_sha256(), out, &len) == 1);
}

static void has_expired(void)
{
    MUST(X509_cmp_current_time(X509_get0_notAfter(cert)) > 0);
}

/* Pairs of a short name, which is never freed, and a value of the caller's, as Python's are. */
static void components(void)
{
    const X509_NAME *name = X509_get_subject_name(cert);
    const int count = X509_NAME_entry_count(name);
    struct {
        const char *field;
        char *value;
        int len;
    } pairs[16];

    MUST(count <= 16);
    for (int i = 0; i < count; i++) {
        const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
        const ASN1_STRING *value = X509_NAME_ENTRY_get_data(entry);

        pairs[i].field = OBJ_nid2sn(OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)));
        pairs[i].len = ASN1_STRING_length(value);
        pairs[i].value = OPENSSL_memdup(ASN1_STRING_get0_data(value), (size_t)pairs[i].len);
        MUST(pairs[i].field != NULL && pairs[i].value != NULL);
    }
    for (int i = 0; i < count; i++)
        OPENSSL_free(pairs[i].value);
}

/* Their short names, which are never freed. */
static void extensions(void)
{
    for (int i = 0; i < X509_get_ext_count(cert); i++) {
        X509_EXTENSION *ext = (X509_EXTENSION *)X509_get_ext(cert, i); /* const in OpenSSL 4.0 */

        MUST(OBJ_nid2sn(OBJ_obj2nid(X509_EXTENSION_get_object(ext))) != NULL);
    }
}

/* Left in the BIO, from where it can be read. */
static void extension_text(void)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;

    MUST(X509V3_EXT_print(bio, X509_get_ext(cert, 3), 0, 0) == 1);
    MUST(BIO_get_mem_data(bio, &text) > 0);
    BIO_free(bio);
}

/* ---- keys ---- */

static blob key_rsa, key_ec, key_rsa_enc, key_ec_enc;
static EVP_PKEY *rsa, *ec;
static unsigned char rsa_sig[512], ec_sig[512];
static size_t rsa_len, ec_len;

static EVP_PKEY *load_key(const blob *pem)
{
    BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"secret");

    MUST(key != NULL);
    BIO_free(bio);
    return key;
}

static size_t sign(EVP_PKEY *key, unsigned char *out)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t len = 512;

    MUST(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1);
    MUST(EVP_DigestSign(ctx, out, &len, (const unsigned char *)naive_bytes, 64) == 1);
    EVP_MD_CTX_free(ctx);
    return len;
}

static void verify(EVP_PKEY *key, const unsigned char *sig, size_t len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    MUST(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1);
    MUST(EVP_DigestVerify(ctx, sig, len, (const unsigned char *)naive_bytes, 64) == 1);
    EVP_MD_CTX_free(ctx);
}

static void prepare_keys(void)
{
    if (rsa != NULL)
        return;
    key_rsa = fixture("rsa.key");
    key_ec = fixture("ec.key");
    key_rsa_enc = fixture("rsa-enc.key");
    key_ec_enc = fixture("ec-enc.key");
    rsa = load_key(&key_rsa);
    ec = load_key(&key_ec);
    rsa_len = sign(rsa, rsa_sig);
    ec_len = sign(ec, ec_sig);
}

static void pkey_load_rsa(void)
{
    EVP_PKEY_free(load_key(&key_rsa));
}
static void pkey_load_ec(void)
{
    EVP_PKEY_free(load_key(&key_ec));
}
static void pkey_load_rsa_enc(void)
{
    EVP_PKEY_free(load_key(&key_rsa_enc));
}
static void pkey_load_ec_enc(void)
{
    EVP_PKEY_free(load_key(&key_ec_enc));
}
static void sign_rsa(void)
{
    unsigned char out[512];
    (void)sign(rsa, out);
}
static void sign_ec(void)
{
    unsigned char out[512];
    (void)sign(ec, out);
}
static void verify_rsa(void)
{
    verify(rsa, rsa_sig, rsa_len);
}
static void verify_ec(void)
{
    verify(ec, ec_sig, ec_len);
}

/* ---- trust ---- */

static X509_STORE *store;
static X509 *leaf, *issuer;
static STACK_OF(X509) *untrusted;

static void prepare_store(void)
{
    blob one = fixture("ec.pem"), two = fixture("ec-intermediate.pem"),
         three = fixture("ec-root.pem");

    leaf = parse(&one);
    issuer = parse(&two);
    store = X509_STORE_new();
    untrusted = sk_X509_new_null();
    MUST(X509_STORE_add_cert(store, parse(&three)) == 1 && sk_X509_push(untrusted, issuer) > 0);
}

static void store_verify(void)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();

    MUST(X509_STORE_CTX_init(ctx, store, leaf, untrusted) == 1 && X509_verify_cert(ctx) == 1);
    X509_STORE_CTX_free(ctx);
}

static void ctx_new(void)
{
    SSL_CTX_free(SSL_CTX_new(TLS_method()));
}

static void ctx_cafile(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());

    MUST(SSL_CTX_load_verify_locations(ctx, fixture_path("bundle.pem"), NULL) == 1);
    SSL_CTX_free(ctx);
}

static double ctx_cafile_first(double limit)
{
    const double start = seconds();

    (void)limit;
    ctx_cafile();
    return 1 / (seconds() - start);
}

const workload naive_crypto[] = {
    { "ctx_cafile_first", NULL, NULL, ctx_cafile_first },
    { "x509_load_pem", prepare_certs, load_pem, NULL },
    { "x509_load_pem_rsa", prepare_certs, load_pem_rsa, NULL },
    { "x509_load_der", prepare_certs, load_der, NULL },
    { "x509_load_pubkey", prepare_certs, load_pubkey, NULL },
    { "x509_dump_pem", prepare_certs, dump_pem, NULL },
    { "x509_dump_der", prepare_certs, dump_der, NULL },
    { "x509_subject_cn", prepare_certs, subject_cn, NULL },
    { "x509_serial", prepare_certs, serial, NULL },
    { "x509_digest", prepare_certs, digest, NULL },
    { "x509_has_expired", prepare_certs, has_expired, NULL },
    { "x509_components", prepare_certs, components, NULL },
    { "x509_extensions", prepare_certs, extensions, NULL },
    { "x509_extension_text", prepare_certs, extension_text, NULL },
    { "pkey_load_rsa", prepare_keys, pkey_load_rsa, NULL },
    { "pkey_load_ec", prepare_keys, pkey_load_ec, NULL },
    { "pkey_load_rsa_enc", prepare_keys, pkey_load_rsa_enc, NULL },
    { "pkey_load_ec_enc", prepare_keys, pkey_load_ec_enc, NULL },
    { "sign_rsa", prepare_keys, sign_rsa, NULL },
    { "sign_ec", prepare_keys, sign_ec, NULL },
    { "verify_rsa", prepare_keys, verify_rsa, NULL },
    { "verify_ec", prepare_keys, verify_ec, NULL },
    { "store_verify", prepare_store, store_verify, NULL },
    { "ctx_new", NULL, ctx_new, NULL },
    { "ctx_cafile", NULL, ctx_cafile, NULL },
    { NULL, NULL, NULL, NULL },
};
