/* What OpenSSL._private asks for: names that programs know from inside other implementations. */
#include "crypto_private_methods.h"

PyObject *po_crypto_private_oid_names(po_state *state, int nid)
{
    const char *short_name, *long_name;
    pyossl_buf dotted = PYOSSL_BUF_INIT;
    PyObject *result;

    (void)state;
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

/* ---- keys ---- */

PyObject *po_crypto_private_dump_traditional(po_state *state, pyossl_pkey *pkey, const char *cipher,
                                             PyObject *asked)
{
    po_auto_passphrase passphrase = PO_PASSPHRASE_INIT;
    pyossl_buf text = PYOSSL_BUF_INIT;
    po_frame frame;
    pyossl_status status;

    if (po_to_passphrase(asked, &frame, &passphrase) < 0)
        return NULL;
    po_long_enter(&frame);
    status = pyossl_pkey_dump_traditional(pkey, cipher, passphrase.given, &text);
    if (po_frame_leave(&frame) < 0) {
        pyossl_buf_clear(&text);
        return NULL;
    }
    return status == PYOSSL_OK ? po_from_buf(&text) : po_raise(state, PO_CRYPTO, status);
}

PyObject *po_crypto_private_cipher_is_known(po_state *state, const char *name)
{
    const bool known = pyossl_cipher_check(name) == PYOSSL_OK;

    (void)state;
    if (!known)
        pyossl_error_clear();
    return PyBool_FromLong(known);
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

PyObject *po_crypto_private_adopt(po_state *state, PyObject *object, PyObject *other)
{
    static const po_type_id ids[] = { PO_X509, PO_REQ, PO_PKEY, PO_EXT, PO_PKCS7, PO_STORE };

    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        void *handle;

        if (!PO_IS(state, object, ids[i]) || !PO_IS(state, other, ids[i]))
            continue;
        handle = handle_for_another(state, other, ids[i]);
        if (handle == NULL)
            return NULL;
        if (ids[i] == PO_X509)
            po_x509_become(object, handle);
        else
            po_replace((po_object *)object, ids[i], handle);
        Py_RETURN_NONE;
    }
    return PyErr_Format(PyExc_TypeError, "a '%.100s' object cannot become a '%.100s'",
                        Py_TYPE(object)->tp_name, Py_TYPE(other)->tp_name);
}

PyObject *po_crypto_private_is_empty(po_state *state, PyObject *object)
{
    for (int i = 0; i < PO_TYPE_MAX; i++)
        if (state->types[i] != NULL && PO_IS(state, object, i))
            return PyBool_FromLong(((po_object *)object)->handle == NULL);
    PyErr_SetString(PyExc_TypeError, "an object of this package is needed");
    return NULL;
}
