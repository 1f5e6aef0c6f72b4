/*
 * The content of a credentials file: who may come in, and by which verifier.  This is what passwd
 * edits; store.h is what a server looks up.  Knows no file and no TLS message.
 *
 * A user has a half for SRP (TLS 1.2), a half for SPAKE2+ (TLS 1.3), or both, of one password;
 * never none.  Neither can be made of the other: a half that is missing comes with the next
 * password.
 *
 * The text, version 2 (roster_read.c, roster_write.c):
 *
 *      keyplate-credentials 2
 *      device-id ID CHECK
 *      group BITS CHECK                the file's SRP group, for simulated users too
 *      salt-length BYTES CHECK
 *      seed HEX CHECK                  32 random bytes, secret: the salts come from it
 *      generation N CHECK              the highest that was ever given
 *      user NAME GENERATION SRP SPAKE2+ CHECK
 *      end USERS CHECK
 *
 * SRP is BITS:SALT:V, SPAKE2+ is W0:L (32 bytes in 1..n-1, and a point of 65 bytes, uncompressed);
 * of the half that a user lacks there is "-".  One space between fields, lines end by \n, numbers
 * are decimal, bytes are lower-case hex.  NAME and ID have \xNN for a space, a backslash and what
 * is not printable ASCII or UTF-8.  CHECK is the first 4 bytes of the SHA-256 of the line before
 * it, without the space: a damaged line is found by its number.
 *
 * Version 1 is the same without a SPAKE2+ half.  It is read, and never written.
 */
#ifndef KP_CREDS_ROSTER_H
#define KP_CREDS_ROSTER_H

#include "creds/text.h"
#include "crypto/provider.h"
#include "pake/spake2plus.h"
#include "pake/srp.h"

#define KP_ROSTER_SEED_LEN 32
#define KP_ROSTER_SALT_LEN 16 /* bytes of a salt in a new file */
#define KP_ROSTER_SALT_MIN 8  /* shorter ones are refused, RFC 5054's is 16 or 20 */
#define KP_ROSTER_BITS 3072   /* group of a new file */
#define KP_ROSTER_TEXT_MAX 1048576
#define KP_ROSTER_GENERATION_SANE (INT64_MAX / 2) /* what no file comes to by changes */

/* What a SPAKE2+ verifier keeps of a password; secret. */
struct kp_roster_spake2plus {
    uint8_t w0[KP_SCALAR_LEN];
    uint8_t l[KP_POINT_LEN];
};

/* Its secrets are behind pointers, so that users can be moved without copies to wipe. */
struct kp_roster_user {
    struct kp_text name;
    uint64_t generation; /* of this credential: rises with every change, also over remove and add */
    unsigned bits;       /* of its group; 0 without an SRP half */
    uint8_t salt[KP_SALT_MAX];
    size_t salt_len;                         /* 0 without an SRP half */
    uint8_t *v;                              /* bits / 8 bytes; secret; owned; NULL: no SRP half */
    struct kp_roster_spake2plus *spake2plus; /* secret; owned; NULL: no SPAKE2+ half */
};

struct kp_roster {
    struct kp_text device_id;
    unsigned bits;
    size_t salt_len;
    uint8_t seed[KP_ROSTER_SEED_LEN];
    uint64_t generation;
    struct kp_roster_user *users;
    size_t count;
};

/* An empty roster with a random seed.  bits is a group's, salt_len KP_ROSTER_SALT_MIN to
 * KP_SALT_MAX, device_id follows kp_text_name_check. */
int kp_roster_init(struct kp_roster *roster, const struct kp_crypto *crypto, const char *device_id,
                   size_t device_id_len, unsigned bits, size_t salt_len) KP_MUST_CHECK;
/* Wipes and frees what it holds. */
void kp_roster_clear(struct kp_roster *roster);

/* Strict, of either version.  KP_E_SYNTAX with *fault, KP_E_MEMORY, KP_E_CRYPTO.  *roster is to be
 * cleared only after 0. */
int kp_roster_parse(struct kp_roster *roster, const struct kp_crypto *crypto, const char *text,
                    size_t len, struct kp_store_fault *fault) KP_MUST_CHECK;
