/*
 * Recorded handshakes, so that a fuzzer starts where the arithmetic is done: what one side sent in
 * a handshake with fixed seeds, record by record, and its keys.  The same seeds make the other side
 * take every prefix of it again.
 */
#ifndef TEST_FUZZ_SCRIPT_H
#define TEST_FUZZ_SCRIPT_H

#include "fuzz.h"

#define SCRIPT_RECORDS 16
#define SCRIPTS 2 /* full, resumed */
#define SCRIPT_SEED 7

struct script {
    struct bytes wire;          /* what the other side of the victim sent */
    size_t end[SCRIPT_RECORDS]; /* of each record */
    size_t records;
    size_t ccs;             /* index of ChangeCipherSpec: what follows is sealed */
    struct kp_protect seal; /* the sender's keys, sequence 0 */
};

struct scripts {
    struct world world;
    struct kp_session *session;
    struct script script[SCRIPTS];
};

/* Runs both handshakes and keeps what the victim was sent. */
void scripts_open(struct scripts *s, enum kp_role victim);
/* A fresh connection of the victim's role, with the seeds of the recording; a client is connected.
 */
struct kp_conn *scripts_conn(struct scripts *s, enum kp_role victim, bool resumed);
/* Gives bytes to it, chunk at a time (0: all), takes everything it has to say, answers what it
 * asks.  False when it takes no more. */
bool scripts_feed(struct scripts *s, struct kp_conn *conn, const uint8_t *data, size_t len,
                  size_t chunk);

#endif
