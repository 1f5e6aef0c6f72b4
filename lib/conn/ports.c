/*
 * The four ports of a connection, and its state mask.
 */
#include "conn/conn.h"

#include "base/error.h"

#include <string.h>

/* Gives back whatever no byte is in: an idle connection is its struct and its keys. */
static void rest(struct kp_conn *c)
{
    kp_record_rest(&c->records);
    kp_buffer_rest(&c->app, true);
}

void kp_conn_keep_warm(struct kp_conn *c, bool warm)
{
    c->records.warm = warm;
    if (!warm)
        rest(c);
}

/* Who has proved nothing gets room for one record. */
static size_t in_len(const struct kp_conn *c)
{
    return c->proved ? c->records.buffer_len : KP_RECORD_WIRE_MAX;
}

unsigned kp_conn_state(const struct kp_conn *c)
{
    bool app_out = kp_buffer_used(&c->app) > 0;
    bool wire_out = kp_buffer_used(&c->records.out) > 0;
    unsigned state = 0;

    state |= wire_out ? KP_WIRE_OUT : 0u;
    state |= app_out ? KP_APP_OUT : 0u;
    state |= c->proved ? KP_PROVED : 0u;
    if (c->error != 0)
        return state | KP_CLOSED;
    state |= c->handshake != NULL ? KP_HANDSHAKING : 0u;
    state |= c->suspended == KP_SUSPEND_CREDENTIAL ? KP_NEED_CREDENTIAL : 0u;
    state |= c->suspended == KP_SUSPEND_COMPUTE ? KP_NEED_COMPUTE : 0u;
    state |= c->suspended == KP_SUSPEND_GUESS ? KP_NEED_GUESS : 0u;
    if (c->peer_ended) {
        state |= app_out ? 0u : KP_PEER_ENDED;
        state |= c->we_ended && !app_out ? KP_CLOSED : 0u;
    }
    if (c->suspended == 0 && kp_buffer_used(&c->records.in) < in_len(c))
        state |= KP_WIRE_IN;
    if (c->proved && !c->we_ended && kp_record_room(&c->records) > 0)
        state |= KP_APP_IN;
    return state;
}

/* ---- wire in ------------------------------------------------------------------------------- */

uint8_t *kp_wire_in_room(struct kp_conn *c, size_t *len)
{
    struct kp_buffer *in = &c->records.in;
    size_t used = kp_buffer_used(in);

    *len = 0;
    if (!(kp_conn_state(c) & KP_WIRE_IN) || kp_buffer_reserve(in, in_len(c) - used, in_len(c)) != 0)
        return NULL;
    return kp_buffer_tail(in, len);
}

int kp_wire_in_done(struct kp_conn *c, size_t len)
{
    struct kp_buffer *in = &c->records.in;
    int err;

    if (len > in->capacity - in->end)
        return KP_E_ARGUMENT;
    kp_buffer_added(in, len);
    err = c->error != 0 ? c->error : kp_conn_process(c);
    rest(c);
    return err;
}

int kp_wire_in_end(struct kp_conn *c)
{
    if (c->error != 0)
        return c->error;
    if (c->peer_ended)
        return 0;
    return kp_conn_fail(c, KP_E_TRUNCATED);
}

/* ---- wire out ------------------------------------------------------------------------------ */

const uint8_t *kp_wire_out(const struct kp_conn *c, size_t *len)
{
    *len = kp_buffer_used(&c->records.out);
    return *len > 0 ? kp_buffer_data(&c->records.out) : NULL;
}

void kp_wire_out_done(struct kp_conn *c, size_t len)
{
    size_t used = kp_buffer_used(&c->records.out);

    len = len < used ? len : used;
    kp_buffer_taken(&c->records.out, len);
    c->update_left -= (uint32_t)(len < c->update_left ? len : c->update_left);
    rest(c);
}

/* ---- app in -------------------------------------------------------------------------------- */

int kp_app_in(struct kp_conn *c, const uint8_t *data, size_t len, size_t *used)
{
    size_t room = kp_record_room(&c->records);
    int err = 0;

    *used = 0;
    if (c->error != 0)
        return c->error;
    if (!c->proved || c->we_ended)
        return KP_E_ARGUMENT;
    if (len == 0 || room == 0)
        return 0;
    len = len < room ? len : room;
    if (c->outcome.version == KP_TLS13 &&
        c->records.write.sequence >= c->context->key_update_records)
        err = kp_conn_update(c, false);
    if (err == 0)
        err = kp_record_write(&c->records, KP_APPLICATION, data, len);
    if (err != 0)
        return kp_conn_fail(c, err);
    *used = len;
    return 0;
}

int kp_app_in_end(struct kp_conn *c)
{
    static const uint8_t close_notify[2] = {1, KP_ALERT_CLOSE_NOTIFY};
    int err;

    if (c->error != 0)
        return c->error;
    if (!c->proved)
        return KP_E_ARGUMENT;
    if (c->we_ended)
        return 0;
    err = kp_record_write(&c->records, KP_ALERT, close_notify, sizeof(close_notify));
    c->we_ended = true;
    return err == 0 ? 0 : kp_conn_fail(c, err);
}

/* ---- app out ------------------------------------------------------------------------------- */

const uint8_t *kp_app_out(const struct kp_conn *c, size_t *len)
{
    *len = kp_buffer_used(&c->app);
    return *len > 0 ? kp_buffer_data(&c->app) : NULL;
}

/* Room came free: records that waited for it are opened now.  An error of theirs is latched and
 * shows in the state. */
void kp_app_out_done(struct kp_conn *c, size_t len)
{
    size_t used = kp_buffer_used(&c->app);

    kp_buffer_taken(&c->app, len < used ? len : used);
    if (c->error == 0 && kp_buffer_used(&c->app) == 0)
        (void)!kp_conn_process(c);
    rest(c);
}
