/*
 * The head of an HTTP/1.x message (RFC 9110, RFC 9112) as it was parsed: a start line and fields,
 * and what follows from them.  What is wrong in a head is found when it is complete, and there is
 * no head then.
 */
#ifndef KP_HTTP_HEAD_H
#define KP_HTTP_HEAD_H

#include "text.h"

#define KP_HTTP_HEAD_MAX 32768 /* bytes of a head on the wire, its empty line included */
#define KP_HTTP_FIELDS_MAX 256

enum kp_http_kind { KP_HTTP_REQUEST, KP_HTTP_RESPONSE };

/* What follows the head, RFC 9112 6.3. */
enum kp_http_framing {
    KP_HTTP_NO_BODY,
    KP_HTTP_LENGTH,    /* head->length bytes, at least one */
    KP_HTTP_CHUNKED,   /* and nothing but chunked */
    KP_HTTP_UNTIL_END, /* a response until its connection ends */
};

struct kp_http_head {
    uint8_t kind;    /* enum kp_http_kind */
    uint8_t framing; /* enum kp_http_framing */
    uint8_t minor;   /* HTTP/1.minor: 0 or 1; a response may have said more, which is 1 too */
    bool persists;   /* its sender means to keep the connection, RFC 9112 9.3 */
    bool websocket;  /* Connection names upgrade, and Upgrade is websocket alone */
    bool expects;    /* request: Expect: 100-continue */
    uint16_t status; /* response */
    uint16_t count;  /* of fields */
    uint64_t length; /* Content-Length; 0 without one.  Of a response without a body too */
    bool has_length; /* there is a Content-Length */
    struct kp_slice method; /* request */
    /* Request: in origin-form or "*", RFC 9112 3.2: of an absolute-form what follows the authority,
     * at least "/". */
    struct kp_slice target;
    /* Request: the authority of an absolute-form, else Host; empty without one (HTTP/1.0). */
    struct kp_slice host;
    struct kp_slice reason; /* response */
};

/* The text of a head lives as long as the head. */
void kp_http_head_free(struct kp_http_head *head);
void kp_http_head_field(const struct kp_http_head *head, size_t index, struct kp_slice *name,
                        struct kp_slice *value);
/* The value of the first field of that name, in any case.  false: there is none. */
bool kp_http_head_find(const struct kp_http_head *head, const char *name, struct kp_slice *value);
/* Whether any field of that name lists that word, in any case. */
bool kp_http_head_lists(const struct kp_http_head *head, const char *name, const char *word);

#endif
