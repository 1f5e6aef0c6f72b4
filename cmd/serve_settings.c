/* The options of `keyplate serve` and its configuration file, checked: see serve_settings.h. */
#include "serve_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "command.h"
#include "config.h"
#include "device/plain_words.h"
#include "platform.h"

#define HEAD_S 30           /* for the head of a request, once it has begun */
#define HANDSHAKES 256      /* in progress, where there are connections enough */
#define BROWSER 16          /* connections that one opens at once */
#define REQUESTS 256        /* at the upstream */
#define PLAIN_IDLE_MS 60000 /* --idle-timeout of those who proved nothing, at most */

static int read_config(struct kp_options *options, struct kp_front_settings *s)
{
    static const struct kp_config_refusal refused[] = {{"check", "check is for the command line"},
                                                       {NULL, NULL}};
    const struct kp_config_plan plan = {.section = "serve", .refused = refused, .every = s->check};
    return kp_config_read(options, &plan);
}

/* ---- Checking ---------------------------------------------------------------------------- */

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
        char label[KP_OPTIONS_LABEL_LEN];
        unsigned kind = i == 0 ? first : more;
        struct kp_address address;
        struct kp_front_address *there;
        const char *why;
        kp_options_label(options, name, i, label);
        if (kp_address_parse(&address, text, &why) != 0)
            return kp_command_misused("%s %.100s: %s", label, text, why);
        there = find_door(doors, *count, &address);
        if (there != NULL && (there->kind & kind) != 0)
            return kp_command_misused("%s %.100s is given twice", label, text);
        if (there != NULL)
            there->kind |= kind;
        else
            doors[(*count)++] = (struct kp_front_address){.address = address, .kind = kind};
    }
    return KP_EXIT_DONE;
}

static int take_listen(struct kp_options *options, struct kp_front_settings *s)
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

static int check_transition(struct kp_options *options, struct kp_front_settings *s)
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

static int take_words(struct kp_options *options, struct kp_front_settings *s)
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
    char label[KP_OPTIONS_LABEL_LEN];
    const char *why;
    struct kp_host host;
    kp_options_label(options, name, 0, label);
    if (strstr(text, "://") != NULL)
        return kp_command_misused("%s is written without http:// and path: 127.0.0.1:8080", label);
    if (strncmp(text, "unix:", 5) != 0 && kp_host_split(&host, text, strlen(text), NULL, &why) != 0)
        return kp_command_misused("%s %.120s: %s", label, text, why);
    if (kp_address_find(out, text, &why) != 0)
        return kp_command_fail(KP_EXIT_FAILED, "%s %.120s: %s", label, text, why);
    return KP_EXIT_DONE;
}

static bool is_same_file(const char *one, const char *other)
{
    struct stat a, b;
    return strcmp(one, other) == 0 || (stat(one, &a) == 0 && stat(other, &b) == 0 &&
                                       a.st_dev == b.st_dev && a.st_ino == b.st_ino);
}

/* It is written over whatever stands there. */
static int take_files(struct kp_options *options, struct kp_front_settings *s)
{
    static const char *const names[] = {"config", "notice"};
    s->credentials = kp_options_get(options, "credentials");
    if (s->credentials == NULL)
        s->credentials = KP_SERVE_CREDENTIALS;
    s->throttle_file = kp_options_get(options, "throttle-file");
    s->run_as = kp_options_get(options, "run-as");
    if (s->throttle_file == NULL)
        return KP_EXIT_DONE;
    if (is_same_file(s->throttle_file, s->credentials))
        return kp_command_misused("--throttle-file is the file of the credentials: it has to be "
                                  "one of its own");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *path = kp_options_get(options, names[i]);
        if (path != NULL && is_same_file(s->throttle_file, path))
            return kp_command_misused(
                "--throttle-file is the file of --%s: it has to be one of its "
                "own",
                names[i]);
    }
    return KP_EXIT_DONE;
}

static int take_servers(struct kp_options *options, struct kp_front_settings *s)
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

static int take_times(struct kp_options *options, struct kp_front_settings *s)
{
    char why[KP_OPTIONS_WHY_LEN];
    unsigned long handshake, head, idle, answer;
    if (kp_options_number(options, "handshake-timeout", 1, 3600, 10, &handshake, why) != 0 ||
        kp_options_number(options, "head-timeout", 1, 3600, HEAD_S, &head, why) != 0 ||
        kp_options_number(options, "upstream-timeout", 1, 86400, 60, &answer, why) != 0 ||
        kp_options_number(options, "idle-timeout", 0, 4000000, 3600, &idle, why) != 0)
        return kp_command_misused("%s", why);
    s->rules.handshake_ms = (uint32_t)handshake * 1000;
    s->rules.terms.head_ms = (uint32_t)head * 1000;
    s->rules.terms.idle_ms = (uint32_t)idle * 1000;
    s->rules.terms.upstream_ms = (uint32_t)answer * 1000;
    s->rules.plain_terms = s->rules.terms;
    s->rules.plain_terms.head_ms = s->rules.handshake_ms;
    if (idle == 0 || s->rules.terms.idle_ms > PLAIN_IDLE_MS)
        s->rules.plain_terms.idle_ms = PLAIN_IDLE_MS;
    return KP_EXIT_DONE;
}

/* A share of what there may be in all; where that is little, as much as one browser wants. */
static size_t share(size_t all, size_t parts, size_t most)
{
    size_t least = all < BROWSER ? all : BROWSER;
    size_t part = all / parts < most ? all / parts : most;
    return part > least ? part : least;
}

