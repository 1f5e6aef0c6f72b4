/*
 * Proves: whichever allocation of ours fails, at whatever point of a connection's life, the result
 * is an error and no leak, crash or proof; and that a connection gives everything back.
 *
 * malloc and its kin are replaced for our own objects; the crypto library has hooks for its own.
 */
#include "cm.h"

#include "world13.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

static long live;          /* blocks that our objects hold */
static unsigned long made; /* allocations since `arm` */
static unsigned long fail_at;

void *__real_malloc(size_t len);
void *__real_calloc(size_t count, size_t len);
void *__real_realloc(void *old, size_t len);
void __real_free(void *old);
void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t count, size_t len);
void *__wrap_realloc(void *old, size_t len);
void __wrap_free(void *old);

static bool refuse(void)
{
    made++;
    return fail_at != 0 && made == fail_at;
}

static void *counted(void *block)
{
    live += block != NULL;
    return block;
}

void *__wrap_malloc(size_t len)
{
    return refuse() ? NULL : counted(__real_malloc(len));
}

void *__wrap_calloc(size_t count, size_t len)
{
    return refuse() ? NULL : counted(__real_calloc(count, len));
}

void *__wrap_realloc(void *old, size_t len)
{
    if (refuse())
        return NULL;
    void *block = __real_realloc(old, len);
    live += old == NULL && block != NULL;
    return block;
}

void __wrap_free(void *old)
{
    live -= old != NULL;
    __real_free(old);
}

static void arm(unsigned long at)
{
    made = 0;
    fail_at = at;
}

/* The crypto library's: counted apart. */
static long library_live;
static unsigned long library_made;
static unsigned long library_fail_at;

static bool library_refuses(void)
{
    library_made++;
    return library_fail_at != 0 && library_made == library_fail_at;
}

static void *library_malloc(size_t len, const char *file, int line)
{
    (void)file;
    (void)line;
    void *block = len == 0 || library_refuses() ? NULL : __real_malloc(len);
    library_live += block != NULL;
    return block;
}

static void *library_realloc(void *old, size_t len, const char *file, int line)
{
    (void)file;
    (void)line;
    if (library_refuses())
        return NULL;
    void *block = __real_realloc(old, len);
    library_live += old == NULL && block != NULL;
    return block;
}

static void library_free(void *old, const char *file, int line)
{
    (void)file;
    (void)line;
    library_live -= old != NULL;
    __real_free(old);
}

static void arm_library(unsigned long at)
{
    library_made = 0;
    library_fail_at = at;
}

/* ---- A pair without the harness: its own memory must not count
 * ------------------------------------- */

static struct world13 worlds[3];
static struct kp_session *sessions[3];
static struct kp_conn *conn[2];

/* What a life is led with. */
static const struct way {
    const char *name;
    unsigned world;
    bool resumed;
    bool retried;
} ways[] = {
    {"TLS 1.2", 0, false, false},       {"TLS 1.2 resumed", 0, true, false},
    {"TLS 1.3", 1, false, false},       {"TLS 1.3 resumed", 1, true, false},
    {"TLS 1.3 retried", 1, true, true}, {"BoringSSL's form", 2, false, false},
};

static int open_worlds(void **state)
{
    const struct kp_settings clients[] = {
        {.versions = KP_USE_TLS12}, {.pake = KP_PAKE_IETF}, {.pake = KP_PAKE_BORINGSSL}};

    (void)state;
    for (size_t i = 0; i < COUNT(worlds); i++) {
        struct pair p;
        world13_open(&worlds[i], &clients[i], NULL);
        pair13_handshake(&p, &worlds[i], START, 1);
        must(pair_proved(&p, KP_SERVER));
        sessions[i] = kp_conn_session(p.conn[KP_CLIENT]);
        pair_close(&p);
    }
    return 0;
}

static int close_worlds(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(worlds); i++) {
        kp_session_free(sessions[i]);
        world13_close(&worlds[i]);
    }
    return 0;
}

static bool move(struct kp_conn *from, struct kp_conn *to)
{
    size_t len;
    size_t room;
    const uint8_t *data = kp_wire_out(from, &len);
    uint8_t *at = len > 0 ? kp_wire_in_room(to, &room) : NULL;

    if (at == NULL)
        return false;
    len = len < room ? len : room;
    memcpy(at, data, len);
    kp_wire_out_done(from, len);
    int err = kp_wire_in_done(to, len);
    must(err == kp_conn_error(to));
    return true;
}

