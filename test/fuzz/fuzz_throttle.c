/*
 * The throttle's state: text.
 *
 * Checked besides crashes: what is refused changes nothing; what is taken owes no more than its
 * buckets hold, is written and taken again the same, and lets a guess through in the end.
 */
#include "fuzz.h"

#include "creds/throttle.h"

#include <string.h>

#define NOW 1000000u /* milliseconds */
#define LONG_AFTER (NOW + 2 * UINT64_C(86400000))

static struct seeded random_bytes;
static struct kp_throttle *first, *second;
static char text[KP_THROTTLE_STATE_MAX], again[KP_THROTTLE_STATE_MAX];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const struct kp_throttle_settings settings = {.random = seeded_random,
                                                  .random_arg = &random_bytes};

    (void)argc;
    (void)argv;
    seeded_start(&random_bytes, 1);
    must(kp_throttle_new(&first, &settings) == 0);
    must(kp_throttle_new(&second, &settings) == 0);
    return 0;
}

/* Its clock stands still, so that what is read is what is written. */
static int restore(struct kp_throttle *throttle, const char *data, size_t size)
{
    throttle->started = false;
    return kp_throttle_restore(throttle, data, size, NOW);
}

static void guess(struct kp_throttle *throttle)
{
    static const uint8_t source[KP_SOURCE_LEN];
    struct kp_guess out;

    must(kp_throttle_wait(throttle, source, NOW) <= 60);
    (void)!kp_throttle_take(throttle, source, "alice", 5, NOW, &out);
    must(kp_throttle_take(throttle, source, "alice", 5, LONG_AFTER, &out) == KP_GUESS_GRANTED);
    kp_throttle_proved(throttle, &out, LONG_AFTER);
    must(kp_throttle_take(throttle, source, "alice", 5, LONG_AFTER, &out) == KP_GUESS_GRANTED);
    must(out.exempt);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct kp_throttle_tables before;

    before = first->tables;
    if (restore(first, (const char *)data, size) != 0) {
        must(memcmp(&before, &first->tables, sizeof(before)) == 0);
        return 0;
    }
    size_t len = kp_throttle_state(first, NOW, text);
    must(len < sizeof(text) && len == strlen(text) && len <= size);
    must(restore(second, text, len) == 0);
    must(kp_throttle_state(second, NOW, again) == len && memcmp(text, again, len) == 0);
    kp_throttle_stored(first);
    guess(first);
    return 0;
}
