/*
 * How `open` speaks to the hub (client/desk.h): its own, or the one that another process of this
 * person has.
 */
#ifndef KP_CMD_LINE_H
#define KP_CMD_LINE_H

#include "client/desk_json.h"
#include "client/handover.h"

struct cJSON;

struct kp_line {
    struct kp_desk *desk;     /* at our own hub; NULL: it is another's */
    struct kp_errand *errand; /* NULL: it is our own, or ended */
    void (*received)(struct kp_line *line, const struct cJSON *message);
    void (*ended)(struct kp_line *line); /* the other process is gone */
    void *owner;
};

/* received, ended and owner must be set.  0, or a negative uv error. */
int kp_line_open_own(struct kp_line *line, struct kp_loop *loop, struct kp_hub *hub);
int kp_line_open_other(struct kp_line *line, struct kp_loop *loop);
/* Sends what was written, wipes it and frees it. */
void kp_line_send(struct kp_line *line, struct kp_json *message);
/* Nothing is received any more; fine twice. */
void kp_line_close(struct kp_line *line);

/* Members of a message: "" and 0 if they aren't there. */
const char *kp_line_text(const struct cJSON *message, const char *key);
int kp_line_number(const struct cJSON *message, const char *key);
bool kp_line_is_true(const struct cJSON *message, const char *key);

#endif
