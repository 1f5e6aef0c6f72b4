/*
 * What strangers say of their devices by DNS-SD: what is taken of it, and what isn't.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "creds/text.h"
#include "net/nearby_text.h"

static struct kp_near near;

static void text(const char *item)
{
    char copy[512]; /* not NUL-terminated, as it comes */
    size_t len = strlen(item);
    memcpy(copy, item, len);
    memset(copy + len, 'x', sizeof copy - len);
    kp_near_take_text(&near, copy, len);
}

static const struct kp_near *all(const char *const *items)
{
    memset(&near, 0, sizeof near);
    kp_near_begin_text(&near);
    for (; *items != NULL; items++)
        text(*items);
    return &near;
}

#define ALL(...) all((const char *const[]){__VA_ARGS__, NULL})

static void test_fields(void **state)
{
    (void)state;
    ALL("v=1", "id=nitdsrng83pdkqvq", "versions=1.2,1.3", "path=/ui/");
    assert_string_equal(near.id, "nitdsrng83pdkqvq");
    assert_int_equal(near.versions, KP_USE_TLS12 | KP_USE_TLS13);
    assert_string_equal(near.path, "/ui/");
    ALL("ID=A b", "Versions=1.3", "Path=/a?b=c");
    assert_string_equal(near.id, "A b");
    assert_int_equal(near.versions, KP_USE_TLS13);
    assert_string_equal(near.path, "/a?b=c");
    ALL("v=1");
    assert_string_equal(near.id, "");
    assert_int_equal(near.versions, 0);
    assert_string_equal(near.path, "/");
    assert_int_equal(ALL("versions=1.4,2,1.2,,")->versions, KP_USE_TLS12);
    assert_int_equal(ALL("versions=1.2.3")->versions, 0);
    assert_string_equal(ALL("id=one", "id=two")->id, "one");
    assert_string_equal(ALL("id", "ids=x", "i=x", "=x", "")->id, "");
}

static void test_hostile_ids(void **state)
{
    char item[512] = "id=";
    (void)state;
    assert_string_equal(ALL("id=a\x1b[2J")->id, "");
    assert_string_equal(ALL("id=a\nb")->id, "");
    assert_string_equal(ALL("id=\xff\xfe")->id, "");
    assert_string_equal(ALL("id=")->id, "");
    memset(item + 3, 'a', 300);
    assert_string_equal(ALL(item)->id, "");
    item[3 + KP_DEVICE_ID_MAX] = '\0';
    assert_int_equal(strlen(ALL(item)->id), KP_DEVICE_ID_MAX);
    memcpy(item, "id=a\0b", 6);
    memset(&near, 0, sizeof near);
    kp_near_begin_text(&near);
    kp_near_take_text(&near, item, 6);
    assert_string_equal(near.id, "");
}

static void test_hostile_paths(void **state)
{
    static const char *const wrong[] = {"path=",         "path=x",     "path=//evil.example/",
                                        "path=/\"><b>",  "path=/a b",  "path=/\\evil.example",
                                        "path=/a\r\nb:", "path=/'onx", "path=/\xc3\xa4"};
    char item[512] = "path=/";
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_string_equal(ALL(wrong[i])->path, "/");
    memset(item + 6, 'a', KP_NEARBY_PATH_LEN - 2);
    item[6 + KP_NEARBY_PATH_LEN - 2] = '\0';
    assert_int_equal(strlen(ALL(item)->path), KP_NEARBY_PATH_LEN - 1);
    memset(item + 6, 'a', KP_NEARBY_PATH_LEN - 1);
    item[6 + KP_NEARBY_PATH_LEN - 1] = '\0';
    assert_string_equal(ALL(item)->path, "/");
}

static void test_names(void **state)
{
    char name[128];
    (void)state;
    assert_true(kp_near_take_name(&near, "Heating in the cellar"));
    assert_string_equal(near.name, "Heating in the cellar");
    assert_false(kp_near_take_name(&near, ""));
    assert_false(kp_near_take_name(&near, "a\x1b[31m"));
    assert_false(kp_near_take_name(&near, "a\xc2\x9b"));
    assert_false(kp_near_take_name(&near, "\xff"));
    memset(name, 'a', sizeof name);
    name[KP_NEARBY_NAME_LEN - 1] = '\0';
    assert_true(kp_near_take_name(&near, name));
    name[KP_NEARBY_NAME_LEN - 1] = 'a';
    name[KP_NEARBY_NAME_LEN] = '\0';
    assert_false(kp_near_take_name(&near, name));
}

