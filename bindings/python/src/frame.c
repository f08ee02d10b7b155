#include "frame.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>

static _Thread_local po_thread here;

/* Looked up once a frame: finding it is a function call in a module that is loaded late. */
static po_thread *this_thread(void)
{
    return &here;
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
static int failed_to_watch; /* an error number */

static void gate_close(void)
{
    pthread_rwlock_wrlock(&gate);
}

static void gate_open(void)
{
    pthread_rwlock_unlock(&gate);
}

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

/* In the child, where those who waited for a lock are no more, nor those who had one. */
static void start_anew(void)
{
    gate_set_up();
    po_lock_forked(here.number);
}

static void gate_build(void)
{
    gate_set_up();
    failed_to_watch = pthread_atfork(gate_close, gate_open, start_anew);
}

int po_frame_set_up(void)
{
    pthread_once(&gate_once, gate_build);
    if (failed_to_watch == 0)
        return 0;
    errno = failed_to_watch;
    PyErr_SetFromErrno(PyExc_OSError);
    return -1;
}

static void gate_enter(void)
{
    pthread_rwlock_rdlock(&gate);
}

static void gate_leave(void)
{
    pthread_rwlock_unlock(&gate);
}
#else
int po_frame_set_up(void)
{
    return 0;
}

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
    po_thread *thread = this_thread();

    if (thread->number == 0)
        thread->number = po_lock_number_thread();
    frame->thread = thread;
    frame->up = thread->innermost;
    frame->lock = lock;
    frame->raised = NULL;
    frame->cause = NULL;
    frame->detached = NULL;
    frame->gated = false;
    thread->innermost = frame;
    return lock == NULL || po_lock_try(lock, thread->number);
}

static void enter(po_frame *frame, po_object *self, bool bulk)
{
    const bool locked = push(frame, self != NULL ? &self->lock : NULL);

    if (!locked)
        po_lock_announce(frame->lock);
    frame->detached = PyEval_SaveThread();
    if (!locked)
        po_lock_wait(frame->lock, frame->thread->number, bulk);
    frame->gated = true;
    gate_enter();
}

void po_frame_enter(po_frame *frame, po_object *self)
{
    enter(frame, self, false);
}

void po_bulk_enter(po_frame *frame, po_object *self)
{
    enter(frame, self, true);
}

void po_frame_idle(po_frame *frame)
{
    if (frame->gated)
        gate_leave();
    frame->gated = false;
    if (frame->lock != NULL) {
        po_lock_thin_out(frame->lock);
        po_lock_release(frame->lock, frame->detached == NULL);
    }
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
    po_lock_announce(lock);
    frame->detached = PyEval_SaveThread();
    po_lock_wait(lock, frame->thread->number, false);
    PyEval_RestoreThread(frame->detached);
    frame->detached = NULL;
}

int po_frame_leave(po_frame *frame)
{
    frame->thread->innermost = frame->up;
    if (frame->gated)
        gate_leave();
    if (frame->lock != NULL)
        po_lock_release(frame->lock, frame->detached == NULL);
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
    po_frame *frame = this_thread()->innermost;

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
