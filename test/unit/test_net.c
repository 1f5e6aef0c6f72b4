/*
 * A client's plain connection: bytes in order both ways however little either side takes, half
 * closes, deadlines, resets, and an end that loses nothing; and a secure one that is given what was
 * read of it before.
 */
#include "net_ends.h"

#include "net/plain.h"
#include "net/secure_stream.h"

struct end {
    struct kp_plain plain; /* first */
    size_t at;             /* bytes that came, and were what they should be */
    size_t limit;          /* bytes that it takes before it wants no more */
    size_t sent;
    size_t to_send;
    unsigned rooms, peer_ends, overs, timeouts, closeds;
    int far;
    char close_in; /* the hook that closes it: data, room, end, over, time */
    bool sending;  /* inside kp_plain_send */
};

static struct end *of(struct kp_plain *plain)
{
    return (struct end *)(void *)plain;
}

static void may_close(struct end *e, char where)
{
    assert_false(e->sending);
    assert_int_equal(e->closeds, 0);
    if (e->close_in == where)
        kp_plain_close(&e->plain, true);
}

static size_t data(struct kp_plain *plain, const uint8_t *bytes, size_t len)
{
    struct end *e = of(plain);
    size_t used = len < e->limit - e->at ? len : e->limit - e->at;
    assert_int_equal(e->peer_ends + e->overs, 0);
    assert_bytes(bytes, e->at, used);
    e->at += used;
    may_close(e, 'd');
    return used;
}

static void push(struct end *e)
{
    static uint8_t bytes[100000];
    size_t len = e->to_send - e->sent < sizeof bytes ? e->to_send - e->sent : sizeof bytes;
    size_t taken;
    while (len > 0 && !kp_plain_blocked(&e->plain)) {
        fill(bytes, e->sent, len);
        e->sending = true;
        taken = kp_plain_send(&e->plain, bytes, len);
        e->sending = false;
        assert_true(taken <= len);
        e->sent += taken;
        len = e->to_send - e->sent < sizeof bytes ? e->to_send - e->sent : sizeof bytes;
    }
}

static void room(struct kp_plain *plain)
{
    of(plain)->rooms++;
    may_close(of(plain), 'r');
    push(of(plain));
}

static void peer_ended(struct kp_plain *plain)
{
    of(plain)->peer_ends++;
    may_close(of(plain), 'e');
}

static void over(struct kp_plain *plain)
{
    of(plain)->overs++;
    may_close(of(plain), 'o');
}

static void timeout(struct kp_plain *plain)
{
    of(plain)->timeouts++;
    may_close(of(plain), 't');
}

static void closed(struct kp_plain *plain)
{
    of(plain)->closeds++;
}

static const struct kp_plain_hooks hooks = {
    .data = data,
    .room = room,
    .peer_ended = peer_ended,
    .over = over,
    .timeout = timeout,
    .closed = closed,
};

/* first_len bytes of what comes were read before. */
static struct end *begin(size_t first_len)
{
    struct end *e = calloc(1, sizeof *e);
    uint8_t *first = malloc(first_len + 1);
    int near;
    connect_ends(&near, &e->far);
    e->limit = SIZE_MAX;
    fill(first, 0, first_len);
    assert_int_equal(kp_plain_accept(&e->plain, &loop, near, first, first_len, &hooks), 0);
    free(first);
    kp_plain_pump(&e->plain);
    return e;
}

static void finish(struct end *e)
{
    kp_plain_close(&e->plain, false);
    kp_plain_close(&e->plain, false);
    until(e->closeds == 1);
    run_ms(2);
    assert_int_equal(e->closeds, 1);
    if (e->far >= 0)
        kp_sock_close(e->far);
    free(e);
}

/* ---- Bytes --------------------------------------------------------------------------------- */

