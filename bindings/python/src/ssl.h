/* What the files of OpenSSL.SSL know of each other: Context, Connection and Session. */
#ifndef PO_SSL_H
#define PO_SSL_H

#include "crypto_common.h"

/*
 * What a Context calls, by place in a tuple that is never changed: a setter makes
 * another. A Connection holds the tuple that its handshake began with, so a change
 * leaves alone what runs. None stands for a callback that is not set; the place
 * behind a callback with data of the program's own holds that data.
 */
typedef enum po_slot {
    PO_CB_VERIFY,
    PO_CB_PASSPHRASE,
    PO_CB_PASSPHRASE_DATA,
    PO_CB_INFO,
    PO_CB_KEYLOG,
    PO_CB_SERVERNAME,
    PO_CB_ALPN_SELECT,
    PO_CB_NPN_ADVERTISE,
    PO_CB_NPN_SELECT,
    PO_CB_OCSP_SERVER,
    PO_CB_OCSP_SERVER_DATA,
    PO_CB_OCSP_CLIENT,
    PO_CB_OCSP_CLIENT_DATA,
    PO_CB_COOKIE_GENERATE,
    PO_CB_COOKIE_VERIFY,
    PO_CB_NEW_SESSION,
    PO_CB_MAX
} po_slot;

typedef struct po_context {
    po_object base;
    po_turn   turn;      /* of who loads a key, and may be asked for its passphrase */
    PyObject *callbacks; /* by po_slot */
    PyObject *judges;    /* what its Connections judged by last: po_judge_of(); NULL for nothing */
    PyObject *app_data;
    /* Of a copy: the Context whose handle, lock and callbacks it shares, kept until the copy goes. */
    struct po_context *root;
} po_context;

/* Where the bytes of a Connection travel. */
typedef enum po_channel_kind {
    PO_CHANNEL_MEMORY,
    PO_CHANNEL_FD,     /* a number, which may be any program's by now */
    PO_CHANNEL_SOCKET, /* an object whose fileno() is asked each time */
    PO_CHANNEL_PAIR,   /* two such objects, or numbers */
    PO_CHANNEL_METHODS /* objects with recv() or read(), send() or write() */
} po_channel_kind;

/* Made before the Connection has a handle, and never changed then. */
typedef struct po_channel {
    po_channel_kind kind;
    int read_fd, write_fd;
    /* Whom to ask for bytes, or for their descriptor; NULL for memory and numbers. */
    PyObject *reader, *writer;
    PyCFunction fileno; /* the reader's, if it is a function of C; else NULL */
} po_channel;

/* Fields are read and written under base.lock. */
typedef struct po_connection {
    po_object base;
    PyObject *context;
    PyObject *socket; /* as it was given; None for memory */
    po_channel channel;
    PyObject *app_data;
    PyObject *callbacks; /* the Context's, as they were when the handshake began; NULL before */
    PyObject *verify;    /* the Context's at that time: moving to another Context leaves it */
    PyObject
        *own_verify; /* what was set on this Connection, None for no callback; NULL for not set */
    PyObject *own_info; /* the same */
    po_turn turn;       /* of the exchange that is inside */
    po_turn writing;    /* from the first try of a write to its end, waiting included */
    bool bound;        /* the handshake has begun: callbacks and verify are those of its settings */
    /* Hints, which are looked at before the lock is taken. */
    atomic_bool settled;      /* the handshake was over once: what follows is quick */
    atomic_size_t undigested; /* bytes given to memory since the last read came back empty */
    atomic_size_t last_read;
    /* Of the thread that wrote last, and whether what it asks for keeps it waiting; under
     * base.lock. */
    uintptr_t asker;
    unsigned late;
} po_connection;

typedef struct po_session {
    po_object base;
    PyObject *context;
} po_session;

/* ---- ssl_context.c ---- */

/* Whose lock, turn and callbacks count: the Context that @object is a copy of, or itself; borrowed. */
static inline po_context *po_context_root(PyObject *object)
{
    po_context *self = (po_context *)object;

    return self->root != NULL ? self->root : self;
}

/* A Context that renews @self. */
PyObject *po_ctx_renewal(po_object *self);

/* A Context, or TypeError; borrowed. */
po_context *po_to_context(po_state *state, PyObject *object);

/* A list of bytes as ALPN and NPN write it: each behind a byte with its length. */
PyObject *po_wire_protocols(PyObject *protos);
/* The same of an argument, which must hold one at least. */
int po_to_protocols(po_state *state, PyObject *protos, po_bytes *out);

/* Read a file that may be encrypted: the turn is this call's, as a callback may ask for more. */
typedef pyossl_status (*po_file_setter)(pyossl_ctx *ctx, const char *path, int format);
PyObject *po_ctx_use_file(po_object *self, po_file_setter set, const char *path, int format);

/* ---- ssl_context_callbacks.c: what sets them ---- */

/* Put @callback in its slot, and @data behind it where that is not NULL. */
PyObject *po_callback_set(po_object *self, po_slot slot, PyObject *callback, PyObject *data);
/* The same where OpenSSL has @feature; else NotImplementedError(@complaint). */
PyObject *po_callback_set_if(pyossl_feature feature, const char *complaint, po_object *self,
                             po_slot slot, PyObject *callback);

/* ---- ssl_callbacks.c: what OpenSSL's side calls ---- */

