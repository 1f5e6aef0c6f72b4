/*
 * The file of remembered devices: text.
 *
 * Checked besides crashes: a fault has a line and a sentence; what is taken is written and taken
 * again, the same.
 */
#include "fuzz.h"

#include "client/saved.h"

#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kp_store_fault fault;
    struct kp_saved saved, again;
    struct kp_text text = {0};
    int err = kp_saved_parse(&saved, (const char *)data, size, &fault);

    if (err != 0) {
        must(err == KP_E_SYNTAX && fault.line > 0 && fault.why[0] != '\0');
        return 0;
    }
    must(kp_saved_format(&saved, &text) == 0);
    must(kp_saved_parse(&again, text.data, text.len, &fault) == 0);
    must(again.count == saved.count);
    kp_saved_clear(&again);
    kp_saved_clear(&saved);
    kp_text_clear(&text);
    return 0;
}
