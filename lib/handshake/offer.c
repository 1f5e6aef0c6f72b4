/*
 * The client's offer: which versions go into one ClientHello, what each of them needs there, and
 * the choice that the answer makes.
 */
#include "handshake/handshake.h"

#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

#define SUITES_MAX 16
#define GROUPS_MAX 16

/* ---- What to offer ------------------------------------------------------------------------- */

/* RFC 8446 4.6.1: not after its lifetime. */
static bool session_lives(const struct kp_session *session, uint64_t now)
{
    return session->version == KP_TLS12 ||
           (now >= session->received && now - session->received < session->lifetime);
}

static bool has_session(const struct kp_handshake *hs, uint16_t version)
{
    return hs->session != NULL && hs->session->version == version;
}

/* Without a login there is nothing to fall back on but the ticket's own version. */
static bool may_use(const struct kp_handshake *hs, unsigned version, uint16_t session_version)
{
    return (hs->context->versions & version) != 0 &&
           (hs->login != NULL || has_session(hs, session_version));
}

/* A session of TLS 1.3 is for the one user and the one device that it was proved with. */
static bool session_fits(const struct kp_handshake *hs)
{
    const struct kp_session *session = hs->session;
    const struct kp_login *login = hs->login;

    if (login == NULL || !has_session(hs, KP_TLS13))
        return true;
    if (session->name_len != login->name_len ||
        memcmp(session->name, login->name, login->name_len) != 0)
        return false;
    return !login->has_device ||
           (session->device_id_len == login->device_id_len &&
            memcmp(session->device_id, login->device_id, login->device_id_len) == 0);
}

static int keep_device_id(struct kp_handshake *hs)
{
    struct kp_span id = {NULL, 0};

    if (hs->login != NULL && hs->login->has_device)
        id = (struct kp_span){hs->login->device_id, hs->login->device_id_len};
    else if (has_session(hs, KP_TLS13))
        id = (struct kp_span){hs->session->device_id, hs->session->device_id_len};
    hs->outcome->device_id_len = id.len;
    return kp_copy_text(&hs->outcome->device_id, id.data, id.len);
}

int kp_client_plan(struct kp_handshake *hs)
{
    bool ietf = hs->context->pake == KP_PAKE_IETF;

    if (!session_fits(hs))
        return KP_E_ARGUMENT;

    if (hs->session != NULL && !session_lives(hs->session, hs->now)) {
        if (hs->login == NULL)
            return KP_E_TICKET_REFUSED;
        hs->session = NULL;
    }
    if (may_use(hs, KP_USE_TLS12, KP_TLS12))
        hs->facts |= KP_FACT_OFFER12;
    if (may_use(hs, KP_USE_TLS13, KP_TLS13)) {
        if (hs->login != NULL && hs->login->has_device)
            hs->facts |= KP_FACT_OFFER_PAKE;
        if (hs->session != NULL && hs->session->version == KP_TLS13 && ietf)
            hs->facts |= KP_FACT_OFFER_PSK;
    }
    if (hs->facts & (KP_FACT_OFFER_PAKE | KP_FACT_OFFER_PSK)) {
        hs->facts |= KP_FACT_OFFER13 | KP_FACT_COMPAT;
        hs->facts |= ietf ? KP_FACT_OFFER_GROUPS : 0u;
    }
    if (hs->facts & (KP_FACT_OFFER12 | KP_FACT_OFFER13))
        return keep_device_id(hs);
    return hs->login == NULL ? KP_E_TICKET_REFUSED : KP_E_ARGUMENT;
}

/* ---- Shares ------------------------------------------------------------------------------ */

