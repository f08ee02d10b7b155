/*
 * Facts about a connection: its state, what was negotiated, and its secrets.
 *
 * OpenSSL's getters were made for the state in which their answer means
 * something; asked in another, some crash and some answer with bytes that were
 * never set. So each is asked only where it is good.
 */
#include "tls.h"

#include <openssl/dtls1.h>
#include <openssl/srtp.h>

/* ---- state ---- */

size_t pyossl_conn_pending(const pyossl_conn *conn)
{
    OSL_NEED_OR(0, conn != NULL);
    const SSL *ssl = osl_conn_ssl(conn);
    const int pending = conn->hollow ? 0 : SSL_pending(ssl);

    return pending > 0 ? (size_t)pending : 0;
}

int pyossl_conn_has_pending(const pyossl_conn *conn)
{
    OSL_NEED_OR(0, conn != NULL);
    const SSL *ssl = osl_conn_ssl(conn);

    return (!conn->hollow && SSL_has_pending(ssl) == 1) || osl_queue_len(&conn->transport.in) > 0;
}

int pyossl_conn_wants_read(const pyossl_conn *conn)
{
    OSL_NEED_OR(0, conn != NULL);
    return conn->wants == PYOSSL_WANT_READ;
}

int pyossl_conn_wants_write(const pyossl_conn *conn)
{
    OSL_NEED_OR(0, conn != NULL);
    return conn->wants == PYOSSL_WANT_WRITE;
}

int pyossl_conn_begun(const pyossl_conn *conn)
{
    OSL_NEED_OR(0, conn != NULL);
    return conn->begun;
}

int pyossl_conn_established(const pyossl_conn *conn)
{
    OSL_NEED_OR(0, conn != NULL);
    return conn->failed == PYOSSL_OK && SSL_is_init_finished(osl_conn_ssl(conn)) == 1;
}

int pyossl_conn_is_server(const pyossl_conn *conn)
{
    OSL_NEED_OR(0, conn != NULL);
    if (conn->role == 0)
        return -1;
    return conn->role == PYOSSL_SERVER;
}

int pyossl_conn_is_dtls(const pyossl_conn *conn)
{
    OSL_NEED_OR(0, conn != NULL);
    return SSL_is_dtls(osl_conn_ssl(conn)) == 1;
}

const char *pyossl_conn_state_string(const pyossl_conn *conn)
{
    OSL_NEED_OR(NULL, conn != NULL);
    return SSL_state_string_long(osl_conn_ssl(conn));
}

int pyossl_conn_shutdown_state(const pyossl_conn *conn)
{
    OSL_NEED_OR(0, conn != NULL);
    return SSL_get_shutdown(osl_conn_ssl(conn));
}

pyossl_status pyossl_conn_set_shutdown_state(pyossl_conn *conn, int state)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL);

    if ((state & ~(SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN)) != 0)
        return osl_fail_text(PYOSSL_E_ARGUMENT, "no state of close alerts");
    OSL_TRY(osl_conn_follow(conn));
    SSL_set_shutdown(conn->ssl, state);
    return PYOSSL_OK;
}

int pyossl_conn_renegotiate_pending(const pyossl_conn *conn)
{
    OSL_NEED_OR(0, conn != NULL);
    return SSL_renegotiate_pending(osl_conn_ssl(conn)) == 1;
}

long pyossl_conn_total_renegotiations(const pyossl_conn *conn)
{
    OSL_NEED_OR(0, conn != NULL);
    return SSL_total_renegotiations(osl_conn_ssl(conn));
}

int pyossl_conn_fd(const pyossl_conn *conn)
{
    OSL_NEED_OR(0, conn != NULL);
    const osl_transport *transport = &conn->transport;

    if (transport->kind != OSL_TRANSPORT_FD ||
        atomic_load_explicit(&transport->gone, memory_order_relaxed))
        return -1;
    return transport->read_fd;
}

/* ---- what was negotiated ---- */

const char *pyossl_conn_protocol(const pyossl_conn *conn)
{
    OSL_NEED_OR(NULL, conn != NULL);
    return SSL_get_version(osl_conn_ssl(conn));
}

int pyossl_conn_protocol_number(const pyossl_conn *conn)
{
    OSL_NEED_OR(0, conn != NULL);
    return SSL_version(osl_conn_ssl(conn));
}

const char *pyossl_conn_cipher_name(const pyossl_conn *conn)
{
    OSL_NEED_OR(NULL, conn != NULL);
    const SSL_CIPHER *cipher = SSL_get_current_cipher(osl_conn_ssl(conn));

    return cipher != NULL ? SSL_CIPHER_get_name(cipher) : NULL;
}

const char *pyossl_conn_cipher_version(const pyossl_conn *conn)
{
    OSL_NEED_OR(NULL, conn != NULL);
    const SSL_CIPHER *cipher = SSL_get_current_cipher(osl_conn_ssl(conn));

    return cipher != NULL ? SSL_CIPHER_get_version(cipher) : NULL;
}

