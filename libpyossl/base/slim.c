/*
 * A library context with what TLS needs, and little else; slim_provider.c has its algorithms.
 *
 * OpenSSL before 3.2 looks at every decoder, every type of key and every
 * algorithm that was ever fetched whenever it parses a certificate: a quarter of
 * a full handshake. The context made here has one provider, which hands on the
 * default provider's own algorithms, but only those that libssl asks for. The
 * code that runs, and its random numbers for keys, are the default provider's.
 *
 * That must not change what a program sees. So the context is not used where
 * anything in the process may have OpenSSL choose other algorithms; osl_slim()
 * looks at that anew each time.
 */

/* ENGINEs are deprecated, but a program may have one. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "internal.h"

#include <errno.h>

#include <openssl/conf.h>
#include <openssl/engine.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/rand.h>

#include "pyossl/version.h"

#ifndef OSL_SLIM /* -Dslim=false says 0 */
#define OSL_SLIM 1
#endif

static atomic_bool wanted = OSL_SLIM;

void pyossl_slim_allow(int on)
{
    atomic_store_explicit(&wanted, on != 0, memory_order_relaxed);
}

#if defined(OSL_SLOW_DECODERS)

static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;
static _Atomic(OSSL_LIB_CTX *) slim; /* lives on, as what was made in it may */
static atomic_bool left;             /* for good */

/* ---- random numbers ---- */

