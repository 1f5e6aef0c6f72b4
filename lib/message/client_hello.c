/*
 * ClientHello (RFC 5246 7.4.1.2) and the table of suites.
 */
#include "message/message.h"

#include <string.h>

static const struct kp_suite suites[] = {
    {KP_AES_128_GCM_SHA256, KP_TLS13, 16, KP_HASH_SHA256, KP_AEAD_AES_128_GCM,
     "TLS_AES_128_GCM_SHA256"},
    {KP_CHACHA20_POLY1305_SHA256, KP_TLS13, 32, KP_HASH_SHA256, KP_AEAD_CHACHA20_POLY1305,
     "TLS_CHACHA20_POLY1305_SHA256"},
    {KP_AES_256_GCM_SHA384, KP_TLS13, 32, KP_HASH_SHA384, KP_AEAD_AES_256_GCM,
     "TLS_AES_256_GCM_SHA384"},
    {KP_SRP_SHA_AES256, KP_TLS12, 32, KP_HASH_SHA256, 0, "SRP-AES-256-CBC-SHA"},
    {KP_SRP_SHA_AES128, KP_TLS12, 16, KP_HASH_SHA256, 0, "SRP-AES-128-CBC-SHA"},
};

const struct kp_suite *kp_suite_at(size_t index)
{
    return index < sizeof(suites) / sizeof(suites[0]) ? &suites[index] : NULL;
}

const struct kp_suite *kp_suite_by_value(uint16_t value)
{
    for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
        if (suites[i].value == value)
            return &suites[i];
    }
    return NULL;
}

bool kp_list_has(struct kp_span list, uint16_t value)
{
    for (size_t i = 0; i + 1 < list.len; i += 2) {
        if (list.data[i] == value >> 8 && list.data[i + 1] == (value & 0xFF))
            return true;
    }
    return false;
}

int kp_client_hello_start(struct kp_reader *r, struct kp_client_hello *out)
{
    memset(out, 0, sizeof(*out));
    out->version = kp_read_u16(r);
    out->random = (struct kp_span){kp_read_bytes(r, KP_RANDOM_LEN), KP_RANDOM_LEN};
    struct kp_reader session_id = kp_read_vector(r, 1, 0, KP_SESSION_ID_MAX);
    struct kp_reader offered = kp_read_vector(r, 2, 2, 65534);
    struct kp_reader compression = kp_read_vector(r, 1, 1, 255);
    if (r->failed || offered.left % 2 != 0)
        return KP_E_DECODE;
    out->session_id = (struct kp_span){session_id.data, session_id.left};
    out->suites = (struct kp_span){offered.data, offered.left};
    out->null_compression = memchr(compression.data, 0, compression.left) != NULL;
    out->only_null_compression = compression.left == 1 && out->null_compression;
    return 0;
}

int kp_client_hello_parse(struct kp_reader *r, struct kp_client_hello *out)
{
    int err = kp_client_hello_start(r, out);
    if (err != 0)
        return err;
    struct kp_reader rest = *r;
    struct kp_reader block = kp_read_vector(&rest, 2, 0, 65535);
    out->block = (struct kp_span){block.data, block.left};
    return kp_extensions_parse(r, KP_IN_CLIENT_HELLO, &out->ext);
}

void kp_client_hello_build(struct kp_builder *b, const struct kp_client_hello *hello)
{
    size_t mark;

    kp_put_u16(b, hello->version);
    kp_put_bytes(b, hello->random.data, hello->random.len);
    mark = kp_put_open(b, 1);
    kp_put_bytes(b, hello->session_id.data, hello->session_id.len);
    kp_put_close(b, mark, 1);
    mark = kp_put_open(b, 2);
    kp_put_bytes(b, hello->suites.data, hello->suites.len);
    kp_put_close(b, mark, 2);
    kp_put_u8(b, 1);
    kp_put_u8(b, 0);
    kp_extensions_build(b, KP_IN_CLIENT_HELLO, &hello->ext);
}
