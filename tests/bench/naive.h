/* What the files of the "naive C" peer share. */
#ifndef NAIVE_H
#define NAIVE_H

#include "worker.h"

#include <openssl/ssl.h>

enum { NAIVE_MOST = 1 << 20 };

typedef struct naive_ends {
    SSL_CTX *server, *client;
    SSL_SESSION *session;
} naive_ends;

/* Contexts for TLS 1.3 with EC keys; what naive_prepare_ec13() made. */
extern naive_ends naive_ec13;
extern const char naive_bytes[NAIVE_MOST];

void naive_prepare_ec13(void);
SSL *naive_end(SSL_CTX *ctx, int server);
void naive_carry(SSL *from, SSL *to);
void naive_shake(SSL *client, SSL *server);
void naive_finish(SSL *ssl);
void naive_handshake(naive_ends *ends, int resume);
void naive_ping(SSL *from, SSL *to, size_t len);

extern const workload naive_tls[], naive_crypto[], naive_load[];

#endif
