/* A callback with its userdata, counted: it lives as long as anybody can call it. */
#include "tls.h"

static _Atomic uint64_t serials;

osl_closure *osl_closure_new(osl_function call, void *userdata, pyossl_release_cb release)
{
    osl_closure *closure = osl_new(osl_closure);

    if (closure == NULL) {
        (void)!osl_fail_nomem();
        return NULL;
    }
    osl_object_init(&closure->base);
    closure->call = call;
    closure->userdata = userdata;
    closure->release = release;
    closure->serial = atomic_fetch_add_explicit(&serials, 1, memory_order_relaxed);
    return closure;
}

osl_closure *osl_closure_ref(osl_closure *closure)
{
    if (closure != NULL)
        osl_object_ref(&closure->base);
    return closure;
}

/* Also on the way out of a call that has failed, and has recorded why. */
static void release(const osl_closure *closure)
{
    OSL_CALLBACK_ENTER;

    closure->release(closure->userdata);
}

void osl_closure_unref(osl_closure *closure)
{
    if (closure == NULL || !osl_object_unref(&closure->base))
        return;
    if (closure->release != NULL)
        release(closure);
    OPENSSL_free(closure);
}
