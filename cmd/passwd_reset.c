/*
 * keyplate passwd reset: the credentials as they left the factory.
 *
 * Nothing of the old file is needed but one number: the generation that the new one must go beyond,
 * so that no ticket and no session of before fits a user of after, also where the password is the
 * same.  Where that number can't be read for sure there is a random jump beyond what can.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/secret.h"
#include "passwd.h"

#define JUMP_BYTES 5 /* of a random jump: 40 bits */

/* What is known of the file that is replaced. */
struct former {
    uint64_t generation;      /* the highest that was found */
    bool sure;                /* there can't have been a higher one */
    struct kp_text device_id; /* empty when it can't be read */
};

static int unchanged(const char *why)
{
    return kp_command_fail(KP_EXIT_FAILED, "%s; nothing was changed", why);
}

/* Whether both paths lead to one file. */
static bool same_file(const char *one, const char *other)
{
    struct stat a;
    struct stat b;
    return stat(one, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

static int parse_factory(struct kp_passwd *passwd, const char *path, const struct kp_text *text)
{
    struct kp_store_fault fault = {.line = 0};
    int error = kp_roster_parse(&passwd->roster, passwd->crypto, text->data, text->len, &fault);
    passwd->there = error == 0;
    if (error == KP_E_SYNTAX && fault.line > 0)
        return kp_command_fail(KP_EXIT_FAILED, "%s, line %u: %s; nothing was changed", path,
                               fault.line, fault.why);
    if (error == KP_E_SYNTAX)
        return kp_command_fail(KP_EXIT_FAILED, "%s: %s; nothing was changed", path, fault.why);
    if (error != 0)
        return kp_passwd_error(passwd, error);
    if (passwd->roster.generation > KP_ROSTER_GENERATION_SANE)
        return kp_command_fail(KP_EXIT_FAILED,
                               "%s: no file from a factory has a generation of %" PRIu64
                               "; nothing was changed",
                               path, passwd->roster.generation);
    return KP_EXIT_DONE;
}

/* The roster becomes the factory's copy. */
static int read_factory(struct kp_passwd *passwd, const char *path)
{
    struct kp_text text;
    struct kp_file_error unread = {""};
    if (same_file(path, passwd->path))
        return kp_command_fail(KP_EXIT_FAILED,
                               "%s is the credentials file itself: the factory's copy has to be "
                               "another file; nothing was changed",
                               path);
    if (kp_file_read(path, true, &text, &unread) != 0)
        return unchanged(unread.why);
    int status = parse_factory(passwd, path, &text);
    kp_text_clear(&text);
    return status;
}

static int lock(struct kp_passwd *passwd)
{
    struct kp_file_error unlocked = {""};
    if (kp_file_lock(&passwd->lock, passwd->path, &unlocked) != 0)
        return unchanged(unlocked.why);
    passwd->locked = true;
    return KP_EXIT_DONE;
}

/* The new file gets the old one's mode: without what others may, first. */
static int tighten(const struct kp_passwd *passwd)
{
    const struct kp_file_lock *held = &passwd->lock;
    struct stat st;
    if (fstatat(held->directory, held->name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(st.st_mode) || (st.st_mode & 07477) == S_IRUSR)
        return KP_EXIT_DONE;
    mode_t mode = (st.st_mode & 0700) | S_IRUSR;
    if (fchmodat(held->directory, held->name, mode, AT_SYMLINK_NOFOLLOW) != 0)
        return kp_command_fail(
            KP_EXIT_FAILED, "%s has mode %04o, and that can't be changed: %s; nothing was changed",
            passwd->path, (unsigned)st.st_mode & 07777, strerror(errno));
    kp_command_note("%s had mode %04o: it is %04o now", passwd->path, (unsigned)st.st_mode & 07777,
                    (unsigned)mode);
    return KP_EXIT_DONE;
}

/* What the old text tells, whole or not. */
static int look_into(const struct kp_passwd *passwd, const struct kp_text *text,
                     struct former *former)
{
    struct kp_roster old;
    struct kp_store_fault fault = {.line = 0};
    int error = kp_roster_parse(&old, passwd->crypto, text->data, text->len, &fault);
    if (error == 0) {
        former->device_id = old.device_id;
        old.device_id = (struct kp_text){NULL, 0};
        kp_roster_clear(&old);
    } else if (error == KP_E_SYNTAX && fault.line > 0) {
        kp_command_note("%s was damaged, line %u: %s", passwd->path, fault.line, fault.why);
    } else if (error == KP_E_SYNTAX) {
        kp_command_note("%s was damaged: %s", passwd->path, fault.why);
    }
    if (error == 0 || error == KP_E_SYNTAX)
        error = kp_roster_salvage_generation(passwd->crypto, text->data, text->len,
                                             &former->generation, &former->sure);
    return error == 0 ? KP_EXIT_DONE : kp_passwd_error(passwd, error);
}

/* A file that can't be read is no error: it is what a reset is for. */
static int read_former(const struct kp_passwd *passwd, struct former *former)
{
    struct kp_text text;
    struct kp_file_error unread = {""};
    int error = kp_file_read(passwd->path, false, &text, &unread);
    if (error != 0) {
        kp_command_note("%s: it is made anew", unread.why);
        return KP_EXIT_DONE;
    }
    int status = look_into(passwd, &text, former);
    kp_text_clear(&text);
    return status;
}

/* Gives each user a generation beyond all that there were. */
static int rise(struct kp_passwd *passwd, const struct former *former)
{
    struct kp_roster *roster = &passwd->roster;
    uint8_t random[JUMP_BYTES] = {0};
    uint64_t jump = 0;
    uint64_t generation = roster->generation;
    if (former->generation > generation)
        generation = former->generation;
    int error = former->sure ? 0 : kp_random(passwd->crypto, random, sizeof random);
    if (error != 0)
        return kp_passwd_error(passwd, error);
    for (size_t i = 0; i < sizeof random; i++)
        jump = jump << 8 | random[i];
    generation += jump;
    for (size_t i = 0; i < roster->count; i++)
        roster->users[i].generation = ++generation;
    roster->generation = generation;
    return KP_EXIT_DONE;
}

static void tell(const struct kp_passwd *passwd, const char *factory, const struct former *former)
{
    const struct kp_roster *roster = &passwd->roster;
    const struct kp_text *was = &former->device_id;
    if (was->data != NULL && (was->len != roster->device_id.len ||
                              memcmp(was->data, roster->device_id.data, was->len) != 0))
        kp_command_note("%s was of another device: its id was %s", passwd->path,
                        kp_passwd_shown(was));
    kp_command_note("%s is as %s has it: device id %s, %zu user%s", passwd->path, factory,
                    kp_passwd_shown(&roster->device_id), roster->count,
                    roster->count == 1 ? "" : "s");
    if (roster->count == 0)
        kp_command_warn("it has no users: nobody can come in");
}

static int replace(struct kp_passwd *passwd, const char *factory, struct former *former)
{
    int status = lock(passwd);
    if (status == KP_EXIT_DONE)
        status = read_former(passwd, former);
    if (status == KP_EXIT_DONE)
        status = rise(passwd, former);
    if (status == KP_EXIT_DONE)
        status = tighten(passwd);
    if (status == KP_EXIT_DONE)
        status = kp_passwd_write(passwd);
    if (status == KP_EXIT_DONE)
        tell(passwd, factory, former);
    return status;
}

int kp_passwd_reset(struct kp_passwd *passwd)
{
    const char *factory = kp_options_get(passwd->options, "factory");
    struct former former = {.sure = false};
    if (factory == NULL)
        return kp_command_misused("--factory FILE is missing");
    int status = read_factory(passwd, factory);
    if (status == KP_EXIT_DONE)
        status = replace(passwd, factory, &former);
    kp_text_clear(&former.device_id);
    return status;
}
