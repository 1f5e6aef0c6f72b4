/* One device, as a client reaches it: see device_session.h. */
#include "device_session.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>

void kp_device_init(struct kp_device *d, struct kp_loop *loop, struct kp_context *context,
                    const struct kp_host *host, const struct kp_login *login)
{
    memset(d, 0, sizeof *d);
    d->loop = loop;
    d->context = context;
    d->host = *host;
    d->login = login;
    (void)uv_timer_init(&loop->uv, &d->ticket_timer);
    d->ticket_timer.data = d;
}

static void forget_ticket(struct kp_device *d)
{
    kp_session_free(d->session);
    d->session = NULL;
}

void kp_device_keep_tls13(struct kp_device *d, struct kp_context *context)
{
    d->context = context;
    d->offered.versions = KP_USE_TLS13;
    d->offered.was_tls13 = true;
    if (!d->session13)
        forget_ticket(d);
}

void kp_device_clear(struct kp_device *d)
{
    forget_ticket(d);
}

static void timer_is_closed(uv_handle_t *timer);

void kp_device_close(struct kp_device *d, void (*closed)(struct kp_device *d))
{
    forget_ticket(d);
    d->halted = d->closing = true;
    d->closed = closed;
    uv_close((uv_handle_t *)&d->ticket_timer, timer_is_closed);
    if (d->looking)
        (void)uv_cancel((uv_req_t *)&d->lookup); /* found() comes all the same */
}

/* ---- Lists ------------------------------------------------------------------------------- */

static void append(struct kp_attempt **list, struct kp_attempt *attempt)
{
    while (*list != NULL)
        list = &(*list)->next;
    attempt->next = NULL;
    attempt->waiting = true;
    *list = attempt;
}

static struct kp_attempt *take_first(struct kp_attempt **list)
{
    struct kp_attempt *first = *list;
    if (first != NULL) {
        *list = first->next;
        first->next = NULL;
        first->waiting = false;
    }
    return first;
}

static void take_out(struct kp_attempt **list, struct kp_attempt *attempt)
{
    for (; *list != NULL; list = &(*list)->next) {
        if (*list == attempt) {
            *list = attempt->next;
            attempt->next = NULL;
            attempt->waiting = false;
            return;
        }
    }
}

static void fail_all(struct kp_attempt **list, const struct kp_trouble *trouble)
{
    struct kp_attempt *attempt;
    while ((attempt = take_first(list)) != NULL)
        attempt->failed(attempt, trouble);
}

/* ---- Dialling ---------------------------------------------------------------------------- */

static void go_on(struct kp_device *d);

static void forget_session(struct kp_attempt *attempt)
{
    kp_session_free(attempt->session);
    attempt->session = NULL;
}

static void dial(struct kp_device *d, struct kp_attempt *attempt)
{
    const struct kp_secure_offer offer = {
        .login = attempt->by_password || attempt->both ? d->login : NULL,
        .session = attempt->session,
        .server_name = kp_host_is_numeric(&d->host) ? NULL : d->host.name,
    };
    struct kp_trouble trouble = {.stage = KP_AT_CONNECT, .error = KP_E_TRUNCATED};
    int error = attempt->dial(attempt, &d->addresses[attempt->address], &offer);
    if (error == 0)
        return;
    if (error == -ESTALE)
        trouble = (struct kp_trouble){.stage = KP_AT_HANDSHAKE, .error = KP_E_TICKET_REFUSED};
    else
        trouble.net_error = error;
    kp_device_ended(d, attempt, &trouble);
}

/* By ticket; and by the password as well, if no password handshake runs, waits or is forbidden. */
static void resume(struct kp_device *d, struct kp_attempt *attempt)
{
    forget_session(attempt);
    attempt->session = kp_session_ref(d->session);
    attempt->both = d->session13 && !attempt->ticket_only && !d->halted && d->proving == NULL &&
                    d->queue == NULL && !d->awaits_ticket;
    if (attempt->both)
        d->proving = attempt;
    dial(d, attempt);
}