static int take_limits(struct kp_options *options, struct kp_front_settings *s)
{
    char why[KP_OPTIONS_WHY_LEN];
    size_t sensible = sensible_connections(kp_platform_descriptors());
    unsigned long workers, most, source, handshakes, requests;
    if (kp_options_number(options, "workers", 1, 64, 1, &workers, why) != 0 ||
        kp_options_number(options, "max-connections", 1, 1000000, sensible, &most, why) != 0 ||
        kp_options_number(options, "max-per-source", 1, 1000000, share(most, 4, most), &source,
                          why) != 0 ||
        kp_options_number(options, "max-handshakes", 1, 100000, share(most, 4, HANDSHAKES),
                          &handshakes, why) != 0 ||
        kp_options_number(options, "max-requests", 1, 100000, REQUESTS, &requests, why) != 0)
        return kp_command_misused("%s", why);
    s->workers = (unsigned)workers;
    s->rules.max_connections = most;
    s->rules.max_per_source = source;
    s->rules.max_handshakes = handshakes;
    s->rules.max_requests = requests;
    return KP_EXIT_DONE;
}

/* Numbers tell what the vendor's web page is used for: nobody but this machine may ask. */
static int take_metrics(struct kp_options *options, struct kp_front_settings *s)
{
    const char *text = kp_options_get(options, "metrics");
    char label[KP_OPTIONS_LABEL_LEN];
    const char *why;
    if (text == NULL)
        return KP_EXIT_DONE;
    kp_options_label(options, "metrics", 0, label);
    if (strncmp(text, "unix:", 5) == 0) {
        if (kp_address_find(&s->metrics, text, &why) == 0)
            return KP_EXIT_DONE;
        return kp_command_misused("%s %.120s: %s", label, text, why);
    }
    if (kp_address_parse(&s->metrics, text, &why) != 0)
        return kp_command_misused("%s %.120s: a loopback address with its port is needed, as "
                                  "127.0.0.1:9469, or unix:/run/keyplate/metrics",
                                  label, text);
    if (!kp_address_is_loopback(&s->metrics))
        return kp_command_misused("%s %.120s: counters are for this machine alone: give a "
                                  "loopback address or unix:PATH",
                                  label, text);
    return KP_EXIT_DONE;
}

static int take_protocols(struct kp_options *options, struct kp_front_settings *s)
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

static int take_choices(struct kp_options *options, struct kp_front_settings *s)
{
    static const char *const identities[] = {"none", "headers", "proxy-v2", NULL};
    static const char *const modes[] = {"strict", "sniff", "dual", "same-port", NULL};
    static const char *const ways[] = {"on", "off", NULL};
    static const char *const forms[] = {"text", "json", NULL};
    static const char *const sinks[] = {"stderr", "syslog", NULL};
    char why[KP_OPTIONS_WHY_LEN];
    size_t identity, form, mode, way, sink;
    if (kp_options_choice(options, "identity", identities, 0, &identity, why) != 0 ||
        kp_options_choice(options, "transition", modes, 0, &mode, why) != 0 ||
        kp_options_choice(options, "http", ways, 0, &way, why) != 0 ||
        kp_options_choice(options, "log", forms, 0, &form, why) != 0 ||
        kp_options_choice(options, "log-to", sinks, 0, &sink, why) != 0)
        return kp_command_misused("%s", why);
    if (kp_options_has(options, "quiet") && kp_options_has(options, "verbose"))
        return kp_command_misused("--quiet and --verbose exclude each other");
    if (kp_options_has(options, "quiet") && kp_options_has(options, "access-log"))
        return kp_command_misused("--quiet and --access-log exclude each other");
    if (identity == KP_IDENTITY_HEADERS && way == 1)
        return kp_command_misused("--identity headers needs --http on");
    s->rules.identity = (uint8_t)identity;
    s->rules.http = way == 0;
    s->transition = (enum kp_transition)mode;
    s->advertise = kp_options_has(options, "advertise");
    s->rules.access_log = kp_options_has(options, "access-log");
    s->rules.log.json = form == 1;
    s->rules.log.to_syslog = sink == 1;
    s->rules.log.level = kp_options_has(options, "quiet")     ? KP_LOG_WARNING
                         : kp_options_has(options, "verbose") ? KP_LOG_DEBUG
                                                              : KP_LOG_INFO;
    return KP_EXIT_DONE;
}

typedef int step_fn(struct kp_options *options, struct kp_front_settings *s);

/* In the order in which they build on each other.  alone: only after all before went well, as what
 * it says would be noise. */
static const struct {
    step_fn *take;
    bool alone;
} steps[] = {
    {read_config, false},     {take_choices, false}, {take_protocols, false}, {take_times, false},
    {take_limits, false},     {take_metrics, false}, {take_listen, false},    {take_servers, false},
    {check_transition, true}, {take_words, false},   {take_files, false},
};

/* The first mistake ends it; --check goes on, as far as there is something to go on with. */
static int take_steps(struct kp_options *options, struct kp_front_settings *s)
{
    int worst = KP_EXIT_DONE;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        int status = steps[i].alone && worst != KP_EXIT_DONE ? worst : steps[i].take(options, s);
        if (worst == KP_EXIT_DONE)
            worst = status;
        if (worst != KP_EXIT_DONE && (!s->check || (i == 0 && worst == KP_EXIT_FAILED)))
            return worst; /* without the file all the rest would seem to be missing */
    }
    return worst;
}

int kp_serve_settings_take(struct kp_options *options, struct kp_front_settings *s)
{
    s->check = kp_options_has(options, "check");
    return take_steps(options, s);
}

void kp_serve_settings_forget(struct kp_front_settings *s)
{
    free((void *)s->doors);
    free((void *)s->words);
}
