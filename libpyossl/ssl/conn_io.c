/*
 * Handshake, data, close alerts.
 *
 * Shutting down:
 *
 *   alerts so far    a call of pyossl_conn_shutdown()
 *   none             sends ours; not complete. WANT_WRITE: call again
 *   ours             looks for the peer's: complete, WANT_READ, or TRUNCATED;
 *                    E_STATE while there is data in front of it
 *   the peer's       sends ours; complete
 *   both             complete, at once
 *
 * It is an error before the handshake is over, while a write waits to be
 * repeated, and after a fatal failure; what OpenSSL would send then, if it sent
 * anything, would be wrong.
 */
#include "tls.h"

#include <errno.h>

#include <openssl/sslerr.h>

/* How an exchange on a connection ends that has ended before; PYOSSL_OK if it has not. */
static pyossl_status answer_ended(pyossl_conn *conn)
{
    conn->wants = PYOSSL_OK;
    if (conn->failed != PYOSSL_OK)
        return osl_conn_fail_again(conn);
    /* OpenSSL has four shapes for this, and a new one each time it is asked. */
    if (conn->transport.eof && (SSL_get_shutdown(conn->ssl) & SSL_RECEIVED_SHUTDOWN) == 0)
        return PYOSSL_TRUNCATED;
    return PYOSSL_OK;
}

pyossl_status osl_conn_enter(pyossl_conn *conn)
{
    const bool begun = conn->begun;

    (void)osl_api_enter();
    OSL_TRY(osl_conn_begin(conn));
    conn->opening = conn->begun && !begun;
    if (conn->failed != PYOSSL_OK || conn->transport.eof)
        OSL_TRY(answer_ended(conn));
    conn->quiet = SSL_is_init_finished(conn->ssl) == 1;
    conn->fresh = !conn->quiet && SSL_in_before(conn->ssl) == 1;
    if (conn->fresh) {
        /* At the last moment: what is asked of the peer may have changed since the beginning. */
        OSL_TRY(osl_conn_resume(conn));
        conn->read_before = BIO_number_read(SSL_get_rbio(conn->ssl));
    }
    conn->busy = true;
    conn->stopped = false;
    conn->transport.failed = PYOSSL_OK;
    errno = 0;
    return PYOSSL_OK;
}

/* For who waits meanwhile: when the answer to what was sent is so late that it must have been lost.
 */
static void note_timer(pyossl_conn *conn, pyossl_status status)
{
    struct timeval left = { 0, 0 };
    int64_t due = 0;

    if (pyossl_is_retry(status) && !conn->hollow && DTLSv1_get_timeout(conn->ssl, &left) == 1)
        due = osl_now() + (int64_t)left.tv_sec * 1000 + ((int64_t)left.tv_usec + 999) / 1000;
    atomic_store_explicit(&conn->due, due, memory_order_relaxed);
}

pyossl_status osl_conn_leave(pyossl_conn *conn, int result, int number)
{
    pyossl_status status = PYOSSL_OK;

    if (result <= 0 || conn->stopped)
        status = osl_verdict(conn, result, number);
    conn->wants = pyossl_is_retry(status) ? status : PYOSSL_OK;
    conn->busy = false;
    if (conn->opening && SSL_in_before(conn->ssl) == 1)
        conn->begun = false; /* what was asked for needed a handshake, and began none */
    if (conn->hello.asked && SSL_is_init_finished(conn->ssl) == 1)
        conn->hello.asked = false; /* another ClientHello begins another handshake */
    if (conn->transport.datagrams)
        note_timer(conn, status);
    /*
     * Looking at OpenSSL's queue takes a good part of the time of a short message.
     * What works leaves something in it only by way of a handshake.
     */
    if (result <= 0 || !conn->quiet || SSL_is_init_finished(conn->ssl) != 1)
        osl_api_leave("");
    if (atomic_load_explicit(&conn->transport.gone, memory_order_relaxed))
        osl_transport_close(&conn->transport);
    return status;
}

/* ---- buffers ---- */

