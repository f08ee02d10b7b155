/* OpenSSL.crypto.X509 */
#include "crypto_x509_methods.h"

typedef struct po_x509 {
    po_object base;
    unsigned long revision;            /* what the next three were made of */
    PyObject *der, *pem;               /* the certificate when it was last dumped, or NULL */
    PyObject *serial;                  /* its serial number, or NULL */
    PyObject *names[PO_NAMES_OF_X509]; /* views that nobody has, without a reference; or NULL */
} po_x509;

/* What was made of a certificate, and is of no more use. */
typedef struct made {
    PyObject *der, *pem, *serial, *names[PO_NAMES_OF_X509];
} made;

/* With the lock, or where nobody else can have the object. */
static made take_made(po_x509 *self)
{
    made taken = { self->der, self->pem, self->serial, { NULL } };

    self->der = self->pem = self->serial = NULL;
    for (int i = 0; i < PO_NAMES_OF_X509; i++) {
        taken.names[i] = self->names[i];
        self->names[i] = NULL;
    }
    return taken;
}

static void release_made(const made *taken)
{
    Py_XDECREF(taken->der);
    Py_XDECREF(taken->pem);
    Py_XDECREF(taken->serial);
    for (int i = 0; i < PO_NAMES_OF_X509; i++)
        po_name_discard(taken->names[i]);
}

/* Nobody else has the object. */
static int forget(PyObject *object)
{
    const made taken = take_made((po_x509 *)object);

    release_made(&taken);
    return po_clear(object);
}

/* A kept view has a reference to its type, and nothing else that the collector need know of. */
static int traverse(PyObject *object, visitproc visit, void *arg)
{
    const po_x509 *self = (po_x509 *)object;

    for (int i = 0; i < PO_NAMES_OF_X509; i++)
        if (self->names[i] != NULL)
            Py_VISIT(Py_TYPE(self->names[i]));
    return po_traverse(object, visit, arg);
}

/* With the lock: forget what was made of the certificate before it changed. */
static void refresh(po_x509 *self, const pyossl_x509 *cert)
{
    const unsigned long revision = pyossl_x509_revision(cert);

    if (self->revision == revision)
        return;
    self->revision = revision;
    Py_CLEAR(self->der);
    Py_CLEAR(self->pem);
    Py_CLEAR(self->serial);
}

/* The certificate that is replaced may have come as far as the new one: nothing of it stays. */
void po_x509_become(PyObject *object, pyossl_x509 *cert)
{
    po_object *self = (po_object *)object;
    pyossl_x509 *old;
    po_frame frame;
    made taken;

    po_quick_enter(&frame, self);
    old = self->handle;
    self->handle = cert;
    taken = take_made((po_x509 *)object);
    po_frame_end(&frame);
    release_made(&taken);
    pyossl_x509_unref(old);
}

int po_x509_init(po_object *self)
{
    pyossl_x509 *cert = NULL;
    const pyossl_status status = pyossl_x509_new(&cert);

    if (status != PYOSSL_OK) {
        po_raise(self->state, PO_CRYPTO, status);
        return -1;
    }
    po_x509_become((PyObject *)self, cert);
    return 0;
}

PyObject *po_x509_dump(PyObject *object, pyossl_format format)
{
    po_x509 *self = (po_x509 *)object;
    PyObject **kept = format == PYOSSL_PEM ? &self->pem : &self->der;
    pyossl_buf bytes = PYOSSL_BUF_INIT;
    pyossl_status status = PYOSSL_OK;
    po_frame frame;
    const pyossl_x509 *cert = po_enter_quick(&frame, &self->base);
    PyObject *result;

    if (cert == NULL)
        return NULL;
    refresh(self, cert);
    if (*kept == NULL) {
        status = pyossl_x509_dump(cert, format, &bytes);
        if (status == PYOSSL_OK)
            *kept = po_from_buf(&bytes);
    }
    result = Py_XNewRef(*kept);
    if (po_frame_leave(&frame) < 0)
        Py_CLEAR(result);
    else if (status != PYOSSL_OK)
        po_raise(self->base.state, PO_CRYPTO, status);
    return result;
}

/* ---- serial number ---- */

static PyObject *make_serial(const pyossl_x509 *cert)
{
    PyObject *number, *magnitude;
    const unsigned char *bytes;
    size_t len;
    int negative;

    bytes = pyossl_x509_serial_bytes(cert, &len, &negative);
    number = po_long_from_bytes(bytes, len);
    if (number == NULL || !negative)
        return number;
    magnitude = number;
    number = PyNumber_Negative(magnitude);
    Py_DECREF(magnitude);
    return number;
}

PyObject *po_x509_get_serial_number(po_object *object)
{
    po_x509 *self = (po_x509 *)object;
    po_frame frame;
    const pyossl_x509 *cert = po_enter_quick(&frame, &self->base);
    PyObject *number;

    if (cert == NULL)
        return NULL;
    refresh(self, cert);
    if (self->serial == NULL)
        self->serial = make_serial(cert);
    number = Py_XNewRef(self->serial);
    if (po_frame_leave(&frame) < 0)
        Py_CLEAR(number);
    return number;
}

