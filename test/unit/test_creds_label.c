/*
 * lib/creds/label: shape, alphabet, and that the check character finds what it promises.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "creds/label.h"

#define LABELS 40

static struct kp_crypto *crypto;

static int set_up(void **state)
{
    (void)state;
    return kp_crypto_new(&crypto, NULL, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    kp_crypto_free(crypto);
    return 0;
}

static void make(char label[static KP_LABEL_LEN + 1])
{
    assert_int_equal(kp_label_make(crypto, label), 0);
    assert_int_equal(strlen(label), KP_LABEL_LEN);
}

static bool right(const char *label)
{
    return kp_label_is_right(label, strlen(label));
}

static void test_alphabet(void **state)
{
    (void)state;
    assert_int_equal(strlen(kp_label_alphabet), 32);
    for (size_t i = 0; i < 32; i++) {
        char c = kp_label_alphabet[i];
        assert_true((c >= '2' && c <= '9') || (c >= 'a' && c <= 'z'));
        assert_null(strchr("01lo", c));
        assert_null(strchr(kp_label_alphabet + i + 1, c));
    }
}

static void test_made_labels_are_right(void **state)
{
    (void)state;
    char label[KP_LABEL_LEN + 1];
    char other[KP_LABEL_LEN + 1];
    for (int i = 0; i < 1000; i++) {
        make(label);
        assert_true(kp_label_is_shaped(label, KP_LABEL_LEN));
        assert_true(right(label));
        make(other);
        assert_string_not_equal(label, other);
    }
}

/* Each letter takes all 32 values about equally often; the check letter too. */
static void test_letters_are_even(void **state)
{
    (void)state;
    static unsigned seen[KP_LABEL_LEN][32];
    char label[KP_LABEL_LEN + 1];
    for (int i = 0; i < 32 * 400; i++) {
        make(label);
        for (size_t at = 0; at < KP_LABEL_LEN; at++)
            if (label[at] != '-')
                seen[at][strchr(kp_label_alphabet, label[at]) - kp_label_alphabet]++;
    }
    /* 400 expected, a deviation of 20: seven of them. */
    for (size_t at = 0; at < KP_LABEL_LEN; at++)
        for (size_t v = 0; at % 6 != 5 && v < 32; v++)
            assert_in_range(seen[at][v], 260, 540);
}

/* Every letter of a label replaced by every other. */
static void test_every_substitution_is_found(void **state)
{
    (void)state;
    char label[KP_LABEL_LEN + 1];
    for (int i = 0; i < LABELS; i++) {
        make(label);
        for (size_t at = 0; at < KP_LABEL_LEN; at++) {
            char was = label[at];
            for (size_t v = 0; was != '-' && v < 32; v++) {
                label[at] = kp_label_alphabet[v];
                assert_int_equal(right(label), label[at] == was);
            }
            label[at] = was;
        }
    }
}

/* Any two letters that differ swapped, neighbours or not: more than is promised. */
static void test_every_transposition_is_found(void **state)
{
    (void)state;
    char label[KP_LABEL_LEN + 1];
    for (int i = 0; i < LABELS; i++) {
        make(label);
        for (size_t a = 0; a < KP_LABEL_LEN; a++) {
            for (size_t b = a + 1; b < KP_LABEL_LEN; b++) {
                char x = label[a];
                char y = label[b];
                if (x == '-' || y == '-' || x == y)
                    continue;
                label[a] = y;
                label[b] = x;
                assert_false(right(label));
                label[a] = x;
                label[b] = y;
            }
        }
    }
}

/* The code is linear, so one label stands for all: every pattern of an error in one letter (31
 * values at 15 places) on the all-zero label, and of a swap of two neighbours (all pairs). */
static void test_error_patterns_exhaustively(void **state)
{
    (void)state;
    char label[] = "22222-22222-22222";
    assert_true(right(label));
    for (size_t at = 0; at < KP_LABEL_LEN; at++) {
        for (size_t v = 1; at % 6 != 5 && v < 32; v++) {
            label[at] = kp_label_alphabet[v];
            assert_false(right(label));
        }
        label[at] = at % 6 == 5 ? '-' : '2';
    }
    /* A swap of c and d adds (c ^ d) at both places. */
    for (size_t at = 0; at + 1 < KP_LABEL_LEN; at++) {
        size_t next = at + 1 + (label[at + 1] == '-');
        for (size_t v = 1; label[at] != '-' && v < 32; v++) {
            label[at] = label[next] = kp_label_alphabet[v];
            assert_false(right(label));
        }
        if (label[at] != '-')
            label[at] = label[next] = '2';
    }
}

