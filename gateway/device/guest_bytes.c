/* A guest whose bytes go to the upstream as they are (--http off): see guest.h. */
#include <stdlib.h>
#include <string.h>

#include "../net/relay.h"
#include "../net/sock.h"
#include "../notice.h"
#include "guest.h"
#include "hint.h"
#include "identity.h"
#include "refusal.h"
#include "well_known.h"

#define UPSTREAM_MS 5000 /* what the upstream gets to take a connection */

struct bytes {
    struct kp_guest guest; /* first */
    struct kp_relay relay;
    struct kp_well_known page;
    bool counted; /* as one of the upstream's connections */
};

static struct bytes *of(struct kp_relay *relay)
{
    return (struct bytes *)(void *)((char *)relay - offsetof(struct bytes, relay));
}

static struct bytes *of_client(struct kp_client *client)
{
    return (struct bytes *)(void *)client; /* the guest's first member */
}

static const struct kp_front_rules *rules(const struct bytes *b)
{
    return &b->guest.client.worker->rules;
}

static void stop(struct kp_client *client, const char *why)
{
    struct bytes *b = of_client(client);
    b->guest.why = why;
    if (b->relay.end == KP_ENDED_NOT)
        kp_relay_stop(&b->relay);
    else
        kp_relay_close(&b->relay, true);
}

/* ---- The upstream ------------------------------------------------------------------------ */

static int credential(struct kp_relay *relay)
{
    return kp_guest_credential(&of(relay)->guest);
}

static bool guess(struct kp_relay *relay)
{
    return kp_guest_guess(&of(relay)->guest);
}

static void proved(struct kp_relay *relay)
{
    struct bytes *b = of(relay);
    if (kp_guest_proved(&b->guest))
        kp_relay_plain_connect(relay, &rules(b)->terms.upstream, UPSTREAM_MS);
    else
        stop(&b->guest.client, b->guest.why);
}

static void reached(struct kp_relay *relay)
{
    struct bytes *b = of(relay);
    b->counted = true;
    kp_counted(&b->guest.client.worker->shop->counters.upstream_connections);
    if (rules(b)->identity == KP_IDENTITY_PROXY2) {
        uint8_t header[KP_PROXY2_MAX];
        struct kp_info info;
        size_t len;
        kp_conn_info(relay->secure.conn, &info);
        len = kp_identity_proxy2(header, &b->guest.client.from, relay->secure.stream.fd, &info);
        if (len == 0) {
            stop(&b->guest.client, "the user's name doesn't fit the PROXY header");
            return;
        }
        kp_relay_plain_preface(relay, header, len);
    }
    relay->looking = true;
    kp_relay_start(relay, rules(b)->terms.idle_ms);
}

/* ---- A page of our own ------------------------------------------------------------------- */

static size_t page(const struct bytes *b, enum kp_well_known_verdict verdict,
                   char out[KP_NOTICE_MAX])
{
    struct kp_hint hint =
        kp_hint_now(b->guest.client.worker, kp_hint_port_of(b->relay.secure.stream.fd));
    switch (verdict) {
    case KP_WELL_KNOWN_WHOLE:
        return kp_hint_answer(out, &hint);
    case KP_WELL_KNOWN_LONG:
        return kp_refusal(out, 431);
    case KP_WELL_KNOWN_MORE:
    case KP_WELL_KNOWN_OTHER:
        break;
    }
    return kp_notice(out, "400 Bad Request", 0, "This request ended before its head did.\n");
}

static void answer(struct bytes *b, enum kp_well_known_verdict verdict)
{
    char text[KP_NOTICE_MAX];
    size_t len = page(b, verdict, text);
    b->relay.looking = false;
    b->guest.answered = true;
    (void)kp_secure_send(&b->relay.secure, (const uint8_t *)text, len);
    kp_secure_end(&b->relay.secure);
    kp_relay_answered(&b->relay);
}

static void hand_over(struct bytes *b)
{
    b->relay.looking = false;
    kp_relay_plain_kept(&b->relay, (const uint8_t *)b->page.line, b->page.line_len);
}

/* The client has ended, or the upstream doesn't wait to be asked. */
static void look_no_more(struct bytes *b)
{
    if (kp_well_known_is_ours(&b->page))
        answer(b, KP_WELL_KNOWN_MORE);
    else
        hand_over(b);
}

static size_t look(struct kp_relay *relay, const uint8_t *bytes, size_t len)
{
    struct bytes *b = of(relay);
    enum kp_well_known_verdict verdict;
    if (len == 0) {
        look_no_more(b);
        return 0;
    }
    verdict = kp_well_known_take(&b->page, bytes, len);
    if (verdict == KP_WELL_KNOWN_OTHER) {
        hand_over(b);
        return 0;
    }
    if (kp_well_known_is_ours(&b->page))
        kp_relay_plain_drop(relay);
    if (verdict != KP_WELL_KNOWN_MORE)
        answer(b, verdict);
    return len;
}

