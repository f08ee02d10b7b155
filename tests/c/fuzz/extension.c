/* Extensions from the words of x509v3_config(5). */
#include "fuzz.h"

/* An identifier of a key with nothing in it, which later releases of OpenSSL leave out. */
static int is_empty_identifier(const pyossl_ext *ext)
{
    const char *name = pyossl_ext_short_name(ext);
    pyossl_buf der = PYOSSL_BUF_INIT;
    int empty;

    CHECK(checked(pyossl_ext_data(ext, &der)) == PYOSSL_OK);
    empty = der.len == 2 && der.data[1] == 0 && strstr(name, "KeyIdentifier") != NULL;
    pyossl_buf_clear(&der);
    return empty;
}

static void add(pyossl_ext *ext)
{
    pyossl_x509 *cert = NULL;

    CHECK(checked(pyossl_x509_new(&cert)) == PYOSSL_OK);
    CHECK(checked(pyossl_x509_add_exts(cert, &ext, 1)) == PYOSSL_OK);
    CHECK(pyossl_x509_ext_count(cert) == 1 || is_empty_identifier(ext));
    pyossl_x509_unref(cert);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char *const types[] = {
        "basicConstraints",
        "keyUsage",
        "extendedKeyUsage",
        "subjectAltName",
        "issuerAltName",
        "nameConstraints",
        "authorityInfoAccess",
        "crlDistributionPoints",
        "nsComment",
        "policyConstraints",
        "certificatePolicies",
        "subjectKeyIdentifier",
        "authorityKeyIdentifier",
        "proxyCertInfo",
        "1.2.3.4",
        "tlsfeature",
    };
    source from = { data, len };
    const char *type = types[take_byte(&from) % 16];
    const int critical = take_byte(&from) & 1;
    static pyossl_x509 *cert; /* lends its fields to extensions, and has none itself */
    pyossl_ext *ext = NULL;
    pyossl_buf out = PYOSSL_BUF_INIT;
    char *value = as_text(from.data, from.len);

    if (cert == NULL)
        CHECK(checked(pyossl_x509_new(&cert)) == PYOSSL_OK);
    if (checked(pyossl_ext_new(&ext, type, critical, value, from.len, cert, cert)) == PYOSSL_OK) {
        CHECK(memchr(value, '\0', from.len) == NULL);
        if (checked(pyossl_ext_text(ext, &out)) == PYOSSL_OK)
            pyossl_buf_clear(&out);
        CHECK(checked(pyossl_ext_data(ext, &out)) == PYOSSL_OK);
        pyossl_buf_clear(&out);
        if (chosen(data, len, 4))
            add(ext);
        pyossl_ext_unref(ext);
    } else {
        CHECK(ext == NULL);
    }
    free(value);
    return 0;
}
