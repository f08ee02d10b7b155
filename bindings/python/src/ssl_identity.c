/*
 * Certificates, keys and names that go into a Context or a Connection. Besides
 * our own objects those of the cryptography package are taken, by way of DER.
 */
#include "crypto_common.h"
#include "ssl.h"

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
static pyossl_x509 *to_certificate(po_state *state, PyObject *object)
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

static pyossl_pkey *to_key(po_state *state, PyObject *object)
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

/* The one argument @name of a method of an object that has a handle; NULL with an exception. */
static PyObject *only_argument(const char *function, const char *name, PyObject *object,
                               PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames)
{
    const char *const names[] = { name };
    const po_params params = { function, names, 1, 1 };
    PyObject *given[1];

    if (po_args(&params, args, nargs, kwnames, given) < 0)
        return NULL;
    if (((po_object *)object)->handle == NULL)
        return po_raise_empty((po_object *)object, PO_SSL);
    return given[0];
}

static PyObject *finish(PyObject *object, po_frame *frame, pyossl_status status)
{
    po_frame_end(frame);
    if (status != PYOSSL_OK)
        return po_raise(PO_STATE(object), PO_SSL, status);
    Py_RETURN_NONE;
}

/* A method that hands one certificate to @give. */
#define CERTIFICATE_METHOD(c_name, name, argument, give)                                           \
    PyObject *c_name(PyObject *object, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) \
    {                                                                                              \
        PyObject *given = only_argument(name, argument, object, args, nargs, kwnames);             \
        pyossl_x509 *cert = given != NULL ? to_certificate(PO_STATE(object), given) : NULL;        \
        po_frame frame;                                                                            \
        pyossl_status status;                                                                      \
                                                                                                   \
        if (cert == NULL)                                                                          \
            return NULL;                                                                           \
        po_frame_enter(&frame, (po_object *)object);                                               \
        status = give(((po_object *)object)->handle, cert);                                        \
        pyossl_x509_unref(cert);                                                                   \
        return finish(object, &frame, status);                                                     \
    }

CERTIFICATE_METHOD(po_ctx_use_certificate, "use_certificate", "cert", pyossl_ctx_use_certificate)
CERTIFICATE_METHOD(po_ctx_add_extra_chain_cert, "add_extra_chain_cert", "certobj",
                   pyossl_ctx_add_extra_chain_cert)
CERTIFICATE_METHOD(po_ctx_add_client_ca, "add_client_ca", "certificate_authority",
                   pyossl_ctx_add_client_ca)
CERTIFICATE_METHOD(po_conn_use_certificate, "use_certificate", "cert", pyossl_conn_use_certificate)

/* The same for a key. */
#define KEY_METHOD(c_name, give)                                                                   \
    PyObject *c_name(PyObject *object, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) \
    {                                                                                              \
        PyObject *given = only_argument("use_privatekey", "pkey", object, args, nargs, kwnames);   \
        pyossl_pkey *pkey = given != NULL ? to_key(PO_STATE(object), given) : NULL;                \
        po_frame frame;                                                                            \
        pyossl_status status;                                                                      \
                                                                                                   \
        if (pkey == NULL)                                                                          \
            return NULL;                                                                           \
        po_frame_enter(&frame, (po_object *)object);                                               \
        status = give(((po_object *)object)->handle, pkey);                                        \
        pyossl_pkey_unref(pkey);                                                                   \
        return finish(object, &frame, status);                                                     \
    }

KEY_METHOD(po_ctx_use_privatekey, pyossl_ctx_use_pkey)
KEY_METHOD(po_conn_use_privatekey, pyossl_conn_use_pkey)

/* ---- a certificate with its chain ---- */

static void release_certificates(pyossl_x509 **items, Py_ssize_t count)
{
    for (Py_ssize_t i = 0; i < count; i++)
        pyossl_x509_unref(items[i]);
    PyMem_Free(items);
}

