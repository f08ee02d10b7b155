/*
 * How a context changes.
 *
 * An SSL_CTX that connections use must not be touched: OpenSSL reads much of it
 * without a lock. So every setter describes what it wants in an osl_setting, and
 * osl_ctx_change() either applies that to an SSL_CTX which no connection has seen
 * yet, or makes a new one from all the recorded settings and the new one, and
 * lets that take the old one's place. Connections that have the old one keep it.
 */
#include "ctx_change.h"

/* ---- settings ---- */

osl_setting *osl_setting_new(osl_setting_kind kind, osl_apply apply)
{
    osl_setting *setting = osl_new(osl_setting);

    if (setting == NULL) {
        (void)!osl_fail_nomem();
        return NULL;
    }
    setting->kind = kind;
    setting->apply = apply;
    return setting;
}

void osl_setting_free(osl_setting *setting)
{
    if (setting == NULL)
        return;
    if (setting->release != NULL && setting->data != NULL)
        setting->release(setting->data);
    OPENSSL_free(setting);
}

static void free_list(osl_setting *list)
{
    while (list != NULL) {
        osl_setting *next = list->next;

        osl_setting_free(list);
        list = next;
    }
}

void osl_ctx_clear_settings(pyossl_ctx *ctx)
{
    free_list(ctx->settings);
    ctx->settings = NULL;
}

/* Whether @old need not be remembered once @setting is. */
static bool replaces(const osl_setting *setting, const osl_setting *old)
{
    if (setting->kind == OSL_SET_ADD_CLIENT_CA || setting->kind == OSL_SET_ADD_EXTRA_CHAIN)
        return false;
    if (setting->kind == OSL_SET_CLIENT_CAS && old->kind == OSL_SET_ADD_CLIENT_CA)
        return true;
    if (setting->kind == OSL_SET_CREDENTIAL && setting->number == OSL_WHOLE_IDENTITY &&
        (old->kind == OSL_SET_ADD_EXTRA_CHAIN || old->kind == OSL_SET_CREDENTIAL))
        return true;
    return setting->kind == old->kind && setting->slot == old->slot;
}

/* ---- reading ---- */

/* It fails only for too many readers at one moment, which does not last. */
static void read_lock(const pyossl_ctx *ctx)
{
    while (CRYPTO_THREAD_read_lock(ctx->lock) != 1)
        continue;
}

static void lock(const pyossl_ctx *ctx)
{
    while (CRYPTO_THREAD_write_lock(ctx->lock) != 1)
        continue;
}

static void unlock(const pyossl_ctx *ctx)
{
    (void)CRYPTO_THREAD_unlock(ctx->lock);
}

osl_generation *osl_ctx_read_begin(const pyossl_ctx *ctx)
{
    read_lock(ctx);
    return atomic_load_explicit(&ctx->current, memory_order_acquire);
}

void osl_ctx_read_end(const pyossl_ctx *ctx)
{
    unlock(ctx);
}

const osl_setting *osl_ctx_find(const pyossl_ctx *ctx, osl_setting_kind kind, int slot)
{
    for (const osl_setting *setting = ctx->settings; setting != NULL; setting = setting->next)
        if (setting->kind == kind && setting->slot == slot)
            return setting;
    return NULL;
}

/* Under the lock, so that a change either sees the mark or is over. */
static osl_generation *take(pyossl_ctx *ctx, bool lend)
{
    osl_generation *generation = osl_ctx_read_begin(ctx);

    atomic_store_explicit(lend ? &generation->lent : &generation->shared, true,
                          memory_order_relaxed);
    osl_generation_ref(generation);
    osl_ctx_read_end(ctx);
    return generation;
}

osl_generation *osl_ctx_lend(pyossl_ctx *ctx)
{
    return take(ctx, true);
}

osl_generation *osl_ctx_acquire(pyossl_ctx *ctx)
{
    atomic_store_explicit(&ctx->used, true, memory_order_relaxed);
    return take(ctx, false);
}

bool osl_ctx_is_current(const pyossl_ctx *ctx, const osl_generation *generation)
{
    return atomic_load_explicit(&ctx->current, memory_order_relaxed) == generation;
}

