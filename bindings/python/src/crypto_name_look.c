/* OpenSSL.crypto.X509Name: the name as a whole. */
#include "crypto_name.h"

#include "crypto_name_methods.h"

static PyObject *component(po_state *state, const pyossl_name_entry *entry)
{
    PyObject *value = PyBytes_FromStringAndSize((const char *)entry->value, (Py_ssize_t)entry->len);
    PyObject *field = value != NULL ? po_from_constant_bytes(state, entry->field) : NULL;
    PyObject *pair = field != NULL ? PyTuple_New(2) : NULL;

    if (pair == NULL) {
        Py_XDECREF(field);
        Py_XDECREF(value);
        return NULL;
    }
    PyTuple_SET_ITEM(pair, 0, field);
    PyTuple_SET_ITEM(pair, 1, value);
    return pair;
}

/* NULL with *status, or with an exception. */
static PyObject *components(po_state *state, const pyossl_name *name, pyossl_status *status)
{
    const size_t count = pyossl_name_count(name);
    PyObject *list = PyList_New((Py_ssize_t)count);

    for (size_t i = 0; list != NULL && i < count; i++) {
        pyossl_name_entry entry;
        PyObject *pair = NULL;

        *status = pyossl_name_entry_at(name, i, &entry);
        if (*status == PYOSSL_OK)
            pair = component(state, &entry);
        if (pair == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, pair);
    }
    return list;
}

/* Of a copy: making a list and tuples may have the collector run the program's code. */
PyObject *po_name_get_components(po_object *self)
{
    po_state *state = self->state;
    po_auto(pyossl_name) *name = po_name_copy(state, (PyObject *)self, "name");
    pyossl_status status = PYOSSL_OK;
    PyObject *list = name != NULL ? components(state, name, &status) : NULL;

    if (status != PYOSSL_OK)
        po_raise(state, PO_CRYPTO, status);
    return list;
}

/* -1 with an exception, else 0 and the order in *order. */
static int compare(PyObject *left, PyObject *right, int *order)
{
    po_state *state = PO_STATE(left);
    po_auto(pyossl_name) *other = po_name_copy(state, right, "name");
    po_auto_hold held = PO_HOLD_INIT;
    const pyossl_name *name = other != NULL ? po_name_enter(&held, (po_object *)left) : NULL;
    pyossl_status status;

    if (name == NULL)
        return -1;
    status = pyossl_name_compare(name, other, order);
    po_frame_end(&held.frame);
    if (status == PYOSSL_OK)
        return 0;
    po_raise(state, PO_CRYPTO, status);
    return -1;
}

PyObject *po_name_richcompare(PyObject *left, PyObject *right, int operator)
{
    int order;

    if (!PO_IS(PO_STATE(left), right, PO_NAME))
        Py_RETURN_NOTIMPLEMENTED;
    if (compare(left, right, &order) < 0)
        return NULL;
    Py_RETURN_RICHCOMPARE(order, 0, operator);
}

/* Never raises for what the name holds: a repr is for logs. */
PyObject *po_name_repr(PyObject *object)
{
    po_object *self = (po_object *)object;
    pyossl_buf line = PYOSSL_BUF_INIT;
    pyossl_status status = PYOSSL_E_STATE;
    PyObject *text, *result;
    po_auto_hold held = PO_HOLD_INIT;

    po_name_hold(&held, self);
    if (self->handle != NULL)
        status = pyossl_name_oneline(self->handle, &line);
    po_frame_end(&held.frame);
    if (status == PYOSSL_E_NOMEM)
        return PyErr_NoMemory();
    if (status != PYOSSL_OK)
        return PyUnicode_FromString("<X509Name object, no longer in use>");
    text = PyUnicode_DecodeUTF8((const char *)line.data, (Py_ssize_t)line.len, "backslashreplace");
    pyossl_buf_clear(&line);
    if (text == NULL)
        return NULL;
    result = PyUnicode_FromFormat("<X509Name object '%U'>", text);
    Py_DECREF(text);
    return result;
}
