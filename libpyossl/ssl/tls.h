/*
 * What the files of the TLS layer know of each other.
 *
 * A context is a sequence of generations. One generation is an SSL_CTX together
 * with the callbacks that go with it, and is never changed once a connection
 * uses it: a setter then makes the next generation from the recorded settings
 * (ctx_change.c). A connection binds itself to the generation of the moment when
 * its handshake begins; before that it follows the context (conn_bind.c).
 */
#ifndef OSL_TLS_H
#define OSL_TLS_H

#include "../base/internal.h"
#include "../crypto/crypto.h"

#include <openssl/ssl.h>

#include "pyossl/callbacks.h"
#include "pyossl/conn.h"
#include "pyossl/ctx.h"
#include "pyossl/info.h"
#include "pyossl/session.h"

OSL_DEFINE_AUTO(SSL, SSL_free)
OSL_DEFINE_AUTO(SSL_CTX, SSL_CTX_free)
OSL_DEFINE_AUTO(SSL_SESSION, SSL_SESSION_free)
OSL_DEFINE_AUTO(pyossl_ctx, pyossl_ctx_unref)
OSL_DEFINE_AUTO(pyossl_conn, pyossl_conn_unref)

/* ---- closure.c: a callback, its userdata, and when to release that ---- */

typedef void (*osl_function)(void); /* cast back to the callback's own type to call */

typedef struct osl_closure {
    osl_object base;
    osl_function call;
    void *userdata;
    pyossl_release_cb release;
    uint64_t serial; /* no other of this process has it, or will, unless it is the same again */
    uint64_t judge;  /* what the program calls that which it judges by; 0 for nothing */
} osl_closure;

/* NULL and recorded without memory; then @release has not been called. */
osl_closure *osl_closure_new(osl_function call, void *userdata, pyossl_release_cb release);
osl_closure *osl_closure_ref(osl_closure *closure); /* NULL is allowed */
void osl_closure_unref(osl_closure *closure);       /* NULL is allowed */
OSL_DEFINE_AUTO(osl_closure, osl_closure_unref)

/* ---- session_cache.c: sessions that a server keeps ---- */

typedef struct osl_session_cache osl_session_cache;

osl_session_cache *osl_session_cache_new(void); /* NULL without memory, which is not recorded */
osl_session_cache *osl_session_cache_ref(osl_session_cache *cache);
void osl_session_cache_unref(osl_session_cache *cache); /* NULL is allowed */
/* Without memory it is not kept. */
void osl_session_cache_put(osl_session_cache *cache, SSL_SESSION *session);
/* With a reference of the caller's, or NULL. */
SSL_SESSION *osl_session_cache_get1(osl_session_cache *cache, const unsigned char *id, size_t len);

/* ---- generation.c ---- */

typedef enum osl_callback {
    OSL_CB_VERIFY,
    OSL_CB_PASSPHRASE,
    OSL_CB_INFO,
    OSL_CB_KEYLOG,
    OSL_CB_SERVERNAME,
    OSL_CB_ALPN_SELECT,
    OSL_CB_NPN_ADVERTISE,
    OSL_CB_NPN_SELECT,
    OSL_CB_OCSP_SERVER,
    OSL_CB_OCSP_CLIENT,
    OSL_CB_COOKIE_GENERATE,
    OSL_CB_COOKIE_VERIFY,
    OSL_CB_NEW_SESSION,
    OSL_CB_MAX
} osl_callback;

/* What a connection has to be told of its peer's identity; immutable, shared. */
typedef struct osl_identity {
    osl_object base;
    char *hostname; /* NUL-terminated, checked; or NULL */
    unsigned flags; /* PYOSSL_HOST_* */
    unsigned char ip[16];
    size_t ip_len; /* 0, 4 or 16 */
} osl_identity;

enum { OSL_SCOPE_LEN = 32 }; /* scope.c */