pyossl_status osl_ctx_changeable(const pyossl_ctx *ctx)
{
    if (atomic_load_explicit(&ctx->strict, memory_order_relaxed) &&
        atomic_load_explicit(&ctx->used, memory_order_relaxed))
        return osl_fail(PYOSSL_E_IN_USE);
    return PYOSSL_OK;
}

/* ---- changing ---- */

/*
 * The one of the moment over again, without what @setting replaces, and with @setting,
 * which may be NULL.
 */
static pyossl_status next_generation(osl_generation **out, pyossl_ctx *ctx,
                                     const osl_setting *setting)
{
    osl_generation *current = atomic_load_explicit(&ctx->current, memory_order_relaxed);
    osl_auto(osl_generation) *next = NULL;
    const bool plain = atomic_load_explicit(&ctx->plain, memory_order_relaxed);

    OSL_TRY(osl_generation_new(&next, ctx, plain ? NULL : osl_slim(false)));
    for (const osl_setting *old = ctx->settings; old != NULL; old = old->next) {
        if (setting != NULL && replaces(setting, old))
            continue;
        /* Each was accepted at the security level of its time. That of today is inherited below. */
        SSL_CTX_set_security_level(next->ssl_ctx, 0);
        OSL_TRY(old->apply(next, old));
    }
    OSL_TRY(osl_generation_inherit(next, current));
    if (setting != NULL)
        OSL_TRY(setting->apply(next, setting));
    *out = osl_steal(next);
    return PYOSSL_OK;
}

/* Move the settings that @setting replaces out of the context, and it in. */
static void record(pyossl_ctx *ctx, osl_setting *setting, osl_setting **replaced)
{
    osl_setting **place = &ctx->settings;

    while (*place != NULL) {
        osl_setting *old = *place;

        if (replaces(setting, old)) {
            *place = old->next;
            old->next = *replaced;
            *replaced = old;
        } else {
            place = &old->next;
        }
    }
    *place = setting;
}

static pyossl_status apply_in_place(pyossl_ctx *ctx, osl_generation *current, osl_setting *setting,
                                    const osl_setting *before)
{
    pyossl_status status;

    /* What may fail half way must not on what is in force, so it is tried elsewhere first. */
    if (setting->stepwise) {
        osl_auto(osl_generation) *trial = NULL;

        OSL_TRY(next_generation(&trial, ctx, setting));
    }
    setting->before = before;
    status = setting->apply(current, setting);
    setting->before = NULL;
    /* It worked elsewhere, so there is no memory now, and what was done cannot be undone. */
    if (status != PYOSSL_OK && setting->stepwise)
        atomic_store_explicit(&current->broken, true, memory_order_relaxed);
    return status;
}

/* What the change replaces is for the caller to release, outside the lock. */
static pyossl_status change_locked(pyossl_ctx *ctx, osl_setting *setting, osl_setting **replaced,
                                   osl_generation **retired)
{
    osl_generation *current = atomic_load_explicit(&ctx->current, memory_order_relaxed);
    const osl_setting *before = osl_ctx_find(ctx, setting->kind, setting->slot);
    const bool shared = atomic_load_explicit(&current->shared, memory_order_relaxed);
    const bool lent = atomic_load_explicit(&current->lent, memory_order_relaxed);

    OSL_TRY(osl_ctx_changeable(ctx));
    OSL_TRY(osl_generation_check(current));
    if (shared && lent)
        return osl_fail_text(PYOSSL_E_IN_USE, "what the program set in the SSL_CTX would be lost");
    if (setting->merge != NULL && before != NULL)
        OSL_TRY(setting->merge(setting, before));

    if (!shared && (lent || !setting->stepwise)) {
        OSL_TRY(apply_in_place(ctx, current, setting, before));
    } else {
        osl_generation *next = NULL;

        OSL_TRY(next_generation(&next, ctx, setting));
        atomic_store_explicit(&ctx->current, next, memory_order_release);
        *retired = current;
    }
    record(ctx, setting, replaced);
    return PYOSSL_OK;
}

pyossl_status osl_ctx_change(pyossl_ctx *ctx, osl_setting *setting)
{
    osl_setting *replaced = NULL;
    osl_generation *retired = NULL;
    pyossl_status status;

    lock(ctx);
    status = change_locked(ctx, setting, &replaced, &retired);
    unlock(ctx);
    /* Releasing may call back into the program, which may come back here. */
    if (status != PYOSSL_OK)
        osl_setting_free(setting);
    free_list(replaced);
    osl_generation_unref(retired);
    return status;
}

