/*
 * Certificates, keys and names that go into a Context or a Connection. Besides
 * our own objects those of the cryptography package are taken, by way of DER.
 */
#include "ssl_context_methods.h"

/* What OpenSSL/_cryptography.py makes of an object that is not ours: bytes. */
static PyObject *encode(const char *function, PyObject *object)
{
    PyObject *der = po_bridge(function, object);

    if (der == NULL || PyBytes_Check(der))
        return der;
    Py_DECREF(der);
    PyErr_Format(PyExc_TypeError, "%s gave no bytes", function);
    return NULL;
}

/* The handle of an object of ours, with a reference; an Error of this module's for an empty one. */
static void *take(po_state *state, PyObject *object, po_type_id id, const char *name)
{
    void *handle = po_take_handle(state, object, id, name);

    if (handle == NULL && PyErr_ExceptionMatches(state->exceptions[PO_EXC_CRYPTO])) {
        PyErr_Clear();
        po_raise_empty((po_object *)object, PO_SSL);
    }
    return handle;
}

/* A handle of the caller's own, or NULL with an exception. */
pyossl_x509 *po_to_certificate(po_state *state, PyObject *object)
{
    pyossl_x509 *cert = NULL;
    pyossl_status status;
    PyObject *der;

    if (PO_IS(state, object, PO_X509))
        return take(state, object, PO_X509, "cert");
    der = encode("certificate_der", object);
    if (der == NULL)
        return NULL;
    status =
        pyossl_x509_load(&cert, PYOSSL_DER, PyBytes_AS_STRING(der), (size_t)PyBytes_GET_SIZE(der));
    if (status != PYOSSL_OK)
        po_raise(state, PO_SSL, status);
    Py_DECREF(der);
    return cert;
}

pyossl_pkey *po_to_key(po_state *state, PyObject *object)
{
    pyossl_pkey *pkey = NULL;
    pyossl_status status;
    PyObject *der;

    if (PO_IS(state, object, PO_PKEY))
        return take(state, object, PO_PKEY, "pkey");
    der = encode("key_der", object);
    if (der == NULL)
        return NULL;
    status = pyossl_pkey_load_private(&pkey, PYOSSL_DER, PyBytes_AS_STRING(der),
                                      (size_t)PyBytes_GET_SIZE(der), NULL);
    if (status != PYOSSL_OK)
        po_raise(state, PO_SSL, status);
    Py_DECREF(der);
    return pkey;
}

/* Handles of all items of an iterable. */
int po_to_certificates(po_state *state, PyObject *iterable, po_handles *out)
{
    /* A tuple of ours: what is in it stays, whatever the caller's list does meanwhile. */
    PyObject *tuple = PySequence_Tuple(iterable);
    int result = tuple != NULL ? po_handles_room(out, PO_X509, PyTuple_GET_SIZE(tuple)) : -1;

    for (Py_ssize_t i = 0; result == 0 && i < PyTuple_GET_SIZE(tuple); i++)
        result = po_handles_add(out, po_to_certificate(state, PyTuple_GET_ITEM(tuple, i)));
    Py_XDECREF(tuple);
    return result;
}

/* ---- names of authorities ---- */

/* Copies: the names may be views of certificates that other threads change. */
static pyossl_name *take_name(po_state *state, PyObject *item)
{
    if (!PO_IS(state, item, PO_NAME))
        PyErr_Format(PyExc_TypeError, "client CAs must be X509Name objects, not %s objects",
                     Py_TYPE(item)->tp_name);
    else if (((po_object *)item)->handle == NULL)
        PyErr_SetString(PyExc_ValueError, "client CA is empty");
    else
        return po_take_handle(state, item, PO_NAME, "client CA");
    return NULL;
}

int po_to_ca_names(po_state *state, PyObject *iterable, po_handles *out)
{
    PyObject *tuple = PySequence_Tuple(iterable);
    int result = tuple != NULL ? po_handles_room(out, PO_NAME, PyTuple_GET_SIZE(tuple)) : -1;

    for (Py_ssize_t i = 0; result == 0 && i < PyTuple_GET_SIZE(tuple); i++)
        result = po_handles_add(out, take_name(state, PyTuple_GET_ITEM(tuple, i)));
    Py_XDECREF(tuple);
    return result;
}
