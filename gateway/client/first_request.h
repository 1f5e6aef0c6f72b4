/*
 * Whether the first request of a browser's connection may go to the device.  A page of any web site
 * can make the browser send requests to this computer: by a name of its own that leads here (DNS
 * rebinding), or across sites.  Words only: knows no socket and changes no byte.
 */
#ifndef KP_CLIENT_FIRST_REQUEST_H
#define KP_CLIENT_FIRST_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#define KP_REQUEST_MAX 16384 /* bytes of a request's head */

enum kp_request_verdict {
    KP_REQUEST_MORE,    /* it can't be told yet */
    KP_REQUEST_PASS,    /* a request for this address, or no HTTP at all */
    KP_REQUEST_ASTRAY,  /* HTTP for another host: 421 */
    KP_REQUEST_FOREIGN, /* another site makes the browser do it: 403 */
    KP_REQUEST_LONG,    /* HTTP whose head doesn't end within KP_REQUEST_MAX: 431 */
};

/* Judges head[len], what has come so far; ended: no more comes.  own is the printed address,
 * "127.0.0.1:8443"; localhost with its port is as good. */
enum kp_request_verdict kp_first_judge(const char *head, size_t len, bool ended, const char *own);

#endif
