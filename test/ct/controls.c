/*
 * Controls: what memcheck must report, or it reports nothing of ours either.
 */
#include "cases.h"

#include <stdio.h>
#include <string.h>

static volatile uint8_t sink;

static void secret_bytes(uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(i * 31 + 5);
    ct_secret(out, len);
}

void control_branch(void)
{
    uint8_t secret[4];

    secret_bytes(secret, sizeof(secret));
    if (secret[1] > 7)
        sink = 1;
}

void control_index(void)
{
    static volatile uint8_t table[256];
    uint8_t secret[4];

    secret_bytes(secret, sizeof(secret));
    sink = table[secret[2]];
}

/* A MAC of the provider's, compared as one must not. */
void control_memcmp(void)
{
    uint8_t key[KP_SHA256_LEN], mac[KP_SHA256_LEN], other[KP_SHA256_LEN] = {0};
    const struct kp_span message = {(const uint8_t *)"message", 7};
    struct kp_crypto *crypto;

    must(kp_crypto_new(&crypto, NULL, NULL) == 0);
    secret_bytes(key, sizeof(key));
    must(kp_hmac(crypto, KP_HASH_SHA256, (struct kp_span){key, sizeof(key)}, &message, 1, mac) ==
         0);
    sink = memcmp(mac, other, sizeof(mac)) == 0;
    if (sink)
        puts("equal");
    kp_crypto_free(crypto);
}

/* The engine itself, with another comparison: the marks are there when it gets that far. */
void control_finished12(void)
{
    ct_compare_by_memcmp = true;
    tls12_right();
}

void control_confirm13(void)
{
    ct_compare_by_memcmp = true;
    boringssl_right();
}

/* A loop that ends at the first byte of a shared secret that is not 0. */
void control_strip(void)
{
    uint8_t number[48] = {0};
    size_t zeros = 0;

    memset(number + 5, 1, 20);
    ct_secret(number, sizeof(number));
    while (zeros < sizeof(number) && number[zeros] == 0)
        zeros++;
    ct_public(&zeros, sizeof(zeros));
    sink = (uint8_t)zeros;
}
