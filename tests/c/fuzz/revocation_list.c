/* Revocation lists: load, ask every entry, copy entries to a list of our own, write. */
#include "fuzz.h"

static void ask_entry(const pyossl_revoked *revoked)
{
    pyossl_buf out = PYOSSL_BUF_INIT;

    if (checked(pyossl_revoked_serial(revoked, &out)) == PYOSSL_OK)
        pyossl_buf_clear(&out);
    if (checked(pyossl_revoked_date(revoked, &out)) == PYOSSL_OK)
        pyossl_buf_clear(&out);
    if (checked(pyossl_revoked_reason(revoked, &out)) == PYOSSL_OK)
        pyossl_buf_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    pyossl_buf out = PYOSSL_BUF_INIT;
    pyossl_crl *crl = NULL, *copy = NULL;
    pyossl_name *issuer = NULL;

    if (checked(pyossl_crl_load(&crl, guess_format(data, len), data, len)) != PYOSSL_OK) {
        CHECK(crl == NULL);
        return 0;
    }
    CHECK(checked(pyossl_crl_new(&copy)) == PYOSSL_OK);
    (void)pyossl_crl_version(crl);
    if (checked(pyossl_crl_issuer(crl, &issuer)) == PYOSSL_OK)
        pyossl_name_unref(issuer);
    if (checked(pyossl_crl_last_update(crl, &out)) == PYOSSL_OK)
        pyossl_buf_clear(&out);
    if (checked(pyossl_crl_next_update(crl, &out)) == PYOSSL_OK)
        pyossl_buf_clear(&out);
    for (size_t i = 0; i < pyossl_crl_count(crl) && i < 64; i++) {
        pyossl_revoked *revoked = NULL;

        if (checked(pyossl_crl_revoked_at(crl, i, &revoked)) != PYOSSL_OK)
            continue;
        ask_entry(revoked);
        (void)!checked(pyossl_crl_add_revoked(copy, revoked));
        pyossl_revoked_unref(revoked);
    }
    if (chosen(data, len, 16) && checked(pyossl_crl_dump(crl, PYOSSL_TEXT, &out)) == PYOSSL_OK)
        pyossl_buf_clear(&out);
    if (checked(pyossl_crl_dump(crl, PYOSSL_DER, &out)) == PYOSSL_OK)
        pyossl_buf_clear(&out);
    pyossl_crl_unref(copy);
    pyossl_crl_unref(crl);
    return 0;
}
