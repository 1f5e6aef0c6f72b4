/*
 * Proves: what outlives the process.  Nothing is spent before it is on the disk, so that a crash at
 * any moment is no way to more guesses; a restart in peace costs nobody anything; leases make
 * headway whoever asks meanwhile; a text that isn't one changes nothing.
 */
#include "guesses.h"

#include <stdio.h>
#include <stdlib.h>

static const struct source home = {{0x20, 0x01, 0x0D, 0xB8, 0xAA, 0xAA}};
static const struct source office = {{0x20, 0x01, 0x0D, 0xB8, 0xBB, 0xBB}};
static const struct kp_throttle_settings leased = {.leased = true};

#define KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define HEAD "keyplate-throttle 1\nkey " KEY "\n"
#define TAG(n) "00000000000000" n

static char text[KP_THROTTLE_STATE_MAX];

static int restore(struct kp_throttle *t, const char *from, uint64_t now)
{
    return kp_throttle_restore(t, from, strlen(from), now);
}

static void store(struct kp_throttle *t, uint64_t now)
{
    size_t len = kp_throttle_state(t, now, text);
    assert_int_equal(len, strlen(text));
    kp_throttle_stored(t);
}

/* A guess, and what it asks for written at once.  One time is enough. */
static bool take_stored(struct kp_throttle *t, struct source from, const char *name, uint64_t now,
                        struct kp_guess *guess, unsigned *writes)
{
    enum kp_verdict verdict = take(t, from, name, now, guess);
    if (verdict == KP_GUESS_LEASE) {
        assert_false(guess->granted);
        store(t, now);
        *writes += 1;
        verdict = take(t, from, name, now, guess);
    }
    assert_true(verdict == KP_GUESS_GRANTED || verdict == KP_GUESS_REFUSED);
    return guess->granted;
}

/* A guess, and what it wants written after it. */
static enum kp_verdict take_ahead(struct kp_throttle *t, struct source from, const char *name,
                                  uint64_t now, struct kp_guess *guess, unsigned *writes)
{
    enum kp_verdict verdict = take(t, from, name, now, guess);
    assert_true(guess->lease ? verdict != KP_GUESS_REFUSED : verdict != KP_GUESS_LEASE);
    if (guess->lease) {
        store(t, now);
        *writes += 1;
    }
    return verdict;
}

/* Whether it was time to. */
static bool settle(struct kp_throttle *t, uint64_t now)
{
    if (!kp_throttle_unsettled(t, now))
        return false;
    store(t, now);
    assert_false(kp_throttle_unsettled(t, now));
    return true;
}

static unsigned wrongs_stored(struct kp_throttle *t, struct source from, const char *name,
                              uint64_t now, unsigned tries)
{
    struct kp_guess guess;
    unsigned judged = 0, writes = 0;
    while (tries-- > 0)
        judged += take_stored(t, from, name, now, &guess, &writes);
    return judged;
}

/* The next process, after what the last one wrote. */
static void restart(struct kp_throttle **t, uint64_t now)
{
    kp_throttle_free(*t);
    *t = new_throttle(&leased);
    assert_int_equal(restore(*t, text, now), 0);
}

/* ---- Leases -------------------------------------------------------------------------------- */

static void test_lease(void **state)
{
    struct kp_throttle *t = new_throttle(&leased);
    struct kp_guess guess;
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(take(t, home, "alice", START, &guess), KP_GUESS_LEASE);
    kp_throttle_state(t, START, text);
    assert_non_null(strstr(text, "\nall 480\nsource "));
    assert_non_null(strstr(text, " 240 3600\nname "));
    assert_non_null(strstr(text, " 1200\n"));
    assert_int_equal(take(t, home, "alice", START, &guess), KP_GUESS_LEASE);
    kp_throttle_stored(t);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(take(t, home, "alice", START, &guess), KP_GUESS_GRANTED);
    assert_int_equal(take(t, home, "alice", START, &guess), KP_GUESS_LEASE);
    /* A crash now costs what was leased, and nothing else is known to be spent. */
    store(t, START);
    restart(&t, START);
    assert_int_equal(wrongs_stored(t, home, "alice", START, 100), 8);
    kp_throttle_free(t);
}

/* What a state says less of is lowered before that state is anywhere. */
static void test_lowered_at_once(void **state)
{
    struct kp_throttle *t = new_throttle(&leased);
    struct kp_guess guess;
    unsigned writes = 0;
    (void)state;
    assert_true(take_stored(t, home, "alice", START, &guess, &writes));
    kp_throttle_state(t, START + 3 * SECOND, text);
    assert_non_null(strstr(text, "\nall 57\n"));
    assert_int_equal(t->tables.all.lease, 57);
    assert_int_equal(t->tables.sources[0].debt.lease, 57);
    assert_int_equal(t->tables.sources[0].clean_lease, 897);
    assert_int_equal(take(t, home, "alice", START + 3 * SECOND, &guess), KP_GUESS_LEASE);
    kp_throttle_stored(t);
    assert_int_equal(take(t, home, "alice", START + 3 * SECOND, &guess), KP_GUESS_LEASE);
    kp_throttle_free(t);
}

