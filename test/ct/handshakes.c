/*
 * Whole handshakes with their secrets marked; tickets, and data.
 */
#include "cases.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static size_t suite_shift;

const struct kp_suite *__real_kp_suite_at(size_t index);
const struct kp_suite *__wrap_kp_suite_at(size_t index);

/* Each AEAD in its turn: the first three rows are theirs. */
const struct kp_suite *__wrap_kp_suite_at(size_t index)
{
    return __real_kp_suite_at(index < 3 ? (index + suite_shift) % 3 : index);
}

/* ---- Handshakes -------------------------------------------------------------------------- */

enum who { RIGHT, WRONG, UNKNOWN };

/* Who it is may decide nothing before the proof. */
static void hide_who(struct world *w)
{
    ct_secret(&w->credential.srp_simulated, sizeof(bool));
    ct_secret(&w->credential.spake2plus_simulated, sizeof(bool));
    ct_secret(&w->simulated.srp_simulated, sizeof(bool));
    ct_secret(&w->simulated.spake2plus_simulated, sizeof(bool));
}

static const struct kp_login *login_of(const struct world *w, enum who who)
{
    return who == RIGHT ? w->login : who == WRONG ? w->wrong : w->unknown;
}

static void shake(struct pair *p, struct world *w, enum who who)
{
    if (who != RIGHT)
        hide_who(w);
    pair_open(p, w, START, 11);
    pair_connect(p, login_of(w, who), NULL, NULL);
    pair_run(p);
    for (int role = KP_CLIENT; role <= KP_SERVER; role++)
        must(pair_proved(p, (enum kp_role)role) == (who == RIGHT));
    saw(CT_PASSWORDS, 1);
    saw(CT_KEYS, 4);
    saw(CT_COMPARED, 1);
}

static void handshake12(unsigned bits, enum who who)
{
    struct world w;
    struct pair p;

    world_open(&w, bits, NULL, NULL);
    shake(&p, &w, who);
    saw(CT_EXPONENTS, 4);
    pair_close(&p);
    world_close(&w);
}

void tls12_right(void)
{
    handshake12(2048, RIGHT);
}

void tls12_right_3072(void)
{
    handshake12(3072, RIGHT);
}

void tls12_wrong(void)
{
    handshake12(2048, WRONG);
}

void tls12_unknown(void)
{
    handshake12(2048, UNKNOWN);
}

static void open_form(struct world13 *w, unsigned form)
{
    const struct kp_settings client = {.pake = form, .versions = KP_USE_TLS13};

    world13_open(w, &client, NULL);
}

static void handshake13(unsigned form, enum who who, bool other_device)
{
    struct world13 w;
    struct pair p;

    open_form(&w, form);
    if (other_device) {
        for (size_t i = 0; i < 2; i++)
            w.world.wrong->device_id[i]++;
    }
    shake(&p, &w.world, who);
    saw(CT_SCALARS, 6);
    pair_close(&p);
    world13_close(&w);
}

void ietf_right(void)
{
    handshake13(KP_PAKE_IETF, RIGHT, false);
}

void ietf_wrong(void)
{
    handshake13(KP_PAKE_IETF, WRONG, false);
}

void ietf_unknown(void)
{
    handshake13(KP_PAKE_IETF, UNKNOWN, false);
}

void ietf_device(void)
{
    handshake13(KP_PAKE_IETF, WRONG, true);
}

void boringssl_right(void)
{
    handshake13(KP_PAKE_BORINGSSL, RIGHT, false);
}

void boringssl_wrong(void)
{
    handshake13(KP_PAKE_BORINGSSL, WRONG, false);
}

void boringssl_unknown(void)
{
    handshake13(KP_PAKE_BORINGSSL, UNKNOWN, false);
}

void boringssl_device(void)
{
    handshake13(KP_PAKE_BORINGSSL, WRONG, true);
}

/* HelloRetryRequest and its cookie. */
void ietf_retry(void)
{
    struct world13 w;
    struct pair p;

    open_form(&w, KP_PAKE_IETF);
    pair13_open(&p, &w, START, 3);
    must(kp_conn_ask_cookie(p.conn[KP_SERVER]) == 0);
    pair_connect(&p, w.world.login, NULL, NULL);
    pair_run(&p);
    must(pair_proved(&p, KP_SERVER) && pair_proved(&p, KP_CLIENT));
    saw(CT_COMPARED, 4);
    pair_close(&p);
    world13_close(&w);
}

/* The right password of a guess that is or isn't judged. */
static void guess(unsigned version, bool granted)
{
    const struct kp_settings client = {.versions = version};
    const struct kp_settings server = {.count_guesses = true};
    struct world13 w;
    struct pair p;

    world13_open(&w, &client, &server);
    if (!granted)
        hide_who(&w.world);
    pair13_open(&p, &w, START, 5);
    p.refuse_guesses = !granted;
    pair_connect(&p, w.world.login, NULL, NULL);
    pair_run(&p);
    must(p.guesses == 1 && pair_proved(&p, KP_SERVER) == granted);
    saw(CT_KEYS, 4);
    pair_close(&p);
    world13_close(&w);
}

void tls12_guess_granted(void)
{
    guess(KP_USE_TLS12, true);
}

