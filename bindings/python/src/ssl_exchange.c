/*
 * OpenSSL.SSL.Connection: what exchanges bytes with the peer.
 *
 * There is one loop. The library never waits, so no lock is held and no
 * interpreter kept while a blocking socket has nothing to give: another thread
 * can write while one waits to read.
 */
#include "ssl.h"

#ifdef _WIN32
#include <winsock2.h>
#else
#include <sys/socket.h>
#endif

/* From here on an operation in memory costs more than letting the interpreter go. */
enum { QUICK_LIMIT = 4096 };

/* The plaintext of one TLS record: no read gives more. */
enum { RECORD_MAX = 16384 };

/* What a step moves, and how far it came. */
typedef struct transfer {
    void *into;
    const void *from;
    size_t len;
    size_t done;
    int flag;
} transfer;

typedef pyossl_status (*step)(pyossl_conn *conn, transfer *t);

/* ---- the loop ---- */

void po_conn_follow_context(po_connection *self)
{
    PyObject *context = po_field_get(&self->base, &self->context), *callbacks = NULL;
    PyObject *old = NULL, *verify = NULL;
    po_frame frame;

    if (context != Py_None)
        callbacks = po_context_callbacks((po_context *)context);
    Py_DECREF(context);
    if (callbacks != NULL && PyTuple_Check(callbacks)) {
        po_quick_enter(&frame, &self->base);
        self->bound = pyossl_conn_begun(self->base.handle);
        if (!self->bound) {
            old = self->callbacks;
            verify = self->verify;
            self->callbacks = Py_NewRef(callbacks);
            self->verify = self->own_verify == NULL
                               ? Py_NewRef(PyTuple_GET_ITEM(callbacks, PO_CB_VERIFY))
                               : NULL;
        }
        (void)po_frame_leave(&frame);
    }
    Py_XDECREF(verify);
    Py_XDECREF(old);
    Py_XDECREF(callbacks);
}

static int begin(po_connection *self)
{
    if (self->base.handle == NULL) {
        po_raise_empty(&self->base, PO_IO);
        return -1;
    }
    if (!self->bound)
        po_conn_follow_context(self);
    return po_channel_check(self);
}

/* Raise @status, with what the server name callback raised as its cause; takes @cause over. */
static int fail(po_connection *self, pyossl_status status, PyObject *cause)
{
    PyObject *exception;

    po_raise(self->base.state, PO_IO, status);
    if (cause == NULL)
        return -1;
    exception = po_exception_take();
    PyException_SetCause(exception, cause);
    po_exception_restore(exception);
    return -1;
}

/* Take @todo as far as one call of the program's goes. @quick keeps the interpreter. */
static int exchange(po_connection *self, step todo, transfer *t, bool quick)
{
    for (;;) {
        po_frame frame;
        pyossl_status status;
        PyObject *cause;

        if (begin(self) < 0)
            return -1;
        if (quick)
            po_quick_enter(&frame, &self->base);
        else
            po_frame_enter(&frame, &self->base);
        status = todo(self->base.handle, t);
        cause = self->cause;
        self->cause = NULL;
        if (status == PYOSSL_OK && t->done > 0)
            atomic_store_explicit(&self->settled, true, memory_order_relaxed);
        else if (status == PYOSSL_WANT_READ)
            atomic_store_explicit(&self->undigested, 0, memory_order_relaxed);
        if (po_frame_leave(&frame) < 0) {
            Py_XDECREF(cause);
            return -1;
        }
        if (status == PYOSSL_OK) {
            Py_XDECREF(cause);
            return 0;
        }
        if (!pyossl_is_retry(status) || !po_channel_blocks(self, status))
            return fail(self, status, cause);
        Py_XDECREF(cause);
        if (po_channel_wait(self, status) < 0)
            return -1;
    }
}

/* Whether this interpreter has no other thread that could use the time. */
static bool is_alone(void)
{
    return PyThreadState_Next(PyInterpreterState_ThreadHead(PyInterpreterState_Get())) == NULL;
}

