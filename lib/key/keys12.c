/*
 * The key schedule of TLS 1.2.  Knows no message and no record.
 */
#include "key/keys12.h"

#include "base/secret.h"

#include <string.h>

#define SEED_MAX 5 /* parts: a label and four more */

/* The label is the first part of the seed. */
static int prf(const struct kp_crypto *crypto, struct kp_span secret, const struct kp_span *seed,
               size_t count, uint8_t *out, size_t out_len)
{
    /* P_SHA256: A(i) = HMAC(A(i-1)), block i = HMAC(A(i) | label | seed); A(0) = label | seed. */
    struct kp_span parts[1 + SEED_MAX];
    uint8_t a[KP_SHA256_LEN];
    uint8_t block[KP_SHA256_LEN];
    struct kp_mac *mac;
    size_t done = 0;
    int err;

    if (count > SEED_MAX)
        return KP_E_INTERNAL;
    parts[0] = (struct kp_span){a, sizeof(a)};
    memcpy(&parts[1], seed, count * sizeof(seed[0]));
    err = kp_mac_new(&mac, crypto, KP_HASH_SHA256, secret);
    if (err == 0)
        err = kp_mac_run(mac, parts + 1, count, a);
    while (err == 0 && done < out_len) {
        size_t n = out_len - done < sizeof(block) ? out_len - done : sizeof(block);
        err = kp_mac_run(mac, parts, count + 1, block);
        if (err == 0) {
            memcpy(out + done, block, n);
            done += n;
            if (done < out_len)
                err = kp_mac_run(mac, parts, 1, a);
        }
    }
    kp_mac_free(mac);
    kp_wipe(a, sizeof(a));
    kp_wipe(block, sizeof(block));
    return err;
}

int kp_prf12(const struct kp_crypto *crypto, struct kp_span secret, const char *label,
             const struct kp_span *seed, size_t count, uint8_t *out, size_t out_len)
{
    struct kp_span parts[SEED_MAX] = {{(const uint8_t *)label, strlen(label)}};

    if (count > SEED_MAX - 1)
        return KP_E_INTERNAL;
    memcpy(&parts[1], seed, count * sizeof(seed[0]));
    return prf(crypto, secret, parts, count + 1, out, out_len);
}

int kp_master12(const struct kp_crypto *crypto, struct kp_span premaster,
                const uint8_t session_hash[static KP_SHA256_LEN],
                uint8_t master[static KP_MASTER_LEN])
{
    const struct kp_span seed = {session_hash, KP_SHA256_LEN};

    return kp_prf12(crypto, premaster, "extended master secret", &seed, 1, master, KP_MASTER_LEN);
}

int kp_key_block12(const struct kp_crypto *crypto, const uint8_t master[static KP_MASTER_LEN],
                   const uint8_t client_random[static KP_RANDOM_LEN],
                   const uint8_t server_random[static KP_RANDOM_LEN], size_t key_len,
                   struct kp_keys12 *client, struct kp_keys12 *server)
{
    const struct kp_span seed[] = {{server_random, KP_RANDOM_LEN}, {client_random, KP_RANDOM_LEN}};
    uint8_t block[2 * (KP_MAC_KEY_LEN + KP_AES_KEY_MAX)];
    const uint8_t *p = block;
    int err = kp_prf12(crypto, (struct kp_span){master, KP_MASTER_LEN}, "key expansion", seed, 2,
                       block, 2 * (KP_MAC_KEY_LEN + key_len));

    if (err == 0) {
        memcpy(client->mac, p, KP_MAC_KEY_LEN);
        memcpy(server->mac, p + KP_MAC_KEY_LEN, KP_MAC_KEY_LEN);
        p += 2 * KP_MAC_KEY_LEN;
        memcpy(client->key, p, key_len);
        memcpy(server->key, p + key_len, key_len);
    }
    kp_wipe(block, sizeof(block));
    return err;
}

int kp_verify_data12(const struct kp_crypto *crypto, const uint8_t master[static KP_MASTER_LEN],
                     bool from_client, const uint8_t transcript[static KP_SHA256_LEN],
                     uint8_t out[static KP_VERIFY_LEN])
{
    const struct kp_span seed = {transcript, KP_SHA256_LEN};

    return kp_prf12(crypto, (struct kp_span){master, KP_MASTER_LEN},
                    from_client ? "client finished" : "server finished", &seed, 1, out,
                    KP_VERIFY_LEN);
}

int kp_export12(const struct kp_crypto *crypto, const uint8_t master[static KP_MASTER_LEN],
                const uint8_t client_random[static KP_RANDOM_LEN],
                const uint8_t server_random[static KP_RANDOM_LEN], struct kp_span label,
                const struct kp_span *context, uint8_t *out, size_t out_len)
{
    uint8_t context_len[2] = {0};
    struct kp_span seed[SEED_MAX] = {
        label, {client_random, KP_RANDOM_LEN}, {server_random, KP_RANDOM_LEN}};
    size_t count = 3;

    if (context != NULL) {
        context_len[0] = (uint8_t)(context->len >> 8);
        context_len[1] = (uint8_t)context->len;
        seed[count++] = (struct kp_span){context_len, sizeof(context_len)};
        seed[count++] = *context;
    }
    return prf(crypto, (struct kp_span){master, KP_MASTER_LEN}, seed, count, out, out_len);
}