static bool move_all(const struct way *way)
{
    bool moved = move(conn[KP_CLIENT], conn[KP_SERVER]);

    moved |= move(conn[KP_SERVER], conn[KP_CLIENT]);
    if (kp_conn_state(conn[KP_SERVER]) & KP_NEED_CREDENTIAL) {
        int err = kp_conn_credential(conn[KP_SERVER], &worlds[way->world].world.credential);
        must(err == kp_conn_error(conn[KP_SERVER]));
        moved = true;
    }
    return moved;
}

/* Twice idle: where room was refused once it is asked for again. */
static void run(const struct way *way)
{
    for (int idle = 0; idle < 2; idle++) {
        while (move_all(way))
            idle = 0;
    }
}

/* A handshake, new keys where there are such, some bytes and both ends; 0 or the first error that
 * came out. */
static int life(const struct way *way)
{
    static const uint8_t said[2000];
    uint8_t export[32];
    size_t used;
    int err = way->retried ? kp_conn_ask_cookie(conn[KP_SERVER]) : 0;

    if (err == 0)
        err = kp_conn_connect(conn[KP_CLIENT], worlds[way->world].world.login,
                              way->resumed ? sessions[way->world] : NULL, "a.example");
    if (err == 0)
        run(way);
    for (int role = KP_CLIENT; role <= KP_SERVER; role++) {
        if (err == 0)
            err = kp_conn_error(conn[role]);
    }
    if (err == 0 && way->world != 0)
        err = kp_conn_key_update(conn[KP_CLIENT], true);
    if (err == 0)
        err = kp_conn_export(conn[KP_CLIENT], "EXPORTER-x", 10, NULL, 0, export, sizeof(export));
    if (err == 0)
        err = kp_app_in(conn[KP_CLIENT], said, sizeof(said), &used);
    if (err == 0)
        run(way);
    if (err == 0)
        err = kp_conn_error(conn[KP_SERVER]);
    if (err == 0)
        err = kp_app_in_end(conn[KP_SERVER]);
    if (err == 0)
        run(way);
    return err != 0 ? err : kp_conn_error(conn[KP_CLIENT]);
}

static int whole_life(const struct way *way)
{
    struct world *w = &worlds[way->world].world;
    int err;

    seeded_start(&w->random[KP_CLIENT], 3);
    seeded_start(&w->random[KP_SERVER], 4);
    conn[KP_CLIENT] = conn[KP_SERVER] = NULL;
    err = kp_conn_new(&conn[KP_CLIENT], w->context[KP_CLIENT], START);
    if (err == 0)
        err = kp_conn_new(&conn[KP_SERVER], w->context[KP_SERVER], START);
    if (err == 0)
        err = life(way);
    /* Room for wire bytes that can't be made now is no error: the caller asks again.  Then all of
     * it must have worked. */
    if (err == 0) {
        size_t len;
        (void)kp_app_out(conn[KP_SERVER], &len);
        must(len == 2000 && (kp_conn_state(conn[KP_CLIENT]) & KP_PEER_ENDED) != 0);
    }
    kp_conn_free(conn[KP_CLIENT]);
    kp_conn_free(conn[KP_SERVER]);
    return err;
}

static void test_connections(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(ways); i++) {
        const struct way *way = &ways[i];
        long before = live;
        arm(0);
        assert_int_equal(whole_life(way), 0);
        assert_int_equal(live, before);
        unsigned long count = made;
        assert_in_range(count, 20, 200);
        unsigned survived = 0;
        for (unsigned long at = 1; at <= count; at++) {
            arm(at);
            int err = whole_life(way);
            arm(0);
            survived += err == 0;
            if (live != before)
                fail_msg("%s, allocation %lu: error %d, %ld blocks left", way->name, at, err,
                         live - before);
        }
        assert_in_range(survived, 0, 12);
    }
}

/* The crypto library's allocations, each in its turn: an error of ours, and nothing of ours or of
 * its own left over. */
static void test_crypto_library(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(ways); i++) {
        const struct way *way = &ways[i];
        arm(0);
        arm_library(0);
        /* The thread's queue of errors is made with the first of them, and stays. */
        ERR_raise(ERR_LIB_USER, 1);
        ERR_clear_error();
        assert_int_equal(whole_life(way), 0);
        long before = live;
        long library_before = library_live;
        unsigned survived = 0;
        assert_int_equal(whole_life(way), 0);
        assert_int_equal(library_live, library_before);
        arm_library(0);
        assert_int_equal(whole_life(way), 0);
        unsigned long count = library_made;
        assert_in_range(count, 100, 20000);
        for (unsigned long at = 1; at <= count; at++) {
            arm_library(at);
            int err = whole_life(way);
            arm_library(0);
            ERR_clear_error();
            survived += err == 0;
            if (live != before || library_live != library_before)
                fail_msg("%s, allocation %lu of %lu: error %d, %ld blocks of ours and %ld of "
                         "the library's left",
                         way->name, at, count, err, live - before, library_live - library_before);
        }
        print_message("%s: %lu allocations of the library, %u failures made no difference\n",
                      way->name, count, survived);
    }
}

