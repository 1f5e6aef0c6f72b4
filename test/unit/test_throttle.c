/*
 * Proves: how many guesses are judged, of one source, at one name, of all together and in a day;
 * that refused ones take nothing and proofs give back their own tokens only; that who was proved is
 * exempt from what others do; that full tables give nothing away; threads, and clocks that jump.
 */
#include "guesses.h"

#include "seeded.h"

#include <pthread.h>
#include <stdio.h>

static const struct source home = {{0x20, 0x01, 0x0D, 0xB8, 0xAA, 0xAA}};
static const struct source office = {{0x20, 0x01, 0x0D, 0xB8, 0xBB, 0xBB}};

/* Sources without a limit worth the name. */
static const struct kp_throttle_settings wide_sources = {.source = {10000, 1}};

/* ---- One source ---------------------------------------------------------------------------- */

static void test_one_source(void **state)
{
    struct kp_throttle *t = new_throttle(NULL);
    (void)state;
    assert_int_equal(kp_throttle_wait(t, home.bytes, START), 0);
    assert_int_equal(wrongs(t, home, "alice", START, 16), 16);
    assert_int_equal(wrongs(t, home, "alice", START, 100), 0);
    assert_int_equal(kp_throttle_wait(t, home.bytes, START), 60);
    assert_int_equal(kp_throttle_wait(t, home.bytes, START + 1), 60);
    assert_int_equal(kp_throttle_wait(t, home.bytes, START + 1001), 59);
    assert_int_equal(kp_throttle_wait(t, office.bytes, START + 1001), 0);
    assert_false(wrong(t, home, "bob", START + MINUTE - 1));
    assert_int_equal(kp_throttle_wait(t, home.bytes, START + MINUTE), 0);
    assert_int_equal(wrongs(t, home, "bob", START + MINUTE, 100), 1);
    assert_int_equal(wrongs(t, home, "bob", START + 17 * MINUTE, 100), 16);
    kp_throttle_free(t);
    kp_throttle_free(NULL);
}

/* Whatever was refused: a token a minute comes back, and no place was taken. */
static void test_refused_takes_nothing(void **state)
{
    struct kp_throttle *t = new_throttle(NULL);
    struct kp_throttle_tables before;
    char name[16];
    uint64_t now = START;
    (void)state;
    for (unsigned i = 0; i < 16; i++) {
        snprintf(name, sizeof name, "user %u", i);
        assert_true(wrong(t, home, name, now));
    }
    before = t->tables;
    assert_int_equal(wrongs(t, home, "somebody else", now, 1000), 0);
    assert_memory_equal(&before, &t->tables, sizeof before);
    for (unsigned minute = 1; minute <= 6 * 60; minute++) {
        snprintf(name, sizeof name, "user %u", minute % 100);
        for (unsigned i = 1; i < 60; i++)
            assert_false(wrong(t, home, name, now + i * SECOND));
        now += MINUTE;
        assert_int_equal(wrongs(t, home, name, now, 10), 1);
    }
    kp_throttle_spend(t, now);
    before = t->tables;
    assert_int_equal(wrongs(t, office, "somebody else", now, 1000), 0);
    assert_memory_equal(&before, &t->tables, sizeof before);
    kp_throttle_free(t);
}

static void test_what_a_source_is(void **state)
{
    struct kp_throttle *t = new_throttle(NULL);
    struct source near = v6(7, 1);
    struct source zero = {{0}}; /* its first 64 bits are those of a mapped IPv4 address */
    (void)state;
    for (unsigned host = 0; host < 16; host++)
        assert_true(wrong(t, v6(7, (uint8_t)host), "alice", START));
    assert_false(wrong(t, v6(7, 200), "alice", START));
    near.bytes[7] ^= 1;
    assert_true(wrong(t, near, "alice", START));
    near.bytes[7] ^= 1;
    near.bytes[8] ^= 1;
    assert_false(wrong(t, near, "alice", START));
    assert_int_equal(wrongs(t, v4(0xC0000201), "bob", START, 100), 16);
    assert_int_equal(wrongs(t, v4(0xC0000202), "carol", START, 15), 15);
    assert_int_equal(kp_throttle_wait(t, v4(0xC0000201).bytes, START), 60);
    assert_int_equal(kp_throttle_wait(t, v4(0xC0000203).bytes, START), 0);
    assert_int_equal(kp_throttle_wait(t, zero.bytes, START), 0);
    kp_throttle_free(t);
}