/* Once a handshake: "the second ClientHello repeats the same pake extension". */
static int make_pake_share(struct kp_handshake *hs)
{
    struct kp_state13 *t = &hs->t13;
    int err;

    if (!(hs->facts & KP_FACT_OFFER_PAKE) || t->share_p[0] != 0)
        return 0;
    err = kp_scalar_random(hs->context->crypto, t->scalar);
    return err == 0 ? kp_spake2plus_prover_share(hs->context->crypto, &hs->login->spake2plus,
                                                 t->scalar, t->share_p)
                    : err;
}

static int make_key_share(struct kp_handshake *hs)
{
    struct kp_state13 *t = &hs->t13;
    uint16_t group = t->asked_group != 0 ? t->asked_group : kp_tls13_group(hs->context->crypto, 0);
    struct kp_exchange_lens lens;

    if (!(hs->facts & KP_FACT_OFFER_GROUPS) ||
        (t->exchange != NULL && kp_exchange_group(t->exchange) == group))
        return 0;
    if (!kp_exchange_lens(hs->context->crypto, group, &lens))
        return KP_E_INTERNAL;
    kp_exchange_free(t->exchange);
    t->exchange = NULL;
    free(t->share);
    t->share = malloc(lens.offer);
    if (t->share == NULL)
        return KP_E_MEMORY;
    t->share_len = lens.offer;
    return kp_exchange_new(&t->exchange, hs->context->crypto, group, t->share);
}

int kp_client_make_shares(struct kp_handshake *hs)
{
    int err = make_pake_share(hs);

    return err == 0 ? make_key_share(hs) : err;
}

/* ---- ClientHello ------------------------------------------------------------------------- */

static struct kp_span user_name(const struct kp_handshake *hs)
{
    if (hs->login != NULL)
        return (struct kp_span){(const uint8_t *)hs->login->name, hs->login->name_len};
    return (struct kp_span){(const uint8_t *)hs->session->name, hs->session->name_len};
}

static void fill12(struct kp_handshake *hs, struct kp_extensions *ext)
{
    ext->present |= KP_EXT_SRP | KP_EXT_ETM | KP_EXT_EMS | KP_EXT_RENEGOTIATION;
    ext->srp_name = user_name(hs);
    if (hs->context->no_tickets && !has_session(hs, KP_TLS12))
        return;
    ext->present |= KP_EXT_TICKET;
    if (has_session(hs, KP_TLS12))
        ext->ticket = (struct kp_span){hs->session->ticket, hs->session->ticket_len};
}

static struct kp_span our_groups(const struct kp_handshake *hs, uint8_t list[static GROUPS_MAX])
{
    struct kp_builder b;
    uint16_t group;

    kp_builder_init(&b, list, GROUPS_MAX);
    for (size_t i = 0; (group = kp_tls13_group(hs->context->crypto, i)) != 0; i++)
        kp_put_u16(&b, group);
    return (struct kp_span){list, b.len};
}

static void fill_psk(struct kp_handshake *hs, struct kp_extensions *ext)
{
    const struct kp_session *session = hs->session;
    uint64_t age = (hs->now - session->received) * 1000;

    ext->present |= KP_EXT_PSK;
    ext->psk_offer = (struct kp_psk_offer){
        .identity = {session->ticket, session->ticket_len},
        .age = (uint32_t)(age + session->age_add),
        .binder_len = kp_hash_len(kp_suite_by_value(session->suite)->hash),
    };
}

