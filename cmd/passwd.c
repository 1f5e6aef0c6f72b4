/*
 * keyplate passwd: who may come in, and by which password.  The table of its actions, and the
 * credentials file that they share.
 */
#include "passwd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "creds/label.h"

#define DEFAULT_PATH "/var/lib/keyplate/credentials"
#define ID_LETTERS 16 /* of a random device id: 80 bits */
#define SCRYPT_MIB 32 /* see kp_spake2plus_stretch */

static const struct kp_option options[] = {
    {"credentials", KP_OPTION_VALUE, "FILE", "the credentials file (default: " DEFAULT_PATH ")"},
    {"user", KP_OPTION_VALUE, "NAME", "whose password; import and export: this user alone"},
    KP_ASK_OPTIONS,
    {"generate", KP_OPTION_FLAG, NULL,
     "add, change: make a password for the device's label, and print it once on standard output"},
    {"group", KP_OPTION_VALUE, "BITS",
     "a new file's SRP group: 2048, 3072 (the default), 4096, 6144 or 8192"},
    {"device-id", KP_OPTION_VALUE, "ID", "a new file's device id (default: a random one)"},
    {"format", KP_OPTION_VALUE, "openssl|gnutls",
     "import, export: .srpv of OpenSSL (the default), or tpasswd and tpasswd.conf of GnuTLS"},
    {"tls", KP_OPTION_VALUE, "1.2|1.3|any",
     "add, change: the versions of TLS that the password is for (default: any, which is both; "
     "change leaves a user of TLS 1.3 alone at that)"},
    {"allow-tls12", KP_OPTION_FLAG, NULL,
     "add, change, import: let there be a user of TLS 1.2 alone, even if all others have TLS 1.3"},
    {"allow-weak", KP_OPTION_FLAG, NULL,
     "change: take a password that is soon guessed, with a warning"},
    {"factory", KP_OPTION_VALUE, "FILE", "reset: the credentials as they left the factory"},
    {"socket", KP_OPTION_VALUE, "PATH", "listen, call: the unix socket"},
    {"socket-group", KP_OPTION_VALUE, "GROUP",
     "listen: whose members may connect, too (default: nobody but this user)"},
    {"force", KP_OPTION_FLAG, NULL,
     "import: take users whose group or salt length is not the file's, too"},
    {NULL, KP_OPTION_FLAG, NULL, NULL},
};

static const struct action {
    const char *name;
    int (*run)(struct kp_passwd *passwd);
    size_t max_files;    /* positionals after it */
    const char *options; /* beside --credentials, each between spaces */
} actions[] = {
    {"add", kp_passwd_add, 0,
     " user password-file password-fd generate group device-id tls allow-tls12 "},
    {"change", kp_passwd_change, 0,
     " user password-file password-fd generate tls allow-tls12 allow-weak "},
    {"remove", kp_passwd_remove, 0, " user "},
    {"list", kp_passwd_list, 0, ""},
    {"check", kp_passwd_check, 0, " user password-file password-fd "},
    {"import", kp_passwd_import, 2, " user group device-id format force allow-tls12 "},
    {"export", kp_passwd_export, 2, " user format "},
    {"reset", kp_passwd_reset, 0, " factory "},
    {"listen", kp_passwd_listen, 0, " socket socket-group "},
    {"call", kp_passwd_call, 0, " socket "},
};

const char *kp_passwd_shown(const struct kp_text *name)
{
    static char shown[KP_TEXT_ESCAPED_MAX(KP_NAME_MAX)];
    return kp_text_escape(shown, name->data, name->len < KP_NAME_MAX ? name->len : KP_NAME_MAX);
}

int kp_passwd_error(const struct kp_passwd *passwd, int error)
{
    if (error == KP_E_TOO_LONG)
        return kp_command_fail(KP_EXIT_FAILED,
                               "%s would grow over 1 MiB: too many users; nothing was changed",
                               passwd->path);
    if (error == KP_E_MEMORY || error == KP_E_CRYPTO)
        return kp_command_fail(KP_EXIT_FAILED,
                               "%s; nothing was changed (a password for TLS 1.3 takes %d MiB of "
                               "memory for a moment)",
                               kp_error_text(error), SCRYPT_MIB);
    return kp_command_fail(KP_EXIT_FAILED, "%s; nothing was changed", kp_error_text(error));
}

