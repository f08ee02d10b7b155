/* OpenSSL.crypto.CRL */
#include "crypto_crl_methods.h"

#include "types.h"

#include <stdio.h>
#include <time.h>

/* ---- signing ---- */

pyossl_status po_crl_issue(pyossl_crl *crl, pyossl_x509 *cert, const pyossl_pkey *key,
                           const char *digest)
{
    po_auto(pyossl_name) *issuer = NULL;
    pyossl_status status = pyossl_x509_subject(cert, &issuer);

    if (status == PYOSSL_OK)
        status = pyossl_crl_set_issuer(crl, issuer);
    if (status == PYOSSL_OK)
        status = pyossl_crl_sign(crl, key, digest);
    return status;
}

/* An unknown digest: Error here, ValueError elsewhere. */
PyObject *po_crl_no_digest(po_object *self, pyossl_status status)
{
    if (status == PYOSSL_E_ARGUMENT)
        return po_raise_as(self->state, PO_EXC_CRYPTO_VALUE);
    return po_raise(self->state, PO_CRYPTO, status);
}

/* ---- export ---- */

/* As RFC 5280 (5.1.2.4) wants it: two digits of the year up to 2049. False outside 1950 to 9999. */
static bool time_text(time_t when, char *out, size_t size)
{
    struct tm tm;
    int year;

    if (gmtime_r(&when, &tm) == NULL)
        return false;
    year = tm.tm_year + 1900;
    if (year < 1950 || year > 9999)
        return false;
    snprintf(out, size, year < 2050 ? "%02d%02d%02d%02d%02d%02dZ" : "%04d%02d%02d%02d%02d%02dZ",
             year < 2050 ? year % 100 : year, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
             tm.tm_sec);
    return true;
}

typedef struct validity {
    char from[96];
    char until[96];
} validity;

static int validity_from(long days, validity *out)
{
    const time_t now = time(NULL);
    int64_t until;

    if (!__builtin_mul_overflow((int64_t)days, (int64_t)86400, &until) &&
        !__builtin_add_overflow(until, (int64_t)now, &until) &&
        time_text(now, out->from, sizeof out->from) &&
        time_text((time_t)until, out->until, sizeof out->until))
        return 0;
    PyErr_SetString(PyExc_ValueError, "days leads out of the years 1950 to 9999");
    return -1;
}

PyObject *po_crl_export(po_object *self, pyossl_x509 *cert, pyossl_pkey *key, pyossl_format type,
                        long days, const char *digest)
{
    pyossl_buf out = PYOSSL_BUF_INIT;
    pyossl_status status = digest != NULL ? pyossl_digest_check(digest) : PYOSSL_OK;
    validity times;
    pyossl_crl *crl;
    po_frame frame;

    if (status != PYOSSL_OK)
        return po_raise(self->state, PO_CRYPTO, status);
    if (validity_from(days, &times) < 0)
        return NULL;
    crl = po_enter(&frame, self);
    if (crl == NULL)
        return NULL;
    status = pyossl_crl_set_last_update(crl, times.from, strlen(times.from));
    if (status == PYOSSL_OK)
        status = pyossl_crl_set_next_update(crl, times.until, strlen(times.until));
    if (status == PYOSSL_OK)
        status = po_crl_issue(crl, cert, key, digest);
    if (status == PYOSSL_OK)
        status = pyossl_crl_dump(crl, type, &out);
    po_frame_end(&frame);
    if (status != PYOSSL_OK)
        return po_raise(self->state, PO_CRYPTO, status);
    return po_from_buf(&out);
}

PO_TYPE_SPEC(crl, "OpenSSL.crypto.CRL", po_object);
