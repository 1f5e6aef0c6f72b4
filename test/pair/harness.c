/*
 * Two engines in memory and the wire between them.
 */
#include "harness.h"

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOVES_MAX 4000000u /* more than that is a loop without end */

void must_failed(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
    abort();
}

/* ---- Bytes that grow ------------------------------------------------------------------------ */

void bytes_add(struct bytes *b, const void *data, size_t len)
{
    if (b->capacity - b->len < len) {
        size_t capacity = (b->len + len) * 2 + 64;
        uint8_t *grown = realloc(b->data, capacity);
        must(grown != NULL);
        b->data = grown;
        b->capacity = capacity;
    }
    if (len > 0)
        memcpy(b->data + b->len, data, len);
    b->len += len;
}

void bytes_free(struct bytes *b)
{
    free(b->data);
    memset(b, 0, sizeof(*b));
}

void bytes_record(struct bytes *b, uint8_t type, uint16_t version, const void *data, size_t len)
{
    uint8_t header[KP_HEADER_LEN];

    kp_record_header_put(header, type, version, len);
    bytes_add(b, header, sizeof(header));
    bytes_add(b, data, len);
}

void bytes_message(struct bytes *b, uint8_t message, const void *body, size_t len)
{
    struct bytes whole = {0};
    const uint8_t head[4] = {message, (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len};

    bytes_add(&whole, head, sizeof(head));
    bytes_add(&whole, body, len);
    bytes_record(b, KP_HANDSHAKE, KP_TLS12, whole.data, whole.len);
    bytes_free(&whole);
}

/* ---- Pair -------------------------------------------------------------------------------- */

static enum kp_role other(enum kp_role role)
{
    return role == KP_CLIENT ? KP_SERVER : KP_CLIENT;
}

void pair_open(struct pair *p, struct world *w, uint64_t now, uint64_t seed)
{
    memset(p, 0, sizeof(*p));
    p->world = w;
    p->alice = &w->credential;
    seeded_start(&w->random[KP_CLIENT], seed);
    seeded_start(&w->random[KP_SERVER], ~seed);
    must(kp_conn_new(&p->conn[KP_CLIENT], w->context[KP_CLIENT], now) == 0);
    must(kp_conn_new(&p->conn[KP_SERVER], w->context[KP_SERVER], now) == 0);
}

void pair_connect(struct pair *p, const struct kp_login *login, const struct kp_session *session,
                  const char *server_name)
{
    must(kp_conn_connect(p->conn[KP_CLIENT], login, session, server_name) == 0);
}

void pair_handshake(struct pair *p, struct world *w, uint64_t now, uint64_t seed)
{
    pair_open(p, w, now, seed);
    pair_connect(p, w->login, NULL, NULL);
    pair_run(p);
}

void pair_close(struct pair *p)
{
    /* A caller that has TLS of its own from the same library looks at this thread's queue of
     * errors: nothing of ours may stand in it. */
    must(ERR_peek_error() == 0);
    for (int role = KP_CLIENT; role <= KP_SERVER; role++) {
        kp_conn_free(p->conn[role]);
        bytes_free(&p->wire[role]);
        bytes_free(&p->heard[role]);
    }
    memset(p, 0, sizeof(*p));
}

/* ---- What an engine says goes onto the wire -------------------------------------------------- */

static void flip_in(struct pair *p, enum kp_role from, size_t start)
{
    if (p->flip.on && p->flip.from == from && p->flip.at >= start && p->flip.at < p->wire[from].len)
        p->wire[from].data[p->flip.at] ^= p->flip.mask;
}

/* Record by record through the hook.  Engines put whole records onto wire out. */
static void put_edited(struct pair *p, enum kp_role from, const uint8_t *data, size_t len)
{
    while (len > 0) {
        must(len >= KP_HEADER_LEN);
        size_t whole = KP_HEADER_LEN + (size_t)(data[3] << 8 | data[4]);
        must(len >= whole);
        p->edit(p, from, data, whole, &p->wire[from]);
        if (data[0] == KP_CCS)
            p->sealed[from] = true;
        data += whole;
        len -= whole;
    }
}

static bool collect(struct pair *p, enum kp_role from)
{
    size_t len;
    const uint8_t *data = kp_wire_out(p->conn[from], &len);
    size_t start = p->wire[from].len;

    if (len == 0 || (p->window > 0 && start - p->given[from] >= p->window))
        return false;
    must((kp_conn_state(p->conn[from]) & KP_WIRE_OUT) != 0);
    if (p->edit != NULL) {
        put_edited(p, from, data, len);
    } else {
        len = p->chunk > 0 && p->chunk < len ? p->chunk : len;
        bytes_add(&p->wire[from], data, len);
    }
    flip_in(p, from, start);
    kp_wire_out_done(p->conn[from], len);
    return true;
}

/* ---- What is on the wire goes to the other engine ---------------------------------------------
 */

static bool deliver(struct pair *p, enum kp_role to)
{
    enum kp_role from = other(to);
    size_t end = p->limit[from] > 0 && p->limit[from] < p->wire[from].len ? p->limit[from]
                                                                          : p->wire[from].len;
    size_t waiting = end - p->given[from];
    size_t room;

    if (waiting == 0 || p->cut[from])
        return false;
    uint8_t *at = kp_wire_in_room(p->conn[to], &room);
    if (room == 0)
        return false;
    size_t n = waiting < room ? waiting : room;
    n = p->chunk > 0 && p->chunk < n ? p->chunk : n;
    memcpy(at, p->wire[from].data + p->given[from], n);
    p->given[from] += n;
    int err = kp_wire_in_done(p->conn[to], n);
    must(err == kp_conn_error(p->conn[to]));
    return true;
}

static bool listen_to(struct pair *p, enum kp_role role)
{
    size_t len;
    const uint8_t *data = kp_app_out(p->conn[role], &len);

    if (len == 0 || p->deaf[role])
        return false;
    len = p->chunk > 0 && p->chunk < len ? p->chunk : len;
    bytes_add(&p->heard[role], data, len);
    kp_app_out_done(p->conn[role], len);
    return true;
}

static bool answer(struct pair *p, enum kp_role role)
{
    unsigned state = kp_conn_state(p->conn[role]);
    int err = 0;

    if (p->withhold || (state & (KP_NEED_CREDENTIAL | KP_NEED_COMPUTE | KP_NEED_GUESS)) == 0)
        return false;
    if (state & KP_NEED_CREDENTIAL) {
        size_t len;
        const char *name = kp_conn_user(p->conn[role], &len);
        bool known = p->alice != NULL && len == strlen(ALICE) && memcmp(name, ALICE, len) == 0;
        p->lookups++;
        err = kp_conn_credential(p->conn[role], known ? p->alice : &p->world->simulated);
    } else if (state & KP_NEED_GUESS) {
        p->guesses++;
        err = kp_conn_guess(p->conn[role], !p->refuse_guesses);
    } else {
        p->computes++;
        err = kp_conn_compute(p->conn[role]);
    }
    must(err == kp_conn_error(p->conn[role]));
    return true;
}

void pair_run(struct pair *p)
{
    unsigned moves = 0;
    bool moved;

    do {
        moved = false;
        for (unsigned i = 0; i < 2; i++) {
            enum kp_role role = i == 0 ? KP_CLIENT : KP_SERVER;
            moved |= answer(p, role);
            moved |= collect(p, role);
            moved |= deliver(p, role);
            moved |= listen_to(p, role);
        }
        must(moves++ < MOVES_MAX);
    } while (moved);
}

void pair_inject(struct pair *p, enum kp_role from, const void *data, size_t len)
{
    size_t start = p->wire[from].len;

    bytes_add(&p->wire[from], data, len);
    flip_in(p, from, start);
}

void pair_end(struct pair *p)
{
    for (int role = KP_CLIENT; role <= KP_SERVER; role++) {
        int err = kp_wire_in_end(p->conn[role]);
        must(err == kp_conn_error(p->conn[role]));
    }
}

bool pair_proved(const struct pair *p, enum kp_role role)
{
    return (kp_conn_state(p->conn[role]) & KP_PROVED) != 0;
}

int pair_error(const struct pair *p, enum kp_role role)
{
    return kp_conn_error(p->conn[role]);
}

bool pair_say(struct pair *p, enum kp_role from, const void *data, size_t len)
{
    const uint8_t *at = data;
    unsigned stuck = 0;

    while (len > 0) {
        size_t used;
        if (kp_app_in(p->conn[from], at, len, &used) != 0)
            return false;
        at += used;
        len -= used;
        stuck = used == 0 ? stuck + 1 : 0;
        if (stuck == 3)
            return false;
        pair_run(p);
    }
    return true;
}

void pair_seal(struct pair *p, enum kp_role from, uint8_t type, const void *data, size_t len)
{
    struct kp_record_layer *l = &p->conn[from]->records;

    if (len > 0) {
        must(kp_record_write(l, type, data, len) == 0);
        return;
    }
    /* The engine never writes an empty record. */
    uint8_t record[KP_HEADER_LEN + 64];
    must(l->write.ops->seal(&l->write, type, KP_TLS12, (const uint8_t *)"", 0, record) == 0);
    pair_run(p);
    pair_inject(p, from, record, KP_HEADER_LEN + l->write.ops->sealed_len(&l->write, 0));
}

/* ---- Another ClientHello ----------------------------------------------------------------------
 */

void pair_set_hello(struct pair *p, const uint8_t *body, size_t len)
{
    struct kp_conn *c = p->conn[KP_CLIENT];
    const uint8_t head[4] = {KP_CLIENT_HELLO, (uint8_t)(len >> 16), (uint8_t)(len >> 8),
                             (uint8_t)len};
    struct kp_transcript *t = &c->handshake->transcript;
    struct bytes whole = {0};

    bytes_add(&whole, head, sizeof(head));
    bytes_add(&whole, body, len);
    must(t->hash == NULL);
    kp_transcript_clear(t);
    must(kp_transcript_add(t, whole.data, whole.len) == 0);
    kp_buffer_free(&c->records.out, false);
    must(kp_record_write(&c->records, KP_HANDSHAKE, whole.data, whole.len) == 0);
    bytes_free(&whole);
}

void pair_hello(struct pair *p, struct kp_client_hello *hello, const uint8_t **body, size_t *len)
{
    const struct kp_transcript *t = &p->conn[KP_CLIENT]->handshake->transcript;
    struct kp_reader r;

    *body = t->early + KP_MESSAGE_HEADER_LEN;
    *len = t->early_len - KP_MESSAGE_HEADER_LEN;
    kp_reader_init(&r, *body, *len);
    /* A change may have spoilt its extensions: what comes before them is enough here. */
    int err = kp_client_hello_parse(&r, hello);
    must(err == 0 || hello->suites.len > 0);
}

/* Everything before the extensions' length. */
static size_t fixed_part(const struct kp_client_hello *hello, const uint8_t *body)
{
    return (size_t)(hello->suites.data - body) + hello->suites.len + 2;
}

static void set_extensions(struct pair *p, const uint8_t *body, size_t fixed,
                           const struct bytes *extensions)
{
    struct bytes whole = {0};
    const uint8_t len[2] = {(uint8_t)(extensions->len >> 8), (uint8_t)extensions->len};

    bytes_add(&whole, body, fixed);
    bytes_add(&whole, len, 2);
    bytes_add(&whole, extensions->data, extensions->len);
    pair_set_hello(p, whole.data, whole.len);
    bytes_free(&whole);
}

void pair_hello_without(struct pair *p, uint16_t value)
{
    struct kp_client_hello hello;
    struct bytes kept = {0};
    const uint8_t *body;
    struct kp_reader r;
    size_t len;

    pair_hello(p, &hello, &body, &len);
    size_t fixed = fixed_part(&hello, body);
    kp_reader_init(&r, body + fixed + 2, len - fixed - 2);
    while (r.left > 0) {
        const uint8_t *start = r.data;
        uint16_t type = kp_read_u16(&r);
        kp_read_vector(&r, 2, 0, 65535);
        if (type != value)
            bytes_add(&kept, start, (size_t)(r.data - start));
    }
    set_extensions(p, body, fixed, &kept);
    bytes_free(&kept);
}

void pair_hello_with(struct pair *p, uint16_t value, const void *data, size_t data_len)
{
    const uint8_t head[4] = {(uint8_t)(value >> 8), (uint8_t)value, (uint8_t)(data_len >> 8),
                             (uint8_t)data_len};
    struct kp_client_hello hello;
    struct bytes all = {0};
    const uint8_t *body;
    size_t len;

    pair_hello(p, &hello, &body, &len);
    size_t fixed = fixed_part(&hello, body);
    bytes_add(&all, body + fixed + 2, len - fixed - 2);
    bytes_add(&all, head, sizeof(head));
    bytes_add(&all, data, data_len);
    set_extensions(p, body, fixed, &all);
    bytes_free(&all);
}

void pair_hello_suites(struct pair *p, const void *suites, size_t suites_len)
{
    const uint8_t list_len[2] = {(uint8_t)(suites_len >> 8), (uint8_t)suites_len};
    struct kp_client_hello hello;
    struct bytes whole = {0};
    const uint8_t *body;
    size_t len;

    pair_hello(p, &hello, &body, &len);
    size_t before = (size_t)(hello.suites.data - body) - 2;
    size_t after = before + 2 + hello.suites.len;
    bytes_add(&whole, body, before);
    bytes_add(&whole, list_len, 2);
    bytes_add(&whole, suites, suites_len);
    bytes_add(&whole, body + after, len - after);
    pair_set_hello(p, whole.data, whole.len);
    bytes_free(&whole);
}

/* ---- The same handshake, delivered otherwise ---------------------------------------------------
 */

void edit_one_byte_records(struct pair *p, enum kp_role from, const uint8_t *record, size_t len,
                           struct bytes *out)
{
    if (p->sealed[from] || record[0] != KP_HANDSHAKE) {
        bytes_add(out, record, len);
        return;
    }
    for (size_t i = KP_HEADER_LEN; i < len; i++)
        bytes_record(out, KP_HANDSHAKE, (uint16_t)(record[1] << 8 | record[2]), record + i, 1);
}

/* Holds messages back until the flight's last (ServerHelloDone, or what is no plaintext handshake
 * record). */
void edit_coalesce(struct pair *p, enum kp_role from, const uint8_t *record, size_t len,
                   struct bytes *out)
{
    struct bytes *held = (struct bytes *)p->edit_arg + from;
    bool handshake = !p->sealed[from] && record[0] == KP_HANDSHAKE;

    if (handshake)
        bytes_add(held, record + KP_HEADER_LEN, len - KP_HEADER_LEN);
    if (held->len > 0 &&
        (!handshake || from == KP_CLIENT || record[KP_HEADER_LEN] == KP_SERVER_HELLO_DONE)) {
        bytes_record(out, KP_HANDSHAKE, KP_TLS12, held->data, held->len);
        bytes_free(held);
    }
    if (!handshake)
        bytes_add(out, record, len);
}
