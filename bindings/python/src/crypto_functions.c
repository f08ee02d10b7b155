/* The functions of OpenSSL.crypto. */
#include "crypto_common.h"

#define FUNCTION(name)                                                                             \
    static PyObject *name(PyObject *module, PyObject *const *args, Py_ssize_t nargs,               \
                          PyObject *kwnames)
#define STATE(module) ((po_state *)PyModule_GetState(module))

/* ---- load_*(type, buffer) ---- */

typedef pyossl_status (*load_call)(void **out, pyossl_format format, const void *data, size_t len);

/* From bytes to an object of type @id. */
static PyObject *load(PyObject *module, const char *function, po_type_id id, load_call call,
                      PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames)
{
    static const char *const names[] = { "type", "buffer" };
    const po_params params = { function, names, 2, 2 };
    po_auto_bytes bytes = PO_BYTES_INIT;
    PyObject *given[2];
    pyossl_format format;
    pyossl_status status;
    void *handle = NULL;
    po_frame frame;

    if (po_args(&params, args, nargs, kwnames, given) < 0 ||
        po_to_bytes(given[1], "buffer", PO_STR_UTF8, &bytes) < 0 ||
        po_to_format(given[0], &format) < 0)
        return NULL;
    po_quick_enter(&frame, NULL);
    status = call(&handle, format, bytes.data, bytes.len);
    po_frame_end(&frame);
    if (status != PYOSSL_OK)
        return po_raise(STATE(module), PO_CRYPTO, status);
    return po_wrap(STATE(module), id, handle);
}

