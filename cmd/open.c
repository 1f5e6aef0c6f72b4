/*
 * keyplate open: a device's web page in an ordinary browser, through a port of this computer.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "ask.h"
#include "ask_ways.h"
#include "client/face.h"
#include "client/link.h"
#include "client/prover.h"
#include "command.h"
#include "login_name.h"
#include "platform.h"

#define TRIES 3

static const struct kp_option table[] = {
    {"user", KP_OPTION_VALUE, "NAME", "who you are; asked for on the terminal when not given"},
    KP_ASK_OPTIONS,
    {"listen", KP_OPTION_VALUE, "127.0.0.1:PORT",
     "the port of this computer for the browser (default: a free one)"},
    {"no-browser", KP_OPTION_FLAG, NULL, "print the link, open no browser"},
    {"tls", KP_OPTION_VALUE, "1.2|any", "versions of TLS to offer (default any)"},
    {"verbose", KP_OPTION_FLAG, NULL, "tell of each connection, on stderr"},
    {"device-id", KP_OPTION_VALUE, "ID", NULL},
    {"pake", KP_OPTION_VALUE, "FORM", NULL},
    {"remember", KP_OPTION_FLAG, NULL, NULL},
    {NULL, KP_OPTION_FLAG, NULL, NULL},
};

/* Asking for the password again while tunnels run: on a thread of its own, as a person takes time.
 * It lives until the process ends; the loop is told by wake. */
struct asking {
    uv_async_t wake;
    pthread_t thread;
    struct sigaction interrupt, term; /* the loop's own */
    struct kp_text password;
    struct termios echo; /* the terminal as it was */
    int tty;
    int status;
    bool busy;
    volatile sig_atomic_t stopped; /* by a signal */
};

struct job {
    struct kp_options *options;
    struct kp_link link;
    struct kp_address listen;
    char where[KP_HOST_LEN + 16];
    struct kp_text user;
    struct kp_context *context;
    struct kp_login *login;
    struct kp_loop loop;
    struct kp_device device;
    struct kp_face face;
    struct asking asking;
    struct kp_prover *prover; /* of a password that was typed while tunnels run */
    uv_signal_t term, interrupt;
    int status;
};

/* ---- Checking ---------------------------------------------------------------------------- */

static int refuse_later(const struct kp_options *options)
{
    static const char *const later[] = {"device-id", "pake", "remember"};
    const char *tls = kp_options_get(options, "tls");
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++)
        if (kp_options_has(options, later[i]))
            return kp_command_misused("--%s is not in this version", later[i]);
    if (tls != NULL && strcmp(tls, "1.3") == 0)
        return kp_command_misused("--tls 1.3 is not in this version: use 1.2 or any");
    return KP_EXIT_DONE;
}

static int check(struct job *j)
{
    static const char *const versions[] = {"1.2", "any", NULL};
    const char *listen = kp_options_get(j->options, "listen");
    const char *user = kp_options_get(j->options, "user");
    char why[KP_OPTIONS_WHY_LEN];
    const char *clause;
    size_t version;
    int status = refuse_later(j->options);
    if (status != KP_EXIT_DONE)
        return status;
    if (kp_options_choice(j->options, "tls", versions, 1, &version, why) != 0)
        return kp_command_misused("%s", why);
    if (j->options->positional_count == 0)
        return kp_command_misused("the device's address or https:// link is missing");
    if (kp_link_parse(&j->link, j->options->positionals[0], &clause) != 0)
        return kp_command_misused("%s", clause);
    if (j->link.user[0] != '\0' && user != NULL && strcmp(user, j->link.user) != 0)
        return kp_command_misused("the link names a user, and --user another one");
    if (listen == NULL)
        listen = "127.0.0.1:0";
    if (strspn(listen, "0123456789") == strlen(listen))
        return kp_command_misused("--listen needs an address too: write 127.0.0.1:%.5s", listen);
    if (kp_address_parse(&j->listen, listen, &clause) != 0)
        return kp_command_misused("--listen %.100s: %s", listen, clause);
    if (!kp_address_is_loopback(&j->listen))
        return kp_command_misused("--listen %.100s: only a loopback address, as 127.0.0.1:8443, as "
                                  "whoever reaches it is let in",
                                  listen);
    return KP_EXIT_DONE;
}

/* ---- The login --------------------------------------------------------------------------- */

