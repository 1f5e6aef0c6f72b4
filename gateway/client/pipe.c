/* `keyplate connect`: see pipe.h. */
#include "pipe.h"

#include <signal.h>
#include <string.h>

#include "id_reader.h"
#include "stdio_pump.h"

struct pipe {
    struct kp_secure secure; /* first */
    struct kp_attempt attempt;
    struct kp_loop loop;
    struct kp_device device;
    struct kp_stdio *stdio;
    struct kp_pipe_result *result;
    struct kp_trouble trouble; /* of the attempt that is closing */
    const struct kp_pipe_plan *plan;
    struct kp_id_reader *reader; /* NULL: it isn't at work */
    uv_timer_t patience;         /* with the reader, after the end */
    uv_signal_t term, interrupt;
    const uint8_t *pending; /* of standard input, not taken yet */
    size_t pending_len;
    bool input_ended;
    bool peer_ended;
    bool proved;
    bool ended; /* result is set */
    bool open;  /* the secure stream is */
};

static struct pipe *of(struct kp_secure *secure)
{
    return (struct pipe *)(void *)secure; /* its first member */
}

static void leave(struct pipe *p)
{
    kp_id_reader_stop(p->reader);
    uv_close((uv_handle_t *)&p->patience, NULL);
    uv_close((uv_handle_t *)&p->term, NULL);
    uv_close((uv_handle_t *)&p->interrupt, NULL);
}

static void lost_patience(uv_timer_t *timer)
{
    leave(timer->data);
}

/* The connection is over.  Nobody who waits for the end of standard output waits for the reader. */
static void wind_up(struct pipe *p)
{
    kp_stdio_stop(p->stdio);
    p->stdio = NULL;
    if (p->result->end != KP_PIPE_DONE || p->reader == NULL) {
        leave(p);
        return;
    }
    kp_stdio_end_output();
    (void)uv_timer_start(&p->patience, lost_patience, KP_PIPE_PATIENCE_MS, 0);
}

static void finish(struct pipe *p, enum kp_pipe_end end)
{
    if (p->ended)
        return;
    p->ended = true;
    p->result->end = end;
    if (!p->open)
        wind_up(p);
    else if (end == KP_PIPE_DONE)
        kp_secure_finish(&p->secure);
    else
        kp_secure_close(&p->secure, end == KP_PIPE_INPUT);
}

/* ---- From standard input ----------------------------------------------------------------- */

static void push(struct pipe *p)
{
    size_t used;
    if (p->pending_len == 0 || p->ended)
        return;
    used = kp_secure_send(&p->secure, p->pending, p->pending_len);
    p->pending += used;
    p->pending_len -= used;
    if (p->pending_len == 0 && !p->ended)
        kp_stdio_read(p->stdio);
    kp_secure_pump(&p->secure);
}

static void came(void *owner, const uint8_t *data, ssize_t len)
{
    struct pipe *p = owner;
    if (p->ended)
        return;
    if (len < 0) {
        p->result->local_error = (int)len;
        finish(p, KP_PIPE_INPUT);
    } else if (len == 0) {
        p->input_ended = true;
        kp_secure_end(&p->secure);
    } else {
        p->pending = data;
        p->pending_len = (size_t)len;
        push(p);
    }
}

static void room(struct kp_secure *s)
{
    push(of(s));
}

/* ---- To standard output ------------------------------------------------------------------ */

static size_t data(struct kp_secure *s, const uint8_t *bytes, size_t len)
{
    struct pipe *p = of(s);
    return p->ended ? len : kp_stdio_write(p->stdio, bytes, len);
}

static void end_if_done(struct pipe *p)
{
    if (!p->peer_ended || kp_stdio_is_writing(p->stdio))
        return;
    kp_secure_end(&p->secure);
    finish(p, KP_PIPE_DONE);
}

static void written(void *owner, int error)
{
    struct pipe *p = owner;
    if (p->ended)
        return;
    if (error != 0) {
        p->result->local_error = error;
        finish(p, KP_PIPE_OUTPUT);
    } else if (p->trouble.error != 0) {
        p->result->trouble = p->trouble;
        finish(p, KP_PIPE_TROUBLE);
    } else {
        kp_secure_release(&p->secure);
        if (!p->ended)
            end_if_done(p);
    }
}

static void peer_ended(struct kp_secure *s)
{
    struct pipe *p = of(s);
    p->peer_ended = true;
    end_if_done(p);
}

/* ---- The connection ---------------------------------------------------------------------- */

static void told(void *owner, const struct kp_told *told, const char *why)
{
    struct pipe *p = owner;
    bool known = p->plan->on_told(p->plan->owner, told, why);
    if (p->ended && !p->open) {
        if (!known)
            p->result->end = KP_PIPE_TROUBLE;
        leave(p);
    } else if (!known) {
        p->ended = true;
        p->result->end = KP_PIPE_TROUBLE;
        kp_secure_close(&p->secure, true);
    }
    if (!known) {
        p->result->trouble = (struct kp_trouble){.stranger = true};
        p->result->sent = p->secure.bytes_out;
    }
}

