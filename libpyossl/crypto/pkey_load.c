/*
 * Keys from PEM and DER, encrypted or not.
 *
 * Nothing here hands a callback of the caller's to OpenSSL, or leaves one out:
 * the passphrase is got first, once, and only for what is encrypted. So OpenSSL
 * never prompts, and a wrong passphrase can be told from a missing one.
 */
#include "crypto.h"

#include <stdio.h>

#include <openssl/pem.h>
#include <openssl/pemerr.h>
#include <openssl/pkcs12err.h>

OSL_DEFINE_AUTO(X509_SIG, X509_SIG_free)

enum { PLAIN_LABEL, ENCRYPTED_LABEL }; /* of PKCS #8; the others are of one type of key */

static const char *const private_labels[] = { [PLAIN_LABEL] = "PRIVATE KEY",
                                              [ENCRYPTED_LABEL] = "ENCRYPTED PRIVATE KEY",
                                              "RSA PRIVATE KEY",
                                              "EC PRIVATE KEY",
                                              "DSA PRIVATE KEY",
                                              NULL };

enum { SPKI_LABEL, PKCS1_LABEL };

static const char *const public_labels[] = {
    [SPKI_LABEL] = "PUBLIC KEY", [PKCS1_LABEL] = "RSA PUBLIC KEY", NULL
};

/* ---- decrypting ---- */

/* One attempt: fills @der, or fails with nothing recorded but OpenSSL's queue. */
typedef bool decrypt_fn(const void *encrypted, const osl_secret *secret, pyossl_buf *der);

static pyossl_status get_secret(osl_secret *secret, const pyossl_passphrase *passphrase)
{
    OSL_TRY(osl_secret_get(secret, passphrase, 0));
    if (secret->present)
        return PYOSSL_OK;
    ERR_raise(ERR_LIB_PEM, PEM_R_PROBLEMS_GETTING_PASSWORD);
    return osl_fail_passphrase(secret);
}

/*
 * A wrong passphrase shows when the last block has no proper padding. Other
 * failures come before: of parameters that do not make sense.
 */
static pyossl_status fail_decrypt(const osl_secret *secret)
{
    const unsigned long code = ERR_peek_last_error();
    const int library = ERR_GET_LIB(code), reason = ERR_GET_REASON(code);
    const bool wrong = (library == ERR_LIB_PKCS12 && reason == PKCS12_R_PKCS12_CIPHERFINAL_ERROR) ||
                       (library == ERR_LIB_PEM && reason == PEM_R_BAD_DECRYPT);

    return wrong ? osl_fail_passphrase(secret) : osl_fail(PYOSSL_E_FORMAT);
}

/* Ask for the passphrase and decrypt, with the legacy provider's help where that is needed. */
static pyossl_status decrypt(decrypt_fn *attempt, const void *encrypted,
                             const pyossl_passphrase *passphrase, pyossl_buf *der)
{
    osl_auto_secret secret = { .large = NULL };

    OSL_TRY(get_secret(&secret, passphrase));
    if (attempt(encrypted, &secret, der))
        return PYOSSL_OK;
    if (!osl_queue_says_unsupported())
        return fail_decrypt(&secret);
    if (!osl_legacy_load())
        return osl_fail_text(PYOSSL_E_UNSUPPORTED, "the cipher needs OpenSSL's legacy provider");
    ERR_clear_error();
    if (attempt(encrypted, &secret, der))
        return PYOSSL_OK;
    return osl_queue_says_unsupported() ? osl_fail(PYOSSL_E_UNSUPPORTED) : fail_decrypt(&secret);
}

static bool attempt_pkcs8(const void *encrypted, const osl_secret *secret, pyossl_buf *der)
{
    const X509_ALGOR *algorithm;
    const ASN1_OCTET_STRING *bytes;
    unsigned char *plain = NULL;
    int len = 0;
    bool copied;

    X509_SIG_get0(encrypted, &algorithm, &bytes);
    if (PKCS12_pbe_crypt(algorithm, secret->bytes, (int)secret->len, ASN1_STRING_get0_data(bytes),
                         ASN1_STRING_length(bytes), &plain, &len, 0) == NULL ||
        len < 0)
        return false;
    copied = osl_buf_set(der, plain, (size_t)len) == PYOSSL_OK;
    osl_free_secret(plain, (size_t)len);
    if (!copied)
        ERR_raise(ERR_LIB_PEM, ERR_R_MALLOC_FAILURE);
    return copied;
}

static pyossl_status decrypt_pkcs8(const pyossl_buf *encrypted, const pyossl_passphrase *passphrase,
                                   pyossl_buf *der)
{
    const unsigned char *at = encrypted->data;
    osl_auto(X509_SIG) *sig = d2i_X509_SIG(NULL, &at, (long)encrypted->len);
    const X509_ALGOR *algorithm = NULL;
    int64_t rounds = 0;

    if (sig == NULL)
        return osl_fail(PYOSSL_E_FORMAT);
    X509_SIG_get0(sig, &algorithm, NULL);
    OSL_TRY(osl_rounds_of(&rounds, algorithm));
    return decrypt(attempt_pkcs8, sig, passphrase, der);
}

