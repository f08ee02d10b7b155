/* What the result of an exchange means. */
#include "tls.h"

#include <errno.h>

#include <openssl/sslerr.h>

static bool is_ssl_reason(unsigned long code, int reason)
{
    return ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == reason;
}

/* There are errors that OpenSSL survives ("protocol is shutdown"): only the state's text tells. */
bool osl_is_given_up(const SSL *ssl)
{
    return strcmp(SSL_state_string_long(ssl), "error") == 0;
}

/*
 * Whether it was given up before anything came or went, as where there is no memory to
 * begin with. From 3.2 on OpenSSL then may have lost the record layers (osl_conn_choose_side()).
 */
static bool is_hollow(const pyossl_conn *conn)
{
    return conn->fresh && SSL_get_state(conn->ssl) == TLS_ST_BEFORE &&
           BIO_number_read(SSL_get_rbio(conn->ssl)) == conn->read_before;
}

/*
 * What OpenSSL says of bytes that are no TLS at all. From 3.2 on it sends no alert then and
 * does not give up either, but would go on reading behind them.
 */
static bool is_no_tls(unsigned long code)
{
    return is_ssl_reason(code, SSL_R_WRONG_VERSION_NUMBER) ||
           is_ssl_reason(code, SSL_R_HTTP_REQUEST) ||
           is_ssl_reason(code, SSL_R_HTTPS_PROXY_REQUEST);
}

/* Remember a failure that nothing can follow. */
static pyossl_status ended(pyossl_conn *conn, bool no_tls, pyossl_status status)
{
    if (!(no_tls || osl_is_given_up(conn->ssl)) ||
        pyossl_status_classify(status) != PYOSSL_CLASS_ERROR)
        return status;
    if (is_hollow(conn)) { /* with another SSL it can begin again */
        conn->hollow = true;
        conn->begun = false;
        return status;
    }
    if (conn->failed != PYOSSL_OK)
        return status;
    if (conn->first == NULL) /* later calls have no better reason */
        conn->first = osl_error_keep();
    if (status == PYOSSL_E_VERIFY || status == PYOSSL_E_SYSTEM)
        conn->failed = status;
    else /* whatever the reason was, it will not be the reason of later calls */
        conn->failed = PYOSSL_E_OPENSSL;
    return status;
}

static pyossl_status explained(const pyossl_conn *conn, pyossl_status status)
{
    osl_refusal_explain(conn);
    return status;
}

/* OpenSSL's queue tells. */
static pyossl_status from_queue(pyossl_conn *conn)
{
    const unsigned long oldest = ERR_peek_error();

    /* The shape that an end of stream takes from OpenSSL 3.0 on. */
    if (is_ssl_reason(oldest, SSL_R_UNEXPECTED_EOF_WHILE_READING)) {
        conn->transport.eof = true;
        return PYOSSL_TRUNCATED;
    }
    /* A client that sends no certificate fails the verification that was asked for. */
    if (is_ssl_reason(oldest, SSL_R_CERTIFICATE_VERIFY_FAILED) ||
        is_ssl_reason(oldest, SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) ||
        is_ssl_reason(ERR_peek_last_error(), SSL_R_CERTIFICATE_VERIFY_FAILED))
        return explained(conn, osl_fail(PYOSSL_E_VERIFY));
    if (conn->role == 0) /* nobody has chosen a side */
        return explained(conn, osl_fail(PYOSSL_E_STATE));
    /* Not every failure of OpenSSL's own says that there was no memory; the transport's does. */
    return explained(conn, osl_fail(conn->transport.failed == PYOSSL_E_NOMEM ? PYOSSL_E_NOMEM
                                                                             : PYOSSL_E_OPENSSL));
}

/*
 * A peer that refuses us sends an alert and goes, and a write behind that fails with a reason
 * of the system's. The peer's own has come already: looked for where no byte of data is taken,
 * and only as far as bytes are there. True if it ended the connection; its words are in OpenSSL's
 * queue.
 */
static bool hears_alert(pyossl_conn *conn)
{
    osl_transport *transport = &conn->transport;
    const int number = transport->number;
    const bool eof = transport->eof;
    unsigned char byte;
    size_t got;

    if (!transport->writing || (transport->number != EPIPE && transport->number != ECONNRESET) ||
        SSL_is_init_finished(conn->ssl) != 1 || osl_is_given_up(conn->ssl))
        return false;
    transport->failed = PYOSSL_OK;
    ERR_clear_error();
    if (SSL_peek_ex(conn->ssl, &byte, 1, &got) != 1 && osl_is_given_up(conn->ssl) &&
        transport->failed == PYOSSL_OK && ERR_peek_error() != 0 &&
        !is_ssl_reason(ERR_peek_error(), SSL_R_UNEXPECTED_EOF_WHILE_READING))
        return true; /* an end tells less than the system did */
    ERR_clear_error();
    transport->failed = PYOSSL_E_SYSTEM;
    transport->number = number;
    transport->eof = eof; /* a read will find it once more */
    return false;
}

