/*
 * How far a long run is, for people: a bar on a terminal, elsewhere a line every few seconds.
 */
#ifndef KP_FACTORY_PROGRESS_H
#define KP_FACTORY_PROGRESS_H

#include <keyplate/keyplate.h>
#include <stdio.h>

#define KP_PROGRESS_LEN 100

struct kp_progress {
    FILE *to;         /* NULL: nobody is told */
    const char *what; /* "devices" */
    bool is_terminal;
    bool is_shown; /* a bar stands in the terminal's line */
    unsigned long total;
    unsigned long at_first; /* what was done before it began */
    uint64_t began;         /* ns */
    uint64_t told;
};

/* now: ns of any clock that doesn't jump. */
void kp_progress_begin(struct kp_progress *progress, FILE *to, const char *what, unsigned long done,
                       unsigned long total, uint64_t now);
void kp_progress_tell(struct kp_progress *progress, unsigned long done, uint64_t now);
/* Takes the bar away. */
void kp_progress_end(struct kp_progress *progress);

/* "12 of 100 devices, 7.1 a second, 13 s left"; seconds: since at_first were done. */
const char *kp_progress_text(char out[static KP_PROGRESS_LEN], const char *what,
                             unsigned long at_first, unsigned long done, unsigned long total,
                             double seconds);

#endif
