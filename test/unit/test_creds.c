/*
 * lib/creds/roster: the credentials file parsed, written and edited.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "creds/roster.h"

static struct kp_crypto *crypto;
static struct kp_store_fault fault;
static uint8_t v2048[256];

static int set_up(void **state)
{
    (void)state;
    memset(v2048, 0x5a, sizeof v2048);
    return kp_crypto_new(&crypto, NULL, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    kp_crypto_free(crypto);
    return 0;
}

static void add(struct kp_roster *roster, const char *name, unsigned bits, size_t salt_len)
{
    uint8_t salt[KP_SALT_MAX];
    uint8_t v[KP_SRP_MAX_LEN];
    struct kp_roster_user user;
    memset(salt, 0xa1 + (name[0] & 15), sizeof salt);
    memset(v, 0x5a, sizeof v);
    assert_int_equal(kp_roster_user_set(&user, name, strlen(name), bits, salt, salt_len, v), 0);
    assert_int_equal(kp_roster_add(roster, &user), 0);
    assert_null(user.v);
}

static struct kp_roster make(void)
{
    struct kp_roster roster;
    assert_int_equal(kp_roster_init(&roster, crypto, "unit 7\\b", 8, 2048, 16), 0);
    add(&roster, "admin", 2048, 16);
    add(&roster, "J\xc3\xbcrgen \\ M:", 2048, 16);
    return roster;
}

static struct kp_text text_of(const struct kp_roster *roster)
{
    struct kp_text text;
    assert_int_equal(kp_roster_format(roster, crypto, &text), 0);
    assert_int_equal(text.len, strlen(text.data));
    return text;
}

static int parse(const char *text, size_t len)
{
    struct kp_roster roster;
    int error = kp_roster_parse(&roster, crypto, text, len, &fault);
    if (error == 0)
        kp_roster_clear(&roster);
    else
        assert_true(strlen(fault.why) > 0);
    return error;
}

/* ---- The text ------------------------------------------------------------------------------- */

static void test_round_trip(void **state)
{
    (void)state;
    struct kp_roster roster = make();
    struct kp_roster back;
    struct kp_text text = text_of(&roster);
    assert_non_null(strstr(text.data, "device-id unit\\x207\\x5cb "));
    assert_non_null(strstr(text.data, "\nuser J\xc3\xbcrgen\\x20\\x5c\\x20M: 2 2048:"));
    assert_int_equal(kp_roster_parse(&back, crypto, text.data, text.len, &fault), 0);
    assert_int_equal(back.bits, 2048);
    assert_int_equal(back.salt_len, 16);
    assert_int_equal(back.generation, 2);
    assert_int_equal(back.count, 2);
    assert_string_equal(back.device_id.data, "unit 7\\b");
    assert_memory_equal(back.seed, roster.seed, sizeof back.seed);
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(back.users[i].name.data, roster.users[i].name.data);
        assert_int_equal(back.users[i].generation, i + 1);
        assert_memory_equal(back.users[i].salt, roster.users[i].salt, 16);
        assert_memory_equal(back.users[i].v, v2048, 256);
    }
    struct kp_text again = text_of(&back);
    assert_string_equal(again.data, text.data);
    kp_text_clear(&again);
    kp_text_clear(&text);
    kp_roster_clear(&back);
    kp_roster_clear(&roster);
}

static void test_empty_roster(void **state)
{
    (void)state;
    struct kp_roster roster;
    assert_int_equal(kp_roster_init(&roster, crypto, "x", 1, 8192, 255), 0);
    struct kp_text text = text_of(&roster);
    assert_int_equal(parse(text.data, text.len), 0);
    kp_text_clear(&text);
    kp_roster_clear(&roster);
}

/* The longest name, salt and verifier that the rules allow make the longest line. */
static void test_longest_line(void **state)
{
    (void)state;
    struct kp_roster roster;
    char name[KP_NAME_MAX + 1];
    memset(name, ' ', KP_NAME_MAX);
    name[KP_NAME_MAX] = '\0';
    assert_int_equal(kp_roster_init(&roster, crypto, name, KP_NAME_MAX, 8192, 255), 0);
    add(&roster, name, 8192, 255);
    struct kp_text text = text_of(&roster);
    assert_int_equal(parse(text.data, text.len), 0);
    kp_text_clear(&text);
    kp_roster_clear(&roster);
}

