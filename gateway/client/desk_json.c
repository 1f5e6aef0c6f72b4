/* The JSON of the desk's messages: see desk_json.h. */
#include "desk_json.h"

#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

#include "base/secret.h"
#include "creds/text.h"

/* ---- Memory ------------------------------------------------------------------------------ */

/* What is freed has to know how long it is: malloc() doesn't say it everywhere. */
union block {
    size_t size;
    max_align_t align;
};

static void *take_memory(size_t size)
{
    union block *block = size <= SIZE_MAX - sizeof *block ? malloc(sizeof *block + size) : NULL;
    if (block == NULL)
        return NULL;
    block->size = size;
    return block + 1;
}

static void wipe_memory(void *data)
{
    union block *block = data;
    if (block == NULL)
        return;
    block--;
    kp_free_secret(block, sizeof *block + block->size);
}

void kp_message_wipe_all(void)
{
    static bool done;
    cJSON_Hooks hooks = {take_memory, wipe_memory};
    if (!done)
        cJSON_InitHooks(&hooks);
    done = true;
}

/* ---- Reading ----------------------------------------------------------------------------- */

static void fault(struct kp_message *m, const char *key, const char *text)
{
    if (m->fault[0] == '\0')
        (void)snprintf(m->fault, sizeof m->fault, "%s%s", key, text);
}

/* What cJSON takes, though a string would end early there: \u0000, and \u without four hexadecimal
 * digits, which it reads as \u0000 (its issue 635). */
static bool has_nul(const char *text)
{
    while ((text = strchr(text, '\\')) != NULL) {
        if (text[1] == 'u' &&
            (strspn(text + 2, "0123456789abcdefABCDEF") < 4 || strncmp(text + 2, "0000", 4) == 0))
            return true;
        text += text[1] != '\0' ? 2 : 1;
    }
    return false;
}

static bool is_twice(const cJSON *member)
{
    for (const cJSON *other = member->next; other != NULL; other = other->next)
        if (strcmp(other->string, member->string) == 0)
            return true;
    return false;
}

static void check_members(struct kp_message *m, const cJSON *holder, unsigned depth)
{
    unsigned count = 0;
    const cJSON *member;
    if (holder->child != NULL && depth == KP_MESSAGE_DEPTH)
        fault(m, "", "it is nested too deeply");
    cJSON_ArrayForEach(member, holder) if (++count > KP_MESSAGE_MEMBERS)
        fault(m, "", "it has too many members");
    cJSON_ArrayForEach(member, holder)
    {
        if (m->fault[0] != '\0')
            return;
        if (cJSON_IsObject(holder) && is_twice(member))
            fault(m, "", "it has a member twice");
        check_members(m, member, depth + 1);
    }
}

/* The one member of that name: of two no one knows which is meant, and check_members has told it.
 */
static const cJSON *find(const struct kp_message *m, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(m->json, key);
}

static bool is_whole(const cJSON *value, int min, int max)
{
    double number = value->valuedouble;
    return cJSON_IsNumber(value) && number >= min && number <= max && number == (int)number;
}

static bool read_id(struct kp_message *m)
{
    const cJSON *id = cJSON_IsObject(m->json) ? find(m, "id") : NULL;
    if (id == NULL || is_twice(id) || !is_whole(id, 0, INT_MAX))
        return false;
    m->id = id->valueint;
    return true;
}

/* cJSON wants a NUL behind it; the copy is wiped. */
static cJSON *parse(const char *text, size_t len, bool *nul)
{
    cJSON *json;
    char *copy = memchr(text, '\0', len) == NULL ? malloc(len + 1) : NULL;
    if (copy == NULL)
        return NULL;
    memcpy(copy, text, len);
    copy[len] = '\0';
    json = cJSON_ParseWithOpts(copy, NULL, true);
    *nul = has_nul(copy);
    kp_free_secret(copy, len + 1);
    return json;
}

bool kp_message_read(struct kp_message *m, const char *text, size_t len)
{
    bool nul = false;
    *m = (struct kp_message){.json = parse(text, len, &nul)};
    if (!read_id(m)) {
        kp_message_clear(m);
        return false;
    }
    if (nul)
        fault(m, "", "a text in it has a NUL");
    if (!kp_text_is_utf8(text, len))
        fault(m, "", "it isn't UTF-8");
    check_members(m, m->json, 0);
    return true;
}

