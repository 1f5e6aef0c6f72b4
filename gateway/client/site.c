/* One device's origin: see site.h. */
#include "site.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agreed.h"
#include "base/secret.h"

/* ---- Who uses it ------------------------------------------------------------------------- */

void kp_site_use(struct kp_site *site, struct kp_site_use *use)
{
    use->next = site->uses;
    use->at = &site->uses;
    if (use->next != NULL)
        use->next->at = &use->next;
    site->uses = use;
}

void kp_site_unuse(struct kp_site_use *use)
{
    if (use->at == NULL)
        return;
    *use->at = use->next;
    if (use->next != NULL)
        use->next->at = use->at;
    use->at = NULL;
}

static void cut_uses(struct kp_site *site)
{
    while (site->uses != NULL) {
        struct kp_site_use *use = site->uses;
        kp_site_unuse(use);
        use->cut(use);
    }
}

/* ---- What is told ------------------------------------------------------------------------ */

static void say(void *owner, enum kp_tell_level level, const char *sentence)
{
    struct kp_site *site = owner;
    site->hooks->said(site, level, sentence);
}

static void set_state(struct kp_site *site, enum kp_site_state state)
{
    site->state = (uint8_t)state;
    site->hooks->changed(site);
}

static void done(struct kp_site *site, const struct kp_hub_login_done *what)
{
    struct kp_hub_login *login = site->login;
    site->login = NULL;
    if (login == NULL)
        return;
    login->site = NULL;
    login->done(login, what);
}

/* Where the login that ends went, which may be another place than that of who is in. */
static const char *where_to(const struct kp_site *site)
{
    return site->login != NULL ? site->login->target.where : site->where;
}

/* Of who waits, or of everybody. */
static enum kp_language language_of(const struct kp_site *site)
{
    return site->login != NULL ? site->login->language : site->teller.language;
}

static void done_with_trouble(struct kp_site *site, const struct kp_trouble *trouble)
{
    char why[KP_WORD_LEN], more[KP_EXPLAIN_MORE_LEN];
    enum kp_language language = language_of(site);
    if (site->hooks->verbose && kp_explain_tried(trouble, language, more) != NULL)
        say(site, KP_TELL_NOTE, more);
    const struct kp_hub_login_done what = {
        .result = kp_trouble_is_proof(trouble) ? KP_LOGIN_REFUSED : KP_LOGIN_TROUBLE,
        .why = kp_explain(trouble, where_to(site), language, why, sizeof why),
        .more = kp_explain_more(trouble, language, more),
        .unreached = trouble->stage == KP_AT_CONNECT && !kp_trouble_is_proof(trouble),
    };
    done(site, &what);
}

static void done_with_word(struct kp_site *site, enum kp_login_result result, enum kp_word word,
                           const char *more)
{
    char why[KP_WORD_LEN];
    const struct kp_hub_login_done what = {
        .result = result,
        .why = kp_word(why, sizeof why, language_of(site), word, "where", where_to(site), NULL),
        .more = more,
    };
    done(site, &what);
}

/* ---- A stay begins ----------------------------------------------------------------------- */

/* The names that the device goes by: what a browser would send it.  A zone is this computer's own
 * business (RFC 6874 4). */
static void write_device_name(struct kp_site *site, const struct kp_host *host)
{
    struct kp_host plain = *host;
    char *zone = strchr(plain.name, '%');
    if (zone != NULL)
        *zone = '\0';
    kp_host_text(&plain, "443", site->names.device);
}

static void take_target(struct kp_site *site, const struct kp_target *target,
                        const struct kp_text *user)
{
    site->host = target->link.host;
    memcpy(site->where, target->where, sizeof site->where);
    memcpy(site->id, target->id, sizeof site->id);
    (void)snprintf(site->user, sizeof site->user, "%s", user->data);
    site->saved = target->saved.name[0] != '\0';
    site->versions = target->saved.versions;
    site->seen = target->saved.seen;
}

