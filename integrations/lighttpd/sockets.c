/*
 * Which sockets are ours, by the configuration, and who may log in there.
 *
 * What isn't clear is refused: a socket that was meant to have TLS must not open without.
 */
#include "mod_keyplate.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array.h>
#include <configfile.h>
#include <log.h>
#include <plugin_config.h>

#define SAY(plugin, ...)                                                                           \
    log_error((plugin)->srv->errh, __FILE__, __LINE__, "keyplate: " __VA_ARGS__)
#define PREFIX "keyplate."
#define THROTTLE_SUFFIX ".throttle"

enum key { ENGINE, CREDENTIALS, THROTTLE_FILE, PROTOCOLS, TICKETS, SSL_ENGINE };

static const config_plugin_keys_t keys[] = {
    [ENGINE] = {CONST_STR_LEN("keyplate.engine"), T_CONFIG_BOOL, T_CONFIG_SCOPE_SOCKET},
    [CREDENTIALS] = {CONST_STR_LEN("keyplate.credentials"), T_CONFIG_STRING, T_CONFIG_SCOPE_SOCKET},
    [THROTTLE_FILE] = {CONST_STR_LEN("keyplate.throttle-file"), T_CONFIG_STRING,
                       T_CONFIG_SCOPE_SOCKET},
    [PROTOCOLS] = {CONST_STR_LEN("keyplate.protocols"), T_CONFIG_STRING, T_CONFIG_SCOPE_SOCKET},
    [TICKETS] = {CONST_STR_LEN("keyplate.tickets"), T_CONFIG_BOOL, T_CONFIG_SCOPE_SOCKET},
    /* lighttpd's own, to be told from ours. */
    [SSL_ENGINE] = {CONST_STR_LEN("ssl.engine"), T_CONFIG_BOOL, T_CONFIG_SCOPE_SOCKET},
    {NULL, 0, T_CONFIG_UNSET, T_CONFIG_SCOPE_UNSET},
};

/* ---- Reading ------------------------------------------------------------------------------ */

static const array *values_of(const struct kp_plugin *plugin, uint32_t at)
{
    return ((const data_config *)plugin->srv->config_context->data[at])->value;
}

/* lighttpd ignores keys that nobody knows: a misspelled one would leave a socket without TLS. */
static bool keys_are_known(const struct kp_plugin *plugin)
{
    for (uint32_t at = 0; at < plugin->sections_count; at++) {
        const array *values = values_of(plugin, at);
        for (uint32_t i = 0; i < values->used; i++) {
            const buffer *key = &values->data[i]->key;
            size_t known = 0;
            if (strncmp(key->ptr, PREFIX, sizeof(PREFIX) - 1) != 0)
                continue;
            while (keys[known].k != NULL && strcmp(keys[known].k, key->ptr) != 0)
                known++;
            if (keys[known].k == NULL) {
                SAY(plugin, "there is no key %s", key->ptr);
                return false;
            }
        }
    }
    return true;
}

static bool has_keys_of_ours(const array *values)
{
    for (uint32_t i = 0; i < values->used; i++) {
        if (strncmp(values->data[i]->key.ptr, PREFIX, sizeof(PREFIX) - 1) == 0)
            return true;
    }
    return false;
}

static bool says_engine(const array *values)
{
    return array_get_element_klen(values, keys[ENGINE].k, keys[ENGINE].klen) != NULL;
}

/* Who gives credentials meant to have TLS: whether or not is to be said, not guessed. */
static bool engine_is_said(const struct kp_plugin *plugin)
{
    bool everywhere = says_engine(values_of(plugin, 0)), somewhere = everywhere;
    for (uint32_t at = 1; at < plugin->sections_count; at++) {
        bool here = says_engine(values_of(plugin, at));
        somewhere = somewhere || here;
        if (!here && !everywhere && has_keys_of_ours(values_of(plugin, at))) {
            SAY(plugin, "a section has keys of ours, but no %s", keys[ENGINE].k);
            return false;
        }
    }
    if (!somewhere && has_keys_of_ours(values_of(plugin, 0)))
        SAY(plugin, "there are keys of ours, but no %s anywhere", keys[ENGINE].k);
    return somewhere || !has_keys_of_ours(values_of(plugin, 0));
}

/* As `keyplate serve --tls` names them. */
static bool read_versions(const struct kp_plugin *plugin, const char *text, unsigned *out)
{
    if (strcmp(text, "any") == 0)
        *out = 0;
    else if (strcmp(text, "1.2") == 0)
        *out = KP_USE_TLS12;
    else if (strcmp(text, "1.3") == 0)
        *out = KP_USE_TLS13;
    else {
        SAY(plugin, "%s is \"1.2\", \"1.3\" or \"any\", not \"%s\"", keys[PROTOCOLS].k, text);
        return false;
    }
    return true;
}

