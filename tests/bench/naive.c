/* What a C program that calls OpenSSL in the ordinary way makes of the workloads. */
#include "worker.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- handshakes ---- */

typedef struct endpoints {
    SSL_CTX *server, *client;
    SSL_SESSION *session;
} endpoints;

static endpoints ec13, rsa13, ec12, resume13, resume12;

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    endpoints *ends = SSL_get_app_data(ssl);

    if (ends == NULL || ends->session != NULL)
        return 0;
    ends->session = session;
    return 1;
}

static void make_ends(endpoints *ends, const char *kind, int version)
{
    char name[64];

    ends->server = SSL_CTX_new(TLS_server_method());
    ends->client = SSL_CTX_new(TLS_client_method());
    snprintf(name, sizeof name, "%s-chain.pem", kind);
    MUST(SSL_CTX_use_certificate_chain_file(ends->server, fixture_path(name)) == 1);
    snprintf(name, sizeof name, "%s.key", kind);
    MUST(SSL_CTX_use_PrivateKey_file(ends->server, fixture_path(name), SSL_FILETYPE_PEM) == 1);
    snprintf(name, sizeof name, "%s-root.pem", kind);
    MUST(SSL_CTX_load_verify_locations(ends->client, fixture_path(name), NULL) == 1);
    SSL_CTX_set_verify(ends->client, SSL_VERIFY_PEER, NULL);
    MUST(SSL_CTX_set_max_proto_version(ends->client, version) == 1);
    SSL_CTX_set_session_cache_mode(ends->client, SSL_SESS_CACHE_CLIENT);
    SSL_CTX_sess_set_new_cb(ends->client, keep_session);
}

static SSL *end(SSL_CTX *ctx, int server)
{
    SSL *ssl = SSL_new(ctx);

    MUST(ssl != NULL);
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    if (server)
        SSL_set_accept_state(ssl);
    else
        SSL_set_connect_state(ssl);
    return ssl;
}

static void carry(SSL *from, SSL *to)
{
    char bytes[16384];
    int n;

    while ((n = BIO_read(SSL_get_wbio(from), bytes, sizeof bytes)) > 0)
        MUST(BIO_write(SSL_get_rbio(to), bytes, n) == n);
}

static void shake(SSL *client, SSL *server)
{
    char byte;

    for (int i = 0; i < 10 && !(SSL_is_init_finished(client) && SSL_is_init_finished(server));
         i++) {
        SSL_do_handshake(client);
        carry(client, server);
        SSL_do_handshake(server);
        carry(server, client);
    }
    MUST(SSL_is_init_finished(client) && SSL_is_init_finished(server));
    MUST(SSL_read(client, &byte, 1) <= 0); /* tickets */
    ERR_clear_error();
}

static void finish(SSL *ssl)
{
    SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(ssl);
}

static void one_handshake(endpoints *ends, int resume)
{
    SSL *client = end(ends->client, 0), *server = end(ends->server, 1);

    SSL_set_app_data(client, resume ? ends : NULL);
    if (resume && ends->session != NULL) {
        MUST(SSL_set_session(client, ends->session) == 1);
        SSL_SESSION_free(ends->session);
        ends->session = NULL;
    }
    shake(client, server);
    if (resume && ends->session == NULL)
        ends->session = SSL_get1_session(client);
    finish(client);
    finish(server);
}

static void prepare_ec13(void)
{
    make_ends(&ec13, "ec", TLS1_3_VERSION);
}
static void prepare_rsa13(void)
{
    make_ends(&rsa13, "rsa", TLS1_3_VERSION);
}
static void prepare_ec12(void)
{
    make_ends(&ec12, "ec", TLS1_2_VERSION);
}
static void prepare_resume13(void)
{
    make_ends(&resume13, "ec", TLS1_3_VERSION);
}
static void prepare_resume12(void)
{
    make_ends(&resume12, "ec", TLS1_2_VERSION);
}
static void hs_ec13(void)
{
    one_handshake(&ec13, 0);
}
static void hs_rsa13(void)
{
    one_handshake(&rsa13, 0);
}
static void hs_ec12(void)
{
    one_handshake(&ec12, 0);
}
static void hs_resume13(void)
{
    one_handshake(&resume13, 1);
}
static void hs_resume12(void)
{
    one_handshake(&resume12, 1);
}

/* ---- data ---- */

static SSL *a, *b, *sa, *sb;
static char kilobytes[16384];