static void start(struct kp_device *d, struct kp_attempt *attempt)
{
    static const struct kp_trouble no_ticket = {.stage = KP_AT_HANDSHAKE,
                                                .error = KP_E_TICKET_REFUSED};
    attempt->address = 0;
    attempt->by_password = d->session == NULL;
    attempt->both = false;
    if (!attempt->by_password) {
        resume(d, attempt);
    } else if (d->halted) {
        attempt->failed(attempt, &d->trouble);
    } else if (attempt->ticket_only) {
        attempt->failed(attempt, &no_ticket);
    } else {
        append(&d->queue, attempt);
        go_on(d);
    }
}

/* Lets those go who wait for the password handshake: all by ticket, or the first one. */
static void go_on(struct kp_device *d)
{
    struct kp_attempt *waiting;
    if (d->proving != NULL || d->awaits_ticket || d->halted || d->queue == NULL)
        return;
    if (d->session == NULL) {
        d->proving = take_first(&d->queue);
        dial(d, d->proving);
        return;
    }
    waiting = d->queue;
    d->queue = NULL;
    for (struct kp_attempt *attempt; (attempt = take_first(&waiting)) != NULL;)
        start(d, attempt);
}

/* ---- Addresses --------------------------------------------------------------------------- */

static void close_if_free(struct kp_device *d)
{
    if (d->closing && d->timer_closed && !d->looking)
        d->closed(d);
}

static void timer_is_closed(uv_handle_t *timer)
{
    struct kp_device *d = timer->data;
    d->timer_closed = true;
    close_if_free(d);
}

static void found(uv_getaddrinfo_t *lookup, int status, struct addrinfo *list)
{
    struct kp_device *d = lookup->data;
    struct kp_trouble trouble = {.unresolved = true, .error = KP_E_TRUNCATED, .net_error = status};
    struct kp_attempt *waiting = d->unresolved;
    d->looking = false;
    if (d->closing) {
        uv_freeaddrinfo(list);
        close_if_free(d);
        return;
    }
    d->unresolved = NULL;
    d->address_count = 0;
    for (struct addrinfo *a = list; a != NULL && d->address_count < KP_DEVICE_ADDRESSES;
         a = a->ai_next) {
        struct kp_address *address = &d->addresses[d->address_count++];
        memset(address, 0, sizeof *address);
        memcpy(&address->where, a->ai_addr, a->ai_addrlen);
        address->len = a->ai_addrlen;
    }
    uv_freeaddrinfo(list);
    if (d->address_count == 0) {
        fail_all(&waiting, &trouble);
        return;
    }
    for (struct kp_attempt *attempt; (attempt = take_first(&waiting)) != NULL;)
        start(d, attempt);
}

static void look_up(struct kp_device *d)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    int error;
    if (d->looking)
        return;
    if (kp_host_is_numeric(&d->host))
        hints.ai_flags |= AI_NUMERICHOST;
    d->looking = true;
    d->lookup.data = d;
    error = uv_getaddrinfo(&d->loop->uv, &d->lookup, found, d->host.name, d->host.port, &hints);
    if (error != 0)
        found(&d->lookup, error, NULL);
}

/* ---- What owners say --------------------------------------------------------------------- */

void kp_device_want(struct kp_device *d, struct kp_attempt *attempt)
{
    attempt->device = d;
    if (d->address_count > 0) {
        start(d, attempt);
        return;
    }
    append(&d->unresolved, attempt);
    look_up(d);
}

void kp_device_drop(struct kp_device *d, struct kp_attempt *attempt)
{
    take_out(&d->unresolved, attempt);
    take_out(&d->queue, attempt);
    forget_session(attempt);
    if (d->proving == attempt) {
        d->proving = NULL;
        go_on(d);
    }
}

static void stop_awaiting(struct kp_device *d)
{
    d->awaits_ticket = false;
    (void)uv_timer_stop(&d->ticket_timer);
}

static void no_ticket_came(uv_timer_t *timer)
{
    struct kp_device *d = timer->data;
    d->awaits_ticket = false;
    go_on(d);
}