int pyossl_conn_cipher_bits(const pyossl_conn *conn)
{
    OSL_NEED_OR(0, conn != NULL);
    const SSL_CIPHER *cipher = SSL_get_current_cipher(osl_conn_ssl(conn));

    return cipher != NULL ? SSL_CIPHER_get_bits(cipher, NULL) : -1;
}

const char *pyossl_conn_cipher_at(const pyossl_conn *conn, int index)
{
    OSL_NEED_OR(NULL, conn != NULL);
    return index >= 0 ? SSL_get_cipher_list(osl_conn_ssl(conn), index) : NULL;
}

const char *pyossl_conn_group_name(const pyossl_conn *conn)
{
    OSL_NEED_OR(NULL, conn != NULL);
    SSL *ssl = osl_conn_ssl(conn);

    if (SSL_get_session(ssl) == NULL) /* both calls below would crash */
        return NULL;
#if defined(OSL_HAVE_GET0_GROUP_NAME)
    return SSL_get0_group_name(ssl);
#else
    return SSL_group_to_name(ssl, (int)SSL_get_negotiated_group(ssl));
#endif
}

#ifdef SSL_get0_signature_name
/* Once set_ctx() was called behind the handshake, OpenSSL's names may lie in a context that is gone. */
static bool knows_signatures(const pyossl_conn *conn)
{
    return !conn->hollow && !conn->moved;
}
#endif

const char *pyossl_conn_signature_name(const pyossl_conn *conn)
{
    OSL_NEED_OR(NULL, conn != NULL);
    const char *name = NULL;

#ifdef SSL_get0_signature_name
    SSL *ssl = osl_conn_ssl(conn);

    if (knows_signatures(conn) && SSL_get0_signature_name(ssl, &name) != 1)
        name = NULL;
#endif
    return name;
}

const char *pyossl_conn_peer_signature_name(const pyossl_conn *conn)
{
    OSL_NEED_OR(NULL, conn != NULL);
    const char *name = NULL;

#ifdef SSL_get0_peer_signature_name
    SSL *ssl = osl_conn_ssl(conn);

    if (knows_signatures(conn) && SSL_get0_peer_signature_name(ssl, &name) != 1)
        name = NULL;
#endif
    return name;
}

int pyossl_conn_resumed(const pyossl_conn *conn)
{
    OSL_NEED_OR(0, conn != NULL);
    SSL *ssl = osl_conn_ssl(conn);

    return SSL_session_reused(ssl) == 1;
}

const unsigned char *pyossl_conn_alpn(const pyossl_conn *conn, size_t *len)
{
    OSL_NEED_OR(NULL, conn != NULL && len != NULL);
    const unsigned char *data = NULL;
    unsigned data_len = 0;

    SSL_get0_alpn_selected(osl_conn_ssl(conn), &data, &data_len);
    *len = data != NULL ? data_len : 0;
    return data;
}

const unsigned char *pyossl_conn_npn(const pyossl_conn *conn, size_t *len)
{
    OSL_NEED_OR(NULL, conn != NULL && len != NULL);
    const unsigned char *data = NULL;
    unsigned data_len = 0;

#if !defined(OPENSSL_NO_NEXTPROTONEG)
    SSL_get0_next_proto_negotiated(osl_conn_ssl(conn), &data, &data_len);
#else
    (void)conn;
#endif
    *len = data != NULL ? data_len : 0;
    return data;
}

const char *pyossl_conn_servername(const pyossl_conn *conn)
{
    OSL_NEED_OR(NULL, conn != NULL);
    const SSL *ssl = osl_conn_ssl(conn);

    /* OpenSSL knows it later, and that of the session instead where one is resumed. */
    return conn->hello.seen ? conn->hello.name : SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
}

const char *pyossl_conn_srtp_profile(const pyossl_conn *conn)
{
    OSL_NEED_OR(NULL, conn != NULL);
#if !defined(OPENSSL_NO_SRTP)
    const SRTP_PROTECTION_PROFILE *profile = SSL_get_selected_srtp_profile(osl_conn_ssl(conn));

    return profile != NULL ? profile->name : NULL;
#else
    (void)conn;
    return NULL;
#endif
}

/* How much plaintext a record may have: less than usual where both sides agreed on it (RFC 6066 4).
 */
static size_t record_max(const SSL *ssl)
{
    const SSL_SESSION *session = SSL_get_session(ssl);
    const unsigned mode = session != NULL ? SSL_SESSION_get_max_fragment_length(session)
                                          : TLSEXT_max_fragment_length_DISABLED;

    if (mode >= TLSEXT_max_fragment_length_512 && mode <= TLSEXT_max_fragment_length_4096)
        return (size_t)512 << (mode - TLSEXT_max_fragment_length_512);
    return SSL3_RT_MAX_PLAIN_LENGTH;
}

size_t pyossl_conn_cleartext_mtu(const pyossl_conn *conn)
{
    OSL_NEED_OR(0, conn != NULL);
    SSL *ssl = osl_conn_ssl(conn);
    size_t fits, most;

    if (SSL_is_dtls(ssl) != 1) /* asked of a TLS connection, OpenSSL crashes */
        return 0;
    fits = DTLS_get_data_mtu(ssl);
    most = record_max(ssl);
    return fits < most ? fits : most;
}

