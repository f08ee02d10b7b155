#include "convert.h"

#include "crypto_common.h"
#include "frame.h"
#include "raise.h"

/* ---- arguments ---- */

static int place(const po_params *params, PyObject *name, PyObject *value, PyObject **out)
{
    /* functools.partial, for one, can be given others. */
    if (!PyUnicode_Check(name)) {
        PyErr_Format(PyExc_TypeError, "%s() keywords must be strings", params->function);
        return -1;
    }
    for (int i = 0; i < params->count; i++) {
        if (PyUnicode_CompareWithASCIIString(name, params->names[i]) != 0 &&
            (i > 0 || params->alias == NULL ||
             PyUnicode_CompareWithASCIIString(name, params->alias) != 0))
            continue;
        if (out[i] != NULL) {
            PyErr_Format(PyExc_TypeError, "%s() got multiple values for argument '%U'",
                         params->function, name);
            return -1;
        }
        out[i] = value;
        return 0;
    }
    PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument '%U'", params->function,
                 name);
    return -1;
}

PyObject *po_missing(const po_params *params, int index)
{
    return PyErr_Format(PyExc_TypeError, "%s() missing required argument '%s'", params->function,
                        params->names[index]);
}

static int check_required(const po_params *params, PyObject *const *out)
{
    for (int i = 0; i < params->required; i++)
        if (out[i] == NULL) {
            (void)po_missing(params, i);
            return -1;
        }
    return 0;
}

static int place_positional(const po_params *params, PyObject *const *args, Py_ssize_t nargs,
                            PyObject **out)
{
    if (nargs > 0 && params->positional == 0 && params->count > 0) {
        PyErr_Format(PyExc_TypeError, "%s() takes no positional arguments (%zd given)",
                     params->function, nargs);
        return -1;
    }
    if (nargs > params->positional) {
        PyErr_Format(PyExc_TypeError, "%s() takes at most %d arguments (%zd given)",
                     params->function, params->positional, nargs);
        return -1;
    }
    for (int i = 0; i < params->count; i++)
        out[i] = i < nargs ? args[i] : NULL;
    return 0;
}

int po_args_any(const po_params *params, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames,
                PyObject **out)
{
    Py_ssize_t named = kwnames != NULL ? PyTuple_GET_SIZE(kwnames) : 0;

    if (place_positional(params, args, nargs, out) < 0)
        return -1;
    for (Py_ssize_t i = 0; i < named; i++)
        if (place(params, PyTuple_GET_ITEM(kwnames, i), args[nargs + i], out) < 0)
            return -1;
    return check_required(params, out);
}

int po_args_tuple(const po_params *params, PyObject *args, PyObject *kwargs, PyObject **out)
{
    PyObject *name, *value;
    Py_ssize_t position = 0;
    PyObject *positional[PO_ARGS_MAX];
    Py_ssize_t count = PyTuple_GET_SIZE(args);

    for (Py_ssize_t i = 0; i < count && i < PO_ARGS_MAX; i++)
        positional[i] = PyTuple_GET_ITEM(args, i);
    if (place_positional(params, positional, count, out) < 0)
        return -1;
    while (kwargs != NULL && PyDict_Next(kwargs, &position, &name, &value))
        if (place(params, name, value, out) < 0)
            return -1;
    return check_required(params, out);
}

/* ---- numbers ---- */

int po_check_int(PyObject *object, const char *name)
{
    if (PyLong_Check(object))
        return 0;
    PyErr_Format(PyExc_TypeError, "%s must be an integer", name);
    return -1;
}

int po_to_long(PyObject *object, const char *name, long *out)
{
    long value;

    if (po_check_int(object, name) < 0)
        return -1;
    value = PyLong_AsLong(object);
    if (value == -1 && PyErr_Occurred())
        return -1;
    *out = value;
    return 0;
}

int po_to_int(PyObject *object, const char *name, int *out)
{
    long value;

    if (po_to_long(object, name, &value) < 0)
        return -1;
    if (value < INT_MIN || value > INT_MAX) {
        PyErr_Format(PyExc_OverflowError, "%s is out of range", name);
        return -1;
    }
    *out = (int)value;
    return 0;
}

int po_to_int64(PyObject *object, const char *name, int64_t *out)
{
    long long value;

    if (po_check_int(object, name) < 0)
        return -1;
    value = PyLong_AsLongLong(object);
    if (value == -1 && PyErr_Occurred())
        return -1;
    *out = value;
    return 0;
}

int po_to_uint64(PyObject *object, const char *name, uint64_t *out)
{
    unsigned long long value;

    if (po_check_int(object, name) < 0)
        return -1;
    value = PyLong_AsUnsignedLongLong(object);
    if (value == (unsigned long long)-1 && PyErr_Occurred())
        return -1;
    *out = value;
    return 0;
}

