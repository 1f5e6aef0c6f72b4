/*
 * The bodies of TLS 1.3's extensions: RFC 8446 4.2, draft-ietf-tls-pake-02.
 */
#include "message/extension_rows.h"

#include <string.h>

static int done(const struct kp_reader *r)
{
    return kp_reader_done(r) ? 0 : KP_E_DECODE;
}

static void put_list(struct kp_builder *b, unsigned length_bytes, struct kp_span list)
{
    size_t mark = kp_put_open(b, length_bytes);

    kp_put_bytes(b, list.data, list.len);
    kp_put_close(b, mark, length_bytes);
}

static int keep(struct kp_reader *r, struct kp_span *out)
{
    *out = kp_rest_of(r);
    return 0;
}

int kp_pass_over(struct kp_reader *r, struct kp_extensions *ext)
{
    (void)ext;
    (void)kp_rest_of(r);
    return 0;
}

/* ---- supported_versions, 4.2.1 ------------------------------------------------------------- */

int kp_parse_versions(struct kp_reader *r, struct kp_extensions *ext)
{
    struct kp_reader list = kp_read_vector(r, 1, 2, 254);

    ext->versions = kp_rest_of(&list);
    return kp_reader_done(r) && ext->versions.len % 2 == 0 ? 0 : KP_E_DECODE;
}

void kp_build_versions(struct kp_builder *b, const struct kp_extensions *ext)
{
    put_list(b, 1, ext->versions);
}

int kp_parse_version(struct kp_reader *r, struct kp_extensions *ext)
{
    ext->version = kp_read_u16(r);
    return done(r);
}

void kp_build_version(struct kp_builder *b, const struct kp_extensions *ext)
{
    kp_put_u16(b, ext->version);
}

/* ---- supported_groups, 4.2.7 --------------------------------------------------------------- */

int kp_keep_groups(struct kp_reader *r, struct kp_extensions *ext)
{
    return keep(r, &ext->raw_groups);
}

int kp_groups_parse(struct kp_span body, struct kp_span *list)
{
    struct kp_reader r;

    kp_reader_init(&r, body.data, body.len);
    struct kp_reader groups = kp_read_vector(&r, 2, 2, 65535);
    *list = kp_rest_of(&groups);
    return kp_reader_done(&r) && list->len % 2 == 0 ? 0 : KP_E_DECODE;
}

void kp_build_groups(struct kp_builder *b, const struct kp_extensions *ext)
{
    put_list(b, 2, ext->groups);
}

/* ---- cookie, 4.2.2 ------------------------------------------------------------------------- */

int kp_keep_cookie(struct kp_reader *r, struct kp_extensions *ext)
{
    return keep(r, &ext->raw_cookie);
}

int kp_parse_cookie(struct kp_reader *r, struct kp_extensions *ext)
{
    struct kp_reader cookie = kp_read_vector(r, 2, 1, 65535);

    ext->cookie = kp_rest_of(&cookie);
    return done(r);
}

int kp_cookie_parse(struct kp_span body, struct kp_span *cookie)
{
    struct kp_extensions ext;
    struct kp_reader r;

    kp_reader_init(&r, body.data, body.len);
    int err = kp_parse_cookie(&r, &ext);
    *cookie = ext.cookie;
    return err;
}

void kp_build_cookie(struct kp_builder *b, const struct kp_extensions *ext)
{
    put_list(b, 2, ext->cookie);
}

/* ---- psk_key_exchange_modes, 4.2.9 --------------------------------------------------------- */

int kp_keep_psk_modes(struct kp_reader *r, struct kp_extensions *ext)
{
    return keep(r, &ext->raw_psk_modes);
}

int kp_psk_modes_parse(struct kp_span body, bool *dhe)
{
    struct kp_reader r;

    kp_reader_init(&r, body.data, body.len);
    struct kp_reader modes = kp_read_vector(&r, 1, 1, 255);
    *dhe = modes.left > 0 && memchr(modes.data, KP_PSK_DHE_KE, modes.left) != NULL;
    return done(&r);
}