/* Any bytes, and none, are a name like others. */
static void test_names(void **state)
{
    static const char bytes[] = "a\0b";
    static char longest[16384];
    struct kp_throttle *t = new_throttle(&wide_sources);
    struct kp_guess guess;
    (void)state;
    const struct kp_span names[] = {{(const uint8_t *)"", 0},
                                    {NULL, 0},
                                    {(const uint8_t *)bytes, 1},
                                    {(const uint8_t *)bytes, 3},
                                    {(const uint8_t *)longest, sizeof longest}};
    for (size_t i = 0; i < COUNT(names); i++) {
        unsigned judged = 0;
        for (unsigned n = 0; n < 100; n++) {
            uint64_t now = START + i * DAY;
            judged += kp_throttle_take(t, home.bytes, (const char *)names[i].data, names[i].len,
                                       now, &guess) == KP_GUESS_GRANTED;
        }
        assert_int_equal(judged, 24);
    }
    kp_throttle_free(t);
}

/* ---- Many sources -------------------------------------------------------------------------- */

static void test_last_quarter_of_a_name(void **state)
{
    struct kp_throttle *t = new_throttle(NULL);
    (void)state;
    assert_int_equal(wrongs(t, v6(1, 1), "alice", START, 12), 12);
    assert_int_equal(wrongs(t, v6(2, 1), "alice", START, 100), 12);
    assert_false(wrong(t, v6(1, 1), "alice", START));
    assert_true(wrong(t, v6(1, 1), "bob", START));
    assert_int_equal(wrongs_of_many(t, 100, "alice", START, 100), 8);
    /* Each of those has a failure now, and there is nothing left. */
    assert_int_equal(wrongs_of_many(t, 100, "alice", START, 100), 0);
    assert_int_equal(wrongs_of_many(t, 300, "alice", START + 5 * MINUTE - 1, 100), 0);
    assert_int_equal(wrongs_of_many(t, 300, "alice", START + 5 * MINUTE, 100), 1);
    kp_throttle_free(t);
}

static void test_last_quarter_of_all(void **state)
{
    struct kp_throttle *t = new_throttle(NULL);
    char name[16];
    unsigned judged = 0;
    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "user %u", i);
        judged += wrong(t, v6(i % 4, 1), name, START);
    }
    assert_int_equal(judged, 48);
    for (unsigned i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "user %u", i);
        judged += wrong(t, v6(100 + i, 1), name, START);
    }
    assert_int_equal(judged, 64);
    assert_int_equal(wrongs_of_many(t, 500, "nobody", START + MINUTE - 1, 100), 0);
    assert_int_equal(wrongs_of_many(t, 500, "nobody", START + MINUTE, 100), 1);
    kp_throttle_free(t);
}

static void test_spend(void **state)
{
    struct kp_throttle *t = new_throttle(NULL);
    (void)state;
    kp_throttle_spend(t, START);
    assert_int_equal(wrongs_of_many(t, 1, "alice", START + MINUTE - 1, 100), 0);
    assert_int_equal(wrongs_of_many(t, 1, "alice", START + MINUTE, 100), 1);
    kp_throttle_spend(t, START + MINUTE);
    assert_int_equal(wrongs_of_many(t, 1, "bob", START + 65 * MINUTE, 100), 64 - 32);
    kp_throttle_free(t);
}

/* ---- Proofs -------------------------------------------------------------------------------- */

static void drain(struct kp_throttle *t, const char *name, uint64_t now)
{
    assert_int_equal(wrongs_of_many(t, 1000, name, now, 100), 32);
}

static void test_exempt(void **state)
{
    struct kp_throttle *t = new_throttle(NULL);
    struct kp_guess guess;
    (void)state;
    assert_true(right(t, home, "alice", START));
    drain(t, "alice", START);
    kp_throttle_spend(t, START);
    assert_int_equal(take(t, home, "alice", START, &guess), KP_GUESS_GRANTED);
    assert_true(guess.exempt);
    kp_throttle_proved(t, &guess, START);
    for (unsigned i = 0; i < 1000; i++)
        assert_true(right(t, home, "alice", START));
    assert_false(right(t, home, "bob", START));
    assert_false(right(t, office, "alice", START));
    /* Its own failures count, at the source. */
    assert_int_equal(wrongs(t, home, "alice", START, 100), 16);
    assert_false(right(t, home, "alice", START));
    kp_throttle_free(t);
}