typedef struct osl_generation {
    osl_object base;
    SSL_CTX *ssl_ctx;
    OSSL_LIB_CTX *libctx; /* what ssl_ctx is in; NULL for the default one */
    EVP_MD *sha256;
    unsigned char session_id[SSL_MAX_SID_CTX_LENGTH]; /* the program's name for sessions */
    size_t session_id_len;
    /* Digests of what the program set for peers to sign and share keys by; zeros for nothing. */
    unsigned char sigalgs[OSL_SCOPE_LEN], groups[OSL_SCOPE_LEN];
    unsigned char client_sigalgs[OSL_SCOPE_LEN];
    bool client_sigalgs_set;
    osl_closure *callbacks[OSL_CB_MAX];
    osl_identity *identity; /* or NULL */
    long cache_mode;        /* as asked for; a session callback needs more */
    atomic_bool shared;     /* a connection has it: make another to change */
    atomic_bool lent;       /* the program has ssl_ctx, and may have set there what nobody knows of */
    atomic_bool broken;     /* lent, and half changed: of no use any more */
    bool slim;              /* ssl_ctx is in the slim library context */
    pyossl_ctx *ctx;        /* back, borrowed: for the identity check of sessions only */
} osl_generation;

osl_generation *osl_generation_ref(osl_generation *generation);
void osl_generation_unref(osl_generation *generation); /* NULL is allowed */
OSL_DEFINE_AUTO(osl_generation, osl_generation_unref)
/* PYOSSL_E_STATE for one that is broken. */
pyossl_status osl_generation_check(const osl_generation *generation) PYOSSL_MUST_CHECK;

/* ---- ctx_change.c: how settings are recorded, applied, and replayed ---- */

typedef struct osl_setting osl_setting; /* defined in ctx_change.h, for the ctx files */

struct pyossl_ctx {
    osl_object base;
    CRYPTO_RWLOCK *lock; /* around current and settings; never held in a callback or a wait */
    int method;
    _Atomic(osl_generation *) current; /* written under the lock */
    osl_setting *settings;             /* oldest first */
    atomic_bool used;                  /* a connection was made */
    atomic_bool strict;
    atomic_bool plain;            /* from now on in the default library context */
    X509_STORE *store;            /* the same in every generation */
    osl_session_cache *sessions;  /* and these */
    uint64_t line;                /* the same number in those that renew each other, and in no others */
    _Atomic(void *) userdata;
};

/*
 * The generation of the moment, with a reference of the caller's, marked as
 * shared, and the context marked as used. Never NULL.
 */
osl_generation *osl_ctx_acquire(pyossl_ctx *ctx);
/* Whether @generation is still the one of the moment. One atomic read. */
bool osl_ctx_is_current(const pyossl_ctx *ctx, const osl_generation *generation);

/*
 * Leave the slim library context if it must not be used any more: before every
 * handshake. Takes the same way as a change, but no setting.
 */
pyossl_status osl_ctx_fit(pyossl_ctx *ctx) PYOSSL_MUST_CHECK;
/* Leave it for good. */
pyossl_status osl_ctx_make_plain(pyossl_ctx *ctx) PYOSSL_MUST_CHECK;

/* ---- identity.c: host names and addresses (RFC 9525) ---- */

/* PYOSSL_E_ARGUMENT for what is no host name. */
pyossl_status osl_identity_hostname(osl_identity **out, const char *name, size_t len,
                                    unsigned flags) PYOSSL_MUST_CHECK;
pyossl_status osl_identity_ip(osl_identity **out, const char *address,
                              size_t len) PYOSSL_MUST_CHECK;
osl_identity *osl_identity_ref(osl_identity *identity); /* NULL is allowed */
void osl_identity_unref(osl_identity *identity);        /* NULL is allowed */
OSL_DEFINE_AUTO(osl_identity, osl_identity_unref)
bool osl_identity_is_same(const osl_identity *one, const osl_identity *other); /* or both NULL */
/* The address in its usual form (RFC 5952, but for "::"). */
void osl_identity_address(const osl_identity *identity, char *text, size_t size);
/* Have @ssl check it: NULL has it check nothing. */
pyossl_status osl_identity_apply(const osl_identity *identity, SSL *ssl) PYOSSL_MUST_CHECK;

