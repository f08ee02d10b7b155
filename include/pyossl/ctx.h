/**
 * @file pyossl/ctx.h
 * Settings shared by connections.
 *
 * A context may be changed at any time, from any thread. The change takes effect
 * for connections whose handshake has not begun; those under way keep what they
 * had. A change that fails leaves the context as it was. Sessions of before a change
 * still resume where it does not change what is asked of the peer (pyossl/session.h).
 *
 * Callbacks are set in pyossl/callbacks.h.
 */
#ifndef PYOSSL_CTX_H
#define PYOSSL_CTX_H

#include "pyossl/export.h"
#include "pyossl/status.h"
#include "pyossl/types.h"

PYOSSL_BEGIN_DECLS

/** Which protocol, and for which side. The numbers are those of the Python API. */
typedef enum pyossl_method {
    PYOSSL_SSL2        = 1,  /**< gone from OpenSSL: PYOSSL_E_UNSUPPORTED */
    PYOSSL_SSL3        = 2,  /**< only where OpenSSL still has it */
    PYOSSL_SSL23       = 3,  /**< an old name of PYOSSL_TLS */
    PYOSSL_TLS1        = 4,  /**< TLS 1.0 alone; wants a lower security level */
    PYOSSL_TLS1_1      = 5,  /**< TLS 1.1 alone; wants a lower security level */
    PYOSSL_TLS1_2      = 6,  /**< TLS 1.2 alone */
    PYOSSL_TLS         = 7,  /**< the best both sides know */
    PYOSSL_TLS_SERVER  = 8,  /**< the same, for servers only */
    PYOSSL_TLS_CLIENT  = 9,  /**< the same, for clients only */
    PYOSSL_DTLS        = 10, /**< the best DTLS both sides know */
    PYOSSL_DTLS_SERVER = 11, /**< the same, for servers only */
    PYOSSL_DTLS_CLIENT = 12  /**< the same, for clients only */
} pyossl_method;

/**
 * A context with OpenSSL's defaults, and partial writes from moving buffers. One of the defaults is
 * PYOSSL_VERIFY_NONE: a client must set PYOSSL_VERIFY_PEER, the host's name and whom it trusts.
 *
 * @retval PYOSSL_E_ARGUMENT    no such method
 * @retval PYOSSL_E_UNSUPPORTED this OpenSSL has no such protocol
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_new(pyossl_ctx **out, int method) PYOSSL_NONNULL(1);

/**
 * Another context of the same method, to take the place of @p ctx: a program that reads its
 * configuration again fills it from the beginning, and gives it to new connections.
 *
 * It has no settings yet. What it takes over is what keeps sessions going: the keys of tickets, the
 * sessions that a server keeps, which both share from here on, and that pyossl_conn_set_session()
 * accepts those of the other. They resume where the same is asked of the peer (pyossl/session.h),
 * as ever. (To change a setting or renew a certificate, @p ctx itself will do.)
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_renew(pyossl_ctx *ctx, pyossl_ctx **out) PYOSSL_NONNULL(1, 2);

/** One more owner; returns @p ctx. */
PYOSSL_API pyossl_ctx *pyossl_ctx_ref(pyossl_ctx *ctx) PYOSSL_NONNULL(1);

/** One owner less; NULL is allowed. */
PYOSSL_API void pyossl_ctx_unref(pyossl_ctx *ctx);

/** What pyossl_ctx_set_userdata() stored, or NULL. */
PYOSSL_API void *pyossl_ctx_userdata(const pyossl_ctx *ctx) PYOSSL_NONNULL(1);

/** Remember @p userdata, which the library never looks into. */
PYOSSL_API void pyossl_ctx_set_userdata(pyossl_ctx *ctx, void *userdata) PYOSSL_NONNULL(1);

/** Refuse (1, with PYOSSL_E_IN_USE) or allow (0, the default) changes once a connection was made. */
PYOSSL_API void pyossl_ctx_set_strict(pyossl_ctx *ctx, int strict) PYOSSL_NONNULL(1);

/**
 * @name Own certificate and key
 * @{
 */

