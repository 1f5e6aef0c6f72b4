/*
 * What people are told on the client's side, on terminals, pages and in the extension: every
 * sentence once, in each language.  Words only.
 *
 * Sentences have no full stop at their end (a page adds it) and name what is filled in as {where}.
 */
#ifndef KP_CLIENT_WORDS_H
#define KP_CLIENT_WORDS_H

#include <stddef.h>

enum kp_language { KP_ENGLISH, KP_GERMAN, KP_LANGUAGES };

/* Rows are added where they belong by meaning; words.c has the table.  What is in {braces} there is
 * what kp_word has to be given. */
enum kp_word {
    KP_W_OUT_OF_MEMORY,

    /* Why a connection didn't come about: explain.c. */
    KP_W_PROOF,
    KP_W_STRANGER,
    KP_W_UNRESOLVED,
    KP_W_CONNECT_REFUSED,
    KP_W_CONNECT_SILENT,
    KP_W_CONNECT_NO_WAY,
    KP_W_CONNECT_FAILED,
    KP_W_HANDSHAKE_SILENT,
    KP_W_HANDSHAKE_HUNG_UP,
    KP_W_HANDSHAKE_ALERT,
    KP_W_HANDSHAKE_FAILED,
    KP_W_WORK_SILENT,
    KP_W_WORK_CUT,
    KP_W_WORK_ALERT,
    KP_W_WORK_FAILED,
    KP_W_STEP_DOWN,
    KP_W_STEP_DOWN_SAVED,
    KP_W_NO_TLS12_GIVE_ID,
    KP_W_NO_TLS12_LEAVE_OUT,
    KP_W_NO_TLS12_LEAVE_OUT_GIVE_ID,
    KP_W_OTHER_FORM,
    KP_W_NO_PASSWORD_TLS13,
    KP_W_ORDINARY,
    KP_W_ORDINARY_OR_FORM,
    KP_W_ONLY_TLS12,
    KP_W_WRONG_ANSWER,
    KP_W_PLAIN_HTTP,
    KP_W_NOT_TLS,
    KP_W_WEAK_GROUP,
    KP_W_TICKET_REFUSED,
    KP_W_MORE_ID,
    KP_W_MORE_SAVED,
    KP_W_TRIED,
    KP_W_TRIED_ID_GIVEN,
    KP_W_TRIED_ID_SAVED,
    KP_W_SLOWED,

    /* Which device is meant: target.c. */
    KP_W_DEVICE_MISSING,
    KP_W_CHOICE,
    KP_W_PAKE_WITHOUT_TLS13,
    KP_W_ADDRESS_IS_LABEL,
    KP_W_ID_FAULTY,
    KP_W_ID_DIFFERS,
    KP_W_ID_IS_LABEL,
    KP_W_USER_DIFFERS,
    KP_W_USER_LONG,
    KP_W_USER_IS_LABEL,
    KP_W_NAME_ALONE,
    KP_W_NO_SAVED_NAMES,
    KP_W_SAVED_UNREADABLE,
    KP_W_SAVED_ID_DIFFERS,
    KP_W_TLS13_NEEDS_ID,
    KP_W_NOWHERE,

    /* What is remembered of a device: remember.c. */
    KP_W_ALARM,
    KP_W_ALARM_SAVED,
    KP_W_ALARM_ASKED,
    KP_W_ALARM_CUT,
    KP_W_ALARM_CUT_BYTE,
    KP_W_ALARM_CUT_BYTES,
    KP_W_ALARM_REPLACED,
    KP_W_ID_UNCHECKED,
    KP_W_TOLD_UNREAD,
    KP_W_SAVED,
    KP_W_SAVED_MOVED,
    KP_W_ELSEWHERE_FORGET,
    KP_W_ELSEWHERE_ID,
    KP_W_ELSEWHERE_LOOK_ID,
    KP_W_CANT_SAVE,
    KP_W_SAVE_ADDRESS_TAKEN,
    KP_W_SAVE_TOO_MANY,

