/*
 * Files of trusted certificates, read once for the process.
 *
 * Decoding the 150 certificates of a system's bundle takes OpenSSL 3.0 some 25
 * milliseconds for each context, and a chain needs one of them. So a bundle is
 * indexed: where each certificate stands and whose it is. The index is shared by
 * all stores, decodes a certificate when a chain asks for its subject, and is
 * forgotten with the last store. A store gets what it asked for as objects of
 * its own, so that what is done to one store is not seen in another.
 *
 * Only plain files are indexed: certificates alone, in the PEM that everybody
 * writes, of the shape that OpenSSL is known to accept. Whatever looks different
 * is left to OpenSSL, so that it is accepted or refused as ever.
 */
#include "bundle.h"

#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

/* The window in which a file is read, so that its text is never in memory as a whole. */
enum { WINDOW = 16384 };

typedef struct entry {
    osl_der der, subject;
    _Atomic(X509 *) parsed; /* made when first asked for */
} entry;

/* Which file, and which state of it. */
typedef struct identity {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified, changed;
} identity;

/* What certificates are, whatever file they stand in. */
typedef struct digests {
    size_t count;
    unsigned char each[]; /* and behind them that of all */
} digests;

struct osl_bundle {
    size_t refs; /* under the table's lock */
    osl_bundle *next;
    char *path;
    identity file;
    unsigned char *bytes; /* the DER of all certificates, one after the other */
    entry *entries;
    size_t count;
    CRYPTO_RWLOCK *lock; /* around names */
    X509_NAME **names;   /* of all subjects; made when first asked for */
    _Atomic(digests *) digests; /* of all certificates; made when first asked for */
};

static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;
static CRYPTO_RWLOCK *table_lock;
static osl_bundle *table; /* those in use */

static void init_once(void)
{
    table_lock = CRYPTO_THREAD_lock_new();
}

/* ---- reading: text to DER ---- */

static void bundle_free(osl_bundle *bundle)
{
    for (size_t i = 0; i < bundle->count; i++) {
        X509_free(atomic_load_explicit(&bundle->entries[i].parsed, memory_order_relaxed));
        if (bundle->names != NULL)
            X509_NAME_free(bundle->names[i]);
    }
    OPENSSL_free(atomic_load_explicit(&bundle->digests, memory_order_relaxed));
    OPENSSL_free(bundle->names);
    OPENSSL_free(bundle->entries);
    OPENSSL_free(bundle->path);
    OPENSSL_free(bundle->bytes);
    CRYPTO_THREAD_lock_free(bundle->lock);
    OPENSSL_free(bundle);
}

OSL_DEFINE_AUTO(osl_bundle, bundle_free)

static bool add_entry(osl_bundle *bundle, const osl_der *der, const osl_der *subject)
{
    if ((bundle->count & (bundle->count - 1)) == 0) {
        const size_t room = bundle->count == 0 ? 1 : bundle->count * 2;
        entry *entries = OPENSSL_realloc(bundle->entries, room * sizeof *entries);

        if (entries == NULL)
            return false;
        bundle->entries = entries;
    }
    bundle->entries[bundle->count].der = *der;
    bundle->entries[bundle->count].subject = *subject;
    atomic_init(&bundle->entries[bundle->count].parsed, NULL);
    bundle->count++;
    return true;
}

/*
 * Decode the blocks of @text one after the other to bundle->bytes + *used, and index them.
 * *at is how far that went.
 */
static bool index_blocks(osl_bundle *bundle, const pyossl_buf *text, size_t *at, size_t *used)
{
    size_t end = *used;

    *at = 0;
    while (osl_plain_pem_next(text, at, bundle->bytes, &end)) {
        const osl_der der = { bundle->bytes + *used, end - *used };
        osl_der subject;

        if (!osl_plain_certificate(&der, &subject) || !add_entry(bundle, &der, &subject))
            return false;
        *used = end;
    }
    return true;
}

/* How much of the @len bytes at @data is whole lines. */
static size_t whole_lines(const unsigned char *data, size_t len)
{
    while (len > 0 && data[len - 1] != '\n')
        len--;
    return len;
}

/*
 * Index all of @file, @size bytes of text. What a window cannot tell of, because it ends in the
 * middle of a block, stands at the beginning of the next.
 */
