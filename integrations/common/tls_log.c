/* See tls_log.h. */
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE
#endif
#include "tls_log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

uint64_t kp_tls_ms(void)
{
    struct timespec now = {0, 0};
#ifdef CLOCK_BOOTTIME
    if (clock_gettime(CLOCK_BOOTTIME, &now) != 0)
#endif
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t kp_tls_seconds(void)
{
    return kp_tls_ms() / 1000;
}

void kp_tls_log_say(const struct kp_tls_log *log, enum kp_tls_level level, const char *format, ...)
{
    char line[KP_TLS_LOG_LINE];
    va_list args;
    if (log->say == NULL)
        return;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    log->say(log->arg, level, line);
}

bool kp_tls_log_stranger(struct kp_tls_log *log)
{
    uint64_t now = kp_tls_seconds();
    if (now != log->second) {
        if (log->left_out > 0)
            kp_tls_log_say(log, KP_TLS_LOG_WARNING,
                           "%u more connections failed before they proved anything", log->left_out);
        log->second = now;
        log->said = log->left_out = 0;
    }
    if (log->said < KP_TLS_LOG_STRANGERS) {
        log->said++;
        return true;
    }
    log->left_out++;
    return false;
}

/* Bytes of the well-formed UTF-8 character at text, of those that are no control characters and
 * don't turn the direction of a line; 0: none. */
static size_t utf8_len(const unsigned char *text, size_t len)
{
    size_t n = text[0] < 0xc2   ? 0
               : text[0] < 0xe0 ? 2
               : text[0] < 0xf0 ? 3
               : text[0] < 0xf5 ? 4
                                : 0;
    if (n == 0 || n > len)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    if ((text[0] == 0xc2 && text[1] < 0xa0) || (text[0] == 0xe0 && text[1] < 0xa0) ||
        (text[0] == 0xed && text[1] > 0x9f) || (text[0] == 0xf0 && text[1] < 0x90) ||
        (text[0] == 0xf4 && text[1] > 0x8f) || (text[0] == 0xe2 && text[1] < 0x82))
        return 0;
    return n;
}

char *kp_tls_log_name(char out[KP_TLS_LOG_NAME], const char *name, size_t len)
{
    size_t most = len < 64 ? len : 64, used = 0;
    for (size_t at = 0; at < most;) {
        const unsigned char *byte = (const unsigned char *)name + at;
        size_t n = utf8_len(byte, most - at);
        if (n == 0 && *byte >= 0x20 && *byte < 0x7f && strchr("\"\\'", *byte) == NULL)
            n = 1;
        if (n > 0) {
            memcpy(out + used, byte, n);
            used += n;
        } else {
            used += (size_t)snprintf(out + used, 5, "\\x%02x", *byte);
            n = 1;
        }
        at += n;
    }
    memcpy(out + used, len > most ? "..." : "", len > most ? 4 : 1);
    return out;
}
