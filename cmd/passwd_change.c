/*
 * keyplate passwd add, change, remove.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "base/secret.h"
#include "creds/label.h"
#include "passwd.h"
#include "password_rules.h"

#define TRIES 3          /* of a person who is asked for a new password */
#define ENOUGH_DIGITS 10 /* fewer, of digits alone, are warned of */

/* A new password: made for a label into label too, or asked for.  refused: why the one before
 * wasn't taken; NULL. */
static int new_password(const struct kp_passwd *passwd, const struct kp_text *name,
                        const char *refused, struct kp_text *password,
                        char label[static KP_LABEL_LEN + 1])
{
    char prompt[KP_TEXT_ESCAPED_MAX(KP_NAME_MAX) + 40];
    if (kp_options_has(passwd->options, "generate")) {
        int error = kp_label_make(passwd->crypto, label);
        if (error == 0)
            error = kp_text_copy(password, label, KP_LABEL_LEN);
        return error == 0 ? KP_EXIT_DONE : kp_passwd_error(passwd, error);
    }
    (void)snprintf(prompt, sizeof prompt, "New password of %s", kp_passwd_shown(name));
    const struct kp_ask ask = {
        .options = passwd->options, .prompt = prompt, .error = refused, .fresh = true};
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

/* What the command line asks for. */
struct request {
    struct kp_text name;
    bool fresh;        /* add */
    unsigned versions; /* KP_USE_* of --tls; 0: not given */
};

/* --tls; 0 without it. */
static int given_versions(const struct kp_options *given, unsigned *versions)
{
    static const char *const choices[] = {"1.2", "1.3", "any", NULL};
    static const unsigned values[] = {KP_USE_TLS12, KP_USE_TLS13, KP_USE_TLS12 | KP_USE_TLS13};
    char why[KP_OPTIONS_WHY_LEN];
    size_t choice;
    if (kp_options_choice(given, "tls", choices, 2, &choice, why) != 0)
        return kp_command_misused("%s", why);
    *versions = kp_options_has(given, "tls") ? values[choice] : 0;
    return KP_EXIT_DONE;
}

/* Whether the user has TLS 1.3 alone and keeps that: somebody chose it so that a stolen file costs
 * scrypt a guess, and a new password alone must not undo it. */
static bool stays_tls13(const struct kp_passwd *passwd, const struct request *request)
{
    const struct kp_roster_user *old =
        passwd->there ? kp_roster_find(&passwd->roster, request->name.data, request->name.len)
                      : NULL;
    return request->versions == 0 && old != NULL && kp_roster_user_versions(old) == KP_USE_TLS13;
}

/* The versions that the new password is for. */
static unsigned versions_of(const struct kp_passwd *passwd, const struct request *request)
{
    if (request->versions != 0)
        return request->versions;
    return stays_tls13(passwd, request) ? KP_USE_TLS13 : KP_USE_TLS12 | KP_USE_TLS13;
}

/* Whether there is a user of that name to change or remove. */
static int can_find(const struct kp_passwd *passwd, const struct kp_text *name)
{
    if (!passwd->there)
        return kp_command_fail(KP_EXIT_FAILED, "%s is not there: keyplate passwd add makes it",
                               passwd->path);
    if (kp_roster_find(&passwd->roster, name->data, name->len) == NULL)
        return missing(passwd, name);
    return KP_EXIT_DONE;
}

static int can_add(const struct kp_passwd *passwd, const struct kp_text *name)
{
    if (!passwd->there)
        return KP_EXIT_DONE;
    if (kp_roster_find(&passwd->roster, name->data, name->len) != NULL)
        return exists(passwd, name);
    return kp_passwd_same_header(passwd);
}

/* Whether the password can be set: asked before it is, and again under the lock. */
static int can(const struct kp_passwd *passwd, const struct request *request)
{
    int status =
        request->fresh ? can_add(passwd, &request->name) : can_find(passwd, &request->name);
    if (status == KP_EXIT_DONE && versions_of(passwd, request) == KP_USE_TLS12)
        status = kp_passwd_keep_tls13(passwd, &request->name);
    return status;
}

/* Why the new password is soon guessed, however good the protocol is; NULL. */
static int find_weakness(const struct kp_passwd *passwd, const struct kp_text *name,
                         const struct kp_text *password, const char **why)
{
    enum kp_password_fault fault;
    int error =
        kp_password_judge(passwd->crypto, password, name, &passwd->roster.device_id, &fault);
    *why = fault != KP_PASSWORD_FINE ? kp_password_fault_text(fault) : NULL;
    return error;
}

/* A new password by the rules, which are for change alone: what is put on labels is the vendor's
 * affair, and add only warns.  A person is told why, and asked again. */
static int choose_password(const struct kp_passwd *passwd, const struct request *request,
                           struct kp_text *password, char label[static KP_LABEL_LEN + 1])
{
    const char *why = NULL;
    int tries = kp_ask_again_makes_sense(passwd->options) ? TRIES : 1;
    for (;;) {
        int status = new_password(passwd, &request->name, why, password, label);
        if (status != KP_EXIT_DONE || request->fresh ||
            kp_options_has(passwd->options, "allow-weak"))
            return status;
        int error = find_weakness(passwd, &request->name, password, &why);
        if (error != 0)
            return kp_passwd_error(passwd, error);
        if (why == NULL)
            return KP_EXIT_DONE;
        kp_text_clear(password);
        if (--tries == 0)
            return kp_command_fail(KP_EXIT_FAILED,
                                   "%s; nothing was changed (--allow-weak takes it all the same)",
                                   why);
        kp_command_note("%s", why);
    }
}

static bool is_few_digits(const struct kp_text *password)
{
    size_t digits = 0;
    while (digits < password->len && password->data[digits] >= '0' && password->data[digits] <= '9')
        digits++;
    return digits == password->len && digits < ENOUGH_DIGITS;
}

/* Of a password that is in force already: an error here would be no help. */
static void warn_of_weakness(const struct kp_passwd *passwd, const struct kp_text *name,
                             const struct kp_text *password)
{
    const char *why = NULL;
    if (find_weakness(passwd, name, password, &why) == 0 && why == NULL && is_few_digits(password))
        why = "the password is short for digits alone";
    if (why != NULL)
        kp_command_warn("%s; --generate makes a safe one", why);
}

/* Alone on a line of standard output, and by write: stdio would keep what it couldn't write for
 * another try. */
static int print_label(const struct kp_text *name, const char *label)
{
    char line[KP_LABEL_LEN + 1];
    size_t done = 0;
    kp_command_note("the password of %s, which is shown this once:", kp_passwd_shown(name));
    memcpy(line, label, KP_LABEL_LEN);
    line[KP_LABEL_LEN] = '\n';
    while (done < sizeof line) {
        ssize_t n = write(STDOUT_FILENO, line + done, sizeof line - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break;
        done += (size_t)n;
    }
    kp_wipe(line, sizeof line);
    if (done < sizeof line)
        return kp_command_fail(KP_EXIT_FAILED,
                               "cannot write to standard output: %s; nothing was changed",
                               strerror(errno));
    return KP_EXIT_DONE;
}

/* The roster into the file.  A password that was made is shown first: one that nobody saw must not
 * be in force. */
static int put_in_force(struct kp_passwd *passwd, const struct kp_text *name, const char *label)
{
    int status = kp_passwd_stage(passwd);
    if (label[0] == '\0')
        return status == KP_EXIT_DONE ? kp_passwd_commit(passwd, "") : status;
    if (status == KP_EXIT_DONE)
        status = print_label(name, label);
    if (status == KP_EXIT_DONE)
        status = kp_passwd_commit(passwd, "; the password that was printed is NOT in force");
    return status;
}

/* Under the lock: the user into the roster and the roster into the file.  *stays: see above. */
static int apply(struct kp_passwd *passwd, const struct request *request,
                 const struct kp_text *password, const char *label, bool *stays)
{
    struct kp_roster_user user;
    int status = kp_passwd_lock(passwd);
    if (status == KP_EXIT_DONE)
        status = can(passwd, request);
    if (status == KP_EXIT_DONE && !passwd->there)
        status = kp_passwd_create(passwd, KP_ROSTER_BITS, KP_ROSTER_SALT_LEN);
    if (status != KP_EXIT_DONE)
        return status;
    *stays = stays_tls13(passwd, request);
    int error = kp_roster_user_make(&user, &passwd->roster, passwd->crypto, &request->name,
                                    password, versions_of(passwd, request));
    if (error == 0) {
        error = request->fresh ? kp_roster_add(&passwd->roster, &user)
                               : kp_roster_change(&passwd->roster, &user);
        kp_roster_user_clear(&user);
    }
    return error == 0 ? put_in_force(passwd, &request->name, label)
                      : kp_passwd_error(passwd, error);
}

static void tell_set(const struct kp_passwd *passwd, const struct request *request,
                     const struct kp_text *password, bool stays)
{
    const char *name = kp_passwd_shown(&request->name);
    if (request->fresh)
        kp_command_note("%s was added to %s", name, passwd->path);
    else
        kp_command_note("the password of %s was changed in %s", name, passwd->path);
    kp_passwd_tell_link(passwd, &request->name);
    if (stays)
        kp_command_note("%s has TLS 1.3 only, as before: --tls any makes it both", name);
    warn_of_weakness(passwd, &request->name, password);
}

/* Asks for the password and puts it in force. */
static int set_password(struct kp_passwd *passwd, const struct request *request)
{
    char label[KP_LABEL_LEN + 1] = "";
    struct kp_text password = {NULL, 0};
    bool stays = false;
    int status = kp_passwd_read(passwd);
    if (status == KP_EXIT_DONE)
        status = can(passwd, request);
    if (status == KP_EXIT_DONE)
        status = choose_password(passwd, request, &password, label);
    if (status == KP_EXIT_DONE)
        status = apply(passwd, request, &password, label, &stays);
    if (status == KP_EXIT_DONE)
        tell_set(passwd, request, &password, stays);
    kp_wipe(label, sizeof label);
    kp_text_clear(&password);
    return status;
}

static int set(struct kp_passwd *passwd, bool fresh)
{
    struct request request = {.fresh = fresh};
    unsigned bits;
    if (kp_options_has(passwd->options, "generate") && !kp_ask_again_makes_sense(passwd->options))
        return kp_command_misused("--generate makes the password: leave --password-file and "
                                  "--password-fd out");
    int status = kp_passwd_group(passwd->options, 0, &bits);
    if (status == KP_EXIT_DONE)
        status = given_versions(passwd->options, &request.versions);
    if (status == KP_EXIT_DONE)
        status = kp_passwd_check_place(passwd);
    if (status == KP_EXIT_DONE)
        status =
            kp_ask_name(kp_options_get(passwd->options, "user"), "admin", fresh, &request.name);
    if (status != KP_EXIT_DONE)
        return status;
    status = set_password(passwd, &request);
    kp_text_clear(&request.name);
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
        status = can_find(passwd, &name);
    if (status == KP_EXIT_DONE && kp_roster_remove(&passwd->roster, name.data, name.len) != 0)
        status = missing(passwd, &name);
    if (status == KP_EXIT_DONE)
        status = kp_passwd_write(passwd);
    if (status == KP_EXIT_DONE)
        kp_command_note("%s was removed from %s", kp_passwd_shown(&name), passwd->path);
    kp_text_clear(&name);
    return status;
}
