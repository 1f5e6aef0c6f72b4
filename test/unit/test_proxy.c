/*
 * HTTP between a client's stream and an upstream: whatever is held up goes on, however room comes
 * and goes on either side.  The client's stream is played here, by what secure_stream.h and plain.h
 * promise and no more: it tells of room only if the last bytes didn't all go or it was asked.
 */
#include "net_ends.h"

#include "device/proxy.h"
#include "device/request_log.h"

#include <stdio.h>
#include <sys/socket.h>

#define REQUESTS 6
#define HEAD "HEAD" /* what stands for the rewritten head of a request, and of an answer */
#define HEAD_LEN (sizeof HEAD - 1)
#define SMALL 32768 /* buffers of sockets */

static struct {
    struct kp_proxy proxy;
    struct kp_proxy_terms terms;
    unsigned requests;
    size_t bodies[REQUESTS], answers[REQUESTS];
    /* The client's stream. */
    struct kp_out says; /* all requests */
    size_t sent;
    size_t heard; /* bytes of answers */
    size_t room;  /* bytes that it takes */
    bool held, delivering;
    bool room_owed;
    unsigned releases, overs;
    /* The upstream. */
    int listener, fd; /* -1: none */
    unsigned asked;   /* the request whose bytes come */
    size_t at;        /* how many of them came */
    size_t said;      /* of its answer, head included */
} t;

static struct kp_counters counters;

/* ---- The client's stream ------------------------------------------------------------------- */

static size_t client_send(void *stream, const uint8_t *bytes, size_t len)
{
    size_t taken = len < t.room ? len : t.room;
    (void)stream, (void)bytes;
    t.room -= taken;
    t.heard += taken;
    t.room_owed = taken < len;
    return taken;
}

static bool client_blocked(void *stream)
{
    (void)stream;
    t.room_owed |= t.room == 0;
    return t.room == 0;
}

/* Some of what it says, as a stream does that has just read it. */
static void deliver(size_t most)
{
    size_t left = t.says.len - t.sent, len = left < most ? left : most, used;
    if (t.held || t.delivering || len == 0)
        return;
    t.delivering = true;
    used = kp_proxy_data(&t.proxy, (const uint8_t *)t.says.at + t.sent, len);
    t.delivering = false;
    t.sent += used;
    t.held = used < len;
}

static void client_release(void *stream)
{
    (void)stream;
    t.releases++;
    t.held = false;
    deliver(5000);
}

static void client_deadline(void *stream, uint32_t ms, bool renews)
{
    (void)stream, (void)ms, (void)renews;
}

static const struct kp_side side = {
    .send = client_send,
    .blocked = client_blocked,
    .release = client_release,
    .deadline = client_deadline,
};

static void tell_of_room(void)
{
    if (!t.room_owed || t.room == 0)
        return;
    t.room_owed = false;
    kp_proxy_room(&t.proxy);
}

/* ---- The upstream -------------------------------------------------------------------------- */

