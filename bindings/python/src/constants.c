/* The numbers of pyossl_constants() as names of the modules and of two classes. */
#include "types.h"

#include <stdio.h>

/* A class that only holds numbers: @values are its attributes, and are released. */
static int add_class(PyObject *module, const char *attribute, const char *module_name,
                     const char *name, const char *doc, PyObject *values)
{
    PyObject *text = NULL, *class = NULL;
    int result = -1;

    if (values == NULL)
        return -1;
    text = PyUnicode_FromString(module_name);
    if (text != NULL && PyDict_SetItemString(values, "__module__", text) == 0)
        class = PyObject_CallFunction((PyObject *)&PyType_Type, "s()O", name, values);
    if (class != NULL) {
        PyObject *docstring = PyUnicode_FromString(doc);

        if (docstring != NULL && PyObject_SetAttrString(class, "__doc__", docstring) == 0)
            result = PyModule_AddObjectRef(module, attribute, class);
        Py_XDECREF(docstring);
    }
    Py_XDECREF(text);
    Py_XDECREF(class);
    Py_DECREF(values);
    return result;
}

static int add_to_module(PyObject *module, const char *prefix, const char *name, PyObject *value)
{
    char dotted[96];

    snprintf(dotted, sizeof dotted, "%s.%s", prefix, name);
    return PyModule_AddObjectRef(module, dotted, value);
}

/* One constant, where its group belongs. */
static int add_one(PyObject *module, const pyossl_constant *constant, PyObject *store,
                   PyObject *verify)
{
    PyObject *value = PyLong_FromUnsignedLongLong(constant->value);
    int result = 0;

    if (value == NULL)
        return -1;
    switch (constant->group) {
    case PYOSSL_CONSTANT_SSL:
        result = add_to_module(module, "SSL", constant->name, value);
        break;
    case PYOSSL_CONSTANT_CRYPTO:
        result = add_to_module(module, "crypto", constant->name, value);
        break;
    case PYOSSL_CONSTANT_STORE:
        result = PyDict_SetItemString(store, constant->name, value);
        break;
    case PYOSSL_CONSTANT_VERIFY:
        result = PyDict_SetItemString(verify, constant->name, value);
        break;
    }
    Py_DECREF(value);
    return result;
}

int po_add_constants(PyObject *module)
{
    size_t count;
    const pyossl_constant *constants = pyossl_constants(&count);
    PyObject *store = PyDict_New(), *verify = PyDict_New();
    int result = store != NULL && verify != NULL ? 0 : -1;

    for (size_t i = 0; result == 0 && i < count; i++)
        result = add_one(module, &constants[i], store, verify);
    if (result < 0) {
        Py_XDECREF(store);
        Py_XDECREF(verify);
        return -1;
    }
    result = add_class(module, "crypto.X509StoreFlags", "OpenSSL.crypto", "X509StoreFlags",
                       "What X509Store.set_flags() takes: combine with |.", store);
    if (result < 0) {
        Py_DECREF(verify);
        return -1;
    }
    return add_class(module, "SSL.X509VerificationCodes", "OpenSSL.SSL", "X509VerificationCodes",
                     "The numbers that a verification callback is told.", verify);
}
