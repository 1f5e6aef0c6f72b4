/*
 * keyplate serve: its options and configuration file, checked and handed to the front door.
 */
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "device/front_door.h"
#include "device/plain_words.h"
#include "keylog.h"
#include "platform.h"

#define CREDENTIALS "/var/lib/keyplate/credentials"
#define HEAD_MS 30000       /* for the head of a request, once it has begun */
#define PLAIN_IDLE_MS 60000 /* --idle-timeout of those who proved nothing, at most */

/* The last row belongs to a later version: known, so that it can be answered in a sentence. */
static const struct kp_option table[] = {
    {"listen", KP_OPTION_LIST, "ADDR:PORT",
     "where clients connect, as 0.0.0.0:443 or [::]:443; port 0 picks a free one; repeats"},
    {"upstream", KP_OPTION_VALUE, "ADDR:PORT|unix:PATH", "the web server behind it, in plain HTTP"},
    {"credentials", KP_OPTION_VALUE, "FILE",
     "who may come in (default " CREDENTIALS "); see keyplate help passwd"},
    {"config", KP_OPTION_VALUE, "FILE", "an INI file whose keys are these options"},
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
    {"max-connections", KP_OPTION_VALUE, "N",
     "when there are so many, who has proved nothing gives way (default 4096, less where "
     "descriptors or memory are few)"},
    {"log", KP_OPTION_VALUE, "text|json", "how log lines on stderr look (default text)"},
    {"quiet", KP_OPTION_FLAG, NULL, "log warnings and errors only"},
    {"verbose", KP_OPTION_FLAG, NULL, "log more"},
#ifdef KP_KEYLOG
    {"keylog", KP_OPTION_VALUE, "FILE", "append the secrets of connections to FILE (debugging)"},
#endif
    {"advertise", KP_OPTION_FLAG, NULL, NULL},
    {NULL, KP_OPTION_FLAG, NULL, NULL},
};

static const char *const later[] = {"advertise"};

/* ---- The configuration file -------------------------------------------------------------- */

struct reading {
    struct kp_options *options;
    char why[KP_OPTIONS_WHY_LEN];
};

static int take_key(void *arg, const char *section, const char *name, const char *value)
{
    struct reading *r = arg;
    if (r->why[0] != '\0')
        return 0;
    if (section[0] != '\0' && strcmp(section, "serve") != 0)
        return 1; /* another command's */
    if (strcmp(name, "config") == 0) {
        snprintf(r->why, sizeof r->why, "a configuration file can't name another");
        return 0;
    }
    return kp_options_set(r->options, name, value, r->why) == 0;
}

static int read_config(struct kp_options *options)
{
    const char *path = kp_options_get(options, "config");
    struct reading reading = {.options = options};
    int line;
    if (path == NULL)
        return KP_EXIT_DONE;
    line = ini_parse(path, take_key, &reading);
    if (line == 0)
        return KP_EXIT_DONE;
    if (line < 0)
        return kp_command_fail(KP_EXIT_FAILED, "can't read the configuration %s: %s", path,
                               strerror(errno));
    return kp_command_misused("%s, line %d: %s", path, line,
                              reading.why[0] != '\0' ? reading.why
                                                     : "not a [section] or key = value");
}

/* ---- Checking ---------------------------------------------------------------------------- */

static int refuse_later(const struct kp_options *options)
{
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++)
        if (kp_options_has(options, later[i]))
            return kp_command_misused("--%s is not in this version", later[i]);
    return KP_EXIT_DONE;
}

/* The door of that address that there is already; port 0 is always another one. */
static struct kp_front_address *find_door(struct kp_front_address *doors, size_t count,
                                          const struct kp_address *address)
{
    for (size_t i = 0; kp_address_port(address) != 0 && i < count; i++)
        if (doors[i].address.len == address->len &&
            memcmp(&doors[i].address.where, &address->where, address->len) == 0)
            return &doors[i];
    return NULL;
}

