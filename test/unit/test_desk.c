/*
 * gateway/client/desk: the messages of a client, against a hub that does what the test says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/desk.h"
#include "fake_hub.h"

#define PASSWORD "sesame-open-7"
#define HELLO                                                                                      \
    "{\"id\":0,\"type\":\"hello\",\"protocol\":1,\"client\":\"app\",\"lasting\":%s,\"language\":"  \
    "\"%s\"}"

struct client {
    struct kp_desk *desk;
    char all[200000]; /* every message, a newline behind each */
    size_t len;
    char *last;
    unsigned broken;
};

static struct kp_loop loop;

static void on_send(void *owner, const char *text, size_t len)
{
    struct client *c = owner;
    assert_true(c->len + len + 2 < sizeof c->all);
    c->last = c->all + c->len;
    memcpy(c->last, text, len);
    c->len += len;
    c->all[c->len] = '\0';
    assert_int_equal(strlen(c->last), len);
    assert_null(strstr(c->last, PASSWORD));
    c->len++;
}

static void on_broken(void *owner, const char *why)
{
    (void)why;
    ((struct client *)owner)->broken++;
}

static void come(struct client *c)
{
    static const struct kp_desk_hooks hooks = {on_send, on_broken};
    memset(c, 0, sizeof *c);
    c->desk = kp_desk_new(&loop, fake_hub(), &hooks, c);
    assert_non_null(c->desk);
}

static void go(struct client *c)
{
    kp_desk_free(c->desk);
    c->desk = NULL;
    (void)uv_run(&loop.uv, UV_RUN_NOWAIT);
}

/* What came of it, or NULL. */
static const char *ask_bytes(struct client *c, const char *text, size_t len)
{
    char *copy = malloc(len); /* exactly that long, for sanitizers */
    memcpy(copy, text, len);
    c->last = NULL;
    kp_desk_take(c->desk, copy, len);
    free(copy);
    return c->last;
}

static const char *ask(struct client *c, const char *text)
{
    return ask_bytes(c, text, strlen(text));
}

static void greet(struct client *c, const char *lasting, const char *language)
{
    char text[300];
    (void)snprintf(text, sizeof text, HELLO, lasting, language);
    come(c);
    assert_non_null(strstr(ask(c, text), "\"ok\":true"));
}

static void assert_says(const char *answer, const char *what)
{
    if (answer == NULL || strstr(answer, what) == NULL)
        fail_msg("no %s in %s", what, answer != NULL ? answer : "nothing");
}

static void turn(unsigned ms)
{
    for (unsigned i = 0; i < ms / 5 + 2; i++) {
        (void)uv_run(&loop.uv, UV_RUN_NOWAIT);
        if (ms > 0)
            uv_sleep(5);
    }
}

static int set_up(void **state)
{
    (void)state;
    fake_reset();
    return kp_loop_init(&loop);
}

static int tear_down(void **state)
{
    (void)state;
    kp_loop_close(&loop);
    assert_null(fake.watches);
    assert_int_equal(fake_lookers(), 0);
    assert_null(fake.login);
    return 0;
}

/* ---- The first message ------------------------------------------------------------------- */

static void test_hello(void **state)
{
    struct client c;
    (void)state;
    come(&c);
    assert_string_equal(
        ask(&c, "{\"id\":7,\"type\":\"hello\",\"protocol\":1,\"client\":\"browser\","
                "\"lasting\":false,\"new\":[1]}"),
        "{\"id\":7,\"ok\":true,\"protocol\":1,\"version\":\"" KP_VERSION "\",\"port\":4711,"
        "\"own_port\":true,\"keyring\":false,\"nearby\":true}");
    assert_says(
        ask(&c, "{\"id\":8,\"type\":\"hello\",\"protocol\":1,\"client\":\"app\",\"lasting\":true}"),
        "{\"id\":8,\"ok\":false,\"error\":\"misused\"");
    go(&c);
}

static void test_another_protocol(void **state)
{
    struct client c;
    (void)state;
    come(&c);
    assert_says(ask(&c, "{\"id\":1,\"type\":\"hello\",\"protocol\":2,\"client\":\"tomorrow\","
                        "\"lasting\":true}"),
                "{\"id\":1,\"ok\":false,\"error\":\"protocol\"");
    assert_says(ask(&c, "{\"id\":1,\"type\":\"list\"}"), "hello comes first");
    go(&c);
}

static const char *const no_hellos[] = {
    "{\"id\":1,\"type\":\"hello\",\"protocol\":1,\"client\":\"app\"}",
    "{\"id\":1,\"type\":\"hello\",\"protocol\":1,\"lasting\":true}",
    "{\"id\":1,\"type\":\"hello\",\"client\":\"app\",\"lasting\":true}",
    "{\"id\":1,\"type\":\"hello\",\"protocol\":\"1\",\"client\":\"app\",\"lasting\":true}",
    "{\"id\":1,\"type\":\"hello\",\"protocol\":1.5,\"client\":\"app\",\"lasting\":true}",
    "{\"id\":1,\"type\":\"hello\",\"protocol\":1,\"client\":\"cat\",\"lasting\":true}",
    "{\"id\":1,\"type\":\"hello\",\"protocol\":1,\"client\":\"app\",\"lasting\":1}",
    "{\"id\":1,\"type\":\"hello\",\"protocol\":1,\"client\":\"app\",\"lasting\":null}",
    "{\"id\":1,\"type\":\"hello\",\"protocol\":1,\"client\":\"app\",\"lasting\":true,\"language\":"
    "\"fr\"}",
    "{\"id\":1,\"type\":\"list\"}",
    "{\"id\":1,\"type\":\"login\",\"device\":\"x\",\"password\":\"" PASSWORD "\"}",
};