static void test_pair_has_a_bucket(void **state)
{
    struct kp_throttle *t = new_throttle(&wide_sources);
    (void)state;
    assert_true(right(t, home, "alice", START));
    assert_int_equal(wrongs(t, home, "alice", START, 100), 32);
    assert_int_equal(wrongs(t, home, "alice", START + 5 * MINUTE, 100), 1);
    assert_false(right(t, home, "alice", START + 5 * MINUTE));
    /* And took nothing of the name's, or of all. */
    drain(t, "alice", START + 5 * MINUTE);
    assert_int_equal(wrongs_of_many(t, 5000, "bob", START + 5 * MINUTE, 100), 32);
    kp_throttle_free(t);
}

static void test_exemption_ends(void **state)
{
    struct kp_throttle *t = new_throttle(NULL);
    (void)state;
    assert_true(right(t, home, "alice", START));
    assert_true(right(t, home, "alice", START + 10 * DAY));
    drain(t, "alice", START + 40 * DAY - 1);
    assert_true(right(t, office, "bob", START + 40 * DAY - 1));
    /* A proof from an exempt pair makes 30 days of it again: so a wrong one here. */
    assert_true(wrong(t, home, "alice", START + 40 * DAY - 1));
    assert_false(wrong(t, home, "alice", START + 40 * DAY));
    kp_throttle_free(t);
}

static void test_proof_gives_back_its_own(void **state)
{
    struct kp_throttle *t = new_throttle(NULL);
    struct kp_guess first, second, refused;
    (void)state;
    assert_int_equal(take(t, home, "alice", START, &first), KP_GUESS_GRANTED);
    assert_int_equal(wrongs(t, home, "alice", START, 14), 14);
    assert_int_equal(take(t, home, "bob", START, &second), KP_GUESS_GRANTED);
    assert_int_equal(take(t, home, "bob", START, &refused), KP_GUESS_REFUSED);
    /* One that wasn't granted changes nothing. */
    struct kp_throttle_tables before = t->tables;
    kp_throttle_proved(t, &refused, START);
    assert_memory_equal(&before, &t->tables, sizeof before);
    /* One token for one guess, once. */
    kp_throttle_proved(t, &first, START);
    before = t->tables;
    kp_throttle_proved(t, &first, START);
    assert_memory_equal(&before, &t->tables, sizeof before);
    assert_int_equal(wrongs(t, home, "carol", START, 100), 1);
    /* Long after all came back by itself: full stays full. */
    kp_throttle_proved(t, &second, START + DAY);
    assert_int_equal(wrongs(t, home, "carol", START + DAY, 100), 16);
    assert_int_equal(wrongs_of_many(t, 1, "bob", START + DAY, 100), 32);
    kp_throttle_free(t);
}

/* A right password of one's own makes no room for wrong ones at another's. */
static void test_own_account(void **state)
{
    struct kp_throttle *with = new_throttle(NULL);
    struct kp_throttle *without = new_throttle(NULL);
    struct kp_guess held[8] = {{.granted = false}};
    unsigned judged = 0, plain = 0;
    (void)state;
    for (uint64_t now = START; now < START + DAY; now += 5 * SECOND) {
        struct kp_guess *guess = &held[now / (5 * SECOND) % COUNT(held)];
        /* Proved at once, or some time after its token came back. */
        (void)right(with, home, "mallory", now);
        kp_throttle_proved(with, guess, now);
        (void)take(with, home, "mallory", now, guess);
        kp_throttle_proved(with, &held[0], now);
        judged += wrong(with, home, "alice", now);
        plain += wrong(without, home, "alice", now);
    }
    assert_int_equal(plain, 311);
    assert_in_range(judged, 300, plain);
    kp_throttle_free(with);
    kp_throttle_free(without);
}

/* ---- A day --------------------------------------------------------------------------------- */

/* Tries of so many sources, taken in turn, some each second from 0 to 24 hours, both of them; at
 * one name, or each at another. */
