/* What a device says of itself: see told.h. */
#include "told.h"

#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <llhttp.h>

#include "creds/text.h"

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

static bool is_whole(const cJSON *value, int min, int max)
{
    double number = value->valuedouble;
    return cJSON_IsNumber(value) && number >= min && number <= max && number == (int)number;
}

static bool read_versions(const cJSON *value, unsigned *versions)
{
    const cJSON *version;
    cJSON_ArrayForEach(version, value)
    {
        if (!cJSON_IsString(version))
            return false;
        if (strcmp(version->valuestring, "1.2") == 0)
            *versions |= KP_USE_TLS12;
        else if (strcmp(version->valuestring, "1.3") == 0)
            *versions |= KP_USE_TLS13;
    }
    return cJSON_IsArray(value);
}

static bool read_id(const cJSON *value, char id[KP_DEVICE_ID_MAX + 1])
{
    size_t len = cJSON_IsString(value) ? strlen(value->valuestring) : SIZE_MAX;
    if (len > KP_DEVICE_ID_MAX)
        return false;
    memcpy(id, value->valuestring, len + 1);
    return true;
}

static bool read_member(const cJSON *value, enum member member, struct kp_told *out)
{
    switch (member) {
    case KEYPLATE:
        return is_whole(value, 1, 1);
    case VERSIONS:
        return read_versions(value, &out->versions);
    case PORT:
        return is_whole(value, 1, 65535);
    case DEVICE_ID:
        return read_id(value, out->id);
    case OTHER:
        break;
    }
    return true;
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

static enum kp_told_result read_members(struct kp_told *out, const cJSON *object, const char **why)
{
    unsigned seen = 0;
    const cJSON *value;
    cJSON_ArrayForEach(value, object)
    {
        enum member member = member_of(value->string);
        if ((seen & member) != 0)
            return no(why, "it has a member twice");
        seen |= member;
        if (!read_member(value, member, out))
            return no(why, "it isn't the JSON object that is expected there");
    }
    if ((seen & KEYPLATE) == 0 || (seen & DEVICE_ID) == 0)
        return no(why, "its device id is missing");
    return is_right_id(out->id) ? KP_TOLD_READ : no(why, "its device id isn't one");
}

/* What cJSON takes, though a string would end early there: a NUL, \u0000, and \u without four
 * hexadecimal digits, which it reads as \u0000 (its issue 635). */
static bool has_nul(const char *text, size_t len)
{
    const char *at = text;
    if (strlen(text) != len)
        return true;
    while ((at = strchr(at, '\\')) != NULL) {
        if (at[1] == 'u' &&
            (strspn(at + 2, "0123456789abcdefABCDEF") < 4 || strncmp(at + 2, "0000", 4) == 0))
            return true;
        at += at[1] != '\0' ? 2 : 1;
    }
    return false;
}

/* text[len] is a NUL. */
static enum kp_told_result read_body(struct kp_told *out, const char *text, size_t len,
                                     const char **why)
{
    cJSON *json = NULL;
    enum kp_told_result result;
    memset(out, 0, sizeof *out);
    if (!has_nul(text, len) && kp_text_is_utf8(text, len))
        json = cJSON_ParseWithOpts(text, NULL, true);
    if (cJSON_IsObject(json))
        result = read_members(out, json, why);
    else
        result = no(why, "it isn't the JSON object that is expected there");
    cJSON_Delete(json);
    return result;
}

/* ---- The answer -------------------------------------------------------------------------- */

struct answer {
    char body[KP_TOLD_MAX + 1];
    size_t len;
    bool complete;
    const char *why; /* NULL: nothing but llhttp has refused it */
};

static int refuse(llhttp_t *http, const char *why)
{
    ((struct answer *)http->data)->why = why;
    return HPE_USER;
}

static int on_status(llhttp_t *http)
{
    if (http->http_major != 1 || http->status_code != HTTP_STATUS_OK)
        return refuse(http, "it has no page there");
    return HPE_OK;
}

static int on_body(llhttp_t *http, const char *bytes, size_t len)
{
    struct answer *answer = http->data;
    memcpy(answer->body + answer->len, bytes, len);
    answer->len += len;
    return HPE_OK;
}

static int on_complete(llhttp_t *http)
{
    ((struct answer *)http->data)->complete = true;
    return HPE_PAUSED;
}

enum kp_told_result kp_told_read(struct kp_told *out, const char *answer, size_t len, bool ended,
                                 const char **why)
{
    static const llhttp_settings_t settings = {
        .on_status_complete = on_status,
        .on_body = on_body,
        .on_message_complete = on_complete,
    };
    struct answer read = {.len = 0};
    llhttp_t http;
    llhttp_errno_t error;
    if (len > KP_TOLD_MAX)
        return no(why, "its answer is longer than 8 KiB");
    llhttp_init(&http, HTTP_RESPONSE, &settings);
    http.data = &read;
    error = llhttp_execute(&http, answer, len);
    if (error == HPE_OK && ended)
        error = llhttp_finish(&http);
    if (read.complete)
        return read_body(out, read.body, read.len, why);
    if (read.why != NULL)
        return no(why, read.why);
    if (error != HPE_OK && error != HPE_INVALID_EOF_STATE)
        return no(why, "its answer isn't HTTP/1.1");
    return ended ? no(why, "its answer was cut") : KP_TOLD_MORE;
}
