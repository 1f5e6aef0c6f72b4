/*
 * A newcomer is told by its first bytes and handed on with its socket, which the same loop then
 * watches for its new owner; one that never says enough is let go.
 */
#include "net_ends.h"

#include "net/newcomer.h"
#include "net/passage.h"
#include "net/plain.h"

#include <fcntl.h>

#define REQUEST "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

struct guest {
    struct kp_newcomer newcomer; /* first */
    struct kp_plain plain;
    struct kp_passage passage;
    const struct kp_address *server; /* pass it on; NULL: keep it */
    unsigned sorts, gones, closeds, ends, overs;
    int error;
    int fd, far;
    enum kp_first first;
    uint8_t heard[40000];
    size_t len;
    bool leave; /* close what was sorted at once, and open another socket of that number */
};

static struct guest *of(struct kp_newcomer *newcomer)
{
    return (struct guest *)(void *)newcomer;
}

/* ---- New owners ---------------------------------------------------------------------------- */

static struct guest *of_plain(struct kp_plain *plain)
{
    return (struct guest *)(void *)((char *)plain - offsetof(struct guest, plain));
}

static size_t data(struct kp_plain *plain, const uint8_t *bytes, size_t len)
{
    struct guest *g = of_plain(plain);
    assert_true(g->len + len <= sizeof g->heard);
    memcpy(g->heard + g->len, bytes, len);
    g->len += len;
    return len;
}

static void peer_ended(struct kp_plain *plain)
{
    kp_plain_end(plain);
}

static void over(struct kp_plain *plain)
{
    of_plain(plain)->overs++;
    kp_plain_finish(plain);
}

static void plain_closed(struct kp_plain *plain)
{
    of_plain(plain)->ends++;
}

static const struct kp_plain_hooks plain_hooks = {
    .data = data, .peer_ended = peer_ended, .over = over, .closed = plain_closed};

static struct guest *of_passage(struct kp_passage *passage)
{
    return (struct guest *)(void *)((char *)passage - offsetof(struct guest, passage));
}

static void passage_over(struct kp_passage *passage)
{
    of_passage(passage)->overs++;
}

static void passage_closed(struct kp_passage *passage)
{
    of_passage(passage)->ends++;
}

static const struct kp_passage_hooks passage_hooks = {passage_over, passage_closed};

/* ---- Newcomers ----------------------------------------------------------------------------- */

static void hand_on(struct guest *g, int fd, const uint8_t *bytes, size_t len)
{
    struct kp_passage_way way = {g->server, 1000, 1000};
    if (g->server != NULL) {
        assert_int_equal(kp_passage_begin(&g->passage, &loop, fd, bytes, len, &way, &passage_hooks),
                         0);
    } else {
        assert_int_equal(kp_plain_accept(&g->plain, &loop, fd, bytes, len, &plain_hooks), 0);
        kp_plain_pump(&g->plain);
    }
}

static void sorted(struct kp_newcomer *newcomer, int fd, enum kp_first first, const uint8_t *bytes,
                   size_t len)
{
    struct guest *g = of(newcomer);
    g->sorts++;
    g->first = first;
    g->fd = fd;
    kp_newcomer_stop(newcomer);
    if (g->leave) {
        int near;
        kp_sock_close(fd);
        kp_sock_close(g->far);
        connect_ends(&near, &g->far);
        fd = dup2(near, fd);
        assert_int_equal(fd, g->fd);
        if (near != fd)
            kp_sock_close(near);
    }
    hand_on(g, fd, bytes, len);
}

static void gone(struct kp_newcomer *newcomer, int error)
{
    of(newcomer)->gones++;
    of(newcomer)->error = error;
    kp_newcomer_stop(newcomer);
}

static void closed(struct kp_newcomer *newcomer)
{
    of(newcomer)->closeds++;
    assert_null(newcomer->bytes);
}

static const struct kp_newcomer_hooks hooks = {sorted, gone, closed};

static struct guest *begin(uint32_t ms)
{
    struct guest *g = calloc(1, sizeof *g);
    connect_ends(&g->fd, &g->far);
    assert_int_equal(kp_newcomer_begin(&g->newcomer, &loop, g->fd, ms, &hooks), 0);
    return g;
}

static void end(struct guest *g, unsigned sorts, unsigned gones)
{
    until(g->closeds == 1 && g->ends == sorts);
    run_ms(2);
    assert_int_equal(g->sorts, sorts);
    assert_int_equal(g->gones, gones);
    assert_int_equal(g->closeds, 1);
    if (sorts == 0)
        assert_true(fcntl(g->fd, F_GETFD) < 0);
    if (g->far >= 0)
        kp_sock_close(g->far);
    free(g);
}

static void assert_served(struct guest *g, const char *text)
{
    until(g->len == strlen(text));
    assert_memory_equal(g->heard, text, g->len);
    kp_sock_end(g->far);
    assert_int_equal(last_word(g->far), 0);
    assert_int_equal(g->overs, 1);
    end(g, 1, 0);
}

static void the_same_loop_watches_it_for_its_new_owner(void **state)
{
    struct guest *g = begin(5000);
    (void)state;
    say(g->far, REQUEST);
    until(g->sorts == 1);
    assert_int_equal(g->first, KP_FIRST_HTTP);
    say(g->far, "and more");
    assert_served(g, REQUEST "and more");
}