static int add_doors(const struct kp_options *options, const char *name, unsigned first,
                     unsigned more, struct kp_front_address *doors, size_t *count)
{
    for (size_t i = 0; i < kp_options_count(options, name); i++) {
        const char *text = kp_options_item(options, name, i);
        unsigned kind = i == 0 ? first : more;
        struct kp_address address;
        struct kp_front_address *there;
        const char *why;
        if (kp_address_parse(&address, text, &why) != 0)
            return kp_command_misused("--%s %.100s: %s", name, text, why);
        there = find_door(doors, *count, &address);
        if (there != NULL && (there->kind & kind) != 0)
            return kp_command_misused("--%s %.100s is given twice", name, text);
        if (there != NULL)
            there->kind |= kind;
        else
            doors[(*count)++] = (struct kp_front_address){.address = address, .kind = kind};
    }
    return KP_EXIT_DONE;
}

static int take_listen(const struct kp_options *options, struct kp_front_settings *s)
{
    size_t most = kp_options_count(options, "listen") + kp_options_count(options, "http-listen");
    struct kp_front_address *doors = calloc(most > 0 ? most : 1, sizeof *doors);
    unsigned more = s->transition == KP_DUAL ? KP_DOOR_OTHER : KP_DOOR_TLS;
    int status;
    if (doors == NULL)
        return kp_command_fail(KP_EXIT_FAILED, "out of memory");
    s->doors = doors;
    if (kp_options_count(options, "listen") == 0)
        return kp_command_misused("--listen is missing: where clients connect, as 0.0.0.0:443");
    status = add_doors(options, "listen", KP_DOOR_TLS, more, doors, &s->door_count);
    if (status == KP_EXIT_DONE)
        status =
            add_doors(options, "http-listen", KP_DOOR_PLAIN, KP_DOOR_PLAIN, doors, &s->door_count);
    return status;
}

/* ---- The transition ---------------------------------------------------------------------- */

/* In dual, with one --listen, browsers are led to the other server itself. */
static bool is_within_reach(const struct kp_front_settings *s)
{
    const struct kp_address *other = &s->rules.other_tls;
    if (s->door_count > 1 && (s->doors[1].kind & KP_DOOR_OTHER))
        return true;
    return !kp_address_is_unix(other) &&
           (!kp_address_is_loopback(other) || kp_address_is_loopback(&s->doors[0].address));
}

static int check_transition(const struct kp_options *options, const struct kp_front_settings *s)
{
    bool other = kp_options_has(options, "other-tls");
    bool wants_other = s->transition == KP_DUAL || s->transition == KP_SAME_PORT;
    if (wants_other && !other)
        return kp_command_misused("--transition %s needs --other-tls: the device's HTTPS server, "
                                  "as 127.0.0.1:8443",
                                  kp_options_get(options, "transition"));
    if (other && !wants_other)
        return kp_command_misused("--other-tls is for --transition dual or same-port");
    if (s->transition == KP_SNIFF && !kp_options_has(options, "http-listen"))
        return kp_command_misused("--transition sniff needs --http-listen, as 0.0.0.0:80");
    if (s->transition == KP_SNIFF && !s->rules.http)
        return kp_command_misused("--transition sniff needs --http on");
    if (s->transition == KP_DUAL && !is_within_reach(s))
        return kp_command_misused("--transition dual needs a second --listen: the port where "
                                  "browsers reach the server of --other-tls");
    if (s->transition == KP_DUAL && s->door_count == 1)
        return kp_command_misused("--transition dual needs a second --listen, or --http-listen: "
                                  "nobody would be led to the server of --other-tls");
    if (kp_options_has(options, "notice") && !kp_options_has(options, "http-listen"))
        return kp_command_misused("--notice is for pages of --http-listen");
    return KP_EXIT_DONE;
}

