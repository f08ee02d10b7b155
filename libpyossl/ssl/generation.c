/* One SSL_CTX and what goes with it. */
#include "ctx_change.h"

#include <openssl/rand.h>

/* A key file without a passphrase callback must fail, not ask on somebody's terminal. */
static int refuse_passphrase(char *buf, int size, int writing, void *userdata)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)userdata;
    return -1;
}

const SSL_METHOD *osl_method(int method)
{
    switch (method) {
    case PYOSSL_SSL23:
    case PYOSSL_TLS:
    case PYOSSL_TLS1:
    case PYOSSL_TLS1_1:
    case PYOSSL_TLS1_2:
#ifdef OSL_HAVE_SSL3
    case PYOSSL_SSL3:
#endif
        return TLS_method();
    case PYOSSL_TLS_SERVER:
        return TLS_server_method();
    case PYOSSL_TLS_CLIENT:
        return TLS_client_method();
    case PYOSSL_DTLS:
        return DTLS_method();
    case PYOSSL_DTLS_SERVER:
        return DTLS_server_method();
    case PYOSSL_DTLS_CLIENT:
        return DTLS_client_method();
    default:
        return NULL;
    }
}

/*
 * The scope of sessions (scope.c) takes this one's place before any session is looked at. An SSL
 * that is made of the SSL_CTX without us gets none; what it resumes must not be ours.
 */
static pyossl_status name_sessions(const osl_generation *generation)
{
    unsigned char name[OSL_SCOPE_LEN];

    if (RAND_bytes_ex(generation->libctx, name, sizeof name, 0) != 1 ||
        SSL_CTX_set_session_id_context(generation->ssl_ctx, name, sizeof name) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    return PYOSSL_OK;
}

static pyossl_status set_defaults(SSL_CTX *ssl_ctx, pyossl_ctx *ctx)
{
    /* A connection that waits for its peer needs no record buffers. */
    SSL_CTX_set_mode(ssl_ctx, OSL_DEFAULT_MODE | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_default_passwd_cb(ssl_ctx, refuse_passphrase);
    if (SSL_CTX_set_session_ticket_cb(ssl_ctx, osl_ticket_made, NULL, NULL) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    SSL_CTX_set1_cert_store(ssl_ctx, ctx->store);
    return PYOSSL_OK;
}

void osl_generation_set_cache_mode(osl_generation *generation, long mode)
{
    long effective = mode;

    generation->cache_mode = mode;
    /* OpenSSL tells of a client's sessions only where it is to cache them. */
    if (generation->callbacks[OSL_CB_NEW_SESSION] != NULL)
        effective |= SSL_SESS_CACHE_CLIENT;
    /* What there is to keep is kept for all generations (session_cache.c). Of clients' sessions
     * OpenSSL would keep 20,000, each with the peer's certificate, for nobody. */
    effective |= SSL_SESS_CACHE_NO_INTERNAL;
    SSL_CTX_set_session_cache_mode(generation->ssl_ctx, effective);
}

static void generation_destroy(osl_generation *generation)
{
    SSL_CTX_free(generation->ssl_ctx);
    EVP_MD_free(generation->sha256);
    for (size_t i = 0; i < OSL_CB_MAX; i++)
        osl_closure_unref(generation->callbacks[i]);
    osl_identity_unref(generation->identity);
    OPENSSL_free(generation);
}

osl_generation *osl_generation_ref(osl_generation *generation)
{
    osl_object_ref(&generation->base);
    return generation;
}

void osl_generation_unref(osl_generation *generation)
{
    if (generation != NULL && osl_object_unref(&generation->base))
        generation_destroy(generation);
}

pyossl_status osl_generation_check(const osl_generation *generation)
{
    if (!atomic_load_explicit(&generation->broken, memory_order_relaxed))
        return PYOSSL_OK;
    return osl_fail_text(PYOSSL_E_STATE, "a change of the context failed half way, when there was no "
                                         "memory: make another context");
}

pyossl_status osl_generation_new(osl_generation **out, pyossl_ctx *ctx, OSSL_LIB_CTX *libctx)
{
    osl_auto(osl_generation) *generation = osl_new(osl_generation);

    if (generation == NULL)
        return osl_fail_nomem();
    osl_object_init(&generation->base);
    atomic_init(&generation->shared, false);
    atomic_init(&generation->broken, false);
    generation->ctx = ctx;
    generation->ssl_ctx = SSL_CTX_new_ex(libctx, NULL, osl_method(ctx->method));
    if (generation->ssl_ctx == NULL && libctx != NULL) {
        osl_slim_leave();
        libctx = NULL;
        generation->ssl_ctx = SSL_CTX_new_ex(NULL, NULL, osl_method(ctx->method));
    }
    generation->slim = libctx != NULL;
    if (generation->ssl_ctx == NULL)
        return osl_fail(PYOSSL_E_OPENSSL);
    osl_generation_set_cache_mode(generation, SSL_CTX_get_session_cache_mode(generation->ssl_ctx));
    generation->libctx = libctx;
    generation->sha256 = EVP_MD_fetch(libctx, "SHA256", NULL);
    if (generation->sha256 == NULL)
        return osl_fail(PYOSSL_E_OPENSSL);
    OSL_TRY(name_sessions(generation));
    OSL_TRY(set_defaults(generation->ssl_ctx, ctx));
    osl_callbacks_install(generation->ssl_ctx, generation->callbacks);
    *out = osl_steal(generation);
    return PYOSSL_OK;
}

/*
 * The keys that tickets are sealed with, so that those given out before still resume: where what
 * is asked of a peer is the same. Where it is not, they are opened, and not taken (scope.c).
 */
pyossl_status osl_generation_take_keys(osl_generation *next, osl_generation *from)
{
    unsigned char keys[256];
    const long len = SSL_CTX_get_tlsext_ticket_keys(from->ssl_ctx, NULL, 0);
    bool copied;

    if (len <= 0 || (size_t)len > sizeof keys)
        return osl_fail_text(PYOSSL_E_OPENSSL, "ticket keys of an unknown length");
    copied = SSL_CTX_get_tlsext_ticket_keys(from->ssl_ctx, keys, len) == 1 &&
             SSL_CTX_set_tlsext_ticket_keys(next->ssl_ctx, keys, len) == 1;
    OPENSSL_cleanse(keys, sizeof keys);
    return copied ? PYOSSL_OK : osl_fail(PYOSSL_E_OPENSSL);
}

pyossl_status osl_generation_inherit(osl_generation *next, osl_generation *from)
{
    SSL_CTX_set_security_level(next->ssl_ctx, SSL_CTX_get_security_level(from->ssl_ctx));
    return osl_generation_take_keys(next, from);
}