/* A source that guesses again doesn't wait, nor when others have states written meanwhile. */
static void test_leased_ahead(void **state)
{
    struct kp_throttle *t = new_throttle(&leased);
    struct kp_guess guess, other;
    unsigned writes = 0, others = 0;
    (void)state;
    assert_int_equal(take_ahead(t, home, "alice", START, &guess, &writes), KP_GUESS_LEASE);
    for (unsigned i = 0; i < 16; i++) {
        assert_int_equal(take_ahead(t, home, "alice", START, &guess, &writes), KP_GUESS_GRANTED);
        (void)take_ahead(t, v6(i, 1), "bob", START, &other, &others);
    }
    assert_in_range(writes, 2, 8);
    assert_int_equal(take(t, home, "alice", START, &guess), KP_GUESS_REFUSED);
    assert_false(guess.lease);
    /* What is kept while others guess is a block, and not all that it ever was. */
    (void)take_ahead(t, office, "carol", START + 10 * MINUTE, &other, &others);
    store(t, START + 10 * MINUTE);
    assert_int_equal(t->tables.sources[0].debt.lease, 960 - 600 + 240);
    kp_throttle_free(t);
}

static void test_disk_that_never_ends(void **state)
{
    struct kp_throttle *t = new_throttle(&leased);
    struct kp_guess guess;
    unsigned judged = 0;
    (void)state;
    assert_int_equal(take(t, home, "alice", START, &guess), KP_GUESS_LEASE);
    store(t, START);
    for (unsigned i = 0; i < 100; i++) {
        judged += take(t, home, "alice", START, &guess) == KP_GUESS_GRANTED;
        assert_true(guess.lease == (i >= 2));
        if (i == 2)
            kp_throttle_state(t, START, text);
    }
    assert_int_equal(judged, 4);
    kp_throttle_free(t);
}

/* Refused, it asks for nothing; without leases nobody does. */
static void test_no_lease(void **state)
{
    struct kp_throttle *t = new_throttle(&leased);
    struct kp_guess guess;
    (void)state;
    assert_int_equal(wrongs_stored(t, home, "alice", START, 100), 16);
    store(t, START);
    assert_int_equal(take(t, home, "alice", START, &guess), KP_GUESS_REFUSED);
    kp_throttle_spend(t, START);
    struct kp_throttle_tables before = t->tables;
    assert_int_equal(take(t, office, "bob", START, &guess), KP_GUESS_REFUSED);
    assert_memory_equal(&before, &t->tables, sizeof before);
    kp_throttle_free(t);
    t = new_throttle(NULL);
    assert_true(wrong(t, home, "alice", START));
    assert_true(right(t, home, "alice", START)); /* an exemption, which is in no state */
    assert_false(kp_throttle_unsettled(t, START + HOUR));
    store(t, START);
    kp_throttle_free(t);
}

/* Whoever asks while a state is being written, and however soon the next is begun, gets on. */
static void test_headway(void **state)
{
    struct kp_throttle *t = new_throttle(&leased);
    struct kp_guess first, second;
    (void)state;
    assert_int_equal(take(t, home, "alice", START, &first), KP_GUESS_LEASE);
    kp_throttle_state(t, START, text);
    assert_int_equal(take(t, office, "bob", START, &second), KP_GUESS_LEASE);
    kp_throttle_stored(t);
    store(t, START);
    assert_int_equal(take(t, home, "alice", START, &first), KP_GUESS_GRANTED);
    assert_int_equal(take(t, office, "bob", START, &second), KP_GUESS_GRANTED);
    /* A lease that nobody asks for ends when it is quiet. */
    store(t, START);
    assert_non_null(strstr(text, "\nall 480\n"));
    assert_int_equal(take(t, home, "alice", START, &first), KP_GUESS_GRANTED);
    store(t, START + 2 * SECOND);
    assert_non_null(strstr(text, "\nall 480\n"));
    store(t, START + 3 * SECOND);
    assert_non_null(strstr(text, "\nall 177\n"));
    kp_throttle_free(t);
}

/* Who waits keeps the place, when others of the table have less to lose. */
static void test_headway_in_a_full_table(void **state)
{
    struct kp_throttle *t = new_throttle(&leased);
    struct kp_guess guess;
    (void)state;
    for (uint64_t i = 0; i < KP_THROTTLE_SOURCES; i++)
        t->tables.sources[i].tag = i + 1;
    assert_int_equal(take(t, home, "alice", START, &guess), KP_GUESS_LEASE);
    assert_int_equal(take(t, office, "bob", START, &guess), KP_GUESS_LEASE);
    kp_throttle_state(t, START, text);
    assert_int_equal(take(t, v6(1, 1), "carol", START, &guess), KP_GUESS_LEASE);
    kp_throttle_stored(t);
    assert_int_equal(take(t, v6(2, 1), "dave", START, &guess), KP_GUESS_LEASE);
    assert_int_equal(take(t, home, "alice", START, &guess), KP_GUESS_GRANTED);
    assert_int_equal(take(t, office, "bob", START, &guess), KP_GUESS_GRANTED);
    kp_throttle_free(t);
}

