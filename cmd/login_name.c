/*
 * The name that a client gives to a device.
 */
#include "login_name.h"

#include "base/secret.h"
#include "command.h"
#include "creds/label.h"

/* Whether it is a label's password, however its letters were typed. */
static bool is_label(const struct kp_text *name)
{
    char low[KP_LABEL_LEN];
    bool right;
    if (name->len != sizeof low)
        return false;
    for (size_t i = 0; i < sizeof low; i++)
        low[i] = name->data[i] >= 'A' && name->data[i] <= 'Z' ? (char)(name->data[i] + 32)
                                                              : name->data[i];
    right = kp_label_is_right(low, sizeof low);
    kp_wipe(low, sizeof low);
    return right;
}

int kp_login_name(const char *given, struct kp_text *out)
{
    int status = kp_ask_name(given, "admin", false, out);
    if (status != KP_EXIT_DONE || !is_label(out))
        return status;
    kp_text_clear(out);
    return kp_command_misused("that looks like the label's password, not a name: nothing was sent");
}
