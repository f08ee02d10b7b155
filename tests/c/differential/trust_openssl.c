/*
 * What OpenSSL makes of files and directories, by OpenSSL's own functions alone: a program that
 * reads orders, one a line, and answers each by a line. test_same_trust.c sends the same to the
 * library.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

static X509_STORE *store;

static X509 *read_cert(const char *path)
{
    BIO *bio = BIO_new_file(path, "r");
    X509 *x509 = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

    BIO_free(bio);
    return x509;
}

static int add(const char *path)
{
    X509 *x509 = read_cert(path);
    const int added = X509_STORE_add_cert(store, x509);

    X509_free(x509);
    return added;
}

static int set_defaults(const char *file, const char *dir)
{
    return setenv("SSL_CERT_FILE", file, 1) == 0 && setenv("SSL_CERT_DIR", dir, 1) == 0 &&
           X509_STORE_set_default_paths(store) == 1;
}

/* The error, 0 for none; paths of helpers, "-" for none. */
static int verify(const char *leaf, const char *helper, const char *other)
{
    STACK_OF(X509) *helpers = sk_X509_new_null();
    X509 *x509 = read_cert(leaf);
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    int error = -1;

    if (strcmp(helper, "-") != 0)
        sk_X509_push(helpers, read_cert(helper));
    if (strcmp(other, "-") != 0)
        sk_X509_push(helpers, read_cert(other));
    if (X509_STORE_CTX_init(ctx, store, x509, sk_X509_num(helpers) > 0 ? helpers : NULL) == 1)
        error = X509_verify_cert(ctx) == 1 ? 0 : X509_STORE_CTX_get_error(ctx);
    X509_STORE_CTX_free(ctx);
    X509_free(x509);
    sk_X509_pop_free(helpers, X509_free);
    return error;
}

static int obey(const char *const words[4])
{
    const char *what = words[0];

    if (strcmp(what, "new") == 0) {
        X509_STORE_free(store);
        store = X509_STORE_new();
        return store != NULL;
    }
    if (strcmp(what, "file") == 0)
        return X509_STORE_load_locations(store, words[1], NULL);
    if (strcmp(what, "dir") == 0)
        return X509_STORE_load_locations(store, NULL, words[1]);
    if (strcmp(what, "both") == 0)
        return X509_STORE_load_locations(store, words[1], words[2]);
    if (strcmp(what, "default") == 0)
        return set_defaults(words[1], words[2]);
    if (strcmp(what, "add") == 0)
        return add(words[1]);
    if (strcmp(what, "flags") == 0)
        return X509_STORE_set_flags(store, strtoul(words[1], NULL, 0));
    if (strcmp(what, "servers") == 0)
        return X509_STORE_set_purpose(store, X509_PURPOSE_SSL_SERVER);
    if (strcmp(what, "verify") == 0)
        return verify(words[1], words[2], words[3]);
    return -2;
}

int main(int argc, char **argv)
{
    char line[4096];

    /* Rights that a program has are not to decide what it can read. */
    if (argc > 1 && setuid((uid_t)strtoul(argv[1], NULL, 10)) != 0)
        return 2;
    while (fgets(line, sizeof line, stdin) != NULL) {
        const char *words[4] = { "", "", "", "" };
        int count = 0, answer;

        for (char *at = strtok(line, " \n"); at != NULL && count < 4; at = strtok(NULL, " \n"))
            words[count++] = at;
        answer = obey(words);
        ERR_clear_error();
        printf("%d\n", answer);
        fflush(stdout);
    }
    X509_STORE_free(store);
    return 0;
}
