/* See tls_server.h. */
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE
#endif
#include "tls_server_inside.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "secret_file.h"

#define THROTTLE_SUFFIX ".throttle"
#define HANDSHAKE_SECONDS 30
#define STREAMS_MAX 256

bool kp_tls_server_prefers_tls12(const struct kp_tls_server *s)
{
    return s->settings.versions == (KP_USE_TLS12 | KP_USE_TLS13) &&
           kp_store_prefers_tls12(s->store);
}

/* ---- Credentials ------------------------------------------------------------------------- */

static int load(const struct kp_tls_server *s, struct kp_store **store, char *why, size_t why_len)
{
    struct kp_store_fault fault = {.line = 0};
    char *text;
    size_t len;
    int error = kp_secret_file_read(s->path, &text, &len, why, why_len);
    if (error != 0)
        return error;
    error = kp_store_parse(store, text, len, &fault);
    kp_secret_file_forget(text, len);
    if (error == KP_E_SYNTAX && fault.line > 0)
        snprintf(why, why_len, "%s, line %u: %s", s->path, fault.line, fault.why);
    else if (error != 0)
        snprintf(why, why_len, "%s: %s", s->path,
                 error == KP_E_SYNTAX ? fault.why : kp_error_text(error));
    return error;
}

static int make_context(const struct kp_tls_server *s, const struct kp_store *store,
                        struct kp_context **out)
{
    struct kp_settings settings = s->settings;
    settings.device_id = kp_store_device_id(store, &settings.device_id_len);
    return kp_context_new(out, &settings);
}

