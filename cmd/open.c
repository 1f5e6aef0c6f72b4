/*
 * keyplate open: a device's web page in an ordinary browser, by the hub (client/hub.h): our own, or
 * that of another keyplate of this person which runs already.  What both understand is the desk's
 * messages.
 */
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "asking.h"
#include "command.h"
#include "config.h"
#include "keyring.h"
#include "line.h"
#include "login.h"
#include "platform.h"
#include "target.h"
#include "trouble.h"

#define TRIES 3

static const struct kp_option table[] = {
    {"user", KP_OPTION_VALUE, "NAME",
     "who you are; asked for on the terminal when neither given nor saved"},
    KP_ASK_OPTIONS,
    {"listen", KP_OPTION_VALUE, "127.0.0.1:PORT",
     "another port of this computer for the browser than your own, for this run; 0: a free one"},
    {"no-browser", KP_OPTION_FLAG, NULL, "print the link, open no browser"},
    {"remember", KP_OPTION_FLAG, NULL, "keep the password in the desktop's keyring"},
    KP_TARGET_OPTIONS,
    {"config", KP_OPTION_VALUE, "FILE",
     "an INI file whose keys are these options, and address: the device; see keyplate.conf(5)"},
    {"address", KP_OPTION_VALUE, NULL, NULL}, /* of that file alone */
    {"verbose", KP_OPTION_FLAG, NULL, "tell of each connection, on stderr"},
    {NULL, KP_OPTION_FLAG, NULL, NULL},
};

enum { HELLO = 1, LOGIN, LIST_LINK }; /* ids of our requests */

struct job {
    struct kp_options *options;
    struct kp_target target;
    struct kp_address listen;
    struct kp_text user, password; /* password: len 0 when there is none at hand */
    struct kp_login_wish wish;
    struct kp_loop loop;
    struct kp_owner owner;
    struct kp_hub *hub; /* NULL: it is another's */
    struct kp_counter *counter;
    struct kp_line line;
    struct kp_asking asking;
    uv_signal_t term, interrupt;
    struct kp_task ender;
    enum kp_language language;
    char name[KP_SAVED_NAME_LEN]; /* the device's, once it is known */
    int status;
    int failures; /* logins since the last that was proved */
    int failed;   /* the exit status of the last of them */
    bool verbose;
    bool running; /* it isn't to end */
    bool serving; /* the password was proved once */
    bool stranger;
};

static void end(struct job *j, int status);

/* ---- What is said ------------------------------------------------------------------------ */

static void note(const struct job *j, enum kp_word word, const char *key, const char *value)
{
    char text[KP_WORD_LEN];
    kp_command_note("%s", kp_word(text, sizeof text, j->language, word, key, value, NULL));
}

/* Prints why something isn't so, and what else there is to know; the exit status. */
static int tell_refusal(const struct cJSON *answer)
{
    int status = kp_line_number(answer, "status");
    const char *more = kp_line_text(answer, "more");
    status =
        kp_command_fail(status != 0 ? status : KP_EXIT_FAILED, "%s", kp_line_text(answer, "text"));
    if (more[0] != '\0')
        kp_command_note("%s", more);
    return status;
}

/* ---- Checking ---------------------------------------------------------------------------- */

static int read_config(struct kp_options *options)
{
    static const struct kp_config_refusal refused[] = {
        {"password", "a password never stands in a configuration: password-file names its file"},
        {"password-fd", "password-fd is for the command line"},
        {NULL, NULL}};
    const struct kp_config_plan plan = {.section = "open",
                                        .refused = refused,
                                        .positional = "address",
                                        .yields = "password-file",
                                        .yields_to = "password-fd"};
    return kp_config_read(options, &plan);
}