static unsigned a_day(struct kp_throttle *t, unsigned sources, bool one_name)
{
    unsigned judged = 0, turn = 0;
    char name[16] = "alice";
    for (uint64_t now = START; now <= START + DAY; now += SECOND) {
        unsigned tries = now == START ? 1000 : sources == 1 ? 2 : 5;
        for (unsigned i = 0; i < tries; i++, turn++) {
            if (!one_name)
                snprintf(name, sizeof name, "user %u", turn);
            judged += wrong(t, v6(turn % sources, 1), name, now);
        }
    }
    return judged;
}

static void test_guesses_of_a_day(void **state)
{
    static const struct {
        unsigned sources;
        bool one_name;
        unsigned judged;
    } days[] = {
        {1, true, 312},      /* 24 + 24 * 12: never clean */
        {1, false, 1456},    /* 16 + 24 * 60 */
        {1000, true, 320},   /* 32 + 24 * 12 */
        {1000, false, 1504}, /* 64 + 24 * 60 */
    };
    (void)state;
    for (size_t i = 0; i < COUNT(days); i++) {
        struct kp_throttle *t = new_throttle(NULL);
        assert_int_equal(a_day(t, days[i].sources, days[i].one_name), days[i].judged);
        kp_throttle_free(t);
    }
}

/* From where the person is: the pair's bucket instead of the name's. */
static void test_guesses_of_a_day_beside_the_person(void **state)
{
    struct kp_throttle *t = new_throttle(NULL);
    unsigned judged = 0;
    (void)state;
    assert_true(right(t, home, "alice", START));
    judged = 0;
    for (uint64_t now = START; now <= START + DAY; now += SECOND)
        judged += wrong(t, home, "alice", now);
    assert_int_equal(judged, 320);
    kp_throttle_free(t);
}

/* ---- Full tables --------------------------------------------------------------------------- */

static void test_names_table_full(void **state)
{
    const struct kp_throttle_settings settings = {.all = {10000, 1}};
    struct kp_throttle *t = new_throttle(&settings);
    char name[16];
    (void)state;
    drain(t, "alice", START);
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, "user %u", i);
        assert_true(wrong(t, v6(5000 + i, 1), name, START));
        assert_false(wrong(t, v6(20000 + i, 1), "alice", START));
    }
    kp_throttle_free(t);
}

static void test_sources_table_full(void **state)
{
    const struct kp_throttle_settings settings = {.all = {1000, 86400}};
    struct kp_throttle *t = new_throttle(&settings);
    char name[16];
    unsigned judged = wrongs(t, home, "alice", START, 16);
    (void)state;
    for (unsigned i = 0; i < 3000; i++) {
        snprintf(name, sizeof name, "user %u", i / 8);
        judged += wrong(t, v6(i, 1), name, START);
    }
    assert_int_equal(judged, 1000);
    assert_int_equal(kp_throttle_wait(t, home.bytes, START), 60);
    kp_throttle_free(t);
}

/* Whether a pair is exempt: a guess that the drained rest can't grant. */
static bool is_exempt(struct kp_throttle *t, struct source from, const char *name, uint64_t now)
{
    kp_throttle_spend(t, now);
    return wrong(t, from, name, now);
}

static void test_pairs_of_a_name(void **state)
{
    struct kp_throttle *t = new_throttle(NULL);
    uint64_t now = START;
    (void)state;
    assert_true(right(t, home, "alice", now++));
    for (unsigned i = 0; i < 8; i++)
        assert_true(right(t, v6(i, 1), "bob", now++));
    assert_true(right(t, v6(0, 1), "bob", now++));
    assert_true(right(t, v6(8, 1), "bob", now++));
    assert_true(is_exempt(t, home, "alice", now));
    for (unsigned i = 0; i <= 8; i++)
        assert_int_equal(is_exempt(t, v6(i, 1), "bob", now), i != 1);
    kp_throttle_free(t);
}

static void test_pairs_table_full(void **state)
{
    struct kp_throttle *t = new_throttle(NULL);
    uint64_t now = START;
    char name[16];
    (void)state;
    for (unsigned i = 0; i < KP_THROTTLE_PAIRS; i++) {
        snprintf(name, sizeof name, "user %u", i);
        assert_true(right(t, home, name, now++));
    }
    assert_true(right(t, home, "user 0", now++));
    assert_true(right(t, home, "one more", now++));
    for (unsigned i = 0; i < KP_THROTTLE_PAIRS; i++) {
        snprintf(name, sizeof name, "user %u", i);
        assert_int_equal(is_exempt(t, home, name, now), i != 1);
        now += MINUTE;
    }
    assert_true(is_exempt(t, home, "one more", now));
    kp_throttle_free(t);
}

