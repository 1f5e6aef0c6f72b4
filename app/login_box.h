/*
 * The login box: a window of the app's own, that no page can draw and none is behind.  What is
 * typed goes to the owner, and to nobody before the person says so.
 */
#ifndef KP_APP_LOGIN_BOX_H
#define KP_APP_LOGIN_BOX_H

#include <gtk/gtk.h>

struct kp_login_box;

struct kp_login_box_plan {
    GtkWindow *parent;
    const char *where;     /* the address */
    const char *name;      /* of a saved device; "" */
    const char *user;      /* "": not known */
    const char *device_id; /* "": not known */
    const char *password;  /* from a picture of the label; NULL: none.  Copied; secret */
    const char *note;      /* what else is to be said; "" */
    gboolean saved;
    gboolean has_keyring;
    /* The person wants to log in.  password is valid until it returns; "": the keyring's.  sure:
     * also if it looks mistyped. */
    void (*attempt)(const char *user, const char *password, gboolean remember, gboolean sure,
                    gpointer owner);
    /* The person doesn't, or no longer; the box is gone. */
    void (*cancelled)(gpointer owner);
    gpointer owner;
};

/* Shows it.  The plan is copied but for what it says otherwise. */
struct kp_login_box *kp_login_box_new(const struct kp_login_box_plan *plan);
/* The attempt goes on: nothing can be typed, only be cancelled. */
void kp_login_box_wait(struct kp_login_box *box);
/* Nothing was sent, as the password looks mistyped: the person may mend it, or insist. */
void kp_login_box_mistyped(struct kp_login_box *box);
/* Nothing was sent, for that reason. */
void kp_login_box_refuse(struct kp_login_box *box, const char *why);
/* Closes it, wipes and frees; cancelled isn't called.  NULL is fine. */
void kp_login_box_free(struct kp_login_box *box);

#endif
