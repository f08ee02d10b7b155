/* What the files of OpenSSL.crypto share. */
#ifndef PO_CRYPTO_COMMON_H
#define PO_CRYPTO_COMMON_H

#include "convert.h"
#include "frame.h"
#include "raise.h"
#include "types.h"

/* ---- handles that are released on every way out ---- */

#define PO_DEFINE_AUTO(type)                                                                       \
    static inline void po_auto_##type(type **place)                                                \
    {                                                                                              \
        type##_unref(*place);                                                                      \
    }
PO_DEFINE_AUTO(pyossl_pkey)
PO_DEFINE_AUTO(pyossl_x509)
PO_DEFINE_AUTO(pyossl_name)
PO_DEFINE_AUTO(pyossl_store)
PO_DEFINE_AUTO(pyossl_pkcs12)
PO_DEFINE_AUTO(pyossl_pkcs7)
PO_DEFINE_AUTO(pyossl_session)
PO_DEFINE_AUTO(pyossl_ext)
PO_DEFINE_AUTO(pyossl_req)
PO_DEFINE_AUTO(pyossl_crl)
PO_DEFINE_AUTO(pyossl_revoked)
#define po_auto(type) __attribute__((cleanup(po_auto_##type))) type

/* ---- methods written by hand ---- */

/*
 * Enter a frame on @self, attached or detached, and return its handle. For an
 * empty object the frame is left again, Error is raised, and NULL returned.
 */
void *po_enter_quick(po_frame *frame, po_object *self);
void *po_enter(po_frame *frame, po_object *self);

/* ---- arguments ---- */

/* Seconds since 1970 of what has a timetuple(), its fields taken as UTC. */
int po_to_epoch(po_state *state, PyObject *when, const char *name, int64_t *out);

/* Compared by ==, as programs rely on: ValueError for whatever is none of the three. */
int po_to_format(PyObject *object, pyossl_format *out);

/* Owned handles of the objects in a tuple. */
typedef struct po_handles {
    po_type_id id;
    void     **items;
    size_t     count;
} po_handles;

#define PO_HANDLES_INIT { PO_TYPE_MAX, NULL, 0 }

/* Make room for @count of them; add one, which is taken over: -1 for NULL, with its exception. */
int po_handles_room(po_handles *out, po_type_id id, Py_ssize_t count);
int po_handles_add(po_handles *out, void *handle);
/* TypeError for an element that is not of type @id, Error for one that is empty. */
int po_take_handles(po_state *state, PyObject *tuple, po_type_id id, const char *name,
                    po_handles *out);
void po_handles_release(po_handles *handles);
#define po_auto_handles __attribute__((cleanup(po_handles_release))) po_handles
#define PO_CERTS(handles) ((pyossl_x509 *const *)(void *)(handles).items)
#define PO_NAMES(handles) ((pyossl_name *const *)(void *)(handles).items)
#define PO_EXTS(handles) ((pyossl_ext *const *)(void *)(handles).items)

/* A tuple of X509 objects from any iterable; TypeError for other elements. */
PyObject *po_cert_tuple(po_state *state, PyObject *iterable, const char *name);

/* Handles of the X509 objects of an iterable; TypeError for other elements. */
int po_to_x509s(po_state *state, PyObject *iterable, po_handles *out);

/* Handles of the X509Extension objects of an iterable; ValueError for other elements. */
int po_take_exts(po_state *state, PyObject *iterable, po_handles *out);

/* A passphrase as Python gives it: None, bytes, str or a callable. */
typedef struct po_passphrase {
    pyossl_passphrase  spec;
    po_bytes           bytes;
    PyObject          *callable; /* borrowed from the arguments */
    po_frame          *frame;    /* of the call that asks */
    pyossl_passphrase *given;    /* &spec, or NULL for None */
} po_passphrase;

#define PO_PASSPHRASE_INIT { { NULL, 0, NULL, NULL }, PO_BYTES_INIT, NULL, NULL, NULL }

