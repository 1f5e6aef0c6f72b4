/*
 * keyplate open: a device's web page in an ordinary browser, through a port of this computer.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agreed.h"
#include "asking.h"
#include "client/face.h"
#include "client/id_reader.h"
#include "client/prover.h"
#include "command.h"
#include "login.h"
#include "platform.h"
#include "remember.h"
#include "trouble.h"

#define TRIES 3

static const struct kp_option table[] = {
    {"user", KP_OPTION_VALUE, "NAME",
     "who you are; asked for on the terminal when neither given nor saved"},
    KP_ASK_OPTIONS,
    {"listen", KP_OPTION_VALUE, "127.0.0.1:PORT",
     "the port of this computer for the browser (default: a free one)"},
    {"no-browser", KP_OPTION_FLAG, NULL, "print the link, open no browser"},
    KP_TARGET_OPTIONS,
    {"verbose", KP_OPTION_FLAG, NULL, "tell of each connection, on stderr"},
    {"remember", KP_OPTION_FLAG, NULL, NULL},
    {NULL, KP_OPTION_FLAG, NULL, NULL},
};

struct job {
    struct kp_options *options;
    struct kp_target target;
    struct kp_address listen;
    struct kp_text user;
    struct kp_context *context;
    struct kp_context *tls13; /* offers nothing less; NULL: context is the only one */
    struct kp_login_wish wish;
    struct kp_login *login;
    struct kp_loop loop;
    struct kp_device device;
    struct kp_face face;
    struct kp_asking asking;
    struct kp_prover *prover;    /* of a password that was typed while tunnels run */
    struct kp_id_reader *reader; /* NULL: it isn't at work */
    struct kp_remember remember;
    uv_work_t saving;
    uv_signal_t term, interrupt;
    int status;
    int failures; /* of the password, since it was proved last */
    uint16_t due; /* the version of a full handshake that is still to be looked at; 0: none */
    bool verbose;
    bool is_saving;
    bool ask_later; /* the device, what it is: when the page can be used */
    bool serving;
    bool stranger; /* another device answered: nothing goes to it */
};

/* ---- Checking ---------------------------------------------------------------------------- */