/* ---- Clocks, threads, settings ------------------------------------------------------------- */

static void test_clock(void **state)
{
    struct kp_throttle *t = new_throttle(NULL);
    uint64_t now = START;
    (void)state;
    assert_int_equal(wrongs(t, home, "alice", now, 100), 16);
    /* Back: nobody waits longer for it, and no token comes early. */
    now -= 5 * HOUR;
    assert_int_equal(kp_throttle_wait(t, home.bytes, now), 60);
    assert_false(wrong(t, home, "alice", now + MINUTE - 1));
    assert_int_equal(wrongs(t, home, "alice", now + MINUTE, 100), 1);
    now = 0;
    assert_int_equal(wrongs(t, home, "alice", now, 100), 0);
    assert_int_equal(wrongs(t, home, "alice", now + MINUTE, 100), 1);
    /* Of threads that read the clock one before the other. */
    for (unsigned i = 0; i < 1000; i++) {
        assert_false(wrong(t, home, "bob", now + MINUTE));
        assert_false(wrong(t, home, "bob", now + MINUTE - 5 * SECOND));
    }
    /* Forward, to its end: all is full. */
    now = UINT64_MAX - HOUR;
    assert_int_equal(wrongs(t, home, "alice", now, 100), 16);
    assert_int_equal(wrongs(t, home, "bob", now + MINUTE, 100), 1);
    assert_int_equal(wrongs(t, home, "bob", UINT64_MAX, 100), 16);
    kp_throttle_free(t);
}

struct runner {
    struct kp_throttle *throttle;
    unsigned number;
    unsigned judged;
};

static void *run(void *arg)
{
    struct runner *r = arg;
    for (unsigned i = 0; i < 20; i++) {
        r->judged += wrongs(r->throttle, home, "alice", START + r->number, 1);
        (void)kp_throttle_wait(r->throttle, home.bytes, START + r->number);
        (void)kp_throttle_unsettled(r->throttle, START + r->number);
    }
    return NULL;
}

static void test_threads(void **state)
{
    static struct runner runners[200];
    static pthread_t threads[COUNT(runners)];
    struct kp_throttle *t = new_throttle(NULL);
    unsigned judged = 0;
    (void)state;
    for (unsigned i = 0; i < COUNT(runners); i++) {
        runners[i] = (struct runner){t, i, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, run, &runners[i]), 0);
    }
    for (unsigned i = 0; i < COUNT(runners); i++) {
        pthread_join(threads[i], NULL);
        judged += runners[i].judged;
    }
    assert_int_equal(judged, 16);
    kp_throttle_free(t);
}

#define RIGHT_TRIES 10000

static pthread_barrier_t together;

/* Right ones, which leave nothing behind. */
static void *run_right(void *arg)
{
    struct runner *r = arg;
    pthread_barrier_wait(&together);
    for (unsigned i = 0; i < RIGHT_TRIES; i++)
        r->judged += right(r->throttle, home, "alice", START);
    return NULL;
}

/* Each is judged, and what is left is what one thread would have left: one place, and no debt. */
static void test_threads_leave_nothing(void **state)
{
    static struct runner runners[4];
    static pthread_t threads[COUNT(runners)];
    struct kp_throttle *t = new_throttle(NULL);
    unsigned judged = 0;
    (void)state;
    assert_int_equal(pthread_barrier_init(&together, NULL, COUNT(runners)), 0);
    for (unsigned i = 0; i < COUNT(runners); i++) {
        runners[i] = (struct runner){t, i, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, run_right, &runners[i]), 0);
    }
    for (unsigned i = 0; i < COUNT(runners); i++) {
        pthread_join(threads[i], NULL);
        judged += runners[i].judged;
    }
    pthread_barrier_destroy(&together);
    assert_int_equal(judged, RIGHT_TRIES * COUNT(runners));
    for (unsigned i = 1; i < KP_THROTTLE_SOURCES; i++)
        assert_int_equal(t->tables.sources[i].tag, 0);
    for (unsigned i = 1; i < KP_THROTTLE_NAMES; i++)
        assert_int_equal(t->tables.names[i].tag, 0);
    assert_int_equal(kp_throttle_ahead(t, t->tables.all.full_at), 0);
    assert_int_equal(kp_throttle_ahead(t, t->tables.sources[0].debt.full_at), 0);
    assert_int_equal(kp_throttle_ahead(t, t->tables.names[0].debt.full_at), 0);
    assert_int_equal(wrongs(t, home, "alice", START, 100), 16);
    kp_throttle_free(t);
}

