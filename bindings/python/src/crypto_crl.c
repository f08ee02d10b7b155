/* OpenSSL.crypto.CRL */
#define PO_HANDLE pyossl_crl
#define PO_DOMAIN PO_CRYPTO

#include "shapes.h"

#include "crypto_common.h"

#include <stdio.h>
#include <time.h>

#include "crypto_crl.def"

PO_INIT_NEW(pyossl_crl, PO_CRL, "CRL", pyossl_crl_new)

PO_METHOD0(get_revoked)
{
    po_object *self = (po_object *)object;
    PyObject *list = PyList_New(0), *result = NULL;
    pyossl_status status = PYOSSL_OK;

    (void)unused;
    for (size_t i = 0; list != NULL; i++) {
        pyossl_revoked *revoked = NULL;
        PyObject *item;
        po_frame frame;
        const pyossl_crl *crl = po_enter_quick(&frame, self);

        if (crl == NULL)
            break;
        status = pyossl_crl_revoked_at(crl, i, &revoked);
        if (po_frame_leave(&frame) < 0 || status != PYOSSL_OK)
            break;
        item = po_wrap(self->state, PO_REVOKED, revoked);
        if (item == NULL || PyList_Append(list, item) < 0) {
            Py_XDECREF(item);
            break;
        }
        Py_DECREF(item);
    }
    if (list != NULL && !PyErr_Occurred()) {
        if (status != PYOSSL_E_NOT_FOUND)
            po_raise(self->state, PO_CRYPTO, status);
        else
            result = PyList_GET_SIZE(list) > 0 ? PyList_AsTuple(list) : Py_NewRef(Py_None);
    }
    Py_XDECREF(list);
    return result;
}

/* ---- signing ---- */

/* What issuing a list needs. */
typedef struct issuing {
    pyossl_x509 *cert;
    pyossl_pkey *key;
    po_bytes digest;
} issuing;

static void issuing_release(issuing *from)
{
    pyossl_x509_unref(from->cert);
    pyossl_pkey_unref(from->key);
    po_bytes_release(&from->digest);
}

/* clang-format off */
#define ISSUING_INIT { NULL, NULL, PO_BYTES_INIT }
/* clang-format on */
#define auto_issuing __attribute__((cleanup(issuing_release))) issuing

static int take_issuing(po_state *state, PyObject *cert, PyObject *key, PyObject *digest,
                        issuing *out)
{
    out->cert = po_take_handle(state, cert, PO_X509, "cert");
    if (out->cert == NULL)
        return -1;
    out->key = po_take_handle(state, key, PO_PKEY, "key");
    if (out->key == NULL)
        return -1;
    return digest != NULL && digest != Py_None
               ? po_to_cstring(digest, "digest", PO_STR_UTF8, &out->digest)
               : 0;
}

static pyossl_status issue(pyossl_crl *crl, const issuing *from)
{
    po_auto(pyossl_name) *issuer = NULL;
    pyossl_status status = pyossl_x509_subject(from->cert, &issuer);

    if (status == PYOSSL_OK)
        status = pyossl_crl_set_issuer(crl, issuer);
    if (status == PYOSSL_OK)
        status = pyossl_crl_sign(crl, from->key, from->digest.data);
    return status;
}

PO_METHOD(sign)
{
    static const char *const names[] = { "issuer_cert", "issuer_key", "digest" };
    static const po_params params = { "sign", names, 3, 3 };
    po_object *self = (po_object *)object;
    auto_issuing from = ISSUING_INIT;
    PyObject *given[3];
    pyossl_status status;
    pyossl_crl *crl;
    po_frame frame;

    if (po_args(&params, args, nargs, kwnames, given) < 0 ||
        take_issuing(self->state, given[0], given[1], given[2], &from) < 0)
        return NULL;
    crl = po_enter(&frame, self);
    if (crl == NULL)
        return NULL;
    status = issue(crl, &from);
    po_frame_end(&frame);
    if (status == PYOSSL_E_ARGUMENT) /* an unknown digest: Error here, ValueError elsewhere */
        return po_raise_as(self->state, PO_EXC_CRYPTO_VALUE);
    if (status != PYOSSL_OK)
        return po_raise(self->state, PO_CRYPTO, status);
    Py_RETURN_NONE;
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

/* Everything that takes long, in one go. */
static pyossl_status export_as(pyossl_crl *crl, const issuing *from, const validity *times,
                               pyossl_format format, pyossl_buf *out)
{
    pyossl_status status = pyossl_crl_set_last_update(crl, times->from, strlen(times->from));

    if (status == PYOSSL_OK)
        status = pyossl_crl_set_next_update(crl, times->until, strlen(times->until));
    if (status == PYOSSL_OK)
        status = issue(crl, from);
    if (status == PYOSSL_OK)
        status = pyossl_crl_dump(crl, format, out);
    return status;
}

/* The types of all arguments are judged before any value is. */
static int sort_arguments(po_state *state, PyObject *const *given, issuing *from,
                          pyossl_format *format, long *days)
{
    if (take_issuing(state, given[0], given[1], given[4], from) < 0)
        return -1;
    if (given[2] != NULL && !PyLong_Check(given[2])) {
        PyErr_SetString(PyExc_TypeError, "type must be an integer");
        return -1;
    }
    if (given[3] != NULL && po_to_long(given[3], "days", days) < 0)
        return -1;
    if (given[4] == NULL) {
        PyErr_SetString(PyExc_TypeError, "export() missing required argument 'digest'");
        return -1;
    }
    if (from->digest.data != NULL) {
        const pyossl_status status = pyossl_digest_check(from->digest.data);

        if (status != PYOSSL_OK) {
            po_raise(state, PO_CRYPTO, status);
            return -1;
        }
    }
    return given[2] != NULL ? po_to_format(given[2], format) : 0;
}

PO_METHOD(export)
{
    static const char *const names[] = { "cert", "key", "type", "days", "digest" };
    static const po_params params = { "export", names, 2, 5 };
    po_object *self = (po_object *)object;
    pyossl_format format = PYOSSL_PEM;
    auto_issuing from = ISSUING_INIT;
    pyossl_buf out = PYOSSL_BUF_INIT;
    PyObject *given[5];
    pyossl_status status;
    validity times;
    pyossl_crl *crl;
    po_frame frame;
    long days = 100;

    if (po_args(&params, args, nargs, kwnames, given) < 0 ||
        sort_arguments(self->state, given, &from, &format, &days) < 0 ||
        validity_from(days, &times) < 0)
        return NULL;
    crl = po_enter(&frame, self);
    if (crl == NULL)
        return NULL;
    status = export_as(crl, &from, &times, format, &out);
    po_frame_end(&frame);
    if (status != PYOSSL_OK)
        return po_raise(self->state, PO_CRYPTO, status);
    return po_from_buf(&out);
}

PO_METHOD0(to_cryptography)
{
    (void)unused;
    return po_bridge("crl_to", object);
}

PO_METHOD(from_cryptography)
{
    PyObject *given = po_one_arg("from_cryptography", "crypto_crl", args, nargs, kwnames);

    (void)object;
    return given != NULL ? po_bridge("crl_from", given) : NULL;
}

#include "rows.h"

static PyMethodDef methods[] = {
    PO_COMMON_METHODS,
#include "crypto_crl.def"
    { NULL, NULL, 0, NULL },
};

PO_TYPE_SPEC(crl, "OpenSSL.crypto.CRL", po_object, methods, init,
             "CRL()\n--\n\nA certificate revocation list (RFC 5280, section 5); empty at first.");
