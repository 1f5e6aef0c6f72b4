/*
 * Asking for the password again while connections run.
 */
#include "asking.h"

#include <unistd.h>

#include "ask_ways.h"

static void signals_of_terminal(int how)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGHUP);
    (void)sigaddset(&set, SIGQUIT);
    (void)sigaddset(&set, SIGTSTP);
    (void)pthread_sigmask(how, &set, NULL);
}

static void nothing(uv_work_t *work)
{
    (void)work;
}

void kp_asking_settle_threads(struct kp_loop *loop)
{
    uv_work_t work;
    signals_of_terminal(SIG_BLOCK);
    if (uv_queue_work(&loop->uv, &work, nothing, NULL) == 0)
        kp_loop_run(loop);
    signals_of_terminal(SIG_UNBLOCK);
}

/* ---- Signals while it asks --------------------------------------------------------------- */

static struct kp_asking *interrupted; /* whose thread a signal comes to */

/* On the asking thread, when the terminal is as it was: it must not ask again, and the loop ends
 * the process. */
static void on_signal(int number)
{
    (void)number;
    interrupted->by_signal = 1;
    (void)uv_async_send(&interrupted->wake);
    for (;;)
        (void)pause();
}

static void take_signals(struct kp_asking *a)
{
    struct sigaction action = {.sa_handler = on_signal};
    (void)sigfillset(&action.sa_mask);
    interrupted = a;
    signals_of_terminal(SIG_BLOCK);
    (void)sigaction(SIGINT, &action, &a->interrupt);
    (void)sigaction(SIGTERM, &action, &a->term);
}

static void give_signals_back(struct kp_asking *a)
{
    (void)sigaction(SIGINT, &a->interrupt, NULL);
    (void)sigaction(SIGTERM, &a->term, NULL);
    signals_of_terminal(SIG_UNBLOCK);
}

/* ---- Asking ------------------------------------------------------------------------------ */

/* This thread alone gets Ctrl-C while it asks: its read has to be interrupted. */
static void *ask_aside(void *arg)
{
    struct kp_asking *a = arg;
    signals_of_terminal(SIG_UNBLOCK);
    a->status = kp_login_password(a->wish, a->error, &a->password);
    signals_of_terminal(SIG_BLOCK); /* the loop gets them when this is done */
    (void)uv_async_send(&a->wake);
    return NULL;
}

static void woken(uv_async_t *wake)
{
    struct kp_asking *a = wake->data;
    struct kp_text password;
    if (!a->busy)
        return;
    if (a->by_signal && a->ended) {
        give_signals_back(a);
        return;
    }
    if (a->by_signal) {
        a->stopped(a);
        return;
    }
    (void)pthread_join(a->thread, NULL);
    a->busy = false;
    give_signals_back(a);
    if (a->tty >= 0)
        (void)close(a->tty);
    password = a->password;
    a->password = (struct kp_text){NULL, 0};
    a->answered(a, a->status, &password);
}

void kp_asking_init(struct kp_asking *a, struct kp_loop *loop)
{
    (void)uv_async_init(&loop->uv, &a->wake, woken);
    a->wake.data = a;
}

int kp_asking_start(struct kp_asking *a)
{
    a->tty = kp_ask_terminal_open();
    if (a->tty >= 0)
        (void)tcgetattr(a->tty, &a->echo);
    take_signals(a);
    a->busy = true;
    if (pthread_create(&a->thread, NULL, ask_aside, a) == 0)
        return 0;
    a->busy = false;
    give_signals_back(a);
    if (a->tty >= 0)
        (void)close(a->tty);
    return -1;
}

/* The thread lets go of the terminal as for a signal of another's, and waits for the process's end.
 */
void kp_asking_end(struct kp_asking *a)
{
    if (!a->busy || a->by_signal)
        return;
    a->ended = true;
    (void)pthread_kill(a->thread, SIGINT);
}

void kp_asking_close(struct kp_asking *a)
{
    uv_close((uv_handle_t *)&a->wake, NULL);
}

void kp_asking_leave(const struct kp_asking *a)
{
    if (a->busy && a->tty >= 0)
        (void)tcsetattr(a->tty, TCSANOW, &a->echo);
}
