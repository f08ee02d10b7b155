/*
 * Functions of OpenSSL's, and of the system's, that fail on request.
 *
 * The linker leads the library's calls of what failing_calls.inc lists through here. oom_sweep()
 * then lets each call of a scenario fail in turn, like its allocations: nothing is told to
 * OpenSSL's queue, as where a lock or a reference cannot be had. What is not armed goes through
 * untouched.
 */
#ifndef CALLS_H
#define CALLS_H

#include <stddef.h>

/* Makes oom_sweep() use them. */
void calls_install(void);

/* Fail call @index (from 0) from now on counted. */
void calls_fail_at(size_t index);

/* Fail nothing any more; returns how many calls there were since calls_fail_at(). */
size_t calls_stop(void);

#endif
