/* OpenSSL.crypto.X509Req */
#define PO_HANDLE pyossl_req
#define PO_DOMAIN PO_CRYPTO

#include "shapes.h"

#include "crypto_common.h"

#include "crypto_req.def"

PO_INIT_NEW(pyossl_req, PO_REQ, "X509Req", pyossl_req_new)

PO_METHOD(set_version)
{
    po_object *self = (po_object *)object;
    PyObject *given = po_one_arg("set_version", "version", args, nargs, kwnames);
    pyossl_status status;
    pyossl_req *req;
    po_frame frame;
    long version;

    if (given == NULL || po_to_long(given, "version", &version) < 0)
        return NULL;
    req = po_enter_quick(&frame, self);
    if (req == NULL)
        return NULL;
    status = pyossl_req_set_version(req, version);
    po_frame_end(&frame);
    if (status == PYOSSL_E_ARGUMENT) /* ValueError of late, Error before */
        return po_raise_as(self->state, PO_EXC_CRYPTO_VALUE);
    if (status != PYOSSL_OK)
        return po_raise(self->state, PO_CRYPTO, status);
    Py_RETURN_NONE;
}

PO_METHOD0(get_subject)
{
    po_object *self = (po_object *)object;
    pyossl_name *name = NULL;
    po_frame frame;
    pyossl_req *req = po_enter_quick(&frame, self);
    pyossl_status status;

    (void)unused;
    if (req == NULL)
        return NULL;
    status = pyossl_req_subject(req, &name);
    po_frame_end(&frame);
    if (status != PYOSSL_OK)
        return po_raise(self->state, PO_CRYPTO, status);
    return po_name_wrap(self->state, name, object);
}

static pyossl_status sign_call(void *handle, const pyossl_pkey *key, const char *digest)
{
    return pyossl_req_sign(handle, key, digest);
}

PO_METHOD(sign)
{
    return po_sign(object, args, nargs, kwnames, sign_call);
}

static pyossl_status verify_call(const void *handle, const pyossl_pkey *key)
{
    return pyossl_req_verify(handle, key);
}

PO_METHOD(verify)
{
    if (po_verify(object, "pkey", args, nargs, kwnames, verify_call) < 0)
        return NULL;
    return PyLong_FromLong(1);
}

PO_METHOD(remove_extension)
{
    po_object *self = (po_object *)object;
    PyObject *given = po_one_arg("remove_extension", "index", args, nargs, kwnames);
    pyossl_status status;
    pyossl_req *handle;
    po_frame frame;
    int index;

    if (given == NULL || po_to_int(given, "index", &index) < 0)
        return NULL;
    handle = po_enter_quick(&frame, self);
    if (handle == NULL)
        return NULL;
    status = index >= 0 ? pyossl_req_remove_ext(handle, (size_t)index) : PYOSSL_E_NOT_FOUND;
    po_frame_end(&frame);
    if (status == PYOSSL_E_NOT_FOUND) {
        PyErr_SetString(PyExc_IndexError, "there is no such extension");
        return NULL;
    }
    if (status != PYOSSL_OK)
        return po_raise(self->state, PO_CRYPTO, status);
    Py_RETURN_NONE;
}

PO_METHOD(add_extensions)
{
    po_object *self = (po_object *)object;
    PyObject *given = po_one_arg("add_extensions", "extensions", args, nargs, kwnames);
    po_auto_handles exts = PO_HANDLES_INIT;
    pyossl_status status;
    pyossl_req *req;
    po_frame frame;

    if (given == NULL || po_take_exts(self->state, given, &exts) < 0)
        return NULL;
    req = po_enter_quick(&frame, self);
    if (req == NULL)
        return NULL;
    status = pyossl_req_add_exts(req, PO_EXTS(exts), exts.count);
    po_frame_end(&frame);
    if (status != PYOSSL_OK)
        return po_raise(self->state, PO_CRYPTO, status);
    Py_RETURN_NONE;
}

PO_METHOD0(get_extensions)
{
    po_object *self = (po_object *)object;
    PyObject *list = PyList_New(0);
    pyossl_status status = PYOSSL_OK;
    pyossl_req *req;

    (void)unused;
    for (size_t i = 0; list != NULL && status == PYOSSL_OK; i++) {
        pyossl_ext *ext = NULL;
        PyObject *item = NULL;
        po_frame frame;

        req = po_enter_quick(&frame, self);
        if (req == NULL) {
            Py_CLEAR(list);
            break;
        }
        status = pyossl_req_ext_at(req, i, &ext);
        po_frame_end(&frame);
        if (status == PYOSSL_OK)
            item = po_ext_wrap(self->state, ext);
        if (list != NULL && status == PYOSSL_OK && (item == NULL || PyList_Append(list, item) < 0))
            Py_CLEAR(list);
        Py_XDECREF(item);
    }
    if (list != NULL && status != PYOSSL_E_NOT_FOUND) {
        Py_CLEAR(list);
        po_raise(self->state, PO_CRYPTO, status);
    }
    return list;
}

PO_METHOD0(to_cryptography)
{
    (void)unused;
    return po_bridge("request_to", object);
}

PO_METHOD(from_cryptography)
{
    PyObject *given = po_one_arg("from_cryptography", "crypto_req", args, nargs, kwnames);

    (void)object;
    return given != NULL ? po_bridge("request_from", given) : NULL;
}

#include "rows.h"

static PyMethodDef methods[] = {
    PO_COMMON_METHODS,
#include "crypto_req.def"
    { NULL, NULL, 0, NULL },
};

PO_TYPE_SPEC(req, "OpenSSL.crypto.X509Req", po_object, methods, init,
             "X509Req()\n--\n\nA certificate request (PKCS #10, RFC 2986); empty at first.");
