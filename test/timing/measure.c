/*
 * Comparing times: see measure.h.
 */
#include "measure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LEFT_OUT 4  /* one in so many */
#define POWER 1.645 /* 95 of 100 of a normal distribution lie above -1.645 */

static bool failed;

static double read_clock(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

double measure_now(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

double measure_cpu_now(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

/* ---- Samples ----------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

/* A class that still wants samples, each as likely as the number it wants. */
static unsigned pick(const struct measure *m, struct seeded *random, size_t left)
{
    size_t at = seeded_below(random, left);

    for (unsigned class = 0;; class ++) {
        size_t wants = m->room - m->count[class];
        if (at < wants)
            return class;
        at -= wants;
    }
}

static void open_step(struct measure *m, unsigned classes, size_t samples_a_class)
{
    *m = (struct measure){.classes = classes, .room = samples_a_class};
    for (unsigned class = 0; class < classes; class ++) {
        m->ns[class] = calloc(samples_a_class, sizeof(double));
        if (m->ns[class] == NULL)
            abort();
    }
}

static void sort(struct measure *m)
{
    for (unsigned class = 0; class < m->classes; class ++)
        qsort(m->ns[class], m->count[class], sizeof(double), by_size);
}

/* The clock ticks, and quantiles of what stands on few values jump: noise of about a tick, the same
 * for all classes, makes times even. */
static double dither(struct seeded *random)
{
    enum { WIDTH = 32, STEPS = 1 << 20 };

    return (double)WIDTH * (double)seeded_below(random, STEPS) / STEPS;
}

void measure_run(struct measure *m, unsigned steps, unsigned classes, size_t samples_a_class,
                 measure_fn *run, void *arg)
{
    struct seeded random;
    double ns[MEASURE_STEPS];

    seeded_start(&random, (uint64_t)measure_now());
    for (unsigned step = 0; step < steps; step++)
        open_step(&m[step], classes, samples_a_class);
    for (size_t i = 0; i < classes * samples_a_class / 10; i++)
        run(arg, (unsigned)seeded_below(&random, classes), ns);
    for (size_t left = classes * samples_a_class; left > 0; left--) {
        unsigned class = pick(m, &random, left);
        run(arg, class, ns);
        for (unsigned step = 0; step < steps; step++)
            m[step].ns[class][m[step].count[class]++] = ns[step] + dither(&random);
    }
    for (unsigned step = 0; step < steps; step++)
        sort(&m[step]);
}

void measure_free(struct measure *m, unsigned steps)
{
    for (unsigned step = 0; step < steps; step++) {
        for (unsigned class = 0; class < m[step].classes; class ++)
            free(m[step].ns[class]);
    }
}

/* ---- Two classes --------------------------------------------------------------------------- */

struct trimmed {
    double mean;
    double square; /* of the mean's standard error */
};

/* The mean of the fastest ones, and its error by the variance in which the rest stand where the
 * slowest of these do (Yuen 1974, for one tail). */
static struct trimmed trim(const double *ns, size_t count, size_t kept)
{
    double sum = 0;
    double squares = 0;

    for (size_t i = 0; i < kept; i++)
        sum += ns[i];
    double all = (sum + (double)(count - kept) * ns[kept - 1]) / (double)count;
    for (size_t i = 0; i < count; i++) {
        double off = ns[i < kept ? i : kept - 1] - all;
        squares += off * off;
    }
    return (struct trimmed){sum / (double)kept, squares / ((double)kept * (double)(kept - 1))};
}

struct compared {
    double difference; /* of the means */
    double error;
};

/* By three quarters of the samples or by one, whichever errs less. */
static struct compared compare(const struct measure *m, unsigned a, unsigned b)
{
    struct compared best = {0, INFINITY};

    for (size_t quarters = 1; quarters <= 3; quarters += 2) {
        size_t kept = m->room * quarters / 4;
        struct trimmed x = trim(m->ns[a], m->room, kept);
        struct trimmed y = trim(m->ns[b], m->room, kept);
        double error = sqrt(x.square + y.square);
        if (error < best.error)
            best = (struct compared){y.mean - x.mean, error};
    }
    return best;
}

static const char *judge(bool differs, enum measure_expect expect)
{
    if (expect == MEASURE_CONTROL) {
        failed |= !differs;
        return differs ? "found, as it must" : "CONTROL NOT FOUND";
    }
    if (!differs)
        return "no difference found";
    failed |= expect == MEASURE_SAME;
    return expect == MEASURE_SAME ? "DIFFERENCE" : "differs (public)";
}

void measure_head(void)
{
    printf("%-31s %5s %7s %6s %7s\n", "what", "n", "ns", "t", "finds");
}

void measure_tell(const struct measure *m, const char *what, unsigned a, unsigned b,
                  enum measure_expect expect)
{
    const struct compared c = compare(m, a, b);
    double t = c.difference / c.error;
    const char *verdict =
        judge(fabs(t) >= MEASURE_BOUND && fabs(c.difference) >= MEASURE_LEAST, expect);

    printf("%-31s %5zu %+7.0f %+6.1f %7.0f %s\n", what, m->room, c.difference, t,
           (MEASURE_BOUND + POWER) * c.error, verdict);
    fflush(stdout);
}

/* ---- Controls ------------------------------------------------------------------------------ */

static double burn(double ns)
{
    double from = measure_now();
    double now = from;

    while (now - from < ns)
        now = measure_now();
    return now - from;
}

struct burning {
    measure_fn *run;
    void *arg;
    double ns;
};

static void run_burning(void *arg, unsigned class, double ns[static MEASURE_STEPS])
{
    const struct burning *b = arg;

    b->run(b->arg, 0, ns);
    if (class == 1)
        ns[0] += burn(b->ns);
}

void measure_control(const struct measure *m, const char *what, measure_fn *run, void *arg)
{
    struct burning burning = {run, arg, 1.5 * (MEASURE_BOUND + POWER) * compare(m, 0, 1).error};
    struct measure control;

    measure_run(&control, 1, 2, m->room, run_burning, &burning);
    measure_tell(&control, what, 0, 1, MEASURE_CONTROL);
    measure_free(&control, 1);
}

/* ---- Programs ------------------------------------------------------------------------------ */

int measure_status(void)
{
    return failed ? 1 : 0;
}

size_t measure_samples(int argc, char **argv, int at, size_t usual)
{
    size_t samples = argc > at ? strtoul(argv[at], NULL, 10) : usual;

    if (argc > at + 1 || samples < 100 || samples > 10000000) {
        fprintf(stderr, "%s: samples a class: 100 to 10000000\n", argv[0]);
        exit(2);
    }
    return samples;
}
