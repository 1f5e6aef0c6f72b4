/* One connection of a browser: see visitor.h. */
#include "visitor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../net/farewell.h"
#include "../net/relay.h"
#include "../net/sock.h"
#include "../notice.h"

struct kp_visitor {
    struct kp_relay relay; /* first */
    struct kp_attempt attempt;
    struct kp_face *face;
    struct kp_visitor *next;
    struct kp_visitor **at;
    struct kp_trouble trouble; /* of the connection that is closing */
    int fd;                    /* the browser's, until the proof; then -1 */
    bool dialled;              /* the relay is open */
    bool proved;
    bool stopped;
};

static struct kp_visitor *of(struct kp_relay *relay)
{
    return (struct kp_visitor *)(void *)relay; /* its first member */
}

static struct kp_visitor *of_attempt(struct kp_attempt *attempt)
{
    return (struct kp_visitor *)(void *)((char *)attempt - offsetof(struct kp_visitor, attempt));
}

static void forget(struct kp_visitor *v)
{
    *v->at = v->next;
    if (v->next != NULL)
        v->next->at = v->at;
    if (!v->proved)
        v->face->waiting--;
    if (v->fd >= 0)
        kp_sock_close(v->fd);
    free(v);
}

/* ---- The page ---------------------------------------------------------------------------- */

static void say_trouble(struct kp_visitor *v, const struct kp_trouble *trouble)
{
    char where[KP_HOST_LEN + 16], why[600], escaped[1200], body[1800], page[KP_NOTICE_MAX];
    const char *what = kp_trouble_is_proof(trouble)
                           ? "The answer is awaited where <code>keyplate open</code> runs; then "
                             "load this page again."
                           : "Load this page again when that is put right: nothing has to be "
                             "restarted here.";
    kp_device_name(v->face->device, where, sizeof where);
    kp_explain(trouble, where, why, sizeof why);
    kp_notice_escape(escaped, sizeof escaped, why);
    snprintf(body, sizeof body,
             "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\">"
             "<meta name=\"viewport\" content=\"width=device-width\">"
             "<title>The device can't be reached</title>"
             "<style>body{font:1.1em/1.5 sans-serif;max-width:34em;margin:3em auto;padding:0 1em}"
             "</style><h1>The device can't be reached</h1><p>%s.</p><p>%s</p></html>\n",
             escaped, what);
    (void)kp_notice(page, "502 Bad Gateway", 1, body);
    kp_farewell(v->face->loop, v->fd, page);
    v->fd = -1;
}

/* ---- The secure connection --------------------------------------------------------------- */

static void proved(struct kp_relay *relay)
{
    struct kp_visitor *v = of(relay);
    struct kp_info info;
    int fd = v->fd;
    v->fd = -1;
    v->proved = true;
    v->face->waiting--;
    kp_conn_info(relay->secure.conn, &info);
    if (v->face->on_proved != NULL)
        v->face->on_proved(&info);
    kp_device_proved(v->face->device, &v->attempt, relay->secure.conn);
    if (kp_relay_plain_adopt(relay, fd) != 0)
        kp_relay_stop(relay);
    else
        kp_relay_start(relay, 0);
}

static void over(struct kp_relay *relay)
{
    struct kp_visitor *v = of(relay);
    if (relay->end == KP_ENDED_TIMEOUT)
        kp_trouble_of_timeout(&v->trouble, &relay->secure);
    else
        kp_trouble_of(&v->trouble, &relay->secure);
    if (!v->proved && relay->end == KP_ENDED_SECURE)
        kp_relay_finish(relay);
    else if (relay->end == KP_ENDED_BOTH)
        kp_relay_finish(relay);
    else
        kp_relay_close(relay, v->proved); /* what was cut mustn't look whole */
}

static void closed(struct kp_relay *relay)
{
    struct kp_visitor *v = of(relay);
    v->dialled = false;
    if (v->proved || v->stopped)
        forget(v);
    else
        kp_device_ended(v->face->device, &v->attempt, &v->trouble);
}

static const struct kp_relay_hooks hooks = {.proved = proved, .over = over, .closed = closed};

static int dial(struct kp_attempt *attempt, const struct kp_address *address,
                const struct kp_secure_offer *offer)
{
    struct kp_visitor *v = of_attempt(attempt);
    int error =
        kp_relay_dial(&v->relay, v->face->loop, address, v->face->device->context, offer, &hooks);
    v->dialled = error == 0;
    if (error == 0)
        kp_secure_deadline(&v->relay.secure, KP_DEVICE_DEADLINE_MS, false);
    return error;
}

static void failed(struct kp_attempt *attempt, const struct kp_trouble *trouble)
{
    struct kp_visitor *v = of_attempt(attempt);
    say_trouble(v, trouble);
    forget(v);
}

/* ---- Life -------------------------------------------------------------------------------- */

void kp_visitor_begin(struct kp_face *face, int fd)
{
    struct kp_visitor *v = calloc(1, sizeof *v);
    if (v == NULL) {
        kp_sock_close(fd);
        return;
    }
    v->face = face;
    v->fd = fd;
    v->attempt.dial = dial;
    v->attempt.failed = failed;
    v->next = face->visitors;
    v->at = &face->visitors;
    if (v->next != NULL)
        v->next->at = &v->next;
    face->visitors = v;
    face->waiting++;
    kp_device_want(face->device, &v->attempt);
}

void kp_visitor_stop(struct kp_visitor *v)
{
    if (v->stopped)
        return;
    v->stopped = true;
    if (!v->proved)
        kp_device_drop(v->face->device, &v->attempt);
    if (v->dialled)
        kp_relay_close(&v->relay, v->proved);
    else
        forget(v);
}

struct kp_visitor *kp_visitor_next(const struct kp_visitor *v)
{
    return v->next;
}