/* ---- The end ----------------------------------------------------------------------------- */

static void say_unreached(struct bytes *b)
{
    char text[KP_NOTICE_MAX];
    size_t len = kp_refusal(text, 502);
    (void)kp_secure_send(&b->relay.secure, (const uint8_t *)text, len);
    kp_secure_end(&b->relay.secure);
}

static enum kp_guest_end end_of(const struct kp_relay *relay)
{
    static const uint8_t ends[] = {
        [KP_ENDED_NOT] = KP_GUEST_STAYS,           [KP_ENDED_BOTH] = KP_GUEST_DONE,
        [KP_ENDED_SECURE] = KP_GUEST_SECURE,       [KP_ENDED_PLAIN] = KP_GUEST_UPSTREAM,
        [KP_ENDED_UNREACHED] = KP_GUEST_UNREACHED, [KP_ENDED_TIMEOUT] = KP_GUEST_TIMEOUT,
        [KP_ENDED_OWNER] = KP_GUEST_STOPPED,
    };
    return (enum kp_guest_end)ends[relay->end];
}

static void over(struct kp_relay *relay)
{
    struct bytes *b = of(relay);
    b->guest.upstream_error = relay->plain_error;
    kp_guest_over(&b->guest, end_of(relay));
    switch ((enum kp_relay_end)relay->end) {
    case KP_ENDED_UNREACHED:
        say_unreached(b);
        kp_relay_finish(relay);
        break;
    case KP_ENDED_BOTH:
        kp_relay_finish(relay);
        break;
    case KP_ENDED_PLAIN:
        /* As a server does that refuses an upload.  What it said still arrives; that it was cut
         * shows in the close_notify that doesn't come. */
        kp_relay_finish(relay);
        break;
    case KP_ENDED_SECURE:
        if (relay->secure.error == KP_E_HTTP)
            kp_guest_say_no_tls(&b->guest);
        /* A request that was cut must not look whole to the upstream. */
        if (kp_stream_is_open(&relay->plain))
            kp_relay_close(relay, true);
        else
            kp_relay_finish(relay);
        break;
    case KP_ENDED_TIMEOUT:
        kp_relay_close(relay, relay->plain_live);
        break;
    case KP_ENDED_NOT:
    case KP_ENDED_OWNER:
        kp_relay_close(relay, true);
        break;
    }
}

static void closed(struct kp_relay *relay)
{
    struct bytes *b = of(relay);
    if (b->counted)
        kp_counted_less(&b->guest.client.worker->shop->counters.upstream_connections);
    kp_guest_leave(&b->guest);
    free(b);
}

static const struct kp_relay_hooks hooks = {
    .credential = credential,
    .guess = guess,
    .proved = proved,
    .reached = reached,
    .look = look,
    .over = over,
    .closed = closed,
};

/* ---- From outside ------------------------------------------------------------------------ */

/* What bytes mean is not known here: whoever is proved ends in its own time. */
static void drain(struct kp_client *client)
{
    struct bytes *b = of_client(client);
    if (!kp_guest_is_proved(&b->guest) && b->relay.end == KP_ENDED_NOT)
        stop(client, "the server is stopping");
}

static void recheck(struct kp_client *client)
{
    struct bytes *b = of_client(client);
    if (kp_guest_is_stale(&b->guest))
        stop(client, b->guest.why);
}

static enum kp_doing doing(struct kp_client *client, uint64_t *since)
{
    const struct bytes *b = of_client(client);
    *since = b->relay.secure.active;
    return b->relay.end == KP_ENDED_NOT && kp_guest_is_proved(&b->guest) ? KP_DOES_CARRY
                                                                         : KP_DOES_WORK;
}

static const struct kp_client_kind kind = {
    .stop = stop,
    .drain = drain,
    .recheck = recheck,
    .leased = kp_guest_leased,
    .doing = doing,
    .crowd = KP_CROWD_SHAKING,
};

void kp_guest_bytes_begin(struct kp_worker *worker, int fd, const union kp_inet *from,
                          const uint8_t *first, size_t first_len)
{
    struct bytes *b = calloc(1, sizeof *b);
    int error = UV_ENOMEM;
    if (b == NULL)
        kp_sock_close(fd);
    else
        error = kp_relay_accept(&b->relay, &worker->loop, fd, worker->context, first, first_len,
                                &hooks);
    if (error != 0) {
        kp_worker_has_no_room(worker, error);
        free(b);
        return;
    }
    kp_guest_begin(&b->guest, &kind, worker, from, &b->relay.secure);
}
