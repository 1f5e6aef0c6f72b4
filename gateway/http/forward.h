/*
 * Heads as they go on: written from what was parsed, hop by hop (RFC 9110 7.6), with who the client
 * is, as far as that was proved, and without anything that says so and was not.
 */
#ifndef KP_HTTP_FORWARD_H
#define KP_HTTP_FORWARD_H

#include "head.h"

/* Who the client is: --identity headers. */
struct kp_http_identity {
    struct kp_slice user; /* proved; at NULL: nobody was */
    const char *proof;    /* "srp", "spake2plus" or "none" */
    const char *protocol; /* "TLSv1.3"; NULL: no TLS */
    const char *suite;    /* NULL: no TLS */
    const char *address;  /* the client's, numeric, IPv6 without brackets */
    bool ipv6;
    unsigned port; /* ours, that the client came to */
};

struct kp_http_onward {
    const struct kp_http_identity *identity; /* NULL: nothing is said */
    size_t cut; /* so many bytes of the target's end are left out; fewer than it has */
};

/* A request for the upstream.  -1: the user's name can't be said in a field as it is, and nothing
 * was written. */
int kp_http_forward_request(struct kp_out *out, const struct kp_http_head *head,
                            const struct kp_http_onward *how);

struct kp_http_back {
    uint8_t minor;          /* of the client's request */
    bool keep;              /* the connection to the client goes on afterwards */
    bool rechunk;           /* a body until the end goes on in chunks */
    bool tunnel;            /* 101: the connection becomes a tunnel */
    struct kp_slice host;   /* that it asked for; may be empty */
    unsigned upstream_port; /* 0: none (unix socket) */
    const char *cookie;     /* one more Set-Cookie; NULL: none */
};

/* A response for the client; of an interim one only its own fields. */
void kp_http_forward_response(struct kp_out *out, const struct kp_http_head *head,
                              const struct kp_http_back *how);

#define KP_HTTP_CHUNK_LINE_MAX (2 * sizeof(size_t) + 2)

/* The first line of a chunk of len bytes, "1a2b" CR LF, not NUL-terminated; returns its length.
 * Chunk and CR LF are the caller's to send after it. */
size_t kp_http_chunk_line(char out[KP_HTTP_CHUNK_LINE_MAX], size_t len);

#endif
