/*
 * Tickets: how (1 byte), then a ticket as a client sends it; or a state, which is sealed with the
 * right key first, so that the fuzzer gets past the tag.
 *
 * Checked besides crashes: what wasn't sealed by us doesn't open; what opens is within its limits
 * and bound to no credential that it wasn't made for.
 */
#include "fuzz.h"

#include <string.h>

#define NAME_LEN 16

static struct world world;
static struct kp_ticket_keys *keys;
static uint8_t name[NAME_LEN];
static uint8_t key[KP_GCM_KEY_LEN];
static uint8_t good[KP_TICKET_MAX];
static size_t good_len;
static const uint8_t credential[32] = {9};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct kp_ticket_state state = {.version = KP_TLS12,
                                    .suite = KP_SRP_SHA_AES256,
                                    .proof_time = START,
                                    .user_len = 5,
                                    .user = "alice"};

    (void)argc;
    (void)argv;
    world_open(&world, 2048, NULL, NULL);
    must(kp_ticket_keys_new(&keys, world.crypto, (struct kp_span){(const uint8_t *)"id", 2}) == 0);
    /* The key's name, behind its mark, and its sealing half are the first that it draws. */
    struct seeded copy = world.own;
    memcpy(name, "KPT1", 4);
    must(seeded_random(&copy, name + 4, sizeof(name) - 4) == 0 &&
         seeded_random(&copy, key, sizeof(key)) == 0);
    must(kp_ticket_seal(keys, START, &state, credential, good, &good_len) == 0);
    must(memcmp(good, name, NAME_LEN) == 0);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t ticket[70000];
    bool seal = (fuzz_byte(&data, &size) & 1) != 0;
    struct kp_ticket_state state;
    size_t len = size;

    if (size > 65535)
        return 0;
    if (seal) {
        memcpy(ticket, name, NAME_LEN);
        memset(ticket + NAME_LEN, 1, KP_GCM_NONCE_LEN);
        must(kp_gcm_seal(world.crypto, key, ticket + NAME_LEN, (struct kp_span){name, NAME_LEN},
                         data, size, ticket + NAME_LEN + KP_GCM_NONCE_LEN) == 0);
        len += NAME_LEN + KP_GCM_NONCE_LEN + KP_GCM_TAG_LEN;
    } else if (size > 0) {
        memcpy(ticket, data, size);
    }
    int err = kp_ticket_open(keys, START, ticket, len, &state);
    must(err == 0 || err == KP_E_NOT_FOUND);
    if (err != 0)
        return 0;
    must(seal || (len == good_len && memcmp(ticket, good, len) == 0));
    must(state.user_len > 0 && state.user_len <= KP_NAME_MAX);
    err = kp_ticket_bound(keys, START, &state, credential);
    must(!seal || err != 0 || state.user_len == 5);
    kp_ticket_state_clear(&state);
    return 0;
}
