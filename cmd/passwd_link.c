/*
 * The link that a label can have beside the password.
 */
#include "label_link.h"
#include "passwd.h"

void kp_passwd_tell_link(const struct kp_passwd *passwd, const struct kp_text *name)
{
    char link[KP_LABEL_LINK_LEN];
    const struct kp_label_link parts = {.id = passwd->roster.device_id.data, .user = name->data};
    if (kp_label_link(link, &parts) == 0)
        kp_command_note("link for the label: %s", link);
}
