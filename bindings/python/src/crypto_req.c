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

PO_TYPE_SPEC(req, "OpenSSL.crypto.X509Req", po_object);
