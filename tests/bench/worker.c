#include "worker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

enum { TEAM = 2 };

const char *fixtures;
int many = 1000;

const char *fixture_path(const char *name)
{
    static char path[4096];

    snprintf(path, sizeof path, "%s/%s", fixtures, name);
    return path;
}

blob fixture(const char *name)
{
    FILE *file = fopen(fixture_path(name), "rb");
    blob result = { NULL, 0 };
    size_t got;

    MUST(file != NULL);
    result.data = malloc(1 << 20);
    MUST(result.data != NULL);
    got = fread(result.data, 1, (1 << 20) - 1, file);
    result.data[got] = '\0';
    result.len = got;
    fclose(file);
    return result;
}

double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double resident_kib(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    long total, resident;

    MUST(file != NULL && fscanf(file, "%ld %ld", &total, &resident) == 2);
    fclose(file);
    return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1024;
}

void in_background(void *(*body)(void *own), void *own)
{
    pthread_t thread;

    MUST(pthread_create(&thread, NULL, body, own) == 0);
    pthread_detach(thread);
}

/* ---- a team: each member does the same until it is told to stop ---- */

typedef struct member {
    pthread_t thread;
    void (*run)(int member);
    int index;
    unsigned long done;
} member;

static atomic_int stop;

static void *work(void *own)
{
    member *self = own;

    while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
        self->run(self->index);
        self->done++;
    }
    return NULL;
}

double team_rate(void (*run)(int member), int size, double limit)
{
    const struct timespec pause = { (time_t)limit, (long)((limit - (double)(time_t)limit) * 1e9) };
    const double start = seconds();
    member team[TEAM];
    double done = 0;

    MUST(size <= TEAM);
    atomic_store(&stop, 0);
    for (int i = 0; i < size; i++) {
        team[i] = (member){ .run = run, .index = i };
        MUST(pthread_create(&team[i].thread, NULL, work, &team[i]) == 0);
    }
    nanosleep(&pause, NULL);
    atomic_store(&stop, 1);
    for (int i = 0; i < size; i++) {
        MUST(pthread_join(team[i].thread, NULL) == 0);
        done += (double)team[i].done;
    }
    return done / (seconds() - start);
}

/* ---- the driver's questions ---- */

/* What instructions.py has callgrind count, so not inlined; not static, so not cloned either. */
__attribute__((noinline)) void counted(const workload *work, int times);

void counted(const workload *work, int times)
{
    for (int i = 0; i < times; i++)
        work->run();
}

static double rate(const workload *work, double limit)
{
    const double start = seconds();
    unsigned long done = 0, batch = 1;
    double now = start;

    while (now - start < limit) {
        const double before = now;

        for (unsigned long i = 0; i < batch; i++)
            work->run();
        done += batch;
        now = seconds();
        if (now - before < limit / 20)
            batch *= 2;
    }
    return now > start ? (double)done / (now - start) : 0;
}

static const workload *find(const char *name)
{
    for (size_t i = 0; workloads[i] != NULL; i++)
        for (const workload *work = workloads[i]; work->name != NULL; work++)
            if (strcmp(work->name, name) == 0)
                return work;
    return NULL;
}

static void prepare(const workload *work)
{
    static const workload *prepared[256];
    size_t i = 0;

    for (; prepared[i] != NULL; i++)
        if (prepared[i] == work)
            return;
    MUST(i < sizeof prepared / sizeof *prepared - 1);
    prepared[i] = work;
    if (work->prepare != NULL)
        work->prepare();
}

int main(int argc, char **argv)
{
    char line[256], name[128];
    double limit;

    MUST(argc == 3);
    fixtures = argv[1];
    many = atoi(argv[2]);
    if (many <= 0 || setvbuf(stdout, NULL, _IOLBF, 0) != 0)
        return 1;
    while (fgets(line, sizeof line, stdin) != NULL) {
        const workload *work;

        MUST(sscanf(line, "%127s %lf", name, &limit) == 2);
        work = find(name);
        if (work == NULL) {
            printf("-\n");
            continue;
        }
        prepare(work);
        if (limit < 0) { /* a number of runs, after three that fill caches */
            for (int i = 0; i < 3; i++)
                work->run();
            counted(work, (int)-limit);
            printf("-\n");
            continue;
        }
        limit /= 1000;
        printf("%.6g\n", work->measure != NULL ? work->measure(limit) : rate(work, limit));
    }
    return 0;
}
