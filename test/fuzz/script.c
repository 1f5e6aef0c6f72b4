/*
 * Recorded handshakes for fuzzers.
 */
#include "script.h"

#include <string.h>

static const struct {
    unsigned world;
    bool resumed;
    bool retried;
} kinds[SCRIPTS] = {
    [SCRIPT_SRP] = {0, false, false},        [SCRIPT_SRP_RESUMED] = {0, true, false},
    [SCRIPT_PAKE] = {1, false, false},       [SCRIPT_PAKE_RESUMED] = {1, true, false},
    [SCRIPT_PAKE_RETRIED] = {1, true, true}, [SCRIPT_BORINGSSL] = {2, false, true},
};

/* ---- Recording ----------------------------------------------------------------------------- */

struct recording {
    enum kp_role victim;
    struct script *script;
    bool tls13;
};

/* TLS 1.3: by the server's handshake, which has both secrets until the client's Finished came. */
static void note_keys(const struct pair *p, enum kp_role from, struct script *s)
{
    const struct kp_handshake *hs = p->conn[KP_SERVER]->handshake;
    struct script_keys *keys = &s->keys[hs == NULL];

    if (keys->first != 0)
        return;
    keys->first = s->records;
    if (hs == NULL)
        return;
    kp_protect_none(&keys->seal);
    must(kp_tls13_protect(&keys->seal, p->world->crypto, hs->suite, hs->t13.schedule.mac,
                          from == KP_CLIENT ? hs->t13.client_secret : hs->t13.server_secret,
                          true) == 0);
}

static void edit_record(struct pair *p, enum kp_role from, const uint8_t *record, size_t len,
                        struct bytes *out)
{
    const struct recording *r = p->edit_arg;
    struct script *s = r->script;

    bytes_add(out, record, len);
    if (from == r->victim)
        return;
    must(s->records < SCRIPT_RECORDS);
    if (r->tls13 && record[0] == KP_APPLICATION)
        note_keys(p, from, s);
    if (!r->tls13 && record[0] == KP_CCS)
        s->keys[1].first = s->records + 1;
    bytes_add(&s->wire, record, len);
    s->end[s->records++] = s->wire.len;
}

/* What was said after the proof, and the keys that it was sealed with. */
static void note_end(struct pair *p, enum kp_role sender, struct script *s, size_t proved_at)
{
    const struct kp_conn *c = p->conn[sender];

    if (c->outcome.version == KP_TLS13) {
        memcpy(s->secret,
               sender == KP_CLIENT ? c->outcome.kept.tls13.client : c->outcome.kept.tls13.server,
               KP_HASH_MAX);
        s->finished = proved_at - 1;
        if (s->keys[1].first == 0)
            s->keys[1].first = proved_at;
        s->finished = s->keys[1].first - 1;
    } else {
        s->finished = s->keys[1].first;
    }
    s->keys[1].seal = c->records.write;
    s->keys[1].seal.sequence = 0;
    s->keys[1].seal.cbc = NULL;
    s->keys[1].seal.mac = NULL;
    s->keys[1].seal.aead = NULL;
}

static void record(struct scripts *s, enum kp_role victim, enum script_name name)
{
    enum kp_role sender = victim == KP_SERVER ? KP_CLIENT : KP_SERVER;
    unsigned world = kinds[name].world;
    struct recording r = {victim, &s->script[name], world != 0};
    struct world13 *w = &s->world[world];
    struct pair p;

    pair13_open(&p, w, START, SCRIPT_SEED);
    p.edit = edit_record;
    p.edit_arg = &r;
    if (kinds[name].retried)
        must(kp_conn_ask_cookie(p.conn[KP_SERVER]) == 0);
    pair_connect(&p, w->world.login, kinds[name].resumed ? s->session[world] : NULL,
                 "device.example");
    pair_run(&p);
    must(pair_proved(&p, KP_CLIENT) && pair_proved(&p, KP_SERVER));
    note_end(&p, sender, r.script, r.script->records);
    must(pair_say(&p, sender, "GET / HTTP/1.1\r\nHost: device.example\r\n\r\n", 40));
    if (world != 0) {
        must(kp_conn_key_update(p.conn[sender], true) == 0);
        must(pair_say(&p, sender, "more", 4));
    }
    must(kp_app_in_end(p.conn[sender]) == 0);
    pair_run(&p);
    if (s->session[world] == NULL)
        s->session[world] = kp_conn_session(p.conn[KP_CLIENT]);
    pair_close(&p);
}

