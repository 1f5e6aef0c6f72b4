/*
 * From the path of a credentials file to a store.
 */
#include <stdio.h>

#include "creds/file.h"
#include "creds/store.h"

int kp_store_load(struct kp_store **out, const char *path, char *why, size_t why_len)
{
    struct kp_file_error unread = {""};
    struct kp_store_fault fault = {.line = 0};
    struct kp_text text;
    *out = NULL;
    int error = kp_file_read(path, true, &text, &unread);
    if (error != 0) {
        (void)snprintf(why, why_len, "%s", unread.why);
        return error;
    }
    error = kp_store_parse(out, text.data, text.len, &fault);
    kp_text_clear(&text);
    if (error == KP_E_SYNTAX && fault.line > 0)
        (void)snprintf(why, why_len, "%s, line %u: %s", path, fault.line, fault.why);
    else if (error != 0)
        (void)snprintf(why, why_len, "%s: %s", path,
                       error == KP_E_SYNTAX ? fault.why : kp_error_text(error));
    return error;
}
