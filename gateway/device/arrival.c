/* Where an accepted connection goes: see arrival.h. */
#include "arrival.h"

#include <stdlib.h>

#include "../net/newcomer.h"
#include "../net/passage.h"
#include "../net/sock.h"
#include "client.h"
#include "guest.h"

#define OTHER_SERVER_MS 5000 /* what the other server gets to take a connection */

/* ---- Passed on untouched ----------------------------------------------------------------- */

struct passed {
    struct kp_client client; /* first */
    struct kp_passage passage;
};

static struct passed *of_passage(struct kp_passage *passage)
{
    return (struct passed *)(void *)((char *)passage - offsetof(struct passed, passage));
}

static void log_passed(const struct passed *c, enum kp_log_level level, const char *message)
{
    const struct kp_passage *p = &c->passage;
    struct kp_log_line line;
    char address[KP_ADDRESS_TEXT_LEN];
    kp_log_begin(&line, &c->client.worker->rules.log, level,
                 p->end == KP_PASSED_UNREACHED ? "other-tls-down" : "passed", message);
    kp_log_word(&line, "client", kp_inet_text(&c->client.from, address));
    kp_log_stranger(&line);
    kp_log_word(&line, "to", kp_address_text(&c->client.worker->rules.other_tls, address));
    if (p->error != 0)
        kp_log_word(&line, "error", uv_err_name(p->error));
    kp_log_number(&line, "bytes_in", p->client.bytes);
    kp_log_number(&line, "bytes_out", p->server.bytes);
    kp_log_seconds(&line, "seconds", uv_now(&c->client.worker->loop.uv) - c->client.born);
    kp_log_end(&line);
}

static void passed_over(struct kp_passage *passage)
{
    struct passed *c = of_passage(passage);
    if (passage->end == KP_PASSED_UNREACHED)
        log_passed(c, KP_LOG_ERROR,
                   "the server for other TLS can't be reached: check that it runs at this address");
    else
        log_passed(c, c->client.gave_way ? KP_LOG_DEBUG : KP_LOG_INFO,
                   "other TLS was passed on untouched");
}

static void passed_closed(struct kp_passage *passage)
{
    struct passed *c = of_passage(passage);
    kp_counted_more(&c->client.worker->shop->counters.bytes_in, passage->client.bytes);
    kp_counted_more(&c->client.worker->shop->counters.bytes_out, passage->server.bytes);
    kp_client_leave(&c->client);
    free(c);
}

static const struct kp_passage_hooks passage_hooks = {
    .over = passed_over,
    .closed = passed_closed,
};

static void stop_passed(struct kp_client *client, const char *why)
{
    (void)why;
    kp_passage_stop(&((struct passed *)(void *)client)->passage);
}

/* What passes is not known here: it ends in its own time. */
static void leave_alone(struct kp_client *client)
{
    (void)client;
}

static const struct kp_client_kind passed_kind = {
    .stop = stop_passed,
    .drain = leave_alone,
    .recheck = leave_alone,
};

static void pass(struct kp_worker *w, int fd, const union kp_inet *from, const uint8_t *first,
                 size_t first_len)
{
    struct kp_passage_way way = {
        .to = &w->rules.other_tls,
        .connect_ms = OTHER_SERVER_MS,
        .idle_ms = w->rules.terms.idle_ms,
    };
    struct passed *c = calloc(1, sizeof *c);
    int error = UV_ENOMEM;
    if (c == NULL)
        kp_sock_close(fd);
    else
        error = kp_passage_begin(&c->passage, &w->loop, fd, first, first_len, &way, &passage_hooks);
    if (error != 0) {
        kp_worker_has_no_room(w, error);
        free(c);
        return;
    }
    kp_client_enter(&c->client, &passed_kind, w, from);
}

/* ---- By the first bytes ------------------------------------------------------------------ */

struct sorted {
    struct kp_client client; /* first */
    struct kp_newcomer newcomer;
    struct kp_door_rules rules;
};

