/*
 * Session tickets and their keys.  Knows no message.
 */
#include "key/ticket.h"

#include "base/bytes.h"
#include "base/secret.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define NAME_LEN 16
#define MARK_LEN 4
#define ROTATE (KP_TICKET_SECONDS / 4)
/* A key seals for one period and its tickets live for four more. */
#define KEYS 6
#define PLAIN_MAX (2 + 2 + 8 + 1 + KP_NAME_MAX + KP_MASTER_LEN + KP_SHA256_LEN)

_Static_assert(NAME_LEN + KP_GCM_NONCE_LEN + PLAIN_MAX + KP_GCM_TAG_LEN <= KP_TICKET_MAX,
               "a ticket with the longest name fits");

static const uint8_t our_mark[MARK_LEN] = {'K', 'P', 'T', '1'};

struct key {
    bool used;
    uint64_t born;
    uint8_t name[NAME_LEN];
    uint8_t seal[KP_GCM_KEY_LEN];
    uint8_t bind[KP_SHA256_LEN];
};

struct kp_ticket_keys {
    const struct kp_crypto *crypto;
    pthread_mutex_t lock;
    struct key key[KEYS]; /* newest first */
    size_t device_id_len;
    uint8_t device_id[KP_DEVICE_ID_MAX];
};

int kp_ticket_keys_new(struct kp_ticket_keys **out, const struct kp_crypto *crypto,
                       struct kp_span device_id)
{
    struct kp_ticket_keys *keys = calloc(1, sizeof(*keys));

    *out = NULL;
    if (keys == NULL || device_id.len > KP_DEVICE_ID_MAX) {
        free(keys);
        return keys == NULL ? KP_E_MEMORY : KP_E_ARGUMENT;
    }
    keys->crypto = crypto;
    if (device_id.len > 0)
        memcpy(keys->device_id, device_id.data, device_id.len);
    keys->device_id_len = device_id.len;
    if (pthread_mutex_init(&keys->lock, NULL) != 0) {
        free(keys);
        return KP_E_MEMORY;
    }
    *out = keys;
    return 0;
}

void kp_ticket_keys_free(struct kp_ticket_keys *keys)
{
    if (keys == NULL)
        return;
    pthread_mutex_destroy(&keys->lock);
    kp_free_secret(keys, sizeof(*keys));
}

bool kp_ticket_is_ours(const uint8_t *ticket, size_t len)
{
    return len >= NAME_LEN && memcmp(ticket, our_mark, MARK_LEN) == 0;
}

void kp_ticket_state_clear(struct kp_ticket_state *state)
{
    kp_wipe(state, sizeof(*state));
}

/* A clock that went back makes a key young again at worst: never older than it is. */
static uint64_t age(uint64_t born, uint64_t now)
{
    return now > born ? now - born : 0;
}

static void drop_old(struct kp_ticket_keys *keys, uint64_t now)
{
    for (size_t i = 0; i < KEYS; i++) {
        struct key *k = &keys->key[i];
        if (k->used && age(k->born, now) >= ROTATE + KP_TICKET_SECONDS)
            kp_wipe(k, sizeof(*k));
    }
}

/* Under the lock: the key that seals now. */
static int current(struct kp_ticket_keys *keys, uint64_t now, struct key *out)
{
    struct key fresh = {.used = true, .born = now};
    int err = 0;

    drop_old(keys, now);
    if (!keys->key[0].used || age(keys->key[0].born, now) >= ROTATE) {
        memcpy(fresh.name, our_mark, MARK_LEN);
        err = kp_random(keys->crypto, fresh.name + MARK_LEN, NAME_LEN - MARK_LEN);
        if (err == 0)
            err = kp_random(keys->crypto, fresh.seal, sizeof(fresh.seal));
        if (err == 0)
            err = kp_random(keys->crypto, fresh.bind, sizeof(fresh.bind));
        if (err == 0) {
            kp_wipe(&keys->key[KEYS - 1], sizeof(keys->key[0]));
            memmove(&keys->key[1], &keys->key[0], (KEYS - 1) * sizeof(keys->key[0]));
            keys->key[0] = fresh;
        }
    }
    if (err == 0)
        *out = keys->key[0];
    kp_wipe(&fresh, sizeof(fresh));
    return err;
}

/* A copy of the key of that name, if it still lives. */
static int find(struct kp_ticket_keys *keys, uint64_t now, const uint8_t *name, struct key *out)
{
    int err = KP_E_NOT_FOUND;

    pthread_mutex_lock(&keys->lock);
    drop_old(keys, now);
    for (size_t i = 0; i < KEYS; i++) {
        if (keys->key[i].used && memcmp(keys->key[i].name, name, NAME_LEN) == 0) {
            *out = keys->key[i];
            err = 0;
        }
    }
    pthread_mutex_unlock(&keys->lock);
    return err;
}

static int bind(const struct kp_ticket_keys *keys, const struct key *key,
                const struct kp_ticket_state *state, const uint8_t *credential,
                uint8_t out[static KP_SHA256_LEN])
{
    uint8_t head[2 + 2 + 8 + 1 + 1];
    struct kp_builder b;

    kp_builder_init(&b, head, sizeof(head));
    kp_put_u16(&b, state->version);
    kp_put_u16(&b, state->suite);
    kp_put_u64(&b, state->proof_time);
    kp_put_u8(&b, (uint8_t)keys->device_id_len);
    kp_put_u8(&b, (uint8_t)state->user_len);
    const struct kp_span parts[] = {
        {head, b.len},
        {keys->device_id, keys->device_id_len},
        {(const uint8_t *)state->user, state->user_len},
        {credential, KP_SHA256_LEN},
    };
    return kp_hmac(keys->crypto, KP_HASH_SHA256, (struct kp_span){key->bind, sizeof(key->bind)},
                   parts, sizeof(parts) / sizeof(parts[0]), out);
}

