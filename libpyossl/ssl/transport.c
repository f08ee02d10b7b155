/*
 * One seam for bytes: a BIO of our own over descriptors, memory, or what the
 * program brings.
 *
 * OpenSSL's BIOs tell too little: a stream's end comes in four shapes, errno is
 * read after other code ran, and a signal looks like a wish to wait. This one
 * notes in the transport why a move did not work, where osl_verdict() reads it.
 */
#include "tls.h"

#include <errno.h>
#include <limits.h>

enum {
    /* What a DTLS datagram may have where nobody knows better: IPv6's smallest MTU (RFC 8200). */
    SAFE_MTU = 1280 - 48,
    MTU_OVERHEAD = 48,  /* IPv6 and UDP headers */
    FLIGHT_SLACK = 512, /* an alert may follow a datagram that is full */
    DTLS_HEADER = 13,   /* of a record: type, version, epoch, sequence number, length */
    LOOK_AHEAD = 1024   /* longer records take more time than a system call */
};

/* ---- datagrams in memory ---- */

/*
 * How many bytes of a datagram make whole records that fit in @cap; all of them
 * where the datagram fits. One that does not comes from a program that fed
 * several at once, as programs do that take this transport for a stream.
 */
static size_t whole_records(const unsigned char *data, size_t len, size_t cap)
{
    size_t end = 0;

    if (len <= cap)
        return len;
    while (len - end >= DTLS_HEADER) {
        const size_t body = (size_t)data[end + 11] << 8 | data[end + 12];

        if (body > len - end - DTLS_HEADER || end + DTLS_HEADER + body > cap)
            break;
        end += DTLS_HEADER + body;
    }
    return end;
}

static size_t take_records(osl_transport *transport, void *buf, size_t cap)
{
    const unsigned char *data;
    size_t len, whole;

    while ((len = osl_queue_front(&transport->in, &data)) > 0) {
        whole = whole_records(data, len, cap);
        if (whole > 0) {
            memcpy(buf, data, whole);
            if (!transport->peek)
                osl_queue_drop(&transport->in, whole);
            return whole;
        }
        osl_queue_drop(&transport->in, len); /* no records: lost, as on a network */
    }
    return 0;
}

/* ---- the kinds ---- */

static pyossl_status read_memory(osl_transport *transport, void *buf, size_t len, size_t *done)
{
    const size_t got = transport->datagrams ? take_records(transport, buf, len)
                                            : osl_queue_take(&transport->in, buf, len);

    if (got == 0)
        return transport->in.eof ? PYOSSL_TRUNCATED : PYOSSL_WANT_READ;
    *done = got;
    return PYOSSL_OK;
}

/*
 * OpenSSL reads the header of a record, and then the length that stands there: two system
 * calls. Who has waited has seen both, so one will do. No more is read than OpenSSL will
 * ask for at once: select() tells the program about all that is left.
 */
static size_t record_ahead(osl_lookout *lookout)
{
    const unsigned reads = atomic_load_explicit(&lookout->reads, memory_order_relaxed);
    const uint64_t record = atomic_load_explicit(&lookout->record, memory_order_relaxed);

    atomic_store_explicit(&lookout->reads, reads + 1, memory_order_relaxed);
    return record >> 32 == reads ? (size_t)(uint32_t)record : 0;
}

/* The record that is @whole bytes long; PYOSSL_E_NOMEM, unrecorded, where nothing was done. */
static pyossl_status fetch_record(osl_transport *transport, size_t whole)
{
    unsigned char *room = osl_queue_room(&transport->in, whole);
    size_t got = 0;
    pyossl_status status;

    if (room == NULL)
        return PYOSSL_E_NOMEM;
    status = osl_fd_read(transport->read_fd, room, whole, false, &got, &transport->number);
    osl_queue_grew(&transport->in, got);
    return status;
}

