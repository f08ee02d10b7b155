/*
 * OpenSSL.SSL.Connection: what exchanges bytes with the peer.
 *
 * There is one loop. The library never waits, so no lock is held and no
 * interpreter kept while a blocking socket has nothing to give: another thread
 * can write while one waits to read.
 */
#include "ssl_connection_methods.h"

#include <time.h>

#ifdef _WIN32
#include <winsock2.h>
#else
#include <sys/socket.h>
#endif

/* From here on an operation in memory costs more than letting the interpreter go. */
enum { BULK_SIZE = 4096 };

/* The plaintext of one TLS record: no read gives more. */
enum { RECORD_MAX = 16384 };

/* How many reads begin with the wait once an answer was late, before one tries again. */
enum { LATE_READS = 16 };

/* How much sendall() has encrypted before it lets others have the connection. */
enum { STRETCH = 4 * RECORD_MAX };

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

/*
 * Bind to what the Context says, for good: the library's settings and the callables that go
 * with them at one moment, so under both locks. A connection's comes first, everywhere.
 */
static bool bind_under(po_connection *self, PyObject *object)
{
    po_context *context = po_context_root(object);
    PyObject *callbacks = NULL, *verify = NULL;
    po_frame frame, inner;
    bool current;

    po_quick_enter(&frame, &self->base);
    current = self->context == object;
    if (current && !self->bound) {
        po_quick_enter(&inner, &context->base);
        /* What fails here fails the exchange, too, which says why. */
        (void)!pyossl_conn_begin(self->base.handle);
        self->bound = pyossl_conn_begun(self->base.handle);
        callbacks = self->callbacks;
        verify = self->verify;
        self->callbacks = Py_NewRef(context->callbacks);
        self->verify = self->own_verify == NULL
                           ? Py_NewRef(PyTuple_GET_ITEM(self->callbacks, PO_CB_VERIFY))
                           : NULL;
        po_frame_end(&inner);
    }
    po_frame_end(&frame);
    Py_XDECREF(verify);
    Py_XDECREF(callbacks);
    return current;
}

static void bind_to_context(po_connection *self)
{
    bool done;

    do { /* until no other thread has set another Context meanwhile */
        PyObject *context = po_field_get(&self->base, &self->context);

        done = bind_under(self, context);
        Py_DECREF(context);
    } while (!done);
}

static int begin(po_connection *self)
{
    if (self->base.handle == NULL) {
        po_raise_empty(&self->base, PO_IO);
        return -1;
    }
    if (!self->bound)
        bind_to_context(self);
    return po_channel_check(self);
}

/*
 * Raise @status, with what the server name callback raised as its cause; takes @cause over.
 * Where @t writes to a socket and the peer's alert is known, releases had the system's error
 * alone: programs that look for no other on sending, as urllib3 does, take a ConnectionError.
 */
static int fail(po_connection *self, pyossl_status status, const transfer *t, PyObject *cause)
{
    PyObject *exception;

    if (status == PYOSSL_E_OPENSSL && t->from != NULL && self->channel.kind != PO_CHANNEL_MEMORY &&
        PyErr_Occurred() == NULL)
        po_raise_as(self->base.state, PO_EXC_SSL_WRITE);
    else
        po_raise(self->base.state, PO_IO, status);
    if (cause == NULL)
        return -1;
    exception = po_exception_take();
    PyException_SetCause(exception, cause);
    po_exception_restore(exception);
    return -1;
}

/*
 * Whether a read will find nothing, so that it may begin with the wait: this thread
 * has asked, answers were late before, and OpenSSL has nothing to say of its own.
 */
static bool comes_too_early(po_connection *self, const transfer *t, uintptr_t thread)
{
    pyossl_conn *conn = self->base.handle;

    if (self->asker != thread || self->late == 0 || t->into == NULL)
        return false;
    self->asker = 0;
    self->late--;
    return pyossl_conn_established(conn) && !pyossl_conn_has_pending(conn) &&
           !pyossl_conn_renegotiate_pending(conn) && pyossl_conn_shutdown_state(conn) == 0;
}

/* Hints for calls to come; with the lock held. */
static void take_hints(po_connection *self, pyossl_status status, const transfer *t, int patience,
                       uintptr_t thread)
{
    if (status == PYOSSL_WANT_READ)
        atomic_store_explicit(&self->undigested, 0, memory_order_relaxed);
    else if (status == PYOSSL_OK && t->done > 0)
        atomic_store_explicit(&self->settled, true, memory_order_relaxed);
    if (status == PYOSSL_OK && t->from != NULL) {
        self->asker = thread;
        return;
    }
    if (t->into != NULL && self->asker == thread)
        self->late = status == PYOSSL_WANT_READ && patience < 0 ? LATE_READS : 0;
    self->asker = 0;
}

