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

void kp_transcript_clear(struct kp_transcript *t)
{
    kp_hash_free(t->hash);
    free(t->early);
    memset(t, 0, sizeof(*t));
}
