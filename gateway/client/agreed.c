/* The line about a connection: see agreed.h. */
#include "agreed.h"

#include <stdio.h>

const char *kp_agreed(char out[KP_AGREED_LEN], const struct kp_info *info)
{
    char form[40] = "", group[60] = "", user[KP_TEXT_ESCAPED_MAX(KP_NAME_MAX)];
    if (info->pake != NULL)
        (void)snprintf(form, sizeof form, "SPAKE2+ (%s), ", info->pake);
    if (info->group_name != NULL)
        (void)snprintf(group, sizeof group, "%s, ", info->group_name);
    else if (info->group_bits > 0)
        (void)snprintf(group, sizeof group, "a group of %u bits, ", info->group_bits);
    kp_text_escape(user, info->user != NULL ? info->user : "", info->user_len);
    (void)snprintf(out, KP_AGREED_LEN, "proved: %s, %s%s, %s%s, user %s", info->version_name, form,
                   info->suite_name, group, info->resumed ? "resumed" : "full handshake", user);
    return out;
}
