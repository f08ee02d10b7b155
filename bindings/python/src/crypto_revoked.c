/* OpenSSL.crypto.Revoked */
#include "crypto_revoked_methods.h"

#include "types.h"

PyObject *po_revoked_reason(po_object *self, size_t index)
{
    const char *name = pyossl_revoked_reason_name(index);

    (void)self;
    return name != NULL ? PyBytes_FromString(name) : NULL;
}

PO_TYPE_SPEC(revoked, "OpenSSL.crypto.Revoked", po_object);
