/* Signatures over plain data, and what all that signs has in common. */
#include "crypto.h"

#include <openssl/objects.h>
#include <openssl/proverr.h>

enum { DIGEST_NAME_MAX = 80 }; /* of a digest; OpenSSL has none of more than 50 bytes */

/*
 * What OpenSSL says of a key and digests. Where nothing but @name will do, @name is it, or empty
 * for a key that brings its own inside, such as Ed25519's or ML-DSA's. Else @name is what OpenSSL
 * would take, empty where it has no opinion: of a token's key, say, or of one that cannot sign.
 */
typedef struct advice {
    bool mandatory;
    char name[DIGEST_NAME_MAX];
} advice;

static advice ask(EVP_PKEY *key)
{
    advice says = { .mandatory = false };

    ERR_set_mark();
    says.mandatory = EVP_PKEY_get_default_digest_name(key, says.name, sizeof says.name) == 2;
    ERR_pop_to_mark();
    if (strcmp(says.name, SN_undef) == 0)
        says.name[0] = '\0';
    return says;
}

/* Only asked where something is refused: it has OpenSSL look an implementation up. */
static bool can_sign(const EVP_PKEY *key)
{
    bool can;

    ERR_set_mark();
    can = EVP_PKEY_can_sign(key) == 1;
    ERR_pop_to_mark();
    return can;
}

static pyossl_status refuse_none(const EVP_PKEY *key, const char *usual)
{
    if (!can_sign(key))
        return osl_fail_text(PYOSSL_E_ARGUMENT, "this type of key cannot sign");
    if (usual[0] != '\0' && strcmp(usual, "SHA256") != 0)
        return osl_fail_detail(PYOSSL_E_ARGUMENT, "this type of key needs a digest", usual);
    return osl_fail_text(PYOSSL_E_ARGUMENT, "this type of key needs a digest, such as sha256");
}

static pyossl_status refuse_digest(void)
{
    ERR_raise(ERR_LIB_PROV, PROV_R_INVALID_DIGEST); /* as OpenSSL would say */
    return osl_fail_text(PYOSSL_E_OPENSSL, "this type of key brings its own digest: pass none "
                                           "(NULL; None in Python)");
}

/* A digest for a key that brings its own is looked up all the same: unknown ones come first. */
static pyossl_status find_digest(EVP_PKEY *key, const char *name, const EVP_MD **md)
{
    const EVP_MD *found = NULL;
    advice says;

    if (name != NULL) {
        found = osl_digest(name);
        if (found == NULL)
            return osl_recorded();
    }
    says = ask(key);
    if (name == NULL && !says.mandatory)
        return refuse_none(key, says.name);
    if (name != NULL && says.mandatory && says.name[0] == '\0')
        return refuse_digest();
    *md = found;
    return PYOSSL_OK;
}

pyossl_status osl_sign_prepare(const pyossl_pkey *pkey, const char *digest, const EVP_MD **md)
{
    if (!pkey->is_private)
        return osl_fail_text(PYOSSL_E_STATE, "the key has only a public part");
    return find_digest(pkey->key, digest, md);
}

pyossl_status osl_verify_result(int result)
{
    if (result == 1)
        return PYOSSL_OK;
    /* Of a signature that is well formed but wrong, OpenSSL says nothing at all. */
    return ERR_peek_error() != 0 ? osl_fail(PYOSSL_E_VERIFY)
                                 : osl_fail_text(PYOSSL_E_VERIFY, "bad signature");
}

pyossl_status pyossl_pkey_sign(const pyossl_pkey *pkey, const char *digest, const void *data,
                               size_t len, pyossl_buf *signature)
{
    OSL_API_ENTER;
    OSL_NEED(pkey != NULL && osl_fits(data, len) && signature != NULL);
    osl_auto(EVP_MD_CTX) *ctx = NULL;
    osl_auto_buf bytes = PYOSSL_BUF_INIT;
    const EVP_MD *md = NULL;
    size_t size;
    int most;

    OSL_TRY(osl_sign_prepare(pkey, digest, &md));
    if (data == NULL)
        data = "";
    ctx = EVP_MD_CTX_new();
    if (ctx == NULL || EVP_DigestSignInit(ctx, NULL, md, NULL, pkey->key) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    most = EVP_PKEY_get_size(pkey->key);
    if (most <= 0)
        return osl_fail(PYOSSL_E_OPENSSL);
    OSL_TRY(osl_buf_alloc(&bytes, (size_t)most));
    size = bytes.len;
    /* ECDSA reports success, and -1 as length, where its encoder finds no memory. */
    if (EVP_DigestSign(ctx, bytes.data, &size, data, len) != 1 || size > bytes.len)
        return osl_fail(PYOSSL_E_OPENSSL);
    bytes.len = size; /* DSA and ECDSA signatures vary in length */
    bytes.data[size] = '\0';
    osl_buf_move(signature, &bytes);
    return PYOSSL_OK;
}

pyossl_status pyossl_pkey_verify(const pyossl_pkey *pkey, const char *digest, const void *data,
                                 size_t len, const void *signature, size_t signature_len)
{
    OSL_API_ENTER;
    OSL_NEED(pkey != NULL && osl_fits(data, len) && osl_fits(signature, signature_len));
    osl_auto(EVP_MD_CTX) *ctx = NULL;
    const EVP_MD *md = NULL;

    OSL_TRY(find_digest(pkey->key, digest, &md));
    if (data == NULL)
        data = "";
    if (signature == NULL)
        signature = "";
    ctx = EVP_MD_CTX_new();
    if (ctx == NULL || EVP_DigestVerifyInit(ctx, NULL, md, NULL, pkey->key) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    return osl_verify_result(EVP_DigestVerify(ctx, signature, signature_len, data, len));
}