void kp_message_clear(struct kp_message *m)
{
    cJSON_Delete(m->json);
    m->json = NULL;
}

bool kp_message_has(const struct kp_message *m, const char *key)
{
    return find(m, key) != NULL;
}

void kp_message_needs(struct kp_message *m, const char *key)
{
    if (!kp_message_has(m, key))
        fault(m, key, " is missing");
}

const char *kp_message_text(struct kp_message *m, const char *key)
{
    const cJSON *value = find(m, key);
    if (value == NULL || cJSON_IsString(value))
        return value != NULL ? value->valuestring : NULL;
    fault(m, key, " has to be a string");
    return NULL;
}

bool kp_message_bool(struct kp_message *m, const char *key, bool otherwise)
{
    const cJSON *value = find(m, key);
    if (value == NULL || cJSON_IsBool(value))
        return value != NULL ? cJSON_IsTrue(value) : otherwise;
    fault(m, key, " has to be true or false");
    return otherwise;
}

int kp_message_number(struct kp_message *m, const char *key, int min, int max, int otherwise)
{
    const cJSON *value = find(m, key);
    if (value == NULL || is_whole(value, min, max))
        return value != NULL ? value->valueint : otherwise;
    fault(m, key, " has to be a whole number in its bounds");
    return otherwise;
}

int kp_message_word(struct kp_message *m, const char *key, const char *const *words)
{
    const char *text = kp_message_text(m, key);
    for (int i = 0; text != NULL && words[i] != NULL; i++)
        if (strcmp(text, words[i]) == 0)
            return i;
    if (text != NULL)
        fault(m, key, " is none of the words that it can be");
    return -1;
}

/* ---- Writing ----------------------------------------------------------------------------- */

/* The bytes of the well-formed character at text, or 0. */
static size_t character(const char *text)
{
    for (size_t len = 1; len <= 4 && text[len - 1] != '\0'; len++)
        if (kp_text_is_utf8(text, len))
            return len;
    return 0;
}

static void put_character(struct kp_out *out, const char *at, size_t len)
{
    char code[8];
    if (*at == '"' || *at == '\\') {
        kp_out_add(out, "\\", 1);
        kp_out_add(out, at, 1);
    } else if ((unsigned char)*at < 0x20 || *at == 0x7f) {
        (void)snprintf(code, sizeof code, "\\u%04x", (unsigned)*at);
        kp_out_word(out, code);
    } else if (len == 0) {
        kp_out_word(out, "\\ufffd");
    } else {
        kp_out_add(out, at, len);
    }
}

static void put_string(struct kp_out *out, const char *text)
{
    kp_out_word(out, "\"");
    while (*text != '\0') {
        size_t len = character(text);
        put_character(out, text, len);
        text += len > 0 ? len : 1;
    }
    kp_out_word(out, "\"");
}

static void put_key(struct kp_json *json, const char *key)
{
    if (json->more)
        kp_out_word(&json->out, ",");
    json->more = true;
    if (key == NULL)
        return;
    put_string(&json->out, key);
    kp_out_word(&json->out, ":");
}

void kp_json_begin(struct kp_json *json, const char *key, char bracket)
{
    put_key(json, key);
    kp_out_add(&json->out, &bracket, 1);
    json->more = false;
}

void kp_json_end(struct kp_json *json, char bracket)
{
    kp_out_add(&json->out, &bracket, 1);
    json->more = true;
}

void kp_json_text(struct kp_json *json, const char *key, const char *text)
{
    if (text == NULL) {
        kp_json_null(json, key);
        return;
    }
    put_key(json, key);
    put_string(&json->out, text);
}

void kp_json_number(struct kp_json *json, const char *key, uint64_t number)
{
    put_key(json, key);
    kp_out_number(&json->out, number);
}

void kp_json_bool(struct kp_json *json, const char *key, bool yes)
{
    put_key(json, key);
    kp_out_word(&json->out, yes ? "true" : "false");
}

void kp_json_null(struct kp_json *json, const char *key)
{
    put_key(json, key);
    kp_out_word(&json->out, "null");
}
