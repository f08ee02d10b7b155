/* Making keys. */
#include "crypto.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>

#ifndef OPENSSL_RSA_MAX_MODULUS_BITS
#define OPENSSL_RSA_MAX_MODULUS_BITS 16384
#endif

enum { RSA_MIN_BITS = 512 }; /* of a new key */

/* What OpenSSL refuses to use (too large) or to make (too small) is not begun: it takes hours. */
pyossl_status osl_rsa_check_size(int bits, int min)
{
    if (bits >= min && bits <= OPENSSL_RSA_MAX_MODULUS_BITS)
        return PYOSSL_OK;
    ERR_raise(ERR_LIB_RSA, bits < min ? RSA_R_KEY_SIZE_TOO_SMALL : RSA_R_MODULUS_TOO_LARGE);
    return osl_fail(PYOSSL_E_OPENSSL);
}

static pyossl_status check_bits(int bits)
{
    return bits > 0
               ? PYOSSL_OK
               : osl_fail_number(PYOSSL_E_ARGUMENT, "the number of bits must be positive", bits);
}

/* ---- what a type of key wants to be told ---- */

static bool takes(EVP_PKEY_CTX *ctx, const char *parameter)
{
    const OSSL_PARAM *all = EVP_PKEY_CTX_settable_params(ctx);

    return all != NULL && OSSL_PARAM_locate_const(all, parameter) != NULL;
}

static pyossl_status set_bits(EVP_PKEY_CTX *ctx, int bits)
{
    size_t value = (size_t)bits;
    const OSSL_PARAM parameters[] = { OSSL_PARAM_construct_size_t(OSSL_PKEY_PARAM_RSA_BITS, &value),
                                      OSSL_PARAM_construct_end() };

    if (!takes(ctx, OSSL_PKEY_PARAM_RSA_BITS))
        return bits == 0 ? PYOSSL_OK
                         : osl_fail_text(PYOSSL_E_ARGUMENT,
                                         "this type of key has no number of bits to choose");
    OSL_TRY(check_bits(bits));
    OSL_TRY(osl_rsa_check_size(bits, RSA_MIN_BITS)); /* nothing but RSA has it */
    return EVP_PKEY_CTX_set_params(ctx, parameters) == 1 ? PYOSSL_OK : osl_fail(PYOSSL_E_OPENSSL);
}

static pyossl_status fail_group(const char *group)
{
    return osl_fail_detail(PYOSSL_E_ARGUMENT, "this type of key has no group to choose", group);
}

static pyossl_status fail_group_name(const char *group)
{
    return osl_fail_detail(PYOSSL_E_ARGUMENT, "no such group for this type of key", group);
}

static pyossl_status set_group(EVP_PKEY_CTX *ctx, const char *group)
{
    if (!takes(ctx, OSSL_PKEY_PARAM_GROUP_NAME))
        return group == NULL ? PYOSSL_OK : fail_group(group);
    if (group == NULL && EVP_PKEY_CTX_is_a(ctx, "EC") == 1)
        return osl_fail_text(PYOSSL_E_ARGUMENT, "an EC key needs a group: the name of its curve");
    if (group == NULL || EVP_PKEY_CTX_set_group_name(ctx, group) == 1)
        return PYOSSL_OK;
    return fail_group_name(group);
}

/* ---- by name ---- */

static pyossl_status fail_type(const char *type)
{
    return osl_fail_detail(PYOSSL_E_UNSUPPORTED, "no such key type", type);
}

/* Its parameters are made first. */
static pyossl_status generate_dsa(EVP_PKEY **out, int bits, const char *group)
{
    if (group != NULL)
        return fail_group(group);
    OSL_TRY(check_bits(bits));
    return osl_dsa_generate(out, bits);
}

static pyossl_status generate(EVP_PKEY **out, const char *type, int bits, const char *group)
{
    osl_auto(EVP_PKEY_CTX) *ctx = NULL;

    if (!osl_may_be_name(type))
        return fail_type(type);
    ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (ctx == NULL)
        return fail_type(type);
    if (EVP_PKEY_CTX_is_a(ctx, "DSA") == 1)
        return generate_dsa(out, bits, group);
    if (EVP_PKEY_keygen_init(ctx) != 1) /* secrets of MACs, say, are no pairs of keys */
        return fail_type(type);
    OSL_TRY(set_bits(ctx, bits));
    OSL_TRY(set_group(ctx, group));
    if (EVP_PKEY_generate(ctx, out) == 1)
        return PYOSSL_OK;
    /* Not before this does EC look for its group. */
    return group != NULL ? fail_group_name(group) : osl_fail(PYOSSL_E_OPENSSL);
}

pyossl_status pyossl_pkey_generate_named(pyossl_pkey **out, const char *type, int bits,
                                         const char *group)
{
    OSL_API_ENTER;
    OSL_NEED(out != NULL && type != NULL);
    osl_auto(EVP_PKEY) *key = NULL;

    OSL_TRY(generate(&key, type, bits, group));
    return osl_pkey_wrap(out, osl_steal(key), true);
}

/* ---- by number, and on a curve ---- */

static const char *name_of(int type)
{
    switch (type) {
    case PYOSSL_KEY_RSA:
        return "RSA";
    case PYOSSL_KEY_DSA:
        return "DSA";
    case PYOSSL_KEY_ED25519:
        return "ED25519";
    case PYOSSL_KEY_ED448:
        return "ED448";
    case PYOSSL_KEY_X25519:
        return "X25519";
    case PYOSSL_KEY_X448:
        return "X448";
    default:
        return NULL;
    }
}

pyossl_status pyossl_pkey_generate(pyossl_pkey **out, int type, int bits)
{
    OSL_API_ENTER;
    OSL_NEED(out != NULL);
    osl_auto(EVP_PKEY) *key = NULL;
    const char *name = name_of(type);

    if (name == NULL)
        return osl_fail_number(PYOSSL_E_UNSUPPORTED, "no such key type", type);
    if (type != PYOSSL_KEY_RSA && type != PYOSSL_KEY_DSA)
        bits = 0;
    else
        OSL_TRY(check_bits(bits));
    OSL_TRY(generate(&key, name, bits, NULL));
    return osl_pkey_wrap(out, osl_steal(key), true);
}

pyossl_status pyossl_pkey_generate_ec(pyossl_pkey **out, const char *curve)
{
    OSL_API_ENTER;
    OSL_NEED(out != NULL && curve != NULL);
    osl_auto(EVP_PKEY) *key = NULL;

    if (pyossl_curve_nid(curve) == 0)
        return osl_fail_detail(PYOSSL_E_ARGUMENT, "unknown curve name", curve);
    OSL_TRY(generate(&key, "EC", 0, curve));
    return osl_pkey_wrap(out, osl_steal(key), true);
}