void scripts_open(struct scripts *s, enum kp_role victim)
{
    static const char *const alpn[] = {"http/1.1"};
    const struct kp_settings server = {.alpn = alpn, .alpn_count = 1};
    const struct kp_settings clients[] = {
        {.alpn = alpn, .alpn_count = 1, .versions = KP_USE_TLS12},
        {.alpn = alpn, .alpn_count = 1, .pake = KP_PAKE_IETF},
        {.alpn = alpn, .alpn_count = 1, .pake = KP_PAKE_BORINGSSL, .versions = KP_USE_TLS13}};

    memset(s, 0, sizeof(*s));
    for (unsigned i = 0; i < 3; i++) {
        struct pair p;
        world13_open(&s->world[i], &clients[i], &server);
        /* The ticket keys are made by the first handshake: from the second on all use the same
         * random bytes for the same things. */
        pair13_handshake(&p, &s->world[i], START, SCRIPT_SEED);
        pair_close(&p);
    }
    for (unsigned name = 0; name < SCRIPTS; name++)
        record(s, victim, (enum script_name)name);
}

/* ---- Playing ------------------------------------------------------------------------------- */

struct kp_conn *scripts_conn(struct scripts *s, enum kp_role victim, enum script_name name)
{
    unsigned world = kinds[name].world;
    struct world *w = &s->world[world].world;
    struct kp_conn *conn;

    seeded_start(&w->random[KP_CLIENT], SCRIPT_SEED);
    seeded_start(&w->random[KP_SERVER], ~(uint64_t)SCRIPT_SEED);
    must(kp_conn_new(&conn, w->context[victim], START) == 0);
    if (victim == KP_SERVER && kinds[name].retried)
        must(kp_conn_ask_cookie(conn) == 0);
    if (victim == KP_CLIENT)
        must(kp_conn_connect(conn, w->login, kinds[name].resumed ? s->session[world] : NULL,
                             "device.example") == 0);
    return conn;
}

static void answer(struct scripts *s, struct kp_conn *conn)
{
    size_t len;
    unsigned state = kp_conn_state(conn);

    if (state & KP_NEED_CREDENTIAL) {
        const struct world *w = NULL;
        for (unsigned i = 0; i < 3; i++) {
            if (s->world[i].world.context[KP_SERVER] == conn->context)
                w = &s->world[i].world;
        }
        const char *name = kp_conn_user(conn, &len);
        bool known = len == strlen(ALICE) && memcmp(name, ALICE, len) == 0;
        must(w != NULL);
        int err = kp_conn_credential(conn, known ? &w->credential : &w->simulated);
        must(err == kp_conn_error(conn));
    }
    (void)kp_wire_out(conn, &len);
    kp_wire_out_done(conn, len);
    (void)kp_app_out(conn, &len);
    kp_app_out_done(conn, len);
}

bool scripts_feed(struct scripts *s, struct kp_conn *conn, const uint8_t *data, size_t len,
                  size_t chunk)
{
    while (len > 0) {
        size_t room;
        uint8_t *at = kp_wire_in_room(conn, &room);
        if (room == 0)
            return false;
        size_t n = len < room ? len : room;
        n = chunk > 0 && chunk < n ? chunk : n;
        memcpy(at, data, n);
        int err = kp_wire_in_done(conn, n);
        must(err == kp_conn_error(conn));
        data += n;
        len -= n;
        /* Twice: a look-up for a ticket may be followed by one for the claimed name. */
        answer(s, conn);
        answer(s, conn);
    }
    return true;
}
