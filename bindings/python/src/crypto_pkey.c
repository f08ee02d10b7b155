/* OpenSSL.crypto.PKey */
#define PO_HANDLE pyossl_pkey
#define PO_DOMAIN PO_CRYPTO

#include "shapes.h"

#include "crypto_common.h"

#include "crypto_pkey.def"

static int init(PyObject *object, PyObject *args, PyObject *kwargs)
{
    po_pkey *self = (po_pkey *)object;

    if (po_no_args("PKey", args, kwargs) < 0)
        return -1;
    po_replace(&self->base, PO_PKEY, NULL);
    self->only_public = self->initialized = PO_FLAG_UNSET;
    return 0;
}

/* A reference, or NULL for an empty key. What it refers to never changes, so needs no lock. */
static pyossl_pkey *take(PyObject *object)
{
    po_object *self = (po_object *)object;
    pyossl_pkey *key;
    po_frame frame;

    po_quick_enter(&frame, self);
    key = self->handle != NULL ? pyossl_pkey_ref(self->handle) : NULL;
    (void)po_frame_leave(&frame);
    return key;
}

static PyObject *number_of(PyObject *object, int (*get)(const pyossl_pkey *))
{
    po_auto(pyossl_pkey) *key = take(object);

    return PyLong_FromLong(key != NULL ? get(key) : 0);
}

PO_METHOD0(type)
{
    (void)unused;
    return number_of(object, pyossl_pkey_type);
}

PO_METHOD0(bits)
{
    (void)unused;
    return number_of(object, pyossl_pkey_bits);
}

PO_METHOD0(type_name)
{
    po_auto(pyossl_pkey) *key = take(object);

    (void)unused;
    return po_from_text(key != NULL ? pyossl_pkey_type_name(key) : "");
}

/* ---- making ---- */

/* What generate_key() was asked for: a number, as ever, or a name. */
typedef struct wanted {
    po_bytes name, group;
    int type, bits;
} wanted;

static int to_numbers(PyObject *const *given, wanted *out)
{
    if (given[1] == NULL) {
        PyErr_SetString(PyExc_TypeError, "generate_key() missing required argument 'bits'");
        return -1;
    }
    if (given[2] != NULL && given[2] != Py_None) {
        PyErr_SetString(PyExc_TypeError, "group is for types by name: pass 'EC', say");
        return -1;
    }
    return po_to_int(given[0], "type", &out->type) < 0 ? -1
                                                       : po_to_int(given[1], "bits", &out->bits);
}

static int to_names(PyObject *const *given, wanted *out)
{
    if (po_to_cstring(given[0], "type", PO_STR_UTF8, &out->name) < 0)
        return -1;
    if (given[1] != NULL && given[1] != Py_None && po_to_int(given[1], "bits", &out->bits) < 0)
        return -1;
    if (given[2] == NULL || given[2] == Py_None)
        return 0;
    return po_to_cstring(given[2], "group", PO_STR_UTF8, &out->group);
}

static pyossl_status generate(const wanted *from, pyossl_pkey **out)
{
    pyossl_status status;
    po_frame frame;

    po_long_enter(&frame);
    status = from->name.data != NULL
                 ? pyossl_pkey_generate_named(out, from->name.data, from->bits, from->group.data)
                 : pyossl_pkey_generate(out, from->type, from->bits);
    po_frame_end(&frame);
    return status;
}

static PyObject *raise_generate(po_state *state, int type, pyossl_status status)
{
    /* Sizes of DSA keys are OpenSSL's to judge: programs expect Error for what it refuses. */
    if (status == PYOSSL_E_ARGUMENT && type == PYOSSL_KEY_DSA)
        return po_raise_as(state, PO_EXC_CRYPTO_VALUE);
    return po_raise(state, PO_CRYPTO, status);
}

static void wanted_release(wanted *self)
{
    po_bytes_release(&self->name);
    po_bytes_release(&self->group);
}

PO_METHOD(generate_key)
{
    static const char *const names[] = { "type", "bits", "group" };
    static const po_params params = { "generate_key", names, 1, 3 };
    __attribute__((cleanup(wanted_release))) wanted asked = { .name = PO_BYTES_INIT,
                                                              .group = PO_BYTES_INIT };
    po_pkey *self = (po_pkey *)object;
    pyossl_pkey *key = NULL;
    PyObject *given[3];
    pyossl_status status;

    if (po_args(&params, args, nargs, kwnames, given) < 0)
        return NULL;
    if (PyUnicode_Check(given[0])) {
        if (to_names(given, &asked) < 0)
            return NULL;
    } else {
        if (to_numbers(given, &asked) < 0)
            return NULL;
        if (asked.type != PYOSSL_KEY_RSA && asked.type != PYOSSL_KEY_DSA) {
            PyErr_SetString(self->base.state->exceptions[PO_EXC_CRYPTO], "No such key type");
            return NULL;
        }
    }
    status = generate(&asked, &key);
    if (status != PYOSSL_OK)
        return raise_generate(self->base.state, asked.type, status);
    po_replace(&self->base, PO_PKEY, key);
    self->only_public = self->initialized = PO_FLAG_UNSET;
    Py_RETURN_NONE;
}

