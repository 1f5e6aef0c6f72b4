/* What the device's pages need to be said around them, in the person's language. */
#ifndef KP_APP_VISIT_WORDS_H
#define KP_APP_VISIT_WORDS_H

#include <glib.h>

enum kp_visit_word {
    KP_V_FAILED,     /* {what}: the device */
    KP_V_FAILED_TLS, /* {what}: the device */
    KP_V_CRASHED,
    KP_V_CIRCLE, /* {what}: the device */

    KP_V_PAGE_SAYS, /* {what}: the device */
    KP_V_LEAVE,
    KP_V_LEAVE_YES,
    KP_V_LEAVE_NO,
    KP_V_PAGE_ASKS_LOGIN, /* {what}: the device */
    KP_V_PAGE_ASKS_AGAIN,
    KP_V_PAGE_LOGIN_IS_ITS_OWN,
    KP_V_USER,
    KP_V_PASSWORD,
    KP_V_LOG_IN,
    KP_V_OK,
    KP_V_CANCEL,
    KP_V_ANSWER,

    KP_V_FIND,
    KP_V_FIND_NEXT,
    KP_V_FIND_PREVIOUS,
    KP_V_FIND_NONE,
    KP_V_FIND_ONE,
    KP_V_FIND_SOME, /* {what}: how many */

    KP_V_SAVE_AS,
    KP_V_SAVE,
    KP_V_SAVING,      /* {what}: the file */
    KP_V_SAVED,       /* {what}: the file */
    KP_V_SAVE_BROKEN, /* {what}: the file */
    KP_V_SAVE_CANT,   /* {what}: the file */
    KP_V_CLOSE,

    KP_V_WORDS
};

/* what: for {what}, or NULL.  The caller's. */
char *kp_visit_say(enum kp_visit_word word, const char *what);

#endif
