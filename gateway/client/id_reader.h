/*
 * Reads what a device says of itself (told.h) over a proved connection of its own, which is
 * resumed by ticket: it never uses the password.
 */
#ifndef KP_CLIENT_ID_READER_H
#define KP_CLIENT_ID_READER_H

#include "device_session.h"
#include "told.h"

#define KP_ID_READER_MS 5000 /* for all of it */

struct kp_id_reader;

/* What comes of it: once, unless it is stopped.  told is NULL when nothing could be read; why then
 * is a clause about that. */
typedef void kp_id_reader_fn(void *owner, const struct kp_told *told, const char *why);

/* On the device's running loop; it frees itself.  *slot is the reader until done was called, then
 * NULL.  Out of memory: done is told so at once. */
void kp_id_reader_start(struct kp_id_reader **slot, struct kp_device *device, kp_id_reader_fn *done,
                        void *owner);
/* NULL is fine. */
void kp_id_reader_stop(struct kp_id_reader *reader);

#endif
