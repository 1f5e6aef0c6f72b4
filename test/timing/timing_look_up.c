/*
 * By hand: what looking up a name, comparing secrets and opening tickets may tell by their time.
 *
 * A look-up finds the first of 50 users, one in the middle, the last, or nobody: no difference.
 * Two secrets differ in their first byte, in their last, or not at all: no difference.  A ticket
 * whose key's name isn't known is not decrypted, and what is known of names stands in every ticket
 * in the clear: that may be seen.  A ticket with any byte of its body or tag changed: no
 * difference.  One that is too old is opened before its age is seen, and who shows it knows its
 * age: that may be seen.
 *
 *      timing_look_up [SAMPLES]        of a class; default 20000
 */
#include "base/secret.h"
#include "creds/store.h"
#include "key/ticket.h"
#include "measure.h"
#include "users.h"

#include <string.h>

#define BITS 2048
#define USERS 50
#define COMPARED 32

/* ---- Names ----------------------------------------------------------------------------------- */

struct names {
    struct kp_store *store;
    char name[4][USER_NAME_LEN + 1];
    char list[USERS][USER_NAME_LEN + 1]; /* of the control */
};

static void run_look_up(void *arg, unsigned class, double ns[static MEASURE_STEPS])
{
    const struct names *n = arg;
    struct kp_credential credential;
    char name[USER_NAME_LEN + 1]; /* in one place for all classes */
    memcpy(name, n->name[class], sizeof(name));
    double begin = measure_now();
    int err = kp_store_lookup(n->store, name, USER_NAME_LEN, &credential);

    ns[0] = measure_now() - begin;
    must(err == 0);
}

/* What a look-up must not be: the first name that fits ends it. */
static void run_early(void *arg, unsigned class, double ns[static MEASURE_STEPS])
{
    const struct names *n = arg;
    double begin = measure_now();
    volatile unsigned at = 0;

    while (at < USERS && memcmp(n->list[at], n->name[class], USER_NAME_LEN) != 0)
        at++;
    ns[0] = measure_now() - begin;
}

static void measure_names(size_t samples)
{
    struct names n = {.store = users_store(USERS, BITS)};
    struct measure m;

    user_name(n.name[0], true, 0);
    user_name(n.name[1], true, USERS / 2);
    user_name(n.name[2], true, USERS - 1);
    user_name(n.name[3], false, 0);
    for (unsigned i = 0; i < USERS; i++)
        user_name(n.list[i], true, i);
    measure_run(&m, 1, 4, samples, run_look_up, &n);
    measure_tell(&m, "look-up: in the middle", 0, 1, MEASURE_SAME);
    measure_tell(&m, "look-up: the last of 50", 0, 2, MEASURE_SAME);
    measure_tell(&m, "look-up: nobody", 0, 3, MEASURE_SAME);
    measure_control(&m, "control: look-up, busy loop", run_look_up, &n);
    measure_free(&m, 1);
    measure_run(&m, 1, 4, samples, run_early, &n);
    measure_tell(&m, "control: a search that ends", 0, 2, MEASURE_CONTROL);
    measure_free(&m, 1);
    kp_store_free(n.store);
}

/* ---- Comparisons ----------------------------------------------------------------------------- */

#define REPEATS 20

struct compared {
    uint8_t secret[COMPARED];
    uint8_t other[3][COMPARED];
};

static void run_equal(void *arg, unsigned class, double ns[static MEASURE_STEPS])
{
    const struct compared *c = arg;
    unsigned equal = 0;
    double begin = measure_now();

    for (unsigned i = 0; i < REPEATS; i++)
        equal += kp_equal_secret(c->secret, c->other[class], COMPARED);
    ns[0] = measure_now() - begin;
    must(equal == (class == 2 ? REPEATS : 0));
}

static void run_equal_early(void *arg, unsigned class, double ns[static MEASURE_STEPS])
{
    const struct compared *c = arg;
    volatile unsigned at;
    double begin = measure_now();

    for (unsigned i = 0; i < REPEATS; i++) {
        for (at = 0; at < COMPARED && c->secret[at] == c->other[class][at];)
            at++;
    }
    ns[0] = measure_now() - begin;
}

