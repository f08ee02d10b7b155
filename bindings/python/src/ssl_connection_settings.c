/* OpenSSL.SSL.Connection: settings for one connection, before its handshake. */
#include "ssl.h"

#define SETTING(function)                                                                          \
    PyObject *po_conn_##function(PyObject *object, PyObject *const *args, Py_ssize_t nargs,        \
                                 PyObject *kwnames)

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

/*
 * For what the ClientHello depends on, and for the size of datagrams where there are none:
 * nothing happens, and no release said so. Not where the peer is to be judged: nobody may
 * think that it will be.
 */
static PyObject *finish_quietly(po_connection *self, po_frame *frame, pyossl_status status)
{
    return finish(self, frame, status == PYOSSL_E_STATE ? PYOSSL_OK : status);
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

static int judge_of(po_connection *self, PyObject *callback, uint64_t *judge)
{
    PyObject *context = po_field_get(&self->base, &self->context);
    const int result = po_judge_of(po_context_root(context), callback, judge);

    Py_DECREF(context);
    return result;
}

SETTING(set_verify)
{
    PyObject *callback, *old = NULL, *unasked = NULL;
    uint64_t judge = 0;
    int mode;
    po_frame frame;
    pyossl_status status;

    ARGUMENTS(set_verify, 1, "mode", "callback");
    if (po_to_int(given[0], "mode", &mode) < 0)
        return NULL;
    callback = given[1] != NULL ? given[1] : Py_None;
    if (po_check_callback(callback) < 0)
        return NULL;
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
    if (po_frame_leave(&frame) < 0)
        status = PYOSSL_E_CALLBACK;
    if (status != PYOSSL_OK)
        return po_raise(self->base.state, PO_SSL, status);
    Py_XDECREF(old);
    Py_XDECREF(unasked);
    Py_RETURN_NONE;
}

SETTING(set_info_callback)
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

SETTING(set_verify_hostname)
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
    status =
        pyossl_conn_set_verify_hostname(self->base.handle, name.data, name.len, (unsigned)flags);
    return finish(self, &frame, status);
}

SETTING(set_verify_ip)
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

SETTING(set_tlsext_host_name)
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
    status =
        pyossl_conn_set_servername(self->base.handle, name.len > 0 ? name.data : NULL, name.len);
    return finish_quietly(self, &frame, status);
}

SETTING(set_alpn_protos)
{
    PyObject *wire;
    po_frame frame;
    pyossl_status status;
    int any;

    ARGUMENTS(set_alpn_protos, 1, "protos");
    any = PyObject_IsTrue(given[0]);
    if (any < 0)
        return NULL;
    if (!any)
        return po_raise_value(self->base.state, "at least one protocol must be specified");
    wire = po_wire_protocols(given[0]);
    if (wire == NULL)
        return NULL;
    po_quick_enter(&frame, &self->base);
    status = pyossl_conn_set_alpn_protos(self->base.handle,
                                         (const unsigned char *)PyByteArray_AS_STRING(wire),
                                         (size_t)PyByteArray_GET_SIZE(wire));
    Py_DECREF(wire);
    return finish_quietly(self, &frame, status);
}

SETTING(set_session)
{
    po_object *session;
    po_frame frame;
    pyossl_status status;

    ARGUMENTS(set_session, 1, "session");
    if (!PO_IS(self->base.state, given[0], PO_SESSION)) {
        PyErr_SetString(PyExc_TypeError, "session must be a Session instance");
        return NULL;
    }
    session = (po_object *)given[0];
    if (session->handle == NULL)
        return po_raise_empty(session, PO_SSL);
    po_quick_enter(&frame, &self->base);
    status = pyossl_conn_set_session(self->base.handle, session->handle);
    return finish_quietly(self, &frame, status);
}

PyObject *po_conn_request_ocsp(PyObject *object, PyObject *no_args)
{
    po_connection *self = connection_of(object);
    po_frame frame;
    pyossl_status status;

    (void)no_args;
    if (self == NULL)
        return NULL;
    po_quick_enter(&frame, &self->base);
    status = pyossl_conn_request_ocsp(self->base.handle);
    return finish_quietly(self, &frame, status);
}

/* A method that takes a mask and returns the whole mask. */
#define MASK_METHOD(function, argument, type, limit, change, read)                                 \
    SETTING(function)                                                                              \
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

MASK_METHOD(set_options, options, uint64_t, UINT64_MAX, pyossl_conn_set_options,
            pyossl_conn_options)
MASK_METHOD(set_mode, mode, uint32_t, UINT32_MAX, pyossl_conn_set_mode, pyossl_conn_mode)
MASK_METHOD(clear_mode, mode_to_clear, uint32_t, UINT32_MAX, pyossl_conn_clear_mode,
            pyossl_conn_mode)

SETTING(set_ciphertext_mtu)
{
    size_t mtu;
    po_frame frame;
    pyossl_status status;

    ARGUMENTS(set_ciphertext_mtu, 1, "mtu");
    if (po_to_size(given[0], "mtu", &mtu) < 0)
        return NULL;
    po_quick_enter(&frame, &self->base);
    status = pyossl_conn_set_mtu(self->base.handle, mtu);
    return finish_quietly(self, &frame, status);
}
