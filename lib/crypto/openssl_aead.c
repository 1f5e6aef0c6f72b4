/*
 * The provider's AEADs on EVP: the key schedule is computed once, a record sets its nonce.
 */
#include "crypto/aead.h"

#include "base/secret.h"
#include "crypto/openssl_symmetric.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct kp_aead {
    EVP_CIPHER_CTX *ctx;
};

static const EVP_CIPHER *cipher_of(const struct kp_crypto *c, enum kp_aead_id id)
{
    switch (id) {
    case KP_AEAD_AES_128_GCM:
        return c->gcm128;
    case KP_AEAD_AES_256_GCM:
        return c->gcm256;
    case KP_AEAD_CHACHA20_POLY1305:
        return c->chacha;
    }
    return NULL;
}

size_t kp_aead_key_len(enum kp_aead_id id)
{
    return id == KP_AEAD_AES_128_GCM ? 16 : 32;
}

bool kp_aead_available(const struct kp_crypto *c, enum kp_aead_id id)
{
    return cipher_of(c, id) != NULL;
}

int kp_aead_new(struct kp_aead **out, const struct kp_crypto *c, enum kp_aead_id id,
                const uint8_t *key, bool sealing)
{
    struct kp_aead *a = calloc(1, sizeof(*a));
    const EVP_CIPHER *cipher = cipher_of(c, id);

    *out = NULL;
    if (a == NULL)
        return KP_E_MEMORY;
    a->ctx = EVP_CIPHER_CTX_new();
    if (a->ctx == NULL || cipher == NULL ||
        EVP_CipherInit_ex2(a->ctx, cipher, key, NULL, sealing, NULL) != 1) {
        kp_aead_free(a);
        return KP_E_CRYPTO;
    }
    *out = a;
    return 0;
}

static bool start(struct kp_aead *a, const uint8_t nonce[static KP_AEAD_NONCE_LEN],
                  struct kp_span ad)
{
    int n;

    return ad.len <= INT_MAX && EVP_CipherInit_ex2(a->ctx, NULL, NULL, nonce, -1, NULL) == 1 &&
           EVP_CipherUpdate(a->ctx, NULL, &n, ad.data, (int)ad.len) == 1;
}

static bool run(struct kp_aead *a, const uint8_t *in, size_t len, uint8_t *out)
{
    int n;

    if (len == 0)
        return true;
    return len <= INT_MAX && EVP_CipherUpdate(a->ctx, out, &n, in, (int)len) == 1 &&
           (size_t)n == len;
}

int kp_aead_seal(struct kp_aead *a, const uint8_t nonce[static KP_AEAD_NONCE_LEN],
                 struct kp_span ad, const struct kp_span *parts, size_t count, uint8_t *out)
{
    bool ok = start(a, nonce, ad);
    int n;

    for (size_t i = 0; ok && i < count; i++) {
        ok = run(a, parts[i].data, parts[i].len, out);
        out += parts[i].len;
    }
    ok = ok && EVP_CipherFinal_ex(a->ctx, out, &n) == 1 &&
         EVP_CIPHER_CTX_ctrl(a->ctx, EVP_CTRL_AEAD_GET_TAG, KP_AEAD_TAG_LEN, out) == 1;
    return ok ? 0 : KP_E_CRYPTO;
}

int kp_aead_open(struct kp_aead *a, const uint8_t nonce[static KP_AEAD_NONCE_LEN],
                 struct kp_span ad, const uint8_t *in, size_t len, uint8_t *out)
{
    uint8_t tag[KP_AEAD_TAG_LEN];
    int n;
    int err = KP_E_CRYPTO;

    if (len < KP_AEAD_TAG_LEN)
        return KP_E_RECORD_MAC;
    len -= KP_AEAD_TAG_LEN;
    memcpy(tag, in + len, sizeof(tag));
    if (start(a, nonce, ad) && run(a, in, len, out) &&
        EVP_CIPHER_CTX_ctrl(a->ctx, EVP_CTRL_AEAD_SET_TAG, KP_AEAD_TAG_LEN, tag) == 1)
        err = EVP_CipherFinal_ex(a->ctx, tag, &n) == 1 ? 0 : KP_E_RECORD_MAC;
    if (err != 0)
        kp_wipe(out, len);
    return err;
}

void kp_aead_free(struct kp_aead *a)
{
    if (a == NULL)
        return;
    EVP_CIPHER_CTX_free(a->ctx);
    free(a);
}
