/* Which device a person means, and what is saved of it: what the scenario tests of the commands
 * don't reach. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/remember.h"
#include "client/saved_file.h"

static char why[KP_WORD_LEN];

static enum kp_target_result find(struct kp_target *target, const struct kp_target_wish *wish)
{
    return kp_target_find(target, wish, KP_ENGLISH, why);
}

static const struct kp_host host = {.name = "192.0.2.7", .port = "443"};

static int forget_all(struct kp_saved *saved, void *arg, struct kp_file_error *error)
{
    (void)arg;
    (void)error;
    while (saved->count > 0)
        kp_saved_remove(saved, saved->devices);
    return 1;
}

static int nothing_saved(void **state)
{
    struct kp_file_error error;
    (void)state;
    return kp_saved_change(forget_all, NULL, &error);
}

/* ---- What is meant ----------------------------------------------------------------------- */

static void only_the_id_is_known(void **state)
{
    struct kp_target target, copy;
    (void)state;
    assert_int_equal(find(&target, &(struct kp_target_wish){.text = "keyplate://K7F3/?v=1"}),
                     KP_TARGET_NOWHERE);
    assert_non_null(strstr(why, "the link names no address"));
    assert_string_equal(target.where, "");
    assert_string_equal(target.id, "K7F3");
    assert_int_equal(target.offered.versions, KP_USE_TLS12 | KP_USE_TLS13);
    kp_target_put(&target, &host);
    assert_string_equal(target.where, "192.0.2.7");
    assert_true(kp_host_is_same(&target.link.host, &host));
    kp_target_copy(&copy, &target);
    assert_ptr_equal(copy.offered.id, copy.id);
    assert_null(copy.offered.name);
    assert_ptr_equal(kp_target_login_id(&copy), copy.id);
}

#define LABEL "2rk4n-q8wzt-6xpbs" /* of the right shape, with the right check character */

static void a_labels_password_goes_nowhere(void **state)
{
    const struct kp_target_wish wishes[] = {
        {.text = LABEL},
        {.text = " " LABEL " "},
        {.text = "192.0.2.7", .user = LABEL},
        {.text = "192.0.2.7", .device_id = LABEL},
        {.text = "keyplate://" LABEL "@192.0.2.7/?v=1"},
        {.text = "https://" LABEL "@192.0.2.7/"},
        {.text = "https://" LABEL "/"},
    };
    struct kp_target target;
    (void)state;
    for (size_t i = 0; i < sizeof wishes / sizeof *wishes; i++) {
        assert_int_equal(find(&target, &wishes[i]), KP_TARGET_MISUSED);
        assert_non_null(strstr(why, "label's password"));
        assert_null(strstr(why, LABEL));
    }
}

static void wrong_words_are_said(void **state)
{
    struct kp_target target;
    (void)state;
    assert_int_equal(find(&target, &(struct kp_target_wish){.text = "192.0.2.7", .tls = "1\033"}),
                     KP_TARGET_MISUSED);
    assert_string_equal(why, "--tls is one of 1.2|1.3|any, not 1\\x1b");
    assert_int_equal(
        find(&target, &(struct kp_target_wish){.text = "192.0.2.7", .tls = "1.2", .pake = "ietf"}),
        KP_TARGET_MISUSED);
    assert_int_equal(find(&target, &(struct kp_target_wish){.text = "192.0.2.7", .tls = "1.3"}),
                     KP_TARGET_MISUSED);
    assert_int_equal(find(&target, &(struct kp_target_wish){.text = "printer", .no_save = true}),
                     KP_TARGET_MISUSED);
    assert_int_equal(
        find(&target,
             &(struct kp_target_wish){.text = "printer", .no_save = true, .asks_user = true}),
        KP_TARGET_FOUND);
}

/* ---- What is saved ----------------------------------------------------------------------- */

/* A proof by that version of a device that says it is K7F3. */
static void prove(struct kp_remember *remember, const struct kp_target *target,
                  const struct kp_text *user, uint16_t version, const char *name)
{
    const struct kp_info info = {.version = version};
    const struct kp_told told = {.id = "K7F3"};
    const struct kp_teller teller = {.language = KP_ENGLISH};
    kp_remember_init(remember, target, user);
    snprintf(remember->name, sizeof remember->name, "%s", name);
    kp_remember_proved(remember, &info);
    if (version != 0x0304)
        assert_true(kp_remember_told(remember, &told, NULL, &teller));
    kp_remember_save(remember);
}

static char admin[] = "admin";
static const struct kp_text user = {admin, 5};

static void what_was_heard_of_has_to_be_proved(void **state)
{
    struct kp_remember remember;
    struct kp_target target;
    (void)state;
    assert_int_equal(find(&target, &(struct kp_target_wish){.text = "keyplate://K7F3/?v=1"}),
                     KP_TARGET_NOWHERE);
    kp_target_put(&target, &host);
    prove(&remember, &target, &user, 0x0303, "heating");
    assert_int_equal(remember.kept, KP_KEPT_NOTHING);
    prove(&remember, &target, &user, 0x0304, "heating");
    assert_int_equal(remember.kept, KP_KEPT_NEW);
    assert_string_equal(remember.entry.name, "heating");
    assert_int_equal(find(&target, &(struct kp_target_wish){.text = "heating"}), KP_TARGET_FOUND);
    assert_string_equal(target.where, "192.0.2.7");
    assert_ptr_equal(target.offered.name, target.saved.name);
    assert_int_equal(target.offered.versions, KP_USE_TLS13);
}

static void a_name_that_is_taken_or_wrong_is_not_used(void **state)
{
    static const char *const names[] = {"heating", "Heating", "-x", ""};
    struct kp_remember remember;
    struct kp_target target;
    (void)state;
    assert_int_equal(find(&target, &(struct kp_target_wish){.text = "192.0.2.7"}), KP_TARGET_FOUND);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        prove(&remember, &target, &user, 0x0303, names[i]);
        assert_int_equal(remember.kept, KP_KEPT_NEW);
        assert_string_equal(remember.entry.name, i == 0 ? "heating" : "192-0-2-7");
        assert_int_equal(nothing_saved(NULL), 0);
    }
}

static int own_folder(void **state)
{
    static char folder[] = "/tmp/keyplate-test-XXXXXX";
    (void)state;
    return mkdtemp(folder) == NULL ? -1 : setenv("XDG_STATE_HOME", folder, 1);
}

static int no_folder(void **state)
{
    char command[200];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", getenv("XDG_STATE_HOME"));
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(only_the_id_is_known, nothing_saved),
        cmocka_unit_test_setup(a_labels_password_goes_nowhere, nothing_saved),
        cmocka_unit_test_setup(wrong_words_are_said, nothing_saved),
        cmocka_unit_test_setup(what_was_heard_of_has_to_be_proved, nothing_saved),
        cmocka_unit_test_setup(a_name_that_is_taken_or_wrong_is_not_used, nothing_saved),
    };
    return cmocka_run_group_tests(tests, own_folder, no_folder);
}
