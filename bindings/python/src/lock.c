#include "lock.h"

#include <pthread.h>
#include <stddef.h>
#include <time.h>

/*
 * Two threads that move records in both directions meet at nearly each. A change of
 * threads costs about as much as a record, so once that is seen they take longer turns:
 * who finds the lock taken sleeps for as long as some twenty records take. Not beside
 * short work, which would be kept waiting, and make the others wait for nothing.
 */
enum { OFTEN = 8, MOST = 64, MEETING = 4 };
static const struct timespec turn = { .tv_nsec = 200000 };

typedef struct waiter {
    struct waiter *next;
    const po_lock *lock;
    uintptr_t me;
} waiter;

/* Waiters of all locks sleep here: locks are held for microseconds, so they seldom meet. */
enum { LOTS = 16 };

static struct lot {
    pthread_mutex_t mutex;
    pthread_cond_t handed;
    waiter *first; /* first come, first served */
} lots[LOTS] = {
#define LOT                                                                                        \
    {                                                                                              \
        PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL                                  \
    }
    LOT, LOT, LOT, LOT, LOT, LOT, LOT, LOT, LOT, LOT, LOT, LOT, LOT, LOT, LOT, LOT
};

static struct lot *lot_of(const po_lock *lock)
{
    return &lots[((uintptr_t)lock >> 6) % LOTS];
}

/* ---- threads, and what fork() leaves of them ---- */

static atomic_uintptr_t last_number;
/* In a child only: threads up to this number were the parent's; one of them lives on. */
static uintptr_t last_gone, survived;

uintptr_t po_lock_number_thread(void)
{
    return atomic_fetch_add(&last_number, 1) + 1;
}

void po_lock_forked(uintptr_t survivor)
{
    static const struct lot empty = LOT;

    last_gone = atomic_load(&last_number);
    survived = survivor;
    for (size_t i = 0; i < LOTS; i++)
        lots[i] = empty;
}

static bool is_gone(uintptr_t owner)
{
    return owner <= last_gone && owner != survived;
}

/* ---- one lock ---- */

bool po_lock_try(po_lock *lock, uintptr_t me)
{
    uintptr_t owner = 0;

    if (po_lock_is_free(lock)) {
        atomic_store_explicit(&lock->owner, me, memory_order_relaxed);
        return true;
    }
    if (atomic_compare_exchange_strong_explicit(&lock->owner, &owner, me, memory_order_acquire,
                                                memory_order_relaxed))
        return true;
    if (owner == me) {
        lock->depth++;
        return true;
    }
    if (!is_gone(owner) || !atomic_compare_exchange_strong(&lock->owner, &owner, me))
        return false;
    lock->depth = 0;
    return true;
}

void po_lock_announce(po_lock *lock)
{
    /* Sequentially consistent on both sides: either we see the release, or the releaser sees us. */
    atomic_fetch_add(&lock->waiting, 1);
}

/* In the lot, with its mutex: until the lock is ours. */
static void sleep_in(struct lot *lot, po_lock *lock, uintptr_t me)
{
    waiter self = { NULL, lock, me }, **place = &lot->first;

    while (*place != NULL)
        place = &(*place)->next;
    *place = &self;
    while (atomic_load(&lock->owner) != me)
        pthread_cond_wait(&lot->handed, &lot->mutex);
}

void po_lock_wait(po_lock *lock, uintptr_t me, bool bulk)
{
    struct lot *lot = lot_of(lock);
    unsigned char crowd;
    uintptr_t owner = 0;

    if (bulk && atomic_load_explicit(&lock->crowd, memory_order_relaxed) >= OFTEN)
        (void)nanosleep(&turn, NULL);
    pthread_mutex_lock(&lot->mutex);
    if (!atomic_compare_exchange_strong(&lock->owner, &owner, me))
        sleep_in(lot, lock, me);
    crowd = atomic_load_explicit(&lock->crowd, memory_order_relaxed);
    if (!bulk)
        crowd = 0;
    else if (crowd < MOST)
        crowd = (unsigned char)(crowd + MEETING);
    atomic_store_explicit(&lock->crowd, crowd, memory_order_relaxed);
    atomic_fetch_sub(&lock->waiting, 1);
    pthread_mutex_unlock(&lot->mutex);
}

/* To whoever has waited for it longest, unless somebody has been faster. */
static void hand_over(po_lock *lock)
{
    struct lot *lot = lot_of(lock);
    waiter **place = &lot->first;
    uintptr_t owner = 0;

    pthread_mutex_lock(&lot->mutex);
    while (*place != NULL && (*place)->lock != lock)
        place = &(*place)->next;
    if (*place != NULL && atomic_compare_exchange_strong(&lock->owner, &owner, (*place)->me)) {
        *place = (*place)->next;
        pthread_cond_broadcast(&lot->handed);
    }
    pthread_mutex_unlock(&lot->mutex);
}

void po_lock_release(po_lock *lock, bool attached)
{
    if (lock->depth > 0) {
        lock->depth--;
        return;
    }
    atomic_store_explicit(&lock->owner, 0,
                          attached && PO_INTERPRETER_LOCKED ? memory_order_release
                                                            : memory_order_seq_cst);
    if (atomic_load(&lock->waiting) > 0)
        hand_over(lock);
}

void po_lock_thin_out(po_lock *lock)
{
    const unsigned char crowd = atomic_load_explicit(&lock->crowd, memory_order_relaxed);

    if (crowd > 0)
        atomic_store_explicit(&lock->crowd, (unsigned char)(crowd - 1), memory_order_relaxed);
}