static void test_no_hello(void **state)
{
    struct client c;
    (void)state;
    come(&c);
    for (size_t i = 0; i < sizeof no_hellos / sizeof no_hellos[0]; i++)
        assert_says(ask(&c, no_hellos[i]), "{\"id\":1,\"ok\":false,\"error\":\"misused\"");
    /* Nobody is told anything before. */
    c.last = NULL;
    fake_add("stove", "S", KP_SITE_IN, true);
    assert_true(kp_hub_logout(fake_hub(), "stove"));
    assert_null(c.last);
    go(&c);
}

/* ---- What is no request ------------------------------------------------------------------ */

static const char *const misuses[] = {
    "{\"id\":5}",
    "{\"id\":5,\"type\":\"dance\"}",
    "{\"id\":5,\"type\":\"LIST\"}",
    "{\"id\":5,\"type\":7}",
    "{\"id\":5,\"type\":\"state\"}",
    "{\"id\":5,\"type\":\"state\",\"name\":7}",
    "{\"id\":5,\"type\":\"state\",\"name\":null}",
    "{\"id\":5,\"type\":\"state\",\"name\":[\"stove\"]}",
    "{\"id\":5,\"type\":\"list\",\"type\":\"list\"}",
    "{\"id\":5,\"type\":\"list\",\"x\":{\"y\":1,\"y\":1}}",
    "{\"id\":5,\"type\":\"list\",\"x\":[[[[[[[[[1]]]]]]]]]}",
    "{\"id\":5,\"type\":\"state\",\"name\":\"stove\\u0000x\"}",
    "{\"id\":5,\"type\":\"state\",\"name\":\"stove\\u12zz\"}",
    "{\"id\":5,\"type\":\"state\",\"name\":\"stove\\u0000\"}",
    "{\"id\":5,\"type\":\"state\",\"name\":\"sto\xff\"}",
    "{\"id\":5,\"type\":\"state\",\"name\":\"sto\xc3\"}",
    "{\"id\":5,\"type\":\"state\",\"name\":\"\xed\xa0\x80\"}",
    "{\"id\":5,\"type\":\"list\",\"\xc0\x80\":1}",
    "{\"id\":5,\"type\":\"logout\"}",
    "{\"id\":5,\"type\":\"logout\",\"all\":false}",
    "{\"id\":5,\"type\":\"logout\",\"all\":\"true\"}",
    "{\"id\":5,\"type\":\"logout\",\"all\":true,\"name\":\"stove\"}",
    "{\"id\":5,\"type\":\"discover\",\"seconds\":0}",
    "{\"id\":5,\"type\":\"discover\",\"seconds\":31}",
    "{\"id\":5,\"type\":\"discover\",\"seconds\":\"5\"}",
    "{\"id\":5,\"type\":\"discover\",\"seconds\":1e99}",
    "{\"id\":5,\"type\":\"watch\"}",
    "{\"id\":5,\"type\":\"login\"}",
    "{\"id\":5,\"type\":\"login\",\"device\":\"x\",\"user\":\"admin\",\"password\":7}",
    "{\"id\":5,\"type\":\"login\",\"device\":\"x\",\"user\":\"admin\",\"remember\":1}",
    "{\"id\":5,\"type\":\"login\",\"device\":\"x\",\"user\":\"admin\",\"password\":\"\"}",
    "{\"id\":5,\"type\":\"login\",\"device\":\"x\",\"user\":\"admin\",\"password\":\"a\\nb\"}",
    "{\"id\":5,\"type\":\"login\",\"device\":\"x\",\"password\":\"" PASSWORD "\"}",
    "{\"id\":5,\"type\":\"login\",\"device\":\"x\",\"user\":\"a\\tb\",\"password\":\"" PASSWORD
    "\"}",
    "{\"id\":5,\"type\":\"find\"}",
    "{\"id\":5,\"type\":\"find\",\"device\":\"x\",\"no_save\":\"no\"}",
    "{\"id\":5,\"type\":\"link\",\"name\":\"stove\",\"path\":\"x\"}",
    "{\"id\":5,\"type\":\"link\",\"name\":\"stove\",\"path\":\"//evil.example/\"}",
    "{\"id\":5,\"type\":\"link\",\"name\":\"stove\",\"path\":\"/\\\\evil.example/\"}",
    "{\"id\":5,\"type\":\"link\",\"name\":\"stove\",\"path\":\"/a b\"}",
    "{\"id\":5,\"type\":\"link\",\"name\":\"stove\",\"path\":\"/\\r\\nx\"}",
};

static void test_misused(void **state)
{
    struct client c;
    (void)state;
    fake_add("stove", "S", KP_SITE_IN, true);
    greet(&c, "true", "en");
    for (size_t i = 0; i < sizeof misuses / sizeof misuses[0]; i++) {
        const char *answer = ask(&c, misuses[i]);
        if (answer == NULL ||
            strncmp(answer, "{\"id\":5,\"ok\":false,\"error\":\"misused\"", 36) != 0)
            fail_msg("%s: %s", misuses[i], answer != NULL ? answer : "nothing");
    }
    assert_int_equal(fake.logins, 0);
    assert_int_equal(c.broken, 0);
    turn(0);
    go(&c);
}

