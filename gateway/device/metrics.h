/*
 * Where the counters of `serve` are read: GET /metrics on a loopback port or a unix socket,
 * answered by the main thread.  Who asks gets four kibibytes and five seconds, and eight at once
 * are answered; the others wait.
 *
 * A page in a browser on this machine must not read it: over TCP the Host has to be a name or an
 * address of loopback, which a name that was bent to 127.0.0.1 is not.
 */
#ifndef KP_DEVICE_METRICS_H
#define KP_DEVICE_METRICS_H

#include <uv.h>

#include "worker.h"

struct kp_metrics;

/* Listens at shop->settings->metrics; a unix socket has mode 0660, and takes the place of one on
 * which nobody answers.  *out NULL: none is wanted.  0, or -1 with one sentence in why.  Before
 * rights are given up: nothing is opened later. */
int kp_metrics_open(struct kp_metrics **out, struct kp_workshop *shop, char *why, size_t why_len);
/* Its unix socket, if it has one, becomes that user's: for root, who will be that user. */
void kp_metrics_give(struct kp_metrics *metrics, uid_t uid, gid_t gid);
/* Answers on that loop from now on, and says in the log where, or why it can't.  NULL: nothing. */
void kp_metrics_start(struct kp_metrics *metrics, uv_loop_t *loop);
/* Ends it, and removes its unix socket if that can be; its memory is freed when the loop has run
 * its closing handles.  NULL is fine. */
void kp_metrics_close(struct kp_metrics *metrics);

#endif
