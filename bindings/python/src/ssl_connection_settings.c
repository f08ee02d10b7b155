/* OpenSSL.SSL.Connection: settings for one connection, before its handshake. */
#include "ssl_connection_methods.h"

/*
 * For what the ClientHello depends on, and for the size of datagrams where there are none:
 * nothing happens, and no release said so. Not where the peer is to be judged: nobody may
 * think that it will be.
 */
PyObject *po_conn_too_late(po_object *self, pyossl_status status)
{
    if (status != PYOSSL_E_STATE)
        return po_raise(self->state, PO_SSL, status);
    Py_RETURN_NONE;
}

static int judge_of(po_connection *self, PyObject *callback, uint64_t *judge)
{
    PyObject *context = po_field_get(&self->base, &self->context);
    const int result = po_judge_of(po_context_root(context), callback, judge);

    Py_DECREF(context);
    return result;
}

PyObject *po_conn_set_verify(po_connection *self, int mode, PyObject *callback)
{
    PyObject *old = NULL, *unasked = NULL;
    uint64_t judge = 0;
    po_frame frame;
    pyossl_status status;

    if (callback != Py_None && judge_of(self, callback, &judge) < 0)
        return NULL;
    po_quick_enter(&frame, &self->base);
    status = po_conn_verify_install(self->base.handle, mode, judge);
    if (status == PYOSSL_OK) {
        old = self->own_verify;
        self->own_verify = Py_NewRef(callback);
        unasked = self->verify;
        self->verify = NULL;
    }
    po_frame_end(&frame);
    if (status != PYOSSL_OK)
        return po_raise(self->base.state, PO_SSL, status);
    Py_XDECREF(old);
    Py_XDECREF(unasked);
    Py_RETURN_NONE;
}

PyObject *po_conn_set_info_callback(po_connection *self, PyObject *callback)
{
    PyObject *old = NULL;
    po_frame frame;
    pyossl_status status;

    po_quick_enter(&frame, &self->base);
    status = po_conn_info_install(self->base.handle, callback != Py_None);
    if (status == PYOSSL_OK) {
        old = self->own_info;
        self->own_info = Py_NewRef(callback);
    }
    po_frame_end(&frame);
    if (status != PYOSSL_OK)
        return po_raise(self->base.state, PO_SSL, status);
    Py_XDECREF(old);
    Py_RETURN_NONE;
}

int po_to_servername(PyObject *object, const char *name, po_bytes *out)
{
    if (po_check_strict(object, name, PO_STR_REFUSE) < 0 ||
        po_to_bytes(object, name, PO_STR_REFUSE, out) < 0)
        return -1;
    if (out->len == 0 || memchr(out->data, '\0', out->len) == NULL)
        return 0;
    PyErr_Format(PyExc_TypeError, "%s must not contain NUL byte", name);
    return -1;
}
