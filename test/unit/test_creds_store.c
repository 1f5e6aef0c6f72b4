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
    assert_ptr_equal(a.srp, b.srp);
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
    assert_int_equal(kp_roster_user_make(&user, roster, crypto, &name, &text), 0);
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

/* Whatever a ticket dies with changes the binding; loading the same file again doesn't. */
static void test_binding(void **state)
{
    (void)state;
    struct kp_roster roster = make();
    struct kp_store *store = store_of(&roster);
    struct kp_credential was = look_up(store, "admin");
    for (int change = 0; change < 5; change++) {
        struct kp_roster_user *user = &roster.users[0];
        user->salt[3] ^= change == 1;
        user->v[200] ^= change == 2;
        roster.generation += change == 3;
        user->generation = change == 3 ? roster.generation : 1;
        if (change == 4)
            assert_int_equal(kp_roster_remove(&roster, "admin", 5), 0);
        struct kp_store *now = store_of(&roster);
        struct kp_credential is = look_up(now, "admin");
        assert_int_equal(memcmp(was.binding, is.binding, 32) == 0, change == 0);
        if (change < 4) {
            user->salt[3] ^= change == 1;
            user->v[200] ^= change == 2;
        }
        kp_store_free(now);
    }
    kp_store_free(store);
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
        cmocka_unit_test(test_users_that_differ),
        cmocka_unit_test(test_many_users),
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_store_refuses_damage),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
