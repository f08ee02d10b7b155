/* PKCS #12 bundles, with the passphrase of the seeds and without. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const pyossl_passphrase passphrase = { .data = "secret", .len = 6 };
    const pyossl_passphrase *const passphrases[] = { &passphrase, NULL };

    if (derives_long(data, len) && !chosen(data, len, 256))
        return 0;
    for (size_t i = 0; i < 2; i++) {
        pyossl_pkcs12 *bundle = NULL;
        size_t name_len;

        if (passphrases[i] == NULL && !chosen(data, len, 4))
            break;
        if (checked(pyossl_pkcs12_load(&bundle, data, len, passphrases[i])) != PYOSSL_OK) {
            CHECK(bundle == NULL);
            continue;
        }
        (void)pyossl_pkcs12_friendly_name(bundle, &name_len);
        (void)pyossl_pkcs12_pkey(bundle);
        (void)pyossl_pkcs12_cert(bundle);
        for (size_t j = 0; j < pyossl_pkcs12_ca_count(bundle); j++)
            CHECK(pyossl_pkcs12_ca_at(bundle, j) != NULL);
        pyossl_pkcs12_unref(bundle);
    }
    return 0;
}
