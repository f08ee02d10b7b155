/*
 * The provider of the slim library context: it hands on the default provider's own
 * algorithms, but only those that libssl asks for.
 */
#include "internal.h"

#include <openssl/core_dispatch.h>
#include <openssl/decoder.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/provider.h>

#if defined(OSL_SLOW_DECODERS)

enum { OPERATIONS = OSSL_OP__HIGHEST + 1 };

/*
 * The default provider of the slim context, which is not active in it. A method of it is
 * held, so that its algorithms and what they work with stay.
 */
static EVP_KEM *anchor;
static const OSSL_PROVIDER *source;

/* ---- which algorithms ---- */

/* What the provider answers. OpenSSL asks again for each algorithm that it does not find. */
static const OSSL_ALGORITHM *offered[OPERATIONS];

/* Whether the first name of @algorithm, which may have several with colons between, is in @names.
 */
static bool is_one_of(const OSSL_ALGORITHM *algorithm, const char *const *names)
{
    const size_t len = strcspn(algorithm->algorithm_names, ":");

    for (; *names != NULL; names++)
        if (strlen(*names) == len &&
            OPENSSL_strncasecmp(*names, algorithm->algorithm_names, len) == 0)
            return true;
    return false;
}

/* All in cipher suites, also old ones, what seals tickets, and what makes random numbers. */
static bool is_tls_cipher(const OSSL_ALGORITHM *algorithm)
{
    static const char *const names[] = {
        "NULL",
        "AES-128-GCM",
        "AES-256-GCM",
        "AES-128-CCM",
        "AES-256-CCM",
        "ChaCha20-Poly1305",
        "AES-128-CBC",
        "AES-256-CBC",
        "AES-128-CBC-HMAC-SHA1",
        "AES-256-CBC-HMAC-SHA1",
        "AES-128-CBC-HMAC-SHA256",
        "AES-256-CBC-HMAC-SHA256",
        "CAMELLIA-128-CBC",
        "CAMELLIA-256-CBC",
        "ARIA-128-GCM",
        "ARIA-256-GCM",
        "DES-EDE3-CBC",
        "AES-256-CTR",
        "AES-256-ECB",
        NULL,
    };

    return is_one_of(algorithm, names);
}

static bool is_tls_mac(const OSSL_ALGORITHM *algorithm)
{
    static const char *const names[] = { "HMAC", NULL };

    return is_one_of(algorithm, names);
}

static bool is_tls_kdf(const OSSL_ALGORITHM *algorithm)
{
    static const char *const names[] = { "HKDF", "TLS13-KDF", "TLS1-PRF", NULL };

    return is_one_of(algorithm, names);
}

/* These are keys for the sake of old interfaces alone: no certificate has one. */
static bool is_real_key(const OSSL_ALGORITHM *algorithm)
{
    static const char *const others[] = { "HKDF",     "TLS1-PRF", "SCRYPT", "SIPHASH",
                                          "POLY1305", "CMAC",     NULL };

    return !is_one_of(algorithm, others);
}

/* What is in a certificate. Private keys come from the program, decoded. */
static bool is_for_certificates(const OSSL_ALGORITHM *algorithm)
{
    const char *properties = algorithm->property_definition;

    return strstr(properties, "input=der") != NULL &&
           strstr(properties, "structure=SubjectPublicKeyInfo") != NULL;
}

/* What is not here passes whole. Encoders must: a program may write down what it finds. */
static bool (*const filters[OPERATIONS])(const OSSL_ALGORITHM *algorithm) = {
    [OSSL_OP_CIPHER] = is_tls_cipher,
    [OSSL_OP_MAC] = is_tls_mac,
    [OSSL_OP_KDF] = is_tls_kdf,
    [OSSL_OP_KEYMGMT] = is_real_key,
    [OSSL_OP_DECODER] = is_for_certificates,
};

static const OSSL_ALGORITHM *filtered(const OSSL_ALGORITHM *all,
                                      bool (*filter)(const OSSL_ALGORITHM *algorithm))
{
    OSSL_ALGORITHM *some;
    size_t count = 1, taken = 0;

    for (const OSSL_ALGORITHM *each = all; each->algorithm_names != NULL; each++)
        count++;
    some = OPENSSL_zalloc(count * sizeof *some);
    if (some == NULL)
        return NULL;
    for (; all->algorithm_names != NULL; all++)
        if (filter(all))
            some[taken++] = *all;
    return some;
}

static void forget_tables(void)
{
    for (int operation = 0; operation < OPERATIONS; operation++) {
        if (filters[operation] != NULL)
            OPENSSL_free((void *)offered[operation]);
        offered[operation] = NULL;
    }
}

static bool fill_tables(void)
{
    for (int operation = 1; operation < OPERATIONS; operation++) {
        int no_cache = 0;
        const OSSL_ALGORITHM *all = OSSL_PROVIDER_query_operation(source, operation, &no_cache);

        /* One that is not to be remembered cannot be handed on by a table. */
        if (no_cache != 0)
            return false;
        if (all == NULL)
            continue;
        offered[operation] = filters[operation] != NULL ? filtered(all, filters[operation]) : all;
        if (offered[operation] == NULL)
            return false;
    }
    return true;
}

/* ---- the provider ---- */

