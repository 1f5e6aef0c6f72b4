/*
 * A server that counts guesses: the caller says whether this one is judged.  What isn't goes on as
 * with a wrong password, so that nobody learns which of the two it was.
 */
#include "handshake/handshake.h"

#include "base/secret.h"

/* The client's Finished is the next record: keys that nobody has make of it what a wrong password
 * makes of it.  Made in any case, as the time it takes would tell. */
int kp_server12_guess(struct kp_handshake *hs)
{
    struct kp_keys12 nobodys;

    if (!hs->context->count_guesses)
        return 0;
    if (!hs->guess_answered)
        return KP_SUSPEND_GUESS;
    int err = kp_handshake_random(hs, (uint8_t *)&nobodys, sizeof(nobodys));
    if (err == 0 && !hs->guess_granted) {
        hs->client_keys = nobodys;
        hs->credential.srp_simulated = true;
    }
    kp_wipe(&nobodys, sizeof(nobodys));
    return err == 0 ? kp_srp12_read_keys(hs) : err;
}

/* Before the client's share meets a verifier: confirmV is what it could check a guess with. */
int kp_server13_guess(struct kp_handshake *hs)
{
    if (hs->t13.form == 0) /* a ticket alone */
        return 0;
    if (!hs->context->count_guesses)
        return 0;
    if (!hs->guess_answered)
        return KP_SUSPEND_GUESS;
    if (hs->guess_granted)
        return 0;
    hs->credential.spake2plus = hs->credential.nobody;
    hs->credential.spake2plus_simulated = true;
    return 0;
}
