/*
 * Finding devices, asking what they are, and logging in, for the desk's clients: what was typed
 * becomes a target, a device that isn't where it was is looked for, and the hub is given the login.
 */
#include "desk_inside.h"

#include <stdio.h>

#include "base/secret.h"
#include "creds/label.h"

/* As the command line has them. */
enum status { STATUS_FAILED = 1, STATUS_MISUSED = 2, STATUS_PROOF = 3 };

static const char *sentence(const struct kp_desk *desk, char text[KP_WORD_LEN], enum kp_word word)
{
    return kp_word(text, KP_WORD_LEN, desk->language, word, NULL);
}

static void refuse(struct kp_desk_request *r, const char *error, const char *text, int status)
{
    kp_desk_refuse(r->desk, r->id, error, text, r->more, status);
    kp_desk_request_end(r);
}

static void refuse_misused(struct kp_desk_request *r, const char *text)
{
    refuse(r, "misused", text, STATUS_MISUSED);
}

/* ---- What is meant ----------------------------------------------------------------------- */

/* False: it was refused, and the request is over. */
static bool take_target(struct kp_desk_request *r, struct kp_message *m, bool asks_user)
{
    char why[KP_WORD_LEN] = "";
    struct kp_target_wish wish = {
        .text = kp_message_text(m, "device"),
        .user = kp_message_text(m, "user"),
        .device_id = kp_message_text(m, "device_id"),
        .tls = kp_message_text(m, "tls"),
        .pake = kp_message_text(m, "pake"),
        .no_save = kp_message_bool(m, "no_save", false),
        .asks_user = asks_user,
    };
    switch (kp_target_find(&r->login.target, &wish, r->desk->language, why)) {
    case KP_TARGET_FOUND:
    case KP_TARGET_NOWHERE:
        return true;
    case KP_TARGET_MISUSED:
        refuse_misused(r, why);
        return false;
    case KP_TARGET_FAILED:
        break;
    }
    refuse(r, "failed", why, STATUS_FAILED);
    return false;
}

static bool is_nowhere(const struct kp_target *target)
{
    return target->link.host.name[0] == '\0';
}

/* Who says that the device is there may be a stranger: TLS 1.2 wouldn't tell. */
static bool can_prove_id(const struct kp_target *target)
{
    return target->id[0] != '\0' && (target->offered.versions & KP_USE_TLS13) != 0;
}

static void go_to(struct kp_target *target, const struct kp_host *host)
{
    kp_target_put(target, host);
    target->offered.versions = KP_USE_TLS13;
}

/* Where something claims to be it. */
static const char *claims(const struct kp_desk_request *r, char text[KP_WORD_LEN])
{
    char where[KP_HOST_TEXT_LEN], escaped[KP_TEXT_ESCAPED_MAX(KP_HOST_TEXT_LEN)];
    kp_host_text(&r->seen[0].near.host, "443", where);
    return kp_word(text, KP_WORD_LEN, r->desk->language, KP_W_DESK_CLAIMS, "where",
                   kp_text_escape(escaped, where, strlen(where)), NULL);
}

/* ---- find and add ------------------------------------------------------------------------ */

static void tell_found(struct kp_desk_request *r)
{
    const struct kp_target *target = &r->login.target;
    bool nowhere = is_nowhere(target);
    struct kp_json json;
    kp_desk_begin(&json, r->id);
    kp_json_text(&json, "where", nowhere ? "" : target->where);
    kp_json_text(&json, "user", target->user);
    kp_json_text(&json, "name", target->saved.name);
    kp_json_text(&json, "device_id", target->id);
    kp_json_text(&json, "path", target->link.path);
    kp_json_bool(&json, "nowhere", nowhere);
    kp_json_bool(&json, "saved", target->saved.name[0] != '\0');
    if (r->more[0] != '\0')
        kp_json_text(&json, "text", r->more);
    kp_desk_send(r->desk, &json, r->id);
    kp_desk_request_end(r);
}

