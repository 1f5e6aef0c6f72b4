/*
 * The line of --verbose about a connection.
 */
#include "agreed.h"

#include <stdio.h>

#include "command.h"
#include "creds/text.h"

void kp_agreed_tell(const struct kp_info *info)
{
    char form[40] = "", group[60] = "", user[KP_TEXT_ESCAPED_MAX(KP_NAME_MAX)];
    if (info->pake != NULL)
        (void)snprintf(form, sizeof form, "SPAKE2+ (%s), ", info->pake);
    if (info->group_name != NULL)
        (void)snprintf(group, sizeof group, "%s, ", info->group_name);
    else if (info->group_bits > 0)
        (void)snprintf(group, sizeof group, "a group of %u bits, ", info->group_bits);
    kp_text_escape(user, info->user != NULL ? info->user : "", info->user_len);
    kp_command_note("proved: %s, %s%s, %s%s, user %s", info->version_name, form, info->suite_name,
                    group, info->resumed ? "resumed" : "full handshake", user);
}
