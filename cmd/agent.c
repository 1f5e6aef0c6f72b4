/*
 * keyplate agent: what a browser's extension or an app speaks to, over standard input and output.
 *
 * It owns the hub, or runs errands to the process that does; when that one goes it begins again.
 */
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/desk_json.h"
#include "client/frames.h"
#include "client/handover.h"
#include "client/stdio_pump.h"
#include "command.h"
#include "platform.h"

#define TRIES 20    /* to reach the hub's owner, before we work alone */
#define PAUSE_MS 20 /* before the second try, and twice as long before each one after it */
#define PAUSE_MOST_MS 250
#define FLUSH_MS 1000 /* for what is still to be written at the end */
#define SIGNALS 3

static const struct kp_option table[] = {{NULL, KP_OPTION_FLAG, NULL, NULL}};

struct agent {
    struct kp_loop loop;
    enum kp_language language;
    uv_signal_t signals[SIGNALS];
    uv_timer_t timer;    /* the next try; at the end, how long it may take */
    struct kp_task doom; /* ends it where nobody uses any more what is freed */

    struct kp_stdio *stdio;
    struct kp_frames in;
    struct kp_out out; /* frames for standard output; those before out_at are written */
    size_t out_at;
    const uint8_t *held; /* came while nobody could take it; NULL: nothing did */
    size_t held_len;

    struct kp_owner owner;
    struct kp_hub *hub; /* ours, with what stands on it; else NULL */
    struct kp_counter *counter;
    struct kp_desk *desk;

    struct kp_errand *errand; /* to another process's hub; else NULL */
    bool connected;
    bool sent, heard; /* over this errand */
    unsigned failures;

    int status;
    bool doomed;
    bool leaving;
};

static void begin(struct agent *a);

/* ---- Standard output --------------------------------------------------------------------- */

/* What is written is wiped; the rest moves to the front now and then. */
static void forget_written(struct agent *a, size_t wrote)
{
    size_t rest;
    a->out_at += wrote;
    rest = a->out.len - a->out_at;
    if (rest == 0) {
        kp_out_free(&a->out);
        a->out_at = 0;
    } else if (a->out_at > rest) {
        memmove(a->out.at, a->out.at + a->out_at, rest);
        explicit_bzero(a->out.at + rest, a->out_at);
        a->out.len = rest;
        a->out_at = 0;
    }
}

static void write_on(struct agent *a)
{
    size_t len = a->out.len - a->out_at;
    if (len == 0)
        return;
    forget_written(a, kp_stdio_write(a->stdio, (uint8_t *)a->out.at + a->out_at, len));
}

static void doom(struct agent *a)
{
    a->doomed = true;
    kp_loop_later(&a->loop, &a->doom);
}

/* A message to the client. */
static void tell(void *owner, const char *text, size_t len)
{
    struct agent *a = owner;
    if (a->doomed || a->leaving)
        return;
    kp_frames_put(&a->out, text, len);
    if (a->out.failed || a->out.len - a->out_at > KP_DESK_WAITING_MAX)
        doom(a);
    else
        write_on(a);
}

static void tell_json(struct agent *a, struct kp_json *json)
{
    kp_json_end(json, '}');
    if (!json->out.failed)
        tell(a, json->out.at, json->out.len);
    kp_out_free(&json->out);
}

static void tell_restarted(struct agent *a)
{
    struct kp_json json = {.more = false};
    kp_json_begin(&json, NULL, '{');
    kp_json_text(&json, "event", "restarted");
    tell_json(a, &json);
}

static void say(struct agent *a, const char *level, const char *sentence)
{
    struct kp_json json = {.more = false};
    kp_json_begin(&json, NULL, '{');
    kp_json_text(&json, "event", "said");
    kp_json_null(&json, "name");
    kp_json_text(&json, "level", level);
    kp_json_text(&json, "text", sentence);
    tell_json(a, &json);
}

/* ---- The end ----------------------------------------------------------------------------- */

static void finish(struct agent *a)
{
    kp_stdio_stop(a->stdio);
    uv_close((uv_handle_t *)&a->timer, NULL);
}

static void flushed_late(uv_timer_t *timer)
{
    finish(timer->data);
}

