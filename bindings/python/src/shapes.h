/*
 * What ordinary methods look like: one line of a .def file is a method.
 *
 * A type's file defines PO_HANDLE (the C type behind it) and PO_DOMAIN, includes
 * this header and its .def file, which makes the functions; then rows.h and the
 * .def file again inside a PyMethodDef array, which makes the table.
 *
 * Every shape but the two that read files takes the object's lock, raises through po_raise(),
 * and refuses an object that is empty. The handle is read after taking the lock, and of an
 * argument a reference is taken: other threads may replace either.
 *
 *   shape           C function behind it                       Python gives
 *   GET_LONG        long/int f(const H *)                       int
 *   GET_ULONG       unsigned long/size_t/uint64_t f(const H *)  int
 *   GET_BOOL        int f(const H *)                            bool
 *   GET_STR         const char *f(const H *)                    str, None for NULL
 *   GET_CBYTES      const char *f(const H *)                    bytes, None for NULL
 *   GET_CONST       the same, of a text that never goes away    str, None for NULL
 *   GET_CONST_BYTES the same                                    bytes, None for NULL
 *   GET_BUF         status f(const H *, buf *)                  bytes
 *   GET_BUF_OR_NONE the same, PYOSSL_E_NOT_FOUND is None        bytes or None
 *   GET_NEW         status f(H *, T **)                         an object of type T
 *   GET_NEW_OR_NONE the same, PYOSSL_E_NOT_FOUND is None        an object or None
 *   GET_CERTS_OR_NONE status f(const H *, x509_list *)          list of X509, or None
 *   GET_HASH        status f(const H *, unsigned long *)        int
 *   DO              status f(H *)                               None
 *   DO_SLOW         the same, with nothing held                  None
 *   SET_LONG, SET_INT  status f(H *, long or int)               None
 *   SET_TEXT        status f(H *, const char *)                 None; bytes or str, no NUL
 *   SET_BYTES       status f(H *, const char *, size_t)         None; bytes or str
 *   SET_OBJ         status f(H *, T *)                          None
 *   SET_PATH        status f(H *, const char *), nothing held   None; str, bytes or os.PathLike
 *   CUSTOM          po_m_NAME, written by hand
 *   ELSEWHERE       a function of another file, written by hand
 */
#ifndef PO_SHAPES_H
#define PO_SHAPES_H

#include "convert.h"
#include "frame.h"
#include "raise.h"

/* A method without arguments, kept attached: the rest of its body, from the call on. */
#define PO_NOARGS_BODY(name, ...) PO_NOARGS_ENTER_(name, po_quick_enter, __VA_ARGS__)

#define PO_NOARGS_ENTER_(name, enter, ...)                                                         \
    static PyObject *po_m_##name(PyObject *object, PyObject *unused)                               \
    {                                                                                              \
        po_object *self = (po_object *)object;                                                     \
        PO_HANDLE *handle;                                                                         \
        po_frame frame;                                                                            \
                                                                                                   \
        (void)unused;                                                                              \
        enter(&frame, self);                                                                       \
        handle = self->handle;                                                                     \
        if (handle == NULL) {                                                                      \
            (void)po_frame_leave(&frame);                                                          \
            return po_raise_empty(self, PO_DOMAIN);                                                \
        }                                                                                          \
        __VA_ARGS__                                                                                \
    }

/* What gives a plain value calls nobody back: where nobody has the lock, nobody will meanwhile. */
#define GET_VALUE_(name, type, get, convert)                                                       \
    PO_NOARGS_BODY(locked_##name, type const value = get(handle);                                  \
                   if (po_frame_leave(&frame) < 0) return NULL; return convert(value);)            \
                                                                                                   \
    static PyObject *po_m_##name(PyObject *object, PyObject *unused)                               \
    {                                                                                              \
        po_object *self = (po_object *)object;                                                     \
                                                                                                   \
        if (self->handle != NULL && po_lock_is_free(&(self)->lock)) {                              \
            type const value = get((PO_HANDLE *)self->handle);                                     \
                                                                                                   \
            return convert(value);                                                                 \
        }                                                                                          \
        return po_m_locked_##name(object, unused);                                                 \
    }

