/*
 * The sessions that a server keeps itself, by their number: those without a ticket.
 *
 * OpenSSL would keep them in the SSL_CTX, where a change of the context, which makes another
 * (ctx_change.c), loses them. These outlast it, as tickets do. Whether one is taken is OpenSSL's to say: by
 * its scope (scope.c), its time, and the mark that it sets in a session of a connection that
 * failed.
 */
#include "tls.h"

#include <time.h>

enum { BUCKETS = 1024, EXPIRED_AT_ONCE = 2 };

typedef struct kept {
    struct kept *next;  /* in its bucket */
    struct kept *newer; /* in order of age */
    SSL_SESSION *session;
    size_t id_len;
    unsigned char id[SSL_MAX_SSL_SESSION_ID_LENGTH];
} kept;

struct osl_session_cache {
    osl_object base;
    CRYPTO_RWLOCK *lock; /* around all that follows */
    kept *oldest, *newest;
    size_t count;
    kept **buckets; /* made with the first session */
};

osl_session_cache *osl_session_cache_new(void)
{
    osl_session_cache *cache = osl_new(osl_session_cache);

    if (cache == NULL)
        return NULL;
    osl_object_init(&cache->base);
    cache->lock = CRYPTO_THREAD_lock_new();
    if (cache->lock == NULL) {
        OPENSSL_free(cache);
        return NULL;
    }
    return cache;
}

osl_session_cache *osl_session_cache_ref(osl_session_cache *cache)
{
    osl_object_ref(&cache->base);
    return cache;
}

static void kept_free(kept *entry)
{
    if (entry == NULL)
        return;
    SSL_SESSION_free(entry->session);
    OPENSSL_free(entry);
}

void osl_session_cache_unref(osl_session_cache *cache)
{
    if (cache == NULL || !osl_object_unref(&cache->base))
        return;
    while (cache->oldest != NULL) {
        kept *entry = cache->oldest;

        cache->oldest = entry->newer;
        kept_free(entry);
    }
    OPENSSL_free(cache->buckets);
    CRYPTO_THREAD_lock_free(cache->lock);
    OPENSSL_free(cache);
}

/* Numbers of sessions are random, so any of their bytes will do. */
static kept **bucket_of(const osl_session_cache *cache, const unsigned char *id, size_t len)
{
    return &cache->buckets[len < 2 ? 0 : ((size_t)id[0] << 8 | id[1]) % BUCKETS];
}

/* Take the oldest out; the caller frees it, outside the lock. */
static kept *take_oldest(osl_session_cache *cache)
{
    kept *entry = cache->oldest, **place = bucket_of(cache, entry->id, entry->id_len);

    while (*place != entry)
        place = &(*place)->next;
    *place = entry->next;
    cache->oldest = entry->newer;
    if (cache->oldest == NULL)
        cache->newest = NULL;
    cache->count--;
    return entry;
}

static bool is_over(const kept *entry, int64_t now)
{
    return SSL_SESSION_is_resumable(entry->session) != 1 || !osl_session_alive(entry->session, now);
}

static void add(osl_session_cache *cache, kept *entry)
{
    kept **bucket = bucket_of(cache, entry->id, entry->id_len);

    entry->next = *bucket;
    *bucket = entry;
    if (cache->newest != NULL)
        cache->newest->newer = entry;
    else
        cache->oldest = entry;
    cache->newest = entry;
    cache->count++;
}

/* NULL without memory. */
static kept *kept_new(SSL_SESSION *session)
{
    unsigned len = 0;
    const unsigned char *id = SSL_SESSION_get_id(session, &len);
    kept *entry;

    if (len == 0 || len > SSL_MAX_SSL_SESSION_ID_LENGTH)
        return NULL;
    entry = osl_new(kept);
    if (entry == NULL)
        return NULL;
    if (SSL_SESSION_up_ref(session) != 1) {
        OPENSSL_free(entry);
        return NULL;
    }
    entry->session = session;
    entry->id_len = len;
    memcpy(entry->id, id, len);
    return entry;
}

void osl_session_cache_put(osl_session_cache *cache, SSL_SESSION *session)
{
    const int64_t now = (int64_t)time(NULL);
    kept *entry = kept_new(session), *gone[EXPIRED_AT_ONCE] = { NULL };

    if (entry == NULL || CRYPTO_THREAD_write_lock(cache->lock) != 1) {
        kept_free(entry);
        return; /* it only means a full handshake */
    }
    if (cache->buckets == NULL)
        cache->buckets = OPENSSL_zalloc(BUCKETS * sizeof *cache->buckets);
    if (cache->buckets != NULL) {
        /* More than come, so that none that is over stays because of those that come. */
        for (size_t i = 0; i < EXPIRED_AT_ONCE && cache->oldest != NULL; i++)
            if (cache->count >= SSL_SESSION_CACHE_MAX_SIZE_DEFAULT || is_over(cache->oldest, now))
                gone[i] = take_oldest(cache);
        add(cache, entry);
        entry = NULL;
    }
    CRYPTO_THREAD_unlock(cache->lock);
    kept_free(entry);
    for (size_t i = 0; i < EXPIRED_AT_ONCE; i++)
        kept_free(gone[i]);
}

SSL_SESSION *osl_session_cache_get1(osl_session_cache *cache, const unsigned char *id, size_t len)
{
    SSL_SESSION *found = NULL;

    if (CRYPTO_THREAD_read_lock(cache->lock) != 1)
        return NULL;
    if (cache->buckets != NULL)
        for (const kept *entry = *bucket_of(cache, id, len); entry != NULL && found == NULL;
             entry = entry->next)
            if (entry->id_len == len && memcmp(entry->id, id, len) == 0)
                found = entry->session;
    if (found != NULL && SSL_SESSION_up_ref(found) != 1)
        found = NULL;
    CRYPTO_THREAD_unlock(cache->lock);
    return found;
}