void kp_build_psk_modes(struct kp_builder *b, const struct kp_extensions *ext)
{
    (void)ext;
    kp_put_u8(b, 1);
    kp_put_u8(b, KP_PSK_DHE_KE);
}

/* ---- key_share, 4.2.8 ---------------------------------------------------------------------- */

int kp_keep_key_share(struct kp_reader *r, struct kp_extensions *ext)
{
    return keep(r, &ext->raw_key_share);
}

static bool next_share(struct kp_reader *list, struct kp_key_share *out)
{
    if (list->failed || list->left == 0)
        return false;
    out->group = kp_read_u16(list);
    struct kp_reader key = kp_read_vector(list, 2, 1, 65535);
    out->key = kp_rest_of(&key);
    return !list->failed;
}

static struct kp_reader shares_of(struct kp_reader *r, struct kp_span body)
{
    kp_reader_init(r, body.data, body.len);
    return kp_read_vector(r, 2, 0, 65535);
}

/* More shares than that are no honest client's: each is compared with those before it. */
#define SHARES_MAX 32

/* "Clients MUST NOT offer multiple KeyShareEntry values for the same group", nor any for a group
 * that is not in the list: servers MAY check, and abort with illegal_parameter. */
int kp_key_shares_check(struct kp_span body, struct kp_span groups)
{
    struct kp_reader r;
    struct kp_reader list = shares_of(&r, body);
    struct kp_key_share share;
    uint16_t seen[SHARES_MAX];
    size_t count = 0;

    while (next_share(&list, &share)) {
        for (size_t i = 0; i < count; i++) {
            if (seen[i] == share.group)
                return KP_E_ILLEGAL;
        }
        if (count == SHARES_MAX || !kp_list_has(groups, share.group))
            return KP_E_ILLEGAL;
        seen[count++] = share.group;
    }
    return kp_reader_done(&list) && kp_reader_done(&r) ? 0 : KP_E_DECODE;
}

struct kp_span kp_key_share_find(struct kp_span body, uint16_t group)
{
    struct kp_reader r;
    struct kp_reader list = shares_of(&r, body);
    struct kp_key_share share;

    while (next_share(&list, &share)) {
        if (share.group == group)
            return share.key;
    }
    return (struct kp_span){NULL, 0};
}

static void put_share(struct kp_builder *b, const struct kp_key_share *share)
{
    kp_put_u16(b, share->group);
    put_list(b, 2, share->key);
}

void kp_build_key_share_list(struct kp_builder *b, const struct kp_extensions *ext)
{
    size_t mark = kp_put_open(b, 2);

    put_share(b, &ext->key_share);
    kp_put_close(b, mark, 2);
}

int kp_parse_key_share(struct kp_reader *r, struct kp_extensions *ext)
{
    return next_share(r, &ext->key_share) ? done(r) : KP_E_DECODE;
}

void kp_build_key_share(struct kp_builder *b, const struct kp_extensions *ext)
{
    put_share(b, &ext->key_share);
}

int kp_parse_retry_group(struct kp_reader *r, struct kp_extensions *ext)
{
    ext->key_share.group = kp_read_u16(r);
    return done(r);
}

void kp_build_retry_group(struct kp_builder *b, const struct kp_extensions *ext)
{
    kp_put_u16(b, ext->key_share.group);
}

/* ---- pre_shared_key, 4.2.11 ---------------------------------------------------------------- */

int kp_keep_psk(struct kp_reader *r, struct kp_extensions *ext)
{
    ext->psk_last = true;
    return keep(r, &ext->raw_psk);
}

bool kp_psk_list_next(struct kp_psk_list *list, struct kp_span *identity, struct kp_span *binder)
{
    if (list->identities.left == 0 || list->binders.left == 0)
        return false;
    struct kp_reader name = kp_read_vector(&list->identities, 2, 1, 65535);
    kp_read_u32(&list->identities);
    struct kp_reader mac = kp_read_vector(&list->binders, 1, 32, 255);
    *identity = kp_rest_of(&name);
    *binder = kp_rest_of(&mac);
    return !list->identities.failed && !list->binders.failed;
}