static int check_listen(struct job *j)
{
    const char *listen = kp_options_get(j->options, "listen");
    const char *clause;
    char at[KP_ADDRESS_TEXT_LEN], label[KP_OPTIONS_LABEL_LEN];
    if (listen == NULL)
        return KP_EXIT_DONE;
    kp_options_label(j->options, "listen", 0, label);
    if (strspn(listen, "0123456789") == strlen(listen))
        return kp_command_misused("%s needs an address too: write 127.0.0.1:%.5s", label, listen);
    if (kp_address_parse(&j->listen, listen, &clause) != 0)
        return kp_command_misused("%s %.100s: %s", label, listen, clause);
    kp_inet_name((const union kp_inet *)(const void *)&j->listen.where, at);
    if (!kp_address_is_loopback(&j->listen) ||
        (strcmp(at, "127.0.0.1") != 0 && strcmp(at, "::1") != 0))
        return kp_command_misused("%s %.100s: only 127.0.0.1, where names under localhost lead to, "
                                  "as 127.0.0.1:8443",
                                  label, listen);
    return KP_EXIT_DONE;
}

static int check(struct job *j)
{
    int status = check_listen(j);
    if (status == KP_EXIT_DONE && kp_options_has(j->options, "remember") && !kp_keyring_is_built())
        status = kp_command_misused("--remember: this keyplate was built without a keyring");
    return status == KP_EXIT_DONE ? kp_command_target(&j->target, j->options, true) : status;
}

static bool gives_password(const struct job *j)
{
    return kp_options_has(j->options, "password-file") || kp_options_has(j->options, "password-fd");
}

/* The keyring may have the password of a saved device: then nobody has to be asked. */
static int ask_first(struct job *j)
{
    if (!gives_password(j) && kp_keyring_is_built() && j->target.saved.name[0] != '\0')
        return KP_EXIT_DONE;
    return kp_login_password(&j->wish, NULL, &j->password);
}

/* ---- Logging in -------------------------------------------------------------------------- */

static void put_option(struct kp_json *json, const struct job *j, const char *option,
                       const char *key)
{
    const char *value = kp_options_get(j->options, option);
    if (value != NULL)
        kp_json_text(json, key, value);
}

static void begin_message(struct kp_json *json, int id, const char *type)
{
    kp_json_begin(json, NULL, '{');
    kp_json_number(json, "id", (uint64_t)id);
    kp_json_text(json, "type", type);
}

static void send_message(struct job *j, struct kp_json *json)
{
    kp_json_end(json, '}');
    kp_line_send(&j->line, json);
}

static void greet(struct job *j)
{
    struct kp_json json = {.more = false};
    begin_message(&json, HELLO, "hello");
    kp_json_number(&json, "protocol", KP_DESK_PROTOCOL);
    kp_json_text(&json, "client", "open");
    kp_json_bool(&json, "lasting", true);
    kp_json_text(&json, "language", kp_language_tag(j->language));
    send_message(j, &json);
}

static void log_in(struct job *j)
{
    struct kp_json json = {.more = false};
    begin_message(&json, LOGIN, "login");
    kp_json_text(&json, "device", j->options->positionals[0]);
    kp_json_text(&json, "user", j->user.data);
    put_option(&json, j, "device-id", "device_id");
    put_option(&json, j, "tls", "tls");
    put_option(&json, j, "pake", "pake");
    kp_json_bool(&json, "no_save", kp_options_has(j->options, "no-save"));
    kp_json_bool(&json, "remember", kp_options_has(j->options, "remember"));
    if (j->password.len > 0)
        kp_json_text(&json, "password", j->password.data);
    kp_text_clear(&j->password);
    send_message(j, &json);
}

/* ---- Asking for the password while the loop runs ----------------------------------------- */

static void ask(struct job *j, const char *error, int otherwise)
{
    j->asking.error = error;
    if (kp_asking_start(&j->asking) != 0)
        end(j, otherwise);
}

static void answered(struct kp_asking *asking, int status, struct kp_text *password)
{
    struct job *j = asking->owner;
    if (j->stranger || status != KP_EXIT_DONE) {
        kp_text_clear(password);
        if (!j->stranger)
            end(j, j->failures > 0 ? j->failed : status);
        return;
    }
    j->password = *password;
    log_in(j); /* typing it was an act of the person */
}

static void stopped(struct kp_asking *asking)
{
    end(asking->owner, KP_EXIT_DONE);
}

