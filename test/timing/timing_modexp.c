/*
 * By hand: does an exponentiation's time tell how many zero digits its exponent has?
 *
 * At 3072 bits kp_mod_exp and kp_comb_exp each run over two classes of secret exponents: random
 * ones in which no 4-bit digit is 0, and ones in which half of the digits are.  As a control the
 * same runs over kp_mod_mul_exp_public, whose exponent is public and which is allowed to show it.
 *
 *      timing_modexp [SAMPLES]         of a class; default 10000
 */
#include "crypto/provider.h"
#include "harness.h"
#include "measure.h"
#include "pake/srp_groups.h"

#define BITS 3072
#define LEN (BITS / 8)
#define EXPONENT 32

struct bench;
typedef int exp_fn(const struct bench *b, const uint8_t *exponent, uint8_t *out);

struct bench {
    struct kp_mod *mod;
    struct kp_comb *table;
    uint8_t base[LEN];
    struct seeded random;
    exp_fn *exp;
};

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

static void run_exp(void *arg, unsigned class, double ns[static MEASURE_STEPS])
{
    struct bench *b = arg;
    uint8_t e[EXPONENT];
    uint8_t out[LEN];

    make_exponent(b, class == 1, e);
    double begin = measure_cpu_now();
    int err = b->exp(b, e, out);
    ns[0] = measure_cpu_now() - begin;
    must(err == 0);
}

static void measure_exp(struct bench *b, const char *what, exp_fn *exp, size_t samples,
                        enum measure_expect expect)
{
    struct measure m;

    b->exp = exp;
    measure_run(&m, 1, 2, samples, run_exp, b);
    measure_tell(&m, what, 0, 1, expect);
    measure_free(&m, 1);
}

int main(int argc, char **argv)
{
    size_t samples = measure_samples(argc, argv, 1, 10000);
    const struct kp_srp_group_id *id = kp_srp_group_by_bits(BITS);
    struct bench b = {0};

    seeded_start(&b.random, (uint64_t)measure_now());
    seeded_random(&b.random, b.base, LEN);
    b.base[0] &= 0x7F;
    must(kp_mod_new(&b.mod, id->n, LEN) == 0);
    must(kp_comb_new(&b.table, b.mod, b.base, EXPONENT) == 0);
    measure_head();
    measure_exp(&b, "exponent's zeros: library", run_mod_exp, samples, MEASURE_SAME);
    measure_exp(&b, "exponent's zeros: tables", run_comb, samples, MEASURE_SAME);
    measure_exp(&b, "control: a public exponent", run_public, samples, MEASURE_CONTROL);
    kp_comb_free(b.table);
    kp_mod_free(b.mod);
    return measure_status();
}
