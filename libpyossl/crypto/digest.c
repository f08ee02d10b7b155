/*
 * Digests and ciphers by name, and the provider that has the old ones.
 *
 * What comes out names an algorithm and holds no implementation of it: whoever uses it has OpenSSL
 * choose one, in the library context and by the properties of that moment.
 */
#include "crypto.h"

#include <stdlib.h>

#include <openssl/evperr.h>
#include <openssl/provider.h>

typedef enum kind { DIGEST, CIPHER } kind;

/* ---- the legacy provider ---- */

static CRYPTO_ONCE legacy_once = CRYPTO_ONCE_STATIC_INIT;
static struct {
    OSSL_PROVIDER *usual, *legacy; /* the second only with the first */
} loaded;

/* What is still loaded OpenSSL cannot take apart at its end, a library context within it least. */
static void unload_legacy(void)
{
    (void)OSSL_PROVIDER_unload(loaded.legacy);
    loaded.legacy = NULL;
}

/*
 * Into the library context of the process alone: what a program's own one has is its choice. An
 * explicit load switches off the implicit one of "default", so both are loaded. Where the
 * configuration leaves "default" out, or asks for FIPS algorithms only, that is a policy, which
 * loading more would undermine. "default" stays loaded for whatever else ends with the process.
 */
static void load_legacy(void)
{
    if (getenv("PYOSSL_NO_LEGACY") != NULL || OSSL_PROVIDER_available(NULL, "default") != 1 ||
        EVP_default_properties_is_fips_enabled(NULL) != 0)
        return;
    loaded.usual = OSSL_PROVIDER_load(NULL, "default");
    loaded.legacy = loaded.usual != NULL ? OSSL_PROVIDER_try_load(NULL, "legacy", 1) : NULL;
    if (loaded.legacy != NULL && OPENSSL_atexit(unload_legacy) != 1)
        unload_legacy();
}

bool osl_legacy_load(void)
{
    bool usable;

    if (!osl_libctx_is_usual())
        return false;
    ERR_set_mark();
    usable = CRYPTO_THREAD_run_once(&legacy_once, load_legacy) == 1 && loaded.legacy != NULL;
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
bool osl_may_be_name(const char *name)
{
    const size_t len = strlen(name);

    for (size_t i = 0; i < len; i++)
        if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
            return false;
    return len > 0 && name[len - 1] != ' ';
}

/* What OpenSSL means by @name, and what it calls that; NULL where it knows none. */
static const void *known(kind what, const char *name, const char **proper)
{
    const EVP_CIPHER *cipher;
    const EVP_MD *digest;

    if (!osl_may_be_name(name))
        return NULL;
    if (what == DIGEST) {
        digest = EVP_get_digestbyname(modern_name(name));
        *proper = digest != NULL ? EVP_MD_get0_name(digest) : NULL;
        return digest;
    }
    cipher = EVP_get_cipherbyname(name);
    *proper = cipher != NULL ? EVP_CIPHER_get0_name(cipher) : NULL;
    return cipher;
}

/* Whether this thread can have it now. OpenSSL remembers what it found, so asking is cheap. */
static bool available(kind what, const char *proper)
{
    EVP_CIPHER *cipher;
    EVP_MD *digest;

    if (what == DIGEST) {
        digest = EVP_MD_fetch(NULL, proper, NULL);
        EVP_MD_free(digest);
        return digest != NULL;
    }
    cipher = EVP_CIPHER_fetch(NULL, proper, NULL);
    EVP_CIPHER_free(cipher);
    return cipher != NULL;
}

/*
 * SHAKE128 and SHAKE256 give as many bytes as asked for. OpenSSL before 3.4 made 16 and 32 of them
 * where nobody asked, half of what RFC 8702 wants; later ones make none, and none signs with them.
 */
static bool has_a_length(kind what, const void *found)
{
    return what != DIGEST || (EVP_MD_get_flags(found) & EVP_MD_FLAG_XOF) == 0;
}

static const void *find(kind what, const char *name)
{
    const char *proper = NULL;
    const void *found = known(what, name, &proper);
    bool usable;

    if (found == NULL || proper == NULL) {
        (void)!osl_fail_detail(PYOSSL_E_ARGUMENT,
                               what == DIGEST ? "no such digest" : "no such cipher", name);
        return NULL;
    }
    if (!has_a_length(what, found)) {
        (void)!osl_fail_detail(PYOSSL_E_ARGUMENT, "a digest without a length of its own", proper);
        return NULL;
    }
    ERR_set_mark();
    usable = available(what, proper);
    if (!usable && osl_legacy_load()) {
        ERR_pop_to_mark();
        ERR_set_mark();
        usable = available(what, proper);
    }
    ERR_clear_last_mark();
    if (usable)
        return found;
    (void)!osl_fail_detail(PYOSSL_E_UNSUPPORTED, "no provider in use has it", proper);
    return NULL;
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
    OSL_NEED(digest != NULL);
    return osl_digest(digest) != NULL ? PYOSSL_OK : osl_recorded();
}

pyossl_status pyossl_cipher_check(const char *cipher)
{
    OSL_API_ENTER;
    OSL_NEED(cipher != NULL);
    return osl_cipher(cipher) != NULL ? PYOSSL_OK : osl_recorded();
}