/* Whether a ticket may still come: TLS 1.3's do after the proof, but not in BoringSSL's form. */
static bool may_get_ticket(const struct kp_info *info)
{
    return info->version == 0x0304 && !info->ticket &&
           (info->pake == NULL || strcmp(info->pake, "boringssl") != 0);
}

static bool is_shut_out(const struct kp_device *d)
{
    return d->halted && d->trouble.stranger;
}

/* A ticket from a stranger would open the way that was closed, and one of TLS 1.2 a lower one. */
static void take_ticket(struct kp_device *d, const struct kp_conn *conn)
{
    struct kp_session *session;
    struct kp_info info;
    kp_conn_info(conn, &info);
    if (is_shut_out(d) || (d->offered.was_tls13 && info.version != 0x0304))
        return;
    session = kp_conn_session(conn);
    if (session == NULL)
        return;
    forget_ticket(d);
    d->session = session;
    d->session13 = info.version == 0x0304;
    stop_awaiting(d);
}

void kp_device_ticket(struct kp_device *d, const struct kp_conn *conn)
{
    take_ticket(d, conn);
    go_on(d);
}

void kp_device_proved(struct kp_device *d, struct kp_attempt *attempt, const struct kp_conn *conn)
{
    struct kp_info info;
    kp_conn_info(conn, &info);
    if (!info.resumed && d->session == attempt->session)
        forget_ticket(d); /* it was refused */
    forget_session(attempt);
    if (d->proving == attempt) {
        d->proving = NULL;
        d->awaits_ticket = !info.resumed && may_get_ticket(&info);
        if (d->awaits_ticket)
            (void)uv_timer_start(&d->ticket_timer, no_ticket_came, KP_DEVICE_TICKET_MS, 0);
    }
    take_ticket(d, conn);
    if (d->on_proved != NULL)
        d->on_proved(d, &info);
    go_on(d);
}

static void halt(struct kp_device *d, const struct kp_trouble *trouble)
{
    struct kp_attempt *waiting = d->queue;
    d->queue = NULL;
    if (!is_shut_out(d))
        d->trouble = *trouble;
    d->halted = true;
    fail_all(&waiting, trouble);
}

void kp_device_halt(struct kp_device *d, const struct kp_trouble *trouble)
{
    forget_ticket(d);
    stop_awaiting(d);
    halt(d, trouble);
}

static bool try_next_address(struct kp_device *d, struct kp_attempt *attempt,
                             const struct kp_trouble *trouble)
{
    if (trouble->stage != KP_AT_CONNECT)
        return false;
    if (attempt->address + 1u < d->address_count) {
        attempt->address++;
        dial(d, attempt);
        return true;
    }
    if (!kp_host_is_numeric(&d->host))
        d->address_count = 0; /* it may have moved: look it up afresh for the next one */
    return false;
}

void kp_device_ended(struct kp_device *d, struct kp_attempt *attempt,
                     const struct kp_trouble *given)
{
    struct kp_trouble own = *given; /* failed() may free what it is part of */
    const struct kp_trouble *trouble = &own;
    own.offered = d->offered;
    if (try_next_address(d, attempt, trouble))
        return;
    if (!attempt->by_password && !attempt->both) {
        bool refused = trouble->error == KP_E_TICKET_REFUSED || kp_trouble_is_proof(trouble);
        if (refused && d->session == attempt->session)
            forget_ticket(d);
        forget_session(attempt);
        if (refused)
            start(d, attempt);
        else
            attempt->failed(attempt, trouble);
        return;
    }
    if (d->proving == attempt)
        d->proving = NULL;
    if (attempt->both && trouble->committed && d->session == attempt->session)
        forget_ticket(d); /* the password was asked for instead */
    forget_session(attempt);
    if (kp_trouble_is_proof(trouble) || trouble->committed) {
        attempt->failed(attempt, trouble);
        halt(d, trouble);
        if (d->on_halt != NULL && !d->trouble.stranger)
            d->on_halt(d);
        return;
    }
    attempt->failed(attempt, trouble);
    go_on(d);
}

void kp_device_retry(struct kp_device *d, const struct kp_login *login)
{
    d->login = login;
    if (is_shut_out(d))
        return;
    d->halted = false;
    go_on(d);
}
