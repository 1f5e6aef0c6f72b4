/*
 * Comparing what two parses of a hello gave.
 */
#ifndef TEST_FUZZ_FUZZ_HELLO_H
#define TEST_FUZZ_FUZZ_HELLO_H

#include "fuzz.h"

#include <string.h>

static inline void must_same(struct kp_span a, struct kp_span b)
{
    must(a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0));
}

static inline void must_same_extensions(const struct kp_extensions *a,
                                        const struct kp_extensions *b)
{
    must(a->present == b->present);
    must_same(a->server_name, b->server_name);
    must_same(a->srp_name, b->srp_name);
    must_same(a->alpn, b->alpn);
    must_same(a->ticket, b->ticket);
    must_same(a->versions, b->versions);
    must(a->record_size_limit == b->record_size_limit);
}

#endif