/* Asks for many names and never spends: a lease for each is all that the table holds. */
static void ask_for_names(struct kp_throttle *t, unsigned count, uint64_t now)
{
    struct kp_guess guess;
    char name[32];
    for (unsigned i = 0; i < count; i++) {
        snprintf(name, sizeof name, "nobody %u", i);
        assert_int_equal(take(t, v6(1000 + i / 16, 1), name, now, &guess), KP_GUESS_LEASE);
    }
}

/* Nor do newcomers take each other's places when all others hold leases that nobody uses: whoever
 * waits gets on, while somebody keeps asking. */
static void test_headway_among_leases(void **state)
{
    struct kp_throttle *t = new_throttle(&leased);
    struct kp_guess guess;
    uint64_t now = START;
    unsigned judged = 0;
    (void)state;
    ask_for_names(t, KP_THROTTLE_NAMES, now);
    store(t, now);
    for (unsigned i = 0; i < 8 && judged < 3; i++) {
        now += SECOND;
        judged += take(t, home, "alice", now, &guess) == KP_GUESS_GRANTED;
        judged += take(t, office, "bob", now, &guess) == KP_GUESS_GRANTED;
        judged += take(t, v6(1, 1), "carol", now, &guess) == KP_GUESS_GRANTED;
        store(t, now);
    }
    assert_int_equal(judged, 3);
    kp_throttle_free(t);
}

/* Asking costs nothing, and so it makes nobody's debt forgotten. */
static void test_asking_forgets_no_debt(void **state)
{
    struct kp_throttle *t = new_throttle(&leased);
    struct kp_guess guess;
    (void)state;
    assert_int_equal(wrongs_stored(t, home, "alice", START, 16), 16);
    assert_int_equal(wrongs_stored(t, office, "alice", START, 16), 8);
    ask_for_names(t, KP_THROTTLE_NAMES - 1, START);
    assert_int_equal(take(t, v6(1, 1), "one too many", START, &guess), KP_GUESS_LEASE);
    assert_int_equal(take(t, office, "alice", START, &guess), KP_GUESS_REFUSED);
    store(t, START);
    assert_int_equal(take(t, v6(1, 1), "one too many", START, &guess), KP_GUESS_LEASE);
    assert_int_equal(take(t, office, "alice", START, &guess), KP_GUESS_REFUSED);
    assert_int_equal(take(t, v6(1000, 1), "nobody 0", START, &guess), KP_GUESS_GRANTED);
    kp_throttle_free(t);
}

/* What can't be written holds nobody up, and gives nobody more. */
static void test_disk_that_fails(void **state)
{
    struct kp_throttle *t = new_throttle(&leased);
    (void)state;
    assert_int_equal(wrongs_stored(t, home, "alice", START, 100), 16);
    assert_int_equal(wrongs_stored(t, home, "alice", START + MINUTE, 100), 1);
    kp_throttle_free(t);
}

static void test_unsettled(void **state)
{
    struct kp_throttle *t = new_throttle(&leased);
    struct kp_guess guess;
    unsigned writes = 0;
    (void)state;
    assert_false(kp_throttle_unsettled(t, START));
    assert_true(take_stored(t, home, "alice", START, &guess, &writes));
    assert_false(kp_throttle_unsettled(t, START + 2999));
    assert_true(kp_throttle_unsettled(t, START + 3 * SECOND));
    store(t, START + 3 * SECOND + 7);
    assert_false(kp_throttle_unsettled(t, START + 3 * SECOND + 7));
    assert_non_null(strstr(text, "\nall 57\n"));
    /* A proof alone, with nothing to give back. */
    assert_false(kp_throttle_unsettled(t, START + HOUR));
    kp_throttle_proved(t, &guess, START + HOUR);
    assert_false(kp_throttle_unsettled(t, START + HOUR + 2 * SECOND));
    assert_true(kp_throttle_unsettled(t, START + HOUR + 3 * SECOND));
    store(t, START + HOUR + 3 * SECOND);
    assert_false(kp_throttle_unsettled(t, START + HOUR + 3 * SECOND));
    assert_non_null(strstr(text, "\nall 0\npair "));
    assert_non_null(strstr(text, " 0 2591997\n"));
    assert_false(kp_throttle_unsettled(t, START + DAY));
    assert_false(kp_throttle_unsettled(t, START + 40 * DAY)); /* the exemption is over */
    kp_throttle_free(t);
}

/* A proved pair, and nothing left of all. */
static struct kp_throttle *new_exempt(const struct kp_throttle_settings *settings)
{
    struct kp_throttle *t = new_throttle(settings);
    struct kp_guess guess;
    unsigned writes = 0;
    assert_true(take_stored(t, home, "alice", START, &guess, &writes));
    kp_throttle_proved(t, &guess, START);
    assert_true(settle(t, START + 3 * SECOND));
    kp_throttle_spend(t, START + 3 * SECOND);
    return t;
}

