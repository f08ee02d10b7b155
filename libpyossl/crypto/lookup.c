/*
 * What a store trusts besides what it holds: a lookup that OpenSSL calls when a chain needs an
 * issuer or a list.
 *
 * OpenSSL reads a file of trusted certificates as a whole; so what is indexed of one is asked
 * before anything else, and before another certificate of the same subject is added, which would
 * hide it: OpenSSL asks a lookup only where the store itself has nothing of that name. What a chain
 * asked for becomes an object of the store's own, which is made in the library context that the
 * store was made in, and is lent as long as the store lives.
 */
#include "lookup.h"

#include <stdatomic.h>

/* A bundle, and which of its certificates the store has been given. */
typedef struct source {
    osl_bundle *bundle;
    atomic_bool *given;
} source;

struct osl_lookup {
    X509_STORE *store; /* whose lookup this is */
    OSSL_LIB_CTX *home;
    CRYPTO_RWLOCK
    *lock;           /* around the rest, but for directories and URIs; taken before the store's */
    source *sources; /* added to, never taken from */
    size_t count;
    STACK_OF(X509) *certs; /* lent, with references of our own, in the order they were added */
    STACK_OF(X509_CRL) *crls;
    osl_directories *directories;
    osl_directories *uris;
    atomic_bool open;
    void *kept; /* see osl_lookup_keep() */
    void (*kept_free)(void *);
};

static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;
static X509_LOOKUP_METHOD *method;
static CRYPTO_RWLOCK *attach_lock; /* OpenSSL attaches lookups without one */
static int slot = -1;              /* ex_data of a store: its trust, borrowed from the lookup */

static void trust_free(osl_lookup *trust)
{
    if (trust == NULL)
        return;
    for (size_t i = 0; i < trust->count; i++) {
        osl_bundle_unref(trust->sources[i].bundle);
        OPENSSL_free(trust->sources[i].given);
    }
    OPENSSL_free(trust->sources);
    sk_X509_pop_free(trust->certs, X509_free);
    sk_X509_CRL_pop_free(trust->crls, X509_CRL_free);
    osl_directories_free(trust->directories);
    osl_directories_free(trust->uris);
    CRYPTO_THREAD_lock_free(trust->lock);
    if (trust->kept != NULL)
        trust->kept_free(trust->kept);
    OPENSSL_free(trust);
}

OSL_DEFINE_AUTO(osl_lookup, trust_free)

/* ---- what is lent ---- */

/* Under the write lock. */
static bool add_cert(osl_lookup *trust, X509 *x509)
{
    if (X509_STORE_add_cert(trust->store, x509) != 1 || X509_up_ref(x509) != 1)
        return false;
    if (sk_X509_push(trust->certs, x509) > 0)
        return true;
    X509_free(x509);
    return false;
}

bool osl_lookup_take_crl(osl_lookup *trust, X509_CRL *crl)
{
    bool ok;

    if (X509_STORE_add_crl(trust->store, crl) != 1 || X509_CRL_up_ref(crl) != 1)
        return false;
    ok = CRYPTO_THREAD_write_lock(trust->lock) == 1;
    if (ok) {
        ok = sk_X509_CRL_push(trust->crls, crl) > 0;
        CRYPTO_THREAD_unlock(trust->lock);
    }
    if (!ok)
        X509_CRL_free(crl);
    return ok;
}

/* OpenSSL takes a reference of its own of what is lent, so the object's must go again. */
static bool lend_cert(const STACK_OF(X509) *certs, const X509_NAME *name, X509_OBJECT *result)
{
    for (int i = 0; i < sk_X509_num(certs); i++) {
        X509 *x509 = sk_X509_value(certs, i);

        if (X509_NAME_cmp(X509_get_subject_name(x509), name) != 0)
            continue;
        if (X509_OBJECT_set1_X509(result, x509) != 1)
            return false;
        X509_free(x509);
        return true;
    }
    return false;
}

