/* OpenSSL.SSL.Connection, but for exchanges and for what it knows of its peer. */
#define PO_HANDLE pyossl_conn
#define PO_DOMAIN PO_SSL

#include "shapes.h"

#include "crypto_common.h"
#include "ssl.h"
#include "types.h"

#include "ssl_connection.def"

/* ---- plumbing ---- */

static po_connection *connection_of(PyObject *object)
{
    po_connection *self = (po_connection *)object;

    if (self->base.handle != NULL)
        return self;
    po_raise_empty(&self->base, PO_SSL);
    return NULL;
}

static PyObject *finish(po_connection *self, po_frame *frame, pyossl_status status)
{
    po_frame_end(frame);
    if (status != PYOSSL_OK)
        return po_raise(self->base.state, PO_SSL, status);
    Py_RETURN_NONE;
}

#define ARGUMENTS(function, required, ...)                                                         \
    static const char *const names[] = { __VA_ARGS__ };                                            \
    static const po_params params = { #function, names, required,                                  \
                                      (int)(sizeof names / sizeof names[0]) };                     \
    PyObject *given[sizeof names / sizeof names[0]];                                               \
    po_connection *const self = connection_of(object);                                             \
                                                                                                   \
    if (po_args(&params, args, nargs, kwnames, given) < 0 || self == NULL)                         \
    return NULL

/* ---- the socket behind ---- */

/* An attribute of the socket; an AttributeError of our own where there is none. */
static PyObject *socket_attribute(PyObject *object, PyObject *name)
{
    po_connection *self = (po_connection *)object;
    PyObject *socket = po_field_get(&self->base, &self->socket), *result = NULL;

    /* It may be another Connection, whose socket is one, and so on. */
    if (Py_EnterRecursiveCall(" while looking for an attribute of a socket")) {
        Py_DECREF(socket);
        return NULL;
    }
    if (socket == Py_None) {
        const char *type = Py_TYPE(object)->tp_name, *dot = strrchr(type, '.');

        PyErr_Format(PyExc_AttributeError, "'%.100s' object has no attribute '%U'",
                     dot != NULL ? dot + 1 : type, name);
    } else {
        result = PyObject_GetAttr(socket, name);
    }
    Py_LeaveRecursiveCall();
    Py_DECREF(socket);
    return result;
}

static PyObject *po_m___getattr__(PyObject *object, PyObject *name)
{
    if (!PyUnicode_Check(name)) {
        PyErr_SetString(PyExc_TypeError, "attribute name must be string");
        return NULL;
    }
    /* Subclasses come here with what getattro() refused to look for elsewhere. */
    switch (po_has_attribute((PyObject *)Py_TYPE(object), name)) {
    case 0:
        return socket_attribute(object, name);
    case 1:
        return PyObject_GenericGetAttr(object, name);
    default:
        return NULL;
    }
}

/* A method, where nothing of the object's own can be in its place; borrowed, NULL for others. */
static PyObject *find_method(const po_connection *self, PyTypeObject *type, PyObject *name)
{
    const PyObject *dict = self->base.dict;
    PyObject *found;

    if (!PyUnicode_CheckExact(name) || (dict != NULL && PyDict_GET_SIZE(dict) > 0))
        return NULL;
    found = po_type_lookup(type, name);
    return found != NULL && Py_IS_TYPE(found, &PyMethodDescr_Type) ? found : NULL;
}

/*
 * Attributes that are missing are the socket's. A type that looks for them itself
 * has the interpreter make a bound method for every call of a method, so ours begins
 * to do so with the first Connection that has a socket.
 */
static PyObject *getattro(PyObject *object, PyObject *name)
{
    PyTypeObject *type = Py_TYPE(object);
    PyObject *method = find_method((po_connection *)object, type, name), *result, *exception;
    int found;

    if (method != NULL)
        return PyMethodDescr_Type.tp_descr_get(method, object, (PyObject *)type);
    result = PyObject_GenericGetAttr(object, name);
    if (result != NULL || !PyErr_ExceptionMatches(PyExc_AttributeError))
        return result;
    exception = po_exception_take();
    found = po_has_attribute((PyObject *)Py_TYPE(object), name);
    if (found == 0)
        result = socket_attribute(object, name);
    else if (found == 1) {
        /* A property of a subclass failed: that is not a name we do not have. */
        po_exception_restore(exception);
        return NULL;
    }
    Py_DECREF(exception);
    return result;
}

static void lend_attributes(po_connection *self)
{
    PyTypeObject *type = self->base.state->types[PO_CONNECTION];

    if (self->socket == Py_None || type->tp_getattro == getattro)
        return;
    type->tp_getattro = getattro;
    PyType_Modified(type);
}

