/*
 * A send that doesn't take all is followed by room, whatever the socket did in between: nobody
 * looks at it but the loop, and what the loop isn't told to watch for never comes.  The same of a
 * secure and of a plain stream; and one that broke is told of, wherever that was found.
 */
#include "net_ends.h"

#include "harness.h"
#include "net/plain.h"
#include "net/secure_stream.h"

#include <poll.h>
#include <sys/socket.h>

#define RECORD 16384u
#define MOST (12u * 1024 * 1024) /* more than sockets and buffers hold */
#define SMALL 32768              /* the socket's own buffer: a filled one is soon drained */

struct sender {
    struct kp_secure secure;
    struct kp_plain plain;
    bool is_plain;
    struct kp_conn *peer; /* its engine; NULL: it has none */
    int far;
    size_t said, heard; /* bytes, each known by where it stands */
    unsigned rooms, overs, closeds, ends;
    bool proved;
    bool goes_on;          /* when there is room it sends until there is none */
    bool drained_by_bytes; /* when bytes come the far end takes all that left */
    bool refuses;          /* it takes none */
};

static struct world world;

static int open_all(void **state)
{
    const struct kp_settings settings = {.buffer_len = KP_RECORD_BUFFER_LEN};
    world_open(&world, 2048, &settings, &settings);
    return open_loop(state);
}

static int close_all(void **state)
{
    world_close(&world);
    return close_loop(state);
}

/* ---- Hooks --------------------------------------------------------------------------------- */

static struct sender *of_secure(struct kp_secure *secure)
{
    return (struct sender *)(void *)secure; /* its first member */
}

static struct sender *of_plain(struct kp_plain *plain)
{
    return (struct sender *)(void *)((char *)plain - offsetof(struct sender, plain));
}

static int credential(struct kp_secure *s)
{
    return kp_conn_credential(s->conn, &world.credential);
}

static void proved(struct kp_secure *s)
{
    of_secure(s)->proved = true;
}

static void peer_drains(struct sender *s);
static size_t tell(struct sender *s, size_t len);

static size_t secure_data(struct kp_secure *s, const uint8_t *bytes, size_t len)
{
    (void)bytes;
    if (of_secure(s)->drained_by_bytes)
        peer_drains(of_secure(s));
    return of_secure(s)->refuses ? 0 : len;
}

static void secure_room(struct kp_secure *s)
{
    assert_true(++of_secure(s)->rooms < 1000);
    for (unsigned i = 0; of_secure(s)->goes_on && i < 100; i++)
        if (tell(of_secure(s), RECORD) < RECORD)
            break;
}

static void secure_peer_ended(struct kp_secure *s)
{
    of_secure(s)->ends++;
}

static void secure_over(struct kp_secure *s)
{
    of_secure(s)->overs++;
}

static void secure_closed(struct kp_secure *s)
{
    of_secure(s)->closeds++;
}

static const struct kp_secure_hooks secure_hooks = {
    .credential = credential,
    .proved = proved,
    .data = secure_data,
    .room = secure_room,
    .peer_ended = secure_peer_ended,
    .over = secure_over,
    .closed = secure_closed,
};

static size_t plain_data(struct kp_plain *p, const uint8_t *bytes, size_t len)
{
    (void)p, (void)bytes;
    return len;
}

static void plain_room(struct kp_plain *p)
{
    of_plain(p)->rooms++;
}

static void plain_peer_ended(struct kp_plain *p)
{
    of_plain(p)->ends++;
}

static void plain_over(struct kp_plain *p)
{
    of_plain(p)->overs++;
}

static void plain_closed(struct kp_plain *p)
{
    of_plain(p)->closeds++;
}

static const struct kp_plain_hooks plain_hooks = {
    .data = plain_data,
    .room = plain_room,
    .peer_ended = plain_peer_ended,
    .over = plain_over,
    .closed = plain_closed,
};

/* ---- The far end --------------------------------------------------------------------------- */

/* What its engine has to say, into a socket that takes it. */
static void peer_speaks(struct sender *s)
{
    size_t len;
    const uint8_t *out = kp_wire_out(s->peer, &len);
    if (len == 0)
        return;
    assert_int_equal(kp_sock_send(s->far, out, len), len);
    kp_wire_out_done(s->peer, len);
}

static void peer_listens(struct sender *s)
{
    size_t len;
    const uint8_t *data = kp_app_out(s->peer, &len);
    assert_bytes(data, s->heard, len);
    s->heard += len;
    if (len > 0)
        kp_app_out_done(s->peer, len);
}

/* One read of what its socket has.  Whether there was any. */
static bool peer_reads(struct sender *s)
{
    size_t room;
    ssize_t got;
    if (s->peer == NULL)
        return drain(s->far, &s->heard) > 0;
    uint8_t *to = kp_wire_in_room(s->peer, &room);
    assert_non_null(to);
    got = kp_sock_recv(s->far, to, room);
    assert_int_equal(kp_wire_in_done(s->peer, got > 0 ? (size_t)got : 0), 0);
    if (kp_conn_state(s->peer) & KP_NEED_COMPUTE)
        assert_int_equal(kp_conn_compute(s->peer), 0);
    peer_listens(s);
    peer_speaks(s);
    return got > 0;
}