    /* Pages: pages.c.  {open} and {forget} are commands. */
    KP_W_PAGE_GO_TO_FIRST,
    KP_W_PAGE_GO_TO_LIST,
    KP_W_PAGE_GO_ON,
    KP_W_PAGE_AGAIN,
    KP_W_PAGE_LOG_IN_AGAIN,
    KP_W_PAGE_UNREACHED,
    KP_W_PAGE_UNREACHED_DO,
    KP_W_PAGE_BROKE_OFF,
    KP_W_PAGE_BROKE_OFF_DO,
    KP_W_PAGE_REFUSED,
    KP_W_PAGE_REFUSED_DO,
    KP_W_PAGE_REFUSED_ID,
    KP_W_PAGE_REFUSED_ELSE,
    KP_W_PAGE_STRANGER,
    KP_W_PAGE_STRANGER_NOTHING_SENT,
    KP_W_PAGE_STRANGER_DO,
    KP_W_PAGE_STRANGER_ELSE,
    KP_W_PAGE_LOGGED_OUT,
    KP_W_PAGE_LOGGED_OUT_WHAT,
    KP_W_PAGE_NOT_IN,
    KP_W_PAGE_NOT_IN_WHAT,
    KP_W_PAGE_TO_GET_IN,
    KP_W_PAGE_PROVING,
    KP_W_PAGE_PROVING_WHAT,
    KP_W_PAGE_BAD_ANSWER,
    KP_W_PAGE_BAD_ANSWER_WHAT,
    KP_W_PAGE_BAD_ANSWER_DO,
    KP_W_PAGE_LATE,
    KP_W_PAGE_LATE_WHAT,
    KP_W_PAGE_LATE_DO,
    KP_W_PAGE_NO_SECRET,
    KP_W_PAGE_NO_SECRET_WHAT,
    KP_W_PAGE_NO_SECRET_LINK,
    KP_W_PAGE_FOREIGN,
    KP_W_PAGE_FOREIGN_WHAT,
    KP_W_PAGE_FOREIGN_DO,
    KP_W_PAGE_WORKER,
    KP_W_PAGE_WORKER_WHAT,
    KP_W_PAGE_OTHER_USER,
    KP_W_PAGE_OTHER_USER_WHAT,
    KP_W_PAGE_ASTRAY,
    KP_W_PAGE_ASTRAY_WHAT,
    KP_W_PAGE_ASTRAY_ELSE,
    KP_W_PAGE_NOBODY,
    KP_W_PAGE_NOBODY_WHAT,
    KP_W_PAGE_NOT_FOUND,
    KP_W_PAGE_NOT_FOUND_WHAT,
    KP_W_PAGE_METHOD,
    KP_W_PAGE_METHOD_WHAT,
    KP_W_PAGE_LINK_USED,
    KP_W_PAGE_LINK_USED_WHAT,
    KP_W_PAGE_FULL,
    KP_W_PAGE_FULL_WHAT,
    KP_W_PAGE_MALFORMED,
    KP_W_PAGE_MALFORMED_WHAT,
    KP_W_PAGE_TOO_LONG,
    KP_W_PAGE_TOO_LONG_WHAT,
    KP_W_PAGE_UNSUPPORTED,
    KP_W_PAGE_UNSUPPORTED_WHAT,
    KP_W_PAGE_VERSION,
    KP_W_PAGE_VERSION_WHAT,
    KP_W_PAGE_OPENING,

    /* The list of devices: page_list.c. */
    KP_W_LIST,
    KP_W_LIST_EMPTY,
    KP_W_LIST_EMPTY_DO,
    KP_W_LIST_HOW_IN,
    KP_W_LIST_ADDRESS,
    KP_W_LIST_USER,
    KP_W_LIST_PROTOCOL,
    KP_W_LIST_SINCE,
    KP_W_LIST_SEEN,
    KP_W_LIST_NOW,
    KP_W_LIST_MINUTES,
    KP_W_LIST_HOURS,
    KP_W_LIST_DAY,
    KP_W_LIST_DAYS,
    KP_W_LIST_OPEN,
    KP_W_LIST_LOG_OUT,
    KP_W_LIST_FORGET,
    KP_W_LIST_FORGET_WHAT,
    KP_W_LIST_FORGET_YES,
    KP_W_STATE_OUT,
    KP_W_STATE_PROVING,
    KP_W_STATE_IN,
    KP_W_STATE_REFUSED,
    KP_W_STATE_STRANGER,

    /* What the desk answers, and the agent says: desk.c, desk_login.c, desk_near.c. */
    KP_W_DESK_NO_USER,
    KP_W_DESK_USER_FAULTY,
    KP_W_DESK_PASSWORD_FAULTY,
    KP_W_DESK_MISTYPED,
    KP_W_DESK_NOT_NEAR,
    KP_W_DESK_CANT_LOOK,
    KP_W_DESK_CLAIMS,
    KP_W_DESK_NO_SUCH,
    KP_W_DESK_NOT_IN,
    KP_W_DESK_MANY,
    KP_W_DESK_LONG,
    KP_W_PROBE_SPEAKS,
    KP_W_PROBE_OTHER_TLS,
    KP_W_AGENT_ALONE,

    /* The hub: site.c, stay.c, hub.c. */
    KP_W_NO_PASSWORD,
    KP_W_PASSWORD_KEPT,
    KP_W_PASSWORD_NOT_KEPT,
    KP_W_PASSWORD_NEEDS_ID,
    KP_W_LOGGED_OUT_MEANWHILE,
    KP_W_LOGIN_BUSY,
    KP_W_PORT_TAKEN,
    KP_W_CANT_LISTEN,

    /* keyplate open. */
    KP_W_OPEN_LIST,
    KP_W_OPEN_UNTIL,
    KP_W_OPEN_HANDED_OVER,
    KP_W_OPEN_OTHER_PORT,
    KP_W_OPEN_ALONE,
    KP_W_OPEN_NO_BROWSER,
    KP_W_OPEN_RIGHT,
    KP_W_OPEN_LOST,
    KP_W_OPEN_LOGGED_OUT,

    KP_WORDS
};

#define KP_WORD_LEN 2600 /* of a sentence, filled in, with its NUL; longer ones are cut */

/* Writes the sentence; then come pairs of key and value, both const char *, and NULL at the end: a
 * value stands for {key}.  Values are put in as they are: what a stranger chose is escaped before
 * (kp_text_escape), and a page escapes the whole (kp_notice_escape).  Returns out. */
const char *kp_word(char *out, size_t len, enum kp_language language, enum kp_word word, ...)
    __attribute__((sentinel));

/* By LC_ALL, LC_MESSAGES, LANG, the first that is set: German if it begins with "de". */
enum kp_language kp_language_of_person(void);
/* By an Accept-Language field (RFC 9110 12.5.4), text[len]: the language with the highest weight
 * that we have; otherwise if it names none. */
enum kp_language kp_language_accepted(const char *text, size_t len, enum kp_language otherwise);
/* "en", "de". */
const char *kp_language_tag(enum kp_language language);

#endif
