/* What the files of the "libpyossl, C" peer share. */
#ifndef CORE_H
#define CORE_H

#include "worker.h"

#include <pyossl.h>

#define OK(call) MUST((call) == PYOSSL_OK)

enum { CORE_MOST = 1 << 20 };

typedef struct core_ends {
    pyossl_ctx     *server, *client;
    pyossl_session *session;
} core_ends;

/* Contexts for TLS 1.3 with EC keys; what core_prepare_ec13() made. */
extern core_ends core_ec13;
extern const char core_bytes[CORE_MOST];

void core_prepare_ec13(void);
pyossl_conn *core_end(pyossl_ctx *ctx, pyossl_role role);
void core_carry(pyossl_conn *from, pyossl_conn *to);
void core_shake(pyossl_conn *client, pyossl_conn *server);
void core_handshake(core_ends *ends, int resume);
void core_ping(pyossl_conn *from, pyossl_conn *to, size_t len);
/* The two ends of a socket pair, after their handshake. */
void core_socket_pair(pyossl_conn **client, pyossl_conn **server);

extern const workload core_tls[], core_crypto[], core_load[], core_duplex[];

#endif
