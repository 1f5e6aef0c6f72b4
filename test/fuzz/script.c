/*
 * Recorded handshakes for fuzzers.
 */
#include "script.h"

#include <string.h>

struct recording {
    enum kp_role victim;
    struct script *script;
};

static void edit_record(struct pair *p, enum kp_role from, const uint8_t *record, size_t len,
                        struct bytes *out)
{
    const struct recording *r = p->edit_arg;
    struct script *s = r->script;

    bytes_add(out, record, len);
    if (from == r->victim)
        return;
    must(s->records < SCRIPT_RECORDS);
    if (record[0] == KP_CCS)
        s->ccs = s->records;
    bytes_add(&s->wire, record, len);
    s->end[s->records++] = s->wire.len;
}

static void record(struct scripts *s, enum kp_role victim, bool resumed)
{
    enum kp_role sender = victim == KP_SERVER ? KP_CLIENT : KP_SERVER;
    struct recording r = {victim, &s->script[resumed]};
    struct pair p;

    pair_open(&p, &s->world, START, SCRIPT_SEED);
    p.edit = edit_record;
    p.edit_arg = &r;
    pair_connect(&p, s->world.login, resumed ? s->session : NULL, "device.example");
    pair_run(&p);
    must(pair_proved(&p, KP_CLIENT) && pair_proved(&p, KP_SERVER));
    r.script->seal = p.conn[sender]->records.write;
    r.script->seal.sequence = 0;
    r.script->seal.cbc = NULL;
    r.script->seal.mac = NULL;
    must(pair_say(&p, sender, "GET / HTTP/1.1\r\nHost: device.example\r\n\r\n", 40));
    must(kp_app_in_end(p.conn[sender]) == 0);
    pair_run(&p);
    if (!resumed)
        s->session = kp_conn_session(p.conn[KP_CLIENT]);
    must(s->session != NULL);
    pair_close(&p);
}

void scripts_open(struct scripts *s, enum kp_role victim)
{
    static const char *const alpn[] = {"http/1.1"};
    const struct kp_settings settings = {.alpn = alpn, .alpn_count = 1};
    struct pair p;

    memset(s, 0, sizeof(*s));
    world_open(&s->world, 2048, &settings, &settings);
    /* The ticket keys are made by the first handshake: from the second on all use the same random
     * bytes for the same things. */
    pair_handshake(&p, &s->world, START, SCRIPT_SEED);
    pair_close(&p);
    record(s, victim, false);
    record(s, victim, true);
}

struct kp_conn *scripts_conn(struct scripts *s, enum kp_role victim, bool resumed)
{
    struct world *w = &s->world;
    struct kp_conn *conn;

    seeded_start(&w->random[KP_CLIENT], SCRIPT_SEED);
    seeded_start(&w->random[KP_SERVER], ~(uint64_t)SCRIPT_SEED);
    must(kp_conn_new(&conn, w->context[victim], START) == 0);
    if (victim == KP_CLIENT)
        must(kp_conn_connect(conn, w->login, resumed ? s->session : NULL, "device.example") == 0);
    return conn;
}

static void answer(struct scripts *s, struct kp_conn *conn)
{
    size_t len;
    unsigned state = kp_conn_state(conn);

    if (state & KP_NEED_CREDENTIAL) {
        const char *name = kp_conn_user(conn, &len);
        bool known = len == strlen(ALICE) && memcmp(name, ALICE, len) == 0;
        int err = kp_conn_credential(conn, known ? &s->world.credential : &s->world.simulated);
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
