/*
 * keyplate serve: its options, and the front door that is given them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "device/confine.h"
#include "device/front_check.h"
#include "device/front_door.h"
#include "device/guesses.h"
#include "keylog.h"
#include "log_sink.h"
#include "platform.h"
#include "serve_settings.h"

static const struct kp_option table[] = {
    {"listen", KP_OPTION_LIST, "ADDR:PORT",
     "where clients connect, as 0.0.0.0:443 or [::]:443; port 0 picks a free one; repeats"},
    {"upstream", KP_OPTION_VALUE, "ADDR:PORT|unix:PATH", "the web server behind it, in plain HTTP"},
    {"credentials", KP_OPTION_VALUE, "FILE",
     "who may come in (default " KP_SERVE_CREDENTIALS "); see keyplate help passwd"},
    {"config", KP_OPTION_VALUE, "FILE",
     "an INI file whose keys are these options; see keyplate.conf(5)"},
    {"http", KP_OPTION_VALUE, "on|off",
     "understand HTTP (default on); off: carry bytes of any protocol"},
    {"identity", KP_OPTION_VALUE, "none|headers|proxy-v2",
     "tell the upstream who was proved: by X-Remote-User and other fields of each request, or by "
     "PROXY protocol version 2 (default none)"},
    {"http-listen", KP_OPTION_LIST, "ADDR:PORT",
     "plain HTTP, as 0.0.0.0:80: what it gets is --transition's; repeats"},
    {"transition", KP_OPTION_VALUE, "strict|sniff|dual|same-port",
     "what other browsers get: an explanation; a notice and the plain page; other TLS on the "
     "second "
     "--listen; other TLS on the same port (default strict)"},
    {"other-tls", KP_OPTION_VALUE, "ADDR:PORT|unix:PATH",
     "the device's own HTTPS server, which gets other TLS untouched (dual, same-port)"},
    {"notice", KP_OPTION_VALUE, "FILE",
     "the device's own words for the pages that plain HTTP gets: a fragment of HTML"},
    {"workers", KP_OPTION_VALUE, "N", "threads that share the clients, 1 to 64 (default 1)"},
    {"tls", KP_OPTION_VALUE, "1.2|1.3|any",
     "versions of TLS that are taken: 1.2 with SRP, 1.3 with SPAKE2+ (default any)"},
    {"pake", KP_OPTION_VALUE, "ietf|boringssl|both",
     "forms of SPAKE2+ in TLS 1.3 that are taken (default both)"},
    {"handshake-timeout", KP_OPTION_VALUE, "S",
     "seconds that a client gets to prove itself (default 10)"},
    {"upstream-timeout", KP_OPTION_VALUE, "S",
     "seconds that the upstream gets to begin its answer to a request (default 60)"},
    {"idle-timeout", KP_OPTION_VALUE, "S",
     "seconds without a byte after which a connection is closed; 0: never (default 3600)"},
    {"head-timeout", KP_OPTION_VALUE, "S",
     "seconds that the head of a request gets once it has begun (default 30)"},
    {"max-connections", KP_OPTION_VALUE, "N",
     "when there are so many, who has proved nothing gives way (default 4096, less where "
     "descriptors or memory are few)"},
    {"max-per-source", KP_OPTION_VALUE, "N",
     "connections of one address (IPv6: of a /64) that have proved nothing; then its oldest gives "
     "way (default a quarter of --max-connections, at least 16)"},
    {"max-handshakes", KP_OPTION_VALUE, "N",
     "handshakes in progress; then the oldest of the address that has most gives way (default "
     "256, less where --max-connections is small)"},
    {"max-requests", KP_OPTION_VALUE, "N",
     "requests at the upstream at once; those above get a 503 page (default 256)"},
    {"throttle-file", KP_OPTION_VALUE, "FILE",
     "where failed guesses outlive a restart (default the credentials' path and .throttle)"},
    {"run-as", KP_OPTION_VALUE, "USER",
     "started as root: who to be once the ports are open (default the owner of the credentials)"},
    {"metrics", KP_OPTION_VALUE, "ADDR:PORT|unix:PATH",
     "counters for Prometheus, on loopback or a unix socket (default none)"},
    {"advertise", KP_OPTION_FLAG, NULL,
     "say on the network where it is (DNS-SD, by Avahi): everybody there reads the device id and "
     "the port"},
    {"check", KP_OPTION_FLAG, NULL,
     "look at the configuration and the credentials, say what is wrong, and end"},
    {"access-log", KP_OPTION_FLAG, NULL, "log a line for each request"},
    {"log-to", KP_OPTION_VALUE, "stderr|syslog",
     "where log lines go (default stderr); syslog: /dev/log"},
    {"log", KP_OPTION_VALUE, "text|json", "how log lines look (default text)"},
    {"quiet", KP_OPTION_FLAG, NULL, "log warnings and errors only; not with --access-log"},
    {"verbose", KP_OPTION_FLAG, NULL, "log also who came by ticket, and requests with their query"},
#ifdef KP_KEYLOG
    {"keylog", KP_OPTION_VALUE, "FILE", "append the secrets of connections to FILE (debugging)"},
#endif
    {NULL, KP_OPTION_FLAG, NULL, NULL},
};

static int open_keylog(struct kp_keylog *keylog, const struct kp_options *options)
{
#ifdef KP_KEYLOG
    const char *path = kp_options_get(options, "keylog");
#else
    const char *path = NULL;
    (void)options;
#endif
    int error = kp_keylog_open(keylog, path);
    if (error != 0)
        return kp_command_fail(KP_EXIT_FAILED, "--keylog: %s", strerror(-error));
    return KP_EXIT_DONE;
}

/* Where the words of a mistake go while the log has to tell them. */
static char mistake[512];

