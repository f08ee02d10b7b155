/*
 * The lock of an object, which its holder may take again.
 *
 * Nobody waits for a lock while holding the interpreter: who has to wait says so
 * first (po_lock_announce), and then lets go (po_lock_wait). So to whoever holds
 * the interpreter and sees neither an owner nor a waiter, the lock is safe from
 * everybody else: it is taken and released without an atomic exchange, which would
 * cost more than the getters behind it. Where there is no such interpreter lock,
 * exchanges are made.
 *
 * After fork(), what other threads of the parent held is free in the child.
 */
#ifndef PO_LOCK_H
#define PO_LOCK_H

#include "compat.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Zero is unlocked; nothing to set up or release. */
typedef struct po_lock {
    atomic_uintptr_t owner; /* a thread's number */
    atomic_uint      waiting;
    unsigned         depth; /* how often the owner has taken it besides */
    atomic_uchar     crowd; /* of bulk work: rises as threads meet, falls as they wait for peers */
} po_lock;

/*
 * With the interpreter held: whether nobody has the lock, nor can get it before the
 * interpreter is let go. Enough for a look at what it guards that calls nobody back.
 */
static inline bool po_lock_is_free(const po_lock *lock)
{
    /* In this order: a waiter becomes the owner before it stops to be a waiter. */
    return PO_INTERPRETER_LOCKED &&
           atomic_load_explicit(&lock->waiting, memory_order_acquire) == 0 &&
           atomic_load_explicit(&lock->owner, memory_order_acquire) == 0;
}

/* A number for a thread, which no other thread of this process or its parents has had. */
uintptr_t po_lock_number_thread(void);

/* In a child of fork(), whose only thread is number @survivor, 0 for one without a number. */
void po_lock_forked(uintptr_t survivor);

/* For the thread @me, with the interpreter held; false where somebody else has it. */
bool po_lock_try(po_lock *lock, uintptr_t me);

/* With the interpreter held: to be followed by po_lock_wait() without it. */
void po_lock_announce(po_lock *lock);

/* @bulk: for work as long as that of whom we wait for, and more of the kind to come. */
void po_lock_wait(po_lock *lock, uintptr_t me, bool bulk);

/* @attached: with the interpreter held, so that nobody can begin to wait meanwhile. */
void po_lock_release(po_lock *lock, bool attached);

/* Held, by a thread that is about to release it and wait for its peer. */
void po_lock_thin_out(po_lock *lock);

#endif
