/*
 * A call of every exported function, made from the headers (make_calls.py), with
 * arguments that work and with some that do not, on connections in three states.
 * Whoever includes this says what happens right before a call, and right after it.
 */
#ifndef CALLS_H
#define CALLS_H

/* Calls that leave an argument out are no mistakes here for a compiler to warn of. */
#define PYOSSL_BUILDING

#include "test.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/sslerr.h>

#include "owned.h"
#include "pair.h"
#include "pyossl/openssl.h"

enum { TRACE_MAX = 256 };

static const char WRONG[] = "no/such/thing"; /* as text, as data, and as a path */

enum {
    NEEDS_CTX = 1 << 0,
    NEEDS_CONN = 1 << 1,
    NEEDS_SESSION = 1 << 2,
    NEEDS_PKEY = 1 << 3,
    NEEDS_NAME = 1 << 4,
    NEEDS_EXT = 1 << 5,
    NEEDS_X509 = 1 << 6,
    NEEDS_REQ = 1 << 7,
    NEEDS_CRL = 1 << 8,
    NEEDS_REVOKED = 1 << 9,
    NEEDS_STORE = 1 << 10,
    NEEDS_PKCS7 = 1 << 11,
    NEEDS_PKCS12 = 1 << 12,
    NEEDS_SPKI = 1 << 13
};

typedef enum conn_state { CONN_NEW, CONN_CLIENT, CONN_SERVER, CONN_STATES } conn_state;

typedef struct fixture {
    pyossl_ctx *ctx;
    pyossl_conn *conn;
    pyossl_session *session;
    pyossl_pkey *pkey;
    pyossl_name *name;
    pyossl_ext *ext;
    pyossl_x509 *x509;
    pyossl_req *req;
    pyossl_crl *crl;
    pyossl_revoked *revoked;
    pyossl_store *store;
    pyossl_pkcs7 *pkcs7;
    pyossl_pkcs12 *pkcs12;
    pyossl_spki *spki;
    pair both;
    bool has_pair;
    pyossl_buf made; /* what is loaded again */
    script play;
    wire wire;
    int fd;
    unsigned char room[64];

    bool bad;              /* arguments that do not work */
    unsigned without;      /* which argument is left out; 0 for none */
    unsigned wrong_text;   /* which text alone is wrong; 0 for none */
    size_t stale;          /* entries to put into OpenSSL's queue */
    size_t queued;         /* entries there after the call */
    pyossl_status status;  /* what the call returned; PYOSSL_OK where that is no status */
    bool failed;           /* the status is an error ... */
    bool explained;        /* ... and its record says which, and why */
    bool wrote;            /* an output is not what it was */
    char trace[TRACE_MAX]; /* all that the call answered */
} fixture;

typedef struct call {
    const char *function;
    void (*make)(fixture *f);
    unsigned needs;
    unsigned variants; /* how many ways there are to leave an argument out */
    unsigned texts;    /* how many of its arguments are texts */
} call;

typedef struct blob {
    const void *data;
    size_t len;
} blob;

static const blob wrong_blob = { WRONG, sizeof WRONG - 1 };
static const pyossl_passphrase secret = { "secret", 6, NULL, NULL };
static const pyossl_passphrase wrong = { "wrong", 5, NULL, NULL };

static void call_begins(fixture *f);
static void call_ended(fixture *f);

/* ---- what calls answered ---- */

static void note(fixture *f, long long value)
{
    const size_t len = strlen(f->trace);

    (void)snprintf(f->trace + len, sizeof f->trace - len, " %lld", value);
}

static void note_output(fixture *f, long long value)
{
    f->wrote |= value != 0;
    note(f, value);
}

static void note_status(fixture *f, pyossl_status status)
{
    const pyossl_error *error = pyossl_error_last();
    const size_t len = strlen(f->trace);

    f->status = status;
    f->failed = pyossl_status_classify(status) == PYOSSL_CLASS_ERROR;
    f->explained = pyossl_error_status(error) == status && pyossl_error_count(error) > 0 &&
                   test_reason()[0] != '\0';
    (void)snprintf(f->trace + len, sizeof f->trace - len, " %s %s", pyossl_status_name(status),
                   f->failed ? test_reason() : "");
}

/* ---- what calls are made with ---- */

static blob file(const char *name)
{
    static unsigned char bytes[65536];
    FILE *from = fopen(name, "rb");
    blob out = { bytes, 0 };

    assert_non_null(from);
    out.len = fread(bytes, 1, sizeof bytes, from);
    fclose(from);
    assert_true(out.len > 0);
    return out;
}

static blob blob_for(const fixture *f, const char *function, const char *parameter)
{
    static const struct {
        const char *function, *path;
    } files[] = {
        { "pyossl_x509_load", DATA("server.pem") },
        { "pyossl_x509_load_all", DATA("chain.pem") },
        { "pyossl_req_load", DATA("request.pem") },
        { "pyossl_crl_load", DATA("crl.pem") },
        { "pyossl_pkcs7_load", DATA("pkcs7-signed.pem") },
        { "pyossl_pkcs12_load", DATA("modern.p12") },
        { "pyossl_spki_load", DATA("spkac.txt") },
        { "pyossl_pkey_load_private", DATA("rsa-aes256.pem") },
        { "pyossl_pkey_load_public", DATA("rsa-public.pem") },
        { "pyossl_ctx_set_tmp_dh", DATA("dh.pem") },
    };
    static const struct {
        const char *parameter, *text;
    } texts[] = {
        { "protos", "\2h2" },          { "when", "20300101000000Z" }, { "address", "127.0.0.1" },
        { "value", "CA:TRUE" },        { "name", "localhost" },       { "utf8", "localhost" },
        { "label", "EXPORTER-tests" }, { "text", "challenge" },
    };

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (strcmp(function, files[i].function) == 0)
            return file(files[i].path);
    if (f->made.data != NULL && strstr(function, "_load") != NULL)
        return (blob){ f->made.data, f->made.len };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (strcmp(parameter, texts[i].parameter) == 0)
            return (blob){ texts[i].text, strlen(texts[i].text) };
    return (blob){ "data", 4 };
}