int64_t pyossl_conn_dtls_timeout(const pyossl_conn *conn)
{
    OSL_NEED_OR(0, conn != NULL);
    SSL *ssl = osl_conn_ssl(conn);
    struct timeval left = { 0, 0 };

    if (SSL_is_dtls(ssl) != 1 || DTLSv1_get_timeout(ssl, &left) != 1)
        return -1;
    /* Rounded up, so that who has waited this long has waited long enough. */
    return (int64_t)left.tv_sec * 1000 + ((int64_t)left.tv_usec + 999) / 1000;
}

/* ---- secrets ---- */

static pyossl_status fail_no_secret(void)
{
    return osl_fail_text(PYOSSL_E_NOT_FOUND, "the handshake has not come that far");
}

typedef size_t finished_function(const SSL *ssl, void *buf, size_t cap);

static pyossl_status get_finished(finished_function *function, const SSL *ssl, pyossl_buf *out)
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    const size_t len = function(ssl, bytes, sizeof bytes);

    if (len == 0 || len > sizeof bytes)
        return fail_no_secret();
    return osl_buf_set(out, bytes, len);
}

typedef size_t random_function(const SSL *ssl, unsigned char *buf, size_t cap);

static pyossl_status get_random(random_function *function, const SSL *ssl, pyossl_buf *out)
{
    static const unsigned char unset[SSL3_RANDOM_SIZE];
    unsigned char bytes[SSL3_RANDOM_SIZE];

    if (function(ssl, bytes, sizeof bytes) != sizeof bytes ||
        memcmp(bytes, unset, sizeof bytes) == 0)
        return fail_no_secret();
    return osl_buf_set(out, bytes, sizeof bytes);
}

static pyossl_status get_master_key(const SSL *ssl, pyossl_buf *out)
{
    unsigned char bytes[SSL_MAX_MASTER_KEY_LENGTH];
    const SSL_SESSION *session = SSL_get_session(ssl);
    pyossl_status status;
    size_t len;

    if (session == NULL)
        return fail_no_secret();
    len = SSL_SESSION_get_master_key(session, bytes, sizeof bytes);
    /* Under TLS 1.3 a client has none until a ticket has come. */
    status = len > 0 && len <= sizeof bytes ? osl_buf_set(out, bytes, len) : fail_no_secret();
    OPENSSL_cleanse(bytes, sizeof bytes);
    return status;
}

pyossl_status pyossl_conn_secret(const pyossl_conn *conn, pyossl_secret which, pyossl_buf *out)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL && out != NULL);
    SSL *ssl = osl_conn_ssl(conn);

    if (!conn->begun) /* a session to resume would tell secrets of the connection it comes from */
        return fail_no_secret();
    switch (which) {
    case PYOSSL_CLIENT_RANDOM:
        return get_random(SSL_get_client_random, ssl, out);
    case PYOSSL_SERVER_RANDOM:
        return get_random(SSL_get_server_random, ssl, out);
    case PYOSSL_MASTER_KEY:
        return get_master_key(ssl, out);
    case PYOSSL_FINISHED:
        return get_finished(SSL_get_finished, ssl, out);
    case PYOSSL_PEER_FINISHED:
        return get_finished(SSL_get_peer_finished, ssl, out);
    }
    return osl_fail_text(PYOSSL_E_ARGUMENT, "no such secret");
}

/*
 * Whether both sides have shown that they have the keys: from the info callback that
 * says so on, when OpenSSL has its last step still before it.
 */
static bool keys_are_agreed(const pyossl_conn *conn, const SSL *ssl)
{
    return conn->failed == PYOSSL_OK && SSL_in_init(ssl) == 0;
}

pyossl_status pyossl_conn_export_keying_material(const pyossl_conn *conn, const char *label,
                                                 size_t label_len, const void *context,
                                                 size_t context_len, size_t len, pyossl_buf *out)
{
    OSL_API_ENTER;
    OSL_NEED(conn != NULL && label != NULL && osl_fits(label, label_len) &&
             osl_fits(context, context_len) && len <= (size_t)SSIZE_MAX && out != NULL);
    osl_auto_buf material = PYOSSL_BUF_INIT;
    SSL *ssl = osl_conn_ssl(conn);

    if (context != NULL && context_len > UINT16_MAX) /* its length is written in two bytes */
        return osl_fail_text(PYOSSL_E_ARGUMENT, "context too long");
    if (!keys_are_agreed(conn, ssl))
        return osl_fail_text(PYOSSL_E_STATE, "the handshake is not over");
    OSL_TRY(osl_buf_alloc(&material, len));
    if (SSL_export_keying_material(ssl, material.data, len, label, label_len, context,
                                   context != NULL ? context_len : 0, context != NULL) != 1)
        return osl_fail(PYOSSL_E_OPENSSL);
    osl_buf_move(out, &material);
    return PYOSSL_OK;
}
