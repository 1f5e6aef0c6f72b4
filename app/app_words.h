/* What the app's own windows say, in the person's language: every sentence once.  Words only. */
#ifndef KP_APP_WORDS_H
#define KP_APP_WORDS_H

enum kp_app_word {
    /* The start view. */
    KP_A_START_TITLE,
    KP_A_ADDRESS,
    KP_A_ADDRESS_HINT,
    KP_A_GO,
    KP_A_PICTURE,
    KP_A_PICTURE_TITLE,
    KP_A_PICTURE_OPEN,
    KP_A_PICTURE_NONE,
    KP_A_PICTURE_OTHER,
    KP_A_PICTURE_UNREAD,
    KP_A_SAVED,
    KP_A_SAVED_NONE,
    KP_A_NEAR,
    KP_A_NEAR_NONE,
    KP_A_NEAR_WORD,
    KP_A_FORGET,
    KP_A_FORGET_ONE, /* {what}: the device */
    KP_A_FORGET_ASK, /* {what}: the device */
    KP_A_LIST_FAILED,

    /* The login box. */
    KP_A_LOGIN_TITLE, /* {what}: the device */
    KP_A_LOGIN_NEW,
    KP_A_LOGIN_ID, /* {what}: the device id */
    KP_A_USER,
    KP_A_PASSWORD,
    KP_A_PASSWORD_HINT,
    KP_A_PASSWORD_KEPT,
    KP_A_CAPS,
    KP_A_TYPO,
    KP_A_TYPO_ASK,
    KP_A_REMEMBER,
    KP_A_LOG_IN,
    KP_A_LOG_IN_ANYWAY,
    KP_A_CANCEL,
    KP_A_PROVING, /* {what}: the address */

    /* A visit. */
    KP_A_PROVED, /* {what}: the device */
    KP_A_BACK,
    KP_A_RELOAD,
    KP_A_STOP,
    KP_A_MENU,
    KP_A_FIND,
    KP_A_ZOOM_IN,
    KP_A_ZOOM_OUT,
    KP_A_ZOOM_NORMAL,
    KP_A_LOG_OUT,
    KP_A_SETTINGS,
    KP_A_ABOUT,
    KP_A_FACT_WHO,
    KP_A_FACT_ADDRESS,
    KP_A_FACT_ID,
    KP_A_FACT_PROTOCOL,
    KP_A_FACT_PROOF,
    KP_A_FACT_SUITE,
    KP_A_FACT_SINCE,
    KP_A_PROOF_SRP,
    KP_A_PROOF_SPAKE,
    KP_A_OUTSIDE, /* {what}: the address */
    KP_A_OUTSIDE_OPEN,
    KP_A_LOGGED_OUT,  /* {what}: the device */
    KP_A_LOGGED_IDLE, /* {what}: the device */
    KP_A_LEFT,        /* {what}: the device */

    /* Trouble. */
    KP_A_TROUBLE_PROOF,
    KP_A_TROUBLE_STRANGER,
    KP_A_TROUBLE_OTHER,
    KP_A_TROUBLE_NOTHING,
    KP_A_TROUBLE_AGAIN,
    KP_A_TROUBLE_BACK,

    /* Settings and the rest. */
    KP_A_IDLE,
    KP_A_IDLE_NEVER,
    KP_A_CLOSE,
    KP_A_UNSAVED,
    KP_A_NO_ENGINE,
    KP_A_LINK_SECRET,
    KP_A_ABOUT_TEXT,

    KP_A_WORDS
};

/* The sentence, with what put in for {what}; what may be NULL.  The caller's. */
char *kp_app_say(enum kp_app_word word, const char *what);
/* One without {what}; static. */
const char *kp_app_word(enum kp_app_word word);

#endif