/* A load function and the call behind it, through a pointer of the right type. */
#define LOAD(function, id, type, loader)                                                           \
    static pyossl_status function##_call(void **out, pyossl_format format, const void *data,       \
                                         size_t len)                                               \
    {                                                                                              \
        type *handle = NULL;                                                                       \
        const pyossl_status status = loader(&handle, format, data, len);                           \
                                                                                                   \
        *out = handle;                                                                             \
        return status;                                                                             \
    }                                                                                              \
    FUNCTION(function)                                                                             \
    {                                                                                              \
        return load(module, #function, id, function##_call, args, nargs, kwnames);                 \
    }

LOAD(load_certificate, PO_X509, pyossl_x509, pyossl_x509_load)
LOAD(load_certificate_request, PO_REQ, pyossl_req, pyossl_req_load)
LOAD(load_crl, PO_CRL, pyossl_crl, pyossl_crl_load)
LOAD(load_pkcs7_data, PO_PKCS7, pyossl_pkcs7, pyossl_pkcs7_load)
LOAD(load_publickey, PO_PKEY, pyossl_pkey, pyossl_pkey_load_public)

/* ---- dump_*(type, object) ---- */

typedef pyossl_status (*dump_call)(const void *handle, pyossl_format format, pyossl_buf *out);

static PyObject *dump(PyObject *module, const char *function, const char *argument, po_type_id id,
                      dump_call call, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames)
{
    const char *const names[] = { "type", argument };
    const po_params params = { function, names, 2, 2 };
    pyossl_buf out = PYOSSL_BUF_INIT;
    PyObject *given[2];
    pyossl_format format;
    pyossl_status status;
    po_frame frame;
    void *handle;

    if (po_args(&params, args, nargs, kwnames, given) < 0)
        return NULL;
    handle = po_take_handle(STATE(module), given[1], id, argument);
    if (handle == NULL)
        return NULL;
    if (po_to_format(given[0], &format) < 0) {
        po_types[id].unref(handle);
        return NULL;
    }
    po_quick_enter(&frame, (po_object *)given[1]);
    status = call(handle, format, &out);
    po_types[id].unref(handle);
    po_frame_end(&frame);
    if (status != PYOSSL_OK)
        return po_raise(STATE(module), PO_CRYPTO, status);
    return po_from_buf(&out);
}

#define DUMP(function, argument, id, dumper)                                                       \
    static pyossl_status function##_call(const void *handle, pyossl_format format,                 \
                                         pyossl_buf *out)                                          \
    {                                                                                              \
        return dumper(handle, format, out);                                                        \
    }                                                                                              \
    FUNCTION(function)                                                                             \
    {                                                                                              \
        return dump(module, #function, #argument, id, function##_call, args, nargs, kwnames);      \
    }

static pyossl_status dump_certificate_call(const void *handle, pyossl_format format,
                                           pyossl_buf *out)
{
    return pyossl_x509_dump(handle, format, out);
}

FUNCTION(dump_certificate)
{
    /* What programs do most with a certificate; anything unusual goes the long way. */
    if (nargs == 2 && kwnames == NULL && PO_IS(STATE(module), args[1], PO_X509) &&
        PyLong_CheckExact(args[0])) {
        const long format = PyLong_AsLong(args[0]);

        if (format == PYOSSL_PEM || format == PYOSSL_DER)
            return po_x509_dump(args[1], (pyossl_format)format);
    }
    PyErr_Clear(); /* a number that is no long */
    return dump(module, "dump_certificate", "cert", PO_X509, dump_certificate_call, args, nargs,
                kwnames);
}

DUMP(dump_certificate_request, req, PO_REQ, pyossl_req_dump)
DUMP(dump_crl, crl, PO_CRL, pyossl_crl_dump)
DUMP(dump_publickey, pkey, PO_PKEY, pyossl_pkey_dump_public)

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

FUNCTION(load_privatekey)
{
    static const char *const names[] = { "type", "buffer", "passphrase" };
    static const po_params params = { "load_privatekey", names, 2, 3 };
    po_auto_passphrase passphrase = PO_PASSPHRASE_INIT;
    po_auto_bytes bytes = PO_BYTES_INIT;
    pyossl_pkey *key = NULL;
    PyObject *given[3];
    pyossl_format format;
    pyossl_status status;
    po_frame frame;

    if (po_args(&params, args, nargs, kwnames, given) < 0 ||
        po_to_bytes(given[1], "buffer", PO_STR_UTF8, &bytes) < 0 ||
        check_encryptable(given[0], given[2]) < 0 ||
        po_to_passphrase(given[2], &frame, &passphrase) < 0 || po_to_format(given[0], &format) < 0)
        return NULL;
    po_long_enter(&frame);
    status = pyossl_pkey_load_private(&key, format, bytes.data, bytes.len, passphrase.given);
    if (po_frame_leave(&frame) < 0) {
        pyossl_pkey_unref(key);
        return NULL;
    }
    if (status != PYOSSL_OK)
        return po_raise(STATE(module), PO_CRYPTO, status);
    return po_wrap(STATE(module), PO_PKEY, key);
}

/* The order in which arguments are judged is what programs and tests know. */
static int check_dump(po_state *state, PyObject *const *given, po_frame *frame, po_bytes *cipher,
                      po_passphrase *passphrase, pyossl_format *format)
{
    if (given[2] != NULL && given[2] != Py_None) {
        pyossl_status status;

        if (given[3] == NULL || given[3] == Py_None) {
            PyErr_SetString(state->exceptions[PO_EXC_TYPE_VALUE], "a cipher needs a passphrase");
            return -1;
        }
        if (po_to_cstring(given[2], "cipher", PO_STR_UTF8, cipher) < 0)
            return -1;
        status = pyossl_cipher_check(cipher->data);
        if (status != PYOSSL_OK) {
            po_raise(state, PO_CRYPTO, status);
            return -1;
        }
    }
    if (check_encryptable(given[0], given[3]) < 0 ||
        po_to_passphrase(given[3], frame, passphrase) < 0)
        return -1;
    return po_to_format(given[0], format);
}

FUNCTION(dump_privatekey)
{
    static const char *const names[] = { "type", "pkey", "cipher", "passphrase" };
    static const po_params params = { "dump_privatekey", names, 2, 4 };
    po_auto_passphrase passphrase = PO_PASSPHRASE_INIT;
    po_auto_bytes cipher = PO_BYTES_INIT;
    po_auto(pyossl_pkey) *key = NULL;
    pyossl_buf out = PYOSSL_BUF_INIT;
    PyObject *given[4];
    pyossl_format format = PYOSSL_PEM;
    pyossl_status status;
    po_frame frame;

    if (po_args(&params, args, nargs, kwnames, given) < 0)
        return NULL;
    /* What is no key at all comes first, an empty key last. */
    if (PO_IS(STATE(module), given[1], PO_PKEY) &&
        check_dump(STATE(module), given, &frame, &cipher, &passphrase, &format) < 0)
        return NULL;
    key = po_take_handle(STATE(module), given[1], PO_PKEY, "pkey");
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
        return po_raise(STATE(module), PO_CRYPTO, status);
    return po_from_buf(&out);
}

FUNCTION(load_pkcs12)
{
    static const char *const names[] = { "buffer", "passphrase" };
    static const po_params params = { "load_pkcs12", names, 1, 2 };
    po_auto_bytes bytes = PO_BYTES_INIT, secret = PO_BYTES_INIT;
    po_auto(pyossl_pkcs12) *handle = NULL;
    pyossl_passphrase passphrase = { NULL, 0, NULL, NULL };
    PyObject *given[2];
    pyossl_status status;
    po_frame frame;

    if (po_args(&params, args, nargs, kwnames, given) < 0 ||
        (given[1] != NULL && given[1] != Py_None &&
         po_to_bytes(given[1], "passphrase", PO_STR_WARN, &secret) < 0) ||
        po_to_bytes(given[0], "buffer", PO_STR_UTF8, &bytes) < 0)
        return NULL;
    passphrase.data = secret.data;
    passphrase.len = secret.len;
    po_long_enter(&frame);
    status =
        pyossl_pkcs12_load(&handle, bytes.data, bytes.len, secret.len > 0 ? &passphrase : NULL);
    po_frame_end(&frame);
    if (status != PYOSSL_OK)
        return po_raise(STATE(module), PO_CRYPTO, status);
    return po_pkcs12_from(STATE(module), handle);
}

/* ---- signatures ---- */

/* A digest's name, or None for keys that bring their own. */
static int to_digest(PyObject *given, po_bytes *out)
{
    return given == Py_None ? 0 : po_to_cstring(given, "digest", PO_STR_UTF8, out);
}

FUNCTION(sign)
{
    static const char *const names[] = { "pkey", "data", "digest" };
    static const po_params params = { "sign", names, 3, 3 };
    po_auto_bytes data = PO_BYTES_INIT, digest = PO_BYTES_INIT;
    po_auto(pyossl_pkey) *key = NULL;
    pyossl_buf signature = PYOSSL_BUF_INIT;
    PyObject *given[3];
    pyossl_status status;
    po_frame frame;

    if (po_args(&params, args, nargs, kwnames, given) < 0)
        return NULL;
    key = po_take_handle(STATE(module), given[0], PO_PKEY, "pkey");
    if (key == NULL || po_to_bytes(given[1], "data", PO_STR_WARN, &data) < 0 ||
        to_digest(given[2], &digest) < 0)
        return NULL;
    po_long_enter(&frame);
    status = pyossl_pkey_sign(key, digest.data, data.data, data.len, &signature);
    po_frame_end(&frame);
    if (status != PYOSSL_OK)
        return po_raise(STATE(module), PO_CRYPTO, status);
    return po_from_buf(&signature);
}

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

FUNCTION(verify)
{
    static const char *const names[] = { "cert", "signature", "data", "digest" };
    static const po_params params = { "verify", names, 4, 4 };
    po_auto_bytes signature = PO_BYTES_INIT, data = PO_BYTES_INIT, digest = PO_BYTES_INIT;
    po_auto(pyossl_x509) *cert = NULL;
    po_auto(pyossl_pkey) *key = NULL;
    PyObject *given[4];
    pyossl_status status;
    po_frame frame;

    if (po_args(&params, args, nargs, kwnames, given) < 0)
        return NULL;
    cert = po_take_handle(STATE(module), given[0], PO_X509, "cert");
    if (cert == NULL || po_to_bytes(given[1], "signature", PO_STR_REFUSE, &signature) < 0 ||
        po_to_bytes(given[2], "data", PO_STR_WARN, &data) < 0 || to_digest(given[3], &digest) < 0)
        return NULL;
    status = key_of(given[0], cert, &key);
    if (status == PYOSSL_OK) {
        po_long_enter(&frame);
        status = pyossl_pkey_verify(key, digest.data, data.data, data.len, signature.data,
                                    signature.len);
        po_frame_end(&frame);
    }
    if (status != PYOSSL_OK)
        return po_raise(STATE(module), PO_CRYPTO, status);
    Py_RETURN_NONE;
}

/* ---- curves ---- */

static PyObject *get_elliptic_curves(PyObject *module, PyObject *unused)
{
    (void)unused;
    return Py_NewRef(STATE(module)->curves);
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

FUNCTION(get_elliptic_curve)
{
    PyObject *name = po_one_arg("get_elliptic_curve", "name", args, nargs, kwnames);
    PyObject *curve = name != NULL ? find_curve(STATE(module)->curves, name) : NULL, *reason;

    if (curve != NULL || PyErr_Occurred())
        return curve;
    reason = Py_BuildValue("(sO)", "unknown curve name", name);
    if (reason != NULL)
        PyErr_SetObject(PyExc_ValueError, reason);
    Py_XDECREF(reason);
    return NULL;
}

/* ---- the rest ---- */

FUNCTION(verify_cert_error_string)
{
    PyObject *given = po_one_arg("X509_verify_cert_error_string", "errnum", args, nargs, kwnames);
    long number;

    (void)module;
    if (given == NULL || po_to_long(given, "errnum", &number) < 0)
        return NULL;
    return po_from_text(pyossl_verify_error_string(number));
}

FUNCTION(limit_key_derivation)
{
    PyObject *given = po_one_arg("limit_key_derivation", "rounds", args, nargs, kwnames);
    pyossl_status status;
    int64_t rounds;

    (void)module;
    if (given == NULL || po_to_int64(given, "rounds", &rounds) < 0)
        return NULL;
    status = pyossl_set_kdf_rounds_limit(rounds);
    if (status == PYOSSL_E_ARGUMENT)
        return PyErr_Format(PyExc_ValueError, "rounds must be from 1 to %d", INT_MAX);
    if (status != PYOSSL_OK)
        return po_raise(STATE(module), PO_CRYPTO, status);
    Py_RETURN_NONE;
}

/* clang-format off */
#define FAST(function) (PyCFunction)(void (*)(void))function, METH_FASTCALL | METH_KEYWORDS
#define ROW(function, signature, doc)                                                              \
    { #function, FAST(function), #function "($module, /, " signature ")\n--\n\n" doc }
/* clang-format on */

PyMethodDef po_crypto_functions[] = {
    ROW(load_certificate, "type, buffer",
        "Return the first certificate in PEM text, FILETYPE_PEM, or in DER,\n"
        "FILETYPE_ASN1, as an X509. Raises Error for what cannot be decoded, and\n"
        "ValueError for other file types."),
    ROW(dump_certificate, "type, cert",
        "Return a certificate as bytes: PEM, DER or, FILETYPE_TEXT, a description for\n"
        "people. Raises Error where parts are missing, and ValueError for other file\n"
        "types."),
    ROW(load_certificate_request, "type, buffer",
        "Return the first request in PEM text or DER as an X509Req. Raises Error for\n"
        "what cannot be decoded, and ValueError for other file types."),
    ROW(dump_certificate_request, "type, req",
        "Return a request as bytes: PEM, DER or a description for people. Raises Error\n"
        "where parts are missing, and ValueError for other file types."),
    ROW(load_crl, "type, buffer",
        "Return the first revocation list in PEM text or DER as a CRL. Raises Error for\n"
        "what cannot be decoded, and ValueError for other file types."),
    ROW(dump_crl, "type, crl",
        "Return a revocation list as bytes: PEM, DER or a description for people. Raises\n"
        "Error where parts are missing, and ValueError for other file types."),
    ROW(load_pkcs7_data, "type, buffer",
        "Return the first PKCS #7 message in PEM text or DER as a PKCS7. Raises Error\n"
        "for what cannot be decoded, and ValueError for other file types."),
    ROW(load_pkcs12, "buffer, passphrase=None",
        "Return what is in a PKCS #12 file as a PKCS12; the passphrase is bytes or None.\n"
        "Raises Error for what cannot be decoded, and for a wrong passphrase."),
    ROW(load_publickey, "type, buffer",
        "Return the first public key in PEM text or DER as a PKey. Raises Error for what\n"
        "cannot be decoded, and ValueError for other file types."),
    ROW(dump_publickey, "type, pkey",
        "Return the public half of a key as bytes: PEM or DER. Raises Error for an empty\n"
        "key, and ValueError for other file types."),
    ROW(load_privatekey, "type, buffer, passphrase=None",
        "Return the first private key in PEM text or DER as a PKey. The passphrase is\n"
        "bytes, or a function that is called with 0 and returns bytes; nothing asks on a\n"
        "terminal. Raises Error for what cannot be decoded, and for a wrong passphrase."),
    ROW(dump_privatekey, "type, pkey, cipher=None, passphrase=None",
        "Return a private key as bytes: PEM, that is PKCS #8, encrypted if a cipher is\n"
        "named; DER; or a description for people. The passphrase is bytes, or a function\n"
        "that is called with 1 and returns bytes. Raises ValueError for an unknown\n"
        "cipher, and TypeError for a key that is not private."),
    ROW(sign, "pkey, data, digest",
        "Return the signature of some bytes by a private key and the digest of that\n"
        "name. Raises ValueError for an unknown digest, and Error for a key that cannot\n"
        "sign."),
    ROW(verify, "cert, signature, data, digest",
        "Return None where the signature of some bytes is by the key of that\n"
        "certificate. Raises Error where it is not, and ValueError for an unknown\n"
        "digest."),
    { "get_elliptic_curves", get_elliptic_curves, METH_NOARGS,
      "get_elliptic_curves($module, /)\n--\n\n"
      "Return the elliptic curves that OpenSSL knows as a set; each has a name." },
    ROW(get_elliptic_curve, "name",
        "Return the elliptic curve of that name, one of get_elliptic_curves(). Raises\n"
        "ValueError where there is none."),
    { "X509_verify_cert_error_string", FAST(verify_cert_error_string),
      "X509_verify_cert_error_string($module, /, errnum)\n--\n\n"
      "Return OpenSSL's text for the result of a verification as str, whatever the number." },
    ROW(limit_key_derivation, "rounds",
        "Say how many rounds of key derivation one file may ask for: of PBKDF2, PBES1\n"
        "and PKCS #12, and N * r * p of scrypt. 10,000,000 unless told otherwise. Returns\n"
        "None. Raises ValueError for what is not from 1 to 2147483647."),
    { NULL, NULL, 0, NULL },
};
