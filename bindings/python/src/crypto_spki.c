/* OpenSSL.crypto.NetscapeSPKI */
#define PO_HANDLE pyossl_spki
#define PO_DOMAIN PO_CRYPTO

#include "shapes.h"

#include "crypto_common.h"

#include "crypto_spki.def"

static int init(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static const char *const names[] = { "enc" };
    static const po_params params = { "NetscapeSPKI", names, 0, 1 };
    po_object *self = (po_object *)object;
    po_auto_bytes base64 = PO_BYTES_INIT;
    pyossl_spki *spki = NULL;
    PyObject *given[1];
    pyossl_status status;

    if (po_args_tuple(&params, args, kwargs, given) < 0)
        return -1;
    if (given[0] == NULL || given[0] == Py_None) {
        status = pyossl_spki_new(&spki);
    } else {
        if (po_to_bytes(given[0], "enc", PO_STR_ASCII, &base64) < 0)
            return -1;
        status = pyossl_spki_load(&spki, base64.data, base64.len);
    }
    if (status != PYOSSL_OK) {
        po_raise(self->state, PO_CRYPTO, status);
        return -1;
    }
    po_replace(self, PO_SPKI, spki);
    return 0;
}

static pyossl_status sign_call(void *handle, const pyossl_pkey *key, const char *digest)
{
    return pyossl_spki_sign(handle, key, digest);
}

PO_METHOD(sign)
{
    return po_sign(object, args, nargs, kwnames, sign_call);
}

static pyossl_status verify_call(const void *handle, const pyossl_pkey *key)
{
    return pyossl_spki_verify(handle, key);
}

PO_METHOD(verify)
{
    if (po_verify(object, "key", args, nargs, kwnames, verify_call) < 0)
        return NULL;
    Py_RETURN_TRUE;
}

#include "rows.h"

static PyMethodDef methods[] = {
    PO_COMMON_METHODS,
#include "crypto_spki.def"
    { NULL, NULL, 0, NULL },
};

PO_TYPE_SPEC(spki, "OpenSSL.crypto.NetscapeSPKI", po_object, methods, init,
             "NetscapeSPKI(enc=None)\n--\n\nA Netscape signed public key (SPKAC); empty, or from "
             "its base64 form.");
