/*
 * The provider's key derivation.  HKDF stands on the provider's own HMAC: keyed anew that costs a
 * third of one EVP_KDF, and a handshake derives two dozen keys.
 */
#include "crypto/kdf.h"

#include "base/bytes.h"
#include "base/secret.h"

#include <openssl/evp.h>
#include <string.h>

#define INFO_PARTS_MAX 4
#define LABEL_PREFIX "tls13 "

int kp_hkdf_extract(struct kp_mac *mac, struct kp_span salt, struct kp_span input, uint8_t *out)
{
    static const uint8_t zeros[KP_HASH_MAX];
    struct kp_span key = salt.len > 0 ? salt : (struct kp_span){zeros, kp_mac_len(mac)};
    int err = kp_mac_rekey(mac, key);

    return err == 0 ? kp_mac_run(mac, &input, 1, out) : err;
}

int kp_hkdf_expand(struct kp_mac *mac, struct kp_span key, const struct kp_span *info, size_t count,
                   uint8_t *out, size_t out_len)
{
    /* T(i) = HMAC(key, T(i-1) | info | i), T(0) being empty. */
    struct kp_span parts[1 + INFO_PARTS_MAX + 1];
    uint8_t block[KP_HASH_MAX];
    uint8_t counter = 0;
    size_t done = 0;
    size_t hash_len = kp_mac_len(mac);

    if (count > INFO_PARTS_MAX || out_len > 255 * hash_len)
        return KP_E_INTERNAL;
    int err = kp_mac_rekey(mac, key);
    parts[0] = (struct kp_span){block, 0};
    if (count > 0)
        memcpy(parts + 1, info, count * sizeof(info[0]));
    parts[1 + count] = (struct kp_span){&counter, 1};
    while (err == 0 && done < out_len) {
        size_t n = out_len - done < hash_len ? out_len - done : hash_len;
        counter++;
        err = kp_mac_run(mac, parts, count + 2, block);
        if (err == 0)
            memcpy(out + done, block, n);
        done += n;
        parts[0].len = hash_len;
    }
    kp_wipe(block, sizeof(block));
    return err;
}

int kp_hkdf_expand_label(struct kp_mac *mac, struct kp_span key, struct kp_span label,
                         struct kp_span context, uint8_t *out, size_t out_len)
{
    /* struct { uint16 length; opaque label<7..255>; opaque context<0..255>; } HkdfLabel */
    uint8_t bytes[2 + 1 + 255 + 1];
    struct kp_builder b;

    kp_builder_init(&b, bytes, sizeof(bytes));
    kp_put_u16(&b, (uint16_t)out_len);
    size_t mark = kp_put_open(&b, 1);
    kp_put_bytes(&b, LABEL_PREFIX, strlen(LABEL_PREFIX));
    kp_put_bytes(&b, label.data, label.len);
    kp_put_close(&b, mark, 1);
    kp_put_u8(&b, (uint8_t)context.len);
    if (b.failed || out_len > UINT16_MAX || context.len > UINT8_MAX)
        return KP_E_INTERNAL;
    const struct kp_span info[] = {{bytes, b.len}, context};
    return kp_hkdf_expand(mac, key, info, 2, out, out_len);
}

int kp_scrypt(struct kp_span password, struct kp_span salt, uint32_t n, uint32_t r, uint32_t p,
              uint8_t *out, size_t out_len)
{
    /* What libcrypto counts: the table, two blocks more, and p blocks. */
    uint64_t memory = (uint64_t)128 * r * ((uint64_t)n + p + 2);
    static const char empty[1] = "";
    const char *secret = password.len > 0 ? (const char *)password.data : empty;
    const uint8_t *with = salt.len > 0 ? salt.data : (const uint8_t *)empty;

    return EVP_PBE_scrypt(secret, password.len, with, salt.len, n, r, p, memory, out, out_len) == 1
               ? 0
               : KP_E_CRYPTO;
}
