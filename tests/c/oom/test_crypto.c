/* Certificates, keys and containers with every allocation failing in turn. NA-006, NA-059, NA-070,
 * NA-072, NA-074 */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/x509.h>

#include "calls.h"
#include "oom.h"
#include "owned.h"

/* Files are read before anything fails: reading them is not what is tested. */
typedef struct file {
    const char *name;
    unsigned char *data;
    size_t len;
} file;

static file rsa = { DATA("rsa.pem"), NULL, 0 };
static file rsa_encrypted = { DATA("rsa-aes256.pem"), NULL, 0 };
static file ec = { DATA("ec.pem"), NULL, 0 };
static file ed25519 = { DATA("ed25519.pem"), NULL, 0 };
static file rsa_public = { DATA("rsa-public.pem"), NULL, 0 };
static file server = { DATA("server.pem"), NULL, 0 };
static file server_der = { DATA("server.der"), NULL, 0 };
static file chain = { DATA("chain.pem"), NULL, 0 };
static file root = { DATA("root.pem"), NULL, 0 };
static file intermediate = { DATA("intermediate.pem"), NULL, 0 };
static file crl = { DATA("crl.pem"), NULL, 0 };
static file request = { DATA("request.pem"), NULL, 0 };
static file bundle = { DATA("modern.p12"), NULL, 0 };
static file signed_message = { DATA("pkcs7-signed.pem"), NULL, 0 };
static file spkac = { DATA("spkac.txt"), NULL, 0 };

static file *const files[] = {
    &rsa,  &rsa_encrypted, &ec,  &ed25519, &rsa_public, &server,         &server_der, &chain,
    &root, &intermediate,  &crl, &request, &bundle,     &signed_message, &spkac,
};

static const pyossl_passphrase secret = { "secret", 6, NULL, NULL };

static int read_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        FILE *from = fopen(files[i]->name, "rb");

        if (from == NULL)
            return -1;
        files[i]->data = malloc(65536);
        if (files[i]->data != NULL)
            files[i]->len = fread(files[i]->data, 1, 65536, from);
        fclose(from);
        if (files[i]->len == 0)
            return -1;
    }
    return 0;
}

static int free_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        free(files[i]->data);
    return 0;
}

/* What must hold of an output however the call ended. */
#define STRONG(status, output) oom_check(((status) == PYOSSL_OK) == ((output) != NULL))

static pyossl_status load_key(pyossl_pkey **out, const file *from)
{
    pyossl_pkey *key = NULL;
    const pyossl_status status =
        pyossl_pkey_load_private(&key, PYOSSL_PEM, from->data, from->len, &secret);

    STRONG(status, key);
    *out = key;
    return status;
}

static pyossl_status load_cert(pyossl_x509 **out, const file *from)
{
    pyossl_x509 *cert = NULL;
    const pyossl_status status = pyossl_x509_load(&cert, PYOSSL_PEM, from->data, from->len);

    STRONG(status, cert);
    *out = cert;
    return status;
}

static pyossl_status dump_key(void *from)
{
    OWNED(pkey) key = NULL;
    OWNED_BUF out = PYOSSL_BUF_INIT;
    pyossl_status status;

    TRY(load_key(&key, from));
    status = pyossl_pkey_dump_private(key, PYOSSL_PEM, "aes-256-cbc", &secret, &out);
    STRONG(status, out.data);
    TRY(status);
    TRY(pyossl_pkey_dump_private(key, PYOSSL_DER, NULL, NULL, &out));
    return pyossl_pkey_dump_public(key, PYOSSL_PEM, &out);
}

static pyossl_status load_public_key(void *unused)
{
    OWNED(pkey) key = NULL;
    const pyossl_status status =
        pyossl_pkey_load_public(&key, PYOSSL_PEM, rsa_public.data, rsa_public.len);

    (void)unused;
    STRONG(status, key);
    return status;
}

static pyossl_status generate_ec(void *unused)
{
    OWNED(pkey) key = NULL;
    const pyossl_status status = pyossl_pkey_generate_ec(&key, "prime256v1");

    (void)unused;
    STRONG(status, key);
    return status;
}

static pyossl_status generate_ed25519(void *unused)
{
    OWNED(pkey) key = NULL;
    const pyossl_status status = pyossl_pkey_generate(&key, PYOSSL_KEY_ED25519, 0);

    (void)unused;
    STRONG(status, key);
    return status;
}

