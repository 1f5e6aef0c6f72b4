/*
 * No protection: what records are before ChangeCipherSpec.
 */
#include "record/protect.h"

#include "base/secret.h"

#include <string.h>

void kp_record_header_put(uint8_t *out, uint8_t type, uint16_t version, size_t len)
{
    out[0] = type;
    out[1] = (uint8_t)(version >> 8);
    out[2] = (uint8_t)version;
    out[3] = (uint8_t)(len >> 8);
    out[4] = (uint8_t)len;
}

static size_t none_sealed_len(const struct kp_protect *p, size_t len)
{
    (void)p;
    return len;
}

static int none_seal(struct kp_protect *p, uint8_t type, uint16_t version, const uint8_t *in,
                     size_t len, uint8_t *record)
{
    (void)p;
    kp_record_header_put(record, type, version, len);
    memcpy(record + KP_HEADER_LEN, in, len);
    return 0;
}

static int none_open(struct kp_protect *p, const uint8_t header[static KP_HEADER_LEN],
                     const uint8_t *in, size_t len, uint8_t *out, size_t *out_len, uint8_t *type)
{
    (void)p;
    if (len > 0)
        memmove(out, in, len);
    *out_len = len;
    *type = header[0];
    return 0;
}

static void none_rest(struct kp_protect *p)
{
    (void)p;
}

static const struct kp_protect_ops none_ops = {
    none_sealed_len,
    none_seal,
    none_open,
    none_rest,
};

void kp_protect_none(struct kp_protect *p)
{
    memset(p, 0, sizeof(*p));
    p->ops = &none_ops;
}

void kp_protect_clear(struct kp_protect *p)
{
    if (p->ops != NULL)
        p->ops->rest(p);
    kp_wipe(p, sizeof(*p));
    p->ops = &none_ops;
}
