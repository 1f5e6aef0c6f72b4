/*
 * The credentials file made ready for handshakes: what keyplate.h calls struct kp_store, and what
 * serve needs beside it.
 *
 * A stranger must not learn which names exist (RFC 5054 2.5.1.3), so kp_store_lookup does the same
 * for every name: the name's own salt and a binding are always computed, names are compared by
 * HMACs of one length, all of them, and what is handed out is chosen by a mask.  Names that aren't
 * there share as many verifiers as there are users: one for all would be in the caches always.  A
 * user who lacks the SRP half or the SPAKE2+ half has nobody's there, as unknown names have.  A
 * user's salt is the one that his name has without him, too (kp_roster_salt), so it tells nothing
 * when he comes or goes; only an imported user has another, until his password is changed.
 */
#ifndef KP_CREDS_STORE_H
#define KP_CREDS_STORE_H

#include <keyplate/keyplate.h>

#define KP_STORE_TABLES_MAX 16   /* users up to which each verifier gets a table of powers */
#define KP_STORE_NOBODIES_MAX 64 /* verifiers that stand for names that aren't there */

size_t kp_store_users(const struct kp_store *store);

/* Names that strangers can tell from simulated ones (another group or salt length than the file's,
 * imported by force): how many, and each, NUL-terminated: escape it. */
size_t kp_store_told(const struct kp_store *store);
const char *kp_store_told_name(const struct kp_store *store, size_t index, size_t *len);

/* Reads and parses the file path.  KP_E_NOT_FOUND, KP_E_ARGUMENT (unreadable, or others can read
 * it), KP_E_SYNTAX, KP_E_MEMORY, KP_E_CRYPTO: why gets one sentence without a full stop, with the
 * path and the line. */
int kp_store_load(struct kp_store **out, const char *path, char *why, size_t why_len) KP_MUST_CHECK;

#endif