static pyossl_status generate_named(void *type)
{
    OWNED(pkey) key = NULL;
    const char *group = strcmp(type, "EC") == 0 ? "prime256v1" : NULL;
    const pyossl_status status = pyossl_pkey_generate_named(&key, type, 0, group);

    STRONG(status, key);
    return status;
}

static pyossl_status sign_with_ml_dsa(void *unused)
{
    OWNED(pkey) key = NULL;
    OWNED(req) made = NULL;
    OWNED_BUF signature = PYOSSL_BUF_INIT;
    pyossl_status status;

    (void)unused;
    if (pyossl_has(PYOSSL_FEATURE_ML_DSA) != 1)
        return PYOSSL_OK; /* not with this OpenSSL */
    TRY(pyossl_pkey_generate_named(&key, "ML-DSA-44", 0, NULL));
    status = pyossl_pkey_sign(key, NULL, "message", 7, &signature);
    STRONG(status, signature.data);
    TRY(status);
    TRY(pyossl_pkey_verify(key, NULL, "message", 7, signature.data, signature.len));
    TRY(pyossl_req_new(&made));
    TRY(pyossl_req_set_pubkey(made, key));
    TRY(pyossl_req_sign(made, key, NULL));
    return pyossl_req_verify(made, key);
}

/* What is refused has to be explained, or there was no memory for that. */
static pyossl_status refuse_to_sign(void *from)
{
    OWNED(pkey) key = NULL;
    OWNED_BUF signature = PYOSSL_BUF_INIT;
    const char *digest = from == &ed25519 ? "sha256" : NULL;
    pyossl_status status;

    TRY(load_key(&key, from));
    status = pyossl_pkey_sign(key, digest, "message", 7, &signature);
    oom_check(status != PYOSSL_OK && signature.data == NULL);
    return status == PYOSSL_E_NOMEM ? status : PYOSSL_OK;
}

static pyossl_status sign_and_verify(void *from)
{
    const char *digest = from == &ed25519 ? NULL : "sha256";
    OWNED(pkey) key = NULL;
    OWNED_BUF signature = PYOSSL_BUF_INIT;
    pyossl_status status;

    TRY(load_key(&key, from));
    status = pyossl_pkey_sign(key, digest, "message", 7, &signature);
    STRONG(status, signature.data);
    TRY(status);
    return pyossl_pkey_verify(key, digest, "message", 7, signature.data, signature.len);
}

static pyossl_status read_certificate(void *unused)
{
    OWNED(x509) cert = NULL;
    OWNED(x509) copy = NULL;
    OWNED(name) subject = NULL;
    OWNED(pkey) key = NULL;
    OWNED_BUF out = PYOSSL_BUF_INIT;
    int expired;

    (void)unused;
    TRY(load_cert(&cert, &server));
    TRY(pyossl_x509_copy(&copy, cert));
    TRY(pyossl_x509_serial(cert, &out));
    TRY(pyossl_x509_subject(cert, &subject));
    TRY(pyossl_name_oneline(subject, &out));
    TRY(pyossl_x509_not_before(cert, &out));
    TRY(pyossl_x509_not_after(cert, &out));
    TRY(pyossl_x509_has_expired(cert, &expired));
    TRY(pyossl_x509_pubkey(cert, &key));
    TRY(pyossl_x509_digest(cert, "sha256", &out));
    for (size_t i = 0; i < pyossl_x509_ext_count(cert); i++) {
        OWNED(ext) ext = NULL;

        TRY(pyossl_x509_ext_at(cert, i, &ext));
        TRY(pyossl_ext_text(ext, &out));
        TRY(pyossl_ext_data(ext, &out));
    }
    TRY(pyossl_x509_dump(cert, PYOSSL_TEXT, &out));
    TRY(pyossl_x509_dump(cert, PYOSSL_DER, &out));
    return pyossl_x509_dump(cert, PYOSSL_PEM, &out);
}

static pyossl_status load_der_and_chain(void *unused)
{
    OWNED(x509) cert = NULL;
    OWNED_LIST list = PYOSSL_X509_LIST_INIT;
    pyossl_status status;

    (void)unused;
    status = pyossl_x509_load(&cert, PYOSSL_DER, server_der.data, server_der.len);
    STRONG(status, cert);
    TRY(status);
    status = pyossl_x509_load_all(&list, chain.data, chain.len);
    oom_check(list.count == (status == PYOSSL_OK ? 2u : 0u));
    return status;
}

