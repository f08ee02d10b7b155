/*
 * What a store was given, by content.
 *
 * A session may be resumed where its peer would be judged by what judged it then. So a store
 * says what it trusts in a digest that another process with the same settings comes to as well:
 * of the certificates and revocation lists that it was given, also by way of an index, of its
 * directories by their paths, and of its parameters. What OpenSSL took out of a directory or an
 * index since does not count again.
 *
 * The numbers of changes that began and ended only say whether a digest is out of date, and
 * never go into it.
 */
#include "lookup.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * What a store asks of a chain is kept beside the X509_STORE and not in its parameters: those
 * are read by libssl, without a lock, whenever a chain is about to be judged. They belong to a
 * program that reaches the X509_STORE itself. A judgement asks for both (osl_trust_ask()).
 */
typedef struct trust {
    CRYPTO_RWLOCK *lock; /* around all but the two numbers */
    atomic_ulong begun, ended;
    STACK_OF(X509) *certs;
    STACK_OF(X509_CRL) *crls;
    osl_bundle **bundles;
    size_t bundle_count;
    X509_VERIFY_PARAM *asked; /* of a chain, beyond the X509_STORE's own parameters */
    int asked_trust;          /* X509_TRUST_*, that of the purpose in @asked; 0 for none */
    bool asks;                /* whether there is anything in @asked */
    char **words;             /* "directory PATH", "purpose NAME", "policy OID" */
    size_t word_count;
    bool known; /* the digest, as it was after change @as_of */
    unsigned long as_of;
    unsigned char digest[OSL_TRUST_DIGEST];
} trust;

static void trust_free(trust *self)
{
    sk_X509_pop_free(self->certs, X509_free);
    sk_X509_CRL_pop_free(self->crls, X509_CRL_free);
    for (size_t i = 0; i < self->bundle_count; i++)
        osl_bundle_unref(self->bundles[i]);
    for (size_t i = 0; i < self->word_count; i++)
        OPENSSL_free(self->words[i]);
    X509_VERIFY_PARAM_free(self->asked);
    OPENSSL_free(self->bundles);
    OPENSSL_free(self->words);
    CRYPTO_THREAD_lock_free(self->lock);
    OPENSSL_free(self);
}

OSL_DEFINE_AUTO(trust, trust_free)
OSL_DEFINE_AUTO(X509_VERIFY_PARAM, X509_VERIFY_PARAM_free)

static void free_kept(void *self)
{
    trust_free(self);
}

pyossl_status osl_trust_attach(X509_STORE *store)
{
    osl_auto(trust) *self = osl_new(trust);

    if (self == NULL)
        return osl_fail_nomem();
    self->lock = CRYPTO_THREAD_lock_new();
    self->certs = sk_X509_new_null();
    self->crls = sk_X509_CRL_new_null();
    self->asked = X509_VERIFY_PARAM_new();
    if (self->lock == NULL || self->certs == NULL || self->crls == NULL || self->asked == NULL ||
        !osl_lookup_keep(store, self, free_kept))
        return osl_fail_nomem();
    (void)osl_steal(self);
    return PYOSSL_OK;
}

/* NULL for a store that is not ours. */
static trust *trust_of(const X509_STORE *store)
{
    return osl_lookup_kept(store);
}

/* ---- being changed ---- */

X509_STORE *osl_trust_begin(X509_STORE *store)
{
    trust *self = trust_of(store);

    if (self != NULL)
        atomic_fetch_add(&self->begun, 1);
    return store;
}

void osl_trust_end(X509_STORE *const *store)
{
    trust *self = trust_of(*store);

    if (self != NULL)
        atomic_fetch_add(&self->ended, 1);
}

static bool lock(trust *self)
{
    return CRYPTO_THREAD_write_lock(self->lock) == 1;
}

static void unlock(trust *self)
{
    (void)CRYPTO_THREAD_unlock(self->lock);
}

bool osl_trust_cert(X509_STORE *store, X509 *cert)
{
    trust *self = trust_of(store);
    bool ok;

    if (self == NULL)
        return true;
    if (!lock(self))
        return false;
    ok = X509_add_cert(self->certs, cert, X509_ADD_FLAG_UP_REF) == 1;
    unlock(self);
    return ok;
}

