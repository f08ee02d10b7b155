/* Contexts: making and releasing them, and setting their callbacks. */
#include "../crypto/lookup.h"
#include "ctx_change.h"

/* The one version of the methods that are for one version, or 0. */
static int method_version(int method)
{
    switch (method) {
    case PYOSSL_SSL3:
        return SSL3_VERSION;
    case PYOSSL_TLS1:
        return TLS1_VERSION;
    case PYOSSL_TLS1_1:
        return TLS1_1_VERSION;
    case PYOSSL_TLS1_2:
        return TLS1_2_VERSION;
    default:
        return 0;
    }
}

static void ctx_destroy(pyossl_ctx *ctx)
{
    osl_generation_unref(atomic_load_explicit(&ctx->current, memory_order_relaxed));
    osl_ctx_clear_settings(ctx);
    X509_STORE_free(ctx->store);
    osl_session_cache_unref(ctx->sessions);
    CRYPTO_THREAD_lock_free(ctx->lock);
    OPENSSL_free(ctx);
}

OSL_DEFINE_REFS(ctx, ctx_destroy)

/* Numbers that no other line of contexts of this process has, or will. */
static uint64_t new_line(void)
{
    static _Atomic uint64_t last;

    return atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
}

pyossl_status pyossl_ctx_new(pyossl_ctx **out, int method)
{
    OSL_NEED(out != NULL);
    const bool untouched = osl_openssl_untouched(); /* before the next line uses OpenSSL */
    OSL_API_ENTER;
    osl_auto(pyossl_ctx) *ctx = NULL;
    osl_generation *first = NULL;
    const int version = method_version(method);

    if (method < PYOSSL_SSL2 || method > PYOSSL_DTLS_CLIENT)
        return osl_fail_number(PYOSSL_E_ARGUMENT, "No such protocol", method);
    if (osl_method(method) == NULL)
        return osl_fail_number(PYOSSL_E_UNSUPPORTED, "No such protocol", method);
    OSL_TRY(osl_init());

    ctx = osl_new(pyossl_ctx);
    if (ctx == NULL)
        return osl_fail_nomem();
    osl_object_init(&ctx->base);
    ctx->method = method;
    ctx->line = new_line();
    ctx->lock = CRYPTO_THREAD_lock_new();
    ctx->sessions = osl_session_cache_new();
    if (ctx->lock == NULL || ctx->sessions == NULL)
        return osl_fail(PYOSSL_E_NOMEM);
    OSL_TRY(osl_store_make(&ctx->store));
    OSL_TRY(osl_generation_new(&first, ctx, osl_slim(untouched)));
    atomic_store_explicit(&ctx->current, first, memory_order_relaxed);
    if (version != 0) {
        OSL_TRY(pyossl_ctx_set_min_version(ctx, version));
        OSL_TRY(pyossl_ctx_set_max_version(ctx, version));
    }
    *out = osl_steal(ctx);
    return PYOSSL_OK;
}

pyossl_status pyossl_ctx_renew(pyossl_ctx *ctx, pyossl_ctx **out)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL && out != NULL);
    osl_auto(pyossl_ctx) *next = NULL;
    osl_generation *from;
    pyossl_status status;

    OSL_TRY(pyossl_ctx_new(&next, ctx->method));
    from = osl_ctx_read_begin(ctx);
    status = osl_generation_take_keys(
        atomic_load_explicit(&next->current, memory_order_relaxed), from);
    osl_ctx_read_end(ctx);
    OSL_TRY(status);
    osl_session_cache_unref(next->sessions);
    next->sessions = osl_session_cache_ref(ctx->sessions);
    next->line = ctx->line;
    *out = osl_steal(next);
    return PYOSSL_OK;
}

void *pyossl_ctx_userdata(const pyossl_ctx *ctx)
{
    OSL_NEED_OR(NULL, ctx != NULL);
    return atomic_load(&ctx->userdata);
}

void pyossl_ctx_set_userdata(pyossl_ctx *ctx, void *userdata)
{
    OSL_NEED_OR(OSL_NOTHING, ctx != NULL);
    atomic_store(&ctx->userdata, userdata);
}

void pyossl_ctx_set_strict(pyossl_ctx *ctx, int strict)
{
    OSL_NEED_OR(OSL_NOTHING, ctx != NULL);
    atomic_store(&ctx->strict, strict != 0);
}

/* ---- callbacks ---- */

pyossl_status osl_verify_mode_check(int mode)
{
    enum {
        KNOWN = PYOSSL_VERIFY_PEER | PYOSSL_VERIFY_FAIL_IF_NO_PEER_CERT |
                PYOSSL_VERIFY_CLIENT_ONCE | PYOSSL_VERIFY_POST_HANDSHAKE
    };

    if ((mode & ~(int)KNOWN) != 0)
        return osl_fail_number(PYOSSL_E_ARGUMENT, "no such verification mode", mode);
    return PYOSSL_OK;
}

