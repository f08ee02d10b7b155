/*
 * Keys from DER, with decoder contexts that are kept.
 *
 * OpenSSL before 3.2 spends far more time on setting up a decoder context (it
 * looks at each decoder for each type of key) than on decoding. So the type is
 * read here, from the algorithm's identifier, and a context for it is used
 * again and again, by one thread at a time. What this does not know, and what
 * a kept context refuses, goes to OpenSSL's own functions, which have the last
 * word and the better errors. So does everything in a library context of the
 * program's own, and a context is dropped where OpenSSL would now choose another
 * implementation of that type of key.
 */
#include "crypto.h"

#include <openssl/decoder.h>

#ifdef OSL_SLOW_DECODERS

enum { POOL_SIZE = 4 }; /* contexts kept for each use; more are made and freed when needed */

typedef enum encoding { PKCS8, TRADITIONAL, PUBLIC, ENCODINGS } encoding;

/* What OpenSSL calls these encodings. */
static const char *const structures[ENCODINGS] = {
    [PKCS8] = "PrivateKeyInfo",
    [TRADITIONAL] = "type-specific",
    [PUBLIC] = "SubjectPublicKeyInfo",
};

typedef enum algorithm {
    KEY_RSA,
    KEY_EC,
    KEY_DSA,
    KEY_ED25519,
    KEY_ED448,
    KEY_X25519,
    KEY_X448,
    ALGORITHMS
} algorithm;

static const struct {
    const char *type;
    const char *oid; /* the contents of its DER */
    size_t oid_len;
} algorithms[ALGORITHMS] = {
    [KEY_RSA] = { "RSA", "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", 9 },
    [KEY_EC] = { "EC", "\x2a\x86\x48\xce\x3d\x02\x01", 7 },
    [KEY_DSA] = { "DSA", "\x2a\x86\x48\xce\x38\x04\x01", 7 },
    [KEY_ED25519] = { "ED25519", "\x2b\x65\x70", 3 },
    [KEY_ED448] = { "ED448", "\x2b\x65\x71", 3 },
    [KEY_X25519] = { "X25519", "\x2b\x65\x6e", 3 },
    [KEY_X448] = { "X448", "\x2b\x65\x6f", 3 },
};

/* A context writes to the place it was made for, so the two stay together. */
typedef struct kept {
    OSSL_DECODER_CTX *ctx;
    EVP_PKEY *result;
    EVP_KEYMGMT *chosen; /* what OpenSSL chose for that type of key when it was made */
} kept;

static _Atomic(kept *) pool[ENCODINGS][ALGORITHMS][POOL_SIZE];

static void kept_free(kept *decoder)
{
    if (decoder == NULL)
        return;
    OSSL_DECODER_CTX_free(decoder->ctx);
    EVP_PKEY_free(decoder->result);
    EVP_KEYMGMT_free(decoder->chosen);
    OPENSSL_free(decoder);
}

/* Takes a reference to @chosen. */
static kept *kept_new(encoding how, algorithm what, EVP_KEYMGMT *chosen)
{
    const int selection = how == PUBLIC ? EVP_PKEY_PUBLIC_KEY : EVP_PKEY_KEYPAIR;
    kept *decoder = osl_new(kept);

    if (decoder == NULL)
        return NULL;
    decoder->ctx = OSSL_DECODER_CTX_new_for_pkey(&decoder->result, "DER", structures[how],
                                                 algorithms[what].type, selection, NULL, NULL);
    if (decoder->ctx == NULL || OSSL_DECODER_CTX_get_num_decoders(decoder->ctx) == 0 ||
        EVP_KEYMGMT_up_ref(chosen) != 1) {
        kept_free(decoder);
        return NULL;
    }
    decoder->chosen = chosen;
    return decoder;
}

/* Nobody else can have what was taken: it is not in the pool any more. */
static kept *take(encoding how, algorithm what, EVP_KEYMGMT *chosen)
{
    for (size_t i = 0; i < POOL_SIZE; i++) {
        kept *decoder = atomic_exchange_explicit(&pool[how][what][i], NULL, memory_order_acquire);

        if (decoder != NULL && decoder->chosen == chosen)
            return decoder;
        kept_free(decoder);
    }
    return kept_new(how, what, chosen);
}

static void put_back(encoding how, algorithm what, kept *decoder)
{
    for (size_t i = 0; i < POOL_SIZE; i++) {
        kept *empty = NULL;

        if (atomic_compare_exchange_strong_explicit(&pool[how][what][i], &empty, decoder,
                                                    memory_order_release, memory_order_relaxed))
            return;
    }
    kept_free(decoder);
}

