/*
 * Proves: no block of memory goes back to the heap with a secret of a handshake in it: SRP
 * exponents, the hash of name and password, premaster and master secret, record keys, ticket keys.
 * After success, after failures of each kind, and at each point where a connection is given up.
 *
 * Every free of our objects and of the crypto library is searched, and after each run the stack
 * that its calls have left.
 */
#include "needles.h"

/* ---- The same handshake twice: once to learn its secrets, then to look for them
 * ------------------------ */

#define SEED 31

static struct world w;

static void learn_keys(const struct kp_handshake *hs)
{
    add_needle("client MAC key", hs->client_keys.mac, KP_MAC_KEY_LEN);
    add_needle("server MAC key", hs->server_keys.mac, KP_MAC_KEY_LEN);
    add_needle("client key", hs->client_keys.key, 32);
    add_needle("server key", hs->server_keys.key, 32);
}

/* The premaster secret without its leading zeros, and the master secret after what was hashed. */
static void learn_secret(const struct kp_handshake *hs, const uint8_t *s,
                         uint8_t master[KP_MASTER_LEN])
{
    uint8_t hash[KP_SHA256_LEN];
    size_t len = 256;

    add_both_ways("premaster secret", s, 256);
    while (*s == 0) {
        s++;
        len--;
    }
    must(kp_transcript_peek(&hs->transcript, hash) == 0);
    must(kp_master12(w.crypto, (struct kp_span){s, len}, hash, master) == 0);
    add_both_ways("master secret", master, KP_MASTER_LEN);
}

static void learn_login(const struct kp_login *login, const struct kp_credential *credential)
{
    const struct kp_span parts[] = {{credential->salt, credential->salt_len},
                                    {login->srp_inner, KP_SRP_INNER_LEN}};
    uint8_t x[KP_SHA1_LEN];
    uint8_t v[KP_SRP_MAX_LEN];

    must(kp_digest(w.crypto, KP_HASH_SHA1, parts, 2, x) == 0);
    must(kp_srp_make_verifier(w.group, w.crypto, parts[0], login->srp_inner, v) == 0);
    add_both_ways("SHA1(name:password)", login->srp_inner, KP_SRP_INNER_LEN);
    add_both_ways("x", x, sizeof(x));
    add_both_ways("g^x", v, 256);
}

static void answer_with(struct pair *p, enum kp_role role)
{
    must((kp_conn_state(p->conn[role]) & KP_NEED_COMPUTE) != 0);
    int err = kp_conn_compute(p->conn[role]);
    must(err == pair_error(p, role));
    pair_run(p);
}

static void learn(const struct kp_login *login, const struct kp_credential *credential)
{
    uint8_t a[KP_SRP_EXPONENT_LEN];
    uint8_t b[KP_SRP_EXPONENT_LEN];
    uint8_t s[KP_SRP_MAX_LEN];
    uint8_t master[KP_MASTER_LEN];
    struct pair p;

    needle_count = 0;
    learn_login(login, credential);
    pair_open(&p, &w, START, SEED);
    const struct kp_handshake *client = p.conn[KP_CLIENT]->handshake;
    const struct kp_handshake *server = p.conn[KP_SERVER]->handshake;
    p.withhold = true;
    pair_connect(&p, login, NULL, NULL);
    pair_run(&p);
    must(kp_conn_credential(p.conn[KP_SERVER], credential) == 0);
    answer_with(&p, KP_SERVER);
    memcpy(a, client->srp.exponent, sizeof(a));
    memcpy(b, server->srp.exponent, sizeof(b));
    add_both_ways("a", a, sizeof(a));
    add_both_ways("b", b, sizeof(b));
    answer_with(&p, KP_CLIENT);
    must(kp_srp_client_secret(w.group, w.crypto, a, login->srp_inner,
                              (struct kp_span){client->salt, client->salt_len}, client->srp.ours,
                              client->srp.theirs, s) == 0);
    learn_secret(client, s, master);
    answer_with(&p, KP_CLIENT);
    must(memcmp(client->master, master, sizeof(master)) == 0);
    learn_keys(client);
    must(kp_srp_server_secret(credential->srp, w.crypto, b, server->srp.theirs, server->srp.ours,
                              s) == 0);
    learn_secret(server, s, master);
    pair_close(&p);
}

/* The same handshake again, with a login of its own, cut short where limit says. */
static void again(const char *name, const char *password, const struct kp_credential *credential,
                  enum kp_role cut, size_t limit)
{
    struct kp_login *login;
    struct pair p;

    must(kp_login_new(&login, w.context[KP_CLIENT], name, strlen(name), (const uint8_t *)password,
                      strlen(password)) == 0);
    pair_open(&p, &w, START, SEED);
    p.alice = credential;
    p.limit[cut] = limit;
    pair_connect(&p, login, NULL, NULL);
    pair_run(&p);
    search_stack();
    if (pair_proved(&p, KP_CLIENT) && pair_proved(&p, KP_SERVER)) {
        must(pair_say(&p, KP_CLIENT, "hello", 5));
        struct kp_session *session = kp_conn_session(p.conn[KP_CLIENT]);
        kp_session_free(session);
    }
    pair_close(&p);
    kp_login_free(login);
}

