/* Where the bytes of a Connection travel: descriptors, sockets, memory, or a program's objects. */
#include "ssl.h"

#include <errno.h>

#ifndef _WIN32
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#endif

/* ---- descriptors ---- */

static int refuse_descriptor(void)
{
    PyErr_SetString(PyExc_TypeError, "argument must be an int, or have a fileno() method.");
    return -1;
}

/*
 * What @object says its descriptor is, -1 for closed; fails only with an exception.
 * @function is what stands behind its fileno(), or NULL.
 */
static int ask_descriptor(po_state *state, PyObject *object, PyCFunction function, int *fd)
{
    PyObject *number = function != NULL
                           ? function(object, NULL)
                           : PyObject_CallMethodNoArgs(object, state->strings[PO_STR_fileno]);
    int result;

    if (number == NULL)
        return -1;
    result = PyLong_Check(number) ? po_to_int(number, "fileno()", fd) : refuse_descriptor();
    Py_DECREF(number);
    return result;
}

int po_to_descriptor(po_state *state, PyObject *object, int *fd)
{
    PyObject *method = NULL;

    if (PyLong_Check(object)) {
        if (po_to_int(object, "file descriptor", fd) < 0)
            return -1;
    } else {
        method = PyObject_GetAttr(object, state->strings[PO_STR_fileno]);
        if (method == NULL) {
            if (!PyErr_ExceptionMatches(PyExc_AttributeError))
                return -1;
            PyErr_Clear();
            return refuse_descriptor();
        }
        Py_DECREF(method);
        if (ask_descriptor(state, object, NULL, fd) < 0)
            return -1;
    }
    if (*fd >= 0)
        return 0;
    PyErr_Format(PyExc_ValueError, "file descriptor cannot be a negative integer (%d)", *fd);
    return -1;
}

static int raise_closed(po_state *state)
{
    PyObject *args = Py_BuildValue("(is)", EBADF, "EBADF");

    if (args != NULL)
        PyErr_SetObject(state->exceptions[PO_EXC_SYSCALL], args);
    Py_XDECREF(args);
    return -1;
}

/*
 * The function behind an object's fileno() where that is one of C, as a socket's is:
 * asking it before each exchange takes a third of the time of a method call.
 */
static int fileno_of(po_state *state, PyObject *object, PyCFunction *out)
{
    PyObject *method = PyObject_GetAttr(object, state->strings[PO_STR_fileno]);

    if (method == NULL)
        return -1;
    if (PyCFunction_CheckExact(method) && PyCFunction_GetSelf(method) == object &&
        PyCFunction_GetFlags(method) == METH_NOARGS)
        *out = PyCFunction_GetFunction(method);
    Py_DECREF(method);
    return 0;
}

static int check_descriptor(po_state *state, PyObject *object, PyCFunction function, int expected)
{
    int fd = -1;

    if (object == NULL)
        return 0;
    if (ask_descriptor(state, object, function, &fd) < 0)
        return -1;
    /* The number may be a stranger's by now: only the object knows that it was closed. */
    return fd == expected ? 0 : raise_closed(state);
}

int po_channel_check(po_connection *self)
{
    if (self->channel.kind == PO_CHANNEL_MEMORY || self->channel.kind == PO_CHANNEL_METHODS)
        return 0;
    if (check_descriptor(self->base.state, self->channel.reader, self->channel.fileno, self->channel.read_fd) < 0)
        return -1;
    if (self->channel.writer == self->channel.reader)
        return 0;
    return check_descriptor(self->base.state, self->channel.writer, NULL, self->channel.write_fd);
}

/* ---- waiting ---- */

static int descriptor_for(const po_connection *self, pyossl_status want)
{
    return want == PYOSSL_WANT_WRITE ? self->channel.write_fd : self->channel.read_fd;
}

/* How long the program had the system wait on this socket: SO_RCVTIMEO, SO_SNDTIMEO; -1 for ever.
 */
static int socket_patience(int fd, pyossl_status want)
{
#ifndef _WIN32
    struct timeval limit = { 0, 0 };
    socklen_t size = sizeof limit;

    if (getsockopt(fd, SOL_SOCKET, want == PYOSSL_WANT_WRITE ? SO_SNDTIMEO : SO_RCVTIMEO, &limit,
                   &size) == 0 &&
        (limit.tv_sec != 0 || limit.tv_usec != 0)) {
        if (limit.tv_sec > INT_MAX / 1000 - 1)
            return INT_MAX;
        return (int)(limit.tv_sec * 1000 + (limit.tv_usec + 999) / 1000);
    }
#endif
    return -1;
}