/*
 * Whether an operation on @size bytes is over before another thread would have got
 * going. None waits, whatever the descriptor's mode; but what goes out through one may
 * wake a thread of ours, which would then have to be woken once more. Objects of the
 * program's may do anything.
 */
static bool is_quick(const po_connection *self, size_t size)
{
    if (size >= QUICK_LIMIT || !atomic_load_explicit(&self->settled, memory_order_relaxed))
        return false;
    return self->channel == PO_CHANNEL_MEMORY ||
           (self->channel != PO_CHANNEL_METHODS && is_alone());
}

/* How many bytes a read may have to decrypt: what waits in memory, elsewhere what came last time.
 */
static size_t to_be_read(const po_connection *self, size_t len)
{
    const size_t expected = self->channel == PO_CHANNEL_MEMORY
                                ? atomic_load_explicit(&self->undigested, memory_order_relaxed)
                                : self->last_read;

    return len < expected ? len : expected;
}

/* ---- steps without data ---- */

static pyossl_status handshake_step(pyossl_conn *conn, transfer *t)
{
    (void)t;
    return pyossl_conn_handshake(conn);
}

static pyossl_status shutdown_step(pyossl_conn *conn, transfer *t)
{
    return pyossl_conn_shutdown(conn, &t->flag);
}

static pyossl_status listen_step(pyossl_conn *conn, transfer *t)
{
    (void)t;
    return pyossl_conn_dtls_listen(conn);
}

static pyossl_status timeout_step(pyossl_conn *conn, transfer *t)
{
    return pyossl_conn_dtls_handle_timeout(conn, &t->flag);
}

PyObject *po_conn_do_handshake(PyObject *object, PyObject *unused)
{
    transfer t = { 0 };

    (void)unused;
    if (exchange((po_connection *)object, handshake_step, &t, false) < 0)
        return NULL;
    Py_RETURN_NONE;
}

PyObject *po_conn_shutdown(PyObject *object, PyObject *unused)
{
    transfer t = { 0 };

    (void)unused;
    if (exchange((po_connection *)object, shutdown_step, &t, false) < 0)
        return NULL;
    return PyBool_FromLong(t.flag);
}

PyObject *po_conn_dtls_listen(PyObject *object, PyObject *unused)
{
    transfer t = { 0 };

    (void)unused;
    if (exchange((po_connection *)object, listen_step, &t, false) < 0)
        return NULL;
    Py_RETURN_NONE;
}

PyObject *po_conn_dtls_handle_timeout(PyObject *object, PyObject *unused)
{
    transfer t = { 0 };

    (void)unused;
    if (exchange((po_connection *)object, timeout_step, &t, false) < 0)
        return NULL;
    return PyBool_FromLong(t.flag);
}

/* ---- reading ---- */

static pyossl_status read_step(pyossl_conn *conn, transfer *t)
{
    return pyossl_conn_read(conn, t->into, t->len, &t->done);
}

static pyossl_status peek_step(pyossl_conn *conn, transfer *t)
{
    return pyossl_conn_peek(conn, t->into, t->len, &t->done);
}

/* Which step @flags ask for: only MSG_PEEK has a meaning. NULL with an exception. */
static step reader_for(PyObject *flags)
{
    long value;

    if (flags == NULL || flags == Py_None)
        return read_step;
    if (po_to_long(flags, "flags", &value) < 0)
        return NULL;
    return (value & MSG_PEEK) != 0 ? peek_step : read_step;
}

static int read_into(po_connection *self, step todo, transfer *t)
{
    if (exchange(self, todo, t, is_quick(self, to_be_read(self, t->len))) < 0)
        return -1;
    self->last_read = t->done;
    return 0;
}

/* Small reads pass through the stack, so that the bytes object has the right size at once. */
static PyObject *read_small(po_connection *self, step todo, size_t len)
{
    char buffer[RECORD_MAX];
    transfer t = { .into = buffer, .len = len };

    if (read_into(self, todo, &t) < 0)
        return NULL;
    return PyBytes_FromStringAndSize(buffer, (Py_ssize_t)t.done);
}