static void keep_mistake(const char *text)
{
    if (mistake[0] == '\0')
        (void)snprintf(mistake, sizeof mistake, "%s", text);
}

/* On SIGHUP: the command line as it was, and the configuration file as it is now. */
static int reread(void *arg, struct kp_front_rules *out, char *why, size_t why_len)
{
    struct kp_front_settings fresh = {0};
    struct kp_options options;
    int status = KP_EXIT_FAILED;
    mistake[0] = '\0';
    kp_command_divert(keep_mistake);
    if (kp_options_again(&options, arg) == 0)
        status = kp_serve_settings_take(&options, &fresh);
    kp_command_divert(NULL);
    if (mistake[0] != '\0')
        (void)snprintf(why, why_len, "%s", mistake);
    *out = fresh.rules;
    kp_serve_settings_forget(&fresh);
    kp_options_free(&options);
    return status == KP_EXIT_DONE ? 0 : -1;
}

/* ---- --check ------------------------------------------------------------------------------ */

static void say_problem(const char *problem)
{
    (void)kp_command_fail(KP_EXIT_FAILED, "%s", problem);
}

static const char *purpose(unsigned kind)
{
    if (kind & KP_DOOR_PLAIN)
        return kind & ~(unsigned)KP_DOOR_PLAIN ? "TLS and plain HTTP" : "plain HTTP";
    return kind & KP_DOOR_TLS ? "the password TLS" : "either TLS";
}

static void say_user(const struct kp_front_settings *s)
{
    const struct kp_confine_settings settings = {.run_as = s->run_as,
                                                 .credentials = s->credentials};
    struct kp_confine_user user;
    char why[256];
    if (kp_confine_who(&settings, &user, why, sizeof why) != 0)
        return;
    if (user.name != NULL)
        printf("user: %s, uid %lu\n", user.name, (unsigned long)user.uid);
    else
        printf("user: uid %lu, without a name\n", (unsigned long)user.uid);
}

static void say_terms(const struct kp_front_settings *s)
{
    static const char *const levels[] = {"errors", "warnings and errors", "info", "debug"};
    const struct kp_front_rules *r = &s->rules;
    printf("throttle file: %s%s\n", s->throttle_file != NULL ? s->throttle_file : s->credentials,
           s->throttle_file != NULL ? "" : KP_GUESSES_SUFFIX);
    printf("limits: %zu connections, %zu per source, %zu handshakes, %zu requests\n",
           r->max_connections, r->max_per_source, r->max_handshakes, r->max_requests);
    printf("log: %s to %s, %s%s\n", r->log.json ? "json" : "text",
           r->log.to_syslog ? "syslog" : "stderr", levels[r->log.level],
           r->access_log ? ", with requests" : "");
}