int po_channel_patience(const po_connection *self, pyossl_status want)
{
    const int fd = descriptor_for(self, want);

    if (self->channel.kind == PO_CHANNEL_MEMORY || self->channel.kind == PO_CHANNEL_METHODS)
        return 0;
    if (want != PYOSSL_WANT_READ && want != PYOSSL_WANT_WRITE)
        return 0;
#ifdef _WIN32
    return 0;
#else
    {
        const int flags = fcntl(fd, F_GETFL);

        return flags >= 0 && (flags & O_NONBLOCK) == 0 ? socket_patience(fd, want) : 0;
    }
#endif
}

static pyossl_status waited_for(pyossl_status status)
{
    if (status == PYOSSL_E_SYSTEM && pyossl_error_errno(pyossl_error_last()) == EINTR)
        return PYOSSL_OK;
    return status;
}

pyossl_status po_channel_wait(const po_connection *self, pyossl_status want, int patience)
{
    return waited_for(pyossl_conn_wait(self->base.handle, want, patience));
}

pyossl_status po_channel_wait_input(const po_connection *self)
{
    return waited_for(pyossl_conn_wait_input(self->base.handle));
}

int po_channel_waited(po_connection *self, pyossl_status status)
{
    /* A signal may have come: its handler may raise, and the caller may call again. */
    if (PyErr_CheckSignals() < 0)
        return -1;
    if (status == PYOSSL_OK)
        return 0; /* closed meanwhile? Whoever begins again will see */
    po_raise(self->base.state, PO_IO, status);
    return -1;
}

/* ---- a program's objects ---- */

/* Whether the current exception is of that name in the module ssl, which @object may come from. */
static bool is_of_ssl(const char *name)
{
    PyObject *modules = PyImport_GetModuleDict(), *exception = po_exception_take();
    PyObject *module = po_dict_get(modules, "ssl");
    PyObject *type = module != NULL ? PyObject_GetAttrString(module, name) : NULL;
    const bool is = type != NULL && PyObject_IsInstance(exception, type) == 1;

    PyErr_Clear();
    Py_XDECREF(type);
    Py_XDECREF(module);
    po_exception_restore(exception);
    return is;
}

/* What an exception of an object's method means to TLS; it is kept unless it asks to wait. */
static pyossl_status judge_exception(po_frame *frame, const po_state *state, pyossl_status blocked)
{
    pyossl_status status = PYOSSL_E_CALLBACK;

    if (PyErr_ExceptionMatches(PyExc_BlockingIOError))
        status = blocked;
    else if (PyErr_ExceptionMatches(state->exceptions[PO_EXC_WANT_READ]))
        status = PYOSSL_WANT_READ;
    else if (PyErr_ExceptionMatches(state->exceptions[PO_EXC_WANT_WRITE]))
        status = PYOSSL_WANT_WRITE;
    else if (PyErr_ExceptionMatches(state->exceptions[PO_EXC_ZERO_RETURN]))
        status = PYOSSL_TRUNCATED;
    else if (is_of_ssl("SSLWantReadError"))
        status = PYOSSL_WANT_READ;
    else if (is_of_ssl("SSLWantWriteError"))
        status = PYOSSL_WANT_WRITE;
    else if (is_of_ssl("SSLZeroReturnError"))
        status = PYOSSL_TRUNCATED;
    if (status == PYOSSL_E_CALLBACK)
        po_frame_keep(frame);
    else
        PyErr_Clear();
    return status;
}

/* Bytes from recv() or read(): b"" is the end, None is "not yet". */
static pyossl_status take(po_frame *frame, const po_state *state, PyObject *result, void *buf,
                          size_t len, size_t *done)
{
    po_auto_bytes bytes = PO_BYTES_INIT;

    if (result == NULL)
        return judge_exception(frame, state, PYOSSL_WANT_READ);
    if (result == Py_None)
        return PYOSSL_WANT_READ;
    if (po_to_bytes(result, "what the transport reads", PO_STR_REFUSE, &bytes) < 0)
        return judge_exception(frame, state, PYOSSL_WANT_READ);
    if (bytes.len > len) {
        PyErr_Format(PyExc_ValueError, "the transport gave %zu bytes where %zu were asked for",
                     bytes.len, len);
        return judge_exception(frame, state, PYOSSL_WANT_READ);
    }
    if (bytes.len == 0)
        return PYOSSL_TRUNCATED;
    memcpy(buf, bytes.data, bytes.len);
    *done = bytes.len;
    return PYOSSL_OK;
}

