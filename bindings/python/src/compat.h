/* What differs between Python 3.9 and 3.14: the only file that looks at PY_VERSION_HEX. */
#ifndef PO_COMPAT_H
#define PO_COMPAT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#include <stdbool.h>

#if PY_VERSION_HEX < 0x03090000
#error "Python 3.9 or later is needed"
#endif

#if PY_VERSION_HEX < 0x030A0000
static inline PyObject *Py_NewRef(PyObject *object)
{
    Py_INCREF(object);
    return object;
}

static inline PyObject *Py_XNewRef(PyObject *object)
{
    Py_XINCREF(object);
    return object;
}

static inline int PyModule_AddObjectRef(PyObject *module, const char *name, PyObject *value)
{
    if (value == NULL)
        return -1;
    Py_INCREF(value);
    if (PyModule_AddObject(module, name, value) < 0) {
        Py_DECREF(value);
        return -1;
    }
    return 0;
}
#endif

/*
 * A type of @module, with its signature for inspect: Python 3.9 copies the docstring without it,
 * and looks for it there all the same. NULL with an exception.
 */
static inline PyObject *po_type_new(PyObject *module, PyType_Spec *spec)
{
    PyObject *type = PyType_FromModuleAndSpec(module, spec, NULL);
#if PY_VERSION_HEX < 0x030A0000
    const char *doc = NULL;
    size_t size;
    char *copy;

    for (PyType_Slot *slot = spec->slots; slot->slot != 0; slot++)
        if (slot->slot == Py_tp_doc)
            doc = slot->pfunc;
    if (type == NULL || doc == NULL)
        return type;
    size = strlen(doc) + 1;
    copy = PyObject_Malloc(size);
    if (copy == NULL) {
        Py_DECREF(type);
        return PyErr_NoMemory();
    }
    memcpy(copy, doc, size);
    PyObject_Free((char *)((PyTypeObject *)type)->tp_doc);
    ((PyTypeObject *)type)->tp_doc = copy; /* freed with the type, as the one before */
#endif
    return type;
}

/* A number from its magnitude, most significant byte first; 0 of no bytes, wherever they are. */
static inline PyObject *po_long_from_bytes(const unsigned char *bytes, size_t len)
{
    if (len == 0)
        return PyLong_FromLong(0);
#if PY_VERSION_HEX >= 0x030D0000
    return PyLong_FromUnsignedNativeBytes(bytes, len, Py_ASNATIVEBYTES_BIG_ENDIAN);
#else
    return _PyLong_FromByteArray(bytes, len, 0, 0);
#endif
}

/* Whether one thread at a time holds the interpreter. */
#ifdef Py_GIL_DISABLED
#define PO_INTERPRETER_LOCKED 0
#else
#define PO_INTERPRETER_LOCKED 1
#endif

/*
 * Whether the interpreter keeps short cuts to the methods of objects that have their dict, if
 * an empty one, and of no others. Later ones keep them of both, earlier ones of none.
 */
#define PO_DICT_AHEAD (PY_VERSION_HEX >= 0x030B0000 && PY_VERSION_HEX < 0x030C0000)

/* What @type or its bases have by @name: borrowed, or NULL without an exception. */
static inline PyObject *po_type_lookup(PyTypeObject *type, PyObject *name)
{
#if PY_VERSION_HEX < 0x030D0000
    return _PyType_Lookup(type, name);
#else
    (void)type;
    (void)name;
    return NULL; /* not to be had: the long way has it */
#endif
}

/* What @dict has by @name: a new reference, or NULL without an exception. */
static inline PyObject *po_dict_get(PyObject *dict, const char *name)
{
#if PY_VERSION_HEX >= 0x030D0000
    PyObject *value = NULL;

    if (PyDict_GetItemStringRef(dict, name, &value) < 0)
        PyErr_Clear();
    return value;
#else
    return Py_XNewRef(PyDict_GetItemString(dict, name));
#endif
}