static void fill13(struct kp_handshake *hs, struct kp_extensions *ext)
{
    static const uint8_t both[] = {0x03, 0x04, 0x03, 0x03};
    const struct kp_state13 *t = &hs->t13;

    ext->present |= KP_EXT_VERSIONS;
    ext->versions = (struct kp_span){both, hs->facts & KP_FACT_OFFER12 ? 4 : 2};
    if (hs->facts & KP_FACT_OFFER_GROUPS) {
        ext->present |= KP_EXT_GROUPS | KP_EXT_KEY_SHARE;
        ext->groups = our_groups(hs, hs->t13.groups);
        ext->key_share.group = t->exchange != NULL ? kp_exchange_group(t->exchange) : 0;
        ext->key_share.key = (struct kp_span){t->share, t->share_len};
        if (!hs->context->no_tickets || (hs->facts & KP_FACT_OFFER_PSK))
            ext->present |= KP_EXT_PSK_MODES;
    }
    if (t->cookie != NULL) {
        ext->present |= KP_EXT_COOKIE;
        ext->cookie = (struct kp_span){t->cookie, t->cookie_len};
    }
    if (hs->facts & KP_FACT_OFFER_PAKE) {
        ext->present |= KP_EXT_PAKE;
        ext->pake_offer.client_identity = user_name(hs);
        ext->pake_offer.server_identity =
            (struct kp_span){hs->login->device_id, hs->login->device_id_len};
        ext->pake_offer.share = (struct kp_span){t->share_p, KP_POINT_LEN};
    }
    if (hs->facts & KP_FACT_OFFER_PSK)
        fill_psk(hs, ext);
}

void kp_client_fill_extensions(struct kp_handshake *hs, struct kp_extensions *ext)
{
    const struct kp_context *context = hs->context;
    bool with13 = (hs->facts & KP_FACT_OFFER13) != 0;

    memset(ext, 0, sizeof(*ext));
    if (hs->facts & KP_FACT_OFFER12)
        fill12(hs, ext);
    if (with13)
        fill13(hs, ext);
    /* BoringSSL's clients send none: another one here would tell ours. */
    if ((hs->facts & (KP_FACT_OFFER12 | KP_FACT_OFFER_GROUPS)) ||
        context->record_size_limit != KP_RECORD_MAX) {
        ext->present |= KP_EXT_RECORD_SIZE_LIMIT;
        ext->record_size_limit =
            with13 ? kp_tls13_record_limit(context) : context->record_size_limit;
    }
    if (hs->server_name != NULL) {
        ext->present |= KP_EXT_SERVER_NAME;
        ext->server_name =
            (struct kp_span){(const uint8_t *)hs->server_name, strlen(hs->server_name)};
    }
    if (context->alpn_len > 0) {
        ext->present |= KP_EXT_ALPN;
        ext->alpn = (struct kp_span){context->alpn, context->alpn_len};
    }
}

static struct kp_span our_suites(const struct kp_handshake *hs, uint8_t list[static SUITES_MAX])
{
    struct kp_builder b;
    const struct kp_suite *suite;

    kp_builder_init(&b, list, SUITES_MAX);
    for (size_t i = 0; (suite = kp_suite_at(i)) != NULL; i++) {
        bool wanted = suite->version == KP_TLS13
                          ? (hs->facts & KP_FACT_OFFER13) &&
                                kp_aead_available(hs->context->crypto, suite->aead)
                          : (hs->facts & KP_FACT_OFFER12) != 0;
        if (wanted)
            kp_put_u16(&b, suite->value);
    }
    return (struct kp_span){list, b.len};
}

static void build(struct kp_handshake *hs, struct kp_builder *b)
{
    uint8_t suites[SUITES_MAX];
    struct kp_client_hello hello = {
        .version = KP_TLS12,
        .random = {hs->client_random, KP_RANDOM_LEN},
        .session_id = {hs->session_id, hs->session_id_len},
        .suites = our_suites(hs, suites),
    };

    kp_client_fill_extensions(hs, &hello.ext);
    kp_client_hello_build(b, &hello);
}

/* RFC 8446 4.2.11.2: the binder covers the message up to the list of binders, its length being the
 * final one. */
