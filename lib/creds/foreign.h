/*
 * Other programs' files of SRP verifiers: OpenSSL's .srpv (openssl srp, Apache's
 * SSLSRPVerifierFile) and GnuTLS's tpasswd with tpasswd.conf (srptool).  Text in, users out, and
 * back.  Knows no file.
 *
 * Only the groups of RFC 5054 of 2048 bits or more are taken, N and g compared whole.  A row whose
 * user we can't take doesn't spoil the rest: its user has a sentence in why instead of a verifier.
 */
#ifndef KP_CREDS_FOREIGN_H
#define KP_CREDS_FOREIGN_H

#include "creds/roster.h"

#define KP_FOREIGN_ROWS_MAX 10000

struct kp_foreign_user {
    struct kp_roster_user user; /* without verifier when why says something; generation 0 */
    unsigned line;              /* where it stands */
    const char *why;            /* static, to follow "user NAME "; NULL: it can be taken */
};

struct kp_foreign {
    struct kp_foreign_user *users; /* each name once */
    size_t count;
};

void kp_foreign_clear(struct kp_foreign *foreign);
struct kp_foreign_user *kp_foreign_find(const struct kp_foreign *foreign, const char *name,
                                        size_t len);

/* Each _read: KP_E_SYNTAX with *fault when the file as a whole can't be read, KP_E_MEMORY.  *out is
 * to be cleared only after 0.
 *
 * .srpv: rows of 6 fields apart by tabs, a backslash before a tab of a name; "#" comments.  As in
 * OpenSSL an empty line or a row of 5 fields makes the whole file fail, R rows don't count, an I
 * row stands before those that use it, and the last row of a name wins.  Leading zero bytes of
 * salts are dropped: OpenSSL's ends never hash them. */
int kp_foreign_srpv_read(struct kp_foreign *out, const char *text, size_t len,
                         struct kp_store_fault *fault) KP_MUST_CHECK;
/* tpasswd: name:verifier:salt:index, read from the right, as a name may hold colons; the first row
 * of a name wins.  conf: index:N:g; NULL: the indices that srptool writes, and 6 for 6144 bits.
 * *in_conf: the fault is in conf. */
int kp_foreign_tpasswd_read(struct kp_foreign *out, const char *text, size_t len, const char *conf,
                            size_t conf_len, struct kp_store_fault *fault,
                            bool *in_conf) KP_MUST_CHECK;

/* Each _write: the rows of count users, those without an SRP half left out; secret.  KP_E_NAME with
 * *bad: that user's name can't stand in such a file. */
int kp_foreign_srpv_write(struct kp_text *out, const struct kp_roster_user *users, size_t count,
                          const struct kp_roster_user **bad) KP_MUST_CHECK;
int kp_foreign_tpasswd_write(struct kp_text *out, const struct kp_roster_user *users, size_t count,
                             const struct kp_roster_user **bad) KP_MUST_CHECK;
/* The tpasswd.conf that goes with it: all five groups. */
int kp_foreign_tpasswd_conf(struct kp_text *out) KP_MUST_CHECK;

#endif
