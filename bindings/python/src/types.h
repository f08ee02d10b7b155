/* The types of the module and how one is declared. */
#ifndef PO_TYPES_H
#define PO_TYPES_H

#include "object.h"

/* The spec of a type that has the common slots, and the methods, __init__ and docstring of its table. */
#define PO_TYPE_SPEC(ident, dotted_name, layout)                                                   \
    static PyType_Slot ident##_slots[] = {                                                         \
        PO_COMMON_SLOTS,                                                                           \
        { Py_tp_methods, po_##ident##_methods },                                                   \
        { Py_tp_init, (void *)po_##ident##_tp_init },                                              \
        { Py_tp_doc, (void *)po_##ident##_doc },                                                   \
        { 0, NULL },                                                                               \
    };                                                                                             \
    PyType_Spec po_##ident##_spec = { dotted_name, sizeof(layout), 0, PO_TYPE_FLAGS, ident##_slots }

extern PyType_Spec po_pkey_spec;
extern PyType_Spec po_name_spec;
extern PyType_Spec po_x509_spec;
extern PyType_Spec po_ext_spec;
extern PyType_Spec po_req_spec;
extern PyType_Spec po_revoked_spec;
extern PyType_Spec po_crl_spec;
extern PyType_Spec po_store_spec;
extern PyType_Spec po_store_ctx_spec;
extern PyType_Spec po_pkcs7_spec;
extern PyType_Spec po_pkcs12_spec;
extern PyType_Spec po_spki_spec;
extern PyType_Spec po_curve_spec;
extern PyType_Spec po_context_spec;
extern PyType_Spec po_connection_spec;
extern PyType_Spec po_session_spec;

/* What a file adds to the module: its functions. NULL-terminated tables. */
extern PyMethodDef po_crypto_methods[];
extern PyMethodDef po_rand_methods[];
extern PyMethodDef po_ssl_methods[];
extern PyMethodDef po_private_methods[]; /* for the package's own files */
extern PyMethodDef po_crypto_private_methods[];

/* Release the room of X509Extension objects that are gone. */
void po_ext_drop_spares(po_state *state);

/* Constants of all groups, set on the module: "SSL.OP_ALL" and so on. */
int po_add_constants(PyObject *module);

#endif