/* ---- callbacks.c: every function that OpenSSL calls ---- */

/* Point @ssl_ctx at our trampolines, for those callbacks that are set. */
void osl_callbacks_install(SSL_CTX *ssl_ctx, osl_closure *const *callbacks);
/* The verify trampoline, for SSL_set_verify. */
int osl_verify_trampoline(int preverify, X509_STORE_CTX *store_ctx);
/* The info trampoline, for SSL_set_info_callback. */
void osl_info_trampoline(const SSL *ssl, int where, int ret);
/* Make it known to the trampolines which connection an SSL is. */
pyossl_status osl_conn_tie(SSL *ssl, pyossl_conn *conn) PYOSSL_MUST_CHECK;
/* That connection; NULL for an SSL that is not ours. */
pyossl_conn *osl_conn_of(const SSL *ssl);
/* Note an ABORT, and make one of an answer that does not exist. */
pyossl_answer osl_conn_answer(pyossl_conn *conn, pyossl_answer answer);

/* ---- hello.c: the ClientHello ---- */

typedef struct osl_hello {
    char         *name;   /* the server's, or NULL */
    bool          seen;   /* there was one, with this name */
    bool          asked;  /* in the handshake of the moment */
    bool          asking; /* the program is choosing by the name */
    pyossl_answer answer; /* what it said */
    const unsigned char *alpn; /* the extension; only while the ClientHello is there */
    size_t        alpn_len;
} osl_hello;

/* For SSL_CTX_set_client_hello_cb. */
int osl_hello_trampoline(SSL *ssl, int *alert, void *arg);
/* What the program said to the name, for OpenSSL's servername callback. */
int osl_hello_answer(const pyossl_conn *conn);
void osl_hello_clear(osl_hello *hello);

/* ---- scope.c: where a session may be resumed ---- */

typedef struct osl_scope {
    unsigned char digest[OSL_SCOPE_LEN]; /* the session id context of the SSL */
    unsigned long trust;   /* which version of the store it is of (osl_trust_is()) */
    bool          offered; /* a client's handshake of the moment offers a session */
    bool          mixed;   /* what is asked changed on the way: no session comes of it */
    bool          judged;  /* a chain was, in this handshake or behind it */
    int64_t       first, until; /* when, and how long that holds */
} osl_scope;

/*
 * Settle it, from what is asked now: for a client when its handshake begins, for a server
 * when it has seen the ClientHello.
 */
pyossl_status osl_scope_begin(pyossl_conn *conn) PYOSSL_MUST_CHECK;
/* Whether the peer has been judged, if it was to be: what comes later is tickets and the like. */
bool osl_handshake_is_over(const SSL *ssl);
/* PYOSSL_E_STATE where @verify_mode asks for a judgement that resuming leaves out. */
pyossl_status osl_scope_may_change(const pyossl_conn *conn, int verify_mode) PYOSSL_MUST_CHECK;
/* How the peer is judged has changed. */
void osl_scope_changed(pyossl_conn *conn);
/* For SSL_CTX_set_cert_verify_callback. */
int osl_judge_chain(X509_STORE_CTX *store_ctx, void *arg);
/* For SSL_CTX_set_session_ticket_cb. */
int osl_ticket_made(SSL *ssl, void *arg);
int64_t osl_session_time(const SSL_SESSION *session);
/* Whether the time since its peer was judged, and what that relied on, have not run out. */
bool osl_session_alive(const SSL_SESSION *session, int64_t now);

/* ---- transport_mem.c: bytes that wait in memory, in order ---- */

/* A stream, or a row of datagrams whose bounds are kept. Starts zeroed. */
typedef struct osl_queue {
    unsigned char *data;
    size_t cap, head, tail;
    size_t len;   /* bytes that wait, without the bounds */
    size_t limit; /* 0 for none */
    bool datagrams;
    bool eof; /* no more will be put */
} osl_queue;

/*
 * Append. At the limit *done is less than @len, and PYOSSL_WANT_WRITE says that
 * nothing went in. A datagram goes in whole or not at all.
 */
