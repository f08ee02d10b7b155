#include "lock.h"

#include <pthread.h>
#include <stddef.h>

/* Bits of a state; the others are the epoch. A state of another epoch is nobody's. */
enum { HELD = 1, WANTED = 2, BITS = 2 };

static unsigned epoch;

typedef struct waiter {
    struct waiter *next;
    const po_lock *lock;
    pthread_cond_t handed;
    bool           has_it;
} waiter;

/* Waiters of all locks sleep here: locks are held for microseconds, so they seldom meet. */
enum { LOTS = 16 };

static struct lot {
    pthread_mutex_t mutex; /* whoever has it waits for nothing else */
    waiter *first;         /* first come, first served */
} lots[LOTS] = {
#define LOT                                                                                        \
    {                                                                                              \
        PTHREAD_MUTEX_INITIALIZER, NULL                                                            \
    }
    LOT, LOT, LOT, LOT, LOT, LOT, LOT, LOT, LOT, LOT, LOT, LOT, LOT, LOT, LOT, LOT
};

static struct lot *lot_of(const po_lock *lock)
{
    return &lots[((uintptr_t)lock >> 6) % LOTS];
}

unsigned po_lock_epoch(void)
{
    return epoch;
}

void po_lock_forked(void)
{
    static const struct lot empty = LOT;

    epoch++;
    for (size_t i = 0; i < LOTS; i++)
        lots[i] = empty;
}

static unsigned held(void)
{
    return epoch << BITS | HELD;
}

static bool is_nobodys(unsigned state)
{
    return state == 0 || (state & ~(unsigned)WANTED) != held();
}

bool po_lock_try(po_lock *lock)
{
    unsigned state = atomic_load_explicit(&lock->state, memory_order_acquire);

    if (!is_nobodys(state))
        return false;
    if (!PO_INTERPRETER_LOCKED)
        return atomic_compare_exchange_strong_explicit(&lock->state, &state, held(),
                                                       memory_order_acquire, memory_order_relaxed);
    atomic_store_explicit(&lock->state, held(), memory_order_relaxed);
    return true;
}

/* Say that the lock is wanted; false where it has become free meanwhile, and is now ours. */
static bool ask_for(po_lock *lock)
{
    unsigned state = atomic_load_explicit(&lock->state, memory_order_acquire);

    while (!po_lock_try(lock)) {
        state = held();
        if (atomic_compare_exchange_strong(&lock->state, &state, held() | WANTED) ||
            state == (held() | WANTED))
            return true;
    }
    return false;
}

PyThreadState *po_lock_wait(po_lock *lock)
{
    waiter self = { NULL, lock, PTHREAD_COND_INITIALIZER, false }, **place;
    struct lot *lot = lot_of(lock);
    PyThreadState *detached;

    pthread_mutex_lock(&lot->mutex);
    if (!ask_for(lock)) {
        pthread_mutex_unlock(&lot->mutex);
        return NULL;
    }
    for (place = &lot->first; *place != NULL;)
        place = &(*place)->next;
    *place = &self;
    detached = PyEval_SaveThread();
    while (!self.has_it)
        pthread_cond_wait(&self.handed, &lot->mutex);
    pthread_mutex_unlock(&lot->mutex);
    pthread_cond_destroy(&self.handed);
    return detached;
}

static waiter **first_for(waiter **place, const po_lock *lock)
{
    while (*place != NULL && (*place)->lock != lock)
        place = &(*place)->next;
    return place;
}

/* To whoever has waited for it longest; it is free at no time. */
static void hand_over(po_lock *lock)
{
    struct lot *lot = lot_of(lock);
    waiter **place, *next;

    pthread_mutex_lock(&lot->mutex);
    place = first_for(&lot->first, lock);
    next = *place;
    *place = next->next;
    atomic_store(&lock->state, *first_for(place, lock) != NULL ? held() | WANTED : held());
    next->has_it = true;
    pthread_cond_signal(&next->handed);
    pthread_mutex_unlock(&lot->mutex);
}

void po_lock_release(po_lock *lock, bool attached)
{
    unsigned state = held();

    /* Nobody can begin to wait while we hold the interpreter. */
    if (attached && PO_INTERPRETER_LOCKED &&
        atomic_load_explicit(&lock->state, memory_order_relaxed) == state)
        atomic_store_explicit(&lock->state, 0, memory_order_release);
    else if (!atomic_compare_exchange_strong(&lock->state, &state, 0))
        hand_over(lock);
}
