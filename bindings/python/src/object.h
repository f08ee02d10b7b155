/*
 * What every object of the binding is: a handle of libpyossl, a lock, and the
 * module's state. All types share this layout and the slot functions over it.
 */
#ifndef PO_OBJECT_H
#define PO_OBJECT_H

#include "lock.h"

#include "pyossl.h"

typedef enum po_type_id {
    PO_PKEY,
    PO_NAME,
    PO_X509,
    PO_EXT,
    PO_REQ,
    PO_REVOKED,
    PO_CRL,
    PO_STORE,
    PO_STORE_CTX,
    PO_PKCS7,
    PO_PKCS12,
    PO_SPKI,
    PO_CURVE,
    PO_CONTEXT,
    PO_CONNECTION,
    PO_SESSION,
    PO_TYPE_MAX
} po_type_id;

typedef enum po_exception_id {
    PO_EXC_SSL,            /* OpenSSL.SSL.Error */
    PO_EXC_ZERO_RETURN,
    PO_EXC_WANT_READ,
    PO_EXC_WANT_WRITE,
    PO_EXC_WANT_LOOKUP,
    PO_EXC_SYSCALL,
    PO_EXC_SSL_VALUE,      /* both SSL.Error and ValueError: eras differ in which they raise */
    PO_EXC_SSL_WRITE,      /* both SSL.Error and ConnectionError: what a socket's send() raised */
    PO_EXC_CRYPTO,         /* OpenSSL.crypto.Error */
    PO_EXC_CRYPTO_VALUE,   /* both crypto.Error and ValueError */
    PO_EXC_TYPE_VALUE,     /* both TypeError and ValueError */
    PO_EXC_STORE_CTX,      /* OpenSSL.crypto.X509StoreContextError */
    PO_EXC_RAND,           /* OpenSSL.rand.Error */
    PO_EXC_MAX
} po_exception_id;

/* Names that are looked up often, interned once. */
#define PO_STRING_MAP(XX)                                                                          \
    XX(fileno) XX(read) XX(write) XX(recv) XX(send) XX(connect) XX(connect_ex) XX(accept)          \
    XX(shutdown) XX(gettimeout) XX(name) XX(errors) XX(certificate) XX(timetuple) XX(public_bytes)

typedef enum po_string_id {
#define XX(name) PO_STR_##name,
    PO_STRING_MAP(XX)
#undef XX
    PO_STR_MAX
} po_string_id;

/* A text of OpenSSL's, such as the name of a cipher, and the object made of it. */
typedef struct po_constant {
    const char *text;
    PyObject   *object;
} po_constant;

enum { PO_CONSTANTS = 64 };

/* Room of X509Extension objects that are gone, for those to come. */
enum { PO_SPARE_EXTS = 16 };

typedef struct po_state {
    PyObject     *module; /* borrowed: the state lives in it */
    PyTypeObject *types[PO_TYPE_MAX];
    PyObject     *exceptions[PO_EXC_MAX];
    PyObject     *strings[PO_STR_MAX];
    PyObject     *errorcode;    /* errno.errorcode */
    PyObject     *curves;       /* the set that get_elliptic_curves() gives, once made */
    PyObject     *no_overlap;   /* SSL.NO_OVERLAPPING_PROTOCOLS */
    po_constant   constants[PO_CONSTANTS][2]; /* as str, and as bytes */
    void         *spare_exts[PO_SPARE_EXTS];
    int           spare_ext_count;
    PyObject     *hooks;        /* dict: what stands in for functions of OpenSSL._util.lib */
} po_state;

/* Releases a handle: pyossl_x509_unref and so on, seen through void pointers. */
typedef void (*po_unref)(void *handle);
/* Takes a reference: pyossl_x509_ref and so on. */
typedef void *(*po_ref)(void *handle);

/*
 * Who has an object for longer than one short call: a thread, or a greenlet of it. What
 * another epoch says is void.
 */
typedef struct po_turn {
    struct po_frame *frame; /* that callbacks are to find; may be NULL */
    unsigned long    thread;
    unsigned         epoch;
    bool             taken, called_back;
} po_turn;

typedef struct po_object {
    PyObject_HEAD
    po_state *state;
    void     *handle; /* a pyossl_*; NULL for an object that was never given its arguments */
    po_unref  unref;  /* the handle's; kept here as the state may be gone before the object */
    po_lock   lock;
    PyObject *dict;
    PyObject *weakrefs;
    struct po_object *later; /* the next of those that are released one by one */
} po_object;

/* One row a type. */
typedef struct po_type_row {
    PyType_Spec *spec;
    po_unref     unref; /* both NULL for a type that has no handle */
    po_ref       ref;
} po_type_row;

extern const po_type_row po_types[PO_TYPE_MAX];
extern struct PyModuleDef po_module;

#define PO_STATE(object) (((po_object *)(object))->state)
#define PO_IS(state, object, id) PyObject_TypeCheck(object, (state)->types[id])

/* Slot functions that all types share. */
PyObject *po_new(PyTypeObject *type, PyObject *args, PyObject *kwargs);
void po_dealloc(PyObject *self);
/*
 * The same for a type with a tp_dealloc of its own, which is @dealloc and does nothing after
 * this. What @last refers to, if that is not NULL, goes after everything else.
 */
void po_dealloc_as(PyObject *self, destructor dealloc, PyObject **last);
int po_traverse(PyObject *self, visitproc visit, void *arg);
int po_clear(PyObject *self);
PyObject *po_refuse_pickle(PyObject *self, PyObject *protocol);
extern PyMemberDef po_members[];
extern PyGetSetDef po_getset[];

/* What every type's spec begins with; the type adds its methods, Py_tp_init and Py_tp_doc. */
#define PO_BASIC_SLOTS                                                                             \
    { Py_tp_new, (void *)po_new }, { Py_tp_dealloc, (void *)po_dealloc },                          \
    { Py_tp_traverse, (void *)po_traverse }, { Py_tp_clear, (void *)po_clear },                    \
    { Py_tp_members, po_members }
#define PO_COMMON_SLOTS PO_BASIC_SLOTS, { Py_tp_getset, po_getset }

/* Handles are not bytes: copying or pickling one is refused. */
#define PO_COMMON_METHODS                                                                          \
    { "__reduce_ex__", po_refuse_pickle, METH_O, NULL }

#define PO_TYPE_FLAGS (Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC)

/* An object around @handle, which is taken over, also on failure. */
PyObject *po_wrap(po_state *state, po_type_id id, void *handle);

/*
 * Give @self another handle, which is taken over; the old one is released. Takes
 * the lock: whoever reads the handle without it, or lets the interpreter go
 * while using it, needs a reference of its own.
 */
void po_replace(po_object *self, po_type_id id, void *handle);

/* The object in a field, None for NULL: a new reference. */
PyObject *po_field_get(po_object *self, PyObject **field);
/* Put @value there, whose reference is taken over, as the old one's is released. */
void po_field_set(po_object *self, PyObject **field, PyObject *value);
/* An attribute that gives a field: its @offset in the object. */
PyObject *po_get_field(PyObject *object, void *offset);
/* The object itself: programs hand it to functions of OpenSSL._util.lib. */
PyObject *po_get_self(PyObject *object, void *unused);
#define PO_FIELD(name, layout, field, doc)                                                         \
    { name, po_get_field, NULL, doc, (void *)offsetof(layout, field) }

#endif
