#include "stacks.h"

#include <stdint.h>
#include <stdlib.h>
#include <unwind.h>

enum { FRAMES = 96 };

/* One entry for each moment: what its callers, and theirs, hash to (FNV-1a). */
static struct {
    bool on;
    uint64_t *hashes;
    size_t len, cap;
} noted;

struct walk {
    uint64_t hash;
    int frames;
};

static _Unwind_Reason_Code add_frame(struct _Unwind_Context *context, void *arg)
{
    struct walk *walk = arg;

    walk->hash = (walk->hash ^ (uint64_t)_Unwind_GetIP(context)) * 0x100000001b3;
    return ++walk->frames < FRAMES ? _URC_NO_REASON : _URC_END_OF_STACK;
}

void stacks_start(void)
{
    noted.on = true;
    noted.len = 0;
}

void stacks_note(void)
{
    struct walk walk = { .hash = 0xcbf29ce484222325 };

    if (!noted.on)
        return;
    if (noted.len == noted.cap) {
        const size_t cap = noted.cap * 2 + 1024;
        uint64_t *hashes = realloc(noted.hashes, cap * sizeof *hashes);

        if (hashes == NULL)
            abort();
        noted.hashes = hashes;
        noted.cap = cap;
    }
    (void)_Unwind_Backtrace(add_frame, &walk);
    noted.hashes[noted.len++] = walk.hash;
}

void stacks_stop(void)
{
    noted.on = false;
}

bool stacks_among_first(size_t index, unsigned long most)
{
    unsigned long before = 0;

    if (index >= noted.len)
        return true;
    for (size_t i = 0; i < index && before < most; i++)
        before += noted.hashes[i] == noted.hashes[index];
    return before < most;
}
