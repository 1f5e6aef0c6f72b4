/*
 * keyplate passwd add, change, remove.
 */
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "base/secret.h"
#include "creds/label.h"
#include "passwd.h"

/* A new password: made for a label into label too, or asked for. */
static int new_password(const struct kp_passwd *passwd, const struct kp_text *name,
                        struct kp_text *password, char label[static KP_LABEL_LEN + 1])
{
    char prompt[KP_TEXT_ESCAPED_MAX(KP_NAME_MAX) + 40];
    if (kp_options_has(passwd->options, "generate")) {
        int error = kp_label_make(passwd->crypto, label);
        if (error == 0)
            error = kp_text_copy(password, label, KP_LABEL_LEN);
        return error == 0 ? KP_EXIT_DONE : kp_passwd_error(passwd, error);
    }
    (void)snprintf(prompt, sizeof prompt, "New password of %s", kp_passwd_shown(name));
    const struct kp_ask ask = {.options = passwd->options, .prompt = prompt, .fresh = true};
    return kp_ask_password(&ask, password);
}

static int exists(const struct kp_passwd *passwd, const struct kp_text *name)
{
    return kp_command_fail(KP_EXIT_FAILED,
                           "%s has a user %s already: keyplate passwd change sets another password",
                           passwd->path, kp_passwd_shown(name));
}

static int missing(const struct kp_passwd *passwd, const struct kp_text *name)
{
    return kp_command_fail(KP_EXIT_FAILED, "%s has no user %s", passwd->path,
                           kp_passwd_shown(name));
}

/* Whether the change can be made: asked before the password is, and again under the lock. */
static int can(const struct kp_passwd *passwd, const struct kp_text *name, bool fresh)
{
    bool found = passwd->there && kp_roster_find(&passwd->roster, name->data, name->len) != NULL;
    if (fresh && found)
        return exists(passwd, name);
    if (!fresh && !passwd->there)
        return kp_command_fail(KP_EXIT_FAILED, "%s is not there: keyplate passwd add makes it",
                               passwd->path);
    if (!fresh && !found)
        return missing(passwd, name);
    return fresh && passwd->there ? kp_passwd_same_header(passwd) : KP_EXIT_DONE;
}

/* Under the lock: the user into the roster and the roster into the file. */
static int apply(struct kp_passwd *passwd, const struct kp_text *name,
                 const struct kp_text *password, bool fresh)
{
    struct kp_roster_user user;
    int status = kp_passwd_lock(passwd);
    if (status == KP_EXIT_DONE)
        status = can(passwd, name, fresh);
    if (status == KP_EXIT_DONE && !passwd->there)
        status = kp_passwd_create(passwd, KP_ROSTER_BITS, KP_ROSTER_SALT_LEN);
    if (status != KP_EXIT_DONE)
        return status;
    int error = kp_roster_user_make(&user, &passwd->roster, passwd->crypto, name, password);
    if (error == 0) {
        error = fresh ? kp_roster_add(&passwd->roster, &user)
                      : kp_roster_change(&passwd->roster, &user);
        kp_roster_user_clear(&user);
    }
    return error == 0 ? kp_passwd_write(passwd) : kp_passwd_error(passwd, error);
}

static void print_label(const struct kp_text *name, const char *label)
{
    kp_command_note("the password of %s, which is shown this once:", kp_passwd_shown(name));
    puts(label);
}

static int set(struct kp_passwd *passwd, bool fresh)
{
    char label[KP_LABEL_LEN + 1] = "";
    struct kp_text name;
    struct kp_text password = {NULL, 0};
    unsigned bits;
    if (kp_options_has(passwd->options, "generate") && !kp_ask_again_makes_sense(passwd->options))
        return kp_command_misused("--generate makes the password: leave --password-file and "
                                  "--password-fd out");
    int status = kp_passwd_group(passwd->options, 0, &bits);
    if (status == KP_EXIT_DONE)
        status = kp_ask_name(kp_options_get(passwd->options, "user"), "admin", fresh, &name);
    if (status != KP_EXIT_DONE)
        return status;
    status = kp_passwd_read(passwd);
    if (status == KP_EXIT_DONE)
        status = can(passwd, &name, fresh);
    if (status == KP_EXIT_DONE)
        status = new_password(passwd, &name, &password, label);
    if (status == KP_EXIT_DONE)
        status = apply(passwd, &name, &password, fresh);
    if (status == KP_EXIT_DONE && label[0] != '\0')
        print_label(&name, label);
    kp_wipe(label, sizeof label);
    kp_text_clear(&password);
    kp_text_clear(&name);
    return status;
}

int kp_passwd_add(struct kp_passwd *passwd)
{
    return set(passwd, true);
}

int kp_passwd_change(struct kp_passwd *passwd)
{
    return set(passwd, false);
}

int kp_passwd_remove(struct kp_passwd *passwd)
{
    struct kp_text name;
    int status = kp_ask_name(kp_options_get(passwd->options, "user"), "admin", false, &name);
    if (status != KP_EXIT_DONE)
        return status;
    status = kp_passwd_lock(passwd);
    if (status == KP_EXIT_DONE)
        status = can(passwd, &name, false);
    if (status == KP_EXIT_DONE && kp_roster_remove(&passwd->roster, name.data, name.len) != 0)
        status = missing(passwd, &name);
    if (status == KP_EXIT_DONE)
        status = kp_passwd_write(passwd);
    kp_text_clear(&name);
    return status;
}
