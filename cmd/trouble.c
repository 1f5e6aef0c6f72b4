/*
 * What is said of a connection to a device that failed.
 */
#include "trouble.h"

#include <stdio.h>
#include <string.h>

#define TOKEN_S 60 /* in which a device that is kept by Keyplate judges one more guess */

/* What the far end was offered and didn't take; nothing when it wasn't reached. */
static void tell_tried(const struct kp_trouble *trouble)
{
    const struct kp_offered *offered = &trouble->offered;
    char id[KP_TEXT_ESCAPED_MAX(KP_DEVICE_ID_MAX)];
    bool tls13 = (offered->versions & KP_USE_TLS13) != 0 && offered->id != NULL;
    const char *tls12 = (offered->versions & KP_USE_TLS12) != 0 ? "TLS 1.2, SRP" : "";
    if (trouble->stage != KP_AT_HANDSHAKE || trouble->unresolved)
        return;
    if (!tls13) {
        kp_command_note("tried: %s", tls12);
        return;
    }
    kp_text_escape(id, offered->id, strlen(offered->id));
    kp_command_note("tried: TLS 1.3, SPAKE2+ (%s), id \"%s\" (%s)%s%s",
                    offered->pake == KP_PAKE_BORINGSSL ? "boringssl" : "ietf", id,
                    offered->id_given ? "given" : "saved", tls12[0] != '\0' ? "; " : "", tls12);
}

int kp_trouble_tell(const struct kp_trouble *trouble, const char *where, bool verbose)
{
    char text[800], more[KP_EXPLAIN_MORE_LEN];
    int status = kp_command_fail(kp_trouble_is_proof(trouble) ? KP_EXIT_PROOF : KP_EXIT_FAILED,
                                 "%s", kp_explain(trouble, where, text, sizeof text));
    if (kp_explain_more(trouble, more) != NULL)
        kp_command_note("%s", more);
    if (verbose)
        tell_tried(trouble);
    return status;
}

void kp_trouble_tell_slowed(void)
{
    kp_command_note("the device may be slowing guesses: wait %d s before the next", TOKEN_S);
}
