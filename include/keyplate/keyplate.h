/* clang-format off */
/*
 * Keyplate: TLS keyed by the password on the device's plate.
 *
 * The only public header.  The engine is sans-I/O: it owns no socket, no clock and no thread.
 * A caller moves bytes between four ports of a connection and looks at its state mask:
 *
 *                     +--------------------+
 *      wire in  ----> |                    | ----> app out    (plaintext from the peer)
 *      (from peer)    |   struct kp_conn   |
 *      wire out <---- |                    | <---- app in     (plaintext to the peer)
 *      (to peer)      +--------------------+
 *
 * The loop that drives it, whatever the event library:
 *
 *      for (;;) {
 *          unsigned s = kp_conn_state(c);
 *          if (s & KP_NEED_CREDENTIAL)  look kp_conn_user() up, kp_conn_credential()
 *          if (s & KP_NEED_COMPUTE)     kp_conn_compute(), here or on another thread
 *          if (s & KP_WIRE_OUT)         kp_wire_out() -> send() -> kp_wire_out_done()
 *          if (s & KP_APP_OUT)          kp_app_out() -> use it -> kp_app_out_done()
 *          if ((s & KP_CLOSED) && !(s & KP_WIRE_OUT))
 *                                       leave: kp_conn_error() says how it ended
 *          if (s & KP_WIRE_IN)          kp_wire_in_room() -> recv() -> kp_wire_in_done();
 *                                       at the wire's end kp_wire_in_end()
 *          if (s & KP_APP_IN)           kp_app_in() when there is something to say
 *      }
 *
 * The caller keeps the time: a handshake or a silence that lasts too long is its own to end.
 * Link with libkeyplate (pkg-config keyplate).
 *
 * Threads: a context may be shared by any number of threads; a connection belongs to one thread
 * at a time.  Errors: functions that return int give 0 or a negative enum kp_error; a connection
 * latches its first error, and everything that can be done after that is to send what is left on
 * wire out (the alert) and free it.
 *
 * Sources: RFC 5246 (TLS 1.2), RFC 5054 (SRP), RFC 7366 (encrypt-then-MAC), RFC 7627 (extended
 * master secret), RFC 5077 (tickets), RFC 8449 (record_size_limit), RFC 7301 (ALPN).
 */
/* clang-format on */
#ifndef KEYPLATE_KEYPLATE_H
#define KEYPLATE_KEYPLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__) || defined(__clang__)
#define KP_MUST_CHECK __attribute__((warn_unused_result))
#else
#define KP_MUST_CHECK
#endif

#if defined(__GNUC__) || defined(__clang__)
#pragma GCC visibility push(default)
#endif

/* This header's version, a byte a part. */
#define KEYPLATE_VERSION 0x000100

/* ---- Limits ------------------------------------------------------------------------------ */

#define KP_NAME_MAX 255          /* bytes of a user name: srp_I<1..2^8-1>, RFC 5054 2.8.1 */
#define KP_SALT_MAX 255          /* bytes of a salt: srp_s<1..2^8-1>, RFC 5054 2.8.1 */
#define KP_DEVICE_ID_MAX 255     /* bytes of a device id */
#define KP_SERVER_NAME_MAX 255   /* bytes of a host name in server_name, RFC 6066 3 */
#define KP_RECORD_MAX 16384      /* bytes of plaintext in a record: 2^14, RFC 5246 6.2.1 */
#define KP_TICKET_SECONDS 86400u /* a ticket dies this long after the password was proved */

/* ---- Errors ------------------------------------------------------------------------------ */