static void assert_never_waits(struct kp_throttle *t, uint64_t now, unsigned granted)
{
    struct kp_guess guess;
    unsigned judged = 0, writes = 0;
    for (unsigned i = 0; i < 30; i++) {
        enum kp_verdict verdict = take_ahead(t, home, "alice", now, &guess, &writes);
        assert_int_not_equal(verdict, KP_GUESS_LEASE);
        assert_true(guess.exempt == (verdict == KP_GUESS_GRANTED));
        judged += verdict == KP_GUESS_GRANTED;
    }
    assert_int_equal(judged, granted);
    assert_int_equal(writes, 0);
    assert_true(settle(t, now)); /* they were wrong, and the disk is to know it */
    assert_false(settle(t, now));
}

static void test_exempt_never_waits(void **state)
{
    const struct kp_throttle_settings wide = {.source = {64, 60}, .leased = true};
    struct kp_throttle *t = new_exempt(&wide);
    struct kp_guess guess;
    (void)state;
    assert_never_waits(t, START + 3 * SECOND, 30);
    kp_throttle_free(t);
    /* Long after, with no state meanwhile; and when all others wanted the source's place. */
    t = new_exempt(&leased);
    for (uint32_t i = 0; i < 2 * KP_THROTTLE_SOURCES; i++) {
        (void)take(t, v6(1000 + i, 1), "nobody", START + 5 * DAY, &guess);
        if (i % 100 == 0)
            store(t, START + 5 * DAY);
    }
    kp_throttle_spend(t, START + 5 * DAY);
    /* Its source has no place among those that wait: the pair's own bucket counts. */
    assert_never_waits(t, START + 5 * DAY, 30);
    kp_throttle_free(t);
}

static void test_exempt_never_waits_after_a_restart(void **state)
{
    struct kp_throttle *t = new_exempt(&leased);
    (void)state;
    restart(&t, START);
    kp_throttle_spend(t, START);
    assert_never_waits(t, START, 16);
    kp_throttle_free(t);
}

/* Right ones of one pair: the disk is spared. */
static void test_writes_of_right_ones(void **state)
{
    static const uint64_t spaces[] = {SECOND, MINUTE};
    (void)state;
    for (size_t s = 0; s < COUNT(spaces); s++) {
        struct kp_throttle *t = new_throttle(&leased);
        struct kp_guess guess;
        unsigned writes = 0;
        for (uint64_t now = START; now < START + 1000 * spaces[s]; now += spaces[s]) {
            assert_true(take_stored(t, home, "alice", now, &guess, &writes));
            kp_throttle_proved(t, &guess, now);
            for (uint64_t later = now; later < now + spaces[s]; later += SECOND)
                writes += settle(t, later);
        }
        assert_in_range(writes, 1, 2); /* the first time */
        kp_throttle_free(t);
    }
}

/* Settled, and started again: all is as it was, but for the time between. */
static void test_restart_in_peace(void **state)
{
    struct kp_throttle *t = new_throttle(&leased);
    struct kp_guess guess;
    unsigned writes = 0;
    (void)state;
    assert_true(take_stored(t, home, "alice", START, &guess, &writes));
    kp_throttle_proved(t, &guess, START);
    assert_int_equal(wrongs_stored(t, office, "bob", START, 5), 5);
    store(t, START + 10 * SECOND);
    restart(&t, 3); /* its clock starts anew */
    assert_int_equal(wrongs_stored(t, office, "bob", 3, 100), 11);
    kp_throttle_spend(t, 3);
    assert_int_equal(wrongs_stored(t, home, "alice", 3, 100), 16);
    store(t, 3 + 10 * SECOND);
    /* 30 days without those ten seconds. */
    restart(&t, START);
    uint64_t end = START + 30 * DAY - 20 * SECOND;
    kp_throttle_spend(t, end - 1);
    assert_int_equal(wrongs_stored(t, home, "alice", end - 1, 1), 1);
    assert_int_equal(wrongs_stored(t, home, "alice", end, 1), 0);
    kp_throttle_free(t);
}

/* Ended right behind a guess that asked for more: what it asked for isn't spent by anybody. */
static void test_rest_takes_nothing_ahead(void **state)
{
    (void)state;
    for (unsigned made = 1; made <= 9; made++) {
        struct kp_throttle *t = new_throttle(&leased);
        assert_int_equal(wrongs_stored(t, home, "alice", START, made), made);
        kp_throttle_rest(t);
        store(t, START);
        restart(&t, START);
        assert_int_equal(wrongs_stored(t, home, "alice", START, 100), 16 - made);
        kp_throttle_free(t);
    }
}

/* Settings that became smaller: nobody owes more than there is. */
static void test_other_settings(void **state)
{
    const struct kp_throttle_settings small = {.source = {4, 1}, .name = {4, 1}, .all = {4, 1}};
    struct kp_throttle *t = new_throttle(&leased);
    (void)state;
    assert_int_equal(wrongs_stored(t, home, "alice", START, 100), 16);
    store(t, START);
    kp_throttle_free(t);
    t = new_throttle(&small);
    assert_int_equal(restore(t, text, START), 0);
    assert_int_equal(kp_throttle_wait(t, home.bytes, START), 1);
    assert_int_equal(wrongs(t, home, "alice", START, 100), 0);
    assert_int_equal(wrongs(t, home, "alice", START + 4 * SECOND, 100), 3);
    kp_throttle_free(t);
}

