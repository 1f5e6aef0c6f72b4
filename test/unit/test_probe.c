/*
 * gateway/client/probe_wire: the hellos that ask what a server is, read by our own parser, and what
 * is made of answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "client/probe_wire.h"
#include "message/message13.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* ---- Hellos ------------------------------------------------------------------------------ */

static size_t build(uint8_t out[KP_PROBE_HELLO_MAX], enum kp_probe_step step, const char *name)
{
    uint8_t random[KP_PROBE_RANDOM_LEN];
    struct kp_builder b;
    for (size_t i = 0; i < sizeof random; i++)
        random[i] = (uint8_t)i;
    kp_builder_init(&b, out, KP_PROBE_HELLO_MAX);
    kp_probe_hello(&b, step, random, name);
    assert_false(b.failed);
    return b.len;
}

static void parse(const uint8_t *bytes, size_t len, struct kp_client_hello *hello)
{
    struct kp_reader r, message;
    kp_reader_init(&r, bytes, len);
    assert_int_equal(kp_read_u8(&r), 22);
    assert_int_equal(kp_read_u16(&r), 0x0301);
    message = kp_read_vector(&r, 2, 1, 16384);
    assert_true(kp_reader_done(&r));
    assert_int_equal(kp_read_u8(&message), KP_CLIENT_HELLO);
    r = kp_read_vector(&message, 3, 1, 16384);
    assert_true(kp_reader_done(&message));
    assert_int_equal(kp_client_hello_parse(&r, hello), 0);
}

static void hello_offers_no_scheme(void **state)
{
    uint8_t bytes[KP_PROBE_HELLO_MAX];
    struct kp_client_hello hello;
    struct kp_pake_offer offer;
    struct kp_span groups;
    (void)state;
    parse(bytes, build(bytes, KP_PROBE_SCHEMES, NULL), &hello);
    assert_int_equal(kp_pake_offer_parse(hello.ext.raw_pake, &offer), 0);
    assert_null(offer.share.data);
    assert_int_equal(offer.client_identity.len, 0);
    assert_int_equal(offer.server_identity.len, 0);
    /* What an ordinary server wants. */
    assert_true(kp_list_has(hello.ext.versions, KP_TLS13));
    assert_true(kp_list_has(hello.ext.versions, KP_TLS12));
    assert_int_equal(kp_groups_parse(hello.ext.raw_groups, &groups), 0);
    assert_int_equal(kp_key_shares_check(hello.ext.raw_key_share, groups), 0);
    assert_true((hello.ext.present & KP_EXT_SIGNATURES) != 0);
    assert_true((hello.ext.present & (KP_EXT_SRP | KP_EXT_SERVER_NAME)) == 0);
    assert_false(kp_list_has(hello.suites, KP_SRP_SHA_AES256));
    assert_true(hello.only_null_compression);
    assert_int_equal(hello.session_id.len, 32);
    assert_memory_equal(hello.session_id.data, "\r\n\r\n", 4);
}

static void hello_has_no_body(void **state)
{
    uint8_t bytes[KP_PROBE_HELLO_MAX];
    struct kp_client_hello hello;
    (void)state;
    parse(bytes, build(bytes, KP_PROBE_BODY, "heating.local"), &hello);
    assert_true((hello.ext.present & KP_EXT_PAKE) != 0);
    assert_int_equal(hello.ext.raw_pake.len, 0);
    assert_int_equal(hello.ext.server_name.len, 13);
    assert_memory_equal(hello.ext.server_name.data, "heating.local", 13);
}

static void hello_names_no_user(void **state)
{
    uint8_t bytes[KP_PROBE_HELLO_MAX];
    struct kp_client_hello hello;
    (void)state;
    parse(bytes, build(bytes, KP_PROBE_SRP, NULL), &hello);
    assert_int_equal(hello.version, KP_TLS12);
    assert_int_equal(hello.suites.len, 6);
    assert_true(kp_list_has(hello.suites, KP_SRP_SHA_AES256));
    assert_true(kp_list_has(hello.suites, KP_SRP_SHA_AES128));
    assert_true((hello.ext.present & (KP_EXT_SRP | KP_EXT_PAKE | KP_EXT_VERSIONS)) == 0);
    assert_true((hello.ext.present & KP_EXT_ETM) != 0 && (hello.ext.present & KP_EXT_EMS) != 0);
}

static void longest_name_fits(void **state)
{
    uint8_t bytes[KP_PROBE_HELLO_MAX];
    struct kp_client_hello hello;
    char name[256] = "";
    (void)state;
    memset(name, 'a', 255);
    for (int step = 0; step < KP_PROBE_STEPS; step++) {
        parse(bytes, build(bytes, (enum kp_probe_step)step, name), &hello);
        assert_int_equal(hello.ext.server_name.len, 255);
    }
}

