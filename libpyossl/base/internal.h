/*
 * What every source file of the library includes first.
 *
 * Three rules live here. A public function that may fail begins with
 * OSL_API_ENTER, so that OpenSSL's error queue is empty before and after it,
 * whatever happens between. A failure is recorded where it is found, by one of
 * the osl_fail functions, which return the status to return. What a function
 * owns is declared with osl_auto(), so that every way out releases it, and
 * leaves through osl_steal().
 */
#ifndef OSL_INTERNAL_H
#define OSL_INTERNAL_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>

#include "pyossl/error.h"
#include "pyossl/export.h"
#include "pyossl/status.h"
#include "pyossl/types.h"

#include "object.h"

/* Feature tests: the only place that looks at OpenSSL's version. */
#if OPENSSL_VERSION_NUMBER < 0x30000000L
#error "libpyossl needs OpenSSL 3.0 or later"
#endif
#if OPENSSL_VERSION_NUMBER >= 0x30200000L
#define OSL_HAVE_GET0_GROUP_NAME 1
#endif
#if OPENSSL_VERSION_NUMBER >= 0x30300000L
#define OSL_HAVE_SESSION_GET_TIME_EX 1
#endif
#if OPENSSL_VERSION_NUMBER >= 0x40000000L
/* A store is no list, and becomes one, a slow one, for good where it is asked for it. */
#define OSL_STORE_IS_NO_LIST 1
#define OSL_HAVE_HOST_INPUT_VALIDATION 1
#elif !defined(OPENSSL_NO_SSL3) && !defined(OPENSSL_NO_SSL3_METHOD)
#define OSL_HAVE_SSL3 1
#endif
/*
 * From 3.2 on OpenSSL keeps what makes decoding slow before. OSL_PLAIN_DECODERS has
 * it done here as there, so that one release can test both ways.
 */
#if OPENSSL_VERSION_NUMBER < 0x30200000L && !defined(OSL_PLAIN_DECODERS)
#define OSL_SLOW_DECODERS 1
#endif

/* What the headers were, for programs that ask. */
#define OSL_OPENSSL_HEADERS ((unsigned long)OPENSSL_VERSION_NUMBER)

#define OSL_LIBRARY_NAME "libpyossl"

#define OSL_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define OSL_STRINGIFY_(x) #x
#define OSL_STRINGIFY(x) OSL_STRINGIFY_(x)

/* ---- the error queue around a public call ---- */

/* Once per process: error texts, fork hook. PYOSSL_E_NOMEM if that fails. */
pyossl_status osl_init(void) PYOSSL_MUST_CHECK;
extern atomic_bool osl_init_done;

/* Whether nothing in this process has used OpenSSL yet, so that nothing is set in it. */
bool osl_openssl_untouched(void);

/*
 * OpenSSL is set up by the first call, so that we hear when it goes. A function that cannot do without
 * asks osl_init() again, and tells of its failure.
 *
 * Peeking first: clearing an empty queue costs five times as much.
 */
static inline char osl_api_enter(void)
{
    if (!atomic_load_explicit(&osl_init_done, memory_order_acquire))
        (void)!osl_init();
    if (ERR_peek_error() != 0)
        ERR_clear_error();
    return 0;
}

static inline void osl_api_leave(const char *scope)
{
    (void)scope;
    if (ERR_peek_error() != 0)
        ERR_clear_error();
}

#define OSL_API_ENTER                                                                              \
    __attribute__((cleanup(osl_api_leave), unused)) const char osl_scope_ = osl_api_enter()

/* ---- the program's code inside a call of OpenSSL's ---- */

enum { OSL_ERRORS_MAX = 16, OSL_ERROR_TEXT_MAX = 128 }; /* as many as OpenSSL keeps */
enum { OSL_ERROR_DETAIL_MAX = 256 };

/* What OpenSSL's queue and the thread's record held, and errno, while a callback runs. */
typedef struct osl_aside {
    int           number;
    pyossl_status status;
    struct osl_kept_error *record; /* NULL for an empty one, and out of memory */
    bool          lost;            /* out of memory: the record stays as the callback leaves it */
    size_t        count;
    unsigned long codes[OSL_ERRORS_MAX];
    char          texts[OSL_ERRORS_MAX][OSL_ERROR_TEXT_MAX];
} osl_aside;

