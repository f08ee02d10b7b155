/*
 * What the library calls on behalf of OpenSSL, and nothing else.
 *
 * Each function takes the callable from the Connection that is being driven, not
 * from its Context, which another thread may change. An exception is kept in the
 * frame of the call that drives, which raises it; until then the answer is the
 * one that refuses the peer.
 */
#include "ssl.h"

typedef struct call {
    po_frame *frame;
    po_outside outside;
    po_connection *self; /* borrowed from the call that drives it */
    PyObject *function;  /* ours */
    PyObject *data;      /* ours; NULL where the callback has none */
} call;

static PyObject *slot_of(const po_connection *self, po_slot slot)
{
    if (slot == PO_CB_VERIFY)
        return self->own_verify != NULL ? self->own_verify : self->verify;
    if (slot == PO_CB_INFO && self->own_info != NULL)
        return self->own_info;
    return self->callbacks != NULL ? PyTuple_GET_ITEM(self->callbacks, slot) : NULL;
}

/* Asked by whoever has the connection's lock: nothing is taken, so no interpreter is needed. */
static bool is_set(const po_connection *self, po_slot slot)
{
    const PyObject *function = slot_of(self, slot);

    return function != NULL && function != Py_None;
}

/* With the interpreter, and references: what another thread sets meanwhile counts next time. */
static bool fetch(call *c, po_slot slot)
{
    po_frame frame;

    po_quick_enter(&frame, &c->self->base);
    if (is_set(c->self, slot))
        c->function = Py_NewRef(slot_of(c->self, slot));
    if (c->function != NULL && (slot == PO_CB_OCSP_SERVER || slot == PO_CB_OCSP_CLIENT))
        c->data = Py_NewRef(PyTuple_GET_ITEM(c->self->callbacks, slot + 1));
    po_frame_end(&frame);
    return c->function != NULL;
}

static void leave(call *c)
{
    Py_CLEAR(c->function);
    Py_CLEAR(c->data);
    po_callback_leave(c->frame, &c->outside);
}

/*
 * Hold the interpreter and find the callable. False where there is nothing to
 * call: then @answer is what to answer, ABORT where we cannot even look.
 */
static bool enter(call *c, const pyossl_conn *conn, po_slot slot, pyossl_answer *answer)
{
    const pyossl_answer unset = *answer;

    *answer = PYOSSL_ANSWER_ABORT;
    c->function = c->data = NULL;
    c->self = pyossl_conn_userdata(conn);
    if (c->self == NULL || !is_set(c->self, slot)) {
        *answer = unset;
        return false;
    }
    c->frame = po_turn_frame(&c->self->turn);
    if (c->frame == NULL || !po_callback_enter(c->frame, &c->outside))
        return false;
    if (fetch(c, slot))
        return true;
    *answer = unset;
    leave(c);
    return false;
}

/* Keep the exception; the refusing answer. */
static pyossl_answer refuse(const call *c)
{
    po_frame_keep(c->frame);
    return PYOSSL_ANSWER_ABORT;
}

/* A callback's "yes" or "no"; takes @result over. */
static pyossl_answer truth(const call *c, PyObject *result)
{
    const int yes = result != NULL ? PyObject_IsTrue(result) : -1;

    Py_XDECREF(result);
    if (yes < 0)
        return refuse(c);
    return yes ? PYOSSL_ANSWER_ACCEPT : PYOSSL_ANSWER_DECLINE;
}

static PyObject *bytes_of(const void *data, size_t len)
{
    return PyBytes_FromStringAndSize(data, (Py_ssize_t)len);
}

/* Call with the connection and @argument, which is taken over; NULL is an exception. */
static PyObject *call_with(const call *c, PyObject *argument, PyObject *data)
{
    PyObject *result;

    if (argument == NULL)
        return NULL;
    result = PyObject_CallFunctionObjArgs(c->function, (PyObject *)c->self, argument, data, NULL);
    Py_DECREF(argument);
    return result;
}

/* ---- verification ---- */

