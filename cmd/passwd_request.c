/*
 * The request and the answer of `keyplate passwd listen`: see passwd_request.h.
 */
#include "passwd_request.h"

#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "creds/label.h"

#define FIRST_LINE "change-password 1"

/* ---- Answers ------------------------------------------------------------------------------- */

void kp_passwd_answer_plain(struct kp_passwd_answer *answer, const char *word)
{
    (void)snprintf(answer->line, sizeof answer->line, "%s\n", word);
}

void kp_passwd_answer_later(struct kp_passwd_answer *answer, unsigned seconds)
{
    (void)snprintf(answer->line, sizeof answer->line, "later %u\n", seconds);
}

static void with_code(struct kp_passwd_answer *answer, const char *word, const char *code,
                      const char *sentence)
{
    (void)snprintf(answer->line, sizeof answer->line, "%s %s %.*s\n", word, code,
                   KP_PASSWD_ANSWER_MAX - 40, sentence);
}

void kp_passwd_answer_weak(struct kp_passwd_answer *answer, const char *code, const char *sentence)
{
    with_code(answer, "weak", code, sentence);
}

void kp_passwd_answer_failed(struct kp_passwd_answer *answer, const char *code,
                             const char *sentence)
{
    with_code(answer, "failed", code, sentence);
}

bool kp_passwd_answer_is(const char *line, size_t len, const char *word)
{
    size_t n = strlen(word);
    return len >= n && memcmp(line, word, n) == 0 &&
           (len == n || line[n] == ' ' || line[n] == '\n');
}

/* ---- The request --------------------------------------------------------------------------- */

size_t kp_passwd_request_end(const char *data, size_t len)
{
    if (len > 0 && data[0] == '\n')
        return 1;
    for (size_t i = 1; i < len; i++)
        if (data[i] == '\n' && data[i - 1] == '\n')
            return i + 1;
    return 0;
}

void kp_passwd_request_clear(struct kp_passwd_request *request)
{
    kp_text_clear(&request->fresh);
    kp_text_clear(&request->old);
    kp_text_clear(&request->name);
}

/* What is left of the request. */
struct rest {
    const char *data;
    size_t len;
};

/* The next line, without its end.  false: there is none. */
static bool take_line(struct rest *rest, struct rest *line)
{
    const char *end = rest->len > 0 ? memchr(rest->data, '\n', rest->len) : NULL;
    if (end == NULL)
        return false;
    *line = (struct rest){rest->data, (size_t)(end - rest->data)};
    rest->data += line->len + 1;
    rest->len -= line->len + 1;
    return true;
}

/* The value of the next line, which has to begin with key and a space. */
static bool take_value(struct rest *rest, const char *key, struct rest *value)
{
    size_t n = strlen(key);
    if (!take_line(rest, value) || value->len <= n || memcmp(value->data, key, n) != 0 ||
        value->data[n] != ' ')
        return false;
    value->data += n + 1;
    value->len -= n + 1;
    return true;
}

static bool refuse(struct kp_passwd_answer *answer, const char *what, enum kp_text_fault fault)
{
    char sentence[120];
    bool memory = fault == KP_TEXT_MEMORY;
    (void)snprintf(sentence, sizeof sentence, "%s %s", what, kp_text_fault_text(fault));
    kp_passwd_answer_failed(answer, memory ? "memory" : "request", sentence);
    return false;
}

/* A fault of the new password is for the person, as all are that passwords may have. */
static bool refuse_new(struct kp_passwd_answer *answer, enum kp_text_fault fault)
{
    char sentence[120];
    if (fault == KP_TEXT_MEMORY)
        return refuse(answer, "the new password", fault);
    (void)snprintf(sentence, sizeof sentence, "the password %s", kp_text_fault_text(fault));
    kp_passwd_answer_weak(answer,
                          fault == KP_TEXT_EMPTY  ? "short"
                          : fault == KP_TEXT_LONG ? "long"
                                                  : "characters",
                          sentence);
    return false;
}

/* As kp_ask_password takes it, and so as it will be proved. */
static enum kp_text_fault take_password(const struct rest *value, struct kp_text *out)
{
    char label[KP_LABEL_LEN + 1];
    bool is_label = kp_label_read(value->data, value->len, label);
    enum kp_text_fault fault = is_label ? kp_text_password(out, label, KP_LABEL_LEN)
                                        : kp_text_password(out, value->data, value->len);
    kp_wipe(label, sizeof label);
    return fault;
}

static bool take(struct kp_passwd_request *request, const struct rest *name, const struct rest *old,
                 const struct rest *fresh, struct kp_passwd_answer *answer)
{
    enum kp_text_fault fault = kp_text_name(&request->name, name->data, name->len, false);
    if (fault != KP_TEXT_FINE)
        return refuse(answer, "the user name", fault);
    fault = take_password(old, &request->old);
    if (fault != KP_TEXT_FINE)
        return refuse(answer, "the old password", fault);
    fault = take_password(fresh, &request->fresh);
    return fault == KP_TEXT_FINE || refuse_new(answer, fault);
}

bool kp_passwd_request_parse(struct kp_passwd_request *request, const char *data, size_t len,
                             struct kp_passwd_answer *answer)
{
    struct rest rest = {data, len};
    struct rest line;
    struct rest name;
    struct rest old;
    struct rest fresh;
    *request = (struct kp_passwd_request){.name = {NULL, 0}};
    if (!take_line(&rest, &line) || line.len != strlen(FIRST_LINE) ||
        memcmp(line.data, FIRST_LINE, line.len) != 0) {
        kp_passwd_answer_failed(answer, "request", "the first line is not \"" FIRST_LINE "\"");
        return false;
    }
    if (!take_value(&rest, "user", &name) || !take_value(&rest, "old", &old) ||
        !take_value(&rest, "new", &fresh) || !take_line(&rest, &line) || line.len != 0) {
        kp_passwd_answer_failed(answer, "request",
                                "the lines behind the first are not user, old, new and an empty "
                                "one");
        return false;
    }
    if (rest.len != 0) {
        kp_passwd_answer_failed(answer, "request", "something follows the empty line");
        return false;
    }
    if (take(request, &name, &old, &fresh, answer))
        return true;
    kp_passwd_request_clear(request);
    return false;
}