static const struct kp_stdio_hooks stdio_hooks = {.came = came, .written = written};

static void read_id(struct pipe *p, const struct kp_conn *conn)
{
    struct kp_info info;
    kp_conn_info(conn, &info);
    if (p->plan->on_told != NULL && info.version == 0x0303)
        kp_id_reader_start(&p->reader, &p->device, told, p);
}

static void tell_proved(struct kp_device *device, const struct kp_info *info)
{
    const struct kp_pipe_plan *plan = ((struct pipe *)device->owner)->plan;
    if (!info->resumed && plan->on_proved != NULL)
        plan->on_proved(plan->owner, info);
}

static void proved(struct kp_secure *s)
{
    struct pipe *p = of(s);
    kp_secure_deadline(s, 0, false);
    p->proved = true;
    kp_device_proved(&p->device, &p->attempt, s->conn);
    p->stdio = kp_stdio_start(&p->loop, &stdio_hooks, p);
    if (p->stdio == NULL) {
        p->result->local_error = UV_ENOMEM;
        finish(p, KP_PIPE_INPUT);
        return;
    }
    kp_stdio_read(p->stdio);
    read_id(p, s->conn);
}

static void failed_now(struct pipe *p)
{
    if (!p->proved) {
        kp_secure_finish(&p->secure); /* closed() tells the device */
        return;
    }
    /* What came before the trouble is for standard output all the same. */
    if (kp_stdio_is_writing(p->stdio))
        return;
    p->result->trouble = p->trouble;
    finish(p, KP_PIPE_TROUBLE);
}

static void over(struct kp_secure *s)
{
    struct pipe *p = of(s);
    if (s->error == 0) {
        end_if_done(p);
        return;
    }
    if (p->trouble.error == 0)
        kp_trouble_of(&p->trouble, s);
    failed_now(p);
}

static void timeout(struct kp_secure *s)
{
    struct pipe *p = of(s);
    kp_trouble_of_timeout(&p->trouble, s);
    kp_secure_close(s, false);
}

static void closed(struct kp_secure *s)
{
    struct pipe *p = of(s);
    struct kp_trouble trouble = p->trouble;
    p->open = false;
    if (p->ended) {
        wind_up(p);
        return;
    }
    memset(&p->trouble, 0, sizeof p->trouble);
    kp_device_ended(&p->device, &p->attempt, &trouble);
}

static const struct kp_secure_hooks secure_hooks = {
    .proved = proved,
    .data = data,
    .room = room,
    .peer_ended = peer_ended,
    .over = over,
    .timeout = timeout,
    .closed = closed,
};

static int dial(struct kp_attempt *attempt, const struct kp_address *address,
                const struct kp_secure_offer *offer)
{
    struct pipe *p = attempt->device->owner;
    int error = p->ended ? UV_ECANCELED : 0;
    if (error == 0)
        error =
            kp_secure_dial(&p->secure, &p->loop, address, p->device.context, offer, &secure_hooks);
    p->open = error == 0;
    if (error == 0)
        kp_secure_deadline(&p->secure, KP_DEVICE_DEADLINE_MS, false);
    return error;
}

static void failed(struct kp_attempt *attempt, const struct kp_trouble *trouble)
{
    struct pipe *p = attempt->device->owner;
    p->result->trouble = *trouble;
    finish(p, KP_PIPE_TROUBLE);
}

static void told_to_stop(uv_signal_t *handle, int number)
{
    struct pipe *p = handle->data;
    if (p->ended && !p->open) {
        leave(p); /* only the reader was still at work */
        return;
    }
    p->result->signal = number;
    finish(p, KP_PIPE_STOPPED);
}

static void watch(struct pipe *p, uv_signal_t *handle, int number)
{
    (void)uv_signal_init(&p->loop.uv, handle);
    handle->data = p;
    (void)uv_signal_start(handle, told_to_stop, number);
}

int kp_pipe_run(const struct kp_pipe_plan *plan, struct kp_pipe_result *result)
{
    struct pipe p = {.result = result, .plan = plan};
    int error = kp_loop_init(&p.loop);
    if (error != 0)
        return error;
    memset(result, 0, sizeof *result);
    watch(&p, &p.term, SIGTERM);
    watch(&p, &p.interrupt, SIGINT);
    (void)uv_timer_init(&p.loop.uv, &p.patience);
    p.patience.data = &p;
    kp_device_init(&p.device, &p.loop, plan->context, &plan->host, plan->login);
    p.device.owner = &p;
    p.device.on_proved = tell_proved;
    p.device.offered = plan->offered;
    p.attempt.dial = dial;
    p.attempt.failed = failed;
    kp_device_want(&p.device, &p.attempt);
    kp_loop_run(&p.loop);
    kp_device_clear(&p.device);
    kp_loop_close(&p.loop);
    return 0;
}
