/**
 * @file pyossl/conn.h
 * One TLS or DTLS connection: its transport, its settings, its exchange.
 *
 * A connection never blocks: a call that would have to wait returns
 * PYOSSL_WANT_READ or PYOSSL_WANT_WRITE, whatever the blocking mode of the
 * descriptor below it, and pyossl_conn_wait() or pyossl_conn_wait_input() does the waiting.
 *
 * @code{.c}
 * while (pyossl_is_retry(st = pyossl_conn_handshake(conn)))
 *     if ((st = pyossl_conn_wait(conn, st, 5000)) != PYOSSL_OK)
 *         break;
 * if (pyossl_is_retry(st))
 *     return report_timeout(); // nothing failed, so nothing is recorded: 5 s have passed
 * if (st != PYOSSL_OK)
 *     return report(st, pyossl_error_last());
 * @endcode
 *
 * @par Threads
 * One call at a time per connection, pyossl_conn_wait() and pyossl_conn_wait_input()
 * excepted; the library does not lock. Different connections, also of one context, are
 * independent.
 * @par Fork
 * After fork() the connection belongs to the parent: in the child every call
 * that would exchange bytes answers PYOSSL_E_STATE, and freeing it sends nothing.
 * That holds for a call whose callback forked, too: it moves no more bytes in the child.
 */
#ifndef PYOSSL_CONN_H
#define PYOSSL_CONN_H

#include "pyossl/export.h"
#include "pyossl/status.h"
#include "pyossl/types.h"

PYOSSL_BEGIN_DECLS

/** Which side of the handshake a connection plays. */
typedef enum pyossl_role {
    PYOSSL_CLIENT = 1, /**< speaks first */
    PYOSSL_SERVER = 2  /**< answers */
} pyossl_role;

/**
 * How bytes travel when neither a descriptor nor memory will do.
 *
 * Each function moves at most @c len bytes, stores how many in @c done, and
 * returns PYOSSL_OK; PYOSSL_WANT_READ or PYOSSL_WANT_WRITE where it would have to
 * wait; PYOSSL_TRUNCATED at the end; PYOSSL_E_CALLBACK, or PYOSSL_E_SYSTEM with
 * @c errno set, where it failed.
 */
typedef struct pyossl_transport {
    size_t size; /**< sizeof(pyossl_transport), so that the struct can grow */
    /** Fetch ciphertext. */
    pyossl_status (*read)(void *userdata, void *buf, size_t len, size_t *done);
    /** Hand over ciphertext. */
    pyossl_status (*write)(void *userdata, const void *buf, size_t len, size_t *done);
    /** Told once, when the connection lets go of the transport; may be NULL. */
    void (*release)(void *userdata);
} pyossl_transport;

/** A connection under @p ctx. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_new(pyossl_conn **out, pyossl_ctx *ctx) PYOSSL_NONNULL(1, 2);

/** One more owner; returns @p conn. */
PYOSSL_API pyossl_conn *pyossl_conn_ref(pyossl_conn *conn) PYOSSL_NONNULL(1);

/** One owner less; NULL is allowed. Sends nothing: that is pyossl_conn_shutdown()'s. */
PYOSSL_API void pyossl_conn_unref(pyossl_conn *conn);

/** What pyossl_conn_set_userdata() stored, or NULL. */
PYOSSL_API void *pyossl_conn_userdata(const pyossl_conn *conn) PYOSSL_NONNULL(1);

/** Remember @p userdata, which the library never looks into. */
PYOSSL_API void pyossl_conn_set_userdata(pyossl_conn *conn, void *userdata) PYOSSL_NONNULL(1);

/** The context in force, borrowed. */
PYOSSL_API pyossl_ctx *pyossl_conn_ctx(const pyossl_conn *conn) PYOSSL_NONNULL(1);

