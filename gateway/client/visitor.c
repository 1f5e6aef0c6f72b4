/* One connection of a browser: see visitor.h. */
#include "visitor.h"

#include <stdlib.h>
#include <string.h>

#include "../net/farewell.h"
#include "../net/relay.h"
#include "../net/sock.h"
#include "first_look.h"
#include "pages.h"

struct kp_visitor {
    struct kp_relay relay; /* first */
    struct kp_attempt attempt;
    struct kp_face *face;
    struct kp_visitor *next;
    struct kp_visitor **at;
    struct kp_trouble trouble;  /* of the connection that is closing */
    struct kp_first_look *look; /* has fd while it isn't NULL */
    uint8_t *first;             /* what the browser said first, until the proof */
    size_t first_len;
    int fd;       /* the browser's, between the first look and the proof; else -1 */
    bool waiting; /* counted in face->waiting */
    bool dialled; /* the relay is open */
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
    if (v->waiting)
        v->face->waiting--;
    if (v->fd >= 0)
        kp_sock_close(v->fd);
    if (v->first != NULL)
        explicit_bzero(v->first, v->first_len);
    free(v->first);
    free(v);
}

/* ---- Pages ------------------------------------------------------------------------------- */

static void say(struct kp_visitor *v, const char *page)
{
    kp_farewell(v->face->loop, v->fd, page);
    v->fd = -1;
}

static void say_trouble(struct kp_visitor *v, const struct kp_trouble *trouble)
{
    char where[KP_HOST_TEXT_LEN], page[KP_NOTICE_MAX];
    kp_host_text(&v->face->device->host, "443", where);
    kp_page_of_trouble(page, trouble, where, v->face->asks);
    say(v, page);
}

/* ---- The secure connection --------------------------------------------------------------- */

static void proved(struct kp_relay *relay)
{
    struct kp_visitor *v = of(relay);
    uint8_t *first = v->first;
    int fd = v->fd;
    v->fd = -1;
    v->first = NULL;
    v->proved = true;
    v->waiting = false;
    v->face->waiting--;
    kp_device_proved(v->face->device, &v->attempt, relay->secure.conn);
    if (kp_relay_plain_adopt(relay, fd, first, v->first_len) != 0)
        kp_relay_stop(relay);
    else
        kp_relay_start(relay, 0);
}

static void ticket(struct kp_relay *relay)
{
    kp_device_ticket(of(relay)->face->device, relay->secure.conn);
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

static const struct kp_relay_hooks hooks = {
    .proved = proved, .ticket = ticket, .over = over, .closed = closed};

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

/* ---- The first look ---------------------------------------------------------------------- */

static void judged(void *owner, enum kp_request_verdict verdict, int fd, uint8_t *bytes, size_t len)
{
    struct kp_visitor *v = owner;
    char page[KP_NOTICE_MAX];
    v->look = NULL;
    v->face->looking--;
    v->fd = fd;
    v->first = bytes;
    v->first_len = len;
    if (verdict != KP_REQUEST_PASS) {
        kp_page_of_refusal(page, verdict, v->face->own);
        say(v, page);
        forget(v);
        return;
    }
    v->waiting = true;
    v->face->waiting++;
    kp_device_want(v->face->device, &v->attempt);
}

static void gone(void *owner)
{
    struct kp_visitor *v = owner;
    v->look = NULL;
    v->face->looking--;
    forget(v);
}

/* ---- Life -------------------------------------------------------------------------------- */

void kp_visitor_begin(struct kp_face *face, int fd)
{
    struct kp_first_look *look = kp_first_look(face->loop, fd, face->own);
    struct kp_visitor *v = look != NULL ? calloc(1, sizeof *v) : NULL;
    if (v == NULL) {
        if (look != NULL)
            kp_first_look_cancel(look);
        return;
    }
    v->face = face;
    v->fd = -1;
    v->attempt.dial = dial;
    v->attempt.failed = failed;
    v->next = face->visitors;
    v->at = &face->visitors;
    if (v->next != NULL)
        v->next->at = &v->next;
    face->visitors = v;
    face->looking++;
    v->look = look;
    look->judged = judged;
    look->gone = gone;
    look->owner = v;
    kp_first_look_start(look);
}

void kp_visitor_stop(struct kp_visitor *v)
{
    if (v->stopped)
        return;
    v->stopped = true;
    if (v->look != NULL) {
        kp_first_look_cancel(v->look);
        gone(v);
        return;
    }
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
