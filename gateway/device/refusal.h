/*
 * The small plain pages with which a request is refused, or told that its answer can't be had.
 */
#ifndef KP_DEVICE_REFUSAL_H
#define KP_DEVICE_REFUSAL_H

#include <stdbool.h>

#include "../http/parser.h"
#include "../notice.h"

/* status: 400, 408, 431, 500, 501, 502, 503, 504, 505.  A whole response, as of kp_notice; returns
 * its length. */
size_t kp_refusal(char out[KP_NOTICE_MAX], unsigned status);
/* 503 for too many requests at once, with Retry-After; goes_on: without Connection: close. */
size_t kp_refusal_for_now(char out[KP_NOTICE_MAX], bool goes_on);
/* The status for a request that can't be read. */
unsigned kp_refusal_of(enum kp_http_problem problem);

#endif
