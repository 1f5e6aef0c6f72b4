/*
 * Protected records of TLS 1.3 by the test's own hand: opened, changed, padded, sealed.
 */
#ifndef TEST_PAIR_SEAL13_H
#define TEST_PAIR_SEAL13_H

#include "world13.h"

/* Seals content, its type and zeros behind it (RFC 8446 5.2), and counts the record.  A type of 0
 * and no content: nothing but zeros. */
void seal13(struct kp_protect *protect, uint8_t type, const void *content, size_t len, size_t zeros,
            struct bytes *out);
/* The same as `from` would after the handshake; its wire out is sent first. */
void pair13_seal(struct pair *p, enum kp_role from, uint8_t type, const void *content, size_t len,
                 size_t zeros);
/* A record of `from`'s handshake traffic keys, which a server that awaits Finished has. */
void pair13_seal_early(struct pair *p, enum kp_role from, uint8_t type, const void *content,
                       size_t len);

/* An edit: the handshake messages that `from` sends sealed in the handshake are opened, and what is
 * put out instead of each is sealed again, a record a message.  edit_arg: a struct rewrite. */
struct rewrite;
typedef void rewrite_fn(struct rewrite *r, const uint8_t *message, size_t len, struct bytes *out);
struct rewrite {
    enum kp_role from;
    rewrite_fn *message; /* whole, with its header; nothing put out: nothing is sent */
    rewrite_fn *hello;   /* the same for one in the clear; NULL: as it is */
    rewrite_fn *record;  /* other records in the clear, without their header; NULL: as they are */
    void *arg;
    size_t seen;   /* sealed messages so far */
    size_t hellos; /* those in the clear */
    bool ready;
    struct kp_protect open;
    struct kp_protect seal;
};
edit_fn edit_rewrite;
void rewrite_clear(struct rewrite *r);

#endif
