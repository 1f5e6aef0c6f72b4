/* A client of the password TLS: see guest.h. */
#include "guest.h"

#include <stdio.h>
#include <string.h>

#include "../notice.h"
#include "guest_log.h"
#include "hint.h"
#include "room.h"

/* ---- Handshakes in progress -------------------------------------------------------------- */

static void begin_handshake(struct kp_guest *g)
{
    g->shaking = true;
    atomic_fetch_add(&g->client.worker->shop->handshakes, 1);
}

/* Proved, failed or closed: whichever comes first. */
static void end_handshake(struct kp_guest *g)
{
    if (g->shaking)
        atomic_fetch_sub(&g->client.worker->shop->handshakes, 1);
    g->shaking = false;
}

/* Before its first byte: what the engine has to know.  Can't fail then. */
static void set_terms(struct kp_guest *g)
{
    if (kp_hint_prefers_tls12(g->client.worker))
        (void)!kp_conn_prefer_tls12(g->secure->conn);
    if (kp_worker_is_busy(g->client.worker))
        (void)!kp_conn_ask_cookie(g->secure->conn);
}

void kp_guest_begin(struct kp_guest *g, const struct kp_client_kind *kind, struct kp_worker *worker,
                    const union kp_inet *from, struct kp_secure *secure)
{
    kp_room_of_handshakes(worker);
    kp_client_enter(&g->client, kind, worker, from);
    secure->task.source = kp_sources_turn(&worker->shop->sources, from);
    g->secure = secure;
    g->context = worker->context;
    g->store = kp_store_ref(worker->store);
    set_terms(g);
    begin_handshake(g);
    kp_secure_deadline(secure, worker->rules.handshake_ms, false);
    kp_secure_pump(secure);
}

/* ---- Credentials ------------------------------------------------------------------------- */

/* The newest credentials; but verifiers of TLS 1.3 hold for one device id, so a connection whose
 * context is not the current one stays with those that it began with.  What has changed since shows
 * when it is proved. */
static void take_store(struct kp_guest *g)
{
    if (g->context != g->client.worker->context)
        return;
    kp_store_free(g->store);
    g->store = kp_store_ref(g->client.worker->store);
}

int kp_guest_credential(struct kp_guest *g)
{
    struct kp_credential found;
    size_t len = 0;
    const char *name = kp_conn_user(g->secure->conn, &len);
    int error;
    take_store(g);
    error = kp_store_lookup(g->store, name, len, &found);
    if (error == 0) {
        memcpy(g->binding, found.binding, sizeof g->binding);
        g->bound = true;
        error = kp_conn_credential(g->secure->conn, &found);
    }
    explicit_bzero(&found, sizeof found);
    return error;
}

/* ---- Guesses ----------------------------------------------------------------------------- */

bool kp_guest_guess(struct kp_guest *g)
{
    struct kp_workshop *shop = g->client.worker->shop;
    size_t len = 0;
    const char *name = kp_conn_user(g->secure->conn, &len);
    enum kp_verdict verdict = kp_guesses_take(shop->guesses, &g->client.from, name, len, &g->guess);
    g->waits = verdict == KP_GUESS_LEASE;
    if (g->waits)
        return false;
    g->refused = verdict == KP_GUESS_REFUSED;
    kp_counted(g->refused ? &shop->counters.guesses_refused : &shop->counters.guesses_granted);
    (void)!kp_conn_guess(g->secure->conn, !g->refused); /* latched */
    return true;
}

void kp_guest_leased(struct kp_client *client)
{
    struct kp_guest *g = (struct kp_guest *)(void *)client; /* its first member */
    if (!g->waits || g->secure->conn == NULL)
        return;
    kp_secure_pump_later(g->secure); /* many may have waited */
}

/* ---- Proved ------------------------------------------------------------------------------ */

/* Whether the worker's credentials still have what this guest was proved by. */
static bool still_good(const struct kp_guest *g)
{
    struct kp_credential now;
    struct kp_info info;
    bool good;
    kp_conn_info(g->secure->conn, &info);
    if (info.user == NULL ||
        kp_store_lookup(g->client.worker->store, info.user, info.user_len, &now) != 0)
        return false;
    /* Public by now: the peer knows that it was proved. */
    good = memcmp(now.binding, g->binding, sizeof g->binding) == 0;
    explicit_bzero(&now, sizeof now);
    return good;
}

bool kp_guest_is_proved(const struct kp_guest *g)
{
    return g->secure->conn != NULL && g->secure->stage == KP_AT_WORK;
}

static bool is_changed(struct kp_guest *g)
{
    if (!g->bound || still_good(g))
        return false;
    g->why = "the user's credential was changed or removed";
    return true;
}

bool kp_guest_is_stale(struct kp_guest *g)
{
    return g->end == KP_GUEST_STAYS && kp_guest_is_proved(g) && is_changed(g);
}

bool kp_guest_proved(struct kp_guest *g)
{
    struct kp_info info;
    bool stale = g->store != g->client.worker->store;
    end_handshake(g);
    kp_guest_count_proved(g);
    kp_guesses_proved(g->client.worker->shop->guesses, &g->guess);
    kp_conn_info(g->secure->conn, &info);
    kp_client_proved(&g->client, info.user, info.user_len);
    kp_store_free(g->store);
    g->store = NULL;
    if (stale && is_changed(g))
        return false;
    kp_guest_log_proved(g);
    return true;
}

/* ---- The end ----------------------------------------------------------------------------- */

void kp_guest_say_no_tls(struct kp_guest *g)
{
    char text[KP_NOTICE_MAX], body[512];
    snprintf(body, sizeof body,
             "This port speaks TLS keyed by the device's password, not plain HTTP.\n"
             "Open it with `keyplate open ADDRESS`%s.\n",
             g->client.worker->rules.versions & KP_USE_TLS12
                 ? ", or with curl: curl -k --tls-max 1.2 --tlsuser NAME --tlspassword PASSWORD "
                   "https://ADDRESS/"
                 : "");
    (void)kp_notice(text, "400 Bad Request", 0, body);
    kp_secure_say_plain(g->secure, text);
}

void kp_guest_over(struct kp_guest *g, enum kp_guest_end end)
{
    end_handshake(g);
    kp_client_failed(&g->client);
    if (end == KP_GUEST_SECURE && g->secure->net_error == UV_EBUSY) {
        g->why = "too many handshakes wait for their arithmetic already";
        g->client.gave_way = true;
        end = KP_GUEST_STOPPED;
    }
    g->end = (uint8_t)end;
    kp_guest_log_over(g);
}

void kp_guest_leave(struct kp_guest *g)
{
    end_handshake(g);
    kp_guest_count_bytes(g);
    kp_store_free(g->store);
    kp_client_leave(&g->client);
}
