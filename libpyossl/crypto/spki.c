/* Netscape signed public keys and challenges. */
#include "crypto.h"

static void spki_destroy(pyossl_spki *spki)
{
    NETSCAPE_SPKI_free(spki->spki);
    OPENSSL_free(spki);
}

OSL_DEFINE_REFS(spki, spki_destroy)

/* Takes @signed_key over, also on failure. */
static pyossl_status wrap(pyossl_spki **out, NETSCAPE_SPKI *signed_key)
{
    pyossl_spki *made = osl_new(pyossl_spki);

    if (made == NULL) {
        NETSCAPE_SPKI_free(signed_key);
        return osl_fail_nomem();
    }
    osl_object_init(&made->base);
    made->spki = signed_key;
    *out = made;
    return PYOSSL_OK;
}

pyossl_status pyossl_spki_new(pyossl_spki **out)
{
    OSL_API_ENTER;
    OSL_NEED(out != NULL);
    NETSCAPE_SPKI *signed_key;

    OSL_TRY(osl_init());
    signed_key = NETSCAPE_SPKI_new();
    if (signed_key == NULL)
        return osl_fail(PYOSSL_E_NOMEM);
    return wrap(out, signed_key);
}

static bool has_pubkey(const NETSCAPE_SPKI *spki)
{
    const unsigned char *bits = NULL;
    int len = 0;

    return X509_PUBKEY_get0_param(NULL, &bits, &len, NULL, spki->spkac->pubkey) == 1 && len > 0;
}

/* What there is before it is signed, and cannot be encoded. */
static pyossl_status copy_fields(NETSCAPE_SPKI *to, NETSCAPE_SPKI *from)
{
    osl_auto(pyossl_pkey) *key = NULL;
    bool ok;

    if (has_pubkey(from))
        OSL_TRY(osl_spki_key(&key, from->spkac->pubkey));
    ok = key == NULL || NETSCAPE_SPKI_set_pubkey(to, key->key) == 1;
    ok = ok && ASN1_STRING_copy(to->spkac->challenge, from->spkac->challenge) == 1;
    return ok ? PYOSSL_OK : osl_fail(PYOSSL_E_NOMEM);
}

pyossl_status pyossl_spki_copy(pyossl_spki **out, const pyossl_spki *spki)
{
    OSL_API_ENTER;
    OSL_NEED(out != NULL && spki != NULL);
    osl_auto(NETSCAPE_SPKI) *made = NULL;
    const bool is_signed = ASN1_STRING_length(spki->spki->signature) > 0;

    made =
        is_signed ? ASN1_item_dup(ASN1_ITEM_rptr(NETSCAPE_SPKI), spki->spki) : NETSCAPE_SPKI_new();
    if (made == NULL)
        return osl_fail(PYOSSL_E_NOMEM);
    if (!is_signed)
        OSL_TRY(copy_fields(made, spki->spki));
    return wrap(out, osl_steal(made));
}

/* ---- base64: browsers broke it into lines, and forms turned those into blanks ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static pyossl_status fail_base64(const char *base64, size_t len)
{
    return osl_given(osl_fail_text(PYOSSL_E_FORMAT, "not base64"), base64, len);
}

/* The same without blanks. PYOSSL_E_FORMAT unless it is whole, with "=" at the end only. */
static pyossl_status compact(const char *base64, size_t len, pyossl_buf *out, size_t *padding)
{
    osl_auto_buf text = PYOSSL_BUF_INIT;
    size_t kept = 0;

    *padding = 0;
    OSL_TRY(osl_buf_alloc(&text, len));
    for (size_t i = 0; i < len; i++) {
        if (is_blank(base64[i]))
            continue;
        if (base64[i] == '=')
            ++*padding;
        else if (*padding > 0)
            return fail_base64(base64, len);
        text.data[kept++] = (unsigned char)base64[i];
    }
    if (kept == 0 || kept % 4 != 0 || *padding > 2)
        return fail_base64(base64, len);
    text.len = kept;
    text.data[kept] = '\0';
    osl_buf_move(out, &text);
    return PYOSSL_OK;
}

static pyossl_status decode_base64(const char *base64, size_t len, pyossl_buf *der)
{
    osl_auto_buf text = PYOSSL_BUF_INIT, bytes = PYOSSL_BUF_INIT;
    size_t padding;
    int count;

    if (!osl_len_fits(len))
        return osl_fail_text(PYOSSL_E_FORMAT, "too long");
    OSL_TRY(compact(base64, len, &text, &padding));
    OSL_TRY(osl_buf_alloc(&bytes, text.len / 4 * 3));
    count = EVP_DecodeBlock(bytes.data, text.data, (int)text.len);
    if (count < (int)padding)
        return fail_base64(base64, len);
    bytes.len = (size_t)count - padding;
    osl_buf_move(der, &bytes);
    return PYOSSL_OK;
}

