/*
 * A handshake in progress: its state, the rows of its flow, and the driver that runs them.
 *
 * A flow is a table of rows; the driver (drive.c) is the one loop that receives, sends, hashes the
 * transcript, suspends and advances.  Handlers do message logic only: they see a reader or a
 * builder, never a record or a buffer.
 */
#ifndef KP_HANDSHAKE_HANDSHAKE_H
#define KP_HANDSHAKE_HANDSHAKE_H

#include "handshake/context.h"
#include "key/transcript.h"
#include "message/message.h"
#include "record/record.h"

/* What is known about this handshake; rows can ask for it. */
enum kp_fact {
    KP_FACT_TICKET_OFFERED = 1u << 0,  /* server: a ticket of ours may be in ClientHello */
    KP_FACT_TICKET_PROMISED = 1u << 1, /* NewSessionTicket is to come */
    KP_FACT_RESUMED = 1u << 2,
    KP_FACT_RENEGOTIATION_INFO = 1u << 3, /* client signalled RFC 5746 */
    KP_FACT_RECORD_SIZE_LIMIT = 1u << 4,
    KP_FACT_PASSWORD_USED = 1u << 5,  /* our Finished of a password handshake went out, or theirs
                                         is awaited: a failure from here on is one of the proof */
    KP_FACT_HELLO_ANSWERED = 1u << 6, /* client: a ServerHello came */
};

enum kp_step_kind {
    KP_STEP_END,
    KP_STEP_RECV,     /* a handshake message of type `message`, at most `max` bytes */
    KP_STEP_SEND,     /* build and send one */
    KP_STEP_CCS_RECV, /* ChangeCipherSpec, then `act` */
    KP_STEP_CCS_SEND, /* ChangeCipherSpec, then `act` */
    KP_STEP_ACT,      /* no message */
    KP_STEP_HEAVY,    /* no message, heavy arithmetic: may be deferred */
};

/* Positive: a handler can't go on before the caller did something. */
enum kp_suspend {
    KP_SUSPEND_CREDENTIAL = 1,
    KP_SUSPEND_COMPUTE,
    KP_SUSPEND_CONNECT, /* a client before kp_conn_connect */
    KP_SUSPEND_INPUT,
    KP_FINISHED_FLOW,
};

struct kp_handshake;

struct kp_step {
    enum kp_step_kind kind;
    enum kp_message_type message;
    uint32_t max;
    uint32_t when; /* facts that must all hold, else the row is passed over */
    int (*recv)(struct kp_handshake *hs, struct kp_reader *r);
    int (*send)(struct kp_handshake *hs, struct kp_builder *b);
    int (*act)(struct kp_handshake *hs);
};

/* The flows (flow.c). */
extern const struct kp_step kp_flow12_server[];
extern const struct kp_step kp_flow12_server_resumed[];
extern const struct kp_step kp_flow12_client[];
extern const struct kp_step kp_flow12_client_full[];
extern const struct kp_step kp_flow12_client_resumed[];

/* SRP's part. */
struct kp_srp_state {
    struct kp_srp_group *own_group; /* client: made for this handshake */
    const struct kp_srp_group *group;
    uint8_t exponent[KP_SRP_EXPONENT_LEN]; /* secret: a or b */
    uint8_t *ours;                         /* our share, a residue */
    uint8_t *theirs;                       /* the peer's share, a residue */
};

/* Kept with the connection after the handshake. */
struct kp_outcome {
    uint16_t version;
    uint16_t suite;
    uint16_t group_bits;
    bool resumed;
    bool password_used; /* client: what the peer gets from here on lets it check a guess */
    uint64_t proof_time;
    char *user; /* claimed until the peer's Finished is verified; NUL-terminated, ours */
    size_t user_len;
    char *alpn;
    char *server_name;
    struct kp_session *session; /* client: from NewSessionTicket */
};

struct kp_handshake {
    struct kp_context *context;
    struct kp_record_layer *records;
    struct kp_outcome *outcome;
    uint64_t now;
    const struct kp_step *step;
    uint32_t facts;
    bool compute_allowed;
    unsigned ignored; /* HelloRequests passed over */

    struct kp_transcript transcript;
    uint8_t *message; /* messages received and not handled; ours */
    size_t message_len;

    const struct kp_suite *suite;
    uint8_t client_random[KP_RANDOM_LEN];
    uint8_t server_random[KP_RANDOM_LEN];
    uint8_t session_id[KP_SESSION_ID_MAX];
    uint8_t session_id_len;
    uint8_t master[KP_MASTER_LEN];
    struct kp_keys12 client_keys;
    struct kp_keys12 server_keys;
    struct kp_srp_state srp;
    uint8_t salt[KP_SALT_MAX]; /* as in ServerKeyExchange */
    uint8_t salt_len;

