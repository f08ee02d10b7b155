#include "raise.h"

#include <errno.h>

static po_exception_id error_of(po_domain domain)
{
    switch (domain) {
    case PO_IO:
    case PO_SSL:
        return PO_EXC_SSL;
    case PO_CRYPTO:
        return PO_EXC_CRYPTO;
    case PO_RAND:
        return PO_EXC_RAND;
    }
    return PO_EXC_SSL;
}

enum { ENTRIES_MAX = 16, FIELDS = 3 };

/*
 * The thread's record as strings. Making one runs no code of the program's; making a tuple, a
 * list or an exception may (a collection, another greenlet), and that changes the record.
 */
typedef struct told {
    Py_ssize_t count;
    PyObject *texts[ENTRIES_MAX][FIELDS]; /* library, function, reason */
    PyObject *detail;                     /* of all, "" where there is none */
} told;

static void forget(told *self)
{
    for (Py_ssize_t i = 0; i < self->count; i++)
        for (int j = 0; j < FIELDS; j++)
            Py_XDECREF(self->texts[i][j]);
    Py_XDECREF(self->detail);
}

/* Behind @text, which is taken over, what an entry adds to its reason; NULL without memory. */
static PyObject *add_detail(PyObject *text, const pyossl_error_entry *entry)
{
    PyObject *longer = PyUnicode_FromFormat(
        "%U%s%s", text, PyUnicode_GET_LENGTH(text) > 0 ? "; " : "", entry->detail);

    Py_DECREF(text);
    return longer;
}

/* False with an exception; forgotten by the caller in either case. */
static bool tell(told *self)
{
    const pyossl_error *error = pyossl_error_last();
    const size_t count = pyossl_error_count(error);

    *self = (told){ .detail = PyUnicode_FromString("") };
    for (size_t i = 0; self->detail != NULL && i < count && i < ENTRIES_MAX; i++) {
        const pyossl_error_entry *entry = pyossl_error_entry_at(error, i);
        const char *const fields[FIELDS] = { entry->library, entry->function, entry->reason };

        self->count++;
        for (int j = 0; j < FIELDS; j++)
            if ((self->texts[i][j] = PyUnicode_FromString(fields[j])) == NULL)
                return false;
        if (entry->detail[0] != '\0')
            self->detail = add_detail(self->detail, entry);
    }
    return self->detail != NULL;
}

/* [(library, function, reason), ...], or NULL with an exception. */
static PyObject *list_of(const told *self)
{
    PyObject *list = PyList_New(self->count);

    for (Py_ssize_t i = 0; list != NULL && i < self->count; i++) {
        PyObject *item =
            PyTuple_Pack(FIELDS, self->texts[i][0], self->texts[i][1], self->texts[i][2]);

        if (item == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, item);
    }
    return list;
}

PyObject *po_error_list(void)
{
    told said;
    PyObject *list = tell(&said) ? list_of(&said) : NULL;

    forget(&said);
    return list;
}

PyObject *po_error_detail(void)
{
    told said;
    PyObject *detail = tell(&said) ? Py_NewRef(said.detail) : NULL;

    forget(&said);
    return detail;
}

/*
 * What there is to say beyond the reasons goes into the attribute detail, and where tracebacks
 * show notes (3.11) into one: args keep the shape that programs know.
 */
void po_tell_detail(PyObject *exception, PyObject *text)
{
    PyObject *result;

    if (PyUnicode_GET_LENGTH(text) > 0 && PyObject_SetAttrString(exception, "detail", text) == 0) {
        result = PyObject_CallMethod(exception, "add_note", "O", text);
        Py_XDECREF(result);
    }
    PyErr_Clear(); /* the exception itself matters more */
}

PyObject *po_raise_as(po_state *state, po_exception_id id)
{
    told said;
    PyObject *list = tell(&said) ? list_of(&said) : NULL;

    if (list != NULL) {
        /* One argument that is a list: not its items. */
        PyObject *exception = PyObject_CallOneArg(state->exceptions[id], list);

        if (exception != NULL) {
            po_tell_detail(exception, said.detail);
            PyErr_SetObject(state->exceptions[id], exception);
            Py_DECREF(exception);
        }
        Py_DECREF(list);
    }
    forget(&said);
    return NULL;
}

static bool is_error(po_state *state, PyObject *exception)
{
    return exception != NULL &&
           (PyErr_GivenExceptionMatches(exception, state->exceptions[PO_EXC_SSL]) ||
            PyErr_GivenExceptionMatches(exception, state->exceptions[PO_EXC_CRYPTO]));
}

/* One more note, "file: @text", unless the detail names it: 0, or -1 with an exception. */
static int note_file(PyObject *exception, PyObject *text)
{
    PyObject *detail = PyObject_GetAttrString(exception, "detail");
    int named = detail != NULL && PyUnicode_Check(detail) ? PyUnicode_Contains(detail, text) : 0;
    PyObject *note = named == 0 ? PyUnicode_FromFormat("file: %U", text) : NULL;
    PyObject *notes = NULL;

    Py_XDECREF(detail);
    if (note != NULL && (notes = PyObject_GetAttrString(exception, "__notes__")) == NULL) {
        PyErr_Clear();
        notes = PyList_New(0);
        if (notes != NULL && PyObject_SetAttrString(exception, "__notes__", notes) < 0)
            Py_CLEAR(notes);
    }
    if (notes != NULL)
        named = PyList_Check(notes) ? PyList_Append(notes, note) : 0;
    else if (note != NULL)
        named = -1;
    Py_XDECREF(notes);
    Py_XDECREF(note);
    return named;
}