/* ---- Crashes ------------------------------------------------------------------------------- */

/* A run of guesses, with a process that dies once: after so many steps, a step being a guess, a
 * state made, or a state stored. */
struct crash_run {
    struct kp_throttle *throttle;
    unsigned steps;
    unsigned crash_at;
    unsigned every; /* and again after so many more; 0: once */
    bool at_rename; /* dying between state and stored, the new one is already on the disk */
    bool leased;
    unsigned judged;    /* of the wrong ones */
    unsigned forgotten; /* at most: of who is exempt, each time that it died */
    uint64_t now;
    char disk[KP_THROTTLE_STATE_MAX];
};

static void crash(struct crash_run *r)
{
    kp_throttle_free(r->throttle);
    r->throttle = new_throttle(&leased);
    assert_int_equal(restore(r->throttle, r->disk, r->now), 0);
    r->forgotten++;
    if (r->every != 0)
        r->crash_at += r->every;
}

/* Whether the process died here. */
static bool step(struct crash_run *r)
{
    if (!r->leased || ++r->steps != r->crash_at)
        return false;
    crash(r);
    return true;
}

/* Whether it is stored; else the process died. */
static bool write_state(struct crash_run *r)
{
    size_t len = kp_throttle_state(r->throttle, r->now, text);
    if (r->at_rename)
        memcpy(r->disk, text, len + 1);
    if (step(r))
        return false;
    memcpy(r->disk, text, len + 1);
    kp_throttle_stored(r->throttle);
    return !step(r);
}

static void guess_once(struct crash_run *r, struct source from, const char *name, bool is_right)
{
    struct kp_guess guess;
    enum kp_verdict verdict = take(r->throttle, from, name, r->now, &guess);
    if (verdict == KP_GUESS_LEASE) {
        if (step(r) || !write_state(r))
            return;
        verdict = take(r->throttle, from, name, r->now, &guess);
    }
    assert_true(verdict == KP_GUESS_GRANTED || verdict == KP_GUESS_REFUSED);
    r->judged += guess.granted && !is_right;
    if (!guess.granted || step(r))
        return;
    if ((guess.lease || kp_throttle_unsettled(r->throttle, r->now)) && !write_state(r))
        return;
    if (is_right)
        kp_throttle_proved(r->throttle, &guess, r->now);
}

typedef void schedule_fn(struct crash_run *r, unsigned turn);

static void one_source(struct crash_run *r, unsigned turn)
{
    guess_once(r, home, turn % 2 == 0 ? "alice" : "bob", false);
}

static void many_sources(struct crash_run *r, unsigned turn)
{
    guess_once(r, v6(turn % 7, 1), "alice", false);
    guess_once(r, v6(turn % 5, 1), "alice", false);
}

static void with_proofs(struct crash_run *r, unsigned turn)
{
    guess_once(r, home, "mallory", turn % 3 != 0);
    guess_once(r, home, "alice", false);
    guess_once(r, office, "alice", turn % 8 == 7);
}

#define TURNS 100

static void run(struct crash_run *r, schedule_fn *schedule)
{
    r->throttle = new_throttle(r->leased ? &leased : NULL);
    r->now = START;
    r->steps = 0;
    r->judged = 0;
    kp_throttle_state(r->throttle, r->now, r->disk);
    kp_throttle_stored(r->throttle);
    for (unsigned turn = 0; turn < TURNS; turn++) {
        /* Bursts, and pauses between them, long enough to settle. */
        r->now += turn % 25 == 0 ? 8 * MINUTE + 123 : 301;
        if (r->leased && kp_throttle_unsettled(r->throttle, r->now))
            (void)write_state(r);
        schedule(r, turn);
    }
    kp_throttle_free(r->throttle);
}

static void test_crashes(void **state)
{
    static schedule_fn *const schedules[] = {one_source, many_sources, with_proofs};
    static struct crash_run r;
    (void)state;
    for (size_t s = 0; s < COUNT(schedules); s++) {
        r = (struct crash_run){.leased = false};
        run(&r, schedules[s]);
        unsigned most = r.judged;
        r = (struct crash_run){.leased = true};
        run(&r, schedules[s]);
        assert_int_equal(r.judged, most);
        unsigned steps = r.steps;
        assert_in_range(steps, 50, 2000);
        for (unsigned i = 0; i < 2 * steps; i++) {
            r = (struct crash_run){.leased = true, .crash_at = i / 2 + 1, .at_rename = i % 2 != 0};
            run(&r, schedules[s]);
            assert_in_range(r.judged, 1, most + (s == 2 ? r.forgotten : 0));
        }
        for (unsigned every = 1; every < 20; every++) {
            r = (struct crash_run){.leased = true, .crash_at = every, .every = every};
            run(&r, schedules[s]);
            assert_in_range(r.judged, 0, most + (s == 2 ? r.forgotten : 0));
            r = (struct crash_run){
                .leased = true, .crash_at = every, .every = every, .at_rename = true};
            run(&r, schedules[s]);
            assert_in_range(r.judged, 0, most + (s == 2 ? r.forgotten : 0));
        }
    }
}

