/*
 * The way out of Python and back.
 *
 * A call into libpyossl happens inside a frame. Either it lets the interpreter
 * go and takes the object's lock (po_frame_enter), or, where the call is short,
 * it keeps the interpreter and takes the lock (po_quick_enter). Callbacks attach
 * the very thread state that their frame let go, and leave an exception in the
 * frame, from where po_frame_leave raises it.
 */
#ifndef PO_FRAME_H
#define PO_FRAME_H

#include "object.h"

/* What is kept for each thread. */
typedef struct po_thread {
    struct po_frame *innermost;
    uintptr_t number;
} po_thread;

typedef struct po_frame {
    po_thread *thread;
    struct po_frame *up;     /* the frame this thread was in already, or NULL */
    PyThreadState *detached; /* set while the interpreter is let go */
    po_lock *lock;           /* held; NULL where there is nothing to lock */
    PyObject *raised;        /* the first exception that a callback raised */
    PyObject *cause;         /* why a callback turned the peer away; of whoever left the frame */
    bool gated;              /* fork() waits for this thread while it is detached */
} po_frame;

/* Once a process, before anything else here: 0, or -1 with an exception. */
int po_frame_set_up(void);

/* Let the interpreter go, then lock @self, which may be NULL. */
void po_frame_enter(po_frame *frame, po_object *self);

/* The same for one of many long calls: threads that do nothing else take longer turns. */
void po_bulk_enter(po_frame *frame, po_object *self);

/*
 * In a frame, in order to wait: give the lock up, and let the interpreter go if it is
 * held. From here to po_frame_leave() nothing of OpenSSL is called, and nobody waits for us.
 */
void po_frame_idle(po_frame *frame);

/* Lock @self, which may be NULL, without letting the interpreter go unless the lock is taken. */
void po_quick_enter(po_frame *frame, po_object *self);

/*
 * The same for a look that calls nobody back, which needs the lock only where that is not
 * free: true where po_frame_leave() has to follow.
 */
static inline bool po_look_enter(po_frame *frame, po_object *self)
{
    if (po_lock_is_free(&self->lock))
        return false;
    po_quick_enter(frame, self);
    return true;
}

/* As po_quick_enter() for a lock that is no object's own: what @lock guards outlives the frame. */
void po_quick_lock(po_frame *frame, po_lock *lock);

/* The way back from either: 0, or -1 with the exception that a callback raised. */
int po_frame_leave(po_frame *frame);

/* The same behind a call of the library that calls nothing back, and so raises nothing. */
void po_frame_end(po_frame *frame);

/* In a callback: hold the interpreter. The frame whose exception slot to use; NULL while
 * finalizing. */
po_frame *po_callback_enter(PyThreadState **detached);
void po_callback_leave(po_frame *frame, PyThreadState *detached);

/* Keep the current exception for po_frame_leave(); the first one wins, later ones are reported. */
void po_frame_keep(po_frame *frame);

#endif
