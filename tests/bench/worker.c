#include "worker.h"

#include <unistd.h>

const char *fixtures;

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

/* Below zero, @limit is a number of runs: what counts instructions wants just as many. */
static double rate(const workload *work, double limit)
{
    const double start = seconds();
    unsigned long done = 0, batch = 1;
    double now = start;

    for (; limit < 0; limit++)
        work->run();

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

int main(int argc, char **argv)
{
    static char prepared[256];
    char line[256], name[128];
    double ms;

    MUST(argc == 2);
    fixtures = argv[1];
    if (setvbuf(stdout, NULL, _IOLBF, 0) != 0)
        return 1;
    while (fgets(line, sizeof line, stdin) != NULL) {
        size_t i = 0;

        MUST(sscanf(line, "%127s %lf", name, &ms) == 2);
        while (workloads[i].name != NULL && strcmp(workloads[i].name, name) != 0)
            i++;
        if (workloads[i].name == NULL) {
            printf("-\n");
            continue;
        }
        if (!prepared[i] && workloads[i].prepare != NULL)
            workloads[i].prepare();
        prepared[i] = 1;
        printf("%.6g\n", workloads[i].measure != NULL
                             ? workloads[i].measure()
                             : rate(&workloads[i], ms < 0 ? ms : ms / 1000));
    }
    return 0;
}
