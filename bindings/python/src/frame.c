#include "frame.h"

#include "gate.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <time.h>

int po_frame_set_up(void)
{
    const int failed = po_gate_set_up();

    if (failed == 0)
        return 0;
    errno = failed;
    PyErr_SetFromErrno(PyExc_OSError);
    return -1;
}

/* ---- turns ---- */

/* Who waits for the end of a turn sleeps here, and looks at signals so often. */
enum { TICK_MS = 20 };

static struct ends {
    pthread_mutex_t mutex;
    pthread_cond_t  some;
    atomic_uint     sleepers;
} ends = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 };

/* Everything of a turn is read and written under the object's lock, but by whoever has it. */
static bool is_taken(const po_turn *turn)
{
    return turn->taken && turn->epoch == po_lock_epoch();
}

static void take(po_turn *turn, po_frame *frame)
{
    turn->taken = true;
    turn->called_back = false;
    turn->frame = frame;
    turn->thread = PyThread_get_thread_ident();
    turn->epoch = po_lock_epoch();
}

static void give_up(po_turn *turn)
{
    turn->taken = false;
    turn->frame = NULL;
    if (atomic_load(&ends.sleepers) == 0)
        return;
    pthread_mutex_lock(&ends.mutex);
    pthread_cond_broadcast(&ends.some);
    pthread_mutex_unlock(&ends.mutex);
}

/* With @lock, which is released: sleep until some turn ends, or for a moment. */
static void sleep_on(po_lock *lock)
{
    PyThreadState *detached;
    struct timespec end;

    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_nsec += TICK_MS * 1000000L;
    end.tv_sec += end.tv_nsec / 1000000000L;
    end.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&ends.mutex); /* so that no end is missed */
    atomic_fetch_add(&ends.sleepers, 1);
    po_lock_release(lock, true);
    detached = PyEval_SaveThread();
    (void)pthread_cond_timedwait(&ends.some, &ends.mutex, &end);
    atomic_fetch_sub(&ends.sleepers, 1);
    pthread_mutex_unlock(&ends.mutex);
    PyEval_RestoreThread(detached);
}

/* 0 with the lock and the turn, 1 with the lock where the turn is this thread's already, or -1. */
static int claim(po_lock *lock, po_turn *turn, po_frame *frame)
{
    for (;;) {
        po_lock_take(lock);
        if (!is_taken(turn)) {
            take(turn, frame);
            return 0;
        }
        if (turn->thread == PyThread_get_thread_ident())
            return 1;
        sleep_on(lock);
        if (PyErr_CheckSignals() < 0)
            return -1;
    }
}

int po_turn_begin(po_object *self, po_turn *turn)
{
    const int result = claim(&self->lock, turn, NULL);

    if (result >= 0)
        po_lock_release(&self->lock, true);
    return result;
}

void po_turn_end(po_object *self, po_turn *turn)
{
    po_lock_take(&self->lock);
    give_up(turn);
    po_lock_release(&self->lock, true);
}

po_frame *po_turn_frame(const po_turn *turn)
{
    /* In a callback it is nobody's to call back; nor may the frame be there, but another greenlet. */
    if (!is_taken(turn) || turn->called_back || turn->thread != PyThread_get_thread_ident())
        return NULL;
    return turn->frame;
}

/* ---- frames ---- */

static void begin(po_frame *frame, po_object *self)
{
    frame->lock = self != NULL ? &self->lock : NULL;
    frame->turn = NULL;
    frame->detached = NULL;
    frame->raised = frame->cause = NULL;
    frame->gated = frame->locked = false;
}

/* Without an interpreter lock, who holds the interpreter is no reason for others to stand still. */
static void enter_gate(po_frame *frame)
{
    if (frame->detached == NULL && PO_INTERPRETER_LOCKED)
        return;
    po_gate_enter();
    frame->gated = true;
}

static void leave_gate(po_frame *frame)
{
    if (frame->gated)
        po_gate_leave();
    frame->gated = false;
}