/*
 * SSL_MODE_RELEASE_BUFFERS has OpenSSL give a buffer back when it has read or
 * written data, and get another for the next message. A connection that moves one
 * message after the other keeps its buffers until it has to wait, as long as no more
 * than a few do so: what they keep is bounded for the process. That spares 6 to 8 % of the
 * instructions of a short message with OpenSSL 3.0, for two fields of a connection and 50 lines;
 * and nothing from 3.2 on, which does not tell its records of a mode that is cleared.
 */
enum { STREAK = 8, WARM_MAX = 32 };

static atomic_int warm;

/* From now until osl_conn_cool() the mode of the SSL says otherwise. */
static void warm_up(pyossl_conn *conn)
{
    if ((SSL_get_mode(conn->ssl) & SSL_MODE_RELEASE_BUFFERS) == 0)
        return;
    if (atomic_fetch_add_explicit(&warm, 1, memory_order_relaxed) >= WARM_MAX) {
        atomic_fetch_sub_explicit(&warm, 1, memory_order_relaxed);
        return;
    }
    conn->warm = true;
    SSL_clear_mode(conn->ssl, SSL_MODE_RELEASE_BUFFERS);
}

void osl_conn_cool(pyossl_conn *conn)
{
    conn->streak = 0;
    if (!conn->warm)
        return;
    conn->warm = false;
    if (!conn->hollow)
        SSL_set_mode(conn->ssl, SSL_MODE_RELEASE_BUFFERS);
    atomic_fetch_sub_explicit(&warm, 1, memory_order_relaxed);
}

/* After a message that went through, or did not. */
static inline void count_message(pyossl_conn *conn, bool worked)
{
    if (!worked) {
        osl_conn_cool(conn);
    } else if (!conn->warm && ++conn->streak >= STREAK) {
        conn->streak = 0;
        warm_up(conn);
    }
}

/* Whether the next byte to read begins a record, and nothing of one before is left. */
static bool is_between_records(const SSL *ssl)
{
    return SSL_has_pending(ssl) == 0 && strcmp(SSL_rstate_string(ssl), "RH") == 0;
}

/*
 * What belongs to a handshake, as the tickets behind one do, leaves 16 KiB with a
 * connection that then waits. While half of a record is there, or one of which not
 * everything was taken, the buffer has to stay: SSL_free_buffers() forgot both before
 * OpenSSL 3.0.14.
 */
static void release_buffers(pyossl_conn *conn)
{
    SSL *ssl = conn->ssl;

    if ((SSL_get_mode(ssl) & SSL_MODE_RELEASE_BUFFERS) == 0 || SSL_is_dtls(ssl) == 1)
        return;
    /* From 3.2 on OpenSSL wipes, if asked to, also a buffer that it has given back already. */
    if (is_between_records(ssl) && (SSL_get_options(ssl) & SSL_OP_CLEANSE_PLAINTEXT) == 0)
        (void)SSL_free_buffers(ssl);
    osl_queue_shrink(&conn->transport.in);
    osl_queue_shrink(&conn->transport.out);
}

/* For who waits for the next record. */
static inline void mark_boundary(pyossl_conn *conn)
{
    if (conn->transport.kind == OSL_TRANSPORT_FD && !conn->hollow && is_between_records(conn->ssl))
        osl_transport_at_boundary(&conn->transport);
}

/* ---- handshake and data ---- */

pyossl_status pyossl_conn_handshake(pyossl_conn *conn)
{
    OSL_NEED(conn != NULL);
    OSL_CONN_HOLD(conn);
    pyossl_status status;

    OSL_TRY(osl_conn_enter(conn));
    status = osl_conn_leave(conn, SSL_do_handshake(conn->ssl), errno);
    if (status == PYOSSL_OK || pyossl_is_retry(status))
        release_buffers(conn);
    mark_boundary(conn);
    return status;
}

typedef int ssl_read_function(SSL *ssl, void *buf, size_t cap, size_t *done);

