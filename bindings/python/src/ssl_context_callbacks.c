/* OpenSSL.SSL.Context: the methods that set its callbacks. */
#include "ssl_context_methods.h"

/* A copy of @callbacks with @callback, and @data if it is given, in their places. */
static PyObject *with(PyObject *callbacks, po_slot slot, PyObject *callback, PyObject *data)
{
    PyObject *copy = PyTuple_New(PO_CB_MAX);

    for (Py_ssize_t i = 0; copy != NULL && i < PO_CB_MAX; i++) {
        PyObject *item = PyTuple_GET_ITEM(callbacks, i);

        if (i == (Py_ssize_t)slot)
            item = callback;
        else if (data != NULL && i == (Py_ssize_t)slot + 1)
            item = data;
        PyTuple_SET_ITEM(copy, i, Py_NewRef(item));
    }
    return copy;
}

/*
 * Whether @callbacks judge by what judges already. Programs such as urllib3 set it again for each
 * connection, and sessions resume only under what judged them.
 */
static bool is_same(po_context *self, po_slot slot, int mode, PyObject *callbacks)
{
    PyObject *old = self->callbacks, *callback = PyTuple_GET_ITEM(callbacks, slot);

    if (callback == Py_None || callback != PyTuple_GET_ITEM(old, slot))
        return false;
    if (slot == PO_CB_VERIFY)
        return mode == pyossl_ctx_verify_mode(self->base.handle);
    return slot == PO_CB_OCSP_CLIENT &&
           PyTuple_GET_ITEM(callbacks, slot + 1) == PyTuple_GET_ITEM(old, slot + 1);
}

/* With the lock: have the library call what @callbacks has in @slot, and it be in force. */
static pyossl_status install(po_context *self, po_slot slot, int mode, PyObject *callbacks)
{
    PyObject *old = self->callbacks;
    const bool on = PyTuple_GET_ITEM(callbacks, slot) != Py_None;
    pyossl_status status = PYOSSL_OK;

    if (is_same(self, slot, mode, callbacks))
        status = PYOSSL_OK;
    else if (slot == PO_CB_VERIFY)
        status = po_verify_install(self->base.handle, mode, on);
    else if (slot == PO_CB_OCSP_CLIENT || on != (PyTuple_GET_ITEM(old, slot) != Py_None))
        /* What is installed finds the new callable by itself. But sessions resume only under
         * what judged them, and of that a new callable is another. */
        status = po_callback_install(self, slot, on);
    if (status == PYOSSL_OK)
        self->callbacks = callbacks;
    return status;
}

/* What a setter does; @mode is that of verification, and -1 for the others. */
static PyObject *set(po_context *self, po_slot slot, int mode, PyObject *callback, PyObject *data)
{
    PyObject *old, *callbacks;
    pyossl_status status = PYOSSL_OK;
    po_frame frame;
    bool current;

    /* The copy is made outside the lock; it is made again where another setter was faster. */
    do {
        old = po_field_get(&self->base, &self->callbacks);
        callbacks = with(old, slot, callback, data);
        if (callbacks == NULL) {
            Py_DECREF(old);
            return NULL;
        }
        po_quick_enter(&frame, &self->base);
        current = self->callbacks == old;
        if (current)
            status = install(self, slot, mode, callbacks);
        po_frame_end(&frame);
        if (status != PYOSSL_OK)
            po_raise(self->base.state, PO_SSL, status);
        if (current && status == PYOSSL_OK)
            Py_DECREF(old); /* that of the Context, which has the new one now */
        else
            Py_DECREF(callbacks);
        Py_DECREF(old);
    } while (!current);
    if (status != PYOSSL_OK)
        return NULL;
    Py_RETURN_NONE;
}

/* ---- who judges on Connections ---- */

enum { JUDGES_MAX = 8 }; /* a weak reference and a number of each, the newest first */

/* A number that is nobody's. */
static uint64_t new_judge(void)
{
    static _Atomic uint64_t last;

    return atomic_fetch_add(&last, 1) + 1;
}

/* What @known says of @callback, or 0. */
static uint64_t find_judge(PyObject *known, PyObject *callback)
{
    const Py_ssize_t len = known != Py_None ? PyTuple_GET_SIZE(known) : 0;

    for (Py_ssize_t i = 0; i < len; i += 2)
        if (po_refers_to(PyTuple_GET_ITEM(known, i), callback))
            return PyLong_AsUnsignedLongLong(PyTuple_GET_ITEM(known, i + 1));
    return 0;
}

/* @known with one more in front of it; NULL is an exception. */
static PyObject *with_judge(PyObject *known, PyObject *callback, uint64_t judge)
{
    const Py_ssize_t len = known != Py_None ? PyTuple_GET_SIZE(known) : 0;
    const Py_ssize_t kept = len < 2 * (JUDGES_MAX - 1) ? len : 2 * (JUDGES_MAX - 1);
    PyObject *reference = PyWeakref_NewRef(callback, NULL), *number, *next;

    if (reference == NULL)
        return NULL;
    number = PyLong_FromUnsignedLongLong(judge);
    next = number != NULL ? PyTuple_New(2 + kept) : NULL;
    if (next == NULL) {
        Py_DECREF(reference);
        Py_XDECREF(number);
        return NULL;
    }
    PyTuple_SET_ITEM(next, 0, reference);
    PyTuple_SET_ITEM(next, 1, number);
    for (Py_ssize_t i = 0; i < kept; i++)
        PyTuple_SET_ITEM(next, 2 + i, Py_NewRef(PyTuple_GET_ITEM(known, i)));
    return next;
}

int po_judge_of(po_context *self, PyObject *callback, uint64_t *judge)
{
    PyObject *known = po_field_get(&self->base, &self->judges), *next;

    *judge = find_judge(known, callback);
    if (*judge == 0) {
        *judge = new_judge();
        next = with_judge(known, callback, *judge);
        if (next != NULL)
            po_field_set(&self->base, &self->judges, next);
        else if (PyErr_ExceptionMatches(PyExc_TypeError))
            PyErr_Clear(); /* there are no weak references to it: another one each time */
        else
            *judge = 0;
    }
    Py_DECREF(known);
    return *judge != 0 ? 0 : -1;
}

/* ---- setters ---- */

PyObject *po_callback_set(po_object *self, po_slot slot, PyObject *callback, PyObject *data)
{
    if (po_check_callback(callback) < 0)
        return NULL;
    return set((po_context *)self, slot, -1, callback, data);
}

PyObject *po_callback_set_if(pyossl_feature feature, const char *complaint, po_object *self,
                             po_slot slot, PyObject *callback)
{
    if (pyossl_has(feature))
        return po_callback_set(self, slot, callback, NULL);
    PyErr_SetString(PyExc_NotImplementedError, complaint);
    return NULL;
}

PyObject *po_ctx_set_verify(po_context *self, int mode, PyObject *callback)
{
    return set(self, PO_CB_VERIFY, mode, callback, NULL);
}

PyObject *po_ctx_set_passwd_cb(po_context *self, PyObject *callback, PyObject *userdata)
{
    if (callback == Py_None) {
        PyErr_SetString(PyExc_TypeError, "callback must be callable");
        return NULL;
    }
    return po_callback_set(&self->base, PO_CB_PASSPHRASE, callback,
                           userdata != NULL ? userdata : Py_None);
}
