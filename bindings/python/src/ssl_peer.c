/* OpenSSL.SSL.Connection: what was negotiated with the peer, what it showed, what both share. */
#include "crypto_common.h"
#include "ssl.h"

static po_connection *connection_of(PyObject *object)
{
    po_connection *self = (po_connection *)object;

    if (self->base.handle != NULL)
        return self;
    po_raise_empty(&self->base, PO_SSL);
    return NULL;
}

/* ---- what was negotiated ---- */

PyObject *po_conn_get_cipher_list(PyObject *object, PyObject *unused)
{
    po_connection *self = connection_of(object);
    PyObject *list = self != NULL ? PyList_New(0) : NULL;

    (void)unused;
    for (int i = 0; list != NULL; i++) {
        po_frame frame;
        const char *name;
        PyObject *item;

        po_quick_enter(&frame, &self->base);
        name = pyossl_conn_cipher_at(self->base.handle, i);
        (void)po_frame_leave(&frame);
        if (name == NULL)
            break;
        item = PyUnicode_FromString(name);
        if (item == NULL || PyList_Append(list, item) < 0)
            Py_CLEAR(list);
        Py_XDECREF(item);
    }
    return list;
}

PyObject *po_conn_get_cipher_bits(PyObject *object, PyObject *unused)
{
    po_connection *self = connection_of(object);
    po_frame frame;
    int bits;

    (void)unused;
    if (self == NULL)
        return NULL;
    po_quick_enter(&frame, &self->base);
    bits = pyossl_conn_cipher_bits(self->base.handle);
    po_frame_end(&frame);
    if (bits < 0)
        Py_RETURN_NONE;
    return PyLong_FromLong(bits);
}

/* Bytes that the connection keeps, b"" where there are none. */
typedef const unsigned char *(*bytes_getter)(const pyossl_conn *conn, size_t *len);

static PyObject *kept_bytes(PyObject *object, bytes_getter get)
{
    po_connection *self = connection_of(object);
    const unsigned char *data;
    PyObject *bytes;
    size_t len = 0;
    po_frame frame;

    if (self == NULL)
        return NULL;
    po_quick_enter(&frame, &self->base);
    data = get(self->base.handle, &len);
    /* Copied under the lock: it is borrowed from the connection. */
    bytes = PyBytes_FromStringAndSize((const char *)data, data != NULL ? (Py_ssize_t)len : 0);
    po_frame_end(&frame);
    return bytes;
}

PyObject *po_conn_get_alpn_proto_negotiated(PyObject *object, PyObject *unused)
{
    (void)unused;
    return kept_bytes(object, pyossl_conn_alpn);
}

PyObject *po_conn_get_next_proto_negotiated(PyObject *object, PyObject *unused)
{
    (void)unused;
    return kept_bytes(object, pyossl_conn_npn);
}

static const unsigned char *srtp_profile(const pyossl_conn *conn, size_t *len)
{
    const char *name = pyossl_conn_srtp_profile(conn);

    *len = name != NULL ? strlen(name) : 0;
    return (const unsigned char *)name;
}

PyObject *po_conn_get_selected_srtp_profile(PyObject *object, PyObject *unused)
{
    (void)unused;
    return kept_bytes(object, srtp_profile);
}

PyObject *po_conn_get_group_name(PyObject *object, PyObject *unused)
{
    po_connection *self = connection_of(object);
    PyObject *instead, *text;
    po_frame frame;

    (void)unused;
    if (self == NULL)
        return NULL;
    if (!pyossl_has(PYOSSL_FEATURE_GROUP_NAME)) {
        PyErr_SetString(PyExc_NotImplementedError,
                        "Getting group name is not supported by the linked OpenSSL version");
        return NULL;
    }
    instead = po_hook(self->base.state, "SSL_get0_group_name");
    if (instead != NULL) {
        text = PyObject_CallOneArg(instead, object);
        Py_DECREF(instead);
        if (text == NULL || PyUnicode_Check(text))
            return text;
        if (PyBytes_Check(text)) {
            Py_SETREF(text, PyUnicode_FromEncodedObject(text, "ascii", "backslashreplace"));
            return text;
        }
        Py_DECREF(text);
        Py_RETURN_NONE;
    }
    po_quick_enter(&frame, &self->base);
    text = po_from_text(pyossl_conn_group_name(self->base.handle));
    po_frame_end(&frame);
    return text;
}

/* ---- certificates ---- */

