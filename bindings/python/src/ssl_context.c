/* OpenSSL.SSL.Context, but for its callbacks and its certificates. */
#define PO_HANDLE pyossl_ctx
#define PO_DOMAIN PO_SSL

#include "shapes.h"

#include "crypto_common.h"
#include "ssl.h"
#include "types.h"

#include "ssl_context.def"

/* ---- what Context and Connection share ---- */

PyObject *po_field_get(po_object *self, PyObject **field)
{
    po_frame frame;
    PyObject *value;

    po_quick_enter(&frame, self);
    value = Py_NewRef(*field != NULL ? *field : Py_None);
    (void)po_frame_leave(&frame);
    return value;
}

void po_field_set(po_object *self, PyObject **field, PyObject *value)
{
    po_frame frame;
    PyObject *old;

    po_quick_enter(&frame, self);
    old = *field;
    *field = value;
    (void)po_frame_leave(&frame);
    Py_XDECREF(old); /* may run a program's code: not under the lock */
}

po_context *po_to_context(po_state *state, PyObject *object)
{
    if (!PO_IS(state, object, PO_CONTEXT)) {
        PyErr_SetString(PyExc_TypeError, "context must be a Context instance");
        return NULL;
    }
    if (((po_object *)object)->handle == NULL) {
        PyErr_SetString(PyExc_ValueError, "context is an empty Context");
        return NULL;
    }
    return (po_context *)object;
}

PyObject *po_context_copy(PyObject *module, PyObject *object)
{
    po_state *state = PyModule_GetState(module);
    PyTypeObject *type = Py_TYPE(object);
    po_context *from, *made;

    if (po_to_context(state, object) == NULL)
        return NULL;
    from = po_context_root(object);
    made = (po_context *)po_new(type, NULL, NULL);
    if (made == NULL)
        return NULL;
    made->root = (po_context *)Py_NewRef((PyObject *)from);
    made->base.handle = pyossl_ctx_ref(from->base.handle);
    made->app_data = po_field_get((po_object *)object, &((po_context *)object)->app_data);
    return (PyObject *)made;
}

/* Append @item to @wire behind its length. */
static int append_protocol(PyObject *wire, PyObject *item)
{
    const Py_ssize_t at = PyByteArray_GET_SIZE(wire);
    po_auto_bytes bytes = PO_BYTES_INIT;

    if (po_to_bytes(item, "protocol", PO_STR_REFUSE, &bytes) < 0)
        return -1;
    if (bytes.len > 255) {
        PyErr_SetString(PyExc_ValueError, "a protocol must not be longer than 255 bytes");
        return -1;
    }
    if (PyByteArray_Resize(wire, at + 1 + (Py_ssize_t)bytes.len) < 0)
        return -1;
    PyByteArray_AS_STRING(wire)[at] = (char)bytes.len;
    memcpy(PyByteArray_AS_STRING(wire) + at + 1, bytes.data, bytes.len);
    return 0;
}

PyObject *po_wire_protocols(PyObject *protos)
{
    PyObject *items = PySequence_Fast(protos, "protos must be a list of byte strings");
    PyObject *wire = items != NULL ? PyByteArray_FromStringAndSize(NULL, 0) : NULL;

    for (Py_ssize_t i = 0; wire != NULL && i < PySequence_Fast_GET_SIZE(items); i++)
        if (append_protocol(wire, PySequence_Fast_GET_ITEM(items, i)) < 0)
            Py_CLEAR(wire);
    Py_XDECREF(items);
    return wire;
}

int po_to_bytes_only(PyObject *object, const char *name, po_str_rule rule, po_bytes *out)
{
    if (PyBytes_Check(object) || (PyUnicode_Check(object) && rule != PO_STR_REFUSE))
        return po_to_bytes(object, name, rule, out);
    *out = (po_bytes)PO_BYTES_INIT;
    PyErr_Format(PyExc_TypeError, "%s must be a byte string.", name);
    return -1;
}

