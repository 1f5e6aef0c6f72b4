/*
 * Lines for the web server's log.  What strangers can cause without end is limited to a few lines a
 * second, and counted beyond that.
 */
#ifndef KP_INTEGRATION_TLS_LOG_H
#define KP_INTEGRATION_TLS_LOG_H

#include "tls_server.h"

#define KP_TLS_LOG_LINE 640          /* bytes of a line with its NUL; a longer one is cut */
#define KP_TLS_LOG_STRANGERS 20      /* lines a second */
#define KP_TLS_LOG_NAME (4 * 64 + 4) /* of a name, 64 bytes of it escaped, and "..." */

struct kp_tls_log {
    void (*say)(void *arg, enum kp_tls_level level, const char *line); /* may be NULL */
    void *arg;
    uint64_t second; /* of what follows */
    unsigned said;
    unsigned left_out;
};

void kp_tls_log_say(const struct kp_tls_log *log, enum kp_tls_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Whether one more line of a stranger's is said in this second; says, when it can, how many were
 * not. */
bool kp_tls_log_stranger(struct kp_tls_log *log);
/* A name as strangers send them: printable ASCII and well-formed UTF-8 stay, other bytes, the
 * backslash and the quotes become \xNN.  Returns out. */
char *kp_tls_log_name(char out[KP_TLS_LOG_NAME], const char *name, size_t len);

/* Seconds, milliseconds of a clock that doesn't jump, and goes on while the machine sleeps where
 * there is such a one. */
uint64_t kp_tls_seconds(void);
uint64_t kp_tls_ms(void);

#endif