/* PEM_do_header() asks for the passphrase in this way. */
static int give_secret(char *buf, int size, int writing, void *userdata)
{
    const osl_secret *const *secret = userdata;

    (void)writing;
    if (size < 0 || (*secret)->len > (size_t)size)
        return -1;
    memcpy(buf, (*secret)->bytes, (*secret)->len);
    return (int)(*secret)->len;
}

typedef struct traditional {
    EVP_CIPHER_INFO cipher;
    const pyossl_buf *bytes;
} traditional;

static bool attempt_traditional(const void *encrypted, const osl_secret *secret, pyossl_buf *der)
{
    const traditional *from = encrypted;
    EVP_CIPHER_INFO cipher = from->cipher;
    osl_auto_buf bytes = PYOSSL_BUF_INIT;
    long len;

    if (osl_buf_set(&bytes, from->bytes->data, from->bytes->len) != PYOSSL_OK) {
        ERR_raise(ERR_LIB_PEM, ERR_R_MALLOC_FAILURE);
        return false;
    }
    len = (long)bytes.len;
    if (PEM_do_header(&cipher, bytes.data, &len, give_secret, &secret) != 1 || len < 0)
        return false;
    osl_buf_shorten(&bytes, (size_t)len);
    osl_buf_move(der, &bytes);
    return true;
}

/* What RFC 1421 headers say, as PEM_get_EVP_CIPHER_INFO() wants to be told. */
static pyossl_status decrypt_traditional(const osl_pem *pem, const pyossl_passphrase *passphrase,
                                         pyossl_buf *der)
{
    char header[sizeof pem->dek + 64];
    traditional from = { .bytes = &pem->der };

    (void)snprintf(header, sizeof header, "Proc-Type: 4,ENCRYPTED\nDEK-Info: %s\n", pem->dek);
    if (PEM_get_EVP_CIPHER_INFO(header, &from.cipher) != 1)
        return osl_fail(PYOSSL_E_FORMAT);
    return decrypt(attempt_traditional, &from, passphrase, der);
}

/* ---- private keys ---- */

static pyossl_status wrap_private(pyossl_pkey **out, const pyossl_buf *der)
{
    EVP_PKEY *key = osl_decode_private(der->data, der->len);

    return key != NULL ? osl_pkey_wrap(out, key, true) : osl_recorded();
}

/* A wrong passphrase goes unnoticed once in a few hundred times, and gives noise. */
static pyossl_status wrap_decrypted(pyossl_pkey **out, const pyossl_buf *der)
{
    const pyossl_status status = wrap_private(out, der);

    if (status != PYOSSL_E_FORMAT)
        return status;
    ERR_raise(ERR_LIB_PEM, PEM_R_BAD_DECRYPT);
    return osl_hint(osl_fail(PYOSSL_E_PASSPHRASE), "maybe wrong password");
}

/*
 * EncryptedPrivateKeyInfo: an AlgorithmIdentifier and an OCTET STRING (RFC 5958).
 * What is not DER, only OpenSSL can tell.
 */
static bool is_encrypted_pkcs8(const pyossl_buf *der)
{
    osl_der in = { der->data, der->len };
    const unsigned char *at = der->data;
    osl_tlv outer, first, second;
    X509_SIG *sig;

    if (osl_der_next(&in, &outer) && osl_der_next(&outer.body, &first) &&
        osl_der_next(&outer.body, &second))
        return first.tag == OSL_TAG_SEQUENCE && second.tag == OSL_TAG_OCTET_STRING &&
               outer.body.len == 0;
    sig = d2i_X509_SIG(NULL, &at, (long)der->len);
    ERR_clear_error();
    X509_SIG_free(sig);
    return sig != NULL;
}

static pyossl_status load_der(pyossl_pkey **out, const pyossl_buf *der,
                              const pyossl_passphrase *passphrase)
{
    osl_auto_buf plain = PYOSSL_BUF_INIT;

    if (!is_encrypted_pkcs8(der))
        return wrap_private(out, der);
    OSL_TRY(decrypt_pkcs8(der, passphrase, &plain));
    return wrap_decrypted(out, &plain);
}

/* In OpenSSL's words for a block whose label belies what is in it. */
static pyossl_status fail_label(void)
{
    ERR_raise(ERR_LIB_OSSL_DECODER, ERR_R_UNSUPPORTED);
    return osl_fail(PYOSSL_E_FORMAT);
}

/* PrivateKeyInfo (RFC 5208), as usual or at least as OpenSSL reads it. */
static bool is_plain_pkcs8(const pyossl_buf *der)
{
    osl_der in = { der->data, der->len };
    osl_tlv outer, version, algorithm;
    const unsigned char *at = der->data;
    PKCS8_PRIV_KEY_INFO *info;

    if (osl_der_next(&in, &outer) && osl_der_next(&outer.body, &version) &&
        osl_der_next(&outer.body, &algorithm) && version.tag == OSL_TAG_INTEGER &&
        algorithm.tag == OSL_TAG_SEQUENCE)
        return true;
    info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)der->len);
    ERR_clear_error();
    PKCS8_PRIV_KEY_INFO_free(info);
    return info != NULL;
}

