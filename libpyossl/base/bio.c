/* BIO to bytes, files to bytes. */
#include "internal.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

BIO *osl_bio_writer(void)
{
    BIO *bio = BIO_new(BIO_s_mem());

    if (bio == NULL)
        (void)!osl_fail(PYOSSL_E_NOMEM);
    return bio;
}

pyossl_status osl_buf_from_bio(pyossl_buf *buf, BIO *bio)
{
    char *data = NULL;
    long len = BIO_get_mem_data(bio, &data);

    if (len < 0)
        return osl_fail(PYOSSL_E_OPENSSL);
    return osl_buf_set(buf, data, (size_t)len);
}

/* How much to expect: what the file has now, and one more to see that there is no more. */
static size_t room_for(FILE *file, size_t max)
{
    struct stat status;

    if (fstat(fileno(file), &status) != 0 || !S_ISREG(status.st_mode) || status.st_size <= 0)
        return 16384;
    return (uintmax_t)status.st_size < max ? (size_t)status.st_size + 1 : max;
}

static pyossl_status read_all(FILE *file, const char *path, size_t max, pyossl_buf *out)
{
    osl_auto_buf bytes = PYOSSL_BUF_INIT;
    size_t cap = room_for(file, max), len = 0, got;

    OSL_TRY(osl_buf_alloc(&bytes, cap));
    while ((got = fread(bytes.data + len, 1, cap - len, file)) > 0) {
        len += got;
        if (len > max)
            return osl_fail_errno(EFBIG, path);
        if (len == cap) {
            osl_auto_buf larger = PYOSSL_BUF_INIT;

            OSL_TRY(osl_buf_alloc(&larger, cap * 2));
            memcpy(larger.data, bytes.data, len);
            cap *= 2;
            pyossl_buf_clear(&bytes);
            osl_buf_move(&bytes, &larger);
        }
    }
    if (ferror(file))
        return osl_fail_errno(errno, path);
    bytes.len = len;
    bytes.data[len] = '\0';
    osl_buf_move(out, &bytes);
    return PYOSSL_OK;
}

bool osl_file_readable(const char *path)
{
    FILE *file = fopen(path, "rbe");

    if (file == NULL)
        return false;
    fclose(file);
    return true;
}

pyossl_status osl_file_read(const char *path, size_t max, pyossl_buf *out)
{
    FILE *file = fopen(path, "rbe"); /* "e": not for our children */
    pyossl_status status;

    if (file == NULL)
        return osl_fail_errno(errno, path);
    status = read_all(file, path, max, out);
    fclose(file);
    return status;
}