/* So many members that telling two of a name would take long. */
static void test_many_members(void **state)
{
    static char text[KP_DESK_IN_MAX + 1] = "{\"id\":5,\"type\":\"list\"";
    struct client c;
    size_t len = strlen(text);
    (void)state;
    while (len < KP_DESK_IN_MAX - 20)
        len += (size_t)sprintf(text + len, ",\"%zu\":0", len);
    text[len++] = '}';
    greet(&c, "true", "en");
    assert_says(ask_bytes(&c, text, len), "\"misused\"");
    go(&c);
}

static const struct {
    const char *text;
    size_t len;
} breaks[] = {
#define BREAK(literal)                                                                             \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }
    BREAK("x"),
    BREAK("\0"),
    BREAK("{"),
    BREAK("[]"),
    BREAK("null"),
    BREAK("{}"),
    BREAK("{\"type\":\"list\"}"),
    BREAK("{\"id\":\"5\",\"type\":\"list\"}"),
    BREAK("{\"id\":-1,\"type\":\"list\"}"),
    BREAK("{\"id\":1.5,\"type\":\"list\"}"),
    BREAK("{\"id\":2147483648,\"type\":\"list\"}"),
    BREAK("{\"id\":1e999,\"type\":\"list\"}"),
    BREAK("{\"id\":null,\"type\":\"list\"}"),
    BREAK("{\"id\":1,\"id\":2,\"type\":\"list\"}"),
    BREAK("{\"ID\":1,\"type\":\"list\"}"),
    BREAK("[{\"id\":1,\"type\":\"list\"}]"),
    BREAK("{\"id\":1,\"type\":\"list\"}{"),
    BREAK("{\"id\":1,\"type\":\"list\"}\0"),
    BREAK("{\"id\":1,\"type\":\"li\0st\"}"),
};

static void test_broken(void **state)
{
    struct client c;
    (void)state;
    for (size_t i = 0; i < sizeof breaks / sizeof breaks[0]; i++) {
        greet(&c, "true", "en");
        assert_null(ask_bytes(&c, breaks[i].text, breaks[i].len));
        if (c.broken != 1)
            fail_msg("%s", breaks[i].text);
        assert_null(ask(&c, "{\"id\":1,\"type\":\"list\"}"));
        assert_int_equal(c.broken, 1);
        go(&c);
    }
}

static void test_deep(void **state)
{
    static char text[KP_DESK_IN_MAX];
    struct client c;
    (void)state;
    memset(text, '[', sizeof text);
    greet(&c, "true", "en");
    assert_null(ask_bytes(&c, text, sizeof text));
    assert_int_equal(c.broken, 1);
    go(&c);
}

static void test_ids(void **state)
{
    struct client c;
    (void)state;
    greet(&c, "true", "en");
    assert_says(ask(&c, " {\"id\":2147483647,\"type\":\"list\"}\n"),
                "{\"id\":2147483647,\"ok\":true");
    assert_says(ask(&c, "{\"type\":\"list\",\"id\":0}"), "{\"id\":0,\"ok\":true,\"devices\":[]}");
    go(&c);
}

/* ---- Devices ----------------------------------------------------------------------------- */

static void test_list(void **state)
{
    struct client c;
    (void)state;
    fake_add("stove", "K\"7\\\xc3\xbc\x01", KP_SITE_IN, true);
    fake_add("attic", "", KP_SITE_OUT, true);
    greet(&c, "true", "en");
    assert_string_equal(
        ask(&c, "{\"id\":1,\"type\":\"list\"}"),
        "{\"id\":1,\"ok\":true,\"devices\":[{\"name\":\"stove\",\"where\":\"192.0.2.1\",\"user\":"
        "\"admin\",\"device_id\":\"K\\\"7\\\\\xc3\xbc\\u0001\",\"state\":\"in\",\"protocol\":"
        "\"TLSv1.3\",\"proof\":\"spake2plus\",\"suite\":\"TLS_AES_128_GCM_SHA256\",\"since\":"
        "1700000000,\"seen\":1600000000,\"versions\":[\"1.3\"],\"saved\":true,\"origin\":"
        "\"http://stove.localhost:4711\"},{\"name\":\"attic\",\"where\":\"192.0.2.2\",\"user\":"
        "\"admin\",\"device_id\":\"\",\"state\":\"out\",\"protocol\":null,\"proof\":null,\"suite\":"
        "null,\"since\":null,\"seen\":1600000000,\"versions\":[\"1.3\"],\"saved\":true,\"origin\":"
        "\"http://attic.localhost:4711\"}]}");
    fake.list_error = "line 7 is damaged";
    assert_says(ask(&c, "{\"id\":1,\"type\":\"list\"}"), "}],\"text\":\"line 7 is damaged\"}");
    assert_says(ask(&c, "{\"id\":1,\"type\":\"state\",\"name\":\"attic\"}"),
                "{\"id\":1,\"ok\":true,\"device\":{\"name\":\"attic\"");
    assert_says(ask(&c, "{\"id\":1,\"type\":\"state\",\"name\":\"cellar\"}"),
                "\"error\":\"failed\",\"text\":\"there is no such device\"");
    go(&c);
}

static void test_states(void **state)
{
    static const char *const names[] = {"out", "proving", "in", "refused", "stranger"};
    struct client c;
    (void)state;
    greet(&c, "true", "en");
    for (uint8_t i = 0; i < 5; i++) {
        char want[40];
        fake.count = 0;
        fake_add("stove", "S", i, true);
        (void)snprintf(want, sizeof want, "\"state\":\"%s\"", names[i]);
        assert_says(ask(&c, "{\"id\":1,\"type\":\"state\",\"name\":\"stove\"}"), want);
    }
    go(&c);
}

