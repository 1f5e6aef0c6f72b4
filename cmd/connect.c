/*
 * keyplate connect: standard input and output become a secure connection to a device.
 */
#include <signal.h>
#include <string.h>
#include <strings.h>

#include "client/agreed.h"
#include "client/pipe.h"
#include "client/remember.h"
#include "command.h"
#include "keylog.h"
#include "login.h"
#include "platform.h"
#include "target.h"
#include "telling.h"
#include "trouble.h"

#define TRIES 3

static const struct kp_option table[] = {
    {"user", KP_OPTION_VALUE, "NAME",
     "who you are; asked for on the terminal when neither given nor saved"},
    KP_ASK_OPTIONS,
    KP_TARGET_OPTIONS,
    {"verbose", KP_OPTION_FLAG, NULL, "tell what was agreed on, on stderr"},
#ifdef KP_KEYLOG
    {"keylog", KP_OPTION_VALUE, "FILE", "append the connection's secrets to FILE (debugging)"},
#endif
    {NULL, KP_OPTION_FLAG, NULL, NULL},
};

struct job {
    const struct kp_options *options;
    struct kp_target target;
    struct kp_text user;
    struct kp_context *context;
    struct kp_keylog keylog;
    struct kp_remember remember;
    struct kp_teller teller;
    bool verbose;
};

/* What was given is never repeated: it may hold a password. */
static int check(struct job *j)
{
    const char *device =
        j->options->positional_count > 0 ? j->options->positionals[0] : "no device";
    bool label = strncasecmp(device, "keyplate:", 9) == 0;
    if (!label && strstr(device, "://") != NULL)
        return kp_command_misused("that is a link of a page: connect takes ADDR:PORT, a saved name "
                                  "or a keyplate:// link (keyplate open takes all links)");
    if (!label && strchr(device, '@') != NULL)
        return kp_command_misused("leave out what stands before the @ and use --user NAME (a "
                                  "password never comes from the arguments)");
    if (!label && strpbrk(device, "/?#") != NULL)
        return kp_command_misused("the address holds a character that no address has");
    return kp_command_target(&j->target, j->options, false);
}

static int open_keylog(struct job *j)
{
#ifdef KP_KEYLOG
    const char *path = kp_options_get(j->options, "keylog");
#else
    const char *path = NULL;
#endif
    int error = kp_keylog_open(&j->keylog, path);
    if (error != 0)
        return kp_command_fail(KP_EXIT_FAILED, "--keylog: %s", strerror(-error));
    return KP_EXIT_DONE;
}

/* Of TLS 1.2 alone the device has to be asked what it is. */
static bool may_ask(const struct job *j)
{
    return (j->target.offered.versions & KP_USE_TLS12) != 0 && kp_remember_asks(&j->remember);
}

static int make_context(struct job *j)
{
    struct kp_settings settings = {
        .role = KP_CLIENT,
        .versions = j->target.offered.versions,
        .pake = j->target.offered.pake,
        .buffer_len = KP_RECORD_BUFFER_LEN,
        .no_tickets = !may_ask(j), /* there is one connection */
        .keylog = kp_keylog_function(&j->keylog),
        .keylog_arg = &j->keylog,
    };
    if (kp_context_new(&j->context, &settings) != 0)
        return kp_command_fail(KP_EXIT_FAILED, "out of memory");
    return KP_EXIT_DONE;
}

static int report(const struct job *j, const struct kp_pipe_result *result)
{
    switch (result->end) {
    case KP_PIPE_DONE:
        return KP_EXIT_DONE;
    case KP_PIPE_TROUBLE:
        if (!result->trouble.stranger)
            return kp_trouble_tell(&result->trouble, j->target.where, j->verbose);
        kp_remember_alarm(&j->remember, &result->sent, &j->teller);
        return KP_EXIT_FAILED;
    case KP_PIPE_INPUT:
        return kp_command_fail(KP_EXIT_FAILED, "standard input can't be read: %s",
                               uv_strerror(result->local_error));
    case KP_PIPE_OUTPUT:
        return kp_command_fail(KP_EXIT_FAILED,
                               "standard output takes no more: %s (what came after is lost)",
                               uv_strerror(result->local_error));
    case KP_PIPE_STOPPED:
        break;
    }
    return kp_command_fail(KP_EXIT_FAILED, "stopped by %s before the end",
                           result->signal == SIGINT ? "Ctrl-C" : "a signal");
}

