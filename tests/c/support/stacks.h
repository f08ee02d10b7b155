/* Which of the moments of a run are alike: those reached through the same functions. */
#ifndef STACKS_H
#define STACKS_H

#include <stdbool.h>
#include <stddef.h>

void stacks_start(void);
void stacks_note(void); /* one moment; does nothing between stop and start */
void stacks_stop(void);

/* Whether moment @index, from 0, is among the first @most that were reached in the same way. */
bool stacks_among_first(size_t index, unsigned long most);

#endif