static bool lend_crl(const STACK_OF(X509_CRL) *crls, const X509_NAME *name, X509_OBJECT *result)
{
    for (int i = 0; i < sk_X509_CRL_num(crls); i++) {
        X509_CRL *crl = sk_X509_CRL_value(crls, i);

        if (X509_NAME_cmp(X509_CRL_get_issuer(crl), name) != 0)
            continue;
        if (X509_OBJECT_set1_X509_CRL(result, crl) != 1)
            return false;
        X509_CRL_free(crl);
        return true;
    }
    return false;
}

bool osl_lookup_lend(osl_lookup *trust, X509_LOOKUP_TYPE type, const X509_NAME *name,
                     X509_OBJECT *result)
{
    bool found;

    if (CRYPTO_THREAD_read_lock(trust->lock) != 1)
        return false;
    found = type == X509_LU_CRL ? lend_crl(trust->crls, name, result)
                                : lend_cert(trust->certs, name, result);
    CRYPTO_THREAD_unlock(trust->lock);
    return found;
}

/* ---- bundles ---- */

/* Source @index, or how many there are; false where there is none. */
static bool source_at(osl_lookup *trust, size_t index, source *out)
{
    bool there;

    if (CRYPTO_THREAD_read_lock(trust->lock) != 1)
        return false;
    there = index < trust->count;
    if (there)
        *out = trust->sources[index];
    CRYPTO_THREAD_unlock(trust->lock);
    return there;
}

static bool hand_over(osl_lookup *trust, const source *from, size_t index)
{
    osl_auto(X509) *x509 = NULL;
    bool ok = true;

    if (atomic_load_explicit(&from->given[index], memory_order_acquire))
        return true;
    x509 = osl_bundle_parse(from->bundle, index, trust->home);
    if (x509 == NULL || CRYPTO_THREAD_write_lock(trust->lock) != 1)
        return false;
    /* Another thread may have been faster, and two objects of one certificate would be one too
     * many. */
    if (!atomic_load_explicit(&from->given[index], memory_order_relaxed))
        ok = add_cert(trust, x509);
    if (ok)
        atomic_store_explicit(&from->given[index], true, memory_order_release);
    CRYPTO_THREAD_unlock(trust->lock);
    return ok;
}

/* Give the store those of @from that are called @subject, or all for NULL. */
static bool pull(osl_lookup *trust, const source *from, const X509_NAME *subject)
{
    const size_t count = osl_bundle_count(from->bundle);

    for (size_t i = 0; i < count; i++) {
        const X509_NAME *name = subject != NULL ? osl_bundle_subject(from->bundle, i) : NULL;

        if (subject != NULL && name == NULL)
            return false;
        if ((subject == NULL || X509_NAME_cmp(name, subject) == 0) && !hand_over(trust, from, i))
            return false;
    }
    return true;
}

/* From all of them; how many these were. */
static bool pull_all(osl_lookup *trust, const X509_NAME *subject, size_t *count)
{
    source from;

    for (*count = 0; source_at(trust, *count, &from); (*count)++)
        if (!pull(trust, &from, subject))
            return false;
    return true;
}

bool osl_lookup_take_cert(osl_lookup *trust, X509 *x509)
{
    const X509_NAME *subject = X509_get_subject_name(x509);
    size_t count;
    bool ok;

    /* A bundle may come while this looks at those before it. */
    for (;;) {
        if (!pull_all(trust, subject, &count) || CRYPTO_THREAD_write_lock(trust->lock) != 1)
            return false;
        if (count == trust->count)
            break;
        CRYPTO_THREAD_unlock(trust->lock);
    }
    ok = add_cert(trust, x509);
    CRYPTO_THREAD_unlock(trust->lock);
    return ok;
}

/* ---- what OpenSSL calls ---- */

static bool find(osl_lookup *trust, X509_LOOKUP_TYPE type, const X509_NAME *name,
                 X509_OBJECT *result)
{
    const char *uri;
    size_t count;

    if (type == X509_LU_X509 && !pull_all(trust, name, &count))
        return false;
    if (type == X509_LU_X509 && osl_lookup_lend(trust, type, name, result))
        return true;
    if (osl_directories_find(trust->directories, trust, trust->home, type, name, result))
        return true;
    for (size_t i = 0; (uri = osl_directories_at(trust->uris, i)) != NULL; i++)
        if (osl_uri_find(uri, trust, type, name, result))
            return true;
    return false;
}

