/*
 * What a server answers to the hellos of a probe: how its first bytes come (1 byte), then the
 * answers to all three, each with its length (1 byte) before it.
 *
 * Checked besides crashes: an answer that is known stays what it is whatever comes behind it, one
 * of the most bytes that are read is known, each question is asked once and the asking ends, and
 * who says the same to all is taken for nothing that takes passwords.
 */
#include "fuzz.h"

#include "client/probe_wire.h"

#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

static struct kp_probe_answer read_exactly(const uint8_t *data, size_t len)
{
    struct kp_probe_answer answer;
    struct bytes bytes = {0}; /* exactly that long */
    bytes_add(&bytes, data, len);
    answer = kp_probe_read(bytes.data, bytes.len);
    bytes_free(&bytes);
    return answer;
}

static bool is_same(struct kp_probe_answer a, struct kp_probe_answer b)
{
    return a.kind == b.kind && a.alert == b.alert;
}

/* As it comes in pieces; at its end, what isn't known is nothing. */
static struct kp_probe_answer read_all(const uint8_t *data, size_t len, size_t piece)
{
    struct kp_probe_answer whole = read_exactly(data, len);
    size_t at = 0;
    must(whole.kind != KP_PROBE_UNASKED && whole.kind != KP_PROBE_NOTHING);
    must(len < KP_PROBE_ANSWER_MAX || whole.kind != KP_PROBE_MORE);
    while (at < len) {
        struct kp_probe_answer part;
        at = len - at < piece ? len : at + piece;
        part = read_exactly(data, at);
        must(part.kind == KP_PROBE_MORE || is_same(part, whole));
    }
    if (whole.kind == KP_PROBE_MORE)
        whole.kind = KP_PROBE_NOTHING;
    return whole;
}

static void ask(const struct kp_probe_answer say[KP_PROBE_STEPS])
{
    struct kp_probe_answer answers[KP_PROBE_STEPS] = {{0}};
    struct kp_probe_verdict verdict;
    enum kp_probe_step step;
    unsigned asked = 0;
    while ((step = kp_probe_next(answers)) != KP_PROBE_STEPS) {
        must(answers[step].kind == KP_PROBE_UNASKED && asked < KP_PROBE_STEPS);
        answers[step] = say[step];
        asked++;
    }
    verdict = kp_probe_judge(answers);
    must(verdict.known || (verdict.versions == 0 && verdict.instead == KP_INSTEAD_NOTHING));
    must(!verdict.known || (verdict.versions == 0) == (verdict.instead != KP_INSTEAD_NOTHING));
    if (is_same(say[0], say[1]) && is_same(say[1], say[2]))
        must(verdict.versions == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kp_probe_answer say[KP_PROBE_STEPS];
    size_t piece = 1 + fuzz_byte(&data, &size) % KP_PROBE_ANSWER_MAX;

    for (size_t i = 0; i < KP_PROBE_STEPS; i++) {
        size_t len = fuzz_byte(&data, &size);
        if (len > KP_PROBE_ANSWER_MAX)
            len = KP_PROBE_ANSWER_MAX;
        if (len > size)
            len = size;
        say[i] = read_all(data, len, piece);
        data += len;
        size -= len;
    }
    ask(say);
    return 0;
}
