/*
 * The client gateway of one person: one loopback port, and behind it every device that is used,
 * each at a name of its own.  What `keyplate open` and `keyplate agent` share; desk.h is how both
 * speak to it.  Everything here is called on its loop's thread.
 */
#ifndef KP_CLIENT_HUB_H
#define KP_CLIENT_HUB_H

#include "../net/loop.h"
#include "explain.h"
#include "target.h"
#include "tell.h"

#define KP_HUB_LINK_LEN (KP_LINK_PATH_LEN + 256)
/* Devices that are used, or were and answer "logged out": those give way. */
#define KP_HUB_SITES 64

struct kp_hub;

enum kp_site_state {
    KP_SITE_OUT,     /* not logged in, or logged out */
    KP_SITE_PROVING, /* the first password handshake runs */
    KP_SITE_IN,
    KP_SITE_REFUSED,  /* was in; a password handshake failed: a person has to log in again */
    KP_SITE_STRANGER, /* another device answered: nothing goes to it until logout */
};

/* What is known of a device: one that is used, or one that is only saved.  Texts are valid until
 * the hub is called again. */
struct kp_site_facts {
    const char *name;     /* of NAME.localhost */
    const char *where;    /* HOST[:PORT] */
    const char *user;     /* "": not known */
    const char *id;       /* "": not known */
    const char *protocol; /* "TLSv1.3"; NULL: not proved now */
    const char *proof;    /* "spake2plus", "srp"; NULL alike */
    const char *suite;    /* NULL alike */
    uint64_t since;       /* seconds since 1970 of the proof; 0 alike */
    uint64_t seen;        /* of the last one ever; 0: not saved */
    unsigned versions;    /* KP_USE_*, that it has been proved to speak */
    uint8_t state;        /* enum kp_site_state */
    bool broke_off; /* of KP_SITE_REFUSED: no proof failed, the handshake was cut or spoiled */
    bool saved;
};

/* ---- Life -------------------------------------------------------------------------------- */

struct kp_hub_plan {
    struct kp_loop *loop;            /* its owner and starved are the hub's */
    const struct kp_address *listen; /* NULL: the person's own port, which is picked once */
    enum kp_language language;
    bool verbose;  /* each connection is told of */
    bool faceless; /* no port at all, and so no links: devices are reached by tunnel.h alone */
};

enum kp_hub_port { KP_HUB_PORT_OWN, KP_HUB_PORT_OTHER /* the own one is taken */ };

/* Binds and listens, unless it is faceless.  0, or -1 with why: a sentence; then *out, if it isn't NULL, is closed, and to
 * be freed when the loop is empty. */
int kp_hub_new(struct kp_hub **out, const struct kp_hub_plan *plan, char why[KP_WORD_LEN]);
unsigned kp_hub_port_number(const struct kp_hub *hub);
enum kp_hub_port kp_hub_port(const struct kp_hub *hub);
/* Logs everybody out, stops listening; hooks and done functions are called no more.  The loop has
 * to run until it is empty, then kp_hub_free. */
void kp_hub_close(struct kp_hub *hub);
/* NULL is fine. */
void kp_hub_free(struct kp_hub *hub);

/* ---- What happens ------------------------------------------------------------------------ */

struct kp_hub_watch {
    struct kp_hub_watch *next;
    void (*changed)(struct kp_hub_watch *watch, const struct kp_site_facts *facts);
    /* One sentence about a device, or about no device (name NULL). */
    void (*said)(struct kp_hub_watch *watch, const char *name, enum kp_tell_level level,
                 const char *sentence);
};

void kp_hub_watch(struct kp_hub *hub, struct kp_hub_watch *watch);
void kp_hub_unwatch(struct kp_hub *hub, struct kp_hub_watch *watch);

/* ---- Logging in and out ------------------------------------------------------------------ */

enum kp_login_result {
    KP_LOGIN_PROVED,
    KP_LOGIN_REFUSED,     /* the proof failed: status 3 */
    KP_LOGIN_STRANGER,    /* it proved the password, but it is another device than the saved one */
    KP_LOGIN_TROUBLE,     /* anything else on the way: status 1 */
    KP_LOGIN_BUSY,        /* a login of that device runs already, or there are KP_HUB_SITES */
    KP_LOGIN_NO_PASSWORD, /* none was given, and the keyring has none */
};

struct kp_hub_login;

struct kp_hub_login_done {
    enum kp_login_result result;
    struct kp_site_facts facts; /* of KP_LOGIN_PROVED */
    const char *why;            /* of all others: a sentence */
    const char *more;           /* another one, or NULL */
    bool unreached;             /* of KP_LOGIN_TROUBLE: nobody answered at its address */
};

/* What a person gave.  The login is its owner's, and lives until done was called or it was dropped;
 * the hub takes copies of the texts and wipes password in kp_hub_login. */
struct kp_hub_login {
    struct kp_target target;
    struct kp_text user;       /* NFC, by the rules of names */
    struct kp_text password;   /* len 0: look in the keyring */
    bool remember;             /* the password, in the keyring, once it is proved */
    enum kp_language language; /* of what done is told */
    void (*done)(struct kp_hub_login *login, const struct kp_hub_login_done *done);
    void *owner;
    struct kp_site *site; /* the hub's; NULL while none */
    struct kp_task task;  /* the hub's */
};

/* One guess at most.  A device that is in already gets the new login: its pages stay, what runs is
 * cut.  done comes once, never from in here. */
void kp_hub_login(struct kp_hub *hub, struct kp_hub_login *login);
/* It isn't waited for any more: done isn't called; what runs is given up. */
void kp_hub_login_drop(struct kp_hub *hub, struct kp_hub_login *login);
/* Connections are cut, keys and cookies wiped; from now on NAME.localhost says so.  false: no such
 * device is used. */
bool kp_hub_logout(struct kp_hub *hub, const char *name);
void kp_hub_logout_all(struct kp_hub *hub);
/* Logs out, and nothing of it stays: neither here nor in the file, nor in the keyring (in the
 * background).  0; 1: there is no such device; -1 with why. */
int kp_hub_forget(struct kp_hub *hub, const char *name, char why[KP_WORD_LEN]);

/* A one-time link to path ("/..." ) of a device that is in; it serves for five minutes.  false: it
 * isn't in, or the hub is faceless. */
bool kp_hub_link(struct kp_hub *hub, const char *name, const char *path, char out[KP_HUB_LINK_LEN]);
/* The same to http://keyplate.localhost:PORT/, the list of devices. */
void kp_hub_list_link(struct kp_hub *hub, char out[KP_HUB_LINK_LEN]);
/* The secret of a device's origin as KP_GUARD_FIELD has it, for an extension's header rule.  false:
 * it isn't in, or the hub is faceless. */
bool kp_hub_secret(struct kp_hub *hub, const char *name, char out[65]);

/* All that are used or saved, by name: calls one for each.  -1 with why: the file of saved ones
 * can't be read, and only those that are used were told. */
int kp_hub_each(struct kp_hub *hub, void (*one)(void *owner, const struct kp_site_facts *facts),
                void *owner, char why[KP_WORD_LEN]);
/* false: it is neither used nor saved. */
bool kp_hub_facts(struct kp_hub *hub, const char *name, struct kp_site_facts *facts);

#endif
