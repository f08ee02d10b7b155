/* Of OpenSSL's functions that fail here some are deprecated: the library calls them all the same.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "calls.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/decoder.h>
#include <openssl/dsa.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/pkcs7.h>
#include <openssl/provider.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "oom.h"
#include "stacks.h"

static atomic_bool armed;
static atomic_size_t counted, armed_index;

static bool fails_now(void)
{
    if (!atomic_load(&armed) || oom_is_paused())
        return false;
    stacks_note();
    return atomic_fetch_add(&counted, 1) == atomic_load(&armed_index);
}

void calls_fail_at(size_t index)
{
    atomic_store(&armed_index, index);
    atomic_store(&counted, 0);
    oom_resume();
    atomic_store(&armed, true);
}

size_t calls_stop(void)
{
    atomic_store(&armed, false);
    return atomic_load(&counted);
}

void calls_install(void)
{
    oom_use_calls(calls_fail_at, calls_stop);
}

/* The linker's names: __wrap_f is what the library calls, __real_f what it means (ld, --wrap). */
#define CALL(function, type, failure, parameters, arguments)                                       \
    type __real_##function parameters;                                                             \
    type __wrap_##function parameters;                                                             \
    type __wrap_##function parameters                                                              \
    {                                                                                              \
        return fails_now() ? failure : __real_##function arguments;                                \
    }

#include "failing_calls.inc"

/* Of these the commands that set something may fail; the rest only tell. */
long __real_SSL_ctrl(SSL *ssl, int command, long number, void *data);
long __wrap_SSL_ctrl(SSL *ssl, int command, long number, void *data);
long __real_SSL_CTX_ctrl(SSL_CTX *ctx, int command, long number, void *data);
long __wrap_SSL_CTX_ctrl(SSL_CTX *ctx, int command, long number, void *data);

long __wrap_SSL_ctrl(SSL *ssl, int command, long number, void *data)
{
    const bool sets = command == SSL_CTRL_SET_TLSEXT_STATUS_REQ_TYPE ||
                      command == SSL_CTRL_SET_TLSEXT_STATUS_REQ_OCSP_RESP ||
                      command == SSL_CTRL_SET_TLSEXT_HOSTNAME || command == SSL_CTRL_SET_MTU;

    return sets && fails_now() ? 0 : __real_SSL_ctrl(ssl, command, number, data);
}

long __wrap_SSL_CTX_ctrl(SSL_CTX *ctx, int command, long number, void *data)
{
    const bool sets = command == SSL_CTRL_SET_DH_AUTO || command == SSL_CTRL_SET_TLSEXT_TICKET_KEYS;

    return sets && fails_now() ? 0 : __real_SSL_CTX_ctrl(ctx, command, number, data);
}