static int ask_password(const struct job *j, const char *error, struct kp_text *password)
{
    char prompt[KP_TEXT_ESCAPED_MAX(KP_NAME_MAX) + sizeof j->where + 32];
    char name[KP_TEXT_ESCAPED_MAX(KP_NAME_MAX)];
    struct kp_ask ask = {.options = j->options, .prompt = prompt, .error = error};
    snprintf(prompt, sizeof prompt, "Password of %s at %s",
             kp_text_escape(name, j->user.data, j->user.len), j->where);
    return kp_ask_password(&ask, password);
}

static int take_password(struct job *j, struct kp_text *password)
{
    struct kp_login *login;
    int error = kp_login_new(&login, j->context, j->user.data, j->user.len,
                             (const uint8_t *)password->data, password->len);
    kp_text_clear(password);
    if (error != 0)
        return kp_command_fail(KP_EXIT_FAILED, "out of memory");
    kp_login_free(j->login);
    j->login = login;
    return KP_EXIT_DONE;
}

static int tell_trouble(const struct job *j, const struct kp_trouble *trouble)
{
    char text[512];
    kp_explain(trouble, j->where, text, sizeof text);
    return kp_command_fail(kp_trouble_is_proof(trouble) ? KP_EXIT_PROOF : KP_EXIT_FAILED, "%s",
                           text);
}

static void tell_proved(const struct kp_info *info)
{
    kp_command_note("proved: %s, %s%s", info->version_name, info->suite_name,
                    info->resumed ? ", resumed" : "");
}

/* ---- The first handshake ----------------------------------------------------------------- */

static int prove_once(struct job *j, const char *error)
{
    bool verbose = kp_options_has(j->options, "verbose");
    struct kp_trouble trouble;
    struct kp_text password;
    int status = ask_password(j, error, &password);
    if (status == KP_EXIT_DONE)
        status = take_password(j, &password);
    if (status != KP_EXIT_DONE)
        return status;
    kp_device_retry(&j->device, j->login);
    if (kp_prove(&j->device, verbose ? tell_proved : NULL, &trouble))
        return KP_EXIT_DONE;
    return tell_trouble(j, &trouble);
}

static int prove(struct job *j)
{
    int status = prove_once(j, NULL);
    for (int i = 1; i < TRIES && status == KP_EXIT_PROOF; i++) {
        if (!kp_ask_again_makes_sense(j->options))
            break;
        status = prove_once(j, kp_error_text(KP_E_PROOF));
    }
    return status;
}

/* ---- Asking again ------------------------------------------------------------------------ */

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

static struct asking *interrupted; /* whose thread a signal comes to */

/* On the asking thread, when the terminal is as it was: it must not ask again, and the loop ends
 * the process. */
static void on_signal(int number)
{
    (void)number;
    interrupted->stopped = 1;
    (void)uv_async_send(&interrupted->wake);
    for (;;)
        (void)pause();
}

static void take_signals(struct job *j)
{
    struct sigaction action = {.sa_handler = on_signal};
    (void)sigfillset(&action.sa_mask);
    interrupted = &j->asking;
    signals_of_terminal(SIG_BLOCK);
    (void)sigaction(SIGINT, &action, &j->asking.interrupt);
    (void)sigaction(SIGTERM, &action, &j->asking.term);
}

static void give_signals_back(struct job *j)
{
    (void)sigaction(SIGINT, &j->asking.interrupt, NULL);
    (void)sigaction(SIGTERM, &j->asking.term, NULL);
    signals_of_terminal(SIG_UNBLOCK);
}

/* The asking thread alone gets Ctrl-C while it asks: its read has to be interrupted. */
static void *ask_aside(void *arg)
{
    struct job *j = arg;
    signals_of_terminal(SIG_UNBLOCK);
    j->asking.status = ask_password(j, kp_error_text(KP_E_PROOF), &j->asking.password);
    (void)uv_async_send(&j->asking.wake);
    return NULL;
}

static void end(struct job *j, int status);

/* After a failed proof the device asks again by itself: see halted. */
static void tried(void *owner, const struct kp_trouble *trouble)
{
    const struct job *j = owner;
    if (trouble == NULL)
        kp_command_note("the password is right: load the page again");
    else if (!kp_trouble_is_proof(trouble) && !trouble->committed)
        (void)tell_trouble(j, trouble);
}