/* The highest generation that text[len] tells of, in its own line and its users'; 0: none.  It
 * needs not be whole, or a credentials file at all: this is for whoever must go beyond it.  *sure:
 * the line of the generation is there and undamaged.  Numbers above KP_ROSTER_GENERATION_SANE don't
 * count, whatever they come from: there is always a next one.  KP_E_CRYPTO. */
int kp_roster_salvage_generation(const struct kp_crypto *crypto, const char *text, size_t len,
                                 uint64_t *highest, bool *sure) KP_MUST_CHECK;
/* The text, of version 2; secret.  KP_E_TOO_LONG: it would be larger than what parse takes. */
int kp_roster_format(const struct kp_roster *roster, const struct kp_crypto *crypto,
                     struct kp_text *out) KP_MUST_CHECK;

/* The user of exactly that name, or NULL. */
struct kp_roster_user *kp_roster_find(const struct kp_roster *roster, const char *name, size_t len);

/* Takes over what *user owns (and empties it) under the next generation.  add: KP_E_EXISTS when the
 * name is there.  change: KP_E_NOT_FOUND when it isn't.  On an error *user stays the caller's. */
int kp_roster_add(struct kp_roster *roster, struct kp_roster_user *user) KP_MUST_CHECK;
int kp_roster_change(struct kp_roster *roster, struct kp_roster_user *user) KP_MUST_CHECK;
/* KP_E_NOT_FOUND when the name isn't there. */
int kp_roster_remove(struct kp_roster *roster, const char *name, size_t len) KP_MUST_CHECK;

/* Whether a stranger could tell that this user exists, from another group or salt length than the
 * file's simulated users have, or a salt that begins with a zero byte.  Without an SRP half nobody
 * can: its salt is the simulated one. */
bool kp_roster_differs(const struct kp_roster *roster, const struct kp_roster_user *user);

/* The versions of TLS that the user can come in by: KP_USE_*. */
unsigned kp_roster_user_versions(const struct kp_roster_user *user);
/* How many users have an SRP half alone. */
size_t kp_roster_only_srp(const struct kp_roster *roster);

/* out = HMAC-SHA-256(seed, purpose | 0 | block | name): all that is told of a name by the seed. */
int kp_roster_derive(const struct kp_crypto *crypto, const uint8_t seed[static KP_ROSTER_SEED_LEN],
                     const char *purpose, uint8_t block, const char *name, size_t name_len,
                     uint8_t out[static KP_SHA256_LEN]) KP_MUST_CHECK;
/* The salt of a name, whether there is such a user or not: who looks twice can't see that one was
 * added, changed or removed in between.  Its first byte is even over 1..255 (to 2^-56), never 0:
 * OpenSSL keeps salts as numbers on both ends and loses leading zeros.  The bytes behind salt_len
 * are 0. */
int kp_roster_salt(const struct kp_crypto *crypto, const uint8_t seed[static KP_ROSTER_SEED_LEN],
                   size_t salt_len, const char *name, size_t name_len,
                   uint8_t salt[static KP_SALT_MAX]) KP_MUST_CHECK;

/* A user with the halves of versions (KP_USE_*, not 0): SRP in the roster's group with the salt of
 * its name, SPAKE2+ (scrypt: 32 MiB and a tenth of a second) for its name and the roster's device
 * id.  Name and password are NFC, password secret. */
int kp_roster_user_make(struct kp_roster_user *user, const struct kp_roster *roster,
                        const struct kp_crypto *crypto, const struct kp_text *name,
                        const struct kp_text *password, unsigned versions) KP_MUST_CHECK;
/* A user with an SRP half alone.  Copies what is given; v has bits / 8 bytes. */
int kp_roster_user_set(struct kp_roster_user *user, const char *name, size_t name_len,
                       unsigned bits, const uint8_t *salt, size_t salt_len,
                       const uint8_t *v) KP_MUST_CHECK;
void kp_roster_user_clear(struct kp_roster_user *user);

/* *right: the roster has this user, with this password in every half there is.  The same work for
 * all names, those that it doesn't have among them. */
int kp_roster_check(const struct kp_roster *roster, const struct kp_crypto *crypto,
                    const struct kp_text *name, const struct kp_text *password,
                    bool *right) KP_MUST_CHECK;

/* Whether v[bits / 8] is in 1..N-1 of that group. */
bool kp_roster_v_in_range(unsigned bits, const uint8_t *v);

#endif
