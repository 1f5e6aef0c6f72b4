/* /.well-known/keyplate: see hint.h. */
#include "hint.h"

#include <string.h>

#include "../net/sock.h"
#include "well_known.h"

bool kp_hint_prefers_tls12(const struct kp_worker *w)
{
    return w->rules.versions == (KP_USE_TLS12 | KP_USE_TLS13) && kp_store_prefers_tls12(w->store);
}

struct kp_hint kp_hint_now(const struct kp_worker *w, unsigned port)
{
    /* Clients rely on what is told: one that was told of TLS 1.3 offers nothing less any more. */
    struct kp_hint hint = {
        .versions = kp_hint_prefers_tls12(w) ? KP_USE_TLS12 : w->rules.versions,
        .port = port,
    };
    hint.id = kp_store_device_id(w->store, &hint.id_len);
    return hint;
}

unsigned kp_hint_port_of(int fd)
{
    union kp_inet local;
    kp_sock_local(fd, &local);
    return kp_inet_port(&local);
}

bool kp_hint_is_asked(const struct kp_http_head *head)
{
    return (kp_slice_is(head->method, "GET") || kp_slice_is(head->method, "HEAD")) &&
           head->target.len == sizeof KP_WELL_KNOWN_PATH - 1 &&
           memcmp(head->target.at, KP_WELL_KNOWN_PATH, head->target.len) == 0;
}

size_t kp_hint_answer(char out[KP_NOTICE_MAX], const struct kp_hint *hint)
{
    return kp_well_known_answer(out, hint->versions, hint->port, hint->id, hint->id_len);
}
