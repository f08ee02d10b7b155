/* What OpenSSL._private asks for: names that programs know from inside other implementations. */
#include "crypto_common.h"
#include "ssl.h"
#include "types.h"

static po_state *state_of(PyObject *module)
{
    return PyModule_GetState(module);
}

static PyObject *bytes_or_raise(po_state *state, pyossl_status status, pyossl_buf *buf)
{
    return status == PYOSSL_OK ? po_from_buf(buf) : po_raise(state, PO_CRYPTO, status);
}

/* ---- object identifiers ---- */

/* oid_nid(text) -> int */
static PyObject *oid_nid(PyObject *module, PyObject *text)
{
    po_auto_bytes bytes = PO_BYTES_INIT;

    (void)module;
    if (po_to_cstring(text, "text", PO_STR_UTF8, &bytes) < 0)
        return NULL;
    return PyLong_FromLong(pyossl_oid_nid(bytes.data));
}

/* oid_names(nid) -> (short, long, dotted), bytes, or None where there is no such number */
static PyObject *oid_names(PyObject *module, PyObject *number)
{
    const char *short_name, *long_name;
    pyossl_buf dotted = PYOSSL_BUF_INIT;
    PyObject *result;
    int nid;

    (void)module;
    if (po_to_int(number, "nid", &nid) < 0)
        return NULL;
    short_name = pyossl_oid_short_name(nid);
    long_name = pyossl_oid_long_name(nid);
    if (short_name == NULL || long_name == NULL)
        Py_RETURN_NONE;
    if (pyossl_oid_text(nid, &dotted) != PYOSSL_OK) /* "undefined" has names, and no number */
        pyossl_error_clear();
    result = Py_BuildValue("yyy#", short_name, long_name, (const char *)dotted.data,
                           (Py_ssize_t)dotted.len);
    pyossl_buf_clear(&dotted);
    return result;
}

/* oid_create(dotted, short, long) -> int; NULs have been refused */
static PyObject *oid_create(PyObject *module, PyObject *args)
{
    const char *dotted, *short_name, *long_name;
    pyossl_status status;
    int nid;

    if (!PyArg_ParseTuple(args, "yyy", &dotted, &short_name, &long_name))
        return NULL;
    status = pyossl_oid_create(dotted, short_name, long_name, &nid);
    return status == PYOSSL_OK ? PyLong_FromLong(nid)
                               : po_raise(state_of(module), PO_CRYPTO, status);
}

/* ext_nid(extension) -> int */
static PyObject *ext_nid(PyObject *module, PyObject *object)
{
    pyossl_ext *ext = po_take_handle(state_of(module), object, PO_EXT, "extension");
    int nid;

    if (ext == NULL)
        return NULL;
    nid = pyossl_ext_nid(ext);
    pyossl_ext_unref(ext);
    return PyLong_FromLong(nid);
}

/* ext_oid(extension) -> bytes, dotted */
static PyObject *ext_oid(PyObject *module, PyObject *object)
{
    po_state *state = state_of(module);
    pyossl_ext *ext = po_take_handle(state, object, PO_EXT, "extension");
    pyossl_buf oid = PYOSSL_BUF_INIT;
    pyossl_status status;

    if (ext == NULL)
        return NULL;
    status = pyossl_ext_oid(ext, &oid);
    pyossl_ext_unref(ext);
    return bytes_or_raise(state, status, &oid);
}

/* ---- keys ---- */

/* dump_traditional(pkey, cipher, passphrase) -> bytes; cipher may be None */
static PyObject *dump_traditional(PyObject *module, PyObject *args)
{
    po_state *state = state_of(module);
    po_auto(pyossl_pkey) *key = NULL;
    po_auto_passphrase passphrase = PO_PASSPHRASE_INIT;
    pyossl_buf text = PYOSSL_BUF_INIT;
    PyObject *object, *asked;
    const char *cipher;
    po_frame frame;
    pyossl_status status;

    if (!PyArg_ParseTuple(args, "OzO", &object, &cipher, &asked))
        return NULL;
    key = po_take_handle(state, object, PO_PKEY, "pkey");
    if (key == NULL || po_to_passphrase(asked, &frame, &passphrase) < 0)
        return NULL;
    po_long_enter(&frame);
    status = pyossl_pkey_dump_traditional(key, cipher, passphrase.given, &text);
    if (po_frame_leave(&frame) < 0) {
        pyossl_buf_clear(&text);
        return NULL;
    }
    return bytes_or_raise(state, status, &text);
}

