/* OpenSSL.crypto.X509Extension */
#define PO_HANDLE pyossl_ext
#define PO_DOMAIN PO_CRYPTO

#include "shapes.h"

#include "crypto_common.h"

#include "crypto_ext.def"

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

/* A certificate that an extension is made for: NULL for None, TypeError for what is no X509. */
static int take_cert(po_state *state, PyObject *object, const char *name, pyossl_x509 **out)
{
    if (object == NULL || object == Py_None)
        return 0;
    *out = po_take_handle(state, object, PO_X509, name);
    return *out != NULL ? 0 : -1;
}

/* The first parameter has had two names. */
static int sort_arguments(PyObject *args, PyObject *kwargs, PyObject **given)
{
    static const char *const names[] = { "type_name", "critical", "value",
                                         "subject",   "issuer",   "typename" };
    static const po_params params = { "X509Extension", names, 0, 6 };

    if (po_args_tuple(&params, args, kwargs, given) < 0)
        return -1;
    if (PyTuple_GET_SIZE(args) > 5 || (given[0] != NULL && given[5] != NULL)) {
        PyErr_SetString(PyExc_TypeError, "X509Extension() got too many arguments");
        return -1;
    }
    if (given[0] == NULL)
        given[0] = given[5];
    for (int i = 0; i < 3; i++)
        if (given[i] == NULL) {
            PyErr_Format(PyExc_TypeError, "X509Extension() missing required argument '%s'",
                         names[i]);
            return -1;
        }
    return 0;
}

static pyossl_ext *make(po_state *state, PyObject *const *given)
{
    po_auto(pyossl_x509) *subject = NULL, *issuer = NULL;
    po_auto_bytes type = PO_BYTES_INIT, value = PO_BYTES_INIT;
    int critical = PyObject_IsTrue(given[1]);
    pyossl_ext *ext = NULL;
    pyossl_status status;

    if (critical < 0 || take_cert(state, given[3], "subject", &subject) < 0 ||
        take_cert(state, given[4], "issuer", &issuer) < 0 ||
        po_to_cstring(given[0], "type_name", PO_STR_UTF8, &type) < 0 ||
        po_to_bytes(given[2], "value", PO_STR_UTF8, &value) < 0)
        return NULL;
    status = pyossl_ext_new(&ext, type.data, critical, value.data, value.len, subject, issuer);
    if (status == PYOSSL_OK)
        return ext;
    if (status == PYOSSL_E_NOMEM)
        po_raise(state, PO_CRYPTO, status);
    else
        po_raise_as(state, PO_EXC_CRYPTO_VALUE); /* Error of late, ValueError of old */
    return NULL;
}

static int init(PyObject *object, PyObject *args, PyObject *kwargs)
{
    po_object *self = (po_object *)object;
    PyObject *given[6];
    pyossl_ext *ext;

    if (sort_arguments(args, kwargs, given) < 0)
        return -1;
    ext = make(self->state, given);
    if (ext == NULL)
        return -1;
    po_replace(self, PO_EXT, ext);
    return 0;
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

PO_METHOD0(_subjectAltNameString)
{
    (void)unused;
    return str(object);
}

/* General name @index as a pair; NULL without an exception past the last one. */
static PyObject *general_name(po_object *self, size_t index)
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

PO_METHOD0(get_general_names)
{
    PyObject *list = PyList_New(0), *pair = NULL;

    (void)unused;
    for (size_t i = 0; list != NULL; i++) {
        int result;

        pair = general_name((po_object *)object, i);
        if (pair == NULL)
            break;
        result = PyList_Append(list, pair);
        Py_DECREF(pair);
        if (result < 0)
            break;
    }
    if (PyErr_Occurred())
        Py_CLEAR(list);
    return list;
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

#include "rows.h"

static PyMethodDef methods[] = {
    PO_COMMON_METHODS,
#include "crypto_ext.def"
    { NULL, NULL, 0, NULL },
};

static PyType_Slot slots[] = {
    { Py_tp_new, (void *)po_new },
    { Py_tp_dealloc, (void *)dealloc },
    { Py_tp_traverse, (void *)po_traverse },
    { Py_tp_clear, (void *)po_clear },
    { Py_tp_members, po_members },
    { Py_tp_getset, getset },
    { Py_tp_methods, methods },
    { Py_tp_init, (void *)init },
    { Py_tp_str, (void *)str },
    { Py_tp_doc,
      (void *)"X509Extension(type_name, critical, value, subject=None, issuer=None)\n--\n\n"
              "An extension from the words of x509v3_config(5); subject and issuer are "
              "certificates for words like hash and keyid." },
    { 0, NULL },
};

PyType_Spec po_ext_spec = { "OpenSSL.crypto.X509Extension", sizeof(po_object), 0, PO_TYPE_FLAGS,
                            slots };