static int check_listen(struct job *j)
{
    const char *listen = kp_options_get(j->options, "listen");
    const char *clause;
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

static int check(struct job *j)
{
    int status;
    if (kp_options_has(j->options, "remember"))
        return kp_command_misused("--remember is not in this version: passwords are not saved");
    status = check_listen(j);
    return status == KP_EXIT_DONE ? kp_target_find(&j->target, j->options) : status;
}

/* ---- What the device is ------------------------------------------------------------------ */

static void end(struct job *j, int status);
static void look(struct job *j);

static void save(uv_work_t *work)
{
    struct job *j = work->data;
    kp_remember_save(&j->remember);
}

static void saved(uv_work_t *work, int error)
{
    struct job *j = work->data;
    (void)error;
    j->is_saving = false;
    kp_remember_tell(&j->remember);
    look(j);
}

/* Files are slow: while pages are served a thread does it. */
static void save_aside(struct job *j)
{
    j->saving.data = j;
    j->is_saving = uv_queue_work(&j->loop.uv, &j->saving, save, saved) == 0;
}

/* Nothing more goes to it, and who comes gets a page that says so, until Ctrl-C. */
static void shut_out(struct job *j)
{
    const struct kp_trouble trouble = {.stranger = true};
    j->stranger = true;
    kp_device_halt(&j->device, &trouble);
    if (!j->serving)
        return;
    kp_prover_stop(j->prover);
    kp_asking_end(&j->asking);
    kp_face_cut(&j->face);
}

static void told(void *owner, const struct kp_told *what, const char *why)
{
    struct job *j = owner;
    if (!kp_remember_told(&j->remember, what, why, j->verbose)) {
        kp_remember_alarm(&j->remember, NULL);
        shut_out(j);
    } else if (j->serving && what != NULL && !j->is_saving) {
        save_aside(j);
    }
    look(j);
}

static void ask_what_it_is(struct job *j)
{
    if (j->reader == NULL && !j->is_saving && !j->stranger)
        kp_id_reader_start(&j->reader, &j->device, told, j);
}

/* A device that is known by its id is asked before the browser gets to it; a new one meanwhile.
 * One at a time: what is due while another is looked at comes after it. */
static void look(struct job *j)
{
    const struct kp_info info = {.version = j->due};
    if (j->due == 0 || j->is_saving || j->reader != NULL || j->stranger)
        return;
    j->due = 0;
    kp_remember_proved(&j->remember, &info);
    if (!kp_remember_asks(&j->remember))
        return;
    j->ask_later = !j->serving && j->remember.id[0] == '\0';
    if (!j->ask_later)
        ask_what_it_is(j);
}

static void proved(struct kp_device *device, const struct kp_info *info)
{
    struct job *j = device->owner;
    if (j->verbose)
        kp_agreed_tell(info);
    if (info->version == 0x0304 && j->tls13 != NULL)
        kp_device_keep_tls13(device, j->tls13);
    if (info->resumed)
        return;
    j->failures = 0;
    j->due = info->version;
    look(j);
}

/* ---- The first handshake ----------------------------------------------------------------- */

static int tell_trouble(const struct job *j, const struct kp_trouble *trouble)
{
    return kp_trouble_tell(trouble, j->target.where, j->verbose);
}

static void use_login(struct job *j, struct kp_login *login)
{
    kp_login_free(j->login);
    j->login = login;
    kp_device_retry(&j->device, login);
}

static int prove_once(struct job *j, const char *error)
{
    struct kp_trouble trouble;
    struct kp_login *login;
    int status = kp_login_ask(&j->wish, error, &login);
    if (status != KP_EXIT_DONE)
        return status;
    use_login(j, login);
    if (!kp_prove(&j->device, &trouble))
        return tell_trouble(j, &trouble);
    return j->stranger ? KP_EXIT_FAILED : KP_EXIT_DONE;
}

static int prove(struct job *j)
{
    int status = prove_once(j, NULL);
    for (int i = 1; i < TRIES && status == KP_EXIT_PROOF; i++) {
        if (!kp_ask_again_makes_sense(j->options))
            break;
        status = prove_once(j, kp_error_text(KP_E_PROOF));
        if (status == KP_EXIT_PROOF && i + 1 == KP_TROUBLE_MANY)
            kp_trouble_tell_slowed();
    }
    if (status != KP_EXIT_DONE)
        return status;
    kp_remember_save(&j->remember);
    kp_remember_tell(&j->remember);
    return status;
}

/* ---- Asking again ------------------------------------------------------------------------ */

/* After a failed proof the device asks again by itself: see halted. */
static void tried(void *owner, const struct kp_trouble *trouble)
{
    const struct job *j = owner;
    if (trouble == NULL)
        kp_command_note("the password is right: load the page again");
    else if (!kp_trouble_is_proof(trouble) && !trouble->committed && !trouble->stranger)
        (void)tell_trouble(j, trouble);
}

static void answered(struct kp_asking *asking, int status, struct kp_login *login)
{
    struct job *j = asking->owner;
    if (j->stranger) {
        kp_login_free(login);
        return;
    }
    if (status != KP_EXIT_DONE) {
        end(j, kp_trouble_is_proof(&j->device.trouble) ? KP_EXIT_PROOF : KP_EXIT_FAILED);
        return;
    }
    /* Typing it was an act of the person: it is used at once, whether or not a page waits. */
    use_login(j, login);
    kp_prover_stop(j->prover);
    kp_prover_start(&j->prover, &j->device, tried, j);
}

static void stopped(struct kp_asking *asking)
{
    end(asking->owner, KP_EXIT_DONE);
}

/* A password handshake failed: none starts until the person has answered, and the last is the third
 * in a row. */
static void halted(struct kp_device *device)
{
    struct job *j = device->owner;
    int status = tell_trouble(j, &device->trouble);
    bool asks = ++j->failures < TRIES && kp_ask_again_makes_sense(j->options);
    if (j->failures == KP_TROUBLE_MANY)
        kp_trouble_tell_slowed();
    if (!asks || kp_asking_start(&j->asking) != 0)
        end(j, status);
}

/* ---- Serving the browser ----------------------------------------------------------------- */

static void end(struct job *j, int status)
{
    if (!j->face.open)
        return;
    j->status = status;
    j->due = 0;
    kp_face_stop(&j->face);
    kp_prover_stop(j->prover);
    kp_id_reader_stop(j->reader);
    uv_close((uv_handle_t *)&j->term, NULL);
    uv_close((uv_handle_t *)&j->interrupt, NULL);
    kp_asking_close(&j->asking);
}

static void told_to_stop(uv_signal_t *signal, int number)
{
    struct job *j = signal->data;
    (void)number;
    end(j, j->stranger ? KP_EXIT_FAILED : KP_EXIT_DONE);
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
    snprintf(url, sizeof url, "http://%s%s", kp_address_text(bound, at), j->target.link.path);
    printf("open %s\n", url);
    if (fflush(stdout) != 0 || ferror(stdout))
        return kp_command_fail(KP_EXIT_FAILED, "the link can't be written to standard output");
    kp_command_note("every program on this computer can use this link until Ctrl-C");
    if (j->verbose || j->target.saved.name[0] == '\0')
        kp_command_note("what else to know: cookies are shared with other ports of 127.0.0.1, only "
                        "the first request of a connection is checked for coming from another "
                        "site, and a page that leads to the device's own http:// address leads out "
                        "of the protection (man keyplate-open)");
    if (!kp_options_has(j->options, "no-browser") &&
        kp_platform_open_browser(&j->loop.uv, url, no_browser) != 0)
        no_browser();
    return KP_EXIT_DONE;
}

static int serve(struct job *j, const struct kp_address *bound)
{
    j->device.on_halt = halted;
    j->face.asks = kp_ask_again_makes_sense(j->options);
    watch(j, &j->term, SIGTERM);
    watch(j, &j->interrupt, SIGINT);
    kp_asking_init(&j->asking, &j->loop);
    if (kp_face_start(&j->face) != 0)
        return kp_command_fail(KP_EXIT_FAILED, "the loopback port can't be used");
    j->serving = true;
    j->status = announce(j, bound);
    if (j->status != KP_EXIT_DONE)
        end(j, j->status);
    else if (j->ask_later)
        ask_what_it_is(j);
    kp_loop_run(&j->loop);
    return j->status;
}

static int make_context(struct job *j)
{
    static const char *const alpn[] = {"http/1.1"};
    struct kp_settings settings = {
        .role = KP_CLIENT,
        .versions = j->target.offered.versions,
        .pake = j->target.offered.pake,
        .alpn = alpn,
        .alpn_count = 1,
        .buffer_len = KP_RECORD_BUFFER_LEN,
    };
    int error = kp_context_new(&j->context, &settings);
    if (error == 0 && settings.versions == (KP_USE_TLS12 | KP_USE_TLS13)) {
        settings.versions = KP_USE_TLS13;
        error = kp_context_new(&j->tls13, &settings);
    }
    if (error != 0 || kp_loop_init(&j->loop) != 0)
        return kp_command_fail(KP_EXIT_FAILED, "out of memory");
    kp_asking_settle_threads(&j->loop);
    return KP_EXIT_DONE;
}

static void tie_together(struct job *j)
{
    kp_remember_init(&j->remember, &j->target, &j->user);
    kp_device_init(&j->device, &j->loop, j->context, &j->target.link.host, NULL);
    j->device.owner = j;
    j->device.on_proved = proved;
    j->device.offered = j->target.offered;
    j->face.loop = &j->loop;
    j->face.device = &j->device;
    j->wish = (struct kp_login_wish){
        .options = j->options,
        .context = j->context,
        .user = &j->user,
        .where = j->target.where,
        .id = kp_target_login_id(&j->target),
    };
    j->asking.wish = &j->wish;
    j->asking.answered = answered;
    j->asking.stopped = stopped;
    j->asking.owner = j;
}

static int run_job(struct job *j)
{
    struct kp_address bound;
    int status = check(j);
    if (status == KP_EXIT_DONE)
        status = kp_login_name(j->target.user[0] != '\0' ? j->target.user : NULL, &j->user);
    if (status == KP_EXIT_DONE)
        status = make_context(j);
    if (status == KP_EXIT_DONE) {
        tie_together(j);
        status = bind_face(j, &bound);
    }
    if (status == KP_EXIT_DONE)
        status = prove(j);
    if (status == KP_EXIT_DONE)
        status = serve(j, &bound);
    return status;
}

static void clear(struct job *j)
{
    /* Whoever still asks keeps the options: the process is about to end. */
    kp_asking_leave(&j->asking);
    kp_device_clear(&j->device);
    kp_login_free(j->login);
    kp_loop_close(&j->loop);
    kp_context_free(j->context);
    kp_context_free(j->tls13);
    kp_text_clear(&j->user);
}

static int run(struct kp_options *options)
{
    struct job *j = calloc(1, sizeof *j);
    int status;
    if (j == NULL)
        return kp_command_fail(KP_EXIT_FAILED, "out of memory");
    j->options = options;
    j->verbose = kp_options_has(options, "verbose");
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
    .synopsis = "URL|ADDR[:PORT]|NAME|keyplate://LINK [--user NAME]\n"
                "[--password-file FILE|--password-fd N] [OPTION...]",
    .about =
        "Proves the password to the device (and the device proves that it has it), prints a line "
        "\"open http://127.0.0.1:PORT/\" and opens it in the browser. What the browser sends there "
        "goes to the device over the secure connection until Ctrl-C.\n\n"
        "A bare address means https and port 443, and a keyplate:// link is what labels have. A "
        "device is remembered once it has said over a proved connection what it is: later its "
        "saved NAME will do (keyplate devices list), and TLS 1.3 binds it to its device id. "
        "Every program on this computer can use the port "
        "while it is open.\n\n"
        "Exit status: 0 after Ctrl-C, 1 when the device can't be reached, 2 for wrong usage, 3 "
        "when the proof failed: wrong name or password, or this is not your device: someone may be "
        "in between.",
    .options = table,
    .max_positionals = 1,
    .run = run,
};
