/*
 * What the libcrypto files share among themselves; nobody else includes it.
 */
#ifndef KP_CRYPTO_OPENSSL_SYMMETRIC_H
#define KP_CRYPTO_OPENSSL_SYMMETRIC_H

#include "crypto/provider.h"

#include <openssl/ec.h>
#include <openssl/evp.h>

struct kp_crypto {
    kp_random_fn *random;
    void *random_arg;
    EVP_MD *md[3]; /* by enum kp_hash_id */
    EVP_CIPHER *cbc128;
    EVP_CIPHER *cbc256;
    EVP_CIPHER *gcm128;
    EVP_CIPHER *gcm256;
    EVP_CIPHER *chacha; /* ChaCha20-Poly1305; NULL where the library has none */
    EVP_MAC *hmac;
    EC_GROUP *p256;
    EVP_PKEY *x25519_base;   /* u = 9, RFC 7748 6.1: by it others are imported without a look-up */
    EVP_KEM *mlkem768;       /* NULL where the library has none: before OpenSSL 3.5 */
    EVP_MAC_CTX *hmac_of[3]; /* by enum kp_hash_id: without a key, to be copied */
};

#endif
