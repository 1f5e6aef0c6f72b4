/*
 * gateway/client/frames: messages on a stream, however it is cut.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "client/frames.h"

#define MAX 300

struct seen {
    char text[1000];
    unsigned count;
    unsigned stop_at; /* the one that is refused; 0: none */
};

static bool note(void *owner, const char *text, size_t len)
{
    struct seen *seen = owner;
    strncat(seen->text, text, len);
    strcat(seen->text, "|");
    seen->count++;
    return seen->count != seen->stop_at;
}

static struct kp_out two(void)
{
    struct kp_out out = {0};
    kp_frames_put(&out, "{\"a\":1}", 7);
    kp_frames_put(&out, "x", 1);
    return out;
}

static void test_any_cut(void **state)
{
    struct kp_out out = two();
    (void)state;
    for (size_t piece = 1; piece <= out.len; piece++) {
        struct kp_frames frames;
        struct seen seen = {.count = 0};
        kp_frames_init(&frames, MAX);
        for (size_t at = 0; at < out.len; at += piece) {
            size_t len = piece < out.len - at ? piece : out.len - at;
            assert_true(kp_frames_take(&frames, (uint8_t *)out.at + at, len, note, &seen));
        }
        assert_string_equal(seen.text, "{\"a\":1}|x|");
        assert_null(frames.message);
        kp_frames_clear(&frames);
    }
    kp_out_free(&out);
}

static void test_own_order(void **state)
{
    struct kp_out out = {0};
    const uint32_t size = 258;
    char text[258];
    (void)state;
    memset(text, 'y', sizeof text);
    kp_frames_put(&out, text, sizeof text);
    assert_memory_equal(out.at, &size, 4);
    assert_int_equal(out.len, 262);
    kp_out_free(&out);
}

static bool takes(uint32_t size, size_t more)
{
    struct kp_frames frames;
    struct seen seen = {.count = 0};
    uint8_t bytes[4 + MAX + 8];
    bool fine;
    memset(bytes, 'z', sizeof bytes);
    memcpy(bytes, &size, 4);
    kp_frames_init(&frames, MAX);
    fine = kp_frames_take(&frames, bytes, 4 + more, note, &seen);
    assert_int_equal(seen.count, fine && more >= size ? 1 : 0);
    assert_int_equal(frames.broken, !fine);
    if (!fine) {
        assert_null(frames.message); /* nothing is held for what isn't read */
        assert_false(kp_frames_take(&frames, bytes, 5, note, &seen));
    }
    kp_frames_clear(&frames);
    return fine;
}

static void test_lengths(void **state)
{
    (void)state;
    assert_true(takes(1, 1));
    assert_true(takes(MAX, MAX));
    assert_true(takes(MAX, MAX - 1));
    assert_false(takes(0, 0));
    assert_false(takes(0, 5));
    assert_false(takes(MAX + 1, 0));
    assert_false(takes(UINT32_MAX, 4));
    assert_false(takes(0x80000000u, 4));
}

static void test_refused(void **state)
{
    struct kp_out out = two();
    struct kp_frames frames;
    struct seen seen = {.stop_at = 1};
    (void)state;
    kp_frames_init(&frames, MAX);
    assert_false(kp_frames_take(&frames, (uint8_t *)out.at, out.len, note, &seen));
    assert_int_equal(seen.count, 1);
    assert_true(frames.broken);
    assert_false(kp_frames_take(&frames, (uint8_t *)out.at, out.len, note, &seen));
    assert_int_equal(seen.count, 1);
    kp_frames_clear(&frames);
    kp_out_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_cut),
        cmocka_unit_test(test_own_order),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
