/* SPKAC in base64. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    pyossl_buf out = PYOSSL_BUF_INIT;
    pyossl_spki *spki = NULL;
    pyossl_pkey *key = NULL;

    if (checked(pyossl_spki_load(&spki, (const char *)data, len)) != PYOSSL_OK) {
        CHECK(spki == NULL);
        return 0;
    }
    if (checked(pyossl_spki_challenge(spki, &out)) == PYOSSL_OK)
        pyossl_buf_clear(&out);
    if (chosen(data, len, 16) && checked(pyossl_spki_pubkey(spki, &key)) == PYOSSL_OK) {
        (void)!checked(pyossl_spki_verify(spki, key));
        pyossl_pkey_unref(key);
    }
    if (checked(pyossl_spki_dump(spki, &out)) == PYOSSL_OK)
        pyossl_buf_clear(&out);
    pyossl_spki_unref(spki);
    return 0;
}
