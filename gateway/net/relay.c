/* Bytes both ways between a secure stream and a plain one: see relay.h. */
#include "relay.h"

#include <stdlib.h>
#include <string.h>

#define READS_A_TURN 16
#define LAST_WORDS_MS 10000 /* for a client that has nothing to wait for any more */
#define ASK_MS 1000         /* for one that may ask for what the owner itself answers */

static struct kp_relay *of_secure(struct kp_secure *secure)
{
    return (struct kp_relay *)(void *)secure; /* its first member */
}

static struct kp_relay *of_plain(struct kp_stream *plain)
{
    return (struct kp_relay *)(void *)((char *)plain - offsetof(struct kp_relay, plain));
}

static void end(struct kp_relay *r, enum kp_relay_end why)
{
    if (r->end != KP_ENDED_NOT)
        return;
    r->end = (uint8_t)why;
    r->hooks->over(r);
}

/* ---- Plain to secure --------------------------------------------------------------------- */

static void forget_saved(struct kp_relay *r)
{
    if (r->saved != NULL)
        explicit_bzero(r->saved, r->saved_len);
    free(r->saved);
    r->saved = NULL;
    r->saved_at = r->saved_len = 0;
}

static void save(struct kp_relay *r, const uint8_t *data, size_t len)
{
    r->saved = malloc(len);
    if (r->saved == NULL) {
        r->plain_error = UV_ENOMEM;
        end(r, KP_ENDED_PLAIN);
        return;
    }
    memcpy(r->saved, data, len);
    r->saved_at = 0;
    r->saved_len = (uint32_t)len;
}

/* Whether none is left. */
static bool send_saved(struct kp_relay *r)
{
    if (r->saved == NULL)
        return true;
    r->saved_at +=
        (uint32_t)kp_secure_send(&r->secure, r->saved + r->saved_at, r->saved_len - r->saved_at);
    if (r->saved_at < r->saved_len)
        return false;
    forget_saved(r);
    return true;
}

/* When the server's side has ended the client has only to take the rest. */
static void last_words(struct kp_relay *r)
{
    kp_secure_deadline(&r->secure, LAST_WORDS_MS, true);
}

static size_t look(struct kp_relay *r, const uint8_t *bytes, size_t len)
{
    size_t used = r->hooks->look(r, bytes, len);
    if (r->unreached && !r->looking)
        end(r, KP_ENDED_UNREACHED); /* unless it was answered */
    return used;
}

/* Looking is for a client that speaks first, and only while it can still be answered. */
static void stop_looking(struct kp_relay *r)
{
    if (r->looking)
        (void)look(r, NULL, 0);
}

static void plain_over(struct kp_relay *r, int error)
{
    r->plain_readable = false;
    if (error < 0) {
        r->plain_error = error;
        end(r, KP_ENDED_PLAIN);
        return;
    }
    r->plain_ended = true;
    stop_looking(r);
    if (r->end != KP_ENDED_NOT)
        return;
    if (!r->dialled)
        last_words(r);
    kp_secure_end(&r->secure);
}

/* One read.  Whether another is worth it. */
static bool carry(struct kp_relay *r)
{
    uint8_t *scratch = r->secure.loop->scratch;
    ssize_t got = kp_stream_read(&r->plain, scratch, KP_SCRATCH_LEN);
    size_t used;
    if (got == UV_EAGAIN) {
        r->plain_readable = false;
        return false;
    }
    if (got <= 0) {
        plain_over(r, (int)got);
        return false;
    }
    r->plain_readable = got == KP_SCRATCH_LEN;
    stop_looking(r);
    if (r->end != KP_ENDED_NOT)
        return false;
    used = kp_secure_send(&r->secure, scratch, (size_t)got);
    if (r->end == KP_ENDED_NOT && used < (size_t)got)
        save(r, scratch + used, (size_t)got - used);
    return r->plain_readable;
}

static void set_wants(struct kp_relay *r)
{
    unsigned wants = 0;
    if (!kp_stream_is_open(&r->plain) || r->connecting)
        return;
    if (r->end == KP_ENDED_NOT && r->plain_live && !r->plain_ended && !r->secure.room_wanted)
        wants |= KP_STREAM_READ;
    if (r->end == KP_ENDED_NOT && r->plain_full)
        wants |= KP_STREAM_WRITE;
    kp_stream_want(&r->plain, wants);
}

