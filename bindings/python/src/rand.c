/* OpenSSL.rand */
#include "convert.h"
#include "frame.h"
#include "raise.h"
#include "types.h"

/* Below this, filling a buffer takes less than letting the interpreter go and coming back. */
enum { DETACH_FROM = 4096 };

/* A daemon that does not answer in this many milliseconds is not there. */
enum { EGD_TIMEOUT = 10000 };

static PyObject *rand_bytes(PyObject *module, PyObject *const *args, Py_ssize_t nargs,
                            PyObject *kwnames)
{
    static const char *const names[] = { "num_bytes" };
    static const po_params params = { "bytes", names, 1, 1 };
    PyObject *given[1], *result;
    pyossl_status status;
    size_t len;

    if (po_args(&params, args, nargs, kwnames, given) < 0 ||
        po_to_size(given[0], "num_bytes", &len) < 0)
        return NULL;
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
        return po_raise(PyModule_GetState(module), PO_RAND, status);
    }
    return result;
}

static PyObject *add(PyObject *module, PyObject *buffer, double entropy, bool all)
{
    po_auto_bytes bytes = PO_BYTES_INIT;
    pyossl_status status;

    if (po_to_bytes(buffer, "buffer", PO_STR_WARN, &bytes) < 0)
        return NULL;
    if (all)
        status = pyossl_rand_seed(bytes.data, bytes.len);
    else
        status = pyossl_rand_add(bytes.data, bytes.len, entropy);
    if (status != PYOSSL_OK)
        return po_raise(PyModule_GetState(module), PO_RAND, status);
    Py_RETURN_NONE;
}

static PyObject *rand_add(PyObject *module, PyObject *const *args, Py_ssize_t nargs,
                          PyObject *kwnames)
{
    static const char *const names[] = { "buffer", "entropy" };
    static const po_params params = { "add", names, 2, 2 };
    PyObject *given[2];
    double entropy;

    if (po_args(&params, args, nargs, kwnames, given) < 0)
        return NULL;
    if (!PyLong_Check(given[1]) && !PyFloat_Check(given[1])) {
        PyErr_SetString(PyExc_TypeError, "entropy must be a number");
        return NULL;
    }
    entropy = PyFloat_AsDouble(given[1]);
    if (entropy == -1.0 && PyErr_Occurred())
        return NULL;
    return add(module, given[0], entropy, false);
}

static PyObject *rand_seed(PyObject *module, PyObject *const *args, Py_ssize_t nargs,
                           PyObject *kwnames)
{
    static const char *const names[] = { "buffer" };
    static const po_params params = { "seed", names, 1, 1 };
    PyObject *given[1];

    if (po_args(&params, args, nargs, kwnames, given) < 0)
        return NULL;
    return add(module, given[0], 0.0, true);
}

static PyObject *rand_status(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return PyLong_FromLong(pyossl_rand_status());
}

static PyObject *rand_cleanup(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    Py_RETURN_NONE;
}

/* The number of bytes, or -1 where the file or the daemon did not give any. */
static PyObject *number_or_minus_one(PyObject *module, pyossl_status status, size_t done)
{
    if (status == PYOSSL_E_SYSTEM)
        return PyLong_FromLong(-1);
    if (status != PYOSSL_OK)
        return po_raise(PyModule_GetState(module), PO_RAND, status);
    return PyLong_FromSize_t(done);
}

static PyObject *rand_load_file(PyObject *module, PyObject *const *args, Py_ssize_t nargs,
                                PyObject *kwnames)
{
    static const char *const names[] = { "filename", "maxbytes" };
    static const po_params params = { "load_file", names, 1, 2 };
    po_auto_bytes path = PO_BYTES_INIT;
    PyObject *given[2];
    pyossl_status status;
    po_frame frame;
    size_t done = 0;
    long max = -1;

    if (po_args(&params, args, nargs, kwnames, given) < 0 ||
        po_to_path(given[0], "filename", &path) < 0 ||
        (given[1] != NULL && po_to_long(given[1], "maxbytes", &max) < 0))
        return NULL;
    po_long_enter(&frame);
    status = pyossl_rand_load_file(path.data, max, &done);
    po_frame_end(&frame);
    return number_or_minus_one(module, status, done);
}

