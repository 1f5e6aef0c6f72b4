/*
 * The handshake transcript.  Knows no message.
 */
#include "key/transcript.h"

#include <stdlib.h>
#include <string.h>

int kp_transcript_add(struct kp_transcript *t, const uint8_t *data, size_t len)
{
    if (t->hash != NULL)
        return kp_hash_update(t->hash, data, len);
    uint8_t *grown = realloc(t->early, t->early_len + len);
    if (grown == NULL)
        return KP_E_MEMORY;
    memcpy(grown + t->early_len, data, len);
    t->early = grown;
    t->early_len += len;
    return 0;
}

int kp_transcript_choose(struct kp_transcript *t, const struct kp_crypto *crypto,
                         enum kp_hash_id id)
{
    int err = kp_hash_new(&t->hash, crypto, id);

    if (err == 0 && t->early_len > 0)
        err = kp_hash_update(t->hash, t->early, t->early_len);
    free(t->early);
    t->early = NULL;
    t->early_len = 0;
    return err;
}

int kp_transcript_peek(const struct kp_transcript *t, uint8_t *out)
{
    return t->hash != NULL ? kp_hash_peek(t->hash, out) : KP_E_INTERNAL;
}

int kp_transcript_peek_with(const struct kp_transcript *t, const struct kp_crypto *crypto,
                            enum kp_hash_id id, const uint8_t *data, size_t len, uint8_t *out)
{
    const struct kp_span parts[] = {{t->early, t->early_len}, {data, len}};

    if (t->hash != NULL)
        return kp_hash_peek_with(t->hash, data, len, out);
    return kp_digest(crypto, id, parts, 2, out);
}

int kp_transcript_restart(struct kp_transcript *t, const struct kp_crypto *crypto,
                          enum kp_hash_id id, const uint8_t *hash)
{
    enum { MESSAGE_HASH = 254 };
    const uint8_t header[4] = {MESSAGE_HASH, 0, 0, (uint8_t)kp_hash_len(id)};
    int err;

    kp_transcript_clear(t);
    err = kp_hash_new(&t->hash, crypto, id);
    if (err == 0)
        err = kp_hash_update(t->hash, header, sizeof(header));
    return err == 0 ? kp_hash_update(t->hash, hash, kp_hash_len(id)) : err;
}

void kp_transcript_clear(struct kp_transcript *t)
{
    kp_hash_free(t->hash);
    free(t->early);
    memset(t, 0, sizeof(*t));
}