void osl_aside_put(osl_aside *aside);
void osl_aside_bring_back(osl_aside *aside);

/*
 * At the top of a function that OpenSSL calls and that calls the program: whatever
 * that does, also with this library, OpenSSL finds its queue and errno as they were,
 * and the call that is under way its record.
 */
#define OSL_CALLBACK_ENTER                                                                         \
    __attribute__((cleanup(osl_aside_bring_back))) osl_aside osl_aside_;                           \
    osl_aside_put(&osl_aside_)

/* Whether @status is one of the list in status.h. */
bool osl_status_is_known(pyossl_status status);

/* ---- failing: record why, return the status to return ---- */

/* Record OpenSSL's queue. Turns into PYOSSL_E_NOMEM where the queue says so. */
pyossl_status osl_fail(pyossl_status status) PYOSSL_MUST_CHECK;

/* Record one sentence of ours, behind what OpenSSL's queue holds. */
pyossl_status osl_fail_text(pyossl_status status, const char *reason) PYOSSL_MUST_CHECK;

/* The same with something of the caller's in the detail: "no such digest", "md99". */
pyossl_status osl_fail_detail(pyossl_status status, const char *reason, const char *detail)
    PYOSSL_MUST_CHECK;

/* The same with a number of the caller's. */
pyossl_status osl_fail_number(pyossl_status status, const char *reason,
                              int64_t number) PYOSSL_MUST_CHECK;

/* Record a system error; PYOSSL_E_SYSTEM. */
pyossl_status osl_fail_errno(int number, const char *detail) PYOSSL_MUST_CHECK;

/* Record that there is no memory; PYOSSL_E_NOMEM. */
pyossl_status osl_fail_nomem(void) PYOSSL_MUST_CHECK;

/*
 * Where @status tells of a failure, say more in the detail of the last entry, where it is not said
 * there yet; they return @status. Which file was read:
 */
pyossl_status osl_in_file(pyossl_status status, const char *path) PYOSSL_MUST_CHECK;
/* What the caller gave, as far as it can be shown; never of what is secret. */
pyossl_status osl_given(pyossl_status status, const char *text, size_t len) PYOSSL_MUST_CHECK;
/* The same in any case, behind other words than ", in " where there is something already. */
pyossl_status osl_given_as(pyossl_status status, const char *lead, const char *text,
                           size_t len) PYOSSL_MUST_CHECK;
enum { OSL_GIVEN_MAX = 120 }; /* bytes that are shown */
/* What to do, or what it may be. */
pyossl_status osl_hint(pyossl_status status, const char *words) PYOSSL_MUST_CHECK;

/* Give the newest entry with this reason of OpenSSL's a detail, in place of any that it has. */
void osl_error_explain(int library, int reason, const char *detail);

/* A copy of this thread's record, to be told again later, also on another thread. */
typedef struct osl_kept_error osl_kept_error;
osl_kept_error *osl_error_keep(void); /* NULL without memory */
void osl_error_forget(osl_kept_error *kept); /* NULL is allowed */
/* Record once more what was kept, under @status. */
pyossl_status osl_fail_again(pyossl_status status, const osl_kept_error *kept) PYOSSL_MUST_CHECK;

/* What was recorded last: the status to return after a function that says "NULL and recorded". */
static inline pyossl_status osl_recorded(void)
{
    return pyossl_error_status(pyossl_error_last());
}

/*
 * The same, with the queue cleared before: for functions that do without
 * OSL_API_ENTER, as nothing in their way of success touches OpenSSL's queue and
 * looking at it would take longer than what they do.
 */
pyossl_status osl_refuse(pyossl_status status, const char *reason) PYOSSL_MUST_CHECK;

/* PYOSSL_E_ARGUMENT for arguments that are not as @needed, which is shown. */
pyossl_status osl_refuse_argument(const char *needed) PYOSSL_MUST_CHECK;