static void move(struct kp_relay *r)
{
    if (r->moving)
        return;
    r->moving = true;
    for (unsigned reads = 0; r->end == KP_ENDED_NOT && r->plain_live; reads++) {
        if (!send_saved(r) || kp_secure_blocked(&r->secure))
            break;
        if (!r->plain_readable || r->plain_ended || reads >= READS_A_TURN || !carry(r))
            break;
    }
    if (r->end == KP_ENDED_NOT && r->plain_live)
        (void)kp_secure_blocked(&r->secure);
    r->moving = false;
    set_wants(r);
}

/* ---- Secure to plain --------------------------------------------------------------------- */

static size_t give(struct kp_relay *r, const uint8_t *bytes, size_t len)
{
    ssize_t sent;
    if (r->plain_deaf)
        return len;
    sent = kp_stream_write(&r->plain, bytes, len);
    if (sent < 0 && sent != UV_EAGAIN) {
        /* It may still have something to say, as a server that refuses an upload. */
        r->plain_deaf = true;
        return len;
    }
    if (sent == UV_EAGAIN)
        sent = 0;
    if ((size_t)sent < len) {
        r->plain_full = true;
        set_wants(r);
    }
    return (size_t)sent;
}

static size_t data(struct kp_secure *s, const uint8_t *bytes, size_t len)
{
    struct kp_relay *r = of_secure(s);
    size_t used = 0;
    if (r->end != KP_ENDED_NOT)
        return 0;
    if (r->looking)
        used = look(r, bytes, len);
    if (used == len || !r->plain_live || r->plain_full || r->end != KP_ENDED_NOT)
        return used;
    return used + give(r, bytes + used, len - used);
}

void kp_relay_plain_kept(struct kp_relay *r, const uint8_t *bytes, size_t len)
{
    /* The first bytes for a socket that is empty but for a preface: they fit. */
    if (len == 0 || r->unreached || give(r, bytes, len) == len)
        return;
    r->plain_error = UV_EIO;
    end(r, KP_ENDED_PLAIN);
}

static void peer_ended(struct kp_secure *s)
{
    struct kp_relay *r = of_secure(s);
    stop_looking(r);
    r->plain_fin = true;
    /* While the plain side is still being reached, kp_relay_start says it. */
    if (r->plain_live && !r->plain_deaf)
        kp_stream_end(&r->plain);
    if (r->dialled)
        last_words(r);
}

static void room(struct kp_secure *s)
{
    move(of_secure(s));
}

/* ---- Without a plain side ---------------------------------------------------------------- */

static void close_plain(struct kp_relay *r, bool abort)
{
    r->plain_live = false;
    if (kp_stream_is_open(&r->plain))
        kp_stream_close(&r->plain, abort);
}

/* The client may be about to ask for what needs no plain side. */
static void unreached(struct kp_relay *r, int error)
{
    r->plain_error = error;
    r->connecting = false;
    if (r->hooks->look == NULL || r->plain_fin) {
        end(r, KP_ENDED_UNREACHED);
        return;
    }
    close_plain(r, false);
    r->unreached = true;
    r->looking = true;
    kp_secure_deadline(&r->secure, ASK_MS, true);
    kp_secure_release(&r->secure);
}

/* ---- What happens ------------------------------------------------------------------------ */

static int credential(struct kp_secure *s)
{
    struct kp_relay *r = of_secure(s);
    return r->hooks->credential(r);
}

static bool guess(struct kp_secure *s)
{
    struct kp_relay *r = of_secure(s);
    return r->hooks->guess(r);
}

static void proved(struct kp_secure *s)
{
    struct kp_relay *r = of_secure(s);
    kp_secure_deadline(s, 0, false);
    r->hooks->proved(r);
}

static void ticket(struct kp_secure *s)
{
    struct kp_relay *r = of_secure(s);
    if (r->hooks->ticket != NULL)
        r->hooks->ticket(r);
}

static void secure_over(struct kp_secure *s)
{
    end(of_secure(s), s->error == 0 ? KP_ENDED_BOTH : KP_ENDED_SECURE);
}

static void timeout(struct kp_secure *s)
{
    struct kp_relay *r = of_secure(s);
    bool served = r->dialled ? s->peer_ended : r->plain_ended;
    if (r->connecting) {
        unreached(r, UV_ETIMEDOUT);
    } else if (r->unreached) {
        end(r, KP_ENDED_UNREACHED);
    } else {
        end(r, served ? KP_ENDED_BOTH : KP_ENDED_TIMEOUT);
    }
}

static void one_closed(struct kp_relay *r)
{
    if (--r->open_sides > 0)
        return;
    forget_saved(r);
    r->hooks->closed(r);
}

