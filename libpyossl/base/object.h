/* Reference counts: the first member of every handle. */
#ifndef OSL_OBJECT_H
#define OSL_OBJECT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct osl_object {
    atomic_size_t refs;
} osl_object;

static inline void osl_object_init(osl_object *object)
{
    atomic_init(&object->refs, 1);
}

static inline void osl_object_ref(osl_object *object)
{
    atomic_fetch_add_explicit(&object->refs, 1, memory_order_relaxed);
}

/* Whether OpenSSL's exit handlers have run, after which nothing of its can be released. */
extern atomic_bool osl_openssl_gone;

/* True for the last owner, who then releases the object. */
static inline bool osl_object_unref(osl_object *object)
{
    return atomic_fetch_sub_explicit(&object->refs, 1, memory_order_acq_rel) == 1 &&
           !atomic_load_explicit(&osl_openssl_gone, memory_order_relaxed);
}

/*
 * Define pyossl_NOUN_ref and pyossl_NOUN_unref for a handle whose first member
 * is `osl_object base`; @destroy releases what the last owner leaves.
 */
#define OSL_DEFINE_REFS(noun, destroy)                                                             \
    pyossl_##noun *pyossl_##noun##_ref(pyossl_##noun *object)                                      \
    {                                                                                              \
        if (object != NULL)                                                                        \
            osl_object_ref(&object->base);                                                         \
        return object;                                                                             \
    }                                                                                              \
    void pyossl_##noun##_unref(pyossl_##noun *object)                                              \
    {                                                                                              \
        if (object != NULL && osl_object_unref(&object->base))                                     \
            destroy(object);                                                                       \
    }

#endif
