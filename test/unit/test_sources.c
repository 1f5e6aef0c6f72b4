/*
 * Connections are counted by who they are of: an IPv4 address however it is written, the first half
 * of an IPv6 one, a user from there; who has most is found; nothing is left when all have gone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/sources.h"

static struct kp_sources sources;

static int open_table(void **state)
{
    (void)state;
    return kp_sources_open(&sources, 2, 100);
}

static int close_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sources.bucket_count; i++)
        assert_null(sources.buckets[i]);
    for (size_t c = 0; c < KP_CROWDS; c++)
        assert_int_equal(sources.counts[c], 0);
    for (unsigned w = 0; w < 2; w++)
        for (size_t c = 0; c < KP_CROWDS; c++)
            assert_true(sources.ranks[w][c].used == 0);
    kp_sources_close(&sources);
    return 0;
}

static union kp_inet at(const char *text)
{
    union kp_inet inet = {0};
    if (strchr(text, ':') == NULL) {
        inet.v4.sin_family = AF_INET;
        assert_int_equal(inet_pton(AF_INET, text, &inet.v4.sin_addr), 1);
    } else {
        inet.v6.sin6_family = AF_INET6;
        assert_int_equal(inet_pton(AF_INET6, text, &inet.v6.sin6_addr), 1);
    }
    return inet;
}

static void enter_at(struct kp_member *m, const char *text, unsigned worker, enum kp_crowd crowd)
{
    union kp_inet from = at(text);
    assert_int_equal(kp_sources_enter(&sources, m, worker, &from, crowd), 0);
}

static void enter(struct kp_member *m, const char *text)
{
    enter_at(m, text, 0, KP_CROWD_SHAKING);
}

static size_t newcomers(const char *text)
{
    union kp_inet from = at(text);
    return kp_sources_newcomers(&sources, &from);
}

static struct kp_member *most_of(enum kp_crowd crowd, unsigned worker)
{
    struct kp_head head = {0};
    return kp_sources_most(&sources, worker, crowd, &head, 1) == 1 ? head.first : NULL;
}

static void test_who_is_one_source(void **state)
{
    struct kp_member m[6];
    (void)state;
    enter(&m[0], "192.0.2.1");
    enter(&m[1], "::ffff:192.0.2.1");
    enter(&m[2], "192.0.2.2");
    enter(&m[3], "2001:db8:1:2::1");
    enter(&m[4], "2001:db8:1:2:ffff::9");
    enter(&m[5], "2001:db8:1:3::1");
    assert_int_equal(newcomers("192.0.2.1"), 2);
    assert_int_equal(newcomers("192.0.2.2"), 1);
    assert_int_equal(newcomers("2001:db8:1:2::5"), 2);
    assert_int_equal(newcomers("2001:db8:1:3::5"), 1);
    assert_int_equal(newcomers("0:ffff:c000:201::"), 2); /* nobody's: IPv4 as it stands here */
    assert_int_equal(newcomers("192.0.2.3"), 0);
    for (size_t i = 0; i < 6; i++) {
        kp_sources_leave(&sources, &m[i], 0);
        kp_sources_leave(&sources, &m[i], 0);
    }
    assert_int_equal(newcomers("192.0.2.1"), 0);
}

static void test_the_oldest_of_who_has_most(void **state)
{
    struct kp_member few[3], many[5], elsewhere[9];
    (void)state;
    for (size_t i = 0; i < 3; i++)
        enter(&few[i], "192.0.2.1");
    for (size_t i = 0; i < 5; i++)
        enter(&many[i], "192.0.2.2");
    for (size_t i = 0; i < 9; i++) /* most of all, but none of them at worker 0 */
        enter_at(&elsewhere[i], "192.0.2.3", 1, KP_CROWD_SHAKING);
    assert_ptr_equal(most_of(KP_CROWD_SHAKING, 0), &many[0]);
    assert_ptr_equal(most_of(KP_CROWD_SHAKING, 1), &elsewhere[0]);
    assert_null(most_of(KP_CROWD_WAITING, 0));
    kp_sources_leave(&sources, &many[0], 0);
    assert_ptr_equal(most_of(KP_CROWD_SHAKING, 0), &many[1]);
    kp_sources_leave(&sources, &many[4], 0);
    kp_sources_leave(&sources, &many[2], 0);
    assert_ptr_equal(most_of(KP_CROWD_SHAKING, 0), &few[0]);
    kp_sources_leave(&sources, &many[1], 0);
    kp_sources_leave(&sources, &many[3], 0);
    for (size_t i = 0; i < 3; i++)
        kp_sources_leave(&sources, &few[i], 0);
    for (size_t i = 0; i < 9; i++)
        kp_sources_leave(&sources, &elsewhere[i], 1);
}

static void test_order_of_many(void **state)
{
    enum { A = 100, B = 40 };
    static struct kp_member a[A], b[B];
    struct kp_head heads[4];
    (void)state;
    for (size_t i = 0; i < B; i++)
        enter(&b[i], "198.51.100.2");
    for (size_t i = 0; i < A; i++)
        enter(&a[i], "198.51.100.1");
    assert_int_equal(kp_sources_most(&sources, 0, KP_CROWD_SHAKING, heads, 4), 2);
    assert_ptr_equal(heads[0].first, &a[0]);
    assert_ptr_equal(heads[1].first, &b[0]);
    assert_int_equal(heads[0].count, A);
    for (size_t i = 0; i < A; i++)
        kp_sources_leave(&sources, &a[i], 0);
    for (size_t i = 0; i < B; i++) {
        assert_ptr_equal(most_of(KP_CROWD_SHAKING, 0), &b[i]);
        assert_int_equal(newcomers("198.51.100.2"), B - i);
        kp_sources_leave(&sources, &b[i], 0);
    }
    assert_null(most_of(KP_CROWD_SHAKING, 0));
}

