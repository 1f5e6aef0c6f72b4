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
 *          if (s & KP_NEED_GUESS)       kp_throttle_take(), kp_conn_guess()
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
 * Sources: RFC 8446 (TLS 1.3), RFC 9383 (SPAKE2+), draft-ietf-tls-pake-02; RFC 5246 (TLS 1.2),
 * RFC 5054 (SRP), RFC 7366 (encrypt-then-MAC), RFC 7627 (extended master secret), RFC 5077
 * (tickets); RFC 8449 (record_size_limit), RFC 7301 (ALPN), RFC 5705 (exporters).
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
#define KEYPLATE_VERSION 0x000400

/* ---- Limits ------------------------------------------------------------------------------ */

#define KP_NAME_MAX 255          /* bytes of a user name: srp_I<1..2^8-1>, RFC 5054 2.8.1 */
#define KP_SALT_MAX 255          /* bytes of a salt: srp_s<1..2^8-1>, RFC 5054 2.8.1 */
#define KP_DEVICE_ID_MAX 255     /* bytes of a device id */
#define KP_SERVER_NAME_MAX 255   /* bytes of a host name in server_name, RFC 6066 3 */
#define KP_RECORD_MAX 16384      /* bytes of plaintext in a record: 2^14, RFC 5246 6.2.1 */
#define KP_TICKET_SECONDS 86400u /* a ticket dies this long after the password was proved */
#define KP_EXPORT_LEN_MAX 8160   /* bytes of one export */

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
    KP_E_MISSING = -30, /* an extension that must be there isn't */
    KP_E_BINDER = -31,  /* a ticket is shown by somebody who doesn't have its secret */
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
    KP_E_NO_SCHEME = -51,   /* TLS 1.3: pake without SPAKE2+ */
    KP_E_NO_GROUP = -52,    /* TLS 1.3: no group of ours for key_share */
    KP_E_CERTIFICATE = -53, /* TLS 1.3: a certificate is wanted beside the PAKE */
    KP_E_NO_SUITE = -54,    /* TLS 1.3: no suite of ours */
    KP_E_ONLY_TLS12 = -55,  /* client that offered TLS 1.3 alone: the server chose 1.2 */
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

/* Versions, of kp_settings.versions. */
#define KP_USE_TLS12 1u /* with SRP */
#define KP_USE_TLS13 2u /* with SPAKE2+ */
/* Forms of TLS 1.3 with SPAKE2+, of kp_settings.pake: the working group's (draft-ietf-tls-pake-02)
 * and the earlier one that BoringSSL has.  A ClientHello with key_share is the first, one without
 * the second. */
#define KP_PAKE_IETF 1u
#define KP_PAKE_BORINGSSL 2u