static void test_links(void **state)
{
    struct client c;
    (void)state;
    fake_add("stove", "S", KP_SITE_IN, true);
    fake_add("attic", "A", KP_SITE_OUT, true);
    greet(&c, "true", "en");
    assert_says(
        ask(&c, "{\"id\":1,\"type\":\"link\",\"name\":\"stove\",\"path\":\"/a?b=%20#c\"}"),
        "\"link\":\"http://stove.localhost:4711/.keyplate/open/T/a?b=%20#c\",\"secret\":\"77");
    assert_says(ask(&c, "{\"id\":1,\"type\":\"link\",\"name\":\"stove\"}"), "/open/T/\"");
    assert_says(ask(&c, "{\"id\":1,\"type\":\"link\",\"name\":\"attic\"}"),
                "\"error\":\"failed\",\"text\":\"this device isn't logged in\"}");
    assert_says(ask(&c, "{\"id\":1,\"type\":\"list-link\"}"),
                "\"link\":\"http://keyplate.localhost:4711/");
    go(&c);
}

static void test_out(void **state)
{
    struct client c;
    (void)state;
    fake_add("stove", "S", KP_SITE_IN, true);
    fake_add("attic", "A", KP_SITE_IN, true);
    greet(&c, "true", "de");
    assert_says(ask(&c, "{\"id\":1,\"type\":\"logout\",\"name\":\"stove\"}"),
                "{\"id\":1,\"ok\":true}");
    assert_non_null(
        strstr(c.all + strlen(c.all) + 1, "{\"event\":\"state\",\"device\":{\"name\":\"stove\""));
    assert_says(ask(&c, "{\"id\":1,\"type\":\"logout\",\"name\":\"stove\"}"),
                "\"failed\",\"text\":\"so ein Ger\xc3\xa4t gibt es nicht\"");
    assert_says(ask(&c, "{\"id\":1,\"type\":\"logout\",\"all\":true}"), "{\"id\":1,\"ok\":true}");
    assert_int_equal(fake.logouts, 2);
    assert_says(ask(&c, "{\"id\":1,\"type\":\"forget\",\"name\":\"stove\"}"),
                "{\"id\":1,\"ok\":true}");
    assert_says(ask(&c, "{\"id\":1,\"type\":\"forget\",\"name\":\"cellar\"}"), "\"failed\"");
    fake.forget = -1;
    assert_says(ask(&c, "{\"id\":1,\"type\":\"forget\",\"name\":\"attic\"}"), "the disk is full");
    go(&c);
}

static void test_said(void **state)
{
    struct client c;
    (void)state;
    greet(&c, "true", "en");
    fake.watches->said(fake.watches, NULL, KP_TELL_WARNING, "cut in \xc3");
    assert_string_equal(c.last, "{\"event\":\"said\",\"name\":null,\"level\":\"warning\",\"text\":"
                                "\"cut in \\ufffd\"}");
    fake.watches->said(fake.watches, "stove", KP_TELL_FAILURE, "a\"b");
    assert_string_equal(c.last, "{\"event\":\"said\",\"name\":\"stove\",\"level\":\"failure\","
                                "\"text\":\"a\\\"b\"}");
    go(&c);
}

/* ---- Logging in -------------------------------------------------------------------------- */

#define LOGIN(id, device)                                                                          \
    "{\"id\":" #id ",\"type\":\"login\",\"device\":\"" device "\",\"user\":\"admin\","             \
    "\"password\":\"" PASSWORD "\"}"

static void test_login(void **state)
{
    struct client c;
    (void)state;
    greet(&c, "true", "en");
    assert_null(ask(&c, LOGIN(3, "192.0.2.9")));
    assert_string_equal(fake.password, PASSWORD);
    assert_string_equal(fake.user, "admin");
    assert_false(fake.remember);
    fake_done(KP_LOGIN_PROVED, "heating", NULL, false);
    assert_says(c.last, "{\"id\":3,\"ok\":true,\"device\":{\"name\":\"heating\"");
    assert_says(c.last,
                "\"link\":\"http://heating.localhost:4711/.keyplate/open/T/page\",\"secret\":\"7");
    assert_null(ask(
        &c, "{\"id\":3,\"type\":\"login\",\"device\":\"heating\",\"user\":\"J\\u0075\xcc\x88rgen\","
            "\"remember\":true,\"password\":\"u\xcc\x88\"}"));
    assert_string_equal(fake.user, "J\xc3\xbcrgen");
    assert_string_equal(fake.password, "\xc3\xbc");
    assert_true(fake.remember);
    fake_done(KP_LOGIN_REFUSED, NULL, "wrong", false);
    assert_string_equal(
        c.last, "{\"id\":3,\"ok\":false,\"error\":\"refused\",\"text\":\"wrong\",\"status\":3}");
    go(&c);
}

