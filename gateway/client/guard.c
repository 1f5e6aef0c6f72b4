/* Whether a browser's request may go on: see guard.h. */
#include "guard.h"

#include <stdio.h>

#include "base/secret.h"
#include "cookie.h"

#define HEX_LEN ((size_t)2 * KP_GUARD_SECRET_LEN)
#define USUAL_PORT ":80"

void kp_guard_hex(char out[2 * KP_GUARD_SECRET_LEN + 1], const uint8_t secret[KP_GUARD_SECRET_LEN])
{
    for (size_t i = 0; i < KP_GUARD_SECRET_LEN; i++) {
        out[2 * i] = "0123456789abcdef"[secret[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[secret[i] & 0xf];
    }
    out[HEX_LEN] = '\0';
}

/* In no other case of letters. */
static bool is_exactly(struct kp_slice text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.at, word, text.len) == 0;
}

static bool begins_with(struct kp_slice text, const char *word)
{
    size_t len = strlen(word);
    return text.len >= len && memcmp(text.at, word, len) == 0;
}

/* ---- Its host ---------------------------------------------------------------------------- */

static bool ends_with(struct kp_slice text, const char *word)
{
    size_t len = strlen(word);
    return text.len > len && kp_slice_same(text.at + text.len - len, word, len);
}

/* The authority of an absolute target counts; a Host beside it that says something else is a trick
 * on whoever goes by that one. */
static bool is_of_one_mind(const struct kp_http_head *head)
{
    struct kp_slice host;
    return !kp_http_head_find(head, "Host", &host) ||
           (host.len == head->host.len && kp_slice_same(host.at, head->host.at, host.len));
}

static size_t name_len(struct kp_slice host, unsigned port)
{
    char end[sizeof ".localhost:4294967295"];
    (void)snprintf(end, sizeof end, ".localhost:%u", port);
    if (!ends_with(host, end) && port == 80)
        end[sizeof ".localhost" - 1] = '\0';
    return ends_with(host, end) ? host.len - strlen(end) : 0;
}

bool kp_guard_name(const struct kp_http_head *head, unsigned port, char name[KP_SAVED_NAME_LEN])
{
    size_t len = name_len(head->host, port);
    if (len == 0 || len >= KP_SAVED_NAME_LEN || !is_of_one_mind(head))
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = head->host.at[i];
        name[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    name[len] = '\0';
    return kp_saved_name_is_right(name) || strcmp(name, KP_SAVED_RESERVED) == 0;
}

/* Whether text, behind "http://" or in Host, is own, whose port may be left out where it is usual.
 */
static bool is_own(struct kp_slice text, const char *own)
{
    size_t len = strlen(own), port = strlen(USUAL_PORT);
    bool usual = len > port && strcmp(own + len - port, USUAL_PORT) == 0;
    if (usual && text.len == len - port)
        len -= port;
    return text.len == len && kp_slice_same(text.at, own, len);
}

/* ---- Whose page makes it ----------------------------------------------------------------- */

/* What all the fields of one name say. */
struct said {
    bool there; /* at least once */
    bool all;   /* each is one of the words */
};

static struct said says(const struct kp_http_head *head, const char *field, const char *word,
                        const char *or_word)
{
    struct said said = {false, true};
    struct kp_slice name, value;
    for (size_t i = 0; i < head->count; i++) {
        kp_http_head_field(head, i, &name, &value);
        if (!kp_slice_is(name, field))
            continue;
        said.there = true;
        said.all &= is_exactly(value, word) || is_exactly(value, or_word);
    }
    return said;
}

static struct said says_one(const struct kp_http_head *head, const char *field, const char *word)
{
    return says(head, field, word, word);
}

static bool is_own_origin(struct kp_slice origin, const char *own)
{
    static const char scheme[] = "http://";
    size_t len = sizeof scheme - 1;
    return begins_with(origin, scheme) &&
           is_own((struct kp_slice){origin.at + len, origin.len - len}, own);
}

/* "null" is what pages in a sandbox have, and those that hide where they are from their own device;
 * only the browser's word says which. */
static bool has_fine_origins(const struct kp_http_head *head, const char *own)
{
    struct said site = says_one(head, "Sec-Fetch-Site", "same-origin");
    struct kp_slice name, value;
    for (size_t i = 0; i < head->count; i++) {
        kp_http_head_field(head, i, &name, &value);
        if (kp_slice_is(name, "Origin") && !is_own_origin(value, own) &&
            !(is_exactly(value, "null") && site.there && site.all))
            return false;
    }
    return true;
}

static bool may_read(const struct kp_http_head *head)
{
    return is_exactly(head->method, "GET") || is_exactly(head->method, "HEAD");
}

static bool follows_link(const struct kp_http_head *head)
{
    struct said mode = says_one(head, "Sec-Fetch-Mode", "navigate");
    struct said dest = says_one(head, "Sec-Fetch-Dest", "document");
    return may_read(head) && mode.there && mode.all && dest.there && dest.all;
}

static bool is_foreign(const struct kp_http_head *head, const char *own)
{
    return !has_fine_origins(head, own) ||
           (!says(head, "Sec-Fetch-Site", "same-origin", "none").all && !follows_link(head));
}

/* What a browser loads before anybody has gone there.  It says "none" of itself then, whatever page
 * asked for that (speculation rules do), and so looks typed. */
static bool is_speculative(const struct kp_http_head *head)
{
    static const char *const fields[] = {"Sec-Purpose", "Purpose", "X-Moz"};
    struct said site = says_one(head, "Sec-Fetch-Site", "same-origin");
    struct kp_slice value;
    if (site.there && site.all)
        return false;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (kp_http_head_find(head, fields[i], &value))
            return true;
    return false;
}

/* ---- The secret -------------------------------------------------------------------------- */

/* The browser keeps the cookie (SameSite=Strict) back from what another site began; an extension's
 * rule can't tell, and adds the field to that, too. */
static bool counts_field(const struct kp_http_head *head)
{
    return says(head, "Sec-Fetch-Site", "same-origin", "none").all;
}

static bool is_secret(struct kp_slice text, const char hex[HEX_LEN + 1])
{
    return text.len == HEX_LEN && kp_equal_secret(text.at, hex, HEX_LEN);
}

static void read_cookies(struct said *said, struct kp_slice list, const char hex[HEX_LEN + 1])
{
    struct kp_cookie_pair pair;
    while (kp_cookie_next(&list, &pair)) {
        if (is_exactly(pair.name, KP_GUARD_COOKIE)) {
            said->there = true;
            said->all &= is_secret(pair.value, hex);
        }
    }
}

/* One that is wrong beside a right one of its kind is somebody's attempt; but an old cookie doesn't
 * make the field wrong, which brings the browser a new one, nor an old field the cookie. */
static enum kp_guard_verdict judge_secret(const struct kp_http_head *head,
                                          const char hex[HEX_LEN + 1])
{
    struct said cookie = {false, true}, field = {false, true};
    struct kp_slice name, value;
    for (size_t i = 0; i < head->count; i++) {
        kp_http_head_field(head, i, &name, &value);
        if (kp_slice_is(name, "Cookie")) {
            read_cookies(&cookie, value, hex);
        } else if (kp_slice_is(name, KP_GUARD_FIELD)) {
            field.there = true;
            field.all &= is_secret(value, hex);
        }
    }
    if (cookie.there && cookie.all)
        return KP_GUARD_PASS;
    return field.there && field.all && counts_field(head) ? KP_GUARD_PASS_MARK : KP_GUARD_NO_SECRET;
}

bool kp_guard_knows(const struct kp_http_head *head, const uint8_t secret[KP_GUARD_SECRET_LEN])
{
    char hex[HEX_LEN + 1];
    bool knows;
    kp_guard_hex(hex, secret);
    knows = judge_secret(head, hex) == KP_GUARD_PASS;
    kp_wipe(hex, sizeof hex);
    return knows;
}

/* ---- The verdict ------------------------------------------------------------------------- */

/* A link is let in from wherever somebody clicks it; what a page does behind the person's back,
 * with an image or a frame, would use it up. */
static bool is_link(const struct kp_http_head *head)
{
    struct kp_slice origin;
    return begins_with(head->target, KP_GUARD_OPEN) && is_exactly(head->method, "GET") &&
           says_one(head, "Sec-Fetch-Mode", "navigate").all &&
           says_one(head, "Sec-Fetch-Dest", "document").all &&
           !kp_http_head_find(head, "Origin", &origin);
}

enum kp_guard_verdict kp_guard_judge(const struct kp_http_head *head, const char *own,
                                     const uint8_t secret[KP_GUARD_SECRET_LEN])
{
    char hex[HEX_LEN + 1];
    struct kp_slice worker;
    enum kp_guard_verdict verdict;
    if (!is_own(head->host, own) || !is_of_one_mind(head))
        return KP_GUARD_ASTRAY;
    if (is_speculative(head))
        return KP_GUARD_FOREIGN;
    if (is_link(head))
        return KP_GUARD_LINK;
    if (is_foreign(head, own))
        return KP_GUARD_FOREIGN;
    if (kp_http_head_find(head, "Service-Worker", &worker))
        return KP_GUARD_WORKER;
    kp_guard_hex(hex, secret);
    verdict = judge_secret(head, hex);
    kp_wipe(hex, sizeof hex);
    return verdict;
}

/* ---- Links ------------------------------------------------------------------------------- */

/* 16: it is no digit. */
static unsigned digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

static bool read_token(uint8_t token[KP_GUARD_SECRET_LEN], const char *text)
{
    for (size_t i = 0; i < KP_GUARD_SECRET_LEN; i++) {
        unsigned high = digit_of(text[2 * i]), low = digit_of(text[2 * i + 1]);
        if (high > 15 || low > 15)
            return false;
        token[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

bool kp_guard_link(const struct kp_http_head *head, uint8_t token[KP_GUARD_SECRET_LEN],
                   struct kp_slice *path)
{
    size_t start = strlen(KP_GUARD_OPEN);
    size_t len = start + HEX_LEN;
    if (!begins_with(head->target, KP_GUARD_OPEN) || head->target.len <= len)
        return false;
    *path = (struct kp_slice){head->target.at + len, head->target.len - len};
    if (path->at[0] != '/' || (path->len > 1 && (path->at[1] == '/' || path->at[1] == '\\')))
        return false;
    return read_token(token, head->target.at + start);
}
