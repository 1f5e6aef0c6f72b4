/*
 * ct-cases: run.sh runs each case under memcheck.
 *
 *      ct-cases            one line a case: its name, and "clean" or "caught"
 *      ct-cases NAME       runs it
 */
#include "cases.h"

#include <stdio.h>
#include <string.h>
#include <valgrind/valgrind.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define STATUS_NO_VALGRIND 77

void saw(enum ct_seen what, unsigned least)
{
    if (ct_seen[what] < least)
        fprintf(stderr, "kind %d was secret %u times, not %u\n", what, ct_seen[what], least);
    must(ct_seen[what] >= least);
}

static const struct {
    const char *name;
    void (*run)(void);
    bool faulty;
} cases[] = {
    {"tls12-right", tls12_right, false},
    {"tls12-right-3072", tls12_right_3072, false},
    {"tls12-wrong", tls12_wrong, false},
    {"tls12-unknown", tls12_unknown, false},
    {"tls12-ticket", tls12_ticket, false},
    {"tls12-ticket-changed", tls12_ticket_changed, false},
    {"tls12-data-cbc", cbc_data, false},
    {"ietf-right", ietf_right, false},
    {"ietf-wrong", ietf_wrong, false},
    {"ietf-unknown", ietf_unknown, false},
    {"ietf-other-device", ietf_device, false},
    {"ietf-retry", ietf_retry, false},
    {"tls12-guess-granted", tls12_guess_granted, false},
    {"tls12-guess-refused", tls12_guess_refused, false},
    {"ietf-guess-granted", ietf_guess_granted, false},
    {"ietf-guess-refused", ietf_guess_refused, false},
    {"ietf-ticket", ietf_ticket, false},
    {"ietf-ticket-changed", ietf_ticket_changed, false},
    {"ietf-data-first-aead", first_aead_data, false},
    {"ietf-data-second-aead", second_aead_data, false},
    {"ietf-data-third-aead", third_aead_data, false},
    {"boringssl-right", boringssl_right, false},
    {"boringssl-wrong", boringssl_wrong, false},
    {"boringssl-unknown", boringssl_unknown, false},
    {"boringssl-other-device", boringssl_device, false},
    {"compare", compare, false},
    {"strip", strip, false},
    {"store-first", store_first, false},
    {"store-second", store_second, false},
    {"store-last", store_last, false},
    {"store-unknown", store_unknown, false},
    {"control-branch", control_branch, true},
    {"control-index", control_index, true},
    {"control-memcmp", control_memcmp, true},
    {"control-finished12", control_finished12, true},
    {"control-confirm13", control_confirm13, true},
    {"control-strip", control_strip, true},
};

int main(int argc, char **argv)
{
    if (argc == 1) {
        for (size_t i = 0; i < COUNT(cases); i++)
            printf("%s %s\n", cases[i].name, cases[i].faulty ? "caught" : "clean");
        return 0;
    }
    if (!RUNNING_ON_VALGRIND) {
        fputs("not under valgrind: nothing would be seen\n", stderr);
        return STATUS_NO_VALGRIND;
    }
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (strcmp(argv[1], cases[i].name) == 0) {
            cases[i].run();
            return 0;
        }
    }
    fprintf(stderr, "no such case: %s\n", argv[1]);
    return 2;
}
