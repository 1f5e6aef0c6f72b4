/*
 * Who the person is to a device.
 */
#include "login.h"

#include <stdio.h>
#include <string.h>

#include "creds/label.h"
#include "net/address.h"

int kp_login_name(const char *given, struct kp_text *out)
{
    int status = kp_ask_name(given, "admin", false, out);
    if (status != KP_EXIT_DONE || !kp_label_is_typed(out->data, out->len))
        return status;
    kp_text_clear(out);
    return kp_command_misused("that looks like the label's password, not a name: nothing was sent");
}

int kp_login_password(const struct kp_login_wish *wish, const char *error, struct kp_text *password)
{
    char prompt[KP_TEXT_ESCAPED_MAX(KP_NAME_MAX) + KP_HOST_TEXT_LEN + 32];
    char name[KP_TEXT_ESCAPED_MAX(KP_NAME_MAX)];
    struct kp_ask ask = {.options = wish->options, .prompt = prompt, .error = error};
    (void)snprintf(prompt, sizeof prompt, "Password of %s at %s",
                   kp_text_escape(name, wish->user->data, wish->user->len), wish->where);
    return kp_ask_password(&ask, password);
}

int kp_login_make(const struct kp_login_wish *wish, struct kp_text *password, struct kp_login **out)
{
    struct kp_login *login = NULL;
    const uint8_t *data = (const uint8_t *)password->data;
    int error =
        kp_login_new(&login, wish->context, wish->user->data, wish->user->len, data, password->len);
    if (error == 0 && wish->id != NULL)
        error = kp_login_device(login, data, password->len, (const uint8_t *)wish->id,
                                strlen(wish->id));
    kp_text_clear(password);
    *out = login;
    if (error == 0)
        return KP_EXIT_DONE;
    kp_login_free(login);
    *out = NULL;
    return kp_command_fail(KP_EXIT_FAILED, "%s",
                           error == KP_E_MEMORY ? "out of memory" : kp_error_text(error));
}

int kp_login_ask(const struct kp_login_wish *wish, const char *error, struct kp_login **out)
{
    struct kp_text password;
    int status = kp_login_password(wish, error, &password);
    return status == KP_EXIT_DONE ? kp_login_make(wish, &password, out) : status;
}
