/*
 * keyplate passwd import and export: OpenSSL's .srpv, GnuTLS's tpasswd and tpasswd.conf.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "creds/foreign.h"
#include "passwd.h"

/* The words after the action. */
static const char *file_argument(const struct kp_passwd *passwd, size_t index)
{
    return passwd->options->positional_count > 1 + index ? passwd->options->positionals[1 + index]
                                                         : NULL;
}

/* --format, and that OpenSSL's has no second file. */
static int format(const struct kp_passwd *passwd, bool *gnutls)
{
    static const char *const choices[] = {"openssl", "gnutls", NULL};
    char why[KP_OPTIONS_WHY_LEN];
    size_t choice;
    if (kp_options_choice(passwd->options, "format", choices, 0, &choice, why) != 0)
        return kp_command_misused("%s", why);
    *gnutls = choice == 1;
    if (!*gnutls && file_argument(passwd, 1) != NULL)
        return kp_command_misused("a second file belongs to --format gnutls");
    return KP_EXIT_DONE;
}

/* --user in NFC; without data when it isn't given. */
static int only_user(const struct kp_passwd *passwd, struct kp_text *name)
{
    const char *given = kp_options_get(passwd->options, "user");
    *name = (struct kp_text){NULL, 0};
    return given != NULL ? kp_ask_name(given, NULL, false, name) : KP_EXIT_DONE;
}

/* ---- Import ------------------------------------------------------------------------------ */

static int read_text(const char *path, struct kp_text *text)
{
    struct kp_file_error unread = {""};
    if (kp_file_read(path, false, text, &unread) != 0)
        return kp_command_fail(KP_EXIT_FAILED, "%s", unread.why);
    return KP_EXIT_DONE;
}

static int read_foreign(const struct kp_passwd *passwd, bool gnutls, struct kp_foreign *out)
{
    const char *path = file_argument(passwd, 0);
    const char *conf_path = file_argument(passwd, 1);
    struct kp_text text;
    struct kp_text conf = {NULL, 0};
    struct kp_store_fault fault = {.line = 0};
    bool in_conf = false;
    int status = read_text(path, &text);
    if (status == KP_EXIT_DONE && conf_path != NULL)
        status = read_text(conf_path, &conf);
    if (status == KP_EXIT_DONE) {
        int error = gnutls ? kp_foreign_tpasswd_read(out, text.data, text.len, conf.data, conf.len,
                                                     &fault, &in_conf)
                           : kp_foreign_srpv_read(out, text.data, text.len, &fault);
        if (error == KP_E_SYNTAX)
            status = kp_command_fail(KP_EXIT_FAILED, "%s, line %u: %s", in_conf ? conf_path : path,
                                     fault.line, fault.why);
        else if (error != 0)
            status = kp_passwd_error(passwd, error);
    }
    kp_text_clear(&conf);
    kp_text_clear(&text);
    return status;
}

/* Leaves the one user who is asked for; without one, all. */
static int narrow(const char *path, struct kp_foreign *foreign, const struct kp_text *only)
{
    if (foreign->count == 0)
        return kp_command_fail(KP_EXIT_FAILED, "%s has no users", path);
    if (only->data == NULL)
        return KP_EXIT_DONE;
    struct kp_foreign_user *found = kp_foreign_find(foreign, only->data, only->len);
    if (found == NULL)
        return kp_command_fail(KP_EXIT_FAILED, "%s has no user %s", path, kp_passwd_shown(only));
    struct kp_foreign_user keep = *found;
    *found = foreign->users[0];
    foreign->users[0] = keep;
    while (foreign->count > 1)
        kp_roster_user_clear(&foreign->users[--foreign->count].user);
    return KP_EXIT_DONE;
}

/* A name that isn't NFC is one that no Keyplate client could ever send. */
static bool is_nfc(const struct kp_text *name)
{
    struct kp_text normal;
    bool same = kp_text_name(&normal, name->data, name->len, false) == KP_TEXT_FINE &&
                normal.len == name->len && memcmp(normal.data, name->data, name->len) == 0;
    kp_text_clear(&normal);
    return same;
}

