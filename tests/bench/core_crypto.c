/* Certificates, keys and contexts, as a C program that calls libpyossl has them. */
#include "core.h"

/* ---- certificates ---- */

static blob pem_ec, der_ec, pem_rsa;
static pyossl_x509 *cert;

static pyossl_x509 *parse(const blob *text, pyossl_format format)
{
    pyossl_x509 *x509 = NULL;

    OK(pyossl_x509_load(&x509, format, text->data, text->len));
    return x509;
}

static void prepare_certs(void)
{
    if (cert != NULL)
        return;
    pem_ec = fixture("ec.pem");
    der_ec = fixture("ec.der");
    pem_rsa = fixture("rsa.pem");
    cert = parse(&pem_ec, PYOSSL_PEM);
}

static void load_pem(void)
{
    pyossl_x509_unref(parse(&pem_ec, PYOSSL_PEM));
}
static void load_pem_rsa(void)
{
    pyossl_x509_unref(parse(&pem_rsa, PYOSSL_PEM));
}
static void load_der(void)
{
    pyossl_x509_unref(parse(&der_ec, PYOSSL_DER));
}

static void load_pubkey(void)
{
    pyossl_x509 *x509 = parse(&pem_ec, PYOSSL_PEM);
    pyossl_pkey *key = NULL;

    OK(pyossl_x509_pubkey(x509, &key));
    pyossl_pkey_unref(key);
    pyossl_x509_unref(x509);
}

static void dump(pyossl_format format)
{
    pyossl_buf out = PYOSSL_BUF_INIT;

    OK(pyossl_x509_dump(cert, format, &out));
    pyossl_buf_clear(&out);
}

static void dump_pem(void)
{
    dump(PYOSSL_PEM);
}
static void dump_der(void)
{
    dump(PYOSSL_DER);
}

static void subject_cn(void)
{
    pyossl_buf out = PYOSSL_BUF_INIT;
    pyossl_name *name = NULL;

    OK(pyossl_x509_subject(cert, &name));
    OK(pyossl_name_get(name, "CN", &out));
    pyossl_buf_clear(&out);
    pyossl_name_unref(name);
}

/* The bytes of the number, and its sign. */
static void serial(void)
{
    unsigned char number[32];
    size_t len;
    int negative;
    const unsigned char *bytes = pyossl_x509_serial_bytes(cert, &len, &negative);

    MUST(len <= sizeof number && !negative);
    memcpy(number, bytes, len);
}

static void digest(void)
{
    pyossl_buf out = PYOSSL_BUF_INIT;

    OK(pyossl_x509_digest(cert, "sha256", &out));
    pyossl_buf_clear(&out);
}

static void has_expired(void)
{
    int expired;

    OK(pyossl_x509_has_expired(cert, &expired));
    MUST(!expired);
}

/* With values of the caller's, as in naive C. */
static void components(void)
{
    pyossl_buf values[16] = { PYOSSL_BUF_INIT };
    pyossl_name_entry entry;
    pyossl_name *name = NULL;
    size_t count;

    OK(pyossl_x509_subject(cert, &name));
    count = pyossl_name_count(name);
    MUST(count <= 16);
    for (size_t i = 0; i < count; i++) {
        OK(pyossl_name_entry_at(name, i, &entry));
        OK(pyossl_buf_set(&values[i], entry.value, entry.len));
    }
    for (size_t i = 0; i < count; i++)
        pyossl_buf_clear(&values[i]);
    pyossl_name_unref(name);
}

static void extensions(void)
{
    for (size_t i = 0; i < pyossl_x509_ext_count(cert); i++) {
        pyossl_ext *ext = NULL;

        OK(pyossl_x509_ext_at(cert, i, &ext));
        MUST(pyossl_ext_short_name(ext) != NULL);
        pyossl_ext_unref(ext);
    }
}

