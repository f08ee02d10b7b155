/* Keys to PEM, DER and text. */
#include "crypto.h"

#include <openssl/pem.h>
#include <openssl/pemerr.h>

OSL_DEFINE_AUTO(X509_SIG, X509_SIG_free)
OSL_DEFINE_AUTO(PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free)

static pyossl_status require_private(const pyossl_pkey *pkey)
{
    return pkey->is_private ? PYOSSL_OK
                            : osl_fail_text(PYOSSL_E_STATE, "the key has only a public part");
}

/* Copy what an i2d function made, and wipe its own. */
static pyossl_status take_der(pyossl_buf *out, unsigned char *der, int len)
{
    pyossl_status status;

    if (len <= 0)
        return osl_fail(PYOSSL_E_OPENSSL);
    status = osl_buf_set(out, der, (size_t)len);
    osl_free_secret(der, (size_t)len);
    return status;
}

/* ---- what encrypts ---- */

/*
 * Cipher and passphrase, or neither. Without a passphrase nothing may be written:
 * a key that the caller believes encrypted must not be readable.
 */
static pyossl_status prepare(const char *cipher, const pyossl_passphrase *passphrase,
                             const EVP_CIPHER **algorithm, osl_secret *secret)
{
    OSL_TRY(osl_secret_get(secret, NULL, 1));
    if (cipher == NULL)
        return PYOSSL_OK;
    *algorithm = osl_cipher(cipher);
    if (*algorithm == NULL)
        return osl_recorded();
    if (passphrase == NULL || (passphrase->callback == NULL && passphrase->data == NULL))
        return osl_fail_text(PYOSSL_E_ARGUMENT, "a cipher needs a passphrase");
    OSL_TRY(osl_secret_get(secret, passphrase, 1));
    if (secret->present)
        return PYOSSL_OK;
    ERR_raise(ERR_LIB_PEM, PEM_R_PROBLEMS_GETTING_PASSWORD);
    return osl_fail(PYOSSL_E_PASSPHRASE);
}

/* ---- PKCS #8 ---- */

static pyossl_status encrypt_pkcs8(PKCS8_PRIV_KEY_INFO *info, const EVP_CIPHER *cipher,
                                   const osl_secret *secret, pyossl_buf *der)
{
    osl_auto(X509_SIG) *sig =
        PKCS8_encrypt(-1, cipher, secret->bytes, (int)secret->len, NULL, 0, 0, info);
    unsigned char *bytes = NULL;
    int len;

    if (sig == NULL)
        return osl_fail(PYOSSL_E_OPENSSL);
    len = i2d_X509_SIG(sig, &bytes);
    return take_der(der, bytes, len);
}

static pyossl_status dump_pkcs8(const pyossl_pkey *pkey, pyossl_format format,
                                const EVP_CIPHER *cipher, const osl_secret *secret, pyossl_buf *out)
{
    osl_auto(PKCS8_PRIV_KEY_INFO) *info = EVP_PKEY2PKCS8(pkey->key);
    osl_auto_buf der = PYOSSL_BUF_INIT;
    unsigned char *bytes = NULL;
    int len;

    if (info == NULL)
        return osl_fail(PYOSSL_E_OPENSSL);
    if (cipher != NULL) {
        OSL_TRY(encrypt_pkcs8(info, cipher, secret, &der));
        return osl_encode(format, "ENCRYPTED PRIVATE KEY", der.data, der.len, out);
    }
    len = i2d_PKCS8_PRIV_KEY_INFO(info, &bytes);
    OSL_TRY(take_der(&der, bytes, len));
    return osl_pem_write("PRIVATE KEY", der.data, der.len,
                         out); /* DER in the clear is traditional */
}

/* ---- the other formats ---- */

static pyossl_status dump_text(const pyossl_pkey *pkey, pyossl_buf *out)
{
    osl_auto(BIO) *bio = osl_bio_writer();

    if (bio == NULL)
        return osl_recorded();
    if (EVP_PKEY_print_private(bio, pkey->key, 0, NULL) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    return osl_buf_from_bio(out, bio);
}

pyossl_status pyossl_pkey_dump_private(const pyossl_pkey *pkey, pyossl_format format,
                                       const char *cipher, const pyossl_passphrase *passphrase,
                                       pyossl_buf *out)
{
    OSL_API_ENTER;
    OSL_NEED(pkey != NULL && out != NULL);
    const EVP_CIPHER *algorithm = NULL;
    osl_auto_secret secret = { .large = NULL };
    unsigned char *der = NULL;
    int len;

    OSL_TRY(require_private(pkey));
    if (format == PYOSSL_PEM || (format == PYOSSL_DER && cipher != NULL)) {
        OSL_TRY(prepare(cipher, passphrase, &algorithm, &secret));
        return dump_pkcs8(pkey, format, algorithm, &secret, out);
    }
    if (format != PYOSSL_DER && format != PYOSSL_TEXT)
        return osl_fail_format(format);
    if (cipher != NULL)
        return osl_fail_text(PYOSSL_E_ARGUMENT, "only PEM and DER can be encrypted");
    if (format == PYOSSL_TEXT)
        return dump_text(pkey, out);
    len = i2d_PrivateKey(pkey->key, &der);
    return take_der(out, der, len);
}

static bool has_traditional(const EVP_PKEY *key)
{
    return EVP_PKEY_is_a(key, "RSA") == 1 || EVP_PKEY_is_a(key, "DSA") == 1 ||
           EVP_PKEY_is_a(key, "EC") == 1;
}

pyossl_status pyossl_pkey_dump_traditional(const pyossl_pkey *pkey, const char *cipher,
                                           const pyossl_passphrase *passphrase, pyossl_buf *out)
{
    OSL_API_ENTER;
    OSL_NEED(pkey != NULL && out != NULL);
    const EVP_CIPHER *algorithm = NULL;
    osl_auto_secret secret = { .large = NULL };
    osl_auto(BIO) *bio = NULL;

    OSL_TRY(require_private(pkey));
    if (!has_traditional(pkey->key))
        return osl_fail_text(PYOSSL_E_UNSUPPORTED, "this type has no traditional encoding");
    OSL_TRY(prepare(cipher, passphrase, &algorithm, &secret));
    /* DEK-Info has no place for the tag of an AEAD cipher: nobody could decrypt the key. */
    if (algorithm != NULL && (EVP_CIPHER_get_flags(algorithm) & EVP_CIPH_FLAG_AEAD_CIPHER) != 0) {
        ERR_raise(ERR_LIB_PEM, PEM_R_UNSUPPORTED_CIPHER);
        return osl_fail(PYOSSL_E_OPENSSL);
    }
    bio = osl_bio_writer();
    if (bio == NULL)
        return osl_recorded();
    if (PEM_write_bio_PrivateKey_traditional(bio, pkey->key, algorithm,
                                             (const unsigned char *)secret.bytes, (int)secret.len,
                                             NULL, NULL) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    return osl_buf_from_bio(out, bio);
}

pyossl_status pyossl_pkey_dump_public(const pyossl_pkey *pkey, pyossl_format format,
                                      pyossl_buf *out)
{
    OSL_API_ENTER;
    OSL_NEED(pkey != NULL && out != NULL);
    osl_auto_buf der = PYOSSL_BUF_INIT;
    unsigned char *bytes = NULL;
    int len;

    if (format != PYOSSL_PEM && format != PYOSSL_DER)
        return osl_fail_format(format);
    len = i2d_PUBKEY(pkey->key, &bytes);
    OSL_TRY(take_der(&der, bytes, len));
    return osl_encode(format, "PUBLIC KEY", der.data, der.len, out);
}
