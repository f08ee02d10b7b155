/*
 * OpenSSL._pyossl, the one extension module. OpenSSL.SSL, OpenSSL.crypto and
 * OpenSSL.rand re-export what is in it.
 */
#include "crypto_common.h"
#include "raise.h"
#include "types.h"

#include <stdio.h>

/* A type whose objects hold a pyossl_NOUN. */
#define ROW(noun)                                                                                  \
    {                                                                                              \
        &po_##noun##_spec, (po_unref)pyossl_##noun##_unref, (po_ref)pyossl_##noun##_ref            \
    }

const po_type_row po_types[PO_TYPE_MAX] = {
    [PO_PKEY] = ROW(pkey),
    [PO_NAME] = ROW(name),
    [PO_X509] = ROW(x509),
    [PO_EXT] = ROW(ext),
    [PO_REQ] = ROW(req),
    [PO_REVOKED] = ROW(revoked),
    [PO_CRL] = ROW(crl),
    [PO_STORE] = ROW(store),
    [PO_STORE_CTX] = { &po_store_ctx_spec, NULL, NULL },
    [PO_PKCS7] = ROW(pkcs7),
    [PO_PKCS12] = { &po_pkcs12_spec, NULL, NULL },
    [PO_SPKI] = ROW(spki),
    [PO_CURVE] = { &po_curve_spec, NULL, NULL },
    [PO_CONTEXT] = { &po_context_spec, (po_unref)pyossl_ctx_unref, (po_ref)pyossl_ctx_ref },
    [PO_CONNECTION] = { &po_connection_spec, (po_unref)pyossl_conn_unref, (po_ref)pyossl_conn_ref },
    [PO_SESSION] = ROW(session),
};

/* ---- exceptions ---- */

typedef enum po_base {
    BASE_EXCEPTION,
    BASE_SSL,
    BASE_SSL_VALUE,
    BASE_SSL_CONNECTION,
    BASE_CRYPTO_VALUE,
    BASE_TYPE_VALUE
} po_base;

static const struct {
    const char *name;
    po_base base;
    const char *doc;
} exception_rows[PO_EXC_MAX] = {
    [PO_EXC_SSL] = { "OpenSSL.SSL.Error", BASE_EXCEPTION,
                     "What OpenSSL.SSL raises; args[0] is a list of (library, function, reason), "
                     "and detail what else there is to say, as str." },
    [PO_EXC_ZERO_RETURN] = { "OpenSSL.SSL.ZeroReturnError", BASE_SSL,
                             "The peer closed the TLS session, with a close alert." },
    [PO_EXC_WANT_READ] = { "OpenSSL.SSL.WantReadError", BASE_SSL,
                           "Nothing is wrong: call again once the transport is readable." },
    [PO_EXC_WANT_WRITE] = { "OpenSSL.SSL.WantWriteError", BASE_SSL,
                            "Nothing is wrong: call again once the transport is writable." },
    [PO_EXC_WANT_LOOKUP] = { "OpenSSL.SSL.WantX509LookupError", BASE_SSL,
                             "Nothing is wrong: call again, as a callback asked for it." },
    [PO_EXC_SYSCALL] = { "OpenSSL.SSL.SysCallError", BASE_SSL,
                         "The transport failed: args are (errno, its name), or (-1, 'Unexpected "
                         "EOF') for an end without a close alert." },
    [PO_EXC_SSL_VALUE] = { "OpenSSL.SSL._ValueError", BASE_SSL_VALUE,
                           "A value that is not acceptable: an Error and a ValueError." },
    [PO_EXC_SSL_WRITE] = { "OpenSSL.SSL._ConnectionError", BASE_SSL_CONNECTION,
                           "A write that the peer's alert ended: an Error and a ConnectionError." },
    [PO_EXC_CRYPTO] = { "OpenSSL.crypto.Error", BASE_EXCEPTION,
                        "What OpenSSL.crypto raises; args[0] is a list of (library, function, "
                        "reason), and detail what else there is to say, as str." },
    [PO_EXC_CRYPTO_VALUE] = { "OpenSSL.crypto._ValueError", BASE_CRYPTO_VALUE,
                              "A value that is not acceptable: an Error and a ValueError." },
    [PO_EXC_TYPE_VALUE] = { "OpenSSL.crypto._TypeValueError", BASE_TYPE_VALUE,
                            "An argument that is not acceptable: a TypeError and a ValueError." },
    [PO_EXC_STORE_CTX] = { "OpenSSL.crypto.X509StoreContextError", BASE_EXCEPTION,
                           "A certificate was not accepted: certificate is that one, errors is a "
                           "list of the result's number, the depth, and the text, and detail says "
                           "all of it in words." },
    [PO_EXC_RAND] = { "OpenSSL.rand.Error", BASE_EXCEPTION,
                      "What OpenSSL.rand raises; args[0] is a list of (library, function, "
                      "reason)." },
};

