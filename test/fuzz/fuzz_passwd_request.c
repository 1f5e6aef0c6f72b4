/*
 * A request at the socket of `keyplate passwd listen`: hostile bytes.
 *
 * Checked besides crashes: what is taken is exactly one request, whose texts have no line's end and
 * are within their limits, and which is taken the same when it is written out again; what is
 * refused is answered by one line that repeats nothing.
 */
#include "fuzz.h"

#include "../../cmd/passwd_request.h"

#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

static void check_answer(const struct kp_passwd_answer *answer)
{
    const char *end = memchr(answer->line, '\n', sizeof(answer->line));

    must(end != NULL && end[1] == '\0');
    must(strncmp(answer->line, "failed ", 7) == 0 || strncmp(answer->line, "weak ", 5) == 0);
    must(kp_text_is_utf8(answer->line, (size_t)(end - answer->line)));
}

static size_t put(char *out, size_t at, const char *key, const struct kp_text *text)
{
    size_t len = strlen(key);

    memcpy(out + at, key, len);
    memcpy(out + at + len, text->data, text->len);
    out[at + len + text->len] = '\n';
    return at + len + text->len + 1;
}

static bool same(const struct kp_text *a, const struct kp_text *b)
{
    return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

static void check_again(const struct kp_passwd_request *request)
{
    static const char first[] = "change-password 1\n";
    char text[KP_PASSWD_REQUEST_MAX];
    struct kp_passwd_request again;
    struct kp_passwd_answer answer;
    size_t len = sizeof(first) - 1;

    memcpy(text, first, len);
    len = put(text, len, "user ", &request->name);
    len = put(text, len, "old ", &request->old);
    len = put(text, len, "new ", &request->fresh);
    text[len++] = '\n';
    must(kp_passwd_request_end(text, len) == len);
    must(kp_passwd_request_parse(&again, text, len, &answer));
    must(same(&again.name, &request->name) && same(&again.old, &request->old));
    must(same(&again.fresh, &request->fresh));
    kp_passwd_request_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kp_passwd_request request;
    struct kp_passwd_answer answer;
    const char *text = (const char *)data;
    size_t end = kp_passwd_request_end(text, size);

    must(end <= size);
    if (!kp_passwd_request_parse(&request, text, size, &answer)) {
        check_answer(&answer);
        must(request.name.data == NULL && request.old.data == NULL && request.fresh.data == NULL);
        return 0;
    }
    must(end == size);
    must(kp_text_name_check(request.name.data, request.name.len) == KP_TEXT_FINE);
    must(request.old.len > 0 && request.old.len <= KP_TEXT_PASSWORD_MAX);
    must(request.fresh.len > 0 && request.fresh.len <= KP_TEXT_PASSWORD_MAX);
    must(memchr(request.old.data, '\n', request.old.len) == NULL);
    must(memchr(request.fresh.data, '\n', request.fresh.len) == NULL);
    check_again(&request);
    kp_passwd_request_clear(&request);
    return 0;
}
