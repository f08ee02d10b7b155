/**
 * @file pyossl/info.h
 * Facts about a connection.
 *
 * What returns a value can neither fail nor call back. All of this may be used
 * in callbacks.
 */
#ifndef PYOSSL_INFO_H
#define PYOSSL_INFO_H

#include "pyossl/export.h"
#include "pyossl/status.h"
#include "pyossl/types.h"

PYOSSL_BEGIN_DECLS

/**
 * @name State
 * @{
 */

/** Plaintext bytes that can be read without touching the transport. */
PYOSSL_API size_t pyossl_conn_pending(const pyossl_conn *conn) PYOSSL_NONNULL(1);

/** 1 if anything, processed or not, waits inside the connection; else 0. */
PYOSSL_API int pyossl_conn_has_pending(const pyossl_conn *conn) PYOSSL_NONNULL(1);

/** 1 if the last exchange waits to read, else 0. */
PYOSSL_API int pyossl_conn_wants_read(const pyossl_conn *conn) PYOSSL_NONNULL(1);

/** 1 if the last exchange waits to write, else 0. */
PYOSSL_API int pyossl_conn_wants_write(const pyossl_conn *conn) PYOSSL_NONNULL(1);

/** 1 once the handshake has begun, so that changes of the context no longer take effect; else 0. */
PYOSSL_API int pyossl_conn_begun(const pyossl_conn *conn) PYOSSL_NONNULL(1);

/** 1 once the handshake is over and nothing fatal has happened; else 0. */
PYOSSL_API int pyossl_conn_established(const pyossl_conn *conn) PYOSSL_NONNULL(1);

/** 1 on a server, 0 on a client, -1 before a role was chosen. */
PYOSSL_API int pyossl_conn_is_server(const pyossl_conn *conn) PYOSSL_NONNULL(1);

/** 1 for DTLS, else 0. */
PYOSSL_API int pyossl_conn_is_dtls(const pyossl_conn *conn) PYOSSL_NONNULL(1);

/** Where the handshake is, in OpenSSL's words. */
PYOSSL_API const char *pyossl_conn_state_string(const pyossl_conn *conn) PYOSSL_NONNULL(1);

/** Close alerts: 1 if one was sent, 2 if one was received, 3 for both. */
PYOSSL_API int pyossl_conn_shutdown_state(const pyossl_conn *conn) PYOSSL_NONNULL(1);

/** Pretend that close alerts have passed. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_set_shutdown_state(pyossl_conn *conn, int state) PYOSSL_NONNULL(1);

/** 1 if a renegotiation has been asked for and is not over, else 0. */
PYOSSL_API int pyossl_conn_renegotiate_pending(const pyossl_conn *conn) PYOSSL_NONNULL(1);

/** How many renegotiations there have been. */
PYOSSL_API long pyossl_conn_total_renegotiations(const pyossl_conn *conn) PYOSSL_NONNULL(1);

/** The descriptor that is read from, or -1. */
PYOSSL_API int pyossl_conn_fd(const pyossl_conn *conn) PYOSSL_NONNULL(1);
/** @} */

/**
 * @name What was negotiated
 * Texts are borrowed for as long as the connection lives.
 * @{
 */

/** "TLSv1.3" and the like; before the handshake the highest that could be. */
PYOSSL_API const char *pyossl_conn_protocol(const pyossl_conn *conn) PYOSSL_NONNULL(1);

/** The same by number, e.g. 0x0304. */
PYOSSL_API int pyossl_conn_protocol_number(const pyossl_conn *conn) PYOSSL_NONNULL(1);

/** The cipher in use, or NULL. */
PYOSSL_API const char *pyossl_conn_cipher_name(const pyossl_conn *conn) PYOSSL_NONNULL(1);

/** Which protocol the cipher in use belongs to, or NULL. */
PYOSSL_API const char *pyossl_conn_cipher_version(const pyossl_conn *conn) PYOSSL_NONNULL(1);

/** The secret bits of the cipher in use, or -1. */
PYOSSL_API int pyossl_conn_cipher_bits(const pyossl_conn *conn) PYOSSL_NONNULL(1);

/** Cipher @p index of those that may be used, or NULL past the end. */
PYOSSL_API const char *pyossl_conn_cipher_at(const pyossl_conn *conn, int index)
    PYOSSL_NONNULL(1);

/** The key exchange group, or NULL where there is none or OpenSSL cannot tell. */
PYOSSL_API const char *pyossl_conn_group_name(const pyossl_conn *conn) PYOSSL_NONNULL(1);

/**
 * The algorithm that our key signed the handshake with, e.g. "rsa_pss_rsae_sha256", "mldsa65" (RFC
 * 8446, 4.2.3); NULL where it did not, as on most clients and where a session is resumed, after
 * pyossl_conn_set_ctx() behind the handshake, and with OpenSSL before 3.5, which cannot tell
 * (PYOSSL_FEATURE_SIGNATURE_NAME).
 */
PYOSSL_API const char *pyossl_conn_signature_name(const pyossl_conn *conn) PYOSSL_NONNULL(1);

/** The same of the peer's signature. */
PYOSSL_API const char *pyossl_conn_peer_signature_name(const pyossl_conn *conn) PYOSSL_NONNULL(1);

/** 1 if the session was resumed, else 0. */
PYOSSL_API int pyossl_conn_resumed(const pyossl_conn *conn) PYOSSL_NONNULL(1);

