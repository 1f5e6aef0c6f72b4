/*
 * Whom the rooms of the client tell their sentences: a terminal, the agent's clients.
 */
#ifndef KP_CLIENT_TELL_H
#define KP_CLIENT_TELL_H

#include <stdbool.h>

#include "words.h"

enum kp_tell_level { KP_TELL_NOTE, KP_TELL_WARNING, KP_TELL_FAILURE };

struct kp_teller {
    /* sentence: one line, escaped, without a full stop. */
    void (*say)(void *owner, enum kp_tell_level level, const char *sentence);
    void *owner;
    enum kp_language language;
    bool verbose;
};

#endif
