/*
 * Directories of certificates and revocation lists, named by hash.
 *
 * OpenSSL has such a lookup, but adding a directory to it is not safe while
 * another thread judges a chain, and it leaves its files open to children. This
 * one may be added to at any time. It is attached to a store once, and keeps
 * each directory once however often it is named.
 */
#include "crypto.h"

#include <stdio.h>

#if defined(_WIN32)
#define LIST_SEPARATOR ";"
#else
#define LIST_SEPARATOR ":"
#endif

/* Up to where the revocation lists of one issuer have been read from one directory. */
typedef struct crl_mark {
    size_t dir;
    unsigned long hash;
    unsigned next;
} crl_mark;

typedef struct directories {
    CRYPTO_RWLOCK *lock;
    char **paths; /* added to, never taken from: a path once seen stays */
    size_t path_count;
    crl_mark *marks;
    size_t mark_count;
} directories;

static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;
static X509_LOOKUP_METHOD *method;
static CRYPTO_RWLOCK *attach_lock; /* OpenSSL attaches lookups without one */

static void directories_free(directories *all)
{
    if (all == NULL)
        return;
    for (size_t i = 0; i < all->path_count; i++)
        OPENSSL_free(all->paths[i]);
    OPENSSL_free(all->paths);
    OPENSSL_free(all->marks);
    CRYPTO_THREAD_lock_free(all->lock);
    OPENSSL_free(all);
}

OSL_DEFINE_AUTO(directories, directories_free)

/* @array with room for one more; NULL if there is none. Grows by doubling, at powers of two. */
static void *grown(void *array, size_t count, size_t size)
{
    if (count != 0 && (count & (count - 1)) != 0)
        return array;
    if (count > SIZE_MAX / 2 / size)
        return NULL;
    return OPENSSL_realloc(array, (count == 0 ? 1 : count * 2) * size);
}

/* The path of directory @index, or NULL past the last. */
static const char *path_at(directories *all, size_t index)
{
    const char *path = NULL;

    if (CRYPTO_THREAD_read_lock(all->lock) != 1)
        return NULL;
    if (index < all->path_count)
        path = all->paths[index];
    CRYPTO_THREAD_unlock(all->lock);
    return path;
}

/* Under the write lock. */
static bool add_path(directories *all, const char *path, size_t len)
{
    char **paths;
    char *copy;

    for (size_t i = 0; i < all->path_count; i++) {
        if (strlen(all->paths[i]) == len && memcmp(all->paths[i], path, len) == 0)
            return true;
    }
    paths = grown(all->paths, all->path_count, sizeof *paths);
    if (paths == NULL)
        return false;
    all->paths = paths;
    copy = osl_memdup(path, len);
    if (copy == NULL)
        return false;
    all->paths[all->path_count++] = copy;
    return true;
}

/* The same for each of a list, as OpenSSL and its SSL_CERT_DIR have it; what is empty is none. */
static bool add_paths(directories *all, const char *list)
{
    bool ok = true;

    for (size_t len; ok && *list != '\0'; list += len) {
        len = strcspn(list, LIST_SEPARATOR);
        if (len > 0)
            ok = add_path(all, list, len);
        if (list[len] != '\0')
            len++;
    }
    return ok;
}

/* Under either lock; NULL where nothing has been read yet. */
static crl_mark *find_mark(const directories *all, size_t dir, unsigned long hash)
{
    for (size_t i = 0; i < all->mark_count; i++) {
        if (all->marks[i].dir == dir && all->marks[i].hash == hash)
            return &all->marks[i];
    }
    return NULL;
}

static unsigned first_unread(directories *all, size_t dir, unsigned long hash)
{
    const crl_mark *mark;
    unsigned next = 0;

    if (CRYPTO_THREAD_read_lock(all->lock) != 1)
        return 0;
    mark = find_mark(all, dir, hash);
    if (mark != NULL)
        next = mark->next;
    CRYPTO_THREAD_unlock(all->lock);
    return next;
}

/* Forgetting to, for want of memory, only means to read the lists again. */
static void remember_read(directories *all, size_t dir, unsigned long hash, unsigned next)
{
    crl_mark *mark;

    if (CRYPTO_THREAD_write_lock(all->lock) != 1)
        return;
    mark = find_mark(all, dir, hash);
    if (mark == NULL) {
        crl_mark *marks = grown(all->marks, all->mark_count, sizeof *marks);

        if (marks != NULL) {
            all->marks = marks;
            mark = &marks[all->mark_count++];
            *mark = (crl_mark){ dir, hash, 0 };
        }
    }
    if (mark != NULL && mark->next < next)
        mark->next = next;
    CRYPTO_THREAD_unlock(all->lock);
}

/*
 * Add what a file holds, and that is either certificates or lists: lists are
 * often fetched from elsewhere, and must not bring certificates to trust. What
 * goes wrong only means that there is nothing, so the queue is left as it was.
 */
