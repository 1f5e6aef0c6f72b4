/* Hellos that ask what a server is, and its answers: see probe_wire.h. */
#include "probe_wire.h"

#include <string.h>

#include "base/error.h"

#define LIST(...)                                                                                  \
    (const uint16_t[]){__VA_ARGS__}, sizeof((const uint16_t[]){__VA_ARGS__}) / sizeof(uint16_t)

/* RFC 8446 4, 5.1 and B.3. */
enum {
    RECORD_ALERT = 21,
    RECORD_HANDSHAKE = 22,
    RECORD_MAX = 16384,
    CLIENT_HELLO = 1,
    SERVER_HELLO = 2,
    SERVER_HELLO_MIN = 38, /* version, random, session id, suite, compression */
    HELLO_LOOKED_AT = 5,   /* type, length, and the first byte of the version */
    RANDOM_LEN = 32,
    SESSION_ID_LEN = 32,
    TLS12 = 0x0303,
    TLS13 = 0x0304,
    FIRST_VERSION = 0x0301, /* of the record of a first ClientHello */
};

/* RFC 8446 4.2, and of TLS 1.2: RFC 8422 5.1.2, RFC 7366, RFC 7627. */
enum {
    EXT_SERVER_NAME = 0,
    EXT_GROUPS = 10,
    EXT_POINT_FORMATS = 11,
    EXT_SIGNATURES = 13,
    EXT_ETM = 22,
    EXT_EMS = 23,
    EXT_VERSIONS = 43,
    EXT_PSK_MODES = 45,
    EXT_KEY_SHARE = 51,
    EXT_PAKE = 0x8a3b, /* no number is assigned yet: BoringSSL's private one */
};

#define X25519 0x001d
#define PSK_DHE_KE 1
#define RENEGOTIATION_SCSV 0x00ff /* RFC 5746 3.3 */

/* ---- Hellos ------------------------------------------------------------------------------ */

static void put_list(struct kp_builder *b, const uint16_t *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        kp_put_u16(b, values[i]);
}

static size_t open_extension(struct kp_builder *b, uint16_t value)
{
    kp_put_u16(b, value);
    return kp_put_open(b, 2);
}

static void put_empty(struct kp_builder *b, uint16_t value)
{
    kp_put_close(b, open_extension(b, value), 2);
}

/* One list with a length of its own. */
static void put_values(struct kp_builder *b, uint16_t value, unsigned length_bytes,
                       const uint16_t *values, size_t count)
{
    size_t body = open_extension(b, value);
    size_t list = kp_put_open(b, length_bytes);
    put_list(b, values, count);
    kp_put_close(b, list, length_bytes);
    kp_put_close(b, body, 2);
}

static void put_server_name(struct kp_builder *b, const char *name)
{
    size_t body = open_extension(b, EXT_SERVER_NAME);
    size_t list = kp_put_open(b, 2);
    size_t text;
    kp_put_u8(b, 0); /* host_name */
    text = kp_put_open(b, 2);
    kp_put_bytes(b, name, strlen(name));
    kp_put_close(b, text, 2);
    kp_put_close(b, list, 2);
    kp_put_close(b, body, 2);
}

/* Any 32 bytes are a point of X25519, RFC 7748 5. */
static void put_share(struct kp_builder *b, const uint8_t share[32])
{
    size_t body = open_extension(b, EXT_KEY_SHARE);
    size_t list = kp_put_open(b, 2);
    kp_put_u16(b, X25519);
    kp_put_u16(b, 32);
    kp_put_bytes(b, share, 32);
    kp_put_close(b, list, 2);
    kp_put_close(b, body, 2);
}

static void put_two_bytes(struct kp_builder *b, uint16_t value, uint16_t bytes)
{
    size_t body = open_extension(b, value);
    kp_put_u16(b, bytes);
    kp_put_close(b, body, 2);
}

/* Neither names nor schemes; or not even the lengths of those. */
static void put_pake(struct kp_builder *b, bool lists)
{
    size_t body = open_extension(b, EXT_PAKE);
    for (int i = 0; lists && i < 3; i++)
        kp_put_u16(b, 0);
    kp_put_close(b, body, 2);
}

/* What ordinary servers want to see. */
static void put_ordinary(struct kp_builder *b, const uint8_t share[32])
{
    put_values(b, EXT_GROUPS, 2, LIST(X25519, 0x0017, 0x0018));
    put_two_bytes(b, EXT_POINT_FORMATS, 1 << 8); /* one: uncompressed */
    put_values(b, EXT_SIGNATURES, 2,
               LIST(0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601, 0x0807, 0x0201,
                    0x0203));
    put_values(b, EXT_VERSIONS, 1, LIST(TLS13, TLS12));
    put_two_bytes(b, EXT_PSK_MODES, 1 << 8 | PSK_DHE_KE);
    put_share(b, share);
}