int kp_psk_list_parse(struct kp_span body, struct kp_psk_list *out)
{
    struct kp_span identity;
    struct kp_span binder;
    struct kp_reader r;

    kp_reader_init(&r, body.data, body.len);
    out->identities = kp_read_vector(&r, 2, 7, 65535);
    out->binders_len = r.left;
    out->binders = kp_read_vector(&r, 2, 33, 65535);
    if (!kp_reader_done(&r))
        return KP_E_DECODE;
    struct kp_psk_list walk = *out;
    while (kp_psk_list_next(&walk, &identity, &binder))
        continue;
    if (walk.identities.failed || walk.binders.failed)
        return KP_E_DECODE;
    return walk.identities.left == 0 && walk.binders.left == 0 ? 0 : KP_E_ILLEGAL;
}

void kp_build_psk_offer(struct kp_builder *b, const struct kp_extensions *ext)
{
    const struct kp_psk_offer *offer = &ext->psk_offer;
    size_t identities = kp_put_open(b, 2);

    put_list(b, 2, offer->identity);
    kp_put_u32(b, offer->age);
    kp_put_close(b, identities, 2);
    size_t binders = kp_put_open(b, 2);
    kp_put_u8(b, (uint8_t)offer->binder_len);
    for (size_t i = 0; i < offer->binder_len; i++)
        kp_put_u8(b, 0);
    kp_put_close(b, binders, 2);
}

int kp_parse_psk_index(struct kp_reader *r, struct kp_extensions *ext)
{
    ext->psk_index = kp_read_u16(r);
    return done(r);
}

void kp_build_psk_index(struct kp_builder *b, const struct kp_extensions *ext)
{
    kp_put_u16(b, ext->psk_index);
}

/* ---- pake ---------------------------------------------------------------------------------- */

int kp_keep_pake(struct kp_reader *r, struct kp_extensions *ext)
{
    return keep(r, &ext->raw_pake);
}

int kp_pake_offer_parse(struct kp_span body, struct kp_pake_offer *out)
{
    struct kp_reader r;
    int last = -1;

    memset(out, 0, sizeof(*out));
    kp_reader_init(&r, body.data, body.len);
    struct kp_reader client = kp_read_vector(&r, 2, 0, 65535);
    struct kp_reader server = kp_read_vector(&r, 2, 0, 65535);
    struct kp_reader shares = kp_read_vector(&r, 2, 0, 65535);
    if (!kp_reader_done(&r))
        return KP_E_DECODE;
    out->client_identity = kp_rest_of(&client);
    out->server_identity = kp_rest_of(&server);
    while (!shares.failed && shares.left > 0) {
        uint16_t scheme = kp_read_u16(&shares);
        struct kp_reader message = kp_read_vector(&shares, 2, 0, 65535);
        if (scheme <= last)
            out->unordered = true;
        last = scheme;
        if (scheme == KP_SPAKE2PLUS_V1)
            out->share = kp_rest_of(&message);
    }
    return shares.failed ? KP_E_DECODE : 0;
}

void kp_build_pake_offer(struct kp_builder *b, const struct kp_extensions *ext)
{
    const struct kp_pake_offer *offer = &ext->pake_offer;

    put_list(b, 2, offer->client_identity);
    put_list(b, 2, offer->server_identity);
    size_t shares = kp_put_open(b, 2);
    kp_put_u16(b, KP_SPAKE2PLUS_V1);
    put_list(b, 2, offer->share);
    kp_put_close(b, shares, 2);
}

int kp_parse_pake_answer(struct kp_reader *r, struct kp_extensions *ext)
{
    ext->pake_scheme = kp_read_u16(r);
    struct kp_reader message = kp_read_vector(r, 2, 0, 65535);
    ext->pake_message = kp_rest_of(&message);
    return done(r);
}

void kp_build_pake_answer(struct kp_builder *b, const struct kp_extensions *ext)
{
    kp_put_u16(b, ext->pake_scheme);
    put_list(b, 2, ext->pake_message);
}
