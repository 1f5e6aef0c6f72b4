/* What `serve` counts, as Prometheus reads it: see counters.h. */
#include "counters.h"

#include <stddef.h>

#define AT(field) offsetof(struct kp_counters, field)
#define SHAKE(version, result, label_version, label_result)                                        \
    {                                                                                              \
        "keyplate_handshakes_total", NULL, NULL,                                                   \
            "version=\"" label_version "\",result=\"" label_result "\"",                           \
            AT(handshakes) + ((version)*KP_SHAKE_COUNT + (result)) * sizeof(kp_count)              \
    }
#define SHAKES(version, label)                                                                     \
    SHAKE(version, KP_SHAKE_PROVED, label, "proved"),                                              \
        SHAKE(version, KP_SHAKE_RESUMED, label, "resumed"),                                        \
        SHAKE(version, KP_SHAKE_FAILED, label, "failed"),                                          \
        SHAKE(version, KP_SHAKE_REFUSED, label, "refused"),                                        \
        SHAKE(version, KP_SHAKE_BROKEN, label, "broken")
#define WORD_PLAIN_HTTP "plain-http"
#define WORD_NO_TLS "no-tls"
#define WORD_VERSION "version"
#define WORD_NO_PASSWORD "no-password"
#define WORD_NO_SCHEME "no-scheme"
#define WORD_OFFER "offer"
#define WORD_TICKET "ticket"
#define WORD_NO_ROOM "no-room"
#define REFUSED(index, label)                                                                      \
    {                                                                                              \
        "keyplate_refused_total", NULL, NULL, "reason=\"" label "\"",                              \
            AT(refused) + (index) * sizeof(kp_count)                                               \
    }
#define REQUESTS(index, label)                                                                     \
    {                                                                                              \
        "keyplate_requests_total", NULL, NULL, "code=\"" label "\"",                               \
            AT(requests) + (index) * sizeof(kp_count)                                              \
    }
#define LACK(index, label)                                                                         \
    {                                                                                              \
        "keyplate_lacks_total", NULL, NULL, "what=\"" label "\"",                                  \
            AT(lacks) + (index) * sizeof(kp_count)                                                 \
    }
#define FAILURE(index, label)                                                                      \
    {                                                                                              \
        "keyplate_request_failures_total", NULL, NULL, "reason=\"" label "\"",                     \
            AT(failures) + (index) * sizeof(kp_count)                                              \
    }

#define LIMIT(index, label)                                                                        \
    {                                                                                              \
        "keyplate_limit", NULL, NULL, "what=\"" label "\"",                                        \
            AT(limits) + (index) * sizeof(kp_count)                                                \
    }

/* Rows of one name stand together, behind the one that has its help and type. */
static const struct {
    const char *name;
    const char *type, *help; /* NULL: the row before has them */
    const char *labels;      /* NULL: none */
    size_t at;               /* of a kp_count in struct kp_counters; only with labels or help */
} table[] = {
    {"keyplate_connections", "gauge", "Connections of clients that are open.", NULL,
     AT(connections)},
    {"keyplate_connections_total", "counter", "Connections of clients that were accepted.", NULL,
     AT(connections_total)},
    {"keyplate_gave_way_total", "counter",
     "Connections that were closed to make room for new ones.", NULL, AT(gave_way)},
    {"keyplate_lacks_total", "counter", "Times that there was no room, by what was lacking.", NULL,
     0},
    LACK(0, "places"),
    LACK(1, "proved"),
    LACK(2, "working"),
    LACK(3, "source"),
    LACK(4, "handshakes"),
    LACK(5, "descriptors"),
    LACK(6, "memory"),
    LACK(7, "arithmetic"),
    LACK(8, "requests"),
    {"keyplate_limit", "gauge", "How many there may be, by what.", NULL, 0},
    LIMIT(KP_LIMIT_CONNECTIONS, "connections"),
    LIMIT(KP_LIMIT_PER_SOURCE, "per_source"),
    LIMIT(KP_LIMIT_HANDSHAKES, "handshakes"),
    LIMIT(KP_LIMIT_REQUESTS, "requests"),
    {"keyplate_handshakes_total", "counter", "Handshakes that ended, by how.", NULL, 0},
    SHAKES(KP_SHAKE_12, "1.2"),
    SHAKES(KP_SHAKE_13, "1.3"),
    SHAKES(KP_SHAKE_NONE, "none"),
    {"keyplate_guesses_total", "counter", "Guesses at a password, by whether they were judged.",
     NULL, 0},
    {"keyplate_guesses_total", NULL, NULL, "verdict=\"granted\"", AT(guesses_granted)},
    {"keyplate_guesses_total", NULL, NULL, "verdict=\"refused\"", AT(guesses_refused)},
    {"keyplate_refused_total", "counter", "Connections that were refused, by why.", NULL, 0},
    REFUSED(KP_REFUSED_PLAIN_HTTP, WORD_PLAIN_HTTP),
    REFUSED(KP_REFUSED_NO_TLS, WORD_NO_TLS),
    REFUSED(KP_REFUSED_VERSION, WORD_VERSION),
    REFUSED(KP_REFUSED_NO_PASSWORD, WORD_NO_PASSWORD),
    REFUSED(KP_REFUSED_NO_SCHEME, WORD_NO_SCHEME),
    REFUSED(KP_REFUSED_OFFER, WORD_OFFER),
    REFUSED(KP_REFUSED_TICKET, WORD_TICKET),
    REFUSED(KP_REFUSED_NO_ROOM, WORD_NO_ROOM),
    {"keyplate_requests_total", "counter", "Requests that were answered, by status.", NULL, 0},
    REQUESTS(0, "1xx"),
    REQUESTS(1, "2xx"),
    REQUESTS(2, "3xx"),
    REQUESTS(3, "4xx"),
    REQUESTS(4, "5xx"),
    {"keyplate_request_failures_total", "counter",
     "Requests that the upstream didn't answer, or not whole, by why.", NULL, 0},
    FAILURE(KP_FAILURE_UPSTREAM_DOWN, "upstream-down"),
    FAILURE(KP_FAILURE_BAD_ANSWER, "bad-answer"),
    FAILURE(KP_FAILURE_BAD_REQUEST, "bad-request"),
    FAILURE(KP_FAILURE_BUSY, "busy"),
    FAILURE(KP_FAILURE_FAILED, "failed"),
    FAILURE(KP_FAILURE_CUT, "cut"),
    {"keyplate_upstream_connections", "gauge", "Connections to the upstream that are open.", NULL,
     AT(upstream_connections)},
    {"keyplate_bytes_total", "counter", "Bytes of clients, when their connections ended.", NULL, 0},
    {"keyplate_bytes_total", NULL, NULL, "direction=\"in\"", AT(bytes_in)},
    {"keyplate_bytes_total", NULL, NULL, "direction=\"out\"", AT(bytes_out)},
    {"keyplate_credentials_users", "gauge", "Users in the credentials that are in force.", NULL,
     AT(users)},
    {"keyplate_credentials_loads_total", "counter", "Times that the credentials were read.", NULL,
     0},
    {"keyplate_credentials_loads_total", NULL, NULL, "result=\"loaded\"", AT(loads)},
    {"keyplate_credentials_loads_total", NULL, NULL, "result=\"failed\"", AT(failed_loads)},
    {"keyplate_log_lines_dropped_total", "counter", "Log lines that nobody took.", NULL,
     AT(lines_dropped)},
};

