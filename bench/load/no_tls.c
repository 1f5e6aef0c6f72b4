/* The part of the public header that integrations/own-server uses, without any TLS: bytes pass as
 * they are, and everybody is proved.  bench/integrations links it in the engine's place, to tell
 * what the engine adds to the very same server. */
#include <keyplate/keyplate.h>

#include <stdlib.h>
#include <string.h>

enum { PIECE = 4096 };

struct kp_conn {
    uint8_t *in, *out; /* NULL while they are empty */
    size_t in_len, out_len;
    bool ended, peer_ended;
};

static void used(uint8_t **bytes, size_t *len, size_t count)
{
    *len -= count;
    memmove(*bytes, *bytes + count, *len);
    if (*len == 0) {
        free(*bytes);
        *bytes = NULL;
    }
}

int kp_conn_new(struct kp_conn **out, struct kp_context *context, uint64_t now)
{
    (void)context;
    (void)now;
    *out = calloc(1, sizeof **out);
    return *out ? 0 : KP_E_MEMORY;
}

void kp_conn_free(struct kp_conn *c)
{
    if (c) {
        free(c->in);
        free(c->out);
        free(c);
    }
}

unsigned kp_conn_state(const struct kp_conn *c)
{
    unsigned state = KP_PROVED;
    state |= c->out_len > 0 ? KP_WIRE_OUT : c->ended ? 0u : KP_APP_IN;
    state |= c->in_len > 0 ? KP_APP_OUT : c->peer_ended ? KP_PEER_ENDED : KP_WIRE_IN;
    return c->ended && c->peer_ended ? state | KP_CLOSED : state;
}

uint8_t *kp_wire_in_room(struct kp_conn *c, size_t *len)
{
    if (!c->in)
        c->in = malloc(PIECE);
    *len = c->in ? PIECE - c->in_len : 0;
    return c->in ? c->in + c->in_len : NULL;
}

int kp_wire_in_done(struct kp_conn *c, size_t len)
{
    c->in_len += len;
    return 0;
}

int kp_wire_in_end(struct kp_conn *c)
{
    c->peer_ended = true;
    return 0;
}

const uint8_t *kp_wire_out(const struct kp_conn *c, size_t *len)
{
    *len = c->out_len;
    return c->out;
}

void kp_wire_out_done(struct kp_conn *c, size_t len)
{
    used(&c->out, &c->out_len, len);
}

int kp_app_in(struct kp_conn *c, const uint8_t *data, size_t len, size_t *taken)
{
    *taken = len < PIECE - c->out_len ? len : PIECE - c->out_len;
    if (!c->out)
        c->out = malloc(PIECE);
    if (!c->out)
        return KP_E_MEMORY;
    memcpy(c->out + c->out_len, data, *taken);
    c->out_len += *taken;
    return 0;
}

int kp_app_in_end(struct kp_conn *c)
{
    c->ended = true;
    return 0;
}

const uint8_t *kp_app_out(const struct kp_conn *c, size_t *len)
{
    *len = c->in_len;
    return c->in;
}

void kp_app_out_done(struct kp_conn *c, size_t len)
{
    used(&c->in, &c->in_len, len);
}

void kp_conn_info(const struct kp_conn *c, struct kp_info *out)
{
    (void)c;
    *out = (struct kp_info){.user = "anybody", .user_len = 7};
}

/* ---- What there is nothing to do for --------------------------------------------------------- */

#define NOTHING(name, ...)                                                                         \
    int name(__VA_ARGS__)                                                                          \
    {                                                                                              \
        return 0;                                                                                  \
    }
#define NONE(name, type)                                                                           \
    void name(struct type *it)                                                                     \
    {                                                                                              \
        (void)it;                                                                                  \
    }

#pragma GCC diagnostic ignored "-Wunused-parameter"
NOTHING(kp_context_new, struct kp_context **out, const struct kp_settings *settings)
NOTHING(kp_throttle_new, struct kp_throttle **out, const struct kp_throttle_settings *settings)
NOTHING(kp_store_parse, struct kp_store **out, const char *text, size_t len,
        struct kp_store_fault *fault)
NOTHING(kp_store_lookup, const struct kp_store *store, const char *name, size_t len,
        struct kp_credential *out)
NOTHING(kp_conn_credential, struct kp_conn *c, const struct kp_credential *credential)
NOTHING(kp_conn_guess, struct kp_conn *c, bool granted)
NOTHING(kp_conn_prefer_tls12, struct kp_conn *c)
NOTHING(kp_conn_error, const struct kp_conn *c)
NONE(kp_context_free, kp_context)
NONE(kp_throttle_free, kp_throttle)
NONE(kp_store_free, kp_store)

bool kp_store_prefers_tls12(const struct kp_store *store)
{
    return false;
}

const uint8_t *kp_store_device_id(const struct kp_store *store, size_t *len)
{
    *len = 0;
    return (const uint8_t *)"";
}

const char *kp_conn_user(const struct kp_conn *c, size_t *len)
{
    *len = 0;
    return "";
}

enum kp_verdict kp_throttle_take(struct kp_throttle *throttle, const uint8_t source[KP_SOURCE_LEN],
                                 const char *name, size_t len, uint64_t now_ms,
                                 struct kp_guess *out)
{
    return KP_GUESS_GRANTED;
}

void kp_throttle_proved(struct kp_throttle *throttle, struct kp_guess *guess, uint64_t now_ms)
{
}

const char *kp_error_text(int error)
{
    return "";
}
