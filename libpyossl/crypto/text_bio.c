/*
 * Text as OpenSSL gets it from a file.
 *
 * OpenSSL reads files of certificates by the C library's lines, which end at a NUL for it; memory
 * BIOs have another opinion, and two readers that differ are how checks are got round. The C
 * library would also keep, unwiped, what it read.
 */
#include "crypto.h"

typedef struct lines {
    const unsigned char *at;
    size_t len;
} lines;

static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;
static BIO_METHOD *method;

/* Up to @size - 1 bytes of a line, and a NUL; how many there are before the first NUL. */
static int get_line(BIO *bio, char *out, int size)
{
    lines *text = BIO_get_data(bio);
    const size_t most = size > 1 ? (size_t)size - 1 : 0;
    size_t len = text->len < most ? text->len : most;
    const unsigned char *end = len > 0 ? memchr(text->at, '\n', len) : NULL;

    if (size < 1)
        return 0;
    if (end != NULL)
        len = (size_t)(end - text->at) + 1;
    if (len > 0)
        memcpy(out, text->at, len);
    out[len] = '\0';
    text->at += len;
    text->len -= len;
    return (int)strlen(out);
}

static int read_some(BIO *bio, char *out, int size)
{
    lines *text = BIO_get_data(bio);
    const size_t len = size > 0 && (size_t)size < text->len ? (size_t)size : text->len;

    if (size <= 0 || len == 0)
        return 0;
    memcpy(out, text->at, len);
    text->at += len;
    text->len -= len;
    return (int)len;
}

static long control(BIO *bio, int command, long number, void *pointer)
{
    const lines *text = BIO_get_data(bio);

    (void)number;
    (void)pointer;
    if (command == BIO_CTRL_EOF)
        return text == NULL || text->len == 0;
    return command == BIO_CTRL_FLUSH;
}

static int destroy(BIO *bio)
{
    OPENSSL_free(BIO_get_data(bio));
    return 1;
}

static void make_method(void)
{
    BIO_METHOD *made = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "text of " OSL_LIBRARY_NAME);

    if (made != NULL && BIO_meth_set_gets(made, get_line) == 1 &&
        BIO_meth_set_read(made, read_some) == 1 && BIO_meth_set_ctrl(made, control) == 1 &&
        BIO_meth_set_destroy(made, destroy) == 1)
        method = made;
    else
        BIO_meth_free(made);
}

BIO *osl_text_bio(const void *text, size_t len)
{
    lines *from;
    BIO *bio;

    if (CRYPTO_THREAD_run_once(&once, make_method) != 1 || method == NULL)
        return NULL;
    from = osl_new(lines);
    bio = from != NULL ? BIO_new(method) : NULL;
    if (bio == NULL) {
        ERR_raise(ERR_LIB_BIO, ERR_R_MALLOC_FAILURE); /* the allocator does not say so */
        OPENSSL_free(from);
        return NULL;
    }
    from->at = text;
    from->len = len;
    BIO_set_data(bio, from);
    BIO_set_init(bio, 1);
    return bio;
}
