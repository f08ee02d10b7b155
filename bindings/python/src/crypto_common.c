#include "crypto_common.h"

/* ---- methods ---- */

PyObject *po_one_arg(const char *function, const char *name, PyObject *const *args,
                     Py_ssize_t nargs, PyObject *kwnames)
{
    const char *const names[] = { name };
    const po_params params = { function, names, 1, 1 };
    PyObject *given[1];

    return po_args(&params, args, nargs, kwnames, given) < 0 ? NULL : given[0];
}

int po_no_args(const char *type, PyObject *args, PyObject *kwargs)
{
    const po_params params = { type, NULL, 0, 0 };

    return po_args_tuple(&params, args, kwargs, NULL);
}

static void *handle_or_leave(po_frame *frame, po_object *self)
{
    void *handle = self->handle;

    if (handle == NULL && po_frame_leave(frame) == 0)
        po_raise_empty(self, PO_CRYPTO);
    return handle;
}

void *po_enter_quick(po_frame *frame, po_object *self)
{
    po_quick_enter(frame, self);
    return handle_or_leave(frame, self);
}

void *po_enter(po_frame *frame, po_object *self)
{
    po_frame_enter(frame, self);
    return handle_or_leave(frame, self);
}

/* ---- arguments ---- */

int po_to_format(PyObject *object, pyossl_format *out)
{
    static const pyossl_format formats[] = { PYOSSL_PEM, PYOSSL_DER, PYOSSL_TEXT };

    if (PyLong_CheckExact(object)) {
        int overflow;
        const long value = PyLong_AsLongAndOverflow(object, &overflow);

        if (value == PYOSSL_PEM || value == PYOSSL_DER) {
            *out = (pyossl_format)value;
            return 0;
        }
    }
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        PyObject *number = PyLong_FromLong(formats[i]);
        int equal = number != NULL ? PyObject_RichCompareBool(object, number, Py_EQ) : -1;

        Py_XDECREF(number);
        if (equal < 0)
            return -1;
        if (equal) {
            *out = formats[i];
            return 0;
        }
    }
    PyErr_SetString(PyExc_ValueError, "type must be FILETYPE_PEM, FILETYPE_ASN1 or FILETYPE_TEXT");
    return -1;
}

int po_take_handles(po_state *state, PyObject *tuple, po_type_id id, const char *name,
                    po_handles *out)
{
    Py_ssize_t count = PyTuple_GET_SIZE(tuple);

    out->id = id;
    out->items = PyMem_Calloc((size_t)count + 1, sizeof *out->items);
    if (out->items == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        out->items[i] = po_take_handle(state, PyTuple_GET_ITEM(tuple, i), id, name);
        if (out->items[i] == NULL)
            return -1;
        out->count++;
    }
    return 0;
}

void po_handles_release(po_handles *handles)
{
    for (size_t i = 0; i < handles->count; i++)
        po_types[handles->id].unref(handles->items[i]);
    PyMem_Free(handles->items);
    handles->items = NULL;
    handles->count = 0;
}

PyObject *po_cert_tuple(po_state *state, PyObject *iterable, const char *name)
{
    PyObject *tuple = PySequence_Tuple(iterable);

    for (Py_ssize_t i = 0; tuple != NULL && i < PyTuple_GET_SIZE(tuple); i++)
        if (!PO_IS(state, PyTuple_GET_ITEM(tuple, i), PO_X509)) {
            PyErr_Format(PyExc_TypeError, "%s must hold X509 objects only", name);
            Py_CLEAR(tuple);
        }
    return tuple;
}

int po_take_exts(po_state *state, PyObject *iterable, po_handles *out)
{
    PyObject *tuple = PySequence_Tuple(iterable);
    int result;

    for (Py_ssize_t i = 0; tuple != NULL && i < PyTuple_GET_SIZE(tuple); i++)
        if (!PO_IS(state, PyTuple_GET_ITEM(tuple, i), PO_EXT)) {
            PyErr_SetString(PyExc_ValueError, "one of the elements is not an X509Extension");
            Py_CLEAR(tuple);
        }
    if (tuple == NULL)
        return -1;
    result = po_take_handles(state, tuple, PO_EXT, "extensions", out);
    Py_DECREF(tuple);
    return result;
}

/* ---- passphrases ---- */

/* What a program's callable answered, to the library's buffer. */
static int copy_answer(PyObject *answer, char *buf, size_t cap, size_t *len)
{
    po_auto_bytes bytes = PO_BYTES_INIT;

    if (!PyBytes_Check(answer) && !PyUnicode_Check(answer)) {
        PyErr_SetString(PyExc_ValueError, "the passphrase callback must return bytes");
        return -1;
    }
    if (po_to_bytes(answer, "passphrase", PO_STR_UTF8, &bytes) < 0)
        return -1;
    if (bytes.len > cap) {
        PyErr_Format(PyExc_ValueError, "the passphrase is longer than %zu bytes", cap);
        return -1;
    }
    if (bytes.len > 0)
        memcpy(buf, bytes.data, bytes.len);
    *len = bytes.len;
    return 0;
}

