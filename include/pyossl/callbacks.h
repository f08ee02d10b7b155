/**
 * @file pyossl/callbacks.h
 * What a context asks its program.
 *
 * Every callback runs on the thread that drives the connection, inside the call
 * that drives it, and gets the connection first and the program's own pointer
 * last. What it is handed is borrowed for the duration of the call: take a
 * reference, or copy, to keep it.
 *
 * A callback may use its own connection: ask for facts, and where it is said,
 * change settings. It may not read, write, shake hands or shut down on it.
 *
 * PYOSSL_ANSWER_ABORT ends the call with PYOSSL_E_CALLBACK and, in a handshake,
 * turns the peer away. There is no answer by which a mistake lets a peer in.
 *
 * Each setter replaces the callback before. A NULL callback removes it. @c release,
 * which may be NULL, is called with @c userdata once no connection can call the
 * callback any more; when the setter itself fails, it is not called.
 */
#ifndef PYOSSL_CALLBACKS_H
#define PYOSSL_CALLBACKS_H

#include "pyossl/export.h"
#include "pyossl/status.h"
#include "pyossl/types.h"

PYOSSL_BEGIN_DECLS

/** What is known when a certificate of the peer's chain is judged. */
typedef struct pyossl_verify_event {
    size_t       size;      /**< bytes of this struct that are filled in */
    pyossl_x509 *cert;      /**< borrowed; NULL where OpenSSL has none to show */
    int          error;     /**< an X509_V_ERR_ number, 0 for none */
    int          depth;     /**< 0 for the peer's own certificate */
    int          preverify; /**< 1 where OpenSSL would accept */
} pyossl_verify_event;

/** ACCEPT clears the error and goes on, DECLINE fails the handshake. */
typedef pyossl_answer (*pyossl_verify_cb)(pyossl_conn *conn, const pyossl_verify_event *event,
                                          void *userdata);

/** Ask for and judge the peer's certificate by @p mode, PYOSSL_VERIFY_*; @p callback may be NULL. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_set_verify(pyossl_ctx *ctx, int mode, pyossl_verify_cb callback,
                                    void *userdata, pyossl_release_cb release) PYOSSL_NONNULL(1);

/**
 * The same for one connection, instead of what its context says. PYOSSL_E_STATE where a session
 * is being resumed already, as nobody will be judged any more, unless it is what counts there
 * already.
 *
 * In a callback whatever fails here ends the handshake: later calls on the connection answer the
 * same. So do pyossl_conn_set_verify_hostname() and pyossl_conn_set_verify_ip().
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_set_verify(pyossl_conn *conn, int mode, pyossl_verify_cb callback,
                                     void *userdata, pyossl_release_cb release) PYOSSL_NONNULL(1);

/**
 * The same, and say by what @p callback judges: @p judge is a number of the program's, 0 for
 * none. A session that a callback had a say in resumes, in this process, where a connection has the same
 * callback with the same number. Without a number it resumes under no other call of a setter, as
 * nobody can tell what @p userdata stands for.
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_set_verify_judge(pyossl_conn *conn, int mode, pyossl_verify_cb callback,
                                           void *userdata, pyossl_release_cb release,
                                           uint64_t judge) PYOSSL_NONNULL(1);

/** Where passphrases of key files come from. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_set_passphrase(pyossl_ctx *ctx, pyossl_passphrase_cb callback,
                                        void *userdata, pyossl_release_cb release)
    PYOSSL_NONNULL(1);

/** Told how a handshake goes: @p where and @p ret as in SSL_CTX_set_info_callback(3). */
typedef void (*pyossl_info_cb)(pyossl_conn *conn, int where, int ret, void *userdata);

/** Be told how handshakes go. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_set_info(pyossl_ctx *ctx, pyossl_info_cb callback, void *userdata,
                                  pyossl_release_cb release) PYOSSL_NONNULL(1);

/** The same for one connection, instead of its context's. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_conn_set_info(pyossl_conn *conn, pyossl_info_cb callback, void *userdata,
                                   pyossl_release_cb release) PYOSSL_NONNULL(1);

/** Told a line of the NSS key log, without its line end. The line is as secret as the traffic. */
typedef void (*pyossl_keylog_cb)(pyossl_conn *conn, const char *line, void *userdata);

/** Log keys, for tools that decrypt captures. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_set_keylog(pyossl_ctx *ctx, pyossl_keylog_cb callback, void *userdata,
                                    pyossl_release_cb release) PYOSSL_NONNULL(1);

/**
 * A server saw a ClientHello: pyossl_conn_servername() tells which host the
 * client wants, and pyossl_conn_set_ctx() changes to its certificate. A site that
 * demands certificates says so with pyossl_conn_set_verify().
 *
 * Asked once for each handshake, before any session is looked at: no version and no
 * cipher is settled yet. A second ClientHello must name the same host.
 *
 * ACCEPT and DECLINE both go on; ABORT turns the client away.
 */
typedef pyossl_answer (*pyossl_servername_cb)(pyossl_conn *conn, void *userdata);