/* @object may be NULL. TypeError for anything else. @frame is the one it will be asked for in. */
int po_to_passphrase(PyObject *object, po_frame *frame, po_passphrase *out);
void po_passphrase_release(po_passphrase *passphrase);
#define po_auto_passphrase __attribute__((cleanup(po_passphrase_release))) po_passphrase

/* ---- certificates ---- */

/* Give an X509 object another certificate, which is taken over; what was made of the old one goes. */
void po_x509_become(PyObject *object, pyossl_x509 *cert);

/* An X509 object as PEM or DER: the bytes made last time, where it has not changed since. */
PyObject *po_x509_dump(PyObject *object, pyossl_format format);

/* ---- keys ---- */

/* What programs have set a flag of a key to; else the key itself says. */
typedef enum po_flag { PO_FLAG_UNSET, PO_FLAG_FALSE, PO_FLAG_TRUE } po_flag;

typedef struct po_pkey {
    po_object base;
    _Atomic po_flag only_public;
    _Atomic po_flag initialized;
} po_pkey;

/* An owned key to sign with: TypeError for no PKey, ValueError for one without a private half. */
pyossl_pkey *po_signing_key(po_state *state, PyObject *object, const char *name);

/* ---- results ---- */

/* An X509Extension around @ext, which is taken over, also on failure. */
PyObject *po_ext_wrap(po_state *state, pyossl_ext *ext);

/* General name @index of an X509Extension as a pair; NULL without an exception past the last one. */
PyObject *po_ext_general_name(po_object *self, size_t index);
/* The name of reason @index that a Revoked can have; the same. */
PyObject *po_revoked_reason(po_object *self, size_t index);

/* An X509Name that is a view of @owner's; takes @name over. */
PyObject *po_name_wrap(po_state *state, pyossl_name *name, PyObject *owner);

/* A copy of an X509Name's name, which nobody else has; NULL with an exception. */
pyossl_name *po_name_copy(po_state *state, PyObject *object, const char *name);

/* Which of a certificate's names; of each, one view that nobody has is kept with the certificate. */
typedef enum po_name_of { PO_SUBJECT, PO_ISSUER, PO_NAMES_OF_X509 } po_name_of;

/* Say of a new view that it is of @cert, as that was at @revision. */
void po_name_set_source(PyObject *object, const pyossl_x509 *cert, po_name_of which,
                        unsigned long revision);
/* Whether a kept view still shows what @cert has. */
bool po_name_fits(PyObject *object, const pyossl_x509 *cert);
/* A kept view, for whoever asks @owner next; and what to do with one that is of no more use. */
PyObject *po_name_revive(PyObject *object, PyObject *owner);
void po_name_discard(PyObject *object); /* NULL is allowed */
/* Keep @object, which nobody has any more, with its certificate; false where there is one already. */
bool po_x509_keep_name(PyObject *owner, po_name_of which, PyObject *object);

/* A PKCS12 with what is in @handle. */
PyObject *po_pkcs12_from(po_state *state, const pyossl_pkcs12 *handle);

/* An X509StoreContextError with what @verdict says. Returns NULL. */
PyObject *po_raise_verdict(po_state *state, const pyossl_verdict *verdict);

/* Give X509StoreContextError its __init__ and __str__. */
int po_add_store_error_methods(PyObject *type);

/* The _EllipticCurve objects, one for each curve, made when the module is. */
int po_add_curves(po_state *state);

/* Where there is no extension at an index: IndexError. Returns NULL. */
PyObject *po_raise_no_ext(po_object *self, pyossl_status status);

/* A list with its issuer's name, signed. */
pyossl_status po_crl_issue(pyossl_crl *crl, pyossl_x509 *cert, const pyossl_pkey *key,
                           const char *digest);

/* Error([]): something failed without a reason. Returns NULL. */
PyObject *po_raise_no_reason(po_state *state);

/* Call @function of OpenSSL._cryptography, which needs that package. */
PyObject *po_bridge(const char *function, PyObject *argument);

/*
 * What a program has put in the place of a function of OpenSSL._util.lib; NULL
 * without an exception where it has not. A new reference.
 */
PyObject *po_hook(po_state *state, const char *name);

#endif
