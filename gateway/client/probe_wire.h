/*
 * Whether a server takes passwords, told without one: the ClientHellos that are sent to it, and
 * what its answers mean.  Each hello is refused at sight by a server that could do what it asks
 * about, in a way that no other server has, and before there is anything that a guess could be
 * tried on.  No user is named.  Bytes only: knows no socket.
 *
 * All of this is somebody's word: nothing is proved by it.
 */
#ifndef KP_CLIENT_PROBE_WIRE_H
#define KP_CLIENT_PROBE_WIRE_H

#include "base/bytes.h"

#define KP_PROBE_RANDOM_LEN 96
#define KP_PROBE_HELLO_MAX 1024
#define KP_PROBE_ANSWER_MAX 64 /* bytes of an answer that are read at most */

/* The questions, in their order.  The first two are ordinary hellos of TLS 1.3 and 1.2, such as a
 * server with a certificate answers, with a pake extension beside. */
enum kp_probe_step {
    /* It offers no scheme: illegal_parameter (draft-ietf-tls-pake-02). */
    KP_PROBE_SCHEMES,
    /* It has no body: decode_error.  For BoringSSL's form, whose servers say handshake_failure to
     * the first, or go on with a certificate. */
    KP_PROBE_BODY,
    /* TLS 1.2 with SRP suites alone and no user: unknown_psk_identity (RFC 5054 2.5.1.2). */
    KP_PROBE_SRP,
    KP_PROBE_STEPS
};

enum kp_probe_kind {
    KP_PROBE_UNASKED,
    KP_PROBE_MORE,    /* what came may still become anything */
    KP_PROBE_NOTHING, /* nothing, or not enough: the caller's to set, at the end or when it is late
                       */
    KP_PROBE_ALERT,
    KP_PROBE_HELLO, /* a ServerHello: it goes on */
    KP_PROBE_HTTP,
    KP_PROBE_OTHER, /* what isn't TLS */
};

struct kp_probe_answer {
    uint8_t kind;  /* enum kp_probe_kind */
    uint8_t alert; /* of KP_PROBE_ALERT */
};

/* Writes the record of a hello.  random: fresh, and worth nothing.  server_name: NULL for an
 * address that is numeric. */
void kp_probe_hello(struct kp_builder *b, enum kp_probe_step step,
                    const uint8_t random[KP_PROBE_RANDOM_LEN], const char *server_name);
/* What begins with bytes[len]; at KP_PROBE_ANSWER_MAX it is never KP_PROBE_MORE. */
struct kp_probe_answer kp_probe_read(const uint8_t *bytes, size_t len);
/* What is to be asked next; KP_PROBE_STEPS: it is known what can be known. */
enum kp_probe_step kp_probe_next(const struct kp_probe_answer answers[KP_PROBE_STEPS]);

enum kp_probe_instead {
    KP_INSTEAD_NOTHING, /* it takes passwords; or it isn't known */
    KP_INSTEAD_CERTIFICATE,
    KP_INSTEAD_HTTP,
    KP_INSTEAD_TLS, /* TLS, but it takes nothing of what was offered */
    KP_INSTEAD_OTHER,
};

struct kp_probe_verdict {
    unsigned versions; /* KP_USE_*: by which it takes passwords */
    enum kp_probe_instead instead;
    bool known; /* enough was answered to tell what it is */
};

struct kp_probe_verdict kp_probe_judge(const struct kp_probe_answer answers[KP_PROBE_STEPS]);

#endif