static pyossl_status read_by(ssl_read_function *function, pyossl_conn *conn, void *buf, size_t cap,
                             size_t *done)
{
    OSL_CONN_HOLD(conn);
    size_t got = 0;
    int result;
    pyossl_status status;

    *done = 0;
    if (cap == 0) /* OpenSSL would take "none" for the end */
        return PYOSSL_OK;
    if (buf == NULL)
        return osl_refuse(PYOSSL_E_ARGUMENT, "no buffer");
    OSL_TRY(osl_conn_enter(conn));
    result = function(conn->ssl, buf, cap, &got);
    status = osl_conn_leave(conn, result, errno);
    count_message(conn, status == PYOSSL_OK);
    if (status == PYOSSL_OK)
        *done = got;
    else if (status == PYOSSL_WANT_READ)
        release_buffers(conn);
    mark_boundary(conn);
    return status;
}

pyossl_status pyossl_conn_read(pyossl_conn *conn, void *buf, size_t cap, size_t *done)
{
    OSL_NEED(conn != NULL && osl_fits(buf, cap) && done != NULL);
    return read_by(SSL_read_ex, conn, buf, cap, done);
}

pyossl_status pyossl_conn_peek(pyossl_conn *conn, void *buf, size_t cap, size_t *done)
{
    OSL_NEED(conn != NULL && osl_fits(buf, cap) && done != NULL);
    return read_by(SSL_peek_ex, conn, buf, cap, done);
}

/*
 * How much of a write that has to wait OpenSSL insists on seeing again: all it
 * was given, or with partial writes the one record that it has made of it.
 * During a handshake it has made none.
 */
static size_t to_repeat(const pyossl_conn *conn, pyossl_status status, size_t len)
{
    if (!pyossl_is_retry(status))
        return 0;
    if (!SSL_is_init_finished(conn->ssl))
        return conn->retry_len;
    if ((SSL_get_mode(conn->ssl) & SSL_MODE_ENABLE_PARTIAL_WRITE) != 0 &&
        len > SSL3_RT_MAX_PLAIN_LENGTH)
        return SSL3_RT_MAX_PLAIN_LENGTH;
    return len;
}

pyossl_status pyossl_conn_write(pyossl_conn *conn, const void *buf, size_t len, size_t *done)
{
    OSL_NEED(conn != NULL && osl_fits(buf, len) && done != NULL);
    OSL_CONN_HOLD(conn);
    size_t put = 0;
    int result;
    pyossl_status status;

    *done = 0;
    if (len == 0)
        return PYOSSL_OK;
    if (buf == NULL)
        return osl_refuse(PYOSSL_E_ARGUMENT, "no data");
    if (len < conn->retry_len)
        return osl_refuse(PYOSSL_E_ARGUMENT, "shorter than the write that is repeated");
    OSL_TRY(osl_conn_enter(conn));
    result = SSL_write_ex(conn->ssl, buf, len, &put);
    status = osl_conn_leave(conn, result, errno);
    count_message(conn, status == PYOSSL_OK);
    conn->retry_len = to_repeat(conn, status, len);
    if (status == PYOSSL_OK)
        *done = put;
    return status;
}

/* What would need a record of its own cannot overtake one that has to be repeated. */
static pyossl_status check_no_write(const pyossl_conn *conn)
{
    if (conn->retry_len > 0)
        return osl_fail_text(PYOSSL_E_STATE, "a write waits to be repeated");
    return PYOSSL_OK;
}

/*
 * Asked for the peer's alert while data is in front of it, OpenSSL throws the data
 * away and gives the connection up. 1 if there is some, 0 if not, -1 for a failure.
 */
static int data_waits(pyossl_conn *conn)
{
    unsigned char byte;
    size_t got;
    int error;

    if (SSL_get_shutdown(conn->ssl) != SSL_SENT_SHUTDOWN)
        return 0;
    if (SSL_peek_ex(conn->ssl, &byte, 1, &got) == 1)
        return 1;
    if (conn->transport.failed != PYOSSL_OK)
        return -1;
    error = SSL_get_error(conn->ssl, 0);
    return error == SSL_ERROR_SSL || error == SSL_ERROR_SYSCALL ? -1 : 0;
}

