/*
 * Proves, for TLS 1.3: no block of memory goes back to the heap with a secret of a handshake in it,
 * and none stays on the stack: w0 and w1, x and y, the keys of the key exchange and what came of
 * them, K_shared, each secret of the key schedule and each key that is made of one, tickets' PSKs.
 * After success, after failures of each kind, resumed, after new keys, and at each point where a
 * connection is given up.
 */
#include "needles.h"

#include "checks.h"

#include <openssl/evp.h>

#define SEED 31
#define DRAWS 8

static struct world13 w;

/* Diffie-Hellman alone: its keys are what is searched for. */
uint16_t __wrap_kp_tls13_group(const struct kp_crypto *crypto, size_t index);

uint16_t __wrap_kp_tls13_group(const struct kp_crypto *crypto, size_t index)
{
    (void)crypto;
    return index == 0 ? KP_GROUP_X25519 : 0;
}

/* ---- What a handshake makes, once more by hand ------------------------------------------------
 */

/* The 32 bytes that a side's random source gave at each call. */
static void draws_of(enum kp_role role, uint8_t out[DRAWS][32])
{
    struct seeded s;

    seeded_start(&s, role == KP_CLIENT ? SEED : ~(uint64_t)SEED);
    for (size_t i = 0; i < DRAWS; i++)
        must(seeded_random(&s, out[i], 32) == 0);
}

/* The private key of an X25519 share is the draw that makes it. */
static const uint8_t *x25519_key(uint8_t draws[DRAWS][32], const uint8_t *share)
{
    for (size_t i = 0;; i++) {
        must(i < DRAWS);
        uint8_t made[32];
        size_t len = sizeof(made);
        EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, draws[i], 32);
        must(key != NULL && EVP_PKEY_get_raw_public_key(key, made, &len) == 1);
        EVP_PKEY_free(key);
        if (memcmp(made, share, sizeof(made)) == 0)
            return draws[i];
    }
}

static void agree(const uint8_t *ours, const uint8_t *theirs, uint8_t out[static 32])
{
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, ours, 32);
    EVP_PKEY *peer = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, theirs, 32);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    size_t len = 32;

    must(EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, peer) == 1 &&
         EVP_PKEY_derive(ctx, out, &len) == 1);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(peer);
    EVP_PKEY_free(key);
}

/* RFC 9383 4, M of P-256. */
static const uint8_t point_m[KP_POINT_LEN] = {
    0x04, 0x88, 0x6e, 0x2f, 0x97, 0xac, 0xe4, 0x6e, 0x55, 0xba, 0x9d, 0xd7, 0x24,
    0x25, 0x79, 0xf2, 0x99, 0x3b, 0x64, 0xe1, 0x6e, 0xf3, 0xdc, 0xab, 0x95, 0xaf,
    0xd4, 0x97, 0x33, 0x3d, 0x8f, 0xa1, 0x2f, 0x5f, 0xf3, 0x55, 0x16, 0x3e, 0x43,
    0xce, 0x22, 0x4e, 0x0b, 0x0e, 0x65, 0xff, 0x02, 0xac, 0x8e, 0x5c, 0x7b, 0xe0,
    0x94, 0x19, 0xc7, 0x85, 0xe0, 0xca, 0x54, 0x7d, 0x55, 0xa1, 0x2e, 0x2d, 0x20};

