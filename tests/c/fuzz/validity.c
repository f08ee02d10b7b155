/* Times: what is taken comes back, and does not end the world when compared. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    pyossl_x509 *cert = NULL;
    pyossl_buf out = PYOSSL_BUF_INIT;
    char *text = as_text(data, len);
    int64_t seconds = 0;
    int expired;

    CHECK(checked(pyossl_x509_new(&cert)) == PYOSSL_OK);
    if (checked(pyossl_x509_set_not_after(cert, text, len)) == PYOSSL_OK) {
        CHECK(memchr(text, '\0', len) == NULL);
        CHECK(checked(pyossl_x509_not_after(cert, &out)) == PYOSSL_OK);
        CHECK(out.len >= 13);
        pyossl_buf_clear(&out);
        CHECK(checked(pyossl_x509_has_expired(cert, &expired)) == PYOSSL_OK);
    } else {
        CHECK(checked(pyossl_x509_not_after(cert, &out)) == PYOSSL_E_NOT_FOUND);
    }
    if (len >= sizeof seconds)
        memcpy(&seconds, data, sizeof seconds);
    if (checked(pyossl_x509_adj_not_before(cert, seconds)) == PYOSSL_OK) {
        CHECK(checked(pyossl_x509_not_before(cert, &out)) == PYOSSL_OK);
        CHECK(out.len == 15 && out.data[14] == 'Z');
        pyossl_buf_clear(&out);
    }
    pyossl_x509_unref(cert);
    free(text);
    return 0;
}
