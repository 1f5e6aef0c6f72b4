/*
 * AES-CBC with HMAC-SHA1, encrypt-then-MAC (RFC 5246 6.2.3.2 as changed by RFC 7366 3):
 *
 *      fragment = IV (16) | AES-CBC(content | padding | padding_length) | MAC (20)
 *      MAC = HMAC(sequence (8) | type | version | length of what is MACed (2) | IV | ciphertext)
 *
 * The MAC is checked before anything is decrypted, so padding tells nothing to anyone.
 */
#include "record/protect.h"

#include "base/bytes.h"
#include "base/secret.h"

#include <string.h>

#define IV_LEN KP_AES_BLOCK
#define MAC_LEN KP_SHA1_LEN
#define VERSION 0x0303

static int borrow(struct kp_protect *p)
{
    int err = 0;

    if (p->cbc == NULL)
        err = kp_cbc_new(&p->cbc, p->crypto, (struct kp_span){p->key, p->key_len}, p->sealing);
    if (err == 0 && p->mac == NULL)
        err = kp_mac_new(&p->mac, p->crypto, KP_HASH_SHA1,
                         (struct kp_span){p->mac_key, sizeof(p->mac_key)});
    return err;
}

static void cbc_rest(struct kp_protect *p)
{
    kp_cbc_free(p->cbc);
    kp_mac_free(p->mac);
    p->cbc = NULL;
    p->mac = NULL;
}

/* Content, 1 to 16 bytes of padding with its length byte, IV, MAC. */
static size_t cbc_sealed_len(const struct kp_protect *p, size_t len)
{
    (void)p;
    return IV_LEN + (len / KP_AES_BLOCK + 1) * KP_AES_BLOCK + MAC_LEN;
}

static int run_mac(struct kp_protect *p, uint8_t type, const uint8_t *covered, size_t len,
                   uint8_t out[static MAC_LEN])
{
    uint8_t head[8 + 1 + 2 + 2];
    struct kp_builder b;

    if (p->sequence == UINT64_MAX)
        return KP_E_INTERNAL;
    kp_builder_init(&b, head, sizeof(head));
    kp_put_u64(&b, p->sequence);
    kp_put_u8(&b, type);
    kp_put_u16(&b, VERSION);
    kp_put_u16(&b, (uint16_t)len);
    const struct kp_span parts[] = {{head, sizeof(head)}, {covered, len}};
    return kp_mac_run(p->mac, parts, 2, out);
}

static int cbc_seal(struct kp_protect *p, uint8_t type, uint16_t version, const uint8_t *in,
                    size_t len, uint8_t *record)
{
    uint8_t *iv = record + KP_HEADER_LEN;
    uint8_t *body = iv + IV_LEN;
    size_t whole = len / KP_AES_BLOCK * KP_AES_BLOCK;
    size_t rest = len - whole;
    uint8_t last[KP_AES_BLOCK];
    int err = borrow(p);

    memset(last, (int)(KP_AES_BLOCK - 1 - rest), sizeof(last));
    if (rest > 0)
        memcpy(last, in + whole, rest);
    if (err == 0)
        err = kp_random(p->crypto, iv, IV_LEN);
    if (err == 0)
        err = kp_cbc_start(p->cbc, iv);
    if (err == 0)
        err = kp_cbc_run(p->cbc, in, whole, body);
    if (err == 0)
        err = kp_cbc_run(p->cbc, last, sizeof(last), body + whole);
    if (err == 0)
        err = run_mac(p, type, iv, IV_LEN + whole + sizeof(last), body + whole + sizeof(last));
    p->sequence++;
    kp_record_header_put(record, type, version, cbc_sealed_len(p, len));
    kp_wipe(last, sizeof(last));
    return err;
}

/* Length of the content, or KP_E_RECORD_MAC: RFC 5246 6.2.3.2 wants each padding byte checked. */
static int strip_padding(const uint8_t *plain, size_t len, size_t *content)
{
    size_t padding = plain[len - 1];

    if (padding + 1 > len)
        return KP_E_RECORD_MAC;
    for (size_t i = 0; i < padding; i++) {
        if (plain[len - 2 - i] != padding)
            return KP_E_RECORD_MAC;
    }
    *content = len - padding - 1;
    return 0;
}

static int cbc_open(struct kp_protect *p, const uint8_t header[static KP_HEADER_LEN],
                    const uint8_t *in, size_t len, uint8_t *out, size_t *out_len, uint8_t *type)
{
    uint8_t mac[MAC_LEN];
    uint8_t iv[IV_LEN];
    size_t body = len - IV_LEN - MAC_LEN;
    int err;

    if (len < IV_LEN + KP_AES_BLOCK + MAC_LEN || body % KP_AES_BLOCK != 0)
        return KP_E_RECORD_MAC;
    err = borrow(p);
    if (err == 0)
        err = run_mac(p, header[0], in, IV_LEN + body, mac);
    if (err == 0 && !kp_equal_secret(mac, in + IV_LEN + body, MAC_LEN))
        err = KP_E_RECORD_MAC;
    if (err != 0)
        return err;
    p->sequence++;
    memcpy(iv, in, IV_LEN);
    /* The ciphertext to the front first, when it is opened where it stands. */
    if (out == in)
        in = memmove(out, in + IV_LEN, body);
    else
        in += IV_LEN;
    err = kp_cbc_start(p->cbc, iv);
    if (err == 0)
        err = kp_cbc_run(p->cbc, in, body, out);
    *type = header[0];
    return err == 0 ? strip_padding(out, body, out_len) : err;
}

static const struct kp_protect_ops cbc_ops = {
    cbc_sealed_len,
    cbc_seal,
    cbc_open,
    cbc_rest,
};

void kp_protect_cbc(struct kp_protect *p, const struct kp_crypto *crypto,
                    const struct kp_keys12 *keys, size_t key_len, bool sealing)
{
    kp_protect_clear(p);
    p->ops = &cbc_ops;
    p->crypto = crypto;
    p->sealing = sealing;
    p->key_len = (uint8_t)key_len;
    memcpy(p->key, keys->key, key_len);
    memcpy(p->mac_key, keys->mac, sizeof(p->mac_key));
}