pyossl_status pyossl_conn_shutdown(pyossl_conn *conn, int *complete)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL && complete != NULL);
    OSL_CONN_HOLD(conn);
    int result;

    OSL_TRY(check_no_write(conn));
    OSL_TRY(osl_conn_enter(conn));
    result = data_waits(conn);
    if (result != 0) {
        OSL_TRY(osl_conn_leave(conn, result, errno));
        ERR_raise(ERR_LIB_SSL, SSL_R_APPLICATION_DATA_AFTER_CLOSE_NOTIFY); /* in its words */
        return osl_fail(PYOSSL_E_STATE);
    }
    errno = 0;
    result = SSL_shutdown(conn->ssl);
    OSL_TRY(osl_conn_leave(conn, result == 0 ? 1 : result, errno));
    *complete = result == 1;
    return PYOSSL_OK;
}

/* ---- wishes that a later exchange carries out ---- */

/* Binds nothing: where no handshake has begun, this begins none. */
static pyossl_status check_established(pyossl_conn *conn)
{
    OSL_TRY(osl_conn_check(conn));
    OSL_TRY(answer_ended(conn));
    if (!conn->begun || !SSL_is_init_finished(conn->ssl))
        return osl_fail_text(PYOSSL_E_STATE, "the handshake is not over");
    return check_no_write(conn);
}

pyossl_status pyossl_conn_renegotiate(pyossl_conn *conn)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL);

    OSL_TRY(check_established(conn));
    if (SSL_renegotiate(conn->ssl) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    return PYOSSL_OK;
}

pyossl_status pyossl_conn_verify_client_post_handshake(pyossl_conn *conn)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL);

    OSL_TRY(check_established(conn));
    if (SSL_verify_client_post_handshake(conn->ssl) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    return PYOSSL_OK;
}

pyossl_status pyossl_conn_key_update(pyossl_conn *conn, int peer_too)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL);

    OSL_TRY(check_established(conn));
    if (SSL_key_update(conn->ssl,
                       peer_too ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    return PYOSSL_OK;
}

/* ---- waiting ---- */

/* Another thread may be in here: looks at nothing of the connection that changes. */
static pyossl_status check_descriptor(const osl_transport *transport)
{
    if (transport->kind != OSL_TRANSPORT_FD)
        return osl_fail_text(PYOSSL_E_STATE, "the transport has no descriptor");
    if (atomic_load_explicit(&transport->gone, memory_order_relaxed))
        return osl_fail_errno(EBADF, NULL);
    return PYOSSL_OK;
}

/* @timeout_ms, or less where DTLS has to send again before: the next exchange does. */
static int until_timer(const pyossl_conn *conn, int timeout_ms)
{
    const int64_t due = atomic_load_explicit(&conn->due, memory_order_relaxed);
    int64_t left;

    if (due == 0)
        return timeout_ms;
    left = due - osl_now();
    if (left < 0)
        left = 0;
    return timeout_ms < 0 || left < timeout_ms ? (int)left : timeout_ms;
}

pyossl_status pyossl_conn_wait(const pyossl_conn *conn, pyossl_status want, int timeout_ms)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL);
    const osl_transport *transport = &conn->transport;
    const bool for_writing = want == PYOSSL_WANT_WRITE;
    const int first_ms = until_timer(conn, timeout_ms);
    bool ready = false;

    if (want != PYOSSL_WANT_READ && want != PYOSSL_WANT_WRITE)
        return osl_fail_text(PYOSSL_E_ARGUMENT, "nothing that can be waited for");
    OSL_TRY(check_descriptor(transport));
    OSL_TRY(osl_fd_wait(for_writing ? transport->write_fd : transport->read_fd, for_writing,
                        first_ms, &ready));
    return ready || first_ms != timeout_ms ? PYOSSL_OK : want;
}

pyossl_status pyossl_conn_wait_input(pyossl_conn *conn)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL);

    OSL_TRY(check_descriptor(&conn->transport));
    return osl_transport_await(&conn->transport);
}