/* ---- The connection ---------------------------------------------------------------------- */

static void proved(void *owner, const struct kp_info *info)
{
    struct job *j = owner;
    char line[KP_AGREED_LEN];
    if (j->verbose)
        kp_command_note("%s", kp_agreed(line, info));
    kp_remember_proved(&j->remember, info);
}

static bool told(void *owner, const struct kp_told *what, const char *why)
{
    struct job *j = owner;
    return kp_remember_told(&j->remember, what, why, &j->teller);
}

static int make_login(struct job *j, struct kp_login **login)
{
    const struct kp_login_wish wish = {
        .options = j->options,
        .context = j->context,
        .user = &j->user,
        .where = j->target.where,
        .id = kp_target_login_id(&j->target),
    };
    return kp_login_ask(&wish, NULL, login);
}

static int attempt(struct job *j, struct kp_pipe_result *result)
{
    struct kp_login *login = NULL;
    struct kp_pipe_plan plan = {
        .host = j->target.link.host,
        .context = j->context,
        .offered = j->target.offered,
        .on_proved = proved,
        .on_told = may_ask(j) ? told : NULL,
        .owner = j,
    };
    int status = make_login(j, &login);
    int error;
    if (status != KP_EXIT_DONE)
        return status;
    plan.login = login;
    error = kp_pipe_run(&plan, result);
    kp_login_free(login);
    if (error != 0)
        return kp_command_fail(KP_EXIT_FAILED, "can't start: %s", uv_strerror(error));
    kp_remember_save(&j->remember);
    kp_remember_tell(&j->remember, &j->teller);
    return report(j, result);
}

static int run_job(struct job *j)
{
    struct kp_pipe_result result;
    int status = KP_EXIT_PROOF;
    for (int i = 0; i < TRIES && status == KP_EXIT_PROOF; i++) {
        status = attempt(j, &result);
        if (status == KP_EXIT_PROOF && i + 1 == KP_TROUBLE_MANY)
            kp_trouble_tell_slowed();
        if (!kp_ask_again_makes_sense(j->options))
            break;
    }
    return status;
}

static int run(struct kp_options *options)
{
    struct job j = {.options = options, .verbose = kp_options_has(options, "verbose")};
    int status;
    j.teller = kp_telling(j.verbose);
    kp_platform_tune_memory();
    status = check(&j);
    if (status == KP_EXIT_DONE)
        status = kp_login_name(j.target.user[0] != '\0' ? j.target.user : NULL, &j.user);
    if (status == KP_EXIT_DONE)
        status = open_keylog(&j);
    if (status == KP_EXIT_DONE) {
        kp_remember_init(&j.remember, &j.target, &j.user);
        status = make_context(&j);
    }
    if (status == KP_EXIT_DONE)
        status = run_job(&j);
    kp_context_free(j.context);
    kp_keylog_close(&j.keylog);
    kp_text_clear(&j.user);
    return status;
}

const struct kp_command kp_command_connect = {
    .name = "connect",
    .summary = "make standard input and output a connection to a device",
    .synopsis = "ADDR[:PORT]|NAME|keyplate://LINK [--user NAME]\n"
                "[--password-file FILE|--password-fd N] [OPTION...]",
    .about =
        "Proves the password to the device (and the device proves that it has it), then carries "
        "standard input to it and what it says to standard output. The end of standard input is "
        "told to the device, and its answer is read to the end. The port is 443 when none is "
        "given.\n\n"
        "A device is remembered once it has said over a proved connection what it is: later its "
        "saved NAME will do (keyplate devices list), and TLS 1.3 binds it to its device id.\n\n"
        "Exit status: 0 when both sides ended in order, 1 when something failed or the answer was "
        "cut, 2 for wrong usage, 3 when the proof failed: wrong name or password, or this is not "
        "your device: someone may be in between.",
    .options = table,
    .max_positionals = 1,
    .run = run,
};