struct kp_settings {
    enum kp_role role;
    unsigned versions; /* KP_USE_*; 0: both.  A client offers TLS 1.3 with a login that has a device
                          id, or with a session of TLS 1.3 */
    unsigned pake;     /* KP_PAKE_*; 0: a server takes both, a client sends KP_PAKE_IETF.  A client
                          has one: the other is never tried silently */
    const char *const *alpn; /* protocols in order of preference, each 1..255 bytes; copied */
    size_t alpn_count;       /* 0: the extension is neither sent nor answered; at most 8 */
    size_t buffer_len;       /* bytes of a record buffer while bytes are in flight; less than 16 KiB
                                and a record's overhead is taken as that much */
    uint16_t record_size_limit; /* largest plaintext record we ask the peer for (RFC 8449), 512 to
                                   16384; 0: 16384 */
    bool defer_compute;         /* stop with KP_NEED_COMPUTE before heavy arithmetic */
    bool count_guesses;         /* server: stop with KP_NEED_GUESS before a guess is judged */
    bool no_tickets;            /* server: issue and take none; client: ask for none */
    const uint8_t *device_id;   /* server: server_identity of TLS 1.3, bound into tickets; copied */
    size_t device_id_len;
    uint32_t key_update_records; /* TLS 1.3: records that we seal with one key before KeyUpdate; 0:
                                    2^24, the most (RFC 8446 5.5) */
    kp_random_fn *random;        /* NULL: the crypto library's generator */
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

/* Whether some user has an SRP half alone.  While one has, clients that offer both versions must
 * get TLS 1.2 (kp_conn_prefer_tls12): a pick by the user's name would tell who exists. */
bool kp_store_prefers_tls12(const struct kp_store *store);

struct kp_srp_verifier;
struct kp_spake2plus_verifier;

/* What a connection needs of one user.  Borrowed: the store must outlive the handshake.  A half
 * that the user doesn't have is simulated, as both are of nobody: secret, tell nobody, time nothing
 * by it. */
struct kp_credential {
    const struct kp_srp_verifier *srp;
    const struct kp_spake2plus_verifier *spake2plus;
    const struct kp_spake2plus_verifier *nobody; /* what a guess that isn't judged gets: TLS 1.3 */
    uint8_t salt[KP_SALT_MAX];
    size_t salt_len;
    uint8_t binding[32]; /* SHA-256 over the verifier bytes and generation: what tickets die with */
    bool srp_simulated;
    bool spake2plus_simulated;
};

/* Never fails to find: an unknown name gets a simulated credential.  Only KP_E_CRYPTO. */
int kp_store_lookup(const struct kp_store *store, const char *name, size_t name_len,
                    struct kp_credential *out) KP_MUST_CHECK;

/* ---- Guesses (server) ------------------------------------------------------------------------ */

/* How many guesses at passwords are judged: one set of token buckets for all versions of TLS, for
 * each source, for each name and for all together.  A guess takes a token of each before it can
 * learn anything; only a proof gives its own back.  What isn't judged looks like a wrong password.
 * Names are treated alike whether or not there is such a user.  Nothing is ever locked for good: a
 * refused guess takes nothing.
 *
 * - A source is an IPv6 address' first 64 bits, or an IPv4 address.
 * - The last quarter of a name's tokens, and of all tokens, is for sources that have no failure of
 *   their own: those are served first.
 * - Who was proved from a source is, from there, exempt for 30 days from what others do to that
 * name and to all: then a bucket of that pair alone counts, beside the source's own.  So is nobody
 * else from there.
 * - Tables have a fixed size and are keyed by a secret: nobody can choose whom to share a place
 * with. When one is full, what has the least to forget is forgotten.
 *
 * State can outlive the process: then it is leased, written before tokens are spent, a few at a
 * time, and what was leased counts as spent after a restart.  It holds the seconds that are left,
 * and no time of any clock.  Leases are renewed before they are used up (kp_guess.lease), so that
 * only a guess at something new waits for the disk, or one that comes faster than the disk writes.
 * Who is exempt never waits, so that time doesn't tell that it is: what it spent is written when
 * kp_throttle_unsettled says so, and a crash before that forgets it.
 *
 * Safe to share between threads.  Times are milliseconds of any clock that doesn't jump, the same
 * for all calls. */
struct kp_throttle;

/* A bucket: tokens when it is full, and seconds until one comes back. */
struct kp_bucket {
    uint32_t burst;   /* 4 to 10000; 0: the default */
    uint32_t seconds; /* 1 to 86400; 0: the default */
};

struct kp_throttle_settings {
    struct kp_bucket source; /* default: 16, one in 60 seconds */
    struct kp_bucket name;   /* default: 32, one in 300 seconds; of a proved pair too */
    struct kp_bucket all;    /* default: 64, one in 60 seconds */
    bool leased;             /* kp_throttle_take says KP_GUESS_LEASE when state has to be written */
    kp_random_fn *random;    /* NULL: the crypto library's generator */
    void *random_arg;
};

#define KP_SOURCE_LEN 16 /* bytes of an IPv6 address, or ::ffff:a.b.c.d: RFC 4291 2.5.5.2 */
#define KP_THROTTLE_STATE_MAX 65536 /* bytes of state, at most */

enum kp_verdict {
    KP_GUESS_GRANTED, /* judge it: kp_conn_guess(conn, true) */
    KP_GUESS_REFUSED, /* don't: kp_conn_guess(conn, false) */
    KP_GUESS_LEASE,   /* write kp_throttle_state first, say kp_throttle_stored, ask again */
};

/* What a granted guess took; the caller keeps it until the connection is proved, or drops it. */
struct kp_guess {
    uint64_t source;
    uint64_t name;
    bool exempt;
    bool granted;
    bool lease; /* with any verdict: the state should be written soon */
};

/* KP_E_ARGUMENT: a bucket out of its range.  KP_E_MEMORY, KP_E_CRYPTO. */
int kp_throttle_new(struct kp_throttle **out,
                    const struct kp_throttle_settings *settings) KP_MUST_CHECK;
/* Wipes and frees; NULL is fine. */
void kp_throttle_free(struct kp_throttle *throttle);

/* Before anything else: takes up what an earlier process wrote.  text[len]: hostile or damaged, it
 * is KP_E_SYNTAX and changes nothing. */
int kp_throttle_restore(struct kp_throttle *throttle, const char *text, size_t len,
                        uint64_t now_ms) KP_MUST_CHECK;
/* What wasn't to be restored is taken as spent: as if all tokens of `all` were gone now, so that a
 * lost state is no way to more guesses. */
void kp_throttle_spend(struct kp_throttle *throttle, uint64_t now_ms);

/* A guess at the password of name[len] (any bytes) from source is to be judged.  *out is set with
 * each verdict.  A refused guess never wants a state written. */
enum kp_verdict kp_throttle_take(struct kp_throttle *throttle, const uint8_t source[KP_SOURCE_LEN],
                                 const char *name, size_t len, uint64_t now_ms,
                                 struct kp_guess *out) KP_MUST_CHECK;
/* That guess was right: its tokens come back, no others, and the pair is exempt from now on.  Once
 * for a guess; one that wasn't granted changes nothing. */
void kp_throttle_proved(struct kp_throttle *throttle, struct kp_guess *guess, uint64_t now_ms);
/* Seconds until a guess from source could be judged as far as its own failures go; 0: now. */
uint32_t kp_throttle_wait(struct kp_throttle *throttle, const uint8_t source[KP_SOURCE_LEN],
                          uint64_t now_ms);

/* State to be written durably, with leases for all who asked: text, NUL-terminated, its length
 * returned; less than KP_THROTTLE_STATE_MAX.  Secret in so far as it holds the tables' key.  One
 * caller at a time, from here to kp_throttle_stored. */
size_t kp_throttle_state(struct kp_throttle *throttle, uint64_t now_ms,
                         char out[KP_THROTTLE_STATE_MAX]);
/* It is written; or it can't be, and the guesses go on without. */
void kp_throttle_stored(struct kp_throttle *throttle);
/* Whether it is time to write the state again, to be asked a few times a second: it doesn't know of
 * a guess of who is exempt; or it says more than it has to, or lacks a proof, and nobody has made a
 * guess for three seconds.  A restart then costs nobody anything. */
bool kp_throttle_unsettled(struct kp_throttle *throttle, uint64_t now_ms);
/* No guess follows: the next state holds what is spent, and nothing ahead. */
void kp_throttle_rest(struct kp_throttle *throttle);

/* ---- The person's side (client) ------------------------------------------------------------ */

/* A name and what is kept of its password (for SRP: SHA1(name ":" password)); for any number of
 * connections.  Name and password are bytes, NFC-normalised by the caller.  The password itself is
 * not kept.  KP_E_NAME: name not 1..255 bytes.  KP_E_ARGUMENT: empty password. */
struct kp_login;
int kp_login_new(struct kp_login **out, struct kp_context *context, const char *name,
                 size_t name_len, const uint8_t *password, size_t password_len) KP_MUST_CHECK;
/* Adds what TLS 1.3 needs: the same password, bound to one device by its id (bytes, may be empty).
 * Once for a login.  scrypt: 32 MiB and a tenth of a second or more; kp_login_new takes no time.
 * KP_E_ARGUMENT: the id is too long, or the login has one. */
int kp_login_device(struct kp_login *login, const uint8_t *password, size_t password_len,
                    const uint8_t *device_id, size_t device_id_len) KP_MUST_CHECK;
void kp_login_free(struct kp_login *login);

/* A ticket and its secrets, from a connection that was proved.  Secret as a whole. */
struct kp_session;
struct kp_session *kp_session_ref(struct kp_session *session);
void kp_session_free(struct kp_session *session);

/* ---- Before a connection -------------------------------------------------------------------- */

enum kp_first {
    KP_FIRST_MORE,         /* it can't be told yet */
    KP_FIRST_PASSWORD_TLS, /* a ClientHello for kp_conn: it has SRP, a PAKE or a ticket of ours */
    KP_FIRST_OTHER_TLS,    /* any other ClientHello: another TLS server's, if there is one */
    KP_FIRST_HTTP,         /* the start of a request line */
    KP_FIRST_OTHER,        /* none of these, or a ClientHello that can't be judged: to be refused */
};

#define KP_FIRST_MAX 32768 /* after so many bytes it can always be told */

/* Tells by the first bytes of a connection what its peer speaks, so that one port can serve
 * several.  bytes[len]: all that came so far, from the very first on.  Once it isn't KP_FIRST_MORE
 * more bytes don't change it, and with KP_FIRST_MAX bytes it never is.  Nothing is kept: give the
 * same bytes to whoever serves the peer, kp_wire_in_room for KP_FIRST_PASSWORD_TLS.
 *
 * A ClientHello may stand in several records.  It counts as password TLS by what any server would
 * read in it: the srp extension or a suite of RFC 5054, the pake extension, a ticket that a server
 * of this library gave at any time, whether or not it still opens.  So KP_FIRST_OTHER_TLS says that
 * the password and its tickets are nothing to this peer.  Whether the body of an extension
 * is well-formed isn't asked; a hello whose own framing is broken, that is longer than kp_conn
 * takes (16 KiB) or is cut so small that it fills KP_FIRST_MAX bytes is KP_FIRST_OTHER, as is one
 * in the form of SSLv2.  Of HTTP the method is looked at, capital letters and a space. */
enum kp_first kp_first_bytes(const uint8_t *bytes, size_t len);

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
    KP_PROVED = 1u << 7,      /* both sides proved the password (or a ticket of such a proof) */
    KP_PEER_ENDED = 1u << 8,  /* close_notify came and app out is empty */
    KP_CLOSED = 1u << 9,      /* over: failed, or ended by both; wire out may still hold bytes */
    KP_NEED_GUESS = 1u << 10, /* server with count_guesses: kp_throttle_take(), kp_conn_guess() */
};