pyossl_status osl_queue_put(osl_queue *queue, const void *data, size_t len,
                            size_t *done) PYOSSL_MUST_CHECK;
/* What is next, borrowed until the queue changes: of datagrams, the first one. */
size_t osl_queue_front(const osl_queue *queue, const unsigned char **data);
/* Forget @len bytes of what osl_queue_front() shows. */
void osl_queue_drop(osl_queue *queue, size_t len);
/* Copy at most @cap bytes, and forget them; of datagrams, the first one at most. */
size_t osl_queue_take(osl_queue *queue, void *buf, size_t cap);
size_t osl_queue_len(const osl_queue *queue);
/* An empty one keeps no block larger than this, as most connections wait most of the time. */
enum { OSL_QUEUE_IDLE = 256 };
void osl_queue_shrink(osl_queue *queue);
/* Where @len bytes fit behind what a stream has; NULL without memory, which is not recorded. */
unsigned char *osl_queue_room(osl_queue *queue, size_t len);
void osl_queue_grew(osl_queue *queue, size_t len); /* by bytes that were put there */
void osl_queue_clear(osl_queue *queue);            /* wipes; limit and kind stay */

/* ---- transport_fd.c ---- */

/* Bytes moved, or PYOSSL_WANT_*, PYOSSL_TRUNCATED, PYOSSL_E_SYSTEM with *number; records nothing.
 */
pyossl_status osl_fd_read(int fd, void *buf, size_t len, bool peek, size_t *done,
                          int *number) PYOSSL_MUST_CHECK;
pyossl_status osl_fd_write(int fd, const void *buf, size_t len, size_t *done,
                           int *number) PYOSSL_MUST_CHECK;
pyossl_status osl_fd_wait(int fd, bool for_writing, int timeout_ms, bool *ready) PYOSSL_MUST_CHECK;
/*
 * The first bytes that there are, left where they are: waits as the descriptor's mode and
 * SO_RCVTIMEO have it. PYOSSL_OK with 0 bytes for the end, or for what is no socket.
 */
pyossl_status osl_fd_peek(int fd, void *buf, size_t cap, size_t *seen,
                          int *number) PYOSSL_MUST_CHECK;
/*
 * The longest datagram: one record at its longest (RFC 6347 4.1, RFC 5246 6.2.3). OpenSSL
 * reads no more at once, and the rest of a longer one is lost.
 */
enum { OSL_DATAGRAM_MAX = 13 + 16384 + 256 };
/* The bytes of one UDP datagram that the path of a connected socket carries whole, 0 if unknown. */
size_t osl_fd_mtu(int fd);

/* ---- transport.c: one seam for bytes ---- */

typedef enum osl_transport_kind {
    OSL_TRANSPORT_NONE,
    OSL_TRANSPORT_FD,
    OSL_TRANSPORT_MEMORY,
    OSL_TRANSPORT_USER
} osl_transport_kind;

/* One direction of a user's transport. */
typedef struct osl_user_end {
    pyossl_transport vtable;
    void *userdata;
} osl_user_end;

/*
 * What a thread that waited saw of the record that is next. It waits beside other calls, so
 * everything here is atomic, and what it saw holds only while no read has begun since.
 */
typedef struct osl_lookout {
    atomic_uint reads;       /* how many have begun; written by whoever reads */
    atomic_uint boundary;    /* what reads was when the next byte was to begin a record */
    _Atomic uint64_t record; /* reads << 32 | length of the record, all of which had come */
    atomic_int number;       /* the errno that looking took from the socket, for the next read */
} osl_lookout;

typedef struct osl_transport {
    osl_transport_kind kind;
    int read_fd, write_fd; /* never change once set: another thread may wait on them */
    osl_queue in, out;     /* ciphertext from and to the peer */
    osl_lookout lookout;   /* of a descriptor */
    osl_user_end reader, writer;
    bool datagrams;       /* DTLS: bounds count */
    bool peek;            /* DTLS: leave what is read to be read again */
    bool eof;             /* latched: the peer will send no more */
    bool writing;         /* the last move was one out */
    atomic_bool gone;     /* let go of: every move fails with EBADF */
    unsigned long forks;  /* osl_fork_count() when the handshake began: no move after another fork */
    pyossl_status failed; /* why the last move did not work, or PYOSSL_OK */
    int number;           /* errno that goes with it */
} osl_transport;

