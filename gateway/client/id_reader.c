/* Reads what a device says of itself: see id_reader.h. */
#include "id_reader.h"

#include <stdlib.h>
#include <string.h>

struct kp_id_reader {
    struct kp_secure secure; /* first */
    struct kp_attempt attempt;
    uv_timer_t timer;
    kp_id_reader_fn *done;
    void *owner;
    struct kp_id_reader **slot; /* NULL: done was called, or nobody wants to know any more */
    struct kp_trouble trouble;  /* of the connection that is closing */
    size_t asked, asked_len;    /* of the request */
    size_t len;
    char request[KP_TOLD_REQUEST_LEN];
    char answer[KP_TOLD_MAX + 1]; /* one more than may be */
    bool open;                    /* the connection is */
    bool proved, timer_open;
};

static struct kp_id_reader *of(struct kp_secure *secure)
{
    return (struct kp_id_reader *)(void *)secure; /* its first member */
}

static struct kp_id_reader *of_attempt(struct kp_attempt *attempt)
{
    return (struct kp_id_reader *)(void *)((char *)attempt -
                                           offsetof(struct kp_id_reader, attempt));
}

static void free_when_closed(struct kp_id_reader *r)
{
    if (!r->open && !r->timer_open)
        free(r);
}

static void timer_closed(uv_handle_t *timer)
{
    struct kp_id_reader *r = timer->data;
    r->timer_open = false;
    free_when_closed(r);
}

/* Says once what came of it.  The timer goes; the connection goes by itself. */
static void tell(struct kp_id_reader *r, const struct kp_told *told, const char *why)
{
    if (r->slot == NULL)
        return;
    *r->slot = NULL;
    r->slot = NULL;
    uv_close((uv_handle_t *)&r->timer, timer_closed);
    r->done(r->owner, told, why);
}

/* ---- The connection ---------------------------------------------------------------------- */

static void ask(struct kp_secure *s)
{
    struct kp_id_reader *r = of(s);
    r->asked += kp_secure_send(s, (const uint8_t *)r->request + r->asked, r->asked_len - r->asked);
}

static void proved(struct kp_secure *s)
{
    struct kp_id_reader *r = of(s);
    r->proved = true;
    kp_device_proved(r->attempt.device, &r->attempt, s->conn);
    if (s->conn != NULL)
        ask(s);
}

static void ticket(struct kp_secure *s)
{
    if (of(s)->slot != NULL) /* else the device may be gone */
        kp_device_ticket(of(s)->attempt.device, s->conn);
}

static void judge(struct kp_id_reader *r, bool ended)
{
    struct kp_told told;
    const char *why = NULL;
    switch (kp_told_read(&told, r->answer, r->len, ended, &why)) {
    case KP_TOLD_MORE:
        return;
    case KP_TOLD_READ:
        tell(r, &told, NULL);
        break;
    case KP_TOLD_NOT:
        tell(r, NULL, why);
        break;
    }
    kp_secure_end(&r->secure);
    kp_secure_finish(&r->secure);
}

static size_t data(struct kp_secure *s, const uint8_t *bytes, size_t len)
{
    struct kp_id_reader *r = of(s);
    size_t room = sizeof r->answer - r->len;
    size_t used = len < room ? len : room;
    if (r->slot == NULL)
        return len;
    memcpy(r->answer + r->len, bytes, used);
    r->len += used;
    judge(r, false);
    return len;
}

static void peer_ended(struct kp_secure *s)
{
    if (of(s)->slot != NULL)
        judge(of(s), true);
}

static void over(struct kp_secure *s)
{
    kp_trouble_of(&of(s)->trouble, s);
    kp_secure_finish(s);
}

static void timeout(struct kp_secure *s)
{
    kp_trouble_of_timeout(&of(s)->trouble, s);
    kp_secure_close(s, false);
}

static void closed(struct kp_secure *s)
{
    struct kp_id_reader *r = of(s);
    r->open = false;
    if (r->slot != NULL && !r->proved) {
        kp_device_ended(r->attempt.device, &r->attempt, &r->trouble);
        return;
    }
    tell(r, NULL, "the connection was cut");
    free_when_closed(r);
}

static const struct kp_secure_hooks hooks = {
    .proved = proved,
    .ticket = ticket,
    .data = data,
    .room = ask,
    .peer_ended = peer_ended,
    .over = over,
    .timeout = timeout,
    .closed = closed,
};

static int dial(struct kp_attempt *attempt, const struct kp_address *address,
                const struct kp_secure_offer *offer)
{
    struct kp_id_reader *r = of_attempt(attempt);
    int error = kp_secure_dial(&r->secure, attempt->device->loop, address, attempt->device->context,
                               offer, &hooks);
    r->open = error == 0;
    if (error == 0)
        kp_secure_deadline(&r->secure, KP_ID_READER_MS, false);
    return error;
}

static void failed(struct kp_attempt *attempt, const struct kp_trouble *trouble)
{
    struct kp_id_reader *r = of_attempt(attempt);
    (void)trouble;
    tell(r, NULL, "no second connection came about");
    free_when_closed(r);
}

static void too_late(uv_timer_t *timer)
{
    struct kp_id_reader *r = timer->data;
    kp_id_reader_fn *done = r->done;
    void *owner = r->owner;
    kp_id_reader_stop(r);
    done(owner, NULL, "it took too long");
}

/* ---- Life -------------------------------------------------------------------------------- */

void kp_id_reader_start(struct kp_id_reader **slot, struct kp_device *device, kp_id_reader_fn *done,
                        void *owner)
{
    struct kp_id_reader *r = calloc(1, sizeof *r);
    *slot = r;
    if (r == NULL) {
        done(owner, NULL, "out of memory");
        return;
    }
    r->slot = slot;
    r->done = done;
    r->owner = owner;
    r->asked_len = kp_told_request(r->request, &device->host);
    (void)uv_timer_init(&device->loop->uv, &r->timer);
    r->timer.data = r;
    r->timer_open = true;
    (void)uv_timer_start(&r->timer, too_late, KP_ID_READER_MS, 0);
    r->attempt.dial = dial;
    r->attempt.failed = failed;
    r->attempt.ticket_only = true;
    kp_device_want(device, &r->attempt);
}

void kp_id_reader_stop(struct kp_id_reader *r)
{
    if (r == NULL)
        return;
    *r->slot = NULL;
    r->slot = NULL;
    uv_close((uv_handle_t *)&r->timer, timer_closed);
    if (!r->proved)
        kp_device_drop(r->attempt.device, &r->attempt);
    if (r->open)
        kp_secure_close(&r->secure, false);
    free_when_closed(r);
}