int po_to_uint32(PyObject *object, const char *name, uint32_t *out)
{
    uint64_t value;

    if (po_to_uint64(object, name, &value) < 0)
        return -1;
    if (value > UINT32_MAX) {
        PyErr_Format(PyExc_OverflowError, "%s is out of range", name);
        return -1;
    }
    *out = (uint32_t)value;
    return 0;
}

int po_to_ulong(PyObject *object, const char *name, unsigned long *out)
{
    unsigned long value;

    if (po_check_int(object, name) < 0)
        return -1;
    value = PyLong_AsUnsignedLong(object);
    if (value == (unsigned long)-1 && PyErr_Occurred())
        return -1;
    *out = value;
    return 0;
}

int po_to_double(PyObject *object, const char *name, double *out)
{
    double value;

    if (!PyLong_Check(object) && !PyFloat_Check(object)) {
        PyErr_Format(PyExc_TypeError, "%s must be a number", name);
        return -1;
    }
    value = PyFloat_AsDouble(object);
    if (value == -1.0 && PyErr_Occurred())
        return -1;
    *out = value;
    return 0;
}

int po_to_size(PyObject *object, const char *name, size_t *out)
{
    Py_ssize_t value;

    if (po_check_int(object, name) < 0)
        return -1;
    value = PyLong_AsSsize_t(object);
    if (value == -1 && PyErr_Occurred())
        return -1;
    if (value < 0) {
        PyErr_Format(PyExc_ValueError, "%s must not be negative", name);
        return -1;
    }
    *out = (size_t)value;
    return 0;
}

/* ---- bytes and text ---- */

static int from_holder(PyObject *holder, po_bytes *out)
{
    out->holder = holder;
    out->data = PyBytes_AS_STRING(holder);
    out->len = (size_t)PyBytes_GET_SIZE(holder);
    return 0;
}

/* "-0x1f" to "-1f". */
int po_to_hex(PyObject *object, const char *name, po_bytes *out)
{
    PyObject *text, *digits;
    const char *sign;

    if (po_check_int(object, name) < 0)
        return -1;
    text = PyNumber_ToBase(object, 16);
    if (text == NULL)
        return -1;
    sign = PyUnicode_READ_CHAR(text, 0) == '-' ? "-" : "";
    digits = PyBytes_FromFormat("%s%s", sign, strchr(PyUnicode_AsUTF8(text), 'x') + 1);
    Py_DECREF(text);
    return digits != NULL ? from_holder(digits, out) : -1;
}

static int encode(PyObject *text, po_str_rule rule, po_bytes *out)
{
    PyObject *bytes;

    if (PyUnicode_IS_COMPACT_ASCII(text)) { /* its own encoding by every rule */
        out->holder = Py_NewRef(text);
        out->data = PyUnicode_DATA(text);
        out->len = (size_t)PyUnicode_GET_LENGTH(text);
        return 0;
    }
    bytes = rule == PO_STR_ASCII ? PyUnicode_AsASCIIString(text) : PyUnicode_AsUTF8String(text);
    return bytes != NULL ? from_holder(bytes, out) : -1;
}

int po_warn(const char *text)
{
    return PyErr_WarnEx(PyExc_DeprecationWarning, text, 1);
}

static int warn_of_str(const char *name)
{
    char warning[128];

    snprintf(warning, sizeof warning, "str for %s is no longer accepted, use bytes", name);
    return po_warn(warning);
}

int po_to_bytes(PyObject *object, const char *name, po_str_rule rule, po_bytes *out)
{
    *out = (po_bytes)PO_BYTES_INIT;
    if (PyBytes_CheckExact(object))
        return from_holder(Py_NewRef(object), out);
    if (PyUnicode_Check(object) && rule != PO_STR_REFUSE) {
        if (rule == PO_STR_WARN && warn_of_str(name) < 0)
            return -1;
        return encode(object, rule, out);
    }
    if (!PyObject_CheckBuffer(object)) {
        PyErr_Format(PyExc_TypeError, "%s must be a byte string", name);
        return -1;
    }
    if (PyObject_GetBuffer(object, &out->view, PyBUF_C_CONTIGUOUS) < 0)
        return -1;
    out->data = out->view.buf;
    out->len = (size_t)out->view.len;
    return 0;
}

static int refuse_nul(const char *name, po_bytes *out)
{
    if (out->len == 0 || memchr(out->data, '\0', out->len) == NULL)
        return 0;
    PyErr_Format(PyExc_ValueError, "%s must not contain a NUL byte", name);
    po_bytes_release(out);
    return -1;
}

