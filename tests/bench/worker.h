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
    void (*prepare)(void);         /* once, before the first measurement; may be NULL */
    void (*run)(void);             /* one operation */
    double (*measure)(double limit); /* instead of run: one value, in about as many seconds */
} workload;

/* Tables that end with a workload without a name; NULL comes last. */
extern const workload *const workloads[];

/* Where the certificates and keys are, and how many connections are many. */
extern const char *fixtures;
extern int many;

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

/* Start a thread that ends with the process. */
void in_background(void *(*body)(void *own), void *own);

/* How often a second @size threads, each with its index, run @run together. */
double team_rate(void (*run)(int member), int size, double limit);

/* Resident memory of the process, in KiB. */
double resident_kib(void);

#endif