/* The keyword as_cryptography, which is all that these methods take: 0, 1, or -1. */
static int wants_cryptography(const char *function, PyObject *const *args, Py_ssize_t nargs,
                              PyObject *kwnames)
{
    static const char *const names[] = { "as_cryptography" };
    const po_params params = { function, names, 0, 1 };
    PyObject *given[1];

    if (nargs > 0) {
        PyErr_Format(PyExc_TypeError, "%s() takes no positional arguments (%zd given)", function,
                     nargs);
        return -1;
    }
    if (po_args(&params, args, nargs, kwnames, given) < 0)
        return -1;
    return given[0] != NULL ? PyObject_IsTrue(given[0]) : 0;
}

/* What cryptography has for @object, an X509; takes it over. */
static PyObject *convert(PyObject *object, int as_cryptography)
{
    PyObject *converted;

    if (object == NULL || !as_cryptography)
        return object;
    converted = PyObject_CallMethod(object, "to_cryptography", NULL);
    Py_DECREF(object);
    return converted;
}

typedef pyossl_status (*cert_getter)(const pyossl_conn *conn, pyossl_x509 **out);

static PyObject *get_cert(PyObject *object, cert_getter get, int as_cryptography)
{
    po_connection *self = as_cryptography < 0 ? NULL : connection_of(object);
    pyossl_x509 *cert = NULL;
    po_frame frame;
    pyossl_status status;

    if (self == NULL)
        return NULL;
    po_quick_enter(&frame, &self->base);
    status = get(self->base.handle, &cert);
    po_frame_end(&frame);
    if (status == PYOSSL_E_NOT_FOUND)
        Py_RETURN_NONE;
    if (status != PYOSSL_OK)
        return po_raise(self->base.state, PO_SSL, status);
    return convert(po_wrap(self->base.state, PO_X509, cert), as_cryptography);
}

PyObject *po_conn_get_peer_certificate(PyObject *object, PyObject *const *args, Py_ssize_t nargs,
                                       PyObject *kwnames)
{
    return get_cert(object, pyossl_conn_peer_certificate,
                    wants_cryptography("get_peer_certificate", args, nargs, kwnames));
}

PyObject *po_conn_get_certificate(PyObject *object, PyObject *const *args, Py_ssize_t nargs,
                                  PyObject *kwnames)
{
    return get_cert(object, pyossl_conn_certificate,
                    wants_cryptography("get_certificate", args, nargs, kwnames));
}

typedef pyossl_status (*chain_getter)(const pyossl_conn *conn, pyossl_x509_list *out);

static PyObject *get_chain(PyObject *object, chain_getter get, int as_cryptography)
{
    po_connection *self = as_cryptography < 0 ? NULL : connection_of(object);
    pyossl_x509_list chain = PYOSSL_X509_LIST_INIT;
    PyObject *list;
    po_frame frame;
    pyossl_status status;

    if (self == NULL)
        return NULL;
    po_quick_enter(&frame, &self->base);
    status = get(self->base.handle, &chain);
    po_frame_end(&frame);
    if (status == PYOSSL_E_NOT_FOUND)
        Py_RETURN_NONE;
    if (status != PYOSSL_OK)
        return po_raise(self->base.state, PO_SSL, status);
    list = po_from_certs(self->base.state, &chain);
    for (Py_ssize_t i = 0; as_cryptography && list != NULL && i < PyList_GET_SIZE(list); i++) {
        PyObject *converted = convert(Py_NewRef(PyList_GET_ITEM(list, i)), 1);

        if (converted == NULL || PyList_SetItem(list, i, converted) < 0)
            Py_CLEAR(list);
    }
    return list;
}

PyObject *po_conn_get_peer_cert_chain(PyObject *object, PyObject *const *args, Py_ssize_t nargs,
                                      PyObject *kwnames)
{
    return get_chain(object, pyossl_conn_peer_chain,
                     wants_cryptography("get_peer_cert_chain", args, nargs, kwnames));
}

PyObject *po_conn_get_verified_chain(PyObject *object, PyObject *const *args, Py_ssize_t nargs,
                                     PyObject *kwnames)
{
    return get_chain(object, pyossl_conn_verified_chain,
                     wants_cryptography("get_verified_chain", args, nargs, kwnames));
}

/* ---- names of authorities ---- */

/* An X509Name as a Name of the cryptography package; takes @name over. */
static PyObject *convert_name(PyObject *name, int as_cryptography)
{
    PyObject *der, *converted;

    if (name == NULL || !as_cryptography)
        return name;
    der = PyObject_CallMethod(name, "der", NULL);
    converted = der != NULL ? po_bridge("name", der) : NULL;
    Py_XDECREF(der);
    Py_DECREF(name);
    return converted;
}