static PyObject *read_large(po_connection *self, step todo, size_t len)
{
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)len);
    transfer t = { .len = len };

    if (bytes == NULL)
        return NULL;
    t.into = PyBytes_AS_STRING(bytes);
    if (read_into(self, todo, &t) < 0) {
        Py_DECREF(bytes);
        return NULL;
    }
    if (t.done < len)
        (void)_PyBytes_Resize(&bytes, (Py_ssize_t)t.done);
    return bytes;
}

PyObject *po_conn_recv(PyObject *object, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames)
{
    static const char *const names[] = { "bufsiz", "flags" };
    static const po_params params = { "recv", names, 1, 2 };
    po_connection *self = (po_connection *)object;
    PyObject *given[2];
    size_t len;
    step todo;

    if (po_args(&params, args, nargs, kwnames, given) < 0 ||
        po_to_size(given[0], "bufsiz", &len) < 0)
        return NULL;
    todo = reader_for(given[1]);
    if (todo == NULL)
        return NULL;
    if (len > RECORD_MAX)
        len = RECORD_MAX;
    if (self->last_read < RECORD_MAX / 2)
        return read_small(self, todo, len);
    return read_large(self, todo, len);
}

PyObject *po_conn_recv_into(PyObject *object, PyObject *const *args, Py_ssize_t nargs,
                            PyObject *kwnames)
{
    static const char *const names[] = { "buffer", "nbytes", "flags" };
    static const po_params params = { "recv_into", names, 1, 3 };
    PyObject *given[3];
    Py_buffer view;
    transfer t = { 0 };
    step todo;
    int result;

    if (po_args(&params, args, nargs, kwnames, given) < 0)
        return NULL;
    todo = reader_for(given[2]);
    if (todo == NULL || po_to_writable(given[0], &view) < 0)
        return NULL;
    t.into = view.buf;
    t.len = (size_t)view.len;
    if (given[1] != NULL && given[1] != Py_None) {
        size_t limit;

        if (po_to_size(given[1], "nbytes", &limit) < 0) {
            PyBuffer_Release(&view);
            return NULL;
        }
        if (limit < t.len)
            t.len = limit;
    }
    result = read_into((po_connection *)object, todo, &t);
    PyBuffer_Release(&view);
    return result == 0 ? PyLong_FromSize_t(t.done) : NULL;
}

/* ---- writing ---- */

static pyossl_status write_step(pyossl_conn *conn, transfer *t)
{
    return pyossl_conn_write(conn, t->from, t->len, &t->done);
}

/* One writer at a time, from the first try to the last: a write that waits must be repeated as it
 * was. */
static int write_some(po_connection *self, transfer *t)
{
    po_frame outer;
    int result;

    if (self->channel == PO_CHANNEL_MEMORY)
        return exchange(self, write_step, t, is_quick(self, t->len));
    po_quick_lock(&outer, &self->writing);
    result = exchange(self, write_step, t, is_quick(self, t->len));
    if (po_frame_leave(&outer) < 0)
        return -1;
    return result;
}

/* How much send() takes at once, judged by len(): what programs expect to hear about. */
static int check_size(PyObject *object, size_t len)
{
    Py_ssize_t size = (Py_ssize_t)len;

    if (!PyBytes_CheckExact(object)) {
        size = PyObject_Size(object);
        if (size < 0) {
            if (!PyErr_ExceptionMatches(PyExc_TypeError))
                return -1;
            PyErr_Clear();
        }
    }
    if (size <= INT_MAX && len <= INT_MAX)
        return 0;
    PyErr_SetString(PyExc_ValueError, "Cannot send more than 2**31-1 bytes at once.");
    return -1;
}

