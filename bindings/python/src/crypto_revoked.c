/* OpenSSL.crypto.Revoked */
#define PO_HANDLE pyossl_revoked
#define PO_DOMAIN PO_CRYPTO

#include "shapes.h"

#include "crypto_common.h"

#include "crypto_revoked.def"

PO_INIT_NEW(pyossl_revoked, PO_REVOKED, "Revoked", pyossl_revoked_new)

static PyObject *set_text(po_object *self, const char *text,
                          pyossl_status (*set)(pyossl_revoked *, const char *))
{
    po_frame frame;
    pyossl_revoked *revoked = po_enter_quick(&frame, self);
    pyossl_status status;

    if (revoked == NULL)
        return NULL;
    status = set(revoked, text);
    po_frame_end(&frame);
    if (status != PYOSSL_OK)
        return po_raise(self->state, PO_CRYPTO, status);
    Py_RETURN_NONE;
}

PO_METHOD(set_serial)
{
    PyObject *given = po_one_arg("set_serial", "hex_str", args, nargs, kwnames);
    po_auto_bytes hex = PO_BYTES_INIT;

    if (given == NULL || po_to_cstring(given, "hex_str", PO_STR_UTF8, &hex) < 0)
        return NULL;
    return set_text((po_object *)object, hex.data, pyossl_revoked_set_serial);
}

PO_METHOD(set_reason)
{
    PyObject *given = po_one_arg("set_reason", "reason", args, nargs, kwnames);
    po_auto_bytes reason = PO_BYTES_INIT;

    if (given == NULL)
        return NULL;
    /* Bytes only: programs rely on a str being refused here. */
    if (given != Py_None && po_to_cstring(given, "reason", PO_STR_REFUSE, &reason) < 0)
        return NULL;
    return set_text((po_object *)object, reason.data, pyossl_revoked_set_reason);
}

PO_METHOD0(all_reasons)
{
    PyObject *list = PyList_New(0);
    const char *name;

    (void)object;
    (void)unused;
    for (size_t i = 0; list != NULL && (name = pyossl_revoked_reason_name(i)) != NULL; i++) {
        PyObject *reason = PyBytes_FromString(name);

        if (reason == NULL || PyList_Append(list, reason) < 0)
            Py_CLEAR(list);
        Py_XDECREF(reason);
    }
    return list;
}

#include "rows.h"

static PyMethodDef methods[] = {
    PO_COMMON_METHODS,
#include "crypto_revoked.def"
    { NULL, NULL, 0, NULL },
};

PO_TYPE_SPEC(revoked, "OpenSSL.crypto.Revoked", po_object, methods, init,
             "Revoked()\n--\n\nOne entry of a revocation list: a serial number, when it was "
             "revoked, and why.");