static size_t write_state(const struct kp_ticket_state *state, const uint8_t *bound,
                          uint8_t plain[static PLAIN_MAX])
{
    struct kp_builder b;

    kp_builder_init(&b, plain, PLAIN_MAX);
    kp_put_u16(&b, state->version);
    kp_put_u16(&b, state->suite);
    kp_put_u64(&b, state->proof_time);
    size_t mark = kp_put_open(&b, 1);
    kp_put_bytes(&b, state->user, state->user_len);
    kp_put_close(&b, mark, 1);
    kp_put_bytes(&b, state->master, KP_MASTER_LEN);
    kp_put_bytes(&b, bound, KP_SHA256_LEN);
    return b.failed ? 0 : b.len;
}

int kp_ticket_seal(struct kp_ticket_keys *keys, uint64_t now, const struct kp_ticket_state *state,
                   const uint8_t credential[static KP_SHA256_LEN], uint8_t *ticket, size_t *len)
{
    struct key key;
    uint8_t plain[PLAIN_MAX];
    uint8_t bound[KP_SHA256_LEN];
    size_t plain_len = 0;

    pthread_mutex_lock(&keys->lock);
    int err = current(keys, now, &key);
    pthread_mutex_unlock(&keys->lock);
    if (err == 0)
        err = bind(keys, &key, state, credential, bound);
    if (err == 0) {
        plain_len = write_state(state, bound, plain);
        memcpy(ticket, key.name, NAME_LEN);
        err = plain_len == 0 ? KP_E_INTERNAL
                             : kp_random(keys->crypto, ticket + NAME_LEN, KP_GCM_NONCE_LEN);
    }
    if (err == 0)
        err = kp_gcm_seal(keys->crypto, key.seal, ticket + NAME_LEN,
                          (struct kp_span){key.name, NAME_LEN}, plain, plain_len,
                          ticket + NAME_LEN + KP_GCM_NONCE_LEN);
    *len = NAME_LEN + KP_GCM_NONCE_LEN + plain_len + KP_GCM_TAG_LEN;
    kp_wipe(&key, sizeof(key));
    kp_wipe(plain, sizeof(plain));
    return err;
}

static int read_state(const uint8_t *plain, size_t len, struct kp_ticket_state *state)
{
    struct kp_reader r;

    kp_reader_init(&r, plain, len);
    state->version = kp_read_u16(&r);
    state->suite = kp_read_u16(&r);
    state->proof_time = kp_read_u64(&r);
    struct kp_reader user = kp_read_vector(&r, 1, 1, KP_NAME_MAX);
    const uint8_t *master = kp_read_bytes(&r, KP_MASTER_LEN);
    const uint8_t *bound = kp_read_bytes(&r, KP_SHA256_LEN);
    if (!kp_reader_done(&r))
        return KP_E_NOT_FOUND;
    state->user_len = user.left;
    memcpy(state->user, user.data, user.left);
    memcpy(state->master, master, KP_MASTER_LEN);
    memcpy(state->bound, bound, KP_SHA256_LEN);
    return 0;
}

int kp_ticket_open(struct kp_ticket_keys *keys, uint64_t now, const uint8_t *ticket, size_t len,
                   struct kp_ticket_state *state)
{
    const size_t head = NAME_LEN + KP_GCM_NONCE_LEN;
    struct key key;
    uint8_t plain[PLAIN_MAX];
    int err;

    if (len < head + KP_GCM_TAG_LEN || len > head + PLAIN_MAX + KP_GCM_TAG_LEN)
        return KP_E_NOT_FOUND;
    err = find(keys, now, ticket, &key);
    if (err != 0)
        return err;
    err = kp_gcm_open(keys->crypto, key.seal, ticket + NAME_LEN, (struct kp_span){ticket, NAME_LEN},
                      ticket + head, len - head, plain);
    if (err == 0)
        err = read_state(plain, len - head - KP_GCM_TAG_LEN, state);
    if (err == 0 && (now < state->proof_time || now - state->proof_time >= KP_TICKET_SECONDS))
        err = KP_E_NOT_FOUND;
    if (err == 0)
        memcpy(state->key_name, key.name, NAME_LEN);
    else
        kp_ticket_state_clear(state);
    kp_wipe(&key, sizeof(key));
    kp_wipe(plain, sizeof(plain));
    return err == KP_E_RECORD_MAC ? KP_E_NOT_FOUND : err;
}

int kp_ticket_bound(struct kp_ticket_keys *keys, uint64_t now, const struct kp_ticket_state *state,
                    const uint8_t credential[static KP_SHA256_LEN])
{
    struct key key;
    uint8_t bound[KP_SHA256_LEN];
    int err = find(keys, now, state->key_name, &key);

    if (err != 0)
        return err;
    err = bind(keys, &key, state, credential, bound);
    if (err == 0 && !kp_equal_secret(bound, state->bound, sizeof(bound)))
        err = KP_E_NOT_FOUND;
    kp_wipe(&key, sizeof(key));
    kp_wipe(bound, sizeof(bound));
    return err;
}
