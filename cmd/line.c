/*
 * The line to the hub.
 */
#include "line.h"

#include <cjson/cJSON.h>
#include <uv.h>

static void received(void *owner, const char *text, size_t len)
{
    struct kp_line *line = owner;
    cJSON *message = cJSON_ParseWithLength(text, len);
    if (message != NULL)
        line->received(line, message);
    cJSON_Delete(message);
}

static void broken(void *owner, const char *why)
{
    (void)owner; /* it is our own: what we send is right */
    (void)why;
}

static void ended(void *owner)
{
    struct kp_line *line = owner;
    line->errand = NULL;
    line->ended(line);
}

static const struct kp_desk_hooks desk_hooks = {.send = received, .broken = broken};
static const struct kp_errand_hooks errand_hooks = {.message = received, .ended = ended};

int kp_line_open_own(struct kp_line *line, struct kp_loop *loop, struct kp_hub *hub)
{
    line->desk = kp_desk_new(loop, hub, &desk_hooks, line);
    return line->desk != NULL ? 0 : UV_ENOMEM;
}

int kp_line_open_other(struct kp_line *line, struct kp_loop *loop)
{
    return kp_errand_start(&line->errand, loop, &errand_hooks, line);
}

void kp_line_send(struct kp_line *line, struct kp_json *message)
{
    if (message->out.failed)
        ; /* without memory nothing is said, and the person ends it */
    else if (line->desk != NULL)
        kp_desk_take(line->desk, message->out.at, message->out.len);
    else if (line->errand != NULL)
        kp_errand_send(line->errand, message->out.at, message->out.len);
    kp_out_free(&message->out);
}

void kp_line_close(struct kp_line *line)
{
    kp_desk_free(line->desk);
    kp_errand_close(line->errand);
    line->desk = NULL;
    line->errand = NULL;
}

const char *kp_line_text(const struct cJSON *message, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(message, key));
    return text != NULL ? text : "";
}

int kp_line_number(const struct cJSON *message, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(message, key);
    return cJSON_IsNumber(item) ? item->valueint : 0;
}

bool kp_line_is_true(const struct cJSON *message, const char *key)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(message, key));
}
