/* The links of labels: see label_link.h. */
#include "label_link.h"

#include <stdio.h>
#include <string.h>

/* Each byte as it is, or as %XX. */
#define WRITTEN_MAX(len) (3 * (len) + 1)

/* The link's parser takes more as it is, but these are safe in every program on its way. */
static bool is_plain(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

static void put_encoded(char *out, const char *text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (; *text != '\0'; text++) {
        uint8_t byte = (uint8_t)*text;
        if (is_plain(*text)) {
            *out++ = *text;
            continue;
        }
        *out++ = '%';
        *out++ = digits[byte >> 4];
        *out++ = digits[byte & 15];
    }
    *out = '\0';
}

int kp_label_link(char out[static KP_LABEL_LINK_LEN], const struct kp_label_link *link)
{
    char id[WRITTEN_MAX(KP_DEVICE_ID_MAX)], user[WRITTEN_MAX(KP_NAME_MAX)];
    const char *host = link->host != NULL ? link->host : "";
    const char *password = link->password != NULL ? link->password : "";
    out[0] = '\0';
    if (strlen(link->id) > KP_DEVICE_ID_MAX || strlen(link->user) > KP_NAME_MAX ||
        strlen(host) > KP_LABEL_LINK_HOST_MAX)
        return KP_E_TOO_LONG;
    put_encoded(id, link->id);
    put_encoded(user, link->user);
    int n = snprintf(out, KP_LABEL_LINK_LEN, "keyplate://%s%s%s/?v=1&user=%s%s%s", id,
                     host[0] != '\0' ? "@" : "", host, user, password[0] != '\0' ? "#p=" : "",
                     password);
    if (n > 0 && n < KP_LABEL_LINK_LEN)
        return 0;
    out[0] = '\0';
    return KP_E_TOO_LONG;
}
