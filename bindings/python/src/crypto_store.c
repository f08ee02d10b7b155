/* OpenSSL.crypto.X509Store */
#include "crypto_store_methods.h"

#include "types.h"

PyObject *po_store_add_crl(po_object *self, PyObject *given)
{
    PyObject *converted;
    pyossl_store *store;
    pyossl_status status;
    pyossl_crl *crl;
    po_frame frame;
    int foreign = 0;

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
    if (status != PYOSSL_OK)
        return po_raise(self->state, PO_CRYPTO, status);
    Py_RETURN_NONE;
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
int po_to_epoch(po_state *state, PyObject *when, const char *name, int64_t *out)
{
    PyObject *tuple;
    long year, yday, hour, minute, second;
    int result = po_has_attribute(when, state->strings[PO_STR_timetuple]);

    if (result <= 0) {
        if (result == 0)
            PyErr_Format(PyExc_TypeError, "%s must be a datetime", name);
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
            PyErr_Format(PyExc_ValueError, "%s is no time of the years 1 to 9999", name);
        } else {
            *out = (days_to_year(year) + yday - 1) * 86400 + hour * 3600 + minute * 60 + second;
            result = 0;
        }
    }
    Py_DECREF(tuple);
    return result;
}

/* ---- files ---- */

/* The path as bytes, or the stand-in library's NULL. A new reference. */
static PyObject *path_or_null(const char *path)
{
    PyObject *module, *ffi, *null = NULL;

    if (path != NULL)
        return PyBytes_FromString(path);
    module = PyImport_ImportModule("OpenSSL._util");
    ffi = module != NULL ? PyObject_GetAttrString(module, "ffi") : NULL;
    if (ffi != NULL)
        null = PyObject_GetAttrString(ffi, "NULL");
    Py_XDECREF(ffi);
    Py_XDECREF(module);
    return null;
}

/* What a program put in the place of X509_STORE_load_locations answers with 1 for success. */
static PyObject *call_hook(po_object *self, PyObject *hook, const char *file, const char *dir)
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

PyObject *po_store_load_locations(po_object *self, const char *file, const char *dir)
{
    PyObject *hook = po_hook(self->state, "X509_STORE_load_locations"), *result;
    pyossl_store *store;
    pyossl_status status;
    po_frame frame;

    if (hook != NULL) {
        result = call_hook(self, hook, file, dir);
        Py_DECREF(hook);
        return result;
    }
    if (file == NULL && dir == NULL)
        return po_raise_no_reason(self->state);
    store = po_take_handle(self->state, (PyObject *)self, PO_STORE, "store");
    if (store == NULL)
        return NULL;
    po_long_enter(&frame);
    status = pyossl_store_load_locations(store, file, dir);
    po_frame_end(&frame);
    pyossl_store_unref(store);
    if (status != PYOSSL_OK)
        return po_raise(self->state, PO_CRYPTO, status);
    Py_RETURN_NONE;
}

PO_TYPE_SPEC(store, "OpenSSL.crypto.X509Store", po_object);