static pyossl_answer on_verify(pyossl_conn *conn, const pyossl_verify_event *event, void *userdata)
{
    pyossl_answer answer = event->preverify == 1 ? PYOSSL_ANSWER_ACCEPT : PYOSSL_ANSWER_DECLINE;
    PyObject *cert;
    call c;

    (void)userdata;
    if (!enter(&c, conn, PO_CB_VERIFY, &answer))
        return answer;
    cert = event->cert != NULL ? po_wrap(c.self->base.state, PO_X509, pyossl_x509_ref(event->cert))
                               : Py_NewRef(Py_None);
    answer =
        truth(&c, cert != NULL ? PyObject_CallFunction(c.function, "OOiii", c.self, cert,
                                                       event->error, event->depth, event->preverify)
                               : NULL);
    Py_XDECREF(cert);
    leave(&c);
    return answer;
}

/* ---- told, but not asked ---- */

/* What the callback has no answer for is reported; KeyboardInterrupt and its like want out. */
static void report_exception(const call *c)
{
    if (PyErr_ExceptionMatches(PyExc_Exception))
        PyErr_WriteUnraisable((PyObject *)c->self);
    else
        po_frame_keep(c->frame);
}

/* The exchange goes on. */
static void report(const call *c, PyObject *result)
{
    if (result == NULL)
        report_exception(c);
    Py_XDECREF(result);
}

static void on_info(pyossl_conn *conn, int where, int ret, void *userdata)
{
    pyossl_answer answer = PYOSSL_ANSWER_DECLINE;
    call c;

    (void)userdata;
    if (!enter(&c, conn, PO_CB_INFO, &answer))
        return;
    report(&c, PyObject_CallFunction(c.function, "Oii", c.self, where, ret));
    leave(&c);
}

static void on_keylog(pyossl_conn *conn, const char *line, void *userdata)
{
    pyossl_answer answer = PYOSSL_ANSWER_DECLINE;
    call c;

    (void)userdata;
    if (!enter(&c, conn, PO_CB_KEYLOG, &answer))
        return;
    report(&c, call_with(&c, PyBytes_FromString(line), NULL));
    leave(&c);
}

static void on_new_session(pyossl_conn *conn, pyossl_session *session, void *userdata)
{
    pyossl_answer answer = PYOSSL_ANSWER_DECLINE;
    call c;

    (void)userdata;
    if (!enter(&c, conn, PO_CB_NEW_SESSION, &answer))
        return;
    report(&c, call_with(&c,
                         po_session_wrap(c.self->base.state, pyossl_session_ref(session),
                                         c.self->context),
                         NULL));
    leave(&c);
}

/* ---- the server's name ---- */

/* sys.excepthook hears of it, as programs expect; the peer is turned away. */
static pyossl_answer report_servername(const call *c)
{
    PyObject *exception, *hook, *traceback, *done = NULL;

    if (!PyErr_ExceptionMatches(PyExc_Exception))
        return refuse(c); /* KeyboardInterrupt and its like want out of the program */
    exception = po_exception_take();
    hook = Py_XNewRef(PySys_GetObject("excepthook"));
    traceback = PyException_GetTraceback(exception);
    if (hook != NULL)
        done = PyObject_CallFunctionObjArgs(hook, (PyObject *)Py_TYPE(exception), exception,
                                            traceback != NULL ? traceback : Py_None, NULL);
    if (done == NULL && PyErr_Occurred())
        report_exception(c);
    Py_XDECREF(done);
    Py_XDECREF(hook);
    Py_XDECREF(traceback);
    Py_XSETREF(c->frame->cause, exception);
    return PYOSSL_ANSWER_ABORT;
}

static pyossl_answer on_servername(pyossl_conn *conn, void *userdata)
{
    pyossl_answer answer = PYOSSL_ANSWER_DECLINE;
    PyObject *result;
    call c;

    (void)userdata;
    if (!enter(&c, conn, PO_CB_SERVERNAME, &answer))
        return answer;
    result = PyObject_CallOneArg(c.function, (PyObject *)c.self);
    answer = result != NULL ? PYOSSL_ANSWER_ACCEPT : report_servername(&c);
    Py_XDECREF(result);
    leave(&c);
    return answer;
}