int po_to_cstring(PyObject *object, const char *name, po_str_rule rule, po_bytes *out)
{
    if (po_to_bytes(object, name, rule, out) < 0)
        return -1;
    if (out->holder == NULL) {
        /* A buffer need not end in NUL: copy it. */
        PyObject *copy = PyBytes_FromStringAndSize(out->data, (Py_ssize_t)out->len);

        po_bytes_release(out);
        if (copy == NULL)
            return -1;
        from_holder(copy, out);
    }
    return refuse_nul(name, out);
}

int po_check_strict(PyObject *object, const char *name, po_str_rule rule)
{
    if (PyBytes_Check(object) || (PyUnicode_Check(object) && rule != PO_STR_REFUSE))
        return 0;
    PyErr_Format(PyExc_TypeError, "%s must be a byte string.", name);
    return -1;
}

int po_to_strict_cstring(PyObject *object, const char *name, po_str_rule rule, po_bytes *out)
{
    return po_check_strict(object, name, rule) < 0 ? -1 : po_to_cstring(object, name, rule, out);
}

int po_check_str(PyObject *object, const char *name)
{
    if (PyUnicode_Check(object))
        return 0;
    PyErr_Format(PyExc_TypeError, "%s must be a str", name);
    return -1;
}

int po_to_path(PyObject *object, const char *name, po_bytes *out)
{
    PyObject *path = PyOS_FSPath(object), *bytes = NULL;

    *out = (po_bytes)PO_BYTES_INIT;
    if (path == NULL)
        return -1;
    if (PyUnicode_Check(path))
        bytes = PyUnicode_EncodeFSDefault(path);
    else
        bytes = Py_NewRef(path);
    Py_DECREF(path);
    if (bytes == NULL)
        return -1;
    from_holder(bytes, out);
    return refuse_nul(name, out);
}

int po_to_strict_path(PyObject *object, const char *name, po_bytes *out)
{
    if (po_check_strict(object, name, PO_STR_WARN) < 0 ||
        (PyUnicode_Check(object) && warn_of_str(name) < 0))
        return -1;
    return po_to_path(object, name, out);
}

void po_bytes_release(po_bytes *bytes)
{
    if (bytes->view.obj != NULL)
        PyBuffer_Release(&bytes->view);
    Py_CLEAR(bytes->holder);
    bytes->data = NULL;
    bytes->len = 0;
}

static int writable_view(PyObject *object, Py_buffer *out)
{
    if (!PyObject_CheckBuffer(object)) {
        PyErr_Format(PyExc_TypeError, "a read-write bytes-like object is required, not '%.100s'",
                     Py_TYPE(object)->tp_name);
        return -1;
    }
    if (PyObject_GetBuffer(object, out, PyBUF_WRITABLE | PyBUF_C_CONTIGUOUS) == 0)
        return 0;
    /* Python says BufferError for read-only objects; a wrong kind of argument is a TypeError. */
    if (!PyErr_ExceptionMatches(PyExc_BufferError))
        return -1;
    PyErr_Clear();
    if (PyObject_GetBuffer(object, out, PyBUF_C_CONTIGUOUS) < 0)
        return -1;
    PyBuffer_Release(out);
    PyErr_SetString(PyExc_TypeError, "a read-write bytes-like object is required");
    return -1;
}

int po_to_writable(PyObject *object, po_bytes *out)
{
    if (writable_view(object, &out->view) < 0)
        return -1;
    out->data = out->view.buf;
    out->len = (size_t)out->view.len;
    return 0;
}

/* ---- objects ---- */

int po_check_type(po_state *state, PyObject *object, po_type_id id, const char *name)
{
    const char *dot, *type;

    if (PO_IS(state, object, id))
        return 0;
    dot = strrchr(po_types[id].spec->name, '.');
    type = dot != NULL ? dot + 1 : po_types[id].spec->name;
    PyErr_Format(PyExc_TypeError, "%s must be %s %s instance", name,
                 strchr("AEIOX", type[0]) != NULL ? "an" : "a", type);
    return -1;
}

int po_check_any(po_state *state, PyObject *object, po_type_id id, const char *name)
{
    if (po_check_type(state, object, id, name) < 0)
        return -1;
    if (((po_object *)object)->handle != NULL)
        return 0;
    (void)po_raise_empty((po_object *)object, id >= PO_CONTEXT ? PO_SSL : PO_CRYPTO);
    return -1;
}

int po_check_callback(PyObject *callback)
{
    if (callback == Py_None || PyCallable_Check(callback))
        return 0;
    PyErr_SetString(PyExc_TypeError, "callback must be callable");
    return -1;
}

