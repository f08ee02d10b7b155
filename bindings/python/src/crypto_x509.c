/* OpenSSL.crypto.X509 */
#define PO_HANDLE pyossl_x509
#define PO_DOMAIN PO_CRYPTO

#include "shapes.h"

#include "types.h"

#include "crypto_x509.def"

static int init(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static const po_params params = { "X509", NULL, 0, 0 };
    po_object *self = (po_object *)object;
    pyossl_x509 *cert = NULL;
    pyossl_status status;

    if (po_args_tuple(&params, args, kwargs, NULL) < 0)
        return -1;
    status = pyossl_x509_new(&cert);
    if (status != PYOSSL_OK) {
        po_raise(self->state, PO_CRYPTO, status);
        return -1;
    }
    po_replace(self, PO_X509, cert);
    return 0;
}

#include "rows.h"

static PyMethodDef methods[] = {
    PO_COMMON_METHODS,
#include "crypto_x509.def"
    { NULL, NULL, 0, NULL },
};

PO_TYPE_SPEC(x509, "OpenSSL.crypto.X509", po_object, methods, init, "X509()\n--\n\nA certificate (RFC 5280).");