/* However many have connections at other workers: who has some here is found. */
static void test_many_sources(void **state)
{
    enum { ELSEWHERE = 200 };
    static struct kp_member m[ELSEWHERE + 2];
    struct kp_head heads[ELSEWHERE];
    char text[32];
    (void)state;
    for (unsigned i = 0; i < ELSEWHERE; i++) {
        snprintf(text, sizeof text, "10.0.%u.1", i);
        enter_at(&m[i], text, 1, KP_CROWD_WAITING);
    }
    assert_null(most_of(KP_CROWD_WAITING, 0));
    enter_at(&m[ELSEWHERE], "10.1.0.1", 0, KP_CROWD_WAITING);
    enter_at(&m[ELSEWHERE + 1], "10.0.7.1", 0, KP_CROWD_WAITING); /* and one elsewhere: two */
    assert_int_equal(kp_sources_most(&sources, 0, KP_CROWD_WAITING, heads, ELSEWHERE), 2);
    assert_ptr_equal(heads[0].first, &m[ELSEWHERE + 1]);
    assert_ptr_equal(heads[1].first, &m[ELSEWHERE]);
    assert_ptr_equal(most_of(KP_CROWD_WAITING, 1), &m[7]);
    kp_sources_leave(&sources, &m[7], 1);
    assert_ptr_equal(most_of(KP_CROWD_WAITING, 0), &m[ELSEWHERE]); /* who came first goes first */
    assert_ptr_equal(most_of(KP_CROWD_WAITING, 1), &m[0]);
    for (unsigned i = 0; i < ELSEWHERE; i++)
        kp_sources_leave(&sources, &m[i], 1);
    kp_sources_leave(&sources, &m[ELSEWHERE], 0);
    kp_sources_leave(&sources, &m[ELSEWHERE + 1], 0);
}

/* Random steps, against a count by hand. */
static void test_random(void **state)
{
    enum { MEMBERS = 60, PLACES = 5 };
    static struct kp_member m[MEMBERS];
    static const char *const places[PLACES] = {"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4",
                                               "10.0.0.5"};
    unsigned counts[PLACES] = {0}, here[PLACES] = {0};
    bool in[MEMBERS] = {false};
    (void)state;
    srand(7);
    memset(m, 0, sizeof m);
    for (unsigned step = 0; step < 20000; step++) {
        unsigned i = (unsigned)rand() % MEMBERS, place = i * i % PLACES, worker = i % 2, most = 0;
        struct kp_head head = {0};
        if (in[i])
            kp_sources_leave(&sources, &m[i], worker);
        else
            enter_at(&m[i], places[place], worker, KP_CROWD_SHAKING);
        in[i] = !in[i];
        counts[place] += in[i] ? 1u : -1u;
        here[place] += worker != 0 ? 0 : in[i] ? 1u : -1u;
        for (unsigned p = 0; p < PLACES; p++)
            if (here[p] > 0 && counts[p] > most)
                most = counts[p];
        assert_int_equal(kp_sources_most(&sources, 0, KP_CROWD_SHAKING, &head, 1), most > 0);
        assert_true(most >= 16 || head.count == most); /* above that, by powers of two */
        assert_true(head.count * 2 > most || most == 0);
    }
    for (unsigned i = 0; i < MEMBERS; i++)
        kp_sources_leave(&sources, &m[i], i % 2);
}

static void test_proved(void **state)
{
    struct kp_member m[4];
    struct kp_head heads[3];
    union kp_inet from = at("192.0.2.1");
    (void)state;
    for (size_t i = 0; i < 4; i++)
        enter(&m[i], "192.0.2.1");
    kp_sources_move(&sources, &m[0], 0, KP_CROWD_PROVED, "alice", 5);
    kp_sources_move(&sources, &m[1], 0, KP_CROWD_PROVED, "bob", 3);
    kp_sources_move(&sources, &m[2], 0, KP_CROWD_PROVED, "alice", 5);
    assert_int_equal(newcomers("192.0.2.1"), 1);
    assert_int_equal(kp_sources_most(&sources, 0, KP_CROWD_PROVED, heads, 3), 2);
    assert_ptr_equal(heads[0].first, &m[0]);
    assert_int_equal(heads[0].count, 2);
    assert_ptr_equal(heads[1].first, &m[1]);
    assert_int_equal(heads[1].count, 1);
    assert_ptr_equal(m[0].next, &m[2]);
    assert_ptr_equal(kp_sources_own(&sources, 0, &from, KP_CROWD_SHAKING), &m[3]);
    assert_null(kp_sources_own(&sources, 1, &from, KP_CROWD_SHAKING));
    kp_sources_move(&sources, &m[3], 0, KP_CROWD_WAITING, NULL, 0);
    assert_ptr_equal(kp_sources_own(&sources, 0, &from, KP_CROWD_WAITING), &m[3]);
    assert_int_equal(newcomers("192.0.2.1"), 1);
    for (size_t i = 0; i < 4; i++)
        kp_sources_leave(&sources, &m[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_who_is_one_source, open_table, close_table),
        cmocka_unit_test_setup_teardown(test_the_oldest_of_who_has_most, open_table, close_table),
        cmocka_unit_test_setup_teardown(test_order_of_many, open_table, close_table),
        cmocka_unit_test_setup_teardown(test_many_sources, open_table, close_table),
        cmocka_unit_test_setup_teardown(test_random, open_table, close_table),
        cmocka_unit_test_setup_teardown(test_proved, open_table, close_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
