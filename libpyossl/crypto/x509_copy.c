/*
 * Handles for certificates that stores, chains and messages hold.
 *
 * A handle may be changed by its owner, so it must not share a certificate that
 * OpenSSL trusts or passes on. Copying by way of the DER also leaves the full
 * parse for those who need it.
 */
#include "crypto.h"

pyossl_status osl_x509_wrap_copy(pyossl_x509 **out, X509 *from)
{
    osl_auto_buf der = PYOSSL_BUF_INIT;
    int len = i2d_X509(from, NULL);
    unsigned char *end;

    if (len <= 0)
        return osl_fail(PYOSSL_E_STATE);
    OSL_TRY(osl_buf_alloc(&der, (size_t)len));
    end = der.data;
    if (i2d_X509(from, &end) != len)
        return osl_fail(PYOSSL_E_OPENSSL);
    return osl_x509_from_der(out, &der);
}

pyossl_status osl_x509_wrap_copies(pyossl_x509_list *out, const STACK_OF(X509) * stack)
{
    osl_auto_x509_list copies = PYOSSL_X509_LIST_INIT;
    int count = stack != NULL ? sk_X509_num(stack) : 0;

    if (count > 0) {
        copies.items = OPENSSL_zalloc((size_t)count * sizeof(pyossl_x509 *));
        if (copies.items == NULL)
            return osl_fail_nomem();
    }
    for (int i = 0; i < count; i++) {
        OSL_TRY(osl_x509_wrap_copy(&copies.items[i], sk_X509_value(stack, i)));
        copies.count++;
    }
    pyossl_x509_list_clear(out);
    *out = copies;
    copies = (pyossl_x509_list)PYOSSL_X509_LIST_INIT;
    return PYOSSL_OK;
}