/* By their ids, if both are known. */
static bool is_same_device(const struct kp_stay *a, const struct kp_stay *b)
{
    if (a->remember.id[0] != '\0' && b->remember.id[0] != '\0')
        return strcmp(a->remember.id, b->remember.id) == 0;
    return kp_host_is_same(&a->target.link.host, &b->target.link.host);
}

/* A name may have become that of another device: it must not get the other one's cookies. */
static bool is_same_login(const struct kp_stay *a, const struct kp_stay *b)
{
    return a->user.len == b->user.len && memcmp(a->user.data, b->user.data, a->user.len) == 0 &&
           is_same_device(a, b);
}

/* Whoever was in is out unless he is the one who comes: what the browser and the jar have is his.
 */
static int change_stay(struct kp_site *site)
{
    struct kp_stay *old = site->stay;
    bool same = old != NULL && !old->stranger && is_same_login(old, site->trying);
    int error = 0;
    cut_uses(site);
    if (!same) {
        kp_jar_clear(&site->jar);
        error = kp_pass_renew(&site->pass, site->crypto);
    }
    kp_stay_leave(old);
    site->stay = error == 0 ? site->trying : NULL;
    if (error != 0)
        kp_stay_leave(site->trying);
    site->trying = NULL;
    return error;
}

static void succeed(struct kp_site *site)
{
    struct kp_hub_login_done what = {.result = KP_LOGIN_PROVED};
    if (change_stay(site) != 0) {
        set_state(site, KP_SITE_OUT);
        done_with_word(site, KP_LOGIN_TROUBLE, KP_W_OUT_OF_MEMORY, NULL);
        return;
    }
    take_target(site, &site->stay->target, &site->stay->user);
    write_device_name(site, &site->host);
    site->was_in = true;
    set_state(site, KP_SITE_IN);
    if (site->login == NULL)
        return;
    kp_site_facts(site, &what.facts);
    done(site, &what);
}

/* Who was in before stays so. */
static void fall_back(struct kp_site *site)
{
    kp_stay_leave(site->trying);
    site->trying = NULL;
    if (site->state == KP_SITE_PROVING)
        set_state(site, KP_SITE_OUT);
}

static void settled(struct kp_stay *stay, enum kp_stay_end end, const struct kp_trouble *given,
                    const char *why)
{
    struct kp_site *site = stay->owner;
    char keyring[256] = "";
    struct kp_trouble trouble = {.error = 0};
    if (given != NULL)
        trouble = *given;
    if (why != NULL)
        (void)snprintf(keyring, sizeof keyring, "%s", why);
    if (end == KP_STAY_PROVED) {
        succeed(site);
        return;
    }
    fall_back(site);
    if (end == KP_STAY_TROUBLE)
        done_with_trouble(site, &trouble);
    else if (end == KP_STAY_STRANGER)
        done_with_word(site, KP_LOGIN_STRANGER, KP_W_STRANGER, NULL);
    else
        done_with_word(site, KP_LOGIN_NO_PASSWORD, KP_W_NO_PASSWORD,
                       keyring[0] != '\0' ? keyring : NULL);
}

/* ---- And goes on ------------------------------------------------------------------------- */

static void refused(struct kp_stay *stay, const struct kp_trouble *trouble)
{
    struct kp_site *site = stay->owner;
    char why[KP_WORD_LEN], more[KP_EXPLAIN_MORE_LEN];
    site->broke_off = !kp_trouble_is_proof(trouble);
    kp_explain(trouble, site->where, site->teller.language, why, sizeof why);
    say(site, KP_TELL_FAILURE, why);
    if (kp_explain_more(trouble, site->teller.language, more) != NULL)
        say(site, KP_TELL_NOTE, more);
    set_state(site, KP_SITE_REFUSED);
}

static void estranged(struct kp_stay *stay)
{
    struct kp_site *site = stay->owner;
    cut_uses(site);
    kp_jar_clear(&site->jar);
    site->inherits = true; /* of what came before it was known */
    set_state(site, KP_SITE_STRANGER);
}

