/*
 * A handshake in progress: its state, the rows of its flow, and the driver that runs them.
 *
 * A flow is a table of rows; the driver (drive.c) is the one loop that receives, sends, hashes the
 * transcript, suspends and advances.  Handlers do message logic only: they see a reader or a
 * builder, never a record or a buffer.
 */
#ifndef KP_HANDSHAKE_HANDSHAKE_H
#define KP_HANDSHAKE_HANDSHAKE_H

#include "crypto/exchange.h"
#include "handshake/context.h"
#include "key/keys13.h"
#include "key/transcript.h"
#include "message/message13.h"
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
    KP_FACT_OFFER12 = 1u << 7,        /* client: what the ClientHello offers */
    KP_FACT_OFFER13 = 1u << 8,
    KP_FACT_OFFER_PAKE = 1u << 9,
    KP_FACT_OFFER_PSK = 1u << 10,
    KP_FACT_OFFER_GROUPS = 1u << 11, /* key_share and supported_groups */
    KP_FACT_RETRIED = 1u << 12,      /* HelloRetryRequest was sent or came */
    KP_FACT_COMPAT = 1u << 13,       /* TLS 1.3: ChangeCipherSpec goes out, RFC 8446 D.4 */
    KP_FACT_CCS_SEEN = 1u << 14,     /* client: one came before ServerHello */
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
    KP_SUSPEND_GUESS,
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
extern const struct kp_step kp_flow_server[]; /* to one of the next two, or to the retry */
extern const struct kp_step kp_flow12_server[];
extern const struct kp_step kp_flow13_server[];
extern const struct kp_step kp_flow13_server_retry[];
extern const struct kp_step kp_flow12_server_resumed[];
extern const struct kp_step kp_flow_client[];
extern const struct kp_step kp_flow12_client_full[];
extern const struct kp_step kp_flow12_client_resumed[];
extern const struct kp_step kp_flow13_client[];
extern const struct kp_step kp_flow13_client_retry[];

/* SRP's part. */
struct kp_srp_state {
    struct kp_srp_group *own_group; /* client: made for this handshake */
    const struct kp_srp_group *group;
    uint8_t exponent[KP_SRP_EXPONENT_LEN]; /* secret: a or b */
    uint8_t *ours;                         /* our share, a residue */
    uint8_t *theirs;                       /* the peer's share, a residue */
};

/* TLS 1.3's part. */
struct kp_state13 {
    uint8_t form;                  /* KP_PAKE_*; 0: the password takes no part */
    uint16_t group;                /* of the key exchange; 0: none */
    uint8_t scalar[KP_SCALAR_LEN]; /* secret: x or y */
    uint8_t share_p[KP_POINT_LEN];
    uint8_t share_v[KP_POINT_LEN];
    uint8_t confirm_v[KP_SPAKE2PLUS_CONFIRM_LEN];
    uint8_t input[KP_SPAKE2PLUS_SHARED_LEN + KP_EXCHANGE_SECRET_MAX]; /* secret: in the place of
                                                                         (EC)DHE */
    size_t input_len;
    struct kp_exchange *exchange; /* client: of the key share that was offered */
    uint8_t *share;               /* the key share to send; ours */
    size_t share_len;
    uint8_t *peer_share; /* and the one that came; ours */
    size_t peer_share_len;
    struct kp_schedule13 schedule;      /* secret */
    uint8_t client_secret[KP_HASH_MAX]; /* secret: handshake traffic secrets */
    uint8_t server_secret[KP_HASH_MAX];
    uint8_t groups[16]; /* client: the list that was offered */
    uint8_t *cookie;    /* client: of HelloRetryRequest; ours */
    size_t cookie_len;
    uint8_t fixed[KP_SHA256_LEN];     /* server: of what a second ClientHello must repeat */
    uint16_t asked_group;             /* of HelloRetryRequest; 0: none was asked for */
    uint16_t psk_index;               /* server: of the ticket that was taken */
    uint8_t binder[KP_HASH_MAX];      /* server: as it came with that ticket */
    uint8_t binder_hash[KP_HASH_MAX]; /* and what it covers */
};