static const struct kp_throttle_place *place_of(const struct kp_throttle_place *places,
                                                size_t count, uint64_t tag)
{
    for (size_t i = 0; i < count; i++) {
        if (places[i].tag == tag)
            return &places[i];
    }
    return NULL;
}

/* So much of each, and no less, is owed after a restart. */
static void assert_places_kept(const struct kp_throttle *before,
                               const struct kp_throttle_place *old, const struct kp_throttle *after,
                               const struct kp_throttle_place *new, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct kp_throttle_place *place = place_of(new, count, old[i].tag);
        uint64_t owed = kp_throttle_ahead(before, old[i].debt.full_at);
        uint64_t unclean = kp_throttle_ahead(before, old[i].clean_at);
        if (old[i].tag == 0 || (owed == 0 && unclean == 0))
            continue;
        assert_non_null(place);
        assert_true(kp_throttle_ahead(after, place->debt.full_at) >= owed);
        assert_true(kp_throttle_ahead(after, place->clean_at) >= unclean);
    }
}

static void assert_disk_knows(struct kp_throttle *t, const char *disk, uint64_t now)
{
    struct kp_throttle *next = new_throttle(&leased);
    const struct kp_throttle_tables *old = &t->tables, *new = &next->tables;
    assert_int_equal(restore(next, disk, now), 0);
    assert_places_kept(t, old->sources, next, new->sources, KP_THROTTLE_SOURCES);
    assert_places_kept(t, old->names, next, new->names, KP_THROTTLE_NAMES);
    assert_true(kp_throttle_ahead(next, new->all.full_at) >=
                kp_throttle_ahead(t, old->all.full_at));
    for (size_t i = 0; i < KP_THROTTLE_PAIRS; i++) {
        if (kp_throttle_ahead(t, old->pairs[i].debt.full_at) == 0)
            continue;
        assert_int_equal(new->pairs[i].name, old->pairs[i].name);
        assert_true(kp_throttle_ahead(next, new->pairs[i].debt.full_at) >=
                    kp_throttle_ahead(t, old->pairs[i].debt.full_at));
        if (!old->pairs[i].debt.unwritten)
            assert_true(kp_throttle_ahead(next, new->pairs[i].until) + DAY >=
                        kp_throttle_ahead(t, old->pairs[i].until));
    }
    kp_throttle_free(next);
}

/* However leases age, the state that is on the disk knows of all that was judged and not proved. */
static void test_disk_is_never_behind(void **state)
{
    static const uint64_t steps[] = {0, SECOND, 17 * SECOND, MINUTE, 3 * MINUTE, 11 * MINUTE};
    struct kp_throttle *t = new_throttle(&leased);
    struct kp_guess guess;
    uint64_t now = START;
    unsigned judged = 0, writes = 0;
    uint32_t random = 1;
    (void)state;
    store(t, now);
    for (unsigned i = 0; i < 3000; i++) {
        random = random * 1664525 + 1013904223;
        now += steps[(random >> 8) % COUNT(steps)];
        if (kp_throttle_unsettled(t, now))
            store(t, now);
        struct source from = (random >> 16) % 4 != 0 ? home : v6((random >> 18) % 4, 1);
        if (take_stored(t, from, (random >> 20) % 3 != 0 ? "alice" : "bob", now, &guess, &writes)) {
            judged++;
            if (guess.exempt && kp_throttle_unsettled(t, now))
                store(t, now);
            assert_disk_knows(t, text, now);
            if ((random >> 24) % 8 == 0)
                kp_throttle_proved(t, &guess, now);
            else if (guess.lease && (random >> 27) % 2 == 0)
                store(t, now);
        }
        assert_disk_knows(t, text, now);
    }
    assert_in_range(judged, 300, 3000);
    assert_in_range(writes, 10, judged);
    kp_throttle_free(t);
}

/* A full day of hammering: as much is judged as without leases, and the disk is spared. */
static void test_writes_of_a_day(void **state)
{
    struct kp_throttle *t = new_throttle(&leased);
    struct kp_guess guess;
    unsigned judged = 0, writes = 0, settled = 0;
    (void)state;
    for (uint64_t now = START; now <= START + DAY; now += SECOND) {
        judged += take_stored(t, home, "alice", now, &guess, &writes);
        settled += kp_throttle_unsettled(t, now);
    }
    assert_in_range(judged, 310, 320);
    assert_in_range(writes, judged / 12, judged / 2);
    assert_int_equal(settled, 0);
    kp_throttle_free(t);
}

/* ---- The text ------------------------------------------------------------------------------ */

