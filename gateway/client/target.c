/* Which device a person means: see target.h. */
#include "target.h"

#include <string.h>

#include "creds/label.h"
#include "saved_file.h"

#define SHOWN 60 /* bytes of a wrong word that are said again */

/* One look for a device. */
struct find {
    struct kp_target *target;
    const struct kp_target_wish *wish;
    enum kp_language language;
    char *why; /* KP_WORD_LEN */
};

/* Any result but KP_TARGET_FOUND, with its sentence; key and value, or NULL. */
static enum kp_target_result refuse(const struct find *f, enum kp_target_result result,
                                    enum kp_word word, const char *key, const char *value)
{
    kp_word(f->why, KP_WORD_LEN, f->language, word, key, value, NULL);
    return result;
}

static enum kp_target_result misuse(const struct find *f, enum kp_word word)
{
    return refuse(f, KP_TARGET_MISUSED, word, NULL, NULL);
}

/* ---- What was typed ---------------------------------------------------------------------- */

static bool is_label(const char *text)
{
    return kp_label_is_typed(text, strlen(text));
}

static enum kp_target_result take_id(const struct find *f)
{
    struct kp_target *t = f->target;
    const char *given = f->wish->device_id;
    enum kp_target_result result = KP_TARGET_FOUND;
    struct kp_text id;
    enum kp_text_fault fault = kp_text_name(&id, given, strlen(given), false);
    if (fault != KP_TEXT_FINE)
        return refuse(f, KP_TARGET_MISUSED, KP_W_ID_FAULTY, "fault", kp_text_fault_text(fault));
    if (t->link.id[0] != '\0' && strcmp(t->link.id, id.data) != 0)
        result = misuse(f, KP_W_ID_DIFFERS);
    memcpy(t->id, id.data, id.len + 1);
    kp_text_clear(&id);
    return result;
}

static enum kp_target_result take_ids(const struct find *f)
{
    struct kp_target *t = f->target;
    enum kp_target_result result = KP_TARGET_FOUND;
    memcpy(t->id, t->link.id, sizeof t->id);
    if (f->wish->device_id != NULL)
        result = take_id(f);
    if (result == KP_TARGET_FOUND && is_label(t->id))
        return misuse(f, KP_W_ID_IS_LABEL);
    return result;
}

static enum kp_target_result take_user(const struct find *f)
{
    const char *given = f->wish->user, *linked = f->target->link.user;
    if (given != NULL && linked[0] != '\0' && strcmp(given, linked) != 0)
        return misuse(f, KP_W_USER_DIFFERS);
    if (given == NULL)
        given = linked;
    if (strlen(given) > KP_NAME_MAX)
        return misuse(f, KP_W_USER_LONG);
    if (is_label(given))
        return misuse(f, KP_W_USER_IS_LABEL);
    memcpy(f->target->user, given, strlen(given) + 1);
    return KP_TARGET_FOUND;
}

/* One of the words that an option knows. */
struct choice {
    const char *word;
    unsigned bits;
};

static const struct choice versions[] = {
    {"any", KP_USE_TLS12 | KP_USE_TLS13}, {"1.2", KP_USE_TLS12}, {"1.3", KP_USE_TLS13}};
static const struct choice forms[] = {{"ietf", KP_PAKE_IETF}, {"boringssl", KP_PAKE_BORINGSSL}};

/* The first one is what counts when nothing was given; 0: the word is none of them. */
static unsigned choose(const struct choice *choices, size_t count, const char *given)
{
    for (size_t i = 0; i < count; i++)
        if (given == NULL || strcmp(given, choices[i].word) == 0)
            return choices[i].bits;
    return 0;
}

static enum kp_target_result refuse_choice(const struct find *f, const char *option,
                                           const char *all, const char *given)
{
    char shown[KP_TEXT_ESCAPED_MAX(SHOWN)];
    kp_text_escape(shown, given, strnlen(given, SHOWN));
    kp_word(f->why, KP_WORD_LEN, f->language, KP_W_CHOICE, "option", option, "choices", all,
            "given", shown, NULL);
    return KP_TARGET_MISUSED;
}

