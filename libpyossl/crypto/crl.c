/* Revocation lists. */
#include "crypto.h"

static const char *const labels[] = { "X509 CRL", NULL };

static void crl_destroy(pyossl_crl *crl)
{
    X509_CRL_free(crl->crl);
    OPENSSL_free(crl);
}

OSL_DEFINE_REFS(crl, crl_destroy)

/* Takes @list over, also on failure. */
static pyossl_status wrap(pyossl_crl **out, X509_CRL *list)
{
    pyossl_crl *made = osl_new(pyossl_crl);

    if (made == NULL) {
        X509_CRL_free(list);
        return osl_fail_nomem();
    }
    osl_object_init(&made->base);
    made->crl = list;
    *out = made;
    return PYOSSL_OK;
}

pyossl_status pyossl_crl_new(pyossl_crl **out)
{
    OSL_API_ENTER;
    OSL_NEED(out != NULL);
    X509_CRL *list;

    OSL_TRY(osl_init());
    list = X509_CRL_new();
    if (list == NULL)
        return osl_fail(PYOSSL_E_NOMEM);
    return wrap(out, list);
}

pyossl_status pyossl_crl_load(pyossl_crl **out, pyossl_format format, const void *data, size_t len)
{
    OSL_API_ENTER;
    OSL_NEED(out != NULL && osl_fits(data, len));
    osl_auto_buf der = PYOSSL_BUF_INIT;
    const unsigned char *in;
    X509_CRL *list;

    OSL_TRY(osl_init());
    OSL_TRY(osl_decode(format, data, len, labels, &der));
    in = der.data;
    list = d2i_X509_CRL(NULL, &in, (long)der.len);
    if (list == NULL)
        return osl_fail(PYOSSL_E_FORMAT);
    return wrap(out, list);
}

/* What a list holds that cannot be encoded yet. */
static pyossl_status copy_fields(X509_CRL *to, X509_CRL *from)
{
    STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(from);
    const ASN1_TIME *last = X509_CRL_get0_lastUpdate(from), *next = X509_CRL_get0_nextUpdate(from);
    bool ok = X509_CRL_set_issuer_name(to, X509_CRL_get_issuer(from)) == 1;

    if (X509_CRL_get_version(from) > 0)
        ok = ok && X509_CRL_set_version(to, X509_CRL_get_version(from)) == 1;
    if (last != NULL)
        ok = ok && X509_CRL_set1_lastUpdate(to, last) == 1;
    if (next != NULL)
        ok = ok && X509_CRL_set1_nextUpdate(to, next) == 1;
    for (int i = 0; ok && i < sk_X509_REVOKED_num(entries); i++) {
        X509_REVOKED *entry = X509_REVOKED_dup(sk_X509_REVOKED_value(entries, i));

        ok = entry != NULL && X509_CRL_add0_revoked(to, entry) == 1;
        if (!ok)
            X509_REVOKED_free(entry);
    }
    for (int i = 0; ok && i < X509_CRL_get_ext_count(from); i++)
        ok = X509_CRL_add_ext(to, X509_CRL_get_ext(from, i), -1) == 1;
    return ok ? PYOSSL_OK : osl_fail(PYOSSL_E_NOMEM);
}

pyossl_status pyossl_crl_copy(pyossl_crl **out, const pyossl_crl *crl)
{
    OSL_API_ENTER;
    OSL_NEED(out != NULL && crl != NULL);
    osl_auto(X509_CRL) *made = NULL;
    const ASN1_BIT_STRING *signature = NULL;
    bool is_signed;

    X509_CRL_get0_signature(crl->crl, &signature, NULL);
    is_signed = signature != NULL && ASN1_STRING_length(signature) > 0;
    made = is_signed ? X509_CRL_dup(crl->crl) : X509_CRL_new();
    if (made == NULL)
        return osl_fail(PYOSSL_E_NOMEM);
    if (!is_signed)
        OSL_TRY(copy_fields(made, crl->crl));
    return wrap(out, osl_steal(made));
}

