/* OpenSSL.crypto.PKCS7 */
#include "crypto_pkcs7_methods.h"

#include "types.h"

/* Messages come from load_pkcs7_data(); one made by hand stays empty. */
int po_pkcs7_init(po_object *self)
{
    (void)self;
    return 0;
}

PO_TYPE_SPEC(pkcs7, "OpenSSL.crypto.PKCS7", po_object);
