/* PKCS #7 messages: kind, certificates, writing. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    pyossl_x509_list certs = PYOSSL_X509_LIST_INIT;
    pyossl_buf out = PYOSSL_BUF_INIT;
    pyossl_pkcs7 *message = NULL;

    if (checked(pyossl_pkcs7_load(&message, guess_format(data, len), data, len)) != PYOSSL_OK) {
        CHECK(message == NULL);
        return 0;
    }
    (void)pyossl_pkcs7_type(message);
    CHECK(pyossl_pkcs7_type_name(message) != NULL);
    if (checked(pyossl_pkcs7_certs(message, &certs)) == PYOSSL_OK)
        pyossl_x509_list_clear(&certs);
    if (checked(pyossl_pkcs7_dump(message, PYOSSL_DER, &out)) == PYOSSL_OK)
        pyossl_buf_clear(&out);
    if (chosen(data, len, 16) &&
        checked(pyossl_pkcs7_dump(message, PYOSSL_TEXT, &out)) == PYOSSL_OK)
        pyossl_buf_clear(&out);
    pyossl_pkcs7_unref(message);
    return 0;
}
