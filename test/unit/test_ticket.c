/*
 * Proves: a ticket opens to what was sealed, on the keys of its own device, for 24 hours from the
 * proof; each changed byte, other credential, user, version, suite or time undoes it; keys rotate
 * and die; all of it from many threads at once.
 */
#include "cm.h"

#include "key/ticket.h"
#include "seeded.h"

#include <pthread.h>
#include <string.h>

#define NOW 5000000u
#define HOUR 3600u

static struct kp_crypto *crypto;
static struct seeded source;
static const uint8_t credential[32] = {1, 2, 3};

static int open_crypto(void **state)
{
    (void)state;
    seeded_start(&source, 1);
    return kp_crypto_new(&crypto, seeded_random, &source);
}

static int close_crypto(void **state)
{
    (void)state;
    kp_crypto_free(crypto);
    return 0;
}

static struct kp_ticket_keys *new_keys(const char *device)
{
    struct kp_ticket_keys *keys;

    assert_int_equal(kp_ticket_keys_new(&keys, crypto,
                                        (struct kp_span){(const uint8_t *)device, strlen(device)}),
                     0);
    return keys;
}

static struct kp_ticket_state new_state(size_t user_len)
{
    struct kp_ticket_state s = {
        .version = 0x0303, .suite = 0xC020, .proof_time = NOW, .user_len = user_len};

    memset(s.user, 'u', user_len);
    memset(s.master, 0x4D, sizeof(s.master));
    return s;
}

static size_t seal(struct kp_ticket_keys *keys, uint64_t now, const struct kp_ticket_state *s,
                   uint8_t *ticket)
{
    size_t len;

    assert_int_equal(kp_ticket_seal(keys, now, s, credential, ticket, &len), 0);
    assert_true(len <= KP_TICKET_MAX);
    return len;
}

static void test_round_trip(void **state)
{
    static const size_t lens[] = {1, 5, 100, KP_NAME_MAX};
    struct kp_ticket_keys *keys = new_keys("device-1");
    uint8_t ticket[KP_TICKET_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT(lens); i++) {
        struct kp_ticket_state in = new_state(lens[i]);
        struct kp_ticket_state out;
        size_t len = seal(keys, NOW, &in, ticket);
        assert_int_equal(kp_ticket_open(keys, NOW, ticket, len, &out), 0);
        assert_int_equal(out.version, in.version);
        assert_int_equal(out.suite, in.suite);
        assert_true(out.proof_time == in.proof_time);
        assert_int_equal(out.user_len, in.user_len);
        assert_memory_equal(out.user, in.user, in.user_len);
        assert_memory_equal(out.master, in.master, KP_MASTER_LEN);
        assert_int_equal(kp_ticket_bound(keys, NOW, &out, credential), 0);
        /* The master secret isn't in it as it is. */
        assert_null(memmem(ticket, len, in.master, 8));
        assert_null(memmem(ticket, len, "uuuuu", 5));
    }
    kp_ticket_keys_free(keys);
    kp_ticket_keys_free(NULL);
}

/* Each byte of it, each bit; each length. */
static void test_damage(void **state)
{
    struct kp_ticket_keys *keys = new_keys("device-1");
    struct kp_ticket_state in = new_state(5);
    struct kp_ticket_state out;
    uint8_t ticket[KP_TICKET_MAX + 100] = {0};
    static const struct kp_ticket_state zero;

    (void)state;
    size_t len = seal(keys, NOW, &in, ticket);
    for (size_t at = 0; at < len; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            ticket[at] ^= (uint8_t)(1u << bit);
            memset(&out, 0xAA, sizeof(out));
            assert_int_equal(kp_ticket_open(keys, NOW, ticket, len, &out), KP_E_NOT_FOUND);
            ticket[at] ^= (uint8_t)(1u << bit);
        }
    }
    for (size_t n = 0; n < sizeof(ticket); n++) {
        int err = kp_ticket_open(keys, NOW, ticket, n, &out);
        assert_int_equal(err, n == len ? 0 : KP_E_NOT_FOUND);
    }
    /* What didn't open leaves nothing. */
    assert_int_equal(kp_ticket_open(keys, NOW + KP_TICKET_SECONDS, ticket, len, &out),
                     KP_E_NOT_FOUND);
    assert_memory_equal(&out, &zero, sizeof(out));
    kp_ticket_keys_free(keys);
}