/* Of SRP those that we speak ourselves, RFC 5054 2.7; else what ordinary servers have. */
static void put_suites(struct kp_builder *b, bool srp)
{
    size_t mark = kp_put_open(b, 2);
    if (srp)
        put_list(b, LIST(0xC020, 0xC01D));
    else
        put_list(b, LIST(0x1301, 0x1303, 0x1302, 0xC02B, 0xC02F, 0xCCA9, 0xCCA8, 0xC02C, 0xC030,
                         0xC009, 0xC013, 0xC00A, 0xC014, 0x009C, 0x009D, 0x002F, 0x0035));
    kp_put_u16(b, RENEGOTIATION_SCSV);
    kp_put_close(b, mark, 2);
}

static void put_extensions(struct kp_builder *b, enum kp_probe_step step, const uint8_t share[32],
                           const char *server_name)
{
    size_t mark = kp_put_open(b, 2);
    if (server_name != NULL)
        put_server_name(b, server_name);
    put_empty(b, EXT_ETM);
    put_empty(b, EXT_EMS);
    if (step != KP_PROBE_SRP) {
        put_ordinary(b, share);
        put_pake(b, step == KP_PROBE_SCHEMES);
    }
    kp_put_close(b, mark, 2);
}

/* Who reads lines finds the end of one, and of a request's head, in the session id, and answers
 * instead of waiting for it. */
static void put_session_id(struct kp_builder *b, const uint8_t random[28])
{
    kp_put_u8(b, SESSION_ID_LEN);
    kp_put_bytes(b, "\r\n\r\n", 4);
    kp_put_bytes(b, random, 28);
}

void kp_probe_hello(struct kp_builder *b, enum kp_probe_step step,
                    const uint8_t random[KP_PROBE_RANDOM_LEN], const char *server_name)
{
    size_t record, message;
    kp_put_u8(b, RECORD_HANDSHAKE);
    kp_put_u16(b, FIRST_VERSION);
    record = kp_put_open(b, 2);
    kp_put_u8(b, CLIENT_HELLO);
    message = kp_put_open(b, 3);
    kp_put_u16(b, TLS12);
    kp_put_bytes(b, random, RANDOM_LEN);
    put_session_id(b, random + 32);
    put_suites(b, step == KP_PROBE_SRP);
    kp_put_u16(b, 1 << 8); /* compression: one method, null */
    put_extensions(b, step, random + 64, server_name);
    kp_put_close(b, message, 3);
    kp_put_close(b, record, 2);
}

/* ---- Answers ----------------------------------------------------------------------------- */

#define UNRECOGNIZED_NAME 112 /* RFC 6066 3: as a warning, a ServerHello follows it */
#define LEVEL_WARNING 1

static struct kp_probe_answer is(enum kp_probe_kind kind)
{
    return (struct kp_probe_answer){.kind = (uint8_t)kind};
}

static bool begins(const uint8_t *bytes, size_t len, const char *word, size_t word_len)
{
    return memcmp(bytes, word, len < word_len ? len : word_len) == 0;
}

/* Some answer to what they can't read with a page alone, as HTTP/0.9 did. */
static struct kp_probe_answer read_text(const uint8_t *bytes, size_t len)
{
    static const char http[] = "HTTP/";
    size_t http_len = sizeof http - 1;
    if (bytes[0] == '<')
        return is(KP_PROBE_HTTP);
    if (!begins(bytes, len, http, http_len))
        return is(KP_PROBE_OTHER);
    return is(len < http_len ? KP_PROBE_MORE : KP_PROBE_HTTP);
}

static struct kp_probe_answer read_alert(struct kp_reader *r, size_t record_len, bool *passed_over)
{
    uint8_t level, alert;
    if (record_len != 2)
        return is(KP_PROBE_OTHER);
    level = kp_read_u8(r);
    alert = kp_read_u8(r);
    if (r->failed)
        return is(KP_PROBE_MORE);
    *passed_over = level == LEVEL_WARNING && alert == UNRECOGNIZED_NAME;
    return (struct kp_probe_answer){.kind = KP_PROBE_ALERT, .alert = alert};
}

/* HelloRetryRequest is one, too. */
static struct kp_probe_answer read_hello(struct kp_reader *r, size_t record_len)
{
    uint8_t type = kp_read_u8(r);
    uint32_t len = kp_read_u24(r);
    uint8_t major = kp_read_u8(r);
    if (r->failed)
        return is(KP_PROBE_MORE);
    if (type != SERVER_HELLO || len < SERVER_HELLO_MIN || len > RECORD_MAX || major != 3 ||
        record_len < HELLO_LOOKED_AT)
        return is(KP_PROBE_OTHER);
    return is(KP_PROBE_HELLO);
}

