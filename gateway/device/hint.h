/*
 * What this device says of itself: /.well-known/keyplate, answered before any upstream sees it.
 */
#ifndef KP_DEVICE_HINT_H
#define KP_DEVICE_HINT_H

#include "../http/head.h"
#include "../notice.h"
#include "worker.h"

struct kp_hint {
    unsigned versions; /* KP_USE_* */
    unsigned port;     /* of the password TLS */
    const uint8_t *id; /* the worker's credentials' */
    size_t id_len;
};

/* While some user has TLS 1.2 alone, who offers both gets that: a choice by the user's name would
 * tell who exists, so it is one for all. */
bool kp_hint_prefers_tls12(const struct kp_worker *worker);
/* What is true of a port of ours. */
struct kp_hint kp_hint_now(const struct kp_worker *worker, unsigned port);
/* The port of our end of a connection, 0 if it has none. */
unsigned kp_hint_port_of(int fd);
/* Whether that request is for it. */
bool kp_hint_is_asked(const struct kp_http_head *head);
/* The answer, a whole HTTP response; returns its length. */
size_t kp_hint_answer(char out[KP_NOTICE_MAX], const struct kp_hint *hint);

#endif
