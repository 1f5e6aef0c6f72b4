/*
 * The provider's random bytes, hashes, MACs and ciphers on OpenSSL 3's libcrypto.  Algorithms are
 * fetched once per context, so that no operation pays for a look-up.
 */
#include "crypto/openssl_symmetric.h"

#include "base/secret.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t x25519_base[32] = {9};
static const char *const hash_names[] = {"SHA1", "SHA256", "SHA384"};

static int library_random(void *arg, uint8_t *out, size_t len)
{
    (void)arg;
    if (len > INT_MAX || RAND_priv_bytes(out, (int)len) != 1)
        return KP_E_CRYPTO;
    return 0;
}

/* Naming the hash costs a look-up: done once, and the context copied for each key. */
static bool make_hmac(struct kp_crypto *c, size_t id)
{
    char name[8];
    OSSL_PARAM params[2];

    memcpy(name, hash_names[id], strlen(hash_names[id]) + 1);
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0);
    params[1] = OSSL_PARAM_construct_end();
    c->hmac_of[id] = c->hmac != NULL ? EVP_MAC_CTX_new(c->hmac) : NULL;
    return c->hmac_of[id] != NULL && EVP_MAC_CTX_set_params(c->hmac_of[id], params) == 1;
}

static bool fetch_all(struct kp_crypto *c)
{
    for (size_t i = 0; i < sizeof(c->md) / sizeof(c->md[0]); i++) {
        c->md[i] = EVP_MD_fetch(NULL, hash_names[i], NULL);
        if (c->md[i] == NULL)
            return false;
    }
    c->cbc128 = EVP_CIPHER_fetch(NULL, "AES-128-CBC", NULL);
    c->cbc256 = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
    c->gcm128 = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
    c->gcm256 = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    c->chacha = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL);
    c->x25519_base =
        EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, x25519_base, sizeof(x25519_base));
    ERR_set_mark();
    c->mlkem768 = EVP_KEM_fetch(NULL, "ML-KEM-768", NULL);
    ERR_pop_to_mark();
    c->p256 = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    c->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    for (size_t i = 0; i < sizeof(c->hmac_of) / sizeof(c->hmac_of[0]); i++) {
        if (!make_hmac(c, i))
            return false;
    }
    return c->cbc128 != NULL && c->cbc256 != NULL && c->gcm128 != NULL && c->gcm256 != NULL &&
           c->hmac != NULL && c->p256 != NULL && c->x25519_base != NULL;
}

int kp_crypto_new(struct kp_crypto **out, kp_random_fn *random, void *random_arg)
{
    struct kp_crypto *c = calloc(1, sizeof(*c));

    *out = NULL;
    if (c == NULL)
        return KP_E_MEMORY;
    c->random = random != NULL ? random : library_random;
    c->random_arg = random_arg;
    if (!fetch_all(c)) {
        kp_crypto_free(c);
        return KP_E_CRYPTO;
    }
    *out = c;
    return 0;
}

void kp_crypto_free(struct kp_crypto *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < sizeof(c->md) / sizeof(c->md[0]); i++)
        EVP_MD_free(c->md[i]);
    EVP_CIPHER_free(c->cbc128);
    EVP_CIPHER_free(c->cbc256);
    EVP_CIPHER_free(c->gcm128);
    EVP_CIPHER_free(c->gcm256);
    EVP_CIPHER_free(c->chacha);
    EC_GROUP_free(c->p256);
    EVP_PKEY_free(c->x25519_base);
    EVP_KEM_free(c->mlkem768);
    for (size_t i = 0; i < sizeof(c->hmac_of) / sizeof(c->hmac_of[0]); i++)
        EVP_MAC_CTX_free(c->hmac_of[i]);
    EVP_MAC_free(c->hmac);
    free(c);
}

int kp_random(const struct kp_crypto *c, uint8_t *out, size_t len)
{
    return c->random(c->random_arg, out, len) == 0 ? 0 : KP_E_CRYPTO;
}

/* ---- Hashes ------------------------------------------------------------------------------ */

size_t kp_hash_len(enum kp_hash_id id)
{
    static const uint8_t lens[] = {KP_SHA1_LEN, KP_SHA256_LEN, KP_SHA384_LEN};
    return lens[id];
}

