/* OpenSSL.crypto._EllipticCurve: a named curve, one object for each, compared by identity. */
#include "crypto_curve_methods.h"

typedef struct po_curve {
    po_object base;
    PyObject *name; /* str */
} po_curve;

static PyObject *make(po_state *state, const char *name)
{
    PyTypeObject *type = state->types[PO_CURVE];
    po_curve *self = (po_curve *)type->tp_alloc(type, 0);

    if (self == NULL)
        return NULL;
    self->base.state = state;
    self->name = PyUnicode_FromString(name);
    if (self->name == NULL)
        Py_CLEAR(self);
    return (PyObject *)self;
}

int po_add_curves(po_state *state)
{
    const char *name;

    state->curves = PySet_New(NULL);
    if (state->curves == NULL)
        return -1;
    for (size_t i = 0; (name = pyossl_curve_name(i)) != NULL; i++) {
        PyObject *curve = make(state, name);
        int result = curve != NULL ? PySet_Add(state->curves, curve) : -1;

        Py_XDECREF(curve);
        if (result < 0)
            return -1;
    }
    return PyObject_SetAttrString((PyObject *)state->types[PO_CURVE], "_curves", state->curves);
}

int po_curve_init(po_object *object, PyObject *lib, PyObject *nid, PyObject *name)
{
    (void)lib;
    (void)nid;
    po_field_set(object, &((po_curve *)object)->name, Py_NewRef(name));
    return 0;
}

static PyObject *get_nid(PyObject *object, void *unused)
{
    PyObject *name = po_field_get((po_object *)object, &((po_curve *)object)->name);
    const char *text = name != Py_None ? PyUnicode_AsUTF8(name) : NULL;
    const int nid = text != NULL ? pyossl_curve_nid(text) : 0;
    const bool failed = name != Py_None && text == NULL;

    (void)unused;
    Py_DECREF(name);
    return failed ? NULL : PyLong_FromLong(nid);
}

/* What a program calls the library; here its functions are the module's. */
static PyObject *get_lib(PyObject *object, void *unused)
{
    (void)unused;
    return Py_NewRef(PO_STATE(object)->module);
}

/* Name in hand, OpenSSL makes the parameters itself where they are used. */
PyObject *po_curve__to_EC_KEY(po_object *self)
{
    return Py_NewRef((PyObject *)self);
}

static po_state *state_of_class(PyObject *class)
{
    PyObject *module = po_module_of_type((PyTypeObject *)class, &po_module);

    return module != NULL ? PyModule_GetState(module) : NULL;
}

/* The set of all curves, however it is asked for. */
static PyObject *all_curves(PyObject *class)
{
    const po_state *state = state_of_class(class);

    return state != NULL ? Py_NewRef(state->curves) : NULL;
}

PyObject *po_curve__load_elliptic_curves(PyObject *class, PyObject *lib)
{
    (void)lib;
    return all_curves(class);
}

PyObject *po_curve__get_elliptic_curves(PyObject *class, PyObject *lib)
{
    (void)lib;
    return all_curves(class);
}

PyObject *po_curve_from_nid(PyObject *class, PyObject *lib, long nid)
{
    po_state *state = state_of_class(class);
    const char *name;

    (void)lib;
    if (state == NULL)
        return NULL;
    for (size_t i = 0; (name = pyossl_curve_name(i)) != NULL; i++)
        if (pyossl_curve_nid(name) == nid)
            return make(state, name);
    return PyErr_Format(PyExc_ValueError, "no curve has the number %ld", nid);
}

static PyObject *repr(PyObject *object)
{
    PyObject *name = po_field_get((po_object *)object, &((po_curve *)object)->name);
    PyObject *text = PyUnicode_FromFormat("<Curve %R>", name);

    Py_DECREF(name);
    return text;
}

static int traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(((po_curve *)self)->name);
    return po_traverse(self, visit, arg);
}

static int clear(PyObject *self)
{
    Py_CLEAR(((po_curve *)self)->name);
    return po_clear(self);
}

static PyGetSetDef getset[] = {
    { "__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL },
    PO_FIELD("name", po_curve, name, "OpenSSL's short name."),
    { "_nid", get_nid, NULL, "OpenSSL's number.", NULL },
    { "_lib", get_lib, NULL, NULL, NULL },
    { NULL, NULL, NULL, NULL, NULL },
};

static PyType_Slot slots[] = {
    { Py_tp_new, (void *)po_new },
    { Py_tp_dealloc, (void *)po_dealloc },
    { Py_tp_traverse, (void *)traverse },
    { Py_tp_clear, (void *)clear },
    { Py_tp_members, po_members },
    { Py_tp_getset, getset },
    { Py_tp_methods, po_curve_methods },
    { Py_tp_init, (void *)po_curve_tp_init },
    { Py_tp_repr, (void *)repr },
    { Py_tp_doc, (void *)po_curve_doc },
    { 0, NULL },
};

PyType_Spec po_curve_spec = { "OpenSSL.crypto._EllipticCurve", sizeof(po_curve), 0, PO_TYPE_FLAGS,
                              slots };
