/* A pair whose sessions are to resume, or not, and what tests of that share. */
#ifndef RESUMPTION_H
#define RESUMPTION_H

#include "test.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/ssl.h>

#include "material.h"
#include "owned.h"
#include "pair.h"

enum { FAIL_WITHOUT = PYOSSL_VERIFY_PEER | PYOSSL_VERIFY_FAIL_IF_NO_PEER_CERT };

/* ---- ways ---- */

static const struct way {
    const char *name;
    int version;
    bool stateful; /* the server keeps the session, and gives out its number */
} ways[] = {
    { "1.2 session id", PAIR_TLS1_2, true },
    { "1.2 ticket", PAIR_TLS1_2, false },
    { "1.3 ticket", PAIR_TLS1_3, false },
    { "1.3 session id", PAIR_TLS1_3, true },
};

static const pair_kind kinds[] = { PAIR_MEMORY, PAIR_SOCKET };

/* ---- a pair with what a row needs beside ---- */

typedef struct world {
    const struct way *way;
    pair both;
    pyossl_ctx *site;     /* what the name "b.test" leads to */
    pyossl_session *session;
    const char *name;     /* that the client asks for, or NULL */
    int asked;            /* how often the program was, about the name */
    int server_verify;    /* what its next connection is told, or -1 */
    int client_verify;
    const char *hostname; /* that its next connection must have, or NULL */
    bool fresh;           /* the session is still to be dumped and loaded */
    const char *client_groups, *client_sigalgs; /* of its next connection alone, or NULL */
    const char *server_client_sigalgs;
} world;

typedef void change(world *self);

typedef enum outcome { RESUMED, JUDGED, REFUSED } outcome;

typedef struct row {
    const char *name;
    change *prepare, *change;
    outcome outcome;
    bool tickets_only; /* what the server keeps is in one context */
} row;

static inline void read_tickets(world *self)
{
    unsigned char byte;
    size_t done;

    assert_status(pair_read(&self->both, self->both.client, &byte, 1, &done), PYOSSL_WANT_READ);
}

static inline void connect_pair(world *self, pair_kind kind)
{
    pair *both = &self->both;

    pair_connect(both, kind, 0);
    if (self->name != NULL)
        assert_ok(pyossl_conn_set_servername(both->client, self->name, strlen(self->name)));
    if (self->client_groups != NULL)
        assert_ok(pyossl_conn_set_groups(both->client, self->client_groups));
    if (self->client_sigalgs != NULL)
        assert_ok(pyossl_conn_set_sigalgs(both->client, self->client_sigalgs));
    if (self->server_client_sigalgs != NULL)
        assert_ok(pyossl_conn_set_client_sigalgs(both->server, self->server_client_sigalgs));
    if (self->hostname != NULL)
        assert_ok(pyossl_conn_set_verify_hostname(both->client, self->hostname,
                                                  strlen(self->hostname), 0));
    if (self->client_verify >= 0)
        assert_ok(pyossl_conn_set_verify(both->client, self->client_verify, NULL, NULL, NULL));
    if (self->server_verify >= 0)
        assert_ok(pyossl_conn_set_verify(both->server, self->server_verify, NULL, NULL, NULL));
}

/* ---- material ---- */

static inline void use_chain(pyossl_ctx *ctx, pyossl_x509 *cert, const char *key)
{
    OWNED(x509) authority = material_cert(DATA("intermediate.pem"));
    OWNED(pkey) pkey = material_key(key);

    assert_ok(pyossl_ctx_use_identity(ctx, cert, pkey, &authority, 1));
}

static inline void use_file(pyossl_ctx *ctx, const char *path, const char *key)
{
    OWNED(x509) cert = material_cert(path);

    use_chain(ctx, cert, key);
}

/* Like the certificate in @path, but only for so many @seconds from now. */
static inline void use_short(pyossl_ctx *ctx, const char *path, const char *key, int64_t seconds)
{
    OWNED(x509) cert = material_cert(path);
    OWNED(pkey) authority = material_key(DATA("intermediate-key.pem"));

    assert_ok(pyossl_x509_adj_not_after(cert, seconds));
    assert_ok(pyossl_x509_sign(cert, authority, "sha256"));
    use_chain(ctx, cert, key);
}

/* A list by `intermediate` on which nobody of ours is. */
static inline void add_crl(pyossl_ctx *ctx, int64_t seconds)
{
    OWNED(store) store = NULL;
    OWNED(crl) crl = NULL;
    OWNED(pkey) authority = material_key(DATA("intermediate-key.pem"));
    OWNED_BUF text = material_read(DATA("crl.pem"));
    char when[32];
    const time_t then = time(NULL) + (time_t)seconds;
    struct tm parts;

    assert_non_null(gmtime_r(&then, &parts));
    assert_int_equal(strftime(when, sizeof when, "%Y%m%d%H%M%SZ", &parts), 15);
    assert_ok(pyossl_crl_load(&crl, PYOSSL_PEM, text.data, text.len));
    assert_ok(pyossl_crl_set_next_update(crl, when, 15));
    assert_ok(pyossl_crl_sign(crl, authority, "sha256"));
    assert_ok(pyossl_ctx_store(ctx, &store));
    assert_ok(pyossl_store_add_crl(store, crl));
}

