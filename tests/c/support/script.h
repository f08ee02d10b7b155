/*
 * A transport that does what a test says.
 *
 * Two of them with their wires crossed connect two connections. A script tells
 * call by call what a read or a write answers; where it has ended, and where
 * there is none, bytes move. Independently of that the stream that is read can be
 * cut or falsified at a position.
 */
#ifndef SCRIPT_H
#define SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

#include "pyossl/conn.h"

/* Bytes under way in one direction. */
typedef struct wire {
    unsigned char *data;
    size_t head, len, cap;
    bool datagrams; /* each write is read by itself */
    bool ended;     /* the writer has gone */
} wire;

void wire_put(wire *to, const void *data, size_t len);
size_t wire_take(wire *from, void *buf, size_t cap);
bool wire_is_empty(const wire *queue);
void wire_clear(wire *queue);

typedef enum script_op {
    SCRIPT_MOVE,       /* at most n bytes, or what fits where n is 0 */
    SCRIPT_WANT_READ,  /* PYOSSL_WANT_READ */
    SCRIPT_WANT_WRITE, /* PYOSSL_WANT_WRITE */
    SCRIPT_END,        /* PYOSSL_TRUNCATED */
    SCRIPT_ERRNO,      /* PYOSSL_E_SYSTEM with errno n */
    SCRIPT_ABORT,      /* PYOSSL_E_CALLBACK */
    SCRIPT_NOTHING,    /* PYOSSL_OK with no bytes */
    SCRIPT_LIE         /* PYOSSL_OK with more bytes than there is room for */
} script_op;

typedef struct script_step {
    script_op op;
    size_t n;
} script_step;

#define SCRIPT_NEVER ((size_t)-1)

typedef struct script {
    wire *in, *out;
    const script_step *reads, *writes; /* in order; NULL for none */
    size_t read_count, write_count;
    size_t most;   /* bytes a move at most, 0 for any number */
    size_t cut_at; /* after so many bytes read: cut, for ever */
    script_step cut;
    size_t flip_at;                 /* the byte at this position of what is read ... */
    unsigned char flip;             /* ... is changed by these bits */
    size_t reads_done, writes_done; /* calls */
    size_t bytes_read, bytes_written;
    bool noisy; /* leaves errors and an errno behind, as programs do */
    int released;
} script;

/* A script that moves everything. */
void script_init(script *self, wire *in, wire *out);

/* For pyossl_conn_use_transport(), with a script as userdata. */
extern const pyossl_transport script_transport;

#endif
