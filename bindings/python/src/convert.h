/* Arguments in, results out. What fails returns -1 or NULL with an exception. */
#ifndef PO_CONVERT_H
#define PO_CONVERT_H

#include "object.h"

/* ---- arguments by position and by name ---- */

/* What a function takes; names in order, @required of them without a default. */
typedef struct po_params {
    const char        *function;
    const char *const *names;
    int                required;
    int                count;
    int                positional; /* so many of them can be given without their name */
    const char        *alias;      /* another name of the first; or NULL */
} po_params;

enum { PO_ARGS_MAX = 8 };

/* Sort a METH_FASTCALL | METH_KEYWORDS call into @out[count]; NULL where nothing was given. */
int po_args_any(const po_params *params, PyObject *const *args, Py_ssize_t nargs,
                PyObject *kwnames, PyObject **out);

/* The same, at once for what most calls are: arguments by position alone. */
static inline int po_args(const po_params *params, PyObject *const *args, Py_ssize_t nargs,
                          PyObject *kwnames, PyObject **out)
{
    if (kwnames != NULL || nargs < params->required || nargs > params->positional)
        return po_args_any(params, args, nargs, kwnames, out);
    for (int i = 0; i < params->count; i++)
        out[i] = i < nargs ? args[i] : NULL;
    return 0;
}

/* The same for tp_init and tp_new. */
int po_args_tuple(const po_params *params, PyObject *args, PyObject *kwargs, PyObject **out);

/* TypeError: argument @index was needed, as it turns out. Returns NULL. */
PyObject *po_missing(const po_params *params, int index);

/* ---- numbers ---- */

/* TypeError("NAME must be an integer") for what is no int; OverflowError for what does not fit. */
int po_to_long(PyObject *object, const char *name, long *out);
int po_to_int(PyObject *object, const char *name, int *out);
int po_to_int64(PyObject *object, const char *name, int64_t *out);
int po_to_uint32(PyObject *object, const char *name, uint32_t *out);
int po_to_uint64(PyObject *object, const char *name, uint64_t *out);
int po_to_ulong(PyObject *object, const char *name, unsigned long *out);
int po_to_size(PyObject *object, const char *name, size_t *out); /* ValueError if negative */
int po_check_int(PyObject *object, const char *name);
int po_to_double(PyObject *object, const char *name, double *out);
/* An int of any size as hexadecimal digits. */
typedef struct po_bytes po_bytes;
int po_to_hex(PyObject *object, const char *name, po_bytes *out);

/* ---- bytes and text ---- */

/* Bytes of an object, borrowed until po_bytes_release(). */
struct po_bytes {
    const char *data;
    size_t      len;
    Py_buffer   view;   /* view.obj is set while a buffer is held */
    PyObject   *holder; /* what else keeps the bytes alive */
};

#define PO_BYTES_INIT { NULL, 0, { 0 }, NULL }

/* How a str is taken. */
typedef enum po_str_rule {
    PO_STR_REFUSE, /* TypeError */
    PO_STR_UTF8,   /* encoded, without a word */
    PO_STR_ASCII,  /* encoded; UnicodeEncodeError for other characters */
    PO_STR_WARN    /* encoded as UTF-8, with the DeprecationWarning that programs look for */
} po_str_rule;

/*
 * Any contiguous bytes-like object, or a str by @rule; else
 * TypeError("NAME must be a byte string").
 */
int po_to_bytes(PyObject *object, const char *name, po_str_rule rule, po_bytes *out);
/* The same of an argument, which the caller keeps: for bytes there is nothing to hold. */
static inline int po_arg_bytes(PyObject *object, const char *name, po_str_rule rule, po_bytes *out)
{
    if (!PyBytes_CheckExact(object))
        return po_to_bytes(object, name, rule, out);
    out->data = PyBytes_AS_STRING(object);
    out->len = (size_t)PyBytes_GET_SIZE(object);
    return 0;
}
/* The same for C strings: ValueError for a NUL inside. */
int po_to_cstring(PyObject *object, const char *name, po_str_rule rule, po_bytes *out);
/* TypeError unless @object is bytes, or a str where @rule takes one. */
int po_check_strict(PyObject *object, const char *name, po_str_rule rule);
/* The same, and then a C string. */
int po_to_strict_cstring(PyObject *object, const char *name, po_str_rule rule, po_bytes *out);
int po_check_str(PyObject *object, const char *name);
/* A path of bytes, or of a str with that warning. */
int po_to_strict_path(PyObject *object, const char *name, po_bytes *out);
/* A path: str, bytes or os.PathLike in the file system's encoding; ValueError for a NUL. */
int po_to_path(PyObject *object, const char *name, po_bytes *out);
void po_bytes_release(po_bytes *bytes);
#define po_auto_bytes __attribute__((cleanup(po_bytes_release))) po_bytes

/* Writable bytes: TypeError for what is read-only, BufferError for what is not contiguous. */
int po_to_writable(PyObject *object, po_bytes *out);

/* ---- objects ---- */

/* 0, or -1 with TypeError("NAME must be a(n) TYPE instance"). */
int po_check_type(po_state *state, PyObject *object, po_type_id id, const char *name);
/* The same, and Error for an empty object. */
int po_check_any(po_state *state, PyObject *object, po_type_id id, const char *name);
static inline int po_check_full(po_state *state, PyObject *object, po_type_id id, const char *name)
{
    if (Py_IS_TYPE(object, state->types[id]) && ((po_object *)object)->handle != NULL)
        return 0;
    return po_check_any(state, object, id, name);
}
/* 0 for a callable or None; else TypeError("callback must be callable"). */
int po_check_callback(PyObject *callback);
/*
 * The handle of an object of type @id, with a reference of the caller's, which
 * po_types[id].unref releases: another thread may give the object another handle at any time.
 * Of a name, which may be a view of what other threads change, a copy. TypeError("NAME must be
 * a(n) TYPE instance"); Error for an empty object.
 */
void *po_take_handle(po_state *state, PyObject *object, po_type_id id, const char *name);

/* ---- results ---- */

/* bytes from @buf, which is cleared. */
PyObject *po_from_buf(pyossl_buf *buf);
/* The same as b"AB:CD:..." */
PyObject *po_colon_hex(pyossl_buf *buf);
/* str from UTF-8, or None for NULL. */
PyObject *po_from_text(const char *text);
/* The same from such bytes, or None, as the next gives; takes @bytes over, NULL is an exception. */
PyObject *po_decoded(PyObject *bytes);
/* bytes from a C string, or None for NULL. Runs no other code, so it may stand under a lock. */
PyObject *po_from_cstring(const char *text);
/* str or bytes from a text that never changes nor goes away: made once, where there is room. */
PyObject *po_from_constant(po_state *state, const char *text);
PyObject *po_from_constant_bytes(po_state *state, const char *text);
/* The items that @item makes for 0, 1 and so on: NULL without an exception is the end. */
PyObject *po_list(po_object *self, PyObject *(*item)(po_object *self, size_t index));
/* A tuple of them, or None where there are none; takes @list over, NULL is an exception. */
PyObject *po_tuple_or_none(PyObject *list);
/* A list of X509 objects; @list is cleared. */
PyObject *po_from_certs(po_state *state, pyossl_x509_list *list);

/* DeprecationWarning for the caller; -1 where warnings are errors. */
int po_warn(const char *text);

#endif
