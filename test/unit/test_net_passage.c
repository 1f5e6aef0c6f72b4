/*
 * A connection that is passed on: all bytes both ways at once, no more in memory than the slower
 * side takes, FIN and reset as they came, every other end, and the log's numbers.
 */
#include "net_ends.h"

#include "net/passage.h"

#include <sys/un.h>

struct through {
    struct kp_passage passage; /* first */
    unsigned overs, closeds;
    int client, server; /* far ends; -1: none */
    int listener;
    struct kp_address where;
    size_t to_server, at_server; /* sent and heard */
    size_t to_client, at_client;
    bool beginning;
};

static struct through *of(struct kp_passage *passage)
{
    return (struct through *)(void *)passage;
}

static void over(struct kp_passage *passage)
{
    assert_false(of(passage)->beginning);
    assert_int_equal(of(passage)->closeds, 0);
    of(passage)->overs++;
    kp_passage_stop(passage);
}

static void closed(struct kp_passage *passage)
{
    of(passage)->closeds++;
}

static const struct kp_passage_hooks hooks = {.over = over, .closed = closed};

static void begin_to(struct through *t, size_t first_len, uint32_t connect_ms, uint32_t idle_ms)
{
    struct kp_passage_way way = {&t->where, connect_ms, idle_ms};
    uint8_t *first = malloc(first_len + 1);
    int near;
    connect_ends(&near, &t->client);
    fill(first, 0, first_len);
    t->server = -1;
    t->to_server = first_len;
    t->beginning = true;
    assert_int_equal(kp_passage_begin(&t->passage, &loop, near, first, first_len, &way, &hooks), 0);
    t->beginning = false;
    free(first);
}

static struct through *begin(size_t first_len, uint32_t idle_ms)
{
    struct through *t = calloc(1, sizeof *t);
    t->listener = listen_at(&t->where);
    begin_to(t, first_len, 5000, idle_ms);
    t->server = take(t->listener);
    return t;
}

static void drop(int *fd)
{
    if (*fd >= 0)
        kp_sock_close(*fd);
    *fd = -1;
}

static void end(struct through *t, enum kp_passage_end why, int error)
{
    until(t->closeds == 1);
    assert_int_equal(t->overs, 1);
    assert_int_equal(t->passage.end, why);
    assert_int_equal(t->passage.error, error);
    assert_null(t->passage.client.saved);
    assert_null(t->passage.server.saved);
    kp_passage_stop(&t->passage);
    run_ms(2);
    assert_int_equal(t->overs + t->closeds, 2);
    drop(&t->client);
    drop(&t->server);
    drop(&t->listener);
    free(t);
}

/* ---- Bytes ----------------------------------------------------------------------------------- */

static void bytes_go_both_ways_at_once(void **state)
{
    static const size_t firsts[] = {0, 1, 517, 300000};
    const size_t up = 5000000, down = 7000000;
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct through *t = begin(firsts[i], 10000);
        while (t->at_server < up || t->at_client < down) {
            (void)feed(t->client, &t->to_server, up);
            (void)feed(t->server, &t->to_client, down);
            one_turn();
            (void)drain(t->server, &t->at_server);
            (void)drain(t->client, &t->at_client);
        }
        kp_sock_end(t->client);
        assert_int_equal(last_word(t->server), 0);
        kp_sock_end(t->server);
        assert_int_equal(last_word(t->client), 0);
        until(t->overs == 1);
        assert_int_equal(t->passage.client.bytes, up);
        assert_int_equal(t->passage.server.bytes, down);
        end(t, KP_PASSED_BOTH, 0);
    }
}

/* Until nothing moves any more. */
static void push(int fd, size_t *at, size_t to)
{
    for (unsigned still = 0; still < 200; still++) {
        while (feed(fd, at, to))
            still = 0;
        one_turn();
    }
}

