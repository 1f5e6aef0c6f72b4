/*
 * What a client learns of a device.
 */
#include "remember.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "client/saved_file.h"

#define SEEN_SECONDS 3600 /* last seen is exact to this */

void kp_remember_init(struct kp_remember *r, const struct kp_target *target,
                      const struct kp_text *user)
{
    memset(r, 0, sizeof *r);
    r->target = target;
    r->user = user;
    memcpy(r->id, target->id, sizeof r->id);
}

void kp_remember_proved(struct kp_remember *r, const struct kp_info *info)
{
    r->proved = true;
    r->id_proved = info->version == 0x0304;
    r->versions |= r->id_proved ? KP_USE_TLS13 : KP_USE_TLS12;
}

bool kp_remember_asks(const struct kp_remember *r)
{
    return !r->id_proved && (r->target->saves || r->id[0] != '\0');
}

/* ---- Another device ---------------------------------------------------------------------- */

/* The name that the device which was meant is saved by, or NULL. */
static const char *name_of(const struct kp_remember *r)
{
    if (r->target->saved.name[0] != '\0')
        return r->target->saved.name;
    return r->kept == KP_KEPT_NEW ? r->entry.name : NULL;
}

void kp_remember_alarm(const struct kp_remember *r, const uint64_t *sent)
{
    char is[KP_TEXT_ESCAPED_MAX(KP_DEVICE_ID_MAX)], was[KP_TEXT_ESCAPED_MAX(KP_DEVICE_ID_MAX)];
    char reached[80] = "";
    const char *name = name_of(r);
    kp_text_escape(is, r->stranger, strlen(r->stranger));
    kp_text_escape(was, r->id, strlen(r->id));
    if (sent != NULL)
        (void)snprintf(reached, sizeof reached,
                       ", but what was sent until then (%" PRIu64 " byte%s) may have reached it",
                       *sent, *sent == 1 ? "" : "s");
    kp_command_note("ANOTHER DEVICE ANSWERS AT %s: it knows the password, but says that its device "
                    "id is \"%s\"",
                    r->target->where, is);
    kp_command_note("the device that %s%s has the id \"%s\": someone may be in between, or another "
                    "device of the same name and password has taken this address",
                    name != NULL ? "is saved as " : "was asked for", name != NULL ? name : "", was);
    kp_command_note("the connection is cut, and nothing was saved%s", reached);
    if (name != NULL)
        kp_command_note("if the device was replaced: keyplate devices forget %s, then start again",
                        name);
}

/* TLS 1.2 doesn't prove the id: who knows it has to hear that nothing else showed it. */
static void tell_unread(const struct kp_remember *r, const char *why, bool verbose)
{
    char id[KP_TEXT_ESCAPED_MAX(KP_DEVICE_ID_MAX)];
    kp_text_escape(id, r->id, strlen(r->id));
    if (r->id[0] != '\0')
        kp_command_warn("it was not checked that this is the device \"%s\": TLS 1.2 doesn't prove "
                        "that, and what the device says of itself can't be read: %s",
                        id, why);
    else if (verbose)
        kp_command_note("what the device says of itself can't be read: %s", why);
}

bool kp_remember_told(struct kp_remember *r, const struct kp_told *told, const char *why,
                      bool verbose)
{
    if (told == NULL) {
        tell_unread(r, why, verbose);
        return true;
    }
    if (r->id[0] != '\0' && strcmp(r->id, told->id) != 0) {
        memcpy(r->stranger, told->id, sizeof r->stranger);
        r->proved = false; /* nothing of it is kept */
        return false;
    }
    memcpy(r->id, told->id, sizeof r->id);
    memcpy(r->told, told->id, sizeof r->told);
    r->versions |= told->versions;
    return true;
}

/* ---- Saving ------------------------------------------------------------------------------ */

/* Of bytes that a kp_text holds, which fit. */
static void copy_user(struct kp_saved_device *entry, const struct kp_text *user)
{
    memcpy(entry->user, user->data, user->len);
    entry->user[user->len] = '\0';
}

static int add(struct kp_remember *r, struct kp_saved *saved, struct kp_file_error *error)
{
    struct kp_saved_device entry = {.versions = r->versions, .seen = (uint64_t)time(NULL)};
    int result;
    entry.host = r->target->link.host;
    memcpy(entry.id, r->id, sizeof entry.id);
    copy_user(&entry, r->user);
    kp_saved_choose_name(saved, &entry.host, entry.name);
    result = kp_saved_add(saved, &entry);
    if (result != 0) {
        (void)snprintf(error->why, sizeof error->why, "%s",
                       result == KP_E_EXISTS     ? "another device is saved for this address"
                       : result == KP_E_TOO_LONG ? "too many devices are saved"
                                                 : "out of memory");
        return result;
    }
    r->entry = entry;
    r->kept = KP_KEPT_NEW;
    return 1;
}