static pyossl_status read_fd(osl_transport *transport, void *buf, size_t len, size_t *done)
{
    osl_lookout *lookout = &transport->lookout;
    const size_t whole = transport->in.len == 0 ? record_ahead(lookout) : 0;
    pyossl_status status;

    if (whole > len) {
        status = fetch_record(transport, whole);
        if (status != PYOSSL_OK && status != PYOSSL_E_NOMEM)
            return status;
    }
    if (transport->in.len > 0) {
        *done = osl_queue_take(&transport->in, buf, len);
        return PYOSSL_OK;
    }
    if (atomic_load_explicit(&lookout->number, memory_order_relaxed) != 0) {
        transport->number = atomic_exchange_explicit(&lookout->number, 0, memory_order_relaxed);
        return PYOSSL_E_SYSTEM;
    }
    status = osl_fd_read(transport->read_fd, buf, len, transport->peek, done, &transport->number);

    /* An empty datagram ends nothing. */
    if (status == PYOSSL_TRUNCATED && transport->datagrams)
        return PYOSSL_WANT_READ;
    return status;
}

/* What a program's function may answer, given that it claims to have moved @done of @len. */
static pyossl_status user_outcome(osl_transport *transport, pyossl_status status,
                                  pyossl_status want, size_t done, size_t len)
{
    transport->number = errno;
    if (status == PYOSSL_OK) {
        if (done > len)
            return PYOSSL_E_CALLBACK;
        return done > 0 ? PYOSSL_OK : want;
    }
    if (status == PYOSSL_CLOSED)
        return PYOSSL_TRUNCATED;
    if (status == PYOSSL_WANT_READ || status == PYOSSL_WANT_WRITE || status == PYOSSL_TRUNCATED)
        return status;
    if (osl_status_is_known(status) && pyossl_status_classify(status) == PYOSSL_CLASS_ERROR)
        return status;
    return PYOSSL_E_CALLBACK; /* no status at all, or one that no transport has */
}

static pyossl_status read_user(osl_transport *transport, void *buf, size_t len, size_t *done)
{
    OSL_CALLBACK_ENTER;
    const osl_user_end *reader = &transport->reader;
    size_t got = 0;
    pyossl_status status;

    if (transport->in.len > 0) { /* what was peeked at before */
        *done = take_records(transport, buf, len);
        return *done > 0 ? PYOSSL_OK : PYOSSL_WANT_READ;
    }
    errno = 0;
    status = reader->vtable.read(reader->userdata, buf, len, &got);
    status = user_outcome(transport, status, PYOSSL_WANT_READ, got, len);
    if (status == PYOSSL_OK && transport->peek)
        status = osl_queue_put(&transport->in, buf, got, &got);
    if (status == PYOSSL_OK)
        *done = got;
    return status;
}

static pyossl_status write_user(osl_transport *transport, const void *buf, size_t len, size_t *done)
{
    OSL_CALLBACK_ENTER;
    const osl_user_end *writer = &transport->writer;
    size_t put = 0;
    pyossl_status status;

    errno = 0;
    status = writer->vtable.write(writer->userdata, buf, len, &put);
    status = user_outcome(transport, status, PYOSSL_WANT_WRITE, put, len);
    if (status == PYOSSL_OK)
        *done = put;
    return status;
}

static pyossl_status move_in(osl_transport *transport, void *buf, size_t len, size_t *done)
{
    switch (transport->kind) {
    case OSL_TRANSPORT_MEMORY:
        return read_memory(transport, buf, len, done);
    case OSL_TRANSPORT_FD:
        return read_fd(transport, buf, len, done);
    case OSL_TRANSPORT_USER:
        return read_user(transport, buf, len, done);
    case OSL_TRANSPORT_NONE:
        break;
    }
    return PYOSSL_E_STATE;
}

static pyossl_status move_out(osl_transport *transport, const void *buf, size_t len, size_t *done)
{
    switch (transport->kind) {
    case OSL_TRANSPORT_MEMORY:
        return osl_queue_put(&transport->out, buf, len, done);
    case OSL_TRANSPORT_FD:
        return osl_fd_write(transport->write_fd, buf, len, done, &transport->number);
    case OSL_TRANSPORT_USER:
        return write_user(transport, buf, len, done);
    case OSL_TRANSPORT_NONE:
        break;
    }
    return PYOSSL_E_STATE;
}

/* ---- waiting ---- */

/* The length of the record (RFC 8446 5.1) that begins with @seen and ends in it; 0 for none. */
static size_t whole_record(const unsigned char *seen, size_t len)
{
    enum { HEADER = 5, TYPE_FIRST = 20, TYPE_LAST = 24, MAJOR = 3 };
    size_t whole;

    if (len <= HEADER || seen[0] < TYPE_FIRST || seen[0] > TYPE_LAST || seen[1] != MAJOR)
        return 0;
    whole = HEADER + ((size_t)seen[3] << 8 | seen[4]);
    return whole <= len ? whole : 0;
}