/* A connection of the context's role.  now: seconds of any clock that doesn't jump (the same for
 * all connections of a context); used for tickets only.  Keeps a reference to the context. */
int kp_conn_new(struct kp_conn **out, struct kp_context *context, uint64_t now) KP_MUST_CHECK;
/* Wipes and frees; NULL is fine. */
void kp_conn_free(struct kp_conn *conn);

/* Client: puts the ClientHello on wire out.  login and session are borrowed until KP_HANDSHAKING
 * clears.  With session: resumption is tried; one of TLS 1.3 must be of the login's user and
 * device, else KP_E_ARGUMENT.  With login NULL a server that wants the password gets nothing:
 * KP_E_TICKET_REFUSED (a client is a guess oracle too: the caller decides when the password is used
 * again).  server_name: for SNI, or NULL (an address has none). */
int kp_conn_connect(struct kp_conn *conn, const struct kp_login *login,
                    const struct kp_session *session, const char *server_name) KP_MUST_CHECK;

/* Server, before its first byte comes.  KP_E_ARGUMENT later.
 * prefer_tls12: who offers both versions gets TLS 1.2 (kp_store_prefers_tls12).
 * ask_cookie: a client of TLS 1.3 must come back with a cookie (HelloRetryRequest, RFC 8446 4.2.2)
 * before anything is computed for it: for a server under load. */