static int get_by_subject(X509_LOOKUP *lookup, X509_LOOKUP_TYPE type, const X509_NAME *name,
                          X509_OBJECT *result)
{
    osl_lookup *trust = X509_LOOKUP_get_method_data(lookup);
    bool found;

    if (trust == NULL || name == NULL || (type != X509_LU_X509 && type != X509_LU_CRL))
        return 0;
    /* What goes wrong only means that there is nothing. */
    ERR_set_mark();
    found = find(trust, type, name, result);
    ERR_pop_to_mark();
    return found;
}

static int new_item(X509_LOOKUP *lookup)
{
    osl_auto(osl_lookup) *trust = osl_new(osl_lookup);

    if (trust == NULL)
        return 0;
    trust->lock = CRYPTO_THREAD_lock_new();
    trust->certs = sk_X509_new_null();
    trust->crls = sk_X509_CRL_new_null();
    trust->directories = osl_directories_new();
    trust->uris = osl_directories_new();
    trust->home = osl_libctx();
    if (trust->lock == NULL || trust->certs == NULL || trust->crls == NULL ||
        trust->directories == NULL || trust->uris == NULL ||
        X509_LOOKUP_set_method_data(lookup, trust) != 1)
        return 0;
    (void)osl_steal(trust);
    return 1;
}

static void free_item(X509_LOOKUP *lookup)
{
    trust_free(X509_LOOKUP_get_method_data(lookup));
}

static void init_once(void)
{
    OSL_IN_USUAL_LIBCTX(usual);
    X509_LOOKUP_METHOD *made = X509_LOOKUP_meth_new("trust of " OSL_LIBRARY_NAME);

    attach_lock = CRYPTO_THREAD_lock_new();
    if (usual)
        slot = X509_STORE_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    if (made == NULL || attach_lock == NULL || slot < 0)
        return;
    if (X509_LOOKUP_meth_set_new_item(made, new_item) == 1 &&
        X509_LOOKUP_meth_set_free(made, free_item) == 1 &&
        X509_LOOKUP_meth_set_get_by_subject(made, get_by_subject) == 1)
        method = made;
}

/* ---- stores ---- */

/* The trust of @store; NULL if it has none. */
static osl_lookup *known(const X509_STORE *store)
{
    return slot >= 0 ? X509_STORE_get_ex_data(store, slot) : NULL;
}

static osl_lookup *attach_locked(X509_STORE *store)
{
    osl_lookup *trust = known(store);
    X509_LOOKUP *lookup;

    if (trust != NULL)
        return trust;
    lookup = X509_STORE_add_lookup(store, method);
    trust = lookup != NULL ? X509_LOOKUP_get_method_data(lookup) : NULL;
    if (trust == NULL || X509_STORE_set_ex_data(store, slot, trust) != 1)
        return NULL;
    trust->store = store;
    return trust;
}

/* The trust of @store, made if it has none; NULL and recorded. */
static osl_lookup *attach(X509_STORE *store)
{
    osl_lookup *trust = NULL;

    if (CRYPTO_THREAD_run_once(&once, init_once) == 1 && method != NULL &&
        CRYPTO_THREAD_write_lock(attach_lock) == 1) {
        trust = attach_locked(store);
        CRYPTO_THREAD_unlock(attach_lock);
    }
    if (trust == NULL)
        (void)!osl_fail(PYOSSL_E_NOMEM);
    return trust;
}

pyossl_status osl_lookup_attach(X509_STORE *store)
{
    return attach(store) != NULL ? PYOSSL_OK : PYOSSL_E_NOMEM;
}

bool osl_lookup_keep(X509_STORE *store, void *kept, void (*kept_free)(void *))
{
    osl_lookup *trust = known(store);

    if (trust == NULL)
        return false;
    trust->kept = kept;
    trust->kept_free = kept_free;
    return true;
}

void *osl_lookup_kept(const X509_STORE *store)
{
    const osl_lookup *trust = known(store);

    return trust != NULL ? trust->kept : NULL;
}