static PyObject *write_once(PyObject *object, const char *data, size_t len)
{
    transfer t = { .from = data, .len = len };

    if (write_some((po_connection *)object, &t) < 0)
        return NULL;
    return PyLong_FromSize_t(t.done);
}

/* Nothing but a bytes object, which the caller keeps: there is nothing to convert or to release. */
static bool only_bytes(PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames)
{
    return nargs == 1 && kwnames == NULL && PyBytes_CheckExact(args[0]);
}

PyObject *po_conn_send(PyObject *object, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames)
{
    static const char *const names[] = { "buf", "flags" };
    static const po_params params = { "send", names, 1, 2 };
    PyObject *given[2], *result = NULL;
    po_bytes bytes;

    if (only_bytes(args, nargs, kwnames) && PyBytes_GET_SIZE(args[0]) <= INT_MAX)
        return write_once(object, PyBytes_AS_STRING(args[0]), (size_t)PyBytes_GET_SIZE(args[0]));
    if (po_args(&params, args, nargs, kwnames, given) < 0 ||
        po_to_bytes(given[0], "buf", PO_STR_WARN, &bytes) < 0)
        return NULL;
    if (check_size(given[0], bytes.len) == 0)
        result = write_once(object, bytes.data, bytes.len);
    po_bytes_release(&bytes);
    return result;
}

/* Tell, on the exception that is raised, how many bytes had been taken before. */
static void note_progress(size_t count)
{
    PyObject *exception = po_exception_take(), *number = PyLong_FromSize_t(count);

    if (number == NULL || PyObject_SetAttrString(exception, "bytes_sent", number) < 0)
        PyErr_Clear();
    Py_XDECREF(number);
    po_exception_restore(exception);
}

/* All of @bytes, and nobody else's between. */
static int write_all(po_connection *self, const po_bytes *bytes)
{
    size_t sent = 0;

    while (sent < bytes->len) {
        transfer t = { .from = bytes->data + sent, .len = bytes->len - sent };

        if (write_some(self, &t) < 0 || (t.done < t.len && PyErr_CheckSignals() < 0)) {
            note_progress(sent + t.done);
            return -1;
        }
        sent += t.done;
    }
    return 0;
}

PyObject *po_conn_sendall(PyObject *object, PyObject *const *args, Py_ssize_t nargs,
                          PyObject *kwnames)
{
    static const char *const names[] = { "buf", "flags" };
    static const po_params params = { "sendall", names, 1, 2 };
    po_auto_bytes bytes = PO_BYTES_INIT;
    po_connection *self = (po_connection *)object;
    PyObject *given[2];
    po_frame outer;
    int result;

    if (po_args(&params, args, nargs, kwnames, given) < 0 ||
        po_to_bytes(given[0], "buf", PO_STR_WARN, &bytes) < 0)
        return NULL;
    po_quick_lock(&outer, &self->writing);
    result = write_all(self, &bytes);
    if (po_frame_leave(&outer) < 0 || result < 0)
        return NULL;
    return PyLong_FromSize_t(bytes.len);
}

/* ---- memory ---- */

static po_connection *in_memory(PyObject *object)
{
    po_connection *self = (po_connection *)object;

    if (self->base.handle == NULL) {
        po_raise_empty(&self->base, PO_IO);
        return NULL;
    }
    if (self->channel == PO_CHANNEL_MEMORY)
        return self;
    PyErr_SetString(PyExc_TypeError, "Connection sock was not None");
    return NULL;
}

/* What the library calls for bytes in memory calls nobody back: a free lock need not be taken. */
static bool take_lock(po_connection *self, po_frame *frame)
{
    if (po_lock_is_free(&self->base.lock))
        return false;
    po_quick_enter(frame, &self->base);
    return true;
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
    locked = take_lock(self, &frame);
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
    locked = take_lock(self, &frame);
    status = pyossl_conn_feed(self->base.handle, data, len, &done);
    atomic_fetch_add_explicit(&self->undigested, done, memory_order_relaxed);
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

    if (only_bytes(args, nargs, kwnames))
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