static void prepare_pair(void)
{
    if (a != NULL)
        return;
    if (ec13.client == NULL)
        prepare_ec13();
    a = end(ec13.client, 0);
    b = end(ec13.server, 1);
    shake(a, b);
}

static void ping(SSL *from, SSL *to, size_t len)
{
    static char got[16384];
    size_t done = 0;

    MUST(SSL_write(from, kilobytes, (int)len) == (int)len);
    carry(from, to);
    while (done < len) {
        int n = SSL_read(to, got, sizeof got);

        MUST(n > 0);
        done += (size_t)n;
    }
}

static void pp_mem(void)
{
    ping(a, b, 64);
    ping(b, a, 64);
}

static void bulk_mem(void)
{
    ping(a, b, sizeof kilobytes);
}

static void prepare_sockets(void)
{
    int fds[2];

    prepare_pair();
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    sa = end(ec13.client, 0);
    sb = end(ec13.server, 1);
    shake(sa, sb);
    SSL_set_fd(sa, fds[0]);
    SSL_set_fd(sb, fds[1]);
}

static void sock_ping(SSL *from, SSL *to)
{
    char got[64];

    MUST(SSL_write(from, kilobytes, 64) == 64);
    MUST(SSL_read(to, got, 64) == 64);
}

static void pp_sock(void)
{
    sock_ping(sa, sb);
    sock_ping(sb, sa);
}

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

static void subject_cn(void)
{
    const X509_NAME *name = X509_get_subject_name(cert);
    const int index = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    unsigned char *text = NULL;

    MUST(ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index))) >
         0);
    OPENSSL_free(text);
}

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

static void components(void)
{
    const X509_NAME *name = X509_get_subject_name(cert);

    for (int i = 0; i < X509_NAME_entry_count(name); i++) {
        const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);

        MUST(OBJ_nid2sn(OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry))) != NULL);
        MUST(ASN1_STRING_get0_data(X509_NAME_ENTRY_get_data(entry)) != NULL);
    }
}

static void extensions(void)
{
    for (int i = 0; i < X509_get_ext_count(cert); i++) {
        X509_EXTENSION *ext = X509_get_ext(cert, i);

        MUST(OBJ_obj2nid(X509_EXTENSION_get_object(ext)) != NID_undef);
    }
}

static void extension_text(void)
{
    BIO *bio = BIO_new(BIO_s_mem());

    MUST(X509V3_EXT_print(bio, X509_get_ext(cert, 3), 0, 0) == 1);
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
    MUST(EVP_DigestSign(ctx, out, &len, (const unsigned char *)kilobytes, 64) == 1);
    EVP_MD_CTX_free(ctx);
    return len;
}

static void verify(EVP_PKEY *key, const unsigned char *sig, size_t len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    MUST(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1);
    MUST(EVP_DigestVerify(ctx, sig, len, (const unsigned char *)kilobytes, 64) == 1);
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

static double ctx_cafile_first(void)
{
    const double start = seconds();

    ctx_cafile();
    return 1 / (seconds() - start);
}

/* ---- many connections ---- */

enum { MANY = 1000 };

static double mem_1000(void)
{
    static SSL *clients[MANY], *servers[MANY];
    double before;

    if (ec13.client == NULL)
        prepare_ec13();
    before = resident_kib();
    for (int i = 0; i < MANY; i++) {
        clients[i] = end(ec13.client, 0);
        servers[i] = end(ec13.server, 1);
        shake(clients[i], servers[i]);
    }
    before = (resident_kib() - before) / (2 * MANY);
    for (int i = 0; i < MANY; i++) {
        finish(clients[i]);
        finish(servers[i]);
    }
    return 1 / before; /* smaller is better: the driver turns it round */
}

const workload workloads[] = {
    { "ctx_cafile_first", NULL, NULL, ctx_cafile_first },
    { "hs_tls13_ec", prepare_ec13, hs_ec13, NULL },
    { "hs_tls13_rsa", prepare_rsa13, hs_rsa13, NULL },
    { "hs_tls12_ec", prepare_ec12, hs_ec12, NULL },
    { "hs_tls13_resume", prepare_resume13, hs_resume13, NULL },
    { "hs_tls12_resume", prepare_resume12, hs_resume12, NULL },
    { "pp_mem", prepare_pair, pp_mem, NULL },
    { "bulk_mem_16k", prepare_pair, bulk_mem, NULL },
    { "pp_sock", prepare_sockets, pp_sock, NULL },
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
    { "mem_1000", NULL, NULL, mem_1000 },
    { NULL, NULL, NULL, NULL },
};
