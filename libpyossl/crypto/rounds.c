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

/* The parameters of @algorithm, if they are an @item; what they are not is OpenSSL's to refuse. */
static void *parameters(const X509_ALGOR *algorithm, const ASN1_ITEM *item)
{
    const void *value = NULL;
    void *found = NULL;
    int type = V_ASN1_UNDEF;

    X509_ALGOR_get0(NULL, &type, &value, algorithm);
    ERR_set_mark();
    if (type == V_ASN1_SEQUENCE && value != NULL)
        found = ASN1_item_unpack(value, item);
    ERR_pop_to_mark();
    return found;
}

static pyossl_status add_kdf(int64_t *total, const X509_ALGOR *kdf)
{
    osl_auto(PBKDF2PARAM) *param = NULL;

    if (OBJ_obj2nid(kdf->algorithm) == NID_id_pbkdf2)
        param = parameters(kdf, ASN1_ITEM_rptr(PBKDF2PARAM));
    return param != NULL ? osl_rounds_add(total, param->iter) : PYOSSL_OK;
}

pyossl_status osl_rounds_of(int64_t *total, const X509_ALGOR *algorithm)
{
    int nid = OBJ_obj2nid(algorithm->algorithm);

    /* The parameters of PBMAC1 (RFC 9579) are built like those of PBES2. */
    if (nid == NID_pbes2 || nid == NID_pbmac1) {
        osl_auto(PBE2PARAM) *param = parameters(algorithm, ASN1_ITEM_rptr(PBE2PARAM));

        return param != NULL ? add_kdf(total, param->keyfunc) : PYOSSL_OK;
    }
    osl_auto(PBEPARAM) *param = parameters(algorithm, ASN1_ITEM_rptr(PBEPARAM));

    return param != NULL ? osl_rounds_add(total, param->iter) : PYOSSL_OK;
}
