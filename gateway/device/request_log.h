/*
 * What the log says of requests, whatever their client came by.
 */
#ifndef KP_DEVICE_REQUEST_LOG_H
#define KP_DEVICE_REQUEST_LOG_H

#include "../log.h"
#include "client.h"
#include "proxy.h"

/* client, and the user whom it proved to be (NULL: nobody), for every line. */
struct kp_request_who {
    const struct kp_client *client;
    const char *user;
    size_t user_len;
};

/* --verbose: one line a request. */
void kp_request_log_answered(const struct kp_request_who *who, const struct kp_proxy *proxy);
/* The request can't be read; why: one clause. */
void kp_request_log_refused(const struct kp_request_who *who, const char *why);
/* The upstream's answer can't be had; error: of uv, UV_EPROTO when it did answer. */
void kp_request_log_failed(const struct kp_request_who *who, const struct kp_proxy *proxy,
                           const char *why, int error);
/* A request that was answered by ourselves: what was done with it. */
void kp_request_log_own(const struct kp_request_who *who, const struct kp_proxy *proxy,
                        const char *event, const char *what);

#endif
