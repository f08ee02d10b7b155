#include "crypto_common.h"

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
    PyErr_Format(
        PyExc_ValueError,
        "type argument must be FILETYPE_PEM or FILETYPE_ASN1, to dump also FILETYPE_TEXT: %R",
        object);
    return -1;
}

int po_handles_room(po_handles *out, po_type_id id, Py_ssize_t count)
{
    out->id = id;
    out->items = PyMem_Calloc((size_t)count + 1, sizeof *out->items);
    if (out->items != NULL)
        return 0;
    PyErr_NoMemory();
    return -1;
}

int po_handles_add(po_handles *out, void *handle)
{
    if (handle == NULL)
        return -1;
    out->items[out->count++] = handle;
    return 0;
}

int po_take_handles(po_state *state, PyObject *tuple, po_type_id id, const char *name,
                    po_handles *out)
{
    int result = po_handles_room(out, id, PyTuple_GET_SIZE(tuple));

    for (Py_ssize_t i = 0; result == 0 && i < PyTuple_GET_SIZE(tuple); i++)
        result = po_handles_add(out, po_take_handle(state, PyTuple_GET_ITEM(tuple, i), id, name));
    return result;
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

int po_to_x509s(po_state *state, PyObject *iterable, po_handles *out)
{
    PyObject *tuple = PySequence_Tuple(iterable);
    const int result = tuple != NULL ? po_take_handles(state, tuple, PO_X509, "certs", out) : -1;

    Py_XDECREF(tuple);
    return result;
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
            PyErr_SetString(PyExc_ValueError, "the key is uninitialized: call generate_key(), or "
                                              "take one from load_privatekey()");
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

/* ---- the rest ---- */

PyObject *po_raise_no_ext(po_object *self, pyossl_status status)
{
    if (status != PYOSSL_E_NOT_FOUND)
        return po_raise(self->state, PO_CRYPTO, status);
    PyErr_SetString(PyExc_IndexError, "there is no such extension");
    return NULL;
}

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
    return po_dict_get(state->hooks, name);
}
