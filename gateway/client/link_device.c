/* The keyplate:// links of labels: see link_device.h.  RFC 3986, and no more of it than is needed.
 */
#include "link_device.h"

#include <string.h>

#include "creds/text.h"

static int refuse(const char **why, const char *text)
{
    *why = text;
    return -1;
}

/* ---- Percent-encoding -------------------------------------------------------------------- */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* What may stand as it is: unreserved and sub-delims, but for & and = (of queries) and + (which
 * forms take for a space). */
static bool is_plain(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != '\0' && strchr("-._~!$'()*,;", c) != NULL);
}

/* Decodes text[len] into out, which has room for max bytes; its length, or -1. */
static int decode(const char *text, size_t len, char *out, size_t max)
{
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        int high, low;
        if (used == max)
            return -1;
        if (is_plain(text[i])) {
            out[used++] = text[i];
            continue;
        }
        if (text[i] != '%' || len - i < 3)
            return -1;
        high = hex_value(text[i + 1]);
        low = hex_value(text[i + 2]);
        if (high < 0 || low < 0)
            return -1;
        out[used++] = (char)(high << 4 | low);
        i += 2;
    }
    return (int)used;
}

/* An id or a name, in NFC, by the rules of names; out has max + 1 bytes. */
static bool take_text(const char *text, size_t len, char *out, size_t max)
{
    struct kp_text nfc = {NULL, 0};
    int decoded = decode(text, len, out, max);
    bool good = decoded >= 0 && kp_text_name(&nfc, out, (size_t)decoded, false) == KP_TEXT_FINE &&
                nfc.len <= max;
    if (good)
        memcpy(out, nfc.data, nfc.len + 1);
    kp_text_clear(&nfc);
    return good;
}

/* ---- The parts --------------------------------------------------------------------------- */

static int take_authority(struct kp_link *out, const char *text, size_t len, const char **why)
{
    const char *sign = memchr(text, '@', len);
    size_t id_len = sign != NULL ? (size_t)(sign - text) : len;
    const char *host = text + id_len + 1;
    if (memchr(text, ':', id_len) != NULL)
        return refuse(why,
                      "in a keyplate:// link the device id comes first, then @ and the address "
                      "(a : in the id is written %3A)");
    if (!take_text(text, id_len, out->id, KP_DEVICE_ID_MAX))
        return refuse(why,
                      "the link's device id isn't one: 1 to 255 bytes of UTF-8 without control "
                      "characters, where all but letters, digits and -._~ is written %XX");
    if (sign == NULL)
        return 0;
    if (kp_host_split_url(&out->host, host, len - id_len - 1, "443", why) != 0)
        return -1;
    if (kp_host_has_no_port(&out->host))
        return refuse(why, "the port is a number from 1 to 65535");
    return 0;
}

static bool is_key(const char *pair, size_t len, const char *key)
{
    size_t n = strlen(key);
    return len > n && memcmp(pair, key, n) == 0 && pair[n] == '=';
}

static int take_pair(struct kp_link *out, const char *pair, size_t len, bool *has_v,
                     const char **why)
{
    if (is_key(pair, len, "v")) {
        if (*has_v)
            return refuse(why, "the link has v= twice");
        if (len != 3 || pair[2] != '1')
            return refuse(why, "the link is of a later kind (not v=1): it needs a newer keyplate");
        *has_v = true;
        return 0;
    }
    if (is_key(pair, len, "user")) {
        if (out->user[0] != '\0')
            return refuse(why, "the link has user= twice");
        if (!take_text(pair + 5, len - 5, out->user, KP_NAME_MAX))
            return refuse(why, "the link's user name isn't one: 1 to 255 bytes of UTF-8 without "
                               "control characters, where all but letters, digits and -._~ is "
                               "written %XX");
        return 0;
    }
    return refuse(why, "after ? a keyplate:// link has v=1 and user=NAME, and nothing else");
}

static int take_query(struct kp_link *out, const char *text, const char **why)
{
    bool has_v = false;
    for (;;) {
        size_t len = strcspn(text, "&");
        if (take_pair(out, text, len, &has_v, why) != 0)
            return -1;
        if (text[len] == '\0')
            break;
        text += len + 1;
    }
    return has_v ? 0 : refuse(why, "a keyplate:// link has v=1 after the ?");
}

int kp_link_device_parse(struct kp_link *out, const char *text, const char **why)
{
    size_t authority = strcspn(text, "/?#");
    if (strchr(text, '#') != NULL)
        return refuse(why, "leave out the # and what follows it: a keyplate:// link ends before");
    if (take_authority(out, text, authority, why) != 0)
        return -1;
    if (strncmp(text + authority, "/?", 2) != 0)
        return refuse(why, "a keyplate:// link ends with /?v=1 or /?v=1&user=NAME");
    memcpy(out->path, "/", 2);
    return take_query(out, text + authority + 2, why);
}