pyossl_status osl_transport_await(osl_transport *transport)
{
    osl_lookout *lookout = &transport->lookout;
    const unsigned reads = atomic_load_explicit(&lookout->reads, memory_order_relaxed);
    unsigned char seen[LOOK_AHEAD];
    size_t len = 0, whole;
    int number = 0;
    const pyossl_status status = osl_fd_peek(transport->read_fd, seen, sizeof seen, &len, &number);

    if (status == PYOSSL_E_SYSTEM) {
        if (number == EINTR || number == EBADF)
            return osl_fail_errno(number, "recv");
        /* An error of the network, which a socket tells once: for the read that follows. */
        atomic_store_explicit(&lookout->number, number, memory_order_relaxed);
        return PYOSSL_OK;
    }
    if (status != PYOSSL_OK || transport->datagrams ||
        atomic_load_explicit(&lookout->boundary, memory_order_relaxed) != reads)
        return status;
    whole = whole_record(seen, len);
    if (whole > 0)
        atomic_store_explicit(&lookout->record, (uint64_t)reads << 32 | whole,
                              memory_order_relaxed);
    return PYOSSL_OK;
}

/* ---- the BIO ---- */

/*
 * Nothing moved: what there is beyond waiting is noted for the verdict. OpenSSL is
 * told to wait in any case, as from 4.0 on it gives a connection up where it is told of
 * more, and a transport that was interrupted may go on.
 */
static int no_move(BIO *bio, osl_transport *transport, pyossl_status status, int flag)
{
    if (status == PYOSSL_WANT_READ)
        flag = BIO_FLAGS_READ;
    else if (status == PYOSSL_WANT_WRITE)
        flag = BIO_FLAGS_WRITE;
    else
        transport->failed = status;
    BIO_set_flags(bio, flag | BIO_FLAGS_SHOULD_RETRY);
    return -1;
}

/* What holds for both directions before a move: flags of the move before are gone (BIO_read(3)). */
static bool may_move(BIO *bio, osl_transport *transport, bool writing)
{
    BIO_clear_retry_flags(bio);
    if (transport == NULL)
        return false;
    transport->failed = PYOSSL_OK;
    transport->number = 0;
    transport->writing = writing;
    return true;
}

/* What forbids every move: a callback, or another thread, may have done it in this exchange. */
static pyossl_status check_open(osl_transport *transport)
{
    if (osl_transport_is_the_parents(transport))
        return PYOSSL_E_STATE;
    if (!atomic_load_explicit(&transport->gone, memory_order_relaxed))
        return PYOSSL_OK;
    transport->number = EBADF;
    return PYOSSL_E_SYSTEM;
}

static int bio_read(BIO *bio, char *buf, int len)
{
    osl_transport *transport = BIO_get_data(bio);
    size_t done = 0;
    pyossl_status status;

    if (!may_move(bio, transport, false) || len <= 0)
        return -1;
    status = check_open(transport);
    if (status == PYOSSL_OK)
        status = move_in(transport, buf, (size_t)len, &done);
    if (status == PYOSSL_OK)
        return (int)done;
    if (status == PYOSSL_TRUNCATED) {
        transport->eof = true;
        return 0;
    }
    return no_move(bio, transport, status, BIO_FLAGS_READ);
}

static int bio_write(BIO *bio, const char *buf, int len)
{
    osl_transport *transport = BIO_get_data(bio);
    size_t done = 0;
    pyossl_status status;

    if (!may_move(bio, transport, true) || len <= 0)
        return -1;
    status = check_open(transport);
    if (status == PYOSSL_OK)
        status = move_out(transport, buf, (size_t)len, &done);
    if (status == PYOSSL_OK)
        return (int)done;
    if (status == PYOSSL_TRUNCATED) { /* a writer has no end: its peer is gone */
        transport->number = EPIPE;
        status = PYOSSL_E_SYSTEM;
    }
    return no_move(bio, transport, status, BIO_FLAGS_WRITE);
}

