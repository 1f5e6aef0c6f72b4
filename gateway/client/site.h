/*
 * One device's origin, http://NAME.localhost:PORT: who may see it, and the stay that it shows.  It
 * outlives its stays: a name that was used once answers until the end, if only that nobody is
 * logged in.
 */
#ifndef KP_CLIENT_SITE_H
#define KP_CLIENT_SITE_H

#include "hub.h"
#include "jar.h"
#include "pass.h"
#include "rewrite.h"
#include "stay.h"

/* Somebody who uses the present stay. */
struct kp_site_use {
    struct kp_site_use *next;
    struct kp_site_use **at; /* NULL: it uses none */
    /* The stay ends: the use is over (kp_site_unuse was called), and so is what hangs on it. */
    void (*cut)(struct kp_site_use *use);
};

struct kp_site_hooks {
    /* What is known of it, or its state, has changed. */
    void (*changed)(struct kp_site *site);
    void (*said)(struct kp_site *site, enum kp_tell_level level, const char *sentence);
    bool verbose;
};

struct kp_site {
    struct kp_site *next;
    const struct kp_site_hooks *hooks;
    void *owner;
    struct kp_loop *loop;
    const struct kp_crypto *crypto;
    struct kp_teller teller;
    char name[KP_SAVED_NAME_LEN];
    struct kp_names names;
    struct kp_stay *stay;       /* that it shows; NULL: KP_SITE_OUT */
    struct kp_stay *trying;     /* that is being proved, for login */
    struct kp_hub_login *login; /* NULL: nobody waits */
    struct kp_jar jar;
    struct kp_pass pass;
    struct kp_site_use *uses;
    struct kp_task fails; /* a login that couldn't even begin */
    unsigned waiting;     /* requests that wait for a proof */
    uint8_t state;        /* enum kp_site_state */
    bool was_in;          /* somebody was, once */
    bool inherits;        /* browsers may keep what another device of this name left there */
    bool broke_off;       /* see kp_site_facts; of the last refusal */
    /* Of the last login. */
    struct kp_host host;
    char where[KP_HOST_TEXT_LEN];
    char user[KP_NAME_MAX + 1];
    char id[KP_DEVICE_ID_MAX + 1];
    /* As it was saved then. */
    uint64_t seen;
    unsigned versions;
    bool saved;
};

/* NULL: no memory. */
struct kp_site *kp_site_new(struct kp_loop *loop, const struct kp_crypto *crypto, const char *name,
                            unsigned port, enum kp_language language,
                            const struct kp_site_hooks *hooks, void *owner);
/* Logs out, and frees; what its stays still do they do alone. */
void kp_site_free(struct kp_site *site);

/* See kp_hub_login; login->site is this one. */
void kp_site_login(struct kp_site *site, struct kp_hub_login *login);
void kp_site_login_drop(struct kp_site *site);
void kp_site_logout(struct kp_site *site);

void kp_site_use(struct kp_site *site, struct kp_site_use *use);
void kp_site_unuse(struct kp_site_use *use);

/* A link to path, by a token that is random. */
int kp_site_link(struct kp_site *site, const char *path, char out[KP_HUB_LINK_LEN]) KP_MUST_CHECK;
void kp_site_facts(const struct kp_site *site, struct kp_site_facts *facts);

/* The value of the Set-Cookie that lets a browser in. */
#define KP_SITE_MARK_LEN 160
void kp_site_mark(const struct kp_pass *pass, char out[KP_SITE_MARK_LEN]);
/* Writes http://OWN/.keyplate/open/TOKEN and path. */
int kp_site_write_link(struct kp_pass *pass, const struct kp_crypto *crypto, const char *own,
                       const char *path, char out[KP_HUB_LINK_LEN]) KP_MUST_CHECK;

#endif
