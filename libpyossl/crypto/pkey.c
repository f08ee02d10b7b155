/* Keys: making them, and what can be asked of them. */
#include "crypto.h"

#include <openssl/objects.h>
#include <openssl/rsa.h>

#ifndef OPENSSL_RSA_MAX_MODULUS_BITS
#define OPENSSL_RSA_MAX_MODULUS_BITS 16384
#endif

enum { RSA_MIN_BITS = 512 }; /* of a new key */

/* ---- the handle ---- */

static void destroy(pyossl_pkey *pkey)
{
    EVP_PKEY_free(pkey->key);
    OPENSSL_free(pkey);
}

OSL_DEFINE_REFS(pkey, destroy)

pyossl_status osl_pkey_wrap(pyossl_pkey **out, EVP_PKEY *key, bool is_private)
{
    pyossl_pkey *pkey = osl_new(pyossl_pkey);

    if (pkey == NULL) {
        EVP_PKEY_free(key);
        return osl_fail_nomem();
    }
    osl_object_init(&pkey->base);
    pkey->key = key;
    pkey->is_private = is_private;
    *out = pkey;
    return PYOSSL_OK;
}

/* ---- making ---- */

/* What OpenSSL refuses to use (too large) or to make (too small) is not begun: it takes hours. */
static pyossl_status check_rsa_size(int bits, int min)
{
    if (bits >= min && bits <= OPENSSL_RSA_MAX_MODULUS_BITS)
        return PYOSSL_OK;
    ERR_raise(ERR_LIB_RSA, bits < min ? RSA_R_KEY_SIZE_TOO_SMALL : RSA_R_MODULUS_TOO_LARGE);
    return osl_fail(PYOSSL_E_OPENSSL);
}

static pyossl_status generate_rsa(EVP_PKEY **out, int bits)
{
    osl_auto(EVP_PKEY_CTX) *ctx = NULL;

    OSL_TRY(check_rsa_size(bits, RSA_MIN_BITS));
    ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    if (ctx == NULL || EVP_PKEY_keygen_init(ctx) != 1 ||
        EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, bits) != 1 || EVP_PKEY_generate(ctx, out) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    return PYOSSL_OK;
}

static pyossl_status generate_named(EVP_PKEY **out, const char *type, const char *curve)
{
    *out = curve != NULL ? EVP_PKEY_Q_keygen(NULL, NULL, type, curve)
                         : EVP_PKEY_Q_keygen(NULL, NULL, type);
    return *out != NULL ? PYOSSL_OK : osl_fail(PYOSSL_E_OPENSSL);
}

static pyossl_status generate(EVP_PKEY **out, int type, int bits)
{
    switch (type) {
    case PYOSSL_KEY_RSA:
    case PYOSSL_KEY_DSA:
        if (bits <= 0)
            return osl_fail_text(PYOSSL_E_ARGUMENT, "the number of bits must be positive");
        return type == PYOSSL_KEY_RSA ? generate_rsa(out, bits) : osl_dsa_generate(out, bits);
    case PYOSSL_KEY_ED25519:
        return generate_named(out, "ED25519", NULL);
    case PYOSSL_KEY_ED448:
        return generate_named(out, "ED448", NULL);
    case PYOSSL_KEY_X25519:
        return generate_named(out, "X25519", NULL);
    case PYOSSL_KEY_X448:
        return generate_named(out, "X448", NULL);
    default:
        return osl_fail_text(PYOSSL_E_UNSUPPORTED, "no such key type");
    }
}

pyossl_status pyossl_pkey_generate(pyossl_pkey **out, int type, int bits)
{
    OSL_API_ENTER;
    OSL_NEED(out != NULL);
    osl_auto(EVP_PKEY) *key = NULL;

    OSL_TRY(generate(&key, type, bits));
    return osl_pkey_wrap(out, osl_steal(key), true);
}

pyossl_status pyossl_pkey_generate_ec(pyossl_pkey **out, const char *curve)
{
    OSL_API_ENTER;
    OSL_NEED(out != NULL && curve != NULL);
    osl_auto(EVP_PKEY) *key = NULL;

    if (pyossl_curve_nid(curve) == 0)
        return osl_fail_detail(PYOSSL_E_ARGUMENT, "unknown curve name", curve);
    OSL_TRY(generate_named(&key, "EC", curve));
    return osl_pkey_wrap(out, osl_steal(key), true);
}

/* ---- facts ---- */

int pyossl_pkey_type(const pyossl_pkey *pkey)
{
    OSL_API_ENTER;
    OSL_NEED_OR(0, pkey != NULL);
    const int id = EVP_PKEY_get_id(pkey->key);
    const char *name;

    if (id > 0)
        return id;
    /* -1 is a type that only a provider knows; it may have a number by name all the same. */
    name = EVP_PKEY_get0_type_name(pkey->key);
    return name != NULL ? OBJ_txt2nid(name) : 0;
}

int pyossl_pkey_bits(const pyossl_pkey *pkey)
{
    OSL_API_ENTER;
    OSL_NEED_OR(0, pkey != NULL);
    const int bits = EVP_PKEY_get_bits(pkey->key);

    return bits > 0 ? bits : 0;
}

int pyossl_pkey_is_private(const pyossl_pkey *pkey)
{
    OSL_NEED_OR(0, pkey != NULL);
    return pkey->is_private;
}

int pyossl_pkey_equal(const pyossl_pkey *a, const pyossl_pkey *b)
{
    OSL_API_ENTER;
    OSL_NEED_OR(0, a != NULL && b != NULL);

    return a == b || EVP_PKEY_eq(a->key, b->key) == 1;
}

pyossl_status pyossl_pkey_check(const pyossl_pkey *pkey)
{
    OSL_API_ENTER;
    OSL_NEED(pkey != NULL);
    osl_auto(EVP_PKEY_CTX) *ctx = NULL;

    if (EVP_PKEY_is_a(pkey->key, "RSA") != 1 && EVP_PKEY_is_a(pkey->key, "RSA-PSS") != 1)
        return osl_fail_text(PYOSSL_E_ARGUMENT, "only RSA keys can be checked");
    if (!pkey->is_private)
        return osl_fail_text(PYOSSL_E_ARGUMENT, "only private keys can be checked");
    OSL_TRY(check_rsa_size(EVP_PKEY_get_bits(pkey->key), 0));
    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey->key, NULL);
    if (ctx == NULL || EVP_PKEY_check(ctx) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    return PYOSSL_OK;
}