static long path_mtu(const osl_transport *transport)
{
    const size_t mtu = transport->kind == OSL_TRANSPORT_FD ? osl_fd_mtu(transport->write_fd) : 0;

    if (mtu == 0)
        return SAFE_MTU;
    return mtu < OSL_DATAGRAM_MAX ? (long)mtu : OSL_DATAGRAM_MAX;
}

/*
 * OpenSSL collects a flight in a buffer of 4096 bytes above this BIO, and hands on what it has
 * where that is full: in the middle of a record, which no datagram may be (RFC 6347 4.1.1).
 * With room for the largest datagram it only hands on whole ones.
 */
static void widen(BIO *above)
{
    if (above != NULL && BIO_method_type(above) == BIO_TYPE_BUFFER)
        (void)BIO_set_write_buffer_size(above, OSL_DATAGRAM_MAX + FLIGHT_SLACK);
}

static long bio_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
    osl_transport *transport;

    /* Encryption is not the kernel's here; every record asks for that several times. */
    if (cmd == BIO_CTRL_GET_KTLS_SEND || cmd == BIO_CTRL_GET_KTLS_RECV)
        return 0;
    transport = BIO_get_data(bio);
    if (transport == NULL)
        return 0;
    switch (cmd) {
    case BIO_CTRL_FLUSH:
    case BIO_CTRL_DUP:
        return 1;
    case BIO_CTRL_EOF:
        return transport->eof;
    case BIO_CTRL_PENDING:
        return transport->in.len < LONG_MAX ? (long)transport->in.len : LONG_MAX;
    case BIO_CTRL_WPENDING:
        /* What is in our queue has left the connection; DTLS would subtract it from the MTU. */
        return 0;
    case BIO_CTRL_GET_CLOSE:
        return BIO_get_shutdown(bio);
    case BIO_CTRL_SET_CLOSE:
        BIO_set_shutdown(bio, num != 0);
        return 1;
    case BIO_CTRL_PUSH: /* of a BIO above this one, which passes it on */
        if (transport->datagrams)
            widen(ptr);
        return 1;
    case BIO_CTRL_DGRAM_QUERY_MTU:
    case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
        return path_mtu(transport);
    case BIO_CTRL_DGRAM_GET_MTU_OVERHEAD:
        return MTU_OVERHEAD;
    case BIO_CTRL_DGRAM_MTU_EXCEEDED:
        return transport->failed == PYOSSL_E_SYSTEM && transport->number == EMSGSIZE;
    case BIO_CTRL_DGRAM_SET_PEEK_MODE:
        transport->peek = num != 0;
        return 1;
    default:
        /* Timers and addresses among them: nothing waits here, and peers are the program's. */
        return 0;
    }
}

static int bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

static BIO_METHOD *method;
static CRYPTO_ONCE method_once = CRYPTO_ONCE_STATIC_INIT;

static void method_make(void)
{
    const int index = BIO_get_new_index();
    BIO_METHOD *made = index > 0 ? BIO_meth_new(index | BIO_TYPE_SOURCE_SINK, "pyossl") : NULL;

    if (made == NULL)
        return;
    if (BIO_meth_set_read(made, bio_read) == 1 && BIO_meth_set_write(made, bio_write) == 1 &&
        BIO_meth_set_ctrl(made, bio_ctrl) == 1 && BIO_meth_set_create(made, bio_create) == 1)
        method = made;
    else
        BIO_meth_free(made);
}

BIO *osl_transport_bio(osl_transport *transport)
{
    BIO *bio = NULL;

    if (CRYPTO_THREAD_run_once(&method_once, method_make) == 1 && method != NULL)
        bio = BIO_new(method);
    if (bio == NULL) {
        (void)!osl_fail(PYOSSL_E_NOMEM);
        return NULL;
    }
    BIO_set_data(bio, transport);
    return bio;
}

static void user_end_release(osl_user_end *end)
{
    void (*release)(void *) = end->vtable.release;

    end->vtable.release = NULL; /* told once */
    if (release != NULL)
        release(end->userdata);
}

void osl_transport_close(osl_transport *transport)
{
    atomic_store_explicit(&transport->gone, true, memory_order_relaxed);
    osl_queue_clear(&transport->in);
    osl_queue_clear(&transport->out);
    user_end_release(&transport->reader);
    user_end_release(&transport->writer);
}
