/*
 * Directories of certificates and revocation lists, named by hash.
 *
 * OpenSSL has such a lookup, but adding a directory to it is not safe while
 * another thread judges a chain, and it leaves its files open to children. This
 * one may be added to at any time, and keeps each directory once however often it
 * is named. What it reads of a file, and where it stops, is what OpenSSL does.
 */
#include "lookup.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

/* Up to where the revocation lists of one issuer have been read from one directory. */
typedef struct crl_mark {
    size_t dir;
    unsigned long hash;
    unsigned next;
} crl_mark;

struct osl_directories {
    CRYPTO_RWLOCK *lock;
    char **paths; /* added to, never taken from: a path once seen stays */
    size_t path_count;
    crl_mark *marks;
    size_t mark_count;
};

void osl_directories_free(osl_directories *all)
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

osl_directories *osl_directories_new(void)
{
    osl_directories *all = osl_new(osl_directories);

    if (all == NULL)
        return NULL;
    all->lock = CRYPTO_THREAD_lock_new();
    if (all->lock != NULL)
        return all;
    OPENSSL_free(all);
    return NULL;
}

/* @array with room for one more; NULL if there is none. Grows by doubling, at powers of two. */
static void *grown(void *array, size_t count, size_t size)
{
    if (count != 0 && (count & (count - 1)) != 0)
        return array;
    if (count > SIZE_MAX / 2 / size)
        return NULL;
    return OPENSSL_realloc(array, (count == 0 ? 1 : count * 2) * size);
}

const char *osl_directories_at(osl_directories *all, size_t index)
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
static bool add_path(osl_directories *all, const char *path, size_t len)
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

bool osl_directories_add(osl_directories *all, const char *path, size_t len)
{
    bool ok;

    if (CRYPTO_THREAD_write_lock(all->lock) != 1)
        return false;
    ok = add_path(all, path, len);
    CRYPTO_THREAD_unlock(all->lock);
    return ok;
}

/* As OpenSSL and its SSL_CERT_DIR have it; what is empty is none. */
bool osl_directories_add_list(osl_directories *all, const char *list)
{
    bool ok = true;

    for (size_t len; ok && *list != '\0'; list += len) {
        len = strcspn(list, OSL_LIST_SEPARATOR);
        if (len > 0)
            ok = osl_directories_add(all, list, len);
        if (list[len] != '\0')
            len++;
    }
    return ok;
}

/* Under either lock; NULL where nothing has been read yet. */
static crl_mark *find_mark(const osl_directories *all, size_t dir, unsigned long hash)
{
    for (size_t i = 0; i < all->mark_count; i++) {
        if (all->marks[i].dir == dir && all->marks[i].hash == hash)
            return &all->marks[i];
    }
    return NULL;
}

static unsigned first_unread(osl_directories *all, size_t dir, unsigned long hash)
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
static void remember_read(osl_directories *all, size_t dir, unsigned long hash, unsigned next)
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

/* ---- files ---- */

typedef enum entry { ENTRY_GOOD, ENTRY_BAD, ENTRY_NONE } entry;

/*
 * Whether numbering goes on behind an entry that is no good, as a link to nothing: releases from
 * the middle of 2026 on do so (3.5.9 does), older ones end there (3.0.19 does).
 */
static bool passes_bad_entries(void)
{
    static const unsigned long since[] = { 0x30000160UL, 0x30500080UL, 0x30600040UL, 0x40000020UL };
    const unsigned long number = OpenSSL_version_num(), series = 0xfff00000UL;

    for (size_t i = 0; i < OSL_COUNT_OF(since); i++)
        if ((number & series) == (since[i] & series))
            return number >= since[i];
    return number >= 0x40000000UL;
}

/* What is not there because there is no memory or no descriptor left may be there next time. */
static entry unreadable(const char *path, int number)
{
    struct stat status;

    if (number == EMFILE || number == ENFILE || number == ENOMEM)
        return ENTRY_NONE;
    return lstat(path, &status) == 0 ? ENTRY_BAD : ENTRY_NONE;
}