/* 0, or -1 with an exception. */
static int name_file(PyObject *exception, PyObject *path)
{
    PyObject *text = NULL;
    int result = -1;

    if (PyUnicode_FSDecoder(path, &text) != 0 &&
        PyObject_SetAttrString(exception, "filename", path) == 0)
        result = note_file(exception, text);
    Py_XDECREF(text);
    return result;
}

PyObject *po_in_file(po_state *state, PyObject *result, PyObject *path)
{
    PyObject *exception;

    if (result != NULL || path == NULL)
        return result;
    exception = po_exception_take();
    if (is_error(state, exception) && name_file(exception, path) < 0)
        PyErr_Clear(); /* without memory it goes without */
    po_exception_restore(exception);
    return NULL;
}

static PyObject *raise_reason(po_state *state, po_exception_id id, const char *reason)
{
    PyObject *exception =
        PyObject_CallFunction(state->exceptions[id], "[(sss)]", "libpyossl", "", reason);

    if (exception != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
        Py_DECREF(exception);
    }
    return NULL;
}

PyObject *po_raise_text(po_state *state, po_domain domain, const char *reason)
{
    return raise_reason(state, error_of(domain), reason);
}

PyObject *po_raise_value(po_state *state, const char *reason)
{
    return raise_reason(state, PO_EXC_SSL_VALUE, reason);
}

PyObject *po_raise_empty(po_object *self, po_domain domain)
{
    if (PO_IS(self->state, (PyObject *)self, PO_PKEY))
        return po_raise_text(self->state, domain,
                             "the key is empty: call generate_key(), or take "
                             "one from load_privatekey()");
    return po_raise_text(self->state, domain,
                         "the object is empty: its __init__() has not been called, or has failed");
}

/* SysCallError(errno, "ECONNRESET"). */
static PyObject *raise_syscall(po_state *state, int number, PyObject *name)
{
    PyObject *args = Py_BuildValue("(iO)", number, name);

    if (args != NULL) {
        PyErr_SetObject(state->exceptions[PO_EXC_SYSCALL], args);
        Py_DECREF(args);
    }
    return NULL;
}

static PyObject *raise_errno(po_state *state, int number)
{
    PyObject *key = PyLong_FromLong(number);
    PyObject *name, *result;

    if (key == NULL)
        return NULL;
    name = PyObject_GetItem(state->errorcode, key);
    Py_DECREF(key);
    if (name == NULL && !PyErr_ExceptionMatches(PyExc_KeyError))
        return NULL;
    if (name == NULL)
        PyErr_Clear();
    result = raise_syscall(state, number, name != NULL ? name : Py_None);
    Py_XDECREF(name);
    return result;
}

static PyObject *raise_truncated(po_state *state)
{
    PyObject *text = PyUnicode_FromString("Unexpected EOF");

    if (text != NULL) {
        raise_syscall(state, -1, text);
        Py_DECREF(text);
    }
    return NULL;
}

static PyObject *raise_value(void)
{
    const pyossl_error *error = pyossl_error_last();
    size_t count = pyossl_error_count(error);
    /* The last entry is the library's own sentence; those before are OpenSSL's. */
    const pyossl_error_entry *entry = count > 0 ? pyossl_error_entry_at(error, count - 1) : NULL;

    if (entry != NULL && entry->detail[0] != '\0')
        return PyErr_Format(PyExc_ValueError, "%s: %s", entry->reason, entry->detail);
    PyErr_SetString(PyExc_ValueError, entry != NULL ? entry->reason : "not acceptable");
    return NULL;
}

/* No default: a new status does not compile until it is thought of here. */
PyObject *po_raise(po_state *state, po_domain domain, pyossl_status status)
{
    const bool io = domain == PO_IO, ssl = io || domain == PO_SSL;

    if (PyErr_Occurred())
        return NULL;
    switch (status) {
    case PYOSSL_WANT_READ:
        PyErr_SetNone(state->exceptions[PO_EXC_WANT_READ]);
        return NULL;
    case PYOSSL_WANT_WRITE:
        PyErr_SetNone(state->exceptions[PO_EXC_WANT_WRITE]);
        return NULL;
    case PYOSSL_WANT_X509_LOOKUP:
        PyErr_SetNone(state->exceptions[PO_EXC_WANT_LOOKUP]);
        return NULL;
    case PYOSSL_CLOSED:
        PyErr_SetNone(state->exceptions[PO_EXC_ZERO_RETURN]);
        return NULL;
    case PYOSSL_TRUNCATED:
        return raise_truncated(state);
    case PYOSSL_E_NOMEM:
        return PyErr_NoMemory();
    case PYOSSL_E_ARGUMENT:
    case PYOSSL_E_IN_USE:
        /* Programs look for either: what OpenSSL refused was an Error, what we refuse is a value.
         */
        return ssl ? po_raise_as(state, PO_EXC_SSL_VALUE) : raise_value();
    case PYOSSL_E_SYSTEM:
        if (io)
            return raise_errno(state, pyossl_error_errno(pyossl_error_last()));
        return po_raise_as(state, error_of(domain));
    case PYOSSL_E_STATE:
    case PYOSSL_E_NOT_FOUND:
    case PYOSSL_E_FORMAT:
    case PYOSSL_E_PASSPHRASE:
    case PYOSSL_E_VERIFY:
    case PYOSSL_E_CALLBACK:
    case PYOSSL_E_OPENSSL:
    case PYOSSL_E_UNSUPPORTED:
        return po_raise_as(state, error_of(domain));
    case PYOSSL_OK:
    case PYOSSL_STATUS_FORCE_INT:
        break;
    }
    PyErr_Format(PyExc_SystemError, "unexpected status %d", (int)status);
    return NULL;
}
