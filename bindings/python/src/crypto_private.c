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

#define COPY(noun)                                                                                 \
    static pyossl_status copy_##noun(void **out, const void *from)                                 \
    {                                                                                              \
        pyossl_##noun *made = NULL;                                                                \
        const pyossl_status status = pyossl_##noun##_copy(&made, from);                            \
                                                                                                   \
        *out = made;                                                                               \
        return status;                                                                             \
    }

COPY(x509)
COPY(req)
COPY(crl)
COPY(revoked)
COPY(spki)

/*
 * A copy for whoever may change it; what never changes, and what may be changed from several
 * threads at once, is shared.
 */
static const struct kind {
    po_type_id id;
    pyossl_status (*copy)(void **out, const void *from); /* NULL: shared */
} kinds[] = {
    { PO_X509, copy_x509 }, { PO_REQ, copy_req },
    { PO_CRL, copy_crl },   { PO_REVOKED, copy_revoked },
    { PO_SPKI, copy_spki }, { PO_PKEY, NULL },
    { PO_EXT, NULL },       { PO_PKCS7, NULL },
    { PO_STORE, NULL },     { PO_SESSION, NULL },
};

/* NULL with an exception. */
static void *handle_for_another(po_state *state, PyObject *object, const struct kind *kind)
{
    void *handle = po_take_handle(state, object, kind->id, "object"), *copy = NULL;
    pyossl_status status;
    po_frame frame;

    if (handle == NULL || kind->copy == NULL)
        return handle;
    po_quick_enter(&frame, (po_object *)object);
    status = kind->copy(&copy, handle);
    po_types[kind->id].unref(handle);
    po_frame_end(&frame);
    return status == PYOSSL_OK ? copy : po_raise(state, PO_CRYPTO, status);
}

PyObject *po_crypto_private_adopt(po_state *state, PyObject *object, PyObject *other)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const po_type_id id = kinds[i].id;
        void *handle;

        if (!PO_IS(state, object, id) || !PO_IS(state, other, id))
            continue;
        handle = handle_for_another(state, other, &kinds[i]);
        if (handle == NULL)
            return NULL;
        if (id == PO_X509)
            po_x509_become(object, handle);
        else if (id == PO_SESSION)
            po_session_become(object, other, handle);
        else
            po_replace((po_object *)object, id, handle);
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