pyossl_status pyossl_spki_load(pyossl_spki **out, const char *base64, size_t len)
{
    OSL_API_ENTER;
    OSL_NEED(out != NULL && osl_fits(base64, len));
    osl_auto_buf der = PYOSSL_BUF_INIT;
    NETSCAPE_SPKI *signed_key;
    const unsigned char *in;

    OSL_TRY(osl_init());
    OSL_TRY(decode_base64(base64, len, &der));
    in = der.data;
    signed_key = d2i_NETSCAPE_SPKI(NULL, &in, (long)der.len);
    if (signed_key == NULL)
        return osl_fail(PYOSSL_E_FORMAT);
    return wrap(out, signed_key);
}

pyossl_status pyossl_spki_dump(const pyossl_spki *spki, pyossl_buf *base64)
{
    OSL_API_ENTER;
    OSL_NEED(spki != NULL && base64 != NULL);
    osl_auto_buf der = PYOSSL_BUF_INIT, text = PYOSSL_BUF_INIT;
    unsigned char *end;
    int len;

    if (!has_pubkey(spki->spki) || ASN1_STRING_length(spki->spki->signature) == 0)
        return osl_fail_text(PYOSSL_E_STATE, "no public key, or not signed");
    len = i2d_NETSCAPE_SPKI(spki->spki, NULL);
    if (len <= 0)
        return osl_fail(PYOSSL_E_STATE);
    OSL_TRY(osl_buf_alloc(&der, (size_t)len));
    end = der.data;
    if (i2d_NETSCAPE_SPKI(spki->spki, &end) != len)
        return osl_fail(PYOSSL_E_OPENSSL);
    OSL_TRY(osl_buf_alloc(&text, (der.len + 2) / 3 * 4));
    if (EVP_EncodeBlock(text.data, der.data, len) != (int)text.len)
        return osl_fail(PYOSSL_E_OPENSSL);
    osl_buf_move(base64, &text);
    return PYOSSL_OK;
}

/* ---- fields ---- */

pyossl_status pyossl_spki_pubkey(const pyossl_spki *spki, pyossl_pkey **out)
{
    OSL_API_ENTER;
    OSL_NEED(spki != NULL && out != NULL);
    return osl_spki_key(out, spki->spki->spkac->pubkey);
}

pyossl_status pyossl_spki_set_pubkey(pyossl_spki *spki, const pyossl_pkey *pkey)
{
    OSL_API_ENTER;
    OSL_NEED(spki != NULL && pkey != NULL);
    if (NETSCAPE_SPKI_set_pubkey(spki->spki, pkey->key) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    return PYOSSL_OK;
}

pyossl_status pyossl_spki_challenge(const pyossl_spki *spki, pyossl_buf *out)
{
    OSL_API_ENTER;
    OSL_NEED(spki != NULL && out != NULL);
    const ASN1_IA5STRING *challenge = spki->spki->spkac->challenge;

    return osl_buf_set(out, ASN1_STRING_get0_data(challenge),
                       (size_t)ASN1_STRING_length(challenge));
}

pyossl_status pyossl_spki_set_challenge(pyossl_spki *spki, const char *text, size_t len)
{
    OSL_API_ENTER;
    OSL_NEED(spki != NULL && text != NULL && osl_fits(text, len));
    if (!osl_len_fits(len))
        return osl_fail_text(PYOSSL_E_ARGUMENT, "too long");
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] > 0x7f)
            return osl_fail_text(PYOSSL_E_ARGUMENT, "not ASCII");
    }
    if (ASN1_STRING_set(spki->spki->spkac->challenge, text, (int)len) != 1)
        return osl_fail(PYOSSL_E_NOMEM);
    return PYOSSL_OK;
}

/* ---- signatures ---- */

pyossl_status pyossl_spki_sign(pyossl_spki *spki, const pyossl_pkey *pkey, const char *digest)
{
    OSL_API_ENTER;
    OSL_NEED(spki != NULL && pkey != NULL);
    const EVP_MD *md = NULL;

    OSL_TRY(osl_sign_prepare(pkey, digest, &md));
    if (NETSCAPE_SPKI_sign(spki->spki, pkey->key, md) <= 0)
        return osl_fail(PYOSSL_E_OPENSSL);
    return PYOSSL_OK;
}

pyossl_status pyossl_spki_verify(const pyossl_spki *spki, const pyossl_pkey *pkey)
{
    OSL_API_ENTER;
    OSL_NEED(spki != NULL && pkey != NULL);
    return osl_verify_result(NETSCAPE_SPKI_verify(spki->spki, pkey->key));
}
