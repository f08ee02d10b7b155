/* The functions of OpenSSL.crypto. */
#include "crypto_functions_methods.h"

PyObject *po_crypto_dump_certificate(po_state *state, pyossl_format type, PyObject *cert)
{
    pyossl_buf out = PYOSSL_BUF_INIT;
    pyossl_status status;
    pyossl_x509 *handle;
    po_frame frame;

    /* What programs do most with a certificate: its bytes are kept. */
    if (type != PYOSSL_TEXT)
        return po_x509_dump(cert, type);
    handle = po_enter_quick(&frame, (po_object *)cert);
    if (handle == NULL)
        return NULL;
    status = pyossl_x509_dump(handle, type, &out);
    po_frame_end(&frame);
    return status == PYOSSL_OK ? po_from_buf(&out) : po_raise(state, PO_CRYPTO, status);
}

/* ---- private keys ---- */

/*
 * PEM carries encryption, and DER does: but no release of pyOpenSSL had that, and the tests of all
 * want a str to be refused there. 0, or -1 with ValueError.
 */
static int check_encryptable(PyObject *type, PyObject *passphrase)
{
    pyossl_format format;

    if (passphrase == NULL || passphrase == Py_None)
        return 0;
    if (po_to_format(type, &format) == 0 &&
        (format == PYOSSL_PEM || (format == PYOSSL_DER && !PyUnicode_Check(passphrase))))
        return 0;
    PyErr_SetString(PyExc_ValueError, "only FILETYPE_PEM key format supports encryption; and "
                                      "FILETYPE_ASN1, by a passphrase that is bytes or a callable");
    return -1;
}

PyObject *po_crypto_load_privatekey(po_state *state, PyObject *type, const po_bytes *buffer,
                                    PyObject *secret)
{
    po_auto_passphrase passphrase = PO_PASSPHRASE_INIT;
    pyossl_pkey *key = NULL;
    pyossl_format format;
    pyossl_status status;
    po_frame frame;

    if (check_encryptable(type, secret) < 0 || po_to_passphrase(secret, &frame, &passphrase) < 0 ||
        po_to_format(type, &format) < 0)
        return NULL;
    po_long_enter(&frame);
    status = pyossl_pkey_load_private(&key, format, buffer->data, buffer->len, passphrase.given);
    if (po_frame_leave(&frame) < 0) {
        pyossl_pkey_unref(key);
        return NULL;
    }
    if (status != PYOSSL_OK)
        return po_raise(state, PO_CRYPTO, status);
    return po_wrap(state, PO_PKEY, key);
}

/* The order in which arguments are judged is what programs and tests know. */
static int check_dump(po_state *state, PyObject *type, PyObject *name, PyObject *secret,
                      po_frame *frame, po_bytes *cipher, po_passphrase *passphrase,
                      pyossl_format *format)
{
    if (name != NULL) {
        pyossl_status status;

        if (secret == NULL) {
            PyErr_SetString(state->exceptions[PO_EXC_TYPE_VALUE], "a cipher needs a passphrase");
            return -1;
        }
        if (po_to_cstring(name, "cipher", PO_STR_UTF8, cipher) < 0)
            return -1;
        status = pyossl_cipher_check(cipher->data);
        if (status != PYOSSL_OK) {
            po_raise(state, PO_CRYPTO, status);
            return -1;
        }
    }
    if (check_encryptable(type, secret) < 0 || po_to_passphrase(secret, frame, passphrase) < 0)
        return -1;
    return po_to_format(type, format);
}

PyObject *po_crypto_dump_privatekey(po_state *state, PyObject *type, PyObject *pkey, PyObject *name,
                                    PyObject *secret)
{
    po_auto_passphrase passphrase = PO_PASSPHRASE_INIT;
    po_auto_bytes cipher = PO_BYTES_INIT;
    po_auto(pyossl_pkey) *key = NULL;
    pyossl_buf out = PYOSSL_BUF_INIT;
    pyossl_format format = PYOSSL_PEM;
    pyossl_status status;
    po_frame frame;

    /* What is no key at all comes first, an empty key last. */
    if (PO_IS(state, pkey, PO_PKEY) &&
        check_dump(state, type, name, secret, &frame, &cipher, &passphrase, &format) < 0)
        return NULL;
    key = po_take_handle(state, pkey, PO_PKEY, "pkey");
    if (key == NULL)
        return NULL;
    if (format == PYOSSL_TEXT && pyossl_pkey_type(key) != PYOSSL_KEY_RSA) {
        PyErr_SetString(PyExc_TypeError, "only RSA keys are supported for FILETYPE_TEXT");
        return NULL;
    }
    po_long_enter(&frame);
    /* A passphrase without a cipher encrypts nothing. */
    status = pyossl_pkey_dump_private(key, format, cipher.data,
                                      cipher.data != NULL ? passphrase.given : NULL, &out);
    if (po_frame_leave(&frame) < 0) {
        pyossl_buf_clear(&out);
        return NULL;
    }
    if (status != PYOSSL_OK)
        return po_raise(state, PO_CRYPTO, status);
    return po_from_buf(&out);
}

