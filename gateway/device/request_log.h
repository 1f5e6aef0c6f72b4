/*
 * What the log says of requests, and how they are counted, whatever their client came by.  With
 * --access-log each request has one line of event "request", by one of the first
 * three.
 */
#ifndef KP_DEVICE_REQUEST_LOG_H
#define KP_DEVICE_REQUEST_LOG_H

#include "../log.h"
#include "client.h"
#include "counters.h"
#include "proxy.h"

/* client, and the user whom it proved to be (NULL: nobody), for every line. */
struct kp_request_who {
    const struct kp_client *client;
    const char *user;
    size_t user_len;
};

/* The counters that its requests move. */
struct kp_counters *kp_request_counters(const struct kp_request_who *who);

/* The upstream answered. */
void kp_request_log_answered(const struct kp_request_who *who, const struct kp_proxy *proxy);
/* We did: text[len] is the whole response, to a request that may not have been read. */
void kp_request_log_replied(const struct kp_request_who *who, const struct kp_proxy *proxy,
                            const char *text, size_t len);
/* Its connection ends before it is answered whole. */
void kp_request_log_cut(const struct kp_request_who *who, const struct kp_proxy *proxy);
/* The request can't be read; why: one clause. */
void kp_request_log_refused(const struct kp_request_who *who, const char *why);
/* The upstream's answer can't be had; error: of uv, UV_EPROTO when it did answer. */
void kp_request_log_failed(const struct kp_request_who *who, const struct kp_proxy *proxy,
                           const char *why, int error);
/* A request that was answered by ourselves: what was done with it. */
void kp_request_log_own(const struct kp_request_who *who, const struct kp_proxy *proxy,
                        const char *event, const char *what);

#endif
