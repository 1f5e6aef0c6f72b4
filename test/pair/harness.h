/*
 * Two engines in memory and the wire between them: what every pair test stands on.
 *
 * A world has what connections share (contexts, a group, users); a pair is one connection of each
 * role.  Whatever an engine sends goes through the pair's tamper hooks onto a wire that keeps all
 * its bytes, so that a test can cut, flip, rewrite or replay them.  All randomness is seeded: every
 * run is the same.
 */
#ifndef TEST_PAIR_HARNESS_H
#define TEST_PAIR_HARNESS_H

#include "conn/conn.h"
#include "seeded.h"

#define ALICE "alice"
#define ALICE_PASSWORD "xk3f9-mqn7r-tbw2k"
#define START 1000000u /* seconds on the tests' clock */

/* Ends the program with the place: for what is not being tested. */
#define must(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            must_failed(__FILE__, __LINE__, #condition);                                           \
    } while (0)
void must_failed(const char *file, int line, const char *what) __attribute__((noreturn));

/* ---- World ------------------------------------------------------------------------------- */

struct world {
    struct seeded random[2]; /* by role */
    struct kp_context *context[2];
    struct kp_crypto *crypto; /* with randomness of its own */
    struct seeded own;
    struct kp_srp_group *group;
    struct kp_srp_verifier *alice;
    struct kp_srp_verifier *nobody;
    struct kp_credential credential;
    struct kp_credential simulated;
    struct kp_login *login;   /* alice, her password */
    struct kp_login *wrong;   /* alice, another one */
    struct kp_login *unknown; /* a name that isn't there; as long as hers */
};

/* Settings may be NULL; role and random source are filled in. */
void world_open(struct world *w, unsigned bits, const struct kp_settings *client,
                const struct kp_settings *server);
void world_close(struct world *w);
/* The credential that alice would have with another password. */
void world_credential(struct world *w, const char *password, struct kp_srp_verifier **verifier,
                      struct kp_credential *credential);

/* ---- Bytes that grow ------------------------------------------------------------------------ */

struct bytes {
    uint8_t *data;
    size_t len;
    size_t capacity;
};

void bytes_add(struct bytes *b, const void *data, size_t len);
void bytes_free(struct bytes *b);
/* One record around data. */
void bytes_record(struct bytes *b, uint8_t type, uint16_t version, const void *data, size_t len);
/* One handshake message in a record of its own. */
void bytes_message(struct bytes *b, uint8_t message, const void *body, size_t len);

/* ---- Pair -------------------------------------------------------------------------------- */

struct pair;

/* Sees each record that `from` sends before it is on the wire (whole, with its header) and puts
 * into out what goes there instead. */
typedef void edit_fn(struct pair *p, enum kp_role from, const uint8_t *record, size_t len,
                     struct bytes *out);

struct pair {
    struct world *world;
    struct kp_conn *conn[2]; /* by role */
    struct bytes wire[2];    /* by sender: all that was sent */
    size_t given[2];         /* by sender: how much of it the other side got */
    struct bytes heard[2];   /* by hearer: plaintext */
    bool deaf[2];            /* app out is left alone */
    bool cut[2];             /* by sender: nothing more is delivered */
    size_t limit[2];         /* by sender: bytes that are delivered in all; 0: no limit */
    size_t window;           /* bytes that wait on a wire before its sender must; 0: any */
    size_t chunk;            /* bytes a delivery; 0: as many as there is room for */
    edit_fn *edit;
    void *edit_arg;
    bool sealed[2]; /* by sender: its ChangeCipherSpec was seen: records are sealed */
    struct {
        bool on;
        enum kp_role from;
        size_t at; /* offset in what from sends */
        uint8_t mask;
    } flip;
    const struct kp_credential *alice; /* NULL: alice is simulated */
    unsigned lookups;
    unsigned computes;
    unsigned guesses;
    bool refuse_guesses;
    bool withhold; /* suspensions are not answered */
};

/* Opens both connections; both random sources start at seed. */
void pair_open(struct pair *p, struct world *w, uint64_t now, uint64_t seed);
/* Calls kp_conn_connect: must succeed. */
void pair_connect(struct pair *p, const struct kp_login *login, const struct kp_session *session,
                  const char *server_name);
/* open, connect as alice, run. */
void pair_handshake(struct pair *p, struct world *w, uint64_t now, uint64_t seed);
void pair_close(struct pair *p);

/* Moves bytes and answers suspensions until nothing moves. */
void pair_run(struct pair *p);
/* As if `from` had sent it; not edited. */
void pair_inject(struct pair *p, enum kp_role from, const void *data, size_t len);
/* The wire ends for both once all was delivered. */
void pair_end(struct pair *p);

bool pair_proved(const struct pair *p, enum kp_role role);
int pair_error(const struct pair *p, enum kp_role role);
/* Says len bytes, running the pair as often as it takes.  False when the engine refuses. */
bool pair_say(struct pair *p, enum kp_role from, const void *data, size_t len);
/* `from` seals a record of any type as its engine would, and it goes onto the wire. */
void pair_seal(struct pair *p, enum kp_role from, uint8_t type, const void *data, size_t len);

/* After kp_conn_connect: the ClientHello's body becomes this, on the wire and in the client's
 * transcript, so that the client is an honest one that says something else. */
void pair_set_hello(struct pair *p, const uint8_t *body, size_t len);
/* The ClientHello's body as it is, and its parts. */
void pair_hello(struct pair *p, struct kp_client_hello *hello, const uint8_t **body, size_t *len);
/* The same with one extension taken away (value) or, with data, put behind the others. */
void pair_hello_without(struct pair *p, uint16_t value);
void pair_hello_with(struct pair *p, uint16_t value, const void *data, size_t len);
/* With other cipher suites. */
void pair_hello_suites(struct pair *p, const void *suites, size_t len);

/* Edits that deliver the same handshake otherwise. */
edit_fn edit_one_byte_records; /* plaintext handshake records: a record a byte */
edit_fn edit_coalesce;         /* messages of a flight in one record; edit_arg: struct bytes[2] */

#endif
