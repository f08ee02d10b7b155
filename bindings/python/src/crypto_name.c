/* OpenSSL.crypto.X509Name: fields are attributes. */
#define PO_HANDLE pyossl_name
#define PO_DOMAIN PO_CRYPTO
/* A view changes its owner, so the owner's lock guards both. */
#define PO_LOCKED(self) lock_holder(self)

#include "crypto_common.h"

/*
 * A view of a certificate's name is mostly asked for one field and thrown away, and
 * making it takes longer than the asking. So it is left with the certificate, which
 * gives it to the next who asks; and what was asked last, it remembers.
 */
typedef struct po_name {
    po_object base;
    PyObject *owner;         /* what the name is a view of; NULL for one that stands alone */
    const pyossl_x509 *cert; /* what the handle is a view of, if that is a certificate */
    po_name_of which;
    unsigned long revision;  /* of the certificate, when the view was last seen to be good */
    PyObject *field, *value; /* the last attribute and what it was then, or NULL */
} po_name;

static po_object *lock_holder(po_object *self)
{
    PyObject *owner = ((po_name *)self)->owner;

    return owner != NULL ? (po_object *)owner : self;
}

#include "shapes.h"

#include "crypto_name.def"

/* Enter a frame, attached; NULL with Error raised for a name that was never given its arguments. */
static pyossl_name *enter(po_frame *frame, po_object *self)
{
    pyossl_name *name;

    po_quick_enter(frame, PO_LOCKED(self));
    name = self->handle;
    if (name == NULL && po_frame_leave(frame) == 0)
        po_raise_empty(self, PO_CRYPTO);
    return name;
}

PyObject *po_name_wrap(po_state *state, pyossl_name *name, PyObject *owner)
{
    PyObject *object = po_wrap(state, PO_NAME, name);

    if (object != NULL)
        ((po_name *)object)->owner = Py_NewRef(owner);
    return object;
}

void po_name_set_source(PyObject *object, const pyossl_x509 *cert, po_name_of which,
                        unsigned long revision)
{
    po_name *self = (po_name *)object;

    self->cert = cert;
    self->which = which;
    self->revision = revision;
}

/* The handle has a reference to its certificate, so another certificate has another address. */
bool po_name_fits(PyObject *object, const pyossl_x509 *cert)
{
    const po_name *self = (po_name *)object;

    return self->cert == cert && self->revision == pyossl_x509_revision(cert);
}

static void forget_field(po_name *self)
{
    Py_CLEAR(self->field);
    Py_CLEAR(self->value);
}

PyObject *po_name_revive(PyObject *object, PyObject *owner)
{
    PyTypeObject *type = Py_TYPE(object);

    (void)PyObject_Init(object, type);
    Py_DECREF(type); /* it has kept its own reference */
    ((po_name *)object)->owner = Py_NewRef(owner);
    PyObject_GC_Track(object);
    return object;
}

void po_name_discard(PyObject *object)
{
    po_object *self = (po_object *)object;
    PyTypeObject *type;

    if (self == NULL)
        return;
    type = Py_TYPE(object);
    forget_field((po_name *)object);
    self->unref(self->handle);
    PyObject_GC_Del(object); /* which looks at the type */
    Py_DECREF(type);
}

