/* The head of a request to the proxy: see proxy_head.h. */
#include "proxy_head.h"

#include <string.h>

#include "base/secret.h"

#define PROOF_FIELD "proxy-authorization"

struct piece {
    const char *text;
    gsize len;
};

static gboolean piece_is(struct piece piece, const char *text)
{
    return piece.len == strlen(text) && g_ascii_strncasecmp(piece.text, text, piece.len) == 0;
}

/* The next line without its CR LF, which is there: the head ends with two. */
static struct piece take_line(struct piece *rest)
{
    const char *end = memmem(rest->text, rest->len, "\r\n", 2);
    struct piece line = {rest->text, (gsize)(end - rest->text)};
    rest->text = end + 2;
    rest->len -= line.len + 2;
    return line;
}

static struct piece take_word(struct piece *line)
{
    const char *end = memchr(line->text, ' ', line->len);
    struct piece word = {line->text, end != NULL ? (gsize)(end - line->text) : line->len};
    gsize step = word.len + (end != NULL ? 1 : 0);
    line->text += step;
    line->len -= step;
    return word;
}

static struct piece trim(struct piece value)
{
    while (value.len > 0 && (value.text[0] == ' ' || value.text[0] == '\t'))
        value.text++, value.len--;
    while (value.len > 0 && (value.text[value.len - 1] == ' ' || value.text[value.len - 1] == '\t'))
        value.len--;
    return value;
}

/* A line is printable, with tabs; no lone CR, LF or NUL can be read in two ways. */
static gboolean is_clean(struct piece line)
{
    for (gsize i = 0; i < line.len; i++)
        if ((guchar)line.text[i] < 0x20 ? line.text[i] != '\t' : line.text[i] == 0x7f)
            return FALSE;
    return TRUE;
}

/* FALSE: it is no field, or a second proof. */
static gboolean take_field(struct piece line, struct piece *proof)
{
    const char *colon = memchr(line.text, ':', line.len);
    struct piece name, value;
    if (colon == NULL || colon == line.text || !is_clean(line))
        return FALSE;
    name = (struct piece){line.text, (gsize)(colon - line.text)};
    value = (struct piece){colon + 1, line.len - name.len - 1};
    if (memchr(name.text, ' ', name.len) != NULL || memchr(name.text, '\t', name.len) != NULL)
        return FALSE;
    if (!piece_is(name, PROOF_FIELD))
        return TRUE;
    if (proof->text != NULL)
        return FALSE;
    *proof = trim(value);
    return TRUE;
}

static gboolean is_proved(struct piece proof, const struct kp_proxy_rule *rule)
{
    gsize len = strlen(rule->proof);
    return proof.text != NULL && proof.len == len && kp_equal_secret(proof.text, rule->proof, len);
}

static enum kp_proxy_verdict judge_line(struct piece line, const struct kp_proxy_rule *rule)
{
    struct piece method = take_word(&line), target = take_word(&line);
    if (!piece_is(line, "HTTP/1.1") && !piece_is(line, "HTTP/1.0"))
        return KP_PROXY_MALFORMED;
    if (method.len != 7 || memcmp(method.text, "CONNECT", 7) != 0)
        return KP_PROXY_OTHER_METHOD;
    return piece_is(target, rule->authority) ? KP_PROXY_PASS : KP_PROXY_OTHER_HOST;
}

enum kp_proxy_verdict kp_proxy_head_judge(const char *head, gsize len,
                                          const struct kp_proxy_rule *rule)
{
    const char *end = memmem(head, len, "\r\n\r\n", 4);
    struct piece rest = {head, len}, first, proof = {NULL, 0};
    enum kp_proxy_verdict verdict;
    if (end == NULL)
        return len < KP_PROXY_HEAD_LEN ? KP_PROXY_MORE : KP_PROXY_TOO_LONG;
    if (end + 4 != head + len) /* whoever speaks on before it was let in */
        return KP_PROXY_MALFORMED;
    rest.len -= 2;
    first = take_line(&rest);
    if (!is_clean(first))
        return KP_PROXY_MALFORMED;
    while (rest.len > 0)
        if (!take_field(take_line(&rest), &proof))
            return KP_PROXY_MALFORMED;
    verdict = judge_line(first, rule);
    return verdict == KP_PROXY_MALFORMED || is_proved(proof, rule) ? verdict : KP_PROXY_UNPROVED;
}
