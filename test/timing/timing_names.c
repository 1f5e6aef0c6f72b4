/*
 * By hand: does the time that a server's engine takes tell whether a name is known?
 *
 * In memory: guesses at passwords of users and of names that nobody has, in random order.  Two
 * steps of each handshake are timed, with all that a server does in them (the look-up of the name
 * and the arithmetic): from the ClientHello to our flight, and from the client's second flight to
 * our alert.  The names of one length are as many as the users, so that each user's verifier is
 * used as seldom as he is asked for, while nobody's is used by all the names that nobody has.
 *
 *      timing_names [SAMPLES]          of a class; default 5000
 */
#include "creds/store.h"
#include "measure.h"
#include "users.h"

#include <stdio.h>
#include <string.h>

enum { UNKNOWN, KNOWN, REFUSED, UNKNOWN_REFUSED, CLASSES };

#define BITS 3072

struct names {
    const struct guess_kind *kind;
    struct kp_context *context;
    struct kp_store *store;
    unsigned users;
    struct guess guesses[2][USERS_MAX]; /* by whether the name is known */
    struct seeded random;
};

/* Gives the server what the client says, and answers what it asks. */
static void hear(const struct names *n, struct kp_conn *conn, const struct bytes *flight,
                 bool granted)
{
    struct kp_credential credential;
    size_t room, len;
    uint8_t *at = kp_wire_in_room(conn, &room);
    unsigned state;

    must(room >= flight->len);
    memcpy(at, flight->data, flight->len);
    int err = kp_wire_in_done(conn, flight->len);
    while ((state = kp_conn_state(conn)) & (KP_NEED_CREDENTIAL | KP_NEED_GUESS)) {
        if (state & KP_NEED_GUESS) {
            err = kp_conn_guess(conn, granted);
            continue;
        }
        const char *name = kp_conn_user(conn, &len);
        must(kp_store_lookup(n->store, name, len, &credential) == 0);
        err = kp_conn_credential(conn, &credential);
    }
    must(err == kp_conn_error(conn));
}

static void drain(struct kp_conn *conn)
{
    size_t len;

    kp_wire_out(conn, &len);
    must(len > 0);
    kp_wire_out_done(conn, len);
}

static void run_guess(void *arg, unsigned class, double ns[static MEASURE_STEPS])
{
    struct names *n = arg;
    bool known = class == KNOWN || class == REFUSED;
    bool granted = class == KNOWN || class == UNKNOWN;
    const struct guess *guess = &n->guesses[known][seeded_below(&n->random, n->users)];
    struct kp_conn *conn;

    must(kp_conn_new(&conn, n->context, START) == 0);
    double begin = measure_cpu_now();
    hear(n, conn, &guess->first, granted);
    ns[0] = measure_cpu_now() - begin;
    must(kp_conn_error(conn) == 0);
    drain(conn);
    begin = measure_cpu_now();
    hear(n, conn, &guess->second, granted);
    ns[1] = measure_cpu_now() - begin;
    must(kp_conn_error(conn) == KP_E_PROOF && kp_conn_sent_alert(conn) == 20);
    drain(conn);
    kp_conn_free(conn);
}

static void open_names(struct names *n, const struct guess_kind *kind, unsigned users)
{
    struct kp_settings settings = {.role = KP_SERVER, .count_guesses = true};
    char name[USER_NAME_LEN + 1];

    memset(n, 0, sizeof(*n));
    n->kind = kind;
    n->users = users;
    seeded_start(&n->random, 3);
    n->store = users_store(users, BITS);
    settings.device_id = kp_store_device_id(n->store, &settings.device_id_len);
    must(kp_context_new(&n->context, &settings) == 0);
    for (unsigned i = 0; i < 2 * users; i++) {
        user_name(name, i % 2, i / 2);
        guess_make(&n->guesses[i % 2][i / 2], kind, name,
                   (struct kp_span){settings.device_id, settings.device_id_len}, BITS);
    }
}

static void close_names(struct names *n)
{
    for (unsigned i = 0; i < 2 * n->users; i++)
        guess_free(&n->guesses[i % 2][i / 2]);
    kp_context_free(n->context);
    kp_store_free(n->store);
}

static void tell(const struct names *n, const struct measure *m, const char *what, unsigned a,
                 unsigned b)
{
    static const char *const steps[MEASURE_STEPS] = {"flight", "alert"};
    char line[96];

    for (unsigned step = 0; step < MEASURE_STEPS; step++) {
        snprintf(line, sizeof(line), "%s, %u: %s, %s", n->kind->text, n->users, what, steps[step]);
        measure_tell(&m[step], line, a, b, MEASURE_SAME);
    }
}

static void measure_kind(const struct guess_kind *kind, unsigned users, size_t samples)
{
    struct measure m[MEASURE_STEPS];
    struct names n;
    char line[96];

    open_names(&n, kind, users);
    measure_run(m, MEASURE_STEPS, CLASSES, samples, run_guess, &n);
    tell(&n, m, "known", UNKNOWN, KNOWN);
    tell(&n, m, "refused", KNOWN, REFUSED);
    tell(&n, m, "unjudged", UNKNOWN_REFUSED, REFUSED);
    snprintf(line, sizeof(line), "control: %s, busy loop", kind->text);
    if (users > 1)
        measure_control(&m[0], line, run_guess, &n);
    measure_free(m, MEASURE_STEPS);
    close_names(&n);
}

int main(int argc, char **argv)
{
    size_t samples = measure_samples(argc, argv, 1, 5000);

    measure_head();
    for (size_t kind = 0; kind < GUESS_KINDS; kind++) {
        measure_kind(&guess_kinds[kind], 1, samples);
        measure_kind(&guess_kinds[kind], 16, samples);
    }
    return measure_status();
}
