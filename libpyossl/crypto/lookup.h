/* What a store trusts besides what it holds: see lookup.c. */
#ifndef OSL_LOOKUP_H
#define OSL_LOOKUP_H

#include "bundle.h"

typedef struct osl_lookup osl_lookup;

/* ---- of a store; may be called at any time, from any thread ---- */

/* Make @store ready for what follows: best while no chain is judged by it yet. */
pyossl_status osl_lookup_attach(X509_STORE *store) PYOSSL_MUST_CHECK;
/* Have @store, which is ready and nobody else's yet, keep @kept, and release it at its end. */
bool osl_lookup_keep(X509_STORE *store, void *kept, void (*kept_free)(void *)) PYOSSL_MUST_CHECK;
void *osl_lookup_kept(const X509_STORE *store); /* NULL for a store that is not ours */
/* Ask @bundle when a chain asks. Takes a reference of its own. */
pyossl_status osl_lookup_add_bundle(X509_STORE *store, osl_bundle *bundle) PYOSSL_MUST_CHECK;
/* Look into directories, ":" between them, when a chain asks. */
pyossl_status osl_lookup_add_directories(X509_STORE *store, const char *list) PYOSSL_MUST_CHECK;
/*
 * Look into the store that OpenSSL calls @uri, a default directory, behind all directories when a
 * chain asks. Nothing where OpenSSL does not do so, or it cannot be opened now.
 */
pyossl_status osl_lookup_add_uri(X509_STORE *store, const char *uri) PYOSSL_MUST_CHECK;
/*
 * Add @x509 to what @store holds, behind those of its subject that its bundles have and that were
 * named before. False, with OpenSSL's queue telling why.
 */
bool osl_lookup_add_cert(X509_STORE *store, X509 *x509) PYOSSL_MUST_CHECK;
/* Have everything in @store that its bundles hold. False without memory. */
bool osl_lookup_settle(X509_STORE *store) PYOSSL_MUST_CHECK;
/* The same before the program gets @store itself; from here on files are loaded as a whole. */
bool osl_lookup_open(X509_STORE *store) PYOSSL_MUST_CHECK;
bool osl_lookup_is_open(X509_STORE *store);
/* The library context that objects of @store are made in. */
OSSL_LIB_CTX *osl_lookup_home(X509_STORE *store);

/* ---- for what is found while a chain is judged ---- */

/* Have @trust's store hold @x509 or @crl, and lend it to whoever asks. False where it cannot. */
bool osl_lookup_take_cert(osl_lookup *trust, X509 *x509) PYOSSL_MUST_CHECK;
bool osl_lookup_take_crl(osl_lookup *trust, X509_CRL *crl) PYOSSL_MUST_CHECK;
/* Whether there is one to lend that is called @name, which @result then borrows. */
bool osl_lookup_lend(osl_lookup *trust, X509_LOOKUP_TYPE type, const X509_NAME *name,
                    X509_OBJECT *result);

/* ---- directory.c ---- */

#if defined(_WIN32)
#define OSL_LIST_SEPARATOR ";"
#else
#define OSL_LIST_SEPARATOR ":"
#endif

typedef struct osl_directories osl_directories;

osl_directories *osl_directories_new(void);
void osl_directories_free(osl_directories *all); /* NULL is allowed */
/* Each of a list of them, or one as it is. False without memory. */
bool osl_directories_add_list(osl_directories *all, const char *list) PYOSSL_MUST_CHECK;
bool osl_directories_add(osl_directories *all, const char *path, size_t len) PYOSSL_MUST_CHECK;
/* Path number @index, borrowed: they are added to, and stay. NULL past the last. */
const char *osl_directories_at(osl_directories *all, size_t index);
/* As osl_lookup_lend(), once the files named after @name's hash were read, directory by directory. */
bool osl_directories_find(osl_directories *all, osl_lookup *trust, OSSL_LIB_CTX *home,
                          X509_LOOKUP_TYPE type, const X509_NAME *name, X509_OBJECT *result);

/* ---- lookup_uri.c ---- */

/* Whether OpenSSL reads its default directory, which can be opened, as a store with a URI too. */
pyossl_status osl_uri_by_default(bool *out) PYOSSL_MUST_CHECK;

/* As osl_lookup_lend(), once the store called @uri was asked. */
bool osl_uri_find(const char *uri, osl_lookup *trust, X509_LOOKUP_TYPE type, const X509_NAME *name,
                  X509_OBJECT *result);

#endif