/* w0 M; Z = y (X - w0 M); V = y L; L. */
static void learn_points(const struct kp_spake2plus_secret *secret, const uint8_t *y,
                         const uint8_t *share_p)
{
    const struct kp_crypto *c = w.world.crypto;
    uint8_t out[KP_POINT_LEN];
    struct kp_point *m;
    struct kp_point *w0_m;
    struct kp_point *difference;
    struct kp_point *l;

    must(kp_point_new(&m, c, point_m, sizeof(point_m)) == 0);
    must(kp_point_mul(c, m, secret->w0, out) == 0);
    add_both_ways("w0 M", out + 1, 32);
    must(kp_point_new_mul(&w0_m, c, m, secret->w0) == 0);
    must(kp_point_new_minus(&difference, c, share_p, KP_POINT_LEN, w0_m) == 0);
    must(kp_point_mul(c, difference, y, out) == 0);
    add_both_ways("Z", out + 1, 32);
    must(kp_spake2plus_make_l(c, secret->w1, out) == 0);
    must(kp_point_new(&l, c, out, sizeof(out)) == 0);
    must(kp_point_mul(c, l, y, out) == 0);
    add_both_ways("V", out + 1, 32);
    kp_point_free(m);
    kp_point_free(w0_m);
    kp_point_free(difference);
    kp_point_free(l);
}

/* A traffic secret, its record key and iv, its Finished key. */
static void learn_traffic(const char *name, struct kp_mac *mac, const uint8_t *secret)
{
    uint8_t finished[32];
    struct kp_keys13 keys;

    add_needle(name, secret, 32);
    must(kp_traffic_keys13(mac, secret, 16, &keys) == 0);
    add_needle("a record key", keys.key, 16);
    must(kp_hkdf_expand_label(mac, (struct kp_span){secret, 32},
                              (struct kp_span){(const uint8_t *)"finished", 8},
                              (struct kp_span){NULL, 0}, finished, 32) == 0);
    add_needle("a Finished key", finished, 32);
}

/* From K_shared and (EC)DHE, or from a PSK and (EC)DHE, to the master secret. */
static void learn_schedule(struct kp_span psk, struct kp_span input)
{
    struct kp_schedule13 s = {0};

    must(kp_schedule13_start(&s, w.world.crypto, KP_HASH_SHA256, psk) == 0);
    if (psk.len > 0) {
        uint8_t binder[32];
        add_needle("early secret", s.secret, 32);
        must(kp_schedule13_derive(&s, KP_LABEL13_BINDER, NULL, binder) == 0);
        add_needle("binder key", binder, 32);
    }
    must(kp_schedule13_next(&s, input) == 0);
    add_needle("handshake secret", s.secret, 32);
    must(kp_schedule13_next(&s, (struct kp_span){NULL, 0}) == 0);
    add_needle("master secret", s.secret, 32);
    kp_schedule13_clear(&s);
}

/* What stands between the exporter's master secret and an export (RFC 8446 7.5). */
static void learn_export(struct kp_mac *mac, const uint8_t *exporter)
{
    uint8_t empty[32];
    uint8_t derived[32];

    must(kp_digest(w.world.crypto, KP_HASH_SHA256, NULL, 0, empty) == 0);
    must(kp_hkdf_expand_label(mac, (struct kp_span){exporter, 32},
                              (struct kp_span){(const uint8_t *)"EXPORTER-x", 10},
                              (struct kp_span){empty, 32}, derived, 32) == 0);
    add_needle("what an export is made of", derived, 32);
}

static void learn_kept(const struct kp_conn *c)
{
    const union kp_kept *kept = &c->outcome.kept;
    static const uint8_t zero[1];
    struct kp_mac *mac;

    must(kp_mac_new(&mac, w.world.crypto, KP_HASH_SHA256, (struct kp_span){zero, 1}) == 0);
    learn_traffic("client traffic secret", mac, kept->tls13.client);
    learn_traffic("server traffic secret", mac, kept->tls13.server);
    learn_export(mac, kept->tls13.exporter);
    kp_mac_free(mac);
    add_needle("exporter master secret", kept->tls13.exporter, 32);
    add_needle("resumption master secret", kept->tls13.resumption, 32);
}

