/*
 * keyplate passwd list and check: what changes nothing.
 */
#include <inttypes.h>
#include <stdio.h>

#include "ask.h"
#include "passwd.h"

static void print_user(const struct kp_roster *roster, const struct kp_roster_user *user)
{
    static const char *const versions[] = {
        [KP_USE_TLS12] = "TLS 1.2 only",
        [KP_USE_TLS13] = "TLS 1.3 only",
        [KP_USE_TLS12 | KP_USE_TLS13] = "TLS 1.2, TLS 1.3",
    };
    printf("%s\t", kp_passwd_shown(&user->name));
    if (user->v != NULL)
        printf("group %u", user->bits);
    else
        printf("no group");
    printf("\tgeneration %" PRIu64 "\t%s%s\n", user->generation,
           versions[kp_roster_user_versions(user)],
           kp_roster_differs(roster, user) ? "\tstrangers can tell that this name exists" : "");
}

/* While a user has no SPAKE2+ half, all must get TLS 1.2 who can: see kp_store_prefers_tls12. */
static void tell_preference(const struct kp_roster *roster)
{
    size_t lacking = kp_roster_only_srp(roster);
    const struct kp_roster_user *user = roster->users;
    if (lacking == 0)
        return;
    while (kp_roster_user_versions(user) != KP_USE_TLS12)
        user++;
    if (lacking == 1)
        kp_command_note("clients that offer both versions get TLS 1.2 until the password of %s is "
                        "changed",
                        kp_passwd_shown(&user->name));
    else
        kp_command_note("clients that offer both versions get TLS 1.2 until the passwords of the "
                        "%zu users with TLS 1.2 only are changed",
                        lacking);
}

int kp_passwd_list(struct kp_passwd *passwd)
{
    const struct kp_roster *roster = &passwd->roster;
    int status = kp_passwd_need(passwd);
    if (status != KP_EXIT_DONE)
        return status;
    printf("device id: %s\n", kp_passwd_shown(&roster->device_id));
    for (size_t i = 0; i < roster->count; i++)
        print_user(roster, &roster->users[i]);
    tell_preference(roster);
    return KP_EXIT_DONE;
}

int kp_passwd_check(struct kp_passwd *passwd)
{
    char prompt[KP_TEXT_ESCAPED_MAX(KP_NAME_MAX) + 20];
    struct kp_text name;
    struct kp_text password = {NULL, 0};
    bool right = false;
    int status = kp_ask_name(kp_options_get(passwd->options, "user"), "admin", false, &name);
    if (status != KP_EXIT_DONE)
        return status;
    status = kp_passwd_need(passwd);
    (void)snprintf(prompt, sizeof prompt, "Password of %s", kp_passwd_shown(&name));
    const struct kp_ask ask = {.options = passwd->options, .prompt = prompt};
    if (status == KP_EXIT_DONE)
        status = kp_ask_password(&ask, &password);
    if (status == KP_EXIT_DONE) {
        int error = kp_roster_check(&passwd->roster, passwd->crypto, &name, &password, &right);
        if (error != 0)
            status = kp_passwd_error(passwd, error);
        else if (!right)
            status = kp_command_fail(KP_EXIT_PROOF, "wrong name or password");
    }
    kp_text_clear(&password);
    kp_text_clear(&name);
    return status;
}