static void it_may_come_in_pieces(void **state)
{
    struct guest *g = begin(5000);
    (void)state;
    say(g->far, "GE");
    run_ms(5);
    say(g->far, "T");
    run_ms(5);
    assert_int_equal(g->sorts, 0);
    say(g->far, " / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_served(g, REQUEST);
}

/* The event of the old owner's watch doesn't reach a socket that has its number now. */
static void the_number_may_be_another_socket_at_once(void **state)
{
    struct guest *g = begin(5000);
    (void)state;
    g->leave = true;
    say(g->far, REQUEST);
    until(g->sorts == 1);
    run_ms(5);
    say(g->far, "after");
    assert_served(g, REQUEST "after");
}

static void it_may_be_passed_on(void **state)
{
    struct kp_address where;
    int listener = listen_at(&where), server;
    struct guest *g = begin(5000);
    (void)state;
    g->server = &where;
    say(g->far, REQUEST);
    server = take(listener);
    say(g->far, "more");
    assert_hears(server, REQUEST "more");
    say(server, "answer");
    kp_sock_close(server);
    assert_hears(g->far, "answer");
    kp_sock_end(g->far);
    kp_sock_close(listener);
    end(g, 1, 0);
}

static void many_at_once(void **state)
{
    struct guest *all[200];
    (void)state;
    for (size_t i = 0; i < 200; i++) {
        all[i] = begin(5000);
        say(all[i]->far, i % 2 ? REQUEST : "GET");
    }
    for (size_t i = 0; i < 200; i += 2)
        say(all[i]->far, " / HTTP/1.1\r\nHost: x\r\n\r\n");
    for (size_t i = 0; i < 200; i++)
        assert_served(all[i], REQUEST);
}

/* Records of a byte each, of a hello that is never there. */
static void what_cannot_be_told_ends_at_the_most(void **state)
{
    static const uint8_t start[] =
        "\x16\x03\x01\0\1\1\x16\x03\1\0\1\0\x16\3\1\0\1\x3F\x16\3\1\0\1\0";
    struct guest *g = begin(5000);
    size_t sent = 0;
    (void)state;
    for (; sent < KP_FIRST_MAX - 1; sent++) {
        uint8_t byte = sent < 24 ? start[sent] : start[sent % 6 == 5 ? 3 : sent % 6];
        assert_int_equal(kp_sock_send(g->far, &byte, 1), 1);
        if (sent % 100 == 0)
            one_turn();
    }
    run_ms(20);
    assert_int_equal(g->sorts, 0);
    assert_int_equal(g->newcomer.len, KP_FIRST_MAX - 1);
    assert_int_equal(g->newcomer.capacity, KP_FIRST_MAX);
    say(g->far, "\x16");
    until(g->sorts == 1);
    assert_int_equal(g->first, KP_FIRST_OTHER);
    kp_sock_end(g->far);
    end(g, 1, 0);
}

/* ---- Those that are let go ------------------------------------------------------------------- */

static void it_may_end_before(void **state)
{
    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        struct guest *g = begin(5000);
        if (turn)
            say(g->far, "GE");
        kp_sock_end(g->far);
        until(g->gones == 1);
        assert_int_equal(g->error, UV_EOF);
        assert_int_equal(g->newcomer.len, turn ? 2 : 0);
        assert_int_equal(last_word(g->far), 0);
        end(g, 0, 1);
    }
}

static void it_may_break_before(void **state)
{
    struct guest *g = begin(5000);
    (void)state;
    kp_sock_abort(g->far);
    g->far = -1;
    until(g->gones == 1);
    assert_int_equal(g->error, UV_ECONNRESET);
    end(g, 0, 1);
}

static void it_may_say_too_little(void **state)
{
    struct guest *g = begin(60);
    uint64_t start = clock_start();
    (void)state;
    for (int i = 0; i < 10 && g->gones == 0; i++) {
        say(g->far, "G"); /* what comes doesn't renew the deadline */
        run_ms(10);
    }
    until(g->gones == 1);
    assert_true(uv_hrtime() - start < 1000000000u);
    assert_int_equal(g->error, UV_ETIMEDOUT);
    end(g, 0, 1);
}

static void its_owner_may_stop_it(void **state)
{
    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        struct guest *g = begin(200);
        if (turn)
            say(g->far, "GET");
        run_ms(5);
        kp_newcomer_stop(&g->newcomer);
        kp_newcomer_stop(&g->newcomer);
        assert_int_equal(g->closeds, 0);
        run_ms(250);
        end(g, 0, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_loop_watches_it_for_its_new_owner),
        cmocka_unit_test(it_may_come_in_pieces),
        cmocka_unit_test(the_number_may_be_another_socket_at_once),
        cmocka_unit_test(it_may_be_passed_on),
        cmocka_unit_test(many_at_once),
        cmocka_unit_test(what_cannot_be_told_ends_at_the_most),
        cmocka_unit_test(it_may_end_before),
        cmocka_unit_test(it_may_break_before),
        cmocka_unit_test(it_may_say_too_little),
        cmocka_unit_test(its_owner_may_stop_it),
    };
    return cmocka_run_group_tests(tests, open_loop, close_loop);
}