static struct kp_probe_answer read_record(struct kp_reader *r, bool *passed_over)
{
    uint8_t type = kp_read_u8(r), major = kp_read_u8(r);
    bool tls = type == RECORD_ALERT || type == RECORD_HANDSHAKE;
    size_t len;
    (void)kp_read_u8(r);
    len = kp_read_u16(r);
    if (r->failed)
        return is(KP_PROBE_MORE);
    if (!tls || major != 3 || len == 0 || len > RECORD_MAX)
        return is(KP_PROBE_OTHER);
    return type == RECORD_ALERT ? read_alert(r, len, passed_over) : read_hello(r, len);
}

struct kp_probe_answer kp_probe_read(const uint8_t *bytes, size_t len)
{
    struct kp_probe_answer answer = is(KP_PROBE_MORE);
    bool passed_over = true;
    struct kp_reader r;
    if (len == 0)
        return answer;
    if (bytes[0] != RECORD_ALERT && bytes[0] != RECORD_HANDSHAKE)
        return read_text(bytes, len);
    kp_reader_init(&r, bytes, len);
    while (passed_over) {
        passed_over = false;
        answer = read_record(&r, &passed_over);
    }
    if (answer.kind == KP_PROBE_MORE && len >= KP_PROBE_ANSWER_MAX)
        return is(KP_PROBE_OTHER);
    return answer;
}

/* ---- What they mean ---------------------------------------------------------------------- */

static bool is_alert(struct kp_probe_answer answer, int alert)
{
    return answer.kind == KP_PROBE_ALERT && answer.alert == alert;
}

enum kp_probe_step kp_probe_next(const struct kp_probe_answer answers[KP_PROBE_STEPS])
{
    const struct kp_probe_answer first = answers[KP_PROBE_SCHEMES];
    if (first.kind == KP_PROBE_UNASKED)
        return KP_PROBE_SCHEMES;
    if (first.kind == KP_PROBE_HTTP || first.kind == KP_PROBE_OTHER ||
        answers[KP_PROBE_SRP].kind != KP_PROBE_UNASKED)
        return KP_PROBE_STEPS;
    if (answers[KP_PROBE_BODY].kind == KP_PROBE_UNASKED && first.kind != KP_PROBE_NOTHING &&
        !is_alert(first, KP_ALERT_ILLEGAL_PARAMETER))
        return KP_PROBE_BODY;
    return KP_PROBE_SRP;
}

/* An alert tells only where the server doesn't say the same to another hello. */
static unsigned versions_of(const struct kp_probe_answer answers[KP_PROBE_STEPS])
{
    const struct kp_probe_answer schemes = answers[KP_PROBE_SCHEMES];
    const struct kp_probe_answer body = answers[KP_PROBE_BODY], srp = answers[KP_PROBE_SRP];
    unsigned versions = 0;
    if (is_alert(schemes, KP_ALERT_ILLEGAL_PARAMETER) && !is_alert(srp, KP_ALERT_ILLEGAL_PARAMETER))
        versions |= KP_USE_TLS13;
    if (is_alert(body, KP_ALERT_DECODE_ERROR) && !is_alert(schemes, KP_ALERT_DECODE_ERROR))
        versions |= KP_USE_TLS13;
    if (is_alert(srp, KP_ALERT_UNKNOWN_PSK_IDENTITY) &&
        !is_alert(schemes, KP_ALERT_UNKNOWN_PSK_IDENTITY))
        versions |= KP_USE_TLS12;
    return versions;
}

static bool has(const struct kp_probe_answer answers[KP_PROBE_STEPS], enum kp_probe_kind kind)
{
    for (size_t i = 0; i < KP_PROBE_STEPS; i++)
        if (answers[i].kind == kind)
            return true;
    return false;
}

/* Who refuses one thing may take another: what wasn't answered could be what it does. */
static enum kp_probe_instead instead_of(const struct kp_probe_answer answers[KP_PROBE_STEPS])
{
    if (has(answers, KP_PROBE_HELLO))
        return KP_INSTEAD_CERTIFICATE;
    if (answers[KP_PROBE_SRP].kind == KP_PROBE_ALERT)
        return KP_INSTEAD_TLS;
    if (has(answers, KP_PROBE_HTTP))
        return KP_INSTEAD_HTTP;
    return has(answers, KP_PROBE_OTHER) ? KP_INSTEAD_OTHER : KP_INSTEAD_NOTHING;
}

struct kp_probe_verdict kp_probe_judge(const struct kp_probe_answer answers[KP_PROBE_STEPS])
{
    struct kp_probe_verdict verdict = {.versions = versions_of(answers)};
    enum kp_probe_instead instead = instead_of(answers);
    verdict.known = verdict.versions != 0 || instead != KP_INSTEAD_NOTHING;
    if (verdict.versions == 0)
        verdict.instead = instead;
    return verdict;
}