static pyossl_status set_role(po_connection *self, pyossl_role role)
{
    po_frame frame;
    pyossl_status status;

    po_quick_enter(&frame, &self->base);
    status = pyossl_conn_set_role(self->base.handle, role);
    /* Once it has begun no release said that it was that side already. */
    if (status == PYOSSL_E_STATE &&
        pyossl_conn_is_server(self->base.handle) == (role == PYOSSL_SERVER))
        status = PYOSSL_OK;
    (void)po_frame_leave(&frame);
    return status;
}

static PyObject *role_method(PyObject *object, pyossl_role role)
{
    po_connection *self = connection_of(object);
    pyossl_status status;

    if (self == NULL)
        return NULL;
    status = set_role(self, role);
    if (status != PYOSSL_OK)
        return po_raise(self->base.state, PO_SSL, status);
    Py_RETURN_NONE;
}

PO_METHOD0(set_accept_state)
{
    (void)unused;
    return role_method(object, PYOSSL_SERVER);
}

PO_METHOD0(set_connect_state)
{
    (void)unused;
    return role_method(object, PYOSSL_CLIENT);
}

/* Be the client, and call the socket's own @name. */
static PyObject *connect_by(po_connection *self, po_string_id name, PyObject *addr)
{
    PyObject *object = (PyObject *)self, *result = NULL, *role;
    PyObject *method = po_conn_socket_method(object, name);

    if (method == NULL)
        return NULL;
    role = role_method(object, PYOSSL_CLIENT);
    if (role != NULL)
        result = PyObject_CallOneArg(method, addr);
    Py_XDECREF(role);
    Py_DECREF(method);
    return result;
}

PO_METHOD(connect)
{
    ARGUMENTS(connect, 1, "addr");
    return connect_by(self, PO_STR_connect, given[0]);
}

PO_METHOD(connect_ex)
{
    ARGUMENTS(connect_ex, 1, "addr");
    return connect_by(self, PO_STR_connect_ex, given[0]);
}

/* A Connection of the plain type over @client, as the server. */
static PyObject *serve(po_connection *self, PyObject *client)
{
    PyObject *context = po_field_get(&self->base, &self->context);
    PyObject *type = (PyObject *)self->base.state->types[PO_CONNECTION];
    PyObject *served = PyObject_CallFunctionObjArgs(type, context, client, NULL), *role;

    Py_DECREF(context);
    role = served != NULL ? role_method(served, PYOSSL_SERVER) : NULL;
    if (role == NULL)
        Py_CLEAR(served);
    Py_XDECREF(role);
    return served;
}

PO_METHOD0(accept)
{
    po_connection *self = connection_of(object);
    PyObject *method = NULL, *pair = NULL, *result = NULL, *client, *address;

    (void)unused;
    if (self != NULL)
        method = po_conn_socket_method(object, PO_STR_accept);
    if (method != NULL)
        pair = PyObject_CallNoArgs(method);
    Py_XDECREF(method);
    if (pair != NULL && PyArg_ParseTuple(pair, "OO;accept() must give a pair", &client, &address)) {
        PyObject *served = serve(self, client);

        if (served != NULL)
            result = PyTuple_Pack(2, served, address);
        Py_XDECREF(served);
    }
    Py_XDECREF(pair);
    return result;
}

/* ---- handshake and shutdown ---- */

PO_METHOD0(renegotiate)
{
    po_connection *self = connection_of(object);
    po_frame frame;
    pyossl_status status = PYOSSL_OK;
    int pending;

    (void)unused;
    if (self == NULL)
        return NULL;
    po_quick_enter(&frame, &self->base);
    pending = pyossl_conn_renegotiate_pending(self->base.handle);
    if (!pending)
        status = pyossl_conn_renegotiate(self->base.handle);
    if (po_frame_leave(&frame) < 0)
        return NULL;
    if (status != PYOSSL_OK)
        return po_raise(self->base.state, PO_IO, status);
    return PyBool_FromLong(!pending);
}

PO_METHOD(key_update)
{
    po_frame frame;
    pyossl_status status;
    int peer_too;

    ARGUMENTS(key_update, 0, "peer_too");
    peer_too = given[0] != NULL ? PyObject_IsTrue(given[0]) : 0;
    if (peer_too < 0)
        return NULL;
    po_quick_enter(&frame, &self->base);
    status = pyossl_conn_key_update(self->base.handle, peer_too);
    return finish(self, &frame, status);
}

