/*
 * How many rounds of key derivation a file asks for. OpenSSL does as many as it
 * says, and 2^31 take a quarter of an hour and more.
 */
#include "crypto.h"

OSL_DEFINE_AUTO(PBEPARAM, PBEPARAM_free)
OSL_DEFINE_AUTO(PBE2PARAM, PBE2PARAM_free)
OSL_DEFINE_AUTO(PBKDF2PARAM, PBKDF2PARAM_free)

pyossl_status osl_rounds_add(int64_t *total, const ASN1_INTEGER *number)
{
    int64_t rounds = 1;

    if (number != NULL && ASN1_INTEGER_get_int64(&rounds, number) != 1)
        return osl_fail_text(PYOSSL_E_FORMAT, "a bad number of rounds");
    if (rounds < 0 || rounds > PYOSSL_PKCS12_ROUNDS_MAX - *total)
        return osl_fail_text(PYOSSL_E_FORMAT, "too many rounds of key derivation");
    *total += rounds;
    return PYOSSL_OK;
}

/*
 * The parameters of @algorithm, if they are an @item; what they are not is OpenSSL's to
 * refuse. Without memory nobody knows, and what is not known has no limit. From 3.2 on OpenSSL
 * does not say that there was none where the program brings the allocator: a second try tells.
 */
static pyossl_status parameters(void **out, const X509_ALGOR *algorithm, const ASN1_ITEM *item)
{
    const void *value = NULL;
    void *found = NULL;
    int type = V_ASN1_UNDEF;

    X509_ALGOR_get0(NULL, &type, &value, algorithm);
    if (type == V_ASN1_SEQUENCE && value != NULL) {
        ERR_set_mark();
        found = ASN1_item_unpack(value, item);
        ERR_pop_to_mark();
        if (found == NULL)
            found = ASN1_item_unpack(value, item);
        if (found == NULL && osl_fail(PYOSSL_E_FORMAT) == PYOSSL_E_NOMEM)
            return PYOSSL_E_NOMEM;
    }
    *out = found;
    return PYOSSL_OK;
}

static pyossl_status add_kdf(int64_t *total, const X509_ALGOR *kdf)
{
    osl_auto(PBKDF2PARAM) *param = NULL;
    void *found = NULL;

    if (OBJ_obj2nid(kdf->algorithm) == NID_id_pbkdf2)
        OSL_TRY(parameters(&found, kdf, ASN1_ITEM_rptr(PBKDF2PARAM)));
    param = found;
    return param != NULL ? osl_rounds_add(total, param->iter) : PYOSSL_OK;
}

pyossl_status osl_rounds_of(int64_t *total, const X509_ALGOR *algorithm)
{
    osl_auto(PBE2PARAM) *modern = NULL;
    osl_auto(PBEPARAM) *old = NULL;
    void *found = NULL;
    int nid = OBJ_obj2nid(algorithm->algorithm);

    /* The parameters of PBMAC1 (RFC 9579) are built like those of PBES2. */
    if (nid == NID_pbes2 || nid == NID_pbmac1) {
        OSL_TRY(parameters(&found, algorithm, ASN1_ITEM_rptr(PBE2PARAM)));
        modern = found;
        return modern != NULL ? add_kdf(total, modern->keyfunc) : PYOSSL_OK;
    }
    OSL_TRY(parameters(&found, algorithm, ASN1_ITEM_rptr(PBEPARAM)));
    old = found;
    return old != NULL ? osl_rounds_add(total, old->iter) : PYOSSL_OK;
}
