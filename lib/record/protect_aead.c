/*
 * AEAD protection of TLS 1.3 (RFC 8446 5.2 to 5.4):
 *
 *      fragment = AEAD(content | type | zeros), the header being additional data
 *      nonce = iv XOR sequence number
 *
 * The header always says application_data and 0303; the content's own type stands behind it.
 */
#include "record/protect.h"

#include "base/secret.h"

#include <string.h>

#define OUTER_VERSION 0x0303
/* TLSCiphertext.length, and TLSInnerPlaintext with its type: RFC 8446 5.2 and 5.4. */
#define CIPHERTEXT_MAX (KP_RECORD_MAX + 256)
#define INNER_MAX (KP_RECORD_MAX + 1)

static int borrow(struct kp_protect *p)
{
    if (p->aead != NULL)
        return 0;
    return kp_aead_new(&p->aead, p->crypto, (enum kp_aead_id)p->aead_id, p->key, p->sealing);
}

static void aead_rest(struct kp_protect *p)
{
    kp_aead_free(p->aead);
    p->aead = NULL;
}

static size_t aead_sealed_len(const struct kp_protect *p, size_t len)
{
    (void)p;
    return len + 1 + KP_AEAD_TAG_LEN;
}

/* RFC 8446 5.3; the number never comes round. */
static int next_nonce(struct kp_protect *p, uint8_t out[static KP_AEAD_NONCE_LEN])
{
    if (p->sequence == UINT64_MAX)
        return KP_E_INTERNAL;
    memcpy(out, p->iv, KP_AEAD_NONCE_LEN);
    for (unsigned i = 0; i < 8; i++)
        out[KP_AEAD_NONCE_LEN - 1 - i] ^= (uint8_t)(p->sequence >> (8 * i));
    return 0;
}

static int aead_seal(struct kp_protect *p, uint8_t type, uint16_t version, const uint8_t *in,
                     size_t len, uint8_t *record)
{
    const struct kp_span header = {record, KP_HEADER_LEN};
    const struct kp_span parts[] = {{in, len}, {&type, 1}};
    uint8_t nonce[KP_AEAD_NONCE_LEN];
    int err = borrow(p);

    (void)version;
    if (err == 0)
        err = next_nonce(p, nonce);
    kp_record_header_put(record, KP_APPLICATION, OUTER_VERSION, aead_sealed_len(p, len));
    if (err == 0)
        err = kp_aead_seal(p->aead, nonce, header, parts, 2, record + KP_HEADER_LEN);
    if (err == 0)
        p->sequence++;
    return err;
}

/* Finds the type behind the content and in front of the padding: RFC 8446 5.4. */
static int strip(const uint8_t *inner, size_t len, size_t *content, uint8_t *type)
{
    while (len > 0 && inner[len - 1] == 0)
        len--;
    if (len == 0)
        return KP_E_UNEXPECTED;
    *content = len - 1;
    *type = inner[len - 1];
    /* A protected ChangeCipherSpec is refused too (5); only application data may be empty (5.4). */
    if (*type != KP_APPLICATION && *type != KP_HANDSHAKE && *type != KP_ALERT)
        return KP_E_UNEXPECTED;
    return *content == 0 && *type != KP_APPLICATION ? KP_E_UNEXPECTED : 0;
}

static int aead_open(struct kp_protect *p, const uint8_t header[static KP_HEADER_LEN],
                     const uint8_t *in, size_t len, uint8_t *out, size_t *out_len, uint8_t *type)
{
    uint8_t nonce[KP_AEAD_NONCE_LEN];

    if (header[0] != KP_APPLICATION)
        return KP_E_UNEXPECTED;
    if (len > CIPHERTEXT_MAX)
        return KP_E_OVERFLOW;
    int err = borrow(p);
    if (err == 0)
        err = next_nonce(p, nonce);
    if (err == 0)
        err = kp_aead_open(p->aead, nonce, (struct kp_span){header, KP_HEADER_LEN}, in, len, out);
    if (err != 0)
        return err;
    p->sequence++;
    if (len - KP_AEAD_TAG_LEN > INNER_MAX)
        return KP_E_OVERFLOW;
    return strip(out, len - KP_AEAD_TAG_LEN, out_len, type);
}

static const struct kp_protect_ops aead_ops = {
    aead_sealed_len,
    aead_seal,
    aead_open,
    aead_rest,
};

void kp_protect_aead(struct kp_protect *p, const struct kp_crypto *crypto, enum kp_aead_id id,
                     const struct kp_keys13 *keys, bool sealing)
{
    kp_protect_clear(p);
    p->ops = &aead_ops;
    p->crypto = crypto;
    p->sealing = sealing;
    p->aead_id = (uint8_t)id;
    p->key_len = (uint8_t)kp_aead_key_len(id);
    memcpy(p->key, keys->key, p->key_len);
    memcpy(p->iv, keys->iv, sizeof(p->iv));
}