/* The transport tells, or else nobody does. */
static pyossl_status from_transport(pyossl_conn *conn, int number)
{
    const osl_transport *transport = &conn->transport;

    if (transport->failed == PYOSSL_E_SYSTEM && hears_alert(conn))
        return from_queue(conn);
    if (transport->failed == PYOSSL_E_SYSTEM)
        return osl_fail_errno(transport->number != 0 ? transport->number : EIO, NULL);
    if (transport->failed == PYOSSL_E_NOMEM)
        return osl_fail_nomem();
    if (transport->failed != PYOSSL_OK)
        return osl_fail_text(transport->failed, "the transport failed");
    if ((SSL_get_shutdown(conn->ssl) & SSL_RECEIVED_SHUTDOWN) != 0)
        return PYOSSL_CLOSED;
    if (transport->eof)
        return PYOSSL_TRUNCATED;
    if (number != 0)
        return osl_fail_errno(number, NULL);
    return osl_fail_text(PYOSSL_E_OPENSSL, "OpenSSL failed without a reason");
}

static pyossl_status from_error(pyossl_conn *conn, int error, int number)
{
    switch (error) {
    case SSL_ERROR_NONE:
        return PYOSSL_OK;
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        if (conn->transport.failed != PYOSSL_OK) /* OpenSSL was told to wait all the same */
            return from_transport(conn, number);
        return error == SSL_ERROR_WANT_READ ? PYOSSL_WANT_READ : PYOSSL_WANT_WRITE;
    case SSL_ERROR_WANT_X509_LOOKUP:
    case SSL_ERROR_WANT_CLIENT_HELLO_CB:
#if defined(SSL_ERROR_WANT_RETRY_VERIFY)
    case SSL_ERROR_WANT_RETRY_VERIFY:
#endif
        return PYOSSL_WANT_X509_LOOKUP;
    case SSL_ERROR_ZERO_RETURN:
        /* OpenSSL says so too where the peer's alert has come and ours cannot be sent. */
        return conn->transport.failed == PYOSSL_OK ? PYOSSL_CLOSED : from_transport(conn, number);
    case SSL_ERROR_SSL:
        /* OpenSSL 4 has an end without a reason here. */
        return ERR_peek_error() != 0 ? from_queue(conn) : from_transport(conn, number);
    case SSL_ERROR_SYSCALL:
        if (ERR_peek_error() != 0 && conn->transport.failed == PYOSSL_OK)
            return from_queue(conn);
        return from_transport(conn, number);
    case SSL_ERROR_WANT_ASYNC:
    case SSL_ERROR_WANT_ASYNC_JOB:
        return osl_fail_text(PYOSSL_E_UNSUPPORTED, "asynchronous engines are not supported");
    case SSL_ERROR_WANT_CONNECT:
    case SSL_ERROR_WANT_ACCEPT:
    default:
        return osl_fail_text(PYOSSL_E_OPENSSL, "unexpected answer of SSL_get_error()");
    }
}

pyossl_status osl_conn_fail_again(const pyossl_conn *conn)
{
    return conn->first != NULL ? osl_fail_again(conn->failed, conn->first)
                               : osl_fail_text(conn->failed, "the connection has failed before");
}

pyossl_status osl_judged_as_asked(pyossl_conn *conn, pyossl_status status)
{
    if (status == PYOSSL_OK || !conn->busy || conn->failed != PYOSSL_OK ||
        osl_handshake_is_over(conn->ssl))
        return status;
    conn->first = osl_error_keep();
    conn->failed = status;
    conn->stopped = true;
    return status;
}

pyossl_status osl_verdict(pyossl_conn *conn, int result, int number)
{
    /* First of all, as it looks at the queue that everything else empties. */
    const int error = SSL_get_error(conn->ssl, result);
    const bool no_tls = error == SSL_ERROR_SSL && is_no_tls(ERR_peek_error());

    if (osl_transport_is_the_parents(&conn->transport)) /* since a callback: nothing moved */
        return osl_fail_text(PYOSSL_E_STATE, OSL_OF_THE_PARENT);
    if (conn->failed != PYOSSL_OK) /* in this very exchange: osl_judged_as_asked() */
        return ended(conn, no_tls, osl_conn_fail_again(conn));
    if (conn->stopped)
        return ended(conn, no_tls, osl_fail_text(PYOSSL_E_CALLBACK, "a callback stopped the call"));
    return ended(conn, no_tls, from_error(conn, error, number));
}