static void leave(struct agent *a)
{
    if (a->leaving)
        return;
    a->leaving = true;
    kp_desk_free(a->desk);
    kp_counter_close(a->counter);
    if (a->hub != NULL)
        kp_hub_close(a->hub);
    kp_errand_close(a->errand);
    kp_frames_clear(&a->in);
    kp_loop_forget(&a->loop, &a->doom);
    for (size_t i = 0; i < SIGNALS; i++)
        uv_close((uv_handle_t *)&a->signals[i], NULL);
    if (a->out.len > a->out_at || kp_stdio_is_writing(a->stdio))
        (void)uv_timer_start(&a->timer, flushed_late, FLUSH_MS, 0);
    else
        finish(a);
}

static void leave_now(struct kp_task *task)
{
    leave((struct agent *)(void *)((char *)task - offsetof(struct agent, doom)));
}

static void told_to_stop(uv_signal_t *signal, int number)
{
    (void)number;
    leave(signal->data);
}

static void written(void *owner, int error)
{
    struct agent *a = owner;
    if (error == 0)
        write_on(a);
    if (a->leaving && (error != 0 || !kp_stdio_is_writing(a->stdio)))
        finish(a);
    else if (error != 0)
        leave(a);
}

/* ---- Standard input ---------------------------------------------------------------------- */

static bool take_message(void *owner, const char *text, size_t len)
{
    struct agent *a = owner;
    if (a->desk != NULL) {
        kp_desk_take(a->desk, text, len);
    } else {
        a->sent = true;
        kp_errand_send(a->errand, text, len);
    }
    return !a->doomed;
}

static bool can_take(const struct agent *a)
{
    return a->desk != NULL || a->connected;
}

/* One piece at a time, so no more is held than that while the hub's owner changes. */
static void read_on(struct agent *a)
{
    const uint8_t *data = a->held;
    if (a->leaving || !can_take(a))
        return;
    a->held = NULL;
    if (data != NULL && !kp_frames_take(&a->in, data, a->held_len, take_message, a))
        leave(a);
    else
        kp_stdio_read(a->stdio);
}

static void came(void *owner, const uint8_t *data, ssize_t len)
{
    struct agent *a = owner;
    if (a->leaving)
        return;
    if (len <= 0) {
        leave(a); /* the browser is gone */
        return;
    }
    a->held = data;
    a->held_len = (size_t)len;
    read_on(a);
}

/* ---- A hub of our own -------------------------------------------------------------------- */

static void desk_broken(void *owner, const char *why)
{
    (void)why;
    doom(owner);
}

static void fail(struct agent *a, const char *why)
{
    a->status = kp_command_fail(KP_EXIT_FAILED, "%s", why);
    say(a, "failure", why);
    leave(a);
}

static void say_alone(struct agent *a, const char *why)
{
    char text[KP_WORD_LEN];
    say(a, "warning", kp_word(text, sizeof text, a->language, KP_W_AGENT_ALONE, "why", why, NULL));
}

/* Nobody may believe that we can be met when there is no door. */
static void open_counter(struct agent *a)
{
    int error = kp_counter_open(&a->counter, &a->loop, a->hub, &a->owner);
    if (error == 0)
        return;
    kp_owner_leave(&a->owner);
    say_alone(a, uv_strerror(error));
}

static void begin_own(struct agent *a)
{
    static const struct kp_desk_hooks hooks = {tell, desk_broken};
    const struct kp_hub_plan plan = {.loop = &a->loop, .language = a->language};
    char why[KP_WORD_LEN] = "";
    if (kp_hub_new(&a->hub, &plan, why) != 0) {
        fail(a, why);
        return;
    }
    if (a->owner.lock >= 0)
        open_counter(a);
    a->desk = kp_desk_new(&a->loop, a->hub, &hooks, a);
    if (a->desk == NULL)
        fail(a, kp_word(why, sizeof why, a->language, KP_W_OUT_OF_MEMORY, NULL));
    else
        read_on(a);
}

/* ---- Errands to another process's -------------------------------------------------------- */

static void again(uv_timer_t *timer)
{
    begin(timer->data);
}

/* The owner may be about to begin, or to end. */
static void try_later(struct agent *a)
{
    uint64_t pause = PAUSE_MS;
    for (unsigned i = 0; i < a->failures && pause < PAUSE_MOST_MS; i++)
        pause *= 2;
    a->failures++;
    (void)uv_timer_start(&a->timer, again, pause < PAUSE_MOST_MS ? pause : PAUSE_MOST_MS, 0);
}