static void count_in(void *owner, const struct kp_site_facts *facts)
{
    *(unsigned *)owner += facts->state == KP_SITE_IN;
}

/* Whether other devices, which others may have logged in to, are served by our hub. */
static bool serves_others(const struct job *j)
{
    char why[KP_WORD_LEN];
    unsigned in = 0;
    if (j->hub != NULL && j->serving)
        (void)kp_hub_each(j->hub, count_in, &in, why);
    return in > 0;
}

/* A login failed, and that was told: no password handshake starts until the person has answered,
 * and the last is the third in a row.  The hub goes on while it serves other devices. */
static void ask_again(struct job *j, int status)
{
    bool asks = ++j->failures < TRIES && kp_ask_again_makes_sense(j->options);
    j->failed = status;
    if (j->failures == KP_TROUBLE_MANY && status == KP_EXIT_PROOF)
        kp_trouble_tell_slowed();
    if (asks)
        ask(j, status == KP_EXIT_PROOF ? kp_error_text(KP_E_PROOF) : NULL, status);
    else if (!serves_others(j))
        end(j, status);
}

/* ---- Serving the browser ----------------------------------------------------------------- */

static void no_browser(void)
{
    char text[KP_WORD_LEN];
    kp_command_note(
        "%s", kp_word(text, sizeof text, kp_language_of_person(), KP_W_OPEN_NO_BROWSER, NULL));
}

static void announce(struct job *j, const char *link)
{
    struct kp_json json = {.more = false};
    printf("open %s\n", link);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        end(j, kp_command_fail(KP_EXIT_FAILED, "the link can't be written to standard output"));
        return;
    }
    note(j, j->hub != NULL ? KP_W_OPEN_UNTIL : KP_W_OPEN_HANDED_OVER, "name", j->name);
    if (!kp_options_has(j->options, "no-browser") &&
        kp_platform_open_browser(&j->loop.uv, link, no_browser) != 0)
        no_browser();
    begin_message(&json, LIST_LINK, "list-link");
    send_message(j, &json);
}

static void logged_in(struct job *j, const struct cJSON *answer)
{
    const cJSON *device = cJSON_GetObjectItemCaseSensitive(answer, "device");
    bool first = !j->serving;
    (void)snprintf(j->name, sizeof j->name, "%s", kp_line_text(device, "name"));
    j->failures = 0;
    j->serving = true;
    if (first)
        announce(j, kp_line_text(answer, "link"));
    else
        note(j, KP_W_OPEN_RIGHT, "name", j->name);
}

static void not_logged_in(struct job *j, const struct cJSON *answer)
{
    const char *error = kp_line_text(answer, "error");
    int status;
    if (strcmp(error, "no-password") == 0 && !j->serving) {
        ask(j, NULL, KP_EXIT_FAILED);
        return;
    }
    if (strcmp(error, "misused") == 0) {
        end(j, kp_command_misused("%s", kp_line_text(answer, "text")));
        return;
    }
    /* Of a stranger the alarm has told. */
    status = strcmp(error, "stranger") == 0 ? KP_EXIT_FAILED : tell_refusal(answer);
    if (strcmp(error, "refused") == 0 || (j->serving && strcmp(error, "stranger") != 0))
        ask_again(j, status);
    else if (!j->serving)
        end(j, status);
}

/* What the hub says of a device of another's login is for that one. */
static bool is_ours(const struct job *j, const char *name)
{
    const char *ours = j->name[0] != '\0' ? j->name : j->target.saved.name;
    return name[0] == '\0' || ours[0] == '\0' || strcmp(name, ours) == 0;
}

static void told(struct job *j, const struct cJSON *event)
{
    const char *level = kp_line_text(event, "level");
    const char *text = kp_line_text(event, "text");
    if (!is_ours(j, kp_line_text(event, "name")))
        return;
    if (strcmp(level, "warning") == 0)
        kp_command_warn("%s", text);
    else
        kp_command_note("%s", text);
}

