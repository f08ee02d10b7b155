/*
 * The gate that fork() closes.
 *
 * A child inherits OpenSSL's locks as they were at the moment of fork(), and with them
 * those of threads that it does not have. So whoever forks waits until those who are in
 * short calls of the library have come out, and lets nobody in meanwhile; but no longer
 * than some milliseconds: who has not come out then computes, and computing holds no lock
 * but for moments. What reads files, makes keys or derives them does not enter at all.
 * Nobody runs Python code or waits for anything in here.
 */
#ifndef PO_GATE_H
#define PO_GATE_H

/* Once a process, before anything else here: 0, or an error number. */
int po_gate_set_up(void);

void po_gate_enter(void);
void po_gate_leave(void);

#endif