#define OSL_OF_THE_PARENT "the connection belongs to the parent process"

/*
 * Whether this is the child of a fork() since the handshake began, be it in a callback of the
 * exchange that is under way: the parent goes on with the same keys.
 */
static inline bool osl_transport_is_the_parents(const osl_transport *transport)
{
    return transport->forks != osl_fork_count();
}

/* A BIO over @transport, which must outlive it. NULL and recorded. */
BIO *osl_transport_bio(osl_transport *transport);
/* Wait for the descriptor as its mode has it, and look out for the record that comes. */
pyossl_status osl_transport_await(osl_transport *transport) PYOSSL_MUST_CHECK;
/* The next byte that is read begins a record. */
static inline void osl_transport_at_boundary(osl_transport *transport)
{
    osl_lookout *lookout = &transport->lookout;

    atomic_store_explicit(&lookout->boundary,
                          atomic_load_explicit(&lookout->reads, memory_order_relaxed),
                          memory_order_relaxed);
}
/* Releases what it has; the descriptors stay open. */
void osl_transport_close(osl_transport *transport);

/* ---- conn.c and its siblings ---- */

/* Texts, NULL where the context's count. */
typedef struct osl_conn_lists {
    char *groups, *sigalgs, *client_sigalgs;
} osl_conn_lists;

/* What was asked of this connection alone, kept so that it can be bound anew. */
typedef struct osl_conn_settings {
    char *servername;
    pyossl_buf alpn;
    bool alpn_set;
    int verify_mode;
    bool verify_set;
    osl_closure *verify;
    osl_closure *info;
    bool info_set;
    osl_identity *identity;
    bool identity_set;
    pyossl_x509 *cert;
    pyossl_pkey *pkey;
    pyossl_session *session;
    uint64_t options;
    uint32_t mode_set, mode_cleared;
    size_t mtu;
    bool ocsp;
    osl_conn_lists lists;
} osl_conn_settings;

/* What the peer's chain was refused for last: the certificate, and why. */
typedef struct osl_refusal {
    int error, depth;
    char *subject; /* on one line; or NULL */
} osl_refusal;

struct pyossl_conn {
    osl_object base;
    SSL *ssl; /* never NULL */
    pyossl_ctx *ctx;
    osl_generation *generation; /* what ssl was made from, or moved to by set_ctx */
    unsigned char groups[OSL_SCOPE_LEN]; /* of what ssl was made from: moving leaves them */
    osl_closure *verify;        /* what judges the peer: stays when set_ctx moves */
    osl_identity *identity;     /* whom ssl has the peer be, NULL for anybody: stays, too */
    osl_transport transport;
    osl_conn_settings settings;
    osl_hello hello;
    osl_scope scope;
    osl_session_cache *sessions; /* of the context that ssl was made from */
    pyossl_role role;     /* 0 before it is chosen */
    bool begun;           /* the handshake has: bound for good */
    bool moved;           /* set_ctx since the handshake: OpenSSL may point into the context before */
    bool hollow;          /* ssl has lost its record layers, or a setting: osl_conn_follow() makes another */
    bool busy;            /* inside an exchange: callbacks must not start another */
    bool stopped;         /* a callback answered ABORT in this exchange */
    bool slim;            /* its keys may be in the slim library context */
    bool quiet;           /* this exchange began outside of a handshake */
    bool fresh;           /* this exchange began before the handshake did */
    bool opening;         /* this exchange set begun */
    uint64_t read_before; /* how many bytes had been read then, where it is fresh */
    unsigned held;        /* calls that this connection must outlive */
    bool orphan;          /* its last reference went in one of them */
    bool warm;            /* keeps its buffers for now, although its mode says otherwise */
    unsigned char streak; /* exchanges that worked, one after the other */
    pyossl_status failed; /* what ended it: every later exchange answers the same; or PYOSSL_OK */
    osl_kept_error *first;    /* the record of that failure; NULL where nothing or no memory was */
    osl_refusal refusal;
    _Atomic int64_t due;      /* when DTLS sends again, by osl_now(); 0 for never */
    size_t retry_len;     /* length of the write that has to be repeated, or 0 */
    pyossl_status wants;  /* the PYOSSL_WANT_ of the last exchange, or PYOSSL_OK */
    pyossl_buf npn;       /* what the NPN callbacks answered: OpenSSL reads it after them */
    void *userdata;
};

