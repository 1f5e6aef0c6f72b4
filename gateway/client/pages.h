/*
 * The pages that `open` itself shows in the browser.  Words only.
 */
#ifndef KP_CLIENT_PAGES_H
#define KP_CLIENT_PAGES_H

#include "../notice.h"
#include "explain.h"
#include "first_request.h"

/* Whole HTTP answers.  asks: after a failed proof the person is asked for the password where `open`
 * runs; else it ends. */
void kp_page_of_trouble(char page[KP_NOTICE_MAX], const struct kp_trouble *trouble,
                        const char *where, bool asks);
/* verdict: not KP_REQUEST_PASS or _MORE.  own: the address that was printed, 127.0.0.1:8443. */
void kp_page_of_refusal(char page[KP_NOTICE_MAX], enum kp_request_verdict verdict, const char *own);

#endif
