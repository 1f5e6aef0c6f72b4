/* The log: see log.h.  Knows nothing of connections. */
#include "log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "creds/text.h"

#define VALUE_MAX 512 /* bytes of a value; longer ones are cut */
#define TOLD_MS 10000 /* how often it is told how many lines were left out */
#define END_LEN 16    /* ,"cut":true} and \n */

static const char *const level_names[] = {"error", "warning", "info", "debug"};

static void put(struct kp_log_line *line, const char *text)
{
    size_t len = strlen(text);
    if (len > sizeof line->text - END_LEN - line->len) {
        line->full = true;
        return;
    }
    memcpy(line->text + line->len, text, len);
    line->len += len;
}

static void put_json_byte(struct kp_log_line *line, unsigned char byte)
{
    char text[8] = {(char)byte};
    if (byte == '"' || byte == '\\')
        snprintf(text, sizeof text, "\\%c", byte);
    else if (byte < 0x20)
        snprintf(text, sizeof text, "\\u%04x", byte);
    put(line, text);
}

/* In quotes.  What is no printable UTF-8 stands as \xNN, in JSON too: it stays readable and it can
 * be undone. */
static void put_quoted(struct kp_log_line *line, const char *value, size_t len)
{
    char escaped[KP_TEXT_ESCAPED_MAX(VALUE_MAX)];
    if (len > VALUE_MAX)
        len = VALUE_MAX;
    kp_text_escape(escaped, value, len);
    put(line, "\"");
    for (const char *at = escaped; *at != '\0'; at++) {
        if (line->json)
            put_json_byte(line, (unsigned char)*at);
        else
            put(line, *at == '"' ? "\\x22" : (const char[2]){*at});
    }
    put(line, "\"");
}

/* A message in JSON: its values were escaped when it was made, so quotes and backslashes stay. */
static void put_message(struct kp_log_line *line, const char *message)
{
    char escaped[KP_TEXT_ESCAPED_MAX(VALUE_MAX)];
    size_t left = strnlen(message, VALUE_MAX);
    put(line, ",\"message\":\"");
    while (left > 0) {
        size_t plain = 0;
        while (plain < left && message[plain] != '"' && message[plain] != '\\')
            plain++;
        kp_text_escape(escaped, message, plain);
        for (const char *at = escaped; *at != '\0'; at++)
            put_json_byte(line, (unsigned char)*at);
        if (plain < left)
            put_json_byte(line, (unsigned char)message[plain++]);
        message += plain;
        left -= plain;
    }
    put(line, "\"");
}

static void put_key(struct kp_log_line *line, const char *key)
{
    if (line->json) {
        put(line, line->len > 1 ? ",\"" : "\"");
        put(line, key);
        put(line, "\":");
    } else {
        put(line, " ");
        put(line, key);
        put(line, "=");
    }
}

static void put_time(struct kp_log_line *line)
{
    char text[40];
    struct timespec now;
    struct tm parts;
    size_t used;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &parts);
    used = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text + used, sizeof text - used, ".%03ldZ", now.tv_nsec / 1000000);
    put(line, text);
}

/* The system's log has a time of its own. */
static void begin_text(struct kp_log_line *line, enum kp_log_level level, const char *event)
{
    if (!line->log->to_syslog && !line->log->bare) {
        put_time(line);
        put(line, " ");
    }
    put(line, level_names[level]);
    if (!line->log->bare) {
        put(line, " ");
        put(line, event);
    }
    put(line, ": ");
}

void kp_log_begin(struct kp_log_line *line, const struct kp_log *log, enum kp_log_level level,
                  const char *event, const char *message)
{
    line->on = level <= log->level;
    line->log = log;
    line->level = (uint8_t)level;
    line->full = line->cut = line->strange = false;
    line->json = log->json;
    line->len = 0;
    if (!line->on)
        return;
    if (line->json) {
        put(line, "{\"time\":\"");
        put_time(line);
        put(line, "\"");
        kp_log_word(line, "level", level_names[level]);
        kp_log_word(line, "event", event);
        put_message(line, message);
    } else {
        begin_text(line, level, event);
        put(line, message);
        put(line, ";");
    }
}

/* Half a field would be none, and in JSON half a line. */
static void keep_whole(struct kp_log_line *line, size_t start)
{
    if (!line->full)
        return;
    line->len = start;
    line->full = false;
    line->cut = true;
}

void kp_log_text(struct kp_log_line *line, const char *key, const char *value, size_t len)
{
    size_t start;
    if (!line->on || value == NULL)
        return;
    start = line->len;
    put_key(line, key);
    put_quoted(line, value, len);
    keep_whole(line, start);
}

static void put_raw(struct kp_log_line *line, const char *key, const char *value)
{
    size_t start = line->len;
    put_key(line, key);
    put(line, value);
    keep_whole(line, start);
}