void tls12_guess_refused(void)
{
    guess(KP_USE_TLS12, false);
}

void ietf_guess_granted(void)
{
    guess(KP_USE_TLS13, true);
}

void ietf_guess_refused(void)
{
    guess(KP_USE_TLS13, false);
}

/* ---- Tickets ----------------------------------------------------------------------------- */

/* A second connection with the first one's ticket; changed: of a credential that isn't the same. */
static void resume(struct world *w, bool changed)
{
    struct kp_credential other = w->credential;
    struct pair p;

    pair_handshake(&p, w, START, 21);
    struct kp_session *session = kp_conn_session(p.conn[KP_CLIENT]);
    must(session != NULL && ct_is_secret(session->master, sizeof(session->master)));
    pair_close(&p);
    other.binding[5] ^= 1;
    memset(ct_seen, 0, sizeof(ct_seen));
    pair_open(&p, w, START + 60, 22);
    p.alice = changed ? &other : &w->credential;
    pair_connect(&p, NULL, session, NULL);
    pair_run(&p);
    must(pair_proved(&p, KP_SERVER) == !changed && pair_proved(&p, KP_CLIENT) == !changed);
    saw(CT_KEYS, changed ? 2 : 6);
    saw(CT_COMPARED, changed ? 1 : 3);
    pair_close(&p);
    kp_session_free(session);
}

static void ticket12(bool changed)
{
    struct world w;

    world_open(&w, 2048, NULL, NULL);
    resume(&w, changed);
    world_close(&w);
}

static void ticket13(bool changed)
{
    struct world13 w;

    open_form(&w, KP_PAKE_IETF);
    resume(&w.world, changed);
    world13_close(&w);
}

void tls12_ticket(void)
{
    ticket12(false);
}

void tls12_ticket_changed(void)
{
    ticket12(true);
}

void ietf_ticket(void)
{
    ticket13(false);
}

void ietf_ticket_changed(void)
{
    ticket13(true);
}

/* ---- Data -------------------------------------------------------------------------------- */

/* Says secret bytes of many lengths, and hears the same ones, still secret. */
static void talk(struct pair *p, enum kp_role from)
{
    static const size_t lens[] = {1, 15, 16, 17, 255, 3000};
    static uint8_t said[3000];
    enum kp_role to = from == KP_CLIENT ? KP_SERVER : KP_CLIENT;

    for (size_t i = 0; i < COUNT(lens); i++) {
        size_t before = p->heard[to].len;
        for (size_t k = 0; k < lens[i]; k++)
            said[k] = (uint8_t)(k * 7 + lens[i]);
        ct_secret(said, lens[i]);
        must(pair_say(p, from, said, lens[i]));
        must(p->heard[to].len == before + lens[i]);
        must(ct_is_secret(p->heard[to].data + before, lens[i]));
        ct_public(p->heard[to].data + before, lens[i]);
        ct_public(said, lens[i]);
        must(memcmp(p->heard[to].data + before, said, lens[i]) == 0);
    }
}

/* One bit of a record is changed: it is refused, and nothing of it is heard. */
static void damage(struct pair *p, struct world *w, size_t at)
{
    pair_handshake(p, w, START, 31);
    p->flip.on = true;
    p->flip.from = KP_CLIENT;
    p->flip.at = p->wire[KP_CLIENT].len + KP_HEADER_LEN + at;
    p->flip.mask = 1;
    (void)pair_say(p, KP_CLIENT, "a record that is changed", 24);
    must(p->heard[KP_SERVER].len == 0 && pair_error(p, KP_SERVER) == KP_E_RECORD_MAC);
    pair_close(p);
}

static void export_keys(const struct pair *p)
{
    uint8_t out[2][40];

    for (int role = KP_CLIENT; role <= KP_SERVER; role++) {
        must(kp_conn_export(p->conn[role], "EXPORTER-test", 13, NULL, 0, out[role], 40) == 0);
        must(ct_is_secret(out[role], 40));
        ct_public(out[role], 40);
    }
    must(memcmp(out[0], out[1], 40) == 0);
}

static void both_ways(struct world *w, bool update)
{
    struct pair p;

    pair_handshake(&p, w, START, 30);
    memset(ct_seen, 0, sizeof(ct_seen));
    talk(&p, KP_CLIENT);
    if (update) {
        must(kp_conn_key_update(p.conn[KP_CLIENT], true) == 0);
        pair_run(&p);
    }
    talk(&p, KP_SERVER);
    talk(&p, KP_CLIENT);
    export_keys(&p);
    saw(CT_SEALED, 18);
    saw(CT_KEYS, 4);
    pair_close(&p);
    damage(&p, w, 0);
    damage(&p, w, 20);
}

void cbc_data(void)
{
    struct world w;

    world_open(&w, 2048, NULL, NULL);
    both_ways(&w, false);
    world_close(&w);
}

static void aead_data(size_t shift)
{
    struct world13 w;

    suite_shift = shift;
    open_form(&w, KP_PAKE_IETF);
    both_ways(&w.world, true);
    world13_close(&w);
}

void first_aead_data(void)
{
    aead_data(0);
}

void second_aead_data(void)
{
    aead_data(1);
}

void third_aead_data(void)
{
    aead_data(2);
}
