/* OpenSSL.crypto.PKCS12: holds the very objects it was given, and makes a message when exported. */
#define PO_HANDLE void
#define PO_DOMAIN PO_CRYPTO

#include "shapes.h"

#include "crypto_common.h"

#include "crypto_pkcs12.def"

typedef struct po_pkcs12 {
    po_object base;
    PyObject *cert; /* these are NULL for None */
    PyObject *key;
    PyObject *cas;  /* tuple */
    PyObject *name; /* bytes */
} po_pkcs12;

static int init(PyObject *object, PyObject *args, PyObject *kwargs)
{
    (void)object;
    return po_no_args("PKCS12", args, kwargs);
}

static PyObject *get(PyObject *object, PyObject *const *place)
{
    po_frame frame;
    PyObject *value;

    po_quick_enter(&frame, (po_object *)object);
    value = Py_XNewRef(*place);
    (void)po_frame_leave(&frame);
    return value;
}

static PyObject *get_or_none(PyObject *object, PyObject *const *place)
{
    PyObject *value = get(object, place);

    return value != NULL ? value : Py_NewRef(Py_None);
}

/* Takes @value over. */
static void set(PyObject *object, PyObject **place, PyObject *value)
{
    po_frame frame;
    PyObject *old;

    po_quick_enter(&frame, (po_object *)object);
    old = *place;
    *place = value;
    (void)po_frame_leave(&frame);
    Py_XDECREF(old);
}

PO_METHOD0(get_certificate)
{
    (void)unused;
    return get_or_none(object, &((po_pkcs12 *)object)->cert);
}

PO_METHOD0(get_privatekey)
{
    (void)unused;
    return get_or_none(object, &((po_pkcs12 *)object)->key);
}

PO_METHOD0(get_ca_certificates)
{
    (void)unused;
    return get_or_none(object, &((po_pkcs12 *)object)->cas);
}

PO_METHOD0(get_friendlyname)
{
    (void)unused;
    return get_or_none(object, &((po_pkcs12 *)object)->name);
}

/* An object of type @id, or None. */
static PyObject *set_object(PyObject *object, PyObject **place, PyObject *value, po_type_id id,
                            const char *name)
{
    if (value == NULL)
        return NULL;
    if (value == Py_None) {
        set(object, place, NULL);
        Py_RETURN_NONE;
    }
    if (!PO_IS(PO_STATE(object), value, id)) {
        return PyErr_Format(PyExc_TypeError, "%s must be %s instance or None", name,
                            id == PO_X509 ? "an X509" : "a PKey");
    }
    set(object, place, Py_NewRef(value));
    Py_RETURN_NONE;
}

PO_METHOD(set_certificate)
{
    return set_object(object, &((po_pkcs12 *)object)->cert,
                      po_one_arg("set_certificate", "cert", args, nargs, kwnames), PO_X509, "cert");
}

PO_METHOD(set_privatekey)
{
    return set_object(object, &((po_pkcs12 *)object)->key,
                      po_one_arg("set_privatekey", "pkey", args, nargs, kwnames), PO_PKEY, "pkey");
}

PO_METHOD(set_ca_certificates)
{
    PyObject *given = po_one_arg("set_ca_certificates", "cacerts", args, nargs, kwnames);
    PyObject *cas = NULL;

    if (given == NULL)
        return NULL;
    if (given != Py_None) {
        cas = po_cert_tuple(PO_STATE(object), given, "cacerts");
        if (cas == NULL)
            return NULL;
    }
    set(object, &((po_pkcs12 *)object)->cas, cas);
    Py_RETURN_NONE;
}

PO_METHOD(set_friendlyname)
{
    PyObject *given = po_one_arg("set_friendlyname", "name", args, nargs, kwnames);
    po_auto_bytes bytes = PO_BYTES_INIT;
    PyObject *name = NULL;

    if (given == NULL)
        return NULL;
    if (given != Py_None) {
        if (po_to_cstring(given, "name", PO_STR_UTF8, &bytes) < 0)
            return NULL;
        name = PyBytes_FromStringAndSize(bytes.data, (Py_ssize_t)bytes.len);
        if (name == NULL)
            return NULL;
    }
    set(object, &((po_pkcs12 *)object)->name, name);
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
static pyossl_pkcs12 *make(PyObject *object)
{
    po_pkcs12 *self = (po_pkcs12 *)object;
    po_state *state = PO_STATE(object);
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

static int optional_int(PyObject *given, const char *name, int *out)
{
    return given == NULL ? 0 : po_to_int(given, name, out);
}

static int optional_text(PyObject *given, const char *name, po_bytes *out)
{
    return given == NULL || given == Py_None ? 0 : po_to_cstring(given, name, PO_STR_UTF8, out);
}

PO_METHOD(export)
{
    static const char *const names[] = { "passphrase", "iter", "maciter", "cipher", "mac_digest" };
    static const po_params params = { "export", names, 0, 5 };
    pyossl_pkcs12_options options = PYOSSL_PKCS12_OPTIONS_INIT;
    po_auto_bytes secret = PO_BYTES_INIT, cipher = PO_BYTES_INIT, digest = PO_BYTES_INIT;
    po_auto(pyossl_pkcs12) *handle = NULL;
    pyossl_passphrase passphrase = { NULL, 0, NULL, NULL };
    pyossl_buf out = PYOSSL_BUF_INIT;
    PyObject *given[5];
    pyossl_status status;
    po_frame frame;

    if (po_args(&params, args, nargs, kwnames, given) < 0 ||
        (given[0] != NULL && given[0] != Py_None &&
         po_to_bytes(given[0], "passphrase", PO_STR_WARN, &secret) < 0) ||
        optional_int(given[1], "iter", &options.iterations) < 0 ||
        optional_int(given[2], "maciter", &options.mac_iterations) < 0 ||
        optional_text(given[3], "cipher", &cipher) < 0 ||
        optional_text(given[4], "mac_digest", &digest) < 0)
        return NULL;
    /* As OpenSSL has it: no number at all is its own number. */
    if (options.iterations < 0)
        options.iterations = 0;
    if (options.mac_iterations < -1)
        options.mac_iterations = 0;
    handle = make(object);
    if (handle == NULL)
        return NULL;
    passphrase.data = secret.data;
    passphrase.len = secret.len;
    options.cipher = cipher.data;
    options.mac_digest = digest.data;
    po_long_enter(&frame);
    status = pyossl_pkcs12_dump(handle, secret.len > 0 ? &passphrase : NULL, &options, &out);
    po_frame_end(&frame);
    if (status != PYOSSL_OK)
        return po_raise(PO_STATE(object), PO_CRYPTO, status);
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

#include "rows.h"

static PyMethodDef methods[] = {
    PO_COMMON_METHODS,
#include "crypto_pkcs12.def"
    { NULL, NULL, 0, NULL },
};

static PyType_Slot slots[] = {
    { Py_tp_new, (void *)po_new },
    { Py_tp_dealloc, (void *)po_dealloc },
    { Py_tp_traverse, (void *)traverse },
    { Py_tp_clear, (void *)clear },
    { Py_tp_members, po_members },
    { Py_tp_getset, po_getset },
    { Py_tp_methods, methods },
    { Py_tp_init, (void *)init },
    { Py_tp_doc, (void *)"PKCS12()\n--\n\n"
                         "A private key, its certificate and their chain in one file (RFC 7292)." },
    { 0, NULL },
};

PyType_Spec po_pkcs12_spec = { "OpenSSL.crypto.PKCS12", sizeof(po_pkcs12), 0, PO_TYPE_FLAGS,
                               slots };
