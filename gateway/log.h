/*
 * The log: one line an event on stderr, as text for a person or as a JSON object for a machine.
 * Every value that a stranger can choose is escaped.  No secret may be given to it.
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

enum kp_log_level { KP_LOG_ERROR, KP_LOG_WARNING, KP_LOG_INFO, KP_LOG_DEBUG };

struct kp_log {
    enum kp_log_level level; /* lines above it are dropped */
    bool json;
};

struct kp_log_line {
    char text[4096];
    size_t len;
    bool json;
    bool on;
};

/* event: one word for a machine.  message: plain English for a person. */
void kp_log_begin(struct kp_log_line *line, const struct kp_log *log, enum kp_log_level level,
                  const char *event, const char *message);
/* value NULL: nothing is added. */
void kp_log_text(struct kp_log_line *line, const char *key, const char *value, size_t len);
void kp_log_word(struct kp_log_line *line, const char *key, const char *value);
void kp_log_number(struct kp_log_line *line, const char *key, uint64_t value);
void kp_log_seconds(struct kp_log_line *line, const char *key, uint64_t ms);
void kp_log_flag(struct kp_log_line *line, const char *key, bool value);
/* Writes it in one piece. */
void kp_log_end(struct kp_log_line *line);

/* A line with a message alone. */
void kp_log_say(const struct kp_log *log, enum kp_log_level level, const char *event,
                const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