static int parse(struct kp_passwd *passwd, const struct kp_text *text)
{
    struct kp_store_fault fault = {.line = 0};
    int error = kp_roster_parse(&passwd->roster, passwd->crypto, text->data, text->len, &fault);
    if (error == KP_E_SYNTAX && fault.line > 0)
        return kp_command_fail(KP_EXIT_FAILED, "%s, line %u: %s", passwd->path, fault.line,
                               fault.why);
    if (error == KP_E_SYNTAX)
        return kp_command_fail(KP_EXIT_FAILED, "%s: %s", passwd->path, fault.why);
    return error == 0 ? KP_EXIT_DONE : kp_passwd_error(passwd, error);
}

int kp_passwd_read(struct kp_passwd *passwd)
{
    struct kp_text text;
    struct kp_file_error unread = {""};
    if (passwd->there)
        kp_roster_clear(&passwd->roster);
    passwd->there = false;
    int error = kp_file_read(passwd->path, true, &text, &unread);
    if (error == KP_E_NOT_FOUND)
        return KP_EXIT_DONE;
    if (error != 0)
        return kp_command_fail(KP_EXIT_FAILED, "%s", unread.why);
    int status = parse(passwd, &text);
    passwd->there = status == KP_EXIT_DONE;
    kp_text_clear(&text);
    return status;
}

int kp_passwd_need(struct kp_passwd *passwd)
{
    int status = kp_passwd_read(passwd);
    if (status == KP_EXIT_DONE && !passwd->there)
        return kp_command_fail(KP_EXIT_FAILED, "%s is not there: keyplate passwd add makes it",
                               passwd->path);
    return status;
}

int kp_passwd_lock(struct kp_passwd *passwd)
{
    struct kp_file_error unlocked = {""};
    if (kp_file_lock(&passwd->lock, passwd->path, &unlocked) != 0)
        return kp_command_fail(KP_EXIT_FAILED, "%s", unlocked.why);
    passwd->locked = true;
    return kp_passwd_read(passwd);
}

int kp_passwd_group(const struct kp_options *given, unsigned fallback, unsigned *bits)
{
    static const char *const choices[] = {"2048", "3072", "4096", "6144", "8192", NULL};
    static const unsigned values[] = {2048, 3072, 4096, 6144, 8192};
    char why[KP_OPTIONS_WHY_LEN];
    size_t choice;
    if (kp_options_choice(given, "group", choices, 0, &choice, why) != 0)
        return kp_command_misused("%s", why);
    *bits = kp_options_has(given, "group") ? values[choice] : fallback;
    return KP_EXIT_DONE;
}

/* --device-id in NFC; empty when it isn't given. */
static int given_id(const struct kp_options *given, struct kp_text *id)
{
    const char *text = kp_options_get(given, "device-id");
    *id = (struct kp_text){NULL, 0};
    if (text == NULL)
        return KP_EXIT_DONE;
    enum kp_text_fault fault = kp_text_name(id, text, strlen(text), false);
    if (fault != KP_TEXT_FINE)
        return kp_command_fail(KP_EXIT_USAGE, "the device id %s", kp_text_fault_text(fault));
    return KP_EXIT_DONE;
}

int kp_passwd_same_header(const struct kp_passwd *passwd)
{
    const struct kp_roster *roster = &passwd->roster;
    struct kp_text id = {NULL, 0};
    unsigned bits = 0;
    int status = kp_passwd_group(passwd->options, roster->bits, &bits);
    if (status == KP_EXIT_DONE)
        status = given_id(passwd->options, &id);
    if (status != KP_EXIT_DONE)
        return status;
    if (bits != roster->bits)
        status = kp_command_fail(KP_EXIT_USAGE,
                                 "the group of %s is %u bits and stays that: leave --group out",
                                 passwd->path, roster->bits);
    else if (id.data != NULL && (id.len != roster->device_id.len ||
                                 memcmp(id.data, roster->device_id.data, id.len) != 0))
        status = kp_command_fail(KP_EXIT_USAGE,
                                 "the device id of %s is %s and stays that: leave --device-id out",
                                 passwd->path, kp_passwd_shown(&roster->device_id));
    kp_text_clear(&id);
    return status;
}