/**
 * Bind the connection to its context as that is now, as the first exchange would: from here
 * on it does not follow changes any more, and no setting of its own takes effect. For whoever
 * keeps something that has to go with the context's settings of one moment. Until a
 * handshake begins, pyossl_conn_set_ctx() undoes it.
 *
 * @retval PYOSSL_E_STATE there is no transport, or the handshake began in the parent process
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_begin(pyossl_conn *conn) PYOSSL_NONNULL(1);

/**
 * Go on under @p ctx; meant for pyossl_servername_cb.
 *
 * Inside a handshake that brings @p ctx's certificate, key, chain, whom it
 * trusts, and its choice of ALPN, OCSP and number of tickets; the verification
 * mode and callback, the host or address to verify, the options and the protocol
 * versions stay. Before the handshake all of @p ctx counts, also after calls that began
 * none, and a session of another context is forgotten.
 *
 * Later in a handshake OpenSSL uses what it has chosen of the context before.
 *
 * @retval PYOSSL_E_STATE in a handshake, but for pyossl_servername_cb; and in any other callback
 * @retval PYOSSL_E_ARGUMENT one context is for TLS, the other for DTLS
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_set_ctx(pyossl_conn *conn, pyossl_ctx *ctx) PYOSSL_NONNULL(1, 2);

/** Choose the side; PYOSSL_E_STATE once the handshake has begun. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_set_role(pyossl_conn *conn, pyossl_role role) PYOSSL_NONNULL(1);

/**
 * @name Transport
 * One of these, once, before the first exchange; PYOSSL_E_STATE after that.
 * @{
 */

/**
 * Talk through @p fd, which stays the caller's to close: a socket, or what read()
 * and write() take. A closed one is PYOSSL_E_SYSTEM when used. A socket for DTLS
 * must be connected to the peer. Until the handshake begins, another may be given.
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_use_fd(pyossl_conn *conn, int fd) PYOSSL_NONNULL(1);

/** Read through one descriptor and write through another. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_use_fds(pyossl_conn *conn, int read_fd, int write_fd)
    PYOSSL_NONNULL(1);

/** Talk through pyossl_conn_feed() and pyossl_conn_drain(). */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_use_memory(pyossl_conn *conn) PYOSSL_NONNULL(1);

/** Talk through @p transport; the struct is copied. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_use_transport(pyossl_conn *conn, const pyossl_transport *transport,
                                        void *userdata) PYOSSL_NONNULL(1, 2);

/** Read through one transport and write through another. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_use_transports(pyossl_conn *conn, const pyossl_transport *reader,
                                         void *reader_userdata, const pyossl_transport *writer,
                                         void *writer_userdata) PYOSSL_NONNULL(1, 2, 4);

/**
 * Let go of the transport, so that a descriptor's number may be used again:
 * later exchanges answer PYOSSL_E_SYSTEM with EBADF. Ciphertext that was not
 * drained is lost. A descriptor is not closed.
 */
PYOSSL_API void pyossl_conn_detach(pyossl_conn *conn) PYOSSL_NONNULL(1);
/** @} */

/**
 * @name Memory transport
 * PYOSSL_E_STATE on a connection with another transport.
 * @{
 */

/**
 * Give the connection ciphertext that came from the peer: for DTLS one datagram
 * a call, though several that were drained may be fed as one. Takes all of it,
 * unless a limit was set and reached: then PYOSSL_WANT_WRITE.
 *
 * @param[out] done       bytes taken
 * @retval PYOSSL_E_STATE the end has been fed
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_feed(pyossl_conn *conn, const void *data, size_t len, size_t *done)
    PYOSSL_NONNULL(1, 4);

/** Tell the connection that the peer will send no more. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_feed_eof(pyossl_conn *conn) PYOSSL_NONNULL(1);

/**
 * Take ciphertext meant for the peer; PYOSSL_WANT_READ when there is none. For DTLS
 * a call gives one datagram: none is longer than 17 KiB.
 *
 * @retval PYOSSL_E_ARGUMENT the datagram that is next is longer than @p cap, which the
 *                           record says; it is still there
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_drain(pyossl_conn *conn, void *buf, size_t cap, size_t *done)
    PYOSSL_NONNULL(1, 4);

/** Ciphertext bytes that wait for pyossl_conn_drain(). */
PYOSSL_API size_t pyossl_conn_drainable(const pyossl_conn *conn) PYOSSL_NONNULL(1);

/** The most bytes either direction may hold, 0 (the default) for no limit. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_set_memory_limit(pyossl_conn *conn, size_t limit) PYOSSL_NONNULL(1);
/** @} */

/**
 * @name Settings
 * For this connection alone.
 *
 * Those that the ClientHello depends on answer PYOSSL_E_STATE, and change nothing, once it
 * is made: server name, host name and address to verify, protocols, groups, signature
 * algorithms, session, OCSP. The last moment for them is pyossl_info_cb at
 * SSL_CB_HANDSHAKE_START of the first handshake. The others may be set at any time, and count
 * for what comes after.
 * @{
 */