static void looked_for_find(struct kp_desk_request *r)
{
    if (r->seen_count == 0)
        (void)kp_desk_not_near(r, r->more);
    else if (can_prove_id(&r->login.target))
        go_to(&r->login.target, &r->seen[0].near.host);
    else
        (void)claims(r, r->more);
    tell_found(r);
}

void kp_desk_find(struct kp_desk *desk, struct kp_message *m)
{
    struct kp_desk_request *r = kp_desk_request_new(desk, m->id);
    if (r == NULL || !take_target(r, m, true))
        return;
    if (is_nowhere(&r->login.target))
        kp_desk_look(r, r->login.target.id, KP_DESK_LOOK_MS, looked_for_find);
    else
        tell_found(r);
}

/* ---- probe ------------------------------------------------------------------------------- */

static const struct {
    const char *name; /* NULL: null */
    enum kp_word word;
} instead_rows[] = {
    [KP_INSTEAD_NOTHING] = {NULL, KP_W_PROBE_SPEAKS},
    [KP_INSTEAD_CERTIFICATE] = {"certificate", KP_W_ORDINARY},
    [KP_INSTEAD_HTTP] = {"http", KP_W_PLAIN_HTTP},
    [KP_INSTEAD_TLS] = {"other", KP_W_PROBE_OTHER_TLS},
    [KP_INSTEAD_OTHER] = {"other", KP_W_NOT_TLS},
};

static void tell_probed(struct kp_desk_request *r, const struct kp_probe_verdict *verdict)
{
    const struct kp_target *target = &r->login.target;
    char text[KP_WORD_LEN];
    struct kp_json json;
    kp_word(text, sizeof text, r->desk->language, instead_rows[verdict->instead].word, "where",
            target->where, NULL);
    kp_desk_begin(&json, r->id);
    kp_json_text(&json, "where", target->where);
    kp_json_bool(&json, "saved", target->saved.name[0] != '\0');
    kp_json_text(&json, "name", target->saved.name);
    kp_desk_versions(&json, "speaks", verdict->versions);
    kp_json_text(&json, "instead", instead_rows[verdict->instead].name);
    kp_json_text(&json, "text", text);
    kp_desk_send(r->desk, &json, r->id);
    kp_desk_request_end(r);
}

static void probed(void *owner, const struct kp_probe_verdict *verdict,
                   const struct kp_trouble *trouble)
{
    struct kp_desk_request *r = owner;
    char text[KP_WORD_LEN];
    if (verdict->known) {
        tell_probed(r, verdict);
        return;
    }
    kp_explain(trouble, r->login.target.where, r->desk->language, text, sizeof text);
    refuse(r, "trouble", text, STATUS_FAILED);
}

static void probe(struct kp_desk_request *r)
{
    const struct kp_target *target = &r->login.target;
    int error = kp_probe_start(&r->probe, r->desk->loop, &target->link.host, probed, r);
    char text[KP_WORD_LEN];
    if (error == 0)
        return;
    kp_word(text, sizeof text, r->desk->language, KP_W_CONNECT_FAILED, "where", target->where,
            "why", uv_strerror(error), NULL);
    refuse(r, "failed", text, STATUS_FAILED);
}

/* Nothing of the person's is sent: so to who only claims to be it, too. */
static void looked_for_probe(struct kp_desk_request *r)
{
    char text[KP_WORD_LEN];
    if (r->seen_count == 0) {
        refuse(r, "trouble", kp_desk_not_near(r, text), STATUS_FAILED);
        return;
    }
    kp_target_put(&r->login.target, &r->seen[0].near.host);
    probe(r);
}

void kp_desk_probe(struct kp_desk *desk, struct kp_message *m)
{
    struct kp_desk_request *r = kp_desk_request_new(desk, m->id);
    if (r == NULL || !take_target(r, m, true))
        return;
    if (is_nowhere(&r->login.target))
        kp_desk_look(r, r->login.target.id, KP_DESK_LOOK_MS, looked_for_probe);
    else
        probe(r);
}