static void measure_equal(size_t samples)
{
    struct compared c = {.other = {{0}}};
    struct measure m;

    c.other[0][0] = 1;
    c.other[1][COMPARED - 1] = 1;
    measure_run(&m, 1, 3, samples, run_equal, &c);
    measure_tell(&m, "compare, 20 times: last byte", 0, 1, MEASURE_SAME);
    measure_tell(&m, "compare, 20 times: equal", 0, 2, MEASURE_SAME);
    measure_free(&m, 1);
    measure_run(&m, 1, 3, samples, run_equal_early, &c);
    measure_tell(&m, "control: a loop that ends", 0, 1, MEASURE_CONTROL);
    measure_free(&m, 1);
}

/* ---- Tickets --------------------------------------------------------------------------------- */

enum { BODY_FIRST, BODY_LAST, TAG_FIRST, TAG_LAST, NO_KEY, OLD, RIGHT, TICKETS };

struct tickets {
    struct kp_ticket_keys *keys;
    size_t len;
    uint8_t ticket[TICKETS][KP_TICKET_MAX];
};

static void run_ticket(void *arg, unsigned class, double ns[static MEASURE_STEPS])
{
    const struct tickets *t = arg;
    struct kp_ticket_state state;
    uint8_t ticket[KP_TICKET_MAX];
    memcpy(ticket, t->ticket[class], sizeof(ticket));
    uint64_t now = class == OLD ? START + KP_TICKET_SECONDS : START;
    double begin = measure_now();
    int err = kp_ticket_open(t->keys, now, ticket, t->len, &state);

    ns[0] = measure_now() - begin;
    must(err == (class == RIGHT ? 0 : KP_E_NOT_FOUND));
}

static void make_tickets(struct tickets *t)
{
    enum { HEAD = 16 + KP_GCM_NONCE_LEN };
    const struct kp_ticket_state state = {
        .version = KP_TLS13, .suite = 0x1301, .proof_time = START, .user_len = 3, .user = "u00"};
    const uint8_t binding[KP_SHA256_LEN] = {0};

    must(kp_ticket_seal(t->keys, START, &state, binding, t->ticket[0], &t->len) == 0);
    for (unsigned i = 1; i < TICKETS; i++)
        memcpy(t->ticket[i], t->ticket[0], t->len);
    t->ticket[BODY_FIRST][HEAD] ^= 1;
    t->ticket[BODY_LAST][t->len - KP_GCM_TAG_LEN - 1] ^= 1;
    t->ticket[TAG_FIRST][t->len - KP_GCM_TAG_LEN] ^= 1;
    t->ticket[TAG_LAST][t->len - 1] ^= 1;
    t->ticket[NO_KEY][15] ^= 1;
}

static void measure_tickets(size_t samples)
{
    struct kp_crypto *crypto;
    struct tickets t;
    struct measure m;

    memset(&t, 0, sizeof(t));
    must(kp_crypto_new(&crypto, NULL, NULL) == 0);
    must(kp_ticket_keys_new(&t.keys, crypto, (struct kp_span){NULL, 0}) == 0);
    make_tickets(&t);
    measure_run(&m, 1, TICKETS, samples, run_ticket, &t);
    measure_tell(&m, "ticket: last byte of its body", BODY_FIRST, BODY_LAST, MEASURE_SAME);
    measure_tell(&m, "ticket: first byte of its tag", BODY_FIRST, TAG_FIRST, MEASURE_SAME);
    measure_tell(&m, "ticket: last byte of its tag", BODY_FIRST, TAG_LAST, MEASURE_SAME);
    measure_tell(&m, "ticket: a key not known", BODY_FIRST, NO_KEY, MEASURE_PUBLIC);
    measure_tell(&m, "ticket: too old", BODY_FIRST, OLD, MEASURE_PUBLIC);
    measure_tell(&m, "ticket: right", BODY_FIRST, RIGHT, MEASURE_PUBLIC);
    measure_control(&m, "control: ticket, busy loop", run_ticket, &t);
    measure_free(&m, 1);
    kp_ticket_keys_free(t.keys);
    kp_crypto_free(crypto);
}

int main(int argc, char **argv)
{
    size_t samples = measure_samples(argc, argv, 1, 20000);

    measure_head();
    measure_names(samples);
    measure_equal(samples);
    measure_tickets(samples);
    return measure_status();
}