static bool take_value(const struct kp_plugin *plugin, const config_plugin_value_t *value,
                       struct kp_section *out)
{
    const char *text = "";
    if (keys[value->k_id].ktype == T_CONFIG_STRING && !buffer_is_blank(value->v.b))
        text = value->v.b->ptr;
    switch ((enum key)value->k_id) {
    case ENGINE:
        out->engine = value->v.u != 0;
        return true;
    case CREDENTIALS:
        out->credentials = text;
        return true;
    case THROTTLE_FILE:
        out->throttle_file = text;
        return true;
    case PROTOCOLS:
        return read_versions(plugin, text, &out->versions);
    case TICKETS:
        out->no_tickets = value->v.u == 0;
        return true;
    case SSL_ENGINE:
        out->certificate = value->v.u != 0;
        return true;
    }
    return true;
}

static bool opens_socket(uint32_t at)
{
    config_cond_info condition;
    if (at == 0)
        return true;
    config_get_config_cond_info(&condition, at);
    return condition.comp == COMP_SERVER_SOCKET && condition.cond == CONFIG_COND_EQ;
}

/* The values of one section; of those that open no socket ours are refused. */
static bool take_section(const struct kp_plugin *plugin, const config_plugin_value_t *values,
                         uint32_t at)
{
    for (; values->k_id != -1; values++) {
        if (!opens_socket(at)) {
            if (values->k_id == SSL_ENGINE)
                continue;
            SAY(plugin,
                "%s belongs to the whole file or to $SERVER[\"socket\"] == \"...\", and to "
                "no other condition",
                keys[values->k_id].k);
            return false;
        }
        if (!take_value(plugin, values, &plugin->sections[at]))
            return false;
    }
    return true;
}

/* What a section doesn't say is as in the global one, which is the first. */
static bool read_sections(const struct kp_plugin *plugin)
{
    const config_plugin_value_t *list = plugin->cvlist;
    int first = plugin->nconfig > 0 && list[0].v.u2[1] != 0 ? 0 : 1;
    if (first == 0 && !take_section(plugin, list + list[0].v.u2[0], 0))
        return false;
    for (uint32_t at = 1; at < plugin->sections_count; at++) {
        if (opens_socket(at))
            plugin->sections[at] = plugin->sections[0];
    }
    for (int i = 1; i < plugin->nconfig; i++) {
        if (!take_section(plugin, list + list[i].v.u2[0], (uint32_t)list[i].k_id))
            return false;
    }
    return true;
}

/* ---- Judging ------------------------------------------------------------------------------ */

static bool section_is_whole(const struct kp_plugin *plugin, const struct kp_section *section)
{
    if (section->certificate)
        SAY(plugin, "a socket has keyplate.engine and ssl.engine: disable one of them");
    else if (section->credentials == NULL || section->credentials[0] == '\0')
        SAY(plugin, "keyplate.credentials is missing: the file that keyplate passwd makes");
    else
        return true;
    return false;
}

/* Each would count guesses by itself, and open no ticket of another. */
static bool is_one_process(const struct kp_plugin *plugin)
{
    if (plugin->srv->srvconf.max_worker > 0)
        SAY(plugin, "server.max-worker must be 0: guesses at passwords are counted in one process");
    else if (config_feature_bool(plugin->srv, "server.graceful-restart-bg", 0))
        SAY(plugin, "server.graceful-restart-bg must be off: guesses at passwords are counted in "
                    "one process");
    else
        return true;
    return false;
}

/* In front of us it would believe fields that we remove; and by the PROXY protocol any client's
 * word on who and where it is, before its TLS begins. */
static bool nobody_speaks_for_clients(const struct kp_plugin *plugin)
{
    static const char proxy[] = "extforward.hap-PROXY";
    const array *modules = plugin->srv->srvconf.modules;
    bool ours_came = false;
    for (uint32_t i = 0; i < modules->used; i++) {
        const buffer *name = &((const data_string *)modules->data[i])->value;
        ours_came = ours_came || buffer_eq_slen(name, CONST_STR_LEN("mod_keyplate"));
        if (!ours_came && buffer_eq_slen(name, CONST_STR_LEN("mod_extforward"))) {
            SAY(plugin, "mod_extforward must stand behind mod_keyplate in server.modules");
            return false;
        }
    }
    for (uint32_t at = 0; at < plugin->sections_count; at++) {
        if (array_get_element_klen(values_of(plugin, at), proxy, sizeof(proxy) - 1) != NULL) {
            SAY(plugin, "%s can't be had beside keyplate.engine: clients would say who they are",
                proxy);
            return false;
        }
    }
    return true;
}

