/*
 * What the library takes for what peers send and files hold, in three sizes, each twice the last:
 * counted by the caller, who has callgrind count and dump what counted() does. Prints a line for
 * each: its name, the size, and who did it. See tests/tools/growth.py.
 *
 *   cost FOLDER [quick]   the folder is an empty one, for files
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include <pyossl.h>

#include "made.h"
#include "meet.h"

enum { SIZES = 3 };

typedef struct row {
    const char *name;
    size_t size; /* the first of three; a quick run takes a quarter of it */
    made (*make)(size_t n);
    void (*ours)(const made *in);
    void (*openssl)(const made *in); /* where OpenSSL is not linear itself */
} row;

/* What is counted, and dumped at its end. */
__attribute__((noinline)) void counted(void (*work)(const made *in), const made *in);
void counted(void (*work)(const made *in), const made *in)
{
    work(in);
    __asm__ volatile("" ::: "memory");
}

static void take(pyossl_status status, pyossl_buf *out)
{
    if (status == PYOSSL_OK)
        pyossl_buf_clear(out);
}

/* ---- certificates, requests, lists ---- */

static void ask_name(pyossl_name *name)
{
    pyossl_buf out = PYOSSL_BUF_INIT;
    pyossl_name_entry entry;
    unsigned long hash;

    for (size_t i = 0; i < pyossl_name_count(name); i++)
        CHECK(pyossl_name_entry_at(name, i, &entry) == PYOSSL_OK);
    take(pyossl_name_get(name, "CN", &out), &out);
    take(pyossl_name_oneline(name, &out), &out);
    take(pyossl_name_dump(name, &out), &out);
    CHECK(pyossl_name_hash(name, &hash) == PYOSSL_OK);
}

static void ask_ext(pyossl_ext *ext)
{
    pyossl_buf out = PYOSSL_BUF_INIT;
    int type;

    CHECK(pyossl_ext_short_name(ext) != NULL);
    take(pyossl_ext_data(ext, &out), &out);
    take(pyossl_ext_oid(ext, &out), &out);
    take(pyossl_ext_text(ext, &out), &out);
    for (size_t i = 0; pyossl_ext_general_name_at(ext, i, &type, &out) == PYOSSL_OK; i++)
        pyossl_buf_clear(&out);
    pyossl_ext_unref(ext);
}

static void ask_cert(const made *in)
{
    pyossl_buf out = PYOSSL_BUF_INIT;
    pyossl_x509 *cert = NULL;
    pyossl_name *name = NULL;
    unsigned long hash;
    int expired;

    CHECK(pyossl_x509_load(&cert, PYOSSL_DER, in->data, in->len) == PYOSSL_OK);
    take(pyossl_x509_serial(cert, &out), &out);
    take(pyossl_x509_not_after(cert, &out), &out);
    CHECK(pyossl_x509_has_expired(cert, &expired) == PYOSSL_OK);
    CHECK(pyossl_x509_subject_hash(cert, &hash) == PYOSSL_OK);
    CHECK(pyossl_x509_subject(cert, &name) == PYOSSL_OK);
    ask_name(name);
    pyossl_name_unref(name);
    for (size_t i = 0; i < pyossl_x509_ext_count(cert); i++) {
        pyossl_ext *ext = NULL;

        CHECK(pyossl_x509_ext_at(cert, i, &ext) == PYOSSL_OK);
        ask_ext(ext);
    }
    take(pyossl_x509_digest(cert, "sha256", &out), &out);
    take(pyossl_x509_dump(cert, PYOSSL_PEM, &out), &out);
    take(pyossl_x509_dump(cert, PYOSSL_TEXT, &out), &out);
    pyossl_x509_unref(cert);
}

