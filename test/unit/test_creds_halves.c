/*
 * lib/creds/roster: users with an SRP half, a SPAKE2+ half or both, in the text of version 2, and
 * what becomes of version 1.
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

/* What the password "kestrel-4711" makes for admin on device.example. */
#define W0 "a14fd4e781c5230e49ce16d1e899792905ee81c1cfa7d96277b403cba6260c40"
#define L_X "0466fa7e50874f069029dcf3ab5a196a173cf85269fc9b87b4403186e258f737"
#define L_Y "6850aa3eb6df8fcc1648b6c4d55f670d84f67324def4363fb5e6838a19357b29"
#define HALF W0 ":04" L_X L_Y

static struct kp_crypto *crypto;
static struct kp_store_fault fault;

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

static struct kp_text text_of(const struct kp_roster *roster)
{
    struct kp_text text;
    assert_int_equal(kp_roster_format(roster, crypto, &text), 0);
    return text;
}

static void make(struct kp_roster_user *user, const struct kp_roster *roster, const char *name,
                 const char *password, unsigned versions)
{
    struct kp_text n;
    struct kp_text p;
    assert_int_equal(kp_text_copy(&n, name, strlen(name)), 0);
    assert_int_equal(kp_text_copy(&p, password, strlen(password)), 0);
    assert_int_equal(kp_roster_user_make(user, roster, crypto, &n, &p, versions), 0);
    kp_text_clear(&n);
    kp_text_clear(&p);
}

static void add(struct kp_roster *roster, const char *name, unsigned versions)
{
    struct kp_roster_user user;
    make(&user, roster, name, "kestrel-4711", versions);
    assert_int_equal(kp_roster_add(roster, &user), 0);
    assert_null(user.v);
    assert_null(user.spake2plus);
}

/* admin has both, vendor TLS 1.3 alone, old TLS 1.2 alone. */
static struct kp_roster make_roster(void)
{
    struct kp_roster roster;
    assert_int_equal(kp_roster_init(&roster, crypto, "device.example", 14, 2048, 16), 0);
    add(&roster, "admin", KP_USE_TLS12 | KP_USE_TLS13);
    add(&roster, "vendor", KP_USE_TLS13);
    add(&roster, "old", KP_USE_TLS12);
    return roster;
}

/* ---- The text ------------------------------------------------------------------------------- */

static void test_vector(void **state)
{
    (void)state;
    struct kp_roster roster;
    assert_int_equal(kp_roster_init(&roster, crypto, "device.example", 14, 2048, 16), 0);
    add(&roster, "admin", KP_USE_TLS13);
    struct kp_text text = text_of(&roster);
    assert_non_null(strstr(text.data, "\nuser admin 1 - " HALF " "));
    kp_text_clear(&text);
    kp_roster_clear(&roster);
}

static void test_round_trip(void **state)
{
    (void)state;
    struct kp_roster roster = make_roster();
    struct kp_roster back;
    struct kp_text text = text_of(&roster);
    assert_memory_equal(text.data, "keyplate-credentials 2\n", 23);
    assert_int_equal(kp_roster_parse(&back, crypto, text.data, text.len, &fault), 0);
    assert_int_equal(back.count, 3);
    assert_int_equal(kp_roster_user_versions(&back.users[0]), KP_USE_TLS12 | KP_USE_TLS13);
    assert_int_equal(kp_roster_user_versions(&back.users[1]), KP_USE_TLS13);
    assert_int_equal(kp_roster_user_versions(&back.users[2]), KP_USE_TLS12);
    assert_int_equal(kp_roster_only_srp(&back), 1);
    for (size_t i = 0; i < 2; i++)
        assert_memory_equal(back.users[i].spake2plus, roster.users[i].spake2plus,
                            sizeof(struct kp_roster_spake2plus));
    assert_memory_equal(back.users[0].v, roster.users[0].v, 256);
    assert_int_equal(back.users[1].bits, 0);
    assert_int_equal(back.users[1].salt_len, 0);
    struct kp_text again = text_of(&back);
    assert_string_equal(again.data, text.data);
    kp_text_clear(&again);
    kp_text_clear(&text);
    kp_roster_clear(&back);
    kp_roster_clear(&roster);
}