static enum kp_target_result take_versions(const struct find *f)
{
    struct kp_offered *offered = &f->target->offered;
    const char *tls = f->wish->tls, *pake = f->wish->pake;
    offered->versions = choose(versions, sizeof versions / sizeof *versions, tls);
    offered->pake = choose(forms, sizeof forms / sizeof *forms, pake);
    if (offered->versions == 0)
        return refuse_choice(f, "--tls", "1.2|1.3|any", tls);
    if (offered->pake == 0)
        return refuse_choice(f, "--pake", "ietf|boringssl", pake);
    if (offered->versions == KP_USE_TLS12 && pake != NULL)
        return misuse(f, KP_W_PAKE_WITHOUT_TLS13);
    return KP_TARGET_FOUND;
}

static enum kp_target_result take_text(const struct find *f)
{
    struct kp_link *link = &f->target->link;
    const char *why;
    if (is_label(f->wish->text))
        return misuse(f, KP_W_ADDRESS_IS_LABEL);
    if (kp_link_parse(link, f->wish->text, &why) != 0) {
        (void)strncat(f->why, why, KP_WORD_LEN - 1);
        return KP_TARGET_MISUSED;
    }
    return is_label(link->host.name) ? misuse(f, KP_W_ADDRESS_IS_LABEL) : KP_TARGET_FOUND;
}

static enum kp_target_result take_wish(const struct find *f)
{
    enum kp_target_result result = take_versions(f);
    if (result == KP_TARGET_FOUND)
        result = take_text(f);
    if (result == KP_TARGET_FOUND)
        result = take_ids(f);
    if (result == KP_TARGET_FOUND)
        result = take_user(f);
    f->target->saves = !f->wish->no_save;
    return result;
}

/* ---- What is remembered ------------------------------------------------------------------ */

/* Whether the word can be a saved name at all: an address that is more than one word can't. */
static bool may_be_name(const char *word)
{
    char low[KP_SAVED_NAME_LEN] = "";
    if (strlen(word) >= sizeof low)
        return false;
    for (size_t i = 0; word[i] != '\0'; i++)
        low[i] = word[i] >= 'A' && word[i] <= 'Z' ? (char)(word[i] + 32) : word[i];
    return kp_saved_name_is_right(low);
}

static enum kp_target_result refuse_other_id(const struct find *f,
                                             const struct kp_saved_device *entry)
{
    char was[KP_TEXT_ESCAPED_MAX(KP_DEVICE_ID_MAX)], is[KP_TEXT_ESCAPED_MAX(KP_DEVICE_ID_MAX)];
    char at[KP_HOST_TEXT_LEN];
    const char *id = f->target->id;
    kp_word(f->why, KP_WORD_LEN, f->language, KP_W_SAVED_ID_DIFFERS, "where",
            kp_host_text(&entry->host, "443", at), "name", entry->name, "was",
            kp_text_escape(was, entry->id, strlen(entry->id)), "id",
            kp_text_escape(is, id, strlen(id)), NULL);
    return KP_TARGET_FAILED;
}

/* A saved name with more to it is an address, which somebody who gives no user hardly means. */
static enum kp_target_result look_like_name(const struct find *f, const struct kp_saved *saved)
{
    const struct kp_target *t = f->target;
    const struct kp_saved_device *entry = kp_saved_by_name(saved, t->link.host.name);
    if (entry == NULL || t->user[0] != '\0' || t->id[0] != '\0')
        return KP_TARGET_FOUND;
    return refuse(f, KP_TARGET_MISUSED, KP_W_NAME_ALONE, "name", entry->name);
}

/* The list isn't looked at; said only where nothing can come of the word but wrong usage. */
static enum kp_target_result without_list(const struct find *f)
{
    if (f->target->user[0] != '\0' || !may_be_name(f->wish->text) || f->wish->asks_user)
        return KP_TARGET_FOUND;
    return misuse(f, KP_W_NO_SAVED_NAMES);
}

