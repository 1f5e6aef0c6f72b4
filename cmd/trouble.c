/*
 * What is said of a connection to a device that failed.
 */
#include "trouble.h"

#define TOKEN_S "60" /* in which a device that is kept by Keyplate judges one more guess */

int kp_trouble_tell(const struct kp_trouble *trouble, const char *where, bool verbose)
{
    enum kp_language language = kp_language_of_person();
    char text[KP_WORD_LEN], more[KP_EXPLAIN_MORE_LEN];
    int status = kp_command_fail(kp_trouble_is_proof(trouble) ? KP_EXIT_PROOF : KP_EXIT_FAILED,
                                 "%s", kp_explain(trouble, where, language, text, sizeof text));
    if (kp_explain_more(trouble, language, more) != NULL)
        kp_command_note("%s", more);
    if (verbose && kp_explain_tried(trouble, language, more) != NULL)
        kp_command_note("%s", more);
    return status;
}

void kp_trouble_tell_slowed(void)
{
    char text[KP_WORD_LEN];
    kp_command_note("%s", kp_word(text, sizeof text, kp_language_of_person(), KP_W_SLOWED,
                                  "seconds", TOKEN_S, NULL));
}