static void test_binding(void **state)
{
    struct kp_ticket_keys *keys = new_keys("device-1");
    struct kp_ticket_state in = new_state(5);
    struct kp_ticket_state out;
    uint8_t ticket[KP_TICKET_MAX];
    uint8_t other[32];

    (void)state;
    size_t len = seal(keys, NOW, &in, ticket);
    for (size_t at = 0; at < sizeof(other); at++) {
        memcpy(other, credential, sizeof(other));
        other[at] ^= 0x10;
        assert_int_equal(kp_ticket_open(keys, NOW, ticket, len, &out), 0);
        assert_int_equal(kp_ticket_bound(keys, NOW, &out, other), KP_E_NOT_FOUND);
    }
    for (int what = 0; what < 6; what++) {
        assert_int_equal(kp_ticket_open(keys, NOW, ticket, len, &out), 0);
        out.version ^= what == 0;
        out.suite ^= what == 1;
        out.proof_time += what == 2;
        out.user[0] ^= (char)(what == 3);
        out.user_len -= what == 4;
        out.bound[31] ^= what == 5;
        assert_int_equal(kp_ticket_bound(keys, NOW, &out, credential), KP_E_NOT_FOUND);
    }
    kp_ticket_keys_free(keys);
}

/* Same key bytes, another device id: the random source starts again for both. */
static void test_device(void **state)
{
    static const char *const ids[] = {"device-1", "device-2", "device-11", ""};
    struct kp_ticket_state in = new_state(5);
    uint8_t ticket[KP_TICKET_MAX];
    size_t len = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(ids); i++) {
        struct kp_ticket_keys *keys = new_keys(ids[i]);
        struct kp_ticket_state out;
        uint8_t own[KP_TICKET_MAX];
        seeded_start(&source, 77);
        if (i == 0)
            len = seal(keys, NOW, &in, ticket);
        else
            seal(keys, NOW, &in, own);
        assert_int_equal(kp_ticket_open(keys, NOW, ticket, len, &out), 0);
        assert_int_equal(kp_ticket_bound(keys, NOW, &out, credential), i == 0 ? 0 : KP_E_NOT_FOUND);
        kp_ticket_keys_free(keys);
    }
    /* And another key. */
    struct kp_ticket_keys *keys = new_keys(ids[0]);
    struct kp_ticket_state out;
    uint8_t own[KP_TICKET_MAX];
    assert_int_equal(kp_ticket_open(keys, NOW, ticket, len, &out), KP_E_NOT_FOUND);
    seal(keys, NOW, &in, own);
    assert_int_equal(kp_ticket_open(keys, NOW, ticket, len, &out), KP_E_NOT_FOUND);
    kp_ticket_keys_free(keys);
}

/* An id and a user that together read the same are told apart. */
static void test_no_slide(void **state)
{
    struct kp_ticket_keys *keys = new_keys("ab");
    struct kp_ticket_state in = new_state(2);
    struct kp_ticket_state out;
    uint8_t ticket[KP_TICKET_MAX];

    (void)state;
    memcpy(in.user, "cd", 2);
    seeded_start(&source, 78);
    size_t len = seal(keys, NOW, &in, ticket);
    kp_ticket_keys_free(keys);
    keys = new_keys("abc");
    seeded_start(&source, 78);
    uint8_t own[KP_TICKET_MAX];
    seal(keys, NOW, &in, own);
    assert_int_equal(kp_ticket_open(keys, NOW, ticket, len, &out), 0);
    memcpy(out.user, "d", 1);
    out.user_len = 1;
    assert_int_equal(kp_ticket_bound(keys, NOW, &out, credential), KP_E_NOT_FOUND);
    kp_ticket_keys_free(keys);
}

static void test_age(void **state)
{
    struct kp_ticket_keys *keys = new_keys("device-1");
    struct kp_ticket_state in = new_state(5);
    struct kp_ticket_state out;
    uint8_t ticket[KP_TICKET_MAX];

    (void)state;
    /* Sealed later than it was proved: the proof counts. */
    size_t len = seal(keys, NOW + 10 * HOUR, &in, ticket);
    assert_int_equal(kp_ticket_open(keys, NOW + 24 * HOUR - 1, ticket, len, &out), 0);
    assert_int_equal(kp_ticket_bound(keys, NOW + 24 * HOUR - 1, &out, credential), 0);
    assert_int_equal(kp_ticket_open(keys, NOW + 24 * HOUR, ticket, len, &out), KP_E_NOT_FOUND);
    assert_int_equal(kp_ticket_open(keys, NOW - 1, ticket, len, &out), KP_E_NOT_FOUND);
    assert_int_equal(kp_ticket_open(keys, 0, ticket, len, &out), KP_E_NOT_FOUND);
    assert_int_equal(kp_ticket_open(keys, UINT64_MAX, ticket, len, &out), KP_E_NOT_FOUND);
    kp_ticket_keys_free(keys);
}

/* Over a week, a ticket an hour: each opens to its last second, names change, and a key that is
 * too old is gone even for a ticket that claims to be fresh. */
