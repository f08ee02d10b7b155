/*
 * The lock of an object: held around short work on its handle, never while Python code runs.
 *
 * It is taken with the interpreter held, or handed by its holder to whoever waits for it
 * longest; released with or without. So to whoever holds the interpreter and sees a lock
 * free, it is safe from everybody else: it is taken and released without an atomic
 * exchange. Where there is no such interpreter lock, exchanges are made.
 *
 * A lock is not recursive, and of no thread's own: nothing is allocated for the collector,
 * looked up or released under it that could run Python code and come back here.
 *
 * After fork(), whatever was held in the parent is free in the child: who forks holds none.
 */
#ifndef PO_LOCK_H
#define PO_LOCK_H

#include "compat.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Zero is unlocked; nothing to set up or release. */
typedef struct po_lock {
    atomic_uint state;
} po_lock;

/*
 * With the interpreter held: whether nobody has the lock, nor can get it before the
 * interpreter is let go. Enough for a look at what it guards that calls nobody back.
 */
static inline bool po_lock_is_free(const po_lock *lock)
{
    return PO_INTERPRETER_LOCKED && atomic_load_explicit(&lock->state, memory_order_acquire) == 0;
}

/* With the interpreter held; false where somebody else has it. */
bool po_lock_try(po_lock *lock);

/*
 * With the interpreter held: let go of it where the lock is taken, and sleep until it is
 * handed over. What PyEval_RestoreThread() wants, or NULL where the interpreter is still held.
 */
PyThreadState *po_lock_wait(po_lock *lock);

/* The two together: the interpreter is held again, or still. */
static inline void po_lock_take(po_lock *lock)
{
    PyThreadState *detached = po_lock_try(lock) ? NULL : po_lock_wait(lock);

    if (detached != NULL)
        PyEval_RestoreThread(detached);
}

/* @attached: with the interpreter held. */
void po_lock_release(po_lock *lock, bool attached);

/* Counts forks: what is marked with another number belongs to threads that are no more. */
unsigned po_lock_epoch(void);

/* In a child of fork(). */
void po_lock_forked(void);

#endif