static void test_failures(void **state)
{
    static const struct {
        enum kp_login_result result;
        const char *error;
        const char *status;
    } rows[] = {
        {KP_LOGIN_REFUSED, "\"refused\"", "\"status\":3"},
        {KP_LOGIN_STRANGER, "\"stranger\"", "\"status\":1"},
        {KP_LOGIN_TROUBLE, "\"trouble\"", "\"status\":1"},
        {KP_LOGIN_BUSY, "\"busy\"", "\"status\":1"},
        {KP_LOGIN_NO_PASSWORD, "\"no-password\"", "\"status\":1"},
    };
    struct client c;
    (void)state;
    greet(&c, "true", "en");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_null(ask(&c, LOGIN(9, "x")));
        fake_done(rows[i].result, NULL, "because", false);
        assert_says(c.last, "{\"id\":9,\"ok\":false,\"error\":");
        assert_says(c.last, rows[i].error);
        assert_says(c.last, rows[i].status);
        assert_says(c.last, "\"text\":\"because\"");
    }
    fake.found = KP_TARGET_MISUSED;
    assert_says(ask(&c, LOGIN(9, "x")), "\"misused\",\"text\":\"that is wrong\",\"status\":2");
    fake.found = KP_TARGET_FAILED;
    assert_says(ask(&c, LOGIN(9, "x")), "\"failed\",\"text\":\"that is wrong\",\"status\":1");
    go(&c);
}

static void test_keyring(void **state)
{
    struct client c;
    (void)state;
    greet(&c, "true", "en");
    assert_null(ask(&c, "{\"id\":1,\"type\":\"login\",\"device\":\"x\",\"user\":\"admin\"}"));
    assert_string_equal(fake.password, "");
    go(&c);
    assert_int_equal(fake.drops, 1);
}

/* As on the terminal: a label's password in capitals is what is printed; one with a typing error is
 * told to who wants to know, and tried else. */
static void test_label_password(void **state)
{
    struct client c;
    (void)state;
    greet(&c, "true", "en");
    assert_says(
        ask(&c, "{\"id\":1,\"type\":\"login\",\"device\":\"x\",\"user\":\"admin\",\"check\":true,"
                "\"password\":\"aaaaa-aaaaa-aaaab\"}"),
        "\"error\":\"mistyped\"");
    assert_int_equal(fake.logins, 0);
    assert_null(ask(&c, "{\"id\":1,\"type\":\"login\",\"device\":\"x\",\"user\":\"admin\","
                        "\"password\":\"aaaaa-aaaaa-aaaab\"}"));
    assert_string_equal(fake.password, "aaaaa-aaaaa-aaaab");
    fake_done(KP_LOGIN_REFUSED, NULL, "wrong", false);
    assert_null(
        ask(&c, "{\"id\":1,\"type\":\"login\",\"device\":\"x\",\"user\":\"admin\",\"check\":true,"
                "\"password\":\"Z5ZNW3YP539ZKCF\"}"));
    assert_string_equal(fake.password, "z5znw-3yp53-9zkcf");
    fake_done(KP_LOGIN_REFUSED, NULL, "wrong", false);
    assert_says(ask(&c,
                    "{\"id\":1,\"type\":\"login\",\"device\":\"x\",\"user\":\" z5znw-3yp53-9zkcf\","
                    "\"password\":\"p\"}"),
                "not a name: nothing was sent");
    assert_int_equal(fake.logins, 2);
    go(&c);
}

static void test_same_id(void **state)
{
    struct client c;
    (void)state;
    greet(&c, "true", "en");
    assert_null(ask(&c, LOGIN(4, "x")));
    assert_says(ask(&c, LOGIN(4, "x")), "{\"id\":4,\"ok\":false,\"error\":\"misused\"");
    assert_int_equal(fake.logins, 1);
    go(&c);
}

static void test_too_many(void **state)
{
    struct client c;
    char text[300];
    (void)state;
    fake.found = KP_TARGET_FOUND;
    greet(&c, "true", "en");
    for (int i = 0; i < 33; i++) {
        (void)snprintf(
            text, sizeof text,
            "{\"id\":%d,\"type\":\"login\",\"device\":\"x\",\"user\":\"a\",\"password\":\"p\"}", i);
        if (i < 32)
            assert_null(ask(&c, text));
        else
            assert_says(ask(&c, text), "{\"id\":32,\"ok\":false,\"error\":\"busy\"");
    }
    assert_says(ask(&c, "{\"id\":33,\"type\":\"list\"}"), "\"ok\":true");
    go(&c);
    assert_int_equal(fake.drops, 32);
}

/* ---- For as long as a client lives ------------------------------------------------------- */

static void log_in(struct client *c, const char *name)
{
    assert_null(ask(c, LOGIN(1, "x")));
    fake_done(KP_LOGIN_PROVED, name, NULL, false);
    assert_says(c->last, "\"ok\":true");
}

static void test_out_with_its_client(void **state)
{
    struct client a, b;
    (void)state;
    greet(&a, "false", "en");
    log_in(&a, "heating");
    go(&a);
    assert_int_equal(fake.logouts, 1);
    /* One that another wants stays until that goes too. */
    greet(&a, "false", "en");
    greet(&b, "false", "en");
    log_in(&a, "heating");
    log_in(&b, "heating");
    log_in(&b, "stove");
    go(&a);
    assert_int_equal(fake.logouts, 1);
    go(&b);
    assert_int_equal(fake.logouts, 3);
}

static void test_stays_when_lasting(void **state)
{
    struct client a, b;
    (void)state;
    greet(&a, "false", "en");
    greet(&b, "true", "en");
    log_in(&b, "heating");
    go(&b);
    log_in(&a, "heating");
    go(&a);
    assert_int_equal(fake.logouts, 0);
    /* What lasted ended with the logout. */
    assert_true(kp_hub_logout(fake_hub(), "heating"));
    greet(&a, "false", "en");
    log_in(&a, "heating");
    go(&a);
    assert_int_equal(fake.logouts, 2);
}

/* ---- What is near ------------------------------------------------------------------------ */