enum kp_error {
    KP_OK = 0,
    /* Ours: nothing is said to the peer but internal_error. */
    KP_E_MEMORY = -1,
    KP_E_ARGUMENT = -2, /* the caller broke a contract of this header */
    KP_E_CRYPTO = -3,   /* the crypto library failed */
    KP_E_INTERNAL = -4,
    /* The peer's messages are wrong: each has one alert. */
    KP_E_DECODE = -20,
    KP_E_UNEXPECTED = -21,
    KP_E_ILLEGAL = -22,
    KP_E_TOO_LONG = -23,
    KP_E_OVERFLOW = -24,
    KP_E_RECORD_MAC = -25,
    KP_E_FINISHED = -26,
    KP_E_EXTENSION = -27,
    KP_E_FLOOD = -28,
    KP_E_SHARE = -29,
    /* The peer's offer is not one that we take. */
    KP_E_VERSION = -40,
    KP_E_FALLBACK = -41,
    KP_E_NO_PASSWORD_SUITE = -42,
    KP_E_NO_USER = -43,
    KP_E_NO_ETM = -44,
    KP_E_NO_EMS = -45,
    KP_E_NO_ALPN = -46,
    KP_E_COMPRESSION = -47,
    KP_E_RENEGOTIATION = -48,
    KP_E_GROUP = -49,
    KP_E_SUITE = -50,
    /* What ended it. */
    KP_E_PROOF = -60,          /* wrong name or password, or not the device: one error for all */
    KP_E_PEER_ALERT = -61,     /* a fatal alert: kp_conn_peer_alert() */
    KP_E_TRUNCATED = -62,      /* the wire ended without close_notify */
    KP_E_TICKET_REFUSED = -63, /* client that may only resume: nothing of the password was used */
    KP_E_NOT_TLS = -64,
    KP_E_HTTP = -65,          /* plain HTTP on the wire */
    KP_E_SSLV2 = -66,         /* an SSLv2 hello */
    KP_E_NO_SRP_SERVER = -67, /* client: the server refused our offer: it has no password suites */
    /* Credentials. */
    KP_E_SYNTAX = -80, /* a file of credentials can't be parsed: struct kp_store_fault */
    KP_E_EXISTS = -81,
    KP_E_NOT_FOUND = -82,
    KP_E_NAME = -83,
    KP_E_DIFFERS = -84, /* another group or salt length than the file's */
};

/* One line of plain English without a full stop, static.  Never NULL. */
const char *kp_error_text(int error);
/* "bad_record_mac" for 20; "unknown" where RFC 5246, 5054, 7301 or 7507 have no name for it. */
const char *kp_alert_name(int alert);

/* ---- Context: what connections share ------------------------------------------------------ */

enum kp_role { KP_CLIENT, KP_SERVER };

/* Fills out[len] with random bytes that an attacker can't predict; 0, or negative on failure. */
typedef int kp_random_fn(void *arg, uint8_t *out, size_t len);
/* Gets one line of a key log (NSS format, no newline).  Never called by a build without keylog. */
typedef void kp_keylog_fn(void *arg, const char *line);

struct kp_settings {
    enum kp_role role;
    const char *const *alpn; /* protocols in order of preference, each 1..255 bytes; copied */
    size_t alpn_count;       /* 0: the extension is neither sent nor answered; at most 8 */
    size_t buffer_len;       /* bytes of a record buffer while bytes are in flight; less than 16 KiB
                                and a record's overhead is taken as that much */
    uint16_t record_size_limit; /* largest plaintext record we ask the peer for (RFC 8449), 512 to
                                   16384; 0: 16384 */
    bool defer_compute;         /* stop with KP_NEED_COMPUTE before heavy arithmetic */
    bool no_tickets;            /* server: issue and take none; client: ask for none */
    const uint8_t *device_id;   /* server: bound into tickets; copied */
    size_t device_id_len;
    kp_random_fn *random; /* NULL: the crypto library's generator */
    void *random_arg;
    kp_keylog_fn *keylog; /* NULL: none */
    void *keylog_arg;
};

struct kp_context;

/* Copies all of *settings.  *out has one reference.  KP_E_ARGUMENT, _MEMORY, _CRYPTO. */
int kp_context_new(struct kp_context **out, const struct kp_settings *settings) KP_MUST_CHECK;
struct kp_context *kp_context_ref(struct kp_context *context);
/* Gives a reference back; the last one wipes the ticket keys.  NULL is fine. */
void kp_context_free(struct kp_context *context);

/* ---- Credentials (server) ------------------------------------------------------------------ */

