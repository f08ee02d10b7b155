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
    if (po_frame_leave(frame) < 0)
        return NULL;
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

    if (socket == Py_None)
        PyErr_Format(PyExc_AttributeError, "'%.100s' object has no attribute '%U'",
                     Py_TYPE(object)->tp_name, name);
    else
        result = PyObject_GetAttr(socket, name);
    Py_DECREF(socket);
    return result;
}

static PyObject *po_m___getattr__(PyObject *object, PyObject *name)
{
    if (PyUnicode_Check(name))
        return socket_attribute(object, name);
    PyErr_SetString(PyExc_TypeError, "attribute name must be string");
    return NULL;
}

static PyObject *getattro(PyObject *object, PyObject *name)
{
    PyObject *result = PyObject_GenericGetAttr(object, name);

    if (result != NULL || ((po_connection *)object)->socket == NULL ||
        ((po_connection *)object)->socket == Py_None ||
        !PyErr_ExceptionMatches(PyExc_AttributeError))
        return result;
    PyErr_Clear();
    return socket_attribute(object, name);
}

static pyossl_status set_role(po_connection *self, pyossl_role role)
{
    po_frame frame;
    pyossl_status status;

    po_quick_enter(&frame, &self->base);
    status = pyossl_conn_set_role(self->base.handle, role);
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
static PyObject *connect_by(PyObject *object, po_string_id name, PyObject *addr)
{
    po_connection *self = connection_of(object);
    PyObject *method = NULL, *result = NULL, *role;

    if (self != NULL)
        method = socket_attribute(object, self->base.state->strings[name]);
    if (method == NULL)
        return NULL;
    role = role_method(object, PYOSSL_CLIENT);
    if (role != NULL)
        result = PyObject_CallOneArg(method, addr);
    Py_XDECREF(role);
    Py_DECREF(method);
    return result;
}

static PyObject *po_m_connect(PyObject *object, PyObject *addr)
{
    return connect_by(object, PO_STR_connect, addr);
}

static PyObject *po_m_connect_ex(PyObject *object, PyObject *addr)
{
    return connect_by(object, PO_STR_connect_ex, addr);
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
        method = socket_attribute(object, self->base.state->strings[PO_STR_accept]);
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

static PyObject *po_m_sock_shutdown(PyObject *object, PyObject *args, PyObject *kwargs)
{
    PyObject *name = PO_STATE(object)->strings[PO_STR_shutdown];
    PyObject *method = socket_attribute(object, name);
    PyObject *result = method != NULL ? PyObject_Call(method, args, kwargs) : NULL;

    Py_XDECREF(method);
    return result;
}

static PyObject *po_m_makefile(PyObject *object, PyObject *args, PyObject *kwargs)
{
    (void)object;
    (void)args;
    (void)kwargs;
    PyErr_SetString(PyExc_NotImplementedError,
                    "Cannot make file object of OpenSSL.SSL.Connection");
    return NULL;
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
    PyObject *callbacks, *old_callbacks = NULL, *old_context = NULL;
    po_context *context;
    po_frame frame;
    pyossl_status status;

    ARGUMENTS(set_context, 1, "context");
    context = po_to_context(self->base.state, given[0]);
    if (context == NULL)
        return NULL;
    callbacks = po_context_callbacks(context);
    po_quick_enter(&frame, &self->base);
    status = pyossl_conn_set_ctx(self->base.handle, context->base.handle);
    if (status == PYOSSL_OK) {
        old_context = self->context;
        self->context = Py_NewRef((PyObject *)context);
        old_callbacks = self->callbacks;
        self->callbacks = Py_NewRef(callbacks);
        /* The verify callback stays; before the handshake the next exchange fetches it. */
    }
    if (po_frame_leave(&frame) < 0)
        status = PYOSSL_E_CALLBACK;
    if (status != PYOSSL_OK)
        po_raise(self->base.state, PO_SSL, status);
    Py_DECREF(callbacks);
    Py_XDECREF(old_callbacks);
    Py_XDECREF(old_context);
    if (status != PYOSSL_OK)
        return NULL;
    Py_RETURN_NONE;
}

/* ---- settings ---- */

PO_METHOD(set_verify)
{
    PyObject *callback, *old = NULL, *unasked = NULL;
    int mode;
    po_frame frame;
    pyossl_status status;

    ARGUMENTS(set_verify, 1, "mode", "callback");
    if (po_to_int(given[0], "mode", &mode) < 0)
        return NULL;
    callback = given[1] != NULL ? given[1] : Py_None;
    if (po_check_callback(callback) < 0)
        return NULL;
    po_quick_enter(&frame, &self->base);
    status = po_conn_verify_install(self->base.handle, mode, callback != Py_None);
    if (status == PYOSSL_OK) {
        old = self->own_verify;
        self->own_verify = Py_NewRef(callback);
        unasked = self->verify;
        self->verify = NULL;
    }
    if (po_frame_leave(&frame) < 0)
        status = PYOSSL_E_CALLBACK;
    if (status != PYOSSL_OK)
        return po_raise(self->base.state, PO_SSL, status);
    Py_XDECREF(old);
    Py_XDECREF(unasked);
    Py_RETURN_NONE;
}

PO_METHOD(set_info_callback)
{
    PyObject *old = NULL;
    po_frame frame;
    pyossl_status status;

    ARGUMENTS(set_info_callback, 1, "callback");
    if (po_check_callback(given[0]) < 0)
        return NULL;
    po_quick_enter(&frame, &self->base);
    status = po_conn_info_install(self->base.handle, given[0] != Py_None);
    if (status == PYOSSL_OK) {
        old = self->own_info;
        self->own_info = Py_NewRef(given[0]);
    }
    if (po_frame_leave(&frame) < 0)
        status = PYOSSL_E_CALLBACK;
    if (status != PYOSSL_OK)
        return po_raise(self->base.state, PO_SSL, status);
    Py_XDECREF(old);
    Py_RETURN_NONE;
}

PO_METHOD(set_verify_hostname)
{
    po_auto_bytes name = PO_BYTES_INIT;
    int flags = 0;
    po_frame frame;
    pyossl_status status;

    ARGUMENTS(set_verify_hostname, 1, "name", "flags");
    if (given[0] != Py_None && po_to_bytes(given[0], "name", PO_STR_ASCII, &name) < 0)
        return NULL;
    if (given[1] != NULL && po_to_int(given[1], "flags", &flags) < 0)
        return NULL;
    po_quick_enter(&frame, &self->base);
    status = pyossl_conn_set_verify_hostname(self->base.handle, name.data, name.len,
                                             (unsigned)flags);
    return finish(self, &frame, status);
}

PO_METHOD(set_verify_ip)
{
    po_auto_bytes address = PO_BYTES_INIT;
    po_frame frame;
    pyossl_status status;

    ARGUMENTS(set_verify_ip, 1, "address");
    if (given[0] != Py_None && po_to_bytes(given[0], "address", PO_STR_ASCII, &address) < 0)
        return NULL;
    po_quick_enter(&frame, &self->base);
    status = pyossl_conn_set_verify_ip(self->base.handle, address.data, address.len);
    return finish(self, &frame, status);
}

PO_METHOD(set_tlsext_host_name)
{
    po_auto_bytes name = PO_BYTES_INIT;
    po_frame frame;
    pyossl_status status;

    ARGUMENTS(set_tlsext_host_name, 1, "name");
    if (po_to_bytes_only(given[0], "name", PO_STR_REFUSE, &name) < 0)
        return NULL;
    if (name.len > 0 && memchr(name.data, '\0', name.len) != NULL) {
        PyErr_SetString(PyExc_TypeError, "name must not contain NUL byte");
        return NULL;
    }
    po_quick_enter(&frame, &self->base);
    status = pyossl_conn_set_servername(self->base.handle, name.len > 0 ? name.data : NULL,
                                        name.len);
    return finish(self, &frame, status);
}

PO_METHOD(set_alpn_protos)
{
    PyObject *wire;
    po_frame frame;
    pyossl_status status;
    int any;

    ARGUMENTS(set_alpn_protos, 1, "protos");
    any = PyObject_IsTrue(given[0]);
    if (any < 0)
        return NULL;
    if (!any) {
        PyErr_SetString(PyExc_ValueError, "at least one protocol must be specified");
        return NULL;
    }
    wire = po_wire_protocols(given[0]);
    if (wire == NULL)
        return NULL;
    po_quick_enter(&frame, &self->base);
    status = pyossl_conn_set_alpn_protos(self->base.handle,
                                         (const unsigned char *)PyByteArray_AS_STRING(wire),
                                         (size_t)PyByteArray_GET_SIZE(wire));
    Py_DECREF(wire);
    return finish(self, &frame, status);
}

/* A method that takes a mask and returns the whole mask. */
#define MASK_METHOD(function, argument, type, limit, change, read)                                 \
    PO_METHOD(function)                                                                                 \
    {                                                                                              \
        uint64_t mask;                                                                             \
        po_frame frame;                                                                            \
        pyossl_status status;                                                                      \
                                                                                                   \
        ARGUMENTS(function, 1, #argument);                                                         \
        if (po_to_uint64(given[0], #argument, &mask) < 0)                                          \
            return NULL;                                                                           \
        if (mask > (limit))                                                                        \
            return PyErr_Format(PyExc_OverflowError, "%s is out of range", #argument);             \
        po_quick_enter(&frame, &self->base);                                                       \
        status = change(self->base.handle, (type)mask);                                            \
        mask = read(self->base.handle);                                                            \
        if (po_frame_leave(&frame) < 0)                                                            \
            return NULL;                                                                           \
        if (status != PYOSSL_OK)                                                                   \
            return po_raise(self->base.state, PO_SSL, status);                                     \
        return PyLong_FromUnsignedLongLong(mask);                                                  \
    }

MASK_METHOD(set_options, options, uint64_t, UINT64_MAX, pyossl_conn_set_options, pyossl_conn_options)
MASK_METHOD(set_mode, mode, uint32_t, UINT32_MAX, pyossl_conn_set_mode, pyossl_conn_mode)
MASK_METHOD(clear_mode, mode_to_clear, uint32_t, UINT32_MAX, pyossl_conn_clear_mode, pyossl_conn_mode)

PO_METHOD(set_ciphertext_mtu)
{
    size_t mtu;
    po_frame frame;
    pyossl_status status;

    ARGUMENTS(set_ciphertext_mtu, 1, "mtu");
    if (po_to_size(given[0], "mtu", &mtu) < 0)
        return NULL;
    po_quick_enter(&frame, &self->base);
    status = pyossl_conn_set_mtu(self->base.handle, mtu);
    return finish(self, &frame, status);
}

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

/* ---- what was negotiated ---- */

PO_METHOD0(get_cipher_list)
{
    po_connection *self = connection_of(object);
    PyObject *list = self != NULL ? PyList_New(0) : NULL;

    (void)unused;
    for (int i = 0; list != NULL; i++) {
        po_frame frame;
        const char *name;
        PyObject *item;

        po_quick_enter(&frame, &self->base);
        name = pyossl_conn_cipher_at(self->base.handle, i);
        (void)po_frame_leave(&frame);
        if (name == NULL)
            break;
        item = PyUnicode_FromString(name);
        if (item == NULL || PyList_Append(list, item) < 0)
            Py_CLEAR(list);
        Py_XDECREF(item);
    }
    return list;
}

PO_METHOD0(get_cipher_bits)
{
    po_connection *self = connection_of(object);
    po_frame frame;
    int bits;

    (void)unused;
    if (self == NULL)
        return NULL;
    po_quick_enter(&frame, &self->base);
    bits = pyossl_conn_cipher_bits(self->base.handle);
    if (po_frame_leave(&frame) < 0)
        return NULL;
    if (bits < 0)
        Py_RETURN_NONE;
    return PyLong_FromLong(bits);
}

/* Bytes that the connection keeps, b"" where there are none. */
typedef const unsigned char *(*bytes_getter)(const pyossl_conn *conn, size_t *len);

static PyObject *kept_bytes(PyObject *object, bytes_getter get)
{
    po_connection *self = connection_of(object);
    const unsigned char *data;
    PyObject *bytes;
    size_t len = 0;
    po_frame frame;

    if (self == NULL)
        return NULL;
    po_quick_enter(&frame, &self->base);
    data = get(self->base.handle, &len);
    /* Copied under the lock: it is borrowed from the connection. */
    bytes = PyBytes_FromStringAndSize((const char *)data, data != NULL ? (Py_ssize_t)len : 0);
    if (po_frame_leave(&frame) < 0)
        Py_CLEAR(bytes);
    return bytes;
}

PO_METHOD0(get_alpn_proto_negotiated)
{
    (void)unused;
    return kept_bytes(object, pyossl_conn_alpn);
}

PO_METHOD0(get_next_proto_negotiated)
{
    (void)unused;
    return kept_bytes(object, pyossl_conn_npn);
}

static const unsigned char *srtp_profile(const pyossl_conn *conn, size_t *len)
{
    const char *name = pyossl_conn_srtp_profile(conn);

    *len = name != NULL ? strlen(name) : 0;
    return (const unsigned char *)name;
}

PO_METHOD0(get_selected_srtp_profile)
{
    (void)unused;
    return kept_bytes(object, srtp_profile);
}

PO_METHOD0(get_group_name)
{
    po_connection *self = connection_of(object);
    PyObject *instead, *text;
    po_frame frame;

    (void)unused;
    if (self == NULL)
        return NULL;
    if (!pyossl_has(PYOSSL_FEATURE_GROUP_NAME)) {
        PyErr_SetString(PyExc_NotImplementedError,
                        "Getting group name is not supported by the linked OpenSSL version");
        return NULL;
    }
    instead = po_hook(self->base.state, "SSL_get0_group_name");
    if (instead != NULL) {
        text = PyObject_CallOneArg(instead, object);
        Py_DECREF(instead);
        if (text == NULL || PyUnicode_Check(text))
            return text;
        Py_DECREF(text);
        Py_RETURN_NONE;
    }
    po_quick_enter(&frame, &self->base);
    text = po_from_text(pyossl_conn_group_name(self->base.handle));
    if (po_frame_leave(&frame) < 0)
        Py_CLEAR(text);
    return text;
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
    if (po_frame_leave(&frame) < 0)
        return NULL;
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

static int init(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static const char *const names[] = { "context", "socket" };
    static const po_params params = { "Connection", names, 1, 2 };
    po_connection *self = (po_connection *)object;
    PyObject *given[2];
    po_context *context;
    pyossl_conn *conn = NULL;
    pyossl_status status;

    if (po_args_tuple(&params, args, kwargs, given) < 0)
        return -1;
    context = po_to_context(self->base.state, given[0]);
    if (context == NULL)
        return -1;
    if (self->base.handle != NULL) {
        PyErr_SetString(PyExc_RuntimeError, "a Connection can be initialised only once");
        return -1;
    }
    status = pyossl_conn_new(&conn, context->base.handle);
    if (status != PYOSSL_OK) {
        po_raise(self->base.state, PO_SSL, status);
        return -1;
    }
    self->base.handle = conn;
    self->read_fd = self->write_fd = -1;
    Py_XSETREF(self->context, Py_NewRef((PyObject *)context));
    Py_XSETREF(self->socket, Py_NewRef(given[1] != NULL ? given[1] : Py_None));
    if (po_channel_open(self, self->socket) < 0) {
        self->base.handle = NULL;
        pyossl_conn_unref(conn);
        return -1;
    }
    pyossl_conn_set_userdata(conn, self);
    po_conn_follow_context(self);
    return 0;
}

static int traverse(PyObject *object, visitproc visit, void *arg)
{
    po_connection *self = (po_connection *)object;

    Py_VISIT(self->context);
    Py_VISIT(self->socket);
    Py_VISIT(self->reader);
    Py_VISIT(self->writer);
    Py_VISIT(self->app_data);
    Py_VISIT(self->callbacks);
    Py_VISIT(self->verify);
    Py_VISIT(self->own_verify);
    Py_VISIT(self->own_info);
    Py_VISIT(self->cause);
    return po_traverse(object, visit, arg);
}

static int clear(PyObject *object)
{
    po_connection *self = (po_connection *)object;

    Py_CLEAR(self->context);
    Py_CLEAR(self->socket);
    Py_CLEAR(self->reader);
    Py_CLEAR(self->writer);
    Py_CLEAR(self->app_data);
    Py_CLEAR(self->callbacks);
    Py_CLEAR(self->verify);
    Py_CLEAR(self->own_verify);
    Py_CLEAR(self->own_info);
    Py_CLEAR(self->cause);
    return po_clear(object);
}

static void dealloc(PyObject *object)
{
    /* Whatever the handle does while it goes, it must not call back into what is going. */
    if (((po_object *)object)->handle != NULL)
        pyossl_conn_set_userdata(((po_object *)object)->handle, NULL);
    po_dealloc(object);
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
    { Py_tp_getattro, (void *)getattro },
    { Py_tp_members, po_members },
    { Py_tp_getset, getset },
    { Py_tp_methods, methods },
    { Py_tp_doc, (void *)"Connection(context, socket=None)\n--\n\n"
                 "A TLS or DTLS connection over a socket, a descriptor, a pair of transports, or memory." },
    { 0, NULL },
};

PyType_Spec po_connection_spec = { "OpenSSL.SSL.Connection", sizeof(po_connection), 0, PO_TYPE_FLAGS,
                                   slots };