/* cipher_is_known(name) -> bool */
static PyObject *cipher_is_known(PyObject *module, PyObject *name)
{
    po_auto_bytes bytes = PO_BYTES_INIT;
    bool known;

    (void)module;
    if (po_to_cstring(name, "name", PO_STR_UTF8, &bytes) < 0)
        return NULL;
    known = pyossl_cipher_check(bytes.data) == PYOSSL_OK;
    if (!known)
        pyossl_error_clear();
    return PyBool_FromLong(known);
}

/* ---- PKCS #7 ---- */

/* pkcs7_dump(message, type) -> bytes */
static PyObject *pkcs7_dump(PyObject *module, PyObject *args)
{
    po_state *state = state_of(module);
    pyossl_buf out = PYOSSL_BUF_INIT;
    PyObject *object;
    pyossl_pkcs7 *message;
    pyossl_status status;
    int format;

    if (!PyArg_ParseTuple(args, "Oi", &object, &format))
        return NULL;
    message = po_take_handle(state, object, PO_PKCS7, "p7");
    if (message == NULL)
        return NULL;
    status = pyossl_pkcs7_dump(message, (pyossl_format)format, &out);
    pyossl_pkcs7_unref(message);
    return bytes_or_raise(state, status, &out);
}

/* pkcs7_sign(cert, pkey, others, data, flags) -> PKCS7 */
static PyObject *pkcs7_sign(PyObject *module, PyObject *args)
{
    po_state *state = state_of(module);
    po_auto(pyossl_x509) *cert = NULL;
    po_auto(pyossl_pkey) *key = NULL;
    po_auto_handles others = PO_HANDLES_INIT;
    PyObject *signer, *signing, *more;
    pyossl_pkcs7 *message = NULL;
    const char *data;
    Py_ssize_t len;
    unsigned flags;
    po_frame frame;
    pyossl_status status;

    if (!PyArg_ParseTuple(args, "OOO!y#I", &signer, &signing, &PyTuple_Type, &more, &data, &len,
                          &flags))
        return NULL;
    cert = po_take_handle(state, signer, PO_X509, "signcert");
    if (cert == NULL)
        return NULL;
    key = po_signing_key(state, signing, "pkey");
    if (key == NULL || po_take_handles(state, more, PO_X509, "certs", &others) < 0)
        return NULL;
    po_frame_enter(&frame, (po_object *)signer);
    status = pyossl_pkcs7_sign(&message, cert, key, PO_CERTS(others), others.count, data,
                               (size_t)len, flags);
    po_frame_end(&frame);
    if (status != PYOSSL_OK)
        return po_raise(state, PO_CRYPTO, status);
    return po_wrap(state, PO_PKCS7, message);
}

/* pkcs7_verify(message, certs, store, detached, flags) -> content; store and detached may be None */
static PyObject *pkcs7_verify(PyObject *module, PyObject *args)
{
    po_state *state = state_of(module);
    po_auto(pyossl_store) *store = NULL;
    po_auto_handles certs = PO_HANDLES_INIT;
    pyossl_buf content = PYOSSL_BUF_INIT;
    PyObject *object, *more, *trusted;
    pyossl_pkcs7 *message;
    const char *data;
    Py_ssize_t len;
    unsigned flags;
    po_frame frame;
    pyossl_status status;

    if (!PyArg_ParseTuple(args, "OO!Oz#I", &object, &PyTuple_Type, &more, &trusted, &data, &len,
                          &flags) ||
        po_take_handles(state, more, PO_X509, "certs", &certs) < 0)
        return NULL;
    if (trusted != Py_None) {
        store = po_take_handle(state, trusted, PO_STORE, "store");
        if (store == NULL)
            return NULL;
    }
    message = po_take_handle(state, object, PO_PKCS7, "p7");
    if (message == NULL)
        return NULL;
    po_frame_enter(&frame, NULL);
    status = pyossl_pkcs7_verify(message, PO_CERTS(certs), certs.count, store, data, (size_t)len,
                                 flags, &content);
    pyossl_pkcs7_unref(message);
    po_frame_end(&frame);
    return bytes_or_raise(state, status, &content);
}

