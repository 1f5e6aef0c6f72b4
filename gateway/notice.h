/*
 * The few complete HTTP answers that the gateways give by themselves.
 */
#ifndef KP_GATEWAY_NOTICE_H
#define KP_GATEWAY_NOTICE_H

#include <stddef.h>

#define KP_NOTICE_MAX 4096

/* A whole HTTP/1.1 response, "Connection: close", into out, NUL-terminated.  status: "502 Bad
 * Gateway".  html: body is HTML, else plain text.  Returns its length. */
size_t kp_notice(char out[KP_NOTICE_MAX], const char *status, int html, const char *body);
/* The same of any Content-Type. */
size_t kp_notice_typed(char out[KP_NOTICE_MAX], const char *status, const char *type,
                       const char *body);
/* What stands for & < > " ' in HTML; NULL: the character stands for itself. */
const char *kp_notice_entity(char c);
/* Writes text with & < > " ' escaped for HTML. */
void kp_notice_escape(char *out, size_t len, const char *text);

#endif