static void upstream_takes(void)
{
    union kp_inet peer;
    int small = SMALL, near;
    if (t.fd >= 0 || (t.fd = kp_sock_accept(t.listener, &peer)) < 0)
        return;
    near = ((struct kp_stream *)(void *)t.proxy.upstream)->fd; /* its first member */
    assert_int_equal(setsockopt(near, SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
}

static void upstream_reads(size_t most)
{
    uint8_t bytes[65536];
    ssize_t got;
    if (t.fd < 0 || t.asked == t.requests || t.at == HEAD_LEN + t.bodies[t.asked])
        return;
    got = kp_sock_recv(t.fd, bytes, most < sizeof bytes ? most : sizeof bytes);
    assert_true(got > 0 || got == UV_EAGAIN);
    for (ssize_t i = 0; i < got; i++, t.at++)
        if (bytes[i] != (t.at < HEAD_LEN ? (uint8_t)HEAD[t.at] : byte_at(t.at - HEAD_LEN)))
            fail_msg("a wrong byte at %zu", t.at);
}

/* A piece of its answer, once the request is there. */
static void upstream_speaks(size_t most)
{
    static uint8_t bytes[65536 + 128];
    char head[128];
    size_t head_len, left, len;
    ssize_t sent;
    if (t.fd < 0 || t.asked == t.requests || t.at < HEAD_LEN + t.bodies[t.asked])
        return;
    head_len = (size_t)snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
                                t.answers[t.asked]);
    left = head_len + t.answers[t.asked] - t.said;
    len = left < most ? left : most;
    len = len < sizeof bytes ? len : sizeof bytes;
    for (size_t i = 0; i < len; i++)
        bytes[i] = t.said + i < head_len ? (uint8_t)head[t.said + i] : (uint8_t)'.';
    sent = kp_sock_send(t.fd, bytes, len);
    if (sent > 0)
        t.said += (size_t)sent;
    if (sent != (ssize_t)left)
        return;
    kp_sock_close(t.fd);
    t.fd = -1;
    t.asked++;
    t.at = t.said = 0;
}

/* ---- The proxy's owner, and what it logs ---------------------------------------------------- */

static void request(struct kp_proxy *p)
{
    kp_proxy_pass(p, &(struct kp_http_onward){0});
}

static bool preface(struct kp_proxy *p, uint8_t out[KP_PROXY2_MAX], size_t *len)
{
    (void)p, (void)out;
    *len = 0;
    return true;
}

static struct kp_request_who who(struct kp_proxy *p)
{
    (void)p;
    return (struct kp_request_who){0};
}

static bool admit(struct kp_proxy *p)
{
    (void)p;
    return true;
}

static void answered(struct kp_proxy *p)
{
    (void)p;
}

static void over(struct kp_proxy *p, enum kp_proxy_end how)
{
    (void)p, (void)how;
    t.overs++;
}

static const struct kp_proxy_hooks hooks = {
    .request = request,
    .preface = preface,
    .who = who,
    .admit = admit,
    .answered = answered,
    .over = over,
};

struct kp_counters *__wrap_kp_request_counters(const struct kp_request_who *of);
void __wrap_kp_request_log_answered(const struct kp_request_who *of, const struct kp_proxy *p);
int __wrap_kp_http_forward_request(struct kp_out *out, const struct kp_http_head *head,
                                   const struct kp_http_onward *how);
void __wrap_kp_http_forward_response(struct kp_out *out, const struct kp_http_head *head,
                                     const struct kp_http_back *how);

struct kp_counters *__wrap_kp_request_counters(const struct kp_request_who *of)
{
    (void)of;
    return &counters;
}

void __wrap_kp_request_log_answered(const struct kp_request_who *of, const struct kp_proxy *p)
{
    (void)of, (void)p;
}

int __wrap_kp_http_forward_request(struct kp_out *out, const struct kp_http_head *head,
                                   const struct kp_http_onward *how)
{
    (void)head, (void)how;
    kp_out_add(out, HEAD, HEAD_LEN);
    return 0;
}

void __wrap_kp_http_forward_response(struct kp_out *out, const struct kp_http_head *head,
                                     const struct kp_http_back *how)
{
    (void)head, (void)how;
    kp_out_add(out, HEAD, HEAD_LEN);
}

/* ---- Life ---------------------------------------------------------------------------------- */

static void add_request(size_t body)
{
    char head[128];
    uint8_t *bytes = malloc(body + 1);
    fill(bytes, 0, body);
    kp_out_add(&t.says, head,
               (size_t)snprintf(head, sizeof head,
                                "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", body));
    kp_out_add(&t.says, bytes, body);
    free(bytes);
}

/* requests, bodies and answers are set. */
static void begin(void)
{
    int small = SMALL, some = 200000;
    for (unsigned i = 0; i < t.requests; i++)
        add_request(t.bodies[i]);
    t.listener = listen_at(&t.terms.upstream);
    assert_int_equal(setsockopt(t.listener, SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
    assert_int_equal(setsockopt(t.listener, SOL_SOCKET, SO_RCVBUF, &some, sizeof some), 0);
    t.fd = -1;
    kp_proxy_init(&t.proxy, &loop, &t.terms, &side, NULL, &hooks);
}

static void end(void)
{
    assert_int_equal(t.overs, 0);
    kp_proxy_clear(&t.proxy, false);
    kp_sock_close(t.listener);
    kp_out_free(&t.says);
    run_ms(1);
}

static size_t all_answers(void)
{
    size_t all = 0;
    for (unsigned i = 0; i < t.requests; i++)
        all += HEAD_LEN + t.answers[i];
    return all;
}

/* Both sides have all the room in the world, and tell of it where they have to. */
static void finish(void)
{
    t.room = SIZE_MAX;
    for (uint64_t end_at = uv_hrtime() + 5000000000u; t.heard < all_answers();) {
        assert_true(uv_hrtime() < end_at);
        deliver(16384);
        tell_of_room();
        upstream_takes();
        upstream_reads(SIZE_MAX);
        upstream_speaks(SIZE_MAX);
        one_turn();
    }
    assert_int_equal(t.heard, all_answers());
    assert_int_equal(t.sent, t.says.len);
}

/* ---- Tests --------------------------------------------------------------------------------- */

static unsigned next(unsigned *seed)
{
    *seed = *seed * 1103515245u + 12345u;
    return *seed >> 16;
}

static void step(unsigned *seed)
{
    switch (next(seed) % 8) {
    case 0:
    case 1:
        deliver(1 + next(seed) % 16384);
        break;
    case 2:
        t.room += next(seed) % 30000;
        break;
    case 3:
        tell_of_room();
        break;
    case 4:
        upstream_takes();
        break;
    case 5:
        upstream_reads(1 + next(seed) % 8000);
        break;
    case 6:
        upstream_speaks(1 + next(seed) % 60000);
        break;
    default:
        one_turn();
    }
}

/* Requests one behind the other, small and big, with answers of all sizes. */
static void in_any_order(void **state)
{
    unsigned seed = 1, releases = 0;
    bool was_held = false, was_stuck = false;
    (void)state;
    for (unsigned round = 0; round < 12; round++) {
        unsigned steps = next(&seed) % 3000;
        memset(&t, 0, sizeof t);
        t.requests = 1 + next(&seed) % REQUESTS;
        for (unsigned i = 0; i < t.requests; i++) {
            t.bodies[i] = next(&seed) % 2 == 0 ? next(&seed) * 20 : next(&seed) % 300;
            t.answers[i] = next(&seed) % 2 == 0 ? next(&seed) * 20 : next(&seed) % 500;
        }
        begin();
        for (; steps > 0; steps--) {
            step(&seed);
            was_held |= t.held && t.proxy.x.held;
            was_stuck |= t.proxy.stuck;
        }
        finish();
        releases += t.releases;
        end();
    }
    assert_true(releases > 0 && was_held && was_stuck); /* else it tests nothing */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_any_order),
    };
    return cmocka_run_group_tests(tests, open_loop, close_loop);
}
