/*
 * What the readers of foreign files share: lines, and from a row's fields to a user.  Only for
 * foreign*.c.
 */
#ifndef KP_CREDS_FOREIGN_ROW_H
#define KP_CREDS_FOREIGN_ROW_H

#include "creds/foreign.h"

struct kp_foreign_lines {
    const char *at;
    size_t left;
    unsigned line; /* of the one that was taken last; 1.. */
};

/* Takes the next line, without its end (\n or \r\n, or the end of the text).  false: no more. */
bool kp_foreign_line(struct kp_foreign_lines *lines, struct kp_span *out);

/* Sets the fault; KP_E_SYNTAX. */
int kp_foreign_fault(struct kp_store_fault *fault, unsigned line, const char *why);

struct kp_foreign_row {
    unsigned line;
    struct kp_span name;
    struct kp_span v;                    /* SRP base 64 */
    struct kp_span salt;                 /* SRP base 64 */
    const struct kp_srp_group_id *group; /* NULL: not known, or none that we take */
    bool strip_salt;                     /* drop its leading zero bytes */
};

/* Adds the row's user, with why when it can't be taken.  A name that is there already: the new row
 * replaces it (last_wins) or is dropped.  KP_E_MEMORY; KP_E_TOO_LONG: too many. */
int kp_foreign_row_add(struct kp_foreign *foreign, const struct kp_foreign_row *row,
                       bool last_wins) KP_MUST_CHECK;
/* The group of N and g in SRP base 64, or NULL. */
const struct kp_srp_group_id *kp_foreign_row_group(struct kp_span n, struct kp_span g);
/* Bytes that a user's row needs at most, whatever the format. */
size_t kp_foreign_row_room(const struct kp_roster_user *user);

#endif
