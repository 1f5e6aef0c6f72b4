/*
 * A whole server, or with VICTIM=KP_CLIENT a whole client, against bytes of the fuzzer.
 *
 * Input: script and number of recorded records to replay first (1 byte), flags (1 byte), then wire
 * bytes; or, sealed, records of type, length (2) and content which are sealed with the sender's
 * keys, so that the fuzzer gets past the MAC.
 *
 * Checked besides crashes: nobody is proved who hasn't got the recorded Finished.
 */
#include "script.h"

#include <string.h>

#ifndef VICTIM
#define VICTIM KP_SERVER
#endif

enum { SEALED = 1, SLOW = 2, END = 4, SPEAK = 8 };

static struct scripts scripts;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    scripts_open(&scripts, VICTIM);
    return 0;
}

/* The rest of the input as records under the sender's keys. */
static void make_sealed(const struct script *s, size_t replayed, const uint8_t *data, size_t size,
                        struct bytes *out)
{
    struct kp_protect seal = s->seal;
    static uint8_t record[KP_HEADER_LEN + KP_RECORD_MAX + 1 + 64];

    seal.sequence = replayed > s->ccs + 1 ? replayed - s->ccs - 1 : 0;
    while (size > 0) {
        uint8_t type = fuzz_byte(&data, &size);
        size_t len = (size_t)fuzz_byte(&data, &size) << 8;
        len |= fuzz_byte(&data, &size);
        len = len < size ? len : size;
        len = len < KP_RECORD_MAX + 1 ? len : KP_RECORD_MAX + 1;
        must(seal.ops->seal(&seal, type, KP_TLS12, data, len, record) == 0);
        bytes_add(out, record, KP_HEADER_LEN + seal.ops->sealed_len(&seal, len));
        data += len;
        size -= len;
    }
    seal.ops->rest(&seal);
}

/* The sender's Finished is the first record behind its ChangeCipherSpec. */
static bool has_finished(const struct bytes *given)
{
    for (size_t i = 0; i < SCRIPTS; i++) {
        const struct script *s = &scripts.script[i];
        size_t start = s->end[s->ccs];
        size_t len = s->end[s->ccs + 1] - start;
        if (given->len >= len && memmem(given->data, given->len, s->wire.data + start, len) != NULL)
            return true;
    }
    return false;
}

static void speak(struct kp_conn *conn)
{
    static const uint8_t said[20000];
    unsigned state = kp_conn_state(conn);
    size_t used;
    int err = kp_app_in(conn, said, sizeof(said), &used);

    must((state & KP_APP_IN) == 0 || err == 0);
    must((state & KP_PROVED) != 0 || (err != 0 && used == 0));
    err = kp_app_in_end(conn);
    must(err == 0 || kp_conn_error(conn) != 0 || !(kp_conn_state(conn) & KP_PROVED));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t select = fuzz_byte(&data, &size);
    uint8_t flags = fuzz_byte(&data, &size);
    const struct script *s = &scripts.script[select & 1];
    size_t replayed = (select >> 1) % (s->records + 1);
    struct kp_conn *conn = scripts_conn(&scripts, VICTIM, (select & 1) != 0);
    struct bytes given = {0};
    struct kp_info info;

    bytes_add(&given, s->wire.data, replayed > 0 ? s->end[replayed - 1] : 0);
    scripts_feed(&scripts, conn, given.data, given.len, 0);
    must(kp_conn_error(conn) == 0);
    size_t start = given.len;
    if (flags & SEALED)
        make_sealed(s, replayed, data, size, &given);
    else
        bytes_add(&given, data, size);
    if (flags & SPEAK && kp_conn_state(conn) & KP_PROVED && size % 2 == 0)
        speak(conn);
    if (given.len > start)
        scripts_feed(&scripts, conn, given.data + start, given.len - start, flags & SLOW ? 1 : 0);
    if ((kp_conn_state(conn) & KP_PROVED) && !(flags & SEALED))
        must(has_finished(&given));
    if (flags & SPEAK)
        speak(conn);
    if (flags & END) {
        int err = kp_wire_in_end(conn);
        must(err == kp_conn_error(conn));
    }
    kp_conn_info(conn, &info);
    must(info.user == NULL || (kp_conn_state(conn) & KP_PROVED) != 0);
    kp_session_free(kp_conn_session(conn));
    kp_conn_free(conn);
    bytes_free(&given);
    return 0;
}
