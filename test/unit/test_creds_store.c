/*
 * lib/creds/store: users looked up, and those who don't exist simulated.
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
#include "creds/store.h"

/* What the password "kestrel-4711" makes for admin on device.example. */
static const struct kp_roster_spake2plus half = {
    {0xa1, 0x4f, 0xd4, 0xe7, 0x81, 0xc5, 0x23, 0x0e, 0x49, 0xce, 0x16,
     0xd1, 0xe8, 0x99, 0x79, 0x29, 0x05, 0xee, 0x81, 0xc1, 0xcf, 0xa7,
     0xd9, 0x62, 0x77, 0xb4, 0x03, 0xcb, 0xa6, 0x26, 0x0c, 0x40},
    {0x04, 0x04, 0x66, 0xfa, 0x7e, 0x50, 0x87, 0x4f, 0x06, 0x90, 0x29, 0xdc, 0xf3,
     0xab, 0x5a, 0x19, 0x6a, 0x17, 0x3c, 0xf8, 0x52, 0x69, 0xfc, 0x9b, 0x87, 0xb4,
     0x40, 0x31, 0x86, 0xe2, 0x58, 0xf7, 0x37, 0x68, 0x50, 0xaa, 0x3e, 0xb6, 0xdf,
     0x8f, 0xcc, 0x16, 0x48, 0xb6, 0xc4, 0xd5, 0x5f, 0x67, 0x0d, 0x84, 0xf6, 0x73,
     0x24, 0xde, 0xf4, 0x36, 0x3f, 0xb5, 0xe6, 0x83, 0x8a, 0x19, 0x35, 0x7b, 0x29}};

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

/* Gives a user the SPAKE2+ half as well. */
static void add_half(struct kp_roster_user *user)
{
    user->spake2plus = malloc(sizeof half);
    assert_non_null(user->spake2plus);
    *user->spake2plus = half;
}