/* ---- application protocols ---- */

/* A list of bytes from protocols that each stand behind their length. */
static PyObject *protocol_list(const unsigned char *wire, size_t len)
{
    PyObject *list = PyList_New(0);
    size_t at = 0;

    while (list != NULL && at < len) {
        const size_t size = wire[at] < len - at ? wire[at] : len - at - 1;
        PyObject *item = bytes_of(wire + at + 1, size);

        if (item == NULL || PyList_Append(list, item) < 0)
            Py_CLEAR(list);
        Py_XDECREF(item);
        at += 1 + size;
    }
    return list;
}

/* The bytes that a callback chose, into @selected; takes @result over. */
static pyossl_answer chosen(const call *c, PyObject *result, const char *complaint,
                            unsigned char *selected, size_t *selected_len)
{
    pyossl_answer answer = PYOSSL_ANSWER_ABORT;

    if (result == NULL)
        return refuse(c);
    if (!PyBytes_Check(result)) {
        PyErr_SetString(PyExc_TypeError, complaint);
        answer = refuse(c);
    } else if (PyBytes_GET_SIZE(result) > 255) {
        PyErr_SetString(PyExc_ValueError, "a protocol must not be longer than 255 bytes");
        answer = refuse(c);
    } else {
        *selected_len = (size_t)PyBytes_GET_SIZE(result);
        memcpy(selected, PyBytes_AS_STRING(result), *selected_len);
        answer = PYOSSL_ANSWER_ACCEPT;
    }
    Py_DECREF(result);
    return answer;
}

static pyossl_answer on_alpn_select(pyossl_conn *conn, const unsigned char *offered,
                                    size_t offered_len, unsigned char *selected,
                                    size_t *selected_len, void *userdata)
{
    pyossl_answer answer = PYOSSL_ANSWER_DECLINE;
    PyObject *result;
    call c;

    (void)userdata;
    if (!enter(&c, conn, PO_CB_ALPN_SELECT, &answer))
        return answer;
    result = call_with(&c, protocol_list(offered, offered_len), NULL);
    if (result != NULL && result == c.self->base.state->no_overlap) {
        Py_DECREF(result);
        answer = PYOSSL_ANSWER_DECLINE;
    } else {
        answer =
            chosen(&c, result, "the ALPN callback must return bytes or NO_OVERLAPPING_PROTOCOLS",
                   selected, selected_len);
    }
    leave(&c);
    return answer;
}

static pyossl_answer on_npn_select(pyossl_conn *conn, const unsigned char *offered,
                                   size_t offered_len, unsigned char *selected,
                                   size_t *selected_len, void *userdata)
{
    pyossl_answer answer = PYOSSL_ANSWER_DECLINE;
    call c;

    (void)userdata;
    if (!enter(&c, conn, PO_CB_NPN_SELECT, &answer))
        return answer;
    answer = chosen(&c, call_with(&c, protocol_list(offered, offered_len), NULL),
                    "the NPN callback must return bytes", selected, selected_len);
    leave(&c);
    return answer;
}

static pyossl_answer on_npn_advertise(pyossl_conn *conn, pyossl_buf *protos, void *userdata)
{
    pyossl_answer answer = PYOSSL_ANSWER_DECLINE;
    PyObject *result, *wire;
    call c;

    (void)userdata;
    if (!enter(&c, conn, PO_CB_NPN_ADVERTISE, &answer))
        return answer;
    result = PyObject_CallOneArg(c.function, (PyObject *)c.self);
    wire = result != NULL ? po_wire_protocols(result) : NULL;
    if (wire == NULL)
        answer = refuse(&c);
    else if (pyossl_buf_set(protos, PyByteArray_AS_STRING(wire),
                            (size_t)PyByteArray_GET_SIZE(wire)) == PYOSSL_OK)
        answer = PYOSSL_ANSWER_ACCEPT;
    else
        answer = PYOSSL_ANSWER_ABORT;
    Py_XDECREF(wire);
    Py_XDECREF(result);
    leave(&c);
    return answer;
}

/* ---- OCSP ---- */

