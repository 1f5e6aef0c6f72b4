/*
 * Recorded handshakes, so that a fuzzer starts where the arithmetic is done: what one side sent in
 * a handshake with fixed seeds, record by record, and its keys.  The same seeds make the other side
 * take every prefix of it again.
 */
#ifndef TEST_FUZZ_SCRIPT_H
#define TEST_FUZZ_SCRIPT_H

#include "fuzz.h"

#include "world13.h"

#define SCRIPT_RECORDS 16
#define SCRIPT_SEED 7

enum script_name {
    SCRIPT_SRP,
    SCRIPT_SRP_RESUMED,
    SCRIPT_PAKE, /* TLS 1.3, the working group's form */
    SCRIPT_PAKE_RESUMED,
    SCRIPT_PAKE_RETRIED, /* with a HelloRetryRequest, and resumed */
    SCRIPT_BORINGSSL,    /* the other form, with a HelloRetryRequest */
    SCRIPTS,
};

/* The sender's keys from one record on. */
struct script_keys {
    size_t first;           /* index of the first record that they seal; 0: there are none */
    struct kp_protect seal; /* sequence 0 */
};

struct script {
    struct bytes wire;          /* what the other side of the victim sent */
    size_t end[SCRIPT_RECORDS]; /* of each record */
    size_t records;
    size_t finished;             /* index of the record with Finished */
    struct script_keys keys[2];  /* of TLS 1.3's handshake, and those after it */
    uint8_t secret[KP_HASH_MAX]; /* TLS 1.3: what the latter are made of */
};

struct scripts {
    struct world13 world[3]; /* TLS 1.2, and each form of TLS 1.3 */
    struct kp_session *session[3];
    struct script script[SCRIPTS];
};

/* Runs the handshakes and keeps what the victim was sent. */
void scripts_open(struct scripts *s, enum kp_role victim);
/* A fresh connection of the victim's role, with the seeds of the recording; a client is connected.
 */
struct kp_conn *scripts_conn(struct scripts *s, enum kp_role victim, enum script_name name);
/* Gives bytes to it, chunk at a time (0: all), takes everything it has to say, answers what it
 * asks.  False when it takes no more. */
bool scripts_feed(struct scripts *s, struct kp_conn *conn, const uint8_t *data, size_t len,
                  size_t chunk);

#endif