static void test_settings(void **state)
{
    static const struct {
        struct kp_bucket bucket;
        int error;
    } rows[] = {
        {{0, 0}, 0},
        {{4, 1}, 0},
        {{10000, 86400}, 0},
        {{3, 60}, KP_E_ARGUMENT},
        {{1, 0}, KP_E_ARGUMENT},
        {{10001, 60}, KP_E_ARGUMENT},
        {{16, 86401}, KP_E_ARGUMENT},
        {{UINT32_MAX, UINT32_MAX}, KP_E_ARGUMENT},
    };
    struct kp_throttle *t;
    (void)state;
    for (size_t i = 0; i < 3 * COUNT(rows); i++) {
        struct kp_throttle_settings settings = {.leased = false};
        struct kp_bucket *const bucket[] = {&settings.source, &settings.name, &settings.all};
        *bucket[i % 3] = rows[i / 3].bucket;
        assert_int_equal(kp_throttle_new(&t, &settings), rows[i / 3].error);
        assert_int_equal(t == NULL, rows[i / 3].error != 0);
        kp_throttle_free(t);
    }
    const struct kp_throttle_settings own = {.source = {5, 2}, .name = {40, 1}, .all = {50, 1}};
    t = new_throttle(&own);
    assert_int_equal(wrongs(t, home, "alice", START, 100), 5);
    assert_int_equal(kp_throttle_wait(t, home.bytes, START), 2);
    assert_int_equal(wrongs_of_many(t, 1, "alice", START, 100), 35);
    assert_int_equal(wrongs_of_many(t, 200, "bob", START, 100), 10);
    kp_throttle_free(t);
}

/* The key is the caller's randomness: other keys, other tags; without any there is no throttle. */
static void test_random(void **state)
{
    struct seeded random[3];
    struct kp_throttle *t[3];
    struct kp_guess guess[3];
    struct kp_throttle_settings settings = {.random = seeded_random};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        seeded_start(&random[i], i / 2);
        settings.random_arg = &random[i];
        t[i] = new_throttle(&settings);
        assert_int_equal(take(t[i], home, "alice", START, &guess[i]), KP_GUESS_GRANTED);
    }
    assert_true(guess[0].source == guess[1].source && guess[0].name == guess[1].name);
    assert_true(guess[0].source != guess[2].source && guess[0].name != guess[2].name);
    assert_true(guess[0].source != guess[0].name);
    for (size_t i = 0; i < 3; i++)
        kp_throttle_free(t[i]);
    random[0].calls = 0;
    random[0].fail_at = 1;
    settings.random_arg = &random[0];
    assert_int_equal(kp_throttle_new(&t[0], &settings), KP_E_CRYPTO);
    assert_null(t[0]);
}

static void test_size(void **state)
{
    (void)state;
    assert_in_range(sizeof(struct kp_throttle), 1, 44 * 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_source),
        cmocka_unit_test(test_refused_takes_nothing),
        cmocka_unit_test(test_what_a_source_is),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_last_quarter_of_a_name),
        cmocka_unit_test(test_last_quarter_of_all),
        cmocka_unit_test(test_spend),
        cmocka_unit_test(test_exempt),
        cmocka_unit_test(test_pair_has_a_bucket),
        cmocka_unit_test(test_exemption_ends),
        cmocka_unit_test(test_proof_gives_back_its_own),
        cmocka_unit_test(test_own_account),
        cmocka_unit_test(test_guesses_of_a_day),
        cmocka_unit_test(test_guesses_of_a_day_beside_the_person),
        cmocka_unit_test(test_names_table_full),
        cmocka_unit_test(test_sources_table_full),
        cmocka_unit_test(test_pairs_of_a_name),
        cmocka_unit_test(test_pairs_table_full),
        cmocka_unit_test(test_clock),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_threads_leave_nothing),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