static bool index_file(osl_bundle *bundle, FILE *file, size_t size)
{
    unsigned char window[WINDOW] = { 0 };
    pyossl_buf text = { window, 0 };
    size_t got, at, used = 0, all = 0, held = 0;

    do {
        got = fread(window + held, 1, sizeof window - held, file);
        held += got;
        all += got;
        if (all > size) /* it grows while it is read */
            return false;
        text.len = all < size ? whole_lines(window, held) : held;
        if (!index_blocks(bundle, &text, &at, &used))
            return false;
        memmove(window, window + at, held - at);
        held -= at;
    } while (got > 0 && held < sizeof window);
    return held == 0 && all == size && ferror(file) == 0 && bundle->count > 0;
}

static bool read_bundle(osl_bundle *bundle, const char *path, size_t size)
{
    FILE *file = fopen(path, "rbe"); /* "e": not for our children */
    bool done;

    if (file == NULL)
        return false;
    /* A line of less than four characters is refused, so this is enough. */
    bundle->bytes = OPENSSL_malloc(size / 4 * 3 + OSL_BASE64_BYTES);
    done = bundle->bytes != NULL && setvbuf(file, NULL, _IONBF, 0) == 0 &&
           index_file(bundle, file, size);
    fclose(file);
    return done;
}

/* ---- the table ---- */

