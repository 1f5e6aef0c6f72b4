/*
 * Protected records of TLS 1.3 by the test's own hand.
 */
#include "seal13.h"

#include <stdlib.h>
#include <string.h>

static void make_nonce(const struct kp_protect *protect, uint8_t nonce[static KP_AEAD_NONCE_LEN])
{
    memcpy(nonce, protect->iv, KP_AEAD_NONCE_LEN);
    for (unsigned i = 0; i < 8; i++)
        nonce[KP_AEAD_NONCE_LEN - 1 - i] ^= (uint8_t)(protect->sequence >> (8 * i));
}

void seal13(struct kp_protect *protect, uint8_t type, const void *content, size_t len, size_t zeros,
            struct bytes *out)
{
    bool only_zeros = type == 0 && len == 0;
    size_t inner = len + (only_zeros ? 0 : 1) + zeros;
    uint8_t *padding = calloc(1, zeros + 1);
    uint8_t *record = malloc(KP_HEADER_LEN + inner + KP_AEAD_TAG_LEN);
    uint8_t nonce[KP_AEAD_NONCE_LEN];
    struct kp_aead *aead;

    must(padding != NULL && record != NULL);
    const struct kp_span parts[] = {{content, len}, {&type, only_zeros ? 0 : 1}, {padding, zeros}};
    kp_record_header_put(record, KP_APPLICATION, 0x0303, inner + KP_AEAD_TAG_LEN);
    make_nonce(protect, nonce);
    must(kp_aead_new(&aead, protect->crypto, (enum kp_aead_id)protect->aead_id, protect->key,
                     true) == 0);
    must(kp_aead_seal(aead, nonce, (struct kp_span){record, KP_HEADER_LEN}, parts, 3,
                      record + KP_HEADER_LEN) == 0);
    kp_aead_free(aead);
    protect->sequence++;
    bytes_add(out, record, KP_HEADER_LEN + inner + KP_AEAD_TAG_LEN);
    free(record);
    free(padding);
}

void pair13_seal(struct pair *p, enum kp_role from, uint8_t type, const void *content, size_t len,
                 size_t zeros)
{
    struct bytes record = {0};

    pair_run(p);
    seal13(&p->conn[from]->records.write, type, content, len, zeros, &record);
    pair_inject(p, from, record.data, record.len);
    bytes_free(&record);
}

/* By the server's handshake, which has both secrets until the client's Finished came. */
static void handshake_keys(const struct pair *p, enum kp_role from, struct kp_protect *protect,
                           bool sealing)
{
    const struct kp_handshake *hs = p->conn[KP_SERVER]->handshake;

    must(hs != NULL && hs->t13.schedule.mac != NULL);
    kp_protect_none(protect);
    must(kp_tls13_protect(protect, p->world->crypto, hs->suite, hs->t13.schedule.mac,
                          from == KP_CLIENT ? hs->t13.client_secret : hs->t13.server_secret,
                          sealing) == 0);
}

void pair13_seal_early(struct pair *p, enum kp_role from, uint8_t type, const void *content,
                       size_t len)
{
    struct kp_protect protect;
    struct bytes record = {0};

    handshake_keys(p, from, &protect, true);
    seal13(&protect, type, content, len, 0, &record);
    pair_inject(p, from, record.data, record.len);
    bytes_free(&record);
    kp_protect_clear(&protect);
}

/* ---- Rewriting ----------------------------------------------------------------------------- */

static bool in_handshake(const struct pair *p)
{
    const struct kp_handshake *hs = p->conn[KP_SERVER]->handshake;

    return hs != NULL && hs->t13.schedule.mac != NULL;
}

static void rewrite_sealed(struct pair *p, struct rewrite *r, const uint8_t *record, size_t len,
                           struct bytes *out)
{
    uint8_t *plain = malloc(len);
    struct bytes instead = {0};
    uint8_t type;
    size_t n;

    if (!r->ready) {
        handshake_keys(p, r->from, &r->open, false);
        handshake_keys(p, r->from, &r->seal, true);
        r->ready = true;
    }
    must(plain != NULL);
    must(r->open.ops->open(&r->open, record, record + KP_HEADER_LEN, len - KP_HEADER_LEN, plain, &n,
                           &type) == 0);
    if (type == KP_HANDSHAKE)
        r->message(r, plain, n, &instead);
    else
        bytes_add(&instead, plain, n);
    r->seen++;
    if (instead.len > 0)
        seal13(&r->seal, type, instead.data, instead.len, 0, out);
    bytes_free(&instead);
    free(plain);
}

static void rewrite_clear_text(struct rewrite *r, rewrite_fn *change, const uint8_t *record,
                               size_t len, struct bytes *out)
{
    struct bytes instead = {0};

    change(r, record + KP_HEADER_LEN, len - KP_HEADER_LEN, &instead);
    r->hellos += record[0] == KP_HANDSHAKE;
    if (instead.len > 0)
        bytes_record(out, record[0], (uint16_t)(record[1] << 8 | record[2]), instead.data,
                     instead.len);
    bytes_free(&instead);
}

void edit_rewrite(struct pair *p, enum kp_role from, const uint8_t *record, size_t len,
                  struct bytes *out)
{
    struct rewrite *r = p->edit_arg;
    rewrite_fn *change = record[0] == KP_HANDSHAKE ? r->hello : r->record;

    if (from == r->from && record[0] == KP_APPLICATION && in_handshake(p) && r->message != NULL)
        rewrite_sealed(p, r, record, len, out);
    else if (from == r->from && record[0] != KP_APPLICATION && change != NULL)
        rewrite_clear_text(r, change, record, len, out);
    else
        bytes_add(out, record, len);
}

void rewrite_clear(struct rewrite *r)
{
    if (!r->ready)
        return;
    kp_protect_clear(&r->open);
    kp_protect_clear(&r->seal);
}
