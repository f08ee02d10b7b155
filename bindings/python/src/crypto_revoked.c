/* OpenSSL.crypto.Revoked */
#include "crypto_revoked_methods.h"

#include "types.h"

PyObject *po_revoked_all_reasons(po_object *self)
{
    PyObject *list = PyList_New(0);
    const char *name;

    (void)self;
    for (size_t i = 0; list != NULL && (name = pyossl_revoked_reason_name(i)) != NULL; i++) {
        PyObject *reason = PyBytes_FromString(name);

        if (reason == NULL || PyList_Append(list, reason) < 0)
            Py_CLEAR(list);
        Py_XDECREF(reason);
    }
    return list;
}

PO_TYPE_SPEC(revoked, "OpenSSL.crypto.Revoked", po_object);
