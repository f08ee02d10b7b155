/* Stores and files of trusted certificates, in a folder of the test's own. */
#ifndef BUNDLES_H
#define BUNDLES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/lookup.h"

#define AUTHORITIES TEST_DATA "/authorities.pem"

static char folder[] = "/tmp/pyossl-bundle-XXXXXX";

static inline char *in_folder(const char *name)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static inline void read_data(const char *path, pyossl_buf *out)
{
    assert_int_equal(osl_file_read(path, OSL_FILE_MAX, out), PYOSSL_OK);
}

static inline void write_file(const char *path, const void *data, size_t len)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

/* Files changed this moment are not indexed: wait until they are not. */
static inline void wait_until_settled(const char *path)
{
    osl_bundle *bundle = NULL;

    for (int i = 0; i < 50 && bundle == NULL; i++) {
        usleep(100 * 1000);
        bundle = osl_bundle_open(path);
    }
    assert_non_null(bundle);
    osl_bundle_unref(bundle);
}

static inline int count_objects(X509_STORE *store)
{
    STACK_OF(X509_OBJECT) *objects = osl_store_open(store);
    const int count = sk_X509_OBJECT_num(objects);

    osl_store_close(store, objects);
    return count;
}

static inline pyossl_store *store_with(const char *path)
{
    pyossl_store *store = NULL;

    assert_int_equal(pyossl_store_new(&store), PYOSSL_OK);
    assert_int_equal(pyossl_store_load_locations(store, path, NULL), PYOSSL_OK);
    assert_int_equal(ERR_peek_error(), 0);
    return store;
}

static inline size_t count_in(const pyossl_store *store)
{
    pyossl_x509_list certs = PYOSSL_X509_LIST_INIT;
    size_t count;

    assert_int_equal(pyossl_store_certs(store, &certs), PYOSSL_OK);
    count = certs.count;
    pyossl_x509_list_clear(&certs);
    return count;
}

#endif