/* ---- names ---- */

bool po_x509_keep_name(PyObject *owner, po_name_of which, PyObject *object)
{
    po_x509 *self = (po_x509 *)owner;

    if (!PO_INTERPRETER_LOCKED || self->names[which] != NULL)
        return false;
    self->names[which] = object;
    return true;
}

/* With the lock: the kept view, which is then the caller's. NULL where there is none that fits. */
static PyObject *take_name(po_x509 *self, const pyossl_x509 *cert, po_name_of which)
{
    PyObject *kept = self->names[which];

    self->names[which] = NULL;
    if (kept == NULL || po_name_fits(kept, cert))
        return kept;
    po_name_discard(kept);
    return NULL;
}

static PyObject *name_of(po_object *self, po_name_of which)
{
    PyObject *object = (PyObject *)self;
    pyossl_status status = PYOSSL_OK;
    PyObject *result, *kept;
    pyossl_name *name = NULL;
    unsigned long revision;
    po_frame frame;
    pyossl_x509 *cert = po_enter_quick(&frame, self);

    if (cert == NULL)
        return NULL;
    kept = take_name((po_x509 *)object, cert, which);
    if (kept == NULL)
        status = (which == PO_SUBJECT ? pyossl_x509_subject : pyossl_x509_issuer)(cert, &name);
    revision = pyossl_x509_revision(cert);
    if (po_frame_leave(&frame) < 0)
        return NULL;
    if (kept != NULL)
        return po_name_revive(kept, object);
    if (status != PYOSSL_OK)
        return po_raise(self->state, PO_CRYPTO, status);
    result = po_name_wrap(self->state, name, object);
    if (result != NULL)
        po_name_set_source(result, cert, which, revision);
    return result;
}

PyObject *po_x509_get_subject(po_object *self)
{
    return name_of(self, PO_SUBJECT);
}

PyObject *po_x509_get_issuer(po_object *self)
{
    return name_of(self, PO_ISSUER);
}

/* ---- validity and signature ---- */

PyObject *po_x509_no_end(po_object *self, pyossl_status status)
{
    if (status != PYOSSL_E_NOT_FOUND && status != PYOSSL_E_FORMAT)
        return po_raise(self->state, PO_CRYPTO, status);
    PyErr_SetString(PyExc_ValueError, status == PYOSSL_E_NOT_FOUND
                                          ? "notAfter is not set"
                                          : "notAfter cannot be read as a time");
    return NULL;
}

PyObject *po_x509_get_signature_algorithm(po_object *self)
{
    const char *name = NULL;
    po_frame frame;
    const pyossl_x509 *cert = po_enter_quick(&frame, self);
    pyossl_status status;

    if (cert == NULL)
        return NULL;
    status = pyossl_x509_signature_algorithm(cert, &name);
    po_frame_end(&frame);
    if (status == PYOSSL_E_NOT_FOUND) {
        PyErr_SetString(PyExc_ValueError, "the signature algorithm is not known");
        return NULL;
    }
    if (status != PYOSSL_OK)
        return po_raise(self->state, PO_CRYPTO, status);
    return PyBytes_FromString(name);
}

/* ---- extensions ---- */

PyObject *po_x509_get_extension(po_object *self, long index)
{
    pyossl_status status = PYOSSL_E_NOT_FOUND;
    pyossl_ext *ext = NULL;
    po_frame frame;
    const bool locked = po_look_enter(&frame, self), empty = self->handle == NULL;

    if (!empty && index >= 0)
        status = pyossl_x509_ext_at(self->handle, (size_t)index, &ext);
    if (locked)
        po_frame_end(&frame);
    if (status == PYOSSL_OK)
        return po_ext_wrap(self->state, ext);
    if (empty)
        return po_raise_empty(self, PO_CRYPTO);
    if (status != PYOSSL_E_NOT_FOUND)
        return po_raise(self->state, PO_CRYPTO, status);
    PyErr_SetString(PyExc_IndexError, "extension index out of bounds");
    return NULL;
}

static PyType_Slot slots[] = {
    { Py_tp_new, (void *)po_new },        { Py_tp_dealloc, (void *)po_dealloc },
    { Py_tp_traverse, (void *)traverse }, { Py_tp_clear, (void *)forget },
    { Py_tp_members, po_members },        { Py_tp_getset, po_getset },
    { Py_tp_methods, po_x509_methods },   { Py_tp_init, (void *)po_x509_tp_init },
    { Py_tp_doc, (void *)po_x509_doc },   { 0, NULL },
};

PyType_Spec po_x509_spec = { "OpenSSL.crypto.X509", sizeof(po_x509), 0, PO_TYPE_FLAGS, slots };
