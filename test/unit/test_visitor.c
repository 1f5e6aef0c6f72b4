/*
 * A browser's connection between its socket and its device's: whatever is held up goes on, however
 * room comes and goes on either side.  The device's side is played here, by what carrier.h says and
 * no more: it tells of room only if the last bytes that it was given didn't all go.
 */
#include "net_ends.h"

#include "client/reception.h"
#include "client/visitor_inside.h"

#include <stdio.h>
#include <sys/socket.h>

#define REQUESTS 40
#define HEAD "HEAD" /* what stands for the rewritten head of a request */
#define HEAD_LEN (sizeof HEAD - 1)

/* ---- The device ---------------------------------------------------------------------------- */

static struct {
    struct kp_carrier carrier;
    bool there;     /* the carrier is one of the visitor's */
    bool room_owed; /* the last bytes didn't all go */
    bool held;      /* the visitor takes no bytes */
    bool speaking;  /* it is being given bytes */
    size_t room;    /* bytes that it takes */
    size_t bodies[REQUESTS];
    unsigned asked; /* the request whose bytes come */
    size_t at;      /* how many of them came */
    char head[128]; /* of the answer that goes */
    size_t answers[REQUESTS];
    unsigned answering;
    size_t said; /* of it, its head included */
    unsigned starts, releases;
} device;

static struct kp_stay *stay;
static struct kp_site *site;

static void reset(void)
{
    memset(&device, 0, sizeof device);
}

/* Bytes of requests, one after the other. */
static void hear(const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        size_t whole = HEAD_LEN + device.bodies[device.asked], some = whole - device.at;
        some = some < len ? some : len;
        assert_true(device.asked < REQUESTS);
        for (size_t i = 0; i < some; i++, device.at++) {
            size_t at = device.at;
            if (bytes[i] != (at < HEAD_LEN ? (uint8_t)HEAD[at] : byte_at(at - HEAD_LEN)))
                fail_msg("a wrong byte at %zu", at);
        }
        bytes += some;
        len -= some;
        if (device.at == whole) {
            device.asked++;
            device.at = 0;
        }
    }
}

static size_t answer_head(void)
{
    return (size_t)snprintf(device.head, sizeof device.head,
                            "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
                            device.answers[device.answering]);
}

/* A piece of the answer that is due.  Whether any was taken. */
static bool speak(size_t most)
{
    uint8_t bytes[70000];
    size_t head = answer_head(), left = head + device.answers[device.answering] - device.said, len;
    size_t used;
    if (!device.there || device.held || device.speaking || device.answering == device.asked)
        return false;
    len = left < most ? left : most;
    for (size_t i = 0; i < len; i++) {
        size_t at = device.said + i;
        bytes[i] = at < head ? (uint8_t)device.head[at] : byte_at(at - head);
    }
    device.speaking = true;
    device.said += len; /* before the hook: what it asks for then is the next one's */
    if (len == left) {
        device.answering++;
        device.said = 0;
    }
    used = device.carrier.hooks->data(device.carrier.owner, bytes, len);
    device.speaking = false;
    assert_true(used == len || used == 0); /* else there is more than a visitor promises */
    device.held = used < len;
    if (!device.held)
        return true;
    if (len == left) {
        device.answering--;
        device.said = answer_head() + device.answers[device.answering];
    }
    device.said -= len;
    return false;
}

/* As the socket's event would. */
static void tell_of_room(void)
{
    if (!device.there || !device.room_owed || device.room == 0)
        return;
    device.room_owed = false;
    device.carrier.hooks->room(device.carrier.owner);
}

static void prove(void)
{
    device.carrier.proved = true;
    device.carrier.hooks->proved(device.carrier.owner);
}

/* ---- In place of the real ones ------------------------------------------------------------- */

void __wrap_kp_receive(struct kp_hub *hub, const struct kp_http_head *head, enum kp_peer peer,
                       bool closes, struct kp_received *out);
enum kp_language __wrap_kp_receive_language(const struct kp_hub *hub,
                                            const struct kp_http_head *head);
enum kp_peer __wrap_kp_platform_peer(int fd);
void __wrap_kp_site_use(struct kp_site *of, struct kp_site_use *use);
void __wrap_kp_site_unuse(struct kp_site_use *use);
void __wrap_kp_site_mark(const struct kp_pass *pass, char out[KP_SITE_MARK_LEN]);
void __wrap_kp_rewrite_request(struct kp_out *out, const struct kp_http_head *head,
                               const struct kp_names *names, const struct kp_jar *jar,
                               uint64_t now);
