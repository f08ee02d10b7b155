/* What happens once: fork counting, versions, features. */
#include "internal.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include <openssl/ssl.h>

#include "pyossl/version.h"

#if !defined(_WIN32)
#include <pthread.h>
#endif

static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;
atomic_bool osl_init_done;
atomic_bool osl_openssl_gone;
static atomic_ulong forks;

#if !defined(_WIN32)
static void count_fork(void)
{
    atomic_fetch_add_explicit(&forks, 1, memory_order_relaxed);
}
#endif

/* What is released from here on is left where it is: OpenSSL, which would do it, is going. */
static void note_end(void)
{
    atomic_store_explicit(&osl_openssl_gone, true, memory_order_relaxed);
}

/*
 * exit() is under way. OpenSSL's own handler takes everything apart while other threads may be in
 * the middle of it, so ours is there in its place: it has OpenSSL run the program's handlers
 * (OPENSSL_atexit()) and go, but for where a thread is left that could notice.
 */
static void end_process(void)
{
    struct stat tasks;

    /* A folder for each thread, besides "." and "..". */
    if (stat("/proc/self/task", &tasks) == 0 && tasks.st_nlink == 3)
        OPENSSL_cleanup();
}

static void init_once(void)
{
    /* Another major release has other structures and other rules: nothing good would come of it. */
    if (OPENSSL_version_major() != OPENSSL_VERSION_MAJOR)
        return;
    if (OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT | OPENSSL_INIT_LOAD_SSL_STRINGS, NULL) != 1)
        return;
    /* The program's handles may be released after main() returned, and after OpenSSL has gone. */
    if (OPENSSL_atexit(note_end) != 1 || atexit(end_process) != 0)
        return;
    /* OpenSSL asks for this once: were memory short then, no context could ever be made. */
    if (SSL_get_ex_data_X509_STORE_CTX_idx() < 0)
        return;
#if !defined(_WIN32)
    if (pthread_atfork(NULL, NULL, count_fork) != 0)
        return;
#endif
    atomic_store_explicit(&osl_init_done, true, memory_order_release);
}

/*
 * Other allocators are taken only until OpenSSL's own is first used. These are none, and
 * change nothing. Where the program has put in its own, nothing tells.
 */
bool osl_openssl_untouched(void)
{
    CRYPTO_malloc_fn allocate = NULL;

    CRYPTO_get_mem_functions(&allocate, NULL, NULL);
    return allocate == CRYPTO_malloc && CRYPTO_set_mem_functions(NULL, NULL, NULL) == 1;
}

pyossl_status osl_init(void)
{
    if (CRYPTO_THREAD_run_once(&once, init_once) != 1 || !osl_init_done)
        return osl_fail_text(PYOSSL_E_NOMEM, "OpenSSL cannot be set up");
    return PYOSSL_OK;
}

unsigned long osl_fork_count(void)
{
    return atomic_load_explicit(&forks, memory_order_relaxed);
}

const char *pyossl_version(void)
{
    return PYOSSL_VERSION;
}

const char *pyossl_openssl_version(int part)
{
    return OpenSSL_version(part);
}

unsigned long pyossl_openssl_headers(void)
{
    return OSL_OPENSSL_HEADERS;
}

int64_t osl_now(void)
{
    struct timespec now = { 0, 0 };

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + 1;
}