/**
 * Ask for the host @p name (SNI): at most 255 bytes, no NUL; NULL asks for none. An
 * IP address is no name (RFC 6066, section 3): it is not sent, which is no error.
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_set_servername(pyossl_conn *conn, const char *name, size_t len)
    PYOSSL_NONNULL(1);

/** Require that the peer's certificate is for @p name: see pyossl_ctx_set_verify_hostname(). */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_set_verify_hostname(pyossl_conn *conn, const char *name, size_t len,
                                              unsigned flags) PYOSSL_NONNULL(1);

/** Require that the peer's certificate is for an address: see pyossl_ctx_set_verify_ip(). */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_set_verify_ip(pyossl_conn *conn, const char *address, size_t len)
    PYOSSL_NONNULL(1);

/** Offer these application protocols: see pyossl_ctx_set_alpn_protos(). */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_set_alpn_protos(pyossl_conn *conn, const unsigned char *protos,
                                          size_t len) PYOSSL_NONNULL(1);

/** Groups for the key exchange of this connection: see pyossl_ctx_set_groups(). */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_set_groups(pyossl_conn *conn, const char *groups) PYOSSL_NONNULL(1, 2);

/** Signature algorithms of this connection, also after pyossl_conn_set_ctx(): see pyossl_ctx_set_sigalgs(). */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_set_sigalgs(pyossl_conn *conn, const char *algorithms)
    PYOSSL_NONNULL(1, 2);

/** The same for clients' certificates alone: see pyossl_ctx_set_client_sigalgs(). */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_set_client_sigalgs(pyossl_conn *conn, const char *algorithms)
    PYOSSL_NONNULL(1, 2);

/** Use @p cert on this connection. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_use_certificate(pyossl_conn *conn, pyossl_x509 *cert)
    PYOSSL_NONNULL(1, 2);

/** Use @p pkey on this connection. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_use_pkey(pyossl_conn *conn, pyossl_pkey *pkey) PYOSSL_NONNULL(1, 2);

/**
 * Resume @p session, where the same is asked of the peer as when it was made, and neither its
 * time nor that of what it was judged by is over (pyossl/session.h); else the handshake is a full one.
 *
 * @retval PYOSSL_E_ARGUMENT it was made under another context, which this one's does not renew
 * (pyossl_ctx_renew())
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_set_session(pyossl_conn *conn, pyossl_session *session)
    PYOSSL_NONNULL(1, 2);

/** Ask the server for a stapled OCSP response. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_request_ocsp(pyossl_conn *conn) PYOSSL_NONNULL(1);

/** Add to the options, OpenSSL's SSL_OP_*. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_set_options(pyossl_conn *conn, uint64_t options) PYOSSL_NONNULL(1);

/** The options in force. */
PYOSSL_API uint64_t pyossl_conn_options(const pyossl_conn *conn) PYOSSL_NONNULL(1);

/** Add to the modes, OpenSSL's SSL_MODE_*. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_set_mode(pyossl_conn *conn, uint32_t mode) PYOSSL_NONNULL(1);

/** Take away from the modes. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_clear_mode(pyossl_conn *conn, uint32_t mode) PYOSSL_NONNULL(1);

/** The modes in force. */
PYOSSL_API uint32_t pyossl_conn_mode(const pyossl_conn *conn) PYOSSL_NONNULL(1);

/**
 * The largest DTLS datagram, in bytes. Without this it is what the path of a
 * connected socket carries, and 1232 elsewhere, which every IPv6 path carries. None
 * is longer than one record may be (16653 bytes), as peers read no more at once.
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_set_mtu(pyossl_conn *conn, size_t mtu) PYOSSL_NONNULL(1);
/** @} */

/**
 * @name Exchange
 * Each of these may run the context's callbacks, on the calling thread. After a
 * fatal failure all of them fail, and after PYOSSL_TRUNCATED all of them say that
 * again. PYOSSL_E_SYSTEM, and what a transport of the program's failed with, ends
 * nothing by itself: the next call asks the transport again.
 * @{
 */