static bool judge_sections(const struct kp_plugin *plugin)
{
    bool any = false;
    for (uint32_t at = 0; at < plugin->sections_count; at++) {
        if (!plugin->sections[at].engine)
            continue;
        any = true;
        if (!section_is_whole(plugin, &plugin->sections[at]))
            return false;
    }
    return !any || (is_one_process(plugin) && nobody_speaks_for_clients(plugin));
}

bool kp_sockets_configure(struct kp_plugin *plugin)
{
    server *srv = plugin->srv;
    plugin->sections_count = srv->config_context->used;
    plugin->sections = calloc(plugin->sections_count, sizeof(*plugin->sections));
    if (plugin->sections == NULL || !keys_are_known(plugin) || !engine_is_said(plugin) ||
        !config_plugin_values_init(srv, plugin, keys, "mod_keyplate") || !read_sections(plugin) ||
        !judge_sections(plugin))
        return false;
    /* lighttpd knows this of ssl.engine alone. */
    if (plugin->sections[0].engine &&
        array_get_element_klen(values_of(plugin, 0), CONST_STR_LEN("server.port")) == NULL)
        srv->srvconf.port = 443;
    return true;
}

/* ---- Credentials -------------------------------------------------------------------------- */

static void say_line(void *arg, enum kp_tls_level level, const char *line)
{
    const struct kp_plugin *plugin = arg;
    SAY(plugin, "%s%s", level == KP_TLS_LOG_ERROR ? "error: " : "", line);
}

static const char *user_name(void)
{
    const struct passwd *user = getpwuid(geteuid());
    return user != NULL ? user->pw_name : "another";
}

static void throttle_path(const struct kp_section *section, char out[PATH_MAX])
{
    if (section->throttle_file != NULL)
        snprintf(out, PATH_MAX, "%s", section->throttle_file);
    else
        snprintf(out, PATH_MAX, "%s" THROTTLE_SUFFIX, section->credentials);
}

/* Whether lighttpd, which isn't root any more, can write there. */
static bool throttle_is_writable(const struct kp_plugin *plugin, const struct kp_section *section)
{
    char folder[PATH_MAX];
    throttle_path(section, folder);
    if (folder[0] == '\0')
        return true;
    char *slash = strrchr(folder, '/');
    if (slash == NULL)
        memcpy(folder, ".", 2);
    else
        slash[slash == folder] = '\0';
    if (access(folder, W_OK | X_OK) == 0)
        return true;
    SAY(plugin,
        "user %s can't write in %s, where guesses at passwords are counted (%s): chown it, "
        "or set keyplate.throttle-file",
        user_name(), folder, strerror(errno));
    return false;
}

/* Whether both names lead to one file. */
static bool same_file(const char *a, const char *b)
{
    struct stat a_file, b_file;
    if (strcmp(a, b) == 0)
        return true;
    return stat(a, &a_file) == 0 && stat(b, &b_file) == 0 && a_file.st_dev == b_file.st_dev &&
           a_file.st_ino == b_file.st_ino;
}

static bool same_options(const struct kp_section *a, const struct kp_section *b)
{
    char a_path[PATH_MAX], b_path[PATH_MAX];
    if (a->versions != b->versions || a->no_tickets != b->no_tickets)
        return false;
    throttle_path(a, a_path);
    throttle_path(b, b_path);
    return a->throttle_file == b->throttle_file || same_file(a_path, b_path);
}

/* One file of credentials is one server, which counts the guesses at all its sockets. */
static bool share_server(const struct kp_plugin *plugin, struct kp_section *section,
                         const struct kp_section *other)
{
    section->server = other->server;
    if (same_options(section, other))
        return true;
    SAY(plugin,
        "the sockets with %s differ in keyplate.protocols, keyplate.tickets or "
        "keyplate.throttle-file",
        section->credentials);
    return false;
}

static bool open_server(struct kp_plugin *plugin, struct kp_section *section)
{
    char why[512];
    struct kp_tls_server_options options = {
        .credentials = section->credentials,
        .throttle_file = section->throttle_file,
        .versions = section->versions,
        .no_tickets = section->no_tickets,
        .log = say_line,
        .log_arg = plugin,
    };
    if (!throttle_is_writable(plugin, section))
        return false;
    if (kp_tls_server_open(&section->server, &options, why, sizeof(why)) != 0) {
        SAY(plugin, "%s (lighttpd runs as user %s)", why, user_name());
        return false;
    }
    section->owns_server = true;
    return true;
}

