/*
 * ServerHello (RFC 5246 7.4.1.3), and HelloRetryRequest, which has its form (RFC
 * 8446 4.1.3, 4.1.4).
 */
#include "message/message.h"

#include <string.h>

/* SHA-256 of "HelloRetryRequest". */
const uint8_t kp_retry_random[KP_RANDOM_LEN] = {
    0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91,
    0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
};

int kp_server_hello_parse(struct kp_reader *r, struct kp_server_hello *out)
{
    memset(out, 0, sizeof(*out));
    out->version = kp_read_u16(r);
    out->random = (struct kp_span){kp_read_bytes(r, KP_RANDOM_LEN), KP_RANDOM_LEN};
    struct kp_reader session_id = kp_read_vector(r, 1, 0, KP_SESSION_ID_MAX);
    out->suite = kp_read_u16(r);
    out->compression = kp_read_u8(r);
    if (r->failed)
        return KP_E_DECODE;
    out->session_id = (struct kp_span){session_id.data, session_id.left};
    out->retry = memcmp(out->random.data, kp_retry_random, KP_RANDOM_LEN) == 0;
    return kp_extensions_parse(r, out->retry ? KP_IN_RETRY : KP_IN_SERVER_HELLO, &out->ext);
}

void kp_server_hello_build(struct kp_builder *b, const struct kp_server_hello *hello)
{
    kp_put_u16(b, hello->version);
    kp_put_bytes(b, hello->random.data, hello->random.len);
    size_t mark = kp_put_open(b, 1);
    kp_put_bytes(b, hello->session_id.data, hello->session_id.len);
    kp_put_close(b, mark, 1);
    kp_put_u16(b, hello->suite);
    kp_put_u8(b, hello->compression);
    kp_extensions_build(b, hello->retry ? KP_IN_RETRY : KP_IN_SERVER_HELLO, &hello->ext);
}