/* ---- conn.c ---- */

/* What becomes of a connection whose last reference went while it was held. */
void osl_conn_bury(pyossl_conn *conn);

static inline pyossl_conn *osl_conn_hold(pyossl_conn *conn)
{
    conn->held++;
    return conn;
}

static inline void osl_conn_let_go(pyossl_conn **place)
{
    if (--(*place)->held == 0 && (*place)->orphan)
        osl_conn_bury(*place);
}

/*
 * Until the function returns: a callback may drop the program's last reference. One of
 * our own would do too, but counting those takes atomic operations, twice for each message.
 */
#define OSL_CONN_HOLD(conn)                                                                        \
    __attribute__((cleanup(osl_conn_let_go), unused)) pyossl_conn *held_ = osl_conn_hold(conn)

/* ---- ctx_protocol.c ---- */

/* PYOSSL_E_ARGUMENT unless this is a list in wire format (RFC 7301): each behind its length. */
pyossl_status osl_alpn_check(const unsigned char *protos, size_t len) PYOSSL_MUST_CHECK;

/* ---- ctx.c ---- */

/* PYOSSL_E_ARGUMENT for bits that are no PYOSSL_VERIFY_*. */
pyossl_status osl_verify_mode_check(int mode) PYOSSL_MUST_CHECK;

/* ---- conn_settings.c ---- */

/* Have @ssl do what was asked of this connection alone. */
pyossl_status osl_conn_settings_apply(const osl_conn_settings *settings,
                                      SSL *ssl) PYOSSL_MUST_CHECK;
void osl_conn_settings_clear(osl_conn_settings *settings);
/* For what the ClientHello depends on: PYOSSL_E_STATE once that is made. */
pyossl_status osl_conn_prepare_early(pyossl_conn *conn) PYOSSL_MUST_CHECK;

/* ---- conn_lists.c: groups and signature algorithms of one connection ---- */

#define OSL_NO_GROUPS  "an empty list of groups"
#define OSL_NO_SIGALGS "an empty list of signature algorithms"

/* PYOSSL_E_OPENSSL, in the words @empty, where there is nothing in @list. */
pyossl_status osl_list_check(const char *list, const char *empty) PYOSSL_MUST_CHECK;
pyossl_status osl_conn_lists_apply(const osl_conn_lists *lists, SSL *ssl) PYOSSL_MUST_CHECK;
/* Those that go with another context's certificate when that takes its place. */
pyossl_status osl_conn_sigalgs_apply(const osl_conn_lists *lists, SSL *ssl) PYOSSL_MUST_CHECK;
void osl_conn_lists_clear(osl_conn_lists *lists);

/* ---- conn_bind.c: which generation a connection lives under ---- */

/* Bind to @ctx as it is now, with a new SSL; nothing changes on failure. */
pyossl_status osl_conn_bind(pyossl_conn *conn, pyossl_ctx *ctx) PYOSSL_MUST_CHECK;
/* Bind anew if the context has changed and the handshake has not begun, or if the SSL is hollow. */
pyossl_status osl_conn_follow(pyossl_conn *conn) PYOSSL_MUST_CHECK;
/*
 * Have @ssl be a client's or a server's; 0 leaves it as it is. From 3.2 on OpenSSL makes
 * the record layers anew, here and where a handshake begins: without memory the SSL has
 * none afterwards, and crashes when it is asked for its data, or given options or modes.
 * Only its state tells. A connection with such an SSL is hollow: osl_conn_follow() makes
 * another, or fails.
 */