OSSL_LIB_CTX *osl_lookup_home(X509_STORE *store)
{
    const osl_lookup *trust = known(store);

    return trust != NULL ? trust->home : NULL;
}

/* Under the write lock. Takes @bundle's reference over where that is added, and not there already.
 */
static bool add_source(osl_lookup *trust, osl_bundle *bundle, bool *added)
{
    source *sources;
    atomic_bool *given;

    *added = false;
    for (size_t i = 0; i < trust->count; i++)
        if (trust->sources[i].bundle == bundle)
            return true;
    sources = OPENSSL_realloc(trust->sources, (trust->count + 1) * sizeof *sources);
    if (sources == NULL)
        return false;
    trust->sources = sources;
    given = OPENSSL_zalloc(osl_bundle_count(bundle) * sizeof *given);
    if (given == NULL)
        return false;
    sources[trust->count++] = (source){ bundle, given };
    *added = true;
    return true;
}

/* What the store holds may be hiding what source @index, a new one, has of the same subject. */
static bool settle_present(osl_lookup *trust, size_t index)
{
    STACK_OF(X509) *present = osl_store_get1_certs(trust->store);
    bool ok = present != NULL;
    source from;

    for (int i = 0; ok && i < sk_X509_num(present) && source_at(trust, index, &from); i++)
        ok = pull(trust, &from, X509_get_subject_name(sk_X509_value(present, i)));
    sk_X509_pop_free(present, X509_free);
    return ok;
}

pyossl_status osl_lookup_add_bundle(X509_STORE *store, osl_bundle *bundle)
{
    osl_lookup *trust = attach(store);
    bool added = false, ok;
    size_t index;

    if (trust == NULL)
        return PYOSSL_E_NOMEM;
    if (!osl_bundle_ref(bundle))
        return osl_fail(PYOSSL_E_OPENSSL);
    if (CRYPTO_THREAD_write_lock(trust->lock) != 1) {
        osl_bundle_unref(bundle);
        return osl_fail(PYOSSL_E_OPENSSL);
    }
    index = trust->count;
    ok = add_source(trust, bundle, &added);
    CRYPTO_THREAD_unlock(trust->lock);
    if (!added)
        osl_bundle_unref(bundle);
    if (!ok)
        return osl_fail_nomem();
    return !added || settle_present(trust, index) ? PYOSSL_OK : osl_fail(PYOSSL_E_NOMEM);
}

pyossl_status osl_lookup_add_directories(X509_STORE *store, const char *list)
{
    osl_lookup *trust = attach(store);

    if (trust == NULL)
        return PYOSSL_E_NOMEM;
    return osl_directories_add_list(trust->directories, list) ? PYOSSL_OK : osl_fail_nomem();
}

pyossl_status osl_lookup_add_uri(X509_STORE *store, const char *uri)
{
    osl_lookup *trust = attach(store);
    bool counts = false;

    if (trust == NULL)
        return PYOSSL_E_NOMEM;
    OSL_TRY(osl_uri_by_default(&counts));
    if (!counts)
        return PYOSSL_OK;
    return osl_directories_add(trust->uris, uri, strlen(uri)) ? PYOSSL_OK : osl_fail_nomem();
}

bool osl_lookup_add_cert(X509_STORE *store, X509 *x509)
{
    osl_lookup *trust = known(store);

    return trust != NULL ? osl_lookup_take_cert(trust, x509)
                         : X509_STORE_add_cert(store, x509) == 1;
}

bool osl_lookup_settle(X509_STORE *store)
{
    osl_lookup *trust = known(store);
    size_t count;

    return trust == NULL || pull_all(trust, NULL, &count);
}

bool osl_lookup_open(X509_STORE *store)
{
    osl_lookup *trust = known(store);

    if (trust != NULL)
        atomic_store_explicit(&trust->open, true, memory_order_relaxed);
    return osl_lookup_settle(store);
}

bool osl_lookup_is_open(X509_STORE *store)
{
    const osl_lookup *trust = known(store);

    return trust != NULL && atomic_load_explicit(&trust->open, memory_order_relaxed);
}