static pyossl_status make_certificate(void *unused)
{
    OWNED(pkey) key = NULL;
    OWNED(x509) cert = NULL;
    OWNED(name) name = NULL;
    OWNED(ext) constraints = NULL;
    OWNED(ext) names = NULL;
    OWNED_BUF out = PYOSSL_BUF_INIT;
    pyossl_ext *exts[2];
    pyossl_status status;

    (void)unused;
    TRY(load_key(&key, &ec));
    TRY(pyossl_x509_new(&cert));
    TRY(pyossl_x509_set_version(cert, 2));
    TRY(pyossl_x509_set_serial(cert, "0102030405060708090a"));
    TRY(pyossl_x509_subject(cert, &name));
    TRY(pyossl_name_add(name, "O", "Tests", 5));
    TRY(pyossl_name_set(name, "CN", "localhost", 9));
    TRY(pyossl_x509_set_issuer(cert, name));
    TRY(pyossl_x509_adj_not_before(cert, 0));
    TRY(pyossl_x509_set_not_after(cert, "20991231235959Z", 15));
    TRY(pyossl_x509_set_pubkey(cert, key));
    TRY(pyossl_ext_new(&constraints, "basicConstraints", 1, "CA:TRUE", 7, NULL, NULL));
    TRY(pyossl_ext_new(&names, "subjectAltName", 0, "DNS:localhost", 13, NULL, NULL));
    exts[0] = constraints;
    exts[1] = names;
    status = pyossl_x509_add_exts(cert, exts, 2);
    oom_check(pyossl_x509_ext_count(cert) == (status == PYOSSL_OK ? 2u : 0u));
    TRY(status);
    TRY(pyossl_x509_sign(cert, key, "sha256"));
    TRY(pyossl_x509_verify(cert, key));
    return pyossl_x509_dump(cert, PYOSSL_PEM, &out);
}

static pyossl_status make_request(void *unused)
{
    OWNED(pkey) key = NULL;
    OWNED(req) req = NULL;
    OWNED(req) loaded = NULL;
    OWNED(name) subject = NULL;
    OWNED(ext) names = NULL;
    OWNED_BUF out = PYOSSL_BUF_INIT;
    pyossl_ext *exts[1];

    (void)unused;
    TRY(load_key(&key, &ec));
    TRY(pyossl_req_new(&req));
    TRY(pyossl_req_subject(req, &subject));
    TRY(pyossl_name_set(subject, "CN", "localhost", 9));
    TRY(pyossl_req_set_pubkey(req, key));
    TRY(pyossl_ext_new(&names, "subjectAltName", 0, "DNS:localhost", 13, NULL, NULL));
    exts[0] = names;
    TRY(pyossl_req_add_exts(req, exts, 1));
    TRY(pyossl_req_sign(req, key, "sha256"));
    TRY(pyossl_req_verify(req, key));
    TRY(pyossl_req_dump(req, PYOSSL_PEM, &out));
    TRY(pyossl_req_load(&loaded, PYOSSL_PEM, request.data, request.len));
    return pyossl_req_dump(loaded, PYOSSL_TEXT, &out);
}

static pyossl_status make_crl(void *unused)
{
    OWNED(pkey) key = NULL;
    OWNED(x509) issuer = NULL;
    OWNED(name) name = NULL;
    OWNED(crl) list = NULL;
    OWNED(crl) loaded = NULL;
    OWNED(revoked) entry = NULL;
    OWNED(revoked) found = NULL;
    OWNED_BUF out = PYOSSL_BUF_INIT;
    pyossl_status status;

    (void)unused;
    TRY(load_key(&key, &ec));
    TRY(load_cert(&issuer, &root));
    TRY(pyossl_x509_subject(issuer, &name));
    TRY(pyossl_crl_new(&list));
    TRY(pyossl_crl_set_issuer(list, name));
    TRY(pyossl_crl_set_version(list, 1));
    TRY(pyossl_crl_set_last_update(list, "20200101000000Z", 15));
    TRY(pyossl_crl_set_next_update(list, "20991231235959Z", 15));
    TRY(pyossl_revoked_new(&entry));
    TRY(pyossl_revoked_set_serial(entry, "17"));
    TRY(pyossl_revoked_set_date(entry, "20200601000000Z", 15));
    TRY(pyossl_revoked_set_reason(entry, "keyCompromise"));
    status = pyossl_crl_add_revoked(list, entry);
    oom_check(pyossl_crl_count(list) == (status == PYOSSL_OK ? 1u : 0u));
    TRY(status);
    TRY(pyossl_crl_sign(list, key, "sha256"));
    TRY(pyossl_crl_verify(list, key));
    TRY(pyossl_crl_dump(list, PYOSSL_DER, &out));
    TRY(pyossl_crl_load(&loaded, PYOSSL_PEM, crl.data, crl.len));
    TRY(pyossl_crl_revoked_at(loaded, 0, &found));
    return pyossl_revoked_reason(found, &out);
}