static void learned(struct kp_stay *stay)
{
    struct kp_site *site = stay->owner;
    if (stay != site->stay)
        return;
    memcpy(site->id, stay->remember.id, sizeof site->id);
    site->hooks->changed(site);
}

static void connected(struct kp_stay *stay, const struct kp_info *info)
{
    struct kp_site *site = stay->owner;
    char line[KP_AGREED_LEN];
    if (site->hooks->verbose)
        say(site, KP_TELL_NOTE, kp_agreed(line, info));
}

static const struct kp_stay_hooks stay_hooks = {
    .settled = settled,
    .refused = refused,
    .estranged = estranged,
    .learned = learned,
    .connected = connected,
};

/* ---- Logging in and out ------------------------------------------------------------------ */

static void no_memory(struct kp_task *task)
{
    struct kp_site *site =
        (struct kp_site *)(void *)((char *)task - offsetof(struct kp_site, fails));
    fall_back(site);
    done_with_word(site, KP_LOGIN_TROUBLE, KP_W_OUT_OF_MEMORY, NULL);
}

/* Of a device that isn't saved nobody knows whose the name was before: one that was forgotten,
 * maybe, whose scripts and cookies a browser still has.  Another user's are not to be found either.
 */
static bool may_inherit(const struct kp_site *site, const struct kp_target *target,
                        const struct kp_text *user)
{
    if (target->saved.name[0] == '\0')
        return true;
    if (!site->was_in)
        return strcmp(target->saved.user, user->data) != 0;
    if (strcmp(site->user, user->data) != 0)
        return true;
    if (target->id[0] != '\0' && site->id[0] != '\0')
        return strcmp(target->id, site->id) != 0;
    return !kp_host_is_same(&site->host, &target->link.host);
}

void kp_site_login(struct kp_site *site, struct kp_hub_login *login)
{
    const struct kp_stay_plan plan = {
        .loop = site->loop,
        .target = &login->target,
        .user = &login->user,
        .password = &login->password,
        .name = site->name,
        .teller = &site->teller,
        .keeps_password = login->remember,
    };
    login->site = site;
    site->login = login;
    site->inherits |= may_inherit(site, &login->target, &login->user);
    if (site->stay == NULL) {
        take_target(site, &login->target, &login->user);
        set_state(site, KP_SITE_PROVING);
    }
    site->trying = kp_stay_begin(&plan, &stay_hooks, site);
    kp_text_clear(&login->password);
    if (site->trying == NULL)
        kp_loop_later(site->loop, &site->fails);
}

void kp_site_login_drop(struct kp_site *site)
{
    site->login = NULL;
    kp_loop_forget(site->loop, &site->fails);
    fall_back(site);
}

static void add_what_was_learnt(const struct kp_stay *stay, struct kp_site_facts *facts)
{
    facts->versions |= stay->remember.versions;
    facts->saved |= stay->remember.kept == KP_KEPT_NEW;
    if (stay->remember.entry.seen != 0)
        facts->seen = stay->remember.entry.seen;
}

/* It stays known when the stay is gone. */
static void keep_what_was_learnt(struct kp_site *site)
{
    struct kp_site_facts facts = {
        .versions = site->versions, .saved = site->saved, .seen = site->seen};
    if (site->stay == NULL)
        return;
    add_what_was_learnt(site->stay, &facts);
    site->versions = facts.versions;
    site->saved = facts.saved;
    site->seen = facts.seen;
}

void kp_site_logout(struct kp_site *site)
{
    if (site->stay == NULL && site->trying == NULL)
        return;
    kp_loop_forget(site->loop, &site->fails);
    cut_uses(site);
    keep_what_was_learnt(site);
    kp_stay_leave(site->trying);
    kp_stay_leave(site->stay);
    site->trying = site->stay = NULL;
    kp_jar_clear(&site->jar);
    (void)!kp_pass_renew(&site->pass, site->crypto); /* without: nobody gets in */
    site->state = KP_SITE_OUT;
    done_with_word(site, KP_LOGIN_TROUBLE, KP_W_LOGGED_OUT_MEANWHILE, NULL);
    site->hooks->changed(site);
}