/* After a failed read behind @added that were good. */
static entry entry_ends(size_t added)
{
    const unsigned long code = ERR_peek_last_error();
    const bool at_end =
        ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;

    if (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE)
        return ENTRY_NONE;
    return added > 0 && at_end ? ENTRY_GOOD : ENTRY_BAD;
}

/*
 * Add the certificates of a file. One after the other, as OpenSSL does: what stands before a bad
 * one counts, but the file does not.
 */
static entry read_certs(osl_lookup *trust, BIO *bio, OSSL_LIB_CTX *home)
{
    for (size_t added = 0;; added++) {
        X509 *x509 = X509_new_ex(home, NULL);
        bool ok;

        if (x509 == NULL)
            return ENTRY_NONE;
        if (PEM_read_bio_X509_AUX(bio, &x509, osl_no_passphrase, NULL) == NULL) {
            X509_free(x509);
            return entry_ends(added);
        }
        ok = osl_lookup_take_cert(trust, x509);
        X509_free(x509);
        if (!ok)
            return ENTRY_NONE;
    }
}

static entry read_crls(osl_lookup *trust, BIO *bio)
{
    for (size_t added = 0;; added++) {
        X509_CRL *crl = PEM_read_bio_X509_CRL(bio, NULL, osl_no_passphrase, NULL);
        bool ok;

        if (crl == NULL)
            return entry_ends(added);
        ok = osl_lookup_take_crl(trust, crl);
        X509_CRL_free(crl);
        if (!ok)
            return ENTRY_NONE;
    }
}

/* Certificates or lists: lists are often fetched from elsewhere, and must not bring certificates.
 */
static entry read_one(osl_lookup *trust, const char *path, bool is_crl, OSSL_LIB_CTX *home)
{
    osl_auto_buf text = PYOSSL_BUF_INIT;
    osl_auto(BIO) *bio = NULL;
    pyossl_status status;

    if (!osl_file_readable(path))
        return unreadable(path, errno);
    status = osl_file_read(path, OSL_FILE_MAX, &text);
    if (status != PYOSSL_OK)
        return status == PYOSSL_E_NOMEM ? ENTRY_NONE : ENTRY_BAD;
    bio = osl_text_bio(text.data, text.len);
    if (bio == NULL)
        return ENTRY_NONE;
    return is_crl ? read_crls(trust, bio) : read_certs(trust, bio, home);
}

/*
 * Read DIR/HASH.0, DIR/HASH.1 and so on (HASH.r0 for lists) from number @next up to the first that
 * is not there, or not good where that ends it. Returns that number.
 */
static unsigned read_numbered(osl_lookup *trust, const char *dir, unsigned long hash, bool is_crl,
                              OSSL_LIB_CTX *home, unsigned next)
{
    size_t room = strlen(dir) + 32;
    char *path = OPENSSL_malloc(room);

    for (; path != NULL; next++) {
        entry found;

        snprintf(path, room, "%s/%08lx.%s%u", dir, hash, is_crl ? "r" : "", next);
        found = read_one(trust, path, is_crl, home);
        if (found == ENTRY_NONE || (found == ENTRY_BAD && !passes_bad_entries()))
            break;
    }
    OPENSSL_free(path);
    return next;
}

bool osl_directories_find(osl_directories *all, osl_lookup *trust, OSSL_LIB_CTX *home,
                          X509_LOOKUP_TYPE type, const X509_NAME *name, X509_OBJECT *result)
{
    const bool is_crl = type == X509_LU_CRL;
    const char *path;
    unsigned long hash;
    int hashed = 0;

    if (osl_directories_at(all, 0) == NULL)
        return false;
    hash = X509_NAME_hash_ex(name, NULL, NULL, &hashed);
    if (hashed != 1)
        return false;
    for (size_t dir = 0; (path = osl_directories_at(all, dir)) != NULL; dir++) {
        unsigned next = is_crl ? first_unread(all, dir, hash) : 0;

        next = read_numbered(trust, path, hash, is_crl, home, next);
        /* Only what is there: names that were made up must not fill the memory. */
        if (is_crl && next > 0)
            remember_read(all, dir, hash, next);
        if (osl_lookup_lend(trust, type, name, result))
            return true;
    }
    return false;
}
