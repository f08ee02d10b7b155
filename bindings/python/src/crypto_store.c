/* OpenSSL.crypto.X509Store */
#define PO_HANDLE pyossl_store
#define PO_DOMAIN PO_CRYPTO

#include "shapes.h"

#include "crypto_common.h"

#include "crypto_store.def"

PO_INIT_NEW(pyossl_store, PO_STORE, "X509Store", pyossl_store_new)

static PyObject *none_or_raise(po_state *state, pyossl_status status)
{
    if (status != PYOSSL_OK)
        return po_raise(state, PO_CRYPTO, status);
    Py_RETURN_NONE;
}

PO_METHOD(add_crl)
{
    po_object *self = (po_object *)object;
    PyObject *given = po_one_arg("add_crl", "crl", args, nargs, kwnames), *converted;
    pyossl_store *store;
    pyossl_status status;
    pyossl_crl *crl;
    po_frame frame;
    int foreign = 0;

    if (given == NULL)
        return NULL;
    /* A list of another package comes through its DER. */
    if (!PO_IS(self->state, given, PO_CRL))
        foreign = po_has_attribute(given, self->state->strings[PO_STR_public_bytes]);
    if (foreign < 0)
        return NULL;
    converted = foreign ? po_bridge("crl_from", given) : Py_NewRef(given);
    if (converted == NULL)
        return NULL;
    crl = po_take_handle(self->state, converted, PO_CRL, "crl");
    Py_DECREF(converted);
    if (crl == NULL)
        return NULL;
    store = po_enter_quick(&frame, self);
    if (store == NULL) {
        pyossl_crl_unref(crl);
        return NULL;
    }
    status = pyossl_store_add_crl(store, crl);
    pyossl_crl_unref(crl);
    po_frame_end(&frame);
    return none_or_raise(self->state, status);
}

PO_METHOD(set_flags)
{
    po_object *self = (po_object *)object;
    PyObject *given = po_one_arg("set_flags", "flags", args, nargs, kwnames);
    pyossl_store *store;
    pyossl_status status;
    unsigned long flags;
    po_frame frame;

    if (given == NULL)
        return NULL;
    if (!PyLong_Check(given)) {
        PyErr_SetString(PyExc_TypeError, "flags must be an integer");
        return NULL;
    }
    flags = PyLong_AsUnsignedLong(given);
    if (flags == (unsigned long)-1 && PyErr_Occurred())
        return NULL;
    store = po_enter_quick(&frame, self);
    if (store == NULL)
        return NULL;
    status = pyossl_store_set_flags(store, flags);
    po_frame_end(&frame);
    return none_or_raise(self->state, status);
}

/* ---- time ---- */

/* Days from 1970-01-01 to the first of January of @year, in the Gregorian calendar. */
static int64_t days_to_year(int64_t year)
{
    const int64_t y = year - 1;

    return y * 365 + y / 4 - y / 100 + y / 400 - 719162;
}

/* Field @index of a time tuple. */
static int field(PyObject *tuple, Py_ssize_t index, long *out)
{
    PyObject *item = PySequence_GetItem(tuple, index);
    int result = item != NULL ? po_to_long(item, "a field of the time", out) : -1;

    Py_XDECREF(item);
    return result;
}

/* Seconds since 1970 of what has a timetuple(), its fields taken as UTC. */
static int epoch_of(po_state *state, PyObject *when, int64_t *out)
{
    PyObject *tuple;
    long year, yday, hour, minute, second;
    int result = po_has_attribute(when, state->strings[PO_STR_timetuple]);

    if (result <= 0) {
        if (result == 0)
            PyErr_SetString(PyExc_TypeError, "vfy_time must be a datetime");
        return -1;
    }
    result = -1;
    tuple = PyObject_CallMethodNoArgs(when, state->strings[PO_STR_timetuple]);
    if (tuple == NULL)
        return -1;
    /* The time tuple of Python counts the day of the year itself (field 7, from 1). */
    if (field(tuple, 0, &year) == 0 && field(tuple, 7, &yday) == 0 && field(tuple, 3, &hour) == 0 &&
        field(tuple, 4, &minute) == 0 && field(tuple, 5, &second) == 0) {
        if (year < 1 || year > 9999 || yday < 1 || yday > 366 || hour < 0 || hour > 23 ||
            minute < 0 || minute > 59 || second < 0 || second > 61) {
            PyErr_SetString(PyExc_ValueError, "vfy_time is no time of the years 1 to 9999");
        } else {
            *out = (days_to_year(year) + yday - 1) * 86400 + hour * 3600 + minute * 60 + second;
            result = 0;
        }
    }
    Py_DECREF(tuple);
    return result;
}

