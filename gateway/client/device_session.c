/* One device, as a client reaches it: see device_session.h. */
#include "device_session.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>

void kp_device_init(struct kp_device *d, struct kp_loop *loop, struct kp_context *context,
                    const struct kp_host *host, const struct kp_login *login)
{
    memset(d, 0, sizeof *d);
    d->loop = loop;
    d->context = context;
    d->host = *host;
    d->login = login;
}

void kp_device_clear(struct kp_device *d)
{
    kp_session_free(d->session);
    d->session = NULL;
}

const char *kp_device_name(const struct kp_device *d, char *text, size_t len)
{
    bool v6 = strchr(d->host.name, ':') != NULL;
    bool usual = strcmp(d->host.port, "443") == 0;
    snprintf(text, len, "%s%s%s%s%s", v6 && !usual ? "[" : "", d->host.name,
             v6 && !usual ? "]" : "", usual ? "" : ":", usual ? "" : d->host.port);
    return text;
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
        .login = attempt->by_password ? d->login : NULL,
        .session = attempt->session,
        .server_name = kp_host_is_numeric(&d->host) ? NULL : d->host.name,
    };
    struct kp_trouble trouble = {.stage = KP_AT_CONNECT, .error = KP_E_TRUNCATED};
    int error = attempt->dial(attempt, &d->addresses[attempt->address], &offer);
    if (error == 0)
        return;
    trouble.net_error = error;
    kp_device_ended(d, attempt, &trouble);
}

static void start(struct kp_device *d, struct kp_attempt *attempt)
{
    attempt->address = 0;
    attempt->by_password = d->session == NULL;
    if (!attempt->by_password) {
        forget_session(attempt);
        attempt->session = kp_session_ref(d->session);
        dial(d, attempt);
    } else if (d->halted) {
        attempt->failed(attempt, &d->trouble);
    } else {
        append(&d->queue, attempt);
        go_on(d);
    }
}

/* Lets those go who wait for the password handshake: all by ticket, or the first one. */
static void go_on(struct kp_device *d)
{
    struct kp_attempt *waiting;
    if (d->proving != NULL || d->halted || d->queue == NULL)
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

static void found(uv_getaddrinfo_t *lookup, int status, struct addrinfo *list)
{
    struct kp_device *d = lookup->data;
    struct kp_trouble trouble = {.unresolved = true, .error = KP_E_TRUNCATED, .net_error = status};
    struct kp_attempt *waiting = d->unresolved;
    d->looking = false;
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

void kp_device_proved(struct kp_device *d, struct kp_attempt *attempt, const struct kp_conn *conn)
{
    struct kp_session *session = kp_conn_session(conn);
    forget_session(attempt);
    if (session != NULL) {
        kp_session_free(d->session);
        d->session = session;
    }
    if (d->proving == attempt)
        d->proving = NULL;
    go_on(d);
}

static void halt(struct kp_device *d, const struct kp_trouble *trouble)
{
    struct kp_attempt *waiting = d->queue;
    d->queue = NULL;
    d->halted = true;
    d->trouble = *trouble;
    fail_all(&waiting, trouble);
    if (d->on_halt != NULL)
        d->on_halt(d);
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
    const struct kp_trouble own = *given; /* failed() may free what it is part of */
    const struct kp_trouble *trouble = &own;
    if (try_next_address(d, attempt, trouble))
        return;
    if (!attempt->by_password) {
        bool refused = trouble->error == KP_E_TICKET_REFUSED || kp_trouble_is_proof(trouble);
        if (refused && d->session == attempt->session) {
            kp_session_free(d->session);
            d->session = NULL;
        }
        forget_session(attempt);
        if (refused)
            start(d, attempt);
        else
            attempt->failed(attempt, trouble);
        return;
    }
    if (d->proving == attempt)
        d->proving = NULL;
    if (kp_trouble_is_proof(trouble) || trouble->committed) {
        attempt->failed(attempt, trouble);
        halt(d, trouble);
        return;
    }
    attempt->failed(attempt, trouble);
    go_on(d);
}

void kp_device_retry(struct kp_device *d, const struct kp_login *login)
{
    d->login = login;
    d->halted = false;
    go_on(d);
}
