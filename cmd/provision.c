/*
 * keyplate provision: the end of a factory line.  The command line, and what is said at the end.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "creds/label.h"
#include "creds/roster.h"
#include "factory/provision.h"
#include "net/address.h"

static const struct kp_option table[] = {
    {"count", KP_OPTION_VALUE, "N", "how many devices, up to 1000000"},
    {"model", KP_OPTION_VALUE, "TEXT", "what they are called on labels and in the manifest"},
    {"out", KP_OPTION_VALUE, "DIR", "the folder that they go into; made if it isn't there"},
    {"prefix", KP_OPTION_VALUE, "TEXT",
     "what serials begin with (default: the model's letters and digits, and a hyphen)"},
    {"first", KP_OPTION_VALUE, "N", "the first serial's number (default: 1)"},
    {"user", KP_OPTION_VALUE, "NAME", "the user of each device (default: admin)"},
    {"group", KP_OPTION_VALUE, "BITS",
     "the SRP group: 2048, 3072 (the default), 4096, 6144 or 8192"},
    {"tls", KP_OPTION_VALUE, "1.2|1.3|any",
     "the versions of TLS that the passwords are for (default: any, which is both)"},
    {"host", KP_OPTION_VALUE, "HOST[:PORT]",
     "the address that is in links and on labels (default: none)"},
    {"template", KP_OPTION_VALUE, "FILE", "what labels and sheets look like"},
    {"print-template", KP_OPTION_FLAG, NULL,
     "print the template that is used without --template, to begin with"},
    {"qr-password", KP_OPTION_FLAG, NULL,
     "put the password into the QR code, too: who photographs it has it"},
    {"with-passwords", KP_OPTION_FLAG, NULL, "put the passwords into the manifest, too"},
    {"jobs", KP_OPTION_VALUE, "N",
     "devices made side by side, of 32 MiB each (default: one for each processor)"},
    {"quiet", KP_OPTION_FLAG, NULL, "errors only"},
    {NULL, KP_OPTION_FLAG, NULL, NULL}};

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
    stop = number;
}

/* The second one ends it as it is: that does no harm, either. */
static void take_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART | (int)SA_RESETHAND};
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    (void)sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct sigaction was;
        /* nohup stays in force. */
        if (sigaction(numbers[i], NULL, &was) == 0 && was.sa_handler != SIG_IGN)
            (void)sigaction(numbers[i], &action, NULL);
    }
}

/* Those that this process may run on. */
static unsigned long processors(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return (unsigned long)CPU_COUNT(&set);
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (unsigned long)count : 1;
}

/* ---- What was asked ---------------------------------------------------------------------- */

static int take_serials(struct kp_order *order, const struct kp_options *options)
{
    char why[KP_OPTIONS_WHY_LEN];
    const char *clause = "";
    unsigned long count, first;
    if (kp_options_number(options, "count", 1, KP_ORDER_COUNT_MAX, 1, &count, why) != 0 ||
        kp_options_number(options, "first", 0, KP_SERIAL_NUMBER_MAX, 1, &first, why) != 0)
        return kp_command_misused("%s", why);
    if (kp_order_set_model(order, kp_options_get(options, "model"), &clause) != 0 ||
        kp_serials_init(&order->serials, kp_options_get(options, "prefix"), order->model, first,
                        count, &clause) != 0)
        return kp_command_misused("%s", clause);
    return KP_EXIT_DONE;
}

static int take_host(struct kp_order *order, const struct kp_options *options)
{
    const char *text = kp_options_get(options, "host"), *clause = "";
    struct kp_host host;
    if (text == NULL)
        return KP_EXIT_DONE;
    if (kp_host_split_url(&host, text, strlen(text), "443", &clause) != 0)
        return kp_command_misused("--host: %s", clause);
    if (kp_host_has_no_port(&host))
        return kp_command_misused("--host: the port is a number from 1 to 65535");
    if (strlen(text) > KP_LABEL_LINK_HOST_MAX)
        return kp_command_misused("--host is too long");
    if (kp_label_is_typed(host.name, strlen(host.name)))
        return kp_command_misused("--host is a label's password");
    memcpy(order->host, text, strlen(text) + 1);
    return KP_EXIT_DONE;
}

