/*
 * The log: one line an event on stderr or in the system's log, as text for a person or as a JSON
 * object for a machine.  Every value that a stranger can choose is escaped.  No secret may be given
 * to it.  Nobody waits for it: lines that can't be written now are dropped, and their number is
 * logged as soon as that goes again.
 *
 *      struct kp_log_line line;
 *      kp_log_begin(&line, log, KP_LOG_INFO, "proved", "the password was proved");
 *      kp_log_text(&line, "user", name, name_len);
 *      kp_log_end(&line);
 */
#ifndef KP_GATEWAY_LOG_H
#define KP_GATEWAY_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "log_sink.h"

#define KP_LOG_STRANGERS (256 * 1024)
#define KP_LOG_STRANGERS_PER_S 512

enum kp_log_level { KP_LOG_ERROR, KP_LOG_WARNING, KP_LOG_INFO, KP_LOG_DEBUG };

struct kp_log {
    enum kp_log_level level; /* lines above it are dropped */
    bool json;
    bool to_syslog; /* instead of stderr */
    bool bare;      /* text without time and event: for the person who runs a command */
};

struct kp_log_line {
    char text[KP_LOG_LINE_MAX];
    size_t len;
    const struct kp_log *log;
    uint8_t level; /* enum kp_log_level */
    bool json;
    bool on;
    bool strange; /* see kp_log_stranger */
    bool full;    /* what was put last doesn't fit */
    bool cut;     /* and was left out; the line says so */
};

/* event: one word for a machine.  message: plain English for a person.  log must live until the
 * line's end. */
void kp_log_begin(struct kp_log_line *line, const struct kp_log *log, enum kp_log_level level,
                  const char *event, const char *message);
/* value NULL: nothing is added.  Of a value 512 bytes are shown; a field for which the line has no
 * room is left out, and the line says "cut". */
void kp_log_text(struct kp_log_line *line, const char *key, const char *value, size_t len);
void kp_log_word(struct kp_log_line *line, const char *key, const char *value);
void kp_log_number(struct kp_log_line *line, const char *key, uint64_t value);
void kp_log_seconds(struct kp_log_line *line, const char *key, uint64_t ms);
void kp_log_flag(struct kp_log_line *line, const char *key, bool value);
/* It is about somebody who has proved nothing: of such lines only so many are written that they
 * can't fill a device's memory, KP_LOG_STRANGERS bytes at once and KP_LOG_STRANGERS_PER_S more each
 * second.  The others are left out, and once in ten seconds a line tells how many.  At
 * KP_LOG_DEBUG all are written. */
void kp_log_stranger(struct kp_log_line *line);
/* Writes it in one piece, or drops it. */
void kp_log_end(struct kp_log_line *line);

/* A line with a message alone. */
void kp_log_say(const struct kp_log *log, enum kp_log_level level, const char *event,
                const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Tells how many lines were dropped or left out, if that goes again and there are any: now and
 * then. */
void kp_log_catch_up(const struct kp_log *log);

#endif
