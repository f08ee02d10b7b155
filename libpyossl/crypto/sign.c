/* Signatures over plain data, and what all that signs has in common. */
#include "crypto.h"

#include <openssl/proverr.h>

static bool brings_digest(const EVP_PKEY *key)
{
    return EVP_PKEY_is_a(key, "ED25519") == 1 || EVP_PKEY_is_a(key, "ED448") == 1;
}

/* A digest for a key that brings its own is looked up all the same: unknown ones come first. */
static pyossl_status find_digest(const EVP_PKEY *key, const char *name, const EVP_MD **md)
{
    const EVP_MD *found = NULL;

    if (name != NULL) {
        found = osl_digest(name);
        if (found == NULL)
            return osl_recorded();
        if (brings_digest(key)) {
            ERR_raise(ERR_LIB_PROV, PROV_R_INVALID_DIGEST); /* as OpenSSL would say */
            return osl_fail_text(PYOSSL_E_OPENSSL, "this type of key brings its own digest: pass "
                                                   "none (NULL; None in Python)");
        }
    } else if (!brings_digest(key)) {
        return osl_fail_text(PYOSSL_E_ARGUMENT, "this type of key needs a digest");
    }
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

/* ---- kept contexts ---- */

/*
 * Setting a context up costs a tenth of a signature by an elliptic curve, and more
 * of a verification. So one of each is kept with the key, for the digest that was
 * used last; who signs takes it out, so that no two threads have it.
 */

void osl_signer_free(osl_signer *signer)
{
    if (signer == NULL)
        return;
    EVP_PKEY_CTX_free(signer->ctx);
    OPENSSL_free(signer);
}

OSL_DEFINE_AUTO(osl_signer, osl_signer_free)

/* Where hashing first and signing the hash then is known to be the same. */
static bool can_keep(const EVP_PKEY *key, const EVP_MD *md)
{
    if (md == NULL || (EVP_PKEY_is_a(key, "EC") != 1 && EVP_PKEY_is_a(key, "RSA") != 1))
        return false;
    switch (EVP_MD_get_type(md)) {
    case NID_sha256:
    case NID_sha384:
    case NID_sha512:
        return true;
    default:
        return false;
    }
}

/* NULL, with OpenSSL's queue telling why. */
static osl_signer *signer_new(EVP_PKEY *key, const EVP_MD *md, osl_signing use)
{
    osl_auto(osl_signer) *made = osl_new(osl_signer);

    if (made == NULL) {
        ERR_raise(ERR_LIB_CRYPTO, ERR_R_MALLOC_FAILURE);
        return NULL;
    }
    made->md = md;
    made->ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    if (made->ctx == NULL ||
        (use == OSL_SIGNING ? EVP_PKEY_sign_init : EVP_PKEY_verify_init)(made->ctx) != 1 ||
        EVP_PKEY_CTX_set_signature_md(made->ctx, md) != 1)
        return NULL;
    return osl_steal(made);
}

/* The slots are no part of what the handle means. */
static _Atomic(osl_signer *) *slot_of(const pyossl_pkey *pkey, osl_signing use)
{
    return &((pyossl_pkey *)pkey)->signers[use];
}

static osl_signer *signer_take(const pyossl_pkey *pkey, const EVP_MD *md, osl_signing use)
{
    osl_signer *kept = atomic_exchange_explicit(slot_of(pkey, use), NULL, memory_order_acq_rel);

    if (kept != NULL && kept->md == md)
        return kept;
    osl_signer_free(kept);
    return signer_new(pkey->key, md, use);
}

static void signer_put_back(const pyossl_pkey *pkey, osl_signing use, osl_signer *signer)
{
    osl_signer *empty = NULL;

    if (!atomic_compare_exchange_strong_explicit(slot_of(pkey, use), &empty, signer,
                                                 memory_order_acq_rel, memory_order_relaxed))
        osl_signer_free(signer);
}

/* ---- signing ---- */

static pyossl_status sign_kept(const pyossl_pkey *pkey, const EVP_MD *md, const void *data,
                               size_t len, pyossl_buf *signature)
{
    osl_auto(osl_signer) *signer = signer_take(pkey, md, OSL_SIGNING);
    osl_auto_buf bytes = PYOSSL_BUF_INIT;
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned hash_len;
    size_t size = (size_t)EVP_PKEY_get_size(pkey->key);

    if (signer == NULL || EVP_Digest(data, len, hash, &hash_len, md, NULL) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    OSL_TRY(osl_buf_alloc(&bytes, size));
    /* ECDSA reports success, and -1 as length, where its encoder finds no memory. */
    if (EVP_PKEY_sign(signer->ctx, bytes.data, &size, hash, hash_len) != 1 || size > bytes.len)
        return osl_fail(PYOSSL_E_OPENSSL);
    signer_put_back(pkey, OSL_SIGNING, osl_steal(signer));
    bytes.len = size;
    bytes.data[size] = '\0';
    osl_buf_move(signature, &bytes);
    return PYOSSL_OK;
}

static pyossl_status verify_kept(const pyossl_pkey *pkey, const EVP_MD *md, const void *data,
                                 size_t len, const void *signature, size_t signature_len)
{
    osl_auto(osl_signer) *signer = signer_take(pkey, md, OSL_VERIFYING);
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned hash_len;
    int result;

    if (signer == NULL || EVP_Digest(data, len, hash, &hash_len, md, NULL) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    result = EVP_PKEY_verify(signer->ctx, signature, signature_len, hash, hash_len);
    if (result == 1)
        signer_put_back(pkey, OSL_VERIFYING, osl_steal(signer));
    return osl_verify_result(result);
}

pyossl_status pyossl_pkey_sign(const pyossl_pkey *pkey, const char *digest, const void *data,
                               size_t len, pyossl_buf *signature)
{
    OSL_API_ENTER;
    osl_auto(EVP_MD_CTX) *ctx = NULL;
    osl_auto_buf bytes = PYOSSL_BUF_INIT;
    const EVP_MD *md = NULL;
    size_t size = 0;

    OSL_TRY(osl_sign_prepare(pkey, digest, &md));
    if (data == NULL)
        data = "";
    if (can_keep(pkey->key, md))
        return sign_kept(pkey, md, data, len, signature);
    ctx = EVP_MD_CTX_new();
    if (ctx == NULL || EVP_DigestSignInit(ctx, NULL, md, NULL, pkey->key) != 1 ||
        EVP_DigestSign(ctx, NULL, &size, data, len) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    OSL_TRY(osl_buf_alloc(&bytes, size));
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
    osl_auto(EVP_MD_CTX) *ctx = NULL;
    const EVP_MD *md = NULL;

    OSL_TRY(find_digest(pkey->key, digest, &md));
    if (data == NULL)
        data = "";
    if (signature == NULL)
        signature = "";
    if (can_keep(pkey->key, md))
        return verify_kept(pkey, md, data, len, signature, signature_len);
    ctx = EVP_MD_CTX_new();
    if (ctx == NULL || EVP_DigestVerifyInit(ctx, NULL, md, NULL, pkey->key) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    return osl_verify_result(EVP_DigestVerify(ctx, signature, signature_len, data, len));
}