static unsigned line_of(const char *text, size_t at)
{
    unsigned line = 1;
    for (size_t i = 0; i < at; i++)
        line += text[i] == '\n';
    return line;
}

/* Any byte changed to anything: refused, and the line is the right one. */
static void test_each_byte_damaged(void **state)
{
    (void)state;
    static const uint8_t flips[] = {0x01, 0x02, 0x20, 0x80};
    struct kp_roster roster = make();
    struct kp_text text = text_of(&roster);
    for (size_t at = 0; at < text.len; at++) {
        char was = text.data[at];
        for (size_t i = 0; i < sizeof flips + 2; i++) {
            text.data[at] = i < sizeof flips    ? (char)(was ^ flips[i])
                            : i == sizeof flips ? '\n'
                                                : '\0';
            if (text.data[at] == was)
                continue;
            assert_int_equal(parse(text.data, text.len), KP_E_SYNTAX);
            assert_int_equal(fault.line, line_of(text.data, at));
        }
        text.data[at] = was;
    }
    assert_int_equal(parse(text.data, text.len), 0);
    kp_text_clear(&text);
    kp_roster_clear(&roster);
}

static void test_each_truncation(void **state)
{
    (void)state;
    struct kp_roster roster = make();
    struct kp_text text = text_of(&roster);
    for (size_t len = 0; len < text.len; len++)
        assert_int_equal(parse(text.data, len), KP_E_SYNTAX);
    kp_text_clear(&text);
    kp_roster_clear(&roster);
}

/* A line gone, doubled, or two lines swapped: each line is whole, the file isn't. */
static void test_lines_moved(void **state)
{
    (void)state;
    struct kp_roster roster = make();
    struct kp_text text = text_of(&roster);
    char *other = malloc(2 * text.len);
    const char *line = text.data;
    assert_non_null(other);
    while (*line != '\0') {
        size_t before = (size_t)(line - text.data);
        size_t len = strcspn(line, "\n") + 1;
        memcpy(other, text.data, before);
        memcpy(other + before, line + len, text.len - before - len);
        assert_int_equal(parse(other, text.len - len), KP_E_SYNTAX);
        memcpy(other + before, line, len);
        memcpy(other + before + len, line, text.len - before);
        assert_int_equal(parse(other, text.len + len), KP_E_SYNTAX);
        line += len;
    }
    free(other);
    kp_text_clear(&text);
    kp_roster_clear(&roster);
}

/* ---- Lines with a right check and wrong content --------------------------------------------- */

#define SEED "seed 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define SALT "a1a2a3a4a5a6a7a8a9aaabacadaeafb0"

static char v_hex[513];

/* Writes the lines with their checks.  "$V" stands for a good verifier. */
static size_t seal(char *out, const char *const *lines, size_t count)
{
    char *to = out;
    for (size_t i = 0; i < count; i++) {
        const char *start = to;
        const char *mark = strstr(lines[i], "$V");
        size_t before = mark != NULL ? (size_t)(mark - lines[i]) : strlen(lines[i]);
        uint8_t digest[KP_SHA256_LEN];
        to += sprintf(to, "%.*s", (int)before, lines[i]);
        if (mark != NULL)
            to += sprintf(to, "%s%s", v_hex, mark + 2);
        const struct kp_span span = {(const uint8_t *)start, (size_t)(to - start)};
        assert_int_equal(kp_digest(crypto, KP_HASH_SHA256, &span, 1, digest), 0);
        if (i > 0)
            to += sprintf(to, " %02x%02x%02x%02x", digest[0], digest[1], digest[2], digest[3]);
        *to++ = '\n';
    }
    return (size_t)(to - out);
}

static const char *const good[] = {"keyplate-credentials 1",
                                   "device-id unit",
                                   "group 2048",
                                   "salt-length 16",
                                   SEED,
                                   "generation 3",
                                   "user a 3 2048:" SALT ":$V -",
                                   "user b 1 2048:" SALT ":$V -",
                                   "end 2"};
