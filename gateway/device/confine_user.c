/* Root and its capabilities, given up for good: see confine.h.  Knows no file but the one whose
 * owner it may become. */
#include "confine.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- Who ---------------------------------------------------------------------------------- */

static struct kp_confine_user user_of(const struct passwd *entry)
{
    return (struct kp_confine_user){
        .name = entry->pw_name, .uid = entry->pw_uid, .gid = entry->pw_gid};
}

/* A name, or a number, which needs no entry anywhere: its group has the same one then. */
static int find_named(struct kp_confine_user *out, const char *text, char *why, size_t why_len)
{
    const struct passwd *entry = getpwnam(text);
    char *end;
    unsigned long number;
    if (entry != NULL) {
        *out = user_of(entry);
        return 0;
    }
    errno = 0;
    number = strtoul(text, &end, 10);
    if (errno != 0 || *end != '\0' || text[0] < '0' || text[0] > '9' || number >= UINT32_MAX) {
        snprintf(why, why_len, "--run-as %.100s: there is no such user", text);
        return -1;
    }
    entry = getpwuid((uid_t)number);
    *out = entry != NULL ? user_of(entry)
                         : (struct kp_confine_user){NULL, (uid_t)number, (gid_t)number};
    return 0;
}

static int find_owner(struct kp_confine_user *out, const char *path, char *why, size_t why_len)
{
    const struct passwd *entry;
    struct stat file;
    if (stat(path, &file) != 0) {
        snprintf(why, why_len, "can't look at \"%s\": %s", path, strerror(errno));
        return -1;
    }
    entry = getpwuid(file.st_uid);
    *out =
        entry != NULL ? user_of(entry) : (struct kp_confine_user){NULL, file.st_uid, file.st_gid};
    return 0;
}

/* ---- Becoming ------------------------------------------------------------------------------ */

static int take_groups(const struct kp_confine_user *user)
{
    return user->name != NULL ? initgroups(user->name, user->gid) : setgroups(1, &user->gid);
}

static bool is_for_good(const struct kp_confine_user *user)
{
    uid_t real, effective, saved;
    gid_t real_group, effective_group, saved_group;
    return getresuid(&real, &effective, &saved) == 0 &&
           getresgid(&real_group, &effective_group, &saved_group) == 0 && real == user->uid &&
           effective == user->uid && saved == user->uid && real_group == user->gid &&
           effective_group == user->gid && saved_group == user->gid &&
           setresuid((uid_t)-1, 0, (uid_t)-1) != 0 && setresgid((gid_t)-1, 0, (gid_t)-1) != 0;
}

static int become(const struct kp_confine_user *user, char *why, size_t why_len)
{
    /* In this order: without root's rights there are no other groups to be had. */
    if (take_groups(user) == 0 && setresgid(user->gid, user->gid, user->gid) == 0 &&
        setresuid(user->uid, user->uid, user->uid) == 0 && is_for_good(user))
        return 0;
    snprintf(why, why_len, "can't become the user %s, uid %lu: %s",
             user->name != NULL ? user->name : "without a name", (unsigned long)user->uid,
             errno != 0 ? strerror(errno) : "the way back is open");
    return -1;
}

static void stay_root(const struct kp_confine_settings *s)
{
    if (s->run_as != NULL)
        return;
    kp_log_say(s->log, KP_LOG_WARNING, "privileges",
               "the credentials \"%s\" belong to root, so this process stays root, without root's "
               "capabilities: chown the file and its folder to a user of its own, or name one with "
               "--run-as",
               s->credentials);
}

int kp_confine_who(const struct kp_confine_settings *s, struct kp_confine_user *out, char *why,
                   size_t why_len)
{
    const struct passwd *own = s->run_as == NULL && geteuid() != 0 ? getpwuid(geteuid()) : NULL;
    *out = (struct kp_confine_user){own != NULL ? own->pw_name : NULL, geteuid(), getegid()};
    if (s->run_as != NULL && find_named(out, s->run_as, why, why_len) != 0)
        return -1;
    if (geteuid() != 0) {
        if (out->uid == geteuid())
            return 0;
        snprintf(why, why_len, "--run-as %.100s: only root can become another user", s->run_as);
        return -1;
    }
    return s->run_as == NULL ? find_owner(out, s->credentials, why, why_len) : 0;
}

int kp_confine_user(const struct kp_confine_settings *s, char *why, size_t why_len)
{
    struct kp_confine_user user;
    if (kp_confine_who(s, &user, why, why_len) != 0)
        return -1;
    if (geteuid() != 0)
        return 0;
    if (user.uid == 0) {
        stay_root(s);
        return 0;
    }
    /* While there is the right to: afterwards nothing that is run could have a capability. */
    for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
        (void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
    errno = 0;
    if (become(&user, why, why_len) != 0)
        return -1;
    kp_log_say(s->log, KP_LOG_INFO, "privileges",
               "the ports are open: from now on this process is the user %s, uid %lu",
               user.name != NULL ? user.name : "without a name", (unsigned long)user.uid);
    return 0;
}

/* ---- Capabilities -------------------------------------------------------------------------- */

static bool has_none(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    memset(data, 0xff, sizeof data);
    return syscall(SYS_capget, &head, data) == 0 && data[0].permitted == 0 &&
           data[1].permitted == 0;
}

int kp_confine_rights(char *why, size_t why_len)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}, {0}};
    /* Who isn't root may not touch this set: with no new privileges nothing comes of it. */
    for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
        (void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (syscall(SYS_capset, &head, none) == 0 && has_none() &&
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
        return 0;
    snprintf(why, why_len, "can't give up the capabilities of this process: %s", strerror(errno));
    return -1;
}