int kp_digest(const struct kp_crypto *c, enum kp_hash_id id, const struct kp_span *parts,
              size_t count, uint8_t *out)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx != NULL && EVP_DigestInit_ex2(ctx, c->md[id], NULL) == 1;

    for (size_t i = 0; ok && i < count; i++)
        ok = EVP_DigestUpdate(ctx, parts[i].data, parts[i].len) == 1;
    ok = ok && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    return ok ? 0 : KP_E_CRYPTO;
}

int kp_hmac(const struct kp_crypto *c, enum kp_hash_id id, struct kp_span key,
            const struct kp_span *parts, size_t count, uint8_t *out)
{
    struct kp_mac *mac;
    int err = kp_mac_new(&mac, c, id, key);

    if (err == 0)
        err = kp_mac_run(mac, parts, count, out);
    kp_mac_free(mac);
    return err;
}

struct kp_hash {
    EVP_MD_CTX *ctx;
};

int kp_hash_new(struct kp_hash **out, const struct kp_crypto *c, enum kp_hash_id id)
{
    struct kp_hash *h = calloc(1, sizeof(*h));

    *out = NULL;
    if (h == NULL)
        return KP_E_MEMORY;
    h->ctx = EVP_MD_CTX_new();
    if (h->ctx == NULL || EVP_DigestInit_ex2(h->ctx, c->md[id], NULL) != 1) {
        kp_hash_free(h);
        return KP_E_CRYPTO;
    }
    *out = h;
    return 0;
}

int kp_hash_update(struct kp_hash *h, const uint8_t *data, size_t len)
{
    return EVP_DigestUpdate(h->ctx, data, len) == 1 ? 0 : KP_E_CRYPTO;
}

int kp_hash_peek(const struct kp_hash *h, uint8_t *out)
{
    return kp_hash_peek_with(h, NULL, 0, out);
}

int kp_hash_peek_with(const struct kp_hash *h, const uint8_t *data, size_t len, uint8_t *out)
{
    EVP_MD_CTX *copy = EVP_MD_CTX_new();
    bool ok = copy != NULL && EVP_MD_CTX_copy_ex(copy, h->ctx) == 1 &&
              (len == 0 || EVP_DigestUpdate(copy, data, len) == 1) &&
              EVP_DigestFinal_ex(copy, out, NULL) == 1;

    EVP_MD_CTX_free(copy);
    return ok ? 0 : KP_E_CRYPTO;
}

void kp_hash_free(struct kp_hash *h)
{
    if (h == NULL)
        return;
    EVP_MD_CTX_free(h->ctx);
    free(h);
}

/* ---- Records ----------------------------------------------------------------------------- */

struct kp_mac {
    EVP_MAC_CTX *ctx;
    size_t len;
};

int kp_mac_new(struct kp_mac **out, const struct kp_crypto *c, enum kp_hash_id id,
               struct kp_span key)
{
    struct kp_mac *m = calloc(1, sizeof(*m));

    *out = NULL;
    if (m == NULL)
        return KP_E_MEMORY;
    m->len = kp_hash_len(id);
    m->ctx = EVP_MAC_CTX_dup(c->hmac_of[id]);
    if (m->ctx == NULL || EVP_MAC_init(m->ctx, key.data, key.len, NULL) != 1) {
        kp_mac_free(m);
        return KP_E_CRYPTO;
    }
    *out = m;
    return 0;
}

int kp_mac_run(struct kp_mac *m, const struct kp_span *parts, size_t count, uint8_t *out)
{
    /* Without a key: starts again with the one it has. */
    bool ok = EVP_MAC_init(m->ctx, NULL, 0, NULL) == 1;
    size_t len;

    for (size_t i = 0; ok && i < count; i++)
        ok = EVP_MAC_update(m->ctx, parts[i].data, parts[i].len) == 1;
    ok = ok && EVP_MAC_final(m->ctx, out, &len, m->len) == 1;
    return ok ? 0 : KP_E_CRYPTO;
}

int kp_mac_rekey(struct kp_mac *m, struct kp_span key)
{
    return EVP_MAC_init(m->ctx, key.data, key.len, NULL) == 1 ? 0 : KP_E_CRYPTO;
}

size_t kp_mac_len(const struct kp_mac *m)
{
    return m->len;
}

void kp_mac_free(struct kp_mac *m)
{
    if (m == NULL)
        return;
    EVP_MAC_CTX_free(m->ctx);
    free(m);
}