#define GOOD (sizeof good / sizeof *good)

static void test_wrong_content(void **state)
{
    (void)state;
    static const struct {
        unsigned line;
        const char *text;
        const char *why;
    } cases[] = {
        {1, "keyplate-credentials 3", "version 3: this Keyplate reads versions 1 and 2"},
        {1, "keyplate-credentials 0", "version 0"},
        {1, "keyplate-credentials", "not a credentials file"},
        {1, "hello world", "not a credentials file"},
        {2, "device-id a b", "expected here"},
        {2, "device-id", "expected here"},
        {2, "device-id a\\x0a", "control"},
        {2, "device-id a\\x41", "damaged"},
        {2, "device-id a\\", "damaged"},
        {2, "device-id \xff", "UTF-8"},
        {2, "group 2048", "device-id"},
        {3, "group 1024", "group"},
        {3, "group 2047", "group"},
        {3, "group 02048", "group"},
        {3, "group 2048 ", "fields"},
        {4, "salt-length 7", "salt length"},
        {4, "salt-length 256", "salt length"},
        {4, "salt-length -1", "salt length"},
        {5, "seed 0011", "seed"},
        {5, "seed 00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF", "seed"},
        {6, "generation x", "generation"},
        {6, "generation 99999999999999999999", "generation"},
        {7, "user a 4 2048:" SALT ":$V -", "generation"},
        {7, "user a 0 2048:" SALT ":$V -", "generation"},
        {7, "user a 3 2048:" SALT ":$V", "5 fields"},
        {7, "user a 3 2048:" SALT ":$V - -", "5 fields"},
        {7, "user a 3 2048:" SALT ":$V w0:L", "SPAKE2+"},
        {7, "user  a 3 2048:" SALT ":$V -", "fields"},
        {7, "user a 3 - -", "SRP"},
        {7, "user a 3 2048:$V -", "SRP"},
        {7, "user a 3 1536:" SALT ":$V -", "group"},
        {7, "user a 3 3072:" SALT ":$V -", "verifier"},
        {7, "user a 3 2048::$V -", "salt"},
        {7, "user a 3 2048:a1a:$V -", "salt"},
        {7, "user a 3 2048:" SALT ":$V00 -", "verifier"},
        {7, "user a 3 2048:" SALT ":00 -", "verifier"},
        {7, "user a\\x09 3 2048:" SALT ":$V -", "control"},
        {7, "person a 3 2048:" SALT ":$V -", "user"},
        {8, "user a 1 2048:" SALT ":$V -", "twice"},
        {9, "end 1", "users"},
        {9, "end 3", "users"},
        {9, "end", "users"},
        {9, "end 2 2", "users"},
    };
    const char *lines[GOOD];
    char text[4096];
    memset(v_hex, '5', 512);
    memcpy(lines, good, sizeof good);
    assert_int_equal(parse(text, seal(text, lines, GOOD)), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memcpy(lines, good, sizeof good);
        lines[cases[i].line - 1] = cases[i].text;
        assert_int_equal(parse(text, seal(text, lines, GOOD)), KP_E_SYNTAX);
        assert_int_equal(fault.line, cases[i].line);
        if (strstr(fault.why, cases[i].why) == NULL)
            fail_msg("%s: %s", cases[i].text, fault.why);
    }
}

static void test_verifier_range(void **state)
{
    (void)state;
    const struct kp_srp_group_id *group = kp_srp_group_by_bits(2048);
    char text[4096];
    for (size_t i = 0; i < 256; i++)
        (void)sprintf(v_hex + 2 * i, "%02x", group->n[i]);
    assert_int_equal(parse(text, seal(text, good, GOOD)), KP_E_SYNTAX);
    v_hex[511] ^= 2; /* N - 1, or N + 1: its last digit is odd */
    bool below = v_hex[511] < "0123456789abcdef"[group->n[255] & 15];
    assert_int_equal(parse(text, seal(text, good, GOOD)), below ? 0 : KP_E_SYNTAX);
    memset(v_hex, '0', 512);
    assert_int_equal(parse(text, seal(text, good, GOOD)), KP_E_SYNTAX);
    v_hex[511] = '1';
    assert_int_equal(parse(text, seal(text, good, GOOD)), 0);
}

