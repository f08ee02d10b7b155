/* OpenSSL.crypto.NetscapeSPKI */
#include "crypto_spki_methods.h"

#include "types.h"

PO_TYPE_SPEC(spki, "OpenSSL.crypto.NetscapeSPKI", po_object);