int kp_passwd_keep_tls13(const struct kp_passwd *passwd, const struct kp_text *name)
{
    if (!passwd->there || passwd->roster.count == 0 || kp_roster_only_srp(&passwd->roster) > 0 ||
        kp_options_has(passwd->options, "allow-tls12"))
        return KP_EXIT_DONE;
    return kp_command_fail(
        KP_EXIT_FAILED,
        "%s would be the only user of %s without TLS 1.3: while that is so, new clients that offer "
        "both versions get TLS 1.2, whoever they are; and where the user's own computer remembers "
        "TLS 1.3, the right password is refused as if it were wrong, until --tls 1.2 or keyplate "
        "devices forget; --allow-tls12 does it all the same; nothing was changed",
        kp_passwd_shown(name), passwd->path);
}

int kp_passwd_create(struct kp_passwd *passwd, unsigned bits, size_t salt_len)
{
    struct kp_text id = {NULL, 0};
    int status = kp_passwd_group(passwd->options, bits, &bits);
    if (status == KP_EXIT_DONE)
        status = given_id(passwd->options, &id);
    if (status != KP_EXIT_DONE)
        return status;
    int error = 0;
    if (id.data == NULL) {
        char random_id[ID_LETTERS + 1];
        error = kp_label_letters(passwd->crypto, random_id, ID_LETTERS);
        if (error == 0)
            error = kp_text_copy(&id, random_id, ID_LETTERS);
    }
    if (error == 0)
        error = kp_roster_init(&passwd->roster, passwd->crypto, id.data, id.len, bits, salt_len);
    kp_text_clear(&id);
    if (error != 0)
        return kp_passwd_error(passwd, error);
    passwd->fresh = true;
    passwd->there = true;
    return KP_EXIT_DONE;
}

int kp_passwd_check_place(const struct kp_passwd *passwd)
{
    struct kp_file_error unusable = {""};
    if (kp_file_check_place(passwd->path, &unusable) != 0)
        return kp_command_fail(KP_EXIT_FAILED, "%s", unusable.why);
    return KP_EXIT_DONE;
}

int kp_passwd_stage(struct kp_passwd *passwd)
{
    struct kp_text text;
    struct kp_file_error unwritten = {""};
    int error = kp_roster_format(&passwd->roster, passwd->crypto, &text);
    if (error != 0)
        return kp_passwd_error(passwd, error);
    error = kp_file_write(&passwd->lock, text.data, text.len, &unwritten);
    kp_text_clear(&text);
    if (error != 0)
        return kp_command_fail(KP_EXIT_FAILED, "%s", unwritten.why);
    return KP_EXIT_DONE;
}

int kp_passwd_commit(struct kp_passwd *passwd, const char *lost)
{
    struct kp_file_error unwritten = {""};
    int error = kp_file_commit(&passwd->lock, &unwritten);
    if (error != 0)
        return kp_command_fail(KP_EXIT_FAILED, "%s%s", unwritten.why,
                               error == KP_E_INTERNAL ? "" : lost);
    if (passwd->fresh)
        kp_command_note("%s is new: device id %s, group of %u bits", passwd->path,
                        kp_passwd_shown(&passwd->roster.device_id), passwd->roster.bits);
    return KP_EXIT_DONE;
}

int kp_passwd_write(struct kp_passwd *passwd)
{
    int status = kp_passwd_stage(passwd);
    return status == KP_EXIT_DONE ? kp_passwd_commit(passwd, "") : status;
}