static void test_find(void **state)
{
    struct client c;
    (void)state;
    fake_add("heating", "K7F3", KP_SITE_OUT, true);
    greet(&c, "true", "en");
    assert_string_equal(
        ask(&c, "{\"id\":1,\"type\":\"find\",\"device\":\"heating\",\"user\":\"admin\"}"),
        "{\"id\":1,\"ok\":true,\"where\":\"192.0.2.9\",\"user\":\"admin\",\"name\":\"heating\","
        "\"device_id\":\"K7F3\",\"path\":\"/page\",\"nowhere\":false,\"saved\":true}");
    assert_says(
        ask(&c, "{\"id\":1,\"type\":\"add\",\"device\":\"192.0.2.9\"}"),
        "\"user\":\"\",\"name\":\"\",\"device_id\":\"\",\"path\":\"/page\",\"nowhere\":false,"
        "\"saved\":false}");
    go(&c);
}

static void test_nowhere(void **state)
{
    struct client c;
    (void)state;
    fake.found = KP_TARGET_NOWHERE;
    strcpy(fake.found_id, "K7F3");
    greet(&c, "true", "en");
    assert_null(ask(&c, "{\"id\":1,\"type\":\"find\",\"device\":\"keyplate://K7F3/?v=1\"}"));
    assert_int_equal(fake_lookers(), 1);
    fake_near("another", "X-9", "192.0.2.66");
    turn(0);
    assert_null(c.last);
    fake_near("it", "K7F3", "192.0.2.77");
    assert_null(c.last); /* not from in there */
    turn(0);
    assert_says(c.last, "\"where\":\"192.0.2.77:8443\"");
    assert_says(c.last, "\"nowhere\":false");
    assert_int_equal(fake_lookers(), 0);
    /* The same to log in: only TLS 1.3 tells who is there. */
    assert_null(ask(&c, LOGIN(2, "keyplate://K7F3/?v=1")));
    assert_int_equal(fake.logins, 0);
    fake_near("it", "K7F3", "192.0.2.77");
    turn(0);
    assert_int_equal(fake.logins, 1);
    assert_string_equal(fake.where, "192.0.2.77:8443");
    assert_int_equal(fake.versions, KP_USE_TLS13);
    fake_done(KP_LOGIN_TROUBLE, NULL, "nobody", true);
    assert_says(c.last, "\"error\":\"trouble\"");
    assert_int_equal(fake_lookers(), 0);
    go(&c);
}

static void test_nowhere_without_tls13(void **state)
{
    struct client c;
    (void)state;
    fake.found = KP_TARGET_NOWHERE;
    fake.found_versions = KP_USE_TLS12;
    strcpy(fake.found_id, "K7F3");
    greet(&c, "true", "en");
    assert_null(ask(&c, LOGIN(2, "keyplate://K7F3/?v=1")));
    fake_near("it", "K7F3", "192.0.2.77");
    turn(0);
    assert_says(c.last, "\"error\":\"failed\",\"text\":\"something at 192.0.2.77:8443 claims");
    assert_int_equal(fake.logins, 0);
    assert_null(ask(&c, "{\"id\":1,\"type\":\"find\",\"device\":\"keyplate://K7F3/?v=1\"}"));
    fake_near("it", "K7F3", "192.0.2.77");
    turn(0);
    assert_says(c.last, "\"nowhere\":true");
    assert_says(c.last, "\"text\":\"something at 192.0.2.77:8443 claims");
    go(&c);
}

static void test_cant_look(void **state)
{
    struct client c;
    (void)state;
    fake.found = KP_TARGET_NOWHERE;
    fake.nearby_error = UV_ENOTSUP;
    strcpy(fake.found_id, "K7F3");
    greet(&c, "true", "en");
    assert_null(ask(&c, LOGIN(2, "keyplate://K7F3/?v=1")));
    turn(0);
    assert_says(c.last,
                "{\"id\":2,\"ok\":false,\"error\":\"failed\",\"text\":\"devices that are near");
    assert_says(ask(&c, "{\"id\":1,\"type\":\"watch\",\"nearby\":true}"), "\"failed\"");
    assert_null(ask(&c, "{\"id\":1,\"type\":\"discover\"}"));
    turn(0);
    assert_says(c.last, "\"failed\"");
    fake.nearby_error = 0;
    assert_null(ask(&c, LOGIN(2, "keyplate://K7F3/?v=1")));
    fake.hooks[0]->failed(fake.owners[0], "Avahi is gone");
    turn(0);
    assert_says(c.last, "looked for: Avahi is gone");
    go(&c);
}

/* A saved device that isn't where it was. */
static void test_moved(void **state)
{
    struct client c;
    (void)state;
    fake_add("heating", "K7F3", KP_SITE_OUT, true);
    greet(&c, "true", "en");
    assert_null(ask(&c, LOGIN(2, "heating")));
    fake_done(KP_LOGIN_TROUBLE, NULL, "nothing answers", true);
    assert_null(c.last);
    fake_near("it", "K7F3", "192.0.2.77");
    turn(0);
    assert_int_equal(fake.logins, 2);
    assert_string_equal(fake.where, "192.0.2.77:8443");
    assert_string_equal(fake.password, PASSWORD);
    assert_int_equal(fake.versions, KP_USE_TLS13);
    fake_done(KP_LOGIN_TROUBLE, NULL, "nothing answers there", true);
    assert_says(c.last,
                "{\"id\":2,\"ok\":false,\"error\":\"trouble\",\"text\":\"nothing answers there\"");
    assert_int_equal(fake_lookers(), 0);
    go(&c);
}

