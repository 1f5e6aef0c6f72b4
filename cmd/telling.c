/*
 * A teller that prints.
 */
#include "telling.h"

#include "command.h"

static void say(void *owner, enum kp_tell_level level, const char *sentence)
{
    (void)owner;
    if (level == KP_TELL_WARNING)
        kp_command_warn("%s", sentence);
    else
        kp_command_note("%s", sentence);
}

struct kp_teller kp_telling(bool verbose)
{
    return (struct kp_teller){.say = say, .language = kp_language_of_person(), .verbose = verbose};
}