/* Analyzers, which see one file at a time, are told that a failure is never PYOSSL_OK. */
#ifdef OSL_ANALYZER
#define osl_never_ok(call)                                                                         \
    __extension__({                                                                                \
        const pyossl_status osl_failure_ = (call);                                                 \
                                                                                                   \
        if (osl_failure_ == PYOSSL_OK)                                                             \
            __builtin_unreachable();                                                               \
        osl_failure_;                                                                              \
    })

#define osl_fail(status) osl_never_ok((osl_fail)(status))
#define osl_fail_text(status, reason) osl_never_ok((osl_fail_text)(status, reason))
#define osl_fail_detail(status, reason, detail)                                                    \
    osl_never_ok((osl_fail_detail)(status, reason, detail))
#define osl_fail_number(status, reason, number)                                                    \
    osl_never_ok((osl_fail_number)(status, reason, number))
#define osl_fail_errno(number, detail) osl_never_ok((osl_fail_errno)(number, detail))
#define osl_fail_again(status, kept) osl_never_ok((osl_fail_again)(status, kept))
#define osl_recorded() osl_never_ok((osl_recorded)())
#define osl_refuse(status, reason) osl_never_ok((osl_refuse)(status, reason))
#endif

/* Return from the caller with the status of a call that did not work. */
#define OSL_TRY(call)                                                                              \
    do {                                                                                           \
        const pyossl_status osl_status_ = (call);                                                  \
        if (osl_status_ != PYOSSL_OK)                                                              \
            return osl_status_;                                                                    \
    } while (0)

/* ---- what callers give ---- */

/* No object is larger: a length above is a negative number that was taken for one. */
static inline bool osl_fits(const void *data, size_t len)
{
    return len <= (size_t)SSIZE_MAX && (data != NULL || len == 0);
}

/* Whether an array has @count members, none of them NULL. */
static inline bool osl_are_there(const void *array, size_t count)
{
    bool there = osl_fits(array, count) && count <= (size_t)SSIZE_MAX / sizeof(void *);

    for (size_t i = 0; there && i < count; i++)
        there = ((void *const *)array)[i] != NULL;
    return there;
}

/*
 * At the top of an exported function that returns a status: answer arguments that the header
 * does not allow, before anything looks at them. The record shows which.
 */
#define OSL_NEED(condition)                                                                        \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return osl_refuse_argument(#condition);                                                \
    } while (0)

/* The same for one that returns no status; what it answers then. */
#define OSL_NEED_OR(answer, condition)                                                             \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return answer;                                                                         \
    } while (0)
#define OSL_NOTHING /* of a function without a result */

/* ---- memory: OpenSSL's, so that one hook reaches all of it ---- */

#define osl_new(type) ((type *)OPENSSL_zalloc(sizeof(type)))

char *osl_strdup(const char *text);
void *osl_memdup(const void *data, size_t len); /* one NUL more than asked for */

/* Wipe and release. */
void osl_free_secret(void *data, size_t len);

/* ---- owning ---- */

static inline void *osl_steal_ptr(void *place)
{
    void *pointer;

    memcpy(&pointer, place, sizeof pointer);
    memset(place, 0, sizeof pointer);
    return pointer;
}

/* Hand out what a variable owns. */
#define osl_steal(variable) osl_steal_ptr(&(variable))

/* Declare how osl_auto(type) releases: OSL_DEFINE_AUTO(X509, X509_free). */
#define OSL_DEFINE_AUTO(type, release)                                                             \
    static inline void osl_auto_##type(type **place)                                               \
    {                                                                                              \
        if (*place != NULL)                                                                        \
            release(*place);                                                                       \
    }

#define osl_auto(type) __attribute__((cleanup(osl_auto_##type))) type

static inline void osl_auto_buf_clear(pyossl_buf *buf)
{
    pyossl_buf_clear(buf);
}

/* A pyossl_buf that is wiped on every way out. */
#define osl_auto_buf __attribute__((cleanup(osl_auto_buf_clear))) pyossl_buf

OSL_DEFINE_AUTO(BIO, BIO_free_all)

/* ---- bytes ---- */

/* Replace what @buf holds by a copy. Does not touch it on failure. */
pyossl_status osl_buf_set(pyossl_buf *buf, const void *data, size_t len) PYOSSL_MUST_CHECK;