static void test_not_moved(void **state)
{
    struct client c;
    (void)state;
    struct fake_device *device = fake_add("heating", "K7F3", KP_SITE_OUT, true);
    greet(&c, "true", "en");
    /* It was reached. */
    assert_null(ask(&c, LOGIN(2, "heating")));
    fake_done(KP_LOGIN_TROUBLE, NULL, "it hung up", false);
    assert_says(c.last, "it hung up");
    /* A wrong password is no reason to try it elsewhere. */
    assert_null(ask(&c, LOGIN(2, "heating")));
    fake_done(KP_LOGIN_REFUSED, NULL, "wrong", false);
    assert_says(c.last, "wrong");
    /* It isn't saved. */
    assert_null(ask(&c, LOGIN(2, "192.0.2.9")));
    fake_done(KP_LOGIN_TROUBLE, NULL, "nothing answers", true);
    assert_says(c.last, "nothing answers");
    /* TLS 1.2 couldn't prove that it is the one. */
    device->versions = KP_USE_TLS12;
    assert_null(ask(&c, LOGIN(2, "heating")));
    fake_done(KP_LOGIN_TROUBLE, NULL, "nothing answers", true);
    assert_null(c.last);
    fake_near("it", "K7F3", "192.0.2.77");
    turn(0);
    assert_says(c.last, "\"more\":\"something at 192.0.2.77:8443 claims to be this device");
    assert_int_equal(fake.logins, 4);
    go(&c);
}

/* The client goes while we look. */
static void test_gone_while_looking(void **state)
{
    struct client c;
    (void)state;
    fake.found = KP_TARGET_NOWHERE;
    strcpy(fake.found_id, "K7F3");
    greet(&c, "true", "en");
    assert_null(ask(&c, LOGIN(2, "keyplate://K7F3/?v=1")));
    assert_null(ask(&c, "{\"id\":3,\"type\":\"discover\",\"seconds\":30}"));
    assert_says(ask(&c, "{\"id\":4,\"type\":\"watch\",\"nearby\":true}"), "\"ok\":true");
    assert_int_equal(fake_lookers(), 3);
    go(&c);
    assert_int_equal(fake_lookers(), 0);
}

static void test_discover(void **state)
{
    struct client c;
    (void)state;
    fake_add("heating", "K7F3", KP_SITE_OUT, true);
    greet(&c, "true", "en");
    assert_null(ask(&c, "{\"id\":1,\"type\":\"discover\",\"seconds\":1}"));
    fake_near("Boiler", "K7F3", "192.0.2.77");
    fake_near("Lamp", "", "192.0.2.78");
    fake_near("Gone", "G", "192.0.2.79");
    fake_near("Lamp", "L", "fe80::1%eth0");
    fake.hooks[0]->lost(fake.owners[0], "Gone");
    fake.hooks[0]->settled(fake.owners[0]);
    assert_null(c.last);
    turn(1100);
    assert_string_equal(
        c.last,
        "{\"id\":1,\"ok\":true,\"devices\":[{\"name\":\"Boiler\",\"host\":\"192.0.2.77\","
        "\"host_name\":\"x.local\",\"port\":8443,\"id\":\"K7F3\",\"versions\":[\"1.3\"],"
        "\"path\":\"/\",\"saved_name\":\"heating\"},{\"name\":\"Lamp\",\"host\":"
        "\"fe80::1%eth0\",\"host_name\":\"x.local\",\"port\":8443,\"id\":\"L\",\"versions\":"
        "[\"1.3\"],\"path\":\"/\",\"saved_name\":\"\"}]}");
    go(&c);
}

static void test_watch(void **state)
{
    struct client c;
    (void)state;
    fake_add("heating", "K7F3", KP_SITE_OUT, true);
    greet(&c, "true", "en");
    assert_says(ask(&c, "{\"id\":1,\"type\":\"watch\",\"nearby\":true}"), "{\"id\":1,\"ok\":true}");
    fake_near("Boiler", "K7F3", "192.0.2.77");
    assert_says(c.last,
                "{\"event\":\"near\",\"device\":{\"name\":\"Boiler\",\"host\":\"192.0.2.77\"");
    assert_says(c.last, "\"saved_name\":\"heating\"}}");
    fake.hooks[0]->lost(fake.owners[0], "Boiler");
    assert_string_equal(c.last, "{\"event\":\"gone\",\"name\":\"Boiler\"}");
    fake.hooks[0]->failed(fake.owners[0], "Avahi is gone");
    assert_says(c.last, "{\"event\":\"said\",\"name\":null,\"level\":\"warning\"");
    assert_says(ask(&c, "{\"id\":1,\"type\":\"watch\",\"nearby\":false}"), "\"ok\":true");
    assert_int_equal(fake_lookers(), 0);
    go(&c);
}

static void test_longest(void **state)
{
    static char text[KP_DESK_IN_MAX + 1];
    struct client c;
    (void)state;
    memset(text, ' ', sizeof text);
    memcpy(text, "{\"id\":1,\"type\":\"list\"}", 22);
    greet(&c, "true", "en");
    assert_says(ask_bytes(&c, text, KP_DESK_IN_MAX), "\"ok\":true");
    assert_null(ask_bytes(&c, text, KP_DESK_IN_MAX + 1));
    assert_int_equal(c.broken, 1);
    go(&c);
}

/* ---- What a device is -------------------------------------------------------------------- */

#define PROBE(id) "{\"id\":" id ",\"type\":\"probe\",\"device\":\"heating\"}"

