/* Contexts and connections for the targets that speak TLS. */
#ifndef FUZZ_PEERS_H
#define FUZZ_PEERS_H

#include "fuzz.h"

/* A context of @method with a certificate, the callbacks set, and the same random numbers every run. */
pyossl_ctx *peer_context(int method);

/* A connection over memory. */
pyossl_conn *peer_connection(pyossl_ctx *ctx, pyossl_role role);

/* Feed @data to @conn, in pieces that the input chooses, and do what a program would. */
void peer_drive(pyossl_conn *conn, source *from);

/* Throw away what @conn wants to send. */
void peer_discard(pyossl_conn *conn);

#endif