struct kp_cbc {
    EVP_CIPHER_CTX *ctx;
};

int kp_cbc_new(struct kp_cbc **out, const struct kp_crypto *c, struct kp_span key, bool encrypt)
{
    struct kp_cbc *cbc = calloc(1, sizeof(*cbc));
    const EVP_CIPHER *cipher = key.len == 16 ? c->cbc128 : c->cbc256;

    *out = NULL;
    if (cbc == NULL)
        return KP_E_MEMORY;
    cbc->ctx = EVP_CIPHER_CTX_new();
    if ((key.len != 16 && key.len != 32) || cbc->ctx == NULL ||
        EVP_CipherInit_ex2(cbc->ctx, cipher, key.data, NULL, encrypt, NULL) != 1 ||
        EVP_CIPHER_CTX_set_padding(cbc->ctx, 0) != 1) {
        kp_cbc_free(cbc);
        return KP_E_CRYPTO;
    }
    *out = cbc;
    return 0;
}

int kp_cbc_start(struct kp_cbc *cbc, const uint8_t iv[static KP_AES_BLOCK])
{
    return EVP_CipherInit_ex2(cbc->ctx, NULL, NULL, iv, -1, NULL) == 1 ? 0 : KP_E_CRYPTO;
}

int kp_cbc_run(struct kp_cbc *cbc, const uint8_t *in, size_t len, uint8_t *out)
{
    int out_len;

    if (len == 0)
        return 0;
    if (len > INT_MAX || len % KP_AES_BLOCK != 0)
        return KP_E_CRYPTO;
    if (EVP_CipherUpdate(cbc->ctx, out, &out_len, in, (int)len) != 1 || (size_t)out_len != len)
        return KP_E_CRYPTO;
    return 0;
}

void kp_cbc_free(struct kp_cbc *cbc)
{
    if (cbc == NULL)
        return;
    EVP_CIPHER_CTX_free(cbc->ctx);
    free(cbc);
}

int kp_gcm_seal(const struct kp_crypto *c, const uint8_t key[static KP_GCM_KEY_LEN],
                const uint8_t nonce[static KP_GCM_NONCE_LEN], struct kp_span ad, const uint8_t *in,
                size_t len, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n;
    bool ok = ctx != NULL && len <= INT_MAX && ad.len <= INT_MAX &&
              EVP_EncryptInit_ex2(ctx, c->gcm256, key, nonce, NULL) == 1 &&
              EVP_EncryptUpdate(ctx, NULL, &n, ad.data, (int)ad.len) == 1 &&
              EVP_EncryptUpdate(ctx, out, &n, in, (int)len) == 1 &&
              EVP_EncryptFinal_ex(ctx, out + len, &n) == 1 &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, KP_GCM_TAG_LEN, out + len) == 1;

    EVP_CIPHER_CTX_free(ctx);
    return ok ? 0 : KP_E_CRYPTO;
}

int kp_gcm_open(const struct kp_crypto *c, const uint8_t key[static KP_GCM_KEY_LEN],
                const uint8_t nonce[static KP_GCM_NONCE_LEN], struct kp_span ad, const uint8_t *in,
                size_t len, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t tag[KP_GCM_TAG_LEN];
    int n;
    int err = KP_E_CRYPTO;

    if (len < KP_GCM_TAG_LEN || len > INT_MAX || ad.len > INT_MAX) {
        EVP_CIPHER_CTX_free(ctx);
        return KP_E_RECORD_MAC;
    }
    len -= KP_GCM_TAG_LEN;
    memcpy(tag, in + len, KP_GCM_TAG_LEN);
    if (ctx != NULL && EVP_DecryptInit_ex2(ctx, c->gcm256, key, nonce, NULL) == 1 &&
        EVP_DecryptUpdate(ctx, NULL, &n, ad.data, (int)ad.len) == 1 &&
        EVP_DecryptUpdate(ctx, out, &n, in, (int)len) == 1 &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, KP_GCM_TAG_LEN, tag) == 1)
        err = EVP_DecryptFinal_ex(ctx, out + len, &n) == 1 ? 0 : KP_E_RECORD_MAC;
    EVP_CIPHER_CTX_free(ctx);
    if (err != 0)
        kp_wipe(out, len);
    return err;
}