/* Refuses options and files that the action has no use for. */
static int check_usage(const struct action *action, const struct kp_options *given)
{
    for (const struct kp_option *option = options; option->name != NULL; option++) {
        char word[40];
        (void)snprintf(word, sizeof word, " %s ", option->name);
        if (kp_options_has(given, option->name) && strcmp(option->name, "credentials") != 0 &&
            strstr(action->options, word) == NULL)
            return kp_command_misused("--%s has no use with %s", option->name, action->name);
    }
    if (given->positional_count > 1 + action->max_files)
        return kp_command_misused("one word too many for %s", action->name);
    return KP_EXIT_DONE;
}

/* A standard descriptor that is closed would be the number of the next file that is opened, and a
 * printed password go into that.  Reading and printing fail by these as by closed ones. */
static void hold_standard_descriptors(void)
{
    static const int modes[] = {O_WRONLY, O_RDONLY, O_WRONLY};
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", modes[fd]) < 0)
            return;
}

static const struct action *find_action(const char *word)
{
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (strcmp(actions[i].name, word) == 0)
            return &actions[i];
    return NULL;
}

static bool has_action(const char *word)
{
    return find_action(word) != NULL;
}

/* Words that were given are never repeated: one may be a password in the wrong place. */
static int run(struct kp_options *given)
{
    const struct action *action;
    if (given->positional_count == 0)
        return kp_command_misused("what to do is missing: add, change, remove, list, check, "
                                  "import, export, reset, listen or call");
    action = find_action(given->positionals[0]);
    if (action == NULL)
        return kp_command_misused("no such action: it is add, change, remove, list, check, "
                                  "import, export, reset, listen or call");
    int status = check_usage(action, given);
    if (status != KP_EXIT_DONE)
        return status;
    const char *path = kp_options_get(given, "credentials");
    struct kp_passwd passwd = {.options = given, .path = path != NULL ? path : DEFAULT_PATH};
    hold_standard_descriptors();
    if (kp_crypto_new(&passwd.crypto, NULL, NULL) != 0)
        return kp_command_fail(KP_EXIT_FAILED, "the crypto library does not work");
    status = action->run(&passwd);
    if (passwd.there)
        kp_roster_clear(&passwd.roster);
    if (passwd.locked)
        kp_file_unlock(&passwd.lock);
    kp_crypto_free(passwd.crypto);
    return status;
}

const struct kp_command kp_command_passwd = {
    .name = "passwd",
    .summary = "say who may come in: add, change, remove, list, ... users",
    .synopsis = "add|change|remove|list|check [OPTION...]\n"
                "import FILE [CONF] [OPTION...]\n"
                "export [FILE [CONF]] [OPTION...]\n"
                "reset --factory FILE [OPTION...]\n"
                "listen --socket PATH [--socket-group GROUP] [OPTION...]\n"
                "call --socket PATH",
    .about =
        "Edits a device's credentials file, which holds verifiers of each user's password, never "
        "the password.  A server that runs takes a changed file within a second.\n\n"
        "add makes a user, and the file if there is none.  change sets another password.  remove "
        "takes a user out.  list prints the device id, then a line a user.  check tells by its "
        "exit status whether a name and password belong together: 0 right, 3 wrong.  import takes "
        "users from OpenSSL's or GnuTLS's files; export writes such files, or to standard "
        "output.  reset is for the reset button: all becomes as the factory's copy has it, and "
        "nobody's sessions of before fit.\n\n"
        "listen is for the device's own settings page: over its socket whoever knows a password "
        "changes it.  call sends it such a request from standard input and prints the answer.\n\n"
        "A password that change sets has at least 8 characters, and is none of the thousand most "
        "common ones, no run of characters, and not the user's name; --allow-weak takes it all the "
        "same.  add warns of such ones.\n\n"
        "A user's password is for TLS 1.2 (SRP), for TLS 1.3 (SPAKE2+), or for both; list says "
        "which.  Imported users have TLS 1.2 alone, and so have users of a file that an older "
        "Keyplate made: change brings TLS 1.3 with the next password.  While one user has TLS 1.2 "
        "alone, clients that offer both get TLS 1.2, whoever they are.\n\n"
        "Passwords are read from the terminal, from --password-file or from --password-fd; never "
        "from the arguments.",
    .options = options,
    .max_positionals = SIZE_MAX, /* each action counts its own */
    .has_action = has_action,
    .run = run,
};