/*
 * How much of @patience is left: a DTLS timer ends each wait, and must not begin it anew.
 * 1 ms at least, so that what has come by then is seen.
 */
static int left_of(int patience, int64_t *until)
{
    struct timespec clock = { 0, 0 };
    int64_t now;

    (void)clock_gettime(CLOCK_MONOTONIC, &clock);
    now = (int64_t)clock.tv_sec * 1000 + clock.tv_nsec / 1000000;
    if (*until == 0)
        *until = now + patience;
    return *until > now ? (int)(*until - now) : 1;
}

/* Take @todo as far as one call of the program's goes. */
static int exchange(po_connection *self, step todo, transfer *t, po_manner manner)
{
    const uintptr_t thread = (uintptr_t)PyThread_get_thread_ident();
    int64_t until = 0;

    for (;;) {
        po_frame frame;
        pyossl_status status = PYOSSL_WANT_READ, waited = PYOSSL_OK;
        int left, patience = -1;
        bool early;

        if (begin(self) < 0 || po_call_enter(&frame, &self->base, &self->turn, manner) < 0)
            return -1;
        early = comes_too_early(self, t, thread);
        if (!early) {
            status = todo(self->base.handle, t);
            patience = frame.raised == NULL && pyossl_is_retry(status)
                           ? po_channel_patience(self, status)
                           : 0;
            if (patience > 0 && pyossl_conn_dtls_timeout(self->base.handle) >= 0)
                patience = left_of(patience, &until);
            take_hints(self, status, t, patience, thread);
        }
        if (patience != 0) {
            po_frame_idle(&frame);
            waited = early ? po_channel_wait_input(self) : po_channel_wait(self, status, patience);
        }
        left = po_frame_leave(&frame);
        if (left == 0 && patience == 0 && status != PYOSSL_OK)
            return fail(self, status, t, frame.cause);
        Py_XDECREF(frame.cause);
        if (left < 0 || patience == 0)
            return left;
        /* A descriptor that does not wait any more is found out by the read that was left out. */
        if (early && waited == PYOSSL_WANT_READ)
            waited = PYOSSL_OK;
        if (po_channel_waited(self, waited) < 0)
            return -1;
    }
}

/* Whether this interpreter has no other thread that could use the time. */
static bool is_alone(void)
{
    return PO_INTERPRETER_LOCKED &&
           PyThreadState_Next(PyInterpreterState_ThreadHead(PyInterpreterState_Get())) == NULL;
}

/*
 * What an operation on @size bytes weighs. It is quick if it is over before another thread
 * would have got going. None waits, whatever the descriptor's mode; but what goes out
 * through one may wake a thread of ours, which would then have to be woken once more.
 * Objects of the program's may do anything.
 */
static po_manner weigh(const po_connection *self, size_t size)
{
    if (!atomic_load_explicit(&self->settled, memory_order_relaxed) || size >= BULK_SIZE)
        return PO_DETACHED;
    if (self->channel.kind == PO_CHANNEL_MEMORY ||
        (self->channel.kind != PO_CHANNEL_METHODS && is_alone()))
        return PO_ATTACHED;
    return PO_DETACHED;
}

/* How many bytes a read may have to decrypt: what waits in memory, elsewhere what came last time.
 */