static void what_was_read_before_comes_first(void **state)
{
    static const size_t lens[] = {1, 16384, 16385, 100000};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        size_t fed = lens[i];
        struct end *e = begin(lens[i]);
        assert_int_equal(e->at, lens[i]);
        while (feed(e->far, &fed, lens[i] + 50000))
            one_turn();
        until(e->at == lens[i] + 50000);
        assert_int_equal(e->plain.bytes_in, e->at);
        assert_null(e->plain.bytes);
        finish(e);
    }
}

static void nothing_comes_while_it_is_held(void **state)
{
    size_t fed = 1000;
    struct end *e = begin(1000);
    (void)state;
    e->limit = 1000;
    for (size_t step = 1; e->at < 300000; step = step * 3 % 40009) {
        e->limit = e->at + step;
        kp_plain_release(&e->plain);
        for (unsigned turns = 0; turns < 3 || e->at < e->limit; turns++) {
            (void)feed(e->far, &fed, 10000000);
            one_turn();
        }
        assert_int_equal(e->at, e->limit);
        assert_int_equal(e->plain.bytes_in, e->at);
        /* It holds one read and no more. */
        assert_true(e->plain.capacity <= 16384);
    }
    finish(e);
}

static void what_does_not_fit_is_told_when_it_does(void **state)
{
    struct end *e = begin(0);
    size_t heard = 0;
    (void)state;
    e->to_send = 30000000;
    push(e);
    assert_true(e->sent > 0 && e->sent < e->to_send);
    assert_true(kp_plain_blocked(&e->plain));
    run_ms(20);
    assert_int_equal(e->rooms, 0);
    until(((void)drain(e->far, &heard), heard == e->to_send));
    assert_true(e->rooms > 0);
    assert_int_equal(e->plain.bytes_out, e->to_send);
    assert_false(kp_plain_blocked(&e->plain));
    finish(e);
}

/* ---- Ends ---------------------------------------------------------------------------------- */

static void the_peer_may_end_first(void **state)
{
    struct end *e = begin(10);
    size_t fed = 10, heard = 0;
    (void)state;
    e->limit = 15;
    assert_true(feed(e->far, &fed, 1000));
    kp_sock_end(e->far);
    until(e->at == 15);
    run_ms(5);
    assert_int_equal(e->peer_ends, 0); /* not before its last byte */
    e->limit = SIZE_MAX;
    kp_plain_release(&e->plain);
    until(e->peer_ends == 1);
    assert_int_equal(e->at, 1000);
    e->to_send = 20000;
    push(e);
    until(((void)drain(e->far, &heard), heard == 20000));
    assert_int_equal(e->overs, 0);
    kp_plain_end(&e->plain);
    assert_int_equal(e->overs, 1);
    assert_int_equal(e->plain.net_error, 0);
    assert_int_equal(last_word(e->far), 0);
    finish(e);
}

static void we_may_end_first(void **state)
{
    struct end *e = begin(0);
    size_t fed = 0;
    (void)state;
    kp_plain_end(&e->plain);
    kp_plain_end(&e->plain);
    assert_int_equal(last_word(e->far), 0);
    while (feed(e->far, &fed, 200000))
        one_turn();
    until(e->at == 200000);
    assert_int_equal(e->overs, 0);
    kp_sock_end(e->far);
    until(e->overs == 1);
    assert_int_equal(e->peer_ends, 1);
    assert_int_equal(e->plain.net_error, 0);
    finish(e);
}

static void a_reset_is_an_error(void **state)
{
    struct end *e = begin(10);
    (void)state;
    kp_sock_abort(e->far);
    e->far = -1;
    until(e->overs == 1);
    assert_int_equal(e->plain.net_error, UV_ECONNRESET);
    assert_int_equal(e->peer_ends, 0);
    kp_plain_finish(&e->plain);
    until(e->closeds == 1);
    finish(e);
}

