/* OpenSSL.SSL.Connection: what was negotiated with the peer, what it showed, what both share. */
#include "ssl_connection_methods.h"

/* ---- what was negotiated ---- */

PyObject *po_conn_get_cipher_list(po_connection *self)
{
    PyObject *list = PyList_New(0);

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

PyObject *po_conn_cert(po_object *self, po_conn_cert_getter get, int as_cryptography)
{
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
    return convert(po_wrap(self->state, PO_X509, cert), as_cryptography);
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
    for (Py_ssize_t i = 0; as_cryptography && list != NULL && i < PyList_GET_SIZE(list); i++) {
        PyObject *converted = convert(Py_NewRef(PyList_GET_ITEM(list, i)), 1);

        if (converted == NULL || PyList_SetItem(list, i, converted) < 0)
            Py_CLEAR(list);
    }
    return list;
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

PyObject *po_conn_get_client_ca_list(po_connection *self, int as_cryptography)
{
    PyObject *list = PyList_New(0);

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
