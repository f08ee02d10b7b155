/* OpenSSL.crypto.PKCS7 */
#define PO_HANDLE pyossl_pkcs7
#define PO_DOMAIN PO_CRYPTO

#include "shapes.h"

#include "crypto_common.h"

static int is_signed(const pyossl_pkcs7 *message)
{
    return pyossl_pkcs7_type(message) == PYOSSL_PKCS7_SIGNED;
}

static int is_enveloped(const pyossl_pkcs7 *message)
{
    return pyossl_pkcs7_type(message) == PYOSSL_PKCS7_ENVELOPED;
}

static int is_signed_and_enveloped(const pyossl_pkcs7 *message)
{
    return pyossl_pkcs7_type(message) == PYOSSL_PKCS7_SIGNED_AND_ENVELOPED;
}

static int is_data(const pyossl_pkcs7 *message)
{
    return pyossl_pkcs7_type(message) == PYOSSL_PKCS7_DATA;
}

#include "crypto_pkcs7.def"

/* Messages come from load_pkcs7_data(); one made by hand stays empty. */
static int init(PyObject *object, PyObject *args, PyObject *kwargs)
{
    (void)object;
    return po_no_args("PKCS7", args, kwargs);
}

#include "rows.h"

static PyMethodDef methods[] = {
    PO_COMMON_METHODS,
#include "crypto_pkcs7.def"
    { NULL, NULL, 0, NULL },
};

PO_TYPE_SPEC(pkcs7, "OpenSSL.crypto.PKCS7", po_object, methods, init,
             "PKCS7()\n--\n\nA PKCS #7 message (RFC 2315), as load_pkcs7_data() returns it.");
