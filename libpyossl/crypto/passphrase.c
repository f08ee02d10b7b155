/* Where passphrases come from, and where they end. */
#include "crypto.h"

void osl_secret_clear(osl_secret *secret)
{
    OPENSSL_clear_free(secret->large, secret->large != NULL ? secret->len : 0);
    OPENSSL_cleanse(secret, sizeof *secret);
}

static pyossl_status ask(osl_secret *out, const pyossl_passphrase *from, int confirm)
{
    size_t len = 0;
    pyossl_answer answer =
        from->callback(out->bytes, PYOSSL_PASSPHRASE_MAX, &len, confirm, from->userdata);

    if (answer == PYOSSL_ANSWER_DECLINE)
        return PYOSSL_OK;
    if (answer != PYOSSL_ANSWER_ACCEPT)
        return osl_fail_text(PYOSSL_E_CALLBACK, "the passphrase callback stopped the call");
    if (len > PYOSSL_PASSPHRASE_MAX)
        return osl_fail_text(PYOSSL_E_CALLBACK, "the passphrase callback's length is too large");
    out->len = len;
    out->present = true;
    return PYOSSL_OK;
}

static pyossl_status copy(osl_secret *out, const pyossl_passphrase *from)
{
    if (from->len > PYOSSL_PASSPHRASE_MAX)
        return osl_fail_text(PYOSSL_E_ARGUMENT, "the passphrase is too long");
    if (from->len > 0)
        memcpy(out->bytes, from->data, from->len);
    out->len = from->len;
    out->present = from->data != NULL;
    return PYOSSL_OK;
}

pyossl_status osl_secret_get(osl_secret *out, const pyossl_passphrase *from, int confirm)
{
    pyossl_status status = PYOSSL_OK;

    memset(out, 0, sizeof *out);
    if (from != NULL)
        status = from->callback != NULL ? ask(out, from, confirm) : copy(out, from);
    if (status != PYOSSL_OK || !out->present)
        osl_secret_clear(out);
    out->bytes[out->len] = '\0';
    return status;
}

pyossl_status osl_fail_passphrase(const osl_secret *secret)
{
    return osl_hint(osl_fail(PYOSSL_E_PASSPHRASE),
                    secret->present ? "maybe wrong password"
                                    : "it is encrypted, and no passphrase was given");
}

pyossl_status osl_secret_get_any(osl_secret *out, const pyossl_passphrase *from, int confirm)
{
    if (from == NULL || from->callback != NULL || from->len <= PYOSSL_PASSPHRASE_MAX)
        return osl_secret_get(out, from, confirm);
    memset(out, 0, sizeof *out);
    if (!osl_len_fits(from->len))
        return osl_fail_text(PYOSSL_E_ARGUMENT, "the passphrase is too long");
    out->large = osl_memdup(from->data, from->len); /* with a NUL behind it */
    if (out->large == NULL)
        return osl_fail_nomem();
    out->len = from->len;
    out->present = true;
    return PYOSSL_OK;
}
