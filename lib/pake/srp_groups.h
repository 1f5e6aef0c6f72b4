/*
 * The groups of RFC 5054 Appendix A that are strong enough: 2048 to 8192 bits.
 */
#ifndef KP_PAKE_SRP_GROUPS_H
#define KP_PAKE_SRP_GROUPS_H

#include <keyplate/keyplate.h>

#define KP_SRP_MIN_BITS 2048
#define KP_SRP_MAX_BITS 8192
#define KP_SRP_MAX_LEN (KP_SRP_MAX_BITS / 8)

struct kp_srp_group_id {
    const uint8_t *n; /* bits / 8 bytes, big-endian; first and last byte not 0 */
    unsigned bits;
    uint8_t g;
};

/* The group of that many bits, or NULL. */
const struct kp_srp_group_id *kp_srp_group_by_bits(unsigned bits);
/* The group with exactly this N and g (big-endian, without leading zeros), or NULL. */
const struct kp_srp_group_id *kp_srp_group_by_value(const uint8_t *n, size_t n_len,
                                                    const uint8_t *g, size_t g_len);

#endif