/* Name @index as an object; NULL without an exception past the end. */
static PyObject *authority_at(po_connection *self, size_t index)
{
    pyossl_name *name = NULL;
    po_frame frame;
    pyossl_status status;

    po_quick_enter(&frame, &self->base);
    status = pyossl_conn_client_ca_at(self->base.handle, index, &name);
    if (po_frame_leave(&frame) < 0 || status == PYOSSL_E_NOT_FOUND)
        return NULL;
    if (status != PYOSSL_OK)
        return po_raise(self->base.state, PO_SSL, status);
    return po_wrap(self->base.state, PO_NAME, name);
}

PyObject *po_conn_get_client_ca_list(PyObject *object, PyObject *const *args, Py_ssize_t nargs,
                                     PyObject *kwnames)
{
    const int as_cryptography = wants_cryptography("get_client_ca_list", args, nargs, kwnames);
    po_connection *self = as_cryptography < 0 ? NULL : connection_of(object);
    PyObject *list = self != NULL ? PyList_New(0) : NULL;

    for (size_t i = 0; list != NULL; i++) {
        PyObject *name = convert_name(authority_at(self, i), as_cryptography);

        if (name == NULL && !PyErr_Occurred())
            break;
        if (name == NULL || PyList_Append(list, name) < 0)
            Py_CLEAR(list);
        Py_XDECREF(name);
    }
    return list;
}

/* ---- secrets ---- */

static PyObject *get_secret(PyObject *object, pyossl_secret which)
{
    po_connection *self = connection_of(object);
    pyossl_buf secret = PYOSSL_BUF_INIT;
    po_frame frame;
    pyossl_status status;

    if (self == NULL)
        return NULL;
    po_quick_enter(&frame, &self->base);
    status = pyossl_conn_secret(self->base.handle, which, &secret);
    po_frame_end(&frame);
    if (status == PYOSSL_E_NOT_FOUND)
        Py_RETURN_NONE;
    if (status != PYOSSL_OK)
        return po_raise(self->base.state, PO_SSL, status);
    return po_from_buf(&secret);
}

#define SECRET(function, which)                                                                    \
    PyObject *po_conn_##function(PyObject *object, PyObject *unused)                               \
    {                                                                                              \
        (void)unused;                                                                              \
        return get_secret(object, which);                                                          \
    }

SECRET(client_random, PYOSSL_CLIENT_RANDOM)
SECRET(server_random, PYOSSL_SERVER_RANDOM)
SECRET(master_key, PYOSSL_MASTER_KEY)
SECRET(get_finished, PYOSSL_FINISHED)
SECRET(get_peer_finished, PYOSSL_PEER_FINISHED)

PyObject *po_conn_export_keying_material(PyObject *object, PyObject *const *args, Py_ssize_t nargs,
                                         PyObject *kwnames)
{
    static const char *const names[] = { "label", "olen", "context" };
    static const po_params params = { "export_keying_material", names, 2, 3 };
    po_auto_bytes label = PO_BYTES_INIT, context = PO_BYTES_INIT;
    po_connection *self = connection_of(object);
    pyossl_buf out = PYOSSL_BUF_INIT;
    PyObject *given[3];
    size_t len;
    po_frame frame;
    pyossl_status status;

    if (self == NULL || po_args(&params, args, nargs, kwnames, given) < 0 ||
        po_to_bytes(given[0], "label", PO_STR_REFUSE, &label) < 0 ||
        po_to_size(given[1], "olen", &len) < 0)
        return NULL;
    if (given[2] != NULL && given[2] != Py_None &&
        po_to_bytes(given[2], "context", PO_STR_REFUSE, &context) < 0)
        return NULL;
    po_quick_enter(&frame, &self->base);
    status = pyossl_conn_export_keying_material(self->base.handle, label.data, label.len,
                                                context.data, context.len, len, &out);
    po_frame_end(&frame);
    if (status != PYOSSL_OK)
        return po_raise(self->base.state, PO_SSL, status);
    return po_from_buf(&out);
}

/* ---- the session ---- */

PyObject *po_conn_get_session(PyObject *object, PyObject *unused)
{
    po_connection *self = connection_of(object);
    pyossl_session *session = NULL;
    PyObject *context, *result;
    po_frame frame;
    pyossl_status status;

    (void)unused;
    if (self == NULL)
        return NULL;
    po_quick_enter(&frame, &self->base);
    status = pyossl_conn_session(self->base.handle, &session);
    po_frame_end(&frame);
    if (status == PYOSSL_E_NOT_FOUND)
        Py_RETURN_NONE;
    if (status != PYOSSL_OK)
        return po_raise(self->base.state, PO_SSL, status);
    context = po_field_get(&self->base, &self->context);
    result = po_session_wrap(self->base.state, session, context);
    Py_DECREF(context);
    return result;
}
