/*
 * Asking on the terminal, without echo for passwords.
 */
#include "ask_ways.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/secret.h"

static const int caught[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
#define CAUGHT (sizeof caught / sizeof *caught)

static volatile sig_atomic_t pending;
static sigset_t unblocked; /* the mask outside: caught signals come in while we wait alone */

static void on_signal(int number)
{
    pending = number;
}

int kp_ask_terminal_open(void)
{
    return open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
}

void kp_ask_terminal_say(int tty, const char *text)
{
    /* A terminal that takes no text gives none either: the read will tell. */
    if (write(tty, text, strlen(text)) < 0)
        return;
}

/* Waits until there is something to read.  A signal that came after the last look at `pending`
 * would be lost on a plain read: it is let in here, and nowhere else. */
static bool wait_for(int tty)
{
    struct pollfd what = {.fd = tty, .events = POLLIN};
    while (pending == 0) {
        int n = ppoll(&what, 1, NULL, &unblocked);
        if (n > 0 || (n < 0 && errno != EINTR))
            return true;
    }
    return false;
}

/* One line in canonical mode; KP_ASK_NO_WAY: a signal came. */
static enum kp_ask_result read_line(int tty, struct kp_ask_line *out)
{
    bool full = false;
    out->len = 0;
    for (;;) {
        char c;
        if (!wait_for(tty))
            return KP_ASK_NO_WAY;
        ssize_t n = read(tty, &c, 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return KP_ASK_BROKEN;
        if (n == 0)
            return KP_ASK_ENDED;
        if (c == '\n')
            return full ? KP_ASK_LONG : KP_ASK_GOT;
        full = full || out->len == sizeof out->text;
        if (!full)
            out->text[out->len++] = c;
        kp_wipe(&c, sizeof c);
    }
}

/* The line, with the echo off in between. */
static enum kp_ask_result read_hidden(int tty, const char *prompt, struct kp_ask_line *out)
{
    struct termios was;
    struct termios quiet;
    if (tcgetattr(tty, &was) != 0)
        return KP_ASK_BROKEN;
    quiet = was;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK);
    quiet.c_lflag |= ICANON | ISIG | ECHONL;
    /* First the echo, then the prompt: who waits for the prompt isn't seen. */
    if (tcsetattr(tty, TCSAFLUSH, &quiet) != 0)
        return KP_ASK_BROKEN;
    kp_ask_terminal_say(tty, prompt);
    enum kp_ask_result result = read_line(tty, out);
    (void)tcsetattr(tty, TCSANOW, &was);
    return result;
}

static void catch_all(struct sigaction was[static CAUGHT])
{
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t ours;
    (void)sigemptyset(&action.sa_mask);
    (void)sigemptyset(&ours);
    pending = 0;
    for (size_t i = 0; i < CAUGHT; i++)
        (void)sigaddset(&ours, caught[i]);
    (void)pthread_sigmask(SIG_BLOCK, &ours, &unblocked);
    for (size_t i = 0; i < CAUGHT; i++) {
        (void)sigaction(caught[i], NULL, &was[i]);
        /* What is ignored (nohup) stays ignored. */
        if (was[i].sa_handler != SIG_IGN)
            (void)sigaction(caught[i], &action, NULL);
    }
}

static void release_all(const struct sigaction was[static CAUGHT])
{
    for (size_t i = 0; i < CAUGHT; i++)
        (void)sigaction(caught[i], &was[i], NULL);
    /* One that came between the last wait and now has its old effect. */
    (void)pthread_sigmask(SIG_SETMASK, &unblocked, NULL);
}

enum kp_ask_result kp_ask_terminal_line(int tty, const char *prompt, bool secret,
                                        struct kp_ask_line *out)
{
    struct sigaction was[CAUGHT];
    enum kp_ask_result result;
    do {
        catch_all(was);
        if (secret) {
            result = read_hidden(tty, prompt, out);
        } else {
            kp_ask_terminal_say(tty, prompt);
            result = read_line(tty, out);
        }
        release_all(was);
        if (result != KP_ASK_GOT)
            kp_wipe(out, sizeof *out);
        if (pending != 0) {
            if (pending != SIGTSTP)
                kp_ask_terminal_say(tty, "\n");
            (void)raise(pending);
        }
        /* Still here: it was a stop, or somebody else's handler; ask again. */
    } while (result == KP_ASK_NO_WAY);
    return result;
}