static void lock(po_frame *frame)
{
    if (frame->lock != NULL)
        po_lock_take(frame->lock);
    frame->locked = frame->lock != NULL;
}

static void unlock(po_frame *frame)
{
    if (frame->locked)
        po_lock_release(frame->lock, frame->detached == NULL);
    frame->locked = false;
}

static void detach(po_frame *frame)
{
    if (frame->detached == NULL)
        frame->detached = PyEval_SaveThread();
}

static void attach(po_frame *frame)
{
    PyThreadState *detached = frame->detached;

    frame->detached = NULL;
    if (detached != NULL)
        PyEval_RestoreThread(detached);
}

void po_quick_enter(po_frame *frame, po_object *self)
{
    begin(frame, self);
    lock(frame);
    enter_gate(frame);
}

void po_frame_enter(po_frame *frame, po_object *self)
{
    begin(frame, self);
    if (frame->lock != NULL && !po_lock_try(frame->lock))
        frame->detached = po_lock_wait(frame->lock);
    frame->locked = frame->lock != NULL;
    detach(frame);
    enter_gate(frame);
}

void po_long_enter(po_frame *frame)
{
    begin(frame, NULL);
    detach(frame);
}

int po_call_enter(po_frame *frame, po_object *self, po_turn *turn, po_manner manner)
{
    int result;

    begin(frame, self);
    result = claim(frame->lock, turn, frame);
    if (result < 0)
        return -1;
    frame->turn = result == 0 ? turn : NULL;
    frame->locked = true;
    if (manner == PO_FREE)
        unlock(frame);
    if (manner != PO_ATTACHED)
        detach(frame);
    if (manner != PO_FREE)
        enter_gate(frame);
    return result;
}

static void end_turn(po_frame *frame)
{
    if (frame->turn == NULL)
        return;
    if (!frame->locked) {
        attach(frame);
        lock(frame);
    }
    give_up(frame->turn);
    frame->turn = NULL;
}

void po_frame_idle(po_frame *frame)
{
    leave_gate(frame);
    end_turn(frame);
    unlock(frame);
    detach(frame);
}

int po_frame_leave(po_frame *frame)
{
    leave_gate(frame);
    end_turn(frame);
    unlock(frame);
    attach(frame);
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

/* ---- callbacks ---- */

/*
 * How much of the interpreter's limit of recursion a callback takes. CPython counts one for a call
 * that takes half a KiB of the C stack; from the call of a Connection's method down to a callback
 * it is 9 to 25 KiB, which Connections over Connections take each.
 */
enum { LEVEL = 32 };

static void leave_level(int count)
{
    while (count-- > 0)
        Py_LeaveRecursiveCall();
}

static bool enter_level(po_frame *frame)
{
    for (int i = 0; i < LEVEL; i++)
        if (Py_EnterRecursiveCall(" in a callback of OpenSSL's") != 0) {
            leave_level(i);
            po_frame_keep(frame);
            return false;
        }
    return true;
}

/* As it was before the callback. */
static void go_back(po_frame *frame, const po_outside *outside)
{
    if (outside->locked)
        lock(frame);
    if (outside->detached != NULL)
        detach(frame);
    if (outside->gated)
        enter_gate(frame);
    if (frame->turn != NULL)
        frame->turn->called_back = false;
}

bool po_callback_enter(po_frame *frame, po_outside *outside)
{
    if (po_is_finalizing())
        return false;
    if (frame->turn != NULL)
        frame->turn->called_back = true;
    outside->detached = frame->detached;
    outside->locked = frame->locked;
    outside->gated = frame->gated;
    leave_gate(frame);
    /* From here on only the turn says that the object is ours. */
    unlock(frame);
    attach(frame);
    if (enter_level(frame))
        return true;
    go_back(frame, outside);
    return false;
}

void po_callback_leave(po_frame *frame, const po_outside *outside)
{
    leave_level(LEVEL);
    go_back(frame, outside);
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
