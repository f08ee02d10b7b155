/* OpenSSL.crypto.X509Name: fields are attributes. */
#include "crypto_name.h"

#include "crypto_name_methods.h"
#include "crypto_private_methods.h"

static PyObject *holder_of(po_object *self)
{
    PyObject *owner;
    po_frame frame;
    const bool locked = po_look_enter(&frame, self);

    owner = ((po_name *)self)->owner;
    owner = Py_NewRef(owner != NULL ? owner : (PyObject *)self);
    if (locked)
        po_frame_end(&frame);
    return owner;
}

/* Whether the lock that is held is still the one that guards @self. */
static bool is_held_by(po_object *self, PyObject *holder)
{
    PyObject *now = holder == (PyObject *)self ? NULL : holder_of(self);

    Py_XDECREF(now); /* not the last one: the object has another, or the caller */
    return now != NULL ? now == holder : ((po_name *)self)->owner == NULL;
}

void po_name_hold(po_hold *held, po_object *self)
{
    for (;;) {
        held->holder = holder_of(self);
        po_quick_enter(&held->frame, (po_object *)held->holder);
        if (is_held_by(self, held->holder))
            return;
        po_frame_end(&held->frame);
        Py_CLEAR(held->holder);
    }
}

pyossl_name *po_name_enter(po_hold *held, po_object *self)
{
    po_name_hold(held, self);
    if (self->handle != NULL)
        return self->handle;
    po_frame_end(&held->frame);
    (void)po_raise_empty(self, PO_CRYPTO);
    return NULL;
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
        po_dealloc_as(object, dealloc, NULL);
}

pyossl_name *po_name_copy(po_state *state, PyObject *object, const char *name)
{
    pyossl_name *copy = NULL;
    pyossl_status status;
    const pyossl_name *from;
    po_auto_hold held = PO_HOLD_INIT;

    if (po_check_type(state, object, PO_NAME, name) < 0)
        return NULL;
    from = po_name_enter(&held, (po_object *)object);
    if (from == NULL)
        return NULL;
    status = pyossl_name_copy(&copy, from);
    po_frame_end(&held.frame);
    if (status != PYOSSL_OK)
        po_raise(state, PO_CRYPTO, status);
    return copy;
}

/* Be @handle, and nobody's view. What there was before is left in @before. */
static void become(po_name *self, pyossl_name *handle, po_name *before)
{
    po_auto_hold held = PO_HOLD_INIT;
    po_frame inner;
    bool nested;

    /* The lock of what it was a view of, and its own: whoever has either sees it whole. */
    po_name_hold(&held, &self->base);
    nested = held.holder != (PyObject *)self;
    if (nested)
        po_quick_enter(&inner, &self->base);
    before->base.handle = self->base.handle;
    before->owner = self->owner;
    before->field = self->field;
    before->value = self->value;
    self->base.handle = handle;
    self->owner = self->field = self->value = NULL;
    self->cert = NULL;
    if (nested)
        po_frame_end(&inner);
    po_frame_end(&held.frame);
}

int po_name_init(po_object *object, pyossl_name *name)
{
    po_name before;

    become((po_name *)object, pyossl_name_ref(name), &before);
    pyossl_name_unref(before.base.handle);
    Py_XDECREF(before.field);
    Py_XDECREF(before.value);
    Py_XDECREF(before.owner);
    return 0;
}

