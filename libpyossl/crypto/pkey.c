/* Keys: the handle, and what can be asked of them. */
#include "crypto.h"

#include <openssl/objects.h>

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

const char *pyossl_pkey_type_name(const pyossl_pkey *pkey)
{
    OSL_API_ENTER;
    OSL_NEED_OR(NULL, pkey != NULL);
    const char *name = EVP_PKEY_get0_type_name(pkey->key);

    return name != NULL ? name : "";
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

    if (!pkey->is_private)
        return osl_fail_text(PYOSSL_E_ARGUMENT, "only private keys can be checked");
    if (EVP_PKEY_is_a(pkey->key, "RSA") == 1 || EVP_PKEY_is_a(pkey->key, "RSA-PSS") == 1)
        OSL_TRY(osl_rsa_check_size(EVP_PKEY_get_bits(pkey->key), 0));
    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey->key, NULL);
    if (ctx == NULL || EVP_PKEY_check(ctx) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    return PYOSSL_OK;
}