/* ---- another object on what an object has ---- */

/*
 * A handle of its own for whoever may change it; what never changes, and what may be
 * changed from several threads at once, is shared. NULL with an exception.
 */
static void *handle_for_another(po_state *state, PyObject *object, po_type_id id)
{
    void *handle = po_take_handle(state, object, id, "object"), *copy = NULL;
    pyossl_status status;
    po_frame frame;

    if (handle == NULL || (id != PO_X509 && id != PO_REQ))
        return handle;
    po_quick_enter(&frame, (po_object *)object);
    if (id == PO_X509) {
        pyossl_x509 *made = NULL;

        status = pyossl_x509_copy(&made, handle);
        copy = made;
    } else {
        pyossl_req *made = NULL;

        status = pyossl_req_copy(&made, handle);
        copy = made;
    }
    po_types[id].unref(handle);
    po_frame_end(&frame);
    return status == PYOSSL_OK ? copy : po_raise(state, PO_CRYPTO, status);
}

/* adopt(object, other): @object becomes what @other is; of one of these types, both. */
static PyObject *adopt(PyObject *module, PyObject *args)
{
    static const po_type_id ids[] = { PO_X509, PO_REQ, PO_PKEY, PO_EXT, PO_PKCS7, PO_STORE };
    po_state *state = state_of(module);
    PyObject *object, *other;

    if (!PyArg_ParseTuple(args, "OO", &object, &other))
        return NULL;
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        void *handle;

        if (!PO_IS(state, object, ids[i]) || !PO_IS(state, other, ids[i]))
            continue;
        handle = handle_for_another(state, other, ids[i]);
        if (handle == NULL)
            return NULL;
        po_replace((po_object *)object, ids[i], handle);
        if (ids[i] == PO_X509)
            po_x509_forget(object);
        Py_RETURN_NONE;
    }
    return PyErr_Format(PyExc_TypeError, "a '%.100s' object cannot become a '%.100s'",
                        Py_TYPE(object)->tp_name, Py_TYPE(other)->tp_name);
}

/* is_empty(object) -> bool: whether it was never given what it is about */
static PyObject *is_empty(PyObject *module, PyObject *object)
{
    po_state *state = state_of(module);

    for (int i = 0; i < PO_TYPE_MAX; i++)
        if (state->types[i] != NULL && PO_IS(state, object, i))
            return PyBool_FromLong(((po_object *)object)->handle == NULL);
    PyErr_SetString(PyExc_TypeError, "an object of this package is needed");
    return NULL;
}

PyMethodDef po_crypto_private_functions[] = {
    { "name_add", po_name_add, METH_VARARGS, NULL },
    { "oid_nid", oid_nid, METH_O, NULL },
    { "oid_names", oid_names, METH_O, NULL },
    { "oid_create", oid_create, METH_VARARGS, NULL },
    { "ext_nid", ext_nid, METH_O, NULL },
    { "ext_oid", ext_oid, METH_O, NULL },
    { "dump_traditional", dump_traditional, METH_VARARGS, NULL },
    { "cipher_is_known", cipher_is_known, METH_O, NULL },
    { "pkcs7_dump", pkcs7_dump, METH_VARARGS, NULL },
    { "pkcs7_sign", pkcs7_sign, METH_VARARGS, NULL },
    { "pkcs7_verify", pkcs7_verify, METH_VARARGS, NULL },
    { "adopt", adopt, METH_VARARGS, NULL },
    { "is_empty", is_empty, METH_O, NULL },
    { NULL, NULL, 0, NULL },
};