/* Whether the certificate has taken the view, which nobody has any more. */
static bool left_behind(PyObject *object)
{
    po_name *self = (po_name *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject *owner = self->owner;

    if (owner == NULL || self->cert == NULL || self->base.dict != NULL ||
        self->base.weakrefs != NULL || type != PO_STATE(object)->types[PO_NAME] ||
        !po_x509_keep_name(owner, self->which, object))
        return false;
    PyObject_GC_UnTrack(object);
    self->owner = NULL;
    Py_DECREF(owner); /* with which the view may go */
    return true;
}

static void dealloc(PyObject *object)
{
    if (!left_behind(object))
        po_dealloc(object);
}

static int init(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static const char *const names[] = { "name" };
    static const po_params params = { "X509Name", names, 1, 1 };
    po_object *self = (po_object *)object;
    po_auto(pyossl_name) *from = NULL;
    pyossl_name *copy = NULL;
    PyObject *given[1];
    pyossl_status status;
    po_frame frame;

    if (po_args_tuple(&params, args, kwargs, given) < 0)
        return -1;
    from = po_take_handle(self->state, given[0], PO_NAME, "name");
    if (from == NULL)
        return -1;
    po_quick_enter(&frame, PO_LOCKED((po_object *)given[0]));
    status = pyossl_name_copy(&copy, from);
    po_frame_end(&frame);
    if (status != PYOSSL_OK) {
        po_raise(self->state, PO_CRYPTO, status);
        return -1;
    }
    po_replace(self, PO_NAME, copy);
    ((po_name *)object)->cert = NULL;
    forget_field((po_name *)object);
    Py_CLEAR(((po_name *)object)->owner);
    return 0;
}

PyObject *po_name_add(PyObject *module, PyObject *args)
{
    po_state *state = PyModule_GetState(module);
    PyObject *object;
    const char *field, *utf8;
    Py_ssize_t len;
    pyossl_name *name;
    pyossl_status status;
    po_frame frame;

    if (!PyArg_ParseTuple(args, "O!yy#", state->types[PO_NAME], &object, &field, &utf8, &len))
        return NULL;
    name = enter(&frame, (po_object *)object);
    if (name == NULL)
        return NULL;
    status = pyossl_name_add(name, field, utf8, (size_t)len);
    po_frame_end(&frame);
    if (status != PYOSSL_OK)
        return po_raise(state, PO_CRYPTO, status);
    Py_RETURN_NONE;
}

/* ---- fields as attributes ---- */

/* The field's name in UTF-8; NULL without an exception where it cannot be one. */
static const char *field_of(PyObject *attribute)
{
    Py_ssize_t len;
    const char *field = PyUnicode_AsUTF8AndSize(attribute, &len);

    if (field == NULL) {
        PyErr_Clear();
        return NULL;
    }
    /* Python asks so what an object can do: of an empty one, too, the answer is no. */
    if (strncmp(field, "__", 2) == 0)
        return NULL;
    return strlen(field) == (size_t)len ? field : NULL;
}

static PyObject *raise_unknown(PyObject *attribute)
{
    return PyErr_Format(PyExc_AttributeError, "No such attribute: %R", attribute);
}

/* With the lock: what @attribute was last time, where the certificate has not changed since. */
static PyObject *remembered(const po_name *self, PyObject *attribute)
{
    if (self->field != attribute || self->cert == NULL ||
        self->revision != pyossl_x509_revision(self->cert))
        return NULL;
    return Py_XNewRef(self->value);
}

static void remember(po_name *self, PyObject *attribute, PyObject *value)
{
    if (self->cert == NULL || value == NULL || !PyUnicode_CheckExact(attribute))
        return;
    self->revision = pyossl_x509_revision(self->cert);
    Py_XSETREF(self->field, Py_NewRef(attribute));
    Py_XSETREF(self->value, Py_NewRef(value));
}

static PyObject *get_field(po_object *self, PyObject *attribute)
{
    const char *field = field_of(attribute), *text;
    pyossl_buf room = PYOSSL_BUF_INIT;
    pyossl_status status = PYOSSL_OK;
    PyObject *result;
    pyossl_name *name;
    po_frame frame;
    size_t len;

    if (field == NULL)
        return raise_unknown(attribute);
    name = enter(&frame, self);
    if (name == NULL)
        return NULL;
    result = remembered((po_name *)self, attribute);
    if (result == NULL)
        status = pyossl_name_text(name, field, &room, &text, &len);
    /* Inside the frame, as the text is borrowed. */
    if (result == NULL && status == PYOSSL_OK) {
        result = PyUnicode_DecodeUTF8(text, (Py_ssize_t)len, "backslashreplace");
        remember((po_name *)self, attribute, result);
    }
    pyossl_buf_clear(&room);
    if (po_frame_leave(&frame) < 0) {
        Py_XDECREF(result);
        return NULL;
    }
    if (status == PYOSSL_E_NOT_FOUND)
        Py_RETURN_NONE;
    if (status == PYOSSL_E_ARGUMENT)
        return raise_unknown(attribute);
    if (status != PYOSSL_OK)
        return po_raise(self->state, PO_CRYPTO, status);
    return result;
}

/*
 * Whether no ordinary attribute can have this name. Asking first spares the
 * making of an AttributeError, which costs more than the rest.
 */
static bool is_plain_field(PyObject *object, PyObject *attribute)
{
    PyTypeObject *type = Py_TYPE(object);

    return type == PO_STATE(object)->types[PO_NAME] && ((po_object *)object)->dict == NULL &&
           PyUnicode_GET_LENGTH(attribute) > 0 && PyUnicode_READ_CHAR(attribute, 0) != '_' &&
           PyDict_GetItemWithError(type->tp_dict, attribute) == NULL && !PyErr_Occurred();
}

static PyObject *getattro(PyObject *object, PyObject *attribute)
{
    PyObject *value;

    if (!PyUnicode_Check(attribute))
        return PyObject_GenericGetAttr(object, attribute); /* which refuses it */
    if (is_plain_field(object, attribute))
        return get_field((po_object *)object, attribute);
    if (PyErr_Occurred())
        return NULL;
    value = PyObject_GenericGetAttr(object, attribute);
    if (value != NULL || !PyErr_ExceptionMatches(PyExc_AttributeError))
        return value;
    PyErr_Clear();
    return get_field((po_object *)object, attribute);
}

/* What Python code that overrides attribute access calls. */
PO_METHOD(__getattr__)
{
    PyObject *given = po_one_arg("__getattr__", "name", args, nargs, kwnames);

    if (given == NULL)
        return NULL;
    if (!PyUnicode_Check(given))
        return PyObject_GenericGetAttr(object, given);
    return get_field((po_object *)object, given);
}

typedef pyossl_status (*put_call)(pyossl_name *name, const char *field, const void *utf8,
                                  size_t len);

static int put_field(po_object *self, PyObject *attribute, const char *field, PyObject *value,
                     put_call put)
{
    po_auto_bytes bytes = PO_BYTES_INIT;
    pyossl_status status;
    pyossl_name *name;
    po_frame frame;

    if (po_to_bytes(value, "value", PO_STR_UTF8, &bytes) < 0)
        return -1;
    name = enter(&frame, self);
    if (name == NULL)
        return -1;
    status = put(name, field, bytes.data, bytes.len);
    po_frame_end(&frame);
    if (status == PYOSSL_OK)
        return 0;
    if (status == PYOSSL_E_ARGUMENT)
        raise_unknown(attribute);
    else
        po_raise(self->state, PO_CRYPTO, status);
    return -1;
}

static int set_field(po_object *self, PyObject *attribute, const char *field, PyObject *value)
{
    return put_field(self, attribute, field, value, pyossl_name_set);
}

PO_METHOD(add_entry)
{
    static const char *const names[] = { "field", "value" };
    static const po_params params = { "add_entry", names, 2, 2 };
    po_auto_bytes field = PO_BYTES_INIT;
    PyObject *given[2];

    if (po_args(&params, args, nargs, kwnames, given) < 0 ||
        po_to_cstring(given[0], "field", PO_STR_UTF8, &field) < 0 ||
        put_field((po_object *)object, given[0], field.data, given[1], pyossl_name_add) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static int setattro(PyObject *object, PyObject *attribute, PyObject *value)
{
    const char *field;

    if (!PyUnicode_CheckExact(attribute)) {
        PyErr_Format(PyExc_TypeError, "attribute name must be string, not '%.200s'",
                     Py_TYPE(attribute)->tp_name);
        return -1;
    }
    if (PyUnicode_GET_LENGTH(attribute) > 0 && PyUnicode_READ_CHAR(attribute, 0) == '_')
        return PyObject_GenericSetAttr(object, attribute, value);
    if (value == NULL) {
        PyErr_Format(PyExc_AttributeError, "fields cannot be deleted: %R", attribute);
        return -1;
    }
    field = field_of(attribute);
    /* The name is judged before the value, whatever that is. */
    if (field == NULL || !pyossl_name_field_known(field)) {
        raise_unknown(attribute);
        return -1;
    }
    return set_field((po_object *)object, attribute, field, value);
}

/* ---- the rest ---- */

static PyObject *component(po_state *state, const pyossl_name_entry *entry)
{
    /* The value first, as it is borrowed: making a bytes object runs no other code. */
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

/* The entries of a name that is locked; NULL with *status, or with an exception. */
static PyObject *components(po_state *state, const pyossl_name *name, pyossl_status *status)
{
    const size_t count = pyossl_name_count(name);
    PyObject *list = PyList_New((Py_ssize_t)count);
    pyossl_name_entry entry;

    for (size_t i = 0; list != NULL && i < count; i++) {
        PyObject *pair = NULL;

        *status = pyossl_name_entry_at(name, i, &entry);
        if (*status == PYOSSL_OK)
            pair = component(state, &entry);
        if (pair == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, pair);
    }
    /* A view whose owner has moved on counts none, and says why when it is asked for one. */
    if (list != NULL && count == 0) {
        *status = pyossl_name_entry_at(name, 0, &entry);
        if (*status == PYOSSL_E_NOT_FOUND)
            *status = PYOSSL_OK;
        else
            Py_CLEAR(list);
    }
    return list;
}

PO_METHOD0(get_components)
{
    po_object *self = (po_object *)object;
    pyossl_status status = PYOSSL_OK;
    po_frame frame;
    const pyossl_name *name = enter(&frame, self);
    PyObject *list;

    (void)unused;
    if (name == NULL)
        return NULL;
    list = components(self->state, name, &status);
    po_frame_end(&frame);
    if (status != PYOSSL_OK)
        po_raise(self->state, PO_CRYPTO, status);
    return list;
}

/* -1 with an exception, else 0 and the order in *order. */
static int compare(PyObject *left, PyObject *right, int *order)
{
    po_state *state = PO_STATE(left);
    po_auto(pyossl_name) *a = po_take_handle(state, left, PO_NAME, "name");
    po_auto(pyossl_name) *b = a != NULL ? po_take_handle(state, right, PO_NAME, "name") : NULL;
    pyossl_status status;
    po_frame frame;

    if (b == NULL)
        return -1;
    po_quick_enter(&frame, PO_LOCKED((po_object *)left));
    status = pyossl_name_compare(a, b, order);
    po_frame_end(&frame);
    if (status == PYOSSL_OK)
        return 0;
    po_raise(state, PO_CRYPTO, status);
    return -1;
}

static PyObject *richcompare(PyObject *left, PyObject *right, int operator)
{
    int order;

    if (!PO_IS(PO_STATE(left), right, PO_NAME))
        Py_RETURN_NOTIMPLEMENTED;
    if (compare(left, right, &order) < 0)
        return NULL;
    Py_RETURN_RICHCOMPARE(order, 0, operator);
}

/* Never raises for what the name holds: a repr is for logs. */
static PyObject *repr(PyObject *object)
{
    po_object *self = (po_object *)object;
    pyossl_buf line = PYOSSL_BUF_INIT;
    pyossl_status status = PYOSSL_E_STATE;
    PyObject *text, *result;
    po_frame frame;

    po_quick_enter(&frame, PO_LOCKED(self));
    if (self->handle != NULL)
        status = pyossl_name_oneline(self->handle, &line);
    po_frame_end(&frame);
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

static int traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(((po_name *)self)->owner);
    return po_traverse(self, visit, arg);
}

static int clear(PyObject *self)
{
    forget_field((po_name *)self);
    Py_CLEAR(((po_name *)self)->owner);
    return po_clear(self);
}

static PyMemberDef members[] = {
    PO_COMMON_MEMBERS,
    { "_owner", T_OBJECT, offsetof(po_name, owner), READONLY, "What the name is a view of." },
    { NULL, 0, 0, 0, NULL },
};

#include "rows.h"

static PyMethodDef methods[] = {
    PO_COMMON_METHODS,
#include "crypto_name.def"
    { NULL, NULL, 0, NULL },
};

static PyType_Slot slots[] = {
    { Py_tp_new, (void *)po_new },
    { Py_tp_dealloc, (void *)dealloc },
    { Py_tp_traverse, (void *)traverse },
    { Py_tp_clear, (void *)clear },
    { Py_tp_members, members },
    { Py_tp_getset, po_getset },
    { Py_tp_methods, methods },
    { Py_tp_init, (void *)init },
    { Py_tp_getattro, (void *)getattro },
    { Py_tp_setattro, (void *)setattro },
    { Py_tp_richcompare, (void *)richcompare },
    { Py_tp_hash, (void *)PyObject_HashNotImplemented },
    { Py_tp_repr, (void *)repr },
    { Py_tp_doc, (void *)"X509Name(name)\n--\n\n"
                         "A copy of a distinguished name. Fields are attributes, by short or long "
                         "name: CN, commonName." },
    { 0, NULL },
};

PyType_Spec po_name_spec = { "OpenSSL.crypto.X509Name", sizeof(po_name), 0, PO_TYPE_FLAGS, slots };
