/*
 * The provider's arithmetic modulo N on OpenSSL's BIGNUM.
 *
 * Timing: secret exponents go through BN_mod_exp_mont_consttime, or through a comb table whose
 * rows are read whole.  BN_mod_mul_montgomery is constant-time only while both factors fill their
 * limbs: a number with a leading zero limb leaves its fast path.  1 in Montgomery form is such a
 * number for RFC 5054's primes of 3072 bits and more (they begin with 64 one bits), so it must
 * never be a factor: every entry of a comb table is multiplied by one full-size constant, and the
 * result is corrected once at the end.  What is left is a chance of 2^-64 per product.
 */
#include "crypto/provider.h"

#include "base/secret.h"

#include <openssl/bn.h>
#include <stdlib.h>
#include <string.h>

struct kp_mod {
    size_t len;
    BIGNUM *n;
    BN_MONT_CTX *mont;
};

int kp_mod_new(struct kp_mod **out, const uint8_t *modulus, size_t len)
{
    struct kp_mod *m = calloc(1, sizeof(*m));
    BN_CTX *ctx = BN_CTX_new();
    int err = m == NULL || ctx == NULL ? KP_E_MEMORY : 0;

    *out = NULL;
    if (err == 0) {
        m->len = len;
        m->n = BN_bin2bn(modulus, (int)len, NULL);
        m->mont = BN_MONT_CTX_new();
        if (len == 0 || len > KP_MOD_MAX || modulus[0] == 0 || m->n == NULL || m->mont == NULL ||
            !BN_is_odd(m->n) || BN_MONT_CTX_set(m->mont, m->n, ctx) != 1)
            err = KP_E_CRYPTO;
    }
    BN_CTX_free(ctx);
    if (err != 0)
        kp_mod_free(m);
    else
        *out = m;
    return err;
}

void kp_mod_free(struct kp_mod *m)
{
    if (m == NULL)
        return;
    BN_free(m->n);
    BN_MONT_CTX_free(m->mont);
    free(m);
}

size_t kp_mod_len(const struct kp_mod *m)
{
    return m->len;
}

int kp_mod_residue(const struct kp_mod *m, const uint8_t *in, size_t len, uint8_t *out)
{
    uint8_t n[KP_MOD_MAX];
    unsigned borrow = 0;
    unsigned any = 0;

    /* Only what came off the wire can be longer. */
    while (len > m->len && in[0] == 0) {
        in++;
        len--;
    }
    if (len == 0 || len > m->len)
        return KP_E_SHARE;
    if (BN_bn2binpad(m->n, n, (int)m->len) != (int)m->len)
        return KP_E_CRYPTO;
    memset(out, 0, m->len - len);
    memcpy(out + m->len - len, in, len);
    for (size_t i = m->len; i-- > 0;) {
        borrow = ((unsigned)out[i] - n[i] - borrow) >> 8 & 1u;
        any |= out[i];
    }
    /* Less than N, and not 0. */
    unsigned fits = borrow & ((0u - any) >> 8 & 1u);
    return (int)(fits - 1u) & KP_E_SHARE;
}

/* Scratch numbers of one operation: wiped with their context. */
struct work {
    BN_CTX *ctx;
    BIGNUM *a, *b, *r;
};

static bool work_begin(struct work *w)
{
    w->ctx = BN_CTX_new();
    if (w->ctx == NULL)
        return false;
    BN_CTX_start(w->ctx);
    w->a = BN_CTX_get(w->ctx);
    w->b = BN_CTX_get(w->ctx);
    w->r = BN_CTX_get(w->ctx);
    return w->r != NULL;
}

/* BN_CTX_free clears every number that it lent. */
static int work_end(struct work *w, bool ok)
{
    if (w->ctx != NULL) {
        BN_CTX_end(w->ctx);
        BN_CTX_free(w->ctx);
    }
    return ok ? 0 : KP_E_CRYPTO;
}

static bool load(BIGNUM *into, const uint8_t *bytes, size_t len)
{
    return BN_bin2bn(bytes, (int)len, into) != NULL;
}

static bool store(const struct kp_mod *m, const BIGNUM *from, uint8_t *out)
{
    return BN_bn2binpad(from, out, (int)m->len) == (int)m->len;
}

