/* The elliptic curves that OpenSSL has, by their short names. */
#include "crypto.h"

#include <openssl/ec.h>
#include <openssl/objects.h>

static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;
static EC_builtin_curve *curves;
static size_t curve_count;

static void list_curves(void)
{
    const size_t count = EC_get_builtin_curves(NULL, 0);
    EC_builtin_curve *list = OPENSSL_malloc(count * sizeof *list);

    if (list == NULL)
        return;
    curve_count = EC_get_builtin_curves(list, count);
    curves = list;
}

static bool ready(void)
{
    return CRYPTO_THREAD_run_once(&once, list_curves) == 1 && curves != NULL;
}

const char *pyossl_curve_name(size_t index)
{
    OSL_API_ENTER;
    return ready() && index < curve_count ? OBJ_nid2sn(curves[index].nid) : NULL;
}

int pyossl_curve_nid(const char *name)
{
    OSL_API_ENTER;

    if (!ready())
        return 0;
    for (size_t i = 0; i < curve_count; i++) {
        const char *candidate = OBJ_nid2sn(curves[i].nid);

        if (candidate != NULL && strcmp(candidate, name) == 0)
            return curves[i].nid;
    }
    return 0;
}