static inline void check_crls(pyossl_ctx *ctx)
{
    OWNED(store) store = NULL;

    assert_ok(pyossl_ctx_store(ctx, &store));
    assert_ok(pyossl_store_set_flags(store, PYOSSL_STORE_CRL_CHECK));
}

static inline pyossl_answer accept_all(pyossl_conn *conn, const pyossl_verify_event *event, void *userdata)
{
    (void)conn;
    (void)event;
    (void)userdata;
    return PYOSSL_ANSWER_ACCEPT;
}

/* What every server here has. */
static inline void fill_server(const world *self, pyossl_ctx *ctx)
{
    assert_ok(pyossl_ctx_set_min_version(ctx, self->way->version));
    assert_ok(pyossl_ctx_set_max_version(ctx, self->way->version));
    if (self->way->stateful)
        assert_ok(pyossl_ctx_set_options(ctx, SSL_OP_NO_TICKET));
    use_file(ctx, DATA("server-ec.pem"), DATA("ec.pem"));
}

static inline pyossl_ctx *new_server(const world *self)
{
    pyossl_ctx *ctx = NULL;

    assert_ok(pyossl_ctx_new(&ctx, PYOSSL_TLS));
    fill_server(self, ctx);
    return ctx;
}

static inline void trust(pyossl_ctx *ctx, const char *path)
{
    assert_ok(pyossl_ctx_load_verify_locations(ctx, path, NULL));
}

/* ---- preparing ---- */

static inline void plain(world *self)
{
    (void)self;
}

/* The server could judge, and does not. */
static inline void lax_server(world *self)
{
    trust(self->both.server_ctx, DATA("root.pem"));
}

static inline void with_client_cert(world *self)
{
    use_file(self->both.client_ctx, DATA("client.pem"), DATA("client-key.pem"));
}

static inline void strict_server(world *self)
{
    lax_server(self);
    with_client_cert(self);
    assert_ok(pyossl_ctx_set_verify(self->both.server_ctx, FAIL_WITHOUT, NULL, NULL, NULL));
}

static inline void lenient_server(world *self)
{
    use_file(self->both.client_ctx, DATA("client.pem"), DATA("client-key.pem"));
    assert_ok(pyossl_ctx_set_verify(self->both.server_ctx, FAIL_WITHOUT, accept_all, NULL, NULL));
}

static inline void lax_client(world *self)
{
    assert_ok(pyossl_ctx_set_verify(self->both.client_ctx, PYOSSL_VERIFY_NONE, NULL, NULL, NULL));
    use_file(self->both.server_ctx, DATA("stranger.pem"), DATA("client-key.pem"));
}

static inline void lenient_client(world *self)
{
    lax_client(self);
    assert_ok(pyossl_ctx_set_verify(self->both.client_ctx, PYOSSL_VERIFY_PEER, accept_all, NULL,
                                    NULL));
}

/* ---- before and after a change ---- */

static inline void begin(world *self, const struct way *way, pair_kind kind, change *prepare)
{
    memset(self, 0, sizeof *self);
    self->way = way;
    self->server_verify = self->client_verify = -1;
    pair_contexts(&self->both, way->version);
    pyossl_ctx_unref(self->both.server_ctx);
    self->both.server_ctx = new_server(self);
    prepare(self);
    connect_pair(self, kind);
    assert_ok(pair_handshake(&self->both));
    read_tickets(self);
    assert_int_equal(pyossl_conn_resumed(self->both.client), 0);
    assert_ok(pyossl_conn_session(self->both.client, &self->session));
    assert_int_equal(pyossl_session_resumable(self->session), 1);
    pair_disconnect(&self->both);
}

/* Whether the client would have been let in without the session. */
static inline bool lets_in(world *self, pair_kind kind)
{
    const pyossl_status status = (connect_pair(self, kind), pair_handshake(&self->both));

    pair_disconnect(&self->both);
    return status == PYOSSL_OK;
}

static inline void end(world *self, pair_kind kind, outcome expected)
{
    const bool let_in = lets_in(self, kind);
    pyossl_status status;

    assert_int_equal(let_in, expected != REFUSED);
    self->asked = 0;
    connect_pair(self, kind);
    assert_ok(pyossl_conn_set_session(self->both.client, self->session));
    status = pair_handshake(&self->both);
    assert_int_equal(status == PYOSSL_OK, expected != REFUSED);
    assert_int_equal(pyossl_conn_resumed(self->both.server), expected == RESUMED);
    assert_int_equal(pyossl_conn_resumed(self->both.client), expected == RESUMED);
    assert_int_equal(self->asked, self->site != NULL);
    if (self->name != NULL)
        assert_string_equal(pyossl_conn_servername(self->both.server), self->name);
    if (expected != REFUSED)
        read_tickets(self);
    pyossl_session_unref(self->session);
    pyossl_ctx_unref(self->site);
    pair_free(&self->both);
}

#endif