bool osl_trust_crl(X509_STORE *store, X509_CRL *crl)
{
    trust *self = trust_of(store);
    bool ok;

    if (self == NULL)
        return true;
    if (!lock(self))
        return false;
    ok = X509_CRL_up_ref(crl) == 1;
    if (ok && sk_X509_CRL_push(self->crls, crl) <= 0) {
        X509_CRL_free(crl);
        ok = false;
    }
    unlock(self);
    return ok;
}

static bool add_bundle(trust *self, osl_bundle *bundle)
{
    osl_bundle **bundles;

    for (size_t i = 0; i < self->bundle_count; i++)
        if (self->bundles[i] == bundle)
            return true;
    bundles = OPENSSL_realloc(self->bundles, (self->bundle_count + 1) * sizeof *bundles);
    if (bundles == NULL)
        return false;
    self->bundles = bundles;
    if (!osl_bundle_ref(bundle))
        return false;
    bundles[self->bundle_count++] = bundle;
    return true;
}

bool osl_trust_bundle(X509_STORE *store, osl_bundle *bundle)
{
    trust *self = trust_of(store);
    bool ok;

    if (self == NULL)
        return true;
    if (!lock(self))
        return false;
    ok = add_bundle(self, bundle);
    unlock(self);
    return ok;
}

/* The one that @word replaces: the same, or any with the same first @prefix characters. */
static char **place_of(trust *self, const char *word, size_t prefix)
{
    for (size_t i = 0; i < self->word_count; i++)
        if (prefix > 0 ? strncmp(self->words[i], word, prefix) == 0
                       : strcmp(self->words[i], word) == 0)
            return &self->words[i];
    return NULL;
}

/* Takes @word over, also on failure. */
static bool add_word(trust *self, char *word, size_t prefix)
{
    char **words, **place = place_of(self, word, prefix);

    if (place != NULL) {
        OPENSSL_free(*place);
        *place = word;
        return true;
    }
    words = OPENSSL_realloc(self->words, (self->word_count + 1) * sizeof *words);
    if (words == NULL) {
        OPENSSL_free(word);
        return false;
    }
    self->words = words;
    words[self->word_count++] = word;
    return true;
}

bool osl_trust_word(X509_STORE *store, const char *kind, const char *value, bool alone)
{
    trust *self = trust_of(store);
    const size_t room = strlen(kind) + strlen(value) + 2;
    char *word;
    bool ok;

    if (self == NULL)
        return true;
    word = OPENSSL_malloc(room);
    if (word == NULL)
        return false;
    (void)snprintf(word, room, "%s %s", kind, value);
    if (!lock(self)) {
        OPENSSL_free(word);
        return false;
    }
    ok = add_word(self, word, alone ? strlen(kind) + 1 : 0);
    unlock(self);
    return ok;
}

/* ---- what it asks of a chain ---- */

X509_VERIFY_PARAM *osl_trust_open(X509_STORE *store)
{
    trust *self = trust_of(store);

    return self != NULL && lock(self) ? self->asked : NULL;
}

void osl_trust_close(X509_STORE *store)
{
    trust *self = trust_of(store);

    self->asks = true;
    unlock(self);
}

bool osl_trust_purpose(X509_STORE *store, const X509_PURPOSE *purpose)
{
    trust *self = trust_of(store);
    bool ok;

    if (self == NULL || !lock(self))
        return false;
    ok = X509_VERIFY_PARAM_set_purpose(self->asked, X509_PURPOSE_get_id(purpose)) == 1;
    if (ok) {
        self->asked_trust = X509_PURPOSE_get_trust(purpose);
        self->asks = true;
    }
    unlock(self);
    return ok;
}

unsigned long osl_trust_flags(const X509_STORE *store)
{
    trust *self = trust_of(store);
    unsigned long flags = X509_VERIFY_PARAM_get_flags(X509_STORE_get0_param(store));

    if (self == NULL || CRYPTO_THREAD_read_lock(self->lock) != 1)
        return flags;
    flags |= X509_VERIFY_PARAM_get_flags(self->asked);
    unlock(self);
    return flags;
}

