/*
 * A connection's secrets for a key log (NSS format), in builds that have one.
 */
#include "handshake/handshake.h"

#include "base/secret.h"

#ifdef KP_KEYLOG
#include <stdio.h>

#define LABEL_MAX 40

void kp_handshake_log_secret(const struct kp_handshake *hs, const char *label,
                             const uint8_t *secret, size_t len)
{
    char line[LABEL_MAX + 2 * KP_RANDOM_LEN + 2 * KP_HASH_MAX + 2];
    char *p = line;

    if (hs->context->keylog == NULL || len > KP_HASH_MAX)
        return;
    p += snprintf(p, LABEL_MAX, "%s ", label);
    for (size_t i = 0; i < KP_RANDOM_LEN; i++)
        p += sprintf(p, "%02x", hs->client_random[i]);
    *p++ = ' ';
    for (size_t i = 0; i < len; i++)
        p += sprintf(p, "%02x", secret[i]);
    hs->context->keylog(hs->context->keylog_arg, line);
    kp_wipe(line, sizeof(line));
}
#else
void kp_handshake_log_secret(const struct kp_handshake *hs, const char *label,
                             const uint8_t *secret, size_t len)
{
    (void)hs;
    (void)label;
    (void)secret;
    (void)len;
}
#endif