static pyossl_status judge_chain(void *unused)
{
    OWNED(x509) leaf = NULL;
    OWNED(x509) middle = NULL;
    OWNED(x509) anchor = NULL;
    OWNED(crl) list = NULL;
    OWNED(store) store = NULL;
    OWNED_VERDICT verdict = PYOSSL_VERDICT_INIT;

    (void)unused;
    TRY(load_cert(&leaf, &server));
    TRY(load_cert(&middle, &intermediate));
    TRY(load_cert(&anchor, &root));
    TRY(pyossl_crl_load(&list, PYOSSL_PEM, crl.data, crl.len));
    TRY(pyossl_store_new(&store));
    TRY(pyossl_store_add_cert(store, anchor));
    TRY(pyossl_store_add_crl(store, list));
    TRY(pyossl_store_set_flags(store, PYOSSL_STORE_CRL_CHECK));
    return pyossl_store_verify(store, leaf, &middle, 1, &verdict);
}

static pyossl_status load_and_make_pkcs12(void *unused)
{
    OWNED(pkcs12) loaded = NULL;
    OWNED_BUF out = PYOSSL_BUF_INIT;
    pyossl_status status = pyossl_pkcs12_load(&loaded, bundle.data, bundle.len, &secret);

    (void)unused;
    STRONG(status, loaded);
    TRY(status);
    /* The certificate that belongs to the key is found, or else nothing is. */
    oom_check(pyossl_pkcs12_cert(loaded) != NULL && pyossl_pkcs12_ca_count(loaded) == 1);
    status = pyossl_pkcs12_dump(loaded, &secret, NULL, &out);
    STRONG(status, out.data);
    return status;
}

/* Of a file that asks for too many rounds, which is refused before a passphrase is tried. */
static pyossl_status refuse_rounds(void *arg)
{
    static unsigned char salt[] = "12345678", noise[64];
    const int most = PYOSSL_PKCS12_ROUNDS_MAX, modern = strcmp(arg, "modern") == 0;
    OWNED(pkey) key = NULL;
    unsigned char *der = NULL;
    pyossl_status status;
    X509_SIG *sealed;
    X509_ALGOR *made, *algorithm;
    ASN1_OCTET_STRING *bytes;
    int len;

    oom_pause();
    sealed = X509_SIG_new();
    made = modern ? PKCS5_pbe2_set_iv(EVP_aes_256_cbc(), most + 1, salt, 8, NULL, NID_undef)
                  : PKCS5_pbe_set(NID_pbe_WithSHA1And3_Key_TripleDES_CBC, most + 1, salt, 8);
    X509_SIG_getm(sealed, &algorithm, &bytes);
    oom_check(X509_ALGOR_copy(algorithm, made) == 1 &&
              ASN1_OCTET_STRING_set(bytes, noise, sizeof noise) == 1);
    len = i2d_X509_SIG(sealed, &der);
    X509_ALGOR_free(made);
    X509_SIG_free(sealed);
    oom_resume();
    oom_check(len > 0);
    status = pyossl_pkey_load_private(&key, PYOSSL_DER, der, (size_t)len, &secret);
    oom_check(status == PYOSSL_E_FORMAT || status == PYOSSL_E_NOMEM);
    OPENSSL_free(der);
    return status == PYOSSL_E_FORMAT ? PYOSSL_OK : status;
}

static pyossl_status read_pkcs7(void *unused)
{
    OWNED(pkcs7) loaded = NULL;
    OWNED(pkcs7) made = NULL;
    OWNED_LIST certs = PYOSSL_X509_LIST_INIT;
    OWNED_BUF out = PYOSSL_BUF_INIT;
    pyossl_status status =
        pyossl_pkcs7_load(&loaded, PYOSSL_PEM, signed_message.data, signed_message.len);

    (void)unused;
    STRONG(status, loaded);
    TRY(status);
    status = pyossl_pkcs7_certs(loaded, &certs);
    oom_check((status == PYOSSL_OK) == (certs.count == 2));
    TRY(status);
    TRY(pyossl_pkcs7_new_certs(&made, certs.items, certs.count));
    return pyossl_pkcs7_dump(made, PYOSSL_DER, &out);
}