int kp_conn_prefer_tls12(struct kp_conn *conn) KP_MUST_CHECK;
int kp_conn_ask_cookie(struct kp_conn *conn) KP_MUST_CHECK;

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

/* What was computed of the keys, some 2 KB, is given back whenever no byte is in flight, and
 * computed again for the next: an idle connection is small.  warm: it is kept from now on, which
 * saves a microsecond or more for each small exchange; false: given back now, and as before.  For
 * callers who know which few of their connections are busy. */
void kp_conn_keep_warm(struct kp_conn *conn, bool warm);

/* app in: seals up to len bytes, *used of them (0 when wire out must be drained first).  Refused
 * before KP_PROVED: KP_E_ARGUMENT. */
int kp_app_in(struct kp_conn *conn, const uint8_t *data, size_t len, size_t *used) KP_MUST_CHECK;
/* Ends our half: close_notify follows what was sealed.  The peer may go on. */
int kp_app_in_end(struct kp_conn *conn) KP_MUST_CHECK;

/* app out: plaintext, valid until the next call; then say how many bytes were used. */
const uint8_t *kp_app_out(const struct kp_conn *conn, size_t *len);
void kp_app_out_done(struct kp_conn *conn, size_t len);

/* Server, during KP_NEED_CREDENTIAL: the name to look up (of the ticket or of the ClientHello; any
 * bytes and, in TLS 1.3, from none to 16 KiB of them: hostile).  Else the claimed name, or NULL. */
