/*
 * Which device a person means.
 */
#include "target.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ask.h"
#include "client/saved_file.h"
#include "login.h"

/* ---- The command line -------------------------------------------------------------------- */

static int take_id(struct kp_target *t, const char *given)
{
    struct kp_text id;
    enum kp_text_fault fault = kp_text_name(&id, given, strlen(given), false);
    int status = KP_EXIT_DONE;
    if (fault != KP_TEXT_FINE)
        return kp_command_misused("--device-id: the id %s", kp_text_fault_text(fault));
    if (t->link.id[0] != '\0' && strcmp(t->link.id, id.data) != 0)
        status = kp_command_misused("the link names a device id, and --device-id another one");
    memcpy(t->id, id.data, id.len + 1);
    kp_text_clear(&id);
    return status;
}

static int take_ids(struct kp_target *t, const struct kp_options *options)
{
    const char *given = kp_options_get(options, "device-id");
    int status = KP_EXIT_DONE;
    memcpy(t->id, t->link.id, sizeof t->id);
    if (given != NULL)
        status = take_id(t, given);
    if (status == KP_EXIT_DONE && kp_login_is_label(t->id, strlen(t->id)))
        status = kp_command_misused("the device id looks like the label's password: nothing was "
                                    "sent (an id goes over the wire in the clear)");
    return status;
}

static int take_user(struct kp_target *t, const struct kp_options *options)
{
    const char *given = kp_options_get(options, "user");
    if (given != NULL && t->link.user[0] != '\0' && strcmp(given, t->link.user) != 0)
        return kp_command_misused("the link names a user, and --user another one");
    if (given != NULL && strlen(given) > KP_NAME_MAX)
        return kp_command_misused("the user name is too long");
    if (given == NULL)
        given = t->link.user;
    memcpy(t->user, given, strlen(given) + 1);
    return KP_EXIT_DONE;
}

static int take_versions(struct kp_target *t, const struct kp_options *options)
{
    static const char *const versions[] = {"1.2", "1.3", "any", NULL};
    static const unsigned bits[] = {KP_USE_TLS12, KP_USE_TLS13, KP_USE_TLS12 | KP_USE_TLS13};
    static const char *const forms[] = {"ietf", "boringssl", NULL};
    static const unsigned form_bits[] = {KP_PAKE_IETF, KP_PAKE_BORINGSSL};
    char why[KP_OPTIONS_WHY_LEN];
    size_t version, form;
    if (kp_options_choice(options, "tls", versions, 2, &version, why) != 0 ||
        kp_options_choice(options, "pake", forms, 0, &form, why) != 0)
        return kp_command_misused("%s", why);
    t->offered.versions = bits[version];
    t->offered.pake = form_bits[form];
    if (t->offered.versions == KP_USE_TLS12 && kp_options_has(options, "pake"))
        return kp_command_misused("--pake is for TLS 1.3, which --tls 1.2 leaves out");
    return KP_EXIT_DONE;
}

static int refuse_label_as_address(void)
{
    return kp_command_misused("the address looks like the label's password: nothing was sent (a "
                              "name is looked up in the clear)");
}