static void who_does_not_read_is_waited_for(void **state)
{
    struct through *t = begin(100, 10000);
    const size_t all = 100000000;
    (void)state;
    push(t->client, &t->to_server, all);
    push(t->server, &t->to_client, all);
    assert_true(t->to_server < all && t->to_client < all);
    assert_true(t->passage.client.saved_len <= KP_SCRATCH_LEN);
    assert_true(t->passage.server.saved_len <= KP_SCRATCH_LEN);
    assert_int_equal(t->passage.client.stream.wants | t->passage.server.stream.wants,
                     KP_STREAM_WRITE);
    until(((void)drain(t->server, &t->at_server), t->at_server == t->to_server));
    until(((void)drain(t->client, &t->at_client), t->at_client == t->to_client));
    /* What was refused is told of when it ends: all of it went before the FIN. */
    push(t->client, &t->to_server, t->to_server + 20000000);
    kp_sock_end(t->client);
    kp_sock_end(t->server);
    until(drain(t->server, &t->at_server) == 0);
    assert_int_equal(t->at_server, t->to_server);
    until(drain(t->client, &t->at_client) == 0);
    end(t, KP_PASSED_BOTH, 0);
}

static void either_may_end_first(void **state)
{
    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        struct through *t = begin(0, 10000);
        int first = turn ? t->server : t->client, last = turn ? t->client : t->server;
        kp_sock_end(first);
        assert_int_equal(last_word(last), 0);
        for (int i = 0; i < 20; i++) {
            say(last, "still here");
            assert_hears(first, "still here");
        }
        assert_int_equal(t->overs, 0);
        kp_sock_end(last);
        assert_int_equal(last_word(first), 0);
        end(t, KP_PASSED_BOTH, 0);
    }
}

/* The whole of a short connection is there before the server is reached. */
static void a_client_may_be_done_before_the_server_is_reached(void **state)
{
    struct through *t = calloc(1, sizeof *t);
    (void)state;
    t->listener = listen_at(&t->where);
    begin_to(t, 10, 5000, 0);
    while (t->to_server < 2000)
        (void)feed(t->client, &t->to_server, 2000);
    kp_sock_end(t->client);
    t->server = take(t->listener);
    until(drain(t->server, &t->at_server) == 0);
    assert_int_equal(t->at_server, 2000);
    kp_sock_end(t->server);
    end(t, KP_PASSED_BOTH, 0);
}

/* ---- Breaks ---------------------------------------------------------------------------------- */

static void a_reset_is_passed_on(void **state)
{
    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        struct through *t = begin(1000, 10000);
        run_ms(5);
        kp_sock_abort(turn ? t->server : t->client);
        assert_int_equal(last_word(turn ? t->client : t->server), UV_ECONNRESET);
        *(turn ? &t->server : &t->client) = -1;
        end(t, turn ? KP_PASSED_SERVER : KP_PASSED_CLIENT, UV_ECONNRESET);
    }
}

/* Its half has ended: sending to it is how its reset is met. */
static void a_reset_after_the_end_is_passed_on(void **state)
{
    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        struct through *t = begin(0, 10000);
        int *first = turn ? &t->server : &t->client, *last = turn ? &t->client : &t->server;
        kp_sock_end(*first);
        assert_int_equal(last_word(*last), 0);
        kp_sock_abort(*first);
        *first = -1;
        run_ms(5);
        assert_int_equal(t->overs, 0);
        say(*last, "x");
        until(t->overs == 1);
        assert_true(t->passage.error == UV_EPIPE || t->passage.error == UV_ECONNRESET);
        end(t, turn ? KP_PASSED_SERVER : KP_PASSED_CLIENT, t->passage.error);
    }
}

static int listen_unix(struct kp_address *where)
{
    const char *why;
    char text[64];
    snprintf(text, sizeof text, "unix:/tmp/keyplate-test-%d", (int)getpid());
    assert_int_equal(kp_address_find(where, text, &why), 0);
    return kp_sock_listen(where);
}

static void unlink_unix(const struct kp_address *where)
{
    (void)unlink(((const struct sockaddr_un *)(const void *)&where->where)->sun_path);
}

/* As one that refuses an upload. */
static void what_a_deaf_server_said_still_passes(void **state)
{
    struct through *t = calloc(1, sizeof *t);
    (void)state;
    t->listener = listen_unix(&t->where);
    assert_true(t->listener >= 0);
    begin_to(t, 10, 5000, 10000);
    t->server = take(t->listener);
    run_ms(5);
    (void)shutdown(t->server, SHUT_RD);
    for (int i = 0; i < 1000; i++) {
        (void)feed(t->client, &t->to_server, 20000000);
        one_turn();
    }
    assert_int_equal(t->to_server, 20000000); /* thrown away */
    assert_int_equal(t->overs, 0);
    say(t->server, "413");
    assert_hears(t->client, "413");
    unlink_unix(&t->where);
    kp_sock_end(t->server);
    end(t, KP_PASSED_SERVER, UV_EPIPE);
}