static int open_world(void **state)
{
    const struct kp_settings settings = {.defer_compute = true};

    (void)state;
    world_open(&w, 2048, &settings, &settings);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    world_close(&w);
    return 0;
}

/* The search finds what is there. */
static void test_search_works(void **state)
{
    uint8_t *block = malloc(1000);

    (void)state;
    must(block != NULL);
    learn(w.login, &w.credential);
    assert_int_equal(needle_count, 22);
    for (size_t i = 0; i < needle_count; i++) {
        memset(block, 0, 1000);
        memcpy(block + 517, needles[i].bytes, 16);
        start_search();
        search(block);
        searching = false;
        assert_non_null(found);
    }
    free(block);
}

static void test_success(void **state)
{
    (void)state;
    learn(w.login, &w.credential);
    start_search();
    again(ALICE, ALICE_PASSWORD, &w.credential, KP_CLIENT, 0);
    end_search("full handshake", 0);
}

static void test_wrong_password(void **state)
{
    (void)state;
    learn(w.wrong, &w.credential);
    start_search();
    again(ALICE, "not her password", &w.credential, KP_CLIENT, 0);
    end_search("wrong password", 0);
}

static void test_unknown(void **state)
{
    (void)state;
    learn(w.unknown, &w.simulated);
    start_search();
    again("mallo", ALICE_PASSWORD, NULL, KP_CLIENT, 0);
    end_search("unknown name", 0);
}

static void test_given_up(void **state)
{
    (void)state;
    learn(w.login, &w.credential);
    for (int cut = KP_CLIENT; cut <= KP_SERVER; cut++) {
        for (size_t limit = 1; limit < 1200; limit += 13) {
            start_search();
            again(ALICE, ALICE_PASSWORD, &w.credential, (enum kp_role)cut, limit);
            end_search("given up", limit);
        }
    }
}

static void test_resumed(void **state)
{
    struct pair p;

    (void)state;
    needle_count = 0;
    pair_handshake(&p, &w, START, SEED);
    struct kp_session *session = kp_conn_session(p.conn[KP_CLIENT]);
    must(session != NULL);
    add_needle("master secret", session->master, KP_MASTER_LEN);
    pair_close(&p);
    for (uint64_t now = START; now <= START + KP_TICKET_SECONDS; now += KP_TICKET_SECONDS) {
        start_search();
        pair_open(&p, &w, now, SEED);
        pair_connect(&p, w.login, session, NULL);
        pair_run(&p);
        must(pair_proved(&p, KP_SERVER));
        pair_close(&p);
        end_search("resumed", (size_t)now);
    }
    start_search();
    searched = 100;
    kp_session_free(session);
    end_search("session", 0);
}

/* Plaintext of a record that is refused when it is open: one byte more than there may be. */
static void test_refused_plaintext(void **state)
{
    static uint8_t plain[KP_RECORD_MAX + 1];
    static uint8_t record[KP_HEADER_LEN + KP_RECORD_MAX + 2048];
    struct pair p;

    (void)state;
    needle_count = 0;
    memset(plain, 'p', sizeof(plain));
    add_needle("plaintext", plain, 32);
    pair_handshake(&p, &w, START, SEED);
    struct kp_protect *write = &p.conn[KP_CLIENT]->records.write;
    must(write->ops->seal(write, KP_APPLICATION, KP_TLS12, plain, sizeof(plain), record) == 0);
    pair_inject(&p, KP_CLIENT, record,
                KP_HEADER_LEN + write->ops->sealed_len(write, sizeof(plain)));
    start_search();
    pair_run(&p);
    assert_int_equal(pair_error(&p, KP_SERVER), KP_E_OVERFLOW);
    pair_close(&p);
    end_search("refused plaintext", 0);
}

/* The keys that seal tickets: as the random source gives them, a name's end (12), seal (32),
 * bind (32). */
static void test_ticket_keys(void **state)
{
    struct seeded copy = w.own;
    struct kp_ticket_keys *keys;
    struct kp_ticket_state ticket = {.proof_time = START, .user_len = 1, .user = "a"};
    const uint8_t credential[32] = {0};
    uint8_t key[12 + 32 + 32];
    uint8_t sealed[KP_TICKET_MAX];
    size_t len;

    (void)state;
    needle_count = 0;
    must(seeded_random(&copy, key, 12) == 0 && seeded_random(&copy, key + 12, 32) == 0 &&
         seeded_random(&copy, key + 44, 32) == 0);
    must(kp_ticket_keys_new(&keys, w.crypto, (struct kp_span){NULL, 0}) == 0);
    must(kp_ticket_seal(keys, START, &ticket, credential, sealed, &len) == 0);
    assert_memory_equal(sealed + 4, key, 12);
    add_needle("ticket key", key + 12, 32);
    add_needle("ticket binding key", key + 44, 32);
    start_search();
    assert_int_equal(kp_ticket_open(keys, START, sealed, len, &ticket), 0);
    kp_ticket_keys_free(keys);
    searched += 100;
    end_search("ticket keys", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_search_works),   cmocka_unit_test(test_success),
        cmocka_unit_test(test_wrong_password), cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_given_up),       cmocka_unit_test(test_resumed),
        cmocka_unit_test(test_ticket_keys),    cmocka_unit_test(test_refused_plaintext),
    };

    hook_library();
    return cmocka_run_group_tests(tests, open_world, close_world);
}