static void extension_text(void)
{
    pyossl_buf out = PYOSSL_BUF_INIT;
    pyossl_ext *ext = NULL;

    OK(pyossl_x509_ext_at(cert, 3, &ext));
    OK(pyossl_ext_text(ext, &out));
    pyossl_buf_clear(&out);
    pyossl_ext_unref(ext);
}

/* ---- keys ---- */

static blob key_rsa, key_ec, key_rsa_enc, key_ec_enc;
static pyossl_pkey *rsa, *ec;
static pyossl_buf rsa_sig, ec_sig;

static pyossl_pkey *load_key(const blob *pem)
{
    const pyossl_passphrase passphrase = { .data = "secret", .len = 6 };
    pyossl_pkey *key = NULL;

    OK(pyossl_pkey_load_private(&key, PYOSSL_PEM, pem->data, pem->len, &passphrase));
    return key;
}

static void sign(const pyossl_pkey *key, pyossl_buf *out)
{
    OK(pyossl_pkey_sign(key, "sha256", core_bytes, 64, out));
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
    sign(rsa, &rsa_sig);
    sign(ec, &ec_sig);
}

static void sign_once(const pyossl_pkey *key)
{
    pyossl_buf out = PYOSSL_BUF_INIT;

    sign(key, &out);
    pyossl_buf_clear(&out);
}

static void verify(const pyossl_pkey *key, const pyossl_buf *sig)
{
    OK(pyossl_pkey_verify(key, "sha256", core_bytes, 64, sig->data, sig->len));
}

static void pkey_load_rsa(void)
{
    pyossl_pkey_unref(load_key(&key_rsa));
}
static void pkey_load_ec(void)
{
    pyossl_pkey_unref(load_key(&key_ec));
}
static void pkey_load_rsa_enc(void)
{
    pyossl_pkey_unref(load_key(&key_rsa_enc));
}
static void pkey_load_ec_enc(void)
{
    pyossl_pkey_unref(load_key(&key_ec_enc));
}
static void sign_rsa(void)
{
    sign_once(rsa);
}
static void sign_ec(void)
{
    sign_once(ec);
}
static void verify_rsa(void)
{
    verify(rsa, &rsa_sig);
}
static void verify_ec(void)
{
    verify(ec, &ec_sig);
}

/* ---- trust ---- */

static pyossl_store *store;
static pyossl_x509 *leaf, *issuer;

static void prepare_store(void)
{
    blob one = fixture("ec.pem"), two = fixture("ec-intermediate.pem"),
         three = fixture("ec-root.pem");

    leaf = parse(&one, PYOSSL_PEM);
    issuer = parse(&two, PYOSSL_PEM);
    OK(pyossl_store_new(&store));
    OK(pyossl_store_add_cert(store, parse(&three, PYOSSL_PEM)));
}

static void store_verify(void)
{
    pyossl_verdict verdict = PYOSSL_VERDICT_INIT;

    OK(pyossl_store_verify(store, leaf, &issuer, 1, &verdict));
    pyossl_verdict_clear(&verdict);
}

static void ctx_new(void)
{
    pyossl_ctx *ctx = NULL;

    OK(pyossl_ctx_new(&ctx, PYOSSL_TLS));
    pyossl_ctx_unref(ctx);
}

static pyossl_ctx *with_bundle(void)
{
    pyossl_ctx *ctx = NULL;

    OK(pyossl_ctx_new(&ctx, PYOSSL_TLS));
    OK(pyossl_ctx_load_verify_locations(ctx, fixture_path("bundle.pem"), NULL));
    return ctx;
}

static pyossl_ctx *kept; /* a process that makes contexts has one in use */

static void prepare_cafile(void)
{
    kept = with_bundle();
}
static void ctx_cafile(void)
{
    pyossl_ctx_unref(with_bundle());
}

static double ctx_cafile_first(double limit)
{
    const double start = seconds();

    (void)limit;
    ctx_cafile();
    return 1 / (seconds() - start);
}

const workload core_crypto[] = {
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
    { "ctx_cafile", prepare_cafile, ctx_cafile, NULL },
    { NULL, NULL, NULL, NULL },
};
