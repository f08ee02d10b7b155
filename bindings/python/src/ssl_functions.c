/* OpenSSL.SSL: functions, and what OpenSSL._util asks for behind the scenes. */
#include "ssl.h"
#include "types.h"

static PyObject *openssl_version(PyObject *module, PyObject *const *args, Py_ssize_t nargs,
                                 PyObject *kwnames)
{
    static const char *const names[] = { "type" };
    static const po_params params = { "OpenSSL_version", names, 1, 1 };
    PyObject *given[1];
    int part;

    (void)module;
    if (po_args(&params, args, nargs, kwnames, given) < 0 || po_to_int(given[0], "type", &part) < 0)
        return NULL;
    return PyBytes_FromString(pyossl_openssl_version(part));
}

static PyObject *as_file_descriptor(PyObject *module, PyObject *object)
{
    int fd;

    if (po_to_descriptor(PyModule_GetState(module), object, &fd) < 0)
        return NULL;
    return PyLong_FromLong(fd);
}

static PyObject *allow_slim(PyObject *module, PyObject *allowed)
{
    const int on = PyObject_IsTrue(allowed);

    (void)module;
    if (on < 0)
        return NULL;
    pyossl_slim_allow(on);
    Py_RETURN_NONE;
}

PyMethodDef po_ssl_functions[] = {
    { "OpenSSL_version", (PyCFunction)(void (*)(void))openssl_version,
      METH_FASTCALL | METH_KEYWORDS,
      "OpenSSL_version($module, type)\n--\n\n"
      "Return a text about the OpenSSL that is running as bytes; type is OPENSSL_VERSION\n"
      "and the like. Raises TypeError for what is not an integer." },
    { "allow_slim", allow_slim, METH_O,
      "allow_slim($module, allowed, /)\n--\n\nSay whether contexts may live in a library context "
      "that has only what TLS needs.\nThey may unless told otherwise. Returns None." },
    { "_asFileDescriptor", as_file_descriptor, METH_O,
      "_asFileDescriptor($module, obj, /)\n--\n\nReturn the descriptor that an int, or an object "
      "with a fileno(), stands for." },
    { NULL, NULL, 0, NULL },
};

/* ---- for OpenSSL._util ---- */

/* The object that tells the ALPN callback's "none of these" from everything else. */
static PyObject *set_no_overlap(PyObject *module, PyObject *object)
{
    po_state *state = PyModule_GetState(module);

    Py_XSETREF(state->no_overlap, Py_NewRef(object));
    Py_RETURN_NONE;
}

static PyObject *verify_error_string(PyObject *module, PyObject *number)
{
    long error;

    (void)module;
    if (po_to_long(number, "error", &error) < 0)
        return NULL;
    return PyBytes_FromString(pyossl_verify_error_string(error));
}

static PyObject *has_feature(PyObject *module, PyObject *number)
{
    int feature;

    (void)module;
    if (po_to_int(number, "feature", &feature) < 0)
        return NULL;
    return PyBool_FromLong(pyossl_has((pyossl_feature)feature));
}

/* A Connection with a handle; borrowed, or NULL with an exception. */
static po_connection *to_connection(PyObject *module, PyObject *object)
{
    if (!PO_IS((po_state *)PyModule_GetState(module), object, PO_CONNECTION)) {
        PyErr_SetString(PyExc_TypeError, "a Connection is needed");
        return NULL;
    }
    if (((po_object *)object)->handle != NULL)
        return (po_connection *)object;
    po_raise_empty((po_object *)object, PO_SSL);
    return NULL;
}

/* How many certificates a store holds. */
static PyObject *store_count(PyObject *module, PyObject *store)
{
    po_state *state = PyModule_GetState(module);
    pyossl_store *handle = po_take_handle(state, store, PO_STORE, "store");
    pyossl_x509_list certs = PYOSSL_X509_LIST_INIT;
    po_frame frame;
    pyossl_status status;
    size_t count;

    if (handle == NULL)
        return NULL;
    po_frame_enter(&frame, NULL); /* a store locks itself */
    status = pyossl_store_certs(handle, &certs);
    count = certs.count;
    pyossl_x509_list_clear(&certs);
    pyossl_store_unref(handle);
    po_frame_end(&frame);
    if (status != PYOSSL_OK)
        return po_raise(state, PO_CRYPTO, status);
    return PyLong_FromSize_t(count);
}

