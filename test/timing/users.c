/*
 * Users, and guesses at their passwords: see users.h.
 */
#include "users.h"

#include "creds/roster.h"
#include "creds/store.h"
#include "pake/srp_groups.h"

#include <stdlib.h>
#include <string.h>

const struct guess_kind guess_kinds[GUESS_KINDS] = {
    {"1.2", KP_USE_TLS12, 0},
    {"1.3 A", KP_USE_TLS13, KP_PAKE_IETF},
    {"1.3 B", KP_USE_TLS13, KP_PAKE_BORINGSSL},
};

void user_name(char out[static USER_NAME_LEN + 1], bool known, unsigned index)
{
    out[0] = known ? 'u' : 'n';
    out[1] = (char)('0' + index / 10 % 10);
    out[2] = (char)('0' + index % 10);
    out[3] = '\0';
}

/* ---- Users --------------------------------------------------------------------------------- */

/* What a password would have given but for scrypt's tenth of a second. */
static void give_spake2plus(struct kp_roster_user *user, const struct kp_crypto *crypto)
{
    struct kp_roster_spake2plus *half = calloc(1, sizeof(*half));
    uint8_t w1[KP_SCALAR_LEN];

    must(half != NULL && kp_scalar_random(crypto, half->w0) == 0 &&
         kp_scalar_random(crypto, w1) == 0 && kp_spake2plus_make_l(crypto, w1, half->l) == 0);
    user->spake2plus = half;
}

static void add_user(struct kp_roster *roster, const struct kp_crypto *crypto, unsigned index)
{
    struct kp_roster_user user;
    struct kp_srp_group *group;
    uint8_t salt[KP_SALT_MAX];
    uint8_t v[KP_SRP_MAX_LEN];
    char name[USER_NAME_LEN + 1];

    user_name(name, true, index);
    must(kp_srp_group_new(&group, crypto, kp_srp_group_by_bits(roster->bits), false) == 0);
    must(kp_srp_fake_verifier(group, crypto, v) == 0);
    kp_srp_group_free(group);
    must(kp_roster_salt(crypto, roster->seed, roster->salt_len, name, USER_NAME_LEN, salt) == 0);
    must(kp_roster_user_set(&user, name, USER_NAME_LEN, roster->bits, salt, roster->salt_len, v) ==
         0);
    give_spake2plus(&user, crypto);
    must(kp_roster_add(roster, &user) == 0);
}

struct kp_store *users_store(unsigned count, unsigned bits)
{
    struct kp_roster roster;
    struct kp_store_fault fault;
    struct kp_crypto *crypto;
    struct kp_store *store;
    struct kp_text text;

    must(count <= USERS_MAX && kp_crypto_new(&crypto, NULL, NULL) == 0);
    must(kp_roster_init(&roster, crypto, USERS_DEVICE_ID, strlen(USERS_DEVICE_ID), bits,
                        KP_ROSTER_SALT_LEN) == 0);
    for (unsigned i = 0; i < count; i++)
        add_user(&roster, crypto, i);
    must(kp_roster_format(&roster, crypto, &text) == 0);
    must(kp_store_parse(&store, text.data, text.len, &fault) == 0);
    kp_text_clear(&text);
    kp_roster_clear(&roster);
    kp_crypto_free(crypto);
    return store;
}

/* ---- Guesses ------------------------------------------------------------------------------- */

/* The login of no password: any secret is a wrong one. */
static void make_hello(struct guess *guess, const struct guess_kind *kind, const char *name,
                       struct kp_span device_id)
{
    const struct kp_settings settings = {
        .role = KP_CLIENT, .versions = kind->versions, .pake = kind->pake};
    struct kp_context *context;
    struct kp_login *login;
    struct kp_conn *conn;
    size_t len;

    must(kp_context_new(&context, &settings) == 0);
    must(kp_login_new(&login, context, name, strlen(name), (const uint8_t *)"wrong", 5) == 0);
    if (kind->versions == KP_USE_TLS13) {
        must(kp_scalar_random(context->crypto, login->spake2plus.w0) == 0);
        must(kp_scalar_random(context->crypto, login->spake2plus.w1) == 0);
        must(device_id.len <= sizeof(login->device_id));
        memcpy(login->device_id, device_id.data, device_id.len);
        login->device_id_len = device_id.len;
        login->has_device = true;
    }
    must(kp_conn_new(&conn, context, START) == 0);
    must(kp_conn_connect(conn, login, NULL, NULL) == 0);
    const uint8_t *hello = kp_wire_out(conn, &len);
    bytes_add(&guess->first, hello, len);
    kp_conn_free(conn);
    kp_login_free(login);
    kp_context_free(context);
}

/* A share, ChangeCipherSpec, and a Finished that is noise: as long as the true one is. */
static void make_second12(struct bytes *out, unsigned bits, struct seeded *random)
{
    enum { FINISHED_LEN = 16 + 32 + 20 };
    uint8_t share[2 + KP_SRP_MAX_LEN] = {(uint8_t)(bits / 8 >> 8), (uint8_t)(bits / 8)};
    uint8_t finished[FINISHED_LEN];
    const uint8_t ccs[1] = {1};

    seeded_random(random, share + 2, bits / 8);
    share[2] &= 0x7F; /* less than N */
    seeded_random(random, finished, sizeof(finished));
    bytes_message(out, KP_CLIENT_KEY_EXCHANGE, share, 2 + bits / 8);
    bytes_record(out, KP_CCS, KP_TLS12, ccs, sizeof(ccs));
    bytes_record(out, KP_HANDSHAKE, KP_TLS12, finished, sizeof(finished));
}

static void make_second13(struct bytes *out, struct seeded *random)
{
    uint8_t finished[4 + KP_SHA256_LEN + 1 + KP_AEAD_TAG_LEN];

    seeded_random(random, finished, sizeof(finished));
    bytes_record(out, KP_APPLICATION, KP_TLS12, finished, sizeof(finished));
}

void guess_make(struct guess *guess, const struct guess_kind *kind, const char *name,
                struct kp_span device_id, unsigned bits)
{
    struct seeded random;

    memset(guess, 0, sizeof(*guess));
    seeded_start(&random, 7);
    make_hello(guess, kind, name, device_id);
    if (kind->versions == KP_USE_TLS13)
        make_second13(&guess->second, &random);
    else
        make_second12(&guess->second, bits, &random);
}

void guess_free(struct guess *guess)
{
    bytes_free(&guess->first);
    bytes_free(&guess->second);
}