/* ---- the rest ---- */

/* Programs expect a TypeError of the types that every release knew and did not check. */
static bool is_checked(int type)
{
    switch (type) {
    case PYOSSL_KEY_DSA:
    case PYOSSL_KEY_DH:
    case PYOSSL_KEY_EC:
    case PYOSSL_KEY_X25519:
    case PYOSSL_KEY_X448:
    case PYOSSL_KEY_ED25519:
    case PYOSSL_KEY_ED448:
        return false;
    default:
        return true;
    }
}

PO_METHOD0(check)
{
    po_pkey *self = (po_pkey *)object;
    po_auto(pyossl_pkey) *key = take(object);
    pyossl_status status;
    po_frame frame;

    (void)unused;
    if (key != NULL && (self->only_public == PO_FLAG_TRUE || !pyossl_pkey_is_private(key))) {
        PyErr_SetString(PyExc_TypeError, "a public key cannot be checked");
        return NULL;
    }
    if (key == NULL || !is_checked(pyossl_pkey_type(key))) {
        PyErr_SetString(PyExc_TypeError, "of the older types only RSA keys can be checked");
        return NULL;
    }
    po_long_enter(&frame);
    status = pyossl_pkey_check(key);
    po_frame_end(&frame);
    if (status != PYOSSL_OK)
        return po_raise(self->base.state, PO_CRYPTO, status);
    Py_RETURN_TRUE;
}

PO_METHOD0(to_cryptography_key)
{
    (void)unused;
    return po_bridge("key_to", object);
}

PO_METHOD(from_cryptography_key)
{
    PyObject *given = po_one_arg("from_cryptography_key", "crypto_key", args, nargs, kwnames);

    (void)object;
    return given != NULL ? po_bridge("key_from", given) : NULL;
}

/* ---- flags that programs look at, and some set ---- */

static PyObject *get_only_public(PyObject *object, void *unused)
{
    po_pkey *self = (po_pkey *)object;
    po_auto(pyossl_pkey) *key = NULL;

    (void)unused;
    if (self->only_public != PO_FLAG_UNSET)
        return PyBool_FromLong(self->only_public == PO_FLAG_TRUE);
    key = take(object);
    return PyBool_FromLong(key != NULL && !pyossl_pkey_is_private(key));
}

static PyObject *get_initialized(PyObject *object, void *unused)
{
    po_pkey *self = (po_pkey *)object;
    po_auto(pyossl_pkey) *key = NULL;

    (void)unused;
    if (self->initialized != PO_FLAG_UNSET)
        return PyBool_FromLong(self->initialized == PO_FLAG_TRUE);
    key = take(object);
    return PyBool_FromLong(key != NULL);
}

static int set_flag(po_flag *flag, PyObject *value)
{
    int truth = value != NULL ? PyObject_IsTrue(value) : 0;

    if (truth < 0)
        return -1;
    *flag = value == NULL ? PO_FLAG_UNSET : truth ? PO_FLAG_TRUE : PO_FLAG_FALSE;
    return 0;
}

static int set_only_public(PyObject *object, PyObject *value, void *unused)
{
    (void)unused;
    return set_flag(&((po_pkey *)object)->only_public, value);
}

static int set_initialized(PyObject *object, PyObject *value, void *unused)
{
    (void)unused;
    return set_flag(&((po_pkey *)object)->initialized, value);
}

static PyGetSetDef getset[] = {
    { "__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL },
    { "_only_public", get_only_public, set_only_public, "Whether there is no private half.", NULL },
    { "_initialized", get_initialized, set_initialized, "Whether there is a key.", NULL },
    { NULL, NULL, NULL, NULL, NULL },
};

#include "rows.h"

static PyMethodDef methods[] = {
    PO_COMMON_METHODS,
#include "crypto_pkey.def"
    { NULL, NULL, 0, NULL },
};

static PyType_Slot slots[] = {
    PO_BASIC_SLOTS,
    { Py_tp_getset, getset },
    { Py_tp_methods, methods },
    { Py_tp_init, (void *)init },
    { Py_tp_doc,
      (void
           *)"PKey()\n--\n\nA private key with its public half, or a public key; empty at first." },
    { 0, NULL },
};

PyType_Spec po_pkey_spec = { "OpenSSL.crypto.PKey", sizeof(po_pkey), 0, PO_TYPE_FLAGS, slots };
