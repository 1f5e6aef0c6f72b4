/*
 * The overview: the room as a page, as JSON and as events.
 */
#include "pages.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "form.h"
#include "reply.h"
#include "settings.h"

static int percent(const struct demo_thermostat *room)
{
    return (int)lround(room->power * 100);
}

/* The members that change from second to second, without braces. */
static void put_now(struct demo_text *out, const struct demo_thermostat *room)
{
    int minutes = (int)(room->clock / 60);
    demo_text_printf(out, "\"tick\":%lu,\"clock\":\"%02d:%02d\",\"period\":\"%s\",", room->ticks,
                     minutes / 60, minutes % 60, demo_thermostat_is_day(room) ? "day" : "night");
    demo_text_printf(out, "\"room\":%.2f,\"goal\":%.1f,\"target\":%.1f,\"outside\":%.1f,",
                     room->room, demo_thermostat_goal(room), room->settings.target / 10.0,
                     room->outside);
    demo_text_printf(out, "\"water\":%.1f,\"boiler\":\"%s\",\"power\":%d,\"mode\":\"%s\"",
                     room->water, room->burning ? "on" : "off", percent(room),
                     demo_settings_mode_name(room->settings.mode));
}

static void put_history(struct demo_text *out, const struct demo_thermostat *room)
{
    demo_text_put(out, ",\"history\":[");
    for (size_t i = 0; i < room->history_len; i++) {
        const struct demo_sample *sample = demo_thermostat_sample(room, i);
        demo_text_printf(out, "%s[%.2f,%.1f]", i ? "," : "", (double)sample->room,
                         (double)sample->goal);
    }
    demo_text_put(out, "]");
}

void demo_home_state(struct demo_conn *conn)
{
    const struct demo_thermostat *room = &conn->server->room;
    const struct demo_reply reply = {200, "application/json", NULL};
    struct demo_text json = {0};
    demo_text_put(&json, "{\"name\":");
    demo_text_json(&json, room->settings.name);
    demo_text_printf(&json, ",\"day\":\"%02d:%02d\",\"night\":\"%02d:%02d\",",
                     room->settings.day_start / 60, room->settings.day_start % 60,
                     room->settings.night_start / 60, room->settings.night_start % 60);
    put_now(&json, room);
    put_history(&json, room);
    demo_text_put(&json, "}\n");
    demo_reply_bytes(conn, &reply, json.data, json.len);
    demo_text_free(&json);
}

static void put_event(struct demo_text *out, const struct demo_thermostat *room)
{
    demo_text_printf(out, "id: %lu\ndata: {", room->ticks);
    put_now(out, room);
    demo_text_put(out, "}\n\n");
}

static void tell(struct demo_conn *conn, const struct demo_text *event)
{
    struct demo_text chunk = {0};
    demo_reply_chunk(conn, &chunk, event->data, event->len);
    demo_conn_push(conn, chunk.data, chunk.len);
    demo_text_free(&chunk);
}

void demo_home_tell(struct demo_server *server)
{
    struct demo_text event = {0};
    put_event(&event, &server->room);
    for (struct demo_conn *conn = server->conns; conn; conn = conn->next) {
        if (conn->stage == DEMO_CONN_EVENTS)
            tell(conn, &event);
    }
    demo_text_free(&event);
}

/* The first event goes out with the head, so that nobody waits for the next second. */
void demo_home_events(struct demo_conn *conn)
{
    struct demo_text event = {0};
    if (conn->server->events_count >= DEMO_SERVER_EVENTS) {
        demo_reply_error(conn, 503, "Too many are listening already.", "Retry-After: 10\r\n");
        return;
    }
    demo_text_put(&event, "retry: 2000\n");
    put_event(&event, &conn->server->room);
    struct demo_text first = {0};
    if (!conn->parser.request.head_only)
        demo_reply_chunk(conn, &first, event.data, event.len);
    demo_reply_events(conn, first.data, first.len);
    demo_text_free(&event);
    demo_text_free(&first);
}