static void test_host_names(void **state)
{
    (void)state;
    kp_near_take_host_name(&near, "heating.local.");
    assert_string_equal(near.host_name, "heating.local");
    kp_near_take_host_name(&near, "a b.local");
    assert_string_equal(near.host_name, "");
    kp_near_take_host_name(&near, "-oProxyCommand=x.local");
    assert_string_equal(near.host_name, "");
    kp_near_take_host_name(&near, "<b>.local");
    assert_string_equal(near.host_name, "");
}

static int v6(const char *address, unsigned interface)
{
    struct in6_addr bytes;
    assert_int_equal(inet_pton(AF_INET6, address, &bytes), 1);
    memset(&near.host, 0, sizeof near.host);
    return kp_near_take_v6(&near, bytes.s6_addr, interface, 443);
}

static int v4(const char *address, unsigned port)
{
    struct in_addr bytes;
    assert_int_equal(inet_pton(AF_INET, address, &bytes), 1);
    memset(&near.host, 0, sizeof near.host);
    return kp_near_take_v4(&near, (const uint8_t *)&bytes, port);
}

static void test_addresses(void **state)
{
    struct kp_address address;
    char host[KP_HOST_TEXT_LEN];
    const char *why;
    (void)state;
    assert_true(v4("192.0.2.7", 443) > v6("2001:db8::1", 1));
    assert_true(v6("2001:db8::1", 1) > v4("169.254.1.1", 443));
    assert_true(v4("169.254.1.1", 443) > v6("fe80::1", 3));
    assert_true(v6("fd00::1", 1) > v6("fe80::1", 3));
    assert_true(v6("2001:db8::1", 1) > 0);
    assert_string_equal(near.host.name, "2001:db8::1");
    assert_true(v6("fe80::1", 1) > 0);
    assert_string_equal(near.host.name, "fe80::1%1");
    assert_int_equal(kp_address_parse(&address, kp_host_text(&near.host, NULL, host), &why), 0);
    assert_int_equal(((struct sockaddr_in6 *)&address.where)->sin6_scope_id, 1);
    assert_int_equal(v6("fe80::1", 0), 0);
}

/* A stranger has no say in what this computer connects to on itself. */
static void test_addresses_of_nobody(void **state)
{
    static const char *const fours[] = {"0.0.0.0", "127.0.0.1", "127.9.9.9", "224.0.0.1",
                                        "255.255.255.255"};
    static const char *const sixes[] = {"::", "::1", "::ffff:127.0.0.1", "::127.0.0.1", "ff02::fb"};
    (void)state;
    for (size_t i = 0; i < sizeof fours / sizeof fours[0]; i++)
        assert_int_equal(v4(fours[i], 443), 0);
    for (size_t i = 0; i < sizeof sixes / sizeof sixes[0]; i++)
        assert_int_equal(v6(sixes[i], 1), 0);
    assert_int_equal(v4("192.0.2.1", 0), 0);
    assert_int_equal(v4("192.0.2.1", 65536), 0);
}

static void test_own_name(void **state)
{
    char name[KP_NEARBY_NAME_LEN], id[200] = "";
    (void)state;
    kp_near_write_name(name, "nitdsrng83pdkqvq");
    assert_string_equal(name, "Keyplate nitdsrng83pdkqvq");
    for (size_t i = 0; i < 60; i++)
        strcat(id, "\xe2\x82\xac");
    kp_near_write_name(name, id);
    assert_true(strlen(name) > 60 && strlen(name) < sizeof name);
    assert_true(kp_text_is_utf8(name, strlen(name)));
    assert_true(kp_near_take_name(&near, name));
    assert_string_equal(kp_near_versions_text(KP_USE_TLS12 | KP_USE_TLS13), "1.2,1.3");
    assert_string_equal(kp_near_versions_text(KP_USE_TLS13), "1.3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_hostile_ids),
        cmocka_unit_test(test_hostile_paths),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_host_names),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_addresses_of_nobody),
        cmocka_unit_test(test_own_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