const char *kp_conn_user(const struct kp_conn *conn, size_t *len);
int kp_conn_credential(struct kp_conn *conn, const struct kp_credential *credential) KP_MUST_CHECK;
/* During KP_NEED_GUESS: the peer is about to learn whether its password is right, or has sent what
 * tells us: in TLS 1.3 before its share is used, in TLS 1.2 before its Finished is.  Comes once,
 * and never for a ticket.  In TLS 1.3 it comes after KP_NEED_COMPUTE, so that no guess is counted
 * while it waits for its turn, and kp_conn_guess does the arithmetic.  granted false: it is not
 * judged, with the messages, alerts and work of a wrong password. */
int kp_conn_guess(struct kp_conn *conn, bool granted) KP_MUST_CHECK;
/* During KP_NEED_COMPUTE: a modular exponentiation or two, or a few multiplications of points.  No
 * other call on this connection may run at the same time. */
int kp_conn_compute(struct kp_conn *conn) KP_MUST_CHECK;

/* TLS 1.3: new keys for what we send (RFC 8446 4.6.3), and with ask for what the peer sends.
 * KP_E_ARGUMENT in TLS 1.2 and before KP_PROVED. */
int kp_conn_key_update(struct kp_conn *conn, bool ask) KP_MUST_CHECK;
/* Keying material for other protocols: RFC 8446 7.5, RFC 5705 for TLS 1.2.  label: 1 to 249 bytes;
 * context NULL: none, which TLS 1.2 tells from an empty one.  out (secret): out_len bytes, up to
 * KP_EXPORT_LEN_MAX.  KP_E_ARGUMENT before KP_PROVED. */
int kp_conn_export(const struct kp_conn *conn, const char *label, size_t label_len,
                   const uint8_t *context, size_t context_len, uint8_t *out,
                   size_t out_len) KP_MUST_CHECK;

int kp_conn_error(const struct kp_conn *conn);      /* the first error, or 0 */
int kp_conn_peer_alert(const struct kp_conn *conn); /* its last fatal alert, or -1 */
int kp_conn_sent_alert(const struct kp_conn *conn); /* our fatal alert, or -1 */

struct kp_info {
    uint16_t version;         /* 0x0303 or 0x0304; 0 before it was chosen */
    uint16_t suite;           /* 0xC020, 0x1301, ... */
    const char *version_name; /* "TLSv1.2", "TLSv1.3" */
    const char *suite_name;   /* as OpenSSL prints it: "SRP-AES-256-CBC-SHA",
                                 "TLS_AES_128_GCM_SHA256" */
    const char *pake; /* TLS 1.3 with the password: its form, "ietf" or "boringssl"; else NULL */
    uint16_t group;   /* TLS 1.3: NamedGroup of the key exchange, 0 when there was none */
    const char *group_name; /* "X25519", "secp256r1"; NULL when there was none */
    unsigned group_bits;    /* TLS 1.2: of the SRP group; 0 when resumed */
    bool resumed;
    bool retried;        /* TLS 1.3: there was a HelloRetryRequest */
    bool ticket;         /* client: the server gave one, in TLS 1.3 some time after KP_PROVED */
    bool password_used;  /* the peer got, or gets with what is on wire out, what it can check one
                            guess  at the password with; also after a failure, whichever.  A server's
                            count of  attempts: this, and never KP_PROVED */
    uint64_t proof_time; /* now of the connection that proved the password; server only */
    const char *user;    /* the proved name, NUL-terminated; NULL before KP_PROVED.  Bytes: escape
                            them; a NUL inside is refused earlier */
    size_t user_len;
    const char *alpn;        /* negotiated protocol, NUL-terminated, or NULL */
    const char *server_name; /* server: SNI as sent, NUL-terminated, or NULL */
};

/* Pointers live as long as the connection. */
void kp_conn_info(const struct kp_conn *conn, struct kp_info *out);

/* Client after KP_PROVED: the newest session to resume with (one reference for the caller), or NULL
 * when the server gave none so far: in TLS 1.3 tickets come with what is read later. */
struct kp_session *kp_conn_session(const struct kp_conn *conn);

#ifdef __cplusplus
}
#endif

#if defined(__GNUC__) || defined(__clang__)
#pragma GCC visibility pop
#endif
#endif