/* A parsed credentials file: immutable, counted, safe to share between threads.  Users that it
 * doesn't have are simulated: same group, salt length, messages, alerts and work (RFC 5054
 * 2.5.1.3). */
struct kp_store;

struct kp_store_fault {
    unsigned line; /* 1..; 0: not a line's fault */
    char why[120]; /* plain English, no secret */
};

/* Parses text[len], a credentials file, and prepares each verifier (secret: wiped on the last
 * kp_store_free).  On KP_E_SYNTAX *fault (never NULL) says where and
 * why. */
int kp_store_parse(struct kp_store **out, const char *text, size_t len,
                   struct kp_store_fault *fault) KP_MUST_CHECK;
struct kp_store *kp_store_ref(struct kp_store *store);
void kp_store_free(struct kp_store *store);
/* The file's device id, not NUL-terminated; lives as long as the store. */
const uint8_t *kp_store_device_id(const struct kp_store *store, size_t *len);

struct kp_srp_verifier;

/* What a connection needs of one user.  Borrowed: the store must outlive the handshake. */
struct kp_credential {
    const struct kp_srp_verifier *srp;
    uint8_t salt[KP_SALT_MAX];
    size_t salt_len;
    uint8_t binding[32]; /* SHA-256 over the verifier bytes and generation: what tickets die with */
    bool simulated;      /* secret: tell nobody, time nothing by it */
};

/* Never fails to find: an unknown name gets a simulated credential.  Only KP_E_CRYPTO. */
int kp_store_lookup(const struct kp_store *store, const char *name, size_t name_len,
                    struct kp_credential *out) KP_MUST_CHECK;

/* ---- The person's side (client) ------------------------------------------------------------ */

/* A name and what is kept of its password (for SRP: SHA1(name ":" password)); for any number of
 * connections.  Name and password are bytes, NFC-normalised by the caller.  The password itself is
 * not kept.  KP_E_NAME: name not 1..255 bytes.  KP_E_ARGUMENT: empty password. */
struct kp_login;
int kp_login_new(struct kp_login **out, struct kp_context *context, const char *name,
                 size_t name_len, const uint8_t *password, size_t password_len) KP_MUST_CHECK;
void kp_login_free(struct kp_login *login);

/* A ticket and its secrets, from a connection that was proved.  Secret as a whole. */
struct kp_session;
struct kp_session *kp_session_ref(struct kp_session *session);
void kp_session_free(struct kp_session *session);

/* ---- Connections ---------------------------------------------------------------------------- */

struct kp_conn;

enum kp_state {
    KP_WIRE_IN = 1u << 0,         /* there is room for bytes from the peer */
    KP_WIRE_OUT = 1u << 1,        /* there are bytes for the peer */
    KP_APP_IN = 1u << 2,          /* plaintext is taken */
    KP_APP_OUT = 1u << 3,         /* there is plaintext from the peer */
    KP_NEED_CREDENTIAL = 1u << 4, /* server: kp_conn_user(), then kp_conn_credential() */
    KP_NEED_COMPUTE = 1u << 5,    /* kp_conn_compute() */
    KP_HANDSHAKING = 1u << 6,
    KP_PROVED = 1u << 7,     /* both sides proved the password (or a ticket of such a proof) */
    KP_PEER_ENDED = 1u << 8, /* close_notify came and app out is empty */
    KP_CLOSED = 1u << 9,     /* over: failed, or ended by both; wire out may still hold bytes */
};

/* A connection of the context's role.  now: seconds of any clock that doesn't jump (the same for
 * all connections of a context); used for tickets only.  Keeps a reference to the context. */
int kp_conn_new(struct kp_conn **out, struct kp_context *context, uint64_t now) KP_MUST_CHECK;
/* Wipes and frees; NULL is fine. */
void kp_conn_free(struct kp_conn *conn);

/* Client: puts the ClientHello on wire out.  login and session are borrowed until KP_HANDSHAKING
 * clears.  With session: resumption is tried.  With login NULL a server that wants the password
 * gets nothing: KP_E_TICKET_REFUSED (a client is a guess oracle too: the caller decides when the
 * password is used again).  server_name: for SNI, or NULL (an address has none). */
