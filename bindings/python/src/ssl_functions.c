/* OpenSSL.SSL: functions, and what OpenSSL._util asks for behind the scenes. */
#include "ssl_functions_methods.h"
#include "ssl_private_methods.h"

PyObject *po_ssl_allow_slim(po_state *state, int allowed)
{
    (void)state;
    pyossl_slim_allow(allowed);
    Py_RETURN_NONE;
}

/* ---- for OpenSSL._util ---- */

PyObject *po_private_set_no_overlap(po_state *state, PyObject *none)
{
    PyObject *old = state->no_overlap;

    state->no_overlap = Py_NewRef(none);
    Py_XDECREF(old);
    Py_RETURN_NONE;
}

int po_check_connection(po_state *state, PyObject *object)
{
    if (PO_IS(state, object, PO_CONNECTION))
        return po_check_full(state, object, PO_CONNECTION, "connection");
    PyErr_SetString(PyExc_TypeError, "a Connection is needed");
    return -1;
}

PyObject *po_private_store_count(po_state *state, pyossl_store *store)
{
    pyossl_x509_list certs = PYOSSL_X509_LIST_INIT;
    po_frame frame;
    pyossl_status status;
    size_t count;

    po_frame_enter(&frame, NULL); /* a store locks itself */
    status = pyossl_store_certs(store, &certs);
    count = certs.count;
    pyossl_x509_list_clear(&certs);
    po_frame_end(&frame);
    if (status != PYOSSL_OK)
        return po_raise(state, PO_CRYPTO, status);
    return PyLong_FromSize_t(count);
}

PyObject *po_private_group_name(po_state *state, PyObject *connection)
{
    po_object *self = (po_object *)connection;
    PyObject *text;
    po_frame frame;

    (void)state;
    po_quick_enter(&frame, self);
    text = po_from_text(pyossl_conn_group_name(self->handle));
    po_frame_end(&frame);
    return text;
}

PyObject *po_private_context_callbacks(po_state *state, PyObject *object)
{
    po_context *context = po_context_root(object);

    (void)state;
    return po_field_get(&context->base, &context->callbacks);
}

PyObject *po_private_set_fd(po_state *state, PyObject *object, int fd)
{
    po_connection *self = (po_connection *)object;
    po_channel before = { 0 };
    pyossl_status status;
    po_frame frame;
    bool bound;

    po_quick_enter(&frame, &self->base);
    bound = self->bound;
    status = bound ? PYOSSL_OK : pyossl_conn_use_fd(self->base.handle, fd);
    if (!bound && status == PYOSSL_OK) {
        before = self->channel;
        self->channel = (po_channel){ PO_CHANNEL_FD, fd, fd, NULL, NULL, NULL };
    }
    po_frame_end(&frame);
    if (status != PYOSSL_OK)
        return po_raise(state, PO_SSL, status);
    po_channel_clear(&before);
    if (!bound)
        Py_RETURN_NONE;
    PyErr_SetString(PyExc_ValueError, "the handshake has begun");
    return NULL;
}
