/* OpenSSL.SSL.Connection over memory: the bytes that a program carries itself. */
#include "ssl_connection_methods.h"

static int check_memory(const po_connection *self)
{
    if (self->channel.kind == PO_CHANNEL_MEMORY)
        return 0;
    PyErr_SetString(PyExc_TypeError, "Connection sock was not None");
    return -1;
}

/* At most @cap bytes of what waits for the peer; NULL with an exception, or for @status. */
static PyObject *drain(pyossl_conn *conn, size_t cap, size_t *done, pyossl_status *status)
{
    const size_t waiting = pyossl_conn_drainable(conn);
    PyObject *bytes;

    if (cap > waiting && waiting > 0)
        cap = waiting;
    if (waiting == 0 && cap > 0)
        cap = 1; /* nothing to have: room for asking why */
    /* Making a bytes object runs no other code. */
    bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)cap);
    if (bytes == NULL)
        return NULL;
    *status = pyossl_conn_drain(conn, PyBytes_AS_STRING(bytes), cap, done);
    if (*status != PYOSSL_OK)
        Py_CLEAR(bytes);
    return bytes;
}

PyObject *po_conn_bio_read(po_connection *self, size_t cap)
{
    PyObject *bytes;
    size_t done = 0;
    po_frame frame;
    pyossl_status status = PYOSSL_OK;
    bool locked;

    if (check_memory(self) < 0)
        return NULL;
    locked = po_look_enter(&frame, &self->base);
    bytes = drain(self->base.handle, cap, &done, &status);
    if (locked && po_frame_leave(&frame) < 0)
        Py_CLEAR(bytes);
    if (status != PYOSSL_OK)
        return po_raise(self->base.state, PO_IO, status);
    if (bytes != NULL && done < (size_t)PyBytes_GET_SIZE(bytes))
        (void)_PyBytes_Resize(&bytes, (Py_ssize_t)done);
    return bytes;
}

PyObject *po_conn_bio_write(po_connection *self, const po_bytes *buf)
{
    size_t done = 0;
    po_frame frame;
    pyossl_status status;
    bool locked;

    if (check_memory(self) < 0)
        return NULL;
    locked = po_look_enter(&frame, &self->base);
    status = pyossl_conn_feed(self->base.handle, buf->data, buf->len, &done);
    /* A hint: one that is lost to another thread costs nothing but time. */
    atomic_store_explicit(&self->undigested,
                          atomic_load_explicit(&self->undigested, memory_order_relaxed) + done,
                          memory_order_relaxed);
    if (locked && po_frame_leave(&frame) < 0)
        return NULL;
    if (status != PYOSSL_OK)
        return po_raise(self->base.state, PO_IO, status);
    return PyLong_FromSize_t(done);
}

PyObject *po_conn_bio_shutdown(po_connection *self)
{
    po_frame frame;
    pyossl_status status;

    if (check_memory(self) < 0)
        return NULL;
    po_quick_enter(&frame, &self->base);
    status = pyossl_conn_feed_eof(self->base.handle);
    po_frame_end(&frame);
    if (status != PYOSSL_OK)
        return po_raise(self->base.state, PO_IO, status);
    Py_RETURN_NONE;
}