int kp_conn_connect(struct kp_conn *conn, const struct kp_login *login,
                    const struct kp_session *session, const char *server_name) KP_MUST_CHECK;

unsigned kp_conn_state(const struct kp_conn *conn); /* enum kp_state bits */

/* wire in: put bytes at the room returned (its length in *len, 0 if there is none now; valid until
 * the next call on this connection, so not for a read that completes later), then say how many.
 * Less than was offered is fine.  Errors of the peer's bytes come out of _done. */
uint8_t *kp_wire_in_room(struct kp_conn *conn, size_t *len);
int kp_wire_in_done(struct kp_conn *conn, size_t len) KP_MUST_CHECK;
/* The wire has ended (FIN or reset).  KP_E_TRUNCATED unless close_notify came before. */
int kp_wire_in_end(struct kp_conn *conn) KP_MUST_CHECK;

/* wire out: bytes to send, valid until the next call; then say how many were sent. */
const uint8_t *kp_wire_out(const struct kp_conn *conn, size_t *len);
void kp_wire_out_done(struct kp_conn *conn, size_t len);

/* app in: seals up to len bytes, *used of them (0 when wire out must be drained first).  Refused
 * before KP_PROVED: KP_E_ARGUMENT. */
int kp_app_in(struct kp_conn *conn, const uint8_t *data, size_t len, size_t *used) KP_MUST_CHECK;
/* Ends our half: close_notify follows what was sealed.  The peer may go on. */
int kp_app_in_end(struct kp_conn *conn) KP_MUST_CHECK;

/* app out: plaintext, valid until the next call; then say how many bytes were used. */
const uint8_t *kp_app_out(const struct kp_conn *conn, size_t *len);
void kp_app_out_done(struct kp_conn *conn, size_t len);

/* Server, during KP_NEED_CREDENTIAL: the name to look up (of the ticket or of the ClientHello; not
 * NUL-terminated, any bytes: hostile).  Else the claimed name, or NULL. */
const char *kp_conn_user(const struct kp_conn *conn, size_t *len);
int kp_conn_credential(struct kp_conn *conn, const struct kp_credential *credential) KP_MUST_CHECK;
/* During KP_NEED_COMPUTE: a modular exponentiation or two.  No other call on this connection may
 * run at the same time. */
int kp_conn_compute(struct kp_conn *conn) KP_MUST_CHECK;

int kp_conn_error(const struct kp_conn *conn);      /* the first error, or 0 */
int kp_conn_peer_alert(const struct kp_conn *conn); /* its last fatal alert, or -1 */
int kp_conn_sent_alert(const struct kp_conn *conn); /* our fatal alert, or -1 */

struct kp_info {
    uint16_t version;         /* 0x0303 */
    uint16_t suite;           /* 0xC020, ... */
    const char *version_name; /* "TLSv1.2" */
    const char *suite_name;   /* as OpenSSL prints it: "SRP-AES-256-CBC-SHA" */
    unsigned group_bits;      /* of a password handshake; 0 when resumed */
    bool resumed;
    bool ticket;        /* client: the server gave one */
    bool password_used; /* client: the peer got, or gets with what is on wire out, what it can check
                           one guess at the password with; also after a failure, whichever */
    uint64_t proof_time; /* now of the connection that proved the password; server only */
    const char *user;    /* the proved name, NUL-terminated; NULL before KP_PROVED.  Bytes: escape
                            them; a NUL inside is refused earlier */
    size_t user_len;
    const char *alpn;        /* negotiated protocol, NUL-terminated, or NULL */
    const char *server_name; /* server: SNI as sent, NUL-terminated, or NULL */
};

/* Pointers live as long as the connection. */
void kp_conn_info(const struct kp_conn *conn, struct kp_info *out);

/* Client after KP_PROVED: a session to resume with (one reference for the caller), or NULL when the
 * server gave none. */
struct kp_session *kp_conn_session(const struct kp_conn *conn);

#ifdef __cplusplus
}
#endif

#if defined(__GNUC__) || defined(__clang__)
#pragma GCC visibility pop
#endif
#endif
