/* OpenSSL.rand */
#include "rand_methods.h"

/* Below this, filling a buffer takes less than letting the interpreter go and coming back. */
enum { DETACH_FROM = 4096 };

/* A daemon that does not answer in this many milliseconds is not there. */
enum { EGD_TIMEOUT = 10000 };

PyObject *po_rand_bytes(po_state *state, size_t len)
{
    PyObject *result;
    pyossl_status status;

    result = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)len);
    if (result == NULL)
        return PyErr_ExceptionMatches(PyExc_OverflowError) ? PyErr_NoMemory() : NULL;
    if (len < DETACH_FROM) {
        status = pyossl_rand_bytes(PyBytes_AS_STRING(result), len);
    } else {
        po_frame frame;

        po_long_enter(&frame);
        status = pyossl_rand_bytes(PyBytes_AS_STRING(result), len);
        po_frame_end(&frame);
    }
    if (status != PYOSSL_OK) {
        Py_DECREF(result);
        return po_raise(state, PO_RAND, status);
    }
    return result;
}

PyObject *po_rand_status(po_state *state)
{
    (void)state;
    return PyLong_FromLong(pyossl_rand_status());
}

PyObject *po_rand_cleanup(po_state *state)
{
    (void)state;
    Py_RETURN_NONE;
}

/* The number of bytes, or -1 where the file or the daemon did not give any. */
static PyObject *number_or_minus_one(po_state *state, pyossl_status status, size_t done)
{
    if (status == PYOSSL_E_SYSTEM)
        return PyLong_FromLong(-1);
    if (status != PYOSSL_OK)
        return po_raise(state, PO_RAND, status);
    return PyLong_FromSize_t(done);
}

PyObject *po_rand_load_file(po_state *state, const char *filename, long maxbytes)
{
    pyossl_status status;
    po_frame frame;
    size_t done = 0;

    po_long_enter(&frame);
    status = pyossl_rand_load_file(filename, maxbytes, &done);
    po_frame_end(&frame);
    return number_or_minus_one(state, status, done);
}

PyObject *po_rand_write_file(po_state *state, const char *filename)
{
    pyossl_status status;
    po_frame frame;
    size_t done = 0;

    po_long_enter(&frame);
    status = pyossl_rand_write_file(filename, &done);
    po_frame_end(&frame);
    return number_or_minus_one(state, status, done);
}

/* The protocol gives at most 255 bytes an answer: ask again until @count are there, or fewer come.
 */
static pyossl_status ask_egd(const char *path, size_t count, size_t *total)
{
    do {
        const size_t part = count - *total < 255 ? count - *total : 255;
        size_t done = 0;
        const pyossl_status status = pyossl_rand_egd(path, part, EGD_TIMEOUT, &done);

        if (status != PYOSSL_OK)
            return *total > 0 ? PYOSSL_OK : status;
        *total += done;
        if (done < part)
            break;
    } while (*total < count);
    return PYOSSL_OK;
}

PyObject *po_rand_egd(po_state *state, const char *path, size_t count)
{
    pyossl_status status;
    po_frame frame;
    size_t done = 0;

    if (po_warn("egd is deprecated: the operating system seeds the generator") < 0)
        return NULL;
    po_long_enter(&frame);
    status = ask_egd(path, count, &done);
    po_frame_end(&frame);
    return number_or_minus_one(state, status, done);
}
