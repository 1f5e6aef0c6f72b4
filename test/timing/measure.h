/*
 * Comparing times: samples of several classes, the test that tells two of them apart, and how small
 * a difference it could have found.
 *
 * Classes take turns in random order, so that what drifts drifts for all of them.  Of each class
 * the fastest three quarters are kept, or the fastest quarter where that makes the test finer, as
 * on a machine that does other things; Welch's t is taken of the means of what is kept, with the
 * variances that fit such means (Yuen's: what was left out counts as the slowest that stayed).  |t|
 * under MEASURE_BOUND, the bound of the usual leak test (TVLA), is "no difference found".  A
 * difference of (MEASURE_BOUND + 1.645) standard errors goes over that bound 95 times of 100: each
 * line says how many ns that is.
 */
#ifndef TEST_TIMING_MEASURE_H
#define TEST_TIMING_MEASURE_H

#include "seeded.h"

#include <stdbool.h>

#define MEASURE_BOUND 4.5
/* Less than so many ns is no difference: where a program's data happens to lie does as much. */
#define MEASURE_LEAST 5
#define MEASURE_CLASSES 12
#define MEASURE_STEPS 2

/* The samples of one step. */
struct measure {
    unsigned classes;
    size_t room;                 /* samples a class */
    double *ns[MEASURE_CLASSES]; /* sorted once they are all there */
    size_t count[MEASURE_CLASSES];
};

/* Does what is measured, once, as that class has it, and says how many ns each step of it took. */
typedef void measure_fn(void *arg, unsigned class, double ns[static MEASURE_STEPS]);

/* What is known beforehand of a difference. */
enum measure_expect {
    MEASURE_SAME,   /* one is a leak */
    MEASURE_PUBLIC, /* one is fine: what it tells is no secret */
    MEASURE_CONTROL /* there is one, and it has to be found */
};

/* Takes all samples of m[steps], after a tenth more that warm up and don't count.  Ends the program
 * when there is no memory. */
void measure_run(struct measure *m, unsigned steps, unsigned classes, size_t samples_a_class,
                 measure_fn *run, void *arg);
void measure_free(struct measure *m, unsigned steps);

/* Nanoseconds of a clock that doesn't jump; and of this thread's CPU time, for what takes long
 * enough that others may run meanwhile. */
double measure_now(void);
double measure_cpu_now(void);

/* The names of the columns. */
void measure_head(void);
/* The line about class b against class a.  What is no good (a leak, a control that wasn't found) is
 * remembered for measure_status. */
void measure_tell(const struct measure *m, const char *what, unsigned a, unsigned b,
                  enum measure_expect expect);
/* The line of a control: the first step of class 0 against itself with a busy loop behind it, half
 * as long again as what m finds between its classes 0 and 1. */
void measure_control(const struct measure *m, const char *what, measure_fn *run, void *arg);

/* The exit status of a program: 0, or 1 when a line was no good. */
int measure_status(void);
/* argv[at] as samples a class, 100 or more; without it the default.  Ends the program on anything
 * else. */
size_t measure_samples(int argc, char **argv, int at, size_t usual);

#endif