void kp_log_word(struct kp_log_line *line, const char *key, const char *value)
{
    if (!line->on || value == NULL)
        return;
    if (line->json)
        kp_log_text(line, key, value, strlen(value));
    else
        put_raw(line, key, value);
}

void kp_log_number(struct kp_log_line *line, const char *key, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    if (line->on)
        put_raw(line, key, text);
}

void kp_log_seconds(struct kp_log_line *line, const char *key, uint64_t ms)
{
    char text[32];
    snprintf(text, sizeof text, "%llu.%03u", (unsigned long long)(ms / 1000),
             (unsigned)(ms % 1000));
    if (line->on)
        put_raw(line, key, text);
}

void kp_log_flag(struct kp_log_line *line, const char *key, bool value)
{
    if (line->on)
        put_raw(line, key, value ? "true" : "false");
}

/* Into the room that put leaves. */
static void end_line(struct kp_log_line *line)
{
    const char *end =
        line->cut ? (line->json ? ",\"cut\":true}\n" : " cut=true\n") : (line->json ? "}\n" : "\n");
    size_t len = strlen(end);
    memcpy(line->text + line->len, end, len);
    line->len += len;
}

static bool write_line(struct kp_log_line *line)
{
    static const uint8_t severities[] = {3, 4, 6, 7}; /* RFC 5424 6.2.1 */
    if (!line->json && line->len > 0 && line->text[line->len - 1] == ';')
        line->len--;
    end_line(line);
    return line->log->to_syslog ? kp_log_sink_syslog(severities[line->level], line->text, line->len)
                                : kp_log_sink_stderr(line->text, line->len);
}

/* ---- Strangers ------------------------------------------------------------------------------ */

static struct {
    pthread_mutex_t lock;
    uint64_t spent; /* bytes, times 1000 */
    uint64_t at;    /* ms: when that was so */
    uint64_t told;  /* ms; 0: never */
    uint64_t left_out;
} strangers = {.lock = PTHREAD_MUTEX_INITIALIZER};

static uint64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void kp_log_stranger(struct kp_log_line *line)
{
    line->strange = true;
}

/* Whether a stranger's line of that length is still written; else it is left out. */
static bool fits(size_t len)
{
    uint64_t now = now_ms(), back;
    bool room;
    pthread_mutex_lock(&strangers.lock);
    back = (now - strangers.at) * KP_LOG_STRANGERS_PER_S;
    strangers.spent -= back < strangers.spent ? back : strangers.spent;
    strangers.at = now;
    room = strangers.spent + (uint64_t)len * 1000 <= (uint64_t)KP_LOG_STRANGERS * 1000;
    if (room)
        strangers.spent += (uint64_t)len * 1000;
    else
        strangers.left_out++;
    pthread_mutex_unlock(&strangers.lock);
    return room;
}

/* How many were left out, once in a while; else 0. */
static uint64_t take_left_out(void)
{
    uint64_t now = now_ms(), lines = 0;
    pthread_mutex_lock(&strangers.lock);
    if (strangers.left_out > 0 && (strangers.told == 0 || now - strangers.told >= TOLD_MS)) {
        lines = strangers.left_out;
        strangers.left_out = 0;
        strangers.told = now;
    }
    pthread_mutex_unlock(&strangers.lock);
    return lines;
}

static void tell_left_out(const struct kp_log *log)
{
    struct kp_log_line line;
    uint64_t lines = take_left_out();
    if (lines == 0)
        return;
    kp_log_begin(&line, log, KP_LOG_WARNING, "log",
                 "lines about clients that proved nothing were left out: there are too many");
    kp_log_number(&line, "left_out", lines);
    if (line.on && !write_line(&line))
        kp_log_sink_lose();
}

/* ---- The end of a line ------------------------------------------------------------------------
 */

static void tell_dropped(const struct kp_log *log)
{
    struct kp_log_line line;
    uint64_t lines = kp_log_sink_take_untold();
    if (lines == 0)
        return;
    kp_log_begin(&line, log, KP_LOG_WARNING, "log",
                 "lines were dropped: who reads the log was too slow, or wasn't there");
    kp_log_number(&line, "dropped", lines);
    if (!line.on)
        return;
    if (!write_line(&line))
        kp_log_sink_give_untold(lines);
}

void kp_log_catch_up(const struct kp_log *log)
{
    tell_dropped(log);
    tell_left_out(log);
}

void kp_log_end(struct kp_log_line *line)
{
    if (!line->on)
        return;
    if (line->strange && line->log->level < KP_LOG_DEBUG && !fits(line->len)) {
        kp_log_catch_up(line->log);
        return;
    }
    kp_log_catch_up(line->log);
    if (!write_line(line))
        kp_log_sink_lose();
}

void kp_log_say(const struct kp_log *log, enum kp_log_level level, const char *event,
                const char *format, ...)
{
    struct kp_log_line line;
    char message[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    kp_log_begin(&line, log, level, event, message);
    kp_log_end(&line);
}