/* Server and client stand before the client's second half: all but what follows the proof. */
static void learn_shares(const struct pair *p, const struct kp_login *login,
                         const struct kp_credential *credential)
{
    const struct kp_handshake *client = p->conn[KP_CLIENT]->handshake;
    const struct kp_handshake *server = p->conn[KP_SERVER]->handshake;
    uint8_t draws[2][DRAWS][32];
    uint8_t input[64];
    size_t input_len = 0;

    draws_of(KP_CLIENT, draws[KP_CLIENT]);
    draws_of(KP_SERVER, draws[KP_SERVER]);
    if (login != NULL) {
        const struct kp_spake2plus_names names =
            kp_tls13_names(server->t13.form, (struct kp_span){(const uint8_t *)login->name, 5},
                           (struct kp_span){(const uint8_t *)DEVICE, strlen(DEVICE)});
        const uint8_t *x = client->t13.scalar;
        const uint8_t *y = draws[KP_SERVER][1];
        struct kp_spake2plus_keys keys;
        uint8_t share[KP_POINT_LEN];
        must(memcmp(x, draws[KP_CLIENT][0], 32) == 0);
        must(kp_spake2plus_verifier_run(credential->spake2plus, w.world.crypto, &names, y,
                                        (struct kp_span){server->t13.share_p, KP_POINT_LEN}, share,
                                        &keys) == 0);
        must(memcmp(share, server->t13.share_v, sizeof(share)) == 0);
        /* Only an honest client's points are those of the server. */
        if (login == w.world.login)
            learn_points(&login->spake2plus, y, server->t13.share_p);
        add_both_ways("x", x, 32);
        add_both_ways("y", y, 32);
        add_both_ways("w0", login->spake2plus.w0, 32);
        add_both_ways("w1", login->spake2plus.w1, 32);
        add_needle("K_shared", keys.shared, 32);
        memcpy(input, keys.shared, 32);
        input_len = 32;
    }
    if (server->t13.group != 0) {
        const uint8_t *ours = x25519_key(draws[KP_CLIENT], client->t13.share);
        const uint8_t *theirs = x25519_key(draws[KP_SERVER], server->t13.share);
        agree(ours, server->t13.share, input + input_len);
        add_both_ways("the client's X25519 key", ours, 32);
        add_both_ways("the server's X25519 key", theirs, 32);
        add_both_ways("X25519 secret", input + input_len, 32);
        input_len += 32;
    }
    learn_traffic("client handshake secret", server->t13.schedule.mac, server->t13.client_secret);
    learn_traffic("server handshake secret", server->t13.schedule.mac, server->t13.server_secret);
    const struct kp_span psk = {client->session != NULL ? client->session->master : NULL,
                                client->session != NULL ? 32 : 0};
    learn_schedule(psk, (struct kp_span){input, input_len});
}

static void compute(struct pair *p, enum kp_role role)
{
    must((kp_conn_state(p->conn[role]) & KP_NEED_COMPUTE) != 0);
    int err = kp_conn_compute(p->conn[role]);
    must(err == pair_error(p, role));
    pair_run(p);
}

static void learn(const struct kp_login *login, const struct kp_session *session,
                  const struct kp_credential *credential)
{
    struct pair p;

    needle_count = 0;
    pair13_open(&p, &w, START, SEED);
    p.withhold = true;
    pair_connect(&p, login, session, NULL);
    compute(&p, KP_CLIENT);
    must(kp_conn_credential(p.conn[KP_SERVER], credential) == 0);
    compute(&p, KP_SERVER);
    learn_shares(&p, login, credential);
    if (session != NULL)
        add_needle("PSK", session->master, 32);
    compute(&p, KP_CLIENT);
    if (pair_proved(&p, KP_SERVER)) {
        learn_kept(p.conn[KP_SERVER]);
        struct kp_session *fresh = kp_conn_session(p.conn[KP_CLIENT]);
        if (fresh != NULL)
            add_needle("a ticket's PSK", fresh->master, 32);
        kp_session_free(fresh);
        /* New keys, and those after them. */
        for (int i = 0; i < 2; i++) {
            must(kp_conn_key_update(p.conn[KP_CLIENT], true) == 0);
            pair_run(&p);
            learn_kept(p.conn[KP_SERVER]);
        }
    }
    pair_close(&p);
}