static void ask_crl(const made *in)
{
    pyossl_buf out = PYOSSL_BUF_INIT;
    pyossl_crl *crl = NULL;

    CHECK(pyossl_crl_load(&crl, PYOSSL_DER, in->data, in->len) == PYOSSL_OK);
    for (size_t i = 0; i < pyossl_crl_count(crl); i++) {
        pyossl_revoked *revoked = NULL;

        CHECK(pyossl_crl_revoked_at(crl, i, &revoked) == PYOSSL_OK);
        take(pyossl_revoked_serial(revoked, &out), &out);
        take(pyossl_revoked_date(revoked, &out), &out);
        take(pyossl_revoked_reason(revoked, &out), &out);
        pyossl_revoked_unref(revoked);
    }
    take(pyossl_crl_dump(crl, PYOSSL_PEM, &out), &out);
    take(pyossl_crl_dump(crl, PYOSSL_TEXT, &out), &out);
    pyossl_crl_unref(crl);
}

static void ask_request(const made *in)
{
    pyossl_buf out = PYOSSL_BUF_INIT;
    pyossl_req *req = NULL;

    CHECK(pyossl_req_load(&req, PYOSSL_DER, in->data, in->len) == PYOSSL_OK);
    for (size_t i = 0; i < pyossl_req_ext_count(req); i++) {
        pyossl_ext *ext = NULL;

        CHECK(pyossl_req_ext_at(req, i, &ext) == PYOSSL_OK);
        ask_ext(ext);
    }
    take(pyossl_req_dump(req, PYOSSL_PEM, &out), &out);
    take(pyossl_req_dump(req, PYOSSL_TEXT, &out), &out);
    pyossl_req_unref(req);
}

static void ask_loose_name(const made *in)
{
    pyossl_name *name = NULL, *copy = NULL;
    int order;

    CHECK(pyossl_name_load(&name, in->data, in->len) == PYOSSL_OK);
    ask_name(name);
    CHECK(pyossl_name_copy(&copy, name) == PYOSSL_OK);
    CHECK(pyossl_name_compare(name, copy, &order) == PYOSSL_OK && order == 0);
    pyossl_name_unref(copy);
    pyossl_name_unref(name);
}

/* ---- containers ---- */

static void ask_pkcs7(const made *in)
{
    pyossl_x509_list certs = PYOSSL_X509_LIST_INIT;
    pyossl_buf out = PYOSSL_BUF_INIT;
    pyossl_pkcs7 *message = NULL;

    CHECK(pyossl_pkcs7_load(&message, PYOSSL_DER, in->data, in->len) == PYOSSL_OK);
    CHECK(pyossl_pkcs7_certs(message, &certs) == PYOSSL_OK);
    take(pyossl_pkcs7_dump(message, PYOSSL_PEM, &out), &out);
    pyossl_x509_list_clear(&certs);
    pyossl_pkcs7_unref(message);
}

static void ask_pkcs12(const made *in)
{
    const pyossl_passphrase passphrase = { .data = "secret", .len = 6 };
    pyossl_pkcs12 *bundle = NULL;

    CHECK(pyossl_pkcs12_load(&bundle, in->data, in->len, &passphrase) == PYOSSL_OK);
    for (size_t i = 0; i < pyossl_pkcs12_ca_count(bundle); i++)
        CHECK(pyossl_pkcs12_ca_at(bundle, i) != NULL);
    pyossl_pkcs12_unref(bundle);
}

static void ask_spkac(const made *in)
{
    pyossl_buf out = PYOSSL_BUF_INIT;
    pyossl_spki *spki = NULL;

    CHECK(pyossl_spki_load(&spki, (const char *)in->data, in->len) == PYOSSL_OK);
    take(pyossl_spki_challenge(spki, &out), &out);
    take(pyossl_spki_dump(spki, &out), &out);
    pyossl_spki_unref(spki);
}

/* Whether there is a key in it is no matter: it is looked for. */
static void ask_text(const made *in)
{
    pyossl_pkey *key = NULL;
    pyossl_x509 *cert = NULL;

    (void)!pyossl_pkey_load_private(&key, PYOSSL_PEM, in->data, in->len, NULL);
    pyossl_pkey_unref(key);
    key = NULL;
    (void)!pyossl_pkey_load_public(&key, PYOSSL_PEM, in->data, in->len);
    pyossl_pkey_unref(key);
    CHECK(pyossl_x509_load(&cert, PYOSSL_PEM, in->data, in->len) != PYOSSL_OK);
}

