/*
 * HelloRetryRequest of a server: RFC 8446 4.1.4, 4.2.2, 4.4.1.
 *
 *      cookie = suite | group | fixed | hash of the first ClientHello | HMAC(cookie key, the rest)
 *
 * The transcript goes on from the cookie.  Who shows it must have got it on this very connection:
 * what the first ClientHello said of names and limits is kept there, and `fixed` is compared with
 * both.
 */
#include "handshake/handshake.h"

#include "base/secret.h"

#include <string.h>

#define HEAD_LEN (2 + 2 + KP_SHA256_LEN)
#define COOKIE_MAX (HEAD_LEN + KP_HASH_MAX + KP_SHA256_LEN)
#define RETRY_MAX (KP_MESSAGE_HEADER_LEN + 128 + COOKIE_MAX)

/* ---- What must be repeated ----------------------------------------------------------------- */

/* RFC 8446 4.1.2 lets these change: pre_shared_key, early_data, cookie, padding; and key_share
 * where another group was asked for. */
static bool may_change(uint16_t extension, bool share_too)
{
    enum { PADDING = 21, PRE_SHARED_KEY = 41, EARLY_DATA = 42, COOKIE = 44, KEY_SHARE = 51 };

    return extension == PADDING || extension == PRE_SHARED_KEY || extension == EARLY_DATA ||
           extension == COOKIE || (share_too && extension == KEY_SHARE);
}

static int add_vector(struct kp_hash *hash, struct kp_span data)
{
    const uint8_t len[2] = {(uint8_t)(data.len >> 8), (uint8_t)data.len};
    int err = kp_hash_update(hash, len, sizeof(len));

    return err == 0 && data.len > 0 ? kp_hash_update(hash, data.data, data.len) : err;
}

static int add_extensions(struct kp_hash *hash, struct kp_span block, bool share_too)
{
    struct kp_reader r;
    int err = 0;

    kp_reader_init(&r, block.data, block.len);
    while (err == 0 && r.left > 0) {
        uint16_t value = kp_read_u16(&r);
        struct kp_reader body = kp_read_vector(&r, 2, 0, 65535);
        const uint8_t type[2] = {(uint8_t)(value >> 8), (uint8_t)value};
        if (may_change(value, share_too))
            continue;
        err = kp_hash_update(hash, type, sizeof(type));
        if (err == 0)
            err = add_vector(hash, (struct kp_span){body.data, body.left});
    }
    return err;
}

int kp_retry13_fixed(const struct kp_crypto *crypto, const struct kp_client_hello *hello,
                     uint16_t asked_group, uint8_t out[static KP_SHA256_LEN])
{
    const uint8_t version[2] = {(uint8_t)(hello->version >> 8), (uint8_t)hello->version};
    struct kp_hash *hash;
    int err = kp_hash_new(&hash, crypto, KP_HASH_SHA256);

    if (err == 0)
        err = kp_hash_update(hash, version, sizeof(version));
    if (err == 0)
        err = kp_hash_update(hash, hello->random.data, hello->random.len);
    if (err == 0)
        err = add_vector(hash, hello->session_id);
    if (err == 0)
        err = add_vector(hash, hello->suites);
    if (err == 0)
        err = add_extensions(hash, hello->block, asked_group != 0);
    if (err == 0)
        err = kp_hash_peek(hash, out);
    kp_hash_free(hash);
    return err;
}

/* ---- The cookie ---------------------------------------------------------------------------- */

static int run_mac(const struct kp_context *context, const uint8_t *cookie, size_t len,
                   uint8_t out[static KP_SHA256_LEN])
{
    const struct kp_span part = {cookie, len};

    return kp_hmac(context->crypto, KP_HASH_SHA256,
                   (struct kp_span){context->cookie_key, sizeof(context->cookie_key)}, &part, 1,
                   out);
}

static int make_cookie(const struct kp_context *context, const struct kp_retry13 *retry,
                       size_t hash_len, uint8_t out[static COOKIE_MAX], size_t *len)
{
    struct kp_builder b;

    kp_builder_init(&b, out, COOKIE_MAX);
    kp_put_u16(&b, retry->suite);
    kp_put_u16(&b, retry->group);
    kp_put_bytes(&b, retry->fixed, sizeof(retry->fixed));
    kp_put_bytes(&b, retry->hash, hash_len);
    *len = b.len + KP_SHA256_LEN;
    return run_mac(context, out, b.len, out + b.len);
}

int kp_retry13_open(const struct kp_context *context, struct kp_span cookie, struct kp_retry13 *out)
{
    uint8_t mac[KP_SHA256_LEN];
    struct kp_reader r;

    if (cookie.len < HEAD_LEN + KP_SHA256_LEN || cookie.len > COOKIE_MAX)
        return KP_E_ILLEGAL;
    size_t covered = cookie.len - KP_SHA256_LEN;
    int err = run_mac(context, cookie.data, covered, mac);
    if (err != 0)
        return err;
    if (!kp_equal_secret(mac, cookie.data + covered, sizeof(mac)))
        return KP_E_ILLEGAL;
    kp_reader_init(&r, cookie.data, covered);
    out->suite = kp_read_u16(&r);
    out->group = kp_read_u16(&r);
    memcpy(out->fixed, kp_read_bytes(&r, KP_SHA256_LEN), KP_SHA256_LEN);
    memcpy(out->hash, r.data, r.left);
    return 0;
}

/* ---- The message --------------------------------------------------------------------------- */

static void build(struct kp_builder *b, const struct kp_handshake *hs,
                  const struct kp_retry13 *retry, struct kp_span cookie)
{
    struct kp_server_hello hello = {
        .version = KP_TLS12,
        .random = {kp_retry_random, KP_RANDOM_LEN},
        .session_id = {hs->session_id, hs->session_id_len},
        .suite = retry->suite,
        .retry = true,
        .ext.present = KP_EXT_VERSIONS | KP_EXT_COOKIE,
        .ext.version = KP_TLS13,
        .ext.cookie = cookie,
        .ext.key_share.group = retry->group,
    };

    if (retry->group != 0)
        hello.ext.present |= KP_EXT_KEY_SHARE;
    kp_server_hello_build(b, &hello);
}

int kp_server13_send_retry(struct kp_handshake *hs, struct kp_builder *b)
{
    struct kp_retry13 retry = {.suite = hs->suite->value, .group = hs->t13.asked_group};
    uint8_t cookie[COOKIE_MAX];
    size_t len;

    memcpy(retry.fixed, hs->t13.fixed, sizeof(retry.fixed));
    int err = kp_transcript_peek(&hs->transcript, retry.hash);
    if (err == 0)
        err = make_cookie(hs->context, &retry, kp_hash_len(hs->suite->hash), cookie, &len);
    if (err == 0)
        build(b, hs, &retry, (struct kp_span){cookie, len});
    return err;
}

int kp_retry13_transcript(struct kp_handshake *hs, const struct kp_retry13 *retry,
                          struct kp_span cookie)
{
    const struct kp_suite *suite = kp_suite_by_value(retry->suite);
    uint8_t message[RETRY_MAX];
    struct kp_builder b;

    kp_builder_init(&b, message, sizeof(message));
    kp_put_u8(&b, KP_SERVER_HELLO);
    size_t mark = kp_put_open(&b, 3);
    build(&b, hs, retry, cookie);
    kp_put_close(&b, mark, 3);
    if (b.failed)
        return KP_E_INTERNAL;
    int err = kp_transcript_restart(&hs->transcript, hs->context->crypto, suite->hash, retry->hash);
    return err == 0 ? kp_transcript_add(&hs->transcript, message, b.len) : err;
}
