/*
 * Stores that OpenSSL reads by their URI.
 *
 * OpenSSL's default paths are a file, directories, and before 3.4 this: the directory over again,
 * in which certificates in DER count too, and numbers may be left out. It has a lookup of its own
 * for that (X509_LOOKUP_store()), but to add to that is not safe while another thread judges a
 * chain.
 */
#include "lookup.h"

#include <sys/stat.h>

#include <openssl/store.h>

static bool take(osl_lookup *trust, const OSSL_STORE_INFO *info)
{
    switch (OSSL_STORE_INFO_get_type(info)) {
    case OSSL_STORE_INFO_CERT:
        return osl_lookup_take_cert(trust, OSSL_STORE_INFO_get0_CERT(info));
    case OSSL_STORE_INFO_CRL:
        return osl_lookup_take_crl(trust, OSSL_STORE_INFO_get0_CRL(info));
    default:
        return false;
    }
}

/* A pipe or a device, which OpenSSL would open and wait for. */
static bool is_no_file(const char *uri)
{
    struct stat status;

    return stat(uri, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
}

/* What @uri holds; of a directory, of the names that fit. False where the last of it was no use. */
static bool read_uri(osl_lookup *trust, const char *uri, const OSSL_STORE_SEARCH *search, int depth)
{
    OSSL_STORE_CTX *ctx = is_no_file(uri) ? NULL : OSSL_STORE_open(uri, NULL, NULL, NULL, NULL);
    OSSL_STORE_INFO *info;
    bool ok = false;

    if (ctx == NULL)
        return false;
    if (search != NULL)
        (void)!OSSL_STORE_find(ctx, search); /* a file is none to search in */
    while ((info = OSSL_STORE_load(ctx)) != NULL) {
        if (OSSL_STORE_INFO_get_type(info) != OSSL_STORE_INFO_NAME)
            ok = take(trust, info);
        else
            ok = depth > 0 && read_uri(trust, OSSL_STORE_INFO_get0_NAME(info), search, depth - 1);
        OSSL_STORE_INFO_free(info);
        if (!ok)
            break;
    }
    OSSL_STORE_close(ctx);
    return ok;
}

bool osl_uri_find(const char *uri, osl_lookup *trust, X509_LOOKUP_TYPE type, const X509_NAME *name,
                  X509_OBJECT *result)
{
    OSSL_STORE_SEARCH *search = OSSL_STORE_SEARCH_by_name((X509_NAME *)name);
    const bool ok = search != NULL && read_uri(trust, uri, search, 1);

    OSSL_STORE_SEARCH_free(search);
    return ok && osl_lookup_lend(trust, type, name, result);
}

/* Asked rather than told by OpenSSL's number: a lookup that was given no URI takes one or does not.
 */
pyossl_status osl_uri_by_default(bool *out)
{
    osl_auto(X509_STORE) *scratch = X509_STORE_new();
    X509_LOOKUP *lookup =
        scratch != NULL ? X509_STORE_add_lookup(scratch, X509_LOOKUP_store()) : NULL;

    if (lookup == NULL)
        return osl_fail(PYOSSL_E_NOMEM);
    ERR_set_mark();
    *out = X509_LOOKUP_add_store(lookup, NULL) == 1 && X509_LOOKUP_get_method_data(lookup) != NULL;
    ERR_pop_to_mark();
    return PYOSSL_OK;
}