static int take_password_kind(struct kp_order *order, const struct kp_options *options)
{
    static const char *const groups[] = {"2048", "3072", "4096", "6144", "8192", NULL};
    static const unsigned bits[] = {2048, 3072, 4096, 6144, 8192};
    static const char *const versions[] = {"1.2", "1.3", "any", NULL};
    static const unsigned uses[] = {KP_USE_TLS12, KP_USE_TLS13, KP_USE_TLS12 | KP_USE_TLS13};
    char why[KP_OPTIONS_WHY_LEN];
    size_t group, version;
    if (kp_options_choice(options, "group", groups, 1, &group, why) != 0 ||
        kp_options_choice(options, "tls", versions, 2, &version, why) != 0)
        return kp_command_misused("%s", why);
    order->bits = bits[group];
    order->versions = uses[version];
    return KP_EXIT_DONE;
}

static int take_template(struct kp_order *order, const struct kp_options *options,
                         const struct kp_crypto *crypto)
{
    const char *path = kp_options_get(options, "template");
    struct kp_file_error error = {""};
    struct kp_text text = {NULL, 0};
    if (path != NULL && kp_file_read(path, false, &text, &error) != 0)
        return kp_command_fail(KP_EXIT_FAILED, "%s", error.why);
    int result = kp_order_set_template(order, crypto, text.data, text.len, &error);
    kp_text_clear(&text);
    if (result != 0)
        return kp_command_fail(KP_EXIT_FAILED, "%s%s%s", path != NULL ? path : "",
                               path != NULL ? ": " : "", error.why);
    return KP_EXIT_DONE;
}

static int take_order(struct kp_order *order, const struct kp_options *options,
                      const struct kp_crypto *crypto)
{
    const char *user = kp_options_get(options, "user"), *clause = "";
    struct kp_file_error error = {""};
    int status = take_serials(order, options);
    if (status == KP_EXIT_DONE)
        status = take_host(order, options);
    if (status == KP_EXIT_DONE)
        status = take_password_kind(order, options);
    if (status == KP_EXIT_DONE &&
        kp_order_set_user(order, user != NULL ? user : "admin", &clause) != 0)
        status = kp_command_misused("%s", clause);
    order->qr_password = kp_options_has(options, "qr-password");
    order->with_passwords = kp_options_has(options, "with-passwords");
    if (status == KP_EXIT_DONE)
        status = take_template(order, options, crypto);
    if (status == KP_EXIT_DONE && kp_order_fits(order, &error) != 0)
        status = kp_command_fail(KP_EXIT_FAILED, "%s", error.why);
    return status;
}

/* ---- What became of it ------------------------------------------------------------------- */

static int tell_failure(const struct kp_provision *provision,
                        const struct kp_provision_outcome *outcome, int result,
                        const struct kp_file_error *error)
{
    const char *memory = result == KP_E_MEMORY || result == KP_E_CRYPTO
                             ? " (each of --jobs takes 32 MiB of memory for a moment)"
                             : "";
    if (outcome->made == 0)
        return kp_command_fail(KP_EXIT_FAILED, "%s%s", error->why, memory);
    return kp_command_fail(KP_EXIT_FAILED,
                           "%s%s; %lu of %lu devices are made, and the same command goes on there",
                           error->why, memory, outcome->made, provision->order->serials.count);
}