static int take_options(struct kp_target *t, const struct kp_options *options)
{
    const char *why;
    int status = take_versions(t, options);
    if (status != KP_EXIT_DONE)
        return status;
    if (options->positional_count == 0)
        return kp_command_misused("the device is missing: its address, link or saved name");
    if (kp_login_is_label(options->positionals[0], strlen(options->positionals[0])))
        return refuse_label_as_address();
    if (kp_link_parse(&t->link, options->positionals[0], &why) != 0)
        return kp_command_misused("%s", why);
    if (kp_login_is_label(t->link.host.name, strlen(t->link.host.name)))
        return refuse_label_as_address();
    status = take_ids(t, options);
    if (status == KP_EXIT_DONE)
        status = take_user(t, options);
    t->saves = !kp_options_has(options, "no-save");
    return status;
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

static int refuse_other_id(const struct kp_saved_device *entry, const char *id)
{
    char was[KP_TEXT_ESCAPED_MAX(KP_DEVICE_ID_MAX)], is[KP_TEXT_ESCAPED_MAX(KP_DEVICE_ID_MAX)];
    char at[KP_HOST_TEXT_LEN];
    return kp_command_fail(
        KP_EXIT_FAILED,
        "the device at %s is saved as %s with the device id \"%s\", not \"%s\": nothing was sent "
        "(if it was replaced, forget the old one first: keyplate devices forget %s)",
        kp_host_text(&entry->host, "443", at), entry->name,
        kp_text_escape(was, entry->id, strlen(entry->id)), kp_text_escape(is, id, strlen(id)),
        entry->name);
}

/* A saved name with more to it is an address, which somebody who gives no user hardly means. */
static int look_like_name(const struct kp_target *t, const struct kp_saved *saved)
{
    const struct kp_saved_device *entry = kp_saved_by_name(saved, t->link.host.name);
    if (entry == NULL || t->user[0] != '\0' || t->id[0] != '\0')
        return KP_EXIT_DONE;
    return kp_command_misused("%s is a saved name: give it alone, without port, path or --no-save",
                              entry->name);
}

/* The list isn't looked at; said only where nothing can come of the word but wrong usage. */
static int without_list(const struct kp_target *t, const char *word)
{
    if (t->user[0] != '\0' || !may_be_name(word) || kp_ask_name_makes_sense())
        return KP_EXIT_DONE;
    return kp_command_misused("--no-save looks at no saved names, and --user NAME is missing");
}

/* Finds the entry that is meant, and takes from it what the command line left open. */
static int take_entry(struct kp_target *t, const struct kp_saved *saved, const char *word)
{
    const struct kp_saved_device *named = may_be_name(word) ? kp_saved_by_name(saved, word) : NULL;
    const struct kp_saved_device *there = named == NULL && t->link.host.name[0] != '\0'
                                              ? kp_saved_by_host(saved, &t->link.host)
                                              : named;
    const struct kp_saved_device *entry = t->id[0] != '\0' ? kp_saved_by_id(saved, t->id) : there;
    if (there != NULL && t->id[0] != '\0' && strcmp(there->id, t->id) != 0)
        return refuse_other_id(there, t->id);
    if (entry == NULL)
        return look_like_name(t, saved);
    t->saved = *entry;
    if (named != NULL || t->link.host.name[0] == '\0')
        t->link.host = entry->host;
    memcpy(t->id, entry->id, sizeof t->id);
    if (t->user[0] == '\0')
        memcpy(t->user, entry->user, sizeof t->user);
    return KP_EXIT_DONE;
}

static int recall(struct kp_target *t, const char *word)
{
    struct kp_file_error error;
    struct kp_saved saved;
    int status;
    if (!t->saves)
        return without_list(t, word);
    if (kp_saved_load(&saved, &error) != 0)
        return kp_command_fail(KP_EXIT_FAILED,
                               "%s; nothing was sent (--no-save does without what is remembered)",
                               error.why);
    status = take_entry(t, &saved, word);
    kp_saved_clear(&saved);
    return status;
}

/* ---- What is offered --------------------------------------------------------------------- */

/* What is known of the device, for what may have to be said of a refusal. */
static void tell_offered(struct kp_target *t, bool given)
{
    t->offered.id = t->id[0] != '\0' ? t->id : NULL;
    t->offered.id_given = given;
    t->offered.name = t->saved.name[0] != '\0' ? t->saved.name : NULL;
}

/* With --tls any a device is never offered less than it could before: somebody who makes it look
 * older would get what TLS 1.2 doesn't bind, the device's id. */
static int choose_versions(struct kp_target *t)
{
    bool asked = t->offered.versions != (KP_USE_TLS12 | KP_USE_TLS13);
    bool known = t->id[0] != '\0';
    bool could = (t->saved.versions & KP_USE_TLS13) != 0;
    if (t->offered.versions == KP_USE_TLS13 && !known)
        return kp_command_misused(
            "--tls 1.3 needs the device id, which is on its label: --device-id ID (or --tls any "
            "once: TLS 1.2 needs none, and the device is asked for it then)");
    t->offered.tls12_asked = t->offered.versions == KP_USE_TLS12;
    if (asked)
        t->offered.was_tls13 = could && t->offered.versions == KP_USE_TLS13;
    else if (!known)
        t->offered.versions = KP_USE_TLS12;
    else if (could)
        t->offered.was_tls13 = true;
    if (t->offered.was_tls13)
        t->offered.versions = KP_USE_TLS13;
    return KP_EXIT_DONE;
}

int kp_target_find(struct kp_target *t, const struct kp_options *options)
{
    int status;
    bool given;
    memset(t, 0, sizeof *t);
    status = take_options(t, options);
    given = t->id[0] != '\0';
    if (status == KP_EXIT_DONE)
        status = recall(t, options->positionals[0]);
    if (status == KP_EXIT_DONE && t->link.host.name[0] == '\0')
        status = kp_command_fail(KP_EXIT_FAILED,
                                 "the link names no address, and the device isn't saved: this "
                                 "version can't look for it by its id (give keyplate://ID@ADDRESS/"
                                 "?v=1, or ADDRESS with --device-id ID)");
    if (status == KP_EXIT_DONE)
        status = choose_versions(t);
    tell_offered(t, given);
    kp_host_text(&t->link.host, "443", t->where);
    return status;
}

const char *kp_target_login_id(const struct kp_target *t)
{
    return (t->offered.versions & KP_USE_TLS13) != 0 && t->id[0] != '\0' ? t->id : NULL;
}
