/* BIO to bytes, files to bytes. */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

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
static size_t room_for(int file, size_t max)
{
    struct stat status;

    if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size <= 0)
        return 16384;
    return (uintmax_t)status.st_size < max ? (size_t)status.st_size + 1 : max;
}

/* How long who has a pipe open for writing may let a reader wait. */
enum { PATIENCE_MS = 5000 };

/* False, with errno, where nothing comes. */
static bool comes(int file)
{
    struct pollfd input = { file, POLLIN, 0 };
    const int ready = poll(&input, 1, PATIENCE_MS);

    if (ready == 0)
        errno = ETIMEDOUT;
    return ready > 0 || (ready < 0 && errno == EINTR);
}

ssize_t osl_file_some(int file, void *out, size_t len)
{
    for (;;) {
        const ssize_t got = read(file, out, len);

        if (got >= 0 || (errno != EINTR && errno != EAGAIN))
            return got;
        if (errno == EAGAIN && !comes(file))
            return -1;
    }
}

/* Into memory that is wiped, and by no way that keeps a copy, as there may be a key in it. */
static pyossl_status read_all(int file, const char *path, size_t max, pyossl_buf *out)
{
    osl_auto_buf bytes = PYOSSL_BUF_INIT;
    size_t cap = room_for(file, max), len = 0;
    ssize_t got;

    OSL_TRY(osl_buf_alloc(&bytes, cap));
    while ((got = osl_file_some(file, bytes.data + len, cap - len)) > 0) {
        len += (size_t)got;
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
    if (got < 0)
        return osl_fail_errno(errno, path);
    osl_buf_shorten(&bytes, len);
    bytes.data[len] = '\0';
    osl_buf_move(out, &bytes);
    return PYOSSL_OK;
}

/*
 * What is named as a file may be anything. Opening a pipe that nobody writes to, or a line without a
 * carrier, would wait for ever.
 */
int osl_file_open(const char *path)
{
    return open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

void osl_file_close(int file)
{
    (void)close(file);
}

bool osl_file_is_regular(const char *path)
{
    struct stat status;

    if (stat(path, &status) != 0)
        return false;
    if (S_ISREG(status.st_mode))
        return true;
    errno = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
    return false;
}

bool osl_file_readable(const char *path)
{
    const int file = osl_file_is_regular(path) ? osl_file_open(path) : -1;

    if (file < 0)
        return false;
    osl_file_close(file);
    return true;
}

pyossl_status osl_file_read(const char *path, size_t max, pyossl_buf *out)
{
    const int file = osl_file_open(path);
    pyossl_status status;

    if (file < 0)
        return osl_fail_errno(errno, path);
    status = read_all(file, path, max, out);
    osl_file_close(file);
    return status;
}
