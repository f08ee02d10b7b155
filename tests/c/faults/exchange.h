/*
 * A whole exchange, with one fault in it at one byte.
 *
 * A client and a server shake hands, send three records each way, read them, and
 * close. Streams lie in memory for every carrier: for descriptors, recv() and
 * send() are this program's own, so that a fault strikes at the very byte. What
 * follows from it is for the test to judge.
 */
#ifndef EXCHANGE_H
#define EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>

#include "pyossl/conn.h"
#include "pyossl/ctx.h"

typedef enum carrier {
    CARRIER_USER,   /* a transport of functions */
    CARRIER_FD,     /* a descriptor */
    CARRIER_AHEAD,  /* a descriptor; waits look ahead: pyossl_conn_wait_input() */
    CARRIER_MEMORY, /* pyossl_conn_feed() and _drain() */
    CARRIERS
} carrier;

typedef enum fault_kind {
    FAULT_NONE,
    FAULT_END,    /* the stream ends */
    FAULT_RESET,  /* ECONNRESET, when written to EPIPE; in memory the transport is taken away */
    FAULT_WAIT,   /* would block, once */
    FAULT_SHORT,  /* single bytes for a while */
    FAULT_SIGNAL, /* EINTR, a few times */
    FAULT_FLIP    /* a byte comes falsified */
} fault_kind;

typedef struct fault {
    fault_kind kind;
    size_t at;          /* the byte of the stream, from 0 */
    unsigned char bits; /* FAULT_FLIP: those to change */
    unsigned times;     /* how often it struck */
} fault;

/* How far a side has come. */
typedef enum stage { SHAKE, WRITE, READ, CLOSE, GOODBYE, DONE } stage;

/* What a side called last. */
typedef enum last_call { CALL_HANDSHAKE, CALL_WRITE, CALL_READ, CALL_SHUTDOWN } last_call;

typedef struct stream {
    unsigned char bytes[16384];
    size_t put;    /* by the writer */
    size_t passed; /* to the reader */
} stream;

enum { RECORDS = 3, TEXT_LEN = 16, EXPORTER_LEN = 32 };

typedef struct side {
    pyossl_conn *conn;
    stream *in, *out;
    fault reading, writing;
    bool told_end; /* in memory: what can be told once only */
    int fd;
    size_t calls; /* of the transport */

    stage at;
    last_call last;
    pyossl_status status;
    bool over;                            /* done, or failed for good */
    unsigned char exporter[EXPORTER_LEN]; /* keying material, once hands are shaken */
    size_t wrote;                         /* records */
    char text[2 * TEXT_LEN];              /* what was read */
    size_t len;
    unsigned interruptions; /* answers that said so */
} side;

typedef struct exchange {
    pyossl_ctx *client_ctx, *server_ctx;
    carrier by;
    side client, server;
    stream to_client, to_server;
} exchange;

/* Connections, ready to start; faults may be put in now. */
void exchange_begin(exchange *self, pyossl_ctx *client, pyossl_ctx *server, carrier by);

/* Until both sides are over, or nothing moves any more. More calls than that takes are a hang. */
void exchange_run(exchange *self);

/* The side's last call, once more. */
pyossl_status exchange_again(side *self);

void exchange_end(exchange *self);

/* Every byte of what is read is one that was written, in its place. */
bool exchange_text_is_true(const side *self);

/* Try every so many places: FAULT_STRIDE in the environment, or @otherwise. */
size_t exchange_stride(size_t otherwise);

/* Seconds, of a clock that only moves forward. */
double exchange_clock(void);

#endif