PO_METHOD(set_time)
{
    po_object *self = (po_object *)object;
    PyObject *given = po_one_arg("set_time", "vfy_time", args, nargs, kwnames);
    pyossl_store *store;
    pyossl_status status;
    po_frame frame;
    int64_t when;

    if (given == NULL || epoch_of(self->state, given, &when) < 0)
        return NULL;
    store = po_enter_quick(&frame, self);
    if (store == NULL)
        return NULL;
    status = pyossl_store_set_time(store, when);
    po_frame_end(&frame);
    return none_or_raise(self->state, status);
}

/* ---- files ---- */

/* The path as bytes, or the stand-in library's NULL. A new reference. */
static PyObject *path_or_null(const po_bytes *path)
{
    PyObject *module, *ffi, *null = NULL;

    if (path->data != NULL)
        return PyBytes_FromStringAndSize(path->data, (Py_ssize_t)path->len);
    module = PyImport_ImportModule("OpenSSL._util");
    ffi = module != NULL ? PyObject_GetAttrString(module, "ffi") : NULL;
    if (ffi != NULL)
        null = PyObject_GetAttrString(ffi, "NULL");
    Py_XDECREF(ffi);
    Py_XDECREF(module);
    return null;
}

/* What a program put in the place of X509_STORE_load_locations answers with 1 for success. */
static PyObject *call_hook(po_object *self, PyObject *hook, const po_bytes *file,
                           const po_bytes *dir)
{
    PyObject *first = path_or_null(file), *second = first != NULL ? path_or_null(dir) : NULL;
    PyObject *result = NULL;
    long answer = 0;

    if (second != NULL)
        result = PyObject_CallFunctionObjArgs(hook, (PyObject *)self, first, second, NULL);
    Py_XDECREF(first);
    Py_XDECREF(second);
    if (result == NULL || po_to_long(result, "the result", &answer) < 0) {
        Py_XDECREF(result);
        return NULL;
    }
    Py_DECREF(result);
    if (answer == 0)
        return po_raise_no_reason(self->state);
    Py_RETURN_NONE;
}

static int optional_path(PyObject *given, const char *name, po_bytes *out)
{
    return given == NULL || given == Py_None ? 0 : po_to_path(given, name, out);
}

PO_METHOD(load_locations)
{
    static const char *const names[] = { "cafile", "capath" };
    static const po_params params = { "load_locations", names, 1, 2 };
    po_object *self = (po_object *)object;
    po_auto_bytes file = PO_BYTES_INIT, dir = PO_BYTES_INIT;
    PyObject *given[2], *hook, *result;
    pyossl_store *store;
    pyossl_status status;
    po_frame frame;

    if (po_args(&params, args, nargs, kwnames, given) < 0 ||
        optional_path(given[0], "cafile", &file) < 0 || optional_path(given[1], "capath", &dir) < 0)
        return NULL;
    hook = po_hook(self->state, "X509_STORE_load_locations");
    if (hook != NULL) {
        result = call_hook(self, hook, &file, &dir);
        Py_DECREF(hook);
        return result;
    }
    if (file.data == NULL && dir.data == NULL)
        return po_raise_no_reason(self->state);
    store = po_take_handle(self->state, object, PO_STORE, "store");
    if (store == NULL)
        return NULL;
    po_long_enter(&frame);
    status = pyossl_store_load_locations(store, file.data, dir.data);
    po_frame_end(&frame);
    pyossl_store_unref(store);
    return po_in_file(self->state, none_or_raise(self->state, status),
                      file.data != NULL ? given[0] : given[1]);
}

#include "rows.h"

static PyMethodDef methods[] = {
    PO_COMMON_METHODS,
#include "crypto_store.def"
    { NULL, NULL, 0, NULL },
};

PO_TYPE_SPEC(
    store, "OpenSSL.crypto.X509Store", po_object, methods, init,
    "X509Store()\n--\n\nTrusted certificates, revocation lists, and how to judge chains by them.");
