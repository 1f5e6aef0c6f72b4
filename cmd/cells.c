/*
 * Cells of tables.
 */
#include "cells.h"

#include <string.h>

static bool is_plain(const char *text, const char *plain)
{
    for (; *text != '\0'; text++)
        if (!((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
              (*text >= '0' && *text <= '9') || strchr(plain, *text) != NULL))
            return false;
    return true;
}

const char *kp_cell_text(char *out, const char *text, const char *plain)
{
    size_t len = strlen(text);
    if (len > 0 && is_plain(text, plain))
        return memcpy(out, text, len + 1);
    out[0] = '"';
    kp_text_escape(out + 1, text, len);
    len = strlen(out);
    memcpy(out + len, "\"", 2);
    return out;
}

bool kp_cell_begins_character(char byte)
{
    return ((unsigned char)byte & 0xc0) != 0x80;
}

size_t kp_cell_width(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++)
        count += kp_cell_begins_character(*text);
    return count;
}