static pyossl_status read_method(void *userdata, void *buf, size_t len, size_t *done)
{
    po_connection *self = userdata;
    po_frame *frame = po_turn_frame(&self->turn);
    PyObject *result;
    po_outside outside;
    pyossl_status status;

    if (frame == NULL || !po_callback_enter(frame, &outside))
        return PYOSSL_E_CALLBACK;
    result = PyObject_CallFunction(self->channel.reader, "n", (Py_ssize_t)len);
    status = take(frame, self->base.state, result, buf, len, done);
    Py_XDECREF(result);
    po_callback_leave(frame, &outside);
    return status;
}

/* How many bytes send() or write() took: None is "not yet". */
static pyossl_status given(po_frame *frame, const po_state *state, PyObject *result, size_t len,
                           size_t *done)
{
    size_t count;

    if (result == NULL)
        return judge_exception(frame, state, PYOSSL_WANT_WRITE);
    if (result == Py_None)
        return PYOSSL_WANT_WRITE;
    if (po_to_size(result, "what the transport wrote", &count) < 0)
        return judge_exception(frame, state, PYOSSL_WANT_WRITE);
    if (count > len) {
        PyErr_Format(PyExc_ValueError, "the transport wrote %zu bytes of %zu", count, len);
        return judge_exception(frame, state, PYOSSL_WANT_WRITE);
    }
    if (count == 0)
        return PYOSSL_WANT_WRITE;
    *done = count;
    return PYOSSL_OK;
}

static pyossl_status write_method(void *userdata, const void *buf, size_t len, size_t *done)
{
    po_connection *self = userdata;
    po_frame *frame = po_turn_frame(&self->turn);
    PyObject *result;
    po_outside outside;
    pyossl_status status;

    if (frame == NULL || !po_callback_enter(frame, &outside))
        return PYOSSL_E_CALLBACK;
    result = PyObject_CallFunction(self->channel.writer, "y#", (const char *)buf, (Py_ssize_t)len);
    status = given(frame, self->base.state, result, len, done);
    Py_XDECREF(result);
    po_callback_leave(frame, &outside);
    return status;
}

/* The first of two methods that @object has; NULL with TypeError. */
static PyObject *method_of(PyObject *object, PyObject *first, PyObject *second)
{
    PyObject *method = PyObject_GetAttr(object, first);

    if (method == NULL && PyErr_ExceptionMatches(PyExc_AttributeError)) {
        PyErr_Clear();
        method = PyObject_GetAttr(object, second);
    }
    if (method == NULL && PyErr_ExceptionMatches(PyExc_AttributeError)) {
        PyErr_Clear();
        (void)refuse_descriptor();
    }
    return method;
}

/* ---- choosing ---- */

/* 1 if @object has all of @names, 0, or -1 with an exception that is no AttributeError. */
static int has_attributes(PyObject *object, const char *const *names)
{
    for (; *names != NULL; names++) {
        PyObject *found = PyObject_GetAttrString(object, *names);

        if (found == NULL) {
            if (!PyErr_ExceptionMatches(PyExc_AttributeError))
                return -1;
            PyErr_Clear();
            return 0;
        }
        Py_DECREF(found);
    }
    return 1;
}

/*
 * Whether an object's bytes are not those of its descriptor: 1, 0, or -1 with an exception.
 * So it is with another TLS session, of ssl, gevent, urllib3: all tell their peer's
 * certificate. And with what can send and receive, but whose descriptor is no socket: a channel
 * of paramiko's has a pipe for select().
 */
static int wraps(PyObject *object)
{
    static const char *const tls[] = { "getpeercert", "send", "recv", NULL };
    static const char *const moves[] = { "send", "recv", NULL };
    struct stat what;
    PyObject *number;
    int fd = -1, result = has_attributes(object, tls);

    if (result != 0)
        return result;
    result = has_attributes(object, moves);
    if (result <= 0)
        return result;
    number = PyObject_CallMethod(object, "fileno", NULL);
    if (number == NULL || !PyLong_Check(number) || po_to_int(number, "fileno()", &fd) < 0) {
        Py_XDECREF(number);
        if (PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_Exception))
            return -1;
        PyErr_Clear(); /* whoever asks next will see why */
        return 0;
    }
    Py_DECREF(number);
    return fd >= 0 && fstat(fd, &what) == 0 && !S_ISSOCK(what.st_mode);
}