/* ---- Links ------------------------------------------------------------------------------- */

void kp_site_mark(const struct kp_pass *pass, char out[KP_SITE_MARK_LEN])
{
    char hex[2 * KP_GUARD_SECRET_LEN + 1];
    kp_guard_hex(hex, pass->secret);
    (void)snprintf(out, KP_SITE_MARK_LEN, "%s=%s; Path=/; Secure; HttpOnly; SameSite=Strict",
                   KP_GUARD_COOKIE, hex);
    kp_wipe(hex, sizeof hex);
}

int kp_site_write_link(struct kp_pass *pass, const struct kp_crypto *crypto, const char *own,
                       const char *path, char out[KP_HUB_LINK_LEN])
{
    uint8_t token[KP_GUARD_SECRET_LEN];
    char hex[2 * KP_GUARD_SECRET_LEN + 1];
    int error = kp_pass_link(pass, crypto, kp_loop_seconds(), token);
    if (error != 0)
        return error;
    kp_guard_hex(hex, token);
    (void)snprintf(out, KP_HUB_LINK_LEN, "http://%s%s%s%s", own, KP_GUARD_OPEN, hex,
                   path[0] == '/' ? path : "/");
    kp_wipe(token, sizeof token);
    kp_wipe(hex, sizeof hex);
    return 0;
}

int kp_site_link(struct kp_site *site, const char *path, char out[KP_HUB_LINK_LEN])
{
    return kp_site_write_link(&site->pass, site->crypto, site->names.own, path, out);
}

/* ---- Life -------------------------------------------------------------------------------- */

static const char *proof_of(const struct kp_stay *stay)
{
    return stay->pake != NULL ? "spake2plus" : "srp";
}

void kp_site_facts(const struct kp_site *site, struct kp_site_facts *facts)
{
    const struct kp_stay *stay = site->stay;
    *facts = (struct kp_site_facts){
        .name = site->name,
        .where = site->where,
        .user = site->user,
        .id = site->id,
        .state = site->state,
        .saved = site->saved,
        .versions = site->versions,
        .seen = site->seen,
        .broke_off = site->state == KP_SITE_REFUSED && site->broke_off,
    };
    if (stay == NULL)
        return;
    add_what_was_learnt(stay, facts);
    if (site->state != KP_SITE_IN)
        return;
    facts->protocol = stay->version == 0x0304 ? "TLSv1.3" : "TLSv1.2";
    facts->proof = proof_of(stay);
    facts->suite = stay->suite;
    facts->since = stay->since;
}

struct kp_site *kp_site_new(struct kp_loop *loop, const struct kp_crypto *crypto, const char *name,
                            unsigned port, enum kp_language language,
                            const struct kp_site_hooks *hooks, void *owner)
{
    struct kp_site *site = calloc(1, sizeof *site);
    if (site == NULL)
        return NULL;
    site->hooks = hooks;
    site->owner = owner;
    site->loop = loop;
    site->crypto = crypto;
    site->fails.run = no_memory;
    site->teller = (struct kp_teller){
        .say = say, .owner = site, .language = language, .verbose = hooks->verbose};
    (void)snprintf(site->name, sizeof site->name, "%s", name);
    (void)snprintf(site->names.own, sizeof site->names.own, "%s.localhost:%u", name, port);
    if (kp_pass_renew(&site->pass, crypto) == 0)
        return site;
    free(site);
    return NULL;
}

void kp_site_free(struct kp_site *site)
{
    site->login = NULL; /* nobody is told any more */
    kp_loop_forget(site->loop, &site->fails);
    kp_site_logout(site);
    kp_pass_clear(&site->pass);
    free(site);
}