void __wrap_kp_rewrite_response(struct kp_out *out, const struct kp_http_head *head,
                                const struct kp_http_back *how, const struct kp_rewrite_back *back);
void __wrap_kp_carrier_start(struct kp_carrier **slot, struct kp_device *to,
                             const struct kp_carrier_hooks *hooks, void *owner);
size_t __wrap_kp_carrier_send(struct kp_carrier *carrier, const uint8_t *bytes, size_t len);
void __wrap_kp_carrier_end(struct kp_carrier *carrier);
void __wrap_kp_carrier_release(struct kp_carrier *carrier);
void __wrap_kp_carrier_leave(struct kp_carrier *carrier, bool abort);

void __wrap_kp_receive(struct kp_hub *hub, const struct kp_http_head *head, enum kp_peer peer,
                       bool closes, struct kp_received *out)
{
    (void)hub, (void)head, (void)peer, (void)closes;
    *out = (struct kp_received){.site = site};
}

enum kp_language __wrap_kp_receive_language(const struct kp_hub *hub,
                                            const struct kp_http_head *head)
{
    (void)hub, (void)head;
    return KP_ENGLISH;
}

enum kp_peer __wrap_kp_platform_peer(int fd)
{
    (void)fd;
    return KP_PEER_PERSON;
}

void __wrap_kp_site_use(struct kp_site *of, struct kp_site_use *use)
{
    (void)of, (void)use;
}

void __wrap_kp_site_unuse(struct kp_site_use *use)
{
    (void)use;
}

void __wrap_kp_site_mark(const struct kp_pass *pass, char out[KP_SITE_MARK_LEN])
{
    (void)pass;
    out[0] = '\0';
}

void __wrap_kp_rewrite_request(struct kp_out *out, const struct kp_http_head *head,
                               const struct kp_names *names, const struct kp_jar *jar, uint64_t now)
{
    (void)head, (void)names, (void)jar, (void)now;
    kp_out_add(out, HEAD, HEAD_LEN);
}

void __wrap_kp_rewrite_response(struct kp_out *out, const struct kp_http_head *head,
                                const struct kp_http_back *how, const struct kp_rewrite_back *back)
{
    (void)head, (void)how, (void)back;
    kp_out_add(out, HEAD, HEAD_LEN);
}

void __wrap_kp_carrier_start(struct kp_carrier **slot, struct kp_device *to,
                             const struct kp_carrier_hooks *hooks, void *owner)
{
    (void)to;
    assert_false(device.there);
    device.there = true;
    device.held = device.room_owed = false;
    device.starts++;
    device.carrier = (struct kp_carrier){.hooks = hooks, .owner = owner};
    *slot = &device.carrier;
}

size_t __wrap_kp_carrier_send(struct kp_carrier *carrier, const uint8_t *bytes, size_t len)
{
    size_t taken = len < device.room ? len : device.room;
    assert_true(device.there && carrier->proved);
    hear(bytes, taken);
    device.room -= taken;
    device.room_owed = taken < len;
    return taken;
}

void __wrap_kp_carrier_end(struct kp_carrier *carrier)
{
    (void)carrier;
}

void __wrap_kp_carrier_release(struct kp_carrier *carrier)
{
    assert_true(device.there && carrier->proved);
    device.releases++;
    device.held = false;
    (void)speak(20000);
}

void __wrap_kp_carrier_leave(struct kp_carrier *carrier, bool abort)
{
    (void)abort;
    if (carrier != NULL)
        device.there = false;
}

/* ---- The browser --------------------------------------------------------------------------- */

struct browser {
    struct kp_face face;
    int fd;
    char *says; /* all requests */
    size_t len, sent;
    size_t heard; /* bytes of answers */
};

static void add_request(struct kp_out *out, size_t body)
{
    char head[128];
    uint8_t *bytes = malloc(body + 1);
    fill(bytes, 0, body);
    kp_out_add(out, head,
               (size_t)snprintf(head, sizeof head,
                                "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", body));
    kp_out_add(out, bytes, body);
    free(bytes);
}