/* The peer's half has ended, so that nothing but our own sending meets the reset. */
static struct end *begin_broken(void)
{
    struct end *e = begin(0);
    kp_sock_end(e->far);
    until(e->peer_ends == 1);
    kp_sock_abort(e->far);
    e->far = -1;
    e->to_send = 30000000;
    for (unsigned i = 0; i < 1000 && e->sent < e->to_send; i++) {
        push(e); /* may_close asserts that no hook comes in here */
        usleep(1000);
    }
    assert_int_equal(e->sent, e->to_send);
    assert_int_equal(e->overs, 0);
    return e;
}

static void a_broken_one_takes_all_and_is_over_later(void **state)
{
    struct end *e = begin_broken();
    (void)state;
    until(e->overs == 1);
    assert_true(e->plain.net_error == UV_EPIPE || e->plain.net_error == UV_ECONNRESET);
    assert_true(e->plain.bytes_out < e->to_send);
    finish(e);
}

static void it_may_be_closed_before_it_is_told(void **state)
{
    struct end *e = begin_broken();
    (void)state;
    assert_non_null(loop.tasks[KP_TASK_FIRST].first);
    kp_plain_close(&e->plain, false);
    assert_null(loop.tasks[KP_TASK_FIRST].first);
    until(e->closeds == 1);
    assert_int_equal(e->overs, 0);
    finish(e);
}

static void an_abort_is_a_reset(void **state)
{
    struct end *e = begin(0);
    (void)state;
    kp_plain_close(&e->plain, true);
    assert_int_equal(last_word(e->far), UV_ECONNRESET);
    finish(e);
}

static void it_may_be_closed_in_every_hook(void **state)
{
    static const char where[] = "dreot";
    (void)state;
    for (size_t i = 0; where[i] != 0; i++) {
        struct end *e = begin(0);
        size_t fed = 0, heard = 0;
        e->close_in = where[i];
        e->to_send = where[i] == 'r' ? 30000000 : 0;
        push(e);
        (void)feed(e->far, &fed, 100);
        if (where[i] == 't')
            kp_plain_deadline(&e->plain, 5, false);
        if (where[i] == 'e' || where[i] == 'o')
            kp_sock_end(e->far);
        if (where[i] == 'o')
            kp_plain_end(&e->plain);
        until(((void)drain(e->far, &heard), e->closeds == 1));
        finish(e);
    }
}

/* ---- Finishing ----------------------------------------------------------------------------- */

static void finish_waits_for_the_peers_end(void **state)
{
    struct end *e = begin(0);
    size_t fed = 0, heard = 0;
    (void)state;
    e->to_send = 10000;
    push(e);
    kp_plain_finish(&e->plain);
    assert_int_equal(kp_plain_send(&e->plain, (const uint8_t *)"x", 1), 0);
    for (unsigned i = 0; i < 20; i++) {
        (void)feed(e->far, &fed, 10000000);
        one_turn();
    }
    assert_int_equal(e->closeds, 0);
    assert_int_equal(e->at, 0);
    until(drain(e->far, &heard) == 0);
    assert_int_equal(heard, 10000);
    kp_sock_end(e->far);
    until(e->closeds == 1);
    finish(e);
}

static void finish_does_not_wait_for_ever(void **state)
{
    struct end *e = begin(0);
    uint64_t start = clock_start();
    (void)state;
    kp_plain_finish(&e->plain);
    until(e->closeds == 1);
    assert_in_range(uv_hrtime() - start, 1900000000u, 4000000000u);
    finish(e);
}

static void finish_does_not_read_for_ever(void **state)
{
    struct end *e = begin(0);
    uint64_t start = clock_start();
    size_t fed = 0;
    (void)state;
    kp_plain_finish(&e->plain);
    until(((void)feed(e->far, &fed, SIZE_MAX), e->closeds == 1));
    assert_true(uv_hrtime() - start < 1900000000u);
    assert_true(fed >= 16u << 20);
    finish(e);
}

/* ---- Time ---------------------------------------------------------------------------------- */