/* Puts a store in force, and the context that goes with it: NULL when the old one does. */
static void install(struct kp_tls_server *s, struct kp_store *store, struct kp_context *context)
{
    kp_store_free(s->store);
    s->store = store;
    s->generation++;
    if (context != NULL) {
        kp_context_free(s->context);
        s->context = context;
    }
    if (kp_store_prefers_tls12(store) && (s->settings.versions & KP_USE_TLS13))
        kp_tls_log_say(&s->log, KP_TLS_LOG_WARNING,
                       "some users have no TLS 1.3 half, so %s: set their passwords again with "
                       "`keyplate passwd change`",
                       s->settings.versions & KP_USE_TLS12
                           ? "clients that speak both versions get TLS 1.2, whoever they are"
                           : "they can't come in");
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool has_changed(struct kp_tls_server *s)
{
    struct stat now, before = s->seen;
    bool was_missing = s->missing;
    s->missing = stat(s->path, &now) != 0;
    if (s->missing)
        return !was_missing;
    s->seen = now;
    return was_missing || now.st_ino != before.st_ino || now.st_dev != before.st_dev ||
           now.st_size != before.st_size || !same_time(&now.st_mtim, &before.st_mtim) ||
           !same_time(&now.st_ctim, &before.st_ctim);
}

static bool same_device(const struct kp_store *a, const struct kp_store *b)
{
    size_t a_len, b_len;
    const uint8_t *a_id = kp_store_device_id(a, &a_len);
    const uint8_t *b_id = kp_store_device_id(b, &b_len);
    return a_len == b_len && memcmp(a_id, b_id, a_len) == 0;
}

static void reload(struct kp_tls_server *s, bool changed)
{
    struct kp_store *store = NULL;
    struct kp_context *context = NULL;
    char why[sizeof s->trouble] = "out of memory";
    int error = load(s, &store, why, sizeof why);
    if (error == 0 && !same_device(store, s->store))
        error = make_context(s, store, &context);
    if (error != 0 && store != NULL)
        snprintf(why, sizeof why, "%s", kp_error_text(error));
    if (error != 0) {
        kp_store_free(store);
        if (changed || !s->failed || strcmp(why, s->trouble) != 0)
            kp_tls_log_say(&s->log, KP_TLS_LOG_ERROR,
                           "the changed credentials can't be used, the old ones stay in force: %s",
                           why);
        memcpy(s->trouble, why, sizeof why);
    } else {
        kp_tls_log_say(&s->log, KP_TLS_LOG_INFO, "%s is in force", s->path);
        install(s, store, context);
    }
    s->failed = error != 0;
}

void kp_tls_server_look(struct kp_tls_server *s)
{
    bool changed = has_changed(s);
    if (changed || s->failed)
        reload(s, changed);
    kp_throttle_file_look(&s->throttle);
    kp_tls_stream_drop_late(s);
}

/* ---- Life -------------------------------------------------------------------------------- */

/* path, with suffix behind it, from the root on: a server that becomes a daemon changes its
 * folder.  NULL: no memory. */
static char *whole_path(const char *path, const char *suffix)
{
    char here[PATH_MAX] = "";
    char *out;
    size_t len;
    if (path[0] != '/' && getcwd(here, sizeof here) == NULL)
        here[0] = '\0';
    len = strlen(here) + strlen(path) + strlen(suffix) + 2;
    out = malloc(len);
    if (out != NULL)
        snprintf(out, len, "%s%s%s%s", here, here[0] != '\0' ? "/" : "", path, suffix);
    return out;
}

static int open_throttle(struct kp_tls_server *s, const char *file, char *why, size_t why_len)
{
    const char *fault;
    char *path = NULL;
    int error;
    if (file == NULL)
        path = whole_path(s->path, THROTTLE_SUFFIX);
    else if (file[0] != '\0')
        path = whole_path(file, "");
    snprintf(why, why_len, "out of memory");
    if (path == NULL && (file == NULL || file[0] != '\0'))
        return KP_E_MEMORY;
    fault = path != NULL ? kp_secret_file_place_fault(path) : NULL;
    if (fault != NULL) {
        snprintf(why, why_len, "%s can't keep the count of guesses: %s", path, fault);
        free(path);
        return KP_E_ARGUMENT;
    }
    error = kp_throttle_file_open(&s->throttle, path, &s->log);
    if (error != 0)
        snprintf(why, why_len, "%s", kp_error_text(error));
    return error;
}

static int copy_alpn(struct kp_tls_server *s, const char *const *alpn, size_t count)
{
    static const char *const http[] = {"http/1.1"};
    if (alpn == NULL || count == 0) {
        alpn = http;
        count = 1;
    }
    if (count > ALPN_MAX)
        return KP_E_ARGUMENT;
    for (size_t i = 0; i < count; i++) {
        s->alpn[i] = strdup(alpn[i]);
        if (s->alpn[i] == NULL)
            return KP_E_MEMORY;
    }
    s->settings.alpn = (const char *const *)s->alpn;
    s->settings.alpn_count = count;
    return 0;
}

static int take_options(struct kp_tls_server *s, const struct kp_tls_server_options *o)
{
    s->log = (struct kp_tls_log){.say = o->log, .arg = o->log_arg};
    s->handshake_seconds = o->handshake_seconds != 0 ? o->handshake_seconds : HANDSHAKE_SECONDS;
    s->streams_max = o->streams_max != 0 ? o->streams_max : STREAMS_MAX;
    s->settings = (struct kp_settings){
        .role = KP_SERVER,
        .versions = o->versions != 0 ? o->versions : KP_USE_TLS12 | KP_USE_TLS13,
        .pake = o->pake,
        .count_guesses = true,
        .no_tickets = o->no_tickets,
    };
    s->path = whole_path(o->credentials, "");
    return s->path != NULL ? copy_alpn(s, o->alpn, o->alpn_count) : KP_E_MEMORY;
}

/* Fills *s; what it began kp_tls_server_close ends. */
static int prepare(struct kp_tls_server *s, const struct kp_tls_server_options *options, char *why,
                   size_t why_len)
{
    struct kp_store *store = NULL;
    struct kp_context *context = NULL;
    int error = take_options(s, options);
    if (error == 0) {
        (void)has_changed(s);
        error = load(s, &store, why, why_len);
        if (error == KP_E_NOT_FOUND)
            snprintf(why, why_len, "%s is not there (make it with: keyplate passwd add)", s->path);
        if (error != 0)
            return error;
        error = make_context(s, store, &context);
    }
    if (error != 0) {
        kp_store_free(store);
        snprintf(why, why_len, "%s", kp_error_text(error));
        return error;
    }
    install(s, store, context);
    return open_throttle(s, options->throttle_file, why, why_len);
}

int kp_tls_server_open(struct kp_tls_server **out, const struct kp_tls_server_options *options,
                       char *why, size_t why_len)
{
    struct kp_tls_server *s;
    int error;
    *out = NULL;
    if (options->credentials == NULL || options->credentials[0] == '\0') {
        snprintf(why, why_len, "no credentials file is given");
        return KP_E_ARGUMENT;
    }
    s = calloc(1, sizeof *s);
    if (s == NULL) {
        snprintf(why, why_len, "out of memory");
        return KP_E_MEMORY;
    }
    error = prepare(s, options, why, why_len);
    if (error != 0)
        kp_tls_server_close(s);
    else
        *out = s;
    return error;
}

void kp_tls_server_close(struct kp_tls_server *s)
{
    if (s == NULL)
        return;
    kp_throttle_file_close(&s->throttle);
    kp_context_free(s->context);
    kp_store_free(s->store);
    for (size_t i = 0; i < ALPN_MAX; i++)
        free(s->alpn[i]);
    free(s->path);
    free(s);
}

/* ---- The hint ---------------------------------------------------------------------------- */

#define ID_JSON_MAX (6 * KP_DEVICE_ID_MAX + 1) /* each byte as \u00XX, and the NUL */
_Static_assert(ID_JSON_MAX + 128 <= KP_TLS_HINT_MAX, "the hint has room");

static void json_escape(char out[ID_JSON_MAX], const uint8_t *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] < 0x20) {
            out += snprintf(out, 7, "\\u%04x", text[i]);
            continue;
        }
        if (text[i] == '"' || text[i] == '\\')
            *out++ = '\\';
        *out++ = (char)text[i];
    }
    *out = '\0';
}

size_t kp_tls_server_hint(const struct kp_tls_server *s, unsigned port, char out[KP_TLS_HINT_MAX])
{
    /* Clients rely on what is told: one that was told of TLS 1.3 offers nothing less any more. */
    unsigned versions = kp_tls_server_prefers_tls12(s) ? KP_USE_TLS12 : s->settings.versions;
    char id[ID_JSON_MAX];
    size_t id_len;
    const uint8_t *bytes = kp_store_device_id(s->store, &id_len);
    json_escape(id, bytes, id_len);
    return (size_t)snprintf(out, KP_TLS_HINT_MAX,
                            "{\"keyplate\":1,\"versions\":[%s],\"port\":%u,\"device_id\":\"%s\"}\n",
                            versions == KP_USE_TLS12   ? "\"1.2\""
                            : versions == KP_USE_TLS13 ? "\"1.3\""
                                                       : "\"1.2\",\"1.3\"",
                            port, id);
}
