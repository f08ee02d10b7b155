/* OpenSSL.crypto._EllipticCurve: a named curve, one object for each, compared by identity. */
#include "crypto_common.h"

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

static int init(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static const char *const names[] = { "lib", "nid", "name" };
    static const po_params params = { "_EllipticCurve", names, 3, 3 };
    PyObject *given[3];

    if (po_args_tuple(&params, args, kwargs, given) < 0)
        return -1;
    if (!PyUnicode_Check(given[2])) {
        PyErr_SetString(PyExc_TypeError, "name must be a str");
        return -1;
    }
    Py_XSETREF(((po_curve *)object)->name, Py_NewRef(given[2]));
    return 0;
}

static PyObject *get_nid(PyObject *object, void *unused)
{
    PyObject *name = ((po_curve *)object)->name;
    const char *text = name != NULL ? PyUnicode_AsUTF8(name) : NULL;

    (void)unused;
    if (name != NULL && text == NULL)
        return NULL;
    return PyLong_FromLong(text != NULL ? pyossl_curve_nid(text) : 0);
}

/* What a program calls the library; here its functions are the module's. */
static PyObject *get_lib(PyObject *object, void *unused)
{
    (void)unused;
    return Py_NewRef(PO_STATE(object)->module);
}

/* Name in hand, OpenSSL makes the parameters itself where they are used. */
static PyObject *to_ec_key(PyObject *object, PyObject *unused)
{
    (void)unused;
    return Py_NewRef(object);
}

static po_state *state_of_class(PyObject *class)
{
    PyObject *module = po_module_of_type((PyTypeObject *)class, &po_module);

    return module != NULL ? PyModule_GetState(module) : NULL;
}

/* The set of all curves, however it is asked for. */
static PyObject *all_curves(PyObject *class, PyObject *lib)
{
    const po_state *state = state_of_class(class);

    (void)lib;
    return state != NULL ? Py_NewRef(state->curves) : NULL;
}

static PyObject *from_nid(PyObject *class, PyObject *const *args, Py_ssize_t nargs,
                          PyObject *kwnames)
{
    static const char *const names[] = { "lib", "nid" };
    static const po_params params = { "from_nid", names, 2, 2 };
    po_state *state = state_of_class(class);
    PyObject *given[2];
    const char *name;
    long nid;

    if (state == NULL || po_args(&params, args, nargs, kwnames, given) < 0 ||
        po_to_long(given[1], "nid", &nid) < 0)
        return NULL;
    for (size_t i = 0; (name = pyossl_curve_name(i)) != NULL; i++)
        if (pyossl_curve_nid(name) == nid)
            return make(state, name);
    PyErr_Format(PyExc_ValueError, "no curve has the number %ld", nid);
    return NULL;
}

static PyObject *repr(PyObject *object)
{
    PyObject *name = ((po_curve *)object)->name;

    return PyUnicode_FromFormat("<Curve %R>", name != NULL ? name : Py_None);
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

static PyMemberDef members[] = {
    PO_COMMON_MEMBERS,
    { "name", T_OBJECT, offsetof(po_curve, name), READONLY, "OpenSSL's short name." },
    { NULL, 0, 0, 0, NULL },
};

static PyGetSetDef getset[] = {
    { "__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL },
    { "_nid", get_nid, NULL, "OpenSSL's number.", NULL },
    { "_lib", get_lib, NULL, NULL, NULL },
    { NULL, NULL, NULL, NULL, NULL },
};

static PyMethodDef methods[] = {
    PO_COMMON_METHODS,
    { "_to_EC_KEY", to_ec_key, METH_NOARGS, "_to_EC_KEY($self)\n--\n\nThe curve's parameters." },
    { "from_nid", (PyCFunction)(void (*)(void))from_nid, METH_FASTCALL | METH_KEYWORDS | METH_CLASS,
      "from_nid($type, lib, nid)\n--\n\nThe curve with that number." },
    { "_load_elliptic_curves", all_curves, METH_O | METH_CLASS,
      "_load_elliptic_curves($type, lib, /)\n--\n\nThe set of all curves." },
    { "_get_elliptic_curves", all_curves, METH_O | METH_CLASS,
      "_get_elliptic_curves($type, lib, /)\n--\n\nThe set of all curves." },
    { NULL, NULL, 0, NULL },
};

static PyType_Slot slots[] = {
    { Py_tp_new, (void *)po_new },
    { Py_tp_dealloc, (void *)po_dealloc },
    { Py_tp_traverse, (void *)traverse },
    { Py_tp_clear, (void *)clear },
    { Py_tp_members, members },
    { Py_tp_getset, getset },
    { Py_tp_methods, methods },
    { Py_tp_init, (void *)init },
    { Py_tp_repr, (void *)repr },
    { Py_tp_doc, (void *)"_EllipticCurve(lib, nid, name)\n--\n\nA named elliptic curve." },
    { 0, NULL },
};

PyType_Spec po_curve_spec = { "OpenSSL.crypto._EllipticCurve", sizeof(po_curve), 0, PO_TYPE_FLAGS,
                              slots };
