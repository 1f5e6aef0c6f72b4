/*
 * A hub, a neighbourhood, a list of devices and probes that do what a test says, in place of the
 * real ones: what desk.c stands on.
 */
#ifndef TEST_UNIT_FAKE_HUB_H
#define TEST_UNIT_FAKE_HUB_H

#include "client/hub.h"
#include "client/probe.h"
#include "net/nearby.h"

#define FAKE_DEVICES 8
#define FAKE_PROBES 40

struct fake_device {
    char name[KP_SAVED_NAME_LEN];
    char where[KP_HOST_TEXT_LEN];
    char id[64];
    unsigned versions;
    uint8_t state;
    bool saved;
};

extern struct fake {
    struct fake_device devices[FAKE_DEVICES];
    size_t count;
    struct kp_hub_watch *watches;

    /* The login that runs. */
    struct kp_hub_login *login;
    unsigned logins, drops, logouts;
    char password[2000]; /* as it was given to the last login */
    char user[300];
    char where[KP_HOST_TEXT_LEN];
    unsigned versions;
    bool remember;

    /* What kp_target_find says. */
    enum kp_target_result found;
    char found_id[64];
    unsigned found_versions;

    /* Who looks around. */
    const struct kp_nearby_hooks *hooks[4];
    void *owners[4];
    int nearby_error;

    /* What is asked what it is. */
    struct fake_probe {
        struct kp_probe **slot; /* NULL: free */
        kp_probe_fn *done;
        void *owner;
        struct kp_host host;
    } probes[FAKE_PROBES];
    int probe_error;

    const char *list_error;
    int forget;
    size_t sentence_len; /* of "why", if not 0 */
} fake;

struct kp_hub *fake_hub(void);
void fake_reset(void);
struct fake_device *fake_add(const char *name, const char *id, uint8_t state, bool saved);
/* The login ends. */
void fake_done(enum kp_login_result result, const char *name, const char *why, bool unreached);
void fake_near(const char *name, const char *id, const char *host);
unsigned fake_lookers(void);
/* The oldest probe ends; trouble may be NULL where the verdict is known. */
void fake_probed(const struct kp_probe_verdict *verdict, const struct kp_trouble *trouble);
unsigned fake_probing(void);

#endif
