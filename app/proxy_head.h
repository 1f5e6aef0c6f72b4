/*
 * The head of a request to the proxy, judged: bytes in, a verdict out.  Any process of this machine
 * can have sent them.
 */
#ifndef KP_APP_PROXY_HEAD_H
#define KP_APP_PROXY_HEAD_H

#include <glib.h>

#define KP_PROXY_HEAD_LEN 4096 /* the longest head */

struct kp_proxy_rule {
    const char *authority; /* HOST:PORT, lower case: what alone may be asked for */
    const char *proof;     /* the value of Proxy-Authorization; secret */
};

enum kp_proxy_verdict {
    KP_PROXY_MORE, /* the head hasn't ended */
    KP_PROXY_PASS,
    KP_PROXY_MALFORMED,
    KP_PROXY_TOO_LONG,
    KP_PROXY_UNPROVED, /* before anything else is said of a head in order */
    KP_PROXY_OTHER_METHOD,
    KP_PROXY_OTHER_HOST,
};

/* head[len] is what came so far, len up to KP_PROXY_HEAD_LEN.  Time depends on the proof's length
 * alone, not on how much of it was guessed. */
enum kp_proxy_verdict kp_proxy_head_judge(const char *head, gsize len,
                                          const struct kp_proxy_rule *rule);

#endif