static int take_words(const struct kp_options *options, struct kp_front_settings *s)
{
    const char *path = kp_options_get(options, "notice");
    const char *why;
    char *words;
    if (path == NULL)
        return KP_EXIT_DONE;
    if (kp_plain_words_read(&words, path, &why) != 0)
        return kp_command_fail(KP_EXIT_FAILED, "--notice %.200s: %s", path, why);
    s->words = words;
    return KP_EXIT_DONE;
}

static int take_server(const struct kp_options *options, const char *name, struct kp_address *out)
{
    const char *text = kp_options_get(options, name);
    const char *why;
    struct kp_host host;
    if (strstr(text, "://") != NULL)
        return kp_command_misused("--%s is written without http:// and path: 127.0.0.1:8080", name);
    if (strncmp(text, "unix:", 5) != 0 && kp_host_split(&host, text, strlen(text), NULL, &why) != 0)
        return kp_command_misused("--%s %.120s: %s", name, text, why);
    if (kp_address_find(out, text, &why) != 0)
        return kp_command_fail(KP_EXIT_FAILED, "--%s %.120s: %s", name, text, why);
    return KP_EXIT_DONE;
}

static int take_servers(const struct kp_options *options, struct kp_front_settings *s)
{
    int status;
    if (!kp_options_has(options, "upstream"))
        return kp_command_misused("--upstream is missing: the web server, as 127.0.0.1:8080");
    status = take_server(options, "upstream", &s->rules.terms.upstream);
    if (status == KP_EXIT_DONE && kp_options_has(options, "other-tls"))
        status = take_server(options, "other-tls", &s->rules.other_tls);
    s->rules.plain_terms.upstream = s->rules.terms.upstream;
    return status;
}

/* Two descriptors a connection, and some that no client can take; an eighth of the memory if all of
 * them stall in the middle of their longest message. */
static size_t sensible_connections(size_t descriptors)
{
    const size_t stalled = 40 * 1024;
    size_t own = descriptors > 128 ? 64 : descriptors / 2;
    size_t most = (descriptors - own) / 2 < 4096 ? (descriptors - own) / 2 : 4096;
    uint64_t memory = kp_platform_memory() / 8 / stalled;
    if (memory >= 64 && memory < most)
        most = (size_t)memory;
    return most;
}

static int take_numbers(const struct kp_options *options, struct kp_front_settings *s)
{
    char why[KP_OPTIONS_WHY_LEN];
    size_t descriptors = kp_platform_descriptors();
    size_t sensible = sensible_connections(descriptors);
    unsigned long workers, handshake, idle, answer, most;
    if (kp_options_number(options, "workers", 1, 64, 1, &workers, why) != 0 ||
        kp_options_number(options, "handshake-timeout", 1, 3600, 10, &handshake, why) != 0 ||
        kp_options_number(options, "upstream-timeout", 1, 86400, 60, &answer, why) != 0 ||
        kp_options_number(options, "idle-timeout", 0, 4000000, 3600, &idle, why) != 0 ||
        kp_options_number(options, "max-connections", 1, 1000000, sensible, &most, why) != 0)
        return kp_command_misused("%s", why);
    s->workers = (unsigned)workers;
    s->rules.handshake_ms = (uint32_t)handshake * 1000;
    s->rules.max_connections = most;
    s->rules.terms.head_ms = HEAD_MS;
    s->rules.terms.idle_ms = (uint32_t)idle * 1000;
    s->rules.terms.upstream_ms = (uint32_t)answer * 1000;
    s->rules.plain_terms = s->rules.terms;
    s->rules.plain_terms.head_ms = s->rules.handshake_ms;
    if (idle == 0 || s->rules.terms.idle_ms > PLAIN_IDLE_MS)
        s->rules.plain_terms.idle_ms = PLAIN_IDLE_MS;
    return KP_EXIT_DONE;
}