    /* server */
    bool have_credential;
    struct kp_credential credential;
    char *claimed; /* srp_I of ClientHello; ours */
    size_t claimed_len;
    struct kp_ticket_state ticket_state;
    uint8_t *ticket; /* as offered; ours */
    size_t ticket_len;

    /* client */
    const struct kp_login *login;
    const struct kp_session *session;
    const char *server_name;
};

/* Borrowed: context, records, outcome must outlive it. */
int kp_handshake_new(struct kp_handshake **out, struct kp_context *context,
                     struct kp_record_layer *records, struct kp_outcome *outcome,
                     uint64_t now) KP_MUST_CHECK;
/* Wipes and frees; NULL is fine. */
void kp_handshake_free(struct kp_handshake *hs);
void kp_outcome_clear(struct kp_outcome *outcome);

/* Runs rows until one suspends (enum kp_suspend), the flow ends (KP_FINISHED_FLOW) or fails. */
int kp_handshake_drive(struct kp_handshake *hs) KP_MUST_CHECK;
/* Takes a handshake record's content, or a ChangeCipherSpec's; then drive. */
int kp_handshake_feed(struct kp_handshake *hs, const uint8_t *data, size_t len) KP_MUST_CHECK;
int kp_handshake_ccs(struct kp_handshake *hs, const uint8_t *data, size_t len) KP_MUST_CHECK;
/* Whether a message is there in part: then nothing but its rest may follow. */
bool kp_handshake_partial(const struct kp_handshake *hs);
/* Maps what the record layer or the peer's alert said onto the proof, where that is what failed. */
int kp_handshake_failure(const struct kp_handshake *hs, int err, int peer_alert);

/* What both roles of TLS 1.2 do alike (srp12_common.c). */
int kp_srp12_random(struct kp_handshake *hs, uint8_t *out, size_t len) KP_MUST_CHECK;
int kp_srp12_shares_new(struct kp_handshake *hs, const struct kp_srp_group *group) KP_MUST_CHECK;
int kp_srp12_master(struct kp_handshake *hs, const uint8_t *s) KP_MUST_CHECK;
int kp_srp12_keys(struct kp_handshake *hs) KP_MUST_CHECK;
int kp_srp12_read_keys(struct kp_handshake *hs) KP_MUST_CHECK;
int kp_srp12_write_keys(struct kp_handshake *hs) KP_MUST_CHECK;
int kp_srp12_send_finished(struct kp_handshake *hs, struct kp_builder *b) KP_MUST_CHECK;
int kp_srp12_recv_finished(struct kp_handshake *hs, struct kp_reader *r) KP_MUST_CHECK;
/* A NUL-terminated copy in *out, which is freed first. */
int kp_copy_text(char **out, const void *data, size_t len) KP_MUST_CHECK;

/* Handlers that the flows name. */
int kp_server12_recv_hello(struct kp_handshake *hs, struct kp_reader *r);
int kp_server12_take_ticket(struct kp_handshake *hs);
int kp_server12_look_up(struct kp_handshake *hs);
int kp_server12_make_share(struct kp_handshake *hs);
int kp_server12_send_hello(struct kp_handshake *hs, struct kp_builder *b);
int kp_server12_send_key_exchange(struct kp_handshake *hs, struct kp_builder *b);
int kp_server12_send_done(struct kp_handshake *hs, struct kp_builder *b);
int kp_server12_recv_key_exchange(struct kp_handshake *hs, struct kp_reader *r);
int kp_server12_make_secret(struct kp_handshake *hs);
int kp_server12_send_ticket(struct kp_handshake *hs, struct kp_builder *b);
int kp_client12_send_hello(struct kp_handshake *hs, struct kp_builder *b);
int kp_client12_recv_hello(struct kp_handshake *hs, struct kp_reader *r);
int kp_client12_recv_key_exchange(struct kp_handshake *hs, struct kp_reader *r);
int kp_client12_recv_done(struct kp_handshake *hs, struct kp_reader *r);
int kp_client12_make_share(struct kp_handshake *hs);
int kp_client12_send_key_exchange(struct kp_handshake *hs, struct kp_builder *b);
int kp_client12_make_secret(struct kp_handshake *hs);
int kp_client12_recv_ticket(struct kp_handshake *hs, struct kp_reader *r);

#endif
