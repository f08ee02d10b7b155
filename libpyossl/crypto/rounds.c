/*
 * How much key derivation a file asks for. OpenSSL does as much as it says, and
 * 2^31 rounds take a quarter of an hour and more.
 */
#include "crypto.h"

#include <limits.h>
#include <stdatomic.h>

#include <openssl/asn1t.h>

/* RFC 7914, section 7: OpenSSL has this structure, but not for others. */
typedef struct osl_scrypt_params {
    ASN1_OCTET_STRING *salt;
    ASN1_INTEGER *cost, *block, *parallel, *key_len;
} osl_scrypt_params;

ASN1_SEQUENCE(osl_scrypt_params) = {
    ASN1_SIMPLE(osl_scrypt_params, salt, ASN1_OCTET_STRING),
    ASN1_SIMPLE(osl_scrypt_params, cost, ASN1_INTEGER),
    ASN1_SIMPLE(osl_scrypt_params, block, ASN1_INTEGER),
    ASN1_SIMPLE(osl_scrypt_params, parallel, ASN1_INTEGER),
    ASN1_OPT(osl_scrypt_params, key_len, ASN1_INTEGER),
} static_ASN1_SEQUENCE_END(osl_scrypt_params)

static void scrypt_free(osl_scrypt_params *param)
{
    ASN1_item_free((ASN1_VALUE *)param, ASN1_ITEM_rptr(osl_scrypt_params));
}

OSL_DEFINE_AUTO(osl_scrypt_params, scrypt_free)
OSL_DEFINE_AUTO(PBEPARAM, PBEPARAM_free)
OSL_DEFINE_AUTO(PBE2PARAM, PBE2PARAM_free)
OSL_DEFINE_AUTO(PBKDF2PARAM, PBKDF2PARAM_free)

/* ---- the limit ---- */

static _Atomic(int64_t) limit = PYOSSL_KDF_ROUNDS_MAX;

int64_t pyossl_kdf_rounds_limit(void)
{
    return atomic_load_explicit(&limit, memory_order_relaxed);
}

pyossl_status pyossl_set_kdf_rounds_limit(int64_t rounds)
{
    OSL_API_ENTER;
    if (rounds < 1 || rounds > INT_MAX)
        return osl_fail_text(PYOSSL_E_ARGUMENT, "a number from 1 to 2147483647 is needed");
    atomic_store_explicit(&limit, rounds, memory_order_relaxed);
    return PYOSSL_OK;
}

static pyossl_status add(int64_t *total, int64_t rounds)
{
    if (rounds < 0 || rounds > pyossl_kdf_rounds_limit() - *total)
        return osl_fail_text(PYOSSL_E_FORMAT, "too many rounds of key derivation");
    *total += rounds;
    return PYOSSL_OK;
}

pyossl_status osl_rounds_add(int64_t *total, const ASN1_INTEGER *number)
{
    int64_t rounds = 1;

    if (number != NULL && ASN1_INTEGER_get_int64(&rounds, number) != 1)
        return osl_fail_text(PYOSSL_E_FORMAT, "a bad number of rounds");
    return add(total, rounds);
}

/* ---- what algorithms say ---- */

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

/* N * r * p of scrypt, each of which takes about as long as a round of PBKDF2. */
static pyossl_status add_scrypt(int64_t *total, const osl_scrypt_params *param)
{
    const ASN1_INTEGER *const factors[] = { param->cost, param->block, param->parallel };
    int64_t product = 1, factor;

    for (size_t i = 0; i < OSL_COUNT_OF(factors); i++) {
        if (ASN1_INTEGER_get_int64(&factor, factors[i]) != 1 || factor < 1)
            return osl_fail_text(PYOSSL_E_FORMAT, "a bad number of rounds");
        if (factor > INT_MAX / product)
            return add(total, INT64_MAX); /* more than any limit */
        product *= factor;
    }
    return add(total, product);
}

/* PBMAC1 makes as long a key as the file says. HMAC would shorten one that is longer than this. */
enum { MAC_KEY_MAX = 64 };

/*
 * The rounds of a key derivation; for a MAC, the file's word for the length of the key, which not
 * every OpenSSL looks at before it fills its memory with that.
 */
static pyossl_status add_kdf(int64_t *total, const X509_ALGOR *kdf, bool for_mac)
{
    osl_auto(PBKDF2PARAM) *param = NULL;
    osl_auto(osl_scrypt_params) *scrypt = NULL;
    void *found = NULL;
    int64_t key_len;

    if (OBJ_obj2nid(kdf->algorithm) == NID_id_scrypt) {
        OSL_TRY(parameters(&found, kdf, ASN1_ITEM_rptr(osl_scrypt_params)));
        scrypt = found;
        return scrypt != NULL ? add_scrypt(total, scrypt) : PYOSSL_OK;
    }
    if (OBJ_obj2nid(kdf->algorithm) != NID_id_pbkdf2)
        return PYOSSL_OK;
    OSL_TRY(parameters(&found, kdf, ASN1_ITEM_rptr(PBKDF2PARAM)));
    param = found;
    if (param == NULL)
        return PYOSSL_OK;
    if (for_mac &&
        (param->keylength == NULL || ASN1_INTEGER_get_int64(&key_len, param->keylength) != 1 ||
         key_len < 1 || key_len > MAC_KEY_MAX))
        return osl_fail_text(PYOSSL_E_FORMAT, "a bad length of the key of the MAC");
    return osl_rounds_add(total, param->iter);
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
        return modern != NULL ? add_kdf(total, modern->keyfunc, nid == NID_pbmac1) : PYOSSL_OK;
    }
    OSL_TRY(parameters(&found, algorithm, ASN1_ITEM_rptr(PBEPARAM)));
    old = found;
    return old != NULL ? osl_rounds_add(total, old->iter) : PYOSSL_OK;
}
