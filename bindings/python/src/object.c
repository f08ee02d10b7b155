#include "frame.h"

#include "object.h"

PyMemberDef po_members[] = {
    { "__dictoffset__", T_PYSSIZET, offsetof(po_object, dict), READONLY, NULL },
    { "__weaklistoffset__", T_PYSSIZET, offsetof(po_object, weakrefs), READONLY, NULL },
    { NULL, 0, 0, 0, NULL },
};

PyGetSetDef po_getset[] = {
    { "__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL },
    { NULL, NULL, NULL, NULL, NULL },
};

/* How the handles of the type go that @self's type descends from; NULL where there are none. */
static po_unref unref_of(const po_object *self)
{
    for (int i = 0; i < PO_TYPE_MAX; i++)
        if (self->state->types[i] != NULL && PO_IS(self->state, (PyObject *)self, i))
            return po_types[i].unref;
    return NULL;
}

/* The dict of an object whose methods are called often; @self, or NULL with an exception. */
static PyObject *with_dict(po_object *self)
{
    if (PO_DICT_AHEAD)
        self->dict = PyDict_New();
    if (!PO_DICT_AHEAD || self->dict != NULL)
        return (PyObject *)self;
    Py_DECREF(self);
    return NULL;
}

PyObject *po_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *module = po_module_of_type(type, &po_module);
    po_object *self;

    /* Arguments are __init__'s: a subclass may take others. */
    (void)args;
    (void)kwargs;
    if (module == NULL)
        return NULL;
    self = (po_object *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->state = PyModule_GetState(module);
    self->unref = unref_of(self);
    return with_dict(self);
}

/* At the end of the interpreter this may come after the module's: it does not touch the state. */
static void release(po_object *self)
{
    void *handle = self->handle;

    self->handle = NULL;
    if (handle != NULL)
        self->unref(handle);
}

/*
 * What goes with an object may be a long chain of others. From some depth on they wait, and the
 * outermost release lets them go one by one. Python's own trashcan counts on large stacks.
 */
enum { DEPTH_MAX = 40 };

static _Thread_local struct {
    unsigned depth;
    po_object *waiting;
} bin;

static void dismantle(po_object *self, PyObject *kept)
{
    PyObject *object = (PyObject *)self;
    PyTypeObject *type = Py_TYPE(object);
    po_saved_exception saved;

    po_exception_save(&saved); /* ours to keep, whatever is released below */
    if (self->weakrefs != NULL)
        PyObject_ClearWeakRefs(object);
    if (type->tp_clear != NULL)
        type->tp_clear(object);
    release(self);
    type->tp_free(object);
    Py_DECREF(type);
    Py_XDECREF(kept);
    po_exception_put_back(&saved);
}

void po_dealloc_as(PyObject *object, destructor dealloc, PyObject **last)
{
    po_object *self = (po_object *)object;

    PyObject_GC_UnTrack(object);
    /* Of a subclass Python has begun the release already, and will end it. */
    if (bin.depth >= DEPTH_MAX && Py_TYPE(object)->tp_dealloc == dealloc) {
        self->later = bin.waiting;
        bin.waiting = self;
        return;
    }
    bin.depth++;
    dismantle(self, last != NULL ? *last : NULL);
    /* In the outermost release alone: those that go from here are one deeper, and leave it to this.
     */
    while (bin.depth == 1 && bin.waiting != NULL) {
        self = bin.waiting;
        bin.waiting = self->later;
        Py_TYPE((PyObject *)self)->tp_dealloc((PyObject *)self);
    }
    bin.depth--;
}

void po_dealloc(PyObject *object)
{
    po_dealloc_as(object, po_dealloc, NULL);
}

int po_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((po_object *)self)->dict);
    return 0;
}

int po_clear(PyObject *self)
{
    Py_CLEAR(((po_object *)self)->dict);
    return 0;
}

PyObject *po_refuse_pickle(PyObject *self, PyObject *protocol)
{
    (void)protocol;
    return PyErr_Format(PyExc_TypeError, "cannot pickle or copy '%.100s' object",
                        Py_TYPE(self)->tp_name);
}

PyObject *po_wrap(po_state *state, po_type_id id, void *handle)
{
    PyTypeObject *type = state->types[id];
    po_object *self = (po_object *)type->tp_alloc(type, 0);

    if (self == NULL) {
        po_types[id].unref(handle);
        return NULL;
    }
    self->state = state;
    self->handle = handle;
    self->unref = po_types[id].unref;
    return id == PO_X509 || id == PO_EXT ? with_dict(self) : (PyObject *)self;
}

void po_replace(po_object *self, po_type_id id, void *handle)
{
    po_frame frame;
    void *old;

    po_quick_enter(&frame, self);
    old = self->handle;
    self->handle = handle;
    (void)po_frame_leave(&frame);
    if (old != NULL)
        po_types[id].unref(old);
}

PyObject *po_field_get(po_object *self, PyObject **field)
{
    po_frame frame;
    PyObject *value;

    po_quick_enter(&frame, self);
    value = Py_NewRef(*field != NULL ? *field : Py_None);
    po_frame_end(&frame);
    return value;
}

void po_field_set(po_object *self, PyObject **field, PyObject *value)
{
    po_frame frame;
    PyObject *old;

    po_quick_enter(&frame, self);
    old = *field;
    *field = value;
    po_frame_end(&frame);
    Py_XDECREF(old); /* may run a program's code: not under the lock */
}

PyObject *po_get_field(PyObject *object, void *offset)
{
    return po_field_get((po_object *)object, (PyObject **)((char *)object + (size_t)offset));
}

PyObject *po_get_self(PyObject *object, void *unused)
{
    (void)unused;
    return Py_NewRef(object);
}