/* Whether @reference, a weak one, is to @object, which lives. */
static inline bool po_refers_to(PyObject *reference, PyObject *object)
{
#if PY_VERSION_HEX >= 0x030D0000
    PyObject *referent = NULL;
    const bool same = PyWeakref_GetRef(reference, &referent) == 1 && referent == object;

    Py_XDECREF(referent);
    return same;
#else
    return PyWeakref_GetObject(reference) == object;
#endif
}

/* The current exception as one object, whatever the version. */
static inline PyObject *po_exception_take(void)
{
#if PY_VERSION_HEX >= 0x030C0000
    return PyErr_GetRaisedException();
#else
    PyObject *type, *value, *traceback;

    PyErr_Fetch(&type, &value, &traceback);
    if (type == NULL) {
#ifdef OSL_ANALYZER
        __builtin_unreachable(); /* who takes one without asking knows that there is one */
#endif
        return NULL;
    }
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback != NULL)
        PyException_SetTraceback(value, traceback);
    Py_DECREF(type);
    Py_XDECREF(traceback);
    return value;
#endif
}

/* Make @exception the current one; takes the reference. */
static inline void po_exception_restore(PyObject *exception)
{
#if PY_VERSION_HEX >= 0x030C0000
    PyErr_SetRaisedException(exception);
#else
    PyErr_Restore(Py_NewRef((PyObject *)Py_TYPE(exception)), exception,
                  PyException_GetTraceback(exception));
#endif
}

/* The current exception as it is, for code that must leave it alone: allocates nothing. */
typedef struct po_saved_exception {
    PyObject *type, *value, *traceback;
} po_saved_exception;

static inline void po_exception_save(po_saved_exception *saved)
{
#if PY_VERSION_HEX >= 0x030C0000
    saved->type = saved->traceback = NULL;
    saved->value = PyErr_GetRaisedException();
#else
    PyErr_Fetch(&saved->type, &saved->value, &saved->traceback);
#endif
}

static inline void po_exception_put_back(const po_saved_exception *saved)
{
#if PY_VERSION_HEX >= 0x030C0000
    PyErr_SetRaisedException(saved->value);
#else
    PyErr_Restore(saved->type, saved->value, saved->traceback);
#endif
}

/* Whether @object has an attribute: 1, 0, or -1 with what kept it from telling. */
static inline int po_has_attribute(PyObject *object, PyObject *name)
{
#if PY_VERSION_HEX >= 0x030D0000
    return PyObject_HasAttrWithError(object, name);
#else
    PyObject *value = PyObject_GetAttr(object, name);

    if (value == NULL && PyErr_ExceptionMatches(PyExc_AttributeError)) {
        PyErr_Clear();
        return 0;
    }
    Py_XDECREF(value);
    return value != NULL ? 1 : -1;
#endif
}

static inline int po_is_finalizing(void)
{
#if PY_VERSION_HEX >= 0x030D0000
    return Py_IsFinalizing();
#else
    return _Py_IsFinalizing();
#endif
}

/* The module behind a type of ours or a subclass of one. Borrowed; NULL with an exception. */
static inline PyObject *po_module_of_type(PyTypeObject *type, struct PyModuleDef *definition)
{
#if PY_VERSION_HEX >= 0x030B0000
    return PyType_GetModuleByDef(type, definition);
#else
    PyObject *mro = type->tp_mro;

    for (Py_ssize_t i = 0; mro != NULL && i < PyTuple_GET_SIZE(mro); i++) {
        PyTypeObject *base = (PyTypeObject *)PyTuple_GET_ITEM(mro, i);
        PyObject *module;

        if (!PyType_HasFeature(base, Py_TPFLAGS_HEAPTYPE))
            continue;
        module = ((PyHeapTypeObject *)base)->ht_module;
        if (module != NULL && PyModule_GetDef(module) == definition)
            return module;
    }
    PyErr_SetString(PyExc_TypeError, "not a type of this module");
    return NULL;
#endif
}

#endif
