/* Stores and their bundles: a lookup that OpenSSL calls when a chain needs an issuer. */
#include "bundle.h"

typedef struct bundles {
    CRYPTO_RWLOCK *lock;
    osl_bundle **items;
    size_t count;
} bundles;

static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;
static X509_LOOKUP_METHOD *method;
static CRYPTO_RWLOCK *attach_lock; /* OpenSSL attaches lookups without one */
static int store_slot = -1;        /* ex_data of a store: its bundles, borrowed from the lookup */

/* Bundle @index, borrowed: they are added to, and stay as long as the store. */
static osl_bundle *bundle_at(bundles *all, size_t index)
{
    osl_bundle *bundle = NULL;

    if (CRYPTO_THREAD_read_lock(all->lock) != 1)
        return NULL;
    if (index < all->count)
        bundle = all->items[index];
    CRYPTO_THREAD_unlock(all->lock);
    return bundle;
}

/* True if it was added, and not there already. */
static bool add(bundles *all, osl_bundle *bundle, bool *failed)
{
    osl_bundle **items;

    for (size_t i = 0; i < all->count; i++)
        if (all->items[i] == bundle)
            return false;
    items = OPENSSL_realloc(all->items, (all->count + 1) * sizeof *items);
    if (items == NULL) {
        *failed = true;
        return false;
    }
    all->items = items;
    all->items[all->count++] = bundle;
    return true;
}

static bool pull(bundles *all, X509_STORE *store, const X509_NAME *subject)
{
    osl_bundle *bundle;

    for (size_t i = 0; (bundle = bundle_at(all, i)) != NULL; i++)
        if (!osl_bundle_pull(bundle, store, subject))
            return false;
    return true;
}

/* ---- what OpenSSL calls ---- */

static int get_by_subject(X509_LOOKUP *lookup, X509_LOOKUP_TYPE type, const X509_NAME *name,
                          X509_OBJECT *result)
{
    bundles *all = X509_LOOKUP_get_method_data(lookup);
    X509_STORE *store = X509_LOOKUP_get_store(lookup);

    int found;

    if (all == NULL || name == NULL || type != X509_LU_X509 || bundle_at(all, 0) == NULL)
        return 0;
    ERR_set_mark();
    found = pull(all, store, name) && osl_store_find(store, type, name, result);
    ERR_pop_to_mark();
    return found;
}

static int new_item(X509_LOOKUP *lookup)
{
    bundles *all = osl_new(bundles);

    if (all == NULL)
        return 0;
    all->lock = CRYPTO_THREAD_lock_new();
    if (all->lock != NULL && X509_LOOKUP_set_method_data(lookup, all) == 1)
        return 1;
    CRYPTO_THREAD_lock_free(all->lock);
    OPENSSL_free(all);
    return 0;
}

static void free_item(X509_LOOKUP *lookup)
{
    bundles *all = X509_LOOKUP_get_method_data(lookup);

    if (all == NULL)
        return;
    for (size_t i = 0; i < all->count; i++)
        osl_bundle_unref(all->items[i]);
    OPENSSL_free(all->items);
    CRYPTO_THREAD_lock_free(all->lock);
    OPENSSL_free(all);
}

static void init_once(void)
{
    X509_LOOKUP_METHOD *made = X509_LOOKUP_meth_new("bundles of " OSL_LIBRARY_NAME);

    attach_lock = CRYPTO_THREAD_lock_new();
    store_slot = X509_STORE_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    if (made == NULL || attach_lock == NULL || store_slot < 0)
        return;
    if (X509_LOOKUP_meth_set_new_item(made, new_item) == 1 &&
        X509_LOOKUP_meth_set_free(made, free_item) == 1 &&
        X509_LOOKUP_meth_set_get_by_subject(made, get_by_subject) == 1)
        method = made;
}

/* ---- stores ---- */

/* The bundles of @store; NULL if it has none. */
static bundles *bundles_of(const X509_STORE *store)
{
    return store_slot >= 0 ? X509_STORE_get_ex_data(store, store_slot) : NULL;
}

static bundles *attach(X509_STORE *store)
{
    bundles *all = NULL;
    X509_LOOKUP *lookup;

    if (CRYPTO_THREAD_run_once(&once, init_once) != 1 || method == NULL ||
        CRYPTO_THREAD_write_lock(attach_lock) != 1)
        return NULL;
    all = bundles_of(store);
    if (all == NULL && (lookup = X509_STORE_add_lookup(store, method)) != NULL) {
        all = X509_LOOKUP_get_method_data(lookup);
        if (all != NULL && X509_STORE_set_ex_data(store, store_slot, all) != 1)
            all = NULL;
    }
    CRYPTO_THREAD_unlock(attach_lock);
    return all;
}

/* What @store holds may have hidden what the new bundle has of the same subject. */
static bool settle_present(X509_STORE *store, osl_bundle *bundle)
{
    STACK_OF(X509) *present = osl_store_get1_certs(store);
    bool ok = present != NULL;

    for (int i = 0; ok && i < sk_X509_num(present); i++)
        ok = osl_bundle_pull(bundle, store, X509_get_subject_name(sk_X509_value(present, i)));
    sk_X509_pop_free(present, X509_free);
    return ok;
}

pyossl_status osl_bundle_attach(X509_STORE *store, osl_bundle *bundle)
{
    bundles *all = attach(store);
    bool added, failed = false;

    if (all == NULL)
        return osl_fail_nomem();
    if (!settle_present(store, bundle))
        return osl_fail(PYOSSL_E_NOMEM);
    if (!osl_bundle_ref(bundle))
        return osl_fail(PYOSSL_E_OPENSSL);
    if (CRYPTO_THREAD_write_lock(all->lock) != 1) {
        osl_bundle_unref(bundle);
        return osl_fail(PYOSSL_E_OPENSSL);
    }
    added = add(all, bundle, &failed);
    CRYPTO_THREAD_unlock(all->lock);
    if (!added)
        osl_bundle_unref(bundle);
    return failed ? osl_fail_nomem() : PYOSSL_OK;
}

bool osl_bundle_settle(X509_STORE *store, const X509_NAME *subject)
{
    bundles *all = bundles_of(store);

    return all == NULL || pull(all, store, subject);
}

bool osl_bundle_settle_all(X509_STORE *store)
{
    bundles *all = bundles_of(store);
    osl_bundle *bundle;

    for (size_t i = 0; all != NULL && (bundle = bundle_at(all, i)) != NULL; i++)
        if (!osl_bundle_pull_all(bundle, store))
            return false;
    return true;
}