/* What would be served, for a person. */
static void say_fine(const struct kp_options *options, const struct kp_front_settings *s,
                     size_t users)
{
    const char *transition = kp_options_get(options, "transition");
    char text[KP_ADDRESS_TEXT_LEN];
    printf("the configuration is fine\n");
    for (size_t i = 0; i < s->door_count; i++)
        printf("listen: %s, %s\n", kp_address_text(&s->doors[i].address, text),
               purpose(s->doors[i].kind));
    printf("upstream: %s\n", kp_address_text(&s->rules.terms.upstream, text));
    printf("transition: %s\n", transition != NULL ? transition : "strict");
    if (s->rules.other_tls.len != 0)
        printf("other TLS: %s\n", kp_address_text(&s->rules.other_tls, text));
    if (s->metrics.len != 0)
        printf("metrics: %s\n", kp_address_text(&s->metrics, text));
    printf("credentials: %s, %zu user%s\n", s->credentials, users, users == 1 ? "" : "s");
    if (s->advertise)
        printf("advertised: the device id, versions of TLS and ports, to the whole network\n");
    say_user(s);
    say_terms(s);
}

/* status: of what the options themselves say. */
static int check(const struct kp_options *options, const struct kp_front_settings *s, int status)
{
    size_t users = 0;
    size_t problems;
    if (s->doors == NULL) /* it was said what is missing */
        return status;
    problems = kp_front_check(s, say_problem, &users);
    if (status != KP_EXIT_DONE)
        return status;
    if (problems > 0)
        return KP_EXIT_FAILED;
    say_fine(options, s, users);
    return fflush(stdout) == 0 && !ferror(stdout) ? KP_EXIT_DONE : KP_EXIT_FAILED;
}

/* It may come to be: so it is no reason not to start. */
static void warn_of_log(const struct kp_options *options, const struct kp_front_settings *s)
{
    char label[KP_OPTIONS_LABEL_LEN];
    int error = s->rules.log.to_syslog ? kp_log_sink_try_syslog() : 0;
    if (error != 0)
        kp_command_warn("%s syslog: nothing takes lines at /dev/log (%s): all are dropped until "
                        "something does",
                        kp_options_label(options, "log-to", 0, label), strerror(-error));
}

static int run(struct kp_options *options)
{
    struct kp_front_settings settings = {0};
    struct kp_keylog keylog = {.file = NULL};
    int status;
    kp_platform_tune_memory();
    status = kp_serve_settings_take(options, &settings);
    if (status == KP_EXIT_DONE)
        warn_of_log(options, &settings);
    if (settings.check) {
        status = check(options, &settings, status);
        kp_serve_settings_forget(&settings);
        return status;
    }
    if (status == KP_EXIT_DONE)
        status = open_keylog(&keylog, options);
    if (status == KP_EXIT_DONE) {
        char why[1024];
        settings.keylog = kp_keylog_function(&keylog);
        settings.keylog_arg = &keylog;
        settings.reread = reread;
        settings.reread_arg = options;
        settings.configured = kp_options_has(options, "config");
        if (kp_front_door_run(&settings, why, sizeof why) != 0)
            status = kp_command_fail(KP_EXIT_FAILED, "%s", why);
    }
    kp_keylog_close(&keylog);
    kp_serve_settings_forget(&settings);
    return status;
}

const struct kp_command kp_command_serve = {
    .name = "serve",
    .summary = "stand in front of a device's web server",
    .synopsis = "--listen ADDR:PORT --upstream ADDR:PORT|unix:PATH\n"
                "[--credentials FILE] [--config FILE] [OPTION...]",
    .about =
        "Takes TLS connections that prove the password of a user in the credentials file, and "
        "carries their HTTP requests to the web server behind it. Nothing reaches that server "
        "before the proof. The server should listen on loopback or a unix socket only.\n\n"
        "Browsers that can't do that yet are brought over by --transition: what --http-listen and "
        "TLS without a password get.\n\n"
        "Prints a line \"listening ADDR:PORT\" for each socket once it takes connections. A "
        "changed "
        "credentials file is in force within a second; SIGHUP loads it at once, and the "
        "configuration file. SIGTERM lets "
        "running connections finish for 10 seconds.",
    .options = table,
    .max_positionals = 0,
    .run = run,
};