pyossl_status pyossl_ctx_set_verify(pyossl_ctx *ctx, int mode, pyossl_verify_cb callback,
                                    void *userdata, pyossl_release_cb release)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL);
    OSL_TRY(osl_verify_mode_check(mode));
    return osl_ctx_change_callback(ctx, OSL_CB_VERIFY, mode, (osl_function)callback, userdata,
                                   release);
}

int pyossl_ctx_verify_mode(const pyossl_ctx *ctx)
{
    OSL_NEED_OR(0, ctx != NULL);
    const int mode = SSL_CTX_get_verify_mode(osl_ctx_read_begin(ctx)->ssl_ctx);

    osl_ctx_read_end(ctx);
    return mode;
}

pyossl_status pyossl_ctx_set_passphrase(pyossl_ctx *ctx, pyossl_passphrase_cb callback,
                                        void *userdata, pyossl_release_cb release)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL);
    return osl_ctx_change_callback(ctx, OSL_CB_PASSPHRASE, 0, (osl_function)callback, userdata,
                                   release);
}

pyossl_status pyossl_ctx_set_info(pyossl_ctx *ctx, pyossl_info_cb callback, void *userdata,
                                  pyossl_release_cb release)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL);
    return osl_ctx_change_callback(ctx, OSL_CB_INFO, 0, (osl_function)callback, userdata, release);
}

pyossl_status pyossl_ctx_set_keylog(pyossl_ctx *ctx, pyossl_keylog_cb callback, void *userdata,
                                    pyossl_release_cb release)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL);
    return osl_ctx_change_callback(ctx, OSL_CB_KEYLOG, 0, (osl_function)callback, userdata,
                                   release);
}

pyossl_status pyossl_ctx_set_servername(pyossl_ctx *ctx, pyossl_servername_cb callback,
                                        void *userdata, pyossl_release_cb release)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL);
    return osl_ctx_change_callback(ctx, OSL_CB_SERVERNAME, 0, (osl_function)callback, userdata,
                                   release);
}

pyossl_status pyossl_ctx_set_alpn_select(pyossl_ctx *ctx, pyossl_alpn_cb callback, void *userdata,
                                         pyossl_release_cb release)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL);
    return osl_ctx_change_callback(ctx, OSL_CB_ALPN_SELECT, 0, (osl_function)callback, userdata,
                                   release);
}

static pyossl_status change_npn(pyossl_ctx *ctx, osl_callback which, osl_function call,
                                void *userdata, pyossl_release_cb release)
{
#if defined(OPENSSL_NO_NEXTPROTONEG)
    (void)ctx;
    (void)which;
    (void)call;
    (void)userdata;
    (void)release;
    return osl_fail_text(PYOSSL_E_UNSUPPORTED, "NPN not available");
#else
    return osl_ctx_change_callback(ctx, which, 0, call, userdata, release);
#endif
}

pyossl_status pyossl_ctx_set_npn_advertise(pyossl_ctx *ctx, pyossl_npn_advertise_cb callback,
                                           void *userdata, pyossl_release_cb release)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL);
    return change_npn(ctx, OSL_CB_NPN_ADVERTISE, (osl_function)callback, userdata, release);
}

pyossl_status pyossl_ctx_set_npn_select(pyossl_ctx *ctx, pyossl_alpn_cb callback, void *userdata,
                                        pyossl_release_cb release)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL);
    return change_npn(ctx, OSL_CB_NPN_SELECT, (osl_function)callback, userdata, release);
}

pyossl_status pyossl_ctx_set_ocsp_server(pyossl_ctx *ctx, pyossl_ocsp_server_cb callback,
                                         void *userdata, pyossl_release_cb release)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL);
    return osl_ctx_change_callback(ctx, OSL_CB_OCSP_SERVER, 0, (osl_function)callback, userdata,
                                   release);
}

pyossl_status pyossl_ctx_set_ocsp_client(pyossl_ctx *ctx, pyossl_ocsp_client_cb callback,
                                         void *userdata, pyossl_release_cb release)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL);
    return osl_ctx_change_callback(ctx, OSL_CB_OCSP_CLIENT, 0, (osl_function)callback, userdata,
                                   release);
}

pyossl_status pyossl_ctx_set_cookie_generate(pyossl_ctx *ctx, pyossl_cookie_generate_cb callback,
                                             void *userdata, pyossl_release_cb release)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL);
    return osl_ctx_change_callback(ctx, OSL_CB_COOKIE_GENERATE, 0, (osl_function)callback, userdata,
                                   release);
}

pyossl_status pyossl_ctx_set_cookie_verify(pyossl_ctx *ctx, pyossl_cookie_verify_cb callback,
                                           void *userdata, pyossl_release_cb release)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL);
    return osl_ctx_change_callback(ctx, OSL_CB_COOKIE_VERIFY, 0, (osl_function)callback, userdata,
                                   release);
}

pyossl_status pyossl_ctx_set_new_session(pyossl_ctx *ctx, pyossl_new_session_cb callback,
                                         void *userdata, pyossl_release_cb release)
{
    OSL_API_ENTER;
    OSL_NEED(ctx != NULL);
    return osl_ctx_change_callback(ctx, OSL_CB_NEW_SESSION, 0, (osl_function)callback, userdata,
                                   release);
}
