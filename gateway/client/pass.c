/* The secrets that let a browser in: see pass.h. */
#include "pass.h"

#include <string.h>

#include "base/secret.h"

int kp_pass_renew(struct kp_pass *p, const struct kp_crypto *crypto)
{
    kp_pass_clear(p);
    return kp_random(crypto, p->secret, sizeof p->secret);
}

static size_t oldest(const struct kp_pass *p)
{
    size_t at = 0;
    for (size_t i = 1; i < KP_PASS_LINKS; i++)
        if (p->links[i].until < p->links[at].until)
            at = i;
    return at;
}

int kp_pass_link(struct kp_pass *p, const struct kp_crypto *crypto, uint64_t now,
                 uint8_t token[KP_GUARD_SECRET_LEN])
{
    size_t at = oldest(p);
    int error = kp_random(crypto, token, KP_GUARD_SECRET_LEN);
    if (error != 0)
        return error;
    memcpy(p->links[at].token, token, KP_GUARD_SECRET_LEN);
    p->links[at].until = now + KP_PASS_SECONDS;
    return 0;
}

bool kp_pass_use(struct kp_pass *p, uint64_t now, const uint8_t token[KP_GUARD_SECRET_LEN])
{
    bool right = false;
    for (size_t i = 0; i < KP_PASS_LINKS; i++) {
        bool same = kp_equal_secret(p->links[i].token, token, KP_GUARD_SECRET_LEN);
        if (!same || p->links[i].until == 0)
            continue;
        right = now <= p->links[i].until;
        kp_wipe(&p->links[i], sizeof p->links[i]);
    }
    return right;
}

void kp_pass_clear(struct kp_pass *p)
{
    kp_wipe(p, sizeof *p);
}
