/*
 * The link that a label can have beside the password.
 */
#include <stdio.h>

#include "passwd.h"

/* Each byte as it is, or as %XX. */
#define WRITTEN_MAX(len) (3 * (len) + 1)

/* The link's parser takes more as it is, but these are safe in every program on its way. */
static bool is_plain(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

static void put_encoded(char *out, const struct kp_text *text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text->len; i++) {
        uint8_t byte = (uint8_t)text->data[i];
        if (is_plain(text->data[i])) {
            *out++ = text->data[i];
            continue;
        }
        *out++ = '%';
        *out++ = digits[byte >> 4];
        *out++ = digits[byte & 15];
    }
    *out = '\0';
}

void kp_passwd_tell_link(const struct kp_passwd *passwd, const struct kp_text *name)
{
    const struct kp_text *id = &passwd->roster.device_id;
    char written_id[WRITTEN_MAX(KP_DEVICE_ID_MAX)], written_name[WRITTEN_MAX(KP_NAME_MAX)];
    if (id->len > KP_DEVICE_ID_MAX || name->len > KP_NAME_MAX)
        return;
    put_encoded(written_id, id);
    put_encoded(written_name, name);
    kp_command_note("link for the label: keyplate://%s/?v=1&user=%s", written_id, written_name);
}
