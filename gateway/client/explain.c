/* Why a connection didn't come about: see explain.h.  Words only. */
#include "explain.h"

#include <string.h>

/* Alerts, RFC 8446 6. */
#define HANDSHAKE_FAILURE 40
#define ILLEGAL_PARAMETER 47
#define PROTOCOL_VERSION 70
#define MISSING_EXTENSION 109

#define VERSION_TLS13 0x0304

void kp_trouble_of(struct kp_trouble *t, const struct kp_secure *s)
{
    struct kp_info info;
    kp_conn_info(s->conn, &info);
    *t = (struct kp_trouble){
        .error = s->error,
        .net_error = s->net_error,
        .peer_alert = kp_conn_peer_alert(s->conn),
        .stage = s->stage,
        /* The engine's to say: no alert, order of bytes or state of the socket tells it. */
        .committed = info.password_used,
        .tls13 = info.version == VERSION_TLS13,
    };
}

void kp_trouble_of_timeout(struct kp_trouble *t, const struct kp_secure *s)
{
    kp_trouble_of(t, s);
    t->error = KP_E_TRUNCATED;
    t->net_error = UV_ETIMEDOUT;
}

bool kp_trouble_is_proof(const struct kp_trouble *t)
{
    return t->error == KP_E_PROOF;
}

/* What a sentence is made of. */
struct asked {
    const struct kp_trouble *trouble;
    const char *where;
    enum kp_language language;
    char *text;
    size_t len;
};

static void say(const struct asked *a, enum kp_word word)
{
    kp_word(a->text, a->len, a->language, word, "where", a->where, NULL);
}

static void say_why(const struct asked *a, enum kp_word word, const char *why)
{
    kp_word(a->text, a->len, a->language, word, "where", a->where, "why", why, NULL);
}

static void of_connect(const struct asked *a)
{
    switch (a->trouble->net_error) {
    case UV_ECONNREFUSED:
        say(a, KP_W_CONNECT_REFUSED);
        break;
    case UV_ETIMEDOUT:
        say(a, KP_W_CONNECT_SILENT);
        break;
    case UV_EHOSTUNREACH:
    case UV_ENETUNREACH:
    case UV_EADDRNOTAVAIL:
        say(a, KP_W_CONNECT_NO_WAY);
        break;
    default:
        say_why(a, KP_W_CONNECT_FAILED, uv_strerror(a->trouble->net_error));
    }
}

static void of_handshake(const struct asked *a)
{
    const struct kp_trouble *t = a->trouble;
    if (t->net_error == UV_ETIMEDOUT)
        say(a, KP_W_HANDSHAKE_SILENT);
    else if (t->error == KP_E_TRUNCATED)
        say(a, KP_W_HANDSHAKE_HUNG_UP);
    else if (t->error == KP_E_PEER_ALERT)
        say_why(a, KP_W_HANDSHAKE_ALERT, kp_alert_name(t->peer_alert));
    else
        say_why(a, KP_W_HANDSHAKE_FAILED, kp_error_text(t->error));
}

static void of_work(const struct asked *a)
{
    const struct kp_trouble *t = a->trouble;
    if (t->net_error == UV_ETIMEDOUT)
        say(a, KP_W_WORK_SILENT);
    else if (t->error == KP_E_TRUNCATED)
        say(a, KP_W_WORK_CUT);
    else if (t->error == KP_E_PEER_ALERT)
        say_why(a, KP_W_WORK_ALERT, kp_alert_name(t->peer_alert));
    else
        say_why(a, KP_W_WORK_FAILED, kp_error_text(t->error));
}

/* Whether it refused the form of TLS 1.3 that was asked for: which form a device had isn't
 * remembered, so that says nothing of what it could before. */
static bool is_other_form(const struct kp_trouble *t)
{
    return t->error == KP_E_NO_SRP_SERVER && t->offered.pake == KP_PAKE_BORINGSSL &&
           (t->offered.versions & KP_USE_TLS13) != 0 &&
           (t->peer_alert == HANDSHAKE_FAILURE || t->peer_alert == ILLEGAL_PARAMETER ||
            t->peer_alert == MISSING_EXTENSION);
}

/* Whether the far end wanted less than TLS 1.3, or none of it with a password. */
static bool is_step_down(const struct kp_trouble *t)
{
    return t->error == KP_E_ONLY_TLS12 || t->error == KP_E_VERSION ||
           (t->error == KP_E_NO_SRP_SERVER && !is_other_form(t)) ||
           (t->error == KP_E_PEER_ALERT &&
            (t->peer_alert == HANDSHAKE_FAILURE || t->peer_alert == PROTOCOL_VERSION));
}

/* It may be said only of what was remembered: else it is one more thing that a device can be. */
static bool of_step_down(const struct asked *a)
{
    const struct kp_trouble *t = a->trouble;
    const char *name = t->offered.name; /* NULL: it is only known from this run */
    if (!t->offered.was_tls13 || t->stage != KP_AT_HANDSHAKE || !is_step_down(t))
        return false;
    if (name == NULL)
        say(a, KP_W_STEP_DOWN);
    else
        kp_word(a->text, a->len, a->language, KP_W_STEP_DOWN_SAVED, "where", a->where, "name", name,
                NULL);
    return true;
}

