/* What becomes of a connection by mode and port: every mode and every port of transition.h, written
 * once more as the words of its table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "device/transition.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

#define FIRST KP_DOOR_TLS
#define MORE (KP_DOOR_TLS | KP_DOOR_OTHER)
#define HTTP KP_DOOR_PLAIN

/* password: "serve" or "-".  other: "refuse", "pass" or "-". */
static const struct {
    enum kp_transition mode;
    unsigned port;
    const char *password, *other;
    enum kp_plain_way plain;
    bool sorts; /* the first bytes decide */
} expected[] = {
    {KP_STRICT, FIRST, "serve", "refuse", KP_WAY_TELL, false},
    {KP_STRICT, HTTP, "-", "-", KP_WAY_EXPLAIN, false},
    {KP_STRICT, FIRST | HTTP, "serve", "refuse", KP_WAY_EXPLAIN, true},
    {KP_SNIFF, FIRST, "serve", "refuse", KP_WAY_TELL, false},
    {KP_SNIFF, HTTP, "-", "-", KP_WAY_NOTICE, false},
    {KP_SNIFF, FIRST | HTTP, "serve", "refuse", KP_WAY_NOTICE, true},
    {KP_DUAL, FIRST, "serve", "refuse", KP_WAY_TELL, false},
    {KP_DUAL, MORE, "serve", "pass", KP_WAY_TELL, true},
    {KP_DUAL, KP_DOOR_OTHER, "serve", "pass", KP_WAY_TELL, true},
    {KP_DUAL, HTTP, "-", "-", KP_WAY_LEAD, false},
    {KP_DUAL, FIRST | HTTP, "serve", "refuse", KP_WAY_LEAD, true},
    {KP_DUAL, MORE | HTTP, "serve", "pass", KP_WAY_LEAD, true},
    {KP_SAME_PORT, FIRST, "serve", "pass", KP_WAY_TELL, true},
    {KP_SAME_PORT, HTTP, "-", "-", KP_WAY_LEAD, false},
    {KP_SAME_PORT, FIRST | HTTP, "serve", "pass", KP_WAY_LEAD, true},
};

static void test_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(expected); i++) {
        struct kp_door_rules rules = kp_transition_rules(expected[i].mode, expected[i].port);
        if (rules.tls != (strcmp(expected[i].password, "serve") == 0) ||
            rules.passes != (strcmp(expected[i].other, "pass") == 0) ||
            rules.plain != expected[i].plain || kp_transition_sorts(&rules) != expected[i].sorts)
            fail_msg("mode %d, port %u: serves %d, passes %d, plain %d, sorts %d", expected[i].mode,
                     expected[i].port, rules.tls, rules.passes, rules.plain,
                     kp_transition_sorts(&rules));
    }
}

/* Whatever the mode. */
static void test_what_holds_everywhere(void **state)
{
    (void)state;
    for (unsigned mode = KP_STRICT; mode <= KP_SAME_PORT; mode++) {
        for (unsigned port = 1; port < 8; port++) {
            struct kp_door_rules rules = kp_transition_rules((enum kp_transition)mode, port);
            assert_int_equal(rules.tls, (port & (KP_DOOR_TLS | KP_DOOR_OTHER)) != 0);
            assert_true(rules.tls || !rules.passes);
            assert_int_equal(rules.plain == KP_WAY_TELL, (port & KP_DOOR_PLAIN) == 0);
            if (mode == KP_STRICT || mode == KP_SNIFF)
                assert_false(rules.passes);
            if (!rules.tls)
                assert_false(kp_transition_sorts(&rules));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_table),
        cmocka_unit_test(test_what_holds_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