static pyossl_status mix_into(OSSL_LIB_CTX *libctx, const void *data, size_t len)
{
    EVP_RAND_CTX *primary = RAND_get0_primary(libctx);

    if (primary == NULL || EVP_RAND_reseed(primary, 0, NULL, 0, data, len) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    return PYOSSL_OK;
}

/* It seeds itself from the system. What was mixed into the default generator counts here too. */
static bool seed(OSSL_LIB_CTX *libctx)
{
    unsigned char bytes[32];
    bool seeded;

    seeded = RAND_priv_bytes(bytes, sizeof bytes) == 1 &&
             mix_into(libctx, bytes, sizeof bytes) == PYOSSL_OK;
    OPENSSL_cleanse(bytes, sizeof bytes);
    return seeded;
}

/* ---- making it ---- */

/* What in a configuration is about algorithms by property, or generators. */
static const char *const modules[] = { "alg_section", "random" };

/*
 * Whether @text, a configuration, has none of these words, as nearly all have none: to parse it
 * takes OpenSSL nearly as long as a context. This does not try where lines are put together, or
 * other files may be meant, also behind the mark of UTF-8 that a file may begin with.
 */
static bool is_silent(const pyossl_buf *text)
{
    const char *line = (const char *)text->data;

    if (strlen(line) != text->len || strchr(line, '\r') != NULL || strstr(line, "\\\n") != NULL ||
        (unsigned char)*line == 0xef)
        return false;
    for (size_t i = 0; i < OSL_COUNT_OF(modules); i++)
        if (strstr(line, modules[i]) != NULL)
            return false;
    for (; line != NULL; line = strchr(line, '\n')) {
        line += strspn(line, " \t\v\f\n");
        if (*line == '.')
            return false;
    }
    return true;
}

/* Whether @name, which may be "alg_section.2", is one of them. */
static bool is_choice(const char *name)
{
    const size_t len = strcspn(name, ".");

    for (size_t i = 0; i < OSL_COUNT_OF(modules); i++)
        if (strlen(modules[i]) == len && strncmp(modules[i], name, len) == 0)
            return true;
    return false;
}

static bool has_choice(const CONF *conf)
{
    const char *top = NCONF_get_string(conf, NULL, "openssl_conf");
    const STACK_OF(CONF_VALUE) *entries = top != NULL ? NCONF_get_section(conf, top) : NULL;

    for (int i = 0; i < sk_CONF_VALUE_num(entries); i++)
        if (is_choice(sk_CONF_VALUE_value(entries, i)->name))
            return true;
    return false;
}

static bool chooses(const char *path)
{
    osl_auto_buf text = PYOSSL_BUF_INIT;
    CONF *conf;
    bool chosen;

    if (!osl_file_readable(path))
        return errno == EINVAL; /* OpenSSL may read what is no file */
    if (osl_file_read(path, OSL_FILE_MAX, &text) == PYOSSL_OK && is_silent(&text))
        return false;
    conf = NCONF_new(NULL);
    chosen = conf == NULL || NCONF_load(conf, path, NULL) <= 0 || has_choice(conf);
    NCONF_free(conf);
    return chosen;
}

/* Whether OpenSSL's configuration chooses something here, or cannot be known. */
static bool configured(void)
{
    char *path = CONF_get1_default_config_file();
    const bool chosen = path == NULL || chooses(path);

    OPENSSL_free(path);
    return chosen;
}

static bool usual_generator(void)
{
    EVP_RAND_CTX *primary = RAND_get0_primary(NULL);

    return primary != NULL && EVP_RAND_is_a(EVP_RAND_CTX_get0_rand(primary), "CTR-DRBG") == 1;
}

static void build(bool seeded)
{
    OSSL_LIB_CTX *libctx = OSSL_LIB_CTX_new();

    if (libctx == NULL)
        return;
    if (!osl_slim_provide(libctx) || (!seeded && !seed(libctx))) {
        osl_slim_withdraw();
        OSSL_LIB_CTX_free(libctx);
        return;
    }
    atomic_store_explicit(&slim, libctx, memory_order_release);
}

/* One of these two, once, whatever comes of it. */
static void make(void)
{
    if (!configured() && usual_generator())
        build(false);
}

/* There is no default generator yet, and nobody can have set one, or mixed anything into it. */
static void make_first(void)
{
    if (!configured())
        build(true);
}

/* ---- may it be used? ---- */

#if !defined(OPENSSL_NO_ENGINE) && !defined(OPENSSL_NO_DEPRECATED_3_0)
/*
 * OpenSSL lists these itself where it is configured. One loads others, the other makes random
 * numbers, in every library context alike, if it is asked to.
 */
static bool is_harmless(ENGINE *engine)
{
    const char *id = ENGINE_get_id(engine);

    return id != NULL && (strcmp(id, "dynamic") == 0 || strcmp(id, "rdrand") == 0);
}
#endif

static bool has_engine(void)
{
#if defined(OPENSSL_NO_ENGINE)
    return false;
#elif defined(OPENSSL_NO_DEPRECATED_3_0)
    return true; /* there may be one, but nobody can ask */
#else
    ENGINE *engine = ENGINE_get_first();

    while (engine != NULL && is_harmless(engine))
        engine = ENGINE_get_next(engine); /* which releases the one before */
    if (engine == NULL)
        return false;
    ENGINE_free(engine);
    return true;
#endif
}

static int is_default(OSSL_PROVIDER *provider, void *seen)
{
    *(bool *)seen = true;
    return strcmp(OSSL_PROVIDER_get0_name(provider), "default") == 0;
}

static bool only_default_provider(void)
{
    bool seen = false;

    return OSSL_PROVIDER_do_all(NULL, is_default, &seen) == 1 && seen;
}

/*
 * OpenSSL does not tell which properties are asked for by default, but obeys them. FIPS is one
 * that the default provider does not have.
 */
static bool no_properties(void)
{
    EVP_MD *digest = EVP_MD_fetch(NULL, "SHA2-256", NULL);

    EVP_MD_free(digest);
    return digest != NULL;
}

static bool nothing_else_chooses(bool untouched)
{
    return osl_libctx_is_usual() && !has_engine() && only_default_provider() &&
           (untouched || no_properties());
}

OSSL_LIB_CTX *osl_slim(bool untouched)
{
    bool usable;

    /* Newer ones do not need it, and keep more in a library context than this one would have. */
    if (!atomic_load_explicit(&wanted, memory_order_relaxed) ||
        atomic_load_explicit(&left, memory_order_relaxed) || OPENSSL_version_minor() > 1)
        return NULL;
    ERR_set_mark();
    usable = nothing_else_chooses(untouched) &&
             CRYPTO_THREAD_run_once(&once, untouched ? make_first : make) == 1;
    ERR_pop_to_mark();
    return usable ? atomic_load_explicit(&slim, memory_order_acquire) : NULL;
}

void osl_slim_leave(void)
{
    atomic_store_explicit(&left, true, memory_order_relaxed);
}

bool osl_slim_made(void)
{
    return atomic_load_explicit(&slim, memory_order_acquire) != NULL;
}

pyossl_status osl_slim_mix(const void *data, size_t len)
{
    OSSL_LIB_CTX *libctx = atomic_load_explicit(&slim, memory_order_acquire);

    return libctx != NULL ? mix_into(libctx, data, len) : PYOSSL_OK;
}

#else

OSSL_LIB_CTX *osl_slim(bool untouched)
{
    (void)untouched;
    return NULL;
}

void osl_slim_leave(void)
{
}

bool osl_slim_made(void)
{
    return false;
}

pyossl_status osl_slim_mix(const void *data, size_t len)
{
    (void)data;
    (void)len;
    return PYOSSL_OK;
}

#endif