static pyossl_status dump_text(const pyossl_crl *crl, pyossl_buf *out)
{
    osl_auto(BIO) *bio = osl_bio_writer();

    if (bio == NULL)
        return PYOSSL_E_NOMEM;
    if (X509_CRL_print(bio, crl->crl) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    return osl_buf_from_bio(out, bio);
}

pyossl_status pyossl_crl_dump(const pyossl_crl *crl, pyossl_format format, pyossl_buf *out)
{
    OSL_API_ENTER;
    OSL_NEED(crl != NULL && out != NULL);
    osl_auto_buf der = PYOSSL_BUF_INIT;
    unsigned char *end;
    int len;

    if (format == PYOSSL_TEXT)
        return dump_text(crl, out);
    if (format != PYOSSL_PEM && format != PYOSSL_DER)
        return osl_fail_format(format);
    len = i2d_X509_CRL(crl->crl, NULL);
    if (len <= 0)
        return osl_fail(PYOSSL_E_STATE);
    OSL_TRY(osl_buf_alloc(&der, (size_t)len));
    end = der.data;
    if (i2d_X509_CRL(crl->crl, &end) != len)
        return osl_fail(PYOSSL_E_OPENSSL);
    return osl_encode(format, labels[0], der.data, der.len, out);
}

/* ---- fields ---- */

/*
 * What a setter of OpenSSL's did, where 1 is success: OpenSSL is told that the
 * encoding it keeps is out of date. Unfinished lists cannot be encoded yet, and
 * have nothing that is kept.
 */
static pyossl_status changed(X509_CRL *list, int result)
{
    if (result != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    ERR_set_mark();
    (void)i2d_re_X509_CRL_tbs(list, NULL);
    ERR_pop_to_mark();
    return PYOSSL_OK;
}

long pyossl_crl_version(const pyossl_crl *crl)
{
    OSL_NEED_OR(0, crl != NULL);
    return X509_CRL_get_version(crl->crl);
}

pyossl_status pyossl_crl_set_version(pyossl_crl *crl, long version)
{
    OSL_API_ENTER;
    OSL_NEED(crl != NULL);
    return changed(crl->crl, X509_CRL_set_version(crl->crl, version));
}

pyossl_status pyossl_crl_issuer(const pyossl_crl *crl, pyossl_name **out)
{
    OSL_API_ENTER;
    OSL_NEED(crl != NULL && out != NULL);
    return osl_name_wrap_copy(out, X509_CRL_get_issuer(crl->crl));
}

pyossl_status pyossl_crl_set_issuer(pyossl_crl *crl, const pyossl_name *name)
{
    OSL_API_ENTER;
    OSL_NEED(crl != NULL && name != NULL);
    const X509_NAME *from = osl_name_read(name);

    if (from == NULL)
        return osl_recorded();
    return changed(crl->crl, X509_CRL_set_issuer_name(crl->crl, from));
}

pyossl_status pyossl_crl_last_update(const pyossl_crl *crl, pyossl_buf *out)
{
    OSL_API_ENTER;
    OSL_NEED(crl != NULL && out != NULL);
    return osl_time_text(X509_CRL_get0_lastUpdate(crl->crl), out);
}

pyossl_status pyossl_crl_set_last_update(pyossl_crl *crl, const char *when, size_t len)
{
    OSL_API_ENTER;
    OSL_NEED(crl != NULL && when != NULL && osl_fits(when, len));
    osl_auto(ASN1_TIME) *time = NULL;

    OSL_TRY(osl_time_parse(&time, when, len));
    return changed(crl->crl, X509_CRL_set1_lastUpdate(crl->crl, time));
}

pyossl_status pyossl_crl_next_update(const pyossl_crl *crl, pyossl_buf *out)
{
    OSL_API_ENTER;
    OSL_NEED(crl != NULL && out != NULL);
    return osl_time_text(X509_CRL_get0_nextUpdate(crl->crl), out);
}

pyossl_status pyossl_crl_set_next_update(pyossl_crl *crl, const char *when, size_t len)
{
    OSL_API_ENTER;
    OSL_NEED(crl != NULL && when != NULL && osl_fits(when, len));
    osl_auto(ASN1_TIME) *time = NULL;

    OSL_TRY(osl_time_parse(&time, when, len));
    return changed(crl->crl, X509_CRL_set1_nextUpdate(crl->crl, time));
}

/* ---- entries ---- */

/* OpenSSL counts a stack that is not there as -1. */
size_t pyossl_crl_count(const pyossl_crl *crl)
{
    OSL_NEED_OR(0, crl != NULL);
    int count = sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl->crl));

    return count > 0 ? (size_t)count : 0;
}

pyossl_status pyossl_crl_revoked_at(const pyossl_crl *crl, size_t index, pyossl_revoked **out)
{
    OSL_API_ENTER;
    OSL_NEED(crl != NULL && out != NULL);
    X509_REVOKED *copy;

    if (index >= pyossl_crl_count(crl))
        return osl_fail_text(PYOSSL_E_NOT_FOUND, "no such entry");
    copy = X509_REVOKED_dup(sk_X509_REVOKED_value(X509_CRL_get_REVOKED(crl->crl), (int)index));
    if (copy == NULL)
        return osl_fail(PYOSSL_E_OPENSSL);
    return osl_revoked_wrap(out, copy);
}

pyossl_status pyossl_crl_add_revoked(pyossl_crl *crl, const pyossl_revoked *revoked)
{
    OSL_API_ENTER;
    OSL_NEED(crl != NULL && revoked != NULL);
    osl_auto(X509_REVOKED) *copy = NULL;

    /* It could not be encoded, and would spoil the list. */
    if (ASN1_STRING_length(X509_REVOKED_get0_revocationDate(revoked->revoked)) == 0)
        return osl_fail_text(PYOSSL_E_STATE, "the entry has no revocation date");
    copy = X509_REVOKED_dup(revoked->revoked);
    if (copy == NULL || X509_CRL_add0_revoked(crl->crl, copy) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    copy = NULL; /* the list's now */
    return PYOSSL_OK;
}

/* ---- signatures ---- */

pyossl_status pyossl_crl_sign(pyossl_crl *crl, const pyossl_pkey *pkey, const char *digest)
{
    OSL_API_ENTER;
    OSL_NEED(crl != NULL && pkey != NULL);
    const EVP_MD *md = NULL;

    OSL_TRY(osl_sign_prepare(pkey, digest, &md));
    if (X509_CRL_sort(crl->crl) != 1 || X509_CRL_sign(crl->crl, pkey->key, md) <= 0)
        return osl_fail(PYOSSL_E_OPENSSL);
    return PYOSSL_OK;
}

pyossl_status pyossl_crl_verify(const pyossl_crl *crl, const pyossl_pkey *pkey)
{
    OSL_API_ENTER;
    OSL_NEED(crl != NULL && pkey != NULL);
    return osl_verify_result(X509_CRL_verify(crl->crl, pkey->key));
}