/* Writes the lines with their checks.  "$S" stands for a good SRP half, "$P" for a good SPAKE2+
 * half. */
static size_t seal(char *out, const char *const *lines, size_t count)
{
    char srp[600];
    char *to = out;
    (void)snprintf(srp, sizeof srp, "2048:a1a2a3a4a5a6a7a8:%0512d", 5);
    for (size_t i = 0; i < count; i++) {
        const char *start = to;
        uint8_t digest[KP_SHA256_LEN];
        for (const char *c = lines[i]; *c != '\0'; c++) {
            const char *put = c[0] != '$' ? NULL : c[1] == 'S' ? srp : HALF;
            if (put == NULL)
                *to++ = *c;
            else
                to += sprintf(to, "%s", put);
            c += put != NULL;
        }
        const struct kp_span span = {(const uint8_t *)start, (size_t)(to - start)};
        assert_int_equal(kp_digest(crypto, KP_HASH_SHA256, &span, 1, digest), 0);
        if (i > 0)
            to += sprintf(to, " %02x%02x%02x%02x", digest[0], digest[1], digest[2], digest[3]);
        *to++ = '\n';
    }
    *to = '\0';
    return (size_t)(to - out);
}

static const char *const good[] = {
    "keyplate-credentials 2",
    "device-id unit",
    "group 2048",
    "salt-length 8",
    "seed 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
    "generation 3",
    "user a 3 $S $P",
    "user b 1 - $P",
    "user c 2 $S -",
    "end 3"};
#define GOOD (sizeof good / sizeof *good)
#define USER_B 8 /* the line */

static int parse(const char *const *lines)
{
    char text[8192];
    struct kp_roster roster;
    int error = kp_roster_parse(&roster, crypto, text, seal(text, lines, GOOD), &fault);
    if (error == 0)
        kp_roster_clear(&roster);
    return error;
}

#define N_BUT_ONE "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc63255"
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define P_FIELD "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"

static void test_damaged_halves(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *why;
    } cases[] = {
        {"user b 1 - -", "neither an SRP half nor a SPAKE2+ half"},
        {"user b 1 $P", "5 fields"},
        {"user b 1 - $P -", "5 fields"},
        {"user b 1 $P -", "SRP half is not"},
        {"user b 1 - $S", "SPAKE2+ half is not w0:L"},
        {"user b 1 -- $P", "SRP half is not"},
        {"user b 1 $S --", "SPAKE2+ half is not w0:L"},
        {"user b 1 $S " W0, "SPAKE2+ half is not w0:L"},
        {"user b 1 $S " W0 "04" L_X L_Y, "SPAKE2+ half is not w0:L"},
        {"user b 1 $S 0" HALF, "SPAKE2+ half is not w0:L"},
        {"user b 1 $S a:04" L_X L_Y, "SPAKE2+ half is not w0:L"},
        {"user b 1 - " ZEROS ":04" L_X L_Y, "w0 is damaged"},
        {"user b 1 - " N_BUT_ONE "1:04" L_X L_Y, "w0 is damaged"},
        {"user b 1 - " N_BUT_ONE "2:04" L_X L_Y, "w0 is damaged"},
        {"user b 1 - " P_FIELD ":04" L_X L_Y, "w0 is damaged"},
        {"user b 1 - A14fd4e781c5230e49ce16d1e899792905ee81c1cfa7d96277b403cba6260c40:04" L_X L_Y,
         "w0 is damaged"},
        {"user b 1 - g14fd4e781c5230e49ce16d1e899792905ee81c1cfa7d96277b403cba6260c40:04" L_X L_Y,
         "w0 is damaged"},
        {"user b 1 - " W0 ":", "L is damaged"},
        {"user b 1 - " W0 ":00", "L is damaged"},
        {"user b 1 - " W0 ":03" L_X, "L is damaged"},
        {"user b 1 - " W0 ":04" L_X L_Y "00", "L is damaged"},
        {"user b 1 - " W0 ":4" L_X L_Y, "L is damaged"},
        {"user b 1 - " W0 ":0:4" L_X L_Y, "L is damaged"},
        {"user b 1 - " W0 ":04" L_X "68$P", "L is damaged"},
        {"user b 1 - " W0 ":05" L_X L_Y, "L is not a point"},
        {"user b 1 - " W0 ":07" L_X L_Y, "L is not a point"},
        {"user b 1 - " W0 ":00" ZEROS ZEROS, "L is not a point"},
        {"user b 1 - " W0 ":04" ZEROS ZEROS, "L is not a point"},
        {"user b 1 - " W0 ":04" L_Y L_X, "L is not a point"},
        {"user b 1 - " W0 ":04" P_FIELD L_Y, "L is not a point"},
        {"user b 1 $S " W0 ":04" L_X L_X, "L is not a point"},
    };
    const char *lines[GOOD];
    memcpy(lines, good, sizeof good);
    assert_int_equal(parse(lines), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lines[USER_B - 1] = cases[i].text;
        assert_int_equal(parse(lines), KP_E_SYNTAX);
        assert_int_equal(fault.line, USER_B);
        if (strstr(fault.why, cases[i].why) == NULL)
            fail_msg("%s: %s", cases[i].text, fault.why);
    }
    /* The ends of w0's range are in it. */
    lines[USER_B - 1] = "user b 1 - " N_BUT_ONE "0:04" L_X L_Y;
    assert_int_equal(parse(lines), 0);
    lines[USER_B - 1] =
        "user b 1 - 0000000000000000000000000000000000000000000000000000000000000001:04" L_X L_Y;
    assert_int_equal(parse(lines), 0);
}