static void test_largest(void **state)
{
    struct kp_throttle *t = new_throttle(&leased);
    struct kp_throttle_tables *tables = &t->tables;
    const uint64_t late = UINT64_C(864000000000);
    (void)state;
    t->source.whole = t->name.whole = t->all.whole = late;
    tables->all.full_at = late;
    for (uint64_t i = 0; i < KP_THROTTLE_SOURCES; i++)
        tables->sources[i] =
            (struct kp_throttle_place){.tag = UINT64_MAX - i, .debt = {.full_at = late}};
    for (uint64_t i = 0; i < KP_THROTTLE_NAMES; i++)
        tables->names[i] =
            (struct kp_throttle_place){.tag = UINT64_MAX - i, .debt = {.full_at = late}};
    for (uint64_t i = 0; i < KP_THROTTLE_PAIRS; i++)
        tables->pairs[i] = (struct kp_throttle_pair){
            UINT64_MAX - i, UINT64_MAX - i / 8, UINT64_C(2592000000), {.full_at = late}};
    size_t len = kp_throttle_state(t, START, text);
    assert_in_range(len, 30000, KP_THROTTLE_STATE_MAX - 1);
    assert_int_equal(len, strlen(text));
    assert_int_equal(restore(t, text, START), 0);
    assert_true(tables->sources[KP_THROTTLE_SOURCES - 1].tag != 0);
    assert_true(tables->pairs[KP_THROTTLE_PAIRS - 1].source != 0);
    kp_throttle_free(t);
}