void kp_counters_request(struct kp_counters *c, unsigned status)
{
    if (status >= 100 && status < 600)
        kp_counted(&c->requests[status / 100 - 1]);
}

const char *kp_counters_refused(enum kp_refused why)
{
    static const char *const words[] = {
        [KP_REFUSED_PLAIN_HTTP] = WORD_PLAIN_HTTP, [KP_REFUSED_NO_TLS] = WORD_NO_TLS,
        [KP_REFUSED_VERSION] = WORD_VERSION,       [KP_REFUSED_NO_PASSWORD] = WORD_NO_PASSWORD,
        [KP_REFUSED_NO_SCHEME] = WORD_NO_SCHEME,   [KP_REFUSED_OFFER] = WORD_OFFER,
        [KP_REFUSED_TICKET] = WORD_TICKET,         [KP_REFUSED_NO_ROOM] = WORD_NO_ROOM,
    };
    return words[why];
}

static void write_head(struct kp_out *out, const char *name, const char *type, const char *help)
{
    kp_out_word(out, "# HELP ");
    kp_out_word(out, name);
    kp_out_word(out, " ");
    kp_out_word(out, help);
    kp_out_word(out, "\n# TYPE ");
    kp_out_word(out, name);
    kp_out_word(out, " ");
    kp_out_word(out, type);
    kp_out_word(out, "\n");
}

static void write_value(struct kp_out *out, const char *name, const char *labels, uint64_t value)
{
    kp_out_word(out, name);
    if (labels != NULL) {
        kp_out_word(out, "{");
        kp_out_word(out, labels);
        kp_out_word(out, "}");
    }
    kp_out_word(out, " ");
    kp_out_number(out, value);
    kp_out_word(out, "\n");
}

static void write_process(struct kp_out *out, const struct kp_counters_process *process)
{
    const struct {
        bool known;
        const char *name, *help;
        uint64_t value;
    } rows[] = {
        {process->knows_fds, "process_open_fds", "Open file descriptors.", process->fds},
        {process->knows_memory, "process_resident_memory_bytes", "Memory in use.", process->memory},
        {process->knows_start, "process_start_time_seconds",
         "When the process began, in seconds since 1970.", process->start},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!rows[i].known)
            continue;
        write_head(out, rows[i].name, "gauge", rows[i].help);
        write_value(out, rows[i].name, NULL, rows[i].value);
    }
}

void kp_counters_write(struct kp_out *out, const struct kp_counters *c,
                       const struct kp_counters_process *process)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        bool labelled = i + 1 < sizeof table / sizeof table[0] && table[i + 1].type == NULL;
        if (table[i].type != NULL)
            write_head(out, table[i].name, table[i].type, table[i].help);
        if (table[i].type == NULL || !labelled)
            write_value(
                out, table[i].name, table[i].labels,
                atomic_load((const kp_count *)(const void *)((const char *)c + table[i].at)));
    }
    write_process(out, process);
    write_head(out, "keyplate_build_info", "gauge", "The version, and always 1.");
    write_value(out, "keyplate_build_info", "version=\"" KP_VERSION "\"", 1);
}
