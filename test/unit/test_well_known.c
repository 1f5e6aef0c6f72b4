/* The request for /.well-known/keyplate, told from all others however it is cut, and its answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <keyplate/keyplate.h>

#include "device/well_known.h"

#define LINE "GET /.well-known/keyplate HTTP/1.1\r\n"
#define REQUEST LINE "Host: x\r\nAccept: */*\r\n\r\n"

static enum kp_well_known_verdict take(struct kp_well_known *page, const char *text, size_t len)
{
    /* At the end of a block of its own, so that a sanitizer sees a read behind it. */
    uint8_t *copy = malloc(len > 0 ? len : 1);
    enum kp_well_known_verdict verdict;
    assert_non_null(copy);
    memcpy(copy, text, len);
    verdict = kp_well_known_take(page, copy, len);
    free(copy);
    return verdict;
}

static const char request[] = REQUEST;

static void whole_in_two_pieces_wherever_it_is_cut(void **state)
{
    (void)state;
    for (size_t cut = 1; cut < sizeof REQUEST - 1; cut++) {
        struct kp_well_known page = {.line_len = 0};
        assert_int_equal(take(&page, REQUEST, cut), KP_WELL_KNOWN_MORE);
        assert_int_equal(kp_well_known_is_ours(&page), cut >= sizeof LINE - 1);
        assert_int_equal(take(&page, request + cut, sizeof REQUEST - 1 - cut), KP_WELL_KNOWN_WHOLE);
    }
}

static void whole_by_single_bytes(void **state)
{
    struct kp_well_known page = {.line_len = 0};
    (void)state;
    for (size_t i = 0; i < sizeof REQUEST - 2; i++)
        assert_int_equal(take(&page, request + i, 1), KP_WELL_KNOWN_MORE);
    assert_int_equal(take(&page, "\n", 1), KP_WELL_KNOWN_WHOLE);
}

static void another_byte_anywhere_in_the_line_is_another_request(void **state)
{
    (void)state;
    for (size_t at = 0; at < sizeof LINE - 1; at++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            struct kp_well_known page = {.line_len = 0};
            char text[] = REQUEST;
            bool same = byte == (unsigned char)text[at] || (at == sizeof LINE - 4 && byte == '0');
            text[at] = (char)byte;
            assert_int_equal(take(&page, text, sizeof text - 1),
                             same ? KP_WELL_KNOWN_WHOLE : KP_WELL_KNOWN_OTHER);
        }
    }
}

/* What came in one piece is not cut: nothing of the last piece is held. */
static void what_was_held_is_what_came_before(void **state)
{
    (void)state;
    for (size_t cut = 0; cut < sizeof LINE - 2; cut++) {
        struct kp_well_known page = {.line_len = 0};
        assert_int_equal(take(&page, LINE, cut), KP_WELL_KNOWN_MORE);
        assert_int_equal(take(&page, "GET \n", 5), KP_WELL_KNOWN_OTHER);
        assert_int_equal(page.line_len, cut);
        assert_memory_equal(page.line, LINE, cut);
    }
}

static void a_head_has_8192_bytes_at_most(void **state)
{
    static char text[KP_WELL_KNOWN_HEAD_MAX + 1];
    (void)state;
    memset(text, 'a', sizeof text);
    memcpy(text, LINE, sizeof LINE - 1);
    for (size_t len = KP_WELL_KNOWN_HEAD_MAX; len <= sizeof text; len++) {
        struct kp_well_known page = {.line_len = 0};
        memcpy(text + len - 4, "\r\n\r\n", 4);
        assert_int_equal(take(&page, text, len),
                         len == KP_WELL_KNOWN_HEAD_MAX ? KP_WELL_KNOWN_WHOLE : KP_WELL_KNOWN_LONG);
        memset(text + len - 4, 'a', 4);
    }
}

static void an_empty_line_is_what_ends_a_head(void **state)
{
    static const char *const goes_on[] = {"\n\n",    "\r\r",    "\n",
                                          "x\r\n\n", "x\n\r\n", "x\r\n\rx\r\n"};
    struct kp_well_known bare = {.line_len = 0}, odd = {.line_len = 0};
    (void)state;
    assert_int_equal(take(&bare, LINE "\r\n", sizeof LINE + 1), KP_WELL_KNOWN_WHOLE);
    assert_int_equal(take(&odd, LINE "x\r\r\n\r\n", sizeof LINE + 5), KP_WELL_KNOWN_WHOLE);
    for (size_t i = 0; i < sizeof goes_on / sizeof goes_on[0]; i++) {
        struct kp_well_known page = {.line_len = 0};
        assert_int_equal(take(&page, LINE, sizeof LINE - 1), KP_WELL_KNOWN_MORE);
        assert_int_equal(take(&page, goes_on[i], strlen(goes_on[i])), KP_WELL_KNOWN_MORE);
    }
}

static void answer_is(unsigned versions, const char *id, size_t id_len, const char *body)
{
    char text[KP_NOTICE_MAX];
    size_t len = kp_well_known_answer(text, versions, 443, (const uint8_t *)id, id_len);
    const char *got = strstr(text, "\r\n\r\n");
    assert_int_equal(len, strlen(text));
    assert_non_null(got);
    assert_string_equal(got + 4, body);
    assert_non_null(strstr(text, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(text, "Cache-Control: no-store\r\nConnection: close\r\n"));
    assert_int_equal(strtoul(strstr(text, "Content-Length: ") + 16, NULL, 10), strlen(body));
}

static void answers(void **state)
{
    (void)state;
    answer_is(
        KP_USE_TLS12 | KP_USE_TLS13, "a-1", 3,
        "{\"keyplate\":1,\"versions\":[\"1.2\",\"1.3\"],\"port\":443,\"device_id\":\"a-1\"}\n");
    answer_is(KP_USE_TLS12, "\"\\/\x01\xc3\xa9", 6,
              "{\"keyplate\":1,\"versions\":[\"1.2\"],\"port\":443,"
              "\"device_id\":\"\\\"\\\\/\\u0001\xc3\xa9\"}\n");
    answer_is(KP_USE_TLS13, "", 0,
              "{\"keyplate\":1,\"versions\":[\"1.3\"],\"port\":443,\"device_id\":\"\"}\n");
}

static void the_longest_id_fits(void **state)
{
    static const char worst[] = {1, '"', '\\'};
    (void)state;
    for (size_t i = 0; i < sizeof worst; i++) {
        char text[KP_NOTICE_MAX];
        uint8_t id[KP_DEVICE_ID_MAX];
        size_t len;
        memset(id, worst[i], sizeof id);
        len = kp_well_known_answer(text, 0, 65535, id, sizeof id);
        assert_true(len > sizeof id && len == strlen(text));
        assert_string_equal(text + len - 3, "\"}\n");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_in_two_pieces_wherever_it_is_cut),
        cmocka_unit_test(whole_by_single_bytes),
        cmocka_unit_test(another_byte_anywhere_in_the_line_is_another_request),
        cmocka_unit_test(what_was_held_is_what_came_before),
        cmocka_unit_test(a_head_has_8192_bytes_at_most),
        cmocka_unit_test(an_empty_line_is_what_ends_a_head),
        cmocka_unit_test(answers),
        cmocka_unit_test(the_longest_id_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
