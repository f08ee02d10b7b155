/*
 * Digests and ciphers by name, and the provider that has the old ones.
 *
 * OpenSSL looks an algorithm up by name, and then asks the providers for it,
 * each time one is used. Here both happen once for each name; what was found is
 * kept in a list that only grows, so that reading it needs no lock.
 */
#include "crypto.h"

#include <stdlib.h>

#include <openssl/evperr.h>
#include <openssl/provider.h>

typedef enum kind { DIGEST, CIPHER } kind;

typedef struct found {
    struct found *next;
    void *algorithm; /* EVP_MD or EVP_CIPHER, never freed */
    char name[];     /* as asked for */
} found;

static _Atomic(found *) lists[2]; /* by kind */

/* ---- the legacy provider ---- */

static CRYPTO_ONCE legacy_once = CRYPTO_ONCE_STATIC_INIT;
static bool legacy_loaded;

/*
 * An explicit load switches off the implicit one of "default", so both are
 * loaded. Where the configuration leaves "default" out, or asks for FIPS
 * algorithms only, that is a policy, which loading more would undermine.
 */
static void load_legacy(void)
{
    if (getenv("PYOSSL_NO_LEGACY") != NULL || OSSL_PROVIDER_available(NULL, "default") != 1 ||
        EVP_default_properties_is_fips_enabled(NULL) != 0)
        return;
    legacy_loaded = OSSL_PROVIDER_load(NULL, "default") != NULL &&
                    OSSL_PROVIDER_try_load(NULL, "legacy", 1) != NULL;
}

bool osl_legacy_load(void)
{
    bool usable;

    ERR_set_mark();
    usable = CRYPTO_THREAD_run_once(&legacy_once, load_legacy) == 1 && legacy_loaded;
    ERR_pop_to_mark();
    return usable;
}

/* Only from EVP: decoders say the same of bytes that they do not know. */
static bool is_unsupported(unsigned long code)
{
    return ERR_GET_LIB(code) == ERR_LIB_EVP &&
           (ERR_GET_REASON(code) == ERR_R_UNSUPPORTED ||
            ERR_GET_REASON(code) == EVP_R_UNSUPPORTED_ALGORITHM);
}

bool osl_queue_says_unsupported(void)
{
    return is_unsupported(ERR_peek_error()) || is_unsupported(ERR_peek_last_error());
}

/* ---- names ---- */

/* Names that programs still use and OpenSSL no longer knows: SHA-1 with a kind of key. */
static const char *modern_name(const char *name)
{
    static const char *const sha1[] = { "dss1", "dsaWithSHA1", "ecdsa-with-SHA1" };

    for (size_t i = 0; i < OSL_COUNT_OF(sha1); i++)
        if (OPENSSL_strcasecmp(name, sha1[i]) == 0)
            return "sha1";
    return name;
}

/*
 * OpenSSL 3.5 tells no letters from others by clearing a bit of each byte, which makes a
 * digit and a control character alike, and a blank and the end: "sha256 " would be SHA-256.
 */
static bool may_be_name(const char *name)
{
    const size_t len = strlen(name);

    for (size_t i = 0; i < len; i++)
        if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
            return false;
    return len > 0 && name[len - 1] != ' ';
}

/* The algorithm behind a name or an alias, as OpenSSL calls it; NULL where it knows none. */
static const char *proper_name(kind what, const char *name)
{
    if (!may_be_name(name))
        return NULL;
    if (what == DIGEST) {
        const EVP_MD *digest = EVP_get_digestbyname(modern_name(name));

        return digest != NULL ? EVP_MD_get0_name(digest) : NULL;
    } else {
        const EVP_CIPHER *cipher = EVP_get_cipherbyname(name);

        return cipher != NULL ? EVP_CIPHER_get0_name(cipher) : NULL;
    }
}

static void *fetch(kind what, const char *name)
{
    if (what == DIGEST)
        return EVP_MD_fetch(NULL, name, NULL);
    return EVP_CIPHER_fetch(NULL, name, NULL);
}

static void release(kind what, void *algorithm)
{
    if (what == DIGEST)
        EVP_MD_free(algorithm);
    else
        EVP_CIPHER_free(algorithm);
}

/* Put at the head of the list. Two threads may both add a name: that costs a little memory. */
static bool keep(kind what, const char *name, void *algorithm)
{
    const size_t len = strlen(name) + 1;
    found *entry = OPENSSL_malloc(sizeof *entry + len);

    if (entry == NULL)
        return false;
    memcpy(entry->name, name, len);
    entry->algorithm = algorithm;
    entry->next = atomic_load_explicit(&lists[what], memory_order_acquire);
    while (!atomic_compare_exchange_weak_explicit(&lists[what], &entry->next, entry,
                                                  memory_order_release, memory_order_acquire))
        continue;
    return true;
}

static void *find_new(kind what, const char *name)
{
    const char *proper = proper_name(what, name);
    void *algorithm;

    if (proper == NULL) {
        (void)!osl_fail_detail(PYOSSL_E_ARGUMENT,
                               what == DIGEST ? "no such digest" : "no such cipher", name);
        return NULL;
    }
    ERR_set_mark();
    algorithm = fetch(what, proper);
    if (algorithm == NULL && osl_legacy_load()) {
        ERR_pop_to_mark();
        ERR_set_mark();
        algorithm = fetch(what, proper);
    }
    ERR_clear_last_mark();
    if (algorithm == NULL) {
        (void)!osl_fail_detail(PYOSSL_E_UNSUPPORTED, "needs OpenSSL's legacy provider", proper);
        return NULL;
    }
    if (!keep(what, name, algorithm)) {
        release(what, algorithm);
        (void)!osl_fail_nomem();
        return NULL;
    }
    return algorithm;
}

static void *find(kind what, const char *name)
{
    const found *entry = atomic_load_explicit(&lists[what], memory_order_acquire);

    for (; entry != NULL; entry = entry->next)
        if (OPENSSL_strcasecmp(entry->name, name) == 0)
            return entry->algorithm;
    return find_new(what, name);
}

const EVP_MD *osl_digest(const char *name)
{
    return find(DIGEST, name);
}

const EVP_CIPHER *osl_cipher(const char *name)
{
    return find(CIPHER, name);
}

pyossl_status pyossl_digest_check(const char *digest)
{
    OSL_API_ENTER;
    return osl_digest(digest) != NULL ? PYOSSL_OK : osl_recorded();
}

pyossl_status pyossl_cipher_check(const char *cipher)
{
    OSL_API_ENTER;
    return osl_cipher(cipher) != NULL ? PYOSSL_OK : osl_recorded();
}
