/* The elliptic curves that OpenSSL has, by their short names. */
#include "crypto.h"

#include <openssl/ec.h>
#include <openssl/objects.h>

/* Enough: there are 82, and releases of OpenSSL take some away rather than add any. */
enum { CURVES_MAX = 256 };

/*
 * Not in memory of OpenSSL's, and without entering it as other calls do: that would have it set
 * itself up, where all that was asked for is a name.
 */
static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;
static EC_builtin_curve curves[CURVES_MAX];
static size_t curve_count;

static void list_curves(void)
{
    const size_t count = EC_get_builtin_curves(curves, CURVES_MAX);

    curve_count = count < CURVES_MAX ? count : CURVES_MAX;
}

static bool ready(void)
{
    return CRYPTO_THREAD_run_once(&once, list_curves) == 1;
}

const char *pyossl_curve_name(size_t index)
{
    return ready() && index < curve_count ? OBJ_nid2sn(curves[index].nid) : NULL;
}

int pyossl_curve_nid(const char *name)
{
    OSL_NEED_OR(0, name != NULL);
    if (!ready())
        return 0;
    for (size_t i = 0; i < curve_count; i++) {
        const char *candidate = OBJ_nid2sn(curves[i].nid);

        if (candidate != NULL && strcmp(candidate, name) == 0)
            return curves[i].nid;
    }
    return 0;
}
