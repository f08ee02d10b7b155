/* Loaded before a test: each look at the clock is a second after the one before, a thousand times. */
#define _GNU_SOURCE
#include <stdatomic.h>
#include <time.h>

time_t time(time_t *stored)
{
    static atomic_long calls;
    const long ahead = atomic_fetch_add(&calls, 1);
    struct timespec now;

    if (clock_gettime(CLOCK_REALTIME, &now) != 0)
        return (time_t)-1;
    now.tv_sec += ahead < 1000 ? ahead : 1000;
    if (stored != NULL)
        *stored = now.tv_sec;
    return now.tv_sec;
}