/* Finds the entry that is meant, and takes from it what was left open. */
static enum kp_target_result take_entry(const struct find *f, const struct kp_saved *saved)
{
    struct kp_target *t = f->target;
    const char *word = f->wish->text;
    const struct kp_saved_device *named = may_be_name(word) ? kp_saved_by_name(saved, word) : NULL;
    const struct kp_saved_device *there = named == NULL && t->link.host.name[0] != '\0'
                                              ? kp_saved_by_host(saved, &t->link.host)
                                              : named;
    const struct kp_saved_device *entry = t->id[0] != '\0' ? kp_saved_by_id(saved, t->id) : there;
    if (there != NULL && t->id[0] != '\0' && strcmp(there->id, t->id) != 0)
        return refuse_other_id(f, there);
    if (entry == NULL)
        return look_like_name(f, saved);
    t->saved = *entry;
    if (named != NULL || t->link.host.name[0] == '\0')
        t->link.host = entry->host;
    memcpy(t->id, entry->id, sizeof t->id);
    if (t->user[0] == '\0')
        memcpy(t->user, entry->user, sizeof t->user);
    return KP_TARGET_FOUND;
}

static enum kp_target_result recall(const struct find *f)
{
    struct kp_file_error error;
    struct kp_saved saved;
    enum kp_target_result result;
    if (!f->target->saves)
        return without_list(f);
    if (kp_saved_load(&saved, &error) != 0)
        return refuse(f, KP_TARGET_FAILED, KP_W_SAVED_UNREADABLE, "why", error.why);
    result = take_entry(f, &saved);
    kp_saved_clear(&saved);
    return result;
}

/* ---- What is offered --------------------------------------------------------------------- */

/* With --tls any a device is never offered less than it could before: somebody who makes it look
 * older would get what TLS 1.2 doesn't bind, the device's id. */
static enum kp_target_result choose_versions(const struct find *f)
{
    struct kp_target *t = f->target;
    bool asked = t->offered.versions != (KP_USE_TLS12 | KP_USE_TLS13);
    bool known = t->id[0] != '\0';
    bool could = (t->saved.versions & KP_USE_TLS13) != 0;
    if (t->offered.versions == KP_USE_TLS13 && !known)
        return misuse(f, KP_W_TLS13_NEEDS_ID);
    t->offered.tls12_asked = t->offered.versions == KP_USE_TLS12;
    if (asked)
        t->offered.was_tls13 = could && t->offered.versions == KP_USE_TLS13;
    else if (!known)
        t->offered.versions = KP_USE_TLS12;
    else if (could)
        t->offered.was_tls13 = true;
    if (t->offered.was_tls13)
        t->offered.versions = KP_USE_TLS13;
    return KP_TARGET_FOUND;
}

/* What is known of the device, for what may have to be said of a refusal. */
static void tie_texts(struct kp_target *t)
{
    t->offered.id = t->id[0] != '\0' ? t->id : NULL;
    t->offered.name = t->saved.name[0] != '\0' ? t->saved.name : NULL;
}

enum kp_target_result kp_target_find(struct kp_target *t, const struct kp_target_wish *wish,
                                     enum kp_language language, char why[KP_WORD_LEN])
{
    const struct find f = {t, wish, language, why};
    enum kp_target_result result;
    memset(t, 0, sizeof *t);
    why[0] = '\0';
    result = take_wish(&f);
    t->offered.id_given = t->id[0] != '\0';
    if (result == KP_TARGET_FOUND)
        result = recall(&f);
    if (result == KP_TARGET_FOUND)
        result = choose_versions(&f);
    if (result == KP_TARGET_FOUND && t->link.host.name[0] == '\0')
        result = refuse(&f, KP_TARGET_NOWHERE, KP_W_NOWHERE, NULL, NULL);
    tie_texts(t);
    if (t->link.host.name[0] != '\0')
        kp_host_text(&t->link.host, "443", t->where);
    return result;
}

void kp_target_put(struct kp_target *t, const struct kp_host *host)
{
    t->link.host = *host;
    t->sought = true;
    kp_host_text(host, "443", t->where);
}

void kp_target_copy(struct kp_target *out, const struct kp_target *t)
{
    *out = *t;
    tie_texts(out);
}

const char *kp_target_login_id(const struct kp_target *t)
{
    return (t->offered.versions & KP_USE_TLS13) != 0 && t->id[0] != '\0' ? t->id : NULL;
}