/* ---- Servers that can't be reached ------------------------------------------------------------
 */

static void nobody_listens(void **state)
{
    struct through *t = calloc(1, sizeof *t);
    (void)state;
    t->listener = listen_at(&t->where);
    drop(&t->listener);
    begin_to(t, 1000, 5000, 0);
    assert_int_equal(last_word(t->client), UV_ECONNRESET);
    end(t, KP_PASSED_UNREACHED, UV_ECONNREFUSED);
}

/* connect() itself fails. */
static void there_is_no_such_place(void **state)
{
    struct through *t = calloc(1, sizeof *t);
    (void)state;
    t->listener = listen_unix(&t->where);
    drop(&t->listener);
    unlink_unix(&t->where);
    begin_to(t, 1000, 5000, 0);
    assert_int_equal(t->overs, 0);
    assert_int_equal(last_word(t->client), UV_ECONNRESET);
    end(t, KP_PASSED_UNREACHED, UV_ENOENT);
}

/* A listener whose backlog is full. */
static void nobody_answers(void **state)
{
    struct through *t = calloc(1, sizeof *t);
    int others[3];
    bool done = true;
    uint64_t start;
    (void)state;
    t->listener = listen_at(&t->where);
    assert_int_equal(listen(t->listener, 0), 0);
    for (int i = 0; i < 3; i++)
        others[i] = kp_sock_connect(&t->where, &done);
    start = clock_start();
    begin_to(t, 1000, 100, 0);
    until(t->overs == 1);
    assert_in_range(uv_hrtime() - start, 95000000u, 2000000000u);
    end(t, KP_PASSED_UNREACHED, UV_ETIMEDOUT);
    for (int i = 0; i < 3; i++)
        kp_sock_close(others[i]);
}

/* ---- Time and the owner ------------------------------------------------------------------------
 */

static void an_idle_one_ends(void **state)
{
    struct through *t = begin(10, 500);
    (void)state;
    for (int i = 0; i < 12; i++) {
        say(i % 2 ? t->client : t->server, "x");
        run_ms(60);
    }
    assert_int_equal(t->overs, 0);
    until(t->overs == 1);
    assert_int_equal(last_word(t->client), UV_ECONNRESET);
    end(t, KP_PASSED_TIMEOUT, 0);
}

static void its_owner_may_stop_it(void **state)
{
    (void)state;
    for (int turn = 0; turn < 3; turn++) {
        struct through *t = calloc(1, sizeof *t);
        t->listener = listen_at(&t->where);
        begin_to(t, 1000, 5000, 0);
        if (turn > 0)
            t->server = take(t->listener);
        if (turn > 1)
            push(t->client, &t->to_server, 100000000);
        kp_passage_stop(&t->passage);
        assert_int_equal(t->overs, 1);
        assert_int_equal(t->closeds, 0);
        assert_int_equal(last_word(t->client), UV_ECONNRESET);
        if (turn > 0)
            assert_int_equal(last_word(t->server), UV_ECONNRESET);
        end(t, KP_PASSED_OWNER, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_go_both_ways_at_once),
        cmocka_unit_test(who_does_not_read_is_waited_for),
        cmocka_unit_test(either_may_end_first),
        cmocka_unit_test(a_client_may_be_done_before_the_server_is_reached),
        cmocka_unit_test(a_reset_is_passed_on),
        cmocka_unit_test(a_reset_after_the_end_is_passed_on),
        cmocka_unit_test(what_a_deaf_server_said_still_passes),
        cmocka_unit_test(nobody_listens),
        cmocka_unit_test(there_is_no_such_place),
        cmocka_unit_test(nobody_answers),
        cmocka_unit_test(an_idle_one_ends),
        cmocka_unit_test(its_owner_may_stop_it),
    };
    return cmocka_run_group_tests(tests, open_loop, close_loop);
}
