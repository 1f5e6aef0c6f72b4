/*
 * The browsers that can start the agent: where each looks for the manifest of a native messaging
 * host, and whether it is there.  Knows nothing of what is in a manifest.
 */
#ifndef KP_CMD_BROWSER_PLACES_H
#define KP_CMD_BROWSER_PLACES_H

#include <keyplate/keyplate.h>
#include <limits.h>

#define KP_BROWSER_PROGRAMS 3
#define KP_BROWSER_SYSTEM 2

struct kp_browser {
    const char *word;  /* for programs: "chrome" */
    const char *title; /* for people: "Google Chrome" */
    bool firefox;      /* Firefox; else Chromium or one that is made from it */
    /* Its folder in the person's settings folder; profiles are in there. */
    const char *settings;
    const char *programs[KP_BROWSER_PROGRAMS]; /* by which it is started */
    const char *snap;                          /* its name as a snap; NULL: there is none */
    const char *flatpak;                       /* and as a flatpak */
    /* Folders of manifests for all users; of the second only if that kind of system has it.  NULL:
     * it isn't known that it reads any. */
    const char *system[KP_BROWSER_SYSTEM];
};

extern const struct kp_browser kp_browsers[];
extern const size_t kp_browser_count;

/* Whose browsers are meant; under sudo, of who typed it. */
struct kp_browser_person {
    char home[PATH_MAX];
    char settings[PATH_MAX]; /* $XDG_CONFIG_HOME, else ~/.config */
};

/* 0, or -1: there is no home folder. */
int kp_browser_person(struct kp_browser_person *out) KP_MUST_CHECK;

enum kp_browser_presence {
    KP_BROWSER_ABSENT,
    KP_BROWSER_CONFINED, /* only as a snap or flatpak, which can't start a program of the system */
    KP_BROWSER_THERE,    /* a profile folder, or its program on PATH */
};
enum kp_browser_presence kp_browser_presence(const struct kp_browser *browser,
                                             const struct kp_browser_person *person);

/* The file of its manifest: the person's.  0, or -1: the path is too long. */
int kp_browser_user_file(const struct kp_browser *browser, const struct kp_browser_person *person,
                         char out[static PATH_MAX]) KP_MUST_CHECK;
/* The system's, by index below KP_BROWSER_SYSTEM; -1: it has no such. */
int kp_browser_system_file(const struct kp_browser *browser, size_t index,
                           char out[static PATH_MAX]) KP_MUST_CHECK;

#endif