static int take_protocols(const struct kp_options *options, struct kp_front_settings *s)
{
    static const char *const versions[] = {"1.2", "1.3", "any", NULL};
    static const unsigned use[] = {KP_USE_TLS12, KP_USE_TLS13, KP_USE_TLS12 | KP_USE_TLS13};
    static const char *const forms[] = {"ietf", "boringssl", "both", NULL};
    static const unsigned pake[] = {KP_PAKE_IETF, KP_PAKE_BORINGSSL,
                                    KP_PAKE_IETF | KP_PAKE_BORINGSSL};
    char why[KP_OPTIONS_WHY_LEN];
    size_t version, form;
    if (kp_options_choice(options, "tls", versions, 2, &version, why) != 0 ||
        kp_options_choice(options, "pake", forms, 2, &form, why) != 0)
        return kp_command_misused("%s", why);
    s->rules.versions = use[version];
    s->rules.pake = pake[form];
    return KP_EXIT_DONE;
}

static int take_choices(const struct kp_options *options, struct kp_front_settings *s)
{
    static const char *const identities[] = {"none", "headers", "proxy-v2", NULL};
    static const char *const modes[] = {"strict", "sniff", "dual", "same-port", NULL};
    static const char *const ways[] = {"on", "off", NULL};
    static const char *const forms[] = {"text", "json", NULL};
    char why[KP_OPTIONS_WHY_LEN];
    size_t identity, form, mode, way;
    if (kp_options_choice(options, "identity", identities, 0, &identity, why) != 0 ||
        kp_options_choice(options, "transition", modes, 0, &mode, why) != 0 ||
        kp_options_choice(options, "http", ways, 0, &way, why) != 0 ||
        kp_options_choice(options, "log", forms, 0, &form, why) != 0)
        return kp_command_misused("%s", why);
    if (kp_options_has(options, "quiet") && kp_options_has(options, "verbose"))
        return kp_command_misused("--quiet and --verbose exclude each other");
    if (identity == KP_IDENTITY_HEADERS && way == 1)
        return kp_command_misused("--identity headers needs --http on");
    s->rules.identity = (uint8_t)identity;
    s->rules.http = way == 0;
    s->transition = (enum kp_transition)mode;
    s->rules.log.json = form == 1;
    s->rules.log.level = kp_options_has(options, "quiet")     ? KP_LOG_WARNING
                         : kp_options_has(options, "verbose") ? KP_LOG_DEBUG
                                                              : KP_LOG_INFO;
    return KP_EXIT_DONE;
}

static int check(struct kp_options *options, struct kp_front_settings *s)
{
    int status = read_config(options);
    if (status == KP_EXIT_DONE)
        status = refuse_later(options);
    if (status == KP_EXIT_DONE)
        status = take_choices(options, s);
    if (status == KP_EXIT_DONE)
        status = take_protocols(options, s);
    if (status == KP_EXIT_DONE)
        status = take_numbers(options, s);
    if (status == KP_EXIT_DONE)
        status = take_listen(options, s);
    if (status == KP_EXIT_DONE)
        status = take_servers(options, s);
    if (status == KP_EXIT_DONE)
        status = check_transition(options, s);
    if (status == KP_EXIT_DONE)
        status = take_words(options, s);
    s->credentials = kp_options_get(options, "credentials");
    if (s->credentials == NULL)
        s->credentials = CREDENTIALS;
    return status;
}

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

static void forget(struct kp_front_settings *s)
{
    free((void *)s->doors);
    free((void *)s->words);
}

/* On SIGHUP: the command line as it was, and the configuration file as it is now. */
static int reread(void *arg, struct kp_front_rules *out)
{
    struct kp_front_settings fresh = {0};
    struct kp_options options;
    int status = KP_EXIT_FAILED;
    if (kp_options_again(&options, arg) == 0)
        status = check(&options, &fresh);
    *out = fresh.rules;
    forget(&fresh);
    kp_options_free(&options);
    return status == KP_EXIT_DONE ? 0 : -1;
}

static int run(struct kp_options *options)
{
    struct kp_front_settings settings = {0};
    struct kp_keylog keylog = {.file = NULL};
    int status;
    kp_platform_tune_memory();
    status = check(options, &settings);
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
    forget(&settings);
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
