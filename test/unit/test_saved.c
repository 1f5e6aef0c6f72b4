/*
 * gateway/client/saved: the list of remembered devices, and its text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/saved.h"

#define HEAD "keyplate-devices 1\n"
#define ONE "device heating heating.local:443 K7F3 admin 1.2,1.3 1795401537\n"
#define TWO "device v6 [2001:db8::1]:4433 a\\x20b\\x5c J\xc3\xbcrgen 1.2 0\n"

static int parse(struct kp_saved *saved, const char *text, struct kp_store_fault *fault)
{
    return kp_saved_parse(saved, text, strlen(text), fault);
}

static void test_there_and_back(void **state)
{
    (void)state;
    static const char *const texts[] = {
        HEAD "end 0\n",
        HEAD ONE "end 1\n",
        HEAD ONE TWO "end 2\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct kp_store_fault fault;
        struct kp_saved saved;
        struct kp_text text;
        assert_int_equal(parse(&saved, texts[i], &fault), 0);
        assert_int_equal(kp_saved_format(&saved, &text), 0);
        assert_string_equal(text.data, texts[i]);
        kp_text_clear(&text);
        kp_saved_clear(&saved);
    }
}

static void test_fields(void **state)
{
    (void)state;
    struct kp_store_fault fault;
    struct kp_saved saved;
    assert_int_equal(parse(&saved, HEAD ONE TWO "end 2\n", &fault), 0);
    const struct kp_saved_device *two = kp_saved_by_name(&saved, "V6");
    assert_non_null(two);
    assert_string_equal(two->host.name, "2001:db8::1");
    assert_string_equal(two->host.port, "4433");
    assert_string_equal(two->id, "a b\\");
    assert_string_equal(two->user, "J\xc3\xbcrgen");
    assert_int_equal(two->versions, KP_USE_TLS12);
    assert_true(two->seen == 0);
    const struct kp_saved_device *one = kp_saved_by_id(&saved, "K7F3");
    assert_ptr_equal(one, &saved.devices[0]);
    assert_int_equal(one->versions, KP_USE_TLS12 | KP_USE_TLS13);
    assert_true(one->seen == 1795401537);
    assert_null(kp_saved_by_id(&saved, "k7f3"));
    kp_saved_clear(&saved);
}

struct bad {
    const char *text;
    unsigned line;
};

static const struct bad bads[] = {
    {"", 1},
    {"keyplate-devices 1", 1},
    {"keyplate-devices 2\nend 0\n", 1},
    {"keyplate-credentials 1\nend 0\n", 1},
    {"keyplate-devices\nend 0\n", 1},
    {"keyplate-devices  1\nend 0\n", 1},
    {" keyplate-devices 1\nend 0\n", 1},
    {"keyplate-devices 1 \nend 0\n", 1},
    {HEAD, 2},
    {HEAD ONE, 3},
    {HEAD ONE "end 1", 3},
    {HEAD ONE "end\n", 3},
    {HEAD ONE "end 0\n", 3},
    {HEAD ONE "end 2\n", 3},
    {HEAD ONE "end 01\n", 3},
    {HEAD ONE "end 1\n\n", 4},
    {HEAD ONE "end 1\nend 1\n", 4},
    {HEAD "\nend 0\n", 2},
    {HEAD "what heating heating.local:443 K7F3 admin 1.2 1\nend 1\n", 2},
    {HEAD ONE ONE "end 2\n", 3},
    {HEAD ONE "device heating b:443 b admin 1.2 1\nend 2\n", 3},
    {HEAD ONE "device b HEATING.local.:443 b admin 1.2 1\nend 2\n", 3},
    {HEAD ONE "device b b:443 K7F3 admin 1.2 1\nend 2\n", 3},
    {HEAD TWO "device b [2001:DB8:0::1]:4433 b admin 1.2 1\nend 2\n", 3},
    {HEAD "device Heating a:443 b admin 1.2 1\nend 1\n", 2},
    {HEAD "device -a a:443 b admin 1.2 1\nend 1\n", 2},
    {HEAD "device a- a:443 b admin 1.2 1\nend 1\n", 2},
    {HEAD "device a.b a:443 b admin 1.2 1\nend 1\n", 2},
    {HEAD "device a a b admin 1.2 1\nend 1\n", 2},
    {HEAD "device a a:0 b admin 1.2 1\nend 1\n", 2},
    {HEAD "device a a:65536 b admin 1.2 1\nend 1\n", 2},
    {HEAD "device a [a]:1 b admin 1.2 1\nend 1\n", 2},
    {HEAD "device a a\xc2\x9bx:443 b admin 1.2 1\nend 1\n", 2},
    {HEAD "device a a:443 b\\x41 admin 1.2 1\nend 1\n", 2}, /* no need to escape an A */
    {HEAD "device a a:443 b\\x5C admin 1.2 1\nend 1\n", 2},
    {HEAD "device a a:443 b\\x2 admin 1.2 1\nend 1\n", 2},
    {HEAD "device a a:443 b\\ admin 1.2 1\nend 1\n", 2},
    {HEAD "device a a:443 b\\x0a admin 1.2 1\nend 1\n", 2},
    {HEAD "device a a:443 b\\x00 admin 1.2 1\nend 1\n", 2},
    {HEAD "device a a:443 b\x7f admin 1.2 1\nend 1\n", 2},
    {HEAD "device a a:443 b\xff admin 1.2 1\nend 1\n", 2},
    {HEAD "device a a:443 b admin\t 1.2 1\nend 1\n", 2},
    {HEAD "device a a:443 b admin 1.4 1\nend 1\n", 2},
    {HEAD "device a a:443 b admin 1.3,1.2 1\nend 1\n", 2},
    {HEAD "device a a:443 b admin 1.2 -1\nend 1\n", 2},
    {HEAD "device a a:443 b admin 1.2 01\nend 1\n", 2},
    {HEAD "device a a:443 b admin 1.2 9999999999999999999\nend 1\n", 2},
    {HEAD "device a a:443 b admin 1.2\nend 1\n", 2},
    {HEAD "device a a:443 b admin 1.2 1 2\nend 1\n", 2},
};

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bads / sizeof bads[0]; i++) {
        struct kp_store_fault fault;
        struct kp_saved saved;
        if (parse(&saved, bads[i].text, &fault) != KP_E_SYNTAX)
            fail_msg("taken: %s", bads[i].text);
        if (fault.line != bads[i].line)
            fail_msg("line %u: %s", fault.line, bads[i].text);
        assert_true(fault.why[0] != '\0');
        assert_null(saved.devices);
    }
}