static int tell_done(const struct kp_provision *provision,
                     const struct kp_provision_outcome *outcome, bool quiet)
{
    unsigned long count = provision->order->serials.count;
    if (outcome->is_stopped)
        return kp_command_fail(KP_EXIT_FAILED,
                               "stopped: %lu of %lu devices are made, and the same command goes on "
                               "there",
                               outcome->made, count);
    if (outcome->was_done && outcome->made < count)
        return kp_command_fail(KP_EXIT_FAILED,
                               "all %lu devices were made before; %lu of them aren't in %s any "
                               "more, and are not made again",
                               count, count - outcome->made, provision->path);
    if (quiet)
        return KP_EXIT_DONE;
    if (outcome->was_done)
        kp_command_note("all %lu devices are in %s already; nothing was changed", count,
                        provision->path);
    else if (outcome->before > 0)
        kp_command_note("%lu devices are in %s, %lu of them from before; labels.pdf, manifest.csv "
                        "and manifest.json are of all",
                        count, provision->path, outcome->before);
    else
        kp_command_note("%lu devices are in %s, with labels.pdf, manifest.csv and manifest.json",
                        count, provision->path);
    return KP_EXIT_DONE;
}

static int make(const struct kp_order *order, const struct kp_options *options,
                const struct kp_crypto *crypto)
{
    bool quiet = kp_options_has(options, "quiet");
    struct kp_file_error error = {""};
    struct kp_provision_outcome outcome;
    char why[KP_OPTIONS_WHY_LEN];
    unsigned long jobs, usual = processors();
    if (kp_options_number(options, "jobs", 1, 256, usual < 256 ? usual : 256, &jobs, why) != 0)
        return kp_command_misused("%s", why);
    const struct kp_provision provision = {.path = kp_options_get(options, "out"),
                                           .order = order,
                                           .crypto = crypto,
                                           .jobs = (unsigned)jobs,
                                           .progress = quiet ? NULL : stderr,
                                           .stop = &stop};
    take_signals();
    /* All that is made has passwords in it, but for what says otherwise. */
    (void)umask(077);
    int result = kp_provision_run(&provision, &outcome, &error);
    return result != 0 ? tell_failure(&provision, &outcome, result, &error)
                       : tell_done(&provision, &outcome, quiet);
}

static int check_usage(const struct kp_options *options)
{
    static const char *const needed[] = {"count", "model", "out"};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!kp_options_has(options, needed[i]))
            return kp_command_misused("--%s is missing", needed[i]);
    return KP_EXIT_DONE;
}

static int run(struct kp_options *options)
{
    struct kp_order order = {.template = NULL};
    struct kp_crypto *crypto = NULL;
    char why[KP_PLATE_WHY_LEN] = "";
    if (kp_options_has(options, "print-template"))
        return fputs(kp_plate_template_text(), stdout) >= 0 ? KP_EXIT_DONE : KP_EXIT_FAILED;
    int status = check_usage(options);
    if (status != KP_EXIT_DONE)
        return status;
    if (kp_plate_libraries(why) != 0)
        return kp_command_fail(KP_EXIT_FAILED, "%s", why);
    if (kp_crypto_new(&crypto, NULL, NULL) != 0)
        return kp_command_fail(KP_EXIT_FAILED, "the crypto library does not work");
    status = take_order(&order, options, crypto);
    if (status == KP_EXIT_DONE)
        status = make(&order, options, crypto);
    kp_order_clear(&order);
    kp_crypto_free(crypto);
    return status;
}

const struct kp_command kp_command_provision = {
    .name = "provision",
    .summary = "make the credentials and labels of many devices",
    .synopsis = "--count N --model TEXT --out DIR [OPTION...]\n"
                "--print-template",
    .about =
        "Makes for each of N devices a serial number, which is its device id, a label password, a "
        "credentials file for keyplate serve, and a label (SVG); and for all of them sheets of "
        "labels (PDF) and a manifest (CSV and JSON). DIR/SERIAL/credentials goes to the device, "
        "and DIR is as secret as all the passwords together.\n\n"
        "Whatever ends it, Ctrl-C, a power cut, or a full disk, the same command goes on where it "
        "stopped: no device is made twice, and no password changes. Another command in the same "
        "DIR is refused. When all is there, the same command changes nothing.",
    .options = table,
    .max_positionals = 0,
    .run = run,
};