static int bind(struct kp_handshake *hs, struct kp_builder *b)
{
    const struct kp_suite *suite = kp_suite_by_value(hs->session->suite);
    size_t len = kp_hash_len(suite->hash);
    size_t body = b->len - KP_MESSAGE_HEADER_LEN;
    uint8_t hash[KP_HASH_MAX];

    if (b->failed)
        return KP_E_INTERNAL;
    b->data[1] = (uint8_t)(body >> 16);
    b->data[2] = (uint8_t)(body >> 8);
    b->data[3] = (uint8_t)body;
    kp_schedule13_clear(&hs->t13.schedule);
    int err = kp_transcript_peek_with(&hs->transcript, hs->context->crypto, suite->hash, b->data,
                                      b->len - KP_PSK_BINDERS_LEN(len), hash);
    if (err == 0)
        err = kp_schedule13_start(&hs->t13.schedule, hs->context->crypto, suite->hash,
                                  (struct kp_span){hs->session->master, len});
    return err == 0 ? kp_tls13_binder(&hs->t13.schedule, hash, b->data + b->len - len) : err;
}

/* RFC 5077 3.4: with a ticket a session id of ours, whose echo says that it was taken.  RFC 8446
 * D.4: for middleboxes one in TLS 1.3, too. */
static int make_session_id(struct kp_handshake *hs)
{
    if (hs->session == NULL && !(hs->facts & KP_FACT_OFFER13))
        return 0;
    hs->session_id_len = KP_SESSION_ID_MAX;
    return kp_handshake_random(hs, hs->session_id, hs->session_id_len);
}

int kp_client_send_hello(struct kp_handshake *hs, struct kp_builder *b)
{
    const struct kp_span user = user_name(hs);
    int err = kp_handshake_random(hs, hs->client_random, KP_RANDOM_LEN);

    if (err == 0)
        err = make_session_id(hs);
    if (err != 0)
        return err;
    hs->outcome->user_len = user.len;
    err = kp_copy_text(&hs->outcome->user, user.data, user.len);
    return err == 0 ? kp_client13_send_second_hello(hs, b) : err;
}

/* As the first, but for what HelloRetryRequest asked for. */
int kp_client13_send_second_hello(struct kp_handshake *hs, struct kp_builder *b)
{
    build(hs, b);
    return hs->facts & KP_FACT_OFFER_PSK ? bind(hs, b) : 0;
}

/* ---- ServerHello ------------------------------------------------------------------------- */

/* RFC 7301 3.2: one of ours. */
int kp_client_take_alpn(struct kp_handshake *hs, const struct kp_extensions *ext)
{
    struct kp_reader ours;

    if (!(ext->present & KP_EXT_ALPN))
        return 0;
    kp_reader_init(&ours, hs->context->alpn, hs->context->alpn_len);
    while (ours.left > 0) {
        struct kp_reader name = kp_read_vector(&ours, 1, 1, 255);
        if (name.left == ext->alpn.len && memcmp(name.data, ext->alpn.data, name.left) == 0)
            return kp_copy_text(&hs->outcome->alpn, name.data, name.left);
    }
    return KP_E_ILLEGAL;
}

/* RFC 8446 4.2.1: selected_version alone counts where it is, and is then 1.3. */
int kp_client_recv_hello(struct kp_handshake *hs, struct kp_reader *r)
{
    struct kp_server_hello hello;
    int err = kp_server_hello_parse(r, &hello);

    hs->facts |= KP_FACT_HELLO_ANSWERED;
    if (err != 0)
        return err;
    /* The alert goes out in records of the server's version: it would not read others. */
    hs->records->version = hello.version >> 8 == 3 ? hello.version : KP_TLS12;
    if (hello.version == KP_SSL30) /* RFC 8446 D.5 */
        return KP_E_VERSION;
    if (!(hello.ext.present & KP_EXT_VERSIONS))
        return hello.retry ? KP_E_MISSING : kp_client12_begin(hs, &hello);
    if (!(hs->facts & KP_FACT_OFFER13))
        return KP_E_EXTENSION;
    if (hello.ext.version != KP_TLS13 || hello.version != KP_TLS12)
        return KP_E_ILLEGAL;
    return hello.retry ? kp_client13_retry(hs, &hello) : kp_client13_begin(hs, &hello);
}
