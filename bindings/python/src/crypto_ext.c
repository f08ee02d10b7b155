/* OpenSSL.crypto.X509Extension */
#include "crypto_ext_methods.h"

#include "types.h"

/* ---- objects ---- */

/*
 * Programs take all extensions of a certificate, one after the other, and look at each once.
 * What is left of such an object, its room and an empty dict, serves the next one.
 */

PyObject *po_ext_wrap(po_state *state, pyossl_ext *ext)
{
    po_object *self;

    if (state->spare_ext_count == 0)
        return po_wrap(state, PO_EXT, ext);
    self = state->spare_exts[--state->spare_ext_count];
    (void)PyObject_Init((PyObject *)self, state->types[PO_EXT]);
    self->handle = ext;
    PyObject_GC_Track(self);
    return (PyObject *)self;
}

static void dealloc(PyObject *object);

/* Whether nobody would miss @dict, which may be NULL, or find anything in it. */
static bool is_blank(PyObject *dict)
{
    return dict == NULL ||
           (PyDict_CheckExact(dict) && PyDict_GET_SIZE(dict) == 0 && Py_REFCNT(dict) == 1);
}

/* False where the program gave it something, its type is another, or there are enough. */
static bool keep_room(po_object *self)
{
    PyTypeObject *type = Py_TYPE(self);
    po_state *state = self->state;

    /* Subclasses have another. Of a type without its module the state may be gone. */
    if (!PO_INTERPRETER_LOCKED || type->tp_dealloc != dealloc ||
        ((PyHeapTypeObject *)type)->ht_module == NULL || state->types[PO_EXT] != type)
        return false;
    if (self->weakrefs != NULL || !is_blank(self->dict) || state->spare_ext_count == PO_SPARE_EXTS)
        return false;
    PyObject_GC_UnTrack(self);
    pyossl_ext_unref(self->handle);
    self->handle = NULL;
    state->spare_exts[state->spare_ext_count++] = self;
    Py_DECREF(type);
    return true;
}

static void dealloc(PyObject *object)
{
    if (!keep_room((po_object *)object))
        po_dealloc_as(object, dealloc, NULL);
}

void po_ext_drop_spares(po_state *state)
{
    while (state->spare_ext_count > 0) {
        po_object *self = state->spare_exts[--state->spare_ext_count];

        Py_CLEAR(self->dict);
        PyObject_GC_Del(self);
    }
}

/* ---- making ---- */

PyObject *po_ext_not_made(po_object *self, pyossl_status status)
{
    if (status == PYOSSL_E_NOMEM)
        return po_raise(self->state, PO_CRYPTO, status);
    return po_raise_as(self->state, PO_EXC_CRYPTO_VALUE); /* Error of late, ValueError of old */
}

static PyObject *str(PyObject *object)
{
    po_object *self = (po_object *)object;
    pyossl_buf text = PYOSSL_BUF_INIT;
    po_frame frame;
    const pyossl_ext *ext = po_enter_quick(&frame, self);
    pyossl_status status;
    PyObject *result;

    if (ext == NULL)
        return NULL;
    status = pyossl_ext_text(ext, &text);
    po_frame_end(&frame);
    if (status != PYOSSL_OK)
        return po_raise(self->state, PO_CRYPTO, status);
    result =
        PyUnicode_DecodeUTF8((const char *)text.data, (Py_ssize_t)text.len, "backslashreplace");
    pyossl_buf_clear(&text);
    return result;
}

PyObject *po_ext__subjectAltNameString(po_object *self)
{
    return str((PyObject *)self);
}

/* General name @index as a pair; NULL without an exception past the last one. */
PyObject *po_ext_general_name(po_object *self, size_t index)
{
    pyossl_buf value = PYOSSL_BUF_INIT;
    po_frame frame;
    const pyossl_ext *ext = po_enter_quick(&frame, self);
    pyossl_status status;
    PyObject *pair;
    int type;

    if (ext == NULL)
        return NULL;
    status = pyossl_ext_general_name_at(ext, index, &type, &value);
    if (po_frame_leave(&frame) < 0 || status == PYOSSL_E_NOT_FOUND)
        return NULL;
    if (status != PYOSSL_OK)
        return po_raise(self->state, PO_CRYPTO, status);
    pair = Py_BuildValue("(iy#)", type, (const char *)value.data, (Py_ssize_t)value.len);
    pyossl_buf_clear(&value);
    return pair;
}

static PyObject *get_nid(PyObject *object, void *unused)
{
    po_frame frame;
    const pyossl_ext *ext = po_enter_quick(&frame, (po_object *)object);
    int nid;

    (void)unused;
    if (ext == NULL)
        return NULL;
    nid = pyossl_ext_nid(ext);
    return po_frame_leave(&frame) < 0 ? NULL : PyLong_FromLong(nid);
}

static PyGetSetDef getset[] = {
    { "__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL },
    { "_nid", get_nid, NULL, "OpenSSL's number for the type.", NULL },
    { NULL, NULL, NULL, NULL, NULL },
};

static PyType_Slot slots[] = {
    { Py_tp_new, (void *)po_new },
    { Py_tp_dealloc, (void *)dealloc },
    { Py_tp_traverse, (void *)po_traverse },
    { Py_tp_clear, (void *)po_clear },
    { Py_tp_members, po_members },
    { Py_tp_getset, getset },
    { Py_tp_methods, po_ext_methods },
    { Py_tp_init, (void *)po_ext_tp_init },
    { Py_tp_str, (void *)str },
    { Py_tp_doc, (void *)po_ext_doc },
    { 0, NULL },
};

PyType_Spec po_ext_spec = { "OpenSSL.crypto.X509Extension", sizeof(po_object), 0, PO_TYPE_FLAGS,
                            slots };