static void a_deadline_passes(void **state)
{
    struct end *e = begin(0);
    uint64_t start = clock_start();
    (void)state;
    kp_plain_deadline(&e->plain, 50, false);
    until(e->timeouts == 1);
    assert_in_range(uv_hrtime() - start, 45000000u, 2000000000u);
    kp_plain_deadline(&e->plain, 20, false);
    kp_plain_deadline(&e->plain, 0, false);
    run_ms(60);
    assert_int_equal(e->timeouts, 1);
    finish(e);
}

static void bytes_renew_a_deadline(void **state)
{
    struct end *e = begin(0);
    size_t fed = 0;
    (void)state;
    kp_plain_deadline(&e->plain, 500, true);
    for (size_t i = 1; i <= 30; i++) {
        assert_true(feed(e->far, &fed, i));
        run_ms(20);
    }
    assert_int_equal(e->timeouts, 0);
    until(e->timeouts == 1);
    finish(e);
}

/* ---- A secure one -------------------------------------------------------------------------- */

struct server {
    struct kp_secure secure; /* first */
    struct kp_context *contexts[2];
    struct kp_login *login;
    struct kp_conn *client;
    uint8_t hello[65536];
    size_t hello_len;
    unsigned asked, overs, closeds;
    int far;
};

static struct server *server_of(struct kp_secure *secure)
{
    return (struct server *)(void *)secure;
}

/* The hello was understood: enough. */
static int credential(struct kp_secure *secure)
{
    size_t len;
    const char *name = kp_conn_user(secure->conn, &len);
    assert_int_equal(len, 5);
    assert_memory_equal(name, "alice", 5);
    server_of(secure)->asked++;
    return KP_E_NOT_FOUND;
}

static void secure_over(struct kp_secure *secure)
{
    server_of(secure)->overs++;
    kp_secure_close(secure, false);
}

static void secure_closed(struct kp_secure *secure)
{
    server_of(secure)->closeds++;
}

static const struct kp_secure_hooks secure_hooks = {
    .credential = credential, .over = secure_over, .closed = secure_closed};

/* A real hello as one record, and with an extension that is nothing but long. */
static void make_hello(struct server *s, size_t padding)
{
    struct kp_settings settings = {.role = KP_CLIENT, .versions = KP_USE_TLS12};
    size_t len, block;
    const uint8_t *hello;
    assert_int_equal(kp_context_new(&s->contexts[0], &settings), 0);
    settings.role = KP_SERVER;
    assert_int_equal(kp_context_new(&s->contexts[1], &settings), 0);
    assert_int_equal(
        kp_login_new(&s->login, s->contexts[0], "alice", 5, (const uint8_t *)"password", 8), 0);
    assert_int_equal(kp_conn_new(&s->client, s->contexts[0], 0), 0);
    assert_int_equal(kp_conn_connect(s->client, s->login, NULL, NULL), 0);
    hello = kp_wire_out(s->client, &len);
    memcpy(s->hello, hello, len);
    block = 5 + 4 + 2 + 32;
    block += 1u + s->hello[block];
    block += 2u + (size_t)(s->hello[block] << 8 | s->hello[block + 1]);
    block += 1u + s->hello[block];
    memset(s->hello + len, 0, 4 + padding);
    s->hello[len] = 0xFA;
    s->hello[len + 2] = (uint8_t)(padding >> 8);
    s->hello[len + 3] = (uint8_t)padding;
    s->hello_len = len + 4 + padding;
    for (size_t i = 0; i < 3; i++) {
        size_t at = (size_t[]){3, 7, block}[i];
        size_t value = s->hello_len - at - 2;
        s->hello[at] = (uint8_t)(value >> 8);
        s->hello[at + 1] = (uint8_t)value;
    }
}

