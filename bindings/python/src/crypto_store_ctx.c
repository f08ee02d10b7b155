/* OpenSSL.crypto.X509StoreContext: a certificate, what helps to judge it, and by what. */
#include "crypto_store_ctx_methods.h"

/* Has no handle: each verification is a fresh one. */
typedef struct po_store_ctx {
    po_object base;
    PyObject *store;
    PyObject *cert;
    PyObject *chain; /* tuple of X509 */
} po_store_ctx;

static PyObject *fetch(po_store_ctx *self, PyObject *const *place)
{
    po_frame frame;
    PyObject *value;

    po_quick_enter(&frame, &self->base);
    value = Py_XNewRef(*place);
    (void)po_frame_leave(&frame);
    return value;
}

/* What a program put in the place of sk_X509_push says to each certificate. */
static int ask_hook(po_state *state, PyObject *chain)
{
    PyObject *hook = po_hook(state, "sk_X509_push");
    int result = 0;

    for (Py_ssize_t i = 0; hook != NULL && result == 0 && i < PyTuple_GET_SIZE(chain); i++) {
        PyObject *answer =
            PyObject_CallFunctionObjArgs(hook, Py_None, PyTuple_GET_ITEM(chain, i), NULL);
        long number = 1;

        if (answer == NULL || (PyLong_Check(answer) && po_to_long(answer, "", &number) < 0)) {
            result = -1;
        } else if (number <= 0) {
            po_raise_no_reason(state);
            result = -1;
        }
        Py_XDECREF(answer);
    }
    Py_XDECREF(hook);
    return result;
}

int po_store_ctx_init(po_object *object, PyObject *store, PyObject *certificate, PyObject *chain)
{
    po_store_ctx *self = (po_store_ctx *)object;
    PyObject *certs = chain != NULL ? po_cert_tuple(object->state, chain, "chain") : PyTuple_New(0);

    if (certs == NULL)
        return -1;
    if (ask_hook(object->state, certs) < 0) {
        Py_DECREF(certs);
        return -1;
    }
    po_field_set(object, &self->store, Py_NewRef(store));
    po_field_set(object, &self->cert, Py_NewRef(certificate));
    po_field_set(object, &self->chain, certs);
    return 0;
}

PyObject *po_store_ctx_set_store(po_object *self, PyObject *store)
{
    po_field_set(self, &((po_store_ctx *)self)->store, Py_NewRef(store));
    Py_RETURN_NONE;
}

/* ---- verification ---- */

static int raise_certificate(po_state *state, PyObject *error, const pyossl_verdict *verdict)
{
    PyObject *cert = verdict->cert != NULL ? po_wrap(state, PO_X509, pyossl_x509_ref(verdict->cert))
                                           : Py_NewRef(Py_None);
    int result =
        cert != NULL ? PyObject_SetAttr(error, state->strings[PO_STR_certificate], cert) : -1;

    Py_XDECREF(cert);
    return result;
}

PyObject *po_raise_verdict(po_state *state, const pyossl_verdict *verdict)
{
    PyObject *type = state->exceptions[PO_EXC_STORE_CTX];
    PyObject *detail = po_error_detail(); /* first: making an exception may change the record */
    PyObject *error = detail != NULL
                          ? PyObject_CallFunction(type, "s[iis]O", verdict->text, verdict->error,
                                                  verdict->depth, verdict->text, Py_None)
                          : NULL;

    if (error != NULL && raise_certificate(state, error, verdict) == 0) {
        po_tell_detail(error, detail);
        PyErr_SetObject(type, error);
    }
    Py_XDECREF(error);
    Py_XDECREF(detail);
    return NULL;
}

/* Owned handles of all that takes part. */
static int take_all(po_store_ctx *self, pyossl_store **store, pyossl_x509 **cert, po_handles *chain)
{
    po_state *state = self->base.state;
    PyObject *store_object = fetch(self, &self->store), *cert_object = fetch(self, &self->cert);
    PyObject *chain_object = fetch(self, &self->chain);
    int result = -1;

    if (store_object == NULL || cert_object == NULL || chain_object == NULL) {
        po_raise_empty(&self->base, PO_CRYPTO);
    } else {
        *store = po_take_handle(state, store_object, PO_STORE, "store");
        *cert = *store != NULL ? po_take_handle(state, cert_object, PO_X509, "certificate") : NULL;
        if (*cert != NULL)
            result = po_take_handles(state, chain_object, PO_X509, "chain", chain);
    }
    Py_XDECREF(store_object);
    Py_XDECREF(cert_object);
    Py_XDECREF(chain_object);
    return result;
}

/* 0 with the good verdict, to be cleared; or -1 with an exception. */
static int verify(po_store_ctx *self, pyossl_verdict *verdict)
{
    po_auto(pyossl_store) *store = NULL;
    po_auto(pyossl_x509) *cert = NULL;
    po_auto_handles chain = PO_HANDLES_INIT;
    pyossl_status status;
    po_frame frame;

    if (take_all(self, &store, &cert, &chain) < 0)
        return -1;
    po_frame_enter(&frame, NULL);
    status = pyossl_store_verify(store, cert, PO_CERTS(chain), chain.count, verdict);
    po_frame_end(&frame);
    if (status == PYOSSL_OK)
        return 0;
    if (status == PYOSSL_E_VERIFY)
        po_raise_verdict(self->base.state, verdict);
    else
        po_raise(self->base.state, PO_CRYPTO, status);
    return -1;
}

