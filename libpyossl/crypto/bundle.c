/*
 * Files of trusted certificates, read once for the process.
 *
 * Decoding the 150 certificates of a system's bundle takes OpenSSL 3.0 some 25
 * milliseconds for each context, and a chain needs one of them. So a bundle is
 * indexed: where each certificate stands and whose it is. The index holds bytes and
 * names, and no object that could be used; it is shared by all stores, and forgotten
 * with the last. A store makes objects of its own of what a chain asks for (lookup.c).
 *
 * Only plain files are indexed: certificates alone, in the PEM that everybody
 * writes, of the shape that OpenSSL is known to accept. Whatever looks different
 * is left to OpenSSL, so that it is accepted or refused as ever.
 */
#include "bundle.h"

#include <sys/stat.h>
#include <time.h>

/* The window in which a file is read, so that its text is never in memory as a whole. */
enum { WINDOW = 16384 };

typedef struct entry {
    osl_der der, subject;
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
    _Atomic(X509_NAME **) names; /* of all subjects; made when first asked for */
    _Atomic(digests *) digests;  /* of all certificates; made when first asked for */
};

static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;
static CRYPTO_RWLOCK *table_lock;
static osl_bundle *table; /* those in use */

static void init_once(void)
{
    table_lock = CRYPTO_THREAD_lock_new();
}

/* ---- reading: text to DER ---- */

static void names_free(X509_NAME **names, size_t count)
{
    for (size_t i = 0; names != NULL && i < count; i++)
        X509_NAME_free(names[i]);
    OPENSSL_free(names);
}

static void bundle_free(osl_bundle *bundle)
{
    names_free(atomic_load_explicit(&bundle->names, memory_order_relaxed), bundle->count);
    OPENSSL_free(atomic_load_explicit(&bundle->digests, memory_order_relaxed));
    OPENSSL_free(bundle->entries);
    OPENSSL_free(bundle->path);
    OPENSSL_free(bundle->bytes);
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
static bool index_file(osl_bundle *bundle, int file, size_t size)
{
    unsigned char window[WINDOW] = { 0 };
    pyossl_buf text = { window, 0 };
    size_t at, used = 0, all = 0, held = 0;
    ssize_t got;

    do {
        got = osl_file_some(file, window + held, sizeof window - held);
        if (got < 0)
            return false;
        held += (size_t)got;
        all += (size_t)got;
        if (all > size) /* it grows while it is read */
            return false;
        text.len = all < size ? whole_lines(window, held) : held;
        if (!index_blocks(bundle, &text, &at, &used))
            return false;
        memmove(window, window + at, held - at);
        held -= at;
    } while (got > 0 && held < sizeof window);
    return held == 0 && all == size && bundle->count > 0;
}

static bool read_bundle(osl_bundle *bundle, int file, size_t size)
{
    /* A line of less than four characters is refused, so this is enough. */
    bundle->bytes = OPENSSL_malloc(size / 4 * 3 + OSL_BASE64_BYTES);
    return bundle->bytes != NULL && index_file(bundle, file, size);
}

/* ---- the table ---- */

static bool identity_of(int file, identity *out)
{
    struct stat status;

    if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode))
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

/* The index of @file, which was opened as @path: by whoever asks, so that it is theirs to read. */
static osl_bundle *open_file(const char *path, int file)
{
    osl_auto(osl_bundle) *bundle = NULL;
    identity before, after;
    osl_bundle *found;

    if (!identity_of(file, &before) || before.size > (off_t)OSL_FILE_MAX || !settled(&before))
        return NULL;
    found = find(path, &before);
    if (found != NULL)
        return found;
    bundle = osl_new(osl_bundle);
    if (bundle == NULL || (bundle->path = osl_strdup(path)) == NULL)
        return NULL;
    if (!read_bundle(bundle, file, (size_t)before.size))
        return NULL;
    if (!identity_of(file, &after) || !same_file(&before, &after))
        return NULL;
    bundle->file = before;
    bundle->refs = 1;
    publish(bundle);
    return osl_steal(bundle);
}

osl_bundle *osl_bundle_open(const char *path)
{
    osl_bundle *bundle;
    int file;

    if (CRYPTO_THREAD_run_once(&once, init_once) != 1 || table_lock == NULL)
        return NULL;
    file = osl_file_is_regular(path) ? osl_file_open(path) : -1;
    if (file < 0)
        return NULL;
    bundle = open_file(path, file);
    osl_file_close(file);
    return bundle;
}

/* ---- asking ---- */

size_t osl_bundle_count(const osl_bundle *bundle)
{
    return bundle->count;
}

static X509_NAME **make_names(const osl_bundle *bundle)
{
    X509_NAME **names = OPENSSL_zalloc(bundle->count * sizeof *names);

    if (names == NULL)
        ERR_raise(ERR_LIB_X509, ERR_R_MALLOC_FAILURE); /* the allocator does not say so */
    for (size_t i = 0; names != NULL && i < bundle->count; i++) {
        const unsigned char *at = bundle->entries[i].subject.at;

        names[i] = d2i_X509_NAME(NULL, &at, (long)bundle->entries[i].subject.len);
        if (names[i] == NULL) {
            names_free(names, bundle->count);
            names = NULL;
        }
    }
    return names;
}

/* Whoever comes second takes what the first one made. */
const X509_NAME *osl_bundle_subject(osl_bundle *bundle, size_t index)
{
    X509_NAME **known = atomic_load_explicit(&bundle->names, memory_order_acquire), **made;

    if (known != NULL)
        return known[index];
    made = make_names(bundle);
    if (made == NULL)
        return NULL;
    if (atomic_compare_exchange_strong_explicit(&bundle->names, &known, made, memory_order_acq_rel,
                                                memory_order_acquire))
        return made[index];
    names_free(made, bundle->count);
    return known[index];
}

X509 *osl_bundle_parse(const osl_bundle *bundle, size_t index, OSSL_LIB_CTX *home)
{
    const entry *item = &bundle->entries[index];
    const unsigned char *at = item->der.at;
    X509 *x509 = X509_new_ex(home, NULL);

    if (x509 == NULL || d2i_X509(&x509, &at, (long)item->der.len) == NULL)
        return NULL; /* which d2i_X509() has released */
    /* OpenSSL writes what it works out into the certificate: have it do that now. */
    (void)X509_check_purpose(x509, -1, 0);
    return x509;
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