PO_METHOD(set_shutdown)
{
    int state;
    po_frame frame;
    pyossl_status status;

    ARGUMENTS(set_shutdown, 1, "state");
    if (po_to_int(given[0], "state", &state) < 0)
        return NULL;
    po_quick_enter(&frame, &self->base);
    status = pyossl_conn_set_shutdown_state(self->base.handle, state);
    return finish(self, &frame, status);
}

/* ---- the context ---- */

PO_METHOD0(get_context)
{
    (void)unused;
    return po_field_get((po_object *)object, &((po_connection *)object)->context);
}

PO_METHOD(set_context)
{
    PyObject *old_callbacks = NULL, *old_context = NULL;
    po_context *context;
    po_frame frame, inner;
    pyossl_status status;

    ARGUMENTS(set_context, 1, "context");
    if (po_to_context(self->base.state, given[0]) == NULL)
        return NULL;
    context = po_context_root(given[0]);
    po_quick_enter(&frame, &self->base);
    po_quick_enter(&inner, &context->base); /* settings and callables of one moment */
    status = pyossl_conn_set_ctx(self->base.handle, context->base.handle);
    if (status == PYOSSL_OK) {
        old_context = self->context;
        self->context = Py_NewRef(given[0]);
        old_callbacks = self->callbacks;
        self->callbacks = Py_NewRef(context->callbacks);
        /* The verify callback stays; before the handshake the first exchange fetches all. */
    }
    po_frame_end(&inner);
    po_frame_end(&frame);
    if (status != PYOSSL_OK)
        po_raise(self->base.state, PO_SSL, status);
    Py_XDECREF(old_callbacks);
    Py_XDECREF(old_context);
    if (status != PYOSSL_OK)
        return NULL;
    Py_RETURN_NONE;
}

/* ---- an object of the program's own ---- */

PO_METHOD(set_app_data)
{
    ARGUMENTS(set_app_data, 1, "data");
    po_field_set(&self->base, &self->app_data, Py_NewRef(given[0]));
    Py_RETURN_NONE;
}

PO_METHOD0(get_app_data)
{
    (void)unused;
    return po_field_get((po_object *)object, &((po_connection *)object)->app_data);
}

/* ---- DTLS timers ---- */

PO_METHOD0(DTLSv1_get_timeout)
{
    po_connection *self = connection_of(object);
    po_frame frame;
    int64_t milliseconds;

    (void)unused;
    if (self == NULL)
        return NULL;
    po_quick_enter(&frame, &self->base);
    milliseconds = pyossl_conn_dtls_timeout(self->base.handle);
    po_frame_end(&frame);
    if (milliseconds < 0)
        Py_RETURN_NONE;
    return PyFloat_FromDouble((double)milliseconds / 1000.0);
}

PO_METHOD0(DTLSv1_handle_timeout)
{
    po_connection *self = connection_of(object);
    PyObject *instead = self != NULL ? po_hook(self->base.state, "DTLSv1_handle_timeout") : NULL;
    PyObject *result;
    long value;

    if (self == NULL)
        return NULL;
    if (instead == NULL)
        return po_conn_dtls_handle_timeout(object, unused);
    result = PyObject_CallOneArg(instead, object);
    Py_DECREF(instead);
    value = result != NULL ? PyLong_AsLong(result) : -1;
    Py_XDECREF(result);
    if (value < 0)
        return PyErr_Occurred() ? NULL : po_raise_text(self->base.state, PO_IO, "the timer failed");
    return PyBool_FromLong(value);
}

/* ---- the type ---- */

static int refuse_again(void)
{
    PyErr_SetString(PyExc_RuntimeError, "a Connection can be initialised only once");
    return -1;
}

/* What was made, in its place for good, unless another thread has been faster. */
static int settle(po_connection *self, pyossl_conn *conn, po_channel *channel, PyObject *context,
                  PyObject *socket)
{
    PyObject *old = NULL;
    po_frame frame;
    bool first;

    po_quick_enter(&frame, &self->base);
    first = self->base.handle == NULL;
    if (first) {
        self->channel = *channel;
        *channel = (po_channel){ 0 };
        self->context = Py_NewRef(context);
        old = self->socket;
        self->socket = Py_NewRef(socket);
        self->base.handle = conn;
    }
    po_frame_end(&frame);
    Py_XDECREF(old);
    return first ? 0 : refuse_again();
}

