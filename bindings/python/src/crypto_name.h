/* What the files of X509Name share. */
#ifndef PO_CRYPTO_NAME_H
#define PO_CRYPTO_NAME_H

#include "crypto_common.h"

/*
 * A view of a certificate's name is mostly asked for one field and thrown away, and
 * making it takes longer than the asking. So it is left with the certificate, which
 * gives it to the next who asks; and what was asked last, it remembers.
 */
typedef struct po_name {
    po_object base;
    PyObject *owner;         /* what the name is a view of; NULL for one that stands alone */
    const pyossl_x509 *cert; /* what the handle is a view of, if that is a certificate */
    po_name_of which;
    unsigned long revision;  /* of the certificate, when the view was last seen to be good */
    PyObject *field, *value; /* the last attribute and what it was then, or NULL */
} po_name;

/*
 * A view changes its owner, so the owner's lock guards both. Its holder is referenced until the
 * end of the function: another thread may give the view another name meanwhile.
 */
typedef struct po_hold {
    po_frame  frame;
    PyObject *holder;
} po_hold;

static inline void po_drop_holder(po_hold *held)
{
    Py_XDECREF(held->holder);
}

#define PO_HOLD_INIT { .holder = NULL }
#define po_auto_hold __attribute__((cleanup(po_drop_holder))) po_hold

/* Hold the lock that guards @self, attached. */
void po_name_hold(po_hold *held, po_object *self);
/* The same; NULL with Error raised for a name that was never given its arguments. */
pyossl_name *po_name_enter(po_hold *held, po_object *self);

/* ---- crypto_name_look.c ---- */

PyObject *po_name_richcompare(PyObject *left, PyObject *right, int operator);
PyObject *po_name_repr(PyObject *object);

#endif