#define GET_LONG(name, get, doc) GET_VALUE_(name, long, get, PyLong_FromLong)
#define GET_ULONG(name, get, doc) GET_VALUE_(name, uint64_t, get, PyLong_FromUnsignedLongLong)
#define GET_BOOL(name, get, doc) GET_VALUE_(name, int, get, PyBool_FromLong)

/* Texts are borrowed from the object: they are copied while it is locked, and decoded after that. */
#define GET_TEXT_(name, get, convert)                                                              \
    PO_NOARGS_BODY(name, PyObject *copy = po_from_cstring(get(handle));                            \
                   if (po_frame_leave(&frame) < 0) Py_CLEAR(copy); return convert(copy);)

#define GET_STR(name, get, doc) GET_TEXT_(name, get, po_decoded)
#define GET_CBYTES(name, get, doc) GET_TEXT_(name, get, )

#define GET_CONST(name, get, doc) GET_VALUE_(name, const char *, get, PO_CONST_)
#define GET_CONST_BYTES(name, get, doc) GET_VALUE_(name, const char *, get, PO_CONST_BYTES_)
#define PO_CONST_(text) po_from_constant(self->state, text)
#define PO_CONST_BYTES_(text) po_from_constant_bytes(self->state, text)

/* @on_status turns what is not PYOSSL_OK into a result. */
#define GET_OUT_(name, type, initial, call, on_status, on_ok)                                      \
    PO_NOARGS_BODY(name, type out = initial; const pyossl_status status = call;                    \
                   if (po_frame_leave(&frame) < 0) return NULL;                                    \
                   if (status != PYOSSL_OK) on_status return on_ok;)

#define PO_RAISE_ { return po_raise(self->state, PO_DOMAIN, status); }
#define PO_NONE_IF_NOT_FOUND_                                                                      \
    {                                                                                              \
        if (status == PYOSSL_E_NOT_FOUND)                                                          \
            Py_RETURN_NONE;                                                                        \
        return po_raise(self->state, PO_DOMAIN, status);                                           \
    }

/* Both pyossl_buf and pyossl_x509_list start from it. */
#define PO_PAIR_ { NULL, 0 }

#define GET_BUF(name, get, doc)                                                                    \
    GET_OUT_(name, pyossl_buf, PO_PAIR_, get(handle, &out), PO_RAISE_,                             \
             po_from_buf(&out))
#define GET_BUF_OR_NONE(name, get, doc)                                                            \
    GET_OUT_(name, pyossl_buf, PO_PAIR_, get(handle, &out), PO_NONE_IF_NOT_FOUND_,                 \
             po_from_buf(&out))
#define GET_NEW(name, get, type, id, doc)                                                          \
    GET_OUT_(name, type *, NULL, get(handle, &out), PO_RAISE_, po_wrap(self->state, id, out))
#define GET_NEW_OR_NONE(name, get, type, id, doc)                                                  \
    GET_OUT_(name, type *, NULL, get(handle, &out), PO_NONE_IF_NOT_FOUND_,                         \
             po_wrap(self->state, id, out))
#define GET_CERTS_OR_NONE(name, get, doc)                                                          \
    GET_OUT_(name, pyossl_x509_list, PO_PAIR_, get(handle, &out),                                  \
             PO_NONE_IF_NOT_FOUND_, po_from_certs(self->state, &out))
#define GET_HASH(name, get, doc)                                                                   \
    GET_OUT_(name, unsigned long, 0, get(handle, &out), PO_RAISE_, PyLong_FromUnsignedLong(out))

#define DO_(name, enter, call)                                                                     \
    PO_NOARGS_ENTER_(name, enter, const pyossl_status status = call(handle);                       \
                     if (po_frame_leave(&frame) < 0) return NULL;                                  \
                     if (status != PYOSSL_OK) PO_RAISE_ Py_RETURN_NONE;)
