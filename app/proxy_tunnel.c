/*
 * One connection through the proxy: see proxy_tunnel.h.
 *
 * pump() moves what can be moved until nothing can; then each socket is waited for in what it alone
 * can help with.  Each way has one buffer, and is read again when that is empty.
 */
#include "proxy_tunnel.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/secret.h"
#include "proxy_tls.h"

#define ROOM 16384           /* a record of TLS */
#define STEPS 32             /* in one turn */
#define HANDSHAKE_SECONDS 30 /* in this machine: slow phones */
#define LINGER_SECONDS 10    /* for the web view, when the device has ended in order */
#define ANSWER_SECONDS 60    /* for the device, when the web view has */

enum moved { STUCK, MOVED, FAILED };

struct side {
    GSocket *socket; /* NULL: not dialled yet */
    GSource *source; /* NULL: it is not waited for */
    GIOCondition wants;
};

/* Plain bytes on their way. */
struct flow {
    gsize start, end;
    gboolean ended; /* nothing more comes */
    gboolean over;  /* and that was passed on */
    guint8 data[ROOM];
};

struct kp_proxy_tunnel {
    struct kp_proxy_tunnel_plan plan;
    struct kp_proxy_tls *tls;
    struct side browser, device;
    gint *cut;             /* see kp_talk_tunnel; NULL until it was dialled */
    guint deadline, again; /* sources */
    struct flow up, down;
};

/* ---- Its end ----------------------------------------------------------------------------- */

static void wait_no_more(struct side *side)
{
    if (side->source == NULL)
        return;
    g_source_destroy(side->source);
    g_source_unref(side->source);
    side->source = NULL;
    side->wants = 0;
}

static void set_deadline(struct kp_proxy_tunnel *t, guint seconds);

static void free_tunnel(struct kp_proxy_tunnel *t)
{
    set_deadline(t, 0);
    if (t->again != 0)
        (void)g_source_remove(t->again);
    wait_no_more(&t->browser);
    wait_no_more(&t->device);
    (void)g_socket_close(t->browser.socket, NULL);
    g_object_unref(t->browser.socket);
    g_clear_object(&t->device.socket);
    if (t->cut != NULL)
        g_atomic_rc_box_release(t->cut);
    kp_proxy_tls_free(t->tls);
    kp_wipe(t->up.data, sizeof t->up.data);
    kp_wipe(t->down.data, sizeof t->down.data);
    g_free(t);
}

void kp_proxy_tunnel_cut(struct kp_proxy_tunnel *t)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(g_socket_get_fd(t->browser.socket), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    free_tunnel(t);
}

static void end(struct kp_proxy_tunnel *t, gboolean in_order)
{
    t->plan.over(t, t->plan.owner);
    if (in_order)
        free_tunnel(t);
    else
        kp_proxy_tunnel_cut(t);
}

static gboolean too_late(gpointer data)
{
    struct kp_proxy_tunnel *t = data;
    t->deadline = 0;
    /* With its goodbye said, the web view can tell by itself whether it has the whole. */
    end(t, t->down.over);
    return G_SOURCE_REMOVE;
}

/* 0: none. */
static void set_deadline(struct kp_proxy_tunnel *t, guint seconds)
{
    if (t->deadline != 0)
        (void)g_source_remove(t->deadline);
    t->deadline = seconds != 0 ? g_timeout_add_seconds(seconds, too_late, t) : 0;
}

/* ---- Sockets ----------------------------------------------------------------------------- */

/* len: 0 at the end, -1 nothing now. */
static enum moved receive(GSocket *socket, guint8 *data, gsize room, gssize *len)
{
    GError *error = NULL;
    enum moved moved;
    *len = g_socket_receive(socket, (char *)data, room, NULL, &error);
    if (*len >= 0)
        return MOVED;
    moved = g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK) ? STUCK : FAILED;
    g_error_free(error);
    return moved;
}

static enum moved send_some(GSocket *socket, const guint8 *data, gsize len, gsize *sent)
{
    GError *error = NULL;
    gssize done = g_socket_send(socket, (const char *)data, len, NULL, &error);
    enum moved moved;
    *sent = done > 0 ? (gsize)done : 0;
    if (done >= 0)
        return MOVED;
    moved = g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK) ? STUCK : FAILED;
    g_error_free(error);
    return moved;
}

static gboolean dial(struct kp_proxy_tunnel *t)
{
    gint *cut = NULL;
    int fd = t->plan.dial(t->plan.dial_owner, &cut);
    if (fd < 0)
        return FALSE;
    t->cut = cut;
    t->device.socket = g_socket_new_from_fd(fd, NULL);
    if (t->device.socket == NULL) {
        (void)close(fd);
        return FALSE;
    }
    g_socket_set_blocking(t->device.socket, FALSE);
    set_deadline(t, 0);
    return TRUE;
}

/* ---- From the web view to the device ----------------------------------------------------- */

static enum moved feed(struct kp_proxy_tunnel *t)
{
    guint8 data[ROOM];
    gssize len;
    enum moved moved = receive(t->browser.socket, data, sizeof data, &len);
    if (moved != MOVED)
        return moved;
    if (len == 0) /* without a goodbye */
        return FAILED;
    kp_proxy_tls_feed(t->tls, data, (gsize)len);
    return MOVED;
}

static enum moved pass_up_end(struct kp_proxy_tunnel *t)
{
    if (t->up.over)
        return STUCK;
    t->up.over = TRUE;
    set_deadline(t, ANSWER_SECONDS);
    return g_socket_shutdown(t->device.socket, FALSE, TRUE, NULL) ? MOVED : FAILED;
}

