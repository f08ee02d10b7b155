/*
 * Bytes through descriptors, without waiting.
 *
 * Sockets are asked not to wait call by call, so that their blocking mode, which
 * is the program's, does not matter. Pipes and terminals cannot be asked: these
 * are polled first, and given no more than a pipe that polls writable takes at
 * once. No signal reaches the program: neither SIGPIPE nor an interrupted call.
 */
#include "tls.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef PIPE_BUF
#define PIPE_BUF 512 /* what POSIX promises */
#endif

/* The most that one call moves: Linux's own limit, and within ssize_t everywhere. */
#define MOVE_MAX ((size_t)0x7ffff000)

/* poll() for one descriptor; 1 for ready, 0 for not, -1 with errno. */
static int poll_one(int fd, short events, int timeout_ms)
{
    struct pollfd item = { .fd = fd, .events = events, .revents = 0 };
    int found;

    if (fd < 0) { /* poll() would skip it */
        errno = EBADF;
        return -1;
    }
    found = poll(&item, 1, timeout_ms);
    if (found > 0 && (item.revents & POLLNVAL) != 0) {
        errno = EBADF;
        return -1;
    }
    return found;
}

/* Whether a descriptor was opened for the other direction only: it would never be ready. */
static bool is_wrong_end(int fd, short events)
{
    const int flags = fcntl(fd, F_GETFL);

    return flags >= 0 && (flags & O_ACCMODE) == (events == POLLOUT ? O_RDONLY : O_WRONLY);
}

/* As poll_one() without waiting, but not ready is EAGAIN, or EBADF where it never will be. */
static bool ready_now(int fd, short events)
{
    int found;

    do
        found = poll_one(fd, events, 0);
    while (found < 0 && errno == EINTR);
    if (found == 0)
        errno = is_wrong_end(fd, events) ? EBADF : EAGAIN;
    return found > 0;
}

static ssize_t read_no_socket(int fd, void *buf, size_t len)
{
    ssize_t got;

    if (!ready_now(fd, POLLIN))
        return -1;
    do
        got = read(fd, buf, len);
    while (got < 0 && errno == EINTR);
    return got;
}

/* write() that answers EPIPE, but raises no SIGPIPE. */
static ssize_t write_quietly(int fd, const void *buf, size_t len)
{
    sigset_t pipe_set, before, waiting;
    ssize_t put;
    int number;
    int signal_number;

    sigemptyset(&pipe_set);
    sigaddset(&pipe_set, SIGPIPE);
    sigemptyset(&waiting);
    if (sigpending(&waiting) != 0)
        return -1;
    number = pthread_sigmask(SIG_BLOCK, &pipe_set, &before);
    if (number != 0) {
        errno = number;
        return -1;
    }
    do
        put = write(fd, buf, len);
    while (put < 0 && errno == EINTR);
    number = errno;
    /* Take back the signal that we caused, but not one that already waited. */
    if (put < 0 && number == EPIPE && sigismember(&waiting, SIGPIPE) == 0 &&
        sigpending(&waiting) == 0 && sigismember(&waiting, SIGPIPE) == 1)
        sigwait(&pipe_set, &signal_number);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = number;
    return put;
}

static ssize_t write_no_socket(int fd, const void *buf, size_t len)
{
    if (!ready_now(fd, POLLOUT))
        return -1;
    return write_quietly(fd, buf, len < PIPE_BUF ? len : PIPE_BUF);
}

static pyossl_status failed(pyossl_status want, int *number)
{
    *number = errno;
    if (*number == EAGAIN || *number == EWOULDBLOCK)
        return want;
    return PYOSSL_E_SYSTEM;
}

pyossl_status osl_fd_read(int fd, void *buf, size_t len, bool peek, size_t *done, int *number)
{
    ssize_t got;

    if (len > MOVE_MAX)
        len = MOVE_MAX;
    do
        got = recv(fd, buf, len, MSG_DONTWAIT | (peek ? MSG_PEEK : 0));
    while (got < 0 && errno == EINTR);
    if (got < 0 && errno == ENOTSOCK)
        got = read_no_socket(fd, buf, len);
    if (got < 0)
        return failed(PYOSSL_WANT_READ, number);
    if (got == 0)
        return PYOSSL_TRUNCATED;
    *done = (size_t)got;
    return PYOSSL_OK;
}

pyossl_status osl_fd_write(int fd, const void *buf, size_t len, size_t *done, int *number)
{
    ssize_t put;

    if (len > MOVE_MAX)
        len = MOVE_MAX;
    do
        put = send(fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (put < 0 && errno == EINTR);
    if (put < 0 && errno == ENOTSOCK)
        put = write_no_socket(fd, buf, len);
    if (put < 0)
        return failed(PYOSSL_WANT_WRITE, number);
    *done = (size_t)put;
    return PYOSSL_OK;
}

/* For what cannot be looked at without taking it. */
static pyossl_status wait_no_socket(int fd, int *number)
{
    const int flags = fcntl(fd, F_GETFL);
    const int found = flags < 0 ? -1 : poll_one(fd, POLLIN, (flags & O_NONBLOCK) != 0 ? 0 : -1);

    if (found < 0) {
        *number = errno;
        return PYOSSL_E_SYSTEM;
    }
    return found > 0 ? PYOSSL_OK : PYOSSL_WANT_READ;
}

pyossl_status osl_fd_peek(int fd, void *buf, size_t cap, size_t *seen, int *number)
{
    const ssize_t got = recv(fd, buf, cap, MSG_PEEK);
    pyossl_status status = PYOSSL_OK;

    if (got < 0)
        status = errno == ENOTSOCK ? wait_no_socket(fd, number) : failed(PYOSSL_WANT_READ, number);
    if (status == PYOSSL_OK)
        *seen = got > 0 ? (size_t)got : 0;
    return status;
}

pyossl_status osl_fd_wait(int fd, bool for_writing, int timeout_ms, bool *ready)
{
    const int found =
        poll_one(fd, for_writing ? POLLOUT : POLLIN, timeout_ms < 0 ? -1 : timeout_ms);

    if (found < 0)
        return osl_fail_errno(errno, "poll");
    *ready = found > 0;
    return PYOSSL_OK;
}

size_t osl_fd_mtu(int fd)
{
#if defined(IP_MTU) && defined(IPV6_MTU)
    enum { IP4_UDP = 20 + 8, IP6_UDP = 40 + 8 }; /* headers */
    struct sockaddr_storage peer;
    socklen_t len = sizeof peer;
    int mtu = 0;
    socklen_t mtu_len = sizeof mtu;

    memset(&peer, 0, sizeof peer);
    if (getpeername(fd, (struct sockaddr *)&peer, &len) != 0)
        return 0;
    if (peer.ss_family == AF_INET && getsockopt(fd, IPPROTO_IP, IP_MTU, &mtu, &mtu_len) == 0 &&
        mtu > IP4_UDP)
        return (size_t)mtu - IP4_UDP;
    if (peer.ss_family == AF_INET6 && getsockopt(fd, IPPROTO_IPV6, IPV6_MTU, &mtu, &mtu_len) == 0 &&
        mtu > IP6_UDP)
        return (size_t)mtu - IP6_UDP;
#else
    (void)fd;
#endif
    return 0;
}