static void say_form(const struct asked *a, enum kp_word word)
{
    const char *other = a->trouble->offered.pake == KP_PAKE_BORINGSSL ? "ietf" : "boringssl";
    kp_word(a->text, a->len, a->language, word, "where", a->where, "form", other, NULL);
}

/* It takes no TLS 1.2, and who sees no more than that can't tell what it is. */
static void of_no_tls12(const struct asked *a)
{
    const struct kp_offered *offered = &a->trouble->offered;
    if (!offered->tls12_asked)
        say(a, KP_W_NO_TLS12_GIVE_ID);
    else if (offered->id != NULL)
        say(a, KP_W_NO_TLS12_LEAVE_OUT);
    else
        say(a, KP_W_NO_TLS12_LEAVE_OUT_GIVE_ID);
}

/* It takes none of what was offered: that is a server of certificates, or one of other passwords.
 */
static void of_refusal(const struct asked *a)
{
    const struct kp_trouble *t = a->trouble;
    if (is_other_form(t))
        say(a, KP_W_OTHER_FORM);
    else if (t->offered.versions == KP_USE_TLS13)
        say_form(a, KP_W_NO_PASSWORD_TLS13);
    else if (t->offered.versions == KP_USE_TLS12 && t->peer_alert == PROTOCOL_VERSION)
        of_no_tls12(a);
    else if (t->offered.versions == KP_USE_TLS12)
        say(a, KP_W_ORDINARY);
    else
        say_form(a, KP_W_ORDINARY_OR_FORM);
}

/* What the far end turned out to be; false: none of these. */
static bool of_kind(const struct asked *a)
{
    switch (a->trouble->error) {
    case KP_E_NO_SRP_SERVER:
        of_refusal(a);
        return true;
    case KP_E_ONLY_TLS12:
        say(a, KP_W_ONLY_TLS12);
        return true;
    case KP_E_MISSING:
        say_form(a, KP_W_WRONG_ANSWER);
        return true;
    case KP_E_HTTP:
        say(a, KP_W_PLAIN_HTTP);
        return true;
    case KP_E_NOT_TLS:
        say(a, KP_W_NOT_TLS);
        return true;
    case KP_E_GROUP:
        say(a, KP_W_WEAK_GROUP);
        return true;
    case KP_E_TICKET_REFUSED:
        say(a, KP_W_TICKET_REFUSED);
        return true;
    default:
        return false;
    }
}

const char *kp_explain(const struct kp_trouble *t, const char *where, enum kp_language language,
                       char *text, size_t len)
{
    const struct asked asked = {t, where, language, text, len};
    if (kp_trouble_is_proof(t))
        say(&asked, KP_W_PROOF);
    else if (t->stranger)
        say(&asked, KP_W_STRANGER);
    else if (t->unresolved)
        say(&asked, KP_W_UNRESOLVED);
    else if (of_step_down(&asked) || of_kind(&asked))
        return text;
    else if (t->stage == KP_AT_CONNECT)
        of_connect(&asked);
    else if (t->stage == KP_AT_HANDSHAKE)
        of_handshake(&asked);
    else
        of_work(&asked);
    return text;
}

const char *kp_explain_more(const struct kp_trouble *t, enum kp_language language,
                            char text[KP_EXPLAIN_MORE_LEN])
{
    char id[KP_TEXT_ESCAPED_MAX(KP_DEVICE_ID_MAX)];
    const struct kp_offered *offered = &t->offered;
    if (!kp_trouble_is_proof(t) || !t->tls13 || offered->id == NULL)
        return NULL;
    kp_text_escape(id, offered->id, strlen(offered->id));
    if (offered->id_given || offered->name == NULL)
        return kp_word(text, KP_EXPLAIN_MORE_LEN, language, KP_W_MORE_ID, "id", id, NULL);
    return kp_word(text, KP_EXPLAIN_MORE_LEN, language, KP_W_MORE_SAVED, "id", id, "name",
                   offered->name, NULL);
}

const char *kp_explain_tried(const struct kp_trouble *t, enum kp_language language,
                             char text[KP_EXPLAIN_MORE_LEN])
{
    const struct kp_offered *offered = &t->offered;
    char id[KP_TEXT_ESCAPED_MAX(KP_DEVICE_ID_MAX)];
    bool tls12 = (offered->versions & KP_USE_TLS12) != 0;
    if (t->stage != KP_AT_HANDSHAKE || t->unresolved)
        return NULL;
    if ((offered->versions & KP_USE_TLS13) == 0 || offered->id == NULL)
        return kp_word(text, KP_EXPLAIN_MORE_LEN, language, KP_W_TRIED, "tls12",
                       tls12 ? "TLS 1.2, SRP" : "", NULL);
    kp_text_escape(id, offered->id, strlen(offered->id));
    return kp_word(text, KP_EXPLAIN_MORE_LEN, language,
                   offered->id_given ? KP_W_TRIED_ID_GIVEN : KP_W_TRIED_ID_SAVED, "form",
                   offered->pake == KP_PAKE_BORINGSSL ? "boringssl" : "ietf", "id", id, "tls12",
                   tls12 ? "; TLS 1.2, SRP" : "", NULL);
}