static PyObject *bases_of(const po_state *state, po_base base)
{
    switch (base) {
    case BASE_EXCEPTION:
        return Py_BuildValue("(O)", PyExc_Exception);
    case BASE_SSL:
        return Py_BuildValue("(O)", state->exceptions[PO_EXC_SSL]);
    case BASE_SSL_VALUE:
        return Py_BuildValue("(OO)", state->exceptions[PO_EXC_SSL], PyExc_ValueError);
    case BASE_SSL_CONNECTION:
        return Py_BuildValue("(OO)", state->exceptions[PO_EXC_SSL], PyExc_ConnectionError);
    case BASE_CRYPTO_VALUE:
        return Py_BuildValue("(OO)", state->exceptions[PO_EXC_CRYPTO], PyExc_ValueError);
    case BASE_TYPE_VALUE:
        return Py_BuildValue("(OO)", PyExc_TypeError, PyExc_ValueError);
    }
    return NULL;
}

/*
 * Names in the module are "SSL.Error", "crypto.X509": the two modules have names
 * in common, and what re-exports them takes what begins with its own.
 */
static int add_named(PyObject *module, const char *dotted, PyObject *value)
{
    return PyModule_AddObjectRef(module, dotted + strlen("OpenSSL."), value);
}

/* Where an exception has nothing more to say, detail is the empty text. */
static int give_detail(PyObject *type)
{
    PyObject *empty = type != NULL ? PyUnicode_FromString("") : NULL;
    const int result = empty != NULL ? PyObject_SetAttrString(type, "detail", empty) : -1;

    Py_XDECREF(empty);
    return result;
}

static int add_exceptions(PyObject *module, po_state *state)
{
    for (int i = 0; i < PO_EXC_MAX; i++) {
        PyObject *bases = bases_of(state, exception_rows[i].base);

        if (bases == NULL)
            return -1;
        state->exceptions[i] =
            PyErr_NewExceptionWithDoc(exception_rows[i].name, exception_rows[i].doc, bases, NULL);
        Py_DECREF(bases);
        if (exception_rows[i].base == BASE_EXCEPTION && give_detail(state->exceptions[i]) < 0)
            return -1;
        if (add_named(module, exception_rows[i].name, state->exceptions[i]) < 0)
            return -1;
    }
    return 0;
}

/* Messages of the interpreter call a class of Python's by its bare name, and one of C's by its full
 * name. */
static int call_by_bare_name(PyTypeObject *type)
{
    PyObject *name = PyObject_GetAttrString((PyObject *)type, "__name__");
    const int result =
        name != NULL ? PyObject_SetAttrString((PyObject *)type, "__name__", name) : -1;

    Py_XDECREF(name);
    return result;
}

static int add_types(PyObject *module, po_state *state)
{
    for (int i = 0; i < PO_TYPE_MAX; i++) {
        if (po_types[i].spec == NULL)
            continue;
        state->types[i] = (PyTypeObject *)po_type_new(module, po_types[i].spec);
        if (add_named(module, po_types[i].spec->name, (PyObject *)state->types[i]) < 0)
            return -1;
    }
    return call_by_bare_name(state->types[PO_CONNECTION]);
}

/* Functions get the module as self, and the name that they are imported by as __module__. */
static int add_functions(PyObject *module, const char *prefix, PyMethodDef *functions)
{
    PyObject *owner = PyUnicode_FromFormat("OpenSSL.%s", prefix);

    if (owner == NULL)
        return -1;
    for (PyMethodDef *row = functions; row->ml_name != NULL; row++) {
        PyObject *function = PyCFunction_NewEx(row, module, owner);
        char dotted[96];
        int result;

        snprintf(dotted, sizeof dotted, "%s.%s", prefix, row->ml_name);
        result = PyModule_AddObjectRef(module, dotted, function);
        Py_XDECREF(function);
        if (result < 0) {
            Py_DECREF(owner);
            return -1;
        }
    }
    Py_DECREF(owner);
    return 0;
}