static pyossl_answer on_ocsp_server(pyossl_conn *conn, pyossl_buf *response, void *userdata)
{
    pyossl_answer answer = PYOSSL_ANSWER_DECLINE;
    PyObject *result;
    call c;

    (void)userdata;
    if (!enter(&c, conn, PO_CB_OCSP_SERVER, &answer))
        return answer;
    result = call_with(&c, Py_NewRef(c.data), NULL);
    if (result != NULL && !PyBytes_Check(result))
        PyErr_SetString(PyExc_TypeError, "OCSP callback must return a bytestring.");
    if (result == NULL || !PyBytes_Check(result))
        answer = refuse(&c);
    else if (PyBytes_GET_SIZE(result) == 0)
        answer = PYOSSL_ANSWER_DECLINE;
    else if (pyossl_buf_set(response, PyBytes_AS_STRING(result),
                            (size_t)PyBytes_GET_SIZE(result)) == PYOSSL_OK)
        answer = PYOSSL_ANSWER_ACCEPT;
    Py_XDECREF(result);
    leave(&c);
    return answer;
}

static pyossl_answer on_ocsp_client(pyossl_conn *conn, const unsigned char *response, size_t len,
                                    void *userdata)
{
    pyossl_answer answer = PYOSSL_ANSWER_ACCEPT;
    call c;

    (void)userdata;
    if (!enter(&c, conn, PO_CB_OCSP_CLIENT, &answer))
        return answer;
    answer = truth(&c, call_with(&c, bytes_of(response, len), c.data));
    leave(&c);
    return answer;
}

/* ---- DTLS cookies ---- */

static pyossl_answer on_cookie_generate(pyossl_conn *conn, unsigned char *cookie, size_t cap,
                                        size_t *len, void *userdata)
{
    pyossl_answer answer = PYOSSL_ANSWER_ABORT;
    po_bytes bytes = PO_BYTES_INIT;
    PyObject *result;
    call c;

    (void)userdata;
    if (!enter(&c, conn, PO_CB_COOKIE_GENERATE, &answer))
        return answer;
    result = PyObject_CallOneArg(c.function, (PyObject *)c.self);
    if (result == NULL || po_to_bytes(result, "cookie", PO_STR_REFUSE, &bytes) < 0) {
        answer = refuse(&c);
    } else if (bytes.len > cap) {
        PyErr_Format(PyExc_ValueError, "Cookie too long (got %zu bytes, max %zu)", bytes.len, cap);
        answer = refuse(&c);
    } else {
        if (bytes.len > 0)
            memcpy(cookie, bytes.data, bytes.len);
        *len = bytes.len;
        answer = PYOSSL_ANSWER_ACCEPT;
    }
    po_bytes_release(&bytes);
    Py_XDECREF(result);
    leave(&c);
    return answer;
}

static pyossl_answer on_cookie_verify(pyossl_conn *conn, const unsigned char *cookie, size_t len,
                                      void *userdata)
{
    pyossl_answer answer = PYOSSL_ANSWER_DECLINE;
    call c;

    (void)userdata;
    if (!enter(&c, conn, PO_CB_COOKIE_VERIFY, &answer))
        return answer;
    answer = truth(&c, call_with(&c, bytes_of(cookie, len), NULL));
    leave(&c);
    return answer;
}

/* ---- passphrases ---- */

/* Copy what the callback gave, cut off at what fits, as programs know it. */
static pyossl_answer passphrase_of(po_context *self, po_frame *frame, PyObject *result, char *buf,
                                   size_t cap, size_t *len)
{
    if (result != NULL && PyBytes_Check(result)) {
        const size_t size = (size_t)PyBytes_GET_SIZE(result);

        *len = size < cap ? size : cap;
        memcpy(buf, PyBytes_AS_STRING(result), *len);
        return PYOSSL_ANSWER_ACCEPT;
    }
    if (result != NULL)
        PyErr_SetString(self->base.state->exceptions[PO_EXC_SSL_VALUE], "Bytes expected");
    po_frame_keep(frame);
    return PYOSSL_ANSWER_ABORT;
}