static void answered(uv_async_t *wake)
{
    struct job *j = wake->data;
    if (!j->asking.busy)
        return;
    if (j->asking.stopped) {
        end(j, KP_EXIT_DONE);
        return;
    }
    (void)pthread_join(j->asking.thread, NULL);
    j->asking.busy = false;
    give_signals_back(j);
    if (j->asking.tty >= 0)
        (void)close(j->asking.tty);
    if (j->asking.status == KP_EXIT_DONE)
        j->asking.status = take_password(j, &j->asking.password);
    if (j->asking.status != KP_EXIT_DONE) {
        end(j, KP_EXIT_PROOF);
        return;
    }
    /* Typing it was an act of the person: it is used at once, whether or not a page waits. */
    kp_device_retry(&j->device, j->login);
    kp_prover_stop(j->prover);
    kp_prover_start(&j->prover, &j->device,
                    kp_options_has(j->options, "verbose") ? tell_proved : NULL, tried, j);
}

/* A password handshake failed: none starts until the person has answered. */
static void halted(struct kp_device *device)
{
    struct job *j = device->owner;
    int status = tell_trouble(j, &device->trouble);
    if (!kp_ask_again_makes_sense(j->options)) {
        end(j, status);
        return;
    }
    j->asking.tty = kp_ask_terminal_open();
    if (j->asking.tty >= 0)
        (void)tcgetattr(j->asking.tty, &j->asking.echo);
    take_signals(j);
    j->asking.busy = true;
    if (pthread_create(&j->asking.thread, NULL, ask_aside, j) == 0)
        return;
    j->asking.busy = false;
    give_signals_back(j);
    end(j, status);
}

/* ---- Serving the browser ----------------------------------------------------------------- */

static void end(struct job *j, int status)
{
    if (!j->face.open)
        return;
    j->status = status;
    kp_face_stop(&j->face);
    kp_prover_stop(j->prover);
    uv_close((uv_handle_t *)&j->term, NULL);
    uv_close((uv_handle_t *)&j->interrupt, NULL);
    uv_close((uv_handle_t *)&j->asking.wake, NULL);
}

static void told_to_stop(uv_signal_t *signal, int number)
{
    (void)number;
    end(signal->data, KP_EXIT_DONE);
}

static void nothing(uv_work_t *work)
{
    (void)work;
}

/* libuv's helper threads never take the terminal's signals: see ask_aside. */
static void settle_threads(struct job *j)
{
    uv_work_t work;
    signals_of_terminal(SIG_BLOCK);
    if (uv_queue_work(&j->loop.uv, &work, nothing, NULL) == 0)
        kp_loop_run(&j->loop);
    signals_of_terminal(SIG_UNBLOCK);
}

static void watch(struct job *j, uv_signal_t *handle, int number)
{
    (void)uv_signal_init(&j->loop.uv, handle);
    handle->data = j;
    (void)uv_signal_start(handle, told_to_stop, number);
}

static int bind_face(struct job *j, struct kp_address *bound)
{
    char text[KP_ADDRESS_TEXT_LEN];
    int error = kp_face_bind(&j->face, &j->listen, bound);
    if (error == 0)
        return KP_EXIT_DONE;
    kp_address_text(&j->listen, text);
    if (error == UV_EADDRINUSE)
        return kp_command_fail(KP_EXIT_FAILED,
                               "another program uses %s: choose another port with --listen", text);
    return kp_command_fail(KP_EXIT_FAILED, "can't listen on %s: %s", text, uv_strerror(error));
}

static void no_browser(void)
{
    kp_command_note("no browser could be started: open the link yourself");
}

static int announce(struct job *j, const struct kp_address *bound)
{
    char at[KP_ADDRESS_TEXT_LEN];
    char url[KP_ADDRESS_TEXT_LEN + KP_LINK_PATH_LEN + 8];
    snprintf(url, sizeof url, "http://%s%s", kp_address_text(bound, at), j->link.path);
    printf("open %s\n", url);
    if (fflush(stdout) != 0 || ferror(stdout))
        return kp_command_fail(KP_EXIT_FAILED, "the link can't be written to standard output");
    kp_command_note("every program on this computer can use this link until Ctrl-C ends it");
    kp_command_note("what else to know: cookies are shared with other ports of 127.0.0.1, only the "
                    "first request of a connection is checked for coming from another site, and a "
                    "page that leads to the device's own http:// address leads out of the "
                    "protection (man keyplate-open)");
    if (!kp_options_has(j->options, "no-browser") &&
        kp_platform_open_browser(&j->loop.uv, url, no_browser) != 0)
        no_browser();
    return KP_EXIT_DONE;
}