/* The same handshake again, cut short where limit says. */
static void again(const struct kp_login *with, const struct kp_session *session,
                  const struct kp_credential *credential, enum kp_role cut, size_t limit)
{
    struct kp_login *login = NULL;
    struct pair p;

    if (with != NULL) {
        must(kp_login_new(&login, w.world.context[KP_CLIENT], with->name, with->name_len,
                          (const uint8_t *)"x", 1) == 0);
        login->spake2plus = with->spake2plus;
        login->has_device = true;
        login->device_id_len = with->device_id_len;
        memcpy(login->device_id, with->device_id, with->device_id_len);
    }
    pair13_open(&p, &w, START, SEED);
    p.alice = credential;
    p.limit[cut] = limit;
    pair_connect(&p, login, session, NULL);
    pair_run(&p);
    search_stack();
    if (pair_proved(&p, KP_CLIENT) && pair_proved(&p, KP_SERVER)) {
        must(pair_say(&p, KP_CLIENT, "hello", 5));
        for (int i = 0; i < 2; i++) {
            must(kp_conn_key_update(p.conn[KP_CLIENT], true) == 0);
            pair_run(&p);
        }
        uint8_t export[32];
        int err = kp_conn_export(p.conn[KP_SERVER], "EXPORTER-x", 10, NULL, 0, export, 32);
        must(limit > 0 || err == 0);
        kp_session_free(kp_conn_session(p.conn[KP_CLIENT]));
        search_stack();
    }
    pair_close(&p);
    kp_login_free(login);
}

/* ---- The searches -------------------------------------------------------------------------- */

static void open_world(unsigned form)
{
    const struct kp_settings client = {
        .defer_compute = true, .pake = form, .versions = KP_USE_TLS13};
    const struct kp_settings server = {.defer_compute = true};
    struct pair p;

    world13_open(&w, &client, &server);
    /* The first handshake makes ticket keys: the others draw alike. */
    pair13_handshake(&p, &w, START, 1);
    pair_close(&p);
}

static void test_search_works(void **state)
{
    uint8_t *block = malloc(1000);

    (void)state;
    must(block != NULL);
    open_world(KP_PAKE_IETF);
    learn(w.world.login, NULL, &w.world.credential);
    assert_true(needle_count > 40);
    for (size_t i = 0; i < needle_count; i++) {
        memset(block, 0, 1000);
        memcpy(block + 517, needles[i].bytes, 16);
        start_search();
        search(block);
        searching = false;
        assert_non_null(found);
    }
    free(block);
    world13_close(&w);
}

static void test_success(void **state)
{
    (void)state;
    for (unsigned form = KP_PAKE_IETF; form <= KP_PAKE_BORINGSSL; form++) {
        open_world(form);
        learn(w.world.login, NULL, &w.world.credential);
        start_search();
        again(w.world.login, NULL, &w.world.credential, KP_CLIENT, 0);
        end_search("full handshake", form);
        world13_close(&w);
    }
}

/* While the handshake lasts, too, what was used up is gone. */
static void test_no_longer_than_needed(void **state)
{
    static const uint8_t zeros[sizeof(((struct kp_state13 *)NULL)->input)];
    struct pair p;

    (void)state;
    open_world(KP_PAKE_IETF);
    pair13_open(&p, &w, START, SEED);
    p.withhold = true;
    pair_connect(&p, w.world.login, NULL, NULL);
    compute(&p, KP_CLIENT);
    const struct kp_state13 *client = &p.conn[KP_CLIENT]->handshake->t13;
    const struct kp_state13 *server = &p.conn[KP_SERVER]->handshake->t13;
    assert_memory_not_equal(client->scalar, zeros, sizeof(client->scalar));
    must(kp_conn_credential(p.conn[KP_SERVER], &w.world.credential) == 0);
    compute(&p, KP_SERVER);
    assert_memory_equal(server->scalar, zeros, sizeof(server->scalar));
    assert_memory_equal(server->input, zeros, sizeof(server->input));
    /* A client whose arithmetic is done, and that waits for the rest of the server's flight. */
    pair_close(&p);
    pair13_open(&p, &w, START, SEED);
    p.limit[KP_SERVER] = 300;
    pair_connect(&p, w.world.login, NULL, NULL);
    pair_run(&p);
    client = &p.conn[KP_CLIENT]->handshake->t13;
    assert_non_null(client->schedule.mac);
    assert_memory_equal(client->scalar, zeros, sizeof(client->scalar));
    assert_memory_equal(client->input, zeros, sizeof(client->input));
    pair_close(&p);
    world13_close(&w);
}