/* NULL, and nothing left in the queue, if this way does not work. */
static EVP_PKEY *decode_kept(encoding how, algorithm what, const unsigned char *der, size_t len)
{
    EVP_PKEY *key = NULL;
    EVP_KEYMGMT *chosen;
    kept *decoder;

    if (!osl_libctx_is_usual())
        return NULL;
    ERR_set_mark();
    chosen = EVP_KEYMGMT_fetch(NULL, algorithms[what].type, NULL);
    decoder = chosen != NULL ? take(how, what, chosen) : NULL;
    EVP_KEYMGMT_free(chosen); /* the decoder has a reference of its own */
    if (decoder == NULL) {
        ERR_pop_to_mark();
        return NULL;
    }
    if (OSSL_DECODER_from_data(decoder->ctx, &der, &len) == 1)
        key = osl_steal(decoder->result);
    /* One that failed may have been made while memory was short, and lack decoders. */
    if (key != NULL)
        put_back(how, what, decoder);
    else
        kept_free(decoder);
    ERR_pop_to_mark();
    return key;
}

/* The type of an AlgorithmIdentifier; false if it is none of ours. */
static bool algorithm_of(osl_der identifier, algorithm *out)
{
    osl_tlv oid;

    if (!osl_der_next(&identifier, &oid) || oid.tag != OSL_TAG_OID)
        return false;
    for (algorithm i = 0; i < ALGORITHMS; i++)
        if (oid.body.len == algorithms[i].oid_len &&
            memcmp(oid.body.at, algorithms[i].oid, oid.body.len) == 0) {
            *out = i;
            return true;
        }
    return false;
}

/*
 * PKCS #8 begins with a version and an AlgorithmIdentifier, an EC key (RFC 5915)
 * with a version and an OCTET STRING; RSA (RFC 8017) and DSA keys are made of
 * integers only, DSA's of six.
 */
static bool recognise_private(const unsigned char *der, size_t len, encoding *how, algorithm *what)
{
    osl_der in = { der, len };
    osl_tlv outer, version, second, rest;
    size_t count = 2;

    if (!osl_der_next(&in, &outer) || outer.tag != OSL_TAG_SEQUENCE || in.len != 0 ||
        !osl_der_next(&outer.body, &version) || version.tag != OSL_TAG_INTEGER ||
        !osl_der_next(&outer.body, &second))
        return false;
    *how = TRADITIONAL;
    switch (second.tag) {
    case OSL_TAG_SEQUENCE:
        *how = PKCS8;
        return algorithm_of(second.body, what);
    case OSL_TAG_OCTET_STRING:
        *what = KEY_EC;
        return true;
    case OSL_TAG_INTEGER:
        while (osl_der_next(&outer.body, &rest))
            count++;
        *what = count == 6 ? KEY_DSA : KEY_RSA;
        return true;
    default:
        return false;
    }
}

static EVP_PKEY *private_kept(const unsigned char *der, size_t len)
{
    encoding how;
    algorithm what;

    return recognise_private(der, len, &how, &what) ? decode_kept(how, what, der, len) : NULL;
}

static EVP_PKEY *public_kept(const unsigned char *der, size_t len)
{
    osl_der in = { der, len };
    osl_tlv outer, identifier;
    algorithm what;

    if (!osl_der_next(&in, &outer) || outer.tag != OSL_TAG_SEQUENCE || in.len != 0 ||
        !osl_der_next(&outer.body, &identifier) || identifier.tag != OSL_TAG_SEQUENCE ||
        !algorithm_of(identifier.body, &what))
        return NULL;
    return decode_kept(PUBLIC, what, der, len);
}

#else

static EVP_PKEY *private_kept(const unsigned char *der, size_t len)
{
    (void)der;
    (void)len;
    return NULL;
}

static EVP_PKEY *public_kept(const unsigned char *der, size_t len)
{
    (void)der;
    (void)len;
    return NULL;
}

#endif

static EVP_PKEY *recorded(EVP_PKEY *key)
{
    if (key == NULL)
        (void)!osl_fail(PYOSSL_E_FORMAT);
    return key;
}

EVP_PKEY *osl_decode_private(const unsigned char *der, size_t len)
{
    EVP_PKEY *key = private_kept(der, len);

    if (key != NULL)
        return key;
    return recorded(osl_len_fits(len) ? d2i_AutoPrivateKey(NULL, &der, (long)len) : NULL);
}

EVP_PKEY *osl_decode_pubkey(const unsigned char *der, size_t len)
{
    EVP_PKEY *key = public_kept(der, len);

    if (key != NULL)
        return key;
    return recorded(osl_len_fits(len) ? d2i_PUBKEY(NULL, &der, (long)len) : NULL);
}