static void errand_connected(void *owner)
{
    struct agent *a = owner;
    a->connected = true;
    read_on(a);
}

static void errand_message(void *owner, const char *text, size_t len)
{
    struct agent *a = owner;
    a->heard = true;
    tell(a, text, len);
}

static void errand_ended(void *owner)
{
    struct agent *a = owner;
    a->errand = NULL;
    a->connected = false;
    if (a->heard)
        a->failures = 0;
    if (a->sent)
        tell_restarted(a);
    try_later(a);
}

static void begin_errand(struct agent *a)
{
    static const struct kp_errand_hooks hooks = {errand_connected, errand_message, errand_ended};
    a->sent = a->heard = false;
    if (kp_errand_start(&a->errand, &a->loop, &hooks, a) != 0)
        try_later(a);
}

static void begin(struct agent *a)
{
    char why[KP_WORD_LEN] = "";
    switch (kp_owner_claim(&a->owner, why)) {
    case KP_OWNER_WE:
        begin_own(a);
        return;
    case KP_OWNER_OTHER:
        if (a->failures < TRIES) {
            begin_errand(a);
            return;
        }
        (void)snprintf(why, sizeof why, "%s", uv_strerror(UV_ETIMEDOUT));
        break;
    case KP_OWNER_NOBODY:
        break;
    }
    say_alone(a, why);
    begin_own(a);
}

/* ---- Life -------------------------------------------------------------------------------- */

static void watch_signals(struct agent *a)
{
    static const int numbers[SIGNALS] = {SIGTERM, SIGINT, SIGHUP};
    for (size_t i = 0; i < SIGNALS; i++) {
        (void)uv_signal_init(&a->loop.uv, &a->signals[i]);
        a->signals[i].data = a;
        (void)uv_signal_start(&a->signals[i], told_to_stop, numbers[i]);
    }
}

static int start(struct agent *a)
{
    static const struct kp_stdio_hooks hooks = {came, written};
    if (kp_loop_init(&a->loop) != 0)
        return kp_command_fail(KP_EXIT_FAILED, "out of memory");
    a->stdio = kp_stdio_start(&a->loop, &hooks, a);
    if (a->stdio == NULL)
        return kp_command_fail(KP_EXIT_FAILED, "out of memory");
    (void)uv_timer_init(&a->loop.uv, &a->timer);
    a->timer.data = a;
    a->doom.run = leave_now;
    a->owner.lock = -1;
    a->language = kp_language_of_person();
    kp_frames_init(&a->in, KP_DESK_IN_MAX);
    watch_signals(a);
    return KP_EXIT_DONE;
}

static int run(struct kp_options *options)
{
    static struct agent agent; /* threads that are stuck in a read look at it until the end */
    struct agent *a = &agent;
    (void)options;
    if (isatty(STDIN_FILENO))
        return kp_command_misused("it is started by a browser or an app, not on a terminal");
    (void)kp_platform_descriptors();
    a->status = start(a);
    if (a->status != KP_EXIT_DONE)
        return a->status;
    begin(a);
    kp_loop_run(&a->loop);
    kp_hub_free(a->hub);
    kp_owner_leave(&a->owner);
    kp_out_free(&a->out);
    kp_loop_close(&a->loop);
    return a->status;
}

const struct kp_command kp_command_agent = {
    .name = "agent",
    .summary = "what a browser's extension or an app speaks to",
    .synopsis = "",
    .about =
        "Is started by a browser for Keyplate's extension (as a native messaging host, by the name "
        "of keyplate-agent), or by an app; nobody types it. It logs in to devices, has their pages "
        "at http://NAME.localhost, and ends when its standard input ends.\n\n"
        "Standard input and output are messages: four bytes of length in the machine's own order, "
        "then JSON. doc/agent.md has them. All agents and all keyplate open of a person share one "
        "port.\n\n"
        "By the name of keyplate-agent it takes no arguments: those that browsers give say nothing "
        "that it needs.\n\n"
        "Exit status: 0 at the end of standard input and after SIGTERM, 1 when it can't work at "
        "all.",
    .options = table,
    .max_positionals = 0,
    .run = run,
};