static void test_larger_than_1_mib(void **state)
{
    (void)state;
    char *text = calloc(1, KP_ROSTER_TEXT_MAX + 1);
    assert_non_null(text);
    assert_int_equal(parse(text, KP_ROSTER_TEXT_MAX + 1), KP_E_SYNTAX);
    assert_non_null(strstr(fault.why, "1 MiB"));
    assert_int_equal(parse(text, 0), KP_E_SYNTAX);
    assert_non_null(strstr(fault.why, "empty"));
    free(text);
    struct kp_roster roster;
    struct kp_text out;
    char name[20];
    assert_int_equal(kp_roster_init(&roster, crypto, "x", 1, 8192, 16), 0);
    for (int i = 0; i < 600; i++) {
        (void)snprintf(name, sizeof name, "user%d", i);
        add(&roster, name, 8192, 16);
    }
    assert_int_equal(kp_roster_format(&roster, crypto, &out), KP_E_TOO_LONG);
    assert_null(out.data);
    kp_roster_clear(&roster);
}

/* ---- Editing -------------------------------------------------------------------------------- */

static struct kp_roster_user user_named(const char *name)
{
    struct kp_roster_user user;
    uint8_t salt[16] = {1};
    assert_int_equal(kp_roster_user_set(&user, name, strlen(name), 2048, salt, 16, v2048), 0);
    return user;
}

static void test_generations_only_rise(void **state)
{
    (void)state;
    struct kp_roster roster = make();
    struct kp_roster_user user = user_named("admin");
    assert_int_equal(kp_roster_add(&roster, &user), KP_E_EXISTS);
    assert_non_null(user.v);
    assert_int_equal(kp_roster_change(&roster, &user), 0);
    assert_int_equal(kp_roster_find(&roster, "admin", 5)->generation, 3);
    assert_int_equal(kp_roster_remove(&roster, "admin", 5), 0);
    assert_int_equal(kp_roster_remove(&roster, "admin", 5), KP_E_NOT_FOUND);
    assert_null(kp_roster_find(&roster, "admin", 5));
    user = user_named("admin");
    assert_int_equal(kp_roster_change(&roster, &user), KP_E_NOT_FOUND);
    struct kp_text text = text_of(&roster);
    kp_roster_clear(&roster);
    assert_int_equal(kp_roster_parse(&roster, crypto, text.data, text.len, &fault), 0);
    assert_int_equal(kp_roster_add(&roster, &user), 0);
    assert_int_equal(kp_roster_find(&roster, "admin", 5)->generation, 4);
    kp_text_clear(&text);
    kp_roster_clear(&roster);
}

static void test_differs(void **state)
{
    (void)state;
    struct kp_roster roster = make();
    struct kp_roster_user user = user_named("x");
    assert_false(kp_roster_differs(&roster, &user));
    user.salt[0] = 0;
    assert_true(kp_roster_differs(&roster, &user));
    user.salt[0] = 1;
    user.salt_len = 15;
    assert_true(kp_roster_differs(&roster, &user));
    user.salt_len = 16;
    roster.bits = 3072;
    assert_true(kp_roster_differs(&roster, &user));
    kp_roster_user_clear(&user);
    kp_roster_clear(&roster);
}

/* The bytes are those of version 1 for ever: whoever looked up a name before an update must not see
 * it change. */
