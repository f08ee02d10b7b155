/* OpenSSL.SSL.Connection: what was negotiated with the peer, what it showed, what both share. */
#include "ssl_connection_methods.h"

/* ---- what was negotiated ---- */

PyObject *po_conn_cipher(po_object *self, size_t index)
{
    const char *name;
    po_frame frame;

    po_quick_enter(&frame, self);
    name = index <= INT_MAX ? pyossl_conn_cipher_at(self->handle, (int)index) : NULL;
    po_frame_end(&frame);
    return name != NULL ? PyUnicode_FromString(name) : NULL;
}

/* b"" where there are none. */
PyObject *po_conn_bytes(const pyossl_conn *conn, po_conn_bytes_getter get)
{
    size_t len = 0;
    const unsigned char *data = get(conn, &len);

    return PyBytes_FromStringAndSize((const char *)data, data != NULL ? (Py_ssize_t)len : 0);
}

PyObject *po_conn_srtp_profile(const pyossl_conn *conn)
{
    const char *name = pyossl_conn_srtp_profile(conn);

    return PyBytes_FromString(name != NULL ? name : "");
}

PyObject *po_conn_get_group_name(po_connection *self)
{
    PyObject *instead, *text;
    po_frame frame;

    if (!pyossl_has(PYOSSL_FEATURE_GROUP_NAME)) {
        PyErr_SetString(PyExc_NotImplementedError,
                        "Getting group name is not supported by the linked OpenSSL version");
        return NULL;
    }
    instead = po_hook(self->base.state, "SSL_get0_group_name");
    if (instead != NULL) {
        text = PyObject_CallOneArg(instead, (PyObject *)self);
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

static PyObject *to_cryptography(PyObject *cert)
{
    return PyObject_CallMethod(cert, "to_cryptography", NULL);
}

/* Each item of @list by what @convert makes of it; NULL is an exception. */
static PyObject *convert_all(PyObject *list, PyObject *(*convert)(PyObject *))
{
    for (Py_ssize_t i = 0; list != NULL && i < PyList_GET_SIZE(list); i++) {
        PyObject *converted = convert(PyList_GET_ITEM(list, i));

        if (converted == NULL || PyList_SetItem(list, i, converted) < 0)
            Py_CLEAR(list);
    }
    return list;
}

PyObject *po_conn_cert(po_object *self, po_conn_cert_getter get, int as_cryptography)
{
    PyObject *object, *converted;
    pyossl_x509 *cert = NULL;
    po_frame frame;
    pyossl_status status;

    po_quick_enter(&frame, self);
    status = get(self->handle, &cert);
    po_frame_end(&frame);
    if (status == PYOSSL_E_NOT_FOUND)
        Py_RETURN_NONE;
    if (status != PYOSSL_OK)
        return po_raise(self->state, PO_SSL, status);
    object = po_wrap(self->state, PO_X509, cert);
    if (object == NULL || !as_cryptography)
        return object;
    converted = to_cryptography(object);
    Py_DECREF(object);
    return converted;
}

PyObject *po_conn_chain(po_object *self, po_conn_chain_getter get, int as_cryptography)
{
    pyossl_x509_list chain = PYOSSL_X509_LIST_INIT;
    PyObject *list;
    po_frame frame;
    pyossl_status status;

    po_quick_enter(&frame, self);
    status = get(self->handle, &chain);
    po_frame_end(&frame);
    if (status == PYOSSL_E_NOT_FOUND)
        Py_RETURN_NONE;
    if (status != PYOSSL_OK)
        return po_raise(self->state, PO_SSL, status);
    list = po_from_certs(self->state, &chain);
    return as_cryptography ? convert_all(list, to_cryptography) : list;
}

/* ---- names of authorities ---- */

/* An X509Name as a Name of the cryptography package. */
static PyObject *convert_name(PyObject *name)
{
    PyObject *der = PyObject_CallMethod(name, "der", NULL);
    PyObject *converted = der != NULL ? po_bridge("name", der) : NULL;

    Py_XDECREF(der);
    return converted;
}

/* Name @index as an object; NULL without an exception past the end. */
static PyObject *authority_at(po_object *self, size_t index)
{
    pyossl_name *name = NULL;
    po_frame frame;
    pyossl_status status;

    po_quick_enter(&frame, self);
    status = pyossl_conn_client_ca_at(self->handle, index, &name);
    po_frame_end(&frame);
    if (status == PYOSSL_E_NOT_FOUND)
        return NULL;
    if (status != PYOSSL_OK)
        return po_raise(self->state, PO_SSL, status);
    return po_wrap(self->state, PO_NAME, name);
}

PyObject *po_conn_get_client_ca_list(po_connection *self, int as_cryptography)
{
    PyObject *list = po_list(&self->base, authority_at);

    return as_cryptography ? convert_all(list, convert_name) : list;
}

/* ---- the session ---- */

PyObject *po_conn_get_session(po_connection *self)
{
    pyossl_session *session = NULL;
    PyObject *context, *result;
    po_frame frame;
    pyossl_status status;

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
