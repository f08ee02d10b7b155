/* OpenSSL.crypto.PKCS12: holds the very objects it was given, and makes a message when exported. */
#include "crypto_pkcs12_methods.h"

typedef struct po_pkcs12 {
    po_object base;
    PyObject *cert; /* these are NULL for None */
    PyObject *key;
    PyObject *cas;  /* tuple */
    PyObject *name; /* bytes */
} po_pkcs12;

int po_pkcs12_init(po_object *self)
{
    (void)self;
    return 0;
}

static PyObject *get(po_object *self, PyObject *const *place)
{
    po_frame frame;
    PyObject *value;

    po_quick_enter(&frame, self);
    value = Py_XNewRef(*place);
    (void)po_frame_leave(&frame);
    return value;
}

static PyObject *get_or_none(po_object *self, PyObject *const *place)
{
    PyObject *value = get(self, place);

    return value != NULL ? value : Py_NewRef(Py_None);
}

PyObject *po_pkcs12_get_certificate(po_object *self)
{
    return get_or_none(self, &((po_pkcs12 *)self)->cert);
}

PyObject *po_pkcs12_get_privatekey(po_object *self)
{
    return get_or_none(self, &((po_pkcs12 *)self)->key);
}

PyObject *po_pkcs12_get_ca_certificates(po_object *self)
{
    return get_or_none(self, &((po_pkcs12 *)self)->cas);
}

PyObject *po_pkcs12_get_friendlyname(po_object *self)
{
    return get_or_none(self, &((po_pkcs12 *)self)->name);
}

/* An object of type @id, or None. */
static PyObject *set_object(po_object *self, PyObject **place, PyObject *value, po_type_id id,
                            const char *name)
{
    if (value != Py_None && !PO_IS(self->state, value, id))
        return PyErr_Format(PyExc_TypeError, "%s must be %s instance or None", name,
                            id == PO_X509 ? "an X509" : "a PKey");
    po_field_set(self, place, value != Py_None ? Py_NewRef(value) : NULL);
    Py_RETURN_NONE;
}

PyObject *po_pkcs12_set_certificate(po_object *self, PyObject *cert)
{
    return set_object(self, &((po_pkcs12 *)self)->cert, cert, PO_X509, "cert");
}

PyObject *po_pkcs12_set_privatekey(po_object *self, PyObject *pkey)
{
    return set_object(self, &((po_pkcs12 *)self)->key, pkey, PO_PKEY, "pkey");
}

PyObject *po_pkcs12_set_ca_certificates(po_object *self, PyObject *cacerts)
{
    PyObject *cas = NULL;

    if (cacerts != Py_None) {
        cas = po_cert_tuple(self->state, cacerts, "cacerts");
        if (cas == NULL)
            return NULL;
    }
    po_field_set(self, &((po_pkcs12 *)self)->cas, cas);
    Py_RETURN_NONE;
}

PyObject *po_pkcs12_set_friendlyname(po_object *self, const char *text)
{
    PyObject *name = text != NULL ? PyBytes_FromString(text) : NULL;

    if (name == NULL && text != NULL)
        return NULL;
    po_field_set(self, &((po_pkcs12 *)self)->name, name);
    Py_RETURN_NONE;
}

/* ---- export ---- */

static int fill_name(po_state *state, pyossl_pkcs12 *handle, PyObject *name)
{
    pyossl_status status;

    if (name == NULL)
        return 0;
    status = pyossl_pkcs12_set_friendly_name(handle, PyBytes_AS_STRING(name),
                                             (size_t)PyBytes_GET_SIZE(name));
    if (status == PYOSSL_OK)
        return 0;
    po_raise(state, PO_CRYPTO, status);
    return -1;
}

static int fill_cas(po_state *state, pyossl_pkcs12 *handle, PyObject *cas)
{
    po_auto_handles certs = PO_HANDLES_INIT;
    pyossl_status status;

    if (cas == NULL)
        return 0;
    if (po_take_handles(state, cas, PO_X509, "cacerts", &certs) < 0)
        return -1;
    status = pyossl_pkcs12_set_cas(handle, PO_CERTS(certs), certs.count);
    if (status == PYOSSL_OK)
        return 0;
    po_raise(state, PO_CRYPTO, status);
    return -1;
}

static int fill(po_state *state, pyossl_pkcs12 *handle, PyObject *cert, PyObject *key,
                PyObject *cas, PyObject *name)
{
    if (cert != NULL) {
        po_auto(pyossl_x509) *x509 = po_take_handle(state, cert, PO_X509, "cert");

        if (x509 == NULL)
            return -1;
        pyossl_pkcs12_set_cert(handle, x509);
    }
    if (key != NULL) {
        po_auto(pyossl_pkey) *pkey = po_take_handle(state, key, PO_PKEY, "pkey");

        if (pkey == NULL)
            return -1;
        pyossl_pkcs12_set_pkey(handle, pkey);
    }
    if (fill_cas(state, handle, cas) < 0 || fill_name(state, handle, name) < 0)
        return -1;
    return 0;
}

