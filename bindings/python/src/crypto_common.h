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
#define po_auto(type) __attribute__((cleanup(po_auto_##type))) type

/* ---- methods written by hand ---- */

/* Their two shapes: with arguments, and without. */
#define PO_METHOD(name)                                                                            \
    static PyObject *po_m_##name(PyObject *object, PyObject *const *args, Py_ssize_t nargs,        \
                                 PyObject *kwnames)
#define PO_METHOD0(name) static PyObject *po_m_##name(PyObject *object, PyObject *unused)

/* The one argument of a call that takes just one; borrowed. */
PyObject *po_one_arg(const char *function, const char *name, PyObject *const *args,
                     Py_ssize_t nargs, PyObject *kwnames);

/*
 * Enter a frame on @self, attached or detached, and return its handle. For an
 * empty object the frame is left again, Error is raised, and NULL returned.
 */
void *po_enter_quick(po_frame *frame, po_object *self);
void *po_enter(po_frame *frame, po_object *self);

/* __init__ of a type that takes no arguments: 0, or -1 with TypeError. */
int po_no_args(const char *type, PyObject *args, PyObject *kwargs);

/* __init__ of a type that begins empty: @create makes the handle. */
#define PO_INIT_NEW(handle_type, id, name, create)                                                 \
    static int init(PyObject *object, PyObject *args, PyObject *kwargs)                            \
    {                                                                                              \
        po_object *self = (po_object *)object;                                                     \
        handle_type *handle = NULL;                                                                \
        pyossl_status status;                                                                      \
                                                                                                   \
        if (po_no_args(name, args, kwargs) < 0)                                                    \
            return -1;                                                                             \
        status = create(&handle);                                                                  \
        if (status != PYOSSL_OK) {                                                                 \
            po_raise(self->state, PO_CRYPTO, status);                                              \
            return -1;                                                                             \
        }                                                                                          \
        po_replace(self, id, handle);                                                              \
        return 0;                                                                                  \
    }

/* ---- arguments ---- */

/* Compared by ==, as programs rely on: ValueError for whatever is none of the three. */
int po_to_format(PyObject *object, pyossl_format *out);

/* Owned handles of the objects in a tuple. */
typedef struct po_handles {
    po_type_id id;
    void     **items;
    size_t     count;
} po_handles;

#define PO_HANDLES_INIT { PO_TYPE_MAX, NULL, 0 }

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

/* Forget what was made of an X509 object's certificate, which has been replaced. */
void po_x509_forget(PyObject *object);

/* An X509 object as PEM or DER: the bytes made last time, where it has not changed since. */
PyObject *po_x509_dump(PyObject *object, pyossl_format format);

/* ---- keys ---- */

/* What programs have set a flag of a key to; else the key itself says. */
typedef enum po_flag { PO_FLAG_UNSET, PO_FLAG_FALSE, PO_FLAG_TRUE } po_flag;

typedef struct po_pkey {
    po_object base;
    po_flag   only_public;
    po_flag   initialized;
} po_pkey;

/* An owned key to sign with: TypeError for no PKey, ValueError for one without a private half. */
pyossl_pkey *po_signing_key(po_state *state, PyObject *object, const char *name);

/* obj.sign(pkey, digest) of a certificate, a request and an SPKAC. */
typedef pyossl_status (*po_sign_call)(void *handle, const pyossl_pkey *key, const char *digest);
PyObject *po_sign(PyObject *object, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames,
                  po_sign_call call);

/* obj.verify(key) of a request and an SPKAC: 0, or -1 with Error. */
typedef pyossl_status (*po_verify_call)(const void *handle, const pyossl_pkey *key);
int po_verify(PyObject *object, const char *argument, PyObject *const *args, Py_ssize_t nargs,
              PyObject *kwnames, po_verify_call call);

/* ---- results ---- */

/* An X509Extension around @ext, which is taken over, also on failure. */
PyObject *po_ext_wrap(po_state *state, pyossl_ext *ext);

/* An X509Name that is a view of @owner's; takes @name over. */
PyObject *po_name_wrap(po_state *state, pyossl_name *name, PyObject *owner);

/* A copy of an X509Name's name, which nobody else has; NULL with an exception. */
pyossl_name *po_name_copy(po_state *state, PyObject *object, const char *name);

/* Which of a certificate's names; of each, one view that nobody has is kept with the certificate. */
typedef enum po_name_of { PO_SUBJECT, PO_ISSUER, PO_NAMES_OF_X509 } po_name_of;

/* name_add(name, field, utf8): an entry at the end, for OpenSSL._private. */
PyObject *po_name_add(PyObject *module, PyObject *args);

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
