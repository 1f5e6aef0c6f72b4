/*
 * Guesses for the tests of the throttle: sources by number, and throttles with the numbers that a
 * test wants.
 */
#ifndef TEST_UNIT_GUESSES_H
#define TEST_UNIT_GUESSES_H

#include "cm.h"

#include "creds/throttle.h"

#include <string.h>

#define SECOND UINT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define START (77 * DAY) /* of the caller's clock */

struct source {
    uint8_t bytes[KP_SOURCE_LEN];
};

/* The address host of the IPv6 /64 of that number. */
static inline struct source v6(uint32_t net, uint8_t host)
{
    struct source s = {{0x20, 0x01, 0x0D, 0xB8}};
    for (unsigned i = 0; i < 4; i++)
        s.bytes[4 + i] = (uint8_t)(net >> (24 - 8 * i));
    s.bytes[15] = host;
    return s;
}

static inline struct source v4(uint32_t address)
{
    struct source s = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF}};
    for (unsigned i = 0; i < 4; i++)
        s.bytes[12 + i] = (uint8_t)(address >> (24 - 8 * i));
    return s;
}

static inline struct kp_throttle *new_throttle(const struct kp_throttle_settings *settings)
{
    static const struct kp_throttle_settings defaults;
    struct kp_throttle *t;
    assert_int_equal(kp_throttle_new(&t, settings != NULL ? settings : &defaults), 0);
    return t;
}

static inline enum kp_verdict take(struct kp_throttle *t, struct source from, const char *name,
                                   uint64_t now, struct kp_guess *guess)
{
    return kp_throttle_take(t, from.bytes, name, strlen(name), now, guess);
}

/* A wrong guess; whether it was judged. */
static inline bool wrong(struct kp_throttle *t, struct source from, const char *name, uint64_t now)
{
    struct kp_guess guess;
    enum kp_verdict verdict = take(t, from, name, now, &guess);
    assert_true(verdict == KP_GUESS_GRANTED || verdict == KP_GUESS_REFUSED);
    assert_true(guess.granted == (verdict == KP_GUESS_GRANTED));
    return guess.granted;
}

/* A right one. */
static inline bool right(struct kp_throttle *t, struct source from, const char *name, uint64_t now)
{
    struct kp_guess guess;
    if (take(t, from, name, now, &guess) != KP_GUESS_GRANTED)
        return false;
    kp_throttle_proved(t, &guess, now);
    return true;
}

/* So many of tries wrong guesses are judged. */
static inline unsigned wrongs(struct kp_throttle *t, struct source from, const char *name,
                              uint64_t now, unsigned tries)
{
    unsigned judged = 0;
    while (tries-- > 0)
        judged += wrong(t, from, name, now);
    return judged;
}

/* The same, each from a source of its own: net, net + 1, ... */
static inline unsigned wrongs_of_many(struct kp_throttle *t, uint32_t net, const char *name,
                                      uint64_t now, unsigned tries)
{
    unsigned judged = 0;
    for (unsigned i = 0; i < tries; i++)
        judged += wrong(t, v6(net + i, 1), name, now);
    return judged;
}

#endif
