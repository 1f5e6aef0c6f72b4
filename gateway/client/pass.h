/*
 * The secrets that let a browser in: one-time links, and what they become.  Knows no HTTP.
 */
#ifndef KP_CLIENT_PASS_H
#define KP_CLIENT_PASS_H

#include "crypto/provider.h"
#include "guard.h"

#define KP_PASS_LINKS 8     /* that wait to be used; a ninth replaces the oldest */
#define KP_PASS_SECONDS 300 /* that a link serves */

struct kp_pass {
    uint8_t secret[KP_GUARD_SECRET_LEN]; /* of the browser's session */
    struct {
        uint8_t token[KP_GUARD_SECRET_LEN];
        uint64_t until; /* kp_loop_seconds; 0: free */
    } links[KP_PASS_LINKS];
};

/* A new secret, and no links: who had the old one is out.  KP_E_*: without random bytes. */
int kp_pass_renew(struct kp_pass *pass, const struct kp_crypto *crypto) KP_MUST_CHECK;
/* One more link; its token is random. */
int kp_pass_link(struct kp_pass *pass, const struct kp_crypto *crypto, uint64_t now,
                 uint8_t token[KP_GUARD_SECRET_LEN]) KP_MUST_CHECK;
/* Whether that token was given out, lately, and wasn't used: from now on it is.  In constant time
 * but for the result. */
bool kp_pass_use(struct kp_pass *pass, uint64_t now, const uint8_t token[KP_GUARD_SECRET_LEN]);
void kp_pass_clear(struct kp_pass *pass);

#endif