static pyossl_answer ask(char *buf, size_t cap, size_t *len, int confirm, void *userdata)
{
    const po_passphrase *passphrase = userdata;
    pyossl_answer answer = PYOSSL_ANSWER_ABORT;
    PyObject *result;
    po_outside outside;

    if (!po_callback_enter(passphrase->frame, &outside))
        return PYOSSL_ANSWER_ABORT;
    result = PyObject_CallFunction(passphrase->callable, "i", confirm);
    if (result != NULL && copy_answer(result, buf, cap, len) == 0)
        answer = PYOSSL_ANSWER_ACCEPT;
    Py_XDECREF(result);
    if (answer == PYOSSL_ANSWER_ABORT)
        po_frame_keep(passphrase->frame);
    po_callback_leave(passphrase->frame, &outside);
    return answer;
}

int po_to_passphrase(PyObject *object, po_frame *frame, po_passphrase *out)
{
    out->frame = frame;
    if (object == NULL || object == Py_None)
        return 0;
    if (PyCallable_Check(object)) {
        out->callable = object;
        out->spec.callback = ask;
        out->spec.userdata = out;
    } else if (PyBytes_Check(object) || PyUnicode_Check(object)) {
        if (po_to_bytes(object, "passphrase", PO_STR_UTF8, &out->bytes) < 0)
            return -1;
        out->spec.data = out->bytes.data;
        out->spec.len = out->bytes.len;
    } else {
        PyErr_SetString(PyExc_TypeError, "passphrase must be a byte string or a callable");
        return -1;
    }
    out->given = &out->spec;
    return 0;
}

void po_passphrase_release(po_passphrase *passphrase)
{
    po_bytes_release(&passphrase->bytes);
}

/* ---- signing ---- */

pyossl_pkey *po_signing_key(po_state *state, PyObject *object, const char *name)
{
    const po_pkey *key = (po_pkey *)object;
    pyossl_pkey *handle;

    if (PO_IS(state, object, PO_PKEY)) {
        if (key->only_public == PO_FLAG_TRUE) {
            PyErr_SetString(PyExc_ValueError, "the key has only a public half");
            return NULL;
        }
        if (key->base.handle == NULL || key->initialized == PO_FLAG_FALSE) {
            PyErr_SetString(PyExc_ValueError, "the key is uninitialized: call generate_key(), or take one from load_privatekey()");
            return NULL;
        }
    }
    handle = po_take_handle(state, object, PO_PKEY, name);
    if (handle == NULL || pyossl_pkey_is_private(handle))
        return handle;
    PyErr_SetString(PyExc_ValueError, "the key has only a public half");
    pyossl_pkey_unref(handle);
    return NULL;
}

PyObject *po_sign(PyObject *object, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames,
                  po_sign_call call)
{
    static const char *const names[] = { "pkey", "digest" };
    static const po_params params = { "sign", names, 2, 2 };
    po_object *self = (po_object *)object;
    po_auto(pyossl_pkey) *key = NULL;
    po_auto_bytes digest = PO_BYTES_INIT;
    PyObject *given[2];
    pyossl_status status;
    po_frame frame;
    void *handle;

    if (po_args(&params, args, nargs, kwnames, given) < 0)
        return NULL;
    key = po_signing_key(self->state, given[0], "pkey");
    if (key == NULL)
        return NULL;
    /* None is for keys that bring their own digest: Ed25519, ML-DSA and their like. */
    if (given[1] != Py_None && po_to_cstring(given[1], "digest", PO_STR_UTF8, &digest) < 0)
        return NULL;
    handle = po_enter(&frame, self);
    if (handle == NULL)
        return NULL;
    status = call(handle, key, digest.data);
    po_frame_end(&frame);
    if (status != PYOSSL_OK)
        return po_raise(self->state, PO_CRYPTO, status);
    Py_RETURN_NONE;
}

int po_verify(PyObject *object, const char *argument, PyObject *const *args, Py_ssize_t nargs,
              PyObject *kwnames, po_verify_call call)
{
    po_object *self = (po_object *)object;
    PyObject *given = po_one_arg("verify", argument, args, nargs, kwnames);
    po_auto(pyossl_pkey) *key = NULL;
    pyossl_status status;
    po_frame frame;
    const void *handle;

    if (given == NULL)
        return -1;
    key = po_take_handle(self->state, given, PO_PKEY, argument);
    if (key == NULL)
        return -1;
    handle = po_enter(&frame, self);
    if (handle == NULL)
        return -1;
    status = call(handle, key);
    po_frame_end(&frame);
    if (status == PYOSSL_OK)
        return 0;
    po_raise(self->state, PO_CRYPTO, status);
    return -1;
}

/* ---- the rest ---- */

PyObject *po_raise_no_reason(po_state *state)
{
    PyObject *list = PyList_New(0);
    PyObject *error =
        list != NULL ? PyObject_CallOneArg(state->exceptions[PO_EXC_CRYPTO], list) : NULL;

    if (error != NULL)
        PyErr_SetObject(state->exceptions[PO_EXC_CRYPTO], error);
    Py_XDECREF(error);
    Py_XDECREF(list);
    return NULL;
}

PyObject *po_bridge(const char *function, PyObject *argument)
{
    PyObject *module = PyImport_ImportModule("OpenSSL._cryptography"), *result;

    if (module == NULL)
        return NULL;
    result = PyObject_CallMethod(module, function, "O", argument);
    Py_DECREF(module);
    return result;
}

PyObject *po_hook(po_state *state, const char *name)
{
    if (PyDict_GET_SIZE(state->hooks) == 0)
        return NULL;
    return Py_XNewRef(PyDict_GetItemString(state->hooks, name));
}
