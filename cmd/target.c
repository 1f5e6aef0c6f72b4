/*
 * Which device is meant on a command line.
 */
#include "target.h"

#include "ask.h"

int kp_command_target(struct kp_target *target, const struct kp_options *options, bool by_id)
{
    enum kp_language language = kp_language_of_person();
    char why[KP_WORD_LEN];
    const struct kp_target_wish wish = {
        .text = options->positional_count > 0 ? options->positionals[0] : NULL,
        .user = kp_options_get(options, "user"),
        .device_id = kp_options_get(options, "device-id"),
        .tls = kp_options_get(options, "tls"),
        .pake = kp_options_get(options, "pake"),
        .no_save = kp_options_has(options, "no-save"),
        .asks_user = kp_ask_name_makes_sense(),
    };
    if (wish.text == NULL)
        return kp_command_misused("%s",
                                  kp_word(why, sizeof why, language, KP_W_DEVICE_MISSING, NULL));
    switch (kp_target_find(target, &wish, language, why)) {
    case KP_TARGET_FOUND:
        return KP_EXIT_DONE;
    case KP_TARGET_MISUSED:
        return kp_command_misused("%s", why);
    case KP_TARGET_NOWHERE:
        if (by_id)
            return KP_EXIT_DONE;
        break;
    case KP_TARGET_FAILED:
        break;
    }
    return kp_command_fail(KP_EXIT_FAILED, "%s", why);
}
