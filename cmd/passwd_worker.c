/*
 * One change of a password, in a process of its own: see passwd_worker.h.
 */
#include "passwd_worker.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "device/confine.h"
#include "password_rules.h"

#define NOT_READ "the device's passwords can't be read; the old password stays"
#define NOT_WRITTEN "the new password can't be saved; the old one stays"
#define NO_MEMORY "there is not enough memory free; the old password stays"
#define CHANGED_MEANWHILE "the password is being changed by somebody else; try again"
#define NOT_KNOWN "it is not known which password is in force: try the new one, then the old one"

/* ---- Notes --------------------------------------------------------------------------------- */

bool kp_passwd_note_send(int channel, const struct kp_passwd_note *note)
{
    ssize_t n;
    do
        n = send(channel, note, sizeof *note, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof *note;
}

bool kp_passwd_note_take(int channel, struct kp_passwd_note *note)
{
    ssize_t n;
    do
        n = recv(channel, note, sizeof *note, 0);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof *note;
}

static void tell(int channel, enum kp_passwd_note_kind kind)
{
    const struct kp_passwd_note note = {.kind = (uint8_t)kind};
    (void)!kp_passwd_note_send(channel, &note);
}

static void answer(int channel, const struct kp_passwd_answer *line)
{
    struct kp_passwd_note note = {.kind = KP_NOTE_ANSWER};
    note.answer = *line;
    (void)!kp_passwd_note_send(channel, &note);
}

static void failed(int channel, const char *code, const char *sentence)
{
    struct kp_passwd_answer line;
    kp_passwd_answer_failed(&line, code, sentence);
    answer(channel, &line);
}

static void plain(int channel, const char *word)
{
    struct kp_passwd_answer line;
    kp_passwd_answer_plain(&line, word);
    answer(channel, &line);
}

/* ---- Confined ------------------------------------------------------------------------------ */

/* The folder in which the credentials are rewritten. */
static void folder_of(const char *path, char out[static PATH_MAX])
{
    char resolved[PATH_MAX];
    const char *file = realpath(path, resolved) != NULL ? resolved : path;
    const char *slash = strrchr(file, '/');
    int len = slash == NULL || slash == file ? 1 : (int)(slash - file);
    (void)snprintf(out, PATH_MAX, "%.*s", len, slash == NULL ? "." : file);
}

/* Root that stays root, as the file is root's, makes its files in the group of the file: without
 * capabilities it couldn't give them to it. */
static int take_group(const char *path)
{
    struct stat st;
    if (geteuid() != 0 || stat(path, &st) != 0 || st.st_uid != 0 || st.st_gid == getegid())
        return 0;
    return setresgid(st.st_gid, st.st_gid, st.st_gid);
}

/* Root becomes the owner of the credentials, and only their folder can be written. */
static int confine(const struct kp_passwd *passwd)
{
    static const struct kp_log quiet = {.level = KP_LOG_ERROR};
    const struct kp_confine_settings settings = {.credentials = passwd->path, .log = &quiet};
    char folder[PATH_MAX];
    char why[512];
    folder_of(passwd->path, folder);
    if (take_group(passwd->path) != 0)
        return kp_command_fail(KP_EXIT_FAILED, "cannot take the group of %s: %s", passwd->path,
                               strerror(errno));
    if (kp_confine_user(&settings, why, sizeof why) != 0 || kp_confine_rights(why, sizeof why) != 0)
        return kp_command_fail(KP_EXIT_FAILED, "%s", why);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    /* A kernel without Landlock leaves it to the modes of files. */
    (void)kp_confine_files(kp_confine_landlock(), folder);
    return KP_EXIT_DONE;
}

int kp_passwd_worker_try(struct kp_passwd *passwd)
{
    int status = access(passwd->path, F_OK) == 0 ? confine(passwd) : KP_EXIT_DONE;
    if (status == KP_EXIT_DONE)
        status = kp_passwd_need(passwd);
    if (status == KP_EXIT_DONE)
        status = kp_passwd_check_place(passwd);
    return status;
}

/* ---- The change ---------------------------------------------------------------------------- */

static bool is_well(const struct kp_passwd *passwd, int channel,
                    const struct kp_passwd_request *request)
{
    struct kp_passwd_answer line;
    enum kp_password_fault fault;
    int error = kp_password_judge(passwd->crypto, &request->fresh, &request->name,
                                  &passwd->roster.device_id, &fault);
    if (error == 0 && fault == KP_PASSWORD_FINE)
        return true;
    if (error != 0)
        kp_passwd_answer_failed(&line, "memory", NO_MEMORY);
    else
        kp_passwd_answer_weak(&line, kp_password_fault_code(fault), kp_password_fault_text(fault));
    answer(channel, &line);
    return false;
}

/* Whether the old password is right: of names that aren't there none is, after the same work. */
static bool is_right(const struct kp_passwd *passwd, int channel,
                     const struct kp_passwd_request *request)
{
    bool right = false;
    int error =
        kp_roster_check(&passwd->roster, passwd->crypto, &request->name, &request->old, &right);
    if (error != 0)
        failed(channel, "memory", NO_MEMORY);
    else if (!right)
        plain(channel, "wrong");
    return right;
}

static bool same_bytes(const void *a, const void *b, size_t len)
{
    if (a == NULL || b == NULL)
        return a == b;
    return kp_equal_secret(a, b, len);
}

/* Whether the user's credential is still the one that was judged, whoever wrote the file since. */
static bool is_same_user(const struct kp_roster *before, const struct kp_roster *now,
                         const struct kp_text *name)
{
    const struct kp_roster_user *a = kp_roster_find(before, name->data, name->len);
    const struct kp_roster_user *b = kp_roster_find(now, name->data, name->len);
    return a != NULL && b != NULL && a->generation == b->generation && a->bits == b->bits &&
           a->salt_len == b->salt_len && memcmp(a->salt, b->salt, sizeof a->salt) == 0 &&
           same_bytes(a->v, b->v, a->bits / 8) &&
           same_bytes(a->spake2plus, b->spake2plus, sizeof *a->spake2plus) &&
           before->device_id.len == now->device_id.len &&
           memcmp(before->device_id.data, now->device_id.data, now->device_id.len) == 0;
}

/* Locks the file and reads it again: the judging took time, and wasn't to hold up others. */
static bool lock(struct kp_passwd *passwd, int channel, const struct kp_text *name)
{
    struct kp_roster before = passwd->roster;
    struct kp_file_error busy = {""};
    bool same = false;
    passwd->there = false;
    if (kp_passwd_check_place(passwd) != KP_EXIT_DONE) {
        failed(channel, "file", NOT_WRITTEN);
    } else if (kp_file_lock(&passwd->lock, passwd->path, &busy) != 0) {
        (void)kp_command_fail(KP_EXIT_FAILED, "%s", busy.why);
        failed(channel, "busy", CHANGED_MEANWHILE);
    } else {
        passwd->locked = true;
        if (kp_passwd_read(passwd) != KP_EXIT_DONE || !passwd->there)
            failed(channel, "file", NOT_READ);
        else if (!is_same_user(&before, &passwd->roster, name))
            failed(channel, "busy", CHANGED_MEANWHILE);
        else
            same = true;
    }
    kp_roster_clear(&before);
    return same;
}

/* The new credential into the roster; the versions of TLS are what passwd change makes them. */
static int renew(struct kp_passwd *passwd, const struct kp_passwd_request *request)
{
    struct kp_roster_user user;
    const struct kp_roster_user *old =
        kp_roster_find(&passwd->roster, request->name.data, request->name.len);
    unsigned versions = old != NULL && kp_roster_user_versions(old) == KP_USE_TLS13
                            ? KP_USE_TLS13
                            : KP_USE_TLS12 | KP_USE_TLS13;
    int error = kp_roster_user_make(&user, &passwd->roster, passwd->crypto, &request->name,
                                    &request->fresh, versions);
    if (error == 0) {
        error = kp_roster_change(&passwd->roster, &user);
        kp_roster_user_clear(&user);
    }
    return error;
}

/* From here on a death is to be looked into: the parent has to know of what. */
static bool announce(const struct kp_passwd *passwd, int channel, const struct kp_text *name)
{
    struct kp_passwd_note note = {.kind = KP_NOTE_COMMIT, .generation = passwd->roster.generation};
    note.name_len = name->len;
    memcpy(note.name, name->data, name->len);
    return kp_passwd_note_send(channel, &note);
}

static void commit(struct kp_passwd *passwd, int channel, const struct kp_text *name)
{
    struct kp_file_error unwritten = {""};
    if (!announce(passwd, channel, name))
        return;
    int error = kp_file_commit(&passwd->lock, &unwritten);
    if (error != 0)
        kp_command_warn("%s", unwritten.why);
    if (error != 0 && error != KP_E_INTERNAL) {
        failed(channel, "file", NOT_WRITTEN);
        return;
    }
    kp_file_unlock(&passwd->lock);
    passwd->locked = false;
    kp_command_note("the password of %s was changed over the socket", kp_passwd_shown(name));
    plain(channel, "done");
}

static void change(struct kp_passwd *passwd, int channel, const struct kp_passwd_request *request)
{
    struct kp_passwd_note reply;
    if (kp_passwd_need(passwd) != KP_EXIT_DONE) {
        failed(channel, "file", NOT_READ);
        return;
    }
    if (!is_well(passwd, channel, request))
        return;
    tell(channel, KP_NOTE_ASK);
    if (!kp_passwd_note_take(channel, &reply) || reply.kind != KP_NOTE_GRANT)
        return;
    if (!is_right(passwd, channel, request) || !lock(passwd, channel, &request->name))
        return;
    int error = renew(passwd, request);
    if (error != 0)
        failed(channel, "memory", NO_MEMORY);
    else if (kp_passwd_stage(passwd) != KP_EXIT_DONE)
        failed(channel, "file", NOT_WRITTEN);
    else
        commit(passwd, channel, &request->name);
}

static void leave(struct kp_passwd *passwd)
{
    if (passwd->there)
        kp_roster_clear(&passwd->roster);
    if (passwd->locked)
        kp_file_unlock(&passwd->lock);
}

void kp_passwd_worker_change(struct kp_passwd *passwd, int channel, char *data, size_t len)
{
    struct kp_passwd_request request;
    struct kp_passwd_answer refused;
    if (confine(passwd) != KP_EXIT_DONE) {
        failed(channel, "file", NOT_READ);
        return;
    }
    bool good = kp_passwd_request_parse(&request, data, len, &refused);
    kp_wipe(data, len);
    if (good)
        change(passwd, channel, &request);
    else
        answer(channel, &refused);
    kp_passwd_request_clear(&request);
    leave(passwd);
}

void kp_passwd_worker_look(struct kp_passwd *passwd, int channel,
                           const struct kp_passwd_note *committed)
{
    const struct kp_roster_user *user = NULL;
    if (confine(passwd) == KP_EXIT_DONE && kp_passwd_need(passwd) == KP_EXIT_DONE)
        user = kp_roster_find(&passwd->roster, committed->name, committed->name_len);
    if (user == NULL || user->generation > committed->generation)
        failed(channel, "busy", NOT_KNOWN);
    else if (user->generation == committed->generation)
        plain(channel, "done");
    else
        failed(channel, "memory", NO_MEMORY);
    leave(passwd);
}
