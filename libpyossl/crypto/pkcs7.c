/* PKCS #7 messages: kind and certificates. */
#include "crypto.h"

/* What stands in the wild; the last is what some old software writes. */
static const char *const labels[] = { "PKCS7", "PKCS #7 SIGNED DATA", "CMS", "CERTIFICATE", NULL };

static void pkcs7_destroy(pyossl_pkcs7 *message)
{
    PKCS7_free(message->message);
    OPENSSL_free(message);
}

OSL_DEFINE_REFS(pkcs7, pkcs7_destroy)

static pyossl_status parse(pyossl_pkcs7 **out, const unsigned char *in, size_t len)
{
    osl_auto(PKCS7) *message = NULL;
    pyossl_pkcs7 *made;

    message = d2i_PKCS7(NULL, &in, (long)len);
    if (message == NULL)
        return osl_fail(PYOSSL_E_FORMAT);
    made = osl_new(pyossl_pkcs7);
    if (made == NULL)
        return osl_fail_nomem();
    osl_object_init(&made->base);
    made->message = osl_steal(message);
    *out = made;
    return PYOSSL_OK;
}

pyossl_status pyossl_pkcs7_load(pyossl_pkcs7 **out, pyossl_format format, const void *data,
                                size_t len)
{
    OSL_API_ENTER;
    OSL_NEED(out != NULL && osl_fits(data, len));
    osl_auto_buf der = PYOSSL_BUF_INIT;

    OSL_TRY(osl_init());
    OSL_TRY(osl_decode(format, data, len, labels, &der));
    return parse(out, der.data, der.len);
}

static pyossl_status encode(const PKCS7 *message, pyossl_buf *der)
{
    int len = i2d_PKCS7(message, NULL);
    unsigned char *end;

    if (len <= 0)
        return osl_fail(PYOSSL_E_STATE);
    OSL_TRY(osl_buf_alloc(der, (size_t)len));
    end = der->data;
    if (i2d_PKCS7(message, &end) != len)
        return osl_fail(PYOSSL_E_OPENSSL);
    return PYOSSL_OK;
}

pyossl_status osl_pkcs7_settle(pyossl_pkcs7 **out, const PKCS7 *made)
{
    osl_auto_buf der = PYOSSL_BUF_INIT;

    OSL_TRY(encode(made, &der));
    return parse(out, der.data, der.len);
}

static pyossl_status dump_text(const pyossl_pkcs7 *message, pyossl_buf *out)
{
    osl_auto(BIO) *bio = osl_bio_writer();

    if (bio == NULL)
        return PYOSSL_E_NOMEM;
    if (PKCS7_print_ctx(bio, message->message, 0, NULL) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    return osl_buf_from_bio(out, bio);
}

pyossl_status pyossl_pkcs7_dump(const pyossl_pkcs7 *message, pyossl_format format, pyossl_buf *out)
{
    OSL_API_ENTER;
    OSL_NEED(message != NULL && out != NULL);
    osl_auto_buf der = PYOSSL_BUF_INIT;

    if (format == PYOSSL_TEXT)
        return dump_text(message, out);
    if (format != PYOSSL_PEM && format != PYOSSL_DER)
        return osl_fail_format(format);
    OSL_TRY(encode(message->message, &der));
    return osl_encode(format, labels[0], der.data, der.len, out);
}

/* signedData without content and signers (RFC 2315, section 9). */
static PKCS7 *degenerate_new(void)
{
    osl_auto(PKCS7) *message = PKCS7_new();

    if (message == NULL || PKCS7_set_type(message, NID_pkcs7_signed) != 1)
        return NULL;
    message->d.sign->contents->type = OBJ_nid2obj(NID_pkcs7_data);
    return osl_steal(message);
}

pyossl_status pyossl_pkcs7_new_certs(pyossl_pkcs7 **out, pyossl_x509 *const *certs, size_t count)
{
    OSL_API_ENTER;
    OSL_NEED(out != NULL && osl_are_there(certs, count));
    osl_auto(PKCS7) *message = NULL;

    OSL_TRY(osl_init());
    message = degenerate_new();
    if (message == NULL)
        return osl_fail(PYOSSL_E_NOMEM);
    for (size_t i = 0; i < count; i++) {
        X509 *cert = osl_x509_lend(certs[i]);

        if (cert == NULL)
            return osl_recorded();
        if (PKCS7_add_certificate(message, cert) != 1)
            return osl_fail(PYOSSL_E_OPENSSL);
    }
    /* Decoded again, it shares nothing with certificates that their owners may change. */
    return osl_pkcs7_settle(out, message);
}

/* ---- what is in it: look at the type, then at the member of that type, then into that ---- */

pyossl_pkcs7_kind pyossl_pkcs7_type(const pyossl_pkcs7 *message)
{
    OSL_NEED_OR(0, message != NULL);
    switch (OBJ_obj2nid(message->message->type)) {
    case NID_pkcs7_data:
        return PYOSSL_PKCS7_DATA;
    case NID_pkcs7_signed:
        return PYOSSL_PKCS7_SIGNED;
    case NID_pkcs7_enveloped:
        return PYOSSL_PKCS7_ENVELOPED;
    case NID_pkcs7_signedAndEnveloped:
        return PYOSSL_PKCS7_SIGNED_AND_ENVELOPED;
    default:
        return PYOSSL_PKCS7_OTHER;
    }
}

const char *pyossl_pkcs7_type_name(const pyossl_pkcs7 *message)
{
    OSL_NEED_OR(NULL, message != NULL);
    const char *name = OBJ_nid2sn(OBJ_obj2nid(message->message->type));

    return name != NULL ? name : "UNDEF";
}

static STACK_OF(X509) *certs_of(const pyossl_pkcs7 *message)
{
    const PKCS7 *pkcs7 = message->message;

    switch (pyossl_pkcs7_type(message)) {
    case PYOSSL_PKCS7_SIGNED:
        return pkcs7->d.sign != NULL ? pkcs7->d.sign->cert : NULL;
    case PYOSSL_PKCS7_SIGNED_AND_ENVELOPED:
        return pkcs7->d.signed_and_enveloped != NULL ? pkcs7->d.signed_and_enveloped->cert : NULL;
    case PYOSSL_PKCS7_OTHER:
    case PYOSSL_PKCS7_DATA:
    case PYOSSL_PKCS7_ENVELOPED:
        break;
    }
    return NULL;
}

pyossl_status pyossl_pkcs7_certs(const pyossl_pkcs7 *message, pyossl_x509_list *out)
{
    OSL_API_ENTER;
    OSL_NEED(message != NULL && out != NULL);
    return osl_x509_wrap_stack(out, certs_of(message));
}