static void secure_closed(struct kp_secure *s)
{
    one_closed(of_secure(s));
}

static void plain_closed(struct kp_stream *plain)
{
    one_closed(of_plain(plain));
}

static const struct kp_secure_hooks secure_hooks = {
    .credential = credential,
    .guess = guess,
    .proved = proved,
    .ticket = ticket,
    .data = data,
    .room = room,
    .peer_ended = peer_ended,
    .over = secure_over,
    .timeout = timeout,
    .closed = secure_closed,
};

/* ---- The plain side ---------------------------------------------------------------------- */

static void reached(struct kp_relay *r)
{
    int error = kp_stream_error(&r->plain);
    r->connecting = false;
    kp_stream_want(&r->plain, 0);
    kp_secure_deadline(&r->secure, 0, false);
    if (error != 0) {
        unreached(r, error);
        return;
    }
    if (r->hooks->reached != NULL)
        r->hooks->reached(r);
}

static void plain_ready(struct kp_stream *plain, unsigned events)
{
    struct kp_relay *r = of_plain(plain);
    if (r->connecting) {
        reached(r);
        return;
    }
    if (events & KP_STREAM_READ)
        r->plain_readable = true;
    if ((events & KP_STREAM_WRITE) && r->plain_full) {
        r->plain_full = false;
        kp_secure_release(&r->secure);
    }
    move(r);
}

void kp_relay_plain_connect(struct kp_relay *r, const struct kp_address *address, uint32_t ms)
{
    bool done = false;
    int error = kp_stream_connect(&r->plain, r->secure.loop, address, &done);
    if (error != 0) {
        unreached(r, error);
        return;
    }
    r->open_sides++;
    r->connecting = true;
    if (done)
        reached(r);
    else
        kp_secure_deadline(&r->secure, ms, false);
}

int kp_relay_plain_adopt(struct kp_relay *r, int fd, uint8_t *bytes, size_t len)
{
    int error = kp_stream_open(&r->plain, r->secure.loop, fd);
    r->saved = bytes;
    r->saved_len = (uint32_t)len;
    if (error == 0)
        r->open_sides++;
    return error;
}

void kp_relay_plain_preface(struct kp_relay *r, const uint8_t *bytes, size_t len)
{
    ssize_t sent = kp_stream_write(&r->plain, bytes, len);
    if (sent == (ssize_t)len)
        return;
    r->plain_error = sent < 0 ? (int)sent : UV_EIO;
    end(r, KP_ENDED_PLAIN);
}

void kp_relay_start(struct kp_relay *r, uint32_t idle_ms)
{
    if (r->end != KP_ENDED_NOT)
        return;
    r->plain_live = true;
    if (r->plain_fin)
        kp_stream_end(&r->plain);
    kp_secure_deadline(&r->secure, idle_ms, true);
    kp_secure_release(&r->secure);
    move(r);
}

/* ---- Opening and closing ----------------------------------------------------------------- */

static void prepare(struct kp_relay *r, const struct kp_relay_hooks *hooks)
{
    memset(r, 0, sizeof *r);
    r->hooks = hooks;
    r->plain.ready = plain_ready;
    r->plain.closed = plain_closed;
    r->plain.fd = -1;
    r->open_sides = 1;
}

int kp_relay_accept(struct kp_relay *r, struct kp_loop *loop, int fd, struct kp_context *context,
                    const uint8_t *first, size_t first_len, const struct kp_relay_hooks *hooks)
{
    prepare(r, hooks);
    return kp_secure_accept(&r->secure, loop, fd, context, first, first_len, &secure_hooks);
}

int kp_relay_dial(struct kp_relay *r, struct kp_loop *loop, const struct kp_address *address,
                  struct kp_context *context, const struct kp_secure_offer *offer,
                  const struct kp_relay_hooks *hooks)
{
    prepare(r, hooks);
    r->dialled = true;
    return kp_secure_dial(&r->secure, loop, address, context, offer, &secure_hooks);
}

void kp_relay_stop(struct kp_relay *r)
{
    end(r, KP_ENDED_OWNER);
}

void kp_relay_answered(struct kp_relay *r)
{
    end(r, KP_ENDED_BOTH);
}

void kp_relay_plain_drop(struct kp_relay *r)
{
    close_plain(r, false);
}

void kp_relay_finish(struct kp_relay *r)
{
    close_plain(r, false);
    kp_secure_finish(&r->secure);
}

void kp_relay_close(struct kp_relay *r, bool abort)
{
    close_plain(r, abort);
    kp_secure_close(&r->secure, abort);
}