PyObject *po_crypto_private_name_add(po_state *state, PyObject *object, const char *field,
                                     const po_bytes *utf8)
{
    po_auto_hold held = PO_HOLD_INIT;
    pyossl_name *name = po_name_enter(&held, (po_object *)object);
    pyossl_status status;

    if (name == NULL)
        return NULL;
    status = pyossl_name_add(name, field, utf8->data, utf8->len);
    po_frame_end(&held.frame);
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

static bool is_ascii(const char *text, size_t len)
{
    while (len > 0 && (unsigned char)text[len - 1] < 0x80)
        len--;
    return len == 0;
}

/*
 * Inside the frame, as the text is borrowed. What is not ASCII is only copied there: how bytes
 * that are no text are decoded, a program may have a say in (codecs.register_error()).
 */
static PyObject *copy_field(const pyossl_name *name, const char *field, pyossl_status *status)
{
    pyossl_buf room = PYOSSL_BUF_INIT;
    PyObject *result = NULL;
    const char *text;
    size_t len;

    *status = pyossl_name_text(name, field, &room, &text, &len);
    if (*status == PYOSSL_OK)
        result = is_ascii(text, len) ? PyUnicode_DecodeASCII(text, (Py_ssize_t)len, NULL)
                                     : PyBytes_FromStringAndSize(text, (Py_ssize_t)len);
    pyossl_buf_clear(&room);
    return result;
}

static PyObject *get_field(po_object *self, PyObject *attribute)
{
    const char *field = field_of(attribute);
    pyossl_status status = PYOSSL_OK;
    po_auto_hold held = PO_HOLD_INIT;
    const pyossl_name *name;
    PyObject *result;

    if (field == NULL)
        return raise_unknown(attribute);
    name = po_name_enter(&held, self);
    if (name == NULL)
        return NULL;
    result = remembered((po_name *)self, attribute);
    if (result == NULL) {
        result = copy_field(name, field, &status);
        if (result != NULL && PyUnicode_CheckExact(result))
            remember((po_name *)self, attribute, result);
    }
    po_frame_end(&held.frame);
    if (status == PYOSSL_E_NOT_FOUND)
        Py_RETURN_NONE;
    if (status == PYOSSL_E_ARGUMENT)
        return raise_unknown(attribute);
    if (status != PYOSSL_OK)
        return po_raise(self->state, PO_CRYPTO, status);
    return result != NULL && PyBytes_CheckExact(result) ? po_decoded(result) : result;
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
PyObject *po_name_getattr(po_object *self, PyObject *name)
{
    if (!PyUnicode_Check(name))
        return PyObject_GenericGetAttr((PyObject *)self, name);
    return get_field(self, name);
}

typedef pyossl_status (*put_call)(pyossl_name *name, const char *field, const void *utf8,
                                  size_t len);

static int put_field(po_object *self, const char *field, const po_bytes *value, put_call put)
{
    pyossl_status status;
    po_auto_hold held = PO_HOLD_INIT;
    pyossl_name *name = po_name_enter(&held, self);

    if (name == NULL)
        return -1;
    status = put(name, field, value->data, value->len);
    po_frame_end(&held.frame);
    if (status == PYOSSL_OK)
        return 0;
    if (status == PYOSSL_E_ARGUMENT)
        PyErr_Format(PyExc_AttributeError, "No such attribute: '%s'", field);
    else
        po_raise(self->state, PO_CRYPTO, status);
    return -1;
}

PyObject *po_name_add_entry(po_object *self, const char *field, const po_bytes *value)
{
    if (put_field(self, field, value, pyossl_name_add) == 0)
        Py_RETURN_NONE;
    /* No attribute is asked for here. */
    if (PyErr_ExceptionMatches(PyExc_AttributeError))
        PyErr_Format(PyExc_ValueError, "no such field: '%s'", field);
    return NULL;
}

static int setattro(PyObject *object, PyObject *attribute, PyObject *value)
{
    po_auto_bytes bytes = PO_BYTES_INIT;
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
    if (po_to_bytes(value, "value", PO_STR_UTF8, &bytes) < 0)
        return -1;
    return put_field((po_object *)object, field, &bytes, pyossl_name_set);
}

/* ---- the rest ---- */

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

static PyGetSetDef getset[] = {
    { "__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL },
    PO_FIELD("_owner", po_name, owner, "What the name is a view of."),
    { NULL, NULL, NULL, NULL, NULL },
};

static PyType_Slot slots[] = {
    { Py_tp_new, (void *)po_new },
    { Py_tp_dealloc, (void *)dealloc },
    { Py_tp_traverse, (void *)traverse },
    { Py_tp_clear, (void *)clear },
    { Py_tp_members, po_members },
    { Py_tp_getset, getset },
    { Py_tp_methods, po_name_methods },
    { Py_tp_init, (void *)po_name_tp_init },
    { Py_tp_getattro, (void *)getattro },
    { Py_tp_setattro, (void *)setattro },
    { Py_tp_richcompare, (void *)po_name_richcompare },
    { Py_tp_hash, (void *)PyObject_HashNotImplemented },
    { Py_tp_repr, (void *)po_name_repr },
    { Py_tp_doc, (void *)po_name_doc },
    { 0, NULL },
};

PyType_Spec po_name_spec = { "OpenSSL.crypto.X509Name", sizeof(po_name), 0, PO_TYPE_FLAGS, slots };
