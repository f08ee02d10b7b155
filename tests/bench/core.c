/* The same workloads for a C program that calls libpyossl. */
#include "worker.h"

#include <sys/socket.h>

#include <pyossl.h>

#define OK(call) MUST((call) == PYOSSL_OK)

/* ---- handshakes ---- */

typedef struct endpoints {
    pyossl_ctx *server, *client;
    pyossl_session *session;
} endpoints;

static endpoints ec13, rsa13, ec12, resume13, resume12;

static void make_ends(endpoints *ends, const char *kind, int version)
{
    char name[64];

    OK(pyossl_ctx_new(&ends->server, PYOSSL_TLS_SERVER));
    OK(pyossl_ctx_new(&ends->client, PYOSSL_TLS_CLIENT));
    snprintf(name, sizeof name, "%s-chain.pem", kind);
    OK(pyossl_ctx_use_certificate_chain_file(ends->server, fixture_path(name)));
    snprintf(name, sizeof name, "%s.key", kind);
    OK(pyossl_ctx_use_pkey_file(ends->server, fixture_path(name), PYOSSL_PEM));
    snprintf(name, sizeof name, "%s-root.pem", kind);
    OK(pyossl_ctx_load_verify_locations(ends->client, fixture_path(name), NULL));
    OK(pyossl_ctx_set_verify(ends->client, PYOSSL_VERIFY_PEER, NULL, NULL, NULL));
    OK(pyossl_ctx_set_max_version(ends->client, version));
}

static pyossl_conn *end(pyossl_ctx *ctx, pyossl_role role)
{
    pyossl_conn *conn = NULL;

    OK(pyossl_conn_new(&conn, ctx));
    OK(pyossl_conn_use_memory(conn));
    OK(pyossl_conn_set_role(conn, role));
    return conn;
}

static void carry(pyossl_conn *from, pyossl_conn *to)
{
    char bytes[16384];
    size_t n, done;

    while (pyossl_conn_drain(from, bytes, sizeof bytes, &n) == PYOSSL_OK)
        OK(pyossl_conn_feed(to, bytes, n, &done));
}

static int ready(pyossl_conn *client, pyossl_conn *server)
{
    return pyossl_conn_established(client) && pyossl_conn_established(server);
}

static void shake(pyossl_conn *client, pyossl_conn *server)
{
    size_t done;
    char byte;

    for (int i = 0; i < 10 && !ready(client, server); i++) {
        MUST(pyossl_status_classify(pyossl_conn_handshake(client)) <= PYOSSL_CLASS_RETRY);
        carry(client, server);
        MUST(pyossl_status_classify(pyossl_conn_handshake(server)) <= PYOSSL_CLASS_RETRY);
        carry(server, client);
    }
    MUST(ready(client, server));
    MUST(pyossl_conn_read(client, &byte, 1, &done) == PYOSSL_WANT_READ); /* tickets */
}

static void one_handshake(endpoints *ends, int resume)
{
    pyossl_conn *client = end(ends->client, PYOSSL_CLIENT),
                *server = end(ends->server, PYOSSL_SERVER);

    if (resume && ends->session != NULL) {
        OK(pyossl_conn_set_session(client, ends->session));
        pyossl_session_unref(ends->session);
        ends->session = NULL;
    }
    shake(client, server);
    if (resume)
        OK(pyossl_conn_session(client, &ends->session));
    pyossl_conn_unref(client);
    pyossl_conn_unref(server);
}

static void prepare_ec13(void)
{
    make_ends(&ec13, "ec", 0x304);
}
static void prepare_rsa13(void)
{
    make_ends(&rsa13, "rsa", 0x304);
}
static void prepare_ec12(void)
{
    make_ends(&ec12, "ec", 0x303);
}
static void prepare_resume13(void)
{
    make_ends(&resume13, "ec", 0x304);
}
static void prepare_resume12(void)
{
    make_ends(&resume12, "ec", 0x303);
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

static pyossl_conn *a, *b, *sa, *sb;
static char kilobytes[16384];

static void prepare_pair(void)
{
    if (a != NULL)
        return;
    if (ec13.client == NULL)
        prepare_ec13();
    a = end(ec13.client, PYOSSL_CLIENT);
    b = end(ec13.server, PYOSSL_SERVER);
    shake(a, b);
}

static void ping(pyossl_conn *from, pyossl_conn *to, size_t len)
{
    static char got[16384];
    size_t done, n;

    OK(pyossl_conn_write(from, kilobytes, len, &n));
    carry(from, to);
    for (done = 0; done < len; done += n)
        OK(pyossl_conn_read(to, got, sizeof got, &n));
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

    if (ec13.client == NULL)
        prepare_ec13();
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    OK(pyossl_conn_new(&sa, ec13.client));
    OK(pyossl_conn_new(&sb, ec13.server));
    OK(pyossl_conn_use_fd(sa, fds[0]));
    OK(pyossl_conn_use_fd(sb, fds[1]));
    OK(pyossl_conn_set_role(sa, PYOSSL_CLIENT));
    OK(pyossl_conn_set_role(sb, PYOSSL_SERVER));
    while (!ready(sa, sb)) {
        MUST(pyossl_status_classify(pyossl_conn_handshake(sa)) <= PYOSSL_CLASS_RETRY);
        MUST(pyossl_status_classify(pyossl_conn_handshake(sb)) <= PYOSSL_CLASS_RETRY);
    }
}

static void sock_ping(pyossl_conn *from, pyossl_conn *to)
{
    char got[64];
    size_t n;

    OK(pyossl_conn_write(from, kilobytes, 64, &n));
    while (pyossl_conn_read(to, got, 64, &n) != PYOSSL_OK)
        continue;
}

static void pp_sock(void)
{
    sock_ping(sa, sb);
    sock_ping(sb, sa);
}

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

static void serial(void)
{
    pyossl_buf out = PYOSSL_BUF_INIT;

    OK(pyossl_x509_serial(cert, &out));
    pyossl_buf_clear(&out);
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

static void components(void)
{
    pyossl_name_entry entry;
    pyossl_name *name = NULL;

    OK(pyossl_x509_subject(cert, &name));
    for (size_t i = 0; i < pyossl_name_count(name); i++)
        OK(pyossl_name_entry_at(name, i, &entry));
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
    OK(pyossl_pkey_sign(key, "sha256", kilobytes, 64, out));
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
    OK(pyossl_pkey_verify(key, "sha256", kilobytes, 64, sig->data, sig->len));
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
    static pyossl_conn *clients[MANY], *servers[MANY];
    double before;

    if (ec13.client == NULL)
        prepare_ec13();
    before = resident_kib();
    for (int i = 0; i < MANY; i++) {
        clients[i] = end(ec13.client, PYOSSL_CLIENT);
        servers[i] = end(ec13.server, PYOSSL_SERVER);
        shake(clients[i], servers[i]);
    }
    before = (resident_kib() - before) / (2 * MANY);
    for (int i = 0; i < MANY; i++) {
        pyossl_conn_unref(clients[i]);
        pyossl_conn_unref(servers[i]);
    }
    return 1 / before;
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
    { "ctx_cafile", prepare_cafile, ctx_cafile, NULL },
    { "mem_1000", NULL, NULL, mem_1000 },
    { NULL, NULL, NULL, NULL },
};