PyObject *po_store_ctx_verify_certificate(po_object *self)
{
    pyossl_verdict verdict = PYOSSL_VERDICT_INIT;
    int result = verify((po_store_ctx *)self, &verdict);

    pyossl_verdict_clear(&verdict);
    if (result < 0)
        return NULL;
    Py_RETURN_NONE;
}

PyObject *po_store_ctx_get_verified_chain(po_object *self)
{
    pyossl_verdict verdict = PYOSSL_VERDICT_INIT;
    PyObject *list = NULL;

    if (verify((po_store_ctx *)self, &verdict) == 0)
        list = po_from_certs(self->state, &verdict.chain);
    pyossl_verdict_clear(&verdict);
    return list;
}

/* ---- the type ---- */

static int traverse(PyObject *object, visitproc visit, void *arg)
{
    po_store_ctx *self = (po_store_ctx *)object;

    Py_VISIT(self->store);
    Py_VISIT(self->cert);
    Py_VISIT(self->chain);
    return po_traverse(object, visit, arg);
}

static int clear(PyObject *object)
{
    po_store_ctx *self = (po_store_ctx *)object;

    Py_CLEAR(self->store);
    Py_CLEAR(self->cert);
    Py_CLEAR(self->chain);
    return po_clear(object);
}

static PyGetSetDef getset[] = {
    { "__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL },
    PO_FIELD("_store", po_store_ctx, store, "By what it judges."),
    PO_FIELD("_cert", po_store_ctx, cert, "What it judges."),
    PO_FIELD("_chain", po_store_ctx, chain, "What helps to build a chain."),
    { NULL, NULL, NULL, NULL, NULL },
};

static PyType_Slot slots[] = {
    { Py_tp_new, (void *)po_new },           { Py_tp_dealloc, (void *)po_dealloc },
    { Py_tp_traverse, (void *)traverse },    { Py_tp_clear, (void *)clear },
    { Py_tp_members, po_members },           { Py_tp_getset, getset },
    { Py_tp_methods, po_store_ctx_methods }, { Py_tp_init, (void *)po_store_ctx_tp_init },
    { Py_tp_doc, (void *)po_store_ctx_doc }, { 0, NULL },
};

PyType_Spec po_store_ctx_spec = { "OpenSSL.crypto.X509StoreContext", sizeof(po_store_ctx), 0,
                                  PO_TYPE_FLAGS, slots };

/* ---- X509StoreContextError ---- */

/*
 * Two generations of programs: one finds [number, depth, text] in args[0], the
 * other in .errors, and takes str() for the text.
 */
static PyObject *error_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static const char *const names[] = { "message", "errors", "certificate" };
    static const po_params params = { "X509StoreContextError", names, 2, 3, 3, NULL };
    PyObject *given[3], *message, *errors, *certificate, *new_args;
    int result;

    if (po_args_tuple(&params, args, kwargs, given) < 0)
        return NULL;
    message = given[0];
    errors = given[2] != NULL ? given[1] : given[0];
    certificate = given[2] != NULL ? given[2] : given[1];
    new_args = PyTuple_Pack(1, errors);
    if (new_args == NULL)
        return NULL;
    result = PyObject_SetAttrString(self, "args", new_args);
    Py_DECREF(new_args);
    if (result < 0 || PyObject_SetAttrString(self, "errors", errors) < 0 ||
        PyObject_SetAttrString(self, "certificate", certificate) < 0 ||
        PyObject_SetAttrString(self, "_message", message) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *error_str(PyObject *self, PyObject *unused)
{
    PyObject *message = PyObject_GetAttrString(self, "_message"), *text;

    (void)unused;
    if (message == NULL)
        return NULL;
    if (PyList_Check(message) && PyList_GET_SIZE(message) == 3)
        text = PyObject_Str(PyList_GET_ITEM(message, 2));
    else
        text = PyObject_Str(message);
    Py_DECREF(message);
    return text;
}

static PyMethodDef error_methods[] = {
    { "__init__", (PyCFunction)(void (*)(void))error_init, METH_VARARGS | METH_KEYWORDS,
      "__init__($self, message, errors, certificate=None)\n--\n\n"
      "message is the text, errors [number, depth, text]; or message is that list, and the "
      "certificate comes second." },
    { "__str__", error_str, METH_NOARGS, "__str__($self)\n--\n\nThe text." },
    { NULL, NULL, 0, NULL },
};

int po_add_store_error_methods(PyObject *type)
{
    PyObject *nothing = PyUnicode_FromString("");
    int no_message = nothing != NULL ? PyObject_SetAttrString(type, "_message", nothing) : -1;

    Py_XDECREF(nothing);
    if (no_message < 0)
        return -1;
    for (PyMethodDef *row = error_methods; row->ml_name != NULL; row++) {
        PyObject *method = PyDescr_NewMethod((PyTypeObject *)type, row);
        int result = method != NULL ? PyObject_SetAttrString(type, row->ml_name, method) : -1;

        Py_XDECREF(method);
        if (result < 0)
            return -1;
    }
    return 0;
}
