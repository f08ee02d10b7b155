/* The random number generator, and where more randomness can be had. */
#include "../base/internal.h"

#include <limits.h>
#include <openssl/rand.h>

#include "pyossl/rand.h"

/* What one call to OpenSSL takes; its lengths are int. */
#define STEP_MAX ((size_t)1 << 30)

enum {
    SEED_FILE_BYTES = 1024, /* what pyossl_rand_write_file() writes */
    DEVICE_BYTES = 256      /* what is read of a file that has no end */
};

/*
 * RAND_add() returns nothing; a failure shows in the queue. The caller's
 * OSL_API_ENTER saw to it that the queue was empty.
 */
static pyossl_status mix(const void *data, size_t len, double entropy)
{
    const unsigned char *bytes = data;
    size_t done = 0;

    /* Written so that not-a-number counts as nothing. */
    if (!(entropy > 0))
        entropy = 0;
    while (done < len) {
        size_t step = len - done < STEP_MAX ? len - done : STEP_MAX;
        double share = entropy < (double)step ? entropy : (double)step;

        RAND_add(bytes + done, (int)step, share);
        if (ERR_peek_error() != 0)
            return osl_fail(PYOSSL_E_OPENSSL);
        OSL_TRY(osl_slim_mix(bytes + done, step));
        entropy -= share;
        done += step;
    }
    return PYOSSL_OK;
}

pyossl_status pyossl_rand_bytes(void *buf, size_t len)
{
    OSL_API_ENTER;
    OSL_NEED(osl_fits(buf, len));
    unsigned char *bytes = buf;
    size_t done = 0;

    while (done < len) {
        size_t step = len - done < STEP_MAX ? len - done : STEP_MAX;

        if (RAND_bytes(bytes + done, (int)step) != 1) {
            OPENSSL_cleanse(bytes, done);
            return osl_fail(PYOSSL_E_OPENSSL);
        }
        done += step;
    }
    return PYOSSL_OK;
}

pyossl_status pyossl_rand_add(const void *data, size_t len, double entropy)
{
    OSL_API_ENTER;
    OSL_NEED(osl_fits(data, len));
    return mix(data, len, entropy);
}

pyossl_status pyossl_rand_seed(const void *data, size_t len)
{
    OSL_API_ENTER;
    OSL_NEED(osl_fits(data, len));
    return mix(data, len, (double)len);
}

int pyossl_rand_status(void)
{
    OSL_API_ENTER;
    return RAND_status() == 1;
}

#if !defined(_WIN32)

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* Descriptors that are closed on every way out; -1 is none. */
static inline void auto_fd_close(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}
#define auto_fd __attribute__((cleanup(auto_fd_close))) int

static pyossl_status read_and_mix(int fd, const char *path, size_t limit, size_t *done)
{
    unsigned char bytes[4096];
    size_t total = 0;
    pyossl_status status = PYOSSL_OK;

    while (status == PYOSSL_OK && total < limit) {
        size_t want = limit - total < sizeof bytes ? limit - total : sizeof bytes;
        const ssize_t got = osl_file_some(fd, bytes, want);

        if (got == 0)
            break;
        if (got > 0) {
            status = mix(bytes, (size_t)got, (double)got);
            total += (size_t)got;
        } else {
            status = osl_fail_errno(errno, path);
        }
    }
    OPENSSL_cleanse(bytes, sizeof bytes);
    if (status == PYOSSL_OK)
        *done = total;
    return status;
}

pyossl_status pyossl_rand_load_file(const char *path, long max, size_t *done)
{
    OSL_API_ENTER;
    OSL_NEED(path != NULL && done != NULL);
    auto_fd fd = osl_file_open(path);
    size_t limit = max >= 0 ? (size_t)max : SIZE_MAX;
    struct stat about;

    if (fd < 0 || fstat(fd, &about) != 0)
        return osl_fail_errno(errno, path);
    if (max < 0 && (S_ISCHR(about.st_mode) || S_ISBLK(about.st_mode)))
        limit = DEVICE_BYTES;
    return read_and_mix(fd, path, limit, done);
}

static pyossl_status write_all(int fd, const char *path, const unsigned char *bytes, size_t len)
{
    size_t done = 0;

    while (done < len) {
        ssize_t put = write(fd, bytes + done, len - done);

        if (put >= 0)
            done += (size_t)put;
        else if (errno != EINTR)
            return osl_fail_errno(errno, path);
    }
    return PYOSSL_OK;
}

