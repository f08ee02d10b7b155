/* Memory and bytes. Everything comes from OpenSSL's allocator. */
#include "internal.h"

#include "pyossl/callbacks.h"

char *osl_strdup(const char *text)
{
    return osl_memdup(text, strlen(text));
}

void *osl_memdup(const void *data, size_t len)
{
    unsigned char *copy = len < SIZE_MAX ? OPENSSL_malloc(len + 1) : NULL;

    if (copy == NULL)
        return NULL;
    if (len > 0)
        memcpy(copy, data, len);
    copy[len] = '\0';
    return copy;
}

void osl_free_secret(void *data, size_t len)
{
    OPENSSL_clear_free(data, len);
}

void pyossl_buf_clear(pyossl_buf *buf)
{
    OSL_NEED_OR(OSL_NOTHING, buf != NULL);
    if (buf->data != NULL)
        OPENSSL_clear_free(buf->data, buf->len);
    buf->data = NULL;
    buf->len = 0;
}

pyossl_status osl_buf_alloc(pyossl_buf *buf, size_t len)
{
    unsigned char *data = len < SIZE_MAX ? OPENSSL_malloc(len + 1) : NULL;

    if (data == NULL)
        return osl_fail_nomem();
    data[len] = '\0';
    pyossl_buf_clear(buf);
    buf->data = data;
    buf->len = len;
    return PYOSSL_OK;
}

pyossl_status osl_buf_set(pyossl_buf *buf, const void *data, size_t len)
{
    unsigned char *copy = osl_memdup(data, len);

    if (copy == NULL)
        return osl_fail_nomem();
    pyossl_buf_clear(buf);
    buf->data = copy;
    buf->len = len;
    return PYOSSL_OK;
}

pyossl_status pyossl_buf_set(pyossl_buf *buf, const void *data, size_t len)
{
    OSL_API_ENTER;
    OSL_NEED(buf != NULL && osl_fits(data, len));
    return osl_buf_set(buf, data, len);
}

void osl_buf_shorten(pyossl_buf *buf, size_t len)
{
    OPENSSL_cleanse(buf->data + len, buf->len - len);
    buf->len = len;
}

void osl_buf_move(pyossl_buf *to, pyossl_buf *from)
{
    pyossl_buf_clear(to);
    *to = *from;
    from->data = NULL;
    from->len = 0;
}

int pyossl_equal_bytes(const void *a, size_t a_len, const void *b, size_t b_len)
{
    OSL_NEED_OR(0, osl_fits(a, a_len) && osl_fits(b, b_len));
    if (a_len != b_len)
        return 0;
    return a_len == 0 || CRYPTO_memcmp(a, b, a_len) == 0;
}