/* Any byte of either half changed, under a check that doesn't match: refused by its line. */
static void test_each_byte_damaged(void **state)
{
    (void)state;
    char text[8192];
    struct kp_roster roster;
    size_t len = seal(text, good, GOOD);
    const char *user_b = strstr(text, "\nuser b");
    const char *user_c = strstr(text, "\nuser c");
    assert_true(user_b != NULL && user_c != NULL);
    for (size_t at = (size_t)(user_b - text) + 1; text + at < user_c; at++) {
        text[at] ^= 1;
        assert_int_equal(kp_roster_parse(&roster, crypto, text, len, &fault), KP_E_SYNTAX);
        assert_int_equal(fault.line, USER_B);
        text[at] ^= 1;
    }
}

/* ---- Version 1 ------------------------------------------------------------------------------ */

/* It is read, and becomes version 2 with the halves there are: nothing else changes. */
static void test_version_1(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "keyplate-credentials 1",
        "device-id unit",
        "group 2048",
        "salt-length 8",
        "seed 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
        "generation 3",
        "user a 3 $S -",
        "user b 1 $S -",
        "end 2"};
    char text[8192];
    struct kp_roster roster;
    size_t len = seal(text, lines, sizeof lines / sizeof *lines);
    assert_int_equal(kp_roster_parse(&roster, crypto, text, len, &fault), 0);
    assert_int_equal(kp_roster_only_srp(&roster), 2);
    struct kp_text now = text_of(&roster);
    text[strlen("keyplate-credentials ")] = '2';
    assert_string_equal(now.data, text);
    kp_text_clear(&now);
    kp_roster_clear(&roster);
}

/* What only version 2 has is damage in version 1. */
static void test_version_1_has_no_spake2plus(void **state)
{
    (void)state;
    static const char *const users[] = {"user a 3 $S $P", "user a 3 - $P", "user a 3 - -"};
    static const char *const why[] = {"format version 1 has not", "format version 1 has not",
                                      "SRP half is not"};
    const char *lines[GOOD];
    memcpy(lines, good, sizeof good);
    lines[0] = "keyplate-credentials 1";
    for (size_t i = 0; i < 3; i++) {
        lines[6] = users[i];
        assert_int_equal(parse(lines), KP_E_SYNTAX);
        assert_int_equal(fault.line, 7);
        assert_non_null(strstr(fault.why, why[i]));
    }
}

/* ---- Editing -------------------------------------------------------------------------------- */

