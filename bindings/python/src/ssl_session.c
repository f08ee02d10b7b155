/* OpenSSL.SSL.Session */
#include "ssl_session_methods.h"

int po_session_init(po_object *self)
{
    (void)self;
    return 0;
}

PyObject *po_session_wrap(po_state *state, pyossl_session *session, PyObject *context)
{
    PyObject *object = po_wrap(state, PO_SESSION, session);

    if (object != NULL)
        ((po_session *)object)->context = Py_XNewRef(context);
    return object;
}

void po_session_become(PyObject *object, PyObject *other, pyossl_session *session)
{
    PyObject *context = po_field_get((po_object *)other, &((po_session *)other)->context);

    po_field_set((po_object *)object, &((po_session *)object)->context, context);
    po_replace((po_object *)object, PO_SESSION, session);
}

static int traverse(PyObject *object, visitproc visit, void *arg)
{
    Py_VISIT(((po_session *)object)->context);
    return po_traverse(object, visit, arg);
}

static int clear(PyObject *object)
{
    Py_CLEAR(((po_session *)object)->context);
    return po_clear(object);
}

static PyGetSetDef getset[] = {
    { "__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL },
    { "_session", po_get_self, NULL, "This session, for OpenSSL._util.lib.", NULL },
    PO_FIELD("_context", po_session, context, "The Context it was made under."),
    { NULL, NULL, NULL, NULL, NULL },
};

static PyType_Slot slots[] = {
    { Py_tp_new, (void *)po_new },
    { Py_tp_init, (void *)po_session_tp_init },
    { Py_tp_dealloc, (void *)po_dealloc },
    { Py_tp_traverse, (void *)traverse },
    { Py_tp_clear, (void *)clear },
    { Py_tp_members, po_members },
    { Py_tp_getset, getset },
    { Py_tp_methods, po_session_methods },
    { Py_tp_doc, (void *)po_session_doc },
    { 0, NULL },
};

PyType_Spec po_session_spec = { "OpenSSL.SSL.Session", sizeof(po_session), 0, PO_TYPE_FLAGS,
                                slots };
