/*
 * keyplate connect: standard input and output become a secure connection to a device.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "client/pipe.h"
#include "command.h"
#include "keylog.h"
#include "login_name.h"
#include "platform.h"

#define TRIES 3

static const struct kp_option table[] = {
    {"user", KP_OPTION_VALUE, "NAME", "who you are; asked for on the terminal when not given"},
    KP_ASK_OPTIONS,
    {"tls", KP_OPTION_VALUE, "1.2|any", "versions of TLS to offer (default any)"},
    {"verbose", KP_OPTION_FLAG, NULL, "tell what was agreed on, on stderr"},
#ifdef KP_KEYLOG
    {"keylog", KP_OPTION_VALUE, "FILE", "append the connection's secrets to FILE (debugging)"},
#endif
    {"device-id", KP_OPTION_VALUE, "ID", NULL},
    {"pake", KP_OPTION_VALUE, "FORM", NULL},
    {NULL, KP_OPTION_FLAG, NULL, NULL},
};

struct job {
    const struct kp_options *options;
    struct kp_host host;
    char where[KP_HOST_LEN + 16];
    struct kp_text user;
    struct kp_context *context;
    struct kp_keylog keylog;
};

static int check(struct job *j)
{
    static const char *const versions[] = {"1.2", "any", NULL};
    const char *tls = kp_options_get(j->options, "tls");
    char why[KP_OPTIONS_WHY_LEN];
    const char *clause;
    const char *address;
    size_t version;
    if (kp_options_has(j->options, "device-id"))
        return kp_command_misused("--device-id is not in this version");
    if (kp_options_has(j->options, "pake"))
        return kp_command_misused("--pake is not in this version");
    if (tls != NULL && strcmp(tls, "1.3") == 0)
        return kp_command_misused("--tls 1.3 is not in this version: use 1.2 or any");
    if (kp_options_choice(j->options, "tls", versions, 1, &version, why) != 0)
        return kp_command_misused("%s", why);
    if (j->options->positional_count == 0)
        return kp_command_misused("the device's address is missing");
    address = j->options->positionals[0];
    if (strstr(address, "://") != NULL)
        return kp_command_misused("that is a link: connect takes ADDR:PORT (keyplate open takes "
                                  "links)");
    if (strchr(address, '@') != NULL)
        return kp_command_misused("leave out what stands before the @ and use --user NAME (a "
                                  "password never comes from the arguments)");
    /* What was given is never repeated: it may hold a password. */
    if (kp_host_split(&j->host, address, strlen(address), "443", &clause) != 0)
        return kp_command_misused("%s", clause);
    if (kp_host_has_no_port(&j->host))
        return kp_command_misused("the port is a number from 1 to 65535");
    return KP_EXIT_DONE;
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

static int make_context(struct job *j)
{
    struct kp_settings settings = {
        .role = KP_CLIENT,
        .buffer_len = KP_RECORD_BUFFER_LEN,
        .no_tickets = true, /* there is one connection */
        .keylog = kp_keylog_function(&j->keylog),
        .keylog_arg = &j->keylog,
    };
    if (kp_context_new(&j->context, &settings) != 0)
        return kp_command_fail(KP_EXIT_FAILED, "out of memory");
    return KP_EXIT_DONE;
}

static int make_login(struct job *j, struct kp_login **login)
{
    char prompt[KP_TEXT_ESCAPED_MAX(KP_NAME_MAX) + sizeof j->where + 32];
    char name[KP_TEXT_ESCAPED_MAX(KP_NAME_MAX)];
    struct kp_ask ask = {.options = j->options, .prompt = prompt};
    struct kp_text password;
    int status;
    snprintf(prompt, sizeof prompt, "Password of %s at %s",
             kp_text_escape(name, j->user.data, j->user.len), j->where);
    status = kp_ask_password(&ask, &password);
    if (status != KP_EXIT_DONE)
        return status;
    if (kp_login_new(login, j->context, j->user.data, j->user.len, (const uint8_t *)password.data,
                     password.len) != 0)
        status = kp_command_fail(KP_EXIT_FAILED, "out of memory");
    kp_text_clear(&password);
    return status;
}

static void tell_proved(const struct kp_info *info)
{
    if (info->resumed)
        kp_command_note("proved: %s, %s, resumed", info->version_name, info->suite_name);
    else
        kp_command_note("proved: %s, %s, a group of %u bits", info->version_name, info->suite_name,
                        info->group_bits);
}

static int report(const struct job *j, const struct kp_pipe_result *result)
{
    char text[512];
    switch (result->end) {
    case KP_PIPE_DONE:
        return KP_EXIT_DONE;
    case KP_PIPE_TROUBLE:
        kp_explain(&result->trouble, j->where, text, sizeof text);
        return kp_command_fail(
            kp_trouble_is_proof(&result->trouble) ? KP_EXIT_PROOF : KP_EXIT_FAILED, "%s", text);
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

static int attempt(struct job *j, struct kp_pipe_result *result)
{
    struct kp_login *login = NULL;
    bool verbose = kp_options_has(j->options, "verbose");
    int status = make_login(j, &login);
    int error;
    if (status != KP_EXIT_DONE)
        return status;
    error = kp_pipe_run(&j->host, j->context, login, verbose ? tell_proved : NULL, result);
    kp_login_free(login);
    if (error != 0)
        return kp_command_fail(KP_EXIT_FAILED, "can't start: %s", uv_strerror(error));
    return report(j, result);
}

static int run_job(struct job *j)
{
    struct kp_pipe_result result;
    int status = KP_EXIT_PROOF;
    for (int i = 0; i < TRIES && status == KP_EXIT_PROOF; i++) {
        status = attempt(j, &result);
        if (!kp_ask_again_makes_sense(j->options))
            break;
    }
    return status;
}

static int run(struct kp_options *options)
{
    struct job j = {.options = options};
    int status;
    kp_platform_tune_memory();
    status = check(&j);
    if (status == KP_EXIT_DONE)
        status = kp_login_name(kp_options_get(options, "user"), &j.user);
    if (status == KP_EXIT_DONE)
        status = open_keylog(&j);
    if (status == KP_EXIT_DONE)
        status = make_context(&j);
    if (status == KP_EXIT_DONE) {
        const struct kp_device named = {.host = j.host};
        kp_device_name(&named, j.where, sizeof j.where);
        status = run_job(&j);
    }
    kp_context_free(j.context);
    kp_keylog_close(&j.keylog);
    kp_text_clear(&j.user);
    return status;
}

const struct kp_command kp_command_connect = {
    .name = "connect",
    .summary = "make standard input and output a connection to a device",
    .synopsis = "ADDR[:PORT] [--user NAME]\n"
                "[--password-file FILE|--password-fd N] [OPTION...]",
    .about =
        "Proves the password to the device (and the device proves that it has it), then carries "
        "standard input to it and what it says to standard output. The end of standard input is "
        "told to the device, and its answer is read to the end. The port is 443 when none is "
        "given.\n\n"
        "Exit status: 0 when both sides ended in order, 1 when something failed or the answer was "
        "cut, 2 for wrong usage, 3 when the proof failed: wrong name or password, or this is not "
        "your device: someone may be in between.",
    .options = table,
    .max_positionals = 1,
    .run = run,
};
