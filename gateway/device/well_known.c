/* /.well-known/keyplate: see well_known.h. */
#include "well_known.h"

#include <stdio.h>
#include <string.h>

#define ID_JSON_MAX (6 * KP_DEVICE_ID_MAX + 1) /* each byte as \u00XX, and the NUL */

/* ---- The request ------------------------------------------------------------------------- */

/* ? is the digit of HTTP/1.0 or 1.1.  As strict as the page is special: with a query, another
 * method or a bare LF it is the upstream's. */
static const char expected[] = "GET /.well-known/keyplate HTTP/1.?\r\n";
_Static_assert(sizeof expected - 1 == KP_WELL_KNOWN_LINE_LEN, "the line's length");

static bool is_expected(size_t at, char byte)
{
    return expected[at] == '?' ? byte == '0' || byte == '1' : byte == expected[at];
}

bool kp_well_known_is_ours(const struct kp_well_known *page)
{
    return page->line_len == KP_WELL_KNOWN_LINE_LEN;
}

/* *used: of the line.  When they differ, none: what came in one piece goes on in one piece. */
static bool take_line(struct kp_well_known *page, const uint8_t *bytes, size_t len, size_t *used)
{
    size_t room = (size_t)KP_WELL_KNOWN_LINE_LEN - page->line_len;
    *used = 0;
    if (len > room)
        len = room;
    for (size_t i = 0; i < len; i++)
        if (!is_expected(page->line_len + i, (char)bytes[i]))
            return false;
    memcpy(page->line + page->line_len, bytes, len);
    page->line_len += (uint8_t)len;
    *used = len;
    return true;
}

/* The empty line ends it: CR LF CR LF, of which the request line may be the first half. */
static enum kp_well_known_verdict take_fields(struct kp_well_known *page, const uint8_t *bytes,
                                              size_t len)
{
    static const char end[] = "\r\n\r\n";
    for (size_t i = 0; i < len; i++) {
        char byte = (char)bytes[i];
        if (page->head++ >= KP_WELL_KNOWN_HEAD_MAX - KP_WELL_KNOWN_LINE_LEN)
            return KP_WELL_KNOWN_LONG;
        if (byte == end[page->ends])
            page->ends++;
        else
            page->ends = byte == '\r';
        if (page->ends == sizeof end - 1)
            return KP_WELL_KNOWN_WHOLE;
    }
    return KP_WELL_KNOWN_MORE;
}

enum kp_well_known_verdict kp_well_known_take(struct kp_well_known *page, const uint8_t *bytes,
                                              size_t len)
{
    size_t line = 0;
    if (!kp_well_known_is_ours(page)) {
        if (!take_line(page, bytes, len, &line))
            return KP_WELL_KNOWN_OTHER;
        if (kp_well_known_is_ours(page))
            page->ends = 2;
    }
    return take_fields(page, bytes + line, len - line);
}

/* ---- The answer -------------------------------------------------------------------------- */

static void json_escape(char out[ID_JSON_MAX], const uint8_t *text, size_t len)
{
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < 0x20) {
            used += (size_t)snprintf(out + used, ID_JSON_MAX - used, "\\u%04x", text[i]);
            continue;
        }
        if (text[i] == '"' || text[i] == '\\')
            out[used++] = '\\';
        out[used++] = (char)text[i];
    }
    out[used] = '\0';
}

static const char *versions_json(unsigned versions)
{
    switch (versions) {
    case KP_USE_TLS12:
        return "\"1.2\"";
    case KP_USE_TLS13:
        return "\"1.3\"";
    default:
        return "\"1.2\",\"1.3\"";
    }
}

size_t kp_well_known_json(char out[KP_WELL_KNOWN_JSON_MAX], unsigned versions, unsigned port,
                          const uint8_t *id, size_t id_len)
{
    char escaped[ID_JSON_MAX];
    int len;
    json_escape(escaped, id, id_len < KP_DEVICE_ID_MAX ? id_len : KP_DEVICE_ID_MAX);
    len = snprintf(out, KP_WELL_KNOWN_JSON_MAX,
                   "{\"keyplate\":1,\"versions\":[%s],\"port\":%u,\"device_id\":\"%s\"}",
                   versions_json(versions), port, escaped);
    return len < 0 ? 0 : (size_t)len;
}

size_t kp_well_known_answer(char out[KP_NOTICE_MAX], unsigned versions, unsigned port,
                            const uint8_t *id, size_t id_len)
{
    char body[KP_WELL_KNOWN_JSON_MAX + 1];
    size_t len = kp_well_known_json(body, versions, port, id, id_len);
    memcpy(body + len, "\n", 2);
    return kp_notice_typed(out, "200 OK", "application/json", body);
}
