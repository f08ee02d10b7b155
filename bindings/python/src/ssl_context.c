/* OpenSSL.SSL.Context, but for its callbacks and its certificates. */
#include "ssl_context_methods.h"
#include "ssl_private_methods.h"

/* ---- what Context and Connection share ---- */

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

PyObject *po_private_context_copy(po_state *state, PyObject *object)
{
    po_context *from = po_context_root(object);
    po_context *made = (po_context *)po_new(Py_TYPE(object), NULL, NULL);

    (void)state;
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
        PyErr_Format(PyExc_ValueError, "a protocol must not be longer than 255 bytes: %R", item);
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
    /* A tuple of ours: what is in it stays, whatever other threads do to a list. */
    PyObject *items = PySequence_Tuple(protos);
    PyObject *wire = items != NULL ? PyByteArray_FromStringAndSize(NULL, 0) : NULL;

    if (items == NULL && PyErr_ExceptionMatches(PyExc_TypeError))
        PyErr_SetString(PyExc_TypeError, "protos must be a list of byte strings");
    for (Py_ssize_t i = 0; wire != NULL && i < PyTuple_GET_SIZE(items); i++)
        if (append_protocol(wire, PyTuple_GET_ITEM(items, i)) < 0)
            Py_CLEAR(wire);
    Py_XDECREF(items);
    return wire;
}

int po_to_protocols(po_state *state, PyObject *protos, po_bytes *out)
{
    const int any = PyObject_IsTrue(protos);

    if (any < 0)
        return -1;
    if (any == 0) {
        (void)po_raise_value(state, "at least one protocol must be specified");
        return -1;
    }
    out->holder = po_wire_protocols(protos);
    if (out->holder == NULL)
        return -1;
    out->data = PyByteArray_AS_STRING(out->holder);
    out->len = (size_t)PyByteArray_GET_SIZE(out->holder);
    return 0;
}

/* ---- files ---- */

PyObject *po_ctx_use_file(po_object *object, po_file_setter set, const char *path, int format)
{
    po_context *self = (po_context *)object;
    pyossl_status status;
    po_frame frame;

    switch (po_call_enter(&frame, &self->base, &self->turn, PO_FREE)) {
    case 0:
        status = set(self->base.handle, path, format);
        if (po_frame_leave(&frame) < 0)
            return NULL;
        if (status != PYOSSL_OK)
            return po_raise(self->base.state, PO_SSL, status);
        Py_RETURN_NONE;
    case 1: /* who would ask for the other passphrase? */
        po_frame_end(&frame);
        return po_raise_text(self->base.state, PO_SSL,
                             "called from the passphrase callback of the same context");
    default:
        return NULL;
    }
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

PyObject *po_ctx_set_tmp_ecdh(po_context *self, PyObject *curve)
{
    po_auto_bytes name = PO_BYTES_INIT;
    PyObject *text;
    po_frame frame;
    pyossl_status status;
    int usable;

    /* Programs that want to hear of it can turn this one on: it is silent by default. */
    if (PO_IS(self->base.state, curve, PO_CURVE) &&
        PyErr_WarnEx(PyExc_PendingDeprecationWarning,
                     "set_tmp_ecdh() also takes the elliptic curves of the cryptography package",
                     1) < 0)
        return NULL;
    text = PyObject_GetAttr(curve, self->base.state->strings[PO_STR_name]);
    if (text == NULL)
        return NULL;
    usable = po_to_cstring(text, "curve.name", PO_STR_UTF8, &name);
    Py_DECREF(text);
    if (usable < 0)
        return NULL;
    po_quick_enter(&frame, &self->base);
    status = pyossl_ctx_set_tmp_ecdh(self->base.handle, curve_name(name.data));
    po_frame_end(&frame);
    if (status != PYOSSL_OK)
        return po_raise(self->base.state, PO_SSL, status);
    Py_RETURN_NONE;
}

/* ---- an object of the program's own: a copy has its own, too ---- */

PyObject *po_ctx_set_app_data(po_context *self, PyObject *data)
{
    po_field_set(&self->base, &self->app_data, Py_NewRef(data));
    Py_RETURN_NONE;
}

PyObject *po_ctx_get_app_data(po_context *self)
{
    return po_field_get(&self->base, &self->app_data);
}

/* ---- the type ---- */

static PyObject *no_callbacks(void)
{
    PyObject *callbacks = PyTuple_New(PO_CB_MAX);

    for (Py_ssize_t i = 0; callbacks != NULL && i < PO_CB_MAX; i++)
        PyTuple_SET_ITEM(callbacks, i, Py_NewRef(Py_None));
    return callbacks;
}

PyObject *po_ctx_renewal(po_object *object)
{
    PyObject *made = po_new(Py_TYPE(object), NULL, NULL);
    PyObject *callbacks = made != NULL ? no_callbacks() : NULL;
    pyossl_ctx *next = NULL;
    po_frame frame;
    pyossl_status status;

    if (callbacks == NULL) {
        Py_XDECREF(made);
        return NULL;
    }
    ((po_context *)made)->callbacks = callbacks;
    po_quick_enter(&frame, object);
    status = pyossl_ctx_renew(object->handle, &next);
    po_frame_end(&frame);
    if (status != PYOSSL_OK) {
        Py_DECREF(made);
        return po_raise(object->state, PO_SSL, status);
    }
    ((po_context *)made)->base.handle = next;
    return made;
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

int po_ctx_init(po_context *self, long method)
{
    PyObject *callbacks;
    pyossl_ctx *ctx = NULL;
    pyossl_status status;

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

static PyGetSetDef getset[] = {
    { "__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL },
    { "_context", po_get_self, NULL, "This context, for OpenSSL._util.lib.", NULL },
    { NULL, NULL, NULL, NULL, NULL },
};

static PyType_Slot slots[] = {
    { Py_tp_new, (void *)po_new },      { Py_tp_init, (void *)po_ctx_tp_init },
    { Py_tp_dealloc, (void *)dealloc }, { Py_tp_traverse, (void *)traverse },
    { Py_tp_clear, (void *)clear },     { Py_tp_members, po_members },
    { Py_tp_getset, getset },           { Py_tp_methods, po_ctx_methods },
    { Py_tp_doc, (void *)po_ctx_doc },  { 0, NULL },
};

PyType_Spec po_context_spec = { "OpenSSL.SSL._Context", sizeof(po_context), 0, PO_TYPE_FLAGS,
                                slots };
