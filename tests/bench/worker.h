/*
 * What the C benchmark programs share: read "WORKLOAD MILLISECONDS" lines, run
 * the workload for that long, and answer with how often it ran in a second (or,
 * for a workload with a measure of its own, with that).
 */
#ifndef WORKER_H
#define WORKER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct workload {
    const char *name;
    void (*prepare)(void);  /* once, before the first measurement; may be NULL */
    void (*run)(void);      /* one operation */
    double (*measure)(void); /* instead of run: one value */
} workload;

extern const workload workloads[];

/* Where the certificates and keys are. */
extern const char *fixtures;

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

typedef struct blob {
    char  *data;
    size_t len;
} blob;

blob fixture(const char *name);
const char *fixture_path(const char *name);
double seconds(void);

/* Resident memory of the process, in KiB. */
double resident_kib(void);

#endif
