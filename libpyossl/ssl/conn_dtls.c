/* What datagrams ask for: cookies and timers. */
#include "tls.h"

#include <errno.h>

#include <openssl/sslerr.h>

OSL_DEFINE_AUTO(BIO_ADDR, BIO_ADDR_free)

static pyossl_status check_listen(pyossl_conn *conn)
{
    if (SSL_is_dtls(conn->ssl) != 1) {
        ERR_raise(ERR_LIB_SSL, SSL_R_UNSUPPORTED_SSL_VERSION);
        return osl_fail(PYOSSL_E_OPENSSL);
    }
    if (conn->role == PYOSSL_CLIENT)
        return osl_fail_text(PYOSSL_E_STATE, "a client cannot listen");
    /* OpenSSL would throw away the connection that it has. */
    if (conn->begun && SSL_in_before(conn->ssl) != 1)
        return osl_fail_text(PYOSSL_E_STATE, "the handshake is under way");
    return PYOSSL_OK;
}

pyossl_status pyossl_conn_dtls_listen(pyossl_conn *conn)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL);
    OSL_CONN_HOLD(conn);
    osl_auto(BIO_ADDR) *peer = NULL;
    int result, number;

    OSL_TRY(check_listen(conn));
    if (conn->role == 0)
        OSL_TRY(pyossl_conn_set_role(conn, PYOSSL_SERVER));
    peer = BIO_ADDR_new(); /* OpenSSL wants to store it; the program knows whom it talks to */
    if (peer == NULL)
        return osl_fail(PYOSSL_E_NOMEM);
    OSL_TRY(osl_conn_enter(conn));
    result = DTLSv1_listen(conn->ssl, peer);
    number = errno;
    conn->transport.peek = false;
    if (conn->transport.failed != PYOSSL_OK) /* which for OpenSSL was a wait */
        result = -1;
    OSL_TRY(osl_conn_leave(conn, result == 0 ? 1 : result, number));
    if (result == 0) {
        conn->wants = PYOSSL_WANT_READ;
        return PYOSSL_WANT_READ;
    }
    return PYOSSL_OK;
}

pyossl_status pyossl_conn_dtls_handle_timeout(pyossl_conn *conn, int *handled)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL && handled != NULL);
    OSL_CONN_HOLD(conn);
    int result;

    if (!conn->begun || SSL_is_dtls(conn->ssl) != 1) { /* no timer runs */
        *handled = 0;
        return PYOSSL_OK;
    }
    OSL_TRY(osl_conn_enter(conn));
    result = (int)DTLSv1_handle_timeout(conn->ssl);
    OSL_TRY(osl_conn_leave(conn, result == 0 ? 1 : result, errno));
    *handled = result > 0;
    return PYOSSL_OK;
}