/** The application protocol (ALPN); @p len 0 where there is none. */
PYOSSL_API const unsigned char *pyossl_conn_alpn(const pyossl_conn *conn, size_t *len)
    PYOSSL_NONNULL(1, 2);

/** The application protocol (NPN); @p len 0 where there is none. */
PYOSSL_API const unsigned char *pyossl_conn_npn(const pyossl_conn *conn, size_t *len)
    PYOSSL_NONNULL(1, 2);

/** The host the client asks for (SNI), or NULL. */
PYOSSL_API const char *pyossl_conn_servername(const pyossl_conn *conn) PYOSSL_NONNULL(1);

/** The DTLS-SRTP profile, or NULL. */
PYOSSL_API const char *pyossl_conn_srtp_profile(const pyossl_conn *conn) PYOSSL_NONNULL(1);

/**
 * How much plaintext one pyossl_conn_write() takes with DTLS, where it has to fit in one
 * record and one datagram; 0 where that cannot be told.
 */
PYOSSL_API size_t pyossl_conn_cleartext_mtu(const pyossl_conn *conn) PYOSSL_NONNULL(1);

/** Milliseconds until pyossl_conn_dtls_handle_timeout() is due, or -1. */
PYOSSL_API int64_t pyossl_conn_dtls_timeout(const pyossl_conn *conn) PYOSSL_NONNULL(1);
/** @} */

/**
 * @name Certificates
 * @{
 */

/** The peer's certificate; PYOSSL_E_NOT_FOUND where it sent none. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_peer_certificate(const pyossl_conn *conn, pyossl_x509 **out)
    PYOSSL_NONNULL(1, 2);

/** What the peer sent: on a client leaf first, on a server without the leaf. PYOSSL_E_NOT_FOUND for nothing. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_peer_chain(const pyossl_conn *conn, pyossl_x509_list *out)
    PYOSSL_NONNULL(1, 2);

/** The chain that was built, leaf to root, even where it was refused. PYOSSL_E_NOT_FOUND for none. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_verified_chain(const pyossl_conn *conn, pyossl_x509_list *out)
    PYOSSL_NONNULL(1, 2);

/** The verification's result: 0 or an X509_V_ERR_ number, for pyossl_verify_error_string(). */
PYOSSL_API long pyossl_conn_verify_result(const pyossl_conn *conn) PYOSSL_NONNULL(1);

/** The verification mode in force: PYOSSL_VERIFY_*. */
PYOSSL_API int pyossl_conn_verify_mode(const pyossl_conn *conn) PYOSSL_NONNULL(1);

/** Our own certificate; PYOSSL_E_NOT_FOUND where there is none. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_certificate(const pyossl_conn *conn, pyossl_x509 **out)
    PYOSSL_NONNULL(1, 2);

/** How many names the list of welcome client authorities has: ours on a server, the server's on a client. */
PYOSSL_API size_t pyossl_conn_client_ca_count(const pyossl_conn *conn) PYOSSL_NONNULL(1);

/** A copy of name @p index of that list; PYOSSL_E_NOT_FOUND past the end. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_client_ca_at(const pyossl_conn *conn, size_t index, pyossl_name **out)
    PYOSSL_NONNULL(1, 3);

/**
 * The peer's temporary key of the key exchange; PYOSSL_E_NOT_FOUND where there is none: to a
 * client, a server sends none in a group with ML-KEM (such as X25519MLKEM768, the first choice
 * of OpenSSL 3.5), but a secret sealed for the client's own.
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_peer_tmp_key(const pyossl_conn *conn, pyossl_pkey **out)
    PYOSSL_NONNULL(1, 2);
/** @} */

/**
 * @name Secrets and identifiers
 * PYOSSL_E_NOT_FOUND before there are any.
 * @{
 */

/** The session, to resume later; PYOSSL_E_NOT_FOUND before there is one. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_session(pyossl_conn *conn, pyossl_session **out) PYOSSL_NONNULL(1, 2);

/** Which of a connection's secrets. */
typedef enum pyossl_secret {
    PYOSSL_CLIENT_RANDOM = 1, /**< 32 bytes, sent in the clear */
    PYOSSL_SERVER_RANDOM = 2, /**< 32 bytes, sent in the clear */
    PYOSSL_MASTER_KEY    = 3, /**< the master secret */
    PYOSSL_FINISHED      = 4, /**< our Finished message: a channel binding (RFC 5929) */
    PYOSSL_PEER_FINISHED = 5  /**< the peer's Finished message */
} pyossl_secret;

/** One of the secrets. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_secret(const pyossl_conn *conn, pyossl_secret which, pyossl_buf *out)
    PYOSSL_NONNULL(1, 3);

/**
 * Derive @p len bytes that only the two peers know (RFC 5705, RFC 8446 section 7.5).
 *
 * @param context mixed in; NULL for none, which differs from empty before TLS 1.3
 * @retval PYOSSL_E_STATE the handshake is not over; in the info callback that says so, it is
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_export_keying_material(const pyossl_conn *conn, const char *label,
                                                 size_t label_len, const void *context,
                                                 size_t context_len, size_t len, pyossl_buf *out)
    PYOSSL_NONNULL(1, 2, 7);
/** @} */

PYOSSL_END_DECLS

#endif