/** Choose by the host name that a client wants (SNI, RFC 6066). */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_set_servername(pyossl_ctx *ctx, pyossl_servername_cb callback,
                                        void *userdata, pyossl_release_cb release)
    PYOSSL_NONNULL(1);

/**
 * Choose one of the client's application protocols.
 *
 * @param offered  wire format: each behind a byte with its length
 * @param selected room for 255 bytes
 * @param selected_len its length; what is chosen must be among those offered
 * @return ACCEPT for @p selected; DECLINE to go on without a protocol; ABORT
 */
typedef pyossl_answer (*pyossl_alpn_cb)(pyossl_conn *conn, const unsigned char *offered,
                                        size_t offered_len, unsigned char *selected,
                                        size_t *selected_len, void *userdata);

/** Choose the application protocol (ALPN, RFC 7301), on a server. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_set_alpn_select(pyossl_ctx *ctx, pyossl_alpn_cb callback, void *userdata,
                                         pyossl_release_cb release) PYOSSL_NONNULL(1);

/** A server says which protocols it has: wire format into @p protos, which pyossl_buf_set() fills. */
typedef pyossl_answer (*pyossl_npn_advertise_cb)(pyossl_conn *conn, pyossl_buf *protos,
                                                 void *userdata);

/** Next protocol negotiation, server's side: TLS 1.2 and before. PYOSSL_E_UNSUPPORTED without it. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_set_npn_advertise(pyossl_ctx *ctx, pyossl_npn_advertise_cb callback,
                                           void *userdata, pyossl_release_cb release)
    PYOSSL_NONNULL(1);

/**
 * Next protocol negotiation, client's side. What is chosen may also be a protocol
 * that the server did not name; a client has to choose, so DECLINE fails the handshake.
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_set_npn_select(pyossl_ctx *ctx, pyossl_alpn_cb callback, void *userdata,
                                        pyossl_release_cb release) PYOSSL_NONNULL(1);

/** A client asked for the certificate's status: DER of an OCSP response, by pyossl_buf_set(). */
typedef pyossl_answer (*pyossl_ocsp_server_cb)(pyossl_conn *conn, pyossl_buf *response,
                                               void *userdata);

/** Staple OCSP responses (RFC 6066, section 8). DECLINE staples none. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_set_ocsp_server(pyossl_ctx *ctx, pyossl_ocsp_server_cb callback,
                                         void *userdata, pyossl_release_cb release)
    PYOSSL_NONNULL(1);

/** The server's stapled response, @p len 0 where it sent none. DECLINE fails the handshake. */
typedef pyossl_answer (*pyossl_ocsp_client_cb)(pyossl_conn *conn, const unsigned char *response,
                                               size_t len, void *userdata);

/** Judge stapled responses; called on connections that used pyossl_conn_request_ocsp(). */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_set_ocsp_client(pyossl_ctx *ctx, pyossl_ocsp_client_cb callback,
                                         void *userdata, pyossl_release_cb release)
    PYOSSL_NONNULL(1);

/** The longest cookie that DTLS can carry. */
#define PYOSSL_COOKIE_MAX 255

/** Make a cookie that only this client can return (RFC 6347): at most PYOSSL_COOKIE_MAX bytes. */
typedef pyossl_answer (*pyossl_cookie_generate_cb)(pyossl_conn *conn, unsigned char *cookie,
                                                   size_t cap, size_t *len, void *userdata);

/** Make cookies for DTLS clients. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_set_cookie_generate(pyossl_ctx *ctx, pyossl_cookie_generate_cb callback,
                                             void *userdata, pyossl_release_cb release)
    PYOSSL_NONNULL(1);

/** Whether a cookie is one that was made for this client; compare with pyossl_equal_bytes(). */
typedef pyossl_answer (*pyossl_cookie_verify_cb)(pyossl_conn *conn, const unsigned char *cookie,
                                                 size_t len, void *userdata);

/** Judge the cookies that DTLS clients return. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_set_cookie_verify(pyossl_ctx *ctx, pyossl_cookie_verify_cb callback,
                                           void *userdata, pyossl_release_cb release)
    PYOSSL_NONNULL(1);

/** A new session that can be resumed: the way to get one under TLS 1.3. */
typedef void (*pyossl_new_session_cb)(pyossl_conn *conn, pyossl_session *session, void *userdata);

/** Be told of new sessions. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_set_new_session(pyossl_ctx *ctx, pyossl_new_session_cb callback,
                                         void *userdata, pyossl_release_cb release)
    PYOSSL_NONNULL(1);

/** Replace what @p buf holds by a copy of @p len bytes; for callbacks that answer with bytes. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_buf_set(pyossl_buf *buf, const void *data, size_t len) PYOSSL_NONNULL(1);

/** 1 if the bytes are the same, in a time that does not tell where they differ; else 0. */
PYOSSL_API int pyossl_equal_bytes(const void *a, size_t a_len, const void *b, size_t b_len);

PYOSSL_END_DECLS

#endif
