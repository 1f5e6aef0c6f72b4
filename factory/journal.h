/*
 * The journal: which devices were made, and their passwords, a line each, durable before a device
 * gets its place.  It is there while not all is done (the sheets and the manifest need the
 * passwords), 0600, and all of it is in memory, too: 18 bytes a device.
 *
 *      SERIAL PASSWORD
 *
 * A line that a power cut or a full disk left behind by half is cut off: what it stood for never
 * got its place.
 */
#ifndef KP_FACTORY_JOURNAL_H
#define KP_FACTORY_JOURNAL_H

#include "creds/label.h"
#include "files.h"
#include "serial.h"

struct kp_journal {
    int fd;
    size_t len;      /* bytes of whole lines */
    bool is_damaged; /* what was written by half can't be cut off: nothing more is added */
    const struct kp_serials *serials;
    char (*passwords)[KP_LABEL_LEN + 1]; /* by place; "": not made yet; secret */
    unsigned long count;                 /* that were made */
};

/* Opens it in the folder, or makes it, and reads it. */
int kp_journal_open(struct kp_journal *journal, const struct kp_serials *serials, int folder,
                    const char *name, struct kp_file_error *error) KP_MUST_CHECK;
/* Adds devices, by their places: durable after 0.  Otherwise none was added. */
int kp_journal_add(struct kp_journal *journal, const unsigned long *places,
                   char (*passwords)[KP_LABEL_LEN + 1], size_t count,
                   struct kp_file_error *error) KP_MUST_CHECK;
/* Closes it and wipes what is in memory. */
void kp_journal_close(struct kp_journal *journal);

#endif