static void changed(struct job *j, const struct cJSON *event)
{
    const cJSON *device = cJSON_GetObjectItemCaseSensitive(event, "device");
    const char *state = kp_line_text(device, "state");
    if (!j->serving || j->hub == NULL || strcmp(kp_line_text(device, "name"), j->name) != 0)
        return;
    if (strcmp(state, "refused") == 0 && !j->asking.busy) {
        ask_again(j, kp_line_is_true(device, "broke_off") ? KP_EXIT_FAILED : KP_EXIT_PROOF);
    } else if (strcmp(state, "stranger") == 0) {
        j->stranger = true;
        kp_asking_end(&j->asking);
    } else if (strcmp(state, "out") == 0) {
        note(j, KP_W_OPEN_LOGGED_OUT, "name", j->name);
    }
}

static void list_linked(struct job *j, const struct cJSON *answer)
{
    note(j, KP_W_OPEN_LIST, "link", kp_line_text(answer, "link"));
    if (j->hub == NULL)
        end(j, KP_EXIT_DONE);
}

static void received(struct kp_line *line, const struct cJSON *message)
{
    struct job *j = line->owner;
    const char *event = kp_line_text(message, "event");
    int id = kp_line_number(message, "id");
    bool ok = kp_line_is_true(message, "ok");
    if (!j->running)
        return;
    if (strcmp(event, "said") == 0)
        told(j, message);
    else if (strcmp(event, "state") == 0)
        changed(j, message);
    else if (id == LOGIN && ok)
        logged_in(j, message);
    else if (id == LOGIN)
        not_logged_in(j, message);
    else if (id == LIST_LINK)
        list_linked(j, message);
    else if (id == HELLO && !ok)
        end(j, tell_refusal(message));
}

static void lost(struct kp_line *line)
{
    struct job *j = line->owner;
    note(j, KP_W_OPEN_LOST, "name", j->name);
    end(j, KP_EXIT_FAILED);
}

/* ---- Life -------------------------------------------------------------------------------- */

/* Not from in a hook of what it closes. */
static void tear_down(struct kp_task *task)
{
    struct job *j = (struct job *)(void *)((char *)task - offsetof(struct job, ender));
    kp_line_close(&j->line);
    kp_counter_close(j->counter);
    if (j->hub != NULL)
        kp_hub_close(j->hub);
    uv_close((uv_handle_t *)&j->term, NULL);
    uv_close((uv_handle_t *)&j->interrupt, NULL);
    kp_asking_close(&j->asking);
}