/* The range of the graph: whole degrees with some air around, four of them at least. */
static void range(const struct demo_thermostat *room, int *low, int *high)
{
    double least = room->room;
    double most = least;
    for (size_t i = 0; i < room->history_len; i++) {
        const struct demo_sample *sample = demo_thermostat_sample(room, i);
        least = fmin(least, fmin((double)sample->room, (double)sample->goal));
        most = fmax(most, fmax((double)sample->room, (double)sample->goal));
    }
    *low = (int)floor(least - 0.5);
    *high = (int)ceil(most + 0.5);
    if (*high - *low < 4)
        *low = *high - 4;
}

static void point(struct demo_text *line, size_t x, double value, int low, int high)
{
    double y = 100 - 100 * (value - low) / (high - low);
    demo_text_printf(line, "%zu,%.1f ", x, y);
}

/* Two lines of a graph 300 wide and 100 high; the newest sample is at the right. */
static void plot(const struct demo_thermostat *room, int low, int high, struct demo_text *is,
                 struct demo_text *goal)
{
    for (size_t i = 0; i < room->history_len; i++) {
        const struct demo_sample *sample = demo_thermostat_sample(room, i);
        size_t x = DEMO_HISTORY_LEN - room->history_len + i + 1;
        point(is, x, (double)sample->room, low, high);
        point(goal, x, (double)sample->goal, low, high);
    }
}

/* The numbers of the page as text. */
struct shown {
    char is[16], goal[16], target[16], outside[16], water[16], power[16], clock[16], low[16],
        high[16];
};

static void show(const struct demo_thermostat *room, struct shown *s)
{
    int minutes = (int)(room->clock / 60);
    snprintf(s->is, sizeof s->is, "%.1f", room->room);
    snprintf(s->goal, sizeof s->goal, "%.1f", demo_thermostat_goal(room));
    snprintf(s->target, sizeof s->target, "%.1f", room->settings.target / 10.0);
    snprintf(s->outside, sizeof s->outside, "%.1f", room->outside);
    snprintf(s->water, sizeof s->water, "%.0f", room->water);
    snprintf(s->power, sizeof s->power, "%d", percent(room));
    snprintf(s->clock, sizeof s->clock, "%02d:%02d", minutes / 60, minutes % 60);
}

void demo_home_page(struct demo_conn *conn)
{
    const struct demo_thermostat *room = &conn->server->room;
    struct shown s = {0};
    struct demo_text is = {0}, goal = {0};
    int low, high;
    show(room, &s);
    range(room, &low, &high);
    plot(room, low, high, &is, &goal);
    snprintf(s.low, sizeof s.low, "%d", low);
    snprintf(s.high, sizeof s.high, "%d", high);
    const struct demo_var vars[] = {
        {"room", s.is},
        {"goal", s.goal},
        {"target", s.target},
        {"outside", s.outside},
        {"water", s.water},
        {"power", s.power},
        {"clock", s.clock},
        {"low", s.low},
        {"high", s.high},
        {"boiler", room->burning ? "on" : "off"},
        {"period", demo_thermostat_is_day(room) ? "day" : "night"},
        {"mode", demo_settings_mode_name(room->settings.mode)},
        {"line", demo_text_string(&is)},
        {"goal_line", demo_text_string(&goal)},
        {NULL, NULL},
    };
    demo_reply_page(conn, 200, "Overview", DEMO_MENU_HOME, "home.html", vars);
    demo_text_free(&is);
    demo_text_free(&goal);
}

/* The two buttons beside the target: half a degree up or down, within the limits. */
void demo_home_step(struct demo_conn *conn)
{
    struct demo_server *server = conn->server;
    struct demo_settings changed = server->room.settings;
    struct demo_text step = {0};
    int result = demo_form_field(demo_text_string(&conn->parser.request.form), "step", &step);
    const char *word = demo_text_string(&step);
    int by = strcmp(word, "up") == 0 ? 5 : strcmp(word, "down") == 0 ? -5 : 0;
    demo_text_free(&step);
    if (result != 0 || by == 0) {
        demo_reply_error(conn, 400, "A step is up or down.", NULL);
        return;
    }
    changed.target += by;
    if (changed.target >= DEMO_TARGET_MIN && changed.target <= DEMO_TARGET_MAX) {
        if (server->state_path && demo_settings_save(&changed, server->state_path) != 0) {
            demo_reply_error(conn, 500, "The settings could not be saved.", NULL);
            return;
        }
        server->room.settings = changed;
    }
    demo_reply_see_other(conn, "/");
}
