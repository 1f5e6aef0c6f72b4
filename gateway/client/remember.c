/* What a client learns of a device: see remember.h. */
#include "remember.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "saved_file.h"

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

/* What a sentence is made of; {where} is the target's. */
static void say(const struct kp_remember *r, const struct kp_teller *teller,
                enum kp_tell_level level, enum kp_word word, const char *name, const char *id)
{
    char text[KP_WORD_LEN], escaped[KP_TEXT_ESCAPED_MAX(KP_DEVICE_ID_MAX)];
    kp_text_escape(escaped, id, strlen(id));
    kp_word(text, sizeof text, teller->language, word, "where", r->target->where, "name",
            name != NULL ? name : "", "id", escaped, NULL);
    teller->say(teller->owner, level, text);
}

static void say_cut(const struct kp_teller *teller, const uint64_t *sent)
{
    char text[KP_WORD_LEN], count[24] = "";
    enum kp_word word = KP_W_ALARM_CUT;
    if (sent != NULL) {
        word = *sent == 1 ? KP_W_ALARM_CUT_BYTE : KP_W_ALARM_CUT_BYTES;
        (void)snprintf(count, sizeof count, "%" PRIu64, *sent);
    }
    kp_word(text, sizeof text, teller->language, word, "count", count, NULL);
    teller->say(teller->owner, KP_TELL_NOTE, text);
}

void kp_remember_alarm(const struct kp_remember *r, const uint64_t *sent,
                       const struct kp_teller *teller)
{
    const char *name = name_of(r);
    say(r, teller, KP_TELL_FAILURE, KP_W_ALARM, name, r->stranger);
    say(r, teller, KP_TELL_NOTE, name != NULL ? KP_W_ALARM_SAVED : KP_W_ALARM_ASKED, name, r->id);
    say_cut(teller, sent);
    if (name != NULL)
        say(r, teller, KP_TELL_NOTE, KP_W_ALARM_REPLACED, name, r->id);
}

/* TLS 1.2 doesn't prove the id: who knows it has to hear that nothing else showed it. */
static void tell_unread(const struct kp_remember *r, const char *why,
                        const struct kp_teller *teller)
{
    char id[KP_TEXT_ESCAPED_MAX(KP_DEVICE_ID_MAX)], text[KP_WORD_LEN];
    bool known = r->id[0] != '\0';
    if (!known && !teller->verbose)
        return;
    kp_text_escape(id, r->id, strlen(r->id));
    kp_word(text, sizeof text, teller->language, known ? KP_W_ID_UNCHECKED : KP_W_TOLD_UNREAD, "id",
            id, "why", why, NULL);
    teller->say(teller->owner, known ? KP_TELL_WARNING : KP_TELL_NOTE, text);
}

bool kp_remember_told(struct kp_remember *r, const struct kp_told *told, const char *why,
                      const struct kp_teller *teller)
{
    if (told == NULL) {
        tell_unread(r, why, teller);
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

/* The owner's, if nobody has it. */
static void choose_name(const struct kp_remember *r, const struct kp_saved *saved,
                        struct kp_saved_device *entry)
{
    if (kp_saved_name_is_right(r->name) && kp_saved_by_name(saved, r->name) == NULL)
        memcpy(entry->name, r->name, sizeof entry->name);
    else
        kp_saved_choose_name(saved, &entry->host, entry->name);
}

static int add(struct kp_remember *r, struct kp_saved *saved)
{
    struct kp_saved_device entry = {.versions = r->versions, .seen = (uint64_t)time(NULL)};
    entry.host = r->target->link.host;
    memcpy(entry.id, r->id, sizeof entry.id);
    copy_user(&entry, r->user);
    choose_name(r, saved, &entry);
    r->error = kp_saved_add(saved, &entry);
    if (r->error != 0)
        return r->error;
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
    (void)error;
    if (entry == NULL)
        return add(r, saved);
    changed = update_host(r, saved, entry);
    if (r->kept != KP_KEPT_ELSEWHERE)
        changed |= update_rest(r, entry);
    r->entry = *entry;
    return changed;
}

/* Whether its id is more than what somebody typed: proved, told over a proved connection, or saved
 * earlier for this very address.  At an address that was only heard of it has to be proved. */
static bool is_worth_saving(const struct kp_remember *r)
{
    const struct kp_saved_device *entry = &r->target->saved;
    if (!r->target->saves || !r->proved || r->id[0] == '\0')
        return false;
    if (r->target->sought)
        return r->id_proved;
    return r->id_proved || r->told[0] != '\0' ||
           (entry->name[0] != '\0' && kp_host_is_same(&entry->host, &r->target->link.host));
}

void kp_remember_save(struct kp_remember *r)
{
    struct kp_file_error error = {""};
    r->kept = KP_KEPT_NOTHING;
    r->error = 0;
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
static enum kp_word elsewhere(const struct kp_remember *r)
{
    if (((r->entry.versions | r->versions) & KP_USE_TLS13) == 0)
        return KP_W_ELSEWHERE_FORGET;
    return is_plain(r->entry.id) ? KP_W_ELSEWHERE_ID : KP_W_ELSEWHERE_LOOK_ID;
}

/* Of the entry. */
static void say_kept(const struct kp_remember *r, const struct kp_teller *teller, enum kp_word word)
{
    char id[KP_TEXT_ESCAPED_MAX(KP_DEVICE_ID_MAX)], user[KP_TEXT_ESCAPED_MAX(KP_NAME_MAX)];
    char at[KP_HOST_TEXT_LEN], text[KP_WORD_LEN + sizeof id + sizeof user];
    const struct kp_saved_device *entry = &r->entry;
    bool is_elsewhere = r->kept == KP_KEPT_ELSEWHERE;
    kp_host_text(&entry->host, "443", at);
    kp_word(text, sizeof text, teller->language, word, "name", entry->name, "where",
            is_elsewhere ? r->target->where : at, "saved", at, "id",
            kp_text_escape(id, entry->id, strlen(entry->id)), "user",
            kp_text_escape(user, entry->user, strlen(entry->user)), NULL);
    teller->say(teller->owner, KP_TELL_NOTE, text);
}

static void say_failed(const struct kp_remember *r, const struct kp_teller *teller)
{
    char why[KP_WORD_LEN], text[2 * KP_WORD_LEN];
    const char *reason = r->why;
    if (r->error == KP_E_EXISTS)
        reason = kp_word(why, sizeof why, teller->language, KP_W_SAVE_ADDRESS_TAKEN, NULL);
    else if (r->error == KP_E_TOO_LONG)
        reason = kp_word(why, sizeof why, teller->language, KP_W_SAVE_TOO_MANY, NULL);
    else if (r->error != 0)
        reason = kp_word(why, sizeof why, teller->language, KP_W_OUT_OF_MEMORY, NULL);
    kp_word(text, sizeof text, teller->language, KP_W_CANT_SAVE, "why", reason, NULL);
    teller->say(teller->owner, KP_TELL_WARNING, text);
}

void kp_remember_tell(struct kp_remember *r, const struct kp_teller *teller)
{
    switch (r->kept) {
    case KP_KEPT_NEW:
        say_kept(r, teller, KP_W_SAVED);
        break;
    case KP_KEPT_MOVED:
        say_kept(r, teller, KP_W_SAVED_MOVED);
        break;
    case KP_KEPT_ELSEWHERE:
        say_kept(r, teller, elsewhere(r));
        break;
    case KP_KEPT_FAILED:
        say_failed(r, teller);
        break;
    case KP_KEPT_NOTHING:
        break;
    }
}