/* Have @ctx call, or no longer call, what is in @slot. */
pyossl_status po_callback_install(po_context *self, po_slot slot, bool on);
/* The same for verification, with its mode. */
pyossl_status po_verify_install(pyossl_ctx *ctx, int mode, bool on);
/* @judge is what po_judge_of() says of the callback, 0 for none. */
pyossl_status po_conn_verify_install(pyossl_conn *conn, int mode, uint64_t judge);
/*
 * The number of @callback among those that Connections of @self were given, the same for the same
 * object as long as that lives and few others come between; never 0.
 */
int po_judge_of(po_context *self, PyObject *callback, uint64_t *judge);
pyossl_status po_conn_info_install(pyossl_conn *conn, bool on);

/* ---- ssl_identity.c: certificates, keys and names that come in, of whatever package ---- */

pyossl_x509 *po_to_certificate(po_state *state, PyObject *object);
pyossl_pkey *po_to_key(po_state *state, PyObject *object);
int po_to_certificates(po_state *state, PyObject *iterable, po_handles *out);
int po_to_ca_names(po_state *state, PyObject *iterable, po_handles *out);

/* ---- ssl_transport.c ---- */

/*
 * Tell @conn where bytes travel, from what the program gave, as @self is asked for them: 0
 * with @out, or -1 with an exception.
 */
int po_channel_open(po_channel *out, pyossl_conn *conn, po_connection *self, PyObject *socket);
void po_channel_clear(po_channel *channel);
/* 0 if the descriptors are still the ones given; SysCallError(EBADF) if they were closed. */
int po_channel_check(po_connection *self);
/* How many milliseconds a wait of the operation is ours to do: -1 for ever, 0 for not at all. */
int po_channel_patience(const po_connection *self, pyossl_status want);
/* Wait, in a frame that is idle. PYOSSL_OK to try again, also for a signal. */
pyossl_status po_channel_wait(const po_connection *self, pyossl_status want, int patience);
/* The same for bytes of a peer that answers: as recv() on the descriptor waits, whose limit there
 * is. */
pyossl_status po_channel_wait_input(const po_connection *self);
/* Behind that frame, with how the wait ended: 0 to try again, -1 with an exception. */
int po_channel_waited(po_connection *self, pyossl_status status);
/* An int, or what has a fileno(); TypeError and ValueError as programs expect them. */
int po_to_descriptor(po_state *state, PyObject *object, int *fd);

/* ---- ssl_connection.c ---- */

PyObject *po_conn_set_role(po_object *self, pyossl_role role);
/* 0 for a Connection with a handle, or -1 with an exception. */
int po_check_connection(po_state *state, PyObject *object);
/* Be the client, and call the socket's own method of that name. */
PyObject *po_conn_connect_by(po_object *self, po_string_id name, PyObject *addr);

/* ---- ssl_connection_settings.c ---- */

/* Bytes, and nothing else, without a NUL. */
int po_to_servername(PyObject *object, const char *name, po_bytes *out);

/* ---- ssl_exchange.c ---- */

/* What send() takes: ValueError for more than it may. */
int po_to_sendable(PyObject *object, const char *name, po_bytes *out);
static inline int po_arg_sendable(PyObject *object, const char *name, po_bytes *out)
{
    if (PyBytes_CheckExact(object) && PyBytes_GET_SIZE(object) <= INT_MAX)
        return po_arg_bytes(object, name, PO_STR_WARN, out);
    return po_to_sendable(object, name, out);
}
/* Connection.shutdown() without arguments. */
PyObject *po_conn_close_alerts(po_connection *self);
/* Connection.DTLSv1_handle_timeout(), whatever a program has put in its place. */
PyObject *po_conn_dtls_handle_timeout(po_connection *self);

/* ---- ssl_as_socket.c ---- */

/* A method of the socket behind; an AttributeError of our own where there is none. */
PyObject *po_conn_socket_method(PyObject *object, po_string_id id);

/* ---- ssl_peer.c: what was negotiated with the peer, what it showed, what both share ---- */

/* Bytes that the connection keeps, copied under its lock. */
typedef const unsigned char *(*po_conn_bytes_getter)(const pyossl_conn *conn, size_t *len);
PyObject *po_conn_bytes(const pyossl_conn *conn, po_conn_bytes_getter get);
PyObject *po_conn_srtp_profile(const pyossl_conn *conn);
/* Cipher @index that is offered; NULL without an exception past the last one. */
PyObject *po_conn_cipher(po_object *self, size_t index);
/* Certificates, of ours or of cryptography's. */
typedef pyossl_status (*po_conn_cert_getter)(const pyossl_conn *conn, pyossl_x509 **out);
typedef pyossl_status (*po_conn_chain_getter)(const pyossl_conn *conn, pyossl_x509_list *out);
PyObject *po_conn_cert(po_object *self, po_conn_cert_getter get, int as_cryptography);
PyObject *po_conn_chain(po_object *self, po_conn_chain_getter get, int as_cryptography);

/* ---- ssl_session.c ---- */

/* A Session around @session, which is taken over. */
PyObject *po_session_wrap(po_state *state, pyossl_session *session, PyObject *context);
/* @object becomes a session like @other, with this handle, which is taken over. */
void po_session_become(PyObject *object, PyObject *other, pyossl_session *session);

#endif