#include "calls.inc"

/* ---- fixtures ---- */

static void connect_pair(fixture *f, conn_state state)
{
    f->has_pair = true;
    pair_contexts(&f->both, state == CONN_SERVER ? PAIR_TLS1_2 : PAIR_TLS1_3);
    pair_connect(&f->both, PAIR_MEMORY, 0);
    if (state != CONN_NEW)
        assert_ok(pair_handshake(&f->both));
    f->ctx = state == CONN_SERVER ? f->both.server_ctx : f->both.client_ctx;
    f->conn = pyossl_conn_ref(state == CONN_SERVER ? f->both.server : f->both.client);
    if (state == CONN_NEW) { /* a role and a transport are still to be chosen */
        pyossl_conn_unref(f->conn);
        assert_ok(pyossl_conn_new(&f->conn, f->ctx));
    }
}

static void prepare_session(fixture *f)
{
    assert_ok(pyossl_conn_session(f->both.client, &f->session));
    assert_ok(pyossl_session_dump(f->session, &f->made));
}

static void prepare_certificate(fixture *f)
{
    const blob pem = file(DATA("server-ec.pem"));

    assert_ok(pyossl_x509_load(&f->x509, PYOSSL_PEM, pem.data, pem.len));
    assert_ok(pyossl_x509_subject(f->x509, &f->name));
    assert_ok(pyossl_ext_new(&f->ext, "basicConstraints", 1, "CA:TRUE", 7, NULL, NULL));
}

static void prepare_key(fixture *f)
{
    const blob pem = file(DATA("ec.pem"));

    assert_ok(pyossl_pkey_load_private(&f->pkey, PYOSSL_PEM, pem.data, pem.len, NULL));
}

static void prepare_lists(fixture *f)
{
    const blob pem = file(DATA("crl.pem"));

    assert_ok(pyossl_crl_load(&f->crl, PYOSSL_PEM, pem.data, pem.len));
    assert_ok(pyossl_crl_revoked_at(f->crl, 0, &f->revoked));
}

static void prepare_containers(fixture *f)
{
    blob from = file(DATA("pkcs7-signed.pem"));

    assert_ok(pyossl_pkcs7_load(&f->pkcs7, PYOSSL_PEM, from.data, from.len));
    from = file(DATA("modern.p12"));
    assert_ok(pyossl_pkcs12_load(&f->pkcs12, from.data, from.len, &secret));
    from = file(DATA("spkac.txt"));
    assert_ok(pyossl_spki_load(&f->spki, from.data, from.len));
    from = file(DATA("request.pem"));
    assert_ok(pyossl_req_load(&f->req, PYOSSL_PEM, from.data, from.len));
    assert_ok(pyossl_store_new(&f->store));
}

static void prepare(fixture *f, const call *what, conn_state state)
{
    if ((what->needs & (NEEDS_CTX | NEEDS_CONN | NEEDS_SESSION)) != 0)
        connect_pair(f, (what->needs & NEEDS_SESSION) != 0 ? CONN_CLIENT : state);
    if (strstr(what->function, "_session_") != NULL && f->has_pair && state != CONN_NEW)
        prepare_session(f);
    if (f->session == NULL && (what->needs & NEEDS_SESSION) != 0)
        prepare_session(f);
    if ((what->needs & (NEEDS_X509 | NEEDS_NAME | NEEDS_EXT)) != 0 ||
        strcmp(what->function, "pyossl_name_load") == 0)
        prepare_certificate(f);
    if (strcmp(what->function, "pyossl_name_load") == 0)
        assert_ok(pyossl_name_dump(f->name, &f->made));
    if ((what->needs & NEEDS_PKEY) != 0)
        prepare_key(f);
    if ((what->needs & (NEEDS_CRL | NEEDS_REVOKED)) != 0)
        prepare_lists(f);
    if ((what->needs & (NEEDS_PKCS7 | NEEDS_PKCS12 | NEEDS_SPKI | NEEDS_REQ | NEEDS_STORE)) != 0)
        prepare_containers(f);
    script_init(&f->play, &f->wire, &f->wire);
    f->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(f->fd >= 0);
}

static void clean(fixture *f)
{
    pyossl_conn_unref(f->conn);
    pyossl_session_unref(f->session);
    pyossl_pkey_unref(f->pkey);
    pyossl_name_unref(f->name);
    pyossl_ext_unref(f->ext);
    pyossl_x509_unref(f->x509);
    pyossl_req_unref(f->req);
    pyossl_crl_unref(f->crl);
    pyossl_revoked_unref(f->revoked);
    pyossl_store_unref(f->store);
    pyossl_pkcs7_unref(f->pkcs7);
    pyossl_pkcs12_unref(f->pkcs12);
    pyossl_spki_unref(f->spki);
    pyossl_buf_clear(&f->made);
    wire_clear(&f->wire);
    if (f->has_pair)
        pair_free(&f->both);
    close(f->fd);
}

#endif
