/*
 * ServerHello (RFC 5246 7.4.1.3).
 */
#include "message/message.h"

#include <string.h>

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
    return kp_extensions_parse(r, KP_SERVER_HELLO, &out->ext);
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
    kp_extensions_build(b, KP_SERVER_HELLO, &hello->ext);
}