static pyossl_status make_plain_locked(pyossl_ctx *ctx, osl_generation **retired)
{
    osl_generation *current = atomic_load_explicit(&ctx->current, memory_order_relaxed);
    osl_generation *next = NULL;

    atomic_store_explicit(&ctx->plain, true, memory_order_relaxed);
    if (!current->slim)
        return PYOSSL_OK;
    OSL_TRY(next_generation(&next, ctx, NULL));
    atomic_store_explicit(&ctx->current, next, memory_order_release);
    *retired = current;
    return PYOSSL_OK;
}

pyossl_status osl_ctx_make_plain(pyossl_ctx *ctx)
{
    osl_generation *retired = NULL;
    pyossl_status status;

    lock(ctx);
    status = make_plain_locked(ctx, &retired);
    unlock(ctx);
    osl_generation_unref(retired);
    return status;
}

pyossl_status osl_ctx_fit(pyossl_ctx *ctx)
{
    const bool slim = osl_ctx_read_begin(ctx)->slim;

    osl_ctx_read_end(ctx);
    return !slim || osl_slim(false) != NULL ? PYOSSL_OK : osl_ctx_make_plain(ctx);
}

pyossl_status osl_ctx_change_number(pyossl_ctx *ctx, osl_setting_kind kind, osl_apply apply,
                                    int64_t number)
{
    osl_setting *setting = osl_setting_new(kind, apply);

    if (setting == NULL)
        return PYOSSL_E_NOMEM;
    setting->number = number;
    return osl_ctx_change(ctx, setting);
}

static void release_text(void *text)
{
    OPENSSL_free(text);
}

pyossl_status osl_ctx_change_text(pyossl_ctx *ctx, osl_setting_kind kind, osl_apply apply,
                                  const char *text)
{
    osl_auto(osl_setting) *setting = osl_setting_new(kind, apply);

    if (setting == NULL)
        return PYOSSL_E_NOMEM;
    setting->data = osl_strdup(text);
    if (setting->data == NULL)
        return osl_fail_nomem();
    setting->release = release_text;
    setting->stepwise = kind == OSL_SET_CIPHERSUITES; /* the suites, then one list of all ciphers */
    return osl_given(osl_ctx_change(ctx, osl_steal(setting)), text, strlen(text));
}

/* ---- callbacks ---- */

static pyossl_status apply_callback(osl_generation *generation, const osl_setting *setting)
{
    osl_closure *old = generation->callbacks[setting->slot];

    generation->callbacks[setting->slot] = osl_closure_ref(setting->data);
    if (setting->slot == OSL_CB_VERIFY)
        SSL_CTX_set_verify(generation->ssl_ctx, (int)setting->number, NULL);
    osl_callbacks_install(generation->ssl_ctx, generation->callbacks);
    osl_generation_set_cache_mode(generation, generation->cache_mode);
    /* Not the last reference: the setting that brought it has one, and outlives this. */
    osl_closure_unref(old);
    return PYOSSL_OK;
}

static void release_closure(void *closure)
{
    osl_closure_unref(closure);
}

pyossl_status osl_ctx_change_callback(pyossl_ctx *ctx, osl_callback which, int64_t number,
                                      osl_function call, void *userdata, pyossl_release_cb release)
{
    osl_auto(osl_setting) *setting = osl_setting_new(OSL_SET_CALLBACK, apply_callback);
    osl_auto(osl_closure) *closure = NULL;
    pyossl_status status;

    if (setting == NULL)
        return PYOSSL_E_NOMEM;
    setting->slot = (int)which;
    setting->number = number;
    if (call != NULL) {
        closure = osl_closure_new(call, userdata, release);
        if (closure == NULL)
            return PYOSSL_E_NOMEM;
        setting->data = osl_closure_ref(closure);
        setting->release = release_closure;
    }
    status = osl_ctx_change(ctx, osl_steal(setting));
    /* After a failure the userdata is still the caller's; without a callback nobody can use it. */
    if (status != PYOSSL_OK && closure != NULL)
        closure->release = NULL;
    if (status == PYOSSL_OK && closure == NULL && release != NULL)
        release(userdata);
    return status;
}
