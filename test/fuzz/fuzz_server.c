/*
 * A whole server, or with VICTIM=KP_CLIENT a whole client, against bytes of the fuzzer.
 *
 * Input: a script (1 byte), the number of its records to replay first (1 byte), flags (1 byte),
 * then wire bytes; or, sealed, records of type, length (2) and content which are sealed with the
 * sender's keys of that place, so that the fuzzer gets past the MAC.  After a KeyUpdate they are
 * sealed with the next keys.
 *
 * Checked besides crashes: nobody is proved who hasn't got the recorded Finished; a peer that sends
 * and doesn't read makes wire out grow by no more than a bound.
 */
#include "script.h"

#include <string.h>

#ifndef VICTIM
#define VICTIM KP_SERVER
#endif

enum { SEALED = 1, SLOW = 2, END = 4, SPEAK = 8 };

static struct scripts scripts;

/* ---- Sealed records ------------------------------------------------------------------------ */

struct sealer {
    const struct script *script;
    bool late; /* after the handshake */
    struct kp_protect seal;
    uint8_t secret[KP_HASH_MAX];
};

static void sealer_open(struct sealer *s, const struct script *script, size_t replayed)
{
    const struct script_keys *keys = &script->keys[1];

    s->script = script;
    s->late = true;
    if (script->keys[0].first != 0 && replayed < script->keys[1].first) {
        keys = &script->keys[0];
        s->late = false;
    }
    s->seal = keys->seal;
    s->seal.sequence = replayed > keys->first ? replayed - keys->first : 0;
    memcpy(s->secret, script->secret, sizeof(s->secret));
}

/* TLS 1.3: a KeyUpdate that goes out whole in one record. */
static void follow_update(struct sealer *s, uint8_t type, const uint8_t *data, size_t len)
{
    static const uint8_t zero[1];
    static const uint8_t head[] = {KP_KEY_UPDATE, 0, 0, 1};
    struct kp_keys13 keys;
    struct kp_mac *mac;

    if (!s->late || s->script->keys[0].first == 0 || type != KP_HANDSHAKE || len != 5 ||
        memcmp(data, head, sizeof(head)) != 0)
        return;
    must(kp_mac_new(&mac, s->seal.crypto, KP_HASH_SHA256, (struct kp_span){zero, 1}) == 0);
    must(kp_traffic_next13(mac, s->secret) == 0);
    must(kp_traffic_keys13(mac, s->secret, 16, &keys) == 0);
    kp_protect_aead(&s->seal, s->seal.crypto, KP_AEAD_AES_128_GCM, &keys, true);
    kp_mac_free(mac);
}

/* The rest of the input as records under the sender's keys. */
static void make_sealed(const struct script *script, size_t replayed, const uint8_t *data,
                        size_t size, struct bytes *out)
{
    static uint8_t record[KP_HEADER_LEN + KP_RECORD_MAX + 1 + 64];
    struct sealer s;

    sealer_open(&s, script, replayed);
    while (size > 0) {
        uint8_t type = fuzz_byte(&data, &size);
        size_t len = (size_t)fuzz_byte(&data, &size) << 8;
        len |= fuzz_byte(&data, &size);
        len = len < size ? len : size;
        len = len < KP_RECORD_MAX + 1 ? len : KP_RECORD_MAX + 1;
        must(s.seal.ops->seal(&s.seal, type, KP_TLS12, data, len, record) == 0);
        bytes_add(out, record, KP_HEADER_LEN + s.seal.ops->sealed_len(&s.seal, len));
        follow_update(&s, type, data, len);
        data += len;
        size -= len;
    }
    s.seal.ops->rest(&s.seal);
}

/* Scripts that don't lead to a proof, or keys that don't open, would leave little to fuzz. */
static void check_scripts(void)
{
    static const uint8_t hello[] = {KP_APPLICATION, 0, 5, 'h', 'e', 'l', 'l', 'o'};

    for (unsigned i = 0; i < SCRIPTS; i++) {
        const struct script *s = &scripts.script[i];
        struct kp_conn *conn = scripts_conn(&scripts, VICTIM, (enum script_name)i);
        struct bytes sealed = {0};
        scripts_feed(&scripts, conn, s->wire.data, s->end[s->finished], 0);
        must((kp_conn_state(conn) & KP_PROVED) != 0);
        make_sealed(s, s->finished + 1, hello, sizeof(hello), &sealed);
        scripts_feed(&scripts, conn, sealed.data, sealed.len, 0);
        must(kp_conn_error(conn) == 0);
        bytes_free(&sealed);
        kp_conn_free(conn);
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    scripts_open(&scripts, VICTIM);
    check_scripts();
    return 0;
}

/* ---- One input ----------------------------------------------------------------------------- */

static bool has_finished(const struct bytes *given)
{
    for (size_t i = 0; i < SCRIPTS; i++) {
        const struct script *s = &scripts.script[i];
        size_t start = s->end[s->finished - 1];
        size_t len = s->end[s->finished] - start;
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
    uint8_t export[32];
    int err = kp_app_in(conn, said, sizeof(said), &used);

    must((state & KP_APP_IN) == 0 || err == 0);
    must((state & KP_PROVED) != 0 || (err != 0 && used == 0));
    err = kp_conn_key_update(conn, true);
    must(err == 0 || kp_conn_error(conn) == err || err == KP_E_ARGUMENT);
    err = kp_conn_export(conn, "EXPORTER-x", 10, NULL, 0, export, sizeof(export));
    must((err == 0) == ((state & KP_PROVED) != 0 && kp_conn_error(conn) == 0));
    err = kp_app_in_end(conn);
    must(err == 0 || kp_conn_error(conn) != 0 || !(kp_conn_state(conn) & KP_PROVED));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum script_name name = (enum script_name)(fuzz_byte(&data, &size) % SCRIPTS);
    const struct script *s = &scripts.script[name];
    size_t replayed = fuzz_byte(&data, &size) % (s->records + 1);
    uint8_t flags = fuzz_byte(&data, &size);
    struct kp_conn *conn = scripts_conn(&scripts, VICTIM, name);
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
    if ((kp_conn_state(conn) & KP_PROVED) && (!(flags & SEALED) || replayed <= s->finished))
        must(has_finished(&given));
    if (flags & SPEAK)
        speak(conn);
    if (flags & END) {
        int err = kp_wire_in_end(conn);
        must(err == kp_conn_error(conn));
    }
    must(kp_buffer_used(&conn->records.out) < 100000);
    kp_conn_info(conn, &info);
    must(info.user == NULL || (kp_conn_state(conn) & KP_PROVED) != 0);
    kp_session_free(kp_conn_session(conn));
    kp_conn_free(conn);
    bytes_free(&given);
    return 0;
}
