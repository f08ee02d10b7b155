#include "frame.h"

#include <assert.h>
#include <pthread.h>

static _Thread_local po_frame *top;

/* ---- the lock ---- */

/* Waiters of all locks sleep here: locks are held for microseconds, so they seldom meet. */
enum { LOTS = 16 };

static struct lot {
    pthread_mutex_t mutex;
    pthread_cond_t freed;
} lots[LOTS] = {
#define LOT                                                                                        \
    {                                                                                              \
        PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER                                        \
    }
    LOT, LOT, LOT, LOT, LOT, LOT, LOT, LOT, LOT, LOT, LOT, LOT, LOT, LOT, LOT, LOT
#undef LOT
};

/* Looked up once a frame: finding it is a function call in a module that is loaded late. */
static po_frame **this_thread(void)
{
    return &top;
}

static struct lot *lot_of(const po_lock *lock)
{
    return &lots[((uintptr_t)lock >> 6) % LOTS];
}

/* For the thread @me, with the interpreter held. */
static bool lock_try(po_lock *lock, uintptr_t me)
{
    uintptr_t owner = 0;

    if (po_lock_is_free(lock)) {
        atomic_store_explicit(&lock->owner, me, memory_order_relaxed);
        return true;
    }
    if (atomic_compare_exchange_strong_explicit(&lock->owner, &owner, me, memory_order_acquire,
                                                memory_order_relaxed))
        return true;
    if (owner != me)
        return false;
    lock->depth++;
    return true;
}

/* With the interpreter held: to be followed by lock_wait() without it. */
static void lock_announce(po_lock *lock)
{
    /* Sequentially consistent on both sides: either we see the release, or the releaser sees us. */
    atomic_fetch_add(&lock->waiting, 1);
}

static void lock_wait(po_lock *lock, uintptr_t me)
{
    struct lot *lot = lot_of(lock);

    pthread_mutex_lock(&lot->mutex);
    for (;;) {
        uintptr_t owner = 0;

        if (atomic_compare_exchange_strong(&lock->owner, &owner, me))
            break;
        pthread_cond_wait(&lot->freed, &lot->mutex);
    }
    atomic_fetch_sub(&lock->waiting, 1);
    pthread_mutex_unlock(&lot->mutex);
}

/* @attached: with the interpreter held, so that nobody can begin to wait meanwhile. */
static void lock_release(po_lock *lock, bool attached)
{
    struct lot *lot;

    if (lock->depth > 0) {
        lock->depth--;
        return;
    }
    atomic_store_explicit(&lock->owner, 0,
                          attached && PO_INTERPRETER_LOCKED ? memory_order_release
                                                            : memory_order_seq_cst);
    if (atomic_load(&lock->waiting) == 0)
        return;
    lot = lot_of(lock);
    pthread_mutex_lock(&lot->mutex);
    pthread_cond_broadcast(&lot->freed);
    pthread_mutex_unlock(&lot->mutex);
}

/* ---- fork ---- */

/*
 * A child inherits OpenSSL's locks as they were at the moment of fork(), and with
 * them those of threads that it does not have. So whoever forks waits until no
 * thread of ours is inside the library without the interpreter; with it there is
 * at most the one that forks. Nobody waits for anything else while in the gate.
 */
#ifndef _WIN32
static pthread_rwlock_t gate;
static pthread_once_t gate_once = PTHREAD_ONCE_INIT;

static void gate_close(void)
{
    pthread_rwlock_wrlock(&gate);
}

static void gate_open(void)
{
    pthread_rwlock_unlock(&gate);
}

/* Also in the child, where those who waited for the lock are no more. */
static void gate_set_up(void)
{
    pthread_rwlockattr_t attributes;

    pthread_rwlockattr_init(&attributes);
#ifdef __GLIBC__
    /* Or busy threads would keep the one that forks waiting for ever. */
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
#endif
    pthread_rwlock_init(&gate, &attributes);
    pthread_rwlockattr_destroy(&attributes);
}

static void gate_build(void)
{
    gate_set_up();
    pthread_atfork(gate_close, gate_open, gate_set_up);
}

static void gate_enter(void)
{
    pthread_once(&gate_once, gate_build);
    pthread_rwlock_rdlock(&gate);
}

static void gate_leave(void)
{
    pthread_rwlock_unlock(&gate);
}
#else
static void gate_enter(void)
{
}

static void gate_leave(void)
{
}
#endif

/* ---- frames ---- */

/* On the frame's lock if it has one and that is free; false if somebody else has it. */
static bool push(po_frame *frame, po_lock *lock)
{
    po_frame **place = this_thread();

    frame->place = place;
    frame->up = *place;
    frame->lock = lock;
    frame->raised = NULL;
    frame->cause = NULL;
    frame->detached = NULL;
    frame->gated = false;
    *place = frame;
    return lock == NULL || lock_try(lock, (uintptr_t)place);
}

void po_frame_enter(po_frame *frame, po_object *self)
{
    const bool locked = push(frame, self != NULL ? &self->lock : NULL);

    if (!locked)
        lock_announce(frame->lock);
    frame->detached = PyEval_SaveThread();
    if (!locked)
        lock_wait(frame->lock, (uintptr_t)frame->place);
    frame->gated = true;
    gate_enter();
}

void po_frame_idle(po_frame *frame)
{
    if (frame->gated)
        gate_leave();
    frame->gated = false;
    if (frame->lock != NULL)
        lock_release(frame->lock, frame->detached == NULL);
    frame->lock = NULL;
    if (frame->detached == NULL)
        frame->detached = PyEval_SaveThread();
}

void po_quick_enter(po_frame *frame, po_object *self)
{
    po_quick_lock(frame, self != NULL ? &self->lock : NULL);
}

void po_quick_lock(po_frame *frame, po_lock *lock)
{
    if (push(frame, lock))
        return;
    lock_announce(lock);
    frame->detached = PyEval_SaveThread();
    lock_wait(lock, (uintptr_t)frame->place);
    PyEval_RestoreThread(frame->detached);
    frame->detached = NULL;
}

int po_frame_leave(po_frame *frame)
{
    *frame->place = frame->up;
    if (frame->gated)
        gate_leave();
    if (frame->lock != NULL)
        lock_release(frame->lock, frame->detached == NULL);
    if (frame->detached != NULL)
        PyEval_RestoreThread(frame->detached);
    if (frame->raised == NULL)
        return 0;
    po_exception_restore(frame->raised);
    return -1;
}

void po_frame_end(po_frame *frame)
{
    const int raised = po_frame_leave(frame);

    assert(raised == 0);
    (void)raised;
}

po_frame *po_callback_enter(PyThreadState **detached)
{
    /* OpenSSL calls back on the thread that called it, so its frame is the top one. */
    po_frame *frame = *this_thread();

    *detached = NULL;
    if (frame == NULL || po_is_finalizing())
        return NULL;
    if (frame->detached != NULL) {
        *detached = frame->detached;
        frame->detached = NULL;
        if (frame->gated)
            gate_leave();
        PyEval_RestoreThread(*detached);
    }
    return frame;
}

void po_callback_leave(po_frame *frame, PyThreadState *detached)
{
    if (detached == NULL)
        return;
    frame->detached = PyEval_SaveThread();
    if (frame->gated)
        gate_enter();
}

void po_frame_keep(po_frame *frame)
{
    PyObject *exception = po_exception_take();

    if (exception == NULL)
        return;
    if (frame->raised == NULL) {
        frame->raised = exception;
        return;
    }
    po_exception_restore(exception);
    PyErr_WriteUnraisable(NULL);
}