static bool update_host(struct kp_remember *r, struct kp_saved *saved,
                        struct kp_saved_device *entry)
{
    const struct kp_host *host = &r->target->link.host;
    if (kp_host_is_same(&entry->host, host))
        return false;
    /* That it is the one which was elsewhere is its own word, as long as TLS 1.3 doesn't prove it.
     */
    if (!r->id_proved || kp_saved_by_host(saved, host) != NULL) {
        r->kept = KP_KEPT_ELSEWHERE;
        return false;
    }
    entry->host = *host;
    r->kept = KP_KEPT_MOVED;
    return true;
}

static bool update_rest(const struct kp_remember *r, struct kp_saved_device *entry)
{
    uint64_t now = (uint64_t)time(NULL);
    bool changed = (r->versions & ~entry->versions) != 0;
    entry->versions |= r->versions;
    if (strlen(entry->user) != r->user->len ||
        memcmp(entry->user, r->user->data, r->user->len) != 0) {
        copy_user(entry, r->user);
        changed = true;
    }
    if (changed || now < entry->seen || now - entry->seen >= SEEN_SECONDS) {
        entry->seen = now;
        changed = true;
    }
    return changed;
}

static int change(struct kp_saved *saved, void *arg, struct kp_file_error *error)
{
    struct kp_remember *r = arg;
    struct kp_saved_device *entry = kp_saved_by_id(saved, r->id);
    bool changed;
    if (entry == NULL)
        return add(r, saved, error);
    changed = update_host(r, saved, entry);
    if (r->kept != KP_KEPT_ELSEWHERE)
        changed |= update_rest(r, entry);
    r->entry = *entry;
    return changed;
}

/* Whether its id is more than what somebody typed: proved, told over a proved connection, or saved
 * earlier for this very address. */
static bool is_worth_saving(const struct kp_remember *r)
{
    const struct kp_saved_device *entry = &r->target->saved;
    if (!r->target->saves || !r->proved || r->id[0] == '\0')
        return false;
    return r->id_proved || r->told[0] != '\0' ||
           (entry->name[0] != '\0' && kp_host_is_same(&entry->host, &r->target->link.host));
}

void kp_remember_save(struct kp_remember *r)
{
    struct kp_file_error error = {""};
    r->kept = KP_KEPT_NOTHING;
    if (!is_worth_saving(r) || kp_saved_change(change, r, &error) == 0)
        return;
    r->kept = r->target->saved.name[0] == '\0' || r->kept == KP_KEPT_MOVED ? KP_KEPT_FAILED
                                                                           : KP_KEPT_NOTHING;
    (void)snprintf(r->why, sizeof r->why, "%s", error.why);
}

/* What a device chose stands in a command that is meant to be copied only if no shell takes it for
 * more than a word. */
static bool is_plain(const char *id)
{
    return id[0] != '-' && id[strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                         "0123456789._-")] == '\0';
}

/* Its word alone moves nothing: TLS 1.3 proves it, or the person says so. */
static void tell_elsewhere(const struct kp_remember *r, const char *at)
{
    const struct kp_saved_device *entry = &r->entry;
    const char *where = r->target->where;
    if (((entry->versions | r->versions) & KP_USE_TLS13) == 0)
        kp_command_note("%s says that it is %s, saved at %s. If it has moved: keyplate devices "
                        "forget %s, then start again.",
                        where, entry->name, at, entry->name);
    else if (is_plain(entry->id))
        kp_command_note("%s says that it is %s, saved at %s. If it has moved, open it once with "
                        "--device-id '%s'.",
                        where, entry->name, at, entry->id);
    else
        kp_command_note("%s says that it is %s, saved at %s. If it has moved, open it once with "
                        "--device-id and the id that keyplate devices list has for %s.",
                        where, entry->name, at, entry->name);
}

void kp_remember_tell(struct kp_remember *r)
{
    char id[KP_TEXT_ESCAPED_MAX(KP_DEVICE_ID_MAX)], user[KP_TEXT_ESCAPED_MAX(KP_NAME_MAX)];
    char at[KP_HOST_TEXT_LEN];
    const struct kp_saved_device *entry = &r->entry;
    kp_text_escape(id, entry->id, strlen(entry->id));
    kp_text_escape(user, entry->user, strlen(entry->user));
    kp_host_text(&entry->host, "443", at);
    switch (r->kept) {
    case KP_KEPT_NEW:
        kp_command_note("saved this device as %s: %s, device id \"%s\", user \"%s\" (keyplate "
                        "devices lists and forgets; --no-save saves nothing)",
                        entry->name, at, id, user);
        break;
    case KP_KEPT_MOVED:
        kp_command_note("saved that %s is at %s now", entry->name, at);
        break;
    case KP_KEPT_ELSEWHERE:
        tell_elsewhere(r, at);
        break;
    case KP_KEPT_FAILED:
        kp_command_warn("this device can't be saved: %s", r->why);
        break;
    case KP_KEPT_NOTHING:
        break;
    }
}