/* Called by the Context's own methods only, which have its turn and a reference to it. */
static pyossl_answer on_passphrase(char *buf, size_t cap, size_t *len, int confirm, void *userdata)
{
    po_context *self = userdata;
    po_frame *frame = po_turn_frame(&self->turn);
    pyossl_answer answer = PYOSSL_ANSWER_ABORT;
    PyObject *callbacks, *function, *result;
    po_outside outside;

    if (frame == NULL || !po_callback_enter(frame, &outside))
        return PYOSSL_ANSWER_ABORT;
    callbacks = po_field_get(&self->base, &self->callbacks);
    function = callbacks != Py_None ? PyTuple_GET_ITEM(callbacks, PO_CB_PASSPHRASE) : Py_None;
    if (function == Py_None) {
        answer = PYOSSL_ANSWER_DECLINE;
    } else {
        result = PyObject_CallFunction(function, "niO", (Py_ssize_t)cap, confirm,
                                       PyTuple_GET_ITEM(callbacks, PO_CB_PASSPHRASE_DATA));
        answer = passphrase_of(self, frame, result, buf, cap, len);
        Py_XDECREF(result);
    }
    Py_DECREF(callbacks);
    po_callback_leave(frame, &outside);
    return answer;
}

/* ---- installing ---- */

#define INSTALL(name, set)                                                                         \
    static pyossl_status install_##name(pyossl_ctx *ctx, bool on)                                  \
    {                                                                                              \
        return set(ctx, on ? on_##name : NULL, NULL, NULL);                                        \
    }

INSTALL(info, pyossl_ctx_set_info)
INSTALL(keylog, pyossl_ctx_set_keylog)
INSTALL(servername, pyossl_ctx_set_servername)
INSTALL(alpn_select, pyossl_ctx_set_alpn_select)
INSTALL(npn_advertise, pyossl_ctx_set_npn_advertise)
INSTALL(npn_select, pyossl_ctx_set_npn_select)
INSTALL(ocsp_server, pyossl_ctx_set_ocsp_server)
INSTALL(ocsp_client, pyossl_ctx_set_ocsp_client)
INSTALL(cookie_generate, pyossl_ctx_set_cookie_generate)
INSTALL(cookie_verify, pyossl_ctx_set_cookie_verify)
INSTALL(new_session, pyossl_ctx_set_new_session)

static pyossl_status (*const installers[PO_CB_MAX])(pyossl_ctx *ctx, bool on) = {
    [PO_CB_INFO] = install_info,
    [PO_CB_KEYLOG] = install_keylog,
    [PO_CB_SERVERNAME] = install_servername,
    [PO_CB_ALPN_SELECT] = install_alpn_select,
    [PO_CB_NPN_ADVERTISE] = install_npn_advertise,
    [PO_CB_NPN_SELECT] = install_npn_select,
    [PO_CB_OCSP_SERVER] = install_ocsp_server,
    [PO_CB_OCSP_CLIENT] = install_ocsp_client,
    [PO_CB_COOKIE_GENERATE] = install_cookie_generate,
    [PO_CB_COOKIE_VERIFY] = install_cookie_verify,
    [PO_CB_NEW_SESSION] = install_new_session,
};

pyossl_status po_callback_install(po_context *self, po_slot slot, bool on)
{
    pyossl_ctx *ctx = self->base.handle;

    if (slot == PO_CB_PASSPHRASE)
        return pyossl_ctx_set_passphrase(ctx, on ? on_passphrase : NULL, self, NULL);
    return installers[slot](ctx, on);
}

pyossl_status po_verify_install(pyossl_ctx *ctx, int mode, bool on)
{
    return pyossl_ctx_set_verify(ctx, mode, on ? on_verify : NULL, NULL, NULL);
}

pyossl_status po_conn_verify_install(pyossl_conn *conn, int mode, uint64_t judge)
{
    return pyossl_conn_set_verify_judge(conn, mode, judge != 0 ? on_verify : NULL, NULL, NULL,
                                        judge);
}

pyossl_status po_conn_info_install(pyossl_conn *conn, bool on)
{
    return pyossl_conn_set_info(conn, on ? on_info : NULL, NULL, NULL);
}