int kp_mod_exp(const struct kp_mod *m, const uint8_t *base, const uint8_t *exponent,
               size_t exponent_len, uint8_t *out)
{
    struct work w;
    bool ok = work_begin(&w) && load(w.a, base, m->len) && load(w.b, exponent, exponent_len);

    if (ok)
        BN_set_flags(w.b, BN_FLG_CONSTTIME);
    ok = ok && BN_mod_exp_mont_consttime(w.r, w.a, w.b, m->n, w.ctx, m->mont) == 1 &&
         store(m, w.r, out);
    return work_end(&w, ok);
}

int kp_mod_mul(const struct kp_mod *m, const uint8_t *a, const uint8_t *b, uint8_t *out)
{
    struct work w;
    bool ok = work_begin(&w) && load(w.a, a, m->len) && load(w.b, b, m->len) &&
              BN_to_montgomery(w.a, w.a, m->mont, w.ctx) == 1 &&
              BN_mod_mul_montgomery(w.r, w.a, w.b, m->mont, w.ctx) == 1 && store(m, w.r, out);

    return work_end(&w, ok);
}

int kp_mod_add(const struct kp_mod *m, const uint8_t *a, const uint8_t *b, uint8_t *out)
{
    struct work w;
    bool ok = work_begin(&w) && load(w.a, a, m->len) && load(w.b, b, m->len) &&
              BN_mod_add_quick(w.r, w.a, w.b, m->n) == 1 && store(m, w.r, out);

    return work_end(&w, ok);
}

int kp_mod_sub(const struct kp_mod *m, const uint8_t *a, const uint8_t *b, uint8_t *out)
{
    /* a + (N - b): BN_mod_sub_quick would branch on which is larger. */
    struct work w;
    bool ok = work_begin(&w) && load(w.a, a, m->len) && load(w.b, b, m->len) &&
              BN_usub(w.b, m->n, w.b) == 1 && BN_mod_add_quick(w.r, w.a, w.b, m->n) == 1 &&
              store(m, w.r, out);

    return work_end(&w, ok);
}

int kp_int_mul_add(struct kp_span a, struct kp_span b, struct kp_span c, uint8_t *out,
                   size_t out_len)
{
    struct work w;
    bool ok = work_begin(&w) && load(w.a, b.data, b.len) && load(w.b, c.data, c.len) &&
              BN_mul(w.r, w.a, w.b, w.ctx) == 1 && load(w.a, a.data, a.len) &&
              BN_add(w.r, w.r, w.a) == 1 && BN_bn2binpad(w.r, out, (int)out_len) == (int)out_len;

    return work_end(&w, ok);
}

/* ---- Comb tables ------------------------------------------------------------------------- */

/*
 * Lim and Lee's comb with several tables: the exponent is TEETH rows of `columns` bits; each block
 * of DEPTH columns has a row of 16 entries.  An exponentiation is `blocks` * DEPTH products and
 * DEPTH - 1 squarings: 72 and 7 for 256 bits, from 16 * 8 entries.
 *
 * Entry i of block j is  shift * product over the bits t of i of base ^ (2 ^ (t columns + j
 * DEPTH)), in Montgomery form; `correction` is shift ^ -(blocks (2^DEPTH - 1)).
 */
#define TEETH 4
#define ENTRIES (1u << TEETH)
#define DEPTH 8

struct kp_comb {
    const struct kp_mod *mod;
    size_t columns;
    size_t blocks;
    BIGNUM *correction;
    size_t entry_len;  /* bytes, whole 64-bit words */
    uint64_t *entries; /* blocks * ENTRIES, little-endian */
};

static uint64_t *entry(const struct kp_comb *t, size_t block, size_t index)
{
    return t->entries + (block * ENTRIES + index) * (t->entry_len / 8);
}

static bool square_times(BIGNUM *x, unsigned times, const struct kp_mod *m, BN_CTX *ctx)
{
    bool ok = true;

    while (ok && times-- > 0)
        ok = BN_mod_mul_montgomery(x, x, x, m->mont, ctx) == 1;
    return ok;
}