/* A change replaces both halves by those of the new password. */
static void test_change(void **state)
{
    (void)state;
    struct kp_roster roster = make_roster();
    struct kp_roster_user user;
    make(&user, &roster, "old", "kestrel-4712", KP_USE_TLS12 | KP_USE_TLS13);
    assert_int_equal(kp_roster_change(&roster, &user), 0);
    assert_null(user.spake2plus);
    assert_int_equal(kp_roster_only_srp(&roster), 0);
    make(&user, &roster, "old", "kestrel-4712", KP_USE_TLS13);
    assert_int_equal(kp_roster_change(&roster, &user), 0);
    assert_null(roster.users[2].v);
    assert_int_equal(roster.users[2].generation, 5);
    kp_roster_user_clear(&roster.users[2]);
    assert_null(roster.users[2].spake2plus);
    kp_roster_clear(&roster);
}

/* Nothing of an SRP half that isn't there can tell that a user exists. */
static void test_without_srp_nothing_differs(void **state)
{
    (void)state;
    struct kp_roster roster = make_roster();
    assert_false(kp_roster_differs(&roster, &roster.users[1]));
    roster.bits = 3072;
    assert_false(kp_roster_differs(&roster, &roster.users[1]));
    assert_true(kp_roster_differs(&roster, &roster.users[0]));
    kp_roster_clear(&roster);
}

static bool check(const struct kp_roster *roster, const char *name, const char *password)
{
    bool right = false;
    struct kp_text n;
    struct kp_text p;
    assert_int_equal(kp_text_copy(&n, name, strlen(name)), 0);
    assert_int_equal(kp_text_copy(&p, password, strlen(password)), 0);
    assert_int_equal(kp_roster_check(roster, crypto, &n, &p, &right), 0);
    kp_text_clear(&n);
    kp_text_clear(&p);
    return right;
}

/* Every half there is has to agree. */
static void test_check(void **state)
{
    (void)state;
    static const char *const names[] = {"admin", "vendor", "old"};
    struct kp_roster roster = make_roster();
    for (size_t i = 0; i < 3; i++) {
        assert_true(check(&roster, names[i], "kestrel-4711"));
        assert_false(check(&roster, names[i], "kestrel-4712"));
    }
    assert_false(check(&roster, "nobody", "kestrel-4711"));
    struct kp_roster_user *admin = &roster.users[0];
    admin->v[255] ^= 1;
    assert_false(check(&roster, "admin", "kestrel-4711"));
    admin->v[255] ^= 1;
    admin->spake2plus->w0[0] ^= 1;
    assert_false(check(&roster, "admin", "kestrel-4711"));
    admin->spake2plus->w0[0] ^= 1;
    admin->spake2plus->l[64] ^= 1;
    assert_false(check(&roster, "admin", "kestrel-4711"));
    admin->spake2plus->l[64] ^= 1;
    assert_true(check(&roster, "admin", "kestrel-4711"));
    kp_roster_clear(&roster);
}

/* w0 and L are bound to the name and to the file's device id. */
static void test_bound_to_names(void **state)
{
    (void)state;
    struct kp_roster roster = make_roster();
    assert_memory_not_equal(roster.users[0].spake2plus->w0, roster.users[1].spake2plus->w0, 32);
    struct kp_roster other;
    assert_int_equal(kp_roster_init(&other, crypto, "device.exampl", 13, 2048, 16), 0);
    add(&other, "admin", KP_USE_TLS13);
    assert_memory_not_equal(roster.users[0].spake2plus->w0, other.users[0].spake2plus->w0, 32);
    assert_memory_not_equal(roster.users[0].spake2plus->l, other.users[0].spake2plus->l, 65);
    kp_roster_clear(&other);
    kp_roster_clear(&roster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vector),         cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_damaged_halves), cmocka_unit_test(test_each_byte_damaged),
        cmocka_unit_test(test_version_1),      cmocka_unit_test(test_version_1_has_no_spake2plus),
        cmocka_unit_test(test_change),         cmocka_unit_test(test_without_srp_nothing_differs),
        cmocka_unit_test(test_check),          cmocka_unit_test(test_bound_to_names),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
