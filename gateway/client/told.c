/* What a device says of itself: see told.h. */
#include "told.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "creds/text.h"
#include "json.h"

size_t kp_told_request(char out[KP_TOLD_REQUEST_LEN], const struct kp_host *host)
{
    char at[KP_HOST_TEXT_LEN];
    int len = snprintf(out, KP_TOLD_REQUEST_LEN,
                       "GET /.well-known/keyplate HTTP/1.1\r\nHost: %s\r\n"
                       "Accept: application/json\r\nConnection: close\r\n\r\n",
                       kp_host_text(host, "443", at));
    return len < 0 ? 0 : (size_t)len;
}

static enum kp_told_result no(const char **why, const char *text)
{
    *why = text;
    return KP_TOLD_NOT;
}

/* ---- The body ---------------------------------------------------------------------------- */

enum member { OTHER = 0, KEYPLATE = 1, VERSIONS = 2, PORT = 4, DEVICE_ID = 8 };

static enum member member_of(const char *key)
{
    static const struct {
        const char *key;
        enum member member;
    } table[] = {
        {"keyplate", KEYPLATE}, {"versions", VERSIONS}, {"port", PORT}, {"device_id", DEVICE_ID}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strcmp(key, table[i].key) == 0)
            return table[i].member;
    return OTHER;
}

static void read_versions(struct kp_json *j, unsigned *versions)
{
    char text[8];
    kp_json_open(j, '[');
    while (kp_json_next(j)) {
        if (!kp_json_is_string(j)) {
            j->failed = true;
            return;
        }
        kp_json_string(j, text, sizeof text);
        if (strcmp(text, "1.2") == 0)
            *versions |= KP_USE_TLS12;
        else if (strcmp(text, "1.3") == 0)
            *versions |= KP_USE_TLS13;
    }
}

static void read_member(struct kp_json *j, enum member member, struct kp_told *out)
{
    uint64_t number = 0;
    switch (member) {
    case KEYPLATE:
        kp_json_number(j, 1, &number);
        if (number != 1)
            j->failed = true;
        break;
    case VERSIONS:
        read_versions(j, &out->versions);
        break;
    case PORT:
        kp_json_number(j, 65535, &number);
        if (number == 0)
            j->failed = true;
        break;
    case DEVICE_ID:
        kp_json_string(j, out->id, sizeof out->id);
        break;
    case OTHER:
        kp_json_skip(j);
    }
}

/* Two spellings of one id would be two devices: it has to come in NFC. */
static bool is_right_id(const char *id)
{
    struct kp_text nfc;
    bool right = kp_text_name(&nfc, id, strlen(id), false) == KP_TEXT_FINE;
    if (right)
        right = strcmp(nfc.data, id) == 0;
    kp_text_clear(&nfc);
    return right;
}

static enum kp_told_result read_body(struct kp_told *out, const char *body, size_t len,
                                     const char **why)
{
    struct kp_json j;
    unsigned seen = 0;
    char key[16];
    memset(out, 0, sizeof *out);
    kp_json_init(&j, body, len);
    kp_json_open(&j, '{');
    while (kp_json_next_key(&j, key, sizeof key)) {
        enum member member = member_of(key);
        if ((seen & member) != 0)
            return no(why, "it has a member twice");
        seen |= member;
        read_member(&j, member, out);
    }
    if (!kp_json_done(&j))
        return no(why, "it isn't the JSON object that is expected there");
    if ((seen & KEYPLATE) == 0 || (seen & DEVICE_ID) == 0)
        return no(why, "its device id is missing");
    return is_right_id(out->id) ? KP_TOLD_READ : no(why, "its device id isn't one");
}

/* ---- The head ---------------------------------------------------------------------------- */

/* The value of the field in the line, or NULL when it is another's. */
static const char *field(const char *line, size_t len, const char *name, size_t *value_len)
{
    size_t name_len = strlen(name);
    if (len <= name_len || strncasecmp(line, name, name_len) != 0 || line[name_len] != ':')
        return NULL;
    line += name_len + 1;
    len -= name_len + 1;
    for (; len > 0 && (*line == ' ' || *line == '\t'); len--)
        line++;
    while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\t'))
        len--;
    *value_len = len;
    return line;
}

static bool take_length(const char *value, size_t len, size_t *out)
{
    *out = 0;
    if (len == 0 || len > 5)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (value[i] < '0' || value[i] > '9')
            return false;
        *out = *out * 10 + (size_t)(value[i] - '0');
    }
    return *out <= KP_TOLD_MAX;
}

/* The body's length, SIZE_MAX when it goes to the end; false: it can't be told. */
static bool body_length(const char *head, size_t len, size_t *out)
{
    *out = SIZE_MAX;
    for (size_t at = 0, n; at < len; at += n + 2) {
        size_t value_len;
        const char *value, *end = memmem(head + at, len - at, "\r\n", 2);
        n = end != NULL ? (size_t)(end - head) - at : len - at;
        if (field(head + at, n, "Transfer-Encoding", &value_len) != NULL)
            return false;
        value = field(head + at, n, "Content-Length", &value_len);
        if (value != NULL && (*out != SIZE_MAX || !take_length(value, value_len, out)))
            return false;
    }
    return true;
}

static bool is_good_status(const char *answer, size_t len)
{
    return len >= 12 && strncmp(answer, "HTTP/1.", 7) == 0 &&
           (answer[7] == '0' || answer[7] == '1') && strncmp(answer + 8, " 200", 4) == 0 &&
           (len == 12 || answer[12] == ' ' || answer[12] == '\r');
}

enum kp_told_result kp_told_read(struct kp_told *out, const char *answer, size_t len, bool ended,
                                 const char **why)
{
    const char *blank = memmem(answer, len, "\r\n\r\n", 4);
    size_t head, body;
    if (len > KP_TOLD_MAX)
        return no(why, "its answer is longer than 8 KiB");
    if (len >= 12 && !is_good_status(answer, len))
        return no(why, "it has no page there");
    if (blank == NULL)
        return ended ? no(why, "its answer was cut") : KP_TOLD_MORE;
    head = (size_t)(blank - answer);
    if (!is_good_status(answer, head))
        return no(why, "it has no page there");
    if (!body_length(answer, head, &body))
        return no(why, "its answer has no plain length");
    len -= head + 4;
    if (body != SIZE_MAX && len >= body)
        return read_body(out, blank + 4, body, why);
    if (!ended)
        return KP_TOLD_MORE;
    return body == SIZE_MAX ? read_body(out, blank + 4, len, why) : no(why, "its answer was cut");
}