/* "RSA PRIVATE KEY" and its like: the type of the key is the label's first word. */
static pyossl_status load_typed(pyossl_pkey **out, const osl_pem *pem,
                                const pyossl_passphrase *passphrase)
{
    osl_auto(pyossl_pkey) *key = NULL;
    osl_auto_buf plain = PYOSSL_BUF_INIT;
    char type[4] = "";

    if (pem->dek[0] != '\0') {
        OSL_TRY(decrypt_traditional(pem, passphrase, &plain));
        OSL_TRY(wrap_decrypted(&key, &plain));
    } else {
        OSL_TRY(wrap_private(&key, &pem->der));
    }
    memcpy(type, pem->label, strcspn(pem->label, " "));
    if (EVP_PKEY_is_a(key->key, type) != 1)
        return fail_label();
    *out = osl_steal(key);
    return PYOSSL_OK;
}

static pyossl_status load_pem(pyossl_pkey **out, const void *data, size_t len,
                              const pyossl_passphrase *passphrase)
{
    osl_auto_pem pem = OSL_PEM_INIT;
    osl_auto_buf plain = PYOSSL_BUF_INIT;
    size_t total;

    OSL_TRY(osl_pem_find(data, len, private_labels, &pem));
    if (pem.dek[0] == '\0') {
        OSL_TRY(osl_der_sequence(pem.der.data, pem.der.len, &total));
        osl_buf_shorten(&pem.der, total);
    }
    if (pem.label != private_labels[PLAIN_LABEL] && pem.label != private_labels[ENCRYPTED_LABEL])
        return load_typed(out, &pem, passphrase);
    if (pem.dek[0] != '\0')
        return fail_label();
    /* OpenSSL takes what is not encrypted, whatever the label says, but not the reverse. */
    if (is_plain_pkcs8(&pem.der))
        return wrap_private(out, &pem.der);
    if (pem.label == private_labels[PLAIN_LABEL])
        return fail_label();
    OSL_TRY(decrypt_pkcs8(&pem.der, passphrase, &plain));
    return wrap_decrypted(out, &plain);
}

pyossl_status pyossl_pkey_load_private(pyossl_pkey **out, pyossl_format format, const void *data,
                                       size_t len, const pyossl_passphrase *passphrase)
{
    OSL_API_ENTER;
    OSL_NEED(out != NULL && osl_fits(data, len));
    osl_auto_buf der = PYOSSL_BUF_INIT;

    if (format == PYOSSL_PEM)
        return load_pem(out, data, len, passphrase);
    OSL_TRY(osl_decode(format, data, len, private_labels, &der));
    return load_der(out, &der, passphrase);
}

/* ---- public keys ---- */

/* RSAPublicKey (RFC 8017): an RSA key without a SubjectPublicKeyInfo begins with its modulus. */
static bool is_pkcs1(const pyossl_buf *der)
{
    osl_der in = { der->data, der->len };
    osl_tlv outer, modulus;

    return osl_der_next(&in, &outer) && osl_der_next(&outer.body, &modulus) &&
           modulus.tag == OSL_TAG_INTEGER;
}

static EVP_PKEY *decode_pkcs1(const pyossl_buf *der)
{
    const unsigned char *at = der->data;
    EVP_PKEY *key = d2i_PublicKey(EVP_PKEY_RSA, NULL, &at, (long)der->len);

    if (key == NULL)
        (void)!osl_fail(PYOSSL_E_FORMAT);
    return key;
}

static pyossl_status wrap_public(pyossl_pkey **out, const pyossl_buf *der)
{
    EVP_PKEY *key = is_pkcs1(der) ? decode_pkcs1(der) : osl_decode_pubkey(der->data, der->len);

    return key != NULL ? osl_pkey_wrap(out, key, false) : osl_recorded();
}

static pyossl_status load_public_pem(pyossl_pkey **out, const void *data, size_t len)
{
    osl_auto_pem pem = OSL_PEM_INIT;
    osl_auto(pyossl_pkey) *key = NULL;

    OSL_TRY(osl_pem_find(data, len, public_labels, &pem));
    if (pem.dek[0] != '\0')
        return fail_label();
    OSL_TRY(wrap_public(&key, &pem.der));
    if (pem.label == public_labels[PKCS1_LABEL] ? EVP_PKEY_is_a(key->key, "RSA") != 1
                                                : is_pkcs1(&pem.der))
        return fail_label();
    *out = osl_steal(key);
    return PYOSSL_OK;
}

pyossl_status pyossl_pkey_load_public(pyossl_pkey **out, pyossl_format format, const void *data,
                                      size_t len)
{
    OSL_API_ENTER;
    OSL_NEED(out != NULL && osl_fits(data, len));
    osl_auto_buf der = PYOSSL_BUF_INIT;

    if (format == PYOSSL_PEM)
        return load_public_pem(out, data, len);
    OSL_TRY(osl_decode(format, data, len, public_labels, &der));
    return wrap_public(out, &der);
}