/**
 * Use @p cert. A key that does not belong to it is forgotten. A certificate for another type of
 * key stays beside it, as OpenSSL has it: pyossl_ctx_use_identity() replaces them all.
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_use_certificate(pyossl_ctx *ctx, pyossl_x509 *cert) PYOSSL_NONNULL(1, 2);

/** Use the first certificate of a file; @p format is PYOSSL_PEM or PYOSSL_DER. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_use_certificate_file(pyossl_ctx *ctx, const char *path, int format)
    PYOSSL_NONNULL(1, 2);

/** Use a PEM file: the certificate first, then those that lead from it to the root. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_use_certificate_chain_file(pyossl_ctx *ctx, const char *path)
    PYOSSL_NONNULL(1, 2);

/** Send a copy of @p cert after the certificate, as the next of the chain. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_add_extra_chain_cert(pyossl_ctx *ctx, pyossl_x509 *cert)
    PYOSSL_NONNULL(1, 2);

/** Use @p pkey; PYOSSL_E_OPENSSL if it does not belong to the certificate. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_use_pkey(pyossl_ctx *ctx, pyossl_pkey *pkey) PYOSSL_NONNULL(1, 2);

/** Use the first private key of a file; asks the passphrase callback if it is encrypted. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_use_pkey_file(pyossl_ctx *ctx, const char *path, int format)
    PYOSSL_NONNULL(1, 2);

/**
 * Use a certificate, its key and its chain together: all or nothing, and in place of every
 * certificate that the context had, whatever its type of key. This is how to renew a
 * certificate under way. For one of RSA and one of EC at once, add the second with
 * pyossl_ctx_use_certificate() and pyossl_ctx_use_pkey(), which replace their own type alone.
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_use_identity(pyossl_ctx *ctx, pyossl_x509 *cert, pyossl_pkey *pkey,
                                      pyossl_x509 *const *chain, size_t count)
    PYOSSL_NONNULL(1, 2, 3);

/** PYOSSL_OK if there are a certificate and the key that belongs to it. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_check_pkey(pyossl_ctx *ctx) PYOSSL_NONNULL(1);
/** @} */

/**
 * @name Trust
 * A context trusts nobody until told whom; but it asks no peer for proof until pyossl_ctx_set_verify()
 * says PYOSSL_VERIFY_PEER.
 * @{
 */

/** Trust the certificates of a PEM file, a directory, or both: pyossl_store_load_locations(). */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_load_verify_locations(pyossl_ctx *ctx, const char *file, const char *dir)
    PYOSSL_NONNULL(1);

/** Trust whom the system trusts: OpenSSL's built-in places, or SSL_CERT_FILE and SSL_CERT_DIR. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_set_default_verify_paths(pyossl_ctx *ctx) PYOSSL_NONNULL(1);

/** Whom this context trusts; adding to the store adds to the context. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_store(pyossl_ctx *ctx, pyossl_store **out) PYOSSL_NONNULL(1, 2);

/** How the peer's certificate is asked for and judged; combine with |. */
typedef enum pyossl_verify_mode {
    PYOSSL_VERIFY_NONE                 = 0, /**< not at all */
    PYOSSL_VERIFY_PEER                 = 1, /**< judge it; a server asks for one */
    /** A client without one is turned away; with TLS 1.3 it learns of that at its first read. */
    PYOSSL_VERIFY_FAIL_IF_NO_PEER_CERT = 2,
    PYOSSL_VERIFY_CLIENT_ONCE          = 4, /**< not again when renegotiating */
    PYOSSL_VERIFY_POST_HANDSHAKE       = 8  /**< ask for it later (TLS 1.3) */
} pyossl_verify_mode;

/** The verification mode: PYOSSL_VERIFY_*. Set it with pyossl_ctx_set_verify(). */
PYOSSL_API int pyossl_ctx_verify_mode(const pyossl_ctx *ctx) PYOSSL_NONNULL(1);

/** How many certificates a chain may have between leaf and root; -1 for OpenSSL's limit. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_set_verify_depth(pyossl_ctx *ctx, int depth) PYOSSL_NONNULL(1);

/**
 * How many bytes of certificates a peer may send; OpenSSL's default is 102400. A longer chain ends the
 * handshake: "excessive message size". PYOSSL_E_ARGUMENT for a negative number.
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_set_max_cert_list(pyossl_ctx *ctx, long bytes) PYOSSL_NONNULL(1);

/** How many bytes of certificates a peer may send. */
PYOSSL_API long pyossl_ctx_max_cert_list(const pyossl_ctx *ctx) PYOSSL_NONNULL(1);

/** The depth set, or -1. */
PYOSSL_API int pyossl_ctx_verify_depth(const pyossl_ctx *ctx) PYOSSL_NONNULL(1);