/* Whether each user can be taken at all, before anything is touched. */
static int usable(const char *path, const struct kp_foreign *foreign)
{
    for (size_t i = 0; i < foreign->count; i++) {
        const struct kp_foreign_user *user = &foreign->users[i];
        const char *why = user->why;
        if (why == NULL && !is_nfc(&user->user.name))
            why = "has a name that is not in Unicode's form NFC";
        if (why != NULL)
            return kp_command_fail(KP_EXIT_FAILED, "%s, line %u: user %s %s; nothing was changed",
                                   path, user->line, kp_passwd_shown(&user->user.name), why);
    }
    return KP_EXIT_DONE;
}

static int differs(const struct kp_passwd *passwd, const struct kp_roster_user *user)
{
    const struct kp_roster *roster = &passwd->roster;
    const char *name = kp_passwd_shown(&user->name);
    if (user->bits == roster->bits && user->salt_len == roster->salt_len)
        return kp_command_fail(KP_EXIT_FAILED,
                               "user %s has a salt that begins with a zero byte, which OpenSSL's "
                               "clients can't use and strangers can tell: --force takes it",
                               name);
    return kp_command_fail(
        KP_EXIT_FAILED,
        "user %s has a group of %u bits and a salt of %zu bytes, where %s has %u "
        "and %zu: strangers could tell that the name exists; --force takes it",
        name, user->bits, user->salt_len, passwd->path, roster->bits, roster->salt_len);
}

static int take(struct kp_passwd *passwd, struct kp_roster_user *user)
{
    bool force = kp_options_has(passwd->options, "force");
    bool different = kp_roster_differs(&passwd->roster, user);
    if (different && !force)
        return differs(passwd, user);
    if (different)
        kp_command_warn("strangers can tell that the user %s exists: set the password anew with "
                        "keyplate passwd change",
                        kp_passwd_shown(&user->name));
    if (kp_roster_find(&passwd->roster, user->name.data, user->name.len) != NULL)
        return kp_command_fail(KP_EXIT_FAILED,
                               "%s has a user %s already: remove it first; nothing was changed",
                               passwd->path, kp_passwd_shown(&user->name));
    int error = kp_roster_add(&passwd->roster, user);
    return error == 0 ? KP_EXIT_DONE : kp_passwd_error(passwd, error);
}

/* Under the lock: all of them, or nothing.  A new file takes after the first user. */
static int take_all(struct kp_passwd *passwd, struct kp_foreign *foreign)
{
    const struct kp_roster_user *first = &foreign->users[0].user;
    size_t salt_len = first->salt_len < KP_ROSTER_SALT_MIN ? KP_ROSTER_SALT_LEN : first->salt_len;
    int status = kp_passwd_lock(passwd);
    if (status == KP_EXIT_DONE)
        status = passwd->there ? kp_passwd_same_header(passwd)
                               : kp_passwd_create(passwd, first->bits, salt_len);
    if (status == KP_EXIT_DONE)
        status = kp_passwd_keep_tls13(passwd, &first->name);
    for (size_t i = 0; status == KP_EXIT_DONE && i < foreign->count; i++)
        status = take(passwd, &foreign->users[i].user);
    return status == KP_EXIT_DONE ? kp_passwd_write(passwd) : status;
}

int kp_passwd_import(struct kp_passwd *passwd)
{
    struct kp_foreign foreign = {NULL, 0};
    struct kp_text only = {NULL, 0};
    const char *path = file_argument(passwd, 0);
    bool gnutls = false;
    unsigned bits;
    if (path == NULL)
        return kp_command_misused("which file to import is missing");
    int status = format(passwd, &gnutls);
    if (status == KP_EXIT_DONE)
        status = kp_passwd_group(passwd->options, 0, &bits);
    if (status == KP_EXIT_DONE)
        status = only_user(passwd, &only);
    if (status == KP_EXIT_DONE)
        status = read_foreign(passwd, gnutls, &foreign);
    if (status == KP_EXIT_DONE)
        status = narrow(path, &foreign, &only);
    if (status == KP_EXIT_DONE)
        status = usable(path, &foreign);
    if (status == KP_EXIT_DONE)
        status = take_all(passwd, &foreign);
    if (status == KP_EXIT_DONE)
        kp_command_note("%zu user%s taken from %s", foreign.count, foreign.count == 1 ? "" : "s",
                        path);
    kp_foreign_clear(&foreign);
    kp_text_clear(&only);
    return status;
}

/* ---- Export ------------------------------------------------------------------------------ */