/* `serve` keeps each of them where it shares a port with another server. */
static void hellos_are_ours(void **state)
{
    uint8_t bytes[KP_PROBE_HELLO_MAX];
    (void)state;
    for (int step = 0; step < KP_PROBE_STEPS; step++) {
        size_t len = build(bytes, (enum kp_probe_step)step, NULL);
        assert_int_equal(kp_first_bytes(bytes, len), KP_FIRST_PASSWORD_TLS);
    }
}

/* ---- Answers ----------------------------------------------------------------------------- */

#define ALERT(number) "\x15\x03\x03\x00\x02\x02" number
#define WARNING(number) "\x15\x03\x01\x00\x02\x01" number
#define RECORD(len) "\x16\x03\x03\x00" len
#define HELLO RECORD("\x2c") "\x02\x00\x00\x28\x03\x03"

static const struct {
    const char *bytes;
    size_t len;
    enum kp_probe_kind kind;
    int alert;
} reads[] = {
#define ROW(bytes, kind, alert)                                                                    \
    {                                                                                              \
        bytes, sizeof(bytes) - 1, kind, alert                                                      \
    }
    ROW(ALERT("\x28"), KP_PROBE_ALERT, 40),
    ROW(ALERT("\x28") "\x00", KP_PROBE_ALERT, 40),
    ROW(WARNING("\x73"), KP_PROBE_ALERT, 115),
    ROW("\x15\x03\x03\x00\x02\x02", KP_PROBE_MORE, 0),
    ROW("\x15", KP_PROBE_MORE, 0),
    ROW("\x15\x02\x03\x00\x02\x02\x28", KP_PROBE_OTHER, 0),
    ROW("\x15\x03\x03\x00\x03\x02\x28\x00", KP_PROBE_OTHER, 0),
    ROW("\x15\x03\x03\x00\x00", KP_PROBE_OTHER, 0),
    /* The name isn't known: what follows counts. */
    ROW(WARNING("\x70"), KP_PROBE_MORE, 0),
    ROW(WARNING("\x70") ALERT("\x2f"), KP_PROBE_ALERT, 47),
    ROW(WARNING("\x70") HELLO, KP_PROBE_HELLO, 0),
    ROW(WARNING("\x70") "HTTP/", KP_PROBE_OTHER, 0),
    ROW(ALERT("\x70"), KP_PROBE_ALERT, 112),
    ROW(HELLO, KP_PROBE_HELLO, 0),
    ROW(RECORD("\x2c") "\x02\x00\x00\x28", KP_PROBE_MORE, 0),
    ROW(RECORD("\x2c") "\x02\x00\x00\x25\x03\x03", KP_PROBE_OTHER, 0),
    ROW(RECORD("\x2c") "\x02\x00\x00\x28\x7f\x03", KP_PROBE_OTHER, 0),
    ROW(RECORD("\x2c") "\x0b\x00\x00\x28\x03\x03", KP_PROBE_OTHER, 0),
    ROW(RECORD("\x2c") "\x02\x01\x00\x28\x03\x03", KP_PROBE_OTHER, 0),
    ROW(RECORD("\x04") "\x02\x00\x00\x28\x03\x03", KP_PROBE_OTHER, 0),
    ROW("\x16\x03\x03\x40\x01", KP_PROBE_OTHER, 0),
    ROW("\x14\x03\x03\x00\x01\x01", KP_PROBE_OTHER, 0),
    ROW("HTTP/1.0 400", KP_PROBE_HTTP, 0),
    ROW("HTT", KP_PROBE_MORE, 0),
    ROW("HTTX", KP_PROBE_OTHER, 0),
    ROW("<!DOCTYPE HTML>", KP_PROBE_HTTP, 0),
    ROW("SSH-2.0-OpenSSH", KP_PROBE_OTHER, 0),
    ROW("\x00", KP_PROBE_OTHER, 0),
    ROW("", KP_PROBE_MORE, 0),
};

static void answers_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(reads); i++) {
        uint8_t copy[KP_PROBE_ANSWER_MAX];
        struct kp_probe_answer answer;
        memcpy(copy, reads[i].bytes, reads[i].len);
        answer = kp_probe_read(copy, reads[i].len);
        if (answer.kind != reads[i].kind || answer.alert != reads[i].alert)
            fail_msg("row %zu: %u, %u", i, answer.kind, answer.alert);
    }
}

static void warnings_end(void **state)
{
    uint8_t bytes[KP_PROBE_ANSWER_MAX];
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)WARNING("\x70")[i % 7];
    assert_int_equal(kp_probe_read(bytes, sizeof bytes - 1).kind, KP_PROBE_MORE);
    assert_int_equal(kp_probe_read(bytes, sizeof bytes).kind, KP_PROBE_OTHER);
}

