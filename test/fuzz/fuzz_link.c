/*
 * A link as a person gives it: text.
 *
 * Checked besides crashes: what is taken has an address or an id, and both are what they have to
 * be.
 */
#include "fuzz.h"

#include "client/link.h"
#include "creds/text.h"

#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

static void check_name(const char *name)
{
    must(name[0] == '\0' || kp_text_name_check(name, strlen(name)) == KP_TEXT_FINE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[8192];
    struct kp_link link;
    const char *why = NULL;

    if (size >= sizeof(text))
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    if (kp_link_parse(&link, text, &why) != 0) {
        must(why != NULL);
        return 0;
    }
    must(link.host.name[0] != '\0' || link.id[0] != '\0');
    must(link.host.name[0] == '\0' || !kp_host_has_no_port(&link.host));
    must(link.path[0] == '/');
    check_name(link.id);
    must(strstr(text, "#p=") == NULL);
    return 0;
}