static int serve(struct job *j, const struct kp_address *bound)
{
    j->device.on_halt = halted;
    j->face.asks = kp_ask_again_makes_sense(j->options);
    if (kp_options_has(j->options, "verbose"))
        j->face.on_proved = tell_proved;
    watch(j, &j->term, SIGTERM);
    watch(j, &j->interrupt, SIGINT);
    (void)uv_async_init(&j->loop.uv, &j->asking.wake, answered);
    j->asking.wake.data = j;
    if (kp_face_start(&j->face) != 0)
        return kp_command_fail(KP_EXIT_FAILED, "the loopback port can't be used");
    j->status = announce(j, bound);
    if (j->status != KP_EXIT_DONE)
        end(j, j->status);
    kp_loop_run(&j->loop);
    return j->status;
}

static int make_context(struct job *j)
{
    static const char *const alpn[] = {"http/1.1"};
    struct kp_settings settings = {
        .role = KP_CLIENT, .alpn = alpn, .alpn_count = 1, .buffer_len = KP_RECORD_BUFFER_LEN};
    if (kp_context_new(&j->context, &settings) != 0 || kp_loop_init(&j->loop) != 0)
        return kp_command_fail(KP_EXIT_FAILED, "out of memory");
    settle_threads(j);
    kp_device_init(&j->device, &j->loop, j->context, &j->link.host, NULL);
    j->device.owner = j;
    j->face.loop = &j->loop;
    j->face.device = &j->device;
    j->face.fd = -1;
    kp_device_name(&j->device, j->where, sizeof j->where);
    return KP_EXIT_DONE;
}

static const char *user_of(const struct job *j)
{
    const char *given = kp_options_get(j->options, "user");
    return given == NULL && j->link.user[0] != '\0' ? j->link.user : given;
}

static int run_job(struct job *j)
{
    struct kp_address bound;
    int status = check(j);
    if (status == KP_EXIT_DONE)
        status = kp_login_name(user_of(j), &j->user);
    if (status == KP_EXIT_DONE)
        status = make_context(j);
    if (status == KP_EXIT_DONE)
        status = bind_face(j, &bound);
    if (status == KP_EXIT_DONE)
        status = prove(j);
    if (status == KP_EXIT_DONE)
        status = serve(j, &bound);
    return status;
}

static void clear(struct job *j)
{
    /* Whoever still asks keeps the options: the process is about to end. */
    if (j->asking.busy && j->asking.tty >= 0)
        (void)tcsetattr(j->asking.tty, TCSANOW, &j->asking.echo);
    kp_device_clear(&j->device);
    kp_login_free(j->login);
    kp_loop_close(&j->loop);
    kp_context_free(j->context);
    kp_text_clear(&j->user);
}

static int run(struct kp_options *options)
{
    struct job *j = calloc(1, sizeof *j);
    int status;
    if (j == NULL)
        return kp_command_fail(KP_EXIT_FAILED, "out of memory");
    j->options = options;
    j->face.fd = -1;
    status = run_job(j);
    clear(j);
    if (j->asking.busy) {
        (void)fflush(stdout);
        _exit(status); /* the asking thread can't be interrupted */
    }
    free(j);
    return status;
}

const struct kp_command kp_command_open = {
    .name = "open",
    .summary = "see a device's web page in your browser",
    .synopsis = "URL|ADDR[:PORT] [--user NAME]\n"
                "[--password-file FILE|--password-fd N] [OPTION...]",
    .about =
        "Proves the password to the device (and the device proves that it has it), prints a line "
        "\"open http://127.0.0.1:PORT/\" and opens it in the browser. What the browser sends there "
        "goes to the device over the secure connection until Ctrl-C.\n\n"
        "A bare address means https and port 443. Every program on this computer can use the port "
        "while it is open.\n\n"
        "Exit status: 0 after Ctrl-C, 1 when the device can't be reached, 2 for wrong usage, 3 "
        "when the proof failed: wrong name or password, or this is not your device: someone may be "
        "in between.",
    .options = table,
    .max_positionals = 1,
    .run = run,
};