static pyossl_status make_spkac(void *unused)
{
    OWNED(pkey) key = NULL;
    OWNED(spki) loaded = NULL;
    OWNED(spki) made = NULL;
    OWNED_BUF out = PYOSSL_BUF_INIT;

    (void)unused;
    TRY(load_key(&key, &ec));
    TRY(pyossl_spki_load(&loaded, (const char *)spkac.data, spkac.len));
    TRY(pyossl_spki_challenge(loaded, &out));
    TRY(pyossl_spki_new(&made));
    TRY(pyossl_spki_set_pubkey(made, key));
    TRY(pyossl_spki_set_challenge(made, "again", 5));
    TRY(pyossl_spki_sign(made, key, "sha256"));
    TRY(pyossl_spki_verify(made, key));
    return pyossl_spki_dump(made, &out);
}

/* What OpenSSL 3.0 may leave behind: a definition of properties, cached half-made. */
static const oom_scenario scenarios[] = {
    { .name = "key: RSA", .run = dump_key, .arg = &rsa, .any_error = 1, .step = 41 },
    { .name = "key: RSA, encrypted",
      .run = dump_key,
      .arg = &rsa_encrypted,
      .any_error = 1,
      .step = 41 },
    { .name = "key: EC", .run = dump_key, .arg = &ec, .any_error = 1, .step = 41 },
    { .name = "key: Ed25519", .run = dump_key, .arg = &ed25519, .any_error = 1, .step = 41 },
    { .name = "key: public", .run = load_public_key, .any_error = 1, .theirs = 4 },
    { .name = "key: generate EC", .run = generate_ec, .any_error = 1 },
    { .name = "key: generate Ed25519", .run = generate_ed25519, .any_error = 1 },
    { .name = "key: generate EC by name",
      .run = generate_named,
      .arg = (char[]){ "EC" },
      .any_error = 1 },
    { .name = "key: generate Ed448 by name",
      .run = generate_named,
      .arg = (char[]){ "Ed448" },
      .any_error = 1 },
    { .name = "signature: ML-DSA", .run = sign_with_ml_dsa, .any_error = 1, .step = 7 },
    { .name = "signature: no digest", .run = refuse_to_sign, .arg = &ec, .any_error = 1 },
    { .name = "signature: a digest", .run = refuse_to_sign, .arg = &ed25519, .any_error = 1 },
    { .name = "signature: RSA", .run = sign_and_verify, .arg = &rsa, .any_error = 1 },
    { .name = "signature: EC", .run = sign_and_verify, .arg = &ec, .any_error = 1 },
    { .name = "signature: Ed25519", .run = sign_and_verify, .arg = &ed25519, .any_error = 1 },
    { .name = "certificate: read", .run = read_certificate, .any_error = 1 },
    { .name = "certificate: DER, chain", .run = load_der_and_chain, .any_error = 1 },
    { .name = "certificate: make", .run = make_certificate, .any_error = 1 },
    { .name = "request", .run = make_request, .any_error = 1 },
    { .name = "revocation list", .run = make_crl, .any_error = 1 },
    { .name = "chain", .run = judge_chain, .any_error = 1 },
    { .name = "PKCS #12", .run = load_and_make_pkcs12, .any_error = 1, .step = 41 },
    { .name = "rounds: PBES2", .run = refuse_rounds, .arg = (char[]){ "modern" } },
    { .name = "rounds: PKCS #12", .run = refuse_rounds, .arg = (char[]){ "old" } },
    { .name = "PKCS #7", .run = read_pkcs7, .any_error = 1 },
    { .name = "SPKAC", .run = make_spkac, .any_error = 1 },
};

static void sweep(void **state)
{
    assert_int_equal(oom_sweep(*state), 0);
}

/* With an argument, the scenarios of that name alone ("key*"). */
int main(int argc, char **argv)
{
    struct CMUnitTest tests[sizeof scenarios / sizeof scenarios[0]];
    int failed;

    oom_install();
    calls_install();
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++)
        tests[i] = (struct CMUnitTest){ .name = scenarios[i].name,
                                        .test_func = sweep,
                                        .initial_state = (void *)(uintptr_t)&scenarios[i] };
    failed = cmocka_run_group_tests(tests, read_files, free_files);
    oom_print_total();
    return failed;
}