/* ---- plumbing ---- */

static po_context *context_of(PyObject *object)
{
    po_context *self = po_context_root(object);

    if (self->base.handle != NULL)
        return self;
    po_raise_empty(&self->base, PO_SSL);
    return NULL;
}

/* The end of a method: None, or what @status raises. */
static PyObject *finish(po_context *self, po_frame *frame, pyossl_status status)
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
    po_context *const self = context_of(object);                                                   \
                                                                                                   \
    if (po_args(&params, args, nargs, kwnames, given) < 0 || self == NULL)                         \
    return NULL

/* ---- files ---- */

typedef pyossl_status (*file_setter)(pyossl_ctx *ctx, const char *path, int format);

static PyObject *use_file(po_context *self, file_setter set, PyObject *file, const char *name,
                          PyObject *filetype)
{
    po_auto_bytes path = PO_BYTES_INIT;
    int format = PYOSSL_PEM;
    po_frame frame;
    pyossl_status status;

    if (po_to_path(file, name, &path) < 0)
        return NULL;
    if (filetype != NULL && po_to_int(filetype, "filetype", &format) < 0)
        return NULL;
    switch (po_call_enter(&frame, &self->base, &self->turn, PO_FREE)) {
    case 0:
        status = set(self->base.handle, path.data, format);
        return finish(self, &frame, status);
    case 1: /* who would ask for the other passphrase? */
        po_frame_end(&frame);
        return po_raise_text(self->base.state, PO_SSL,
                             "called from the passphrase callback of the same context");
    default:
        return NULL;
    }
}

PO_METHOD(use_certificate_file)
{
    ARGUMENTS(use_certificate_file, 1, "certfile", "filetype");
    return po_in_file(
        self->base.state,
        use_file(self, pyossl_ctx_use_certificate_file, given[0], "certfile", given[1]), given[0]);
}

PO_METHOD(use_privatekey_file)
{
    ARGUMENTS(use_privatekey_file, 1, "keyfile", "filetype");
    return po_in_file(self->base.state,
                      use_file(self, pyossl_ctx_use_pkey_file, given[0], "keyfile", given[1]),
                      given[0]);
}

PO_METHOD(load_verify_locations)
{
    po_auto_bytes file = PO_BYTES_INIT, dir = PO_BYTES_INIT;
    po_frame frame;
    pyossl_status status;

    ARGUMENTS(load_verify_locations, 1, "cafile", "capath");
    if (given[0] != Py_None && po_to_path(given[0], "cafile", &file) < 0)
        return NULL;
    if (given[1] != NULL && given[1] != Py_None && po_to_path(given[1], "capath", &dir) < 0)
        return NULL;
    po_long_enter(&frame);
    status = pyossl_ctx_load_verify_locations(self->base.handle, file.data, dir.data);
    return po_in_file(self->base.state, finish(self, &frame, status),
                      given[0] != Py_None ? given[0] : given[1]);
}

PO_METHOD(load_client_ca)
{
    po_auto_bytes warned = PO_BYTES_INIT, path = PO_BYTES_INIT;
    po_frame frame;
    pyossl_status status;

    ARGUMENTS(load_client_ca, 1, "cafile");
    /* A str is warned of, but encoded as a path. */
    if (po_to_bytes_only(given[0], "cafile", PO_STR_WARN, &warned) < 0 ||
        po_to_path(given[0], "cafile", &path) < 0)
        return NULL;
    po_long_enter(&frame);
    status = pyossl_ctx_load_client_ca(self->base.handle, path.data);
    return po_in_file(self->base.state, finish(self, &frame, status), given[0]);
}

/* ---- names and addresses ---- */

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
    status =
        pyossl_ctx_set_verify_hostname(self->base.handle, name.data, name.len, (unsigned)flags);
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
    status = pyossl_ctx_set_verify_ip(self->base.handle, address.data, address.len);
    return finish(self, &frame, status);
}

/* ---- numbers ---- */