static PyObject *group_name(PyObject *module, PyObject *object)
{
    po_connection *self = to_connection(module, object);
    PyObject *text;
    po_frame frame;

    if (self == NULL)
        return NULL;
    po_quick_enter(&frame, &self->base);
    text = po_from_text(pyossl_conn_group_name(self->base.handle));
    po_frame_end(&frame);
    return text;
}

static PyObject *dtls_handle_timeout(PyObject *module, PyObject *object)
{
    return to_connection(module, object) != NULL ? po_conn_dtls_handle_timeout(object, NULL) : NULL;
}

/* The callables of a Context and their data, in po_slot's order. */
static PyObject *context_callbacks(PyObject *module, PyObject *object)
{
    po_context *context = po_to_context(PyModule_GetState(module), object);

    if (context == NULL)
        return NULL;
    context = po_context_root(object);
    return po_field_get(&context->base, &context->callbacks);
}

/* set_sigalgs(context, list) */
static PyObject *set_sigalgs(PyObject *module, PyObject *args)
{
    po_state *state = PyModule_GetState(module);
    po_context *context;
    PyObject *object;
    const char *list;
    po_frame frame;
    pyossl_status status;

    if (!PyArg_ParseTuple(args, "Oy", &object, &list))
        return NULL;
    context = po_to_context(state, object);
    if (context == NULL)
        return NULL;
    po_quick_enter(&frame, &context->base);
    status = pyossl_ctx_set_sigalgs(context->base.handle, list);
    po_frame_end(&frame);
    if (status != PYOSSL_OK)
        return po_raise(state, PO_SSL, status);
    Py_RETURN_NONE;
}

/* set_fd(connection, descriptor): from here on the bytes travel there. */
static PyObject *set_fd(PyObject *module, PyObject *args)
{
    PyObject *object, *descriptor;
    po_channel before = { 0 };
    po_connection *self;
    pyossl_status status;
    po_frame frame;
    bool bound;
    int fd;

    if (!PyArg_ParseTuple(args, "OO!", &object, &PyLong_Type, &descriptor))
        return NULL;
    self = to_connection(module, object);
    if (self == NULL || po_to_descriptor(self->base.state, descriptor, &fd) < 0)
        return NULL;
    po_quick_enter(&frame, &self->base);
    bound = self->bound;
    status = bound ? PYOSSL_OK : pyossl_conn_use_fd(self->base.handle, fd);
    if (!bound && status == PYOSSL_OK) {
        before = self->channel;
        self->channel = (po_channel){ PO_CHANNEL_FD, fd, fd, NULL, NULL, NULL };
    }
    po_frame_end(&frame);
    if (status != PYOSSL_OK)
        return po_raise(self->base.state, PO_SSL, status);
    po_channel_clear(&before);
    if (!bound)
        Py_RETURN_NONE;
    PyErr_SetString(PyExc_ValueError, "the handshake has begun");
    return NULL;
}

PyMethodDef po_private_functions[] = {
    { "context_callbacks", context_callbacks, METH_O, NULL },
    { "context_copy", po_context_copy, METH_O, NULL },
    { "set_fd", set_fd, METH_VARARGS, NULL },
    { "set_sigalgs", set_sigalgs, METH_VARARGS, NULL },
    { "store_count", store_count, METH_O, NULL },
    { "group_name", group_name, METH_O, NULL },
    { "dtls_handle_timeout", dtls_handle_timeout, METH_O, NULL },
    { "set_no_overlap", set_no_overlap, METH_O, NULL },
    { "verify_error_string", verify_error_string, METH_O, NULL },
    { "has_feature", has_feature, METH_O, NULL },
    { NULL, NULL, 0, NULL },
};