/* What is made of a connection's secrets later: exporters, tickets, new keys.  Secret. */
union kp_kept {
    struct {
        uint8_t master[KP_MASTER_LEN];
        uint8_t client_random[KP_RANDOM_LEN];
        uint8_t server_random[KP_RANDOM_LEN];
    } tls12;
    struct {
        uint8_t client[KP_HASH_MAX]; /* application traffic secrets as they are now */
        uint8_t server[KP_HASH_MAX];
        uint8_t exporter[KP_HASH_MAX];
        uint8_t resumption[KP_HASH_MAX];
    } tls13;
};

/* Kept with the connection after the handshake. */
struct kp_outcome {
    uint16_t version;
    uint16_t suite;
    uint16_t group_bits; /* SRP's */
    uint16_t group;      /* TLS 1.3's */
    uint8_t form;        /* KP_PAKE_* */
    bool resumed;
    bool retried;
    bool password_used; /* what the peer gets from here on lets it check a guess */
    uint64_t now;       /* when the connection began */
    uint64_t proof_time;
    union kp_kept kept;
    char *user; /* claimed until the peer's Finished is verified; NUL-terminated, ours */
    size_t user_len;
    char *alpn;
    char *server_name;
    char *device_id; /* client of TLS 1.3: whom it is for */
    size_t device_id_len;
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
    size_t hello_len; /* server: of the ClientHello that is looked at, header included */

    const struct kp_suite *suite;
    uint8_t client_random[KP_RANDOM_LEN];
    uint8_t server_random[KP_RANDOM_LEN];
    uint8_t session_id[KP_SESSION_ID_MAX];
    uint8_t session_id_len;
    int16_t alert; /* instead of the error's own; -1: that one */
    uint8_t master[KP_MASTER_LEN];
    struct kp_keys12 client_keys;
    struct kp_keys12 server_keys;
    struct kp_srp_state srp;
    struct kp_state13 t13;
    uint8_t salt[KP_SALT_MAX]; /* as in ServerKeyExchange */
    uint8_t salt_len;