/** How a host name is compared (RFC 9525); combine with |. */
typedef enum pyossl_host_flags {
    PYOSSL_HOST_ALLOW_COMMON_NAME       = 1, /**< the subject's CN counts where there is no dNSName */
    PYOSSL_HOST_ALLOW_PARTIAL_WILDCARDS = 2, /**< "f*.example.org" counts */
    PYOSSL_HOST_NO_WILDCARDS            = 4  /**< not even "*.example.org" */
} pyossl_host_flags;

/**
 * Require that the peer's certificate is for @p name, on every connection that
 * does not say otherwise.
 *
 * A name that is an IP address is compared with iPAddress entries alone; one
 * trailing dot is ignored. Needs PYOSSL_VERIFY_PEER to have an effect.
 *
 * @param name  @p len bytes, or NULL to stop requiring it
 * @param flags PYOSSL_HOST_*, 0 for RFC 9525
 * @retval PYOSSL_E_ARGUMENT empty, too long, with a NUL or a leading dot
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_set_verify_hostname(pyossl_ctx *ctx, const char *name, size_t len,
                                             unsigned flags) PYOSSL_NONNULL(1);

/**
 * Require that the peer's certificate is for an IP address.
 *
 * @param address text ("192.0.2.1", "2001:db8::1"), or NULL to stop requiring it
 * @retval PYOSSL_E_ARGUMENT that is no address
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_set_verify_ip(pyossl_ctx *ctx, const char *address, size_t len)
    PYOSSL_NONNULL(1);

/** Tell clients that certificates by the authorities in a PEM file are welcome; replaces the list. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_load_client_ca(pyossl_ctx *ctx, const char *path) PYOSSL_NONNULL(1, 2);

/** The same from names, which are copied; replaces the list. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_set_client_ca_list(pyossl_ctx *ctx, pyossl_name *const *names,
                                            size_t count) PYOSSL_NONNULL(1);

/** Add the subject of @p cert to the list. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_add_client_ca(pyossl_ctx *ctx, pyossl_x509 *cert) PYOSSL_NONNULL(1, 2);
/** @} */

/**
 * @name Protocol
 * @{
 */

/**
 * Add to the options, OpenSSL's SSL_OP_*. SSL_OP_ENABLE_KTLS has no effect: records pass through
 * this library's own transport, never through the kernel's.
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_set_options(pyossl_ctx *ctx, uint64_t options) PYOSSL_NONNULL(1);

/** Take away from the options. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_clear_options(pyossl_ctx *ctx, uint64_t options) PYOSSL_NONNULL(1);

/** The options in force. */
PYOSSL_API uint64_t pyossl_ctx_options(const pyossl_ctx *ctx) PYOSSL_NONNULL(1);

/** Add to the modes, OpenSSL's SSL_MODE_*. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_set_mode(pyossl_ctx *ctx, uint32_t mode) PYOSSL_NONNULL(1);

/** Take away from the modes. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_clear_mode(pyossl_ctx *ctx, uint32_t mode) PYOSSL_NONNULL(1);

/** The modes in force. */
PYOSSL_API uint32_t pyossl_ctx_mode(const pyossl_ctx *ctx) PYOSSL_NONNULL(1);

