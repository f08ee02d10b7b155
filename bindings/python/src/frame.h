/*
 * The way out of Python and back.
 *
 * A call into libpyossl happens inside a frame, which says how:
 *
 *   po_quick_enter()   short: keeps the interpreter, holds the object's lock
 *   po_frame_enter()   lets the interpreter go, holds the object's lock
 *   po_long_enter()    reads files, makes keys: lets the interpreter go, and holds nothing
 *   po_call_enter()    calls back, or waits for a peer: the object is this call's until it ends
 *
 * The first two wait for nobody longer than one call into OpenSSL takes. A po_call is long:
 * it holds the lock while OpenSSL works, but neither lock nor gate while Python code runs for
 * it or while it waits. Then short calls of all threads come in between; other po_calls wait
 * until it is over, and signals end that wait.
 *
 * Nothing of a call is kept for its thread, which may run other greenlets in between:
 * callbacks find their frame through the object, attach the very thread state that it let
 * go, and leave an exception in it, from where po_frame_leave() raises it.
 */
#ifndef PO_FRAME_H
#define PO_FRAME_H

#include "object.h"

typedef struct po_frame {
    po_lock       *lock;     /* NULL where there is nothing to lock */
    po_turn       *turn;     /* of a po_call that has the object; else NULL */
    PyThreadState *detached; /* set while the interpreter is let go */
    PyObject      *raised;   /* the first exception that a callback raised */
    PyObject      *cause;    /* why a callback turned the peer away; of whoever left the frame */
    bool           locked;
    bool           gated;    /* fork() waits for this thread */
} po_frame;

/* Once a process, before anything else here: 0, or -1 with an exception. */
int po_frame_set_up(void);

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

/* Lock @self, which may be NULL, and let the interpreter go. */
void po_frame_enter(po_frame *frame, po_object *self);

/*
 * Let the interpreter go for long, or for who knows how long. What the call uses is either
 * safe from other threads, or referenced by the caller. fork() does not wait for it.
 */
void po_long_enter(po_frame *frame);

/* How a po_call does its work. */
typedef enum po_manner {
    PO_ATTACHED, /* short, in memory: the interpreter and the lock are held */
    PO_DETACHED, /* the lock is held */
    PO_FREE      /* nothing is held: the library locks what it uses itself */
} po_manner;

/*
 * Have @self for a call that may call back, which finds the frame by po_turn_frame(): 0, or 1
 * where this thread has it already, in a callback: then @frame is not called back, and the
 * library refuses what it cannot do. -1 with an exception where a signal ended the wait.
 */
int po_call_enter(po_frame *frame, po_object *self, po_turn *turn, po_manner manner);

/*
 * In a po_call, in order to wait: give the object up, and let the interpreter go if it is
 * held. From here to po_frame_leave() nothing of OpenSSL is called, and nobody waits for us.
 */
void po_frame_idle(po_frame *frame);

/* The way back from any: 0, or -1 with the exception that a callback raised. */
int po_frame_leave(po_frame *frame);

/* The same behind a call of the library that calls nothing back, and so raises nothing. */
void po_frame_end(po_frame *frame);

/*
 * Have a turn of @self's for more than one po_call: 0, 1 where this thread has it already,
 * or -1 with an exception. Python code may run until po_turn_end(), which is for 0 alone.
 */
int po_turn_begin(po_object *self, po_turn *turn);
void po_turn_end(po_object *self, po_turn *turn);

/* In a callback, with or without the interpreter: whose it is; NULL where it is nobody's here. */
po_frame *po_turn_frame(const po_turn *turn);

/* What a frame held when it was called back. */
typedef struct po_outside {
    PyThreadState *detached;
    bool           locked, gated;
} po_outside;

/*
 * In a callback of @frame's: hold the interpreter, and nothing else. False while finalizing, and
 * with a RecursionError that is kept where callbacks are in one another too deep.
 */
bool po_callback_enter(po_frame *frame, po_outside *outside);
void po_callback_leave(po_frame *frame, const po_outside *outside);

/* Keep the current exception for po_frame_leave(); the first one wins, later ones are reported. */
void po_frame_keep(po_frame *frame);

#endif
