/* From a status to an exception. */
#ifndef PO_RAISE_H
#define PO_RAISE_H

#include "object.h"

/* Which module's exceptions, and which of its habits. */
typedef enum po_domain {
    PO_IO,     /* OpenSSL.SSL, an exchange: WantReadError, SysCallError … */
    PO_SSL,    /* OpenSSL.SSL, anything else: Error */
    PO_CRYPTO, /* OpenSSL.crypto: Error */
    PO_RAND    /* OpenSSL.rand: Error */
} po_domain;

/*
 * Raise what @status and the thread's record say; returns NULL. Must come right
 * after the frame was left: whatever runs in between may fail and overwrite the
 * record. For PYOSSL_OK it is an internal error.
 */
PyObject *po_raise(po_state *state, po_domain domain, pyossl_status status);

/* Raise exception @id with the record's list of (library, function, reason). Returns NULL. */
PyObject *po_raise_as(po_state *state, po_exception_id id);

/* The record's list of (library, function, reason). */
PyObject *po_error_list(void);

/* What the record has to say beyond the reasons, a str, "" for nothing; NULL with an exception. */
PyObject *po_error_detail(void);
/* Give that to an exception: its attribute detail, and a note (PEP 678). Never fails. */
void po_tell_detail(PyObject *exception, PyObject *text);

/* Error of @domain for an object that was never given its arguments. Returns NULL. */
PyObject *po_raise_empty(po_object *self, po_domain domain);

/* Error of @domain with one entry of ours. Returns NULL. */
PyObject *po_raise_text(po_state *state, po_domain domain, const char *reason);

/* For a value that OpenSSL never sees: both SSL.Error and ValueError, with one entry of ours. */
PyObject *po_raise_value(po_state *state, const char *reason);

/*
 * Say in the exception that was just raised, if it is one of OpenSSL's, which file it is about:
 * its attribute filename, and a note (PEP 678). @path may be NULL. Returns @result, which is NULL where there is one.
 */
PyObject *po_in_file(po_state *state, PyObject *result, PyObject *path);

#endif