/* Fill up @param with what @self asks: what is there already, counts. */
static bool fill_up(trust *self, X509_VERIFY_PARAM *param)
{
    osl_auto(X509_VERIFY_PARAM) *copy = X509_VERIFY_PARAM_new();

    return copy != NULL && X509_VERIFY_PARAM_set1(copy, self->asked) == 1 &&
           /* As X509_STORE_CTX_init() comes to it from a store's purpose. */
           (self->asked_trust == 0 || X509_VERIFY_PARAM_set_trust(copy, self->asked_trust) == 1) &&
           X509_VERIFY_PARAM_inherit(param, copy) == 1;
}

bool osl_trust_ask(X509_STORE_CTX *store_ctx, const X509_VERIFY_PARAM *own)
{
    trust *self = trust_of(X509_STORE_CTX_get0_store(store_ctx));
    osl_auto(X509_VERIFY_PARAM) *param = NULL;
    bool ok = true;

    if (self == NULL)
        return true;
    if (CRYPTO_THREAD_read_lock(self->lock) != 1)
        return false;
    if (self->asks) {
        param = X509_VERIFY_PARAM_new();
        ok = param != NULL && (own == NULL || X509_VERIFY_PARAM_set1(param, own) == 1) &&
             fill_up(self, param);
    }
    unlock(self);
    if (ok && param != NULL)
        ok = X509_VERIFY_PARAM_set1(X509_STORE_CTX_get0_param(store_ctx), param) == 1;
    return ok;
}

/* ---- digests ---- */

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, OSL_TRUST_DIGEST);
}

bool osl_trust_set_digest(const EVP_MD *md, unsigned char *digests, size_t *count,
                          unsigned char *out)
{
    size_t kept = 0;

    if (*count > 1)
        qsort(digests, *count, OSL_TRUST_DIGEST, compare);
    for (size_t i = 0; i < *count; i++) {
        const unsigned char *next = digests + i * OSL_TRUST_DIGEST;

        if (kept > 0 && compare(digests + (kept - 1) * OSL_TRUST_DIGEST, next) == 0)
            continue;
        memmove(digests + kept++ * OSL_TRUST_DIGEST, next, OSL_TRUST_DIGEST);
    }
    *count = kept;
    return EVP_Digest(kept > 0 ? digests : (const void *)"", kept * OSL_TRUST_DIGEST, out, NULL, md,
                      NULL) == 1;
}

/* Of @der, which OpenSSL allocated, and which is freed; @len is what i2d said. */
static bool digest_der(unsigned char *der, int len, const EVP_MD *md, unsigned char *out)
{
    const bool ok = len > 0 && EVP_Digest(der, (size_t)len, out, NULL, md, NULL) == 1;

    OPENSSL_free(der);
    return ok;
}

/* The certificates' own digests, and behind them those of the indexes. */
static bool collect_certs(const trust *self, const EVP_MD *md, unsigned char *room)
{
    for (int i = 0; i < sk_X509_num(self->certs); i++, room += OSL_TRUST_DIGEST) {
        unsigned char *der = NULL;
        /* With what a "TRUSTED CERTIFICATE" says beyond the certificate. */
        const int len = i2d_X509_AUX(sk_X509_value(self->certs, i), &der);

        if (!digest_der(der, len, md, room))
            return false;
    }
    for (size_t i = 0; i < self->bundle_count; i++) {
        size_t count;
        const unsigned char *digests = osl_bundle_digests(self->bundles[i], md, &count);

        if (digests == NULL)
            return false;
        memcpy(room, digests, count * OSL_TRUST_DIGEST);
        room += count * OSL_TRUST_DIGEST;
    }
    return true;
}

static bool digest_certs(const trust *self, const EVP_MD *md, unsigned char *out)
{
    size_t count = (size_t)sk_X509_num(self->certs), each;
    const unsigned char *digests;
    unsigned char *room;
    bool ok;

    if (count == 0 && self->bundle_count == 1) { /* the most frequent case has it ready */
        digests = osl_bundle_digests(self->bundles[0], md, &each);
        if (digests != NULL)
            memcpy(out, digests + each * OSL_TRUST_DIGEST, OSL_TRUST_DIGEST);
        return digests != NULL;
    }
    for (size_t i = 0; i < self->bundle_count; i++) {
        if (osl_bundle_digests(self->bundles[i], md, &each) == NULL)
            return false;
        count += each;
    }
    room = OPENSSL_malloc((count + 1) * OSL_TRUST_DIGEST);
    ok = room != NULL && collect_certs(self, md, room) &&
         osl_trust_set_digest(md, room, &count, out);
    OPENSSL_free(room);
    return ok;
}