PyObject *po_crypto_load_pkcs12(po_state *state, const po_bytes *buffer, const po_bytes *secret)
{
    const pyossl_passphrase passphrase = { secret->data, secret->len, NULL, NULL };
    po_auto(pyossl_pkcs12) *handle = NULL;
    pyossl_status status;
    po_frame frame;

    po_long_enter(&frame);
    status = pyossl_pkcs12_load(&handle, buffer->data, buffer->len,
                                secret->len > 0 ? &passphrase : NULL);
    po_frame_end(&frame);
    if (status != PYOSSL_OK)
        return po_raise(state, PO_CRYPTO, status);
    return po_pkcs12_from(state, handle);
}

/* ---- signatures ---- */

/* The key of @object, a certificate: what is signed may be long, so nothing is locked meanwhile. */
static pyossl_status key_of(PyObject *object, const pyossl_x509 *cert, pyossl_pkey **key)
{
    pyossl_status status;
    po_frame frame;

    po_quick_enter(&frame, (po_object *)object);
    status = pyossl_x509_pubkey(cert, key);
    po_frame_end(&frame);
    return status;
}

PyObject *po_crypto_verify(po_state *state, PyObject *object, const po_bytes *signature,
                           const po_bytes *data, const char *digest)
{
    po_auto(pyossl_x509) *cert = po_take_handle(state, object, PO_X509, "cert");
    po_auto(pyossl_pkey) *key = NULL;
    pyossl_status status;
    po_frame frame;

    if (cert == NULL)
        return NULL;
    status = key_of(object, cert, &key);
    if (status == PYOSSL_OK) {
        po_long_enter(&frame);
        status =
            pyossl_pkey_verify(key, digest, data->data, data->len, signature->data, signature->len);
        po_frame_end(&frame);
    }
    if (status != PYOSSL_OK)
        return po_raise(state, PO_CRYPTO, status);
    Py_RETURN_NONE;
}

/* ---- curves ---- */

PyObject *po_crypto_get_elliptic_curves(po_state *state)
{
    return Py_NewRef(state->curves);
}

/* The curve called @name, a new reference; NULL without an exception if there is none. */
static PyObject *find_curve(PyObject *curves, PyObject *name)
{
    PyObject *iterator = PyObject_GetIter(curves), *curve;

    if (iterator == NULL)
        return NULL;
    while ((curve = PyIter_Next(iterator)) != NULL) {
        PyObject *own = PyObject_GetAttrString(curve, "name");
        int equal = own != NULL ? PyObject_RichCompareBool(own, name, Py_EQ) : -1;

        Py_XDECREF(own);
        if (equal > 0)
            break;
        Py_DECREF(curve);
        curve = NULL;
        if (equal < 0)
            break;
    }
    Py_DECREF(iterator);
    return curve;
}

PyObject *po_crypto_get_elliptic_curve(po_state *state, PyObject *name)
{
    PyObject *curve = find_curve(state->curves, name), *reason;

    if (curve != NULL || PyErr_Occurred())
        return curve;
    reason = Py_BuildValue("(sO)", "unknown curve name", name);
    if (reason != NULL)
        PyErr_SetObject(PyExc_ValueError, reason);
    Py_XDECREF(reason);
    return NULL;
}

/* ---- the rest ---- */

PyObject *po_crypto_X509_verify_cert_error_string(po_state *state, long errnum)
{
    (void)state;
    return po_from_text(pyossl_verify_error_string(errnum));
}

PyObject *po_crypto_no_limit(po_state *state, pyossl_status status)
{
    if (status == PYOSSL_E_ARGUMENT)
        return PyErr_Format(PyExc_ValueError, "rounds must be from 1 to %d", INT_MAX);
    return po_raise(state, PO_CRYPTO, status);
}