/* bodies and answers of the device are set. */
static struct browser *begin(unsigned requests)
{
    struct browser *b = calloc(1, sizeof *b);
    struct kp_out out = {0};
    int near, small = 32768, some = 200000;
    for (unsigned i = 0; i < requests; i++)
        add_request(&out, device.bodies[i]);
    b->says = out.at;
    b->len = out.len;
    b->face.loop = &loop;
    connect_ends(&near, &b->fd);
    assert_int_equal(setsockopt(near, SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
    assert_int_equal(setsockopt(b->fd, SOL_SOCKET, SO_RCVBUF, &some, sizeof some), 0);
    kp_visitor_begin(&b->face, near);
    assert_int_equal(b->face.count, 1);
    return b;
}

static void end(struct browser *b)
{
    kp_sock_close(b->fd);
    until(b->face.count == 0);
    free(b->says);
    free(b);
}

static void ask(struct browser *b, size_t most)
{
    size_t left = b->len - b->sent;
    ssize_t sent =
        kp_sock_send(b->fd, (const uint8_t *)b->says + b->sent, left < most ? left : most);
    if (sent > 0)
        b->sent += (size_t)sent;
}

static void hear_answers(struct browser *b, size_t most)
{
    uint8_t bytes[65536];
    ssize_t got = kp_sock_recv(b->fd, bytes, most < sizeof bytes ? most : sizeof bytes);
    assert_true(got > 0 || got == UV_EAGAIN);
    if (got > 0)
        b->heard += (size_t)got;
}

/* How many bytes the answers to so many requests are. */
static size_t all_answers(unsigned requests)
{
    size_t all = 0;
    for (unsigned i = 0; i < requests; i++)
        all += HEAD_LEN + device.answers[i];
    return all;
}

/* Both sides have all the room in the world, and tell of it where they have to. */
static void finish(struct browser *b, unsigned requests)
{
    device.room = SIZE_MAX;
    for (uint64_t end_at = uv_hrtime() + 5000000000u; b->heard < all_answers(requests);) {
        assert_true(uv_hrtime() < end_at);
        if (b->sent < b->len)
            ask(b, SIZE_MAX);
        tell_of_room();
        if (device.there && !device.carrier.proved)
            prove();
        (void)speak(20000);
        one_turn();
        hear_answers(b, SIZE_MAX);
    }
    assert_int_equal(b->heard, all_answers(requests));
    assert_int_equal(device.asked, requests);
}

/* ---- Tests --------------------------------------------------------------------------------- */

/* It has taken what waited when more comes: nothing is left that would make it tell of room. */
static void room_comes_where_nobody_looks(void **state)
{
    struct browser *b;
    (void)state;
    reset();
    device.bodies[0] = 100000;
    b = begin(1);
    ask(b, 1000);
    until(device.there);
    device.room = 100;
    prove();
    assert_true(device.room_owed);
    device.room = SIZE_MAX;
    ask(b, 1000);
    until(!device.room_owed);
    finish(b, 1);
    end(b);
}

static unsigned next(unsigned *seed)
{
    *seed = *seed * 1103515245u + 12345u;
    return *seed >> 16;
}

static void step(struct browser *b, unsigned *seed)
{
    switch (next(seed) % 8) {
    case 0:
    case 1:
        if (b->sent < b->len)
            ask(b, 1 + next(seed) % 20000);
        break;
    case 2:
        hear_answers(b, 1 + next(seed) % 30000);
        break;
    case 3:
        device.room += next(seed) % 20000;
        break;
    case 4:
        tell_of_room();
        break;
    case 5:
        if (device.there && !device.carrier.proved)
            prove();
        break;
    case 6:
        (void)speak(1 + next(seed) % 60000);
        break;
    default:
        one_turn();
    }
}

/* Requests one behind the other, small and big, with answers of all sizes. */
static void in_any_order(void **state)
{
    unsigned seed = 1, starts = 0, releases = 0;
    (void)state;
    for (unsigned round = 0; round < 60; round++) {
        struct browser *b;
        unsigned requests = 1 + next(&seed) % REQUESTS % 6, steps = next(&seed) % 2000;
        reset();
        for (unsigned i = 0; i < requests; i++) {
            device.bodies[i] = next(&seed) % (i % 2 == 0 ? 200000 : 300);
            device.answers[i] = next(&seed) % 3 == 0 ? next(&seed) * 30 : next(&seed) % 500;
        }
        b = begin(requests);
        for (; steps > 0 && device.answering < requests; steps--)
            step(b, &seed);
        finish(b, requests);
        starts += device.starts;
        releases += device.releases;
        end(b);
    }
    assert_true(starts > 60 && releases > 0);
}

static int open_all(void **state)
{
    site = calloc(1, sizeof *site);
    stay = calloc(1, sizeof *stay);
    site->stay = stay;
    return open_loop(state);
}

static int close_all(void **state)
{
    free(site);
    free(stay);
    return close_loop(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(room_comes_where_nobody_looks),
        cmocka_unit_test(in_any_order),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