    /* server */
    bool prefer_tls12;
    bool ask_cookie;
    bool proves_nothing; /* TLS 1.3: made for another device, or by a name that nobody can have */
    bool have_credential;
    bool guess_answered;
    bool guess_granted;
    struct kp_credential credential;
    char *claimed; /* srp_I or client_identity of ClientHello; ours */
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
/* The alert that tells of err, or -1. */
int kp_handshake_alert(const struct kp_handshake *hs, int err);
/* ChangeCipherSpec in the clear is nothing now but a middlebox's comfort (RFC 8446 5). */
bool kp_handshake_drops_ccs(const struct kp_handshake *hs);

/* What all of them do alike (drive.c). */
/* A NUL-terminated copy in *out, which is freed first. */
int kp_copy_text(char **out, const void *data, size_t len) KP_MUST_CHECK;
int kp_copy_bytes(uint8_t **out, size_t *out_len, struct kp_span data) KP_MUST_CHECK;
int kp_handshake_random(struct kp_handshake *hs, uint8_t *out, size_t len) KP_MUST_CHECK;
/* One line of a key log: label, client_random, secret[len].  Nothing without keylog. */
void kp_handshake_log_secret(const struct kp_handshake *hs, const char *label,
                             const uint8_t *secret, size_t len);

/* What both servers do with a ClientHello (choose.c). */
int kp_server_pick_alpn(struct kp_handshake *hs, const struct kp_client_hello *hello) KP_MUST_CHECK;
int kp_server_keep_hello(struct kp_handshake *hs,
                         const struct kp_client_hello *hello) KP_MUST_CHECK;
int kp_server_name_user(struct kp_handshake *hs, const char *name, size_t len) KP_MUST_CHECK;
/* What both clients do with an answer (offer.c). */
void kp_client_fill_extensions(struct kp_handshake *hs, struct kp_extensions *ext);
/* Decides what to offer, by login, session and settings.  KP_E_ARGUMENT: nothing can be. */
int kp_client_plan(struct kp_handshake *hs) KP_MUST_CHECK;
int kp_client_take_alpn(struct kp_handshake *hs, const struct kp_extensions *ext) KP_MUST_CHECK;

/* What both roles of TLS 1.2 do alike (srp12_common.c). */
int kp_srp12_shares_new(struct kp_handshake *hs, const struct kp_srp_group *group) KP_MUST_CHECK;
int kp_srp12_master(struct kp_handshake *hs, uint8_t *s) KP_MUST_CHECK; /* changes s */
int kp_srp12_keys(struct kp_handshake *hs) KP_MUST_CHECK;
int kp_srp12_read_keys(struct kp_handshake *hs) KP_MUST_CHECK;
int kp_srp12_write_keys(struct kp_handshake *hs) KP_MUST_CHECK;
int kp_srp12_send_finished(struct kp_handshake *hs, struct kp_builder *b) KP_MUST_CHECK;
int kp_srp12_recv_finished(struct kp_handshake *hs, struct kp_reader *r) KP_MUST_CHECK;

/* What both roles of TLS 1.3 do alike (pake13_common.c). */
struct kp_spake2plus_names kp_tls13_names(uint8_t form, struct kp_span user,
                                          struct kp_span device_id);
/* The groups for key_share, best first; 0 behind the last. */
uint16_t kp_tls13_group(const struct kp_crypto *crypto, size_t index);
/* Limits both ways, when record_size_limit was offered and answered (RFC 8449 4). */
void kp_tls13_limit_records(struct kp_handshake *hs, uint16_t theirs);
uint16_t kp_tls13_record_limit(const struct kp_context *context);
/* The binder of the PSK that the schedule was started with. */
int kp_tls13_binder(const struct kp_schedule13 *schedule, const uint8_t *hash,
                    uint8_t *out) KP_MUST_CHECK;
/* Application traffic and exporter secrets, by the transcript up to the server's Finished. */
int kp_tls13_traffic_secrets(struct kp_handshake *hs) KP_MUST_CHECK;
int kp_tls13_resumption_secret(struct kp_handshake *hs) KP_MUST_CHECK;
/* Record keys of a traffic secret; the sequence number starts at 0.  KP_E_UNEXPECTED: a message is
 * there in part, which must not span a change of keys (RFC 8446 5.1). */
int kp_tls13_install_read(struct kp_handshake *hs, const uint8_t *secret) KP_MUST_CHECK;
int kp_tls13_install_write(struct kp_handshake *hs, const uint8_t *secret) KP_MUST_CHECK;
/* The same without a handshake (post13.c). */
int kp_tls13_protect(struct kp_protect *protect, const struct kp_crypto *crypto,
                     const struct kp_suite *suite, struct kp_mac *mac, const uint8_t *secret,
                     bool sealing) KP_MUST_CHECK;

/* HelloRetryRequest of a server (retry13.c): what its cookie holds. */
struct kp_retry13 {
    uint16_t suite;
    uint16_t group;               /* asked for; 0: none */
    uint8_t fixed[KP_SHA256_LEN]; /* of what the second ClientHello must repeat */
    uint8_t hash[KP_HASH_MAX];    /* of the first ClientHello */
};
/* The digest of everything in a ClientHello that its second must repeat (RFC 8446 4.1.2):
 * asked_group is the one that HelloRetryRequest names, or 0. */
int kp_retry13_fixed(const struct kp_crypto *crypto, const struct kp_client_hello *hello,
                     uint16_t asked_group, uint8_t out[static KP_SHA256_LEN]) KP_MUST_CHECK;
/* KP_E_ILLEGAL: not a cookie of ours. */
int kp_retry13_open(const struct kp_context *context, struct kp_span cookie,
                    struct kp_retry13 *out) KP_MUST_CHECK;
/* The transcript as it was when the HelloRetryRequest had been sent. */
int kp_retry13_transcript(struct kp_handshake *hs, const struct kp_retry13 *retry,
                          struct kp_span cookie) KP_MUST_CHECK;

/* Where the flows of a version begin, when ClientHello or ServerHello has chosen it. */
int kp_server12_begin(struct kp_handshake *hs, const struct kp_client_hello *hello) KP_MUST_CHECK;
int kp_server13_begin(struct kp_handshake *hs, const struct kp_client_hello *hello) KP_MUST_CHECK;
int kp_client12_begin(struct kp_handshake *hs, const struct kp_server_hello *hello) KP_MUST_CHECK;
int kp_client13_begin(struct kp_handshake *hs, const struct kp_server_hello *hello) KP_MUST_CHECK;
int kp_client13_retry(struct kp_handshake *hs, const struct kp_server_hello *hello) KP_MUST_CHECK;

/* Handlers that the flows name. */
int kp_server_recv_hello(struct kp_handshake *hs, struct kp_reader *r);
int kp_server12_take_ticket(struct kp_handshake *hs);
int kp_server12_look_up(struct kp_handshake *hs);
int kp_server12_make_share(struct kp_handshake *hs);
int kp_server12_send_hello(struct kp_handshake *hs, struct kp_builder *b);
int kp_server12_send_key_exchange(struct kp_handshake *hs, struct kp_builder *b);
int kp_server12_send_done(struct kp_handshake *hs, struct kp_builder *b);
int kp_server12_recv_key_exchange(struct kp_handshake *hs, struct kp_reader *r);
int kp_server12_make_secret(struct kp_handshake *hs);
int kp_server12_guess(struct kp_handshake *hs);
int kp_server12_send_ticket(struct kp_handshake *hs, struct kp_builder *b);
int kp_client_make_shares(struct kp_handshake *hs);
int kp_client_send_hello(struct kp_handshake *hs, struct kp_builder *b);
int kp_client_recv_hello(struct kp_handshake *hs, struct kp_reader *r);
int kp_client12_recv_key_exchange(struct kp_handshake *hs, struct kp_reader *r);
int kp_client12_recv_done(struct kp_handshake *hs, struct kp_reader *r);
int kp_client12_make_share(struct kp_handshake *hs);
int kp_client12_send_key_exchange(struct kp_handshake *hs, struct kp_builder *b);
int kp_client12_make_secret(struct kp_handshake *hs);
int kp_client12_recv_ticket(struct kp_handshake *hs, struct kp_reader *r);
int kp_server13_send_retry(struct kp_handshake *hs, struct kp_builder *b);
int kp_server13_recv_second_hello(struct kp_handshake *hs, struct kp_reader *r);
int kp_server13_take_ticket(struct kp_handshake *hs);
int kp_server13_look_up(struct kp_handshake *hs);
int kp_server13_turn(struct kp_handshake *hs);
int kp_server13_guess(struct kp_handshake *hs);
int kp_server13_compute(struct kp_handshake *hs);
int kp_server13_send_hello(struct kp_handshake *hs, struct kp_builder *b);
int kp_server13_send_extensions(struct kp_handshake *hs, struct kp_builder *b);
int kp_server13_await_client(struct kp_handshake *hs);
int kp_server13_done(struct kp_handshake *hs);
int kp_server13_send_ticket(struct kp_handshake *hs, struct kp_builder *b);
int kp_client13_send_second_hello(struct kp_handshake *hs, struct kp_builder *b);
int kp_client13_recv_second_hello(struct kp_handshake *hs, struct kp_reader *r);
int kp_client13_compute(struct kp_handshake *hs);
int kp_client13_recv_extensions(struct kp_handshake *hs, struct kp_reader *r);
int kp_client13_server_done(struct kp_handshake *hs);
int kp_client13_done(struct kp_handshake *hs);
int kp_tls13_send_ccs(struct kp_handshake *hs);
int kp_tls13_handshake_keys(struct kp_handshake *hs);
int kp_tls13_send_finished(struct kp_handshake *hs, struct kp_builder *b);
int kp_tls13_recv_finished(struct kp_handshake *hs, struct kp_reader *r);

#endif