pyossl_status osl_conn_choose_side(SSL *ssl, pyossl_role role) PYOSSL_MUST_CHECK;
/* The SSL to ask or to change: follows the context while the handshake has not begun. */
SSL *osl_conn_ssl(const pyossl_conn *conn);
/* The same for an exchange: binds for good. PYOSSL_E_STATE after fork, in a callback, without
 * transport. */
pyossl_status osl_conn_begin(pyossl_conn *conn) PYOSSL_MUST_CHECK;
/* Only what would keep it from doing so in any case. */
pyossl_status osl_conn_check(const pyossl_conn *conn) PYOSSL_MUST_CHECK;
/*
 * Have a client resume the session it was given, if it will do for how the peer is to be
 * judged. Until the ClientHello is made that may change, and then this is asked again.
 */
pyossl_status osl_conn_resume(pyossl_conn *conn) PYOSSL_MUST_CHECK;

/* ---- refusal.c: what to say of a failure ---- */

/* Remember that a certificate of the peer's is refused. */
void osl_refusal_note(pyossl_conn *conn, X509_STORE_CTX *store_ctx);
void osl_refusal_clear(osl_refusal *refusal);
/* Add to what was just recorded what OpenSSL leaves out. */
void osl_refusal_explain(const pyossl_conn *conn);

/* ---- conn_io.c: what is around every call that exchanges bytes ---- */

/*
 * Begins, or answers for a connection that has ended. Then make one OpenSSL call
 * and pass its result with errno to osl_conn_leave(), which tells what it means.
 * Together they do what OSL_API_ENTER does, at half the price where all goes well.
 */
pyossl_status osl_conn_enter(pyossl_conn *conn) PYOSSL_MUST_CHECK;
pyossl_status osl_conn_leave(pyossl_conn *conn, int result, int number) PYOSSL_MUST_CHECK;

/* Have the mode of the SSL say again what was asked for: buffers are released after each message.
 */
void osl_conn_cool(pyossl_conn *conn);

/* ---- verdict.c ---- */

/*
 * What an exchange's result means, and the only place that decides it. Must be
 * called right after the OpenSSL call, with @number its errno.
 */
pyossl_status osl_verdict(pyossl_conn *conn, int result, int number) PYOSSL_MUST_CHECK;
/* Whether OpenSSL has given the connection up. */
bool osl_is_given_up(const SSL *ssl);
/* Fail as it did before. */
pyossl_status osl_conn_fail_again(const pyossl_conn *conn) PYOSSL_MUST_CHECK;
/*
 * What comes of asking for another judgement of the peer. Where that fails in a callback it ends
 * the handshake, as not every callback has an answer, and nobody may think that the peer was
 * judged as asked.
 */
pyossl_status osl_judged_as_asked(pyossl_conn *conn, pyossl_status status) PYOSSL_MUST_CHECK;

/* ---- session.c ---- */

struct pyossl_session {
    osl_object base;
    SSL_SESSION *session; /* shared with no SSL: one that is freed early would spoil it */
    pyossl_ctx *ctx;      /* referenced; NULL for none */
};

OSL_DEFINE_AUTO(pyossl_session, pyossl_session_unref)

/* Whether it was made under @ctx, or under one that @ctx renews, or that renews it. */
bool osl_session_is_of(const pyossl_session *session, const pyossl_ctx *ctx);
/* Takes @session over, also on failure; references @ctx. */
pyossl_status osl_session_wrap(pyossl_session **out, SSL_SESSION *session,
                               pyossl_ctx *ctx) PYOSSL_MUST_CHECK;
/*
 * Have the SSL of @conn, a client's whose scope is settled, offer @session. Where that is of
 * another scope, is over, or was never judged although @conn judges, or NULL, none is offered: a
 * full handshake will judge the peer.
 */
pyossl_status osl_session_offer(const pyossl_session *session, pyossl_conn *conn)
    PYOSSL_MUST_CHECK;

#endif
