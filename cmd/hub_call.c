/*
 * One request to the hub that runs.
 */
#include "hub_call.h"

#include <cjson/cJSON.h>

#include "command.h"
#include "line.h"

#define PATIENCE_MS 10000

enum { HELLO = 1, REQUEST };

struct call {
    struct kp_loop loop;
    struct kp_line line; /* owner: this */
    uv_timer_t timer;
    struct kp_task ender;
    bool answered;
    int status;
};

/* Not from in a hook of the line. */
static void tear_down(struct kp_task *task)
{
    struct call *c = (struct call *)(void *)((char *)task - offsetof(struct call, ender));
    kp_line_close(&c->line);
    uv_close((uv_handle_t *)&c->timer, NULL);
}

static void end(struct call *c, int status)
{
    if (c->answered)
        return;
    c->answered = true;
    c->status = status;
    c->ender.run = tear_down;
    kp_loop_later(&c->loop, &c->ender);
}

static void received(struct kp_line *line, const struct cJSON *message)
{
    struct call *c = line->owner;
    int id = kp_line_number(message, "id");
    if (id == 0 || c->answered)
        return;
    if (!kp_line_is_true(message, "ok"))
        end(c, kp_command_fail(KP_EXIT_FAILED, "%s", kp_line_text(message, "text")));
    else if (id == REQUEST)
        end(c, KP_EXIT_DONE);
}

static void lost(struct kp_line *line)
{
    end(line->owner, kp_command_fail(KP_EXIT_FAILED, "the keyplate that runs has ended"));
}

static void too_late(uv_timer_t *timer)
{
    end(timer->data, kp_command_fail(KP_EXIT_FAILED, "the keyplate that runs doesn't answer"));
}

static void ask(struct call *c, const char *type, const char *name)
{
    struct kp_json hello = {.more = false}, request = {.more = false};
    kp_json_begin(&hello, NULL, '{');
    kp_json_number(&hello, "id", HELLO);
    kp_json_text(&hello, "type", "hello");
    kp_json_number(&hello, "protocol", KP_DESK_PROTOCOL);
    kp_json_text(&hello, "client", "open");
    kp_json_bool(&hello, "lasting", true);
    kp_json_text(&hello, "language", kp_language_tag(kp_language_of_person()));
    kp_json_end(&hello, '}');
    kp_line_send(&c->line, &hello);
    kp_json_begin(&request, NULL, '{');
    kp_json_number(&request, "id", REQUEST);
    kp_json_text(&request, "type", type);
    if (name != NULL)
        kp_json_text(&request, "name", name);
    else
        kp_json_bool(&request, "all", true);
    kp_json_end(&request, '}');
    kp_line_send(&c->line, &request);
}

static int run(const char *type, const char *name)
{
    struct call c = {.status = KP_EXIT_FAILED,
                     .line = {.received = received, .ended = lost, .owner = &c}};
    if (kp_loop_init(&c.loop) != 0)
        return kp_command_fail(KP_EXIT_FAILED, "out of memory");
    (void)uv_timer_init(&c.loop.uv, &c.timer);
    c.timer.data = &c;
    (void)uv_timer_start(&c.timer, too_late, PATIENCE_MS, 0);
    if (kp_line_open_other(&c.line, &c.loop) == 0)
        ask(&c, type, name);
    else
        lost(&c.line);
    kp_loop_run(&c.loop);
    kp_loop_close(&c.loop);
    return c.status;
}

bool kp_hub_call(const char *type, const char *name, int *status)
{
    struct kp_owner owner = {.lock = -1};
    char why[KP_WORD_LEN];
    enum kp_owner_result result = kp_owner_claim(&owner, why);
    if (result == KP_OWNER_WE)
        kp_owner_leave(&owner);
    if (result != KP_OWNER_OTHER)
        return false;
    *status = run(type, name);
    return true;
}