static void test_shape(void **state)
{
    (void)state;
    static const char *const shaped[] = {"abcde-fghij-kmnpq", "ABCDE-FGHIJ-KMNPQ",
                                         "hello-world-lemon", "00000-11111-lllll"};
    static const char *const other[] = {"",
                                        "abcdefghijkmnpq",
                                        "abcde-fghij-kmnp",
                                        "abcde-fghij-kmnpqr",
                                        "abcde fghij kmnpq",
                                        "abcd-efghij-kmnpq",
                                        "abcde-fghij-kmn-q",
                                        "abcde-fgh\xc3\xa9-kmnpq"};
    for (size_t i = 0; i < sizeof shaped / sizeof *shaped; i++)
        assert_true(kp_label_is_shaped(shaped[i], strlen(shaped[i])));
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        assert_false(kp_label_is_shaped(other[i], strlen(other[i])));
        assert_false(right(other[i]));
    }
    /* Look-alikes and capitals are typing errors even where the sum is right. */
    assert_true(right("22222-22222-22222"));
    assert_false(right("00000-00000-00000"));
    assert_false(right("hello-world-lemon"));
}

static void test_capitals_are_not_right(void **state)
{
    (void)state;
    char label[KP_LABEL_LEN + 1];
    do
        make(label);
    while (label[0] < 'a');
    label[0] = (char)(label[0] - 'a' + 'A');
    assert_true(kp_label_is_shaped(label, KP_LABEL_LEN));
    assert_false(right(label));
}

static bool read_as(const char *text, const char *label)
{
    char out[KP_LABEL_LEN + 1];
    memset(out, 'x', sizeof out);
    bool read = kp_label_read(text, strlen(text), out);
    /* What isn't one leaves nothing of itself behind. */
    return read ? strcmp(out, label) == 0 : out[0] == '\0' && label[0] == '\0';
}

/* In capitals, as a telephone begins a line, and with any of the hyphens left out. */
static void test_labels_as_typed(void **state)
{
    (void)state;
    char label[KP_LABEL_LEN + 1];
    char typed[KP_LABEL_LEN + 1];
    for (int i = 0; i < LABELS * 8; i++) {
        make(label);
        size_t used = 0;
        for (size_t at = 0; at < KP_LABEL_LEN; at++) {
            bool drop = label[at] == '-' && (i & (at == 5 ? 1 : 2)) != 0;
            bool capital = ((i & 4) != 0 || used == 0) && label[at] >= 'a' && label[at] <= 'z';
            if (!drop)
                typed[used++] = (char)(label[at] - (capital ? 'a' - 'A' : 0));
        }
        typed[used] = '\0';
        assert_true(read_as(typed, label));
        assert_true(read_as(label, label));
        typed[used - 1] = typed[used - 1] == '2' ? '3' : '2';
        assert_true(read_as(typed, ""));
    }
}

static void test_what_is_no_label(void **state)
{
    (void)state;
    static const char *const other[] = {"",
                                        "-",
                                        "-----------------",
                                        "2",
                                        "22222-22222-2222",
                                        "22222222222222",
                                        "2222222222222222",
                                        "22222-22222-22222-",
                                        "-22222-22222-22222",
                                        "22222--22222-22222",
                                        "2222-222222-22222",
                                        "22222 22222 22222",
                                        "00000-00000-00000",
                                        "22222-22222-222222222222222222222222222"};
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        assert_true(read_as(other[i], ""));
    assert_true(read_as("222222222222222", "22222-22222-22222"));
    /* Of mixed case only with both hyphens. */
    char label[KP_LABEL_LEN + 1];
    char mixed[16];
    do
        make(label);
    while (label[1] < 'a' || label[2] < 'a');
    memcpy(mixed, label, 5);
    memcpy(mixed + 5, label + 6, 5);
    memcpy(mixed + 10, label + 12, 6);
    assert_true(read_as(mixed, label));
    mixed[1] = (char)(mixed[1] - 'a' + 'A');
    assert_true(read_as(mixed, ""));
    label[1] = mixed[1];
    char lower[KP_LABEL_LEN + 1];
    memcpy(lower, label, sizeof lower);
    lower[1] = (char)(lower[1] - 'A' + 'a');
    assert_true(read_as(label, lower));
}

static int no_random(void *arg, uint8_t *out, size_t len)
{
    (void)arg;
    (void)out;
    (void)len;
    return -1;
}

static void test_no_random_is_an_error(void **state)
{
    (void)state;
    struct kp_crypto *broken;
    char label[KP_LABEL_LEN + 1];
    char letters[9];
    assert_int_equal(kp_crypto_new(&broken, no_random, NULL), 0);
    assert_int_not_equal(kp_label_make(broken, label), 0);
    assert_string_equal(label, "");
    assert_int_not_equal(kp_label_letters(broken, letters, 8), 0);
    assert_string_equal(letters, "");
    kp_crypto_free(broken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alphabet),
        cmocka_unit_test(test_made_labels_are_right),
        cmocka_unit_test(test_letters_are_even),
        cmocka_unit_test(test_every_substitution_is_found),
        cmocka_unit_test(test_every_transposition_is_found),
        cmocka_unit_test(test_error_patterns_exhaustively),
        cmocka_unit_test(test_shape),
        cmocka_unit_test(test_capitals_are_not_right),
        cmocka_unit_test(test_labels_as_typed),
        cmocka_unit_test(test_what_is_no_label),
        cmocka_unit_test(test_no_random_is_an_error),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