/* With the server of an earlier section, or a new one. */
static bool give_server(struct kp_plugin *plugin, struct kp_section *section)
{
    char ours[PATH_MAX], theirs[PATH_MAX];
    throttle_path(section, ours);
    for (struct kp_section *other = plugin->sections; other < section; other++) {
        if (!other->owns_server)
            continue;
        if (same_file(section->credentials, other->credentials))
            return share_server(plugin, section, other);
        throttle_path(other, theirs);
        if (ours[0] != '\0' && same_file(ours, theirs)) {
            SAY(plugin, "%s and %s can't have one keyplate.throttle-file", section->credentials,
                other->credentials);
            return false;
        }
    }
    return open_server(plugin, section);
}

/* ---- Sockets ------------------------------------------------------------------------------ */

static bool copy_sockets(struct kp_plugin *plugin)
{
    const server_socket_array *sockets = &plugin->srv->srv_sockets;
    plugin->as_tls = calloc(sockets->used + 1, sizeof(*plugin->as_tls));
    if (plugin->as_tls == NULL)
        return false;
    for (uint32_t i = 0; i < sockets->used; i++) {
        plugin->as_tls[i] = *sockets->ptr[i];
        plugin->as_tls[i].is_ssl = 1;
    }
    return true;
}

/* Two sections with one address: lighttpd takes the first, and what the other says is lost. */
static bool has_socket(const struct kp_plugin *plugin, uint32_t at)
{
    const server_socket_array *sockets = &plugin->srv->srv_sockets;
    config_cond_info condition;
    for (uint32_t i = 0; i < sockets->used; i++) {
        if (sockets->ptr[i]->sidx == at)
            return true;
    }
    config_get_config_cond_info(&condition, at);
    SAY(plugin, "$SERVER[\"socket\"] == \"%s\" opened no socket: another one has its address",
        condition.string->ptr);
    return false;
}

/* A graceful restart keeps every socket open, and what no section names any more would be served by
 * the whole file's settings: one that had TLS, without.  Only server.bind's has that place. */
static bool no_socket_is_left_over(const struct kp_plugin *plugin)
{
    const server_socket_array *sockets = &plugin->srv->srv_sockets;
    const server_socket *last = NULL;
    unsigned count = 0;
    for (uint32_t i = 0; i < sockets->used; i++) {
        if (sockets->ptr[i]->sidx == 0) {
            last = sockets->ptr[i];
            count++;
        }
    }
    if (count <= 1 || plugin->srv->srvconf.systemd_socket_activation)
        return true;
    SAY(plugin,
        "a socket is open from before the restart that no section names any more (%u, %s the "
        "last): "
        "stop lighttpd and start it",
        count, last->srv_token->ptr);
    return false;
}

bool kp_sockets_open(struct kp_plugin *plugin)
{
    const server *srv = plugin->srv;
    bool checks_only = srv->srvconf.preflight_check || srv->sockets_disabled;
    for (uint32_t at = 0; at < plugin->sections_count; at++) {
        struct kp_section *section = &plugin->sections[at];
        if (!section->engine)
            continue;
        if (!give_server(plugin, section) || (at > 0 && !checks_only && !has_socket(plugin, at)))
            return false;
    }
    return (checks_only || no_socket_is_left_over(plugin)) && copy_sockets(plugin);
}

void kp_sockets_look(const struct kp_plugin *plugin)
{
    for (uint32_t at = 0; at < plugin->sections_count; at++) {
        if (plugin->sections[at].owns_server)
            kp_tls_server_look(plugin->sections[at].server);
    }
}

void kp_sockets_close(struct kp_plugin *plugin)
{
    for (uint32_t at = 0; at < plugin->sections_count; at++) {
        if (plugin->sections[at].owns_server)
            kp_tls_server_close(plugin->sections[at].server);
    }
    free(plugin->sections);
    free(plugin->as_tls);
}

const struct kp_section *kp_sockets_section(const struct kp_plugin *plugin,
                                            const server_socket *sock)
{
    const struct kp_section *section = &plugin->sections[sock->sidx];
    return section->engine ? section : NULL;
}

const server_socket *kp_sockets_as_tls(const struct kp_plugin *plugin, const server_socket *sock)
{
    const server_socket_array *sockets = &plugin->srv->srv_sockets;
    for (uint32_t i = 0; i < sockets->used; i++) {
        if (sockets->ptr[i] == sock)
            return &plugin->as_tls[i];
    }
    return sock;
}