static int init(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static const char *const names[] = { "context", "socket" };
    static const po_params params = { "Connection", names, 1, 2 };
    po_connection *self = (po_connection *)object;
    PyObject *given[2], *socket;
    pyossl_conn *conn = NULL;
    po_context *context;
    po_channel channel;
    pyossl_status status;
    int result;

    if (po_args_tuple(&params, args, kwargs, given) < 0)
        return -1;
    context = po_to_context(self->base.state, given[0]);
    if (context == NULL)
        return -1;
    if (self->base.handle != NULL)
        return refuse_again();
    status = pyossl_conn_new(&conn, context->base.handle);
    if (status != PYOSSL_OK) {
        po_raise(self->base.state, PO_SSL, status);
        return -1;
    }
    pyossl_conn_set_userdata(conn, self);
    socket = given[1] != NULL ? given[1] : Py_None;
    /* Other threads see nothing of it until it is all there. */
    result = po_channel_open(&channel, conn, self, socket);
    if (result == 0)
        result = settle(self, conn, &channel, (PyObject *)context, socket);
    if (result < 0) {
        po_saved_exception saved;

        po_exception_save(&saved);
        po_channel_clear(&channel);
        pyossl_conn_unref(conn);
        po_exception_put_back(&saved);
        return -1;
    }
    lend_attributes(self);
    return 0;
}

static int traverse(PyObject *object, visitproc visit, void *arg)
{
    po_connection *self = (po_connection *)object;

    Py_VISIT(self->context);
    Py_VISIT(self->socket);
    Py_VISIT(self->channel.reader);
    Py_VISIT(self->channel.writer);
    Py_VISIT(self->app_data);
    Py_VISIT(self->callbacks);
    Py_VISIT(self->verify);
    Py_VISIT(self->own_verify);
    Py_VISIT(self->own_info);
    return po_traverse(object, visit, arg);
}

static int clear(PyObject *object)
{
    po_connection *self = (po_connection *)object;

    Py_CLEAR(self->context);
    Py_CLEAR(self->socket);
    po_channel_clear(&self->channel);
    Py_CLEAR(self->app_data);
    Py_CLEAR(self->callbacks);
    Py_CLEAR(self->verify);
    Py_CLEAR(self->own_verify);
    Py_CLEAR(self->own_info);
    return po_clear(object);
}

static void dealloc(PyObject *object)
{
    /* Whatever the handle does while it goes, it must not call back into what is going. */
    if (((po_object *)object)->handle != NULL)
        pyossl_conn_set_userdata(((po_object *)object)->handle, NULL);
    po_dealloc_as(object, dealloc, NULL);
}

static PyObject *get_self(PyObject *object, void *closure)
{
    (void)closure;
    return Py_NewRef(object);
}

static PyObject *get_socket(PyObject *object, void *closure)
{
    (void)closure;
    return po_field_get((po_object *)object, &((po_connection *)object)->socket);
}

static int set_socket(PyObject *object, PyObject *value, void *closure)
{
    (void)closure;
    po_field_set((po_object *)object, &((po_connection *)object)->socket,
                 Py_NewRef(value != NULL ? value : Py_None));
    lend_attributes((po_connection *)object);
    return 0;
}

static PyObject *get_context(PyObject *object, void *closure)
{
    (void)closure;
    return po_field_get((po_object *)object, &((po_connection *)object)->context);
}

static PyGetSetDef getset[] = {
    { "__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL },
    { "_ssl", get_self, NULL, "This connection, for OpenSSL._util.lib.", NULL },
    { "_socket", get_socket, set_socket, "The socket, or None.", NULL },
    { "_context", get_context, NULL, "The Context in force.", NULL },
    { NULL, NULL, NULL, NULL, NULL },
};

#include "rows.h"

static PyMethodDef methods[] = {
    PO_COMMON_METHODS,
#include "ssl_connection.def"
    { NULL, NULL, 0, NULL },
};

static PyType_Slot slots[] = {
    { Py_tp_new, (void *)po_new },
    { Py_tp_init, (void *)init },
    { Py_tp_dealloc, (void *)dealloc },
    { Py_tp_traverse, (void *)traverse },
    { Py_tp_clear, (void *)clear },
#if !PO_INTERPRETER_LOCKED /* no moment to change a type that is in use */
    { Py_tp_getattro, (void *)getattro },
#endif
    { Py_tp_members, po_members },
    { Py_tp_getset, getset },
    { Py_tp_methods, methods },
    { Py_tp_doc, (void *)"Connection(context, socket=None)\n--\n\n"
                         "A TLS or DTLS connection over a socket, a descriptor, a pair of "
                         "transports, or memory." },
    { 0, NULL },
};

PyType_Spec po_connection_spec = { "OpenSSL.SSL.Connection", sizeof(po_connection), 0,
                                   PO_TYPE_FLAGS, slots };