/* ---- What they mean ---------------------------------------------------------------------- */

#define NONE                                                                                       \
    {                                                                                              \
        KP_PROBE_UNASKED, 0                                                                        \
    }
#define NOTHING                                                                                    \
    {                                                                                              \
        KP_PROBE_NOTHING, 0                                                                        \
    }
#define SAYS(number)                                                                               \
    {                                                                                              \
        KP_PROBE_ALERT, number                                                                     \
    }
#define GOES_ON                                                                                    \
    {                                                                                              \
        KP_PROBE_HELLO, 0                                                                          \
    }
#define BOTH (KP_USE_TLS12 | KP_USE_TLS13)

/* Answers as a server would give them, and whether the second is asked for. */
static const struct {
    struct kp_probe_answer says[KP_PROBE_STEPS];
    bool body;
    unsigned versions;
    enum kp_probe_instead instead;
    bool known;
} servers[] = {
    {{SAYS(47), NONE, SAYS(115)}, false, BOTH, KP_INSTEAD_NOTHING, true},
    {{SAYS(47), NONE, SAYS(70)}, false, KP_USE_TLS13, KP_INSTEAD_NOTHING, true},
    {{SAYS(47), NONE, NOTHING}, false, KP_USE_TLS13, KP_INSTEAD_NOTHING, true},
    {{SAYS(40), SAYS(40), SAYS(115)}, true, KP_USE_TLS12, KP_INSTEAD_NOTHING, true},
    {{SAYS(40), SAYS(50), SAYS(70)}, true, KP_USE_TLS13, KP_INSTEAD_NOTHING, true},
    {{SAYS(40), SAYS(50), SAYS(115)}, true, BOTH, KP_INSTEAD_NOTHING, true},
    {{GOES_ON, SAYS(50), SAYS(40)}, true, KP_USE_TLS13, KP_INSTEAD_NOTHING, true},
    {{GOES_ON, GOES_ON, SAYS(115)}, true, KP_USE_TLS12, KP_INSTEAD_NOTHING, true},
    {{GOES_ON, GOES_ON, SAYS(40)}, true, 0, KP_INSTEAD_CERTIFICATE, true},
    {{GOES_ON, GOES_ON, NOTHING}, true, 0, KP_INSTEAD_CERTIFICATE, true},
    {{SAYS(70), SAYS(70), SAYS(40)}, true, 0, KP_INSTEAD_TLS, true},
    /* One answer for everybody. */
    {{SAYS(47), NONE, SAYS(47)}, false, 0, KP_INSTEAD_TLS, true},
    {{SAYS(50), SAYS(50), SAYS(50)}, true, 0, KP_INSTEAD_TLS, true},
    {{SAYS(115), SAYS(115), SAYS(115)}, true, 0, KP_INSTEAD_TLS, true},
    {{{KP_PROBE_HTTP, 0}, NONE, NONE}, false, 0, KP_INSTEAD_HTTP, true},
    {{{KP_PROBE_OTHER, 0}, NONE, NONE}, false, 0, KP_INSTEAD_OTHER, true},
    {{NOTHING, NONE, SAYS(115)}, false, KP_USE_TLS12, KP_INSTEAD_NOTHING, true},
    {{NOTHING, NONE, NOTHING}, false, 0, KP_INSTEAD_NOTHING, false},
    {{SAYS(40), SAYS(40), NOTHING}, true, 0, KP_INSTEAD_NOTHING, false},
};

static void servers_are_told_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(servers); i++) {
        struct kp_probe_answer answers[KP_PROBE_STEPS] = {NONE, NONE, NONE};
        struct kp_probe_verdict verdict;
        enum kp_probe_step step;
        while ((step = kp_probe_next(answers)) != KP_PROBE_STEPS) {
            assert_int_equal(answers[step].kind, KP_PROBE_UNASKED);
            answers[step] = servers[i].says[step];
            if (answers[step].kind == KP_PROBE_UNASKED)
                fail_msg("row %zu: step %d is asked", i, (int)step);
        }
        verdict = kp_probe_judge(answers);
        if (verdict.versions != servers[i].versions || verdict.instead != servers[i].instead ||
            verdict.known != servers[i].known)
            fail_msg("row %zu: %u, %d", i, verdict.versions, (int)verdict.instead);
        assert_int_equal(answers[KP_PROBE_BODY].kind != KP_PROBE_UNASKED, servers[i].body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello_offers_no_scheme), cmocka_unit_test(hello_has_no_body),
        cmocka_unit_test(hello_names_no_user),    cmocka_unit_test(longest_name_fits),
        cmocka_unit_test(hellos_are_ours),        cmocka_unit_test(answers_are_read),
        cmocka_unit_test(warnings_end),           cmocka_unit_test(servers_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
