/* OpenSSL.SSL.Connection over memory: the bytes that a program carries itself. */
#include "ssl.h"

static po_connection *in_memory(PyObject *object)
{
    po_connection *self = (po_connection *)object;

    if (self->base.handle == NULL) {
        po_raise_empty(&self->base, PO_IO);
        return NULL;
    }
    if (self->channel.kind == PO_CHANNEL_MEMORY)
        return self;
    PyErr_SetString(PyExc_TypeError, "Connection sock was not None");
    return NULL;
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

PyObject *po_conn_bio_read(PyObject *object, PyObject *const *args, Py_ssize_t nargs,
                           PyObject *kwnames)
{
    static const char *const names[] = { "bufsiz" };
    static const po_params params = { "bio_read", names, 1, 1 };
    po_connection *self = in_memory(object);
    PyObject *given[1], *bytes;
    size_t cap, done = 0;
    po_frame frame;
    pyossl_status status = PYOSSL_OK;
    bool locked;

    if (self == NULL || po_args(&params, args, nargs, kwnames, given) < 0 ||
        po_to_size(given[0], "bufsiz", &cap) < 0)
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

static PyObject *feed(PyObject *object, const char *data, size_t len)
{
    po_connection *self = in_memory(object);
    size_t done = 0;
    po_frame frame;
    pyossl_status status;
    bool locked;

    if (self == NULL)
        return NULL;
    locked = po_look_enter(&frame, &self->base);
    status = pyossl_conn_feed(self->base.handle, data, len, &done);
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

PyObject *po_conn_bio_write(PyObject *object, PyObject *const *args, Py_ssize_t nargs,
                            PyObject *kwnames)
{
    static const char *const names[] = { "buf" };
    static const po_params params = { "bio_write", names, 1, 1 };
    PyObject *given[1], *result;
    po_bytes bytes;

    if (po_only_bytes(args, nargs, kwnames))
        return feed(object, PyBytes_AS_STRING(args[0]), (size_t)PyBytes_GET_SIZE(args[0]));
    if (po_args(&params, args, nargs, kwnames, given) < 0 ||
        po_to_bytes(given[0], "buf", PO_STR_WARN, &bytes) < 0)
        return NULL;
    result = feed(object, bytes.data, bytes.len);
    po_bytes_release(&bytes);
    return result;
}

PyObject *po_conn_bio_shutdown(PyObject *object, PyObject *unused)
{
    po_connection *self = in_memory(object);
    po_frame frame;
    pyossl_status status;

    (void)unused;
    if (self == NULL)
        return NULL;
    po_quick_enter(&frame, &self->base);
    status = pyossl_conn_feed_eof(self->base.handle);
    po_frame_end(&frame);
    if (status != PYOSSL_OK)
        return po_raise(self->base.state, PO_IO, status);
    Py_RETURN_NONE;
}