/* ---- Who, and with what ------------------------------------------------------------------ */

static bool refuse_fault(struct kp_desk_request *r, enum kp_word word, enum kp_text_fault fault)
{
    char text[KP_WORD_LEN];
    kp_word(text, sizeof text, r->desk->language, word, "fault", kp_text_fault_text(fault), NULL);
    refuse_misused(r, text);
    return false;
}

static bool take_user(struct kp_desk_request *r)
{
    const char *user = r->login.target.user;
    char text[KP_WORD_LEN];
    enum kp_text_fault fault;
    if (user[0] == '\0') {
        refuse_misused(r, sentence(r->desk, text, KP_W_DESK_NO_USER));
        return false;
    }
    fault = kp_text_name(&r->login.user, user, strlen(user), false);
    if (fault != KP_TEXT_FINE)
        return refuse_fault(r, KP_W_DESK_USER_FAULTY, fault);
    if (!kp_label_is_typed(r->login.user.data, r->login.user.len))
        return true;
    refuse_misused(r, sentence(r->desk, text, KP_W_USER_IS_LABEL));
    return false;
}

static bool looks_mistyped(const char *text, size_t len)
{
    char label[KP_LABEL_LEN + 1];
    bool mistyped = kp_label_is_shaped(text, len) && !kp_label_read(text, len, label);
    kp_wipe(label, sizeof label);
    return mistyped;
}

/* A label's password becomes what is printed on the label. */
static enum kp_text_fault read_password(struct kp_text *out, const char *given, size_t len)
{
    char label[KP_LABEL_LEN + 1];
    enum kp_text_fault fault;
    if (kp_label_read(given, len, label))
        fault = kp_text_password(out, label, KP_LABEL_LEN);
    else
        fault = kp_text_password(out, given, len);
    kp_wipe(label, sizeof label);
    return fault;
}

static bool take_password(struct kp_desk_request *r, struct kp_message *m)
{
    const char *given = kp_message_text(m, "password");
    size_t len = given != NULL ? strlen(given) : 0;
    char text[KP_WORD_LEN];
    enum kp_text_fault fault;
    if (given == NULL)
        return true; /* the keyring may have it */
    if (kp_message_bool(m, "check", false) && looks_mistyped(given, len)) {
        refuse(r, "mistyped", sentence(r->desk, text, KP_W_DESK_MISTYPED), STATUS_FAILED);
        return false;
    }
    fault = read_password(&r->password, given, len);
    return fault == KP_TEXT_FINE || refuse_fault(r, KP_W_DESK_PASSWORD_FAULTY, fault);
}

/* ---- login ------------------------------------------------------------------------------- */

static void log_in(struct kp_desk_request *r);

/* The name is kept: the facts are the hub's until it is called again. */
static void tell_proved(struct kp_desk_request *r, const struct kp_site_facts *facts)
{
    struct kp_desk *desk = r->desk;
    char name[KP_SAVED_NAME_LEN];
    char link[KP_HUB_LINK_LEN] = "";
    char secret[65] = "";
    struct kp_json json;
    (void)snprintf(name, sizeof name, "%s", facts->name);
    kp_desk_begin(&json, r->id);
    kp_desk_facts(desk, &json, "device", facts);
    kp_desk_hold(desk, name);
    if (kp_hub_link(desk->hub, name, r->login.target.link.path, link))
        kp_json_text(&json, "link", link);
    if (kp_hub_secret(desk->hub, name, secret))
        kp_json_text(&json, "secret", secret);
    kp_desk_send(desk, &json, r->id);
    kp_wipe(link, sizeof link);
    kp_wipe(secret, sizeof secret);
    kp_desk_request_end(r);
}

