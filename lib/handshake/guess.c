/*
 * A server that counts guesses: the caller says whether this one is judged.  What isn't goes on as
 * with a wrong password, so that nobody learns which of the two it was.
 */
#include "handshake/handshake.h"

#include "base/secret.h"

/* Whether the caller has to be asked first. */
static bool is_open(const struct kp_handshake *hs)
{
    return hs->context->count_guesses && !hs->guess_answered;
}

static bool is_judged(const struct kp_handshake *hs)
{
    return !hs->context->count_guesses || hs->guess_granted;
}

/* The client's Finished is the next record: keys that nobody has make of it what a wrong password
 * makes of it. */
int kp_server12_guess(struct kp_handshake *hs)
{
    if (is_open(hs))
        return KP_SUSPEND_GUESS;
    if (is_judged(hs))
        return 0;
    hs->credential.srp_simulated = true;
    int err = kp_handshake_random(hs, (uint8_t *)&hs->client_keys, sizeof(hs->client_keys));
    return err == 0 ? kp_srp12_read_keys(hs) : err;
}

/* Before the client's share meets a verifier: confirmV is what it could check a guess with. */
int kp_server13_guess(struct kp_handshake *hs)
{
    if (hs->t13.form == 0) /* a ticket alone */
        return 0;
    if (is_open(hs))
        return KP_SUSPEND_GUESS;
    if (is_judged(hs))
        return 0;
    hs->credential.spake2plus = hs->credential.nobody;
    hs->credential.spake2plus_simulated = true;
    return 0;
}