static struct sorted *of_newcomer(struct kp_newcomer *newcomer)
{
    return (struct sorted *)(void *)((char *)newcomer - offsetof(struct sorted, newcomer));
}

static void to_handshake(struct kp_worker *w, int fd, const union kp_inet *from,
                         const uint8_t *first, size_t first_len)
{
    if (w->rules.http)
        kp_guest_http_begin(w, fd, from, first, first_len);
    else
        kp_guest_bytes_begin(w, fd, from, first, first_len);
}

/* What is neither is the engine's, which says what is wrong. */
static void sorted(struct kp_newcomer *newcomer, int fd, enum kp_first first, const uint8_t *bytes,
                   size_t len)
{
    struct sorted *c = of_newcomer(newcomer);
    struct kp_worker *w = c->client.worker;
    kp_client_discount(&c->client); /* what it becomes counts in its place */
    if (first == KP_FIRST_OTHER_TLS && c->rules.passes)
        pass(w, fd, &c->client.from, bytes, len);
    else if (first == KP_FIRST_HTTP && c->rules.plain != KP_WAY_TELL)
        kp_plain_client_begin(w, c->rules.plain, fd, &c->client.from, bytes, len);
    else
        to_handshake(w, fd, &c->client.from, bytes, len);
}

static void gone(struct kp_newcomer *newcomer, int error)
{
    const struct sorted *c = of_newcomer(newcomer);
    struct kp_counters *counters = &c->client.worker->shop->counters;
    struct kp_log_line line;
    char address[KP_ADDRESS_TEXT_LEN];
    kp_counted(&counters->handshakes[KP_SHAKE_NONE][KP_SHAKE_BROKEN]);
    kp_log_begin(&line, &c->client.worker->rules.log, KP_LOG_INFO, "handshake-failed",
                 error == UV_ETIMEDOUT
                     ? "the client said too little for longer than --handshake-timeout"
                     : "the client went away before it could be told what it speaks");
    kp_log_word(&line, "client", kp_inet_text(&c->client.from, address));
    kp_log_flag(&line, "proved", false);
    kp_log_stranger(&line);
    kp_log_number(&line, "bytes_in", newcomer->len);
    kp_log_end(&line);
}

static void newcomer_closed(struct kp_newcomer *newcomer)
{
    struct sorted *c = of_newcomer(newcomer);
    kp_client_leave(&c->client);
    free(c);
}

static const struct kp_newcomer_hooks newcomer_hooks = {
    .sorted = sorted,
    .gone = gone,
    .closed = newcomer_closed,
};

static void stop_sorting(struct kp_client *client, const char *why)
{
    (void)why;
    kp_newcomer_stop(&((struct sorted *)(void *)client)->newcomer);
}

static void drain_sorting(struct kp_client *client)
{
    stop_sorting(client, NULL);
}

static const struct kp_client_kind sorted_kind = {
    .stop = stop_sorting,
    .drain = drain_sorting,
    .recheck = leave_alone,
};

static void sort(struct kp_worker *w, const struct kp_door_rules *rules, int fd,
                 const union kp_inet *from)
{
    struct sorted *c = calloc(1, sizeof *c);
    int error = UV_ENOMEM;
    if (c == NULL)
        kp_sock_close(fd);
    else
        error =
            kp_newcomer_begin(&c->newcomer, &w->loop, fd, w->rules.handshake_ms, &newcomer_hooks);
    if (error != 0) {
        kp_worker_has_no_room(w, error);
        free(c);
        return;
    }
    c->rules = *rules;
    kp_client_enter(&c->client, &sorted_kind, w, from);
}

void kp_arrival(struct kp_worker *w, const struct kp_door_rules *rules, int fd,
                const union kp_inet *from)
{
    kp_counted(&w->shop->counters.connections_total);
    if (kp_transition_sorts(rules))
        sort(w, rules, fd, from);
    else if (rules->tls)
        to_handshake(w, fd, from, NULL, 0);
    else
        kp_plain_client_begin(w, rules->plain, fd, from, NULL, 0);
}