/* Where the saved device was there is nobody; is it elsewhere? */
static void looked_elsewhere(struct kp_desk_request *r)
{
    struct kp_target *target = &r->login.target;
    bool proved13 = (target->saved.versions & KP_USE_TLS13) != 0;
    if (r->seen_count == 0 || kp_host_is_same(&r->seen[0].near.host, &target->link.host)) {
        refuse(r, "trouble", r->why, STATUS_FAILED);
    } else if (!proved13 || !can_prove_id(target)) {
        (void)claims(r, r->more);
        refuse(r, "trouble", r->why, STATUS_FAILED);
    } else {
        r->moved = true;
        go_to(target, &r->seen[0].near.host);
        log_in(r);
    }
}

static bool may_have_moved(const struct kp_desk_request *r, const struct kp_hub_login_done *done)
{
    return done->result == KP_LOGIN_TROUBLE && done->unreached && !r->moved &&
           r->login.target.saved.name[0] != '\0' && r->login.target.id[0] != '\0';
}

static void look_elsewhere(struct kp_desk_request *r, const struct kp_hub_login_done *done)
{
    (void)snprintf(r->why, sizeof r->why, "%s", done->why);
    (void)snprintf(r->more, sizeof r->more, "%s", done->more != NULL ? done->more : "");
    kp_desk_look(r, r->login.target.id, KP_DESK_LOOK_MS, looked_elsewhere);
}

static void tell_failed(struct kp_desk_request *r, const struct kp_hub_login_done *done)
{
    static const struct {
        const char *error;
        int status;
    } rows[] = {
        [KP_LOGIN_REFUSED] = {"refused", STATUS_PROOF},
        [KP_LOGIN_STRANGER] = {"stranger", STATUS_FAILED},
        [KP_LOGIN_TROUBLE] = {"trouble", STATUS_FAILED},
        [KP_LOGIN_BUSY] = {"busy", STATUS_FAILED},
        [KP_LOGIN_NO_PASSWORD] = {"no-password", STATUS_FAILED},
    };
    (void)snprintf(r->more, sizeof r->more, "%s", done->more != NULL ? done->more : "");
    refuse(r, rows[done->result].error, done->why, rows[done->result].status);
}

static void logged_in(struct kp_hub_login *login, const struct kp_hub_login_done *done)
{
    struct kp_desk_request *r = login->owner;
    r->logging_in = false;
    if (done->result == KP_LOGIN_PROVED)
        tell_proved(r, &done->facts);
    else if (may_have_moved(r, done))
        look_elsewhere(r, done);
    else
        tell_failed(r, done);
}

/* The hub wipes the password that it is given; ours is for the second place. */
static void log_in(struct kp_desk_request *r)
{
    char text[KP_WORD_LEN];
    if (r->password.len > 0 &&
        kp_text_copy(&r->login.password, r->password.data, r->password.len) != 0) {
        refuse(r, "failed", sentence(r->desk, text, KP_W_OUT_OF_MEMORY), STATUS_FAILED);
        return;
    }
    r->login.done = logged_in;
    r->login.site = NULL;
    r->logging_in = true;
    kp_desk_hold_sweep(r->desk->hub);
    r->login.language = r->desk->language;
    kp_hub_login(r->desk->hub, &r->login);
}

static void looked_for_login(struct kp_desk_request *r)
{
    char text[KP_WORD_LEN];
    if (r->seen_count == 0) {
        refuse(r, "failed", kp_desk_not_near(r, text), STATUS_FAILED);
    } else if (!can_prove_id(&r->login.target)) {
        refuse(r, "failed", claims(r, text), STATUS_FAILED);
    } else {
        go_to(&r->login.target, &r->seen[0].near.host);
        r->moved = true; /* there is no other place to look for */
        log_in(r);
    }
}

void kp_desk_login(struct kp_desk *desk, struct kp_message *m)
{
    struct kp_desk_request *r = kp_desk_request_new(desk, m->id);
    if (r == NULL || !take_target(r, m, false) || !take_user(r) || !take_password(r, m))
        return;
    r->login.remember = kp_message_bool(m, "remember", false);
    if (is_nowhere(&r->login.target))
        kp_desk_look(r, r->login.target.id, KP_DESK_LOOK_MS, looked_for_login);
    else
        log_in(r);
}