/*
 * Whether an object stands for a descriptor: 1, 0, or -1 with an exception. A
 * Connection does not, as its own end is within it, nor does what wraps a transport, nor
 * do streams that raise io.UnsupportedOperation, which is an OSError and a ValueError.
 */
static int has_descriptor(po_state *state, PyObject *object)
{
    PyObject *number;
    int found;

    if (PyLong_Check(object))
        return 1;
    if (PO_IS(state, object, PO_CONNECTION))
        return 0;
    found = wraps(object);
    if (found != 0)
        return found < 0 ? -1 : 0;
    found = po_has_attribute(object, state->strings[PO_STR_fileno]);
    if (found <= 0)
        return found;
    number = PyObject_CallMethodNoArgs(object, state->strings[PO_STR_fileno]);
    Py_XDECREF(number);
    if (number != NULL)
        return 1;
    if (!PyErr_ExceptionMatches(PyExc_OSError) || !PyErr_ExceptionMatches(PyExc_ValueError))
        return -1;
    PyErr_Clear();
    return 0;
}

static int settle(po_state *state, pyossl_status status)
{
    if (status == PYOSSL_OK)
        return 0;
    po_raise(state, PO_SSL, status);
    return -1;
}

static int open_methods(po_channel *out, pyossl_conn *conn, po_connection *self, PyObject *reader,
                        PyObject *writer)
{
    static const pyossl_transport transport = { sizeof transport, read_method, write_method, NULL };
    po_state *state = self->base.state;
    PyObject *const *strings = state->strings;

    out->kind = PO_CHANNEL_METHODS;
    out->reader = method_of(reader, strings[PO_STR_recv], strings[PO_STR_read]);
    if (out->reader == NULL)
        return -1;
    out->writer = method_of(writer, strings[PO_STR_send], strings[PO_STR_write]);
    if (out->writer == NULL)
        return -1;
    return settle(state, pyossl_conn_use_transport(conn, &transport, self));
}

static int open_descriptors(po_channel *out, pyossl_conn *conn, po_state *state, PyObject *reader,
                            PyObject *writer)
{
    if (po_to_descriptor(state, reader, &out->read_fd) < 0 ||
        po_to_descriptor(state, writer, &out->write_fd) < 0)
        return -1;
    if (!PyLong_Check(reader))
        out->reader = Py_NewRef(reader);
    if (!PyLong_Check(writer))
        out->writer = Py_NewRef(writer);
    if (out->reader != NULL && fileno_of(state, out->reader, &out->fileno) < 0)
        return -1;
    if (out->read_fd == out->write_fd)
        return settle(state, pyossl_conn_use_fd(conn, out->read_fd));
    return settle(state, pyossl_conn_use_fds(conn, out->read_fd, out->write_fd));
}

static int choose(po_channel *out, pyossl_conn *conn, po_connection *self, PyObject *socket)
{
    po_state *state = self->base.state;
    PyObject *reader = socket, *writer = socket;
    int reads, writes;

    if (socket == Py_None)
        return settle(state, pyossl_conn_use_memory(conn));
    out->kind = PyLong_Check(socket) ? PO_CHANNEL_FD : PO_CHANNEL_SOCKET;
    if (PyTuple_CheckExact(socket)) {
        if (PyTuple_GET_SIZE(socket) != 2) {
            PyErr_SetString(PyExc_TypeError, "a pair of transports is (reader, writer)");
            return -1;
        }
        reader = PyTuple_GET_ITEM(socket, 0);
        writer = PyTuple_GET_ITEM(socket, 1);
        out->kind = PO_CHANNEL_PAIR;
    }
    reads = has_descriptor(state, reader);
    writes = writer == reader || reads < 0 ? reads : has_descriptor(state, writer);
    if (reads < 0 || writes < 0)
        return -1;
    if (reads && writes)
        return open_descriptors(out, conn, state, reader, writer);
    return open_methods(out, conn, self, reader, writer);
}

void po_channel_clear(po_channel *channel)
{
    Py_CLEAR(channel->reader);
    Py_CLEAR(channel->writer);
}

int po_channel_open(po_channel *out, pyossl_conn *conn, po_connection *self, PyObject *socket)
{
    *out = (po_channel){ PO_CHANNEL_MEMORY, -1, -1, NULL, NULL, NULL };
    if (choose(out, conn, self, socket) == 0)
        return 0;
    po_channel_clear(out);
    return -1;
}