static bool identity_of(const char *path, identity *out)
{
    struct stat status;

    if (stat(path, &status) != 0 || !S_ISREG(status.st_mode))
        return false;
    /* Field by field: padding must not count. */
    memset(out, 0, sizeof *out);
    out->device = status.st_dev;
    out->inode = status.st_ino;
    out->size = status.st_size;
    out->modified = status.st_mtim;
    out->changed = status.st_ctim;
    return true;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same_file(const identity *a, const identity *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           same_time(&a->modified, &b->modified) && same_time(&a->changed, &b->changed);
}

/* A file that was changed this moment may change again without its times telling. */
static bool settled(const identity *file)
{
    struct timespec now;

    return clock_gettime(CLOCK_REALTIME, &now) == 0 &&
           (now.tv_sec - file->changed.tv_sec > 1 || now.tv_sec < file->changed.tv_sec - 1);
}

static osl_bundle *find(const char *path, const identity *file)
{
    osl_bundle *bundle = NULL;

    if (CRYPTO_THREAD_write_lock(table_lock) != 1)
        return NULL;
    for (bundle = table; bundle != NULL; bundle = bundle->next)
        if (same_file(&bundle->file, file) && strcmp(bundle->path, path) == 0) {
            bundle->refs++;
            break;
        }
    CRYPTO_THREAD_unlock(table_lock);
    return bundle;
}

static void publish(osl_bundle *bundle)
{
    if (CRYPTO_THREAD_write_lock(table_lock) != 1)
        return;
    bundle->next = table;
    table = bundle;
    CRYPTO_THREAD_unlock(table_lock);
}

static void withdraw(const osl_bundle *bundle)
{
    for (osl_bundle **place = &table; *place != NULL; place = &(*place)->next)
        if (*place == bundle) {
            *place = bundle->next;
            return;
        }
}

bool osl_bundle_ref(osl_bundle *bundle)
{
    if (CRYPTO_THREAD_write_lock(table_lock) != 1)
        return false;
    bundle->refs++;
    CRYPTO_THREAD_unlock(table_lock);
    return true;
}

void osl_bundle_unref(osl_bundle *bundle)
{
    bool last;

    if (bundle == NULL || CRYPTO_THREAD_write_lock(table_lock) != 1)
        return;
    last = --bundle->refs == 0;
    if (last)
        withdraw(bundle);
    CRYPTO_THREAD_unlock(table_lock);
    if (last)
        bundle_free(bundle);
}

osl_bundle *osl_bundle_open(const char *path)
{
    osl_auto(osl_bundle) *bundle = NULL;
    identity before, after;
    osl_bundle *found;

    if (CRYPTO_THREAD_run_once(&once, init_once) != 1 || table_lock == NULL)
        return NULL;
    if (!identity_of(path, &before) || before.size > (off_t)OSL_FILE_MAX || !settled(&before))
        return NULL;
    found = find(path, &before);
    if (found != NULL)
        return found;
    bundle = osl_new(osl_bundle);
    if (bundle == NULL || (bundle->lock = CRYPTO_THREAD_lock_new()) == NULL ||
        (bundle->path = osl_strdup(path)) == NULL)
        return NULL;
    if (!read_bundle(bundle, path, (size_t)before.size))
        return NULL;
    if (!identity_of(path, &after) || !same_file(&before, &after))
        return NULL;
    bundle->file = before;
    bundle->refs = 1;
    publish(bundle);
    return osl_steal(bundle);
}

/* ---- asking ---- */

/* The certificate of an entry, with a reference of the caller's; NULL without memory. */
static X509 *parsed(entry *item)
{
    X509 *known = atomic_load_explicit(&item->parsed, memory_order_acquire), *made;
    const unsigned char *at = item->der.at;

    if (known == NULL) {
        made = d2i_X509(NULL, &at, (long)item->der.len);
        if (made == NULL)
            return NULL;
        /* OpenSSL writes what it works out into the certificate: have it do that now. */
        (void)X509_check_purpose(made, -1, 0);
        if (atomic_compare_exchange_strong(&item->parsed, &known, made))
            known = made;
        else
            X509_free(made);
    }
    return X509_up_ref(known) == 1 ? known : NULL;
}

static bool make_names(osl_bundle *bundle)
{
    X509_NAME **names = OPENSSL_zalloc(bundle->count * sizeof *names);
    bool ok = names != NULL;

    if (names == NULL)
        ERR_raise(ERR_LIB_X509, ERR_R_MALLOC_FAILURE); /* the allocator does not say so */
    for (size_t i = 0; ok && i < bundle->count; i++) {
        const unsigned char *at = bundle->entries[i].subject.at;

        names[i] = d2i_X509_NAME(NULL, &at, (long)bundle->entries[i].subject.len);
        ok = names[i] != NULL;
    }
    if (ok) {
        bundle->names = names;
        return true;
    }
    for (size_t i = 0; names != NULL && i < bundle->count; i++)
        X509_NAME_free(names[i]);
    OPENSSL_free(names);
    return false;
}

/* Whether the names are there; once made they stay as they are. */
static bool have_names(osl_bundle *bundle)
{
    bool ready;

    if (CRYPTO_THREAD_read_lock(bundle->lock) != 1)
        return false;
    ready = bundle->names != NULL;
    CRYPTO_THREAD_unlock(bundle->lock);
    if (ready)
        return true;
    if (CRYPTO_THREAD_write_lock(bundle->lock) != 1)
        return false;
    ready = bundle->names != NULL || make_names(bundle);
    CRYPTO_THREAD_unlock(bundle->lock);
    return ready;
}

static bool hand_over(X509_STORE *store, entry *item)
{
    X509 *x509 = parsed(item);
    const bool ok = x509 != NULL && X509_STORE_add_cert(store, x509) == 1;

    X509_free(x509);
    return ok;
}

bool osl_bundle_pull(osl_bundle *bundle, X509_STORE *store, const X509_NAME *subject)
{
    if (!have_names(bundle))
        return false;
    for (size_t i = 0; i < bundle->count; i++)
        if (X509_NAME_cmp(bundle->names[i], subject) == 0 && !hand_over(store, &bundle->entries[i]))
            return false;
    return true;
}

bool osl_bundle_pull_all(osl_bundle *bundle, X509_STORE *store)
{
    for (size_t i = 0; i < bundle->count; i++)
        if (!hand_over(store, &bundle->entries[i]))
            return false;
    return true;
}

/* ---- what it holds, by content ---- */

static digests *make_digests(const osl_bundle *bundle, const EVP_MD *md)
{
    const size_t room = (bundle->count + 1) * OSL_TRUST_DIGEST;
    unsigned char all[OSL_TRUST_DIGEST];
    digests *made = OPENSSL_malloc(sizeof *made + room);
    bool ok = made != NULL;

    for (size_t i = 0; ok && i < bundle->count; i++)
        ok = EVP_Digest(bundle->entries[i].der.at, bundle->entries[i].der.len,
                        made->each + i * OSL_TRUST_DIGEST, NULL, md, NULL) == 1;
    if (ok) {
        made->count = bundle->count;
        ok = osl_trust_set_digest(md, made->each, &made->count, all);
    }
    if (!ok) {
        OPENSSL_free(made);
        return NULL;
    }
    memcpy(made->each + made->count * OSL_TRUST_DIGEST, all, sizeof all);
    return made;
}

const unsigned char *osl_bundle_digests(osl_bundle *bundle, const EVP_MD *md, size_t *count)
{
    digests *known = atomic_load_explicit(&bundle->digests, memory_order_acquire), *made;

    if (known == NULL) {
        made = make_digests(bundle, md);
        if (made == NULL)
            return NULL;
        if (atomic_compare_exchange_strong(&bundle->digests, &known, made))
            known = made;
        else
            OPENSSL_free(made);
    }
    *count = known->count;
    return known->each;
}