/* What is decrypted goes on before more is read. */
static enum moved move_up(struct kp_proxy_tunnel *t)
{
    struct flow *up = &t->up;
    gsize sent;
    enum moved moved;
    if (t->device.socket != NULL && up->start == up->end) {
        up->start = 0;
        up->end = kp_proxy_tls_read(t->tls, up->data, sizeof up->data);
    }
    if (up->start < up->end) {
        moved = send_some(t->device.socket, up->data + up->start, up->end - up->start, &sent);
        up->start += sent;
        return moved;
    }
    if (kp_proxy_tls_state(t->tls) == KP_PROXY_TLS_BROKEN)
        return FAILED;
    if (kp_proxy_tls_state(t->tls) == KP_PROXY_TLS_ENDED)
        return t->device.socket != NULL ? pass_up_end(t) : FAILED;
    if (kp_proxy_tls_state(t->tls) == KP_PROXY_TLS_OPEN && t->device.socket == NULL)
        return dial(t) ? MOVED : FAILED;
    return feed(t);
}

/* ---- From the device to the web view ----------------------------------------------------- */

static enum moved flush(struct kp_proxy_tunnel *t)
{
    const guint8 *data;
    gsize len = kp_proxy_tls_waiting(t->tls, &data), sent;
    enum moved moved;
    if (len == 0)
        return STUCK;
    moved = send_some(t->browser.socket, data, len, &sent);
    kp_proxy_tls_sent(t->tls, sent);
    return moved;
}

static gboolean has_waiting(struct kp_proxy_tunnel *t)
{
    const guint8 *data;
    return kp_proxy_tls_waiting(t->tls, &data) > 0;
}

/* Only an end that wasn't cut is passed on as one. */
static enum moved receive_down(struct kp_proxy_tunnel *t)
{
    struct flow *down = &t->down;
    gssize len;
    enum moved moved = receive(t->device.socket, down->data, sizeof down->data, &len);
    if (moved != MOVED)
        return moved;
    down->start = 0;
    down->end = (gsize)len;
    if (len > 0)
        return MOVED;
    if (g_atomic_int_get(t->cut) != 0)
        return FAILED;
    down->ended = TRUE;
    kp_proxy_tls_end(t->tls);
    return MOVED;
}

static enum moved move_down(struct kp_proxy_tunnel *t)
{
    struct flow *down = &t->down;
    gsize taken;
    if (has_waiting(t))
        return flush(t);
    if (t->device.socket == NULL || down->over)
        return STUCK;
    if (down->ended) { /* and its goodbye is sent */
        down->over = TRUE;
        set_deadline(t, LINGER_SECONDS);
        return g_socket_shutdown(t->browser.socket, FALSE, TRUE, NULL) ? MOVED : FAILED;
    }
    if (down->start == down->end)
        return receive_down(t);
    taken = kp_proxy_tls_write(t->tls, down->data + down->start, down->end - down->start);
    down->start += taken;
    return taken > 0 ? MOVED : FAILED;
}

/* ---- Turns ------------------------------------------------------------------------------- */

static void pump(struct kp_proxy_tunnel *t);

static gboolean ready(GSocket *socket, GIOCondition condition, gpointer data)
{
    (void)socket, (void)condition;
    pump(data);
    return G_SOURCE_CONTINUE;
}

static void wait_for(struct kp_proxy_tunnel *t, struct side *side, GIOCondition wants)
{
    if (side->source != NULL && side->wants == wants)
        return;
    wait_no_more(side);
    if (wants == 0 || side->socket == NULL)
        return;
    side->wants = wants;
    side->source = g_socket_create_source(side->socket, wants, NULL);
    g_source_set_callback(side->source, G_SOURCE_FUNC(ready), t, NULL);
    (void)g_source_attach(side->source, NULL);
}

static void wait_for_both(struct kp_proxy_tunnel *t)
{
    gboolean up_full = t->up.start < t->up.end, waiting = has_waiting(t);
    GIOCondition browser = waiting ? G_IO_OUT : 0, device = up_full ? G_IO_OUT : 0;
    if (!up_full && !t->up.over)
        browser |= G_IO_IN;
    if (!waiting && !t->down.ended)
        device |= G_IO_IN;
    wait_for(t, &t->browser, browser);
    wait_for(t, &t->device, device);
}

static gboolean pump_again(gpointer data)
{
    struct kp_proxy_tunnel *t = data;
    t->again = 0;
    pump(t);
    return G_SOURCE_REMOVE;
}

/* A turn is bounded, so that one big file leaves the window its time. */
static void pump(struct kp_proxy_tunnel *t)
{
    enum moved up = MOVED, down = MOVED;
    for (int i = 0; i < STEPS && (up == MOVED || down == MOVED); i++) {
        up = t->up.over ? STUCK : move_up(t);
        down = up == FAILED ? FAILED : move_down(t);
        if (down == FAILED) {
            end(t, FALSE);
            return;
        }
    }
    if (t->up.over && t->down.over) {
        end(t, TRUE);
        return;
    }
    if ((up == MOVED || down == MOVED) && t->again == 0)
        t->again = g_idle_add_full(G_PRIORITY_DEFAULT, pump_again, t, NULL);
    wait_for_both(t);
}

struct kp_proxy_tunnel *kp_proxy_tunnel_new(const struct kp_proxy_tunnel_plan *plan)
{
    struct kp_proxy_tunnel *t = g_new0(struct kp_proxy_tunnel, 1);
    t->plan = *plan;
    t->browser.socket = g_object_ref(plan->browser);
    t->tls = kp_proxy_tls_new(plan->server);
    if (t->tls == NULL) {
        free_tunnel(t);
        return NULL;
    }
    set_deadline(t, HANDSHAKE_SECONDS);
    wait_for_both(t);
    return t;
}