static bool read_one(X509_STORE *store, const char *path, bool is_crl)
{
    osl_auto_buf text = PYOSSL_BUF_INIT;
    size_t added = 0;

    if (!osl_file_readable(path) || osl_file_read(path, OSL_FILE_MAX, &text) != PYOSSL_OK)
        return false;
    ERR_set_mark();
    if (!osl_store_add_pem(store, text.data, text.len, is_crl ? OSL_STORE_CRLS : OSL_STORE_CERTS,
                           &added))
        added = 0;
    ERR_pop_to_mark();
    return added > 0;
}

/*
 * Read DIR/HASH.0, DIR/HASH.1 and so on (HASH.r0 for lists) from number @next
 * up to the first that is not there or not readable. Returns that number.
 */
static unsigned read_numbered(X509_STORE *store, const char *dir, unsigned long hash, bool is_crl,
                              unsigned next)
{
    size_t room = strlen(dir) + 32;
    char *path = OPENSSL_malloc(room);

    while (path != NULL) {
        snprintf(path, room, "%s/%08lx.%s%u", dir, hash, is_crl ? "r" : "", next);
        if (!read_one(store, path, is_crl))
            break;
        next++;
    }
    OPENSSL_free(path);
    return next;
}

static int get_by_subject(X509_LOOKUP *lookup, X509_LOOKUP_TYPE type, const X509_NAME *name,
                          X509_OBJECT *result)
{
    directories *all = X509_LOOKUP_get_method_data(lookup);
    X509_STORE *store = X509_LOOKUP_get_store(lookup);
    bool is_crl = type == X509_LU_CRL;
    const char *path;
    unsigned long hash;
    int hashed = 0;

    if (all == NULL || name == NULL || (!is_crl && type != X509_LU_X509))
        return 0;
    if (path_at(all, 0) == NULL)
        return 0;
    hash = X509_NAME_hash_ex(name, NULL, NULL, &hashed);
    if (hashed != 1)
        return 0;
    for (size_t dir = 0; (path = path_at(all, dir)) != NULL; dir++) {
        unsigned next = is_crl ? first_unread(all, dir, hash) : 0;

        next = read_numbered(store, path, hash, is_crl, next);
        /* Only what is there: names that were made up must not fill the memory. */
        if (is_crl && next > 0)
            remember_read(all, dir, hash, next);
        if (osl_store_find(store, type, name, result))
            return 1;
    }
    return 0;
}

static int new_item(X509_LOOKUP *lookup)
{
    osl_auto(directories) *all = osl_new(directories);

    if (all == NULL || (all->lock = CRYPTO_THREAD_lock_new()) == NULL)
        return 0;
    if (X509_LOOKUP_set_method_data(lookup, all) != 1)
        return 0;
    (void)osl_steal(all);
    return 1;
}

static void free_item(X509_LOOKUP *lookup)
{
    directories_free(X509_LOOKUP_get_method_data(lookup));
}

static void init_once(void)
{
    X509_LOOKUP_METHOD *made = X509_LOOKUP_meth_new("directories of " OSL_LIBRARY_NAME);

    attach_lock = CRYPTO_THREAD_lock_new();
    if (made == NULL || attach_lock == NULL)
        return;
    if (X509_LOOKUP_meth_set_new_item(made, new_item) == 1 &&
        X509_LOOKUP_meth_set_free(made, free_item) == 1 &&
        X509_LOOKUP_meth_set_get_by_subject(made, get_by_subject) == 1)
        method = made;
}

/* The lookup of @store, made if it has none; NULL and recorded. */
static X509_LOOKUP *attach(X509_STORE *store)
{
    X509_LOOKUP *lookup = NULL;

    if (CRYPTO_THREAD_run_once(&once, init_once) == 1 && method != NULL &&
        CRYPTO_THREAD_write_lock(attach_lock) == 1) {
        lookup = X509_STORE_add_lookup(store, method);
        CRYPTO_THREAD_unlock(attach_lock);
    }
    if (lookup == NULL)
        (void)!osl_fail(PYOSSL_E_NOMEM);
    return lookup;
}

pyossl_status osl_directory_attach(X509_STORE *store)
{
    return attach(store) != NULL ? PYOSSL_OK : PYOSSL_E_NOMEM;
}

pyossl_status osl_directory_add(X509_STORE *store, const char *list)
{
    X509_LOOKUP *lookup;
    directories *all;
    bool added;

    if (list[strspn(list, LIST_SEPARATOR)] == '\0') {
        ERR_raise(ERR_LIB_X509, X509_R_INVALID_DIRECTORY);
        return osl_fail(PYOSSL_E_ARGUMENT);
    }
    lookup = attach(store);
    all = lookup != NULL ? X509_LOOKUP_get_method_data(lookup) : NULL;
    if (all == NULL)
        return PYOSSL_E_NOMEM;
    if (CRYPTO_THREAD_write_lock(all->lock) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    added = add_paths(all, list);
    CRYPTO_THREAD_unlock(all->lock);
    return added ? PYOSSL_OK : osl_fail_nomem();
}