static void test_salts_are_fixed(void **state)
{
    (void)state;
    static const uint8_t expected[20] = {0x9e, 0xbd, 0x26, 0xb7, 0x49, 0x36, 0xd3,
                                         0x6e, 0x49, 0x11, 0x66, 0x48, 0x2e, 0xcb,
                                         0xd1, 0x94, 0x70, 0x16, 0x6a, 0x5f};
    uint8_t seed[KP_ROSTER_SEED_LEN];
    uint8_t salt[KP_SALT_MAX];
    uint8_t other[KP_SALT_MAX];
    for (size_t i = 0; i < sizeof seed; i++)
        seed[i] = (uint8_t)i;
    assert_int_equal(kp_roster_salt(crypto, seed, 20, "admin", 5, salt), 0);
    assert_memory_equal(salt, expected, sizeof expected);
    for (size_t i = 20; i < sizeof salt; i++)
        assert_int_equal(salt[i], 0);
    assert_int_equal(kp_roster_salt(crypto, seed, 255, "admin", 5, other), 0);
    assert_memory_equal(other, salt, 20);
    assert_memory_not_equal(other + 32, other, 32);
    assert_memory_not_equal(other + 64, other + 32, 32);
    assert_int_equal(kp_roster_salt(crypto, seed, 20, "admin2", 6, other), 0);
    assert_memory_not_equal(other, salt, 20);
    seed[31] ^= 1;
    assert_int_equal(kp_roster_salt(crypto, seed, 20, "admin", 5, other), 0);
    assert_memory_not_equal(other, salt, 20);
}

/* Whatever the random source gives, and whatever the password is. */
static void test_a_user_has_the_salt_of_the_name(void **state)
{
    (void)state;
    uint8_t salt[KP_SALT_MAX];
    struct kp_roster roster = make();
    struct kp_roster_user one;
    struct kp_roster_user two;
    const struct kp_text name = {(char[]){"u"}, 1};
    const struct kp_text password = {(char[]){"p"}, 1};
    const struct kp_text another = {(char[]){"q"}, 1};
    assert_int_equal(kp_roster_salt(crypto, roster.seed, 16, "u", 1, salt), 0);
    assert_int_equal(kp_roster_user_make(&one, &roster, crypto, &name, &password, KP_USE_TLS12), 0);
    assert_int_equal(kp_roster_user_make(&two, &roster, crypto, &name, &another, KP_USE_TLS12), 0);
    assert_int_equal(one.salt_len, 16);
    assert_memory_equal(one.salt, salt, KP_SALT_MAX);
    assert_memory_equal(two.salt, salt, KP_SALT_MAX);
    assert_memory_not_equal(one.v, two.v, 256);
    assert_false(kp_roster_differs(&roster, &one));
    kp_roster_user_clear(&one);
    kp_roster_user_clear(&two);
    kp_roster_clear(&roster);
}

static void test_check(void **state)
{
    (void)state;
    struct kp_roster roster = make();
    struct kp_roster_user user;
    const struct kp_text name = {(char[]){"u"}, 1};
    const struct kp_text nobody = {(char[]){"n"}, 1};
    const struct kp_text password = {(char[]){"secret"}, 6};
    const struct kp_text wrong = {(char[]){"Secret"}, 6};
    bool right = false;
    assert_int_equal(kp_roster_user_make(&user, &roster, crypto, &name, &password, KP_USE_TLS12),
                     0);
    assert_int_equal(kp_roster_add(&roster, &user), 0);
    assert_int_equal(kp_roster_check(&roster, crypto, &name, &password, &right), 0);
    assert_true(right);
    assert_int_equal(kp_roster_check(&roster, crypto, &name, &wrong, &right), 0);
    assert_false(right);
    right = true;
    assert_int_equal(kp_roster_check(&roster, crypto, &nobody, &password, &right), 0);
    assert_false(right);
    kp_roster_clear(&roster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_empty_roster),
        cmocka_unit_test(test_longest_line),
        cmocka_unit_test(test_each_byte_damaged),
        cmocka_unit_test(test_each_truncation),
        cmocka_unit_test(test_lines_moved),
        cmocka_unit_test(test_wrong_content),
        cmocka_unit_test(test_verifier_range),
        cmocka_unit_test(test_larger_than_1_mib),
        cmocka_unit_test(test_generations_only_rise),
        cmocka_unit_test(test_differs),
        cmocka_unit_test(test_salts_are_fixed),
        cmocka_unit_test(test_a_user_has_the_salt_of_the_name),
        cmocka_unit_test(test_check),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