/** Take the handshake as far as the transport allows. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_handshake(pyossl_conn *conn) PYOSSL_NONNULL(1);

/**
 * Read at most @p cap bytes of plaintext. Asking for none gives none, at once.
 *
 * @param[out] done         bytes stored; 0 unless PYOSSL_OK is returned
 * @retval PYOSSL_CLOSED    the peer said goodbye
 * @retval PYOSSL_TRUNCATED the peer vanished: what was read may be cut short
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_read(pyossl_conn *conn, void *buf, size_t cap, size_t *done)
    PYOSSL_NONNULL(1, 4);

/** The same, leaving the bytes to be read again. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_peek(pyossl_conn *conn, void *buf, size_t cap, size_t *done)
    PYOSSL_NONNULL(1, 4);

/**
 * Write a prefix of @p buf. Writing nothing does nothing.
 *
 * After a WANT, call again with bytes that begin the same way; they may lie
 * elsewhere in memory, and there may be more of them. Fewer are PYOSSL_E_ARGUMENT,
 * which leaves the connection as it was.
 *
 * @param[out] done bytes taken; 0 unless PYOSSL_OK is returned
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_write(pyossl_conn *conn, const void *buf, size_t len, size_t *done)
    PYOSSL_NONNULL(1, 4);

/**
 * Send the close alert, or look for the peer's.
 *
 * PYOSSL_E_OPENSSL before the handshake is over, PYOSSL_E_STATE while a write waits
 * to be repeated, or data to be read: none of these does any harm.
 *
 * @param[out] complete 1 once both alerts have passed, else 0: then read until
 *                      PYOSSL_CLOSED, or call again
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_shutdown(pyossl_conn *conn, int *complete) PYOSSL_NONNULL(1, 2);

/** Ask for a new handshake (TLS 1.2 and before); pyossl_conn_handshake() makes it. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_renegotiate(pyossl_conn *conn) PYOSSL_NONNULL(1);

/** Ask a client for its certificate now (TLS 1.3); pyossl_conn_handshake() sends the request. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_verify_client_post_handshake(pyossl_conn *conn) PYOSSL_NONNULL(1);

/** Change the keys (TLS 1.3), @p peer_too 1 to ask the peer for the same; sent with the next write. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_key_update(pyossl_conn *conn, int peer_too) PYOSSL_NONNULL(1);

/** Wait for a DTLS client that returns its cookie; PYOSSL_WANT_READ until then. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_dtls_listen(pyossl_conn *conn) PYOSSL_NONNULL(1);

/** Send again what a DTLS timer says was lost. @p handled is 1 if the time was up, else 0. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_dtls_handle_timeout(pyossl_conn *conn, int *handled)
    PYOSSL_NONNULL(1, 2);
/** @} */

/**
 * Wait until the transport's descriptor is ready for @p want, or a DTLS timer says that
 * something has to be sent again, which the next exchange does.
 *
 * This and pyossl_conn_wait_input() are the only functions here that block, and the
 * only ones a second thread may be in while this connection is used.
 *
 * @param timeout_ms      -1 for no limit
 * @retval PYOSSL_OK      try again now
 * @retval want           the time is up
 * @retval PYOSSL_E_SYSTEM poll() failed or a signal came: see pyossl_error_errno()
 * @retval PYOSSL_E_STATE the transport has no descriptor to wait for
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_wait(const pyossl_conn *conn, pyossl_status want, int timeout_ms)
    PYOSSL_NONNULL(1);

/**
 * Wait for bytes of the peer as recv() on the descriptor does: not at all where it is
 * in non-blocking mode, no longer than SO_RCVTIMEO where that is set, else without limit.
 *
 * Cheaper than pyossl_conn_wait() for a program that waits for short messages: while it
 * waits it looks at the record that comes, which the next read then fetches with one
 * system call instead of two. No byte is taken from the descriptor. Where another thread
 * writes meanwhile, pyossl_conn_wait() is the cheaper one: on Unix sockets a peer that reads
 * wakes who sleeps in recv().
 *
 * @retval PYOSSL_OK        there are bytes, the end, or an error: the next read tells
 * @retval PYOSSL_WANT_READ the descriptor does not wait, or its time is up
 * @retval PYOSSL_E_SYSTEM  a signal came (EINTR), but for one whose handler has
 *                          SA_RESTART, which ends no recv(); or a bad descriptor
 * @retval PYOSSL_E_STATE   the transport has no descriptor to wait for
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_wait_input(pyossl_conn *conn) PYOSSL_NONNULL(1);

PYOSSL_END_DECLS

#endif