/* All that has left, and what the kernel still moves; the loop doesn't run meanwhile. */
static void peer_drains(struct sender *s)
{
    struct pollfd far = {.fd = s->far, .events = POLLIN};
    do {
        while (peer_reads(s))
            continue;
    } while (poll(&far, 1, 20) > 0);
}

/* ---- Life ---------------------------------------------------------------------------------- */

static struct sender *begin(bool is_plain)
{
    struct sender *s = calloc(1, sizeof *s);
    int near, small = SMALL;
    connect_ends(&near, &s->far);
    assert_int_equal(setsockopt(near, SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
    s->is_plain = is_plain;
    if (is_plain) {
        assert_int_equal(kp_plain_accept(&s->plain, &loop, near, NULL, 0, &plain_hooks), 0);
        kp_plain_pump(&s->plain);
        return s;
    }
    assert_int_equal(
        kp_secure_accept(&s->secure, &loop, near, world.context[KP_SERVER], NULL, 0, &secure_hooks),
        0);
    kp_secure_pump(&s->secure);
    assert_int_equal(kp_conn_new(&s->peer, world.context[KP_CLIENT], START), 0);
    assert_int_equal(kp_conn_connect(s->peer, world.login, NULL, NULL), 0);
    peer_speaks(s);
    until(((void)peer_reads(s), s->proved && (kp_conn_state(s->peer) & KP_PROVED)));
    return s;
}

static void end(struct sender *s)
{
    if (s->is_plain)
        kp_plain_close(&s->plain, false);
    else
        kp_secure_close(&s->secure, false);
    until(s->closeds == 1);
    kp_conn_free(s->peer);
    if (s->far >= 0)
        kp_sock_close(s->far);
    free(s);
}

static size_t tell(struct sender *s, size_t len)
{
    static uint8_t bytes[MOST];
    size_t taken;
    fill(bytes, s->said, len);
    taken =
        s->is_plain ? kp_plain_send(&s->plain, bytes, len) : kp_secure_send(&s->secure, bytes, len);
    s->said += taken;
    return taken;
}

static bool is_blocked(struct sender *s)
{
    return s->is_plain ? kp_plain_blocked(&s->plain) : kp_secure_blocked(&s->secure);
}

/* Until it takes none at all. */
static void fill_up(struct sender *s, size_t piece)
{
    while (tell(s, piece) > 0)
        continue;
}

/* The far end takes all that there is: there has to be room, once. */
static void assert_room_comes(struct sender *s)
{
    uint64_t end_at = uv_hrtime() + 2000000000u;
    s->rooms = 0;
    while (s->rooms == 0 && uv_hrtime() < end_at) {
        one_turn();
        while (peer_reads(s))
            continue;
    }
    assert_int_equal(s->rooms, 1);
}

static void assert_all_is_heard(struct sender *s)
{
    until(((void)peer_reads(s), s->heard == s->said));
    assert_int_equal(s->overs, 0);
}

/* ---- Room ---------------------------------------------------------------------------------- */

static const size_t sizes[] = {1, 100, RECORD, 3 * RECORD, 5 * RECORD + 1, MOST};

/* The socket drains where nobody looks: between one try and the next, outside of any hook. */
static void drained_between_two_sends(bool is_plain)
{
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (unsigned again = 0; again < 3; again++) {
            struct sender *s = begin(is_plain);
            fill_up(s, again == 0 ? 1000 : again == 1 ? RECORD : MOST);
            peer_drains(s);
            if (tell(s, sizes[i]) < sizes[i])
                assert_room_comes(s);
            assert_all_is_heard(s);
            end(s);
        }
    }
}

static void secure_drained_between_two_sends(void **state)
{
    (void)state;
    drained_between_two_sends(false);
}

static void plain_drained_between_two_sends(void **state)
{
    (void)state;
    drained_between_two_sends(true);
}

/* The same of who asks before it sends. */
static void drained_before_it_asks(bool is_plain)
{
    struct sender *s = begin(is_plain);
    fill_up(s, RECORD);
    peer_drains(s);
    assert_true(is_blocked(s));
    assert_room_comes(s);
    assert_false(is_blocked(s));
    assert_int_equal(tell(s, RECORD), RECORD);
    assert_all_is_heard(s);
    end(s);
}

static void secure_drained_before_it_asks(void **state)
{
    (void)state;
    drained_before_it_asks(false);
}

static void plain_drained_before_it_asks(void **state)
{
    (void)state;
    drained_before_it_asks(true);
}

static unsigned next(unsigned *seed)
{
    *seed = *seed * 1103515245u + 12345u;
    return *seed >> 16;
}

/* One step of any kind; whether the last send left something. */
static bool step(struct sender *s, unsigned *seed, bool waits)
{
    unsigned kind = next(seed) % 6;
    size_t len = 1 + next(seed) % (kind == 0 ? 200000 : 2000);
    s->rooms = 0;
    if (kind < 3)
        waits = tell(s, len) < len;
    else if (kind == 3)
        (void)peer_reads(s);
    else if (kind == 4)
        one_turn();
    else
        waits = is_blocked(s);
    return waits && s->rooms == 0;
}

/* Sends, asks, reads and turns of the loop in any order: who waits in the end hears of room. */
static void in_any_order(bool is_plain)
{
    struct sender *s = begin(is_plain);
    unsigned seed = 1;
    for (unsigned round = 0; round < 300; round++) {
        bool waits = false;
        for (unsigned steps = next(&seed) % 40; steps > 0; steps--)
            waits = step(s, &seed, waits);
        if (waits)
            assert_room_comes(s);
    }
    assert_all_is_heard(s);
    end(s);
}

static void secure_in_any_order(void **state)
{
    (void)state;
    in_any_order(false);
}

static void plain_in_any_order(void **state)
{
    (void)state;
    in_any_order(true);
}

/* ---- The end ------------------------------------------------------------------------------- */

static void far_end_says_end(struct sender *s)
{
    if (s->peer != NULL) {
        assert_int_equal(kp_app_in_end(s->peer), 0);
        peer_speaks(s);
    }
    kp_sock_end(s->far);
    until(s->ends == 1);
}

/* It listens on after its end, then it is gone.  Only a send finds that out. */
static void gone_after_its_end(bool is_plain)
{
    struct sender *s = begin(is_plain);
    far_end_says_end(s);
    assert_int_equal(tell(s, 1000), 1000);
    assert_all_is_heard(s);
    run_ms(5); /* what the loop watched for until then, it does no more */
    kp_sock_abort(s->far);
    s->far = -1;
    usleep(1000);
    assert_int_equal(tell(s, 1000), 1000);
    assert_int_equal(s->overs, 0);
    until(s->overs == 1);
    assert_true((s->is_plain ? s->plain.net_error : s->secure.net_error) != 0);
    end(s);
}

static void secure_gone_after_its_end(void **state)
{
    (void)state;
    gone_after_its_end(false);
}

static void plain_gone_after_its_end(void **state)
{
    (void)state;
    gone_after_its_end(true);
}

/* In one piece: a byte and what is no record.  The byte is handed over after the fault was seen. */
static void peer_speaks_nonsense(struct sender *s)
{
    static const uint8_t nonsense[64] = {23, 3, 3, 0, 59};
    uint8_t bytes[1024];
    size_t len, used = 0;
    assert_int_equal(kp_app_in(s->peer, (const uint8_t *)"x", 1, &used), 0);
    const uint8_t *out = kp_wire_out(s->peer, &len);
    assert_true(len + sizeof nonsense <= sizeof bytes);
    memcpy(bytes, out, len);
    memcpy(bytes + len, nonsense, sizeof nonsense);
    assert_int_equal(kp_sock_send(s->far, bytes, len + sizeof nonsense), len + sizeof nonsense);
    kp_wire_out_done(s->peer, len);
}

/* There is room just when it is over, before the owner can know: it isn't asked again and again. */
static void failed_where_room_is(void **state)
{
    struct sender *s = begin(false);
    (void)state;
    fill_up(s, RECORD);
    s->goes_on = s->drained_by_bytes = true;
    s->rooms = 0;
    peer_speaks_nonsense(s);
    until(s->overs == 1);
    assert_int_equal(s->secure.error, KP_E_RECORD_MAC);
    end(s);
}

/* Its end is held up by bytes that the owner doesn't take: what it says meanwhile is lost, and it
 * hears of that when it has taken them. */
static void failed_behind_bytes(void **state)
{
    struct sender *s = begin(false);
    (void)state;
    s->goes_on = s->refuses = true;
    peer_speaks_nonsense(s);
    until(s->secure.held);
    assert_int_equal(tell(s, RECORD), RECORD);
    run_ms(5);
    assert_int_equal(s->overs, 0);
    s->refuses = false;
    kp_secure_release(&s->secure);
    assert_int_equal(s->overs, 1);
    assert_int_equal(s->rooms, 0);
    end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secure_drained_between_two_sends),
        cmocka_unit_test(plain_drained_between_two_sends),
        cmocka_unit_test(secure_drained_before_it_asks),
        cmocka_unit_test(plain_drained_before_it_asks),
        cmocka_unit_test(secure_in_any_order),
        cmocka_unit_test(plain_in_any_order),
        cmocka_unit_test(secure_gone_after_its_end),
        cmocka_unit_test(plain_gone_after_its_end),
        cmocka_unit_test(failed_where_room_is),
        cmocka_unit_test(failed_behind_bytes),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