static int add_strings(po_state *state)
{
    static const char *const names[PO_STR_MAX] = {
#define XX(name) #name,
        PO_STRING_MAP(XX)
#undef XX
    };

    for (int i = 0; i < PO_STR_MAX; i++) {
        state->strings[i] = PyUnicode_InternFromString(names[i]);
        if (state->strings[i] == NULL)
            return -1;
    }
    return 0;
}

static int add_hooks(PyObject *module, po_state *state)
{
    state->hooks = PyDict_New();
    return PyModule_AddObjectRef(module, "_hooks", state->hooks);
}

static int add_errorcode(po_state *state)
{
    PyObject *module = PyImport_ImportModule("errno");

    if (module == NULL)
        return -1;
    state->errorcode = PyObject_GetAttrString(module, "errorcode");
    Py_DECREF(module);
    return state->errorcode != NULL ? 0 : -1;
}

/* ---- the module ---- */

static int exec(PyObject *module)
{
    po_state *state = PyModule_GetState(module);

    state->module = module;
    if (po_frame_set_up() < 0 || add_strings(state) < 0 || add_errorcode(state) < 0)
        return -1;
    if (add_exceptions(module, state) < 0 || add_types(module, state) < 0)
        return -1;
    if (po_add_constants(module) < 0 || add_hooks(module, state) < 0)
        return -1;
    if (po_add_store_error_methods(state->exceptions[PO_EXC_STORE_CTX]) < 0 ||
        po_add_curves(state) < 0)
        return -1;
    if (add_functions(module, "crypto", po_crypto_methods) < 0 ||
        add_functions(module, "rand", po_rand_methods) < 0 ||
        add_functions(module, "SSL", po_ssl_methods) < 0 ||
        add_functions(module, "private", po_private_methods) < 0 ||
        add_functions(module, "private", po_crypto_private_methods) < 0)
        return -1;
    return 0;
}

static int traverse(PyObject *module, visitproc visit, void *arg)
{
    po_state *state = PyModule_GetState(module);

    for (int i = 0; i < PO_TYPE_MAX; i++)
        Py_VISIT(state->types[i]);
    for (int i = 0; i < PO_EXC_MAX; i++)
        Py_VISIT(state->exceptions[i]);
    Py_VISIT(state->errorcode);
    Py_VISIT(state->curves);
    Py_VISIT(state->no_overlap);
    Py_VISIT(state->hooks);
    return 0;
}

static int clear(PyObject *module)
{
    po_state *state = PyModule_GetState(module);

    po_ext_drop_spares(state);
    for (int i = 0; i < PO_TYPE_MAX; i++)
        Py_CLEAR(state->types[i]);
    for (int i = 0; i < PO_EXC_MAX; i++)
        Py_CLEAR(state->exceptions[i]);
    for (int i = 0; i < PO_STR_MAX; i++)
        Py_CLEAR(state->strings[i]);
    for (int i = 0; i < PO_CONSTANTS; i++) {
        Py_CLEAR(state->constants[i][0].object);
        Py_CLEAR(state->constants[i][1].object);
    }
    Py_CLEAR(state->errorcode);
    Py_CLEAR(state->curves);
    Py_CLEAR(state->no_overlap);
    Py_CLEAR(state->hooks);
    return 0;
}

static void release(void *module)
{
    (void)clear(module);
}

static PyModuleDef_Slot slots[] = {
    { Py_mod_exec, (void *)exec },
#ifdef Py_mod_multiple_interpreters
    { Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED },
#endif
#ifdef Py_mod_gil
    { Py_mod_gil, Py_MOD_GIL_NOT_USED },
#endif
    { 0, NULL },
};

struct PyModuleDef po_module = {
    PyModuleDef_HEAD_INIT,
    "OpenSSL._pyossl",
    NULL,
    sizeof(po_state),
    NULL,
    slots,
    traverse,
    clear,
    release,
};

PyMODINIT_FUNC PyInit__pyossl(void);

PyMODINIT_FUNC PyInit__pyossl(void)
{
    return PyModuleDef_Init(&po_module);
}