static int write_file(const char *path, const struct kp_text *text)
{
    struct kp_file_lock lock;
    struct kp_file_error unwritten = {""};
    int error = kp_file_lock(&lock, path, &unwritten);
    if (error == 0) {
        error = kp_file_write(&lock, text->data, text->len, &unwritten);
        if (error == 0)
            error = kp_file_create(&lock, &unwritten);
        kp_file_unlock(&lock);
    }
    return error == 0 ? KP_EXIT_DONE : kp_command_fail(KP_EXIT_FAILED, "%s", unwritten.why);
}

/* A file that is there isn't written over: it may be in use, and others may read it. */
static int is_free(const char *path)
{
    if (path != NULL && access(path, F_OK) == 0)
        return kp_command_fail(KP_EXIT_FAILED, "%s is there already: remove it first", path);
    return KP_EXIT_DONE;
}

static int write_users(const struct kp_passwd *passwd, const struct kp_text *text)
{
    const char *path = file_argument(passwd, 0);
    if (path != NULL)
        return write_file(path, text);
    (void)fwrite(text->data, 1, text->len, stdout);
    return KP_EXIT_DONE;
}

static int write_conf(const struct kp_passwd *passwd)
{
    struct kp_text conf;
    int error = kp_foreign_tpasswd_conf(&conf);
    if (error != 0)
        return kp_passwd_error(passwd, error);
    int status = write_file(file_argument(passwd, 1), &conf);
    kp_text_clear(&conf);
    return status;
}

static int export_users(const struct kp_passwd *passwd, const struct kp_roster_user *users,
                        size_t count, bool gnutls)
{
    const struct kp_roster_user *bad = NULL;
    struct kp_text text;
    int error = gnutls ? kp_foreign_tpasswd_write(&text, users, count, &bad)
                       : kp_foreign_srpv_write(&text, users, count, &bad);
    if (error == KP_E_NAME)
        return kp_command_fail(KP_EXIT_FAILED, "the name of user %s can't stand in such a file",
                               kp_passwd_shown(&bad->name));
    if (error != 0)
        return kp_passwd_error(passwd, error);
    int status = write_users(passwd, &text);
    if (status == KP_EXIT_DONE && file_argument(passwd, 1) != NULL)
        status = write_conf(passwd);
    kp_text_clear(&text);
    return status;
}

/* Says which users such a file can't hold; when that is all of them, it isn't written. */
static int leave_out(const struct kp_passwd *passwd, const struct kp_roster_user *users,
                     size_t count)
{
    size_t left_out = 0;
    for (size_t i = 0; i < count; i++)
        left_out += users[i].v == NULL;
    if (count > 0 && left_out == count)
        return kp_command_fail(KP_EXIT_FAILED,
                               "%s of %s has TLS 1.3 only, and such a file holds passwords for TLS "
                               "1.2",
                               count == 1 ? kp_passwd_shown(&users->name) : "every user",
                               passwd->path);
    for (size_t i = 0; i < count; i++)
        if (users[i].v == NULL)
            kp_command_warn("%s was left out: TLS 1.3 only, and such a file holds passwords for "
                            "TLS 1.2",
                            kp_passwd_shown(&users[i].name));
    return KP_EXIT_DONE;
}

/* All users, or the one who is asked for. */
static int export_asked(const struct kp_passwd *passwd, const struct kp_text *only, bool gnutls)
{
    const struct kp_roster_user *users = passwd->roster.users;
    size_t count = passwd->roster.count;
    if (only->data != NULL) {
        users = kp_roster_find(&passwd->roster, only->data, only->len);
        count = 1;
    }
    if (only->data != NULL && users == NULL)
        return kp_command_fail(KP_EXIT_FAILED, "%s has no user %s", passwd->path,
                               kp_passwd_shown(only));
    int status = leave_out(passwd, users, count);
    return status == KP_EXIT_DONE ? export_users(passwd, users, count, gnutls) : status;
}

int kp_passwd_export(struct kp_passwd *passwd)
{
    struct kp_text only = {NULL, 0};
    bool gnutls = false;
    int status = format(passwd, &gnutls);
    if (status == KP_EXIT_DONE)
        status = is_free(file_argument(passwd, 0));
    if (status == KP_EXIT_DONE)
        status = is_free(file_argument(passwd, 1));
    if (status == KP_EXIT_DONE)
        status = only_user(passwd, &only);
    if (status == KP_EXIT_DONE)
        status = kp_passwd_need(passwd);
    if (status == KP_EXIT_DONE)
        status = export_asked(passwd, &only, gnutls);
    kp_text_clear(&only);
    return status;
}
