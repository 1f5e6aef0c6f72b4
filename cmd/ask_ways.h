/*
 * The ways to a person: the terminal and pinentry.  Only for ask*.c.
 */
#ifndef KP_CMD_ASK_WAYS_H
#define KP_CMD_ASK_WAYS_H

#include "creds/text.h"

#define KP_ASK_LINE_MAX (KP_TEXT_PASSWORD_MAX + 2)

/* What was typed, without the newline.  Secret: wiped by who declares it. */
struct kp_ask_line {
    char text[KP_ASK_LINE_MAX];
    size_t len;
};

enum kp_ask_result {
    KP_ASK_GOT,
    KP_ASK_NO_WAY, /* there is no terminal, or no pinentry that could show itself */
    KP_ASK_ENDED,  /* the person ended it (end of file, Cancel) */
    KP_ASK_LONG,
    KP_ASK_BROKEN, /* it doesn't work */
};

/* The controlling terminal, opened; -1 without one. */
int kp_ask_terminal_open(void);
/* Prompts on it and reads a line; without echo when secret.  A signal that ends or stops the
 * process gets the echo back on first. */
enum kp_ask_result kp_ask_terminal_line(int tty, const char *prompt, bool secret,
                                        struct kp_ask_line *out);
void kp_ask_terminal_say(int tty, const char *text);

/* Whether there is a pinentry to run, on a display or on GPG_TTY. */
bool kp_ask_pinentry_there(void);
/* Shows its dialog.  error: one line about the try before; NULL.  repeat: asks for it twice. */
enum kp_ask_result kp_ask_pinentry(const char *prompt, const char *error, bool repeat,
                                   struct kp_ask_line *out);

#endif
