/*
 * Run by hand, outside CI: does an exponentiation's time tell how many zero digits its exponent
 * has?
 *
 * At 3072 bits kp_mod_exp and kp_comb_exp each run over two classes of secret exponents: random
 * ones in which no 4-bit digit is 0, and ones in which half of the digits are.  The classes take
 * turns in random order, so that what drifts drifts for both; the slowest tenth, interrupts mostly,
 * is left out of each class at one common threshold; Welch's t tells whether the means differ.  |t|
 * under 4.5 is the bound of the usual leak test (TVLA).  For scale the same test runs over
 * kp_mod_mul_exp_public, whose exponent is public and which is allowed to show it.
 *
 *      timing_modexp [MEASUREMENTS]        default 20000; exit status 1 when a secret one leaks
 */
#include "crypto/provider.h"
#include "pake/srp_groups.h"
#include "seeded.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BITS 3072
#define LEN (BITS / 8)
#define EXPONENT 32
#define BOUND 4.5

struct bench {
    struct kp_mod *mod;
    struct kp_comb *table;
    uint8_t base[LEN];
    struct seeded random;
};

struct sample {
    double seconds;
    bool zeros;
};

typedef int run_fn(const struct bench *b, const uint8_t *exponent, uint8_t *out);

static int run_mod_exp(const struct bench *b, const uint8_t *exponent, uint8_t *out)
{
    return kp_mod_exp(b->mod, b->base, exponent, EXPONENT, out);
}

static int run_comb(const struct bench *b, const uint8_t *exponent, uint8_t *out)
{
    return kp_comb_exp(b->table, exponent, EXPONENT, out);
}

static int run_public(const struct bench *b, const uint8_t *exponent, uint8_t *out)
{
    return kp_mod_mul_exp_public(b->mod, b->base, b->base, NULL, exponent, EXPONENT, out);
}

/* Digits 1 to 15; with zeros every second one is 0.  The first is never 0, so that the lengths of
 * both classes are the same: a length is not what is measured. */
static void make_exponent(struct bench *b, bool zeros, uint8_t *e)
{
    for (size_t i = 0; i < EXPONENT; i++) {
        uint8_t high = (uint8_t)(1 + seeded_below(&b->random, 15));
        uint8_t low = (uint8_t)(1 + seeded_below(&b->random, 15));
        e[i] = (uint8_t)(high << 4 | (zeros ? 0 : low));
    }
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int by_time(const void *a, const void *b)
{
    double x = ((const struct sample *)a)->seconds;
    double y = ((const struct sample *)b)->seconds;

    return (x > y) - (x < y);
}

/* Welch's t over the samples below the threshold. */
static double welch(const struct sample *s, size_t count)
{
    double n[2] = {0}, mean[2] = {0}, square[2] = {0};

    for (size_t i = 0; i < count; i++) {
        int class = s[i].zeros;
        double delta = s[i].seconds - mean[class];
        n[class] += 1;
        mean[class] += delta / n[class];
        square[class] += delta * (s[i].seconds - mean[class]);
    }
    printf("  %.3f us without zero digits, %.3f us with", mean[0] * 1e6, mean[1] * 1e6);
    return (mean[0] - mean[1]) /
           sqrt(square[0] / (n[0] - 1) / n[0] + square[1] / (n[1] - 1) / n[1]);
}

static bool measure(struct bench *b, const char *name, run_fn *run, size_t count, bool secret)
{
    struct sample *s = calloc(count, sizeof(*s));
    uint8_t out[LEN];
    uint8_t e[EXPONENT];

    if (s == NULL)
        abort();
    for (size_t i = 0; i < count; i++) {
        s[i].zeros = seeded_next(&b->random) & 1;
        make_exponent(b, s[i].zeros, e);
        double start = now();
        if (run(b, e, out) != 0)
            abort();
        s[i].seconds = now() - start;
    }
    qsort(s, count, sizeof(*s), by_time);
    printf("%s\n", name);
    double t = welch(s, count - count / 10);
    bool even = fabs(t) < BOUND;
    printf(", t = %.2f: %s\n", t,
           even     ? "no difference seen"
           : secret ? "LEAKS"
                    : "differs (public, allowed)");
    free(s);
    return even || !secret;
}

int main(int argc, char **argv)
{
    size_t count = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 20000;
    const struct kp_srp_group_id *id = kp_srp_group_by_bits(BITS);
    struct bench b = {0};
    bool good = true;

    seeded_start(&b.random, (uint64_t)time(NULL));
    seeded_random(&b.random, b.base, LEN);
    b.base[0] &= 0x7F;
    if (count < 100 || kp_mod_new(&b.mod, id->n, LEN) != 0 ||
        kp_comb_new(&b.table, b.mod, b.base, EXPONENT) != 0) {
        fprintf(stderr, "usage: timing_modexp [MEASUREMENTS, 100 or more]\n");
        return 2;
    }
    good &= measure(&b, "kp_mod_exp, secret exponent", run_mod_exp, count, true);
    good &= measure(&b, "kp_comb_exp, secret exponent", run_comb, count, true);
    measure(&b, "kp_mod_mul_exp_public, public exponent", run_public, count, false);
    kp_comb_free(b.table);
    kp_mod_free(b.mod);
    return good ? 0 : 1;
}
