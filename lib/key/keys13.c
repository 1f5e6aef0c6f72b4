/*
 * The key schedule of TLS 1.3.  Knows no message and no record.
 */
#include "key/keys13.h"

#include "base/secret.h"

#include <string.h>

static struct kp_span span(const uint8_t *data, size_t len)
{
    return (struct kp_span){data, len};
}

static struct kp_span text(const char *s)
{
    return span((const uint8_t *)s, strlen(s));
}

/* A secret of the suite's length, expanded to len bytes. */
static int expand(struct kp_mac *mac, const uint8_t *secret, const char *label,
                  struct kp_span context, uint8_t *out, size_t len)
{
    return kp_hkdf_expand_label(mac, span(secret, kp_mac_len(mac)), text(label), context, out, len);
}

/* The HMAC that the others take: its first key is never used. */
static int new_mac(struct kp_mac **out, const struct kp_crypto *crypto, enum kp_hash_id hash)
{
    static const uint8_t zero[1];

    return kp_mac_new(out, crypto, hash, span(zero, sizeof(zero)));
}

/* ---- The schedule ------------------------------------------------------------------------ */

/* secret = HKDF-Extract(salt, input); no input stands for as many zeros as the hash has. */
static int extract(struct kp_schedule13 *s, struct kp_span salt, struct kp_span input)
{
    static const uint8_t zeros[KP_HASH_MAX];

    if (input.len == 0)
        input = span(zeros, kp_mac_len(s->mac));
    return kp_hkdf_extract(s->mac, salt, input, s->secret);
}

int kp_schedule13_start(struct kp_schedule13 *s, const struct kp_crypto *crypto,
                        enum kp_hash_id hash, struct kp_span psk)
{
    int err = new_mac(&s->mac, crypto, hash);

    if (err == 0)
        err = kp_digest(crypto, hash, NULL, 0, s->empty);
    return err == 0 ? extract(s, span(NULL, 0), psk) : err;
}

int kp_schedule13_derive(const struct kp_schedule13 *s, const char *label,
                         const uint8_t *transcript, uint8_t *out)
{
    size_t len = kp_mac_len(s->mac);

    return expand(s->mac, s->secret, label, span(transcript != NULL ? transcript : s->empty, len),
                  out, len);
}

int kp_schedule13_next(struct kp_schedule13 *s, struct kp_span input)
{
    uint8_t salt[KP_HASH_MAX];
    int err = kp_schedule13_derive(s, "derived", NULL, salt);

    if (err == 0)
        err = extract(s, span(salt, kp_mac_len(s->mac)), input);
    kp_wipe(salt, sizeof(salt));
    return err;
}

void kp_schedule13_clear(struct kp_schedule13 *s)
{
    kp_mac_free(s->mac);
    kp_wipe(s, sizeof(*s));
}

/* ---- What is made of its secrets --------------------------------------------------------- */

int kp_traffic_keys13(struct kp_mac *mac, const uint8_t *secret, size_t key_len,
                      struct kp_keys13 *keys)
{
    int err = expand(mac, secret, "key", span(NULL, 0), keys->key, key_len);

    if (err == 0)
        err = expand(mac, secret, "iv", span(NULL, 0), keys->iv, sizeof(keys->iv));
    return err;
}

int kp_traffic_next13(struct kp_mac *mac, uint8_t *secret)
{
    uint8_t next[KP_HASH_MAX];
    size_t len = kp_mac_len(mac);
    int err = expand(mac, secret, "traffic upd", span(NULL, 0), next, len);

    if (err == 0)
        memcpy(secret, next, len);
    kp_wipe(next, sizeof(next));
    return err;
}

int kp_finished13(struct kp_mac *mac, const uint8_t *secret, const uint8_t *transcript,
                  uint8_t *out)
{
    uint8_t key[KP_HASH_MAX];
    size_t len = kp_mac_len(mac);
    const struct kp_span covered = span(transcript, len);
    int err = expand(mac, secret, "finished", span(NULL, 0), key, len);

    if (err == 0)
        err = kp_mac_rekey(mac, span(key, len));
    if (err == 0)
        err = kp_mac_run(mac, &covered, 1, out);
    kp_wipe(key, sizeof(key));
    return err;
}

int kp_resumption_psk13(struct kp_mac *mac, const uint8_t *secret, struct kp_span nonce,
                        uint8_t *psk)
{
    return expand(mac, secret, "resumption", nonce, psk, kp_mac_len(mac));
}

int kp_export13(const struct kp_crypto *crypto, enum kp_hash_id hash, const uint8_t *secret,
                struct kp_span label, struct kp_span context, uint8_t *out, size_t out_len)
{
    size_t len = kp_hash_len(hash);
    uint8_t derived[KP_HASH_MAX];
    uint8_t covered[KP_HASH_MAX];
    struct kp_mac *mac;

    if (label.len == 0 || label.len > KP_EXPORT_LABEL_MAX || out_len > KP_EXPORT_MAX)
        return KP_E_ARGUMENT;
    int err = new_mac(&mac, crypto, hash);
    if (err == 0)
        err = kp_digest(crypto, hash, NULL, 0, covered);
    if (err == 0)
        err = kp_hkdf_expand_label(mac, span(secret, len), label, span(covered, len), derived, len);
    if (err == 0)
        err = kp_digest(crypto, hash, &context, 1, covered);
    if (err == 0)
        err = expand(mac, derived, "exporter", span(covered, len), out, out_len);
    kp_mac_free(mac);
    kp_wipe(derived, sizeof(derived));
    return err;
}
