/*
 * The manifest by which a browser finds the agent: its text, and the file that holds it.  Knows
 * nothing of where browsers look.
 */
#ifndef KP_CMD_BROWSER_MANIFEST_H
#define KP_CMD_BROWSER_MANIFEST_H

#include "browser_places.h"

#define KP_MANIFEST_WHY_LEN 700

/* The agent's program as a manifest names it: the link beside the running program, else the
 * installed one.  The folder is resolved; the link stays, for the program knows by its name that it
 * is the agent.  0, or -1 with one line in why. */
int kp_manifest_agent(char out[static PATH_MAX],
                      char why[static KP_MANIFEST_WHY_LEN]) KP_MUST_CHECK;
/* Whether nobody but root (strict), or root and the person, can change the program or any folder
 * above it.  0, or -1 with why. */
int kp_manifest_agent_is_safe(const char *agent, bool strict,
                              char why[static KP_MANIFEST_WHY_LEN]) KP_MUST_CHECK;

/* JSON; to be freed.  NULL: no memory. */
char *kp_manifest_text(const struct kp_browser *browser, const char *agent) KP_MUST_CHECK;

enum kp_manifest_make {
    KP_MANIFEST_ABSENT,
    KP_MANIFEST_UNREADABLE, /* why */
    KP_MANIFEST_FOREIGN,    /* no manifest of our host that names a keyplate-agent: why */
    KP_MANIFEST_OURS,
};

struct kp_manifest {
    enum kp_manifest_make make;
    char agent[PATH_MAX]; /* of ours: what it names */
    bool allows;          /* our extension, and no other */
    bool is_stdio;
    char *text; /* as it is in the file; NULL if it couldn't be read */
    char why[KP_MANIFEST_WHY_LEN];
};

void kp_manifest_read(struct kp_manifest *out, const struct kp_browser *browser, const char *path);
void kp_manifest_clear(struct kp_manifest *manifest);

/* Puts text in the file's place in one step, 0644; a link there is replaced.  Folders that are
 * missing are made, with that mode.  0, or -1 with why. */
int kp_manifest_write(const char *path, const char *text, unsigned folder_mode,
                      char why[static KP_MANIFEST_WHY_LEN]) KP_MUST_CHECK;

#endif