/* A method that takes a mask of @width bits and returns the whole mask. */
#define MASK_METHOD(function, argument, type, limit, change, read)                                 \
    PO_METHOD(function)                                                                            \
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

MASK_METHOD(set_options, options, uint64_t, UINT64_MAX, pyossl_ctx_set_options, pyossl_ctx_options)
MASK_METHOD(clear_options, options, uint64_t, UINT64_MAX, pyossl_ctx_clear_options,
            pyossl_ctx_options)
MASK_METHOD(set_mode, mode, uint32_t, UINT32_MAX, pyossl_ctx_set_mode, pyossl_ctx_mode)
MASK_METHOD(clear_mode, mode_to_clear, uint32_t, UINT32_MAX, pyossl_ctx_clear_mode, pyossl_ctx_mode)

/* A method that sets a number and returns the one before. */
#define EXCHANGE_METHOD(function, argument, change, read)                                          \
    PO_METHOD(function)                                                                            \
    {                                                                                              \
        long value, before;                                                                        \
        po_frame frame;                                                                            \
        pyossl_status status;                                                                      \
                                                                                                   \
        ARGUMENTS(function, 1, #argument);                                                         \
        if (po_to_long(given[0], #argument, &value) < 0)                                           \
            return NULL;                                                                           \
        po_quick_enter(&frame, &self->base);                                                       \
        before = read(self->base.handle);                                                          \
        status = change(self->base.handle, value);                                                 \
        if (po_frame_leave(&frame) < 0)                                                            \
            return NULL;                                                                           \
        if (status != PYOSSL_OK)                                                                   \
            return po_raise(self->base.state, PO_SSL, status);                                     \
        return PyLong_FromLong(before);                                                            \
    }

EXCHANGE_METHOD(set_session_cache_mode, mode, pyossl_ctx_set_session_cache_mode,
                pyossl_ctx_session_cache_mode)
EXCHANGE_METHOD(set_timeout, timeout, pyossl_ctx_set_timeout, pyossl_ctx_timeout)

PO_METHOD(set_num_tickets)
{
    size_t count;
    po_frame frame;
    pyossl_status status;

    ARGUMENTS(set_num_tickets, 1, "count");
    if (po_to_size(given[0], "count", &count) < 0)
        return NULL;
    po_quick_enter(&frame, &self->base);
    status = pyossl_ctx_set_num_tickets(self->base.handle, count);
    return finish(self, &frame, status);
}

/* A method that takes a truth value. */
#define SWITCH_METHOD(function, change)                                                            \
    PO_METHOD(function)                                                                            \
    {                                                                                              \
        int on;                                                                                    \
        po_frame frame;                                                                            \
        pyossl_status status;                                                                      \
                                                                                                   \
        ARGUMENTS(function, 1, "on");                                                              \
        on = PyObject_IsTrue(given[0]);                                                            \
        if (on < 0)                                                                                \
            return NULL;                                                                           \
        po_quick_enter(&frame, &self->base);                                                       \
        status = change(self->base.handle, on);                                                    \
        return finish(self, &frame, status);                                                       \
    }

SWITCH_METHOD(set_post_handshake_auth, pyossl_ctx_set_post_handshake_auth)
SWITCH_METHOD(set_read_ahead, pyossl_ctx_set_read_ahead)

/* ---- texts ---- */

/* A method that takes bytes without a NUL, or a str by @rule. */
#define TEXT_METHOD(function, argument, rule, change)                                              \
    PO_METHOD(function)                                                                            \
    {                                                                                              \
        po_auto_bytes text = PO_BYTES_INIT, checked = PO_BYTES_INIT;                               \
        po_frame frame;                                                                            \
        pyossl_status status;                                                                      \
                                                                                                   \
        ARGUMENTS(function, 1, #argument);                                                         \
        if (po_to_bytes_only(given[0], #argument, rule, &checked) < 0 ||                           \
            po_to_cstring(given[0], #argument, PO_STR_UTF8, &text) < 0)                            \
            return NULL;                                                                           \
        po_quick_enter(&frame, &self->base);                                                       \
        status = change(self->base.handle, text.data);                                             \
        return finish(self, &frame, status);                                                       \
    }

TEXT_METHOD(set_cipher_list, cipher_list, PO_STR_WARN, pyossl_ctx_set_cipher_list)
TEXT_METHOD(set_tls13_ciphersuites, ciphersuites, PO_STR_REFUSE, pyossl_ctx_set_ciphersuites)
TEXT_METHOD(set_tlsext_use_srtp, profiles, PO_STR_REFUSE, pyossl_ctx_set_srtp_profiles)

PO_METHOD(set_session_id)
{
    po_auto_bytes name = PO_BYTES_INIT;
    po_frame frame;
    pyossl_status status;

    ARGUMENTS(set_session_id, 1, "buf");
    if (po_to_bytes(given[0], "buf", PO_STR_WARN, &name) < 0)
        return NULL;
    po_quick_enter(&frame, &self->base);
    status = pyossl_ctx_set_session_id(self->base.handle, name.data, name.len);
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
    if (!any)
        return po_raise_value(self->base.state, "at least one protocol must be specified");
    wire = po_wire_protocols(given[0]);
    if (wire == NULL)
        return NULL;
    po_quick_enter(&frame, &self->base);
    status = pyossl_ctx_set_alpn_protos(self->base.handle,
                                        (const unsigned char *)PyByteArray_AS_STRING(wire),
                                        (size_t)PyByteArray_GET_SIZE(wire));
    Py_DECREF(wire);
    return finish(self, &frame, status);
}

/* ---- curves ---- */

/* OpenSSL's names of two curves that others call after SECG. */
static const char *curve_name(const char *name)
{
    if (strcmp(name, "secp192r1") == 0)
        return "prime192v1";
    if (strcmp(name, "secp256r1") == 0)
        return "prime256v1";
    return name;
}

PO_METHOD(set_tmp_ecdh)
{
    po_auto_bytes name = PO_BYTES_INIT;
    PyObject *text;
    po_frame frame;
    pyossl_status status;
    int usable;

    ARGUMENTS(set_tmp_ecdh, 1, "curve");
    /* Programs that want to hear of it can turn this one on: it is silent by default. */
    if (PO_IS(self->base.state, given[0], PO_CURVE) &&
        PyErr_WarnEx(PyExc_PendingDeprecationWarning,
                     "set_tmp_ecdh() also takes the elliptic curves of the cryptography package",
                     1) < 0)
        return NULL;
    text = PyObject_GetAttr(given[0], self->base.state->strings[PO_STR_name]);
    if (text == NULL)
        return NULL;
    usable = po_to_cstring(text, "curve.name", PO_STR_UTF8, &name);
    Py_DECREF(text);
    if (usable < 0)
        return NULL;
    po_quick_enter(&frame, &self->base);
    status = pyossl_ctx_set_tmp_ecdh(self->base.handle, curve_name(name.data));
    return finish(self, &frame, status);
}

/* ---- an object of the program's own ---- */

PO_METHOD(set_app_data)
{
    ARGUMENTS(set_app_data, 1, "data");
    (void)self; /* a copy has data of its own */
    po_field_set((po_object *)object, &((po_context *)object)->app_data, Py_NewRef(given[0]));
    Py_RETURN_NONE;
}

static PyObject *po_m_get_app_data(PyObject *object, PyObject *unused)
{
    (void)unused;
    return po_field_get((po_object *)object, &((po_context *)object)->app_data);
}

/* ---- the type ---- */

static PyObject *no_callbacks(void)
{
    PyObject *callbacks = PyTuple_New(PO_CB_MAX);

    for (Py_ssize_t i = 0; callbacks != NULL && i < PO_CB_MAX; i++)
        PyTuple_SET_ITEM(callbacks, i, Py_NewRef(Py_None));
    return callbacks;
}

static int refuse_again(void)
{
    PyErr_SetString(PyExc_RuntimeError, "a Context can be initialised only once");
    return -1;
}

/* What was made, in its place for good, unless another thread has been faster; takes both over. */
static int settle(po_context *self, pyossl_ctx *ctx, PyObject *callbacks)
{
    po_frame frame;
    bool first;

    po_quick_enter(&frame, &self->base);
    first = self->base.handle == NULL;
    if (first) {
        self->callbacks = callbacks;
        self->base.handle = ctx;
    }
    po_frame_end(&frame);
    if (first)
        return 0;
    pyossl_ctx_unref(ctx);
    Py_DECREF(callbacks);
    return refuse_again();
}

static int init(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static const char *const names[] = { "method" };
    static const po_params params = { "Context", names, 1, 1 };
    po_context *self = (po_context *)object;
    PyObject *given[1], *callbacks;
    pyossl_ctx *ctx = NULL;
    long method;
    pyossl_status status;

    if (po_args_tuple(&params, args, kwargs, given) < 0 ||
        po_to_long(given[0], "method", &method) < 0)
        return -1;
    if (self->base.handle != NULL)
        return refuse_again();
    if (method < PYOSSL_SSL2 || method > PYOSSL_DTLS_CLIENT) {
        PyErr_SetString(PyExc_ValueError, "No such protocol");
        return -1;
    }
    callbacks = no_callbacks();
    if (callbacks == NULL)
        return -1;
    status = pyossl_ctx_new(&ctx, (int)method);
    if (status != PYOSSL_OK) {
        if (status == PYOSSL_E_UNSUPPORTED)
            PyErr_SetString(PyExc_ValueError, "No such protocol");
        else
            po_raise(self->base.state, PO_SSL, status);
        Py_DECREF(callbacks);
        return -1;
    }
    return settle(self, ctx, callbacks);
}

static int traverse(PyObject *object, visitproc visit, void *arg)
{
    Py_VISIT(((po_context *)object)->callbacks);
    Py_VISIT(((po_context *)object)->judges);
    Py_VISIT(((po_context *)object)->app_data);
    Py_VISIT(((po_context *)object)->root);
    return po_traverse(object, visit, arg);
}

static int clear(PyObject *object)
{
    Py_CLEAR(((po_context *)object)->callbacks);
    Py_CLEAR(((po_context *)object)->judges);
    Py_CLEAR(((po_context *)object)->app_data);
    return po_clear(object);
}

/* The root of a copy stays until here: the handle, which both have, calls back into it. */
static void dealloc(PyObject *object)
{
    po_dealloc_as(object, dealloc, (PyObject **)(void *)&((po_context *)object)->root);
}

/* Programs hand this to functions of OpenSSL._util.lib, which take the object itself. */
static PyObject *get_self(PyObject *object, void *closure)
{
    (void)closure;
    return Py_NewRef(object);
}

static PyGetSetDef getset[] = {
    { "__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL },
    { "_context", get_self, NULL, "This context, for OpenSSL._util.lib.", NULL },
    { NULL, NULL, NULL, NULL, NULL },
};

#include "rows.h"

static PyMethodDef methods[] = {
    PO_COMMON_METHODS,
#include "ssl_context.def"
    { NULL, NULL, 0, NULL },
};

static PyType_Slot slots[] = {
    { Py_tp_new, (void *)po_new },
    { Py_tp_init, (void *)init },
    { Py_tp_dealloc, (void *)dealloc },
    { Py_tp_traverse, (void *)traverse },
    { Py_tp_clear, (void *)clear },
    { Py_tp_members, po_members },
    { Py_tp_getset, getset },
    { Py_tp_methods, methods },
    { Py_tp_doc, (void *)"_Context(method)\n--\n\nSettings that connections share: protocols, "
                         "identity, trust and callbacks." },
    { 0, NULL },
};

PyType_Spec po_context_spec = { "OpenSSL.SSL._Context", sizeof(po_context), 0, PO_TYPE_FLAGS,
                                slots };
