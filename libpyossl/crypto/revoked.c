/* Entries of revocation lists. */
#include "crypto.h"

#include <ctype.h>

/* Those of RFC 5280, section 5.3.1, that mean something outside delta and attribute lists. */
static const struct {
    const char *name;
    int code;
} reasons[] = {
    { "unspecified", CRL_REASON_UNSPECIFIED },
    { "keyCompromise", CRL_REASON_KEY_COMPROMISE },
    { "CACompromise", CRL_REASON_CA_COMPROMISE },
    { "affiliationChanged", CRL_REASON_AFFILIATION_CHANGED },
    { "superseded", CRL_REASON_SUPERSEDED },
    { "cessationOfOperation", CRL_REASON_CESSATION_OF_OPERATION },
    { "certificateHold", CRL_REASON_CERTIFICATE_HOLD },
};

OSL_DEFINE_AUTO(ASN1_ENUMERATED, ASN1_ENUMERATED_free)

static void revoked_destroy(pyossl_revoked *revoked)
{
    X509_REVOKED_free(revoked->revoked);
    OPENSSL_free(revoked);
}

OSL_DEFINE_REFS(revoked, revoked_destroy)

pyossl_status osl_revoked_wrap(pyossl_revoked **out, X509_REVOKED *revoked)
{
    pyossl_revoked *made = osl_new(pyossl_revoked);

    if (made == NULL) {
        X509_REVOKED_free(revoked);
        return osl_fail_nomem();
    }
    osl_object_init(&made->base);
    made->revoked = revoked;
    *out = made;
    return PYOSSL_OK;
}

pyossl_status pyossl_revoked_new(pyossl_revoked **out)
{
    OSL_API_ENTER;
    OSL_NEED(out != NULL);
    X509_REVOKED *revoked;

    OSL_TRY(osl_init());
    revoked = X509_REVOKED_new();
    if (revoked == NULL)
        return osl_fail(PYOSSL_E_NOMEM);
    return osl_revoked_wrap(out, revoked);
}

/* One by one: without a date it cannot be encoded, which is how OpenSSL copies. */
pyossl_status pyossl_revoked_copy(pyossl_revoked **out, const pyossl_revoked *revoked)
{
    OSL_API_ENTER;
    OSL_NEED(out != NULL && revoked != NULL);
    const X509_REVOKED *from = revoked->revoked;
    osl_auto(X509_REVOKED) *made = X509_REVOKED_new();
    bool ok = made != NULL;

    ok = ok && X509_REVOKED_set_serialNumber(
                   made, (ASN1_INTEGER *)(uintptr_t)X509_REVOKED_get0_serialNumber(from)) == 1;
    ok = ok && X509_REVOKED_set_revocationDate(
                   made, (ASN1_TIME *)(uintptr_t)X509_REVOKED_get0_revocationDate(from)) == 1;
    for (int i = 0; ok && i < X509_REVOKED_get_ext_count(from); i++)
        ok = X509_REVOKED_add_ext(made, X509_REVOKED_get_ext(from, i), -1) == 1;
    return ok ? osl_revoked_wrap(out, osl_steal(made)) : osl_fail(PYOSSL_E_NOMEM);
}

pyossl_status pyossl_revoked_serial(const pyossl_revoked *revoked, pyossl_buf *hex)
{
    OSL_API_ENTER;
    OSL_NEED(revoked != NULL && hex != NULL);
    return osl_integer_hex(X509_REVOKED_get0_serialNumber(revoked->revoked), hex);
}