static PyObject *rand_write_file(PyObject *module, PyObject *const *args, Py_ssize_t nargs,
                                 PyObject *kwnames)
{
    static const char *const names[] = { "filename" };
    static const po_params params = { "write_file", names, 1, 1 };
    po_auto_bytes path = PO_BYTES_INIT;
    PyObject *given[1];
    pyossl_status status;
    po_frame frame;
    size_t done = 0;

    if (po_args(&params, args, nargs, kwnames, given) < 0 ||
        po_to_path(given[0], "filename", &path) < 0)
        return NULL;
    po_long_enter(&frame);
    status = pyossl_rand_write_file(path.data, &done);
    po_frame_end(&frame);
    return number_or_minus_one(module, status, done);
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

static PyObject *rand_egd(PyObject *module, PyObject *const *args, Py_ssize_t nargs,
                          PyObject *kwnames)
{
    static const char *const names[] = { "path", "bytes" };
    static const po_params params = { "egd", names, 1, 2 };
    po_auto_bytes path = PO_BYTES_INIT;
    PyObject *given[2];
    pyossl_status status;
    po_frame frame;
    size_t count = 255, done = 0;

    if (po_args(&params, args, nargs, kwnames, given) < 0 ||
        po_to_path(given[0], "path", &path) < 0 ||
        (given[1] != NULL && po_to_size(given[1], "bytes", &count) < 0))
        return NULL;
    if (po_warn("egd is deprecated: the operating system seeds the generator") < 0)
        return NULL;
    po_long_enter(&frame);
    status = ask_egd(path.data, count, &done);
    po_frame_end(&frame);
    return number_or_minus_one(module, status, done);
}

#define FAST(function) (PyCFunction)(void (*)(void)) function, METH_FASTCALL | METH_KEYWORDS

PyMethodDef po_rand_functions[] = {
    { "add", FAST(rand_add),
      "add($module, /, buffer, entropy)\n--\n\n"
      "Mix bytes into the generator; entropy is a lower bound of how many of them are\n"
      "random. Returns None; raises TypeError for what is not bytes-like." },
    { "bytes", FAST(rand_bytes),
      "bytes($module, /, num_bytes)\n--\n\n"
      "Return so many random bytes, fit for keys. Raises ValueError for a negative number." },
    { "cleanup", rand_cleanup, METH_NOARGS,
      "cleanup($module, /)\n--\n\n"
      "Do nothing, and return None: OpenSSL wipes the generator's state at exit." },
    { "egd", FAST(rand_egd),
      "egd($module, /, path, bytes=255)\n--\n\n"
      "Mix in bytes of an entropy gathering daemon. Returns how many, or -1. Deprecated." },
    { "load_file", FAST(rand_load_file),
      "load_file($module, /, filename, maxbytes=-1)\n--\n\n"
      "Mix in a file, or its first maxbytes bytes. Returns how many were read, or -1." },
    { "seed", FAST(rand_seed),
      "seed($module, /, buffer)\n--\n\n"
      "Mix bytes into the generator, all of them taken as random. Returns None; raises\n"
      "TypeError for what is not bytes-like." },
    { "status", rand_status, METH_NOARGS,
      "status($module, /)\n--\n\n"
      "Return 1 where the generator has been seeded with enough, else 0." },
    { "write_file", FAST(rand_write_file),
      "write_file($module, /, filename)\n--\n\n"
      "Write 1024 random bytes to a file that nobody else may read. Returns how many were\n"
      "written, or -1." },
    { NULL, NULL, 0, NULL },
};
