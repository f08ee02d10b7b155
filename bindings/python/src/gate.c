#include "gate.h"

#include "lock.h"

#include <time.h>

#ifdef _WIN32 /* where nobody forks */
int po_gate_set_up(void)
{
    return 0;
}

void po_gate_enter(void)
{
}

void po_gate_leave(void)
{
}
#else
#include <pthread.h>

/* How long fork() waits for those who are inside. */
enum { PATIENCE_MS = 10 };

static struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t  changed; /* the last has come out, or the gate is open again */
    atomic_uint     inside;
    atomic_uint     closed;  /* by so many */
} gate = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int failed; /* an error number */

void po_gate_leave(void)
{
    /* Either we see that it is closed, or who closes it sees that we have left. */
    if (atomic_fetch_sub(&gate.inside, 1) != 1 || atomic_load(&gate.closed) == 0)
        return;
    pthread_mutex_lock(&gate.mutex);
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.mutex);
}

void po_gate_enter(void)
{
    atomic_fetch_add(&gate.inside, 1);
    while (atomic_load(&gate.closed) != 0) {
        po_gate_leave();
        pthread_mutex_lock(&gate.mutex);
        while (atomic_load(&gate.closed) != 0)
            pthread_cond_wait(&gate.changed, &gate.mutex);
        pthread_mutex_unlock(&gate.mutex);
        atomic_fetch_add(&gate.inside, 1);
    }
}

static void close_gate(void)
{
    struct timespec end;
    int waited = 0;

    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_nsec += PATIENCE_MS * 1000000L;
    end.tv_sec += end.tv_nsec / 1000000000L;
    end.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&gate.mutex);
    atomic_fetch_add(&gate.closed, 1);
    while (waited == 0 && atomic_load(&gate.inside) > 0)
        waited = pthread_cond_timedwait(&gate.changed, &gate.mutex, &end);
    pthread_mutex_unlock(&gate.mutex);
}

static void open_gate(void)
{
    pthread_mutex_lock(&gate.mutex);
    atomic_fetch_sub(&gate.closed, 1);
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.mutex);
}

/* In the child, where those who waited are no more, nor those who were inside or held a lock. */
static void start_anew(void)
{
    pthread_mutex_init(&gate.mutex, NULL);
    pthread_cond_init(&gate.changed, NULL);
    atomic_store(&gate.inside, 0);
    atomic_store(&gate.closed, 0);
    po_lock_forked();
}

static void watch(void)
{
    failed = pthread_atfork(close_gate, open_gate, start_anew);
}

int po_gate_set_up(void)
{
    pthread_once(&once, watch);
    return failed;
}
#endif