static void test_probe(void **state)
{
    static const struct {
        struct kp_probe_verdict verdict;
        const char *says;
    } rows[] = {
        {{KP_USE_TLS12 | KP_USE_TLS13, KP_INSTEAD_NOTHING, true},
         "\"speaks\":[\"1.2\",\"1.3\"],\"instead\":null,\"text\":\"192.0.2.9 takes logins"},
        {{0, KP_INSTEAD_CERTIFICATE, true}, "\"speaks\":[],\"instead\":\"certificate\""},
        {{0, KP_INSTEAD_HTTP, true}, "\"speaks\":[],\"instead\":\"http\""},
        {{0, KP_INSTEAD_TLS, true}, "\"instead\":\"other\",\"text\":\"192.0.2.9 speaks TLS but"},
        {{0, KP_INSTEAD_OTHER, true}, "\"instead\":\"other\",\"text\":\"192.0.2.9 doesn't speak"},
    };
    struct client c;
    (void)state;
    greet(&c, "true", "en");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_null(ask(&c, PROBE("1")));
        assert_int_equal(fake_probing(), 1);
        assert_string_equal(fake.probes[0].host.name, "192.0.2.9");
        fake_probed(&rows[i].verdict, NULL);
        assert_says(c.last, "{\"id\":1,\"ok\":true,\"where\":\"192.0.2.9\",\"saved\":false");
        assert_says(c.last, rows[i].says);
    }
    fake_add("heating", "K7F3", KP_SITE_OUT, true);
    assert_null(ask(&c, PROBE("2")));
    fake_probed(&rows[0].verdict, NULL);
    assert_says(c.last, "\"saved\":true,\"name\":\"heating\"");
    assert_int_equal(fake.logins, 0);
    go(&c);
}

static void test_probe_fails(void **state)
{
    static const struct kp_probe_verdict unknown = {0};
    static const struct kp_trouble refused = {.stage = KP_AT_CONNECT, .net_error = UV_ECONNREFUSED};
    struct client c;
    (void)state;
    greet(&c, "true", "de");
    assert_null(ask(&c, PROBE("1")));
    fake_probed(&unknown, &refused);
    assert_says(c.last, "{\"id\":1,\"ok\":false,\"error\":\"trouble\",\"text\":\"unter 192.0.2.9");
    fake.probe_error = UV_ENOMEM;
    assert_says(ask(&c, PROBE("2")), "{\"id\":2,\"ok\":false,\"error\":\"failed\"");
    assert_says(ask(&c, "{\"id\":3,\"type\":\"probe\"}"), "\"error\":\"misused\"");
    fake.found = KP_TARGET_MISUSED;
    assert_says(ask(&c, PROBE("4")), "\"error\":\"misused\"");
    go(&c);
}

/* Who only claims to be it is asked, too. */
static void test_probe_nowhere(void **state)
{
    static const struct kp_probe_verdict both = {KP_USE_TLS13, KP_INSTEAD_NOTHING, true};
    struct client c;
    (void)state;
    greet(&c, "true", "en");
    fake.found = KP_TARGET_NOWHERE;
    strcpy(fake.found_id, "K7F3");
    fake.found_versions = KP_USE_TLS12;
    assert_null(ask(&c, PROBE("1")));
    fake_near("Boiler", "K7F3", "192.0.2.77");
    turn(0);
    assert_int_equal(fake_probing(), 1);
    fake_probed(&both, NULL);
    assert_says(c.last, "\"where\":\"192.0.2.77:8443\"");
    assert_null(ask(&c, PROBE("2")));
    fake.hooks[0]->failed(fake.owners[0], "Avahi is gone");
    turn(0);
    assert_says(c.last, "{\"id\":2,\"ok\":false,\"error\":\"trouble\"");
    go(&c);
}

static void test_probes_are_few_and_end_with_their_client(void **state)
{
    char text[100];
    struct client c;
    (void)state;
    greet(&c, "true", "en");
    for (int i = 1; i <= 32; i++) {
        (void)snprintf(text, sizeof text, "{\"id\":%d,\"type\":\"probe\",\"device\":\"a\"}", i);
        assert_null(ask(&c, text));
    }
    assert_says(ask(&c, PROBE("40")), "\"error\":\"busy\"");
    assert_says(ask(&c, PROBE("32")), "\"error\":\"misused\"");
    assert_int_equal(fake_probing(), 32);
    go(&c);
    assert_int_equal(fake_probing(), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_hello),
        TEST(test_another_protocol),
        TEST(test_no_hello),
        TEST(test_misused),
        TEST(test_many_members),
        TEST(test_broken),
        TEST(test_deep),
        TEST(test_ids),
        TEST(test_list),
        TEST(test_states),
        TEST(test_links),
        TEST(test_out),
        TEST(test_said),
        TEST(test_login),
        TEST(test_failures),
        TEST(test_keyring),
        TEST(test_label_password),
        TEST(test_same_id),
        TEST(test_too_many),
        TEST(test_out_with_its_client),
        TEST(test_stays_when_lasting),
        TEST(test_find),
        TEST(test_nowhere),
        TEST(test_nowhere_without_tls13),
        TEST(test_cant_look),
        TEST(test_moved),
        TEST(test_not_moved),
        TEST(test_gone_while_looking),
        TEST(test_discover),
        TEST(test_watch),
        TEST(test_probe),
        TEST(test_probe_fails),
        TEST(test_probe_nowhere),
        TEST(test_probes_are_few_and_end_with_their_client),
        TEST(test_longest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