/* Room for @len bytes, uninitialised but for the closing NUL. */
pyossl_status osl_buf_alloc(pyossl_buf *buf, size_t len) PYOSSL_MUST_CHECK;

/* Keep the first @len bytes, of at least as many; the others are wiped, as clearing looks no further. */
void osl_buf_shorten(pyossl_buf *buf, size_t len);

/* Hand the bytes of @from to @to, which is the caller's output. */
void osl_buf_move(pyossl_buf *to, pyossl_buf *from);

/* Copy what a memory BIO holds. */
pyossl_status osl_buf_from_bio(pyossl_buf *buf, BIO *bio) PYOSSL_MUST_CHECK;

/* A BIO to write to. NULL and recorded on failure. */
BIO *osl_bio_writer(void);

/* Read a whole file of at most @max bytes. PYOSSL_E_SYSTEM names the OS error. */
pyossl_status osl_file_read(const char *path, size_t max, pyossl_buf *out) PYOSSL_MUST_CHECK;

/*
 * A descriptor that children do not get, or -1 and errno. Never waits: reading does, by
 * osl_file_some() and a few seconds at most, for who has a pipe open and writes.
 */
int osl_file_open(const char *path);
void osl_file_close(int file);
/* Like read(2), but for signals. */
ssize_t osl_file_some(int file, void *out, size_t len);

/*
 * Whether this is a file, and neither a pipe nor a device or a directory; not opened, as that
 * would end a pipe for who writes. False with errno. Records nothing.
 */
bool osl_file_is_regular(const char *path);
/* Whether such a file can be opened for reading; the same. */
bool osl_file_readable(const char *path);

/* The largest file that the library reads whole. */
#define OSL_FILE_MAX ((size_t)64 << 20)

/* Whether @len fits the int and long lengths of OpenSSL's decoders. */
static inline bool osl_len_fits(size_t len)
{
    return len <= INT32_MAX;
}

/* ---- libctx.c: which library context a call is in ---- */

/* The library context of this thread, in which OpenSSL looks algorithms up; borrowed. */
OSSL_LIB_CTX *osl_libctx(void);

/* Whether that is the default one of the process, which lives as long as OpenSSL does. */
bool osl_libctx_is_usual(void);

/* The one of before, or NULL if that could not be left; see the next. */
OSSL_LIB_CTX *osl_libctx_begin_usual(void);
void osl_libctx_end_usual(OSSL_LIB_CTX *const *before);
/* From here to the end of the block the thread is in the default library context, where @ok. */
#define OSL_IN_USUAL_LIBCTX(ok)                                                                    \
    __attribute__((cleanup(osl_libctx_end_usual))) OSSL_LIB_CTX *const osl_before_ =               \
        osl_libctx_begin_usual();                                                                  \
    const bool ok = osl_before_ != NULL

/* ---- slim.c: a library context with what TLS needs, and little else ---- */

/*
 * For an SSL_CTX that is made now. NULL, which means the default one, where the
 * slim one may not be used, cannot be had or would not pay; a connection asks
 * again before its handshake. @untouched is what osl_openssl_untouched() said when the
 * call began that this is part of.
 */
OSSL_LIB_CTX *osl_slim(bool untouched);
/* It does not do: never use it again. */
void osl_slim_leave(void);

/* Whether there is one in this process: what came out of TLS may be of it. */
bool osl_slim_made(void);

/* Mix @data into its generator too, if there is one. */
pyossl_status osl_slim_mix(const void *data, size_t len) PYOSSL_MUST_CHECK;

/* ---- slim_provider.c: its algorithms ---- */

/* Give @libctx the algorithms, all of them made; false if any is missing. To be called once. */
bool osl_slim_provide(OSSL_LIB_CTX *libctx);
/* After a failure, before @libctx is released. */
void osl_slim_withdraw(void);

/* Milliseconds of a clock that only goes forward; never 0. */
int64_t osl_now(void);

/* Counts forks, so that what belongs to the parent can be told in the child. */
unsigned long osl_fork_count(void);

#endif