/* A handle filled with what @object holds; NULL with an exception. */
static pyossl_pkcs12 *make(po_object *object)
{
    po_pkcs12 *self = (po_pkcs12 *)object;
    po_state *state = object->state;
    PyObject *cert = get(object, &self->cert), *key = get(object, &self->key);
    PyObject *cas = get(object, &self->cas), *name = get(object, &self->name);
    pyossl_pkcs12 *handle = NULL;
    pyossl_status status = pyossl_pkcs12_new(&handle);

    if (status != PYOSSL_OK) {
        po_raise(state, PO_CRYPTO, status);
    } else if (fill(state, handle, cert, key, cas, name) < 0) {
        pyossl_pkcs12_unref(handle);
        handle = NULL;
    }
    Py_XDECREF(cert);
    Py_XDECREF(key);
    Py_XDECREF(cas);
    Py_XDECREF(name);
    return handle;
}

PyObject *po_pkcs12_export(po_object *self, const po_bytes *secret, int iter, int maciter,
                           const char *cipher, const char *mac_digest)
{
    pyossl_pkcs12_options options = PYOSSL_PKCS12_OPTIONS_INIT;
    const pyossl_passphrase passphrase = { secret->data, secret->len, NULL, NULL };
    po_auto(pyossl_pkcs12) *handle = make(self);
    pyossl_buf out = PYOSSL_BUF_INIT;
    pyossl_status status;
    po_frame frame;

    if (handle == NULL)
        return NULL;
    /* As OpenSSL has it: no number at all is its own number. */
    options.iterations = iter < 0 ? 0 : iter;
    options.mac_iterations = maciter < -1 ? 0 : maciter;
    options.cipher = cipher;
    options.mac_digest = mac_digest;
    po_long_enter(&frame);
    status = pyossl_pkcs12_dump(handle, secret->len > 0 ? &passphrase : NULL, &options, &out);
    po_frame_end(&frame);
    if (status != PYOSSL_OK)
        return po_raise(self->state, PO_CRYPTO, status);
    return po_from_buf(&out);
}

/* ---- loading ---- */

static PyObject *tuple_of_cas(po_state *state, const pyossl_pkcs12 *handle)
{
    size_t count = pyossl_pkcs12_ca_count(handle);
    PyObject *tuple = PyTuple_New((Py_ssize_t)count);

    for (size_t i = 0; tuple != NULL && i < count; i++) {
        PyObject *cert = po_wrap(state, PO_X509, pyossl_x509_ref(pyossl_pkcs12_ca_at(handle, i)));

        if (cert == NULL)
            Py_CLEAR(tuple);
        else
            PyTuple_SET_ITEM(tuple, (Py_ssize_t)i, cert);
    }
    return tuple;
}

/* 0, or -1 with an exception. */
static int take_parts(po_pkcs12 *self, const pyossl_pkcs12 *handle)
{
    po_state *state = self->base.state;
    size_t len = 0;
    const char *name = pyossl_pkcs12_friendly_name(handle, &len);
    pyossl_x509 *cert = pyossl_pkcs12_cert(handle);
    pyossl_pkey *key = pyossl_pkcs12_pkey(handle);

    if (cert != NULL)
        self->cert = po_wrap(state, PO_X509, pyossl_x509_ref(cert));
    if (key != NULL)
        self->key = po_wrap(state, PO_PKEY, pyossl_pkey_ref(key));
    if (name != NULL)
        self->name = PyBytes_FromStringAndSize(name, (Py_ssize_t)len);
    if (pyossl_pkcs12_ca_count(handle) > 0)
        self->cas = tuple_of_cas(state, handle);
    return PyErr_Occurred() ? -1 : 0;
}

PyObject *po_pkcs12_from(po_state *state, const pyossl_pkcs12 *handle)
{
    PyTypeObject *type = state->types[PO_PKCS12];
    PyObject *object = type->tp_alloc(type, 0);

    if (object == NULL)
        return NULL;
    ((po_object *)object)->state = state;
    if (take_parts((po_pkcs12 *)object, handle) < 0)
        Py_CLEAR(object);
    return object;
}

/* ---- the type ---- */

static int traverse(PyObject *object, visitproc visit, void *arg)
{
    po_pkcs12 *self = (po_pkcs12 *)object;

    Py_VISIT(self->cert);
    Py_VISIT(self->key);
    Py_VISIT(self->cas);
    return po_traverse(object, visit, arg);
}

static int clear(PyObject *object)
{
    po_pkcs12 *self = (po_pkcs12 *)object;

    Py_CLEAR(self->cert);
    Py_CLEAR(self->key);
    Py_CLEAR(self->cas);
    Py_CLEAR(self->name);
    return po_clear(object);
}

static PyType_Slot slots[] = {
    { Py_tp_new, (void *)po_new },        { Py_tp_dealloc, (void *)po_dealloc },
    { Py_tp_traverse, (void *)traverse }, { Py_tp_clear, (void *)clear },
    { Py_tp_members, po_members },        { Py_tp_getset, po_getset },
    { Py_tp_methods, po_pkcs12_methods }, { Py_tp_init, (void *)po_pkcs12_tp_init },
    { Py_tp_doc, (void *)po_pkcs12_doc }, { 0, NULL },
};

PyType_Spec po_pkcs12_spec = { "OpenSSL.crypto.PKCS12", sizeof(po_pkcs12), 0, PO_TYPE_FLAGS,
                               slots };
