/*
 * keyplate passwd list and check: what changes nothing.
 */
#include <inttypes.h>
#include <stdio.h>

#include "ask.h"
#include "passwd.h"

int kp_passwd_list(struct kp_passwd *passwd)
{
    const struct kp_roster *roster = &passwd->roster;
    int status = kp_passwd_need(passwd);
    if (status != KP_EXIT_DONE)
        return status;
    printf("device id: %s\n", kp_passwd_shown(&roster->device_id));
    for (size_t i = 0; i < roster->count; i++) {
        const struct kp_roster_user *user = &roster->users[i];
        printf("%s\tgroup %u\tgeneration %" PRIu64 "\tSRP%s\n", kp_passwd_shown(&user->name),
               user->bits, user->generation,
               kp_roster_differs(roster, user) ? "\tstrangers can tell that this name exists" : "");
    }
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
