/* The few HTTP answers of our own: see notice.h. */
#include "notice.h"

#include <stdio.h>
#include <string.h>

size_t kp_notice_typed(char out[KP_NOTICE_MAX], const char *status, const char *type,
                       const char *body)
{
    int len = snprintf(out, KP_NOTICE_MAX,
                       "HTTP/1.1 %s\r\n"
                       "Content-Type: %s\r\n"
                       "Content-Length: %zu\r\n"
                       "Cache-Control: no-store\r\n"
                       "Connection: close\r\n"
                       "\r\n"
                       "%s",
                       status, type, strlen(body), body);
    return len < 0 || len >= KP_NOTICE_MAX ? 0 : (size_t)len;
}

size_t kp_notice(char out[KP_NOTICE_MAX], const char *status, int html, const char *body)
{
    return kp_notice_typed(out, status,
                           html ? "text/html; charset=utf-8" : "text/plain; charset=utf-8", body);
}

const char *kp_notice_entity(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void kp_notice_escape(char *out, size_t len, const char *text)
{
    size_t used = 0;
    for (; *text != '\0'; text++) {
        char one[2] = {*text, '\0'};
        const char *as = kp_notice_entity(*text);
        if (as == NULL)
            as = one;
        if (used + strlen(as) >= len)
            break;
        memcpy(out + used, as, strlen(as));
        used += strlen(as);
    }
    out[used] = '\0';
}