/**
 * The lowest protocol version, e.g. 0x0303 for TLS 1.2; 0 for the lowest there is. One above the
 * highest is taken, as the other end of the range may be set next: with no version in between
 * handshakes fail ("no protocols available").
 *
 * @retval PYOSSL_E_ARGUMENT    no version has that number
 * @retval PYOSSL_E_UNSUPPORTED this OpenSSL, or the method, does not have it
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_set_min_version(pyossl_ctx *ctx, int version) PYOSSL_NONNULL(1);

/** The highest protocol version; 0 for the highest there is. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_set_max_version(pyossl_ctx *ctx, int version) PYOSSL_NONNULL(1);

/** Ciphers of TLS 1.2 and before, in the words of openssl-ciphers(1); @p ciphers may set a security level. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_set_cipher_list(pyossl_ctx *ctx, const char *ciphers)
    PYOSSL_NONNULL(1, 2);

/** Cipher suites of TLS 1.3, separated by colons; "" for none. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_set_ciphersuites(pyossl_ctx *ctx, const char *suites)
    PYOSSL_NONNULL(1, 2);

/**
 * Groups for the key exchange in order of preference, e.g. "X25519:P-256", or from OpenSSL 3.5 on
 * "X25519MLKEM768:X25519"; at least one. PYOSSL_E_OPENSSL for a list that OpenSSL does not take.
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_set_groups(pyossl_ctx *ctx, const char *groups) PYOSSL_NONNULL(1, 2);

/**
 * Signature algorithms in order of preference, e.g. "RSA+SHA256:ed25519", or from OpenSSL 3.5 on
 * "mldsa65:ecdsa_secp256r1_sha256"; at least one. They are those of the peer's signatures and
 * certificates, and of our own signature. PYOSSL_E_OPENSSL for a list that OpenSSL does not take.
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_set_sigalgs(pyossl_ctx *ctx, const char *algorithms) PYOSSL_NONNULL(1, 2);

/**
 * The same for clients' certificates alone: what a server asks of them, and what a client signs
 * with. Without this it is what pyossl_ctx_set_sigalgs() says.
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_set_client_sigalgs(pyossl_ctx *ctx, const char *algorithms)
    PYOSSL_NONNULL(1, 2);

/** Use the elliptic curve named @p curve alone; one that TLS cannot use changes nothing. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_set_tmp_ecdh(pyossl_ctx *ctx, const char *curve) PYOSSL_NONNULL(1, 2);

/** Diffie-Hellman parameters from a PEM file; without them a server has no DHE ciphers in TLS 1.2. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_load_tmp_dh(pyossl_ctx *ctx, const char *path) PYOSSL_NONNULL(1, 2);

/** The same from PEM text. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_set_tmp_dh(pyossl_ctx *ctx, const void *pem, size_t len)
    PYOSSL_NONNULL(1, 2);

/** OpenSSL's security level, 0 to 5 (SSL_CTX_set_security_level(3)). */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_set_security_level(pyossl_ctx *ctx, int level) PYOSSL_NONNULL(1);

/**
 * Application protocols a client offers (RFC 7301), in wire format: each behind
 * a byte with its length.
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_set_alpn_protos(pyossl_ctx *ctx, const unsigned char *protos, size_t len)
    PYOSSL_NONNULL(1);

/** DTLS-SRTP profiles (RFC 5764), separated by colons. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_set_srtp_profiles(pyossl_ctx *ctx, const char *profiles)
    PYOSSL_NONNULL(1, 2);

/** Let a client be asked for its certificate after the handshake (TLS 1.3): 1 or 0. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_set_post_handshake_auth(pyossl_ctx *ctx, int on) PYOSSL_NONNULL(1);

/** Fetch many records at once from descriptors (1) or not (0, the default): hides data from poll(). */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_set_read_ahead(pyossl_ctx *ctx, int on) PYOSSL_NONNULL(1);
/** @} */

/**
 * @name Sessions
 * @{
 */

/** A name within which sessions resume, beside all that is asked of the peer: at most 32 bytes. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_set_session_id(pyossl_ctx *ctx, const void *name, size_t len)
    PYOSSL_NONNULL(1);

/**
 * What the session cache does: OpenSSL's SSL_SESS_CACHE_*. A context of clients alone keeps no
 * sessions, whatever is asked: OpenSSL never looks for them. pyossl_conn_session() has them.
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_set_session_cache_mode(pyossl_ctx *ctx, long mode) PYOSSL_NONNULL(1);

/** What the session cache does. */
PYOSSL_API long pyossl_ctx_session_cache_mode(const pyossl_ctx *ctx) PYOSSL_NONNULL(1);

/**
 * How long a new session, and all tickets that follow from it, may be resumed, in seconds;
 * PYOSSL_E_ARGUMENT below 0.
 */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_set_timeout(pyossl_ctx *ctx, long seconds) PYOSSL_NONNULL(1);

/** How long a new session may be resumed, in seconds. */
PYOSSL_API long pyossl_ctx_timeout(const pyossl_ctx *ctx) PYOSSL_NONNULL(1);

/** How many tickets a TLS 1.3 server sends after a full handshake; 2 unless set. */
PYOSSL_API PYOSSL_MUST_CHECK
pyossl_status pyossl_ctx_set_num_tickets(pyossl_ctx *ctx, size_t count) PYOSSL_NONNULL(1);

/** How many tickets a TLS 1.3 server sends. */
PYOSSL_API size_t pyossl_ctx_num_tickets(const pyossl_ctx *ctx) PYOSSL_NONNULL(1);
/** @} */

PYOSSL_END_DECLS

#endif