/* The row of one block; tooth[t] is base ^ (2 ^ (t columns + block DEPTH)). */
static bool fill_block(struct kp_comb *t, size_t block, BIGNUM *const tooth[TEETH],
                       const BIGNUM *shift, BIGNUM *scratch, BN_CTX *ctx)
{
    bool ok = true;

    for (unsigned i = 0; ok && i < ENTRIES; i++) {
        ok = BN_copy(scratch, shift) != NULL;
        for (unsigned k = 0; ok && k < TEETH; k++) {
            if (i >> k & 1)
                ok = BN_mod_mul_montgomery(scratch, scratch, tooth[k], t->mod->mont, ctx) == 1;
        }
        ok = ok && BN_bn2lebinpad(scratch, (unsigned char *)entry(t, block, i),
                                  (int)t->entry_len) == (int)t->entry_len;
    }
    return ok;
}

/* shift ^ -(blocks (2^DEPTH - 1)) in Montgomery form. */
static bool make_correction(struct kp_comb *t, const BIGNUM *shift, BIGNUM *plain, BIGNUM *power,
                            BN_CTX *ctx)
{
    const struct kp_mod *m = t->mod;

    return BN_from_montgomery(plain, shift, m->mont, ctx) == 1 &&
           BN_set_word(power, t->blocks * ((1u << DEPTH) - 1)) == 1 &&
           BN_mod_exp_mont(plain, plain, power, m->n, ctx, m->mont) == 1 &&
           BN_mod_inverse(plain, plain, m->n, ctx) != NULL &&
           BN_to_montgomery(t->correction, plain, m->mont, ctx) == 1;
}

static bool fill(struct kp_comb *t, const uint8_t *base, BN_CTX *ctx)
{
    const struct kp_mod *m = t->mod;
    BIGNUM *tooth[TEETH];
    bool ok = true;

    for (unsigned k = 0; k < TEETH; k++)
        tooth[k] = BN_CTX_get(ctx);
    BIGNUM *shift = BN_CTX_get(ctx);
    BIGNUM *scratch = BN_CTX_get(ctx);
    BIGNUM *power = BN_CTX_get(ctx);
    if (power == NULL || !load(tooth[0], base, m->len) ||
        BN_to_montgomery(tooth[0], tooth[0], m->mont, ctx) != 1)
        return false;
    /* base ^ 2^64: a full-size number, for small bases too. */
    ok = BN_copy(shift, tooth[0]) != NULL && square_times(shift, 64, m, ctx);
    for (unsigned k = 1; ok && k < TEETH; k++)
        ok = BN_copy(tooth[k], tooth[k - 1]) != NULL &&
             square_times(tooth[k], (unsigned)t->columns, m, ctx);
    for (size_t j = 0; ok && j < t->blocks; j++) {
        ok = fill_block(t, j, tooth, shift, scratch, ctx);
        for (unsigned k = 0; ok && k < TEETH; k++)
            ok = square_times(tooth[k], DEPTH, m, ctx);
    }
    return ok && make_correction(t, shift, scratch, power, ctx);
}

size_t kp_comb_bytes(const struct kp_comb *t)
{
    return t == NULL ? 0 : t->blocks * ENTRIES * t->entry_len;
}

int kp_comb_new(struct kp_comb **out, const struct kp_mod *mod, const uint8_t *base,
                size_t exponent_len)
{
    struct kp_comb *t = calloc(1, sizeof(*t));
    BN_CTX *ctx = BN_CTX_new();
    bool ok = false;

    *out = NULL;
    if (t != NULL && ctx != NULL) {
        t->mod = mod;
        t->columns = (exponent_len * 8 + TEETH * DEPTH - 1) / (TEETH * DEPTH) * DEPTH;
        t->blocks = t->columns / DEPTH;
        t->entry_len = (mod->len + 7) / 8 * 8;
        t->correction = BN_new();
        t->entries = malloc(kp_comb_bytes(t));
        BN_CTX_start(ctx);
        ok = t->correction != NULL && t->entries != NULL && fill(t, base, ctx);
        BN_CTX_end(ctx);
    }
    BN_CTX_free(ctx);
    if (!ok) {
        kp_comb_free(t);
        return KP_E_CRYPTO;
    }
    *out = t;
    return 0;
}

