/*
 * Hello extensions: one row each.  Unknown ones are passed over.
 */
#include "message/extension_rows.h"

#include <string.h>

/* An honest hello has about twenty; the list of seen ones is searched for each. */
#define EXTENSIONS_MAX 100

typedef int parse_fn(struct kp_reader *r, struct kp_extensions *ext);
typedef void build_fn(struct kp_builder *b, const struct kp_extensions *ext);

struct row {
    uint16_t value;
    uint32_t bit;
    parse_fn *parse_client; /* NULL: passed over as unknown */
    build_fn *build_client;
    parse_fn *parse_server;
    build_fn *build_server;
    uint32_t places; /* where a server may send it */
};

#define IN_BOTH (KP_IN_SERVER_HELLO | KP_IN_ENCRYPTED)

/* In the order in which they are built.  pre_shared_key comes last: RFC 8446 4.2.11. */
static const struct row rows[] = {
    {KP_PAKE_EXTENSION, KP_EXT_PAKE, NULL, NULL, kp_parse_pake_answer, kp_build_pake_answer,
     KP_IN_SERVER_HELLO},
    {0, KP_EXT_SERVER_NAME, kp_parse_server_name, kp_build_server_name, kp_parse_empty,
     kp_build_empty, IN_BOTH},
    {12, KP_EXT_SRP, kp_parse_srp, kp_build_srp, NULL, NULL, 0},
    {16, KP_EXT_ALPN, kp_parse_alpn_list, kp_build_alpn_list, kp_parse_alpn_one, kp_build_alpn_one,
     IN_BOTH},
    {22, KP_EXT_ETM, kp_parse_empty, kp_build_empty, kp_parse_empty, kp_build_empty,
     KP_IN_SERVER_HELLO},
    {23, KP_EXT_EMS, kp_parse_empty, kp_build_empty, kp_parse_empty, kp_build_empty,
     KP_IN_SERVER_HELLO},
    {28, KP_EXT_RECORD_SIZE_LIMIT, kp_parse_record_size_limit, kp_build_record_size_limit,
     kp_parse_record_size_limit, kp_build_record_size_limit, IN_BOTH},
    {35, KP_EXT_TICKET, kp_parse_ticket, kp_build_ticket, kp_parse_empty, kp_build_empty,
     KP_IN_SERVER_HELLO},
    {0xFF01, KP_EXT_RENEGOTIATION, kp_parse_renegotiation, kp_build_renegotiation,
     kp_parse_renegotiation, kp_build_renegotiation, KP_IN_SERVER_HELLO},
    {10, KP_EXT_GROUPS, kp_keep_groups, kp_build_groups, kp_pass_over, NULL, KP_IN_ENCRYPTED},
    {13, KP_EXT_SIGNATURES, kp_pass_over, NULL, NULL, NULL, 0},
    {43, KP_EXT_VERSIONS, kp_parse_versions, kp_build_versions, kp_parse_version, kp_build_version,
     KP_IN_SERVER_HELLO | KP_IN_RETRY},
    {44, KP_EXT_COOKIE, kp_keep_cookie, kp_build_cookie, kp_parse_cookie, kp_build_cookie,
     KP_IN_RETRY},
    {45, KP_EXT_PSK_MODES, kp_keep_psk_modes, kp_build_psk_modes, NULL, NULL, 0},
    {51, KP_EXT_KEY_SHARE, kp_keep_key_share, kp_build_key_share_list, kp_parse_key_share,
     kp_build_key_share, KP_IN_SERVER_HELLO},
    {51, KP_EXT_KEY_SHARE, NULL, NULL, kp_parse_retry_group, kp_build_retry_group, KP_IN_RETRY},
    {KP_PAKE_EXTENSION, KP_EXT_PAKE, kp_keep_pake, kp_build_pake_offer, NULL, NULL, 0},
    {41, KP_EXT_PSK, kp_keep_psk, kp_build_psk_offer, kp_parse_psk_index, kp_build_psk_index,
     KP_IN_SERVER_HELLO},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static bool stands_in(const struct row *row, enum kp_place place)
{
    if (place == KP_IN_CLIENT_HELLO)
        return row->parse_client != NULL || row->build_client != NULL;
    return (row->places & (uint32_t)place) != 0;
}

uint32_t kp_extension_bit(uint16_t value)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].value == value && stands_in(&rows[i], KP_IN_CLIENT_HELLO))
            return rows[i].bit;
    }
    return 0;
}

static int parse_one(uint16_t value, struct kp_reader *body, enum kp_place place,
                     struct kp_extensions *out)
{
    for (size_t i = 0; i < ROWS; i++) {
        const struct row *row = &rows[i];
        if (row->value != value || !stands_in(row, place))
            continue;
        out->present |= row->bit;
        return place == KP_IN_CLIENT_HELLO ? row->parse_client(body, out)
                                           : row->parse_server(body, out);
    }
    /* RFC 5246 7.4.1.4, RFC 8446 4.2: a client refuses what it can't have offered. */
    return place == KP_IN_CLIENT_HELLO ? 0 : KP_E_EXTENSION;
}

/* RFC 8446 4.2 names no alert; BoringSSL's client has one of its own for this one. */
static int duplicate(uint16_t value, enum kp_place place)
{
    return value == KP_PAKE_EXTENSION && place != KP_IN_CLIENT_HELLO ? KP_E_ILLEGAL : KP_E_DECODE;
}

int kp_extensions_parse(struct kp_reader *r, enum kp_place place, struct kp_extensions *out)
{
    uint16_t seen[EXTENSIONS_MAX];
    size_t count = 0;

    memset(out, 0, sizeof(*out));
    if (kp_reader_done(r) && place != KP_IN_ENCRYPTED)
        return 0;
    struct kp_reader block = kp_read_vector(r, 2, 0, 65535);
    while (!block.failed && block.left > 0) {
        uint16_t value = kp_read_u16(&block);
        struct kp_reader body = kp_read_vector(&block, 2, 0, 65535);
        if (block.failed || count == EXTENSIONS_MAX)
            return KP_E_DECODE;
        for (size_t i = 0; i < count; i++) {
            if (seen[i] == value)
                return duplicate(value, place);
        }
        seen[count++] = value;
        out->psk_last = false;
        int err = parse_one(value, &body, place, out);
        if (err != 0)
            return err;
    }
    return !block.failed && kp_reader_done(r) ? 0 : KP_E_DECODE;
}

void kp_extensions_build(struct kp_builder *b, enum kp_place place, const struct kp_extensions *ext)
{
    size_t block = kp_put_open(b, 2);

    for (size_t i = 0; i < ROWS; i++) {
        build_fn *build = place == KP_IN_CLIENT_HELLO ? rows[i].build_client : rows[i].build_server;
        if ((ext->present & rows[i].bit) == 0 || build == NULL || !stands_in(&rows[i], place))
            continue;
        kp_put_u16(b, rows[i].value);
        size_t body = kp_put_open(b, 2);
        build(b, ext);
        kp_put_close(b, body, 2);
    }
    kp_put_close(b, block, 2);
}