static size_t to_be_read(const po_connection *self, size_t len)
{
    const size_t expected = self->channel.kind == PO_CHANNEL_MEMORY
                                ? atomic_load_explicit(&self->undigested, memory_order_relaxed)
                                : atomic_load_explicit(&self->last_read, memory_order_relaxed);

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

PyObject *po_conn_do_handshake(po_connection *self)
{
    transfer t = { 0 };

    if (exchange(self, handshake_step, &t, PO_DETACHED) < 0)
        return NULL;
    Py_RETURN_NONE;
}

PyObject *po_conn_close_alerts(po_connection *self)
{
    transfer t = { 0 };

    if (exchange(self, shutdown_step, &t, PO_DETACHED) < 0)
        return NULL;
    return PyBool_FromLong(t.flag);
}

PyObject *po_conn_DTLSv1_listen(po_connection *self)
{
    transfer t = { 0 };

    if (exchange(self, listen_step, &t, PO_DETACHED) < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* Whether no timer runs: then nothing is sent, and the question may be asked in a callback. */
static bool is_timeless(po_connection *self)
{
    po_frame frame;
    bool timeless;

    if (self->base.handle == NULL)
        return false;
    po_quick_enter(&frame, &self->base);
    timeless = pyossl_conn_dtls_timeout(self->base.handle) < 0;
    po_frame_end(&frame);
    return timeless;
}

PyObject *po_conn_dtls_handle_timeout(po_connection *self)
{
    transfer t = { 0 };

    if (is_timeless(self))
        Py_RETURN_FALSE;
    if (exchange(self, timeout_step, &t, PO_DETACHED) < 0)
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

/* Which step @flags ask for: only MSG_PEEK has a meaning. */
static step reader_for(long flags)
{
    return (flags & MSG_PEEK) != 0 ? peek_step : read_step;
}

static int read_into(po_connection *self, step todo, transfer *t)
{
    if (exchange(self, todo, t, weigh(self, to_be_read(self, t->len))) < 0)
        return -1;
    atomic_store_explicit(&self->last_read, t->done, memory_order_relaxed);
    return 0;
}

/*
 * Small reads pass through the stack, so that the bytes object has the right size at once. Not
 * over another Connection, or what else has methods: those may be on one another, many deep.
 */
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

PyObject *po_conn_recv(po_connection *self, size_t len, long flags)
{
    if (len > RECORD_MAX)
        len = RECORD_MAX;
    if (self->channel.kind != PO_CHANNEL_METHODS &&
        atomic_load_explicit(&self->last_read, memory_order_relaxed) < RECORD_MAX / 2)
        return read_small(self, reader_for(flags), len);
    return read_large(self, reader_for(flags), len);
}

PyObject *po_conn_recv_into(po_connection *self, const po_bytes *buffer, size_t nbytes, long flags)
{
    transfer t = { .into = buffer->view.buf, .len = buffer->len < nbytes ? buffer->len : nbytes };

    if (read_into(self, reader_for(flags), &t) < 0)
        return NULL;
    return PyLong_FromSize_t(t.done);
}

/* ---- writing ---- */

static pyossl_status write_step(pyossl_conn *conn, transfer *t)
{
    return pyossl_conn_write(conn, t->from, t->len, &t->done);
}

/* Record after record, as far as one stretch goes: what the step before it did is behind @done. */
static pyossl_status write_stretch(pyossl_conn *conn, transfer *t)
{
    const size_t end = t->len - t->done < STRETCH ? t->len : t->done + STRETCH;
    pyossl_status status = PYOSSL_OK;

    while (status == PYOSSL_OK && t->done < end) {
        size_t put = 0;

        status = pyossl_conn_write(conn, (const char *)t->from + t->done, t->len - t->done, &put);
        t->done += put;
    }
    return status;
}

/* One writer at a time, from the first try to the last: a write that waits must be repeated as it
 * was. Where this thread is the writer, in a callback, the library will refuse. */
static int write_some(po_connection *self, step todo, transfer *t)
{
    int writer, result;

    if (self->channel.kind == PO_CHANNEL_MEMORY)
        return exchange(self, todo, t, weigh(self, t->len));
    writer = po_turn_begin(&self->base, &self->writing);
    if (writer < 0)
        return -1;
    result = exchange(self, todo, t, weigh(self, t->len));
    if (writer == 0)
        po_turn_end(&self->base, &self->writing);
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

int po_to_sendable(PyObject *object, const char *name, po_bytes *out)
{
    return po_to_bytes(object, name, PO_STR_WARN, out) < 0 ? -1 : check_size(object, out->len);
}

PyObject *po_conn_send(po_connection *self, const po_bytes *buf, PyObject *flags)
{
    transfer t = { .from = buf->data, .len = buf->len };

    (void)flags;
    if (write_some(self, write_step, &t) < 0)
        return NULL;
    return PyLong_FromSize_t(t.done);
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
    transfer t = { .from = bytes->data, .len = bytes->len };

    while (t.done < t.len) {
        if (write_some(self, write_stretch, &t) < 0 ||
            (t.done < t.len && PyErr_CheckSignals() < 0)) {
            note_progress(t.done);
            return -1;
        }
    }
    return 0;
}

PyObject *po_conn_sendall(po_connection *self, const po_bytes *buf, PyObject *flags)
{
    int writer, result;

    (void)flags;
    writer = po_turn_begin(&self->base, &self->writing);
    if (writer < 0)
        return NULL;
    result = write_all(self, buf);
    if (writer == 0)
        po_turn_end(&self->base, &self->writing);
    return result == 0 ? PyLong_FromSize_t(buf->len) : NULL;
}
