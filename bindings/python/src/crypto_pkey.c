/* OpenSSL.crypto.PKey */
#include "crypto_pkey_methods.h"

int po_pkey_init(po_object *object)
{
    po_pkey *self = (po_pkey *)object;

    po_replace(&self->base, PO_PKEY, NULL);
    self->only_public = PO_FLAG_UNSET;
    self->initialized = PO_FLAG_UNSET;
    return 0;
}

/* A reference, or NULL for an empty key. What it refers to never changes, so needs no lock. */
static pyossl_pkey *take(po_object *self)
{
    pyossl_pkey *key;
    po_frame frame;

    po_quick_enter(&frame, self);
    key = self->handle != NULL ? pyossl_pkey_ref(self->handle) : NULL;
    (void)po_frame_leave(&frame);
    return key;
}

static PyObject *number_of(po_object *self, int (*get)(const pyossl_pkey *))
{
    po_auto(pyossl_pkey) *key = take(self);

    return PyLong_FromLong(key != NULL ? get(key) : 0);
}

PyObject *po_pkey_type(po_object *self)
{
    return number_of(self, pyossl_pkey_type);
}

PyObject *po_pkey_bits(po_object *self)
{
    return number_of(self, pyossl_pkey_bits);
}

PyObject *po_pkey_type_name(po_object *self)
{
    po_auto(pyossl_pkey) *key = take(self);

    return po_from_text(key != NULL ? pyossl_pkey_type_name(key) : "");
}

/* ---- making ---- */

/* The key in @key is what the object is now; or the exception that @status is. */
static PyObject *finish(po_object *object, pyossl_pkey *key, int type, pyossl_status status)
{
    po_pkey *self = (po_pkey *)object;

    /* Sizes of DSA keys are OpenSSL's to judge: programs expect Error for what it refuses. */
    if (status == PYOSSL_E_ARGUMENT && type == PYOSSL_KEY_DSA)
        return po_raise_as(object->state, PO_EXC_CRYPTO_VALUE);
    if (status != PYOSSL_OK)
        return po_raise(object->state, PO_CRYPTO, status);
    po_replace(object, PO_PKEY, key);
    self->only_public = PO_FLAG_UNSET;
    self->initialized = PO_FLAG_UNSET;
    Py_RETURN_NONE;
}

static PyObject *generate_named(po_object *self, PyObject *type, int bits, const char *group)
{
    po_auto_bytes name = PO_BYTES_INIT;
    pyossl_pkey *key = NULL;
    pyossl_status status;
    po_frame frame;

    if (po_to_cstring(type, "type", PO_STR_UTF8, &name) < 0)
        return NULL;
    po_long_enter(&frame);
    status = pyossl_pkey_generate_named(&key, name.data, bits != INT_MIN ? bits : 0, group);
    po_frame_end(&frame);
    return finish(self, key, 0, status);
}

/* By a name; or by a number, as ever. */
PyObject *po_pkey_generate_key(po_object *self, PyObject *type, int bits, const char *group)
{
    pyossl_pkey *key = NULL;
    pyossl_status status;
    po_frame frame;
    int number;

    if (PyUnicode_Check(type))
        return generate_named(self, type, bits, group);
    if (bits == INT_MIN || group != NULL) {
        PyErr_SetString(PyExc_TypeError, group != NULL
                                             ? "group is for types by name: pass 'EC', say"
                                             : "generate_key() missing required argument 'bits'");
        return NULL;
    }
    if (po_to_int(type, "type", &number) < 0)
        return NULL;
    if (number != PYOSSL_KEY_RSA && number != PYOSSL_KEY_DSA) {
        PyErr_SetString(self->state->exceptions[PO_EXC_CRYPTO], "No such key type");
        return NULL;
    }
    po_long_enter(&frame);
    status = pyossl_pkey_generate(&key, number, bits);
    po_frame_end(&frame);
    return finish(self, key, number, status);
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

PyObject *po_pkey_check(po_object *object)
{
    po_pkey *self = (po_pkey *)object;
    po_auto(pyossl_pkey) *key = take(object);
    pyossl_status status;
    po_frame frame;

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

/* ---- flags that programs look at, and some set ---- */

static PyObject *get_only_public(PyObject *object, void *unused)
{
    po_pkey *self = (po_pkey *)object;
    po_auto(pyossl_pkey) *key = NULL;

    (void)unused;
    if (self->only_public != PO_FLAG_UNSET)
        return PyBool_FromLong(self->only_public == PO_FLAG_TRUE);
    key = take(&self->base);
    return PyBool_FromLong(key != NULL && !pyossl_pkey_is_private(key));
}

static PyObject *get_initialized(PyObject *object, void *unused)
{
    po_pkey *self = (po_pkey *)object;
    po_auto(pyossl_pkey) *key = NULL;

    (void)unused;
    if (self->initialized != PO_FLAG_UNSET)
        return PyBool_FromLong(self->initialized == PO_FLAG_TRUE);
    key = take(&self->base);
    return PyBool_FromLong(key != NULL);
}

static int set_flag(_Atomic po_flag *flag, PyObject *value)
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

static PyType_Slot slots[] = {
    PO_BASIC_SLOTS,
    { Py_tp_getset, getset },
    { Py_tp_methods, po_pkey_methods },
    { Py_tp_init, (void *)po_pkey_tp_init },
    { Py_tp_doc, (void *)po_pkey_doc },
    { 0, NULL },
};

PyType_Spec po_pkey_spec = { "OpenSSL.crypto.PKey", sizeof(po_pkey), 0, PO_TYPE_FLAGS, slots };