static pyossl_status write_private(const char *path, const unsigned char *bytes, size_t len)
{
    /* Non-blocking, because opening a pipe that nobody reads would wait for ever. */
    auto_fd fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
    struct stat about;

    if (fd < 0 || fstat(fd, &about) != 0)
        return osl_fail_errno(errno, path);
    if (!S_ISREG(about.st_mode))
        return osl_fail_errno(EINVAL, path);
    /* Private first, secret second; shortened last, so that a full disk cannot empty it. */
    if (fchmod(fd, 0600) != 0)
        return osl_fail_errno(errno, path);
    OSL_TRY(write_all(fd, path, bytes, len));
    if (ftruncate(fd, (off_t)len) != 0)
        return osl_fail_errno(errno, path);
    return PYOSSL_OK;
}

pyossl_status pyossl_rand_write_file(const char *path, size_t *done)
{
    OSL_API_ENTER;
    OSL_NEED(path != NULL && done != NULL);
    unsigned char bytes[SEED_FILE_BYTES];
    pyossl_status status;

    if (RAND_priv_bytes(bytes, (int)sizeof bytes) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    status = write_private(path, bytes, sizeof bytes);
    OPENSSL_cleanse(bytes, sizeof bytes);
    if (status == PYOSSL_OK)
        *done = sizeof bytes;
    return status;
}

/* ---- an entropy gathering daemon ---- */

enum {
    EGD_READ_NONBLOCK = 1, /* the command: give what you have, do not gather */
    EGD_COUNT_MAX = 255,
    EGD_RETRY_MS = 10 /* between tries to connect to a daemon whose queue is full */
};

/* Milliseconds that only go forward. */
static int64_t now_ms(void)
{
    struct timespec now = { 0, 0 };

    /* Cannot fail with this clock and this pointer. */
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A conversation: with whom, and until when (INT64_MAX for ever). */
typedef struct egd {
    int fd;
    const char *path;
    int64_t deadline;
} egd;

/* What is left, for poll(); 0 once time is up. */
static int egd_left(const egd *daemon)
{
    int64_t left;

    if (daemon->deadline == INT64_MAX)
        return -1;
    left = daemon->deadline - now_ms();
    if (left <= 0)
        return 0;
    return left < INT_MAX ? (int)left : INT_MAX;
}

/* Wait for @events on the socket. Errors of the socket show in the call that follows. */
static pyossl_status egd_wait(const egd *daemon, short events)
{
    struct pollfd entry = { daemon->fd, events, 0 };

    for (;;) {
        int ready = poll(&entry, 1, egd_left(daemon));

        if (ready > 0)
            return PYOSSL_OK;
        if (ready == 0 && egd_left(daemon) == 0)
            return osl_fail_errno(ETIMEDOUT, daemon->path);
        if (ready < 0 && errno != EINTR)
            return osl_fail_errno(errno, daemon->path);
    }
}

/* Let the daemon take connections from its queue: there is nothing to poll for. */
static pyossl_status egd_pause(const egd *daemon)
{
    int left = egd_left(daemon);

    if (left == 0)
        return osl_fail_errno(ETIMEDOUT, daemon->path);
    (void)poll(NULL, 0, left < 0 || left > EGD_RETRY_MS ? EGD_RETRY_MS : left);
    return PYOSSL_OK;
}

/* How a connect() that goes on in the background ended. */
static pyossl_status egd_connected(const egd *daemon)
{
    int number = 0;
    socklen_t size = sizeof number;

    OSL_TRY(egd_wait(daemon, POLLOUT));
    if (getsockopt(daemon->fd, SOL_SOCKET, SO_ERROR, &number, &size) != 0)
        number = errno;
    return number == 0 ? PYOSSL_OK : osl_fail_errno(number, daemon->path);
}

static pyossl_status egd_connect(const egd *daemon)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t len = strlen(daemon->path);

    if (len >= sizeof address.sun_path)
        return osl_fail_errno(ENAMETOOLONG, daemon->path);
    memcpy(address.sun_path, daemon->path, len + 1);
    while (connect(daemon->fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        switch (errno) {
        case EISCONN:
            return PYOSSL_OK;
        case EINTR:
        case EINPROGRESS:
        case EALREADY:
            return egd_connected(daemon);
        case EAGAIN:
            OSL_TRY(egd_pause(daemon));
            break;
        default:
            return osl_fail_errno(errno, daemon->path);
        }
    }
    return PYOSSL_OK;
}

static pyossl_status egd_send(const egd *daemon, const unsigned char *bytes, size_t len)
{
    size_t done = 0;

    while (done < len) {
        ssize_t put = send(daemon->fd, bytes + done, len - done, MSG_NOSIGNAL);

        if (put >= 0)
            done += (size_t)put;
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            OSL_TRY(egd_wait(daemon, POLLOUT));
        else if (errno != EINTR)
            return osl_fail_errno(errno, daemon->path);
    }
    return PYOSSL_OK;
}

/* All of @len bytes: a daemon that goes away before is an error. */
static pyossl_status egd_receive(const egd *daemon, unsigned char *bytes, size_t len)
{
    size_t done = 0;

    while (done < len) {
        ssize_t got = recv(daemon->fd, bytes + done, len - done, 0);

        if (got > 0)
            done += (size_t)got;
        else if (got == 0)
            return osl_fail_errno(ECONNRESET, daemon->path);
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            OSL_TRY(egd_wait(daemon, POLLIN));
        else if (errno != EINTR)
            return osl_fail_errno(errno, daemon->path);
    }
    return PYOSSL_OK;
}

/* Ask for @count bytes: command and count go out, a count and that many bytes come back. */
static pyossl_status egd_ask(const egd *daemon, size_t count, unsigned char *bytes, size_t *got)
{
    const unsigned char question[2] = { EGD_READ_NONBLOCK, (unsigned char)count };
    unsigned char given = 0;

    OSL_TRY(egd_connect(daemon));
    OSL_TRY(egd_send(daemon, question, sizeof question));
    OSL_TRY(egd_receive(daemon, &given, 1));
    if (given > count)
        return osl_fail_errno(EPROTO, daemon->path);
    OSL_TRY(egd_receive(daemon, bytes, given));
    *got = given;
    return PYOSSL_OK;
}

/* A socket that neither blocks nor is left to our children. */
static int egd_socket(void)
{
#if defined(SOCK_CLOEXEC) && defined(SOCK_NONBLOCK)
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
#else
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    if (fd >= 0 && (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0)) {
        int number = errno;

        close(fd);
        errno = number;
        return -1;
    }
    return fd;
#endif
}

pyossl_status pyossl_rand_egd(const char *path, size_t count, int timeout_ms, size_t *done)
{
    OSL_API_ENTER;
    OSL_NEED(path != NULL && osl_fits(path, count) && done != NULL);
    int64_t deadline = timeout_ms < 0 ? INT64_MAX : now_ms() + timeout_ms;
    unsigned char bytes[EGD_COUNT_MAX];
    size_t got = 0;
    pyossl_status status;

    if (count < 1 || count > EGD_COUNT_MAX)
        return osl_fail_text(PYOSSL_E_ARGUMENT, "not a number of bytes from 1 to 255");
    auto_fd fd = egd_socket();
    if (fd < 0)
        return osl_fail_errno(errno, path);
    status = egd_ask(&(egd){ fd, path, deadline }, count, bytes, &got);
    if (status == PYOSSL_OK)
        status = mix(bytes, got, (double)got);
    OPENSSL_cleanse(bytes, sizeof bytes);
    if (status == PYOSSL_OK)
        *done = got;
    return status;
}

#else /* Windows: OpenSSL's own functions know its files, and there is no such daemon. */

#include <errno.h>

pyossl_status pyossl_rand_load_file(const char *path, long max, size_t *done)
{
    OSL_API_ENTER;
    int got;

    errno = 0;
    got = RAND_load_file(path, max < 0 ? -1 : max);
    if (got < 0)
        return osl_fail_errno(errno != 0 ? errno : EIO, path);
    *done = (size_t)got;
    return PYOSSL_OK;
}

pyossl_status pyossl_rand_write_file(const char *path, size_t *done)
{
    OSL_API_ENTER;
    int put;

    errno = 0;
    put = RAND_write_file(path);
    if (put < 0)
        return osl_fail_errno(errno != 0 ? errno : EIO, path);
    *done = (size_t)put;
    return PYOSSL_OK;
}

pyossl_status pyossl_rand_egd(const char *path, size_t count, int timeout_ms, size_t *done)
{
    OSL_API_ENTER;
    (void)path;
    (void)count;
    (void)timeout_ms;
    (void)done;
    return osl_fail_text(PYOSSL_E_UNSUPPORTED, "no unix sockets here");
}

#endif