void *po_take_handle(po_state *state, PyObject *object, po_type_id id, const char *name)
{
    po_object *self = (po_object *)object;
    po_frame frame;
    void *handle;

    if (po_check_type(state, object, id, name) < 0)
        return NULL;
    if (id == PO_NAME)
        return po_name_copy(state, object, name);
    po_quick_enter(&frame, self);
    handle = self->handle != NULL ? po_types[id].ref(self->handle) : NULL;
    (void)po_frame_leave(&frame);
    if (handle == NULL)
        po_raise_empty(self, id >= PO_CONTEXT ? PO_SSL : PO_CRYPTO);
    return handle;
}

/* ---- results ---- */

PyObject *po_from_buf(pyossl_buf *buf)
{
    PyObject *bytes = PyBytes_FromStringAndSize((const char *)buf->data, (Py_ssize_t)buf->len);

    pyossl_buf_clear(buf);
    return bytes;
}

PyObject *po_colon_hex(pyossl_buf *buf)
{
    static const char digits[] = "0123456789ABCDEF";
    PyObject *result =
        PyBytes_FromStringAndSize(NULL, buf->len > 0 ? (Py_ssize_t)buf->len * 3 - 1 : 0);
    char *out = result != NULL ? PyBytes_AS_STRING(result) : NULL;

    for (size_t i = 0; out != NULL && i < buf->len; i++) {
        if (i > 0)
            *out++ = ':';
        *out++ = digits[buf->data[i] >> 4];
        *out++ = digits[buf->data[i] & 15];
    }
    pyossl_buf_clear(buf);
    return result;
}

PyObject *po_from_text(const char *text)
{
    if (text == NULL)
        Py_RETURN_NONE;
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "backslashreplace");
}

PyObject *po_decoded(PyObject *bytes)
{
    PyObject *text = bytes;

    if (bytes == NULL || bytes == Py_None)
        return bytes;
    text =
        PyUnicode_DecodeUTF8(PyBytes_AS_STRING(bytes), PyBytes_GET_SIZE(bytes), "backslashreplace");
    Py_DECREF(bytes);
    return text;
}

PyObject *po_from_cstring(const char *text)
{
    if (text == NULL)
        Py_RETURN_NONE;
    return PyBytes_FromString(text);
}

/* The place of @text, by its address: the same text in another place is another constant. */
static PyObject **kept_place(po_state *state, const char *text, bool as_bytes)
{
    const uintptr_t address = (uintptr_t)text;
    po_constant *constant = &state->constants[(address ^ address >> 7) % PO_CONSTANTS][as_bytes];

    if (constant->text != text) {
        Py_CLEAR(constant->object);
        constant->text = text;
    }
    return &constant->object;
}

static PyObject *from_constant(po_state *state, const char *text, bool as_bytes)
{
    PyObject **place;

    if (text == NULL)
        Py_RETURN_NONE;
    if (!PO_INTERPRETER_LOCKED) /* several threads would write the same place */
        return as_bytes ? po_from_cstring(text) : po_from_text(text);
    place = kept_place(state, text, as_bytes);
    if (*place == NULL)
        *place = as_bytes ? po_from_cstring(text) : po_from_text(text);
    return Py_XNewRef(*place);
}

PyObject *po_from_constant(po_state *state, const char *text)
{
    return from_constant(state, text, false);
}

PyObject *po_from_constant_bytes(po_state *state, const char *text)
{
    return from_constant(state, text, true);
}

PyObject *po_list(po_object *self, PyObject *(*item)(po_object *self, size_t index))
{
    PyObject *list = PyList_New(0), *next;

    for (size_t i = 0; list != NULL && (next = item(self, i)) != NULL; i++) {
        if (PyList_Append(list, next) < 0)
            Py_CLEAR(list);
        Py_DECREF(next);
    }
    if (list != NULL && PyErr_Occurred())
        Py_CLEAR(list);
    return list;
}

PyObject *po_tuple_or_none(PyObject *list)
{
    PyObject *result;

    if (list == NULL)
        return NULL;
    result = PyList_GET_SIZE(list) > 0 ? PyList_AsTuple(list) : Py_NewRef(Py_None);
    Py_DECREF(list);
    return result;
}

PyObject *po_from_certs(po_state *state, pyossl_x509_list *list)
{
    PyObject *result = PyList_New((Py_ssize_t)list->count);

    for (size_t i = 0; result != NULL && i < list->count; i++) {
        PyObject *cert = po_wrap(state, PO_X509, pyossl_x509_ref(list->items[i]));

        if (cert == NULL)
            Py_CLEAR(result);
        else
            PyList_SET_ITEM(result, (Py_ssize_t)i, cert);
    }
    pyossl_x509_list_clear(list);
    return result;
}