/* What it costs is the file's to say: rounds of key derivation, up to a limit. */
static void ask_encrypted_key(const made *in)
{
    const pyossl_passphrase passphrase = { .data = "secret", .len = 6 };
    pyossl_pkey *key = NULL;

    CHECK(pyossl_pkey_load_private(&key, PYOSSL_DER, in->data, in->len, &passphrase) == PYOSSL_OK);
    pyossl_pkey_unref(key);
}

/* From words to an extension, and from its DER to another. */
static void ask_words(const made *in)
{
    pyossl_ext *ext = NULL, *same = NULL;
    pyossl_buf der = PYOSSL_BUF_INIT;

    CHECK(pyossl_ext_new(&ext, "subjectAltName", 0, (const char *)in->data, in->len, NULL, NULL) ==
          PYOSSL_OK);
    CHECK(pyossl_ext_data(ext, &der) == PYOSSL_OK);
    CHECK(pyossl_ext_new_der(&same, "subjectAltName", 0, der.data, der.len) == PYOSSL_OK);
    pyossl_buf_clear(&der);
    pyossl_ext_unref(ext);
    ask_ext(same);
}

static void ask_all(const made *in)
{
    pyossl_x509_list certs = PYOSSL_X509_LIST_INIT;

    CHECK(pyossl_x509_load_all(&certs, in->data, in->len) == PYOSSL_OK);
    pyossl_x509_list_clear(&certs);
}

static void ask_session(const made *in)
{
    pyossl_ctx *ctx = NULL;
    pyossl_session *session = NULL;
    pyossl_buf out = PYOSSL_BUF_INIT;

    CHECK(pyossl_ctx_new(&ctx, PYOSSL_TLS) == PYOSSL_OK);
    if (pyossl_session_load(&session, ctx, in->data, in->len) == PYOSSL_OK)
        take(pyossl_session_dump(session, &out), &out);
    pyossl_session_unref(session);
    pyossl_ctx_unref(ctx);
}

/* ---- files and directories: what is made is their path ---- */

static const char *folder;
static unsigned long files;

static made path_for(void)
{
    made out = { malloc(300), 300 };

    CHECK(out.data != NULL);
    snprintf((char *)out.data, out.len, "%s/%lu", folder, files++);
    return out;
}

static made in_file(made text)
{
    made path = path_for();
    FILE *file = fopen((char *)path.data, "wb");

    CHECK(file != NULL && fwrite(text.data, 1, text.len, file) == text.len && fclose(file) == 0);
    OPENSSL_free(text.data);
    usleep(2100 * 1000); /* until it is old enough to be indexed */
    return path;
}

static made make_file(size_t n)
{
    return in_file(made_bundle(n));
}

static made make_file_of_one_name(size_t n)
{
    return in_file(made_bundle_of_one_name(n));
}

static made make_directory(size_t n)
{
    made path = path_for();

    CHECK(mkdir((char *)path.data, 0700) == 0);
    made_directory((char *)path.data, n);
    return path;
}

static pyossl_x509 *leaf(void)
{
    static made der;
    pyossl_x509 *cert = NULL;

    if (der.data == NULL)
        der = made_names(1);
    CHECK(pyossl_x509_load(&cert, PYOSSL_DER, der.data, der.len) == PYOSSL_OK);
    return cert;
}

static void judge(const char *file, const char *directory)
{
    pyossl_verdict verdict = PYOSSL_VERDICT_INIT;
    pyossl_x509 *cert = leaf();
    pyossl_store *store = NULL;

    CHECK(pyossl_store_new(&store) == PYOSSL_OK);
    CHECK(pyossl_store_load_locations(store, file, directory) == PYOSSL_OK);
    (void)!pyossl_store_verify(store, cert, NULL, 0, &verdict);
    pyossl_verdict_clear(&verdict);
    pyossl_x509_unref(cert);
    pyossl_store_unref(store);
}