/* Adds a user with the SPAKE2+ half alone. */
static void add_tls13(struct kp_roster *roster, const char *name)
{
    struct kp_roster_user user = {.v = NULL};
    assert_int_equal(kp_text_copy(&user.name, name, strlen(name)), 0);
    add_half(&user);
    assert_int_equal(kp_roster_add(roster, &user), 0);
    assert_null(user.spake2plus);
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

static struct kp_store *store_of(const struct kp_roster *roster)
{
    struct kp_store *store;
    struct kp_text text = text_of(roster);
    assert_int_equal(kp_store_parse(&store, text.data, text.len, &fault), 0);
    kp_text_clear(&text);
    return store;
}

static struct kp_credential look_up(const struct kp_store *store, const char *name)
{
    struct kp_credential c;
    assert_int_equal(kp_store_lookup(store, name, strlen(name), &c), 0);
    return c;
}

static void test_lookup(void **state)
{
    (void)state;
    struct kp_roster roster = make();
    struct kp_store *store = store_of(&roster);
    size_t len;
    struct kp_credential admin = look_up(store, "admin");
    struct kp_credential other = look_up(store, "J\xc3\xbcrgen \\ M:");
    assert_false(admin.srp_simulated);
    assert_false(other.srp_simulated);
    assert_int_equal(admin.salt_len, 16);
    assert_memory_equal(admin.salt, roster.users[0].salt, 16);
    assert_memory_equal(other.salt, roster.users[1].salt, 16);
    assert_memory_equal(kp_srp_verifier_value(admin.srp), v2048, 256);
    assert_memory_not_equal(admin.binding, other.binding, 32);
    assert_int_equal(kp_store_users(store), 2);
    assert_int_equal(kp_store_told(store), 0);
    assert_memory_equal(kp_store_device_id(store, &len), "unit 7\\b", 8);
    assert_int_equal(len, 8);
    kp_store_free(store);
    kp_roster_clear(&roster);
}

static void test_simulated(void **state)
{
    (void)state;
    struct kp_roster roster = make();
    struct kp_store *store = store_of(&roster);
    struct kp_credential a = look_up(store, "nobody");
    struct kp_credential b = look_up(store, "Admin");
    struct kp_credential again;
    struct kp_store *reloaded = store_of(&roster);
    assert_true(a.srp_simulated);
    assert_int_equal(a.salt_len, 16);
    assert_ptr_equal(a.srp, look_up(store, "nobody").srp);
    assert_ptr_equal(a.spake2plus, a.nobody);
    assert_memory_not_equal(a.salt, b.salt, 16);
    assert_memory_not_equal(a.binding, b.binding, 32);
    assert_memory_not_equal(kp_srp_verifier_value(a.srp), v2048, 256);
    /* The same for a name, also when the file is read again; another file has another. */
    again = look_up(reloaded, "nobody");
    assert_memory_equal(a.salt, again.salt, KP_SALT_MAX);
    kp_store_free(reloaded);
    roster.seed[0] ^= 1;
    reloaded = store_of(&roster);
    again = look_up(reloaded, "nobody");
    assert_memory_not_equal(a.salt, again.salt, 16);
    kp_store_free(reloaded);
    kp_store_free(store);
    kp_roster_clear(&roster);
}

static void set_password(struct kp_roster *roster, const char *password, bool fresh)
{
    struct kp_roster_user user;
    const struct kp_text name = {(char[]){"carol"}, 5};
    struct kp_text text;
    assert_int_equal(kp_text_copy(&text, password, strlen(password)), 0);
    assert_int_equal(kp_roster_user_make(&user, roster, crypto, &name, &text, KP_USE_TLS12), 0);
    assert_int_equal(fresh ? kp_roster_add(roster, &user) : kp_roster_change(roster, &user), 0);
    kp_text_clear(&text);
}

static void shows_salt(const struct kp_roster *roster, const uint8_t salt[static KP_SALT_MAX],
                       bool simulated)
{
    struct kp_store *store = store_of(roster);
    struct kp_credential c = look_up(store, "carol");
    assert_int_equal(c.srp_simulated, simulated);
    assert_int_equal(c.salt_len, 16);
    assert_memory_equal(c.salt, salt, KP_SALT_MAX);
    kp_store_free(store);
}

/* Nobody who asks for a name's salt again sees that it was added, changed or removed meanwhile. */
static void test_salt_stays_over_everything(void **state)
{
    (void)state;
    struct kp_roster roster = make();
    struct kp_store *store = store_of(&roster);
    struct kp_credential before = look_up(store, "carol");
    shows_salt(&roster, before.salt, true);
    set_password(&roster, "first password", true);
    shows_salt(&roster, before.salt, false);
    set_password(&roster, "second password", false);
    shows_salt(&roster, before.salt, false);
    assert_int_equal(kp_roster_remove(&roster, "carol", 5), 0);
    shows_salt(&roster, before.salt, true);
    set_password(&roster, "third password", true);
    shows_salt(&roster, before.salt, false);
    kp_store_free(store);
    kp_roster_clear(&roster);
}

/* A user with a salt from elsewhere gets the name's with the next password. */
static void test_foreign_salt_ends_with_a_change(void **state)
{
    (void)state;
    struct kp_roster roster = make();
    struct kp_store *store = store_of(&roster);
    struct kp_credential before = look_up(store, "carol");
    add(&roster, "carol", 2048, 16);
    struct kp_store *now = store_of(&roster);
    assert_memory_not_equal(look_up(now, "carol").salt, before.salt, 16);
    kp_store_free(now);
    set_password(&roster, "new password", false);
    shows_salt(&roster, before.salt, false);
    kp_store_free(store);
    kp_roster_clear(&roster);
}

/* Any bytes may be asked for. */
static void test_lookup_hostile_names(void **state)
{
    (void)state;
    static const char nul[] = "admin\0x";
    char longest[300];
    struct kp_credential c;
    struct kp_roster roster = make();
    struct kp_store *store = store_of(&roster);
    memset(longest, 'a', sizeof longest);
    assert_int_equal(kp_store_lookup(store, nul, sizeof nul - 1, &c), 0);
    assert_true(c.srp_simulated);
    assert_int_equal(kp_store_lookup(store, longest, sizeof longest, &c), 0);
    assert_true(c.srp_simulated);
    assert_int_equal(kp_store_lookup(store, longest, 0, &c), 0);
    assert_true(c.srp_simulated);
    kp_store_free(store);
    kp_roster_clear(&roster);
}

/* Of many simulated salts no first byte is 0, and all other values come up about as often as they
 * do in real salts; the second byte takes 0 too. */
static void test_simulated_salts_look_real(void **state)
{
    (void)state;
    static unsigned first[256];
    static unsigned second[256];
    char name[20];
    struct kp_roster roster = make();
    struct kp_store *store = store_of(&roster);
    for (int i = 0; i < 255 * 100; i++) {
        (void)snprintf(name, sizeof name, "n%d", i);
        struct kp_credential c = look_up(store, name);
        first[c.salt[0]]++;
        second[c.salt[1]]++;
    }
    assert_int_equal(first[0], 0);
    for (size_t v = 0; v < 256; v++) {
        assert_true(v == 0 || (first[v] > 35 && first[v] < 165));
        assert_in_range(second[v], 35, 165);
    }
    kp_store_free(store);
    kp_roster_clear(&roster);
}

static const uint8_t generator[KP_POINT_LEN] = {
    0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5,
    0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4,
    0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a,
    0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33,
    0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5};

/* The binding of admin, who has both halves, after one change to the file. */
static void bind_after(int change, uint8_t out[static 32])
{
    struct kp_roster roster = make();
    struct kp_roster_user *user = &roster.users[0];
    memset(roster.seed, 0x33, sizeof roster.seed);
    add_half(user);
    user->salt[3] ^= change == 1;
    user->v[200] ^= change == 2;
    user->spake2plus->w0[31] ^= change == 3;
    if (change == 4)
        memcpy(user->spake2plus->l, generator, sizeof generator);
    user->generation += change == 5;
    if (change == 6) {
        free(user->spake2plus);
        user->spake2plus = NULL;
    }
    if (change == 7) {
        free(user->v);
        user->v = NULL;
        user->bits = 0;
        user->salt_len = 0;
    }
    if (change == 8)
        assert_int_equal(kp_roster_remove(&roster, "admin", 5), 0);
    struct kp_store *store = store_of(&roster);
    struct kp_credential c = look_up(store, "admin");
    memcpy(out, c.binding, 32);
    kp_store_free(store);
    kp_roster_clear(&roster);
}

/* Whatever a ticket dies with changes the binding; loading the same file again doesn't. */
static void test_binding(void **state)
{
    (void)state;
    uint8_t was[9][32];
    uint8_t again[32];
    for (int change = 0; change < 9; change++) {
        bind_after(change, was[change]);
        bind_after(change, again);
        assert_memory_equal(again, was[change], 32);
        for (int other = 0; other < change; other++)
            assert_memory_not_equal(was[other], was[change], 32);
    }
}

/* ---- Users who lack a half ------------------------------------------------------------------ */

/* What names that aren't there have, of many names: all of them. */
static size_t nobodies(const struct kp_store *store, const struct kp_srp_verifier *out[100])
{
    size_t count = 0;
    for (int i = 0; i < 1000; i++) {
        char name[20];
        size_t at = 0;
        (void)snprintf(name, sizeof name, "nobody %d", i);
        struct kp_credential found = look_up(store, name);
        while (at < count && out[at] != found.srp)
            at++;
        if (at == count)
            out[count++] = found.srp;
    }
    return count;
}

static bool is_of_nobody(const struct kp_store *store, const struct kp_srp_verifier *srp)
{
    const struct kp_srp_verifier *all[100];
    size_t count = nobodies(store, all);
    for (size_t i = 0; i < count; i++)
        if (all[i] == srp)
            return true;
    return false;
}

/* Each half is the user's own or nobody's, and nobody can tell from the salt. */
static void test_halves(void **state)
{
    (void)state;
    struct kp_roster roster = make();
    struct kp_store *before = store_of(&roster);
    add_tls13(&roster, "vendor");
    add(&roster, "both", 2048, 16);
    add_half(kp_roster_find(&roster, "both", 4));
    struct kp_store *store = store_of(&roster);
    struct kp_credential nobody = look_up(store, "nobody");
    struct kp_credential admin = look_up(store, "admin");
    struct kp_credential vendor = look_up(store, "vendor");
    struct kp_credential both = look_up(store, "both");
    assert_non_null(nobody.srp);
    assert_non_null(nobody.spake2plus);
    assert_true(nobody.srp_simulated && nobody.spake2plus_simulated);
    assert_true(!admin.srp_simulated && admin.spake2plus_simulated);
    assert_ptr_equal(admin.spake2plus, admin.nobody);
    assert_true(vendor.srp_simulated && !vendor.spake2plus_simulated);
    assert_true(is_of_nobody(store, vendor.srp) && !is_of_nobody(store, admin.srp));
    assert_ptr_not_equal(vendor.spake2plus, vendor.nobody);
    assert_true(!both.srp_simulated && !both.spake2plus_simulated);
    assert_false(is_of_nobody(store, both.srp));
    assert_ptr_not_equal(both.spake2plus, both.nobody);
    assert_ptr_not_equal(both.spake2plus, vendor.spake2plus);
    assert_int_equal(vendor.salt_len, 16);
    assert_memory_equal(vendor.salt, look_up(before, "vendor").salt, KP_SALT_MAX);
    assert_memory_not_equal(vendor.binding, look_up(before, "vendor").binding, 32);
    assert_int_equal(kp_store_told(store), 0);
    kp_store_free(before);
    kp_store_free(store);
    kp_roster_clear(&roster);
}

static const uint8_t one[KP_SCALAR_LEN] = {[KP_SCALAR_LEN - 1] = 1};

/* The verifier's Z of a run with X = G and y = 1 tells whose w0 it is, and K_main whose L. */
static void run_half(const struct kp_spake2plus_verifier *verifier, struct kp_spake2plus_keys *keys)
{
    const struct kp_spake2plus_names names = {.prover = {(const uint8_t *)"admin", 5}};
    const struct kp_span share_p = {generator, sizeof generator};
    uint8_t share_v[KP_POINT_LEN];
    assert_int_equal(
        kp_spake2plus_verifier_run(verifier, crypto, &names, one, share_p, share_v, keys), 0);
}

/* What is handed out is made of the w0 and L of the file; the simulated one of no file's. */
static void test_spake2plus_half_is_the_files(void **state)
{
    (void)state;
    struct kp_roster roster = make();
    struct kp_spake2plus_verifier *expected;
    struct kp_spake2plus_keys keys[4];
    add_tls13(&roster, "vendor");
    struct kp_store *store = store_of(&roster);
    struct kp_store *reloaded = store_of(&roster);
    assert_int_equal(kp_spake2plus_verifier_new(&expected, crypto, half.w0, half.l), 0);
    run_half(expected, &keys[0]);
    run_half(look_up(store, "vendor").spake2plus, &keys[1]);
    run_half(look_up(store, "admin").spake2plus, &keys[2]);
    run_half(look_up(reloaded, "admin").spake2plus, &keys[3]);
    assert_memory_equal(&keys[0], &keys[1], sizeof *keys);
    assert_memory_not_equal(&keys[1], &keys[2], sizeof *keys);
    assert_memory_not_equal(&keys[2], &keys[3], sizeof *keys);
    kp_spake2plus_verifier_free(expected);
    kp_store_free(reloaded);
    kp_store_free(store);
    kp_roster_clear(&roster);
}

static bool prefers_tls12(const struct kp_roster *roster)
{
    struct kp_store *store = store_of(roster);
    bool prefers = kp_store_prefers_tls12(store);
    kp_store_free(store);
    return prefers;
}

/* One user with an SRP half alone is enough, wherever he stands. */
static void test_prefers_tls12(void **state)
{
    (void)state;
    struct kp_roster roster;
    assert_int_equal(kp_roster_init(&roster, crypto, "x", 1, 2048, 16), 0);
    assert_false(prefers_tls12(&roster));
    add_tls13(&roster, "vendor");
    assert_false(prefers_tls12(&roster));
    add(&roster, "b", 2048, 16);
    assert_true(prefers_tls12(&roster));
    add_half(kp_roster_find(&roster, "b", 1));
    assert_false(prefers_tls12(&roster));
    add(&roster, "c", 2048, 16);
    add_tls13(&roster, "d");
    assert_true(prefers_tls12(&roster));
    assert_int_equal(kp_roster_remove(&roster, "c", 1), 0);
    assert_false(prefers_tls12(&roster));
    kp_roster_clear(&roster);
}

static void test_users_that_differ(void **state)
{
    (void)state;
    size_t len;
    struct kp_roster roster = make();
    add(&roster, "long", 2048, 20);
    add(&roster, "big", 3072, 16);
    struct kp_store *store = store_of(&roster);
    struct kp_credential c = look_up(store, "long");
    assert_int_equal(c.salt_len, 20);
    assert_memory_equal(c.salt, roster.users[2].salt, 20);
    c = look_up(store, "big");
    assert_int_equal(kp_srp_len(kp_srp_verifier_group(c.srp)), 384);
    assert_int_equal(kp_store_told(store), 2);
    assert_string_equal(kp_store_told_name(store, 0, &len), "long");
    assert_int_equal(len, 4);
    assert_string_equal(kp_store_told_name(store, 1, &len), "big");
    assert_null(kp_store_told_name(store, 2, &len));
    kp_store_free(store);
    kp_roster_clear(&roster);
}

/* More users than get tables, to both sides of the limit. */
static void test_many_users(void **state)
{
    (void)state;
    char name[20];
    struct kp_roster roster;
    assert_int_equal(kp_roster_init(&roster, crypto, "x", 1, 2048, 16), 0);
    for (int i = 0; i < KP_STORE_TABLES_MAX + 1; i++) {
        (void)snprintf(name, sizeof name, "u%d", i);
        add(&roster, name, 2048, 16);
        if (i + 2 < KP_STORE_TABLES_MAX)
            continue;
        struct kp_store *store = store_of(&roster);
        assert_int_equal(kp_store_users(store), i + 1);
        assert_false(look_up(store, name).srp_simulated);
        assert_false(look_up(store, "u0").srp_simulated);
        assert_true(look_up(store, "u99").srp_simulated);
        const struct kp_srp_verifier *all[100];
        assert_int_equal(nobodies(store, all), i + 1);
        kp_store_free(store);
    }
    kp_roster_clear(&roster);
}

static void test_references(void **state)
{
    (void)state;
    struct kp_roster roster = make();
    struct kp_store *store = store_of(&roster);
    assert_ptr_equal(kp_store_ref(store), store);
    kp_store_free(store);
    assert_false(look_up(store, "admin").srp_simulated);
    kp_store_free(store);
    kp_store_free(NULL);
    kp_roster_clear(&roster);
}

static void test_store_refuses_damage(void **state)
{
    (void)state;
    struct kp_store *store;
    assert_int_equal(kp_store_parse(&store, "x\n", 2, &fault), KP_E_SYNTAX);
    assert_int_equal(fault.line, 1);
    assert_null(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lookup),
        cmocka_unit_test(test_simulated),
        cmocka_unit_test(test_salt_stays_over_everything),
        cmocka_unit_test(test_foreign_salt_ends_with_a_change),
        cmocka_unit_test(test_lookup_hostile_names),
        cmocka_unit_test(test_simulated_salts_look_real),
        cmocka_unit_test(test_binding),
        cmocka_unit_test(test_halves),
        cmocka_unit_test(test_spake2plus_half_is_the_files),
        cmocka_unit_test(test_prefers_tls12),
        cmocka_unit_test(test_users_that_differ),
        cmocka_unit_test(test_many_users),
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_store_refuses_damage),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