pyossl_status pyossl_revoked_set_serial(pyossl_revoked *revoked, const char *hex)
{
    OSL_API_ENTER;
    OSL_NEED(revoked != NULL && hex != NULL);
    osl_auto(ASN1_INTEGER) *serial = NULL;

    OSL_TRY(osl_integer_parse(&serial, hex, true));
    if (X509_REVOKED_set_serialNumber(revoked->revoked, serial) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    return PYOSSL_OK;
}

pyossl_status pyossl_revoked_date(const pyossl_revoked *revoked, pyossl_buf *out)
{
    OSL_API_ENTER;
    OSL_NEED(revoked != NULL && out != NULL);
    return osl_time_text(X509_REVOKED_get0_revocationDate(revoked->revoked), out);
}

pyossl_status pyossl_revoked_set_date(pyossl_revoked *revoked, const char *when, size_t len)
{
    OSL_API_ENTER;
    OSL_NEED(revoked != NULL && when != NULL && osl_fits(when, len));
    osl_auto(ASN1_TIME) *date = NULL;

    OSL_TRY(osl_time_parse(&date, when, len));
    if (X509_REVOKED_set_revocationDate(revoked->revoked, date) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    return PYOSSL_OK;
}

/* OpenSSL's text, or for what it cannot read the bytes as they are, dots for control characters. */
static pyossl_status print_reason(X509_EXTENSION *ext, pyossl_buf *out)
{
    osl_auto(BIO) *bio = osl_bio_writer();

    if (bio == NULL)
        return PYOSSL_E_NOMEM;
    if (X509V3_EXT_print(bio, ext, 0, 0) != 1) {
        (void)BIO_reset(bio);
        if (ASN1_STRING_print(bio, X509_EXTENSION_get_data(ext)) != 1)
            return osl_fail(PYOSSL_E_FORMAT);
    }
    return osl_buf_from_bio(out, bio);
}

pyossl_status pyossl_revoked_reason(const pyossl_revoked *revoked, pyossl_buf *out)
{
    OSL_API_ENTER;
    OSL_NEED(revoked != NULL && out != NULL);
    int index = X509_REVOKED_get_ext_by_NID(revoked->revoked, NID_crl_reason, -1);

    if (index < 0)
        return osl_fail_text(PYOSSL_E_NOT_FOUND, "no reason is given");
    return print_reason(osl_ext_readable(X509_REVOKED_get_ext(revoked->revoked, index)), out);
}

/* "Key Compromise" is keyCompromise: whatever was read can be set. */
static bool same_reason(const char *text, const char *name)
{
    for (;; text++, name++) {
        while (*text == ' ')
            text++;
        if (tolower((unsigned char)*text) != tolower((unsigned char)*name))
            return false;
        if (*name == '\0')
            return true;
    }
}

static void forget_reasons(X509_REVOKED *revoked)
{
    int index;

    while ((index = X509_REVOKED_get_ext_by_NID(revoked, NID_crl_reason, -1)) >= 0)
        X509_EXTENSION_free(X509_REVOKED_delete_ext(revoked, index));
}

static pyossl_status set_reason_code(X509_REVOKED *revoked, int code)
{
    osl_auto(ASN1_ENUMERATED) *number = ASN1_ENUMERATED_new();

    if (number == NULL || ASN1_ENUMERATED_set(number, code) != 1)
        return osl_fail(PYOSSL_E_NOMEM);
    if (X509_REVOKED_add1_ext_i2d(revoked, NID_crl_reason, number, 0, X509V3_ADD_REPLACE) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    return PYOSSL_OK;
}

pyossl_status pyossl_revoked_set_reason(pyossl_revoked *revoked, const char *reason)
{
    OSL_API_ENTER;
    OSL_NEED(revoked != NULL);
    if (reason == NULL) {
        forget_reasons(revoked->revoked);
        return PYOSSL_OK;
    }
    for (size_t i = 0; i < OSL_COUNT_OF(reasons); i++) {
        if (same_reason(reason, reasons[i].name))
            return set_reason_code(revoked->revoked, reasons[i].code);
    }
    return osl_fail_detail(PYOSSL_E_ARGUMENT, "no such reason", reason);
}

const char *pyossl_revoked_reason_name(size_t index)
{
    return index < OSL_COUNT_OF(reasons) ? reasons[index].name : NULL;
}
