/* OpenSSL.crypto.X509Name: the name as a whole. */
#include "crypto_name.h"

#include "crypto_name_methods.h"
#include "crypto_private_methods.h"

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

/* The entries of @name with what they hold behind them, for PyMem_Free(). NULL with *status. */
static pyossl_name_entry *take_entries(const pyossl_name *name, size_t *count,
                                       pyossl_status *status)
{
    pyossl_name_entry *taken, entry;
    unsigned char *at;
    size_t room = 0, n = 0;

    /* Past the last one; a view that is no longer in use says so here. */
    for (; (*status = pyossl_name_entry_at(name, n, &entry)) == PYOSSL_OK; n++)
        room += entry.len;
    if (*status != PYOSSL_E_NOT_FOUND)
        return NULL;
    taken = PyMem_Malloc(n * sizeof *taken + room);
    *status = taken != NULL ? PYOSSL_OK : PYOSSL_E_NOMEM;
    if (taken == NULL)
        return NULL;
    at = (unsigned char *)(taken + n);
    for (size_t i = 0; i < n && *status == PYOSSL_OK; i++) {
        *status = pyossl_name_entry_at(name, i, &taken[i]);
        if (*status == PYOSSL_OK && taken[i].len > 0) {
            memcpy(at, taken[i].value, taken[i].len);
            taken[i].value = at;
            at += taken[i].len;
        }
    }
    *count = n;
    return taken;
}

static PyObject *components(po_state *state, const pyossl_name_entry *entries, size_t count)
{
    PyObject *list = PyList_New((Py_ssize_t)count);

    for (size_t i = 0; list != NULL && i < count; i++) {
        PyObject *pair = component(state, &entries[i]);

        if (pair == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, pair);
    }
    return list;
}

/* Of copies: making a list and tuples may have the collector run the program's code. */
PyObject *po_name_get_components(po_object *self)
{
    pyossl_status status = PYOSSL_OK;
    pyossl_name_entry *entries;
    po_auto_hold held = PO_HOLD_INIT;
    const pyossl_name *name = po_name_enter(&held, self);
    PyObject *list = NULL;
    size_t count = 0;

    if (name == NULL)
        return NULL;
    entries = take_entries(name, &count, &status);
    po_frame_end(&held.frame);
    if (status == PYOSSL_OK)
        list = components(self->state, entries, count);
    else
        po_raise(self->state, PO_CRYPTO, status);
    PyMem_Free(entries);
    return list;
}

PyObject *po_crypto_private_name_count(po_state *state, PyObject *object)
{
    po_auto_hold held = PO_HOLD_INIT;
    const pyossl_name *name = po_name_enter(&held, (po_object *)object);
    size_t count;

    (void)state;
    if (name == NULL)
        return NULL;
    count = pyossl_name_count(name);
    po_frame_end(&held.frame);
    return PyLong_FromSize_t(count);
}

/* Of a copy, as above. */
PyObject *po_crypto_private_name_entry(po_state *state, PyObject *object, int index)
{
    po_auto_hold held = PO_HOLD_INIT;
    const pyossl_name *name = po_name_enter(&held, (po_object *)object);
    pyossl_status status = PYOSSL_E_NOT_FOUND;
    pyossl_name_entry entry;
    PyObject *pair = NULL;
    void *value = NULL;

    if (name == NULL)
        return NULL;
    if (index >= 0)
        status = pyossl_name_entry_at(name, (size_t)index, &entry);
    if (status == PYOSSL_OK && (value = PyMem_Malloc(entry.len)) == NULL)
        status = PYOSSL_E_NOMEM;
    if (status == PYOSSL_OK && entry.len > 0)
        entry.value = memcpy(value, entry.value, entry.len);
    po_frame_end(&held.frame);
    if (status == PYOSSL_E_NOT_FOUND)
        Py_RETURN_NONE;
    if (status == PYOSSL_OK)
        pair = component(state, &entry);
    else
        po_raise(state, PO_CRYPTO, status);
    PyMem_Free(value);
    return pair;
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
