/*
 * A build that reads no file of options: see config.h.  An app has none, and so needs no library
 * for it.
 */
#include <stddef.h>

#include "command.h"
#include "config.h"

int kp_config_read(struct kp_options *options, const struct kp_config_plan *plan)
{
    const char *key = plan->positional;
    if (key != NULL && kp_options_has(options, key))
        return kp_command_misused("unknown option --%s (it is written without that)", key);
    if (kp_options_get(options, "config") != NULL)
        return kp_command_misused("this build reads no configuration");
    return KP_EXIT_DONE;
}
