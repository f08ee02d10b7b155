/* OpenSSL.crypto.X509Req */
#include "crypto_req_methods.h"

#include "types.h"

PyObject *po_req_no_version(po_object *self, pyossl_status status)
{
    if (status == PYOSSL_E_ARGUMENT) /* ValueError of late, Error before */
        return po_raise_as(self->state, PO_EXC_CRYPTO_VALUE);
    return po_raise(self->state, PO_CRYPTO, status);
}

PyObject *po_req_get_subject(po_object *self)
{
    pyossl_name *name = NULL;
    po_frame frame;
    pyossl_req *req = po_enter_quick(&frame, self);
    pyossl_status status;

    if (req == NULL)
        return NULL;
    status = pyossl_req_subject(req, &name);
    po_frame_end(&frame);
    if (status != PYOSSL_OK)
        return po_raise(self->state, PO_CRYPTO, status);
    return po_name_wrap(self->state, name, (PyObject *)self);
}

PyObject *po_req_get_extensions(po_object *self)
{
    PyObject *list = PyList_New(0);
    pyossl_status status = PYOSSL_OK;
    pyossl_req *req;

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

PO_TYPE_SPEC(req, "OpenSSL.crypto.X509Req", po_object);