static void test_failed(void **state)
{
    (void)state;
    for (unsigned form = KP_PAKE_IETF; form <= KP_PAKE_BORINGSSL; form++) {
        open_world(form);
        learn(w.world.wrong, NULL, &w.world.credential);
        start_search();
        again(w.world.wrong, NULL, &w.world.credential, KP_CLIENT, 0);
        end_search("wrong password", form);
        learn(w.world.unknown, NULL, &w.world.simulated);
        start_search();
        again(w.world.unknown, NULL, NULL, KP_CLIENT, 0);
        end_search("unknown name", form);
        world13_close(&w);
    }
}

static void test_given_up(void **state)
{
    (void)state;
    for (unsigned form = KP_PAKE_IETF; form <= KP_PAKE_BORINGSSL; form++) {
        open_world(form);
        learn(w.world.login, NULL, &w.world.credential);
        for (int cut = KP_CLIENT; cut <= KP_SERVER; cut++) {
            for (size_t limit = 1; limit < 700; limit += 13) {
                start_search();
                again(w.world.login, NULL, &w.world.credential, (enum kp_role)cut, limit);
                end_search("given up", limit);
            }
        }
        world13_close(&w);
    }
}

static void test_resumed(void **state)
{
    (void)state;
    open_world(KP_PAKE_IETF);
    struct kp_session *session = fresh_session(&w);
    learn(NULL, session, &w.world.credential);
    start_search();
    again(NULL, session, &w.world.credential, KP_CLIENT, 0);
    end_search("resumed", 0);
    for (size_t limit = 1; limit < 700; limit += 13) {
        start_search();
        again(NULL, session, &w.world.credential, KP_SERVER, limit);
        end_search("resumed and given up", limit);
    }
    /* A ticket that is refused is forgotten, too. */
    struct kp_credential changed = w.world.credential;
    changed.binding[0] ^= 1;
    start_search();
    again(NULL, session, &changed, KP_CLIENT, 0);
    end_search("refused", 0);
    start_search();
    searched = 100;
    kp_session_free(session);
    end_search("session", 0);
    world13_close(&w);
}

/* The login itself: scrypt's output and what it works on. */
static void test_login(void **state)
{
    const uint8_t *password = (const uint8_t *)ALICE_PASSWORD;
    struct kp_login *login;

    (void)state;
    open_world(KP_PAKE_IETF);
    needle_count = 0;
    add_both_ways("w0", w.world.login->spake2plus.w0, 32);
    add_both_ways("w1", w.world.login->spake2plus.w1, 32);
    add_needle("the password", password, 17);
    start_search();
    must(kp_login_new(&login, w.world.context[KP_CLIENT], ALICE, 5, password, 17) == 0);
    must(kp_login_device(login, password, 17, (const uint8_t *)DEVICE, strlen(DEVICE)) == 0);
    search_stack();
    kp_login_free(login);
    end_search("login", 0);
    world13_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_search_works),
        cmocka_unit_test(test_success),
        cmocka_unit_test(test_failed),
        cmocka_unit_test(test_given_up),
        cmocka_unit_test(test_resumed),
        cmocka_unit_test(test_login),
        cmocka_unit_test(test_no_longer_than_needed),
    };

    /* libcrypto's multiplication on P-256 (ecp_nistz256_windowed_mul) writes the scalar into a
     * block of 33 bytes and frees it as it is: w0, w1, x and y, as any ECDH key there. */
    exempt_len = 33;
    hook_library();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
