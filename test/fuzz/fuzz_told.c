/*
 * A device's answer to the question what it is: how (1 byte), then the answer, or its body alone.
 *
 * Checked besides crashes: at the connection's end it is judged, and a refusal has its reason; an
 * id that is taken is one; and a body is judged alike however its end is told.
 */
#include "fuzz.h"

#include "client/told.h"
#include "creds/text.h"

#include <stdio.h>
#include <string.h>

enum { ENDED = 1, BODY_ALONE = 2 };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

static enum kp_told_result judge(const struct bytes *answer, bool ended, struct kp_told *told)
{
    const char *why = NULL;
    enum kp_told_result result =
        kp_told_read(told, (const char *)answer->data, answer->len, ended, &why);

    must(!ended || result != KP_TOLD_MORE);
    must((result == KP_TOLD_NOT) == (why != NULL));
    if (result == KP_TOLD_READ)
        must(kp_text_name_check(told->id, strlen(told->id)) == KP_TEXT_FINE);
    return result;
}

static enum kp_told_result judge_body(const char *head, const uint8_t *body, size_t size,
                                      const char *tail, struct kp_told *told)
{
    struct bytes answer = {0};
    enum kp_told_result result;

    bytes_add(&answer, head, strlen(head));
    bytes_add(&answer, body, size);
    bytes_add(&answer, tail, strlen(tail));
    result = judge(&answer, true, told);
    bytes_free(&answer);
    return result;
}

static void judge_bodies(const uint8_t *body, size_t size)
{
    struct kp_told with_length, chunked, to_the_end;
    char head[80];
    enum kp_told_result result;

    snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", size);
    result = judge_body(head, body, size, "", &with_length);
    must(judge_body("HTTP/1.1 200 OK\r\n\r\n", body, size, "", &to_the_end) == result);
    snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%zx\r\n",
             size);
    must(judge_body(head, body, size, size > 0 ? "\r\n0\r\n\r\n" : "\r\n", &chunked) == result);
    if (result == KP_TOLD_READ) {
        must(strcmp(chunked.id, with_length.id) == 0 && strcmp(to_the_end.id, chunked.id) == 0);
        must(chunked.versions == with_length.versions);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t how = fuzz_byte(&data, &size);

    if (size > KP_TOLD_MAX + 1)
        return 0;
    if (how & BODY_ALONE) {
        if (size <= KP_TOLD_MAX - 100)
            judge_bodies(data, size);
    } else if (size > 0) {
        struct kp_told told;
        struct bytes answer = {0};
        bytes_add(&answer, data, size);
        (void)judge(&answer, (how & ENDED) != 0, &told);
        bytes_free(&answer);
    }
    return 0;
}