static void in_records_of_a_byte(struct server *s)
{
    uint8_t *all = malloc(s->hello_len);
    size_t len = s->hello_len - 5;
    memcpy(all, s->hello + 5, len);
    for (size_t i = 0; i < len; i++) {
        memcpy(s->hello + 6 * i, "\x16\x03\x01\x00\x01", 5);
        s->hello[6 * i + 5] = all[i];
    }
    s->hello_len = 6 * len;
    free(all);
}

/* The first bytes are given, the others come by the socket. */
static void assert_is_heard(struct server *s, size_t first)
{
    size_t at = first;
    int near;
    connect_ends(&near, &s->far);
    s->asked = s->overs = s->closeds = 0;
    assert_int_equal(
        kp_secure_accept(&s->secure, &loop, near, s->contexts[1], s->hello, first, &secure_hooks),
        0);
    kp_secure_pump(&s->secure);
    while (at < s->hello_len) {
        ssize_t sent = kp_sock_send(s->far, s->hello + at, s->hello_len - at);
        assert_true(sent > 0 || sent == UV_EAGAIN);
        at += sent > 0 ? (size_t)sent : 0;
        one_turn();
    }
    until(s->closeds == 1);
    assert_int_equal(s->asked, 1);
    assert_int_equal(s->overs, 1);
    kp_sock_close(s->far);
}

static void free_server(struct server *s)
{
    kp_conn_free(s->client);
    kp_login_free(s->login);
    kp_context_free(s->contexts[0]);
    kp_context_free(s->contexts[1]);
    free(s);
}

static void a_secure_one_hears_what_was_read_before(void **state)
{
    struct server *s = calloc(1, sizeof *s);
    (void)state;
    make_hello(s, 0);
    for (size_t first = 0; first <= s->hello_len; first += first < 8 ? 1 : 37)
        assert_is_heard(s, first);
    assert_is_heard(s, s->hello_len);
    free_server(s);
}

/* More than the engine has room for at once. */
static void and_that_may_be_long(void **state)
{
    struct server *s = calloc(1, sizeof *s);
    (void)state;
    make_hello(s, 8000);
    in_records_of_a_byte(s);
    assert_true(s->hello_len > 48000);
    assert_is_heard(s, s->hello_len);
    assert_is_heard(s, 40000);
    free_server(s);
}

static void one_that_is_closed_early_forgets_them(void **state)
{
    struct server *s = calloc(1, sizeof *s);
    int near;
    (void)state;
    make_hello(s, 0);
    connect_ends(&near, &s->far);
    assert_int_equal(kp_secure_accept(&s->secure, &loop, near, s->contexts[1], s->hello,
                                      s->hello_len, &secure_hooks),
                     0);
    kp_secure_close(&s->secure, false);
    until(s->closeds == 1);
    assert_int_equal(s->asked, 0);
    kp_sock_close(s->far);
    free_server(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_read_before_comes_first),
        cmocka_unit_test(nothing_comes_while_it_is_held),
        cmocka_unit_test(what_does_not_fit_is_told_when_it_does),
        cmocka_unit_test(the_peer_may_end_first),
        cmocka_unit_test(we_may_end_first),
        cmocka_unit_test(a_reset_is_an_error),
        cmocka_unit_test(a_broken_one_takes_all_and_is_over_later),
        cmocka_unit_test(it_may_be_closed_before_it_is_told),
        cmocka_unit_test(an_abort_is_a_reset),
        cmocka_unit_test(it_may_be_closed_in_every_hook),
        cmocka_unit_test(finish_waits_for_the_peers_end),
        cmocka_unit_test(finish_does_not_wait_for_ever),
        cmocka_unit_test(finish_does_not_read_for_ever),
        cmocka_unit_test(a_deadline_passes),
        cmocka_unit_test(bytes_renew_a_deadline),
        cmocka_unit_test(a_secure_one_hears_what_was_read_before),
        cmocka_unit_test(and_that_may_be_long),
        cmocka_unit_test(one_that_is_closed_early_forgets_them),
    };
    return cmocka_run_group_tests(tests, open_loop, close_loop);
}