/* Handles of all items of a sequence; NULL with an exception. */
static pyossl_x509 **to_certificates(po_state *state, PyObject *sequence, Py_ssize_t *count)
{
    pyossl_x509 **items =
        PyMem_Calloc((size_t)PySequence_Fast_GET_SIZE(sequence) + 1, sizeof *items);

    *count = 0;
    if (items == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (; *count < PySequence_Fast_GET_SIZE(sequence); (*count)++) {
        items[*count] = to_certificate(state, PySequence_Fast_GET_ITEM(sequence, *count));
        if (items[*count] == NULL) {
            release_certificates(items, *count);
            return NULL;
        }
    }
    return items;
}

static PyObject *use_identity(po_object *self, PyObject *cert_object, PyObject *key_object,
                              PyObject *chain)
{
    pyossl_x509 *cert = to_certificate(self->state, cert_object), **items = NULL;
    pyossl_pkey *pkey = cert != NULL ? to_key(self->state, key_object) : NULL;
    PyObject *result = NULL;
    Py_ssize_t count = 0;

    if (pkey != NULL)
        items = to_certificates(self->state, chain, &count);
    if (items != NULL) {
        po_frame frame;
        pyossl_status status;

        po_frame_enter(&frame, self);
        status = pyossl_ctx_use_identity(self->handle, cert, pkey, items, (size_t)count);
        result = finish((PyObject *)self, &frame, status);
        release_certificates(items, count);
    }
    pyossl_pkey_unref(pkey);
    pyossl_x509_unref(cert);
    return result;
}

PyObject *po_ctx_use_identity(PyObject *object, PyObject *const *args, Py_ssize_t nargs,
                              PyObject *kwnames)
{
    static const char *const names[] = { "cert", "pkey", "chain" };
    static const po_params params = { "use_identity", names, 2, 3 };
    PyObject *given[3], *chain, *result;

    if (po_args(&params, args, nargs, kwnames, given) < 0)
        return NULL;
    if (((po_object *)object)->handle == NULL)
        return po_raise_empty((po_object *)object, PO_SSL);
    /* A tuple of ours: what is in it stays, whatever the caller's list does meanwhile. */
    chain = given[2] != NULL ? PySequence_Tuple(given[2]) : PyTuple_New(0);
    if (chain == NULL)
        return NULL;
    result = use_identity((po_object *)object, given[0], given[1], chain);
    Py_DECREF(chain);
    return result;
}

/* ---- names of authorities ---- */

/* Copies: the names may be views of certificates that other threads change. */
static int take_names(po_state *state, PyObject *sequence, po_handles *out)
{
    const Py_ssize_t count = PyTuple_GET_SIZE(sequence);

    out->id = PO_NAME;
    out->items = PyMem_Calloc((size_t)count + 1, sizeof *out->items);
    if (out->items == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = PyTuple_GET_ITEM(sequence, i);

        if (!PO_IS(state, item, PO_NAME))
            PyErr_Format(PyExc_TypeError, "client CAs must be X509Name objects, not %s objects",
                         Py_TYPE(item)->tp_name);
        else if (((po_object *)item)->handle == NULL)
            PyErr_SetString(PyExc_ValueError, "client CA is empty");
        else
            out->items[i] = po_take_handle(state, item, PO_NAME, "client CA");
        if (out->items[i] == NULL)
            return -1;
        out->count++;
    }
    return 0;
}

PyObject *po_ctx_set_client_ca_list(PyObject *object, PyObject *const *args, Py_ssize_t nargs,
                                    PyObject *kwnames)
{
    PyObject *given = only_argument("set_client_ca_list", "certificate_authorities", object, args,
                                    nargs, kwnames);
    PyObject *sequence = given != NULL ? PySequence_Tuple(given) : NULL, *result = NULL;
    po_auto_handles names = PO_HANDLES_INIT;

    if (sequence != NULL && take_names(PO_STATE(object), sequence, &names) == 0) {
        po_frame frame;
        pyossl_status status;

        po_quick_enter(&frame, (po_object *)object);
        status = pyossl_ctx_set_client_ca_list(((po_object *)object)->handle, PO_NAMES(names),
                                               names.count);
        result = finish(object, &frame, status);
    }
    Py_XDECREF(sequence);
    return result;
}