static void test_texts(void **state)
{
    static const struct {
        const char *text;
        bool taken;
    } rows[] = {
        {HEAD "all 0\n", true},
        {HEAD "all 864000000\n", true},
        {HEAD "all 1\nsource " TAG("0a") " 1 900\nname " TAG("0a") " 2\npair " TAG("0a") " " TAG(
             "0b") " 0 2592000\n",
         true},
        {HEAD "all 1\nname " TAG("0a") " 1\n", true},
        {HEAD "all 1\npair " TAG("0a") " " TAG("0b") " 3 1\npair " TAG("0b") " " TAG("0b") " 3 "
                                                                                           "1\n",
         true},
        {"", false},
        {"keyplate-throttle 2\nkey " KEY "\nall 0\n", false},
        {"keyplate-throttle 1\nall 0\n", false},
        {"keyplate-throttle 1\nkey " KEY "0\nall 0\n", false},
        {HEAD, false},
        {HEAD "all 0", false},
        {HEAD "all \n", false},
        {HEAD "all 00\n", false},
        {HEAD "all 01\n", false},
        {HEAD "all -1\n", false},
        {HEAD "all +1\n", false},
        {HEAD "all  1\n", false},
        {HEAD "all 1 \n", false},
        {HEAD "all 1\r\n", false},
        {HEAD "all 864000001\n", false},
        {HEAD "all 18446744073709551616\n", false},
        {HEAD "all 0\n\n", false},
        {HEAD "all 0\nall 0\n", false},
        {HEAD "all 0\nother 1\n", false},
        {HEAD "all 0\nsource " TAG("0a") " 0\n", false},
        {HEAD "all 0\nsource " TAG("0a") " 0 86400\n", true},
        {HEAD "all 0\nsource " TAG("0a") " 0 86401\n", false},
        {HEAD "all 0\nname " TAG("0a") " 0\n", false},
        {HEAD "all 0\nsource " TAG("00") " 1 900\n", false},
        {HEAD "all 0\nsource " TAG("0A") " 1 900\n", false},
        {HEAD "all 0\nsource 0" TAG("0a") " 1 900\n", false},
        {HEAD "all 0\nsource " TAG("0") " 1 900\n", false},
        {HEAD "all 0\nsource " TAG("0a") " 1 900\nsource " TAG("0a") " 2 900\n", false},
        {HEAD "all 0\nname " TAG("0a") " 1\nname " TAG("0a") " 2\n", false},
        {HEAD "all 0\nname " TAG("0a") " 1\nsource " TAG("0b") " 2 900\n", false},
        {HEAD "all 0\npair " TAG("0a") " " TAG("0b") " 0 0\n", false},
        {HEAD "all 0\npair " TAG("0a") " " TAG("0b") " 0 2592001\n", false},
        {HEAD "all 0\npair " TAG("0a") " " TAG("00") " 0 1\n", false},
        {HEAD "all 0\npair " TAG("0a") " " TAG("0b") " 0\n", false},
        {HEAD "all 0\npair " TAG("0a") " " TAG("0b") " 0 1\npair " TAG("0a") " " TAG("0b") " 0 "
                                                                                           "1\n",
         false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct kp_throttle *t = new_throttle(NULL);
        struct kp_throttle_tables before = t->tables;
        assert_int_equal(restore(t, rows[i].text, START), rows[i].taken ? 0 : KP_E_SYNTAX);
        if (rows[i].taken) {
            kp_throttle_state(t, START, text);
            assert_int_equal(strncmp(text, rows[i].text, 88), 0);
        } else {
            assert_memory_equal(&before, &t->tables, sizeof before);
        }
        kp_throttle_free(t);
    }
}

/* So many lines of a kind, each with another tag. */
static int restore_lines(const char *word, unsigned count, const char *rest)
{
    struct kp_throttle *t = new_throttle(NULL);
    size_t len = (size_t)snprintf(text, sizeof text, "%s", HEAD "all 0\n");
    for (unsigned i = 1; i <= count; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s %016x %s\n", word, i, rest);
    int error = kp_throttle_restore(t, text, len, START);
    kp_throttle_free(t);
    return error;
}

static int restore_pairs(unsigned count)
{
    struct kp_throttle *t = new_throttle(NULL);
    size_t len = (size_t)snprintf(text, sizeof text, "%s", HEAD "all 0\n");
    for (unsigned i = 1; i <= count; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "pair %016x %016x 0 1\n", i, i);
    int error = kp_throttle_restore(t, text, len, START);
    kp_throttle_free(t);
    return error;
}

static void test_too_many(void **state)
{
    (void)state;
    assert_int_equal(restore_lines("source", KP_THROTTLE_SOURCES, "1 900"), 0);
    assert_int_equal(restore_lines("source", KP_THROTTLE_SOURCES + 1, "1 900"), KP_E_SYNTAX);
    assert_int_equal(restore_lines("name", KP_THROTTLE_NAMES, "1"), 0);
    assert_int_equal(restore_lines("name", KP_THROTTLE_NAMES + 1, "1"), KP_E_SYNTAX);
    assert_int_equal(restore_pairs(KP_THROTTLE_PAIRS), 0);
    assert_int_equal(restore_pairs(KP_THROTTLE_PAIRS + 1), KP_E_SYNTAX);
    assert_int_equal(restore_lines("pair", 8, TAG("0a") " 0 1"), 0);
    assert_int_equal(restore_lines("pair", 9, TAG("0a") " 0 1"), KP_E_SYNTAX);
}

/* Cut at every byte, and each bit turned: taken as a whole or not at all. */
static void restore_damaged(struct kp_throttle *t, const char *whole, const char *damaged,
                            size_t len)
{
    struct kp_throttle_tables before = t->tables;
    /* At its exact length, for tools that watch what is read. */
    char *copy = malloc(len + 1);
    assert_non_null(copy);
    memcpy(copy, damaged, len);
    copy = realloc(copy, len > 0 ? len : 1);
    int error = kp_throttle_restore(t, copy, len, START);
    free(copy);
    if (error != 0) {
        assert_int_equal(error, KP_E_SYNTAX);
        assert_memory_equal(&before, &t->tables, sizeof before);
        return;
    }
    size_t out = kp_throttle_state(t, START, text);
    assert_int_equal(out, strlen(text));
    assert_int_equal(restore(t, text, START), 0);
    assert_in_range(kp_throttle_wait(t, home.bytes, START), 0, 60);
    assert_int_equal(restore(t, whole, START), 0);
}

static void test_damaged(void **state)
{
    static char whole[KP_THROTTLE_STATE_MAX], damaged[KP_THROTTLE_STATE_MAX];
    struct kp_throttle *t = new_throttle(&leased);
    struct kp_guess guess;
    unsigned writes = 0;
    (void)state;
    assert_true(take_stored(t, home, "alice", START, &guess, &writes));
    kp_throttle_proved(t, &guess, START);
    assert_int_equal(wrongs_stored(t, home, "alice", START, 3), 3);
    assert_int_equal(wrongs_stored(t, office, "bob", START, 3), 3);
    size_t len = kp_throttle_state(t, START, whole);
    assert_int_equal(restore(t, whole, START), 0);
    for (size_t cut = 0; cut < len; cut++)
        restore_damaged(t, whole, whole, cut);
    for (size_t at = 0; at < len; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(damaged, whole, len + 1);
            damaged[at] = (char)(damaged[at] ^ (1 << bit));
            restore_damaged(t, whole, damaged, len);
        }
    }
    assert_int_equal(kp_throttle_restore(t, NULL, 0, START), KP_E_SYNTAX);
    assert_int_equal(kp_throttle_restore(t, whole, sizeof whole, START), KP_E_SYNTAX);
    kp_throttle_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lease),
        cmocka_unit_test(test_lowered_at_once),
        cmocka_unit_test(test_leased_ahead),
        cmocka_unit_test(test_disk_that_never_ends),
        cmocka_unit_test(test_no_lease),
        cmocka_unit_test(test_headway),
        cmocka_unit_test(test_headway_in_a_full_table),
        cmocka_unit_test(test_headway_among_leases),
        cmocka_unit_test(test_asking_forgets_no_debt),
        cmocka_unit_test(test_disk_that_fails),
        cmocka_unit_test(test_unsettled),
        cmocka_unit_test(test_exempt_never_waits),
        cmocka_unit_test(test_exempt_never_waits_after_a_restart),
        cmocka_unit_test(test_writes_of_right_ones),
        cmocka_unit_test(test_restart_in_peace),
        cmocka_unit_test(test_rest_takes_nothing_ahead),
        cmocka_unit_test(test_other_settings),
        cmocka_unit_test(test_crashes),
        cmocka_unit_test(test_disk_is_never_behind),
        cmocka_unit_test(test_writes_of_a_day),
        cmocka_unit_test(test_largest),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
