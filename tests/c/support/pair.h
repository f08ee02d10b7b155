/*
 * A client and a server that talk to each other, over any transport.
 *
 * The server has the certificate `server-ec` (tests/data), the client trusts
 * `root` and verifies. Both are driven by the test's one thread.
 */
#ifndef PAIR_H
#define PAIR_H

#include <stdbool.h>
#include <stddef.h>

#include "pyossl/conn.h"
#include "pyossl/ctx.h"

#include "script.h"

typedef enum pair_kind {
    PAIR_MEMORY, /* pyossl_conn_feed() and _drain() */
    PAIR_SOCKET, /* a pair of sockets, in blocking mode */
    PAIR_PIPES,  /* one pipe for each direction */
    PAIR_USER,   /* one scripted transport on each side */
    PAIR_SPLIT   /* a scripted transport for each direction of each side */
} pair_kind;

/* Protocol versions, as numbers of OpenSSL. */
enum { PAIR_TLS1_2 = 0x0303, PAIR_TLS1_3 = 0x0304, PAIR_DTLS1_2 = 0xfefd };

typedef struct pair {
    pyossl_ctx *client_ctx, *server_ctx;
    pyossl_conn *client, *server;
    pair_kind kind;
    size_t step; /* bytes a move at most, 0 for any number */
    bool datagrams;
    int client_fds[2], server_fds[2];     /* to read, to write; -1 for none */
    int relay_client[2], relay_server[2]; /* our ends of them, where bytes are counted out */
    wire to_client, to_server;
    script client_script, server_script; /* PAIR_USER; readers of PAIR_SPLIT */
    script client_writer, server_writer; /* PAIR_SPLIT */
} pair;

/* Contexts for this version and no other. */
void pair_contexts(pair *self, int version);

/* A connection on each context, connected. Scripts may be changed before the first exchange. */
void pair_connect(pair *self, pair_kind kind, size_t step);

/* pair_contexts(), pair_connect(), pair_handshake(), which must work. */
void pair_establish(pair *self, int version, pair_kind kind, size_t step);

/* Carry what the transport does not carry by itself. True if anything moved. */
bool pair_move(pair *self);

/*
 * Drive both sides until both have finished or one has failed. Its status is
 * returned; *client and *server tell both. The record is the failing side's.
 */
pyossl_status pair_handshake(pair *self);
pyossl_status pair_handshake_both(pair *self, pyossl_status *client, pyossl_status *server);

/* Write all of @data on one side and read it on the other; both must work. */
void pair_send(pair *self, pyossl_conn *from, pyossl_conn *to, const void *data, size_t len);

/* Read once on @conn, moving bytes while it wants some and there are any. */
pyossl_status pair_read(pair *self, pyossl_conn *conn, void *buf, size_t cap, size_t *done);

/* Close alerts both ways, which must work. */
void pair_shutdown(pair *self);

/* The transport ends without a close alert, as @conn sees it. */
void pair_cut(pair *self, pyossl_conn *conn);

/* The connections, but not the contexts. */
void pair_disconnect(pair *self);
void pair_free(pair *self);

#endif
