/*
 * OpenSSL.SSL.Connection in the place of a socket: what socketserver, http.server and
 * others call on theirs that TLS has no word for.
 */
#include "ssl_connection_methods.h"

#ifdef _WIN32
#include <winsock2.h>
#define SHUT_RD SD_RECEIVE
#else
#include <sys/socket.h>
#endif

PyObject *po_conn_socket_method(PyObject *object, po_string_id id)
{
    po_connection *self = (po_connection *)object;
    PyObject *name = PO_STATE(object)->strings[id], *method = NULL;
    PyObject *socket = po_field_get(&self->base, &self->socket);

    if (socket != Py_None)
        method = PyObject_GetAttr(socket, name);
    else
        PyErr_Format(PyExc_AttributeError, "a Connection in memory has no socket to %U", name);
    Py_DECREF(socket);
    return method;
}

/* ---- closing ---- */

/* Send the close alert, if there is one to send and it can go at once: an end waits for nobody. */
static int say_goodbye(po_connection *self)
{
    po_frame frame;
    int complete = 0;

    if (self->base.handle == NULL || po_channel_check(self) < 0) {
        PyErr_Clear(); /* closed already */
        return 0;
    }
    po_frame_enter(&frame, &self->base);
    if (pyossl_conn_established(self->base.handle))
        (void)!pyossl_conn_shutdown(self->base.handle, &complete);
    return po_frame_leave(&frame);
}

/* A socket's shutdown(), with the alert that belongs before the end of what is written. */
static PyObject *shut_down(po_connection *self, int how)
{
    PyObject *method = po_conn_socket_method((PyObject *)self, PO_STR_shutdown), *result = NULL;

    if (method == NULL)
        return NULL;
    if (how == SHUT_RD || say_goodbye(self) == 0)
        result = PyObject_CallFunction(method, "i", how);
    Py_DECREF(method);
    return result;
}

PyObject *po_conn_shutdown(po_connection *self, int how)
{
    return how == INT_MIN ? po_conn_close_alerts(self) : shut_down(self, how);
}

PyObject *po_conn_sock_shutdown(po_connection *self, PyObject *args, PyObject *kwargs)
{
    PyObject *method = po_conn_socket_method((PyObject *)self, PO_STR_shutdown);
    PyObject *result = method != NULL ? PyObject_Call(method, args, kwargs) : NULL;

    Py_XDECREF(method);
    return result;
}

PyObject *po_conn_enter(po_connection *self)
{
    return Py_NewRef((PyObject *)self);
}

/* close(), of a subclass or of the socket; a number and memory have nothing to close. */
static int close_it(PyObject *object)
{
    PyObject *method = PyObject_GetAttrString(object, "close"), *result;

    if (method == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_AttributeError))
            return -1;
        PyErr_Clear();
        return 0;
    }
    result = PyObject_CallNoArgs(method);
    Py_DECREF(method);
    Py_XDECREF(result);
    return result != NULL ? 0 : -1;
}

PyObject *po_conn_exit(po_connection *self, PyObject *args)
{
    /* After an exception the peer had better not take what it has for all there is. */
    const bool well = PyTuple_GET_SIZE(args) == 0 || PyTuple_GET_ITEM(args, 0) == Py_None;

    if (well && say_goodbye(self) < 0)
        return NULL;
    if (close_it((PyObject *)self) < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* ---- files ---- */

PyObject *po_conn_makefile(po_connection *self, PyObject *args, PyObject *kwargs)
{
    PyObject *module, *maker = NULL, *bound = NULL, *result = NULL;

    if (self->base.handle == NULL || self->channel.kind == PO_CHANNEL_MEMORY) {
        PyErr_SetString(PyExc_NotImplementedError,
                        "Cannot make file object of OpenSSL.SSL.Connection");
        return NULL;
    }
    module = PyImport_ImportModule("OpenSSL._file");
    if (module != NULL)
        maker = PyObject_GetAttrString(module, "makefile");
    if (maker != NULL)
        bound = PyMethod_New(maker, (PyObject *)self);
    if (bound != NULL)
        result = PyObject_Call(bound, args, kwargs);
    Py_XDECREF(bound);
    Py_XDECREF(maker);
    Py_XDECREF(module);
    return result;
}