#define DO(name, call, doc) DO_(name, po_quick_enter, call)
#define DO_SLOW(name, call, doc) DO_(name, PO_LONG_, call)
/* For handles that are never replaced, and lock themselves what they use: a Context's. */
#define PO_LONG_(frame, self) po_long_enter(frame)

/* A method with one argument, kept attached. */
#define PO_ONE_ARG_BODY(name, argument, declare, convert, call, release)                           \
    PO_ONE_ARG_ENTER_(name, argument, po_quick_enter, declare, convert, call, release, PO_AS_IT_IS_)
#define PO_AS_IT_IS_(result) result
#define PO_IN_FILE_(result) po_in_file(self->state, result, given[0])

#define PO_ONE_ARG_ENTER_(name, argument, enter, declare, convert, call, release, explain)         \
    static PyObject *po_m_##name(PyObject *object, PyObject *const *args, Py_ssize_t nargs,        \
                                 PyObject *kwnames)                                                \
    {                                                                                              \
        static const char *const names[] = { #argument };                                          \
        static const po_params params = { #name, names, 1, 1 };                                    \
        po_object *self = (po_object *)object;                                                     \
        PO_HANDLE *handle;                                                                         \
        PyObject *given[1];                                                                        \
        po_frame frame;                                                                            \
        pyossl_status status;                                                                      \
        declare                                                                                    \
                                                                                                   \
        if (po_args(&params, args, nargs, kwnames, given) < 0)                                     \
            return NULL;                                                                           \
        if (convert)                                                                               \
            return NULL;                                                                           \
        enter(&frame, self);                                                                       \
        handle = self->handle;                                                                     \
        if (handle == NULL) {                                                                      \
            (void)po_frame_leave(&frame);                                                          \
            release;                                                                               \
            return po_raise_empty(self, PO_DOMAIN);                                                \
        }                                                                                          \
        status = call;                                                                             \
        if (po_frame_leave(&frame) < 0) {                                                          \
            release;                                                                               \
            return NULL;                                                                           \
        }                                                                                          \
        if (status != PYOSSL_OK) {                                                                 \
            PyObject *const none = explain(po_raise(self->state, PO_DOMAIN, status));              \
            release;                                                                               \
            return none;                                                                           \
        }                                                                                          \
        release;                                                                                   \
        Py_RETURN_NONE;                                                                            \
    }

#define SET_LONG(name, set, argument, doc)                                                         \
    PO_ONE_ARG_BODY(name, argument, long value;, po_to_long(given[0], #argument, &value) < 0,      \
                    set(handle, value), (void)0)
#define SET_INT(name, set, argument, doc)                                                          \
    PO_ONE_ARG_BODY(name, argument, int value;, po_to_int(given[0], #argument, &value) < 0,        \
                    set(handle, value), (void)0)
#define SET_TEXT(name, set, argument, doc)                                                         \
    PO_ONE_ARG_BODY(name, argument, po_bytes value;,                                               \
                    po_to_cstring(given[0], #argument, PO_STR_UTF8, &value) < 0,                   \
                    set(handle, value.data), po_bytes_release(&value))
#define SET_BYTES(name, set, argument, doc)                                                        \
    PO_ONE_ARG_BODY(name, argument, po_bytes value;,                                               \
                    po_to_bytes(given[0], #argument, PO_STR_UTF8, &value) < 0,                     \
                    set(handle, value.data, value.len), po_bytes_release(&value))
#define SET_OBJ(name, set, argument, id, doc)                                                      \
    PO_ONE_ARG_BODY(name, argument, void *value;,                                                  \
                    (value = po_take_handle(self->state, given[0], id, #argument)) == NULL,        \
                    set(handle, value), po_types[id].unref(value))

#define SET_PATH(name, set, argument, doc)                                                         \
    PO_ONE_ARG_ENTER_(name, argument, PO_LONG_, po_bytes value;,                                   \
                      po_to_path(given[0], #argument, &value) < 0, set(handle, value.data),        \
                      po_bytes_release(&value), PO_IN_FILE_)

/* Written by hand: in the type's file, or as @function in another. */
#define CUSTOM(name, flags, signature, doc)
#define ELSEWHERE(name, function, flags, signature, doc)

#endif