/* ---- Contexts, logins, groups, verifiers
 * -------------------------------------------------------------- */

static int make_all(void)
{
    static const char *const alpn[] = {"http/1.1"};
    const struct kp_settings settings = {.role = KP_SERVER,
                                         .alpn = alpn,
                                         .alpn_count = 1,
                                         .device_id = (const uint8_t *)"id",
                                         .device_id_len = 2};
    struct kp_context *context = NULL;
    struct kp_login *login = NULL;
    struct kp_srp_group *group = NULL;
    struct kp_srp_verifier *verifier = NULL;
    int err = kp_context_new(&context, &settings);

    if (err == 0)
        err = kp_login_new(&login, context, "a", 1, (const uint8_t *)"b", 1);
    if (err == 0)
        err = kp_srp_group_new(&group, context->crypto, kp_srp_group_by_bits(2048), true);
    if (err == 0)
        err = kp_srp_verifier_new(&verifier, group, kp_srp_verifier_value(worlds[0].world.alice),
                                  256, true);
    kp_srp_verifier_free(verifier);
    kp_srp_group_free(group);
    kp_login_free(login);
    kp_context_free(context);
    return err;
}

static void test_shared(void **state)
{
    long before = live;

    (void)state;
    arm(0);
    assert_int_equal(make_all(), 0);
    assert_int_equal(live, before);
    unsigned long count = made;
    assert_in_range(count, 10, 100);
    for (unsigned long at = 1; at <= count; at++) {
        arm(at);
        int err = make_all();
        arm(0);
        if (err == 0 || live != before)
            fail_msg("allocation %lu: error %d, %ld blocks left", at, err, live - before);
    }
}

/* What a failure interrupts must not be a leak either: at each byte a connection is given up. */
static void test_given_up(void **state)
{
    (void)state;
    arm(0);
    for (size_t i = 0; i < COUNT(ways); i++) {
        const struct way *way = &ways[i];
        const struct kp_session *session = way->resumed ? sessions[way->world] : NULL;
        struct world13 *w = &worlds[way->world];
        size_t total[2] = {1, 1};
        long before = live;
        for (int from = KP_CLIENT; from <= KP_SERVER; from++) {
            for (size_t keep = 1; keep <= total[from]; keep += 3) {
                struct pair p;
                pair13_open(&p, w, START, 1);
                p.limit[from] = keep == 1 ? 0 : keep;
                if (way->retried)
                    must(kp_conn_ask_cookie(p.conn[KP_SERVER]) == 0);
                pair_connect(&p, w->world.login, session, NULL);
                pair_run(&p);
                if (keep == 1)
                    total[from] = p.wire[from].len;
                pair_close(&p);
                assert_int_equal(live, before);
            }
        }
    }
}

/* Contexts are kept from one exchange to the next by who is warm, and by nobody else; and what was
 * kept opens and seals what comes, also when it has been given back in between. */
static void test_warm(void **state)
{
    (void)state;
    arm(0);
    for (size_t i = 0; i < COUNT(ways); i++) {
        struct world13 *w = &worlds[ways[i].world];
        struct pair p;
        pair13_open(&p, w, START, 1);
        pair_connect(&p, w->world.login, NULL, NULL);
        pair_run(&p);
        assert_true(pair_say(&p, KP_CLIENT, "there", 5) && pair_say(&p, KP_SERVER, "back", 4));
        long cold = live;
        kp_conn_keep_warm(p.conn[KP_SERVER], true);
        assert_int_equal(live, cold);
        assert_true(pair_say(&p, KP_CLIENT, "there", 5) && pair_say(&p, KP_SERVER, "back", 4));
        assert_true(live > cold);
        long warm = live;
        assert_true(pair_say(&p, KP_CLIENT, "again", 5) && pair_say(&p, KP_SERVER, "and", 3));
        assert_int_equal(live, warm);
        kp_conn_keep_warm(p.conn[KP_SERVER], false);
        assert_int_equal(live, cold);
        assert_true(pair_say(&p, KP_CLIENT, "once", 4) && pair_say(&p, KP_SERVER, "more", 4));
        assert_int_equal(live, cold);
        pair_close(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connections), cmocka_unit_test(test_crypto_library),
        cmocka_unit_test(test_shared),      cmocka_unit_test(test_given_up),
        cmocka_unit_test(test_warm),
    };

    /* Before the crypto library's first allocation. */
    must(CRYPTO_set_mem_functions(library_malloc, library_realloc, library_free) == 1);
    return cmocka_run_group_tests(tests, open_worlds, close_worlds);
}