static const OSSL_ALGORITHM *query(void *provctx, int operation, int *no_cache)
{
    (void)provctx;
    *no_cache = 0;
    return operation > 0 && operation < OPERATIONS ? offered[operation] : NULL;
}

/* The groups of TLS. */
static int capabilities(void *provctx, const char *capability, OSSL_CALLBACK *each, void *arg)
{
    (void)provctx;
    return OSSL_PROVIDER_get_capabilities(source, capability, each, arg);
}

static int provide(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
                   const OSSL_DISPATCH **out, void **provctx)
{
    static const OSSL_DISPATCH dispatch[] = {
        { OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query },
        { OSSL_FUNC_PROVIDER_GET_CAPABILITIES, (void (*)(void))capabilities },
        { 0, NULL },
    };

    (void)handle;
    (void)in;
    *provctx = OSSL_PROVIDER_get0_provider_ctx(source);
    *out = dispatch;
    return 1;
}

/* ---- nothing missing ---- */

static size_t count_offered(int operation)
{
    size_t number = 0;

    while (offered[operation] != NULL && offered[operation][number].algorithm_names != NULL)
        number++;
    return number;
}

/* Defines how to count the methods of one kind, which has OpenSSL make them first. */
#define DEFINE_COUNT(name, type, do_all)                                                           \
    static void add_##name(type *method, void *number)                                             \
    {                                                                                              \
        (void)method;                                                                              \
        ++*(size_t *)number;                                                                       \
    }                                                                                              \
    static size_t count_##name(OSSL_LIB_CTX *libctx)                                               \
    {                                                                                              \
        size_t number = 0;                                                                         \
                                                                                                   \
        do_all(libctx, add_##name, &number);                                                       \
        return number;                                                                             \
    }

DEFINE_COUNT(ciphers, EVP_CIPHER, EVP_CIPHER_do_all_provided)
DEFINE_COUNT(digests, EVP_MD, EVP_MD_do_all_provided)
DEFINE_COUNT(macs, EVP_MAC, EVP_MAC_do_all_provided)
DEFINE_COUNT(kdfs, EVP_KDF, EVP_KDF_do_all_provided)
DEFINE_COUNT(generators, EVP_RAND, EVP_RAND_do_all_provided)
DEFINE_COUNT(keys, EVP_KEYMGMT, EVP_KEYMGMT_do_all_provided)
DEFINE_COUNT(exchanges, EVP_KEYEXCH, EVP_KEYEXCH_do_all_provided)
DEFINE_COUNT(signatures, EVP_SIGNATURE, EVP_SIGNATURE_do_all_provided)
DEFINE_COUNT(asym_ciphers, EVP_ASYM_CIPHER, EVP_ASYM_CIPHER_do_all_provided)
DEFINE_COUNT(kems, EVP_KEM, EVP_KEM_do_all_provided)
DEFINE_COUNT(decoders, OSSL_DECODER, OSSL_DECODER_do_all_provided)

/* Encoders and loaders are not here: no handshake has a use for them. */
static size_t (*const counts[OPERATIONS])(OSSL_LIB_CTX *libctx) = {
    [OSSL_OP_CIPHER] = count_ciphers,
    [OSSL_OP_DIGEST] = count_digests,
    [OSSL_OP_MAC] = count_macs,
    [OSSL_OP_KDF] = count_kdfs,
    [OSSL_OP_RAND] = count_generators,
    [OSSL_OP_KEYMGMT] = count_keys,
    [OSSL_OP_KEYEXCH] = count_exchanges,
    [OSSL_OP_SIGNATURE] = count_signatures,
    [OSSL_OP_ASYM_CIPHER] = count_asym_ciphers,
    [OSSL_OP_KEM] = count_kems,
    [OSSL_OP_DECODER] = count_decoders,
};

/*
 * OpenSSL makes the methods of a kind when one is asked for, and leaves out what
 * it has no memory for, for good. So all are made now; fewer than were offered
 * means that some are missing.
 */
static bool is_complete(OSSL_LIB_CTX *libctx)
{
    /* The kinds of which there are many come last: each count looks at all that is there. */
    for (int operation = OPERATIONS - 1; operation > 0; operation--)
        if (counts[operation] != NULL && counts[operation](libctx) != count_offered(operation))
            return false;
    return true;
}

/* Have a default provider in @libctx, and leave it there without its algorithms. */
static bool take_source(OSSL_LIB_CTX *libctx)
{
    OSSL_PROVIDER *whole = OSSL_PROVIDER_load(libctx, "default");

    if (whole == NULL)
        return false;
    anchor = EVP_KEM_fetch(libctx, "RSA", NULL); /* the only one of its kind */
    if (anchor != NULL)
        source = EVP_KEM_get0_provider(anchor);
    return OSSL_PROVIDER_unload(whole) == 1 && source != NULL;
}

bool osl_slim_provide(OSSL_LIB_CTX *libctx)
{
    return take_source(libctx) && fill_tables() &&
           OSSL_PROVIDER_add_builtin(libctx, "pyossl-slim", provide) == 1 &&
           OSSL_PROVIDER_load(libctx, "pyossl-slim") != NULL && is_complete(libctx);
}

void osl_slim_withdraw(void)
{
    forget_tables();
    source = NULL;
    EVP_KEM_free(anchor);
    anchor = NULL;
}

#endif