static void end(struct job *j, int status)
{
    if (!j->running)
        return;
    j->running = false;
    j->status = status;
    j->ender.run = tear_down;
    kp_loop_later(&j->loop, &j->ender);
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

static int open_own(struct job *j, bool shared)
{
    bool chosen = kp_options_has(j->options, "listen");
    const struct kp_hub_plan plan = {
        .loop = &j->loop,
        .listen = chosen ? &j->listen : NULL,
        .language = j->language,
        .verbose = j->verbose,
    };
    char why[KP_WORD_LEN], port[8];
    if (kp_hub_new(&j->hub, &plan, why) != 0)
        return kp_command_fail(KP_EXIT_FAILED, "%s", why);
    (void)snprintf(port, sizeof port, "%u", kp_hub_port_number(j->hub));
    if (!chosen && kp_hub_port(j->hub) == KP_HUB_PORT_OTHER)
        note(j, KP_W_OPEN_OTHER_PORT, "port", port);
    if (shared && kp_counter_open(&j->counter, &j->loop, j->hub, &j->owner) != 0) {
        j->counter = NULL;
        kp_owner_leave(&j->owner); /* else others would wait at a door that isn't there */
    }
    if (kp_line_open_own(&j->line, &j->loop, j->hub) != 0)
        return kp_command_fail(KP_EXIT_FAILED, "out of memory");
    return KP_EXIT_DONE;
}

/* Who chooses a port gets that one: then nothing is handed over. */
static int open_line(struct job *j)
{
    bool chosen = kp_options_has(j->options, "listen");
    char why[KP_WORD_LEN];
    switch (kp_owner_claim(&j->owner, why)) {
    case KP_OWNER_WE:
        return open_own(j, true);
    case KP_OWNER_OTHER:
        if (chosen)
            return open_own(j, false);
        if (kp_line_open_other(&j->line, &j->loop) == 0)
            return KP_EXIT_DONE;
        note(j, KP_W_OPEN_LOST, "name", j->name);
        return KP_EXIT_FAILED;
    case KP_OWNER_NOBODY:
        break;
    }
    if (!chosen)
        note(j, KP_W_OPEN_ALONE, "why", why);
    return open_own(j, false);
}

static int run_loop(struct job *j)
{
    int status;
    if (kp_loop_init(&j->loop) != 0)
        return kp_command_fail(KP_EXIT_FAILED, "out of memory");
    (void)kp_platform_descriptors();
    kp_asking_settle_threads(&j->loop);
    watch(j, &j->term, SIGTERM);
    watch(j, &j->interrupt, SIGINT);
    kp_asking_init(&j->asking, &j->loop);
    j->running = true;
    status = open_line(j);
    if (status == KP_EXIT_DONE) {
        greet(j);
        log_in(j);
    } else {
        end(j, status);
    }
    kp_loop_run(&j->loop);
    kp_hub_free(j->hub);
    if (!j->asking.busy) /* else its thread would wake what is gone */
        kp_loop_close(&j->loop);
    return j->status;
}

static void tie_together(struct job *j)
{
    j->wish = (struct kp_login_wish){
        .options = j->options,
        .user = &j->user,
        .where = j->target.where[0] != '\0' ? j->target.where : j->target.id,
    };
    j->asking.wish = &j->wish;
    j->asking.answered = answered;
    j->asking.stopped = stopped;
    j->asking.owner = j;
    j->line.received = received;
    j->line.ended = lost;
    j->line.owner = j;
    j->owner.lock = -1;
}

static int run_job(struct job *j)
{
    int status = read_config(j->options);
    j->verbose = kp_options_has(j->options, "verbose");
    if (status == KP_EXIT_DONE)
        status = check(j);
    if (status == KP_EXIT_DONE)
        status = kp_login_name(j->target.user[0] != '\0' ? j->target.user : NULL, &j->user);
    if (status != KP_EXIT_DONE)
        return status;
    tie_together(j);
    status = ask_first(j);
    return status == KP_EXIT_DONE ? run_loop(j) : status;
}

static void clear(struct job *j)
{
    /* Whoever still asks keeps the options: the process is about to end. */
    kp_asking_leave(&j->asking);
    kp_owner_leave(&j->owner);
    kp_text_clear(&j->user);
    kp_text_clear(&j->password);
}

static int run(struct kp_options *options)
{
    struct job *j = calloc(1, sizeof *j);
    int status;
    if (j == NULL)
        return kp_command_fail(KP_EXIT_FAILED, "out of memory");
    j->options = options;
    j->language = kp_language_of_person();
    j->owner.lock = -1;
    kp_message_wipe_all();
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
                "[--password-file FILE|--password-fd N] [OPTION...]\n"
                "--config FILE [OPTION...]",
    .about =
        "Proves the password to the device (and the device proves that it has it), prints a line "
        "\"open http://NAME.localhost:PORT/...\" with a link that lets one browser in, once, and "
        "opens it. What the browser sends there goes to the device over the secure connection "
        "until Ctrl-C, or Log out at http://keyplate.localhost:PORT/.\n\n"
        "Each device has a NAME, and so an origin, of its own; all are at one port of this "
        "computer, which is yours and stays the same, so that pages can be bookmarked. Where a "
        "keyplate runs already, that one serves the new device too.\n\n"
        "A bare address means https and port 443, and a keyplate:// link is what labels have. A "
        "device is remembered once it has said over a proved connection what it is: later its "
        "saved NAME will do (keyplate devices list), and TLS 1.3 binds it to its device id. "
        "Passwords are kept with --remember only, in the desktop's keyring.\n\n"
        "Exit status: 0 after Ctrl-C, 1 when the device can't be reached, 2 for wrong usage, 3 "
        "when the proof failed: wrong name or password, or this is not your device: someone may be "
        "in between.",
    .options = table,
    .max_positionals = 1,
    .run = run,
};