static void judge_by_file(const made *in)
{
    judge((const char *)in->data, NULL);
}

static void judge_by_directory(const made *in)
{
    judge(NULL, (const char *)in->data);
}

static void openssl_judge(const char *directory)
{
    made der = made_names(1);
    const unsigned char *at = der.data;
    X509 *x509 = d2i_X509(NULL, &at, (long)der.len);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();

    CHECK(X509_STORE_load_locations(store, NULL, directory) == 1);
    CHECK(X509_STORE_CTX_init(ctx, store, x509, NULL) == 1);
    (void)!X509_verify_cert(ctx);
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    X509_free(x509);
    OPENSSL_free(der.data);
    ERR_clear_error();
}

static void openssl_by_directory(const made *in)
{
    openssl_judge((const char *)in->data);
}

/* ---- rows ---- */

static const row rows[] = {
    { "certificate, names", 400, made_names, ask_cert, NULL },
    { "certificate, extensions", 200, made_extensions, ask_cert, NULL },
    { "certificate, subject", 400, made_subject, ask_cert, NULL },
    { "certificate, serial number", 800, made_serial, ask_cert, NULL },
    { "certificates, a text", 100, made_bundle, ask_all, NULL },
    { "revocation list", 400, made_crl, ask_crl, NULL },
    { "request", 200, made_request, ask_request, NULL },
    { "name", 400, made_name, ask_loose_name, NULL },
    { "PKCS #7", 40, made_pkcs7, ask_pkcs7, NULL },
    { "PKCS #12", 40, made_pkcs12, ask_pkcs12, NULL },
    { "SPKAC", 40000, made_spkac, ask_spkac, NULL },
    { "key, rounds of its encryption", 2000, made_encrypted_key, ask_encrypted_key, NULL },
    { "extension, words", 200, made_words, ask_words, NULL },
    { "session", 10000, made_session, ask_session, NULL },
    { "PEM, lines before it", 2000, made_text, ask_text, NULL },
    { "PEM, a long line", 2000, made_line, ask_text, NULL },
    { "chain and client authorities, files", 48, make_file, use_files, NULL },
    { "trusted file", 48, make_file, judge_by_file, NULL },
    { "trusted file, one name", 48, make_file_of_one_name, judge_by_file, NULL },
    { "trusted directory, one name", 32, make_directory, judge_by_directory, openssl_by_directory },
    { "handshake, names of the peer", 400, made_names, meet_names, NULL },
    { "handshake, certificates of the peer", 24, made_bundle, meet_chain, NULL },
    { "handshake in datagrams, certificates", 12, made_bundle, meet_chain_in_datagrams, NULL },
    { "handshake, server name", 60, made_host, meet_server_name, NULL },
    { "handshake, protocols", 2400, made_protocols, meet_protocols, NULL },
    { "handshake, OCSP response", 4000, made_bytes, meet_response, NULL },
    { "records", 1600, made_bytes, meet_records, NULL },
    { "datagrams", 12800, made_bytes, meet_datagrams, NULL },
};

static void count(const row *r, size_t size)
{
    made in = r->make(size);

    r->ours(&in); /* what is done once is not counted */
    printf("%zu ours %s\n", size, r->name);
    counted(r->ours, &in);
    if (r->openssl != NULL) {
        r->openssl(&in);
        printf("%zu OpenSSL %s\n", size, r->name);
        counted(r->openssl, &in);
    }
    OPENSSL_free(in.data);
}

int main(int argc, char **argv)
{
    const size_t part = argc > 2 && strcmp(argv[2], "quick") == 0 ? 4 : 1;

    CHECK(argc > 1);
    folder = argv[1];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t k = 0; k < SIZES; k++)
            count(&rows[i], (rows[i].size / part) << k);
    return 0;
}
