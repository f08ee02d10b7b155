/*
 * Making DSA keys. OpenSSL's present functions refuse those below 1024 bits,
 * which programs (tests, above all) still ask for; its deprecated ones do not.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto.h"

#include <openssl/dsa.h>

#ifndef OPENSSL_DSA_MAX_MODULUS_BITS
#define OPENSSL_DSA_MAX_MODULUS_BITS 10000
#endif

enum { PRESENT_MIN_BITS = 1024 };

/* FIPS 186-4, 4.2: the sizes of q that go with a modulus. */
static int q_bits(int bits)
{
    return bits < 2048 ? 160 : 256;
}

static EVP_PKEY *generate_parameters(int bits)
{
    osl_auto(EVP_PKEY_CTX) *ctx = EVP_PKEY_CTX_new_from_name(NULL, "DSA", NULL);
    EVP_PKEY *parameters = NULL;

    if (ctx == NULL || EVP_PKEY_paramgen_init(ctx) != 1 ||
        EVP_PKEY_CTX_set_dsa_paramgen_bits(ctx, bits) != 1 ||
        EVP_PKEY_CTX_set_dsa_paramgen_q_bits(ctx, q_bits(bits)) != 1 ||
        EVP_PKEY_generate(ctx, &parameters) != 1)
        return NULL;
    return parameters;
}

static EVP_PKEY *generate_present(int bits)
{
    osl_auto(EVP_PKEY) *parameters = generate_parameters(bits);
    osl_auto(EVP_PKEY_CTX) *ctx = NULL;
    EVP_PKEY *key = NULL;

    if (parameters == NULL)
        return NULL;
    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, parameters, NULL);
    if (ctx == NULL || EVP_PKEY_keygen_init(ctx) != 1 || EVP_PKEY_generate(ctx, &key) != 1)
        return NULL;
    return key;
}

#if !defined(OPENSSL_NO_DEPRECATED_3_0) && !defined(OPENSSL_NO_DSA)

OSL_DEFINE_AUTO(DSA, DSA_free)

/* By way of its encoding, so that it ends up in a provider like all other keys. */
static EVP_PKEY *from_structure(const DSA *dsa)
{
    unsigned char *der = NULL;
    const int len = i2d_DSAPrivateKey(dsa, &der);
    EVP_PKEY *key = NULL;

    if (len > 0) {
        const unsigned char *at = der;

        key = d2i_PrivateKey(EVP_PKEY_DSA, NULL, &at, len);
        osl_free_secret(der, (size_t)len);
    }
    return key;
}

static EVP_PKEY *generate_small(int bits)
{
    osl_auto(DSA) *dsa = DSA_new();

    if (dsa == NULL || DSA_generate_parameters_ex(dsa, bits, NULL, 0, NULL, NULL, NULL) != 1 ||
        DSA_generate_key(dsa) != 1)
        return NULL;
    return from_structure(dsa);
}

#else

static EVP_PKEY *generate_small(int bits)
{
    return generate_present(bits);
}

#endif

pyossl_status osl_dsa_generate(EVP_PKEY **out, int bits)
{
    EVP_PKEY *key;

    if (bits > OPENSSL_DSA_MAX_MODULUS_BITS) {
        ERR_raise(ERR_LIB_DSA, DSA_R_MODULUS_TOO_LARGE);
        return osl_fail(PYOSSL_E_OPENSSL);
    }
    key = bits < PRESENT_MIN_BITS ? generate_small(bits) : generate_present(bits);
    if (key == NULL)
        return osl_fail(PYOSSL_E_OPENSSL);
    *out = key;
    return PYOSSL_OK;
}
