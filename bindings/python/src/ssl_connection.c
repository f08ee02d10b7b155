/* OpenSSL.SSL.Connection, but for exchanges and for what it knows of its peer. */
#include "ssl_connection_methods.h"

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

PyObject *po_conn_getattr(po_connection *self, PyObject *name)
{
    PyObject *object = (PyObject *)self;

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

PyObject *po_conn_set_role(po_object *self, pyossl_role role)
{
    po_frame frame;
    pyossl_status status;

    po_quick_enter(&frame, self);
    status = pyossl_conn_set_role(self->handle, role);
    /* Once it has begun no release said that it was that side already. */
    if (status == PYOSSL_E_STATE && pyossl_conn_is_server(self->handle) == (role == PYOSSL_SERVER))
        status = PYOSSL_OK;
    po_frame_end(&frame);
    if (status != PYOSSL_OK)
        return po_raise(self->state, PO_SSL, status);
    Py_RETURN_NONE;
}

PyObject *po_conn_connect_by(po_object *self, po_string_id name, PyObject *addr)
{
    PyObject *method = po_conn_socket_method((PyObject *)self, name);
    PyObject *role = method != NULL ? po_conn_set_role(self, PYOSSL_CLIENT) : NULL;
    PyObject *result = role != NULL ? PyObject_CallOneArg(method, addr) : NULL;

    Py_XDECREF(role);
    Py_XDECREF(method);
    return result;
}

/* A Connection of the plain type over @client, as the server. */
static PyObject *serve(po_connection *self, PyObject *client)
{
    PyObject *context = po_field_get(&self->base, &self->context);
    PyObject *type = (PyObject *)self->base.state->types[PO_CONNECTION];
    PyObject *served = PyObject_CallFunctionObjArgs(type, context, client, NULL), *role;

    Py_DECREF(context);
    role = served != NULL ? po_conn_set_role((po_object *)served, PYOSSL_SERVER) : NULL;
    if (role == NULL)
        Py_CLEAR(served);
    Py_XDECREF(role);
    return served;
}

PyObject *po_conn_accept(po_connection *self)
{
    PyObject *method = po_conn_socket_method((PyObject *)self, PO_STR_accept);
    PyObject *pair = method != NULL ? PyObject_CallNoArgs(method) : NULL;
    PyObject *both = pair != NULL ? PySequence_Tuple(pair) : NULL, *served = NULL, *result = NULL;

    Py_XDECREF(method);
    Py_XDECREF(pair);
    if (both != NULL && PyTuple_GET_SIZE(both) != 2)
        PyErr_SetString(PyExc_TypeError, "accept() must give a pair");
    else if (both != NULL)
        served = serve(self, PyTuple_GET_ITEM(both, 0));
    if (served != NULL)
        result = PyTuple_Pack(2, served, PyTuple_GET_ITEM(both, 1));
    Py_XDECREF(served);
    Py_XDECREF(both);
    return result;
}

/* ---- handshake and shutdown ---- */

PyObject *po_conn_renegotiate(po_connection *self)
{
    po_frame frame;
    pyossl_status status = PYOSSL_OK;
    int pending;

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

/* ---- the context ---- */

PyObject *po_conn_get_context(po_connection *self)
{
    return po_field_get(&self->base, &self->context);
}

PyObject *po_conn_set_context(po_connection *self, PyObject *object)
{
    po_context *const context = po_context_root(object);
    PyObject *old_callbacks = NULL, *old_context = NULL;
    po_frame frame, inner;
    pyossl_status status;

    po_quick_enter(&frame, &self->base);
    po_quick_enter(&inner, &context->base); /* settings and callables of one moment */
    status = pyossl_conn_set_ctx(self->base.handle, context->base.handle);
    if (status == PYOSSL_OK) {
        old_context = self->context;
        self->context = Py_NewRef(object);
        old_callbacks = self->callbacks;
        self->callbacks = Py_NewRef(context->callbacks);
        /* The verify callback stays; before the handshake the next exchange fetches all. */
        self->bound = pyossl_conn_begun(self->base.handle);
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

PyObject *po_conn_set_app_data(po_connection *self, PyObject *data)
{
    po_field_set(&self->base, &self->app_data, Py_NewRef(data));
    Py_RETURN_NONE;
}

PyObject *po_conn_get_app_data(po_connection *self)
{
    return po_field_get(&self->base, &self->app_data);
}

/* ---- DTLS timers ---- */

PyObject *po_conn_DTLSv1_get_timeout(po_connection *self)
{
    po_frame frame;
    int64_t milliseconds;

    po_quick_enter(&frame, &self->base);
    milliseconds = pyossl_conn_dtls_timeout(self->base.handle);
    po_frame_end(&frame);
    if (milliseconds < 0)
        Py_RETURN_NONE;
    return PyFloat_FromDouble((double)milliseconds / 1000.0);
}

PyObject *po_conn_DTLSv1_handle_timeout(po_connection *self)
{
    PyObject *instead = po_hook(self->base.state, "DTLSv1_handle_timeout"), *result;
    long value;

    if (instead == NULL)
        return po_conn_dtls_handle_timeout(self);
    result = PyObject_CallOneArg(instead, (PyObject *)self);
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

int po_conn_init(po_connection *self, PyObject *context, PyObject *given)
{
    PyObject *const socket = given != NULL ? given : Py_None;
    pyossl_conn *conn = NULL;
    po_channel channel;
    pyossl_status status;
    int result;

    if (self->base.handle != NULL)
        return refuse_again();
    status = pyossl_conn_new(&conn, ((po_object *)context)->handle);
    if (status != PYOSSL_OK) {
        po_raise(self->base.state, PO_SSL, status);
        return -1;
    }
    pyossl_conn_set_userdata(conn, self);
    /* Other threads see nothing of it until it is all there. */
    result = po_channel_open(&channel, conn, self, socket);
    if (result == 0)
        result = settle(self, conn, &channel, context, socket);
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

static int set_socket(PyObject *object, PyObject *value, void *closure)
{
    (void)closure;
    po_field_set((po_object *)object, &((po_connection *)object)->socket,
                 Py_NewRef(value != NULL ? value : Py_None));
    lend_attributes((po_connection *)object);
    return 0;
}

static PyGetSetDef getset[] = {
    { "__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL },
    { "_ssl", po_get_self, NULL, "This connection, for OpenSSL._util.lib.", NULL },
    { "_socket", po_get_field, set_socket, "The socket, or None.",
      (void *)offsetof(po_connection, socket) },
    PO_FIELD("_context", po_connection, context, "The Context in force."),
    { NULL, NULL, NULL, NULL, NULL },
};

static PyType_Slot slots[] = {
    { Py_tp_new, (void *)po_new },
    { Py_tp_init, (void *)po_conn_tp_init },
    { Py_tp_dealloc, (void *)dealloc },
    { Py_tp_traverse, (void *)traverse },
    { Py_tp_clear, (void *)clear },
#if !PO_INTERPRETER_LOCKED /* no moment to change a type that is in use */
    { Py_tp_getattro, (void *)getattro },
#endif
    { Py_tp_members, po_members },
    { Py_tp_getset, getset },
    { Py_tp_methods, po_conn_methods },
    { Py_tp_doc, (void *)po_conn_doc },
    { 0, NULL },
};

PyType_Spec po_connection_spec = { "OpenSSL.SSL.Connection", sizeof(po_connection), 0,
                                   PO_TYPE_FLAGS, slots };