/* Whatever is cut off the end, or has a byte turned, is no file, or none with the same end. */
static void test_cut(void **state)
{
    (void)state;
    static const char text[] = HEAD ONE TWO "end 2\n";
    struct kp_store_fault fault;
    struct kp_saved saved;
    for (size_t len = 0; len < strlen(text); len++)
        assert_int_equal(kp_saved_parse(&saved, text, len, &fault), KP_E_SYNTAX);
    assert_int_equal(kp_saved_parse(&saved, text, sizeof text, &fault), KP_E_SYNTAX); /* a NUL */
}

static void test_longest(void **state)
{
    (void)state;
    struct kp_saved saved = {NULL, 0};
    struct kp_saved again;
    struct kp_saved_device device = {.versions = KP_USE_TLS13, .seen = 1};
    struct kp_store_fault fault;
    struct kp_text text;
    memset(device.name, 'n', sizeof device.name - 1);
    memset(device.host.name, 'h', sizeof device.host.name - 1);
    memcpy(device.host.port, "65535", 6);
    memset(device.id, '\\', sizeof device.id - 1);
    memset(device.user, ' ', sizeof device.user - 1);
    assert_int_equal(kp_saved_add(&saved, &device), 0);
    assert_int_equal(kp_saved_add(&saved, &device), KP_E_EXISTS);
    assert_int_equal(kp_saved_format(&saved, &text), 0);
    assert_int_equal(kp_saved_parse(&again, text.data, text.len, &fault), 0);
    assert_memory_equal(&again.devices[0], &device, sizeof device);
    kp_text_clear(&text);
    kp_saved_clear(&again);
    kp_saved_clear(&saved);
}

static void choose(const struct kp_saved *saved, const char *host, const char *expected)
{
    struct kp_host split;
    char name[KP_SAVED_NAME_LEN];
    const char *why;
    assert_int_equal(kp_host_split(&split, host, strlen(host), "443", &why), 0);
    kp_saved_choose_name(saved, &split, name);
    assert_string_equal(name, expected);
    assert_true(kp_saved_name_is_right(name));
}

static void test_names(void **state)
{
    (void)state;
    struct kp_store_fault fault;
    struct kp_saved saved;
    char host[300] = "";
    assert_int_equal(parse(&saved,
                           HEAD ONE "device heating-2 b:443 b admin 1.2 1\n"
                                    "device 192-0-2-7 c:443 c admin 1.2 1\nend 3\n",
                           &fault),
                     0);
    choose(&saved, "Boiler.example.org", "boiler");
    choose(&saved, "heating.other", "heating-3");
    choose(&saved, "192.0.2.8:4433", "192-0-2-8");
    choose(&saved, "192.0.2.7", "192-0-2-7-2");
    choose(&saved, "[fe80::1%eth0]", "fe80-1-eth0");
    choose(&saved, "[::1]", "1");
    choose(&saved, "[::]", "device");
    choose(&saved, "-_-.local", "device");
    choose(&saved, "caf_--bar.local", "caf-bar");
    memset(host, 'x', 250);
    choose(&saved, host, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    kp_saved_clear(&saved);
}

static void test_removal(void **state)
{
    (void)state;
    struct kp_store_fault fault;
    struct kp_saved saved;
    assert_int_equal(parse(&saved, HEAD ONE TWO "end 2\n", &fault), 0);
    kp_saved_remove(&saved, kp_saved_by_name(&saved, "heating"));
    assert_int_equal(saved.count, 1);
    assert_string_equal(saved.devices[0].name, "v6");
    kp_saved_remove(&saved, &saved.devices[0]);
    assert_int_equal(saved.count, 0);
    kp_saved_clear(&saved);
}

static void test_full(void **state)
{
    (void)state;
    struct kp_saved saved = {NULL, 0};
    struct kp_saved_device device = {.versions = KP_USE_TLS12, .user = "u", .host = {"h", "1"}};
    for (int i = 0; i < KP_SAVED_MAX; i++) {
        snprintf(device.name, sizeof device.name, "n%d", i);
        snprintf(device.id, sizeof device.id, "i%d", i);
        snprintf(device.host.port, sizeof device.host.port, "%d", i + 1);
        assert_int_equal(kp_saved_add(&saved, &device), 0);
    }
    device.name[0] = device.id[0] = device.host.name[0] = 'z';
    assert_int_equal(kp_saved_add(&saved, &device), KP_E_TOO_LONG);
    kp_saved_clear(&saved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_longest),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_removal),
        cmocka_unit_test(test_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
