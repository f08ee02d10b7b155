/* OpenSSL.SSL.Session */
#define PO_HANDLE pyossl_session
#define PO_DOMAIN PO_SSL

#include "shapes.h"

#include "ssl.h"
#include "types.h"

#include "ssl_session.def"

static int init(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static const po_params params = { "Session", NULL, 0, 0 };

    (void)object;
    return po_args_tuple(&params, args, kwargs, NULL);
}

PyObject *po_session_wrap(po_state *state, pyossl_session *session, PyObject *context)
{
    PyObject *object = po_wrap(state, PO_SESSION, session);

    if (object != NULL)
        ((po_session *)object)->context = Py_XNewRef(context);
    return object;
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

static PyObject *get_self(PyObject *object, void *closure)
{
    (void)closure;
    return Py_NewRef(object);
}

static PyObject *get_context(PyObject *object, void *closure)
{
    (void)closure;
    return po_field_get((po_object *)object, &((po_session *)object)->context);
}

static PyGetSetDef getset[] = {
    { "__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL },
    { "_session", get_self, NULL, "This session, for OpenSSL._util.lib.", NULL },
    { "_context", get_context, NULL, "The Context it was made under.", NULL },
    { NULL, NULL, NULL, NULL, NULL },
};

#include "rows.h"

static PyMethodDef methods[] = {
    PO_COMMON_METHODS,
#include "ssl_session.def"
    { NULL, NULL, 0, NULL },
};

static PyType_Slot slots[] = {
    { Py_tp_new, (void *)po_new },
    { Py_tp_init, (void *)init },
    { Py_tp_dealloc, (void *)po_dealloc },
    { Py_tp_traverse, (void *)traverse },
    { Py_tp_clear, (void *)clear },
    { Py_tp_members, po_members },
    { Py_tp_getset, getset },
    { Py_tp_methods, methods },
    { Py_tp_doc, (void *)"Session()\n--\n\nWhat a client keeps to resume a session; as secret as "
                         "the traffic." },
    { 0, NULL },
};

PyType_Spec po_session_spec = { "OpenSSL.SSL.Session", sizeof(po_session), 0, PO_TYPE_FLAGS,
                                slots };
