/*
 * What the tests under load share: contexts, connections whose both ends are
 * here, what these say to each other, and what the process holds.
 *
 * Any thread may call these: they return what went wrong, and assert nothing.
 */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <openssl/evp.h>
#include <pthread.h>

#include <pyossl.h>

#include "owned.h"
#include "script.h"

/* LOAD=full in the environment asks for the figures of a release, which takes minutes. */
size_t load_count(size_t quick, size_t full);

/* Seconds, of a clock that only moves forward. */
double load_clock(void);

/* ---- what the process holds ---- */

typedef struct footprint {
    long resident, heap; /* bytes: of the process, and of what was allocated and not released */
    long fds, threads;
} footprint;

/* After free memory was given back; OpenSSL's texts of errors of this thread, too. */
footprint footprint_now(void);

/* Whether memory can be told: a sanitizer keeps what is released. */
bool footprint_exact(void);

/* ---- contexts ---- */

typedef enum version { TLS_1_2, TLS_1_3, VERSIONS } version;

/* Contexts that are replaced, and whose certificate is, while others use them. */
typedef struct world {
    pthread_mutex_t lock;
    pyossl_ctx *client[VERSIONS], *server[VERSIONS];
    unsigned generation; /* how often they were replaced */
    pyossl_x509 *cert[2], *intermediate;
    pyossl_pkey *key[2];
} world;

pyossl_status world_open(world *self);
pyossl_status world_replace(world *self);             /* other contexts from here on */
pyossl_status world_renew(world *self, unsigned which); /* another certificate, same contexts */
void world_close(world *self);

/* Both contexts, the caller's to release; returns the generation. */
unsigned world_take(world *self, version at, pyossl_ctx **client, pyossl_ctx **server);

/* ---- connections ---- */

typedef enum carrier { MEMORY, SOCKETS, FUNCTIONS } carrier;

typedef struct duo {
    pyossl_conn *client, *server;
    carrier by;
    int fds[2];
    wire to_client, to_server;
    script client_script, server_script;
} duo;

/* Zeroed before its first use. */
pyossl_status duo_open(duo *self, pyossl_ctx *client, pyossl_ctx *server, carrier by);

/* What memory holds for the other side. */
pyossl_status duo_carry(duo *self);

void duo_close(duo *self);

/* ---- what is said ---- */

/*
 * One side: it shakes hands, the client says its text and then listens, the
 * server the other way round, and both close. What was said and what was heard
 * is hashed as it goes out and comes in.
 */
typedef struct talker {
    pyossl_conn *conn;
    bool client;
    const unsigned char *text, *expected; /* @expected may be NULL */
    size_t len, due;
    size_t said, heard;
    int at;
    bool wrong; /* heard what was not said */
    EVP_MD_CTX *out, *in;
} talker;

/* For many talks; the two hashes are kept. */
bool talker_init(talker *self);
void talker_begin(talker *self, pyossl_conn *conn, bool client, const unsigned char *text,
                  size_t len, const unsigned char *expected, size_t due);
void talker_free(talker *self);

/* As far as the transport allows: what it waits for, PYOSSL_CLOSED at the end, or how it failed. */
pyossl_status talker_step(talker *self);

/* The same, waiting on a descriptor; signals are counted. */
pyossl_status talker_run(talker *self, unsigned *interruptions);

/* Whether @to heard to the last byte what @from said. */
bool talker_same(talker *from, talker *to);

/* Both sides, by this thread, until both are over or nothing moves. */
void talk(duo *between, talker *client, talker *server, pyossl_status *of_client,
          pyossl_status *of_server);

/* The same bytes in each run; of any length up to TEXT_MAX from any place below it. */
enum { TEXT_MAX = 1 << 18 };
const unsigned char *some_text(size_t at);

/* Numbers without an order, the same in each run. */
unsigned next_random(unsigned *state);

#endif