void kp_comb_free(struct kp_comb *t)
{
    if (t == NULL)
        return;
    BN_clear_free(t->correction);
    kp_free_secret(t->entries, t->entries != NULL ? kp_comb_bytes(t) : 0);
    free(t);
}

/* Bit i of a big-endian exponent, 0 above its end. */
static unsigned bit_at(const uint8_t *exponent, size_t len, size_t i)
{
    if (i >= len * 8)
        return 0;
    return (unsigned)exponent[len - 1 - i / 8] >> (i % 8) & 1u;
}

static unsigned digit_at(const struct kp_comb *t, const uint8_t *exponent, size_t len,
                         size_t column)
{
    unsigned digit = 0;

    for (unsigned k = 0; k < TEETH; k++)
        digit |= bit_at(exponent, len, k * t->columns + column) << k;
    return digit;
}

/* Reads the whole row and keeps the one entry. */
static void gather(const struct kp_comb *t, size_t block, unsigned digit, uint64_t *out)
{
    size_t words = t->entry_len / 8;

    memset(out, 0, t->entry_len);
    for (unsigned i = 0; i < ENTRIES; i++) {
        const uint64_t *from = entry(t, block, i);
        /* All ones when i == digit: the difference's borrow, spread. */
        uint64_t mask = (uint64_t)0 - (((uint64_t)(i ^ digit) - 1) >> 63);
        __asm__ __volatile__("" : "+r"(mask));
        for (size_t w = 0; w < words; w++)
            out[w] |= from[w] & mask;
    }
}

/* r = base ^ exponent in Montgomery form. */
static bool comb_run(const struct kp_comb *t, const uint8_t *exponent, size_t len, bool secret,
                     BIGNUM *r, BIGNUM *factor, BN_CTX *ctx)
{
    uint64_t row[KP_MOD_MAX / 8];
    bool first = true;
    bool ok = len * 8 <= TEETH * t->columns;

    for (size_t k = DEPTH; ok && k-- > 0;) {
        if (!first)
            ok = square_times(r, 1, t->mod, ctx);
        for (size_t j = 0; ok && j < t->blocks; j++) {
            unsigned digit = digit_at(t, exponent, len, j * DEPTH + k);
            const uint64_t *found = row;
            if (secret)
                gather(t, j, digit, row);
            else
                found = entry(t, j, digit);
            ok = BN_lebin2bn((const unsigned char *)found, (int)t->entry_len, factor) != NULL;
            if (ok && first)
                ok = BN_copy(r, factor) != NULL;
            else if (ok)
                ok = BN_mod_mul_montgomery(r, r, factor, t->mod->mont, ctx) == 1;
            first = false;
        }
    }
    kp_wipe(row, sizeof(row));
    return ok && BN_mod_mul_montgomery(r, r, t->correction, t->mod->mont, ctx) == 1;
}

int kp_comb_exp(const struct kp_comb *t, const uint8_t *exponent, size_t exponent_len, uint8_t *out)
{
    struct work w;
    bool ok = work_begin(&w) && comb_run(t, exponent, exponent_len, true, w.r, w.a, w.ctx) &&
              BN_from_montgomery(w.r, w.r, t->mod->mont, w.ctx) == 1 && store(t->mod, w.r, out);

    return work_end(&w, ok);
}

int kp_mod_mul_exp_public(const struct kp_mod *m, const uint8_t *a, const uint8_t *base,
                          const struct kp_comb *table, const uint8_t *exponent, size_t exponent_len,
                          uint8_t *out)
{
    struct work w;
    bool ok = work_begin(&w);

    if (ok && table != NULL)
        ok = comb_run(table, exponent, exponent_len, false, w.r, w.a, w.ctx);
    else
        ok = ok && load(w.a, base, m->len) && load(w.b, exponent, exponent_len) &&
             BN_mod_exp_mont(w.r, w.a, w.b, m->n, w.ctx, m->mont) == 1 &&
             BN_to_montgomery(w.r, w.r, m->mont, w.ctx) == 1;
    /* In Montgomery form times in plain form is a plain product. */
    ok = ok && load(w.b, a, m->len) && BN_mod_mul_montgomery(w.r, w.r, w.b, m->mont, w.ctx) == 1 &&
         store(m, w.r, out);
    return work_end(&w, ok);
}