static bool digest_crls(const trust *self, const EVP_MD *md, unsigned char *out)
{
    size_t count = (size_t)sk_X509_CRL_num(self->crls);
    unsigned char *room = OPENSSL_malloc((count + 1) * OSL_TRUST_DIGEST);
    bool ok = room != NULL;

    for (size_t i = 0; ok && i < count; i++) {
        unsigned char *der = NULL;
        const int len = i2d_X509_CRL(sk_X509_CRL_value(self->crls, (int)i), &der);

        ok = digest_der(der, len, md, room + i * OSL_TRUST_DIGEST);
    }
    ok = ok && osl_trust_set_digest(md, room, &count, out);
    OPENSSL_free(room);
    return ok;
}

/* What a store asks of a chain, as far as it can be asked for; the rest is in words. */
typedef struct parameters {
    uint64_t flags;
    int64_t time, depth, level;
    uint64_t host_flags;
} parameters;

static bool read_parameters(trust *self, const X509_STORE *store, parameters *out)
{
    osl_auto(X509_VERIFY_PARAM) *param = X509_VERIFY_PARAM_new();

    if (param == NULL || X509_VERIFY_PARAM_set1(param, X509_STORE_get0_param(store)) != 1 ||
        X509_VERIFY_PARAM_set1(param, self->asked) != 1)
        return false;
    memset(out, 0, sizeof *out);
    out->flags = X509_VERIFY_PARAM_get_flags(param);
    if ((out->flags & X509_V_FLAG_USE_CHECK_TIME) != 0)
        out->time = (int64_t)X509_VERIFY_PARAM_get_time(param);
    out->depth = X509_VERIFY_PARAM_get_depth(param);
    out->level = X509_VERIFY_PARAM_get_auth_level(param);
    out->host_flags = X509_VERIFY_PARAM_get_hostflags(param);
    return true;
}

static bool digest_all(trust *self, X509_STORE *store, const EVP_MD *md, unsigned char *out)
{
    osl_auto(EVP_MD_CTX) *ctx = EVP_MD_CTX_new();
    unsigned char certs[OSL_TRUST_DIGEST], crls[OSL_TRUST_DIGEST];
    parameters asked;
    bool ok;

    ok = ctx != NULL && read_parameters(self, store, &asked) && digest_certs(self, md, certs) &&
         digest_crls(self, md, crls) && EVP_DigestInit_ex(ctx, md, NULL) == 1 &&
         EVP_DigestUpdate(ctx, certs, sizeof certs) == 1 &&
         EVP_DigestUpdate(ctx, crls, sizeof crls) == 1 &&
         EVP_DigestUpdate(ctx, &asked, sizeof asked) == 1;
    for (size_t i = 0; ok && i < self->word_count; i++) /* each with its NUL */
        ok = EVP_DigestUpdate(ctx, self->words[i], strlen(self->words[i]) + 1) == 1;
    return ok && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
}

/* Nothing is being changed, and nothing was since change @as_of. */
static bool is_still(trust *self, unsigned long as_of)
{
    return atomic_load(&self->begun) == as_of && atomic_load(&self->ended) == as_of;
}

bool osl_trust_digest(X509_STORE *store, const EVP_MD *md, unsigned char *out,
                      unsigned long *version)
{
    trust *self = trust_of(store);
    bool ok;

    if (self == NULL || CRYPTO_THREAD_read_lock(self->lock) != 1)
        return false;
    *version = atomic_load(&self->begun);
    ok = self->known && self->as_of == *version && is_still(self, *version);
    if (ok)
        memcpy(out, self->digest, OSL_TRUST_DIGEST);
    unlock(self);
    if (ok || !lock(self))
        return ok;
    *version = atomic_load(&self->begun);
    ok = is_still(self, *version) && digest_all(self, store, md, out) && is_still(self, *version);
    if (ok) {
        memcpy(self->digest, out, OSL_TRUST_DIGEST);
        self->as_of = *version;
        self->known = true;
    }
    unlock(self);
    return ok;
}

bool osl_trust_is(const X509_STORE *store, unsigned long version)
{
    const trust *self = trust_of(store);

    return self != NULL && atomic_load(&self->begun) == version;
}