static void test_rotation(void **state)
{
    struct kp_ticket_keys *keys = new_keys("device-1");
    enum { HOURS = 24 * 7 };
    static uint8_t tickets[HOURS][KP_TICKET_MAX];
    static size_t lens[HOURS];
    struct kp_ticket_state out;
    unsigned names = 0;

    (void)state;
    for (unsigned h = 0; h < HOURS; h++) {
        struct kp_ticket_state in = new_state(5);
        uint64_t now = NOW + h * HOUR;
        in.proof_time = now;
        lens[h] = seal(keys, now, &in, tickets[h]);
        names += h == 0 || memcmp(tickets[h], tickets[h - 1], 16) != 0;
        for (unsigned old = 0; old < h; old++) {
            int err = kp_ticket_open(keys, now, tickets[old], lens[old], &out);
            assert_int_equal(err, h - old < 24 ? 0 : KP_E_NOT_FOUND);
        }
    }
    assert_int_equal(names, HOURS / 6);
    struct kp_ticket_state future = new_state(5);
    future.proof_time = NOW + 100 * 24 * HOUR;
    uint8_t ticket[KP_TICKET_MAX];
    size_t len = seal(keys, NOW + HOURS * HOUR, &future, ticket);
    assert_int_equal(kp_ticket_open(keys, future.proof_time, ticket, len, &out), KP_E_NOT_FOUND);
    kp_ticket_keys_free(keys);
}

/* A clock that goes back: old keys are kept, new tickets work. */
static void test_clock_back(void **state)
{
    struct kp_ticket_keys *keys = new_keys("device-1");
    struct kp_ticket_state in = new_state(5);
    struct kp_ticket_state out;
    uint8_t ticket[KP_TICKET_MAX];

    (void)state;
    in.proof_time = NOW + 1000 * HOUR;
    seal(keys, in.proof_time, &in, ticket);
    in.proof_time = NOW;
    size_t len = seal(keys, NOW, &in, ticket);
    assert_int_equal(kp_ticket_open(keys, NOW + 1, ticket, len, &out), 0);
    assert_int_equal(kp_ticket_bound(keys, NOW + 1, &out, credential), 0);
    kp_ticket_keys_free(keys);
}

static void test_failures(void **state)
{
    struct kp_ticket_keys *keys = new_keys("device-1");
    struct kp_ticket_state in = new_state(5);
    uint8_t ticket[KP_TICKET_MAX];
    size_t len;

    (void)state;
    for (uint64_t at = 1; at <= 4; at++) {
        source.fail_at = source.calls + at;
        assert_int_equal(kp_ticket_seal(keys, NOW, &in, credential, ticket, &len), KP_E_CRYPTO);
        source.fail_at = 0;
    }
    in.user_len = KP_NAME_MAX;
    seal(keys, NOW, &in, ticket);
    kp_ticket_keys_free(keys);
    keys = (struct kp_ticket_keys *)1;
    uint8_t id[KP_DEVICE_ID_MAX + 1] = {0};
    assert_int_equal(kp_ticket_keys_new(&keys, crypto, (struct kp_span){id, sizeof(id)}),
                     KP_E_ARGUMENT);
    assert_null(keys);
}

/* ---- Threads ------------------------------------------------------------------------------- */

static struct kp_ticket_keys *shared;

static void *work(void *arg)
{
    uint64_t start = NOW + (uint64_t)(uintptr_t)arg;
    uintptr_t failures = 0;

    for (uint64_t i = 0; i < 400; i++) {
        struct kp_ticket_state in = new_state(5);
        struct kp_ticket_state out;
        uint8_t ticket[KP_TICKET_MAX];
        size_t len;
        /* 13 hours: two rotations, and no key grows too old for a thread that lags. */
        uint64_t now = start + i * 120;
        in.proof_time = now;
        if (kp_ticket_seal(shared, now, &in, credential, ticket, &len) != 0 ||
            kp_ticket_open(shared, now, ticket, len, &out) != 0 ||
            kp_ticket_bound(shared, now, &out, credential) != 0)
            failures++;
    }
    return (void *)failures;
}

static void test_threads(void **state)
{
    struct kp_crypto *own;
    pthread_t threads[4];
    void *failures;

    (void)state;
    /* The library's random source: the seeded one belongs to one thread. */
    assert_int_equal(kp_crypto_new(&own, NULL, NULL), 0);
    assert_int_equal(kp_ticket_keys_new(&shared, own, (struct kp_span){NULL, 0}), 0);
    for (uintptr_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, (void *)i), 0);
    for (size_t i = 0; i < COUNT(threads); i++) {
        assert_int_equal(pthread_join(threads[i], &failures), 0);
        assert_int_equal((uintptr_t)failures, 0);
    }
    kp_ticket_keys_free(shared);
    kp_crypto_free(own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_damage),
        cmocka_unit_test(test_binding),    cmocka_unit_test(test_device),
        cmocka_unit_test(test_no_slide),   cmocka_unit_test(test_age),
        cmocka_unit_test(test_rotation),   cmocka_unit_test(test_clock_back),
        cmocka_unit_test(test_failures),   cmocka_unit_test(test_threads),
    };

    return cmocka_run_group_tests(tests, open_crypto, close_crypto);
}
